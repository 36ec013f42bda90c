//! Rules of app servers that a schema cannot express: the form of a failure, on both sides.

#[cfg(feature = "client")]
mod client {
    use crate::aui::{
        ChatTokenAnswer, FailureAnswer, GeneratedCall, InstanceDescription, InstanceInChannel,
        InstanceResult, RtcTokenAnswer, StartedInstance,
    };
    use crate::client::{Failure, Outcome};
    use crate::codegen::Object;
    use crate::wire::decode;

    /// Returns the failure in an envelope: an `error_code` is a failure whatever the `code`, and so is
    /// any `code` other than 200.
    fn failure_in(body: &[u8]) -> Option<Failure> {
        let FailureAnswer { code, message, error_code, request_id } = decode(body).ok()?;
        let error_code = error_code.filter(|code| !code.is_empty());
        let code = code.filter(|code| *code != 200);
        let name = error_code.or_else(|| code.map(|code| code.to_string()))?;
        let failure = Failure::new(name).with_message(message).with_request_id(request_id);
        Some(match code {
            Some(code) => failure.with_status(code),
            None => failure,
        })
    }

    macro_rules! outcomes {
        ($($answer:ty: |$this:ident| $other:expr;)*) => {$(
            impl Outcome for $answer {
                const KEYS: &'static [&'static str] = <$answer as Object>::KEYS;

                fn failure(&self) -> Option<Failure> {
                    let $this = self;
                    let code = self.code.filter(|code| *code != 200);
                    match code {
                        Some(code) => Some(Failure::new(code.to_string()).with_status(code)),
                        None => $other,
                    }
                }

                fn failure_beside(&self, body: &[u8]) -> Option<Failure> {
                    failure_in(body).or_else(|| self.failure())
                }

                fn failure_in(body: &[u8]) -> Option<Failure> {
                    failure_in(body)
                }
            }
        )*};
    }

    /// A failure without a code from the server.
    fn nameless(message: &str) -> Failure {
        Failure::new("").with_message(Some(message.into()))
    }

    outcomes! {
        // The SDK refuses these, too.
        ChatTokenAnswer: |this| {
            let empty = this.app_id.is_empty()
                || this.app_sign.expose().is_empty()
                || this.token.expose().is_empty();
            empty.then(|| nameless("the `app_id`, `app_sign` or `token` of the answer is empty"))
        };
        GeneratedCall: |_this| None;
        InstanceDescription: |_this| None;
        InstanceInChannel: |_this| None;
        InstanceResult: |this| {
            (!this.result).then(|| nameless("the server answered with `result: false`"))
        };
        RtcTokenAnswer: |_this| None;
        StartedInstance: |_this| None;
    }
}

#[cfg(feature = "server")]
pub use server::WireRules;

#[cfg(feature = "server")]
mod server {
    use std::time::Duration;

    use http::StatusCode;

    use crate::aui::*;
    use crate::server::{Answers, Fault, FaultKind, Reads};
    use crate::wire::Operation;

    /// The platform's rules for the generated server, at one of the bases or at both.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct WireRules {
        base: Option<Base>,
    }

    impl WireRules {
        /// Returns the rules for one of the bases.
        pub(in crate::aui) fn at(base: Base) -> Self {
            Self { base: Some(base) }
        }
    }

    /// The id of a request, created when it arrives.
    #[derive(Debug, Clone)]
    pub struct RequestId(String);

    impl Default for RequestId {
        fn default() -> Self {
            Self(format!("{:032X}", fastrand::u128(..)))
        }
    }

    impl crate::server::Rules for WireRules {
        type Echo = RequestId;

        // Includes the call to the upstream. No document gives a limit.
        const DEADLINE: Option<Duration> = Some(Duration::from_secs(30));

        fn platform(_: &Operation) -> &'static str {
            "aui"
        }

        fn bases<'a>(&'a self, operation: &'a Operation) -> Vec<&'a str> {
            let own = self.base.map(Base::as_str);
            let bases = operation.bases.iter().copied();
            bases.filter(|base| own.is_none_or(|own| own == *base)).collect()
        }

        fn salvage(&self, _: &[u8]) -> RequestId {
            RequestId::default()
        }

        fn refuse(&self, _: &Operation, id: RequestId, fault: &Fault) -> (StatusCode, String) {
            let status = match fault.kind {
                FaultKind::Forbidden | FaultKind::Unauthorized => StatusCode::FORBIDDEN,
                // Clients look for the failure in the body.
                _ => StatusCode::OK,
            };
            let request_id = fault.request_id.clone().unwrap_or(id.0);
            let mut answer = FailureAnswer::new(i32::from(fault.status), fault.message.clone())
                .with_request_id(request_id);
            answer.error_code = fault.code.clone().or_else(|| error_code(fault).map(Into::into));
            (status, serde_json::to_string(&answer).unwrap_or_default())
        }
    }

    /// Returns the code for a failure that does not set one.
    fn error_code(fault: &Fault) -> Option<&'static str> {
        Some(match (fault.kind, fault.status) {
            // Clients look at the HTTP status only if they find no code that they know.
            (FaultKind::Forbidden | FaultKind::Unauthorized, _) => return None,
            (FaultKind::Request | FaultKind::TooLarge | FaultKind::MediaType, _) => {
                "InvalidParameter"
            }
            (_, 501) => "UnsupportedOperation",
            // The handler chose not to set a code.
            (FaultKind::Public, _) => return None,
            _ => "InternalError",
        })
    }

    macro_rules! operations {
        ($($parameters:ty, $request:ty;)*) => {$(
            impl Reads<($parameters, $request)> for WireRules {
                fn echo(&self, _: &($parameters, $request)) -> RequestId {
                    RequestId::default()
                }
            }
        )*};
    }

    operations! {
        GenerateAiAgentCallParameters, GenerateCallRequest;
        StartAiAgentInstanceParameters, StartInstanceRequest;
        StopAiAgentInstanceParameters, StopInstanceRequest;
        UpdateAiAgentInstanceParameters, UpdateInstanceRequest;
        StartAiAgentInstanceWithChannelParameters, StartInstanceInChannelRequest;
        DescribeAiAgentInstanceParameters, DescribeInstanceRequest;
        GetRtcAuthTokenParameters, RtcTokenRequest;
        GenerateMessageChatTokenParameters, ChatTokenRequest;
    }

    macro_rules! answers {
        ($($answer:ty),*) => {$(
            impl Answers<$answer> for WireRules {
                type Answer = $answer;

                fn answer(&self, id: &RequestId, mut answer: $answer) -> $answer {
                    answer.code = Some(200);
                    answer.request_id.get_or_insert_with(|| id.0.clone());
                    answer
                }
            }
        )*};
    }

    answers!(
        ChatTokenAnswer,
        GeneratedCall,
        InstanceDescription,
        InstanceInChannel,
        InstanceResult,
        RtcTokenAnswer,
        StartedInstance
    );
}
