//! An app server behind the wire: who may do what, and how it is served.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::generated::{
    self, DescribeAiAgentInstanceParameters, GenerateAiAgentCallParameters,
    GenerateMessageChatTokenParameters, GetRtcAuthTokenParameters, StartAiAgentInstanceParameters,
    StartAiAgentInstanceWithChannelParameters, StopAiAgentInstanceParameters,
    UpdateAiAgentInstanceParameters, operations,
};
use super::{
    Ask, Authorizer, Base, ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest,
    GenerateCallRequest, GeneratedCall, InstanceDescription, InstanceInChannel, InstanceResult,
    Principal, RtcTokenAnswer, RtcTokenRequest, Rules, StartInstanceInChannelRequest,
    StartInstanceRequest, StartedInstance, StopInstanceRequest, UpdateInstanceRequest,
};
use crate::server::{self, Error, Fault, FaultKind};
use crate::wire::{Operation, Secret};

/// What an app server does.
///
/// Serve it with [`router`], or with a [`Server`] to change the settings. Before a handler runs, an
/// [`Authorizer`] has said who calls, and [`owns`](Self::owns) that the instance or the channel is the
/// caller's own. [`AppServer`](super::AppServer) is an `Api` that is ready to use.
///
/// A failure is answered with HTTP 200 and a `code` that is not 200: that of
/// [`Error::status`], with [`Error::code`] as `error_code`. A handler has 30 s unless
/// [`Server::deadline`] says otherwise.
pub trait Api: Send + Sync + 'static {
    /// Whose an instance or a channel is. What another caller owns is refused with HTTP 403, an
    /// instance that is not known with code 404; a channel that nobody owns is for the handler.
    fn owns(
        &self,
        caller: &Principal,
        resource: Resource<'_>,
    ) -> impl Future<Output = Result<Ownership, Error>> + Send;

    /// Creates an instance that waits for its user: `generateAIAgentCall`.
    fn generate_call(
        &self,
        caller: &Principal,
        request: GenerateCallRequest,
    ) -> impl Future<Output = Result<GeneratedCall, Error>> + Send;

    /// Starts an instance in a new channel: `startAIAgentInstance`.
    fn start_instance(
        &self,
        caller: &Principal,
        request: StartInstanceRequest,
    ) -> impl Future<Output = Result<StartedInstance, Error>> + Send;

    /// Stops an instance of the caller: `stopAIAgentInstance`.
    ///
    /// A failure is told as it is at [`Base::V2`], and as `result: false` at [`Base::V1`].
    fn stop_instance(
        &self,
        caller: &Principal,
        request: StopInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Changes an instance of the caller: `updateAIAgentInstance`.
    ///
    /// A failure is told as it is at [`Base::V2`], and as `result: false` at [`Base::V1`].
    fn update_instance(
        &self,
        caller: &Principal,
        request: UpdateInstanceRequest,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Makes a token for the message chat: `generateMessageChatToken`. By default there is none.
    fn chat_token(
        &self,
        caller: &Principal,
        request: ChatTokenRequest,
    ) -> impl Future<Output = Result<ChatTokenAnswer, Error>> + Send {
        let _ = (caller, request);
        async { Err(Error::unsupported()) }
    }

    /// Starts an instance in a channel that is there: `startAIAgentInstanceWithChannel`, at
    /// [`Base::V2`].
    fn start_instance_in_channel(
        &self,
        caller: &Principal,
        request: StartInstanceInChannelRequest,
    ) -> impl Future<Output = Result<InstanceInChannel, Error>> + Send;

    /// Tells how an instance of the caller is: `describeAIAgentInstance`, at [`Base::V2`].
    fn describe_instance(
        &self,
        caller: &Principal,
        request: DescribeInstanceRequest,
    ) -> impl Future<Output = Result<InstanceDescription, Error>> + Send;

    /// Makes a token for a channel: `getRtcAuthToken`, at [`Base::V2`].
    fn rtc_token(
        &self,
        caller: &Principal,
        request: RtcTokenRequest,
    ) -> impl Future<Output = Result<RtcTokenAnswer, Error>> + Send;
}

/// What has an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource<'a> {
    /// An instance, by its id.
    Instance(&'a str),
    /// A channel, by its id.
    Channel(&'a str),
}

/// Whose something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// The caller's own.
    Own,
    /// Another one's.
    Foreign,
    /// It is not known.
    Unknown,
}

/// The routes of an [`Api`] at both bases, with the default settings; [`Server`] changes them.
pub fn router(api: impl Api, authorizer: impl Authorizer) -> Router {
    Server::new(api, authorizer).router()
}

/// Serves an [`Api`] at both bases.
///
/// ```
/// use callbot::aui::{AppServer, InMemory, KnownCallers, Server};
/// use callbot::aicall::AgentType;
/// use callbot::aui::RtcTokens;
///
/// let tokens = RtcTokens::new("app-1", "app key");
/// let app = AppServer::new(InMemory::new(tokens.clone()), tokens).agent(AgentType::Voice, "agent-1");
/// let callers = KnownCallers::new().caller("web-shop", "a long token");
/// let router = Server::new(app, callers)
///     .allow_origins(["https://shop.example"])?
///     .router();
/// # let _ = router;
/// # Ok::<(), callbot::aui::OriginError>(())
/// ```
pub struct Server<A, Z> {
    api: Arc<A>,
    authorizer: Arc<Z>,
    bases: Vec<Base>,
    origins: Origins,
    /// What holds at each base.
    settings: server::Server<(), Rules>,
}

#[derive(Debug)]
enum Origins {
    These(Vec<HeaderValue>),
    Any,
}

impl<A: Api, Z: Authorizer> Server<A, Z> {
    /// Serves `api` to those whom `authorizer` lets in. To let everybody in, say so with
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

    /// The bases that are served. Default: both.
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

    /// The origins whose pages may call from a browser, such as `https://app.example`. Default: none.
    ///
    /// # Errors
    /// When one is not as browsers write it: a scheme, a host in lower case, and a port if it is not the
    /// usual one, without a path. `*` is none; see [`allow_any_origin`](Self::allow_any_origin).
    pub fn allow_origins(
        mut self,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, OriginError> {
        let origins = origins.into_iter().map(|origin| read_origin(origin.as_ref()));
        self.origins = Origins::These(origins.collect::<Result<_, _>>()?);
        Ok(self)
    }

    /// Lets the pages of every origin call from a browser, with credentials. For development: any
    /// page that a user opens can then act in that user's name.
    #[must_use]
    pub fn allow_any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// The largest request body, in bytes. Default: 1 MiB.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings = self.settings.body_limit(bytes);
        self
    }

    /// How long a call may take, from the arrival of the request. Default: 30 s.
    #[must_use]
    pub fn deadline(mut self, deadline: Option<Duration>) -> Self {
        self.settings = self.settings.deadline(deadline);
        self
    }

    /// Whether requests and answers are traced with their content, at level `TRACE`, but for secrets.
    /// Default: no.
    #[must_use]
    pub fn trace_content(mut self, on: bool) -> Self {
        self.settings = self.settings.trace_content(on);
        self
    }

    /// The routes.
    pub fn router(self) -> Router {
        let mut router = Router::new();
        for base in &self.bases {
            let mounted = Mounted {
                api: Arc::clone(&self.api),
                authorizer: Arc::clone(&self.authorizer),
                base: *base,
            };
            let mut server = self.settings.with_api(mounted);
            server.rules_mut().base = Some(*base);
            router = router.merge(server.router());
        }
        let origins = match self.origins {
            Origins::These(origins) if origins.is_empty() => return router,
            Origins::These(origins) => AllowOrigin::list(origins),
            Origins::Any => AllowOrigin::mirror_request(),
        };
        // As the vendor's server has it.
        let methods = [Method::POST, Method::GET, Method::PATCH, Method::DELETE, Method::PUT];
        let cors = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods(methods)
            .allow_headers([AUTHORIZATION, CONTENT_TYPE])
            .allow_credentials(true);
        router.layer(cors)
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

/// A text that is no origin as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginError(String);

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no origin, which looks like `https://app.example`", self.0)
    }
}

impl std::error::Error for OriginError {}

fn read_origin(origin: &str) -> Result<HeaderValue, OriginError> {
    let error = || OriginError(origin.into());
    let (scheme, host) = origin.split_once("://").ok_or_else(error)?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.chars().all(|c| plain(c) || "+-.".contains(c));
    let is_host = !host.is_empty() && host.chars().all(|c| plain(c) || "-._:[]".contains(c));
    if !is_scheme || !is_host {
        return Err(error());
    }
    HeaderValue::from_str(origin).map_err(|_| error())
}

/// An [`Api`] at one of the bases.
struct Mounted<A, Z> {
    api: Arc<A>,
    authorizer: Arc<Z>,
    base: Base,
}

/// What must be there and is not.
pub(super) fn missing(field: &str) -> Error {
    let mut fault = Fault::new(FaultKind::Request, format!("/{field}: must be there"));
    fault.code = Some("MissingParameter".into());
    Error::from_fault(fault)
}

/// What is there and will not do.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    let mut fault = Fault::new(FaultKind::Request, message.into());
    fault.code = Some("InvalidParameter".into());
    Error::from_fault(fault)
}

