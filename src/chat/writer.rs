//! Writes the events of a handler: as the chunks of a stream, or folded into one answer.

use super::failure::answer_to;
use super::{
    ChatChunk, ChatChunkFields, ChatCompletion, ChatCompletionFields, Choice, ChunkChoice, Delta,
    Event, FinishReason, FunctionCall, FunctionDelta, Message, Role, ToolCall, ToolCallDelta,
    ToolType, Usage,
};
use crate::server::{Delivery, Fault, FoldPackets, Frame, PacketKind, SendError, WritePackets};
use crate::wire::{Validate, Violation};

/// What the answer repeats of a request, and what the request asks for.
#[derive(Debug, Clone, Default)]
pub struct Echo {
    pub(super) model: Option<String>,
    pub(super) include_usage: bool,
}

/// Writes the chunks of one reply, or the whole answer.
///
/// It keeps whether the reply has started, finished or ended, which tool calls it has, and the usage. For a
/// request without a stream it keeps the whole message.
#[derive(Debug)]
pub struct PacketWriter {
    id: String,
    created: i64,
    model: String,
    include_usage: bool,
    /// Whether the role has been sent.
    started: bool,
    finish: Option<FinishReason>,
    ended: bool,
    usage: Option<Usage>,
    /// The indices of the tool calls, in the order in which they began.
    calls: Vec<i32>,
    whole: Whole,
}

/// The message of a request without a stream.
#[derive(Debug, Default)]
struct Whole {
    text: Option<String>,
    reasoning: Option<String>,
    /// In the order of `calls`.
    calls: Vec<ToolCall>,
}

/// The model that an answer names if the request names none: clients expect a name.
const MODEL: &str = "bot";

impl PacketWriter {
    pub(super) fn new(echo: Echo, created: i64) -> Self {
        Self {
            id: random_id("chatcmpl-"),
            created,
            model: echo.model.unwrap_or_else(|| MODEL.into()),
            include_usage: echo.include_usage,
            started: false,
            finish: None,
            ended: false,
            usage: None,
            calls: Vec::new(),
            whole: Whole::default(),
        }
    }

    fn chunk(&self, choices: Vec<ChunkChoice>) -> ChatChunk {
        ChatChunk::new(ChatChunkFields {
            id: &self.id,
            created: self.created,
            model: &self.model,
            choices,
        })
    }

    fn delta(&self, delta: Delta) -> ChatChunk {
        self.chunk(vec![ChunkChoice::new(0, delta)])
    }

    /// Returns the chunk with the role, which comes first.
    fn role(&self) -> Frame {
        let delta = Delta::new().with_role(Role::Assistant).with_content("".into());
        Frame::spaced_json(&self.delta(delta))
    }

    /// Returns a chunk as a packet, behind the chunk with the role if that was not sent.
    fn write(&mut self, chunk: &ChatChunk) -> Frame {
        let packet = Frame::spaced_json(chunk);
        match std::mem::replace(&mut self.started, true) {
            true => packet,
            false => self.role().and(packet),
        }
    }

    /// Returns the chunk with the reason for the end, which has nothing else.
    fn finish_chunk(&mut self) -> Frame {
        let reason = self.reason();
        let choice = ChunkChoice::new(0, Delta::new()).with_finish_reason(reason);
        let chunk = self.chunk(vec![choice]);
        self.write(&chunk)
    }

    fn reason(&self) -> FinishReason {
        match &self.finish {
            Some(reason) => reason.clone(),
            None if self.calls.is_empty() => FinishReason::Stop,
            None => FinishReason::ToolCalls,
        }
    }

    /// Returns the chunks that end the stream: what was not sent before.
    fn last(&mut self, finished: bool) -> Frame {
        let finish = if finished { Frame::nothing() } else { self.finish_chunk() };
        if !self.include_usage {
            return finish;
        }
        let mut chunk = self.chunk(Vec::new());
        chunk.usage = Some(self.usage.clone().unwrap_or_else(no_usage));
        finish.and(Frame::spaced_json(&chunk))
    }

    /// Returns a fragment with all that the first one of its call needs, and whether it is the first one.
    fn fragment(&self, mut fragment: ToolCallDelta) -> Result<(ToolCallDelta, bool), SendError> {
        let first = fragment.index.is_none_or(|index| !self.calls.contains(&index));
        if first {
            fragment.id = Some(fragment.id.filter(|id| !id.is_empty()).unwrap_or_else(call_id));
            fragment.type_.get_or_insert(ToolType::Function);
            let function = fragment.function.get_or_insert_with(FunctionDelta::new);
            function.arguments.get_or_insert_default();
            if function.name.as_deref().unwrap_or_default().is_empty() {
                let name = "/choices/0/delta/tool_calls/0/function/name";
                let allowed = "required in the first fragment of a tool call";
                return Err(SendError::Invalid(Violation::new(name, None, allowed).into()));
            }
        }
        Ok((fragment, first))
    }

    /// Returns the fragment that is a whole call.
    fn whole_call(&self, call: ToolCall) -> ToolCallDelta {
        let next = self.calls.iter().max().map_or(0, |last| last.saturating_add(1));
        let FunctionCall { name, arguments, .. } = call.function;
        let function = FunctionDelta::new().with_name(name).with_arguments(arguments);
        let mut fragment = ToolCallDelta::new(next).with_id(call.id).with_function(function);
        fragment.type_ = call.type_;
        fragment.extra = call.extra;
        fragment
    }

