//! The rules of the platform that a schema can't express: the form of a failure, on both sides.

#[cfg(feature = "client")]
mod client {
    use serde_json::Value;

    use crate::client::{Failure, Outcome};
    use crate::odfs::{Response, TokenResponse};
    use crate::wire::salvage;

    impl Outcome for Response {
        fn failure(&self) -> Option<Failure> {
            let (ret, extra) = match self {
                Self::Interact(answer) => (answer.ret, &answer.extra),
                Self::Release(answer) => (answer.ret, &answer.extra),
                Self::Transfer(answer) => (answer.ret, &answer.extra),
                Self::Query(answer) => (answer.ret, &answer.extra),
                Self::Captured(answer) => (answer.ret, &answer.extra),
                Self::Recognized(answer) => (answer.ret, &answer.extra),
                Self::Unknown(answer) => {
                    return failure_in(&serde_json::to_vec(answer.json()).unwrap_or_default());
                }
            };
            let code = ret.filter(|ret| *ret != 0)?;
            let message = extra.get("errorMsg").and_then(Value::as_str).map(String::from);
            Some(Failure::new(code.to_string()).with_message(message))
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }

    /// Reads a failure from a body of any form that has a code.
    fn failure_in(body: &[u8]) -> Option<Failure> {
        let [ret, error_code, message] = salvage(body, ["ret", "errorCode", "errorMsg"]);
        let code = ret.into_iter().chain(error_code).find(|code| code != "0")?;
        Some(Failure::new(code).with_message(message))
    }

    impl Outcome for TokenResponse {
        fn failure(&self) -> Option<Failure> {
            let failure =
                || Failure::new(self.error_code.to_string()).with_message(self.error_msg.clone());
            (self.error_code != 0).then(failure)
        }
    }
}

#[cfg(feature = "server")]
pub use server::WireRules;

#[cfg(feature = "server")]
mod server {
    use std::time::Duration;

    use http::StatusCode;
    use serde_json::Value;

    use crate::odfs::{
        CallTime, FlowReleaseReason, ProcessV2Parameters, Release, ReleaseOutParams,
        ReleaseOutParamsFields, Request, Response, TokenRequest, TokenResponse, operations,
    };
    use crate::server::rules::short_id;
    use crate::server::{Answers, Fault, FaultKind, Reads};
    use crate::wire::{Operation, digits, salvage};

    /// The platform's rules for a server of the wire.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct WireRules;

    /// The fields of a request that its response echoes.
    #[derive(Debug, Clone, Default)]
    pub struct Echo {
        user_id: Option<String>,
    }

    impl crate::server::Rules for WireRules {
        type Echo = Echo;

        // A request that waits forever would block all others of its call.
        const DEADLINE: Option<Duration> = Some(Duration::from_secs(30));

        fn platform(_: &Operation) -> &'static str {
            "odfs"
        }

        fn salvage(&self, body: &[u8]) -> Echo {
            let [user_id] = salvage(body, ["userid"]).map(short_id);
            Echo { user_id }
        }

        fn refuse(&self, operation: &Operation, echo: Echo, fault: &Fault) -> (StatusCode, String) {
            let status = fault.status_code();
            let stated = fault.code.as_deref().and_then(|code| code.parse().ok());
            let stated = stated.filter(|code| *code != 0);
            let message = fault.message.clone().into_owned();
            let body = if operation.id == operations::GET_TOKEN.id {
                // The platform's common codes for a wrong parameter and an internal error.
                let code = match fault.kind {
                    FaultKind::Request | FaultKind::TooLarge | FaultKind::MediaType => 10_000_002,
                    _ => 10_000_001,
                };
                let answer = TokenResponse::new(stated.unwrap_or(code)).with_error_msg(message);
                serde_json::to_string(&answer)
            } else {
                serde_json::to_string(&Response::Release(release(echo, stated, message)))
            };
            (status, body.unwrap_or_default())
        }
    }

    /// Creates the answer of a failure.
    ///
    /// It is a release, so that a client that reads only `outaction` releases the call and does not
    /// leave the caller in silence. The platform has no field for the message.
    fn release(echo: Echo, code: Option<i32>, message: String) -> Release {
        let id = echo.user_id.clone().unwrap_or_default();
        let unknown = CallTime::unknown();
        let outparams = ReleaseOutParams::new(ReleaseOutParamsFields {
            call_id: &id,
            call_sor_id: "",
            call_dst_id: "",
            start_time: unknown.clone(),
            end_time: unknown,
        })
        .with_release_reason(FlowReleaseReason::Exception);
        let mut release =
            Release::new(outparams).with_ret(code.unwrap_or(-1)).with_extra("errorMsg", message);
        release.user_id = echo.user_id;
        release
    }

    impl Reads<Request> for WireRules {
        fn echo(&self, request: &Request) -> Echo {
            let user_id = match request {
                Request::Start(request) => Some(request.user_id.clone()),
                Request::Interacted(request) => Some(request.user_id.clone()),
                Request::Transferred(request) => Some(request.user_id.clone()),
                Request::Capture(request) => Some(request.user_id.clone()),
                Request::Recognize(request) => Some(request.user_id.clone()),
                Request::Unknown(request) => match request.json().get("userid") {
                    Some(Value::String(id)) => Some(id.clone()),
                    Some(Value::Number(id)) => Some(digits(id)),
                    _ => None,
                },
            };
            Echo { user_id: short_id(user_id) }
        }
    }

    impl Reads<(ProcessV2Parameters, Request)> for WireRules {
        fn echo(&self, (_, request): &(ProcessV2Parameters, Request)) -> Echo {
            self.echo(request)
        }
    }

    impl Reads<TokenRequest> for WireRules {
        fn echo(&self, _: &TokenRequest) -> Echo {
            Echo::default()
        }
    }

    impl Answers<Response> for WireRules {
        type Answer = Response;

        fn answer(&self, _: &Echo, answer: Response) -> Response {
            answer
        }
    }

    impl Answers<TokenResponse> for WireRules {
        type Answer = TokenResponse;

        fn answer(&self, _: &Echo, answer: TokenResponse) -> TokenResponse {
            answer
        }
    }
}
