//! What a platform offers to run the shared suites against its server.
//!
//! A new platform implements [`Subject`], and [`Streams`] if its replies are streams, and is added to
//! the two lists at the end of this file. It then has every suite.

#[cfg(feature = "aui")]
mod aui;
#[cfg(feature = "chat")]
mod chat;
#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
#[cfg(feature = "odfs")]
mod odfs;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use callbot::server::Error;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

#[cfg(feature = "aui")]
pub(crate) use self::aui::Aui;
#[cfg(feature = "chat")]
pub(crate) use self::chat::Chat;
#[cfg(feature = "digital-employee")]
pub(crate) use self::digital_employee::DigitalEmployee;
#[cfg(feature = "duix")]
pub(crate) use self::duix::Duix;
#[cfg(feature = "odfs")]
pub(crate) use self::odfs::Odfs;
pub(crate) use crate::support::json::{arrays, changed, with_json};
pub(crate) use crate::support::peer::*;

/// A text that no answer may hold.
pub(crate) const SECRET: &str = "SECRET-4711";

/// The text that a failed handler says instead, where the platform has such a setting.
pub(crate) const FALLBACK: &str = "FALLBACK: please say that again.";

/// An operation of a platform, at one of the paths at which it is served.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) path: String,
    /// The name under which the operation is traced.
    pub(crate) name: &'static str,
    /// A request that is served.
    pub(crate) body: Value,
    /// Whether the reply is a stream of packets.
    pub(crate) streams: bool,
    /// Whether a handler serves it. The crate itself serves the others.
    pub(crate) handled: bool,
    /// The JSON pointers of the fields that must be in a request.
    pub(crate) required: Vec<String>,
    /// The fields that a bot can do without.
    pub(crate) dispensable: Vec<Dispensable>,
    /// The JSON pointer of a text that may have any value.
    pub(crate) text: &'static str,
    /// The JSON pointer and the value of the id that a refusal echoes, if it echoes one.
    pub(crate) echo: Option<(&'static str, String)>,
}

impl Operation {
    pub(crate) fn post(&self) -> Post {
        Post::json(&self.path, &self.body)
    }

    /// The request with another body.
    pub(crate) fn with(&self, body: impl Into<Vec<u8>>) -> Post {
        Post::new(&self.path, body)
    }

    /// The request with another value at a JSON pointer; `None` removes the key.
    pub(crate) fn changed(&self, pointer: &str, value: Option<Value>) -> Post {
        Post::json(&self.path, &changed(&self.body, [(pointer, value)]))
    }

    /// The id that a refusal echoes if the field at `pointer` is the only wrong one.
    pub(crate) fn echo_without(&self, pointer: &str) -> Option<&str> {
        let (place, id) = self.echo.as_ref()?;
        (*place != pointer).then_some(id)
    }

    /// A body of exactly this length that is served.
    pub(crate) fn sized(&self, length: usize) -> Post {
        let pad = |pad: usize| {
            changed(&self.body, [("/unknown", Some("x".repeat(pad).into()))]).to_string()
        };
        let body = pad(length - pad(0).len());
        assert_eq!(body.len(), length);
        self.with(body)
    }
}

/// A field that a bot can do without.
#[derive(Debug, Clone)]
pub(crate) struct Dispensable {
    /// Its JSON pointer.
    pub(crate) pointer: String,
    /// What the handler gets if the field is missing.
    pub(crate) without: Option<Value>,
    /// Whether it may be missing by the platform's document.
    pub(crate) optional: bool,
    /// Whether it is an object.
    pub(crate) object: bool,
}

impl Dispensable {
    pub(crate) fn new(pointer: impl Into<String>, without: Option<Value>) -> Self {
        Self { pointer: pointer.into(), without, optional: false, object: false }
    }

    pub(crate) fn optional(pointer: impl Into<String>) -> Self {
        Self { optional: true, ..Self::new(pointer, None) }
    }

