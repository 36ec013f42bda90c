//! What the history of a request says about the bot's earlier replies.

use super::question::{Line, Speaker};
use crate::bot::history::{Entry, History, same_words};
use crate::bot::input::{Heard, Input, TurnId};
use crate::bot::runtime::trigger::PlatformHistory;

/// The history of a request.
pub(super) struct Lines {
    pub lines: Vec<Line>,
    /// The text that marks where a reply was interrupted.
    pub marker: Option<&'static str>,
    /// Whether the request names its call. If it does not, the history of the call is that of the request.
    pub named: bool,
}

impl PlatformHistory for Lines {
    fn entries(&self) -> Vec<Entry> {
        if self.named { Vec::new() } else { entries(&self.lines, self.marker) }
    }

    fn heard(&self, known: &History) -> Vec<(TurnId, String)> {
        let reports = reports(known, &self.lines, self.marker).into_iter();
        reports.map(|report| (report.turn, report.heard)).collect()
    }
}

/// What the caller heard of a reply.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Report {
    pub turn: TurnId,
    pub heard: String,
}

/// Compares the history of a request with the runtime's own, and returns what is new about how much the
/// caller heard.
///
/// The platform's history is not the runtime's: some platforms keep what was spoken, some what the bot
/// sent, and some transcribe both again. So only a clear statement counts:
///
/// - A line of the bot belongs to a turn only if the line before it is what the caller said in that turn.
///   Lines and turns are matched from the newest on, and in order.
/// - A line with the `marker` of the platform is the reply up to where the caller barged in. If that text is
///   not in the reply, it is a mismatch.
/// - A line without the `marker` tells how much was heard if its text is in the reply, by the matching of an
///   abort. Any other line, and a missing one, says nothing: the platform may have merged two replies,
///   transcribed one again, or dropped it. Nor does the whole reply of a platform with a mark: unless it is
///   asked to keep what was spoken, it keeps what it received.
pub(super) fn reports(history: &History, lines: &[Line], marker: Option<&str>) -> Vec<Report> {
    let mut turns: Vec<&Entry> = history.iter().collect();
    let mut reports = Vec::new();
    for pair in lines.windows(2).rev() {
        let [said, reply] = pair else { continue };
        if (said.speaker, reply.speaker) != (Speaker::Caller, Speaker::Bot) {
            continue;
        }
        let (heard, marked) = match marker.and_then(|marker| reply.text.split_once(marker)) {
            Some((heard, _)) => (heard, true),
            None => (&*reply.text, false),
        };
        let is_same = |entry: &&Entry| matches!(&entry.input, Some(Input::Speech(text)) if same_words(text, &said.text));
        // The platform may have dropped the newest of several turns with the same words.
        let fits = |entry: &&Entry| outcome(entry, heard) != Outcome::Foreign;
        let same = |entry: &&Entry| is_same(entry) && fits(entry);
        let found = turns.iter().rposition(same);
        let found = found.or_else(|| turns.iter().rposition(is_same).filter(|_| marked));
        let Some(at) = found else { continue };
        if let Some(entry) = turns.get(at)
            && (marked || !heard.trim().is_empty())
            && is_news(entry, heard, marked, marker.is_some())
        {
            reports.push(Report { turn: entry.turn.clone(), heard: heard.to_owned() });
        }
        turns.truncate(at);
    }
    reports.reverse();
    reports
}

#[derive(Debug, PartialEq)]
enum Outcome {
    /// The text is not in the reply.
    Foreign,
    Whole,
    Part,
}

/// Returns how a reply that is cut to `heard` compares to the reply now.
fn outcome(entry: &Entry, heard: &str) -> Outcome {
    match cut(entry, heard) {
        (Heard::Mismatch(_) | Heard::Unknown, _) => Outcome::Foreign,
        (_, said) if said == entry.said => Outcome::Whole,
        _ => Outcome::Part,
    }
}

