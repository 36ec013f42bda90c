//! Shared by the tests of clients of all platforms: a server that plays scripted bytes, and a transport
//! without a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::client::{Transport, TransportError};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

/// One action of the stub on a connection, after it has read the request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Send(Vec<u8>),
    Pause(Duration),
    /// Resets the connection instead of closing it.
    Reset,
    /// Waits until the client has closed the connection.
    Hold,
}

pub(crate) fn send(bytes: impl Into<Vec<u8>>) -> Step {
    Step::Send(bytes.into())
}

pub(crate) fn pause(millis: u64) -> Step {
    Step::Pause(Duration::from_millis(millis))
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A raw TCP server on loopback. Each connection plays a script after its request has arrived.
#[derive(Debug)]
pub(crate) struct Stub {
    pub(crate) url: String,
    state: Arc<State>,
}

/// The script for a request, by the number of its connection, counted from 0.
type Play = dyn Fn(&Seen, usize) -> Vec<Step> + Send + Sync;

#[derive(Debug, Default)]
struct State {
    connections: Mutex<usize>,
    seen: Mutex<Vec<Seen>>,
    released: Notify,
}

impl Stub {
    /// Connection number n plays script number n, or the last one.
    pub(crate) async fn new(scripts: Vec<Vec<Step>>) -> Self {
        Self::playing(move |_, number| scripts[number.min(scripts.len() - 1)].clone()).await
    }

    /// Each connection plays what `play` returns for its request and its number.
    pub(crate) async fn playing(
        play: impl Fn(&Seen, usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let script: Arc<Play> = Arc::new(play);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<State>::default();
        let shared = state.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let number = {
                    let mut connections = shared.connections.lock().unwrap();
                    *connections += 1;
                    *connections - 1
                };
                tokio::spawn(serve(stream, script.clone(), number, shared.clone()));
            }
        });
        Self { url, state }
    }

    /// Answers every request with these bytes and closes.
    pub(crate) async fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        Self::new(vec![vec![send(bytes)]]).await
    }

    pub(crate) fn connections(&self) -> usize {
        *self.state.connections.lock().unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Waits until the client has closed a connection that is on [`Step::Hold`].
    pub(crate) async fn released(&self) {
        let released = timeout(Duration::from_secs(5), self.state.released.notified()).await;
        released.expect("the client keeps its connection");
    }
}

async fn serve(mut stream: TcpStream, play: Arc<Play>, number: usize, state: Arc<State>) {
    stream.set_nodelay(true).unwrap();
    let Some(seen) = read_request(&mut stream).await else { return };
    state.seen.lock().unwrap().push(seen.clone());
    for step in play(&seen, number) {
        match step {
            // The client may be gone by now, which does not matter to the script.
            Step::Send(bytes) => drop(stream.write_all(&bytes).await),
            Step::Pause(length) => sleep(length).await,
            Step::Reset => return stream.set_zero_linger().unwrap(),
            Step::Hold => {
                while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
                state.released.notify_one();
            }
        }
    }
}

/// Reads a request. `None` if the connection ends before it is whole.
async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next().unwrap().to_owned();
    let headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen { line, headers, body: bytes.split_off(end + 4) };
    let length: usize = seen.header("content-length").map_or(0, |length| length.parse().unwrap());
    while seen.body.len() < length {
        if stream.read_buf(&mut seen.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(seen)
}

/// The answer of a transport without a socket.
type Answer = http::Response<reqwest::Body>;

/// A transport without a socket, so that time can be paused. It records when attempts were made.
#[derive(Clone)]
pub(crate) struct Fake(Arc<FakeState>);

struct FakeState {
    answer: Box<dyn Fn(usize) -> BoxFuture<'static, Answer> + Send + Sync>,
    start: Instant,
    attempts: Mutex<Vec<Duration>>,
}

impl Fake {
    pub(crate) fn new<F>(answer: impl Fn(usize) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        let answer = Box::new(move |number| Box::pin(answer(number)) as BoxFuture<'static, _>);
        Self(Arc::new(FakeState { answer, start: Instant::now(), attempts: Mutex::default() }))
    }

    /// The time of each attempt since the transport was created.
    pub(crate) fn attempts(&self) -> Vec<Duration> {
        self.0.attempts.lock().unwrap().clone()
    }
}

impl Transport for Fake {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let number = {
            let mut attempts = self.0.attempts.lock().unwrap();
            attempts.push(self.0.start.elapsed());
            attempts.len() - 1
        };
        let answer = (self.0.answer)(number);
        Box::pin(async move { Ok(answer.await.into()) })
    }
}

/// The head of a stream that ends with the connection.
pub(crate) const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\n\
    content-type: text/event-stream; charset=utf-8\r\nx-bot: parrot\r\nconnection: close\r\n\r\n";

/// A whole answer with a stream of events.
pub(crate) fn stream(body: impl AsRef<[u8]>) -> Vec<u8> {
    [STREAM_HEAD.as_bytes(), body.as_ref()].concat()
}

/// A whole answer with this status, these additional header lines and this body.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

pub(crate) fn json_answer(status: &str, body: &str) -> String {
    answer(status, "content-type: application/json\r\n", body)
}

pub(crate) fn event(packet: impl std::fmt::Display) -> String {
    format!("data:{packet}\n\n")
}

/// A listener that accepts connections and sends nothing, so that a TLS handshake never completes.
/// Returns its `https` URL.
pub(crate) async fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok(connection) = listener.accept().await {
            taken.push(connection);
        }
    });
    url
}

/// A custom `reqwest::Client`. With TLS it needs a crypto provider for the whole process.
pub(crate) fn http_client() -> reqwest::Client {
    #[cfg(feature = "rustls")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[cfg(all(feature = "rustls-aws-lc-rs", not(feature = "rustls")))]
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
