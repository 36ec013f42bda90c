//! How the events of a bot are written for Digital Employee, byte by byte, over real sockets. What
//! holds for the stream of every platform is in `tests/server/packets.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use callbot::clock::Clock;
use callbot::digital_employee::{
    AnswerMode, Control, ControlForm, Event, GatherDtmf, HangUp, Server, SynthesizerConfig,
    Terminator, Transfer, TransferType, Voice,
};
use callbot::server::SendError;
use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::digital_employee::*;
use crate::support::errors::typed;

const NOON: Duration = Duration::from_millis(1_735_787_045_678);

fn noon() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOON
}

fn keys() -> GatherDtmf {
    GatherDtmf::new(Terminator::Hash, 4, 5)
}

fn skill_group() -> Transfer {
    Transfer::new(TransferType::SkillGroup, "skg-1234")
}

#[tokio::test]
async fn packets_are_framed_as_documented() {
    let server = bot(|reply| {
        Box::pin(async move {
            let barge_in = Voice::new().with_interruptible(true).with_silence_detection_timeout(5);
            reply.send(Event::text("One moment,").with(barge_in)).await?;
            reply.finish(Event::text(" putting you through.").with(skill_group())).await
        })
    });
    let mut peer = Peer::connect(start(server.clock(noon())).await).await;
    for path in SPOKEN {
        let answer = peer.ask(&Post::valid(path)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/event-stream"));
        assert_eq!(
            answer.body,
            concat!(
                r#"data:{"requestId":"r-1","httpStatusCode":200,"code":"OK","data":{"#,
                r#""streamEnd":false,"updatedTime":1735787045678,"sessionId":"s-1","#,
                r#""streamId":"t-1","answer":"One moment,","controlParamsList":["#,
                r#"{"type":"Voice","interruptible":true,"silenceDetectionTimeout":5}]}}"#,
                "\n\n",
                r#"data:{"requestId":"r-1","httpStatusCode":200,"code":"OK","data":{"#,
                r#""streamEnd":true,"updatedTime":1735787045678,"sessionId":"s-1","#,
                r#""streamId":"t-1","answer":"One moment, putting you through.","#,
                r#""controlParamsList":["#,
                r#"{"type":"Transfer","transferType":"SkillGroup","transferee":"skg-1234"}]}}"#,
                "\n\n",
            ),
        );
    }
}

#[tokio::test]
async fn an_answer_holds_the_whole_text_so_far() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send("Your balance ").await?;
            reply.send("").await?;
            reply.send("is 42 €.\r\n\"Good\", isn't it? \u{1F4B6}\u{2028}").await?;
            reply.send(HangUp::new()).await
        })
    })
    .await;
    let whole = "Your balance is 42 €.\r\n\"Good\", isn't it? \u{1F4B6}\u{2028}";
    let packets = answer.good_packets();
    let expected = ["Your balance ", "Your balance ", whole, whole, whole];
    assert_eq!(each(&packets, "answer"), expected);
}

#[tokio::test]
async fn in_delta_mode_an_answer_holds_only_the_new_text() {
    let speak = |answers| {
        turn_with(
            move |server| server.answers(answers),
            |reply| {
                Box::pin(async move {
                    reply.send("Your balance ").await?;
                    reply.send(HangUp::new()).await?;
                    reply.send("is 42 euros.").await
                })
            },
        )
    };
    let packets = speak(AnswerMode::Delta).await.good_packets();
    let expected = [json!("Your balance "), Value::Null, json!("is 42 euros."), Value::Null];
    assert_eq!(each(&packets, "answer"), expected.iter().collect::<Vec<_>>());
    let packets = speak(AnswerMode::Cumulative).await.good_packets();
    assert_eq!(each(&packets, "answer")[3], "Your balance is 42 euros.");
}

#[tokio::test]
async fn a_handler_that_returns_is_closed_with_the_whole_text_and_no_controls() {
    let answer = turn(|reply| {
        Box::pin(async move { reply.send(Event::text("Bye.").with(HangUp::new())).await })
    })
    .await;
    let packets = answer.good_packets();
    assert_eq!(each(&packets, "answer"), ["Bye.", "Bye."]);
    assert_eq!(packets[0]["data"]["controlParamsList"], json!([{"type": "HangUp"}]));
    assert_eq!(packets[1]["data"].get("controlParamsList").unwrap_or(&json!([])), &json!([]));
}

