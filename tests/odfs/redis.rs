//! Recognized texts, looked up in a real Redis that each test starts.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use callbot::odfs::{RecognitionError, RecognitionId, Recognitions, RedisRecognitions};

const PASSWORD: &str = "hush-4711";

/// The folder of one Redis, with its socket.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("callbot-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("redis.sock")
    }

    fn url(&self, query: &str) -> String {
        format!("redis+unix://{}{query}", self.socket().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running Redis, which is killed on drop.
struct Server(Child);

impl Server {
    /// Starts Redis.
    fn start(folder: &Folder, settings: &[&str]) -> Self {
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(folder.socket())
            .args(settings)
            .current_dir(&folder.0)
            .stdout(Stdio::null())
            .spawn();
        let child = child.expect("redis-server must be installed, as `.ci/run install` does");
        let server = Self(child);
        let begin = Instant::now();
        while UnixStream::connect(folder.socket()).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(10), "redis-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        server
    }

    /// Kills it, like a crash.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends commands, given as lists of arguments, and waits for the answer to each.
fn tell(socket: &Path, commands: &[&[&[u8]]]) {
    let mut stream = UnixStream::connect(socket).unwrap();
    for command in commands {
        let mut text = format!("*{}\r\n", command.len()).into_bytes();
        for argument in *command {
            text.extend(format!("${}\r\n", argument.len()).bytes());
            text.extend(*argument);
            text.extend(b"\r\n");
        }
        stream.write_all(&text).unwrap();
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(!answer.starts_with('-'), "{answer}");
    }
}

fn id(key: &str) -> RecognitionId {
    RecognitionId::new(key, "0").unwrap()
}

async fn text(store: &RedisRecognitions, key: &str) -> Result<Option<String>, String> {
    store.text(&id(key)).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_text_is_found_under_its_key() {
    let folder = Folder::new();
    let _server = Server::start(&folder, &[]);
    tell(
        &folder.socket(),
        &[
            &[b"SET", b"asr:4711", "查询话费 🙂".as_bytes()],
            &[b"SET", b"empty", b""],
            &[b"SET", b"\xE9\x94\xAE", b"of a key that is not ASCII"],
            &[b"SET", b"bytes", b"\xFF\xFE"],
            &[b"LPUSH", b"list", b"x"],
        ],
    );
    let store = RedisRecognitions::open(&folder.url("")).unwrap();
    assert_eq!(text(&store, "asr:4711").await, Ok(Some("查询话费 🙂".into())));
    assert_eq!(text(&store, "empty").await, Ok(Some(String::new())));
    assert_eq!(text(&store, "键").await, Ok(Some("of a key that is not ASCII".into())));
    assert_eq!(text(&store, "asr:4712").await, Ok(None));
    assert_eq!(text(&store, "bytes").await, Err("Redis: the text is not UTF-8".into()));
    assert_eq!(text(&store, "list").await, Err("Redis: WRONGTYPE".into()));
    let prefixed = RedisRecognitions::open(&folder.url("")).unwrap().with_key_prefix("asr:");
    assert_eq!(text(&prefixed, "asr:4711").await, Ok(Some("查询话费 🙂".into())));
    assert_eq!(text(&prefixed, "empty").await, Ok(None), "a key without the prefix");
    // The connection survives an error.
    assert_eq!(text(&store, "empty").await, Ok(Some(String::new())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_lookups_share_a_connection() {
    let folder = Folder::new();
    let _server = Server::start(&folder, &["--maxclients", "3"]);
    let store = Arc::new(RedisRecognitions::open(&folder.url("")).unwrap());
    let lookups = (0..50).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { text(&store, &format!("k{number}")).await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        assert_eq!(lookup.await.unwrap(), Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_redis_goes_unnoticed() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let store = Arc::new(RedisRecognitions::open(&folder.url("")).unwrap());
    assert_eq!(text(&store, "k").await, Ok(None));
    server.kill();
    let error = text(&store, "k").await.unwrap_err();
    assert!(error.starts_with("Redis: Connection refused"), "{error}");
    let server = Server::start(&folder, &[]);
    tell(&folder.socket(), &[&[b"SET", b"k", b"back again"]]);
    assert_eq!(text(&store, "k").await, Ok(Some("back again".into())));
    // Now without a lookup while it was down.
    server.kill();
    let _server = Server::start(&folder, &[]);
    tell(&folder.socket(), &[&[b"SET", b"k", b"and again"]]);
    let lookups = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { text(&store, "k").await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        assert_eq!(lookup.await.unwrap(), Ok(Some("and again".into())));
    }
}

#[tokio::test]
async fn a_store_can_be_opened_before_redis_is_there() {
    let folder = Folder::new();
    let store = RedisRecognitions::open(&folder.url("")).unwrap();
    let error = text(&store, "k").await.unwrap_err();
    assert!(error.starts_with("Redis: No such file"), "{error}");
    let _server = Server::start(&folder, &[]);
    assert_eq!(text(&store, "k").await, Ok(None));
}

#[tokio::test]
async fn user_password_and_database_come_from_the_url_and_never_show() {
    let folder = Folder::new();
    let _server = Server::start(&folder, &["--requirepass", PASSWORD]);
    let auth: &[&[u8]] = &[b"AUTH", PASSWORD.as_bytes()];
    let socket = folder.socket();
    tell(&socket, &[auth, &[b"SELECT", b"3"], &[b"SET", b"k", b"of database 3"]]);
    let right = format!("?db=3&pass={PASSWORD}");
    let store = RedisRecognitions::open(&folder.url(&right)).unwrap();
    assert_eq!(text(&store, "k").await, Ok(Some("of database 3".into())));
    let shown = format!("{store:?} {store:#?}");
    assert!(shown.contains("timeout: 1s") && !shown.contains(PASSWORD), "{shown}");
    let other = RedisRecognitions::open(&folder.url(&format!("?pass={PASSWORD}"))).unwrap();
    assert_eq!(text(&other, "k").await, Ok(None));
    for wrong in ["", "?pass=4711-wrong", "?user=4711-nobody&pass=x"] {
        let store = RedisRecognitions::open(&folder.url(wrong)).unwrap();
        let error = text(&store, "k-4711").await.unwrap_err();
        assert!(error.starts_with("Redis: ") && !error.contains("4711"), "{error}");
        // It keeps trying, in case the server is repaired.
        assert_eq!(text(&store, "k-4711").await.unwrap_err(), error);
    }
    let wrong = RedisRecognitions::open(&folder.url("?pass=new")).unwrap();
    text(&wrong, "k").await.unwrap_err();
    tell(&socket, &[auth, &[b"CONFIG", b"SET", b"requirepass", b"new"]]);
    assert_eq!(text(&wrong, "k").await, Ok(None));
}

#[test]
fn an_invalid_url_is_refused_without_showing_it() {
    for url in ["", "4711", "http://hush-4711@h/", "redis://", "redis://:hush-4711@h:port/"] {
        let error: RecognitionError = RedisRecognitions::open(url).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("Redis") && !shown.contains("4711"), "{shown}");
    }
}

#[tokio::test]
async fn a_redis_that_does_not_answer_costs_no_more_than_the_timeout() {
    let folder = Folder::new();
    // Accepts connections and sends nothing.
    let silent = UnixListener::bind(folder.socket()).unwrap();
    let store = RedisRecognitions::open(&folder.url("")).unwrap();
    let store = store.with_timeout(Duration::from_millis(200));
    for _ in 0..2 {
        let begin = Instant::now();
        let error = text(&store, "k-4711").await.unwrap_err();
        assert_eq!(error, "Redis: no answer within 200ms");
        let waited = begin.elapsed();
        assert!(waited >= Duration::from_millis(200), "{waited:?}");
        assert!(waited < Duration::from_secs(2), "{waited:?}");
    }
    drop(silent);
    std::fs::remove_file(folder.socket()).unwrap();
    let _server = Server::start(&folder, &[]);
    assert_eq!(text(&store.with_timeout(Duration::from_secs(5)), "k").await, Ok(None));
}

#[tokio::test]
async fn a_silent_redis_is_replaced_by_a_new_connection() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    let store = RedisRecognitions::open(&folder.url("")).unwrap();
    let store = store.with_timeout(Duration::from_millis(500));
    assert_eq!(text(&store, "k").await, Ok(None));
    let signal = |name: &str| {
        let pid = server.0.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-STOP");
    let error = text(&store, "k").await.unwrap_err();
    assert_eq!(error, "Redis: no answer within 500ms");
    // The old one stays silent, and another one listens in its place.
    std::fs::remove_file(folder.socket()).unwrap();
    let _other = Server::start(&folder, &[]);
    assert_eq!(text(&store, "k").await, Ok(None));
}
