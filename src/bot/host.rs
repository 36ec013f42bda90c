//! A bot with its settings, ready to be put on platforms.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use super::adapter::{Adapter, AdapterSpec};
use super::budget::Budget;
use super::capabilities::{Capabilities, Platform, TransferKind, TransferKinds};
use super::controls::ControlKind;
use super::error::Result;
use super::handler::Bot;
use super::input::{CallKey, Ended, TurnId};
use super::limits::{Greeting, Limits};
use super::memory;
use super::needs::NeedsError;
use super::outbox::Reader;
use super::runtime::trigger::TurnRequest;
use super::runtime::{CallRecord, Calls, Setup};
use super::snapshot::{CallSnapshot, SnapshotError};
use super::store::{AnyStore, MemoryStore, Store};

/// A bot with its settings and its calls, ready to be put on platforms. Clones share the calls.
///
/// Each platform has a function that gives its own server, with all the settings that it has there:
///
/// ```
/// # #[cfg(all(feature = "digital-employee", feature = "odfs"))]
/// # fn routes<B: callbot::bot::Bot>(bot: B) -> Result<axum::Router, callbot::bot::NeedsError> {
/// use std::time::Duration;
///
/// use callbot::bot::{ControlKind, Host};
/// use callbot::odfs::Issuer;
///
/// let host = Host::builder(bot).filler("One moment, please. ").lossy(ControlKind::SpeechSettings).build();
/// let phone = host.digital_employee()?.heartbeat(Duration::from_secs(10)).router();
/// let issuer = Issuer::new().account("tenant-1", "secret-1");
/// let ivr = host.odfs()?.issuer(issuer).router();
/// Ok(phone.merge(ivr))
/// # }
/// ```
pub struct Host<B: Bot> {
    calls: Calls<B>,
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
    lossy: Vec<ControlKind>,
    transfers: TransferKinds,
    budgets: HashMap<Platform, Budget>,
}

impl<B: Bot> Host<B> {
    /// A bot with the default settings.
    #[must_use]
    pub fn new(bot: B) -> Self {
        Self::builder(bot).build()
    }

    /// Returns a builder for a bot with other settings.
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

    /// Returns a call as it is, without touching it; `None` when there is none.
    ///
    /// # Errors
    /// When the store fails, or what it has can't be read.
    pub async fn snapshot(
        &self,
        call: &CallKey,
    ) -> Result<Option<CallSnapshot<B::Memory>>, SnapshotError> {
        let Some(stored) = self.calls.read(call).await? else { return Ok(None) };
        let limits = &self.calls.setup().limits;
        let Some((record, _)) = CallRecord::read(&stored, limits)? else { return Ok(None) };
        let memory = memory::decode(&stored.memory, B::MEMORY_VERSION, B::migrate)
            .map_err(SnapshotError::decode)?;
        Ok(Some(CallSnapshot { memory, history: record.history, cuts: record.cuts }))
    }

    /// Shuts down gracefully within `within`. New turns fail with status 503. Running turns get three
    /// quarters of that time to finish and are then cut, except while they hold. Where the store can't
    /// be shared with other processes, each call ends then, with
    /// [`Ended::Shutdown`](super::Ended::Shutdown); calls for which no time remains are dropped, with an
    /// error in the log.
    pub async fn shutdown(&self, within: Duration) {
        self.calls.shutdown(within).await;
    }

    /// Returns the bot on a platform.
    ///
    /// # Errors
    /// When the platform lacks something that the bot requires.
    pub(super) fn adapter(&self, spec: AdapterSpec) -> Result<Arc<Adapter>, NeedsError> {
        let AdapterSpec { platform, check, splits, hang_up_reason } = spec;
        let capabilities = self.capabilities(platform)?;
        let bot = self.calls.setup().bot.clone();
        Ok(Arc::new(Adapter {
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

    /// Returns what the bot can do on a platform, with the settings of this host.
    ///
    /// # Errors
    /// When that lacks something that the bot requires.
    pub(super) fn capabilities(&self, platform: Platform) -> Result<Capabilities, NeedsError> {
        let mut capabilities = *platform.capabilities();
        for kind in self.allowed_transfers(platform) {
            capabilities.transfer = capabilities.transfer.with(kind);
        }
        let missing = self.calls.setup().bot.needs().missing(&capabilities);
        if missing.is_empty() { Ok(capabilities) } else { Err(NeedsError { platform, missing }) }
    }

    /// Returns the transfers that this host allows beyond the platform's document.
    pub(super) fn allowed_transfers(
        &self,
        platform: Platform,
    ) -> impl Iterator<Item = TransferKind> + use<B> {
        let allowed = self.settings.transfers;
        platform.optional_transfers().iter().filter(move |kind| allowed.contains(*kind))
    }

    pub(super) fn budget(&self, platform: Platform) -> Budget {
        self.settings.budgets.get(&platform).copied().unwrap_or(platform.budget())
    }

    pub(super) fn ask(&self, adapter: &Arc<Adapter>, request: TurnRequest) -> Result<Reader> {
        self.calls.ask(adapter, request)
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
    /// Sets where calls are kept. Default: a new [`MemoryStore`], with at most 100,000 calls.
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

    /// Drops this kind of control with a [`Notice`](super::Notice) where the platform can't do it. Default: that is an
    /// error.
    pub fn lossy(mut self, control: ControlKind) -> Self {
        self.settings.lossy.push(control);
        self
    }

    /// Sets what happens to the words of [`Bot::begin`] on a platform that does not ask for them.
    /// Default: they are dropped.
    pub fn greeting(mut self, greeting: Greeting) -> Self {
        self.greeting = greeting;
        self
    }

    /// Allows a kind of transfer on Digital Employee that its document calls not supported: to an agent
    /// or to a number. Other kinds change nothing. Default: none.
    pub fn allow_transfer(mut self, kind: TransferKind) -> Self {
        self.settings.transfers = self.settings.transfers.with(kind);
        self
    }

    /// Sets how much time a platform gives. Default: [`Platform::budget`].
    pub fn budget(mut self, platform: Platform, budget: Budget) -> Self {
        self.settings.budgets.insert(platform, budget);
        self
    }

    /// Sets how much the bot may use. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets where turns run. A dedicated runtime keeps a bot that blocks its threads from keeping the
    /// server waiting. Default: where requests are served.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// The host.
    #[must_use]
    pub fn build(self) -> Host<B> {
        let Self { bot, store, limits, greeting, runtime, settings } = self;
        let (bot, limits) = (Arc::new(bot), Arc::new(limits));
        let calls = Calls::new(Setup { bot, store, limits, greeting, runtime });
        Host { calls, settings: Arc::new(settings) }
    }
}
