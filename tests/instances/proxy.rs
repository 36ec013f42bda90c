//! A TCP proxy that breaks connections in the ways in which networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to bytes. A change applies to connections that are open, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// They arrive.
    None,
    /// They vanish in both directions, and nothing shows that: a peer that is gone without a word. New
    /// connections are accepted, and hear nothing.
    Swallow,
    /// Those of the server vanish. The server gets all commands.
    SwallowReplies,
}

/// A proxy in front of a server on this machine.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    server: SocketAddr,
    fault: AtomicU8,
    delay_ms: AtomicUsize,
    /// The number of connections so far.
    connections: AtomicUsize,
    /// Only connections with this number or a higher one are without a fault.
    deaf_below: AtomicUsize,
    /// Changes when all connections are reset.
    resets: watch::Sender<u32>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            server,
            fault: AtomicU8::new(Fault::None as u8),
            delay_ms: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            deaf_below: AtomicUsize::new(0),
            resets: watch::Sender::new(0),
        });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let number = serving.connections.fetch_add(1, SeqCst);
                tokio::spawn(serve(serving.clone(), client, number));
            }
        });
        Self { address, shared }
    }

    /// Sets what happens to bytes from now on.
    pub(crate) fn set(&self, fault: Fault) {
        self.shared.fault.store(fault as u8, SeqCst);
    }

    /// Swallows the bytes of the connections that are open now. Later ones have no fault.
    pub(crate) fn swallow_open_connections(&self) {
        self.shared.deaf_below.store(self.shared.connections.load(SeqCst), SeqCst);
    }

    /// Delays bytes in each direction.
    pub(crate) fn delay(&self, time: Duration) {
        let ms = usize::try_from(time.as_millis()).unwrap();
        self.shared.delay_ms.store(ms, SeqCst);
    }

    /// Resets all open connections.
    pub(crate) fn reset(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
    }

    /// Returns the number of connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }
}

async fn serve(shared: Arc<Shared>, client: TcpStream, number: usize) {
    let mut resets = shared.resets.subscribe();
    // While the server is away, the client sees that.
    let Ok(server) = TcpStream::connect(shared.server).await else { return };
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        // Closing then resets.
        #[allow(deprecated)]
        stream.set_linger(Some(Duration::ZERO)).unwrap();
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(&shared, number, from_client, to_server, false) => {}
        () = pump(&shared, number, from_server, to_client, true) => {}
        _ = resets.changed() => {}
    }
}

async fn pump(
    shared: &Shared,
    number: usize,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    replies: bool,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = match from.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let delay = shared.delay_ms.load(SeqCst);
        if delay > 0 {
            tokio::time::sleep(Duration::from_millis(delay.try_into().unwrap())).await;
        }
        let fault = shared.fault.load(SeqCst);
        let swallows = number < shared.deaf_below.load(SeqCst)
            || fault == Fault::Swallow as u8
            || (replies && fault == Fault::SwallowReplies as u8);
        if !swallows && to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

mod tests {
    use super::*;

    /// Returns what a server that echoes says within a short time.
    async fn echo(stream: &mut TcpStream, text: &str) -> Option<String> {
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut bytes = [0; 64];
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut bytes));
        let read = read.await.ok()?.ok()?;
        Some(String::from_utf8(bytes[..read].to_vec()).unwrap())
    }

    async fn echoing() -> (Proxy, Arc<AtomicUsize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await;
        let received = Arc::<AtomicUsize>::default();
        let count = received.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let count = count.clone();
                tokio::spawn(async move {
                    let mut bytes = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                        count.fetch_add(read, SeqCst);
                        let _ = stream.write_all(&bytes[..read]).await;
                    }
                });
            }
        });
        (proxy, received)
    }

    #[tokio::test]
    async fn each_fault_does_what_it_says() {
        let (proxy, received) = echoing().await;
        let mut open = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(echo(&mut open, "one").await.as_deref(), Some("one"));
        proxy.set(Fault::SwallowReplies);
        assert_eq!(echo(&mut open, "two").await, None);
        assert_eq!(received.load(SeqCst), 6, "the server has heard it");
        proxy.set(Fault::Swallow);
        assert_eq!(echo(&mut open, "three").await, None);
        assert_eq!(received.load(SeqCst), 6);
        proxy.set(Fault::None);
        assert_eq!(echo(&mut open, "four").await.as_deref(), Some("four"));
        proxy.swallow_open_connections();
        assert_eq!(echo(&mut open, "five").await, None);
        let mut new = TcpStream::connect(proxy.address).await.unwrap();
        assert_eq!(echo(&mut new, "six").await.as_deref(), Some("six"));
        proxy.delay(Duration::from_millis(150));
        assert_eq!(echo(&mut new, "seven").await, None, "300 ms for both ways");
        proxy.reset();
        let mut bytes = [0; 64];
        while let Ok(1..) = new.read(&mut bytes).await {}
        assert_eq!(proxy.connections(), 2);
    }
}
