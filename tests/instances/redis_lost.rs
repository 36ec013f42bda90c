//! Redis is killed, loses its data, is frozen, refuses writes, or can't be reached. Turns that can't be
//! served fail in time and say why; nothing that was saved is lost; and all goes on without a restart.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::instance::{Instance, Settings};
use crate::line::Line;
use crate::proxy::{Fault, Proxy};
use crate::redis::Redis;

/// The limit for the first packet, where turns are to fail.
const FIRST_PACKET: Duration = Duration::from_millis(1500);

/// Within this time, everything that can't be served has failed. It is far longer than any deadline, for
/// machines that are busy, and far shorter than a hang.
const SOON: Duration = Duration::from_secs(10);

/// Two instances over one Redis, each with a proxy in between.
struct World {
    redis: Redis,
    here: Instance,
    there: Instance,
    /// The proxy of `here`.
    proxy: Proxy,
}

impl World {
    async fn new() -> Self {
        Self::over(Redis::start()).await
    }

    async fn over(redis: Redis) -> Self {
        let proxy = Proxy::start(redis.address()).await;
        let through = |url: String| Settings {
            redis: Some(url),
            first_packet: FIRST_PACKET,
            ..Settings::default()
        };
        let here = through(format!("redis://{}", proxy.address));
        let there = through(redis.url());
        let (here, there) = tokio::join!(Instance::start(&here), Instance::start(&there));
        Self { redis, here, there, proxy }
    }

    /// Checks that the call `c` goes on at both instances, with what it remembers, and that they tell each
    /// other what to stop.
    async fn check_all_is_well(&self, memory: &str) {
        eventually(&self.here.line, memory).await;
        eventually(&self.there.line, memory).await;
        for (runs, aborts) in [(&self.here, &self.there), (&self.there, &self.here)] {
            stops_across(runs, aborts).await;
        }
    }
}

