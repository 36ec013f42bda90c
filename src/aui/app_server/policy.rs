//! What callers may set of an agent's configuration.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::aicall::{AgentConfig, AgentType, Template};
use crate::aui::upstream::merged;
use crate::server::Error;
use crate::wire::{Printable, decode_value};

/// A group of settings in an agent's configuration, for
/// [`AppServer::callers_may_set`](super::AppServer::callers_may_set).
///
/// A setting belongs to the same group in `agent_config` and in the older `template_config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentSetting {
    /// The greeting.
    Greeting,
    /// The id of the voice.
    Voice,
    /// The other settings of speech synthesis, and the volume.
    Speech,
    /// The settings of speech recognition, except the parameters of a custom service.
    Recognition,
    /// How the user interrupts the agent, push-to-talk, and when an utterance has ended.
    Turns,
    /// How long the agent waits and stays.
    Timeouts,
    /// The digital human, and the picture of the agent.
    Avatar,
    /// The user's voiceprint.
    Voiceprint,
    /// What the model gets: prompt, history, functions, the first query, and parameters for the model,
    /// the workflow, custom speech recognition and single customers.
    Model,
    /// The rest: detection in the user's video, background sounds, and what the agent says unprompted.
    Other,
}

impl AgentSetting {
    /// All groups.
    pub const ALL: [Self; 10] = [
        Self::Greeting,
        Self::Voice,
        Self::Speech,
        Self::Recognition,
        Self::Turns,
        Self::Timeouts,
        Self::Avatar,
        Self::Voiceprint,
        Self::Model,
        Self::Other,
    ];

    /// Returns the group of a field of `agent_config`, or of the settings in `template_config`. `inner` is
    /// the name of a field inside the part `key`.
    fn of(key: &str, inner: Option<&str>) -> Self {
        match (key, inner) {
            ("Greeting", _) => Self::Greeting,
            ("VoiceId", _) | ("TtsConfig", Some("VoiceId")) => Self::Voice,
            ("TtsConfig" | "Volume" | "VoiceIdList", _) => Self::Speech,
            ("AsrConfig", Some("CustomParams")) => Self::Model,
            ("AsrConfig" | "AsrMaxSilence" | "AsrLanguageId" | "AsrHotWords" | "VadLevel", _) => {
                Self::Recognition
            }
            (
                "InterruptConfig"
                | "EnableVoiceInterrupt"
                | "InterruptWords"
                | "TurnDetectionConfig"
                | "EnablePushToTalk"
                | "EnableIntelligentSegment",
                _,
            ) => Self::Turns,
            (
                "MaxIdleTime" | "UserOnlineTimeout" | "UserOfflineTimeout" | "GracefulShutdown",
                _,
            ) => Self::Timeouts,
            ("AvatarConfig" | "AvatarId" | "AvatarUrl" | "AvatarUrlType", _) => Self::Avatar,
            ("VoiceprintConfig" | "UseVoiceprint" | "VoiceprintId", _) => Self::Voiceprint,
            (
                "LlmConfig"
                | "LlmHistoryLimit"
                | "LlmSystemPrompt"
                | "LlmHistory"
                | "BailianAppParams"
                | "WorkflowOverrideParams"
                | "WakeUpQuery"
                | "ExperimentalConfig",
                _,
            ) => Self::Model,
            _ => Self::Other,
        }
    }
}

/// The configurations of the server, and what callers may set.
#[derive(Debug)]
pub(super) struct Policy {
    pub(super) configs: HashMap<AgentType, AgentConfig>,
    pub(super) callers: Vec<AgentSetting>,
}

impl Default for Policy {
    fn default() -> Self {
        let callers = vec![AgentSetting::Voice, AgentSetting::Greeting];
        Self { configs: HashMap::new(), callers }
    }
}

/// What a request sets, as far as its caller may.
pub(super) struct Wanted {
    pub(super) agent_config: Option<AgentConfig>,
    pub(super) template_config: Option<Template>,
    pub(super) dropped: Dropped,
}

impl Policy {
    /// Removes the settings that callers may not set.
    pub(super) fn admit(
        &self,
        operation: &'static str,
        agent_config: Option<AgentConfig>,
        template_config: Option<Template>,
    ) -> Result<Wanted, Error> {
        let may = |setting| self.callers.contains(&setting);
        let mut dropped = Dropped { operation, fields: Vec::new(), request_id: None };
        if AgentSetting::ALL.into_iter().all(may) {
            return Ok(Wanted { agent_config, template_config, dropped });
        }
        let agent_config = agent_config.map(|config| {
            kept(&config, |json| retain(json, "agent_config", &may, &mut dropped.fields))
        });
        let agent_config = agent_config.transpose()?;
        let template_config = template_config.map(|template| {
            kept(&template, |json| retain_template(json, &may, &mut dropped.fields))
        });
        Ok(Wanted { agent_config, template_config: template_config.transpose()?, dropped })
    }

