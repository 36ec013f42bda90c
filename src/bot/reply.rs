//! The reply of a turn, as the bot uses it.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
#[cfg(feature = "llm")]
use tokio::time::Instant;

use super::capabilities::{Capabilities, Platform};
use super::controls::{Closing, Element, Gather, HangUp, Native, SpeechSettings, Transfer};
#[cfg(doc)]
use super::error::ReplyError;
use super::error::Result;
use super::outbox::{Audience, Outbox};
use super::runtime::Note;
use super::store::StoreHandle;
use crate::server::Error;

/// The reply of a turn. The turn borrows it.
///
/// On a platform that streams, the text goes out in packets, each when the bot waits for something.
/// On the others it goes out as one answer at the end of the turn. So text and controls that are added
/// without waiting arrive together. Every method waits while the platform is slow, and regularly lets
/// other tasks run.
///
/// [`transfer`](Self::transfer) and [`hang_up`](Self::hang_up) end the reply. They go out when the turn
/// has succeeded and the memory is written, and nothing can be said after them.
///
/// ```
/// # #[cfg(all(feature = "client", feature = "odfs"))]
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// # use callbot::bot::testing::TestCall;
/// # use callbot::bot::Platform;
/// use callbot::bot::{Bot, Call, Gather, Input, Reply, Result, Transfer};
///
/// struct Ivr;
///
/// impl Bot for Ivr {
///     type Memory = ();
///
///     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
///         match input {
///             Input::Dtmf(keys) if keys == "1" => {
///                 reply.say("I'll put you through.").await?;
///                 reply.transfer(Transfer::to_queue("sales")).await
///             }
///             _ => {
///                 reply.say("For sales, press 1.").await?;
///                 reply.gather(Gather::up_to(1)).await
///             }
///         }
///     }
/// }
///
/// # use callbot::bot::TransferKind;
/// let mut call = TestCall::on(Platform::Odfs, Ivr);
/// call.say("hello").await.expect_text("For sales, press 1.").expect_gather(1);
/// call.keys("1").await.expect_transfer(TransferKind::Queue, "sales");
/// # }
/// # #[cfg(not(all(feature = "client", feature = "odfs")))]
/// # fn main() {}
/// ```
///
/// A reply can't leave its turn:
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
    store: StoreHandle,
    audience: Audience,
}

impl Reply {
    pub(super) fn new(outbox: Arc<Outbox>, store: StoreHandle, audience: Audience) -> Self {
        Self { outbox, store, audience }
    }

    /// Adds text to the reply: a sentence, or a piece of one, such as a token of a language model.
    /// Pieces are joined as they are; no white space is added.
    ///
    /// # Errors
    /// Returns [`ReplyError::Over`] when the reply was cut short; return from the turn then.
    /// Returns [`ReplyError::Finished`] after a transfer or a hang-up, and [`ReplyError::TooLong`] when
    /// the whole text exceeds [`Limits::max_reply_bytes`](super::Limits::max_reply_bytes).
    pub async fn say(&mut self, text: impl AsRef<str> + Send + Sync) -> Result {
        self.outbox.ready().await?;
        if self.audience == Audience::Nobody {
            self.outbox.drop_greeting();
            return Ok(());
        }
        Ok(self.outbox.push_text(text.as_ref())?)
    }

    /// Adds every text of a stream to the reply, such as the answer of a language model.
    ///
    /// A stream of [`sentences`](crate::text::sentences) yields whole sentences. If the first one is not
    /// over when the first packet is due, its text so far goes out, so that the turn does not fail.
    ///
    /// # Errors
    /// Returns the first error of the stream or of [`say`](Self::say).
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

    /// Sends the text so far now, on a platform that streams. You don't need it before an `.await`
    /// that waits: the text goes out then anyway.
    ///
    /// # Errors
    /// Returns [`ReplyError::Over`] when the reply was cut short.
    pub async fn flush(&mut self) -> Result {
        self.outbox.ready().await?;
        self.outbox.flush();
        Ok(())
    }

    /// Sets how the platform speaks and listens, from this reply to the end of the call. Fields that
    /// are `None` keep their former values.
    ///
    /// # Errors
    /// Returns the errors of [`say`](Self::say), [`ReplyError::Late`] when the first packet was already
    /// sent, [`ReplyError::FillerFirst`] when a filler may be that packet, [`ReplyError::Unsupported`] when
    /// the platform does not support the settings, and [`ReplyError::Invalid`] when it does not allow the
    /// values.
    #[doc(alias("voice", "barge-in", "interruptible"))]
    pub async fn speech_settings(&mut self, settings: SpeechSettings) -> Result {
        self.push(Element::SpeechSettings(settings)).await
    }

    /// Gathers DTMF digits after this reply.
    ///
    /// # Errors
    /// Returns the errors of [`speech_settings`](Self::speech_settings). [`ReplyError::Late`] and
    /// [`ReplyError::FillerFirst`] depend on [`Capabilities::late_gather`]. For [secret](Gather::secret) digits,
    /// also those of [`secret_input`](Self::secret_input).
    #[doc(alias = "DTMF")]
    pub async fn gather(&mut self, keys: Gather) -> Result {
        let secret = keys.secret;
        self.push(Element::Gather(keys)).await?;
        if secret { self.expect_secret().await } else { Ok(()) }
    }

