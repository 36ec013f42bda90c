//! A turn that runs.

use std::fmt;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::transcript::{Step, Transcript, holds};
use super::{Answer, Peer};

/// A turn that runs, from [`TestCall::start`](super::TestCall::start). The platform takes what comes,
/// whatever the test does meanwhile. Dropped before its end, it closes the connection.
#[must_use = "dropped, it closes the connection"]
pub struct Turn {
    pub(super) call: Arc<Transcript>,
    pub(super) step: Arc<Step>,
    pub(super) peer: Peer,
    /// The platform's id of the turn.
    pub(super) id: String,
    pub(super) _work: Work,
}

/// What asks the bot. It ends when this is dropped.
pub(super) struct Work(pub JoinHandle<()>);

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The end of a step, however it comes.
pub(super) struct Ending(pub Arc<Step>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Turn {
    /// What was said so far.
    #[must_use]
    pub fn text(&self) -> String {
        self.step.record().text.clone()
    }

    /// Waits until the reply holds this text, in any case of letters.
    ///
    /// # Panics
    /// When the reply ends before.
    pub async fn until_speech(&mut self, part: &str) -> &mut Self {
        if !self.step.until(|record| holds(&record.text, part)).await {
            let what = format!("the reply ended before the bot said {part:?}");
            // What nobody could ask for says why.
            Answer::new(self.call.clone(), &self.step);
            self.call.wrong(Some(self.step.number), what);
        }
        self
    }

    /// The caller barges in and has heard this, or `None` when the platform does not tell. Then what
    /// still comes is taken, to the end.
    ///
    /// Only Digital Employee tells it. Elsewhere the reply runs to its end, and the answer is
    /// [unsupported](Answer::unsupported): there a caller barges in with the next turn.
    pub async fn barge_in<'a>(self, heard: impl Into<Option<&'a str>>) -> Answer {
        let heard = heard.into();
        match self.peer.barge_in(&self.id, heard).await {
            Some(result) => {
                let mut record = self.step.record();
                record.barged_in = Some(heard.map(str::to_owned));
                if let Err(error) = result {
                    record.failure = Some(crate::error::chain(&error).to_string());
                }
            }
            None => {
                let reason = format!("{} tells of no barge-in", self.call.platform);
                self.step.record().unsupported = Some(reason);
            }
        }
        self.rest().await
    }

    /// Takes what still comes, to the end.
    pub async fn rest(self) -> Answer {
        self.step.until(|record| record.ended).await;
        Answer::new(self.call.clone(), &self.step)
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("step", &self.step.number).finish_non_exhaustive()
    }
}
