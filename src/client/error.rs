//! The error of a call.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde::de::DeserializeOwned;

use super::{Failure, TransportError};
#[cfg(feature = "chat")]
use crate::client::outcome::HIDDEN;
use crate::observe::UpstreamOutcome;
#[cfg(feature = "chat")]
use crate::wire::Secret;
use crate::wire::{DecodeError, Operation, Violations, decode};

/// The error of a call. It contains no secret and nothing that callers say.
///
/// Its text includes what the peer reported and what the spec does not allow. A failure below this
/// crate, such as that of a connection or of TLS, is its [`source`](StdError::source).
///
/// ```
/// use callbot::client::{Error, Retries};
///
/// /// Decides whether to call again.
/// fn worth_another_call(error: &Error) -> bool {
///     if let Some(violations) = error.violations() {
///         println!("nothing was sent: {violations}");
///     } else if let Some(failure) = error.failure() {
///         println!("the platform reported {}: {:?}", failure.code(), failure.message());
///     } else if error.is_timeout() || error.is_transport() || error.is_cut() {
///         println!("{error}");
///     }
///     error.is_retryable()
/// }
/// ```
#[derive(Debug)]
pub struct Error(Box<Inner>);

struct Inner {
    operation: Option<&'static Operation>,
    kind: Kind,
    status: Option<StatusCode>,
    body: Bytes,
}

// The body may contain secrets, and what callers say.
impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("operation", &self.operation.map(|operation| operation.id))
            .field("kind", &self.kind)
            .field("status", &self.status)
            .field("body", &self.body.len())
            .finish()
    }
}

/// A body with which a call fails, as the spec of its platform documents it.
///
/// The compiled types implement it; [`Error::body_as`] reads them.
pub trait FailureBody: DeserializeOwned {
    /// The operations that fail with this body, each with the first and the last of the HTTP
    /// statuses.
    #[doc(hidden)]
    const PLACES: &'static [(&'static Operation, u16, u16)];
}

#[derive(Debug)]
pub(super) enum Kind {
    Settings(String, Option<Box<dyn StdError + Send + Sync>>),
    Invalid(Violations),
    Request(String),
    Unsupported(String),
    Deadline(Deadline, Duration),
    Transport(TransportError),
    Status,
    ContentType(String),
    Encoding(String),
    TooLarge(usize),
    Decode(DecodeError),
    Failure(Failure),
    Cut(Option<TransportError>),
}

/// A limit in time that a client enforces. [`Error::deadline`] returns the one that passed.
///
/// ```
/// # #[cfg(feature = "duix")] {
/// use std::time::Duration;
/// use callbot::client::{CallOptions, Deadline};
/// use callbot::duix::Client;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// // A peer that accepts connections and never responds.
/// let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
/// let client = Client::builder("app-1", "key")
///     .base_url(&format!("http://{}", silent.local_addr().unwrap()))
///     .options(CallOptions::new().call_deadline(Duration::from_millis(50)))
///     .build()?;
/// let error = client.concurrency().await.unwrap_err();
/// assert_eq!(error.deadline(), Some(Deadline::Call));
/// # Ok::<_, callbot::client::Error>(())
/// # }).unwrap();
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Deadline {
    /// From the start of the attempt until the connection is open.
    Connect,
    /// From the call until its whole response has arrived, for a call without a stream.
    Call,
    /// From the call until the first event of its stream.
    FirstEvent,
    /// From one event of a stream until the next, counted from when you poll for it.
    Gap,
}

impl Error {
    pub(super) fn new(operation: &'static Operation, kind: Kind) -> Self {
        Self::with_status(operation, kind, None)
    }

    pub(super) fn with_status(
        operation: &'static Operation,
        kind: Kind,
        status: Option<StatusCode>,
    ) -> Self {
        let operation = Some(operation);
        Self(Box::new(Inner { operation, kind, status, body: Bytes::new() }))
    }

    pub(super) fn without_operation(kind: Kind) -> Self {
        Self(Box::new(Inner { operation: None, kind, status: None, body: Bytes::new() }))
    }

