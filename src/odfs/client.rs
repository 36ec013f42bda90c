//! The client, which plays the IVR.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::generated::{ProcessV2Parameters, operations};
use super::{Request, Response, TokenRequest, WireClient};
use crate::client::wrapper::TokenSource;
use crate::client::{Answer, BuildClient, CallOptions, Core, CoreBuilder, Error, Failure};
use crate::clock::{Clock, SharedClock};
use crate::wire::{Secret, decode_value};

/// Calls an ODFS, as an IVR does.
///
/// It fetches its token with `gettoken`, and renews it before it expires and when it is refused.
/// Other than that it never retries a dialogue request, whatever the options, because such requests
/// are not documented to be idempotent.
///
/// [`dialogue`](Self::dialogue) follows a call from start to end; [`process`](Self::process) sends one
/// request.
///
/// Cheap to clone; all clones share their connections and the token.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use callbot::client::InMemoryTransport;
/// # use callbot::odfs::{Action, Api, Call, Interacted, Issuer, Language, Prompt, Server, Start};
/// # use callbot::server::Error;
/// # struct Flow;
/// # impl Api for Flow {
/// #     async fn start(&self, call: &Call, _: Start) -> Result<Action, Error> {
/// #         Ok(call.interact(Prompt::Tts("How can I help?"), Language::English).into())
/// #     }
/// #     async fn interacted(&self, call: &Call, _: Interacted) -> Result<Action, Error> {
/// #         Ok(call.release().into())
/// #     }
/// # }
/// # let issuer = Issuer::new().account("tenant-1", "secret-1");
/// # let router = Server::new(Flow).issuer(issuer).router();
/// use callbot::odfs::{Client, Input, Next};
///
/// let client = Client::builder("https://odfs.example:28080", "tenant-1", "secret-1")
///     .tenant_space("vdn-1")
/// #     .transport(InMemoryTransport::new(router))
///     .build()?;
/// let mut call = client.dialogue("1528780879-9581", "13500000001", "10086");
/// call.start().await?;
/// assert_eq!(call.next(), Next::Input);
/// call.input(Input::Text("My balance, please.")).await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    core: Core,
    inner: WireClient,
    source: Source,
    pub(super) settings: CallSettings,
}

/// Builds a [`Client`].
///
/// By default nothing is retried. Retries that you set apply to `gettoken` only.
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// The source of the token.
#[derive(Debug, Clone)]
enum Source {
    Fixed(Secret),
    Account { app_key: String, app_secret: Secret, current: Arc<Mutex<Option<Current>>> },
}

#[derive(Debug)]
struct Current {
    token: Secret,
    renew: Option<Instant>,
}

/// The request that answers a query (`outaction` 12).
///
/// By the platform's rule the request has the same number, but no document has a request 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum QueryAnswer {
    /// The result of an interaction, `inaction` 9, which has the fields of a queue.
    #[default]
    Interacted,
    /// The same fields with `inaction` 12.
    SameNumber,
}

/// How to write requests.
#[derive(Debug, Clone, Default)]
pub(super) struct CallSettings {
    tenant_space: Option<String>,
    pub(super) query_answer: QueryAnswer,
    pub(super) clock: SharedClock,
    pub(super) utc_offset: i32,
}

impl Client {
    /// Returns a builder for a client of the ODFS at `base_url` with this account.
    ///
    /// The URL is `https://IP:PORT` of the load balancer of the OIAP.
    pub fn builder(
        base_url: &str,
        app_key: impl Into<String>,
        app_secret: impl Into<Secret>,
    ) -> ClientBuilder {
        let (app_key, app_secret) = (app_key.into(), app_secret.into());
        builder(base_url, Source::Account { app_key, app_secret, current: Arc::default() })
    }

    /// Returns a builder for a client that sends `token`, which you obtained elsewhere, and does not
    /// renew it.
    pub fn builder_with_token(base_url: &str, token: impl Into<Secret>) -> ClientBuilder {
        builder(base_url, Source::Fixed(token.into()))
    }

