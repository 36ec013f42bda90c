//! The turns of a bot: what is kept and what is rolled back, what was heard, and which turn wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::bots::*;
use crate::support::errors::typed;
use callbot::bot::{
    Bot, Call, Cause, ControlKind, Cut, Gather, HangUp, Heard, Host, Input, MemoryStore, Reply,
    ReplyError, Result, SpeechSettings, Transfer,
};
use callbot::digital_employee::Control as Wire;
use futures_util::FutureExt;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn a_bot_that_only_ever_speaks_can_be_stopped() {
    let alive = Alive::default();
    let guard = alive.clone();
    let line = line(Host::new(bot(move |_, _, reply| {
        let guard = guard.guard();
        async move {
            let _guard = guard;
            loop {
                // The bot ignores the errors of the reply.
                let _ = reply.say("x").await;
            }
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "go").await;
    reply.next().await;
    assert_eq!(alive.count(), 2);
    line.abort("c", "1", Some("x")).await;
    reply.rest().await;
    assert!(reply.ended && reply.failure.is_none());
    until(|| alive.count() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_bot_that_blocks_its_thread_delays_no_one_and_can_no_longer_write() {
    let (asleep, woke) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (sleeps, wakes) = (asleep.clone(), woke.clone());
    let line = line(Host::new(bot(move |call, input, reply| {
        let (sleeps, wakes) = (sleeps.clone(), wakes.clone());
        async move {
            call.memory.push(words(&input).into());
            reply.say("So. ").await?;
            if words(&input) == "block" {
                tokio::task::yield_now().await;
                sleeps.store(true, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(1500));
                wakes.store(true, Ordering::SeqCst);
            }
            Ok(())
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "block").await;
    reply.until("So.").await;
    until(|| asleep.load(Ordering::SeqCst)).await;
    line.abort("c", "1", Some("So.")).await;
    reply.rest().await;
    assert!(reply.ended);
    assert_eq!(line.text("c", "2", "next").await, "So. ");
    assert!(!woke.load(Ordering::SeqCst), "all of that happened while the bot slept");
    until(|| woke.load(Ordering::SeqCst)).await;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(line.snapshot("c").await.memory, ["next"]);
}

#[tokio::test(start_paused = true)]
async fn unfinished_changes_are_rolled_back() {
    let line = line(Host::new(bot(|call, input, reply| {
        async move {
            call.memory.push(words(&input).into());
            reply.say("One. ").await?;
            match words(&input) {
                "wait" => std::future::pending().await,
                "save" => {
                    call.save().await?;
                    call.memory.push("more".into());
                    std::future::pending().await
                }
                "fail" => Err("no".parse::<u32>().unwrap_err().into()),
                "panic" => panic!("the test wants it"),
                _ => Ok(()),
            }
        }
        .boxed()
    })));
    line.text("c", "1", "first").await;
    for (turn, words) in [("2", "wait"), ("3", "save")] {
        let mut reply = line.say("c", turn, words).await;
        reply.until("One.").await;
        line.abort("c", turn, Some("One.")).await;
        reply.rest().await;
        assert!(reply.ended && reply.failure.is_none());
    }
    for (turn, words) in [("4", "fail"), ("5", "panic")] {
        let mut reply = line.say("c", turn, words).await;
        reply.rest().await;
        assert_eq!(reply.failure, Some(500), "{words}");
    }
    line.text("c", "6", "last").await;
    let seen = line.snapshot("c").await;
    assert_eq!(seen.memory, ["first", "save", "last"]);
    // The history keeps what was said, whatever the outcome of the turn.
    assert_eq!(seen.history.len(), 6);
    assert!(seen.history.iter().all(|entry| entry.said == "One. " || entry.said == "One."));
}

/// A bank that takes orders, and counts the payments that were really made.
#[derive(Clone, Default)]
struct Bank {
    paid: Count,
    refused: Count,
}

impl Bot for Bank {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        match words(&input) {
            "pay" => {
                reply.say("I pay. ").await?;
                reply.flush().await?;
                call.hold(async |call| {
                    sleep(200 * MS).await;
                    self.paid.up();
                    call.memory.push("paid".into());
                    Ok(())
                })
                .await?;
                sleep(200 * MS).await;
                call.memory.push("told".into());
                reply.say("Done.").await
            }
            "late" => {
                reply.say("So. ").await?;
                reply.flush().await?;
                // The abort arrives here, and this bot does not check for it.
                let _ = tokio::time::timeout(300 * MS, std::future::pending::<()>()).await;
                if let Err(error) = call.hold(async |_| Ok(())).await {
                    let over = ReplyError::Over(Cause::BargeIn);
                    assert_eq!(error.downcast_ref(), Some(&over));
                    self.refused.up();
                }
                Ok(())
            }
            "for ever" => {
                reply.say("Well. ").await?;
                reply.flush().await?;
                call.hold(async |_| std::future::pending().await).await
            }
            _ => reply.say(call.memory.join(", ")).await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn held_work_is_completed_and_another_server_sees_it() {
    let store = Arc::new(MemoryStore::new());
    let bank = Bank::default();
    let here = line(Host::builder(bank.clone()).store(store.clone()).build());
    let there = line(Host::builder(bank.clone()).store(store).build());
    let mut reply = here.say("c", "1", "pay").await;
    reply.until("I pay.").await;
    sleep(100 * MS).await;
    here.abort("c", "1", Some("I pay.")).await;
    reply.rest().await;
    assert!(reply.ended, "the reply ends immediately");
    assert_eq!(bank.paid.get(), 0, "and the order continues");
    let start = Instant::now();
    assert_eq!(there.text("c", "2", "what?").await, "paid");
    assert!(start.elapsed() >= 50 * MS, "the next turn waits");
    assert_eq!(bank.paid.get(), 1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(there.snapshot("c").await.memory, ["paid"], "what came after the hold is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_hold_lasts_at_most_two_seconds() {
    let here = line(Host::new(Bank::default()));
    let mut reply = here.say("c", "1", "for ever").await;
    reply.until("Well.").await;
    let start = Instant::now();
    here.abort("c", "1", None).await;
    // The wait uses up the budget of this turn, so its answer is a failure.
    let mut second = here.say("c", "2", "what?").await;
    second.rest().await;
    assert_eq!(second.failure, Some(500));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(here.text("c", "3", "what?").await, "");
    assert!(start.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn the_history_is_cut_where_the_caller_stopped_listening() {
    let replies = [
        ("nothing", "Once upon a time.", Some(""), ""),
        ("the same twice", "Yes, yes. Yes, yes. No.", Some("Yes, yes."), "Yes, yes."),
        ("Chinese", "您好，请问您要办理什么业务？", Some("您好,请问您要"), "您好，请问您要"),
        ("foreign", "Once upon a time.", Some("Guten Tag"), "Once upon a time."),
        ("not told", "Once upon a time.", None, "Once upon a time."),
        ("a part", "Once upon a time.", Some("Once upon"), "Once upon"),
    ];
    let line = line(Host::new(bot(|_, input, reply| {
        async move { reply.say(words(&input)).await }.boxed()
    })));
    for (turn, text, ..) in replies {
        assert_eq!(line.text("c", turn, text).await, text);
    }
    // Long after the replies were complete, and in another order.
    for (turn, _, heard, _) in replies.iter().rev() {
        line.abort("c", turn, *heard).await;
    }
    line.text("c", "last", "last").await;
    for (turn, _, _, kept) in replies {
        assert_eq!(line.heard("c", turn).await, kept, "{turn}");
    }
    let seen = line.snapshot("c").await;
    let heard: Vec<_> = seen.history.iter().map(|entry| entry.heard.clone()).collect();
    assert_eq!(heard[0], Some(Heard::Nothing));
    assert_eq!(heard[3], Some(Heard::Mismatch("Guten Tag".into())));
    assert_eq!(heard[4], Some(Heard::Unknown));
    assert_eq!(heard[6], None, "that turn was not cut");
}

/// Records the cuts that it is told about.
#[derive(Clone, Default)]
struct Attentive {
    told: Count,
}

impl Bot for Attentive {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        if let Some(Cut { turn, heard, cause, .. }) = &call.cut {
            call.memory.push(format!("cut {turn} {heard:?} {cause:?}"));
        }
        let heard = call.history.iter().map(|entry| entry.said.as_str()).collect::<Vec<_>>();
        call.memory.push(format!("heard {heard:?}"));
        for word in words(&input).split_inclusive(' ') {
            reply.say(word).await?;
            sleep(100 * MS).await;
        }
        Ok(())
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, cut: &Cut) -> Result {
        self.told.up();
        let heard = match &cut.heard {
            Heard::UpTo(text) => text.clone(),
            other => format!("{other:?}"),
        };
        call.memory.push(format!("told {} {heard} {:?}", cut.turn, cut.cause));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_after_a_complete_reply_cuts_its_turn_and_the_bot_is_told() {
    let bot = Attentive::default();
    let line = line(Host::new(bot.clone()));
    line.text("c", "1", "one two three").await;
    line.text("c", "2", "four five six").await;
    line.abort("c", "1", Some("one")).await;
    assert_eq!(bot.told.get(), 1, "immediately, as no turn is running");
    assert_eq!(line.heard("c", "1").await, "one");
    assert_eq!(line.heard("c", "2").await, "four five six");
    line.text("c", "3", "seven").await;
    assert_eq!(bot.told.get(), 1, "and once");
    let memory = line.snapshot("c").await.memory;
    assert_eq!(
        memory,
        [
            "heard []",
            "heard [\"one two three\"]",
            "told 1 one BargeIn",
            "cut 1 UpTo([hidden]) BargeIn",
            "heard [\"one\", \"four five six\"]",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_abort_leaves_the_running_turn_alone() {
    let bot = Attentive::default();
    let line = line(Host::new(bot.clone()));
    line.text("c", "1", "one two").await;
    let mut second = line.say("c", "2", "three four five").await;
    second.until("three").await;
    line.abort("c", "1", Some("one")).await;
    second.rest().await;
    assert_eq!((second.text.as_str(), second.ended), ("three four five", true));
    assert_eq!(bot.told.get(), 0);
    line.text("c", "3", "six").await;
    assert_eq!(bot.told.get(), 1, "before the next turn at the latest");
    assert_eq!(line.heard("c", "1").await, "one");
    assert_eq!(line.heard("c", "2").await, "three four five");
}

#[tokio::test(start_paused = true)]
async fn a_new_turn_ends_the_one_that_runs() {
    let bot = Attentive::default();
    let line = line(Host::new(bot.clone()));
    let mut first = line.say("c", "1", "one two three four").await;
    first.until("two").await;
    assert_eq!(line.text("c", "2", "five").await, "five");
    first.rest().await;
    assert!(first.ended && first.text.starts_with("one two "), "{}", first.text);
    let memory = line.snapshot("c").await.memory;
    assert_eq!(memory[0], "told 1 Unknown NewTurn");
    assert_eq!(memory[1], "cut 1 Unknown NewTurn");
    assert!(memory[2].starts_with("heard [\"one two"), "{memory:?}");
    // Later the platform reports what was heard.
    line.abort("c", "1", Some("one")).await;
    assert_eq!(line.heard("c", "1").await, "one");
}

#[tokio::test(start_paused = true)]
async fn an_abort_that_comes_before_its_turn_stops_it() {
    let bot = Attentive::default();
    let line = line(Host::new(bot.clone()));
    line.text("c", "1", "one").await;
    line.abort("c", "2", Some("")).await;
    assert_eq!(line.text("c", "2", "two").await, "");
    assert_eq!(line.text("c", "3", "three").await, "three");
}

#[tokio::test(start_paused = true)]
async fn text_and_controls_added_together_are_one_packet() {
    let line = line(Host::new(bot(|call, input, reply| {
        async move {
            reply.say("Your PIN, ").await?;
            if words(&input) == "late" {
                sleep(10 * MS).await;
            }
            for part in ["please", ".", " Four digits."] {
                reply.say(part).await?;
            }
            reply.speech_settings(SpeechSettings::new().with_barge_in(true)).await.unwrap_or_else(
                |error| {
                    call.memory.push(error.to_string());
                },
            );
            if let Err(error) = reply.gather(Gather::up_to(4)).await {
                let late = ReplyError::Late(ControlKind::Gather);
                assert_eq!(error.downcast_ref(), Some(&late));
                call.memory.push(error.to_string());
            }
            Ok(())
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "now").await;
    reply.rest().await;
    assert_eq!((reply.packets.len(), reply.text.as_str()), (1, "Your PIN, please. Four digits."));
    let controls = &reply.packets[0].data.as_ref().unwrap().controls;
    assert!(matches!(controls[..], [Wire::Voice(_), Wire::GatherDtmf(_)]), "{controls:?}");

    let mut reply = line.say("d", "1", "late").await;
    reply.rest().await;
    assert_eq!(reply.packets.len(), 2);
    assert!(reply.packets.iter().all(|packet| packet.data.as_ref().unwrap().controls.is_empty()));
    let told = line.snapshot("d").await.memory;
    assert_eq!(told.len(), 2);
    assert!(
        told.iter().all(|told| told.ends_with("the first packet only, which was already sent"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_disconnect_ends_the_turn_and_the_platform_may_repeat_it() {
    let alive = Alive::default();
    let guard = alive.clone();
    let runs = Count::default();
    let runner = runs.clone();
    let line = line(Host::new(bot(move |call, _, reply| {
        let (guard, run) = (guard.guard(), runner.up());
        async move {
            let _guard = guard;
            call.memory.push(format!("run {run}"));
            reply.say("Hello. ").await?;
            sleep(100 * MS).await;
            reply.say("Bye.").await
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "hi").await;
    reply.until("Hello.").await;
    reply.close();
    until(|| alive.count() == 1).await;
    assert_eq!(line.text("c", "1", "hi").await, "Hello. Bye.");
    assert_eq!((runs.get(), line.snapshot("c").await.memory), (2, vec!["run 1".to_owned()]));
    assert_eq!(line.snapshot("c").await.history.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_during_a_reply_is_one_failure_and_the_call_continues() {
    let line = line(Host::new(bot(|call, input, reply| {
        async move {
            call.memory.push("turn".into());
            reply.say("So. ").await?;
            sleep(10 * MS).await;
            if words(&input) == "panic" {
                panic!("the test wants it");
            }
            Ok(())
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "panic").await;
    reply.rest().await;
    assert_eq!((reply.packets.len(), reply.failure), (1, Some(500)));
    assert_eq!(line.text("c", "2", "go on").await, "So. ");
    assert_eq!(line.snapshot("c").await.memory, ["turn"]);
}

#[tokio::test(start_paused = true)]
async fn a_turn_overtaken_on_another_server_writes_nothing() {
    let store = Moody::<true>::default();
    store.set(Op::Signals, Fate::Fails, 1);
    let bot = Attentive::default();
    let here = line(Host::builder(bot.clone()).store(store.clone()).build());
    let there = line(Host::builder(bot.clone()).store(store).build());
    let mut first = here.say("c", "1", "one two three").await;
    first.until("one").await;
    assert_eq!(there.text("c", "2", "four").await, "four");
    first.rest().await;
    assert!(first.ended, "it got no cancel, so it spoke to the end");
    let memory = there.snapshot("c").await.memory;
    assert_eq!(memory, ["heard []"], "and only the second turn is kept");
    // The cut is reported before the next turn.
    assert_eq!(here.text("c", "3", "five").await, "five");
    let memory = there.snapshot("c").await.memory;
    assert_eq!(memory[1], "told 1 Unknown NewTurn");
}

#[tokio::test(start_paused = true)]
async fn servers_with_a_shared_store_cancel_each_others_turns() {
    let store = Arc::new(MemoryStore::new());
    let bot = Attentive::default();
    let here = line(Host::builder(bot.clone()).store(store.clone()).build());
    let there = line(Host::builder(bot.clone()).store(store).build());
    let mut first = here.say("c", "1", "one two three four five").await;
    first.until("one").await;
    there.abort("c", "1", Some("one")).await;
    first.rest().await;
    assert!(first.ended && first.text.len() < "one two three".len(), "{}", first.text);
    assert_eq!(there.heard("c", "1").await.trim_end(), "one");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_posted_twice_runs_once() {
    let runs = Count::default();
    let runner = runs.clone();
    let line = line(Host::new(bot(move |call, input, reply| {
        runner.up();
        async move {
            call.memory.push(words(&input).into());
            reply.say("Enter it, ").await?;
            sleep(50 * MS).await;
            reply.say("please.").await?;
            if words(&input) == "bye" {
                reply.hang_up(HangUp::new().with_reason("done")).await?;
            }
            Ok(())
        }
        .boxed()
    })));
    // While it runs.
    let mut first = line.say("c", "1", "pin").await;
    first.until("Enter").await;
    let mut second = line.say("c", "1", "pin").await;
    tokio::join!(first.rest(), second.rest());
    assert_eq!((first.text.as_str(), first.ended), ("Enter it, please.", true));
    assert_eq!((second.text.as_str(), second.ended), ("Enter it, please.", true));
    assert_eq!((runs.get(), line.snapshot("c").await.memory.len()), (1, 1));
    // After it has completed, with the whole reply.
    let mut first = line.say("c", "2", "bye").await;
    first.rest().await;
    let mut again = line.say("c", "2", "bye").await;
    again.rest().await;
    assert_eq!((again.text, again.ended), (first.text, true));
    let last = |reply: &[callbot::digital_employee::Packet]| {
        reply.last().unwrap().data.as_ref().unwrap().controls.clone()
    };
    assert_eq!(last(&again.packets), last(&first.packets));
    assert!(!last(&again.packets).is_empty());
    // The same for an older turn, without ending the newest one.
    let mut third = line.say("c", "3", "more").await;
    third.until("Enter").await;
    assert_eq!(line.text("c", "1", "pin").await, "Enter it, please.");
    third.rest().await;
    assert_eq!(third.text, "Enter it, please.");
    assert_eq!((runs.get(), line.snapshot("c").await.history.len()), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_after_a_hang_up_or_a_transfer() {
    let line = line(Host::new(bot(|_, input, reply| {
        async move {
            reply.say("Bye.").await?;
            match words(&input) {
                "hang up" => reply.hang_up(HangUp::new()).await?,
                _ => reply.transfer(Transfer::to_queue("q")).await?,
            }
            for _ in 0..3 {
                let finished = Err(ReplyError::Finished);
                assert_eq!(typed(reply.hang_up(HangUp::new()).await), finished);
                assert_eq!(typed(reply.say("More.").await), finished);
                assert_eq!(typed(reply.gather(Gather::up_to(1)).await), finished);
            }
            Ok(())
        }
        .boxed()
    })));
    for words in ["hang up", "transfer"] {
        let mut reply = line.say("c", words, words).await;
        reply.rest().await;
        assert_eq!((reply.packets.len(), reply.text.as_str(), reply.ended), (1, "Bye.", true));
        assert_eq!(reply.packets[0].data.as_ref().unwrap().controls.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_slows_the_bot() {
    let said = Count::default();
    let counter = said.clone();
    let line = line(Host::new(bot(move |_, _, reply| {
        let said = counter.clone();
        async move {
            for _ in 0..50 {
                reply.say("word ").await?;
                said.up();
                tokio::task::yield_now().await;
            }
            Ok(())
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "go").await;
    reply.next().await;
    sleep(Duration::from_secs(5)).await;
    assert!(said.get() < 6, "{} pieces were said, and one was heard", said.get());
    reply.rest().await;
    assert_eq!(reply.text.len(), 50 * "word ".len());
}

/// Saves in every hook, and then fails.
struct Saver;

impl Bot for Saver {
    type Memory = Vec<String>;

    async fn begin(&self, call: &mut Call<Vec<String>>, _: &mut Reply) -> Result {
        if call.memory.is_empty() {
            call.memory.push("begun".into());
            call.save().await?;
            call.memory.push("lost".into());
            return Err("no".parse::<u32>().unwrap_err().into());
        }
        Ok(())
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        call.memory.push(words(&input).into());
        reply.say(words(&input)).await
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, _: &Cut) -> Result {
        call.memory.push("cut".into());
        call.save().await?;
        call.memory.push("lost".into());
        panic!("the test wants it")
    }
}

#[tokio::test(start_paused = true)]
async fn memory_saved_in_a_hook_survives_the_hooks_failure() {
    let line = line(Host::new(Saver));
    line.text("c", "1", "one two").await;
    line.abort("c", "1", Some("one")).await;
    assert_eq!(line.snapshot("c").await.memory, ["begun", "one two", "cut"]);
    line.text("c", "2", "three").await;
    assert_eq!(line.snapshot("c").await.memory, ["begun", "one two", "cut", "three"]);
}

/// Holds twice in a row, for two different operations.
struct Twice(Count);

impl Bot for Twice {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        if words(&input) != "pay" {
            return reply.say(call.memory.join(", ")).await;
        }
        reply.say("I pay. ").await?;
        reply.flush().await?;
        for (number, what) in ["first", "second"].into_iter().enumerate() {
            call.hold(async |call| {
                sleep(1500 * MS).await;
                if number == 1 {
                    self.0.up();
                }
                call.memory.push(what.into());
                Ok(())
            })
            .await?;
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_hold_counts_from_its_own_start() {
    // In a slow store, the end of the first hold arrives after the start of the second.
    for slow in [Duration::ZERO, 20 * MS] {
        holds_twice(slow).await;
    }
}

async fn holds_twice(slow: Duration) {
    let done = Count::default();
    let store = Moody::<false>::default();
    store.set(Op::Hold, Fate::Sleeps(slow), 10);
    let line = line(Host::builder(Twice(done.clone())).store(store).build());
    let mut reply = line.say("c", "1", "pay").await;
    reply.until("I pay.").await;
    sleep(1600 * MS).await;
    line.abort("c", "1", Some("I pay.")).await;
    assert_eq!(done.get(), 0);
    sleep(1600 * MS).await;
    assert_eq!(done.get(), 1);
    assert_eq!(line.text("c", "2", "what?").await, "first, second");
}

/// Looks up its callers in `begin` and in `interrupted`, which takes long.
#[derive(Clone, Default)]
struct Slow {
    begun: Count,
    told: Count,
}

impl Bot for Slow {
    type Memory = Vec<String>;

    async fn begin(&self, call: &mut Call<Vec<String>>, reply: &mut Reply) -> Result {
        self.begun.up();
        reply.speech_settings(SpeechSettings::new().with_barge_in(true)).await?;
        reply.say("Welcome. ").await?;
        sleep(800 * MS).await;
        call.memory.push("looked up".into());
        reply.say("Dear customer.").await
    }

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        for word in words(&input).split_inclusive(' ') {
            reply.say(word).await?;
            sleep(100 * MS).await;
        }
        call.memory.push(words(&input).into());
        Ok(())
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, _: &Cut) -> Result {
        sleep(800 * MS).await;
        self.told.up();
        call.memory.push("told".into());
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_begin_that_runs_out_of_time_has_greeted_and_the_call_continues() {
    let bot = Slow::default();
    let line = line(Host::new(bot.clone()));
    let mut greeting = line.begin("c", "0").await;
    greeting.rest().await;
    assert_eq!((greeting.text.as_str(), greeting.ended), ("Welcome. ", true));
    for turn in ["1", "2"] {
        let mut reply = line.say("c", turn, turn).await;
        reply.rest().await;
        assert_eq!((reply.text.as_str(), reply.failure), (turn, None));
        let controls = &reply.packets[0].data.as_ref().unwrap().controls;
        assert!(matches!(controls[..], [Wire::Voice(_)]), "the speech settings are still sent");
    }
    assert_eq!(bot.begun.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_hook_gets_a_quarter_of_a_turn_and_is_called_again() {
    let bot = Slow::default();
    let line = line(Host::new(bot.clone()));
    line.begin("c", "0").await.rest().await;
    line.text("c", "1", "one two").await;
    for turn in ["2", "3"] {
        line.abort("c", "1", Some("one")).await;
        assert_eq!(line.text("c", turn, "next").await, "next");
    }
    sleep(Duration::from_secs(3)).await;
    assert!(line.snapshot("c").await.memory.contains(&"told".to_owned()));
    assert!(bot.told.get() >= 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_whose_memory_cannot_be_stored_is_not_sent() {
    let limits = callbot::bot::Limits::default().with_max_memory_bytes(100);
    let line = line(
        Host::builder(bot(|call, input, reply| {
            async move {
                call.memory.push(words(&input).repeat(50));
                reply.say("It is booked.").await
            }
            .boxed()
        }))
        .limits(limits)
        .build(),
    );
    let mut reply = line.say("c", "1", "book").await;
    reply.rest().await;
    assert_eq!((reply.text.as_str(), reply.failure), ("", Some(500)));
    assert_eq!(line.text("c", "2", "b").await, "It is booked.");
}

#[tokio::test(start_paused = true)]
async fn sent_speech_settings_survive_a_cut_reply() {
    let line = line(Host::new(bot(|_, input, reply| {
        async move {
            if words(&input) == "set" {
                reply.speech_settings(SpeechSettings::new().with_barge_in(true)).await?;
                reply.say("Yes. ").await?;
                std::future::pending::<()>().await;
            }
            reply.say("So.").await
        }
        .boxed()
    })));
    let mut reply = line.say("c", "1", "set").await;
    reply.until("Yes.").await;
    line.abort("c", "1", Some("Yes.")).await;
    reply.rest().await;
    let mut reply = line.say("c", "2", "next").await;
    reply.rest().await;
    let controls = &reply.packets[0].data.as_ref().unwrap().controls;
    assert!(matches!(controls[..], [Wire::Voice(_)]), "{controls:?}");
}
