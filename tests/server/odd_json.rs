//! Every platform's server reads JSON as peers really write it, at every position of a request, and shows
//! nothing of a peer in its log as it is.

use serde_json::Value;

use crate::subject::*;
use crate::support::odd_json::{Pair, forms_of_integers, halves_of_emoji};

crate::subject::for_every_platform! {
    half_an_emoji_is_read_as_the_replacement_character_everywhere,
    an_integer_is_read_in_any_form_everywhere,
    a_byte_order_mark_is_passed_over,
    an_encoded_body_is_refused_and_its_encoding_named,
    a_peer_cannot_write_lines_into_the_log,
    a_long_key_is_cut_in_the_log_and_in_the_answer,
}

/// Checks that the server treats both requests alike. Returns whether they reached the handler.
async fn are_alike<S: Subject>(bench: &mut Bench<S>, operation: &Operation, pair: &Pair) -> bool {
    let expected = bench.peer.ask(&operation.with(pair.plain.as_str())).await;
    let heard = bench.heard();
    let answer = bench.peer.ask(&operation.with(pair.odd.as_str())).await;
    assert_eq!(answer.status, expected.status, "{pair:?}: {answer:?}, expected {expected:?}");
    assert_eq!(bench.heard(), heard, "{pair:?}");
    heard.is_some()
}

async fn half_an_emoji_is_read_as_the_replacement_character_everywhere<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.operations() {
        let mut served = 0;
        for pair in halves_of_emoji(&operation.body) {
            served += usize::from(are_alike(&mut bench, &operation, &pair).await);
        }
        assert!(served > 0 || !operation.handled, "{operation:?}");
        // What is wrong beside it is still named, and the id behind it still echoed.
        let missing = operation.required.iter().find(|pointer| {
            **pointer != operation.text && operation.echo_without(pointer).is_some()
        });
        if let Some(missing) = missing {
            let half = Some(Value::from(format!("{SECRET}\u{E000}")));
            let body = changed(&operation.body, [(operation.text, half), (missing, None)]);
            let body = body.to_string().replace('\u{E000}', "\\ud83d");
            let failure = bench.refuses(&operation, &operation.with(body), 400).await;
            assert_eq!(failure.message, format!("{missing}: must be there"));
            assert_eq!(failure.id.as_deref(), operation.echo_without(missing));
        }
    }
}

async fn an_integer_is_read_in_any_form_everywhere<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.operations() {
        for pair in forms_of_integers(&operation.body) {
            let served = are_alike(&mut bench, &operation, &pair).await;
            assert_eq!(served, operation.handled, "{pair:?}");
        }
    }
}

async fn a_byte_order_mark_is_passed_over<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.operations() {
        let heard = bench.accepts(&operation, &operation.post()).await;
        let marked = operation.with(format!("\u{FEFF}{}", operation.body));
        assert_eq!(bench.accepts(&operation, &marked).await, heard);
        // The id is still found in a body that is refused.
        let broken = format!("\u{FEFF}{}", operation.body).replace("\"}", "\"]");
        let failure = bench.refuses(&operation, &operation.with(broken), 400).await;
        assert_eq!(failure.id.as_deref(), operation.echo_without(""));
    }
}

async fn an_encoded_body_is_refused_and_its_encoding_named<S: Subject>() {
    let mut bench = Bench::<S>::new().await;
    for operation in bench.at_each_path() {
        for encoding in ["gzip", "br", "x-gzip", "gzip, deflate", "identity, zstd"] {
            let zipped = operation.with(b"\x1f\x8b\x08 and more".as_slice());
            let post = zipped.header("Content-Encoding", encoding);
            let failure = bench.refuses(&operation, &post, 415).await;
            let named = encoding.trim_start_matches("identity, ");
            let expected =
                format!("the body is encoded with {named}; send it without a Content-Encoding");
            assert_eq!((failure.message, failure.id), (expected, None));
        }
        for plain in ["identity", "Identity", ""] {
            let post = operation.post().header("Content-Encoding", plain);
            bench.accepts(&operation, &post).await;
        }
    }
}

/// A line feed and an escape sequence, which a log must not contain as they are.
const FORGED: &str = "x\n2026-01-01T00:00:00Z  INFO forged: accepted\u{1b}[2J\r\u{85}\u{2028}";

/// Checks that no line of the log was written by a peer, and that it is not longer than a line may be.
fn assert_clean(lines: &str, about: &str) {
    for line in lines.lines() {
        assert!(!line.starts_with("2026-01-01"), "{about}: {line}");
        assert!(!line.contains(['\u{1b}', '\r', '\u{85}', '\u{2028}']), "{about}: {line:?}");
        assert!(line.len() < 2000, "{about}: {}", &line[..200]);
    }
}

async fn a_peer_cannot_write_lines_into_the_log<S: Subject>() {
    let (traces, _guard) = traced();
    let mut bench = Bench::<S>::new().await;
    for operation in bench.operations() {
        let places = crate::support::types::places(&operation.body);
        for place in places.iter().filter(|place| !place.is_empty()) {
            // As a value, and as the key of a value that breaks off.
            let (parent, _) = place.rsplit_once('/').unwrap();
            if operation.body.pointer(parent).is_some_and(Value::is_array) {
                continue;
            }
            let key = FORGED.replace('/', "~1");
            let value = changed(&operation.body, [(place, Some(FORGED.into()))]).to_string();
            let keyed = with_json(&operation.body, &format!("{parent}/{key}"), "tru");
            for body in [value, keyed] {
                bench.peer.ask(&operation.with(body)).await;
                bench.heard();
            }
        }
    }
    assert_clean(&traces.text(), "the log");
}

