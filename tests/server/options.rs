//! The settings of a server that every platform has: the deadline of a handler, and the paths.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::digital_employee_stub::{dialogue, end};
use crate::support::spans::spanned;
use callbot::client::{InMemoryTransport, Transport};
use callbot::digital_employee::{
    Api, BeginSessionRequest, Client, DialogueRequest, EndSessionRequest, Reply, Server, operations,
};
use callbot::server::Error;
use callbot::wire::Operation;
use futures_util::StreamExt;
use http::Method;
use tokio::time::{Instant, sleep};

/// Sends once and then waits for ever. Notes when it is dropped.
#[derive(Debug, Default)]
struct Stuck {
    dropped: Arc<AtomicBool>,
}

struct Note(Arc<AtomicBool>);

impl Drop for Note {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Api for Stuck {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        reply.send("Welcome.").await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        let _note = Note(self.dropped.clone());
        reply.send("One moment.").await?;
        std::future::pending().await
    }

    async fn end_session(&self, _: EndSessionRequest) -> Result<(), Error> {
        let _note = Note(self.dropped.clone());
        sleep(Duration::from_secs(3600)).await;
        Ok(())
    }
}

fn client(server: Server<Stuck>) -> Client {
    let transport = InMemoryTransport::new(server.router());
    Client::builder("http://bot").transport(transport).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_at_its_deadline_and_fails() {
    let (start, stuck) = (Instant::now(), Stuck::default());
    let dropped = stuck.dropped.clone();
    let client = client(Server::new(stuck).deadline(Some(Duration::from_secs(3))));
    let (spans, _guard) = spanned();

    let error = client.end_session(&end()).await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 3);
    let failure = error.failure().unwrap();
    assert_eq!(
        (failure.status(), failure.code(), failure.message()),
        (Some(500), "Exception", Some("no answer in time"))
    );
    assert!(dropped.swap(false, Ordering::SeqCst), "the handler still runs");

    let mut packets = client.dialogue(&dialogue()).await.unwrap();
    let first = packets.next().await.unwrap().unwrap();
    assert_eq!(first.data.unwrap().answer.unwrap(), "One moment.");
    let error = packets.next().await.unwrap().unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 6);
    assert_eq!(error.failure().unwrap().message(), Some("no answer in time"));
    assert!(dropped.load(Ordering::SeqCst), "the handler still runs");
    drop(packets);
    for (_, span) in spans.named("request") {
        assert_eq!(span.fields["error.type"], "deadline", "{span:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_handler_may_take_any_time() {
    for server in [Server::new(Stuck::default()), Server::new(Stuck::default()).deadline(None)] {
        let options = callbot::client::CallOptions::new().call_deadline(Duration::from_secs(7200));
        client(server).with_options(options).end_session(&end()).await.unwrap();
    }
}

#[tokio::test]
async fn a_deadline_that_is_too_large_is_no_deadline() {
    let server = Server::new(Stuck::default()).deadline(Some(Duration::MAX));
    let mut packets = client(server).dialogue(&dialogue()).await.unwrap();
    assert!(packets.next().await.unwrap().is_ok());
}

#[tokio::test]
async fn an_operation_moves_to_another_path_on_both_sides() {
    let server = || {
        Server::new(Stuck::default()).path(&operations::DIALOGUE, "/my-bot/turn").unwrap().router()
    };
    let moved = Client::builder("http://bot/below/")
        .transport(InMemoryTransport::new(axum::Router::new().nest("/below", server())))
        .path(&operations::DIALOGUE, "/my-bot/turn")
        .build()
        .unwrap();
    let mut packets = moved.dialogue(&dialogue()).await.unwrap();
    assert!(packets.next().await.unwrap().is_ok());

    let usual =
        Client::builder("http://bot").transport(InMemoryTransport::new(server())).build().unwrap();
    assert_eq!(usual.dialogue(&dialogue()).await.unwrap_err().status().unwrap(), 404);
}

#[test]
fn a_path_that_cannot_be_served_is_an_error_and_not_a_panic() {
    for (path, says) in [
        ("dialogue", "start with `/`"),
        ("", "start with `/`"),
        ("/a/{id}", "a character"),
        ("/a b", "a character"),
        ("/a?b=c", "a character"),
        ("/:a", "start with `:`"),
        ("/a/*rest", "start with `:`"),
        ("/proxy/endSession", "another operation"),
    ] {
        let error = Server::new(Stuck::default()).path(&operations::DIALOGUE, path).unwrap_err();
        assert!(error.to_string().contains(says), "{path:?} gave: {error}");
    }
    // Accepted paths are served.
    for path in ["/", "/a", "/a/", "/a//b", "/a%20b", "/a:b", "/proxy/dialogue"] {
        let _ = Server::new(Stuck::default()).path(&operations::DIALOGUE, path).unwrap().router();
    }
    let foreign = Operation::new("foreign", Method::POST, "/foreign");
    assert!(Server::new(Stuck::default()).path(&foreign, "/a").is_err());
}

#[test]
fn a_path_that_a_client_cannot_call_is_an_error() {
    static WITH_PARAMETER: Operation = Operation::new("room", Method::GET, "/rooms/{id}");
    for builder in [
        Client::builder("http://bot").path(&operations::DIALOGUE, "turn"),
        Client::builder("http://bot").path(&WITH_PARAMETER, "/room"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains("can't be the path of"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_in_time_is_refused() {
    let server = Server::new(Stuck::default()).deadline(Some(Duration::from_secs(3)));
    let transport = InMemoryTransport::new(server.router());
    let body =
        reqwest::Body::wrap_stream(futures_util::stream::pending::<std::io::Result<&[u8]>>());
    let request = http::Request::post("http://bot/proxy/endSession").body(body).unwrap();
    let start = Instant::now();
    let answer = transport.send(request.try_into().unwrap()).await.unwrap();
    assert_eq!((answer.status().as_u16(), start.elapsed().as_secs()), (408, 3));
    let text = answer.text().await.unwrap();
    assert!(text.contains("the body did not arrive in time"), "{text}");
}
