//! What the history of the platform says about the bot's replies.

use callbot::bot::{CallKey, ChatSettings, Heard, Platform};
use serde_json::json;

use super::{aicall, line};

const STORY: &str = "once upon a time there was a king";

#[tokio::test(start_paused = true)]
async fn what_the_caller_heard_is_read_from_the_platforms_history() {
    let up_to = |text: &str| Some(Heard::UpTo(text.into()));
    for (reply, said, heard, reported) in [
        (
            "<< once upon<ims_agent_interrupted> a time",
            "once upon",
            up_to("once upon"),
            Some("cut {\"up_to\":\"once upon\"} barge_in"),
        ),
        ("<< <ims_agent_interrupted>", "", Some(Heard::Nothing), Some("cut \"nothing\" barge_in")),
        (
            "<< Once, upon",
            "once upon",
            up_to("once upon"),
            Some("cut {\"up_to\":\"once upon\"} barge_in"),
        ),
        (
            "<< twice<ims_agent_interrupted>",
            STORY,
            Some(Heard::Mismatch("twice".into())),
            Some("cut {\"mismatch\":\"twice\"} barge_in"),
        ),
        // All of it, another transcript, and nothing.
        ("<< Once upon a time, there was a king.", STORY, None, None),
        ("<< once a ponytail", STORY, None, None),
        ("<< ", STORY, None, None),
    ] {
        let line = line(ChatSettings::new());
        line.ask(&[STORY], aicall("c", 1.into())).await;
        line.clerk.events();
        line.ask(&[STORY, reply, "go on"], aicall("c", 2.into())).await;
        let expected: Vec<_> = reported.into_iter().chain(["turn go on"]).collect();
        assert_eq!(line.clerk.events(), expected, "{reply}");
        // The next request says the same once more, which is not news.
        let messages = [STORY, reply, "go on", "<< go on", "and"];
        line.ask(&messages, aicall("c", 3.into())).await;
        assert_eq!(line.clerk.events(), ["turn and"], "{reply}");
        let key = CallKey::new(Platform::AiCall, "c");
        let history = line.host.snapshot(&key).await.unwrap().unwrap().history;
        let entry = history.iter().next().unwrap();
        assert_eq!((&*entry.said, &entry.heard), (said, &heard), "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_bots_history_stays_the_truth() {
    let line = line(ChatSettings::new());
    let vapi = || json!({"call": {"id": "c"}});
    line.ask(&["one"], vapi()).await;
    line.ask(&["two"], vapi()).await;
    // Shortened, merged, transcribed again, and with lines that never were.
    for messages in [
        &["history"][..],
        &["<< Welcome!", "one", "<< one two", "history"],
        &["ONE", "<< won", "who", "<< are you?", "history"],
    ] {
        let text = line.ask(messages, vapi()).await.text();
        assert!(text.contains(" turns: one / two"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_call_has_its_history_up_to_a_mark() {
    let line = line(ChatSettings::new());
    let messages = ["hi", "<< once upon<ims_agent_interrupted> a time", "history"];
    let answer = line.ask(&messages, json!({"extendData": {}})).await;
    assert_eq!(answer.text(), "1 turns: once upon");
}