    /// What is sent in its place: nothing, null, or values of other types.
    pub(crate) fn instead(&self) -> impl Iterator<Item = Option<Value>> + use<> {
        let object = json!({ SECRET: [{"x": 1}] });
        let other = if self.object { json!(SECRET) } else { object };
        [None, Some(Value::Null), Some(json!([SECRET])), Some(json!(true)), Some(other)].into_iter()
    }
}

/// Why a request has no success.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    /// The server refuses it with this status.
    Refused(u16),
    /// The handler returns a public error with this status and this code.
    Failed(u16, Option<&'static str>),
    /// The handler returns another error, or it panics.
    Internal,
}

/// A refusal or a failure, as the platform's document has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The id of the request.
    pub(crate) id: Option<String>,
}

/// The settings that the suites need.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    pub(crate) body_limit: Option<usize>,
    pub(crate) heartbeat: Option<Duration>,
    /// Sets [`FALLBACK`] where the platform has such a setting.
    #[cfg_attr(not(feature = "duix"), expect(dead_code))]
    pub(crate) fallback: bool,
}

/// The settings that every server has, whatever its type.
macro_rules! with_settings {
    ($server:expr, $settings:expr) => {
        match $settings.body_limit {
            Some(bytes) => $server.body_limit(bytes),
            None => $server,
        }
    };
    ($server:expr, $settings:expr, heartbeat) => {
        match $settings.heartbeat {
            Some(every) => with_settings!($server, $settings).heartbeat(every),
            None => with_settings!($server, $settings),
        }
    };
}
pub(crate) use with_settings;

/// A platform's server.
pub(crate) trait Subject: Default + Send + Sync + 'static {
    /// The JSON pointers at which a request may hold the id of its call.
    const CALL: &'static [&'static str];

    /// The JSON pointers of the ids that the server keeps of a call.
    const IDS: &'static [&'static str];

    /// Whether unknown fields reach the handler, so that their depth has a limit.
    const KEEPS_UNKNOWN_FIELDS: bool;

    /// Every operation at every path, with a request that is served.
    fn operations(&self) -> Vec<Operation>;

    /// A server whose handlers follow `script`.
    fn router(&self, script: Script, settings: Settings) -> Router;

    /// Checks that `answer` is a success in the form of the platform's document, byte for byte where
    /// that matters.
    fn assert_served(&self, operation: &Operation, answer: &Answer);

    /// The refusal in `answer`, which must be in the form of the platform's document.
    fn refusal(&self, operation: &Operation, answer: &Answer) -> Failure;

    /// The failure at the end of `answer`, behind this number of packets that hold [`PIECE`]. `None`
    /// where the platform's form of a failure has neither status nor text; the form is checked all
    /// the same.
    fn failure(&self, operation: &Operation, answer: &Answer, pieces: usize) -> Option<Failure>;

    /// Whether an error of a handler is traced with the name of the operation.
    fn traces_failures(&self, _: &Operation) -> bool {
        true
    }

    /// The status and the code that `cause` has on the wire.
    fn shown(&self, operation: &Operation, cause: Cause) -> (u16, String);
}

/// A platform whose replies are streams.
pub(crate) trait Streams: Subject {
    /// Whether a packet of its own says that the stream ends, and the last text comes before it.
    const ENDS_APART: bool = false;

    /// Whether the head waits for the first packet, so that a failure before it has a status.
    const HEAD_WAITS: bool = false;

    /// The new text of a packet, and whether the packet says that it is the last one. `block` must be
    /// a packet in the form of the platform's document: one block, or all that belong together.
    fn packet(block: &str) -> (String, bool);

    /// Whether the next block belongs to the same packet as these blocks.
    fn goes_on(_block: &str) -> bool {
        false
    }

