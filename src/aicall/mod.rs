//! AICallKit of Alibaba Cloud: calls with AI agents, as data types.
//!
//! An app talks with an agent of Alibaba Cloud in an RTC channel. This module has what is said
//! about such a call outside the channel, and what agent and app tell each other on its data
//! channel. It is for back ends that configure agents, for clients that the platform has no SDK for,
//! and for tools that read what others have written.
//!
//! # A configuration
//!
//! An [`AgentConfig`] is what an agent starts with. It goes to the AppServer as JSON text,
//! `agent_config`.
//!
//! ```
//! use std::time::Duration;
//!
//! use callbot::aicall::{AgentConfig, AsrConfig, AsrLanguage, TtsConfig};
//! use callbot::wire::Validate;
//!
//! let asr = AsrConfig::new()
//!     .with_language_id(AsrLanguage::English)
//!     .with_max_silence(Duration::from_millis(600));
//! let mut config = AgentConfig::new()
//!     .with_greeting("Hello! How can I help?")
//!     .with_asr(asr)
//!     .with_tts(TtsConfig::new().with_speech_rate(1.2));
//! // The parts are always there.
//! config.interrupt.interrupt_words = Some(vec!["Excuse me".into()]);
//!
//! config.validate()?;
//! let agent_config = serde_json::to_string(&config)?;
//! let asr = r#""AsrConfig":{"AsrLanguageId":"en","AsrMaxSilence":600,"VadLevel":11}"#;
//! assert!(agent_config.contains(asr));
//!
//! let error = config.with_volume(500).validate().unwrap_err();
//! assert_eq!(error.to_string(), "/Volume: 500, allowed: 0 to 400");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading is lenient: a value out of its range is read, and [`validate`] finds it before it is
//! written. [`Message::to_json`] asks `validate` itself.
//!
//! # `default` and `unset`
//!
//! The values of a configuration are `Option`s. `None` is not written, and then the platform's own
//! setting holds: that of the console, or of the workflow.
//!
//! | | sets | for |
//! |---|---|---|
//! | `new()`, `default()` | what the platform's SDK starts with | the start of a call |
//! | `unset()` | nothing | a change while the call runs, or all as in the console |
//! | reading JSON | what is there; what is missing is unset | |
//!
//! ```
//! use callbot::aicall::AgentConfig;
//!
//! let quieter = AgentConfig::unset().with_volume(50);
//! assert_eq!(serde_json::to_string(&quieter)?, r#"{"Volume":50}"#);
//!
//! let config: AgentConfig = serde_json::from_str("{}")?;
//! assert_eq!(config, AgentConfig::unset());
//! assert_ne!(config, AgentConfig::default());
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! What the SDK writes as -1 for "not set" is `None` here. It is never written.
//!
//! # Errors
//!
//! An [`ErrorCode`] is an error of Rust with the platform's text. It is read by the number of the
//! platform's document and by that of its current SDK, and 0, success, is none. What an agent notes
//! by itself has other numbers, from which [`AgentErrorNotice::error`] makes an `ErrorCode`:
//!
//! ```
//! use callbot::aicall::{AgentErrorNotice, ErrorCode};
//!
//! assert_eq!(ErrorCode::from_code(0), None);
//! assert_eq!(ErrorCode::from_code(-10306), Some(ErrorCode::ChatLogNotFound));
//! assert_eq!(ErrorCode::ChatLogNotFound.code(), -10331);
//! assert_eq!(ErrorCode::TokenExpired.to_string(), "Call authentication expired.");
//!
//! let notice = AgentErrorNotice::from_code(4005);
//! assert_eq!(notice.error(), Some(ErrorCode::AgentAsrFailed));
//! ```
//!
//! | Where | What | Becomes |
//! |---|---|---|
//! | [`AgentMessage::ErrorOccurred`] | 4001 | [`ErrorCode::AvatarRoutesExhausted`] |
//! | | 4004 | [`ErrorCode::AgentPullFailed`] |
//! | | 4005 | [`ErrorCode::AgentAsrFailed`] |
//! | | 4006 | [`ErrorCode::AvatarServiceFailed`] |
//! | `error_code` of the AppServer | `AgentNotFound` | [`ErrorCode::AgentNotFound`] |
//! | | `Forbidden.SubscriptionRequired` | [`ErrorCode::AgentSubscriptionRequired`] |
//! | the same, in chats | `InternalError`, `InternalServerError` | [`ErrorCode::InternalError`] |
//! | | `ChatLogNotFound` | [`ErrorCode::ChatLogNotFound`] |
//! | [`ShareConfig::expire_time`] | is past | [`ErrorCode::TokenExpired`] |
//!
//! # The data channel
//!
//! A [`Message`] is an [`AgentMessage`] or a [`ClientMessage`] with its number and the names of
//! sender and receiver. Both ends can be played: either kind is read and written.
//!
//! ```
//! use callbot::aicall::{AgentMessage, ClientMessage, Message, SendTextToAgentRequest};
//!
//! let ask = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
//! let bytes = Message::new(ask, 1).with_sender_id("u1").to_json()?;
//! # let _ = bytes;
//!
//! let heard = br#"{"type":1002,"data":{"text":"A cat.","sentenceId":1,"end":true},"seqId":3}"#;
//! match Message::from_json(heard)?.body {
//!     AgentMessage::Subtitle(subtitle) => println!("{}", subtitle.text),
//!     AgentMessage::ErrorOccurred(data) => println!("{:?}", data.code.error()),
//!     // Newer kinds as well, with all their data.
//!     other => println!("{}", other.kind()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Names
//!
//! A search of these pages also finds the platform's names, of classes as of fields and values.
//!
//! | Here | In the platform's SDK |
//! |---|---|
//! | [`AgentConfig`] | `AICallAgentConfig` |
//! | [`AsrConfig`] | `AICallAgentAsrConfig` |
//! | [`TtsConfig`] | `AICallAgentTtsConfig` |
//! | [`LlmConfig`] | `AICallAgentLlmConfig` |
//! | [`AvatarConfig`] | `AICallAgentAvatarConfig` |
//! | [`InterruptConfig`] | `AICallAgentInterruptConfig` |
//! | [`VoiceprintConfig`] | `AICallAgentVoiceprintConfig` |
//! | [`TurnDetectionConfig`] | `AICallAgentTurnDetectionConfig` |
//! | [`AmbientSoundConfig`] | `AICallAgentAmbientConfig` |
//! | [`BackChannelingConfig`] | `AICallAgentBackChanneling` |
//! | [`AutoSpeechConfig`] | `AICallAgentAutoSpeechConfig` |
//! | [`AutoSpeechContent`] | `AICallAgentAutoSpeechContent` |
//! | [`AutoSpeechLlmPending`] | `AICallAgentAutoSpeechLlmPending` |
//! | [`AutoSpeechUserIdle`] | `AICallAgentAutoSpeechUserIdle` |
//! | [`VcrConfig`] | `AICallAgentVcrConfig` |
//! | [`VcrBaseConfig`] | `AICallAgentVcrBaseConfig` |
//! | [`VcrFrameMotionConfig`] | `AICallAgentVcrFrameMotionConfig` |
//! | [`VcrResult`] | `AICallAgentVcrResult` |
//! | [`CallConfig`] | `AICallConfig` |
//! | [`ChatSyncConfig`] | `AICallChatSyncConfig` |
//! | [`ShareConfig`] | `AICallAgentShareConfig` |
//! | [`AgentInfo`] | `AICallAgentInfo` |
//! | [`Template`] | the text `template_config` |
//! | [`TemplateConfig`], deprecated | `AICallTemplateConfig` |
//! | [`MessageTemplateConfig`] | `AIChatTemplateConfig` |
//! | [`SendTextToAgentRequest`] | `AICallSendTextToAgentRequest` |
//! | [`VisionCaptureRequest`] | `AICallVisionCustomCaptureRequest` |
//! | [`SubtitleData`] | `AICallSubtitleData` |
//! | [`AgentType`] | `AICallAgentType` |
//! | [`AgentState`] | `AICallAgentState` |
//! | [`SpeakingInterruptedReason`] | `AICallSpeakingInterruptedReason` |
//! | [`VoiceprintResult`] | `AICallVoiceprintResult` |
//! | [`CallState`] | `AICallState` |
//! | [`ConnectionStatus`] | `AICallConnectionStatus` |
//! | [`TurnDetectionMode`] | `AICallTurnDetectionMode` |
//! | [`ErrorCode`] | `AICallErrorCode` |
//!
//! [`AgentType::number`] is the number that the SDK has for a type of agent. [`AgentConfig`] comes
//! from a deprecated [`TemplateConfig`] by `From`.
//!
//! # What is not here
//!
//! - **The call.** How the channel is joined and what travels in it is RTC's own. The signalling by
//!   which its SDK can start an agent is proprietary.
//! - **Classes of the browser**: `AICallEngineConfig`, `AICallCameraConfig`,
//!   `AICallPushToTalkConfig` and `LatencyStat` hold elements of pages and numbers for screens.
//! - **Tokens of an app server.** `callbot::aui` makes and reads them. Only share tokens, which hold
//!   a [`ShareConfig`], are here: `ShareTokens`, with the feature `client` or `server`.
//!
//! The types and their descriptions are compiled from [`SPEC`], written from the platform's
//! document and its SDK.
//!
//! [`validate`]: crate::wire::Validate::validate

mod agent;
mod checks;
mod data_channel;
mod gmt_time;
#[cfg(feature = "auth")]
mod share_token;
mod template;

#[allow(deprecated, clippy::large_enum_variant, clippy::too_many_lines)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/aicall.rs"));
}

pub use data_channel::{Message, MessageBody};
pub use generated::*;
pub use gmt_time::{GmtTime, GmtTimeError};
#[cfg(feature = "auth")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "client", feature = "server"))))]
pub use share_token::{ShareTokenError, ShareTokens};

/// The spec that this module is compiled from: JSON Schema, in YAML.
pub const SPEC: &str = include_str!("../../specs/aicall.yaml");
