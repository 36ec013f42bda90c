//! The client of the DUIX management API: what it sends, what it reads, which calls it repeats, and with
//! which token. And the server of the same API, a stand-in for the platform.

mod answers;
mod deadlines;
mod renewal;
mod requests;
mod retries;
mod stand_in;
mod wire_client;

use std::time::Duration;

use callbot::client::{CallOptions, Error};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// No retries: one attempt per token.
pub(super) fn once() -> CallOptions {
    CallOptions::new()
}

/// The code of the failure in an error.
#[track_caller]
pub(super) fn code(error: &Error) -> &str {
    error.failure().unwrap_or_else(|| panic!("no failure: {error:?}")).code()
}

/// The method, the path and the query of a call.
pub(super) fn target(name: &str) -> (&'static str, &'static str, &'static str) {
    match name {
        "concurrency" => ("GET", "/duix-openapi-v2/sdk/v2/getconcurrentNumber", "?appId=app-1"),
        "sessions" => ("GET", "/duix-openapi-v2/sdk/v2/getconcurrentList", "?appId=app-1"),
        "stop_all_sessions_of_app" => {
            ("GET", "/duix-openapi-v2/sdk/v2/distroyCallSessionsByAppId", "?appId=app-1")
        }
        "stop_session" => ("GET", "/duix-openapi-v2/sdk/v2/sessionStop", "?uuid=session-1"),
        "conversation" => {
            ("GET", "/duix-openapi-v2/sdk/getConversationById", "?conversationId=108")
        }
        "create_avatar" => ("POST", "/duix-openapi-v2/sdk/v2/createAvatar", ""),
        "avatar" => ("GET", "/duix-openapi-v2/sdk/v2/queryAvatar", "?taskId=task-1"),
        _ => panic!("no call {name}"),
    }
}

pub(super) fn line(name: &str) -> String {
    let (method, path, query) = target(name);
    format!("{method} {path}{query} HTTP/1.1")
}
