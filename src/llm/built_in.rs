//! The tools that add a control to the reply: hanging up, transferring, gathering digits.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::schema;
use super::tool::{BadArguments, Closing, Kind, Tool};
use crate::bot::{Capabilities, Gather, Transfer};

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

/// Tools of the platform. The model is offered them only where the platform can do it; see
/// [`Capabilities`].
impl<M> Tool<M> {
    /// Creates the tool `hang_up`, with which the model ends the call.
    ///
    /// The caller hears the goodbye to its end: the text of the answer, or else the `goodbye` that the model
    /// passes to the tool, or that of the [phrases](super::Phrases). On Digital Employee, which hangs up
    /// without waiting for the voice, the [delay](crate::bot::HangUp::delay) is estimated from the length of
    /// the text; 10 s at most.
    pub fn hang_up() -> Self {
        Self::of(
            "hang_up",
            "Ends the call. Call it when the caller says goodbye or needs nothing else.",
            Kind::BuiltIn(BuiltIn::HangUp),
        )
    }

    /// Creates the tool `transfer`, with which the model puts the caller through to one of these targets.
    /// Each has a name, which the model chooses by.
    ///
    /// The caller first hears the text of the answer, or else the `announcement` that the model passes to the
    /// tool, or that of the [phrases](super::Phrases). Targets that the platform can't transfer to are not
    /// offered. A transfer that fails is an input of the next turn.
    ///
    /// ```
    /// use callbot::bot::Transfer;
    /// use callbot::llm::Tool;
    ///
    /// let transfer: Tool = Tool::transfer([
    ///     ("sales", Transfer::to_queue("skg-1")),
    ///     ("complaints", Transfer::to_queue("skg-2")),
    /// ]);
    /// # drop(transfer);
    /// ```
    pub fn transfer<N: Into<String>>(targets: impl IntoIterator<Item = (N, Transfer)>) -> Self {
        let targets = targets.into_iter().map(|(name, target)| (name.into(), target));
        Self::of(
            "transfer",
            "Puts the caller through to a person or a department. It ends your part of the call.",
            Kind::BuiltIn(BuiltIn::Transfer(targets.collect())),
        )
    }

    /// Creates the tool `gather_digits`, with which the model asks for DTMF digits: up to as many as `most`
    /// has, with its other settings. The digits are the caller's next input. If they are
    /// [secret](Gather::secret), only tools can read them, as
    /// [`ToolContext::input`](super::ToolContext::input).
    ///
    /// On Digital Employee digits can be gathered in the first packet only. So in turns that offer this tool
    /// no filler goes out there, and the text of the model waits until its answer is complete or the first
    /// packet is due. Offer it only where you need it, with [`only_if`](Self::only_if).
    pub fn gather(most: Gather) -> Self {
        Self::of(
            "gather_digits",
            "Asks the caller to enter digits on the keypad of the phone. Call it before you say anything. \
             The digits are the caller's next message.",
            Kind::BuiltIn(BuiltIn::Gather(most)),
        )
    }
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
