//! Rewrites numbers, dates, amounts, abbreviations and symbols.
//!
//! What is not known for certain stays as it is: a voice reads most numbers well, and a wrong word is worse
//! than an odd one.

mod abbreviations;
mod amount;
mod chinese;
mod clock;
mod context;
mod date;
mod digits;
mod english;
mod number;
mod symbols;
mod units;

use super::Language;
use super::cursor::{Cursor, Look};
use context::{Context, is_latin};
use number::{ends, is_digit, token};

/// The state of the text between two steps.
#[derive(Debug, Clone)]
pub(super) struct Words {
    language: Language,
    context: Context,
}

impl Words {
    pub(super) fn new(language: Language) -> Self {
        Self { language, context: Context::new(language) }
    }

    /// Reads the next text. Returns how much of it is done.
    pub(super) fn step(&mut self, ahead: Cursor<'_>, out: &mut String) -> Look<usize> {
        let mut end = ahead;
        let rewritten = self.rewrite(&mut end)?;
        let read = end.since(ahead.at());
        match rewritten {
            Some(text) => {
                out.push_str(&text);
                // The dot of an abbreviation does not end its sentence.
                let dot = !text.ends_with('.');
                self.context.read(read.strip_suffix('.').filter(|_| dot).unwrap_or(read));
            }
            None => {
                out.push_str(read);
                self.context.read(read);
            }
        }
        Ok(end.at())
    }

    /// Passes the next text. Returns what is said instead of it, if it does not stay.
    fn rewrite(&self, ahead: &mut Cursor<'_>) -> Look<Option<String>> {
        if self.language == Language::Other {
            ahead.available_run(|_| true);
            return Ok(None);
        }
        match ahead.available() {
            Some(c) if is_digit(c) => self.number(ahead),
            Some(c) if is_latin(c) => self.word(ahead),
            Some(c) if is_plain(c) => {
                ahead.available_run(is_plain);
                Ok(None)
            }
            _ => self.symbol(ahead),
        }
    }

    fn number(&self, ahead: &mut Cursor<'_>) -> Look<Option<String>> {
        let language = self.context.language(*ahead)?;
        // It is part of what precedes it.
        let range = self.context.recent().strip_suffix(['-', '–']).is_some_and(units::starts_range);
        let glued = "-_/\\@".contains(self.context.before()) && !range;
        if language != Language::Other
            && !glued
            && let Some(text) = self.said(ahead, language)?
        {
            return Ok(Some(text));
        }
        self.token(ahead, language)
    }

    /// Reads a number of any kind.
    fn said(&self, ahead: &mut Cursor<'_>, language: Language) -> Look<Option<String>> {
        let chinese = language == Language::Chinese;
        if let Some(digits) = digits::digits(ahead, &self.context, language)? {
            return Ok(Some(if chinese {
                chinese::digits(&digits)
            } else {
                english::digits(&digits)
            }));
        }
        if let Some(date) = date::date(ahead, language)? {
            let mut text = if chinese { chinese::date(date) } else { english::date(date) };
            text.push_str(&time_after(ahead, chinese)?);
            return Ok(Some(text));
        }
        let score = ["比分", "比", "比例", "比分是", "比分为", "比例为", "比例是"];
        let score = chinese && score.iter().any(|word| self.context.recent().ends_with(word));
        if !score && let Some((from, to)) = clock::clocks(ahead)? {
            return Ok(Some(if chinese {
                chinese::clocks(from, to)
            } else {
                english::clocks(from, to)
            }));
        }
        if chinese && let Some(text) = years(ahead)? {
            return Ok(Some(text));
        }
        if let Some(text) = self.fraction(ahead, chinese)? {
            return Ok(Some(text));
        }
        let amount = amount::amount(ahead, &self.context, language)?;
        Ok(amount.map(|it| if chinese { chinese::amount(&it) } else { english::amount(&it) }))
    }

