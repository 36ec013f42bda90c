//! Plays a script: the answer to one request.

use std::future::pending;
use std::io;
use std::vec::IntoIter;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream::{once, unfold};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tokio::task::yield_now;
use tokio::time::sleep;

use super::ScriptedModel;
use super::script::{Script, Step};
use crate::chat::{
    ChatChunk, ChatChunkFields, ChatCompletion, ChatCompletionFields, ChatRequest, Choice,
    ChunkChoice, Completion, Delta, ErrorAnswer, ErrorObject, FinishReason, FunctionCall,
    FunctionDelta, Role, ToolCall, ToolCallDelta, ToolType, Usage, error_type,
};
use crate::wire::decode;

/// The time at which all answers were created, so that they are the same in every run.
const CREATED: i64 = 1_735_787_045;

pub(super) async fn answer(model: &ScriptedModel, body: &[u8]) -> Response {
    let request: ChatRequest = match decode(body) {
        Ok(request) => request,
        Err(error) => return failure(400, &error.to_string()),
    };
    let script = model.script_for(&request);
    let playing = Playing::new(model.clone(), &request, script);
    if request.stream == Some(true) { playing.stream().await } else { playing.whole().await }
}

/// An answer that is being sent.
struct Playing {
    steps: IntoIter<Step>,
    reader: Reader,
    id: String,
    model: String,
    include_usage: bool,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    /// Whether the role has been sent.
    started: bool,
    tool_calls: i32,
}

/// Counts the answer as abandoned if it is dropped before its end.
struct Reader {
    model: ScriptedModel,
    ended: bool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.ended {
            self.model.change(|record| record.abandoned += 1);
        }
    }
}

impl Playing {
    fn new(model: ScriptedModel, request: &ChatRequest, script: Script) -> Self {
        let options = request.stream_options.as_ref();
        Self {
            steps: script.steps.into_iter(),
            id: format!("chatcmpl-{}", model.requests().len()),
            model: request.model.clone().unwrap_or_else(|| "scripted".into()),
            include_usage: options.is_some_and(|options| options.include_usage == Some(true)),
            usage: script.usage,
            finish: script.finish,
            reader: Reader { model, ended: false },
            started: false,
            tool_calls: 0,
        }
    }

    /// Answers with a stream. Returns once the first step that sends something is due.
    async fn stream(mut self) -> Response {
        loop {
            match self.steps.as_slice().first() {
                Some(Step::Pause(time)) => sleep(*time).await,
                Some(Step::Stall) => pending().await,
                Some(Step::Fail { status, message }) => {
                    self.reader.ended = true;
                    return failure(*status, message);
                }
                _ => break,
            }
            self.steps.next();
        }
        let events = unfold(self, |mut playing| async {
            let event = playing.event().await?;
            Some((event, playing))
        });
        response(200, "text/event-stream", Body::from_stream(events))
    }

    /// Returns the events of the next step that sends some, or those that end the stream.
    async fn event(&mut self) -> Option<io::Result<Bytes>> {
        if self.reader.ended {
            return None;
        }
        loop {
            let delta = match self.steps.next() {
                Some(Step::Pause(time)) => {
                    sleep(time).await;
                    continue;
                }
                Some(Step::Stall) => pending().await,
                Some(Step::Raw(text)) => return Some(Ok(text.into())),
                Some(Step::Cut) => {
                    // Over a socket, an error discards what was not flushed, and waiting flushes.
                    yield_now().await;
                    self.reader.ended = true;
                    return Some(Err(cut()));
                }
                Some(Step::Fail { status, message }) => {
                    self.reader.ended = true;
                    return Some(Ok(event(&error_object(status, &message)).into()));
                }
                Some(Step::Say(text)) => Delta::new().with_content(text.into()),
                Some(Step::Think(text)) => Delta::new().with_reasoning_content(text),
                Some(Step::Call { name, arguments }) => {
                    let events: String =
                        self.fragments(name, &arguments).map(|delta| self.chunk(delta)).concat();
                    return Some(Ok(events.into()));
                }
                None => {
                    self.reader.ended = true;
                    return Some(Ok(self.end().into()));
                }
            };
            return Some(Ok(self.chunk(delta).into()));
        }
    }

