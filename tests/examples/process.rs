//! Runs the examples. `cargo test` builds them together with the tests.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Every variable that changes what the examples do. Each run starts without them.
const VARIABLES: [&str; 17] = [
    "RUST_LOG",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "OPENAI_MODEL",
    "FC_SERVER_PORT",
    "FC_CUSTOM_LISTEN_PORT",
    "CALLBOT_DUIX_SECRET",
    "CALLBOT_AICALL_TOKEN",
    "CALLBOT_AUI_TOKEN",
    "CALLBOT_CHAT_KEY",
    "CALLBOT_RTC_APP_ID",
    "CALLBOT_RTC_APP_KEY",
    "CALLBOT_MESSAGE_APP_ID",
    "CALLBOT_MESSAGE_APP_KEY",
    "CALLBOT_MESSAGE_APP_SIGN",
    "CALLBOT_ODFS_APP_KEY",
    "CALLBOT_ODFS_APP_SECRET",
];

pub(crate) const LOCAL: &[&str] = &["--listen", "127.0.0.1:0"];

/// Returns a command that runs an example, and kills it when its handle is dropped.
pub(crate) fn example(name: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    assert!(path.exists(), "run `cargo build --example {name} --all-features` first");
    let mut command = Command::new(path);
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command.args(arguments).envs(variables.iter().copied()).kill_on_drop(true);
    command
}

/// Starts a server. Returns it with the URL that it prints when it is ready, or `None` if it ends
/// before.
pub(crate) async fn start(mut command: Command) -> Option<(Child, String)> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap()?;
    let url = line.strip_prefix("listening on ").unwrap_or_else(|| panic!("{line}"));
    Some((child, url.to_owned()))
}
