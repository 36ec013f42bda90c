//! What a DUIX dialogue bot says when its handler is late, fails or panics: the fallback, or one failure
//! in the form of the document, and nothing of the reason unless the bot's author made it public.

use std::io;
use std::time::Duration;

use callbot::client::{CallOptions, InMemoryTransport, Transport};
use callbot::duix::dialogue::{
    Answer, AnswerForm, Api, Client, Delta, DialogueRequest, DialogueRequestFields, Operations,
    Reply, Server, TipPhrases,
};
use callbot::server::Error;
use futures_util::{FutureExt, StreamExt, TryStreamExt, future, stream};
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep, timeout};

use crate::support::duix::*;

/// A text that no answer may hold.
const SECRET: &str = "SECRET-4711";

/// The fallback.
const FALLBACK: &str = "I need a little longer. 请再说一遍。";

/// The ways to fail after which the fallback is said.
const FALLING: [&str; 5] = ["io", "parse", "panic", "panic with a value", "public"];

/// Those of them whose reason is not public.
const SILENT: [&str; 4] = ["io", "parse", "panic", "panic with a value"];

/// Fails in the way that the question names.
fn fail(how: &str) -> Result<(), Error> {
    match how {
        "io" => Err(io::Error::other(SECRET).into()),
        "parse" => Ok(SECRET.parse::<u8>().map(|_| ())?),
        "panic" => panic!("{SECRET}"),
        "panic with a value" => std::panic::panic_any(vec![SECRET]),
        "public" => Err(Error::public("try again")),
        "public with a status of success" => Err(Error::public("all is well?").status(200)),
        "unsupported" => Err(Error::unsupported()),
        other => match other.strip_prefix("public ") {
            Some(status) => Err(Error::public("no such account").status(status.parse()?)),
            None => Ok(()),
        },
    }
}

/// Fails in the way that the question names, after the number of pieces that is the conversation's id.
#[derive(Debug, Clone, Copy)]
struct Faulty;

impl Api for Faulty {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        tokio::task::yield_now().await;
        fail(&request.question).map(|()| "all is fine".into())
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        for _ in 0..pieces(&request) {
            reply.send("word ").await?;
        }
        tokio::task::yield_now().await;
        fail(&request.question)?;
        reply.finish("all is fine").await
    }
}

fn pieces(request: &DialogueRequest) -> usize {
    request.conversation_id.parse().unwrap_or(0)
}

/// Panics before there is a future.
#[derive(Debug, Clone, Copy)]
struct Abrupt;

impl Api for Abrupt {
    fn dialogue(
        &self,
        request: DialogueRequest,
    ) -> impl Future<Output = Result<Answer, Error>> + Send {
        future::ready(fail(&request.question).map(|()| "all is fine".into()))
    }

