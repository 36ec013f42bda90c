//! What a handler fails with, and what of it reaches the platform.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Why a handler failed.
///
/// Any error converts into it, so `?` works on all of them; the platform then learns no more than
/// that the bot failed. Only an error made with [`Error::wire`] shows its text there. Either way
/// the whole error goes to `tracing`.
///
/// ```
/// use callbot::server::Error;
///
/// fn balance(account: &str) -> Result<u64, Error> {
///     if account.is_empty() {
///         return Err(Error::wire("no account").status(404).code("NoAccount"));
///     }
///     Ok(account.parse()?) // the text of a ParseIntError stays here
/// }
/// # assert!(balance("").is_err() && balance("x").is_err());
/// ```
pub struct Error(Inner);

enum Inner {
    Wire(Fault),
    Source(Box<dyn StdError + Send + Sync>),
    Unsupported,
}

impl Error {
    /// An error whose text the platform shall see. Status 500 and the platform's code for a failure
    /// unless set otherwise.
    #[must_use]
    pub fn wire(message: impl Into<String>) -> Self {
        Self(Inner::Wire(Fault::new(FaultKind::Wire, message.into())))
    }

    /// The HTTP status of the failure, 400 to 599; other numbers count as 500. For an error made
    /// with [`Error::wire`].
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        if let Inner::Wire(fault) = &mut self.0 {
            fault.status = if (400..=599).contains(&status) { status } else { 500 };
        }
        self
    }

    /// The code of the failure in the platform's envelope; for ODFS a whole number other than 0, any
    /// other is left out. For an error made with [`Error::wire`].
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        if let Inner::Wire(fault) = &mut self.0 {
            fault.code = Some(code.into());
        }
        self
    }

    /// The id under which whoever answered this server knows the request, for the platforms whose
    /// envelope has one. For an error made with [`Error::wire`].
    #[must_use]
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        if let Inner::Wire(fault) = &mut self.0 {
            fault.request_id = Some(request_id.into());
        }
        self
    }

    /// The operation is not offered by this server.
    #[must_use]
    pub fn unsupported() -> Self {
        Self(Inner::Unsupported)
    }

    /// An error that is a failure already.
    #[cfg(any(feature = "aui", feature = "bot"))]
    pub(crate) fn from_fault(fault: Fault) -> Self {
        Self(Inner::Wire(fault))
    }

    /// Whether the caller may not ask, or not so.
    #[cfg(feature = "aui")]
    pub(crate) fn is_callers_fault(&self) -> bool {
        let kind = match &self.0 {
            Inner::Wire(fault) => fault.kind,
            _ => return false,
        };
        matches!(kind, FaultKind::Forbidden | FaultKind::Request)
    }

    /// What of it reaches the platform.
    pub(crate) fn into_fault(self) -> Fault {
        match self.0 {
            Inner::Wire(fault) => fault,
            Inner::Source(_) => Fault::internal(),
            Inner::Unsupported => {
                let mut fault = Fault::new(FaultKind::Wire, "the operation is not supported");
                fault.status = 501;
                fault
            }
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        Self(Inner::Source(Box::new(error)))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Wire(fault) => f.write_str(&fault.message),
            Inner::Source(source) => {
                write!(f, "{source}")?;
                let mut cause = source.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Inner::Unsupported => f.write_str("the operation is not supported"),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Wire(fault) => f.debug_tuple("Error").field(fault).finish(),
            Inner::Source(source) => f.debug_tuple("Error").field(source).finish(),
            Inner::Unsupported => f.write_str("Error(Unsupported)"),
        }
    }
}

/// A failure as the platform gets to see it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// Whose fault it is.
    pub kind: FaultKind,
    /// The HTTP status that says it.
    pub status: u16,
    /// The code for the platform's envelope, where the bot's author gave one.
    pub code: Option<String>,
    /// The text.
    pub message: Cow<'static, str>,
    /// The id of the request at whoever answered this server.
    pub request_id: Option<String>,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The request is not what the spec says: 400.
    Request,
    /// The request is larger than the limit: 413.
    TooLarge,
    /// The request is not JSON: 415.
    MediaType,
    /// The bot's author said so, in words meant for the platform.
    Wire,
    /// Who asks did not say who it is: 401.
    Unauthorized,
    /// Who asks is not who it should be: 403.
    Forbidden,
    /// The handler did not end in time: 500.
    Deadline,
    /// The handler failed or panicked: 500, without a word about why.
    Internal,
}

impl Fault {
    /// A failure with the status that goes with its kind.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        let status = match kind {
            FaultKind::Request => 400,
            FaultKind::TooLarge => 413,
            FaultKind::MediaType => 415,
            FaultKind::Unauthorized => 401,
            FaultKind::Forbidden => 403,
            FaultKind::Wire | FaultKind::Deadline | FaultKind::Internal => 500,
        };
        Self { kind, status, code: None, message: message.into(), request_id: None }
    }

    /// The failure of a handler that says nothing about itself.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(FaultKind::Internal, "internal error")
    }

    /// The failure of a handler that took too long.
    #[must_use]
    pub fn deadline() -> Self {
        Self::new(FaultKind::Deadline, "no answer in time")
    }
}
