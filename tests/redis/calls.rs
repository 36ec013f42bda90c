//! Calls that several processes share.

use std::time::Duration;

use bytes::Bytes;
use callbot::bot::store::{
    Cancel, CancelReason, Change, Claim, Edit, Opened, Opening, RedisStore, Signal, Standing,
    Store as _, StoreError, Then,
};
use callbot::bot::{CallKey, Platform, TurnId};

use crate::support::redis::Redis;
use crate::{Signals, end, key, memory, open, put, store, turn, two, until};

const IDLE: Duration = Duration::from_millis(100);
const AGAIN: Duration = Duration::from_secs(60);

fn claim(idle: Duration, max: usize) -> Claim {
    Claim::new(Platform::DigitalEmployee, idle, max, AGAIN, 1)
}

#[tokio::test]
async fn a_call_goes_on_in_another_process() {
    let (_redis, a, b) = two().await;
    let call = key("1");
    let (lease, record) = open(&a, &call, turn("t1")).await;
    assert_eq!(record.state.to_json(), "{\"new\":1}");
    let mut change = memory("[1]", Then::Close);
    change.state = Some("{}".into());
    change.history = vec![put("t1", lease.epoch, "\"hello\"")];
    a.write(&lease, change).await.unwrap();
    drop(a);
    let (_, record) = open(&b, &call, turn("t2")).await;
    assert_eq!(
        (record.version, &record.memory[..], &record.state.to_json()[..]),
        (1, &b"[1]"[..], &b"{}"[..])
    );
    let history: Vec<_> = record.history.iter().map(|turn| turn.json.to_vec()).collect();
    assert_eq!(history, [b"\"hello\""]);
    let repeated = b.open(&call, &turn("t1")).await.unwrap();
    assert!(matches!(repeated, Opened::Repeated(_)), "{repeated:?}");
}

#[tokio::test]
async fn only_the_process_of_the_turn_is_told_to_stop() {
    let (_redis, a, b) = two().await;
    let (mut to_a, mut to_b) = (Signals::of(&a), Signals::of(&b));
    let call = key("1");
    let (lease, _) = open(&a, &call, turn("t1")).await;
    let (newer, _) = open(&b, &call, turn("t2")).await;
    let stop = Cancel::new(call.clone(), TurnId::new("t1"), lease.epoch, CancelReason::Overtaken);
    assert_eq!(to_a.next().await, Signal::Stop(stop));
    assert_eq!(a.write(&lease, Change::default()).await, Err(StoreError::Fenced));
    assert_eq!(
        a.check(&[lease.clone(), newer.clone()]).await.unwrap(),
        [Standing::Overtaken, Standing::Held]
    );
    // What the caller heard last reaches the newer turn.
    assert!(a.leave(&call, Some(&lease), Bytes::from_static(b"1"), Then::Close).await.unwrap());
    assert_eq!(to_b.next().await, Signal::Left(call.clone()));
    assert_eq!(b.read(&call).await.unwrap().unwrap().notes, [&b"1"[..]]);

    assert!(a.abort(&call, &TurnId::new("t2"), Bytes::from_static(b"2")).await.unwrap());
    let stop = Cancel::new(call.clone(), TurnId::new("t2"), newer.epoch, CancelReason::Aborted);
    assert_eq!(to_b.next().await, Signal::Stop(stop));
    assert_eq!(b.check(&[newer]).await.unwrap(), [Standing::Aborted]);
    assert_eq!(to_a.rest().await, []);
    assert_eq!(to_b.rest().await, []);
}

#[tokio::test]
async fn a_turn_waits_for_the_hold_of_another_process() {
    let (_redis, a, b) = two().await;
    let mut to_b = Signals::of(&b);
    let call = key("1");
    let (lease, _) = open(&a, &call, turn("t1")).await;
    a.hold(&lease, Some(Duration::from_secs(60))).await.unwrap();
    let held = b.open(&call, &turn("t2")).await.unwrap();
    let Opened::Held { left: Some(left), epoch } = held else { panic!("{held:?}") };
    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(60), "{left:?}");
    assert_eq!(epoch, lease.epoch);
    a.write(&lease, memory("[1]", Then::Close)).await.unwrap();
    assert_eq!(to_b.next().await, Signal::Free(call.clone()));
    let (_, record) = open(&b, &call, turn("t2")).await;
    assert_eq!(&record.memory[..], b"[1]");
}

