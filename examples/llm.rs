//! A pizzeria whose phone a language model answers.
//!
//! ```text
//! llm [--listen ADDRESS]
//! ```
//!
//! - `OPENAI_API_KEY` is the key of a language model, `OPENAI_BASE_URL` the URL of its server, such as
//!   `http://localhost:11434/v1`, and `OPENAI_MODEL` its name. Any server with OpenAI's chat completions will
//!   do. Without a key and a URL, a stand-in in this process answers, which knows a few sentences.
//! - Without `--listen` it plays a call and prints the transcript. The exit code is 0 only if every turn
//!   succeeded.
//! - With `--listen` it serves the bot on all platforms, until it gets SIGTERM or Ctrl-C. Chat completions
//!   are among them if `CALLBOT_CHAT_KEY` is set, for requests with that API key.
//! - `RUST_LOG` sets what is logged. Default: `warn`.

mod pizzeria;

use std::error::Error;
use std::process::ExitCode;

use callbot::bot::testing::TestCall;
use callbot::bot::{Host, Platform};
use callbot::chat::Client;
use callbot::llm::{Assistant, Model};
use lexopt::prelude::{Long, ValueExt as _};
use pizzeria::stand_in::stand_in;
use pizzeria::{Order, pizzeria};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

const USAGE: &str = "\
usage: llm [--listen ADDRESS]

OPENAI_API_KEY, OPENAI_BASE_URL and OPENAI_MODEL name a language model. Default: a stand-in.
examples/README.md has more.";

#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        eprintln!("llm: {error}");
        ExitCode::FAILURE
    })
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let mut listen = None;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("listen") => listen = Some(arguments.value()?.string()?),
            Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env();
    let filter = filter.map_err(|error| format!("RUST_LOG: {error}"))?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let mut host = pizzeria(model()?).host();
    if let Some(key) = variable("CALLBOT_CHAT_KEY")? {
        host = host.chat_key(key);
    }
    let host = host.build();
    match listen {
        Some(address) => {
            let listener = TcpListener::bind(address).await?;
            println!("listening on http://{}", listener.local_addr()?);
            host.serve(listener).await?;
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(demonstrate(host).await),
    }
}

/// Returns the model that the environment names, or the stand-in.
fn model() -> Result<Model, Box<dyn Error>> {
    let (url, key) = (variable("OPENAI_BASE_URL")?, variable("OPENAI_API_KEY")?);
    let name = variable("OPENAI_MODEL")?;
    let client = match (url, key) {
        (None, None) => stand_in().client(),
        (url, key) => {
            let client = Client::builder(url.as_deref().unwrap_or("https://api.openai.com/v1"));
            client.key(key.unwrap_or_default()).build()?
        }
    };
    Ok(Model::new(client, name.as_deref().unwrap_or("gpt-4.1-mini")))
}

/// Plays a call on Digital Employee, and prints it.
async fn demonstrate(host: Host<Assistant<Order>>) -> ExitCode {
    let mut call = TestCall::on(Platform::DigitalEmployee, host);
    let mut answers = vec![
        call.begin().await,
        call.say("Which pizzas do you have?").await,
        call.say("Two Margherita, please.").await,
        // The reply is complete and being spoken. The caller has enough.
        call.barge_in("Two Margherita, that is").await,
        call.silence().await,
        call.say("That is all, bye!").await,
    ];
    let order = call.memory().await.own;
    answers.push(call.end().await);
    println!("{call}");
    for pizzas in &order {
        println!("ordered: {} {:?}", pizzas.count, pizzas.pizza);
    }
    // The caller hears an apology when the model fails, so the reply itself did not fail.
    let failed = answers.iter().filter(|answer| !answer.causes().is_empty()).count();
    println!("{} steps, {failed} failed", answers.len());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns an environment variable, if it is set and not empty.
fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("{name} is not text")),
    }
}
