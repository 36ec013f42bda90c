//! The errors of a reply, and notices of parts that were dropped.

use std::any::Any;
use std::fmt;

use super::budget::BudgetError;
use super::capabilities::Platform;
use super::controls::ControlKind;
use super::input::{CallKey, Cause, TurnId};
use super::memory::MemoryVersion;
use super::store::StoreError;
use crate::observe::TurnFailure;
use crate::server::watch::panic_message;
use crate::server::{Error, Fault};
use crate::wire::{Violation, Violations};

/// The result of a bot's methods. Every error converts to [`Error`], so `?` works on all of them.
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// The reason why a text or a control was not accepted into a reply.
///
/// The methods of [`Reply`](super::Reply) return it inside an [`Error`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// The reply was cut short. Return from the turn: it is dropped the next time it waits anyway,
    /// unless it [holds](super::Call::hold).
    Over(Cause),
    /// The platform accepts this control in the first packet only, which was already sent.
    Late(ControlKind),
    /// The platform accepts this control in the first packet only, and a filler may be that packet: the
    /// turn has waited without [`Reply::no_filler`](super::Reply::no_filler). It is an error even if the
    /// filler has not gone out, so that a turn does not fail or succeed by how long it waits.
    FillerFirst(ControlKind),
    /// The platform does not support this control.
    Unsupported(ControlKind, Platform),
    /// The reply has already ended with a transfer or a hang-up.
    Finished,
    /// The text of the reply would exceed
    /// [`Limits::max_reply_bytes`](super::Limits::max_reply_bytes).
    TooLong {
        /// The length that the text would have, in bytes.
        bytes: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The platform does not allow these values.
    Invalid(Violations),
    /// The store of calls failed or refused the operation.
    Store(StoreError),
}

impl ReplyError {
    pub(super) fn invalid(pointer: &str, value: impl fmt::Display, allowed: &str) -> Self {
        Self::Invalid(Violation::new(pointer, Some(value.to_string()), allowed).into())
    }

    /// Creates the error for values that the platform refuses, in the bot's terms. `names` has the
    /// platform's pointers and those of the control that the bot used.
    pub(super) fn refused(violations: &Violations, names: &[(&str, &str)]) -> Self {
        Self::Invalid(violations.renamed(|pointer| {
            let name = names.iter().find(|(platforms, _)| *platforms == pointer);
            name.map(|(_, name)| *name)
        }))
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Over(cause) => write!(f, "the reply is over: {cause}"),
            Self::Late(control) => {
                write!(f, "{control} is allowed in the first packet only, which was already sent")
            }
            Self::FillerFirst(control) => write!(
                f,
                "{control} is allowed in the first packet only, and after a wait a filler may be that \
                 packet: call `Reply::no_filler` before the turn waits"
            ),
            Self::Unsupported(control, platform) => {
                write!(f, "{control} is not supported by {platform}")
            }
            Self::Finished => f.write_str("the reply has ended with a transfer or a hang-up"),
            Self::TooLong { bytes, max } => {
                write!(f, "the text of the reply: {bytes} bytes, allowed: at most {max}")
            }
            Self::Invalid(violations) => violations.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

// `Display` prints the inner error. So `source` skips that error and returns its source.
impl std::error::Error for ReplyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => error.source(),
            Self::Invalid(violations) => violations.source(),
            _ => None,
        }
    }
}

impl From<StoreError> for ReplyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The error of a hook that panicked.
#[derive(Debug)]
pub(super) struct Panicked {
    message: Option<String>,
}

impl Panicked {
    pub(super) fn new(panic: &(dyn Any + Send)) -> Self {
        Self { message: panic_message(panic).map(str::to_owned) }
    }
}

// Without the message, which may contain anything: the error is logged.
impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bot panicked")
    }
}

impl std::error::Error for Panicked {}

/// Returns the whole cause of a failure, with the message of a panic. It is for tests only.
pub(super) fn cause_of(error: &Error) -> String {
    match error.downcast_ref() {
        Some(panicked @ Panicked { message: Some(message) }) => format!("{panicked}: {message}"),
        _ => error.to_string(),
    }
}