#[tokio::test]
async fn a_handler_that_sends_nothing_leaves_the_closing_packet() {
    let packets = turn(|_| Box::pin(async { Ok(()) })).await.good_packets();
    assert_eq!(each(&packets, "answer"), [""]);
    assert_eq!(each(&packets, "sessionId"), ["s-1"]);
}

#[tokio::test]
async fn no_control_follows_the_packet_of_finish() {
    let (told, mut late) = unbounded_channel();
    let answer = turn(move |reply| {
        let told = told.clone();
        Box::pin(async move {
            reply.send("Good").await?;
            reply.finish(Event::text("bye.").with(HangUp::new().with_delay(10))).await?;
            told.send(typed(reply.send(HangUp::new()).await))?;
            Ok(())
        })
    })
    .await;
    let packets = answer.good_packets();
    assert_eq!(each(&packets, "answer"), ["Good", "Goodbye."]);
    let hang_up = json!([{"type": "HangUp", "delay": 10}]);
    assert_eq!(packets[1]["data"]["controlParamsList"], hang_up);
    assert_eq!(late.recv().await, Some(Err(SendError::Finished)));
}

#[tokio::test]
async fn a_cancelled_send_leaves_neither_text_nor_control() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send("one").await?;
            // The queue still holds the first packet, so a send has to wait.
            let lost = Event::text(" lost").with(HangUp::new());
            assert!(reply.send(lost).now_or_never().is_none());
            reply.send(" two").await
        })
    })
    .await;
    assert_eq!(each(&answer.good_packets(), "answer"), ["one", "one two", "one two"]);
    assert!(!answer.body.contains("HangUp"), "{}", answer.body);
}

#[tokio::test]
async fn each_packet_is_dated_when_it_leaves() {
    struct Ticks(AtomicU64);

    impl Clock for Ticks {
        fn now(&self) -> SystemTime {
            noon() + Duration::from_secs(self.0.fetch_add(1, Ordering::Relaxed))
        }
    }

    let answer = turn_with(
        |server| server.clock(Ticks(AtomicU64::new(0))),
        |reply| {
            Box::pin(async move {
                reply.send("one").await?;
                reply.send("two").await
            })
        },
    )
    .await;
    let times = json!([1_735_787_045_678_u64, 1_735_787_046_678_u64, 1_735_787_047_678_u64]);
    assert_eq!(json!(each(&answer.good_packets(), "updatedTime")), times);
}

#[tokio::test]
async fn controls_are_objects_or_strings_by_the_setting() {
    let config = SynthesizerConfig::new("voice-1").with_volume(50.0).with_speech_rate(-0.5);
    let voice = Voice::new().with_synthesizer_config(config);
    let expected = json!([
        {"type": "Voice",
            "synthesizerConfig": {"voice": "voice-1", "volume": 50.0, "speechRate": -0.5}},
        {"type": "GatherDtmf", "terminator": "#", "maxDigits": 4, "timeout": 5},
        {"type": "HangUp", "delay": 2, "reason": "\"done\""},
    ]);
    for form in [ControlForm::Objects, ControlForm::Texts] {
        let voice = voice.clone();
        let answer = turn_with(
            |server| server.controls(form),
            move |reply| {
                let hang_up = HangUp::new().with_delay(2).with_reason("\"done\"");
                let event = Event::text("Hi").with(voice.clone()).with(keys()).with(hang_up);
                Box::pin(async move { reply.send(event).await })
            },
        )
        .await;
        let packets = answer.good_packets();
        let mut controls = packets[0]["data"]["controlParamsList"].clone();
        if form == ControlForm::Texts {
            for control in controls.as_array_mut().unwrap() {
                *control = serde_json::from_str(control.as_str().expect("a string")).unwrap();
            }
        }
        assert_eq!(controls, expected);
        assert_eq!(each(&packets, "answer"), ["Hi", "Hi"]);
    }
}

#[tokio::test]
async fn voice_and_dtmf_controls_after_the_first_packet_are_an_error_and_the_turn_goes_on() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send("one").await?;
            for (control, name) in
                [(Control::from(Voice::new()), "Voice"), (keys().into(), "GatherDtmf")]
            {
                let too_late = Err(SendError::TooLate(name));
                assert_eq!(typed(reply.send(control.clone()).await), too_late);
                let event = Event::text(" refused").with(HangUp::new()).with(control);
                assert_eq!(typed(reply.send(event.clone()).await), too_late);
                assert_eq!(typed(reply.finish(event).await), too_late);
            }
            reply.send(" two").await
        })
    })
    .await;
    assert_eq!(each(&answer.good_packets(), "answer"), ["one", "one two", "one two"]);
    assert!(!answer.body.contains("controlParamsList\":[{"), "{}", answer.body);
}

