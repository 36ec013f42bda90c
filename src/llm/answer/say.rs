//! Says the text of an answer, and ends the reply.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Turn;
use crate::bot::{HangUp, Platform, Result};
use crate::llm::built_in::Closing;

impl<M: Serialize + DeserializeOwned + Default + Send + Sync + 'static> Turn<'_, M> {
    /// Says a text.
    pub(super) async fn say(&mut self, text: &str) -> Result {
        self.reply.say(text).await?;
        if !text.trim().is_empty() {
            self.began.get_or_insert_with(Instant::now);
        }
        self.said.push_str(text);
        Ok(())
    }

    /// Says the text that was held back.
    pub(super) async fn say_held(&mut self) -> Result {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(()) } else { self.say(&held).await }
    }

    /// Says these words if the last answer of the model has none.
    pub(super) async fn say_unless_said(&mut self, words: &str) -> Result {
        if self.words.trim().is_empty() {
            self.words = words.to_owned();
            self.say(words).await?;
        }
        Ok(())
    }

    /// Ends the reply with the transfer or the hang-up that a tool asked for, if there is one.
    pub(super) async fn close(&mut self) -> Result {
        let Some((closing, words)) = self.closing.take() else { return Ok(()) };
        let phrases = &self.assistant.phrases;
        let phrase = match closing {
            Closing::HangUp(_) => &phrases.goodbye,
            Closing::Transfer(_) => &phrases.transfer,
        };
        let words = if words.trim().is_empty() { phrase } else { &words };
        self.say_unless_said(words).await?;
        match closing {
            Closing::HangUp(Some(how)) => self.reply.hang_up(how).await,
            Closing::HangUp(None) => {
                let how = HangUp::new().with_delay(self.delay());
                self.reply.hang_up(how).await
            }
            Closing::Transfer(to) => self.reply.transfer(to).await,
        }
    }

    /// Returns how long a platform waits with a hang-up for the voice to end. Digital Employee does not wait
    /// by itself, ODFS does, and the others have no field for the time.
    fn delay(&self) -> Duration {
        const LONGEST: u64 = 10;
        if self.reply.platform() != Platform::DigitalEmployee {
            return Duration::ZERO;
        }
        let spoken = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let left = speech_time(&self.said).saturating_sub(spoken);
        // The platform takes whole seconds.
        Duration::from_secs((left.as_secs() + 1).min(LONGEST))
    }
}

/// Returns how long a slow voice takes for a text.
fn speech_time(text: &str) -> Duration {
    /// Four syllables of Chinese in a second, or twelve letters of other languages.
    const IDEOGRAPH: Duration = Duration::from_millis(250);
    const LETTER: Duration = Duration::from_millis(1000 / 12);
    let time = |c: char| match c {
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}' => IDEOGRAPH,
        _ => LETTER,
    };
    text.chars().map(time).sum()
}
