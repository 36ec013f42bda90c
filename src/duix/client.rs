//! The client of the management API.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::generated::{self, operations};
use super::{
    Avatar, AvatarParameters, Concurrency, ConcurrencyParameters, Conversation,
    ConversationParameters, CreateAvatarParameters, CreateAvatarRequest, CreatedAvatar,
    ResponseCode, SessionsParameters, StopAllSessionsOfAppParameters, StopSessionParameters,
    Tokens,
};
use crate::client::{Answer, CallOptions, Error, Retries, Transport, within};
use crate::wire::{Operation, Secret};

/// The server that the vendor's documentation states.
pub const BASE_URL: &str = "https://app.duix.ai";

/// Calls the DUIX management API for one app.
///
/// It makes and renews its [`Tokens`] on its own: a token is replaced before it ends, and once more
/// when the platform refuses it (code 1006). Only calls that read are made again after a failure;
/// what stops sessions or creates avatars is asked for once.
///
/// Cheap to clone; all clones share their connections and the token in use.
///
/// ```no_run
/// use callbot::duix::Client;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("app-1", std::env::var("DUIX_APP_KEY")?).build()?;
/// let concurrency = client.concurrency().await?;
/// println!("{:?} of {:?} sessions", concurrency.in_use, concurrency.total);
/// client.stop_session("0513e935-041f-48e0-9330-652ef4194511").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    inner: generated::Client,
    tokens: Tokens,
    options: CallOptions,
}

impl Client {
    /// Settings for a client of the app with this id and key, as the platform's console shows them.
    #[must_use]
    pub fn builder(app_id: impl Into<String>, app_key: impl Into<Secret>) -> Builder {
        Self::with_tokens(Tokens::new(app_id, app_key))
    }

    /// Settings for a client with these tokens.
    #[must_use]
    pub fn with_tokens(tokens: Tokens) -> Builder {
        let retries = Retries::up_to(2);
        Builder {
            inner: generated::Client::builder(BASE_URL),
            options: CallOptions::new().retries(retries),
            tokens,
        }
    }

