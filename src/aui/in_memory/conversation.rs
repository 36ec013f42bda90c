//! The conversation of an agent in memory with its bot, as an agent of AICall has it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use reqwest::{Request, Response};
use serde_json::{Value, json};

use super::{Held, InMemoryAgents, check_bytes, tags};
use crate::aicall::{AgentConfig, AgentFunction};
use crate::aui::UpstreamError;
use crate::aui::ice::{Instance, InstanceStatus};
use crate::chat::{ChatRequest, Client, Completion, Content, ExtendData, Message, Role};
use crate::client::{self, CallOptions, Transport, TransportError};
use crate::wire::{Printable, Secret};

/// The mark that a history with `HistorySyncWithTTS` has where the user interrupted a reply.
const INTERRUPTED: &str = "<ims_agent_interrupted>";
/// The rounds that the bot gets, unless the agent is configured otherwise: the platform's default.
const ROUNDS: usize = 10;
/// The newest messages of a conversation are kept, up to this size in bytes.
const MAX_CONVERSATION: usize = 64 * 1024;

/// What an agent in memory said, and what it did.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentReply {
    /// What the agent said, without tags. Empty if it said nothing.
    pub text: String,
    /// The emotion that the bot asked for, such as `happy`.
    pub emotion: Option<String>,
    /// Whether the agent hung up. The instance is then stopped.
    pub hung_up: bool,
    /// The number that the call was transferred to. The instance is then stopped.
    pub transferred_to: Option<String>,
}

// As everywhere, what is said in a call is not shown.
impl fmt::Debug for AgentReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentReply")
            .field("emotion", &self.emotion)
            .field("hung_up", &self.hung_up)
            .field("transferred", &self.transferred_to.is_some())
            .finish_non_exhaustive()
    }
}

/// The bot that the agents ask.
#[derive(Clone)]
pub(super) struct Bot {
    base_url: String,
    key: Secret,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for Bot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bot").finish_non_exhaustive()
    }
}

impl Bot {
    /// Returns a client that adds the query of an agent to the URL.
    fn client(&self, query: Option<String>) -> Result<Client, client::Error> {
        let transport = WithQuery { query, inner: self.transport.clone() };
        let client = Client::builder(&self.base_url).transport(transport);
        // A bot may think for a while before it speaks.
        let client =
            client.options(CallOptions::new().first_event_deadline(Duration::from_secs(30)));
        match self.key.expose() {
            "" => client.build(),
            _ => client.key(self.key.clone()).build(),
        }
    }
}

/// Adds a query to each request.
struct WithQuery {
    query: Option<String>,
    inner: Arc<dyn Transport>,
}

impl Transport for WithQuery {
    fn send(&self, mut request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        if self.query.is_some() {
            request.url_mut().set_query(self.query.as_deref());
        }
        self.inner.send(request)
    }
}

/// A turn that is to be asked.
struct Turn {
    request: ChatRequest,
    query: Option<String>,
    sentence: i64,
    begins: bool,
    /// The functions of the bot that hang up.
    hang_up: Vec<String>,
}

impl InMemoryAgents {
    /// Lets the agents ask the bot at `base_url`, as AICall does with a self-developed language model: at
    /// `/chat/completions` below that URL, with `key` as the API key. An empty `key` sends none.
    ///
    /// [`say`](Self::say) then is what the user says. Default: no bot, and the agents say nothing.
    ///
    /// # Errors
    /// If the URL is not an absolute http or https URL, or TLS can't be set up.
    pub fn bot(self, base_url: &str, key: impl Into<Secret>) -> Result<Self, client::Error> {
        let transport = client::built_in_transport()?;
        self.with_bot(Bot { base_url: base_url.into(), key: key.into(), transport })
    }

    /// Lets the agents ask a bot as [`bot`](Self::bot) does, over `transport`, such as an
    /// [`InMemoryTransport`](client::InMemoryTransport).
    ///
    /// # Errors
    /// If the URL is not an absolute http or https URL.
    pub fn bot_over(
        self,
        base_url: &str,
        key: impl Into<Secret>,
        transport: impl Transport,
    ) -> Result<Self, client::Error> {
        let transport = Arc::new(transport);
        self.with_bot(Bot { base_url: base_url.into(), key: key.into(), transport })
    }

    fn with_bot(mut self, bot: Bot) -> Result<Self, client::Error> {
        bot.client(None)?;
        self.bot = Some(bot);
        Ok(self)
    }

