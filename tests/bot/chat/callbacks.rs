//! The callbacks of AICall: which of them end a call, and where they are served.

use callbot::aicall::callback::{Client, Notification};
use callbot::bot::{ChatSettings, Host};
use callbot::client::InMemoryTransport;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::{Clerk, Line, aicall, line, line_of};
use crate::support::bots::post;

const PATH: &str = "/aicall/callback";

/// Sends a notification to the bot, and lets its handler end.
async fn notify(line: &Line, notification: Value) {
    let router = line.host.aicall_callbacks().router();
    let (status, answer) = post(&router, PATH, notification.to_string()).await;
    assert_eq!(status, 200, "{answer}");
    sleep(Duration::from_secs(1)).await;
}

async fn called() -> Line {
    let line = line(ChatSettings::new());
    line.ask(&["hello"], aicall("i-1", json!(1))).await;
    assert_eq!(line.clerk.events(), ["turn hello"]);
    line
}

#[tokio::test(start_paused = true)]
async fn the_stop_of_an_agent_ends_its_call_once() {
    for stop in [
        json!({"instanceId": "i-1", "event": "agent_stop"}),
        json!({"instanceId": "i-1", "event": "agent_stop", "data": "kicked", "code": 1001}),
        json!({"event": "agent_stop", "extenddData": "{\"instanceId\":\"i-1\"}"}),
    ] {
        let line = called().await;
        notify(&line, stop.clone()).await;
        assert_eq!(line.clerk.events(), ["ended by_caller"], "{stop}");
        notify(&line, stop).await;
        assert_eq!(line.clerk.events(), Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_the_bot_hung_up_has_ended_by_the_bot() {
    let line = line(ChatSettings::new());
    line.ask(&["bye"], aicall("i-1", json!(1))).await;
    notify(&line, json!({"instanceId": "i-1", "event": "agent_stop"})).await;
    let events = line.clerk.events();
    assert_eq!(events.iter().filter(|event| event.starts_with("ended")).count(), 1, "{events:?}");
    assert!(events.contains(&"ended by_bot".to_owned()), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn other_events_and_other_calls_end_nothing() {
    let line = called().await;
    for event in ["agent_start", "session_start", "error", "chat_record", "hangup_intent", ""] {
        notify(&line, json!({"instanceId": "i-1", "event": event})).await;
    }
    notify(&line, json!({"instanceId": "i-2", "event": "agent_stop"})).await;
    notify(&line, json!({"event": "agent_stop"})).await;
    assert_eq!(line.clerk.events(), Vec::<String>::new());
    // The call goes on.
    line.ask(&["hello", "<< hello", "more"], aicall("i-1", json!(2))).await;
    assert_eq!(line.clerk.events(), ["turn more"]);
}

#[tokio::test(start_paused = true)]
async fn a_running_turn_is_cut_when_its_agent_stops() {
    let line = line(ChatSettings::new());
    let story = line.ask(&["story"], aicall("i-1", json!(1)));
    let stop = async {
        sleep(Duration::from_secs(1)).await;
        notify(&line, json!({"instanceId": "i-1", "event": "agent_stop"})).await;
    };
    let (answer, ()) = tokio::join!(story, stop);
    assert!(!answer.text().contains("king"), "{answer:?}");
    assert!(line.clerk.events().contains(&"ended by_caller".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_host_has_a_route_for_callbacks_only_with_a_token() {
    let stop = json!({"instanceId": "i-1", "event": "agent_stop"}).to_string();
    let host = Host::builder(Clerk::default()).chat_key("key-1").build();
    for router in [host.router().unwrap(), host.fitting().router] {
        assert_eq!(post(&router, PATH, stop.clone()).await.0, 404);
    }
    let clerk = Clerk::default();
    let host = Host::builder(clerk.clone()).aicall_callback_token("token-1").build();
    let line = line_of(clerk, host);
    line.ask(&["hello"], aicall("i-1", json!(1))).await;
    line.clerk.events();
    for router in [line.host.router().unwrap(), line.host.fitting().router] {
        assert_eq!(post(&router, PATH, stop.clone()).await.0, 401);
        let client = Client::builder("http://bot").token("token-1");
        let client = client.transport(InMemoryTransport::new(router)).build().unwrap();
        client.notify(&Notification::new("agent-1", "i-1", "agent_stop")).await.unwrap();
    }
    sleep(Duration::from_secs(1)).await;
    assert_eq!(line.clerk.events(), ["ended by_caller"]);
}
