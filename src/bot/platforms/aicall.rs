//! The callbacks of AICall, from which a bot learns that a call has ended.

use std::fmt;

use crate::aicall::callback::{Api, Event, Notification, Server};
use crate::bot::capabilities::Platform;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::CallKey;
use crate::server::Error;

/// A bot that hears of the end of its calls at AICall; see [`Host::aicall_callbacks`].
pub struct OnAiCallCallbacks<B: Bot> {
    host: Host<B>,
}

impl<B: Bot> fmt::Debug for OnAiCallCallbacks<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnAiCallCallbacks").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Receives the callbacks of AICall's agents. When an agent has stopped, its call ends, and
    /// [`Bot::ended`](crate::bot::Bot::ended) runs. Other events change nothing.
    ///
    /// The agent asks the bot through [`chat`](Host::chat). Without callbacks, a call ends when it has been
    /// idle for [`Limits::open_ended_idle_timeout`](crate::bot::Limits::open_ended_idle_timeout).
    ///
    /// The platform's document does not say whether an event has the reason. So `ended` gets
    /// [`Ended::ByBot`](crate::bot::Ended::ByBot) or
    /// [`Ended::Transferred`](crate::bot::Ended::Transferred) if that is what the bot has done, and otherwise
    /// [`Ended::ByCaller`](crate::bot::Ended::ByCaller).
    ///
    /// The server has the tokens of
    /// [`HostBuilder::aicall_callback_token`](crate::bot::HostBuilder::aicall_callback_token). Without one,
    /// **anybody may end calls**: set [`token`](crate::server::Server::token).
    ///
    /// ```
    /// # use callbot::bot::{Bot, Call, Host, Input, Reply, Result};
    /// # struct Parrot;
    /// # impl Bot for Parrot {
    /// #     type Memory = ();
    /// #     async fn turn(&self, _: &mut Call<()>, _: Input, _: &mut Reply) -> Result { Ok(()) }
    /// # }
    /// # fn routes() -> Result<axum::Router, callbot::bot::NeedsError> {
    /// let host = Host::builder(Parrot).chat_key("the API key of the agent").build();
    /// let callbacks = host.aicall_callbacks().token("the token of the callback URL");
    /// Ok(host.chat()?.router().merge(callbacks.router()))
    /// # }
    /// # routes().unwrap();
    /// ```
    pub fn aicall_callbacks(&self) -> Server<OnAiCallCallbacks<B>> {
        let on = OnAiCallCallbacks { host: self.clone() };
        let server = Server::new(on).observers(self.observers());
        self.aicall_callback_tokens().iter().cloned().fold(server, Server::token)
    }
}

impl<B: Bot> Api for OnAiCallCallbacks<B> {
    async fn notified(&self, notification: Notification) -> Result<(), Error> {
        let (Event::AgentStopped(_), Some(id)) = (notification.event(), notification.call_id())
        else {
            return Ok(());
        };
        self.host.end(CallKey::new(Platform::AiCall, id), None).await
    }
}
