//! Plays ODFS in a test: an IVR that follows the answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::act::{Act, CALLED, CALLER, built, options};
use super::transcript::Step;
use crate::bot::capabilities::TransferKind;
use crate::bot::controls::{Gather, HangUp, SpeechSettings, Transfer};
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::needs::NeedsError;
use crate::bot::platforms::OdfsSettings;
use crate::client::InMemoryTransport;
use crate::odfs::{
    Client, Dialogue, DialogueError, Input, InputMode, Interact, Language, Prompt,
    RecognitionError, RecognitionId, Recognitions, Response, Route, TransferOutParams,
    TransferResult,
};

// Defaults of the server. Both times are above what a bot may set, so an answer shows whether the bot
// has set one.
const KEYS: u8 = 99;
const SILENCE: Duration = Duration::from_secs(3601);
const GATHERING: Duration = Duration::from_secs(3602);

/// The maximum number of answers to a turn that only play a prompt.
const MAX_PLAYED: usize = 8;

#[derive(Clone)]
pub(super) struct Odfs {
    // An IVR takes one step after the other.
    dialogue: Arc<Mutex<Dialogue>>,
    /// The texts of recognised speech.
    texts: Texts,
    /// Whether speech is sent as the key of its text.
    by_key: bool,
}

/// Texts of recognised speech, in memory.
#[derive(Clone, Default)]
struct Texts(Arc<crate::lock::Mutex<Vec<String>>>);

impl Texts {
    /// Stores a text. Returns its key and its number.
    fn add(&self, text: &str) -> Option<RecognitionId> {
        let mut texts = self.0.lock();
        texts.push(text.to_owned());
        let number = texts.len().to_string();
        RecognitionId::new(&format!("asr:{number}"), &number)
    }
}

impl Recognitions for Texts {
    async fn text(&self, id: &RecognitionId) -> Result<Option<String>, RecognitionError> {
        let number = id.inter_no().parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        Ok(number.and_then(|index| self.0.lock().get(index).cloned()))
    }
}

impl Odfs {
    pub(super) fn new<B: Bot>(host: &Host<B>, call: &str) -> Result<Self, NeedsError> {
        let texts = Texts::default();
        let settings = OdfsSettings::new(Language::English)
            .with_keys(KEYS)
            .with_timeout(SILENCE)
            .with_gather_timeout(GATHERING)
            .with_recognitions(texts.clone());
        let router = host.odfs_with(settings)?.router();
        let client = Client::builder_with_token("http://bot", "token")
            .transport(InMemoryTransport::new(router));
        let client = built(client.options(options()).build());
        let dialogue = Arc::new(Mutex::new(client.dialogue(call, CALLER, CALLED)));
        Ok(Self { dialogue, texts, by_key: false })
    }

    /// Sends speech as the key of its text from now on.
    pub(super) fn speak_by_key(&mut self) {
        self.by_key = true;
    }

    pub(super) async fn ask(&self, act: &Act, step: &Step) {
        let mut dialogue = self.dialogue.lock().await;
        let mut answer = match act {
            Act::Begin => dialogue.start().await,
            Act::Say(text) => {
                let key = self.texts.add(text).filter(|_| self.by_key);
                dialogue.input(key.map_or(Input::Text(text), Input::Recognition)).await
            }
            Act::Keys(keys) => dialogue.input(Input::Keys(keys)).await,
            Act::Silence => dialogue.input(Input::Timeout).await,
            Act::NoMatch => dialogue.input(Input::NoMatch).await,
            Act::Transferred => dialogue.transferred(TransferResult::Success).await,
            Act::TransferFailed => dialogue.transferred(TransferResult::Failure).await,
        };
        for _ in 0..MAX_PLAYED {
            let answer_to = match answer {
                Ok(answer) => answer,
                Err(error) => return fail(step, error),
            };
            match answer_to {
                Response::Interact(answer) => {
                    if !interact(step, &answer) {
                        return;
                    }
                }
                Response::Transfer(answer) => return transfer(step, &answer.outparams),
                // The caller talks to another person: this is the end of the bot's part.
                Response::Release(_) if matches!(act, Act::Transferred) => return,
                Response::Release(_) => {
                    return step.packet("", |record| {
                        record.hang_up = Some(HangUp::new());
                        true
                    });
                }
                _ => return step.fail("unexpected kind of answer"),
            }
            answer = dialogue.input(Input::PlayOver).await;
        }
        step.fail(format_args!("more than {MAX_PLAYED} answers in a row only play a prompt"));
    }

    pub(super) async fn end(&self, step: &Step) {
        if let Err(error) = self.dialogue.lock().await.hang_up().await {
            fail(step, error);
        }
    }
}

fn fail(step: &Step, error: DialogueError) {
    match error {
        DialogueError::OutOfOrder(next) => {
            step.record().misuse = Some(format!("the IVR can't do this now: it expects {next:?}"));
        }
        error => step.fail(error),
    }
}

/// Records an answer. Returns whether it only plays a prompt.
fn interact(step: &Step, answer: &Interact) -> bool {
    let params = &answer.outparams;
    let text = match params.prompt() {
        Prompt::Tts(text) | Prompt::Text(text) => text,
        _ => "",
    };
    let model = params.model_type.as_ref();
    let on = |mode: Option<InputMode>| mode.filter(|mode| *mode != InputMode::Off);
    let speech = on(model.and_then(|model| model.speech_mode()));
    let keys = on(model.and_then(|model| model.key_mode()));
    if speech.is_none() && keys.is_none() {
        step.packet(text, |_| false);
        return true;
    }
    let wait = params.timeout.as_deref().and_then(|time| time.parse().ok());
    let wait = wait.map(Duration::from_secs);
    let digits = model.and_then(|model| model.max_keys()).unwrap_or_default();
    let gathers = speech.is_none() || digits != KEYS || wait == Some(GATHERING);
    let set = wait.filter(|wait| ![SILENCE, GATHERING].contains(wait));
    let settings = SpeechSettings {
        barge_in: [speech, keys].contains(&Some(InputMode::NoBargeIn)).then_some(false),
        silence_timeout: set.filter(|_| !gathers),
        synthesis: None,
        emotion: None,
    };
    step.packet(text, |record| {
        if gathers {
            let mut gather = Gather::up_to(digits).with_speech(speech.is_some());
            gather.timeout = set;
            record.gather = Some(gather);
        }
        let sets = settings != SpeechSettings::new();
        if sets {
            record.speech = Some(settings);
        }
        gathers || sets
    });
    false
}

fn transfer(step: &Step, params: &TransferOutParams) {
    let (kind, to) = match params.route() {
        Route::SkillQueueByName(to) => (TransferKind::Queue, to),
        Route::SkillQueueByAccessCode(to) => (TransferKind::QueueCode, to),
        Route::Agent(to) => (TransferKind::Agent, to),
        Route::ThirdParty(to) => (TransferKind::Number, to),
        Route::Ivr(to) => (TransferKind::Flow, to),
        _ => return step.fail("unexpected kind of transfer"),
    };
    let mut transfer = Transfer::new(kind, to);
    transfer.shown_number.clone_from(&params.calling_num);
    transfer.data.clone_from(&params.trans_data);
    step.packet("", |record| {
        record.transfer = Some(transfer);
        true
    });
}
