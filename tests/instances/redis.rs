//! A Redis of a test's own.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::instance::signal;

/// A Redis on a free port, which ends with the test.
pub(crate) struct Redis {
    child: Child,
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    /// Whether it writes each command to its disk.
    appends: bool,
}

impl Redis {
    /// Starts a Redis that keeps nothing when it ends.
    pub(crate) async fn start() -> Self {
        Self::start_with(false).await
    }

    /// Starts a Redis that keeps everything when it is killed.
    pub(crate) async fn start_on_disk() -> Self {
        Self::start_with(true).await
    }

    async fn start_with(appends: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("callbot-instances-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir(&folder).unwrap();
        let free = StdListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = launch(address, &folder, appends);
        let redis = Self { child, address, folder, appends };
        redis.ready().await;
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Kills it, like a crash.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again at the same address.
    pub(crate) async fn restart(&mut self) {
        self.child = launch(self.address, &self.folder, self.appends);
        self.ready().await;
    }

    pub(crate) fn freeze(&self) {
        signal(self.child.id(), "STOP");
    }

    pub(crate) fn thaw(&self) {
        signal(self.child.id(), "CONT");
    }

    async fn ready(&self) {
        let begin = Instant::now();
        while self.try_tell(&["PING"]).await.as_deref() != Some("+PONG") {
            assert!(begin.elapsed() < Duration::from_secs(20), "redis-server does not answer");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends a command, and returns the first line of the answer.
    pub(crate) async fn tell(&self, command: &[&str]) -> String {
        let answer = self.try_tell(command).await.expect("no answer");
        assert!(!answer.starts_with('-'), "{command:?}: {answer}");
        answer
    }

    async fn try_tell(&self, command: &[&str]) -> Option<String> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        let mut text = format!("*{}\r\n", command.len());
        for part in command {
            text.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        stream.write_all(text.as_bytes()).await.ok()?;
        let mut answer = vec![0; 64 * 1024];
        let read = stream.read(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
        Some(answer.lines().next()?.to_owned())
    }
}

fn launch(address: SocketAddr, folder: &PathBuf, appends: bool) -> Child {
    let appends = if appends { "yes" } else { "no" };
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", ""])
        .args(["--appendonly", appends, "--appendfsync", "always"])
        .args(["--maxmemory-policy", "noeviction"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("redis-server can't be started: {error}"))
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
