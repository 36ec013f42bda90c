//! The server of every platform has the same settings under the same names, and they work.
use std::future::pending;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::traces::traced;
use axum::Router;
use axum::body::{Body, BodyDataStream};
use callbot::aui::RtcTokens;
use callbot::server::{self, Error};
use callbot::{aui, digital_employee, duix, odfs};
use futures_util::StreamExt;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};
use tower_service::Service;

/// A bot that never answers, and an authorizer that never decides.
struct Stuck;

impl digital_employee::Api for Stuck {
    async fn begin_session(
        &self,
        _: digital_employee::BeginSessionRequest,
        reply: &mut digital_employee::Reply,
    ) -> Result<(), Error> {
        reply.finish("Welcome.").await
    }

    async fn dialogue(
        &self,
        _: digital_employee::DialogueRequest,
        _: &mut digital_employee::Reply,
    ) -> Result<(), Error> {
        pending().await
    }

    async fn end_session(&self, _: digital_employee::EndSessionRequest) -> Result<(), Error> {
        pending().await
    }
}

impl duix::Api for Stuck {
    async fn concurrency(
        &self,
        _: duix::ConcurrencyParameters,
    ) -> Result<duix::Concurrency, Error> {
        pending().await
    }

    async fn sessions(&self, _: duix::SessionsParameters) -> Result<Value, Error> {
        pending().await
    }

    async fn stop_all_sessions_of_app(
        &self,
        _: duix::StopAllSessionsOfAppParameters,
    ) -> Result<(), Error> {
        pending().await
    }

    async fn stop_session(&self, _: duix::StopSessionParameters) -> Result<(), Error> {
        pending().await
    }

    async fn conversation(
        &self,
        _: duix::ConversationParameters,
    ) -> Result<duix::Conversation, Error> {
        pending().await
    }
}

impl duix::dialogue::Api for Stuck {
    async fn dialogue(
        &self,
        _: duix::dialogue::DialogueRequest,
    ) -> Result<duix::dialogue::Answer, Error> {
        pending().await
    }

    async fn dialogue_stream(
        &self,
        _: duix::dialogue::DialogueRequest,
        _: &mut duix::dialogue::Reply,
    ) -> Result<(), Error> {
        pending().await
    }
}

impl odfs::Api for Stuck {
    async fn start(&self, call: &odfs::Call, _: odfs::Start) -> Result<odfs::Action, Error> {
        Ok(call.release().into())
    }

    async fn interacted(&self, _: &odfs::Call, _: odfs::Interacted) -> Result<odfs::Action, Error> {
        pending().await
    }
}

impl aui::Authorizer for Stuck {
    async fn authorize(&self, _: aui::Ask<'_>) -> Result<aui::Principal, aui::AccessDenied> {
        pending().await
    }
}

/// The settings of a server. `None` leaves the default.
#[derive(Debug, Clone, Copy, Default)]
struct Settings {
    deadline: Option<Option<Duration>>,
    body_limit: Option<usize>,
    trace_content: Option<bool>,
    /// What chooses the requests whose content is traced returns for each of them.
    sample: Option<bool>,
    /// The first operation moves to `/elsewhere`.
    moved: bool,
}

/// Applies the settings that every server has, whatever its type.
macro_rules! set {
    ($server:expr, $settings:expr) => {{
        let mut server = $server;
        if let Some(deadline) = $settings.deadline {
            server = server.deadline(deadline);
        }
        if let Some(bytes) = $settings.body_limit {
            server = server.body_limit(bytes);
        }
        if let Some(on) = $settings.trace_content {
            server = server.trace_content(on);
        }
        if let Some(on) = $settings.sample {
            server = server.trace_content_if(move |head| on && head.headers.contains_key("token"));
        }
        server
    }};
}

/// Applies the settings to a server whose paths can be set.
macro_rules! set_with_path {
    ($server:expr, $operation:expr, $settings:expr) => {{
        let server = set!($server, $settings);
        if $settings.moved { server.path($operation, "/elsewhere").unwrap() } else { server }
    }};
}

/// A platform, with a request whose handler never ends, and the statuses that its document has.
struct Platform {
    name: &'static str,
    router: fn(Settings) -> Router,
    method: Method,
    path: &'static str,
    /// The query behind the path.
    query: &'static str,
    body: Value,
    /// The HTTP statuses of a body that is too large and of a handler that misses its deadline.
    statuses: (u16, u16),
    deadline: Option<u64>,
    has_path: bool,
}

