//! The tools that add a control to the reply: hanging up, transferring, gathering digits.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::schema::{self, BadArguments};
use crate::bot::{Capabilities, Gather, HangUp, Transfer};

/// A tool that adds a control to the reply.
#[derive(Debug, Clone)]
pub(super) enum BuiltIn {
    HangUp,
    /// The targets, by the names that the model uses.
    Transfer(Vec<(String, Transfer)>),
    Gather(Gather),
}

/// What the model wants of a built-in tool.
#[derive(Debug)]
pub(super) struct Wanted {
    pub control: Control,
    /// What the caller hears first, if the answer has no other text.
    pub words: String,
}

#[derive(Debug)]
pub(super) enum Control {
    Close(Closing),
    Gather(Gather),
}

/// The end of a reply.
#[derive(Debug, Clone)]
pub(super) enum Closing {
    HangUp(Option<HangUp>),
    Transfer(Transfer),
}

impl BuiltIn {
    /// Returns the schema of the arguments; `None` if the platform can't do it.
    pub(super) fn parameters(&self, can: &Capabilities) -> Option<Map<String, Value>> {
        let text = |description| json!({"type": "string", "description": description});
        let properties = match self {
            Self::HangUp if !can.hang_up => return None,
            Self::HangUp => json!({
                "goodbye": text("The last words to the caller, if you say nothing else."),
            }),
            Self::Transfer(targets) => {
                let able = targets.iter().filter(|(_, target)| can.transfer.contains(target.kind));
                let names: Vec<_> = able.map(|(name, _)| name).collect();
                if names.is_empty() {
                    return None;
                }
                json!({
                    "announcement": text("What the caller hears first, if you say nothing else."),
                    "to": {"type": "string", "enum": names},
                })
            }
            Self::Gather(most) => {
                let (min, max) = can.gather?.digits;
                let digits = json!({
                    "type": "integer",
                    "minimum": min,
                    "maximum": max.min(most.digits),
                    "description": "The largest number of digits.",
                });
                let prompt = text("What the caller hears: which digits to enter.");
                json!({"digits": digits, "prompt": prompt})
            }
        };
        let required: Vec<_> = properties.as_object()?.keys().cloned().collect();
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        });
        schema.as_object().cloned()
    }

    /// Returns what the model wants.
    pub(super) fn read(&self, arguments: Value) -> Result<Wanted, BadArguments> {
        #[derive(Deserialize)]
        struct GoodbyeArguments {
            #[serde(default)]
            goodbye: Option<String>,
        }
        #[derive(Deserialize)]
        struct TransferArguments {
            to: String,
            #[serde(default)]
            announcement: Option<String>,
        }
        #[derive(Deserialize)]
        struct GatherArguments {
            digits: u8,
            #[serde(default)]
            prompt: Option<String>,
        }

        let (control, words) = match self {
            Self::HangUp => {
                let GoodbyeArguments { goodbye } = schema::read(arguments)?;
                (Control::Close(Closing::HangUp(None)), goodbye)
            }
            Self::Transfer(targets) => {
                let TransferArguments { to, announcement } = schema::read(arguments)?;
                let target = targets.iter().find(|(name, _)| *name == to);
                let Some((_, target)) = target else {
                    let names: Vec<_> = targets.iter().map(|(name, _)| name.as_str()).collect();
                    let allowed = names.join(", ");
                    let error = format!("The arguments are invalid, at $.to: allowed: {allowed}");
                    return Err(BadArguments(error));
                };
                (Control::Close(Closing::Transfer(target.clone())), announcement)
            }
            Self::Gather(most) => {
                let GatherArguments { digits, prompt } = schema::read(arguments)?;
                let gather = Gather { digits: digits.min(most.digits), ..most.clone() };
                (Control::Gather(gather), prompt)
            }
        };
        Ok(Wanted { control, words: words.unwrap_or_default() })
    }

    /// Returns whether its control may have to be in the first packet.
    pub(super) fn is_gather(&self) -> bool {
        matches!(self, Self::Gather(_))
    }
}
