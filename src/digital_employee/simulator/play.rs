//! The platform's side of a call.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep_until};

use super::script::{Act, Expect, ScriptStep};
use super::transcript::{Played, PlayedStep};
use crate::client::{Error, EventStream};
use crate::digital_employee::events::NewText;
use crate::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, AnswerMode, BeginSessionRequest,
    BeginSessionRequestFields, Client, Control, DataType, DialogueRequest, DialogueRequestFields,
    EndSessionRequest, EndSessionRequestFields, Extra, Packet, VendorParams,
};
use crate::error::chain;

/// The time within which the complete answer to `beginSession` must arrive, from the platform's
/// document.
const BEGIN_BUDGET: Duration = Duration::from_millis(200);
/// The time within which the first packet of a turn must arrive, from the platform's document.
const TURN_BUDGET: Duration = Duration::from_millis(600);

/// Plays the platform against a bot.
#[derive(Debug, Clone)]
#[must_use]
pub struct Simulator {
    client: Client,
    answers: AnswerMode,
    tenant: i64,
    instance: String,
    script: String,
    context: VendorParams,
}

impl Simulator {
    /// Creates a simulator of the platform for the bot that `client` calls.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            answers: AnswerMode::default(),
            tenant: 378_210,
            instance: "n1".into(),
            script: "simulated".into(),
            context: VendorParams::new("13500000001", "4000000000"),
        }
    }

    /// Sets the mode of the bot's `answer`. Default: [`AnswerMode::Cumulative`].
    pub fn answers(mut self, mode: AnswerMode) -> Self {
        self.answers = mode;
        self
    }

    /// Sets the phone numbers and the context of the call. Default: made-up numbers, no context.
    pub fn context(mut self, context: VendorParams) -> Self {
        self.context = context;
        self
    }

    /// Plays the steps as one call. The call continues after a step that fails.
    pub async fn play(&self, steps: &[ScriptStep]) -> Played {
        let call = uuid();
        let mut played = Vec::with_capacity(steps.len());
        for step in steps {
            let player =
                StepPlayer { simulator: self, call: &call, stream: uuid(), request: uuid() };
            played.push(player.play(step).await);
        }
        Played { call, steps: played }
    }
}

/// Plays one step.
struct StepPlayer<'a> {
    simulator: &'a Simulator,
    call: &'a str,
    stream: String,
    request: String,
}

impl StepPlayer<'_> {
    async fn play(&self, step: &ScriptStep) -> PlayedStep {
        let mut played = PlayedStep::new(&step.name);
        match &step.act {
            Act::Begin => {
                played.caller = "(the call begins)".into();
                self.speak(step, &mut played, self.simulator.client.begin_session(&self.begin()))
                    .await;
                played.budget = Some((BEGIN_BUDGET, played.whole));
            }
            Act::Say(utterance) => {
                played.caller = format!("“{utterance}”");
                self.turn(step, &mut played, self.dialogue(utterance)).await;
            }
            Act::Keys(digits) => {
                played.caller = format!("(presses {digits})");
                let keys = Extra::new().with_data_type(DataType::Dtmf).with_dtmf(digits);
                self.turn(step, &mut played, self.dialogue("").with_extras([keys])).await;
            }
            Act::Silence => {
                played.caller = "(says nothing)".into();
                let silence = Extra::new().with_data_type(DataType::Silence);
                self.turn(step, &mut played, self.dialogue("").with_extras([silence])).await;
            }
            Act::End => {
                played.caller = "(the call ends)".into();
                if let Err(error) = self.end().await {
                    played.problems.push(chain(&error).to_string());
                }
            }
        }
        let expected = step.expected.iter().filter_map(|expect| expect.problem(&played));
        let expected: Vec<_> = expected.collect();
        played.problems.extend(expected);
        if let Some((budget, taken)) = played.budget
            && taken > budget
        {
            let what =
                if matches!(step.act, Act::Begin) { "the answer" } else { "the first packet" };
            played.warnings.push(format!(
                "{what} took {} ms of {} ms",
                taken.as_millis(),
                budget.as_millis()
            ));
        }
        played
    }

    async fn turn(&self, step: &ScriptStep, played: &mut PlayedStep, request: DialogueRequest) {
        self.speak(step, played, self.simulator.client.dialogue(&request)).await;
        played.budget = Some((TURN_BUDGET, played.first_packet));
    }

    /// Listens to a reply, and barges in if the step asks for it.
    async fn speak(
        &self,
        step: &ScriptStep,
        played: &mut PlayedStep,
        call: impl Future<Output = Result<EventStream<Packet>, Error>>,
    ) {
        let start = Instant::now();
        let mut listener = Listener {
            player: self,
            start,
            text: NewText::new(self.simulator.answers),
            fails: step.expected.iter().any(|expect| matches!(expect, Expect::Failure(_))),
            last_time: 0,
            played,
        };
        match call.await {
            Ok(packets) => match step.abort_after {
                None => listener.listen(packets).await,
                Some(after) => listener.barge_in(packets, start + after).await,
            },
            Err(error) => listener.error(&error),
        }
        played.whole = start.elapsed();
    }

    fn begin(&self) -> BeginSessionRequest {
        let Simulator { tenant, instance, script, context, .. } = self.simulator;
        BeginSessionRequest::new(BeginSessionRequestFields {
            request_id: &self.request,
            tenant_id: *tenant,
            instance_id: instance,
            script_id: script,
            session_id: self.call,
            stream_id: &self.stream,
            vendor_params: context.clone(),
        })
    }

    fn dialogue(&self, utterance: &str) -> DialogueRequest {
        let Simulator { tenant, instance, script, .. } = self.simulator;
        DialogueRequest::new(DialogueRequestFields {
            request_id: &self.request,
            tenant_id: *tenant,
            instance_id: instance,
            script_id: script,
            session_id: self.call,
            stream_id: &self.stream,
            utterance,
        })
    }

    async fn abort(&self, heard: &str) -> Result<(), Error> {
        let Simulator { client, tenant, instance, script, .. } = self.simulator;
        let (request, kind) = (uuid(), AbortType::Interrupted);
        let request = AbortDialogueRequest::new(AbortDialogueRequestFields {
            request_id: &request,
            tenant_id: *tenant,
            instance_id: instance,
            session_id: self.call,
            stream_id: &self.stream,
            type_: kind,
        })
        .with_script_id(script)
        .with_answer(heard);
        client.abort_dialogue(&request).await.map(drop)
    }

    async fn end(&self) -> Result<(), Error> {
        let Simulator { client, tenant, instance, script, .. } = self.simulator;
        let request = EndSessionRequest::new(EndSessionRequestFields {
            request_id: &self.request,
            tenant_id: *tenant,
            instance_id: instance,
            script_id: script,
            session_id: self.call,
        });
        client.end_session(&request).await.map(drop)
    }
}