    /// Refuses an event that may not follow what was sent.
    fn check(&self, event: &Event) -> Result<(), SendError> {
        let finished = self.finish.is_some() && !matches!(event, Event::Usage(_));
        if self.ended || finished { Err(SendError::Finished) } else { Ok(()) }
    }
}

fn no_usage() -> Usage {
    Usage::new(0, 0, 0)
}

fn call_id() -> String {
    random_id("call_")
}

fn random_id(prefix: &str) -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(24);
    prefix.chars().chain(random).collect()
}

impl WritePackets for PacketWriter {
    type Event = Event;

    fn packet(&mut self, event: Event, kind: PacketKind) -> Result<Delivery, SendError> {
        self.check(&event)?;
        let packet = match event {
            Event::Text(text) if text.is_empty() => {
                match std::mem::replace(&mut self.started, true) {
                    true => Frame::nothing(),
                    false => self.role(),
                }
            }
            Event::Text(text) => self.write_valid(&Delta::new().with_content(text.into()))?,
            Event::Reasoning(text) => {
                self.write_valid(&Delta::new().with_reasoning_content(text))?
            }
            Event::ToolCall(call) => self.write_fragment(self.whole_call(call))?,
            Event::ToolCallDelta(fragment) => self.write_fragment(fragment)?,
            Event::Finish(reason) => {
                self.finish = Some(reason);
                self.finish_chunk()
            }
            Event::Usage(usage) => {
                usage.validate()?;
                self.usage = Some(usage);
                Frame::nothing()
            }
        };
        if kind == PacketKind::Next {
            return Ok(packet.into());
        }
        self.ended = true;
        let finished = self.finish.is_some();
        Ok(packet.and(self.last(finished)).into())
    }

    fn fold(&mut self, event: Event, kind: PacketKind) -> Result<(), SendError> {
        self.check(&event)?;
        match event {
            Event::Text(text) => self.whole.text.get_or_insert_default().push_str(&text),
            Event::Reasoning(text) => self.whole.reasoning.get_or_insert_default().push_str(&text),
            Event::ToolCall(call) => self.fold_fragment(self.whole_call(call))?,
            Event::ToolCallDelta(fragment) => self.fold_fragment(fragment)?,
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Usage(usage) => {
                usage.validate()?;
                self.usage = Some(usage);
            }
        }
        self.ended = kind == PacketKind::Last;
        Ok(())
    }

    fn end(&mut self) -> Option<Frame> {
        if std::mem::replace(&mut self.ended, true) {
            return None;
        }
        let finished = self.finish.is_some();
        Some(self.last(finished))
    }

    fn fail(&mut self, fault: &Fault) -> Option<Frame> {
        let ended = std::mem::replace(&mut self.ended, true);
        (!ended).then(|| Frame::spaced_json(&answer_to(fault)))
    }
}

impl PacketWriter {
    fn write_valid(&mut self, delta: &Delta) -> Result<Frame, SendError> {
        let chunk = self.delta(delta.clone());
        chunk.validate()?;
        Ok(self.write(&chunk))
    }

    fn write_fragment(&mut self, fragment: ToolCallDelta) -> Result<Frame, SendError> {
        let (fragment, first) = self.fragment(fragment)?;
        let index = fragment.index;
        let packet = self.write_valid(&Delta::new().with_tool_calls([fragment]))?;
        self.calls.extend(index.filter(|_| first));
        Ok(packet)
    }

    fn fold_fragment(&mut self, fragment: ToolCallDelta) -> Result<(), SendError> {
        let (fragment, first) = self.fragment(fragment)?;
        self.delta(Delta::new().with_tool_calls([fragment.clone()])).validate()?;
        let ToolCallDelta { index, id, type_, function, extra, .. } = fragment;
        let Some(index) = index else { return Ok(()) };
        if first {
            self.calls.push(index);
            self.whole.calls.push(ToolCall::new("", FunctionCall::new("", "")));
        }
        let position = self.calls.iter().position(|known| *known == index);
        let Some(call) = position.and_then(|position| self.whole.calls.get_mut(position)) else {
            return Ok(());
        };
        if first {
            call.id = id.unwrap_or_default();
            call.type_ = type_;
        }
        let FunctionDelta { name, arguments, .. } = function.unwrap_or_default();
        if first {
            call.function.name = name.unwrap_or_default();
        }
        call.function.arguments.push_str(&arguments.unwrap_or_default());
        call.extra.extend(extra);
        Ok(())
    }
}

impl FoldPackets for PacketWriter {
    type Answer = ChatCompletion;

    fn answer(&mut self) -> ChatCompletion {
        let reason = self.reason();
        let Whole { text, reasoning, calls } = std::mem::take(&mut self.whole);
        let mut message = Message::new(Role::Assistant);
        // A message without tool calls has a text, even if it is empty.
        message.content = match text {
            None if !calls.is_empty() => None,
            text => Some(text.unwrap_or_default().into()),
        };
        message.reasoning_content = reasoning;
        message.tool_calls = calls;
        let mut answer = ChatCompletion::new(ChatCompletionFields {
            id: &self.id,
            created: self.created,
            model: &self.model,
            choices: vec![Choice::new(0, message).with_finish_reason(reason)],
        });
        answer.usage = Some(self.usage.take().unwrap_or_else(no_usage));
        answer
    }
}