    /// Reads "1/2" or "1 1/2".
    fn fraction(&self, ahead: &mut Cursor<'_>, chinese: bool) -> Look<Option<String>> {
        const DATES: &[&str] = &[
            "on", "by", "until", "till", "since", "before", "after", "from", "through", "due",
            "dated", "expires", "starting", "page", "pages", "step", "part",
        ];

        if DATES.contains(&self.context.last_word())
            || self.context.recent().ends_with(['第', '页'])
        {
            return Ok(None);
        }
        let mut end = *ahead;
        let first = end.run(is_digit)?;
        let mut whole = None;
        if end.eat(' ')? {
            whole = Some(first);
        }
        let above = if whole.is_some() { end.run(is_digit)? } else { first };
        if !end.eat('/')? {
            return Ok(None);
        }
        let below = end.run(is_digit)?;
        let mut digits = above.chars().chain(below.chars());
        let (Some(a), Some(b), None) = (digits.next(), digits.next(), digits.next()) else {
            return Ok(None);
        };
        let Some(text) = english::fraction(whole, a, b).filter(|_| above.len() == 1) else {
            return Ok(None);
        };
        if !ends(&end)? || chinese && end.sees(|c| "月日号".contains(c))? {
            return Ok(None);
        }
        *ahead = end;
        Ok(Some(if chinese { chinese::fraction(whole, a, b) } else { text }))
    }

    fn word(&self, ahead: &mut Cursor<'_>) -> Look<Option<String>> {
        let language = self.context.language(*ahead)?;
        if language == Language::Other || "-_/\\@.".contains(self.context.before()) {
            return self.token(ahead, Language::Other);
        }
        let mut code = *ahead;
        if code.sees(|c| c.is_ascii_uppercase())? && units::read_currency(&mut code)?.is_some() {
            code.eat(' ')?;
            let language = self.context.language(code)?;
            if code.sees(is_digit)?
                && let Some(amount) = amount::amount(ahead, &self.context, language)?
            {
                let chinese = language == Language::Chinese;
                let text =
                    if chinese { chinese::amount(&amount) } else { english::amount(&amount) };
                return Ok(Some(text));
            }
        }
        if language == Language::English {
            let recent = self.context.recent().trim_end();
            let starts = recent.trim_start_matches(|c: char| !c.is_alphanumeric()).is_empty();
            let after_name = self.context.after_name();
            if let Some(text) = abbreviations::abbreviation(ahead, starts, after_name)? {
                return Ok(Some(text));
            }
        }
        self.token(ahead, language)
    }

    /// Reads letters and digits that stay, unless they are an address or a power.
    fn token(&self, ahead: &mut Cursor<'_>, language: Language) -> Look<Option<String>> {
        let start = *ahead;
        token(ahead)?;
        let text = ahead.since(start.at());
        let chinese = language == Language::Chinese;
        if language != Language::Other
            && let Some((name, host)) = text.split_once('@')
            && host.contains('.')
            && !host.contains('@')
            && !name.is_empty()
        {
            return Ok(Some(address(text, chinese)));
        }
        if language != Language::Other
            && let Some((base, power)) = text.split_once('^')
            && power.bytes().all(|b| b.is_ascii_digit())
        {
            return Ok(Some(match (chinese, power) {
                (true, "2") => format!("{base}的平方"),
                (true, "3") => format!("{base}的立方"),
                (true, _) => format!("{base}的{power}次方"),
                (false, "2") => format!("{base} squared"),
                (false, "3") => format!("{base} cubed"),
                (false, _) => format!("{base} to the power of {power}"),
            }));
        }
        Ok(None)
    }

    fn symbol(&self, ahead: &mut Cursor<'_>) -> Look<Option<String>> {
        let start = *ahead;
        let Some(c) = ahead.next()? else { return Ok(None) };
        let signs = "+-−(.$＄€£¥￥₹₩".contains(c);
        let other = "&=×÷→≠–~～≈±<>≤≥*#№@/½⅓⅔¼¾⅛²³".contains(c);
        if !signs && !other {
            return Ok(None);
        }
        let language = self.context.language(start)?;
        if language == Language::Other {
            return Ok(None);
        }
        let mut end = start;
        if signs && starts_number(start, &self.context)? {
            // Only a number of a telephone starts with a bracket.
            let text = if c == '(' {
                let digits = digits::digits(&mut end, &self.context, language)?;
                let chinese = language == Language::Chinese;
                digits.map(|it| if chinese { chinese::digits(&it) } else { english::digits(&it) })
            } else {
                self.said(&mut end, language)?
            };
            if text.is_some() {
                *ahead = end;
                return Ok(text);
            }
        }
        end = start;
        let text = symbols::symbol(&mut end, &self.context, language)?;
        if text.is_some() {
            *ahead = end;
        }
        Ok(text)
    }
}

