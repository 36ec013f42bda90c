//! Speech on the voice platform of ODFS: it arrives as the key of a text.

use std::cell::RefCell;
use std::collections::HashMap;

use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Call, Host, Input, OdfsSettings, Platform, Reply, Result};
use serde_json::{Value, json};

use crate::support::bots::*;
use crate::support::traces::{Traces, traced};

/// Repeats what it hears.
#[derive(Clone, Copy)]
struct Parrot;

impl Bot for Parrot {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        match input {
            Input::Speech(text) => reply.say(format!("You said: {text}")).await,
            Input::NoMatch => reply.say("Pardon?").await,
            _ => reply.say("Hm.").await,
        }
    }
}

/// What the bot says to a key, and to text.
async fn answers(router: &axum::Router, call: &str, key: &str) -> [Value; 2] {
    let ivr = Ivr::new(router.clone(), call);
    let key = json!({"flow_result_type": "1", "input": format!("{key}@0"), "inter_no": "0"});
    let (_, to_key) = ivr.ask(9, key, json!({})).await;
    let to_text = ivr.say("hello").await;
    [to_key, to_text].map(|answer| answer["outparams"]["prompt_text"].clone())
}

fn warnings(traces: &Traces) -> [usize; 2] {
    ["is not understood", "arrived as the key"]
        .map(|part| traces.with(&[" WARN ", part, "no source of recognitions is set"]).len())
}

#[tokio::test(start_paused = true)]
async fn a_host_without_a_source_says_so_when_it_is_built_and_at_the_first_key() {
    let (traces, _guard) = traced();
    let router = Host::new(Parrot).router().unwrap();
    assert_eq!(warnings(&traces), [1, 0], "{}", traces.text());
    for call in ["c-1", "c-1", "c-2"] {
        // Text is speech without any setting.
        assert_eq!(answers(&router, call, "asr:1").await, ["Pardon?", "You said: hello"]);
    }
    assert_eq!(warnings(&traces), [1, 1], "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn an_ivr_without_speech_needs_no_source() {
    let (traces, _guard) = traced();
    let settings = OdfsSettings::default().without_recognitions();
    let router = Host::new(Parrot).odfs_with(settings).unwrap().router();
    assert_eq!(warnings(&traces), [0, 0], "{}", traces.text());
    assert_eq!(answers(&router, "c", "asr:1").await, ["Pardon?", "You said: hello"]);
    assert_eq!(warnings(&traces), [0, 1], "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_a_host_reach_the_router_for_all_platforms() {
    let (traces, _guard) = traced();
    let texts = HashMap::from([("asr:1".to_owned(), "my bill".to_owned())]);
    let settings = OdfsSettings::default().with_recognitions(texts);
    let host = Host::builder(Parrot).odfs_settings(settings).build();
    for router in [host.router().unwrap(), host.fitting().router] {
        let answers = answers(&router, "c", "asr:1").await;
        assert_eq!(answers, ["You said: my bill", "You said: hello"]);
    }
    assert_eq!(traces.with(&["recognitions"]), Vec::<String>::new());
    // A text that the source does not have.
    let answers = answers(&host.router().unwrap(), "c", "asr:2").await;
    assert_eq!(answers, ["Pardon?", "You said: hello"]);
    let lost = "the source of recognitions has no text for what the caller said";
    assert_eq!(traces.with(&[" WARN ", lost, "odfs/c"]).len(), 1, "{}", traces.text());
}

#[tokio::test(start_paused = true)]
async fn a_test_speaks_as_text_or_by_key_and_everywhere_does_both() {
    for platform in Platform::ALL {
        let mut call = TestCall::on(platform, Parrot).speech_by_key();
        for text in ["hello", "my bill, please", "me@example.com", ""] {
            let said = call.say(text).await;
            let silent =
                matches!(platform, Platform::DigitalEmployee | Platform::AiCall | Platform::Chat);
            if silent && text.is_empty() {
                continue;
            }
            said.expect_text(&format!("You said: {text}"));
        }
    }
    // Text that looks like a keyword of the protocol is speech only by key.
    let mut call = TestCall::on(Platform::Odfs, Parrot);
    call.say("timeout").await.expect_text("Hm.");
    let mut call = TestCall::on(Platform::Odfs, Parrot).speech_by_key();
    call.say("timeout").await.expect_text("You said: timeout");

    let heard = RefCell::new(Vec::new());
    TestCall::everywhere(
        || Parrot,
        async |call| {
            let text = call.say("timeout").await.text().to_owned();
            heard.borrow_mut().push((call.platform(), text));
        },
    )
    .await;
    let heard = heard.into_inner();
    let on_odfs: Vec<_> =
        heard.iter().filter(|(platform, _)| *platform == Platform::Odfs).collect();
    assert_eq!(
        on_odfs.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>(),
        ["Hm.", "You said: timeout"]
    );
    assert_eq!(heard.len(), Platform::ALL.len() + 1);
}
