//! The tokens that an app server gives to its apps.
//!
//! They are made and checked offline with the app key, which stays on the server.

mod chat;
mod ids;
mod rtc;

pub use chat::{ChatToken, ChatTokenError, ChatTokens};
pub use ids::IdError;
#[cfg(feature = "server")]
pub(super) use ids::random_id;
pub use rtc::{RtcToken, RtcTokenError, RtcTokens};