/// Returns whether a sign or a bracket may start a number.
fn starts_number(mut ahead: Cursor<'_>, context: &Context) -> Look<bool> {
    let Some(c) = ahead.next()? else { return Ok(false) };
    if c == '.' {
        let free = context.before().is_whitespace() || "(（".contains(context.before());
        return Ok(free && ahead.sees(is_digit)?);
    }
    ahead.eat(' ')?;
    ahead.sees(|c| is_digit(c) || "$€£¥￥.-+".contains(c))
}

/// Reads the time after a date: "T14:30:00Z".
fn time_after(ahead: &mut Cursor<'_>, chinese: bool) -> Look<String> {
    let mut end = *ahead;
    if !end.eat('T')? {
        return Ok(String::new());
    }
    let mut zone = "";
    let Some(time) = clock::clock_of_date(&mut end)? else { return Ok(String::new()) };
    if end.eat('.')? {
        end.run(is_digit)?;
    }
    if end.eat('Z')? {
        zone = if chinese { "，协调世界时" } else { " UTC" };
    } else if end.eat_if(|c| c == '+' || c == '-')?.is_some() {
        end.run(|c| c.is_ascii_digit() || c == ':')?;
    }
    *ahead = end;
    let seconds = clock::Clock { second: time.second.filter(|second| *second != "00"), ..time };
    Ok(match chinese {
        true => format!("{}{zone}", chinese::clocks(seconds, None)),
        false => format!(" at {}{zone}", english::clocks(seconds, None)),
    })
}

/// Reads the number of a year in Chinese, or of a span of years.
fn years(ahead: &mut Cursor<'_>) -> Look<Option<String>> {
    let mut end = *ahead;
    let from = end.run(is_digit)?;
    let mut to = "";
    if from.len() == 4 && end.eat_if(|c| "-–—~～至到".contains(c))?.is_some() {
        to = end.run(is_digit)?;
    }
    let is_year = |text: &str| text.len() == 4 && ("1000".."2999").contains(&text);
    if !is_year(from) || !to.is_empty() && !is_year(to) || !end.sees(|c| c == '年')? {
        return Ok(None);
    }
    // "2000年前" may be a time that long ago.
    let mut after = end;
    after.next()?;
    if from.ends_with("00") && after.sees(|c| "前来历间以之多".contains(c))? {
        return Ok(None);
    }
    if end.since(ahead.at()).len() > from.len() && to.is_empty() {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(match to {
        "" => chinese::year(from),
        to => format!("{}到{}", chinese::year(from), chinese::year(to)),
    }))
}

/// An e-mail address.
fn address(text: &str, chinese: bool) -> String {
    let mut said = String::new();
    for c in text.chars() {
        match (c, chinese) {
            ('@', false) => said.push_str(" at "),
            ('.', false) => said.push_str(" dot "),
            ('_', false) => said.push_str(" underscore "),
            ('-', false) => said.push_str(" dash "),
            ('+', false) => said.push_str(" plus "),
            ('@', true) => said.push_str("艾特"),
            ('.', true) => said.push('点'),
            ('_', true) => said.push_str("下划线"),
            ('-', true) => said.push('杠'),
            (c, _) => said.push(c),
        }
    }
    said
}

/// Whether this character starts nothing that is rewritten.
fn is_plain(c: char) -> bool {
    is_han(c) || c.is_whitespace() || ",;!?:\"'，。、；：！？“”‘’（）《》…".contains(c)
}

/// Whether this is a Chinese character.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '〇')
}
