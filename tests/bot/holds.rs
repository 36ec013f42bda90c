//! Holds: work that must not be cut in half, and orders that must not be made twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::bots::*;
use crate::support::traces::traced;
use callbot::bot::testing::TestCall;
use callbot::bot::{
    Bot, Call, Cut, Dropped, Host, Input, Limits, MemoryStore, Notice, Platform, Reply, Result,
    TurnId,
};
use tokio::time::{Instant, sleep};

use Platform::{DigitalEmployee, Odfs};

/// A shop elsewhere. An order takes 3 s, and is completed even if the bot that sent it has gone. Orders
/// with the same key are one order.
#[derive(Clone, Default)]
struct Orders(Arc<Mutex<BTreeSet<String>>>);

impl Orders {
    async fn place(&self, key: String) -> Result<String> {
        let orders = self.clone();
        let placed = tokio::spawn(async move {
            sleep(3 * SECOND).await;
            orders.0.lock().unwrap().insert(key.clone());
            format!("receipt of {key}")
        });
        Ok(placed.await?)
    }

    fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Takes orders by phone. It does what the guide's page about holds says.
#[derive(Clone, Default)]
struct Shop {
    orders: Orders,
    hold: Option<Duration>,
    notices: Arc<Mutex<Vec<Notice>>>,
    turns: Arc<Mutex<Vec<TurnId>>>,
}

/// The key of the order that was sent last, and the receipt once there is one.
type Order = (Option<String>, Option<String>);

impl Bot for Shop {
    type Memory = Order;

    async fn turn(&self, call: &mut Call<Order>, _: Input, reply: &mut Reply) -> Result {
        self.turns.lock().unwrap().push(call.turn().clone());
        if let (_, Some(receipt)) = &call.memory {
            return reply.say(format!("Done: {receipt}.")).await;
        }
        reply.say("I'm ordering. ").await?;
        let key = call.memory.0.clone().unwrap_or_else(|| call.turn().to_string());
        call.memory.0 = Some(key.clone());
        call.save().await?;
        let order = async |call: &mut Call<Order>| {
            call.memory.1 = Some(self.orders.place(key).await?);
            Ok(())
        };
        match self.hold {
            Some(time) => call.hold_for(time, order).await?,
            None => call.hold(order).await?,
        }
        reply.say("Done.").await
    }

    fn notice(&self, notice: &Notice) {
        self.notices.lock().unwrap().push(notice.clone());
    }
}

impl Shop {
    fn first_turn(&self) -> TurnId {
        self.turns.lock().unwrap()[0].clone()
    }

    /// The notices about holds.
    fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.lock().unwrap().clone();
        notices.retain(|notice| notice.what != Dropped::Greeting);
        notices
    }
}

