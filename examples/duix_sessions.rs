//! Manages the sessions of a DUIX app: lists them, stops one, shows a conversation.
//!
//! ```text
//! duix_sessions [--live] [--conversation ID] [--stop SESSION]
//! ```
//!
//! Without `--live` a stand-in of the platform runs in this process, and the example shows one of its
//! conversations and stops one of its sessions. With `--live` it calls the platform for the app in
//! `DUIX_APP_ID` and `DUIX_APP_KEY`, at `DUIX_BASE_URL` if that is set. It then shows and stops only
//! what you name.

use std::collections::BTreeSet;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Mutex;

use callbot::duix::{
    Api, Client, Concurrency, ConcurrencyParameters, Conversation, ConversationParameters,
    Resources, ResponseCode, Script, ScriptType, Server, SessionsParameters,
    StopAllSessionsOfAppParameters, StopSessionParameters, Tokens,
};
use callbot::server;
use lexopt::prelude::{Long, ValueExt as _};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const USAGE: &str = "usage: duix_sessions [--live] [--conversation ID] [--stop SESSION]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("duix_sessions: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (mut live, mut conversation, mut stop) = (false, None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("live") => live = true,
            Long("conversation") => conversation = Some(arguments.value()?.string()?),
            Long("stop") => stop = Some(arguments.value()?.string()?),
            Long("help") => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let client = if live {
        let variable = |name| std::env::var(name).map_err(|error| format!("{name}: {error}"));
        let client = Client::builder(variable("DUIX_APP_ID")?, variable("DUIX_APP_KEY")?);
        match std::env::var_os("DUIX_BASE_URL") {
            Some(_) => client.base_url(&variable("DUIX_BASE_URL")?).build()?,
            None => client.build()?,
        }
    } else {
        conversation.get_or_insert_with(|| "108".into());
        stop.get_or_insert_with(|| "session-2".into());
        let tokens = Tokens::new("demo-app", "demo-key");
        Client::builder_with_tokens(tokens.clone())
            .base_url(&start_platform(tokens).await?)
            .build()?
    };

    show_sessions(&client).await?;
    if let Some(session) = stop {
        let stopped = client.stop_session(&session).await;
        stopped.map_err(|error| format!("{session} was not stopped: {}", explain(&error)))?;
        println!("stopped {session}");
        show_sessions(&client).await?;
    }
    if let Some(id) = conversation {
        show_conversation(&*client.conversation(&id).await.map_err(|error| explain(&error))?);
    }
    // For the vendor's SDK in a browser or an app: the app key stays here.
    let sign = client.tokens().mint();
    println!("a front end would start with a `sign` of {} characters", sign.expose().len());
    Ok(())
}

async fn show_sessions(client: &Client) -> Result<(), Box<dyn Error>> {
    let concurrency = client.concurrency().await.map_err(|error| explain(&error))?;
    let number = |count: Option<i32>| count.map_or_else(|| "?".into(), |count| count.to_string());
    println!("{} of {} sessions in use", number(concurrency.in_use), number(concurrency.total));
    // The form of an entry is not documented, so it is printed as it arrives.
    match client.sessions().await.map_err(|error| explain(&error))?.into_inner() {
        Value::Array(sessions) => {
            sessions.iter().for_each(|session| println!("  {session}"));
        }
        other => println!("  {other}"),
    }
    Ok(())
}

fn show_conversation(conversation: &Conversation) {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".into());
    println!("conversation {}: {}", text(&conversation.id), text(&conversation.conversation_name));
    if let Some(Resources { model_name, tts_name, proportion, .. }) = &conversation.resources {
        println!("  model {}, voice {}, {}", text(model_name), text(tts_name), text(proportion));
    }
    for Script { script_type, script_content, .. } in &conversation.scripts {
        let kind = script_type.map_or_else(|| "?".into(), |kind| format!("{kind:?}"));
        println!("  {kind}: {}", text(script_content));
    }
}

/// Returns what an operator needs to know about an error.
fn explain(error: &callbot::client::Error) -> String {
    let code = error.failure().map(|failure| failure.code_as::<ResponseCode>());
    match code {
        Some(ResponseCode::BadAppIdOrSecret) => "check the app's id and key".into(),
        Some(ResponseCode::SessionNotFound) => "there is no such session".into(),
        _ => error.to_string(),
    }
}

/// A stand-in of the platform, from the same spec. It accepts the tokens of one app only.
async fn start_platform(tokens: Tokens) -> Result<String, Box<dyn Error>> {
    let sessions = ["session-1", "session-2", "session-3"].map(String::from);
    let platform = Platform { sessions: Mutex::new(sessions.into()) };
    let router = Server::new(platform).check_tokens(tokens).router();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(server::serve(listener, router).into_future());
    Ok(url)
}

struct Platform {
    sessions: Mutex<BTreeSet<String>>,
}

impl Platform {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        act(&mut self.sessions.lock().unwrap())
    }
}

impl Api for Platform {
    async fn concurrency(&self, _: ConcurrencyParameters) -> Result<Concurrency, server::Error> {
        let in_use = i32::try_from(self.with(|sessions| sessions.len()))?;
        Ok(Concurrency::new().with_corp_id("1003645").with_total(10).with_in_use(in_use))
    }

    async fn sessions(&self, _: SessionsParameters) -> Result<Value, server::Error> {
        Ok(self.with(|sessions| sessions.iter().map(|uuid| json!({"uuid": uuid})).collect()))
    }

    async fn stop_all_sessions_of_app(
        &self,
        _: StopAllSessionsOfAppParameters,
    ) -> Result<(), server::Error> {
        self.with(BTreeSet::clear);
        Ok(())
    }

    async fn stop_session(&self, parameters: StopSessionParameters) -> Result<(), server::Error> {
        if self.with(|sessions| sessions.remove(&parameters.session_id)) {
            return Ok(());
        }
        Err(server::Error::public("session not found").code("2002"))
    }

    async fn conversation(
        &self,
        parameters: ConversationParameters,
    ) -> Result<Conversation, server::Error> {
        if parameters.conversation_id != "108" {
            return Err(server::Error::public("no such conversation").code("1007"));
        }
        let script =
            |kind, text: &str| Script::new().with_script_type(kind).with_script_content(text);
        let resources =
            Resources::new().with_model_name("Anna").with_tts_name("guina").with_proportion("16:9");
        Ok(Conversation::new()
            .with_id(parameters.conversation_id)
            .with_conversation_name("The bank's front desk")
            .with_resources(resources)
            .with_scripts([
                script(ScriptType::OpeningLine, "Welcome to the bank."),
                script(ScriptType::InterruptionPhrase, "Stop talking"),
                script(ScriptType::InterruptionSentence, "Please go ahead."),
            ]))
    }
}
