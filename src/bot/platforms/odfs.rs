//! A bot on ODFS. Each reply is the next step of the IVR.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::GRACE;
use crate::bot::adapter::{Adapter, AdapterSpec};
use crate::bot::call::CallInfo;
use crate::bot::capabilities::{Platform, TransferKind};
use crate::bot::controls::{Closing, Element, Gather, SpeechSettings, Transfer};
use crate::bot::error::ReplyError;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::{CallKey, Ended, Input, TransferOutcome, TurnId};
use crate::bot::needs::NeedsError;
use crate::bot::outbox::Packet;
use crate::bot::runtime::trigger::{Trigger, TurnRequest};
use crate::error::chain;
use crate::odfs::{
    self, Action, Api, Call, DtmfKeys, Interacted, Language, ModelType, Prompt, RecognitionError,
    RecognitionId, Recognitions, ReleaseOutParams, Request, Route, Server, Start, TransferResult,
};
use crate::server::Error;
use crate::wire::Validate;

/// How long an answer may wait for the caller's number. It is a part of the second by which the deadline of
/// the server exceeds the budget of a turn.
const ORIGIN_TIMEOUT: Duration = Duration::from_millis(500);

/// A bot on ODFS; see [`Host::odfs`].
pub struct OnOdfs<B: Bot> {
    host: Host<B>,
    adapter: Arc<Adapter>,
    settings: OdfsSettings,
    /// Whether the log says that keys of recognised speech can't be read.
    deaf: AtomicBool,
}

impl<B: Bot> fmt::Debug for OnOdfs<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOdfs").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Puts the bot on ODFS with the settings of
    /// [`HostBuilder::odfs_settings`](crate::bot::HostBuilder::odfs_settings).
    ///
    /// The [`Budget`](crate::bot::Budget) limits the time of a turn. The
    /// [deadline](crate::server::Server::deadline) of the server is 1 s longer. If you set a shorter one,
    /// a turn that misses it gets no [apology](crate::bot::HostBuilder::apology).
    ///
    /// # Speech
    ///
    /// The voice platform does not send what the caller said. It sends the key of the text, and the text
    /// is in the platform's Redis. Without a [source of
    /// recognitions](OdfsSettings::with_recognitions) the bot understands no speech there: each utterance
    /// is [`Input::NoMatch`]. A warning says so here, and once more at the first key that arrives. Text
    /// that comes with the request, as from a chat, is speech without any setting.
    ///
    /// ```
    /// # #[cfg(feature = "redis")]
    /// # fn host<B: callbot::bot::Bot>(
    /// #     bot: B,
    /// # ) -> Result<callbot::bot::Host<B>, callbot::odfs::RecognitionError> {
    /// use callbot::bot::{Host, OdfsSettings};
    /// use callbot::odfs::{Language, RedisRecognitions}; // the feature `redis`
    ///
    /// let texts = RedisRecognitions::open("redis://127.0.0.1")?;
    /// let settings = OdfsSettings::new(Language::Chinese).with_recognitions(texts);
    /// let host = Host::builder(bot).odfs_settings(settings).build();
    /// # Ok(host)
    /// # }
    /// ```
    ///
    /// Anybody may call these routes, unless an [`issuer`](crate::server::Server::issuer) or another
    /// [`authorize`](crate::server::Server::authorize) checks tokens.
    ///
    /// # Errors
    /// Returns an error if the platform lacks something that the bot requires.
    pub fn odfs(&self) -> Result<Server<OnOdfs<B>>, NeedsError> {
        self.odfs_with(self.odfs_settings().clone())
    }

    /// Puts the bot on ODFS with these settings; see [`odfs`](Self::odfs).
    ///
    /// # Errors
    /// Returns an error if the platform lacks something that the bot requires.
    pub fn odfs_with(&self, settings: OdfsSettings) -> Result<Server<OnOdfs<B>>, NeedsError> {
        let adapter = self.adapter(AdapterSpec {
            platform: Platform::Odfs,
            check,
            splits: true,
            hang_up_reason: false,
            tags: &[],
        })?;
        if settings.recognitions.is_none() && !settings.text_only {
            tracing::warn!(
                "ODFS: speech that arrives as the key of a text is not understood, because no source of \
                 recognitions is set. Set one with `OdfsSettings::with_recognitions`, or call \
                 `without_recognitions` if the IVR sends text and keys only"
            );
        }
        let whole = adapter.budget.whole.map(|time| time.saturating_add(GRACE));
        let on = OnOdfs { host: self.clone(), adapter, settings, deaf: AtomicBool::new(false) };
        let privacy = self.privacy(Platform::Odfs, ["userid", ""]);
        Ok(Server::new(on).deadline(whole).privacy(privacy).observers(self.observers()))
    }
}

