//! Serves a bot on a socket.

use std::io;

use futures_util::FutureExt;
use tokio::net::TcpListener;

use super::handler::Bot;
use super::host::Host;
use crate::server::{self, Serve};

impl<B: Bot> Host<B> {
    /// Serves the bot on `listener`, on the platforms that it [fits](Self::fitting), until SIGTERM or
    /// Ctrl-C. Then new turns are refused, running turns have a grace period to finish, and the bot hears of
    /// the end of its calls; see [`Serve`] for the order and the settings.
    ///
    /// The routes are open to anybody, and a warning in the log says so; see [`router`](Self::router).
    ///
    /// For other routes or settings of a platform, use [`server::serve`] with [`Serve::host`].
    ///
    /// # Errors
    /// Returns a [`CutError`](server::CutError) if turns were cut at the end of the grace period, and
    /// an error if no platform that is compiled in has what the bot requires.
    ///
    /// ```no_run
    /// # async fn run<B: callbot::bot::Bot>(bot: B) -> std::io::Result<()> {
    /// use std::time::Duration;
    ///
    /// use callbot::bot::Host;
    /// use tokio::net::TcpListener;
    ///
    /// let listener = TcpListener::bind("0.0.0.0:9000").await?;
    /// Host::new(bot).serve(listener).grace(Duration::from_secs(20)).await
    /// # }
    /// ```
    pub fn serve(&self, listener: TcpListener) -> Serve {
        let fitting = self.fitting();
        if fitting.platforms.is_empty() {
            let all = fitting.left_out.iter().map(ToString::to_string).collect::<Vec<_>>();
            let error = format!("the bot fits no platform: {}", all.join("; "));
            return Serve::refused(listener, io::Error::new(io::ErrorKind::Unsupported, error));
        }
        server::serve(listener, fitting.router).host(self)
    }
}

impl Serve {
    /// Shuts `host` down beside the connections, with [`Host::shutdown`] and the grace period. Call it for
    /// each host whose routes the router has. Default: none.
    ///
    /// A host with a shared store also ends the calls that a dead process has left, from the start of this
    /// server on. Without `host`, it begins with its first request.
    ///
    /// ```no_run
    /// # #[cfg(feature = "digital-employee")]
    /// # async fn run<B: callbot::bot::Bot>(bot: B) -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    ///
    /// use callbot::bot::Host;
    /// use callbot::server::serve;
    /// use tokio::net::TcpListener;
    ///
    /// let host = Host::new(bot);
    /// let phone = host.digital_employee()?.heartbeat(Duration::from_secs(5)).router();
    /// let listener = TcpListener::bind("0.0.0.0:9000").await?;
    /// Ok(serve(listener, phone).host(&host).await?)
    /// # }
    /// ```
    pub fn host<B: Bot>(self, host: &Host<B>) -> Self {
        let (starting, host) = (host.clone(), host.clone());
        self.beside(
            Box::new(move || starting.start()),
            Box::new(move |grace| async move { host.shutdown(grace).await }.boxed()),
        )
    }
}
