//! What the handler of a DUIX dialogue bot feels of the line: a peer that is gone, slow or patient.

#![cfg(all(feature = "duix", feature = "server"))]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::duix::dialogue::{Answer, Api, DialogueRequest, Reply, Server};
use callbot::server::Error;
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::support::duix::*;

/// What counts as "at once".
const AT_ONCE: Duration = Duration::from_millis(500);

/// What a [`Patient`] handler goes through.
#[derive(Debug, PartialEq)]
enum Step {
    Started,
    Dropped,
}

/// Says so when it is dropped.
struct Guard(UnboundedSender<Step>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(Step::Dropped);
    }
}

/// Sends some pieces where it can, and then thinks for ever.
struct Patient {
    pieces: usize,
    told: UnboundedSender<Step>,
}

impl Patient {
    async fn think<T>(&self) -> Result<T, Error> {
        let _guard = Guard(self.told.clone());
        self.told.send(Step::Started)?;
        std::future::pending().await
    }
}

impl Api for Patient {
    async fn dialogue(&self, _: DialogueRequest) -> Result<Answer, Error> {
        self.think().await
    }

    async fn dialogue_stream(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        for _ in 0..self.pieces {
            reply.send("word ").await?;
        }
        self.think().await
    }
}

async fn patient(pieces: usize) -> (SocketAddr, UnboundedReceiver<Step>) {
    let (told, heard) = unbounded_channel();
    // The fallback must not keep a handler that nobody listens to.
    let server = Server::new(Patient { pieces, told }).fallback("Nobody hears this.");
    (start(server).await, heard)
}

async fn started(heard: &mut UnboundedReceiver<Step>) {
    assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
}

async fn dropped_at_once(heard: &mut UnboundedReceiver<Step>) {
    let step = timeout(AT_ONCE, heard.recv()).await.expect("the handler is dropped at once");
    assert_eq!(step, Some(Step::Dropped));
}

/// A way to go.
#[derive(Debug, Clone, Copy)]
enum Leave {
    Close,
    Reset,
    HalfClose,
}

const WAYS: [Leave; 3] = [Leave::Close, Leave::Reset, Leave::HalfClose];

impl Leave {
    /// Goes. What is left of the peer must not be dropped too early.
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

#[tokio::test]
async fn a_peer_that_goes_before_the_answer_or_the_first_frame_ends_the_handler() {
    let (address, mut heard) = patient(0).await;
    for path in BOTH {
        for way in WAYS {
            let mut peer = Peer::connect(address).await;
            peer.send(&Post::question(path)).await;
            started(&mut heard).await;
            let _left = way.leave(peer).await;
            dropped_at_once(&mut heard).await;
        }
    }
}

#[tokio::test]
async fn a_peer_that_goes_in_mid_stream_ends_the_handler() {
    for pieces in [1, 3] {
        let (address, mut heard) = patient(pieces).await;
        for way in WAYS {
            let mut peer = Peer::connect(address).await;
            peer.send(&Post::question(STREAMED)).await;
            peer.head().await;
            for _ in 0..pieces {
                assert_eq!(peer.frame().await, ("word ".into(), false));
            }
            started(&mut heard).await;
            let _left = way.leave(peer).await;
            dropped_at_once(&mut heard).await;
        }
    }
}

#[tokio::test]
async fn a_peer_that_stays_keeps_the_handler() {
    let (address, mut heard) = patient(1).await;
    for path in BOTH {
        let mut peer = Peer::connect(address).await;
        peer.send(&Post::question(path)).await;
        started(&mut heard).await;
        // Others come and go.
        for way in WAYS {
            way.leave(Peer::connect(address).await).await;
        }
        assert!(timeout(AT_ONCE / 2, heard.recv()).await.is_err(), "the handler was dropped");
        peer.close();
        dropped_at_once(&mut heard).await;
    }
}

#[tokio::test]
async fn a_peer_that_goes_ends_its_own_handler_only() {
    let (address, mut heard) = patient(0).await;
    let mut peers = Vec::new();
    for path in [STREAMED, ANSWERED, STREAMED, ANSWERED] {
        let mut peer = Peer::connect(address).await;
        peer.send(&Post::question(path)).await;
        started(&mut heard).await;
        peers.push(peer);
    }
    for _ in 0..2 {
        peers.remove(1).close();
        dropped_at_once(&mut heard).await;
        assert!(timeout(AT_ONCE / 2, heard.recv()).await.is_err(), "another one was dropped");
    }
}

#[tokio::test]
async fn a_server_whose_peers_go_in_mid_stream_serves_the_next_one() {
    let server = speaking(|reply| {
        Box::pin(async move {
            for _ in 0..100 {
                reply.send("word ").await?;
                tokio::task::yield_now().await;
            }
            reply.finish("Bye.").await
        })
    });
    let address = start(server.fallback("It failed.")).await;
    for way in WAYS {
        for frames in 0..10 {
            let mut peer = Peer::connect(address).await;
            peer.send(&Post::question(STREAMED)).await;
            peer.head().await;
            for _ in 0..frames {
                peer.frame().await;
            }
            let _left = way.leave(peer).await;
            let whole = Peer::connect(address).await.ask(&Post::question(STREAMED)).await.frames();
            assert_eq!((whole.len(), whole[100].as_str()), (101, "Bye."));
        }
    }
}

/// A peer with room for few frames.
async fn narrow(address: SocketAddr) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    Peer::over(socket, address).await
}

