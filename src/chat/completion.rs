//! The answer of a language model as a whole, put together from the chunks of a stream.

use std::fmt;

use serde::de::IgnoredAny;

use super::{
    ChatChunk, ChatCompletion, ChunkChoice, Delta, FinishReason, FunctionCall, Message, Role,
    ToolCall, ToolCallDelta, Usage,
};
use crate::wire::hidden::Hidden;

/// The answer of a language model as a whole.
///
/// [`ChatStream::completion`](super::ChatStream::completion) puts it together from a stream, and `from` takes
/// it from a [`ChatCompletion`]. If the model gives several answers, it is the first of them.
#[derive(Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Completion {
    /// The id of the answer; empty if the server sends none.
    pub id: String,
    /// The model that answered; empty if the server does not name it.
    pub model: String,
    /// The text, without the reasoning. Empty if there is none.
    pub text: String,
    /// What the model thought before it answered. It is not for the caller. Empty if there is none.
    pub reasoning: String,
    /// Why the model refuses to answer. Empty if it does not refuse.
    pub refusal: String,
    /// The tool calls, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Why the answer ended. `None` if the server does not say.
    pub finish_reason: Option<FinishReason>,
    /// The number of tokens, if the server reports it.
    pub usage: Option<Usage>,
}

impl Completion {
    /// Returns the answer as the message that you add to the conversation. The reasoning is not a part of
    /// it.
    #[must_use]
    pub fn message(&self) -> Message {
        let mut message = Message::new(Role::Assistant);
        if !self.text.is_empty() || self.tool_calls.is_empty() {
            message.content = Some(self.text.as_str().into());
        }
        if !self.refusal.is_empty() {
            message.refusal = Some(self.refusal.clone());
        }
        message.tool_calls.clone_from(&self.tool_calls);
        message
    }
}

impl From<ChatCompletion> for Completion {
    fn from(answer: ChatCompletion) -> Self {
        let ChatCompletion { id, model, choices, usage, .. } = answer;
        let mut completion = Self { id, model, usage, ..Self::default() };
        let Some(choice) = choices.into_iter().next() else { return completion };
        completion.finish_reason =
            choice.finish_reason.filter(|reason| !reason.as_str().is_empty());
        if let Some(message) = choice.message {
            completion.text = message.text().into_owned();
            completion.reasoning = message.reasoning_content.unwrap_or_default();
            completion.refusal = message.refusal.unwrap_or_default();
            completion.tool_calls = message.tool_calls;
        }
        completion
    }
}

/// Hides what the model says and the arguments of its tool calls.
impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("text", &Hidden)
            .field("reasoning", &Hidden)
            .field("refusal", &Hidden)
            .field("tool_calls", &self.tool_calls)
            .field("finish_reason", &self.finish_reason)
            .field("usage", &self.usage)
            .finish()
    }
}

/// Puts the chunks of a stream together.
#[derive(Debug, Default)]
pub(super) struct Collector {
    completion: Completion,
    /// The index of each tool call, if the server sends one.
    indices: Vec<Option<i32>>,
    /// The answer that is collected: the first one that the stream has.
    choice: Option<i32>,
}

impl Collector {
    pub(super) fn add(&mut self, chunk: &ChatChunk) {
        let completion = &mut self.completion;
        set_once(&mut completion.id, &chunk.id);
        set_once(&mut completion.model, &chunk.model);
        if let Some(usage) = &chunk.usage {
            completion.usage = Some(usage.clone());
        }
        for choice in &chunk.choices {
            if *self.choice.get_or_insert(choice.index) == choice.index {
                self.add_choice(choice);
            }
        }
    }

    fn add_choice(&mut self, choice: &ChunkChoice) {
        if let Some(reason) = &choice.finish_reason {
            self.completion.finish_reason = Some(reason.clone());
        }
        let Some(delta) = &choice.delta else { return };
        self.completion.text.push_str(&delta.text());
        self.completion.reasoning.push_str(delta.reasoning_content.as_deref().unwrap_or_default());
        self.completion.refusal.push_str(delta.refusal.as_deref().unwrap_or_default());
        for fragment in &delta.tool_calls {
            self.add_fragment(fragment);
        }
    }

