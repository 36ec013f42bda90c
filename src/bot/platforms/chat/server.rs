//! A bot on the server of chat completions.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::controls::{Control, check_tags, check_tools, control};
use super::delivered::Delivered;
use super::dialect::{ALL_TAGS, ChatDialect, Form};
use super::heard::Lines;
use super::question::{Question, Speaker};
use super::settings::ChatSettings;
use crate::bot::adapter::{Adapter, AdapterSpec};
use crate::bot::call::CallInfo;
use crate::bot::capabilities::TransferKinds;
use crate::bot::controls::Closing;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::{CallKey, TurnId};
use crate::bot::needs::NeedsError;
use crate::bot::outbox::{Packet, Reader};
use crate::bot::runtime::trigger::{Trigger, TurnRequest};
use crate::chat::{
    Api, ChatRequest, Content, ContentPart, CreateChatCompletionParameters, FunctionCall, Reply,
    Server, ToolCall,
};
use crate::lock::Mutex;
use crate::server::rules::MAX_ID_BYTES;
use crate::server::{Error, Privacy};
use crate::wire::decode;

/// A bot that answers chat completions; see [`Host::chat`].
pub struct OnChat<B: Bot> {
    host: Host<B>,
    settings: ChatSettings,
    adapters: Mutex<HashMap<Terms, Arc<Adapter>>>,
    delivered: Delivered,
}

/// What a request supports: its dialect, and what its tools add to that.
#[derive(PartialEq, Eq, Hash)]
struct Terms {
    dialect: ChatDialect,
    hang_up: bool,
    hang_up_reason: bool,
    transfer: TransferKinds,
}

impl<B: Bot> fmt::Debug for OnChat<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnChat").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Lets the bot answer chat completions, as the language model of AICall and other voice platforms,
    /// with the settings of [`HostBuilder::chat_settings`](crate::bot::HostBuilder::chat_settings).
    ///
    /// The [dialect](ChatDialect) of each request decides where its ids are, and how the reply hangs up
    /// and transfers. [`Reply::can`](crate::bot::Reply::can) tells what the request supports, which depends
    /// on the tools that it offers.
    ///
    /// # Calls and turns
    ///
    /// - A call begins with its first turn, and ends when it is idle for
    ///   [`Limits::open_ended_idle_timeout`](crate::bot::Limits::open_ended_idle_timeout), or when a
    ///   callback of AICall says so.
    /// - A request that names no call is a call of its own, with the history of the request. It ends with
    ///   its answer.
    /// - A turn that is posted again gets the same answer. A longer version of the same utterance, and any
    ///   newer turn, cuts the one that is running. So does a closed connection.
    /// - If ElevenLabs posts the same messages again, 1 s or longer after the answer was delivered whole by
    ///   this process, the caller is [silent](crate::bot::Input::Silence). So is a caller if the bot has
    ///   spoken last. The result of a tool is [`Input::Other`](crate::bot::Input::Other).
    /// - The history of the platform cuts the bot's replies to what the caller heard, if it clearly says
    ///   so. The [`Cut`](crate::bot::Cut) has the cause [`BargeIn`](crate::bot::Cause::BargeIn).
    ///
    /// # Failures
    ///
    /// Before the first byte, a failure has its HTTP status. After it, the stream ends with the
    /// [apology](crate::bot::HostBuilder::apology), if there is one, and looks complete: a platform would
    /// do nothing useful with an error there.
    ///
    /// Anybody may ask the bot, unless the settings have a [key](ChatSettings::with_key).
    ///
    /// # Errors
    /// Returns an error if the platform lacks something that the bot requires. Without a fixed dialect, that
    /// is anything that a request without tools lacks.
    pub fn chat(&self) -> Result<Server<OnChat<B>>, NeedsError> {
        self.chat_with(self.chat_settings().clone())
    }

    /// Lets the bot answer chat completions with these settings; see [`chat`](Self::chat).
    ///
    /// # Errors
    /// Returns an error if the platform lacks something that the bot requires.
    pub fn chat_with(&self, settings: ChatSettings) -> Result<Server<OnChat<B>>, NeedsError> {
        for platform in settings.platforms() {
            self.meets(platform, settings.capabilities(platform))?;
        }
        let keys = settings.keys.clone();
        let privacy = self.chat_privacy(settings.dialect);
        let on = OnChat {
            host: self.clone(),
            settings,
            adapters: Mutex::default(),
            delivered: Delivered::default(),
        };
        let server = Server::new(on).privacy(privacy).observers(self.observers());
        Ok(keys.into_iter().fold(server, Server::key))
    }

    /// Returns what keeps secret inputs out of the traces. A request has the whole conversation, so no
    /// request of a call is traced once there was a secret. Nor is one that does not name its call, or with
    /// turns of a call that is unknown here: they may have had one.
    fn chat_privacy(&self, dialect: Option<ChatDialect>) -> Privacy {
        /// How long a trace may wait for the store. The caller waits as long.
        const PATIENCE: Duration = Duration::from_millis(100);
        let host = self.clone();
        Privacy::new(move |content| {
            let host = host.clone();
            async move {
                // Read as the turn reads it, so that both find the same call.
                let Ok(request) = decode::<ChatRequest>(&content.body) else { return true };
                let Ok(body) = body_of(request) else { return true };
                let question = Question::read(body, &[], &[], dialect);
                let Some(call) = question.call else { return true };
                let mut call = CallKey::new(question.dialect.platform(), call);
                call.account = content.account;
                let is_first = question.lines.iter().all(|line| line.speaker == Speaker::Bot);
                let secret = host.has_secrets(&call);
                match timeout(PATIENCE, secret).await {
                    Ok(known) => known.unwrap_or(!is_first),
                    Err(_) => true,
                }
            }
            .boxed()
        })
    }
}

