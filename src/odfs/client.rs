//! The client: it plays the IVR.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::generated::{self, ProcessV2Parameters, operations};
use super::{Request, Response, TokenRequest};
use crate::client::{Answer, CallOptions, Error, Failure, Transport, within};
use crate::clock::{Clock, SharedClock};
use crate::wire::{Secret, decode_value};

/// Asks an ODFS, as an IVR does.
///
/// It fetches its token from `gettoken` and renews it, before it ends and when it is refused. No
/// dialogue request is ever made again otherwise, whatever the options say: it is not documented to
/// be idempotent.
///
/// [`dialogue`](Self::dialogue) follows a call from its begin to its end; [`process`](Self::process)
/// sends one request.
///
/// Cheap to clone; all clones share their connections and the token.
#[derive(Debug, Clone)]
pub struct Client {
    inner: generated::Client,
    options: CallOptions,
    source: Source,
    tenant_space: Option<String>,
    pub(super) query_answer: QueryAnswer,
    pub(super) clock: SharedClock,
    pub(super) utc_offset: i32,
}

/// Where the token comes from.
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

/// What follows a query (`outaction` 12): the platform's rule would have a request of the same
/// number, which no document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum QueryAnswer {
    /// The result of an interaction, `inaction` 9: the queue's fields belong to it.
    #[default]
    Interacted,
    /// The same fields with `inaction` 12.
    SameNumber,
}

impl Client {
    /// Settings for a client of the ODFS at `base_url` (`https://IP:PORT`, the load balancer of the
    /// OIAP) with this account.
    #[must_use]
    pub fn builder(
        base_url: &str,
        app_key: impl Into<String>,
        app_secret: impl Into<Secret>,
    ) -> Builder {
        Builder::new(
            base_url,
            Source::Account {
                app_key: app_key.into(),
                app_secret: app_secret.into(),
                current: Arc::default(),
            },
        )
    }

    /// Settings for a client that has its token from elsewhere, and does not renew it.
    #[must_use]
    pub fn with_token(base_url: &str, token: impl Into<Secret>) -> Builder {
        Builder::new(base_url, Source::Fixed(token.into()))
    }

    /// The same client, with other options for the calls that are made through it. Retries are for
    /// `gettoken`.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Self { inner: self.inner.with(options.clone()), options, ..self.clone() }
    }

    /// Sends one request, with the token of this client in place of its own.
    ///
    /// # Errors
    /// See [`Error`]; a `ret` other than 0 is one. A token that is refused (900001, 900002, or HTTP
    /// status 401 or 403) is replaced, and the request sent once more: it was not served.
    pub async fn process(&self, request: Request) -> Result<Answer<Response>, Error> {
        self.process_as(request, None).await
    }

    /// The same, under another `inaction` than that of the kind of request.
    pub(super) async fn process_as(
        &self,
        request: Request,
        inaction: Option<i64>,
    ) -> Result<Answer<Response>, Error> {
        let calls = async {
            let token = self.token(None).await?;
            match self.send(request.clone(), &token, inaction).await {
                Err(error) if is_refused_token(&error) && self.renews() => {
                    tracing::debug!("the token was refused: again, with a new one");
                    let token = self.token(Some(&token)).await?;
                    self.send(request, &token, inaction).await
                }
                answer => answer,
            }
        };
        within(&operations::PROCESS, &self.options, calls).await
    }

    async fn send(
        &self,
        mut request: Request,
        token: &Secret,
        inaction: Option<i64>,
    ) -> Result<Answer<Response>, Error> {
        let place = match &mut request {
            Request::Start(request) => Some(&mut request.inparams.auth_token),
            Request::Interacted(request) => Some(&mut request.inparams.auth_token),
            Request::Transferred(request) => Some(&mut request.inparams.auth_token),
            Request::Capture(request) => Some(&mut request.inparams.auth_token),
            Request::Recognize(request) => Some(&mut request.inparams.auth_token),
            // What only reading can make goes as it is.
            Request::Unknown(_) => None,
        };
        if let Some(place) = place {
            *place = Some(token.clone());
        }
        if let Some(inaction) = inaction {
            request = renumbered(request, inaction);
        }
        match &self.tenant_space {
            Some(vdn) => self.inner.process_v2(&ProcessV2Parameters::new(vdn), &request).await,
            None => self.inner.process(&request).await,
        }
    }

    /// The token in use, or a new one in place of one that was refused.
    async fn token(&self, refused: Option<&Secret>) -> Result<Secret, Error> {
        let (app_key, app_secret, current) = match &self.source {
            Source::Fixed(token) => return Ok(token.clone()),
            Source::Account { app_key, app_secret, current } => (app_key, app_secret, current),
        };
        // One fetches, the others wait for it.
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

    fn renews(&self) -> bool {
        matches!(self.source, Source::Account { .. })
    }
}

/// The same request under another number.
fn renumbered(request: Request, inaction: i64) -> Request {
    let mut json = serde_json::to_value(&request).unwrap_or_default();
    if let Some(place) = json.get_mut("inaction") {
        *place = inaction.into();
    }
    // A number that no document has is kept as it is.
    decode_value(&json).unwrap_or(request)
}

fn is_refused_token(error: &Error) -> bool {
    let code = error.failure().map(Failure::code);
    let status = error.status().map(|status| status.as_u16());
    matches!(code, Some("900001" | "900002")) || matches!(status, Some(401 | 403))
}

/// Builds a [`Client`].
pub struct Builder {
    inner: crate::client::Builder<generated::Client>,
    options: CallOptions,
    source: Source,
    tenant_space: Option<String>,
    query_answer: QueryAnswer,
    clock: SharedClock,
    utc_offset: i32,
}

impl Builder {
    fn new(base_url: &str, source: Source) -> Self {
        Self {
            inner: generated::Client::builder(base_url),
            options: CallOptions::new(),
            source,
            tenant_space: None,
            query_answer: QueryAnswer::default(),
            clock: SharedClock::default(),
            utc_offset: 0,
        }
    }

    /// Calls the V2 URL, with this tenant space (VDN). Default: the V1 URL.
    #[must_use]
    pub fn tenant_space(mut self, vdn_id: impl Into<String>) -> Self {
        self.tenant_space = Some(vdn_id.into());
        self
    }

    /// What follows a query. Default: the result of an interaction.
    #[must_use]
    pub fn query_answer(mut self, answer: QueryAnswer) -> Self {
        self.query_answer = answer;
        self
    }

    /// The clock of the times in requests. Default: that of the machine.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = SharedClock::new(clock);
        self
    }

    /// In which zone the times in requests are, in minutes east of UTC: the platform writes times
    /// without a zone. Default: 0. At most a day in either direction.
    #[must_use]
    pub fn utc_offset(mut self, minutes: i32) -> Self {
        self.utc_offset = minutes.clamp(-24 * 60, 24 * 60);
        self
    }

    /// How long a connection may take to stand. Default: 5 s.
    #[must_use]
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.inner = self.inner.connect_deadline(deadline);
        self
    }

    /// The options for all calls. Default: [`CallOptions::new`]. Retries are for `gettoken`.
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// How requests travel; see [`crate::client::Builder::transport`].
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.inner = self.inner.transport(transport);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// As [`crate::client::Builder::build`].
    pub fn build(self) -> Result<Client, Error> {
        Ok(Client {
            inner: self.inner.options(self.options.clone()).build()?,
            options: self.options,
            source: self.source,
            tenant_space: self.tenant_space,
            query_answer: self.query_answer,
            clock: self.clock,
            utc_offset: self.utc_offset,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("inner", &self.inner)
            .field("options", &self.options)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
