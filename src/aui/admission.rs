//! Checks before a handler runs: who calls, and who owns the named instance and channel.

use std::sync::Arc;

use super::generated::{
    DescribeAiAgentInstanceParameters, GenerateAiAgentCallParameters,
    GenerateMessageChatTokenParameters, GetRtcAuthTokenParameters, StartAiAgentInstanceParameters,
    StartAiAgentInstanceWithChannelParameters, StopAiAgentInstanceParameters,
    UpdateAiAgentInstanceParameters, WireApi, operations,
};
use super::{
    Api, Ask, Authorizer, Base, ChatTokenAnswer, ChatTokenRequest, DescribeInstanceRequest,
    GenerateCallRequest, GeneratedCall, InstanceDescription, InstanceInChannel, InstanceResult,
    Ownership, Principal, Resource, RtcTokenAnswer, RtcTokenRequest, StartInstanceInChannelRequest,
    StartInstanceRequest, StartedInstance, StopInstanceRequest, UpdateInstanceRequest, WireRules,
};
use crate::auth::without_bearer;
use crate::server::{Error, Fault, FaultKind, Rules};
use crate::wire::{Operation, Printable, Secret};

/// An [`Api`] at one of the bases, behind the authorization of its callers.
pub(super) struct Admission<A, Z> {
    api: Arc<A>,
    authorizer: Arc<Z>,
    base: Base,
}

impl<A, Z> Admission<A, Z> {
    pub(super) fn new(api: Arc<A>, authorizer: Arc<Z>, base: Base) -> Self {
        Self { api, authorizer, base }
    }
}

/// The error for a required field that is missing or blank.
pub(super) fn missing(field: &str) -> Error {
    let mut fault = Fault::new(FaultKind::Request, format!("/{field}: must be there"));
    fault.code = Some("MissingParameter".into());
    Error::from(fault)
}

/// The error for a field that is invalid.
pub(super) fn invalid(message: impl Into<String>) -> Error {
    let mut fault = Fault::new(FaultKind::Request, message.into());
    fault.code = Some("InvalidParameter".into());
    Error::from(fault)
}

/// The error for a request that the caller must not make.
pub(super) fn forbidden(message: impl Into<String>) -> Error {
    Error::from(Fault::new(FaultKind::Forbidden, message.into()))
}

/// The error for a resource of another caller.
pub(super) fn foreign(what: &str) -> Error {
    forbidden(format!("the {what} belongs to another caller"))
}

/// The error for an unknown instance.
pub(super) fn no_instance() -> Error {
    Error::public("there is no such instance").status(404).code("InstanceNotFound")
}

/// Returns whether an error is the caller's fault: the request is invalid or not allowed.
fn is_callers_fault(error: &Error) -> bool {
    let fault = error.downcast_ref::<Fault>();
    fault.is_some_and(|fault| matches!(fault.kind, FaultKind::Forbidden | FaultKind::Request))
}

/// Returns `text` unless it is blank. It is not trimmed, because the authorizer and the handler must
/// see the same value.
pub(super) fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.trim().is_empty())
}

impl<A: Api, Z: Authorizer> Admission<A, Z> {
    /// Identifies the caller, and checks that the named instance is the caller's and that the named
    /// channel is not another caller's.
    async fn admit(
        &self,
        operation: &'static Operation,
        authorization: &Option<Secret>,
        named: Named<'_>,
    ) -> Result<Principal, Error> {
        let token = authorization.as_ref().map(without_bearer);
        let ask = Ask {
            operation,
            authorization: token.as_ref().filter(|token| !token.expose().is_empty()),
            user_id: named.user.and_then(filled),
            channel_id: named.channel.and_then(filled),
            instance_id: named.instance.and_then(filled),
            agent_id: named.agent.and_then(filled),
            role: named.role.and_then(filled),
        };
        let caller = match self.authorizer.authorize(ask).await {
            Ok(caller) => caller,
            Err(denied) if denied.unavailable => {
                let error = Error::public(denied.to_string());
                return Err(error.status(503).code("ServiceUnavailable"));
            }
            Err(denied) => return Err(forbidden(denied.to_string())),
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

    /// Converts the outcome of a stop or an update into the answer of this base.
    fn result(
        &self,
        operation: &'static Operation,
        done: Result<(), Error>,
    ) -> Result<InstanceResult, Error> {
        match done {
            Ok(()) => Ok(InstanceResult::new(true)),
            Err(error) if self.base == Base::V1 && !is_callers_fault(&error) => {
                let text = error.to_string();
                let text = Printable::whole(&text);
                let (operation, platform) = (operation.id, WireRules::platform(operation));
                // As the server logs the errors that it answers.
                if error.into_fault().status < 500 {
                    tracing::warn!(operation, platform, "answered with `result: false`: {text}");
                } else {
                    tracing::error!(operation, platform, "answered with `result: false`: {text}");
                }
                Ok(InstanceResult::new(false))
            }
            Err(error) => Err(error),
        }
    }
}

/// The ids and the role in a request.
#[derive(Default)]
struct Named<'a> {
    user: Option<&'a str>,
    channel: Option<&'a str>,
    instance: Option<&'a str>,
    agent: Option<&'a str>,
    role: Option<&'a str>,
}

/// Boxes the future of a handler. An agent's configuration is large, and every future around the
/// handler would otherwise hold a copy.
fn boxed<T>(handler: impl Future<Output = T>) -> impl Future<Output = T> {
    Box::pin(handler)
}

impl<A: Api, Z: Authorizer> WireApi for Admission<A, Z> {
    async fn generate_ai_agent_call(
        &self,
        parameters: GenerateAiAgentCallParameters,
        request: GenerateCallRequest,
    ) -> Result<GeneratedCall, Error> {
        let operation = &operations::GENERATE_AI_AGENT_CALL;
        let user = request.user_id.as_deref();
        let named = Named { user, agent: request.agent_id.as_deref(), ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        boxed(self.api.generate_call(&caller, request)).await
    }

    async fn start_ai_agent_instance(
        &self,
        parameters: StartAiAgentInstanceParameters,
        request: StartInstanceRequest,
    ) -> Result<StartedInstance, Error> {
        let operation = &operations::START_AI_AGENT_INSTANCE;
        let named = Named { user: Some(&request.user_id), ..Named::default() };
        let caller = self.admit(operation, &parameters.authorization, named).await?;
        boxed(self.api.start_instance(&caller, request)).await
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
            boxed(self.api.stop_instance(&caller, request.clone())).await
        };
        self.result(operation, stopped.await)
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
            boxed(self.api.update_instance(&caller, request.clone())).await
        };
        self.result(operation, changed.await)
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
        boxed(self.api.start_instance_in_channel(&caller, request)).await
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
        boxed(self.api.describe_instance(&caller, request)).await
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
        boxed(self.api.rtc_token(&caller, request)).await
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
        boxed(self.api.chat_token(&caller, request)).await
    }
}
