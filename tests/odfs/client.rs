//! The ODFS client: the bytes of its requests, where its token comes from and when it is renewed, which
//! answers are failures, and that it never repeats a step of a call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::client::{CallOptions, Deadline, Error, InMemoryTransport, Retries};
use callbot::odfs::{
    CallTime, Client, FlowReleaseReason, Issuer, ProcessV2Parameters, Release, ReleaseOutParams,
    ReleaseOutParamsFields, Request, Response, Server, TokenRequest, TokenResponse, WireApi,
    WireServer, router,
};
use callbot::server;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::support::odfs::*;

const KEY: &str = "tenant-1";
const SECRET: &str = "SECRET-4711";

/// A client with a token that is given.
fn fixed(stub: &Stub) -> Client {
    Client::builder_with_token(&stub.url, "t-fixed").build().unwrap()
}

/// A client with an account.
fn with_account(stub: &Stub) -> Client {
    Client::builder(&stub.url, KEY, SECRET).build().unwrap()
}

/// Up to `most` retries without a pause.
fn at_once(most: u32) -> CallOptions {
    CallOptions::new().retries(Retries::up_to(most).initial_backoff(Duration::ZERO))
}

/// Issues the tokens `t-1`, `t-2` and so on, and answers every other request with `answer`.
async fn issuing(answer: impl Fn(&Seen, usize) -> Say + Send + Sync + 'static) -> Stub {
    Stub::new(move |seen, before| {
        if seen.is_token() {
            say(&token(&format!("t-{}", before + 1), 3600))
        } else {
            answer(seen, before)
        }
    })
    .await
}

async fn step(client: &Client) -> Result<Response, Error> {
    client.process(request(&said(ID, "Hello!"))).await.map(|answer| answer.into_inner())
}

fn with_token(body: &Value, token: &str) -> Value {
    changed(body, [("/inparams/auth_token", Some(token.into()))])
}

#[tokio::test]
async fn a_request_goes_to_the_documented_path_with_the_token_filled_in() {
    let stub = Stub::new(|_, _| say(&release())).await;
    let client = fixed(&stub);
    let mut bodies: Vec<_> = all_kinds(ID).into();
    bodies.push(hangup(ID));
    bodies.push(changed(
        &said(ID, "\u{4f60}\u{597d} \"quoted\""),
        [
            ("/seat", Some("ass".into())),
            ("/unknown", Some(json!({"a": [1, null]}))),
            ("/inparams/feedback", Some(1.into())),
            ("/inparams/inter_idx", Some("3".into())),
            ("/inparams/unknown", Some(true.into())),
            ("/extparams", Some(json!({"queueIndex": "2", "unknown": 1.5}))),
        ],
    ));
    for body in bodies {
        for token in [Some(Value::from("opaque")), Some("".into()), None] {
            let sent = changed(&body, [("/inparams/auth_token", token)]);
            client.process(request(&sent)).await.unwrap();
            let seen = stub.seen().pop().unwrap();
            assert_eq!(seen.line, format!("POST {V1} HTTP/1.1"));
            assert_eq!(seen.json(), with_token(&body, "t-fixed"));
            let number = format!("\"inaction\":{}", body["inaction"]);
            assert!(String::from_utf8(seen.body.clone()).unwrap().contains(&number), "{seen:?}");
            for (name, value) in [
                ("content-type", Some("application/json")),
                ("accept", Some("application/json")),
                ("authorization", None),
                ("username", None),
                ("token", None),
            ] {
                assert_eq!(seen.header(name), value);
            }
        }
    }
}

