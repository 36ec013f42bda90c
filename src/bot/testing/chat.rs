//! Plays a voice platform that asks for chat completions, in a test.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt;
use serde_json::{Value, json};

use super::act::{Act, CALLED, CALLER, built, options};
use super::transcript::{Record, Step};
use crate::bot::capabilities::Platform;
use crate::bot::controls::{Closing, Emotion, HangUp, SpeechSettings, Transfer};
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::TurnId;
use crate::bot::needs::NeedsError;
use crate::bot::platforms::{ChatDialect, ChatSettings, closing, turn_of};
use crate::chat::{ChatChunk, ChatRequest, Content, CreateChatCompletionParameters, WireClient};
use crate::client::{EventStream, InMemoryTransport};
use crate::lock::Mutex;
use crate::wire::decode_value;

const KEY: &str = "test";

#[derive(Clone)]
pub(super) struct Chat {
    client: WireClient,
    call: String,
    dialect: ChatDialect,
    hang_up_function: Option<String>,
    conversation: Arc<Mutex<Conversation>>,
}

/// The conversation as the platform keeps it.
#[derive(Default)]
struct Conversation {
    messages: Vec<Value>,
    /// The id of the newest turn, and how many messages its request had.
    newest: Option<(String, usize)>,
}

impl Chat {
    pub(super) fn new<B: Bot>(
        host: &Host<B>,
        call: &str,
        platform: Platform,
    ) -> Result<Self, NeedsError> {
        let settings = host.chat_settings();
        let fixed = settings.dialect().filter(|dialect| dialect.platform() == platform);
        let dialect = fixed.unwrap_or(match platform {
            Platform::AiCall => ChatDialect::AiCall,
            _ => ChatDialect::Plain,
        });
        let hang_up_function = settings.hang_up_function().map(str::to_owned);
        let settings: ChatSettings = settings.clone().with_dialect(dialect).with_key(KEY);
        let router = host.chat_with(settings)?.router();
        let client = WireClient::builder("http://bot");
        let client = client.transport(InMemoryTransport::new(router)).options(options());
        let (client, call) = (built(client.build()), call.into());
        Ok(Self { client, call, dialect, hang_up_function, conversation: Arc::default() })
    }

    pub(super) async fn ask(&self, act: &Act, turn: &str, step: &Step) {
        // `act` has excluded the others.
        let Act::Say(text) = act else { return };
        let messages = {
            let mut conversation = self.conversation.lock();
            let Conversation { messages, newest } = &mut *conversation;
            match newest {
                // A repeated request has the same messages.
                Some((id, count)) if id == turn => messages.truncate(*count),
                _ => {
                    messages.push(json!({"role": "user", "content": text}));
                    *newest = Some((turn.to_owned(), messages.len()));
                }
            }
            messages.clone()
        };
        let Some(request) = self.request(messages, turn) else {
            return step.fail("the request can't be written");
        };
        let parameters = self.parameters(turn);
        match self.client.create_chat_completion_stream(&parameters, &request).await {
            Ok(stream) => self.receive(stream, step).await,
            Err(error) => return step.fail(error),
        }
        let text = step.record().text.clone();
        let mut conversation = self.conversation.lock();
        // A reply that the next turn has cut is not in the history: it is not known what was heard of it.
        let is_newest = conversation.newest.as_ref().is_some_and(|(id, _)| id == turn);
        if is_newest && !text.is_empty() {
            conversation.messages.push(json!({"role": "assistant", "content": text}));
        }
    }

    /// Returns the turn of the newest request.
    pub(super) fn turn(&self, id: &str) -> TurnId {
        let messages = {
            let conversation = self.conversation.lock();
            let count = conversation.newest.as_ref().map_or(0, |(_, count)| *count);
            conversation.messages.iter().take(count).cloned().collect()
        };
        let request = self.request(messages, id);
        let turn = request.and_then(|request| turn_of(&self.parameters(id), request, self.dialect));
        turn.unwrap_or_else(|| TurnId::new(id))
    }

    /// Returns what the request has in its headers.
    fn parameters(&self, turn: &str) -> CreateChatCompletionParameters {
        let mut parameters = CreateChatCompletionParameters::new();
        parameters.authorization = Some(KEY.into());
        if self.dialect == ChatDialect::Trtc {
            parameters.task_id = Some(self.call.clone());
            parameters.request_id = Some(turn.to_owned());
            parameters.user_id = Some(CALLER.to_owned());
        }
        parameters
    }