    /// The blocks of the next packet, and when it was whole.
    fn next_block(peer: &mut Peer) -> impl Future<Output = Option<(String, Instant)>> + Send {
        async {
            let (mut packet, mut whole) = peer.block().await?;
            while Self::goes_on(&packet) {
                let (block, at) = peer.block().await.expect("the rest of a packet");
                packet.push_str(&block);
                whole = at;
            }
            Some((packet, whole))
        }
    }

    /// Reads the packet with this text, and the end if it is the last one.
    fn expect(peer: &mut Peer, text: &str, last: bool) -> impl Future<Output = ()> + Send {
        async move {
            for (text, last) in Self::written(&[(text, last)]) {
                let (block, _) = Self::next_block(peer).await.expect("a packet");
                assert_eq!(Self::packet(&block), (text, last));
            }
        }
    }

    /// The packets that are written for these events.
    fn written(events: &[(&str, bool)]) -> Vec<(String, bool)> {
        let apart = |text: &str, last: bool| last && Self::ENDS_APART && !text.is_empty();
        let packets = events.iter().flat_map(|&(text, last)| {
            let packet = (text.to_owned(), last && !apart(text, last));
            [packet].into_iter().chain(apart(text, last).then(|| (String::new(), true)))
        });
        packets.collect()
    }

    /// The texts of the packets that are written for these texts, the last of which ends the stream.
    fn texts(events: &[&str]) -> Vec<String> {
        let last = events.len() - 1;
        let events: Vec<_> =
            events.iter().enumerate().map(|(i, text)| (*text, i == last)).collect();
        Self::written(&events).into_iter().map(|(text, _)| text).collect()
    }

    /// The packets of a whole answer: the head is that of a stream, and the last packet and no other
    /// says that it is the last one.
    fn packets(answer: &Answer) -> Vec<String> {
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        assert!(answer.body.ends_with("\n\n"), "the stream ends with a blank line");
        let blocks = Self::grouped(answer.body.split_inclusive("\n\n"));
        let (texts, ends): (Vec<_>, Vec<_>) =
            blocks.iter().map(|block| Self::packet(block)).unzip();
        let mut expected = vec![false; texts.len() - 1];
        expected.push(true);
        assert_eq!(ends, expected, "one end, and nothing behind it: {}", answer.body);
        texts
    }

    /// The packets that blocks belong to.
    fn grouped<'a>(blocks: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut packets: Vec<String> = Vec::new();
        for block in blocks {
            match packets.last_mut() {
                Some(packet) if Self::goes_on(packet) => packet.push_str(block),
                _ => packets.push(block.into()),
            }
        }
        packets
    }
}

/// What a scripted handler sends in each packet.
pub(crate) const PIECE: &str = "word ";

/// The reply of a handler, whatever the platform.
pub(crate) trait Line: Send {
    fn send<'a>(&'a mut self, text: &'a str) -> Handling<'a>;
    fn finish<'a>(&'a mut self, text: &'a str) -> Handling<'a>;
    fn send_all<'a>(&'a mut self, texts: BoxStream<'a, Result<String, Error>>) -> Handling<'a>;
}

/// A handler that runs.
pub(crate) type Handling<'a> = BoxFuture<'a, Result<(), Error>>;

macro_rules! line {
    ($reply:ty) => {
        impl Line for $reply {
            fn send<'a>(&'a mut self, text: &'a str) -> Handling<'a> {
                Box::pin(self.send(text))
            }

            fn finish<'a>(&'a mut self, text: &'a str) -> Handling<'a> {
                Box::pin(self.finish(text))
            }

            fn send_all<'a>(
                &'a mut self,
                texts: BoxStream<'a, Result<String, Error>>,
            ) -> Handling<'a> {
                Box::pin(self.send_all(texts))
            }
        }
    };
}

#[cfg(feature = "chat")]
line!(callbot::chat::Reply);
#[cfg(feature = "digital-employee")]
line!(callbot::digital_employee::Reply);
#[cfg(feature = "duix")]
line!(callbot::duix::dialogue::Reply);

