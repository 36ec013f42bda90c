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
    use http::StatusCode;
    use http::request::Parts;

    use crate::aicall::callback::{Acknowledgement, Notification, NotifyParameters};
    use crate::auth::access::AccessKeys;
    use crate::server::{Answers, Fault, FaultKind, Reads};
    use crate::wire::{Operation, Secret};

    /// The platform's rules for a server of the wire.
    #[derive(Debug, Clone, Default)]
    pub struct WireRules {
        tokens: AccessKeys,
    }

    impl WireRules {
        /// Adds a token that is accepted.
        pub(in crate::aicall::callback) fn add(&mut self, token: Secret) {
            self.tokens.add(token);
        }
    }

    impl crate::server::Rules for WireRules {
        type Echo = ();

        fn platform(_: &Operation) -> &'static str {
            "aicall"
        }

        fn mounted(&self) {
            if self.tokens.is_open() {
                tracing::warn!(
                    "callbacks are accepted from anybody who reaches this server; \
                     `aicall::callback::Server::token` sets a token"
                );
            }
        }

        fn admit(&self, head: &mut Parts) -> Result<(), Fault> {
            self.tokens.check(&mut head.headers).map_err(|_| {
                let message = "the token in `Authorization` is missing or wrong";
                Fault::new(FaultKind::Unauthorized, message)
            })
        }

        fn salvage(&self, _: &[u8]) {}

        fn refuse(&self, _: &Operation, (): (), fault: &Fault) -> (StatusCode, String) {
            let message = fault.message.as_ref();
            let answer = Acknowledgement::new().with_success(false).with_message(message);
            (fault.status_code(), serde_json::to_string(&answer).unwrap_or_default())
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
