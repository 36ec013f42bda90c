//! The error of a handler, and the part of it that the platform sees.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The error that a handler of a [`Bot`](crate::bot::Bot) or of an `Api` returns.
///
/// # Errors go in
///
/// Everything that converts into a `Box<dyn std::error::Error + Send + Sync>` converts into it, so
/// `?` works on your own error types, on `anyhow::Error`, on boxed errors, `String` and `&str`. The
/// platform then learns only that the bot failed. To send it a message, create the error with
/// [`Error::public`]. The whole error always goes to `tracing`.
///
/// ```
/// use callbot::server::Error;
///
/// fn balance(account: &str) -> Result<u64, Error> {
///     if account.is_empty() {
///         return Err(Error::public("no account").status(404).code("NoAccount"));
///     }
///     if account.len() > 20 {
///         return Err("an account has at most 20 digits".into());
///     }
///     Ok(account.parse()?) // the platform does not see the text of a ParseIntError
/// }
/// # assert!(balance("").is_err() && balance("x").is_err() && balance(&"1".repeat(21)).is_err());
/// ```
///
/// # Errors come out
///
/// `Error` itself is not a [`std::error::Error`], since this conversion could not exist if it were.
/// [`into_boxed`](Error::into_boxed) converts it into one, and
/// [`downcast_ref`](Error::downcast_ref) returns the error that went in:
///
/// ```
/// use callbot::server::{Error, SendError};
///
/// fn outside(result: Result<(), Error>) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     result.map_err(Error::into_boxed)
/// }
///
/// let error = Error::from(SendError::Finished);
/// assert_eq!(error.downcast_ref(), Some(&SendError::Finished));
/// assert!(outside(Err(error)).is_err());
/// ```
pub struct Error {
    inner: Inner,
    /// Whether the log has the error already, with the call and the turn, which the server does not know.
    logged: bool,
}

enum Inner {
    Public(Fault),
    /// An error that goes to the log, and the failure that the platform sees in its place.
    Source(Box<dyn StdError + Send + Sync>, Fault),
    Unsupported,
}

impl Error {
    /// Creates an error whose message is sent to the platform.
    ///
    /// The status is 500 and the code is the platform's code for a failure, unless you set others.
    #[must_use]
    pub fn public(message: impl Into<String>) -> Self {
        Self::unlogged(Inner::Public(Fault::new(FaultKind::Public, message.into())))
    }

