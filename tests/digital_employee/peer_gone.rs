//! What a Digital Employee bot's handler feels of the line: a peer that is gone, slow or patient.

#![cfg(all(feature = "digital-employee", feature = "server"))]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbot::digital_employee::{
    AbortDialogueRequest, AnswerMode, Api, BeginSessionRequest, DialogueRequest, EndSessionRequest,
    Reply, Server,
};
use callbot::server::Error;
use tokio::net::TcpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

use crate::support::digital_employee::*;

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

/// Sends some packets, and then thinks for ever.
struct Patient {
    packets: usize,
    told: UnboundedSender<Step>,
}

impl Patient {
    async fn think(&self) -> Result<(), Error> {
        let _guard = Guard(self.told.clone());
        self.told.send(Step::Started)?;
        std::future::pending().await
    }

    async fn speak(&self, reply: &mut Reply) -> Result<(), Error> {
        for _ in 0..self.packets {
            reply.send("word ").await?;
        }
        self.think().await
    }
}

impl Api for Patient {
    async fn begin_session(&self, _: BeginSessionRequest, reply: &mut Reply) -> Result<(), Error> {
        self.speak(reply).await
    }

    async fn dialogue(&self, _: DialogueRequest, reply: &mut Reply) -> Result<(), Error> {
        self.speak(reply).await
    }

    async fn abort_dialogue(&self, _: AbortDialogueRequest) -> Result<(), Error> {
        self.think().await
    }

    async fn end_session(&self, _: EndSessionRequest) -> Result<(), Error> {
        self.think().await
    }
}

