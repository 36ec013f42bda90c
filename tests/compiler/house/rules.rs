//! The rules of the platform, which every platform writes by hand.

use callbot::client::Failure;
use callbot::clock::SharedClock;
use callbot::codegen::{
    self, Answers, Delivery, FoldPackets, Frame, Outcome, PacketKind, Reads, Reported, Speaks,
    Step, WritePackets,
};
use callbot::server::{Fault, SendError};
use callbot::wire;
use http::StatusCode;
use serde_json::json;

use crate::compiled::fixture::{
    AddGuestParameters, AskParameters, BrokenWord, Guest, GuestList, ListGuestsParameters,
    Question, Reply, Request, Trouble, WhisperParameters, Word,
};

#[derive(Debug, Default)]
pub(crate) struct Rules;

impl codegen::Rules for Rules {
    type Echo = ();

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

impl Reads<(AskParameters, Request)> for Rules {
    fn echo(&self, _: &(AskParameters, Request)) {}
}

impl Reads<Request> for Rules {
    fn echo(&self, _: &Request) {}
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
        PacketWriter { words: Vec::new(), ended: false }
    }
}

#[derive(Debug)]
pub(crate) struct PacketWriter {
    words: Vec<String>,
    ended: bool,
}

impl PacketWriter {
    fn word(&mut self, text: String, kind: PacketKind) -> Frame {
        self.ended = kind == PacketKind::Last;
        Frame::json(&Word::new(text, self.ended))
    }
}

impl WritePackets for PacketWriter {
    type Event = String;

    fn packet(&mut self, text: String, kind: PacketKind) -> Result<Delivery, SendError> {
        if self.ended {
            return Err(SendError::Finished);
        }
        Ok(self.word(text, kind).into())
    }

    fn fold(&mut self, text: String, kind: PacketKind) -> Result<(), SendError> {
        if self.ended {
            return Err(SendError::Finished);
        }
        self.ended = kind == PacketKind::Last;
        self.words.push(text);
        Ok(())
    }

    fn end(&mut self) -> Option<Frame> {
        (!self.ended).then(|| self.word(String::new(), PacketKind::Last))
    }

    fn fail(&mut self, fault: &Fault) -> Option<Frame> {
        let broken = BrokenWord::new("", true, fault.message.as_ref());
        (!std::mem::replace(&mut self.ended, true)).then(|| Frame::json(&broken))
    }
}

impl FoldPackets for PacketWriter {
    type Answer = Reply;

    fn answer(&mut self) -> Reply {
        Reply::new(std::mem::take(&mut self.words))
    }
}

impl Outcome for Reply {
    fn failure(&self) -> Option<Failure> {
        None
    }

    fn failure_in(body: &[u8]) -> Option<Failure> {
        GuestList::failure_in(body)
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
        match self.text.as_str() {
            _ if self.last => Step::Last,
            "that is all" => Step::Complete,
            _ => Step::Next,
        }
    }
}
