//! A bot on Digital Employee. Packets are sent as they are made, with the controls in them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::bot::adapter::{Adapter, AdapterSpec};
use crate::bot::call::CallInfo;
use crate::bot::capabilities::{Platform, TransferKind};
use crate::bot::controls::{Closing, Element, Gather, HangUp, SpeechSettings, Transfer};
use crate::bot::error::ReplyError;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::{CallKey, Input, TurnId};
use crate::bot::needs::NeedsError;
use crate::bot::outbox::{Packet, Reader};
use crate::bot::runtime::trigger::{Trigger, TurnRequest};
use crate::digital_employee::{
    self, AbortDialogueRequest, Api, BeginSessionRequest, Control, DialogueRequest,
    EndSessionRequest, Event, GatherDtmf, Reply, Server, SynthesizerConfig, Terminator,
    TransferType,
};
use crate::server::Error;
use crate::wire::{Validate, Violation};

/// A bot on Digital Employee; see [`Host::digital_employee`].
pub struct OnDigitalEmployee<B: Bot> {
    host: Host<B>,
    adapter: Arc<Adapter>,
}

impl<B: Bot> fmt::Debug for OnDigitalEmployee<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDigitalEmployee").field("host", &self.host).finish_non_exhaustive()
    }
}

/// The default time between two heartbeats of a reply.
const HEARTBEAT: Duration = Duration::from_secs(10);

impl<B: Bot> Host<B> {
    /// Puts the bot on Digital Employee.
    ///
    /// A comment goes out whenever a reply was silent for 10 s, since without it a platform that is gone is
    /// not always noticed. The platform's readers pass over comments. To turn it off or change the time, set
    /// the [`heartbeat`](crate::server::Server::heartbeat).
    ///
    /// Anybody may call these routes, unless the gateway of Function Compute or a
    /// [`VerifyLayer`](crate::auth::VerifyLayer) checks signatures.
    ///
    /// # Errors
    /// Returns an error if the platform lacks something that the bot requires.
    pub fn digital_employee(&self) -> Result<Server<OnDigitalEmployee<B>>, NeedsError> {
        let adapter = self.adapter(AdapterSpec {
            platform: Platform::DigitalEmployee,
            check,
            splits: false,
            hang_up_reason: true,
            tags: &[],
        })?;
        let privacy = self.privacy(Platform::DigitalEmployee, ["sessionId", "streamId"]);
        let server = Server::new(OnDigitalEmployee { host: self.clone(), adapter });
        let server = server.privacy(privacy).observers(self.observers()).heartbeat(HEARTBEAT);
        // The server enforces the platform's document, too.
        let allowed = self.allowed_transfers(Platform::DigitalEmployee).map(transfer_type);
        Ok(allowed.fold(server, |server, kind| server.allow_transfer(kind)))
    }
}

impl<B: Bot> Api for OnDigitalEmployee<B> {
    async fn begin_session(
        &self,
        request: BeginSessionRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let mut info = CallInfo::new(Platform::DigitalEmployee, &request.session_id);
        let context = request.vendor_params;
        info.caller = context.calling_number.filter(|number| !number.is_empty());
        info.called = context.called_number.filter(|number| !number.is_empty());
        let extra = context.extra.into_iter().map(|(key, value)| (key, value.into()));
        info.extras.extend(extra);
        info.extras.extend(ids(request.tenant_id, request.instance_id, request.script_id));
        let turn = turn_id(&request.stream_id);
        let request = TurnRequest { turn, trigger: Trigger::Begin, info, history: None };
        speak(self.host.ask(&self.adapter, request)?, reply).await
    }

    async fn dialogue(&self, request: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        let mut info = CallInfo::new(Platform::DigitalEmployee, &request.session_id);
        let input = match request.input() {
            digital_employee::Input::Speech(words) => Input::Speech(words.into()),
            digital_employee::Input::Keys(keys) => Input::Dtmf(keys.into_owned()),
            digital_employee::Input::Silence => Input::Silence,
        };
        info.extras.extend(ids(request.tenant_id, request.instance_id, request.script_id));
        let turn = turn_id(&request.stream_id);
        let request = TurnRequest { turn, trigger: Trigger::Input(input), info, history: None };
        speak(self.host.ask(&self.adapter, request)?, reply).await
    }

