//! The trace of a request goes through the turn that it starts, to the requests that the bot makes.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
use callbot::observe::TraceContext;
use http::Request;
use serde_json::json;
use tower_service::Service;

use crate::support::spans::spanned;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// Keeps the context of each turn.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Option<TraceContext>>>>);

impl Bot for Witness {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push(TraceContext::current());
        reply.say("Hello!").await
    }
}

async fn ask(router: &Router, path: &str, body: serde_json::Value, trace: bool) {
    let request = Request::post(path).header("content-type", "application/json");
    let mut request = request.header("authorization", "key-1");
    if trace {
        request = request.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
        request = request.header("tracestate", "a=1");
    }
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = router.clone().call(request).await.unwrap();
    assert_eq!(response.status(), 200);
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
}

#[tokio::test]
async fn a_turn_is_a_part_of_the_trace_of_its_request_on_every_platform() {
    let question = json!({
        "dh-conversation-id": "c", "dh-question": "Hello?", "dh-code": "a", "sid": "u",
    });
    let inparams = json!({
        "call_id": "c", "call_dst_id": "1", "flow_result_type": "1", "input": "Hello?",
        "auth_token": "t",
    });
    for (platform, path, body) in [
        (
            "digital-employee",
            "/proxy/dialogue",
            json!({
                "requestId": "r", "tenantId": 1, "instanceId": "n", "scriptId": "sc",
                "sessionId": "c", "streamId": "t", "utterance": "Hello?",
            }),
        ),
        ("duix", "/duix/dialogue", question.clone()),
        ("duix-stream", "/duix/dialogue/stream", question),
        (
            "odfs",
            callbot::odfs::operations::PROCESS.path,
            json!({"userid": "c", "inaction": 9, "inparams": inparams}),
        ),
        (
            "aicall",
            "/v1/chat/completions",
            json!({
                "model": "bot", "messages": [{"role": "user", "content": "Hello?"}],
                "extendData": {"instanceId": "c"},
            }),
        ),
        (
            "chat",
            "/v1/chat/completions",
            json!({
                "model": "bot", "messages": [{"role": "user", "content": "Hello?"}],
                "metadata": {"call_id": "c"}, "stream": true,
            }),
        ),
    ] {
        for trace in [true, false] {
            let (spans, _guard) = spanned();
            let witness = Witness::default();
            let host = Host::builder(witness.clone()).chat_key("key-1").build();
            let router = host.router().unwrap();
            ask(&router, path, body.clone(), trace).await;
            let seen = witness.0.lock().unwrap().pop().expect("a turn");
            let (requests, turns) = (spans.named("request"), spans.named("turn"));
            assert_eq!((requests.len(), turns.len()), (1, 1), "{platform}");
            let (request, turn) = (&requests[0].1, &turns[0].1);
            assert_eq!(turn.fields["platform"], platform);
            assert!(turn.follows.contains(&requests[0].0), "the turn is linked to its request");
            if !trace {
                assert_eq!(seen, None, "{platform}");
                assert_eq!(turn.fields.get("trace_id"), None);
                continue;
            }
            let own = &turn.fields["span_id"];
            let seen = seen.expect("the context of the turn");
            assert_eq!(seen.traceparent(), format!("00-{TRACE}-{own}-01"), "{platform}");
            assert_eq!(seen.tracestate(), Some("a=1"));
            assert_eq!(turn.fields["trace_id"], TRACE);
            assert_eq!(turn.fields["parent_id"], request.fields["span_id"]);
            assert_eq!(request.fields["parent_id"], PARENT);
        }
    }
}
