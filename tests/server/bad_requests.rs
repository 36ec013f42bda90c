//! Every platform's server refuses a request that it can't read: the answer is in the form of the
//! platform's document, it says what is wrong and where, it shows no value, and no handler is called.

use serde_json::{Value, json};

use crate::subject::*;
use crate::support::traces::traced;

crate::subject::for_every_platform! {
    a_request_is_served_and_reaches_its_handler_as_it_was_sent,
    a_missing_or_null_field_is_named,
    a_value_of_the_wrong_type_is_named_and_not_shown,
    a_field_that_the_bot_can_do_without_costs_no_call,
    an_id_over_256_bytes_is_refused_on_every_path,
    a_body_that_is_not_a_json_object_is_refused,
    a_body_that_breaks_off_is_refused_with_the_id_that_came_before,
    a_body_that_is_not_utf8_is_refused,
    a_body_that_is_nested_too_deeply_is_refused,
    a_field_that_is_nested_too_deeply_is_refused_by_name,
    an_unknown_field_is_passed_over_or_has_a_limit_of_depth,
    json_content_types_are_accepted,
    other_content_types_are_refused,
    a_page_of_another_site_is_refused_without_a_content_type,
    a_body_at_the_limit_is_accepted_and_one_above_it_is_refused,
    a_body_far_above_the_limit_is_still_answered,
    a_client_that_expects_100_is_told_whether_its_body_will_be_read,
    a_body_that_is_cut_off_never_reaches_the_handler,
    broken_chunks_never_reach_the_handler,
    a_body_in_chunks_is_read,
    a_body_in_tiny_chunks_is_refused,
    another_method_is_refused_without_a_body,
    an_unknown_path_is_refused_without_a_body,
    a_query_is_ignored,
}

/// A server whose handlers would say the fallback if they failed: a refusal must not say it.
async fn bench<S: Subject>() -> Bench<S> {
    with_limit(None).await
}

async fn with_limit<S: Subject>(body_limit: Option<usize>) -> Bench<S> {
    Bench::with(Settings { body_limit, fallback: true, ..Settings::default() }).await
}

/// One operation at each path, for tests that need a new server for each.
async fn paths<S: Subject>() -> Vec<Operation> {
    bench::<S>().await.at_each_path()
}

/// The body with the secret in a field that may hold any text.
fn secret(operation: &Operation) -> String {
    changed(&operation.body, [(operation.text, Some(SECRET.into()))]).to_string()
}

async fn a_request_is_served_and_reaches_its_handler_as_it_was_sent<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        let heard = bench.accepts(&operation, &operation.post()).await;
        if operation.handled {
            assert_eq!(heard, operation.body);
        }
        // Space around the keys is ignored, and so is the way in which a text is written.
        let pretty = serde_json::to_string_pretty(&operation.body).unwrap();
        let pretty = pretty.replace('\n', "\r\n\t").replacen('_', "\\u005f", 1);
        assert_eq!(bench.accepts(&operation, &operation.with(pretty)).await, heard);
    }
}

async fn a_missing_or_null_field_is_named<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        for pointer in &operation.required {
            for value in [None, Some(Value::Null)] {
                let post = operation.changed(pointer, value);
                let failure = bench.refuses(&operation, &post, 400).await;
                assert_eq!(failure.message, format!("{pointer}: must be there"));
                assert_eq!(failure.id.as_deref(), operation.echo_without(pointer));
            }
        }
    }
}

async fn a_value_of_the_wrong_type_is_named_and_not_shown<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        for pointer in &operation.required {
            for value in [json!({ SECRET: SECRET }), json!([SECRET]), json!(true), json!([])] {
                // An object in place of an object has the right type.
                let object = operation.body.pointer(pointer).is_some_and(Value::is_object);
                if object && value.is_object() {
                    continue;
                }
                let post = operation.changed(pointer, Some(value));
                let failure = bench.refuses(&operation, &post, 400).await;
                let place = format!("{pointer}: ");
                assert!(failure.message.starts_with(&place), "{pointer}: {failure:?}");
                assert_eq!(failure.id.as_deref(), operation.echo_without(pointer), "{failure:?}");
            }
        }
    }
}