fn platforms() -> [Platform; 5] {
    [
        Platform {
            name: "digital_employee",
            router: |settings| {
                let operation = &digital_employee::operations::END_SESSION;
                let server = digital_employee::Server::new(Stuck);
                set_with_path!(server, operation, settings).router()
            },
            method: Method::POST,
            path: "/proxy/endSession",
            query: "",
            body: json!({
                "requestId": "hush", "tenantId": 1, "instanceId": "n", "scriptId": "sc",
                "sessionId": "s",
            }),
            statuses: (413, 500),
            deadline: None,
            has_path: true,
        },
        Platform {
            name: "duix",
            router: |settings| {
                let operation = &duix::operations::CONCURRENCY;
                set_with_path!(duix::Server::new(Stuck), operation, settings).router()
            },
            method: Method::GET,
            path: duix::operations::CONCURRENCY.path,
            query: "?appId=a-1",
            body: json!({"note": "hush"}),
            statuses: (413, 500),
            deadline: None,
            has_path: true,
        },
        Platform {
            name: "duix::dialogue",
            router: |settings| {
                let operation = &duix::dialogue::operations::DIALOGUE;
                set_with_path!(duix::dialogue::Server::new(Stuck), operation, settings).router()
            },
            method: Method::POST,
            path: "/duix/dialogue",
            query: "",
            body: json!({
                "dh-conversation-id": "c", "dh-question": "hush", "dh-code": "a", "sid": "u",
            }),
            // The document has only 400 and 500.
            statuses: (400, 500),
            deadline: Some(20),
            has_path: true,
        },
        Platform {
            name: "odfs",
            router: |settings| {
                let operation = &odfs::operations::PROCESS;
                set_with_path!(odfs::Server::new(Stuck), operation, settings).router()
            },
            method: Method::POST,
            path: odfs::operations::PROCESS.path,
            query: "",
            body: json!({
                "userid": "c", "inaction": 9,
                "inparams": {
                    "call_id": "c", "call_dst_id": "1", "flow_result_type": "1", "input": "hush",
                    "auth_token": "t",
                },
            }),
            statuses: (413, 500),
            deadline: Some(30),
            has_path: true,
        },
        Platform {
            name: "aui",
            router: |settings| {
                let tokens = RtcTokens::new("app-1", "key of the app");
                let agents = aui::InMemoryAgents::new(tokens.clone());
                let server = aui::Server::new(aui::AppServer::new(agents, tokens), Stuck);
                set!(server, settings).router()
            },
            method: Method::POST,
            path: "/api/v2/aiagent/describeAIAgentInstance",
            query: "",
            body: json!({"user_id": "u", "ai_agent_instance_id": "hush"}),
            // The body holds the reason.
            statuses: (200, 200),
            deadline: Some(30),
            has_path: false,
        },
    ]
}

impl Platform {
    /// The status and the text of a response.
    async fn ask(&self, settings: Settings, path: &str, body: Vec<u8>) -> (u16, String) {
        let uri = format!("http://bot{path}{}", self.query);
        let (status, body) = send((self.router)(settings), self.method.clone(), &uri, body).await;
        (status.as_u16(), text(body).await)
    }

    async fn usual(&self, settings: Settings) -> (u16, String) {
        self.ask(settings, self.path, self.body.to_string().into_bytes()).await
    }
}

async fn send(
    mut router: Router,
    method: Method,
    uri: &str,
    body: Vec<u8>,
) -> (StatusCode, BodyDataStream) {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("content-type", "application/json").header("token", "t");
    let response = router.call(request.body(Body::from(body)).unwrap()).await.unwrap();
    (response.status(), response.into_body().into_data_stream())
}

async fn text(mut body: BodyDataStream) -> String {
    let mut text = Vec::new();
    while let Some(part) = body.next().await {
        text.extend_from_slice(&part.unwrap());
    }
    String::from_utf8(text).unwrap()
}

const LATE: &str = "no answer in time";
const TOO_LARGE: &str = "the body is larger than 400 bytes";

