//! The server of the management API, a stand-in for the platform: its tokens, its envelopes and its
//! failures, byte by byte and together with the client.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use callbot::client::InMemoryTransport;
use callbot::duix::{
    Api, Avatar, AvatarParameters, Client, Concurrency, ConcurrencyParameters, Conversation,
    ConversationParameters, ConversationV2Parameters, CreateAvatarParameters, CreateAvatarRequest,
    CreatedAvatar, ResponseCode, Server, SessionsParameters, StopAllSessionsOfAppParameters,
    StopSessionParameters, Tokens, WireClient, operations, router,
};
use callbot::server;
use http::StatusCode;
use serde_json::{Value, json};

use super::{SECOND, once, target};
use crate::support::duix_platform::{APP, Hand, KEY, avatar, call, calls};
use crate::support::peer::{Answer, Peer, Post, start_router};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_can_be_made_from_many_threads() {
    let desk = Desk::default();
    let tokens = Tokens::new(APP, KEY);
    let address =
        start_router(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
    let url = format!("http://{address}");
    let client = Client::builder_with_tokens(tokens).base_url(&url).build().unwrap();
    let tasks: Vec<_> = calls()
        .cycle()
        .take(70)
        .map(|name| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, name).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().unwrap(), 200);
    }
    // The body of a new avatar is noted separately.
    let seen = desk.taken();
    assert_eq!(seen.len(), 80);
    let token = client.tokens().current();
    for seen in seen.iter().filter(|seen| seen["call"] != "body") {
        assert_eq!(seen["token"], token.expose());
    }
}

/// A stand-in for the platform that notes its requests, and fails in the way that an id names.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Vec<Value>>>);

impl Desk {
    fn note(&self, what: &str, input: impl serde::Serialize) {
        let mut input = serde_json::to_value(input).unwrap();
        input["call"] = what.into();
        self.0.lock().unwrap().push(input);
    }

    fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn fail(how: &str) -> Result<(), server::Error> {
    match how {
        "unknown" => Err(server::Error::public("no such session").code("2002")),
        "not found" => Err(server::Error::public("no such session").code("2002").status(404)),
        "busy" => Err(server::Error::public("busy").code("40002").status(503)),
        "odd" => Err(server::Error::public("odd").code("50004").status(418)),
        "false" => Err(server::Error::public("all is well?").code("200")),
        "plain" => Err(server::Error::public("it is said why")),
        "silent" => Err(io::Error::other("SECRET-4711").into()),
        "unsupported" => Err(server::Error::unsupported()),
        "panic" => panic!("SECRET-4711"),
        _ => Ok(()),
    }
}

impl Api for Desk {
    async fn concurrency(
        &self,
        parameters: ConcurrencyParameters,
    ) -> Result<Concurrency, server::Error> {
        self.note("concurrency", parameters);
        Ok(Concurrency::new().with_corp_id("1003645").with_total(10).with_in_use(2))
    }

    async fn sessions(&self, parameters: SessionsParameters) -> Result<Value, server::Error> {
        self.note("sessions", parameters);
        Ok(json!([{"uuid": "s-1"}]))
    }

    async fn stop_all_sessions_of_app(
        &self,
        parameters: StopAllSessionsOfAppParameters,
    ) -> Result<(), server::Error> {
        self.note("stop_all_sessions_of_app", parameters);
        Ok(())
    }

    async fn stop_session(&self, parameters: StopSessionParameters) -> Result<(), server::Error> {
        fail(&parameters.session_id)?;
        self.note("stop_session", parameters);
        Ok(())
    }

    async fn conversation(
        &self,
        parameters: ConversationParameters,
    ) -> Result<Conversation, server::Error> {
        fail(&parameters.conversation_id)?;
        let conversation = Conversation::new().with_id(parameters.conversation_id.clone());
        self.note("conversation", parameters);
        Ok(conversation)
    }

    async fn conversation_v2(
        &self,
        parameters: ConversationV2Parameters,
    ) -> Result<Conversation, server::Error> {
        let id = format!("{} of v2", parameters.conversation_id);
        self.note("conversation_v2", parameters);
        Ok(Conversation::new().with_id(id))
    }

    async fn create_avatar(
        &self,
        parameters: CreateAvatarParameters,
        request: CreateAvatarRequest,
    ) -> Result<CreatedAvatar, server::Error> {
        self.note("create_avatar", parameters);
        self.note("body", request);
        Ok(CreatedAvatar::new().with_task_id("task-1"))
    }