async fn a_field_that_the_bot_can_do_without_costs_no_call<S: Subject>() {
    let mut bench = bench::<S>().await;
    let (traces, _guard) = traced();
    for operation in bench.handled() {
        for field in &operation.dispensable {
            let key = field.pointer.rsplit('/').next().unwrap();
            let without = changed(&operation.body, [(&field.pointer, field.without.clone())]);
            for sent in field.instead() {
                let before = traces.lines().len();
                let post = operation.changed(&field.pointer, sent.clone());
                assert_eq!(bench.accepts(&operation, &post).await, without, "{post:?}");
                let lines = traces.lines().split_off(before);
                let told = lines.iter().filter(|line| line.contains(&format!("`{key}` is ")));
                let silent = field.optional && sent.is_none();
                assert!((told.count() > 0) != silent, "{post:?}: {lines:?}");
                assert!(!lines.concat().contains(SECRET), "{lines:?}");
            }
        }
    }
}

async fn an_id_over_256_bytes_is_refused_on_every_path<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.handled() {
        for pointer in S::IDS {
            if operation.body.pointer(pointer).is_none() {
                continue;
            }
            for (length, fits) in [(256, true), (257, false), (100_000, false)] {
                // Bytes count, not characters.
                let id = "é".repeat(length / 2) + &"x".repeat(length % 2);
                let post = operation.changed(pointer, Some(id.clone().into()));
                let answer = bench.peer.ask(&post).await;
                if fits {
                    assert!(bench.heard().is_some(), "not accepted: {answer:?}");
                    continue;
                }
                let failure = bench.assert_refused(&operation, &answer, 400, pointer);
                assert_eq!(failure.message, format!("{pointer}: longer than 256 bytes"));
                assert!(!answer.body.contains(&id), "it is not repeated");
            }
        }
    }
}

async fn a_body_that_is_not_a_json_object_is_refused<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        let whole = secret(&operation);
        let not_json = "not JSON: ";
        for (body, says) in [
            (String::new(), not_json),
            (" \n".into(), not_json),
            ("not json".into(), not_json),
            ("{".into(), not_json),
            (format!("{{\"note\": \"{SECRET}"), "/note: not JSON: "),
            (whole.replace(':', "="), not_json),
            (whole.replace('"', "'"), not_json),
            (format!("\u{FEFF}\u{FEFF}{whole}"), not_json),
            (format!("{whole}{whole}"), not_json),
            ("sid=100003&question=who".into(), not_json),
            (format!("data: {whole}\n\n"), not_json),
            ("[]".into(), "invalid type: sequence"),
            (format!("[{whole}]"), "invalid type: sequence"),
            ("null".into(), "invalid type: null"),
            ("4711".into(), "invalid type: integer"),
            (format!("\"{SECRET}\""), "invalid type: string"),
            (Value::from(whole.as_str()).to_string(), "invalid type: string"),
        ] {
            let failure = bench.refuses(&operation, &operation.with(body.clone()), 400).await;
            assert!(failure.message.starts_with(says), "{body}: {failure:?}");
        }
        // A body that is not there has no type either.
        for content_type in [None, Some("text/plain")] {
            let post = operation.with("").content_type(content_type);
            bench.refuses(&operation, &post, 400).await;
        }
    }
}

async fn a_body_that_breaks_off_is_refused_with_the_id_that_came_before<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        let whole = secret(&operation);
        // Where the id begins, and the comma behind it.
        let id = operation.echo.as_ref().map(|(pointer, id)| {
            let field = format!("\"{}\":\"{id}\",", &pointer[1..]);
            let start = whole.find(&field).unwrap();
            (start, start + field.len())
        });
        for end in (1..whole.len()).step_by(7) {
            let failure = bench.refuses(&operation, &operation.with(&whole[..end]), 400).await;
            assert!(failure.message.contains("not JSON: "), "{end} of {whole}: {failure:?}");
            if let Some((start, behind)) = id {
                assert!(failure.id.is_some() || end < behind, "{end} of {whole}: {failure:?}");
                assert!(failure.id.is_none() || end > start, "{end} of {whole}: {failure:?}");
            }
        }
    }
}

async fn a_body_that_is_not_utf8_is_refused<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        let whole = secret(&operation).into_bytes();
        for at in [10, whole.len() - 4] {
            let mut bytes = whole.clone();
            bytes[at] = 0xFF;
            bench.refuses(&operation, &operation.with(bytes), 400).await;
        }
    }
}

