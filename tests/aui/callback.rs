//! The callbacks of agents: how notifications are read, who may send them, and when they are answered.

#![cfg(all(feature = "client", feature = "server"))]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use callbot::aicall::callback::{
    Acknowledgement, Api, Client, Event, Notification, Producer, Server, operations,
};
use callbot::client::InMemoryTransport;
use callbot::server::Error;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, oneshot};

use crate::support::peer::{Answer, Peer, Post, start_router};
use crate::support::traces::traced;
use crate::support::types::{self, Sample, read, written};

const PATH: &str = "/aicall/callback";

fn samples() -> Vec<Sample<&'static [&'static str]>> {
    types::samples! { "aicall-callback";
        "stop": Notification, &[];
        "chat-record": Notification, &[];
        "outbound-call": Notification, &[];
        "odd-forms": Notification, &[];
    }
}

fn sample(name: &str) -> Notification {
    read(types::find(samples(), name).json())
}

/// Passes on what it is notified of.
struct Listener(UnboundedSender<Notification>);

impl Api for Listener {
    async fn notified(&self, notification: Notification) -> Result<(), Error> {
        Ok(self.0.send(notification)?)
    }
}

fn listener() -> (Server<Listener>, UnboundedReceiver<Notification>) {
    let (sender, receiver) = unbounded_channel();
    (Server::new(Listener(sender)), receiver)
}

async fn post(server: Server<impl Api>, token: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let post = Post::new(PATH, body);
    let post = match token {
        Some(token) => post.header("Authorization", token),
        None => post,
    };
    Peer::connect(start_router(server.router()).await).await.ask(&post).await
}

fn client(server: Server<impl Api>) -> Client {
    let transport = InMemoryTransport::new(server.router());
    Client::builder("http://bot").transport(transport).build().unwrap()
}

#[test]
fn every_fixture_is_a_sample_of_these_tests() {
    types::every_file_is_listed("aicall-callback", &samples());
}

#[test]
fn what_is_written_in_the_form_of_the_document_is_written_back_unchanged() {
    for name in ["stop", "chat-record", "outbound-call"] {
        let sample = types::find(samples(), name);
        assert_eq!(sample.read(&sample.json()), sample.json(), "{name}");
    }
}

#[test]
fn no_field_is_needed_and_one_that_cannot_be_read_is_missing() {
    let empty: Notification = read(json!({}));
    assert_eq!((empty.event_name.as_str(), empty.call_id()), ("", None));
    assert_eq!(empty.event().kind(), "");
    for sample in samples() {
        for place in types::places(&sample.json()) {
            let mut document = sample.json();
            *document.pointer_mut(&place).unwrap() = json!([[{"odd": true}]]);
            if document.is_object() {
                let notification: Notification = read(document);
                let _ = notification.event();
            }
        }
    }
}

#[test]
fn other_json_than_an_object_is_no_notification() {
    for body in [json!([]), json!("agent_stop"), json!(1), Value::Null] {
        assert!(types::try_read::<Notification>(&body).is_err(), "{body}");
    }
}

#[test]
fn an_event_has_its_data_as_json_and_as_json_in_a_string() {
    let Event::ChatRecorded(Some(record)) = sample("chat-record").event() else { panic!() };
    let said: Vec<_> =
        record.dialogues.iter().map(|d| (d.producer.clone(), d.text.as_deref())).collect();
    let user = (Some(Producer::User), Some("My balance, please."));
    let agent = (Some(Producer::Agent), Some("It is 12 euros."));
    assert_eq!(said, [user, agent]);

    let Event::AudioRecorded(Some(record)) = sample("odd-forms").event() else { panic!() };
    assert_eq!(record.role, Some(Producer::Agent));
    assert_eq!(record.extra["url"], "https://records.example/1.wav");
}

