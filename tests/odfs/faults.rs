//! How an ODFS flow refuses what it can't read, and what of a flow's errors and panics gets out: one
//! well-formed failure, and nothing of the reason unless the flow's author says so.

#![cfg(all(feature = "odfs", feature = "client", feature = "server"))]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callbot::odfs::{
    Action, Api, Call, Capture, CapturedOutParams, Interacted, Issuer, Language,
    ProcessV2Parameters, Prompt, Recognize, RecognizedOutParams, ReleaseOutParams, Request,
    Response, Server, Start, TokenRequest, TokenResponse, Transferred, WireApi, router,
    wire_router,
};
use callbot::server::Error;
use serde_json::{Value, json};

use crate::support::odfs::*;

/// No answer may hold it.
const SECRET: &str = "SECRET-4711";

/// The URLs of the dialogue, and that of the tokens.
const ALL: [&str; 3] = [V1, V2, TOKEN];

/// Counts the requests that reach a handler.
#[derive(Clone, Default)]
struct Witness(Arc<AtomicUsize>);

impl Witness {
    fn step(&self, call: &Call) -> Action {
        self.0.fetch_add(1, Ordering::SeqCst);
        call.interact(Prompt::Tts("Welcome."), Language::English).into()
    }
}

impl Api for Witness {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(self.step(call))
    }

    async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
        Ok(self.step(call))
    }

    async fn transferred(&self, call: &Call, _: Transferred) -> Result<Action, Error> {
        Ok(self.step(call))
    }

    async fn hung_up(&self, call: &Call, _: Request) -> Result<ReleaseOutParams, Error> {
        self.step(call);
        Ok(call.release())
    }

    async fn capture(&self, call: &Call, _: Capture) -> Result<CapturedOutParams, Error> {
        self.step(call);
        Ok(CapturedOutParams::new())
    }

    async fn recognize(&self, call: &Call, _: Recognize) -> Result<RecognizedOutParams, Error> {
        self.step(call);
        Ok(RecognizedOutParams::new(call.id(), callbot::odfs::RecognizeType::NotYet))
    }
}

/// A flow that issues tokens and takes only those, and a peer of it.
struct Bench {
    peer: Peer,
    calls: Witness,
    token: String,
}

impl Bench {
    async fn with(settings: impl FnOnce(Server<Witness>) -> Server<Witness>) -> Self {
        let calls = Witness::default();
        let issuer = Issuer::new().account("tenant-1", SECRET);
        let answer = issuer.issue(&TokenRequest::new("tenant-1", SECRET));
        let token = answer.auth_token.unwrap().expose().to_owned();
        let server = settings(Server::new(calls.clone()).issuer(issuer));
        Self { peer: Peer::connect(serving(server.router()).await).await, calls, token }
    }

    async fn new() -> Self {
        Self::with(|server| server).await
    }

    /// A body that fits the URL.
    fn valid(&self, path: &str) -> Value {
        match path {
            TOKEN => token_request("tenant-1", SECRET),
            _ => self.allowed(&start(ID)),
        }
    }

    /// The body with a token that is taken.
    fn allowed(&self, body: &Value) -> Value {
        changed(body, [("/inparams/auth_token", Some(self.token.clone().into()))])
    }

    async fn accepts(&mut self, path: &str, bytes: &[u8]) -> Answer {
        let before = self.calls.0.load(Ordering::SeqCst);
        let answer = self.peer.ask_bytes(bytes).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let after = self.calls.0.load(Ordering::SeqCst);
        if path == TOKEN {
            assert_eq!(answer.json()["errorCode"], 0);
        } else {
            assert_eq!((answer.json()["ret"].clone(), after), (json!(0), before + 1));
        }
        answer
    }

