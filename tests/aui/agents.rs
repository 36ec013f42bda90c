//! Agents in memory that ask a bot: what the bot gets, what its reply does, and what is reported.

#![cfg(all(feature = "chat", feature = "client", feature = "server"))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::aicall::callback::{self, Notification};
use callbot::aicall::{
    AgentConfig, AgentFunction, LlmFunctionMapping, LlmHistoryEntry, MessageRole,
};
use callbot::aui::ice::{
    DescribeInstanceRequest, GenerateCallRequest, InstanceStatus, RuntimeConfig,
    StartInstanceRequest, StopInstanceRequest,
};
use callbot::aui::{AgentReply, InMemoryAgents, RtcTokens, Upstream};
use callbot::chat::{
    self, ChatRequest, CreateChatCompletionParameters, FunctionCall, Reply, ToolCall,
};
use callbot::client::{InMemoryTransport, Transport, TransportError};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use reqwest::{Request, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const KEY: &str = "key-1";

/// Notes each request, and answers by what the user said.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<Vec<Value>>>);

impl chat::Api for Model {
    async fn create_chat_completion(
        &self,
        _: CreateChatCompletionParameters,
        request: ChatRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let said = request.messages.last().unwrap().text().into_owned();
        self.0.lock().unwrap().push(serde_json::to_value(&request)?);
        match said.as_str() {
            "bye" => reply.send("Goodbye. <imsagent_hangup/>").await?,
            "end" => {
                reply.send("Goodbye.").await?;
                reply.send(ToolCall::new("call-1", FunctionCall::new("done", "{}"))).await?;
            }
            "a person" => {
                let tag =
                    r#"<imsagent_transfer_call caller="400", callee="10086", msg="One moment."/>"#;
                reply.send(tag).await?;
            }
            "smile" => reply.send("{{emotion=happy}}With pleasure.").await?,
            "slow" => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                reply.send("You said slow.").await?;
            }
            "fail" => return Err("the model fails".into()),
            said => reply.send(format!("You said {said}.")).await?,
        }
        Ok(())
    }
}

impl Model {
    fn requests(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The roles and the texts of the newest request.
    fn messages(&self) -> Vec<String> {
        let request = self.requests().pop().unwrap();
        let text = |message: &Value| {
            let [role, text] = ["role", "content"].map(|key| message[key].as_str().unwrap());
            format!("{role}: {text}")
        };
        request["messages"].as_array().unwrap().iter().map(text).collect()
    }
}

/// Notes the URL of each request.
struct Urls(InMemoryTransport, Arc<Mutex<Vec<String>>>);

impl Transport for Urls {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        self.1.lock().unwrap().push(request.url().to_string());
        self.0.send(request)
    }
}

struct Listener(UnboundedSender<Notification>);

impl callback::Api for Listener {
    async fn notified(&self, notification: Notification) -> Result<(), Error> {
        Ok(self.0.send(notification)?)
    }
}

fn tokens() -> RtcTokens {
    RtcTokens::new("rtc-app-1", "key of the RTC app")
}

fn agents(model: &Model) -> InMemoryAgents {
    let router = chat::Server::new(model.clone()).key(KEY).router();
    let transport = InMemoryTransport::new(router);
    InMemoryAgents::new(tokens()).bot_over("http://bot/v1", KEY, transport).unwrap()
}

fn listening(agents: InMemoryAgents) -> (InMemoryAgents, UnboundedReceiver<Notification>) {
    let (sender, receiver) = unbounded_channel();
    let router = callback::Server::new(Listener(sender)).token("token-1").router();
    let client = callback::Client::builder("http://bot").token("token-1");
    let client = client.transport(InMemoryTransport::new(router)).build().unwrap();
    (agents.callbacks(client), receiver)
}

/// Starts a call of an agent with this configuration, and returns its instance.
async fn call(agents: &InMemoryAgents, config: AgentConfig) -> String {
    let request = GenerateCallRequest::new("agent-1").with_agent_config(config);
    agents.generate(None, request.with_user_data("gold")).await.unwrap().instance_id
}

async fn say(agents: &InMemoryAgents, instance: &str, text: &str) -> AgentReply {
    agents.say(instance, text).await.unwrap()
}

async fn status(agents: &InMemoryAgents, instance: &str) -> InstanceStatus {
    let request = DescribeInstanceRequest::new(instance);
    agents.describe(None, request).await.unwrap().instance.status.unwrap()
}

