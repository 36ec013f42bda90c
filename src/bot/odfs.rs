//! A bot on ODFS: each reply is what the IVR does next.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::calls::Question;
use super::host::{Kind, Mount, fresh_turn};
use super::line::Packet;
use super::reply::{Last, Put};
use super::turn::Asked;
use super::{
    Bot, CallKey, Ended, Error, Facts, Gather, Host, Input, Platform, ReplyError, Transfer,
    TransferKind, Transferred, Unmet, Voice,
};
use crate::odfs::{
    self, Action, Api, Call, DtmfKeys, Interacted, Language, ModelType, Prompt, RecognitionError,
    RecognitionId, Recognitions, ReleaseOutParams, Request, Route, Server, Start, TransferResult,
};
use crate::wire::Validate;

/// A bot on ODFS; see [`Host::odfs`].
pub struct OnOdfs<B: Bot> {
    host: Host<B>,
    mount: Arc<Mount>,
    listening: Listening,
}

impl<B: Bot> fmt::Debug for OnOdfs<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOdfs").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Puts the bot on ODFS, with the default way to listen. The server has a
    /// [deadline](crate::server::Server::deadline) of 30 s, whatever the
    /// [`Budget`](super::Budget) says: the shorter one counts.
    ///
    /// # Errors
    /// When the bot needs what is not there.
    pub fn odfs(&self) -> Result<Server<OnOdfs<B>>, Unmet> {
        self.odfs_with(Listening::default())
    }

    /// Puts the bot on ODFS.
    ///
    /// # Errors
    /// When the bot needs what is not there.
    pub fn odfs_with(&self, listening: Listening) -> Result<Server<OnOdfs<B>>, Unmet> {
        let mount = self.mount(Kind {
            platform: Platform::Odfs,
            check,
            splits: true,
            hang_up_reason: false,
        })?;
        Ok(Server::new(OnOdfs { host: self.clone(), mount, listening }))
    }
}

/// How the IVR speaks and listens, where the bot does not say.
///
/// ```
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// use callbot::bot::Listening;
/// use callbot::odfs::Language;
///
/// let texts: HashMap<String, String> = HashMap::new(); // or `RedisRecognitions`
/// let listening = Listening::new(Language::Chinese)
///     .with_keys(1)
///     .with_timeout(Duration::from_secs(8))
///     .with_recognitions(texts);
/// ```
#[derive(Clone)]
pub struct Listening {
    language: Language,
    keys: u8,
    timeout: Duration,
    gather_timeout: Duration,
    recognitions: Option<Arc<dyn Texts>>,
}

impl Default for Listening {
    fn default() -> Self {
        Self::new(Language::English)
    }
}

impl Listening {
    /// In this language. The default is English.
    #[must_use]
    pub fn new(language: Language) -> Self {
        Self {
            language,
            keys: 12,
            timeout: Duration::from_secs(5),
            gather_timeout: Duration::from_secs(10),
            recognitions: None,
        }
    }

    /// How many keys are taken beside speech, 1 to 99; `#` ends them. Default: 12.
    #[must_use]
    pub fn with_keys(mut self, keys: u8) -> Self {
        self.keys = keys.clamp(1, 99);
        self
    }

    /// How long a caller may be silent, in whole seconds, from 1 s on. Default: 5 s.
    #[must_use]
    pub fn with_timeout(mut self, time: Duration) -> Self {
        self.timeout = time.max(Duration::from_secs(1));
        self
    }

    /// How long to wait for keys that the bot gathers, in whole seconds, from 1 s on. Default: 10 s.
    #[must_use]
    pub fn with_gather_timeout(mut self, time: Duration) -> Self {
        self.gather_timeout = time.max(Duration::from_secs(1));
        self
    }

    /// Where the text of recognised speech is, if it does not come with the request. Without it such
    /// speech is [`Input::NoMatch`].
    #[must_use]
    pub fn with_recognitions(mut self, texts: impl Recognitions + 'static) -> Self {
        self.recognitions = Some(Arc::new(texts));
        self
    }
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening")
            .field("language", &self.language)
            .field("keys", &self.keys)
            .field("timeout", &self.timeout)
            .field("gather_timeout", &self.gather_timeout)
            .finish_non_exhaustive()
    }
}

