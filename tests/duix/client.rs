//! The client of the DUIX management API: what it sends, over sockets; which answers are a success
//! and which error stands for which failure; when it asks again, and with which token. And the
//! stand-in of the platform that the same spec gives.

#![cfg(all(feature = "duix", feature = "client", feature = "server"))]

use std::collections::BTreeSet;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::duix_platform::{
    ACTS, APP, Fake, Given, Hand, KEY, NOW, READS, Socket, Ticking, at_once, avatar, call, calls,
    failure, given, good, raw, times, tokens,
};
use callbot::client::{CallOptions, Deadline, Error, InMemoryTransport, Retries, TransportError};
use callbot::duix::{
    Api, Avatar, AvatarParameters, BASE_URL, Client, Concurrency, ConcurrencyParameters,
    Conversation, ConversationParameters, ConversationV2Parameters, CreateAvatarParameters,
    CreateAvatarRequest, CreatedAvatar, ResponseCode, Server, SessionsParameters,
    StopAllSessionsOfAppParameters, StopSessionParameters, Tokens, WireClient, operations, router,
};
use callbot::server;
use futures_util::future::join_all;
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// No retries: one attempt per token.
fn once() -> CallOptions {
    CallOptions::new()
}

/// The code of the failure that an error stands for.
#[track_caller]
fn code(error: &Error) -> &str {
    error.failure().unwrap_or_else(|| panic!("no failure: {error:?}")).code()
}

/// Where a call goes, and what comes after the path.
fn target(name: &str) -> (&'static str, &'static str, &'static str) {
    match name {
        "concurrency" => ("GET", "/duix-openapi-v2/sdk/v2/getconcurrentNumber", "?appId=app-1"),
        "sessions" => ("GET", "/duix-openapi-v2/sdk/v2/getconcurrentList", "?appId=app-1"),
        "stop_all_sessions_of_app" => {
            ("GET", "/duix-openapi-v2/sdk/v2/distroyCallSessionsByAppId", "?appId=app-1")
        }
        "stop_session" => ("GET", "/duix-openapi-v2/sdk/v2/sessionStop", "?uuid=session-1"),
        "conversation" => {
            ("GET", "/duix-openapi-v2/sdk/getConversationById", "?conversationId=108")
        }
        "create_avatar" => ("POST", "/duix-openapi-v2/sdk/v2/createAvatar", ""),
        "avatar" => ("GET", "/duix-openapi-v2/sdk/v2/queryAvatar", "?taskId=task-1"),
        _ => panic!("no call {name}"),
    }
}

fn line(name: &str) -> String {
    let (method, path, query) = target(name);
    format!("{method} {path}{query} HTTP/1.1")
}

#[tokio::test]
async fn each_call_sends_its_line_its_token_and_its_body() {
    let socket = Socket::answering("200 OK", good()).await;
    let client = socket.builder().build().unwrap();
    for name in calls() {
        assert_eq!(call(&client, name).await.unwrap(), 200, "{name}");
    }
    let (asked, token) = (socket.asked(), client.tokens().current());
    assert_eq!(asked.len(), 7);
    for (asked, name) in asked.iter().zip(calls()) {
        assert_eq!(asked.line, line(name));
        assert_eq!(asked.token(), token.expose(), "{name}");
        assert!(asked.token().starts_with("eyJ"), "{name}");
        assert_eq!(asked.header("accept"), Some("application/json"), "{name}");
        assert_eq!(asked.header("host"), socket.url.strip_prefix("http://"), "{name}");
        for absent in ["authorization", "accept-encoding", "cookie", "user-agent", "sign", "sig"] {
            assert_eq!(asked.header(absent), None, "{name}: {absent}");
        }
        let is_post = name == "create_avatar";
        let media = is_post.then_some("application/json");
        assert_eq!(asked.header("content-type"), media, "{name}");
        assert_eq!(asked.body.is_empty(), !is_post, "{name}");
    }
    let body: Value = serde_json::from_slice(&asked[6].body).unwrap();
    assert_eq!(body, json!({"ttsName": "voice-1", "conversationId": "108"}));
}

#[tokio::test]
async fn the_body_of_a_new_avatar_has_what_was_set_and_no_more() {
    let socket = Socket::answering("200 OK", good()).await;
    let client = socket.builder().build().unwrap();
    let mut whole = avatar();
    whole.cover_image = Some("data:image/png;base64,iVBORw0KGgo=".into());
    whole.default_speaking_language = Some("English".into());
    whole.greetings = Some("你好".into());
    whole.name = Some(String::new());
    whole.profile = Some("A \"clerk\"".into());
    for (request, expected) in [
        (CreateAvatarRequest::new("voice-1"), json!({"ttsName": "voice-1"})),
        (
            whole,
            json!({"ttsName": "voice-1", "conversationId": "108",
                "coverImage": "data:image/png;base64,iVBORw0KGgo=",
                "defaultSpeakingLanguage": "English", "greetings": "你好", "name": "",
                "profile": "A \"clerk\""}),
        ),
    ] {
        client.create_avatar(&request).await.unwrap();
        let body = socket.asked().pop().unwrap().body;
        assert_eq!(serde_json::from_slice::<Value>(&body).unwrap(), expected);
        let length = body.len().to_string();
        assert_eq!(socket.asked().pop().unwrap().header("content-length"), Some(&*length));
    }
}

