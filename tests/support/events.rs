//! Records the events that observers get, a line for each.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbot::observe::{Event, Observer};

/// An observer that keeps a line for each event, without ids.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Observer for Events {
    fn observe(&self, event: &Event<'_>) {
        self.0.lock().unwrap().push(line(event));
    }
}

impl Events {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// The lines that contain all of `parts`.
    pub(crate) fn with(&self, parts: &[&str]) -> Vec<String> {
        let mut lines = self.all();
        lines.retain(|line| parts.iter().all(|part| line.contains(part)));
        lines
    }

    /// The lines of turns and calls, without those of the store.
    pub(crate) fn of_calls(&self) -> Vec<String> {
        let mut lines = self.all();
        lines.retain(|line| !line.starts_with("store_operation"));
        lines
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}

fn ms(time: Duration) -> String {
    format!("{}ms", time.as_millis())
}

/// The labels first, then what was measured. What is zero, false or missing is left out.
fn line(event: &Event<'_>) -> String {
    let mut parts = vec![event.name().to_owned()];
    match event {
        #[cfg(feature = "bot")]
        Event::TurnStarted(turn) => {
            parts.extend([turn.platform.to_string(), turn.input.to_string()]);
        }
        #[cfg(feature = "bot")]
        Event::TurnEnded(turn) => {
            parts.extend([turn.platform.to_string(), turn.input.to_string()]);
            parts.push(turn.outcome.to_string());
            parts.extend(turn.cause.map(|cause| format!("cause={}", cause.as_str())));
            parts.extend(turn.failure.map(|failure| format!("failure={failure}")));
            parts.extend(turn.repeated.then(|| "repeated".to_owned()));
            let first = turn.first_packet.map(ms);
            let first_by = turn.first_by.map(|by| by.to_string());
            parts.extend(first_by.zip(first).map(|(by, at)| format!("first={by}@{at}")));
            parts.push(ms(turn.duration));
            parts.push(format!("packets={} bytes={}", turn.packets, turn.bytes));
            let wait = |name: &str, time: Duration| format!("{name}={}", ms(time));
            let waits = [("store", turn.store_time), ("hold", turn.hold_wait)];
            let waits = waits.into_iter().filter(|(_, time)| !time.is_zero());
            parts.extend(waits.map(|(name, time)| wait(name, time)));
            parts.extend((turn.requests != 1).then(|| format!("requests={}", turn.requests)));
        }
        #[cfg(feature = "bot")]
        Event::CallBegun(call) => parts.push(call.platform.to_string()),
        #[cfg(feature = "bot")]
        Event::CallEnded(call) => {
            parts.extend([call.platform.to_string(), call.why.as_str().to_owned()]);
            parts.push(format!("turns={}", call.turns));
            parts.extend(call.duration.is_none().then(|| "(when it began is unknown)".to_owned()));
        }
        #[cfg(feature = "bot")]
        Event::TurnCut(cut) => {
            parts.extend([cut.platform.to_string(), cut.cause.as_str().to_owned()]);
            parts.push(ms(cut.latency));
        }
        #[cfg(feature = "bot")]
        Event::StoreOperation(done) => {
            parts.extend([done.operation.to_string(), done.outcome.to_string()]);
            parts.push(ms(done.duration));
        }
        #[cfg(feature = "bot")]
        Event::HoldBroken(hold) => {
            parts.push(hold.platform.to_string());
            parts.extend(hold.after.map(|time| format!("after={}", ms(time))));
            parts.extend(hold.dropped.then(|| "dropped".to_owned()));
        }
        #[cfg(feature = "server")]
        Event::Refused(refused) => {
            parts.push(refused.platform.into());
            parts.push(refused.operation.unwrap_or("-").into());
            parts.extend([refused.status.to_string(), refused.reason.to_string()]);
        }
        #[cfg(all(feature = "aui", feature = "server"))]
        Event::AgentStarted(agent) => parts.push(agent.operation.into()),
        #[cfg(all(feature = "aui", feature = "server"))]
        Event::AgentStopped(agent) => parts.push(agent.operation.into()),
        #[cfg(feature = "client")]
        Event::UpstreamRequest(request) => {
            parts.extend([request.operation.into(), request.outcome.to_string()]);
            parts.extend(request.status.map(|status| status.to_string()));
            parts.push(format!("attempts={}", request.attempts));
        }
        _ => {}
    }
    parts.join(" ")
}
