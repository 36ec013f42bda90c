//! What an outbox does in each phase of its reply, and what it must not do.

mod phase;

use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, advance};

use super::buffer::{Audience, Outbox, ReplyKind};
use super::draft::{Packet, Remainder};
use super::ending::Step;
use super::hold::Hold;
use super::reader::Reader;
use crate::bot::adapter::Adapter;
use crate::bot::budget::{Budget, BudgetError};
use crate::bot::capabilities::Platform;
use crate::bot::controls::{
    Closing, ControlKind, Element, Gather, HangUp, SpeechSettings, Transfer,
};
use crate::bot::error::{Dropped, ReplyError};
use crate::bot::input::{CallKey, Cause, TurnId};
use crate::bot::limits::Limits;
use crate::observe::{Observers, TurnFailure};
use crate::server::Error;

const SECOND: Duration = Duration::from_secs(1);

type Notices = Arc<Mutex<Vec<Dropped>>>;

/// An outbox on Digital Employee, which takes packets and all kinds of elements.
fn outbox_with(kind: ReplyKind, change: impl FnOnce(&mut Adapter)) -> (Arc<Outbox>, Notices) {
    let notices = Notices::default();
    let mut adapter = Adapter::detached(Platform::DigitalEmployee, |_| {}, Observers::default());
    adapter.budget = Budget { whole: Some(SECOND), ..adapter.budget };
    adapter.notices = Box::new({
        let notices = notices.clone();
        move |notice| notices.lock().unwrap().push(notice.what)
    });
    change(&mut adapter);
    let (call, turn) = (CallKey::new(Platform::DigitalEmployee, "c"), TurnId::new("1"));
    let limits = Limits::default().with_max_reply_bytes(100);
    let outbox = Outbox::new(call, turn, Arc::new(adapter), &limits, Instant::now(), kind);
    (Arc::new(outbox), notices)
}

fn outbox() -> Arc<Outbox> {
    outbox_with(ReplyKind::Turn, |_| {}).0
}

/// The error of missing the limit of the whole reply.
fn missed(outbox: &Outbox) -> BudgetError {
    outbox.deadlines()[1].unwrap().1
}

/// What a reader gets without waiting: the text of each packet, and how it ends, if it does.
fn read(reader: &mut Reader) -> (Vec<String>, Option<Result<(), String>>) {
    let mut texts = Vec::new();
    loop {
        match reader.next().now_or_never() {
            None => return (texts, None),
            Some(Ok(Some(packet))) => texts.push(packet.text),
            Some(Ok(None)) => return (texts, Some(Ok(()))),
            Some(Err(error)) => return (texts, Some(Err(error.to_string()))),
        }
    }
}

fn hang_up(reason: &str) -> Element {
    Element::Closing(Closing::HangUp(HangUp::new().with_reason(reason)))
}

#[tokio::test(start_paused = true)]
async fn a_cut_discards_what_no_reader_has_taken() {
    let outbox = outbox();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("One. ").unwrap();
    outbox.flush();
    assert_eq!(read(&mut reader), (vec!["One. ".to_owned()], None));
    outbox.push_text("Two. ").unwrap();
    outbox.flush();
    outbox.push_text("Three.").unwrap();
    assert!(outbox.cut(Cause::BargeIn));
    assert!(!outbox.cut(Cause::NewTurn), "the first cause counts");
    assert_eq!(read(&mut reader), (vec![], Some(Ok(()))));
    assert_eq!(outbox.sent_entry(None).said, "One. ");
    // Nothing comes after it.
    assert_eq!(outbox.push_text("Four."), Err(ReplyError::Over(Cause::BargeIn)));
    assert_eq!(outbox.commit(), Err(Cause::BargeIn));
    outbox.finish(Remainder::Nothing);
    outbox.replay(Packet { text: "again".into(), ..Packet::default() });
    outbox.fail("broken".into());
    assert_eq!(read(&mut reader), (vec![], Some(Ok(()))));
    assert_eq!(outbox.cause(), Some(Cause::BargeIn));
    assert!(Reader::new(&outbox).is_none(), "a request for the turn can't share this answer");
    assert_eq!(outbox.next_step(Waker::noop()), Step::Stop);
}

