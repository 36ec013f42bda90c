//! The first poll of a turn, which happens where its request is served.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use callbot::bot::{Host, MemoryStore, Platform};
use callbot::server::query;
use futures_util::FutureExt;
use serde_json::Value;
use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex,
};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::support::bots::*;
use crate::support::peer::Post;
use crate::support::{chat, digital_employee, duix};

/// A connection that counts how often the server writes to it.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Listens for this one connection.
struct One(Option<Counted>);

impl Listener for One {
    type Io = Counted;
    type Addr = ();

    async fn accept(&mut self) -> (Counted, ()) {
        match self.0.take() {
            Some(connection) => (connection, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the response to a request, and in how many writes the server has sent it.
async fn answered(router: axum::Router, path: &str, body: &Value) -> (String, usize) {
    let (mut peer, stream) = duplex(64 * 1024);
    let writes = Arc::<AtomicUsize>::default();
    let counted = Counted { stream, writes: writes.clone() };
    tokio::spawn(axum::serve(One(Some(counted)), router).into_future());
    let post = Post::json(path, body).header("Connection", "close");
    peer.write_all(&post.bytes()).await.unwrap();
    let mut response = String::new();
    peer.read_to_string(&mut response).await.unwrap();
    (response, writes.load(Ordering::SeqCst))
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_said_without_waiting_leaves_in_one_write() {
    let host = Host::new(bot(|_, _, reply| {
        async {
            reply.say("Good ").await?;
            reply.say("morning.").await
        }
        .boxed()
    }));
    let employee = host.digital_employee().unwrap().router();
    let router = employee.merge(host.duix().unwrap().router());
    let router = router.merge(host.chat().unwrap().router());
    for (path, request) in [
        (digital_employee::DIALOGUE, digital_employee::valid(digital_employee::DIALOGUE)),
        (duix::STREAMED, duix::valid()),
        (duix::ANSWERED, duix::valid()),
        (chat::PATH, chat::valid(true)),
        (chat::PATH, chat::valid(false)),
    ] {
        let (response, writes) = answered(router.clone(), path, &request).await;
        assert!(response.contains("Good morning."), "{path}: {response}");
        assert_eq!(writes, 1, "{path}: {response}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_waits_meets_its_deadline_though_the_peer_reads_nothing() {
    let dropped = Count::default();
    let told = dropped.clone();
    let api = duix::speaking(move |reply| {
        let told = told.clone();
        async move {
            let _told = OnDrop(told);
            loop {
                reply.send("x".repeat(500_000)).await?;
            }
        }
        .boxed()
    });
    let (mut peer, stream) = duplex(64 * 1024);
    let counted = Counted { stream, writes: Arc::default() };
    tokio::spawn(axum::serve(One(Some(counted)), api.router()).into_future());
    peer.write_all(&Post::json(duix::STREAMED, &duix::valid()).bytes()).await.unwrap();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(dropped.get(), 1);
}

/// Counts its drop.
struct OnDrop(Count);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.up();
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_waits_does_not_depend_on_its_request() {
    let (done, other) = (Count::default(), Arc::new(Notify::new()));
    let told = done.clone();
    let line = line(Host::new(bot(move |call, input, reply| {
        let (told, awaited) = (told.clone(), other.clone());
        async move {
            reply.say("One. ").await?;
            match words(&input) {
                "wait" => awaited.notified().await,
                _ => awaited.notify_one(),
            }
            call.memory.push(words(&input).to_owned());
            told.up();
            Ok(())
        }
        .boxed()
    })));
    let mut waiting = line.say("a", "1", "wait").await;
    waiting.until("One.").await;
    // Nothing reads on while another turn lets this one continue.
    assert_eq!(line.text("b", "1", "go on").await, "One. ");
    until(|| done.get() == 2).await;
    waiting.rest().await;
    assert_eq!((waiting.text.as_str(), waiting.ended), ("One. ", true));
    assert_eq!(line.snapshot("a").await.memory, ["wait"]);
}

#[tokio::test(start_paused = true)]
async fn a_bot_never_sees_the_request_of_the_handler() {
    let host = Host::builder(bot(|call, _, reply| {
        async move {
            let before = query();
            sleep(MS).await;
            call.memory.push(format!("{before:?} {:?}", query()));
            reply.say("Yes.").await
        }
        .boxed()
    }));
    let host = host.store(Arc::new(MemoryStore::new())).build();
    let router = host.digital_employee().unwrap().router();
    let path = format!("{}?line=north", digital_employee::DIALOGUE);
    let (response, _) =
        answered(router, &path, &digital_employee::valid(digital_employee::DIALOGUE)).await;
    assert!(response.contains("Yes."), "{response}");
    let call = callbot::bot::CallKey::new(Platform::DigitalEmployee, "s-1");
    let memory = host.snapshot(&call).await.unwrap().unwrap().memory;
    assert_eq!(memory, ["None None"]);
}
