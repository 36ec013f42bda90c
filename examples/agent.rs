//! Calls AI agents through an AUI Kits app server: generates, starts, changes, describes and stops
//! them, and shows how an agent is configured. Then it talks to an agent whose language model is the demo
//! bot, until the bot hangs up.
//!
//! ```text
//! agent [--url URL] [--base v1|v2]
//! ```
//!
//! Without `--url` a server runs in this process, on a free port: an app server with agents in memory, the
//! bot that the agents ask, and the callbacks that they send to the bot. With `--url` the app server is
//! another one, such as that of the example `serve`, and nobody talks. `CALLBOT_AUI_TOKEN` is the token
//! that the app server expects in `Authorization`.

mod agents;
mod clerk;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use callbot::aicall::callback;
use callbot::aicall::{
    AgentConfig, AgentType, AutoSpeechContent, AutoSpeechUserIdle, TurnDetectionMode,
};
use callbot::aui::{
    AnyCaller, Base, Client, DescribeInstanceRequest, GenerateCallRequest, StartInstanceRequest,
    StopInstanceRequest, UpdateInstanceRequest, error_code,
};
use callbot::aui::{ChatTokens, InMemoryAgents, RtcToken, RtcTokens};
use callbot::bot::{Bot, Call, Ended, Host, Input, Reply};
use callbot::server::serve;
use clerk::Clerk;
use lexopt::prelude::{Long, ValueExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const USAGE: &str = "usage: agent [--url URL] [--base v1|v2]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("agent: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (mut url, mut base) = (None, Base::V2);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("base") => base = arguments.value()?.parse_with(parse_base)?,
            Long("help") => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let (url, here) = match url {
        Some(url) => (url, None),
        None => {
            let (url, here) = start_server().await?;
            (url, Some(here))
        }
    };
    let token = std::env::var("CALLBOT_AUI_TOKEN").unwrap_or_default();
    let client = Client::builder(&url, base).authorization(token).build()?;
    println!("app server at {url}{base}");

    let config = config();
    println!("\nthe configuration, as it is sent:\n{}", serde_json::to_string_pretty(&config)?);

    // The platform creates the channel, and the user joins later.
    let request = GenerateCallRequest::of_agent("voice-agent")
        .with_user_id("caller-1")
        .with_expire(Duration::from_secs(3600))
        .with_agent_config(config);
    let call = client.generate_call(&request).await?;
    println!("\ngenerated: {} has the instance {}", call.agent_id, call.instance_id);
    show_token(call.rtc_token.expose())?;
    stop(&client, &call.instance_id).await?;

    // The app server creates the channel, and has an agent of this type.
    let request = StartInstanceRequest::new("caller-1", AgentType::Voice);
    let started = client.start_instance(&request).await?;
    println!("\nstarted: instance {} in channel {}", started.instance_id, started.channel_id);
    show_token(started.rtc_token.expose())?;

    let mut change = AgentConfig::unset();
    change.greeting = Some("Hello again!".into());
    change.volume = Some(150);
    let update = UpdateInstanceRequest::of(&*started.instance_id, change.clone());
    client.update_instance(&update).await?;
    println!("updated: {}", serde_json::to_string(&change)?);

    if base == Base::V2 {
        let request = DescribeInstanceRequest::new("caller-1", &*started.instance_id);
        let described = client.describe_instance(&request).await?;
        let status =
            described.status.as_ref().map_or("of unknown status", |status| status.as_str());
        println!("described: {status}");
        if let Some(config) = &described.agent_config {
            println!("  its configuration: {}", serde_json::to_string(config)?);
        }
    }
    stop(&client, &started.instance_id).await?;

    // A failure has an error code of the SDK.
    let request = GenerateCallRequest::of_agent(agents::MISSING);
    match client.generate_call(&request).await {
        Ok(call) => println!("\nthe agent is not missing: instance {}", call.instance_id),
        Err(error) => {
            let code = error_code(&error);
            println!("\nan agent that is not there: {} ({}): {code}", code.code(), error);
        }
    }
    match here {
        Some(here) => talk(&client, here).await,
        None => Ok(()),
    }
}

