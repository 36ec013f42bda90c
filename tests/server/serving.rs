//! A router on a socket: its probes, and its shutdown.
#![cfg(feature = "server")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use callbot::server::{CutError, Serve, WhenFull, serve};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::support::peer::soon;

const MS: Duration = Duration::from_millis(1);

/// A server that runs until it is told to stop.
struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(router: Router, set: impl FnOnce(Serve) -> Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = set(serve(listener, router).signal(async { _ = stopped.await }));
        Self { address, stop: Some(stop), served: tokio::spawn(server.into_future()) }
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    async fn ended(self) -> std::io::Result<()> {
        soon("the server", self.served).await.unwrap()
    }

    /// Opens a connection, and writes to it.
    async fn write(&self, bytes: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream
    }

    /// Returns the status and the body of the answer to a request of its own connection.
    async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let head = format!("{method} {path} HTTP/1.1\r\nhost: bot\r\nconnection: close\r\n\r\n");
        let answer = rest(self.write(&head).await).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }
}

/// Reads what arrives until the connection is closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has ended, too.
    _ = soon("the end of the connection", stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap()
}

/// Waits until a stream has yielded these bytes.
async fn until(stream: &mut TcpStream, expected: &str) {
    let mut bytes = Vec::new();
    while !String::from_utf8_lossy(&bytes).contains(expected) {
        assert_ne!(soon(expected, stream.read_buf(&mut bytes)).await.unwrap(), 0);
    }
}

const GET: &str = "GET /wait HTTP/1.1\r\nhost: bot\r\n\r\n";

/// A route that says that it has begun, and answers when it may.
fn waiting() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (begun, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, ends) = (begun.clone(), may_end.clone());
    let router = Router::new().route(
        "/wait",
        get(async move || {
            begins.notify_one();
            ends.notified().await;
            "done"
        }),
    );
    (router, begun, may_end)
}

fn is_cut(served: &std::io::Result<()>) -> bool {
    let inner = served.as_ref().err().and_then(|error| error.get_ref());
    inner.is_some_and(|inner| inner.is::<CutError>())
}

#[tokio::test]
async fn probes_are_answered_beside_the_router() {
    let router = Router::new().route("/hello", get(async || "hello"));
    let mut server = Server::start(router, |serve| serve).await;
    assert_eq!(server.ask("GET", "/healthz").await, (200, "ok\n".into()));
    assert_eq!(server.ask("GET", "/readyz").await, (200, "ready\n".into()));
    assert_eq!(server.ask("HEAD", "/readyz").await, (200, String::new()));
    assert_eq!(server.ask("GET", "/hello").await, (200, "hello".into()));
    assert_eq!(server.ask("POST", "/readyz").await.0, 404);
    server.stop();
    server.ended().await.unwrap();
}

#[tokio::test]
async fn probes_have_the_paths_that_are_set_or_none() {
    let router = Router::new().route("/healthz", get(async || "my own"));
    let set = |serve: Serve| serve.readiness("/ready").liveness(None);
    let server = Server::start(router, set).await;
    assert_eq!(server.ask("GET", "/ready").await, (200, "ready\n".into()));
    assert_eq!(server.ask("GET", "/readyz").await.0, 404);
    assert_eq!(server.ask("GET", "/healthz").await, (200, "my own".into()));
}

