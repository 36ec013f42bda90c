//! A bot on a platform: what its replies may contain there.

use std::collections::HashSet;
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::budget::Budget;
use super::capabilities::{Capabilities, Platform};
use super::controls::{ControlKind, Element};
use super::error::{Dropped, Notice, ReplyError};
use super::input::{CallKey, TurnId};
use super::outbox::Tag;
use crate::lock::Mutex;
use crate::observe::Observers;
use crate::server::{Error, Fault};

/// The properties that distinguish one adapter from another.
pub(super) struct AdapterSpec {
    pub platform: Platform,
    /// Returns an error with the reason if the platform would refuse the element.
    pub check: fn(&Element) -> Result<(), ReplyError>,
    /// Whether a transfer or a hang-up after text needs a separate answer.
    pub splits: bool,
    /// Whether the platform accepts a reason for a hang-up.
    pub hang_up_reason: bool,
    /// The tags that are controls in the platform's text, which the bot's own text must not contain.
    pub tags: &'static [Tag],
}

/// A bot on a platform.
pub(super) struct Adapter {
    pub platform: Platform,
    pub capabilities: Capabilities,
    pub budget: Budget,
    pub filler: Option<String>,
    pub apology: Option<String>,
    pub lossy: Vec<ControlKind>,
    pub splits: bool,
    pub hang_up_reason: bool,
    /// Whether the process is frozen when no request is running.
    pub freezes: bool,
    pub tags: &'static [Tag],
    pub check: fn(&Element) -> Result<(), ReplyError>,
    pub notices: Box<dyn Fn(&Notice) + Send + Sync>,
    pub noticed: Noticed,
    pub observers: Observers,
}

/// The kinds of notices that there have been: platform, kind of part, and kind of control.
pub(super) type Noticed =
    Arc<Mutex<HashSet<(Platform, Discriminant<Dropped>, Option<ControlKind>)>>>;

impl Adapter {
    /// Returns an adapter for hooks outside a turn, which have no budget and no reader.
    pub(super) fn detached(
        platform: Platform,
        notices: impl Fn(&Notice) + Send + Sync + 'static,
        observers: Observers,
    ) -> Self {
        Self {
            platform,
            capabilities: *platform.capabilities(),
            budget: Budget::UNLIMITED,
            filler: None,
            apology: None,
            lossy: Vec::new(),
            splits: false,
            hang_up_reason: true,
            freezes: false,
            tags: &[],
            check: |_| Ok(()),
            notices: Box::new(notices),
            noticed: Noticed::default(),
            observers,
        }
    }

    /// Checks that the platform accepts this control.
    pub(super) fn check(&self, element: &Element) -> Result<(), ReplyError> {
        (self.check)(element)
    }

    /// Returns the apology, if it replaces the failure answer for this error. An error that the bot
    /// created for the platform, with a status below 500, goes to the platform if it can report one.
    pub(super) fn apology(&self, error: &Error) -> Option<&str> {
        let rejects = error.downcast_ref::<Fault>().is_some_and(|fault| fault.status < 500);
        let meant = rejects && self.platform != Platform::DuixStream;
        self.apology.as_deref().filter(|_| !meant)
    }

    pub(super) fn notice(&self, call: &CallKey, turn: &TurnId, what: Dropped) {
        let control = match what {
            Dropped::Control(control) => Some(control),
            _ => None,
        };
        let first = self.noticed.lock().insert((self.platform, discriminant(&what), control));
        let (call, turn, platform) = (call.clone(), turn.clone(), self.platform);
        let notice = Notice { call, turn, platform, what, first };
        // Timers of the runtime call this, too: a panic must not take the turn with it.
        if catch_unwind(AssertUnwindSafe(|| (self.notices)(&notice))).is_err() {
            let Notice { call, turn, platform, .. } = &notice;
            tracing::error!(%platform, %call, %turn, "the bot panicked in `notice`");
        }
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").field("platform", &self.platform).finish_non_exhaustive()
    }
}
