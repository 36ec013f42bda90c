//! What a handler notices of the connection, on every platform: it ends as soon as its peer is gone,
//! it waits for a peer that is slow, and it goes on for a peer that stays.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::server::Error;
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::subject::*;

crate::subject::for_every_platform! {
    a_peer_that_leaves_before_the_answer_ends_the_handler,
    a_peer_that_leaves_before_its_request_is_whole_calls_no_handler,
    a_peer_that_closes_its_half_after_a_whole_request_is_answered,
    a_peer_that_stays_keeps_the_handler,
    a_peer_that_leaves_ends_its_own_handler_only,
}

crate::subject::for_every_stream! {
    a_peer_that_leaves_in_mid_stream_ends_the_handler,
    a_peer_that_closes_its_half_in_mid_stream_gets_the_rest,
    a_server_whose_peers_leave_in_mid_stream_serves_the_next_one,
    a_handler_does_not_run_ahead_of_a_reader_that_does_not_read,
    a_handler_that_waits_for_a_slow_reader_ends_with_the_reader,
    heartbeats_do_not_keep_the_handler_of_a_peer_that_is_gone,
    a_heartbeat_shows_that_a_peer_is_gone_that_sent_more_than_its_request,
}

/// How soon is immediately.
const IMMEDIATELY: Duration = Duration::from_millis(500);

/// What happens to a patient handler.
#[derive(Debug, PartialEq)]
enum Step {
    Started,
    Dropped,
}

/// Reports that it is dropped.
struct Guard(UnboundedSender<Step>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(Step::Dropped);
    }
}

/// A server whose handlers send this number of packets, and then wait for ever; and what happens to
/// them. The fallback must not keep a handler that nobody listens to.
async fn patient<S: Subject>(
    pieces: usize,
    settings: Settings,
) -> (Bench<S>, UnboundedReceiver<Step>) {
    let bench = Bench::with(Settings { fallback: true, ..settings }).await;
    let (told, steps) = unbounded_channel();
    bench.act(move |line| {
        let told = told.clone();
        Box::pin(async move {
            for _ in 0..pieces {
                line.send(PIECE).await?;
            }
            let _guard = Guard(told.clone());
            told.send(Step::Started)?;
            std::future::pending::<Result<(), Error>>().await
        })
    });
    (bench, steps)
}

async fn started(steps: &mut UnboundedReceiver<Step>) {
    assert_eq!(soon("the handler", steps.recv()).await, Some(Step::Started));
}

async fn dropped_immediately(steps: &mut UnboundedReceiver<Step>) {
    let step = timeout(IMMEDIATELY, steps.recv()).await.expect("the handler is dropped");
    assert_eq!(step, Some(Step::Dropped));
}

async fn assert_nothing_happens(steps: &mut UnboundedReceiver<Step>) {
    let step = timeout(IMMEDIATELY / 2, steps.recv()).await;
    assert!(step.is_err(), "of another handler: {step:?}");
}

/// A way to leave.
#[derive(Debug, Clone, Copy)]
enum Leave {
    Close,
    Reset,
    HalfClose,
}

/// The ways of a peer that no longer reads.
const GONE: [Leave; 2] = [Leave::Close, Leave::Reset];

impl Leave {
    /// Leaves. A peer that has closed its half is returned: dropping it would close all of it.
    async fn leave(self, mut peer: Peer) -> Option<Peer> {
        match self {
            Self::Close => peer.close(),
            Self::Reset => peer.reset(),
            Self::HalfClose => {
                peer.half_close().await;
                return Some(peer);
            }
        }
        None
    }
}

async fn a_peer_that_leaves_before_the_answer_ends_the_handler<S: Subject>() {
    let (bench, mut steps) = patient::<S>(0, Settings::default()).await;
    for operation in bench.handled() {
        for way in GONE {
            let mut peer = Peer::connect(bench.address).await;
            peer.send(&operation.post()).await;
            started(&mut steps).await;
            let _left = way.leave(peer).await;
            dropped_immediately(&mut steps).await;
        }
    }
}

async fn a_peer_that_leaves_before_its_request_is_whole_calls_no_handler<S: Subject>() {
    let (mut bench, mut steps) = patient::<S>(0, Settings::default()).await;
    for operation in bench.handled() {
        let bytes = operation.post().bytes();
        for way in [Leave::Close, Leave::Reset, Leave::HalfClose] {
            let mut peer = Peer::connect(bench.address).await;
            peer.write(&bytes[..bytes.len() - 3]).await;
            let _left = way.leave(peer).await;
        }
        // The server goes on.
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&operation.post()).await;
        started(&mut steps).await;
        peer.close();
        dropped_immediately(&mut steps).await;
        assert!(bench.heard().is_some());
    }
}

