//! The memory that an idle call takes. This test has its own binary, because it measures the process.
#![cfg(all(
    target_os = "linux",
    feature = "bot",
    feature = "digital-employee",
    feature = "client"
))]

#[path = "support/mod.rs"]
mod support;

use callbot::bot::Host;
use support::bots::*;

/// Returns the resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// Prints the bytes per idle call: `cargo test --test bot_idle_calls -- --nocapture`.
#[tokio::test(start_paused = true)]
async fn an_idle_call_costs_little_memory() {
    const CALLS: usize = 2000;

    let line = line(Host::new(bot(|call, input, reply| {
        Box::pin(async move {
            call.memory.push(words(&input).into());
            reply.say(words(&input)).await
        })
    })));
    let talk = async |prefix: &str, calls: usize| {
        for call in 0..calls {
            let call = format!("{prefix}-{call}");
            line.begin(&call, "0").await.rest().await;
            for turn in ["1", "2", "3"] {
                line.text(&call, turn, "What is the balance of my account, please?").await;
            }
        }
    };
    // What the first calls allocate once is not the cost of a call.
    talk("first", 200).await;
    let before = resident();
    talk("idle", CALLS).await;
    let each = resident().saturating_sub(before) / CALLS;
    println!("an idle call of three turns takes {each} bytes");
    assert!(each < 16 * 1024, "{each} bytes");
}
