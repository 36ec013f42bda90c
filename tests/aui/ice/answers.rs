//! What is read from an answer, and which error a failure becomes.

use super::*;

#[tokio::test]
async fn each_failure_has_its_code_message_request_id_and_status() {
    for (status, body, code, message, id) in [
        ("403 Forbidden", FORBIDDEN, "Forbidden", Some("User not authorized."), Some("r-1")),
        (
            "404 Not Found",
            r#"{"code":"InvalidAccessKeyId.NotFound","message":"no key","requestId":"r-2"}"#,
            "InvalidAccessKeyId.NotFound",
            Some("no key"),
            Some("r-2"),
        ),
        (
            "400 Bad Request",
            r#"{"Code":"AgentNotFound","Message":"The specified agentId \"a\" is not found."}"#,
            "AgentNotFound",
            Some("The specified agentId \"a\" is not found."),
            None,
        ),
        ("429 Too Many Requests", r#"{"Code":"Throttling.User"}"#, "Throttling.User", None, None),
        (
            "503 Service Unavailable",
            r#"{"Code":"ServiceUnavailable","Message":"later"}"#,
            "ServiceUnavailable",
            Some("later"),
            None,
        ),
        // It has every field of an answer, and is a failure nevertheless.
        (
            "500 Internal Server Error",
            r#"{"Code":"InternalError","InstanceId":"i1","ChannelId":"c1","AIAgentUserId":"a1",
                "Token":"t","Instance":{}}"#,
            "InternalError",
            None,
            None,
        ),
        ("200 OK", r#"{"Code":"InternalError","InstanceId":"i1"}"#, "InternalError", None, None),
    ] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let client = client(&stub);
        for name in CALLS {
            let error = call(&client, name).await.unwrap_err();
            let failure = error.failure().unwrap_or_else(|| panic!("{name} {status}: {error}"));
            assert_eq!(failure.code(), code, "{name} {status}");
            assert_eq!(failure.message(), message, "{name} {status}");
            assert_eq!(error.request_id(), id, "{name} {status}");
            let number: u16 = status[..3].parse().unwrap();
            assert_eq!(error.status().unwrap(), number, "{name} {status}");
            assert!(error.to_string().starts_with(&format!("{}: failure", action(name))));
            let upstream = ask(&client, name, None).await.unwrap_err();
            let expected = if number == 200 { 502 } else { number };
            assert_eq!((upstream.status(), upstream.code()), (expected, Some(code)), "{name}");
            assert_eq!(upstream.message(), message.unwrap_or("the platform refused the call"));
            assert_eq!(upstream.request_id(), id, "{name} {status}");
        }
        assert_eq!(stub.seen().len(), 10, "no call is retried");
    }
}