/// What the caller may not ask for.
pub(super) fn forbidden(message: impl Into<String>) -> Error {
    Error::from_fault(Fault::new(FaultKind::Forbidden, message.into()))
}

/// A resource of another one.
pub(super) fn foreign(what: &str) -> Error {
    forbidden(format!("the {what} is not the caller's own"))
}

/// An instance that is not known.
pub(super) fn no_instance() -> Error {
    Error::public("there is no such instance").status(404).code("InstanceNotFound")
}

/// A text that is not blank, as it is: who decides about it and who acts on it must see the same.
pub(super) fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.trim().is_empty())
}

impl<A: Api, Z: Authorizer> Mounted<A, Z> {
    /// Says who asks, and that what is asked for is the caller's own.
    async fn admit(
        &self,
        operation: &'static Operation,
        authorization: &Option<Secret>,
        named: Named<'_>,
    ) -> Result<Principal, Error> {
        let ask = Ask {
            operation,
            authorization: authorization.as_ref().filter(|token| !token.expose().is_empty()),
            user_id: named.user.and_then(filled),
            channel_id: named.channel.and_then(filled),
            instance_id: named.instance.and_then(filled),
            agent_id: named.agent.and_then(filled),
            role: named.role.and_then(filled),
        };
        let caller = match self.authorizer.authorize(ask).await {
            Ok(caller) => caller,
            Err(refusal) if refusal.unavailable => {
                let error = Error::public(refusal.to_string());
                return Err(error.status(503).code("ServiceUnavailable"));
            }
            Err(refusal) => return Err(forbidden(refusal.to_string())),
        };
        if named.instance.is_some() {
            let id = ask.instance_id.ok_or_else(|| missing("ai_agent_instance_id"))?;
            match self.api.owns(&caller, Resource::Instance(id)).await? {
                Ownership::Own => {}
                Ownership::Foreign => return Err(foreign("instance")),
                Ownership::Unknown => return Err(no_instance()),
            }
        }
        if let Some(id) = ask.channel_id
            && self.api.owns(&caller, Resource::Channel(id)).await? == Ownership::Foreign
        {
            return Err(foreign("channel"));
        }
        Ok(caller)
    }

