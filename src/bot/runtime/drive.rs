//! Drives a turn within its budget.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

use crate::bot::budget::BudgetError;
use crate::bot::outbox::{Outbox, ReplyKind, Step};
use crate::bot::store::StoreHandle;

/// Drives a turn within its budget until it ends. Returns `None` if it was cut.
///
/// The order of the checks within one poll is part of the contract:
///
/// 1. **A cut comes first.** After a cut the work is not polled again, so that nothing irreversible
///    starts for a caller who no longer listens. Only a hold lets it continue.
/// 2. **A release comes before work.** The bot may drop one hold and take the next without waiting in
///    between. If the work were polled first, the new hold could reach the store before the release of
///    the old one, which would then end it. So the work is not polled until the store has answered.
/// 3. **Timers come after work.** If the bot's answer and its deadline are ready in the same poll, the
///    bot is in time: its text must be counted before the filler is sent or the deadline fails the
///    turn. So is the work of a hold that ends when the time of the hold is up.
/// 4. **After a timer has cut the reply or ended a hold, the loop runs again** within the same poll,
///    since nothing else would wake the task.
pub(super) async fn drive<T>(
    store: &StoreHandle,
    outbox: &Outbox,
    work: impl Future<Output = T>,
) -> Option<T> {
    let [first, whole] = outbox.deadlines().map(Limit::new);
    let mut timers = Timers { filler: Timer::new(outbox.filler_at()), first, whole };
    let (mut held_until, mut held) = (None, Timer::new(None));
    let mut release = None;
    let mut work = pin!(work);
    // Dropped before the work, so it finds the hold of work that is dropped unfinished.
    let _dropped = ReportHeldWork(outbox);
    poll_fn(|cx| {
        loop {
            match outbox.next_step(cx.waker()) {
                Step::Run => {}
                Step::Stop => return Poll::Ready(None),
                Step::Release => release = Some(Box::pin(release_hold(store, outbox))),
            }
            if let Some(releasing) = &mut release
                && releasing.as_mut().poll(cx).is_ready()
            {
                release = None;
            }
            if release.is_none()
                && let Poll::Ready(ended) = work.as_mut().poll(cx)
            {
                return Poll::Ready(Some(ended));
            }
            let until = outbox.holds_until();
            if until != held_until {
                (held_until, held) = (until, Timer::new(until));
            }
            let expired = held.passes(cx);
            if expired {
                held_until = None;
                outbox.expire_hold();
            }
            if !timers.cut(outbox, cx) && !expired {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Tells the store that the turn no longer holds. Errors are ignored: if the lease has ended, the next
/// turn is already running, and any other hold expires by itself.
async fn release_hold(store: &StoreHandle, outbox: &Outbox) {
    if let Some(lease) = outbox.lease() {
        let _ = store.hold(&lease, None).await;
    }
}

/// Reports held work that is dropped: at the end of its hold, at the deadline of a hook between turns, or
/// because the runtime shuts down.
struct ReportHeldWork<'a>(&'a Outbox);

impl Drop for ReportHeldWork<'_> {
    fn drop(&mut self) {
        self.0.report_held_work();
    }
}

/// The timers of a budget.
struct Timers {
    filler: Timer,
    first: Limit,
    whole: Limit,
}

impl Timers {
    /// Handles the timers that have fired. Returns whether one of them cut the reply.
    fn cut(&mut self, outbox: &Outbox, cx: &mut Context<'_>) -> bool {
        let mut cut = false;
        if self.filler.passes(cx) {
            outbox.send_filler_in_time();
        }
        if let Some(missed) = self.first.missed(cx) {
            outbox.flush();
            // A filler that waits for the bot's first wait is better than a failure.
            outbox.send_filler();
            cut |= !outbox.has_packets() && outbox.fail_deadline(missed);
        }
        if let Some(missed) = self.whole.missed(cx) {
            cut |= if outbox.kind() == ReplyKind::Greeting && outbox.has_output() {
                outbox.end_greeting(missed)
            } else {
                outbox.fail_deadline(missed)
            };
        }
        cut
    }
}

/// A limit of a budget, with its timer and the error of missing it.
struct Limit(Option<(Timer, BudgetError)>);

impl Limit {
    fn new(limit: Option<(Instant, BudgetError)>) -> Self {
        Self(limit.map(|(at, error)| (Timer::new(Some(at)), error)))
    }

    /// Returns the error once, when the limit has passed.
    fn missed(&mut self, cx: &mut Context<'_>) -> Option<BudgetError> {
        let (timer, error) = self.0.as_mut()?;
        timer.passes(cx).then_some(*error)
    }
}

/// A timer that fires once. It starts when it is first polled: a turn that does not wait needs none.
enum Timer {
    Off,
    At(Instant),
    Started(Pin<Box<Sleep>>),
}

impl Timer {
    fn new(at: Option<Instant>) -> Self {
        at.map_or(Self::Off, Self::At)
    }

    fn passes(&mut self, cx: &mut Context<'_>) -> bool {
        if let Self::At(at) = *self {
            *self = Self::Started(Box::pin(sleep_until(at)));
        }
        let Self::Started(sleep) = self else { return false };
        let passes = sleep.as_mut().poll(cx).is_ready();
        if passes {
            *self = Self::Off;
        }
        passes
    }
}
