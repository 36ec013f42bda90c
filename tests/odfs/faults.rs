//! Refusals and failures of ODFS in their details: nested places, kinds of requests, codes that have
//! to be numbers, and the answers of `gettoken`. What holds on every platform is in
//! `tests/server/bad_requests.rs` and `tests/server/faults.rs`.

use std::io;

use callbot::odfs::{
    Action, Api, Call, Capture, CapturedOutParams, Interacted, Issuer, ProcessV2Parameters,
    Recognize, RecognizeType, RecognizedOutParams, ReleaseOutParams, Request, Response, Server,
    Start, TokenRequest, TokenResponse, Transferred, WireApi, router, wire_router,
};
use callbot::server::Error;
use serde_json::{Value, json};

use crate::support::json::{arrays, with_json};
use crate::support::odfs::*;

/// A text that no answer may hold.
const SECRET: &str = "SECRET-4711";

/// A peer of a flow that releases every call.
struct Bench {
    peer: Peer,
}

impl Bench {
    async fn new() -> Self {
        Self { peer: Peer::connect(start_router(router(Faulty)).await).await }
    }

    /// Sends a request that must be refused with this id of the call. Returns the text.
    async fn refuses(&mut self, post: &Post, id: &str) -> String {
        let answer = self.peer.ask(post).await;
        assert!(!answer.body.contains("4711"), "{answer:?}");
        answer.fault(400, -1, Some(id))
    }

    async fn refuses_json(&mut self, path: &str, body: &Value, id: &str) -> String {
        self.refuses(&Post::json(path, body), id).await
    }
}

#[tokio::test]
async fn a_nested_value_of_the_wrong_type_is_named_and_not_shown() {
    let mut bench = Bench::new().await;
    let in_start = |pointer, value: Value| (changed(&start(ID), [(pointer, Some(value))]), pointer);
    let in_input =
        |pointer, value: Value| (changed(&said(ID, "x"), [(pointer, Some(value))]), pointer);
    for (body, pointer) in [
        in_start("/inparams", json!(SECRET)),
        in_start("/inparams/auth_token", json!([SECRET])),
        in_input("/inparams/input", json!([SECRET])),
        in_input("/inparams/inter_no", json!({ SECRET: 1 })),
        in_input("/inparams/flow_result_type", json!([SECRET])),
        in_input("/inparams/flow_result_type", json!(null)),
    ] {
        let text = bench.refuses_json(V1, &body, ID).await;
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
            let sent = changed(&start(ID), [("/inaction", Some(kind.clone()))]);
            let text = bench.refuses_json(path, &sent, ID).await;
            assert_eq!(text, "/inaction: unknown value, expected 7, 8, 9, 11 or 13", "{kind}");
        }
    }
    for kind in [json!([8]), json!({"8": 8}), json!(true)] {
        let sent = changed(&start(ID), [("/inaction", Some(kind.clone()))]);
        let text = bench.refuses_json(V1, &sent, ID).await;
        assert_eq!(text, "/inaction: expected a string or a number", "{kind}");
    }
}

#[tokio::test]
async fn an_id_that_is_a_number_is_echoed_whatever_is_wrong() {
    let mut bench = Bench::new().await;
    for (pointer, value) in [
        ("/inparams/auth_token", Some(json!([]))),
        ("/inaction", None),
        ("/inparams", Some(json!([]))),
        ("/inaction", Some(json!(12))),
    ] {
        let changes = [("/userid", Some(json!(1528780879))), (pointer, value)];
        let sent = changed(&start(ID), changes);
        bench.refuses_json(V1, &sent, "1528780879").await;
    }
}

#[tokio::test]
async fn deep_nesting_within_a_field_is_refused_or_kept_within_limits() {
    let mut bench = Bench::new().await;
    for path in DIALOGUE {
        for place in ["/inparams", "/inparams/input", "/extparams", "/inaction"] {
            let body = with_json(&said(ID, "x"), place, &arrays(200_000));
            let text = bench.refuses(&Post::new(path, body), ID).await;
            assert!(text.len() < 200, "{}", &text[..200]);
        }
        // Unknown keys are kept, so their depth has a limit.
        for (depth, good) in [(100, true), (200, false), (200_000, false)] {
            let body = with_json(&start(ID), "/inparams/unknown", &arrays(depth));
            let post = Post::new(path, body);
            if good {
                bench.peer.ask(&post).await.outparams(ID, 10);
            } else {
                let text = bench.refuses(&post, ID).await;
                assert!(text.len() < 200, "{}", &text[..200]);
            }
        }
    }
}

