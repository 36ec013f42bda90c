//! Messages between a client and an agent, through the data channel of a call.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{AgentMessage, ClientMessage, Envelope};
use crate::wire::{DecodeError, Report, Validate, Violations, decode, decode_value};

/// What a message says: an [`AgentMessage`] or a [`ClientMessage`], and nothing else.
pub trait MessageBody: Serialize + DeserializeOwned + Validate + sealed::Sealed {}

impl MessageBody for AgentMessage {}
impl MessageBody for ClientMessage {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::AgentMessage {}
    impl Sealed for super::ClientMessage {}
}

/// A message as it travels: what it says, who says it to whom, and its number.
///
/// What an agent says is an [`AgentMessage`], what a client says a [`ClientMessage`].
///
/// ```
/// use callbot::aicall::{AgentMessage, ClientMessage, Message, SendTextToAgentRequest};
///
/// let ask = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
/// let sent = Message::new(ask, 1).with_sender_id("u1").with_receiver_id("agent-uid").to_json()?;
/// assert_eq!(
///     sent,
///     r#"{"type":1111,"data":{"text":"What is this?","enableInterrupt":1},"seqId":1,"senderId":"u1","receiverId":"agent-uid"}"#
/// );
///
/// let heard = r#"{"type":1001,"data":{"state":2},"seqId":8,"senderId":"agent-uid"}"#;
/// match Message::<AgentMessage>::from_json(heard.as_bytes())?.body {
///     AgentMessage::StateChanged(change) => println!("{}", change.state),
///     other => println!("{}", other.kind()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message<B> {
    /// What it says.
    pub body: B,
    /// Its number, the sender and the receiver.
    pub envelope: Envelope,
}

impl<B: MessageBody> Message<B> {
    /// A message to everyone. `seq_id` counts the messages of one sender, from 1.
    #[must_use]
    pub fn new(body: B, seq_id: i64) -> Self {
        Self { body, envelope: Envelope::new().with_seq_id(seq_id).with_receiver_id("") }
    }

    /// Sets the sender, by its RTC user id.
    #[must_use]
    pub fn with_sender_id(mut self, sender_id: impl Into<String>) -> Self {
        self.envelope.sender_id = Some(sender_id.into());
        self
    }

    /// Sets the receiver, by its RTC user id; an empty one is everyone.
    #[must_use]
    pub fn with_receiver_id(mut self, receiver_id: impl Into<String>) -> Self {
        self.envelope.receiver_id = Some(receiver_id.into());
        self
    }

    /// The text that goes into the data channel, as UTF-8.
    ///
    /// # Errors
    /// When the message breaks a rule of the spec.
    pub fn to_json(&self) -> Result<String, Violations> {
        self.validate()?;
        // What is valid has no number that JSON can't write, and its keys are texts.
        Ok(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads what came from the data channel.
    ///
    /// # Errors
    /// When it is no JSON, or a kind of message that is known but does not fit.
    pub fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        decode(json)
    }
}

impl<B: MessageBody> Serialize for Message<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Flat<'a, B> {
            #[serde(flatten)]
            body: &'a B,
            #[serde(flatten)]
            envelope: &'a Envelope,
        }

        let Self { body, envelope } = self;
        Flat { body, envelope }.serialize(serializer)
    }
}

impl<'de, B: MessageBody> Deserialize<'de> for Message<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let message = Value::deserialize(deserializer)?;
        let body = decode_value(&message).map_err(D::Error::custom)?;
        let envelope = decode_value(&message).map_err(D::Error::custom)?;
        Ok(Self { body, envelope })
    }
}

impl<B: MessageBody> Validate for Message<B> {
    fn check(&self, report: &mut Report<'_>) {
        self.body.check(report);
        self.envelope.check(report);
    }
}

impl From<AgentMessage> for Message<AgentMessage> {
    fn from(body: AgentMessage) -> Self {
        Self { body, envelope: Envelope::new() }
    }
}

impl From<ClientMessage> for Message<ClientMessage> {
    fn from(body: ClientMessage) -> Self {
        Self { body, envelope: Envelope::new() }
    }
}