/// The line of an operation whose answer is one body: what a script sends is dropped.
pub(crate) struct Mute;

impl Mute {
    fn line() -> &'static mut Self {
        // It has no size, so nothing leaks.
        Box::leak(Box::new(Self))
    }
}

impl Line for Mute {
    fn send<'a>(&'a mut self, _: &'a str) -> Handling<'a> {
        Box::pin(async { Ok(()) })
    }

    fn finish<'a>(&'a mut self, _: &'a str) -> Handling<'a> {
        Box::pin(async { Ok(()) })
    }

    fn send_all<'a>(&'a mut self, _: BoxStream<'a, Result<String, Error>>) -> Handling<'a> {
        Box::pin(async { Ok(()) })
    }
}

type Handler = dyn for<'a> Fn(&'a mut dyn Line) -> Handling<'a> + Send + Sync;

/// What the handlers of a server do; it can change between requests.
#[derive(Clone)]
pub(crate) struct Script {
    handler: Arc<Mutex<Arc<Handler>>>,
    heard: UnboundedSender<Value>,
}

impl Script {
    /// Reports the request and calls the handler. A handler may panic here, before there is a future.
    pub(crate) fn run<'a>(&self, request: impl Serialize, line: &'a mut dyn Line) -> Handling<'a> {
        self.heard.send(serde_json::to_value(request).unwrap()).unwrap();
        let handler = self.handler.lock().unwrap().clone();
        handler(line)
    }
}

/// A server on a socket, a peer of it, and the requests that reached its handlers.
pub(crate) struct Bench<S> {
    pub(crate) subject: S,
    pub(crate) address: SocketAddr,
    pub(crate) peer: Peer,
    script: Script,
    heard: UnboundedReceiver<Value>,
}

impl<S: Subject> Bench<S> {
    /// Starts a server whose handlers return without a word.
    pub(crate) async fn with(settings: Settings) -> Self {
        let subject = S::default();
        let (told, heard) = unbounded_channel();
        let silent: Arc<Handler> = Arc::new(|_| Box::pin(async { Ok(()) }));
        let script = Script { handler: Arc::new(Mutex::new(silent)), heard: told };
        let address = start_router(subject.router(script.clone(), settings)).await;
        Self { subject, address, peer: Peer::connect(address).await, script, heard }
    }

    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    /// Sets what handlers do from now on.
    pub(crate) fn act<F>(&self, handler: F)
    where
        F: for<'a> Fn(&'a mut dyn Line) -> Handling<'a> + Send + Sync + 'static,
    {
        *self.script.handler.lock().unwrap() = Arc::new(handler);
    }

    pub(crate) fn operations(&self) -> Vec<Operation> {
        self.subject.operations()
    }

    /// One operation at each path.
    pub(crate) fn at_each_path(&self) -> Vec<Operation> {
        let mut operations = self.operations();
        operations.dedup_by(|one, other| one.path == other.path);
        operations
    }

    /// The operations that handlers serve.
    pub(crate) fn handled(&self) -> Vec<Operation> {
        self.operations().into_iter().filter(|operation| operation.handled).collect()
    }

    /// The operations whose replies are streams.
    pub(crate) fn streaming(&self) -> Vec<Operation> {
        self.handled().into_iter().filter(|operation| operation.streams).collect()
    }

    /// One operation of each kind: one that streams and one that does not, where there are such.
    pub(crate) fn kinds(&self) -> Vec<Operation> {
        let all = self.handled();
        [true, false]
            .into_iter()
            .filter_map(|streams| all.iter().find(|one| one.streams == streams).cloned())
            .collect()
    }

    /// The request of another call.
    pub(crate) fn of_call(operation: &Operation, id: &str) -> Post {
        let mut body = operation.body.clone();
        for pointer in S::CALL {
            if let Some(value) = body.pointer_mut(pointer) {
                *value = id.into();
            }
        }
        Post::json(&operation.path, &body)
    }

    /// What a handler heard; no other one was called.
    pub(crate) fn heard(&mut self) -> Option<Value> {
        let heard = self.heard.try_recv().ok();
        assert!(self.heard.try_recv().is_err(), "more than one handler was called");
        heard
    }

    /// Sends a request that must be served. Returns what the handler heard.
    pub(crate) async fn accepts(&mut self, operation: &Operation, post: &Post) -> Value {
        let answer = self.peer.ask(post).await;
        let heard = self.heard();
        assert_eq!(heard.is_some(), operation.handled, "not accepted: {post:?}: {answer:?}");
        self.subject.assert_served(operation, &answer);
        heard.unwrap_or_default()
    }

    /// Sends a request that must be refused with this status: no handler is called, and the answer is
    /// in the form of the platform's document.
    pub(crate) async fn refuses(
        &mut self,
        operation: &Operation,
        post: &Post,
        status: u16,
    ) -> Failure {
        let answer = self.peer.ask(post).await;
        self.assert_refused(operation, &answer, status, &format!("{post:?}"))
    }

    pub(crate) fn assert_refused(
        &mut self,
        operation: &Operation,
        answer: &Answer,
        status: u16,
        request: &str,
    ) -> Failure {
        assert_eq!(self.heard(), None, "a handler was called: {request}");
        assert!(!answer.body.contains(SECRET) && !answer.body.contains(FALLBACK), "{answer:?}");
        let failure = self.subject.refusal(operation, answer);
        let shown = self.subject.shown(operation, Cause::Refused(status));
        assert_eq!((failure.status, failure.code.clone()), shown, "{request}: {answer:?}");
        assert_ne!(failure.message, "", "{request}: {answer:?}");
        // An id of a request may hold any digits.
        assert!(!failure.message.contains("4711"), "{request}: {answer:?}");
        let id = operation.echo.as_ref().map(|(_, id)| id);
        assert!(failure.id.is_none() || failure.id.as_ref() == id, "{request}: {answer:?}");
        failure
    }
}

