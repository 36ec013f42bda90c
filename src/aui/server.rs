//! Serving an app server at its bases.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::request::Parts;

use super::admission::Admission;
use super::cors::{OriginError, Origins};
use super::{Api, Authorizer, Base, WireRules};
use crate::observe::Observer;
use crate::server;

/// Returns the routes of an [`Api`] at both bases, with the default settings. [`Server`] changes them.
pub fn router(api: impl Api, authorizer: impl Authorizer) -> Router {
    Server::new(api, authorizer).router()
}

/// Serves an [`Api`] at both bases, to the callers that an [`Authorizer`] accepts.
///
/// The settings that all servers have are [`deadline`](Self::deadline),
/// [`body_limit`](Self::body_limit), [`trace_content`](Self::trace_content) and
/// [`observer`](Self::observer). Those of this platform are [`bases`](Self::bases), [`allow_origins`](Self::allow_origins) and
/// [`allow_any_origin`](Self::allow_any_origin). It lacks three settings of other servers:
///
/// - `path`, because apps with AICallKit call fixed paths below a base. To serve all of them below a
///   prefix, nest the router.
/// - `heartbeat`, because no operation answers with an event stream.
/// - `clock`, because no response is dated. [`AppServer::clock`](super::AppServer::clock) sets the
///   clock by which an `AppServer` forgets.
///
/// ```
/// # #[cfg(feature = "client")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use callbot::aui::{AppServer, Base, Client, GenerateCallRequest, Server};
/// use callbot::aui::{InMemoryAgents, KnownCallers, RtcTokens};
/// use callbot::client::InMemoryTransport;
///
/// let tokens = RtcTokens::new("app-1", "app key");
/// let app = AppServer::new(InMemoryAgents::new(tokens.clone()), tokens);
/// let callers = KnownCallers::new().caller("web-shop", "a long token");
/// let router = Server::new(app, callers)
///     .body_limit(64 * 1024)
///     .bases([Base::V2])
///     .allow_origins(["https://shop.example"])?
///     .router();
///
/// let client = Client::builder("http://app", Base::V2).authorization("a long token");
/// let client = client.transport(InMemoryTransport::new(router)).build()?;
/// let call = client.generate_call(&GenerateCallRequest::of_agent("agent-1")).await?;
/// assert_eq!(call.agent_id, "agent-1");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "client"))]
/// # fn main() {}
/// ```
pub struct Server<A, Z> {
    api: Arc<A>,
    authorizer: Arc<Z>,
    bases: Vec<Base>,
    origins: Origins,
    /// The settings that hold at each base.
    settings: server::Server<(), WireRules>,
}

impl<A: Api, Z: Authorizer> Server<A, Z> {
    /// Creates a server of `api` for the callers that `authorizer` accepts. The authorizer has no
    /// default, so that an app server is never open by accident. To accept everyone, pass
    /// [`AnyCaller`](super::AnyCaller).
    pub fn new(api: A, authorizer: Z) -> Self {
        Self {
            api: Arc::new(api),
            authorizer: Arc::new(authorizer),
            bases: Base::ALL.to_vec(),
            origins: Origins::These(Vec::new()),
            settings: server::Server::new(()),
        }
    }

    /// Sets how long a handler may take, from the arrival of the request. `None` means no limit. After
    /// that the handler is dropped, and the response is a failure. Default: 30 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.settings = self.settings.deadline(deadline);
        self
    }

    /// Sets the largest request body, in bytes. A larger one is answered with code 413. Default: 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings = self.settings.body_limit(bytes);
        self
    }

    /// Sets whether requests and responses are traced with their content, to the target `callbot::content`
    /// at level `TRACE`, without secrets; see
    /// [`trace_content`](crate::server::Server::trace_content). Default: no.
    #[must_use]
    pub fn trace_content(mut self, on: bool) -> Self {
        self.settings = self.settings.trace_content(on);
        self
    }

    /// Traces the content of the requests for which `sample` returns `true`; see
    /// [`trace_content_if`](crate::server::Server::trace_content_if). Default: none.
    #[must_use]
    pub fn trace_content_if(
        mut self,
        sample: impl Fn(&Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings = self.settings.trace_content_if(sample);
        self
    }

    /// Adds an observer, which gets an [event](crate::observe::Event::Refused) for each refused request.
    /// [`AppServer::observer`](super::AppServer::observer) gets those of agents. Default: none.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.settings = self.settings.observer(observer);
        self
    }

    /// Sets the bases that are served. Default: both.
    #[must_use]
    pub fn bases(mut self, bases: impl IntoIterator<Item = Base>) -> Self {
        self.bases.clear();
        for base in bases {
            if !self.bases.contains(&base) {
                self.bases.push(base);
            }
        }
        self
    }

    /// Sets the origins whose pages may call from a browser, such as `https://app.example`. Default:
    /// none.
    ///
    /// # Errors
    /// If an origin is not in the form that browsers send: a scheme, a lower-case host, and the port
    /// unless it is the scheme's default, without a path. `*` is not an origin; see
    /// [`allow_any_origin`](Self::allow_any_origin).
    pub fn allow_origins(
        mut self,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, OriginError> {
        self.origins = Origins::read(origins)?;
        Ok(self)
    }

    /// Lets the pages of every origin call from a browser, with credentials. Use it only for
    /// development: any page that a user opens can then act in that user's name.
    #[must_use]
    pub fn allow_any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// Returns the routes.
    pub fn router(self) -> Router {
        let mut router = Router::new();
        for base in self.bases {
            let (api, authorizer) = (Arc::clone(&self.api), Arc::clone(&self.authorizer));
            let admission = Admission::new(api, authorizer, base);
            let server = self.settings.clone().map(|(), _| (admission, WireRules::at(base)));
            router = router.merge(server.router());
        }
        self.origins.layer(router)
    }
}

impl<A, Z> fmt::Debug for Server<A, Z> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("bases", &self.bases)
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}
