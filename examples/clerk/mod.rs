//! The demo bot: a bank clerk that always answers the same, on every platform.

use std::time::Duration;

use callbot::bot::{
    Bot, Call, Gather, HangUp, Input, Platform, Reply, Result, SpeechSettings, Transfer,
    TransferKind, TransferOutcome,
};

/// A bank clerk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clerk;

impl Bot for Clerk {
    type Memory = ();

    async fn begin(&self, _: &mut Call<()>, reply: &mut Reply) -> Result {
        if reply.can().speech.barge_in {
            let barge_in = SpeechSettings::new()
                .with_barge_in(true)
                .with_silence_timeout(Duration::from_secs(5));
            reply.speech_settings(barge_in).await?;
        }
        reply.say("Welcome to the bank. How can I help you?").await
    }

    async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
        match input {
            Input::Speech(utterance) => return answer(&utterance, reply).await,
            Input::Dtmf(digits) => {
                let digits: Vec<_> = digits.chars().map(String::from).collect();
                reply.say(format!("You pressed {}.", digits.join(", "))).await?;
            }
            Input::NoMatch => {
                reply.say("I did not understand that. Please say it again.").await?;
            }
            // The caller talks to an agent now.
            Input::Transferred(TransferOutcome::Done) => {}
            Input::Transferred(_) => {
                reply.say("Nobody is free just now. How can I help you?").await?;
            }
            _ => reply.say("Are you still there? How can I help you?").await?,
        }
        Ok(())
    }
}

async fn answer(utterance: &str, reply: &mut Reply) -> Result {
    let can = reply.can();
    // On ODFS, text before a transfer or a hang-up is a step of its own. This clerk leaves it out.
    let takes_leave = reply.platform() != Platform::Odfs;
    match Wish::of(utterance) {
        Wish::Balance => {
            for part in BALANCE {
                reply.say(part).await?;
                reply.flush().await?;
            }
        }
        Wish::Agent if can.transfer.contains(TransferKind::Queue) => {
            if takes_leave {
                reply.say("One moment, I am putting you through.").await?;
            }
            reply.transfer(Transfer::to_queue("skg-1234")).await?;
        }
        Wish::Pin if can.gather.is_some() => {
            reply.say("Please enter the four digits of your PIN.").await?;
            reply.gather(Gather::up_to(4)).await?;
        }
        Wish::Story => {
            let mut pace = tokio::time::interval(PACE);
            for sentence in story() {
                // In a reply that is one answer the pauses would only cost time.
                if can.streams {
                    pace.tick().await;
                }
                reply.say(sentence).await?;
                reply.flush().await?;
            }
        }
        Wish::Bye => {
            if takes_leave {
                reply.say("Goodbye.").await?;
            }
            if can.hang_up {
                reply.hang_up(HangUp::new().with_delay(Duration::from_secs(1))).await?;
            }
        }
        Wish::Crash => panic!("the caller asked for it"),
        Wish::Help if matches!(reply.platform(), Platform::Duix | Platform::DuixStream) => {
            reply.say("You can ask for your balance, or for a story.").await?;
            #[cfg(feature = "duix")]
            if can.native {
                let shown = callbot::duix::dialogue::Answer::text("")
                    .with_tip_phrases(["What is my balance?", "Tell me a story."])
                    .with_text_shown(true)
                    .with_intent("help");
                reply.native(shown).await?;
            }
        }
        _ => reply.say(utterance).await?,
    }
    Ok(())
}

/// What the caller wants, by the keywords that the clerk knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Balance,
    Agent,
    Pin,
    Story,
    Bye,
    Crash,
    Help,
    /// None of these: the clerk repeats what was said.
    Other,
}

impl Wish {
    fn of(utterance: &str) -> Self {
        let says = |word: &str| {
            let mut words = utterance.split(|c: char| !c.is_alphanumeric());
            words.any(|said| said.eq_ignore_ascii_case(word))
        };
        let known = [
            ("balance", Self::Balance),
            ("agent", Self::Agent),
            ("pin", Self::Pin),
            ("story", Self::Story),
            ("bye", Self::Bye),
            ("crash", Self::Crash),
            ("help", Self::Help),
        ];
        known.iter().find(|(word, _)| says(word)).map_or(Self::Other, |(_, wish)| *wish)
    }
}

const BALANCE: [&str; 3] = ["Your balance ", "is 1234 euros ", "and 56 cents."];

/// The sentences of a story.
fn story() -> impl Iterator<Item = String> {
    (1..=32).map(|coin| match coin {
        1 => "Once upon a time there was a coin. ".into(),
        32 => "And they lived in the vault ever after.".into(),
        coin => format!("Then came coin number {coin}. "),
    })
}

/// The time between two sentences of the story.
const PACE: Duration = Duration::from_millis(200);
