//! Shared by the tests of ODFS: sample requests, the forms of an answer, a scripted server, a transport
//! that keeps requests, and a clock that is set by hand.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) use super::json::changed;
pub(crate) use super::peer::*;
use super::script;
pub(crate) use super::script::Seen;
use callbot::client::{Transport, TransportError};
use callbot::clock::Clock;
use callbot::odfs::{Action, Api, Call, Interacted, Language, Prompt, Request, Start};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

pub(crate) const V1: &str = "/oifde/rest/crs/process";
pub(crate) const V2: &str = "/oifde/rest/v2/crs/process/vdn-1";
pub(crate) const TOKEN: &str = "/oifde/rest/api/gettoken";

/// The URLs of the dialogue.
pub(crate) const DIALOGUE: [&str; 2] = [V1, V2];

pub(crate) const ID: &str = "1528780879-9581";
pub(crate) const CALLER: &str = "13500000001";
pub(crate) const CALLED: &str = "10086";

pub(crate) fn start(id: &str) -> Value {
    json!({
        "userid": id, "inaction": 8,
        "inparams": {
            "call_id": id, "call_sor_id": CALLER, "call_dst_id": CALLED, "auth_token": "opaque",
        },
    })
}

/// The result of an interaction: `flow_result_type` and `input`.
pub(crate) fn interacted(id: &str, kind: &str, input: &str) -> Value {
    json!({
        "userid": id, "inaction": 9,
        "inparams": {
            "call_id": id, "call_dst_id": CALLED, "flow_result_type": kind, "input": input,
            "auth_token": "opaque",
        },
    })
}

pub(crate) fn said(id: &str, text: &str) -> Value {
    interacted(id, "1", text)
}

pub(crate) fn hangup(id: &str) -> Value {
    interacted(id, "-1", "hangup")
}

pub(crate) fn transferred(id: &str, result: &str) -> Value {
    json!({
        "userid": id, "inaction": 11,
        "inparams": {
            "call_id": id, "call_dst_id": CALLED, "begin_trans": "2018090407:20:00",
            "end_trans": "2018090407:20:04", "trans_result": result, "auth_token": "opaque",
        },
    })
}

pub(crate) fn transferred_hangup(id: &str) -> Value {
    changed(&transferred(id, "0"), [("/inparams/input", Some("hangup".into()))])
}

/// A request with `inaction` 7.
pub(crate) fn capture(id: &str) -> Value {
    json!({
        "userid": id, "inaction": 7,
        "inparams": {
            "call_id": id, "call_sor_id": CALLER, "call_dst_id": CALLED, "auth_token": "opaque",
        },
    })
}

pub(crate) fn recognize(id: &str) -> Value {
    changed(&capture(id), [("/inaction", Some(13.into()))])
}

/// One request of each kind that goes to the flow.
pub(crate) fn all_kinds(id: &str) -> [Value; 5] {
    [start(id), said(id, "Hello!"), transferred(id, "0"), capture(id), recognize(id)]
}

pub(crate) fn token_request(key: &str, secret: &str) -> Value {
    json!({"appKey": key, "appSecret": secret})
}

/// Reads such a body as the crate's type.
pub(crate) fn request(body: &Value) -> Request {
    serde_json::from_value(body.clone()).unwrap()
}

/// A flow that repeats what the caller said.
pub(crate) struct Parrot;

impl Api for Parrot {
    async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
        Ok(call.interact(Prompt::Tts("Welcome."), Language::English).into())
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        Ok(call.interact(Prompt::Tts(&request.inparams.input), Language::English).into())
    }
}

impl Answer {
    /// The `outparams` of a success, whose envelope must be this one.
    pub(crate) fn outparams(&self, id: &str, outaction: u8) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        let json = self.json();
        let envelope = (&json["ret"], &json["userid"], &json["outaction"]);
        assert_eq!(envelope, (&json!(0), &json!(id), &json!(outaction)), "{json}");
        json["outparams"].clone()
    }

    /// The text of a refusal or a failure, which must be an empty release.
    pub(crate) fn fault(&self, status: u16, ret: i64, id: Option<&str>) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        let text = json["errorMsg"].as_str().unwrap_or_default().to_owned();
        assert_ne!(text, "", "a fault says something: {json}");
        let mut expected = json!({
            "ret": ret, "outaction": 10, "errorMsg": text,
            "outparams": {
                "call_id": id.unwrap_or_default(), "call_sor_id": "", "call_dst_id": "",
                "start_time": "", "end_time": "", "release_reason": "1",
            },
        });
        if let Some(id) = id {
            expected["userid"] = id.into();
        }
        assert_eq!(json, expected);
        text
    }

    /// The text of a refusal or a failure of `gettoken`.
    pub(crate) fn token_fault(&self, status: u16, code: i64) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        let text = json["errorMsg"].as_str().unwrap_or_default().to_owned();
        assert_ne!(text, "", "a fault says something: {json}");
        assert_eq!(json, json!({"errorCode": code, "errorMsg": text}));
        text
    }
}

