//! A full store: which calls make room for others and which never do, what counts, and what the bot hears.
//! Also what a call may keep of turns that it does not have.

use std::sync::Arc;
use std::time::Duration;

use callbot::bot::store::{Change, Claim, Lease, Opened, Opening, Record, StoreLimit, Then};
use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Call, CallKey, Ended, Host, Input, Limits, MemoryStore, Platform, Reply, Result, Store,
    StoreError, TurnId,
};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::time::{advance, sleep};

use crate::support::bots::*;
use crate::support::traces::traced;

const KIB: usize = 1024;

// What every store does when it is full.

fn turn(id: impl ToString) -> TurnId {
    TurnId::new(id.to_string())
}

async fn try_open(store: &MemoryStore, call: &CallKey, id: &str) -> Result<Lease, StoreError> {
    match store.open(call, &for_turn(id)).await? {
        Opened::Run { lease, .. } => Ok(lease),
        other => panic!("{other:?}"),
    }
}

async fn note(store: &MemoryStore, call: &CallKey, note: Vec<u8>) {
    store.leave(call, None, note.into(), Then::Keep).await.unwrap();
}

/// Ends a call. Returns whether the store had it.
async fn end(store: &MemoryStore, call: &CallKey) -> bool {
    let ending = Opening::End { told: None, why: "".into(), again: SECOND };
    match store.open(call, &ending).await.unwrap() {
        Opened::Run { lease, .. } => store.remove(&lease).await.map(|()| true).unwrap(),
        _ => false,
    }
}

/// Runs a turn that writes a memory of this size.
async fn write(store: &MemoryStore, call: &CallKey, id: &str, bytes: usize) {
    let lease = try_open(store, call, id).await.unwrap();
    let mut change = Change::default();
    change.memory = Some((0, vec![b'm'; bytes].into()));
    change.then = Then::Close;
    store.write(&lease, change).await.unwrap();
}

fn ids(calls: Vec<(CallKey, Record)>) -> Vec<String> {
    calls.into_iter().map(|(call, _)| call.id.to_string()).collect()
}