#[tokio::test]
async fn a_failure_that_is_not_json_has_its_status() {
    let xml = "<?xml version='1.0'?><Error><Code>Forbidden</Code><HostId>h</HostId></Error>";
    for (status, body) in [
        ("403 Forbidden", xml),
        ("403 Forbidden", ""),
        ("404 Not Found", "<html>no such page</html>"),
        ("400 Bad Request", "{}"),
        ("400 Bad Request", "[]"),
        ("400 Bad Request", r#"{"Code":"","Message":"x"}"#),
        ("400 Bad Request", r#"{"Code":null}"#),
        ("502 Bad Gateway", "{\"Code\":"),
        ("503 Service Unavailable", "no"),
        ("302 Found", ""),
        // It has the form of a success.
        ("500 Internal Server Error", r#"{"InstanceId":"i1","RequestId":"r1"}"#),
    ] {
        let stub = Stub::answering(answer(status, "content-type: text/xml\r\n", body)).await;
        let client = client(&stub);
        let number: u16 = status[..3].parse().unwrap();
        for name in CALLS {
            let error = call(&client, name).await.unwrap_err();
            assert_eq!(error.status().unwrap(), number, "{name} {body}");
            assert!(error.failure().is_none(), "{name} {body}: {error}");
            assert!(error.to_string().contains(&format!("HTTP {number}")), "{name}: {error}");
            let upstream = ask(&client, name, None).await.unwrap_err();
            let expected = if number < 400 { 502 } else { number };
            assert_eq!((upstream.status(), upstream.code()), (expected, None), "{name} {body}");
        }
    }
}

#[tokio::test]
async fn an_unreadable_answer_is_an_error_with_the_place() {
    for (name, body, pointer) in [
        ("generate", r#"{"InstanceId":"i1","ChannelId":"c1","AIAgentUserId":"a1"}"#, "/Token"),
        ("start", "{}", "/InstanceId"),
        ("describe", "{}", "/Instance"),
        (
            "describe",
            r#"{"Instance":{"AgentConfig":{"Volume":"loud"}}}"#,
            "/Instance/AgentConfig/Volume",
        ),
        ("stop", "not JSON", ""),
        ("update", "[]", ""),
        ("update", "", ""),
    ] {
        let stub = Stub::answering(json_answer("200 OK", body)).await;
        let client = client(&stub);
        let error = call(&client, name).await.unwrap_err();
        let found = error.decode_error().unwrap_or_else(|| panic!("{name} {body}: {error}"));
        assert_eq!(found.pointer(), pointer, "{name} {body}: {error}");
        assert!(!error.to_string().contains("loud"), "{error}");
        let upstream = ask(&client, name, None).await.unwrap_err();
        assert_eq!(upstream.status(), 502, "{name} {body}");
        assert_eq!(upstream.message(), "the platform's answer can't be read");
    }
    // These answers have no required field.
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    for name in ["stop", "update"] {
        call(&client(&stub), name).await.unwrap();
    }
    let stub = Stub::answering(json_answer("200 OK", &good("stop").to_string())).await;
    let small = builder(&stub).options(CallOptions::new().body_limit(4)).build().unwrap();
    let error = call(&small, "stop").await.unwrap_err();
    assert!(error.to_string().contains("larger than 4 bytes"), "{error}");
    assert_eq!(ask(&small, "stop", None).await.unwrap_err().status(), 502);
}

#[tokio::test]
async fn an_answer_with_nothing_but_unknown_keys_is_not_an_empty_one() {
    let long =
        format!("{{{}}}", ["a", "b", "c", "d", "e", "f"].map(|key| format!("{key:?}:1")).join(","));
    let wide = format!("{{\"{}\":1}}", "é".repeat(41));
    for (body, keys) in [
        (r#"{"error":"secret"}"#, r#""error""#),
        (r#"{"requestid":"r1","message":"secret"}"#, r#""message", "requestid""#),
        (&long, r#""a", "b", "c", "d", "e", …"#),
        (&wide, &format!("\"{}\"", "é".repeat(40))),
    ] {
        let stub = Stub::answering(json_answer("200 OK", body)).await;
        for name in ["stop", "update"] {
            let error = call(&client(&stub), name).await.unwrap_err();
            let expected = format!("the response can't be read: none of its keys is known: {keys}");
            assert_eq!(error.to_string(), format!("{}: {expected}", action(name)));
            assert_eq!(error.decode_error().unwrap().pointer(), "");
            let upstream = ask(&client(&stub), name, None).await.unwrap_err();
            assert_eq!(upstream.message(), "the platform's answer can't be read");
        }
    }
    // One known key is enough, whatever its value.
    for body in [r#"{"RequestId":null,"error":"x"}"#, r#"{"error":"x","RequestId":"r1"}"#] {
        let stub = Stub::answering(json_answer("200 OK", body)).await;
        for name in ["stop", "update"] {
            call(&client(&stub), name).await.unwrap();
        }
    }
}

#[tokio::test]
async fn deadlines_and_transport_failures_reach_apps_without_details() {
    let stub = Stub::new(vec![vec![Step::Hold]]).await;
    let quick = CallOptions::new().call_deadline(Duration::from_millis(50));
    let slow = builder(&stub).options(quick.clone()).build().unwrap();
    // The head arrives, and the rest does not.
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{";
    let half_stub = Stub::new(vec![vec![send(half), Step::Hold]]).await;
    let half = builder(&half_stub).options(quick).build().unwrap();
    for client in [&slow, &half] {
        for name in CALLS {
            let error = call(client, name).await.unwrap_err();
            assert_eq!(error.deadline(), Some(Deadline::Call), "{name}");
            let error = ask(client, name, None).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (504, None), "{name}");
            assert_eq!(error.message(), "the platform did not answer in time");
        }
    }
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let refused = Client::builder(key()).base_url(&closed).build().unwrap();
    let reset = Stub::new(vec![vec![Step::Reset]]).await;
    let reset = client(&reset);
    let cut = "HTTP/1.1 503 Oh\r\ncontent-length: 9\r\n\r\n{";
    let cut = Stub::answering(cut).await;
    let cut = client(&cut);
    for client in [&refused, &reset, &cut] {
        for name in CALLS {
            let error = call(client, name).await.unwrap_err();
            assert!(error.is_transport(), "{name}: {error}");
            let error = ask(client, name, None).await.unwrap_err();
            assert_eq!((error.status(), error.code()), (502, None), "{name}");
            assert_eq!(error.message(), "the connection to the platform failed");
        }
    }
}