async fn a_body_that_is_nested_too_deeply_is_refused<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        for body in [arrays(200_000), "[".repeat(200_000), "{\"a\":".repeat(200_000)] {
            let failure = bench.refuses(&operation, &operation.with(body), 400).await;
            assert!(failure.message.len() < 200, "{failure:?}");
        }
    }
}

async fn a_field_that_is_nested_too_deeply_is_refused_by_name<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        for pointer in &operation.required {
            let body = with_json(&operation.body, pointer, &arrays(10_000));
            let failure = bench.refuses(&operation, &operation.with(body), 400).await;
            assert!(failure.message.starts_with(pointer.as_str()), "{failure:?}");
            assert!(failure.message.len() < 200, "{failure:?}");
        }
    }
}

async fn an_unknown_field_is_passed_over_or_has_a_limit_of_depth<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.operations() {
        for (depth, deep) in [(100, false), (10_000, true)] {
            let post = operation.with(with_json(&operation.body, "/unknown", &arrays(depth)));
            if S::KEEPS_UNKNOWN_FIELDS && operation.handled && deep {
                let failure = bench.refuses(&operation, &post, 400).await;
                assert!(failure.message.len() < 200, "{failure:?}");
            } else {
                bench.accepts(&operation, &post).await;
            }
        }
    }
}

async fn json_content_types_are_accepted<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        for content_type in [
            None,
            Some("application/json"),
            Some("application/json; charset=utf-8"),
            Some("application/json;charset=UTF-8"),
            Some("Application/JSON;charset=\"UTF-8\""),
            Some("application/json ;charset=utf-8"),
            Some("application/vnd.a-vendor.call+json"),
            Some("application/problem+json; charset=utf-8"),
            Some("text/json"),
            Some("Text/JSON; charset=utf-8"),
        ] {
            bench.accepts(&operation, &operation.post().content_type(content_type)).await;
        }
    }
}

async fn a_page_of_another_site_is_refused_without_a_content_type<S: Subject>() {
    for operation in paths::<S>().await {
        let mut bench = bench::<S>().await;
        bench.accepts(&operation, &operation.post().content_type(None)).await;
        let page = operation.post().content_type(None).header("Origin", "https://evil.example");
        bench.refuses(&operation, &page, 415).await;
    }
}

async fn other_content_types_are_refused<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        for content_type in [
            "text/plain",
            "text/plain; type=application/json",
            "text/event-stream",
            "application/x-www-form-urlencoded",
            "application/jsonp",
            "application/jsonx",
            "application/json-seq",
            "multipart/form-data; boundary=json",
            "json",
            "",
            "\u{FC}/json",
        ] {
            let post = operation.post().content_type(Some(content_type));
            let failure = bench.refuses(&operation, &post, 415).await;
            assert!(failure.message.contains("application/json"), "{content_type}: {failure:?}");
            assert_eq!(failure.id.as_deref(), operation.echo_without(""));
        }
    }
}

async fn a_body_at_the_limit_is_accepted_and_one_above_it_is_refused<S: Subject>() {
    const MIB: usize = 1024 * 1024;
    for set in [None, Some(1000), Some(3 * MIB)] {
        let limit = set.unwrap_or(MIB);
        for operation in paths::<S>().await {
            // The server closes the connection behind a body that it did not read.
            let mut bench = with_limit::<S>(set).await;
            bench.accepts(&operation, &operation.sized(limit)).await;
            let failure = bench.refuses(&operation, &operation.sized(limit + 1), 413).await;
            assert!(failure.message.contains(&limit.to_string()), "{failure:?}");
            assert_eq!(failure.id, None, "nothing of the body is kept");
        }
    }
}

async fn a_body_far_above_the_limit_is_still_answered<S: Subject>() {
    for operation in paths::<S>().await {
        let mut bench = bench::<S>().await;
        bench.refuses(&operation, &operation.sized(8 * 1024 * 1024), 413).await;
    }
}

/// The head of a request with one more header.
fn head(operation: &Operation, header: &str) -> String {
    let path = &operation.path;
    format!(
        "POST {path} HTTP/1.1\r\nHost: bot\r\nContent-Type: application/json\r\n{header}\r\n\r\n"
    )
}

