//! The error object of a failure.

use super::{ErrorAnswer, ErrorObject};
use crate::server::{Fault, FaultKind};

/// Returns the error object that answers a request that failed.
pub(super) fn answer_to(fault: &Fault) -> ErrorAnswer {
    let mut object = ErrorObject::new(fault.message.as_ref()).with_type(error_type(fault.status));
    object.param = match fault.kind {
        FaultKind::Request => param(&fault.message),
        _ => None,
    };
    object.code.clone_from(&fault.code);
    ErrorAnswer::new(object)
}

/// Returns the `type` of the error object that goes with a status.
pub(crate) fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    }
}

/// Returns the field that the message of a fault begins with, as OpenAI writes it: `messages[0].content` for
/// `/messages/0/content: …`.
fn param(message: &str) -> Option<String> {
    let (pointer, _) = message.strip_prefix('/')?.split_once(": ")?;
    let mut param = String::new();
    for segment in pointer.split('/') {
        match segment.bytes().all(|byte| byte.is_ascii_digit()) && !param.is_empty() {
            true => param.push_str(&format!("[{segment}]")),
            false => {
                if !param.is_empty() {
                    param.push('.');
                }
                param.push_str(&segment.replace("~1", "/").replace("~0", "~"));
            }
        }
    }
    Some(param)
}
