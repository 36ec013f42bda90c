//! ODFS: all kinds of requests at both URLs of the dialogue, and the tokens that they need.

use axum::Router;
use callbot::odfs::{
    Action, Api, Call, Capture, CapturedOutParams, Interacted, Issuer, Language, Prompt, Recognize,
    RecognizeType, RecognizedOutParams, ReleaseOutParams, Request, Server, Start, TokenRequest,
    Transferred,
};
use callbot::server::Error;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::{
    Cause, Dispensable, Failure, Mute, Operation, SECRET, Script, Settings, Subject, observed,
    with_settings,
};
use crate::support::json::changed;
use crate::support::odfs::{
    DIALOGUE, ID, TOKEN, V1, all_kinds, hangup, token_request, transferred_hangup,
};
use crate::support::peer::Answer;

/// A flow that issues tokens and accepts only those, with one of them. Every flow accepts it, since
/// the account is the same.
pub(crate) struct Odfs {
    issuer: Issuer,
    token: String,
}

impl Default for Odfs {
    fn default() -> Self {
        let issuer = Issuer::new().account("tenant-1", SECRET);
        let answer = issuer.issue(&TokenRequest::new("tenant-1", SECRET));
        let token = answer.auth_token.unwrap().expose().to_owned();
        Self { issuer, token }
    }
}

struct Scripted(Script);

impl Scripted {
    /// Runs the script; its success is `answer`.
    fn answer<T: Send + 'static>(
        &self,
        request: impl Into<Request>,
        answer: T,
    ) -> BoxFuture<'static, Result<T, Error>> {
        let handling = self.0.run(request.into(), Mute::line());
        Box::pin(async move { handling.await.map(|()| answer) })
    }
}

fn dispensable(body: &Value) -> Vec<Dispensable> {
    let empty = |key: &str| Dispensable::new(format!("/inparams/{key}"), Some("".into()));
    let none = |key: &str| Dispensable::new(format!("/inparams/{key}"), None);
    let optional = |key: &str| Dispensable::optional(format!("/inparams/{key}"));
    let kind = match body["inaction"].as_i64() {
        Some(8) => vec![empty("call_id"), empty("call_sor_id"), optional("mediaType")],
        Some(9) => vec![empty("call_id"), optional("begin_play"), optional("inter_idx")],
        Some(11) => vec![empty("call_id"), none("begin_trans"), none("end_trans")],
        _ => vec![optional("call_id"), optional("call_sor_id")],
    };
    let extparams = Dispensable { object: true, ..Dispensable::optional("/extparams") };
    let all = [empty("call_dst_id"), Dispensable::optional("/seat"), extparams];
    kind.into_iter().chain(all).collect()
}

fn welcome(call: &Call) -> Action {
    call.interact(Prompt::Tts("Welcome."), Language::English).into()
}

impl Api for Scripted {
    fn start(
        &self,
        call: &Call,
        request: Start,
    ) -> impl Future<Output = Result<Action, Error>> + Send {
        self.answer(request, welcome(call))
    }

    fn interacted(
        &self,
        call: &Call,
        request: Interacted,
    ) -> impl Future<Output = Result<Action, Error>> + Send {
        self.answer(request, welcome(call))
    }

    fn transferred(
        &self,
        call: &Call,
        request: Transferred,
    ) -> impl Future<Output = Result<Action, Error>> + Send {
        self.answer(request, welcome(call))
    }

    fn hung_up(
        &self,
        call: &Call,
        request: Request,
    ) -> impl Future<Output = Result<ReleaseOutParams, Error>> + Send {
        self.answer(request, call.release())
    }

    fn capture(
        &self,
        _: &Call,
        request: Capture,
    ) -> impl Future<Output = Result<CapturedOutParams, Error>> + Send {
        self.answer(request, CapturedOutParams::new())
    }

