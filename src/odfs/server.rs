//! The server of a dialog flow: its settings and its routes.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::flow::{Flow, Settings};
use super::generated::WireApi;
use super::issuer::SharedAuthorizer;
use super::{Api, Issuer, TokenAuthorizer, WireRules};
use crate::codegen::Routes;
use crate::server::{self, Dates, Fault};
use crate::wire::Operation;

/// Serves an [`Api`] on both URLs of the interface, with the settings of [`server::Server`].
///
/// The platform's own settings are [`authorize`](server::Server::authorize),
/// [`issuer`](server::Server::issuer), [`max_waiting`](server::Server::max_waiting),
/// [`max_calls`](server::Server::max_calls), [`idle_timeout`](server::Server::idle_timeout) and
/// [`utc_offset`](server::Server::utc_offset). It has no `heartbeat`, since no response is a stream.
///
/// ```
/// use callbot::odfs::{Action, Api, Call, Interacted, Issuer, Language, Prompt, Server, Start};
/// use callbot::server::Error;
///
/// struct Bank;
///
/// impl Api for Bank {
///     async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
///         Ok(call.interact(Prompt::Text("How can I help?"), Language::English).into())
///     }
///
///     async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
///         Ok(call.release().into())
///     }
/// }
///
/// let router = Server::new(Bank)
///     .body_limit(64 * 1024)
///     .issuer(Issuer::new().account("tenant-1", "secret-1"))
///     .max_calls(10_000)
///     .utc_offset(8 * 60)
///     .router();
/// # let _ = router;
/// ```
pub type Server<A> = server::Server<A, Rules>;

/// Returns the routes of a dialog flow with the default settings; [`Server`] changes them.
///
/// Any token is accepted, and none is issued. [`Api`] has an example.
pub fn router<A: Api>(api: A) -> axum::Router {
    Server::new(api).router()
}

/// The settings that only this platform has.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    settings: Settings,
}

impl<A> server::Server<A, Rules> {
    /// Checks the `auth_token` of every request.
    ///
    /// Default: any token is accepted, and none is needed.
    #[must_use]
    pub fn authorize(mut self, tokens: impl TokenAuthorizer) -> Self {
        self.rules_mut().settings.tokens = Some(SharedAuthorizer::new(tokens));
        self
    }

    /// Issues tokens at `gettoken`, and accepts only tokens that `issuer` has issued.
    ///
    /// To check tokens in another way, call [`authorize`](Self::authorize) after this. Default:
    /// `gettoken` is refused with HTTP status 404.
    #[must_use]
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.rules_mut().settings.issuer = Some(issuer.clone());
        self.authorize(issuer)
    }

    /// Sets how many requests of one call may wait while another one is served.
    ///
    /// Further ones are refused with HTTP status 503. Default: 4.
    #[must_use]
    pub fn max_waiting(mut self, requests: usize) -> Self {
        self.rules_mut().settings.limits.max_waiting = requests;
        self
    }

    /// Sets the maximum number of calls whose data the server keeps, at least 1.
    ///
    /// For another call, the data of the one whose last request is the oldest are deleted: later requests
    /// of it have no caller and a new start. If every call has a request that is served or waits, the new
    /// one is refused with HTTP status 503. Default: 100,000.
    #[must_use]
    pub fn max_calls(mut self, calls: usize) -> Self {
        self.rules_mut().settings.limits.max_calls = calls.max(1);
        self
    }

    /// Sets how long a call may stay without a request before the server deletes its data.
    ///
    /// This only matters for calls whose end was never reported. Later requests of other calls delete
    /// the data. Default: 30 min.
    #[must_use]
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.rules_mut().settings.limits.idle_timeout = idle;
        self
    }

    /// Sets the UTC offset of the times in responses, in minutes east, at most one day in either
    /// direction.
    ///
    /// The platform writes times without a zone. Default: 0.
    #[must_use]
    pub fn utc_offset(mut self, minutes: i32) -> Self {
        self.rules_mut().settings.utc_offset = minutes.clamp(-24 * 60, 24 * 60);
        self
    }
}

impl<A: Api> server::Server<A, Rules> {
    /// Returns the [`WireApi`] behind the routes, to call it without HTTP or to serve it in your own
    /// way.
    ///
    /// It keeps the order of requests and the limits on calls, and checks and issues tokens. It has no
    /// deadlines and no limits on the size of bodies, which belong to HTTP.
    pub fn into_wire_api(self) -> impl WireApi + fmt::Debug {
        let Self { api, rules, clock, .. } = self;
        Flow::new(api, rules.settings, clock)
    }
}

/// All rules of the wire are those of [`WireRules`].
impl server::Rules for Rules {
    type Echo = <WireRules as server::Rules>::Echo;

    const DEADLINE: Option<Duration> = <WireRules as server::Rules>::DEADLINE;

    fn platform(operation: &Operation) -> &'static str {
        WireRules::platform(operation)
    }

    fn salvage(&self, body: &[u8]) -> Self::Echo {
        WireRules.salvage(body)
    }

    fn refuse(
        &self,
        operation: &Operation,
        echo: Self::Echo,
        fault: &Fault,
    ) -> (StatusCode, String) {
        WireRules.refuse(operation, echo, fault)
    }
}

impl Dates for Rules {}

impl<A: Api> Routes<A> for Rules {
    const OPERATIONS: &'static [&'static Operation] = <WireRules as Routes<Flow<A>>>::OPERATIONS;

    fn routes(server: Server<A>) -> axum::Router {
        let clock = server.clock.clone();
        #[cfg(feature = "bot")]
        let server = of_accounts(server);
        server.map(|api, rules| (Flow::new(api, rules.settings, clock), WireRules)).router()
    }
}

/// Lets the privacy of a server tell the calls of accounts apart, as the server itself does.
#[cfg(feature = "bot")]
fn of_accounts<A>(mut server: Server<A>) -> Server<A> {
    let tokens = server.rules_mut().settings.tokens.clone();
    server.privacy = match (server.privacy.take(), tokens) {
        (Some(privacy), Some(tokens)) => Some(tokens.of_account(privacy)),
        (privacy, _) => privacy,
    };
    server
}
