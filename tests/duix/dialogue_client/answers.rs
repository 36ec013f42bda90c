//! Answers in one piece: the forms in which they are read, and the errors for failures.

use callbot::client::CallOptions;
use callbot::duix::Flag;
use callbot::duix::dialogue::{
    Answer, Client, Delta, DialogueAnswer, DialogueData, DialogueRequest, DialogueRequestFields,
    SpokenAnswer, operations,
};
use http::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::{FAILURE, JSON_TEXT, LAST, OBJECT, REQUEST, TEXT, client, enveloped, read, request};
use crate::support::script::{Stub, answer, event, json_answer, send};

#[tokio::test]
async fn each_operation_sends_its_path_its_headers_and_its_body() {
    let stub = Stub::new(vec![
        vec![send(json_answer("200 OK", OBJECT))],
        vec![send(crate::support::script::stream(event(LAST.trim())))],
    ])
    .await;
    // A base URL may have a path, and a slash at its end.
    let client = Client::new(&format!("{}/bots/7/", stub.url)).unwrap();
    let secret = HeaderName::from_static("x-callbot-secret");
    let options = CallOptions::new().header(secret, HeaderValue::from_static("secret-1"));
    client.with_options(options.clone()).dialogue(&request()).await.unwrap();
    client.with_options(options).dialogue_stream(&request()).await.unwrap();

    let expected = [
        ("/bots/7/duix/dialogue", "application/json"),
        ("/bots/7/duix/dialogue/stream", "text/event-stream"),
    ];
    let seen = stub.seen();
    assert_eq!(seen.len(), expected.len());
    for (seen, (path, accept)) in seen.iter().zip(expected) {
        assert_eq!(seen.line, format!("POST {path} HTTP/1.1"));
        assert_eq!(seen.header("accept"), Some(accept), "{path}");
        assert_eq!(seen.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(seen.header("x-callbot-secret"), Some("secret-1"), "{path}");
        for absent in ["accept-encoding", "token", "authorization", "cookie", "user-agent"] {
            assert_eq!(seen.header(absent), None, "{path}: {absent}");
        }
        assert_eq!(seen.json(), REQUEST.parse::<Value>().unwrap(), "{path}");
    }
}

#[tokio::test]
async fn a_request_without_a_context_has_none_and_ids_are_texts() {
    let stub = Stub::answering(json_answer("200 OK", TEXT)).await;
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "1",
        avatar_code: "2",
        question: "",
        conversation_id: "4",
    });
    client(&stub).dialogue(&request).await.unwrap();
    let expected =
        json!({"sid": "1", "dh-code": "2", "dh-question": "", "dh-conversation-id": "4"});
    assert_eq!(stub.seen()[0].json(), expected);
}

#[tokio::test]
async fn a_moved_operation_is_called_at_its_new_path() {
    let stub = Stub::new(vec![
        vec![send(json_answer("200 OK", OBJECT))],
        vec![send(crate::support::script::stream(event(LAST.trim())))],
    ])
    .await;
    let client = Client::builder(&format!("{}/below", stub.url))
        .path(&operations::DIALOGUE, "/ask")
        .path(&operations::DIALOGUE_STREAM, "/say")
        .build()
        .unwrap();
    client.dialogue(&request()).await.unwrap();
    client.dialogue_stream(&request()).await.unwrap();
    let lines: Vec<_> = stub.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines, ["POST /below/ask HTTP/1.1", "POST /below/say HTTP/1.1"]);
}

#[tokio::test]
async fn the_example_of_the_document_is_read_whole() {
    let answer = read(OBJECT).await.unwrap();
    assert_eq!((answer.code.as_str(), answer.msg.as_deref()), ("200", Some("SUCCESS")));
    assert!(answer.success);
    let data = answer.data.clone().unwrap();
    assert_eq!(data.conversation_id, "0513e935-041f-48e0-9330-652ef4194511");
    assert_eq!(data.question.as_deref(), Some("who are you?"));
    assert_eq!(data.intent.as_deref(), Some("introduce"));
    assert_eq!(data.error_message.as_deref(), Some(""));
    assert_eq!(data.extra.as_deref(), Some("{}"));
    assert_eq!(data.answer.text, "This is the demo bot.");
    let operations = data.answer.operations.unwrap();
    assert_eq!(operations.tip_phrases.unwrap().phrases, ["yes", "no"]);
    assert!(operations.can_show_text.unwrap().is_on());
    assert_eq!(serde_json::to_value(answer).unwrap(), OBJECT.parse::<Value>().unwrap());
}