/// Reads the packets of a reply and checks each.
struct Listener<'a, 'b> {
    player: &'a StepPlayer<'a>,
    start: Instant,
    text: NewText,
    /// Whether the step expects a failure.
    fails: bool,
    last_time: i64,
    played: &'b mut PlayedStep,
}

impl Listener<'_, '_> {
    async fn listen(&mut self, mut packets: EventStream<Packet>) {
        while let Some(packet) = packets.next().await {
            self.take(packet);
        }
    }

    async fn barge_in(&mut self, mut packets: EventStream<Packet>, at: Instant) {
        loop {
            tokio::select! {
                packet = packets.next() => match packet {
                    Some(packet) => self.take(packet),
                    None => {
                        self.played.problems.push("the reply ended before the caller could barge in".into());
                        return;
                    }
                },
                () = sleep_until(at) => break,
            }
        }
        let heard = self.played.reply.clone();
        let mut late = 0;
        {
            let mut abort = pin!(self.player.abort(&heard));
            let mut aborted = false;
            loop {
                tokio::select! {
                    biased;
                    outcome = &mut abort, if !aborted => {
                        aborted = true;
                        if let Err(error) = outcome {
                            self.played.problems.push(chain(&error).to_string());
                        }
                    }
                    packet = packets.next() => match packet {
                        Some(packet) => {
                            let last = matches!(&packet, Ok(packet) if is_last(packet));
                            late += usize::from(aborted && !last);
                            self.take(packet);
                        }
                        None if aborted => break,
                        // The stream may end before the answer to the abort arrives.
                        None => {
                            if let Err(error) = (&mut abort).await {
                                self.played.problems.push(chain(&error).to_string());
                            }
                            break;
                        }
                    }
                }
            }
        }
        self.played.interrupted = true;
        // One packet may have been in flight.
        if late > 1 {
            self.played
                .problems
                .push(format!("{late} packets arrived after the abort was answered"));
        }
    }

    fn take(&mut self, packet: Result<Packet, Error>) {
        let packet = match packet {
            Ok(packet) => packet,
            Err(error) => return self.error(&error),
        };
        self.count();
        self.check(&packet);
        let Some(data) = packet.data else { return };
        let new = self.text.of(data.answer.unwrap_or_default());
        self.played.reply.push_str(&new);
        self.played.controls.extend(data.controls);
    }

    fn count(&mut self) {
        if self.played.packets == 0 {
            self.played.first_packet = self.start.elapsed();
        }
        self.played.packets += 1;
    }

    /// Checks the rules of the protocol that apply to every packet.
    fn check(&mut self, packet: &Packet) {
        let mut problem = |text: String| self.played.problems.push(text);
        if packet.request_id.as_ref() != Some(&self.player.request) {
            problem("a packet does not echo the requestId".into());
        }
        let Some(data) = &packet.data else {
            return problem("a packet has no data".into());
        };
        for (name, echo, sent) in [
            ("sessionId", &data.session_id, self.player.call),
            ("streamId", &data.stream_id, self.player.stream.as_str()),
        ] {
            if echo.as_deref().is_some_and(|echo| echo != sent) {
                problem(format!("a packet echoes a different {name}"));
            }
        }
        match data.updated_time {
            None => problem("a packet has no updatedTime".into()),
            Some(time) if time < self.last_time => problem("updatedTime decreases".into()),
            Some(time) => self.last_time = time,
        }
        for control in &data.controls {
            let late = matches!(control, Control::Voice(_) | Control::GatherDtmf(_));
            if late && self.played.packets > 1 {
                problem(format!("{} after the first packet is ignored", control.kind()));
            }
            if let Control::Unreadable(control) = control {
                problem(format!("a control can't be read: {}", control.error()));
            }
        }
    }

    fn error(&mut self, error: &Error) {
        match error.failure() {
            Some(failure) => {
                self.count();
                self.played.failure = failure.status();
                if !self.fails {
                    self.played.problems.push(chain(&error).to_string());
                }
                if failure.request_id() != Some(&self.player.request) {
                    self.played.problems.push("the failure does not echo the requestId".into());
                }
            }
            None => self.played.problems.push(chain(&error).to_string()),
        }
    }
}

fn is_last(packet: &Packet) -> bool {
    packet.data.as_ref().is_some_and(|data| data.stream_end)
}

/// A random UUID, version 4.
fn uuid() -> String {
    let bits = fastrand::u128(..) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default().to_owned();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
