//! Calls on Digital Employee for the benchmarks: the bot, and callers that play turns in memory and over
//! loopback.

use std::future::Future;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, mem, thread};

use axum::Router;
use axum::body::Body;
use callbot::bot::{Bot, Call, Input, Reply, Result};
use callbot::digital_employee::{
    DialogueRequest, DialogueRequestFields, EndSessionRequest, EndSessionRequestFields,
};
use futures_util::StreamExt;
use http::Request;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

/// A text of 25 bytes.
pub(crate) const ANSWER: &str = "Your balance is 42 euros.";

/// A bot that says this text in each turn.
pub(crate) struct Talker(pub String);

impl Bot for Talker {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        reply.say(self.0.as_str()).await
    }
}

/// A caller, who makes one call after the other.
pub(crate) struct Caller {
    name: String,
    /// The number of turns of a call.
    length: u64,
    turns: u64,
    /// The calls that are over, and have not been ended.
    over: Vec<String>,
}

impl Caller {
    /// Creates a caller with a name that no other one has, whose calls have `length` turns.
    pub(crate) fn new(name: impl Into<String>, length: u64) -> Self {
        Self { name: name.into(), length, turns: 0, over: Vec::new() }
    }

    /// Returns the request of the next turn.
    pub(crate) fn turn(&mut self) -> String {
        let call = format!("b7a2c7e0-5d1c-4f0e-8a37-{}-{}", self.name, self.turns / self.length);
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
            tenant_id: 378_210,
            instance_id: "n1",
            script_id: "sc-1",
            session_id: &call,
            stream_id: &format!("turn-{}", self.turns),
            utterance: "What is my balance?",
        });
        self.turns += 1;
        if self.turns.is_multiple_of(self.length) {
            self.over.push(call);
        }
        serde_json::to_string(&request).unwrap()
    }

    /// Returns the requests that end the calls that are over.
    fn ends(&mut self) -> Vec<String> {
        let end = |call: String| {
            let request = EndSessionRequest::new(EndSessionRequestFields {
                request_id: "8d6f0d2e-2a0b-4a53-9d51-0b6d3a0c1f02",
                tenant_id: 378_210,
                instance_id: "n1",
                script_id: "sc-1",
                session_id: &call,
            });
            serde_json::to_string(&request).unwrap()
        };
        mem::take(&mut self.over).into_iter().map(end).collect()
    }
}

pub(crate) trait Play {
    /// Lets each caller play this number of turns. Returns how long all of them took.
    fn turns(&mut self, each: u64) -> Duration;

    /// Ends the calls that are over.
    fn end_calls(&mut self);

    /// Returns the number of callers.
    fn callers(&self) -> u64;
}

/// A router that one caller calls in memory.
pub(crate) struct InMemory<'a> {
    pub runtime: &'a Runtime,
    pub router: Router,
    pub caller: Caller,
}

impl InMemory<'_> {
    pub(crate) async fn send(router: &mut Router, path: &str, body: String) -> usize {
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(Body::from(body)).unwrap();
        let response = router.call(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let mut frames = response.into_body().into_data_stream();
        let mut bytes = 0;
        while let Some(frame) = frames.next().await {
            bytes += frame.unwrap().len();
        }
        bytes
    }
}

impl Play for InMemory<'_> {
    fn turns(&mut self, each: u64) -> Duration {
        let Self { runtime, router, caller } = self;
        let requests: Vec<_> = (0..each).map(|_| caller.turn()).collect();
        runtime.block_on(async {
            let start = Instant::now();
            for request in requests {
                black_box(Self::send(router, "/proxy/dialogue", request).await);
            }
            start.elapsed()
        })
    }

    fn end_calls(&mut self) {
        let Self { runtime, router, caller } = self;
        runtime.block_on(async {
            for end in caller.ends() {
                Self::send(router, "/proxy/endSession", end).await;
            }
        });
    }

    fn callers(&self) -> u64 {
        1
    }
}

/// A server on loopback, with connections in lockstep: all requests are written before the first response is
/// read, so that the server always has work.
pub(crate) struct Loopback {
    connections: Vec<(TcpStream, Caller)>,
}

impl Loopback {
    pub(crate) const CONNECTIONS: u64 = 16;

    /// Connects callers, whose calls have `length` turns.
    pub(crate) fn new(address: SocketAddr, length: u64) -> Self {
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
    fn turns(&mut self, each: u64) -> Duration {
        let mut time = Duration::ZERO;
        for _ in 0..each {
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
        }
        time
    }

    fn end_calls(&mut self) {
        for (stream, caller) in &mut self.connections {
            for end in caller.ends() {
                Self::write(stream, "/proxy/endSession", &end);
                Self::read(stream, b"}");
            }
        }
    }

    fn callers(&self) -> u64 {
        Self::CONNECTIONS
    }
}

/// A router that a thread serves on loopback.
pub(crate) struct Served {
    pub address: SocketAddr,
    /// The thread's folder in `/proc`, on Linux.
    #[allow(dead_code, reason = "not every benchmark asks for the CPU time")]
    pub thread: Option<PathBuf>,
}

/// Serves a router, which is made in the runtime that serves it, in a new thread.
pub(crate) fn serve(router: impl Future<Output = Router> + Send + 'static) -> Served {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let thread = fs::read_link("/proc/thread-self").ok();
        sender.send(thread.map(|thread| PathBuf::from("/proc").join(thread))).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            // The connections wait while others are measured.
            let serve = callbot::server::serve(listener, router.await);
            serve.head_timeout(Duration::from_secs(3600)).await.unwrap();
        });
    });
    Served { address, thread: receiver.recv().unwrap() }
}

/// Returns the one in the middle.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
