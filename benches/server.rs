//! Compares the compiled server with a hand-written handler, in memory and over loopback.
#![allow(missing_docs)]

// Each benchmark uses a part of it.
#[allow(dead_code)]
mod shared;

use axum::Router;
use axum::body::Body;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use http::Request;
use tokio::runtime::Builder;
use tower_service::Service;

/// Sends a request to a router and reads the response frame by frame, as hyper does.
async fn in_memory(router: &mut Router, path: &str, body: &str) -> usize {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap();
    let mut frames = router.call(request).await.unwrap().into_body().into_data_stream();
    let mut bytes = 0;
    while let Some(frame) = frames.next().await {
        bytes += frame.unwrap().len();
    }
    bytes
}

async fn over_http(client: &reqwest::Client, url: &str, body: &str) -> usize {
    let request = client.post(url).header("content-type", "application/json").body(body.to_owned());
    request.send().await.unwrap().bytes().await.unwrap().len()
}

fn server(criterion: &mut Criterion) {
    // One thread for both ends, so that scheduling between threads is not measured.
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let calls = [
        ("unary", "/proxy/endSession", serde_json::to_string(&shared::end()).unwrap()),
        ("20 packets", "/proxy/dialogue", serde_json::to_string(&shared::turn()).unwrap()),
    ];
    let servers = [("compiled", shared::compiled()), ("by hand", shared::by_hand())];
    for (call, path, body) in &calls {
        let mut group = criterion.benchmark_group(format!("server, in memory, {call}"));
        group.throughput(Throughput::Elements(1));
        for (name, router) in &servers {
            group.bench_function(*name, |bencher| {
                let router = router.clone();
                bencher.to_async(&runtime).iter(|| {
                    let mut router = router.clone();
                    async move { in_memory(&mut router, path, body).await }
                });
            });
        }
        group.finish();
        let mut group = criterion.benchmark_group(format!("server, over loopback, {call}"));
        let client = shared::plain_client();
        for (name, router) in &servers {
            let url = runtime.block_on(shared::serve(router.clone())) + path;
            group.bench_function(*name, |bencher| {
                bencher.to_async(&runtime).iter(|| over_http(&client, &url, body));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, server);
criterion_main!(benches);