/// Returns the kind of a turn's failure.
pub(super) fn failure_of(error: &Error) -> TurnFailure {
    let of_store = |error: &StoreError| match error {
        StoreError::Full(_) => TurnFailure::Full,
        StoreError::TooLarge { .. } | StoreError::Memory(_) => TurnFailure::Memory,
        StoreError::Fenced
        | StoreError::Gone
        | StoreError::Unreachable(_)
        | StoreError::Unknown(_)
        | StoreError::TimedOut { .. }
        | StoreError::Failed(_) => TurnFailure::Store,
    };
    if let Some(fault) = error.downcast_ref::<Fault>() {
        return if fault.status < 500 { TurnFailure::Rejected } else { TurnFailure::Bot };
    }
    if let Some(error) = error.downcast_ref::<StoreError>() {
        return of_store(error);
    }
    match error.downcast_ref::<ReplyError>() {
        Some(ReplyError::Store(error)) => of_store(error),
        _ if error.downcast_ref::<BudgetError>().is_some() => TurnFailure::Deadline,
        _ if error.downcast_ref::<Panicked>().is_some() => TurnFailure::Panic,
        _ if error.downcast_ref::<MemoryVersion>().is_some() => TurnFailure::Memory,
        _ => TurnFailure::Bot,
    }
}

/// A notice that something was dropped without an error; see [`Bot::notice`](super::Bot::notice).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Notice {
    /// The call.
    pub call: CallKey,
    /// The turn; see [`Call::turn`](super::Call::turn).
    pub turn: TurnId,
    /// The platform.
    pub platform: Platform,
    /// What was dropped.
    pub what: Dropped,
    /// Whether it is the first notice of its kind on this platform since the host was built.
    pub first: bool,
}

/// What was dropped: a part of a reply, or the protection of a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// A control, or some of its values, that the platform does not support; see
    /// [`HostBuilder::lossy`](super::HostBuilder::lossy).
    Control(ControlKind),
    /// The request to gather DTMF digits, because the same reply transfers the caller or hangs up. ODFS
    /// then plays the text without listening. Digital Employee gets both controls.
    GatherBeforeClosing,
    /// A tag in the bot's text that the platform would carry out, such as `<imsagent_hangup/>`. Use
    /// [`Reply::hang_up`](super::Reply::hang_up) and [`Reply::transfer`](super::Reply::transfer).
    ControlTag,
    /// The greeting, on a platform that does not ask for one.
    Greeting,
    /// The reason of a hang-up, for which the platform has no field.
    HangUpReason,
    /// The part of the greeting that came after the deadline, with the limit that it missed.
    RestOfGreeting(BudgetError),
    /// The protection of a [hold](super::Call::hold) whose time was up. The work goes on, but the next
    /// barge-in or turn of the caller drops it.
    Hold,
    /// The rest of the work in a [hold](super::Call::hold) whose time was up after the reply had been
    /// cut. What the work has done outside of callbot stays done, but the memory does not have it.
    HeldWork,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = self.platform;
        match self.what {
            Dropped::Control(control) => {
                write!(f, "dropped from a reply: {control}, which {platform} does not support here")
            }
            Dropped::GatherBeforeClosing => {
                write!(
                    f,
                    "dropped the request to gather DTMF digits: the same reply transfers the caller or \
                     hangs up, and {platform} does not listen before that"
                )
            }
            Dropped::ControlTag => {
                write!(
                    f,
                    "dropped a control tag from the text of a reply: {platform} would carry it out"
                )
            }
            Dropped::Greeting => {
                write!(f, "dropped the greeting: {platform} did not ask for one")
            }
            Dropped::HangUpReason => {
                write!(f, "dropped the reason of a hang-up: {platform} has no field for it")
            }
            Dropped::RestOfGreeting(missed) => {
                write!(f, "dropped the rest of the greeting: {missed}")
            }
            Dropped::Hold => {
                write!(
                    f,
                    "dropped the protection of a hold: its time was up before its work was complete"
                )
            }
            Dropped::HeldWork => {
                write!(
                    f,
                    "dropped the rest of the work in a hold: its time was up after the reply was cut"
                )
            }
        }
    }
}
