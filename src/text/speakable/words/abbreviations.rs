//! Abbreviations of English.

use super::clock::ends_sentence;
use super::english::month;
use super::number::is_digit;
use crate::text::speakable::cursor::{Cursor, Look};

/// When an abbreviation stands for these words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Always. A sentence does not end with it.
    Always,
    /// Always. Its dot may end the sentence, too.
    AtEnd,
    /// Before a name, in a sentence that did not begin with one.
    BeforeName,
    /// Before digits.
    BeforeNumber,
}

/// Abbreviations with their dots, and the words for them.
const DOTTED: &[(&str, &str, When)] = &[
    ("e.g.", "for example", When::Always),
    ("i.e.", "that is", When::Always),
    ("a.k.a.", "also known as", When::Always),
    ("etc.", "et cetera", When::AtEnd),
    ("vs.", "versus", When::Always),
    ("approx.", "approximately", When::AtEnd),
    ("dept.", "department", When::AtEnd),
    ("appt.", "appointment", When::AtEnd),
    ("dr.", "Doctor", When::BeforeName),
    ("prof.", "Professor", When::BeforeName),
    ("no.", "number", When::BeforeNumber),
    ("nos.", "numbers", When::BeforeNumber),
    ("fig.", "figure", When::BeforeNumber),
    ("figs.", "figures", When::BeforeNumber),
    ("vol.", "volume", When::BeforeNumber),
    ("ch.", "chapter", When::BeforeNumber),
    ("sec.", "section", When::BeforeNumber),
    ("ext.", "extension", When::BeforeNumber),
    ("tel.", "telephone", When::BeforeNumber),
    ("p.", "page", When::BeforeNumber),
    ("pp.", "pages", When::BeforeNumber),
];
/// Words that are written in short without a dot.
const BARE: &[(&str, &str)] =
    &[("vs", "versus"), ("etc", "et cetera"), ("and/or", "and or"), ("w/o", "without")];
const DAYS: &[(&str, &str)] = &[
    ("Mon", "Monday"),
    ("Tue", "Tuesday"),
    ("Tues", "Tuesday"),
    ("Wed", "Wednesday"),
    ("Thu", "Thursday"),
    ("Thurs", "Thursday"),
    ("Fri", "Friday"),
    ("Sat", "Saturday"),
    ("Sun", "Sunday"),
];

/// Reads an abbreviation. `starts` is whether it starts the sentence, `after_name` whether a word with a
/// capital precedes it.
pub(super) fn abbreviation(
    ahead: &mut Cursor<'_>,
    starts: bool,
    after_name: bool,
) -> Look<Option<String>> {
    for (short, long, when) in DOTTED {
        let mut end = *ahead;
        let upper = end.sees(char::is_uppercase)?;
        if !end.eat_word(short)? {
            continue;
        }
        // "No." with a small letter is more often an answer.
        if *short == "no." && !upper || !fits(*when, &end, upper, after_name)? {
            return Ok(None);
        }
        let mut text = (*long).to_owned();
        if starts && upper {
            text = capital(long);
        }
        if *when == When::AtEnd && ends_sentence(&end)? {
            text.push('.');
        } else if end.sees(char::is_alphanumeric)? {
            // "No.5"
            text.push(' ');
        }
        *ahead = end;
        return Ok(Some(text));
    }
    let mut end = *ahead;
    let word = end.run(|c| c.is_ascii_alphabetic())?;
    if let Some(text) = days(&mut end, word)? {
        *ahead = end;
        return Ok(Some(text));
    }
    if let Some(month) = month(word)
        && word != "May"
    {
        let dot = end.eat('.')?;
        let mut number = end;
        let spaced = number.eat(' ')?;
        if number.sees(is_digit)? && (spaced || dot) {
            *ahead = end;
            return Ok(Some(if spaced { month.to_owned() } else { format!("{month} ") }));
        }
        return Ok(None);
    }
    for (short, long) in BARE {
        let mut end = *ahead;
        if end.eat_str(short)? && !end.sees(|c| c.is_ascii_alphanumeric() || "-_.@/".contains(c))? {
            *ahead = end;
            return Ok(Some((*long).to_owned()));
        }
    }
    // "w/ milk"
    let mut end = *ahead;
    if end.eat_str("w/")? && end.sees(|c| c == ' ')? {
        *ahead = end;
        return Ok(Some("with".to_owned()));
    }
    Ok(None)
}

fn fits(when: When, end: &Cursor<'_>, upper: bool, after_name: bool) -> Look<bool> {
    let dot = end;
    let mut end = *end;
    end.eat(' ')?;
    Ok(match when {
        // "etc.com" is something else.
        When::Always | When::AtEnd => !dot.sees(|c| c.is_ascii_alphanumeric())?,
        When::BeforeName => {
            let name = |c: char| c.is_uppercase() || c.is_alphabetic() && !c.is_ascii();
            upper && !after_name && end.sees(name)?
        }
        When::BeforeNumber => end.sees(is_digit)?,
    })
}

/// Reads the rest of "Mon-Fri".
fn days(end: &mut Cursor<'_>, word: &str) -> Look<Option<String>> {
    let day = |word: &str| DAYS.iter().find(|(short, _)| *short == word).map(|(_, day)| *day);
    let Some(from) = day(word) else { return Ok(None) };
    let spaced = end.eat(' ')?;
    if end.eat_if(|c| c == '-' || c == '–')?.is_none() || spaced && !end.eat(' ')? {
        return Ok(None);
    }
    let to = end.run(|c| c.is_ascii_alphabetic())?;
    Ok(day(to).map(|to| format!("{from} to {to}")))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
