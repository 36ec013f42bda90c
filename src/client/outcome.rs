//! How a platform says in the body of an answer whether a call went well.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// An answer that says itself whether it is a success.
pub trait Outcome: Sized {
    /// The failure that it reports; `None` for a success.
    fn failure(&self) -> Option<Failure>;

    /// The failure that this answer reports, where its body says more than its fields.
    fn failure_beside(&self, _body: &[u8]) -> Option<Failure> {
        self.failure()
    }

    /// The failure that a body reports although it is no answer of this type, such as an envelope
    /// whose data are of another kind, or the one JSON body that stands for a stream.
    fn failure_in(_body: &[u8]) -> Option<Failure> {
        None
    }
}

/// A packet of a stream.
pub trait Reported: Outcome {
    /// Whether more is to come.
    fn step(&self) -> Step;
}

/// Where a packet stands in its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More packets follow.
    Next,
    /// The last packet.
    Last,
}

/// A failure that the peer reports in the body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    code: String,
    status: Option<i32>,
    message: Option<String>,
    request_id: Option<String>,
    retryable: bool,
}

impl Failure {
    /// A failure, by the peer's code.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        let code = code.into();
        Self { code, status: None, message: None, request_id: None, retryable: false }
    }

    /// The status that the body states.
    #[must_use]
    pub fn with_status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// The peer's words.
    #[must_use]
    pub fn with_message(mut self, message: Option<String>) -> Self {
        self.message = message;
        self
    }

    /// The id of the request that failed.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id;
        self
    }

    /// The platform's document says that the call may go well when it is made again.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    /// The status that the body states, if it states one; the HTTP status may be another.
    #[must_use]
    pub fn status(&self) -> Option<i32> {
        self.status
    }

    /// The code, as the peer wrote it.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The code as the platform's type for it.
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

    /// The text, if there is one.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// The id of the request that failed.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Whether the platform's document says that the call may be made again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("failure")?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}