/// The ways to fail whose reason must not show.
const SILENT: [&str; 4] = ["io", "parse", "panic", "panic with a value"];

/// Fails in this way; any other text is a success.
fn fail(how: &str) -> Result<(), Error> {
    let public = || Error::public("no such account");
    match how {
        "public" => Err(public()),
        "public with a status" => Err(public().status(404)),
        "public with a code" => Err(public().code("200800001").status(403)),
        "public with a negative code" => Err(public().code("-7")),
        "public with a name" => Err(public().code("NoAccount")),
        "public with no failure" => Err(public().code("0").status(200)),
        "public with many zeros" => Err(public().code("000")),
        "public with a large code" => Err(public().code("2147483648")),
        "public with the largest code" => Err(public().code("2147483647").status(599)),
        "unsupported" => Err(Error::unsupported()),
        "io" => Err(io::Error::other(SECRET).into()),
        "parse" => Ok(SECRET.parse::<u8>().map(|_| ())?),
        "panic" => panic!("{SECRET}"),
        "panic with a value" => std::panic::panic_any(vec![SECRET]),
        _ => Ok(()),
    }
}

/// Fails in the way that the called number names.
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
        Ok(RecognizedOutParams::new(call.id(), RecognizeType::NotYet))
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
async fn a_public_error_shows_its_text_and_status_and_a_code_that_is_a_number() {
    let mut peer = Peer::connect(start_router(router(Faulty)).await).await;
    for (how, status, ret) in [
        ("public", 500, -1),
        ("public with a status", 404, -1),
        ("public with a code", 403, 200_800_001),
        ("public with a negative code", 500, -7),
        // Codes that are not a number, or not that of a failure.
        ("public with a name", 500, -1),
        ("public with no failure", 500, -1),
        ("public with many zeros", 500, -1),
        ("public with a large code", 500, -1),
        ("public with the largest code", 599, 2_147_483_647),
    ] {
        for path in DIALOGUE {
            for body in failing(how) {
                let answer = peer.ask_json(path, &body).await;
                assert_eq!(answer.fault(status, ret, Some(ID)), "no such account", "{how}");
                assert!(answer.body.contains(&format!("\"ret\":{ret},")), "{}", answer.body);
            }
        }
    }
}

/// Fails in the way that the app key names.
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
    let mut peer = Peer::connect(start_router(wire_router(FaultyWire)).await).await;
    for (how, status, code, text) in [
        ("public", 500, 10_000_001, "no such account"),
        ("public with a status", 404, 10_000_001, "no such account"),
        ("public with a code", 403, 200_800_001, "no such account"),
        ("public with a name", 500, 10_000_001, "no such account"),
        ("public with a large code", 500, 10_000_001, "no such account"),
        ("unsupported", 501, 10_000_001, "the operation is not supported"),
    ] {
        let answer = peer.ask_json(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(status, code), text, "{how}");
    }
    for how in SILENT {
        let answer = peer.ask_json(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(500, 10_000_001), "internal error", "{how}");
        let fine = peer.ask_json(TOKEN, &token_request("fine", SECRET)).await;
        assert_eq!((fine.status, fine.json()), (200, json!({"errorCode": 0})));
    }
}

#[tokio::test]
async fn a_failure_of_gettoken_cannot_look_like_a_success() {
    let mut peer = Peer::connect(start_router(wire_router(FaultyWire)).await).await;
    for how in ["public with no failure", "public with many zeros"] {
        let answer = peer.ask_json(TOKEN, &token_request(how, SECRET)).await;
        assert_eq!(answer.token_fault(500, 10_000_001), "no such account", "{how}");
    }
}

#[tokio::test]
async fn a_token_request_that_is_too_large_is_a_wrong_parameter_and_not_an_internal_error() {
    let server = Server::new(Faulty).issuer(Issuer::new()).body_limit(10);
    let mut peer = Peer::connect(start_router(server.router()).await).await;
    let answer = peer.ask_json(TOKEN, &token_request("tenant-1", SECRET)).await;
    answer.token_fault(413, 10_000_002);
}

#[tokio::test]
async fn a_refusal_is_traced_with_its_place() {
    for (path, operation) in [(V1, "operation=\"process\""), (V2, "operation=\"processV2\"")] {
        let (traces, _guard) = traced();
        let mut bench = Bench::new().await;
        let body = changed(&said(ID, "x"), [("/inparams/flow_result_type", None)]);
        bench.refuses_json(path, &body, ID).await;
        let parts = ["WARN", "refused: /inparams/flow_result_type: must be there", operation];
        assert_eq!(traces.with(&parts).len(), 1, "{}", traces.text());
    }
}