    /// The request is refused with this status, and no handler is called. Returns the text.
    async fn refuses(&mut self, path: &str, bytes: &[u8], status: u16, id: Option<&str>) -> String {
        let before = self.calls.0.load(Ordering::SeqCst);
        let answer = self.peer.ask_bytes(bytes).await;
        let after = self.calls.0.load(Ordering::SeqCst);
        assert_eq!(before, after, "a handler was called: {answer:?}");
        assert!(!answer.body.contains("4711"), "{answer:?}");
        assert!(!answer.body.contains(&self.token), "{answer:?}");
        match path {
            // What is too large has a test of its own.
            TOKEN if status == 413 => answer.json()["errorMsg"].as_str().unwrap().to_owned(),
            TOKEN => answer.token_fault(status, 10_000_002),
            _ => answer.fault(status, -1, id),
        }
    }

    async fn refuses_json(&mut self, path: &str, body: &Value, id: Option<&str>) -> String {
        self.refuses(path, &json_post(path, body), 400, id).await
    }
}

fn json_post(path: &str, body: &Value) -> Vec<u8> {
    post(path, Some("application/json"), body.to_string().as_bytes())
}

/// The places of a request that must be filled. A token may be missing.
fn required(body: &Value) -> Vec<String> {
    let mut places: Vec<_> = ["/userid", "/inaction", "/inparams"].map(String::from).into();
    let optional: &[&str] = match body["inaction"].as_i64() {
        Some(7 | 13) => &["auth_token", "call_id", "call_sor_id"],
        _ => &["auth_token"],
    };
    let keys = body["inparams"].as_object().unwrap().keys();
    let keys = keys.filter(|key| !optional.contains(&key.as_str()));
    places.extend(keys.map(|key| format!("/inparams/{key}")));
    places
}

#[tokio::test]
async fn a_missing_or_null_field_is_named() {
    let mut bench = Bench::new().await;
    let mut places = Vec::new();
    for path in DIALOGUE {
        for body in all_kinds(ID) {
            for place in required(&body) {
                for value in [None, Some(Value::Null)] {
                    let sent = changed(&bench.allowed(&body), [(&place, value)]);
                    let id = if place == "/userid" { None } else { Some(ID) };
                    let text = bench.refuses_json(path, &sent, id).await;
                    assert_eq!(text, format!("{place}: must be there"));
                    places.push(place.clone());
                }
            }
        }
    }
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 11, "{places:?}");
    for key in ["appKey", "appSecret"] {
        let place = format!("/{key}");
        for value in [None, Some(Value::Null)] {
            let sent = changed(&bench.valid(TOKEN), [(&place, value)]);
            let text = bench.refuses_json(TOKEN, &sent, None).await;
            assert_eq!(text, format!("{place}: must be there"));
        }
    }
}

#[tokio::test]
async fn a_value_of_the_wrong_type_is_named_and_not_shown() {
    let mut bench = Bench::new().await;
    let wrong = [json!({ SECRET: SECRET }), json!([SECRET]), json!(true)];
    for path in DIALOGUE {
        for body in all_kinds(ID) {
            for place in required(&body) {
                for value in &wrong {
                    let sent = changed(&bench.allowed(&body), [(&place, Some(value.clone()))]);
                    let id = if place == "/userid" { None } else { Some(ID) };
                    let text = bench.refuses_json(path, &sent, id).await;
                    assert!(text.starts_with(&place), "{place} is wrong: {text}");
                }
            }
        }
    }
    for key in ["/appKey", "/appSecret"] {
        for value in &wrong {
            let sent = changed(&bench.valid(TOKEN), [(key, Some(value.clone()))]);
            let text = bench.refuses_json(TOKEN, &sent, None).await;
            assert!(text.starts_with(&format!("{key}: invalid type: ")), "{text}");
        }
    }
    let in_start = |pointer, value: Value| (changed(&start(ID), [(pointer, Some(value))]), pointer);
    let in_input =
        |pointer, value: Value| (changed(&said(ID, "x"), [(pointer, Some(value))]), pointer);
    let queue = json!({"queueIndex": [SECRET]});
    for (body, pointer) in [
        in_start("/inparams", json!(SECRET)),
        in_start("/inparams/auth_token", json!([SECRET])),
        in_start("/inparams/real_callee", json!({ SECRET: 1 })),
        in_start("/extparams", json!(SECRET)),
        in_start("/seat", json!([SECRET])),
        in_input("/inparams/feedback", json!(SECRET)),
        in_input("/inparams/feedback", json!("")),
        in_input("/inparams/feedback", json!(4711.5)),
        in_input("/inparams/begin_play", json!([SECRET])),
        in_input("/extparams", json!([SECRET])),
        (changed(&said(ID, "x"), [("/extparams", Some(queue.clone()))]), "/extparams/queueIndex"),
        (changed(&said(ID, "x"), [("/ExtParams", Some(queue))]), "/ExtParams/queueIndex"),
    ] {
        let text = bench.refuses_json(V1, &body, Some(ID)).await;
        assert!(text.starts_with(&format!("{pointer}: ")), "{pointer} is wrong: {text}");
    }
}

