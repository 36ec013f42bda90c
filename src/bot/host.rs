//! A bot with its settings, ready to be put on platforms.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::calls::{Calls, Question};
use super::line::Reader;
use super::reply::Put;
use super::state::State;
use super::store::AnyStore;
use super::{
    Bot, Budget, CallKey, Capabilities, Control, Cut, Dropped, Ended, History, MemoryStore, Notice,
    Platform, ReplyError, Result, Store, TransferKind, TransferKinds, TurnId, Unmet,
};

/// A bot with its settings and its calls, ready to be put on platforms. Clones share the calls.
///
/// Each platform has a function that gives its own server, with all the settings that it has there:
///
/// ```
/// # #[cfg(all(feature = "digital-employee", feature = "odfs"))]
/// # fn routes<B: callbot::bot::Bot>(bot: B) -> Result<axum::Router, callbot::bot::Unmet> {
/// use std::time::Duration;
///
/// use callbot::bot::{Control, Host};
/// use callbot::odfs::Issuer;
///
/// let host = Host::builder(bot).filler("One moment, please. ").lossy(Control::Voice).build();
/// let phone = host.digital_employee()?.heartbeat(Duration::from_secs(10)).router();
/// let issuer = Issuer::new().account("tenant-1", "secret-1");
/// let ivr = host.odfs()?.issuer(issuer).router();
/// Ok(phone.merge(ivr))
/// # }
/// ```
pub struct Host<B: Bot> {
    calls: Arc<Calls<B>>,
    settings: Arc<Settings>,
}

/// The settings of a [`Host`].
#[must_use]
pub struct HostBuilder<B: Bot> {
    bot: B,
    store: Arc<dyn AnyStore>,
    limits: Limits,
    greeting: Greeting,
    runtime: Option<Handle>,
    settings: Settings,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    filler: Option<String>,
    lossy: Vec<Control>,
    transfers: TransferKinds,
    budgets: HashMap<Platform, Budget>,
}

/// What a bot may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The text of one reply, in bytes. Default: 64 KiB.
    pub reply: usize,
    /// The memory of a call, in bytes of JSON. Default: 64 KiB.
    pub memory: usize,
    /// How many turns of a call its history has; older ones are dropped. Default: 100.
    pub history_entries: usize,
    /// How many bytes of text it has. Default: 32 KiB.
    pub history_bytes: usize,
    /// How long a [hold](super::Call::hold) may last, a day at most. Default: 2 s.
    pub hold: Duration,
    /// How long the bot may take to hear of the end of a call. Default: 10 s.
    pub end: Duration,
    /// After what time without a turn a call is over. Default: 30 min. It may take a quarter as long
    /// again, a minute at most.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reply: 64 * 1024,
            memory: 64 * 1024,
            history_entries: 100,
            history_bytes: 32 * 1024,
            hold: Duration::from_secs(2),
            end: Duration::from_secs(10),
            idle: Duration::from_secs(30 * 60),
        }
    }
}

