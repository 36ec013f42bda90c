//! A soak of the example `serve`, to be started by hand; it takes seven minutes:
//!
//! ```sh
//! cargo test --all-features --test examples -- --ignored --nocapture soak
//! ```
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use callbot::digital_employee::{
    AbortDialogueRequest, AbortDialogueRequestFields, AbortType, AnswerMode, BeginSessionRequest,
    BeginSessionRequestFields, Client, DialogueRequest, DialogueRequestFields, EndSessionRequest,
    EndSessionRequestFields, VendorParams,
};
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::sleep;

use crate::process::{LOCAL, example};

const CALLS: usize = 500;
const TURNS: usize = 6;
/// Calls that run at the same time.
const TOGETHER: usize = 50;
const MS: Duration = Duration::from_millis(1);

/// How much of the machine the server holds.
#[derive(Debug, Clone, Copy)]
struct Held {
    descriptors: usize,
    kilobytes: usize,
}

impl Held {
    fn of(process: u32) -> Self {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes = line.trim().trim_end_matches(" kB").parse().unwrap();
        let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap().count();
        Self { descriptors, kilobytes }
    }
}

/// Plays a call in which each turn is heard to its end, cut by a barge-in, left in mid-stream, or read slowly.
async fn play(client: &Client, call: &str) -> HashMap<&'static str, usize> {
    let mut played = HashMap::new();
    let begin = BeginSessionRequest::new(BeginSessionRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "n",
        script_id: "s",
        session_id: call,
        stream_id: "begin",
        vendor_params: VendorParams::new("13500000001", "4000000000"),
    });
    let greeting = client.begin_session(&begin).await.unwrap();
    assert!(greeting.into_events(AnswerMode::Cumulative).all(async |packet| packet.is_ok()).await);
    for turn in 0..TURNS {
        let stream = format!("t-{turn}");
        let request = DialogueRequest::new(DialogueRequestFields {
            request_id: "r",
            tenant_id: 1,
            instance_id: "n",
            script_id: "s",
            session_id: call,
            stream_id: &stream,
            utterance: "a story",
        });
        let mut story =
            client.dialogue(&request).await.unwrap().into_events(AnswerMode::Cumulative);
        let first = story.next().await.unwrap().unwrap().text;
        let how = ["to its end", "barge-in", "death", "slow reader"][fastrand::usize(..4)];
        *played.entry(how).or_default() += 1;
        match how {
            "barge-in" => {
                sleep(fastrand::u32(..200) * MS).await;
                let abort = AbortDialogueRequest::new(AbortDialogueRequestFields {
                    request_id: "r",
                    tenant_id: 1,
                    instance_id: "n",
                    session_id: call,
                    stream_id: &stream,
                    type_: AbortType::Interrupted,
                })
                .with_answer(first);
                client.abort_dialogue(&abort).await.unwrap();
            }
            "death" => {
                sleep(fastrand::u32(..200) * MS).await;
                drop(story);
                continue;
            }
            "slow reader" => sleep(fastrand::u32(500..1500) * MS).await,
            _ => {}
        }
        while let Some(packet) = story.next().await {
            packet.unwrap();
        }
    }
    let end = EndSessionRequest::new(EndSessionRequestFields {
        request_id: "r",
        tenant_id: 1,
        instance_id: "n",
        script_id: "s",
        session_id: call,
    });
    client.end_session(&end).await.unwrap();
    played
}

/// Plays `calls` calls, `TOGETHER` at a time, on connections of their own that are closed at the end.
async fn round(url: &str, name: &str, calls: usize) -> HashMap<&'static str, usize> {
    let mut played = HashMap::new();
    for batch in (0..calls).collect::<Vec<_>>().chunks(TOGETHER) {
        let running = batch.iter().map(|call| {
            let (url, call) = (url.to_owned(), format!("{name}-{call}"));
            tokio::spawn(async move { play(&Client::new(&url).unwrap(), &call).await })
        });
        for call in running.collect::<Vec<_>>() {
            for (how, count) in call.await.unwrap() {
                *played.entry(how).or_default() += count;
            }
        }
    }
    played
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes seven minutes"]
async fn soak() {
    let mut serve = example("serve", LOCAL, &[]);
    let mut child = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = stdout.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let lines = tokio::spawn(async move {
        let mut lines = Vec::new();
        while let Some(line) = stderr.next_line().await.unwrap() {
            lines.push(line);
        }
        lines
    });

    // What a process takes once and keeps.
    round(&url, "warm", 2 * TOGETHER).await;
    sleep(2000 * MS).await;
    let process = child.id().unwrap();
    let before = Held::of(process);
    let played = round(&url, "call", CALLS).await;
    sleep(2000 * MS).await;
    let after = Held::of(process);
    child.kill().await.unwrap();
    let lines = lines.await.unwrap();
    println!("{CALLS} calls of {TURNS} turns: {played:?}");
    println!("before: {before:?}, after: {after:?}, lines in the log: {}", lines.len());

    assert!(after.descriptors <= before.descriptors, "{before:?}, {after:?}");
    assert!(after.kilobytes <= before.kilobytes + 4096, "{before:?}, {after:?}");
    assert!(lines.len() < 20, "{}", lines.join("\n"));
}
