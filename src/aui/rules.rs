//! The rules of app servers that no schema can say: what a failure looks like, on both sides.

#[cfg(feature = "client")]
mod client {
    use crate::aui::{
        ChatTokenAnswer, FailureAnswer, GeneratedCall, InstanceDescription, InstanceInChannel,
        InstanceResult, RtcTokenAnswer, StartedInstance,
    };
    use crate::client::{Failure, Outcome};
    use crate::wire::decode;

    /// The failure of an envelope: its `error_code`, or else its `code`.
    fn failure_in(body: &[u8]) -> Option<Failure> {
        let FailureAnswer { code, message, error_code, request_id } = decode(body).ok()?;
        if code == 200 {
            return None;
        }
        let error_code = error_code.filter(|code| !code.is_empty());
        let failure = Failure::new(error_code.unwrap_or_else(|| code.to_string()));
        Some(failure.with_status(code).with_message(message).with_request_id(request_id))
    }

    macro_rules! outcomes {
        ($($answer:ty),*) => {$(
            impl Outcome for $answer {
                fn failure(&self) -> Option<Failure> {
                    // An answer without a code that has all the rest is one.
                    let code = self.code.filter(|code| *code != 200)?;
                    let failure = Failure::new(code.to_string()).with_status(code);
                    Some(failure.with_request_id(self.request_id.clone()))
                }

                fn failure_in(body: &[u8]) -> Option<Failure> {
                    failure_in(body)
                }
            }
        )*};
    }

    outcomes!(ChatTokenAnswer, GeneratedCall, InstanceInChannel, RtcTokenAnswer, StartedInstance);

    impl Outcome for InstanceResult {
        fn failure(&self) -> Option<Failure> {
            let code = self.code.unwrap_or(200);
            let failure = Failure::new(code.to_string()).with_status(code);
            let failure = failure.with_request_id(self.request_id.clone());
            let message = "the server says that it is not done";
            (code != 200 || !self.result).then(|| failure.with_message(Some(message.into())))
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }

    impl Outcome for InstanceDescription {
        fn failure(&self) -> Option<Failure> {
            let code = self.code.filter(|code| *code != 200)?;
            let error_code = self.error_code.clone().filter(|code| !code.is_empty());
            let failure = Failure::new(error_code.unwrap_or_else(|| code.to_string()));
            let failure = failure.with_status(code).with_message(self.message.clone());
            Some(failure.with_request_id(self.request_id.clone()))
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }
}

#[cfg(feature = "server")]
pub use server::Rules;

#[cfg(feature = "server")]
mod server {
    use std::time::Duration;

    use http::StatusCode;

    use crate::aui::*;
    use crate::server::{Answers, Fault, FaultKind, Reads};
    use crate::wire::Operation;

    /// The platform's rules for a server, and which base it serves.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct Rules {
        pub(in crate::aui) base: Option<Base>,
    }

    /// The id of a request, made when it arrives.
    #[derive(Debug, Clone)]
    pub struct RequestId(String);

    impl Default for RequestId {
        fn default() -> Self {
            Self(format!("{:032X}", fastrand::u128(..)))
        }
    }

    impl crate::server::Rules for Rules {
        type Echo = RequestId;

        // Upstream is asked in this time; no document has a number.
        const DEADLINE: Option<Duration> = Some(Duration::from_secs(30));

        fn base(&self) -> Option<&str> {
            self.base.map(Base::as_str)
        }

        fn salvage(&self, _: &[u8]) -> RequestId {
            RequestId::default()
        }

        fn refuse(&self, _: &Operation, id: RequestId, fault: &Fault) -> (StatusCode, String) {
            let status = match fault.kind {
                FaultKind::Forbidden | FaultKind::Unauthorized => StatusCode::FORBIDDEN,
                // The clients look into the body for what went wrong.
                _ => StatusCode::OK,
            };
            let request_id = fault.request_id.clone().unwrap_or(id.0);
            let mut answer = FailureAnswer::new(i32::from(fault.status), fault.message.clone())
                .with_request_id(request_id);
            answer.error_code = fault.code.clone();
            (status, serde_json::to_string(&answer).unwrap_or_default())
        }
    }

    macro_rules! operations {
        ($($parameters:ty, $request:ty;)*) => {$(
            impl Reads<($parameters, $request)> for Rules {
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
            impl Answers<$answer> for Rules {
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