    fn recognize(
        &self,
        call: &Call,
        request: Recognize,
    ) -> impl Future<Output = Result<RecognizedOutParams, Error>> + Send {
        self.answer(request, RecognizedOutParams::new(call.id(), RecognizeType::NotYet))
    }
}

impl Subject for Odfs {
    const CALL: &'static [&'static str] = &["/userid", "/inparams/call_id"];
    const IDS: &'static [&'static str] = &["/userid"];
    const KEEPS_UNKNOWN_FIELDS: bool = true;

    fn operations(&self) -> Vec<Operation> {
        let mut operations = Vec::new();
        for path in DIALOGUE {
            for body in all_kinds(ID).into_iter().chain([hangup(ID), transferred_hangup(ID)]) {
                // What decides the answer, and the call.
                let kind: Option<&str> = match body["inaction"].as_i64() {
                    Some(9) => Some("/inparams/flow_result_type"),
                    Some(11) => Some("/inparams/trans_result"),
                    _ => None,
                };
                let required = ["/userid", "/inaction", "/inparams"].into_iter().chain(kind);
                operations.push(Operation {
                    path: path.into(),
                    name: if path == V1 { "process" } else { "processV2" },
                    body: changed(
                        &body,
                        [("/inparams/auth_token", Some(self.token.clone().into()))],
                    ),
                    streams: false,
                    handled: true,
                    required: required.map(Into::into).collect(),
                    dispensable: dispensable(&body),
                    text: "/inparams/call_dst_id",
                    echo: Some(("/userid", ID.into())),
                });
            }
        }
        operations.push(Operation {
            path: TOKEN.into(),
            name: "getToken",
            body: token_request("tenant-1", SECRET),
            streams: false,
            handled: false,
            required: ["/appKey", "/appSecret"].map(Into::into).into(),
            dispensable: Vec::new(),
            text: "/appSecret",
            echo: None,
        });
        operations
    }

    fn router(&self, script: Script, settings: Settings) -> Router {
        let server = Server::new(Scripted(script.clone())).issuer(self.issuer.clone());
        let server = observed!(server, script, settings);
        with_settings!(server, settings).router()
    }

    fn platform(_: &Operation) -> &'static str {
        "odfs"
    }

    fn assert_served(&self, operation: &Operation, answer: &Answer) {
        assert_eq!(answer.status, 200, "{answer:?}");
        let body = answer.json();
        match operation.path.as_str() {
            TOKEN => assert_eq!(body["errorCode"], 0, "{answer:?}"),
            _ => assert_eq!((&body["ret"], &body["userid"]), (&json!(0), &json!(ID)), "{answer:?}"),
        }
    }

    fn refusal(&self, operation: &Operation, answer: &Answer) -> Failure {
        if let Some(token) = operation.body.pointer("/inparams/auth_token") {
            assert!(!answer.body.contains(token.as_str().unwrap()), "{answer:?}");
        }
        let body = answer.json();
        let (id, code) = (body["userid"].as_str(), &body["ret"]);
        let (message, code) = match operation.path.as_str() {
            TOKEN => {
                let code = body["errorCode"].as_i64().expect("a number");
                (answer.token_fault(answer.status, code), code)
            }
            _ => {
                let code = code.as_i64().expect("a number");
                (answer.fault(answer.status, code, id), code)
            }
        };
        Failure { status: answer.status, code: code.to_string(), message, id: id.map(Into::into) }
    }

    fn failure(&self, operation: &Operation, answer: &Answer, _: usize) -> Option<Failure> {
        Some(self.refusal(operation, answer))
    }

    // A code that is not a number has no place in an answer.
    fn shown(&self, operation: &Operation, cause: Cause) -> (u16, String) {
        let code = if operation.path == TOKEN { "10000002" } else { "-1" };
        let status = match cause {
            Cause::Refused(status) | Cause::Failed(status, _) => status,
            Cause::Internal => 500,
        };
        (status, code.into())
    }
}