#[test]
fn further_data_are_read_under_both_names_and_in_both_forms() {
    for name in ["chat-record", "odd-forms"] {
        let data = sample(name).extend_data.unwrap();
        assert_eq!((data.channel_id.as_deref(), data.sentence_id), (Some("channel-1"), Some(2)));
    }
    let odd = sample("odd-forms");
    assert_eq!(odd.code.as_deref(), Some("1001"));
    assert_eq!(odd.user_data.as_deref(), Some(r#"{"vip":"gold"}"#));
    assert_eq!(odd.extra["future"], json!([1]));
}

#[test]
fn a_chat_record_beside_the_other_fields_is_read() {
    let notification: Notification = read(json!({
        "event": "chat_record", "requestId": "r-1", "dialogues": {"text": "Hello", "producer": "user"},
    }));
    let Event::ChatRecorded(Some(record)) = notification.event() else { panic!() };
    assert_eq!(record.dialogues[0].text.as_deref(), Some("Hello"));
    assert_eq!(record.request_id.as_deref(), Some("r-1"));
}

#[test]
fn an_event_keeps_its_kind_without_its_data_and_with_data_of_another_form() {
    for data in [None, Some(json!(null)), Some(json!("kicked")), Some(json!([1])), Some(json!(5))] {
        let mut document = json!({"event": "agent_stop"});
        if let Some(data) = data {
            document["data"] = data;
        }
        let notification: Notification = read(document.clone());
        assert_eq!(notification.event(), Event::AgentStopped(None), "{document}");
    }
    let notification: Notification = read(json!({"event": "agent_stop", "data": {"by": "user"}}));
    let Event::AgentStopped(Some(data)) = notification.event() else { panic!() };
    assert_eq!(data.extra["by"], "user");
}

#[test]
fn an_event_of_an_unknown_kind_is_kept_with_its_data() {
    let document = json!({"event": "hangup_intent", "data": {"score": 7}});
    let notification: Notification = read(document.clone());
    let Event::Unknown(unknown) = notification.event() else { panic!() };
    assert_eq!(Value::from(unknown.json().clone()), document);
    assert_eq!(notification.event().kind(), "hangup_intent");
    assert_eq!(written(&notification.event()), document);
}

#[test]
fn every_documented_event_has_its_kind() {
    let documented = [
        "agent_start",
        "session_start",
        "agent_stop",
        "error",
        "intent_detected",
        "intent_recognized",
        "llm_data_received",
        "tts_data_received",
        "chat_record",
        "audio_record",
        "full_audio_record",
        "outbound_call",
        "inbound_call",
        "client_defined_data",
        "instruction",
    ];
    for name in documented {
        let event = Notification::new("", "", name).event();
        assert!(!matches!(event, Event::Unknown(_)), "{name}");
        assert_eq!(event.kind(), name);
    }
}

#[test]
fn the_call_is_also_found_in_the_further_data() {
    let call = |document| read::<Notification>(document).call_id().map(str::to_owned);
    assert_eq!(call(json!({"instanceId": "i-1"})).as_deref(), Some("i-1"));
    assert_eq!(call(json!({"instanceId": 7})).as_deref(), Some("7"));
    assert_eq!(
        call(json!({"instanceId": "", "extendData": {"instanceId": "i-2"}})).as_deref(),
        Some("i-2")
    );
    assert_eq!(call(json!({"instanceId": ""})), None);
}

#[test]
fn what_callers_say_is_not_shown() {
    for name in ["chat-record", "outbound-call", "odd-forms"] {
        let notification = sample(name);
        let shown = format!("{notification:?} {notification:#?} {:?}", notification.event());
        for personal in
            ["balance", "12 euros", "13500000001", "4000000000", "gold", "records.example"]
        {
            assert!(!shown.contains(personal), "{name}: {personal} in {shown}");
        }
        assert!(shown.contains("instance-1"), "{shown}");
    }
}

#[tokio::test]
async fn a_token_is_accepted_with_and_without_bearer_and_any_other_is_refused() {
    let good = ["token-1", "Bearer token-1", "bearer token-1", " Bearer  token-1 ", "token-2"];
    for token in good {
        let (server, mut receiver) = listener();
        let answer = post(server.token("token-1").token("token-2"), Some(token), "{}").await;
        assert_eq!((answer.status, answer.json()), (200, json!({"success": true})), "{token}");
        assert!(receiver.recv().await.is_some());
    }
    let bad = [
        None,
        Some(""),
        Some("Bearer "),
        Some("token-3"),
        Some("Bearer token-11"),
        Some("Basic token-1"),
    ];
    for token in bad {
        let (server, mut receiver) = listener();
        let answer = post(server.token("token-1").token("token-2"), token, "{}").await;
        let message = "the token in `Authorization` is missing or wrong";
        assert_eq!(answer.status, 401, "{token:?}");
        assert_eq!(answer.json(), json!({"success": false, "message": message}));
        assert!(receiver.try_recv().is_err(), "the handler ran");
    }
}

#[tokio::test]
async fn a_token_that_begins_with_bearer_is_accepted_unchanged() {
    let (server, _receiver) = listener();
    assert_eq!(
        post(server.token("Bearer of news"), Some("Bearer of news"), "{}").await.status,
        200
    );
}

#[tokio::test]
async fn an_empty_token_accepts_nothing() {
    for token in [None, Some(""), Some("Bearer "), Some("x")] {
        let (server, _receiver) = listener();
        assert_eq!(post(server.token(""), token, "{}").await.status, 401, "{token:?}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_refused_before_the_body_is_read() {
    let (server, _receiver) = listener();
    let body = vec![b'x'; 100];
    assert_eq!(post(server.body_limit(10).token("token-1"), Some("no"), body).await.status, 401);
}

#[tokio::test]
async fn a_body_that_is_no_object_is_refused() {
    for body in ["", "{", "[]", "null", "\"agent_stop\""] {
        let (server, mut receiver) = listener();
        let answer = post(server, None, body).await;
        assert_eq!((answer.status, &answer.json()["success"]), (400, &json!(false)), "{body}");
        assert!(receiver.try_recv().is_err(), "the handler ran");
    }
}

/// Runs until it is released, and reports that it has started and ended.
struct Slow {
    started: UnboundedSender<()>,
    go_on: Arc<Notify>,
    /// Dropped with the handler.
    ended: std::sync::Mutex<Vec<oneshot::Sender<()>>>,
}

impl Api for Slow {
    async fn notified(&self, _: Notification) -> Result<(), Error> {
        let _ended = self.ended.lock().unwrap().pop();
        self.started.send(())?;
        self.go_on.notified().await;
        Ok(())
    }
}

fn slow() -> (Slow, UnboundedReceiver<()>, Arc<Notify>, oneshot::Receiver<()>) {
    let (started, starts) = unbounded_channel();
    let (sender, ended) = oneshot::channel();
    let go_on = Arc::new(Notify::new());
    let slow = Slow { started, go_on: go_on.clone(), ended: std::sync::Mutex::new(vec![sender]) };
    (slow, starts, go_on, ended)
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_answered_while_its_handler_runs() {
    let (api, mut starts, go_on, ended) = slow();
    client(Server::new(api)).notify(&sample("stop")).await.unwrap();
    starts.recv().await.unwrap();
    go_on.notify_one();
    ended.await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_dropped_at_the_deadline() {
    let (api, mut starts, _go_on, ended) = slow();
    let server = Server::new(api).deadline(Some(Duration::from_secs(7)));
    let start = tokio::time::Instant::now();
    client(server).notify(&sample("stop")).await.unwrap();
    starts.recv().await.unwrap();
    ended.await.unwrap_err();
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn more_handlers_than_allowed_are_refused_until_one_ends() {
    let (api, mut starts, go_on, ended) = slow();
    let client = client(Server::new(api).max_running(1));
    let stop = sample("stop");
    client.notify(&stop).await.unwrap();
    starts.recv().await.unwrap();
    let error = client.notify(&stop).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 503);
    let answer: Acknowledgement = error.body_as().unwrap();
    assert_eq!(answer.message.as_deref(), Some("too many notifications are being handled (1)"));
    go_on.notify_one();
    ended.await.unwrap_err();
    // The room is given back when the task ends, right after the handler.
    tokio::time::sleep(Duration::from_millis(1)).await;
    client.notify(&stop).await.unwrap();
}

/// Fails the first time, panics the second time, and passes on the rest.
struct Clumsy(UnboundedSender<String>);

impl Api for Clumsy {
    async fn notified(&self, notification: Notification) -> Result<(), Error> {
        match notification.event() {
            Event::Failed(_) => Err("no".into()),
            Event::Instruction(_) => panic!("the handler panics"),
            _ => Ok(self.0.send(notification.instance_id)?),
        }
    }
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_leaves_the_server_as_it_was() {
    let (sender, mut receiver) = unbounded_channel();
    let client = client(Server::new(Clumsy(sender)).max_running(1));
    for event in ["error", "instruction", "agent_stop"] {
        // The one before has to end first, since only one may run.
        while client.notify(&Notification::new("agent-1", "i-1", event)).await.is_err() {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(receiver.recv().await.as_deref(), Some("i-1"));
}

#[tokio::test]
async fn a_client_takes_every_success_and_no_failure() {
    use axum::http::StatusCode;
    use axum::routing::post;

    let answers: [(StatusCode, &str, bool); 6] = [
        (StatusCode::OK, "Callback received successfully", true),
        (StatusCode::OK, "", true),
        (StatusCode::OK, "{\"success\":false}", true),
        (StatusCode::NO_CONTENT, "", true),
        (StatusCode::UNAUTHORIZED, "who are you?", false),
        (StatusCode::INTERNAL_SERVER_ERROR, "{\"success\":true}", false),
    ];
    for (status, body, taken) in answers {
        let router =
            axum::Router::new().route("/hook", post(move || async move { (status, body) }));
        let client = Client::builder("http://app")
            .path(&operations::NOTIFY, "/hook")
            .transport(InMemoryTransport::new(router))
            .build()
            .unwrap();
        let result = client.notify(&Notification::new("agent-1", "i-1", "agent_stop")).await;
        assert_eq!(result.is_ok(), taken, "{status} {body}: {result:?}");
    }
}

#[tokio::test]
async fn a_client_sends_its_token_unchanged_and_shows_it_nowhere() {
    let (server, mut receiver) = listener();
    let client = Client::builder("http://bot")
        .token("SECRET-4711")
        .transport(InMemoryTransport::new(server.token("SECRET-4711").router()))
        .build()
        .unwrap();
    let sent = sample("chat-record");
    client.notify(&sent).await.unwrap();
    assert_eq!(receiver.recv().await, Some(sent));
    assert!(!format!("{client:?}").contains("4711"));
    let error = client.with_token("wrong-4711").notify(&sample("stop")).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 401);
    assert!(!format!("{error} {error:?}").contains("4711"));
    let error = Client::builder("http://bot").token("SECRET\n4711").build().unwrap_err();
    let text = "the client can't be built: the token has a character that a header can't contain";
    assert_eq!(error.to_string(), text);
    assert!(!format!("{error:?}").contains("4711"));
}

#[test]
fn a_server_without_a_token_warns_in_the_log() {
    let says = "callbacks are accepted from anybody who reaches this server";
    let (traces, _guard) = traced();
    let _: Router = listener().0.token("token").router();
    assert_eq!(traces.with(&[says]), [""; 0]);
    let _: Router = listener().0.router();
    assert_eq!(traces.with(&["WARN", says]).len(), 1, "{}", traces.text());
}
