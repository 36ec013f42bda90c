//! Two instances of a bot that share a store: what a platform's requests need from the other instance.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use callbot::bot::{Host, MemoryStore};
use serde_json::json;

use crate::support::bots::{Actor, Ivr, Log, acting};

const CALLER: &str = "13500000001";

/// One call at two instances of the actor on ODFS, which starts at the first one, and what both log.
async fn ivr() -> (Log, Ivr, Ivr) {
    let store = Arc::new(MemoryStore::new());
    let (log, here) = acting(Actor::default(), |host| host.store(store.clone()));
    let bot = Actor { log: log.clone(), ..Actor::default() };
    let there = Host::builder(bot).store(store).build();
    let here = Ivr::new(here.host.odfs().unwrap().router(), "i");
    // Its clock shows which times are its own.
    let later = SystemTime::now() + Duration::from_secs(3600);
    let there = Ivr::new(there.odfs().unwrap().clock(later).router(), "i");
    here.start().await;
    (log, here, there)
}

#[tokio::test(start_paused = true)]
async fn a_transfer_at_another_instance_has_the_caller_of_the_start() {
    let (_, _here, there) = ivr().await;
    there.say("remember x").await;
    let answer = there.say("transfer").await;
    assert_eq!(answer["outparams"]["call_sor_id"], CALLER, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_release_at_another_instance_has_the_caller_and_the_time_of_the_start() {
    for after_hang_up in [false, true] {
        let (log, _here, there) = ivr().await;
        let before = there.say("say Hm").await;
        assert_eq!(before["outaction"], 9, "{before}");
        let release = match after_hang_up {
            true => there.hang_up("2").await,
            false => there.say("hang up").await,
        };
        let params = &release["outparams"];
        assert_eq!(params["call_sor_id"], CALLER, "{release}");
        assert!(params["start_time"].as_str() < params["end_time"].as_str(), "{release}");
        assert_eq!(log.count("i", "ended"), usize::from(after_hang_up));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_no_instance_knows_is_released_without_a_caller() {
    let (_, here) = acting(Actor::default(), |host| host);
    let ivr = Ivr::new(here.host.odfs().unwrap().router(), "unknown");
    let release = ivr.hang_up("2").await;
    assert_eq!(release["outparams"]["call_sor_id"], json!(""), "{release}");
}
