//! A bot with its settings and its calls.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::adapter::{Adapter, AdapterSpec, Noticed};
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
#[cfg(feature = "chat")]
use super::platforms::ChatSettings;
#[cfg(feature = "odfs")]
use super::platforms::OdfsSettings;
use super::runtime::trigger::TurnRequest;
use super::runtime::{CallRecord, Calls, Sampler, Setup};
use super::snapshot::{CallSnapshot, SnapshotError};
#[cfg(feature = "odfs")]
use super::store::StoreError;
use super::store::{AnyStore, MemoryStore, Store, StoreHandle};
use crate::observe::{Observer, Observers};
use crate::server::Privacy;
#[cfg(feature = "chat")]
use crate::wire::Secret;
use crate::wire::salvage;

/// A bot with its settings and its calls, ready to be put on platforms. Clones share the calls.
///
/// [`router`](Self::router) serves all platforms with their default settings. To change the settings
/// of a platform, take its own server from the method that is named after it:
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
/// let phone = host.digital_employee()?.heartbeat(Duration::from_secs(5)).router();
/// let issuer = Issuer::new().account("tenant-1", "secret-1");
/// let ivr = host.odfs()?.issuer(issuer).router();
/// Ok(phone.merge(ivr))
/// # }
/// ```
pub struct Host<B: Bot> {
    calls: Calls<B>,
    settings: Arc<Settings>,
}

/// Configures and builds a [`Host`].
///
/// ```
/// # #[cfg(all(feature = "client", feature = "digital-employee"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
///
/// use callbot::bot::{Host, Limits, Platform};
/// # use callbot::bot::testing::TestCall;
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Slow;
/// # impl Bot for Slow {
/// #     type Memory = ();
/// #     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
/// #         tokio::time::sleep(Duration::from_millis(500)).await;
/// #         reply.say("It is on its way.").await
/// #     }
/// # }
///
/// let limits = Limits::default().with_idle_timeout(Duration::from_secs(10 * 60));
/// let host = Host::builder(Slow).filler("One moment. ").limits(limits).build();
///
/// let mut call = TestCall::on(Platform::DigitalEmployee, host);
/// call.say("Where is my order?").await.expect_text("One moment. It is on its way.");
/// # }
/// # #[cfg(not(all(feature = "client", feature = "digital-employee")))]
/// # fn main() {}
/// ```
#[must_use]
pub struct HostBuilder<B: Bot> {
    bot: B,
    store: Arc<dyn AnyStore>,
    limits: Limits,
    greeting: Greeting,
    runtime: Option<Handle>,
    content: Option<Sampler>,
    settings: Settings,
}

#[derive(Debug, Clone, Default)]
struct Settings {
    filler: Option<String>,
    apology: Option<String>,
    apologies: HashMap<Platform, String>,
    lossy: Vec<ControlKind>,
    transfers: TransferKinds,
    budgets: HashMap<Platform, Budget>,
    #[cfg(feature = "odfs")]
    odfs: OdfsSettings,
    #[cfg(feature = "chat")]
    chat: ChatSettings,
    #[cfg(all(feature = "aicall", feature = "chat"))]
    aicall_callback_tokens: Vec<Secret>,
    freezes: bool,
    noticed: Noticed,
    observers: Observers,
}

impl Settings {
    fn apology(&self, platform: Platform) -> Option<String> {
        let text = self.apologies.get(&platform).or(self.apology.as_ref());
        text.filter(|text| !text.is_empty()).cloned()
    }
}

impl<B: Bot> Host<B> {
    /// Creates a host with the default settings.
    #[must_use]
    pub fn new(bot: B) -> Self {
        Self::builder(bot).build()
    }

    /// Returns a builder for a host with other settings.
    pub fn builder(bot: B) -> HostBuilder<B> {
        HostBuilder {
            bot,
            store: Arc::new(MemoryStore::new()),
            limits: Limits::default(),
            greeting: Greeting::default(),
            runtime: None,
            content: None,
            settings: Settings::default(),
        }
    }

    /// Returns the stored state of a call without opening it, or `None` if the call is unknown.
    ///
    /// # Errors
    /// Fails if the store fails, or if the stored record or memory can't be read.
    pub async fn snapshot(
        &self,
        call: &CallKey,
    ) -> Result<Option<CallSnapshot<B::Memory>>, SnapshotError> {
        let Some(stored) = self.calls.read(call).await? else { return Ok(None) };
        let limits = &self.calls.setup().limits;
        let (record, _) = CallRecord::read(&stored, limits)?;
        let (memory, version) = (&stored.memory, stored.version);
        let memory = memory::decode(memory, version, B::MEMORY_VERSION, B::migrate)
            .map_err(SnapshotError::decode)?;
        let history = record.turns.history();
        Ok(Some(CallSnapshot { memory, history, cuts: record.interrupted.unreported }))
    }

