//! The time limits of a reply.

use std::time::Duration;

use super::capabilities::Platform;

impl Platform {
    /// Returns the time limits of the platform, or a usual value where its document names none.
    #[must_use]
    pub fn budget(self) -> Budget {
        match self {
            Self::DigitalEmployee => Budget::DIGITAL_EMPLOYEE,
            Self::Duix | Self::DuixStream => Budget::DUIX,
            Self::Odfs => Budget::ODFS,
        }
    }
}

/// The time limits of a reply, counted from the arrival of the request.
///
/// [`Host::builder`](super::Host::builder) uses [`Platform::budget`] unless you
/// [set another](super::HostBuilder::budget):
///
/// ```
/// # #[cfg(all(feature = "client", feature = "duix"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
///
/// use callbot::bot::{Budget, Host, Platform};
/// # use callbot::bot::testing::TestCall;
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Slow;
/// # impl Bot for Slow {
/// #     type Memory = ();
/// #     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
/// #         tokio::time::sleep(Duration::from_secs(5)).await;
/// #         reply.say("Here I am.").await
/// #     }
/// # }
///
/// let budget = Budget::DUIX.with_whole(Some(Duration::from_secs(3)));
/// let host = Host::builder(Slow).budget(Platform::Duix, budget).build();
///
/// // `Slow` answers after 5 s.
/// let mut call = TestCall::on(Platform::Duix, host);
/// let answer = call.say("Are you there?").await;
/// assert_eq!(answer.expect_failure().took(), Duration::from_secs(3));
/// # }
/// # #[cfg(not(all(feature = "client", feature = "duix")))]
/// # fn main() {}
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Budget {
    /// The limit for the whole greeting. Text that was said by then goes out and the rest is dropped.
    /// If nothing was said, the platform gets a failure. `None` means the same as `whole`.
    pub begin: Option<Duration>,
    /// The limit for the first packet of a turn. A turn that misses it is dropped and answered with
    /// a failure.
    pub first_packet: Option<Duration>,
    /// The limit for the whole turn. A turn that misses it is dropped and answered with a failure.
    pub whole: Option<Duration>,
    /// The fraction of `first_packet`, or of `whole` if that is `None`, after which a filler goes
    /// out: 0 to 1.
    pub filler_at: f32,
}

impl Budget {
    /// No limits.
    pub(super) const UNLIMITED: Self =
        Self { begin: None, first_packet: None, whole: None, filler_at: 1.0 };

    /// The limits in the document of Digital Employee: 200 ms for the greeting, 600 ms for the first
    /// packet of a turn, none for the whole turn. A filler goes out after 420 ms.
    ///
    /// The host counts from the arrival of a request, and the platform from before it connects. So what
    /// the host sends at a limit is late. The time in between depends on your network: subtract it.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        begin: Some(Duration::from_millis(200)),
        first_packet: Some(Duration::from_millis(600)),
        whole: None,
        filler_at: 0.7,
    };

    /// The limit in the document of DUIX: 20 s, which 95 % of the answers must meet. A filler goes out
    /// after 14 s.
    ///
    /// It is not documented whether the time of a stream ends at its first byte or at its last; here it is
    /// the last. What the host sends at the limit is late, as the platform's clock started earlier.
    pub const DUIX: Self = Self {
        begin: None,
        first_packet: None,
        whole: Some(Duration::from_secs(20)),
        filler_at: 0.7,
    };

    /// The limit for ODFS: 30 s for an answer. It is ours, since the documents of ODFS name none.
    pub const ODFS: Self = Self { whole: Some(Duration::from_secs(30)), ..Self::DUIX };

    /// Sets [`begin`](Self::begin).
    #[must_use]
    pub fn with_begin(mut self, time: Option<Duration>) -> Self {
        self.begin = time;
        self
    }

    /// Sets [`first_packet`](Self::first_packet).
    #[must_use]
    pub fn with_first_packet(mut self, time: Option<Duration>) -> Self {
        self.first_packet = time;
        self
    }

    /// Sets [`whole`](Self::whole).
    #[must_use]
    pub fn with_whole(mut self, time: Option<Duration>) -> Self {
        self.whole = time;
        self
    }

    /// Sets [`filler_at`](Self::filler_at).
    #[must_use]
    pub fn with_filler_at(mut self, part: f32) -> Self {
        self.filler_at = part;
        self
    }

    /// Returns when a filler goes out, counted from the arrival of the request.
    pub(super) fn filler(&self) -> Option<Duration> {
        let part = if self.filler_at.is_finite() { self.filler_at.clamp(0.0, 1.0) } else { 1.0 };
        let time = self.first_packet.or(self.whole)?;
        // A time that is too long for a `Duration` means no filler.
        Duration::try_from_secs_f64(time.as_secs_f64() * f64::from(part)).ok()
    }
}