#[tokio::test]
async fn a_tenant_space_goes_into_the_path_as_one_segment() {
    let stub = Stub::new(|_, _| say(&release())).await;
    let below = "/oifde/rest/v2/crs/process";
    for (space, segment) in [
        ("vdn-1", "vdn-1"),
        ("1", "1"),
        ("a b", "a%20b"),
        ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
        ("../../crs/process", "..%2F..%2Fcrs%2Fprocess"),
        ("...", "..."),
        ("\u{4e2d}", "%E4%B8%AD"),
        ("{vdnId}", "%7BvdnId%7D"),
    ] {
        let client =
            Client::builder_with_token(&stub.url, "t-fixed").tenant_space(space).build().unwrap();
        step(&client).await.unwrap();
        let seen = stub.seen().pop().unwrap();
        assert_eq!(seen.path(), format!("{below}/{segment}"), "{space:?}");
        assert_eq!(seen.json(), with_token(&said(ID, "Hello!"), "t-fixed"));
    }
    let before = stub.seen().len();
    for space in ["", ".", ".."] {
        let client =
            Client::builder_with_token(&stub.url, "t-fixed").tenant_space(space).build().unwrap();
        let error = step(&client).await.unwrap_err();
        let violations = error.violations().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(violations.iter().next().unwrap().pointer(), "/vdnId");
    }
    assert_eq!(stub.seen().len(), before, "nothing was sent");
    // A base URL may have a path. The tenant space is not in the path of the tokens.
    let stub = issuing(|_, _| say(&release())).await;
    let base = format!("{}/below/", stub.url);
    let client = Client::builder(&base, KEY, SECRET).tenant_space("vdn-1").build().unwrap();
    // The stub reads this path as one of the dialogue.
    assert!(step(&client).await.is_err());
    assert_eq!(stub.seen().pop().unwrap().path(), format!("/below{TOKEN}"));
    let client = Client::builder_with_token(&base, "t").tenant_space("vdn-1").build().unwrap();
    step(&client).await.unwrap();
    assert_eq!(stub.seen().pop().unwrap().path(), format!("/below{below}/vdn-1"));
}

#[tokio::test]
async fn a_token_request_holds_the_account_and_nothing_else() {
    let stub = issuing(|_, _| say(&release())).await;
    let client = with_account(&stub);
    step(&client).await.unwrap();
    let seen = stub.seen();
    assert_eq!(seen[0].line, format!("POST {TOKEN} HTTP/1.1"));
    assert_eq!(seen[0].json(), json!({"appKey": KEY, "appSecret": SECRET}));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!((seen[1].path(), seen[1].token()), (V1, "t-1".into()));
    // The token is used for all later requests of all clones.
    for client in [client.clone(), client.with_options(CallOptions::new()), client] {
        step(&client).await.unwrap();
    }
    assert_eq!(stub.counts(), (1, 4));
    assert!(stub.steps().iter().all(|seen| seen.token() == "t-1"));
}

#[tokio::test]
async fn invalid_requests_are_not_sent() {
    let stub = Stub::new(|_, _| say(&release())).await;
    let client = fixed(&stub);
    let long = |length: usize| Some(Value::from("x".repeat(length)));
    for (body, pointer, length) in [
        (start(ID), "/userid", 64),
        (said(ID, "x"), "/inparams/call_id", 64),
        (start(ID), "/inparams/call_sor_id", 64),
        (start(ID), "/inparams/call_dst_id", 20),
        (said(ID, "x"), "/inparams/input", 1024),
        (transferred(ID, "0"), "/inparams/call_dst_id", 20),
        (transferred(ID, "0"), "/inparams/begin_trans", 0),
        (capture(ID), "/inparams/real_callee", 32),
    ] {
        let before = stub.seen().len();
        let sent = changed(&body, [(pointer, long(length + 1))]);
        let error = client.process(request(&sent)).await.unwrap_err();
        let violations = error.violations().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(violations.iter().next().unwrap().pointer(), pointer);
        assert_eq!(stub.seen().len(), before, "nothing was sent");
        if length > 0 {
            let sent = changed(&body, [(pointer, long(length))]);
            client.process(request(&sent)).await.unwrap();
        }
        // Neither the caller's number nor the caller's words show.
        let hides = ["call_sor_id", "input"].iter().any(|key| pointer.ends_with(key));
        assert_eq!(error.to_string().contains("xxx"), !hides && length > 0, "{error}");
    }
}

