//! How much time there is for a reply.

use std::time::Duration;

use super::capabilities::Platform;

impl Platform {
    /// Returns how much time the platform gives, or what is usual where it says nothing.
    #[must_use]
    pub fn budget(self) -> Budget {
        match self {
            Self::DigitalEmployee => Budget::DIGITAL_EMPLOYEE,
            Self::Duix | Self::DuixStream => Budget::DUIX,
            Self::Odfs => Budget::ODFS,
        }
    }
}

/// How much time there is for a reply, from the arrival of the request.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// For all of the greeting. What was said by then goes out, the rest is
    /// dropped; if nothing was said, the call's answer is a failure. `None`: as `whole`.
    pub begin: Option<Duration>,
    /// For the first packet of a turn. Past it the turn is dropped and answered with a failure.
    pub first_packet: Option<Duration>,
    /// For all of a turn. Past it the turn is dropped and answered with a failure.
    pub whole: Option<Duration>,
    /// After which part of `first_packet`, or of `whole` without one, a filler goes out: 0 to 1.
    pub filler_at: f32,
}

impl Budget {
    /// No limit at all.
    pub(super) const UNLIMITED: Self =
        Self { begin: None, first_packet: None, whole: None, filler_at: 1.0 };

    /// Digital Employee, as its document has it: 200 ms for the begin, 600 ms for the first packet of
    /// a turn, no limit for all of it. A filler after 420 ms.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        begin: Some(Duration::from_millis(200)),
        first_packet: Some(Duration::from_millis(600)),
        whole: None,
        filler_at: 0.7,
    };

    /// DUIX, as its document has it: 20 s for all of an answer. A filler after 14 s.
    pub const DUIX: Self = Self {
        begin: None,
        first_packet: None,
        whole: Some(Duration::from_secs(20)),
        filler_at: 0.7,
    };

    /// ODFS: 30 s for an answer, of which no document says anything.
    pub const ODFS: Self = Self { whole: Some(Duration::from_secs(30)), ..Self::DUIX };

    /// The time for all of a begin; see [`begin`](Self::begin).
    #[must_use]
    pub fn with_begin(mut self, time: Option<Duration>) -> Self {
        self.begin = time;
        self
    }

    /// The time for the first packet; see [`first_packet`](Self::first_packet).
    #[must_use]
    pub fn with_first_packet(mut self, time: Option<Duration>) -> Self {
        self.first_packet = time;
        self
    }

    /// The time for all of a turn; see [`whole`](Self::whole).
    #[must_use]
    pub fn with_whole(mut self, time: Option<Duration>) -> Self {
        self.whole = time;
        self
    }

    /// The part after which a filler goes out; see [`filler_at`](Self::filler_at).
    #[must_use]
    pub fn with_filler_at(mut self, part: f32) -> Self {
        self.filler_at = part;
        self
    }

    /// When a filler goes out, from the arrival of the request.
    pub(super) fn filler(&self) -> Option<Duration> {
        let part = if self.filler_at.is_finite() { self.filler_at.clamp(0.0, 1.0) } else { 1.0 };
        let time = self.first_packet.or(self.whole)?;
        // What is too long for a clock counts as no time.
        Duration::try_from_secs_f64(time.as_secs_f64() * f64::from(part)).ok()
    }
}
