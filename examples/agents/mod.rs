//! The app server of the examples: agents in memory, one for each type of a call.

use std::sync::Arc;

use axum::Router;
use callbot::aicall::AgentType;
use callbot::aui::{
    AgentSetting, AppServer, Authorizer, ChatTokens, InMemoryAgents, RtcTokens, Server,
};
use callbot::observe::Observer;

/// The id of an agent that does not exist: a call of it fails with `AgentNotFound`.
pub(crate) const MISSING: &str = "missing";

/// The apps whose tokens the app server issues.
pub(crate) struct Tokens {
    pub(crate) rtc: RtcTokens,
    pub(crate) chat: ChatTokens,
}

/// Returns the agents. Without a bot they say nothing.
pub(crate) fn agents(rtc: &RtcTokens) -> InMemoryAgents {
    InMemoryAgents::new(rtc.clone()).missing_agent(MISSING)
}

/// Returns the app server at both bases. `any_origin` lets web pages of every origin in.
pub(crate) fn router(
    agents: InMemoryAgents,
    tokens: Tokens,
    callers: impl Authorizer,
    any_origin: bool,
    observer: Option<Arc<dyn Observer>>,
) -> Router {
    let Tokens { rtc, chat } = tokens;
    let mut app = AppServer::new(agents, rtc)
        .chat_tokens(chat)
        .agent(AgentType::Voice, "voice-agent")
        .agent(AgentType::Avatar, "avatar-agent")
        .agent(AgentType::Vision, "vision-agent")
        .agent(AgentType::Video, "video-agent")
        // For development, so that an app sees all that it sends. In production leave this out: a page
        // must not set the prompt.
        .callers_may_set(AgentSetting::ALL);
    if let Some(observer) = &observer {
        app = app.observer(observer.clone());
    }
    let mut server = Server::new(app, callers);
    if let Some(observer) = observer {
        server = server.observer(observer);
    }
    if any_origin { server.allow_any_origin().router() } else { server.router() }
}