#[tokio::test(start_paused = true)]
async fn a_handler_fails_at_its_deadline() {
    for platform in platforms() {
        for seconds in [3, 70] {
            let deadline = Some(Some(Duration::from_secs(seconds)));
            let start = Instant::now();
            let (status, body) = platform.usual(Settings { deadline, ..Settings::default() }).await;
            assert_eq!(start.elapsed().as_secs(), seconds, "{}", platform.name);
            assert_eq!(status, platform.statuses.1, "{}: {body}", platform.name);
            assert!(body.contains(LATE), "{}: {body}", platform.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_platform_has_its_documented_default_deadline() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    for platform in platforms() {
        let start = Instant::now();
        let answer = timeout(DAY, platform.usual(Settings::default())).await;
        match platform.deadline {
            Some(seconds) => {
                assert!(answer.unwrap().1.contains(LATE), "{}", platform.name);
                assert_eq!(start.elapsed().as_secs(), seconds, "{}", platform.name);
            }
            None => assert!(answer.is_err(), "{}: {answer:?}", platform.name),
        }
        let none = Settings { deadline: Some(None), ..Settings::default() };
        let answer = timeout(DAY, platform.usual(none)).await;
        assert!(answer.is_err(), "{}: {answer:?}", platform.name);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_above_the_limit_is_refused() {
    for platform in platforms() {
        let settings = Settings {
            body_limit: Some(400),
            deadline: Some(Some(Duration::from_secs(1))),
            ..Settings::default()
        };
        for (bytes, large) in [(400, false), (401, true)] {
            // Spaces around JSON are allowed.
            let mut body = platform.body.to_string().into_bytes();
            assert!(body.len() <= 400, "{}", platform.name);
            body.resize(bytes, b' ');
            let (status, body) = platform.ask(settings, platform.path, body).await;
            let (says, expected) = match large {
                true => (TOO_LARGE, platform.statuses.0),
                false => (LATE, platform.statuses.1),
            };
            assert!(body.contains(says), "{}, {bytes}: {body}", platform.name);
            assert_eq!(status, expected, "{}: {body}", platform.name);
        }
        // 1 MiB by default.
        for (bytes, large) in [(1024 * 1024, false), (1024 * 1024 + 1, true)] {
            let mut body = platform.body.to_string().into_bytes();
            body.resize(bytes, b' ');
            let settings = Settings { body_limit: None, ..settings };
            let (_, body) = platform.ask(settings, platform.path, body).await;
            assert_eq!(body.contains("is larger than 1048576"), large, "{}", platform.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_served_at_the_path_that_is_set_and_nowhere_else() {
    let deadline = Some(Some(Duration::from_secs(1)));
    for platform in platforms().into_iter().filter(|platform| platform.has_path) {
        for moved in [false, true] {
            let settings = Settings { deadline, moved, ..Settings::default() };
            for path in [platform.path, "/elsewhere"] {
                let body = platform.body.to_string().into_bytes();
                let (status, body) = platform.ask(settings, path, body).await;
                if (path == "/elsewhere") == moved {
                    assert!(body.contains(LATE), "{} at {path}: {body}", platform.name);
                } else {
                    assert_eq!(status, 404, "{} at {path}", platform.name);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn content_is_traced_on_request_only() {
    let deadline = Some(Some(Duration::from_secs(1)));
    for platform in platforms() {
        for on in [None, Some(false), Some(true)] {
            let (traces, _guard) = traced();
            let settings = Settings { deadline, trace_content: on, ..Settings::default() };
            platform.usual(settings).await;
            let shown = traces.text().contains("hush");
            assert_eq!(shown, on == Some(true), "{}: {}", platform.name, traces.text());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn content_is_traced_of_the_requests_that_are_chosen() {
    let deadline = Some(Some(Duration::from_secs(1)));
    for platform in platforms() {
        for on in [true, false] {
            let (traces, _guard) = traced();
            let settings = Settings { deadline, sample: Some(on), ..Settings::default() };
            platform.usual(settings).await;
            let shown = traces.with(&["TRACE", "callbot::content", "hush"]);
            assert_eq!(!shown.is_empty(), on, "{}: {}", platform.name, traces.text());
        }
    }
}

#[tokio::test]
async fn a_request_that_cannot_be_read_is_recorded_with_the_reason_wherever_content_is_traced() {
    let settings =
        |trace_content, sample| Settings { trace_content, sample, ..Settings::default() };
    // Without a body, or with one that has nothing to do with it.
    for platform in platforms().into_iter().filter(|platform| platform.method == Method::POST) {
        for (settings, on) in [
            (Settings::default(), false),
            (settings(Some(true), None), true),
            (settings(None, Some(true)), true),
            (settings(None, Some(false)), true),
        ] {
            let (traces, _guard) = traced();
            let long = json!({"note": "x".repeat(100_000)}).to_string();
            platform.ask(settings, platform.path, long.into_bytes()).await;
            let lines = traces.with(&["callbot::content", "unreadable request: /"]);
            assert_eq!(lines.len(), usize::from(on), "{}", platform.name);
            for line in lines {
                assert!(line.contains("TRACE") && line.contains("reason=\"body\""), "{line}");
                assert!((4096..6000).contains(&line.len()), "{} bytes", line.len());
            }
        }
    }
}

/// The data of the first event of Digital Employee's welcome.
async fn welcome(router: Router) -> Value {
    let request = json!({
        "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "sc", "sessionId": "s",
        "streamId": "t", "vendorParams": {"callingNumber": "1", "calledNumber": "2"},
    });
    let request = request.to_string().into_bytes();
    let uri = "http://bot/proxy/beginSession";
    let (_, mut body) = send(router, Method::POST, uri, request).await;
    let event = body.next().await.unwrap().unwrap();
    serde_json::from_slice(event.strip_prefix(b"data:").unwrap()).unwrap()
}

#[tokio::test]
async fn dated_responses_are_dated_by_the_clock() {
    let now: SystemTime = UNIX_EPOCH + Duration::from_millis(1_583_221_008_123);
    let router = digital_employee::Server::new(Stuck).clock(now).router();
    assert_eq!(welcome(router).await["data"]["updatedTime"], 1_583_221_008_123_i64);
    // Default: the clock of the machine.
    let router = digital_employee::Server::new(Stuck).router();
    assert!(welcome(router).await["data"]["updatedTime"].as_i64().unwrap() > 1_700_000_000_000);

    let start = json!({
        "userid": "c", "inaction": 8,
        "inparams": {"call_id": "c", "call_sor_id": "1", "call_dst_id": "2", "auth_token": "t"},
    });
    for (hours, time) in [(0, "2020030307:36:48"), (8, "2020030315:36:48")] {
        let server = odfs::Server::new(Stuck).clock(now).utc_offset(hours * 60);
        let uri = format!("http://bot{}", odfs::operations::PROCESS.path);
        let body = start.to_string().into_bytes();
        let (_, body) = send(server.router(), Method::POST, &uri, body).await;
        let body = text(body).await;
        assert!(body.contains(time), "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_has_a_heartbeat() {
    let every = Duration::from_secs(5);
    let dialogue = json!({
        "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "sc", "sessionId": "s",
        "streamId": "t", "utterance": "Hello?",
    });
    let question = json!({
        "dh-conversation-id": "c", "dh-question": "Hello?", "dh-code": "a", "sid": "u",
    });
    for (router, path, body) in [
        (
            digital_employee::Server::new(Stuck).heartbeat(every).router(),
            "/proxy/dialogue",
            dialogue,
        ),
        (
            duix::dialogue::Server::new(Stuck).heartbeat(every).router(),
            "/duix/dialogue/stream",
            question,
        ),
    ] {
        let uri = format!("http://bot{path}");
        let start = Instant::now();
        let body = body.to_string().into_bytes();
        let (status, mut body) = send(router, Method::POST, &uri, body).await;
        assert_eq!(status, 200, "{path}");
        for beat in 1..=3 {
            assert_eq!(body.next().await.unwrap().unwrap(), callbot::sse::HEARTBEAT, "{path}");
            assert_eq!(start.elapsed(), every * beat, "{path}");
        }
    }
}

#[test]
fn an_error_about_a_path_names_the_path_and_the_reason() {
    let error: Result<_, server::PathError> =
        duix::Server::new(Stuck).path(&duix::operations::SESSIONS, "no path");
    assert_eq!(
        error.err().unwrap().to_string(),
        "sessions can't be served at \"no path\": a path must start with `/`"
    );
}
