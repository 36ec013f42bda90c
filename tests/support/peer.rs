//! Shared by the tests of servers of all platforms: a router on a socket, and a peer that writes and
//! reads HTTP/1.1 itself, so that tests see every byte and when it arrived.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) use super::traces::*;
use axum::Router;
use callbot::server::serve;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

/// The longest wait for anything. Only a failing test takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How much is read at a time.
const READ: usize = 64 * 1024;

pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Serves a router until the test is over.
pub(crate) async fn start_router(router: Router) -> SocketAddr {
    listen();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, router).into_future());
    address
}

/// A request, to be changed before it is sent.
#[derive(Clone)]
pub(crate) struct Post {
    method: String,
    path: String,
    content_type: Option<String>,
    headers: Vec<u8>,
    body: Vec<u8>,
}

impl Post {
    pub(crate) fn new(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "POST".into(),
            path: path.into(),
            content_type: Some("application/json".into()),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub(crate) fn json(path: &str, body: &Value) -> Self {
        Self::new(path, body.to_string())
    }

    /// Another method than POST.
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = method.into();
        self
    }

    pub(crate) fn content_type(mut self, value: Option<&str>) -> Self {
        self.content_type = value.map(Into::into);
        self
    }

    /// Adds a header, whatever its bytes.
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.header_lines([name.as_bytes(), b": ", value.as_ref(), b"\r\n"].concat())
    }

    /// Adds whole header lines, whatever their bytes.
    pub(crate) fn header_lines(mut self, lines: impl AsRef<[u8]>) -> Self {
        self.headers.extend_from_slice(lines.as_ref());
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, path, content_type, headers, body } = self;
        let length = body.len();
        let mut out =
            format!("{method} {path} HTTP/1.1\r\nHost: bot\r\nContent-Length: {length}\r\n")
                .into_bytes();
        if let Some(value) = content_type {
            out.extend_from_slice(format!("Content-Type: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(headers);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
        out
    }
}

// The beginning is enough to recognize it.
impl fmt::Debug for Post {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.bytes();
        f.write_str(&String::from_utf8_lossy(&bytes[..bytes.len().min(500)]))
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(key, _)| key == name);
        found.next().map_or("", |(_, value)| value)
    }

    /// The one JSON body.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), "application/json");
        serde_json::from_str(&self.body).unwrap()
    }
}

/// The client's end of a connection.
pub(crate) struct Peer {
    stream: TcpStream,
    read: Vec<u8>,
    rest: Rest,
    blocks: String,
    /// An answer whose head has been read, but not all of its body.
    begun: Option<Answer>,
}

/// The part of a body that has not arrived yet.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Bytes(usize),
    Chunks,
}

impl Peer {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpSocket::new_v4().unwrap(), address).await
    }

    /// Connects with this socket.
    pub(crate) async fn over(socket: TcpSocket, address: SocketAddr) -> Self {
        let stream = socket.connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new(), rest: Rest::Bytes(0), blocks: String::new(), begun: None }
    }

    /// Sends a request. A server may answer before it has read all of it, and then close the connection.
    pub(crate) async fn send(&mut self, post: &Post) {
        self.write(&post.bytes()).await;
    }

    /// Sends any bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let (mut reader, mut writer) = self.stream.split();
        let mut writing = std::pin::pin!(writer.write_all(bytes));
        loop {
            self.read.reserve(READ);
            tokio::select! {
                biased;
                _ = &mut writing => return,
                read = reader.read_buf(&mut self.read) => {
                    if !matches!(read, Ok(1..)) {
                        return;
                    }
                }
            }
        }
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&mut self, post: &Post) -> Answer {
        self.send(post).await;
        self.answer().await
    }

    /// Sends a request with this body and reads the whole answer.
    pub(crate) async fn ask_json(&mut self, path: &str, body: &Value) -> Answer {
        self.ask(&Post::json(path, body)).await
    }

    /// Sends any bytes and reads the whole answer.
    pub(crate) async fn ask_bytes(&mut self, bytes: &[u8]) -> Answer {
        self.write(bytes).await;
        self.answer().await
    }

    /// Reads a whole answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut answer = match self.begun.take() {
            Some(answer) => answer,
            None => self.head().await,
        };
        loop {
            self.begun = Some(answer);
            let chunk = self.chunk().await;
            answer = self.begun.take().expect("it was put there");
            match chunk {
                Some(chunk) => answer.body.push_str(&chunk),
                None => return answer,
            }
        }
    }

    /// Reads a whole answer with a length, if it arrives within `time`. Otherwise nothing of it is
    /// lost: a later call reads it.
    pub(crate) async fn answer_within(&mut self, time: Duration) -> Option<Answer> {
        timeout(time, self.answer()).await.ok()
    }

    /// The first line of an answer, or of an interim one.
    pub(crate) async fn first_line(&mut self) -> String {
        self.until("\r\n").await
    }

    /// The head of an answer, behind any interim answers.
    pub(crate) async fn head(&mut self) -> Answer {
        let mut head = self.until("\r\n\r\n").await;
        while head.starts_with("HTTP/1.1 100 ") {
            head = self.until("\r\n\r\n").await;
        }
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let answer = Answer { status: status.parse().unwrap(), headers, body: String::new() };
        self.rest = match answer.header("transfer-encoding") {
            "chunked" => Rest::Chunks,
            _ => Rest::Bytes(answer.header("content-length").parse().unwrap()),
        };
        answer
    }

    /// The next part of the body. `None` at its regular end.
    pub(crate) async fn chunk(&mut self) -> Option<String> {
        let length = match self.rest {
            Rest::Bytes(length) => length,
            Rest::Chunks => {
                let size = self.until("\r\n").await;
                usize::from_str_radix(size.trim_end(), 16).unwrap()
            }
        };
        let last = length == 0;
        let mut part = String::new();
        if !last {
            part = self.take(length).await;
        }
        if self.rest == Rest::Chunks {
            assert_eq!(self.take(2).await, "\r\n");
        }
        if last || self.rest != Rest::Chunks {
            self.rest = Rest::Bytes(0);
        }
        (!last).then_some(part)
    }

    /// The next block of an event stream, an event or a comment, and when it arrived.
    pub(crate) async fn block(&mut self) -> Option<(String, Instant)> {
        loop {
            if let Some(end) = self.blocks.find("\n\n") {
                let rest = self.blocks.split_off(end + 2);
                return Some((std::mem::replace(&mut self.blocks, rest), Instant::now()));
            }
            match self.chunk().await {
                Some(chunk) => self.blocks.push_str(&chunk),
                None => {
                    assert_eq!(self.blocks, "", "the stream ends within a block");
                    return None;
                }
            }
        }
    }

    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.read.windows(end.len()).position(|seen| seen == end.as_bytes()) {
                return self.take(at + end.len()).await;
            }
            self.more().await;
        }
    }

    async fn take(&mut self, length: usize) -> String {
        while self.read.len() < length {
            self.more().await;
        }
        let rest = self.read.split_off(length);
        String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap()
    }

    async fn more(&mut self) {
        self.read.reserve(READ);
        let read = soon("bytes", self.stream.read_buf(&mut self.read)).await.unwrap();
        let so_far = String::from_utf8_lossy(&self.read);
        assert!(read > 0, "the server closed the connection after {so_far:?}");
    }

    /// Closes the connection.
    pub(crate) fn close(self) {}

    /// Resets the connection.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Closes the writing half of the connection.
    pub(crate) async fn half_close(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
}