/// The caller orders, barges in after 200 ms, and asks until there is a receipt.
async fn order(call: &mut TestCall<Shop>) {
    let turn = call.start("order").await;
    sleep(200 * MS).await;
    if call.can().aborts {
        turn.barge_in("I'm or").await.expect_end();
    }
    for _ in 0..20 {
        let answer = call.say("order!").await;
        if answer.text().contains("Done") {
            return;
        }
    }
    panic!("no receipt: {call}");
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_is_long_enough_makes_one_order() {
    let (traces, _guard) = traced();
    for platform in Platform::ALL {
        let shop = Shop { hold: Some(10 * SECOND), ..Shop::default() };
        let mut call = TestCall::on(platform, shop.clone());
        order(&mut call).await;
        let first = shop.first_turn();
        let (key, receipt) = call.memory().await;
        assert_eq!(key.as_deref(), Some(first.as_str()), "the key of the first turn on {platform}");
        assert_eq!(receipt, Some(format!("receipt of {first}")), "{platform}");
        sleep(10 * SECOND).await;
        assert_eq!((shop.orders.count(), shop.notices()), (1, vec![]), "{platform}");
    }
    assert_eq!(traces.with(&["ERROR", "a hold"]), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_runs_out_is_an_error_and_the_key_still_makes_it_one_order() {
    for platform in Platform::ALL {
        let (traces, _guard) = traced();
        let shop = Shop::default();
        let mut call = TestCall::on(platform, shop.clone());
        order(&mut call).await;
        let first = shop.first_turn();
        sleep(10 * SECOND).await;
        assert_eq!(shop.orders.count(), 1, "{platform}");
        // On ODFS the caller's next turn waits, so the work goes on without protection.
        let what = if platform == Odfs { Dropped::Hold } else { Dropped::HeldWork };
        let notices = shop.notices();
        let of_first = notices.iter().find(|notice| notice.turn == first).unwrap();
        assert_eq!((&of_first.call, of_first.platform), (call.key(), platform));
        assert_eq!(of_first.what, what, "{platform}");
        let key = call.key().to_string();
        let lines = traces.with(&["ERROR", "a hold was longer than 2s", &key, first.as_str()]);
        assert_eq!(lines.len(), 1, "{}", traces.text());
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_that_runs_out_during_a_reply_protects_no_longer() {
    let (log, line) = acting(Actor::default(), |host| host);
    let script = "say One. | hold | wait 2500 | remember x | wait 2500 | remember y | release";
    let mut reply = line.say("c", "1", script).await;
    reply.until("One.").await;
    sleep(2600 * MS).await;
    assert_eq!(log.count("c", "notice"), 1);
    line.abort("c", "1", None).await;
    reply.rest().await;
    line.text("c", "2", "say Two.").await;
    assert_eq!(log.of("c")[2..4], ["notice Hold", "notice HeldWork"], "{:?}", log.of("c"));
    assert_eq!(line.snapshot("c").await.memory, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_its_hold_undisturbed_is_stored() {
    for platform in Platform::ALL {
        let bot = Actor::default();
        let log = bot.log.clone();
        let mut call = TestCall::on(platform, bot);
        call.say("say One. | hold | wait 3000 | remember x | release | say Two.")
            .await
            .expect_end();
        assert_eq!(log.count(&call.key().id, "notice Hold"), 1, "{platform}");
        assert_eq!(call.memory().await, ["x"], "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_ends_with_its_hold_is_in_time() {
    for end in ["release", "release | say Two."] {
        let (log, line) = acting(Actor::default(), |host| host);
        let script = format!("say One. | hold 2000 | wait 1999 | remember x | {end}");
        let mut reply = line.say("c", "1", &script).await;
        reply.until("One.").await;
        line.abort("c", "1", None).await;
        reply.rest().await;
        sleep(3 * SECOND).await;
        assert_eq!(
            (log.count("c", "notice"), line.snapshot("c").await.memory),
            (0, vec!["x".into()])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_stores_the_memory_of_work_that_succeeds() {
    for platform in Platform::ALL {
        let mut call = TestCall::on(platform, Actor::default());
        call.say("remember a | hold | remember b | release | remember c | fail").await;
        assert_eq!(call.memory().await, ["a", "b"], "{platform}");
        call.say("remember d | hold | remember e | fail").await;
        assert_eq!(call.memory().await, ["a", "b"], "work that fails, on {platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn holds_can_be_nested() {
    let (log, line) = acting(Actor::default(), |host| host);
    let script = "say One. | hold 4000 | hold 1000 | wait 500 | remember x | release | wait 3000 \
                  | remember y | release | for ever";
    let mut reply = line.say("c", "1", script).await;
    reply.until("One.").await;
    line.abort("c", "1", None).await;
    reply.rest().await;
    sleep(SECOND).await;
    let start = Instant::now();
    line.say("c", "2", "say Two.").await.rest().await;
    sleep(SECOND * 5 - start.elapsed()).await;
    assert_eq!(line.snapshot("c").await.memory, ["x", "y"], "{:?}", log.of("c"));
    assert_eq!(log.count("c", "notice"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_hold_for_longer_than_the_limit_is_refused_before_its_work_starts() {
    let limits = Limits::default().with_max_hold(20 * SECOND);
    for (limits, ms, max) in [
        (Limits::default(), 60_001, "60s"),
        (limits, 20_001, "20s"),
        (limits.with_hold_timeout(30 * SECOND), 30_001, "30s"),
    ] {
        let (log, line) = acting(Actor::default(), |host| host.limits(limits));
        let script = format!("try hold {ms} | remember x | release | hold {} | remember y", ms - 1);
        line.text("c", "1", &format!("{script} | release | say So.")).await;
        assert_eq!(line.snapshot("c").await.memory, ["y"]);
        let time = Duration::from_millis(ms);
        let error = format!("/hold_for: {time:?}, allowed: at most {max}, see `Limits::max_hold`");
        assert!(log.of("c")[2].ends_with(&error), "{:?}", log.of("c"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_waits_for_a_long_hold() {
    for shared in [false, true] {
        let bot = Actor::default();
        let log = bot.log.clone();
        let host = Host::builder(bot);
        let host = match shared {
            true => host.store(Moody::<true>::default()),
            false => host.store(MemoryStore::new()),
        };
        let line = line(host.build());
        let mut reply = line
            .say("c", "1", "say One. | hold 30000 | wait 25000 | remember paid | release")
            .await;
        reply.until("One.").await;
        line.end("c").await;
        reply.rest().await;
        assert_eq!(log.count("c", "ended ByCaller [paid]"), 1, "{:?}", log.of("c"));
        assert_eq!(log.count("c", "notice"), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hold_between_turns_is_reported_too() {
    let bot = Actor { interrupts: "hold 1000 | wait 1500", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    line.text("c", "1", "say One.").await;
    line.abort("c", "1", Some("On")).await;
    sleep(2 * SECOND).await;
    assert_eq!(log.of("c")[2..], ["interrupted 1 BargeIn", "notice Hold"]);
}

#[tokio::test(start_paused = true)]
async fn held_work_that_is_dropped_with_its_hook_is_reported() {
    let (traces, _guard) = traced();
    let bot = Actor { interrupts: "hold 60000 | wait 50000", ..Actor::default() };
    let (log, line) = acting(bot, |host| host);
    line.text("c", "1", "say One.").await;
    line.abort("c", "1", Some("On")).await;
    sleep(11 * SECOND).await;
    assert_eq!(log.of("c")[2..], ["interrupted 1 BargeIn", "notice HeldWork"]);
    assert_eq!(traces.with(&["ERROR", "a hold did not end", "digital-employee/c"]).len(), 1);
}

/// Remembers the ids of its turns.
struct Numbered;

impl Bot for Numbered {
    type Memory = Vec<String>;

    async fn turn(&self, call: &mut Call<Vec<String>>, input: Input, reply: &mut Reply) -> Result {
        let turn = call.turn().to_string();
        call.memory.push(turn);
        call.save().await?;
        if words(&input) == "once" && call.memory.len() == 1 {
            return Err("the database is down".into());
        }
        reply.say("So.").await
    }

    async fn interrupted(&self, call: &mut Call<Vec<String>>, cut: &Cut) -> Result {
        call.memory.push(format!("{} {}", call.turn(), cut.turn));
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_has_the_id_of_its_entry_in_the_history() {
    for platform in Platform::ALL {
        let mut call = TestCall::on(platform, Numbered);
        call.say("hi").await;
        call.say("hi").await;
        let history = call.history().await;
        let turns: Vec<_> = history.iter().map(|turn| turn.turn.to_string()).collect();
        assert_eq!(call.memory().await, turns, "{platform}");
        assert_ne!(turns[0], turns[1], "{platform}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_turn_has_the_same_id() {
    let mut call = TestCall::on(DigitalEmployee, Numbered);
    call.say("once").await.expect_failure();
    call.repeat().await.expect_text("So.");
    let memory = call.memory().await;
    assert_eq!((memory.len(), &memory[0]), (2, &memory[1]));
    call.barge_in("So").await;
    assert_eq!(call.memory().await[2], format!(" {}", memory[0]));
}
