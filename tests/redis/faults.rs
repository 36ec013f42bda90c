//! What happens while Redis or the network fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use bytes::Bytes;
use callbot::bot::store::{
    Change, Claim, Opened, Opening, RedisStore, Signal, Standing, Store as _, StoreError, Then,
};
use callbot::bot::{Platform, TurnId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::redis::Redis;
use crate::support::traces::traced;
use crate::{Signals, end, key, memory, open, put, store, store_at, turn, two, until};

const AGAIN: Duration = Duration::from_secs(60);
/// The hash of the call `key("1")`.
const HASH: &str = "bot:{digital-employee/1}";
/// The index of its platform.
const IDLE: &str = "bot:index:{digital-employee}:idle";

/// A proxy before Redis that loses what it is told to lose.
struct Proxy {
    port: u16,
    fault: Arc<AtomicU8>,
}

const PASS: u8 = 0;
/// Loses the next answer to a script, and closes that connection.
const LOSE_ANSWER: u8 = 1;
/// Swallows all that the connections of now send, from now on.
const SILENT: u8 = 2;
/// Holds back each question about the index, and what follows it on its connection.
const HOLD_INDEX: u8 = 3;
/// The same, while it holds back a question.
const HOLDS_INDEX: u8 = 4;
/// Closes each connection that has a question about the index, which Redis does not see.
const REFUSE_INDEX: u8 = 5;

impl Proxy {
    async fn before(redis: &Redis) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (fault, to) = (Arc::new(AtomicU8::new(PASS)), redis.port());
        let current = fault.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A connection that is opened later is not silent.
                let _ = current.compare_exchange(SILENT, PASS, Ordering::SeqCst, Ordering::SeqCst);
                let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                tokio::spawn(relay(client, server, current.clone()));
            }
        });
        Self { port, fault }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn set(&self, fault: u8) {
        self.fault.store(fault, Ordering::SeqCst);
    }

    fn is(&self, fault: u8) -> bool {
        self.fault.load(Ordering::SeqCst) == fault
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, fault: Arc<AtomicU8>) {
    let (mut asked, mut silent) = (false, false);
    let (mut question, mut answer) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                silent |= fault.load(Ordering::SeqCst) == SILENT;
                let question = &question[..length];
                asked |= contains(question, b"EVALSHA");
                if contains(question, b":index:") {
                    if fault.load(Ordering::SeqCst) == REFUSE_INDEX {
                        return;
                    }
                    hold_index(&fault).await;
                }
                if !silent && server.write_all(question).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                let lose = fault.compare_exchange(LOSE_ANSWER, PASS, Ordering::SeqCst, Ordering::SeqCst);
                match lose {
                    Ok(_) if asked => return,
                    Ok(_) => fault.store(LOSE_ANSWER, Ordering::SeqCst),
                    Err(_) => {}
                }
                if !silent && client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// Waits while questions about the index are held back.
async fn hold_index(fault: &AtomicU8) {
    let held = fault.compare_exchange(HOLD_INDEX, HOLDS_INDEX, Ordering::SeqCst, Ordering::SeqCst);
    if held.is_ok() || held == Err(HOLDS_INDEX) {
        while fault.load(Ordering::SeqCst) == HOLDS_INDEX {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Connects through a proxy.
async fn proxied() -> (Redis, Proxy, RedisStore) {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis).await;
    let store = store_at(&proxy.url()).await;
    (redis, proxy, store)
}

#[tokio::test]
async fn an_operation_whose_answer_is_lost_is_done_once() {
    let (_redis, proxy, store) = proxied().await;
    let call = key("1");
    let note = |text: &'static str| Bytes::from_static(text.as_bytes());
    let lose = || proxy.set(LOSE_ANSWER);
    let lost = || assert!(proxy.is(PASS), "no answer was lost");

    lose();
    let (lease, _) = open(&store, &call, turn("t1")).await;
    lost();
    assert_eq!(store.check(std::slice::from_ref(&lease)).await.unwrap(), [Standing::Held]);
    lose();
    store.hold(&lease, Some(AGAIN)).await.unwrap();
    lost();
    lose();
    assert!(store.abort(&call, &TurnId::new("t1"), note("aborted")).await.unwrap());
    lost();
    lose();
    store.hold(&lease, None).await.unwrap();
    lost();
    lose();
    assert!(store.leave(&call, Some(&lease), note("left"), Then::Close).await.unwrap());
    lost();
    let record = store.read(&call).await.unwrap().unwrap();
    assert_eq!(record.notes, [note("aborted"), note("left")]);

    lose();
    let (lease, _) = open(&store, &call, Opening::IfFree).await;
    lost();
    let mut change = memory("[1]", Then::Close);
    change.notes_read = 1;
    change.history = vec![put("t1", lease.epoch, "1")];
    lose();
    store.write(&lease, change).await.unwrap();
    lost();
    let record = store.read(&call).await.unwrap().unwrap();
    assert_eq!((record.notes.len(), record.history.len(), &record.memory[..]), (1, 1, &b"[1]"[..]));

    lose();
    let ended = store.open(&call, &end(AGAIN)).await.unwrap();
    // The loss hit the entry in the index. The next one hits the end itself.
    lost();
    let Opened::Run { lease, .. } = ended else { panic!("{ended:?}") };
    lose();
    store.remove(&lease).await.unwrap();
    lost();
    assert_eq!(store.check(&[lease]).await.unwrap(), [Standing::Gone]);
}

#[tokio::test]
async fn a_repeated_opening_does_not_stop_its_own_turn() {
    let (_redis, proxy, store) = proxied().await;
    let mut signals = Signals::of(&store);
    proxy.set(LOSE_ANSWER);
    let opened = store.open(&key("1"), &turn("t1")).await.unwrap();
    assert!(proxy.is(PASS), "no answer was lost");
    let Opened::Run { unsettled: None, .. } = opened else { panic!("{opened:?}") };
    let stops = signals.rest().await;
    assert!(!stops.iter().any(|signal| matches!(signal, Signal::Stop(_))), "{stops:?}");
}

#[tokio::test]
async fn a_new_call_does_not_wait_for_its_entry_in_the_index() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis).await;
    // An opening that waited would not end while the entry is held back.
    let store = RedisStore::builder(proxy.url(), "bot").timeout(AGAIN).connect().await.unwrap();
    let (call, opening) = (key("1"), turn("t1"));
    proxy.set(HOLD_INDEX);
    let opened = tokio::time::timeout(Duration::from_secs(20), store.open(&call, &opening)).await;
    let opened = opened.expect("the opening waits").unwrap();
    assert!(matches!(opened, Opened::Run { .. }), "{opened:?}");
    until("the call is not entered", || proxy.is(HOLDS_INDEX)).await;
    assert_eq!(redis.command(&["EXISTS", IDLE]), "0");
    // Neither does the entry need the store.
    drop(store);
    proxy.set(PASS);
    until("the entry does not arrive", || redis.command(&["EXISTS", IDLE]) == "1").await;
    let [entered, opened] = [&["ZRANGE", IDLE, "0", "0", "WITHSCORES"][..], &["HGET", HASH, "t"]]
        .map(|command| redis.command(command));
    // It tells when the call was opened, not when it arrived.
    assert_eq!(entered, format!("digital-employee/1 {opened}"));
}

#[tokio::test]
async fn a_call_whose_entry_failed_is_logged_and_entered_with_its_second_turn() {
    let (traces, _guard) = traced();
    let redis = Redis::start();
    let proxy = Proxy::before(&redis).await;
    let store = RedisStore::builder(proxy.url(), "bot").timeout(Duration::from_millis(300));
    let store = store.connect().await.unwrap();
    proxy.set(REFUSE_INDEX);
    let (lease, _) = open(&store, &key("1"), turn("t1")).await;
    let logged =
        || traces.with(&["WARN", "call=digital-employee/1", "could not be indexed"]).len() == 1;
    until("the failure is not logged", logged).await;
    proxy.set(PASS);
    store.write(&lease, memory("[1]", Then::Close)).await.unwrap();
    assert_eq!(redis.command(&["EXISTS", IDLE]), "0");
    open(&store, &key("1"), turn("t2")).await;
    until("the call is not entered", || redis.command(&["EXISTS", IDLE]) == "1").await;
}

#[tokio::test]
async fn an_entry_that_arrives_after_the_end_of_its_call_goes_with_the_next_claims() {
    let (redis, proxy, a) = proxied().await;
    let b = store(&redis).await;
    let again = Duration::from_millis(50);
    proxy.set(HOLD_INDEX);
    open(&a, &key("1"), turn("t1")).await;
    until("the call is not entered", || proxy.is(HOLDS_INDEX)).await;
    let (ended, _) = open(&b, &key("1"), end(again)).await;
    b.remove(&ended).await.unwrap();
    proxy.set(PASS);
    until("the entry does not arrive", || redis.command(&["EXISTS", IDLE]) == "1").await;
    let claim = Claim::new(Platform::DigitalEmployee, Duration::ZERO, 10, again, 1);
    // The first one looks at the entry, and the second one at what the first one entered.
    for _ in 0..2 {
        tokio::time::sleep(again).await;
        assert_eq!(b.claim(&claim).await.unwrap(), []);
    }
    let keys = redis.command(&["KEYS", "*:index:*"]);
    assert!(keys.is_empty(), "{keys}");
}

#[tokio::test]
async fn a_connection_that_died_in_silence_is_replaced() {
    let (redis, proxy, store) = proxied().await;
    let mut signals = Signals::of(&store);
    let call = key("1");
    let (lease, _) = open(&store, &call, turn("t1")).await;
    proxy.set(SILENT);
    store.write(&lease, memory("[1]", Then::Keep)).await.unwrap();
    assert_eq!(&store.read(&call).await.unwrap().unwrap().memory[..], b"[1]");
    // The other connection is found to be dead, too.
    redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    assert_eq!(signals.next().await, Signal::Lost);
}

#[tokio::test]
async fn scripts_that_redis_forgot_are_loaded_again() {
    let (redis, a, _) = two().await;
    redis.command(&["SCRIPT", "FLUSH"]);
    let (lease, _) = open(&a, &key("1"), turn("t1")).await;
    redis.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(a.check(&[lease.clone(), lease.clone()]).await.unwrap(), [Standing::Held; 2]);
    redis.command(&["SCRIPT", "FLUSH"]);
    a.write(&lease, memory("[]", Then::Close)).await.unwrap();
}

#[tokio::test]
async fn all_goes_on_when_redis_is_back_and_the_log_has_one_line_for_each_change() {
    let (traces, _guard) = traced();
    let mut redis = Redis::start();
    let short = |url: String| RedisStore::builder(url, "bot").timeout(Duration::from_millis(300));
    let (a, b) =
        (short(redis.url()).connect().await.unwrap(), short(redis.url()).connect().await.unwrap());
    let (mut to_a, mut to_b) = (Signals::of(&a), Signals::of(&b));
    let (lease, _) = open(&a, &key("1"), turn("t1")).await;
    redis.kill();
    for _ in 0..3 {
        let error = a.write(&lease, Change::default()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable(_) | StoreError::Unknown(_)), "{error:?}");
    }
    let error = a.read(&key("1")).await.unwrap_err();
    let StoreError::Unreachable(failure) = error else { panic!("{error:?}") };
    let text = failure.get_ref().to_string();
    assert!(text.starts_with("Redis: Connection refused"), "{text}");
    redis.restart();
    assert_eq!((to_a.next().await, to_b.next().await), (Signal::Lost, Signal::Lost));
    assert_eq!(a.write(&lease, Change::default()).await, Err(StoreError::Gone));
    let (lease, _) = open(&a, &key("1"), turn("t1")).await;
    open(&b, &key("1"), turn("t2")).await;
    let signal = to_a.next().await;
    assert!(matches!(&signal, Signal::Stop(stop) if stop.epoch == lease.epoch), "{signal:?}");
    assert_eq!(traces.with(&["WARN", "Redis does not serve"]).len(), 1, "{}", traces.text());
    assert_eq!(traces.with(&["INFO", "Redis answers again"]).len(), 1, "{}", traces.text());
    for line in ["Redis delivers no messages", "Redis delivers messages of other processes again"] {
        // One for each of the two stores.
        assert_eq!(traces.with(&[line]).len(), 2, "{}", traces.text());
    }
}