#[tokio::test]
async fn all_three_forms_of_an_answer_are_read_alike() {
    for body in
        [JSON_TEXT, TEXT, &enveloped(json!({"answer": "This is the demo bot."})).to_string()]
    {
        let data = read(body).await.unwrap().data.unwrap();
        assert_eq!(data, DialogueData::new("c-1", SpokenAnswer::new("This is the demo bot.")));
    }
    // With screen operations, in a string as in an object.
    let object = OBJECT.parse::<Value>().unwrap();
    let spoken = object["data"]["answer"].clone();
    let pretty = serde_json::to_string_pretty(&spoken).unwrap();
    let marked = format!("\u{FEFF}{spoken}");
    for text in [spoken.to_string(), pretty, format!(" \r\n{spoken}\t"), marked] {
        let mut body = object.clone();
        body["data"]["answer"] = text.into();
        assert_eq!(read(body).await.unwrap(), read(OBJECT).await.unwrap());
    }
}

#[tokio::test]
async fn a_text_that_is_not_a_json_object_is_the_spoken_text() {
    for words in [
        "",
        " ",
        "This is the demo bot.",
        "我是演示机器人。",
        "null",
        "true",
        "42",
        "\"quoted\"",
        "[]",
        "[{\"answer\":\"x\"}]",
        "{",
        "{}{}",
        "{not json}",
        "{'answer':'x'}",
        "{answer: x}",
        "{\"answer\":\"cut off",
        "{\"answer\":\"x\",}",
        "{\"answer\":\"x\"} and more",
        "say {\"answer\":\"x\"}",
        "{\"answer\":\"x\"}{\"answer\":\"y\"}",
        "line one\r\nline two\u{0}",
    ] {
        let data = read(enveloped(words)).await.unwrap().data.unwrap();
        assert_eq!(data.answer, SpokenAnswer::new(words), "{words:?}");
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error_with_its_path_in_either_form() {
    let must = "must be there";
    let cases = [
        (json!({}), "/answer", must),
        (json!({"operations": {"canShowText": 1}}), "/answer", must),
        (json!({"answer": null}), "/answer", must),
        (json!({"Answer": "x"}), "/answer", must),
        (json!({"answer": 4711}), "/answer", "invalid type: integer"),
        (json!({"answer": ["4711"]}), "/answer", "invalid type: sequence"),
        (json!({"answer": {"answer": "4711"}}), "/answer", "invalid type: map"),
        (json!({"answer": "x", "operations": "4711"}), "/operations", "invalid type: string"),
        (json!({"answer": "x", "operations": [4711]}), "/operations", "invalid type: sequence"),
        (
            json!({"answer": "x", "operations": {"tipPhrases": {"more": 4711}}}),
            "/operations/tipPhrases/phrases",
            must,
        ),
        (
            json!({"answer": "x", "operations": {"tipPhrases": {"phrases": ["a", 4711]}}}),
            "/operations/tipPhrases/phrases/1",
            "invalid type: integer",
        ),
        (
            json!({"answer": "x", "operations": {"canShowText": "4711 times"}}),
            "/operations/canShowText",
            "invalid value: string",
        ),
    ];
    for (answer, pointer, message) in cases {
        for answer in [answer.to_string().into(), answer] {
            let error = read(enveloped(answer.clone())).await.unwrap_err();
            let found = error.decode_error().unwrap_or_else(|| panic!("{answer}: {error:?}"));
            assert_eq!(found.pointer(), format!("/data/answer{pointer}"), "{answer}: {error}");
            assert!(found.message().starts_with(message), "{answer}: {error}");
            assert_eq!(error.status().unwrap(), 200);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("4711"), "the value shows: {shown}");
        }
    }
    for (answer, message) in [
        (json!(4711), "invalid type: integer"),
        (json!(true), "invalid type: boolean"),
        (json!(["4711"]), "invalid type: sequence"),
        (Value::Null, must),
    ] {
        let error = read(enveloped(answer)).await.unwrap_err();
        let found = error.decode_error().unwrap();
        assert_eq!(found.pointer(), "/data/answer", "{error}");
        assert!(found.message().starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn any_other_unreadable_field_is_named_by_its_pointer() {
    for (pointer, value, message) in [
        ("/code", Value::Null, "must be there"),
        ("/code", json!({"4711": 1}), "invalid type: map"),
        ("/success", Value::Null, "must be there"),
        ("/success", json!("4711"), "invalid type: string"),
        ("/msg", json!(["4711"]), "invalid type: sequence"),
        ("/data", json!("4711"), "invalid type: string"),
        ("/data/conversationId", Value::Null, "must be there"),
        ("/data/conversationId", json!(["4711"]), "invalid type: sequence"),
        ("/data/question", json!(4711), "invalid type: integer"),
        ("/data/intent", json!({"4711": 1}), "invalid type: map"),
    ] {
        let mut body = OBJECT.parse::<Value>().unwrap();
        *body.pointer_mut(pointer).unwrap() = value;
        let error = read(&body).await.unwrap_err();
        let found = error.decode_error().unwrap_or_else(|| panic!("{body}: {error:?}"));
        assert_eq!(found.pointer(), pointer, "{body}: {error}");
        assert!(found.message().starts_with(message), "{body}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("4711"), "the value shows: {shown}");
    }
}

#[tokio::test]
async fn screen_operations_are_read_in_all_forms_and_unknown_keys_are_kept() {
    let show = |value: Value| json!({"answer": "x", "operations": {"canShowText": value}});
    for (value, code) in [
        (json!(0), Some(0)),
        (json!(1), Some(1)),
        (json!("1"), Some(1)),
        (json!(7), Some(7)),
        (Value::Null, None),
    ] {
        for answer in [show(value.clone()), show(value.clone()).to_string().into()] {
            let data = read(enveloped(answer)).await.unwrap().data.unwrap();
            let flag = data.answer.operations.unwrap().can_show_text;
            assert_eq!(flag.map(Flag::code), code, "{value}");
            assert_eq!(flag.is_some_and(Flag::is_on), code == Some(1));
        }
    }
    let future = json!({"answer": "x", "operations": {
        "tipPhrases": {"phrases": ["a"], "style": {"bold": true}},
        "showPicture": ["/a.png", null, 1.5],
        "": 0,
    }});
    for answer in [future.clone(), future.to_string().into()] {
        let data = read(enveloped(answer)).await.unwrap().data.unwrap();
        let operations = data.answer.operations.clone().unwrap();
        assert_eq!(operations.extra["showPicture"], json!(["/a.png", null, 1.5]));
        assert_eq!(operations.tip_phrases.unwrap().extra["style"], json!({"bold": true}));
        assert_eq!(serde_json::to_value(data.answer).unwrap(), future);
    }
}

/// The failures that a bot may report: status, body, and the code and message in it.
fn failures() -> Vec<(&'static str, String, &'static str, Option<&'static str>)> {
    let said = Some("no such bot");
    let with = |more: Value| {
        let mut body = json!({"code": "500", "success": false});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let data = || OBJECT.parse::<Value>().unwrap()["data"].take();
    vec![
        ("500 Internal Server Error", FAILURE.into(), "500", Some("the model did not answer")),
        ("200 OK", FAILURE.into(), "500", Some("the model did not answer")),
        ("400 Bad Request", with(json!({"code": "400", "msg": "no such bot"})), "400", said),
        ("401 Unauthorized", with(json!({"code": "1005", "msg": "no such bot"})), "1005", said),
        ("403 Forbidden", with(json!({"code": 1006, "msg": "no such bot"})), "1006", said),
        // Only `success` decides whether it is a success.
        ("200 OK", with(json!({"code": "200", "msg": "no such bot"})), "200", said),
        ("200 OK", with(json!({"code": "0"})), "0", None),
        ("200 OK", with(json!({"code": "", "msg": null})), "", None),
        ("500 Internal Server Error", with(json!({"message": "no such bot"})), "500", said),
        ("200 OK", with(json!({"msg": "", "message": "no such bot"})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "message": "x"})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "message": null})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "data": null})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "data": data()})), "500", said),
        ("200 OK", with(json!({"msg": "no such bot", "unknown": [{}]})), "500", said),
    ]
}

