//! The bot of an instance. Its caller speaks scripts, and it prints its events.

use std::io::Write;
use std::time::Duration;

use callbot::bot::{Bot, Call, Cut, Ended, Input, Reply, Result};
use serde_json::Value;
use tokio::time::sleep;

/// A bot that executes what the caller says. `V` is the version of its memory, which has the texts of
/// `remember`.
///
/// `say x`, `answer x`, `wait 100`, `remember x`, `hold 100` (which then remembers "held"), `memory`,
/// `history`; with ` | ` in between. A text leaves immediately, but for that of `answer`, which leaves when the
/// turn has succeeded. A call that remembers "slow end" takes `slow_end` in [`Bot::ended`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Actor<const V: u32> {
    pub(crate) slow_end: Duration,
}

/// Prints an event of a call. The harness reads it.
fn print<M>(call: &Call<M>, event: &str) {
    // One write, so that lines do not mix.
    let line = format!("EVENT {} {event}\n", call.info.id);
    let _ = std::io::stdout().lock().write_all(line.as_bytes());
}

/// Prints that a turn was dropped before its end.
struct Dropped {
    line: Option<String>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            let _ = std::io::stdout().lock().write_all(line.as_bytes());
        }
    }
}

impl<const V: u32> Bot for Actor<V> {
    type Memory = Vec<String>;
    const MEMORY_VERSION: u32 = V;

    fn migrate(_: u32, old: Value) -> Result<Vec<String>> {
        let mut memory: Vec<String> = serde_json::from_value(old)?;
        memory.push("migrated".into());
        Ok(memory)
    }

    async fn begin(&self, call: &mut Call<Vec<String>>, _: &mut Reply) -> Result {
        print(call, "begin");
        Ok(())
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        let turn = call.turn().as_str().to_owned();
        print(call, &format!("turn {turn}"));
        let mut dropped =
            Dropped { line: Some(format!("EVENT {} dropped {turn}\n", call.info.id)) };
        let Input::Speech(script) = input else { return Ok(()) };
        let mut done = Ok(());
        for step in script.split(" | ") {
            done = self.step(call, step, reply).await;
            if done.is_err() {
                break;
            }
        }
        dropped.line = None;
        done
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, cut: &Cut) -> Result {
        let (turn, cause) = (cut.turn.as_str(), cut.cause.as_str());
        print(call, &format!("interrupted {turn} {cause}"));
        Ok(())
    }

    async fn ended(&self, call: &mut Call<Vec<String>>, why: Ended) -> Result {
        let (why, memory) = (why.as_str(), call.memory.join(","));
        print(call, &format!("ending {why}"));
        if call.memory.iter().any(|text| text == "slow end") {
            sleep(self.slow_end).await;
        }
        print(call, &format!("ended {why} {memory}"));
        Ok(())
    }
}

impl<const V: u32> Actor<V> {
    async fn step(&self, call: &mut Call<Vec<String>>, step: &str, reply: &mut Reply) -> Result {
        let (verb, what) = step.split_once(' ').unwrap_or((step, ""));
        let text = match verb {
            "wait" => {
                sleep(Duration::from_millis(what.parse()?)).await;
                return Ok(());
            }
            "remember" => {
                call.memory.push(what.into());
                return Ok(());
            }
            "hold" => {
                let time = Duration::from_millis(what.parse()?);
                return call
                    .hold(async |call: &mut Call<Vec<String>>| {
                        print(call, "holding");
                        sleep(time).await;
                        call.memory.push("held".into());
                        print(call, "held");
                        Ok(())
                    })
                    .await;
            }
            "answer" => return reply.say(what).await,
            "say" => what.to_owned(),
            "memory" => call.memory.join(","),
            "history" => {
                let turns = call.history.iter();
                let turns = turns.map(|entry| format!("{}={}", entry.turn, entry.said.trim()));
                turns.collect::<Vec<_>>().join(";")
            }
            _ => panic!("nobody knows how to {step}"),
        };
        reply.say(format!("{text} ")).await?;
        reply.flush().await
    }
}
