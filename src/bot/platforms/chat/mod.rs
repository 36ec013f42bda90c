//! A bot that answers chat completions, as the language model of a voice platform.

mod controls;
mod delivered;
mod dialect;
mod heard;
mod question;
mod settings;

pub use dialect::ChatDialect;
pub use settings::ChatSettings;
