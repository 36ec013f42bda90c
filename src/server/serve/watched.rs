//! A connection whose reads and writes are reported.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::probe::Probe;
use super::progress::{HalfClosed, Progress};

/// A response that a client passes over.
const INTERIM: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Watched<T> {
    stream: T,
    progress: Arc<Progress>,
    probe: Option<Probe>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Watched<T> {
    pub(super) fn new(stream: T, progress: Arc<Progress>) -> Self {
        Self { stream, progress, probe: None }
    }

    /// Sends interim responses to a client that has sent its last byte, as long as it has nothing of the
    /// response. Fails if the client is gone, and else never completes.
    fn poll_gone(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let probe = self.probe.get_or_insert_with(Probe::default);
        while self.progress.takes_interim() {
            ready!(probe.poll_due(context));
            match Pin::new(&mut self.stream).poll_write(context, INTERIM) {
                Poll::Ready(Ok(written)) if written == INTERIM.len() => {}
                Poll::Ready(Err(error)) => return Poll::Ready(error),
                // Half of one would spoil the response. Nothing else is on its way, so there is room.
                Poll::Ready(Ok(_)) | Poll::Pending => {
                    return Poll::Ready(io::ErrorKind::BrokenPipe.into());
                }
            }
        }
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.progress.has_read();
            return Poll::Ready(Ok(()));
        }
        if buffer.remaining() > 0 {
            // The stream has ended. It says so each time that it is read.
            match self.progress.half_closed(context.waker()) {
                HalfClosed::Tell => {}
                HalfClosed::Hide => return self.poll_gone(context).map(Err),
                HalfClosed::AskAgain => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
            }
        }
        self.probe = None;
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> Watched<T> {
    fn report(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(Ok(_)) => self.progress.has_written(),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.progress.write_blocked(),
        }
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.report(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.report(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