    /// Returns the error that was converted into this one, if it is a `T`.
    #[must_use]
    pub fn downcast_ref<T: StdError + 'static>(&self) -> Option<&T> {
        match &self.inner {
            Inner::Public(fault) => (fault as &(dyn StdError + 'static)).downcast_ref(),
            Inner::Source(source, _) => source.downcast_ref(),
            Inner::Unsupported => None,
        }
    }

    /// Converts into a [`std::error::Error`], for use outside a handler.
    ///
    /// An error that was converted into this one comes out unchanged. Any other comes out as a
    /// [`Fault`], which converts back into the same error.
    #[must_use]
    pub fn into_boxed(self) -> Box<dyn StdError + Send + Sync> {
        match self.inner {
            Inner::Source(source, _) => source,
            Inner::Public(fault) => Box::new(fault),
            Inner::Unsupported => Box::new(Fault::unsupported()),
        }
    }

    /// Sets the HTTP status of the failure, 400 to 599; any other number counts as 500. Only an
    /// error created with [`Error::public`] has one. Default: 500.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        if let Inner::Public(fault) = &mut self.inner {
            fault.status = if (400..=599).contains(&status) { status } else { 500 };
        }
        self
    }

    /// Sets the code of the failure in the platform's envelope. For ODFS it must be an integer
    /// other than 0; any other code is left out. Only an error created with [`Error::public`] has
    /// one. Default: the platform's code for a failure.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        if let Inner::Public(fault) = &mut self.inner {
            fault.code = Some(code.into());
        }
        self
    }

    /// Sets the upstream's request id, for the platforms whose envelope has one. Only an error
    /// created with [`Error::public`] has one. Default: none.
    #[must_use]
    pub fn request_id(mut self, request_id: impl Into<String>) -> Self {
        if let Inner::Public(fault) = &mut self.inner {
            fault.request_id = Some(request_id.into());
        }
        self
    }

    /// Creates the error of an operation that this server does not offer. Its status is 501.
    #[must_use]
    pub fn unsupported() -> Self {
        Self::unlogged(Inner::Unsupported)
    }

    fn unlogged(inner: Inner) -> Self {
        Self { inner, logged: false }
    }

    /// Creates the error of a missed deadline. The platform sees [`Fault::deadline`], and `source` goes to
    /// the log.
    #[cfg(feature = "bot")]
    pub(crate) fn late(source: impl StdError + Send + Sync + 'static) -> Self {
        Self::unlogged(Inner::Source(Box::new(source), Fault::deadline()))
    }

    /// Creates an error of which the platform sees only `message`. `source` goes to the log.
    #[cfg(feature = "bot")]
    pub(crate) fn shown(
        source: impl StdError + Send + Sync + 'static,
        message: &'static str,
    ) -> Self {
        let fault = Fault { message: message.into(), ..Fault::internal() };
        Self::unlogged(Inner::Source(Box::new(source), fault))
    }

    /// Marks the error as logged.
    #[cfg(feature = "bot")]
    pub(crate) fn logged(mut self) -> Self {
        self.logged = true;
        self
    }

    /// Returns whether the log has the error already.
    pub(crate) fn is_logged(&self) -> bool {
        self.logged
    }

    /// Converts into the failure that the platform sees.
    pub(crate) fn into_fault(self) -> Fault {
        match self.inner {
            Inner::Public(fault) | Inner::Source(_, fault) => fault,
            Inner::Unsupported => Fault::unsupported(),
        }
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Error {
    fn from(error: E) -> Self {
        // A `Fault` that came out of `into_boxed` becomes the same error again.
        let inner = match error.into().downcast::<Fault>() {
            Ok(fault) => Inner::Public(*fault),
            Err(source) => Inner::Source(source, Fault::internal()),
        };
        Self::unlogged(inner)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Inner::Public(fault) => f.write_str(&fault.message),
            Inner::Source(source, _) => {
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
        match &self.inner {
            Inner::Public(fault) => f.debug_tuple("Error").field(fault).finish(),
            Inner::Source(source, _) => f.debug_tuple("Error").field(source).finish(),
            Inner::Unsupported => f.write_str("Error(Unsupported)"),
        }
    }
}

/// A failure as the platform sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fault {
    /// The cause of the failure.
    pub kind: FaultKind,
    /// The HTTP status of the response.
    pub status: u16,
    /// The code for the platform's envelope, if the handler set one.
    pub code: Option<String>,
    /// The message for the platform.
    pub message: Cow<'static, str>,
    /// The upstream's request id.
    pub request_id: Option<String>,
}

/// The cause of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The request does not match the spec: 400.
    Request,
    /// The request is larger than the limit: 413.
    TooLarge,
    /// The request is not JSON: 415.
    MediaType,
    /// The handler failed with [`Error::public`], whose message is sent to the platform: 500, or
    /// the status that it set.
    Public,
    /// The request carries no identity: 401.
    Unauthorized,
    /// The identity of the request does not grant access: 403.
    Forbidden,
    /// The handler did not finish before its deadline: 500.
    Deadline,
    /// The handler failed or panicked: 500. The platform learns no reason.
    Internal,
}

impl Fault {
    /// Creates a failure with the status of its kind.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<Cow<'static, str>>) -> Self {
        let status = match kind {
            FaultKind::Request => 400,
            FaultKind::TooLarge => 413,
            FaultKind::MediaType => 415,
            FaultKind::Unauthorized => 401,
            FaultKind::Forbidden => 403,
            FaultKind::Public | FaultKind::Deadline | FaultKind::Internal => 500,
        };
        Self { kind, status, code: None, message: message.into(), request_id: None }
    }

    /// Returns the status of the response; 500 if [`status`](Self::status) is not an HTTP status.
    // Depending on its features, no platform may use it.
    #[allow(dead_code)]
    pub(crate) fn status_code(&self) -> http::StatusCode {
        http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Creates the failure of a handler, without a reason.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(FaultKind::Internal, "internal error")
    }

    /// Creates the failure of an operation that this server does not offer.
    pub(crate) fn unsupported() -> Self {
        let mut fault = Self::new(FaultKind::Public, "the operation is not supported");
        fault.status = 501;
        fault
    }

    /// Creates the failure of a handler that missed its deadline.
    #[must_use]
    pub fn deadline() -> Self {
        Self::new(FaultKind::Deadline, "no answer in time")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Fault {}