#[tokio::test(start_paused = true)]
async fn a_commit_can_not_be_cut_and_sends_nothing() {
    let outbox = outbox();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("Done.").unwrap();
    assert_eq!(outbox.commit(), Ok(()));
    for cause in [Cause::BargeIn, Cause::NewTurn, Cause::CallOver] {
        assert!(!outbox.cut(cause));
    }
    outbox.flush();
    outbox.flush_on_wait();
    outbox.send_filler();
    assert_eq!(read(&mut reader), (vec![], None));
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run);
    outbox.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader), (vec!["Done.".to_owned()], Some(Ok(()))));
    assert!(!outbox.cut(Cause::BargeIn));
    drop(reader);
    assert_eq!(outbox.cause(), None, "the end was there before the reader went");
}

#[tokio::test(start_paused = true)]
async fn a_commit_is_revoked_or_reopened() {
    let revoked = outbox();
    let mut reader = Reader::new(&revoked).unwrap();
    revoked.push_text("Done.").unwrap();
    revoked.commit().unwrap();
    revoked.revoke(Cause::NewTurn);
    assert_eq!(revoked.cause(), Some(Cause::NewTurn));
    revoked.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader), (vec![], Some(Ok(()))), "the last packet must not go out");

    let reopened = outbox();
    reopened.commit().unwrap();
    reopened.reopen();
    assert!(reopened.cut(Cause::BargeIn));

    let complete = outbox();
    complete.commit().unwrap();
    complete.finish(Remainder::Nothing);
    complete.revoke(Cause::NewTurn);
    complete.reopen();
    assert_eq!(complete.cause(), None);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_fails_a_commit_only_if_nothing_is_out() {
    let silent = outbox();
    let mut reader = Reader::new(&silent).unwrap();
    silent.commit().unwrap();
    assert!(!silent.fail_deadline(missed(&silent)));
    assert!(matches!(read(&mut reader), (_, Some(Err(_)))));
    assert_eq!(silent.cause(), None, "the commit goes on");

    let heard = outbox();
    let mut reader = Reader::new(&heard).unwrap();
    heard.push_text("One. ").unwrap();
    heard.flush();
    heard.commit().unwrap();
    assert!(!heard.fail_deadline(missed(&heard)));
    heard.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader).1, Some(Ok(())));
}

#[tokio::test(start_paused = true)]
async fn a_late_greeting_ends_with_the_text_so_far() {
    let (outbox, notices) = outbox_with(ReplyKind::Greeting, |_| {});
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("Welcome. ").unwrap();
    let missed = missed(&outbox);
    assert!(outbox.end_greeting(missed));
    assert!(!outbox.end_greeting(missed));
    assert_eq!(outbox.cause(), Some(Cause::Deadline));
    // Delivered, though no reader had taken it before the cut.
    assert_eq!(read(&mut reader), (vec!["Welcome. ".to_owned()], Some(Ok(()))));
    assert_eq!(outbox.sent_entry(None).said, "Welcome. ");
    assert_eq!(*notices.lock().unwrap(), [Dropped::RestOfGreeting(missed)]);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_reader_cuts_the_reply() {
    let outbox_1 = outbox();
    let (one, other) = (Reader::new(&outbox_1).unwrap(), Reader::new(&outbox_1).unwrap());
    drop(one);
    assert_eq!(outbox_1.cause(), None);
    drop(other);
    assert_eq!(outbox_1.cause(), Some(Cause::PeerGone));

    let late = outbox();
    let reader = Reader::new(&late).unwrap();
    advance(SECOND).await;
    drop(reader);
    assert_eq!(late.cause(), Some(Cause::Deadline));
}

#[tokio::test(start_paused = true)]
async fn a_failure_sends_the_text_before_it() {
    let outbox = outbox();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("One moment. ").unwrap();
    outbox.fail(Error::public("no money"));
    let failed = Some(Err("no money".to_owned()));
    assert_eq!(read(&mut reader), (vec!["One moment. ".to_owned()], failed));
    assert!(!outbox.cut(Cause::BargeIn));
    assert_eq!(outbox.failed_entry(None).said, "One moment. ");
}

#[tokio::test(start_paused = true)]
async fn a_task_without_an_outcome_fails_its_readers() {
    let outbox = outbox();
    let mut reader = Reader::new(&outbox).unwrap();
    assert!(outbox.until_task_ended().now_or_never().is_none());
    outbox.end_task();
    assert!(outbox.until_task_ended().now_or_never().is_some());
    assert!(matches!(read(&mut reader), (_, Some(Err(_)))));
}

#[tokio::test(start_paused = true)]
async fn a_hold_continues_after_a_cut_until_it_expires() {
    let outbox = outbox();
    let hold = hold(&outbox, 2 * SECOND);
    assert!(outbox.cut(Cause::BargeIn));
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run);
    assert_eq!(outbox.holds_until(), Some(Instant::now() + 2 * SECOND));
    assert!(Hold::new(&outbox, SECOND).is_err(), "no hold begins after a cut");
    advance(SECOND).await;
    outbox.expire_hold();
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run);
    advance(SECOND).await;
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run, "its work may be ready");
    outbox.expire_hold();
    assert_eq!(outbox.next_step(Waker::noop()), Step::Stop);
    drop(hold);
    assert_eq!(outbox.next_step(Waker::noop()), Step::Stop);
}

