//! A bot that answers chat completions, as the language model of a voice platform.

mod content;
mod controls;
mod delivered;
mod dialect;
mod heard;
mod question;
mod server;
mod settings;

pub use dialect::ChatDialect;
// For the tests of bots.
#[cfg(feature = "client")]
pub(in crate::bot) use question::turn_with_id;
pub use server::OnChat;
pub use settings::ChatSettings;
