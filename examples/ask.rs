//! Asks a language model, prints its answer as it arrives, and then what it wants to do.
//!
//! ```text
//! ask [--url URL] [--model NAME] [--whole] [QUESTION]
//! ask --listen ADDRESS
//! ```
//!
//! Without `--url` it asks a model in this process, which knows two answers. `CALLBOT_MODEL_KEY` is the key
//! of the account at the server. With `--whole` the answer arrives as one body, not as a stream. The model
//! may call the tool `end_call`.
//!
//! With `--listen` it serves the model of this process instead, to clients with that key, until it gets
//! SIGTERM or Ctrl-C.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use callbot::chat::{
    Api, ChatRequest, Client, Completion, CreateChatCompletionParameters, FunctionCall,
    FunctionDefinition, Message, Reply, Server, StreamOptions, Tool, ToolCall, router,
};
use callbot::client::InMemoryTransport;
use callbot::server;
use futures_util::StreamExt as _;
use lexopt::prelude::{Long, Value, ValueExt as _};
use tokio::net::TcpListener;

const USAGE: &str = "\
usage: ask [--url URL] [--model NAME] [--whole] [QUESTION]
       ask --listen ADDRESS";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ask: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (mut url, mut listen, mut whole) = (None, None, false);
    let (mut model, mut question) = ("model".to_owned(), "When do you open?".to_owned());
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("url") => url = Some(arguments.value()?.string()?),
            Long("listen") => listen = Some(arguments.value()?.string()?),
            Long("model") => model = arguments.value()?.string()?,
            Long("whole") => whole = true,
            Value(value) => question = value.string()?,
            Long("help") => {
                println!("{USAGE}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let key = std::env::var("CALLBOT_MODEL_KEY").ok();
    if let Some(address) = listen {
        return listen_at(&address, key).await;
    }
    let mut client = match url {
        Some(url) => Client::builder(&url),
        None => {
            Client::builder("http://model").transport(InMemoryTransport::new(router(Receptionist)))
        }
    };
    if let Some(key) = key {
        client = client.key(key);
    }
    let client = client.build()?;
    let end_call = FunctionDefinition::new("end_call").with_description("Ends the call.");
    let request = ChatRequest::new(
        model,
        [Message::system("You answer the phone of a bank. Be brief."), Message::user(question)],
    )
    .with_tools([Tool::new(end_call)]);

    let completion = if whole {
        let completion = Completion::from(client.complete(&request).await?.into_inner());
        print!("{}", completion.text);
        completion
    } else {
        let usage = StreamOptions::new().with_include_usage(true);
        let mut stream = client.stream(&request.with_stream_options(usage)).await?;
        let mut texts = stream.texts();
        while let Some(text) = texts.next().await {
            print!("{}", text?);
            std::io::stdout().flush()?;
        }
        drop(texts);
        stream.completion().await?
    };
    report(&completion);
    Ok(())
}

fn report(completion: &Completion) {
    if !completion.text.is_empty() {
        println!();
    }
    for call in &completion.tool_calls {
        println!("tool call {}: {} {}", call.id, call.function.name, call.function.arguments);
    }
    if let Some(reason) = &completion.finish_reason {
        println!("finish reason: {reason}");
    }
    if let Some(usage) = &completion.usage {
        let (asked, answered) = (usage.prompt_tokens, usage.completion_tokens);
        println!("tokens: {asked} + {answered} = {}", usage.total_tokens);
    }
}

/// Serves the model of this process.
async fn listen_at(address: &str, key: Option<String>) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut server = Server::new(Receptionist);
    if let Some(key) = key {
        server = server.key(key);
    }
    Ok(server::serve(listener, server.router()).await?)
}

/// A model that knows two answers.
struct Receptionist;

impl Api for Receptionist {
    async fn create_chat_completion(
        &self,
        _: CreateChatCompletionParameters,
        request: ChatRequest,
        reply: &mut Reply,
    ) -> Result<(), server::Error> {
        let said = request.messages.last().map(Message::text).unwrap_or_default().to_lowercase();
        if !said.contains("bye") {
            reply.send("We open ").await?;
            return reply.finish("at nine.").await;
        }
        reply.send("Goodbye!").await?;
        if request.tools.iter().any(|tool| tool.function.name == "end_call") {
            let end_call = FunctionCall::new("end_call", r#"{"reason":"goodbye"}"#);
            reply.send(ToolCall::new("call_1", end_call)).await?;
        }
        Ok(())
    }
}
