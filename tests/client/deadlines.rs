//! The deadlines of a client: each has a setting, a default and an error, and a stream as a whole has
//! no deadline. Time is paused where client and bot share a runtime.

#![cfg(all(feature = "digital-employee", feature = "client", feature = "server"))]

use std::time::Duration;

use crate::support::digital_employee_stub::{
    Fake, Stub, abort, begin, dialogue, dialogue_error, end, event, json_answer, packet, pause,
    send, stream as event_stream,
};
use bytes::Bytes;
use callbot::client::{CallOptions, Deadline, Error, InMemoryTransport, Retries};
use callbot::digital_employee::{
    AbortDialogueRequest, Api, BeginSessionRequest, Client, DialogueRequest, EndSessionRequest,
    Packet, Reply, Rules,
};
use callbot::server::{self, Server};
use futures_util::{StreamExt, TryStreamExt, stream};
use http::header::{CONTENT_TYPE, HeaderValue};
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A bot that pauses before each of its `packets` packets, and before each answer.
#[derive(Debug, Clone, Copy)]
struct Slow {
    pause: Duration,
    packets: u32,
}

impl Slow {
    async fn speak(self, reply: &mut Reply) -> Result<(), server::Error> {
        for _ in 0..self.packets {
            sleep(self.pause).await;
            reply.send("more ").await?;
        }
        Ok(())
    }
}

impl Api for Slow {
    async fn begin_session(
        &self,
        _: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), server::Error> {
        self.speak(reply).await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), server::Error> {
        self.speak(reply).await
    }

    async fn abort_dialogue(&self, _: AbortDialogueRequest) -> Result<(), server::Error> {
        sleep(self.pause).await;
        Ok(())
    }

    async fn end_session(&self, _: EndSessionRequest) -> Result<(), server::Error> {
        sleep(self.pause).await;
        Ok(())
    }
}

fn bot(pause: Duration, packets: u32, heartbeat: Option<Duration>) -> Client {
    let mut server = Server::<_, Rules>::new(Slow { pause, packets });
    if let Some(every) = heartbeat {
        server = server.heartbeat(every);
    }
    Client::builder("http://bot")
        .transport(InMemoryTransport::new(server.router()))
        .build()
        .unwrap()
}

/// Checks which deadline passed, and its length.
#[track_caller]
fn passed(error: &Error, deadline: Deadline, limit: Duration) {
    assert_eq!(error.deadline(), Some(deadline), "{error:?}");
    assert!(error.is_timeout() && !error.is_cut() && error.failure().is_none(), "{error:?}");
    assert_eq!(error.is_retryable(), deadline == Deadline::Connect);
    assert!(error.to_string().ends_with(&format!("within {limit:?}")), "{error}");
}

/// Checks how much of the paused time has passed. Its timer counts whole milliseconds.
#[track_caller]
fn took(start: Instant, expected: Duration) {
    let took = start.elapsed();
    assert!(took >= expected && took < expected + SECOND / 10, "{took:?} for {expected:?}");
}

fn stalled(body: &'static str) -> reqwest::Body {
    let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(body))]);
    reqwest::Body::wrap_stream(first.chain(stream::pending()))
}