#[tokio::test]
async fn an_ended_call_goes_to_another_process_until_it_is_removed() {
    let (_redis, a, b) = two().await;
    let call = key("1");
    let (lease, _) = open(&a, &call, turn("t1")).await;
    let mut change = memory("[1]", Then::Close);
    change.history = vec![put("t1", lease.epoch, "1")];
    a.write(&lease, change).await.unwrap();
    let (ended, record) = open(&a, &call, end(Duration::from_millis(50))).await;
    assert_eq!((&record.memory[..], record.history.len()), (&b"[1]"[..], 1));
    assert_eq!(a.read(&call).await.unwrap(), None);
    tokio::time::sleep(Duration::from_millis(60)).await;
    // The first process has died meanwhile.
    let claimed = b.claim(&claim(AGAIN, 10)).await.unwrap();
    let [claimed] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!(claimed.why.as_deref(), Some(&b"\"hangup\""[..]));
    assert_eq!(claimed.record, record);
    a.remove(&ended).await.unwrap();
    assert_eq!(b.check(std::slice::from_ref(&claimed.lease)).await.unwrap(), [Standing::Held]);
    b.remove(&claimed.lease).await.unwrap();
    assert_eq!(b.check(std::slice::from_ref(&claimed.lease)).await.unwrap(), [Standing::Gone]);
    assert_eq!(b.claim(&claim(AGAIN, 10)).await.unwrap(), []);
}

#[tokio::test]
async fn each_of_many_idle_calls_is_claimed_by_one_process() {
    let (redis, a, b) = two().await;
    let calls: Vec<_> = (0..57).map(|number| key(&format!("call-{number}"))).collect();
    for call in &calls {
        let (lease, _) = open(&a, call, turn("t1")).await;
        a.write(&lease, memory("[]", Then::Close)).await.unwrap();
    }
    tokio::time::sleep(IDLE).await;
    let mut seen = Vec::new();
    loop {
        let (by_a, by_b) = (claim(IDLE, 7), claim(IDLE, 5));
        let (by_a, by_b) = tokio::join!(a.claim(&by_a), b.claim(&by_b));
        let claimed: Vec<_> = by_a.unwrap().into_iter().chain(by_b.unwrap()).collect();
        if claimed.is_empty() {
            break;
        }
        for claimed in claimed {
            assert_eq!(claimed.why, None);
            a.remove(&claimed.lease).await.unwrap();
            seen.push(claimed.lease.call);
        }
    }
    seen.sort();
    let mut calls = calls;
    calls.sort();
    assert_eq!(seen, calls);
    // Nothing is left but the index of what is removed later.
    let keys = redis.command(&["KEYS", "*"]);
    assert!(!keys.contains(":h") && !keys.contains(":z"), "{keys}");
}