#[tokio::test]
async fn an_unknown_kind_of_request_is_refused() {
    let mut bench = Bench::new().await;
    for kind in [
        json!(0),
        json!(1),
        json!(10),
        json!(12),
        json!(99),
        json!(-8),
        json!(8.5),
        json!(88888888888_u64),
        json!("12"),
        json!(""),
        json!("start"),
        json!(" 8"),
    ] {
        for path in DIALOGUE {
            let sent = changed(&bench.valid(path), [("/inaction", Some(kind.clone()))]);
            let text = bench.refuses_json(path, &sent, Some(ID)).await;
            assert_eq!(text, "/inaction: unknown value, expected 7, 8, 9, 11 or 13", "{kind}");
        }
    }
    for kind in [json!([8]), json!({"8": 8}), json!(true)] {
        let sent = changed(&bench.valid(V1), [("/inaction", Some(kind.clone()))]);
        let text = bench.refuses_json(V1, &sent, Some(ID)).await;
        assert_eq!(text, "/inaction: expected a string or a number", "{kind}");
    }
}

#[tokio::test]
async fn an_id_that_is_a_number_is_echoed_whatever_is_wrong() {
    let mut bench = Bench::new().await;
    for (pointer, value) in [
        ("/inparams/call_id", None),
        ("/inaction", None),
        ("/inparams", Some(json!([]))),
        ("/inaction", Some(json!(12))),
    ] {
        let changes = [("/userid", Some(json!(1528780879))), (pointer, value)];
        let sent = changed(&bench.valid(V1), changes);
        bench.refuses_json(V1, &sent, Some("1528780879")).await;
    }
}

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let mut bench = Bench::new().await;
    for path in ALL {
        let whole = bench.valid(path).to_string();
        let mut bodies = vec![
            String::new(),
            " \n".into(),
            "[]".into(),
            format!("[{whole}]"),
            "null".into(),
            "4711".into(),
            format!("\"{SECRET}\""),
            whole.replace(':', "="),
            whole.replace('"', "'"),
            format!("\u{FEFF}{whole}"),
        ];
        bodies.extend((1..10).map(|end| whole[..end].to_owned()));
        for body in bodies {
            let bytes = post(path, Some("application/json"), body.as_bytes());
            bench.refuses(path, &bytes, 400, None).await;
        }
        // A body that is not there at all may well come without a type.
        bench.refuses(path, &post(path, None, b""), 400, None).await;
        // Two documents, and bytes that are no text.
        let id = (path != TOKEN).then_some(ID);
        let twice = format!("{whole}{whole}");
        let bytes = post(path, Some("application/json"), twice.as_bytes());
        let text = bench.refuses(path, &bytes, 400, id).await;
        assert!(text.starts_with("not JSON: "), "{text}");
        let mut bytes = json_post(path, &bench.valid(path));
        *bytes.iter_mut().rev().nth(3).unwrap() = 0xFF;
        bench.refuses(path, &bytes, 400, id).await;
    }
    // The id is echoed where it could be read before the body broke off.
    for path in DIALOGUE {
        let whole = bench.valid(path).to_string();
        assert!(whole.starts_with(&format!("{{\"userid\":\"{ID}\",")), "{whole}");
        for end in (40..whole.len()).step_by(9) {
            let bytes = post(path, Some("application/json"), &whole.as_bytes()[..end]);
            let text = bench.refuses(path, &bytes, 400, Some(ID)).await;
            assert!(text.contains("not JSON: "), "{text}");
        }
    }
}

