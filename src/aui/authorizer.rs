//! Who may call an app server, and who a caller is.

use std::fmt;
use std::sync::Arc;

use crate::auth::is_secret;
use crate::wire::{Operation, Secret};

/// Says who calls, or that nobody may call so.
///
/// It is asked before every operation. The platform gives no scheme: clients send the app's own token
/// in `Authorization` as it is, an empty one, or none.
///
/// ```
/// use callbot::aui::{Ask, Authorizer, Principal, AccessDenied};
///
/// struct Sessions;
///
/// impl Authorizer for Sessions {
///     async fn authorize(&self, ask: Ask<'_>) -> Result<Principal, AccessDenied> {
///         // Look the token up, and let nobody speak for somebody else.
///         let user = match ask.authorization {
///             Some(token) if token.expose() == "session-of-u1" => "u1",
///             _ => return Err(AccessDenied::new("log in first")),
///         };
///         if ask.user_id.is_some_and(|asked| asked != user) {
///             return Err(AccessDenied::new("not your user"));
///         }
///         Ok(Principal::new(user))
///     }
/// }
/// ```
pub trait Authorizer: Send + Sync + 'static {
    /// Who asks.
    fn authorize(
        &self,
        ask: Ask<'_>,
    ) -> impl Future<Output = Result<Principal, AccessDenied>> + Send;
}

/// What a caller asks for, as far as it counts for whether it may.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// The operation.
    pub operation: &'static Operation,
    /// The value of `Authorization`; `None` when it is missing or empty.
    pub authorization: Option<&'a Secret>,
    /// The user that the request names.
    pub user_id: Option<&'a str>,
    /// The channel that the request names.
    pub channel_id: Option<&'a str>,
    /// The instance that the request names.
    pub instance_id: Option<&'a str>,
    /// The agent that the request names.
    pub agent_id: Option<&'a str>,
    /// The role in the chat that the request wants: `admin`, or none.
    pub role: Option<&'a str>,
}

/// Who calls: what this principal started and joined, no other one may touch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A principal, by a name that is its own: the id of an account, or of a user.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Why a caller was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenied {
    message: String,
    pub(super) unavailable: bool,
}

impl AccessDenied {
    /// Creates a refusal, in words that the caller sees. It is sent with HTTP 403, which clients take as
    /// the end of the app's own token.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), unavailable: false }
    }

    /// Creates an error for a caller who can't be checked now, since the service that knows callers is
    /// unavailable: code 503, in words that the caller sees.
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { message: message.into(), unavailable: true }
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for AccessDenied {}

/// Takes everybody, and takes everybody for the same: for development, and behind a gateway that has
/// checked the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyCaller;

impl Authorizer for AnyCaller {
    async fn authorize(&self, _: Ask<'_>) -> Result<Principal, AccessDenied> {
        Ok(Principal::new("anyone"))
    }
}

/// Takes those who show one of some tokens. A caller may have several, while one replaces another.
///
/// This is for back ends that call the app server: a token that is put into an app makes all users of
/// the app one caller, who may ask for any `user_id`. Users of their own need an [`Authorizer`] that
/// knows them.
///
/// ```
/// use callbot::aui::KnownCallers;
///
/// let callers = KnownCallers::new().caller("web-shop", "a long token");
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownCallers {
    tokens: Vec<(Principal, Secret)>,
}

impl KnownCallers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a caller, or another token of one. An empty token lets nobody in; a token of two callers is
    /// that of the first.
    #[must_use]
    pub fn caller(mut self, name: impl Into<Arc<str>>, token: impl Into<Secret>) -> Self {
        self.tokens.push((Principal::new(name), token.into()));
        self
    }
}

impl Authorizer for KnownCallers {
    async fn authorize(&self, ask: Ask<'_>) -> Result<Principal, AccessDenied> {
        let given = ask.authorization.map(Secret::expose).unwrap_or_default();
        // All are compared, each in constant time.
        let mut known = None;
        for (principal, token) in &self.tokens {
            if is_secret(token, given.as_bytes()) {
                known = known.or(Some(principal));
            }
        }
        known.cloned().ok_or_else(|| AccessDenied::new("the token is not known"))
    }
}
