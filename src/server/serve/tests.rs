//! The limits of a connection, with a clock that is moved by the tests.

use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use axum::{BoxError, Router};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, advance};

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A connection to a server, which has a limit of 1 KiB on what is on its way.
struct Client {
    stream: DuplexStream,
    door: Door,
    closing: watch::Sender<bool>,
    served: JoinHandle<()>,
    begin: Instant,
}

fn connect(router: Router) -> Client {
    let (stream, other) = duplex(1024);
    let door = Door {
        router: router.with_state(()),
        probes: Probes::default(),
        running: Running::default(),
        limits: Arc::default(),
        room: Arc::default(),
    };
    let (closing, closed) = watch::channel(false);
    let served = tokio::spawn(connection(other, door.clone(), closed));
    Client { stream, door, closing, served, begin: Instant::now() }
}

impl Client {
    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("the connection is open");
        // The server has read it by the time that nothing else can run.
        tokio::task::yield_now().await;
        advance(Duration::ZERO).await;
    }

    /// Reads until `text` has arrived.
    async fn read(&mut self, text: &str) -> String {
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains(text) {
            assert_ne!(self.stream.read_buf(&mut bytes).await.expect("it is open"), 0, "{bytes:?}");
        }
        String::from_utf8(bytes).expect("the answer is text")
    }

    /// Waits until the server closes the connection. Returns after how many seconds, and what it has written.
    async fn closed(mut self) -> (u64, String) {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).await.expect("the connection is closed");
        self.served.await.expect("it has not panicked");
        let seconds = self.begin.elapsed().as_secs_f64().round();
        assert!(!self.door.room.make(), "a connection that has ended is still in the room");
        (seconds as u64, String::from_utf8(bytes).expect("the answer is text"))
    }
}

fn echo() -> Router {
    let late = async |body: Result<Bytes, axum::extract::rejection::BytesRejection>| match body {
        Ok(body) => format!("read {}", body.len()),
        Err(error) => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(&error);
            while let Some(error) = source {
                text = error.to_string();
                source = error.source();
            }
            text
        }
    };
    Router::new().route("/echo", post(late)).route("/hello", get(async || "hello"))
}

