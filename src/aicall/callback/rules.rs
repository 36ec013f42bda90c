//! The rules of callbacks that a schema can't express: the token, and the answer.

#[cfg(feature = "client")]
mod client {
    use crate::aicall::callback::Acknowledgement;
    use crate::client::{Failure, Outcome};
    use crate::codegen::Object;
    use crate::wire::decode;

    impl Outcome for Acknowledgement {
        const KEYS: &'static [&'static str] = <Self as Object>::KEYS;

        // Another receiver may have keys of the same name, with another meaning. The status decides.
        fn failure(&self) -> Option<Failure> {
            None
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            let Self { success, message } = decode(body).ok()?;
            (success == Some(false)).then(|| Failure::new("").with_message(message))
        }
    }
}

#[cfg(feature = "server")]
pub use server::WireRules;

#[cfg(feature = "server")]
mod server {
    use std::fmt;
    use std::sync::Arc;

    use http::header::AUTHORIZATION;
    use http::request::Parts;
    use http::{HeaderValue, StatusCode};

    use crate::aicall::callback::{Acknowledgement, Notification, NotifyParameters};
    use crate::auth::{is_secret, without_bearer};
    use crate::server::{Answers, Fault, FaultKind, Reads};
    use crate::wire::{Operation, Secret};

    /// The platform's rules for a server of the wire.
    #[derive(Clone, Default)]
    pub struct WireRules {
        tokens: Option<Arc<[Secret]>>,
    }

    impl fmt::Debug for WireRules {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("WireRules").field("checks_tokens", &self.tokens.is_some()).finish()
        }
    }

    impl WireRules {
        /// Adds a token that is accepted.
        pub(in crate::aicall::callback) fn add(&mut self, token: Secret) {
            let known = self.tokens.iter().flat_map(|tokens| tokens.iter().cloned());
            self.tokens = Some(known.chain([token]).collect());
        }

        fn is_known(&self, header: Option<&HeaderValue>) -> bool {
            let Some(tokens) = &self.tokens else { return true };
            let given = header.and_then(|header| std::str::from_utf8(header.as_bytes()).ok());
            let given = Secret::from(given.unwrap_or_default().trim());
            // A token may itself begin with `Bearer `.
            let forms = [without_bearer(&given), given];
            // All of them are compared, so that the time does not tell which one is right.
            let compare = |token: &Secret| {
                forms.iter().filter(|form| is_secret(token, form.expose().as_bytes())).count()
            };
            tokens.iter().map(compare).sum::<usize>() > 0
        }
    }

    impl crate::server::Rules for WireRules {
        type Echo = ();

        fn platform(_: &Operation) -> &'static str {
            "aicall"
        }

        fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
            if let Some(value) = head.headers.get_mut(AUTHORIZATION) {
                value.set_sensitive(true);
            }
            if self.is_known(head.headers.get(AUTHORIZATION)) {
                return Ok(());
            }
            let message = "the token in `Authorization` is missing or wrong";
            Err(Fault::new(FaultKind::Unauthorized, message))
        }

        fn salvage(&self, _: &[u8]) {}

        fn refuse(&self, _: &Operation, (): (), fault: &Fault) -> (StatusCode, String) {
            let status = StatusCode::from_u16(fault.status);
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let message = fault.message.as_ref();
            let answer = Acknowledgement::new().with_success(false).with_message(message);
            (status, serde_json::to_string(&answer).unwrap_or_default())
        }
    }

    impl Reads<(NotifyParameters, Notification)> for WireRules {
        fn echo(&self, _: &(NotifyParameters, Notification)) {}
    }

    impl Answers<()> for WireRules {
        type Answer = Acknowledgement;

        fn answer(&self, (): &(), (): ()) -> Acknowledgement {
            Acknowledgement::new().with_success(true)
        }
    }
}
