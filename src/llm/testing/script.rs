//! One answer of a scripted model.

use std::fmt;
use std::time::Duration;

use crate::chat::{FinishReason, Usage};

/// One answer of a [`ScriptedModel`](super::ScriptedModel), step by step. A text converts into it.
///
/// The head of the response goes out with the first step that sends something, so a pause before it delays
/// the head, too. After the last step the answer ends as it should, with the reason for its end and `[DONE]`.
/// Steps behind [`fail`](Self::fail), [`cut`](Self::cut) and [`stall`](Self::stall) are not played.
///
/// ```
/// use std::time::Duration;
///
/// use callbot::llm::testing::Script;
/// use serde_json::json;
///
/// let looks_it_up = Script::new()
///     .think("The caller wants the balance of account 7.")
///     .say("One moment. ")
///     .call("balance", json!({"account": 7}));
/// let breaks_off = Script::new().say("It is ten ").pause(Duration::from_secs(1)).cut();
/// # drop((looks_it_up, breaks_off));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) usage: Option<Usage>,
    pub(super) finish: Option<FinishReason>,
}

#[derive(Clone)]
pub(super) enum Step {
    Say(String),
    Think(String),
    Call { name: String, arguments: String },
    Pause(Duration),
    Raw(String),
    Fail { status: u16, message: String },
    Cut,
    Stall,
}

impl Script {
    /// Creates an empty answer: no text, and the reason `stop`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends a piece of text, as one chunk. Pieces are joined as they are.
    pub fn say(self, piece: impl Into<String>) -> Self {
        self.step(Step::Say(piece.into()))
    }

    /// Sends a text word by word, with this pause before each word.
    pub fn say_slowly(self, text: &str, pause: Duration) -> Self {
        text.split_inclusive(' ').fold(self, |script, word| script.pause(pause).say(word))
    }

    /// Sends a piece of the model's reasoning, which is not for the caller.
    pub fn think(self, piece: impl Into<String>) -> Self {
        self.step(Step::Think(piece.into()))
    }

    /// Calls a tool. The arguments are a JSON value or its text; a text that is not JSON is sent as it is.
    ///
    /// The call goes out in three fragments. Its id is `call_1` for the first call of the model, then
    /// `call_2` and so on.
    pub fn call(self, name: impl Into<String>, arguments: impl fmt::Display) -> Self {
        self.step(Step::Call { name: name.into(), arguments: arguments.to_string() })
    }

    /// Waits before the next step.
    pub fn pause(self, time: Duration) -> Self {
        self.step(Step::Pause(time))
    }

    /// Sends this text as a part of the body, unchanged, such as an event that is not JSON:
    /// `"data: oops\n\n"`. In an answer without a stream it is the whole body.
    pub fn raw(self, text: impl Into<String>) -> Self {
        self.step(Step::Raw(text.into()))
    }

    /// Fails. Before anything was sent, the answer has this HTTP status and an error object. Later, the error
    /// object is an event of the stream, and the stream ends.
    pub fn fail(self, status: u16, message: impl Into<String>) -> Self {
        self.step(Step::Fail { status, message: message.into() })
    }

    /// Breaks the connection, in the middle of the answer.
    pub fn cut(self) -> Self {
        self.step(Step::Cut)
    }

    /// Sends nothing more, and keeps the connection open.
    pub fn stall(self) -> Self {
        self.step(Step::Stall)
    }

    /// Reports the number of tokens of the request and of the answer. In a stream they are sent only if the
    /// request asks for them. Default: not reported.
    pub fn usage(mut self, prompt: i64, completion: i64) -> Self {
        self.usage = Some(Usage::new(prompt, completion, prompt.saturating_add(completion)));
        self
    }

    /// Sets why the answer ends. Default: `tool_calls` after a tool call, otherwise `stop`.
    pub fn finish(mut self, reason: FinishReason) -> Self {
        self.finish = Some(reason);
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

impl From<&str> for Script {
    fn from(text: &str) -> Self {
        Self::new().say(text)
    }
}

impl From<String> for Script {
    fn from(text: String) -> Self {
        Self::new().say(text)
    }
}

/// Hides what is said.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").field("steps", &self.steps.len()).finish_non_exhaustive()
    }
}