    fn dialogue_stream(
        &self,
        request: DialogueRequest,
        _: &mut Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send {
        future::ready(fail(&request.question))
    }
}

fn post(path: &str, how: &str, pieces: usize) -> Post {
    let mut body = asking(how);
    body["dh-conversation-id"] = pieces.to_string().into();
    Post::json(path, &body)
}

/// The success that says `words` to this question.
fn success(how: &str, words: impl Into<Value>) -> Value {
    let mut body = said(words);
    body["data"]["question"] = how.into();
    body["data"]["conversationId"] = "0".into();
    body
}

/// A stream of this number of pieces, and `last` after them.
fn stream_of(pieces: usize, last: &str) -> Vec<String> {
    let mut frames = vec!["word ".to_owned(); pieces];
    frames.push(last.into());
    frames
}

fn assert_silent(body: &str) {
    for reason in [SECRET, "invalid digit", "panick", "try again", "no such account"] {
        assert!(!body.contains(reason), "{body}");
    }
}

/// The server still serves, on this connection and on another one.
async fn assert_goes_on(peer: &mut Peer, address: std::net::SocketAddr) {
    for path in BOTH {
        let post = post(path, "fine", 0);
        for answer in [peer.ask(&post).await, Peer::connect(address).await.ask(&post).await] {
            assert_eq!(answer.status, 200);
            assert!(answer.body.contains("all is fine"), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_says_the_fallback_and_the_server_goes_on() {
    for form in [AnswerForm::Object, AnswerForm::JsonText] {
        let server = Server::new(Faulty).fallback(FALLBACK).answer_form(form);
        let address = start(server).await;
        let mut peer = Peer::connect(address).await;
        for how in FALLING {
            let answer = peer.ask(&post(ANSWERED, how, 0)).await;
            let words = json!({"answer": FALLBACK});
            let words = match form {
                AnswerForm::JsonText => words.to_string().into(),
                _ => words,
            };
            assert_eq!((answer.status, answer.json()), (200, success(how, words)), "{how}");
            assert_silent(&answer.body);
            for pieces in [0, 1, 3] {
                let answer = peer.ask(&post(STREAMED, how, pieces)).await;
                assert_eq!(answer.frames(), stream_of(pieces, FALLBACK), "{how}");
                assert_silent(&answer.body);
            }
            assert_goes_on(&mut peer, address).await;
        }
    }
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_says_the_fallback() {
    let address = start(Server::new(Abrupt).fallback(FALLBACK)).await;
    let mut peer = Peer::connect(address).await;
    for how in SILENT {
        let answer = peer.ask(&post(ANSWERED, how, 0)).await;
        let expected = success(how, json!({"answer": FALLBACK}));
        assert_eq!((answer.status, answer.json()), (200, expected), "{how}");
        let streamed = peer.ask(&post(STREAMED, how, 0)).await;
        assert_eq!(streamed.frames(), [FALLBACK], "{how}");
        assert_silent(&(answer.body + &streamed.body));
        let answer = peer.ask(&post(ANSWERED, "fine", 0)).await;
        assert_eq!(answer.json(), success("fine", json!({"answer": "all is fine"})));
        assert_eq!(peer.ask(&post(STREAMED, "fine", 0)).await.frames(), [""]);
    }
}

/// The status of the document that replaces this one.
fn documented(status: u16) -> u16 {
    match status {
        401 | 403 => status,
        400..=499 => 400,
        _ => 500,
    }
}

#[tokio::test]
async fn a_public_error_has_its_envelope_with_a_status_of_the_document() {
    for fallback in [None, Some(FALLBACK)] {
        let server = Server::new(Faulty);
        let address = start(match fallback {
            Some(words) => server.fallback(words),
            None => server,
        })
        .await;
        let mut peer = Peer::connect(address).await;
        for status in [400, 401, 402, 403, 404, 409, 413, 422, 429, 499, 501, 502, 503, 504, 599] {
            let how = format!("public {status}");
            let answer = peer.ask(&post(ANSWERED, &how, 0)).await;
            // The fallback hides failures of the bot, but not that it lacks the operation.
            if let Some(words) = fallback.filter(|_| status >= 500 && status != 501) {
                assert_eq!((answer.status, answer.body.contains(words)), (200, true), "{how}");
                assert_silent(&answer.body);
            } else {
                let status = documented(status);
                let expected = (status.to_string(), "no such account".into());
                assert_eq!(answer.envelope(status), expected, "{how}");
            }
            // The head of the stream is sent, so only text can follow.
            for pieces in [0, 2] {
                let answer = peer.ask(&post(STREAMED, &how, pieces)).await;
                let last = fallback.unwrap_or_default();
                assert_eq!(answer.frames(), stream_of(pieces, last), "{how}");
                assert_silent(&answer.body);
            }
        }
    }
    // A status that is not that of a failure counts as 500.
    let mut peer = Peer::connect(start(Server::new(Faulty)).await).await;
    for (how, message) in [
        ("public with a status of success", "all is well?"),
        ("public 0", "no such account"),
        ("public 399", "no such account"),
        ("public 600", "no such account"),
    ] {
        let answer = peer.ask(&post(ANSWERED, how, 0)).await;
        assert_eq!(answer.envelope(500), ("500".into(), message.into()), "{how}");
    }
}

#[tokio::test]
async fn the_code_of_a_public_error_is_shown() {
    for (status, code) in [(404, "NoAccount"), (403, "1009"), (500, "-1"), (503, "")] {
        let error = move || Error::public("no such account").status(status).code(code);
        let server = answering(move |_| future::ready(Err(error())));
        let answer = ask(ANSWERED, server).await;
        let expected = (code.to_owned(), "no such account".to_owned());
        assert_eq!(answer.envelope(documented(status)), expected);
    }
}

/// A bot without handlers.
struct Nothing;

impl Api for Nothing {}

#[tokio::test]
async fn an_operation_without_a_handler_is_not_supported() {
    for fallback in [None, Some(FALLBACK)] {
        let server = match fallback {
            Some(words) => Server::new(Nothing).fallback(words),
            None => Server::new(Nothing),
        };
        let mut peer = Peer::connect(start(server).await).await;
        let answer = peer.ask(&Post::question(ANSWERED)).await;
        let expected = ("500".into(), "the operation is not supported".into());
        assert_eq!(answer.envelope(500), expected);
        let frames = peer.ask(&Post::question(STREAMED)).await.frames();
        assert_eq!(frames, [fallback.unwrap_or_default()]);
    }
}

#[tokio::test]
async fn a_stream_that_fails_or_panics_within_send_all_ends_with_the_fallback() {
    for how in SILENT {
        let server = speaking(move |reply| {
            let items = stream::iter([Ok("good")])
                .chain(stream::once(async move { fail(how).map(|()| "not reached") }))
                .boxed();
            async move { reply.send_all(items).await }.boxed()
        });
        let answer = ask(STREAMED, server.fallback(FALLBACK)).await;
        assert_eq!(answer.frames(), ["good", FALLBACK], "{how}");
        assert_silent(&answer.body);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_the_spec_counts_as_a_failure_and_the_place_is_traced() {
    let invalid = [
        (
            Operations::new().with_extra("canShowText", SECRET),
            "/data/answer/operations/canShowText",
        ),
        (
            Operations::new()
                .with_tip_phrases(TipPhrases::new([""; 0]).with_extra("phrases", SECRET)),
            "/data/answer/operations/tipPhrases/phrases",
        ),
    ];
    for (operations, pointer) in invalid {
        for fallback in [None, Some(FALLBACK)] {
            for form in [AnswerForm::Object, AnswerForm::JsonText] {
                let (traces, _guard) = traced();
                let operations = operations.clone();
                let server = answering(move |_| {
                    let mut answer = Answer::text(SECRET);
                    answer.spoken.operations = Some(operations.clone());
                    future::ready(Ok(answer))
                });
                let server = server.answer_form(form);
                let answer = match fallback {
                    Some(words) => ask(ANSWERED, server.fallback(words)).await,
                    None => ask(ANSWERED, server).await,
                };
                assert_silent(&answer.body);
                match fallback {
                    Some(words) => assert!(answer.body.contains(words), "{answer:?}"),
                    None => {
                        let expected = ("500".into(), "internal error".into());
                        assert_eq!(answer.envelope(500), expected);
                    }
                }
                let lines = traces.with(&["ERROR", "operation=\"dialogue\"", pointer]);
                assert_eq!(lines.len(), 1, "{:?}", traces.lines());
                assert_eq!(traces.with(&[SECRET]), [""; 0]);
            }
        }
    }
}

#[tokio::test]
async fn the_fallback_may_be_any_text() {
    for words in ["", " ", "\"\r\n\n{}\u{0}", "data: [DONE]\n\n"] {
        let mut peer = Peer::connect(start(Server::new(Faulty).fallback(words)).await).await;
        let answer = peer.ask(&post(ANSWERED, "io", 0)).await;
        assert_eq!(answer.json(), success("io", json!({ "answer": words })));
        assert_eq!(peer.ask(&post(STREAMED, "io", 1)).await.frames(), ["word ", words]);
    }
}

#[tokio::test]
async fn an_error_is_traced_with_its_reason_and_a_panic_without() {
    for (how, reason) in [("io", SECRET), ("public", "try again"), ("panic", "panicked")] {
        for (path, operation) in [(ANSWERED, "\"dialogue\""), (STREAMED, "\"dialogueStream\"")] {
            let (traces, _guard) = traced();
            let server = Server::new(Faulty).fallback(FALLBACK);
            Peer::connect(start(server).await).await.ask(&post(path, how, 0)).await;
            let lines = traces.with(&["ERROR", operation, reason]);
            assert_eq!(lines.len(), 1, "{:?}", traces.lines());
            assert_eq!(traces.with(&[SECRET]).len(), usize::from(how == "io"));
        }
    }
}

/// Reports that it is dropped.
struct Guard(UnboundedSender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// Waits for `thinks` before each piece and before the end. The question is the number of pieces.
struct Slow {
    thinks: Duration,
    dropped: UnboundedSender<()>,
}

impl Api for Slow {
    async fn dialogue(&self, _: DialogueRequest) -> Result<Answer, Error> {
        let _guard = Guard(self.dropped.clone());
        sleep(self.thinks).await;
        Ok("At last.".into())
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let _guard = Guard(self.dropped.clone());
        for _ in 0..request.question.parse().unwrap_or(0) {
            sleep(self.thinks).await;
            reply.send("word ").await?;
        }
        sleep(self.thinks).await;
        reply.finish("At last.").await
    }
}

const SECOND: Duration = Duration::from_secs(1);

fn slow(thinks: Duration) -> (Server<Slow>, UnboundedReceiver<()>) {
    let (dropped, heard) = unbounded_channel();
    (Server::new(Slow { thinks, dropped }), heard)
}

/// A client without a socket and with very long deadlines, so that the clock can be paused.
fn client<A: Api>(server: Server<A>) -> Client {
    let transport = InMemoryTransport::new(server.router());
    let week = SECOND * 7 * 24 * 3600;
    let options =
        CallOptions::new().call_deadline(week).first_event_deadline(week).gap_deadline(week);
    Client::builder("http://bot").transport(transport).options(options).build().unwrap()
}

fn request(question: impl ToString) -> DialogueRequest {
    DialogueRequest::new(DialogueRequestFields {
        user_id: "100003",
        avatar_code: "187265485019156480",
        question: &question.to_string(),
        conversation_id: "c-1",
    })
}

async fn deltas(client: &Client, question: impl ToString) -> Vec<Delta> {
    client.dialogue_stream(&request(question)).await.unwrap().try_collect().await.unwrap()
}

/// This number of pieces, and `last` as the last one.
fn expected(pieces: usize, last: &str) -> Vec<Delta> {
    let mut deltas = vec![Delta::new("word ", false); pieces];
    deltas.push(Delta::new(last, true));
    deltas
}

/// Checks that the deadline has just passed, within the resolution of the timer.
fn assert_at(start: Instant, deadline: Duration) {
    let elapsed = start.elapsed();
    let grain = Duration::from_millis(10);
    assert!(deadline <= elapsed && elapsed < deadline + grain, "{elapsed:?}, not {deadline:?}");
}

#[tokio::test(start_paused = true)]
async fn a_handler_has_20_seconds_by_default() {
    for (set, deadline) in [
        (None, 20 * SECOND),
        (Some(3 * SECOND), 3 * SECOND),
        (Some(Duration::from_millis(1500)), Duration::from_millis(1500)),
        (Some(30 * SECOND), 30 * SECOND),
        (Some(Duration::ZERO), Duration::ZERO),
    ] {
        for fallback in [Some(FALLBACK), None] {
            let (mut server, mut dropped) = slow(3600 * SECOND);
            if let Some(set) = set {
                server = server.deadline(Some(set));
            }
            if let Some(words) = fallback {
                server = server.fallback(words);
            }
            let client = client(server);

            let start = Instant::now();
            let answer = client.dialogue(&request("?")).await;
            assert_at(start, deadline);
            assert_eq!(dropped.try_recv(), Ok(()), "the handler still runs");
            match fallback {
                Some(words) => {
                    let data = answer.unwrap().into_inner().data.unwrap();
                    assert_eq!((data.answer.text.as_str(), data.answer.operations), (words, None));
                    assert_eq!(data.conversation_id, "c-1");
                    assert_eq!(data.question.as_deref(), Some("?"));
                }
                None => {
                    let error = answer.unwrap_err();
                    assert_eq!(error.status().unwrap(), 500);
                    let failure = error.failure().unwrap();
                    let said = (failure.code(), failure.message());
                    assert_eq!(said, ("500", Some("no answer in time")));
                }
            }

            let start = Instant::now();
            let deltas = deltas(&client, "?").await;
            assert_at(start, deadline);
            assert_eq!(dropped.try_recv(), Ok(()), "the handler still runs");
            assert_eq!(deltas, expected(0, fallback.unwrap_or_default()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_stream_ends_at_the_deadline_with_the_fallback() {
    for (thinks, pieces) in [(6 * SECOND, 3), (19 * SECOND, 1), (SECOND, 19)] {
        for fallback in [Some(FALLBACK), None] {
            let (mut server, mut dropped) = slow(thinks);
            if let Some(words) = fallback {
                server = server.fallback(words);
            }
            let client = client(server);
            let start = Instant::now();
            let mut stream = client.dialogue_stream(&request(1000)).await.unwrap();
            for piece in 1..=pieces {
                let delta = stream.next().await.unwrap().unwrap();
                assert_eq!(delta, Delta::new("word ", false));
                assert_at(start, thinks * piece);
            }
            let mut last = stream.next().await.unwrap().unwrap();
            if thinks == SECOND && !last.is_end {
                // The piece of the 20th second may come before the deadline.
                last = stream.next().await.unwrap().unwrap();
            }
            assert_eq!(last, Delta::new(fallback.unwrap_or_default(), true));
            assert_at(start, 20 * SECOND);
            assert_eq!(dropped.try_recv(), Ok(()), "the handler still runs");
            assert!(stream.next().await.is_none());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_meets_the_deadline_is_heard_to_its_end() {
    let (server, mut dropped) = slow(Duration::from_millis(19_900));
    let in_time = client(server.fallback(FALLBACK));
    let answer = in_time.dialogue(&request("?")).await.unwrap();
    assert_eq!(answer.into_inner().data.unwrap().answer.text, "At last.");
    assert_eq!(deltas(&in_time, "?").await, expected(0, "At last."));
    assert_eq!((dropped.try_recv(), dropped.try_recv()), (Ok(()), Ok(())));

    let (server, _dropped) = slow(Duration::from_millis(1990));
    let in_time = client(server.fallback(FALLBACK));
    assert_eq!(deltas(&in_time, 9).await, expected(9, "At last."));
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_a_handler_may_take_any_time() {
    for deadline in [None, Some(Duration::MAX)] {
        let (server, _dropped) = slow(3600 * SECOND);
        let patient = client(server.fallback(FALLBACK).deadline(deadline));
        let answer = patient.dialogue(&request("?")).await.unwrap();
        assert_eq!(answer.into_inner().data.unwrap().answer.text, "At last.");
        assert_eq!(deltas(&patient, 3).await, expected(3, "At last."));
    }
}

/// The text of an answer, without a client that reads it.
async fn sent(transport: &InMemoryTransport, path: &str, body: reqwest::Body) -> String {
    let url = format!("http://bot{path}").parse().unwrap();
    let mut request = reqwest::Request::new(http::Method::POST, url);
    *request.body_mut() = Some(body);
    transport.send(request).await.unwrap().text().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_the_arrival_of_the_request_and_not_from_its_end() {
    for path in BOTH {
        let (server, mut dropped) = slow(3600 * SECOND);
        let transport = InMemoryTransport::new(server.fallback(FALLBACK).router());
        let body = valid().to_string();
        let body = stream::once(async move {
            sleep(15 * SECOND).await;
            Ok::<_, io::Error>(body)
        });
        let start = Instant::now();
        let answer = sent(&transport, path, reqwest::Body::wrap_stream(body)).await;
        assert!(answer.contains(FALLBACK), "{answer}");
        assert_at(start, 20 * SECOND);
        assert_eq!(dropped.try_recv(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_adds_nothing_after_the_last_piece() {
    let (told, mut dropped) = unbounded_channel();
    let server = speaking(move |reply| {
        let guard = Guard(told.clone());
        Box::pin(async move {
            let _guard = guard;
            reply.finish("Bye.").await?;
            future::pending().await
        })
    });
    let transport = InMemoryTransport::new(server.fallback(FALLBACK).router());
    let start = Instant::now();
    let answer = sent(&transport, STREAMED, valid().to_string().into()).await;
    assert_eq!(answer, "data: {\"answer\":\"Bye.\",\"isEnd\":true}\n\n");
    assert_at(start, 20 * SECOND);
    assert_eq!(dropped.try_recv(), Ok(()));
}

#[tokio::test]
async fn over_a_socket_the_fallback_comes_at_the_deadline_and_the_server_goes_on() {
    let deadline = Duration::from_millis(300);
    let (server, mut dropped) = slow(Duration::from_millis(200));
    let address = start(server.fallback(FALLBACK).deadline(Some(deadline))).await;
    let mut peer = Peer::connect(address).await;
    let (late, _dropped) = slow(3600 * SECOND);
    let late = start(late.fallback(FALLBACK).deadline(Some(deadline))).await;
    let mut of_late = Peer::connect(late).await;
    for _ in 0..2 {
        let asked = Instant::now();
        let answer = of_late.ask(&Post::question(ANSWERED)).await;
        assert!(asked.elapsed() >= deadline, "{:?}", asked.elapsed());
        assert_eq!((answer.status, answer.json()), (200, said(json!({"answer": FALLBACK}))));

        let asked = Instant::now();
        of_late.send(&Post::question(STREAMED)).await;
        of_late.head().await.assert_stream();
        assert_eq!(of_late.frame().await, (FALLBACK.into(), true));
        assert!(asked.elapsed() >= deadline, "{:?}", asked.elapsed());
        assert_eq!(of_late.block().await, None);

        // The first piece is in time, the next one is not.
        let answer = peer.ask(&Post::asking(STREAMED, "3")).await;
        assert_eq!(answer.frames(), ["word ", FALLBACK]);
        assert_eq!(soon("the drop", dropped.recv()).await, Some(()));
        // A shorter answer is in time.
        let answer = peer.ask(&Post::question(ANSWERED)).await;
        assert_eq!(answer.json(), said(json!({"answer": "At last."})));
        assert_eq!(soon("the drop", dropped.recv()).await, Some(()));
    }
}

/// A peer with small buffers that asks a bot that never stops, with a deadline of 500 ms, and the
/// channel that reports that the handler is dropped.
async fn asked_by_a_slow_reader() -> (Peer, UnboundedReceiver<()>) {
    let (told, dropped) = unbounded_channel();
    let server = speaking(move |reply| {
        let guard = Guard(told.clone());
        Box::pin(async move {
            let _guard = guard;
            let text = "x".repeat(LONG);
            loop {
                reply.send(text.as_str()).await?;
            }
        })
    });
    let server = server.fallback(FALLBACK).deadline(Some(Duration::from_millis(500)));
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut peer = Peer::over(socket, start(server).await).await;
    peer.send(&Post::question(STREAMED)).await;
    (peer, dropped)
}

const LONG: usize = 64 * 1024;

#[tokio::test]
async fn a_slow_reader_gets_the_pieces_before_the_deadline_and_then_the_fallback() {
    let (mut peer, mut dropped) = asked_by_a_slow_reader().await;
    // The peer has not read a byte yet.
    sleep(SECOND).await;
    peer.head().await.assert_stream();
    let mut frames = 0;
    let last = loop {
        let (text, last) = peer.frame().await;
        if last {
            break text;
        }
        assert_eq!(text.len(), LONG);
        frames += 1;
    };
    assert_eq!((last.as_str(), frames > 0), (FALLBACK, true));
    assert_eq!(peer.block().await, None);
    assert_eq!(soon("the drop", dropped.recv()).await, Some(()));
}

#[tokio::test]
async fn a_handler_that_waits_for_a_slow_reader_is_dropped_at_the_deadline() {
    let (_peer, mut dropped) = asked_by_a_slow_reader().await;
    let drop = timeout(3 * SECOND, dropped.recv()).await;
    assert_eq!(drop.expect("the deadline was 0.5 s, and the handler still runs"), Some(()));
}
