//! The conversation that a model gets: the history of the call as it was heard, and the results of tools.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::memory::{Exchange, Log};
use crate::bot::{Entry, Heard, History, Input, TransferOutcome, TurnId};
use crate::chat::{FunctionCall, Message, Role, ToolCall};

/// The limits of a conversation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    /// The number of turns before the one that runs.
    pub entries: usize,
    /// The estimated number of tokens, with the instructions.
    pub tokens: usize,
}

/// What a conversation is made of.
pub(super) struct Source<'a> {
    pub history: &'a History,
    pub log: &'a Log,
    pub turn: &'a TurnId,
    /// The input of the turn that runs.
    pub input: &'a Input,
    /// Whether that input is secret. Then the model learns only that there is one.
    pub secret: bool,
    /// What was said in the rounds of the turn that runs.
    pub texts: &'a BTreeMap<usize, String>,
}

impl Source<'_> {
    /// Returns the messages of the conversation after these instructions, with the tool calls of the turn
    /// that runs at the end. The oldest turns are left out until the rest is within the limits.
    ///
    /// A turn is left out as a whole, so a tool call never loses its result. The instructions and the turn
    /// that runs always stay.
    pub(super) fn messages(&self, instructions: String, size: Size) -> Vec<Message> {
        let first = Message::system(instructions);
        let current = self.current();
        let mut tokens = tokens_of(&first) + current.iter().map(tokens_of).sum::<usize>();
        let mut kept = Vec::new();
        for turn in self.turns().into_iter().rev().take(size.entries) {
            tokens += turn.iter().map(tokens_of).sum::<usize>();
            if tokens > size.tokens {
                break;
            }
            kept.push(turn);
        }
        let mut messages = vec![first];
        for message in kept.into_iter().rev().flatten().chain(current) {
            add(&mut messages, message);
        }
        messages
    }

    /// Returns the turns of the history, the oldest first.
    fn turns(&self) -> Vec<Vec<Message>> {
        let mut turns = Vec::with_capacity(self.history.len());
        let mut before = None;
        for entry in self.history.iter().filter(|entry| entry.turn != *self.turn) {
            turns.push(self.entry(entry, before));
            before = Some(entry);
        }
        turns
    }

    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Vec<Message> {
        let mut messages = Vec::new();
        if let Some(input) = &entry.input {
            messages.push(Message::user(after(before, utterance(input, entry.secret))));
        }
        if let Some(exchange) = self.log.exchange(&entry.turn) {
            exchanged(exchange, None, &mut messages);
        }
        // Empty if the caller barged in before the first word. What a platform did not report was sent, at
        // least.
        if !entry.said.trim().is_empty() {
            messages.push(Message::assistant(entry.said.trim()));
        }
        messages
    }

    /// Returns the turn that runs.
    fn current(&self) -> Vec<Message> {
        let mut messages = Vec::new();
        for late in self.log.late(self.history, self.turn) {
            exchanged(late, None, &mut messages);
        }
        let last = self.history.iter().rev().find(|entry| entry.turn != *self.turn);
        messages.push(Message::user(after(last, utterance(self.input, self.secret))));
        if let Some(exchange) = self.log.exchange(self.turn) {
            exchanged(exchange, Some(self.texts), &mut messages);
        }
        messages
    }
}

/// Adds a message. Texts of the caller in a row become one message, since some models want the roles to
/// alternate.
fn add(messages: &mut Vec<Message>, message: Message) {
    match messages.last_mut() {
        Some(last) if last.role == Some(Role::User) && message.role == Some(Role::User) => {
            let text = format!("{}\n{}", last.text(), message.text());
            *last = Message::user(text);
        }
        _ => messages.push(message),
    }
}

/// Adds tool calls with their results, and with the texts of their rounds. An earlier turn has its text in
/// the history.
fn exchanged(
    exchange: &Exchange,
    texts: Option<&BTreeMap<usize, String>>,
    messages: &mut Vec<Message>,
) {
    for (number, round) in exchange.rounds.iter().enumerate() {
        let calls = round
            .iter()
            .map(|call| ToolCall::new(&call.id, FunctionCall::new(&call.name, &call.arguments)));
        let mut message = Message::new(Role::Assistant);
        message.tool_calls = calls.collect();
        let text = texts.and_then(|texts| texts.get(&number)).map(|text| text.trim());
        message.content = text.filter(|text| !text.is_empty()).map(Into::into);
        messages.push(message);
        messages.extend(round.iter().map(|call| Message::tool(&call.id, call.outcome())));
    }
}

/// Returns what the model gets as the caller's input. Notes about it are in brackets.
fn utterance(input: &Input, secret: bool) -> String {
    if secret {
        return "[The caller entered a secret, which only tools can read.]".into();
    }
    match input {
        Input::Speech(text) if !text.trim().is_empty() => text.trim().to_owned(),
        Input::Dtmf(keys) => format!("[pressed the keys {keys}]"),
        Input::Silence => "[silence]".into(),
        Input::Speech(_) | Input::NoMatch => "[not understood]".into(),
        Input::Transferred(TransferOutcome::Failed(code)) if code.is_empty() => {
            "[The transfer failed.]".into()
        }
        Input::Transferred(TransferOutcome::Failed(code)) => {
            format!("[The transfer failed: {code}]")
        }
        // The caller has talked to another person since.
        Input::Transferred(_) => "[The caller was transferred and is back.]".into(),
        Input::Other(value) => format!("[event: {value}]"),
    }
}