/// Returns whether a report would change what is known of a reply. `marks` is whether the platform marks where
/// the caller barged in.
fn is_news(entry: &Entry, heard: &str, marked: bool, marks: bool) -> bool {
    let now = Some(cut(entry, heard).0);
    let is_whole = outcome(entry, heard) == Outcome::Whole;
    // A reply that was not cut and that was heard to its end needs no report. A mark at its end says that
    // the caller barged in all the same.
    now != entry.heard && (marked || !is_whole || !marks && entry.heard.is_some())
}

/// Returns the outcome of a cut, as the runtime would do it.
fn cut(entry: &Entry, heard: &str) -> (Heard, String) {
    let mut entry = entry.clone();
    (entry.cut(Some(heard)), entry.said)
}

/// Returns the history of a request whose call has none of its own. Each reply follows what the caller
/// said before it; several lines in a row of one speaker are one text.
pub(super) fn entries(lines: &[Line], marker: Option<&str>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for Line { speaker, text } in lines {
        match speaker {
            Speaker::Tool => {}
            Speaker::Caller => {
                let input = Some(Input::Speech(text.clone()));
                entries.push(Entry::new(turn(entries.len()), input));
            }
            Speaker::Bot => {
                if entries.is_empty() {
                    entries.push(Entry::new(turn(0), None));
                }
                let (said, marked) = match marker.and_then(|marker| text.split_once(marker)) {
                    Some((said, _)) => (said, true),
                    None => (&**text, false),
                };
                if let Some(entry) = entries.last_mut() {
                    if !entry.said.is_empty() && !said.is_empty() {
                        entry.said.push(' ');
                    }
                    entry.said.push_str(said);
                    if marked {
                        let nothing = entry.said.trim().is_empty();
                        entry.heard = Some(match nothing {
                            true => Heard::Nothing,
                            false => Heard::UpTo(entry.said.clone()),
                        });
                    }
                }
            }
        }
    }
    entries
}