const MANY: usize = 1000;
const LONG: usize = 16 * 1024;

/// A bot that sends 16 MB, the frames that it has sent, and whether its handler is gone.
async fn talkative() -> (SocketAddr, Arc<AtomicUsize>, UnboundedReceiver<Step>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let (told, heard) = unbounded_channel();
    let count = sent.clone();
    let server = speaking(move |reply| {
        let (count, guard) = (count.clone(), Guard(told.clone()));
        Box::pin(async move {
            let _guard = guard;
            let text = "x".repeat(LONG);
            for _ in 0..MANY {
                reply.send(text.as_str()).await?;
                count.fetch_add(1, Ordering::SeqCst);
            }
            Ok(())
        })
    });
    (start(server).await, sent, heard)
}

/// Waits until the handler is stuck, and gives how far it has come.
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

#[tokio::test]
async fn a_handler_does_not_run_ahead_of_a_reader_that_does_not_read() {
    let (address, sent, mut heard) = talkative().await;
    let mut peer = narrow(address).await;
    peer.send(&Post::question(STREAMED)).await;
    // The buffers of the system hold some MB, whatever the bot does.
    let ahead = soon("the handler to be stuck", stuck(&sent)).await;
    assert!(ahead < MANY / 2, "{ahead} frames are on the way");
    // It goes on as the reader does, and nothing is lost.
    peer.head().await;
    for _ in 0..MANY {
        let (text, last) = peer.frame().await;
        assert_eq!((text.len(), last), (LONG, false));
    }
    assert_eq!(peer.frame().await, (String::new(), true));
    assert_eq!(peer.block().await, None);
    assert_eq!(sent.load(Ordering::SeqCst), MANY);
    dropped_at_once(&mut heard).await;
}

#[tokio::test]
async fn a_handler_that_waits_for_a_slow_reader_ends_with_the_reader() {
    for way in [Leave::Close, Leave::Reset] {
        let (address, sent, mut heard) = talkative().await;
        let mut peer = narrow(address).await;
        peer.send(&Post::question(STREAMED)).await;
        let ahead = soon("the handler to be stuck", stuck(&sent)).await;
        assert!(ahead < MANY, "the handler is not stuck");
        way.leave(peer).await;
        dropped_at_once(&mut heard).await;
    }
}

#[tokio::test]
async fn heartbeats_do_not_keep_the_handler_of_a_peer_that_is_gone() {
    let (told, mut heard) = unbounded_channel();
    let server = Server::new(Patient { pieces: 1, told }).heartbeat(Duration::from_millis(20));
    let address = start(server).await;
    for way in WAYS {
        let mut peer = Peer::connect(address).await;
        peer.send(&Post::question(STREAMED)).await;
        peer.head().await;
        for _ in 0..3 {
            peer.block().await;
        }
        started(&mut heard).await;
        let _left = way.leave(peer).await;
        dropped_at_once(&mut heard).await;
    }
}