#[tokio::test]
async fn an_answer_is_read_in_all_its_forms() {
    let without = |answer: Value, keys: &[&str]| {
        let mut answer = answer;
        for key in keys {
            answer.as_object_mut().unwrap().remove(*key);
        }
        answer
    };
    let text = |answer: Value, key: &str| {
        let text = answer[key].to_string();
        changed(&answer, [(&format!("/{key}"), Some(text.into()))])
    };
    let null = |answer: &Value| {
        changed(answer, [("/ret", Some(Value::Null)), ("/userid", Some(Value::Null))])
    };
    let captured = json!({"ret": "0", "userid": ID, "outaction": "7", "outparams": {}});
    let recognized = json!({
        "ret": "0", "userid": ID, "outaction": "13",
        "outparams": {"call_id": ID, "recognize_type": "0"},
    });
    for (body, kind) in [
        (interact("Hello"), "9"),
        (release(), "10"),
        (transfer(), "11"),
        (query(), "12"),
        (captured, "7"),
        (recognized, "13"),
        (without(interact("Hello"), &["ret", "userid"]), "9"),
        (without(release(), &["ret", "userid"]), "10"),
        (without(release(), &["ret", "userid", "outparams"]), "10"),
        (without(transfer(), &["ret", "userid"]), "11"),
        (without(query(), &["ret", "userid"]), "12"),
        (text(text(interact("Hello"), "ret"), "outaction"), "9"),
        (null(&interact("Hello")), "9"),
        (changed(&interact("Hello"), [("/userid", Some(4711.into()))]), "9"),
        (changed(&interact("Hello"), [("/outparams/language", None)]), "9"),
        (changed(&interact("Hello"), [("/outparams/unknown", Some(json!([1])))]), "9"),
        (json!({"outaction": 99, "anything": true}), "99"),
    ] {
        let shown = body.clone();
        let stub = Stub::new(move |_, _| say(&body)).await;
        let answer = fixed(&stub).process(request(&said(ID, "Hello!"))).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(answer.kind(), kind, "{shown}");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json; charset=UTF-8");
    }
}

#[tokio::test]
async fn every_ret_but_0_is_a_failure_with_its_code_and_text() {
    let failing = |ret: Value| {
        let mut answer = release();
        answer["ret"] = ret;
        answer["errorMsg"] = "no such flow".into();
        answer
    };
    let said = Some("no such flow");
    for (status, body, code, message) in [
        (200, failing(json!(-1)), "-1", said),
        (200, failing(json!("-1")), "-1", said),
        (200, failing(json!(1)), "1", said),
        (200, failing(json!(200_900_002)), "200900002", said),
        (500, failing(json!(10_000_001)), "10000001", said),
        (400, failing(json!(-1)), "-1", said),
        (200, changed(&interact("Hello"), [("/ret", Some(5.into()))]), "5", None),
        (200, changed(&transfer(), [("/ret", Some("6".into()))]), "6", None),
        (200, changed(&query(), [("/ret", Some(7.into()))]), "7", None),
        (200, json!({"ret": 8, "outaction": 7, "outparams": {}}), "8", None),
        // Envelopes of the same protocol family, and incomplete ones.
        (200, json!({"ret": -1}), "-1", None),
        (500, json!({"ret": -1}), "-1", None),
        (200, json!({"ret": "-1", "outaction": "10"}), "-1", None),
        (200, json!({"userid": ID, "ret": "-1", "outparams": {}}), "-1", None),
        (200, json!({"ret": 3, "outaction": 9}), "3", None),
        (200, json!({"ret": 99999999999_u64, "outaction": 10}), "99999999999", None),
        (200, json!({"ret": "E-17", "errorMsg": "no such flow"}), "E-17", said),
        (200, json!({"errorCode": 10_000_002, "errorMsg": "no such flow"}), "10000002", said),
        (500, json!({"errorCode": "10000002"}), "10000002", None),
    ] {
        let (shown, text) = (body.clone(), body.to_string());
        let stub = Stub::new(move |_, _| say_with(status, &text)).await;
        let error = step(&fixed(&stub)).await.unwrap_err();
        let failure = error.failure().unwrap_or_else(|| panic!("{error}: {shown}"));
        assert_eq!((failure.code(), failure.message()), (code, message), "{shown}");
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(stub.counts(), (0, 1));
    }
}

#[tokio::test]
async fn a_ret_is_a_failure_in_an_answer_of_an_unknown_kind_too() {
    for answer in [
        json!({"ret": 5, "userid": ID, "outaction": 99, "outparams": {}}),
        json!({"ret": "5", "outaction": "99"}),
        json!({"ret": 5, "outaction": 8}),
    ] {
        let shown = answer.clone();
        let stub = Stub::new(move |_, _| say(&answer)).await;
        let error = step(&fixed(&stub)).await.expect_err(&format!("a failure: {shown}"));
        assert_eq!(error.failure().unwrap().code(), "5");
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error() {
    for (status, body, decode, text) in [
        (200, "", true, "process: the response can't be read: not JSON"),
        (200, "<html>", true, "process: the response can't be read: not JSON"),
        (
            200,
            "{\"ret\":0}",
            true,
            "process: the response can't be read: /outaction: must be there",
        ),
        (200, "{\"ret\":0,\"outaction\":9}", true, "can't be read: /outparams: must be there"),
        (200, "[]", true, "process: the response can't be read: "),
        (500, "<html>", false, "process: the server responded with HTTP 500 Internal Server Error"),
        (404, "", false, "process: the server responded with HTTP 404 Not Found"),
        (302, "{}", false, "process: the server responded with HTTP 302 Found"),
        (500, "{\"ret\":0}", false, "process: the server responded with HTTP 500"),
    ] {
        let stub = Stub::new(move |_, _| say_with(status, body)).await;
        let error = step(&fixed(&stub)).await.unwrap_err();
        assert_eq!((error.failure(), error.decode_error().is_some()), (None, decode), "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(stub.counts(), (0, 1));
    }
    // An HTTP status of failure is an error, whatever the body says.
    let stub = Stub::new(|_, _| say_with(500, &release().to_string())).await;
    let error = step(&fixed(&stub)).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), error.failure()), (500, None));
}

