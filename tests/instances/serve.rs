//! Two processes of the example `serve` over one Redis.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::line::{LONG, Line};
use crate::redis::Redis;

/// A command that runs the example. `cargo test` builds it together with the tests.
fn serve(arguments: &[&str]) -> Command {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples/serve");
    assert!(path.exists(), "run `cargo build --example serve --all-features` first");
    let mut command = Command::new(path);
    command.args(["--listen", "127.0.0.1:0"]).args(arguments).env_remove("CALLBOT_REDIS");
    command.kill_on_drop(true);
    command
}

async fn start(arguments: &[&str]) -> (Child, Line) {
    let mut command = serve(arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(LONG, lines.next_line()).await.expect("it does not start").unwrap();
    let line = line.expect("it has ended");
    let line = Line::new(line.strip_prefix("listening on ").unwrap());
    (child, line)
}

#[tokio::test]
async fn two_processes_of_serve_share_their_calls() {
    let redis = Redis::start();
    let url = redis.url();
    let arguments = ["--redis", url.as_str()];
    let ((_here, here), (_there, there)) = tokio::join!(start(&arguments), start(&arguments));
    // The story takes six seconds.
    let mut reply = here.start("c", "1", "a story").await;
    reply.until("coin").await;
    there.abort("c", "1", "Once upon a time").await.unwrap();
    assert!(!reply.rest().await.text().contains("ever after"));
    let mut reply = there.start("c", "2", "a story").await;
    reply.until("coin").await;
    assert_eq!(here.text("c", "3", "Hello!").await, "Hello!");
    assert!(!reply.rest().await.text().contains("ever after"));
    there.end("c").await.unwrap();
    // With another prefix, it is another bot.
    let arguments = ["--redis", url.as_str(), "--redis-prefix", "other"];
    let (_other, other) = start(&arguments).await;
    assert_eq!(other.text("c", "3", "balance").await, "Your balance is 1234 euros and 56 cents.");
}

#[tokio::test]
async fn serve_says_that_redis_is_away_and_does_not_show_the_password() {
    let mut redis = Redis::start();
    redis.kill();
    let url = format!("redis://:hush-4711@{}", redis.address());
    let mut command = serve(&[]);
    let command = command.env("CALLBOT_REDIS", url).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut error = String::new();
    let mut stderr = child.stderr.take().unwrap();
    timeout(LONG, stderr.read_to_string(&mut error)).await.expect("it hangs").unwrap();
    assert!(!timeout(LONG, child.wait()).await.unwrap().unwrap().success());
    assert!(error.contains("serve: --redis: the store of calls can't be reached: "), "{error}");
    assert!(!error.contains("hush-4711"), "{error}");
}
