//! What every platform's stream has in common, over real sockets: each packet leaves by itself and
//! immediately, exactly one packet says that it is the last one, and nothing follows it.

use std::sync::Arc;
use std::time::Duration;

use callbot::server::{Error, SendError};
use futures_util::{FutureExt, StreamExt, stream};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::subject::*;
use crate::support::errors::typed;

crate::subject::for_every_stream! {
    the_head_arrives_before_the_handler_sends_anything,
    a_packet_arrives_before_the_next_one_is_sent_and_the_last_before_the_handler_returns,
    packets_arrive_at_the_pace_of_the_handler,
    a_connection_serves_the_next_request_behind_the_end_of_a_stream,
    every_stream_ends_with_exactly_one_end_whatever_the_handler_does,
    nothing_can_be_sent_behind_the_last_packet,
    a_cancelled_send_leaves_no_trace,
    send_all_makes_a_packet_of_each_item_and_leaves_the_end_to_the_server,
    heartbeats_come_between_packets_and_leave_them_whole,
    heartbeats_do_not_come_unless_they_are_set,
    heartbeats_do_not_come_while_packets_do,
}

async fn the_head_arrives_before_the_handler_sends_anything<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    let told = Arc::new(Notify::new());
    let go_on = told.clone();
    bench.act(move |line| {
        let go_on = go_on.clone();
        Box::pin(async move {
            go_on.notified().await;
            line.finish("Late.").await
        })
    });
    for operation in bench.streaming() {
        bench.peer.send(&operation.post()).await;
        if S::HEAD_WAITS {
            let early = timeout(Duration::from_millis(100), bench.peer.head()).await;
            assert!(early.is_err(), "the handler may still fail: {early:?}");
            told.notify_one();
        }
        let head = bench.peer.head().await;
        assert_eq!((head.status, head.header("content-type")), (200, "text/event-stream"));
        assert_eq!(head.header("cache-control"), "no-cache");
        assert_eq!(head.header("content-length"), "", "the length of a stream is not known");
        if !S::HEAD_WAITS {
            let early = timeout(Duration::from_millis(100), bench.peer.block()).await;
            assert!(early.is_err(), "nothing was sent yet: {early:?}");
            told.notify_one();
        }
        S::expect(&mut bench.peer, "Late.", true).await;
        assert_eq!(bench.peer.block().await, None);
    }
}

async fn a_packet_arrives_before_the_next_one_is_sent_and_the_last_before_the_handler_returns<
    S: Streams,
>() {
    let mut bench = Bench::<S>::new().await;
    let heard = Arc::new(Notify::new());
    let go_on = heard.clone();
    bench.act(move |line| {
        let go_on = go_on.clone();
        Box::pin(async move {
            for text in ["one", " two"] {
                line.send(text).await?;
                go_on.notified().await;
            }
            line.finish(" three").await?;
            go_on.notified().await;
            Ok(())
        })
    });
    for operation in bench.streaming() {
        for _ in 0..2 {
            bench.peer.send(&operation.post()).await;
            bench.peer.head().await;
            // A packet that is held back is not there in time: the handler waits for this side.
            for (text, last) in [("one", false), (" two", false), (" three", true)] {
                S::expect(&mut bench.peer, text, last).await;
                heard.notify_one();
            }
            assert_eq!(bench.peer.block().await, None);
        }
    }
}

async fn packets_arrive_at_the_pace_of_the_handler<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    bench.act(|line| {
        Box::pin(async move {
            line.send("one").await?;
            sleep(Duration::from_millis(300)).await;
            line.finish(" two").await
        })
    });
    for operation in bench.streaming() {
        bench.peer.send(&operation.post()).await;
        bench.peer.head().await;
        let (_, first) = S::next_block(&mut bench.peer).await.expect("a packet");
        let (_, second) = S::next_block(&mut bench.peer).await.expect("a packet");
        assert!(second - first > Duration::from_millis(100), "{:?}", second - first);
        while bench.peer.block().await.is_some() {}
    }
}

