//! What a bot needs of a platform, which is checked before it serves a call.

use callbot::bot::{Host, Need, Needs, Platform, TransferKind};
use serde_json::json;

use super::everywhere::{Clerk, KINDS};
use crate::support::bots::*;

use Platform::{DigitalEmployee, Duix, Odfs};

fn needing(needs: Needs) -> Host<Clerk> {
    Host::new(Clerk::needing(needs))
}

#[test]
fn every_unsupported_need_is_named() {
    let all = KINDS.into_iter().fold(Needs::NONE, Needs::transfer);
    let host = needing(all.greeting().stream().barge_in().gather().hang_up().heard());
    let transfers = KINDS.map(Need::Transfer);

    let unmet = host.digital_employee().unwrap_err();
    let of_all = |kinds: &[TransferKind]| kinds.iter().map(|kind| Need::Transfer(*kind)).collect();
    let expected: Vec<_> = of_all(&KINDS[1..]);
    assert_eq!((unmet.platform, unmet.missing), (DigitalEmployee, expected));

    let unmet = host.duix().unwrap_err();
    let mut expected =
        vec![Need::Greeting, Need::Stream, Need::BargeIn, Need::Gather, Need::HangUp];
    expected.push(Need::Heard);
    expected.extend(transfers);
    assert_eq!((unmet.platform, &unmet.missing), (Duix, &expected));
    assert_eq!(
        unmet.to_string(),
        "the bot requires features that duix does not support: a greeting, streamed replies, \
         switching barge-in on and off, gathering DTMF digits, hanging up, reports of what callers \
         heard, a transfer to a queue, a transfer to a queue by its access code, a transfer to an \
         agent, a transfer to a number, a transfer to a flow"
    );

    let unmet = host.odfs().unwrap_err();
    assert_eq!((unmet.platform, unmet.missing), (Odfs, vec![Need::Stream, Need::Heard]));
    // A router for all platforms fails if one platform fails.
    assert_eq!(host.router().unwrap_err(), host.digital_employee().unwrap_err());
}

#[test]
fn an_allowed_transfer_is_a_supported_need() {
    let clerk = || Clerk::needing(Needs::NONE.transfer(TransferKind::Agent));
    assert!(Host::new(clerk()).digital_employee().is_err());
    let host = Host::builder(clerk()).allow_transfer(TransferKind::Agent).build();
    assert!(host.digital_employee().is_ok());
    // `allow_transfer` applies only to Digital Employee.
    assert!(host.duix().is_err());
}

#[tokio::test(start_paused = true)]
async fn duix_serves_only_the_dialogues_that_meet_the_needs() {
    let question = json!({
        "sid": "1", "dh-code": "2", "dh-question": "Hm", "dh-conversation-id": "c",
        "dh-context": "{}",
    });
    let router = needing(Needs::NONE.stream()).duix().unwrap().router();
    let (_, whole) = post(&router, "/duix/dialogue", question.to_string()).await;
    assert!(whole.contains("the operation is not supported"), "{whole}");
    let (status, stream) = post(&router, "/duix/dialogue/stream", question.to_string()).await;
    assert!(status == 200 && stream.contains("You said: Hm"), "{stream}");
    let router = needing(Needs::NONE).duix().unwrap().router();
    for path in ["/duix/dialogue", "/duix/dialogue/stream"] {
        let (_, answer) = post(&router, path, question.to_string()).await;
        assert!(answer.contains("You said: Hm"), "{answer}");
    }
}