/// Makes a test of each behaviour for each platform: `duix::a_missing_field_is_named` runs the generic
/// function `a_missing_field_is_named` of the suite.
macro_rules! suite {
    ([$($(#[$feature:meta])* $platform:ident: $subject:ident,)*] $behaviours:tt) => {
        $(suite! { $(#[$feature])* $platform: $subject, $behaviours })*
    };
    ($(#[$feature:meta])* $platform:ident: $subject:ident, [$($behaviour:ident,)*]) => {
        $(#[$feature])*
        mod $platform {
            use crate::subject::$subject;

            $(
                #[tokio::test]
                async fn $behaviour() {
                    super::$behaviour::<$subject>().await;
                }
            )*
        }
    };
}
pub(crate) use suite;

/// Runs behaviours of every [`Subject`].
macro_rules! for_every_platform {
    ($($behaviour:ident,)*) => {
        crate::subject::suite! {
            [
                #[cfg(feature = "digital-employee")]
                digital_employee: DigitalEmployee,
                #[cfg(feature = "duix")]
                duix: Duix,
                #[cfg(feature = "odfs")]
                odfs: Odfs,
                #[cfg(feature = "chat")]
                chat: Chat,
                #[cfg(feature = "aui")]
                aui: Aui,
            ]
            [$($behaviour,)*]
        }
    };
}
pub(crate) use for_every_platform;

/// Runs behaviours of all [`Streams`].
macro_rules! for_every_stream {
    ($($behaviour:ident,)*) => {
        mod streams {
            use super::*;

            crate::subject::suite! {
                [
                    #[cfg(feature = "digital-employee")]
                    digital_employee: DigitalEmployee,
                    #[cfg(feature = "duix")]
                    duix: Duix,
                    #[cfg(feature = "chat")]
                    chat: Chat,
                ]
                [$($behaviour,)*]
            }
        }
    };
}
pub(crate) use for_every_stream;