    /// What stopping or changing an instance came to, as this base tells it.
    fn result(&self, done: Result<(), Error>) -> Result<InstanceResult, Error> {
        match done {
            Ok(()) => Ok(InstanceResult::new(true)),
            Err(error) if self.base == Base::V1 && !error.is_callers_fault() => {
                tracing::warn!("answered with `result: false`: {error}");
                Ok(InstanceResult::new(false))
            }
            Err(error) => Err(error),
        }
    }
}

/// What a request names.
#[derive(Default)]
struct Named<'a> {
    user: Option<&'a str>,
    channel: Option<&'a str>,
    instance: Option<&'a str>,
    agent: Option<&'a str>,
    role: Option<&'a str>,
}

/// Configurations of agents are large, and each future around a handler would hold a copy of its own.
fn apart<T>(handler: impl Future<Output = T>) -> impl Future<Output = T> {
    Box::pin(handler)
}

impl<A: Api, Z: Authorizer> generated::Api for Mounted<A, Z> {
    async fn generate_ai_agent_call(
        &self,
        parameters: GenerateAiAgentCallParameters,
        request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        let operation = &operations::GENERATE_AI_AGENT_CALL;
        let user = request.user_id.as_deref();
        let named = Named { user, agent: request.agent_id.as_deref(), ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.generate_call(&caller, request)).await
    }

