//! Compares a bot with a hand-written `Api` on Digital Employee, in memory and over loopback. Each turn says
//! a short text and ends. The bot is measured in calls of ten turns, and in calls with a thousand turns in
//! their history. With `--bench` it also prints two ratios, bot to `Api` and long calls to short ones, and the
//! memory of a call between its turns.
#![allow(missing_docs)]

use std::fs;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use callbot::bot::{Bot, Call, Host, Input, Limits, MemoryStore, Reply, Result};
use callbot::digital_employee::{
    self, Api, BeginSessionRequest, DialogueRequest, DialogueRequestFields, EndSessionRequest,
    EndSessionRequestFields,
};
use callbot::server::Error;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use http::Request;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

const ANSWER: &str = "Your balance is 42 euros.";

/// The number of turns of a short call.
const SHORT: u64 = 10;
/// The number of turns in the history of a long call.
const LONG: u64 = 1000;

struct Talker;

impl Bot for Talker {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        reply.say(ANSWER).await
    }
}

/// The same without a bot: nothing is kept between turns, and nothing can cut a turn.
struct ByHand;

impl Api for ByHand {
    async fn begin_session(
        &self,
        _: BeginSessionRequest,
        _: &mut digital_employee::Reply,
    ) -> Result<(), Error> {
        // Each call begins with a turn.
        Err(Error::unsupported())
    }

    async fn dialogue(
        &self,
        _: DialogueRequest,
        reply: &mut digital_employee::Reply,
    ) -> Result<(), Error> {
        reply.finish(ANSWER).await
    }
}

fn by_hand() -> Router {
    digital_employee::router(ByHand)
}

fn bot() -> Router {
    let limits = Limits::default().with_max_history_bytes(1024 * 1024);
    let host = Host::builder(Talker).limits(limits.with_max_history_entries(LONG as usize)).build();
    host.digital_employee().unwrap().router()
}

/// How long the calls are.
#[derive(Clone, Copy, PartialEq)]
enum Length {
    /// They end after [`SHORT`] turns.
    Short,
    /// There is one call, with [`LONG`] turns in its history.
    Long,
}

/// A caller, who makes one call after the other.
struct Caller {
    name: String,
    length: Length,
    turns: u64,
}

impl Caller {
    fn new(name: impl Into<String>, length: Length) -> Self {
        Self { name: name.into(), length, turns: 0 }
    }

    fn call(&self) -> String {
        let number = if self.length == Length::Short { self.turns / SHORT } else { 0 };
        format!("b7a2c7e0-5d1c-4f0e-8a37-{}-{number}", self.name)
    }

    /// Returns the request of the next turn.
    fn turn(&mut self) -> String {
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
            tenant_id: 378_210,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: &self.call(),
            stream_id: &format!("turn-{}", self.turns),
            utterance: "What is my balance?",
        });
        self.turns += 1;
        serde_json::to_string(&request).unwrap()
    }

    /// Returns the request that ends the call, if it is over after the last turn.
    fn end(&self) -> Option<String> {
        (self.length == Length::Short && self.turns.is_multiple_of(SHORT)).then(|| {
            let last = Self { turns: self.turns - 1, ..Self::new(&self.name, self.length) };
            let request = EndSessionRequest::new(EndSessionRequestFields {
                request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
                tenant_id: 378_210,
                instance_id: "n1",
                script_id: "sc-1",
                session_id: &last.call(),
            });
            serde_json::to_string(&request).unwrap()
        })
    }
}

trait Play {
    /// Plays at least `turns` turns, and returns the average time of one. Requests that end calls are not
    /// timed.
    fn play(&mut self, turns: u64) -> Duration;
}

/// A router that is called in memory.
struct InMemory<'a> {
    runtime: &'a Runtime,
    router: Router,
    caller: Caller,
}

impl InMemory<'_> {
    async fn send(router: &mut Router, path: &str, body: String) -> usize {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body)).unwrap();
        let mut frames = router.call(request).await.unwrap().into_body().into_data_stream();
        let mut bytes = 0;
        while let Some(frame) = frames.next().await {
            bytes += frame.unwrap().len();
        }
        bytes
    }
}

impl Play for InMemory<'_> {
    fn play(&mut self, turns: u64) -> Duration {
        let Self { runtime, router, caller } = self;
        let mut time = Duration::ZERO;
        let rounds = turns.div_ceil(SHORT);
        runtime.block_on(async {
            for _ in 0..rounds {
                let requests: Vec<_> = (0..SHORT).map(|_| caller.turn()).collect();
                let start = Instant::now();
                for request in requests {
                    black_box(Self::send(router, "/proxy/dialogue", request).await);
                }
                time += start.elapsed();
                if let Some(end) = caller.end() {
                    Self::send(router, "/proxy/endSession", end).await;
                }
            }
        });
        time.div_f64((rounds * SHORT) as f64)
    }
}

/// A router that a thread serves on loopback, with connections in lockstep: all requests are written before
/// the first response is read, so that the server always has work.
struct Loopback {
    connections: Vec<(TcpStream, Caller)>,
}

impl Loopback {
    const CONNECTIONS: u64 = 16;

    fn new(address: SocketAddr, length: Length) -> Self {
        let connect = |number: u64| {
            let stream = TcpStream::connect(address).unwrap();
            stream.set_nodelay(true).unwrap();
            (stream, Caller::new(number.to_string(), length))
        };
        Self { connections: (0..Self::CONNECTIONS).map(connect).collect() }
    }

    fn write(stream: &mut TcpStream, path: &str, body: &str) {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bot.example\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
    }

