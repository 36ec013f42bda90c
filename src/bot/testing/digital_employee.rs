//! Plays Digital Employee in a test.

use std::time::Duration;

use futures_util::StreamExt;

use super::act::{Act, CALLED, CALLER, built, options};
use super::transcript::{Record, Step};
use crate::bot::capabilities::TransferKind;
use crate::bot::controls::{Gather, HangUp, SpeechSettings, Synthesis, Transfer};
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::TurnId;
use crate::bot::needs::NeedsError;
use crate::client::{Error, InMemoryTransport};
use crate::digital_employee::{
    self, AbortDialogueRequest, AbortDialogueRequestFields, AbortType, AnswerMode,
    BeginSessionRequest, BeginSessionRequestFields, Client, Control, DataType, DialogueRequest,
    DialogueRequestFields, EndSessionRequest, EndSessionRequestFields, Extra, TransferType,
    VendorParams,
};

const TENANT: i64 = 378_210;
const INSTANCE: &str = "n1";
const SCRIPT: &str = "test";

#[derive(Clone)]
pub(super) struct DigitalEmployee {
    client: Client,
    session: String,
}

impl DigitalEmployee {
    pub(super) fn new<B: Bot>(host: &Host<B>, session: &str) -> Result<Self, NeedsError> {
        let router = host.digital_employee()?.router();
        let client = Client::builder("http://bot").transport(InMemoryTransport::new(router));
        let client = built(client.options(options()).build());
        Ok(Self { client, session: session.into() })
    }

    pub(super) async fn ask(&self, act: &Act, stream: &str, step: &Step) {
        let packets = match act {
            Act::Begin => {
                let context = VendorParams::new(CALLER, CALLED);
                let request = BeginSessionRequest::new(BeginSessionRequestFields {
                    request_id: &fresh(),
                    tenant_id: TENANT,
                    instance_id: INSTANCE,
                    script_id: SCRIPT,
                    session_id: &self.session,
                    stream_id: stream,
                    vendor_params: context,
                });
                self.client.begin_session(&request).await
            }
            Act::Say(text) => self.client.dialogue(&self.dialogue(stream, text)).await,
            Act::Keys(keys) => {
                let keys = Extra::new().with_data_type(DataType::Dtmf).with_dtmf(keys);
                let request = self.dialogue(stream, "").with_extras([keys]);
                self.client.dialogue(&request).await
            }
            // `act` has excluded the others.
            Act::Silence | Act::NoMatch | Act::Transferred | Act::TransferFailed => {
                let silence = Extra::new().with_data_type(DataType::Silence);
                let request = self.dialogue(stream, "").with_extras([silence]);
                self.client.dialogue(&request).await
            }
        };
        let mut events = match packets {
            Ok(packets) => packets.into_events(AnswerMode::Cumulative),
            Err(error) => return step.fail(error),
        };
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => step.packet(&event.text, |record| {
                    event.controls.iter().for_each(|control| take(record, control));
                    !event.controls.is_empty()
                }),
                Err(error) => step.fail(error),
            }
        }
    }

    fn dialogue(&self, stream: &str, text: &str) -> DialogueRequest {
        DialogueRequest::new(DialogueRequestFields {
            request_id: &fresh(),
            tenant_id: TENANT,
            instance_id: INSTANCE,
            script_id: SCRIPT,
            session_id: &self.session,
            stream_id: stream,
            utterance: text,
        })
    }

    pub(super) async fn barge_in(&self, stream: &str, heard: Option<&str>) -> Result<(), Error> {
        let kind = AbortType::Interrupted;
        let request = AbortDialogueRequest::new(AbortDialogueRequestFields {
            request_id: &fresh(),
            tenant_id: TENANT,
            instance_id: INSTANCE,
            session_id: &self.session,
            stream_id: stream,
            type_: kind,
        })
        .with_script_id(SCRIPT);
        let request = match heard {
            Some(heard) => request.with_answer(heard),
            None => request,
        };
        self.client.abort_dialogue(&request).await.map(drop)
    }

    pub(super) async fn end(&self) -> Result<(), Error> {
        let request = EndSessionRequest::new(EndSessionRequestFields {
            request_id: &fresh(),
            tenant_id: TENANT,
            instance_id: INSTANCE,
            script_id: SCRIPT,
            session_id: &self.session,
        });
        self.client.end_session(&request).await.map(drop)
    }
}

fn fresh() -> String {
    TurnId::random().to_string()
}

fn seconds(seconds: i32) -> Duration {
    Duration::from_secs(seconds.try_into().unwrap_or_default())
}

/// Records a control from the wire in the types that the bot uses.
fn take(record: &mut Record, control: &Control) {
    match control {
        Control::Voice(control) => record.speech = Some(speech_settings(control)),
        Control::GatherDtmf(control) => {
            let digits = control.max_digits.try_into().unwrap_or(u8::MAX);
            let gather = Gather::up_to(digits)
                .with_timeout(seconds(control.timeout))
                .with_speech(!control.disable_voice_input_or_default());
            record.gather = Some(gather);
        }
        Control::Transfer(control) => {
            let kind = match &control.transfer_type {
                TransferType::Agent => TransferKind::Agent,
                TransferType::External => TransferKind::Number,
                _ => TransferKind::Queue,
            };
            let mut transfer = Transfer::new(kind, &control.transferee);
            transfer.shown_number.clone_from(&control.transferor);
            record.transfer = Some(transfer);
        }
        Control::HangUp(control) => {
            let mut hang_up = HangUp::new().with_delay(seconds(control.delay_or_default()));
            hang_up.reason.clone_from(&control.reason);
            record.hang_up = Some(hang_up);
        }
        Control::Unknown(_) => {
            record.failure = Some(format!("unknown control: {}", control.kind()));
        }
        Control::Unreadable(control) => {
            record.failure = Some(format!("unreadable control: {}", control.error()));
        }
    }
}

fn speech_settings(control: &digital_employee::Voice) -> SpeechSettings {
    let synthesis = control.synthesizer_config.as_ref().map(|config| Synthesis {
        name: config.voice.clone(),
        volume: config.volume,
        pitch: config.pitch_rate,
        rate: config.speech_rate,
    });
    SpeechSettings {
        barge_in: control.interruptible,
        silence_timeout: control.silence_detection_timeout.map(seconds),
        synthesis,
        emotion: None,
    }
}
