//! Symbols, where they stand for words.

use super::context::Context;
use super::digits::names_id;
use super::number::is_digit;
use super::units::{read_currency, starts_range};
use super::{chinese, english, is_han};
use crate::text::speakable::Language;
use crate::text::speakable::cursor::{Cursor, Look};

/// What an amount may be counted by in Chinese, after a slash.
const PER: &[&str] = &[
    "月",
    "年",
    "天",
    "日",
    "人",
    "次",
    "小时",
    "分钟",
    "秒",
    "晚",
    "件",
    "个",
    "位",
    "斤",
    "公斤",
    "平方米",
    "平米",
    "周",
    "季度",
    "间",
    "台",
    "张",
];
/// What stands before such a slash.
const COUNTED: &str = "元块次个里件万亿斤度分米升瓶";
/// Words before a key of a telephone.
const KEYS: &[&str] = &["press", "dial", "enter", "hit", "push", "the", "or", "and"];

/// Reads a symbol. Returns the words for it, if it is read here.
pub(super) fn symbol(
    ahead: &mut Cursor<'_>,
    context: &Context,
    language: Language,
) -> Look<Option<String>> {
    let mut end = *ahead;
    let Some(c) = end.next()? else { return Ok(None) };
    let before = context.before();
    let number = is_digit(before);
    let choose = |english: &str, chinese: &str| {
        Some(match language {
            Language::Chinese => chinese.to_owned(),
            _ => english.to_owned(),
        })
    };
    let spaced = before.is_whitespace() && end.sees(char::is_whitespace)?;
    let text = match c {
        '&' if spaced => choose("and", "和"),
        '+' if spaced => choose("plus", "加"),
        '=' if spaced => choose("equals", "等于"),
        '×' if spaced => choose("times", "乘"),
        '×' if number && end.sees(is_digit)? => choose(" by ", "乘"),
        '÷' if spaced => choose("divided by", "除以"),
        '→' if spaced => choose("to", "到"),
        '≠' if spaced => choose("is not equal to", "不等于"),
        '-' | '–' | '~' | '～'
            if language == Language::Chinese
                && starts_range(context.recent())
                && end.sees(is_digit)? =>
        {
            Some("到".to_owned())
        }
        '~' | '～' | '≈' | '±' | '<' | '>' | '≤' | '≥' if !number && counts(&mut end)? => {
            relation(c).and_then(|(english, chinese)| choose(&format!("{english} "), chinese))
        }
        '*' if spaced && context.recent().trim_end().ends_with(is_digit) => choose("times", "乘"),
        '*' | '#' if is_key(&end, context)? => {
            if c == '*' {
                choose("star", "星号")
            } else {
                choose("pound", "井号")
            }
        }
        '#' => hash(&mut end, context, language)?,
        '№' => choose("number ", "第"),
        '@' if !before.is_alphanumeric() && end.sees(|c| c.is_ascii_alphabetic())? => {
            choose("at ", "艾特")
        }
        '/' if language == Language::Chinese && (number || COUNTED.contains(before)) => per(&end)?,
        '½' | '⅓' | '⅔' | '¼' | '¾' | '⅛' => part(c, number, language),
        '²' if before.is_alphanumeric() => choose(" squared", "的平方"),
        '³' if before.is_alphanumeric() => choose(" cubed", "的立方"),
        _ => None,
    };
    if text.is_some() {
        *ahead = end;
    }
    Ok(text)
}

fn relation(c: char) -> Option<(&'static str, &'static str)> {
    Some(match c {
        '~' | '～' | '≈' => ("about", "约"),
        '±' => ("plus or minus", "正负"),
        '<' => ("less than", "小于"),
        '>' => ("more than", "大于"),
        '≤' => ("at most", "小于等于"),
        '≥' => ("at least", "大于等于"),
        _ => return None,
    })
}

/// Passes a space, if an amount follows.
fn counts(ahead: &mut Cursor<'_>) -> Look<bool> {
    let mut end = *ahead;
    end.eat(' ')?;
    let start = end;
    let mut amount = end;
    read_currency(&mut amount)?;
    let counts = amount.sees(is_digit)?;
    if counts {
        *ahead = start;
    }
    Ok(counts)
}

/// Returns whether the symbol before `end` is a key of a telephone.
fn is_key(end: &Cursor<'_>, context: &Context) -> Look<bool> {
    let alone = context.before().is_whitespace() && KEYS.contains(&context.last_word());
    Ok(alone && end.peek()?.is_none_or(|c| !c.is_alphanumeric() && !"#*_".contains(c)))
}

fn hash(end: &mut Cursor<'_>, context: &Context, language: Language) -> Look<Option<String>> {
    let (chinese, before) = (language == Language::Chinese, context.before());
    if before.is_ascii_alphanumeric() {
        return Ok(None);
    }
    let mut key = *end;
    if chinese && (key.eat('键')? || key.eat_str("号键")?) {
        *end = key;
        return Ok(Some("井号键".to_owned()));
    }
    Ok(match end.peek()? {
        Some(c) if is_digit(c) && !chinese => Some("number ".to_owned()),
        Some(c) if c.is_ascii_alphabetic() && !chinese => {
            // "#A1042" and "order #WXYZ" are identifiers.
            key.run(|c| c.is_ascii_alphabetic())?;
            let several = key.at() > end.at() + 1;
            key.eat('-')?;
            let tag = several && !key.sees(is_digit)?;
            Some(if tag && !names_id(context) { "hashtag " } else { "number " }.to_owned())
        }
        // The marks of a topic.
        _ if chinese && (is_han(before) || end.sees(is_han)?) => Some(String::new()),
        _ => None,
    })
}

/// Reads what an amount is counted by. The unit itself stays.
fn per(end: &Cursor<'_>) -> Look<Option<String>> {
    for per in PER {
        let mut unit = *end;
        if unit.eat_str(per)? {
            return Ok(Some("每".to_owned()));
        }
    }
    Ok(None)
}

fn part(c: char, number: bool, language: Language) -> Option<String> {
    let (above, below) = match c {
        '½' => ('1', '2'),
        '⅓' => ('1', '3'),
        '⅔' => ('2', '3'),
        '¼' => ('1', '4'),
        '¾' => ('3', '4'),
        _ => ('1', '8'),
    };
    // The number before has been said.
    let whole = number.then_some("");
    match language {
        Language::Chinese => Some(chinese::fraction(whole, above, below)),
        _ => english::fraction(whole, above, below),
    }
}