#[tokio::test]
async fn simultaneous_calls_fetch_one_token() {
    let stub = issuing(|_, _| say(&release())).await;
    let client = with_account(&stub);
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { step(&client).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(stub.counts(), (1, 20));
    assert!(stub.steps().iter().all(|seen| seen.token() == "t-1"));
}

/// A refusal of the token: HTTP status and body.
fn refusals() -> Vec<(u16, String)> {
    let with = |ret: Value| changed(&release(), [("/ret", Some(ret))]).to_string();
    vec![
        (401, String::new()),
        (403, String::new()),
        (401, "{}".into()),
        (403, "<html>Forbidden</html>".into()),
        (401, with(json!(900_001))),
        (403, with(json!(900_002))),
        (401, with(json!(-1))),
        // A gateway may send any body.
        (401, release().to_string()),
        (200, with(json!(900_001))),
        (200, with(json!(900_002))),
        (200, with(json!("900001"))),
        (200, with(json!("900002"))),
        (500, with(json!(900_001))),
        (200, json!({"ret": 900_001}).to_string()),
        (200, json!({"ret": "900002", "outaction": "10"}).to_string()),
        (200, json!({"errorCode": 900_001, "errorMsg": "expired"}).to_string()),
        (200, json!({"errorCode": "900002"}).to_string()),
    ]
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_request_is_repeated_once() {
    for (status, body) in refusals() {
        let shown = format!("{status} {body}");
        let stub = issuing(move |seen, _| match seen.token().as_str() {
            "t-1" => say_with(status, &body),
            _ => say(&release()),
        })
        .await;
        let client = with_account(&stub);
        step(&client).await.unwrap_or_else(|error| panic!("{error}: {shown}"));
        assert_eq!(stub.counts(), (2, 2), "{shown}");
        let seen = stub.seen();
        let paths: Vec<_> = seen.iter().map(Seen::path).collect();
        assert_eq!(paths, [TOKEN, V1, TOKEN, V1]);
        // The second request is the first with the new token.
        assert_eq!(seen[1].json(), with_token(&said(ID, "Hello!"), "t-1"));
        assert_eq!(seen[3].json(), with_token(&said(ID, "Hello!"), "t-2"));
        // The new token stays in use.
        step(&client).await.unwrap();
        assert_eq!(stub.counts(), (2, 3), "{shown}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_again_is_an_error() {
    for (status, body) in refusals() {
        let shown = format!("{status} {body}");
        let stub = issuing(move |_, _| say_with(status, &body)).await;
        let client = with_account(&stub).with_options(at_once(5));
        let error = step(&client).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status, "{shown}");
        assert_eq!(stub.counts(), (2, 2), "{shown}");
        // The next request tries again.
        step(&client).await.unwrap_err();
        let (tokens, steps) = stub.counts();
        assert!((3..=4).contains(&tokens) && (3..=4).contains(&steps), "{shown}");
    }
}

#[tokio::test]
async fn no_other_failure_renews_the_token() {
    let with = |ret: Value| changed(&release(), [("/ret", Some(ret))]).to_string();
    for (status, body) in [
        (200, with(json!(-1))),
        (200, with(json!(900_003))),
        (200, with(json!(9_000_011))),
        (200, with(json!(401))),
        (400, with(json!(-1))),
        (402, String::new()),
        (404, String::new()),
        (407, String::new()),
        (500, with(json!(200_800_001))),
        (503, String::new()),
        (200, "not JSON".into()),
    ] {
        let shown = format!("{status} {body}");
        let stub = issuing(move |_, _| say_with(status, &body)).await;
        step(&with_account(&stub)).await.unwrap_err();
        assert_eq!(stub.counts(), (1, 1), "{shown}");
    }
}

#[tokio::test]
async fn calls_refused_at_the_same_time_renew_the_token_once() {
    let stub = issuing(|seen, _| match seen.token().as_str() {
        "t-1" => say_with(401, ""),
        _ => say(&release()),
    })
    .await;
    let client = with_account(&stub);
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { step(&client).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let (tokens, steps) = stub.counts();
    assert_eq!(tokens, 2);
    assert!((11..=20).contains(&steps), "{steps}");
}

#[tokio::test]
async fn a_token_that_is_given_is_neither_fetched_nor_renewed() {
    for (status, body) in refusals() {
        let shown = format!("{status} {body}");
        let stub = issuing(move |_, _| say_with(status, &body)).await;
        let error = step(&fixed(&stub).with_options(at_once(3))).await.unwrap_err();
        assert_eq!(error.status().unwrap(), status);
        assert_eq!(stub.counts(), (0, 1), "{shown}");
        assert_eq!(stub.seen()[0].token(), "t-fixed");
    }
    let stub = issuing(|_, _| say(&release())).await;
    step(&fixed(&stub)).await.unwrap();
    assert_eq!(stub.counts(), (0, 1));
}

#[tokio::test]
async fn an_unanswered_step_is_never_retried() {
    let busy = |status: u16| say_with(status, "");
    let fault = changed(&release(), [("/ret", Some((-1).into()))]).to_string();
    for (what, retryable, timeout) in [
        (Say::Nothing, false, true),
        (Say::Cut, false, false),
        (busy(429), true, false),
        (busy(502), true, false),
        (busy(503), true, false),
        (busy(504), true, false),
        (say_with(503, &fault), true, false),
        (busy(500), false, false),
    ] {
        let shown = format!("{what:?}");
        let stub = issuing(move |_, _| what.clone()).await;
        let options = at_once(3).call_deadline(Duration::from_millis(300));
        let account = || Client::builder(&stub.url, KEY, SECRET);
        for (number, client) in [
            account().build().unwrap().with_options(options.clone()),
            account().options(options.clone()).build().unwrap(),
            account().tenant_space("vdn-1").options(options.clone()).build().unwrap(),
            fixed(&stub).with_options(options.clone()),
        ]
        .into_iter()
        .enumerate()
        {
            let error = step(&client).await.unwrap_err();
            assert_eq!((error.is_retryable(), error.is_timeout()), (retryable, timeout), "{shown}");
            assert_eq!(stub.counts().1, number + 1, "{shown}");
        }
        assert_eq!(stub.counts().0, 3, "{shown}");
    }
}

#[tokio::test]
async fn fetching_a_token_is_retried_by_the_options() {
    for (retries, busy, good) in [(2, 2, true), (3, 2, true), (1, 2, false), (0, 1, false)] {
        let play = move |seen: &Seen, before: usize| match seen.is_token() {
            true if before < busy => say_with(503, ""),
            true => say(&token("t-1", 3600)),
            false => say(&release()),
        };
        let stub = Stub::new(play).await;
        let account = Client::builder(&stub.url, KEY, SECRET);
        let answer = step(&account.options(at_once(retries)).build().unwrap()).await;
        let attempts = usize::try_from(retries).unwrap().min(busy) + 1;
        assert_eq!(answer.is_ok(), good, "{answer:?}");
        assert_eq!(stub.counts(), (attempts, usize::from(good)));
        if let Err(error) = answer {
            assert_eq!(
                error.to_string(),
                "getToken: the server responded with HTTP 503 Service Unavailable"
            );
        }
        // The same with options of a clone.
        let stub = Stub::new(play).await;
        let answer = step(&with_account(&stub).with_options(at_once(retries))).await;
        assert_eq!(answer.is_ok(), good);
        assert_eq!(stub.counts(), (attempts, usize::from(good)));
    }
    // An unanswered token request is not retried.
    let stub = Stub::new(|_, _| Say::Nothing).await;
    let options = at_once(3).call_deadline(Duration::from_millis(200));
    let error = step(&with_account(&stub).with_options(options)).await.unwrap_err();
    assert_eq!((error.deadline(), stub.counts()), (Some(Deadline::Call), (1, 0)));
}

#[tokio::test]
async fn an_unreachable_peer_is_retried_for_the_token_only() {
    // Bound but not listening: no other process gets the port, and connections are refused.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", bound.local_addr().unwrap());
    for (builder, counts) in [
        (Client::builder(&url, KEY, SECRET), (4, 0)),
        (Client::builder_with_token(&url, "t"), (0, 1)),
    ] {
        let keeping = Keeping::new(http_client());
        let client = builder.transport(keeping.clone()).options(at_once(3)).build().unwrap();
        let error = step(&client).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(keeping.counts(), counts);
    }
}

/// A custom `reqwest::Client`. With TLS it needs a provider for the whole process.
fn http_client() -> reqwest::Client {
    #[cfg(feature = "rustls")]
    let _ = rustls::crypto::ring::default_provider().install_default();
    #[cfg(all(feature = "rustls-aws-lc-rs", not(feature = "rustls")))]
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

#[tokio::test]
async fn a_refused_token_request_is_an_error_and_the_next_call_tries_again() {
    for (status, body, code, text) in [
        (
            200,
            json!({"errorCode": 200_800_002, "errorMsg": "wrong key"}).to_string(),
            Some("200800002"),
            "getToken: failure 200800002: wrong key",
        ),
        (
            200,
            json!({"errorCode": "900002", "authToken": "t-0"}).to_string(),
            Some("900002"),
            "getToken: failure 900002",
        ),
        (
            401,
            json!({"errorCode": 900_001, "errorMsg": "who?"}).to_string(),
            Some("900001"),
            "getToken: failure 900001: who?",
        ),
        (401, String::new(), None, "getToken: the server responded with HTTP 401 Unauthorized"),
        (403, "<html>".into(), None, "getToken: the server responded with HTTP 403 Forbidden"),
        (
            200,
            json!({"errorCode": 0}).to_string(),
            None,
            "getToken: the response can't be read: /authToken: must be there",
        ),
        (
            200,
            json!({"authToken": "t-0"}).to_string(),
            None,
            "getToken: the response can't be read: /errorCode: must be there",
        ),
        (
            500,
            token("t-0", 3600).to_string(),
            None,
            "getToken: the server responded with HTTP 500 Internal Server Error",
        ),
    ] {
        let shown = body.clone();
        let stub = Stub::new(move |seen, before| match seen.is_token() {
            true if before == 0 => say_with(status, &body),
            true => say(&token("t-1", 3600)),
            false => say(&release()),
        })
        .await;
        let client = with_account(&stub);
        let error = step(&client).await.unwrap_err();
        assert_eq!(error.to_string(), text, "{shown}");
        assert_eq!(error.failure().map(|failure| failure.code()), code);
        assert_eq!(stub.counts(), (1, 0), "{shown}");
        step(&client).await.unwrap();
        assert_eq!(stub.counts(), (2, 1), "{shown}");
    }
}

#[tokio::test]
async fn a_renewal_that_fails_is_the_error() {
    let stub = Stub::new(|seen, before| match seen.is_token() {
        true if before == 1 => say_with(500, "{\"errorCode\":10000001}"),
        true => say(&token("t", 3600)),
        false if before == 0 => say_with(401, ""),
        false => say(&release()),
    })
    .await;
    let client = with_account(&stub);
    let error = step(&client).await.unwrap_err();
    assert_eq!(error.to_string(), "getToken: failure 10000001");
    assert_eq!(stub.counts(), (2, 1));
    step(&client).await.unwrap();
    assert_eq!(stub.counts(), (3, 2));
}

/// An ODFS in the same process. It issues tokens with these lifetimes, the first one after a pause.
#[derive(Clone, Default)]
struct Near {
    lives: Vec<Option<i64>>,
    /// The pause before the first token, in seconds.
    slow: u64,
    given: Arc<Mutex<Vec<String>>>,
}

impl Near {
    fn living(life: Option<i64>) -> Self {
        Self { lives: vec![life], ..Self::default() }
    }

    fn client(&self) -> (Client, Keeping) {
        let server = WireServer::new(self.clone()).deadline(None);
        let keeping = Keeping::new(InMemoryTransport::new(server.router()));
        let client = Client::builder("http://odfs", KEY, SECRET).transport(keeping.clone());
        (client.build().unwrap(), keeping)
    }
}

impl WireApi for Near {
    async fn process(&self, _: Request) -> Result<Response, server::Error> {
        let time: CallTime = "2018090407:16:24".parse()?;
        let params = ReleaseOutParams::new(ReleaseOutParamsFields {
            call_id: ID,
            call_sor_id: "",
            call_dst_id: "",
            start_time: time.clone(),
            end_time: time,
        });
        Ok(Release::new(params.with_release_reason(FlowReleaseReason::Completed)).into())
    }

    async fn process_v2(
        &self,
        _: ProcessV2Parameters,
        request: Request,
    ) -> Result<Response, server::Error> {
        self.process(request).await
    }

    async fn get_token(&self, _: TokenRequest) -> Result<TokenResponse, server::Error> {
        let number = {
            let mut given = self.given.lock().unwrap();
            let number = given.len();
            given.push(format!("t-{}", number + 1));
            number
        };
        if number == 0 {
            sleep(Duration::from_secs(self.slow)).await;
        }
        let life = self.lives.get(number).or(self.lives.last()).copied().flatten();
        let answer = TokenResponse::new(0).with_auth_token(format!("t-{}", number + 1));
        Ok(match life {
            Some(life) => answer.with_expire_time(life),
            None => answer,
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_shortly_before_it_expires() {
    // The lifetime of the token, a time at which it is still used, and one at which it must not be.
    for (life, good, ending) in [
        (Some(3600), 3400.0, 3599.0),
        (Some(7200), 7000.0, 7199.0),
        (Some(600), 480.0, 599.0),
        (Some(100), 80.0, 99.5),
        (Some(10), 8.0, 9.9),
        (Some(1), 0.5, 0.99),
        // A missing lifetime is an hour.
        (None, 3400.0, 3599.0),
    ] {
        let (client, keeping) = Near::living(life).client();
        step(&client).await.unwrap();
        sleep(Duration::from_secs_f64(good)).await;
        step(&client).await.unwrap();
        assert_eq!(keeping.counts(), (1, 2), "{life:?}");
        sleep(Duration::from_secs_f64(ending - good)).await;
        step(&client).await.unwrap();
        assert_eq!(keeping.counts(), (2, 3), "{life:?}");
        // The new token has a whole lifetime.
        sleep(Duration::from_secs_f64(good)).await;
        step(&client).await.unwrap();
        assert_eq!(keeping.counts(), (2, 4), "{life:?}");
        let tokens: Vec<_> = keeping
            .seen()
            .into_iter()
            .filter(|seen| !seen.is_token())
            .map(|seen| seen.token())
            .collect();
        assert_eq!(tokens, ["t-1", "t-1", "t-2", "t-2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_absurd_lifetime_of_a_token_does_no_harm() {
    for life in [0, -1, i64::MIN] {
        let (client, keeping) = Near::living(Some(life)).client();
        for _ in 0..3 {
            step(&client).await.unwrap();
        }
        assert_eq!(keeping.counts().1, 3, "{life}");
    }
    for life in [i64::MAX, 1 << 40] {
        let (client, keeping) = Near::living(Some(life)).client();
        for _ in 0..3 {
            step(&client).await.unwrap();
            sleep(Duration::from_secs(365 * 24 * 3600)).await;
        }
        assert_eq!(keeping.counts(), (1, 3), "{life}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lifetime_of_a_token_counts_from_its_request() {
    let near = Near { slow: 80, ..Near::living(Some(100)) };
    let (client, keeping) = near.client();
    let client = client.with_options(CallOptions::new().call_deadline(Duration::from_secs(1000)));
    step(&client).await.unwrap();
    assert_eq!(keeping.counts(), (1, 1));
    sleep(Duration::from_secs(19)).await;
    step(&client).await.unwrap();
    assert_eq!(keeping.counts(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn calls_during_the_fetch_of_a_token_wait_for_it() {
    let (client, keeping) = Near { slow: 5, ..Near::living(None) }.client();
    let late = async {
        sleep(Duration::from_secs(3)).await;
        step(&client).await
    };
    let (first, second, third) = tokio::join!(step(&client), step(&client), late);
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(keeping.counts(), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_does_not_cancel_the_token_for_others() {
    let (client, keeping) = Near { slow: 5, ..Near::living(None) }.client();
    let first = tokio::spawn({
        let client = client.clone();
        async move { step(&client).await }
    });
    sleep(Duration::from_secs(1)).await;
    let (second, ()) = tokio::join!(step(&client), async {
        sleep(Duration::from_secs(1)).await;
        first.abort();
    });
    second.unwrap();
    assert_eq!(keeping.counts(), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_token_keeps_its_own_deadline() {
    let (client, _) = Near { slow: 100, ..Near::living(None) }.client();
    let seconds = |seconds| CallOptions::new().call_deadline(Duration::from_secs(seconds));
    let (patient, hasty) = (client.with_options(seconds(1000)), client.with_options(seconds(5)));
    let start = Instant::now();
    let (first, second) = tokio::join!(step(&patient), async {
        sleep(Duration::from_secs(1)).await;
        let answer = step(&hasty).await;
        (answer, start.elapsed().as_secs())
    });
    first.unwrap();
    let (answer, waited) = second;
    assert!(waited <= 20, "a deadline of 5 s has become {waited} s");
    assert_eq!(answer.unwrap_err().deadline(), Some(Deadline::Call));
}

#[tokio::test]
async fn errors_and_debug_show_neither_secrets_nor_what_was_said() {
    let private = "PRIVATE-4711";
    for (status, body) in [
        (200, json!({"ret": -1, "outaction": 10}).to_string()),
        (401, String::new()),
        (200, format!("{{\"outaction\":9,\"outparams\":{{\"call_id\":[\"{private}\"]}}}}")),
        (200, format!("\"{private}\"")),
        (500, private.into()),
    ] {
        let stub = Stub::new(move |seen, _| match seen.is_token() {
            true => say(&token("TOKEN-4711", 3600)),
            false => say_with(status, &body),
        })
        .await;
        let url = stub.url.replace("http://", "http://user:PRIVATE-4711@");
        let client = Client::builder(&url, KEY, SECRET).build().unwrap();
        let error = client.process(request(&said(ID, private))).await.unwrap_err();
        for shown in [format!("{error} {error:?} {error:#?}"), format!("{client:?} {client:#?}")] {
            for hidden in [SECRET, private, "TOKEN-4711"] {
                assert!(!shown.contains(hidden), "{hidden} shows in {shown}");
            }
        }
    }
    let client = Client::builder_with_token("http://odfs", "t-fixed").build().unwrap();
    assert!(!format!("{client:?}").contains("t-fixed"));
}

#[test]
fn an_invalid_base_url_is_an_error_that_does_not_show_it() {
    for url in ["", "odfs", "ftp://odfs", "http://", "http://odfs?x=y", "http://odfs#x"] {
        let error = Client::builder(url, KEY, SECRET).build().unwrap_err();
        assert!(error.to_string().starts_with("the client can't be built"), "{error}");
        assert!(Client::builder_with_token(url, "t").build().is_err(), "{url}");
    }
}

#[tokio::test]
async fn client_and_server_of_this_crate_understand_each_other() {
    let issuer_time = Hands::at(SAMPLE_TIME);
    let issuer = Issuer::new().account(KEY, SECRET).clock(issuer_time.clone());
    let router = Server::new(Parrot).issuer(issuer).router();
    let url = format!("http://{}", start_router(router).await);
    let plain = Client::builder(&url, KEY, SECRET);
    let spaced = Client::builder(&url, KEY, SECRET).tenant_space("a/b \u{4e2d}");
    for builder in [plain, spaced] {
        let keeping = Keeping::new(http_client());
        let client = builder.transport(keeping.clone()).build().unwrap();
        for (body, kind) in [
            (start(ID), "9"),
            (said(ID, "Hello!"), "9"),
            (transferred(ID, "0"), "10"),
            (capture(ID), "7"),
            (recognize(ID), "13"),
            (hangup(ID), "10"),
        ] {
            let answer = client.process(request(&body)).await.unwrap();
            assert_eq!((&*answer.kind(), answer.status().as_u16()), (kind, 200));
        }
        assert_eq!(keeping.counts(), (1, 6));
        // The server's token expires before the client expects it.
        issuer_time.forward(3600);
        client.process(request(&start(ID))).await.unwrap();
        assert_eq!(keeping.counts(), (2, 8));
    }
}

#[tokio::test]
async fn a_fault_of_the_server_is_a_failure_for_the_client() {
    let url = format!("http://{}", start_router(router(Parrot)).await);
    let client = Client::builder(&url, KEY, SECRET).build().unwrap();
    let error = step(&client).await.unwrap_err();
    assert_eq!(error.to_string(), "getToken: failure 10000003: this server issues no tokens");
    assert_eq!(error.status().unwrap(), 404);
    let answer = error.body_as::<TokenResponse>().unwrap();
    assert_eq!((answer.error_code, answer.auth_token), (10_000_003, None));
    let client = Client::builder_with_token(&url, "t").build().unwrap();
    let unknown = changed(&start(ID), [("/inaction", Some(12.into()))]);
    let error = client.process(request(&unknown)).await.unwrap_err();
    let text = "process: failure -1: /inaction: unknown value, expected 7, 8, 9, 11 or 13";
    assert_eq!((error.to_string(), error.status().unwrap().as_u16()), (text.into(), 400));
}
