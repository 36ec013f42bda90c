//! How often a reply in many pieces repeats its text, in memory and with a paused clock.

use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use callbot::digital_employee::{AnswerMode, HangUp, Server};
use futures_util::StreamExt;
use http::Request;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tower_service::Service;

use crate::support::digital_employee::*;

/// How many bytes of text are never held.
const FREE: usize = 256 << 10;

/// A packet: when it arrived after the request, its bytes, and its JSON.
struct Arrived {
    at: Duration,
    bytes: usize,
    json: Value,
}

impl Arrived {
    fn text(&self) -> &str {
        self.json["data"]["answer"].as_str().unwrap_or_default()
    }
}

/// Returns the packets of a turn.
async fn packets<F: Speak>(server: Server<Bot<F>>) -> Vec<Arrived> {
    let request = Request::post(DIALOGUE).body(Body::from(valid(DIALOGUE).to_string())).unwrap();
    let start = Instant::now();
    let response = server.router().call(request).await.unwrap();
    let mut body = pin!(response.into_body().into_data_stream());
    let mut packets = Vec::new();
    while let Some(bytes) = body.next().await {
        let bytes = bytes.unwrap();
        let json = packet(std::str::from_utf8(&bytes).unwrap());
        packets.push(Arrived { at: start.elapsed(), bytes: bytes.len(), json });
    }
    packets
}

/// The longest time that a text of so many bytes is held.
fn wait(bytes: usize) -> Duration {
    Duration::from_millis(u64::try_from(bytes / 64 + 1).unwrap())
}

#[tokio::test(start_paused = true)]
async fn fast_pieces_are_joined() {
    const PIECES: usize = 16_000;
    let server = bot(|reply| {
        Box::pin(async move {
            for _ in 0..PIECES {
                reply.send("a").await?;
            }
            Ok(())
        })
    });
    let packets = packets(server).await;
    let bytes: usize = packets.iter().map(|packet| packet.bytes).sum();
    // It would be 131 MB.
    assert!(bytes < 700_000, "{bytes} bytes in {} packets", packets.len());
    assert_eq!(packets.last().unwrap().text(), "a".repeat(PIECES));
    // The first ones are not.
    for (packet, n) in packets.iter().zip(1..=700) {
        assert_eq!(packet.text().len(), n);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_pieces_are_joined_and_arrive_in_time() {
    const PIECES: usize = 6000;
    const EVERY: Duration = Duration::from_millis(10);
    let server = bot(|reply| {
        Box::pin(async move {
            for _ in 0..PIECES {
                reply.send("a").await?;
                sleep(EVERY).await;
            }
            Ok(())
        })
    });
    let packets = packets(server).await;
    let bytes: usize = packets.iter().map(|packet| packet.bytes).sum();
    // It would be 19 MB. 64 kB/s for a minute are 4 MB, and each packet has ids.
    assert!(bytes < 5_000_000, "{bytes} bytes in {} packets", packets.len());
    let mut before = 0;
    for packet in &packets {
        let len = packet.text().len();
        // When the first piece of this packet was sent.
        let sent = EVERY * u32::try_from(before).unwrap();
        let free = len * len / 2 < FREE;
        let late = packet.at.checked_sub(sent).unwrap();
        assert!(late <= if free { Duration::ZERO } else { wait(len) }, "{late:?} at {len} bytes");
        before = len;
    }
    assert_eq!(before, PIECES);
}

#[tokio::test(start_paused = true)]
async fn slower_pieces_are_not_held() {
    let server = bot(|reply| {
        Box::pin(async move {
            reply.send("a".repeat(FREE)).await?;
            for _ in 0..10 {
                sleep(wait(FREE + 10)).await;
                reply.send("b").await?;
            }
            Ok(())
        })
    });
    let packets = packets(server).await;
    let ats: Vec<_> = packets.iter().map(|packet| packet.at).collect();
    let expected: Vec<_> = (0..=10).map(|n| wait(FREE + 10) * n).collect();
    assert_eq!(ats[..11], expected);
}

#[tokio::test(start_paused = true)]
async fn controls_the_end_and_a_failure_come_with_the_text_before_them() {
    const HOUR: Duration = Duration::from_secs(60 * 60);
    // With a deadline, the handler runs in a task of its own.
    for deadline in [None, Some(3 * HOUR)] {
        let server = bot(|reply| {
            Box::pin(async move {
                reply.send("a".repeat(FREE)).await?;
                reply.send("b").await?;
                reply.send("c").await?;
                sleep(HOUR).await;
                reply.send("d").await?;
                reply.send("e").await?;
                reply.send(HangUp::new()).await?;
                reply.send("f").await?;
                sleep(Duration::from_millis(1)).await;
                Err("broken".into())
            })
        });
        let packets = packets(server.deadline(deadline)).await;
        let ends: Vec<_> = packets
            .iter()
            .map(|packet| (packet.text().trim_start_matches('a'), packet.at))
            .collect();
        let held = Duration::from_millis((FREE / 64).try_into().unwrap());
        let failed = HOUR + Duration::from_millis(1);
        let expected = [
            ("", Duration::ZERO),
            ("bc", held),
            ("bcd", HOUR),
            ("bcde", HOUR),
            ("bcdef", failed),
            ("", failed),
        ];
        assert_eq!(ends, expected);
        assert_eq!(packets[3].json["data"]["controlParamsList"][0]["type"], "HangUp");
        assert_eq!(packets[5].json["httpStatusCode"], 500);

        let server = bot(|reply| {
            Box::pin(async move {
                reply.send("a".repeat(FREE)).await?;
                reply.send("b").await?;
                reply.finish("c").await
            })
        });
        let packets = self::packets(server.deadline(deadline)).await;
        assert_eq!(packets.len(), 2);
        assert_eq!(packets[1].text().trim_start_matches('a'), "bc");
        assert_eq!(packets[1].at, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn new_parts_are_not_held() {
    let server = bot(|reply| {
        Box::pin(async move {
            reply.send("a".repeat(FREE)).await?;
            for _ in 0..1000 {
                reply.send("b").await?;
            }
            Ok(())
        })
    });
    let packets = packets(server.answers(AnswerMode::Delta)).await;
    assert_eq!(packets.len(), 1002);
}
