//! The rules of the platform that the compiler's fixture describes, and what holds for the code
//! that was compiled from it.

mod rules;

mod calls;
mod settings;
mod types;

pub(crate) use rules::{PacketWriter, Rules};

use callbot::{codegen, wire};

use crate::compiled::fixture::Motto;

/// The type that the spec's format `hour` stands for: an hour of the day.
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
    /// What the spec's `x-checked-by-hand` calls for: who shouts does not whisper.
    pub(crate) fn check_by_hand(&self, report: &mut codegen::Report<'_>) {
        if self.loud == Some(true) && self.text.chars().any(char::is_lowercase) {
            report.field("words").violation(Some(self.text.clone()), "capitals, as `loud` is true");
        }
    }
}