#[tokio::test]
async fn transfer_and_hang_up_go_into_any_packet() {
    let answer = turn(|reply| {
        Box::pin(async move {
            reply.send(skill_group()).await?;
            reply.send(HangUp::new()).await?;
            reply.finish(Event::text("Bye").with(skill_group()).with(HangUp::new())).await
        })
    })
    .await;
    let packets = answer.good_packets();
    let kinds = each(&packets, "controlParamsList").into_iter().map(|controls| {
        let kinds = controls.as_array().unwrap().iter().map(|control| control["type"].clone());
        kinds.collect::<Vec<_>>()
    });
    assert_eq!(
        json!(kinds.collect::<Vec<_>>()),
        json!([["Transfer"], ["HangUp"], ["Transfer", "HangUp"]])
    );
}

#[tokio::test]
async fn a_refused_first_event_leaves_the_first_packet_free() {
    let answer = turn(|reply| {
        Box::pin(async move {
            let invalid = Event::text("refused").with(HangUp::new().with_delay(11));
            assert!(matches!(typed(reply.send(invalid).await), Err(SendError::Invalid(_))));
            reply.finish(Event::text("sent").with(Voice::new()).with(keys())).await
        })
    })
    .await;
    let packets = answer.good_packets();
    assert_eq!(each(&packets, "answer"), ["sent"]);
    let controls = packets[0]["data"]["controlParamsList"].as_array().unwrap();
    assert_eq!(
        (&controls[0]["type"], &controls[1]["type"]),
        (&json!("Voice"), &json!("GatherDtmf"))
    );
}

