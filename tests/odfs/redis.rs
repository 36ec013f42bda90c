//! Recognized texts, looked up in a real Redis that each test starts.
//! Without `redis-server` on the path the tests are skipped and say so. With `CALLBOT_REQUIRE_REDIS`
//! set they fail instead.

use std::sync::Arc;
use std::time::Duration;

use callbot::odfs::{RecognitionError, RecognitionId, Recognitions, RedisRecognitions};
use tokio::time::{Instant, resume};

use crate::support::redis::Redis;

const PASSWORD: &str = "hush-4711";

/// Makes Redis listen on a socket in its folder too.
const SOCKET: [&str; 2] = ["--unixsocket", "redis.sock"];

fn socket_url(redis: &Redis, query: &str) -> String {
    format!("redis+unix://{}/redis.sock{query}", redis.folder().display())
}

fn opened(redis: &Redis) -> RedisRecognitions {
    RedisRecognitions::open(&redis.url()).unwrap()
}

fn set(redis: &Redis, key: &str, text: &str) {
    assert_eq!(redis.command(&["SET", key, text]), "OK");
}

fn id(key: &str) -> RecognitionId {
    RecognitionId::new(key, "0").unwrap()
}

async fn text(store: &RedisRecognitions, key: &str) -> Result<Option<String>, String> {
    store.text(&id(key)).await.map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_text_is_found_under_its_key() {
    let Some(redis) = Redis::if_installed(&[]) else { return };
    set(&redis, "asr:4711", "查询话费 🙂");
    set(&redis, "empty", "");
    set(&redis, "键", "of a key that is not ASCII");
    let bytes = "return redis.call('SET', KEYS[1], '\\255\\254')";
    assert_eq!(redis.command(&["EVAL", bytes, "1", "bytes"]), "OK");
    assert_eq!(redis.command(&["LPUSH", "list", "x"]), "1");
    let store = opened(&redis);
    assert_eq!(text(&store, "asr:4711").await, Ok(Some("查询话费 🙂".into())));
    assert_eq!(text(&store, "empty").await, Ok(Some(String::new())));
    assert_eq!(text(&store, "键").await, Ok(Some("of a key that is not ASCII".into())));
    assert_eq!(text(&store, "asr:4712").await, Ok(None));
    assert_eq!(text(&store, "bytes").await, Err("Redis: the text is not UTF-8".into()));
    assert_eq!(text(&store, "list").await, Err("Redis: WRONGTYPE".into()));
    let prefixed = opened(&redis).with_key_prefix("asr:");
    assert_eq!(text(&prefixed, "asr:4711").await, Ok(Some("查询话费 🙂".into())));
    assert_eq!(text(&prefixed, "empty").await, Ok(None), "a key without the prefix");
    // The connection survives an error.
    assert_eq!(text(&store, "empty").await, Ok(Some(String::new())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_lookups_share_a_connection() {
    let Some(redis) = Redis::if_installed(&["--maxclients", "3"]) else { return };
    let store = Arc::new(opened(&redis));
    let lookups = (0..50).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { text(&store, &format!("k{number}")).await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        assert_eq!(lookup.await.unwrap(), Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_redis_goes_unnoticed() {
    let Some(mut redis) = Redis::if_installed(&[]) else { return };
    let store = Arc::new(opened(&redis));
    assert_eq!(text(&store, "k").await, Ok(None));
    redis.kill();
    let error = text(&store, "k").await.unwrap_err();
    assert!(error.starts_with("Redis: Connection refused"), "{error}");
    redis.restart();
    set(&redis, "k", "back again");
    assert_eq!(text(&store, "k").await, Ok(Some("back again".into())));
    // Now without a lookup while it was down.
    redis.kill();
    redis.restart();
    set(&redis, "k", "and again");
    let lookups = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { text(&store, "k").await })
    });
    for lookup in lookups.collect::<Vec<_>>() {
        assert_eq!(lookup.await.unwrap(), Ok(Some("and again".into())));
    }
}

#[tokio::test]
async fn a_store_can_be_opened_before_redis_is_there() {
    let Some(mut redis) = Redis::if_installed(&SOCKET) else { return };
    // Its answer shows that the socket is there as well.
    assert_eq!(redis.command(&["PING"]), "PONG");
    redis.kill();
    std::fs::remove_file(redis.folder().join("redis.sock")).unwrap();
    let by_socket = RedisRecognitions::open(&socket_url(&redis, "")).unwrap();
    for (store, expected) in [(by_socket, "No such file"), (opened(&redis), "Connection refused")] {
        let error = text(&store, "k").await.unwrap_err();
        assert!(error.starts_with(&format!("Redis: {expected}")), "{error}");
        redis.restart();
        assert_eq!(redis.command(&["PING"]), "PONG");
        assert_eq!(text(&store, "k").await, Ok(None));
        redis.kill();
    }
}

#[tokio::test]
async fn user_password_and_database_come_from_the_url_and_never_show() {
    let [option, socket] = SOCKET;
    let settings = [option, socket, "--requirepass", PASSWORD];
    let Some(redis) = Redis::if_installed(&settings) else { return };
    let auth: &[&str] = &["AUTH", PASSWORD];
    let answers = redis.commands(&[auth, &["SELECT", "3"], &["SET", "k", "of database 3"]]);
    assert_eq!(answers, ["OK"; 3]);
    let by_port = format!("redis://:{PASSWORD}@{}/3", redis.address());
    for right in [socket_url(&redis, &format!("?db=3&pass={PASSWORD}")), by_port] {
        let store = RedisRecognitions::open(&right).unwrap();
        assert_eq!(text(&store, "k").await, Ok(Some("of database 3".into())));
        let shown = format!("{store:?} {store:#?}");
        assert!(shown.contains("timeout: 1s") && !shown.contains(PASSWORD), "{shown}");
    }
    let other = socket_url(&redis, &format!("?pass={PASSWORD}"));
    let other = RedisRecognitions::open(&other).unwrap();
    assert_eq!(text(&other, "k").await, Ok(None));
    for wrong in ["", "?pass=4711-wrong", "?user=4711-nobody&pass=x"] {
        let store = RedisRecognitions::open(&socket_url(&redis, wrong)).unwrap();
        let error = text(&store, "k-4711").await.unwrap_err();
        assert!(error.starts_with("Redis: ") && !error.contains("4711"), "{error}");
        // It keeps trying, in case the server is repaired.
        assert_eq!(text(&store, "k-4711").await.unwrap_err(), error);
    }
    let wrong = RedisRecognitions::open(&socket_url(&redis, "?pass=new")).unwrap();
    text(&wrong, "k").await.unwrap_err();
    let answers = redis.commands(&[auth, &["CONFIG", "SET", "requirepass", "new"]]);
    assert_eq!(answers, ["OK"; 2]);
    assert_eq!(text(&wrong, "k").await, Ok(None));
}

#[test]
fn an_invalid_url_is_refused_without_showing_it() {
    for url in ["", "4711", "http://hush-4711@h/", "redis://", "redis://:hush-4711@h:port/"] {
        let error: RecognitionError = RedisRecognitions::open(url).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("Redis") && !shown.contains("4711"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_redis_that_does_not_answer_costs_no_more_than_the_timeout() {
    let Some(redis) = Redis::if_installed(&[]) else { return };
    // The system accepts connections, and nothing answers on them.
    redis.freeze();
    let store = opened(&redis).with_timeout(Duration::from_millis(200));
    for _ in 0..2 {
        let begin = Instant::now();
        let error = text(&store, "k-4711").await.unwrap_err();
        assert_eq!(error, "Redis: no answer within 200ms");
        let waited = begin.elapsed();
        assert!(waited < Duration::from_millis(210), "{waited:?}");
    }
    redis.thaw();
    resume();
    assert_eq!(text(&store.with_timeout(Duration::from_secs(5)), "k").await, Ok(None));
}

#[tokio::test]
async fn a_silent_redis_is_replaced_by_a_new_connection() {
    let Some(silent) = Redis::if_installed(&SOCKET) else { return };
    assert_eq!(silent.command(&["PING"]), "PONG");
    let store = RedisRecognitions::open(&socket_url(&silent, "")).unwrap();
    let store = store.with_timeout(Duration::from_millis(500));
    assert_eq!(text(&store, "k").await, Ok(None));
    silent.freeze();
    let error = text(&store, "k").await.unwrap_err();
    assert_eq!(error, "Redis: no answer within 500ms");
    // The old one stays silent, and another one listens in its place.
    let socket = silent.folder().join("redis.sock");
    std::fs::remove_file(&socket).unwrap();
    let other = Redis::if_installed(&["--unixsocket", socket.to_str().unwrap()]).unwrap();
    set(&other, "k", "of the other");
    assert_eq!(text(&store, "k").await, Ok(Some("of the other".into())));
}