#[tokio::test(start_paused = true)]
async fn a_hold_whose_time_is_up_is_reported_and_protects_nothing() {
    let (outbox, notices) = outbox_with(ReplyKind::Turn, |_| {});
    outbox.report_held_work();
    let guard = hold(&outbox, SECOND);
    advance(SECOND).await;
    outbox.expire_hold();
    outbox.expire_hold();
    assert_eq!(*notices.lock().unwrap(), [Dropped::Hold]);
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run);
    assert!(outbox.cut(Cause::BargeIn));
    assert_eq!(outbox.next_step(Waker::noop()), Step::Stop);
    outbox.report_held_work();
    assert_eq!(*notices.lock().unwrap(), [Dropped::Hold, Dropped::HeldWork]);
    drop(guard);
    outbox.report_held_work();
    assert_eq!(notices.lock().unwrap().len(), 2, "the work is complete");
}

#[tokio::test(start_paused = true)]
async fn a_hold_within_another_one_never_shortens_it() {
    let outbox = outbox();
    let _outer = hold(&outbox, 3 * SECOND);
    advance(SECOND).await;
    let (inner, for_the_store) = Hold::new(&outbox, SECOND).unwrap();
    assert_eq!(for_the_store, 2 * SECOND);
    drop(inner);
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run, "the store is not told of a release");
    let (_longer, for_the_store) = Hold::new(&outbox, 5 * SECOND).unwrap();
    assert_eq!(for_the_store, 5 * SECOND);
    assert_eq!(outbox.holds_until(), Some(Instant::now() + 5 * SECOND));
}

fn hold(outbox: &Arc<Outbox>, time: Duration) -> Hold {
    Hold::new(outbox, time).unwrap().0
}

fn apologizing() -> Arc<Outbox> {
    outbox_with(ReplyKind::Turn, |adapter| adapter.apology = Some("Sorry.".into())).0
}

