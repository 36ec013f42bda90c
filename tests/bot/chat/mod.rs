//! A bot that answers chat completions, in the JSON of the wire.

#[cfg(all(feature = "aicall", feature = "client"))]
mod callbacks;
mod calls;
mod controls;
mod history;

use std::sync::{Arc, Mutex};

use crate::support::bots::post;
use callbot::bot::{
    Bot, Call, ChatSettings, Cut, Dropped, Emotion, Ended, HangUp, Host, Input, Notice, Reply,
    Result, SpeechSettings, Transfer,
};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

/// A bot that does what the caller says, and logs what it learns.
#[derive(Clone, Default)]
struct Clerk {
    log: Arc<Mutex<Vec<String>>>,
}

impl Clerk {
    fn add(&self, event: impl Into<String>) {
        self.log.lock().unwrap().push(event.into());
    }

    /// Takes what was logged.
    fn events(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }
}

impl Bot for Clerk {
    type Memory = u32;

    async fn turn(&self, call: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
        call.memory += 1;
        let text = match input {
            Input::Speech(text) => text,
            Input::Silence => {
                self.add("silence");
                return reply.say("Are you there?").await;
            }
            Input::Other(json) => {
                self.add(json.to_string());
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.add(format!("turn {text}"));
        match text.as_str() {
            "info" => {
                let info = &call.info;
                let extras = Value::from(info.extras.clone());
                let (caller, called) = (&info.caller, &info.called);
                self.add(json!([call.key().to_string(), caller, called, extras]).to_string());
                reply.say("Noted.").await
            }
            "history" => {
                let said = call.history.iter().map(|entry| entry.said.as_str());
                let said: Vec<_> = said.collect();
                reply.say(format!("{} turns: {}", call.memory, said.join(" / "))).await
            }
            "can" => {
                let can = reply.can();
                let kinds: Vec<_> = can.transfer.iter().map(|kind| format!("{kind:?}")).collect();
                reply.say(format!("{} {}", can.hang_up, kinds.join("+"))).await
            }
            "be happy" => {
                let settings = SpeechSettings::new().with_emotion(Emotion::Happy);
                reply.speech_settings(settings).await?;
                reply.say("I am.").await
            }
            "bye" => {
                reply.say("Goodbye.").await?;
                reply.hang_up(HangUp::new()).await
            }
            "number" => {
                reply.say("One moment.").await?;
                let to = Transfer::to_number("10086").with_shown_number("400");
                reply.transfer(to).await
            }
            text if text.starts_with("spell ") => {
                for letter in text["spell ".len()..].chars() {
                    reply.say(letter.to_string()).await?;
                    reply.flush().await?;
                }
                Ok(())
            }
            "agent" => reply.transfer(Transfer::to_agent("2")).await,
            "story" => {
                reply.say("Once upon a time ").await?;
                sleep(Duration::from_secs(5)).await;
                reply.say("there was a king.").await
            }
            "breaks" => {
                reply.say("Half ").await?;
                sleep(Duration::from_millis(10)).await;
                Err("as it was asked to".into())
            }
            "fails" => Err("as it was asked to".into()),
            text => {
                // A language model that repeats the caller, token by token.
                for token in text.split_inclusive(' ') {
                    reply.say(token).await?;
                    tokio::task::yield_now().await;
                }
                Ok(())
            }
        }
    }

    async fn interrupted(&self, _: &mut Call<u32>, cut: &Cut) -> Result {
        // `Debug` hides the text.
        let heard = serde_json::to_value(&cut.heard).unwrap();
        self.add(format!("cut {heard} {}", cut.cause.as_str()));
        Ok(())
    }

    async fn ended(&self, _: &mut Call<u32>, why: Ended) -> Result {
        self.add(format!("ended {}", why.as_str()));
        Ok(())
    }

    fn notice(&self, notice: &Notice) {
        if notice.what != Dropped::Greeting {
            self.add(format!("dropped {:?}", notice.what));
        }
    }
}

/// A platform without a key.
struct Line {
    clerk: Clerk,
    host: Host<Clerk>,
    router: axum::Router,
}

fn line(settings: ChatSettings) -> Line {
    let clerk = Clerk::default();
    line_of(clerk.clone(), Host::builder(clerk).chat_settings(settings).build())
}

fn line_of(clerk: Clerk, host: Host<Clerk>) -> Line {
    let router = host.chat().unwrap().router();
    Line { clerk, host, router }
}

/// An answer, read back from a stream.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    /// The texts of the deltas. Those of a tool call are its name and its arguments.
    deltas: Vec<String>,
    finish: String,
}

impl Answer {
    fn text(&self) -> String {
        self.deltas.concat()
    }
}

impl Line {
    async fn post(&self, path: &str, body: Value) -> (u16, String) {
        post(&self.router, path, body.to_string()).await
    }

    /// Posts a request with these keys beside its messages.
    async fn ask(&self, messages: &[&str], other: Value) -> Answer {
        let (status, answer) = self.post("/v1/chat/completions", body(messages, other)).await;
        assert_eq!(status, 200, "{answer}");
        read(&answer)
    }
}

/// Returns a request. A message of the bot begins with `<< `.
fn body(messages: &[&str], other: Value) -> Value {
    let messages: Vec<_> = messages
        .iter()
        .map(|text| match text.strip_prefix("<< ") {
            Some(text) => json!({"role": "assistant", "content": text}),
            None => json!({"role": "user", "content": text}),
        })
        .collect();
    let mut body = json!({"model": "m", "stream": true, "messages": messages});
    body.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    body
}

/// Reads a stream, which ends as it must.
#[track_caller]
fn read(stream: &str) -> Answer {
    let mut events: Vec<_> = stream.trim_end().split("\n\n").collect();
    assert_eq!(events.pop(), Some("data: [DONE]"), "{stream}");
    let mut answer = Answer::default();
    for event in events {
        let chunk: Value = serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
        let choice = &chunk["choices"][0];
        assert!(answer.finish.is_empty() && chunk.get("error").is_none(), "{stream}");
        if let Some(reason) = choice["finish_reason"].as_str() {
            answer.finish = reason.to_owned();
            assert_eq!(choice["delta"], json!({}), "{stream}");
        }
        if let Some(text) = choice["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
            answer.deltas.push(text.to_owned());
        }
        for call in choice["delta"]["tool_calls"].as_array().into_iter().flatten() {
            let function = &call["function"];
            assert!(call["id"].as_str().is_some_and(|id| !id.is_empty()), "{stream}");
            let arguments = function["arguments"].as_str().unwrap();
            answer.deltas.push(format!("{}{arguments}", function["name"].as_str().unwrap()));
        }
    }
    assert!(!answer.finish.is_empty(), "{stream}");
    answer
}

/// Returns what a request offers.
fn tools(names: &[&str]) -> Value {
    let tool = |name: &&str| json!({"type": "function", "function": {"name": name}});
    names.iter().map(tool).collect()
}

fn aicall(call: &str, turn: Value) -> Value {
    json!({"extendData": {"instanceId": call, "sentenceId": turn}})
}