#[tokio::test]
async fn deep_nesting_is_refused_or_kept_within_limits_and_never_followed() {
    let mut bench = Bench::new().await;
    let arrays = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    for path in ALL {
        for body in [arrays(200_000), "[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            let bytes = post(path, Some("application/json"), body.as_bytes());
            bench.refuses(path, &bytes, 400, None).await;
        }
    }
    for path in DIALOGUE {
        for place in ["/inparams", "/inparams/input", "/extparams", "/inaction"] {
            let body = changed(&said(ID, "x"), [(place, Some("here".into()))]).to_string();
            let body = body.replace("\"here\"", &arrays(200_000));
            let bytes = post(path, Some("application/json"), body.as_bytes());
            let text = bench.refuses(path, &bytes, 400, Some(ID)).await;
            assert!(text.len() < 200, "{}", &text[..200]);
        }
        // Unknown keys are kept, so that they must have an end.
        for (depth, good) in [(100, true), (200, false), (200_000, false)] {
            let body = changed(&bench.valid(path), [("/inparams/unknown", Some("here".into()))]);
            let body = body.to_string().replace("\"here\"", &arrays(depth));
            let bytes = post(path, Some("application/json"), body.as_bytes());
            if good {
                bench.accepts(path, &bytes).await;
            } else {
                let text = bench.refuses(path, &bytes, 400, Some(ID)).await;
                assert!(text.len() < 200, "{}", &text[..200]);
            }
        }
    }
}