    /// Adds a fragment to its tool call.
    fn add_fragment(&mut self, fragment: &ToolCallDelta) {
        let id = fragment.id.as_deref().unwrap_or_default();
        let function = fragment.function.as_ref();
        let name = function.and_then(|function| function.name.as_deref()).unwrap_or_default();
        let arguments =
            function.and_then(|function| function.arguments.as_deref()).unwrap_or_default();
        let position = self.position(fragment.index, id, name).unwrap_or_else(|| {
            self.indices.push(fragment.index);
            self.completion.tool_calls.push(ToolCall::new("", FunctionCall::new("", "")));
            self.indices.len() - 1
        });
        let Some(call) = self.completion.tool_calls.get_mut(position) else { return };
        set_once(&mut call.id, id);
        if let Some(kind) = &fragment.type_ {
            call.type_ = Some(kind.clone());
        }
        set_once(&mut call.function.name, name);
        call.function.arguments.push_str(arguments);
        call.extra.extend(fragment.extra.iter().map(|(key, value)| (key.clone(), value.clone())));
    }

    /// Returns the position of the tool call that a fragment continues; `None` if it begins a new one.
    ///
    /// By OpenAI's document the `index` alone tells the calls apart, and only the first fragment has an id
    /// and a name. Servers differ in three ways. Some send every call whole, all with the index 0. Some make
    /// a new id for every fragment. And some omit the index: then a known id names the call, and any other
    /// fragment is compared with the last call.
    ///
    /// So a fragment without a name continues. One with a name begins a call if its id differs from that
    /// of the call. If one of the two has no id, it begins a call if its name differs, or if the arguments
    /// of the call are complete.
    fn position(&self, index: Option<i32>, id: &str, name: &str) -> Option<usize> {
        let calls = &self.completion.tool_calls;
        let begins = |call: &ToolCall| {
            let FunctionCall { name: known, arguments, .. } = &call.function;
            match (id, call.id.as_str()) {
                _ if name.is_empty() => false,
                ("", _) | (_, "") => (!known.is_empty() && name != known) || is_json(arguments),
                (id, known) => id != known,
            }
        };
        if index.is_some() {
            let position = self.indices.iter().rposition(|known| *known == index)?;
            return calls.get(position).filter(|call| !begins(call)).map(|_| position);
        }
        if let Some(position) = calls.iter().rposition(|call| !id.is_empty() && call.id == id) {
            return Some(position);
        }
        calls.last().filter(|last| !begins(last)).map(|_| calls.len() - 1)
    }

    /// Returns the new text that a chunk, which was [added](Self::add), has for the answer.
    pub(super) fn text(&self, chunk: &ChatChunk) -> String {
        let choices = chunk.choices.iter().filter(|choice| self.choice == Some(choice.index));
        choices.filter_map(|choice| choice.delta.as_ref()).map(Delta::text).collect()
    }

    /// Whether the answer has a reason for its end.
    pub(super) fn is_finished(&self) -> bool {
        self.completion.finish_reason.is_some()
    }

    pub(super) fn completion(self) -> Completion {
        self.completion
    }
}

/// Sets a text that some servers repeat and others send only once.
fn set_once(place: &mut String, text: &str) {
    if place.is_empty() {
        place.push_str(text);
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

impl ChatChunk {
    /// Sets what some servers send as `""` to missing: the role and the reason for the end.
    pub(super) fn without_blanks(mut self) -> Self {
        for choice in &mut self.choices {
            choice.finish_reason.take_if(|reason| reason.as_str().is_empty());
            if let Some(Delta { role, .. }) = &mut choice.delta {
                role.take_if(|role| role.as_str().is_empty());
            }
        }
        self
    }
}
