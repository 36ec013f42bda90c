//! From what the SDK calls a call to what an app server is asked for.
#![allow(deprecated)]

use std::time::Duration;

use super::GenerateCallRequest;
use crate::aicall::{AgentConfig, CallConfig, ShareConfig, Template};

/// As long as the SDK asks for.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// As the SDK does it: the agent by its id or, where that is empty, by its type; a token for a day.
/// The name of the agent in the channel and the user's token do not travel here.
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
        if let Some(chat) = call.chat_sync {
            request.session_id = chat.session_id.clone();
            request.chat_sync_config = Some(chat);
        }
        request
    }
}

impl GenerateCallRequest {
    /// The call of a shared agent, as the SDK asks the vendor's own server for it: at
    /// [`SHARE_URL`](super::SHARE_URL), [`Base::V1`](super::Base::V1), without an authorization.
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
