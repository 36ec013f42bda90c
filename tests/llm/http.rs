//! The assistant against an upstream over HTTP: what the caller hears when it fails, that a barge-in closes
//! its connection, what the conversation has, and that the key shows nowhere. Real sockets, so real time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::bot::testing::TestCall;
use callbot::bot::{Bot, Budget, HostBuilder, Platform};
use callbot::chat::Client;
use callbot::llm::testing::{Script, ScriptedModel};
use callbot::llm::{Assistant, Model, Tool, ToolContext};
use callbot::observe::{Event, Observer};
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::time::{sleep, timeout};
use tower_service::Service as _;

use crate::support::bots::{Count, until};
use crate::support::script::{Stub, json_answer, stream};
use crate::support::traces::traced;

const SECOND: Duration = Duration::from_secs(1);
const APOLOGY: &str = "I'm sorry, something went wrong.";
const FALLBACK: &str = "This is the fallback.";

/// Returns a host whose platforms wait longer than any deadline of a model, and where no filler goes out.
fn patient<B: Bot>(host: HostBuilder<B>) -> HostBuilder<B> {
    Platform::ALL.into_iter().fold(host, |host, platform| {
        let budget = Budget::CHAT.with_whole(Some(60 * SECOND)).with_filler_at(1.0);
        host.budget(platform, budget.with_first_packet(Some(60 * SECOND)))
    })
}

/// Returns a model at this URL, which must not be slow.
fn impatient(url: &str) -> Model {
    let client = Client::new(url).unwrap();
    Model::new(client, "large")
        .first_deadline(SECOND)
        .stall_deadline(SECOND)
        .whole_deadline(3 * SECOND)
}

/// An upstream that fails, and what a caller hears of its answer where replies are streams.
#[derive(Clone)]
struct Failing {
    what: &'static str,
    script: Option<Script>,
    heard: &'static str,
}

fn failing() -> Vec<Failing> {
    let new = |what, script, heard| Failing { what, script: Some(script), heard };
    let begins = || Script::from("It is ten euros. Any");
    let heard = "It is ten euros.";
    let word = Duration::from_millis(300);
    vec![
        Failing { what: "is unreachable", script: None, heard: "" },
        new("stalls", Script::new().stall(), ""),
        new("stalls after its head", Script::new().raw(": thinking\n\n").stall(), ""),
        new("stalls in its answer", begins().stall(), heard),
        new("is slow to begin", Script::new().pause(4 * SECOND).say("Ten."), ""),
        new("thinks for too long", Script::new().think("Hm.").stall(), ""),
        new("is slow", begins().say_slowly(&"very ".repeat(20), word), heard),
        new("is cut", Script::new().cut(), ""),
        new("is cut in its answer", begins().cut(), heard),
        new("ends without its end", begins().raw("data: [DON\n\n"), heard),
        new("is malformed", Script::new().raw("data: {oops\n\n"), ""),
        new("is malformed in its answer", begins().raw("data: {oops\n\n"), heard),
        new("is malformed as a whole", Script::new().raw("<html>Bad gateway</html>\n\n").cut(), ""),
        new("refuses with 401", Script::new().fail(401, "who are you?"), ""),
        new("refuses with 429", Script::new().fail(429, "too many requests"), ""),
        new("refuses with 500", Script::new().fail(500, "broken"), ""),
        new("fails in its answer", begins().fail(500, "broken"), heard),
        new("says nothing", Script::new(), ""),
    ]
}

impl Failing {
    /// Starts the upstream, and returns its URL.
    async fn listen(&self) -> String {
        match &self.script {
            None => "http://127.0.0.1:1/v1".into(),
            Some(script) => {
                let script = script.clone();
                ScriptedModel::answering(move |_| script.clone()).listen().await.unwrap()
            }
        }
    }
}

