//! The client of the management API.

use std::time::Duration;

use serde_json::Value;

use super::generated::operations;
use super::{
    Avatar, AvatarParameters, Concurrency, ConcurrencyParameters, Conversation,
    ConversationParameters, CreateAvatarParameters, CreateAvatarRequest, CreatedAvatar,
    ResponseCode, SessionsParameters, StopAllSessionsOfAppParameters, StopSessionParameters,
    Tokens, WireClient,
};
use crate::client::wrapper::TokenSource;
use crate::client::{Answer, BuildClient, CallOptions, Core, CoreBuilder, Error, Retries};
use crate::wire::{Operation, Secret};

/// The URL of the platform in the vendor's documentation.
///
/// Newer pages also show `https://api.duix.ai`.
pub const BASE_URL: &str = "https://app.duix.ai";

/// Calls the DUIX management API for one app.
///
/// It signs its [`Tokens`] itself. It replaces a token before the token expires, and once more if
/// the platform refuses it (code 1006). Only calls that read are retried after a failure. Calls that
/// stop sessions or create avatars are sent once.
///
/// Cheap to clone; all clones share their connections and the token in use.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// # use axum::{Router, routing::get};
/// # use callbot::client::InMemoryTransport;
/// # const BODY: &str = r#"{
/// #     "success": true,
/// #     "code": "200",
/// #     "data": {"totalConcurrentNumber": 10, "userConcurrentNumber": 2}
/// # }"#;
/// # let transport = InMemoryTransport::new(Router::new().fallback(get(async || BODY)));
/// use callbot::duix::Client;
///
/// let client = Client::builder("app-1", "app key")
/// #     .transport(transport)
///     .build()?;
/// let concurrency = client.concurrency().await?;
/// assert_eq!((concurrency.in_use, concurrency.total), (Some(2), Some(10)));
/// client.stop_session("0513e935-041f-48e0-9330-652ef4194511").await?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    core: Core,
    inner: WireClient,
    tokens: Tokens,
}

/// Builds a [`Client`].
///
/// By default it calls [`BASE_URL`] and retries calls that read up to twice. Other calls are never
/// retried, except once when the platform refuses the token.
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

impl Client {
    /// Returns a builder for a client of the app with this id and key, which the platform's console
    /// shows.
    pub fn builder(app_id: impl Into<String>, app_key: impl Into<Secret>) -> ClientBuilder {
        Self::builder_with_tokens(Tokens::new(app_id, app_key))
    }

    /// Returns a builder for a client that uses `tokens`.
    pub fn builder_with_tokens(tokens: Tokens) -> ClientBuilder {
        let options = CallOptions::new().retries(Retries::up_to(2));
        ClientBuilder::new(BASE_URL, Settings { tokens }).options(options)
    }

