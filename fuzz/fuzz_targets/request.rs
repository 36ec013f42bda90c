//! The decoder of requests: any bytes are read or refused, and what was read is written and read
//! back as the same.
#![no_main]

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
            // What the spec does not allow need not survive: it is not written.
            if value.validate().is_ok() {
                let json = serde_json::to_vec(&value).unwrap();
                assert_eq!(decode::<$ty>(&json).as_ref(), Ok(&value));
            }
        }
    )*};
}

fuzz_target!(|json: &[u8]| {
    check!(json, BeginSessionRequest, DialogueRequest, AbortDialogueRequest, Packet);
    check!(json, Conversation, dialogue::DialogueRequest, DialogueAnswer, Request, Response);
    // The views over the fields never fail, or say where.
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
