//! Numbers that are read digit by digit: of telephones, cards, orders.

use super::context::Context;
use super::number::{ends, is_digit};
use crate::text::speakable::Language;
use crate::text::speakable::cursor::{Cursor, Look};

/// Groups of digits that are read one by one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Digits<'t> {
    pub(super) plus: bool,
    pub(super) groups: Vec<&'t str>,
    /// The number of a telephone.
    pub(super) phone: bool,
}

/// How many groups a number may have.
const MAX_GROUPS: usize = 7;
const MAX_DIGITS: usize = 40;

/// What the number after these words is, in Chinese.
const CHINESE_PHONES: &[&str] = &[
    "拨打",
    "致电",
    "电话",
    "热线",
    "手机",
    "手机号",
    "手机号码",
    "座机",
    "来电",
    "拨",
    "联系电话",
    "分机",
    "分机号",
    "打",
    "短号",
    "客服",
];
const CHINESE_IDS: &[&str] = &[
    "单号",
    "编号",
    "卡号",
    "账号",
    "帐号",
    "账户",
    "验证码",
    "校验码",
    "尾号",
    "工号",
    "密码",
    "流水号",
    "身份证",
    "证号",
    "订单",
    "口令",
    "代码",
    "邮编",
    "房号",
    "批号",
    "后四位",
    "取件码",
    "提货码",
];
/// Words between those and the number.
const CHINESE_LINKS: &[&str] = &["号码", "是", "为", "：", ":", " ", "号"];
/// What is counted is not a number of that kind.
const CHINESE_MEASURES: &str = "元块个次台部万千百分秒天年月日人度折点亿条件张份家页斤米%";
const PHONES: &[&str] =
    &["phone", "telephone", "tel", "fax", "hotline", "dial", "ext", "extension"];
/// What is read digit by digit whatever stands before the digits.
const CODES: &[&str] = &["code", "pin", "id", "passcode", "password", "otp", "zip", "serial"];
/// What has a number.
const IDS: &[&str] = &[
    "order",
    "account",
    "card",
    "ticket",
    "case",
    "tracking",
    "reference",
    "ref",
    "confirmation",
    "booking",
    "invoice",
    "passport",
    "claim",
    "policy",
    "reservation",
    "member",
    "membership",
    "routing",
    "customer",
    "flight",
    "phone",
    "telephone",
    "fax",
    "mobile",
    "serial",
    "employee",
];
/// What is dialled in emergencies and for service.
const SHORT: &[&str] = &["911", "999", "112", "311", "411", "988", "811", "211", "000"];

/// Reads a number that is read digit by digit.
pub(super) fn digits<'t>(
    ahead: &mut Cursor<'t>,
    context: &Context,
    language: Language,
) -> Look<Option<Digits<'t>>> {
    let mut start = *ahead;
    let plus = start.eat('+')?;
    let Some(whole) = chain(&mut start)? else { return Ok(None) };
    // What follows after a space may be another number.
    for len in (1..=whole.groups.len()).rev() {
        let Some(end) = whole.ends.get(len - 1) else { continue };
        if len < whole.groups.len() && whole.separators.get(len - 1) != Some(&' ') {
            continue;
        }
        let chain = whole.first(len);
        let Some(phone) = kind(&chain, plus, end, context, language)? else { continue };
        if !ends(end)? {
            return Ok(None);
        }
        *ahead = *end;
        let groups = match &*chain.groups {
            [group] if plus => vec![*group],
            [group] => split(group, phone),
            [country, group] if plus => [vec![*country], split(group, phone)].concat(),
            _ => chain.groups,
        };
        return Ok(Some(Digits { plus, groups, phone }));
    }
    Ok(None)
}

/// Returns whether this is the number of a telephone, or another that is read digit by digit.
fn kind(
    chain: &Chain<'_>,
    plus: bool,
    end: &Cursor<'_>,
    context: &Context,
    language: Language,
) -> Look<Option<bool>> {
    let lengths: Vec<usize> = chain.groups.iter().map(|group| group.len()).collect();
    let counted = language == Language::Chinese && end.sees(|c| CHINESE_MEASURES.contains(c))?;
    if is_phone(chain, &lengths, plus, !counted && said(context, language), context) {
        return Ok(Some(true));
    }
    let first = chain.groups.first().copied().unwrap_or_default();
    let total: usize = lengths.iter().sum();
    let id = !plus
        && match *lengths {
            [4, 4, 4, 4] | [4, 4, 4, 4, 1..=3] | [4, 6, 5] => !chain.separators.contains(&'.'),
            [(12..)] => true,
            [(4..)] if language == Language::Chinese => {
                !counted && chinese_word(context, CHINESE_IDS)
            }
            [(4..)] => is_id(first, context),
            [_, _, ..]
                if total >= 5 && chain.separators.iter().all(|separator| *separator == '-') =>
            {
                match language {
                    Language::Chinese => !counted && chinese_word(context, CHINESE_IDS),
                    _ => is_id(&chain.groups.concat(), context),
                }
            }
            _ => false,
        };
    Ok(id.then_some(false))
}

/// Groups of digits, and what separates them.
struct Chain<'t> {
    groups: Vec<&'t str>,
    /// Where each group ends.
    ends: Vec<Cursor<'t>>,
    separators: Vec<char>,
    /// The first group is in brackets.
    area: bool,
}

impl Chain<'_> {
    fn first(&self, len: usize) -> Self {
        Self {
            groups: self.groups.iter().take(len).copied().collect(),
            ends: Vec::new(),
            separators: self.separators.iter().take(len - 1).copied().collect(),
            area: self.area,
        }
    }
}

