//! What a tool gets when it runs, and what it leaves behind.

use std::fmt;
use std::sync::Arc;

use super::built_in::Closing;
use crate::bot::{CallInfo, Capabilities, HangUp, Input, Transfer};
use crate::lock::Mutex;

/// What a [`Tool`](super::Tool) gets: the memory, the call, and the input of the turn.
///
/// It owns the memory while the tool runs, and gives it back when it is dropped. A context that outlives its
/// tool fails the tool call.
pub struct ToolContext<M: Default> {
    /// Your own memory of the call. Change it in place; a tool that fails leaves it as it was.
    pub memory: M,
    /// The platform's information about the call.
    pub info: CallInfo,
    /// The caller's input in this turn, also if it is secret. The model never gets a secret.
    pub input: Input,
    key: String,
    can: Capabilities,
    shared: Arc<Shared<M>>,
}

/// What a context is made of.
pub(super) struct Parts<M> {
    pub memory: M,
    pub info: CallInfo,
    pub input: Input,
    pub key: String,
    pub can: Capabilities,
    pub shared: Arc<Shared<M>>,
}

/// What a context leaves behind.
pub(super) struct Shared<M> {
    /// The memory, once the context is dropped.
    memory: Mutex<Option<M>>,
    /// What the reply ends with.
    closing: Mutex<Option<Closing>>,
}

impl<M: Default> ToolContext<M> {
    pub(super) fn new(parts: Parts<M>) -> Self {
        let Parts { memory, info, input, key, can, shared } = parts;
        Self { memory, info, input, key, can, shared }
    }

    /// Returns a key for other systems, which do not make an order twice that has the same key. It is that of
    /// the call, of the turn, and of the tool call in the turn. A turn that the platform repeats has the same
    /// keys.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns what the platform supports.
    #[must_use]
    pub fn can(&self) -> Capabilities {
        self.can
    }

    /// Hangs up when the model has answered and the caller has heard the answer. The turn fails on a platform
    /// that [can't](Capabilities::hang_up).
    pub fn hang_up(&self) {
        *self.shared.closing.lock() = Some(Closing::HangUp(None));
    }

    /// Hangs up in this way when the model has answered. Unlike with [`hang_up`](Self::hang_up), the delay is
    /// yours.
    pub fn hang_up_with(&self, how: HangUp) {
        *self.shared.closing.lock() = Some(Closing::HangUp(Some(how)));
    }

    /// Transfers the caller when the model has answered. The turn fails on a platform that
    /// [can't](Capabilities::transfer).
    pub fn transfer(&self, to: Transfer) {
        *self.shared.closing.lock() = Some(Closing::Transfer(to));
    }
}

impl<M> Shared<M> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { memory: Mutex::default(), closing: Mutex::default() })
    }

    /// Takes the memory back. `None` while the context exists.
    pub(super) fn take_memory(&self) -> Option<M> {
        self.memory.lock().take()
    }

    pub(super) fn take_closing(&self) -> Option<Closing> {
        self.closing.lock().take()
    }
}

impl<M: Default> Drop for ToolContext<M> {
    fn drop(&mut self) {
        *self.shared.memory.lock() = Some(std::mem::take(&mut self.memory));
    }
}

// The memory may be private, and so is the input.
impl<M: Default> fmt::Debug for ToolContext<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ToolContext")
            .field("info", &self.info)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