/// Recognitions whose type is not known.
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
        asked: Asked,
        extras: Map<String, Value>,
    ) -> Result<Action, Error> {
        let mut facts = Facts::new(Platform::Odfs, call.id());
        let number = |number: &str| Some(number.to_owned()).filter(|number| !number.is_empty());
        facts.caller = number(call.caller());
        facts.called = number(call.called());
        facts.extras = extras;
        if let Some(space) = call.tenant_space() {
            facts.extras.insert("vdn".into(), space.into());
        }
        let transferred = matches!(asked, Asked::Turn(Input::Transferred(Transferred::Done)));
        let question = Question { turn: fresh_turn(), asked, facts };
        let packet = self.host.ask(&self.mount, question)?.whole().await?.unwrap_or_default();
        if transferred && packet.text.is_empty() && packet.end.is_none() && packet.gather.is_none()
        {
            // The caller talks to somebody else: there is nobody to listen to.
            return Ok(call.release().into());
        }
        self.action(call, packet)
    }

    fn action(&self, call: &Call, packet: Packet) -> Result<Action, Error> {
        match &packet.end {
            Some(Last::Transfer(transfer)) => return transfer_of(call, transfer).map(Into::into),
            Some(Last::HangUp(_)) => return Ok(call.release().into()),
            None => {}
        }
        let Listening { language, keys, timeout, gather_timeout, .. } = &self.listening;
        let Voice { interruptible, silence_timeout, .. } = packet.voice.unwrap_or_default();
        let all = DtmfKeys::up_to(*keys).hash_confirms();
        let (model, wait) = match &packet.gather {
            // What follows is asked for once this has been played.
            _ if packet.to_be_continued => (ModelType::play_only(), None),
            Some(Gather { digits, timeout, speech }) => {
                let keys = DtmfKeys::up_to(*digits).hash_confirms();
                let model = match speech {
                    true => ModelType::speech_and_keys(keys),
                    false => ModelType::keys(keys),
                };
                (model, Some(timeout.unwrap_or(*gather_timeout)))
            }
            None => (ModelType::speech_and_keys(all), Some(silence_timeout.unwrap_or(*timeout))),
        };
        let model = if interruptible == Some(false) { model.without_barge_in() } else { model };
        let mut interact =
            call.interact(Prompt::Tts(&packet.text), language.clone()).with_model_type(model);
        if let Some(wait) = wait {
            interact = interact.with_timeout(wait.as_secs().to_string());
        }
        Ok(interact.into())
    }

    async fn input(&self, request: &Interacted) -> Result<Input, Error> {
        Ok(match request.inparams.meaning() {
            odfs::Input::Text(words) => Input::Speech(words.into()),
            odfs::Input::Keys(keys) => Input::Keys(keys.into()),
            // After a reply that listens, the end of playing is nothing but the begin of silence.
            odfs::Input::Timeout | odfs::Input::PlayOver => Input::Silence,
            odfs::Input::NoMatch => Input::NoMatch,
            odfs::Input::Recognition(id) => match &self.listening.recognitions {
                Some(texts) => texts.find(&id).await?.map_or(Input::NoMatch, Input::Speech),
                None => {
                    tracing::warn!("speech came as a recognition id, and there is nobody to ask");
                    Input::NoMatch
                }
            },
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
        self.ask(call, Asked::Begin, extras).await
    }

    async fn interacted(&self, call: &Call, request: Interacted) -> Result<Action, Error> {
        let input = self.input(&request).await?;
        self.ask(call, Asked::Turn(input), extras(request.extparams.as_ref())).await
    }

    async fn transferred(&self, call: &Call, request: odfs::Transferred) -> Result<Action, Error> {
        let outcome = match &request.inparams.trans_result {
            TransferResult::Success => Transferred::Done,
            failed => Transferred::Failed(failed.as_str().to_owned()),
        };
        let input = Input::Transferred(outcome);
        self.ask(call, Asked::Turn(input), extras(request.extparams.as_ref())).await
    }

    async fn hung_up(&self, call: &Call, request: Request) -> Result<ReleaseOutParams, Error> {
        let reason = match &request {
            Request::Interacted(request) => extras(request.extparams.as_ref()),
            Request::Transferred(request) => extras(request.extparams.as_ref()),
            _ => Map::new(),
        };
        let why = match reason.get("release_reason").and_then(Value::as_str) {
            // A system fault. What the others mean the bot's last reply says better.
            Some("1") => Some(Ended::Unknown),
            Some("2") => Some(Ended::ByCaller),
            _ => None,
        };
        self.host.end(CallKey::new(Platform::Odfs, call.id()), why).await?;
        Ok(call.release())
    }
}

/// What came beside the parameters, by the names on the wire.
fn extras(extparams: Option<&impl serde::Serialize>) -> Map<String, Value> {
    match extparams.map(serde_json::to_value) {
        Some(Ok(Value::Object(extras))) => extras,
        _ => Map::new(),
    }
}

/// Whether the platform would take this.
fn check(put: &Put) -> Result<(), ReplyError> {
    match put {
        Put::Last(Last::Transfer(transfer)) => {
            let route = route(transfer);
            let params = odfs::TransferOutParams::from_route("call", "", route);
            params.validate().map_err(ReplyError::Invalid)
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

fn transfer_of(call: &Call, transfer: &Transfer) -> Result<odfs::TransferOutParams, Error> {
    let mut params = call.transfer(route(transfer));
    params.calling_num.clone_from(&transfer.shown_number);
    params.trans_data.clone_from(&transfer.data);
    Ok(params)
}
