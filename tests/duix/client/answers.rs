//! Which answers are a success, how their data are read, and which error is returned for which failure.

use callbot::duix::ResponseCode;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::{code, once};
use crate::support::duix_platform::{Fake, Socket, avatar, call, calls, failure, given, good, raw};

#[tokio::test]
async fn answers_are_read_into_their_types() {
    let socket = Socket::new(|number| {
        let data = [
            json!({"cropId": "1003645", "totalConcurrentNumber": 10, "userConcurrentNumber": 2}),
            json!([{"uuid": "s-1"}, 7]),
            json!({"id": "108", "scriptDtoList": [{"scriptType": 1}]}),
            json!({"taskId": 1591003727513522176_u64}),
            json!({"conversationId": "109", "status": 2, "processingStep": "done"}),
            json!(""),
            json!({}),
        ];
        let body = json!({"success": true, "code": "0", "msg": "", "data": data[number]});
        raw("200 OK", "x-trace: t-1\r\n", &body.to_string())
    })
    .await;
    let client = socket.builder().build().unwrap();

    let concurrency = client.concurrency().await.unwrap();
    assert_eq!((concurrency.total, concurrency.in_use), (Some(10), Some(2)));
    assert_eq!(concurrency.corp_id.as_deref(), Some("1003645"));
    assert_eq!(
        (concurrency.status(), &concurrency.headers()["x-trace"]),
        (StatusCode::OK, &HeaderValue::from_static("t-1"))
    );
    assert_eq!(client.sessions().await.unwrap().into_inner(), json!([{"uuid": "s-1"}, 7]));
    let conversation = client.conversation("108").await.unwrap();
    assert_eq!((conversation.id.as_deref(), conversation.scripts.len()), (Some("108"), 1));
    let created = client.create_avatar(&avatar()).await.unwrap();
    assert_eq!(created.task_id.as_deref(), Some("1591003727513522176"));
    let avatar = client.avatar(created.task_id.as_deref().unwrap()).await.unwrap();
    assert_eq!((avatar.conversation_id.as_deref(), avatar.status), (Some("109"), Some(2)));
    let stopped = client.stop_session("s").await.unwrap();
    assert_eq!(
        (stopped.status(), &stopped.headers()["x-trace"]),
        (StatusCode::OK, &HeaderValue::from_static("t-1"))
    );
    client.stop_all_sessions_of_app().await.unwrap();
}

