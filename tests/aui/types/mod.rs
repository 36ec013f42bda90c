//! The types of AICall: how configurations, messages and tokens are read, written and checked.

#![cfg(feature = "aicall")]
#![allow(deprecated)]

mod defaults;
mod enums;
mod errors;
mod hostile;
mod messages;
mod privacy;
mod rules;
mod samples;
#[cfg(feature = "schemars")]
mod schemas;
mod shares;
mod spellings;
mod templates;
mod vcr;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use callbot::aicall::{
    AgentConfig, AgentErrorData, AgentErrorNotice, AgentFunction, AgentInfo, AgentLeaveData,
    AgentMessage, AgentState, AgentStateData, AgentType, AmbientSoundConfig, AsrConfig,
    AsrLanguage, AsrMaxSilenceData, AutoSpeechConfig, AutoSpeechContent, AutoSpeechLlmPending,
    AutoSpeechUserIdle, AvatarConfig, BackChannelingConfig, BailianAppParamsData, CallConfig,
    CallState, CaptureMode, ChatSyncConfig, ClientMessage, ConnectionStatus, CustomMessageData,
    CustomMessageToServerData, Eagerness, EmotionData, Envelope, ErrorCode, FrameMotionResult,
    GmtTime, HeadMotionResult, HumanTakeoverConnectedData, HumanTakeoverData, InterruptConfig,
    LeaveReason, LlmConfig, LlmFunctionMapping, LlmHistoryEntry, LlmReplyData, LookAwayResult,
    Message, MessageRole, MessageTemplateConfig, NoInterruptMode, PeopleCountResult,
    PronunciationRule, PronunciationType, RegistrationMode, RtcTokenData, RtcTokenRequestData,
    SendTextToAgentRequest, ShareConfig, SpeakerEmotion, SpeakingInterruptedData,
    SpeakingInterruptedReason, SpeechOrder, SpeechRateData, SubtitleData, SwitchData,
    SystemPromptData, TakeoverMode, Template, TemplateConfig, TriggerStage, TtsConfig, TtsEmotion,
    TtsLanguage, TtsModel, TurnDetectionConfig, TurnDetectionMode, UserSubtitleData, VcrBaseConfig,
    VcrConfig, VcrFrameMotionConfig, VcrResult, VisionCaptureRequest, VoiceIdData,
    VoiceprintConfig, VoiceprintResult,
};
use callbot::wire::{DecodeError, Validate, decode, decode_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::support::types::{self, Reader, Sample, read, read_as, try_read, written};

/// The samples, each with the pointers that must be there to read it. A `full` sample has every field
/// that is written.
fn samples() -> Vec<Sample<&'static [&'static str]>> {
    types::samples! { "aicall";
        "agent-config-default": AgentConfig, &[];
        "agent-config-joined": AgentConfig, &[];
        "agent-config-full": AgentConfig, &[];
        "vcr-config": VcrConfig, &[];
        "vcr-result": VcrResult, &[];
        "vcr-result-full": VcrResult, &[];
        "template-default": Template, &[];
        "template-message": Template, &[];
        "template-full": Template, &[];
        "call-config": CallConfig,
            &["/agentId", "/agentType", "/userId", "/chatSyncConfig/IMAIAgentId",
              "/chatSyncConfig/ReceiverId"];
        "chat-sync": ChatSyncConfig, &["/IMAIAgentId", "/ReceiverId"];
        "share": ShareConfig, &[];
        "share-full": ShareConfig, &[];
        "agent-info": AgentInfo, &[];
        "user-subtitle": Message<AgentMessage>, &["/type", "/data"];
        "send-text": Message<ClientMessage>, &["/type", "/data", "/data/text"];
        "vision-capture": VisionCaptureRequest, &[];
    }
}

fn sample(name: &str) -> Value {
    types::find(samples(), name).json()
}

/// Returns the JSON with every number as a float, so that 1 and 1.0 are equal.
fn plain(mut json: Value) -> Value {
    match &mut json {
        Value::Number(number) => {
            *number = serde_json::Number::from_f64(number.as_f64().unwrap()).unwrap()
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = plain(item.take())),
        Value::Object(object) => object.values_mut().for_each(|item| *item = plain(item.take())),
        _ => {}
    }
    json
}

/// Returns a document with only this value at the pointer, and the objects and lists around it.
fn document(pointer: &str, value: Value) -> Value {
    pointer.rsplit('/').filter(|key| !key.is_empty()).fold(value, |value, key| match key {
        "0" => json!([value]),
        key => json!({key: value}),
    })
}

fn object(json: Value) -> Map<String, Value> {
    let Value::Object(object) = json else { panic!("{json}") };
    object
}
