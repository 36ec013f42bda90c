//! Tests a bot without a language model: a scripted one answers in its place.
//!
//! A [`ScriptedModel`] speaks the model's end of the wire: chat completions, as a stream or as one body. A
//! [`Script`] is one answer: text in pieces, tool calls, pauses, a failure, a broken connection. The model
//! records each request, so a test can check what the bot has sent.
//!
//! ```
//! # #[cfg(feature = "digital-employee")]
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use std::time::Duration;
//!
//! use callbot::bot::testing::TestCall;
//! use callbot::bot::{Bot, Call, Input, Platform, Reply, Result};
//! use callbot::chat::{ChatRequest, Client, Message};
//! use callbot::llm::testing::{Script, ScriptedModel};
//! use callbot::text::sentences;
//!
//! struct Clerk(Client);
//!
//! impl Bot for Clerk {
//!     type Memory = ();
//!
//!     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
//!         let Input::Speech(text) = input else { return reply.say("Pardon?").await };
//!         let request = ChatRequest::new("large", [Message::user(text)]);
//!         let mut answer = self.0.stream(&request).await?;
//!         reply.say_all(sentences(answer.texts())).await
//!     }
//! }
//!
//! let pause = Duration::from_millis(200);
//! let model = ScriptedModel::new([
//!     Script::new().say("It is ten ").pause(pause).say("euros."),
//!     Script::new().fail(429, "too many requests"),
//! ]);
//! let mut call = TestCall::on(Platform::DigitalEmployee, Clerk(model.client()));
//! call.say("My balance?").await.expect_text("It is ten euros.").expect_end();
//! call.say("Thank you.").await.expect_failure();
//! assert_eq!(model.conversation(), ["user: Thank you."]);
//! # }
//! # #[cfg(not(feature = "digital-employee"))]
//! # fn main() {}
//! ```
//!
//! # Time
//!
//! Pauses follow tokio's clock. With `start_paused` they take no real time; see
//! [`bot::testing`](crate::bot::testing#time).
//!
//! # Over a socket
//!
//! [`client`](ScriptedModel::client) connects in memory. For a bot that runs in another process, or that must
//! see a connection close, [`listen`](ScriptedModel::listen) serves the same model on a free port. A paused
//! clock does not wait for a socket, so such a test runs in real time.

mod play;
mod script;

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::pin::pin;
use std::sync::Arc;
use std::{fmt, io};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::Notify;

pub use script::Script;

use crate::chat::{ChatRequest, Client, ClientBuilder, Message, Role};
use crate::client::InMemoryTransport;
use crate::lock::Mutex;
use crate::server::serve;

/// A language model that answers as its scripts say. Clones share the scripts and the record.
#[derive(Clone)]
pub struct ScriptedModel {
    shared: Arc<Shared>,
}

struct Shared {
    source: Source,
    record: Mutex<Record>,
    news: Notify,
}

/// Where the answers come from.
enum Source {
    InOrder(Mutex<VecDeque<Script>>),
    ByRequest(Box<dyn Fn(&ChatRequest) -> Script + Send + Sync>),
}

#[derive(Default)]
struct Record {
    requests: Vec<ChatRequest>,
    abandoned: usize,
    tool_calls: usize,
}

impl ScriptedModel {
    /// Creates a model that plays one script for each request, in order.
    ///
    /// A request for which no script remains gets the status 500 and an error object that says so.
    #[must_use]
    pub fn new<S: Into<Script>>(scripts: impl IntoIterator<Item = S>) -> Self {
        let scripts = scripts.into_iter().map(Into::into).collect();
        Self::playing(Source::InOrder(Mutex::new(scripts)))
    }

    /// Creates a model that plays what `answer` returns for a request.
    ///
    /// ```
    /// use callbot::chat::Message;
    /// use callbot::llm::testing::{Script, ScriptedModel};
    ///
    /// let model = ScriptedModel::answering(|request| {
    ///     let said = request.messages.last().map(Message::text).unwrap_or_default();
    ///     Script::new().say(format!("You said: {said}"))
    /// });
    /// # drop(model);
    /// ```
    #[must_use]
    pub fn answering(answer: impl Fn(&ChatRequest) -> Script + Send + Sync + 'static) -> Self {
        Self::playing(Source::ByRequest(Box::new(answer)))
    }

