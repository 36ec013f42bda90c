//! The steps of a call, and what each must result in.

use std::time::Duration;

use super::transcript::PlayedStep;
use crate::digital_employee::Control;

/// One step of a call: what the caller does, and what the reply must contain.
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

    /// Starts the call.
    pub fn begin() -> Self {
        Self::new("begin", Act::Begin)
    }

    /// Lets the caller say `utterance`.
    pub fn say(utterance: impl Into<String>) -> Self {
        Self::new("speech", Act::Say(utterance.into()))
    }

    /// Lets the caller press `digits`.
    pub fn keys(digits: impl Into<String>) -> Self {
        Self::new("keys", Act::Keys(digits.into()))
    }

    /// Lets the caller stay silent.
    pub fn silence() -> Self {
        Self::new("silence", Act::Silence)
    }

    /// Ends the call.
    pub fn end() -> Self {
        Self::new("end", Act::End)
    }

    /// Sets the name of the step in the transcript. Default: the kind of the step.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Lets the caller barge in `time` after the start of the turn: the platform aborts the turn.
    ///
    /// After the abort only two packets may follow: one that was in flight, and the one that ends
    /// the stream.
    pub fn barge_in_after(mut self, time: Duration) -> Self {
        self.abort_after = Some(time);
        self
    }

    /// Adds an expectation. The step must meet all of them.
    pub fn expect(mut self, expected: Expect) -> Self {
        self.expected.push(expected);
        self
    }
}

/// An expectation of a step.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expect {
    /// The reply contains this text, in upper or lower case.
    Text(String),
    /// The reply has at least this number of packets.
    Packets(usize),
    /// The reply has this control, equal in all fields.
    Control(Control),
    /// The reply has a control of this `type`.
    ControlKind(String),
    /// The reply has no control.
    NoControls,
    /// The reply fails with this `httpStatusCode`. Without this expectation a failure is a problem.
    Failure(i32),
}

impl Expect {
    /// Expects that the reply contains `text`, in upper or lower case.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Expects that the reply has `control`, equal in all fields.
    #[must_use]
    pub fn control(control: impl Into<Control>) -> Self {
        Self::Control(control.into())
    }

    /// Returns what is wrong with the step, or `None` if it meets the expectation.
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
            Self::Text(text) => format!("the reply does not contain {text:?}"),
            Self::Packets(least) => {
                format!("expected {least} packets or more, got {}", step.packets)
            }
            Self::Control(control) => format!("the reply does not have the control {control:?}"),
            Self::ControlKind(kind) => format!("the reply does not have a {kind} control"),
            Self::NoControls => "the reply has a control, expected none".into(),
            Self::Failure(status) => match step.failure {
                Some(other) => format!("failure {other}, expected {status}"),
                None => format!("no failure, expected {status}"),
            },
        })
    }
}