    /// Adds the body of the response, or the data of the event, that reported the failure.
    pub(super) fn with_body(mut self, body: Bytes) -> Self {
        self.0.body = body;
        self
    }

    pub(super) fn failure_mut(&mut self) -> Option<&mut Failure> {
        match &mut self.0.kind {
            Kind::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// Hides a secret that was sent. Peers repeat it in what they report: "the key … is wrong".
    ///
    /// A text of fewer than 8 bytes protects nothing. It is a placeholder, such as `none`, and part of other
    /// texts.
    #[cfg(feature = "chat")]
    pub(crate) fn hide(mut self, secret: &Secret) -> Self {
        const SHORTEST: usize = 8;
        let secret = secret.expose();
        if secret.len() < SHORTEST {
            return self;
        }
        if let Some(failure) = self.failure_mut() {
            failure.hide(secret);
        }
        if let Ok(body) = std::str::from_utf8(&self.0.body)
            && body.contains(secret)
        {
            self.0.body = body.replace(secret, HIDDEN).into();
        }
        self
    }

    /// Creates the error of a client that can't be built.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self::without_operation(Kind::Settings(message.into(), None))
    }

    /// Creates the error of a client that can't be built because of `source`.
    pub(crate) fn settings_caused(
        message: impl Into<String>,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self::without_operation(Kind::Settings(message.into(), Some(Box::new(source))))
    }

    /// Returns how the call ended, for events and spans.
    pub(super) fn outcome(&self) -> UpstreamOutcome {
        match self.0.kind {
            Kind::Deadline(..) => UpstreamOutcome::Deadline,
            Kind::Transport(_)
            // Not sent, and therefore not observed.
            | Kind::Settings(..) | Kind::Invalid(_) | Kind::Request(_) | Kind::Unsupported(_) => {
                UpstreamOutcome::Transport
            }
            Kind::Status => UpstreamOutcome::Status,
            Kind::ContentType(_) | Kind::Encoding(_) | Kind::TooLarge(_) | Kind::Decode(_) => {
                UpstreamOutcome::Decode
            }
            Kind::Failure(_) => UpstreamOutcome::Failure,
            Kind::Cut(_) => UpstreamOutcome::Cut,
        }
    }

    /// Whether a deadline passed. [`deadline`](Self::deadline) returns which one.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.deadline().is_some()
    }

    /// Returns the deadline that passed.
    #[must_use]
    pub fn deadline(&self) -> Option<Deadline> {
        match self.0.kind {
            Kind::Deadline(deadline, _) => Some(deadline),
            _ => None,
        }
    }

