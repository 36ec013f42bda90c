//! The answer to a turn, and what is expected of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::transcript::{Record, Step, Transcript, holds};
use crate::bot::capabilities::{Platform, TransferKind};
use crate::bot::controls::{Gather, HangUp, Native, SpeechSettings, Transfer};

/// What came of a turn, read back from the wire.
///
/// An expectation that does not hold panics with the transcript of the call so far. Where the
/// platform has no such event, every expectation fails except
/// [`expect_unsupported`](Self::expect_unsupported).
#[derive(Clone)]
pub struct Answer {
    call: Arc<Transcript>,
    step: usize,
    record: Record,
}

impl Answer {
    pub(super) fn new(call: Arc<Transcript>, step: &Step) -> Self {
        let record = step.record().clone();
        if let Some(misuse) = &record.misuse {
            call.wrong(Some(step.number), misuse);
        }
        Self { call, step: step.number, record }
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.call.platform
    }

    /// All that was said, a filler included.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.record.text
    }

    /// In how many packets or answers the reply came. Those that brought nothing are not counted.
    #[must_use]
    pub fn packets(&self) -> usize {
        self.record.packets
    }

    /// How the platform shall speak and listen, as far as it was told. On ODFS it is what differs from
    /// the default, which is barge-in; it has no silence while keys are gathered.
    #[must_use]
    pub fn speech_settings(&self) -> Option<&SpeechSettings> {
        self.record.speech.as_ref()
    }

    /// The keys that are gathered. Digital Employee always gets a timeout; on ODFS there is one if the
    /// bot has set it.
    #[must_use]
    pub fn gather(&self) -> Option<&Gather> {
        self.record.gather.as_ref()
    }

    /// Where the call is put through to.
    #[must_use]
    pub fn transfer(&self) -> Option<&Transfer> {
        self.record.transfer.as_ref()
    }

    /// How the bot hangs up. On ODFS a release that answers a transfer that went well is none.
    #[must_use]
    pub fn hang_up(&self) -> Option<&HangUp> {
        self.record.hang_up.as_ref()
    }

    /// What only this platform has.
    #[must_use]
    pub fn native(&self) -> Option<&Native> {
        self.record.native.as_ref()
    }

    /// Why there is no whole answer: what the platform was told, or how the stream broke off. A stream
    /// of DUIX that fails just ends.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.record.failure.as_deref()
    }

    /// Why nothing was asked at all: the platform has no such event.
    #[must_use]
    pub fn unsupported(&self) -> Option<&str> {
        self.record.unsupported.as_deref()
    }

    /// From the request to the first packet that brought something.
    #[must_use]
    pub fn first_packet(&self) -> Option<Duration> {
        self.record.first
    }

    /// From the request to the end of the answer.
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
    fn wrong(&self, what: impl fmt::Display) -> ! {
        self.call.wrong(Some(self.step), what)
    }

    /// The text holds this, in any case of letters.
    #[track_caller]
    pub fn expect_speech(&self, part: &str) -> &Self {
        self.expect(holds(self.text(), part), || format!("the bot does not say {part:?}"))
    }

    /// The text is this one, to the letter.
    #[track_caller]
    pub fn expect_text(&self, text: &str) -> &Self {
        let said = self.text();
        self.expect(said == text, || format!("the bot says {said:?}, expected {text:?}"))
    }

    /// Nothing was said.
    #[track_caller]
    pub fn expect_no_speech(&self) -> &Self {
        let said = self.text();
        self.expect(said.is_empty(), || format!("the bot says {said:?}, expected nothing"))
    }

    /// Up to `digits` keys are gathered.
    #[track_caller]
    pub fn expect_gather(&self, digits: u8) -> &Self {
        let found = self.gather().map(|gather| gather.digits);
        self.expect(found == Some(digits), || match found {
            Some(found) => format!("up to {found} keys are gathered, expected {digits}"),
            None => format!("no keys are gathered, expected up to {digits}"),
        })
    }

    /// The platform was told how to speak and listen; see [`speech_settings`](Self::speech_settings).
    #[track_caller]
    pub fn expect_speech_settings(&self) -> &Self {
        self.expect(self.speech_settings().is_some(), || "no speech settings were made".into())
    }

    /// The call is put through to this place.
    #[track_caller]
    pub fn expect_transfer(&self, kind: TransferKind, to: &str) -> &Self {
        let found = self.transfer().map(|transfer| (transfer.kind, transfer.to.as_str()));
        self.expect(found == Some((kind, to)), || match found {
            Some((found, place)) => {
                format!("the transfer is {found}: {place}, expected {kind}: {to}")
            }
            None => format!("no transfer, expected one {kind}: {to}"),
        })
    }

    /// The bot hangs up.
    #[track_caller]
    pub fn expect_hang_up(&self) -> &Self {
        self.expect(self.hang_up().is_some(), || "the bot does not hang up".into())
    }

    /// There is nothing but text.
    #[track_caller]
    pub fn expect_no_controls(&self) -> &Self {
        let controls = self.record.controls();
        self.expect(controls.is_empty(), || {
            format!("controls came, expected none: {}", controls.join("; "))
        })
    }

    /// The reply ended as the platform's protocol has it, without a failure.
    #[track_caller]
    pub fn expect_end(&self) -> &Self {
        let failure = self.failure();
        self.expect(failure.is_none(), || {
            format!("the reply failed: {}", failure.unwrap_or_default())
        })
    }

    /// The reply failed. A DUIX stream has no place for that: one that fails just ends.
    #[track_caller]
    pub fn expect_failure(&self) -> &Self {
        let why = match self.platform() {
            Platform::DuixStream => ": such a stream can't tell of it",
            _ => "",
        };
        self.expect(self.failure().is_some(), || format!("no failure, expected one{why}"))
    }

    /// The first packet was there in this time.
    #[track_caller]
    pub fn expect_within(&self, time: Duration) -> &Self {
        let first = self.first_packet();
        self.expect(first.is_some_and(|first| first <= time), || match first {
            Some(first) => format!("the first packet took {first:?}, expected at most {time:?}"),
            None => format!("nothing came, expected a packet within {time:?}"),
        })
    }

    /// The platform has no such event.
    #[track_caller]
    pub fn expect_unsupported(&self) -> &Self {
        if self.unsupported().is_none() {
            self.wrong(format_args!("{} has this, expected that it has not", self.platform()));
        }
        self
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The step as it is in the transcript.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.record.fmt(f)
    }
}
