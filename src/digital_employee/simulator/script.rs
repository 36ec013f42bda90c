//! What is played, and what it must show.

use std::time::Duration;

use super::transcript::PlayedStep;
use crate::digital_employee::Control;

/// One step of a call: what the caller does, and what must come of it.
#[derive(Debug, Clone)]
#[must_use]
pub struct ScriptStep {
    pub(super) name: String,
    pub(super) act: Act,
    pub(super) abort_after: Option<Duration>,
    pub(super) expected: Vec<Expect>,
}

#[derive(Debug, Clone)]
pub(super) enum Act {
    Begin,
    Say(String),
    Keys(String),
    Silence,
    End,
}

impl ScriptStep {
    fn new(name: impl Into<String>, act: Act) -> Self {
        Self { name: name.into(), act, abort_after: None, expected: Vec::new() }
    }

    /// The call begins.
    pub fn begin() -> Self {
        Self::new("begin", Act::Begin)
    }

    /// The caller says this.
    pub fn say(utterance: impl Into<String>) -> Self {
        Self::new("speech", Act::Say(utterance.into()))
    }

    /// The caller presses these keys.
    pub fn keys(digits: impl Into<String>) -> Self {
        Self::new("keys", Act::Keys(digits.into()))
    }

    /// The caller stays silent.
    pub fn silence() -> Self {
        Self::new("silence", Act::Silence)
    }

    /// The call ends.
    pub fn end() -> Self {
        Self::new("end", Act::End)
    }

    /// A name for the transcript.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The caller barges in so long after the turn began: the platform aborts the turn. Then at
    /// most the packet that was in flight may come, and the one that ends the stream.
    pub fn barge_in_after(mut self, time: Duration) -> Self {
        self.abort_after = Some(time);
        self
    }

    /// Adds something that the step must show.
    pub fn expect(mut self, expected: Expect) -> Self {
        self.expected.push(expected);
        self
    }
}

/// Something that a step must show.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expect {
    /// The reply holds this text, in any case of letters.
    Text(String),
    /// The reply has at least so many packets.
    Packets(usize),
    /// The reply has exactly this control.
    Control(Control),
    /// The reply has a control of this `type`.
    ControlKind(String),
    /// The reply has no control.
    NoControls,
    /// The reply fails with this `httpStatusCode`. Without this, a failure is a problem.
    Failure(i32),
}

impl Expect {
    /// The reply holds this text, in any case of letters.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The reply has exactly this control.
    #[must_use]
    pub fn control(control: impl Into<Control>) -> Self {
        Self::Control(control.into())
    }

    /// What is wrong with the step; `None` when it shows what it must.
    pub(super) fn problem(&self, step: &PlayedStep) -> Option<String> {
        let holds = match self {
            Self::Text(text) => step.reply.to_lowercase().contains(&text.to_lowercase()),
            Self::Packets(least) => step.packets >= *least,
            Self::Control(control) => step.controls.contains(control),
            Self::ControlKind(kind) => step.controls.iter().any(|control| control.kind() == *kind),
            Self::NoControls => step.controls.is_empty(),
            Self::Failure(status) => step.failure == Some(*status),
        };
        if holds {
            return None;
        }
        Some(match self {
            Self::Text(text) => format!("the reply does not say {text:?}"),
            Self::Packets(least) => format!("{} packets, expected {least} or more", step.packets),
            Self::Control(control) => format!("the control {control:?} did not come"),
            Self::ControlKind(kind) => format!("no control {kind} came"),
            Self::NoControls => "a control came, expected none".into(),
            Self::Failure(status) => match step.failure {
                Some(other) => format!("failure {other}, expected {status}"),
                None => format!("no failure, expected {status}"),
            },
        })
    }
}
