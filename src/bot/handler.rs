//! The trait that a bot implements.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::call::Call;
use super::error::{Dropped, Notice, Result};
use super::input::{Cut, Ended, Input};
use super::memory::MemoryVersion;
use super::needs::Needs;
use super::reply::Reply;

/// A bot that takes calls on any platform.
///
/// One value serves all calls concurrently. Keep the state of a call in [`Memory`](Self::Memory).
///
/// ```
/// # #[cfg(all(feature = "client", feature = "digital-employee"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use callbot::bot::testing::TestCall; // needs the feature `client`
/// use callbot::bot::{Bot, Call, HangUp, Input, Platform, Reply, Result};
///
/// struct Pizzeria;
///
/// impl Bot for Pizzeria {
///     type Memory = Vec<String>;
///
///     async fn begin(&self, _: &mut Call<Vec<String>>, reply: &mut Reply) -> Result {
///         reply.say("Which pizza would you like?").await
///     }
///
///     async fn turn(
///         &self,
///         call: &mut Call<Vec<String>>,
///         input: Input,
///         reply: &mut Reply,
///     ) -> Result {
///         let Input::Speech(pizza) = input else { return reply.say("Pardon?").await };
///         reply.say(format!("One {pizza}, coming up.")).await?;
///         call.memory.push(pizza);
///         reply.hang_up(HangUp::new()).await
///     }
/// }
///
/// let mut call = TestCall::on(Platform::DigitalEmployee, Pizzeria);
/// call.begin().await.expect_text("Which pizza would you like?");
/// call.silence().await.expect_text("Pardon?");
/// call.say("Margherita").await.expect_speech("coming up").expect_hang_up();
/// assert_eq!(call.memory().await, ["Margherita"]);
/// # }
/// # #[cfg(not(all(feature = "client", feature = "digital-employee")))]
/// # fn main() {}
/// ```
pub trait Bot: Send + Sync + Sized + 'static {
    /// The bot's memory of a call: any type that serde reads and writes as JSON, or `()`.
    type Memory: Serialize + DeserializeOwned + Default + Send + Sync + 'static;

    /// The version of [`Memory`](Self::Memory). A new field with `#[serde(default)]` does not need a
    /// new version.
    const MEMORY_VERSION: u32 = 0;

    /// Converts a memory of the older version `from`. It is not called for a newer version: then the
    /// turn fails, and the stored memory stays as it is.
    ///
    /// # Errors
    /// Return an error if the memory can't be converted: the turn fails, and the stored memory stays as
    /// it is. The default always does.
    fn migrate(from: u32, old: serde_json::Value) -> Result<Self::Memory> {
        let _ = old;
        Err(MemoryVersion::new(from, Self::MEMORY_VERSION).into())
    }

    /// Returns what the bot requires of a platform. It is checked when the bot is put on a platform.
    /// The default requires nothing.
    fn needs(&self) -> Needs {
        Needs::NONE
    }

    /// Called when a call begins, to greet the caller. On Digital Employee it has 200 ms, less the
    /// [margin](super::Budget::margin). DUIX has no such event: there it runs before the first turn, and
    /// its text is dropped unless [`HostBuilder::greeting`](super::HostBuilder::greeting) says otherwise.
    /// If it fails, it is called again before the next turn. The default does nothing.
    fn begin(
        &self,
        call: &mut Call<Self::Memory>,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, reply);
        async { Ok(()) }
    }

    /// Called when the caller takes a turn. If it returns `Ok`, the memory is stored and the reply ends.
    /// If it fails or is cut short, the memory is rolled back; see [`Call::memory`].
    fn turn(
        &self,
        call: &mut Call<Self::Memory>,
        input: Input,
        reply: &mut Reply,
    ) -> impl Future<Output = Result> + Send;

    /// Called when a reply was cut short; the history is already truncated to what was heard.
    ///
    /// It runs as soon as no turn has the call, at the latest before the next turn. There it may use a
    /// quarter of the time that the turn has left. If it does not finish in time, it is called again,
    /// as it is if the platform later reports what was heard. An error is logged. The default does
    /// nothing.
    fn interrupted(
        &self,
        call: &mut Call<Self::Memory>,
        cut: &Cut,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, cut);
        async { Ok(()) }
    }

    /// Called when the call is over. It has [`Limits::end_timeout`](super::Limits::end_timeout); an error is
    /// logged. The default does nothing.
    ///
    /// With a [store](super::Store::shared) that several processes share, it is called at least once. If the
    /// process dies before this returns, or the store can't remove the call, it is called again, 10 s to 70 s
    /// after the `end_timeout`. So write down what must not happen twice under the [`key`](Call::key) of the
    /// call. If the memory of the call has a newer version than [`MEMORY_VERSION`](Self::MEMORY_VERSION), a
    /// process with that version calls it.
    fn ended(
        &self,
        call: &mut Call<Self::Memory>,
        why: Ended,
    ) -> impl Future<Output = Result> + Send {
        let _ = (call, why);
        async { Ok(()) }
    }

    /// Called when a part of a reply is dropped without an error, and when the time of a
    /// [hold](Call::hold) is up. The default logs it: the [first](Notice::first) notice of its kind on a
    /// platform as a warning, later ones at level `DEBUG`, so that not every call adds a line. Holds are
    /// logged as errors in any case.
    fn notice(&self, notice: &Notice) {
        let Notice { platform, call, turn, .. } = notice;
        if matches!(notice.what, Dropped::Hold | Dropped::HeldWork) {
            return;
        }
        match notice.first {
            true => tracing::warn!(%platform, %call, %turn, "{notice}"),
            false => tracing::debug!(%platform, %call, %turn, "{notice}"),
        }
    }
}
