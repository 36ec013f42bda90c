//! Fuzzes the decoder of JSON: it reads or rejects any bytes, and a value survives being written and read
//! again.
#![no_main]

use callbot::aicall::callback::Notification;
use callbot::aicall::{
    AgentConfig, AgentMessage, ClientMessage, Message, ShareConfig, ShareTokens, Template,
};
use callbot::aui::{
    FailureAnswer, GenerateCallRequest, GeneratedCall, InstanceDescription, RtcToken,
};
use callbot::chat::{ChatChunk, ChatCompletion, ChatRequest, ErrorAnswer};
use callbot::digital_employee::{
    AbortDialogueRequest, BeginSessionRequest, DialogueRequest, Packet,
};
use callbot::duix::Conversation;
use callbot::duix::dialogue::{self, DialogueAnswer};
use callbot::odfs::{Request, Response};
use callbot::wire::{Validate, decode};
use libfuzzer_sys::fuzz_target;

macro_rules! check {
    ($json:expr, $($ty:ty),*) => {$(
        if let Ok(value) = decode::<$ty>($json) {
            // A value that the spec does not allow need not survive, since it is never sent.
            if value.validate().is_ok() {
                let json = serde_json::to_vec(&value).unwrap();
                assert_eq!(decode::<$ty>(&json).as_ref(), Ok(&value));
            }
        }
    )*};
}

// Not everything that is read of a configuration is written. What was written survives another round.
macro_rules! settles {
    ($json:expr, $($ty:ty),*) => {$(
        if let Ok(value) = decode::<$ty>($json) {
            if value.validate().is_ok() {
                let json = serde_json::to_string(&value).unwrap();
                let again = decode::<$ty>(json.as_bytes()).unwrap();
                assert_eq!(serde_json::to_string(&again).unwrap(), json);
            }
        }
    )*};
}

#[path = "../../tests/support/odd_json.rs"]
#[allow(dead_code)]
mod odd_json;

// Odd forms of the same document are read alike. JSON that stands in a string, some types keep as a text.
macro_rules! same {
    ($pair:expr, $($ty:ty),*) => {$(
        let (odd, plain) = (decode::<$ty>($pair.odd.as_bytes()), decode::<$ty>($pair.plain.as_bytes()));
        assert_eq!(odd.ok(), plain.ok());
    )*};
}

fuzz_target!(|json: &[u8]| {
    // Each pair is a whole document, so their number has a limit.
    if json.len() < 512
        && let Ok(document) = serde_json::from_slice(json)
    {
        for pair in odd_json::halves_of_emoji(&document).iter().filter(|pair| !pair.in_string) {
            same!(pair, BeginSessionRequest, DialogueRequest, AbortDialogueRequest, Packet);
            same!(pair, Conversation, dialogue::DialogueRequest, DialogueAnswer, Request, Response);
            same!(pair, ChatRequest, ChatCompletion, ChatChunk, ErrorAnswer);
        }
        for pair in odd_json::forms_of_integers(&document) {
            check!(pair.odd.as_bytes(), DialogueRequest, Packet, Conversation, Request, Response);
        }
    }
    check!(json, BeginSessionRequest, DialogueRequest, AbortDialogueRequest, Packet);
    check!(json, Conversation, dialogue::DialogueRequest, DialogueAnswer, Request, Response);
    settles!(json, ChatRequest, ChatCompletion, ChatChunk, ErrorAnswer);
    settles!(json, AgentConfig, Template, ShareConfig, GenerateCallRequest, InstanceDescription);
    settles!(json, Message<AgentMessage>, Message<ClientMessage>, GeneratedCall, FailureAnswer);
    settles!(json, Notification);
    if let Ok(notification) = decode::<Notification>(json) {
        let _ = (notification.event(), notification.call_id());
    }
    if let Ok(text) = std::str::from_utf8(json) {
        let _ = (RtcToken::read(text), ShareTokens::new().read(text));
    }
    // The accessors must not panic.
    match decode::<Response>(json) {
        Ok(Response::Interact(answer)) => {
            let _ = (answer.outparams.prompt(), answer.outparams.intent_match());
            let _ = answer.outparams.filled_slots();
        }
        Ok(Response::Transfer(answer)) => drop(answer.outparams.route()),
        _ => {}
    }
    if let Ok(Request::Interacted(request)) = decode(json) {
        let _ = request.inparams.meaning();
    }
});
