//! What a handler sends.

use std::fmt;

use super::{FinishReason, ToolCall, ToolCallDelta, Usage};
use crate::wire::Hidden;

/// A part of the next message. A text, a tool call, a reason and a usage convert into it.
///
/// ```
/// use callbot::chat::{Event, FinishReason, Reply, Usage};
///
/// async fn answer(reply: &mut Reply) -> Result<(), callbot::server::Error> {
///     reply.send(Event::Reasoning("The caller wants the balance.".into())).await?;
///     reply.send("Your balance is ten eu").await?;
///     reply.send(Usage::new(21, 7, 28)).await?;
///     reply.finish(FinishReason::Length).await
/// }
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// New text, which a voice platform speaks. An empty text starts the message: in a stream the role of
    /// the speaker is sent.
    Text(String),
    /// New text of what a model thinks. It is not spoken.
    Reasoning(String),
    /// A whole tool call. Without an id it gets one.
    ToolCall(ToolCall),
    /// A fragment of a tool call. The first one with an index needs the name of the function; it gets an id
    /// and the type if it has none.
    ToolCallDelta(ToolCallDelta),
    /// Why the message ends. Only a usage may follow. Default: `tool_calls` after a tool call, otherwise
    /// `stop`.
    Finish(FinishReason),
    /// The number of tokens. In a stream it is sent only if the request asks for it, at the end. Default: 0
    /// for all numbers.
    Usage(Usage),
}

/// Hides what is said and thought.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.debug_tuple("Text").field(&Hidden).finish(),
            Self::Reasoning(_) => f.debug_tuple("Reasoning").field(&Hidden).finish(),
            Self::ToolCall(call) => f.debug_tuple("ToolCall").field(call).finish(),
            Self::ToolCallDelta(delta) => f.debug_tuple("ToolCallDelta").field(delta).finish(),
            Self::Finish(reason) => f.debug_tuple("Finish").field(reason).finish(),
            Self::Usage(usage) => f.debug_tuple("Usage").field(usage).finish(),
        }
    }
}

impl From<String> for Event {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for Event {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<ToolCall> for Event {
    fn from(call: ToolCall) -> Self {
        Self::ToolCall(call)
    }
}

impl From<ToolCallDelta> for Event {
    fn from(delta: ToolCallDelta) -> Self {
        Self::ToolCallDelta(delta)
    }
}

impl From<FinishReason> for Event {
    fn from(reason: FinishReason) -> Self {
        Self::Finish(reason)
    }
}

impl From<Usage> for Event {
    fn from(usage: Usage) -> Self {
        Self::Usage(usage)
    }
}