    async fn start_ai_agent_instance(
        &self,
        parameters: StartAiAgentInstanceParameters,
        request: StartInstanceRequest,
    ) -> Result<StartedInstance, Error> {
        let operation = &operations::START_AI_AGENT_INSTANCE;
        let named = Named { user: Some(&request.user_id), ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.start_instance(&caller, request)).await
    }

    async fn stop_ai_agent_instance(
        &self,
        parameters: StopAiAgentInstanceParameters,
        request: StopInstanceRequest,
    ) -> Result<InstanceResult, Error> {
        let operation = &operations::STOP_AI_AGENT_INSTANCE;
        let (user, instance) = (request.user_id.as_deref(), Some(request.instance_id.as_str()));
        let named = Named { user, instance, ..Named::default() };
        let stopped = async {
            let caller = self.admit(operation, &parameters.authorization, named).await?;
            apart(self.api.stop_instance(&caller, request.clone())).await
        };
        self.result(stopped.await)
    }

    async fn update_ai_agent_instance(
        &self,
        parameters: UpdateAiAgentInstanceParameters,
        request: UpdateInstanceRequest,
    ) -> Result<InstanceResult, Error> {
        let operation = &operations::UPDATE_AI_AGENT_INSTANCE;
        let (user, instance) = (request.user_id.as_deref(), Some(request.instance_id.as_str()));
        let named = Named { user, instance, ..Named::default() };
        let changed = async {
            let caller = self.admit(operation, &parameters.authorization, named).await?;
            apart(self.api.update_instance(&caller, request.clone())).await
        };
        self.result(changed.await)
    }

    async fn start_ai_agent_instance_with_channel(
        &self,
        parameters: StartAiAgentInstanceWithChannelParameters,
        request: StartInstanceInChannelRequest,
    ) -> Result<InstanceInChannel, Error> {
        let operation = &operations::START_AI_AGENT_INSTANCE_WITH_CHANNEL;
        let named = Named {
            user: Some(&request.user_id),
            channel: Some(&request.channel_id),
            agent: Some(&request.agent_id),
            ..Named::default()
        };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.start_instance_in_channel(&caller, request)).await
    }

    async fn describe_ai_agent_instance(
        &self,
        parameters: DescribeAiAgentInstanceParameters,
        request: DescribeInstanceRequest,
    ) -> Result<InstanceDescription, Error> {
        let operation = &operations::DESCRIBE_AI_AGENT_INSTANCE;
        let (user, instance) = (Some(request.user_id.as_str()), Some(request.instance_id.as_str()));
        let named = Named { user, instance, ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.describe_instance(&caller, request)).await
    }

    async fn get_rtc_auth_token(
        &self,
        parameters: GetRtcAuthTokenParameters,
        request: RtcTokenRequest,
    ) -> Result<RtcTokenAnswer, Error> {
        let operation = &operations::GET_RTC_AUTH_TOKEN;
        let (user, channel) = (request.user_id.as_deref(), request.channel_id.as_deref());
        let named = Named { user, channel, ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.rtc_token(&caller, request)).await
    }

    async fn generate_message_chat_token(
        &self,
        parameters: GenerateMessageChatTokenParameters,
        request: ChatTokenRequest,
    ) -> Result<ChatTokenAnswer, Error> {
        let operation = &operations::GENERATE_MESSAGE_CHAT_TOKEN;
        let named = Named {
            user: Some(&request.user_id),
            agent: Some(&request.agent_id),
            role: request.role.as_deref(),
            ..Named::default()
        };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        apart(self.api.chat_token(&caller, request)).await
    }
}
