//! Data types for AICallKit, Alibaba Cloud's calls with AI agents.
//!
//! An app talks with an agent of Alibaba Cloud in an RTC channel. This module has the types that
//! configure such a call, its errors, and the messages that agent and app exchange over the data
//! channel. Use it in back ends that configure agents, in clients for which the platform has no SDK,
//! and in tools that read configurations and messages.
//!
//! # Configuration
//!
//! An [`AgentConfig`] is the configuration that an agent starts with. It is sent to the AppServer as
//! the JSON text `agent_config`.
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
//! // The parts are plain fields, not `Option`s.
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
//! Reading is lenient: a value out of its range is read. Call [`validate`] before you write a
//! configuration. [`Message::to_json`] calls it for you.
//!
//! # `default` and `unset`
//!
//! The values of a configuration are `Option`s. `None` is not written, and the platform then uses
//! the setting of the console or of the workflow.
//!
//! | | Sets | For |
//! |---|---|---|
//! | `new()`, `default()` | the defaults of the platform's SDK | the start of a call |
//! | `unset()` | nothing | a change to a running call, or the console's settings throughout |
//! | reading JSON | the fields of the JSON | |
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
//! The -1 that the SDK uses for "not set" is `None` here, and is never written.
//!
//! # Errors
//!
//! An [`ErrorCode`] is a Rust error with the platform's message. It is read from the number in the
//! platform's document and from the number in its current SDK. 0 means success and is not an
//! `ErrorCode`. An agent's own notices have other numbers, which [`AgentErrorNotice::error`] converts
//! into an `ErrorCode`:
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
//! | Source | Value | Error |
//! |---|---|---|
//! | [`AgentMessage::ErrorOccurred`] | 4001 | [`ErrorCode::AvatarRoutesExhausted`] |
//! | | 4004 | [`ErrorCode::AgentPullFailed`] |
//! | | 4005 | [`ErrorCode::AgentAsrFailed`] |
//! | | 4006 | [`ErrorCode::AvatarServiceFailed`] |
//! | `error_code` of the AppServer | `AgentNotFound` | [`ErrorCode::AgentNotFound`] |
//! | | `Forbidden.SubscriptionRequired` | [`ErrorCode::AgentSubscriptionRequired`] |
//! | `error_code` in chats | `InternalError`, `InternalServerError` | [`ErrorCode::InternalError`] |
//! | | `ChatLogNotFound` | [`ErrorCode::ChatLogNotFound`] |
//! | [`ShareConfig::expire_time`] | in the past | [`ErrorCode::TokenExpired`] |
//!
//! # The data channel
//!
//! A [`Message`] is an [`AgentMessage`] or a [`ClientMessage`] with its number, its sender and its
//! receiver. Both kinds are read and written, so you can implement either end.
//!
//! ```
//! use callbot::aicall::{AgentMessage, ClientMessage, Message, SendTextToAgentRequest};
//!
//! let question = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
//! let json = Message::new(question, 1).with_sender_id("u1").to_json()?;
//! assert!(json.starts_with(r#"{"type":1111,"data":{"text":"What is this?""#));
//!
//! let received = br#"{"type":1002,"data":{"text":"A cat.","sentenceId":1,"end":true},"seqId":3}"#;
//! match Message::from_json(received)?.body {
//!     AgentMessage::Subtitle(subtitle) => assert_eq!(subtitle.text, "A cat."),
//!     AgentMessage::ErrorOccurred(data) => println!("{:?}", data.code.error()),
//!     // Also kinds that this version does not know, with all their data.
//!     other => println!("{}", other.kind()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Callbacks
//!
//! [`callback`] receives what an agent reports to your server while it runs.
//!
//! # Names
//!
//! The search of this documentation also finds the platform's names of classes, fields and values.
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
//! | [`Template`] | the JSON text `template_config` |
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
//! [`AgentType::number`] returns the SDK's number of an agent type. A deprecated [`TemplateConfig`]
//! converts into an [`AgentConfig`] with `From`.
//!
//! # Not included
//!
//! - **The call itself.** RTC joins the channel and carries the media. Its SDK can also start an
//!   agent, by proprietary signaling.
//! - **Browser classes.** `AICallEngineConfig`, `AICallCameraConfig`, `AICallPushToTalkConfig` and
//!   `LatencyStat` hold page elements and statistics for display.
//! - **Tokens of an app server.** `callbot::aui` makes and reads them. Only share tokens, which hold
//!   a [`ShareConfig`], are here: `ShareTokens`, with the feature `client` or `server`.
//!
//! The types and their descriptions are compiled from [`SPEC`], which was written from the
//! platform's document and its SDK.
//!
//! [`validate`]: crate::wire::Validate::validate

mod agent;
pub mod callback;
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