/// Sends one request over a new connection.
pub(crate) async fn ask(address: SocketAddr, path: &str, body: &Value) -> Answer {
    Peer::connect(address).await.ask_json(path, body).await
}

impl Seen {
    pub(crate) fn is_token(&self) -> bool {
        self.path() == TOKEN
    }

    /// The token of a dialogue request.
    pub(crate) fn token(&self) -> String {
        self.json()["inparams"]["auth_token"].as_str().unwrap_or("none").to_owned()
    }
}

/// How the stub answers a request.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// Sends these bytes and closes the connection.
    Bytes(String),
    /// Sends nothing and keeps the connection.
    Nothing,
    /// Closes the connection.
    Cut,
}

/// An answer with this JSON and HTTP status 200.
pub(crate) fn say(body: &Value) -> Say {
    say_with(200, &body.to_string())
}

pub(crate) fn say_with(status: u16, body: &str) -> Say {
    let status = format!("{status} Whatever");
    Say::Bytes(script::answer(&status, "content-type: application/json; charset=UTF-8\r\n", body))
}

/// The answer of `gettoken` with this token.
pub(crate) fn token(token: &str, seconds: i64) -> Value {
    json!({"errorCode": 0, "errorMsg": "", "authToken": token, "expireTime": seconds})
}

/// An answer with `outaction` 9.
pub(crate) fn interact(text: &str) -> Value {
    json!({
        "ret": 0, "userid": ID, "outaction": 9,
        "outparams": {"call_id": ID, "prompt_type": "2", "prompt_text": text, "language": "1"},
    })
}

/// An answer with `outaction` 10.
pub(crate) fn release() -> Value {
    json!({
        "ret": 0, "userid": ID, "outaction": 10,
        "outparams": {
            "call_id": ID, "call_sor_id": CALLER, "call_dst_id": CALLED,
            "start_time": "2018090407:16:24", "end_time": "2018090407:20:24",
            "release_reason": "0",
        },
    })
}

/// An answer with `outaction` 11.
pub(crate) fn transfer() -> Value {
    json!({
        "ret": 0, "userid": ID, "outaction": 11,
        "outparams": {
            "call_id": ID, "call_sor_id": CALLER, "trans_type": "3", "route_value": "Billing",
        },
    })
}

/// An answer with `outaction` 12.
pub(crate) fn query() -> Value {
    json!({
        "ret": 0, "userid": ID, "outaction": 12,
        "outparams": {"call_id": ID, "prompt_type": "1", "moduleName": "Query"},
    })
}

/// A raw TCP server on loopback. A function decides about each request, by the number of requests to
/// the same path before it.
pub(crate) struct Stub {
    pub(crate) url: String,
    inner: script::Stub,
}

impl Stub {
    pub(crate) async fn new(play: impl Fn(&Seen, usize) -> Say + Send + Sync + 'static) -> Self {
        listen();
        let counts = Mutex::new(HashMap::<String, usize>::new());
        let inner = script::Stub::playing(move |seen, _| {
            let before = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(seen.path().into()).or_default();
                *count += 1;
                *count - 1
            };
            match play(seen, before) {
                Say::Bytes(bytes) => vec![script::send(bytes)],
                Say::Nothing => vec![script::Step::Hold],
                Say::Cut => Vec::new(),
            }
        });
        let inner = inner.await;
        Self { url: inner.url.clone(), inner }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.inner.seen()
    }

    /// The dialogue requests.
    pub(crate) fn steps(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| !seen.is_token()).collect()
    }

    /// The numbers of requests of `gettoken` and of others.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let (all, steps) = (self.seen().len(), self.steps().len());
        (all - steps, steps)
    }
}

/// A transport that records each request, as a peer would see it, and passes it on.
#[derive(Clone)]
pub(crate) struct Keeping {
    inner: Arc<dyn Transport>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Keeping {
    pub(crate) fn new(inner: impl Transport) -> Self {
        Self { inner: Arc::new(inner), seen: Arc::default() }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// The numbers of requests of `gettoken` and of others.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let seen = self.seen();
        let tokens = seen.iter().filter(|seen| seen.is_token()).count();
        (tokens, seen.len() - tokens)
    }
}

impl Transport for Keeping {
    fn send(
        &self,
        request: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        let line = format!("{} {} HTTP/1.1", request.method(), request.url().path());
        let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default().to_vec();
        self.seen.lock().unwrap().push(Seen { line, headers: Vec::new(), body });
        self.inner.send(request)
    }
}

/// A clock that is set by hand, in seconds since the epoch.
#[derive(Clone, Default)]
pub(crate) struct Hands(Arc<AtomicU64>);

impl Hands {
    pub(crate) fn at(seconds: u64) -> Self {
        Self(Arc::new(seconds.into()))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn forward(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hands {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

/// 2018-09-04 07:16:24 UTC, the time in the samples.
pub(crate) const SAMPLE_TIME: u64 = 1_536_045_384;