    /// Shuts down gracefully within `within`, and returns whether it cut a turn. New turns fail with status
    /// 503. Running turns get three quarters of that time to finish. They are then cut, except while they
    /// hold, and the platform gets a failure with status 503.
    ///
    /// If the store is not [shared](Store::shared) with other processes, every call then ends with
    /// [`Ended::Shutdown`](super::Ended::Shutdown). If there is not enough time for all of them, an
    /// error is logged.
    ///
    /// [`serve`](Self::serve) calls this for you.
    pub async fn shutdown(&self, within: Duration) -> bool {
        self.calls.shutdown(within).await
    }

    /// Starts the work that does not wait for the first request.
    pub(super) fn start(&self) {
        self.calls.start_early();
    }

    /// Returns the adapter of the bot for a platform.
    ///
    /// # Errors
    /// Fails if the platform lacks something that the bot requires.
    pub(super) fn adapter(&self, spec: AdapterSpec) -> Result<Arc<Adapter>, NeedsError> {
        let capabilities = self.capabilities(spec.platform)?;
        Ok(Arc::new(self.adapter_with(spec, capabilities)))
    }

    /// Returns the adapter of the bot for a platform with these capabilities.
    pub(super) fn adapter_with(&self, spec: AdapterSpec, capabilities: Capabilities) -> Adapter {
        let AdapterSpec { platform, check, splits, hang_up_reason, tags } = spec;
        let bot = self.calls.setup().bot.clone();
        Adapter {
            platform,
            capabilities,
            budget: self.budget(platform),
            filler: self.settings.filler.clone(),
            apology: self.settings.apology(platform),
            lossy: self.settings.lossy.clone(),
            splits,
            hang_up_reason,
            freezes: self.settings.freezes,
            tags,
            check,
            notices: Box::new(move |notice| bot.notice(notice)),
            noticed: self.settings.noticed.clone(),
            observers: self.settings.observers.clone(),
        }
    }

    /// Returns the capabilities of a platform, with the transfers that this host allows.
    ///
    /// # Errors
    /// Fails if they lack something that the bot requires.
    pub(super) fn capabilities(&self, platform: Platform) -> Result<Capabilities, NeedsError> {
        #[cfg(feature = "chat")]
        let capabilities = self.settings.chat.capabilities(platform);
        #[cfg(not(feature = "chat"))]
        let capabilities = *platform.capabilities();
        self.meets(platform, capabilities)
    }

    /// Returns these capabilities of a platform, with the transfers that this host allows.
    ///
    /// # Errors
    /// Fails if they lack something that the bot requires.
    pub(super) fn meets(
        &self,
        platform: Platform,
        mut capabilities: Capabilities,
    ) -> Result<Capabilities, NeedsError> {
        for kind in self.allowed_transfers(platform) {
            capabilities.transfer = capabilities.transfer.with(kind);
        }
        let missing = self.calls.setup().bot.needs().missing(&capabilities);
        if missing.is_empty() { Ok(capabilities) } else { Err(NeedsError { platform, missing }) }
    }

    /// Returns the transfers that this host allows although the platform's document does not.
    pub(super) fn allowed_transfers(
        &self,
        platform: Platform,
    ) -> impl Iterator<Item = TransferKind> + use<B> {
        let allowed = self.settings.transfers;
        platform.optional_transfers().iter().filter(move |kind| allowed.contains(*kind))
    }

    #[cfg(feature = "odfs")]
    pub(super) fn odfs_settings(&self) -> &OdfsSettings {
        &self.settings.odfs
    }

    #[cfg(feature = "chat")]
    pub(super) fn chat_settings(&self) -> &ChatSettings {
        &self.settings.chat
    }

    #[cfg(all(feature = "aicall", feature = "chat"))]
    pub(super) fn aicall_callback_tokens(&self) -> &[Secret] {
        &self.settings.aicall_callback_tokens
    }

    /// Returns whether a call expects or had a secret input; `None` if the call is unknown.
    #[cfg(feature = "chat")]
    pub(super) async fn has_secrets(&self, call: &CallKey) -> Option<bool> {
        self.calls.has_secrets(call).await
    }

    /// Returns the caller's number and the start of a call, as far as they are stored.
    #[cfg(feature = "odfs")]
    pub(super) async fn origin(
        &self,
        call: &CallKey,
    ) -> Result<(Option<String>, Option<std::time::SystemTime>), StoreError> {
        self.calls.origin(call).await
    }

    /// Returns whether the next input of a call, or the input of its turn `turn`, is secret.
    pub(super) async fn is_secret(&self, call: &CallKey, turn: Option<&TurnId>) -> bool {
        self.calls.is_secret(call, turn).await
    }

