//! The demo bot: a bank clerk that always answers the same, on every platform.

#[cfg(feature = "duix")]
mod duix;
#[cfg(feature = "odfs")]
mod ivr;
#[cfg(feature = "digital-employee")]
mod phone;

use callbot::server::Turns;

/// A bank clerk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clerk {
    turns: Turns,
}

/// What somebody wants of the clerk, by the words that it listens for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Balance,
    Agent,
    Pin,
    Story,
    Bye,
    Crash,
    Help,
    /// Nothing that it knows: it repeats what was said.
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

/// From one sentence of the story to the next.
const PACE: std::time::Duration = std::time::Duration::from_millis(200);
