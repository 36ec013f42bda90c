//! A bot that answers chat completions, as the language model of a voice platform.

mod delivered;
mod dialect;
mod heard;
mod question;

pub use dialect::ChatDialect;
