//! The rules of the platform that a schema can't express: the envelope, the echoed ids, the closing
//! packet, and which controls are allowed where.

#[cfg(feature = "client")]
mod client {
    use crate::client::{Failure, Outcome, Reported, Step};
    use crate::digital_employee::{Acknowledgement, Packet, ResponseCode};
    use crate::wire::decode;

    fn failure(
        status: i32,
        code: &ResponseCode,
        message: &Option<String>,
        id: &Option<String>,
    ) -> Option<Failure> {
        let failed = status != 200 || *code != ResponseCode::Ok;
        failed.then(|| {
            Failure::new(code.as_str())
                .with_status(status)
                .with_message(message.clone())
                .with_request_id(id.clone())
        })
    }

    /// The failure in the body that a gateway or a server sends instead of a stream.
    fn failure_in(body: &[u8]) -> Option<Failure> {
        decode::<Acknowledgement>(body).ok()?.failure()
    }

    impl Outcome for Acknowledgement {
        fn failure(&self) -> Option<Failure> {
            let Self { http_status_code, code, message, request_id, .. } = self;
            failure(*http_status_code, code, message, request_id)
        }
    }

    impl Outcome for Packet {
        fn failure(&self) -> Option<Failure> {
            let Self { http_status_code, code, message, request_id, .. } = self;
            failure(*http_status_code, code, message, request_id)
        }

        fn failure_in(body: &[u8]) -> Option<Failure> {
            failure_in(body)
        }
    }

    impl Reported for Packet {
        fn step(&self) -> Step {
            match &self.data {
                Some(data) if data.stream_end => Step::Last,
                _ => Step::Next,
            }
        }
    }
}

#[cfg(feature = "server")]
pub use server::{PacketWriter, Rules};

#[cfg(feature = "server")]
mod server {
    use std::sync::Arc;
    use std::time::Duration;

    use http::StatusCode;
    use serde_json::Value;
    use tokio::time::Instant;

    use crate::clock::SharedClock;
    use crate::digital_employee::{
        AbortDialogueRequest, Acknowledgement, AnswerMode, BeginSessionRequest, Control,
        ControlForm, DialogueRequest, EndSessionRequest, Event, FailureAcknowledgement,
        FailurePacket, FailurePacketFields, Packet, PacketData, PacketFields, ResponseCode,
        TransferType,
    };
    use crate::server::rules::{check_ids, short_id};
    use crate::server::{
        Answers, Dates, Delivery, Fault, FaultKind, Frame, PacketKind, Reads, SendError, Server,
        Speaks, WritePackets,
    };
    use crate::wire::{Operation, Validate, salvage};

    /// The platform's rules for a server, and their settings.
    #[derive(Debug, Clone, Default)]
    pub struct Rules {
        settings: Arc<Settings>,
    }

    #[derive(Debug, Clone, Default)]
    struct Settings {
        answers: AnswerMode,
        controls: ControlForm,
        transfers: Vec<TransferType>,
    }

    impl<A> Server<A, Rules> {
        /// Sets the content of `answer` on the wire. Default: [`AnswerMode::Cumulative`].
        #[must_use]
        pub fn answers(mut self, mode: AnswerMode) -> Self {
            self.settings().answers = mode;
            self
        }

        /// Sets how to write controls. Default: [`ControlForm::Objects`].
        #[must_use]
        pub fn controls(mut self, form: ControlForm) -> Self {
            self.settings().controls = form;
            self
        }

        /// Allows a kind of transfer that the platform's document marks as not supported.
        ///
        /// Transfers to skill groups are always allowed.
        #[must_use]
        pub fn allow_transfer(mut self, kind: TransferType) -> Self {
            self.settings().transfers.push(kind);
            self
        }

        fn settings(&mut self) -> &mut Settings {
            Arc::make_mut(&mut self.rules_mut().settings)
        }
    }

    /// The ids of a request that its answer echoes.
    #[derive(Debug, Clone, Default)]
    pub struct Echo {
        request_id: Option<String>,
        session_id: Option<String>,
        stream_id: Option<String>,
    }

    impl crate::server::Rules for Rules {
        type Echo = Echo;

        fn platform(_: &Operation) -> &'static str {
            "digital-employee"
        }

        fn salvage(&self, body: &[u8]) -> Echo {
            let [request_id, session_id, stream_id] =
                salvage(body, ["requestId", "sessionId", "streamId"]).map(short_id);
            Echo { request_id, session_id, stream_id }
        }