#[tokio::test]
async fn transfers_that_the_platform_does_not_support_go_only_where_they_are_allowed() {
    let outside = || Transfer::new(TransferType::External, "13500000001").with_transferor("400");
    let agent = || Transfer::new(TransferType::Agent, "agent-1");
    for allowed in [None, Some(TransferType::Agent), Some(TransferType::External)] {
        let settings = allowed.clone();
        let answer = turn_with(
            |server| settings.into_iter().fold(server, Server::allow_transfer),
            move |reply| {
                let allowed = allowed.clone();
                Box::pin(async move {
                    for transfer in [agent(), outside()] {
                        let kind = transfer.transfer_type.clone();
                        let sent = reply.send(Event::text(kind.as_str()).with(transfer)).await;
                        match typed(sent) {
                            Ok(()) => assert_eq!(Some(kind), allowed),
                            Err(SendError::NotAllowed(what)) => {
                                assert_ne!(Some(&kind), allowed.as_ref());
                                assert!(what.contains(kind.as_str()), "{what}");
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                    reply.send(skill_group()).await
                })
            },
        )
        .await;
        answer.good_packets();
    }
}

#[tokio::test]
async fn an_external_transfer_needs_a_transferor() {
    let answer = turn_with(
        |server| server.allow_transfer(TransferType::External),
        |reply| {
            Box::pin(async move {
                let outside = Transfer::new(TransferType::External, "13500000001");
                let error = typed(reply.send(outside.clone()).await).unwrap_err();
                assert!(matches!(error, SendError::Invalid(_)), "{error}");
                let error = error.to_string();
                assert!(error.contains("/controlParamsList/0/transferor: missing"), "{error}");
                reply.send(outside.with_transferor("400")).await
            })
        },
    )
    .await;
    let packets = answer.good_packets();
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[0]["data"]["controlParamsList"][0]["transferor"], "400");
}

#[tokio::test]
async fn values_out_of_range_are_an_error_that_says_where_and_what_is_allowed() {
    fn keys(digits: i32, timeout: i32) -> Control {
        GatherDtmf::new(Terminator::Hash, digits, timeout).into()
    }
    fn silence(seconds: i32) -> Control {
        Voice::new().with_silence_detection_timeout(seconds).into()
    }
    fn sound(config: SynthesizerConfig) -> Control {
        Voice::new().with_synthesizer_config(config).into()
    }
    let voice = || SynthesizerConfig::new("voice-1");
    let invalid: Vec<(Control, &str)> = vec![
        (HangUp::new().with_delay(11).into(), "delay: 11, allowed: 0 to 10"),
        (HangUp::new().with_delay(-1).into(), "delay: -1, allowed: 0 to 10"),
        (keys(0, 5), "maxDigits: 0, allowed: 1 to 100"),
        (keys(101, 5), "maxDigits: 101, allowed: 1 to 100"),
        (keys(4, 0), "timeout: 0, allowed: 1 to 10"),
        (keys(4, 11), "timeout: 11, allowed: 1 to 10"),
        (silence(0), "silenceDetectionTimeout: 0, allowed: 1 to 10"),
        (silence(11), "silenceDetectionTimeout: 11, allowed: 1 to 10"),
        (
            sound(voice().with_volume(f64::NAN)),
            "synthesizerConfig/volume: NaN, allowed: a finite number",
        ),
        (
            sound(voice().with_pitch_rate(f64::INFINITY)),
            "synthesizerConfig/pitchRate: inf, allowed: a finite number",
        ),
    ];
    let answer = turn(move |reply| {
        let invalid = invalid.clone();
        Box::pin(async move {
            for (control, expected) in invalid {
                let event = Event::text("refused").with(HangUp::new()).with(control.clone());
                for sent in [reply.send(event.clone()).await, reply.finish(event).await] {
                    let error = typed(sent).unwrap_err();
                    assert!(matches!(error, SendError::Invalid(_)), "{error}");
                    assert_eq!(error.to_string(), format!("/data/controlParamsList/1/{expected}"));
                }
            }
            // The ends of the ranges are allowed.
            let mut event = Event::text("sent").with(HangUp::new().with_delay(10));
            for control in [keys(1, 1), keys(100, 10), silence(1), silence(10)] {
                event = event.with(control);
            }
            reply.send(event.with(HangUp::new().with_delay(0))).await
        })
    })
    .await;
    assert_eq!(each(&answer.good_packets(), "answer"), ["sent", "sent"]);
}

#[tokio::test]
async fn an_error_lists_everything_that_is_wrong_with_an_event() {
    let answer = turn(|reply| {
        Box::pin(async move {
            let keys = GatherDtmf::new(Terminator::Hash, 0, 99);
            let event = Event::control(HangUp::new().with_delay(11)).with(keys);
            let error = reply.send(event).await.unwrap_err().to_string();
            for part in ["/0/delay: 11", "/1/maxDigits: 0", "/1/timeout: 99"] {
                assert!(error.contains(part), "{error}");
            }
            Ok(())
        })
    })
    .await;
    assert_eq!(answer.good_packets().len(), 1);
}

#[tokio::test]
async fn abort_and_end_are_answered_with_one_plain_json_body() {
    let mut peer = Peer::connect(start(bot(|_| unreachable!())).await).await;
    for path in ANSWERED {
        let answer = peer.ask(&Post::valid(path)).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        assert_eq!(answer.body, r#"{"requestId":"r-1","httpStatusCode":200,"code":"OK"}"#);
    }
}

#[tokio::test]
async fn content_is_traced_only_when_set_and_at_level_trace() {
    let said = [("/utterance", Some(json!("SECRET-UTTERANCE")))];
    let number = [("/vendorParams/callingNumber", Some(json!("SECRET-NUMBER")))];
    let played = [("/answer", Some(json!("SECRET-PLAYED")))];
    // Refused for its type, at this place.
    let refused = [
        ("/utterance", Some(json!("SECRET-REFUSED"))),
        ("/extras", Some(json!([{"dtmf": {"SECRET-KEYS": 1}}]))),
    ];
    let posts = [
        Post::json(DIALOGUE, &changed(DIALOGUE, said)),
        Post::json(BEGIN, &changed(BEGIN, number)),
        Post::json(ABORT, &changed(ABORT, played)),
        Post::json(DIALOGUE, &changed(DIALOGUE, refused)),
    ];
    for on in [None, Some(false), Some(true)] {
        let (traces, _guard) = traced();
        let mut server = bot(|reply| Box::pin(async move { reply.send("SECRET-SPOKEN").await }));
        if let Some(on) = on {
            server = server.trace_content(on);
        }
        let mut peer = Peer::connect(start(server).await).await;
        for post in &posts {
            peer.ask(post).await;
        }
        assert!(!traces.with(&["WARN", "refused", "/extras/0/dtmf"]).is_empty());
        if on == Some(true) {
            for content in ["UTTERANCE", "NUMBER", "PLAYED", "SPOKEN", "REFUSED", "KEYS"] {
                let content = format!("SECRET-{content}");
                assert!(!traces.with(&[&content]).is_empty(), "{content} is not traced");
            }
            let mut elsewhere = traces.with(&["SECRET"]);
            elsewhere.retain(|line| !line.contains("TRACE"));
            assert_eq!(elsewhere, Vec::<String>::new());
        } else {
            assert_eq!(traces.with(&["SECRET"]), Vec::<String>::new());
        }
    }
}