#[tokio::test]
async fn during_the_drain_delay_the_server_is_not_ready_and_serves() {
    let router = Router::new().route("/hello", get(async || "hello"));
    let mut server = Server::start(router, |serve| serve.drain_delay(1000 * MS)).await;
    let begin = Instant::now();
    server.stop();
    while server.ask("GET", "/readyz").await != (503, "shutting down\n".into()) {
        assert!(begin.elapsed() < 900 * MS);
    }
    assert_eq!(server.ask("GET", "/healthz").await.0, 200);
    assert_eq!(server.ask("GET", "/hello").await.0, 200);
    let address = server.address;
    server.ended().await.unwrap();
    assert!(begin.elapsed() >= 1000 * MS);
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn a_running_request_finishes_while_new_connections_are_refused() {
    let (router, begun, may_end) = waiting();
    let mut server = Server::start(router, |serve| serve).await;
    let idle = server.write("").await;
    let stream = server.write(GET).await;
    soon("the request", begun.notified()).await;
    server.stop();
    assert_eq!(rest(idle).await, "");
    TcpStream::connect(server.address).await.unwrap_err();
    assert!(!server.served.is_finished());
    may_end.notify_one();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("done"), "{answer}");
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_request_that_outlasts_the_grace_period_is_cut_and_reported() {
    let (router, begun, _may_end) = waiting();
    let mut server = Server::start(router, |serve| serve.grace(50 * MS)).await;
    let stream = server.write(GET).await;
    soon("the request", begun.notified()).await;
    server.stop();
    assert_eq!(rest(stream).await, "");
    let served = server.ended().await;
    assert!(is_cut(&served), "{served:?}");
    assert_eq!(
        served.unwrap_err().to_string(),
        "requests were cut: they did not finish in the grace period of 50ms"
    );
}

#[tokio::test]
async fn a_streamed_response_runs_until_its_last_byte() {
    for finishes in [true, false] {
        let may_end = Arc::new(Notify::new());
        let ends = may_end.clone();
        let stream = move || {
            let ends = ends.clone();
            let last = futures_util::stream::once(async move {
                ends.notified().await;
                Ok::<_, Infallible>(Bytes::from_static(b"last"))
            });
            let first = futures_util::stream::iter([Ok(Bytes::from_static(b"first"))]);
            Body::from_stream(first.chain(last))
        };
        let router = Router::new().route("/wait", get(async move || stream()));
        let mut server = Server::start(router, |serve| serve.grace(500 * MS)).await;
        let mut stream = server.write(GET).await;
        until(&mut stream, "first").await;
        server.stop();
        if finishes {
            sleep(50 * MS).await;
            may_end.notify_one();
        }
        let answer = rest(stream).await;
        assert_eq!(answer.contains("last") && answer.ends_with("0\r\n\r\n"), finishes, "{answer}");
        assert_eq!(is_cut(&server.ended().await), !finishes);
    }
}

#[tokio::test]
async fn half_a_request_neither_holds_up_a_shutdown_nor_counts_as_cut() {
    let router = Router::new().route("/echo", post(async |body: String| body));
    let mut server = Server::start(router, |serve| serve.grace(60_000 * MS)).await;
    let head = server.write("POST /echo HTTP/1.1\r\nhost: b").await;
    let body =
        server.write("POST /echo HTTP/1.1\r\nhost: b\r\ncontent-length: 9\r\n\r\n1234").await;
    // Both have been read by the time that a later connection is answered.
    assert_eq!(server.ask("GET", "/healthz").await.0, 200);
    let begin = Instant::now();
    server.stop();
    assert_eq!((rest(head).await, rest(body).await), (String::new(), String::new()));
    server.ended().await.unwrap();
    assert!(begin.elapsed() < 10_000 * MS);
}

#[tokio::test]
async fn a_server_that_is_dropped_closes_its_connections() {
    let (router, begun, _may_end) = waiting();
    let server = Server::start(router, |serve| serve).await;
    let stream = server.write(GET).await;
    soon("the request", begun.notified()).await;
    server.served.abort();
    assert_eq!(rest(stream).await, "");
}

#[tokio::test]
async fn a_full_server_closes_the_connection_that_has_been_without_a_request_for_longest() {
    let (router, begun, may_end) = waiting();
    let server = Server::start(router, |serve| serve.max_connections(3)).await;
    let busy = server.write(GET).await;
    soon("the request", begun.notified()).await;
    let first = server.write("").await;
    let mut second = server.write("GET /wait HTTP/1.1\r\nhost: bo").await;
    assert_eq!(server.ask("GET", "/healthz").await.0, 200);
    assert_eq!(rest(first).await, "");
    second.write_all(b"t\r\nconnection: close\r\n\r\n").await.unwrap();
    soon("the request", begun.notified()).await;
    may_end.notify_waiters();
    for stream in [busy, second] {
        let mut stream = stream;
        until(&mut stream, "done").await;
    }
}

#[tokio::test]
async fn a_server_whose_connections_are_all_busy_refuses_or_waits() {
    for when_full in [WhenFull::Refuse, WhenFull::Wait] {
        let (router, begun, may_end) = waiting();
        let set = |serve: Serve| serve.max_connections(1).when_full(when_full);
        let server = Server::start(router, set).await;
        let mut busy = server.write(GET).await;
        soon("the request", begun.notified()).await;
        let next = server.write("GET /healthz HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n");
        let next = tokio::spawn(rest(next.await));
        if when_full == WhenFull::Refuse {
            let answer = next.await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
            may_end.notify_one();
            until(&mut busy, "done").await;
        } else {
            sleep(50 * MS).await;
            assert!(!next.is_finished());
            may_end.notify_one();
            until(&mut busy, "done").await;
            // The first one is kept open, and makes room.
            let answer = next.await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            assert_eq!(rest(busy).await, "");
        }
    }
}

#[cfg(feature = "digital-employee")]
#[tokio::test]
async fn a_body_that_is_late_is_an_error_of_the_request() {
    use callbot::digital_employee::{Api, BeginSessionRequest, DialogueRequest, Reply, router};
    use callbot::server::Error;

    struct Unasked;

    impl Api for Unasked {
        async fn begin_session(&self, _: BeginSessionRequest, _: &mut Reply) -> Result<(), Error> {
            unreachable!("half a request is served")
        }

        async fn dialogue(&self, _: DialogueRequest, _: &mut Reply) -> Result<(), Error> {
            unreachable!("half a request is served")
        }
    }

    let server = Server::start(router(Unasked), |serve| serve.body_piece_timeout(50 * MS)).await;
    let head = "POST /proxy/endSession HTTP/1.1\r\nhost: b\r\ncontent-type: application/json";
    let stream = server.write(&format!("{head}\r\ncontent-length: 9\r\n\r\n{{\"a\"")).await;
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("the body did not arrive in time"), "{answer}");
}
