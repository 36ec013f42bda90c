//! What messages say.

use std::borrow::Cow;

use super::{Content, ContentPart, Delta, Message, Role};

impl Message {
    /// Creates a message with instructions for the model.
    #[must_use]
    pub fn system(text: impl Into<String>) -> Self {
        Self::of(Role::System, text)
    }

    /// Creates a message of the user; on the phone, of the caller.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self::of(Role::User, text)
    }

    /// Creates a message of the model; on the phone, of the bot.
    #[must_use]
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::of(Role::Assistant, text)
    }

    /// Creates a message with the result of the tool call with this id.
    #[must_use]
    pub fn tool(tool_call_id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::of(Role::Tool, text).with_tool_call_id(tool_call_id)
    }

    fn of(role: Role, text: impl Into<String>) -> Self {
        Self::new(role).with_content(Content::Text(text.into()))
    }

    /// Returns the text of the message: its content, or the text among the parts of its content. Empty if it
    /// has none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map_or_else(Default::default, Content::text)
    }
}

impl Delta {
    /// Returns the new part of the text. Empty if there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        self.content.as_ref().map_or_else(Default::default, Content::text)
    }
}

impl Content {
    /// Returns the text, or the text among the parts. Empty if there is none.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Parts(parts) => parts.iter().filter_map(text_of).collect::<String>().into(),
            Self::Unknown(_) => "".into(),
        }
    }
}

fn text_of(part: &ContentPart) -> Option<&str> {
    match part {
        ContentPart::TextPart(part) => Some(&part.text),
        _ => None,
    }
}