    /// Returns the same client with other options. Both share their connections and tokens. Retries
    /// apply to calls that read.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self::new(self.core.with_options(options), self.tokens.clone())
    }

    fn new(core: Core, tokens: Tokens) -> Self {
        Self { inner: core.clone().into(), core, tokens }
    }

    /// Returns the tokens of this client, for instance to [mint](Tokens::mint) one for the front end.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Returns how many concurrent sessions the app may have, and how many it has.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn concurrency(&self) -> Result<Answer<Concurrency>, Error> {
        let answer = self
            .call(&operations::CONCURRENCY, |token| async move {
                self.inner.concurrency(&ConcurrencyParameters::new(token, self.app())).await
            })
            .await?;
        answer.part(&operations::CONCURRENCY, "/data", |answer| answer.data)
    }

    /// Returns the sessions of the app that are in a call now, as the platform sends them.
    ///
    /// Their form is not documented. The value is `Null` if the answer has no data.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn sessions(&self) -> Result<Answer<Value>, Error> {
        let answer = self
            .call(&operations::SESSIONS, |token| async move {
                self.inner.sessions(&SessionsParameters::new(token, self.app())).await
            })
            .await?;
        Ok(answer.map(|answer| answer.data.unwrap_or_default()))
    }

    /// Ends **one** session.
    ///
    /// The SDK for the front end returns `session_id` when the start is complete. The platform calls
    /// it `uuid` here.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn stop_session(&self, session_id: &str) -> Result<Answer<()>, Error> {
        let answer = self
            .call(&operations::STOP_SESSION, |token| async move {
                self.inner.stop_session(&StopSessionParameters::new(token, session_id)).await
            })
            .await?;
        Ok(answer.map(drop))
    }

    /// Ends **every** session of the app, of all its users.
    ///
    /// Use [`stop_session`](Self::stop_session) to end a single one.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn stop_all_sessions_of_app(&self) -> Result<Answer<()>, Error> {
        let answer = self
            .call(&operations::STOP_ALL_SESSIONS_OF_APP, |token| async move {
                let parameters = StopAllSessionsOfAppParameters::new(token, self.app());
                self.inner.stop_all_sessions_of_app(&parameters).await
            })
            .await?;
        Ok(answer.map(drop))
    }

    /// Returns a conversation as configured in the platform's console, by its id there.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn conversation(&self, conversation_id: &str) -> Result<Answer<Conversation>, Error> {
        let answer = self
            .call(&operations::CONVERSATION, |token| async move {
                self.inner.conversation(&ConversationParameters::new(token, conversation_id)).await
            })
            .await?;
        answer.part(&operations::CONVERSATION, "/data", |answer| answer.data)
    }

    /// Creates an avatar.
    ///
    /// [`avatar`](Self::avatar) reports when it is ready. Integrators report that this takes 15 to
    /// 20 minutes with a custom picture.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn create_avatar(
        &self,
        request: &CreateAvatarRequest,
    ) -> Result<Answer<CreatedAvatar>, Error> {
        let answer = self
            .call(&operations::CREATE_AVATAR, |token| async move {
                self.inner.create_avatar(&CreateAvatarParameters::new(token), request).await
            })
            .await?;
        answer.part(&operations::CREATE_AVATAR, "/data", |answer| answer.data)
    }

    /// Returns the progress of the creation of an avatar, by the id of the task.
    ///
    /// # Errors
    /// See [`Error`]. An answer with `success: false` is an error with the platform's
    /// [`ResponseCode`].
    pub async fn avatar(&self, task_id: &str) -> Result<Answer<Avatar>, Error> {
        let answer = self
            .call(&operations::AVATAR, |token| async move {
                self.inner.avatar(&AvatarParameters::new(token, task_id)).await
            })
            .await?;
        answer.part(&operations::AVATAR, "/data", |answer| answer.data)
    }

    fn app(&self) -> &str {
        self.tokens.app_id()
    }

    async fn call<T, F>(
        &self,
        operation: &'static Operation,
        send: impl Fn(Secret) -> F,
    ) -> Result<Answer<T>, Error>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        self.core.call_with_token(operation, &self.tokens, send).await
    }
}

impl TokenSource for Tokens {
    async fn token(&self) -> Result<Secret, Error> {
        Ok(self.current())
    }

    async fn renewed(&self, refused: &Secret) -> Result<Secret, Error> {
        self.renew(refused);
        Ok(self.current())
    }

    fn is_refusal(&self, error: &Error) -> bool {
        let code = error.failure().map(|failure| failure.code_as::<ResponseCode>());
        code == Some(ResponseCode::TokenInvalid)
    }
}

/// The settings that only this platform has.
#[derive(Debug)]
#[doc(hidden)]
pub struct Settings {
    tokens: Tokens,
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(core: CoreBuilder, settings: Settings) -> Result<Self, Error> {
        Ok(Self::new(core.build()?, settings.tokens))
    }
}

/// Settings of DUIX.
impl ClientBuilder {
    /// Sets the path that [`conversation`](Client::conversation) calls.
    ///
    /// Newer pages of the vendor show the path of [`operations::CONVERSATION_V2`]. Default:
    /// `/duix-openapi-v2/sdk/getConversationById`, the documented path.
    pub fn conversation_path(self, path: &str) -> Self {
        self.path(&operations::CONVERSATION, path)
    }

    /// Sets the lifetime of a token; see [`Tokens::lifetime`].
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.tokens = self.settings.tokens.lifetime(lifetime);
        self
    }

    /// Sets how far the issue time of a token is dated back; see [`Tokens::back_dating`].
    pub fn token_back_dating(mut self, back_dating: Duration) -> Self {
        self.settings.tokens = self.settings.tokens.back_dating(back_dating);
        self
    }
}
