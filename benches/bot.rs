//! Compares a bot with a hand-written `Api` on Digital Employee, in memory and over loopback. Each turn says
//! a short text and ends. The bot is measured in calls of ten turns, and in calls with a thousand turns in
//! their history. With `--bench` it also prints two ratios, bot to `Api` and long calls to short ones, and the
//! memory of a call between its turns.
#![allow(missing_docs)]

mod calls;

use std::fs;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use callbot::bot::{Host, Limits, MemoryStore, Result};
use callbot::digital_employee::{self, Api, BeginSessionRequest, DialogueRequest};
use callbot::server::Error;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::{Builder, Runtime};

use self::calls::{ANSWER, Caller, InMemory, Loopback, Play, Talker, median, serve};

/// The number of turns of a short call.
const SHORT: u64 = 10;
/// The number of turns in the history of a long call.
const LONG: u64 = 1000;
/// The number of turns of a call that does not end.
const ENDLESS: u64 = u64::MAX;

/// What [`Talker`] does, without a bot: nothing is kept between turns, and nothing can cut a turn.
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

fn talker() -> Talker {
    Talker(ANSWER.to_owned())
}

fn by_hand() -> Router {
    digital_employee::router(ByHand)
}

fn bot() -> Router {
    let limits = Limits::default().with_max_history_bytes(1024 * 1024);
    let host =
        Host::builder(talker()).limits(limits.with_max_history_entries(LONG as usize)).build();
    host.digital_employee().unwrap().router()
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
        let served = serve(ready(router));
        (name, Box::new(Loopback::new(served.address, length)) as Box<dyn Play>)
    };
    routers().into_iter().map(subject).collect()
}

/// Returns each subject's name, its router, and the length of its calls.
fn routers() -> [(&'static str, Router, u64); 3] {
    let [api, short, long] = NAMES;
    [(api, by_hand(), SHORT), (short, bot(), SHORT), (long, bot(), ENDLESS)]
}

/// Plays at least `turns` turns, and returns the average time of one. Requests that end calls are not timed.
fn play(subject: &mut dyn Play, turns: u64) -> Duration {
    let round = SHORT * subject.callers();
    let rounds = turns.div_ceil(round);
    let mut time = Duration::ZERO;
    for _ in 0..rounds {
        time += subject.turns(SHORT);
        subject.end_calls();
    }
    time.div_f64((rounds * round) as f64)
}

/// Prints the time of a turn of each subject, and its ratio to the subject before it. All subjects play in
/// every round, since the speed of a machine drifts. The figures are medians of the rounds, so a few rounds in
/// which the machine is busy do not change them.
fn compare(place: &str, subjects: &mut [Subject<'_>], rounds: usize, turns: u64) {
    let mut micros = vec![Vec::new(); subjects.len()];
    for _ in 0..rounds {
        for ((_, subject), micros) in subjects.iter_mut().zip(&mut micros) {
            micros.push(play(subject.as_mut(), turns).as_secs_f64() * 1e6);
        }
    }
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
    let host = Host::builder(talker()).store(store.clone()).build();
    let mut router = host.digital_employee().unwrap().router();
    let before = resident();
    runtime.block_on(async {
        for call in 0..CALLS {
            let mut caller = Caller::new(format!("{call:06}"), ENDLESS);
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
                play(subject.as_mut(), Loopback::CONNECTIONS * LONG);
            }
            compare(place, &mut subjects, rounds, Loopback::CONNECTIONS * SHORT);
        }
        let mut group = criterion.benchmark_group(format!("bot, {place}"));
        group.throughput(Throughput::Elements(1));
        for (name, subject) in &mut subjects {
            group.bench_function(*name, |bencher| {
                bencher.iter_custom(|turns| play(subject.as_mut(), turns).mul_f64(turns as f64));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, bots);
criterion_main!(benches);
