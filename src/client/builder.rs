//! The builder that all clients share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Method, Uri};

use super::built_in::HttpClient;
use super::core::Core;
use super::transport::Signed;
use super::{CallOptions, Error, Transport};
use crate::auth::Signer;
use crate::observe::{Observer, Observers};
use crate::wire::Operation;

/// A client that a [`ClientBuilder`] can build.
///
/// The clients of this crate implement it; you do not need to.
#[doc(hidden)]
pub trait BuildClient: Sized {
    /// The settings that only this client has.
    type Settings: fmt::Debug;

    /// Builds the client.
    ///
    /// # Errors
    /// If a setting is invalid.
    fn build(core: CoreBuilder, settings: Self::Settings) -> Result<Self, Error>;
}

/// Builds a client of any platform.
///
/// You get one from the `builder` function of a client. The first methods are the settings that all
/// clients share. The settings of one platform follow, in the `impl` block of its client. The
/// [module's table](super#clients) compares the clients.
///
/// ```
/// use std::time::Duration;
/// use callbot::client::CallOptions;
/// # #[cfg(feature = "digital-employee")]
/// use callbot::digital_employee::Client;
///
/// # #[cfg(feature = "digital-employee")]
/// let client = Client::builder("https://bot.example")
///     .connect_deadline(Duration::from_secs(2))
///     .options(CallOptions::new().call_deadline(Duration::from_secs(3)))
///     .build()?;
/// # Ok::<(), callbot::client::Error>(())
/// ```
#[must_use]
pub struct ClientBuilder<C: BuildClient> {
    pub(crate) core: CoreBuilder,
    pub(crate) settings: C::Settings,
}

impl<C: BuildClient> ClientBuilder<C> {
    #[doc(hidden)]
    pub fn new(base_url: &str, settings: C::Settings) -> Self {
        Self { core: CoreBuilder::new(base_url), settings }
    }

    /// Sets the URL of the server; the paths of the spec are appended to it. Default: the one that
    /// the builder was created with.
    pub fn base_url(mut self, url: &str) -> Self {
        self.core.base_url = url.into();
        self
    }

    /// Sets the connect timeout. Ignored with a [custom transport](Self::transport), which has its
    /// own. Default: 5 s.
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.core.connect_deadline = deadline;
        self
    }

    /// Sets the options of all calls. Default: [`CallOptions::new`], with the retries that
    /// [the table](super#clients) names.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.core.options = options;
        self
    }

    /// Sets how requests travel. Default: a built-in client for HTTP/1.1 with TLS by rustls, without
    /// proxies, redirects and compression. It installs no TLS provider for the process, and no feature
    /// of another crate changes it.
    ///
    /// For a proxy pass a `reqwest::Client` of your own, which uses the proxies of the environment. Its
    /// timeouts, redirects and TLS then apply. This crate switches on no TLS in reqwest: for `https` your
    /// client needs a TLS feature of reqwest, such as its default one.
    pub fn transport(mut self, transport: impl Transport) -> Self {
        self.core.transport = Some(Arc::new(transport));
        self
    }

    /// Signs every attempt of every call with `signer`, before the [transport](Self::transport) sends
    /// it. A client that is built with a signing key signs by itself; `signer` then replaces that
    /// signature. Default: the platform's own signature, or none.
    pub fn sign(mut self, signer: Signer) -> Self {
        self.core.signer = Some(signer);
        self
    }

    /// Adds an observer, which gets an [event](crate::observe::Event::UpstreamRequest) at the end of each
    /// call, with the number of attempts; for a stream of events, at the end of the stream. A call that is
    /// never sent, because its request does not match the spec, has none. Call it again for more observers.
    /// Default: none.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.core.observers.add(observer);
        self
    }

    /// Calls `operation` at `path`, below the base URL. Default: the path of the spec.
    pub fn path(mut self, operation: &'static Operation, path: &str) -> Self {
        self.core.paths.retain(|(other, _)| other.id != operation.id);
        self.core.paths.push((operation, path.into()));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    /// If the base URL is not an absolute http or https URL, or has a query or a fragment; if a path
    /// does not start with `/` or replaces one with parameters; if the signer can't sign; if TLS
    /// can't be set up; or if a setting of the platform is invalid, as documented there.
    pub fn build(self) -> Result<C, Error> {
        C::build(self.core, self.settings)
    }
}

impl<C: BuildClient> fmt::Debug for ClientBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("core", &self.core)
            .field("settings", &self.settings)
            .finish()
    }
}

/// The settings that all clients share.
#[doc(hidden)]
pub struct CoreBuilder {
    pub(crate) base_url: String,
    /// Appended to the base URL once that is checked, so that it can't become a part of the host.
    pub(crate) base_path: &'static str,
    pub(crate) connect_deadline: Duration,
    pub(crate) options: CallOptions,
    pub(crate) transport: Option<Arc<dyn Transport>>,
    pub(crate) signer: Option<Signer>,
    pub(crate) paths: Vec<(&'static Operation, String)>,
    pub(crate) observers: Observers,
}

impl CoreBuilder {
    fn new(base_url: &str) -> Self {
        Self {
            base_url: base_url.into(),
            base_path: "",
            connect_deadline: Duration::from_secs(5),
            options: CallOptions::new(),
            transport: None,
            signer: None,
            paths: Vec::new(),
            observers: Observers::default(),
        }
    }

    /// Checks the settings and builds the core.
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn build(self) -> Result<Core, Error> {
        let url = reqwest::Url::parse(&self.base_url)
            .map_err(|error| Error::settings_caused("the base URL is invalid", error))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(Error::settings("the base URL must be an absolute http or https URL"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(Error::settings("the base URL must not have a query or a fragment"));
        }
        let base_url = format!("{}{}", url.as_str().trim_end_matches('/'), self.base_path);
        let below = format!("{}{}", url.path().trim_end_matches('/'), self.base_path);
        let mut paths = Vec::new();
        for (operation, path) in self.paths {
            let reason = if operation.path.contains('{') {
                Some("the operation has parameters in its path")
            } else if !path.starts_with('/') {
                Some("a path must start with `/`")
            } else {
                None
            };
            if let Some(reason) = reason {
                let id = operation.id;
                return Err(Error::settings(format!(
                    "{path:?} can't be the path of {id}: {reason}"
                )));
            }
            paths.push((operation.id, format!("{below}{path}")));
        }
        let transport = match self.transport {
            Some(transport) => transport,
            None => Arc::new(HttpClient::new(self.connect_deadline)?),
        };
        let transport = match self.signer {
            Some(signer) => {
                check_signer(&signer)?;
                Arc::new(Signed { signer, inner: transport })
            }
            None => transport,
        };
        let (options, connect) = (self.options, self.connect_deadline);
        Ok(Core::new(base_url, transport, options, connect, paths, self.observers))
    }
}

impl fmt::Debug for CoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL is left out: it may hold a password.
        f.debug_struct("CoreBuilder")
            .field("connect_deadline", &self.connect_deadline)
            .field("options", &self.options)
            .field("signer", &self.signer)
            .finish_non_exhaustive()
    }
}

/// Signs an empty request, so that a key that can't sign is reported by `build` and not by each call.
fn check_signer(signer: &Signer) -> Result<(), Error> {
    signer
        .sign(&Method::POST, &Uri::from_static("/"), &mut HeaderMap::new(), b"")
        .map_err(|error| Error::settings_caused("requests can't be signed", error))
}
