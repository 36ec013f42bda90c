//! The example `ivr` as a process: on its own, against another server, and against the example `serve`.
//! Its exit code says whether every step succeeded.

#![cfg(all(unix, feature = "odfs", feature = "client", feature = "server"))]

use callbot::odfs::{Issuer, Server};
use serde_json::json;

use crate::process::example;
use crate::support::odfs::*;

const KEY: &str = "CALLBOT_ODFS_APP_KEY";
const SECRET: &str = "CALLBOT_ODFS_APP_SECRET";

/// Runs `ivr`. Returns whether it succeeded, its standard output and its standard error.
async fn ivr(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let mut command = example("ivr", arguments, variables);
    let output = soon("the end of the example", command.output()).await.unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.success(), out, err)
}

/// Checks that every step succeeded.
fn assert_good((success, out, err): (bool, String, String)) {
    assert!(success, "{out}{err}");
    assert_eq!(err, "");
    for call in ["A call that the flow releases:", "A call that is transferred:", "hangs up:"] {
        assert!(out.contains(call), "{out}");
    }
    assert!(!out.contains("WRONG"), "{out}");
    assert_eq!(out.lines().last(), Some("15 steps, 0 wrong"));
    // Each step has its name and its outcome.
    let steps: Vec<_> = out.lines().filter(|line| line.starts_with("  -> ")).collect();
    let answers: Vec<_> = out.lines().filter(|line| line.starts_with("  <- ")).collect();
    assert_eq!((steps.len(), answers.len()), (15, 15), "{out}");
    for (answer, count) in [("Interact (9)", 9), ("Release (10)", 5), ("Transfer (11)", 1)] {
        let such = answers.iter().filter(|line| line.contains(answer)).count();
        assert_eq!(such, count, "{answer}: {out}");
    }
    assert!(out.contains("1234 euros and 56 cents."), "{out}");
}

#[tokio::test]
async fn on_its_own_every_step_succeeds() {
    assert_good(ivr(&[], &[]).await);
    assert_good(ivr(&["--vdn", "vdn-1"], &[]).await);
    assert_good(ivr(&["--vdn", "a b/c"], &[]).await);
    // The account applies only to another server.
    assert_good(ivr(&[], &[(KEY, "tenant-9"), (SECRET, "secret-9")]).await);
}

#[tokio::test]
async fn a_failed_step_sets_the_exit_code() {
    // The parrot repeats what is said, and knows no balances.
    let router = Server::new(Parrot).router();
    let url = format!("http://{}", start_router(router).await);
    let (success, out, err) = ivr(&["--url", &url], &[]).await;
    assert!(!success, "{out}");
    assert!(out.contains("WRONG: expected \"1234 euros\""), "{out}");
    let last = out.lines().last().unwrap();
    let wrong = last.strip_prefix("15 steps, ").and_then(|rest| rest.strip_suffix(" wrong"));
    let wrong: usize = wrong.unwrap_or_else(|| panic!("{last}")).parse().unwrap();
    assert_eq!(out.matches("WRONG").count(), wrong);
    assert!((1..15).contains(&wrong), "{last}");
    assert_eq!(err, format!("ivr: {wrong} steps were wrong\n"));

    // Nothing listens.
    let bound = tokio::net::TcpSocket::new_v4().unwrap();
    bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", bound.local_addr().unwrap());
    let (success, out, _) = ivr(&["--url", &url], &[]).await;
    assert!(!success && out.contains("an error: process: "), "{out}");
}