#[tokio::test]
async fn the_bot_gets_what_an_agent_of_aicall_sends() {
    let (model, urls) = (Model::default(), Arc::default());
    let router = chat::Server::new(model.clone()).key(KEY).router();
    let transport = Urls(InMemoryTransport::new(router), Arc::clone(&urls));
    let agents = InMemoryAgents::new(tokens());
    let agents = agents.bot_over("http://bot/v1", KEY, transport).unwrap();
    let mut config = AgentConfig::unset();
    config.llm.system_prompt = Some("Be brief.".into());
    config.llm.openai_extra_query = Some("api-version=2&tenant=t1".into());
    config.llm.history = vec![
        LlmHistoryEntry::new().with_role(MessageRole::User).with_content("Earlier?"),
        LlmHistoryEntry::new().with_role(MessageRole::Assistant).with_content("Yes."),
    ];
    let instance = call(&agents, config).await;

    assert_eq!(say(&agents, &instance, "hello").await.text, "You said hello.");
    say(&agents, &instance, "more").await;

    let expected = [
        "system: Be brief.",
        "user: Earlier?",
        "assistant: Yes.",
        "user: hello",
        "assistant: You said hello.",
        "user: more",
    ];
    assert_eq!(model.messages(), expected);
    for (number, request) in model.requests().iter().enumerate() {
        let data = &request["extendData"];
        assert_eq!(data["instanceId"], json!(instance));
        assert_eq!(data["sentenceId"], json!((number + 1).to_string()));
        assert_eq!(data["userData"], "gold");
        assert!(data["channelId"].is_string());
        assert_eq!(request["stream"], true);
    }
    let url = "http://bot/v1/chat/completions?api-version=2&tenant=t1";
    assert_eq!(*urls.lock().unwrap(), [url, url]);
}

#[tokio::test]
async fn the_history_has_as_many_rounds_as_the_agent_is_configured_with() {
    let model = Model::default();
    let agents = agents(&model);
    let mut config = AgentConfig::unset();
    config.llm.history_limit = Some(1);
    let instance = call(&agents, config).await;
    for text in ["one", "two", "three"] {
        say(&agents, &instance, text).await;
    }
    assert_eq!(model.messages(), ["assistant: You said two.", "user: three"]);

    let instance = call(&agents, AgentConfig::unset()).await;
    for number in 0..15 {
        say(&agents, &instance, &number.to_string()).await;
    }
    assert_eq!(model.messages().len(), 20, "the platform's default are 10 rounds");
}

#[tokio::test]
async fn a_tag_hangs_up_and_is_not_said() {
    let agents = agents(&Model::default());
    let instance = call(&agents, AgentConfig::unset()).await;
    assert_eq!(status(&agents, &instance).await, InstanceStatus::Created);
    assert!(!say(&agents, &instance, "hello").await.hung_up);
    assert_eq!(status(&agents, &instance).await, InstanceStatus::Executing);

    let reply = say(&agents, &instance, "bye").await;
    assert_eq!((reply.text.trim(), reply.hung_up), ("Goodbye.", true));
    assert_eq!(status(&agents, &instance).await, InstanceStatus::Finished);
    assert_eq!(agents.say(&instance, "hello?").await.unwrap_err().status(), 404);
}

#[tokio::test]
async fn a_tool_call_hangs_up_only_if_the_agent_maps_it() {
    for mapped in [true, false] {
        let agents = agents(&Model::default());
        let mut config = AgentConfig::unset();
        let name = if mapped { "done" } else { "another" };
        let mapping = LlmFunctionMapping::new().with_function(AgentFunction::HangUp);
        config.llm.function_map = vec![mapping.with_match_function(name)];
        let instance = call(&agents, config).await;
        let reply = say(&agents, &instance, "end").await;
        assert_eq!((reply.text.as_str(), reply.hung_up), ("Goodbye.", mapped));
    }
}

