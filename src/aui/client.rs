//! The client of an app server.

use std::borrow::Cow;

use super::generated::{
    DescribeAiAgentInstanceParameters, GenerateAiAgentCallParameters,
    GenerateMessageChatTokenParameters, GetRtcAuthTokenParameters, StartAiAgentInstanceParameters,
    StartAiAgentInstanceWithChannelParameters, StopAiAgentInstanceParameters,
    UpdateAiAgentInstanceParameters, operations,
};
use super::{
    Base, ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest, GenerateCallRequest,
    GeneratedCall, InstanceDescription, InstanceInChannel, RtcTokenAnswer, RtcTokenRequest,
    StartInstanceInChannelRequest, StartInstanceRequest, StartedInstance, StopInstanceRequest,
    UpdateInstanceRequest, WireClient,
};
use crate::aicall::ErrorCode;
use crate::client::wrapper::header_secret;
use crate::client::{Answer, BuildClient, CallOptions, CoreBuilder, Error};
use crate::wire::{Operation, Secret};

/// Calls an app server, at one of its bases.
///
/// An answer with a `code` other than 200 is an error, whose [`Failure`](crate::client::Failure) has
/// the server's `error_code`. [`error_code`] converts it into the SDK's error.
///
/// Cheap to clone; all clones share their connections.
///
/// ```
/// # #[cfg(feature = "server")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), callbot::client::Error> {
/// # use callbot::aui::{AnyCaller, AppServer, InMemoryAgents, RtcTokens, router};
/// use callbot::aicall::{AgentConfig, ErrorCode};
/// use callbot::aui::{Base, Client, GenerateCallRequest, error_code};
///
/// # let tokens = RtcTokens::new("rtc-app-1", "key of the RTC app");
/// # let agents = InMemoryAgents::new(tokens.clone()).missing_agent("agent-2");
/// # let router = router(AppServer::new(agents, tokens), AnyCaller);
/// let client = Client::builder("https://app.example", Base::V2)
///     .authorization("a token")
///     // For this example only: the server is a `router` in the same process.
///     .transport(callbot::client::InMemoryTransport::new(router))
///     .build()?;
/// let config = AgentConfig::default().with_greeting("Hello!");
/// let request = GenerateCallRequest::of_agent("agent-1").with_agent_config(config);
/// let call = client.generate_call(&request).await?;
/// println!("instance {} in channel {}", call.instance_id, call.channel_id);
///
/// let error = client.generate_call(&GenerateCallRequest::of_agent("agent-2")).await.unwrap_err();
/// assert_eq!(error_code(&error), ErrorCode::AgentNotFound);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "server"))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    inner: WireClient,
    settings: Settings,
}

/// Builds a [`Client`].
///
/// The base is appended to the base URL. Retries that you set apply only to the calls that neither
/// start nor change anything: describing an instance, and making tokens. Default: no retries.
pub type ClientBuilder = crate::client::ClientBuilder<Client>;

/// Returns the request with the session of its chat as `session_id`. On the wire it is next to the
/// configuration of the chat.
macro_rules! with_session {
    ($request:ident) => {{
        let chat = $request.chat_sync_config.as_ref();
        match chat.and_then(|chat| chat.session_id.as_ref()) {
            Some(session_id) if $request.session_id.is_none() => {
                Cow::Owned($request.clone().with_session_id(session_id))
            }
            _ => Cow::Borrowed($request),
        }
    }};
}

impl Client {
    /// Returns a client of the server at `base_url`, without an authorization and with the default
    /// settings. `base` is appended to the URL.
    ///
    /// # Errors
    /// If the URL is not an absolute http or https URL, or TLS can't be set up.
    pub fn new(base_url: &str, base: Base) -> Result<Self, Error> {
        Self::builder(base_url, base).build()
    }

    /// Returns a builder for a client of the server at `base_url`. `base` is appended to the URL.
    pub fn builder(base_url: &str, base: Base) -> ClientBuilder {
        ClientBuilder::new(base_url, Settings { base, authorization: None })
    }

    /// Returns the same client with other options. Both share their connections. Retries apply only to
    /// the calls that neither start nor change anything.
    #[must_use]
    pub fn with_options(&self, options: CallOptions) -> Self {
        Self { inner: self.inner.with_options(options), ..self.clone() }
    }