#[tokio::test(start_paused = true)]
async fn an_apology_replaces_the_failure_and_what_was_not_sent() {
    for late in [false, true] {
        for sent in ["", "One", "One ", "一"] {
            let outbox = apologizing();
            let mut reader = Reader::new(&outbox).unwrap();
            outbox.push_text(sent).unwrap();
            outbox.flush();
            outbox.push_text("half a sen").unwrap();
            match late {
                true => assert!(outbox.fail_deadline(missed(&outbox))),
                false => outbox.fail("broken".into()),
            }
            let (texts, end) = read(&mut reader);
            let expected = match sent {
                "One" => "One Sorry.".to_owned(),
                sent => format!("{sent}Sorry."),
            };
            assert_eq!((texts.concat(), end), (expected, Some(Ok(()))), "{sent}");
            assert_eq!(outbox.cause(), late.then_some(Cause::Deadline));
            let entry = match late {
                true => outbox.sent_entry(None),
                false => outbox.failed_entry(None),
            };
            assert_eq!((&*entry.said, entry.apology.as_deref()), (sent, Some("Sorry.")));
            // The end is final.
            outbox.fail("broken again".into());
            outbox.finish(Remainder::Nothing);
            assert!(!outbox.fail_deadline(missed(&outbox)) && !outbox.cut(Cause::BargeIn));
            assert_eq!(read(&mut reader), (vec![], Some(Ok(()))));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_apology_has_the_speech_settings_of_the_call_and_not_those_of_the_turn() {
    let settings = SpeechSettings::new().with_barge_in(true);
    let outbox = apologizing();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.set_speech(Some(settings.clone()));
    for element in [
        Element::SpeechSettings(SpeechSettings::new().with_barge_in(false)),
        Element::Gather(Gather::up_to(4)),
        hang_up("done"),
    ] {
        outbox.push_control(element, Audience::Caller).unwrap();
    }
    outbox.fail("broken".into());
    let packet = reader.next().await.unwrap().unwrap();
    assert!(packet.last && packet.gather.is_none() && packet.closing.is_none());
    assert_eq!(packet.speech, Some(settings));
}

#[tokio::test(start_paused = true)]
async fn no_apology_follows_a_cut_a_shutdown_a_refusal_or_a_rejection() {
    type End = fn(&Outbox);
    let ends: [(&str, End, bool); 4] = [
        ("barge-in", |outbox| assert!(outbox.cut(Cause::BargeIn)), true),
        ("shutdown", |outbox| assert!(outbox.fail_shutdown()), false),
        ("no room", |outbox| outbox.refuse("no room".into(), TurnFailure::Full), false),
        ("rejection", |outbox| outbox.fail(Error::public("no account").status(404)), false),
    ];
    for (name, end, ends_well) in ends {
        let outbox = apologizing();
        let mut reader = Reader::new(&outbox).unwrap();
        end(&outbox);
        outbox.fail("broken".into());
        let (texts, ended) = read(&mut reader);
        assert_eq!((texts.len(), ended.unwrap().is_ok()), (0, ends_well), "{name}");
        assert_eq!(outbox.sent_entry(None).apology, None);
    }
    let after_transfer = |adapter: &mut Adapter| adapter.apology = Some("Sorry.".into());
    let (outbox, _) = outbox_with(ReplyKind::AfterTransfer, after_transfer);
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.fail("broken".into());
    assert!(matches!(read(&mut reader).1, Some(Err(_))));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_cannot_report_an_error_ends_a_rejection_with_the_apology() {
    let (outbox, _) = outbox_with(ReplyKind::Turn, |adapter| {
        adapter.apology = Some("Sorry.".into());
        adapter.platform = Platform::DuixStream;
    });
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.fail(Error::public("no account").status(404));
    assert_eq!(read(&mut reader), (vec!["Sorry.".to_owned()], Some(Ok(()))));
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_takes_too_long_is_followed_by_the_apology_and_nothing_else() {
    let outbox = apologizing();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("It is booked.").unwrap();
    outbox.commit().unwrap();
    assert!(!outbox.fail_deadline(missed(&outbox)));
    outbox.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader), (vec!["Sorry.".to_owned()], Some(Ok(()))));
    assert_eq!(outbox.cause(), None, "the commit goes on");
}

#[tokio::test(start_paused = true)]
async fn a_notice_that_panics_does_no_harm() {
    let (outbox, _) = outbox_with(ReplyKind::Greeting, |adapter| {
        adapter.notices = Box::new(|_| panic!("the test wants it"));
    });
    outbox.push_text("Welcome. ").unwrap();
    assert!(outbox.end_greeting(missed(&outbox)));
}

#[tokio::test(start_paused = true)]
async fn the_store_learns_of_a_release_once_and_before_further_work() {
    let outbox = outbox();
    drop(hold(&outbox, SECOND));
    assert_eq!(outbox.next_step(Waker::noop()), Step::Release);
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run);
    drop(hold(&outbox, SECOND));
    let _second = hold(&outbox, SECOND);
    assert_eq!(outbox.next_step(Waker::noop()), Step::Run, "it would end the second hold");
}

#[tokio::test(start_paused = true)]
async fn the_filler_goes_out_once_and_only_into_silence() {
    let with_filler = || {
        let (outbox, _) = outbox_with(ReplyKind::Turn, |adapter| {
            adapter.filler = Some("Hm. ".into());
            adapter.budget.filler_at = 0.5;
        });
        assert_eq!(outbox.filler_at(), Some(Instant::now() + SECOND / 2));
        outbox
    };
    let silent = with_filler();
    let mut reader = Reader::new(&silent).unwrap();
    silent.send_filler();
    silent.send_filler();
    assert_eq!(read(&mut reader), (vec!["Hm. ".to_owned()], None));
    assert_eq!(silent.filler_at(), None);
    silent.push_text("Yes.").unwrap();
    silent.commit().unwrap();
    silent.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader).0, ["Yes."]);
    let entry = silent.full_entry(None);
    assert_eq!((entry.said.as_str(), entry.filler.as_deref()), ("Yes.", Some("Hm. ")));
    let entry = silent.sent_entry(None);
    assert_eq!((entry.said.as_str(), entry.filler.as_deref()), ("Yes.", Some("Hm. ")));

    let speaking = with_filler();
    speaking.push_text("Yes.").unwrap();
    speaking.send_filler();
    assert!(!speaking.has_packets());

    let cancelled = with_filler();
    cancelled.cancel_filler();
    assert_eq!(cancelled.filler_at(), None);
    cancelled.send_filler();
    assert!(!cancelled.has_packets());
}

