//! What must not show in errors, `Debug` and traces.

use super::*;

/// A transport whose error contains an address that must not reach apps.
struct Loose;

impl Transport for Loose {
    fn send(
        &self,
        _: reqwest::Request,
    ) -> BoxFuture<'_, Result<reqwest::Response, TransportError>> {
        Box::pin(async { Err(TransportError::new("no way to 10.1.2.3")) })
    }
}

#[tokio::test]
async fn the_text_of_a_transport_error_does_not_reach_apps() {
    let client = Client::builder(key()).transport(Loose).build().unwrap();
    let error = ask(&client, "start", None).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("10.1.2.3"), "{error:?}");
    // The operator of the server can get it from the source.
    let source = std::error::Error::source(&error).unwrap();
    assert!(format!("{source:?}").contains("10.1.2.3"), "{source:?}");
}

#[track_caller]
fn hides(what: &str, text: &str) {
    for secret in [SECRET, STS, AUTH_TOKEN, "eyJhcHBpZCI6ImFi", "user token", "wrong form"] {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

#[tokio::test]
async fn secrets_do_not_show() {
    let (traces, guard) = traced();
    let key = key().with_token(STS);
    let encoded: String = form_urlencoded::byte_serialize(AUTH_TOKEN.as_bytes()).collect();
    let twice: String = form_urlencoded::byte_serialize(encoded.as_bytes()).collect();
    let canonical = format!("POST\n/\nRuntimeConfig={encoded}\nx-acs-security-token:{STS}");
    let bodies = [
        json!({"Code": "SignatureDoesNotMatch", "Message": canonical, "RequestId": "r-1"}),
        json!({"code": "IncompleteSignature", "message": canonical}),
        json!({"Code": "InvalidSecurityToken.Malformed", "Message": format!("token {STS}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {AUTH_TOKEN}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {encoded}")}),
        json!({"Code": "InvalidParameter", "Message": format!("no token: {twice}")}),
        json!({"Token": ["wrong form"], "InstanceId": {"wrong form": 1}}),
        json!([STS, AUTH_TOKEN]),
    ];
    for body in bodies.iter().chain(CALLS.map(good).iter()) {
        for status in ["200 OK", "400 Bad Request", "503 Service Unavailable"] {
            let stub = Stub::answering(json_answer(status, &body.to_string())).await;
            let again =
                CallOptions::new().retries(Retries::up_to(1).initial_backoff(Duration::ZERO));
            let builder = Client::builder(key.clone()).base_url(&stub.url).options(again);
            hides("the builder", &format!("{builder:?}"));
            let client = builder.build().unwrap();
            hides("the client", &format!("{client:?}"));
            assert!(!format!("{client:?}").contains(&stub.url));
            for name in CALLS {
                // Only a start has an agent's token to hide.
                let text = body.to_string();
                if name != "start" && text.contains("no token") {
                    continue;
                }
                if let Err(error) = call(&client, name).await {
                    let what = format!("{name} {status} {body}");
                    hides(&what, &format!("{error} {error:?} {error:#?}"));
                }
                if let Err(error) = ask(&client, name, None).await {
                    hides(name, &format!("{error} {error:?}"));
                }
            }
        }
    }
    let generated = format!("{:?}", client_answer().await);
    hides("the answer", &generated);
    for base in ["http://127.0.0.1:1", "http://nowhere.invalid"] {
        let client = Client::builder(key.clone()).base_url(base).build().unwrap();
        let error = call(&client, "start").await.unwrap_err();
        assert!(error.is_transport(), "{error}");
        hides(base, &format!("{error} {error:?}"));
        ask(&client, "start", None).await.unwrap_err();
    }
    drop(guard);
    let text = traces.text();
    for part in ["response received", "no response", "retrying: ", "a call to ICE failed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    hides("the traces", &text);
}

async fn client_answer() -> impl std::fmt::Debug {
    let stub = five().await;
    client(&stub).generate_call(&generate()).await.unwrap()
}

#[tokio::test]
async fn messages_without_secrets_are_kept() {
    let body = json!({"Code": "InvalidParameter", "Message": "RuntimeConfig is not valid: eyJ"});
    let stub = Stub::answering(json_answer("400 Bad Request", &body.to_string())).await;
    for token in [AUTH_TOKEN, "", "-", "short", "valid-no"] {
        let runtime = RuntimeConfig::new("a1", "c1", token);
        let request = StartInstanceRequest::new("agent-1", runtime);
        let error = client(&stub).start_instance(&request).await.unwrap_err();
        let message = error.failure().unwrap().message();
        assert_eq!(message, Some("RuntimeConfig is not valid: eyJ"), "{token}");
    }
    let request = StartInstanceRequest::new("agent-1", RuntimeConfig::new("a1", "c1", "valid:"));
    let error = client(&stub).start_instance(&request).await.unwrap_err();
    assert_eq!(error.failure().unwrap().message(), None);
}