#[tokio::test]
async fn only_json_content_types_are_accepted() {
    let mut bench = Bench::new().await;
    for path in ALL {
        let body = bench.valid(path).to_string();
        for content_type in [
            Some("application/json"),
            Some("application/json; charset=UTF-8"),
            Some("Application/JSON;charset=\"utf-8\""),
            Some("application/vnd.huawei.oiap+json"),
            None,
        ] {
            bench.accepts(path, &post(path, content_type, body.as_bytes())).await;
        }
        for content_type in [
            "text/plain",
            "text/plain; type=application/json",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "json",
            "",
        ] {
            let bytes = post(path, Some(content_type), body.as_bytes());
            let id = (path != TOKEN).then_some(ID);
            let text = bench.refuses(path, &bytes, 415, id).await;
            assert!(text.contains("application/json"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_and_one_at_the_limit_is_not() {
    const MIB: usize = 1024 * 1024;
    for limit in [None, Some(1000), Some(3 * MIB)] {
        let settings = |server: Server<Witness>| match limit {
            Some(limit) => server.body_limit(limit),
            None => server,
        };
        let limit = limit.unwrap_or(MIB);
        for path in ALL {
            let mut bench = Bench::with(settings).await;
            let valid = bench.valid(path);
            let sized = |length: usize| {
                let pad = |pad: usize| {
                    changed(&valid, [("/unknown", Some("x".repeat(pad).into()))]).to_string()
                };
                let body = pad(length - pad(0).len());
                assert_eq!(body.len(), length);
                post(path, Some("application/json"), body.as_bytes())
            };
            bench.accepts(path, &sized(limit)).await;
            // Nothing of the body was kept, so that there is no id.
            let text = bench.refuses(path, &sized(limit + 1), 413, None).await;
            assert!(text.contains(&limit.to_string()), "{text}");
            // That connection is over.
            bench = Bench::with(settings).await;
            bench.refuses(path, &sized(8 * MIB), 413, None).await;
        }
    }
}

/// The ways to fail without a word to the platform.
const SILENT: [&str; 5] = ["io", "nested", "parse", "panic", "panic with a value"];

/// Fails in the way that was said.
fn fail(how: &str) -> Result<(), Error> {
    #[derive(Debug)]
    struct Nested(io::Error);

    impl std::fmt::Display for Nested {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("outer")
        }
    }

    impl std::error::Error for Nested {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    let wire = || Error::public("no such account");
    match how {
        "wire" => Err(wire()),
        "wire with a status" => Err(wire().status(404)),
        "wire with a code" => Err(wire().code("200800001").status(403)),
        "wire with a negative code" => Err(wire().code("-7")),
        "wire with a name" => Err(wire().code("NoAccount")),
        "wire with no failure" => Err(wire().code("0").status(200)),
        "wire with many zeros" => Err(wire().code("000")),
        "wire with a large code" => Err(wire().code("2147483648")),
        "wire with the largest code" => Err(wire().code("2147483647").status(599)),
        "unsupported" => Err(Error::unsupported()),
        "io" => Err(io::Error::other(SECRET).into()),
        "nested" => Err(Nested(io::Error::other(SECRET)).into()),
        "parse" => Ok(SECRET.parse::<u8>().map(|_| ())?),
        "panic" => panic!("{SECRET}"),
        "panic with a value" => std::panic::panic_any(vec![SECRET]),
        _ => Ok(()),
    }
}

/// Fails as the number says that was called.
struct Faulty;

impl Api for Faulty {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        fail(call.called())?;
        Ok(call.release().into())
    }

    async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
        tokio::task::yield_now().await;
        fail(call.called())?;
        Ok(call.release().into())
    }

    async fn transferred(&self, call: &Call, _: Transferred) -> Result<Action, Error> {
        fail(call.called())?;
        Ok(call.release().into())
    }

    // Before there is a future.
    fn hung_up(
        &self,
        call: &Call,
        _: Request,
    ) -> impl Future<Output = Result<ReleaseOutParams, Error>> + Send {
        std::future::ready(fail(call.called()).map(|()| call.release()))
    }

    async fn capture(&self, call: &Call, _: Capture) -> Result<CapturedOutParams, Error> {
        fail(call.called())?;
        Ok(CapturedOutParams::new())
    }

    async fn recognize(&self, call: &Call, _: Recognize) -> Result<RecognizedOutParams, Error> {
        fail(call.called())?;
        Ok(RecognizedOutParams::new(call.id(), callbot::odfs::RecognizeType::NotYet))
    }
}

/// Every kind of request, for a flow that fails in this way.
fn failing(how: &str) -> Vec<Value> {
    let mut bodies: Vec<_> = all_kinds(ID).into();
    bodies.extend([hangup(ID), transferred_hangup(ID)]);
    let called = |body: &Value| changed(body, [("/inparams/call_dst_id", Some(how.into()))]);
    bodies.iter().map(called).collect()
}

#[tokio::test]
async fn a_wire_error_shows_its_text_and_status_and_a_code_that_is_a_number() {
    let mut peer = Peer::connect(serving(router(Faulty)).await).await;
    for (how, status, ret) in [
        ("wire", 500, -1),
        ("wire with a status", 404, -1),
        ("wire with a code", 403, 200_800_001),
        ("wire with a negative code", 500, -7),
        // A code that is no number, or none of a failure.
        ("wire with a name", 500, -1),
        ("wire with no failure", 500, -1),
        ("wire with many zeros", 500, -1),
        ("wire with a large code", 500, -1),
        ("wire with the largest code", 599, 2_147_483_647),
    ] {
        for path in DIALOGUE {
            for body in failing(how) {
                let answer = peer.ask(path, &body).await;
                assert_eq!(answer.fault(status, ret, Some(ID)), "no such account", "{how}");
                assert!(answer.body.contains(&format!("\"ret\":{ret},")), "{}", answer.body);
            }
        }
    }
    for body in failing("unsupported") {
        let text = peer.ask(V1, &body).await.fault(501, -1, Some(ID));
        assert_eq!(text, "the operation is not supported");
    }
}

#[tokio::test]
async fn no_other_error_and_no_panic_shows_its_text_and_the_server_goes_on() {
    let address = serving(router(Faulty)).await;
    let mut peer = Peer::connect(address).await;
    for path in DIALOGUE {
        for how in SILENT {
            for (body, fine) in failing(how).into_iter().zip(failing("fine")) {
                let answer = peer.ask(path, &body).await;
                assert_eq!(answer.fault(500, -1, Some(ID)), "internal error", "{how}: {body}");
                assert!(!answer.body.contains(SECRET));
                for answer in [peer.ask(path, &fine).await, ask(address, path, &fine).await] {
                    assert_eq!((answer.status, &answer.json()["ret"]), (200, &json!(0)));
                }
            }
        }
    }
}

#[tokio::test]
async fn the_author_gets_to_know_the_whole_error() {
    let (traces, _guard) = traced();
    let address = serving(router(Faulty)).await;
    for (path, operation) in [(V1, "process"), (V2, "processV2")] {
        for (how, parts) in [
            ("wire", &["ERROR", "the handler failed: no such account"][..]),
            ("io", &["ERROR", "the handler failed: SECRET-4711"]),
            ("nested", &["ERROR", "the handler failed: outer: SECRET-4711"]),
            ("panic", &["ERROR", "the handler panicked"]),
        ] {
            let body = &failing(how)[0];
            let before = traces.with(parts).len();
            ask(address, path, body).await;
            let lines = traces.with(parts);
            assert_eq!(lines.len(), before + 1, "{how}: {}", traces.text());
            let line = lines.last().unwrap();
            assert!(line.contains(&format!("operation=\"{operation}\"")), "{line}");
        }
        // What was refused is traced with its place.
        let body = changed(&start(ID), [("/inparams/call_id", None)]);
        ask(address, path, &body).await;
        let parts = ["WARN", "refused: /inparams/call_id: must be there", operation];
        assert!(!traces.with(&parts).is_empty(), "{}", traces.text());
    }
    assert_eq!(traces.with(&["the handler panicked", SECRET]).len(), 0);
}

/// Fails in the way that the app key, or the number that was called, names.
struct FaultyWire;

impl WireApi for FaultyWire {
    async fn process(&self, _: Request) -> Result<Response, Error> {
        Err(Error::unsupported())
    }

    async fn process_v2(&self, _: ProcessV2Parameters, _: Request) -> Result<Response, Error> {
        Err(Error::unsupported())
    }

    async fn get_token(&self, request: TokenRequest) -> Result<TokenResponse, Error> {
        fail(&request.app_key)?;
        Ok(TokenResponse::new(0))
    }
}

#[tokio::test]
async fn a_failure_of_gettoken_has_the_fields_of_a_token_answer() {
    let mut peer = Peer::connect(serving(wire_router(FaultyWire)).await).await;
    for (how, status, code, text) in [
        ("wire", 500, 10_000_001, "no such account"),
        ("wire with a status", 404, 10_000_001, "no such account"),
        ("wire with a code", 403, 200_800_001, "no such account"),
        ("wire with a name", 500, 10_000_001, "no such account"),
        ("wire with a large code", 500, 10_000_001, "no such account"),
        ("unsupported", 501, 10_000_001, "the operation is not supported"),
    ] {
        let answer = peer.ask(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(status, code), text, "{how}");
    }
    for how in SILENT {
        let answer = peer.ask(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(500, 10_000_001), "internal error", "{how}");
        let fine = peer.ask(TOKEN, &token_request("fine", SECRET)).await;
        assert_eq!((fine.status, fine.json()), (200, json!({"errorCode": 0})));
    }
}

#[tokio::test]
async fn a_failure_of_gettoken_can_not_look_like_a_success() {
    let mut peer = Peer::connect(serving(wire_router(FaultyWire)).await).await;
    for how in ["wire with no failure", "wire with many zeros"] {
        let answer = peer.ask(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(500, 10_000_001), "no such account", "{how}");
    }
}

#[tokio::test]
async fn a_token_request_that_is_too_large_is_a_wrong_parameter_and_no_internal_error() {
    let mut bench = Bench::with(|server| server.body_limit(10)).await;
    let answer = bench.peer.ask(TOKEN, &token_request("tenant-1", SECRET)).await;
    answer.token_fault(413, 10_000_002);
}
