//! Bots that stream the sentences of a language model, within the time for the first packet.

use std::time::Duration;

use crate::support::bots::*;
use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Host, Input, Platform, Reply, Result};
use callbot::text::sentences;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::sleep;

/// 20 tokens, of which 16 are the first sentence.
const ANSWER: &str = "Your balance as of this morning is forty two euros and ten \
                      cents after all fees. Anything else for you?";

/// Streams the sentences of a model with 25 tokens a second. The utterance is how the bot reads them, and the
/// time to the first token in ms, such as `all 400`.
#[derive(Clone, Copy)]
struct Model;

fn tokens(first: u64) -> impl Stream<Item = Result<String, std::io::Error>> + Send + Unpin {
    let tokens = ANSWER.split_inclusive(' ').enumerate();
    let timed = stream::iter(tokens).then(move |(at, token)| async move {
        sleep(Duration::from_millis(if at == 0 { first } else { 40 })).await;
        Ok(token.to_owned())
    });
    Box::pin(timed)
}

impl Bot for Model {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        if reply.can().greets { reply.say_all(sentences(tokens(100))).await } else { Ok(()) }
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        let (how, first) = words(&input).split_once(' ').unwrap();
        let tokens = tokens(first.parse()?);
        match how {
            "patient" => reply.say_all(sentences(tokens).max_wait(Duration::MAX)).await,
            "one" => {
                // Behind adapters that don't know of sentences.
                let mut texts = sentences(tokens).map(|text| text.map(String::into_bytes)).boxed();
                while let Some(text) = texts.next().await {
                    reply.say(String::from_utf8(text?)?).await?;
                }
                Ok(())
            }
            "spoken" => {
                reply.say("Hm. ").await?;
                reply.say_all(sentences(tokens)).await
            }
            "unfilled" => {
                reply.no_filler();
                reply.say_all(sentences(tokens)).await
            }
            _ => reply.say_all(sentences(tokens)).await,
        }
    }
}

/// Returns the texts of the packets of one turn, and when the first one was sent, in ms.
async fn packets(host: Host<Model>, words: &str) -> (Vec<String>, u128) {
    let line = line(host);
    line.begin("c", "b").await.rest().await;
    let start = tokio::time::Instant::now();
    let mut reply = line.say("c", "1", words).await;
    let (mut texts, mut first, mut so_far) = (Vec::new(), None, 0);
    while reply.next().await {
        let text = reply.text[so_far..].to_owned();
        so_far = reply.text.len();
        if !text.is_empty() {
            first.get_or_insert(start.elapsed().as_millis());
            texts.push(text);
        }
    }
    assert_eq!(reply.failure, None, "{words}");
    (texts, first.unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_sentences_of_a_slow_model_are_in_time_on_every_platform() {
    for platform in Platform::ALL {
        for how in ["all", "one", "patient", "spoken", "unfilled"] {
            for first in [0, 100, 400, 549] {
                let mut call = TestCall::on(platform, Model);
                let answer = call.say(format!("{how} {first}")).await;
                let hm = if how == "spoken" { "Hm. " } else { "" };
                answer.expect_text(&format!("{hm}{ANSWER}")).expect_end();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_first_packet_ends_within_a_sentence() {
    for how in ["all", "one", "patient", "unfilled"] {
        let (texts, first) = packets(Host::new(Model), &format!("{how} 400")).await;
        // The tokens after 400, 440, 480 and 520 ms.
        let rest = "this morning is forty two euros and ten cents after all fees. ";
        assert_eq!(texts, ["Your balance as of ", rest, "Anything else for you?"], "{how}");
        assert!((550..=551).contains(&first), "{how}: {first}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_model_without_a_token_in_time_fails_its_turn() {
    let mut call = TestCall::on(Platform::DigitalEmployee, Model);
    let answer = call.say("all 552").await;
    answer.expect_failure();
}

#[tokio::test(start_paused = true)]
async fn sentences_stay_whole_if_the_first_packet_does_not_depend_on_them() {
    let sentence =
        "Your balance as of this morning is forty two euros and ten cents after all fees. ";
    // Text has been sent before.
    let (texts, first) = packets(Host::new(Model), "spoken 400").await;
    assert_eq!((&texts[..2], first), (&["Hm. ".to_owned(), sentence.to_owned()][..], 0));
    // A filler is in time, if the turn has one.
    let filling = || Host::builder(Model).filler("One moment. ").build();
    let (texts, first) = packets(filling(), "all 300").await;
    assert_eq!(texts[..2], ["One moment. ", sentence]);
    assert!((385..=386).contains(&first), "{first}");
    let (texts, first) = packets(filling(), "unfilled 400").await;
    assert_eq!(texts[0], "Your balance as of ");
    assert!((550..=551).contains(&first), "{first}");
    // The platform does not limit the first packet.
    let budget = Platform::DigitalEmployee.budget().with_first_packet(None);
    let host = Host::builder(Model).budget(Platform::DigitalEmployee, budget).build();
    assert_eq!(packets(host, "all 400").await.0[0], sentence);
}

#[tokio::test(start_paused = true)]
async fn a_greeting_lets_go_of_what_it_has_in_time() {
    let line = line(Host::new(Model));
    let start = tokio::time::Instant::now();
    let mut greeting = line.begin("c", "b").await;
    greeting.rest().await;
    // The tokens after 100 and 140 ms.
    assert_eq!((&*greeting.text, greeting.failure), ("Your balance ", None));
    assert!((150..=151).contains(&start.elapsed().as_millis()));
}
