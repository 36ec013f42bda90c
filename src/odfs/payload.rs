//! The JSON in `prompt_text`: the results of intelligent matching and of intelligent case filling.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CallScriptStep, FilledSlot, IntentMatch, InteractOutParams};
use crate::wire::{DecodeError, Report, Validate, decode, decode_value};

/// Keys that identify an object as an [`IntentMatch`]. `role` is not one: it could be in any object.
const OF_A_MATCH: [&str; 5] =
    ["Intend", "call_script", "sentiment_analysis", "sensitive_word", "recomand_KP"];
/// Keys that identify an object as a [`FilledSlot`].
const OF_A_SLOT: [&str; 3] = ["beginIndex", "endIndex", "entity"];

impl InteractOutParams {
    /// Returns the result of intelligent matching.
    ///
    /// Returns `None` if `prompt_text` is not a JSON object with a key that only such a result has, for
    /// instance `Intend` or `call_script`.
    ///
    /// # Errors
    /// If it is such an object but malformed. The pointer starts with `/prompt_text`.
    pub fn intent_match(&self) -> Result<Option<IntentMatch>, DecodeError> {
        self.read_prompt_text(|json| has_one_of(json, &OF_A_MATCH))
    }

    /// Sets `prompt_text` to the result of intelligent matching.
    #[must_use]
    pub fn with_intent_match(self, found: &IntentMatch) -> Self {
        self.with_prompt_text(text(found))
    }

    /// Returns the result of intelligent case filling: an array, or a single object.
    ///
    /// Returns `None` if `prompt_text` is neither. The object, or the first one of the array, must have
    /// `beginIndex`, `endIndex` or `entity`. An empty array is a result.
    ///
    /// # Errors
    /// If it is such JSON but malformed. The pointer starts with `/prompt_text`.
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

    /// Sets `prompt_text` to the result of intelligent case filling, which is always an array.
    #[must_use]
    pub fn with_filled_slots(self, found: &[FilledSlot]) -> Self {
        self.with_prompt_text(text(found))
    }

    fn read_prompt_text<T: DeserializeOwned>(
        &self,
        is_such: impl FnOnce(&Value) -> bool,
    ) -> Result<Option<T>, DecodeError> {
        let text = self.prompt_text.as_deref().unwrap_or_default();
        let Ok(json) = decode(text.as_bytes()) else { return Ok(None) };
        if !is_such(&json) {
            return Ok(None);
        }
        decode_value(&json).map(Some).map_err(|error| below("/prompt_text", &error))
    }
}

impl IntentMatch {
    /// Returns the steps of [`call_script`](Self::call_script), which is JSON or a string of JSON.
    ///
    /// It may be an array or a single step. A missing script and an empty string have no steps.
    ///
    /// # Errors
    /// If it is something else. The pointer starts with `/call_script`.
    pub fn script(&self) -> Result<Vec<CallScriptStep>, DecodeError> {
        let read = match &self.call_script {
            None => return Ok(Vec::new()),
            Some(Value::String(text)) if text.trim().is_empty() => return Ok(Vec::new()),
            Some(Value::String(text)) => decode(text.as_bytes()).and_then(steps),
            Some(json) => steps(json.clone()),
        };
        read.map_err(|error| below("/call_script", &error))
    }

    /// Creates an intent with the steps of its script, as a string of JSON like in the platform's
    /// document.
    #[must_use]
    pub fn from_script(intent: impl Into<String>, steps: &[CallScriptStep]) -> Self {
        Self::new(intent, text(steps))
    }

    /// Checks that the script can be read and its steps are valid.
    pub(super) fn check_by_hand(&self, report: &mut Report<'_>) {
        let mut place = report.field("call_script");
        match self.script() {
            Ok(steps) => {
                for (index, step) in steps.iter().enumerate() {
                    step.check(&mut place.item(index));
                }
            }
            Err(error) => {
                let allowed = "an array of steps, or a string with the JSON of one";
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

/// Returns the error of a nested document, with the pointer to that document in front.
fn below(pointer: &str, error: &DecodeError) -> DecodeError {
    DecodeError::new(format!("{pointer}{}", error.pointer()), error.message())
}

fn text<T: Serialize + ?Sized>(value: &T) -> String {
    // Can't fail: the values have string keys and finite numbers only.
    serde_json::to_string(value).unwrap_or_default()
}
