//! Notes, which need no lease.

use super::case::{Case, bytes, equal, key, opening, rule, turn};
use crate::bot::store::{Change, Store, Then};

fn read(notes: usize) -> Change {
    Change { notes_read: notes, ..Change::default() }
}

pub(super) async fn notes_are_kept_until_they_are_read<S: Store>(case: &mut Case<S>) {
    let unknown = "without the call no note is kept";
    rule(unknown, !case.leave("c", None, "a", Then::Keep).await);
    equal(unknown, case.read("c").await, None);
    let first = case.lease("c", "1").await;
    let gets = "a call gets a note, whether or not a turn has the call";
    for note in ["a", "b", "c"] {
        rule(gets, case.leave("c", None, note, Then::Close).await);
    }
    case.written("a note without a lease ends none", &first, read(1)).await;
    let (second, record) = case.run("c", &opening("2")).await;
    let kept = "notes are kept in their order, until a turn says that it has read them";
    equal(kept, record.notes, vec![bytes("b"), bytes("c")]);
    rule(gets, case.leave("c", None, "d", Then::Keep).await);
    equal(kept, case.notes("c").await, vec!["b".to_owned(), "c".to_owned(), "d".to_owned()]);
    case.written("a turn can say how many notes it has read", &second, read(2)).await;
    equal(kept, case.notes("c").await, vec!["d".to_owned()]);
    case.written("a turn may have read more notes than there are", &second, read(usize::MAX)).await;
    equal(kept, case.notes("c").await, Vec::new());
    case.written("a turn may have read more notes than there are", &second, read(1)).await;
    equal("an abort adds a note", case.abort("c", "3").await, true);
    equal("an abort adds a note", case.notes("c").await, vec!["abort".to_owned()]);
    case.repeated("a turn that was aborted counts as answered", "c", "3").await;
}

pub(super) async fn many_notes_drop_only_the_oldest<S: Store>(case: &mut Case<S>) {
    case.answer("c", "1").await;
    let all: Vec<_> = (0..200).map(|n| n.to_string()).collect();
    let (before, after) = all.split_at(150);
    for note in before {
        rule(
            "a full list of notes still gets a note",
            case.leave("c", None, note, Then::Keep).await,
        );
    }
    let kept = "the newest 64 notes are kept, in their order";
    let (lease, record) = case.run("c", &opening("2")).await;
    let notes = case.notes("c").await;
    rule(kept, notes.len() >= 64 && before.ends_with(&notes));
    equal(kept, record.notes.len(), notes.len());
    for note in after.iter().take(10) {
        case.leave("c", None, note, Then::Keep).await;
    }
    case.written("a turn can say how many notes it has read", &lease, read(notes.len())).await;
    let unread =
        "a note that the turn has not read stays, even if notes that it has read were dropped";
    equal(unread, case.notes("c").await, after.iter().take(10).cloned().collect::<Vec<_>>());
    for note in after.iter().skip(10) {
        case.leave("c", None, note, Then::Keep).await;
    }
    equal(kept, case.notes("c").await, after.to_vec());
    // One note that is larger than all of them.
    let large = "x".repeat(1 << 19);
    let left = case.store.abort(&key("c"), &turn("3"), bytes(&large)).await;
    equal("a note may be large", left, Ok(true));
    rule(
        "the newest note is kept",
        case.notes("c").await.last().is_some_and(|note| *note == large),
    );
}
