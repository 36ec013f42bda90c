//! Details of a bot's failures that only Digital Employee has. `tests/server/faults.rs` has what holds
//! on every platform.

use callbot::digital_employee::{Event, HangUp};
use callbot::server::Error;
use futures_util::stream;
use serde_json::{Value, json};

use crate::support::digital_employee::*;

/// A text that no answer may hold.
const SECRET: &str = "SECRET-4711";

/// Checks the failure in the last packet, behind one good packet.
fn assert_failure(answer: &Answer, status: u16, code: &str, message: &str) {
    assert!(!answer.body.contains(SECRET), "{}", answer.body);
    let packets = answer.packets();
    let [good, failed] = &packets[..] else { panic!("not two packets: {answer:?}") };
    assert_eq!((&good["httpStatusCode"], &good["code"]), (&json!(200), &json!("OK")));
    let seen = (&failed["httpStatusCode"], &failed["code"], &failed["message"]);
    assert_eq!(seen, (&json!(status), &json!(code), &json!(message)));
    for field in ["answer", "controlParamsList"] {
        assert_eq!(failed["data"].get(field), None, "a failure says nothing: {failed}");
    }
}

#[tokio::test]
async fn a_failure_repeats_neither_the_text_nor_the_controls_of_the_packets_before_it() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send(Event::text("word ").with(HangUp::new())).await?;
            Err(Error::public("no such account").status(404).code("NoAccount"))
        })
    })
    .await;
    assert_failure(&answer, 404, "NoAccount", "no such account");
}

#[tokio::test]
async fn the_code_of_a_success_is_not_that_of_a_failure() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send("word ").await?;
            Err(Error::public("all is well?").status(200).code("OK"))
        })
    })
    .await;
    assert_failure(&answer, 500, "Exception", "all is well?");
}

#[tokio::test]
async fn an_invalid_item_of_send_all_ends_the_turn_with_a_failure_and_is_traced() {
    let (traces, _guard) = traced();
    let answer = turn(|reply| {
        Box::pin(async move {
            let late = Event::text(SECRET).with(HangUp::new().with_delay(11));
            let items = [Event::text("good"), late, Event::text("never")];
            reply.send_all(stream::iter(items.map(Ok::<_, Error>))).await
        })
    })
    .await;
    assert_eq!(each(&answer.packets(), "answer"), [&json!("good"), &Value::Null]);
    assert_failure(&answer, 500, "Exception", "internal error");
    let place = "/data/controlParamsList/0/delay: 11, allowed: 0 to 10";
    assert_eq!(traces.with(&["ERROR", "dialogue", place]).len(), 1, "{:?}", traces.lines());
}