    async fn avatar(&self, parameters: AvatarParameters) -> Result<Avatar, server::Error> {
        self.note("avatar", parameters);
        Ok(Avatar::new().with_status(2))
    }
}

/// Sends a request with these header lines, whatever their bytes.
async fn ask(address: SocketAddr, line: &str, headers: impl AsRef<[u8]>, body: &str) -> Answer {
    let (method, target) = line.split_once(' ').expect("a method and a target");
    let post = Post::new(target, body).method(method).content_type(None).header_lines(headers);
    Peer::connect(address).await.ask(&post).await
}

/// Sends a request without a body. Returns the status and the JSON of the answer.
async fn get(address: SocketAddr, target: &str, headers: impl AsRef<[u8]>) -> (u16, Value) {
    let answer = ask(address, &format!("GET {target}"), headers, "").await;
    (answer.status, answer.json())
}

const SESSIONS: &str = "/duix-openapi-v2/sdk/v2/getconcurrentList?appId=app-1";

#[tokio::test]
async fn the_stand_in_accepts_no_request_without_a_valid_token() {
    let desk = Desk::default();
    let hand = Hand::new();
    let tokens = Tokens::new(APP, KEY).clock(hand.clone());
    let address =
        start_router(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
    let minted = |app: &str, key: &str, at: f64| {
        let clock = Hand::new();
        clock.set(at);
        let tokens = Tokens::new(app, key).clock(clock);
        format!("token: {}\r\n", tokens.mint().expose())
    };
    let good = minted(APP, KEY, 0.0);
    let (empty, invalid) = (("1005", "the token is empty"), "the signature of the token is wrong");
    let bare = tokens.mint();
    let cases = [
        (String::new(), empty),
        ("token:\r\n".into(), empty),
        ("token:   \r\n".into(), empty),
        (format!("authorization: Bearer {}\r\n", bare.expose()), empty),
        (format!("sign: {}\r\n", bare.expose()), empty),
        ("token: x\r\n".into(), ("1006", invalid)),
        (format!("token: Bearer {}\r\n", bare.expose()), ("1006", invalid)),
        (format!("token: {}A\r\n", bare.expose()), ("1006", invalid)),
        (minted(APP, "secret-2", 0.0), ("1006", invalid)),
        (minted("app-2", KEY, 0.0), ("1006", "the token belongs to another app")),
        (minted(APP, KEY, 6.0), ("1006", "the token was issued in the future")),
        (minted(APP, KEY, -1795.0), ("1006", "the token has expired")),
    ];
    for name in calls() {
        let (method, path, query) = target(name);
        let line = format!("{method} {path}{query}");
        for (headers, (code, message)) in &cases {
            // The token is checked before the rest of the request.
            for line in [&line, &format!("{method} {path}")] {
                let answer = ask(address, line, headers, "").await;
                let expected = json!({"success": false, "code": code, "message": message});
                assert_eq!((answer.status, answer.json()), (200, expected), "{line} {headers}");
            }
        }
    }
    assert_eq!(desk.taken(), [Value::Null; 0]);
    for headers in [good, minted(APP, KEY, 5.0), minted(APP, KEY, -1794.0)] {
        let (status, body) = get(address, SESSIONS, &headers).await;
        let expected = json!({"success": true, "code": "200", "data": [{"uuid": "s-1"}]});
        assert_eq!((status, body), (200, expected), "{headers}");
        assert_eq!(desk.taken()[0]["token"], headers["token: ".len()..].trim());
    }
}

#[tokio::test]
async fn a_token_that_is_not_text_is_invalid_and_not_empty() {
    let address =
        start_router(Server::new(Desk::default()).check_tokens(Tokens::new(APP, KEY)).router())
            .await;
    for headers in [b"token: \xFF\xFE\r\n".as_slice(), "token: 令牌\r\n".as_bytes()] {
        let (status, body) = get(address, SESSIONS, headers).await;
        assert_eq!((status, &body["code"]), (200, &json!("1006")), "{body}");
    }
}

#[tokio::test]
async fn a_stand_in_that_does_not_check_tokens_accepts_any_token_but_needs_one() {
    let desk = Desk::default();
    for router in [router(desk.clone()), Server::new(desk.clone()).router()] {
        let address = start_router(router).await;
        let (status, body) = get(address, SESSIONS, "token: whatever\r\n").await;
        assert_eq!((status, &body["success"]), (200, &json!(true)));
        assert_eq!(
            desk.taken(),
            [json!({"call": "sessions", "token": "whatever", "appId": "app-1"})]
        );
        let (status, body) = get(address, SESSIONS, "").await;
        assert_eq!((status, &body["success"]), (400, &json!(false)), "{body}");
        assert!(body["message"].as_str().unwrap().contains("/token: must be there"), "{body}");
        assert_eq!(desk.taken(), [Value::Null; 0]);
    }
}

#[tokio::test]
async fn the_stand_in_puts_every_answer_into_the_envelope() {
    let desk = Desk::default();
    let tokens = Tokens::new(APP, KEY);
    let address =
        start_router(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
    let token = tokens.mint();
    let headers = format!("token: {}\r\ncontent-type: application/json\r\n", token.expose());
    let success = |data: Value| json!({"success": true, "code": "200", "data": data});
    let with =
        |name: &str, key: &str, id: &str| json!({"call": name, "token": token.expose(), key: id});
    for (name, id, data) in [
        (
            "concurrency",
            ("appId", APP),
            json!({"cropId": "1003645", "totalConcurrentNumber": 10, "userConcurrentNumber": 2}),
        ),
        ("sessions", ("appId", APP), json!([{"uuid": "s-1"}])),
        ("stop_all_sessions_of_app", ("appId", APP), Value::Null),
        ("stop_session", ("uuid", "session-1"), Value::Null),
        ("conversation", ("conversationId", "108"), json!({"id": "108"})),
        ("avatar", ("taskId", "task-1"), json!({"status": 2})),
    ] {
        let (_, path, query) = target(name);
        let (status, body) = get(address, &format!("{path}{query}"), &headers).await;
        let expected = match data {
            Value::Null => json!({"success": true, "code": "200"}),
            data => success(data),
        };
        assert_eq!((status, body), (200, expected), "{name}");
        assert_eq!(desk.taken(), [with(name, id.0, id.1)]);
    }
    // The order of parameters, additional parameters and escapes do not matter.
    let path = operations::CONVERSATION_V2.path;
    let odd = format!("{path}?x=1&conversationId=a+b%26%E4%BC%9A&conversationId=c&x");
    let (status, body) = get(address, &odd, &headers).await;
    assert_eq!((status, body), (200, success(json!({"id": "a b&会 of v2"}))));
    assert_eq!(desk.taken(), [with("conversation_v2", "conversationId", "a b&会")]);

    let line = format!("POST {}", operations::CREATE_AVATAR.path);
    let request = json!({"ttsName": "voice-1", "conversationId": 108, "coverImage": null});
    let answer = ask(address, &line, &headers, &request.to_string()).await;
    let expected = success(json!({"taskId": "task-1"}));
    assert_eq!((answer.status, answer.json()), (200, expected));
    let seen = [
        json!({"call": "create_avatar", "token": token.expose()}),
        json!({"call": "body", "ttsName": "voice-1", "conversationId": "108"}),
    ];
    assert_eq!(desk.taken(), seen);

    // A request that breaks the spec never reaches the handler.
    for (line, body, part) in [
        (format!("GET {path}"), "", "/conversationId: must be there"),
        (format!("GET {}?appid=app-1", operations::SESSIONS.path), "", "/appId: must be there"),
        (format!("GET {}", operations::STOP_SESSION.path), "", "/uuid: must be there"),
        (format!("GET {}", operations::AVATAR.path), "", "/taskId: must be there"),
        (line.clone(), "{}", "/ttsName: must be there"),
        (line.clone(), "", "not JSON"),
        (line, "{", "not JSON"),
    ] {
        let answer = ask(address, &line, &headers, body).await;
        let (status, answer) = (answer.status, answer.json());
        assert_eq!((status, &answer["success"]), (400, &json!(false)), "{line}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{line}: {answer}");
        assert_eq!(desk.taken(), [Value::Null; 0], "{line}");
    }
}

#[tokio::test]
async fn an_error_of_a_handler_becomes_a_failure_in_the_envelope() {
    let tokens = Tokens::new(APP, KEY);
    let server = || Server::new(Desk::default()).check_tokens(tokens.clone());
    let address = start_router(server().router()).await;
    let headers = format!("token: {}\r\n", tokens.mint().expose());
    let client = Client::builder_with_tokens(tokens.clone())
        .base_url(&format!("http://{address}"))
        .options(once())
        .build()
        .unwrap();
    for (how, status, code, message) in [
        ("unknown", 500, "2002", "no such session"),
        ("not found", 404, "2002", "no such session"),
        ("busy", 503, "40002", "busy"),
        ("odd", 500, "50004", "odd"),
        ("false", 500, "200", "all is well?"),
        ("plain", 500, "-1", "it is said why"),
        ("silent", 500, "-1", "internal error"),
        ("unsupported", 501, "501", "the operation is not supported"),
        ("panic", 500, "-1", "internal error"),
    ] {
        let status = if how == "odd" { 418 } else { status };
        let how = how.replace(' ', "+");
        for target in [
            format!("{}?uuid={how}", operations::STOP_SESSION.path),
            format!("{}?conversationId={how}", operations::CONVERSATION.path),
        ] {
            let expected = json!({"success": false, "code": code, "message": message});
            assert_eq!(get(address, &target, &headers).await, (status, expected), "{target}");
        }
        let how = how.replace('+', " ");
        let errors = [
            client.stop_session(&how).await.unwrap_err(),
            client.conversation(&how).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.status().unwrap(), status, "{how}");
            let failure = error.failure().unwrap();
            assert_eq!((failure.code(), failure.message()), (code, Some(message)), "{how}");
        }
    }
}

#[tokio::test]
async fn client_and_stand_in_understand_each_other() {
    let desk = Desk::default();
    let hand = Hand::new();
    let tokens = |app: &str, key: &str| Tokens::new(app, key).clock(hand.clone());
    let server = Server::new(desk.clone()).check_tokens(tokens(APP, KEY));
    let address = start_router(server.clone().router()).await;
    let built = |tokens: Tokens| {
        let socket =
            Client::builder_with_tokens(tokens.clone()).base_url(&format!("http://{address}"));
        let memory = Client::builder_with_tokens(tokens)
            .transport(InMemoryTransport::new(server.clone().router()));
        [socket.build().unwrap(), memory.build().unwrap()]
    };
    for client in built(tokens(APP, KEY)) {
        for name in calls() {
            assert_eq!(call(&client, name).await.unwrap(), 200, "{name}");
        }
        assert_eq!(desk.taken().len(), 8);
        assert_eq!(client.conversation("a b&c").await.unwrap().id.as_deref(), Some("a b&c"));
        assert_eq!(desk.taken().len(), 1);
        // The token is near its end each time, so it is renewed first.
        for _ in 0..3 {
            hand.advance(1790);
            client.sessions().await.unwrap();
        }
        assert_eq!(desk.taken().len(), 3);
    }
    for (app, key) in [(APP, "secret-2"), ("app-2", KEY)] {
        for client in built(tokens(app, key)) {
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                let failure = error.failure().unwrap();
                assert_eq!(failure.code_as::<ResponseCode>(), ResponseCode::TokenInvalid);
                assert_eq!(error.status(), Some(StatusCode::OK), "{name}");
            }
        }
    }
    assert_eq!(desk.taken(), [Value::Null; 0]);
    // The client's clock is ahead of the platform's: by as much as tokens are back-dated, and by more.
    let ahead = hand.clone();
    let now = callbot::clock::Clock::now(&ahead);
    for (seconds, good) in [(5, true), (6, false)] {
        let client = built(Tokens::new(APP, KEY).clock(now + seconds * SECOND));
        for client in client {
            let outcome = client.sessions().await;
            assert_eq!(outcome.is_ok(), good, "{seconds}: {outcome:?}");
            if let Err(error) = outcome {
                let message = error.failure().unwrap().message();
                assert_eq!(message, Some("the token was issued in the future"));
            }
        }
    }
}

#[tokio::test]
async fn the_wire_client_sends_whole_requests() {
    let desk = Desk::default();
    let address = start_router(router(desk.clone())).await;
    let client = WireClient::new(&format!("http://{address}")).unwrap();
    client.sessions(&SessionsParameters::new("a token", "a&b")).await.unwrap();
    let created = client.create_avatar(&CreateAvatarParameters::new("t"), &avatar()).await;
    assert_eq!(created.unwrap().data.as_ref().unwrap().task_id.as_deref(), Some("task-1"));
    assert_eq!(
        desk.taken(),
        [
            json!({"call": "sessions", "token": "a token", "appId": "a&b"}),
            json!({"call": "create_avatar", "token": "t"}),
            json!({"call": "body", "ttsName": "voice-1", "conversationId": "108"}),
        ]
    );
}
