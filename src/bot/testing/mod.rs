//! Tests a bot on any platform, through the platform's own server and client, in memory.
//!
//! A [`TestCall`] plays the caller and the platform. The bot's answer is encoded as on the wire and read
//! back as an [`Answer`]. An expectation that does not hold panics at the line of the test, with the
//! transcript of the call. The transcript has the cause of each failed turn, which the platform does not
//! see; see [`Answer::causes`]. This module needs the feature `client`.
//!
//! [`store_conformance`] checks a [`Store`](super::Store) of your own.
//!
//! For a unit test of one of your functions, see [`Call::builder`](super::Call::builder), which does not
//! need that feature.
//!
//! ```
//! use callbot::bot::testing::TestCall;
//! use callbot::bot::{Bot, Call, HangUp, Input, Platform, Reply, Result};
//!
//! struct Polite;
//!
//! impl Bot for Polite {
//!     type Memory = u32;
//!
//!     async fn turn(&self, call: &mut Call<u32>, input: Input, reply: &mut Reply) -> Result {
//!         call.memory += 1;
//!         reply.say("Goodbye!").await?;
//!         if reply.can().hang_up && input == Input::Speech("bye".into()) {
//!             reply.hang_up(HangUp::new()).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # #[cfg(feature = "digital-employee")]
//! #[tokio::test(start_paused = true)]
//! # async fn unused() {}
//! # #[cfg(feature = "digital-employee")]
//! async fn says_goodbye() {
//!     let mut call = TestCall::on(Platform::DigitalEmployee, Polite);
//!     call.say("bye").await.expect_speech("goodbye").expect_hang_up().expect_end();
//!     assert_eq!(call.memory().await, 1);
//! }
//!
//! #[tokio::test(start_paused = true)]
//! # async fn unused_too() {}
//! async fn says_goodbye_everywhere() {
//!     TestCall::everywhere(|| Polite, async |call| {
//!         call.say("bye").await.expect_text("Goodbye!").expect_end();
//!     })
//!     .await;
//! }
//! # let mut runtime = tokio::runtime::Builder::new_current_thread();
//! # let runtime = runtime.enable_time().start_paused(true).build().unwrap();
//! # #[cfg(feature = "digital-employee")]
//! # runtime.block_on(says_goodbye());
//! # runtime.block_on(says_goodbye_everywhere());
//! ```
//!
//! # Time
//!
//! With `start_paused`, tokio's clock stands still while any task runs, and jumps to the next timer when
//! none does. So a test of a bot that waits for seconds takes no time, and budgets, fillers and the
//! times in the transcript are exact to a millisecond. This needs tokio's feature `test-util` in your
//! dev-dependencies; this crate can't enable it for you. Without it the times are real.
//!
//! # Running turns
//!
//! [`start`](TestCall::start) returns a [`Turn`] that goes on while the test does something else:
//!
//! ```
//! # #[cfg(feature = "digital-employee")]
//! # async fn test<B: callbot::bot::Bot>(bot: B) {
//! # use callbot::bot::{Platform, testing::TestCall};
//! let mut call = TestCall::on(Platform::DigitalEmployee, bot);
//! let mut turn = call.start("Tell me a story!").await;
//! turn.until_speech("Once upon a time").await;
//! turn.barge_in("Once upon").await.expect_end();
//! assert_eq!(call.heard().await, "Once upon");
//! # }
//! ```
//!
//! # What the platforms do
//!
//! | | Digital Employee | DUIX, both kinds | ODFS | AICall, chat |
//! |---|---|---|---|---|
//! | [`begin`](TestCall::begin) | `beginSession` | – | `inaction` 8 | – |
//! | [`say`](TestCall::say), [`start`](TestCall::start) | `dialogue` | a question | `inaction` 9 | a chat completion |
//! | [`keys`](TestCall::keys), [`silence`](TestCall::silence) | `dialogue` | – | `inaction` 9 | – |
//! | [`no_match`](TestCall::no_match) | – | – | `inaction` 9 | – |
//! | [`transferred`](TestCall::transferred), [`transfer_failed`](TestCall::transfer_failed) | – | – | `inaction` 11 | – |
//! | [`barge_in`](TestCall::barge_in) | `abortDialogue` | – | – | – |
//! | [`repeat`](TestCall::repeat) | the same `streamId` | – | – | the same turn |
//! | [`end`](TestCall::end) | `endSession` | – | `hangup` | – |
//!
//! On `Platform::Chat` the test speaks the fixed [dialect](super::ChatSettings::with_dialect) of the host, and
//! offers the tools of that dialect. Without one it is `ChatDialect::Plain` without tools.
//!
//! At a dash nothing is sent, and the answer is [unsupported](Answer::unsupported). The ODFS player
//! follows an answer that only plays a prompt with `playover`; both answers are one [`Answer`].