    /// The same client, with other options for the calls that are made through it. Retries are for
    /// the calls that read.
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Self { inner: self.inner.with(options.clone()), tokens: self.tokens.clone(), options }
    }

    /// What makes the tokens, for instance to [mint](Tokens::mint) one for the front end.
    #[must_use]
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// How many sessions the app may have at once, and how many it has.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
    pub async fn concurrency(&self) -> Result<Answer<Concurrency>, Error> {
        let answer = self
            .call(&operations::CONCURRENCY, |token| async move {
                self.inner.concurrency(&ConcurrencyParameters::new(token, self.app())).await
            })
            .await?;
        answer.part(&operations::CONCURRENCY, "/data", |answer| answer.data)
    }

    /// The sessions of the app that are in a call now, as the platform gives them: what they look
    /// like is documented nowhere. `Null` when the answer has no data.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
    pub async fn sessions(&self) -> Result<Answer<Value>, Error> {
        let answer = self
            .call(&operations::SESSIONS, |token| async move {
                self.inner.sessions(&SessionsParameters::new(token, self.app())).await
            })
            .await?;
        Ok(answer.map(|answer| answer.data.unwrap_or_default()))
    }

    /// Ends **one** session. `session_id` is what the SDK for the front end gives when the start is
    /// complete; the platform calls it `uuid` here.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
    pub async fn stop_session(&self, session_id: &str) -> Result<Answer<()>, Error> {
        let answer = self
            .call(&operations::STOP_SESSION, |token| async move {
                self.inner.stop_session(&StopSessionParameters::new(token, session_id)).await
            })
            .await?;
        Ok(answer.map(drop))
    }

    /// Ends **every** session of the app, of all its users, at once. To end one, there is
    /// [`stop_session`](Self::stop_session).
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
    pub async fn stop_all_sessions_of_app(&self) -> Result<Answer<()>, Error> {
        let answer = self
            .call(&operations::STOP_ALL_SESSIONS_OF_APP, |token| async move {
                let parameters = StopAllSessionsOfAppParameters::new(token, self.app());
                self.inner.stop_all_sessions_of_app(&parameters).await
            })
            .await?;
        Ok(answer.map(drop))
    }

    /// A conversation as it is configured in the platform's console, by its id there.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
    pub async fn conversation(&self, conversation_id: &str) -> Result<Answer<Conversation>, Error> {
        let answer = self
            .call(&operations::CONVERSATION, |token| async move {
                self.inner.conversation(&ConversationParameters::new(token, conversation_id)).await
            })
            .await?;
        answer.part(&operations::CONVERSATION, "/data", |answer| answer.data)
    }

    /// Has an avatar made. It is ready when [`avatar`](Self::avatar) says so; with a picture of
    /// one's own that takes 15 to 20 minutes, as integrators report.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
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

    /// How far the making of an avatar is, by the task's id.
    ///
    /// # Errors
    /// See [`Error`]; `success: false` is one, with the platform's [`ResponseCode`].
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

    /// Makes a call, and once more with a fresh token when the platform refuses this one: it has
    /// done nothing then.
    async fn call<T, F>(
        &self,
        operation: &'static Operation,
        send: impl Fn(Secret) -> F,
    ) -> Result<Answer<T>, Error>
    where
        F: Future<Output = Result<Answer<T>, Error>>,
    {
        let calls = async {
            let token = self.tokens.current();
            match send(token.clone()).await {
                Err(error) if is_refused_token(&error) => {
                    let operation = operation.id;
                    tracing::debug!(operation, "the token was refused: again, with a new one");
                    self.tokens.renew(&token);
                    send(self.tokens.current()).await
                }
                answer => answer,
            }
        };
        within(operation, &self.options, calls).await
    }
}

fn is_refused_token(error: &Error) -> bool {
    let failure = error.failure();
    failure.is_some_and(|failure| failure.code_as::<ResponseCode>() == ResponseCode::TokenInvalid)
}

/// Builds a [`Client`].
pub struct Builder {
    inner: crate::client::Builder<generated::Client>,
    options: CallOptions,
    tokens: Tokens,
}

impl Builder {
    /// The server. Default: [`BASE_URL`]; newer pages of the vendor's also show
    /// `https://api.duix.ai`.
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.inner = self.inner.base_url(url);
        self
    }

    /// Where [`conversation`](Client::conversation) asks. Default:
    /// `/duix-openapi-v2/sdk/getConversationById`, as documented; newer pages of the vendor's show
    /// [`operations::CONVERSATION_V2`]'s path.
    #[must_use]
    pub fn conversation_path(mut self, path: &str) -> Self {
        self.inner = self.inner.path(&operations::CONVERSATION, path);
        self
    }

    /// The life of a token; see [`Tokens::lifetime`].
    #[must_use]
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.tokens = self.tokens.lifetime(lifetime);
        self
    }

    /// How far a token is dated back; see [`Tokens::back_dating`].
    #[must_use]
    pub fn token_back_dating(mut self, back_dating: Duration) -> Self {
        self.tokens = self.tokens.back_dating(back_dating);
        self
    }

    /// How long a connection may take to stand. Default: 5 s.
    #[must_use]
    pub fn connect_deadline(mut self, deadline: Duration) -> Self {
        self.inner = self.inner.connect_deadline(deadline);
        self
    }

    /// The options for all calls. Default: [`CallOptions::new`] with two retries. Retries are for
    /// the calls that read; no other call is ever made again, but for a refused token.
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
        let inner = self.inner.options(self.options.clone()).build()?;
        Ok(Client { inner, tokens: self.tokens, options: self.options })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("inner", &self.inner)
            .field("options", &self.options)
            .field("tokens", &self.tokens)
            .finish()
    }
}