#[tokio::test(start_paused = true)]
async fn controls_go_where_the_platform_takes_them() {
    let (outbox, notices) = outbox_with(ReplyKind::Turn, |_| {});
    let mut reader = Reader::new(&outbox).unwrap();
    let push = |element| outbox.push_control(element, Audience::Caller);
    let open = SpeechSettings::new().with_barge_in(true);
    push(Element::SpeechSettings(open.clone())).unwrap();
    push(Element::Gather(Gather::up_to(4))).unwrap();
    outbox.flush();
    assert!(!outbox.has_packets(), "controls alone wait for text");
    outbox.push_text("Your PIN?").unwrap();
    outbox.flush();
    let late = push(Element::Gather(Gather::up_to(5)));
    assert_eq!(late, Err(ReplyError::Late(ControlKind::Gather)));
    let late = push(Element::SpeechSettings(open.clone()));
    assert_eq!(late, Err(ReplyError::Late(ControlKind::SpeechSettings)));
    push(hang_up("done")).unwrap();
    assert_eq!(outbox.push_text("More."), Err(ReplyError::Finished));
    assert_eq!(push(hang_up("again")), Err(ReplyError::Finished));
    outbox.commit().unwrap();
    outbox.finish(Remainder::Nothing);
    let first = reader.next().await.unwrap().unwrap();
    assert_eq!((first.speech, first.gather), (Some(open), Some(Gather::up_to(4))));
    assert!(!first.last && first.closing.is_none());
    let last = reader.next().await.unwrap().unwrap();
    assert!(last.last && !last.to_be_continued && last.speech.is_none() && last.gather.is_none());
    assert!(matches!(last.closing, Some(Closing::HangUp(_))));
    assert!(notices.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_closing_that_comes_later_is_not_in_the_last_packet() {
    let (outbox, notices) = outbox_with(ReplyKind::Turn, |adapter| {
        adapter.splits = true;
        adapter.hang_up_reason = false;
    });
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("Goodbye.").unwrap();
    outbox.push_control(Element::Gather(Gather::up_to(4)), Audience::Caller).unwrap();
    outbox.push_control(hang_up("done"), Audience::Caller).unwrap();
    let lost = [Dropped::HangUpReason, Dropped::GatherBeforeClosing];
    assert_eq!(*notices.lock().unwrap(), lost);
    outbox.commit().unwrap();
    outbox.finish(Remainder::Closing);
    let packet = reader.next().await.unwrap().unwrap();
    assert!(packet.last && packet.to_be_continued);
    assert!(packet.closing.is_none() && packet.gather.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_unsent_text_of_a_failed_hook_is_discarded() {
    let outbox = outbox();
    let mut reader = Reader::new(&outbox).unwrap();
    outbox.push_text("One. ").unwrap();
    outbox.flush();
    outbox.push_text("Two. ").unwrap();
    let to = Element::Closing(Closing::Transfer(Transfer::to_queue("vip")));
    outbox.push_control(to, Audience::Caller).unwrap();
    outbox.discard_unsent();
    outbox.push_text("Three.").unwrap();
    outbox.commit().unwrap();
    outbox.finish(Remainder::Nothing);
    assert_eq!(read(&mut reader).0, ["One. ", "Three."]);
    assert_eq!(outbox.full_entry(None).said, "One. Three.");
}

#[tokio::test(start_paused = true)]
async fn the_limit_counts_all_text_of_a_reply() {
    let outbox = outbox();
    let _reader = Reader::new(&outbox).unwrap();
    outbox.push_text(&"x".repeat(60)).unwrap();
    outbox.flush();
    let refused = outbox.push_text(&"x".repeat(41));
    assert_eq!(refused, Err(ReplyError::TooLong { bytes: 101, max: 100 }));
    outbox.push_text(&"x".repeat(40)).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_greeting_for_nobody_is_checked_and_dropped_with_one_notice() {
    let (outbox, notices) = outbox_with(ReplyKind::Turn, |_| {});
    let push = |gather| outbox.push_control(Element::Gather(gather), Audience::Nobody);
    assert!(matches!(push(Gather::up_to(0)), Err(ReplyError::Invalid(_))));
    push(Gather::up_to(4)).unwrap();
    push(Gather::up_to(4)).unwrap();
    assert_eq!(*notices.lock().unwrap(), [Dropped::Greeting]);
    assert!(outbox.read_draft(|draft| draft.gather.is_none()));
}
