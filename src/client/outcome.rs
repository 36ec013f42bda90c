//! Reads from a response body whether the call succeeded.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;

use crate::wire::Printable;

/// A response whose body says whether the call succeeded.
pub trait Outcome: Sized {
    /// The known keys of the response, if none of them is required; otherwise empty.
    const KEYS: &'static [&'static str] = &[];

    /// Returns the failure that it reports; `None` for a success.
    fn failure(&self) -> Option<Failure>;

    /// Returns the failure that this response reports, for a body that says more than its fields.
    fn failure_beside(&self, _body: &[u8]) -> Option<Failure> {
        self.failure()
    }

    /// Returns the failure that `body` reports although it is not a response of this type: an
    /// envelope with other data, or a single JSON body in place of a stream.
    fn failure_in(_body: &[u8]) -> Option<Failure> {
        None
    }

    /// Reads a stream of events that came in place of one body: the response, or the failure that the
    /// stream reports, with the data of its event.
    fn from_events(_events: &[u8]) -> Option<Result<Self, (Failure, Bytes)>> {
        None
    }

    /// Returns the stream of events that says the same as `body`, which came in its place.
    fn as_events(_body: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// A packet of a stream.
pub trait Reported: Outcome {
    /// Returns whether more packets follow.
    fn step(&self) -> Step;
}

/// The position of a packet in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More packets follow.
    Next,
    /// The reply is complete, but packets about it may follow: a stream that ends here is not cut.
    Complete,
    /// The last packet.
    Last,
}

/// A failure that the peer reports in the body of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: String,
    status: Option<i32>,
    message: Option<String>,
    request_id: Option<String>,
    retryable: bool,
}

impl Failure {
    /// Creates a failure with the peer's code.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        Self { code, status: None, message: None, request_id: None, retryable: false }
    }

    /// Sets the status that the body contains.
    #[must_use]
    pub fn with_status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// Sets the peer's message.
    #[must_use]
    pub fn with_message(mut self, message: Option<String>) -> Self {
        self.message = message;
        self
    }

    /// Sets the id of the failed request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }

    /// Marks the failure as temporary: the platform's document says that a retry may succeed.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// Returns the status that the body contains, if any; it may differ from the HTTP status.
    #[must_use]
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// Returns the code, as the peer wrote it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the code as the platform's type for it.
    ///
    /// ```
    /// # #[cfg(feature = "duix")] {
    /// use callbot::client::Failure;
    /// use callbot::duix::ResponseCode;
    ///
    /// let failure = Failure::new("1009");
    /// assert_eq!(failure.code_as::<ResponseCode>(), ResponseCode::QuotaUsedUp);
    /// # }
    /// ```
    #[must_use]
    pub fn code_as<T: FromStr<Err = Infallible>>(&self) -> T {
        match self.code.parse() {
            Ok(code) => code,
            Err(never) => match never {},
        }
    }

    /// Returns the peer's message, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// Returns the id of the failed request, if the peer reported one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the platform's document says that a retry may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

/// The replacement of a secret in what a peer reports.
#[cfg(feature = "chat")]
pub(super) const HIDDEN: &str = "[hidden]";

#[cfg(feature = "chat")]
impl Failure {
    /// Replaces a secret wherever the peer has repeated it.
    pub(super) fn hide(&mut self, secret: &str) {
        let texts = [Some(&mut self.code), self.message.as_mut(), self.request_id.as_mut()];
        for text in texts.into_iter().flatten().filter(|text| text.contains(secret)) {
            *text = text.replace(secret, HIDDEN);
        }
    }
}

/// Shows the peer's code and message. Control characters are escaped, and each is cut after 256 bytes.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failure")?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if !self.code.is_empty() {
            write!(f, " {}", Printable::cut(&self.code))?;
        }
        match &self.message {
            Some(message) => write!(f, ": {}", Printable::cut(message)),
            None => Ok(()),
        }
    }
}