mod act;
mod answer;
mod awaited;
#[cfg(feature = "chat")]
mod chat;
mod conformance;
#[cfg(feature = "digital-employee")]
mod digital_employee;
#[cfg(feature = "duix")]
mod duix;
#[cfg(feature = "odfs")]
mod odfs;
mod peer;
mod transcript;
mod turn;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use act::Act;
pub use answer::Answer;
use awaited::{Awaited, Wrong};
pub use conformance::{StoreConformance, store_conformance};
use peer::Peer;
use transcript::{Step, Transcript};
pub use turn::Turn;
use turn::{Ending, Work};

use super::capabilities::{Capabilities, Platform};
use super::handler::Bot;
use super::history::History;
use super::host::Host;
use super::input::{CallKey, TurnId};
use super::needs::NeedsError;
use super::snapshot::CallSnapshot;
use crate::error::chain;
use crate::server::watch::{SharedWatch, watched};

/// A call to a bot, from the caller's side.
///
/// If the platform reports the start of a call and the test has not called [`begin`](Self::begin), the
/// first step does. `TestCall` needs the feature `client`.
///
/// ```
/// # #[cfg(feature = "digital-employee")]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// use callbot::bot::Platform;
/// use callbot::bot::testing::TestCall;
/// # struct Storyteller;
/// # impl Bot for Storyteller {
/// #     type Memory = u32;
/// #     async fn turn(&self, call: &mut Call<u32>, _: Input, reply: &mut Reply) -> Result {
/// #         call.memory += 1;
/// #         reply.say("Once upon a time there was a king.").await
/// #     }
/// # }
///
/// let mut call = TestCall::on(Platform::DigitalEmployee, Storyteller);
/// call.say("Tell me a story!").await.expect_speech("once upon a time").expect_no_controls();
///
/// // The reply is complete and being spoken when the caller barges in.
/// call.barge_in("Once upon").await.expect_end();
/// assert_eq!(call.heard().await, "Once upon");
/// assert_eq!(call.memory().await, 1);
///
/// // DUIX has no keys to press.
/// # #[cfg(feature = "duix")]
/// TestCall::on(Platform::Duix, Storyteller).keys("1").await.expect_unsupported();
/// # }
/// # #[cfg(not(feature = "digital-employee"))]
/// # fn main() {}
/// ```
pub struct TestCall<B: Bot> {
    host: Host<B>,
    can: Capabilities,
    key: CallKey,
    peer: Peer,
    call: Arc<Transcript>,
    begun: bool,
    last: Option<(Act, String)>,
}

impl<B: Bot> TestCall<B> {
    /// Creates a call on this platform to a bot, or to a [`Host`] with its settings. To test several
    /// calls on one host, pass clones of it.
    ///
    /// # Panics
    /// Panics if the feature of the platform is off, or if the platform lacks something that the bot
    /// requires.
    #[must_use]
    #[track_caller]
    // A test that can't start has failed.
    #[allow(clippy::panic)]
    pub fn on(platform: Platform, bot: impl Into<Host<B>>) -> Self {
        match Self::try_on(platform, bot.into()) {
            Ok(call) => call,
            Err(error) => panic!("{error}"),
        }
    }

    #[track_caller]
    fn try_on(platform: Platform, host: Host<B>) -> Result<Self, NeedsError> {
        let can = host.capabilities(platform)?;
        let id = TurnId::random();
        let peer = Peer::new(platform, &host, id.as_str())?;
        let key = CallKey::new(platform, id.as_str());
        let call = Arc::new(Transcript::new(platform, key.clone()));
        Ok(Self { host, can, key, peer, call, begun: false, last: None })
    }

    /// Sends what the caller says as the voice platform of ODFS does: as the key of a text, which the bot's
    /// server looks up in memory. See [`Host::odfs`](Host#method.odfs) for what a real server needs. On the
    /// other platforms this changes nothing. Default: as text.
    #[must_use]
    pub fn speech_by_key(mut self) -> Self {
        self.peer.speak_by_key();
        self
    }

