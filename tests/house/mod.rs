//! The rules of the platform that the compiler's fixture describes, and what holds for the code
//! that was compiled from it.

mod rules;

mod calls;
mod types;

pub(crate) use rules::{Rules, Turn};

use callbot::wire;

/// The type that the spec's format `hour` stands for: an hour of the day.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Hour(pub(crate) String);

impl wire::Validate for Hour {
    fn check(&self, report: &mut wire::Report<'_>) {
        if !self.0.parse().is_ok_and(|hour: u8| hour < 24) {
            report.violation(Some(self.0.clone()), "0 to 23");
        }
    }
}
