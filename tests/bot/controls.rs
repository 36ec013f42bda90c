//! Controls whose values a platform refuses: the errors name the fields of the bot's own types.

use callbot::bot::testing::TestCall;
use callbot::bot::{Gather, HangUp, Host, Platform, SpeechSettings, Transfer, TransferKind};
use futures_util::FutureExt;

use crate::support::bots::*;
use crate::support::traces::traced;
use Platform::{DigitalEmployee, Odfs};

#[derive(Clone)]
enum Control {
    Speech(SpeechSettings),
    Gather(Gather),
    Transfer(Transfer),
    HangUp(HangUp),
}

/// Returns the error that a bot gets for this control; `ok` if it gets none.
async fn error(platform: Platform, control: Control) -> String {
    let bot = bot(move |call, _, reply| {
        let control = control.clone();
        async move {
            let result = match control {
                Control::Speech(settings) => reply.speech_settings(settings).await,
                Control::Gather(gather) => reply.gather(gather).await,
                Control::Transfer(transfer) => reply.transfer(transfer).await,
                Control::HangUp(how) => reply.hang_up(how).await,
            };
            call.memory.push(result.map_or_else(|error| error.to_string(), |()| "ok".into()));
            Ok(())
        }
        .boxed()
    });
    let host = Host::builder(bot)
        .allow_transfer(TransferKind::Agent)
        .allow_transfer(TransferKind::Number)
        .build();
    let mut call = TestCall::on(platform, host);
    call.say("go").await.expect_end();
    call.memory().await.remove(0)
}

#[tokio::test(start_paused = true)]
async fn a_transfer_without_a_target_is_refused_in_the_bots_terms() {
    for (kind, target) in [
        (TransferKind::Queue, "the id or name of a queue"),
        (TransferKind::QueueCode, "the access code of a queue"),
        (TransferKind::Agent, "the id of an agent"),
        (TransferKind::Number, "a phone number"),
        (TransferKind::Flow, "the access code of a flow"),
    ] {
        let digital_employee = [TransferKind::Queue, TransferKind::Agent, TransferKind::Number];
        for platform in [DigitalEmployee, Odfs] {
            if platform == DigitalEmployee && !digital_employee.contains(&kind) {
                continue;
            }
            for (to, shown) in [("", r#""""#), (" ", r#"" ""#)] {
                let refused = error(platform, Control::Transfer(Transfer::new(kind, to))).await;
                assert_eq!(refused, format!("/to: {shown}, allowed: {target}"), "{platform}");
            }
            let transfer = Transfer::new(kind, "7").with_shown_number("4000");
            assert_eq!(error(platform, Control::Transfer(transfer)).await, "ok", "{platform}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn refused_values_are_named_by_the_fields_of_the_bots_types() {
    for (control, field) in [
        (
            Control::Speech(SpeechSettings::new().with_silence_timeout(11_000 * MS)),
            "/silence_timeout: 11s, allowed: 1 to 10 whole seconds",
        ),
        (Control::Gather(Gather::up_to(0)), "/digits: 0, allowed: 1 to 100"),
        (
            Control::Transfer(Transfer::to_number("13500000001")),
            "/shown_number: missing, required for a transfer to a number",
        ),
        (
            Control::Transfer(Transfer::to_queue("vip").with_data("d")),
            "/data: [hidden], allowed: none",
        ),
        (Control::HangUp(HangUp::new().with_delay(11_000 * MS)), "/delay: 11s, allowed: 0 to 10"),
    ] {
        let refused = error(DigitalEmployee, control).await;
        assert!(refused.starts_with(field), "{refused:?} does not start with {field:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_notice_of_a_displaced_gather_says_why() {
    let (traces, _guard) = traced();
    let bot = bot(|_, _, reply| {
        async move {
            reply.gather(Gather::up_to(4)).await?;
            reply.say("Goodbye.").await?;
            reply.hang_up(HangUp::new()).await
        }
        .boxed()
    });
    TestCall::on(Odfs, bot).say("go").await.expect_text("Goodbye.").expect_hang_up();
    let why = "dropped the request to gather DTMF digits: the same reply transfers the caller or hangs up, \
               and odfs does not listen before that";
    assert_eq!(traces.with(&[" WARN ", why]).len(), 1, "{}", traces.text());
}