#[tokio::test]
async fn a_tag_transfers_the_call_and_sets_the_emotion() {
    let agents = agents(&Model::default());
    let instance = call(&agents, AgentConfig::unset()).await;
    let reply = say(&agents, &instance, "smile").await;
    assert_eq!((reply.text.as_str(), reply.emotion.as_deref()), ("With pleasure.", Some("happy")));
    let reply = say(&agents, &instance, "a person").await;
    assert_eq!(reply.text, "One moment.");
    assert_eq!(reply.transferred_to.as_deref(), Some("10086"));
    assert_eq!(status(&agents, &instance).await, InstanceStatus::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_a_newer_utterance_overtakes_is_not_in_the_history() {
    let model = Model::default();
    let agents = agents(&model);
    let instance = call(&agents, AgentConfig::unset()).await;
    let slow = agents.say(&instance, "slow");
    let hello = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        say(&agents, &instance, "hello").await
    };
    let _ = tokio::join!(slow, hello);
    say(&agents, &instance, "and").await;
    assert_eq!(
        model.messages(),
        ["user: slow", "user: hello", "assistant: You said hello.", "user: and"]
    );
}

#[tokio::test]
async fn a_conversation_has_a_maximum_size() {
    let model = Model::default();
    let agents = agents(&model);
    let mut config = AgentConfig::unset();
    config.llm.history_limit = Some(1000);
    let instance = call(&agents, config).await;
    assert_eq!(agents.say(&instance, "x".repeat(32 * 1024 + 1)).await.unwrap_err().status(), 400);
    for letter in ["a", "b", "c"] {
        say(&agents, &instance, &letter.repeat(32 * 1024)).await;
    }
    // The reply repeats what was said, so there is no room for more.
    let kept: Vec<_> = model.messages().iter().map(|text| text[..7].to_owned()).collect();
    assert_eq!(kept, ["user: c"]);
}

#[tokio::test]
async fn an_interruption_is_in_the_history_if_the_agent_keeps_what_was_played() {
    for (syncs, kept) in [
        (None, "assistant: You said hello."),
        (Some(false), "assistant: You said hello."),
        (Some(true), "assistant: You<ims_agent_interrupted>"),
    ] {
        let model = Model::default();
        let agents = agents(&model);
        let mut config = AgentConfig::unset();
        config.llm.history_sync_with_tts = syncs;
        let instance = call(&agents, config).await;
        say(&agents, &instance, "hello").await;
        assert_eq!(agents.interrupt(&instance, "They").unwrap_err().status(), 400);
        agents.interrupt(&instance, "You").unwrap();
        say(&agents, &instance, "stop").await;
        assert_eq!(model.messages(), ["user: hello", kept, "user: stop"]);
    }
}

#[tokio::test]
async fn a_call_is_reported_from_its_start_to_its_end() {
    let (agents, mut notifications) = listening(agents(&Model::default()));
    let instance = call(&agents, AgentConfig::unset()).await;
    say(&agents, &instance, "hello").await;
    say(&agents, &instance, "bye").await;
    // The instance has ended already.
    agents.stop(None, StopInstanceRequest::new(&instance)).await.unwrap();

    let turn = ["intent_recognized", "chat_record user", "llm_data_received", "chat_record agent"];
    let mut expected = vec!["agent_start", "session_start"];
    expected.extend(turn);
    expected.extend(turn);
    expected.push("agent_stop");
    let mut events = Vec::new();
    while events.len() < expected.len() {
        let notification = notifications.recv().await.unwrap();
        assert_eq!(notification.call_id(), Some(&*instance));
        assert_eq!(notification.agent_id, "agent-1");
        assert_eq!(notification.user_data.as_deref(), Some("gold"));
        events.push(match notification.event() {
            callback::Event::ChatRecorded(Some(record)) => {
                format!("chat_record {}", record.dialogues[0].producer.as_ref().unwrap())
            }
            event => event.kind().into_owned(),
        });
    }
    assert_eq!(events, expected);
    assert!(notifications.try_recv().is_err(), "there is more");
}

#[tokio::test]
async fn an_instance_that_is_started_in_a_channel_is_reported_at_its_start() {
    let (agents, mut notifications) = listening(agents(&Model::default()));
    let runtime = RuntimeConfig::new("agent-user", "channel-1", "token");
    let request = StartInstanceRequest::new("agent-1", runtime);
    let instance = agents.start(None, request).await.unwrap().instance_id;
    agents.stop(None, StopInstanceRequest::new(&instance)).await.unwrap();
    for event in ["agent_start", "session_start", "agent_stop"] {
        let notification = notifications.recv().await.unwrap();
        assert_eq!(notification.event_name, event);
        let further = notification.extend_data.unwrap();
        assert_eq!(further.channel_id.as_deref(), Some("channel-1"));
    }
}

#[tokio::test]
async fn a_bot_that_fails_is_an_error_and_the_call_goes_on() {
    let (agents, mut notifications) = listening(agents(&Model::default()));
    let instance = call(&agents, AgentConfig::unset()).await;
    let error = agents.say(&instance, "fail").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (502, Some("BotFailed")));
    assert_eq!(say(&agents, &instance, "hello").await.text, "You said hello.");
    let start = ["agent_start", "session_start", "intent_recognized", "chat_record", "error"];
    for event in start {
        assert_eq!(notifications.recv().await.unwrap().event_name, event);
    }
}

#[tokio::test]
async fn agents_without_a_bot_say_nothing() {
    let agents = InMemoryAgents::new(tokens());
    let instance = call(&agents, AgentConfig::unset()).await;
    let error = agents.say(&instance, "hello").await.unwrap_err();
    assert_eq!((error.status(), error.code()), (501, Some("NoBot")));
}

#[tokio::test]
async fn a_wrong_key_does_not_reach_the_bot() {
    let model = Model::default();
    let router = chat::Server::new(model.clone()).key(KEY).router();
    let transport = InMemoryTransport::new(router);
    let agents =
        InMemoryAgents::new(tokens()).bot_over("http://bot/v1", "wrong", transport).unwrap();
    let instance = call(&agents, AgentConfig::unset()).await;
    let error = agents.say(&instance, "hello").await.unwrap_err();
    assert_eq!(error.code(), Some("BotFailed"));
    assert!(model.requests().is_empty());
}

#[test]
fn a_url_that_is_not_one_of_http_is_refused_beforehand() {
    assert!(InMemoryAgents::new(tokens()).bot("bot.example", KEY).is_err());
}

#[tokio::test]
async fn what_is_said_and_the_key_are_not_shown() {
    let agents = agents(&Model::default());
    let instance = call(&agents, AgentConfig::unset()).await;
    let reply = say(&agents, &instance, "4711").await;
    assert!(reply.text.contains("4711"));
    let shown = format!("{reply:?} {reply:#?} {agents:?}");
    assert!(!shown.contains("4711") && !shown.contains(KEY), "{shown}");
}