macro_rules! with {
    ($($(#[$doc:meta])* $with:ident $field:ident: $type:ty,)*) => {
        impl Limits {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $with(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

with! {
    /// Sets [`reply`](Self::reply).
    with_reply reply: usize,
    /// Sets [`memory`](Self::memory).
    with_memory memory: usize,
    /// Sets [`history_entries`](Self::history_entries).
    with_history_entries history_entries: usize,
    /// Sets [`history_bytes`](Self::history_bytes).
    with_history_bytes history_bytes: usize,
    /// Sets [`hold`](Self::hold).
    with_hold hold: Duration,
    /// Sets [`end`](Self::end).
    with_end end: Duration,
    /// Sets [`idle`](Self::idle).
    with_idle idle: Duration,
}

/// What becomes of the words of [`Bot::begin`], where the platform does not ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Greeting {
    /// They are dropped, with a [`Notice`].
    #[default]
    Drop,
    /// They are the begin of the first reply.
    Prepend,
}

/// A call, seen from outside.
#[non_exhaustive]
pub struct Seen<M> {
    /// What the bot remembers, as it was last written.
    pub memory: M,
    /// What was said, and what of it was heard.
    pub history: History,
    /// Cuts that the bot has not been told of yet, the oldest first.
    pub cuts: Vec<Cut>,
}

// What the bot remembers may be private.
impl<M> fmt::Debug for Seen<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("history", &self.history)
            .field("cuts", &self.cuts)
            .finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// A bot with the default settings.
    #[must_use]
    pub fn new(bot: B) -> Self {
        Self::builder(bot).build()
    }

    /// A bot with settings of one's own.
    pub fn builder(bot: B) -> HostBuilder<B> {
        HostBuilder {
            bot,
            store: Arc::new(MemoryStore::new()),
            limits: Limits::default(),
            greeting: Greeting::default(),
            runtime: None,
            settings: Settings::default(),
        }
    }

    /// The routes of every platform that is compiled in, with the default settings of each.
    ///
    /// # Errors
    /// When one of them has not got what the bot needs.
    pub fn router(&self) -> Result<axum::Router, Unmet> {
        let router = axum::Router::new();
        #[cfg(feature = "digital-employee")]
        let router = router.merge(self.digital_employee()?.router());
        #[cfg(feature = "duix")]
        let router = router.merge(self.duix()?.router());
        #[cfg(feature = "odfs")]
        let router = {
            let server = self.odfs()?;
            router.merge(server.deadline(self.budget(Platform::Odfs).whole).router())
        };
        Ok(router)
    }

    /// Looks at a call, without touching it; `None` when there is none.
    ///
    /// # Errors
    /// When the store can't be reached, or what is kept can't be read.
    pub async fn look(&self, call: &CallKey) -> Result<Option<Seen<B::Memory>>> {
        let Some(record) = self.calls.read(call).await? else { return Ok(None) };
        let Some((state, _)) = State::read(&record, &self.calls.limits)? else { return Ok(None) };
        let memory = super::turn::memory::<B>(&record.memory)?;
        Ok(Some(Seen { memory, history: state.history, cuts: state.cuts }))
    }

    /// Ends well, within this time. No new turn begins: its answer is a failure with status 503. Those
    /// that run may end for three quarters of the time, and are then cut, but for what they hold. Where
    /// the store can't be shared with other processes, the bot is told that each call is over; calls
    /// for which there is no time left are dropped, with an error in the log.
    pub async fn shut_down(&self, within: Duration) {
        self.calls.shut_down(within).await;
    }

    /// What a platform needs to know of this bot.
    pub(super) fn mount(&self, kind: Kind) -> Result<Arc<Mount>, Unmet> {
        let Kind { platform, check, splits, hang_up_reason } = kind;
        let capabilities = self.capabilities(platform)?;
        let bot = self.calls.bot.clone();
        Ok(Arc::new(Mount {
            platform,
            capabilities,
            budget: self.budget(platform),
            filler: self.settings.filler.clone(),
            lossy: self.settings.lossy.clone(),
            splits,
            hang_up_reason,
            check,
            notices: Box::new(move |notice| bot.notice(notice)),
        }))
    }

    /// What the bot can do on a platform.
    pub(super) fn capabilities(&self, platform: Platform) -> Result<Capabilities, Unmet> {
        let mut capabilities = *platform.capabilities();
        if platform == Platform::DigitalEmployee {
            for kind in self.settings.transfers.iter() {
                capabilities.transfer = capabilities.transfer.with(kind);
            }
        }
        let missing = self.calls.bot.needs().missing(&capabilities);
        if missing.is_empty() { Ok(capabilities) } else { Err(Unmet { platform, missing }) }
    }

    #[cfg(feature = "digital-employee")]
    pub(super) fn allowed_transfers(&self) -> TransferKinds {
        self.settings.transfers
    }

    pub(super) fn budget(&self, platform: Platform) -> Budget {
        self.settings.budgets.get(&platform).copied().unwrap_or(platform.budget())
    }

    pub(super) fn ask(&self, mount: &Arc<Mount>, question: Question) -> Result<Reader> {
        self.calls.ask(mount, question)
    }

    pub(super) async fn abort(
        &self,
        call: CallKey,
        turn: TurnId,
        heard: Option<String>,
    ) -> Result<()> {
        self.calls.abort(call, turn, heard).await
    }

    pub(super) async fn end(&self, call: CallKey, why: Option<Ended>) -> Result<()> {
        self.calls.end(call, why).await
    }
}

impl<B: Bot> From<B> for Host<B> {
    fn from(bot: B) -> Self {
        Self::new(bot)
    }
}

impl<B: Bot> Clone for Host<B> {
    fn clone(&self) -> Self {
        Self { calls: self.calls.clone(), settings: self.settings.clone() }
    }
}

impl<B: Bot> fmt::Debug for Host<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl<B: Bot> fmt::Debug for HostBuilder<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<B: Bot> HostBuilder<B> {
    /// Where calls are kept. Default: a [`MemoryStore`] of its own, with at most 100,000 calls.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// What goes out when the bot has said nothing for part of its [`Budget`], so that the caller hears
    /// something. What the bot says follows directly: end it with a space where the language has
    /// spaces. Only where [`Capabilities::filler`] is. Default: none.
    pub fn filler(mut self, words: impl Into<String>) -> Self {
        self.settings.filler = Some(words.into());
        self
    }

    /// Drops such a control with a [`Notice`], where the platform can't do it. Default: that is an
    /// error.
    pub fn lossy(mut self, control: Control) -> Self {
        self.settings.lossy.push(control);
        self
    }

    /// What becomes of the words of [`Bot::begin`] on a platform that does not ask for them. Default:
    /// they are dropped.
    pub fn greeting(mut self, greeting: Greeting) -> Self {
        self.greeting = greeting;
        self
    }

    /// Allows a kind of transfer on Digital Employee that its document calls not supported: to an agent
    /// or to a number. Others change nothing. Default: none.
    pub fn allow_transfer(mut self, kind: TransferKind) -> Self {
        if matches!(kind, TransferKind::Agent | TransferKind::Number) {
            self.settings.transfers = self.settings.transfers.with(kind);
        }
        self
    }

    /// How much time a platform gives. Default: [`Platform::budget`].
    pub fn budget(mut self, platform: Platform, budget: Budget) -> Self {
        self.settings.budgets.insert(platform, budget);
        self
    }

    /// What a bot may use up. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Where turns run. A runtime of its own keeps a bot that blocks its threads from keeping the
    /// server waiting. Default: where requests are served.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The host.
    #[must_use]
    pub fn build(self) -> Host<B> {
        let Self { bot, store, limits, greeting, runtime, settings } = self;
        let calls = Calls::new(Arc::new(bot), store, limits, greeting, runtime);
        Host { calls: Arc::new(calls), settings: Arc::new(settings) }
    }
}

/// What an adapter says of itself.
pub(super) struct Kind {
    pub platform: Platform,
    /// Whether the platform would refuse this, with the reason.
    pub check: fn(&Put) -> Result<(), ReplyError>,
    /// Whether a transfer or a hang-up after text is an answer of its own.
    pub splits: bool,
    /// Whether the platform takes the reason of a hang-up.
    pub hang_up_reason: bool,
}

/// A bot on a platform.
pub(super) struct Mount {
    pub platform: Platform,
    pub capabilities: Capabilities,
    pub budget: Budget,
    pub filler: Option<String>,
    pub lossy: Vec<Control>,
    pub splits: bool,
    pub hang_up_reason: bool,
    check: fn(&Put) -> Result<(), ReplyError>,
    notices: Box<dyn Fn(&Notice) + Send + Sync>,
}

impl Mount {
    /// For what is no turn: without a budget, and with nobody who listens.
    pub(super) fn silent(platform: Platform) -> Self {
        Self {
            platform,
            capabilities: *platform.capabilities(),
            budget: Budget { begin: None, first_packet: None, whole: None, filler_at: 1.0 },
            filler: None,
            lossy: Vec::new(),
            splits: false,
            hang_up_reason: true,
            check: |_| Ok(()),
            notices: Box::new(|_| {}),
        }
    }

    pub(super) fn check(&self, put: &Put) -> Result<(), ReplyError> {
        (self.check)(put)
    }

    pub(super) fn notice(&self, call: &CallKey, what: Dropped) {
        (self.notices)(&Notice { call: call.clone(), platform: self.platform, what });
    }
}

impl fmt::Debug for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mount").field("platform", &self.platform).finish_non_exhaustive()
    }
}

/// What a platform has no id for gets one of ours.
pub(super) fn fresh_turn() -> TurnId {
    TurnId::new(format!("{:016x}", fastrand::u64(..)))
}