/// Waits until a turn of the call `c` is answered with its memory. Failures before say that the store failed.
async fn eventually(line: &Line, memory: &str) {
    let begin = Instant::now();
    loop {
        match line.say("c", &unique(), "memory").await {
            crate::line::Outcome::Text(text) => return assert_eq!(text, memory),
            crate::line::Outcome::Failure(failure) => {
                assert!(failure.contains("store"), "{failure}");
                assert!(begin.elapsed() < SOON, "{failure}");
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Checks that an abort at one instance stops a turn of the other one, as soon as both have subscribed.
async fn stops_across(runs: &Instance, aborts: &Instance) {
    let begin = Instant::now();
    loop {
        let (call, turn) = (unique(), unique());
        let mut reply = runs.line.start(&call, &turn, "say Once | wait 1500 | answer upon").await;
        reply.until("Once").await;
        aborts.line.abort(&call, &turn, "Once").await.unwrap();
        if reply.rest().await.text() == "Once" {
            return;
        }
        // An instance that has not found out yet that its connection is dead.
        assert!(begin.elapsed() < SOON, "no message arrives");
    }
}

/// Returns an id that no other has.
fn unique() -> String {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("u{}", NEXT.fetch_add(1, Relaxed))
}

/// Checks that what needs the store fails in time, and names the store.
async fn check_failures(instance: &Instance) {
    let begin = Instant::now();
    let failure = instance.line.say("c", &unique(), "say Hello.").await.failure();
    assert!(failure.contains("store"), "{failure}");
    assert!(begin.elapsed() < SOON);
    for failed in [instance.line.abort("c", "1", "One.").await, instance.line.end("c").await] {
        let failure = failed.unwrap_err();
        assert!(failure.contains("store"), "{failure}");
    }
    assert!(begin.elapsed() < 2 * SOON);
    instance.until_logged(&["ERROR", "store"]).await;
}

const SLOW: &str = "say One. | wait 500 | remember lost | say Two.";

#[tokio::test]
async fn redis_is_killed_in_mid_turn_and_started_again() {
    let on_disk = Redis::with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let mut world = World::over(on_disk).await;
    assert_eq!(world.here.line.text("c", "1", "remember kept | say One.").await, "One.");
    let mut reply = world.here.line.start("c", "2", SLOW).await;
    reply.until("One.").await;
    world.redis.kill();
    let begin = Instant::now();
    let failure = reply.rest().await.failure();
    assert!(failure.contains("store"), "{failure}");
    assert!(begin.elapsed() < SOON);
    check_failures(&world.here).await;
    check_failures(&world.there).await;
    world.redis.restart();
    world.check_all_is_well("kept").await;
}

#[tokio::test]
async fn redis_loses_its_data_in_mid_turn_and_the_call_goes_on() {
    let mut world = World::new().await;
    let line = &world.here.line;
    assert_eq!(line.text("c", "1", "remember kept | say One.").await, "One.");
    let mut reply = line.start("c", "2", "say Two. | wait 1500 | remember new | say Three.").await;
    reply.until("Two.").await;
    world.redis.kill();
    world.redis.restart();
    assert_eq!(reply.rest().await.text(), "Two. Three.");
    world.here.until_logged(&["ERROR", "lost"]).await;
    world.check_all_is_well("kept,new").await;
    let history = world.there.line.text("c", "last", "history").await;
    assert!(history.starts_with("1=One.;2=Two. Three.;"), "{history}");
    assert_eq!(world.here.events("c")[..3], ["begin", "turn 1", "turn 2"]);
}

#[tokio::test]
async fn a_lost_call_without_a_turn_starts_anew() {
    let world = World::new().await;
    world.here.line.text("c", "1", "remember old | say One.").await;
    assert_eq!(world.redis.command(&["FLUSHALL"]), "OK");
    assert_eq!(world.there.line.text("c", "2", "say Two. | memory").await, "Two.");
    assert_eq!(world.there.events("c"), ["begin", "turn 2"]);
    world.check_all_is_well("").await;
}

#[tokio::test]
async fn redis_is_frozen() {
    let world = World::new().await;
    world.here.line.text("c", "1", "remember kept | say One.").await;
    // A short pause only takes its time.
    let mut reply = world.here.line.start("c", "2", "say One. | wait 100 | say Two.").await;
    reply.until("One.").await;
    world.redis.freeze();
    sleep(Duration::from_millis(600)).await;
    world.redis.thaw();
    assert_eq!(reply.rest().await.text(), "One. Two.");
    world.redis.freeze();
    check_failures(&world.here).await;
    check_failures(&world.there).await;
    world.redis.thaw();
    world.check_all_is_well("kept").await;
}

#[tokio::test]
async fn redis_refuses_writes() {
    let world = World::new().await;
    world.here.line.text("c", "1", "remember kept | say One.").await;
    let mut reply = world.here.line.start("c", "2", SLOW).await;
    reply.until("One.").await;
    // A failover: the former primary is a replica now.
    assert_eq!(world.redis.command(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
    let failure = reply.rest().await.failure();
    assert!(failure.contains("store"), "{failure}");
    check_failures(&world.here).await;
    assert_eq!(world.redis.command(&["REPLICAOF", "NO", "ONE"]), "OK");
    world.check_all_is_well("kept").await;
}

#[tokio::test]
async fn connections_are_reset_in_mid_turn() {
    let world = World::new().await;
    let reply = world.here.line.start("c", "1", "say One. | wait 300 | remember x | say Two.");
    let mut reply = reply.await;
    reply.until("One.").await;
    world.proxy.reset();
    assert_eq!(reply.rest().await.text(), "One. Two.");
    world.check_all_is_well("x").await;
}

#[tokio::test]
async fn connections_are_dead_without_a_sign() {
    let world = World::new().await;
    world.here.line.text("c", "1", "remember kept | say One.").await;
    for _ in 0..3 {
        // What a pool, a NAT or a thaw of the instance does.
        world.proxy.swallow_open_connections();
        assert_eq!(world.here.line.text("c", &unique(), "memory").await, "kept");
        stops_across(&world.here, &world.there).await;
    }
    world.check_all_is_well("kept").await;
}

#[tokio::test]
async fn the_network_swallows_everything_for_a_while() {
    let world = World::new().await;
    world.here.line.text("c", "1", "remember kept | say One.").await;
    let mut reply = world.here.line.start("c", "2", SLOW).await;
    reply.until("One.").await;
    world.proxy.set(Fault::Swallow);
    let failure = reply.rest().await.failure();
    assert!(failure.contains("store"), "{failure}");
    check_failures(&world.here).await;
    // The other instance serves all.
    assert_eq!(world.there.line.text("c", &unique(), "memory").await, "kept");
    world.proxy.set(Fault::None);
    world.check_all_is_well("kept").await;
}

#[tokio::test]
async fn lost_answers_of_redis_do_nothing_twice() {
    let world = World::new().await;
    for round in 0..3 {
        let words = format!("say One. | wait 200 | remember {round} | answer Two.");
        let mut reply = world.here.line.start("c", &format!("t{round}"), &words).await;
        reply.until("One.").await;
        world.proxy.set(Fault::SwallowReplies);
        // The write of the turn arrives, and its answer does not.
        sleep(Duration::from_millis(350)).await;
        world.proxy.set(Fault::None);
        assert_eq!(reply.rest().await.text(), "One. Two.", "{round}");
    }
    assert_eq!(world.there.line.text("c", "m", "memory").await, "0,1,2");
    let history = world.there.line.text("c", "h", "history").await;
    assert!(history.starts_with("t0=One. Two.;t1=One. Two.;t2=One. Two.;"), "{history}");
    assert!(!world.here.events("c").iter().any(|event| event.starts_with("interrupted")));
    world.check_all_is_well("0,1,2").await;
}

#[tokio::test]
async fn a_turn_that_another_instance_has_overtaken_unheard_writes_nothing() {
    let world = World::new().await;
    let reply = world.here.line.start("c", "1", "say One. | wait 1000 | remember a | say Two.");
    let mut reply = reply.await;
    reply.until("One.").await;
    // No message arrives at the instance of the turn.
    world.proxy.set(Fault::Swallow);
    assert_eq!(world.there.line.text("c", "2", "remember b | say Hello.").await, "Hello.");
    world.proxy.set(Fault::None);
    world.proxy.reset();
    reply.rest().await;
    world.check_all_is_well("b").await;
}

#[tokio::test]
async fn a_slow_network_is_no_failure() {
    let world = World::new().await;
    world.proxy.delay(Duration::from_millis(20));
    assert_eq!(world.here.line.text("c", "1", "remember x | say One.").await, "One.");
    world.check_all_is_well("x").await;
}
