//! A bot on Digital Employee: packets as they are made, controls in the packets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::calls::Question;
use super::host::{Kind, Mount};
use super::line::{Packet, Reader};
use super::reply::{Last, Put};
use super::turn::Asked;
use super::{
    Bot, CallKey, Error, Facts, Gather, HangUp, Host, Input, Platform, ReplyError, Transfer,
    TransferKind, TurnId, Unmet, Voice,
};
use crate::digital_employee::{
    self, AbortDialogueRequest, Api, BeginSessionRequest, Control, DialogueRequest,
    EndSessionRequest, Event, GatherDtmf, Reply, Server, SynthesizerConfig, Terminator,
    TransferType,
};
use crate::wire::Validate;

/// A bot on Digital Employee; see [`Host::digital_employee`].
pub struct OnDigitalEmployee<B: Bot> {
    host: Host<B>,
    mount: Arc<Mount>,
}

impl<B: Bot> fmt::Debug for OnDigitalEmployee<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDigitalEmployee").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Puts the bot on Digital Employee.
    ///
    /// # Errors
    /// When the bot needs what is not there.
    pub fn digital_employee(&self) -> Result<Server<OnDigitalEmployee<B>>, Unmet> {
        let mount = self.mount(Kind {
            platform: Platform::DigitalEmployee,
            check,
            splits: false,
            hang_up_reason: true,
        })?;
        let server = Server::new(OnDigitalEmployee { host: self.clone(), mount });
        // The server refuses by itself what the platform's document does.
        let allowed = self.allowed_transfers().iter().map(kind);
        Ok(allowed.fold(server, |server, kind| server.allow_transfer(kind)))
    }
}

impl<B: Bot> Api for OnDigitalEmployee<B> {
    async fn begin_session(
        &self,
        request: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let mut facts = Facts::new(Platform::DigitalEmployee, &request.session_id);
        let context = request.vendor_params;
        facts.caller = Some(context.calling_number);
        facts.called = Some(context.called_number);
        let extra = context.extra.into_iter().map(|(key, value)| (key, value.into()));
        facts.extras.extend(extra);
        facts.extras.extend(ids(request.tenant_id, request.instance_id, request.script_id));
        let turn = turn(&request.stream_id);
        let question = Question { turn, asked: Asked::Begin, facts };
        speak(self.host.ask(&self.mount, question)?, reply).await
    }

    async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        let mut facts = Facts::new(Platform::DigitalEmployee, &request.session_id);
        let input = match request.input() {
            digital_employee::Input::Speech(words) => Input::Speech(words.into()),
            digital_employee::Input::Keys(keys) => Input::Keys(keys.into()),
            digital_employee::Input::Silence => Input::Silence,
        };
        facts.extras.extend(ids(request.tenant_id, request.instance_id, request.script_id));
        let turn = turn(&request.stream_id);
        let question = Question { turn, asked: Asked::Turn(input), facts };
        speak(self.host.ask(&self.mount, question)?, reply).await
    }

    async fn abort_dialogue(&self, request: AbortDialogueRequest) -> Result<(), Error> {
        if request.stream_id.is_empty() {
            // It names no turn.
            return Ok(());
        }
        let call = CallKey::new(Platform::DigitalEmployee, &request.session_id);
        self.host.abort(call, TurnId::new(&request.stream_id), request.answer).await
    }

    async fn end_session(&self, request: EndSessionRequest) -> Result<(), Error> {
        let call = CallKey::new(Platform::DigitalEmployee, &request.session_id);
        self.host.end(call, None).await
    }
}

/// A request without an id is no repetition of another.
fn turn(stream_id: &str) -> TurnId {
    if stream_id.is_empty() { super::host::fresh_turn() } else { TurnId::new(stream_id) }
}

fn ids(tenant: i64, instance: String, script: String) -> [(String, Value); 3] {
    [
        ("tenantId".into(), tenant.into()),
        ("instanceId".into(), instance.into()),
        ("scriptId".into(), script.into()),
    ]
}

async fn speak(mut answer: Reader, reply: &mut Reply) -> Result<(), Error> {
    while let Some(packet) = answer.next().await? {
        let last = packet.last;
        let event = event(packet);
        // An empty last packet is the server's own.
        if last && (!event.text.is_empty() || !event.controls.is_empty()) {
            reply.finish(event).await?;
        } else if !last {
            reply.send(event).await?;
        }
    }
    Ok(())
}

fn event(packet: Packet) -> Event {
    let mut event = Event::text(packet.text);
    if let Some(voice) = packet.voice {
        event = event.with(voice_of(&voice));
    }
    if let Some(gather) = packet.gather {
        event = event.with(gather_of(&gather));
    }
    match packet.end {
        Some(Last::Transfer(transfer)) => event = event.with(transfer_of(&transfer)),
        Some(Last::HangUp(how)) => event = event.with(hang_up_of(&how)),
        None => {}
    }
    event
}

/// Whether the platform would take this.
fn check(put: &Put) -> Result<(), ReplyError> {
    if let Put::Last(Last::Transfer(Transfer { data: Some(_), .. })) = put {
        let allowed = "none: the platform has no place for it";
        return Err(ReplyError::invalid("/data", "[hidden]", allowed));
    }
    let control: Control = match put {
        Put::Voice(voice) => voice_of(voice).into(),
        Put::Gather(gather) => gather_of(gather).into(),
        Put::Last(Last::Transfer(transfer)) => transfer_of(transfer).into(),
        Put::Last(Last::HangUp(how)) => hang_up_of(how).into(),
        Put::Native(_) => return Ok(()),
    };
    control.validate().map_err(ReplyError::Invalid)
}

/// Seconds that have been checked to be few.
fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn voice_of(voice: &Voice) -> digital_employee::Voice {
    let mut control = digital_employee::Voice::new();
    control.interruptible = voice.interruptible;
    control.silence_detection_timeout = voice.silence_timeout.map(seconds);
    if let Some(synthesis) = &voice.synthesis {
        let mut config = SynthesizerConfig::new(&synthesis.name);
        config.volume = synthesis.volume;
        config.pitch_rate = synthesis.pitch;
        config.speech_rate = synthesis.rate;
        control.synthesizer_config = Some(config);
    }
    control
}

fn gather_of(gather: &Gather) -> GatherDtmf {
    let timeout = gather.timeout.unwrap_or(Duration::from_secs(5));
    let control = GatherDtmf::new(Terminator::Hash, gather.digits.into(), seconds(timeout));
    if gather.speech { control.with_disable_voice_input(false) } else { control }
}

fn kind(kind: TransferKind) -> TransferType {
    match kind {
        TransferKind::Agent => TransferType::Agent,
        TransferKind::Number => TransferType::External,
        _ => TransferType::SkillGroup,
    }
}

fn transfer_of(transfer: &Transfer) -> digital_employee::Transfer {
    let mut control = digital_employee::Transfer::new(kind(transfer.kind), &transfer.to);
    control.transferor.clone_from(&transfer.shown_number);
    control
}

fn hang_up_of(how: &HangUp) -> digital_employee::HangUp {
    let mut control = digital_employee::HangUp::new();
    control.delay = Some(seconds(how.delay)).filter(|delay| *delay > 0);
    control.reason.clone_from(&how.reason);
    control
}
