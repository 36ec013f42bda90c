//! The example `agent` as a process: what it prints of the app server, and of a call from its start to its
//! end.
#![cfg(all(
    unix,
    feature = "aui",
    feature = "bot",
    feature = "chat",
    feature = "client",
    feature = "server"
))]

use crate::process::example;

#[tokio::test]
async fn an_app_server_a_bot_and_callbacks_carry_a_call_to_its_end() {
    for base in ["v1", "v2"] {
        let output = example("agent", &["--base", base], &[]).output().await.unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{printed}{errors}");
        let (_, call) = printed.split_once("a call, instance ").expect("a call");
        let lines: Vec<_> = call.lines().skip(1).map(str::trim).collect();
        let expected = [
            "user:  What is my balance?",
            "agent: Your balance is 1234 euros and 56 cents.",
            "user:  Thank you, bye.",
            "agent: Goodbye.",
            "(the agent hangs up)",
        ];
        assert_eq!(lines[..5], expected, "{printed}");
        assert!(lines[5].starts_with("(the bot learns from a callback"), "{printed}");
        assert!(printed.contains("an agent that is not there: "), "{printed}");
    }
}

#[tokio::test]
async fn another_app_server_is_called_without_a_conversation() {
    let options = ["--listen", "127.0.0.1:0"];
    let serve = example("serve", &options, &[]);
    let (_child, url) = crate::process::start(serve).await.expect("the server ended");
    let output = example("agent", &["--url", &url], &[]).output().await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("started: instance ") && !printed.contains("a call, instance "));
}
