//! Many concurrent calls with interleaved turns: no two calls are mixed up.

use std::time::Duration;

use crate::support::bots::*;
use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Ended, Host, Input, Platform, Reply, Result};
use callbot::digital_employee::{AnswerMode, Client, DialogueRequest, DialogueRequestFields};
use callbot::duix::dialogue;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::time::sleep;

/// Counts the turns of each call, at a random pace, and says the id of the call.
#[derive(Clone, Default)]
struct Counter {
    ended: Count,
}

impl Bot for Counter {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        let words = words(&input).to_owned();
        reply.say(format!("{} ", call.info.id)).await?;
        // Turns of other calls run in between.
        sleep(MS * fastrand::u32(0..40)).await;
        call.memory.push(words.clone());
        if words.starts_with("save") {
            call.save().await?;
        }
        reply.say(format!("turn {} ", call.memory.len())).await?;
        sleep(MS * fastrand::u32(0..40)).await;
        assert_eq!(call.history.len() + 1, call.memory.len());
        reply.say(words).await
    }

    async fn ended(&self, call: &mut Call<Vec<String>>, _: Ended) -> Result {
        assert_eq!(call.memory.len(), TURNS);
        self.ended.up();
        Ok(())
    }
}

const TURNS: usize = 5;

async fn count(mut call: TestCall<Counter>, number: usize) {
    for turn in 1..=TURNS {
        sleep(MS * fastrand::u32(0..50)).await;
        let kind = if turn % 2 == 0 { "save" } else { "say" };
        let words = format!("{kind} {number}/{turn}");
        let expected = format!("{} turn {turn} {words}", call.key().id);
        call.say(&words).await.expect_text(&expected).expect_end();
    }
    let memory = call.memory().await;
    let own = format!(" {number}/");
    assert!(memory.iter().all(|words| words.contains(&own)), "{memory:?}");
    assert_eq!(call.history().await.iter().filter(|entry| entry.input.is_some()).count(), TURNS);
    call.end().await;
}

#[tokio::test(start_paused = true)]
async fn two_thousand_calls_on_all_platforms_are_not_mixed_up() {
    let platform = |number| Platform::ALL[number % Platform::ALL.len()];
    let bot = Counter::default();
    let host = Host::new(bot.clone());
    let calls = (0..2000).map(|number| {
        let call = TestCall::on(platform(number), host.clone());
        tokio::spawn(count(call, number))
    });
    for call in join_all(calls.collect::<Vec<_>>()).await {
        call.unwrap();
    }
    // On some platforms calls have no end event.
    let ended = (0..2000).filter(|number| platform(*number).capabilities().ends);
    assert_eq!(bot.ended.get(), ended.count());
    host.shutdown(Duration::from_secs(10)).await;
    assert_eq!(bot.ended.get(), 2000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_calls_over_sockets_are_not_mixed_up() {
    let bot = Counter::default();
    // The clock is real here, and a busy machine must not fail the test.
    let platform = Platform::DigitalEmployee;
    let patient = platform.budget().with_first_packet(None);
    let host = Host::builder(bot.clone()).budget(platform, patient).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = host.router().unwrap();
    tokio::spawn(callbot::server::serve(listener, router).into_future());
    let (phone, human) = (Client::new(&url).unwrap(), dialogue::Client::new(&url).unwrap());
    let calls = (0..200).map(|number| {
        let (phone, human) = (phone.clone(), human.clone());
        tokio::spawn(async move {
            let id = format!("call-{number}");
            for turn in 1..=TURNS {
                let words = format!("say {number}/{turn}");
                let said = if number % 2 == 0 {
                    let stream = format!("{number}-{turn}");
                    let request = DialogueRequest::new(DialogueRequestFields {
                        request_id: "r",
                        tenant_id: 1,
                        instance_id: "n",
                        script_id: "s",
                        session_id: &id,
                        stream_id: &stream,
                        utterance: &words,
                    });
                    let reply = phone.dialogue(&request).await.unwrap();
                    reply.into_events(AnswerMode::Cumulative).text().await.unwrap()
                } else {
                    let request = dialogue::DialogueRequest::new(dialogue::DialogueRequestFields {
                        user_id: "u",
                        avatar_code: "a",
                        question: &words,
                        conversation_id: &id,
                    });
                    let mut reply = human.dialogue_stream(&request).await.unwrap();
                    let mut said = String::new();
                    while let Some(delta) = reply.next().await {
                        said.push_str(&delta.unwrap().text);
                    }
                    said
                };
                assert_eq!(said, format!("{id} turn {turn} {words}"));
            }
        })
    });
    for call in join_all(calls.collect::<Vec<_>>()).await {
        call.unwrap();
    }
    host.shutdown(Duration::from_secs(10)).await;
    assert_eq!(bot.ended.get(), 200);
}
