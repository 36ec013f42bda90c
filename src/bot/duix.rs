//! A bot on DUIX: text, and nothing else, as one answer or in a stream.

use std::fmt;
use std::sync::Arc;

use super::calls::Question;
use super::host::{Kind, Mount, fresh_turn};
use super::turn::Asked;
use super::{Bot, Error, Facts, Host, Input, Native, Platform, Unmet};
use crate::duix::dialogue::{Answer, Api, DialogueRequest, Reply, Server};

/// A bot on DUIX; see [`Host::duix`].
pub struct OnDuix<B: Bot> {
    host: Host<B>,
    whole: Option<Arc<Mount>>,
    stream: Option<Arc<Mount>>,
}

impl<B: Bot> fmt::Debug for OnDuix<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnDuix").field("host", &self.host).finish_non_exhaustive()
    }
}

impl<B: Bot> Host<B> {
    /// Puts the bot on DUIX: on both kinds of dialogue, or on the one that has what the bot needs; the
    /// other is then refused as an operation that is not supported.
    ///
    /// The deadline of the server is the longer [`Budget::whole`](super::Budget::whole) of the two.
    ///
    /// # Errors
    /// When the bot needs what neither has.
    pub fn duix(&self) -> Result<Server<OnDuix<B>>, Unmet> {
        let kind =
            |platform| Kind { platform, check: |_| Ok(()), splits: false, hang_up_reason: false };
        let whole = self.mount(kind(Platform::Duix));
        let stream = self.mount(kind(Platform::DuixStream));
        let (whole, stream) = match (whole, stream) {
            (Err(unmet), Err(_)) => return Err(unmet),
            (whole, stream) => (whole.ok(), stream.ok()),
        };
        let on = OnDuix { host: self.clone(), whole, stream };
        let [one, other] =
            [Platform::Duix, Platform::DuixStream].map(|kind| self.budget(kind).whole);
        let longer = one.zip(other).map(|(one, other)| one.max(other));
        Ok(Server::new(on).deadline(longer))
    }
}

impl<B: Bot> OnDuix<B> {
    fn question(request: DialogueRequest, platform: Platform) -> Question {
        let mut facts = Facts::new(platform, &request.conversation_id);
        // It names the account, not the person who speaks.
        facts.extras.insert("sid".into(), request.user_id.into());
        facts.called = Some(request.avatar_code);
        if let Some(context) = request.context {
            facts.extras.insert("dh-context".into(), context.into());
        }
        Question { turn: fresh_turn(), asked: Asked::Turn(Input::Speech(request.question)), facts }
    }
}

impl<B: Bot> Api for OnDuix<B> {
    async fn dialogue(&self, request: DialogueRequest) -> Result<Answer, Error> {
        let mount = self.whole.as_ref().ok_or_else(Error::unsupported)?;
        let question = Self::question(request, Platform::Duix);
        let packet = self.host.ask(mount, question)?.whole().await?.unwrap_or_default();
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
        let mount = self.stream.as_ref().ok_or_else(Error::unsupported)?;
        let question = Self::question(request, Platform::DuixStream);
        let mut answer = self.host.ask(mount, question)?;
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
