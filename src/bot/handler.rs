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
    /// What the bot remembers of a call: anything that goes into JSON and back. `()` will do.
    type Memory: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// The version of [`Memory`](Self::Memory). A field that is new and has `#[serde(default)]` needs
    /// no new version.
    const MEMORY_VERSION: u32 = 0;

    /// What a memory of an older version is now. Memories of a newer version are never asked for: such
    /// a turn fails, and what is kept stays as it is.
    ///
    /// # Errors
    /// When there is no such thing; the turn fails then, and what is kept stays as it is. This is the
    /// default.
    fn migrate(from: u32, old: serde_json::Value) -> Result<Self::Memory> {
        let _ = old;
        Err(MemoryVersion::new(from, Self::MEMORY_VERSION).into())
    }

    /// What the bot can't do without. It is checked when the bot is put on a platform. Default: nothing.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// A call began, and this is said first. Digital Employee gives 200 ms for all of it. DUIX has no
    /// such event: there this runs before the first turn, and what it says is
    /// [dropped](super::HostBuilder::greeting). If it does not end well it runs again before the next turn,
    /// in the same way. Default: nothing.
    fn begin(
        &self,
        call: &mut Call<Self::Memory>,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, reply);
        async { Ok(()) }
    }

    /// The caller took a turn.
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

    /// The call is over, and what was kept of it is gone. It runs once. Default: nothing.
    fn ended(
        &self,
        call: &mut Call<Self::Memory>,
        why: Ended,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, why);
        async { Ok(()) }
    }

    /// Something of a reply did not reach the caller, where that is no error. Default: a warning in
    /// the log.
    fn notice(&self, notice: &Notice) {
        tracing::warn!(call = %notice.call, "{notice}");
    }
}