fn with_type(body: reqwest::Body, media: &'static str) -> http::Response<reqwest::Body> {
    let mut response = http::Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

#[tokio::test(start_paused = true)]
async fn the_first_event_has_a_default_deadline_of_ten_seconds() {
    let never = bot(SECOND * 1000, 1, None);
    let three = CallOptions::new().first_event_deadline(SECOND * 3);
    for (client, limit) in [(never.clone(), SECOND * 10), (never.with_options(three), SECOND * 3)] {
        let start = Instant::now();
        passed(&dialogue_error(&client).await, Deadline::FirstEvent, limit);
        took(start, limit);
        let mut packets = client.begin_session(&begin()).await.unwrap();
        passed(&packets.next().await.unwrap().unwrap_err(), Deadline::FirstEvent, limit);
    }
    let in_time = bot(SECOND * 9, 1, None);
    assert!(in_time.dialogue(&dialogue()).await.unwrap().try_collect::<Vec<_>>().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_first_event_deadline_covers_the_head_and_is_not_renewed_by_it() {
    let silent = Fake::new(|_| std::future::pending());
    let start = Instant::now();
    let error = silent.client().dialogue(&dialogue()).await.unwrap_err();
    passed(&error, Deadline::FirstEvent, SECOND * 10);
    took(start, SECOND * 10);

    let late = Fake::new(|_| async {
        sleep(SECOND * 6).await;
        with_type(stalled(": a comment is no event\n\n"), "text/event-stream")
    });
    let start = Instant::now();
    let mut packets = late.client().dialogue(&dialogue()).await.unwrap();
    took(start, SECOND * 6);
    passed(&packets.next().await.unwrap().unwrap_err(), Deadline::FirstEvent, SECOND * 10);
    took(start, SECOND * 10);
}

#[tokio::test(start_paused = true)]
async fn the_gap_between_events_has_a_default_deadline_of_thirty_seconds() {
    let slow = bot(SECOND * 50, 9, None);
    let first = CallOptions::new().first_event_deadline(SECOND * 60);
    let five = first.clone().gap_deadline(SECOND * 5);
    for (options, limit) in [(first, SECOND * 30), (five, SECOND * 5)] {
        let mut packets = slow.with_options(options).dialogue(&dialogue()).await.unwrap();
        packets.next().await.unwrap().unwrap();
        let start = Instant::now();
        passed(&packets.next().await.unwrap().unwrap_err(), Deadline::Gap, limit);
        took(start, limit);
        assert!(packets.next().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn comments_do_not_extend_a_deadline() {
    let beating = bot(SECOND * 50, 9, Some(SECOND));
    let error = dialogue_error(&beating).await;
    passed(&error, Deadline::FirstEvent, SECOND * 10);

    let options = CallOptions::new().first_event_deadline(SECOND * 60).gap_deadline(SECOND * 5);
    let start = Instant::now();
    passed(&dialogue_error(&beating.with_options(options)).await, Deadline::Gap, SECOND * 5);
    took(start, SECOND * 55);
}

#[tokio::test(start_paused = true)]
async fn a_long_stream_has_no_deadline_as_a_whole() {
    let steady = bot(SECOND * 9, 1000, None).with_options(CallOptions::new().call_deadline(SECOND));
    let start = Instant::now();
    let packets: Vec<_> = steady.dialogue(&dialogue()).await.unwrap().try_collect().await.unwrap();
    assert_eq!(packets.len(), 1001);
    took(start, SECOND * 9000);
}

#[tokio::test(start_paused = true)]
async fn a_call_with_one_answer_has_a_default_deadline_of_ten_seconds() {
    let never = bot(SECOND * 1000, 0, None);
    let three = CallOptions::new().call_deadline(SECOND * 3);
    for (client, limit) in [(never.clone(), SECOND * 10), (never.with_options(three), SECOND * 3)] {
        let start = Instant::now();
        passed(&client.abort_dialogue(&abort()).await.unwrap_err(), Deadline::Call, limit);
        took(start, limit);
        passed(&client.end_session(&end()).await.unwrap_err(), Deadline::Call, limit);
    }
    assert!(bot(SECOND * 9, 0, None).end_session(&end()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_call_deadline_covers_the_body_and_the_retries() {
    let stalls = Fake::new(|_| async {
        sleep(SECOND * 6).await;
        with_type(stalled("{\"httpStatusCode\":"), "application/json")
    });
    let start = Instant::now();
    passed(&stalls.client().end_session(&end()).await.unwrap_err(), Deadline::Call, SECOND * 10);
    took(start, SECOND * 10);

    let busy = Fake::new(|_| async {
        sleep(SECOND * 3).await;
        http::Response::builder().status(503).body("".into()).unwrap()
    });
    let retries = Retries::up_to(100).initial_backoff(Duration::ZERO);
    let client = busy.client().with_options(CallOptions::new().retries(retries));
    let start = Instant::now();
    passed(&client.end_session(&end()).await.unwrap_err(), Deadline::Call, SECOND * 10);
    took(start, SECOND * 10);
    passed(&client.dialogue(&dialogue()).await.unwrap_err(), Deadline::FirstEvent, SECOND * 10);
    took(start, SECOND * 20);
    assert_eq!(busy.attempts().len(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_of_zero_passes_immediately_and_an_endless_one_never() {
    let slow = bot(SECOND * 3600, 2, None);
    let zero =
        CallOptions::new().call_deadline(Duration::ZERO).first_event_deadline(Duration::ZERO);
    passed(
        &dialogue_error(&slow.with_options(zero.clone())).await,
        Deadline::FirstEvent,
        Duration::ZERO,
    );
    let error = slow.with_options(zero).end_session(&end()).await.unwrap_err();
    passed(&error, Deadline::Call, Duration::ZERO);

    let (endless, max) = (CallOptions::new(), Duration::MAX);
    let endless = endless.call_deadline(max).first_event_deadline(max).gap_deadline(max);
    let client = slow.with_options(endless);
    assert!(client.end_session(&end()).await.is_ok());
    let packets: Vec<_> = client.dialogue(&dialogue()).await.unwrap().try_collect().await.unwrap();
    assert_eq!(packets.len(), 3);
}

#[tokio::test]
async fn every_deadline_holds_over_a_socket_too() {
    const SHORT: Duration = Duration::from_millis(150);
    let options = CallOptions::new();
    let call = options.clone().call_deadline(SHORT);
    let first = options.clone().first_event_deadline(SHORT);
    let gap = options.gap_deadline(SHORT);
    let one = event(packet("One", false));
    let silent = vec![pause(5000)];
    let head_only = vec![send(event_stream("")), pause(5000)];
    let comments = |start: &str| {
        let beats = (0..100).flat_map(|_| [pause(40), send(":\n\n")]);
        [vec![send(event_stream(start))], beats.collect()].concat()
    };
    for (script, options, deadline) in [
        (silent.clone(), &first, Deadline::FirstEvent),
        (head_only, &first, Deadline::FirstEvent),
        (comments(""), &first, Deadline::FirstEvent),
        (vec![send(event_stream(&one)), pause(5000)], &gap, Deadline::Gap),
        (comments(&one), &gap, Deadline::Gap),
    ] {
        let stub = Stub::new(vec![script]).await;
        passed(
            &dialogue_error(&stub.client().with_options(options.clone())).await,
            deadline,
            SHORT,
        );
    }
    let half = json_answer("200 OK", "{}").replace("length: 2", "length: 3");
    for script in [silent, vec![send(half), pause(5000)]] {
        let stub = Stub::new(vec![script]).await;
        let error = stub.client().with_options(call.clone()).end_session(&end()).await.unwrap_err();
        passed(&error, Deadline::Call, SHORT);
    }
}

/// The listener accepts connections and sends nothing, so that the TLS handshake never completes.
#[cfg(any(feature = "rustls", feature = "rustls-aws-lc-rs"))]
#[tokio::test]
async fn an_unfinished_tls_handshake_passes_the_connect_deadline() {
    const SHORT: Duration = Duration::from_millis(100);
    let url = crate::support::script::silent().await;
    let client = Client::builder(&url).connect_deadline(SHORT).build().unwrap();
    passed(&client.dialogue(&dialogue()).await.unwrap_err(), Deadline::Connect, SHORT);
    passed(&client.end_session(&end()).await.unwrap_err(), Deadline::Connect, SHORT);
    // The nearer of two deadlines passes first.
    let nearer = client.with_options(CallOptions::new().call_deadline(SHORT / 4));
    passed(&nearer.end_session(&end()).await.unwrap_err(), Deadline::Call, SHORT / 4);
}

/// The queue of the listener is full, so the kernel answers no further connection.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_listener_with_a_full_queue_passes_the_connect_deadline() {
    const SHORT: Duration = Duration::from_millis(150);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(connection) =
        tokio::time::timeout(SHORT, tokio::net::TcpStream::connect(address)).await
    {
        queue.push(connection.unwrap());
        assert!(queue.len() < 64, "the queue has no end");
    }
    let client =
        Client::builder(&format!("http://{address}")).connect_deadline(SHORT).build().unwrap();
    passed(&client.dialogue(&dialogue()).await.unwrap_err(), Deadline::Connect, SHORT);
}

#[tokio::test]
async fn an_error_without_a_deadline_is_not_a_timeout() {
    let stub = Stub::answering(json_answer("504 Gateway Timeout", "")).await;
    let error = stub.client().end_session(&end()).await.unwrap_err();
    assert!(!error.is_timeout() && error.deadline().is_none(), "{error:?}");
}

/// Returns the second packet for a reader that pauses for twice the gap deadline after the first one.
/// The second packet is sent 60 ms after the first, with `between` between the two.
async fn after_an_absence(between: &str) -> Result<Packet, Error> {
    const GAP: Duration = Duration::from_millis(200);
    let [one, two] = [packet("One", false), packet("One two", true)].map(event);
    let script = vec![send(event_stream(one)), pause(20), send(between), pause(40), send(two)];
    let stub = Stub::new(vec![script]).await;
    let client = stub.client().with_options(CallOptions::new().gap_deadline(GAP));
    let mut packets = client.dialogue(&dialogue()).await.unwrap();
    packets.next().await.unwrap().unwrap();
    sleep(GAP * 2).await;
    packets.next().await.unwrap()
}

#[tokio::test]
async fn a_slow_reader_does_not_pass_the_gap_deadline() {
    assert!(after_an_absence("").await.unwrap().data.unwrap().stream_end);
}

#[tokio::test]
async fn a_slow_reader_does_not_pass_the_gap_deadline_after_a_comment() {
    assert!(after_an_absence(":\n\n").await.unwrap().data.unwrap().stream_end);
}

/// The peer sends comments without a pause, so that the reader is never idle.
#[test]
fn a_flood_of_comments_does_not_extend_a_deadline() {
    let (done, outcome) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(async {
            let flood = Fake::new(|_| {
                let comments = stream::repeat_with(|| Ok::<_, std::io::Error>(":\n\n"));
                let body = reqwest::Body::wrap_stream(comments);
                std::future::ready(with_type(body, "text/event-stream"))
            });
            let options = CallOptions::new().first_event_deadline(SECOND / 10);
            dialogue_error(&flood.client().with_options(options)).await
        });
        done.send(error).unwrap();
    });
    let error = outcome.recv_timeout(SECOND * 5).expect("the deadline never passes");
    passed(&error, Deadline::FirstEvent, SECOND / 10);
}