/// How the IVR speaks and listens, unless the bot says otherwise.
///
/// ```
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// use callbot::bot::OdfsSettings;
/// use callbot::odfs::Language;
///
/// let texts: HashMap<String, String> = HashMap::new(); // or `RedisRecognitions`
/// let settings = OdfsSettings::new(Language::Chinese)
///     .with_keys(1)
///     .with_timeout(Duration::from_secs(8))
///     .with_recognitions(texts);
/// ```
#[derive(Clone)]
pub struct OdfsSettings {
    language: Language,
    keys: u8,
    timeout: Duration,
    gather_timeout: Duration,
    recognitions: Option<Arc<dyn Texts>>,
    /// Whether the IVR sends text and keys only.
    text_only: bool,
}

impl Default for OdfsSettings {
    fn default() -> Self {
        Self::new(Language::English)
    }
}

impl OdfsSettings {
    /// Returns the settings for this language. The default is English.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            language,
            keys: 12,
            timeout: Duration::from_secs(5),
            gather_timeout: Duration::from_secs(10),
            recognitions: None,
            text_only: false,
        }
    }

    /// Sets how many DTMF digits are accepted while listening for speech, 1 to 99. `#` ends them.
    /// Default: 12.
    #[must_use]
    pub fn with_keys(mut self, keys: u8) -> Self {
        self.keys = keys.clamp(1, 99);
        self
    }

    /// Sets how long the caller may be silent, in whole seconds, at least 1 s. Default: 5 s.
    #[must_use]
    pub fn with_timeout(mut self, time: Duration) -> Self {
        self.timeout = time.max(Duration::from_secs(1));
        self
    }

    /// Sets how long to wait for digits that the bot gathers, in whole seconds, at least 1 s. Default:
    /// 10 s.
    #[must_use]
    pub fn with_gather_timeout(mut self, time: Duration) -> Self {
        self.gather_timeout = time.max(Duration::from_secs(1));
        self
    }

    /// Sets where to find the text of recognised speech whose key comes with the request, as from the
    /// voice platform. Default: none; such speech is [`Input::NoMatch`].
    #[must_use]
    pub fn with_recognitions(mut self, texts: impl Recognitions + 'static) -> Self {
        self.recognitions = Some(Arc::new(texts));
        self
    }

    /// States that the IVR sends text and keys only, so that no source of recognitions is needed. Then
    /// the server is built without a warning. A key of a text that arrives all the same is logged.
    #[must_use]
    pub fn without_recognitions(mut self) -> Self {
        self.recognitions = None;
        self.text_only = true;
        self
    }
}

impl fmt::Debug for OdfsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OdfsSettings")
            .field("language", &self.language)
            .field("keys", &self.keys)
            .field("timeout", &self.timeout)
            .field("gather_timeout", &self.gather_timeout)
            .finish_non_exhaustive()
    }
}

/// A source of recognitions whose type is erased.
trait Texts: Send + Sync {
    fn find<'a>(
        &'a self,
        id: &'a RecognitionId,
    ) -> BoxFuture<'a, Result<Option<String>, RecognitionError>>;
}

impl<T: Recognitions> Texts for T {
    fn find<'a>(
        &'a self,
        id: &'a RecognitionId,
    ) -> BoxFuture<'a, Result<Option<String>, RecognitionError>> {
        self.text(id).boxed()
    }
}

