//! A minimal bot for Function Compute's custom runtime. The documentation of
//! `callbot::function_compute` says how to build it. Replace the parrot with your bot.

use std::error::Error;

use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
use callbot::function_compute;
use callbot::server::serve;
use tokio::net::TcpListener;

struct Parrot;

impl Bot for Parrot {
    type Memory = u32;

    async fn turn(&self, call: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
        call.memory += 1;
        let Input::Speech(words) = input else { return reply.say("Pardon?").await };
        reply.say(format!("Turn {}. You said: {words}", call.memory)).await
    }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let host = Host::builder(Parrot).freezes(true).build();
    let bot = host.digital_employee()?.router();
    // The gateway has checked the signatures. Requests of its hooks have none.
    let router = bot.merge(function_compute::hooks());
    let port = function_compute::port(|name| std::env::var(name).ok())?;
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(serve(listener, router).host(&host).await?)
}