    /// Adds the server's configuration for an agent that starts. What the request sets, wins: in
    /// `agent_config` over `template_config`, as on the platform.
    pub(super) fn complete(
        &self,
        agent_type: Option<&AgentType>,
        wanted: &mut Wanted,
    ) -> Result<(), Error> {
        let Some((agent_type, config)) = agent_type.and_then(|of| self.configs.get_key_value(of))
        else {
            return Ok(());
        };
        let mut config = config.clone();
        // The platform prefers `agent_config`, so the server's values would hide the template's.
        let template = wanted.template_config.as_ref();
        if let Some(settings) = template.and_then(|template| template.settings(agent_type)) {
            let settings = AgentConfig::from(settings.clone());
            config = merged(&config, &settings)?;
        }
        if *agent_type == AgentType::Message
            && let Some(message) = template.and_then(|template| template.message.as_ref())
            && let Some(voice) = &message.voice_id
        {
            config.tts.voice_id = Some(voice.clone());
        }
        if let Some(wanted) = &wanted.agent_config {
            config = merged(&config, wanted)?;
        }
        wanted.agent_config = Some(config);
        Ok(())
    }

    /// Hides what the model gets from a description, unless callers may set it: the prompt of the
    /// server is not for the page of a caller.
    pub(super) fn shown(
        &self,
        agent_config: Option<AgentConfig>,
        template_config: Option<Template>,
    ) -> Result<(AgentConfig, Template), Error> {
        let (config, template) =
            (agent_config.unwrap_or_else(AgentConfig::unset), template_config.unwrap_or_default());
        if self.callers.contains(&AgentSetting::Model) {
            return Ok((config, template));
        }
        let may = |setting| setting != AgentSetting::Model;
        let mut hidden = Vec::new();
        let config = kept(&config, |json| retain(json, "", &may, &mut hidden))?;
        Ok((config, kept(&template, |json| retain_template(json, &may, &mut hidden))?))
    }
}

/// Returns what `retain` leaves of a configuration.
fn kept<T>(config: &T, retain: impl FnOnce(&mut Map<String, Value>)) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned,
{
    let mut json = serde_json::to_value(config)?;
    if let Value::Object(fields) = &mut json {
        retain(fields);
    }
    Ok(decode_value(&json)?)
}

fn retain_template(
    template: &mut Map<String, Value>,
    may: &impl Fn(AgentSetting) -> bool,
    dropped: &mut Vec<String>,
) {
    for (key, settings) in template {
        if let Value::Object(settings) = settings {
            retain(settings, &format!("template_config/{key}"), may, dropped);
        }
    }
}

/// Removes the fields whose settings are not allowed, and adds their paths to `dropped`.
fn retain(
    fields: &mut Map<String, Value>,
    at: &str,
    may: &impl Fn(AgentSetting) -> bool,
    dropped: &mut Vec<String>,
) {
    // Not all parts of a configuration belong to one group. Free objects have names that callers choose,
    // and no log should repeat those.
    let is_part = |key: &str| key.ends_with("Config") && key != "ExperimentalConfig";
    fields.retain(|key, value| match value {
        Value::Object(part) if is_part(key) => {
            part.retain(|inner, _| {
                let keep = may(AgentSetting::of(key, Some(inner)));
                if !keep {
                    dropped.push(format!("{at}/{key}/{inner}"));
                }
                keep
            });
            !part.is_empty()
        }
        _ => {
            let keep = may(AgentSetting::of(key, None));
            if !keep {
                dropped.push(format!("{at}/{key}"));
            }
            keep
        }
    });
}

/// The names of the fields that were dropped. They are logged when this is dropped itself, so also if
/// the caller disconnects before the upstream has answered. The values stay out of the log.
pub(super) struct Dropped {
    operation: &'static str,
    fields: Vec<String>,
    /// The id of the upstream's request, once it is known.
    pub(super) request_id: Option<String>,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if self.fields.is_empty() {
            return;
        }
        let (operation, request_id) = (self.operation, self.request_id.as_deref());
        // The name of a template may be any that the caller chose.
        let fields: Vec<_> =
            self.fields.iter().map(|field| Printable::cut(field).to_string()).collect();
        tracing::info!(
            operation,
            request_id,
            "dropped settings that callers may not set: {}",
            fields.join(", ")
        );
    }
}
