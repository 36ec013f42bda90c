//! The hand-written part of the platform that the fixture describes, and the tests of the code that is
//! compiled from it.

mod rules;

mod calls;
mod settings;
mod types;

pub(crate) use rules::{PacketWriter, Rules};

use callbot::{codegen, wire};

use crate::compiled::fixture::{Guest, GuestFields, Mood, Motto};

/// The type of the spec's format `hour`: an hour of the day.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Hour(pub(crate) String);

impl wire::Validate for Hour {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if !self.0.parse().is_ok_and(|hour: u8| hour < 24) {
            report.violation(Some(self.0.clone()), "0 to 23");
        }
    }
}

impl Motto {
    /// The check that the spec's `x-checked-by-hand` requires: a loud motto is in capitals.
    pub(crate) fn check_by_hand(&self, report: &mut codegen::Report<'_>) {
        if self.loud == Some(true) && self.text.chars().any(char::is_lowercase) {
            report.field("words").violation(Some(self.text.clone()), "capitals, as `loud` is true");
        }
    }
}

fn fields() -> GuestFields<'static> {
    GuestFields {
        id: "g-1",
        name: "Ann",
        age: 30,
        mood: Mood::Calm,
        secret: "sesame".into(),
        wire: "w",
    }
}

fn guest() -> Guest {
    Guest::new(fields())
}