async fn a_long_key_is_cut_in_the_log_and_in_the_answer<S: Subject>() {
    let (traces, _guard) = traced();
    let mut bench = Bench::<S>::new().await;
    for operation in bench.operations() {
        let body = with_json(&operation.body, &format!("/{}", "k".repeat(500_000)), "tru");
        let failure = bench.refuses(&operation, &operation.with(body), 400).await;
        let expected = format!("/{}…: not JSON: ", "k".repeat(256));
        assert!(failure.message.starts_with(&expected), "{failure:?}");
        assert!(failure.message.len() < 400, "{failure:?}");
    }
    assert_clean(&traces.text(), "the log");
}

/// What deployed peers send.
#[cfg(all(feature = "bot", feature = "digital-employee", feature = "odfs"))]
mod deployed {
    use callbot::bot::{Bot, Call, Host, Input, Reply, Result};

    use super::*;

    struct Parrot;

    impl Bot for Parrot {
        type Memory = ();

        async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
            let Input::Speech(text) = input else { return reply.say("Pardon?").await };
            if text == "wait" {
                reply.say("Your balance is").await?;
                return std::future::pending().await;
            }
            reply.say(text).await
        }
    }

    async fn start() -> (std::net::SocketAddr, Peer) {
        let host = Host::new(Parrot);
        let router = host.digital_employee().unwrap().router().merge(host.odfs().unwrap().router());
        let address = start_router(router).await;
        (address, Peer::connect(address).await)
    }

    const IDS: &str = r#""requestId":"r","tenantId":1,"instanceId":"n","scriptId":"s","sessionId":"c","streamId":"t""#;

    #[tokio::test]
    async fn an_utterance_with_half_an_emoji_is_answered() {
        let (_, mut peer) = start().await;
        let body = format!(r#"{{{IDS},"utterance":"ok \ud83d"}}"#);
        let answer = peer.ask(&Post::new("/proxy/dialogue", body)).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.contains("\"answer\":\"ok \u{FFFD}\""), "{answer:?}");
        assert!(!answer.body.contains("\"httpStatusCode\":400"), "{answer:?}");
    }

    #[tokio::test]
    async fn an_abort_with_half_an_emoji_ends_the_reply() {
        let (address, mut peer) = start().await;
        let body = format!(r#"{{{IDS},"utterance":"wait"}}"#);
        peer.send(&Post::new("/proxy/dialogue", body)).await;
        assert_eq!(peer.head().await.status, 200);
        let (first, _) = peer.block().await.unwrap();
        assert!(first.contains("Your balance is"), "{first}");
        let body = format!(r#"{{{IDS},"answer":"Your balance \ud83d","type":"Interrupted"}}"#);
        let post = Post::new("/proxy/abortDialogue", body);
        let answer = Peer::connect(address).await.ask(&post).await;
        assert_eq!((answer.status, &answer.json()["code"]), (200, &"OK".into()), "{answer:?}");
        // The reply waits for ever unless it is aborted.
        while peer.block().await.is_some() {}
    }

    #[tokio::test]
    async fn an_end_behind_a_byte_order_mark_ends_the_call() {
        let (_, mut peer) = start().await;
        let body = format!("\u{FEFF}{{{IDS}}}");
        let answer = peer.ask(&Post::new("/proxy/endSession", body)).await;
        assert_eq!((answer.status, &answer.json()["code"]), (200, &"OK".into()), "{answer:?}");
    }

    #[tokio::test]
    async fn a_kind_with_a_decimal_point_is_answered() {
        let (_, mut peer) = start().await;
        for kind in ["9.0", "9e0", "\"9\"", "\"9.0\""] {
            let body = format!(
                r#"{{"userid":"u","inaction":{kind},"inparams":{{"call_id":"u","call_dst_id":"2","flow_result_type":"1","input":"hi"}}}}"#
            );
            let answer = peer.ask(&Post::new("/oifde/rest/crs/process", body)).await;
            let json = answer.json();
            assert_eq!((&json["ret"], &json["outaction"]), (&0.into(), &9.into()), "{json}");
        }
    }

    #[tokio::test]
    async fn the_id_of_a_call_is_escaped_in_the_log() {
        let (traces, _guard) = traced();
        let (_, mut peer) = start().await;
        let extra = "x".repeat(20_000);
        let ids =
            IDS.replace(r#""sessionId":"c""#, &format!(r#""sessionId":{}"#, Value::from(FORGED)));
        let params = format!(r#"{{"callingNumber":"1","calledNumber":"2","more":"{extra}"}}"#);
        let body = format!(r#"{{{ids},"vendorParams":{params}}}"#);
        let answer = peer.ask(&Post::new("/proxy/beginSession", body)).await;
        assert!(answer.body.contains("\"streamEnd\":true"), "{answer:?}");
        let lines = traces.with(&["the extras of a call are too long"]);
        assert!(!lines.is_empty(), "{}", traces.text());
        assert!(
            lines[0].contains(r"digital-employee/x%0A2026-01-01T00:00:00Z  INFO forged"),
            "{lines:?}"
        );
        assert_clean(&traces.text(), "the log");
    }
}