    /// Returns a chunk as an event, behind that with the role if the role was not sent.
    fn chunk(&mut self, delta: Delta) -> String {
        let event = self.choices(vec![ChunkChoice::new(0, delta)], None);
        match std::mem::replace(&mut self.started, true) {
            true => event,
            false => {
                let role = Delta::new().with_role(Role::Assistant).with_content("".into());
                self.choices(vec![ChunkChoice::new(0, role)], None) + &event
            }
        }
    }

    fn choices(&self, choices: Vec<ChunkChoice>, usage: Option<Usage>) -> String {
        let (id, model) = (self.id.as_str(), self.model.as_str());
        let mut chunk = ChatChunk::new(ChatChunkFields { id, created: CREATED, model, choices });
        chunk.usage = usage;
        event(&chunk)
    }

    /// Returns a tool call in fragments, its arguments in two: a client must join them.
    fn fragments(&mut self, name: String, arguments: &str) -> [Delta; 3] {
        let index = self.tool_calls;
        self.tool_calls = index.saturating_add(1);
        let named = FunctionDelta::new().with_name(name).with_arguments("");
        let mut first = ToolCallDelta::new(index)
            .with_id(self.reader.model.next_call_id())
            .with_function(named);
        first.type_ = Some(ToolType::Function);
        let half = arguments.floor_char_boundary(arguments.len() / 2);
        let (left, right) = arguments.split_at(half);
        let more = |part: &str| {
            ToolCallDelta::new(index).with_function(FunctionDelta::new().with_arguments(part))
        };
        [first, more(left), more(right)].map(|fragment| Delta::new().with_tool_calls([fragment]))
    }

    /// Returns the events that end the stream.
    fn end(&mut self) -> String {
        let reason = self.reason();
        let choice = ChunkChoice::new(0, Delta::new()).with_finish_reason(reason);
        let mut events = self.choices(vec![choice], None);
        if self.include_usage && self.usage.is_some() {
            events += &self.choices(Vec::new(), self.usage.clone());
        }
        events + "data: [DONE]\n\n"
    }

    fn reason(&self) -> FinishReason {
        match &self.finish {
            Some(reason) => reason.clone(),
            None if self.tool_calls == 0 => FinishReason::Stop,
            None => FinishReason::ToolCalls,
        }
    }

    /// Answers with one body, after all steps.
    async fn whole(mut self) -> Response {
        let mut answer = Completion::default();
        let mut raw: Option<String> = None;
        while let Some(step) = self.steps.next() {
            match step {
                Step::Say(text) => answer.text += &text,
                Step::Think(text) => answer.reasoning += &text,
                Step::Call { name, arguments } => {
                    self.tool_calls = self.tool_calls.saturating_add(1);
                    let id = self.reader.model.next_call_id();
                    let function = FunctionCall::new(name, arguments);
                    answer.tool_calls.push(ToolCall::new(id, function));
                }
                Step::Raw(text) => raw.get_or_insert_default().push_str(&text),
                Step::Pause(time) => sleep(time).await,
                Step::Stall => pending().await,
                Step::Fail { status, message } => {
                    self.reader.ended = true;
                    return failure(status, &message);
                }
                Step::Cut => {
                    self.reader.ended = true;
                    let body = Body::from_stream(once(async { Err::<Bytes, _>(cut()) }));
                    return response(200, "application/json", body);
                }
            }
        }
        self.reader.ended = true;
        let mut message = answer.message();
        message.reasoning_content = Some(answer.reasoning).filter(|text| !text.is_empty());
        let mut completion = ChatCompletion::new(ChatCompletionFields {
            id: self.id.as_str(),
            created: CREATED,
            model: self.model.as_str(),
            choices: vec![Choice::new(0, message).with_finish_reason(self.reason())],
        });
        completion.usage = self.usage.take();
        let body = raw.unwrap_or_else(|| json(&completion));
        response(200, "application/json", body.into())
    }
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "the script cuts the answer")
}

fn error_object(status: u16, message: &str) -> ErrorAnswer {
    ErrorAnswer::new(ErrorObject::new(message).with_type(error_type(status)))
}

fn failure(status: u16, message: &str) -> Response {
    response(status, "application/json", json(&error_object(status, message)).into())
}

fn event(value: &impl Serialize) -> String {
    format!("data: {}\n\n", json(value))
}

/// Can't fail: the values have string keys and plain values only.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// A status that HTTP does not have becomes 500.
fn response(status: u16, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
