//! How a platform says in the body of an answer whether a call went well.

use std::fmt;

/// An answer that says itself whether it is a success.
pub trait Outcome {
    /// The failure that it reports; `None` for a success.
    fn failure(&self) -> Option<Failure>;
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
    status: i32,
    code: String,
    message: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    /// A failure, in the peer's words.
    #[must_use]
    pub fn new(status: i32, code: &str, message: Option<&str>, request_id: Option<&str>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.map(String::from),
            request_id: request_id.map(String::from),
        }
    }

    /// The status that the body states; the HTTP status may be another.
    #[must_use]
    pub fn status(&self) -> i32 {
        self.status
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
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
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failure {} {}", self.status, self.code)?;
        match &self.message {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}
