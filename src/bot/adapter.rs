//! A bot on a platform: what its replies may contain there.

use std::collections::HashSet;
use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use super::budget::Budget;
use super::capabilities::{Capabilities, Platform};
use super::controls::{ControlKind, Element};
use super::error::{Dropped, Notice, ReplyError};
use super::input::CallKey;
use crate::lock::Mutex;

/// The properties that distinguish one adapter from another.
pub(super) struct AdapterSpec {
    pub platform: Platform,
    /// Returns an error with the reason if the platform would refuse the element.
    pub check: fn(&Element) -> Result<(), ReplyError>,
    /// Whether a transfer or a hang-up after text needs a separate answer.
    pub splits: bool,
    /// Whether the platform accepts a reason for a hang-up.
    pub hang_up_reason: bool,
}

/// A bot on a platform.
pub(super) struct Adapter {
    pub platform: Platform,
    pub capabilities: Capabilities,
    pub budget: Budget,
    pub filler: Option<String>,
    pub lossy: Vec<ControlKind>,
    pub splits: bool,
    pub hang_up_reason: bool,
    pub check: fn(&Element) -> Result<(), ReplyError>,
    pub notices: Box<dyn Fn(&Notice) + Send + Sync>,
    pub noticed: Noticed,
}

/// The kinds of notices that there have been: platform, kind of part, and kind of control.
pub(super) type Noticed =
    Arc<Mutex<HashSet<(Platform, Discriminant<Dropped>, Option<ControlKind>)>>>;

impl Adapter {
    /// Returns an adapter for hooks outside a turn, which have no budget and no reader.
    pub(super) fn detached(platform: Platform) -> Self {
        Self {
            platform,
            capabilities: *platform.capabilities(),
            budget: Budget::UNLIMITED,
            filler: None,
            lossy: Vec::new(),
            splits: false,
            hang_up_reason: true,
            check: |_| Ok(()),
            notices: Box::new(|_| {}),
            noticed: Noticed::default(),
        }
    }

    /// Checks that the platform accepts this control.
    pub(super) fn check(&self, element: &Element) -> Result<(), ReplyError> {
        (self.check)(element)
    }

    pub(super) fn notice(&self, call: &CallKey, what: Dropped) {
        let control = match what {
            Dropped::Control(control) => Some(control),
            _ => None,
        };
        let first = self.noticed.lock().insert((self.platform, discriminant(&what), control));
        (self.notices)(&Notice { call: call.clone(), platform: self.platform, what, first });
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adapter").field("platform", &self.platform).finish_non_exhaustive()
    }
}
