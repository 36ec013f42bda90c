//! How numbers are said in Chinese.

use super::amount::{Amount, Measure, Sign};
use super::clock::{Clock, Half};
use super::date::Date;
use super::digits::Digits;
use super::number::Number;

/// "1,234,567" is "123万4567".
pub(super) fn number(number: &Number<'_>) -> String {
    let digits = &*number.whole;
    if !number.grouped || !number.decimals.is_empty() || digits.len() < 5 || digits.len() > 16 {
        return number.plain();
    }
    let mut text = String::new();
    let mut rest = digits;
    let mut zero = false;
    while !rest.is_empty() {
        let size = if rest.len().is_multiple_of(4) { 4 } else { rest.len() % 4 };
        let (group, more) = rest.split_at_checked(size).unwrap_or((rest, ""));
        let value = group.trim_start_matches('0');
        zero |= value.len() < group.len();
        if !value.is_empty() {
            if zero && !text.is_empty() {
                text.push('零');
            }
            zero = false;
            text.push_str(value);
            text.push_str(match more.len() {
                0 => "",
                4 => "万",
                8 => "亿",
                _ => "万亿",
            });
        }
        rest = more;
    }
    text
}

pub(super) fn amount(amount: &Amount<'_>) -> String {
    let money = matches!(amount.measure, Measure::Money(_));
    let said = |value: &Number<'_>| match value.decimals.trim_end_matches('0') {
        decimals if money => number(&Number { decimals, ..value.clone() }),
        _ => number(value),
    };
    let mut text = String::new();
    let celsius = matches!(amount.measure, Measure::Unit(unit) if unit.many == "degrees Celsius");
    text.push_str(match amount.sign {
        Some(Sign::Minus) if celsius => "零下",
        Some(Sign::Minus) => "负",
        Some(Sign::Plus) => "加",
        None => "",
    });
    let before = match amount.measure {
        Measure::Percent => "百分之",
        Measure::PerMille => "千分之",
        _ => "",
    };
    text.push_str(before);
    text.push_str(&said(&amount.low));
    if let Some(high) = &amount.high {
        text.push('到');
        text.push_str(before);
        text.push_str(&said(high));
    }
    text.push_str(amount.scale.map_or("", scale));
    text.push_str(match amount.measure {
        Measure::Unit(unit) => unit.chinese,
        Measure::Money(money) => money.chinese,
        Measure::Nothing | Measure::Percent | Measure::PerMille => "",
    });
    text
}

fn scale(scale: &'static str) -> &'static str {
    match scale {
        "thousand" => "千",
        "million" => "百万",
        "billion" => "十亿",
        "trillion" => "万亿",
        chinese => chinese,
    }
}

/// The digits, one by one.
pub(super) fn year(digits: &str) -> String {
    digits.chars().map(|digit| by_digit(digit, false)).collect()
}

fn by_digit(digit: char, phone: bool) -> char {
    match digit {
        '0' if phone => '零',
        '0' => '〇',
        '1' if phone => '幺',
        '1' => '一',
        '2' => '二',
        '3' => '三',
        '4' => '四',
        '5' => '五',
        '6' => '六',
        '7' => '七',
        '8' => '八',
        '9' => '九',
        other => other,
    }
}

pub(super) fn date(date: Date) -> String {
    let year = year(&date.year.to_string());
    let month = date.month;
    date.day.map_or_else(|| format!("{year}年{month}月"), |day| format!("{year}年{month}月{day}日"))
}

pub(super) fn clocks(from: Clock<'_>, to: Option<Clock<'_>>) -> String {
    match to {
        Some(to) => {
            let from =
                Clock { half: from.half.or(to.half.filter(|_| from.minute.is_none())), ..from };
            format!("{}到{}", clock(from, false), clock(to, false))
        }
        None => clock(from, true),
    }
}

fn clock(clock: Clock<'_>, alone: bool) -> String {
    let hour: u32 = clock.hour.parse().unwrap_or_default();
    let mut text = match (clock.half, hour) {
        (None, _) => "",
        (Some(Half::Am), 12 | 1..=5) => "凌晨",
        (Some(Half::Am), _) => "上午",
        (Some(Half::Pm), 12) => "中午",
        (Some(Half::Pm), 1..=5) => "下午",
        (Some(Half::Pm), _) => "晚上",
    }
    .to_owned();
    match hour {
        2 => text.push('两'),
        hour => text.push_str(&hour.to_string()),
    }
    text.push('点');
    let zero = |text: &str| match text.strip_prefix('0') {
        Some(digit) => format!("零{digit}"),
        None => text.to_owned(),
    };
    match (clock.minute, clock.second) {
        (None, _) => {}
        (Some("00"), None) => text.push_str(if alone && clock.half.is_none() { "整" } else { "" }),
        (Some("30"), None) => text.push('半'),
        (Some(minute), second) => {
            text.push_str(&zero(minute));
            text.push('分');
            if let Some(second) = second {
                text.push_str(&zero(second));
                text.push('秒');
            }
        }
    }
    text
}

pub(super) fn digits(digits: &Digits<'_>) -> String {
    let said = |group: &&str| -> String {
        let digits = group.chars().map(|digit| match by_digit(digit, digits.phone) {
            '〇' => '零',
            digit => digit,
        });
        digits.collect()
    };
    let groups: Vec<String> = digits.groups.iter().map(said).collect();
    let plus = if digits.plus { "加" } else { "" };
    format!("{plus}{}", groups.join("，"))
}

pub(super) fn fraction(whole: Option<&str>, above: char, below: char) -> String {
    let part = format!("{}分之{}", by_digit(below, false), by_digit(above, false));
    whole.map_or_else(|| part.clone(), |whole| format!("{whole}又{part}"))
}
