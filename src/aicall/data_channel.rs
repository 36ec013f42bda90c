//! Messages between a client and an agent, over the data channel of a call.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::{AgentMessage, ClientMessage, Envelope};
use crate::wire::{DecodeError, Report, Validate, Violations, decode, decode_value};

/// The content of a message: an [`AgentMessage`] or a [`ClientMessage`]. This trait is sealed.
pub trait MessageBody: Serialize + DeserializeOwned + Validate + sealed::Sealed {}

impl MessageBody for AgentMessage {}
impl MessageBody for ClientMessage {}

mod sealed {
    pub trait Sealed {}

    impl Sealed for super::AgentMessage {}
    impl Sealed for super::ClientMessage {}
}

/// A message of the data channel: its content, its number, its sender and its receiver.
///
/// An agent sends [`AgentMessage`]s, a client sends [`ClientMessage`]s.
///
/// ```
/// use callbot::aicall::{AgentMessage, AgentState, ClientMessage, Message, SendTextToAgentRequest};
///
/// let question = ClientMessage::from(SendTextToAgentRequest::new("What is this?"));
/// let message = Message::new(question, 1).with_sender_id("u1").with_receiver_id("agent-uid");
/// assert_eq!(
///     message.to_json()?,
///     r#"{"type":1111,"data":{"text":"What is this?","enableInterrupt":1},"seqId":1,"senderId":"u1","receiverId":"agent-uid"}"#
/// );
///
/// let received = r#"{"type":1001,"data":{"state":2},"seqId":8,"senderId":"agent-uid"}"#;
/// match Message::<AgentMessage>::from_json(received.as_bytes())?.body {
///     AgentMessage::StateChanged(change) => assert_eq!(change.state, AgentState::Thinking),
///     other => println!("{}", other.kind()),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Message<B> {
    /// The content.
    pub body: B,
    /// The number, the sender and the receiver.
    pub envelope: Envelope,
}

impl<B: MessageBody> Message<B> {
    /// Creates a message to everyone. `seq_id` counts the messages of one sender, from 1.
    #[must_use]
    pub fn new(body: B, seq_id: i64) -> Self {
        Self { body, envelope: Envelope::new().with_seq_id(seq_id).with_receiver_id("") }
    }

    /// Sets the sender by its name in the RTC channel.
    #[must_use]
    pub fn with_sender_id(mut self, sender_id: impl Into<String>) -> Self {
        self.envelope.sender_id = Some(sender_id.into());
        self
    }

    /// Sets the receiver by its name in the RTC channel. An empty name means everyone.
    #[must_use]
    pub fn with_receiver_id(mut self, receiver_id: impl Into<String>) -> Self {
        self.envelope.receiver_id = Some(receiver_id.into());
        self
    }

    /// Returns the JSON to send over the data channel, as UTF-8.
    ///
    /// # Errors
    /// If the message breaks a rule of the spec.
    pub fn to_json(&self) -> Result<String, Violations> {
        self.validate()?;
        // This can't fail: valid messages have string keys, and only numbers that JSON can express.
        Ok(serde_json::to_string(self).unwrap_or_default())
    }

    /// Reads a message from the data channel.
    ///
    /// # Errors
    /// If it is not JSON, or if its content does not match its kind.
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