#[tokio::test]
async fn a_frozen_redis_may_have_done_what_it_was_asked() {
    let redis = Redis::start();
    let store = RedisStore::builder(redis.url(), "bot").timeout(Duration::from_millis(300));
    let store = store.connect().await.unwrap();
    let (lease, _) = open(&store, &key("1"), turn("t1")).await;
    redis.freeze();
    let error = store.write(&lease, memory("[1]", Then::Close)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unknown(_)), "{error:?}");
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "Redis: no answer within 300ms"
    );
    redis.thaw();
    // The next turn sees the whole write, or nothing of it.
    let (_, record) = open(&store, &key("1"), turn("t2")).await;
    assert!(record.memory.is_empty() || &record.memory[..] == b"[1]", "{:?}", record.memory);
}

#[tokio::test]
async fn an_older_write_that_comes_late_does_not_undo_a_newer_one() {
    let redis = Redis::start();
    let proxy = Proxy::before(&redis).await;
    let store = store_at(&proxy.url()).await;
    let (lease, _) = open(&store, &key("1"), turn("t1")).await;
    store.write(&lease, memory("[1]", Then::Keep)).await.unwrap();
    let sent = redis.command(&["HGET", HASH, "x"]);
    store.write(&lease, memory("[2]", Then::Keep)).await.unwrap();
    let newer = redis.command(&["HGET", HASH, "x"]);
    let number = |mark: &str| mark.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    assert!(number(&sent) < number(&newer), "{sent} {newer}");
    // A copy of the first write, as a connection that was thought to be dead may still deliver it.
    let epoch = lease.epoch.to_string();
    let copy = write_again(&redis, &epoch, &number(&sent).to_string(), "[1]");
    assert_eq!(copy, "done");
    assert_eq!(&store.read(&key("1")).await.unwrap().unwrap().memory[..], b"[2]");
}

