//! The result of a played call, as data and as readable text.

use std::fmt;
use std::time::Duration;

use crate::digital_employee::Control;

/// A played call. `Display` writes its transcript.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Played {
    /// The `sessionId` of the call.
    pub call: String,
    /// The steps, in the order of the script.
    pub steps: Vec<PlayedStep>,
}

/// A played step.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PlayedStep {
    /// The name of the step in the script.
    pub name: String,
    /// A description of what the caller did.
    pub caller: String,
    /// The whole text of the reply.
    pub reply: String,
    /// The controls of the reply, in the order of their packets.
    pub controls: Vec<Control>,
    /// The number of packets of the reply, including a failure packet.
    pub packets: usize,
    /// The `httpStatusCode` of a failure packet.
    pub failure: Option<i32>,
    /// Whether the caller barged in.
    pub interrupted: bool,
    /// The time from the request to the first packet, including the connection.
    pub first_packet: Duration,
    /// The time from the request to the end of the reply.
    pub whole: Duration,
    /// The platform's budget, and how much of it the bot used.
    pub budget: Option<(Duration, Duration)>,
    /// The problems of the step; with one, the call is not [ok](Played::is_ok).
    pub problems: Vec<String>,
    /// Warnings, such as an exceeded budget.
    pub warnings: Vec<String>,
}

impl Played {
    /// Returns whether no step has a problem. An exceeded budget is only a warning.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.steps.iter().all(|step| step.problems.is_empty())
    }
}

impl PlayedStep {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            caller: String::new(),
            reply: String::new(),
            controls: Vec::new(),
            packets: 0,
            failure: None,
            interrupted: false,
            first_packet: Duration::ZERO,
            whole: Duration::ZERO,
            budget: None,
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "call {}", self.call)?;
        for (index, step) in self.steps.iter().enumerate() {
            writeln!(f, "\n{:>2}. {}", index + 1, step.name)?;
            step.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for PlayedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |who: &str, text: &str| writeln!(f, "    {who:<8}{text}");
        line("caller", &self.caller)?;
        if !self.reply.is_empty() {
            let cut = if self.interrupted { " — (the caller barges in)" } else { "" };
            line("bot", &format!("“{}”{cut}", self.reply.trim_end()))?;
        }
        for control in &self.controls {
            line("control", &describe(control))?;
        }
        if let Some(status) = self.failure {
            line("failure", &format!("{status}"))?;
        }
        if let Some((budget, taken)) = self.budget {
            let packets =
                if self.packets == 1 { "1 packet" } else { &format!("{} packets", self.packets) };
            line(
                "time",
                &format!(
                    "{packets}, first after {} ms, all after {} ms; {} ms of the budget of {} ms",
                    self.first_packet.as_millis(),
                    self.whole.as_millis(),
                    taken.as_millis(),
                    budget.as_millis(),
                ),
            )?;
        }
        for warning in &self.warnings {
            line("WARNING", warning)?;
        }
        for problem in &self.problems {
            line("WRONG", problem)?;
        }
        Ok(())
    }
}

/// Describes a control by its fields on the wire, without quotes.
fn describe(control: &Control) -> String {
    if let Control::Unreadable(control) = control {
        return format!("unreadable: {}", control.error());
    }
    let json = serde_json::to_value(control).unwrap_or_default();
    let mut text = control.kind().into_owned();
    for (key, value) in json.as_object().into_iter().flatten() {
        if key != "type" {
            text.push_str(&format!(" {key}={}", value.to_string().trim_matches('"')));
        }
    }
    text
}