async fn a_connection_serves_the_next_request_behind_the_end_of_a_stream<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    bench.act(|line| {
        Box::pin(async move {
            line.send("one").await?;
            line.finish(" two").await
        })
    });
    for operation in bench.streaming() {
        for _ in 0..3 {
            let answer = bench.peer.ask(&operation.post()).await;
            bench.subject.assert_served(&operation, &answer);
            assert_eq!(S::packets(&answer), S::texts(&["one", " two"]));
        }
    }
}

/// What a handler does, in order.
#[derive(Debug, Clone, Copy)]
enum Act {
    Send(&'static str),
    Finish(&'static str),
    Fail,
    Panic,
}

async fn play(line: &mut dyn Line, acts: &[Act]) -> Result<(), Error> {
    for act in acts {
        match act {
            Act::Send(text) => line.send(text).await?,
            Act::Finish(text) => line.finish(text).await?,
            Act::Fail => return Err(Error::public("failed")),
            Act::Panic => panic!("the script says so"),
        }
    }
    Ok(())
}

async fn every_stream_ends_with_exactly_one_end_whatever_the_handler_does<S: Streams>() {
    use Act::{Fail, Finish, Panic, Send};
    let mut bench = Bench::<S>::new().await;
    // The texts of the packets; the last packet is the one that ends the stream.
    let cases: &[(&'static [Act], &[&str])] = &[
        (&[], &[""]),
        (&[Send("a")], &["a", ""]),
        (&[Send("a"), Send("b")], &["a", "b", ""]),
        (&[Send("")], &["", ""]),
        (&[Finish("a")], &["a"]),
        (&[Finish("")], &[""]),
        (&[Send("a"), Finish("b")], &["a", "b"]),
        (&[Fail], &[""]),
        (&[Panic], &[""]),
        (&[Send("a"), Fail], &["a", ""]),
        (&[Send("a"), Panic], &["a", ""]),
        (&[Finish("a"), Fail], &["a"]),
        (&[Finish("a"), Panic], &["a"]),
        (&[Finish("a"), Send("late")], &["a"]),
        (&[Finish("a"), Finish("late")], &["a"]),
        (&[Send("a"), Finish("b"), Send("late"), Send("later")], &["a", "b"]),
    ];
    for operation in bench.streaming() {
        for (acts, expected) in cases {
            // These make no packet: the answer has a status, or begins with the end.
            if S::HEAD_WAITS && matches!(acts, [Fail] | [Panic] | [Send("")]) {
                continue;
            }
            bench.act(move |line| Box::pin(play(line, acts)));
            let answer = bench.peer.ask(&operation.post()).await;
            assert_eq!(S::packets(&answer), S::texts(expected), "{acts:?}");
        }
    }
}

async fn nothing_can_be_sent_behind_the_last_packet<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    bench.act(|line| {
        Box::pin(async move {
            line.send("Good").await?;
            line.finish("bye.").await?;
            assert_eq!(typed(line.send("late").await), Err(SendError::Finished));
            assert_eq!(typed(line.finish("late").await), Err(SendError::Finished));
            let late = stream::iter([Ok("late".to_owned())]);
            assert_eq!(typed(line.send_all(late.boxed()).await), Err(SendError::Finished));
            // A failed assertion would be a panic behind the end, which does not show.
            line.send("checked").await
        })
    });
    for operation in bench.streaming() {
        let (traces, _guard) = traced();
        let answer = bench.peer.ask(&operation.post()).await;
        assert_eq!(S::packets(&answer), S::texts(&["Good", "bye."]));
        assert_eq!(traces.with(&["panicked"]), [""; 0]);
    }
}

async fn a_cancelled_send_leaves_no_trace<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    bench.act(|line| {
        Box::pin(async move {
            line.send("one").await?;
            // The line still holds the first packet.
            assert!(line.send(" lost").now_or_never().is_none());
            assert!(line.finish(" lost").now_or_never().is_none());
            line.finish(" two").await
        })
    });
    for operation in bench.streaming() {
        let answer = bench.peer.ask(&operation.post()).await;
        assert_eq!(S::packets(&answer), S::texts(&["one", " two"]));
    }
}

async fn send_all_makes_a_packet_of_each_item_and_leaves_the_end_to_the_server<S: Streams>() {
    let mut bench = Bench::<S>::new().await;
    bench.act(|line| {
        let words = ["one ", "two ", "three"].map(|word| Ok(word.to_owned()));
        line.send_all(stream::iter(words).boxed())
    });
    for operation in bench.streaming() {
        let answer = bench.peer.ask(&operation.post()).await;
        assert_eq!(S::packets(&answer), ["one ", "two ", "three", ""]);
    }
}

/// The blocks of each stream of a handler that sends two packets, each after some time of thought.
async fn thoughtful<S: Streams>(heartbeat: Option<Duration>) -> Vec<Vec<String>> {
    let mut bench = Bench::<S>::with(Settings { heartbeat, ..Settings::default() }).await;
    bench.act(|line| {
        Box::pin(async move {
            for word in ["one ", "two"] {
                sleep(Duration::from_millis(250)).await;
                line.send(word).await?;
            }
            Ok(())
        })
    });
    let mut streams = Vec::new();
    for operation in bench.streaming() {
        bench.peer.send(&operation.post()).await;
        bench.peer.head().await;
        let mut blocks = Vec::new();
        while let Some((block, _)) = bench.peer.block().await {
            blocks.push(block);
        }
        streams.push(blocks);
    }
    streams
}

async fn heartbeats_come_between_packets_and_leave_them_whole<S: Streams>() {
    for blocks in thoughtful::<S>(Some(Duration::from_millis(20))).await {
        let (comments, packets): (Vec<_>, Vec<_>) =
            blocks.iter().partition(|block| block.starts_with(':'));
        assert!(comments.iter().all(|block| *block == ":\n\n"), "{blocks:?}");
        let packets = S::grouped(packets.into_iter().map(String::as_str));
        let packets: Vec<_> = packets.iter().map(|block| S::packet(block)).collect();
        let expected = [("one ", false), ("two", false), ("", true)];
        assert_eq!(packets, expected.map(|(text, last)| (text.to_owned(), last)));
        // They come before the first packet and between packets; a slow machine may skip some.
        let first = blocks.iter().position(|block| block.starts_with("data:")).unwrap();
        assert!(first >= 3, "{blocks:?}");
        assert!(comments.len() - first >= 3, "{blocks:?}");
        // And none behind the last packet.
        assert!(blocks.last().unwrap().starts_with("data:"), "{blocks:?}");
    }
}

async fn heartbeats_do_not_come_unless_they_are_set<S: Streams>() {
    for blocks in thoughtful::<S>(None).await {
        assert_eq!(S::grouped(blocks.iter().map(String::as_str)).len(), 3, "{blocks:?}");
        assert!(blocks.iter().all(|block| block.starts_with("data:")), "{blocks:?}");
    }
}

async fn heartbeats_do_not_come_while_packets_do<S: Streams>() {
    let heartbeat = Some(Duration::from_millis(400));
    let mut bench = Bench::<S>::with(Settings { heartbeat, ..Settings::default() }).await;
    bench.act(|line| {
        Box::pin(async move {
            for _ in 0..40 {
                sleep(Duration::from_millis(20)).await;
                line.send(PIECE).await?;
            }
            Ok(())
        })
    });
    for operation in bench.streaming() {
        let answer = bench.peer.ask(&operation.post()).await;
        assert_eq!(S::packets(&answer).len(), 41);
    }
}