impl<B: Bot> Api for OnChat<B> {
    async fn create_chat_completion(
        &self,
        parameters: CreateChatCompletionParameters,
        request: ChatRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let streams = request.stream.unwrap_or_default();
        let query = crate::server::query().unwrap_or_default();
        let question = read(&parameters, request, &query, self.settings.dialect)?;
        let adapter = self.adapter(&question);
        let Question { dialect, call, turn, input, caller, called, extras, lines, tools } =
            question;
        let traits = dialect.traits();
        let named = call.is_some();
        let mut info = CallInfo::new(dialect.platform(), &call.unwrap_or_else(random_call));
        let call = info.key();
        // A request that names no call repeats no other one.
        let turn = if named { turn } else { TurnId::random() };
        let (turn, input, mark) = match named && traits.silence {
            true => {
                let (turn, input, mark) = self.delivered.meaning(&call, turn, input);
                (turn, input, Some(mark))
            }
            false => (turn, input, None),
        };
        (info.caller, info.called) = (caller, called);
        info.extras = extras;
        let history = Lines { lines, marker: traits.marker, named };
        let history = Some(Box::new(history) as _);
        let request = TurnRequest { turn, trigger: Trigger::Input(input), info, history };
        let _ends = (!named).then(|| EndOfCall { host: self.host.clone(), call: call.clone() });
        let answer = self.host.ask(&adapter, request)?;
        let function = self.settings.hang_up_function.as_deref();
        let offers = |tool: &str| tools.iter().any(|name| name == tool);
        let write = |closing: &Closing| control(closing, dialect, function, offers);
        let whole = speak(answer, &call, streams, write, reply).await?;
        if let Some(mark) = mark.filter(|_| whole) {
            self.delivered.remember(call, mark);
        }
        Ok(())
    }
}

impl<B: Bot> OnChat<B> {
    /// Returns the adapter for what a request supports.
    fn adapter(&self, question: &Question) -> Arc<Adapter> {
        let dialect = question.dialect;
        let can = dialect.capabilities_with(|tool| question.offers(tool));
        let hang_up_reason = dialect.takes_reason(|tool| question.offers(tool));
        let (hang_up, transfer) = (can.hang_up, can.transfer);
        let mut adapters = self.adapters.lock();
        let adapter = adapters.entry(Terms { dialect, hang_up, hang_up_reason, transfer });
        let adapter = adapter.or_insert_with(|| {
            let spec = AdapterSpec {
                platform: dialect.platform(),
                check: match dialect.traits().controls.contains(&Form::Tag) {
                    true => check_tags,
                    false => check_tools,
                },
                splits: false,
                hang_up_reason,
                tags: ALL_TAGS,
            };
            Arc::new(self.host.adapter_with(spec, can))
        });
        adapter.clone()
    }
}

