//! The rules of the management API that a schema can't express: success reported in the body, and
//! the token.

#[cfg(feature = "client")]
mod client {
    use crate::client::{Failure, Outcome};
    use crate::codegen::Object;
    use crate::duix::{
        AvatarAnswer, ConcurrencyAnswer, ConversationAnswer, CreateAvatarAnswer, Envelope,
        ResponseCode, SessionsAnswer, StopAllSessionsAnswer, StopSessionAnswer,
    };
    use crate::wire::decode;

    impl Outcome for Envelope {
        // The code does not help: the document has `"200"` and `""` for a success, newer pages `"0"`.
        fn failure(&self) -> Option<Failure> {
            if self.success {
                return None;
            }
            let code = self.code.as_ref().map_or("", ResponseCode::as_str);
            let failure = Failure::new(code).with_message(self.message.clone());
            let retryable = matches!(
                self.code,
                Some(ResponseCode::SystemException | ResponseCode::InternalError)
            );
            Some(if retryable { failure.retryable() } else { failure })
        }
    }

    macro_rules! outcomes {
        ($($answer:ty),*) => {$(
            impl Outcome for $answer {
                const KEYS: &'static [&'static str] = <$answer as Object>::KEYS;

                fn failure(&self) -> Option<Failure> {
                    let Self { success, code, message, .. } = self;
                    let (code, message) = (code.clone(), message.clone());
                    Envelope { success: *success, code, message }.failure()
                }

                fn failure_in(body: &[u8]) -> Option<Failure> {
                    decode::<Envelope>(body).ok()?.failure()
                }
            }
        )*};
    }

    outcomes!(
        AvatarAnswer,
        ConcurrencyAnswer,
        ConversationAnswer,
        CreateAvatarAnswer,
        SessionsAnswer,
        StopAllSessionsAnswer,
        StopSessionAnswer
    );
}

#[cfg(feature = "server")]
pub use server::Rules;

#[cfg(feature = "server")]
mod server {
    use http::StatusCode;
    use http::request::Parts;
    use serde_json::Value;

    use crate::duix::{
        Avatar, AvatarAnswer, AvatarParameters, Concurrency, ConcurrencyAnswer,
        ConcurrencyParameters, Conversation, ConversationAnswer, ConversationParameters,
        ConversationV2Parameters, CreateAvatarAnswer, CreateAvatarParameters, CreateAvatarRequest,
        CreatedAvatar, Envelope, ResponseCode, SessionsAnswer, SessionsParameters,
        StopAllSessionsOfAppParameters, StopSessionParameters, Tokens,
    };
    use crate::server::{Answers, Fault, FaultKind, Reads, Server};
    use crate::wire::Operation;

    /// The platform's rules for a server that stands in for it, and their settings.
    #[derive(Debug, Clone, Default)]
    pub struct Rules {
        tokens: Option<Tokens>,
    }

    impl<A> Server<A, Rules> {
        /// Accepts only requests with a valid token of the app.
        ///
        /// Other requests are answered with code 1005 or 1006 and never reach the handler. Default:
        /// any token is accepted, and none is needed.
        #[must_use]
        pub fn check_tokens(mut self, tokens: Tokens) -> Self {
            self.rules_mut().tokens = Some(tokens);
            self
        }
    }

    impl crate::server::Rules for Rules {
        type Echo = ();

        fn platform(_: &Operation) -> &'static str {
            "duix-management"
        }

        fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
            let token = head.headers.get_mut("token").map(|value| {
                value.set_sensitive(true);
                value.as_bytes()
            });
            let Some(tokens) = &self.tokens else { return Ok(()) };
            let refusal = match token {
                None | Some(b"") => (ResponseCode::TokenEmpty, "the token is empty".into()),
                // A token that is not UTF-8 is checked as an empty one, which is invalid.
                Some(token) => match tokens.check(str::from_utf8(token).unwrap_or_default()) {
                    Ok(()) => return Ok(()),
                    Err(error) => (ResponseCode::TokenInvalid, error.to_string()),
                },
            };
            let mut fault = Fault::new(FaultKind::Unauthorized, refusal.1);
            fault.code = Some(refusal.0.as_str().into());
            // The HTTP status is not documented; the envelope has all the information.
            fault.status = 200;
            Err(fault)
        }

        fn salvage(&self, _: &[u8]) {}

        fn refuse(&self, _: &Operation, (): (), fault: &Fault) -> (StatusCode, String) {
            // The platform has no code for a bad request. The code of a system fault would make
            // clients retry it.
            let code = fault.code.clone().unwrap_or_else(|| match fault.status {
                400..=499 | 501 => fault.status.to_string(),
                _ => ResponseCode::SystemException.as_str().into(),
            });
            let Ok(code) = code.parse::<ResponseCode>();
            let answer = Envelope::new(false, code).with_message(fault.message.clone());
            (fault.status_code(), serde_json::to_string(&answer).unwrap_or_default())
        }
    }

    macro_rules! reads {
        ($($input:ty),*) => {$(
            impl Reads<$input> for Rules {
                fn echo(&self, _: &$input) {}
            }
        )*};
    }

    reads!(
        AvatarParameters,
        ConcurrencyParameters,
        ConversationParameters,
        ConversationV2Parameters,
        (CreateAvatarParameters, CreateAvatarRequest),
        SessionsParameters,
        StopAllSessionsOfAppParameters,
        StopSessionParameters
    );

    macro_rules! answers {
        ($($data:ty => $answer:ident,)*) => {$(
            impl Answers<$data> for Rules {
                type Answer = $answer;

                fn answer(&self, (): &(), data: $data) -> $answer {
                    $answer::new(true, ResponseCode::Ok).with_data(data)
                }
            }
        )*};
    }

    answers! {
        Avatar => AvatarAnswer,
        Concurrency => ConcurrencyAnswer,
        Conversation => ConversationAnswer,
        CreatedAvatar => CreateAvatarAnswer,
        Value => SessionsAnswer,
    }

    impl Answers<()> for Rules {
        type Answer = Envelope;

        fn answer(&self, (): &(), (): ()) -> Envelope {
            Envelope::new(true, ResponseCode::Ok)
        }
    }
}
