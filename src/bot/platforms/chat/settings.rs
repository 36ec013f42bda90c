//! The settings of a bot that answers chat completions.

use super::dialect::ChatDialect;
use crate::bot::capabilities::{Capabilities, Platform};
use crate::wire::Secret;

/// How a bot answers chat completions.
///
/// ```
/// use callbot::bot::{ChatDialect, ChatSettings};
///
/// let settings = ChatSettings::new()
///     .with_key("sk-2f0a")
///     .with_dialect(ChatDialect::AiCall);
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ChatSettings {
    pub(super) keys: Vec<Secret>,
    pub(super) dialect: Option<ChatDialect>,
    pub(super) hang_up_function: Option<String>,
}

impl ChatSettings {
    /// Returns settings without a key, in which each request tells its dialect.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key that the platform must send. Default: none, and anybody may ask the bot.
    pub fn with_key(mut self, key: impl Into<Secret>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// Sets the dialect of all requests. A bot that [needs](crate::bot::Bot::needs) a control needs a fixed
    /// dialect that has it. Default: the one that each request is in, by its fields.
    pub fn with_dialect(mut self, dialect: ChatDialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// Hangs up on AICall by calling this function. The agent must map it to its own `hangup`, with
    /// `FunctionMap` of its `LlmConfig`. Default: a tag in the text, which every agent reads.
    pub fn with_hang_up_function(mut self, name: impl Into<String>) -> Self {
        self.hang_up_function = Some(name.into());
        self
    }

    /// Returns the dialect of all requests, if it is fixed.
    pub(in crate::bot) fn dialect(&self) -> Option<ChatDialect> {
        self.dialect
    }

    /// Returns the function that hangs up on AICall, if it is not done by a tag.
    pub(in crate::bot) fn hang_up_function(&self) -> Option<&str> {
        self.hang_up_function.as_deref()
    }

    /// Returns whether there is a key.
    pub(in crate::bot) fn has_key(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Returns the platforms that these settings serve.
    pub(in crate::bot) fn platforms(&self) -> Vec<Platform> {
        match self.dialect {
            Some(dialect) => vec![dialect.platform()],
            None => vec![Platform::AiCall, Platform::Chat],
        }
    }

    /// Returns what every request on a platform supports.
    pub(in crate::bot) fn capabilities(&self, platform: Platform) -> Capabilities {
        match self.dialect.filter(|dialect| dialect.platform() == platform) {
            Some(dialect) => dialect.capabilities(),
            None => *platform.capabilities(),
        }
    }
}
