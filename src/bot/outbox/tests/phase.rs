//! The phases of a reply and of its holds: which transitions there are, and that there are no others.

use std::time::Duration;

use tokio::time::Instant;

use crate::bot::input::Cause;
use crate::bot::outbox::holds::Holds;
use crate::bot::outbox::phase::{CutAnswer, Phase};
use crate::server::Error;

const SECOND: Duration = Duration::from_secs(1);

/// A phase in each state, with its name.
fn phases() -> Vec<(&'static str, Phase)> {
    vec![
        ("open", Phase::Open),
        ("committing", Phase::Committing),
        ("complete", Phase::Complete),
        ("failed", Phase::Failed(Some("broken".into()))),
        ("cut", Phase::Cut { cause: Cause::BargeIn, answer: CutAnswer::Discard }),
    ]
}

fn name(phase: &Phase) -> &'static str {
    match phase {
        Phase::Open => "open",
        Phase::Committing => "committing",
        Phase::Complete => "complete",
        Phase::Failed(_) => "failed",
        Phase::Cut { cause: Cause::BargeIn, .. } => "cut",
        Phase::Cut { .. } => "cut anew",
    }
}

#[test]
fn the_phases_have_these_transitions_only() {
    type Change = fn(&mut Phase);
    let changes: [(&str, Change); 5] = [
        ("cut", |phase| _ = phase.cut(Cause::NewTurn, CutAnswer::Discard)),
        ("commit", |phase| _ = phase.commit()),
        ("reopen", Phase::reopen),
        ("complete", |phase| _ = phase.complete()),
        ("fail", |phase| _ = phase.fail("broken".into())),
    ];
    let moves = [
        ("open", "cut", "cut anew"),
        ("open", "commit", "committing"),
        ("open", "complete", "complete"),
        ("open", "fail", "failed"),
        ("committing", "reopen", "open"),
        ("committing", "complete", "complete"),
        ("committing", "fail", "failed"),
    ];
    for (what, change) in changes {
        for (from, mut phase) in phases() {
            change(&mut phase);
            let to = moves.iter().find(|(start, by, _)| (*start, *by) == (from, what));
            assert_eq!(name(&phase), to.map_or(from, |(_, _, to)| to), "{from}: {what}");
        }
    }
}

#[test]
fn only_a_change_of_phase_returns_true() {
    for (from, mut phase) in phases() {
        assert_eq!(phase.cut(Cause::NewTurn, CutAnswer::Deliver), from == "open", "{from}");
    }
    for (from, mut phase) in phases() {
        assert_eq!(phase.commit().err(), (from == "cut").then_some(Cause::BargeIn), "{from}");
    }
    for (from, mut phase) in phases() {
        assert_eq!(phase.complete(), ["open", "committing"].contains(&from), "{from}");
    }
    for (from, phase) in phases() {
        assert_eq!(phase.is_final(), !["open", "committing"].contains(&from), "{from}");
        assert_eq!(phase.cause().is_some(), from == "cut", "{from}");
    }
}

#[test]
fn the_first_reader_of_a_failure_gets_the_error() {
    let mut failed = Phase::Failed(Some(Error::public("no money")));
    assert_eq!(failed.outcome().unwrap().unwrap_err().to_string(), "no money");
    assert_ne!(failed.outcome().unwrap().unwrap_err().to_string(), "no money");
}

#[test]
fn holds_count_and_are_released_once() {
    let now = Instant::now();
    let mut holds = Holds::default();
    assert!(!holds.take_release());
    assert_eq!(holds.add(now, now + 2 * SECOND), now + 2 * SECOND);
    assert_eq!(holds.add(now, now + SECOND), now + 2 * SECOND, "the latest counts");
    assert!(!holds.remove());
    assert!(!holds.take_release(), "one is left");
    assert_eq!(holds.until(), Some(now + 2 * SECOND));
    assert!(holds.remove());
    assert_eq!(holds.until(), None);
    assert!(holds.take_release());
    assert!(!holds.take_release());
    // A new hold before anybody looked: its release is still to come.
    holds.add(now, now + SECOND);
    assert!(holds.remove());
    holds.add(now, now + SECOND);
    assert!(!holds.take_release());
    assert!(holds.remove() && holds.take_release());
}

#[test]
fn a_hold_expires_once() {
    let now = Instant::now();
    let mut holds = Holds::default();
    assert!(!holds.expire(now) && holds.outlived().is_none());
    holds.add(now, now + SECOND);
    assert!(!holds.expire(now) && holds.outlived().is_none());
    assert!(holds.expire(now + SECOND));
    assert!(!holds.expire(now + SECOND));
    assert_eq!((holds.until(), holds.outlived()), (None, Some(SECOND)));
    // A new hold protects again, and counts from the first one.
    holds.add(now + SECOND, now + 3 * SECOND);
    assert_eq!((holds.until(), holds.outlived()), (Some(now + 3 * SECOND), None));
    assert!(holds.expire(now + 3 * SECOND));
    assert_eq!(holds.outlived(), Some(3 * SECOND));
    assert!(!holds.remove() && holds.remove());
    assert_eq!(holds.outlived(), None);
}
