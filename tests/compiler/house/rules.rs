//! The rules of the platform, which every platform writes by hand.

use callbot::client::Failure;
use callbot::clock::SharedClock;
use callbot::codegen::{
    self, Answers, Frame, Outcome, PacketKind, Reads, Reported, Speaks, Step, WritePackets,
};
use callbot::server::{Fault, SendError};
use callbot::wire;
use http::StatusCode;
use serde_json::json;

use crate::compiled::fixture::{
    AddGuestParameters, BrokenWord, Guest, GuestList, ListGuestsParameters, Question, Trouble,
    WhisperParameters, Word,
};

#[derive(Debug, Default)]
pub(crate) struct Rules;

impl codegen::Rules for Rules {
    type Echo = ();

    fn platform(_: &callbot::wire::Operation) -> &'static str {
        "house"
    }

    fn salvage(&self, _: &[u8]) {}

    fn refuse(&self, _: &wire::Operation, (): (), fault: &Fault) -> (StatusCode, String) {
        let body = json!({"success": false, "msg": fault.message});
        (StatusCode::from_u16(fault.status).unwrap(), body.to_string())
    }
}

impl Reads<ListGuestsParameters> for Rules {
    fn echo(&self, _: &ListGuestsParameters) {}
}

impl Reads<(AddGuestParameters, Guest)> for Rules {
    fn echo(&self, _: &(AddGuestParameters, Guest)) {}
}

impl Reads<()> for Rules {
    fn echo(&self, (): &()) {}
}

impl Reads<WhisperParameters> for Rules {
    fn echo(&self, _: &WhisperParameters) {}
}

impl Reads<Question> for Rules {
    fn echo(&self, _: &Question) {}
}

impl Answers<Vec<Guest>> for Rules {
    type Answer = GuestList;

    fn answer(&self, (): &(), guests: Vec<Guest>) -> GuestList {
        GuestList::new(true, guests)
    }
}

impl Answers<GuestList> for Rules {
    type Answer = GuestList;

    fn answer(&self, (): &(), list: GuestList) -> GuestList {
        list
    }
}

impl Speaks for Rules {
    type Writer = PacketWriter;

    fn writer(&self, (): (), _: &SharedClock) -> PacketWriter {
        PacketWriter { ended: false }
    }
}

#[derive(Debug)]
pub(crate) struct PacketWriter {
    ended: bool,
}

impl WritePackets for PacketWriter {
    type Event = String;

    fn packet(&mut self, text: String, kind: PacketKind) -> Result<Frame, SendError> {
        if self.ended {
            return Err(SendError::Finished);
        }
        self.ended = kind == PacketKind::Last;
        Ok(Frame::json(&Word::new(text, self.ended)))
    }

    fn end(&mut self) -> Option<Frame> {
        self.packet(String::new(), PacketKind::Last).ok()
    }

    fn fail(&mut self, fault: &Fault) -> Option<Frame> {
        let broken = BrokenWord::new("", true, fault.message.as_ref());
        (!std::mem::replace(&mut self.ended, true)).then(|| Frame::json(&broken))
    }
}

impl Outcome for GuestList {
    fn failure(&self) -> Option<Failure> {
        (!self.success).then(|| Failure::new("failed").with_message(self.message.clone()))
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        let trouble: Trouble = wire::decode(body).ok()?;
        Some(Failure::new("failed").with_message(Some(trouble.msg)))
    }
}

impl Outcome for Word {
    fn failure(&self) -> Option<Failure> {
        self.reason.clone().map(|reason| Failure::new("broken").with_message(Some(reason)))
    }
}

impl Reported for Word {
    fn step(&self) -> Step {
        if self.last { Step::Last } else { Step::Next }
    }
}