    /// Returns what keeps secret inputs out of the traces of a platform's server. `ids` are the keys of
    /// the call's id and of the turn's id in requests.
    ///
    /// A request that does not name its call is not traced, since it can't be known whether it is secret.
    pub(super) fn privacy(&self, platform: Platform, ids: [&'static str; 2]) -> Privacy {
        /// How long a trace may wait for the store. The caller waits as long.
        const PATIENCE: Duration = Duration::from_millis(100);
        let host = self.clone();
        Privacy::new(move |content| {
            let ids = salvage(&content.body, ids);
            let host = host.clone();
            async move {
                let [Some(call), turn] = ids else { return true };
                let (mut call, turn) = (CallKey::new(platform, call), turn.map(TurnId::new));
                call.account = content.account;
                let secret = host.is_secret(&call, turn.as_ref());
                timeout(PATIENCE, secret).await.unwrap_or(true)
            }
            .boxed()
        })
    }

    /// Returns the observers, which the servers of this host share.
    // Only a bot on a platform has servers.
    #[allow(dead_code)]
    pub(super) fn observers(&self) -> &Observers {
        &self.settings.observers
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
    /// Sets the store of the calls. Default: a new [`MemoryStore`], with at most 100,000 calls and 256 MiB on
    /// each platform.
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Sets the filler: a text that goes out when the bot has said nothing in a turn for
    /// [part](Budget::filler_at) of its [`Budget`], so that the caller hears something. The bot's text
    /// follows directly, so end the filler with a space if the language has spaces. It is used only on
    /// platforms with [`Capabilities::filler`]. Default: none.
    ///
    /// On a platform that takes some controls in the first packet only, which may then be the filler, a turn
    /// adds such controls before its first wait, or calls [`Reply::no_filler`](super::Reply::no_filler)
    /// before it. Otherwise they fail with [`ReplyError::FillerFirst`](super::ReplyError::FillerFirst),
    /// however short the wait is. Before the first wait no filler goes out, except in place of the failure
    /// when the first packet is due.
    pub fn filler(mut self, text: impl Into<String>) -> Self {
        self.settings.filler = Some(text.into());
        self
    }

    /// Sets the apology: a text that the caller hears when a turn or the greeting fails, panics or misses
    /// its [`Budget`], in place of the platform's failure answer. The call then goes on, also on ODFS,
    /// which releases a call after a failure.
    ///
    /// ```
    /// # #[cfg(all(feature = "client", feature = "odfs"))]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use callbot::bot::testing::TestCall; // needs the feature `client`
    /// use callbot::bot::{Bot, Call, Host, Input, Platform, Reply, Result};
    ///
    /// struct Shop;
    ///
    /// impl Bot for Shop {
    ///     type Memory = ();
    ///
    ///     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
    ///         match input {
    ///             Input::Speech(text) if text == "hello" => reply.say("Hello!").await,
    ///             _ => Err("the database is down".into()),
    ///         }
    ///     }
    /// }
    ///
    /// let host = Host::builder(Shop).apology("I'm sorry, please ask me again.").build();
    /// let mut call = TestCall::on(Platform::Odfs, host);
    /// call.say("my order").await.expect_text("I'm sorry, please ask me again.").expect_end();
    /// call.say("hello").await.expect_text("Hello!");
    /// # }
    /// # #[cfg(not(all(feature = "client", feature = "odfs")))]
    /// # fn main() {}
    /// ```
    ///
    /// - The turn has failed all the same: the memory is rolled back, and the error is logged.
    /// - Text that was already sent stays, the apology follows it, and the reply ends. Text that was not
    ///   sent yet is dropped. The history has the apology in [`Entry::apology`](super::Entry::apology).
    /// - No apology goes out for a turn that was cut, that the caller's next turn has overtaken, or that
    ///   follows a successful transfer; during a shutdown; and when the store has no room for the call.
    /// - It does not replace an [`Error::public`](crate::server::Error::public) with a status below 500,
    ///   which is meant for the platform, except in a DUIX stream, which can't report an error.
    /// - The `fallback` of a DUIX server is the same for a hand-written `Api`. If both are set, the
    ///   apology wins, and the fallback covers the rest, such as a shutdown.
    ///
    /// Default: none.
    pub fn apology(mut self, text: impl Into<String>) -> Self {
        self.settings.apology = Some(text.into());
        self
    }

    /// Sets the [apology](Self::apology) for one platform, where it replaces the general one. An empty text
    /// means none. Default: the general apology.
    pub fn apology_on(mut self, platform: Platform, text: impl Into<String>) -> Self {
        self.settings.apologies.insert(platform, text.into());
        self
    }

    /// Drops this kind of control, with a [`Notice`](super::Notice), on platforms that do not support
    /// it. Default: using it there is an error.
    pub fn lossy(mut self, control: ControlKind) -> Self {
        self.settings.lossy.push(control);
        self
    }

    /// Sets what happens to the text of [`Bot::begin`] on a platform that does not ask for a greeting.
    /// Default: [`Greeting::Drop`].
    pub fn greeting(mut self, greeting: Greeting) -> Self {
        self.greeting = greeting;
        self
    }

    /// Allows a kind of transfer on Digital Employee that its document calls unsupported: to an agent
    /// or to a number. Other kinds have no effect. Default: none.
    pub fn allow_transfer(mut self, kind: TransferKind) -> Self {
        self.settings.transfers = self.settings.transfers.with(kind);
        self
    }

    /// Sets the time limits on a platform. Default: [`Platform::budget`].
    pub fn budget(mut self, platform: Platform, budget: Budget) -> Self {
        self.settings.budgets.insert(platform, budget);
        self
    }

    /// Sets how the IVR of ODFS speaks and listens, and where the text of recognised speech is, for
    /// [`Host::odfs`], [`Host::router`], [`Host::fitting`] and [`Host::serve`]. Default:
    /// [`OdfsSettings::default`], which has no source of recognitions.
    #[cfg(feature = "odfs")]
    pub fn odfs_settings(mut self, settings: OdfsSettings) -> Self {
        self.settings.odfs = settings;
        self
    }

    /// Sets how the bot answers chat completions, for [`Host::chat`], [`Host::router`], [`Host::fitting`]
    /// and [`Host::serve`]. Default: [`ChatSettings::new`], which has no key.
    #[cfg(feature = "chat")]
    pub fn chat_settings(mut self, settings: ChatSettings) -> Self {
        self.settings.chat = settings;
        self
    }

    /// Adds a key to the settings of chat completions; see [`ChatSettings::with_key`]. Only with a key,
    /// [`Host::router`], [`Host::fitting`] and [`Host::serve`] have routes for them. Default: none.
    #[cfg(feature = "chat")]
    pub fn chat_key(mut self, key: impl Into<Secret>) -> Self {
        self.settings.chat = self.settings.chat.with_key(key);
        self
    }

    /// Adds a token that the callbacks of AICall's agents must have, for [`Host::aicall_callbacks`]. Only with
    /// a token, [`Host::router`], [`Host::fitting`] and [`Host::serve`] have a route for callbacks.
    /// Default: none.
    #[cfg(all(feature = "aicall", feature = "chat"))]
    pub fn aicall_callback_token(mut self, token: impl Into<Secret>) -> Self {
        self.settings.aicall_callback_tokens.push(token.into());
        self
    }

    /// Sets the limits of the bot's calls. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Adds an observer, which gets an event for each turn, call, cut and operation of the store, and for
    /// each request that a server of this host refuses; see [`observe`](crate::observe). Call it again for
    /// more observers. Default: none.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.settings.observers.add(observer);
        self
    }

    /// Sets which calls are traced with their content: what the caller says and presses, and what the bot
    /// answers. **This is personal data.** It goes to the target `callbot::content`, at level `TRACE`, with
    /// one event for each turn. A [secret input](crate::guide::controls#secret-inputs) is never shown, nor
    /// what repeats it in the reply.
    ///
    /// `chooses` is called at the end of each turn, with the key of the call. Decide alike for all turns of a
    /// call, such as by a list of calls, or by a hash of the id. It must return quickly. Default: no call.
    ///
    /// Whole requests and responses are traced by the server of a platform; see
    /// [`Server::trace_content`](crate::server::Server::trace_content).
    pub fn trace_content(
        mut self,
        chooses: impl Fn(&CallKey) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.content = Some(Arc::new(chooses));
        self
    }

    /// Sets whether this process may be frozen as soon as no request is running, as on
    /// [Function Compute](crate::function_compute). Then the answer of a turn that was cut or failed ends only
    /// when the store has what the turn has said, at most 100 ms later, so that the next turn finds it.
    /// Default: no.
    pub fn freezes(mut self, freezes: bool) -> Self {
        self.settings.freezes = freezes;
        self
    }

    /// Sets the runtime on which turns run. With a dedicated runtime, a bot that blocks its threads
    /// does not delay the server. Default: the runtime that serves the requests.
    pub fn runtime(mut self, runtime: Handle) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Builds the host.
    #[must_use]
    pub fn build(self) -> Host<B> {
        let Self { bot, store, limits, greeting, runtime, content, settings } = self;
        let (bot, limits) = (Arc::new(bot), Arc::new(limits));
        let observers = settings.observers.clone();
        let store = StoreHandle::new(store, observers.clone(), limits.store_timeout);
        let setup = Setup { bot, store, limits, greeting, runtime, observers, content };
        let calls = Calls::new(setup);
        Host { calls, settings: Arc::new(settings) }
    }
}
