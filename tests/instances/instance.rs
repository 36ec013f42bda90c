//! An instance of the bot as a process: what it does, and how a test controls it.

use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::bot::store::RedisStore;
use callbot::bot::{Budget, Host, Limits, Platform};
use callbot::server::serve as serve_router;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::actor::Actor;
use crate::line::{LONG, Line};

/// What an instance is told at its start.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The URL of Redis; without one, calls are kept in the process.
    pub redis: Option<String>,
    /// The version of the bot's memory, 0 or 1.
    pub version: u32,
    /// The limit for the first packet.
    pub first_packet: Duration,
    pub idle_timeout: Option<Duration>,
    pub end_timeout: Option<Duration>,
    pub slow_end: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            redis: None,
            version: 0,
            // Far longer than the platform's, for machines that are busy.
            first_packet: Duration::from_secs(5),
            idle_timeout: None,
            end_timeout: None,
            slow_end: Duration::ZERO,
        }
    }
}

/// The variable with the settings of an instance.
const SETTINGS: &str = "CALLBOT_TEST_INSTANCE";

#[test]
#[ignore = "the process of an instance, which the other tests start"]
fn serve() {
    let Ok(settings) = std::env::var(SETTINGS) else { return };
    let settings: Settings = serde_json::from_str(&settings).unwrap();
    // The test holds the other end: the instance ends with it, even if it is killed.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).init();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        match settings.version {
            0 => run::<0>(settings).await,
            1 => run::<1>(settings).await,
            other => panic!("no bot has version {other}"),
        }
    });
}

async fn run<const V: u32>(settings: Settings) {
    let mut limits = Limits::default();
    if let Some(time) = settings.idle_timeout {
        limits = limits.with_idle_timeout(time);
    }
    if let Some(time) = settings.end_timeout {
        limits = limits.with_end_timeout(time);
    }
    let budget = Budget::DIGITAL_EMPLOYEE.with_first_packet(Some(settings.first_packet));
    let host = Host::builder(Actor::<V> { slow_end: settings.slow_end })
        .limits(limits)
        .budget(Platform::DigitalEmployee, budget);
    let host = match settings.redis {
        None => host,
        Some(url) => host.store(RedisStore::connect(&url, "test").await.unwrap()),
    };
    let host = host.build();
    let router = host.digital_employee().unwrap().router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("LISTENING http://{}", listener.local_addr().unwrap());
    serve_router(listener, router).host(&host).await.unwrap();
}

/// A running instance.
pub(crate) struct Instance {
    child: Child,
    pub(crate) line: Line,
    events: watch::Receiver<Vec<String>>,
    log: Arc<Mutex<String>>,
}

impl Instance {
    pub(crate) async fn start(settings: &Settings) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            // With one thread, the name of the test would precede the first line.
            .args(["--exact", "instance::serve", "--ignored", "--nocapture", "--test-threads=2"])
            .env(SETTINGS, serde_json::to_string(settings).unwrap())
            .env("RUST_LOG", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let log = Arc::<Mutex<String>>::default();
        let logged = log.clone();
        read_lines(child.stderr.take().unwrap(), move |line| {
            let mut log = logged.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        });
        let (events, seen) = watch::channel(Vec::new());
        let (url, mut found) = watch::channel(None);
        read_lines(child.stdout.take().unwrap(), move |line| {
            if let Some((_, address)) = line.split_once("LISTENING ") {
                url.send_replace(Some(address.to_owned()));
            }
            if let Some((_, event)) = line.split_once("EVENT ") {
                events.send_modify(|events| events.push(event.to_owned()));
            }
        });
        let url = timeout(LONG, found.wait_for(Option::is_some)).await;
        let url = match url {
            Ok(Ok(url)) => url.clone().unwrap(),
            _ => panic!("the instance does not start: {}", log.lock().unwrap()),
        };
        Self { child, line: Line::new(&url), events: seen, log }
    }

    /// Returns the events of a call, in order.
    pub(crate) fn events(&self, call: &str) -> Vec<String> {
        let head = format!("{call} ");
        let events = self.events.borrow();
        events.iter().filter_map(|event| event.strip_prefix(&head)).map(Into::into).collect()
    }

    /// Waits for an event of a call.
    pub(crate) async fn until(&self, call: &str, event: &str) {
        let event = format!("{call} {event}");
        let mut events = self.events.clone();
        let found = timeout(LONG, events.wait_for(|events| events.contains(&event))).await;
        assert!(
            matches!(found, Ok(Ok(_))),
            "no {event:?}: {:?}\n{}",
            self.events(call),
            self.log()
        );
    }

    /// Returns the log so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until a line of the log has all of `parts`.
    pub(crate) async fn until_logged(&self, parts: &[&str]) {
        let begin = tokio::time::Instant::now();
        while !self.log().lines().any(|line| parts.iter().all(|part| line.contains(part))) {
            assert!(begin.elapsed() < LONG, "no {parts:?} in the log:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the instance, like a crash.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) fn freeze(&self) {
        signal(self.child.id().unwrap(), "STOP");
    }

    pub(crate) fn thaw(&self) {
        signal(self.child.id().unwrap(), "CONT");
    }
}

fn read_lines(
    from: impl AsyncRead + Send + Unpin + 'static,
    mut each: impl FnMut(String) + Send + 'static,
) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            each(line);
        }
    });
}

/// Sends a signal to a process.
fn signal(process: u32, name: &str) {
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &process.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}
