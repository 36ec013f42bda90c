//! The time limits of a reply.

use std::fmt;
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
            Self::AiCall | Self::Chat => Budget::CHAT,
        }
    }
}

/// The time limits of a reply, counted from the arrival of the request.
///
/// The platform counts from when it sends the request until the answer is there. So a
/// [margin](Self::margin) for the network is taken off each limit: with the default of 50 ms on Digital
/// Employee, the first packet leaves within 550 ms. [`net`](Self::net) returns the limits that apply.
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
/// // `Slow` answers after 5 s. The failure is sent after 3 s, less the margin of 500 ms.
/// let mut call = TestCall::on(Platform::Duix, host);
/// let answer = call.say("Are you there?").await;
/// assert_eq!(answer.expect_failure().took(), Duration::from_millis(2500));
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
    /// out: 0 to 1. The margin is taken off first.
    pub filler_at: f32,
    /// The time that a request and its answer spend on the network. It is taken off each limit, but
    /// never more than half of the limit.
    pub margin: Duration,
}

impl Budget {
    /// No limits.
    pub(super) const UNLIMITED: Self = Self {
        begin: None,
        first_packet: None,
        whole: None,
        filler_at: 1.0,
        margin: Duration::ZERO,
    };

    /// The limits in the document of Digital Employee: 200 ms for the greeting, 600 ms for the first
    /// packet of a turn. The margin is 50 ms, since the bot runs close to the platform. A filler goes out
    /// after 385 ms. The document names no limit for the whole turn; the 5 min are ours, so that a turn ends
    /// whose platform has gone unnoticed.
    ///
    /// The host counts from the arrival of a request, and the platform from before it connects. The margin
    /// stands for the time in between, which depends on your network: measure it, and set it.
    pub const DIGITAL_EMPLOYEE: Self = Self {
        begin: Some(Duration::from_millis(200)),
        first_packet: Some(Duration::from_millis(600)),
        whole: Some(Duration::from_secs(5 * 60)),
        filler_at: 0.7,
        margin: Duration::from_millis(50),
    };

    /// The limit in the document of DUIX: 20 s, which 95 % of the answers must meet. The margin is 500 ms.
    /// A filler goes out after 13.65 s.
    ///
    /// It is not documented whether the time of a stream ends at its first byte or at its last; here it is
    /// the last.
    pub const DUIX: Self = Self {
        begin: None,
        first_packet: None,
        whole: Some(Duration::from_secs(20)),
        filler_at: 0.7,
        margin: Duration::from_millis(500),
    };

    /// The limit for ODFS: 30 s for an answer. It is ours, since the documents of ODFS name none. The
    /// margin is 500 ms.
    pub const ODFS: Self = Self { whole: Some(Duration::from_secs(30)), ..Self::DUIX };

    /// The limits for AICall and other chat completions: 8 s for the first packet, 5 min for the whole turn.
    /// The margin is 500 ms. A filler goes out after 1.875 s.
    ///
    /// AICall documents no limit. ElevenLabs waits 8 s by default, Volcengine 10 s, Vapi 20 s. Tencent TRTC
    /// waits 10 s, or 3 s with its old API: if you use that one, set the filler or a shorter limit. callbot
    /// sets the limit for the whole turn itself, so that a turn ends even if nothing shows that the platform
    /// is gone.
    pub const CHAT: Self = Self {
        begin: None,
        first_packet: Some(Duration::from_secs(8)),
        whole: Some(Duration::from_secs(5 * 60)),
        filler_at: 0.25,
        margin: Duration::from_millis(500),
    };

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

    /// Sets [`margin`](Self::margin).
    #[must_use]
    pub fn with_margin(mut self, time: Duration) -> Self {
        self.margin = time;
        self
    }

    /// Returns the limits that apply to the bot: each one less the margin. The margin is then zero.
    ///
    /// ```
    /// use std::time::Duration;
    /// use callbot::bot::Budget;
    ///
    /// let net = Budget::DIGITAL_EMPLOYEE.net();
    /// assert_eq!(net.first_packet, Some(Duration::from_millis(550)));
    /// assert_eq!(net.begin, Some(Duration::from_millis(150)));
    /// ```
    #[must_use]
    pub fn net(self) -> Self {
        let net = |limit: Option<Duration>| limit.map(|limit| less_margin(limit, self.margin));
        Self {
            begin: net(self.begin),
            first_packet: net(self.first_packet),
            whole: net(self.whole),
            filler_at: self.filler_at,
            margin: Duration::ZERO,
        }
    }

    /// Returns when a filler goes out, counted from the arrival of the request.
    pub(super) fn filler(&self) -> Option<Duration> {
        let part = if self.filler_at.is_finite() { self.filler_at.clamp(0.0, 1.0) } else { 1.0 };
        let net = self.net();
        let time = net.first_packet.or(net.whole)?;
        // A time that is too long for a `Duration` means no filler.
        Duration::try_from_secs_f64(time.as_secs_f64() * f64::from(part)).ok()
    }
}

/// Returns a limit less the margin. Half of the limit always remains, or a limit shorter than the margin
/// would fail every turn.
fn less_margin(limit: Duration, margin: Duration) -> Duration {
    limit.saturating_sub(margin.min(limit / 2))
}

/// A limit of a [`Budget`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BudgetLimit {
    /// [`Budget::begin`].
    Begin,
    /// [`Budget::first_packet`].
    FirstPacket,
    /// [`Budget::whole`].
    Whole,
}

impl BudgetLimit {
    /// Returns the name of the field of [`Budget`].
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::FirstPacket => "first_packet",
            Self::Whole => "whole",
        }
    }
}

/// The error of a reply that missed a limit of its [`Budget`].
///
/// It says which limit, how long it was, and what to set. It goes to the log; the platform learns only
/// that there was no answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BudgetError {
    /// The platform.
    pub platform: Platform,
    /// The limit.
    pub limit: BudgetLimit,
    /// The limit as it is set.
    pub set: Duration,
    /// The limit that applied: what is set, less the margin.
    pub net: Duration,
}

impl BudgetError {
    /// Returns the error of a reply that missed `limit`, or `None` if the budget has no such limit.
    pub(super) fn new(platform: Platform, budget: &Budget, limit: BudgetLimit) -> Option<Self> {
        let set = match limit {
            BudgetLimit::Begin => budget.begin,
            BudgetLimit::FirstPacket => budget.first_packet,
            BudgetLimit::Whole => budget.whole,
        }?;
        Some(Self { platform, limit, set, net: less_margin(set, budget.margin) })
    }
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { platform, limit, set, net } = self;
        let (missed, remedy) = match limit {
            BudgetLimit::Begin => ("the greeting was not complete", "greet sooner"),
            BudgetLimit::FirstPacket => {
                ("nothing was said", "say something sooner, set `HostBuilder::filler`")
            }
            BudgetLimit::Whole => ("the reply was not complete", "answer sooner"),
        };
        let limit = limit.as_str();
        write!(f, "{missed} within {net:?} (`Budget::{limit}` for {platform} is {set:?}")?;
        if net != set {
            write!(f, ", less a margin of {:?}", set.saturating_sub(*net))?;
        }
        write!(f, "): {remedy}, or set another limit with `HostBuilder::budget`")
    }
}

impl std::error::Error for BudgetError {}