    /// Marks the caller's next input as secret, such as a password that the caller says. For DTMF digits
    /// use [`Gather::secret`].
    ///
    /// The bot gets the input as it is. callbot keeps it out of everything else:
    ///
    /// - In the [`History`](super::History), and so in the store, [`Entry::SECRET`](super::Entry::SECRET)
    ///   replaces it, also where the reply to it repeats it.
    /// - Its turn is never traced, not even with
    ///   [`trace_content`](crate::server::Server::trace_content). A test's transcript hides it, too.
    /// - What the caller heard of a reply that repeats it is [`Heard::Unknown`](super::Heard::Unknown).
    ///
    /// The mark lasts until a turn with speech or digits has succeeded. So it outlasts a silence, a
    /// barge-in, a turn that fails and a request that the platform repeats. The bot's own memory, log and
    /// errors are the bot's responsibility, and so is a secret that a later reply repeats.
    ///
    /// # Errors
    /// Returns [`ReplyError::Over`] when the reply was cut short, [`ReplyError::Finished`] after a transfer
    /// or a hang-up, and a [`StoreError`](super::StoreError) when the store fails.
    ///
    /// ```
    /// # #[cfg(all(feature = "client", feature = "odfs"))]
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// # use callbot::bot::{Platform, testing::TestCall};
    /// use callbot::bot::{Bot, Call, Entry, Input, Reply, Result};
    ///
    /// struct Bank;
    ///
    /// impl Bot for Bank {
    ///     type Memory = bool; // whether the caller is known
    ///
    ///     async fn turn(&self, call: &mut Call<bool>, input: Input, reply: &mut Reply) -> Result {
    ///         match input {
    ///             Input::Speech(word) if word == "open sesame" => {
    ///                 call.memory = true;
    ///                 reply.say("Welcome.").await
    ///             }
    ///             _ => {
    ///                 reply.say("What is the password?").await?;
    ///                 reply.secret_input().await
    ///             }
    ///         }
    ///     }
    /// }
    ///
    /// let mut call = TestCall::on(Platform::Odfs, Bank);
    /// call.say("hello").await.expect_text("What is the password?");
    /// call.say("open sesame").await.expect_text("Welcome.");
    /// let history = call.history().await;
    /// assert_eq!(history.last().unwrap().input, Some(Input::Speech(Entry::SECRET.into())));
    /// # }
    /// # #[cfg(not(all(feature = "client", feature = "odfs")))]
    /// # fn main() {}
    /// ```
    #[doc(alias("password", "PIN", "private"))]
    pub async fn secret_input(&mut self) -> Result {
        self.outbox.ready().await?;
        self.expect_secret().await
    }

    /// Marks the next input as secret, here and in the store. The store gets the mark now and not with
    /// the rest of the turn: the caller may barge in with the secret, also in another process, before this
    /// turn is stored.
    async fn expect_secret(&mut self) -> Result {
        if self.audience == Audience::Nobody {
            return Ok(());
        }
        self.outbox.expect_secret()?;
        let note = self.store.note(self.outbox.call(), Note::Secret.to_bytes());
        // What the bot adds next still belongs to the same packet.
        self.outbox.without_flush(note).await?;
        Ok(())
    }

    /// Transfers the caller after the text of the reply, and ends the reply.
    ///
    /// # Errors
    /// Returns the errors of [`say`](Self::say), [`ReplyError::Unsupported`] when the platform does not
    /// support the transfer, and [`ReplyError::Invalid`] when it does not allow the values.
    pub async fn transfer(&mut self, to: Transfer) -> Result {
        self.push(Element::Closing(Closing::Transfer(to))).await
    }

    /// Hangs up after the text of the reply, and ends the reply.
    ///
    /// # Errors
    /// Returns the errors of [`transfer`](Self::transfer).
    pub async fn hang_up(&mut self, how: HangUp) -> Result {
        self.push(Element::Closing(Closing::HangUp(how))).await
    }

    /// Adds a control that only one platform has.
    ///
    /// # Errors
    /// Returns the errors of [`transfer`](Self::transfer); on every other platform that is
    /// [`ReplyError::Unsupported`].
    pub async fn native(&mut self, native: impl Into<Native> + Send) -> Result {
        self.push(Element::Native(Box::new(native.into()))).await
    }

    /// Returns what the platform supports, with the transfers that the host allows.
    #[must_use]
    pub fn can(&self) -> Capabilities {
        self.outbox.adapter().capabilities
    }

    /// Returns the platform.
    #[must_use]
    pub fn platform(&self) -> Platform {
        self.outbox.adapter().platform
    }

    /// Returns the time that remains for the first packet, or for the whole reply if only that is
    /// limited; `None` without a limit, or once a limited first packet was sent. The
    /// [margin](super::Budget::margin) of the budget is not part of it.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        self.outbox.time_left()
    }

    /// Sends no filler in this reply, unless it has gone out.
    ///
    /// Call it at the start of a turn that adds [`gather`](Self::gather) or
    /// [`speech_settings`](Self::speech_settings) after a wait. A platform that accepts these in the first
    /// packet only can't take them after a filler. If the turn has waited before this call, they fail with
    /// [`ReplyError::FillerFirst`], even if no filler has gone out. A wait is an `.await` that is not ready
    /// immediately, on anything but a method of the reply.
    pub fn no_filler(&mut self) {
        self.outbox.cancel_filler();
    }

    /// Returns when the first text has to go out, or the turn fails. Returns `None` without such a limit, once
    /// there is text, and while a filler will be in time.
    #[cfg(feature = "llm")]
    pub(crate) fn text_due(&self) -> Option<Instant> {
        self.outbox.text_due()
    }

    /// Returns the time from the arrival of the request until the first packet; until now if none is out.
    #[cfg(feature = "llm")]
    pub(crate) fn first_packet(&self) -> Duration {
        self.outbox.first_packet()
    }

    /// Starts a new sentence with the next text.
    #[cfg(feature = "llm")]
    pub(crate) fn start_sentence(&mut self) {
        self.outbox.start_sentence();
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
