//! The answer to a step, and expectations on it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::awaited::Wrong;
use super::transcript::{Record, Step, Transcript, holds};
use crate::bot::capabilities::{Platform, TransferKind};
use crate::bot::controls::{Gather, HangUp, Native, SpeechSettings, Transfer};

/// The answer to a step of a test, read back from the wire.
///
/// An expectation that does not hold panics with the transcript of the call so far. If the platform has
/// no such event, every expectation fails except [`expect_unsupported`](Self::expect_unsupported).
#[derive(Clone)]
pub struct Answer {
    call: Arc<Transcript>,
    step: usize,
    record: Record,
}

impl Answer {
    pub(super) fn new(call: Arc<Transcript>, step: &Step) -> Result<Self, Wrong> {
        let record = step.record().clone();
        match &record.misuse {
            Some(misuse) => Err(call.wrong(Some(step.number), misuse)),
            None => Ok(Self { call, step: step.number, record }),
        }
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.call.platform
    }

    /// Returns all text of the reply, with its filler.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.record.text
    }

    /// Returns the number of packets or answers of the reply. Empty ones are not counted.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.record.packets
    }

    /// Returns the speech settings that the platform got. On ODFS only values that differ from the
    /// default show, which is barge-in, and there is no silence timeout while digits are gathered.
    #[must_use]
    pub fn speech_settings(&self) -> Option<&SpeechSettings> {
        self.record.speech.as_ref()
    }

    /// Returns the request to gather DTMF digits. On Digital Employee it always has a timeout, on ODFS
    /// only if the bot has set one. [`Gather::secret`] does not show, since no platform has a field for it.
    #[must_use]
    pub fn gather(&self) -> Option<&Gather> {
        self.record.gather.as_ref()
    }

    /// Returns the transfer.
    #[must_use]
    pub fn transfer(&self) -> Option<&Transfer> {
        self.record.transfer.as_ref()
    }

    /// Returns the hang-up. On ODFS the release after a successful transfer does not count as one.
    #[must_use]
    pub fn hang_up(&self) -> Option<&HangUp> {
        self.record.hang_up.as_ref()
    }

    /// Returns the control that only this platform has.
    #[must_use]
    pub fn native(&self) -> Option<&Native> {
        self.record.native.as_ref()
    }

    /// Returns why the reply failed: the error that the platform got, or how the stream broke off. A
    /// DUIX stream has no error message: when it fails, it just ends. [`causes`](Self::causes) returns more.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.record.failure.as_deref()
    }

    /// Returns why the bot failed, as far as the platform does not see it: an error of a handler with its
    /// sources, the message of a panic, or the limit of the [`Budget`](crate::bot::Budget) that was
    /// missed. Errors of the greeting, of [`Bot::interrupted`](crate::bot::Bot::interrupted) and of
    /// [`Bot::ended`](crate::bot::Bot::ended) are among them, although the turn may have succeeded.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.record.causes
    }

    /// Returns why nothing was sent to the bot, if the platform has no such event.
    #[must_use]
    pub fn unsupported(&self) -> Option<&str> {
        self.record.unsupported.as_deref()
    }

    /// Returns the time from the request to the first packet that was not empty.
    #[must_use]
    pub fn first_packet(&self) -> Option<Duration> {
        self.record.first
    }

    /// Returns the time from the request to the end of the answer.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.record.took
    }

    #[track_caller]
    fn expect(&self, is: bool, what: impl FnOnce() -> String) -> &Self {
        match &self.record.unsupported {
            Some(reason) => self.wrong(reason),
            None if !is => self.wrong(what()),
            None => self,
        }
    }

    #[track_caller]
    // A panic is how a test fails.
    #[allow(clippy::panic)]
    fn wrong(&self, what: impl fmt::Display) -> ! {
        panic!("{}", self.call.wrong(Some(self.step), what))
    }

    /// Expects the text to contain `part`, ignoring case.
    #[track_caller]
    pub fn expect_speech(&self, part: &str) -> &Self {
        self.expect(holds(self.text(), part), || format!("the bot does not say {part:?}"))
    }

    /// Expects exactly this text.
    #[track_caller]
    pub fn expect_text(&self, text: &str) -> &Self {
        let said = self.text();
        self.expect(said == text, || format!("the bot says {said:?}, expected {text:?}"))
    }

    /// Expects no text.
    #[track_caller]
    pub fn expect_no_speech(&self) -> &Self {
        let said = self.text();
        self.expect(said.is_empty(), || format!("the bot says {said:?}, expected nothing"))
    }

    /// Expects that up to `digits` DTMF digits are gathered.
    #[track_caller]
    pub fn expect_gather(&self, digits: u8) -> &Self {
        let found = self.gather().map(|gather| gather.digits);
        self.expect(found == Some(digits), || match found {
            Some(found) => format!("up to {found} digits are gathered, expected {digits}"),
            None => format!("no digits are gathered, expected up to {digits}"),
        })
    }

    /// Expects that the platform got speech settings; see [`speech_settings`](Self::speech_settings).
    #[track_caller]
    pub fn expect_speech_settings(&self) -> &Self {
        self.expect(self.speech_settings().is_some(), || "no speech settings were sent".into())
    }

    /// Expects a transfer to this target.
    #[track_caller]
    pub fn expect_transfer(&self, kind: TransferKind, to: &str) -> &Self {
        let found = self.transfer().map(|transfer| (transfer.kind, transfer.to.as_str()));
        self.expect(found == Some((kind, to)), || match found {
            Some((found, target)) => {
                format!("found a transfer {found}: {target}, expected one {kind}: {to}")
            }
            None => format!("no transfer, expected one {kind}: {to}"),
        })
    }

    /// Expects that the bot hangs up.
    #[track_caller]
    pub fn expect_hang_up(&self) -> &Self {
        self.expect(self.hang_up().is_some(), || "the bot does not hang up".into())
    }

    /// Expects no controls.
    #[track_caller]
    pub fn expect_no_controls(&self) -> &Self {
        let controls = self.record.controls();
        self.expect(controls.is_empty(), || {
            format!("found controls, expected none: {}", controls.join("; "))
        })
    }

    /// Expects that the reply ended as the protocol requires, without a failure.
    #[track_caller]
    pub fn expect_end(&self) -> &Self {
        let failure = self.failure();
        self.expect(failure.is_none(), || {
            let causes = self.causes().iter().map(|cause| format!("\ncause: {cause}"));
            let causes: String = causes.collect();
            format!("the reply failed: {}{causes}", failure.unwrap_or_default())
        })
    }

    /// Expects that the reply failed. This never holds on a DUIX stream, which can't report a failure.
    #[track_caller]
    pub fn expect_failure(&self) -> &Self {
        let why = match self.platform() {
            Platform::DuixStream => ": a DUIX stream can't report a failure",
            _ => "",
        };
        self.expect(self.failure().is_some(), || format!("no failure, expected one{why}"))
    }

    /// Expects that the bot failed, and that one of the [`causes`](Self::causes) contains `part`, ignoring
    /// case. It holds on a DUIX stream, too.
    #[track_caller]
    pub fn expect_cause(&self, part: &str) -> &Self {
        let causes = self.causes();
        self.expect(causes.iter().any(|cause| holds(cause, part)), || match causes {
            [] => format!("the bot did not fail, expected the cause {part:?}"),
            causes => format!("the bot failed: {}; expected the cause {part:?}", causes.join("; ")),
        })
    }

    /// Expects that the first packet arrived within `time`.
    #[track_caller]
    pub fn expect_within(&self, time: Duration) -> &Self {
        let first = self.first_packet();
        self.expect(first.is_some_and(|first| first <= time), || match first {
            Some(first) => format!("the first packet took {first:?}, expected at most {time:?}"),
            None => format!("no packet arrived, expected one within {time:?}"),
        })
    }

    /// Expects that the platform has no such event.
    #[track_caller]
    pub fn expect_unsupported(&self) -> &Self {
        if self.unsupported().is_none() {
            self.wrong(format_args!(
                "{} supports this, expected that it does not",
                self.platform()
            ));
        }
        self
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("step", &self.step).finish_non_exhaustive()
    }
}

/// Writes the step as it appears in the transcript.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}