    /// Returns the same client with another authorization. An empty `token` sends none.
    #[must_use]
    pub fn with_authorization(&self, token: impl Into<Secret>) -> Self {
        let settings = Settings { authorization: Some(token.into()), ..self.settings.clone() };
        Self { settings, ..self.clone() }
    }

    /// Returns the base.
    #[must_use]
    pub fn base(&self) -> Base {
        self.settings.base
    }

    /// Creates an instance of an agent that waits for its user: `generateAIAgentCall`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error.
    pub async fn generate_call(
        &self,
        request: &GenerateCallRequest,
    ) -> Result<Answer<GeneratedCall>, Error> {
        let mut parameters = GenerateAiAgentCallParameters::new();
        parameters.authorization = self.authorization();
        self.inner.generate_ai_agent_call(&parameters, &*with_session!(request)).await
    }

    /// Starts an instance in a new channel: `startAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error.
    pub async fn start_instance(
        &self,
        request: &StartInstanceRequest,
    ) -> Result<Answer<StartedInstance>, Error> {
        let mut parameters = StartAiAgentInstanceParameters::new();
        parameters.authorization = self.authorization();
        self.inner.start_ai_agent_instance(&parameters, &*with_session!(request)).await
    }

    /// Stops an instance: `stopAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 and `result: false` are also errors.
    pub async fn stop_instance(&self, request: &StopInstanceRequest) -> Result<Answer<()>, Error> {
        let mut parameters = StopAiAgentInstanceParameters::new();
        parameters.authorization = self.authorization();
        Ok(self.inner.stop_ai_agent_instance(&parameters, request).await?.map(drop))
    }

    /// Changes the configuration of an instance: `updateAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 and `result: false` are also errors.
    pub async fn update_instance(
        &self,
        request: &UpdateInstanceRequest,
    ) -> Result<Answer<()>, Error> {
        let mut parameters = UpdateAiAgentInstanceParameters::new();
        parameters.authorization = self.authorization();
        Ok(self.inner.update_ai_agent_instance(&parameters, request).await?.map(drop))
    }

    /// Makes a token for the message chat: `generateMessageChatToken`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error.
    pub async fn chat_token(
        &self,
        request: &ChatTokenRequest,
    ) -> Result<Answer<ChatTokenAnswer>, Error> {
        let mut parameters = GenerateMessageChatTokenParameters::new();
        parameters.authorization = self.authorization();
        self.inner.generate_message_chat_token(&parameters, request).await
    }

    /// Starts an instance in an existing channel: `startAIAgentInstanceWithChannel`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error. [`Base::V1`] does not have this
    /// operation, so the call fails there without a request.
    pub async fn start_instance_in_channel(
        &self,
        request: &StartInstanceInChannelRequest,
    ) -> Result<Answer<InstanceInChannel>, Error> {
        self.check_base(&operations::START_AI_AGENT_INSTANCE_WITH_CHANNEL)?;
        let mut parameters = StartAiAgentInstanceWithChannelParameters::new();
        parameters.authorization = self.authorization();
        let request = &*with_session!(request);
        self.inner.start_ai_agent_instance_with_channel(&parameters, request).await
    }

    /// Returns the state and the configuration of an instance: `describeAIAgentInstance`.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error. [`Base::V1`] does not have this
    /// operation, so the call fails there without a request.
    pub async fn describe_instance(
        &self,
        request: &DescribeInstanceRequest,
    ) -> Result<Answer<InstanceDescription>, Error> {
        self.check_base(&operations::DESCRIBE_AI_AGENT_INSTANCE)?;
        let mut parameters = DescribeAiAgentInstanceParameters::new();
        parameters.authorization = self.authorization();
        self.inner.describe_ai_agent_instance(&parameters, request).await
    }

