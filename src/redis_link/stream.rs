//! The stream of bytes under a connection.

use tokio::io::{AsyncRead, AsyncWrite};

/// A stream of TCP, of TLS or of a Unix socket.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}