        fn refuse(&self, _: &Operation, echo: Echo, fault: &Fault) -> (StatusCode, String) {
            let message = fault.message.as_ref();
            let mut answer =
                FailureAcknowledgement::new(i32::from(fault.status), code(fault), message);
            answer.request_id = echo.request_id;
            (fault.status_code(), json(&answer))
        }
    }

    /// Returns the code of a failure: the handler's, or one of those in the vendor's sample.
    fn code(fault: &Fault) -> ResponseCode {
        let stated: Option<ResponseCode> = fault.code.as_deref().and_then(|code| code.parse().ok());
        match stated {
            Some(code) if code != ResponseCode::Ok && !code.as_str().is_empty() => code,
            _ if matches!(
                fault.kind,
                FaultKind::Public | FaultKind::Deadline | FaultKind::Internal
            ) =>
            {
                ResponseCode::Exception
            }
            _ => ResponseCode::Error,
        }
    }

    fn json(value: &impl serde::Serialize) -> String {
        // Can't fail: the values have string keys and plain values only.
        serde_json::to_string(value).unwrap_or_default()
    }

    macro_rules! reads {
        ($($request:ty: $echo:expr, $check:expr;)*) => {$(
            impl Reads<$request> for Rules {
                fn echo(&self, request: &$request) -> Echo {
                    let echo: fn(&$request) -> Echo = $echo;
                    echo(request)
                }

                fn check(&self, request: &$request) -> Result<(), Fault> {
                    let check: fn(&$request) -> Result<(), Fault> = $check;
                    check(request)
                }
            }
        )*};
    }

    /// All ids, which the packets of a stream echo.
    fn ids(request: &str, session: &str, stream: &str) -> Echo {
        let short = |id: &str| short_id(Some(id.into()));
        Echo { session_id: short(session), stream_id: short(stream), ..id(request) }
    }

    /// The only id that an envelope without `data` has. One that is too long is not worth the call: it
    /// is echoed as an empty one.
    fn id(request: &str) -> Echo {
        let request_id = short_id(Some(request.into())).unwrap_or_default();
        Echo { request_id: Some(request_id), ..Echo::default() }
    }

    /// Checks the ids that name a call and a turn.
    fn named(session: &str, stream: &str) -> Result<(), Fault> {
        check_ids([("/sessionId", session), ("/streamId", stream)])
    }

    reads! {
        BeginSessionRequest:
            |of| ids(&of.request_id, &of.session_id, &of.stream_id),
            |of| named(&of.session_id, &of.stream_id);
        DialogueRequest:
            |of| ids(&of.request_id, &of.session_id, &of.stream_id),
            |of| named(&of.session_id, &of.stream_id);
        AbortDialogueRequest:
            |of| id(&of.request_id),
            |of| named(&of.session_id, &of.stream_id);
        EndSessionRequest:
            |of| id(&of.request_id),
            |of| named(&of.session_id, "");
    }

    impl Answers<()> for Rules {
        type Answer = Acknowledgement;

        fn answer(&self, echo: &Echo, (): ()) -> Acknowledgement {
            let request_id = echo.request_id.as_deref().unwrap_or_default();
            Acknowledgement::new(request_id, 200, ResponseCode::Ok)
        }
    }

    impl Dates for Rules {}

    impl Speaks for Rules {
        type Writer = PacketWriter;

        fn writer(&self, echo: Echo, clock: &SharedClock) -> PacketWriter {
            PacketWriter {
                settings: self.settings.clone(),
                echo,
                clock: clock.clone(),
                text: String::new(),
                repetition: Repetition::default(),
                started: false,
                ended: false,
            }
        }
    }

    /// Writes the packets of one reply.
    ///
    /// It keeps the text so far and whether the reply has started or ended. It holds text that
    /// would be repeated too often.
    #[derive(Debug)]
    pub struct PacketWriter {
        settings: Arc<Settings>,
        echo: Echo,
        clock: SharedClock,
        text: String,
        repetition: Repetition,
        started: bool,
        ended: bool,
    }

    /// What the repetition of the text in each packet costs, and when to avoid it.
    ///
    /// A reply in n pieces of equal size repeats its text n/2 times: 64 KiB, letter by letter, would be 2 GiB.
    /// So text is held after the first [`FREE`](Self::FREE) bytes, until
    ///
    /// - it has grown by an eighth since the last packet, so that the packets of fast pieces have at most nine
    ///   times the bytes of the text,
    /// - or the last packet is 1 ms ago for each [`RATE`](Self::RATE) bytes of text, so that slow pieces need
    ///   64 kB/s at most. The caller does not hear that: for five minutes of speech it is a tenth of a second.
    ///
    /// Controls and the end of the reply do not wait, nor do the first packets: no reply of a usual length
    /// gets here.
    #[derive(Debug, Default)]
    struct Repetition {
        /// The bytes of text in all packets.
        written: usize,
        /// The bytes of text in the last packet, and its time.
        last: Option<(usize, Instant)>,
        /// There is text that is not in a packet.
        held: bool,
    }

    impl Repetition {
        /// The bytes of text that are written without holding any.
        const FREE: usize = 256 << 10;
        /// The bytes of text that may be repeated in a millisecond after that.
        const RATE: usize = 64;

        /// Returns until when to hold a text that now has so many bytes.
        fn hold(&mut self, bytes: usize) -> Option<Instant> {
            let (last, at) = self.last?;
            if self.written < Self::FREE || bytes - last >= last / 8 {
                return None;
            }
            let millis = u64::try_from(bytes / Self::RATE).ok()?;
            let until = at.checked_add(Duration::from_millis(millis))?;
            self.held = until > Instant::now();
            self.held.then_some(until)
        }

        /// Notes a packet with so many bytes of text.
        fn wrote(&mut self, bytes: usize) {
            self.written += bytes;
            self.last = Some((bytes, Instant::now()));
            self.held = false;
        }
    }

    impl PacketWriter {
        fn check(&self, control: &Control) -> Result<(), SendError> {
            match control {
                Control::Voice(_) if self.started => Err(SendError::TooLate("Voice")),
                Control::GatherDtmf(_) if self.started => Err(SendError::TooLate("GatherDtmf")),
                Control::Transfer(transfer) => {
                    let kind = &transfer.transfer_type;
                    let supported = *kind == TransferType::SkillGroup;
                    if !supported && !self.settings.transfers.contains(kind) {
                        return Err(SendError::NotAllowed(format!("a transfer of type {kind}")));
                    }
                    Ok(())
                }
                _ => Ok(()),
            }
        }

        fn data(&self, kind: PacketKind) -> PacketData {
            let mut data = PacketData::new(kind == PacketKind::Last, self.clock.millis());
            data.session_id.clone_from(&self.echo.session_id);
            data.stream_id.clone_from(&self.echo.stream_id);
            data
        }

        fn wrap(&self, data: PacketData) -> Packet {
            let mut packet = Packet::new(PacketFields {
                request_id: "",
                http_status_code: 200,
                code: ResponseCode::Ok,
                data,
            });
            packet.request_id.clone_from(&self.echo.request_id);
            packet
        }

        fn write(&self, packet: &Packet) -> Frame {
            if self.settings.controls == ControlForm::Objects {
                return Frame::json(packet);
            }
            let mut value = serde_json::to_value(packet).unwrap_or_default();
            if let Some(Value::Array(controls)) = value.pointer_mut("/data/controlParamsList") {
                for control in controls {
                    *control = control.to_string().into();
                }
            }
            Frame::json(&value)
        }
    }

    impl WritePackets for PacketWriter {
        type Event = Event;

        fn packet(&mut self, event: Event, kind: PacketKind) -> Result<Delivery, SendError> {
            if self.ended {
                return Err(SendError::Finished);
            }
            event.controls.iter().try_for_each(|control| self.check(control))?;
            let before = self.text.len();
            self.text.push_str(&event.text);
            let cumulative = self.settings.answers == AnswerMode::Cumulative;
            if cumulative
                && event.controls.is_empty()
                && kind == PacketKind::Next
                && let Some(until) = self.repetition.hold(self.text.len())
            {
                return Ok(Delivery::Held(until));
            }
            let mut data = self.data(kind);
            data.controls = event.controls;
            data.answer = match self.settings.answers {
                AnswerMode::Cumulative => Some(self.text.clone()),
                AnswerMode::Delta => Some(event.text).filter(|text| !text.is_empty()),
            };
            let packet = self.wrap(data);
            if let Err(violations) = packet.validate() {
                self.text.truncate(before);
                return Err(violations.into());
            }
            self.started = true;
            self.ended = kind == PacketKind::Last;
            if cumulative {
                self.repetition.wrote(self.text.len());
            }
            Ok(self.write(&packet).into())
        }

        fn flush(&mut self) -> Option<Frame> {
            if self.ended || !self.repetition.held {
                return None;
            }
            self.repetition.wrote(self.text.len());
            let mut data = self.data(PacketKind::Next);
            data.answer = Some(self.text.clone());
            Some(self.write(&self.wrap(data)))
        }

        fn end(&mut self) -> Option<Frame> {
            if std::mem::replace(&mut self.ended, true) {
                return None;
            }
            let mut data = self.data(PacketKind::Last);
            if self.settings.answers == AnswerMode::Cumulative {
                data.answer = Some(std::mem::take(&mut self.text));
            }
            Some(self.write(&self.wrap(data)))
        }

        fn fail(&mut self, fault: &Fault) -> Option<Frame> {
            if std::mem::replace(&mut self.ended, true) {
                return None;
            }
            let mut packet = FailurePacket::new(FailurePacketFields {
                http_status_code: i32::from(fault.status),
                code: code(fault),
                message: &fault.message,
                data: self.data(PacketKind::Last),
            });
            packet.request_id.clone_from(&self.echo.request_id);
            Some(Frame::json(&packet))
        }
    }
}