async fn a_client_that_expects_100_is_told_whether_its_body_will_be_read<S: Subject>() {
    for operation in paths::<S>().await {
        let length = operation.body.to_string().len();
        for (length, is_read) in [(length, true), (8 * 1024 * 1024, false)] {
            let mut bench = bench::<S>().await;
            let expects = format!("Expect: 100-continue\r\nContent-Length: {length}");
            bench.peer.write(head(&operation, &expects).as_bytes()).await;
            let line = bench.peer.first_line().await;
            assert_eq!(line.contains(" 100 "), is_read, "{operation:?}: {line}");
        }
    }
}

const CHUNKED: &str = "Transfer-Encoding: chunked";

async fn a_body_that_is_cut_off_never_reaches_the_handler<S: Subject>() {
    for operation in paths::<S>().await {
        let body = operation.body.to_string();
        let length = body.len();
        let chunk = format!("{length:x}\r\n{body}\r\n");
        let chunked = head(&operation, CHUNKED);
        // The JSON is whole in each case; the end of the body is missing.
        for bytes in [
            head(&operation, &format!("Content-Length: {}", length + 1)) + &body,
            format!("{chunked}{chunk}"),
            format!("{chunked}{chunk}5\r\nab"),
            format!("{chunked}{}", chunk.trim_end()),
        ] {
            let mut bench = bench::<S>().await;
            bench.peer.write(bytes.as_bytes()).await;
            bench.peer.half_close().await;
            let answer = bench.peer.answer().await;
            let failure = bench.assert_refused(&operation, &answer, 400, &bytes);
            assert_eq!(failure.message, "the body ended too early");
        }
    }
}

async fn broken_chunks_never_reach_the_handler<S: Subject>() {
    for operation in paths::<S>().await {
        for broken in ["x\r\nab\r\n0\r\n\r\n", "2\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n"] {
            let mut bench = bench::<S>().await;
            let bytes = head(&operation, CHUNKED) + broken;
            bench.peer.write(bytes.as_bytes()).await;
            let answer = bench.peer.answer().await;
            bench.assert_refused(&operation, &answer, 400, &bytes);
        }
    }
}

async fn a_body_in_chunks_is_read<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        let body = operation.body.to_string();
        let (first, second) = body.split_at(body.len() / 2);
        let chunks = [first, second, ""].map(|part| format!("{:x}\r\n{part}\r\n", part.len()));
        bench.peer.write((head(&operation, CHUNKED) + &chunks.concat()).as_bytes()).await;
        let answer = bench.peer.answer().await;
        bench.subject.assert_served(&operation, &answer);
        assert_eq!(bench.heard(), operation.handled.then(|| operation.body.clone()));
    }
}

async fn another_method_is_refused_without_a_body<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        for method in ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let answer = bench.peer.ask(&operation.post().method(method)).await;
            assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
            assert_eq!((answer.body.as_str(), bench.heard()), ("", None), "{method}");
        }
    }
}

async fn an_unknown_path_is_refused_without_a_body<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        let Operation { path, body, .. } = operation;
        let (folder, _) = path.rsplit_once('/').unwrap();
        for unknown in ["/", &format!("{path}/"), &path.to_uppercase(), &format!("{folder}/")] {
            let answer = bench.peer.ask_json(unknown, &body).await;
            assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{unknown}");
            assert_eq!(bench.heard(), None, "{unknown}");
        }
    }
}

async fn a_body_in_tiny_chunks_is_refused<S: Subject>() {
    for operation in paths::<S>().await {
        let mut bench = bench::<S>().await;
        // Without its trailing spaces the body would be served.
        let body = format!("{}{}", operation.body, " ".repeat(2000));
        let chunks: String =
            body.chars().map(|one| format!("{:x}\r\n{one}\r\n", one.len_utf8())).collect();
        bench.peer.write((head(&operation, CHUNKED) + &chunks + "0\r\n\r\n").as_bytes()).await;
        let answer = bench.peer.answer().await;
        let failure = bench.assert_refused(&operation, &answer, 400, &body);
        assert_eq!(failure.message, "the body arrives in too many small pieces");
    }
}

async fn a_query_is_ignored<S: Subject>() {
    let mut bench = bench::<S>().await;
    for operation in bench.at_each_path() {
        // The operator of the platform chooses the URL.
        let post = Post::json(&format!("{}?token=a&b=%20", operation.path), &operation.body);
        bench.accepts(&operation, &post).await;
    }
}
