//! Accepts connections, and refuses those that are too many.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::room::Room;

/// How long the server waits before it tries again to accept a connection, if the process has no
/// descriptor left.
const PAUSE: Duration = Duration::from_secs(1);
/// How many connections are refused with a response at the same time. The others are closed without.
const REFUSED: usize = 64;
/// How long a client may take to read that it is refused.
const REFUSING: Duration = Duration::from_secs(1);
const RESPONSE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Accepts connections. A peer that is gone before it is accepted is passed over.
#[derive(Debug)]
pub(super) struct Acceptor {
    listener: TcpListener,
    is_failing: bool,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, is_failing: false }
    }

    /// Returns the next connection. Where the process has no descriptor left, logs it once, closes a connection
    /// that has no request, and tries again. Dropping the future loses nothing.
    pub(super) async fn accept(&mut self, room: &Room) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    self.is_failing = false;
                    return stream;
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if !std::mem::replace(&mut self.is_failing, true) {
                        tracing::error!("connections can't be accepted: {error}");
                    }
                    // The descriptor is free when its task has ended, which the caller sees.
                    room.make();
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers connections with status 503.
#[derive(Debug, Default)]
pub(super) struct Refusals(JoinSet<()>);

impl Refusals {
    pub(super) fn add(&mut self, stream: TcpStream) {
        while self.0.try_join_next().is_some() {}
        if self.0.len() < REFUSED {
            self.0.spawn(async { _ = timeout(REFUSING, refuse(stream)).await });
        }
    }
}

async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(RESPONSE).await?;
    stream.shutdown().await?;
    // Closing with bytes unread would reset the connection, and the client might not see the response.
    let mut bytes = [0; 4096];
    while stream.read(&mut bytes).await? > 0 {}
    Ok(())
}
