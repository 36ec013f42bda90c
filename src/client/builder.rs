//! The settings of a client, and of single calls.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::core::Core;
use super::transport::Signed;
use super::{Error, Transport, tls};
use crate::auth::Signer;
use crate::wire::Operation;

/// Builds a client.
pub struct Builder<C> {
    base_url: String,
    connect: Duration,
    options: CallOptions,
    transport: Option<Arc<dyn Transport>>,
    signer: Option<Signer>,
    paths: Vec<(&'static Operation, String)>,
    client: PhantomData<fn() -> C>,
}

impl<C: From<Core>> Builder<C> {
    /// Settings for a client of the server at `base_url`, the paths of the spec appended to it.
    #[must_use]
    pub fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.into(),
            connect: Duration::from_secs(5),
            options: CallOptions::default(),
            transport: None,
            signer: None,
            paths: Vec::new(),
            client: PhantomData,
        }
    }

    /// Another server than the one that the builder was made with.
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = url.into();
        self
    }

    /// How long a connection may take to stand. Default: 5 s. A transport of one's own has its own.
    #[must_use]
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.connect = deadline;
        self
    }

    /// The options for all calls. Default: [`CallOptions::new`].
    #[must_use]
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// How requests travel. Default: a `reqwest::Client` of our making, with TLS by rustls, without
    /// redirects and without compression.
    ///
    /// Any other `reqwest::Client` will do, too, with deadlines, redirects and TLS of its own. This
    /// crate gives reqwest no TLS provider for the whole process, so such a client needs a feature
    /// of reqwest that does, or `tls_backend_preconfigured`.
    #[must_use]
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// Signs every attempt of every call.
    #[must_use]
    pub fn sign(mut self, signer: Signer) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Calls an operation at another path than that of the spec, below the base URL.
    #[must_use]
    pub fn path(mut self, operation: &'static Operation, path: &str) -> Self {
        self.paths.retain(|(other, _)| other.id != operation.id);
        self.paths.push((operation, path.into()));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// When the URL is not an absolute http or https URL, or has a query or a fragment, when a path
    /// does not begin with `/` or stands for one with parameters, or when TLS can't be set up.
    pub fn build(self) -> Result<C, Error> {
        let url = reqwest::Url::parse(&self.base_url).map_err(Error::settings)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Error::settings("the base URL is not an http or https URL"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::settings("the base URL has a query or a fragment"));
        }
        let base_url = url.as_str().trim_end_matches('/').to_owned();
        let http = tls::http_client(self.connect, self.transport.is_none())?;
        let transport = self.transport.unwrap_or_else(|| Arc::new(http.clone()));
        let transport = match self.signer {
            Some(signer) => Arc::new(Signed { signer, inner: transport }),
            None => transport,
        };
        let below = url.path().trim_end_matches('/');
        let mut paths = Vec::new();
        for (operation, path) in self.paths {
            if !path.starts_with('/') || operation.path.contains('{') {
                let id = operation.id;
                return Err(Error::settings(format!("{path:?} can't be the path of {id}")));
            }
            paths.push((operation.id, format!("{below}{path}")));
        }
        let core = Core::new(base_url, http, transport, self.options, self.connect, paths);
        Ok(core.into())
    }
}

impl<C> fmt::Debug for Builder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the URL: it may hold a password.
        f.debug_struct("Builder")
            .field("connect", &self.connect)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Options of calls: deadlines, headers, retries, limits.
///
/// ```
/// use std::time::Duration;
/// use callbot::client::{CallOptions, Retries};
///
/// let options = CallOptions::new()
///     .call_deadline(Duration::from_secs(3))
///     .retries(Retries::up_to(2));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CallOptions {
    pub(super) call: Duration,
    pub(super) first_event: Duration,
    pub(super) gap: Duration,
    pub(super) headers: HeaderMap,
    pub(super) retries: Retries,
    pub(super) body_limit: usize,
}

impl CallOptions {
    /// The defaults, which are named at each setting.
    pub fn new() -> Self {
        Self {
            call: Duration::from_secs(10),
            first_event: Duration::from_secs(10),
            gap: Duration::from_secs(30),
            headers: HeaderMap::new(),
            retries: Retries::NONE,
            body_limit: 1024 * 1024,
        }
    }

    /// How long a call without a stream may take as a whole, its retries included. Default: 10 s.
    pub fn call_deadline(mut self, deadline: Duration) -> Self {
        self.call = deadline;
        self
    }

    /// How long a stream may take to its first event, its retries included. Default: 10 s.
    pub fn first_event_deadline(mut self, deadline: Duration) -> Self {
        self.first_event = deadline;
        self
    }

    /// How long a stream may take to its next event, from when it is asked for it; comments do not
    /// count. Default: 30 s. A stream as a whole has no deadline.
    pub fn gap_deadline(mut self, deadline: Duration) -> Self {
        self.gap = deadline;
        self
    }

    /// Adds a header to the requests, in place of one of the same name. Its value does not show in
    /// `Debug`.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self
    }

    /// Whether a call that failed is made again. Default: [`Retries::NONE`].
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// The largest answer, or the largest event of a stream, in bytes. Default: 1 MiB.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// How often, and after what pause, a call is made again when its error
/// [is retryable](Error::is_retryable).
///
/// The pause doubles with each attempt and is drawn at random between nothing and that length. A
/// `Retry-After`, in seconds or as a date, is honoured; one of more than 60 s ends the attempts, and
/// so does a pause that would pass the deadline. What starts or changes something, by its spec, is
/// asked for once. A stream is never asked for again once its head
/// has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retries {
    pub(super) most: u32,
    pub(super) pause: Duration,
}

impl Retries {
    /// Never.
    pub const NONE: Self = Self { most: 0, pause: Duration::ZERO };

    /// Up to so many more attempts, the first pause up to 200 ms.
    #[must_use]
    pub const fn up_to(most: u32) -> Self {
        Self { most, pause: Duration::from_millis(200) }
    }

    /// The longest first pause.
    #[must_use]
    pub const fn pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// The pause before attempt number `attempt`, counted from 1; `None` when the peer asks for
    /// more patience than there is.
    pub(super) fn pause_before(
        &self,
        attempt: u32,
        retry_after: Option<Duration>,
    ) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_secs(60);
        if let Some(asked) = retry_after {
            return (asked <= LONGEST).then_some(asked);
        }
        let longest = self.pause.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST);
        Some(longest.mul_f64(fastrand::f64()))
    }
}
