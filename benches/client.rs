//! Compares the compiled client with bare reqwest and serde_json, against one server over loopback.
#![allow(missing_docs)]

// Each benchmark uses a part of it.
#[allow(dead_code)]
mod shared;

use std::time::Duration;

use callbot::digital_employee::{Acknowledgement, Client, Packet};
use criterion::{Criterion, criterion_group, criterion_main};
use futures_util::StreamExt;
use tokio::runtime::Builder;

async fn compiled_unary(client: &Client) -> Acknowledgement {
    client.end_session(&shared::end()).await.unwrap().into_inner()
}

async fn bare_unary(client: &reqwest::Client, url: &str) -> Acknowledgement {
    let request = client.post(format!("{url}/proxy/endSession")).json(&shared::end());
    // The compiled client has a deadline, so this call needs one for a fair comparison.
    let request = request.timeout(Duration::from_secs(10));
    let body = request.send().await.unwrap().bytes().await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

async fn compiled_stream(client: &Client) -> usize {
    let packets = client.dialogue(&shared::turn()).await.unwrap();
    packets.fold(0, |count, packet| std::future::ready(count + usize::from(packet.is_ok()))).await
}

/// Reads the stream with a plain scan for lines, as hand-written code would.
async fn bare_stream(client: &reqwest::Client, url: &str) -> usize {
    let request = client.post(format!("{url}/proxy/dialogue")).json(&shared::turn());
    let mut body = request.send().await.unwrap().bytes_stream();
    let (mut buffer, mut count) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        buffer.extend_from_slice(&chunk.unwrap());
        while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<_> = buffer.drain(..end + 2).collect();
            let _: Packet = serde_json::from_slice(&event["data:".len()..end]).unwrap();
            count += 1;
        }
    }
    count
}

fn client(criterion: &mut Criterion) {
    // One thread for both ends, so that scheduling between threads is not measured.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let url = runtime.block_on(shared::serve(shared::by_hand()));
    let compiled = Client::new(&url).unwrap();
    let bare = shared::plain_client();
    assert_eq!(runtime.block_on(compiled_stream(&compiled)), 20);
    assert_eq!(runtime.block_on(bare_stream(&bare, &url)), 20);
    let mut group = criterion.benchmark_group("client, unary");
    group.bench_function("compiled", |bencher| {
        bencher.to_async(&runtime).iter(|| compiled_unary(&compiled));
    });
    group.bench_function("bare reqwest", |bencher| {
        bencher.to_async(&runtime).iter(|| bare_unary(&bare, &url));
    });
    group.finish();
    let mut group = criterion.benchmark_group("client, 20 packets");
    group.bench_function("compiled", |bencher| {
        bencher.to_async(&runtime).iter(|| compiled_stream(&compiled));
    });
    group.bench_function("bare reqwest", |bencher| {
        bencher.to_async(&runtime).iter(|| bare_stream(&bare, &url));
    });
    group.finish();
}

criterion_group!(benches, client);
criterion_main!(benches);
