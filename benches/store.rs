//! Compares a store in memory with one in Redis: what a turn of a bot on Digital Employee costs in calls of 1,
//! 10 and 100 turns, whose texts have 25 or 320 bytes, and what a call takes in Redis.
//!
//! It prints tables, of which the guide page "Several instances" has the figures for sizing. A turn is measured
//! alone, in memory, where nothing else runs, and over loopback, with 16 calls at once. CPU times are those
//! of the thread that serves, and of the main thread of Redis, on Linux. Each figure is the median of several
//! rounds; all subjects play in every round, since the speed of a machine drifts. A round has whole calls, but
//! not their ends.
//!
//! Redis is a `redis-server` on a free port. Without one, only the store in memory is measured. Without
//! `--bench`, each subject plays a few turns only.
#![allow(missing_docs)]

mod calls;
#[path = "../tests/support/missing.rs"]
mod missing;
#[allow(dead_code, reason = "tests do more with it")]
#[path = "../tests/support/redis.rs"]
mod redis;

use std::future::ready;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use axum::Router;
use callbot::bot::store::{RedisStore, Store};
use callbot::bot::{Host, Limits, MemoryStore};
use tokio::runtime::{Builder, Runtime};

use self::calls::{ANSWER, Caller, InMemory, Loopback, Play, Talker, median, serve};
use self::redis::Redis;

/// The calls of a subject.
#[derive(Clone, Copy)]
struct Case {
    /// The number of turns of a call.
    turns: u64,
    /// The length of what the bot says in a turn.
    bytes: usize,
}

const CASES: [Case; 6] = [
    Case { turns: 1, bytes: 25 },
    Case { turns: 10, bytes: 25 },
    Case { turns: 100, bytes: 25 },
    Case { turns: 1, bytes: 320 },
    Case { turns: 10, bytes: 320 },
    Case { turns: 100, bytes: 320 },
];

/// How much is played.
struct Effort {
    rounds: usize,
    /// The turns of each caller in a round.
    turns: u64,
    /// The calls whose memory is measured.
    calls: u64,
}

impl Effort {
    fn new() -> Self {
        // `cargo test` runs benchmarks without `--bench`, and `cargo bench -- --test` with both.
        let has = |wanted: &str| env::args().any(|argument| argument == wanted);
        if has("--bench") && !has("--test") {
            Self { rounds: 15, turns: 100, calls: 400 }
        } else {
            Self { rounds: 1, turns: 10, calls: 2 }
        }
    }
}

fn router(store: impl Store, bytes: usize) -> Router {
    // The whole history of the longest call.
    let limits = Limits::default().with_max_history_bytes(64 * 1024);
    let text = ANSWER.chars().cycle().take(bytes).collect();
    let host = Host::builder(Talker(text)).store(store).limits(limits).build();
    host.digital_employee().unwrap().router()
}

async fn redis_router(url: String, prefix: String, bytes: usize) -> Router {
    let store = RedisStore::connect(url, prefix).await.unwrap();
    router(store, bytes)
}

/// The CPU time of a thread.
struct Clock(PathBuf);

impl Clock {
    /// Returns the clock of the thread with this folder in `/proc`.
    fn new(thread: &Path) -> Self {
        Self(thread.join("schedstat"))
    }

    /// Returns the time in microseconds, or `NaN` where the system does not have it.
    fn micros(&self) -> f64 {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok());
        nanos.map_or(f64::NAN, |nanos| nanos / 1e3)
    }
}

/// Returns a number that Redis tells of itself.
fn info(redis: &Redis, name: &str) -> f64 {
    let all = redis.command(&["INFO"]);
    let value = all.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap().trim().parse().unwrap()
}

/// A store, and calls that are measured with it.
struct Subject<'a> {
    name: String,
    case: Case,
    alone: InMemory<'a>,
    together: Loopback,
    server: Clock,
    redis: Option<(&'a Redis, Clock)>,
    figures: Figures,
}

/// Figures of a turn in microseconds, one a round.
#[derive(Default)]
struct Figures {
    alone: Vec<f64>,
    alone_redis_cpu: Vec<f64>,
    together: Vec<f64>,
    server_cpu: Vec<f64>,
    redis_cpu: Vec<f64>,
}

impl<'a> Subject<'a> {
    fn new(runtime: &'a Runtime, redis: Option<&'a Redis>, case: Case) -> Self {
        let Case { turns, bytes } = case;
        let caller = Caller::new("alone", turns);
        let (store, router, served, redis) = match redis {
            None => {
                let router = || router(MemoryStore::new(), bytes);
                ("memory", router(), serve(ready(router())), None)
            }
            Some(redis) => {
                let router = |place: &str| {
                    redis_router(redis.url(), format!("{place}-{turns}-{bytes}"), bytes)
                };
                let process = format!("/proc/{}", info(redis, "process_id"));
                let redis = (redis, Clock::new(Path::new(&process)));
                ("Redis", runtime.block_on(router("alone")), serve(router("together")), Some(redis))
            }
        };
        Self {
            name: format!("{store}, {turns} × {bytes}"),
            case,
            alone: InMemory { runtime, router, caller },
            together: Loopback::new(served.address, turns),
            server: Clock::new(&served.thread.unwrap_or_default()),
            redis,
            figures: Figures::default(),
        }
    }