#[tokio::test]
async fn odd_ids_are_encoded_and_can_not_add_parameters() {
    let socket = Socket::answering("200 OK", good()).await;
    for (id, encoded) in [
        ("0513e935-041f-48e0-9330-652ef4194511", "0513e935-041f-48e0-9330-652ef4194511"),
        ("1591003727513522176", "1591003727513522176"),
        ("a b", "a+b"),
        ("a+b", "a%2Bb"),
        ("a&appId=app-2", "a%26appId%3Dapp-2"),
        ("a=b;c", "a%3Db%3Bc"),
        ("a?b#c", "a%3Fb%23c"),
        ("../a/b\\c", "..%2Fa%2Fb%5Cc"),
        ("50%25", "50%2525"),
        ("\"'<>", "%22%27%3C%3E"),
        ("a\r\nHost: b", "a%0D%0AHost%3A+b"),
        ("会话\u{1F600}", "%E4%BC%9A%E8%AF%9D%F0%9F%98%80"),
    ] {
        let tokens = Tokens::new(id, KEY);
        let client = Client::builder_with_tokens(tokens).base_url(&socket.url).build().unwrap();
        client.concurrency().await.unwrap();
        client.sessions().await.unwrap();
        client.stop_all_sessions_of_app().await.unwrap();
        client.stop_session(id).await.unwrap();
        client.conversation(id).await.unwrap();
        client.avatar(id).await.unwrap();
        let asked = socket.asked();
        let lines: Vec<_> = asked[asked.len() - 6..].iter().map(|asked| &asked.line).collect();
        let path = "/duix-openapi-v2/sdk";
        let expected = [
            format!("GET {path}/v2/getconcurrentNumber?appId={encoded} HTTP/1.1"),
            format!("GET {path}/v2/getconcurrentList?appId={encoded} HTTP/1.1"),
            format!("GET {path}/v2/distroyCallSessionsByAppId?appId={encoded} HTTP/1.1"),
            format!("GET {path}/v2/sessionStop?uuid={encoded} HTTP/1.1"),
            format!("GET {path}/getConversationById?conversationId={encoded} HTTP/1.1"),
            format!("GET {path}/v2/queryAvatar?taskId={encoded} HTTP/1.1"),
        ];
        assert_eq!(lines, expected.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_base_url_may_have_a_path_and_the_conversation_another_one() {
    let socket = Socket::answering("200 OK", good()).await;
    let v2 = operations::CONVERSATION_V2.path;
    let documented = operations::CONVERSATION.path;
    for (base, path, expected) in [
        ("", None, documented.to_owned()),
        ("/", None, documented.to_owned()),
        ("/gateway/duix", None, format!("/gateway/duix{documented}")),
        ("/gateway/duix/", None, format!("/gateway/duix{documented}")),
        ("/a%20b/ü", None, format!("/a%20b/%C3%BC{documented}")),
        ("", Some(v2), v2.to_owned()),
        ("/", Some(v2), v2.to_owned()),
        ("/gateway/duix/", Some(v2), format!("/gateway/duix{v2}")),
        ("/a%20b/ü", Some("/c"), "/a%20b/%C3%BC/c".into()),
        ("", Some("/"), "/".into()),
        ("", Some("/%61/b c"), "/%61/b%20c".into()),
        ("", Some(documented), documented.to_owned()),
    ] {
        let mut builder = socket.builder().base_url(&format!("{}{base}", socket.url));
        if let Some(path) = path {
            builder = builder.conversation_path(path);
        }
        let client = builder.build().unwrap();
        for client in [&client, &client.with_options(once()), &client.clone()] {
            client.conversation("a&b").await.unwrap();
            let line = socket.asked().pop().unwrap().line;
            let expected = format!("GET {expected}?conversationId=a%26b HTTP/1.1");
            assert_eq!(line, expected, "{base:?} {path:?}");
        }
        // No other call goes elsewhere.
        client.sessions().await.unwrap();
        let line = socket.asked().pop().unwrap().line;
        assert!(line.contains(operations::SESSIONS.path), "{line}");
    }
}

#[tokio::test]
async fn of_two_paths_for_the_conversation_the_last_one_counts() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().conversation_path("/a").conversation_path("/b").build().unwrap();
    client.conversation("1").await.unwrap();
    assert_eq!(fake.asked()[0].line, "GET /b?conversationId=1 HTTP/1.1");
}

#[tokio::test]
async fn what_can_not_be_an_address_is_refused_when_the_client_is_built() {
    for url in [
        "",
        "app.duix.ai",
        "ftp://app.duix.ai",
        "http://",
        "https://app.duix.ai/?a=b",
        "https://app.duix.ai/#a",
    ] {
        let error = Client::builder(APP, KEY).base_url(url).build().unwrap_err();
        assert!(error.to_string().starts_with("the client can't be built"), "{url}: {error}");
    }
    for path in ["", "c", "c/d", "?a"] {
        let error = Client::builder(APP, KEY).conversation_path(path).build().unwrap_err();
        assert!(error.to_string().contains("conversation"), "{path}: {error}");
    }
    assert!(Client::builder(APP, KEY).build().is_ok());
    assert_eq!(BASE_URL, "https://app.duix.ai");
}

#[tokio::test]
async fn without_a_base_url_the_documented_host_is_asked() {
    let fake = Fake::playing([(200, good())]);
    let hosts = Arc::new(Mutex::new(Vec::new()));
    struct Hosts(Fake, Arc<Mutex<Vec<String>>>);
    impl callbot::client::Transport for Hosts {
        fn send(
            &self,
            request: reqwest::Request,
        ) -> futures_util::future::BoxFuture<'_, Result<reqwest::Response, TransportError>>
        {
            self.1.lock().unwrap().push(request.url().origin().ascii_serialization());
            callbot::client::Transport::send(&self.0, request)
        }
    }
    let transport = Hosts(fake, hosts.clone());
    let client = Client::builder(APP, KEY).transport(transport).build().unwrap();
    for name in calls() {
        call(&client, name).await.unwrap();
    }
    assert_eq!(*hosts.lock().unwrap(), ["https://app.duix.ai"; 7]);
}

#[tokio::test]
async fn tokens_are_made_as_the_builder_says_and_shared_with_who_asks_for_them() {
    let fake = Fake::playing([(200, good())]);
    let hand = Hand::new();
    let client = Client::builder_with_tokens(Tokens::new("app-7", "key-7").clock(hand.clone()))
        .token_lifetime(Duration::from_secs(600))
        .token_back_dating(Duration::from_secs(20))
        .transport(fake.clone())
        .build()
        .unwrap();
    let checker = Tokens::new("app-7", "key-7").clock(hand.clone());
    let mut seen = Vec::new();
    for at in [0.0, 100.0, 519.0, 521.0, 900.0] {
        hand.set(at);
        for client in [client.clone(), client.with_options(once())] {
            client.sessions().await.unwrap();
            client.stop_session("s").await.unwrap();
            for asked in fake.taken() {
                assert_eq!(checker.check(asked.token()), Ok(()), "{at}");
                assert_eq!(asked.token(), client.tokens().current().expose(), "{at}");
                seen.push(times(asked.token()));
            }
        }
    }
    let [first, second] = [(NOW - 20, NOW + 580), (NOW + 501, NOW + 1101)];
    assert_eq!(seen, [vec![first; 12], vec![second; 8]].concat());
    assert_eq!(client.tokens().app_id(), "app-7");

    // A token of one's own `Tokens` is used by the client, too.
    let tokens = Tokens::new(APP, KEY).clock(Ticking::new());
    let token = tokens.current();
    let client =
        Client::builder_with_tokens(tokens.clone()).transport(fake.clone()).build().unwrap();
    client.sessions().await.unwrap();
    assert_eq!(fake.taken()[0].token(), token.expose());
    tokens.renew(&token);
    client.sessions().await.unwrap();
    assert_eq!(fake.taken()[0].token(), tokens.current().expose());
}

#[tokio::test]
async fn the_token_is_marked_as_sensitive_in_every_attempt() {
    let fake = Fake::playing([(503, good()), (200, failure("1006")), (200, good())]);
    let options = at_once(2).header(HeaderName::from_static("x-a"), HeaderValue::from_static("b"));
    let client = fake.dated(Ticking::new()).options(options).build().unwrap();
    client.sessions().await.unwrap();
    client.create_avatar(&avatar()).await.unwrap();
    let wire = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();
    wire.avatar(&AvatarParameters::new("token-7", "1")).await.unwrap();
    let asked = fake.asked();
    assert_eq!(asked.len(), 5);
    for asked in asked {
        assert!(asked.headers["token"].is_sensitive(), "{}", asked.line);
        let shown = format!("{:?}", asked.headers);
        assert!(!shown.contains(asked.token()), "{shown}");
    }
}

#[tokio::test]
async fn answers_are_read_into_their_types() {
    let socket = Socket::new(|number| {
        let data = [
            json!({"cropId": "1003645", "totalConcurrentNumber": 10, "userConcurrentNumber": 2}),
            json!([{"uuid": "s-1"}, 7]),
            json!({"id": "108", "scriptDtoList": [{"scriptType": 1}]}),
            json!({"taskId": 1591003727513522176_u64}),
            json!({"conversationId": "109", "status": 2, "processingStep": "done"}),
            json!(""),
            json!({}),
        ];
        let body = json!({"success": true, "code": "0", "msg": "", "data": data[number]});
        raw("200 OK", "x-trace: t-1\r\n", &body.to_string())
    })
    .await;
    let client = socket.builder().build().unwrap();

    let concurrency = client.concurrency().await.unwrap();
    assert_eq!((concurrency.total, concurrency.in_use), (Some(10), Some(2)));
    assert_eq!(concurrency.corp_id.as_deref(), Some("1003645"));
    assert_eq!(
        (concurrency.status(), &concurrency.headers()["x-trace"]),
        (StatusCode::OK, &HeaderValue::from_static("t-1"))
    );
    assert_eq!(client.sessions().await.unwrap().into_inner(), json!([{"uuid": "s-1"}, 7]));
    let conversation = client.conversation("108").await.unwrap();
    assert_eq!((conversation.id.as_deref(), conversation.scripts.len()), (Some("108"), 1));
    let created = client.create_avatar(&avatar()).await.unwrap();
    assert_eq!(created.task_id.as_deref(), Some("1591003727513522176"));
    let avatar = client.avatar(created.task_id.as_deref().unwrap()).await.unwrap();
    assert_eq!((avatar.conversation_id.as_deref(), avatar.status), (Some("109"), Some(2)));
    let stopped = client.stop_session("s").await.unwrap();
    assert_eq!(
        (stopped.status(), &stopped.headers()["x-trace"]),
        (StatusCode::OK, &HeaderValue::from_static("t-1"))
    );
    client.stop_all_sessions_of_app().await.unwrap();
}

#[tokio::test]
async fn success_false_is_an_error_whatever_the_http_status() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for status in [200, 201, 400, 401, 403, 404, 429, 500, 502, 503] {
        fake.play([(status, failure("1009"))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let place = format!("{name} {status}");
            assert_eq!(code(&error), "1009", "{place}");
            let failure = error.failure().unwrap();
            assert_eq!(failure.message(), Some("it is said why"), "{place}");
            assert_eq!((failure.status(), failure.request_id()), (None, None), "{place}");
            assert_eq!(error.status().unwrap(), status, "{place}");
            assert!(error.decode_error().is_none() && error.violations().is_none(), "{place}");
            assert!(!error.is_timeout() && !error.is_cut(), "{place}");
            let busy = matches!(status, 429 | 502 | 503);
            assert_eq!(error.is_retryable(), busy, "{place}");
            assert!(error.to_string().ends_with("failure 1009: it is said why"), "{error}");
        }
        assert_eq!(fake.asked().len(), 7, "{status}");
    }
    // The code of a success makes no success of it.
    for code in ["200", "0", ""] {
        fake.play([(200, failure(code))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(self::code(&error), code, "{name}");
        }
    }
}

#[tokio::test]
async fn the_text_of_a_failure_is_in_one_of_two_fields() {
    let (a, b) = ("why", "another why");
    let cases = [
        (json!({"message": a}), Some(a)),
        (json!({"msg": a}), Some(a)),
        (json!({"message": a, "msg": a}), Some(a)),
        (json!({"message": a, "msg": b}), Some(a)),
        (json!({"msg": b, "message": a}), Some(a)),
        (json!({"message": "", "msg": b}), Some(b)),
        (json!({"msg": b, "message": ""}), Some(b)),
        (json!({"message": null, "msg": b}), Some(b)),
        (json!({"message": a, "msg": ""}), Some(a)),
        (json!({"message": a, "msg": null}), Some(a)),
        (json!({"message": "", "msg": ""}), Some("")),
        (json!({"message": ""}), Some("")),
        (json!({"msg": ""}), Some("")),
        (json!({"message": null, "msg": null}), None),
        (json!({}), None),
        (json!({"Message": a, "error": a}), None),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (texts, expected) in cases {
        // The text counts the same when the data are of the wrong kind.
        for data in [json!({}), json!("")] {
            let mut body = json!({"success": false, "code": "1007", "data": data});
            body.as_object_mut().unwrap().extend(texts.as_object().unwrap().clone());
            fake.play([(200, body)]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                assert_eq!(error.failure().unwrap().message(), expected, "{name} {texts}");
            }
        }
    }
}

#[tokio::test]
async fn every_documented_code_has_a_name_and_unknown_ones_are_kept() {
    use ResponseCode::*;
    let documented = [
        ("200", Ok),
        ("0", OkNewer),
        ("-1", SystemException),
        ("1005", TokenEmpty),
        ("1006", TokenInvalid),
        ("1007", DialogueNotFound),
        ("1009", QuotaUsedUp),
        ("2002", SessionNotFound),
        ("40001", BadAppIdOrSecret),
        ("40002", InternalError),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for (text, named) in &documented {
        let number = json!(text.parse::<i64>().unwrap());
        for wire in [json!(text), number] {
            fake.play([(200, failure(wire))]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                let failure = error.failure().unwrap();
                assert_eq!(failure.code(), *text, "{name}");
                assert_eq!(failure.code_as::<ResponseCode>(), *named, "{name} {text}");
                // By the table; a refused token is another matter.
                let again = matches!(*text, "-1" | "40002");
                assert_eq!(failure.is_retryable(), again, "{name} {text}");
                assert_eq!(error.is_retryable(), again, "{name} {text}");
            }
        }
    }
    for text in ["50003", "1004", "01006", " 1006", "1006.0", "-2", "", "失败", "SUCCESS"] {
        fake.play([(200, failure(text))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let code = error.failure().unwrap().code_as::<ResponseCode>();
            assert!(matches!(code, Unknown(_)), "{name} {text}: {code:?}");
            assert_eq!((self::code(&error), code.as_str()), (text, text), "{name}");
            assert!(!error.is_retryable(), "{name} {text}");
        }
        assert_eq!(fake.asked().len(), 7, "{text}");
    }
    // No code at all.
    for body in [json!({"success": false}), json!({"success": false, "code": null})] {
        fake.play([(200, body)]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!((code(&error), error.is_retryable()), ("", false), "{name}");
        }
    }
}

#[tokio::test]
async fn success_true_is_a_success_whatever_the_code() {
    let codes = [
        json!("200"),
        json!("0"),
        json!(""),
        json!(null),
        json!(200),
        json!(0),
        json!(-1),
        json!(200.5),
        json!("-1"),
        json!("1006"),
        json!("40002"),
        json!("next year's"),
    ];
    let mut bodies: Vec<_> =
        codes.into_iter().map(|code| json!({"success": true, "code": code, "data": {}})).collect();
    bodies.push(json!({"success": true, "data": {}}));
    bodies.push(json!({"data": {}, "success": true, "msg": "failed", "message": "error"}));
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for body in bodies {
        fake.play([(200, body.clone())]);
        for name in calls() {
            let outcome = call(&client, name).await;
            assert_eq!(outcome.unwrap_or_else(|error| panic!("{name}: {error}: {body}")), 200);
        }
        assert_eq!(fake.asked().len(), 7, "{body}");
    }
}

#[tokio::test]
async fn a_success_with_another_http_status_is_none() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (status, good) in [(200, true), (201, true), (204, true), (302, false), (404, false)] {
        fake.play([(status, self::good())]);
        for name in calls() {
            match call(&client, name).await {
                Ok(seen) => assert!(good && seen == status, "{name} {status}"),
                Err(error) => {
                    assert!(!good && error.failure().is_none(), "{name} {status}");
                    assert_eq!(error.status().unwrap(), status, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_failure_is_told_even_if_its_data_are_of_the_wrong_kind() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for data in [json!(""), json!([]), json!(null), json!(7), json!(true), json!({"id": {}})] {
        for status in [200, 401, 500] {
            let mut body = failure("1009");
            body["data"] = data.clone();
            fake.play([(status, body)]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                let place = format!("{name} {status} {data}");
                assert_eq!(code(&error), "1009", "{place}");
                assert_eq!(error.failure().unwrap().message(), Some("it is said why"), "{place}");
                assert_eq!(error.status().unwrap(), status, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_success_without_data_is_an_error_where_data_are_needed() {
    for body in [
        json!({"success": true, "code": "200"}),
        json!({"success": true, "code": "200", "data": null}),
    ] {
        let fake = Fake::playing([(200, body.clone())]);
        let client = fake.client();
        for name in ["concurrency", "conversation", "create_avatar", "avatar"] {
            let error = call(&client, name).await.unwrap_err();
            let decode = error.decode_error().unwrap_or_else(|| panic!("{name}: {error:?}"));
            assert_eq!(decode.pointer(), "/data", "{name} {body}");
            assert!(error.failure().is_none() && !error.is_retryable(), "{name}: {error:?}");
            assert!(error.to_string().contains("/data: must be there"), "{error}");
        }
        assert_eq!(client.sessions().await.unwrap().into_inner(), Value::Null, "{body}");
        client.stop_session("s").await.unwrap();
        client.stop_all_sessions_of_app().await.unwrap();
        assert_eq!(fake.asked().len(), 7, "{body}");
    }
}

#[tokio::test]
async fn an_error_about_missing_data_has_the_http_status_of_the_answer() {
    let fake = Fake::playing([(200, json!({"success": true, "code": "200"}))]);
    let client = fake.client();
    for name in ["concurrency", "conversation", "create_avatar", "avatar"] {
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::OK), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_success_with_data_of_the_wrong_kind_says_where() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (name, data, pointer) in [
        ("concurrency", json!(""), "/data"),
        ("concurrency", json!([]), "/data"),
        ("concurrency", json!({"cropId": {}}), "/data/cropId"),
        ("concurrency", json!({"totalConcurrentNumber": "ten"}), "/data/totalConcurrentNumber"),
        ("conversation", json!(""), "/data"),
        ("conversation", json!({"scriptDtoList": [{}, {"id": []}]}), "/data/scriptDtoList/1/id"),
        ("create_avatar", json!([]), "/data"),
        ("create_avatar", json!({"taskId": ["secret"]}), "/data/taskId"),
        ("avatar", json!("secret"), "/data"),
        ("avatar", json!({"status": "secret"}), "/data/status"),
    ] {
        fake.play([(200, json!({"success": true, "code": "0", "data": data}))]);
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.decode_error().unwrap().pointer(), pointer, "{name} {data}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(error.status(), Some(StatusCode::OK), "{name}");
    }
    // What is not known of is taken as it comes.
    for data in [json!(""), json!([]), json!({"a": [1]}), json!(7), json!(false)] {
        fake.play([(200, json!({"success": true, "code": "", "data": data}))]);
        assert_eq!(client.sessions().await.unwrap().into_inner(), data);
        client.stop_session("s").await.unwrap();
        client.stop_all_sessions_of_app().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_envelope_is_told_by_its_status_or_by_its_place() {
    let page = "<html>it is here</html>";
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for (status, body, pointer) in [
        (200, "", Some("")),
        (200, page, Some("")),
        (200, "[]", Some("")),
        (200, "{}", Some("/success")),
        (200, r#"{"code":"200","data":{}}"#, Some("/success")),
        (200, r#"{"success":null,"code":"200","data":{}}"#, Some("/success")),
        (200, r#"{"success":"no","code":"1009"}"#, Some("/success")),
        (401, "", None),
        (404, page, None),
        (500, "{}", None),
        (502, page, None),
        (302, "", None),
    ] {
        fake.act(move |_| given(status, body));
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let place = format!("{name} {status} {body}");
            assert_eq!(error.decode_error().map(|error| error.pointer()), pointer, "{place}");
            assert!(error.failure().is_none(), "{place}");
            assert_eq!(error.status().unwrap(), status, "{place}");
            assert!(!error.to_string().contains("it is here"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_call_made_once_more() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND).build().unwrap();
    for status in [200, 401, 403, 500] {
        for (code, data) in [(json!("1006"), Value::Null), (json!(1006), json!(""))] {
            let mut refusal = failure(code);
            refusal["data"] = data;
            for name in calls() {
                let place = format!("{name} {status}");
                fake.play([(status, refusal.clone()), (200, good())]);
                let refused = client.tokens().current();
                assert_eq!(call(&client, name).await.unwrap(), 200, "{place}");
                assert_eq!(call(&client, name).await.unwrap(), 200, "{place}");
                let asked = fake.taken();
                let [first, second, later] = asked.as_slice() else { panic!("{place}: {asked:?}") };
                assert_eq!(first.token(), refused.expose(), "{place}");
                assert!(times(second.token()) > times(first.token()), "{place}");
                // The same request otherwise.
                assert_eq!((&second.line, &second.body), (&first.line, &first.body), "{place}");
                assert_eq!(second.headers.len(), first.headers.len(), "{place}");
                // The new one stays in use.
                assert_eq!(later.token(), second.token(), "{place}");
                assert_eq!(client.tokens().current().expose(), second.token(), "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_a_second_time_is_an_error() {
    let fake = Fake::playing([(200, good())]);
    let builder = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND);
    let client = builder.options(at_once(5)).build().unwrap();
    for name in calls() {
        let refusals = (0..9).map(|number| {
            let mut refusal = failure("1006");
            refusal["message"] = format!("refusal {number}").into();
            (200, refusal)
        });
        fake.play(refusals);
        let error = call(&client, name).await.unwrap_err();
        let failure = error.failure().unwrap();
        assert_eq!(failure.code_as::<ResponseCode>(), ResponseCode::TokenInvalid, "{name}");
        assert_eq!(failure.message(), Some("refusal 1"), "{name}");
        assert!(!error.is_retryable(), "{name}");
        let asked = fake.taken();
        assert_eq!(tokens(&asked).into_iter().collect::<BTreeSet<_>>().len(), 2, "{name}");
        assert_eq!(asked.len(), 2, "{name}");
        // The next call tries again.
        call(&client, name).await.unwrap_err();
        assert_eq!(fake.taken().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn the_second_attempt_may_fail_in_another_way() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for name in calls() {
        fake.play([(200, failure("1006")), (404, failure("2002"))]);
        let error = call(&client, name).await.unwrap_err();
        assert_eq!((code(&error), error.status()), ("2002", Some(StatusCode::NOT_FOUND)));
        assert_eq!(fake.asked().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn no_other_failure_renews_a_token() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.dated(Ticking::new()).options(once()).build().unwrap();
    for (status, body) in [
        (200, failure("1005")),
        (200, failure("1007")),
        (200, failure("40001")),
        (200, failure("-1")),
        (200, failure("10060")),
        (401, failure("1009")),
        (401, json!("")),
        (403, json!({"code": "1006"})),
    ] {
        fake.play([(status, body.clone())]);
        let token = client.tokens().current();
        for name in calls() {
            call(&client, name).await.unwrap_err();
            assert_eq!(tokens(&fake.taken()), [token.expose()], "{name} {status} {body}");
        }
    }
    // A success that says so is none, either.
    fake.play([(200, json!({"success": true, "code": "1006", "data": {}}))]);
    for name in calls() {
        call(&client, name).await.unwrap();
        assert_eq!(fake.taken().len(), 1, "{name}");
    }
}

#[tokio::test]
async fn of_many_calls_that_are_refused_at_once_one_renews_the_token() {
    const CALLS: usize = 28;
    // No call is answered before all have asked.
    let all = Arc::new(Barrier::new(CALLS));
    let fake = Fake::new(move |number, _| {
        let all = all.clone();
        async move {
            if number >= CALLS {
                return given(200, good().to_string());
            }
            all.wait().await;
            given(200, failure("1006").to_string())
        }
    });
    let client = fake.dated(Ticking::new()).token_lifetime(86_400 * SECOND).build().unwrap();
    let names: Vec<_> = calls().cycle().take(CALLS).collect();
    let outcomes = join_all(names.iter().map(|name| call(&client, name))).await;
    for (name, outcome) in names.iter().zip(outcomes) {
        assert!(outcome.is_ok(), "{name}: {outcome:?}");
    }
    let asked = fake.asked();
    assert_eq!(asked.len(), 2 * CALLS);
    let (first, second) = asked.split_at(CALLS);
    let distinct = |asked| tokens(asked).into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let [first, second] = [distinct(first), distinct(second)];
    assert_eq!((first.len(), second.len()), (1, 1), "{first:?} {second:?}");
    assert!(first.is_disjoint(&second));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_learns_late_of_a_refused_token_takes_the_new_one() {
    // The first call hears of it after the second one has renewed the token.
    let fake = Fake::new(|number, _| async move {
        sleep(if number == 0 { 5 * SECOND } else { SECOND / 10 }).await;
        let refused = number < 2;
        given(200, if refused { failure("1006") } else { good() }.to_string())
    });
    let client = fake.dated(Ticking::new()).build().unwrap();
    let (slow, quick) = tokio::join!(client.stop_session("slow"), client.stop_session("quick"));
    slow.unwrap();
    quick.unwrap();
    let asked = fake.asked();
    let [first, second, third, fourth] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.token(), second.token());
    assert_ne!(third.token(), first.token());
    assert_eq!(fourth.token(), third.token());
    assert!(fourth.line.contains("slow"), "{}", fourth.line);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_covers_the_attempt_with_the_new_token() {
    let fake = Fake::new(|number, _| async move {
        sleep(if number == 0 { SECOND * 9 / 10 } else { 100 * SECOND }).await;
        given(200, failure("1006").to_string())
    });
    let options = once().call_deadline(SECOND);
    let client = fake.dated(Ticking::new()).options(options).build().unwrap();
    for name in calls() {
        fake.taken();
        let start = Instant::now();
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
        let elapsed = start.elapsed();
        assert!(elapsed < SECOND * 11 / 10, "{name}: {elapsed:?}");
    }
}

/// An answer after which a call that reads is made again.
type Passing = (&'static str, fn() -> Given);

const PASSING: [Passing; 8] = [
    ("503", || given(503, "busy")),
    ("429", || given(429, "")),
    ("502", || given(502, "<html>")),
    ("504", || given(504, failure("1009").to_string())),
    ("not connected", || Err(TransportError::connect("nobody there"))),
    ("-1", || given(200, failure("-1").to_string())),
    ("40002", || given(500, failure("40002").to_string())),
    ("40002 with data", || {
        given(200, json!({"success": false, "code": 40002, "data": ""}).to_string())
    }),
];

#[tokio::test(start_paused = true)]
async fn calls_that_read_are_made_again_while_it_may_help() {
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    for (how, answer) in PASSING {
        for name in READS {
            // So many attempts fail, and the next one does not.
            for (passing, retries, attempts, good) in [
                (1, 2, 2, true),
                (2, 2, 3, true),
                (3, 2, 3, false),
                (5, 9, 6, true),
                (1, 0, 1, false),
            ] {
                fake.act(move |number| match number < passing {
                    true => answer(),
                    false => given(200, self::good().to_string()),
                });
                let client = plain.with_options(at_once(retries));
                let outcome = call(&client, name).await;
                let place = format!("{name}: {how}: {passing} of {retries}: {outcome:?}");
                assert_eq!(outcome.is_ok(), good, "{place}");
                let asked = fake.taken();
                assert_eq!(asked.len(), attempts, "{place}");
                for asked in &asked {
                    assert_eq!(asked.line, line(name), "{place}");
                    assert_eq!(asked.token(), client.tokens().current().expose(), "{place}");
                }
                if let Err(error) = outcome {
                    assert!(error.is_retryable(), "{place}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_act_are_never_made_again() {
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    let eager = fake.builder().options(at_once(9)).build().unwrap();
    for (how, answer) in PASSING {
        fake.act(move |_| answer());
        for client in [
            &plain,
            &plain.with_options(at_once(9)),
            &eager,
            &eager.with_options(CallOptions::new().retries(Retries::up_to(3))),
            &eager.clone(),
        ] {
            for name in ACTS {
                let error = call(client, name).await.unwrap_err();
                // It is up to the caller.
                assert!(error.is_retryable(), "{name}: {how}: {error}");
                assert_eq!(fake.taken().len(), 1, "{name}: {how}");
            }
        }
    }
    // Nor behind a refused token.
    for name in ACTS {
        fake.play([(200, failure("1006")), (503, json!("")), (200, good())]);
        let error = call(&eager, name).await.unwrap_err();
        assert_eq!(error.status().unwrap(), 503, "{name}: {error}");
        assert_eq!(fake.taken().len(), 2, "{name}");
    }
}

#[tokio::test]
async fn what_will_not_help_is_not_tried_again() {
    let answers: [Passing; 8] = [
        ("broken off", || Err(TransportError::new("broken off"))),
        ("1005", || given(200, failure("1005").to_string())),
        ("1009", || given(200, failure("1009").to_string())),
        ("2002", || given(404, failure("2002").to_string())),
        ("unknown", || given(200, failure("50004").to_string())),
        ("400", || given(400, "")),
        ("500", || given(500, "")),
        ("no envelope", || given(200, "{")),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(at_once(5)).build().unwrap();
    for (how, answer) in answers {
        fake.act(move |_| answer());
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert!(!error.is_retryable(), "{name}: {how}: {error}");
            assert_eq!(fake.taken().len(), 1, "{name}: {how}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn by_default_calls_that_read_are_made_up_to_three_times_after_pauses_drawn_at_random() {
    const ROUNDS: usize = 100;
    for body in ["", r#"{"success":false,"code":"-1"}"#] {
        let status = if body.is_empty() { 503 } else { 200 };
        let fake = Fake::new(move |_, _| ready(given(status, body)));
        let client = fake.client();
        let mut waited = [const { Vec::new() }; 2];
        for name in READS.into_iter().cycle().take(ROUNDS) {
            call(&client, name).await.unwrap_err();
            let asked = fake.taken();
            assert_eq!(asked.len(), 3, "{name}");
            for (waited, pair) in waited.iter_mut().zip(asked.windows(2)) {
                waited.push((pair[1].at - pair[0].at).as_millis());
            }
        }
        for (mut waited, longest) in waited.into_iter().zip([200, 400]) {
            waited.sort_unstable();
            assert!(waited[ROUNDS - 1] <= longest + 2, "{waited:?}");
            assert!(waited[ROUNDS - 1] > longest / 2, "{waited:?}");
            assert!(waited[0] < longest / 4, "{waited:?}");
        }
    }
}

/// An answer that asks for so many seconds of patience.
fn patient(status: u16, seconds: &str, body: String) -> Given {
    let response = http::Response::builder().status(status).header("retry-after", seconds);
    Ok(response.body(body.into()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(at_once(2).call_deadline(3600 * SECOND)).build().unwrap();
    for (status, body) in
        [(503, String::new()), (429, failure("1009").to_string()), (200, failure("-1").to_string())]
    {
        for (header, pause) in [("7", 7), ("0", 0), ("60", 60)] {
            let body = body.clone();
            fake.act(move |number| match number {
                0 => patient(status, header, body.clone()),
                _ => given(200, good().to_string()),
            });
            client.conversation("1").await.unwrap();
            let asked = fake.asked();
            assert_eq!(asked.len(), 2);
            let waited = (asked[1].at - asked[0].at).as_secs_f64();
            assert!((waited - f64::from(pause)).abs() < 0.1, "{status} {header}: {waited}");
        }
    }
    // Longer than a client waits.
    fake.act(|_| patient(503, "61", String::new()));
    assert!(client.conversation("1").await.is_err());
    assert_eq!(fake.asked().len(), 1);
    // Longer than the call may take: the error says more than the deadline would.
    fake.act(|_| patient(503, "30", String::new()));
    let client = client.with_options(at_once(2));
    let start = Instant::now();
    let error = client.sessions().await.unwrap_err();
    assert_eq!(
        (error.status(), error.is_timeout()),
        (Some(StatusCode::SERVICE_UNAVAILABLE), false)
    );
    assert_eq!((start.elapsed().as_secs(), fake.asked().len()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_takes_too_long_passes_its_deadline() {
    let body = || {
        let never = stream::pending::<Result<Vec<u8>, io::Error>>();
        reqwest::Body::wrap_stream(never)
    };
    // No head, or a head and no body.
    for silent in [true, false] {
        let fake = Fake::new(move |_, _| async move {
            if silent {
                sleep(3600 * SECOND).await;
            }
            given(200, body())
        });
        let minute = once().call_deadline(60 * SECOND);
        let plain = fake.client();
        let patient = fake.builder().options(minute.clone()).build().unwrap();
        for (client, limit) in [
            (&plain, 10),
            (&plain.with_options(minute), 60),
            (&patient, 60),
            (&patient.with_options(once()), 10),
        ] {
            for name in calls() {
                let start = Instant::now();
                let error = call(client, name).await.unwrap_err();
                assert_eq!(start.elapsed().as_secs(), limit, "{name} {silent}");
                assert_eq!(error.deadline(), Some(Deadline::Call), "{name} {silent}");
                assert!(error.is_timeout() && !error.is_retryable(), "{name} {silent}");
                assert_eq!(fake.taken().len(), 1, "{name} {silent}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_covers_its_retries() {
    let fake = Fake::new(|_, _| async {
        sleep(3 * SECOND).await;
        given(503, "")
    });
    let options = at_once(100).call_deadline(10 * SECOND);
    let client = fake.builder().options(options).build().unwrap();
    for name in READS {
        let start = Instant::now();
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
        assert_eq!((start.elapsed().as_secs(), fake.taken().len()), (10, 4), "{name}");
    }
}

/// A listener that takes connections and never says a word, so that TLS is never set up.
#[tokio::test]
async fn a_connection_that_does_not_come_to_stand_passes_the_connect_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok(connection) = listener.accept().await {
            taken.push(connection);
        }
    });
    let client = Client::builder(APP, KEY)
        .base_url(&url)
        .connect_deadline(Duration::from_millis(150))
        .options(once())
        .build()
        .unwrap();
    for name in ["sessions", "stop_session"] {
        let error = timeout(5 * SECOND, call(&client, name)).await.unwrap().unwrap_err();
        assert_eq!(error.deadline(), Some(Deadline::Connect), "{name}: {error:?}");
        assert!(error.is_retryable(), "{name}");
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let body = good().to_string();
    let fill = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    for (limit, length, good) in [
        (Some(1000), 1000, true),
        (Some(1000), 1001, false),
        (Some(body.len() - 1), body.len(), false),
        (None, 1024 * 1024, true),
        (None, 1024 * 1024 + 1, false),
    ] {
        let answer = fill(length);
        fake.act(move |_| given(200, answer.clone()));
        let options = match limit {
            Some(limit) => once().body_limit(limit),
            None => once(),
        };
        let client = plain.with_options(options);
        for name in calls() {
            match call(&client, name).await {
                Ok(_) => assert!(good, "{name} {limit:?} {length}"),
                Err(error) => {
                    assert!(!good && !error.is_retryable(), "{name} {length}: {error}");
                    let limit = limit.unwrap_or(1024 * 1024);
                    assert!(
                        error.to_string().ends_with(&format!("larger than {limit} bytes")),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Socket::answering("200 OK", good()).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("location: {}/duix\r\n", elsewhere.url);
        let socket = Socket::new(move |_| raw(status, &location, "")).await;
        let client = socket.builder().build().unwrap();
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(error.status().unwrap().as_str(), &status[..3], "{name}: {error}");
            assert!(error.failure().is_none(), "{name}: {error}");
        }
        assert_eq!(socket.asked().len(), 7, "{status}");
    }
    assert_eq!(elsewhere.asked().len(), 0);
}

#[tokio::test]
async fn over_a_socket_too_a_busy_platform_and_a_refused_token_are_asked_again() {
    let bodies = [
        raw("503 Busy", "retry-after: 0\r\n", ""),
        raw("200 OK", "", &failure("1006").to_string()),
        raw("200 OK", "retry-after: 0\r\n", &failure("40002").to_string()),
        raw("200 OK", "", &good().to_string()),
    ];
    let socket = Socket::new(move |number| bodies[number % 4].clone()).await;
    let tokens = Tokens::new(APP, KEY).clock(Ticking::new());
    let client = Client::builder_with_tokens(tokens).base_url(&socket.url).build().unwrap();
    client.concurrency().await.unwrap();
    let asked = socket.asked();
    assert_eq!(asked.len(), 4);
    assert!(asked.iter().all(|asked| asked.line == line("concurrency")), "{asked:?}");
    let tokens = crate::support::duix_platform::tokens(&asked);
    assert_eq!((tokens[0], tokens[2]), (tokens[1], tokens[3]));
    assert_ne!(tokens[1], tokens[2]);
    // A call that acts is made once in the first place.
    assert_eq!(client.stop_session("s").await.unwrap_err().status().unwrap(), 503);
    assert_eq!(socket.asked().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_can_be_made_from_many_threads() {
    let desk = Desk::default();
    let tokens = Tokens::new(APP, KEY);
    let address = start(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
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
    // The body of a new avatar is noted, too.
    let seen = desk.taken();
    assert_eq!(seen.len(), 80);
    let token = client.tokens().current();
    for seen in seen.iter().filter(|seen| seen["call"] != "body") {
        assert_eq!(seen["token"], token.expose());
    }
}

#[tokio::test]
async fn a_platform_that_hangs_up_is_not_asked_again() {
    let socket = Socket::new(|_| String::new()).await;
    let client = socket.builder().options(at_once(5)).build().unwrap();
    for (asked, name) in calls().enumerate() {
        let error = call(&client, name).await.unwrap_err();
        assert!(!error.is_retryable() && error.status().is_none(), "{name}: {error:?}");
        assert_eq!(socket.asked().len(), asked + 1, "{name}");
    }
}

#[tokio::test]
async fn headers_of_the_options_go_with_every_call() {
    let fake = Fake::playing([(200, good())]);
    let name = HeaderName::from_static("x-trace");
    let options = |value| once().header(name.clone(), HeaderValue::from_static(value));
    let client = fake.builder().options(options("a")).build().unwrap();
    for (client, expected) in [
        (&client, Some("a")),
        (&client.with_options(options("b")), Some("b")),
        (&client.with_options(once()), None),
        (&client, Some("a")),
    ] {
        for name in calls() {
            call(client, name).await.unwrap();
            let asked = fake.taken().remove(0);
            assert_eq!(asked.header("x-trace"), expected, "{name}");
            assert!(asked.token().starts_with("eyJ"), "{name}");
        }
    }
}

/// A stand-in of the platform that notes what it is asked, and fails as the ids say.
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

async fn start(router: axum::Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::serve(listener, router).into_future());
    address
}

/// A request with these header lines, byte by byte; status, head and body of the answer.
async fn ask(
    address: SocketAddr,
    line: &str,
    headers: impl AsRef<[u8]>,
    body: &str,
) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: duix\r\nconnection: close\r\ncontent-length: {length}\r\n"
    );
    let request = [head.as_bytes(), headers.as_ref(), b"\r\n", body.as_bytes()].concat();
    stream.write_all(&request).await.unwrap();
    let mut answer = String::new();
    timeout(5 * SECOND, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole head");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

/// A request without a body; status and JSON of the answer.
async fn get(address: SocketAddr, target: &str, headers: impl AsRef<[u8]>) -> (u16, Value) {
    let (status, head, body) = ask(address, &format!("GET {target}"), headers, "").await;
    assert!(head.contains("content-type: application/json"), "{head}");
    (status, body.parse().unwrap_or_else(|_| panic!("no JSON: {body}")))
}

const SESSIONS: &str = "/duix-openapi-v2/sdk/v2/getconcurrentList?appId=app-1";

#[tokio::test]
async fn a_stand_in_takes_no_request_without_a_good_token() {
    let desk = Desk::default();
    let hand = Hand::new();
    let tokens = Tokens::new(APP, KEY).clock(hand.clone());
    let address = start(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
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
            // Not even the rest of the request is looked at.
            for line in [&line, &format!("{method} {path}")] {
                let (status, head, body) = ask(address, line, headers, "").await;
                assert_eq!(status, 200, "{line} {headers}");
                assert!(head.contains("content-type: application/json"), "{head}");
                let expected = json!({"success": false, "code": code, "message": message});
                assert_eq!(body.parse::<Value>().unwrap(), expected, "{line} {headers}");
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
async fn a_token_that_is_no_text_is_bad_and_not_empty() {
    let address =
        start(Server::new(Desk::default()).check_tokens(Tokens::new(APP, KEY)).router()).await;
    for headers in [b"token: \xFF\xFE\r\n".as_slice(), "token: 令牌\r\n".as_bytes()] {
        let (status, body) = get(address, SESSIONS, headers).await;
        assert_eq!((status, &body["code"]), (200, &json!("1006")), "{body}");
    }
}

#[tokio::test]
async fn a_stand_in_that_checks_no_tokens_takes_any_but_none() {
    let desk = Desk::default();
    for router in [router(desk.clone()), Server::new(desk.clone()).router()] {
        let address = start(router).await;
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
async fn a_stand_in_puts_every_answer_into_the_envelope() {
    let desk = Desk::default();
    let tokens = Tokens::new(APP, KEY);
    let address = start(Server::new(desk.clone()).check_tokens(tokens.clone()).router()).await;
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
    // The order of parameters, further ones and their escapes are all the same.
    let path = operations::CONVERSATION_V2.path;
    let odd = format!("{path}?x=1&conversationId=a+b%26%E4%BC%9A&conversationId=c&x");
    let (status, body) = get(address, &odd, &headers).await;
    assert_eq!((status, body), (200, success(json!({"id": "a b&会 of v2"}))));
    assert_eq!(desk.taken(), [with("conversation_v2", "conversationId", "a b&会")]);

    let line = format!("POST {}", operations::CREATE_AVATAR.path);
    let request = json!({"ttsName": "voice-1", "conversationId": 108, "coverImage": null});
    let (status, _, body) = ask(address, &line, &headers, &request.to_string()).await;
    let expected = success(json!({"taskId": "task-1"}));
    assert_eq!((status, body.parse::<Value>().unwrap()), (200, expected));
    let seen = [
        json!({"call": "create_avatar", "token": token.expose()}),
        json!({"call": "body", "ttsName": "voice-1", "conversationId": "108"}),
    ];
    assert_eq!(desk.taken(), seen);

    // What does not fit the spec never reaches the handler.
    for (line, body, part) in [
        (format!("GET {path}"), "", "/conversationId: must be there"),
        (format!("GET {}?appid=app-1", operations::SESSIONS.path), "", "/appId: must be there"),
        (format!("GET {}", operations::STOP_SESSION.path), "", "/uuid: must be there"),
        (format!("GET {}", operations::AVATAR.path), "", "/taskId: must be there"),
        (line.clone(), "{}", "/ttsName: must be there"),
        (line.clone(), "", "not JSON"),
        (line, "{", "not JSON"),
    ] {
        let (status, _, answer) = ask(address, &line, &headers, body).await;
        let answer: Value = answer.parse().unwrap();
        assert_eq!((status, &answer["success"]), (400, &json!(false)), "{line}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains(part), "{line}: {answer}");
        assert_eq!(desk.taken(), [Value::Null; 0], "{line}");
    }
}

#[tokio::test]
async fn an_error_of_a_handler_becomes_a_failure_in_the_envelope() {
    let tokens = Tokens::new(APP, KEY);
    let server = || Server::new(Desk::default()).check_tokens(tokens.clone());
    let address = start(server().router()).await;
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
    let address = start(server.clone().router()).await;
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
        // By then the token has ended, and another one is made in time.
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
    // The platform's clock stands still while the client's is ahead: by as much as tokens are dated
    // back, and by more.
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
async fn the_wire_client_gives_the_whole_envelope() {
    let fake = Fake::playing([
        (200, json!({"success": true, "code": "0", "msg": "fine", "data": {"cropId": 7}})),
        (200, json!({"success": true, "code": "", "message": "", "data": ""})),
        (200, json!({"success": true})),
        (200, json!({"success": true, "code": "200", "data": {"id": 108}})),
        (200, json!({"success": true, "code": "200", "data": null})),
        (200, json!({"success": true, "code": "200", "data": {"taskId": 1}})),
        (200, json!({"success": true, "code": "200", "data": [1]})),
        (200, json!({"success": true, "code": "200", "data": {"name": "Anna"}})),
    ]);
    let client = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();

    let answer = client.concurrency(&ConcurrencyParameters::new("t-0", "a b")).await.unwrap();
    assert_eq!((answer.success, &answer.code), (true, &Some(ResponseCode::OkNewer)));
    assert_eq!(answer.message.as_deref(), Some("fine"));
    assert_eq!(answer.data.as_ref().unwrap().corp_id.as_deref(), Some("7"));
    let stop = StopAllSessionsOfAppParameters::new("t-1", APP);
    let answer = client.stop_all_sessions_of_app(&stop).await.unwrap();
    assert_eq!(answer.code.as_ref().unwrap().as_str(), "");
    assert_eq!(answer.data, Some(json!("")));
    let answer = client.stop_session(&StopSessionParameters::new("t-2", "s")).await.unwrap();
    assert_eq!((&answer.code, &answer.message, &answer.data), (&None, &None, &None));
    let parameters = ConversationParameters::new("t-3", "108");
    let answer = client.conversation(&parameters).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().id.as_deref(), Some("108"));
    let parameters = ConversationV2Parameters::new("t-4", "108");
    assert_eq!(client.conversation_v2(&parameters).await.unwrap().data, None);
    let parameters = CreateAvatarParameters::new("t-5");
    let answer = client.create_avatar(&parameters, &avatar()).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().task_id.as_deref(), Some("1"));
    let answer = client.sessions(&SessionsParameters::new("t-6", APP)).await.unwrap();
    assert_eq!(answer.data, Some(json!([1])));
    let answer = client.avatar(&AvatarParameters::new("t-7", "task-1")).await.unwrap();
    assert_eq!(answer.data.as_ref().unwrap().name.as_deref(), Some("Anna"));

    let asked = fake.taken();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line.clone()).collect();
    let v2 = operations::CONVERSATION_V2.path;
    let expected = [
        line("concurrency").replace("app-1", "a+b"),
        line("stop_all_sessions_of_app"),
        line("stop_session").replace("session-1", "s"),
        line("conversation"),
        format!("GET {v2}?conversationId=108 HTTP/1.1"),
        line("create_avatar"),
        line("sessions"),
        line("avatar"),
    ];
    assert_eq!(lines, expected);
    // The tokens are the caller's, and go as they are.
    assert_eq!(tokens(&asked), ["t-0", "t-1", "t-2", "t-3", "t-4", "t-5", "t-6", "t-7"]);
}

#[tokio::test]
async fn the_wire_client_makes_one_attempt_and_renews_nothing() {
    for (status, body) in [(200, failure("1006")), (200, failure("-1")), (503, json!(""))] {
        let fake = Fake::playing([(status, body.clone()), (200, good())]);
        let client = WireClient::builder("http://duix").transport(fake.clone()).build().unwrap();
        let error = client.sessions(&SessionsParameters::new("t", APP)).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status, "{body}");
        let failed = error.failure().map(|failure| json!(failure.code()));
        assert_eq!(failed.as_ref(), body.get("code"), "{body}");
        assert_eq!(tokens(&fake.taken()), ["t"], "{body}");
    }
}

#[tokio::test]
async fn requests_are_whole_on_the_wire_client_too() {
    let desk = Desk::default();
    let address = start(router(desk.clone())).await;
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

#[tokio::test]
async fn an_empty_id_does_not_leave() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for error in [
        client.stop_session("").await.map(drop).unwrap_err(),
        client.conversation("").await.map(drop).unwrap_err(),
        client.avatar("").await.map(drop).unwrap_err(),
    ] {
        assert!(error.violations().is_some(), "{error}");
    }
    assert_eq!(fake.asked().len(), 0);
}
