//! What the demo bot says: in memory, on a paused clock.
#![cfg(all(feature = "bot", feature = "digital-employee", feature = "client"))]

#[path = "../../examples/clerk/mod.rs"]
mod demo;

use std::time::Duration;

use callbot::bot::Host;
use callbot::client::InMemoryTransport;
use callbot::digital_employee::simulator::{Expect, Played, ScriptStep, Simulator};
use callbot::digital_employee::{
    Client, GatherDtmf, HangUp, Terminator, Transfer, TransferType, Voice,
};
use demo::Clerk;
use tokio::time::Instant;

async fn play(steps: &[ScriptStep]) -> Played {
    let transport = InMemoryTransport::new(Host::new(Clerk).digital_employee().unwrap().router());
    let client = Client::builder("http://clerk").transport(transport).build().unwrap();
    let call = Simulator::new(client).play(steps).await;
    assert!(call.is_ok(), "{call}");
    call
}

#[tokio::test(start_paused = true)]
async fn greets_in_one_packet_and_allows_barge_in() {
    let voice = Voice::new().with_interruptible(true).with_silence_detection_timeout(5);
    let call = play(&[ScriptStep::begin().expect(Expect::control(voice)), ScriptStep::end()]).await;
    assert_eq!(call.steps[0].packets, 1);
    assert!(!call.steps[0].reply.is_empty());
}

#[tokio::test(start_paused = true)]
async fn keywords_match_in_any_case_and_only_as_whole_words() {
    play(&[
        ScriptStep::say("BALANCE, please")
            .expect(Expect::text("balance is"))
            .expect(Expect::Packets(3)),
        ScriptStep::say("my Balance?").expect(Expect::text("balance is")),
        ScriptStep::say("I am shopping.").expect(Expect::text("I am shopping.")),
        ScriptStep::say("I am shopping.").expect(Expect::NoControls),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn transfers_gathers_and_hangs_up() {
    let call = play(&[
        ScriptStep::say("an agent")
            .expect(Expect::control(Transfer::new(TransferType::SkillGroup, "skg-1234"))),
        ScriptStep::say("my pin").expect(Expect::control(GatherDtmf::new(Terminator::Hash, 4, 5))),
        ScriptStep::say("bye")
            .expect(Expect::text("goodbye"))
            .expect(Expect::control(HangUp::new().with_delay(1))),
    ])
    .await;
    assert!(!call.steps[0].reply.is_empty(), "a sentence comes before the transfer");
}

#[tokio::test(start_paused = true)]
async fn repeats_digits_asks_again_after_silence_and_repeats_speech() {
    play(&[
        ScriptStep::keys("1234").expect(Expect::text("1, 2, 3, 4")),
        ScriptStep::silence().expect(Expect::text("how can I help")),
        ScriptStep::say("Grüß Gott 你好").expect(Expect::text("Grüß Gott 你好")),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn tells_a_story_of_more_than_six_seconds_in_packets_every_200_ms() {
    let start = Instant::now();
    let call = play(&[ScriptStep::say("a story")]).await;
    assert!(start.elapsed() >= Duration::from_secs(6), "{:?}", start.elapsed());
    let step = &call.steps[0];
    let pace = step.whole / u32::try_from(step.packets - 2).unwrap();
    assert_eq!(pace.as_millis() / 10, 20, "{pace:?}");
}

#[tokio::test(start_paused = true)]
async fn stops_the_story_when_the_caller_barges_in() {
    let start = Instant::now();
    let barge_in = ScriptStep::say("a story").barge_in_after(Duration::from_millis(1050));
    let call = play(&[barge_in, ScriptStep::say("balance").expect(Expect::text("1234"))]).await;
    assert!(start.elapsed() < Duration::from_millis(1300), "{:?}", start.elapsed());
    let step = &call.steps[0];
    // Packets at 0, 200, … 1000 ms, and the last one, which ends the stream.
    assert_eq!((step.packets, step.interrupted), (7, true));
}

#[tokio::test(start_paused = true)]
async fn survives_a_crash() {
    play(&[
        ScriptStep::say("crash").expect(Expect::Failure(500)),
        ScriptStep::say("balance").expect(Expect::text("1234")),
    ])
    .await;
}
