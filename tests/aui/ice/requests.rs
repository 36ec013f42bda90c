//! What is sent, how it is signed, and what is refused before it is sent.

use super::*;

#[tokio::test]
async fn each_action_sends_its_query_and_signed_headers() {
    let stub = five().await;
    let client = client(&stub);
    for name in CALLS {
        assert_eq!(call(&client, name).await.unwrap(), 200, "{name}");
    }
    let seen = stub.seen();
    assert_eq!(seen.len(), 5);
    let greeting = r#"{"Greeting":"Hello, \"you\" & me!"}"#;
    for (seen, name) in seen.iter().zip(CALLS) {
        assert_eq!(uri(seen).path(), "/", "{name}");
        assert_eq!(seen.header("x-acs-action"), Some(action(name)));
        assert_eq!(seen.header("x-acs-version"), Some("2020-11-09"), "{name}");
        assert_eq!(seen.header("accept"), Some("application/json"), "{name}");
        assert_eq!(seen.header("x-acs-content-sha256"), Some(EMPTY), "{name}");
        assert_eq!(seen.header("host"), stub.url.strip_prefix("http://"), "{name}");
        assert_eq!(seen.header("x-acs-signature-nonce").unwrap().len(), 32, "{name}");
        for absent in ["content-type", "x-acs-security-token", "transfer-encoding", "user-agent"] {
            assert_eq!(seen.header(absent), None, "{name}: {absent}");
        }
        assert!(seen.body.is_empty(), "{name}");
        assert!(matches!(seen.header("content-length"), None | Some("0")), "{name}");
        assert_eq!(
            signed_names(seen),
            [
                "host",
                "x-acs-action",
                "x-acs-content-sha256",
                "x-acs-date",
                "x-acs-signature-nonce",
                "x-acs-version"
            ],
            "{name}"
        );
        is_signed(seen, key()).await;
        let expected: Vec<(&str, &str)> = match name {
            "generate" => vec![
                ("AIAgentId", "agent-1"),
                ("AgentConfig", greeting),
                ("ChatSyncConfig", r#"{"IMAIAgentId":"chat-1","ReceiverId":"u1"}"#),
                ("Expire", "3600"),
                ("SessionId", "session-1"),
                ("TemplateConfig", r#"{"VoiceChat":{"Greeting":"Hi"}}"#),
                ("UserData", r#"{"Language":"en"}"#),
                ("UserId", "u1"),
            ],
            "start" => vec![
                ("AIAgentId", "agent-1"),
                ("AgentConfig", greeting),
                (
                    "RuntimeConfig",
                    r#"{"AgentUserId":"a1","ChannelId":"c1","AuthToken":"eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImMxIn0+/w=="}"#,
                ),
                ("SessionId", "session-1"),
            ],
            "update" => vec![("AgentConfig", greeting), ("InstanceId", "i1")],
            _ => vec![("InstanceId", "i1")],
        };
        let query = query(seen);
        let query: Vec<_> = query.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(query, expected, "{name}");
    }
    let nonces: std::collections::BTreeSet<_> =
        seen.iter().map(|seen| seen.header("x-acs-signature-nonce")).collect();
    assert_eq!(nonces.len(), 5);
}

#[tokio::test]
async fn the_answers_are_typed() {
    let stub = five().await;
    let client = client(&stub);
    let call = client.generate_call(&generate()).await.unwrap();
    assert_eq!((&*call.instance_id, &*call.channel_id, &*call.agent_user_id), ("i1", "c1", "a1"));
    assert_eq!(call.token.expose(), "user token");
    assert_eq!((call.user_id.as_deref(), call.request_id.as_deref()), (Some("u1"), Some("r1")));
    let started = client.start_instance(&start()).await.unwrap();
    assert_eq!((&*started.instance_id, started.request_id.as_deref()), ("i1", Some("r1")));
    let stopped = client.stop_instance(&StopInstanceRequest::new("i1")).await.unwrap();
    assert_eq!(stopped.request_id.as_deref(), Some("r1"));
    let updated = client.update_instance(&update()).await.unwrap();
    assert_eq!(updated.request_id.as_deref(), Some("r1"));
    let described = client.describe_instance(&DescribeInstanceRequest::new("i1")).await.unwrap();
    let instance = &described.instance;
    assert_eq!(instance.status, Some(InstanceStatus::Executing));
    let runtime = instance.runtime_config.as_ref().unwrap();
    assert_eq!(runtime.auth_token.as_ref().unwrap().expose(), AUTH_TOKEN);
    let config = instance.agent_config.as_ref().unwrap();
    assert_eq!((config.volume, config.back_channeling[0].enable), (Some(90), Some(true)));
}

#[tokio::test]
async fn unset_parameters_are_left_out() {
    let stub =
        Stub::new(vec![ok(&good("generate")), ok(&good("start")), ok(&good("update"))]).await;
    let client = client(&stub);
    client.generate_call(&GenerateCallRequest::new("agent-1")).await.unwrap();
    let runtime = RuntimeConfig::new("a1", "c1", "t");
    client.start_instance(&StartInstanceRequest::new("agent-1", runtime)).await.unwrap();
    client.update_instance(&UpdateInstanceRequest::new("i1")).await.unwrap();
    let lines: Vec<_> = stub.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "POST /?AIAgentId=agent-1 HTTP/1.1",
            "POST /?AIAgentId=agent-1&RuntimeConfig=%7B%22AgentUserId%22%3A%22a1%22%2C%22ChannelId\
             %22%3A%22c1%22%2C%22AuthToken%22%3A%22t%22%7D HTTP/1.1",
            "POST /?InstanceId=i1 HTTP/1.1",
        ]
    );
}

#[tokio::test]
async fn parameters_are_encoded_as_they_are_signed() {
    let stub = Stub::answering(json_answer("200 OK", "{}")).await;
    let client = client(&stub);
    for (id, encoded) in [
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("a&InstanceId=b", "a%26InstanceId%3Db"),
        ("a#b?c/d\\e", "a%23b%3Fc%2Fd%5Ce"),
        ("-._~*'()!$,;:@", "-._~%2A%27%28%29%21%24%2C%3B%3A%40"),
        ("50%25", "50%2525"),
        ("你好 🎧", "%E4%BD%A0%E5%A5%BD%20%F0%9F%8E%A7"),
        ("a\r\nx-acs-action: b\0", "a%0D%0Ax-acs-action%3A%20b%00"),
        ("", ""),
    ] {
        client.stop_instance(&StopInstanceRequest::new(id)).await.unwrap();
        let seen = stub.seen().pop().unwrap();
        assert_eq!(seen.line, format!("POST /?InstanceId={encoded} HTTP/1.1"));
        assert_eq!(query(&seen), [("InstanceId".to_owned(), id.to_owned())]);
        is_signed(&seen, key()).await;
    }
}

#[tokio::test]
async fn the_signature_follows_the_vendors_rule() {
    let stub = five().await;
    let now = humantime::parse_rfc3339("2026-01-02T03:04:05Z").unwrap();
    let key = key().with_token(STS);
    let client = Client::builder(key.clone()).base_url(&stub.url).clock(now).build().unwrap();
    call(&client, "generate").await.unwrap();
    let seen = stub.seen().remove(0);
    assert_eq!(seen.header("x-acs-date"), Some("2026-01-02T03:04:05Z"));
    assert_eq!(seen.header("x-acs-security-token"), Some(STS));
    // Written independently, from the vendor's document.
    let names = "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;\
                 x-acs-signature-nonce;x-acs-version";
    let canonical: String =
        names.split(';').map(|name| format!("{name}:{}\n", seen.header(name).unwrap())).collect();
    let raw = uri(&seen).query().unwrap().to_owned();
    let request = format!("POST\n/\n{raw}\n{canonical}\n{names}\n{EMPTY}");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let text = format!("ACS3-HMAC-SHA256\n{}", hex(&Sha256::digest(request.as_bytes())));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let signature = hex(&mac.finalize().into_bytes());
    let expected =
        format!("ACS3-HMAC-SHA256 Credential={KEY},SignedHeaders={names},Signature={signature}");
    assert_eq!(seen.header("authorization"), Some(&*expected));
}

#[tokio::test]
async fn back_channeling_is_sent_in_the_spelling_of_ice_and_nothing_else_changes() {
    let stub = five().await;
    let client = client(&stub);
    let plain = serde_json::to_value(channeling()).unwrap();
    assert_eq!(plain["BackChannelingConfig"][0]["Enable"], true, "the SDK of the apps");
    let expected = json!({
        "Greeting": "Hello, \"you\" & me!",
        "BackChannelingConfigs": [
            {"Enabled": true, "TriggerStage": "pause_detected", "Probability": 0.5,
                "Words": [{"Text": "BackChannelingConfig Enable", "Probability": 1.0}]},
            {"Enabled": false, "TriggerStage": "pause_detected", "Probability": 0.5, "Words": []},
        ],
    });
    let data = r#"{"BackChannelingConfig":[{"Enable":true}]}"#;
    let call = generate().with_agent_config(channeling()).with_user_data(data);
    client.generate_call(&call).await.unwrap();
    client.start_instance(&start().with_agent_config(channeling())).await.unwrap();
    client.stop_instance(&StopInstanceRequest::new("i1")).await.unwrap();
    client.update_instance(&update().with_agent_config(channeling())).await.unwrap();
    let seen = stub.seen();
    for index in [0, 1, 3] {
        let config = parameter(&seen[index], "AgentConfig");
        assert_eq!(serde_json::from_str::<Value>(&config).unwrap(), expected);
        // What is sent is read back as what was set.
        assert_eq!(serde_json::from_str::<AgentConfig>(&config).unwrap(), channeling());
    }
    assert_eq!(parameter(&seen[0], "UserData"), data);
    assert_eq!(parameter(&seen[0], "TemplateConfig"), r#"{"VoiceChat":{"Greeting":"Hi"}}"#);
}

#[tokio::test]
async fn a_request_that_violates_the_spec_is_not_sent() {
    let stub = five().await;
    let client = client(&stub);
    let mut loud = agent_config();
    loud.volume = Some(401);
    for (request, pointers) in [
        (generate().with_user_id("u".repeat(65)), vec!["/UserId"]),
        (generate().with_expire(Duration::from_secs(604_801)), vec!["/Expire"]),
        (generate().with_expire(Duration::from_millis(1500)), vec!["/Expire"]),
        (
            generate().with_user_id("u".repeat(65)).with_agent_config(loud),
            vec!["/UserId", "/AgentConfig/Volume"],
        ),
        (generate().with_user_data("x".repeat(65_534)), vec!["/UserData"]),
    ] {
        let error = client.generate_call(&request).await.unwrap_err();
        let found: Vec<_> = error.violations().unwrap().iter().map(|it| it.pointer()).collect();
        assert_eq!(found, pointers);
        let error = client.generate(None, request).await.unwrap_err();
        assert_eq!((error.status(), error.code()), (400, Some("InvalidParameter")));
        for pointer in pointers {
            assert!(error.message().contains(&format!("{pointer}: ")), "{error}");
        }
    }
    assert_eq!(stub.connections(), 0);
}

#[tokio::test]
async fn the_longest_url_is_sent_and_a_longer_one_is_not() {
    let stub = five().await;
    let client = client(&stub);
    let room = 65_534 - format!("{}/?InstanceId=", stub.url).len();
    let long = StopInstanceRequest::new("i".repeat(room + 1));
    let error = client.stop_instance(&long).await.unwrap_err();
    assert!(error.to_string().starts_with("not sent: /InstanceId: "), "{error}");
    assert_eq!(stub.connections(), 0);
    let longest = StopInstanceRequest::new("i".repeat(room));
    client.stop_instance(&longest).await.unwrap();
    is_signed(&stub.seen()[0], key()).await;
}

#[tokio::test]
async fn only_describe_is_retried_and_each_attempt_is_signed_anew() {
    let again = CallOptions::new().retries(Retries::up_to(2).initial_backoff(Duration::ZERO));
    for (status, body) in [
        ("503 Service Unavailable", "no"),
        ("503 Service Unavailable", r#"{"Code":"ServiceUnavailable"}"#),
        ("429 Too Many Requests", "{}"),
        ("400 Bad Request", r#"{"Code":"Throttling"}"#),
        ("400 Bad Request", r#"{"Code":"Throttling.Api"}"#),
    ] {
        for name in CALLS {
            let stub = Stub::answering(json_answer(status, body)).await;
            let built = builder(&stub).options(again.clone()).build().unwrap();
            for client in [
                &built,
                &client(&stub).with_options(again.clone()),
                &built.with_region("cn-beijing").unwrap(),
            ] {
                let before = stub.seen().len();
                let error = call(client, name).await.unwrap_err();
                assert!(error.is_retryable(), "{name} {status} {body}");
                let seen = stub.seen().split_off(before);
                assert_eq!(seen.len(), if name == "describe" { 3 } else { 1 }, "{name} {body}");
                let verifier = Verifier::new(key()).schemes([Scheme::Full]);
                for seen in &seen {
                    // The verifier refuses a repeated nonce.
                    let verified =
                        verifier.verify(&Method::POST, &uri(seen), &headers(seen), b"").await;
                    assert!(verified.is_ok(), "{verified:?}");
                }
            }
        }
    }
    for (status, body) in [("400 Bad Request", r#"{"Code":"Thro"}"#), ("500 Oh", FORBIDDEN)] {
        let stub = Stub::answering(json_answer(status, body)).await;
        let client = builder(&stub).options(again.clone()).build().unwrap();
        assert!(!call(&client, "describe").await.unwrap_err().is_retryable());
        assert_eq!(stub.seen().len(), 1, "{body}");
    }
}