/// Talks to an agent until its bot hangs up, and waits until the bot has heard of the end of the call.
async fn talk(client: &Client, mut here: Here) -> Result<(), Box<dyn Error>> {
    let request = StartInstanceRequest::new("caller-1", AgentType::Voice);
    let started = client.start_instance(&request).await?;
    println!("\na call, instance {}:", started.instance_id);
    for utterance in ["What is my balance?", "Thank you, bye."] {
        println!("  user:  {utterance}");
        let reply = here.agents.say(&started.instance_id, utterance).await?;
        println!("  agent: {}", reply.text);
        if reply.hung_up {
            println!("  (the agent hangs up)");
        }
    }
    let ended = tokio::time::timeout(Duration::from_secs(5), here.ended.recv()).await?;
    println!("  (the bot learns from a callback that the call has ended: {ended:?})");
    Ok(())
}

fn parse_base(text: &str) -> Result<Base, String> {
    match text {
        "v1" => Ok(Base::V1),
        "v2" => Ok(Base::V2),
        _ => Err("allowed: v1, v2".into()),
    }
}

/// An agent for a friendly voice call: the SDK's defaults with some changes.
fn config() -> AgentConfig {
    let mut config = AgentConfig::default();
    config.greeting = Some("Good morning! What can I do for you?".into());
    config.max_idle_time = Some(Duration::from_secs(300));
    config.asr.max_silence = Some(Duration::from_millis(600));
    config.tts.speech_rate = Some(1.1);
    config.llm.system_prompt = Some("You are a bank clerk. Be brief.".into());
    config.turn_detection.mode = Some(TurnDetectionMode::Normal);
    let mut idle = AutoSpeechUserIdle::default();
    idle.messages = Some(vec![AutoSpeechContent::new().with_text("Are you still there?")]);
    config.auto_speech.user_idle = Some(idle);
    config
}

async fn stop(client: &Client, instance: &str) -> Result<(), Box<dyn Error>> {
    client.stop_instance(&StopInstanceRequest::new(instance)).await?;
    println!("stopped: {instance}");
    Ok(())
}

/// Prints what an app sees in its token. The key that signs the token stays on the server.
fn show_token(token: &str) -> Result<(), Box<dyn Error>> {
    let token = RtcToken::read(token)?;
    println!("  token: {} may join {} until {}", token.user_id, token.channel_id, token.expires_at);
    Ok(())
}

/// What runs in this process.
struct Here {
    agents: InMemoryAgents,
    /// The ends of calls, as the bot learns of them.
    ended: UnboundedReceiver<Ended>,
}

/// The demo bot. It tells how its calls end.
struct Desk {
    clerk: Clerk,
    ended: UnboundedSender<Ended>,
}

impl Bot for Desk {
    type Memory = ();

    async fn begin(&self, call: &mut Call<()>, reply: &mut Reply) -> callbot::bot::Result {
        self.clerk.begin(call, reply).await
    }

    async fn turn(
        &self,
        call: &mut Call<()>,
        input: Input,
        reply: &mut Reply,
    ) -> callbot::bot::Result {
        self.clerk.turn(call, input, reply).await
    }

    async fn ended(&self, _: &mut Call<()>, why: Ended) -> callbot::bot::Result {
        Ok(self.ended.send(why)?)
    }
}

/// Starts an app server, the bot behind its agents and the callbacks of the agents, on a free port of this
/// machine. Returns its URL.
async fn start_server() -> Result<(String, Here), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let tokens = agents::Tokens {
        rtc: RtcTokens::new("demo-app", "demo-key"),
        chat: ChatTokens::new("demo-app", "demo-key", "demo-sign"),
    };
    let (key, token) = ("the API key of the bot", "the token of the callback URL");
    let callbacks = callback::Client::builder(&url).token(token).build()?;
    let agents = agents::agents(&tokens.rtc).bot(&format!("{url}/v1"), key)?.callbacks(callbacks);

    let (sender, ended) = unbounded_channel();
    let host = Host::builder(Desk { clerk: Clerk, ended: sender })
        .chat_key(key)
        .aicall_callback_token(token)
        .build();
    let router = agents::router(agents.clone(), tokens, AnyCaller, false, None)
        .merge(host.chat()?.router())
        .merge(host.aicall_callbacks().router());
    tokio::spawn(serve(listener, router).host(&host).into_future());
    Ok((url, Here { agents, ended }))
}