impl<B: Bot> OnOdfs<B> {
    async fn ask(
        &self,
        call: &Call,
        trigger: Trigger,
        extras: Map<String, Value>,
    ) -> Result<Action, Error> {
        let mut info = CallInfo::of(Platform::Odfs, &key(call));
        let number = |number: &str| Some(number.to_owned()).filter(|number| !number.is_empty());
        info.caller = number(call.caller());
        info.called = number(call.called());
        info.extras = extras;
        if let Some(space) = call.tenant_space() {
            info.extras.insert("vdn".into(), space.into());
        }
        let transferred =
            matches!(trigger, Trigger::Input(Input::Transferred(TransferOutcome::Done)));
        let request = TurnRequest { turn: TurnId::random(), trigger, info, history: None };
        let packet = self.host.ask(&self.adapter, request)?.whole().await?.unwrap_or_default();
        if transferred
            && packet.text.is_empty()
            && packet.closing.is_none()
            && packet.gather.is_none()
        {
            // The caller is talking to someone else: there is nobody to listen to.
            return Ok(self.completed(call).await.release().into());
        }
        let call = match packet.closing {
            Some(_) => self.completed(call).await,
            None => Cow::Borrowed(call),
        };
        self.action(&call, packet)
    }

    /// Completes a call whose first request was served by another process: only that request has the caller's
    /// number, which a transfer and a release repeat.
    async fn completed<'a>(&self, call: &'a Call) -> Cow<'a, Call> {
        if !call.caller().is_empty() {
            return Cow::Borrowed(call);
        }
        let key = key(call);
        let error: Box<dyn std::error::Error> =
            match timeout(ORIGIN_TIMEOUT, self.host.origin(&key)).await {
                Ok(Ok((caller, started))) => {
                    return Cow::Owned(call.clone().with_origin(caller, started));
                }
                Ok(Err(error)) => error.into(),
                Err(late) => late.into(),
            };
        // The answer is worth more than the number.
        tracing::warn!(
            platform = %Platform::Odfs,
            call = %key,
            "the answer has no caller's number, since the store can't be asked for it: {}",
            chain(&*error)
        );
        Cow::Borrowed(call)
    }

    /// Answers a request whose input can't be read, without a turn.
    fn apologize(&self, call: &Call, error: Error) -> Result<Action, Error> {
        let Some(apology) = self.adapter.apology(&error) else { return Err(error) };
        tracing::error!(
            platform = %Platform::Odfs,
            call = %key(call),
            "can't read the input, so the caller hears the apology: {error}"
        );
        self.action(call, Packet { text: apology.to_owned(), ..Packet::default() })
    }

    fn action(&self, call: &Call, packet: Packet) -> Result<Action, Error> {
        match &packet.closing {
            Some(Closing::Transfer(to)) => return transfer(call, to).map(Into::into),
            Some(Closing::HangUp(_)) => return Ok(call.release().into()),
            None => {}
        }
        let OdfsSettings { language, keys, timeout, gather_timeout, .. } = &self.settings;
        let SpeechSettings { barge_in, silence_timeout, .. } = packet.speech.unwrap_or_default();
        let all = DtmfKeys::up_to(*keys).hash_confirms();
        let (model, wait) = match &packet.gather {
            // The platform asks for what follows once this has been played.
            _ if packet.to_be_continued => (ModelType::play_only(), None),
            Some(Gather { digits, timeout, speech, .. }) => {
                let keys = DtmfKeys::up_to(*digits).hash_confirms();
                let model = match speech {
                    true => ModelType::speech_and_keys(keys),
                    false => ModelType::keys(keys),
                };
                (model, Some(timeout.unwrap_or(*gather_timeout)))
            }
            None => (ModelType::speech_and_keys(all), Some(silence_timeout.unwrap_or(*timeout))),
        };
        let model = if barge_in == Some(false) { model.without_barge_in() } else { model };
        let mut interact =
            call.interact(Prompt::Tts(&packet.text), language.clone()).with_model_type(model);
        if let Some(wait) = wait {
            interact = interact.with_timeout(wait.as_secs().to_string());
        }
        Ok(interact.into())
    }

    async fn input(&self, call: &Call, request: &Interacted) -> Result<Input, Error> {
        Ok(match request.inparams.meaning() {
            odfs::Input::Text(words) => Input::Speech(words.into()),
            odfs::Input::Keys(keys) => Input::Dtmf(keys.into()),
            // After a reply that listens, the end of the playback is where silence starts.
            odfs::Input::Timeout | odfs::Input::PlayOver => Input::Silence,
            odfs::Input::NoMatch => Input::NoMatch,
            odfs::Input::Recognition(id) => match &self.settings.recognitions {
                Some(texts) => match texts.find(&id).await? {
                    Some(text) => Input::Speech(text),
                    None => {
                        let call = key(call);
                        tracing::warn!(
                            platform = %Platform::Odfs,
                            %call,
                            "the source of recognitions has no text for what the caller said"
                        );
                        Input::NoMatch
                    }
                },
                None => {
                    if !self.deaf.swap(true, Ordering::Relaxed) {
                        let call = key(call);
                        tracing::warn!(
                            platform = %Platform::Odfs,
                            %call,
                            "what the caller said arrived as the key of a text, but no source of \
                             recognitions is set: the bot gets `Input::NoMatch`, here and for every \
                             such key; see `OdfsSettings::with_recognitions`"
                        );
                    }
                    Input::NoMatch
                }
            },
            odfs::Input::Other { input, .. } if input.trim().is_empty() => Input::Silence,
            _ => Input::Other(json!({
                "flow_result_type": request.inparams.flow_result_type,
                "input": request.inparams.input,
            })),
        })
    }
}

