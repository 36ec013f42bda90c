//! The types of ODFS: every documented sample, what else must be readable, the texts with custom types,
//! and the views of several fields.

mod inputs;
mod json_texts;
mod play_templates;
mod prompts;
mod routes;
mod samples;
mod times;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use callbot::odfs::{
    CallScriptStep, CallTime, ChangeType, ChildIntent, DateTime, DtmfKeys, FilledSlot,
    FilledSlotFields, FlowResultType, Input, InputMode, IntentMatch, InteractOutParams, Interacted,
    InteractedInParams, InteractedInParamsFields, Language, ModelType, Prompt, PromptType,
    QueryOutParams, QueryType, RecognitionError, RecognitionId, Recognitions, Request, Response,
    Route, SPEC, TokenRequest, TokenResponse, Tone, TransferOutParams, TransferOutParamsFields,
    TransferResult, TransferType, TransferredInParams, TransferredInParamsFields,
};
use callbot::wire::{Validate, decode, decode_value};
use serde_json::{Value, json};

use crate::support::types::{self, Sample, set, without};

const START: &[&str] = &["/userid", "/inaction", "/inparams"];
const INTERACTED: &[&str] = &["/userid", "/inaction", "/inparams", "/inparams/flow_result_type"];
const TRANSFERRED: &[&str] = &["/userid", "/inaction", "/inparams", "/inparams/trans_result"];
const CAPTURE: &[&str] = &["/userid", "/inaction", "/inparams"];
const INTERACT: &[&str] =
    &["/outaction", "/outparams", "/outparams/call_id", "/outparams/prompt_type"];
const RELEASE: &[&str] = &[
    "/outaction",
    "/outparams/call_id",
    "/outparams/call_sor_id",
    "/outparams/call_dst_id",
    "/outparams/start_time",
    "/outparams/end_time",
];
const TRANSFER: &[&str] = &[
    "/outaction",
    "/outparams",
    "/outparams/call_id",
    "/outparams/call_sor_id",
    "/outparams/trans_type",
];

/// The samples, each with the pointers that must be there to read it. `document-` samples are examples of
/// the platform's document, and `full-` samples have every documented field.
fn samples() -> Vec<Sample<&'static [&'static str]>> {
    types::samples! { "odfs";
        "start": Request, START;
        "interacted": Request, INTERACTED;
        "hangup": Request, INTERACTED;
        "transferred": Request, TRANSFERRED;
        "document-interacted": Request, INTERACTED;
        "full-start": Request, START;
        "full-interacted": Request, INTERACTED;
        "full-transferred": Request, TRANSFERRED;
        "full-capture": Request, CAPTURE;
        "full-recognize": Request, CAPTURE;
        "document-interact": Response, INTERACT;
        "document-query": Response, INTERACT;
        "document-transfer": Response, TRANSFER;
        "document-release": Response, RELEASE;
        "transfer": Response, TRANSFER;
        "hangup-release": Response, RELEASE;
        "recognized": Response,
            &["/outaction", "/outparams", "/outparams/call_id", "/outparams/recognize_type"];
        "captured": Response, &["/outaction", "/outparams"];
        "family-refusal": Response, &["/outaction"];
        "full-interact": Response, INTERACT;
        "full-query": Response, INTERACT;
        "full-transfer": Response, TRANSFER;
        "full-release": Response, RELEASE;
        "token-request": TokenRequest, &["/appKey", "/appSecret"];
        "token-response": TokenResponse, &["/errorCode"];
        "intent-match": IntentMatch, &[];
        "filled-slot": FilledSlot, &["/beginIndex", "/endIndex", "/type", "/entity", "/tag"];
    }
}

fn sample(name: &str) -> Sample<&'static [&'static str]> {
    types::find(samples(), name)
}

/// The places whose value may be any JSON and is kept unchanged.
const FREE: [&str; 5] =
    ["/outparams/xxx", "/extparams/anything", "/call_script", "/recomand_KP", "/sensitive_word"];

fn is_free(pointer: &str) -> bool {
    FREE.iter().any(|free| pointer.starts_with(free))
}

/// Returns the pointer and the value of everything that a type describes in a document, the document
/// itself first.
fn places(document: &Value) -> Vec<(String, Value)> {
    let places = types::places(document).into_iter().filter(|place| !is_free(place));
    places.map(|place| (place.clone(), document.pointer(&place).unwrap().clone())).collect()
}

impl Sample<&'static [&'static str]> {
    fn is_token(&self) -> bool {
        self.name.starts_with("token")
    }
}

/// Returns the document as it is written: with numbers where numbers are documented.
fn documented(mut json: Value) -> Value {
    for key in ["ret", "outaction"] {
        if let Some(Value::String(text)) = json.get(key) {
            json[key] = text.parse().unwrap();
        }
    }
    json
}

fn time(text: &str) -> CallTime {
    let time: CallTime = text.parse().unwrap();
    assert_eq!((time.as_str(), time.to_string().as_str()), (text, text));
    assert_eq!(serde_json::to_value(&time).unwrap(), text);
    assert_eq!(decode_value(&json!(text)).as_ref(), Ok(&time));
    time
}
