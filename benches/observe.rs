//! Measures what it costs a turn to be observed: one turn of a bot on Digital Employee, in memory, with nothing
//! that listens, with an observer that does nothing, with metrics, and with spans that nothing collects.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
use callbot::digital_employee::{DialogueRequest, DialogueRequestFields};
use callbot::observe::{BUCKETS_SECONDS, Event, Metrics, Observer};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;
use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;

/// The number of texts that the bot sends in a turn.
const TEXTS: usize = 5;

struct Talker;

impl Bot for Talker {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        for _ in 0..TEXTS {
            reply.say("Ten words or so are what a model gives out. ").await?;
            reply.flush().await?;
        }
        Ok(())
    }
}

/// An observer that only looks at the event.
struct Idle;

impl Observer for Idle {
    fn observe(&self, event: &Event<'_>) {
        black_box(event);
    }
}

/// A bot that is served, and the subscriber of its traces.
struct Served {
    name: &'static str,
    router: Router,
    subscriber: Dispatch,
    turns: u64,
}

impl Served {
    fn new(name: &'static str, host: &Host<Talker>) -> Self {
        let router = host.digital_employee().unwrap().router();
        Self { name, router, subscriber: Dispatch::none(), turns: 0 }
    }

    /// Plays the next turn of its call and returns the bytes of the answer.
    async fn turn(&mut self) -> usize {
        self.turns += 1;
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
            tenant_id: 378_210,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: "b7a2c7e0-5d1c-4f0e-8a37-2f9c64d10001",
            stream_id: &format!("turn-{}", self.turns),
            utterance: "What is the balance of my account?",
        });
        let request = Request::post("/proxy/dialogue")
            .header("content-type", "application/json")
            .body(Body::from(serde_json::to_string(&request).unwrap()))
            .unwrap();
        let mut frames = self.router.call(request).await.unwrap().into_body().into_data_stream();
        let mut bytes = 0;
        while let Some(frame) = frames.next().await {
            bytes += frame.unwrap().len();
        }
        bytes
    }

    /// Plays turns, and returns how long they took.
    fn turns(&mut self, runtime: &Runtime, count: u64) -> Duration {
        let _guard = tracing::dispatcher::set_default(&self.subscriber);
        runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..count {
                black_box(self.turn().await);
            }
            start.elapsed()
        })
    }
}

/// Prints what each costs beside the first. They play in turn, since the speed of a machine drifts by more
/// than the few per cent that are looked for, and the median of the rounds stays where a busy machine delays
/// some of them.
fn compare(runtime: &Runtime, served: &mut [Served]) {
    const ROUNDS: usize = 301;
    const TURNS: u64 = 40;
    let mut ratios = vec![Vec::new(); served.len()];
    for _ in 0..ROUNDS {
        let times: Vec<_> = served.iter_mut().map(|one| one.turns(runtime, TURNS)).collect();
        for (ratios, time) in ratios.iter_mut().zip(&times) {
            ratios.push(time.as_secs_f64() / times[0].as_secs_f64());
        }
    }
    for (one, ratios) in served.iter().zip(&mut ratios) {
        ratios.sort_by(f64::total_cmp);
        let per_cent = (ratios[ROUNDS / 2] - 1.0) * 100.0;
        println!("a turn, {}: {per_cent:+.1} % beside nothing that listens", one.name);
    }
}

fn observe(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS_SECONDS).unwrap();
    recorder.install_recorder().unwrap();
    let host = || Host::builder(Talker);
    let mut served = [
        Served::new("nothing listens", &host().build()),
        // The same twice: how far two equal ones differ is how exact the figures are.
        Served::new("nothing listens, again", &host().build()),
        Served::new("an observer that does nothing", &host().observer(Idle).build()),
        Served::new("metrics", &host().observer(Metrics::new()).build()),
        Served::new("spans that nothing collects", &host().build()),
    ];
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::ERROR);
    served[4].subscriber = subscriber.with_writer(std::io::sink).finish().into();

    let mut group = criterion.benchmark_group("observe, a turn");
    group.throughput(Throughput::Elements(1));
    for one in &mut served {
        group.bench_function(one.name, |bencher| {
            bencher.iter_custom(|count| one.turns(&runtime, count));
        });
    }
    group.finish();
    // Without it, `cargo test` runs each benchmark once.
    if std::env::args().any(|argument| argument == "--bench") {
        compare(&runtime, &mut served);
    }
}

criterion_group!(benches, observe);
criterion_main!(benches);