    /// Returns the CPU time of the server, and of Redis.
    fn clocks(&self) -> [f64; 2] {
        let redis = self.redis.as_ref().map_or(f64::NAN, |(_, clock)| clock.micros());
        [self.server.micros(), redis]
    }

    fn play(&mut self, turns: u64) {
        let before = self.clocks();
        let time = self.alone.turns(turns);
        let after = self.clocks();
        self.alone.end_calls();
        let count = turns as f64;
        self.figures.alone.push(time.as_secs_f64() * 1e6 / count);
        self.figures.alone_redis_cpu.push((after[1] - before[1]) / count);

        let before = self.clocks();
        let time = self.together.turns(turns);
        let after = self.clocks();
        self.together.end_calls();
        let count = (turns * self.together.callers()) as f64;
        self.figures.together.push(time.as_secs_f64() * 1e6 / count);
        self.figures.server_cpu.push((after[0] - before[0]) / count);
        self.figures.redis_cpu.push((after[1] - before[1]) / count);
    }

    /// Returns how many requests of a turn Redis reads, each at once. A turn waits for each of them, except
    /// for the entry of a new call in the index.
    fn requests(&mut self, turns: u64) -> Option<f64> {
        let (redis, _) = self.redis.as_ref()?;
        let before = info(redis, "total_reads_processed");
        self.alone.turns(turns);
        let reads = info(redis, "total_reads_processed") - before;
        self.alone.end_calls();
        Some(reads / turns as f64)
    }

    /// Returns the memory of a call in Redis after its last turn, in bytes.
    fn call_memory(&mut self, calls: u64) -> Option<f64> {
        let (redis, _) = self.redis.as_ref()?;
        redis.command(&["FLUSHALL"]);
        let before = info(redis, "used_memory");
        self.alone.turns(calls * self.case.turns);
        let memory = info(redis, "used_memory") - before;
        self.alone.end_calls();
        Some(memory / calls as f64)
    }
}

fn print(subjects: &mut [Subject<'_>], effort: &Effort) {
    let number = |value: f64, digits| {
        if value.is_nan() { "-".to_owned() } else { format!("{value:.digits$}") }
    };
    println!("turns a call × bytes of a text; times in µs a turn");
    println!(
        "{:20} {:>8} {:>9} {:>8} | {:>9} {:>8} {:>8} {:>13} | {:>10}",
        "",
        "alone",
        "Redis CPU",
        "requests",
        "16 calls",
        "CPU",
        "Redis CPU",
        "turns/s·core",
        "bytes/call"
    );
    for subject in subjects {
        let requests = subject.requests(effort.turns).unwrap_or(f64::NAN);
        let memory = subject.call_memory(effort.calls).unwrap_or(f64::NAN);
        let Figures { alone, alone_redis_cpu, together, server_cpu, redis_cpu } =
            std::mem::take(&mut subject.figures);
        let redis_cpu = median(redis_cpu);
        println!(
            "{:20} {:>8} {:>9} {:>8} | {:>9} {:>8} {:>8} {:>13} | {:>10}",
            subject.name,
            number(median(alone), 1),
            number(median(alone_redis_cpu), 1),
            number(requests, 1),
            number(median(together), 1),
            number(median(server_cpu), 1),
            number(redis_cpu, 1),
            number(1e6 / redis_cpu, 0),
            number(memory, 0),
        );
    }
}

fn main() {
    let effort = Effort::new();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let is_required = env::var_os("CALLBOT_REQUIRE_REDIS").is_some();
    let redis = match Command::new("redis-server").arg("--version").output() {
        Err(error) if !is_required => {
            println!("SKIPPED: the store in Redis: no redis-server: {error}");
            None
        }
        _ => Some(Redis::start()),
    };
    let stores = [Some(None), redis.as_ref().map(Some)];
    let subject = |redis| CASES.map(|case| Subject::new(&runtime, redis, case));
    let mut subjects: Vec<_> = stores.into_iter().flatten().flat_map(subject).collect();
    // Nothing is warm in the first round.
    for subject in &mut subjects {
        subject.play(effort.turns);
        subject.figures = Figures::default();
    }
    for _ in 0..effort.rounds {
        for subject in &mut subjects {
            subject.play(effort.turns);
        }
    }
    print(&mut subjects, &effort);
}
