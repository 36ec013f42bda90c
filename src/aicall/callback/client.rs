//! The client of callbacks, which plays the platform.

use super::generated::NotifyParameters;
use super::{Notification, WireClient};
use crate::client::wrapper::header_secret;
use crate::client::{BuildClient, CallOptions, CoreBuilder, Error};
use crate::wire::Secret;

/// Sends notifications, as an agent does.
///
/// Any status of 2xx is a success, whatever the body, because the platform's document does not define one. A
/// notification is never sent twice.
///
/// Cheap to clone; all clones share their connections. [The module](super) has an example.
#[derive(Debug, Clone)]
pub struct Client {
    inner: WireClient,
    settings: Settings,
}

/// Builds a [`Client`].
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

impl Client {
    /// Returns a client of the server at `base_url`, without a token and with the default settings.
    ///
    /// # Errors
    /// If the URL is not an absolute http or https URL, or TLS can't be set up.
    pub fn new(base_url: &str) -> Result<Self, Error> {
        Self::builder(base_url).build()
    }

    /// Returns a builder for a client of the server at `base_url`. The path `/aicall/callback` is
    /// appended, unless [`path`](ClientBuilder::path) sets another one.
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url, Settings::default())
    }

    /// Returns the same client with other options. Both share their connections.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { inner: self.inner.with_options(options), ..self.clone() }
    }

    /// Returns the same client with another token. An empty `token` sends none.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Secret>) -> Self {
        Self { settings: Settings { token: Some(token.into()) }, ..self.clone() }
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn notify(&self, notification: &Notification) -> Result<(), Error> {
        let mut parameters = NotifyParameters::new();
        let token = self.settings.token.as_ref().filter(|token| !token.expose().is_empty());
        parameters.authorization = token.cloned();
        match self.inner.notify(&parameters, notification).await {
            Ok(_) => Ok(()),
            // Receivers may answer with a text.
            Err(error) if error.decode_error().is_some() && is_success(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn is_success(error: &Error) -> bool {
    error.status().is_some_and(|status| status.is_success())
}

/// The settings of a client that only this platform has.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    token: Option<Secret>,
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(core: CoreBuilder, mut settings: Settings) -> Result<Self, Error> {
        settings.token = header_secret(settings.token, "token")?;
        Ok(Self { inner: core.build()?.into(), settings })
    }
}

impl ClientBuilder {
    /// Sets the token, which is sent unchanged in `Authorization`. An empty token sends none. Default:
    /// none.
    ///
    /// A token with a character that a header can't contain fails [`build`](ClientBuilder::build).
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.settings.token = Some(token.into());
        self
    }
}
