//! JSON that `prompt_text` holds: what intelligent matching and intelligent case filling found.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CallScriptStep, FilledSlot, IntentMatch, InteractOutParams};
use crate::wire::{DecodeError, Report, Validate, decode, decode_value};

/// Keys that make an object an [`IntentMatch`]; `role` alone could be anything.
const OF_A_MATCH: [&str; 5] =
    ["Intend", "call_script", "sentiment_analysis", "sensitive_word", "recomand_KP"];
/// Keys that make an object a [`FilledSlot`].
const OF_A_SLOT: [&str; 3] = ["beginIndex", "endIndex", "entity"];

impl InteractOutParams {
    /// What intelligent matching found; `None` when `prompt_text` is no JSON object with a key that
    /// is particular to it, such as `Intend` or `call_script`.
    ///
    /// # Errors
    /// When it is such an object and does not fit; the pointer begins with `/prompt_text`.
    pub fn intent_match(&self) -> Result<Option<IntentMatch>, DecodeError> {
        self.read_prompt_text(|json| has_one_of(json, &OF_A_MATCH))
    }

    /// Sets `prompt_text` to what intelligent matching found.
    #[must_use]
    pub fn with_intent_match(self, found: &IntentMatch) -> Self {
        self.with_prompt_text(text(found))
    }

    /// What intelligent case filling found: an array, or one object by itself; `None` when
    /// `prompt_text` is neither. In both `beginIndex`, `endIndex` or `entity` must be there; an
    /// empty array will do.
    ///
    /// # Errors
    /// When it is such JSON and does not fit; the pointer begins with `/prompt_text`.
    pub fn filled_slots(&self) -> Result<Option<Vec<FilledSlot>>, DecodeError> {
        let one = self.read_prompt_text(|json| has_one_of(json, &OF_A_SLOT))?;
        match one {
            Some(slot) => Ok(Some(vec![slot])),
            None => self.read_prompt_text(|json| match json {
                Value::Array(items) => {
                    items.first().is_none_or(|item| has_one_of(item, &OF_A_SLOT))
                }
                _ => false,
            }),
        }
    }

    /// Sets `prompt_text` to what intelligent case filling found: an array, whatever the number.
    #[must_use]
    pub fn with_filled_slots(self, found: &[FilledSlot]) -> Self {
        self.with_prompt_text(text(found))
    }

    fn read_prompt_text<T: DeserializeOwned>(
        &self,
        is_such: impl FnOnce(&Value) -> bool,
    ) -> Result<Option<T>, DecodeError> {
        let text = self.prompt_text.as_deref().unwrap_or_default();
        let Ok(json) = serde_json::from_str(text) else { return Ok(None) };
        if !is_such(&json) {
            return Ok(None);
        }
        decode_value(&json).map(Some).map_err(|error| below("/prompt_text", &error))
    }
}

impl IntentMatch {
    /// The steps of [`call_script`](Self::call_script): JSON as it is, or in a string. One step by
    /// itself will do; missing reads as none, and so does an empty string.
    ///
    /// # Errors
    /// When it is something else; the pointer begins with `/call_script`.
    pub fn script(&self) -> Result<Vec<CallScriptStep>, DecodeError> {
        let read = match &self.call_script {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(Value::String(text)) => decode(text.as_bytes()).and_then(steps),
            Some(json) => steps(json.clone()),
        };
        read.map_err(|error| below("/call_script", &error))
    }

    /// An intent with the steps of its script: a string of JSON, as the platform's document has it.
    #[must_use]
    pub fn from_script(intent: impl Into<String>, steps: &[CallScriptStep]) -> Self {
        Self::new(intent, text(steps))
    }

    /// Whether the script is one, and its steps are as they should be.
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let mut place = report.field("call_script");
        match self.script() {
            Ok(steps) => {
                for (index, step) in steps.iter().enumerate() {
                    step.check(&mut place.item(index));
                }
            }
            Err(error) => {
                let allowed = "steps, or a string of their JSON";
                place.violation(Some(error.message().to_owned()), allowed);
            }
        }
    }
}

fn steps(json: Value) -> Result<Vec<CallScriptStep>, DecodeError> {
    match json {
        Value::Object(_) => decode_value(&json).map(|step| vec![step]),
        _ => decode_value(&json),
    }
}

fn has_one_of(json: &Value, keys: &[&str]) -> bool {
    keys.iter().any(|key| json.get(key).is_some())
}

/// The error of a nested document, with the place of that document in front.
fn below(pointer: &str, error: &DecodeError) -> DecodeError {
    DecodeError::new(format!("{pointer}{}", error.pointer()), error.message())
}

fn text<T: Serialize + ?Sized>(value: &T) -> String {
    // Such values have text keys and finite numbers only: there is nothing to fail.
    serde_json::to_string(value).unwrap_or_default()
}
