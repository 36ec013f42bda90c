//! Which call and which turn a request means, and how its turns end.

use callbot::bot::testing::TestCall;
use callbot::bot::{CallKey, ChatDialect, ChatSettings, Host, Platform};
use serde_json::{Value, json};
use tokio::time::{Duration, advance, sleep};

use super::{Clerk, aicall, body, line, line_of};

#[tokio::test(start_paused = true)]
async fn the_info_of_a_call_comes_from_its_dialect() {
    let line = line(ChatSettings::new());
    for (request, query, expected) in [
        (
            json!({"extendData": {
                "instanceId": "i", "channelId": "r", "sentenceId": 7, "callerNumber": "135",
                "calleeNumber": "400", "userData": "{\"vip\":true}",
            }}),
            "",
            json!(["aicall/i", "135", "400", {
                "calleeNumber": "400", "callerNumber": "135", "channelId": "r", "instanceId": "i",
                "sentenceId": "7", "userData": {"vip": true},
            }]),
        ),
        (
            json!({
                "call": {"id": "v", "type": "outboundPhoneCall"}, "customer": {"number": "+1"},
                "phoneNumber": {"number": "+2"},
            }),
            "",
            json!(["chat/v", "+2", "+1", {
                "call": {"id": "v", "type": "outboundPhoneCall"}, "customer": {"number": "+1"},
                "phoneNumber": {"number": "+2"},
            }]),
        ),
        (
            json!({"context": {"userId": "7"}, "turn_id": 2, "messages": [
                {"role": "user", "content": "info", "turn_id": 2},
            ]}),
            "?channel=a%20b",
            json!(["chat/a b", "7", null, {"userId": "7"}]),
        ),
        (
            json!({"metadata": {"call_id": "p", "branch": "north"}}),
            "",
            json!(["chat/p", null, null, {"branch": "north", "call_id": "p"}]),
        ),
    ] {
        let path = format!("/v1/chat/completions{query}");
        let (status, answer) = line.post(&path, body(&["info"], request)).await;
        assert_eq!(status, 200, "{answer}");
        let events = line.clerk.events();
        let found: Value = serde_json::from_str(&events[1]).unwrap();
        assert_eq!(found, expected);
    }
    let request = http::Request::post("/chat/completions")
        .header("content-type", "application/json")
        .header("x-task-id", "t")
        .header("x-request-id", "r")
        .header("x-user-id", "u")
        .body(body(&["info"], json!({"MetaInfo": {"a": 1}})).to_string())
        .unwrap();
    let mut router = line.router.clone();
    let answer = tower_service::Service::call(&mut router, request.map(axum::body::Body::from));
    assert_eq!(answer.await.unwrap().status(), 200);
    sleep(Duration::from_millis(1)).await;
    let key = CallKey::new(Platform::Chat, "t");
    assert!(line.host.snapshot(&key).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_posted_again_runs_once_and_has_the_same_answer() {
    let line = line(ChatSettings::new());
    for request in [aicall("c", 1.into()), json!({"call": {"id": "c"}})] {
        let ask = || line.ask(&["story"], request.clone());
        let (one, other) = tokio::join!(ask(), ask());
        assert_eq!(one.text(), "Once upon a time there was a king.");
        assert_eq!(other.text(), one.text());
        assert_eq!(ask().await.text(), one.text());
        assert_eq!(line.clerk.events(), ["turn story"]);
    }
    // A number and a text name the same turn, and another turn is another one.
    line.ask(&["hm"], aicall("d", 7.into())).await;
    line.ask(&["hm"], aicall("d", "7".into())).await;
    line.ask(&["hm"], aicall("d", "8".into())).await;
    assert_eq!(line.clerk.events(), ["turn hm", "turn hm"]);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_message_that_can_not_be_read_costs_no_turn() {
    let line = line(ChatSettings::new());
    let odd = json!([7, {"type": "image_url", "image_url": {"url": {}}}]);
    let said = json!([{"type": "image_url", "image_url": {}}, {"type": "text", "text": "hm"}]);
    let messages = json!({"messages": [
        {"role": "assistant", "content": odd}, {"role": "user", "content": said},
    ]});
    let (status, answer) = line.post("/v1/chat/completions", body(&[], messages)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(line.clerk.events(), ["turn hm"]);
}

#[tokio::test(start_paused = true)]
async fn a_longer_utterance_and_a_newer_turn_cut_the_running_one() {
    for (request, next) in [
        (aicall("c", 1.into()), aicall("c", 1.into())),
        (aicall("c", 1.into()), aicall("c", 2.into())),
        (json!({"call": {"id": "c"}}), json!({"call": {"id": "c"}})),
    ] {
        let line = line(ChatSettings::new());
        let first = line.ask(&["story"], request);
        let second = async {
            sleep(Duration::from_secs(1)).await;
            line.ask(&["story, please"], next).await
        };
        let (first, second) = tokio::join!(first, second);
        assert_eq!(first.text(), "Once upon a time ");
        assert_eq!(second.text(), "story, please");
        let events = line.clerk.events();
        assert_eq!(events, ["turn story", "cut \"unknown\" new_turn", "turn story, please"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_closed_connection_cuts_the_turn() {
    for platform in [Platform::AiCall, Platform::Chat] {
        let clerk = Clerk::default();
        let mut call = TestCall::on(platform, clerk.clone());
        let mut turn = call.start("story").await;
        turn.until_speech("Once").await;
        drop(turn);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(clerk.events(), ["turn story", "cut \"unknown\" peer_gone"], "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_messages_after_a_pause_are_a_silence_where_the_platform_does_that() {
    let eleven = || json!({"elevenlabs_extra_body": {"call_id": "c"}});
    let line = line(ChatSettings::new());
    assert_eq!(line.ask(&["hello"], eleven()).await.text(), "hello");
    assert_eq!(line.ask(&["hello"], eleven()).await.text(), "hello");
    advance(Duration::from_secs(7)).await;
    assert_eq!(line.ask(&["hello"], eleven()).await.text(), "Are you there?");
    assert_eq!(line.ask(&["hello"], eleven()).await.text(), "Are you there?");
    advance(Duration::from_secs(7)).await;
    assert_eq!(line.ask(&["hello"], eleven()).await.text(), "Are you there?");
    assert_eq!(line.clerk.events(), ["turn hello", "silence", "silence"]);
    // Elsewhere the request is only late.
    line.ask(&["hello"], json!({"call": {"id": "v"}})).await;
    advance(Duration::from_secs(7)).await;
    assert_eq!(line.ask(&["hello"], json!({"call": {"id": "v"}})).await.text(), "hello");
    assert_eq!(line.clerk.events(), ["turn hello"]);
    // The bot has spoken last.
    let answer = line.ask(&["hello", "<< hello"], json!({"call": {"id": "v"}})).await;
    assert_eq!(answer.text(), "Are you there?");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_call_is_a_call_of_its_own() {
    let line = line(ChatSettings::new());
    let ask = || line.ask(&["one", "<< Two.", "history"], json!({}));
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!((one.text(), other.text()), ("1 turns: Two.".into(), "1 turns: Two.".into()));
    assert_eq!(ask().await.text(), "1 turns: Two.");
    sleep(Duration::from_secs(1)).await;
    let mut events = line.clerk.events();
    events.sort();
    let each = |event: &str| vec![event.to_owned(); 3];
    assert_eq!(events, [each("ended by_caller"), each("turn history")].concat());
    // A named call keeps its own history.
    let named = || json!({"metadata": {"call_id": "c"}});
    line.ask(&["hi"], named()).await;
    let answer = line.ask(&["other", "<< Two.", "history"], named()).await;
    assert_eq!(answer.text(), "2 turns: hi");
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_a_status_before_the_first_byte_and_a_clean_end_after_it() {
    let line = line(ChatSettings::new());
    let (status, error) = line.post("/chat/completions", body(&["fails"], json!({}))).await;
    assert_eq!(status, 500);
    assert!(error.contains("\"error\"") && !error.contains("asked to"), "{error}");
    let broken = line.ask(&["breaks"], json!({})).await;
    assert_eq!((&*broken.text(), &*broken.finish), ("Half ", "stop"));
    let clerk = Clerk::default();
    let sorry = line_of(clerk.clone(), Host::builder(clerk).apology("I'm sorry.").build());
    assert_eq!(sorry.ask(&["fails"], json!({})).await.text(), "I'm sorry.");
    assert_eq!(sorry.ask(&["breaks"], json!({})).await.text(), "Half I'm sorry.");
    // An answer that is not a stream can still have a status.
    let mut whole = body(&["breaks"], json!({}));
    whole["stream"] = false.into();
    assert_eq!(line.post("/chat/completions", whole).await.0, 500);
}

#[tokio::test(start_paused = true)]
async fn the_ids_of_calls_and_turns_have_a_maximum_length() {
    let line = line(ChatSettings::new());
    for key in ["call_id", "turn_id"] {
        let request = |bytes| body(&["hello"], json!({"metadata": {key: "x".repeat(bytes)}}));
        assert_eq!(line.post("/chat/completions", request(256)).await.0, 200);
        let (status, error) = line.post("/chat/completions", request(257)).await;
        assert_eq!(status, 400, "{error}");
        assert!(error.contains("is longer than 256 bytes"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_ids_in_data_of_the_application_have_a_maximum_length() {
    let line = line(ChatSettings::new());
    let long = "x".repeat(257);
    for (path, more) in [
        ("/chat/completions", json!({"custom": {"call_id": long}})),
        ("/chat/completions", json!({"Custom": json!({"TaskId": long}).to_string()})),
        ("/chat/completions", json!({"elevenlabs_extra_body": {"call_id": long}})),
        (&*format!("/chat/completions?call_id={long}"), json!({})),
    ] {
        let (status, error) = line.post(path, body(&["hello"], more.clone())).await;
        assert_eq!(status, 400, "{more}: {error}");
        assert!(error.contains("the id of the call is longer than 256 bytes"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_knows_the_function_that_hangs_up() {
    let host = Host::builder(Clerk::default());
    let settings = ChatSettings::new().with_hang_up_function("bye_bye");
    let mut call = TestCall::on(Platform::AiCall, host.chat_settings(settings).build());
    call.say("bye").await.expect_text("Goodbye.").expect_hang_up();
}

#[tokio::test(start_paused = true)]
async fn the_result_of_a_tool_is_an_input_of_its_own() {
    let line = line(ChatSettings::new());
    let tool = json!({"role": "tool", "tool_call_id": "call_1", "content": "busy"});
    let user = json!({"role": "user", "content": "number"});
    line.ask(&[], json!({"call": {"id": "c"}, "messages": [user, tool]})).await;
    let events = line.clerk.events();
    let found: Value = serde_json::from_str(&events[0]).unwrap();
    assert_eq!(found, tool);
}

#[tokio::test(start_paused = true)]
async fn a_test_plays_the_fixed_dialect_of_the_host() {
    for (dialect, hangs_up) in [
        (ChatDialect::Vapi, true),
        (ChatDialect::ElevenLabs, true),
        (ChatDialect::Agora, false),
        (ChatDialect::Volcengine, false),
        (ChatDialect::Trtc, false),
        (ChatDialect::Plain, false),
    ] {
        let host = Host::builder(Clerk::default());
        let host = host.chat_settings(ChatSettings::new().with_dialect(dialect)).build();
        let mut call = TestCall::on(Platform::Chat, host);
        assert_eq!(call.can().hang_up, hangs_up, "{dialect:?}");
        let first = call.say("hello").await.text().to_owned();
        assert_eq!(call.repeat().await.text(), first, "{dialect:?}");
        let history = call.say("history").await.text().to_owned();
        assert_eq!(history, "2 turns: hello", "{dialect:?}");
        if hangs_up {
            call.say("bye").await.expect_text("Goodbye.").expect_hang_up();
        }
    }
}
