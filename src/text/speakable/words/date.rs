//! Dates.

use super::number::{ends, is_digit};
use crate::text::speakable::Language;
use crate::text::speakable::cursor::{Cursor, Look};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: u32,
    pub(super) month: u32,
    /// `None` in a date such as "2024-05", which only Chinese has.
    pub(super) day: Option<u32>,
}

/// Reads a date in numbers. A date of which the day and the month can't be told apart is left.
pub(super) fn date(ahead: &mut Cursor<'_>, language: Language) -> Look<Option<Date>> {
    let mut end = *ahead;
    let first = end.run(is_digit)?;
    let Some(separator) = end.eat_if(|c| "-/.".contains(c))? else { return Ok(None) };
    let second = end.run(is_digit)?;
    if !matches!((first.len(), second.len()), (1 | 2 | 4, 1 | 2)) {
        return Ok(None);
    }
    let chinese = language == Language::Chinese;
    if !end.eat(separator)? || !end.sees(is_digit)? {
        let whole = chinese && first.len() == 4 && second.len() == 2 && separator == '-';
        return Ok(match (whole && ends(&end)?, valid(first, second, "1")) {
            (true, Some(date)) => {
                *ahead = end;
                Some(Date { day: None, ..date })
            }
            _ => None,
        });
    }
    let third = end.run(is_digit)?;
    let date = match (first.len(), third.len()) {
        (4, 1 | 2) if separator != '.' || chinese => valid(first, second, third),
        (1 | 2, 4) => {
            let day_first = valid(third, second, first);
            let month_first = valid(third, first, second);
            match (day_first, month_first) {
                // Only days come before dots.
                (date, _) if separator == '.' => date,
                (Some(date), Some(other)) => (date == other).then_some(date),
                (date, other) => date.or(other),
            }
        }
        _ => None,
    };
    // A time may follow without white space.
    let timed = end.sees(|c| c == 'T')?;
    if date.is_none() || !timed && !ends(&end)? {
        return Ok(None);
    }
    *ahead = end;
    Ok(date)
}

fn valid(year: &str, month: &str, day: &str) -> Option<Date> {
    let number = |text: &str, from: u32, to: u32| {
        text.parse().ok().filter(|number| (from..=to).contains(number))
    };
    let year = number(year, 1000, 2999)?;
    Some(Date { year, month: number(month, 1, 12)?, day: Some(number(day, 1, 31)?) })
}
