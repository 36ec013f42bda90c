//! What is traced, and which secrets are not.

use super::*;

#[tokio::test]
async fn secrets_are_not_traced() {
    let (traces, _guard) = traced();
    let mut bench = Bench::with(Act::Well, |server| server.trace_content(true)).await;
    for (path, name, body) in places() {
        let mut body = changed(&body, "token", Some("sent-token-1".into()));
        body["Authorization"] = "sent-token-2".into();
        body["user_data"] = json!({"rtc_auth_token": "sent-token-3"});
        let _ = bench.ask_as("a", &path, &body).await;
        bench.ask_as("no", &path, &body).await;
        bench
            .peer
            .ask(
                &Post::new(&path, "{\"token\":\"sent-token-4")
                    .header("authorization", "auth-secret"),
            )
            .await;
        bench.ask_as("auth-secret", &path, &body).await;
        assert!(!traces.with(&[name, "request"]).is_empty(), "{name} is not traced");
    }
    for shown in ["agent-1", "cn-shanghai", "answer", "request"] {
        assert!(!traces.with(&[shown]).is_empty(), "no {shown}");
    }
    for secret in ["rtc-token-1", "sign-1", "chat-token-1", "sent-token", "auth-secret"] {
        assert_eq!(traces.with(&[secret]), [""; 0], "{secret}");
    }
}

#[tokio::test]
async fn the_token_of_an_agent_is_not_traced() {
    let (traces, _guard) = traced();
    let mut bench = Bench::with(Act::Well, |server| server.trace_content(true)).await;
    let body = &current()[1].1;
    bench.ask(&format!("{V2}/describeAIAgentInstance"), body).await.good();
    assert_eq!(traces.with(&["agent-token"]), [""; 0]);
}

#[tokio::test]
async fn content_is_not_traced_by_default() {
    let (traces, _guard) = traced();
    let mut bench = Bench::new().await;
    for (path, _, body) in places() {
        bench.ask(&path, &changed(&body, "user_id", Some("the-user-1".into()))).await.good();
    }
    assert_eq!(traces.with(&["the-user-1"]), [""; 0]);
    assert_eq!(traces.with(&["rtc-token-1"]), [""; 0]);
}