    /// Says `utterance` to the agent of an instance, and returns the agent's reply.
    ///
    /// The agent asks its bot over HTTP, with the system prompt and the history of its configuration, the
    /// conversation so far, the ids of the call and the turn, the user data, and the query of
    /// `OpenAIExtraQuery`. It carries out what the reply contains: tags that hang up or transfer, and a tool
    /// call that its `FunctionMap` maps to hanging up. The callbacks report all of it.
    ///
    /// Drop the future to interrupt a reply that has not arrived yet: that closes the connection to the bot.
    /// To interrupt one that has arrived, call [`interrupt`](Self::interrupt).
    ///
    /// # Errors
    /// If the instance is unknown or has ended, if the agents have no bot, if the bot fails, or if
    /// `utterance` is longer than 32 KiB.
    pub async fn say(
        &self,
        instance_id: &str,
        utterance: impl Into<String>,
    ) -> Result<AgentReply, UpstreamError> {
        let utterance = utterance.into();
        let Some(bot) = &self.bot else {
            return Err(
                UpstreamError::new(501, "The agents have no bot to ask.").with_code("NoBot")
            );
        };
        check_bytes("utterance", utterance.len())?;
        let turn = self.begin_turn(instance_id, &utterance)?;
        let sentence = Some(turn.sentence);
        if turn.begins {
            self.report_start(instance_id).await;
        }
        self.report(instance_id, "intent_recognized", None, sentence).await;
        self.report_said(instance_id, "user", &utterance, turn.sentence).await;
        let answered = self.answer(bot, instance_id, &turn).await;
        let completion = match answered {
            Ok(completion) => completion,
            Err(error) => {
                self.report(instance_id, "error", None, sentence).await;
                let text = error.to_string();
                let message = format!("The bot failed: {}", Printable::cut(&text));
                return Err(UpstreamError::new(502, message)
                    .with_code("BotFailed")
                    .with_source(error));
            }
        };
        let meaning = tags::read(&completion.text);
        let calls = completion.tool_calls.iter().map(|call| call.function.name.as_str());
        let hung_up = meaning.hangs_up
            || calls.into_iter().any(|name| turn.hang_up.iter().any(|function| function == name));
        let reply = AgentReply {
            text: meaning.text,
            emotion: meaning.emotion,
            hung_up,
            transferred_to: meaning.transfers_to,
        };
        let ends = reply.hung_up || reply.transferred_to.is_some();
        if self.end_turn(instance_id, turn.sentence, &reply.text, ends) {
            self.report_said(instance_id, "agent", &reply.text, turn.sentence).await;
            if ends {
                self.report(instance_id, "agent_stop", None, None).await;
            }
        }
        Ok(reply)
    }

    /// Interrupts the newest reply of an agent, of which the user has heard `heard`.
    ///
    /// If the agent is configured with `HistorySyncWithTTS`, the bot learns of it in the next turn: the
    /// history has only that text, and the mark of the platform. Otherwise it does not.
    ///
    /// # Errors
    /// If the instance is unknown, or if its newest reply does not begin with `heard`.
    pub fn interrupt(&self, instance_id: &str, heard: &str) -> Result<(), UpstreamError> {
        let mut instances = self.instances();
        let Some(held) = instances.by_id.get_mut(instance_id) else {
            return Err(UpstreamError::no_instance(instance_id));
        };
        let syncs = config(&held.instance).llm.history_sync_with_tts.unwrap_or_default();
        let last = held.messages.last_mut().filter(|(role, _)| *role == Role::Assistant);
        match last {
            Some((_, text)) if text.starts_with(heard) => {
                if syncs {
                    *text = format!("{heard}{INTERRUPTED}");
                }
                Ok(())
            }
            _ => {
                let message = "The newest reply of the agent does not begin with what was heard.";
                Err(UpstreamError::new(400, message).with_code("InvalidParameter"))
            }
        }
    }

