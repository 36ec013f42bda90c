//! For the hand-written client of a platform that wraps a compiled one.

// Each platform uses a part of this, and a build may have any platform or none.
#![allow(dead_code)]

use std::fmt;

use http::HeaderValue;
use tokio::time::timeout_at;

use super::core::deadline;
use super::error::Kind;
use super::{Answer, Core, Deadline, Error, Failure};
use crate::wire::{DecodeError, Operation, Secret, Violation};

/// The source of the token that a client sends with its calls.
pub(crate) trait TokenSource {
    /// Returns the current token.
    fn token(&self) -> impl Future<Output = Result<Secret, Error>> + Send;

    /// Returns a token to use in place of `refused`: a new one, unless another call has replaced
    /// `refused` already.
    fn renewed(&self, refused: &Secret) -> impl Future<Output = Result<Secret, Error>> + Send;

    /// Whether `error` says that the platform refused the token, so that a renewed one may be
    /// accepted.
    fn is_refusal(&self, error: &Error) -> bool;
}

impl Core {
    /// Sends a call with a token. If the platform refuses the token, sends it once more with a
    /// renewed one. The platform did not serve the refused call, so this is safe for every
    /// operation. All of it, including fetching tokens, has the one deadline of a call.
    pub(crate) async fn call_with_token<T, F>(
        &self,
        operation: &'static Operation,
        tokens: &impl TokenSource,
        send: impl Fn(Secret) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let calls = async {
            let token = tokens.token().await?;
            match send(token.clone()).await {
                Err(error) if tokens.is_refusal(&error) => {
                    let operation = operation.id;
                    tracing::debug!(operation, "the token was refused; retrying with a new one");
                    send(tokens.renewed(&token).await?).await
                }
                answer => answer,
            }
        };
        let limit = self.options().call_deadline;
        match timeout_at(deadline(limit), calls).await {
            Ok(ended) => ended,
            Err(_) => Err(Error::new(operation, Kind::Deadline(Deadline::Call, limit))),
        }
    }
}

/// Returns a secret that is sent in a header: `None` if it is empty. `what` names it in the error.
///
/// # Errors
/// If it has a character that a header can't contain.
pub(crate) fn header_secret(secret: Option<Secret>, what: &str) -> Result<Option<Secret>, Error> {
    let secret = secret.filter(|secret| !secret.expose().is_empty());
    match &secret {
        Some(secret) if HeaderValue::from_str(secret.expose()).is_err() => {
            Err(Error::settings(format!("the {what} has a character that a header can't contain")))
        }
        _ => Ok(secret),
    }
}

impl<T> Answer<T> {
    /// Returns the answer with a part of its value, found at `pointer`. The part is required.
    pub(crate) fn part<U>(
        self,
        operation: &'static Operation,
        pointer: &str,
        part: impl FnOnce(T) -> Option<U>,
    ) -> Result<Answer<U>, Error> {
        let status = self.status();
        let answer = self.map(part);
        let missing = || {
            let error = DecodeError::new(pointer, "must be there");
            Error::with_status(operation, Kind::Decode(error), Some(status))
        };
        answer.transpose().ok_or_else(missing)
    }
}

impl Error {
    /// Creates the error of a request that can't be built.
    pub(crate) fn request(operation: &'static Operation, reason: impl fmt::Display) -> Self {
        Self::new(operation, Kind::Request(reason.to_string()))
    }

    /// Creates the error of a call that this client does not offer.
    pub(crate) fn unsupported(operation: &'static Operation, reason: impl Into<String>) -> Self {
        Self::new(operation, Kind::Unsupported(reason.into()))
    }

    /// Creates the error of a call that breaks a rule before its operation is known.
    pub(crate) fn invalid(violation: Violation) -> Self {
        Self::without_operation(Kind::Invalid(violation.into()))
    }

    /// Replaces the failure that the peer reported, if there is one.
    pub(crate) fn map_failure(mut self, map: impl FnOnce(Failure) -> Failure) -> Self {
        if let Some(failure) = self.failure_mut() {
            *failure = map(failure.clone());
        }
        self
    }
}
