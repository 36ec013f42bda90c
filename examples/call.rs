//! Plays a whole call against a bot and prints what was said.
//!
//! ```text
//! call [--url URL] [--key-id ID]
//! ```
//!
//! Without `--url` the bot is the demo clerk, on a free port of this machine. With `--key-id` the
//! requests are signed as the platform signs them; `CALLBOT_KEY_SECRET` is the secret of the key.
//! The exit code is 0 only if every step was right.

mod clerk;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use callbot::auth::{Credentials, Scheme, Signer};
use callbot::bot::Host;
use callbot::digital_employee::simulator::{Expect, ScriptStep, Simulator};
use callbot::digital_employee::{Client, GatherDtmf, HangUp, Terminator, Transfer, TransferType};
use clerk::Clerk;
use lexopt::prelude::{Long, ValueExt as _};
use tokio::net::TcpListener;

const USAGE: &str = "usage: call [--url URL] [--key-id ID]";

#[tokio::main]
async fn main() -> ExitCode {
    run().await.unwrap_or_else(|error| {
        eprintln!("call: {error}");
        ExitCode::FAILURE
    })
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let (mut url, mut key_id) = (None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("key-id") => key_id = Some(arguments.value()?.string()?),
            Long("help") => {
                println!("{USAGE}");
                return Ok(ExitCode::SUCCESS);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let url = match url {
        Some(url) => url,
        None => start_clerk().await?,
    };
    let mut client = Client::builder(&url);
    if let Some(key_id) = key_id {
        let secret = std::env::var("CALLBOT_KEY_SECRET")
            .map_err(|_| "CALLBOT_KEY_SECRET must hold the secret of the key")?;
        client = client.sign(Signer::new(Credentials::new(key_id, secret), Scheme::Trigger));
    }
    println!("calling {url}");
    let call = Simulator::new(client.build()?).play(&script()).await;
    println!("{call}");
    let wrong = call.steps.iter().filter(|step| !step.problems.is_empty()).count();
    let late = call.steps.iter().filter(|step| !step.warnings.is_empty()).count();
    println!("{} steps, {wrong} wrong, {late} over budget", call.steps.len());
    Ok(if call.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Serves the demo bot on a free port.
async fn start_clerk() -> Result<String, Box<dyn Error>> {
    // One step makes the clerk panic. A backtrace would clutter the transcript.
    std::panic::set_hook(Box::new(|_| eprintln!("(the clerk panics, as the script expects)")));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let router = Host::new(Clerk).digital_employee()?.router();
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    Ok(url)
}

fn script() -> Vec<ScriptStep> {
    vec![
        ScriptStep::begin()
            .named("greeting")
            .expect(Expect::text("how can I help"))
            .expect(Expect::ControlKind("Voice".into())),
        ScriptStep::say("What is my balance?")
            .named("a spoken question")
            .expect(Expect::text("1234 euros"))
            .expect(Expect::Packets(3)),
        ScriptStep::say("I forgot my PIN.")
            .named("the bot asks for keys")
            .expect(Expect::control(GatherDtmf::new(Terminator::Hash, 4, 5))),
        ScriptStep::keys("4711").named("a keypad turn").expect(Expect::text("4, 7, 1, 1")),
        ScriptStep::silence().named("a silence").expect(Expect::text("still there")),
        ScriptStep::say("Tell me a story.")
            .named("a barge-in")
            .barge_in_after(Duration::from_millis(1100))
            .expect(Expect::text("once upon a time"))
            .expect(Expect::Packets(4)),
        ScriptStep::say("Please crash.")
            .named("a crash of the handler")
            .expect(Expect::Failure(500)),
        ScriptStep::say("I want to talk to an agent.")
            .named("a transfer")
            .expect(Expect::control(Transfer::new(TransferType::SkillGroup, "skg-1234"))),
        ScriptStep::say("Bye!")
            .named("a hang-up")
            .expect(Expect::text("goodbye"))
            .expect(Expect::control(HangUp::new().with_delay(1))),
        ScriptStep::end().named("the end"),
    ]
}