    /// Returns a request in the dialect of the platform.
    fn request(&self, messages: Vec<Value>, turn: &str) -> Option<ChatRequest> {
        let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
        let tools = self.dialect.offers();
        let call = &self.call;
        let mut body = match self.dialect {
            ChatDialect::AiCall => json!({"extendData": {
                "instanceId": call, "sentenceId": turn, "callerNumber": CALLER, "calleeNumber": CALLED,
            }}),
            ChatDialect::Vapi => json!({
                "call": {"id": call, "type": "inboundPhoneCall"},
                "customer": {"number": CALLER}, "phoneNumber": {"number": CALLED},
            }),
            ChatDialect::ElevenLabs => json!({
                "elevenlabs_extra_body": {"call_id": call, "caller": CALLER, "called": CALLED},
            }),
            ChatDialect::Agora => json!({"context": {"channel": call}, "turn_id": turn}),
            ChatDialect::Volcengine => json!({"custom": {"call_id": call}, "round_id": turn}),
            ChatDialect::Trtc => json!({}),
            ChatDialect::Plain => json!({"metadata": {
                "call_id": call, "turn_id": turn, "caller": CALLER, "called": CALLED,
            }}),
        };
        let object = body.as_object_mut()?;
        object.insert("model".into(), "bot".into());
        object.insert("messages".into(), messages.into());
        if !tools.is_empty() {
            object.insert("tools".into(), tools.into_iter().map(tool).collect());
        }
        decode_value(&body).ok()
    }

    async fn receive(&self, mut stream: EventStream<ChatChunk>, step: &Step) {
        while let Some(chunk) = stream.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return step.fail(error),
            };
            let deltas = chunk.choices.iter().filter_map(|choice| choice.delta.as_ref());
            for delta in deltas {
                let text = match &delta.content {
                    Some(Content::Text(text)) => text,
                    _ => "",
                };
                match tag(text) {
                    Some(tag) => step.packet("", |record| take(record, tag)),
                    None => step.packet(text, |_| false),
                }
                for call in &delta.tool_calls {
                    let function = call.function.clone().unwrap_or_default();
                    let name = function.name.unwrap_or_default();
                    let arguments = function.arguments.unwrap_or_default();
                    step.packet("", |record| take(record, self.called(&name, &arguments)));
                }
            }
        }
    }

    /// Returns the control that a call of a tool is.
    fn called(&self, name: &str, arguments: &str) -> Control {
        let closing = match self.hang_up_function.as_deref() == Some(name) {
            true => Some(Closing::HangUp(HangUp::new())),
            false => closing(self.dialect, name, arguments),
        };
        match closing {
            Some(Closing::HangUp(how)) => Control::HangUp(how),
            Some(Closing::Transfer(to)) => Control::Transfer(to),
            None => Control::Unknown(name.to_owned()),
        }
    }
}

/// A control from the wire, in the types that the bot uses.
enum Control {
    HangUp(HangUp),
    Transfer(Transfer),
    Emotion(Emotion),
    Unknown(String),
}

fn take(record: &mut Record, control: Control) -> bool {
    match control {
        Control::HangUp(how) => record.hang_up = Some(how),
        Control::Transfer(to) => record.transfer = Some(to),
        Control::Emotion(emotion) => {
            record.speech = Some(SpeechSettings::new().with_emotion(emotion));
        }
        Control::Unknown(what) => record.failure = Some(format!("unknown control: {what}")),
    }
    true
}

/// Returns the control that a text is.
fn tag(text: &str) -> Option<Control> {
    if let Some(name) = text.strip_prefix("{{emotion=").and_then(|text| text.strip_suffix("}}")) {
        let all = [Emotion::Neutral, Emotion::Happy, Emotion::Sad];
        let found = all.into_iter().find(|emotion| emotion.as_str() == name);
        return Some(found.map_or_else(|| Control::Unknown(name.to_owned()), Control::Emotion));
    }
    let tag = text.strip_prefix("<imsagent_")?.strip_suffix("/>")?;
    let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
    let attribute = |wanted: &str| {
        let mut pairs = attributes.split(", ").filter_map(|pair| pair.split_once('='));
        let value = pairs.find_map(|(name, value)| (name == wanted).then_some(value))?;
        Some(value.trim_matches('"').to_owned())
    };
    Some(match name {
        "hangup" => Control::HangUp(HangUp::new()),
        "transfer_call" => {
            let mut transfer = Transfer::to_number(attribute("callee").unwrap_or_default());
            transfer.shown_number = attribute("caller");
            Control::Transfer(transfer)
        }
        name => Control::Unknown(name.to_owned()),
    })
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("call", &self.call).finish_non_exhaustive()
    }
}
