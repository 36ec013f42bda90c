//! Tests of a bot, on any platform: through the platform's own server and client, in memory.
//!
//! A [`TestCall`] plays the caller and the platform. What the bot answers goes over the wire and is
//! read back as an [`Answer`]. An expectation that does not hold panics with the transcript of the call.
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
//! A bot that waits for seconds need not be waited for: with `start_paused` tokio's clock stands still
//! while anything runs, and jumps to the next event when nothing does. So budgets, fillers and the
//! times in the transcript are exact to a millisecond, and a test takes no time. A test does this
//! itself, with tokio's feature `test-util` among its dev-dependencies: this crate can't. Without it
//! the times are real ones.
//!
//! # A turn that runs
//!
//! [`start`](TestCall::start) gives a [`Turn`] that goes on while the test does something else:
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
//! | | Digital Employee | DUIX, both kinds | ODFS |
//! |---|---|---|---|
//! | [`begin`](TestCall::begin) | `beginSession` | – | `inaction` 8 |
//! | [`say`](TestCall::say), [`start`](TestCall::start) | `dialogue` | a question | `inaction` 9 |
//! | [`keys`](TestCall::keys), [`silence`](TestCall::silence) | `dialogue` | – | `inaction` 9 |
//! | [`no_match`](TestCall::no_match) | – | – | `inaction` 9 |
//! | [`transferred`](TestCall::transferred), [`transfer_failed`](TestCall::transfer_failed) | – | – | `inaction` 11 |
//! | [`barge_in`](TestCall::barge_in) | `abortDialogue` | – | – |
//! | [`repeat`](TestCall::repeat) | the same `streamId` | – | – |
//! | [`end`](TestCall::end) | `endSession` | – | `hangup` |
//!
//! Where there is nothing, nothing is sent, and the answer is [unsupported](Answer::unsupported). An
//! ODFS answer that only plays is followed by `playover`; both answers are one [`Answer`].

mod act;
mod answer;
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