    /// Makes a token for a channel: `getRtcAuthToken`. If the vendor's open server created the channel,
    /// its answer does not name it; [`RtcToken::read`](crate::aui::RtcToken::read) finds it in the
    /// token.
    ///
    /// # Errors
    /// See [`Error`]. A `code` other than 200 is also an error. [`Base::V1`] does not have this
    /// operation, so the call fails there without a request.
    pub async fn rtc_token(
        &self,
        request: &RtcTokenRequest,
    ) -> Result<Answer<RtcTokenAnswer>, Error> {
        self.check_base(&operations::GET_RTC_AUTH_TOKEN)?;
        let mut parameters = GetRtcAuthTokenParameters::new();
        parameters.authorization = self.authorization();
        self.inner.get_rtc_auth_token(&parameters, request).await
    }

    fn authorization(&self) -> Option<Secret> {
        self.settings.authorization.clone().filter(|token| !token.expose().is_empty())
    }

    fn check_base(&self, operation: &'static Operation) -> Result<(), Error> {
        match operation.bases.contains(&self.base().as_str()) {
            true => Ok(()),
            false => {
                let reason = format!("{} does not have {}", self.base(), operation.path);
                Err(Error::unsupported(operation, reason))
            }
        }
    }
}

/// Returns the SDK's error for a failed call. The SDK itself knows only the first three rows and HTTP
/// 403.
///
/// | What failed | [`ErrorCode`] |
/// |---|---|
/// | `error_code` `AgentNotFound` | [`AgentNotFound`](ErrorCode::AgentNotFound) |
/// | `error_code` `Forbidden.SubscriptionRequired` | [`AgentSubscriptionRequired`](ErrorCode::AgentSubscriptionRequired) |
/// | `error_code` `ChatLogNotFound` | [`ChatLogNotFound`](ErrorCode::ChatLogNotFound) |
/// | `error_code` `InternalError`, `InternalServerError` | [`InternalError`](ErrorCode::InternalError) |
/// | `error_code` `InvalidParameter`, `MissingParameter`, and a request that breaks the spec | [`InvalidParameters`](ErrorCode::InvalidParameters) |
/// | HTTP 403: the app's own token is not valid | [`TokenExpired`](ErrorCode::TokenExpired) |
/// | the connection to the server, or a deadline | [`NetworkError`](ErrorCode::NetworkError) |
/// | anything else that the server reports | [`BeginCallFailed`](ErrorCode::BeginCallFailed) |
/// | anything else | [`UnknownError`](ErrorCode::UnknownError) |
#[must_use]
pub fn error_code(error: &Error) -> ErrorCode {
    let code = error.failure().map(crate::client::Failure::code);
    match code {
        Some("AgentNotFound") => return ErrorCode::AgentNotFound,
        Some("Forbidden.SubscriptionRequired") => return ErrorCode::AgentSubscriptionRequired,
        Some("ChatLogNotFound") => return ErrorCode::ChatLogNotFound,
        Some("InternalError" | "InternalServerError") => return ErrorCode::InternalError,
        Some("InvalidParameter" | "MissingParameter") => return ErrorCode::InvalidParameters,
        _ => {}
    }
    if error.violations().is_some() {
        ErrorCode::InvalidParameters
    } else if error.status().is_some_and(|status| status.as_u16() == 403) {
        ErrorCode::TokenExpired
    } else if error.is_timeout() || error.is_transport() {
        ErrorCode::NetworkError
    } else if code.is_some() {
        ErrorCode::BeginCallFailed
    } else {
        ErrorCode::UnknownError
    }
}

/// The settings that only this client has.
#[derive(Debug, Clone)]
#[doc(hidden)]
pub struct Settings {
    base: Base,
    authorization: Option<Secret>,
}

impl BuildClient for Client {
    type Settings = Settings;

    fn build(mut core: CoreBuilder, mut settings: Settings) -> Result<Self, Error> {
        settings.authorization = header_secret(settings.authorization, "authorization")?;
        core.base_path = settings.base.as_str();
        Ok(Self { inner: core.build()?.into(), settings })
    }
}

/// Settings of the app server.
impl ClientBuilder {
    /// Sets the token of your app, which is sent unchanged in `Authorization`. An empty token sends none.
    /// Default: none.
    ///
    /// A token with a character that a header can't contain fails [`build`](ClientBuilder::build).
    pub fn authorization(mut self, token: impl Into<Secret>) -> Self {
        self.settings.authorization = Some(token.into());
        self
    }
}