const HEAD: &str = "POST /echo HTTP/1.1\r\nhost: b\r\ncontent-length: 100\r\n\r\n";
const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: b\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_connection_that_sends_nothing_is_closed_after_30_s() {
    assert_eq!(connect(echo()).closed().await, (30, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_trickles_is_cut_after_30_s() {
    let mut client = connect(echo());
    for byte in HEAD.as_bytes().iter().take(29) {
        client.write(&char::from(*byte).to_string()).await;
        advance(SECOND).await;
    }
    assert_eq!(client.closed().await, (30, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_second_head_is_cut_30_s_after_its_first_byte() {
    let mut client = connect(echo());
    client.write(HELLO).await;
    client.read("hello").await;
    advance(100 * SECOND).await;
    client.write("GET /hello HTTP/1.1\r\nhost").await;
    assert_eq!(client.closed().await.0, 130);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_an_error_after_30_s() {
    let mut client = connect(echo());
    client.write(HEAD).await;
    for _ in 0..3 {
        advance(10 * SECOND).await;
        client.write("x").await;
    }
    let (seconds, answer) = client.closed().await;
    assert_eq!(seconds, 60);
    assert!(answer.contains("the body did not arrive in time"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_an_error_after_60_s() {
    let mut client = connect(echo());
    client.write(HEAD).await;
    for _ in 0..59 {
        advance(SECOND).await;
        client.write("x").await;
    }
    let (seconds, answer) = client.closed().await;
    assert_eq!(seconds, 60);
    assert!(answer.contains("the body did not arrive in time"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_the_handler_drops_is_read_before_the_answer() {
    let mut client = connect(echo());
    for pieces in [1, 2, 4] {
        client.write(&HEAD.replace("/echo", "/unknown")).await;
        for _ in 0..pieces {
            advance(SECOND / 5).await;
            client.write(&"x".repeat(100 / pieces)).await;
        }
        let answer = client.read("\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(!answer.contains("connection:"), "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_end_of_the_body_says_that_the_connection_closes() {
    let unknown = HEAD.replace("/echo", "/unknown");
    for (head, seconds) in [
        (unknown.clone(), 1),
        (format!("{unknown}half"), 1),
        (unknown.replace("100", "65537"), 0),
        (unknown.replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n"), 0),
    ] {
        let mut client = connect(echo());
        client.write(&head).await;
        let closed = client.closed().await;
        assert_eq!(closed.0, seconds, "{head}");
        assert!(closed.1.starts_with("HTTP/1.1 404 "), "{head}: {}", closed.1);
        assert!(closed.1.contains("connection: close\r\n"), "{head}: {}", closed.1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_between_two_requests_is_kept_for_15_min() {
    let mut client = connect(echo());
    client.write(HELLO).await;
    client.read("hello").await;
    advance(899 * SECOND).await;
    client.write(HELLO).await;
    client.read("hello").await;
    assert_eq!(client.closed().await.0, 899 + 900);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_cut_after_60_s() {
    let endless = async || {
        let pieces =
            futures_util::stream::repeat_with(|| Ok::<_, BoxError>(Bytes::from(vec![b'x'; 500])));
        Body::from_stream(pieces)
    };
    let client = connect(Router::new().route("/endless", get(endless)));
    let mut client = client;
    client.write("GET /endless HTTP/1.1\r\nhost: b\r\n\r\n").await;
    (&mut client.served).await.expect("it has not panicked");
    assert_eq!(client.begin.elapsed().as_secs(), 60);
    assert!(client.door.running.is_idle(), "the response is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_that_reads_is_not_cut() {
    let large = async || Body::from(vec![b'x'; 20 * 1024]);
    let mut client = connect(Router::new().route("/large", get(large)));
    client.write("GET /large HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n").await;
    let mut bytes = vec![0; 1024];
    let mut read = 0;
    loop {
        advance(50 * SECOND).await;
        match client.stream.read(&mut bytes).await.expect("the connection is open") {
            0 => break,
            some => read += some,
        }
    }
    assert!(read > 20 * 1024, "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_long_turn_is_not_cut() {
    let slow = async || {
        sleep(3600 * SECOND).await;
        "done"
    };
    let mut client = connect(Router::new().route("/slow", get(slow)));
    client.write("GET /slow HTTP/1.1\r\nhost: b\r\n\r\n").await;
    client.read("done").await;
    assert_eq!(client.begin.elapsed(), 3600 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_head_above_64_kib_is_refused() {
    let mut client = connect(echo());
    let head = format!("GET /hello HTTP/1.1\r\nhost: b\r\nx: {}\r\n\r\n", "x".repeat(70_000));
    // The server stops reading, and the rest is never taken.
    _ = client.stream.write_all(head.as_bytes()).await;
    let (_, answer) = client.closed().await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn only_a_connection_without_a_request_makes_room() {
    let mut client = connect(echo());
    client.write(HEAD).await;
    assert!(!client.door.room.make(), "its body is on its way");
    client.write(&"x".repeat(100)).await;
    client.read("read 100").await;
    client.write("GET").await;
    assert!(client.door.room.make());
    assert_eq!(client.closed().await, (0, String::new()));
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_closes_a_connection_without_a_whole_request_immediately() {
    for sent in ["", "GET /he", HEAD, &format!("{HEAD}xx")] {
        let mut client = connect(echo());
        client.write(sent).await;
        client.closing.send(true).expect("it is served");
        let running = client.door.running.clone();
        assert_eq!(client.closed().await, (0, String::new()), "{sent:?}");
        assert!(running.is_idle(), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_half_after_its_request_is_answered() {
    for (sent, answer) in [(HELLO, "hello"), (&format!("{HEAD}{}", "x".repeat(100)), "read 100")] {
        for closes_later in [false, true] {
            let mut client = connect(echo());
            if closes_later {
                client.write(sent).await;
            } else {
                client.stream.write_all(sent.as_bytes()).await.expect("the connection is open");
            }
            client.stream.shutdown().await.expect("the connection is open");
            let (_, read) = client.closed().await;
            assert!(read.ends_with(answer), "{closes_later}: {read:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_sent_one_behind_the_other_are_answered_after_a_half_close() {
    let mut client = connect(echo());
    let request = format!("{HEAD}{}", "x".repeat(100));
    client.stream.write_all(request.repeat(3).as_bytes()).await.expect("the connection is open");
    client.stream.shutdown().await.expect("the connection is open");
    let (_, read) = client.closed().await;
    assert_eq!(read.matches("read 100").count(), 3, "{read}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_half_in_a_turn_is_probed_and_answered() {
    let slow = async || {
        sleep(10 * SECOND).await;
        "done"
    };
    let mut client = connect(Router::new().route("/slow", get(slow)));
    client.write("GET /slow HTTP/1.1\r\nhost: b\r\n\r\n").await;
    client.stream.shutdown().await.expect("the connection is open");
    let (seconds, answer) = client.closed().await;
    assert_eq!(seconds, 10);
    assert_eq!(answer.matches("HTTP/1.1 100 Continue\r\n\r\n").count(), 4, "{answer}");
    assert!(answer.ends_with("done"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_closes_its_half_in_its_request_is_not_waited_for() {
    for sent in ["GET /he", HEAD, &format!("{HEAD}xx")] {
        let mut client = connect(echo());
        client.write(sent).await;
        client.stream.shutdown().await.expect("the connection is open");
        assert_eq!(client.closed().await.0, 0, "{sent:?}");
    }
}
