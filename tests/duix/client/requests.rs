//! What the client sends: lines, tokens, bodies and headers, and the addresses that it can have.

use std::sync::{Arc, Mutex};

use callbot::client::TransportError;
use callbot::duix::{BASE_URL, Client, CreateAvatarRequest, Tokens, operations};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{line, once};
use crate::support::duix_platform::{APP, Fake, KEY, Socket, avatar, call, calls, good};

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
async fn the_body_of_a_new_avatar_has_only_the_fields_that_were_set() {
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
async fn unusual_ids_are_encoded_and_cannot_add_parameters() {
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
async fn the_base_url_and_the_conversation_may_have_paths() {
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
        // The path applies to no other call.
        client.sessions().await.unwrap();
        let line = socket.asked().pop().unwrap().line;
        assert!(line.contains(operations::SESSIONS.path), "{line}");
    }
}

#[tokio::test]
async fn the_last_path_of_the_conversation_is_used() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().conversation_path("/a").conversation_path("/b").build().unwrap();
    client.conversation("1").await.unwrap();
    assert_eq!(fake.asked()[0].line, "GET /b?conversationId=1 HTTP/1.1");
}

#[tokio::test]
async fn an_invalid_address_is_refused_when_the_client_is_built() {
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
async fn without_a_base_url_the_documented_host_is_called() {
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
async fn the_headers_of_the_options_are_sent_with_every_call() {
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

#[tokio::test]
async fn an_empty_id_is_not_sent() {
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