    /// Reads a response, whose body ends with `end`.
    fn read(stream: &mut TcpStream, end: &[u8]) {
        let (mut buffer, mut length) = ([0; 4096], 0);
        while !buffer[..length].ends_with(end) {
            let read = stream.read(&mut buffer[length..]).unwrap();
            assert!(read > 0, "a response is cut short, or longer than expected");
            length += read;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"));
    }
}

impl Play for Loopback {
    fn play(&mut self, turns: u64) -> Duration {
        let mut time = Duration::ZERO;
        let rounds = turns.div_ceil(Self::CONNECTIONS);
        for _ in 0..rounds {
            let turns = self.connections.iter_mut();
            let requests: Vec<_> = turns.map(|(_, caller)| caller.turn()).collect();
            let start = Instant::now();
            for ((stream, _), request) in self.connections.iter_mut().zip(&requests) {
                Self::write(stream, "/proxy/dialogue", request);
            }
            for (stream, _) in &mut self.connections {
                Self::read(stream, b"\r\n0\r\n\r\n");
            }
            time += start.elapsed();
            for (stream, caller) in &mut self.connections {
                if let Some(end) = caller.end() {
                    Self::write(stream, "/proxy/endSession", &end);
                    Self::read(stream, b"}");
                }
            }
        }
        time.div_f64((rounds * Self::CONNECTIONS) as f64)
    }
}

/// Serves a router in a new thread.
fn serve(router: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            // The connections wait while others are measured.
            let serve = callbot::server::serve(listener, router);
            serve.head_timeout(Duration::from_secs(3600)).await.unwrap();
        });
    });
    address
}

/// What is measured: its name, and how to play turns of it.
type Subject<'a> = (&'static str, Box<dyn Play + 'a>);

const NAMES: [&str; 3] = ["Api", "bot, ten turns", "bot, a thousand turns"];

fn in_memory(runtime: &Runtime) -> Vec<Subject<'_>> {
    let subject = |(name, router, length)| {
        let caller = Caller::new("memory", length);
        (name, Box::new(InMemory { runtime, router, caller }) as Box<dyn Play>)
    };
    routers().into_iter().map(subject).collect()
}

fn over_loopback() -> Vec<Subject<'static>> {
    let subject = |(name, router, length)| {
        (name, Box::new(Loopback::new(serve(router), length)) as Box<dyn Play>)
    };
    routers().into_iter().map(subject).collect()
}

fn routers() -> [(&'static str, Router, Length); 3] {
    let [api, short, long] = NAMES;
    [(api, by_hand(), Length::Short), (short, bot(), Length::Short), (long, bot(), Length::Long)]
}

/// Prints the time of a turn of each subject, and its ratio to the subject before it. All subjects play in
/// every round, since the speed of a machine drifts. The figures are medians of the rounds, so a few rounds in
/// which the machine is busy do not change them.
fn compare(place: &str, subjects: &mut [Subject<'_>], rounds: usize, turns: u64) {
    let mut micros = vec![Vec::new(); subjects.len()];
    for _ in 0..rounds {
        for ((_, subject), micros) in subjects.iter_mut().zip(&mut micros) {
            micros.push(subject.play(turns).as_secs_f64() * 1e6);
        }
    }
    let median = |mut figures: Vec<f64>| {
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    for (index, (name, _)) in subjects.iter().enumerate() {
        let best = micros[index].iter().copied().fold(f64::INFINITY, f64::min);
        let usual = median(micros[index].clone());
        print!("a turn {place}, {name}: {usual:.1} µs, at best {best:.1} µs");
        if let Some(before) = index.checked_sub(1) {
            let ratios = micros[index].iter().zip(&micros[before]).map(|(own, other)| own / other);
            print!("; {:.2} times the {}", median(ratios.collect()), subjects[before].0);
        }
        println!();
    }
}

/// Returns the resident memory of this process in bytes, on Linux with pages of 4 KiB.
fn resident() -> Option<usize> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split_whitespace().nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Prints the memory of a call between its turns.
fn idle_memory(runtime: &Runtime) {
    const CALLS: u64 = 20_000;
    const TURNS: u64 = 3;
    let store = Arc::new(MemoryStore::new());
    let host = Host::builder(Talker).store(store.clone()).build();
    let mut router = host.digital_employee().unwrap().router();
    let before = resident();
    runtime.block_on(async {
        for call in 0..CALLS {
            let mut caller = Caller::new(format!("{call:06}"), Length::Long);
            for _ in 0..TURNS {
                InMemory::send(&mut router, "/proxy/dialogue", caller.turn()).await;
            }
        }
    });
    let counted = store.bytes() / CALLS as usize;
    print!("a call of {TURNS} turns between its turns: {counted} bytes as the store counts");
    if let Some((before, after)) = before.zip(resident()) {
        print!(", {} bytes of the process", after.saturating_sub(before) / CALLS as usize);
    }
    println!();
}

fn bots(criterion: &mut Criterion) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    // Without it, `cargo test` runs each benchmark once.
    let measures = std::env::args().any(|argument| argument == "--bench");
    if measures {
        idle_memory(&runtime);
    }
    let places = [("in memory", in_memory(&runtime), 151), ("over loopback", over_loopback(), 101)];
    for (place, mut subjects, rounds) in places {
        if measures {
            for (_, subject) in &mut subjects {
                subject.play(Loopback::CONNECTIONS * LONG);
            }
            compare(place, &mut subjects, rounds, Loopback::CONNECTIONS * SHORT);
        }
        let mut group = criterion.benchmark_group(format!("bot, {place}"));
        group.throughput(Throughput::Elements(1));
        for (name, subject) in &mut subjects {
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|turns| subject.play(turns).mul_f64(turns as f64));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bots);
criterion_main!(benches);