/// Longer than the server looks for a peer that has closed its half.
const LOOKED_FOR: Duration = Duration::from_millis(1100);

async fn a_peer_that_closes_its_half_after_a_whole_request_is_answered<S: Subject>() {
    let bench = Bench::<S>::new().await;
    bench.act(|_| {
        Box::pin(async {
            sleep(LOOKED_FOR).await;
            Ok(())
        })
    });
    for operation in bench.kinds() {
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&operation.post()).await;
        peer.half_close().await;
        let mut answer = peer.answer().await;
        answer.body = answer.body.replace(":\n\n", "");
        bench.subject.assert_served(&operation, &answer);
    }
}

async fn a_peer_that_closes_its_half_in_mid_stream_gets_the_rest<S: Streams>() {
    let bench = Bench::<S>::new().await;
    bench.act(|line| {
        Box::pin(async move {
            line.send(PIECE).await?;
            sleep(LOOKED_FOR).await;
            line.finish("Bye.").await
        })
    });
    for operation in bench.streaming() {
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&operation.post()).await;
        peer.head().await;
        S::expect(&mut peer, PIECE, false).await;
        peer.half_close().await;
        let mut blocks = Vec::new();
        while let Some((block, _)) = peer.block().await {
            blocks.push(block);
        }
        let (comments, rest): (Vec<_>, Vec<_>) =
            blocks.iter().map(String::as_str).partition(|block| *block == ":\n\n");
        let rest: Vec<_> =
            S::grouped(rest.into_iter()).iter().map(|block| S::packet(block)).collect();
        assert_eq!(rest, S::written(&[("Bye.", true)]));
        assert!((1..=4).contains(&comments.len()), "{blocks:?}");
    }
}

async fn a_peer_that_leaves_in_mid_stream_ends_the_handler<S: Streams>() {
    for pieces in [1, 3] {
        let (bench, mut steps) = patient::<S>(pieces, Settings::default()).await;
        for operation in bench.streaming() {
            for way in GONE {
                let mut peer = Peer::connect(bench.address).await;
                peer.send(&operation.post()).await;
                peer.head().await;
                for _ in 0..pieces {
                    S::expect(&mut peer, PIECE, false).await;
                }
                started(&mut steps).await;
                let _left = way.leave(peer).await;
                dropped_immediately(&mut steps).await;
            }
        }
    }
}

async fn a_peer_that_stays_keeps_the_handler<S: Subject>() {
    let (bench, mut steps) = patient::<S>(1, Settings::default()).await;
    for operation in bench.kinds() {
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&operation.post()).await;
        started(&mut steps).await;
        // Others come and go.
        for way in GONE {
            way.leave(Peer::connect(bench.address).await).await;
        }
        assert_nothing_happens(&mut steps).await;
        peer.close();
        dropped_immediately(&mut steps).await;
    }
}

async fn a_peer_that_leaves_ends_its_own_handler_only<S: Subject>() {
    let (bench, mut steps) = patient::<S>(0, Settings::default()).await;
    let mut peers = Vec::new();
    for (number, operation) in bench.kinds().iter().cycle().take(4).enumerate() {
        let mut peer = Peer::connect(bench.address).await;
        peer.send(&Bench::<S>::of_call(operation, &format!("call-{number}"))).await;
        started(&mut steps).await;
        peers.push(peer);
    }
    for _ in 0..2 {
        peers.remove(1).close();
        dropped_immediately(&mut steps).await;
        assert_nothing_happens(&mut steps).await;
    }
}

async fn a_server_whose_peers_leave_in_mid_stream_serves_the_next_one<S: Streams>() {
    let bench = Bench::<S>::with(Settings { fallback: true, ..Settings::default() }).await;
    bench.act(|line| {
        Box::pin(async move {
            for _ in 0..100 {
                line.send(PIECE).await?;
                tokio::task::yield_now().await;
            }
            line.finish("Bye.").await
        })
    });
    for operation in bench.streaming() {
        for way in GONE {
            for packets in 0..10 {
                let mut peer = Peer::connect(bench.address).await;
                peer.send(&operation.post()).await;
                peer.head().await;
                for _ in 0..packets {
                    S::next_block(&mut peer).await;
                }
                let _left = way.leave(peer).await;
                let answer = Peer::connect(bench.address).await.ask(&operation.post()).await;
                let whole = S::packets(&answer);
                let behind = S::texts(&["Bye."]);
                assert_eq!((whole.len(), &whole[100..]), (100 + behind.len(), &behind[..]));
            }
        }
    }
}