    /// Returns the same client with other options. Both share their connections and the token.
    /// Retries apply to `gettoken` only.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        let core = self.core.with_options(options);
        Self { inner: core.clone().into(), core, ..self.clone() }
    }

    /// Sends one request. The token of this client replaces that of the request.
    ///
    /// # Errors
    /// See [`Error`]. A `ret` other than 0 is an error. If the token is refused (900001, 900002, or
    /// HTTP status 401 or 403), the client fetches a new one and sends the request once more, which is
    /// safe because the flow has not served it.
    pub async fn process(&self, request: Request) -> Result<Answer<Response>, Error> {
        self.process_as(request, None).await
    }

    /// Sends one request with another `inaction` than that of its kind.
    pub(super) async fn process_as(
        &self,
        request: Request,
        inaction: Option<i64>,
    ) -> Result<Answer<Response>, Error> {
        let send = |token| self.send(request.clone(), token, inaction);
        self.core.call_with_token(&operations::PROCESS, self, send).await
    }

    async fn send(
        &self,
        mut request: Request,
        token: Secret,
        inaction: Option<i64>,
    ) -> Result<Answer<Response>, Error> {
        let place = match &mut request {
            Request::Start(request) => Some(&mut request.inparams.auth_token),
            Request::Interacted(request) => Some(&mut request.inparams.auth_token),
            Request::Transferred(request) => Some(&mut request.inparams.auth_token),
            Request::Capture(request) => Some(&mut request.inparams.auth_token),
            Request::Recognize(request) => Some(&mut request.inparams.auth_token),
            // Can only come from reading; sent unchanged.
            Request::Unknown(_) => None,
        };
        if let Some(place) = place {
            *place = Some(token);
        }
        if let Some(inaction) = inaction {
            request = renumbered(request, inaction);
        }
        match &self.settings.tenant_space {
            Some(vdn) => self.inner.process_v2(&ProcessV2Parameters::new(vdn), &request).await,
            None => self.inner.process(&request).await,
        }
    }

    /// Returns the token in use, or a new one in place of one that was refused.
    async fn token_other_than(&self, refused: Option<&Secret>) -> Result<Secret, Error> {
        let (app_key, app_secret, current) = match &self.source {
            Source::Fixed(token) => return Ok(token.clone()),
            Source::Account { app_key, app_secret, current } => (app_key, app_secret, current),
        };
        // One task fetches the token; the others wait here.
        let mut current = current.lock().await;
        if let Some(Current { token, renew }) = &*current
            && refused != Some(token)
            && renew.is_none_or(|renew| Instant::now() < renew)
        {
            return Ok(token.clone());
        }
        *current = None;
        let asked = Instant::now();
        let request = TokenRequest::new(app_key, app_secret.clone());
        let answer = self.inner.get_token(&request).await?;
        let seconds = answer.expire_time.and_then(|seconds| u64::try_from(seconds).ok());
        let life = Duration::from_secs(seconds.unwrap_or(3600));
        let token =
            answer.part(&operations::GET_TOKEN, "/authToken", |answer| answer.auth_token)?;
        let token = token.into_inner();
        let renew = asked.checked_add(life - (life / 10).min(Duration::from_secs(60)));
        *current = Some(Current { token: token.clone(), renew });
        Ok(token)
    }
}

impl TokenSource for Client {
    async fn token(&self) -> Result<Secret, Error> {
        self.token_other_than(None).await
    }

    async fn renewed(&self, refused: &Secret) -> Result<Secret, Error> {
        self.token_other_than(Some(refused)).await
    }

    fn is_refusal(&self, error: &Error) -> bool {
        // A fixed token can't be renewed.
        matches!(self.source, Source::Account { .. }) && is_refused_token(error)
    }
}

/// Returns the same request with another `inaction`.
fn renumbered(request: Request, inaction: i64) -> Request {
    let mut json = serde_json::to_value(&request).unwrap_or_default();
    if let Some(place) = json.get_mut("inaction") {
        *place = inaction.into();
    }
    // Reads as `Unknown`, which is written unchanged.
    decode_value(&json).unwrap_or(request)
}

fn is_refused_token(error: &Error) -> bool {
    let code = error.failure().map(Failure::code);
    let status = error.status().map(|status| status.as_u16());
    matches!(code, Some("900001" | "900002")) || matches!(status, Some(401 | 403))
}

/// The settings that only this platform has.
#[derive(Debug)]
#[doc(hidden)]
pub struct Settings {
    source: Source,
    call: CallSettings,
}

fn builder(base_url: &str, source: Source) -> ClientBuilder {
    ClientBuilder::new(base_url, Settings { source, call: CallSettings::default() })
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(core: CoreBuilder, Settings { source, call }: Settings) -> Result<Self, Error> {
        let core = core.build()?;
        Ok(Self { inner: core.clone().into(), core, source, settings: call })
    }
}

/// Settings of ODFS.
impl ClientBuilder {
    /// Calls the V2 URL with this tenant space (VDN). Default: the V1 URL.
    pub fn tenant_space(mut self, vdn_id: impl Into<String>) -> Self {
        self.settings.call.tenant_space = Some(vdn_id.into());
        self
    }

    /// Sets the request that answers a query. Default: [`QueryAnswer::Interacted`].
    pub fn query_answer(mut self, answer: QueryAnswer) -> Self {
        self.settings.call.query_answer = answer;
        self
    }

    /// Sets the clock for the times in requests. Default: the system clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.settings.call.clock = SharedClock::new(clock);
        self
    }

    /// Sets the UTC offset of the times in requests, in minutes east, at most one day in either
    /// direction.
    ///
    /// The platform writes times without a zone. Default: 0.
    pub fn utc_offset(mut self, minutes: i32) -> Self {
        self.settings.call.utc_offset = minutes.clamp(-24 * 60, 24 * 60);
        self
    }
}