/// Runs the script that writes, as the store does.
fn write_again(redis: &Redis, epoch: &str, number: &str, memory: &str) -> String {
    let source = concat!(
        include_str!("../../src/bot/store/redis/call.lua"),
        "\n",
        include_str!("../../src/bot/store/redis/write.lua")
    );
    let keys = ["", ":h", ":n", ":z", ":x"].map(|end| format!("{HASH}{end}"));
    let mut command = vec!["EVAL", source, "5"];
    command.extend(keys.iter().map(String::as_str));
    command.extend(["1", "60000", "bot:to:", "me", "digital-employee/1"]);
    command.extend([epoch, number, "keep", "0", "1", memory, "0", ""]);
    redis.command(&command)
}

#[tokio::test]
async fn a_replica_is_asked_until_it_takes_writes() {
    let redis = Redis::start();
    let store = store(&redis).await;
    open(&store, &key("1"), turn("t1")).await;
    // Of a server that does not exist.
    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let (opening, call) = (turn("t2"), key("1"));
    let opening = store.open(&call, &opening);
    let promotion = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        redis.command(&["REPLICAOF", "NO", "ONE"])
    };
    let (opened, _) = tokio::join!(opening, promotion);
    assert!(matches!(opened, Ok(Opened::Run { .. })), "{opened:?}");

    redis.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let short = RedisStore::builder(redis.url(), "bot").timeout(Duration::from_millis(200));
    let short = short.connect().await.unwrap();
    let error = short.open(&key("2"), &turn("t1")).await.unwrap_err();
    let StoreError::Unreachable(failure) = error else { panic!("{error:?}") };
    assert_eq!(failure.get_ref().to_string(), "Redis: READONLY");
}