/// A peer with room for few packets.
async fn narrow(address: SocketAddr) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    Peer::over(socket, address).await
}

const MANY: usize = 1000;
const LONG: usize = 16 * 1024;

/// A server whose handler sends 16 MB, the number of packets that it has sent, and what happens to
/// the handler.
async fn talkative<S: Streams>() -> (Bench<S>, Arc<AtomicUsize>, UnboundedReceiver<Step>) {
    let bench = Bench::new().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let (told, steps) = unbounded_channel();
    let count = sent.clone();
    bench.act(move |line| {
        let (count, guard) = (count.clone(), Guard(told.clone()));
        Box::pin(async move {
            let _guard = guard;
            let text = "x".repeat(LONG);
            for _ in 0..MANY {
                line.send(&text).await?;
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
    });
    (bench, sent, steps)
}

/// Waits until the handler is stuck. Returns how many packets it has sent.
async fn stuck(sent: &AtomicUsize) -> usize {
    let mut before = 0;
    loop {
        sleep(Duration::from_millis(200)).await;
        let now = sent.load(Ordering::SeqCst);
        if now > 0 && now == before {
            return now;
        }
        before = now;
    }
}

async fn a_handler_does_not_run_ahead_of_a_reader_that_does_not_read<S: Streams>() {
    let (bench, sent, mut steps) = talkative::<S>().await;
    for operation in bench.kinds().iter().filter(|operation| operation.streams) {
        let mut peer = narrow(bench.address).await;
        peer.send(&operation.post()).await;
        // The buffers of the system hold some MB, whatever the handler does.
        let ahead = soon("the handler to be stuck", stuck(&sent)).await;
        assert!(ahead < MANY / 2, "{ahead} packets are on the way");
        // It goes on as the reader does, and nothing is lost.
        peer.head().await;
        for _ in 0..MANY {
            let (block, _) = S::next_block(&mut peer).await.expect("a packet");
            let (text, last) = S::packet(&block);
            assert_eq!((text.len(), last), (LONG, false));
        }
        S::expect(&mut peer, "", true).await;
        assert_eq!(peer.block().await, None);
        assert_eq!(sent.load(Ordering::SeqCst), MANY);
        dropped_immediately(&mut steps).await;
    }
}

async fn a_handler_that_waits_for_a_slow_reader_ends_with_the_reader<S: Streams>() {
    for way in [Leave::Close, Leave::Reset] {
        let (bench, sent, mut steps) = talkative::<S>().await;
        let mut peer = narrow(bench.address).await;
        peer.send(&bench.streaming()[0].post()).await;
        let ahead = soon("the handler to be stuck", stuck(&sent)).await;
        assert!(ahead < MANY, "the handler is not stuck");
        way.leave(peer).await;
        dropped_immediately(&mut steps).await;
    }
}

async fn heartbeats_do_not_keep_the_handler_of_a_peer_that_is_gone<S: Streams>() {
    let heartbeat = Some(Duration::from_millis(20));
    let (bench, mut steps) = patient::<S>(1, Settings { heartbeat, ..Settings::default() }).await;
    for operation in bench.streaming() {
        for way in GONE {
            let mut peer = Peer::connect(bench.address).await;
            peer.send(&operation.post()).await;
            peer.head().await;
            for _ in 0..3 {
                peer.block().await;
            }
            started(&mut steps).await;
            let _left = way.leave(peer).await;
            dropped_immediately(&mut steps).await;
        }
    }
}

async fn a_heartbeat_shows_that_a_peer_is_gone_that_sent_more_than_its_request<S: Streams>() {
    let heartbeat = Some(Duration::from_millis(20));
    let (bench, mut steps) = patient::<S>(1, Settings { heartbeat, ..Settings::default() }).await;
    for operation in bench.streaming() {
        for way in [Leave::Close, Leave::Reset] {
            let mut peer = Peer::connect(bench.address).await;
            // The server does not read on while a byte of the next request waits, so that it sees no end.
            let mut bytes = operation.post().bytes();
            bytes.push(b'G');
            peer.write(&bytes).await;
            peer.head().await;
            peer.block().await;
            started(&mut steps).await;
            way.leave(peer).await;
            dropped_immediately(&mut steps).await;
        }
    }
}