/// Runs all cases on all platforms at the same time, since most of them wait.
async fn for_each_failing(test: impl AsyncFn(&Failing, Platform)) {
    let cases: Vec<_> = failing()
        .into_iter()
        .flat_map(|case| Platform::ALL.map(|platform| (case.clone(), platform)))
        .collect();
    join_all(cases.iter().map(|(case, platform)| test(case, *platform))).await;
}

#[tokio::test]
async fn without_a_fallback_the_apology_follows_what_was_said() {
    for_each_failing(async |case, platform| {
        let assistant = Assistant::new(impatient(&case.listen().await));
        let mut call = TestCall::on(platform, patient(assistant.host()).build());
        let text = call.say("My balance?").await.text().to_owned();
        let heard = if call.can().streams { case.heard } else { "" };
        let said = format!("an upstream that {}\n{call}", case.what);
        assert!(text.starts_with(heard) && text.contains(APOLOGY), "{said}");
        assert_eq!(text.matches("euros").count(), usize::from(!heard.is_empty()), "{said}");
    })
    .await;
}

#[tokio::test]
async fn a_fallback_answers_unless_the_caller_has_heard_a_part() {
    let fallback = ScriptedModel::answering(|_| Script::from(FALLBACK));
    let fallback = fallback.listen().await.unwrap();
    for_each_failing(async |case, platform| {
        let second = Model::new(Client::new(&fallback).unwrap(), "small");
        let assistant = Assistant::new(impatient(&case.listen().await)).fallback(second);
        let mut call = TestCall::on(platform, patient(assistant.host()).build());
        let text = call.say("My balance?").await.text().to_owned();
        let said = format!("an upstream that {}\n{call}", case.what);
        match case.heard.is_empty() || !call.can().streams {
            true => assert_eq!(text, FALLBACK, "{said}"),
            false => assert!(text.starts_with(case.heard) && text.contains(APOLOGY), "{said}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_barge_in_closes_the_connection_to_the_upstream() {
    for platform in Platform::ALL {
        let model = ScriptedModel::answering(|request| {
            match request.messages.last().is_some_and(|last| last.text().ends_with("Stop!")) {
                true => Script::from("Yes?"),
                false => Script::from("Once upon a time. ").stall(),
            }
        });
        let url = model.listen().await.unwrap();
        let model_at = Model::new(Client::new(&url).unwrap(), "large");
        let host = patient(Assistant::new(model_at).host()).build();
        let mut call = TestCall::on(platform, host);
        let mut turn = call.start("A story!").await;
        model.until_requests(1).await;
        if call.can().streams {
            turn.until_speech("Once upon a time.").await;
        }
        assert_eq!(model.abandoned(), 0, "{platform}");
        if call.can().aborts {
            turn.barge_in("Once upon").await;
        } else if call.can().newest_wins {
            call.say("Stop!").await.expect_speech("Yes?");
            drop(turn);
        } else {
            // The caller hangs up.
            drop(turn);
            call.end().await;
        }
        timeout(5 * SECOND, model.until_abandoned(1)).await.unwrap_or_else(|_| {
            panic!("{platform}: the connection to the upstream is still open\n{call}")
        });
    }
}

#[derive(Deserialize, JsonSchema)]
struct Pizza {
    name: String,
}

/// Returns a bot that takes orders, which take a moment. It counts those that have begun.
fn ordering(model: Model, orders: &Count) -> Assistant<Vec<String>> {
    let orders = orders.clone();
    Assistant::with_memory(model).tool(Tool::new(
        "order",
        "Orders a pizza.",
        move |mut context: ToolContext<Vec<String>>, pizza: Pizza| {
            let orders = orders.clone();
            async move {
                orders.up();
                sleep(Duration::from_millis(300)).await;
                context.memory.push(pizza.name);
                Ok("ordered")
            }
        },
    ))
}

#[tokio::test]
async fn a_barge_in_in_the_middle_of_a_tool_runs_it_once() {
    for platform in Platform::ALL {
        let model = ScriptedModel::answering(|request| {
            let last = request.messages.last().unwrap();
            match last.text().as_ref() {
                "ordered" => Script::from("It is ordered."),
                text if text.ends_with("A pizza!") => {
                    Script::new().call("order", json!({"name": "Margherita"}))
                }
                _ => Script::from("Yes?"),
            }
        });
        let client = Client::new(&model.listen().await.unwrap()).unwrap();
        let orders = Count::default();
        let host = patient(ordering(Model::new(client, "large"), &orders).host()).build();
        let mut call = TestCall::on(platform, host);
        let turn = call.start("A pizza!").await;
        until(|| orders.get() == 1).await;
        if call.can().aborts {
            turn.barge_in(None).await;
            call.repeat().await;
        } else {
            // The next turn cuts this one or waits for it; on ODFS the platform gives up.
            drop(turn);
        }
        call.say("And?").await.expect_end();
        assert_eq!((orders.get(), call.memory().await.own), (1, vec!["Margherita".to_owned()]));
        let conversation = model.conversation();
        let count = |line: &str| conversation.iter().filter(|found| *found == line).count();
        let called = r#"assistant calls order({"name":"Margherita"})"#;
        let counts = (count(called), count("tool: ordered"));
        assert_eq!(counts, (1, 1), "{platform}: {conversation:#?}\n{call}");
    }
}

/// Writes down every event.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<String>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        *self.0.lock().unwrap() += &format!("{event:?}\n");
    }
}

#[tokio::test]
async fn the_key_shows_nowhere() {
    const KEY: &str = "sk-never-to-be-shown";
    let (traces, _guard) = traced();
    let events = Events::default();
    // A server that repeats the key.
    let message = format!("Incorrect API key provided: {KEY}");
    let error = json!({"error": {"message": message, "code": KEY, "type": KEY}}).to_string();
    let refuses = Stub::answering(json_answer("401 Unauthorized", &error)).await;
    let fails = Stub::answering(stream(format!("data: {error}\n\n"))).await;
    let answers = ScriptedModel::answering(|_| Script::from("Ten euros.").usage(1, 2));
    let answers = answers.listen().await.unwrap();
    for url in [&refuses.url, &fails.url, &answers] {
        let client = || {
            let builder = Client::builder(url).key(KEY).observer(events.clone());
            builder.build().unwrap()
        };
        let bot = || {
            let (first, second) = (Model::new(client(), "large"), Model::new(client(), "small"));
            let assistant = Assistant::new(first).fallback(second).system("You are a bank.");
            let shown = format!("{:?} {assistant:?} {assistant:#?}", Model::new(client(), "large"));
            assert!(!shown.contains("never-to-be"), "{shown}");
            let host = patient(assistant.host()).observer(events.clone());
            host.trace_content(|_| true).build()
        };
        TestCall::everywhere(bot, async |call| {
            let answer = call.say("My balance?").await;
            let history = call.history().await;
            let memory = serde_json::to_string(&call.memory().await).unwrap();
            let shown = format!("{answer}{answer:?}{call}{history:?}{memory}{:?}", call.host());
            assert!(!shown.contains("never-to-be"), "{shown}");
            call.end().await;
        })
        .await;
    }
    let sent = refuses.seen();
    assert!(!sent.is_empty());
    let bearer = format!("Bearer {KEY}");
    assert!(sent.iter().all(|seen| seen.header("authorization") == Some(&bearer)));
    let (traces, events) = (traces.text(), events.0.lock().unwrap().clone());
    assert!(traces.contains("TRACE") && traces.contains("Incorrect API key provided: [hidden]"));
    assert!(events.contains("UpstreamRequest"));
    for shown in [traces, events] {
        let line = shown.lines().find(|line| line.contains("never-to-be"));
        assert_eq!(line, None);
    }
}

#[tokio::test]
async fn the_conversation_is_what_the_caller_heard() {
    for platform in Platform::ALL {
        let model = ScriptedModel::new([
            Script::from("It is ten euros. Anything else?"),
            Script::new().fail(500, "broken"),
            Script::new().pause(SECOND / 2).say("Yes, I am here."),
            Script::from("Once upon a time. There ").stall(),
            Script::from("Goodbye."),
        ]);
        let client = Client::new(&model.listen().await.unwrap()).unwrap();
        let host = patient(Assistant::new(Model::new(client, "large")).host());
        // A filler goes out after a tenth of a second.
        let budget = platform.budget().with_first_packet(Some(10 * SECOND)).with_filler_at(0.01);
        let mut call = TestCall::on(platform, host.budget(platform, budget).build());
        call.say("My balance?").await.expect_text("It is ten euros. Anything else?");
        if call.can().aborts {
            call.barge_in("It is ten euros.").await;
        }
        call.say("No.").await.expect_speech(APOLOGY);
        let answer = call.say("Are you there?").await;
        let said = match call.can().filler {
            true => "One moment. Yes, I am here.",
            false => "Yes, I am here.",
        };
        answer.expect_text(said);
        // The caller interrupts while the model speaks. Where replies are not streams, it is still silent.
        let mut turn = call.start("A story!").await;
        model.until_requests(4).await;
        if call.can().streams {
            turn.until_speech("Once upon a time.").await;
        }
        if call.can().aborts {
            turn.barge_in("Once upon").await;
        } else {
            drop(turn);
        }
        call.say("Stop!").await.expect_text("Goodbye.");

        let first = ["It is ten euros. Anything else?", "It is ten euros."];
        let [all, here, perhaps, nothing] = [
            "",
            "[The caller interrupted you here.] ",
            "[The caller interrupted you, and may not have heard the end.] ",
            "[The caller interrupted before you said anything.] ",
        ];
        let (first, note, story, then) = match platform {
            Platform::DigitalEmployee => (first[1], here, Some("Once upon"), here),
            Platform::Duix | Platform::Odfs => (first[0], all, None, nothing),
            _ => (first[0], all, Some("Once upon a time."), perhaps),
        };
        let mut expected = vec![
            "user: My balance?".to_owned(),
            format!("assistant: {first}"),
            // The apology is not a text of the model, and neither is the filler.
            format!("user: {note}No.\nAre you there?"),
            "assistant: Yes, I am here.".into(),
        ];
        match story {
            Some(story) => expected.extend([
                "user: A story!".into(),
                format!("assistant: {story}"),
                format!("user: {then}Stop!"),
            ]),
            None => expected.push(format!("user: A story!\n{then}Stop!")),
        }
        assert_eq!(model.conversation()[1..], expected, "{platform}\n{call}");
    }
}

/// AICall tells in its next request how much the caller heard.
#[tokio::test]
async fn the_conversation_follows_the_history_of_the_platform() {
    let model = ScriptedModel::new(["It is ten euros. Anything else?", "Goodbye."]);
    let client = Client::new(&model.listen().await.unwrap()).unwrap();
    let host = Assistant::new(Model::new(client, "large")).host().chat_key("key").build();
    let mut router = host.chat().unwrap().router();
    let mut messages = Vec::new();
    for (sentence, heard, text) in [
        ("1", None, "My balance?"),
        ("2", Some("It is ten<ims_agent_interrupted> euros. Anything else?"), "Bye."),
    ] {
        if let Some(heard) = heard {
            messages.push(json!({"role": "assistant", "content": heard}));
        }
        messages.push(json!({"role": "user", "content": text}));
        let extend_data = json!({"instanceId": "c-1", "sentenceId": sentence});
        let body = json!({"messages": messages, "stream": true, "extendData": extend_data});
        let request = http::Request::post("/v1/chat/completions")
            .header("authorization", "Bearer key")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(body.to_string()))
            .unwrap();
        let answer = router.call(request).await.unwrap().into_body();
        axum::body::to_bytes(answer, usize::MAX).await.unwrap();
    }
    let expected = [
        "user: My balance?",
        "assistant: It is ten",
        "user: [The caller interrupted you here.] Bye.",
    ];
    assert_eq!(model.conversation()[1..], expected);
}
