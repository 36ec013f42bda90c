//! How long a peer may take, and how many connections there may be.

use std::time::Duration;

/// What a server with [`max_connections`](super::Serve::max_connections) does with a new connection when
/// a request runs on each of the others.
///
/// ```
/// use callbot::server::{WhenFull, serve};
///
/// # async fn run(router: axum::Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// serve(listener, router).max_connections(500).when_full(WhenFull::Wait).await
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// Answers with status 503 and closes the connection, so that a load balancer tries another instance.
    #[default]
    Refuse,
    /// Lets the connection wait until another one ends or has no request.
    Wait,
}

/// The limits of a server on its peers.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    /// For the head of a request.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For the next piece of a body.
    pub body_piece: Duration,
    /// For the peer to read something of what has been written.
    pub write: Duration,
    /// For a connection without a request.
    pub idle: Duration,
    pub connections: usize,
    pub when_full: WhenFull,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(30),
            body: Duration::from_secs(60),
            body_piece: Duration::from_secs(30),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(15 * 60),
            connections: 10_000,
            when_full: WhenFull::Refuse,
        }
    }
}