fn chain<'t>(ahead: &mut Cursor<'t>) -> Look<Option<Chain<'t>>> {
    let mut end = *ahead;
    let mut chain =
        Chain { groups: Vec::new(), ends: Vec::new(), separators: Vec::new(), area: false };
    loop {
        let bracket = end.eat('(')?;
        let group = end.run(is_digit)?;
        if group.is_empty() || group.len() > MAX_DIGITS || chain.groups.len() >= MAX_GROUPS {
            return Ok(None);
        }
        if bracket {
            if !(2..=4).contains(&group.len()) || !end.eat(')')? {
                return Ok(None);
            }
            chain.area = true;
        }
        chain.groups.push(group);
        chain.ends.push(end);
        let mut next = end;
        let separator = next.eat_if(|c| " -.".contains(c))?;
        let digit = next.sees(|c| is_digit(c) || c == '(')?;
        if !digit || separator.is_none() && !bracket {
            break;
        }
        if next.peek()? == Some('(') {
            // Only the area is in brackets.
            let mut area = next;
            area.next()?;
            area.run(is_digit)?;
            if !area.eat(')')? {
                break;
            }
        }
        chain.separators.push(separator.unwrap_or(' '));
        end = next;
    }
    *ahead = end;
    Ok(Some(chain))
}

fn is_phone(
    chain: &Chain<'_>,
    lengths: &[usize],
    plus: bool,
    said: bool,
    context: &Context,
) -> bool {
    let total: usize = lengths.iter().sum();
    let first = chain.groups.first().copied().unwrap_or_default();
    let last = chain.groups.last().copied().unwrap_or_default();
    let mobile =
        first.starts_with('1') && first.get(1..2).is_some_and(|digit| ("3"..="9").contains(&digit));
    let dotted = chain.separators.contains(&'.');
    let called = matches!(context.last_word(), "call" | "dial");
    match *lengths {
        _ if plus => (8..=15).contains(&total),
        _ if chain.area => (7..=13).contains(&total),
        [11] if mobile => true,
        [3, 4, 4] => mobile && !dotted,
        [3, 3, 4] => true,
        [1, 3, 3, 4] => first == "1",
        [3, 8] | [4, 7 | 8] => first.starts_with('0') && !dotted,
        [3, 7] | [3, 4, 3] => matches!(first, "400" | "800") && !dotted,
        [3, 4] => (said || called) && !dotted && !last.ends_with("00"),
        [3..=11] => {
            let known = SHORT.contains(&first) || first.len() >= 7 && !first.ends_with("00");
            said || called && known
        }
        _ => false,
    }
}

/// Returns whether the sentence says that the number of a telephone follows.
fn said(context: &Context, language: Language) -> bool {
    if language == Language::Chinese {
        return chinese_word(context, CHINESE_PHONES);
    }
    let text = context.recent().trim_end_matches([':', ' ', '.']);
    let text = ["call us at", "call me at", "call"].iter().find_map(|call| text.strip_suffix(call));
    PHONES.contains(&context.last_word())
        || text.is_some() && context.recent().ends_with(" at ")
        || has_number(context, &["phone", "telephone", "fax", "mobile", "hotline"])
}

/// Returns whether the sentence says that an identifier of these digits follows.
fn is_id(digits: &str, context: &Context) -> bool {
    let last = context.last_word();
    CODES.contains(&last)
        || context.recent().ends_with('#')
        || context.recent().trim_end().ends_with("ending in")
        || has_number(context, IDS)
        || IDS.contains(&last) && digits.len() >= 5 && !digits.ends_with("00")
}

/// Returns whether the last word is one that an identifier follows: "order", "code".
pub(super) fn names_id(context: &Context) -> bool {
    let last = context.last_word();
    CODES.contains(&last) || IDS.contains(&last)
}

/// Returns whether the sentence says "order number", "order no.", "code is" or the like.
fn has_number(context: &Context, words: &[&str]) -> bool {
    let mut last =
        context.recent().rsplit(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let Some(mut word) = last.next() else { return false };
    if word == "is" {
        word = last.next().unwrap_or_default();
        if CODES.contains(&word) {
            return true;
        }
    }
    matches!(word, "number" | "no") && last.next().is_some_and(|word| words.contains(&word))
}

fn chinese_word(context: &Context, words: &[&str]) -> bool {
    let mut text = context.recent();
    for _ in 0..4 {
        if words.iter().any(|word| text.ends_with(word)) {
            return true;
        }
        let Some(rest) = CHINESE_LINKS.iter().find_map(|link| text.strip_suffix(link)) else {
            return false;
        };
        text = rest;
    }
    false
}

/// Splits digits into groups that can be followed.
fn split(digits: &str, phone: bool) -> Vec<&str> {
    let first = match digits.len() {
        0..=5 => return vec![digits],
        11 if phone => 3,
        10 if phone => 3,
        len if len.is_multiple_of(4) => 4,
        len if len.is_multiple_of(3) => 3,
        len => len % 4,
    };
    let size = match digits.len() {
        10 if phone => 3,
        len if !len.is_multiple_of(4) && len.is_multiple_of(3) => 3,
        _ => 4,
    };
    let mut groups = Vec::new();
    let (group, mut rest) = digits.split_at_checked(first).unwrap_or((digits, ""));
    groups.push(group);
    while let Some((group, more)) = rest.split_at_checked(size).filter(|_| rest.len() > size + 1) {
        groups.push(group);
        rest = more;
    }
    groups.extend((!rest.is_empty()).then_some(rest));
    groups
}