/// Checks that both operations report this failure.
async fn assert_failure(status: &str, body: &str, code: &str, message: Option<&str>) {
    let stub = Stub::answering(json_answer(status, body)).await;
    let errors = [
        client(&stub).dialogue(&request()).await.unwrap_err(),
        client(&stub).dialogue_stream(&request()).await.unwrap_err(),
    ];
    for (error, operation) in errors.into_iter().zip(["dialogue", "dialogueStream"]) {
        let failure = error.failure().unwrap_or_else(|| panic!("{status} {body}: {error:?}"));
        assert_eq!((failure.code(), failure.message()), (code, message), "{status} {body}");
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert!(!error.is_cut() && !error.is_timeout() && error.decode_error().is_none());
        let text = error.to_string();
        assert!(text.starts_with(&format!("{operation}: failure")), "{text}");
        assert!(text.ends_with(message.unwrap_or("")), "{text}");
    }
}

#[tokio::test]
async fn a_failure_is_an_error_with_its_code_and_text_whatever_the_http_status() {
    for (status, body, code, message) in failures() {
        assert_failure(status, &body, code, message).await;
    }
}

#[tokio::test]
async fn a_failure_with_data_of_another_type_is_still_a_failure() {
    let mut wrong = Vec::new();
    for data in [
        json!(""),
        json!({}),
        json!([]),
        json!({"errorMsg": "x"}),
        json!({"conversationId": "c-1", "errorMsg": "x"}),
        json!({"conversationId": "c-1", "answer": null}),
        json!({"conversationId": "c-1", "answer": {}}),
    ] {
        for status in ["200 OK", "500 Internal Server Error"] {
            let body = json!({"code": "500", "msg": "no such bot", "success": false, "data": data});
            let stub = Stub::answering(json_answer(status, &body.to_string())).await;
            for error in [
                client(&stub).dialogue(&request()).await.unwrap_err(),
                client(&stub).dialogue_stream(&request()).await.unwrap_err(),
            ] {
                if error.failure().map(|failure| failure.code()) != Some("500") {
                    wrong.push((status, data.clone(), error.to_string()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_success_without_data_is_read_as_one() {
    for body in [
        json!({"code": "200", "success": true}),
        json!({"code": "0", "success": true, "data": null, "msg": null}),
        json!({"code": "500", "success": true, "message": "odd"}),
    ] {
        let answer = read(&body).await.unwrap();
        assert!(answer.success && answer.data.is_none(), "{body}");
        assert_eq!(answer.msg.as_deref(), body["message"].as_str());
    }
}

#[tokio::test]
async fn the_answer_of_a_gateway_is_an_error_with_its_status() {
    for (status, body, decodes) in [
        ("403 Forbidden", "the signature does not match", true),
        ("502 Bad Gateway", "<html>", true),
        ("404 Not Found", "", true),
        ("500 Internal Server Error", TEXT, true),
        ("302 Found", "", true),
        ("200 OK", "<html>", false),
        ("200 OK", "", false),
        ("200 OK", "{\"code\":\"200\"}", false),
    ] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let error = client(&stub).dialogue(&request()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert_eq!(error.decode_error().is_none(), decodes, "{status} {body}: {error:?}");
        assert!(error.failure().is_none() && !error.to_string().contains("signature"), "{error}");
        let error = client(&stub).dialogue_stream(&request()).await.unwrap_err();
        assert_eq!(error.status().unwrap().as_str(), &status[..3], "{body}");
        assert!(error.failure().is_none() && !error.is_cut(), "{error:?}");
        assert!(error.decode_error().is_none() && !error.to_string().contains("signature"));
        assert_eq!(stub.connections(), 2, "{status}");
    }
    let body = event(LAST.trim());
    for (status, headers, shown) in [
        ("200 OK", "content-type: text/html\r\n", "expected an event stream, got text/html"),
        (
            "200 OK",
            "content-type: application/json\r\n",
            "expected an event stream, got application/json",
        ),
        ("200 OK", "", "expected an event stream, got untyped"),
        ("500 Internal Server Error", "content-type: text/event-stream\r\n", "HTTP 500"),
    ] {
        let stub = Stub::answering(answer(status, headers, &body)).await;
        let error = client(&stub).dialogue_stream(&request()).await.unwrap_err().to_string();
        assert!(error.starts_with("dialogueStream: ") && error.contains(shown), "{error}");
    }
}

#[test]
fn debug_shows_nothing_that_was_said() {
    let secret = "SECRET-4711";
    let data = DialogueData::new("c-1", secret.into()).with_question(secret);
    let request = DialogueRequest::new(DialogueRequestFields {
        user_id: "1",
        avatar_code: "2",
        question: secret,
        conversation_id: "c-1",
    })
    .with_context(secret);
    let answer = DialogueAnswer::new("200", true).with_data(data);
    let shown =
        format!("{request:?} {answer:?} {:?} {:?}", Delta::new(secret, true), Answer::text(secret));
    assert!(shown.contains("c-1") && !shown.contains(secret), "{shown}");
}