impl<B: Bot> Api for OnOdfs<B> {
    async fn start(&self, call: &Call, request: Start) -> Result<Action, Error> {
        let extras = extras(request.extparams.as_ref());
        self.ask(call, Trigger::Begin, extras).await
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        let input = match self.input(call, &request).await {
            Ok(input) => input,
            Err(error) => return self.apologize(call, error),
        };
        self.ask(call, Trigger::Input(input), extras(request.extparams.as_ref())).await
    }

    async fn transferred(&self, call: &Call, request: odfs::Transferred) -> Result<Action, Error> {
        let outcome = match &request.inparams.trans_result {
            TransferResult::Success => TransferOutcome::Done,
            failed => TransferOutcome::Failed(failed.as_str().to_owned()),
        };
        let input = Input::Transferred(outcome);
        self.ask(call, Trigger::Input(input), extras(request.extparams.as_ref())).await
    }

    async fn hung_up(&self, call: &Call, request: Request) -> Result<ReleaseOutParams, Error> {
        let reason = match &request {
            Request::Interacted(request) => extras(request.extparams.as_ref()),
            Request::Transferred(request) => extras(request.extparams.as_ref()),
            _ => Map::new(),
        };
        let why = match reason.get("release_reason").and_then(Value::as_str) {
            // A system fault. For the other reasons, the bot's last reply says more.
            Some("1") => Some(Ended::Unknown),
            Some("2") => Some(Ended::ByCaller),
            _ => None,
        };
        // The end removes what is known of the call.
        let call = self.completed(call).await;
        self.host.end(key(&call), why).await?;
        Ok(call.release())
    }
}

/// Returns the key of a call, of which the account is a part.
fn key(call: &Call) -> CallKey {
    let key = CallKey::new(Platform::Odfs, call.id());
    match call.account().name() {
        Some(account) => key.with_account(account),
        None => key,
    }
}

/// The fields beside the parameters, by their names on the wire.
fn extras(extparams: Option<&impl serde::Serialize>) -> Map<String, Value> {
    match extparams.map(serde_json::to_value) {
        Some(Ok(Value::Object(extras))) => extras,
        _ => Map::new(),
    }
}

/// The platform's fields, and those of the bot's transfers.
const NAMES: &[(&str, &str)] =
    &[("/route_value", "/to"), ("/calling_num", "/shown_number"), ("/trans_data", "/data")];

/// Checks that the platform accepts this control.
fn check(element: &Element) -> Result<(), ReplyError> {
    match element {
        Element::Closing(Closing::Transfer(transfer)) => {
            let mut params = odfs::TransferOutParams::from_route("call", "", route(transfer));
            params.calling_num.clone_from(&transfer.shown_number);
            params.trans_data.clone_from(&transfer.data);
            params.validate().map_err(|violations| ReplyError::refused(&violations, NAMES))
        }
        _ => Ok(()),
    }
}

fn route(transfer: &Transfer) -> Route<'_> {
    let to = transfer.to.as_str();
    match transfer.kind {
        TransferKind::Queue => Route::SkillQueueByName(to),
        TransferKind::QueueCode => Route::SkillQueueByAccessCode(to),
        TransferKind::Agent => Route::Agent(to),
        TransferKind::Number => Route::ThirdParty(to),
        TransferKind::Flow => Route::Ivr(to),
    }
}

fn transfer(call: &Call, transfer: &Transfer) -> Result<odfs::TransferOutParams, Error> {
    let mut params = call.transfer(route(transfer));
    params.calling_num.clone_from(&transfer.shown_number);
    params.trans_data.clone_from(&transfer.data);
    Ok(params)
}
