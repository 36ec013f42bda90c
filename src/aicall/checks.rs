//! Rules of configurations that a schema cannot express.

use std::time::Duration;

use super::{
    AsrConfig, AutoSpeechContent, AutoSpeechLlmPending, AutoSpeechUserIdle, BackChannelingConfig,
    LlmConfig, VoiceprintConfig,
};
use crate::wire::Report;

impl AsrConfig {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let allowed = "0 to turn it off, or 200 to 2000 milliseconds";
        not_between(self.vad_duration, 200, report.field("VadDuration"), allowed);
    }
}

impl LlmConfig {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let allowed = "0 to turn it off, or 1000 to 10000 milliseconds";
        not_between(self.output_max_delay, 1000, report.field("OutputMaxDelay"), allowed);
    }
}

impl VoiceprintConfig {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        // The flag would not be written, and its author could not tell why it has no effect.
        if self.use_voiceprint == Some(true) && self.voiceprint_id.is_none() {
            report.demanded("VoiceprintId", "`UseVoiceprint` is true");
        }
    }
}

impl BackChannelingConfig {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        sum_to_one(self.words.as_deref(), report.field("Words"));
    }
}

impl AutoSpeechLlmPending {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        sum_to_one(self.messages.as_deref(), report.field("Messages"));
    }
}

impl AutoSpeechUserIdle {
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        sum_to_one(self.messages.as_deref(), report.field("Messages"));
    }
}

/// Reports a value above zero but below `least` milliseconds.
fn not_between(value: Option<Duration>, least: u64, mut report: Report<'_>, allowed: &str) {
    if let Some(value) = value
        && !value.is_zero()
        && value < Duration::from_millis(least)
    {
        report.violation(Some(format!("{value:?}")), allowed);
    }
}

/// Reports texts whose probabilities do not add up to 1, because one of them must be chosen.
fn sum_to_one(texts: Option<&[AutoSpeechContent]>, mut report: Report<'_>) {
    let Some(texts) = texts.filter(|texts| !texts.is_empty()) else { return };
    let sum: f64 = texts.iter().map(|text| text.probability.unwrap_or(1.0)).sum();
    // Decimal fractions do not add up exactly.
    if (sum - 1.0).abs() > 1e-6 {
        report.violation(Some(format!("probabilities that add up to {sum}")), "a sum of 1");
    }
}
