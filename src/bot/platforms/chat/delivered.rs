//! Which answers were delivered whole, to tell a caller's silence from a repeated request.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::bot::input::{CallKey, Input, TurnId};
use crate::lock::Mutex;

/// How long after a delivered answer the same history means that the caller is silent. A repeated request
/// comes sooner, and no platform waits for so short a time before it calls a caller silent.
const SILENCE: Duration = Duration::from_secs(1);

/// How long an answer is remembered. A platform does not wait longer for its caller.
const MEMORY: Duration = Duration::from_secs(5 * 60);

/// The most calls that are remembered. A silence in any other call gets the earlier answer once more.
const MAX_CALLS: usize = 10_000;

/// The answers that were delivered whole in this process, the last one of each call.
///
/// A request that arrives in another process finds nothing here, and gets the earlier answer once more.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    last: HashMap<CallKey, Last>,
    /// When forgotten calls were dropped last.
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Last {
    /// The turn, as its messages name it.
    turn: TurnId,
    /// How many silences have followed it.
    silences: u32,
    at: Instant,
}

impl Delivered {
    /// Returns the turn and the input that a request means: what it says, or a silence after the answer to
    /// the same messages.
    pub(super) fn meaning(
        &self,
        call: &CallKey,
        turn: TurnId,
        input: Input,
    ) -> (TurnId, Input, Mark) {
        let calls = self.calls.lock();
        let last = calls.last.get(call).filter(|last| last.turn == turn);
        let silences = match last {
            Some(last) if last.at.elapsed() >= SILENCE => last.silences.saturating_add(1),
            Some(last) => last.silences,
            None => 0,
        };
        drop(calls);
        let mark = Mark { turn: turn.clone(), silences };
        match silences {
            0 => (turn, input, mark),
            _ => (TurnId::new(format!("{}.s{silences}", turn.as_str())), Input::Silence, mark),
        }
    }

    /// Remembers that the answer to a request was delivered whole.
    pub(super) fn remember(&self, call: CallKey, Mark { turn, silences }: Mark) {
        let mut calls = self.calls.lock();
        let at = Instant::now();
        if calls.swept.is_none_or(|swept| swept + MEMORY / 8 <= at) {
            calls.swept = Some(at);
            calls.last.retain(|_, last| last.at + MEMORY > at);
        }
        if calls.last.len() < MAX_CALLS || calls.last.contains_key(&call) {
            calls.last.insert(call, Last { turn, silences, at });
        }
    }
}

/// What to remember once an answer was delivered.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    turn: TurnId,
    silences: u32,
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;
    use crate::bot::capabilities::Platform;

    #[tokio::test(start_paused = true)]
    async fn the_same_messages_are_a_silence_only_after_a_pause_and_a_whole_answer() {
        let delivered = Delivered::default();
        let call = CallKey::new(Platform::Chat, "c");
        let speech = Input::Speech("hello".into());
        let ask = || delivered.meaning(&call, TurnId::new("t"), speech.clone());
        let expect = |turn: &str, input: &Input| {
            let (found, meant, mark) = ask();
            assert_eq!((found.as_str(), &meant), (turn, input));
            mark
        };
        expect("t", &speech);
        advance(SILENCE * 3).await;
        // Not delivered: a repeated request.
        let mark = expect("t", &speech);
        delivered.remember(call.clone(), mark);
        expect("t", &speech);
        advance(SILENCE).await;
        expect("t.s1", &Input::Silence);
        // The answer to the silence was not delivered yet.
        let mark = expect("t.s1", &Input::Silence);
        delivered.remember(call.clone(), mark);
        expect("t.s1", &Input::Silence);
        advance(SILENCE).await;
        expect("t.s2", &Input::Silence);
        // Another turn, and another call.
        let other = delivered.meaning(&call, TurnId::new("u"), speech.clone());
        assert_eq!((other.0.as_str(), &other.1), ("u", &speech));
        let call = CallKey::new(Platform::Chat, "d");
        assert_eq!(delivered.meaning(&call, TurnId::new("t"), speech.clone()).1, speech);
    }

    #[tokio::test(start_paused = true)]
    async fn old_answers_are_forgotten() {
        let delivered = Delivered::default();
        for number in 0..100 {
            let call = CallKey::new(Platform::Chat, number.to_string());
            let (_, _, mark) = delivered.meaning(&call, TurnId::new("t"), Input::Silence);
            delivered.remember(call, mark);
            advance(MEMORY / 10).await;
        }
        let kept = delivered.calls.lock().last.len();
        assert!((10..=12).contains(&kept), "{kept}");
    }
}