#[tokio::test]
async fn another_server_is_called_with_the_account_from_the_environment() {
    let account = [(KEY, "tenant-7"), (SECRET, "secret-7")];
    for (variables, tokens, token_used) in [(&account[..], 1, "t-7"), (&[], 0, "none")] {
        for (arguments, path) in [(&[][..], V1), (&["--vdn", "vdn-1"], V2)] {
            let stub = Stub::new(|seen, _| match seen.is_token() {
                true => say(&token("t-7", 3600)),
                false => say(&release()),
            })
            .await;
            let mut all = vec!["--url", stub.url.as_str()];
            all.extend(arguments);
            let (success, out, _) = ivr(&all, variables).await;
            assert!(!success, "it was no clerk: {out}");
            let (asked, steps) = stub.counts();
            assert_eq!(asked, tokens);
            assert!(steps > 3, "{steps}");
            for seen in stub.steps() {
                assert_eq!((seen.path(), seen.token()), (path, token_used.into()));
            }
            if tokens > 0 {
                let body = json!({"appKey": "tenant-7", "appSecret": "secret-7"});
                assert_eq!(stub.seen()[0].json(), body);
            }
            assert!(!out.contains("secret-7") && !out.contains("t-7"), "{out}");
        }
    }
}

#[tokio::test]
async fn a_wrong_account_is_an_error_of_every_step() {
    let issuer = Issuer::new().account("tenant-7", "secret-7");
    let router = Server::new(Parrot).issuer(issuer).router();
    let url = format!("http://{}", start_router(router).await);
    for (variables, text) in [
        (&[(KEY, "tenant-7"), (SECRET, "guess-4711")][..], "getToken: failure 900002"),
        (&[], "process: failure 900002"),
    ] {
        let (success, out, err) = ivr(&["--url", &url], variables).await;
        assert!(!success && out.contains(text), "{out}");
        assert!(!out.contains("guess-4711") && !err.contains("guess-4711"), "{out}{err}");
    }
}

#[tokio::test]
async fn invalid_arguments_are_an_error_at_the_start() {
    for (arguments, says) in [
        (&["--url"][..], "ivr: missing argument for option '--url'"),
        (&["--vdn"], "ivr: missing argument for option '--vdn'"),
        (&["--listen", "x"], "ivr: invalid option '--listen'"),
        (&["--url", "nowhere"], "ivr: the client can't be built: "),
        (&["--url", "ftp://odfs"], "ivr: the client can't be built: "),
    ] {
        let (success, out, err) = ivr(arguments, &[]).await;
        assert!(!success);
        assert_eq!(out, "");
        assert!(err.starts_with(says), "{err}");
    }
}

/// The example `serve` needs the features of all platforms.
#[cfg(all(feature = "digital-employee", feature = "duix"))]
mod against_serve {
    use tokio::process::Child;

    use super::*;
    use crate::process::{self, LOCAL};

    const ACCOUNT: [(&str, &str); 2] = [(KEY, "tenant-7"), (SECRET, "secret-7")];

    async fn started(variables: &[(&str, &str)]) -> (Child, String) {
        let server = process::start(example("serve", LOCAL, variables));
        soon("the server", server).await.expect("the server ended")
    }

    #[tokio::test]
    async fn with_the_same_account_on_both_sides_every_step_succeeds() {
        let (_child, url) = started(&ACCOUNT).await;
        assert_good(ivr(&["--url", &url], &ACCOUNT).await);
        assert_good(ivr(&["--url", &url, "--vdn", "vdn-1"], &ACCOUNT).await);
        let wrong = [(KEY, "tenant-7"), (SECRET, "secret-8")];
        for variables in [&wrong[..], &[]] {
            let (success, out, _) = ivr(&["--url", &url], variables).await;
            assert!(!success && !out.ends_with(" 0 wrong\n"), "{out}");
        }
    }

    #[tokio::test]
    async fn without_an_account_on_either_side_every_step_succeeds() {
        let (_child, url) = started(&[]).await;
        assert_good(ivr(&["--url", &url], &[]).await);
        // The server issues no tokens.
        let (success, out, _) = ivr(&["--url", &url], &ACCOUNT).await;
        assert!(!success && out.contains("getToken: failure 10000003"), "{out}");
    }

    #[tokio::test]
    async fn half_an_account_is_an_error_at_the_start_of_the_server() {
        for variable in ACCOUNT {
            let output =
                soon("the end", example("serve", LOCAL, &[variable]).output()).await.unwrap();
            assert!(!output.status.success());
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(error.contains(&format!("{KEY} and {SECRET} go together")), "{error}");
            assert!(!error.contains("secret-7"), "{error}");
        }
    }
}
