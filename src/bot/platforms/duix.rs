//! A bot on DUIX, which takes text only, as one answer or in a stream.

use std::fmt;
use std::sync::Arc;

use super::GRACE;
use crate::bot::adapter::{Adapter, AdapterSpec};
use crate::bot::call::CallInfo;
use crate::bot::capabilities::Platform;
use crate::bot::controls::Native;
use crate::bot::handler::Bot;
use crate::bot::host::Host;
use crate::bot::input::{Input, TurnId};
use crate::bot::needs::NeedsError;
use crate::bot::runtime::trigger::{Trigger, TurnRequest};
use crate::duix::dialogue::{Answer, Api, DialogueRequest, Reply, Server};
use crate::server::Error;

/// A bot on DUIX; see [`Host::duix`].
pub struct OnDuix<B: Bot> {
    host: Host<B>,
    whole: Option<Arc<Adapter>>,
    stream: Option<Arc<Adapter>>,
}

impl<B: Bot> fmt::Debug for OnDuix<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDuix").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Puts the bot on DUIX: on both kinds of dialogue, or on the one that supports what the bot
    /// requires. The other one is then refused as an unsupported operation.
    ///
    /// The [`Budget`](crate::bot::Budget) limits the time of a turn. The deadline of the server is 1 s
    /// longer than the longer budget of the two. If you set a shorter one, a turn that misses it gets no
    /// [apology](crate::bot::HostBuilder::apology), only the `fallback` of the server. The server has no
    /// [`heartbeat`](crate::server::Server::heartbeat) unless you set one, since it is not known whether
    /// the platform accepts comments in a stream.
    ///
    /// The platform has no credential. Anybody may call these routes, unless a
    /// [`secret`](crate::server::Server::secret) is set.
    ///
    /// # Errors
    /// Returns an error if both lack something that the bot requires.
    pub fn duix(&self) -> Result<Server<OnDuix<B>>, NeedsError> {
        let spec = |platform| AdapterSpec {
            platform,
            check: |_| Ok(()),
            splits: false,
            hang_up_reason: false,
        };
        let whole = self.adapter(spec(Platform::Duix));
        let stream = self.adapter(spec(Platform::DuixStream));
        let (whole, stream) = match (whole, stream) {
            (Err(error), Err(_)) => return Err(error),
            (whole, stream) => (whole.ok(), stream.ok()),
        };
        let on = OnDuix { host: self.clone(), whole, stream };
        let [one, other] =
            [Platform::Duix, Platform::DuixStream].map(|kind| self.budget(kind).whole);
        let longer = one.zip(other).map(|(one, other)| one.max(other));
        let privacy = self.privacy(Platform::Duix, ["dh-conversation-id", ""]);
        let longer = longer.map(|time| time.saturating_add(GRACE));
        Ok(Server::new(on).deadline(longer).privacy(privacy).observers(self.observers()))
    }
}

impl<B: Bot> OnDuix<B> {
    fn turn_request(request: DialogueRequest, platform: Platform) -> TurnRequest {
        let mut info = CallInfo::new(platform, &request.conversation_id);
        // `sid` names the account, not the person who speaks.
        if !request.user_id.is_empty() {
            info.extras.insert("sid".into(), request.user_id.into());
        }
        info.called = Some(request.avatar_code).filter(|code| !code.is_empty());
        if let Some(context) = request.context {
            info.extras.insert("dh-context".into(), context.into());
        }
        TurnRequest {
            turn: TurnId::random(),
            trigger: Trigger::Input(Input::Speech(request.question)),
            info,
        }
    }
}

impl<B: Bot> Api for OnDuix<B> {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        let adapter = self.whole.as_ref().ok_or_else(Error::unsupported)?;
        let request = Self::turn_request(request, Platform::Duix);
        let packet = self.host.ask(adapter, request)?.whole().await?.unwrap_or_default();
        let mut answer = match packet.native.map(|native| *native) {
            Some(Native::Duix(answer)) => answer,
            None => Answer::text(""),
        };
        answer.spoken.text = packet.text;
        Ok(answer)
    }

    async fn dialogue_stream(
        &self,
        request: DialogueRequest,
        reply: &mut Reply,
    ) -> Result<(), Error> {
        let adapter = self.stream.as_ref().ok_or_else(Error::unsupported)?;
        let request = Self::turn_request(request, Platform::DuixStream);
        let mut answer = self.host.ask(adapter, request)?;
        while let Some(packet) = answer.next().await? {
            if packet.last {
                reply.finish(packet.text).await?;
            } else {
                reply.send(packet.text).await?;
            }
        }
        Ok(())
    }
}