#[tokio::test]
async fn success_false_is_an_error_whatever_the_http_status() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for status in [200, 201, 400, 401, 403, 404, 429, 500, 502, 503] {
        fake.play([(status, failure("1009"))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let place = format!("{name} {status}");
            assert_eq!(code(&error), "1009", "{place}");
            let failure = error.failure().unwrap();
            assert_eq!(failure.message(), Some("it is said why"), "{place}");
            assert_eq!((failure.status(), failure.request_id()), (None, None), "{place}");
            assert_eq!(error.status().unwrap(), status, "{place}");
            assert!(error.decode_error().is_none() && error.violations().is_none(), "{place}");
            assert!(!error.is_timeout() && !error.is_cut(), "{place}");
            let busy = matches!(status, 429 | 502 | 503);
            assert_eq!(error.is_retryable(), busy, "{place}");
            assert!(error.to_string().ends_with("failure 1009: it is said why"), "{error}");
        }
        assert_eq!(fake.asked().len(), 7, "{status}");
    }
    // The code of a success does not make it a success.
    for code in ["200", "0", ""] {
        fake.play([(200, failure(code))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(self::code(&error), code, "{name}");
        }
    }
}

#[tokio::test]
async fn the_text_of_a_failure_is_in_one_of_two_fields() {
    let (a, b) = ("why", "another why");
    let cases = [
        (json!({"message": a}), Some(a)),
        (json!({"msg": a}), Some(a)),
        (json!({"message": a, "msg": a}), Some(a)),
        (json!({"message": a, "msg": b}), Some(a)),
        (json!({"msg": b, "message": a}), Some(a)),
        (json!({"message": "", "msg": b}), Some(b)),
        (json!({"msg": b, "message": ""}), Some(b)),
        (json!({"message": null, "msg": b}), Some(b)),
        (json!({"message": a, "msg": ""}), Some(a)),
        (json!({"message": a, "msg": null}), Some(a)),
        (json!({"message": "", "msg": ""}), Some("")),
        (json!({"message": ""}), Some("")),
        (json!({"msg": ""}), Some("")),
        (json!({"message": null, "msg": null}), None),
        (json!({}), None),
        (json!({"Message": a, "error": a}), None),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (texts, expected) in cases {
        // The text is read even if the data are of the wrong type.
        for data in [json!({}), json!("")] {
            let mut body = json!({"success": false, "code": "1007", "data": data});
            body.as_object_mut().unwrap().extend(texts.as_object().unwrap().clone());
            fake.play([(200, body)]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                assert_eq!(error.failure().unwrap().message(), expected, "{name} {texts}");
            }
        }
    }
}

#[tokio::test]
async fn every_documented_code_has_a_name_and_unknown_codes_are_kept() {
    use ResponseCode::*;
    let documented = [
        ("200", Ok),
        ("0", OkNewer),
        ("-1", SystemException),
        ("1005", TokenEmpty),
        ("1006", TokenInvalid),
        ("1007", DialogueNotFound),
        ("1009", QuotaUsedUp),
        ("2002", SessionNotFound),
        ("40001", BadAppIdOrSecret),
        ("40002", InternalError),
    ];
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for (text, named) in &documented {
        let number = json!(text.parse::<i64>().unwrap());
        for wire in [json!(text), number] {
            fake.play([(200, failure(wire))]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                let failure = error.failure().unwrap();
                assert_eq!(failure.code(), *text, "{name}");
                assert_eq!(failure.code_as::<ResponseCode>(), *named, "{name} {text}");
                // By the table of codes. A refused token is handled separately.
                let again = matches!(*text, "-1" | "40002");
                assert_eq!(failure.is_retryable(), again, "{name} {text}");
                assert_eq!(error.is_retryable(), again, "{name} {text}");
            }
        }
    }
    for text in ["50003", "1004", "01006", " 1006", "1006.0", "-2", "", "失败", "SUCCESS"] {
        fake.play([(200, failure(text))]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let code = error.failure().unwrap().code_as::<ResponseCode>();
            assert!(matches!(code, Unknown(_)), "{name} {text}: {code:?}");
            assert_eq!((self::code(&error), code.as_str()), (text, text), "{name}");
            assert!(!error.is_retryable(), "{name} {text}");
        }
        assert_eq!(fake.asked().len(), 7, "{text}");
    }
    // Without a code.
    for body in [json!({"success": false}), json!({"success": false, "code": null})] {
        fake.play([(200, body)]);
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!((code(&error), error.is_retryable()), ("", false), "{name}");
        }
    }
}

#[tokio::test]
async fn success_true_is_a_success_whatever_the_code() {
    let codes = [
        json!("200"),
        json!("0"),
        json!(""),
        json!(null),
        json!(200),
        json!(0),
        json!(-1),
        json!(200.5),
        json!("-1"),
        json!("1006"),
        json!("40002"),
        json!("next year's"),
    ];
    let mut bodies: Vec<_> =
        codes.into_iter().map(|code| json!({"success": true, "code": code, "data": {}})).collect();
    bodies.push(json!({"success": true, "data": {}}));
    bodies.push(json!({"data": {}, "success": true, "msg": "failed", "message": "error"}));
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for body in bodies {
        fake.play([(200, body.clone())]);
        for name in calls() {
            let outcome = call(&client, name).await;
            assert_eq!(outcome.unwrap_or_else(|error| panic!("{name}: {error}: {body}")), 200);
        }
        assert_eq!(fake.asked().len(), 7, "{body}");
    }
}

#[tokio::test]
async fn a_success_with_an_http_status_of_failure_is_an_error() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (status, good) in [(200, true), (201, true), (204, true), (302, false), (404, false)] {
        fake.play([(status, self::good())]);
        for name in calls() {
            match call(&client, name).await {
                Ok(seen) => assert!(good && seen == status, "{name} {status}"),
                Err(error) => {
                    assert!(!good && error.failure().is_none(), "{name} {status}");
                    assert_eq!(error.status().unwrap(), status, "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_failure_is_reported_even_if_its_data_are_of_the_wrong_type() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for data in [json!(""), json!([]), json!(null), json!(7), json!(true), json!({"id": {}})] {
        for status in [200, 401, 500] {
            let mut body = failure("1009");
            body["data"] = data.clone();
            fake.play([(status, body)]);
            for name in calls() {
                let error = call(&client, name).await.unwrap_err();
                let place = format!("{name} {status} {data}");
                assert_eq!(code(&error), "1009", "{place}");
                assert_eq!(error.failure().unwrap().message(), Some("it is said why"), "{place}");
                assert_eq!(error.status().unwrap(), status, "{place}");
            }
        }
    }
}

#[tokio::test]
async fn a_success_without_required_data_is_an_error() {
    for body in [
        json!({"success": true, "code": "200"}),
        json!({"success": true, "code": "200", "data": null}),
    ] {
        let fake = Fake::playing([(200, body.clone())]);
        let client = fake.client();
        for name in ["concurrency", "conversation", "create_avatar", "avatar"] {
            let error = call(&client, name).await.unwrap_err();
            let decode = error.decode_error().unwrap_or_else(|| panic!("{name}: {error:?}"));
            assert_eq!(decode.pointer(), "/data", "{name} {body}");
            assert!(error.failure().is_none() && !error.is_retryable(), "{name}: {error:?}");
            assert!(error.to_string().contains("/data: must be there"), "{error}");
        }
        assert_eq!(client.sessions().await.unwrap().into_inner(), Value::Null, "{body}");
        client.stop_session("s").await.unwrap();
        client.stop_all_sessions_of_app().await.unwrap();
        assert_eq!(fake.asked().len(), 7, "{body}");
    }
}

#[tokio::test]
async fn an_error_about_missing_data_has_the_http_status_of_the_answer() {
    let fake = Fake::playing([(200, json!({"success": true, "code": "200"}))]);
    let client = fake.client();
    for name in ["concurrency", "conversation", "create_avatar", "avatar"] {
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.status(), Some(StatusCode::OK), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn an_error_about_data_of_the_wrong_type_names_the_place() {
    let fake = Fake::playing([(200, good())]);
    let client = fake.client();
    for (name, data, pointer) in [
        ("concurrency", json!(""), "/data"),
        ("concurrency", json!([]), "/data"),
        ("concurrency", json!({"cropId": {}}), "/data/cropId"),
        ("concurrency", json!({"totalConcurrentNumber": "ten"}), "/data/totalConcurrentNumber"),
        ("conversation", json!(""), "/data"),
        ("conversation", json!({"scriptDtoList": [{}, {"id": []}]}), "/data/scriptDtoList/1/id"),
        ("create_avatar", json!([]), "/data"),
        ("create_avatar", json!({"taskId": ["secret"]}), "/data/taskId"),
        ("avatar", json!("secret"), "/data"),
        ("avatar", json!({"status": "secret"}), "/data/status"),
    ] {
        fake.play([(200, json!({"success": true, "code": "0", "data": data}))]);
        let error = call(&client, name).await.unwrap_err();
        assert_eq!(error.decode_error().unwrap().pointer(), pointer, "{name} {data}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(error.status(), Some(StatusCode::OK), "{name}");
    }
    // Data of an undocumented form are returned unchanged.
    for data in [json!(""), json!([]), json!({"a": [1]}), json!(7), json!(false)] {
        fake.play([(200, json!({"success": true, "code": "", "data": data}))]);
        assert_eq!(client.sessions().await.unwrap().into_inner(), data);
        client.stop_session("s").await.unwrap();
        client.stop_all_sessions_of_app().await.unwrap();
    }
}

#[tokio::test]
async fn an_answer_without_an_envelope_is_an_error_with_its_status_or_its_place() {
    let page = "<html>it is here</html>";
    let fake = Fake::playing([(200, good())]);
    let client = fake.builder().options(once()).build().unwrap();
    for (status, body, pointer) in [
        (200, "", Some("")),
        (200, page, Some("")),
        (200, "[]", Some("")),
        (200, "{}", Some("/success")),
        (200, r#"{"code":"200","data":{}}"#, Some("/success")),
        (200, r#"{"success":null,"code":"200","data":{}}"#, Some("/success")),
        (200, r#"{"success":"no","code":"1009"}"#, Some("/success")),
        (401, "", None),
        (404, page, None),
        (500, "{}", None),
        (502, page, None),
        (302, "", None),
    ] {
        fake.act(move |_| given(status, body));
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            let place = format!("{name} {status} {body}");
            assert_eq!(error.decode_error().map(|error| error.pointer()), pointer, "{place}");
            assert!(error.failure().is_none(), "{place}");
            assert_eq!(error.status().unwrap(), status, "{place}");
            assert!(!error.to_string().contains("it is here"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_answer_above_the_limit_is_not_read() {
    let body = good().to_string();
    let fill = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let fake = Fake::playing([(200, good())]);
    let plain = fake.client();
    for (limit, length, good) in [
        (Some(1000), 1000, true),
        (Some(1000), 1001, false),
        (Some(body.len() - 1), body.len(), false),
        (None, 1024 * 1024, true),
        (None, 1024 * 1024 + 1, false),
    ] {
        let answer = fill(length);
        fake.act(move |_| given(200, answer.clone()));
        let options = match limit {
            Some(limit) => once().body_limit(limit),
            None => once(),
        };
        let client = plain.with_options(options);
        for name in calls() {
            match call(&client, name).await {
                Ok(_) => assert!(good, "{name} {limit:?} {length}"),
                Err(error) => {
                    assert!(!good && !error.is_retryable(), "{name} {length}: {error}");
                    let limit = limit.unwrap_or(1024 * 1024);
                    assert!(
                        error.to_string().ends_with(&format!("larger than {limit} bytes")),
                        "{error}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Socket::answering("200 OK", good()).await;
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let location = format!("location: {}/duix\r\n", elsewhere.url);
        let socket = Socket::new(move |_| raw(status, &location, "")).await;
        let client = socket.builder().build().unwrap();
        for name in calls() {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(error.status().unwrap().as_str(), &status[..3], "{name}: {error}");
            assert!(error.failure().is_none(), "{name}: {error}");
        }
        assert_eq!(socket.asked().len(), 7, "{status}");
    }
    assert_eq!(elsewhere.asked().len(), 0);
}
