//! Conversions from the deprecated template configuration.
#![allow(deprecated)]

use super::{AgentConfig, AgentType, Template, TemplateConfig};

/// Sets the fields that are set in the template, and no others. `char_break` is dropped, because it
/// has no successor.
///
/// ```
/// # #![allow(deprecated)]
/// use callbot::aicall::{AgentConfig, AsrLanguage, TemplateConfig};
///
/// let mut template = TemplateConfig::unset();
/// template.greeting = Some("Hello!".into());
/// template.volume = Some(50);
/// template.asr_language_id = Some(AsrLanguage::English);
///
/// let config = AgentConfig::from(template);
/// assert_eq!(
///     serde_json::to_string(&config)?,
///     r#"{"Volume":50,"Greeting":"Hello!","AsrConfig":{"AsrLanguageId":"en"}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
impl From<TemplateConfig> for AgentConfig {
    fn from(template: TemplateConfig) -> Self {
        let list = |list: Vec<String>| (!list.is_empty()).then_some(list);
        let mut config = Self::unset();
        config.greeting = template.greeting;
        config.wake_up_query = template.wake_up_query;
        config.max_idle_time = template.max_idle_time;
        config.user_online_timeout = template.user_online_timeout;
        config.user_offline_timeout = template.user_offline_timeout;
        config.enable_push_to_talk = template.enable_push_to_talk;
        config.graceful_shutdown = template.graceful_shutdown;
        config.volume = template.volume;
        config.workflow_override_params = template.workflow_override_params;
        config.enable_intelligent_segment = template.enable_intelligent_segment;
        config.avatar_url = template.avatar_url;
        config.avatar_url_type = template.avatar_url_type;
        config.asr.language_id = template.asr_language_id;
        config.asr.max_silence = template.asr_max_silence;
        config.asr.hot_words = list(template.asr_hot_words);
        config.asr.vad_level = template.vad_level;
        config.tts.voice_id = template.voice_id;
        config.tts.voice_id_list = template.voice_id_list;
        config.llm.history_limit = template.llm_history_limit;
        config.llm.system_prompt = template.llm_system_prompt;
        config.llm.bailian_app_params = template.bailian_app_params;
        config.llm.history = template.llm_history;
        config.avatar.avatar_id = template.avatar_id;
        config.interrupt.enable_voice_interrupt = template.enable_voice_interrupt;
        config.interrupt.interrupt_words = list(template.interrupt_words);
        config.voiceprint.voiceprint_id = template.voiceprint_id;
        config.voiceprint.use_voiceprint = template.use_voiceprint;
        config.vcr = template.vcr.unwrap_or_else(super::VcrConfig::unset);
        config
    }
}

impl Template {
    /// Returns the template of an agent of this type: `settings` under the type's key.
    ///
    /// As in the platform's SDK, `avatar_id` is left out for voice and vision agents.
    /// Returns `None` for a message chat, which has settings of another kind, and for an unknown
    /// type.
    #[must_use]
    pub fn of(agent_type: &AgentType, mut settings: TemplateConfig) -> Option<Self> {
        if matches!(agent_type, AgentType::Voice | AgentType::Vision) {
            settings.avatar_id = None;
        }
        let template = Self::new();
        Some(match agent_type {
            AgentType::Voice => template.with_voice(settings),
            AgentType::Avatar => template.with_avatar(settings),
            AgentType::Vision => template.with_vision(settings),
            AgentType::Video => template.with_video(settings),
            AgentType::Message | AgentType::Unknown(_) => return None,
        })
    }

    /// Returns the settings for an agent of this type.
    #[must_use]
    pub fn settings(&self, agent_type: &AgentType) -> Option<&TemplateConfig> {
        match agent_type {
            AgentType::Voice => self.voice.as_ref(),
            AgentType::Avatar => self.avatar.as_ref(),
            AgentType::Vision => self.vision.as_ref(),
            AgentType::Video => self.video.as_ref(),
            AgentType::Message | AgentType::Unknown(_) => None,
        }
    }
}