    async fn abort_dialogue(&self, request: AbortDialogueRequest) -> Result<(), Error> {
        if request.stream_id.is_empty() {
            // It does not name a turn.
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

/// Returns the id of a turn. A request without an id repeats no other one.
fn turn_id(stream_id: &str) -> TurnId {
    if stream_id.is_empty() { TurnId::random() } else { TurnId::new(stream_id) }
}

/// Returns the ids of the account, the contact centre and the scenario, as far as the request has them.
fn ids(
    tenant: Option<i64>,
    instance: String,
    script: String,
) -> impl Iterator<Item = (String, Value)> {
    let text = |id: String| Some(id).filter(|id| !id.is_empty()).map(Value::from);
    let ids = [
        ("tenantId", tenant.map(Value::from)),
        ("instanceId", text(instance)),
        ("scriptId", text(script)),
    ];
    ids.into_iter().filter_map(|(key, id)| Some((key.to_owned(), id?)))
}

async fn speak(mut answer: Reader, reply: &mut Reply) -> Result<(), Error> {
    loop {
        let Some(packet) = answer.next().await? else { return Ok(()) };
        let last = packet.last;
        let event = event(packet);
        // The server adds an empty last packet by itself.
        if last && (!event.text.is_empty() || !event.controls.is_empty()) {
            reply.finish(event).await?;
        } else if !last {
            reply.send(event).await?;
        }
    }
}

fn event(packet: Packet) -> Event {
    let mut event = Event::text(packet.text);
    if let Some(speech) = packet.speech {
        event = event.with(voice(&speech));
    }
    if let Some(gather) = packet.gather {
        event = event.with(gather_dtmf(&gather));
    }
    match packet.closing {
        Some(Closing::Transfer(to)) => event = event.with(transfer(&to)),
        Some(Closing::HangUp(how)) => event = event.with(hang_up(&how)),
        None => {}
    }
    event
}

/// The platform's fields, and those of the bot's controls.
const NAMES: &[(&str, &str)] = &[
    ("/silenceDetectionTimeout", "/silence_timeout"),
    ("/maxDigits", "/digits"),
    ("/transferee", "/to"),
    ("/transferor", "/shown_number"),
];

/// Checks that the platform accepts this control.
fn check(element: &Element) -> Result<(), ReplyError> {
    if let Element::Closing(Closing::Transfer(Transfer { data: Some(_), .. })) = element {
        let allowed = "none: the platform does not support it";
        return Err(ReplyError::invalid("/data", "[hidden]", allowed));
    }
    if let Element::Closing(Closing::Transfer(transfer)) = element
        && transfer.kind == TransferKind::Number
        && transfer.shown_number.is_none()
    {
        let required = "required for a transfer to a number";
        let violation = Violation::new("/shown_number", None, required);
        return Err(ReplyError::Invalid(violation.into()));
    }
    let control: Control = match element {
        Element::SpeechSettings(speech) => voice(speech).into(),
        Element::Gather(gather) => gather_dtmf(gather).into(),
        Element::Closing(Closing::Transfer(to)) => transfer(to).into(),
        Element::Closing(Closing::HangUp(how)) => hang_up(how).into(),
        Element::Native(_) => return Ok(()),
    };
    control.validate().map_err(|violations| ReplyError::refused(&violations, NAMES))
}

/// Converts seconds that have been checked to be in range.
fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn voice(speech: &SpeechSettings) -> digital_employee::Voice {
    let mut control = digital_employee::Voice::new();
    control.interruptible = speech.barge_in;
    control.silence_detection_timeout = speech.silence_timeout.map(seconds);
    if let Some(synthesis) = &speech.synthesis {
        let mut config = SynthesizerConfig::new(&synthesis.name);
        config.volume = synthesis.volume;
        config.pitch_rate = synthesis.pitch;
        config.speech_rate = synthesis.rate;
        control.synthesizer_config = Some(config);
    }
    control
}

fn gather_dtmf(gather: &Gather) -> GatherDtmf {
    let timeout = gather.timeout.unwrap_or(Duration::from_secs(5));
    let control = GatherDtmf::new(Terminator::Hash, gather.digits.into(), seconds(timeout));
    if gather.speech { control.with_disable_voice_input(false) } else { control }
}

fn transfer_type(kind: TransferKind) -> TransferType {
    match kind {
        TransferKind::Agent => TransferType::Agent,
        TransferKind::Number => TransferType::External,
        _ => TransferType::SkillGroup,
    }
}

fn transfer(transfer: &Transfer) -> digital_employee::Transfer {
    let mut control = digital_employee::Transfer::new(transfer_type(transfer.kind), &transfer.to);
    control.transferor.clone_from(&transfer.shown_number);
    control
}

fn hang_up(how: &HangUp) -> digital_employee::HangUp {
    let mut control = digital_employee::HangUp::new();
    control.delay = Some(seconds(how.delay)).filter(|delay| *delay > 0);
    control.reason.clone_from(&how.reason);
    control
}