/// A call to a bot, from the caller's side.
///
/// A step begins the call first where the platform has such an event and the test has not done it.
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
    /// A call to this bot, or to this [`Host`] with its settings, on this platform. Calls that shall
    /// share a host get clones of it.
    ///
    /// # Panics
    /// When the platform is not compiled in, or has not got what the bot needs.
    #[must_use]
    #[track_caller]
    // A test that can't begin has failed.
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

    /// Runs a test on every platform that is compiled in and has what the bot needs, each with a bot
    /// or host of its own. When it fails, the platform is printed.
    ///
    /// # Panics
    /// When the test does, or when there is no such platform.
    // A test that tests nothing has failed.
    #[allow(clippy::panic)]
    pub async fn everywhere<H: Into<Host<B>>>(bot: impl Fn() -> H, test: impl AsyncFn(&mut Self)) {
        let mut refused = None;
        let mut tested = false;
        for platform in Platform::ALL.into_iter().filter(|platform| Peer::knows(*platform)) {
            match Self::try_on(platform, bot().into()) {
                Ok(mut call) => {
                    let _where = Where(platform);
                    test(&mut call).await;
                    tested = true;
                }
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused.filter(|_| !tested) {
            panic!("nothing was tested: {error}");
        }
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host<B> {
        &self.host
    }

    /// The key of the call.
    #[must_use]
    pub fn key(&self) -> &CallKey {
        &self.key
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.call.platform
    }

    /// What the platform can do, the host's settings included.
    #[must_use]
    pub fn can(&self) -> &Capabilities {
        &self.can
    }

    /// The call begins.
    pub async fn begin(&mut self) -> Answer {
        self.begun = true;
        self.act(Act::Begin).await
    }

    /// The caller says this.
    pub async fn say(&mut self, words: impl Into<String>) -> Answer {
        self.act(Act::Say(words.into())).await
    }

    /// The caller presses these keys.
    pub async fn keys(&mut self, keys: impl Into<String>) -> Answer {
        self.act(Act::Keys(keys.into())).await
    }

    /// The caller says nothing for as long as the platform waits.
    pub async fn silence(&mut self) -> Answer {
        self.act(Act::Silence).await
    }

    /// The caller says something that is not recognised.
    pub async fn no_match(&mut self) -> Answer {
        self.act(Act::NoMatch).await
    }

    /// The caller is put through, as the bot asked for.
    pub async fn transferred(&mut self) -> Answer {
        self.act(Act::Transferred).await
    }

    /// The caller can't be put through, as the bot asked for.
    pub async fn transfer_failed(&mut self) -> Answer {
        self.act(Act::TransferFailed).await
    }

    /// The caller says this, and the turn runs while the test goes on. Another turn may begin
    /// meanwhile; what becomes of this one then is [`Capabilities::newest_wins`].
    pub async fn start(&mut self, words: impl Into<String>) -> Turn {
        let act = Act::Say(words.into());
        self.begin_first(&act).await;
        let id = TurnId::random().to_string();
        let step = self.call.step(act.to_string());
        self.ask(act, id, step).await
    }

    /// The platform makes its last request again, with the same id of the turn. Only on Digital
    /// Employee: others have no such id, or make no request again.
    pub async fn repeat(&mut self) -> Answer {
        let repeats = self.platform() == Platform::DigitalEmployee;
        let step = self.call.step("(the platform asks again)");
        if !repeats {
            return self.unsupported(&step, "requests that are made again");
        }
        let Some((act, id)) = self.last.clone() else {
            self.call.wrong(Some(step.number), "nothing has been asked before");
        };
        self.ask(act, id, step).await.rest().await
    }

    /// The caller barges in on the last reply, which is long complete and is being spoken; has heard
    /// this of it, or `None` when the platform does not tell. Only on Digital Employee. For a reply
    /// that still runs there is [`Turn::barge_in`].
    pub async fn barge_in<'a>(&mut self, heard: impl Into<Option<&'a str>>) -> Answer {
        let heard = heard.into();
        let step = self.call.step("(interrupts the last reply)");
        if !self.can.aborts {
            return self.unsupported(&step, "word of callers who barge in");
        }
        step.record().barged_in = Some(heard.map(str::to_owned));
        let Some((_, id)) = &self.last else {
            self.call.wrong(Some(step.number), "there is no reply to barge in on");
        };
        if let Some(Err(error)) = self.peer.barge_in(id, heard).await {
            step.fail(error);
        }
        self.answer(&step)
    }

    /// The call ends: the caller hangs up, or, if the bot has released the call, the platform says that
    /// it is over. DUIX has nothing like it: its calls end when they are idle.
    pub async fn end(&mut self) -> Answer {
        let step = self.call.step("(the call ends)");
        if !self.peer.end(&step).await {
            return self.unsupported(&step, "end of a call");
        }
        self.answer(&step)
    }

    /// What the bot remembers, as it was last written.
    ///
    /// # Panics
    /// When nothing is kept of the call, since it has not begun or is over. [`Host::snapshot`] with
    /// [`key`](Self::key) says so without a panic.
    pub async fn memory(&self) -> B::Memory {
        self.snapshot().await.memory
    }

    /// What was said, and what of it was heard.
    ///
    /// # Panics
    /// As [`memory`](Self::memory).
    pub async fn history(&self) -> History {
        self.snapshot().await.history
    }

    /// What the caller heard of the last reply, as the history has it.
    ///
    /// # Panics
    /// As [`memory`](Self::memory).
    pub async fn heard(&self) -> String {
        let history = self.history().await;
        history.last().map(|entry| entry.said.clone()).unwrap_or_default()
    }

    async fn snapshot(&self) -> CallSnapshot<B::Memory> {
        match self.host.snapshot(&self.key).await {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => self.call.wrong(None, "nothing is kept of the call"),
            Err(error) => self.call.wrong(None, chain(&error)),
        }
    }

    async fn begin_first(&mut self, act: &Act) {
        if !self.begun && self.can.greets && !matches!(act, Act::Begin) {
            self.begin().await;
        }
    }

    async fn act(&mut self, act: Act) -> Answer {
        if let Some(what) = act.lacked_by(self.platform()) {
            let step = self.call.step(act.to_string());
            return self.unsupported(&step, what);
        }
        // A box, since this begins a call, too.
        Box::pin(self.begin_first(&act)).await;
        let step = self.call.step(act.to_string());
        self.ask(act, TurnId::random().to_string(), step).await.rest().await
    }

    async fn ask(&mut self, act: Act, id: String, step: Arc<Step>) -> Turn {
        self.last = Some((act.clone(), id.clone()));
        let (peer, turn) = (self.peer.clone(), id.clone());
        let ending = Ending(step.clone());
        let work = tokio::spawn(async move { peer.ask(&act, &turn, &ending.0).await });
        // So that its request is the first to leave.
        tokio::task::yield_now().await;
        let (call, peer) = (self.call.clone(), self.peer.clone());
        Turn { call, step, peer, id, _work: Work(work) }
    }

    fn unsupported(&self, step: &Step, what: &str) -> Answer {
        step.record().unsupported = Some(format!("{} has no {what}", self.platform()));
        self.answer(step)
    }

    fn answer(&self, step: &Step) -> Answer {
        step.end();
        Answer::new(self.call.clone(), step)
    }
}

// A test that fails by an assertion of its own shows the call, too.
impl<B: Bot> Drop for TestCall<B> {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.call.shown.load(Ordering::Relaxed) {
            eprintln!("{}", self.call);
        }
    }
}

/// The transcript.
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

/// Says where a test failed, whatever it failed with.
struct Where(Platform);

impl Drop for Where {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the test failed on {}", self.0);
        }
    }
}
