//! Conversions between the types of the SDK and those of an app server.
#![allow(deprecated)]

use std::time::Duration;

use super::{GenerateCallRequest, GeneratedCall, StartedInstance, UpdateInstanceRequest};
use crate::aicall::{AgentConfig, AgentInfo, AgentType, CallConfig, ShareConfig, Template};

/// The lifetime that the SDK asks for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Builds the request as the SDK does: it names the agent by its id or, if that is empty, by its type,
/// and asks for a token for a day. The agent's name in the channel and the user's token are not part
/// of the request.
impl From<CallConfig> for GenerateCallRequest {
    fn from(call: CallConfig) -> Self {
        let template = call.template_config;
        let template = template.and_then(|settings| Template::of(&call.agent_type, settings));
        let mut request =
            Self::new(template.unwrap_or_default()).with_user_id(call.user_id).with_expire(DAY);
        if call.agent_id.is_empty() {
            request.workflow_type = Some(call.agent_type);
        } else {
            request.agent_id = Some(call.agent_id);
        }
        request.agent_config = call.agent_config;
        request.user_data = call.user_data;
        request.region = call.region;
        request.session_id = call.chat_sync.as_ref().and_then(|chat| chat.session_id.clone());
        request.chat_sync_config = call.chat_sync;
        request
    }
}

impl GenerateCallRequest {
    /// Creates a request for a call with this agent, with an empty template.
    #[must_use]
    pub fn of_agent(agent_id: impl Into<String>) -> Self {
        Self::new(Template::new()).with_agent_id(agent_id)
    }

    /// Creates a request for a call with an agent of this type, with an empty template.
    #[must_use]
    pub fn of_type(agent_type: AgentType) -> Self {
        Self::new(Template::new()).with_workflow_type(agent_type)
    }

    /// Creates the request for a call with a shared agent, as the SDK sends it to the vendor's own
    /// server: at [`SHARE_URL`](super::SHARE_URL), [`Base::V1`](super::Base::V1), without an
    /// authorization.
    #[must_use]
    pub fn from_share(share: ShareConfig, user_id: impl Into<String>) -> Self {
        let mut request = Self::new(share.template.unwrap_or_default())
            .with_user_id(user_id)
            .with_expire(DAY)
            .with_agent_config(AgentConfig::default());
        request.agent_id = share.share_id;
        request.region = share.region;
        request.user_data = share.user_data;
        request
    }
}

impl UpdateInstanceRequest {
    /// Creates a request for `changes` to this instance, with an empty template.
    #[must_use]
    pub fn of(instance_id: impl Into<String>, changes: AgentConfig) -> Self {
        Self::new(instance_id, Template::new()).with_agent_config(changes)
    }
}

/// Builds the running agent from the answer, as the SDK does.
impl From<GeneratedCall> for AgentInfo {
    fn from(call: GeneratedCall) -> Self {
        let mut info = Self::new(call.instance_id, call.channel_id, "");
        info.user_id = call.agent_user_id;
        info.agent_type = call.workflow_type;
        info.rtc_token = Some(call.rtc_token);
        info.request_id = call.request_id;
        info
    }
}

/// Builds the running agent from the answer, as the SDK does.
impl From<StartedInstance> for AgentInfo {
    fn from(started: StartedInstance) -> Self {
        let mut info = Self::new(started.instance_id, started.channel_id, started.agent_user_id);
        info.rtc_token = Some(started.rtc_token);
        info.request_id = started.request_id;
        info
    }
}
