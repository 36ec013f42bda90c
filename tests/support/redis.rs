//! A real Redis, started by a test.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::missing::{skip, skip_all};

/// A running `redis-server` on a free port, which is killed on drop. It keeps nothing on disk, unless its
/// arguments say so.
pub(crate) struct Redis {
    server: Option<Child>,
    folder: PathBuf,
    port: u16,
    settings: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// Starts it with these arguments. Without `redis-server`, all tests of the binary are skipped.
    pub(crate) fn with(settings: &[&str]) -> Self {
        Self::try_with(settings).unwrap_or_else(|error| skip_all("redis-server", &error))
    }

    /// Starts it with these arguments. Without `redis-server`, only the calling test is skipped, and this
    /// returns `None`: for a binary whose other tests need no Redis.
    pub(crate) fn if_installed(settings: &[&str]) -> Option<Self> {
        Self::try_with(settings)
            .map_err(|error| skip("a test of Redis", "redis-server", &error))
            .ok()
    }

    fn try_with(settings: &[&str]) -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("callbot-redis-{}-{count}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut redis = Self { server: None, folder, port: 0, settings };
        // Another process may take the free port first.
        for _ in 0..10 {
            redis.port = free_port();
            if redis.try_restart()? {
                return Ok(redis);
            }
        }
        panic!("redis-server does not start");
    }

    /// Starts the only node of a cluster.
    pub(crate) fn cluster() -> Self {
        let redis = Self::with(&["--cluster-enabled", "yes"]);
        assert_eq!(redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
        let begin = Instant::now();
        while !redis.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
            assert!(begin.elapsed() < Duration::from_secs(20), "the cluster does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        redis
    }

    /// Starts it again at the same address, with what it has on disk.
    pub(crate) fn restart(&mut self) {
        assert!(self.try_restart().unwrap(), "redis-server does not start again");
    }

    /// Returns whether it listens, which fails if another process has the port.
    fn try_restart(&mut self) -> io::Result<bool> {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(&self.folder);
        if !self.settings.iter().any(|setting| setting == "--port") {
            command.args(["--port", &self.port.to_string()]);
        }
        command.args(&self.settings).stdout(Stdio::null());
        let mut server = command.spawn()?;
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if server.try_wait().unwrap().is_some() {
                return Ok(false);
            }
            assert!(begin.elapsed() < Duration::from_secs(20), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        std::thread::sleep(Duration::from_millis(20));
        // It ends if the port belongs to another process.
        let runs = server.try_wait().unwrap().is_none();
        self.server = Some(server);
        Ok(runs)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Returns the folder that it runs in.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, as a crash does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    /// Stops the process without ending it. Its connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.server.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Runs a command and returns the first line of the answer, or the text if it is one.
    pub(crate) fn command(&self, command: &[&str]) -> String {
        self.commands(&[command]).pop().unwrap()
    }

    /// Runs commands on one connection, and returns an answer for each, as `command` does.
    pub(crate) fn commands(&self, commands: &[&[&str]]) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut text = Vec::new();
        for command in commands {
            text.extend(format!("*{}\r\n", command.len()).bytes());
            for part in *command {
                text.extend(format!("${}\r\n{part}\r\n", part.len()).bytes());
            }
        }
        stream.write_all(&text).unwrap();
        let mut reader = BufReader::new(stream);
        commands.iter().map(|_| answer(&mut reader)).collect()
    }
}

/// Reads one answer. Those of an array are joined by spaces.
fn answer(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let line = line.trim_end();
    let (kind, rest) = line.split_at(1);
    match kind {
        "$" if rest != "-1" => {
            let mut text = vec![0; rest.parse::<usize>().unwrap() + 2];
            reader.read_exact(&mut text).unwrap();
            String::from_utf8_lossy(&text[..text.len() - 2]).into_owned()
        }
        "*" if rest != "-1" => {
            let parts = (0..rest.parse().unwrap()).map(|_| answer(reader));
            parts.collect::<Vec<_>>().join(" ")
        }
        "-" => line.to_owned(),
        _ => rest.to_owned(),
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Returns a port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