fn turn(number: usize) -> TurnId {
    TurnId::new(format!("history.{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: Option<&str> = Some("<ims_agent_interrupted>");

    fn line(text: &str) -> Line {
        let (speaker, text) = match text.strip_prefix("> ") {
            Some(text) => (Speaker::Caller, text),
            None => (Speaker::Bot, text),
        };
        Line { speaker, text: text.into() }
    }

    fn entry(turn: &str, input: &str, said: &str) -> Entry {
        Entry::new(TurnId::new(turn), Some(Input::Speech(input.into()))).with_said(said)
    }

    fn found(turns: impl IntoIterator<Item = Entry>, lines: &[&str]) -> Vec<(String, String)> {
        found_with(MARKER, turns, lines)
    }

    fn found_with(
        marker: Option<&str>,
        turns: impl IntoIterator<Item = Entry>,
        lines: &[&str],
    ) -> Vec<(String, String)> {
        let history = turns.into_iter().collect();
        let lines: Vec<_> = lines.iter().map(|text| line(text)).collect();
        let reports = reports(&history, &lines, marker).into_iter();
        reports.map(|report| (report.turn.as_str().to_owned(), report.heard)).collect()
    }

    fn report(turn: &str, heard: &str) -> Vec<(String, String)> {
        vec![(turn.into(), heard.into())]
    }

    fn story() -> Entry {
        entry("1", "A story!", "Once upon a time there was a king.")
    }

    #[test]
    fn a_line_that_is_a_part_of_the_reply_tells_what_was_heard() {
        for (reply, heard) in [
            ("Once upon", Some("Once upon")),
            ("ONCE, UPON", Some("ONCE, UPON")),
            ("Once upon <ims_agent_interrupted>a time", Some("Once upon ")),
            ("<ims_agent_interrupted>", Some("")),
            // A mismatch, which the mark says clearly.
            ("Twice<ims_agent_interrupted>", Some("Twice")),
            // The caller barged in at the very end.
            (
                "Once upon a time there was a king.<ims_agent_interrupted>",
                Some("Once upon a time there was a king."),
            ),
            // The whole reply, transcribed again, dropped, or merged with another.
            ("Once upon a time there was a king.", None),
            ("once upon a time there was a king", None),
            ("Once a ponytail there was a king", None),
            ("", None),
            ("Welcome! Once upon a time", None),
        ] {
            let expected = heard.map_or(Vec::new(), |heard| report("1", heard));
            assert_eq!(found([story()], &["> A story!", reply]), expected, "{reply}");
            // What the caller said is transcribed again.
            assert_eq!(found([story()], &["> a story", reply]), expected, "{reply}");
            assert_eq!(found([story()], &["> A sorry!", reply]), [], "{reply}");
            // A reply of the platform, such as its own greeting.
            assert_eq!(found([story()], &[reply]), [], "{reply}");
        }
    }

    #[test]
    fn what_is_known_is_not_reported_again() {
        let known = || story().with_said("Once upon").with_heard(Heard::UpTo("Once upon".into()));
        let lines = ["> A story!", "Once upon<ims_agent_interrupted>"];
        assert_eq!(found([known()], &lines), []);
        assert_eq!(found([known()], &["> A story!", "Once upon a time there was a king."]), []);
        assert_eq!(found([known()], &["> A story!", "Once"]), report("1", "Once"));
        // The next turn had cut the reply, and it was not known where.
        let cut = || story().with_heard(Heard::Unknown);
        assert_eq!(found([cut()], &lines), report("1", "Once upon"));
        let whole = "Once upon a time there was a king.";
        assert_eq!(found_with(None, [cut()], &["> A story!", whole]), report("1", whole));
        // A platform with a mark may keep what it received, however much of it was played.
        assert_eq!(found([cut()], &["> A story!", whole]), []);
        assert_eq!(found([cut()], &["> A story!", "Something else"]), []);
    }

    #[test]
    fn lines_are_matched_from_the_newest_on_and_in_order() {
        let turns = || [entry("1", "go on", "One two."), entry("2", "go on", "One two three.")];
        let lines = ["> go on", "One two.", "> go on", "One two."];
        assert_eq!(found(turns(), &lines), report("2", "One two."));
        let lines = ["> go on", "One", "> go on", "One two three."];
        assert_eq!(found(turns(), &lines), report("1", "One"));
        let both = [("1".to_owned(), "One".to_owned()), ("2".into(), "One two".into())];
        assert_eq!(found(turns(), &["> go on", "One", "> go on", "One two"]), both);
        // The newest reply is missing, since nothing of it was heard.
        let turns = [entry("1", "yes", "First."), entry("2", "yes", "Second.")];
        let lines = ["> yes", "First<ims_agent_interrupted>", "> yes"];
        assert_eq!(found(turns, &lines), report("1", "First"));
    }

    #[test]
    fn a_secret_does_not_make_a_match() {
        let said = format!("Your PIN is {}.", Entry::SECRET);
        assert_eq!(found([entry("1", "PIN", &said)], &["> PIN", "Your PIN is 4711."]), []);
    }

    #[test]
    fn a_request_without_a_call_brings_its_history() {
        let lines = [
            "Welcome!",
            "> Hello",
            "Good morning.",
            "How are you?",
            "> Fine",
            "> Thanks",
            "You are<ims_agent_interrupted> welcome.",
        ];
        let lines: Vec<_> = lines.map(line).into();
        let history: History = entries(&lines, MARKER).into_iter().collect();
        let told: Vec<_> = history
            .iter()
            .map(|entry| {
                let input = entry.input.as_ref().and_then(Input::text).unwrap_or("-");
                (input.to_owned(), entry.said.clone(), entry.heard.clone())
            })
            .collect();
        let turn = |input: &str, said: &str, heard| (input.to_owned(), said.to_owned(), heard);
        assert_eq!(
            told,
            [
                turn("-", "Welcome!", None),
                turn("Hello", "Good morning. How are you?", None),
                turn("Fine", "", None),
                turn("Thanks", "You are", Some(Heard::UpTo("You are".into()))),
            ]
        );
    }
}