    /// Runs `test` on every platform whose feature is on and that has all that the bot requires. `bot`
    /// creates a bot or a host for each of them. On ODFS the test runs twice, the second time with
    /// [`speech_by_key`](Self::speech_by_key). If the test fails, the platform is printed.
    ///
    /// # Panics
    /// Panics if the test does, or if the bot can't be put on any platform.
    #[track_caller]
    pub fn everywhere<H: Into<Host<B>>>(
        bot: impl Fn() -> H,
        test: impl AsyncFn(&mut Self),
    ) -> impl Future<Output = ()> {
        Awaited::new(async move {
            let mut refused = None;
            let mut tested = false;
            for platform in Platform::ALL.into_iter().filter(|platform| Peer::knows(*platform)) {
                match Self::try_on(platform, bot().into()) {
                    Ok(mut call) => {
                        let _where = Where(platform, "");
                        test(&mut call).await;
                        tested = true;
                    }
                    Err(error) => refused = Some(error),
                }
                if platform == Platform::Odfs
                    && let Ok(call) = Self::try_on(platform, bot().into())
                {
                    let _where = Where(platform, ", with speech as the key of a text");
                    test(&mut call.speech_by_key()).await;
                }
            }
            match refused.filter(|_| !tested) {
                Some(error) => Err(Wrong::new(format!(
                    "the bot can't be put on any platform; on the last one: {error}"
                ))),
                None => Ok(()),
            }
        })
    }

    /// Returns the host.
    #[must_use]
    pub fn host(&self) -> &Host<B> {
        &self.host
    }

    /// Returns the key of the call.
    #[must_use]
    pub fn key(&self) -> &CallKey {
        &self.key
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.call.platform
    }

    /// Returns what the platform supports, with the transfers that the host allows.
    #[must_use]
    pub fn can(&self) -> &Capabilities {
        &self.can
    }

