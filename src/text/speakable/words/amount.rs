//! What is counted: percentages, measures, money, and ranges of them.

use super::context::Context;
use super::is_han;
use super::number::{Number, ends, is_digit, number};
use super::units::{Currency, Unit, read_currency, read_per, read_unit, starts_range};
use crate::text::speakable::Language;
use crate::text::speakable::cursor::{Cursor, Look};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount<'t> {
    pub(super) sign: Option<Sign>,
    pub(super) low: Number<'t>,
    /// The other end of a range.
    pub(super) high: Option<Number<'t>>,
    pub(super) scale: Option<&'static str>,
    pub(super) measure: Measure,
    pub(super) per: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Minus,
    Plus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Measure {
    Nothing,
    Percent,
    PerMille,
    Unit(&'static Unit),
    Money(&'static Currency),
}

/// Factors in English, with the letters for them.
const SCALES: &[(&str, &str)] = &[
    ("thousand", "thousand"),
    ("million", "million"),
    ("billion", "billion"),
    ("trillion", "trillion"),
    ("mn", "million"),
    ("bn", "billion"),
    ("k", "thousand"),
    ("K", "thousand"),
    ("m", "million"),
    ("M", "million"),
    ("b", "billion"),
    ("B", "billion"),
    ("T", "trillion"),
];
const CHINESE_SCALES: &[&str] = &["千万", "百万", "万亿", "万", "亿", "千"];

/// Reads an amount that is spoken otherwise than it is written. `None` if there is none.
pub(super) fn amount<'t>(
    ahead: &mut Cursor<'t>,
    context: &Context,
    language: Language,
) -> Look<Option<Amount<'t>>> {
    let mut end = *ahead;
    let mut sign = read_sign(&mut end, context)?;
    let money = read_currency(&mut end)?;
    if money.is_some() {
        end.eat(' ')?;
        if sign.is_none() && end.eat('-')? {
            sign = Some(Sign::Minus);
        }
    }
    let Some(low) = number(&mut end)? else { return Ok(None) };
    let mut percent = end.sees(is_percent)?;
    let high = range(&mut end, &low, money)?;
    percent &= high.is_some();
    let scale = read_scale(&mut end, money.is_some(), language)?;
    let measure = match money {
        Some(money) => {
            // The amount may name the same currency twice: "$5 USD".
            let mut code = end;
            code.eat(' ')?;
            if read_currency(&mut code)?.is_some() && ends(&code)? {
                end = code;
            } else if language == Language::Chinese {
                // "¥5元"
                end.eat_str(money.chinese)?;
            }
            Measure::Money(money)
        }
        None => read_measure(&mut end)?,
    };
    if percent && measure != Measure::Percent {
        return Ok(None);
    }
    let per = match (measure, language) {
        (Measure::Nothing, _) | (_, Language::Chinese) => None,
        _ => read_per(&mut end)?,
    };
    if language == Language::Chinese
        && matches!(measure, Measure::Unit(unit) if unit.chinese.is_empty())
    {
        return Ok(None);
    }
    let nothing = measure == Measure::Nothing;
    let changes = sign.is_some() || high.is_some() || low.grouped || low.whole.is_empty();
    // Another suffix makes it a word: "5G", "3.2.1", "10-year".
    if !ends(&end)? || nothing && !changes {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(Amount { sign, low, high, scale, measure, per }))
}

fn read_sign(ahead: &mut Cursor<'_>, context: &Context) -> Look<Option<Sign>> {
    let mut end = *ahead;
    let sign = match end.next()? {
        Some('−') => Sign::Minus,
        Some('-') => Sign::Minus,
        Some('+') => Sign::Plus,
        _ => return Ok(None),
    };
    let before = context.before();
    let free = before.is_whitespace() || is_han(before) || "(（：:，,[".contains(before);
    // "3 -5" and "5日-7日" are something else.
    let counts = context.recent().trim_end().ends_with(is_digit);
    if !free || counts && before.is_whitespace() || starts_range(context.recent()) {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(sign))
}

fn is_percent(c: char) -> bool {
    c == '%' || c == '％'
}

/// Reads the rest of a range.
fn range<'t>(
    ahead: &mut Cursor<'t>,
    low: &Number<'_>,
    money: Option<&'static Currency>,
) -> Look<Option<Number<'t>>> {
    let mut end = *ahead;
    end.eat_if(is_percent)?;
    let spaced = end.eat(' ')?;
    let Some(dash) = end.eat_if(|c| "-–—~～至".contains(c))? else { return Ok(None) };
    if dash == '至' || spaced && !(dash != '-' && end.eat(' ')?) {
        return Ok(None);
    }
    // Chinese dashes come in pairs.
    if dash == '—' && end.eat('—')? {
        return Ok(None);
    }
    if let Some(currency) = read_currency(&mut end)?
        && money != Some(currency)
    {
        return Ok(None);
    }
    let Some(high) = number(&mut end)? else { return Ok(None) };
    // The shops are called "7-11".
    let shop = low.whole == "7" && high.whole == "11" && end.sees(|c| c == '便' || c == '店')?;
    let goes_on = shop
        || end.sees(|c| c == '-' || c == '/' || c == ':')? && {
            let mut ahead = end;
            ahead.next()?;
            ahead.sees(is_digit)?
        };
    let long = |number: &Number<'_>| number.whole.len() > 4 && !number.grouped;
    let zero = low.whole.len() > 1 && low.whole.starts_with('0');
    if goes_on || zero || long(low) || long(&high) || !low.is_less_than(&high) {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(high))
}

fn read_scale(
    ahead: &mut Cursor<'_>,
    money: bool,
    language: Language,
) -> Look<Option<&'static str>> {
    for scale in CHINESE_SCALES.iter().filter(|_| language == Language::Chinese) {
        if ahead.eat_str(scale)? {
            return Ok(Some(scale));
        }
    }
    if !money {
        return Ok(None);
    }
    let mut end = *ahead;
    end.eat(' ')?;
    let spaced = end.at() > ahead.at();
    let name = end.run(|c| c.is_ascii_alphabetic())?;
    let scale = SCALES.iter().find(|(known, _)| *known == name && (!spaced || name.len() > 2));
    if scale.is_some() {
        *ahead = end;
    }
    Ok(scale.map(|(_, scale)| *scale))
}

/// Reads what follows a number: "%", " km", "€", " USD".
fn read_measure(ahead: &mut Cursor<'_>) -> Look<Measure> {
    let mut end = *ahead;
    let spaced = end.eat(' ')?;
    let measure = match end.peek()? {
        Some(c) if is_percent(c) => {
            end.next()?;
            Measure::Percent
        }
        Some('‰') => {
            end.next()?;
            Measure::PerMille
        }
        _ => {
            if let Some(unit) = read_unit(&mut end)? {
                Measure::Unit(unit)
            } else if let Some(money) = read_currency(&mut end)? {
                // A sign before another amount belongs to that.
                if spaced && end.sees(|c| is_digit(c) || c == ' ')? && !is_code(&end, ahead) {
                    return Ok(Measure::Nothing);
                }
                if !ends(&end)? {
                    return Ok(Measure::Nothing);
                }
                Measure::Money(money)
            } else {
                return Ok(Measure::Nothing);
            }
        }
    };
    *ahead = end;
    Ok(measure)
}

/// Returns whether the mark of a currency is its code of three letters.
fn is_code(end: &Cursor<'_>, start: &Cursor<'_>) -> bool {
    end.since(start.at()).trim().chars().all(|c| c.is_ascii_uppercase())
}