    /// Adds an utterance to a conversation, and returns what to ask the bot.
    fn begin_turn(&self, instance_id: &str, utterance: &str) -> Result<Turn, UpstreamError> {
        let mut instances = self.instances();
        let held = instances.by_id.get_mut(instance_id);
        let running = held.filter(|held| held.instance.status != Some(InstanceStatus::Finished));
        let Some(held) = running else { return Err(UpstreamError::no_instance(instance_id)) };
        held.instance.status = Some(InstanceStatus::Executing);
        held.say(Role::User, utterance);
        held.sentence += 1;
        let begins = !std::mem::replace(&mut held.announced, true);
        let config = config(&held.instance);
        let llm = &config.llm;
        let earlier = llm.history.iter().filter_map(|entry| {
            let role = entry.role.as_ref()?.as_str();
            Some((role_of(role), entry.content.clone()?))
        });
        let all: Vec<_> = earlier.chain(held.messages.iter().cloned()).collect();
        let limit = llm.history_limit.and_then(|limit| usize::try_from(limit).ok());
        // A round is a question and its answer. The question of this turn is one of the messages.
        let newest = limit.unwrap_or(ROUNDS).saturating_mul(2).max(1);
        let prompt = llm.system_prompt.iter().map(|prompt| (Role::System, prompt.clone()));
        let messages = prompt.chain(all.into_iter().rev().take(newest).rev());
        let messages: Vec<_> = messages
            .map(|(role, text)| Message::new(role).with_content(Content::Text(text)))
            .collect();
        let mut data = ExtendData::new()
            .with_instance_id(instance_id)
            .with_sentence_id(held.sentence.to_string());
        let runtime = held.instance.runtime_config.as_ref();
        data.channel_id = runtime.and_then(|runtime| runtime.channel_id.clone());
        data.user_data.clone_from(&held.instance.user_data);
        let hang_up = llm.function_map.iter().filter_map(|mapping| {
            let hangs_up = mapping.function == Some(AgentFunction::HangUp);
            mapping.match_function.clone().filter(|_| hangs_up)
        });
        Ok(Turn {
            request: ChatRequest::new("agent", messages).with_extend_data(data),
            query: llm.openai_extra_query.clone().filter(|query| !query.is_empty()),
            sentence: held.sentence,
            begins,
            hang_up: hang_up.collect(),
        })
    }

    /// Asks the bot, and reads the whole reply.
    async fn answer(
        &self,
        bot: &Bot,
        instance_id: &str,
        turn: &Turn,
    ) -> Result<Completion, client::Error> {
        let mut stream = bot.client(turn.query.clone())?.stream(&turn.request).await?;
        let mut begun = false;
        while let Some(chunk) = stream.next().await {
            let empty = chunk?.text().is_empty();
            if !empty && !std::mem::replace(&mut begun, true) {
                self.report(instance_id, "llm_data_received", None, Some(turn.sentence)).await;
            }
        }
        stream.completion().await
    }

    /// Adds a reply to a conversation, and ends the instance if it hangs up or transfers. Returns `false`,
    /// without doing so, if the instance has ended or the user has said something else in the meantime.
    fn end_turn(&self, instance_id: &str, sentence: i64, text: &str, ends: bool) -> bool {
        let mut instances = self.instances();
        let Some(held) = instances.by_id.get_mut(instance_id) else { return false };
        if held.instance.status == Some(InstanceStatus::Finished) || held.sentence != sentence {
            return false;
        }
        if !text.is_empty() {
            held.say(Role::Assistant, text);
        }
        if ends {
            held.finish();
        }
        true
    }

    /// Reports what was said, unless it is nothing.
    async fn report_said(&self, instance_id: &str, producer: &str, text: &str, sentence: i64) {
        if text.is_empty() {
            return;
        }
        let dialogue = json!({"roundId": sentence.to_string(), "producer": producer, "text": text});
        let data: Value = json!({"code": "Success", "dialogues": [dialogue]});
        self.report(instance_id, "chat_record", Some(data), Some(sentence)).await;
    }
}

impl Held {
    /// Adds what was said to the conversation.
    fn say(&mut self, role: Role, text: &str) {
        self.messages.push((role, text.to_owned()));
        let mut bytes: usize = self.messages.iter().map(|(_, text)| text.len()).sum();
        let mut excess = 0;
        for (_, text) in &self.messages {
            if bytes <= MAX_CONVERSATION {
                break;
            }
            bytes -= text.len();
            excess += 1;
        }
        self.messages.drain(..excess);
    }
}

/// Returns the configuration of an instance's agent.
fn config(instance: &Instance) -> AgentConfig {
    instance.agent_config.clone().unwrap_or_else(AgentConfig::unset)
}

fn role_of(name: &str) -> Role {
    match name.parse() {
        Ok(role) => role,
        Err(never) => match never {},
    }
}