    /// Starts the call.
    #[track_caller]
    pub fn begin(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::Begin))
    }

    /// Lets the caller say `text`.
    #[track_caller]
    pub fn say(&mut self, text: impl Into<String>) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::Say(text.into())))
    }

    /// Lets the caller press these DTMF keys.
    #[track_caller]
    pub fn keys(&mut self, keys: impl Into<String>) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::Keys(keys.into())))
    }

    /// Lets the caller be silent until the platform's timeout.
    #[track_caller]
    pub fn silence(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::Silence))
    }

    /// Lets the caller say something that is not recognised.
    #[track_caller]
    pub fn no_match(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::NoMatch))
    }

    /// Reports that the transfer that the bot asked for succeeded.
    #[track_caller]
    pub fn transferred(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::Transferred))
    }

    /// Reports that the transfer that the bot asked for failed.
    #[track_caller]
    pub fn transfer_failed(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(self.act(Act::TransferFailed))
    }

    /// Lets the caller say `text`, and returns while the turn runs. If you start another turn meanwhile,
    /// [`Capabilities::newest_wins`] decides whether it cuts this one or waits for it.
    #[track_caller]
    pub fn start(&mut self, text: impl Into<String>) -> impl Future<Output = Turn> {
        let act = Act::Say(text.into());
        Awaited::new(async move {
            self.begin_first(&act).await?;
            let id = TurnId::random().to_string();
            let step = self.step(&act).await;
            Ok(self.ask(act, id, step).await)
        })
    }

    /// Repeats the platform's last request, with the same id of the turn. Only Digital Employee, AICall and
    /// other chat completions do so: the other platforms have no such id, or don't repeat requests.
    #[track_caller]
    pub fn repeat(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(async move {
            let repeats = matches!(
                self.platform(),
                Platform::DigitalEmployee | Platform::AiCall | Platform::Chat
            );
            let step = self.call.step("(the platform repeats its request)");
            if !repeats {
                return self.unsupported(&step, "does not repeat requests");
            }
            let Some((act, id)) = self.last.clone() else {
                return Err(self.call.wrong(Some(step.number), "no request to repeat"));
            };
            let turn = self.peer.turn(&act, &id);
            if self.host.is_secret(&self.key, Some(&turn)).await {
                step.record().secret = act.content().map(str::to_owned);
            }
            self.ask(act, id, step).await.try_rest().await
        })
    }

    /// Lets the caller barge in on the last reply, which is complete and is being spoken. `heard` is what
    /// the platform reports as heard; `None` leaves it out. Only Digital Employee reports a barge-in.
    /// For a running turn, use [`Turn::barge_in`].
    #[track_caller]
    pub fn barge_in<'a>(
        &mut self,
        heard: impl Into<Option<&'a str>>,
    ) -> impl Future<Output = Answer> {
        let heard = heard.into();
        Awaited::new(async move {
            let step = self.call.step("(barges in on the last reply)");
            if !self.can.aborts {
                return self.unsupported(&step, "does not report barge-in");
            }
            step.record().barged_in = Some(heard.map(str::to_owned));
            let Some((_, id)) = &self.last else {
                return Err(self.call.wrong(Some(step.number), "no reply to barge in on"));
            };
            if let Some(Err(error)) = under(&step, self.peer.barge_in(id, heard)).await {
                step.fail(error);
            }
            self.answer(&step)
        })
    }

    /// Ends the call: the caller hangs up, or the platform reports the end of a call that the bot has
    /// released. DUIX and chat completions have no such event, and a test sends no callbacks of AICall: these
    /// calls end when they are idle.
    #[track_caller]
    pub fn end(&mut self) -> impl Future<Output = Answer> {
        Awaited::new(async move {
            let step = self.call.step("(the call ends)");
            if !under(&step, self.peer.end(&step)).await {
                return self.unsupported(&step, "does not report the end of a call");
            }
            self.answer(&step)
        })
    }

    /// Returns the bot's memory, as it was last written.
    ///
    /// # Panics
    /// Panics if the call is not in the store, since it has not started or is over. To check for that,
    /// use [`Host::snapshot`] with [`key`](Self::key).
    #[track_caller]
    pub fn memory(&self) -> impl Future<Output = B::Memory> {
        Awaited::new(async { Ok(self.snapshot().await?.memory) })
    }

    /// Returns the history of the call.
    ///
    /// # Panics
    /// Panics if the call is not in the store; see [`memory`](Self::memory).
    #[track_caller]
    pub fn history(&self) -> impl Future<Output = History> {
        Awaited::new(async { Ok(self.snapshot().await?.history) })
    }

    /// Returns the last reply in the history, without its filler: what the caller heard of it if that
    /// is known, otherwise all of it.
    ///
    /// # Panics
    /// Panics if the call is not in the store; see [`memory`](Self::memory).
    #[track_caller]
    pub fn heard(&self) -> impl Future<Output = String> {
        Awaited::new(async {
            let history = self.snapshot().await?.history;
            Ok(history.last().map(|entry| entry.said.clone()).unwrap_or_default())
        })
    }

    async fn snapshot(&self) -> Result<CallSnapshot<B::Memory>, Wrong> {
        match self.host.snapshot(&self.key).await {
            Ok(Some(snapshot)) => Ok(snapshot),
            Ok(None) => Err(self.call.wrong(None, "the call is not in the store")),
            Err(error) => Err(self.call.wrong(None, chain(&error))),
        }
    }

    async fn begin_first(&mut self, act: &Act) -> Result<(), Wrong> {
        if !self.begun && self.can.greets && !matches!(act, Act::Begin) {
            self.act(Act::Begin).await?;
        }
        Ok(())
    }

    async fn act(&mut self, act: Act) -> Result<Answer, Wrong> {
        self.begun |= matches!(act, Act::Begin);
        if let Some(lack) = act.lacked_by(self.platform()) {
            let step = self.call.step(act.to_string());
            return self.unsupported(&step, lack);
        }
        // Boxed, since `begin_first` may call this function in turn.
        Box::pin(self.begin_first(&act)).await?;
        let step = self.step(&act).await;
        self.ask(act, TurnId::random().to_string(), step).await.try_rest().await
    }

    /// Adds a step to the transcript, which hides what is secret.
    async fn step(&self, act: &Act) -> Arc<Step> {
        match act.content() {
            Some(secret) if self.host.is_secret(&self.key, None).await => {
                let step = self.call.step(act.hidden().to_string());
                step.record().secret = Some(secret.to_owned());
                step
            }
            _ => self.call.step(act.to_string()),
        }
    }

    async fn ask(&mut self, act: Act, id: String, step: Arc<Step>) -> Turn {
        self.last = Some((act.clone(), id.clone()));
        let (peer, turn) = (self.peer.clone(), id.clone());
        let ending = Ending(step.clone());
        let watched = step.clone();
        let work = async move { under(&watched, peer.ask(&act, &turn, &ending.0)).await };
        let work = tokio::spawn(work);
        // So that its request goes out before any later one.
        tokio::task::yield_now().await;
        let (call, peer) = (self.call.clone(), self.peer.clone());
        Turn { call, step, peer, id, _work: Work(work) }
    }

    fn unsupported(&self, step: &Step, lack: &str) -> Result<Answer, Wrong> {
        step.record().unsupported = Some(format!("{} {lack}", self.platform()));
        self.answer(step)
    }

    fn answer(&self, step: &Step) -> Result<Answer, Wrong> {
        step.end();
        Answer::new(self.call.clone(), step)
    }
}

/// Runs `work` so that `step` learns why it fails.
async fn under<T>(step: &Arc<Step>, work: impl Future<Output = T>) -> T {
    let watch: SharedWatch = step.clone();
    watched(Some(watch), work).await
}

// A test that fails by another assertion shows the transcript, too.
impl<B: Bot> Drop for TestCall<B> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.call.shown.load(Ordering::Relaxed) {
            eprintln!("{}", self.call);
        }
    }
}

/// Writes the transcript.
impl<B: Bot> fmt::Display for TestCall<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

impl<B: Bot> fmt::Debug for TestCall<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestCall").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Prints the platform if the test panics.
struct Where(Platform, &'static str);

impl Drop for Where {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed on {}{}", self.0, self.1);
        }
    }
}