/// Reads a request, whose query is `query`.
fn read(
    parameters: &CreateChatCompletionParameters,
    request: ChatRequest,
    query: &str,
    dialect: Option<ChatDialect>,
) -> Result<Question, Error> {
    let headers = [
        ("x-task-id", &parameters.task_id),
        ("x-request-id", &parameters.request_id),
        ("x-user-id", &parameters.user_id),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| {
        Some((name.to_owned(), value.clone().filter(|value| !value.is_empty())?))
    });
    let headers: Vec<_> = headers.collect();
    let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let body = body_of(request)?;
    let question = Question::read(body, &headers, &query, dialect);
    // The digest of the utterance is not a part of the platform's id.
    let turn = question.turn.as_str().rsplit_once('.').map(|(id, _)| id);
    for (what, id) in [("call", question.call.as_deref()), ("turn", turn)] {
        if id.is_some_and(|id| id.len() > MAX_ID_BYTES) {
            let error = format!("the id of the {what} is longer than {MAX_ID_BYTES} bytes");
            return Err(Error::public(error).status(400));
        }
    }
    Ok(question)
}

/// Returns the body of a request as JSON, without the parts of messages that can't be read: they can't be
/// written either.
fn body_of(mut request: ChatRequest) -> serde_json::Result<Value> {
    for message in &mut request.messages {
        if let Some(Content::Parts(parts)) = &mut message.content {
            parts.retain(|part| !matches!(part, ContentPart::Unreadable(_)));
        }
    }
    serde_json::to_value(request)
}

/// Returns the turn that a request is, for the tests of bots.
#[cfg(feature = "client")]
pub(in crate::bot) fn turn_of(
    parameters: &CreateChatCompletionParameters,
    request: ChatRequest,
    dialect: ChatDialect,
) -> Option<TurnId> {
    read(parameters, request, "", Some(dialect)).ok().map(|question| question.turn)
}

/// Sends a reply. Returns whether it was sent whole.
async fn speak(
    mut answer: Reader,
    call: &CallKey,
    streams: bool,
    write: impl Fn(&Closing) -> Option<Control>,
    reply: &mut Reply,
) -> Result<bool, Error> {
    let mut begun = false;
    loop {
        let packet = match answer.next().await {
            Ok(Some(packet)) => packet,
            // The reply was cut.
            Ok(None) => return Ok(false),
            Err(error) if begun && streams => {
                tracing::error!(
                    %call,
                    "a turn failed after its first text, so the stream just ends: {error}"
                );
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let Packet { text, speech, closing, last, .. } = packet;
        if !text.is_empty() {
            let emotion = speech.and_then(|speech| speech.emotion).filter(|_| !begun);
            if let Some(emotion) = emotion {
                // AICall reads it at the very start only.
                reply.send(format!("{{{{emotion={}}}}}", emotion.as_str())).await?;
            }
            begun = true;
            reply.send(text).await?;
        }
        let control = closing.as_ref().and_then(|closing| {
            let control = write(closing);
            if control.is_none() {
                tracing::warn!(
                    %call,
                    "a repeated request does not offer the tool that the first one did, so its answer \
                     neither transfers nor hangs up"
                );
            }
            control
        });
        match control {
            Some(Control::Tag(tag)) => reply.send(tag).await?,
            Some(Control::Tool { name, arguments }) => {
                reply.send(ToolCall::new("", FunctionCall::new(name, arguments))).await?;
            }
            None => {}
        }
        if last {
            return Ok(true);
        }
    }
}

/// Returns an id for a call that its request does not name. No request can name it.
fn random_call() -> String {
    format!("request-{}{}", TurnId::random().as_str(), TurnId::random().as_str())
}

/// Ends the call of a request when it is dropped, also if the platform closes the connection.
struct EndOfCall<B: Bot> {
    host: Host<B>,
    call: CallKey,
}

impl<B: Bot> Drop for EndOfCall<B> {
    fn drop(&mut self) {
        let (host, call) = (self.host.clone(), self.call.clone());
        // A runtime that shuts down ends no calls.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = host.end(call.clone(), None).await {
                    tracing::warn!(%call, "could not end the call of a request: {error}");
                }
            });
        }
    }
}