#[tokio::test]
async fn a_full_redis_refuses_turns_and_loses_nothing() {
    let (redis, a, _) = two().await;
    let (lease, _) = open(&a, &key("1"), turn("t1")).await;
    a.write(&lease, memory("[1]", Then::Keep)).await.unwrap();
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]);
    for error in [
        a.open(&key("2"), &turn("t1")).await.unwrap_err(),
        a.open(&key("1"), &turn("t2")).await.unwrap_err(),
        a.write(&lease, memory("[2]", Then::Close)).await.unwrap_err(),
    ] {
        let StoreError::Failed(failure) = error else { panic!("{error:?}") };
        assert_eq!(failure.get_ref().to_string(), "Redis: OOM");
    }
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(a.check(std::slice::from_ref(&lease)).await.unwrap(), [Standing::Held]);
    assert_eq!(&a.read(&key("1")).await.unwrap().unwrap().memory[..], b"[1]");
    assert_eq!(a.read(&key("2")).await.unwrap(), None);
}

#[tokio::test]
async fn the_signals_end_with_the_store() {
    let (redis, a, _b) = two().await;
    let mut signals = Signals::of(&a);
    let before = redis.command(&["PUBSUB", "CHANNELS"]).split(' ').count();
    assert_eq!(before, 2);
    drop(a);
    let next = tokio::time::timeout(
        Duration::from_secs(20),
        futures_util::StreamExt::next(&mut signals.0),
    );
    assert_eq!(next.await.expect("the signals go on"), None);
    for _ in 0..200 {
        if redis.command(&["PUBSUB", "CHANNELS"]).split(' ').count() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the subscription goes on");
}