    /// Whether a stream ended before its last packet.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self.0.kind, Kind::Cut(_))
    }

    /// Whether the request failed in transport: the connection, TLS, or a response that broke off.
    #[must_use]
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, Kind::Transport(_))
    }

    /// Whether the same call may succeed when it is retried: the peer was not reached, is
    /// overloaded, or failed in a way that its documentation calls temporary. This does not say that
    /// retrying is safe.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.0.kind {
            Kind::Deadline(deadline, _) => *deadline == Deadline::Connect,
            Kind::Transport(error) => error.is_connect(),
            Kind::Failure(failure) => failure.is_retryable() || self.is_overloaded(),
            Kind::Status => self.is_overloaded(),
            _ => false,
        }
    }

    fn is_overloaded(&self) -> bool {
        matches!(self.0.status.map(|status| status.as_u16()), Some(429 | 502..=504))
    }

    /// Returns the HTTP status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// Returns the failure that the peer reported in the body.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.0.kind {
            Kind::Failure(failure) => Some(failure),
            _ => None,
        }
    }

    /// Returns the body of the response, or the data of the event, that reported the failure. It is
    /// empty if there was none. It may contain what callers say, so do not log it.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// Returns the [body](Self::body) as the type that the spec documents for this operation and
    /// status. Returns `None` if the spec documents another type, or the body does not match it.
    ///
    /// The docs of an operation list its types. Fields that [`failure`](Self::failure) leaves out are
    /// here:
    ///
    /// ```
    /// # #[cfg(all(feature = "odfs", feature = "server"))] {
    /// use callbot::client::InMemoryTransport;
    /// use callbot::odfs::{Release, Request, Start, StartInParams, StartInParamsFields, WireClient};
    /// # use callbot::odfs::{Action, Api, Call, Interacted, router};
    /// # use callbot::server::Error;
    /// # struct Closed;
    /// # impl Api for Closed {
    /// #     async fn start(&self, _: &Call, _: Start) -> Result<Action, Error> {
    /// #         Err(Error::public("closed").code("17"))
    /// #     }
    /// #     async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
    /// #         Ok(call.release().into())
    /// #     }
    /// # }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let transport = InMemoryTransport::new(router(Closed));
    /// let client = WireClient::builder("http://odfs").transport(transport).build()?;
    /// let start = Start::new("call-1", StartInParams::new(StartInParamsFields {
    ///     call_id: "call-1",
    ///     call_sor_id: "13500000001",
    ///     call_dst_id: "10086",
    ///     auth_token: "token".into(),
    /// }));
    /// let error = client.process(&Request::Start(start)).await.unwrap_err();
    /// let release = error.body_as::<Release>().unwrap();
    /// assert_eq!((release.ret, release.user_id.as_deref()), (Some(17), Some("call-1")));
    /// # Ok::<_, callbot::client::Error>(())
    /// # }).unwrap();
    /// # }
    /// ```
    #[must_use]
    pub fn body_as<T: FailureBody>(&self) -> Option<T> {
        let (operation, status) = (self.0.operation?, self.0.status?.as_u16());
        let documented = T::PLACES.iter().any(|(place, first, last)| {
            std::ptr::eq(*place, operation) && (*first..=*last).contains(&status)
        });
        documented.then(|| decode(&self.0.body).ok()).flatten()
    }

    /// Returns the id of the request, as the peer echoed it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.failure().and_then(Failure::request_id)
    }

    /// Returns the parts of the request that the spec does not allow. Nothing was sent.
    #[must_use]
    pub fn violations(&self) -> Option<&Violations> {
        match &self.0.kind {
            Kind::Invalid(violations) => Some(violations),
            _ => None,
        }
    }

    /// Returns where the response differs from the spec. A response none of whose keys is known differs,
    /// too, even if no key is required: it may come from a proxy.
    #[must_use]
    pub fn decode_error(&self) -> Option<&DecodeError> {
        match &self.0.kind {
            Kind::Decode(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { operation, kind, status, .. } = &*self.0;
        if let Some(operation) = operation {
            write!(f, "{}: ", operation.id)?;
        }
        match kind {
            Kind::Unsupported(reason) => f.write_str(reason),
            Kind::Settings(message, _) => write!(f, "the client can't be built: {message}"),
            Kind::Invalid(violations) => write!(f, "not sent: {violations}"),
            Kind::Request(message) => write!(f, "the request can't be built: {message}"),
            Kind::Deadline(deadline, limit) => match deadline {
                Deadline::Connect => write!(f, "not connected within {limit:?}"),
                Deadline::Call => write!(f, "no complete response within {limit:?}"),
                Deadline::FirstEvent => write!(f, "no first event within {limit:?}"),
                Deadline::Gap => write!(f, "no further event within {limit:?}"),
            },
            Kind::Transport(error) => error.fmt(f),
            Kind::Status => match status {
                Some(status) => write!(f, "the server responded with HTTP {status}"),
                None => f.write_str("the server responded with a failure"),
            },
            Kind::ContentType(found) => write!(f, "expected an event stream, got {found}"),
            Kind::Encoding(encoding) => {
                write!(
                    f,
                    "the response is encoded with {encoding}, although no encoding was accepted"
                )
            }
            Kind::TooLarge(limit) => write!(f, "the response is larger than {limit} bytes"),
            Kind::Decode(error) => write!(f, "the response can't be read: {error}"),
            Kind::Failure(failure) => failure.fmt(f),
            Kind::Cut(_) => f.write_str("the stream ended before its last packet"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0.kind {
            Kind::Settings(_, Some(source)) => Some(&**source),
            Kind::Transport(error) | Kind::Cut(Some(error)) => error.source(),
            _ => None,
        }
    }
}
