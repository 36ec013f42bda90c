//! Compares the decoder of event streams with `sse-stream` and a plain scan for lines, on the same bytes.
#![allow(missing_docs)]

use bytes::Bytes;
use callbot::sse::Decoder;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::{FutureExt, StreamExt, stream};
use sse_stream::SseStream;

/// Returns about 1 MiB of packets, as a bot sends them, in chunks of `size` bytes.
fn chunks(size: usize) -> Vec<Bytes> {
    let mut all = String::new();
    let mut number = 0;
    while all.len() < 1 << 20 {
        number += 1;
        all.push_str(&format!(
            "data:{{\"requestId\":\"r-{number}\",\"httpStatusCode\":200,\"code\":\"OK\",\"data\":\
             {{\"streamEnd\":false,\"updatedTime\":1735787045000,\"sessionId\":\"s-1\",\
             \"answer\":\"One moment, 请稍等。\"}}}}\n\n"
        ));
    }
    all.into_bytes().chunks(size).map(Bytes::copy_from_slice).collect()
}

fn ours(chunks: &[Bytes]) -> usize {
    let mut decoder = Decoder::default();
    let mut sum = 0;
    for chunk in chunks {
        let mut rest: &[u8] = chunk;
        while let Some(event) = decoder.next(&mut rest).unwrap() {
            sum += event.data().len();
        }
    }
    sum
}

fn sse_stream(chunks: &[Bytes]) -> usize {
    let chunks = stream::iter(chunks.iter().cloned().map(Ok::<_, std::convert::Infallible>));
    let events = SseStream::from_bytes_stream(chunks);
    let sum = events.fold(0, |sum, event| {
        std::future::ready(sum + event.unwrap().data.map_or(0, |data| data.len()))
    });
    sum.now_or_never().unwrap()
}

/// Splits lines and takes the text after `data:`, which is correct for these bytes and few others.
fn plain_scan(chunks: &[Bytes]) -> usize {
    let (mut line, mut sum) = (Vec::new(), 0);
    for chunk in chunks {
        let mut rest: &[u8] = chunk;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let whole: &[u8] = if line.is_empty() {
                &rest[..end]
            } else {
                line.extend_from_slice(&rest[..end]);
                &line
            };
            sum += whole.strip_prefix(b"data:").map_or(0, <[u8]>::len);
            line.clear();
            rest = &rest[end + 1..];
        }
        line.extend_from_slice(rest);
    }
    sum
}

fn sse(criterion: &mut Criterion) {
    for size in [1_400, 16 * 1024] {
        let chunks = chunks(size);
        let bytes: usize = chunks.iter().map(Bytes::len).sum();
        assert_eq!(ours(&chunks), sse_stream(&chunks));
        assert_eq!(ours(&chunks), plain_scan(&chunks));
        let mut group = criterion.benchmark_group(format!("sse, chunks of {size} B"));
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function("callbot", |bencher| bencher.iter(|| ours(&chunks)));
        group.bench_function("sse-stream", |bencher| bencher.iter(|| sse_stream(&chunks)));
        group.bench_function("plain scan", |bencher| bencher.iter(|| plain_scan(&chunks)));
        group.finish();
    }
}

criterion_group!(benches, sse);
criterion_main!(benches);