#[tokio::test]
async fn a_call_that_was_used_again_is_not_claimed_and_stays_in_the_index() {
    let (_redis, a, b) = two().await;
    let (used, unused) = (key("used"), key("unused"));
    for call in [&used, &unused] {
        let (lease, _) = open(&a, call, turn("t1")).await;
        a.write(&lease, memory("[]", Then::Close)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (lease, _) = open(&b, &used, turn("t2")).await;
    b.write(&lease, memory("[]", Then::Close)).await.unwrap();
    let idle = Duration::from_millis(250);
    let claimed = a.claim(&claim(idle, 10)).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().map(|claimed| claimed.lease.call).collect();
    assert_eq!(claimed, [unused]);
    tokio::time::sleep(idle).await;
    let claimed = a.claim(&claim(idle, 10)).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().map(|claimed| claimed.lease.call).collect();
    assert_eq!(claimed, [used]);
}

#[tokio::test]
async fn a_claim_that_found_no_call_does_not_remove_the_entry_of_a_new_one() {
    let (redis, a, b) = two().await;
    let index = ["idle", "ended"].map(|kind| format!("bot:index:{{digital-employee}}:{kind}"));
    let score = || redis.command(&["ZSCORE", &index[0], "digital-employee/1"]);
    open(&a, &key("1"), turn("t1")).await;
    until("the call is not entered", || score() != "-1").await;
    let former = score();
    let (ended, _) = open(&a, &key("1"), end(AGAIN)).await;
    a.remove(&ended).await.unwrap();
    open(&a, &key("1"), turn("t2")).await;
    until("the new call is not entered", || score() != former).await;
    let new = score();
    // Another process read the index and asked for the call before `t2`. It goes on only now.
    let source = include_str!("../../src/bot/store/redis/index.lua");
    let correction = ["correct", "60000", "idle", "digital-employee/1", &former, ""];
    let mut command = vec!["EVAL", source, "2", &index[0], &index[1]];
    command.extend(correction);
    redis.command(&command);
    assert_eq!(score(), new);
    tokio::time::sleep(IDLE).await;
    let claimed = b.claim(&claim(Duration::from_millis(10), 10)).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
}

#[tokio::test]
async fn a_newer_memory_is_left_to_newer_processes_and_hides_nothing_behind_it() {
    let (_redis, old, new) = two().await;
    for number in 0..40 {
        let (lease, _) = open(&new, &key(&format!("new-{number}")), turn("t1")).await;
        let mut change = memory("[]", Then::Close);
        change.memory = Some((2, Bytes::from_static(b"[]")));
        new.write(&lease, change).await.unwrap();
    }
    let (lease, _) = open(&old, &key("old"), turn("t1")).await;
    old.write(&lease, memory("[]", Then::Close)).await.unwrap();
    tokio::time::sleep(IDLE).await;
    let claimed = old.claim(&claim(IDLE, 100)).await.unwrap();
    let claimed: Vec<_> = claimed.into_iter().map(|claimed| claimed.lease.call).collect();
    assert_eq!(claimed, [key("old")]);

    // What the old one ends goes to the new one immediately.
    let (ended, _) = open(&old, &key("new-0"), end(AGAIN)).await;
    let mut change = Change::default();
    change.then = Then::CloseUnanswered;
    old.write(&ended, change).await.unwrap();
    assert_eq!(old.claim(&claim(AGAIN, 10)).await.unwrap(), []);
    let mut newer = claim(AGAIN, 10);
    newer.version = 2;
    let claimed = new.claim(&newer).await.unwrap();
    assert_eq!(claimed.len(), 1, "{claimed:?}");
    assert_eq!(claimed[0].lease.call, key("new-0"));
}

#[tokio::test]
async fn prefixes_and_platforms_share_no_calls() {
    let (redis, a, _) = two().await;
    let other = RedisStore::connect(redis.url(), "other").await.unwrap();
    let (lease, _) = open(&a, &key("1"), turn("t1")).await;
    a.write(&lease, memory("[]", Then::Close)).await.unwrap();
    assert_eq!(other.read(&key("1")).await.unwrap(), None);
    assert_eq!(a.read(&CallKey::new(Platform::Odfs, "1")).await.unwrap(), None);
    assert_eq!(a.read(&key("1").with_account("x")).await.unwrap(), None);
    tokio::time::sleep(IDLE).await;
    assert_eq!(other.claim(&claim(IDLE, 10)).await.unwrap(), []);
    let mut odfs = claim(IDLE, 10);
    odfs.platform = Platform::Odfs;
    assert_eq!(a.claim(&odfs).await.unwrap(), []);
}

#[tokio::test]
async fn ids_may_contain_anything() {
    let (_redis, a, b) = two().await;
    let mut to_a = Signals::of(&a);
    for odd in ["a\nb", "{x}", "}:h", "100%", "通话 🙂", "", "a\r\n*1\r\n", "stop\nfree"] {
        let call = key(odd).with_account(odd);
        let turn_id = format!("t{odd}");
        let (lease, _) = open(&a, &call, turn(&turn_id)).await;
        let mut change = Change::default();
        change.history = vec![put(&turn_id, lease.epoch, odd), put(odd, lease.epoch, ":1:")];
        a.write(&lease, change).await.unwrap();
        let (_, record) = open(&b, &call, turn("next")).await;
        let turns: Vec<_> =
            record.history.iter().map(|turn| turn.turn.as_str().to_owned()).collect();
        assert!(turns.contains(&turn_id) && turns.contains(&odd.to_owned()), "{turns:?}");
        let stop = Cancel::new(call, TurnId::new(&turn_id), lease.epoch, CancelReason::Overtaken);
        assert_eq!(to_a.next().await, Signal::Stop(stop));
    }
}

#[tokio::test]
async fn a_history_is_read_in_the_order_of_its_turns_and_edited_by_their_ids() {
    let (_redis, a, b) = two().await;
    let call = key("1");
    let mut expected = Vec::new();
    for number in 0..30 {
        let (lease, _) = open(&a, &call, turn(&format!("t{number}"))).await;
        let mut change = memory("[]", Then::Close);
        change.history = vec![put(&format!("t{number}"), lease.epoch, &number.to_string())];
        if number >= 20 {
            change.history.push(Edit::Remove(TurnId::new(format!("t{}", number - 20))));
        }
        a.write(&lease, change).await.unwrap();
        expected.push(number.to_string().into_bytes());
    }
    let record = b.read(&call).await.unwrap().unwrap();
    let history: Vec<_> = record.history.iter().map(|turn| turn.json.to_vec()).collect();
    assert_eq!(history, expected[10..]);
}

#[tokio::test]
async fn a_lost_call_is_put_back_and_an_ended_one_is_not() {
    let (redis, a, b) = two().await;
    let call = key("1");
    let (lease, _) = open(&a, &call, turn("t1")).await;
    redis.command(&["FLUSHALL"]);
    assert_eq!(a.write(&lease, Change::default()).await, Err(StoreError::Gone));
    assert_eq!(a.check(std::slice::from_ref(&lease)).await.unwrap(), [Standing::Gone]);
    let restore = Opening::Restore { turn: TurnId::new("t1"), fresh: "{}".into() };
    let (again, _) = open(&a, &call, restore.clone()).await;
    assert!(again.epoch > lease.epoch, "an epoch is used twice");
    assert_eq!(b.open(&call, &restore).await.unwrap(), Opened::Busy);

    let (ended, _) = open(&b, &call, end(AGAIN)).await;
    assert_eq!(a.open(&call, &restore).await.unwrap(), Opened::Busy);
    b.remove(&ended).await.unwrap();
    assert_eq!(a.open(&call, &restore).await.unwrap(), Opened::Busy);
    // A new call may have the same key.
    let (new, _) = open(&a, &call, turn("t1")).await;
    assert!(new.epoch > ended.epoch, "an epoch is used twice");
}

#[tokio::test]
async fn keys_that_are_not_used_expire() {
    let redis = Redis::start();
    let store = RedisStore::builder(redis.url(), "bot").ttl(Duration::from_secs(3600));
    let store = store.connect().await.unwrap();
    let call = key("1");
    let (lease, _) = open(&store, &call, turn("t1")).await;
    let mut change = memory("[]", Then::Close);
    change.history = vec![put("t1", lease.epoch, "1")];
    store.write(&lease, change).await.unwrap();
    store.leave(&call, None, Bytes::from_static(b"1"), Then::Keep).await.unwrap();
    open(&store, &key("2"), turn("t1")).await;
    open(&store, &key("2"), end(AGAIN)).await;
    let keys = redis.command(&["KEYS", "*"]);
    assert!(keys.split(' ').count() >= 7, "{keys}");
    for key in keys.split(' ') {
        let left: i64 = redis.command(&["TTL", key]).parse().unwrap();
        assert!((1..=7200).contains(&left), "{key}: {left} s");
    }
}

#[tokio::test]
async fn a_call_of_a_newer_format_is_refused_and_stays_as_it_is() {
    let redis = Redis::start();
    let store = store(&redis).await;
    let call = key("1");
    let (lease, _) = open(&store, &call, turn("t1")).await;
    let hash = "bot:{digital-employee/1}";
    redis.command(&["HSET", hash, "v", "2"]);
    let before = redis.command(&["HGETALL", hash]);
    let note = || Bytes::from_static(b"1");
    let errors = [
        store.open(&call, &turn("t2")).await.unwrap_err(),
        store.open(&call, &end(AGAIN)).await.unwrap_err(),
        store.write(&lease, Change::default()).await.unwrap_err(),
        store.hold(&lease, None).await.unwrap_err(),
        store.leave(&call, None, note(), Then::Keep).await.unwrap_err(),
        store.abort(&call, &TurnId::new("t1"), note()).await.unwrap_err(),
        store.read(&call).await.unwrap_err(),
        store.check(std::slice::from_ref(&lease)).await.unwrap_err(),
    ];
    for error in errors {
        let StoreError::Failed(failure) = &error else { panic!("{error:?}") };
        let text = failure.get_ref().to_string();
        assert!(text.contains("newer than 1"), "{text}");
    }
    assert_eq!(store.claim(&claim(Duration::ZERO, 10)).await.unwrap(), []);
    assert_eq!(redis.command(&["HGETALL", hash]), before);
}
