//! The callers of an app server.

use std::fmt;
use std::sync::Arc;

use crate::auth::is_secret;
use crate::wire::{Operation, Secret};

/// Identifies the caller of a request, or refuses the request.
///
/// It runs before every operation. The platform defines no scheme: clients send the app's own token
/// in `Authorization` unchanged, an empty one, or none. Some write `Bearer ` before it.
///
/// ```
/// use callbot::aui::{AccessDenied, Ask, Authorizer, Principal};
///
/// struct Sessions;
///
/// impl Authorizer for Sessions {
///     async fn authorize(&self, ask: Ask<'_>) -> Result<Principal, AccessDenied> {
///         // Look up the token, and accept only requests for its own user.
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
    /// Returns the caller of the request that `ask` describes.
    ///
    /// # Errors
    /// If the request is refused.
    fn authorize(
        &self,
        ask: Ask<'_>,
    ) -> impl Future<Output = Result<Principal, AccessDenied>> + Send;
}

/// The parts of a request that an [`Authorizer`] decides on. Blank ids and roles are `None`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// The operation.
    pub operation: &'static Operation,
    /// The value of `Authorization` without a `Bearer ` before it; `None` when it is missing or empty.
    pub authorization: Option<&'a Secret>,
    /// The user that the request names.
    pub user_id: Option<&'a str>,
    /// The channel that the request names.
    pub channel_id: Option<&'a str>,
    /// The instance that the request names.
    pub instance_id: Option<&'a str>,
    /// The agent that the request names.
    pub agent_id: Option<&'a str>,
    /// The chat role that the request asks for: `admin`, or none.
    pub role: Option<&'a str>,
}

/// The identity of a caller. The instances and channels of one principal are inaccessible to others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// Creates a principal with a unique name, such as the id of an account or of a user.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessDenied {
    message: String,
    pub(super) unavailable: bool,
}

impl AccessDenied {
    /// Creates a refusal. The caller sees `message`. It is sent with HTTP 403, which clients read as
    /// an expired token of the app.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), unavailable: false }
    }

    /// Creates an error for a caller that can't be identified, because a service that this needs is
    /// unavailable. It is sent with code 503, and the caller sees `message`.
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

/// Accepts every request, as one and the same caller.
///
/// Use it for development, and behind a gateway that has checked the caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct AnyCaller;

impl Authorizer for AnyCaller {
    async fn authorize(&self, _: Ask<'_>) -> Result<Principal, AccessDenied> {
        Ok(Principal::new("anyone"))
    }
}

/// Accepts the callers whose tokens you add.
///
/// A caller can have several tokens, for example while one replaces another.
///
/// Use it for back ends that call the app server. A token inside an app would make all of the app's
/// users one caller, which may name any `user_id`. To tell users apart, implement [`Authorizer`].
///
/// ```
/// # #[cfg(feature = "client")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// use callbot::aui::{AppServer, Base, Client, InMemoryAgents, KnownCallers, RtcTokens, router};
/// use callbot::aui::RtcTokenRequest;
/// use callbot::client::InMemoryTransport;
///
/// let callers = KnownCallers::new().caller("web-shop", "old token").caller("web-shop", "new token");
/// let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
/// let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens);
/// let transport = InMemoryTransport::new(router(app, callers));
///
/// let client = Client::builder("http://app", Base::V2).transport(transport).build()?;
/// let request = RtcTokenRequest::new("u1");
/// client.with_authorization("old token").rtc_token(&request).await?;
/// client.with_authorization("new token").rtc_token(&request).await?;
/// let error = client.with_authorization("a guess").rtc_token(&request).await.unwrap_err();
/// assert_eq!(error.status().unwrap(), 403);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Default)]
pub struct KnownCallers {
    tokens: Vec<(Principal, Secret)>,
}

impl KnownCallers {
    /// Creates an authorizer without callers, which refuses every request.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a caller, or another token of a caller. An empty token never matches. If two callers have
    /// the same token, it identifies the first.
    #[must_use]
    pub fn caller(mut self, name: impl Into<Arc<str>>, token: impl Into<Secret>) -> Self {
        self.tokens.push((Principal::new(name), token.into()));
        self
    }
}

impl Authorizer for KnownCallers {
    async fn authorize(&self, ask: Ask<'_>) -> Result<Principal, AccessDenied> {
        let given = ask.authorization.map(Secret::expose).unwrap_or_default();
        // Compare all tokens, each in constant time, so that timing does not reveal them.
        let mut known = None;
        for (principal, token) in &self.tokens {
            if is_secret(token, given.as_bytes()) {
                known = known.or(Some(principal));
            }
        }
        let denied = || AccessDenied::new("the token in `Authorization` is missing or unknown");
        known.cloned().ok_or_else(denied)
    }
}
