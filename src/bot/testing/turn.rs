//! A running turn of a test.

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::awaited::{Awaited, Wrong};
use super::transcript::{Step, Transcript, holds};
use super::{Answer, Peer, under};

/// A running turn, from [`TestCall::start`](super::TestCall::start). The platform receives the reply in
/// the background. Dropping this before the end of the turn closes the connection.
#[must_use = "dropped, it closes the connection"]
pub struct Turn {
    pub(super) call: Arc<Transcript>,
    pub(super) step: Arc<Step>,
    pub(super) peer: Peer,
    /// The platform's id of the turn.
    pub(super) id: String,
    pub(super) _work: Work,
}

/// The task that sends the request and receives the reply. Dropping this aborts it.
pub(super) struct Work(pub JoinHandle<()>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends a step when it is dropped, even if the task panics or is aborted.
pub(super) struct Ending(pub Arc<Step>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Turn {
    /// Returns the text of the reply so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.step.record().text.clone()
    }

    /// Waits until the reply contains `part`, ignoring case.
    ///
    /// # Panics
    /// Panics if the reply ends first.
    #[track_caller]
    pub fn until_speech<'a>(&'a mut self, part: &str) -> impl Future<Output = &'a mut Self> {
        Awaited::new(async move {
            if !self.step.until(|record| holds(&record.text, part)).await {
                let what = format!("the reply ended before the bot said {part:?}");
                // A step that was not possible fails here, with the reason.
                Answer::new(self.call.clone(), &self.step)?;
                return Err(self.call.wrong(Some(self.step.number), what));
            }
            Ok(self)
        })
    }

    /// Lets the caller barge in, and receives the reply to its end. `heard` is what the platform reports
    /// as heard; `None` leaves it out.
    ///
    /// Only Digital Employee reports a barge-in. On the other platforms a caller barges in with the next
    /// turn: there this turn runs to its end, and the answer is [unsupported](Answer::unsupported).
    #[track_caller]
    pub fn barge_in<'a>(self, heard: impl Into<Option<&'a str>>) -> impl Future<Output = Answer> {
        let heard = heard.into();
        Awaited::new(async move {
            match under(&self.step, self.peer.barge_in(&self.id, heard)).await {
                Some(result) => {
                    let mut record = self.step.record();
                    record.barged_in = Some(heard.map(str::to_owned));
                    if let Err(error) = result {
                        record.failure = Some(crate::error::chain(&error).to_string());
                    }
                }
                None => {
                    let reason = format!("{} does not report barge-in", self.call.platform);
                    self.step.record().unsupported = Some(reason);
                }
            }
            self.try_rest().await
        })
    }

    /// Receives the reply to its end.
    #[track_caller]
    pub fn rest(self) -> impl Future<Output = Answer> {
        Awaited::new(self.try_rest())
    }

    pub(super) async fn try_rest(self) -> Result<Answer, Wrong> {
        self.step.until(|record| record.ended).await;
        Answer::new(self.call.clone(), &self.step)
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("step", &self.step.number).finish_non_exhaustive()
    }
}
