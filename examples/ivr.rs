//! Plays an IVR against the demo clerk and prints the call, each step by name.
//!
//! ```text
//! ivr [--url URL] [--vdn ID]
//! ```
//!
//! Without `--url` the clerk is served in this process, and its server issues the tokens. With `--url`
//! the server is another one, such as that of the example `serve`. `CALLBOT_ODFS_APP_KEY` and
//! `CALLBOT_ODFS_APP_SECRET` are the account there; without them no token is fetched. `--vdn` calls
//! the V2 URL of that tenant space. The exit code is 0 only if every step was right.

mod clerk;

use std::error::Error;
use std::process::ExitCode;

use callbot::bot::Host;
use callbot::odfs::{
    Client, Dialogue, DialogueError, Input, Issuer, Next, Response, TransferResult,
};
use clerk::Clerk;
use lexopt::prelude::{Long, ValueExt as _};
use tokio::net::TcpListener;

const USAGE: &str = "usage: ivr [--url URL] [--vdn ID]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(wrong) => {
            eprintln!("ivr: {wrong} steps were wrong");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("ivr: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<usize, Box<dyn Error>> {
    let (mut url, mut vdn) = (None, None);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("vdn") => vdn = Some(arguments.value()?.string()?),
            Long("help") => {
                println!("{USAGE}");
                return Ok(0);
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let builder = match url {
        Some(url) => {
            let account = ["CALLBOT_ODFS_APP_KEY", "CALLBOT_ODFS_APP_SECRET"].map(std::env::var);
            match account {
                [Ok(key), Ok(secret)] => Client::builder(&url, key, secret),
                _ => Client::builder_with_token(&url, "none"),
            }
        }
        None => Client::builder(&start_clerk().await?, "tenant-1", "secret-1"),
    };
    let builder = match vdn {
        Some(vdn) => builder.tenant_space(vdn),
        None => builder,
    };
    let client = builder.build()?;

    let mut transcript = Transcript::default();
    println!("A call that the flow releases:");
    let mut call = client.dialogue("call-1", "13500000001", "10086");
    transcript.step("Start (8)", call.start().await, "Interact");
    transcript.say(&mut call, Input::Text("What is my balance?"), "1234 euros").await;
    transcript.say(&mut call, Input::Text("I forgot my PIN."), "four digits").await;
    transcript.say(&mut call, Input::Keys("4711"), "4, 7, 1, 1").await;
    transcript.say(&mut call, Input::Timeout, "still there").await;
    transcript.say(&mut call, Input::NoMatch, "say it again").await;
    transcript.say(&mut call, Input::Text("The weather is fine."), "weather is fine").await;
    transcript.say(&mut call, Input::Text("Bye!"), "Release").await;
    transcript.hang_up(&mut call, "Interacted (9)").await;

    println!("\nA call that is transferred:");
    let mut call = client.dialogue("call-2", "13500000002", "10086");
    transcript.step("Start (8)", call.start().await, "Interact");
    transcript.say(&mut call, Input::Text("An agent, please."), "skg-1234").await;
    let result = call.transferred(TransferResult::Success).await;
    transcript.step("Transferred (11), success", result, "Release");
    transcript.hang_up(&mut call, "Transferred (11)").await;

    println!("\nA caller who hangs up:");
    let mut call = client.dialogue("call-3", "13500000003", "10086");
    transcript.step("Start (8)", call.start().await, "Interact");
    transcript.hang_up(&mut call, "Interacted (9)").await;
    println!("\n{} steps, {} wrong", transcript.steps, transcript.wrong);
    Ok(transcript.wrong)
}

/// Serves the demo bot on a free port, with an account for this call.
async fn start_clerk() -> Result<String, Box<dyn Error>> {
    let issuer = Issuer::new().account("tenant-1", "secret-1");
    let router = Host::new(Clerk).odfs()?.issuer(issuer).router();
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    Ok(url)
}

/// Prints each step, and counts those that were wrong.
#[derive(Default)]
struct Transcript {
    steps: usize,
    wrong: usize,
}

impl Transcript {
    async fn say(&mut self, call: &mut Dialogue, input: Input<'_>, expected: &str) {
        let told = match &input {
            Input::Text(text) => format!("said {text:?}"),
            Input::Keys(keys) => format!("pressed {keys}"),
            other => format!("{other:?}"),
        };
        let answer = call.input(input).await;
        self.step(&format!("Interacted (9), {told}"), answer, expected);
    }

    async fn hang_up(&mut self, call: &mut Dialogue, inaction: &str) {
        let answer = call.hang_up().await;
        self.step(&format!("{inaction}, hangup"), answer, "Release");
        if call.next() != Next::Nothing {
            println!("    WRONG: the session is not closed");
            self.wrong += 1;
        }
    }

    fn step(&mut self, told: &str, answer: Result<Response, DialogueError>, expected: &str) {
        let wanted = match &answer {
            Ok(Response::Interact(answer)) => {
                let params = &answer.outparams;
                let template = params.model_type.as_ref().map(ToString::to_string);
                let template = template.unwrap_or_else(|| "none".into());
                format!("Interact (9), {:?}, template {template}", params.prompt_type)
            }
            Ok(Response::Transfer(answer)) => {
                format!("Transfer (11), {:?}", answer.outparams.trans_type)
            }
            Ok(Response::Release(_)) => "Release (10)".into(),
            Ok(other) => format!("another answer: {other:?}"),
            Err(error) => format!("an error: {error}"),
        };
        self.steps += 1;
        println!("  -> {told}\n  <- {wanted}");
        let text = answer.as_ref().map(heard).unwrap_or_default();
        if !text.is_empty() {
            println!("     {text:?}");
        }
        if !wanted.contains(expected) && !text.contains(expected) {
            println!("    WRONG: expected {expected:?}");
            self.wrong += 1;
        }
    }
}

fn heard(answer: &Response) -> String {
    match answer {
        Response::Interact(answer) => answer.outparams.prompt_text.clone().unwrap_or_default(),
        Response::Transfer(answer) => answer.outparams.route_value.clone(),
        _ => String::new(),
    }
}
