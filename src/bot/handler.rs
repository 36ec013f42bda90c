//! What you implement: a bot.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::error::{Notice, Result};
use super::input::{Cut, Ended, Input};
use super::memory::MemoryVersion;
use super::needs::Needs;
use super::reply::Reply;

/// A bot that takes calls, whatever the platform.
///
/// One value serves all calls at once. What differs from call to call is in [`Memory`](Self::Memory).
pub trait Bot: Send + Sync + Sized + 'static {
    /// What the bot remembers of a call: anything that serde reads and writes as JSON, such as `()`.
    type Memory: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// The version of [`Memory`](Self::Memory). A field that is new and has `#[serde(default)]` needs
    /// no new version.
    const MEMORY_VERSION: u32 = 0;

    /// Converts a memory of the older version `from`. It is not called for memories of a newer version:
    /// such a turn fails, and the stored memory stays as it is.
    ///
    /// # Errors
    /// When it can't be converted; the turn fails, and the stored memory stays as it is. This is the
    /// default.
    fn migrate(from: u32, old: serde_json::Value) -> Result<Self::Memory> {
        let _ = old;
        Err(MemoryVersion::new(from, Self::MEMORY_VERSION).into())
    }

    /// Returns what the bot requires of a platform. It is checked when the bot is put on one. The default
    /// is nothing.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// Called when a call begins, to greet the caller. Digital Employee gives it 200 ms. DUIX has no such
    /// event: there it runs before the first turn, and what it says is
    /// [dropped](super::HostBuilder::greeting). If it fails it is called again before the next turn, in
    /// the same way. The default does nothing.
    fn begin(
        &self,
        call: &mut Call<Self::Memory>,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, reply);
        async { Ok(()) }
    }

    /// Called when the caller takes a turn.
    fn turn(
        &self,
        call: &mut Call<Self::Memory>,
        input: Input,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send;

    /// Called when a reply was cut short; the history is already truncated to what was heard. It runs
    /// as soon as the call is idle, or at the latest before the next turn, where it may use a quarter
    /// of that turn's budget. If it does not finish, it is called again. It is also called again if the
    /// platform later reports what was heard. The default does nothing.
    fn interrupted(
        &self,
        call: &mut Call<Self::Memory>,
        cut: &Cut,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, cut);
        async { Ok(()) }
    }

    /// Called once when the call is over and has been removed from the store. The default does nothing.
    fn ended(
        &self,
        call: &mut Call<Self::Memory>,
        why: Ended,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, why);
        async { Ok(()) }
    }

    /// Called when a part of a reply is dropped without an error. The default logs a warning.
    fn notice(&self, notice: &Notice) {
        tracing::warn!(call = %notice.call, "{notice}");
    }
}