/// Returns the text of the caller after the turn `before`, with a note if that was cut.
fn after(before: Option<&Entry>, text: String) -> String {
    let cut = before.and_then(|entry| entry.heard.as_ref().map(|heard| (heard, &entry.said)));
    let note = match cut {
        None => return text,
        // A platform that reports nothing may have got nothing.
        Some((heard, said)) if *heard == Heard::Nothing || said.trim().is_empty() => {
            "[The caller interrupted before you said anything.]"
        }
        Some((Heard::UpTo(_), _)) => "[The caller interrupted you here.]",
        Some(_) => "[The caller interrupted you, and may not have heard the end.]",
    };
    let mut noted = note.to_owned();
    // Writing to a `String` can't fail.
    let _ = write!(noted, " {text}");
    noted
}

/// Returns the estimated number of tokens of a message.
fn tokens_of(message: &Message) -> usize {
    /// The role and the marks around a message.
    const FRAME: usize = 4;
    let calls = message
        .tool_calls
        .iter()
        .map(|call| FRAME + estimate(&call.function.name) + estimate(&call.function.arguments));
    FRAME + estimate(&message.text()) + calls.sum::<usize>()
}

/// Returns the estimated number of tokens of a text: one for four ASCII characters, and one for each other
/// character.
fn estimate(text: &str) -> usize {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let others = text.chars().filter(|c| !c.is_ascii()).count();
    ascii.div_ceil(4) + others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::llm::memory::Called;

    fn entry(turn: &str, text: &str, said: &str) -> Entry {
        Entry::new(TurnId::new(turn), Some(Input::Speech(text.into()))).with_said(said)
    }

    fn called(turn: &str, log: &mut Log) {
        let call = Called {
            id: format!("call of {turn}"),
            name: "look".into(),
            arguments: "{}".into(),
            result: Some(format!("result of {turn}")),
            started: false,
        };
        log.add_round(&TurnId::new(turn), vec![call]);
    }

    fn messages(history: Vec<Entry>, log: &Log, size: Size) -> Vec<String> {
        let history: History = history.into_iter().collect();
        let (turn, input) = (TurnId::new("now"), Input::Speech("Now?".into()));
        let texts = BTreeMap::from([(0, "One moment.".to_owned())]);
        let (history, turn, input) = (&history, &turn, &input);
        let source = Source { history, log, turn, input, secret: false, texts: &texts };
        let messages = source.messages("Be brief.".into(), size);
        let lines = messages.iter().map(|message| {
            let role = message.role.as_ref().map_or("?", Role::as_str);
            let calls = message.tool_calls.iter().map(|call| format!(" {}", call.id));
            format!("{role}: {}{}", message.text(), calls.collect::<String>())
        });
        lines.collect()
    }

    #[test]
    fn a_turn_is_left_out_with_its_tool_calls_and_their_results() {
        let mut log = Log::default();
        for turn in ["1", "2", "now"] {
            called(turn, &mut log);
        }
        let history = || vec![entry("1", "One?", "One."), entry("2", "Two?", "Two.")];
        let current = ["user: Now?", "assistant: One moment. call of now", "tool: result of now"];
        let second =
            ["user: Two?", "assistant:  call of 2", "tool: result of 2", "assistant: Two."];
        let first = ["user: One?", "assistant:  call of 1", "tool: result of 1", "assistant: One."];
        let expected = |turns: &[&[&str]]| {
            let turns = turns.concat();
            let lines = ["system: Be brief."].into_iter().chain(turns).chain(current);
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        let all = expected(&[&first, &second]);
        for (tokens, lines) in [
            (1000, all.clone()),
            // What both turns have, and one less.
            (87, all),
            (86, expected(&[&second])),
            (0, expected(&[])),
        ] {
            let size = Size { entries: 10, tokens };
            assert_eq!(messages(history(), &log, size), lines, "{tokens}");
        }
        let size = Size { entries: 1, tokens: 1000 };
        assert_eq!(messages(history(), &log, size), expected(&[&second]));
    }

    #[test]
    fn results_of_a_turn_that_is_not_in_the_history_yet_are_not_lost() {
        let mut log = Log::default();
        called("old", &mut log);
        log.tally.turns = 5;
        called("cut", &mut log);
        let size = Size { entries: 10, tokens: 1000 };
        let lines = messages(vec![entry("1", "One?", "One.")], &log, size);
        let expected = [
            "system: Be brief.",
            "user: One?",
            "assistant: One.",
            "assistant:  call of cut",
            "tool: result of cut",
            "user: Now?",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_cut_is_noted_with_what_is_known_of_it() {
        for (heard, note) in [
            (Heard::UpTo("One.".into()), "[The caller interrupted you here.]"),
            (Heard::Nothing, "[The caller interrupted before you said anything.]"),
            (Heard::Unknown, "[The caller interrupted you, and may not have heard the end.]"),
            (
                Heard::Mismatch("?".into()),
                "[The caller interrupted you, and may not have heard the end.]",
            ),
        ] {
            let size = Size { entries: 10, tokens: 1000 };
            let history = vec![entry("1", "One?", "One.").with_heard(heard)];
            let lines = messages(history, &Log::default(), size);
            assert_eq!(lines.last().unwrap(), &format!("user: {note} Now?"));
        }
    }

    #[test]
    fn tokens_are_estimated_by_the_script() {
        let estimates = ["", "One", "Hello", "你好吗", "é1"].map(estimate);
        assert_eq!(estimates, [0, 1, 2, 3, 2]);
    }
}