async fn evict(store: &MemoryStore, room_for: &CallKey) -> Vec<String> {
    ids(store.evict(room_for).await.unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_call_that_has_been_idle_longest_makes_room() {
    let store = MemoryStore::new().max_calls(3);
    for call in ["a", "b", "c"] {
        write(&store, &key(call), "1", 10).await;
        advance(SECOND).await;
    }
    // A turn makes `a` the last one, and a note makes `b` the last one.
    write(&store, &key("a"), "2", 10).await;
    advance(SECOND).await;
    note(&store, &key("b"), vec![]).await;
    advance(SECOND).await;
    let full = try_open(&store, &key("new"), "1").await;
    assert_eq!(full, Err(StoreError::Full(StoreLimit::Calls(3))));
    let evicted = store.evict(&key("new")).await.unwrap();
    assert_eq!(evicted[0].1.memory, [b'm'; 10][..]);
    assert_eq!(ids(evicted), ["c"]);
    assert_eq!(store.read(&key("c")).await, Ok(None));
    // There is room now, so nothing more has to go.
    assert_eq!(evict(&store, &key("new")).await, [""; 0]);
    write(&store, &key("new"), "1", 10).await;
    assert_eq!(evict(&store, &key("newer")).await, ["a"]);
    // Known calls need no room.
    write(&store, &key("newer"), "1", 10).await;
    assert_eq!(evict(&store, &key("b")).await, [""; 0]);
    write(&store, &key("b"), "2", 10).await;
    assert_eq!(store.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_turn_has_is_not_evicted() {
    let store = MemoryStore::new().max_calls(2);
    let running = try_open(&store, &key("running"), "1").await.unwrap();
    write(&store, &key("notes"), "1", 10).await;
    let opened = store.open(&key("notes"), &Opening::IfFree).await.unwrap();
    let Opened::Run { lease: between, .. } = opened else { panic!() };
    advance(3600 * SECOND).await;
    assert_eq!(evict(&store, &key("new")).await, [""; 0]);
    assert!(try_open(&store, &key("new"), "1").await.is_err());
    store.write(&running, Change::default()).await.unwrap();
    // Once its turn has ended, it can go, be it answered or not.
    let mut change = Change::default();
    change.then = Then::CloseUnanswered;
    store.write(&running, change.clone()).await.unwrap();
    assert_eq!(evict(&store, &key("new")).await, ["running"]);
    assert_eq!(store.write(&running, Change::default()).await, Err(StoreError::Gone));
    write(&store, &key("new"), "1", 10).await;
    store.write(&between, change).await.unwrap();
    assert_eq!(evict(&store, &key("newer")).await, ["new"]);
}

#[tokio::test]
async fn a_platform_that_is_full_takes_no_room_from_another() {
    let on = |platform, call: &str| CallKey::new(platform, call);
    for store in [MemoryStore::new().max_calls(2), MemoryStore::new().max_bytes(2 * 1024)] {
        write(&store, &on(Platform::Odfs, "a"), "1", 400).await;
        write(&store, &on(Platform::Odfs, "b"), "1", 400).await;
        for n in 0..50 {
            let call = on(Platform::DuixStream, &n.to_string());
            store.evict(&call).await.unwrap();
            write(&store, &call, "1", 600).await;
        }
        assert_eq!(evict(&store, &on(Platform::Duix, "new")).await.len(), 1);
        for (call, memory) in [("a", 400), ("b", 400)] {
            let record = store.read(&on(Platform::Odfs, call)).await.unwrap().unwrap();
            assert_eq!(record.memory.len(), memory);
        }
        assert_eq!(evict(&store, &on(Platform::DigitalEmployee, "new")).await, [""; 0]);
    }
}

#[tokio::test]
async fn what_a_call_keeps_counts_and_no_longer_counts_once_it_is_gone() {
    let store = MemoryStore::new();
    assert_eq!(store.bytes(), 0);
    let grown = |before: &mut usize| {
        let grown = store.bytes() - *before;
        *before = store.bytes();
        grown
    };
    let mut before = 0;
    let long = key(&"k".repeat(200));
    let lease = try_open(&store, &long, "1").await.unwrap();
    assert!((200..KIB).contains(&grown(&mut before)));
    let mut change = Change::default();
    (change.memory, change.state) =
        (Some((0, vec![0; 5 * KIB].into())), Some(vec![0; 3 * KIB].into()));
    store.write(&lease, change).await.unwrap();
    // The state replaces that of a new call, `{}`.
    assert_eq!(grown(&mut before), 8 * KIB - 2);
    note(&store, &long, vec![0; 2 * KIB]).await;
    assert!((2 * KIB..2 * KIB + 64).contains(&grown(&mut before)));
    let answered = turn("t".repeat(100));
    store.abort(&long, &answered, vec![].into()).await.unwrap();
    assert!((100..256).contains(&grown(&mut before)));
    // What is read, replaced or removed counts no more.
    let mut change = Change::default();
    (change.memory, change.notes_read) = (Some((0, vec![0; KIB].into())), 2);
    store.write(&lease, change).await.unwrap();
    assert!(before - store.bytes() >= 6 * KIB);
    assert!(end(&store, &long).await);
    assert_eq!(store.bytes(), 0);
}

#[tokio::test(start_paused = true)]
async fn calls_make_room_for_new_and_known_ones_until_their_size_is_within_the_limit() {
    let store = MemoryStore::new().max_bytes(10 * KIB);
    for call in ["a", "b", "c", "d"] {
        write(&store, &key(call), "1", 2 * KIB).await;
        advance(SECOND).await;
    }
    assert!(store.bytes() > 10 * KIB);
    let full = Err(StoreError::Full(StoreLimit::Bytes(10 * KIB)));
    assert_eq!(try_open(&store, &key("new"), "1").await, full);
    // Its own size is no reason to end a call for itself.
    assert_eq!(try_open(&store, &key("a"), "2").await, full);
    assert_eq!(evict(&store, &key("a")).await, ["b"]);
    write(&store, &key("a"), "2", 10 * KIB).await;
    // As many go as are needed, and no more.
    assert_eq!(try_open(&store, &key("new"), "1").await, full);
    assert_eq!(evict(&store, &key("new")).await, ["c", "d", "a"]);
    assert_eq!(store.bytes(), 0);
    // If no other call can make room, a known one continues, and a new one is refused.
    let lease = try_open(&store, &key("running"), "1").await.unwrap();
    let mut change = Change::default();
    change.memory = Some((0, vec![0; 20 * KIB].into()));
    store.write(&lease, change).await.unwrap();
    assert_eq!(try_open(&store, &key("new"), "1").await, full);
    let again = try_open(&store, &key("running"), "2").await.unwrap();
    let mut change = Change::default();
    change.then = Then::Close;
    store.write(&again, change).await.unwrap();
    assert!(try_open(&store, &key("running"), "3").await.is_ok());
}

#[tokio::test]
async fn unread_notes_of_a_call_are_bounded_in_bytes_too() {
    let store = MemoryStore::new();
    write(&store, &key("c"), "1", 10).await;
    let note = |byte: u8, len| {
        let store = &store;
        async move {
            note(store, &key("c"), vec![byte; len]).await;
            let record = store.read(&key("c")).await.unwrap().unwrap();
            record.notes.into_iter().map(|note| (note[0], note.len())).collect::<Vec<_>>()
        }
    };
    for byte in 1..=4 {
        note(byte, 64 * KIB).await;
    }
    assert_eq!(note(5, 1).await, [(2, 65536), (3, 65536), (4, 65536), (5, 1)]);
    // The newest one stays, however large it is.
    assert_eq!(note(6, 1024 * KIB).await, [(6, 1024 * KIB)]);
    assert_eq!(note(7, 1).await, [(7, 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evicted_call_is_returned_to_one_caller_only() {
    let store = Arc::new(MemoryStore::new().max_calls(500));
    for n in 0..500 {
        write(&store, &key(&n.to_string()), "1", 10).await;
    }
    let tasks = (0..1000).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            let call = key(&format!("new {n}"));
            let mut evicted = Vec::new();
            loop {
                match try_open(&store, &call, "1").await {
                    Ok(lease) => {
                        let mut change = Change::default();
                        change.then = Then::Close;
                        // Another one may have evicted it before it was closed only if it had no turn.
                        store.write(&lease, change).await.unwrap();
                        return evicted;
                    }
                    Err(_) => evicted.extend(evict(&store, &call).await),
                }
                tokio::task::yield_now().await;
            }
        })
    });
    let evicted = join_all(tasks.collect::<Vec<_>>()).await;
    let mut evicted: Vec<_> = evicted.into_iter().flat_map(|evicted| evicted.unwrap()).collect();
    assert_eq!((evicted.len(), store.len()), (1000, 500));
    evicted.sort();
    evicted.dedup();
    assert_eq!(evicted.len(), 1000);
}

#[tokio::test]
async fn after_any_operations_the_size_and_the_order_are_right() {
    let mut random = fastrand::Rng::with_seed(7);
    let store = MemoryStore::new().max_calls(20).max_bytes(60 * KIB);
    let mut leases: Vec<Lease> = Vec::new();
    for step in 0..20_000 {
        let call = key(&random.u8(0..40).to_string());
        match random.u8(0..6) {
            0 | 1 => match store.open(&call, &for_turn(&step.to_string())).await {
                Ok(Opened::Run { lease, .. }) => leases.push(lease),
                Ok(_) => {}
                Err(_) => drop(store.evict(&call).await.unwrap()),
            },
            2 if !leases.is_empty() => {
                let lease = leases.swap_remove(random.usize(0..leases.len()));
                let mut change = Change::default();
                change.memory = Some((0, vec![0; random.usize(0..8 * KIB)].into()));
                change.notes_read = random.usize(0..3);
                change.then = Then::Close;
                let _ = store.write(&lease, change).await;
            }
            3 => {
                let text = vec![0; random.usize(0..KIB)];
                match random.bool() {
                    true => {
                        let turn = turn(random.usize(0..=step));
                        store.abort(&call, &turn, text.into()).await.map(drop).unwrap();
                    }
                    false => note(&store, &call, text).await,
                }
            }
            4 if random.u8(0..10) == 0 => drop(end(&store, &call).await),
            _ => {
                if let Ok(Opened::Run { lease, .. }) = store.open(&call, &Opening::IfFree).await {
                    leases.push(lease);
                }
            }
        }
        assert!(store.len() <= 20);
    }
    // Every call is found again, once.
    let left = store.len();
    assert!(left > 0);
    let claim = Claim::new(Platform::DigitalEmployee, Duration::ZERO, usize::MAX, SECOND, 0);
    assert_eq!(store.claim(&claim).await.unwrap().len(), left);
    assert_eq!((store.len(), store.bytes()), (0, 0));
}

#[tokio::test]
async fn the_default_store_has_room_for_a_hundred_thousand_calls_and_a_crowd_of_others_passes() {
    let store = MemoryStore::new();
    for n in 0..100_000 {
        write(&store, &key(&n.to_string()), "1", 10).await;
    }
    // A search through all calls for each new one would take minutes.
    for n in 0..50_000 {
        let new = key(&format!("new {n}"));
        assert!(try_open(&store, &new, "1").await.is_err());
        assert_eq!(evict(&store, &new).await, [n.to_string()]);
        write(&store, &new, "1", 10).await;
    }
    assert_eq!(store.len(), 100_000);
}

// What the bot hears.

#[tokio::test(start_paused = true)]
async fn the_bot_hears_that_its_longest_idle_call_has_ended_for_a_new_one() {
    let store = Arc::new(MemoryStore::new().max_calls(2));
    let (log, line) = acting(Actor::default(), |host| host.store(store.clone()));
    line.text("a", "1", "remember x | say Yes.").await;
    sleep(SECOND).await;
    line.text("b", "1", "remember y | say Yes.").await;
    sleep(SECOND).await;
    let mut running = line.say("a", "2", "say One. | wait 5000 | say Two.").await;
    running.until("One.").await;
    // The call with the running turn is older than the other one, and stays.
    assert_eq!(line.text("c", "1", "say Yes.").await, "Yes. ");
    until(|| log.count("b", "gone") == 1).await;
    assert_eq!(log.of("b"), ["begin", "turn", "ended Evicted [y]", "gone"]);
    running.rest().await;
    assert_eq!((&*running.text, running.ended), ("One. Two. ", true));
    assert_eq!(log.count("a", "ended") + log.count("c", "ended"), 0);
    // The end of a call that has been evicted is not reported again, and its id is a new call.
    line.end("b").await;
    sleep(60 * SECOND).await;
    assert_eq!(log.count("b", "ended"), 1);
    line.text("b", "2", "say Yes.").await;
    assert_eq!(line.snapshot("b").await.memory, [""; 0]);
    assert_eq!(store.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_on_one_platform_ends_no_call_of_another() {
    let store = Arc::new(MemoryStore::new().max_calls(10));
    let host = Host::builder(Actor::default()).store(store.clone()).build();
    let mut calls: Vec<_> = Platform::ALL.map(|on| TestCall::on(on, host.clone())).into();
    for call in &mut calls {
        call.say("remember x | say Yes.").await.expect_text("Yes. ");
    }
    let crowds = Platform::ALL.into_iter().filter(|on| *on != Platform::DuixStream);
    for crowd in crowds {
        for _ in 0..30 {
            sleep(MS).await;
            TestCall::on(crowd, host.clone()).say("say Yes.").await.expect_text("Yes. ");
        }
        for call in &mut calls {
            if call.key().platform.as_ref() != crowd.name() {
                call.say("remember y | say Yes.").await.expect_text("Yes. ");
                assert_eq!(call.memory().await[0], "x", "{crowd} {:?}", call.key());
            }
        }
        // For the next round, in which these calls are not the crowd.
        for call in &mut calls {
            call.say("say Yes.").await.expect_text("Yes. ");
            if host.snapshot(call.key()).await.unwrap().unwrap().memory.is_empty() {
                call.say("remember x | say Yes.").await.expect_text("Yes. ");
            }
        }
    }
    assert_eq!(store.len(), 50);
}

/// A bot that says its input, and whose end of a call takes without end.
#[derive(Clone, Default)]
struct Lingering {
    ended: Count,
}

impl Bot for Lingering {
    type Memory = ();

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        reply.say(words(&input)).await
    }

    async fn ended(&self, _: &mut Call<()>, why: Ended) -> Result {
        assert_eq!(why, Ended::Evicted);
        self.ended.up();
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn calls_that_the_bot_is_slow_to_end_do_not_pile_up() {
    let bot = Lingering::default();
    let store = MemoryStore::new().max_calls(1);
    let line = line(Host::builder(bot.clone()).store(store).build());
    let mut answered = 0;
    while line.say(&answered.to_string(), "1", "Hi.").await.next().await {
        answered += 1;
        assert!(answered < 5000);
    }
    // 1024 calls are ending, and one is in the store.
    assert_eq!((answered, bot.ended.get()), (1025, 1024));
    assert_eq!(line.failure("new", "1", "Hi.").await, 503);
    // Known calls continue.
    assert_eq!(line.text("1024", "2", "Hi.").await, "Hi.");
    // Once the bot has had its time, there is room again.
    sleep(Limits::default().end_timeout + Duration::from_millis(1)).await;
    assert_eq!(line.text("new", "2", "Hi.").await, "Hi.");
}

#[tokio::test(start_paused = true)]
async fn a_known_call_continues_however_many_calls_are_ending() {
    let bot = Lingering::default();
    // Two calls exceed it, and one does not.
    let store = Arc::new(MemoryStore::new().max_bytes(4 * KIB));
    let line = line(Host::builder(bot.clone()).store(store.clone()).build());
    let mut answered = 0;
    while line.say(&answered.to_string(), "1", &"x".repeat(KIB)).await.next().await {
        answered += 1;
        assert!(answered < 5000);
    }
    assert_eq!((answered, bot.ended.get(), store.len()), (1026, 1024, 2));
    assert_eq!(line.failure("new", "1", "Hi.").await, 503);
    assert_eq!(line.text("1024", "2", "Hi.").await, "Hi.");
    until(|| bot.ended.get() == 1025).await;
    assert_eq!(line.text("1024", "3", "Hi.").await, "Hi.");
    assert_eq!(store.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_to_make_room_fails_the_turn() {
    let mut store = Moody::<false>::default();
    store.store = Arc::new(MemoryStore::new().max_calls(1));
    let (log, line) = acting(Actor::default(), |host| host.store(store.clone()));
    line.text("a", "1", "say Yes.").await;
    store.set(Op::Evict, Fate::Fails, 1);
    assert_eq!(line.failure("b", "1", "say Yes.").await, 500);
    store.set(Op::Evict, Fate::Hangs, 1);
    assert_eq!(line.failure("b", "2", "say Yes.").await, 500);
    assert_eq!(line.text("b", "3", "say Yes.").await, "Yes. ");
    until(|| log.count("a", "ended Evicted") == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_store_is_logged_once_a_minute() {
    let (traces, _guard) = traced();
    let store = MemoryStore::new().max_calls(1);
    let line = line(Host::builder(Actor::default()).store(store).build());
    let warnings =
        || traces.with(&["WARN", "the store of calls is full: the limit of 1 calls is reached"]);
    for n in 0..50 {
        line.text(&n.to_string(), "1", "say Yes.").await;
    }
    assert_eq!(warnings().len(), 1, "{:?}", warnings());
    assert!(warnings()[0].contains("idle longest end for others"), "{:?}", warnings());
    sleep(60 * SECOND).await;
    let mut running = line.say("running", "1", "say One. | wait 9000").await;
    running.until("One.").await;
    assert_eq!(warnings().len(), 2);
    sleep(60 * SECOND).await;
    running.rest().await;
    let mut running = line.say("running", "2", "say One. | wait 9000").await;
    running.until("One.").await;
    assert_eq!(line.failure("refused", "1", "say Yes.").await, 503);
    assert!(warnings()[2].contains("new calls are refused"), "{:?}", warnings());
}

// Idle times by platform.

#[tokio::test(start_paused = true)]
async fn a_call_on_a_platform_that_reports_no_end_expires_sooner() {
    let minute = 60 * SECOND;
    let default = Limits::default();
    for (limits, phone, human) in [
        (default, 30, 10),
        (default.with_open_ended_idle_timeout(5 * minute), 30, 5),
        (default.with_idle_timeout(8 * minute), 8, 8),
        (default.with_open_ended_idle_timeout(60 * minute), 30, 30),
    ] {
        let bot = Actor::default();
        let host = Host::builder(bot.clone()).limits(limits).build();
        for platform in Platform::ALL {
            let ends = matches!(platform, Platform::DigitalEmployee | Platform::Odfs);
            assert_eq!(platform.capabilities().ends, ends);
            let mut call = TestCall::on(platform, host.clone());
            call.say("say Yes.").await.expect_text("Yes. ");
            let minutes = if platform.capabilities().ends { phone } else { human };
            sleep(minutes * minute - SECOND).await;
            let id = call.key().id.clone();
            assert_eq!(bot.log.count(&id, "ended"), 0, "{platform} {limits:?}");
            sleep(minute + 2 * SECOND).await;
            assert_eq!(bot.log.count(&id, "ended Expired"), 1, "{platform} {limits:?}");
        }
    }
}

// What a call keeps of turns that it does not have.

#[tokio::test(start_paused = true)]
async fn what_was_heard_of_unknown_turns_takes_little_memory_and_is_forgotten() {
    let store = Arc::new(MemoryStore::new());
    let host =
        Host::builder(bot(|_, input, reply| async move { reply.say(words(&input)).await }.boxed()));
    let line = line(host.store(store.clone()).build());
    line.text("c", "1", "Hello.").await;
    let before = store.bytes();
    let long = "x".repeat(120 * KIB);
    for n in 0..6 {
        line.abort("c", &format!("unknown {n}"), Some(&long)).await;
        line.abort("c", &format!("other {n}"), Some(&long[..3 * KIB])).await;
    }
    // The last four are kept, and of them only texts that are short enough.
    let kept = store.bytes() - before;
    assert!((6 * KIB..8 * KIB).contains(&kept), "{kept}");
    // One turn ends, and the next one forgets them.
    line.text("c", "2", "Hello.").await;
    line.text("c", "3", "Hello.").await;
    let kept = store.bytes() - before;
    assert!(kept < KIB, "{kept}");
    assert_eq!(line.snapshot("c").await.history.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_heard_of_unknown_turns_counts_in_the_limit_of_the_history() {
    let limits = Limits::default().with_max_history_bytes(1000);
    let store = Arc::new(MemoryStore::new());
    let host =
        Host::builder(bot(|_, input, reply| async move { reply.say(words(&input)).await }.boxed()));
    let line = line(host.store(store.clone()).limits(limits).build());
    let text = "y".repeat(100);
    for n in 0..5 {
        line.text("c", &n.to_string(), &text).await;
    }
    // Each turn has 200 bytes.
    assert_eq!(line.snapshot("c").await.history.len(), 5);
    line.abort("c", "u", Some(&"x".repeat(399))).await;
    assert_eq!(line.snapshot("c").await.history.len(), 3);
    // Two that are too long together: the newer one stays.
    line.abort("c", "v", Some(&"x".repeat(899))).await;
    assert_eq!(line.snapshot("c").await.history.len(), 1);
    let before = store.bytes();
    line.abort("c", "w", Some(&"x".repeat(2000))).await;
    assert!(store.bytes() < before, "the text of `v` is gone");
    // None fits, so none is kept.
    for n in 5..10 {
        line.text("c", &n.to_string(), &text).await;
    }
    assert_eq!(line.snapshot("c").await.history.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn of_a_reported_text_that_is_not_in_the_reply_only_the_start_is_kept() {
    let line = line(Host::new(bot(|_, input, reply| {
        async move { reply.say(words(&input)).await }.boxed()
    })));
    line.text("c", "1", "Hello.").await;
    // Characters of three bytes, which do not end at 4096.
    let long = "好".repeat(20_000);
    line.abort("c", "1", Some(&long)).await;
    // The platform repeats it, which is no new cut.
    line.abort("c", "1", Some(&long)).await;
    let seen = line.snapshot("c").await;
    let expected = callbot::bot::Heard::Mismatch("好".repeat(1365));
    assert_eq!(seen.history.last().unwrap().heard, Some(expected));
    assert_eq!(seen.cuts, []);
}
