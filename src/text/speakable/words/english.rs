//! How numbers are said in English.

use super::amount::{Amount, Measure, Sign};
use super::clock::{Clock, Half};
use super::date::Date;
use super::digits::Digits;
use super::number::Number;
use super::units::Currency;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The names of groups of three digits.
const THOUSANDS: [&str; 4] = ["thousand", "million", "billion", "trillion"];

/// "1,234,567" is "1 million 234 thousand 567".
pub(super) fn number(number: &Number<'_>) -> String {
    let digits = &*number.whole;
    if !number.grouped || !number.decimals.is_empty() || digits.len() > 15 {
        return number.plain();
    }
    let mut words = Vec::new();
    let mut rest = digits;
    while !rest.is_empty() {
        let size = if rest.len().is_multiple_of(3) { 3 } else { rest.len() % 3 };
        let (group, more) = rest.split_at_checked(size).unwrap_or((rest, ""));
        let group = group.trim_start_matches('0');
        if !group.is_empty() {
            words.push(group);
            let name = (more.len() / 3).checked_sub(1).and_then(|at| THOUSANDS.get(at));
            words.extend(name);
        }
        rest = more;
    }
    words.join(" ")
}

pub(super) fn amount(amount: &Amount<'_>) -> String {
    let low = number(&amount.low);
    let mut text = match amount.sign {
        Some(Sign::Minus) => "minus ".to_owned(),
        Some(Sign::Plus) => "plus ".to_owned(),
        None => String::new(),
    };
    if let (Measure::Money(money), None, None) = (amount.measure, amount.scale, &amount.high)
        && amount.low.decimals.len() == 2
    {
        text.push_str(&cents(&amount.low, money));
    } else {
        text.push_str(&low);
        if let Some(high) = &amount.high {
            text.push_str(" to ");
            text.push_str(&number(high));
        }
        if let Some(scale) = amount.scale {
            text.push(' ');
            text.push_str(scale);
        }
        let one = amount.low.is_one() && amount.high.is_none() && amount.scale.is_none();
        let name = match amount.measure {
            Measure::Nothing => "",
            Measure::Percent => "percent",
            Measure::PerMille => "per mille",
            Measure::Unit(unit) => {
                if one {
                    unit.one
                } else {
                    unit.many
                }
            }
            Measure::Money(money) => {
                if one {
                    money.one
                } else {
                    money.many
                }
            }
        };
        if !name.is_empty() {
            text.push(' ');
            text.push_str(name);
        }
    }
    if let Some(per) = amount.per {
        text.push_str(" per ");
        text.push_str(per);
    }
    text
}

/// An amount of money with two decimals.
fn cents(amount: &Number<'_>, money: &Currency) -> String {
    let whole = Number { decimals: "", ..amount.clone() };
    let main =
        format!("{} {}", number(&whole), if whole.is_one() { money.one } else { money.many });
    let cents = amount.decimals.trim_start_matches('0');
    let Some((one, many)) = money.cents else {
        let cents = if cents.is_empty() { whole.plain() } else { amount.plain() };
        return format!("{cents} {}", money.many);
    };
    if cents.is_empty() {
        return main;
    }
    let part = format!("{cents} {}", if cents == "1" { one } else { many });
    let nothing = amount.whole.bytes().all(|b| b == b'0');
    if nothing { part } else { format!("{main} and {part}") }
}

pub(super) fn date(date: Date) -> String {
    let month =
        usize::try_from(date.month).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let month = month.copied().unwrap_or_default();
    match date.day {
        Some(day) => format!("{month} {day}, {}", date.year),
        None => format!("{month} {}", date.year),
    }
}

pub(super) fn month(short: &str) -> Option<&'static str> {
    let short = if short == "Sept" { "Sep" } else { short };
    MONTHS.iter().find(|month| short.len() == 3 && month.starts_with(short)).copied()
}

/// A time without a half of the day stays as it is.
pub(super) fn clocks(from: Clock<'_>, to: Option<Clock<'_>>) -> String {
    match to {
        Some(to) => format!("{} to {}", clock(from), clock(to)),
        None => clock(from),
    }
}

fn clock(clock: Clock<'_>) -> String {
    let mut text = clock.hour.to_owned();
    let whole = clock.half.is_some() && clock.minute == Some("00") && clock.second.is_none();
    for part in [clock.minute, clock.second].into_iter().flatten().filter(|_| !whole) {
        text.push(':');
        text.push_str(part);
    }
    text.push_str(match clock.half {
        Some(Half::Am) => " AM",
        Some(Half::Pm) => " PM",
        None => "",
    });
    text
}

pub(super) fn digits(digits: &Digits<'_>) -> String {
    let spaced = |group: &&str| {
        let digits: Vec<&str> = group.split("").filter(|digit| !digit.is_empty()).collect();
        digits.join(" ")
    };
    let groups: Vec<String> = digits.groups.iter().map(spaced).collect();
    let plus = if digits.plus { "plus " } else { "" };
    format!("{plus}{}", groups.join(", "))
}

/// A fraction that everybody writes with a slash.
pub(super) fn fraction(whole: Option<&str>, above: char, below: char) -> Option<String> {
    let part = match (above, below) {
        ('1', '2') => "one half",
        ('1', '3') => "one third",
        ('2', '3') => "two thirds",
        ('1', '4') => "one quarter",
        ('3', '4') => "three quarters",
        ('1', '8') => "one eighth",
        _ => return None,
    };
    Some(match (whole, above, part.strip_prefix("one ")) {
        (None, ..) => part.to_owned(),
        (Some(whole), '1', Some("eighth")) => format!("{whole} and an eighth"),
        (Some(whole), '1', Some(part)) => format!("{whole} and a {part}"),
        (Some(whole), ..) => format!("{whole} and {part}"),
    })
}