async fn patient(packets: usize) -> (SocketAddr, UnboundedReceiver<Step>) {
    let (told, heard) = unbounded_channel();
    (start(Server::new(Patient { packets, told })).await, heard)
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
async fn a_peer_that_goes_before_the_first_packet_ends_the_handler() {
    let (address, mut heard) = patient(0).await;
    for path in ALL {
        for way in WAYS {
            let mut peer = Peer::connect(address).await;
            peer.send(&Post::valid(path)).await;
            assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
            let _left = way.leave(peer).await;
            dropped_at_once(&mut heard).await;
        }
    }
}

#[tokio::test]
async fn a_peer_that_goes_in_mid_stream_ends_the_handler() {
    for packets in [1, 3] {
        let (address, mut heard) = patient(packets).await;
        for path in SPOKEN {
            for way in WAYS {
                let mut peer = Peer::connect(address).await;
                peer.send(&Post::valid(path)).await;
                peer.head().await;
                for _ in 0..packets {
                    peer.packet().await;
                }
                assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
                let _left = way.leave(peer).await;
                dropped_at_once(&mut heard).await;
            }
        }
    }
}

#[tokio::test]
async fn a_peer_that_stays_keeps_the_handler() {
    let (address, mut heard) = patient(1).await;
    let mut peer = Peer::connect(address).await;
    peer.send(&Post::valid(DIALOGUE)).await;
    peer.head().await;
    peer.packet().await;
    // Others come and go.
    for way in WAYS {
        way.leave(Peer::connect(address).await).await;
    }
    assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
    assert!(timeout(AT_ONCE / 2, heard.recv()).await.is_err(), "the handler was dropped");
    peer.close();
    dropped_at_once(&mut heard).await;
}

#[tokio::test]
async fn a_peer_that_goes_ends_its_own_handler_only() {
    let (address, mut heard) = patient(0).await;
    let mut peers = Vec::new();
    for _ in 0..3 {
        let mut peer = Peer::connect(address).await;
        peer.send(&Post::valid(DIALOGUE)).await;
        assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
        peers.push(peer);
    }
    peers.remove(1).close();
    dropped_at_once(&mut heard).await;
    assert!(timeout(AT_ONCE / 2, heard.recv()).await.is_err(), "another one was dropped");
}

/// A peer with room for few packets.
async fn narrow(address: SocketAddr) -> Peer {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    Peer::over(socket, address).await
}

const MANY: usize = 1000;
const LONG: usize = 16 * 1024;

/// A bot that sends 16 MB, the packets that it has sent, and whether its handler is gone.
async fn talkative() -> (SocketAddr, Arc<AtomicUsize>, UnboundedReceiver<Step>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let (told, heard) = unbounded_channel();
    let count = sent.clone();
    let server = bot(move |reply| {
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
    (start(server.answers(AnswerMode::Delta)).await, sent, heard)
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
    peer.send(&Post::valid(DIALOGUE)).await;
    // The buffers of the system hold some MB, whatever the bot does.
    let ahead = soon("the handler to be stuck", stuck(&sent)).await;
    assert!(ahead < MANY / 2, "{ahead} packets are on the way");
    // It goes on as the reader does, and nothing is lost.
    peer.head().await;
    for _ in 0..MANY {
        let packet = peer.packet().await;
        assert_eq!(packet["data"]["answer"].as_str().unwrap().len(), LONG);
    }
    assert_eq!(peer.packet().await["data"]["streamEnd"], true);
    assert_eq!(peer.block().await, None);
    assert_eq!(sent.load(Ordering::SeqCst), MANY);
    dropped_at_once(&mut heard).await;
}

#[tokio::test]
async fn a_handler_that_waits_for_a_slow_reader_ends_with_the_reader() {
    for way in [Leave::Close, Leave::Reset] {
        let (address, sent, mut heard) = talkative().await;
        let mut peer = narrow(address).await;
        peer.send(&Post::valid(DIALOGUE)).await;
        let ahead = soon("the handler to be stuck", stuck(&sent)).await;
        assert!(ahead < MANY, "the handler is not stuck");
        way.leave(peer).await;
        dropped_at_once(&mut heard).await;
    }
}

/// The blocks of a turn that says two words, each after some time of thought.
async fn thoughtful(heartbeat: Option<Duration>) -> Vec<String> {
    let server = bot(|reply| {
        Box::pin(async move {
            for word in ["one ", "two"] {
                sleep(Duration::from_millis(250)).await;
                reply.send(word).await?;
            }
            Ok(())
        })
    });
    let server = match heartbeat {
        Some(every) => server.heartbeat(every),
        None => server,
    };
    let mut peer = Peer::connect(start(server).await).await;
    peer.send(&Post::valid(DIALOGUE)).await;
    peer.head().await;
    let mut blocks = Vec::new();
    while let Some((block, _)) = peer.block().await {
        blocks.push(block);
    }
    blocks
}

#[tokio::test]
async fn heartbeats_come_when_they_are_set_and_leave_the_packets_whole() {
    let blocks = thoughtful(Some(Duration::from_millis(20))).await;
    let (comments, packets): (Vec<_>, Vec<_>) =
        blocks.iter().partition(|block| block.starts_with(':'));
    let packets: Vec<_> = packets.into_iter().map(|block| packet(block)).collect();
    assert_eq!(each(&packets, "answer"), ["one ", "one two", "one two"]);
    // They come before the first packet and between packets; a slow machine may skip some.
    let first = blocks.iter().position(|block| block.starts_with("data:")).unwrap();
    assert!(first >= 3, "{blocks:?}");
    assert!(comments.len() - first >= 3, "{blocks:?}");
    // And none behind the last packet.
    assert!(blocks.last().unwrap().starts_with("data:"), "{blocks:?}");
}

#[tokio::test]
async fn heartbeats_do_not_come_unless_they_are_set() {
    let blocks = thoughtful(None).await;
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    assert!(blocks.iter().all(|block| block.starts_with("data:")), "{blocks:?}");
}

#[tokio::test]
async fn heartbeats_do_not_come_while_packets_do() {
    let server = bot(|reply| {
        Box::pin(async move {
            for _ in 0..40 {
                sleep(Duration::from_millis(20)).await;
                reply.send("word ").await?;
            }
            Ok(())
        })
    });
    let server = server.heartbeat(Duration::from_millis(400));
    let answer = Peer::connect(start(server).await).await.ask(&Post::valid(DIALOGUE)).await;
    assert_eq!(answer.good_packets().len(), 41);
}

#[tokio::test]
async fn heartbeats_do_not_keep_the_handler_of_a_peer_that_is_gone() {
    let (told, mut heard) = unbounded_channel();
    let server = Server::new(Patient { packets: 1, told }).heartbeat(Duration::from_millis(20));
    let address = start(server).await;
    for way in WAYS {
        let mut peer = Peer::connect(address).await;
        peer.send(&Post::valid(DIALOGUE)).await;
        peer.head().await;
        for _ in 0..3 {
            peer.block().await;
        }
        assert_eq!(soon("the handler", heard.recv()).await, Some(Step::Started));
        let _left = way.leave(peer).await;
        dropped_at_once(&mut heard).await;
    }
}
