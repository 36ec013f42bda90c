//! What a bot answers with.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};

use super::capabilities::{Capabilities, Platform};
use super::controls::{Closing, Element, Gather, HangUp, Native, SpeechSettings, Transfer};
#[cfg(doc)]
use super::error::ReplyError;
use super::error::Result;
use super::outbox::{Audience, Outbox};
use crate::server::Error;

/// The reply of a turn, lent to the bot for it.
///
/// What is said goes out as the platform wants it: in packets, each when the bot really waits for
/// something, or as one answer at the end. So words and controls that are made together arrive
/// together. Every method waits while the platform is slow, and lets other tasks run now and then.
///
/// [`transfer`](Self::transfer) and [`hang_up`](Self::hang_up) are last: they go out when the turn
/// has succeeded and the memory is written, and nothing can be said after them.
///
/// It can't leave the turn:
///
/// ```compile_fail,E0521
/// # use callbot::bot::{Bot, Call, Input, Reply, Result};
/// # struct Parrot;
/// impl Bot for Parrot {
///     type Memory = ();
///
///     async fn turn(&self, _: &mut Call<()>, _: Input, reply: &mut Reply) -> Result {
///         tokio::spawn(async move { reply.say("Later!").await });
///         Ok(())
///     }
/// }
/// ```
pub struct Reply {
    outbox: Arc<Outbox>,
    audience: Audience,
}

impl Reply {
    pub(super) fn new(outbox: Arc<Outbox>, audience: Audience) -> Self {
        Self { outbox, audience }
    }

    /// Says something: a sentence, or a piece of one as a language model gives it. White space is
    /// the author's; pieces are put together as they are.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when nobody listens any more: return, the rest is dropped anyway.
    /// [`ReplyError::Finished`] after a transfer or a hang-up, [`ReplyError::TooLong`] when the whole
    /// text is longer than a reply may be.
    pub async fn say(&mut self, text: impl AsRef<str> + Send + Sync) -> Result {
        self.outbox.ready().await?;
        if self.audience == Audience::Nobody {
            self.outbox.drop_greeting();
            return Ok(());
        }
        Ok(self.outbox.push_text(text.as_ref())?)
    }

    /// Says all of a stream, such as the answer of a language model.
    ///
    /// # Errors
    /// The first error of the stream, or of [`say`](Self::say).
    ///
    /// ```
    /// use callbot::bot::{Reply, Result};
    /// use callbot::text::sentences;
    /// use futures_util::stream;
    ///
    /// async fn answer(reply: &mut Reply) -> Result {
    ///     let tokens = ["It o", "pens at ni", "ne. Any", "thing else?"].map(Ok::<_, std::io::Error>);
    ///     reply.say_all(sentences(stream::iter(tokens))).await
    /// }
    /// ```
    pub async fn say_all<S, T, E>(&mut self, texts: S) -> Result
    where
        S: Stream<Item = Result<T, E>> + Send,
        T: AsRef<str> + Send + Sync,
        E: Into<Error>,
    {
        let mut texts = pin!(texts);
        while let Some(text) = texts.next().await {
            self.say(text.map_err(Into::into)?).await?;
        }
        Ok(())
    }

    /// Lets what was said so far go out now, where the platform takes packets. There is no need for it
    /// before something that is awaited.
    ///
    /// # Errors
    /// [`ReplyError::Over`] when nobody listens any more.
    pub async fn flush(&mut self) -> Result {
        self.outbox.ready().await?;
        self.outbox.flush();
        Ok(())
    }

    /// Sets how the platform speaks and listens, from this reply on to the end of the call. What is
    /// not set stays as it is.
    ///
    /// # Errors
    /// As [`say`](Self::say); [`ReplyError::Late`] when the first packet is out,
    /// [`ReplyError::Unsupported`] when the platform can't, [`ReplyError::Invalid`] for values that
    /// are not allowed.
    #[doc(alias("voice", "barge-in", "interruptible"))]
    pub async fn speech_settings(&mut self, settings: SpeechSettings) -> Result {
        self.push(Element::SpeechSettings(settings)).await
    }

    /// Gathers keys (DTMF) after this reply.
    ///
    /// # Errors
    /// As [`speech_settings`](Self::speech_settings).
    #[doc(alias = "DTMF")]
    pub async fn gather(&mut self, keys: Gather) -> Result {
        self.push(Element::Gather(keys)).await
    }

    /// Puts the caller through to somebody else, after what was said. It is the last of a reply.
    ///
    /// # Errors
    /// As [`say`](Self::say); [`ReplyError::Unsupported`] when the platform can't,
    /// [`ReplyError::Invalid`] for values that are not allowed.
    pub async fn transfer(&mut self, to: Transfer) -> Result {
        self.push(Element::Closing(Closing::Transfer(to))).await
    }

    /// Hangs up, after what was said. It is the last of a reply.
    ///
    /// # Errors
    /// As [`transfer`](Self::transfer).
    pub async fn hang_up(&mut self, how: HangUp) -> Result {
        self.push(Element::Closing(Closing::HangUp(how))).await
    }

    /// Adds what only this platform has.
    ///
    /// # Errors
    /// As [`transfer`](Self::transfer): [`ReplyError::Unsupported`] on all other platforms.
    pub async fn native(&mut self, native: impl Into<Native> + Send) -> Result {
        self.push(Element::Native(Box::new(native.into()))).await
    }

    /// What the platform can do.
    #[must_use]
    pub fn can(&self) -> Capabilities {
        self.outbox.adapter().capabilities
    }

    /// The platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.outbox.adapter().platform
    }

    /// Returns the time that remains for the first packet, or for all of the reply where only that is
    /// limited; `None` without a limit, or once the first packet is out.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.outbox.time_left()
    }

    /// No filler in this reply: after a filler keys can't be gathered any more on a platform that
    /// takes this in the first packet only.
    pub fn no_filler(&mut self) {
        self.outbox.cancel_filler();
    }

    async fn push(&mut self, element: Element) -> Result {
        self.outbox.ready().await?;
        Ok(self.outbox.push_control(element, self.audience)?)
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").field("platform", &self.platform()).finish_non_exhaustive()
    }
}
