//! The example `sign`: the headers that it prints open the door of `serve`, and of no other path.
#![cfg(all(
    unix,
    feature = "bot",
    feature = "digital-employee",
    feature = "duix",
    feature = "odfs",
    feature = "aui",
    feature = "client"
))]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::process::{LOCAL, example};
use crate::serve::start;

/// Sends headers as curl does, and returns the status.
async fn post(url: &str, path: &str, headers: &str) -> u16 {
    let mut lines = String::new();
    for line in headers.lines() {
        lines += &line.strip_suffix(';').map_or(line.to_owned(), |name| format!("{name}:"));
        lines += "\r\n";
    }
    let body = r#"{"requestId":"r","tenantId":1,"instanceId":"n","scriptId":"s","sessionId":"c"}"#;
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: bot\r\nconnection: close\r\ncontent-length: {length}\r\n\
         content-type: application/json\r\n{lines}\r\n{body}"
    );
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer[9..12].parse().unwrap()
}

async fn sign(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = example("sign", arguments, variables).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_printed_headers_open_the_door_for_their_path() {
    let (_child, url) =
        start(&[LOCAL, &["--key-id", "key-2"]].concat(), &[("CALLBOT_KEY_SECRET", "secret-2")])
            .await;
    let end = format!("{url}/proxy/endSession");
    let signed = sign(&["--key-id", "key-2", &end], &[("CALLBOT_KEY_SECRET", "secret-2")]).await;
    assert_eq!(post(&url, "/proxy/endSession", &signed).await, 200);
    assert_eq!(post(&url, "/proxy/abortDialogue", &signed).await, 403);
    let other_key = sign(&[&end], &[]).await;
    assert_eq!(post(&url, "/proxy/endSession", &other_key).await, 403);
}

#[tokio::test]
async fn without_arguments_it_signs_for_the_key_of_the_recipe() {
    let (_child, url) =
        start(&[LOCAL, &["--key-id", "key-1"]].concat(), &[("CALLBOT_KEY_SECRET", "secret-1")])
            .await;
    let signed = sign(&[], &[]).await;
    assert_eq!(post(&url, "/proxy/endSession", &signed).await, 200);
}

#[tokio::test]
async fn arguments_that_it_does_not_know_are_an_error() {
    let output = example("sign", &["--body"], &[]).output().await.unwrap();
    assert!(!output.status.success());
}
