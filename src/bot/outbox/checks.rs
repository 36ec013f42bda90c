//! Checks whether a platform accepts a control.

use std::time::Duration;

use crate::bot::adapter::Adapter;
use crate::bot::capabilities::{Capabilities, GatherLimits, TransferKind};
use crate::bot::controls::{Closing, ControlKind, Element, Synthesis, Transfer};
use crate::bot::error::ReplyError;

/// How far a platform supports a control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Full,
    /// Partly: the rest was removed, which the adapter allows.
    Reduced,
    /// Not at all, and the adapter allows dropping it.
    Droppable,
    Refused,
}

/// Returns how far the platform supports a control, and removes the unsupported part if that is
/// allowed.
pub(super) fn support(element: &mut Element, adapter: &Adapter) -> Support {
    let can = &adapter.capabilities;
    let lossy = adapter.lossy.contains(&element.kind());
    let supported = match element {
        Element::SpeechSettings(speech) => {
            let all = speech.are_supported_by(&can.speech) && can.speech.any();
            if !all && lossy && can.speech.any() {
                // The part that the platform can set is still useful.
                *speech = speech.supported_by(&can.speech);
                return Support::Reduced;
            }
            all
        }
        Element::Gather(_) => can.gather.is_some(),
        Element::Native(_) => can.native,
        Element::Closing(Closing::Transfer(transfer)) => can.transfer.contains(transfer.kind),
        Element::Closing(Closing::HangUp(_)) => can.hang_up,
    };
    match (supported, lossy) {
        (true, _) => Support::Full,
        (false, true) => Support::Droppable,
        (false, false) => Support::Refused,
    }
}

/// Checks that the values of a control are within the platform's limits.
pub(super) fn check_values(element: &Element, can: &Capabilities) -> Result<(), ReplyError> {
    const DELAY: (Duration, Duration) = (Duration::ZERO, Duration::from_secs(10));
    match element {
        Element::SpeechSettings(speech) => {
            speech.synthesis.as_ref().map_or(Ok(()), check_finite)?;
            match (speech.silence_timeout, can.speech.silence_timeout) {
                (Some(time), Some(allowed)) => check_seconds("/silence_timeout", time, allowed),
                _ => Ok(()),
            }
        }
        Element::Gather(gather) => {
            let Some(GatherLimits { digits: (min, max), timeout }) = can.gather else {
                return Ok(());
            };
            if !(min..=max).contains(&gather.digits) {
                let allowed = format!("{min} to {max}");
                return Err(ReplyError::invalid("/digits", gather.digits, &allowed));
            }
            gather.timeout.map_or(Ok(()), |time| check_seconds("/timeout", time, timeout))
        }
        Element::Closing(Closing::HangUp(how)) => check_seconds("/delay", how.delay, DELAY),
        Element::Closing(Closing::Transfer(to)) => check_target(to),
        Element::Native(_) => Ok(()),
    }
}

/// Checks that JSON can express the numbers of a voice.
fn check_finite(voice: &Synthesis) -> Result<(), ReplyError> {
    let numbers = [
        ("/synthesis/volume", voice.volume),
        ("/synthesis/pitch", voice.pitch),
        ("/synthesis/rate", voice.rate),
    ];
    match numbers.iter().find_map(|(at, number)| Some((*at, number.filter(|n| !n.is_finite())?))) {
        Some((pointer, number)) => Err(ReplyError::invalid(pointer, number, "a finite number")),
        None => Ok(()),
    }
}

/// Checks that a transfer has a target.
fn check_target(transfer: &Transfer) -> Result<(), ReplyError> {
    if !transfer.to.trim().is_empty() {
        return Ok(());
    }
    let target = match transfer.kind {
        TransferKind::Queue => "the id or name of a queue",
        TransferKind::QueueCode => "the access code of a queue",
        TransferKind::Agent => "the id of an agent",
        TransferKind::Number => "a phone number",
        TransferKind::Flow => "the access code of a flow",
    };
    Err(ReplyError::invalid("/to", format!("{:?}", transfer.to), target))
}

/// Checks that `time` is a whole number of seconds within these bounds.
fn check_seconds(
    pointer: &str,
    time: Duration,
    (min, max): (Duration, Duration),
) -> Result<(), ReplyError> {
    if time.subsec_nanos() == 0 && (min..=max).contains(&time) {
        return Ok(());
    }
    let allowed = format!("{} to {} whole seconds", min.as_secs(), max.as_secs());
    Err(ReplyError::invalid(pointer, format!("{time:?}"), &allowed))
}

/// Returns whether the platform takes some controls in the first packet only.
pub(super) fn has_first_packet_controls(can: &Capabilities) -> bool {
    can.gather.is_some() && !can.late_gather || can.speech.any()
}

/// Returns whether a control is too late once the first packet is out.
pub(super) fn is_first_packet_only(kind: ControlKind, can: &Capabilities) -> bool {
    match kind {
        ControlKind::Gather => !can.late_gather,
        ControlKind::SpeechSettings => true,
        _ => false,
    }
}
