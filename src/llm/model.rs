//! A language model: its client, its name, its deadlines.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::chat::{ChatRequest, Client};
use crate::client;

/// A language model: the client of its server, its name, its deadlines, and the settings of its requests.
///
/// ```
/// use std::time::Duration;
///
/// use callbot::chat::Client;
/// use callbot::llm::Model;
///
/// # fn main() -> Result<(), callbot::client::Error> {
/// let client = Client::builder("https://model.example/v1").key("the key of your account").build()?;
/// let model = Model::new(client, "large")
///     .first_deadline(Duration::from_secs(3))
///     .request(|request| request.with_temperature(0.3));
/// # drop(model);
/// # Ok(())
/// # }
/// ```
///
/// # Deadlines
///
/// Each deadline is for one request. When one passes, the request is dropped, and the
/// [fallback](super::Assistant::fallback) answers if the caller has heard nothing of the answer. The
/// deadlines of the client, its [`CallOptions`](crate::client::CallOptions), apply too.
///
/// What a model thinks before it answers is not heard, so it does not count as an answer.
#[derive(Clone)]
#[must_use]
pub struct Model {
    pub(super) client: Client,
    pub(super) name: String,
    pub(super) deadlines: Deadlines,
    hook: Option<Hook>,
}

type Hook = Arc<dyn Fn(ChatRequest) -> ChatRequest + Send + Sync>;

/// The deadlines of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadlines {
    pub first: Duration,
    pub stall: Duration,
    pub whole: Duration,
}

impl Model {
    /// Creates a model with this name at the server of `client`, with the default deadlines.
    pub fn new(client: Client, name: impl Into<String>) -> Self {
        let deadlines = Deadlines {
            first: Duration::from_secs(5),
            stall: Duration::from_secs(3),
            whole: Duration::from_secs(60),
        };
        Self { client, name: name.into(), deadlines, hook: None }
    }

    /// Sets how long the model may take to its first text or tool call. If there is a fallback, the model
    /// never gets more than half of the time that remains for the first packet. Default: 5 s.
    pub fn first_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.first = deadline;
        self
    }

    /// Sets how long the model may then pause between two pieces of text or of tool calls, counted from when
    /// the assistant waits for the next one. The start of a sentence is spoken once it has waited for 1 s, so
    /// only with a shorter deadline a fallback can replace it. Default: 3 s.
    pub fn stall_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.stall = deadline;
        self
    }

    /// Sets how long the whole answer may take. On platforms without a stream it is at most nine tenths of
    /// the time that remains for the turn. Default: 60 s.
    pub fn whole_deadline(mut self, deadline: Duration) -> Self {
        self.deadlines.whole = deadline;
        self
    }

    /// Sets what is changed in each request before it is sent, such as its temperature. The request is
    /// complete: it has the conversation, the tools, and `stream_options` that ask for the number of tokens,
    /// which you remove for a server that does not know them. Default: nothing.
    pub fn request(
        mut self,
        change: impl Fn(ChatRequest) -> ChatRequest + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Arc::new(change));
        self
    }

    /// Returns the request as it is sent.
    pub(super) fn prepare(&self, mut request: ChatRequest) -> ChatRequest {
        request.model = Some(self.name.clone());
        match &self.hook {
            Some(hook) => hook(request),
            None => request,
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("client", &self.client)
            .field("name", &self.name)
            .field("deadlines", &self.deadlines)
            .finish_non_exhaustive()
    }
}

/// A deadline of a [`Model`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModelDeadline {
    /// [`Model::first_deadline`].
    First,
    /// [`Model::stall_deadline`].
    Stall,
    /// [`Model::whole_deadline`].
    Whole,
}

/// The reason why a model did not answer, or not to the end.
///
/// If no fallback can answer, it is the error of the turn: the caller hears the apology, and the error goes
/// to the log. It contains no secret and nothing that callers say.
#[derive(Debug)]
#[non_exhaustive]
pub enum ModelError {
    /// The request failed.
    Client(client::Error),
    /// The model missed a deadline, which was this long.
    Deadline(ModelDeadline, Duration),
    /// The answer has neither text nor tool calls.
    Empty,
    /// The model called tools in this many rounds, and then did not answer in words.
    Rounds(usize),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(error) => error.fmt(f),
            Self::Deadline(ModelDeadline::First, time) => {
                write!(f, "the model has not begun to answer within {time:?} (`first_deadline`)")
            }
            Self::Deadline(ModelDeadline::Stall, time) => {
                write!(f, "the model has paused for {time:?} in its answer (`stall_deadline`)")
            }
            Self::Deadline(ModelDeadline::Whole, time) => {
                write!(
                    f,
                    "the model has not finished its answer within {time:?} (`whole_deadline`)"
                )
            }
            Self::Empty => f.write_str("the answer of the model has neither text nor tool calls"),
            Self::Rounds(rounds) => write!(
                f,
                "the model has not answered in words after {rounds} rounds of tool calls (`max_rounds`)"
            ),
        }
    }
}

// `Display` prints the inner error. So `source` skips that error and returns its source.
impl std::error::Error for ModelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => error.source(),
            _ => None,
        }
    }
}

impl From<client::Error> for ModelError {
    fn from(error: client::Error) -> Self {
        Self::Client(error)
    }
}