    fn playing(source: Source) -> Self {
        let (record, news) = (Mutex::default(), Notify::new());
        Self { shared: Arc::new(Shared { source, record, news }) }
    }

    /// Returns a client of this model, in memory.
    #[must_use]
    // The URL is a constant, and there is no key that could be wrong.
    #[allow(clippy::expect_used)]
    pub fn client(&self) -> Client {
        self.client_builder().build().expect("the client of a scripted model can be built")
    }

    /// Returns a builder for a client of this model, in memory, to set a key or options.
    #[must_use]
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder("http://model/v1").transport(InMemoryTransport::new(self.router()))
    }

    /// Returns the routes of the model: `POST /chat/completions` and `/v1/chat/completions`. A request needs
    /// no key.
    pub fn router(&self) -> Router {
        let model = self.clone();
        let answer = move |body: Bytes| {
            let model = model.clone();
            async move { play::answer(&model, &body).await }
        };
        Router::new()
            .route("/chat/completions", post(answer.clone()))
            .route("/v1/chat/completions", post(answer))
    }

    /// Serves the model on a free port of this machine, until the runtime ends. Returns the base URL for a
    /// client, such as `http://127.0.0.1:49152/v1`.
    ///
    /// # Errors
    /// If no port can be opened.
    pub async fn listen(&self) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}/v1", listener.local_addr()?);
        let server = serve(listener, self.router()).signal(std::future::pending());
        tokio::spawn(server.into_future());
        Ok(url)
    }

    /// Returns the requests so far, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.shared.record.lock().requests.clone()
    }

    /// Returns the messages of the newest request, one line each: the role and the text, or the tool call.
    /// Empty before the first request.
    ///
    /// A tool call is `assistant calls balance({"account":7})`, its result `tool: 10 euros`.
    #[must_use]
    pub fn conversation(&self) -> Vec<String> {
        let record = self.shared.record.lock();
        record.requests.last().map(|request| lines(&request.messages)).unwrap_or_default()
    }

    /// Returns how many answers were abandoned: the client closed the connection before their end.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.shared.record.lock().abandoned
    }

    /// Waits until there have been this many requests.
    pub async fn until_requests(&self, count: usize) {
        self.until(|record| record.requests.len() >= count).await;
    }

    /// Waits until this many answers were [abandoned](Self::abandoned). Over a socket, that takes a moment
    /// after the client has closed the connection.
    pub async fn until_abandoned(&self, count: usize) {
        self.until(|record| record.abandoned >= count).await;
    }

    async fn until(&self, holds: impl Fn(&Record) -> bool) {
        loop {
            let mut news = pin!(self.shared.news.notified());
            news.as_mut().enable();
            if holds(&self.shared.record.lock()) {
                return;
            }
            news.await;
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Record) -> T) -> T {
        let changed = change(&mut self.shared.record.lock());
        self.shared.news.notify_waiters();
        changed
    }

    /// Records a request, and returns the script of its answer.
    fn script_for(&self, request: &ChatRequest) -> Script {
        let number = self.change(|record| {
            record.requests.push(request.clone());
            record.requests.len()
        });
        match &self.shared.source {
            Source::InOrder(scripts) => {
                let script = scripts.lock().pop_front();
                script.unwrap_or_else(|| {
                    let message = format!("the model has no script for request {number}");
                    Script::new().fail(500, message)
                })
            }
            Source::ByRequest(answer) => answer(request),
        }
    }

    /// Returns the id of the next tool call: `call_1`, `call_2` and so on.
    fn next_call_id(&self) -> String {
        self.change(|record| {
            record.tool_calls += 1;
            format!("call_{}", record.tool_calls)
        })
    }
}

/// Returns the messages as lines.
fn lines(messages: &[Message]) -> Vec<String> {
    let mut lines = Vec::new();
    for message in messages {
        let role = message.role.as_ref().map_or("?", Role::as_str);
        let text = message.text();
        if message.tool_calls.is_empty() || !text.is_empty() {
            lines.push(format!("{role}: {text}"));
        }
        for call in &message.tool_calls {
            lines.push(format!("{role} calls {}({})", call.function.name, call.function.arguments));
        }
    }
    lines
}

/// Hides what is said.
impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let record = self.shared.record.lock();
        f.debug_struct("ScriptedModel")
            .field("requests", &record.requests.len())
            .field("abandoned", &record.abandoned)
            .finish_non_exhaustive()
    }
}
