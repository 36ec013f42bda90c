//! Units and currencies.

use super::number::is_digit;
use crate::text::speakable::cursor::{Cursor, Look};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unit {
    symbol: &'static str,
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// Empty if Chinese keeps the symbol.
    pub(super) chinese: &'static str,
}

const fn unit(
    symbol: &'static str,
    one: &'static str,
    many: &'static str,
    chinese: &'static str,
) -> Unit {
    Unit { symbol, one, many, chinese }
}

/// Units. Not those that may be something else: m (million), s (decades), in, A.
const UNITS: &[Unit] = &[
    unit("km/h", "kilometer per hour", "kilometers per hour", "公里每小时"),
    unit("kph", "kilometer per hour", "kilometers per hour", "公里每小时"),
    unit("mph", "mile per hour", "miles per hour", "英里每小时"),
    unit("m/s", "meter per second", "meters per second", "米每秒"),
    unit("km²", "square kilometer", "square kilometers", "平方公里"),
    unit("m²", "square meter", "square meters", "平方米"),
    unit("㎡", "square meter", "square meters", "平方米"),
    unit("cm²", "square centimeter", "square centimeters", "平方厘米"),
    unit("m³", "cubic meter", "cubic meters", "立方米"),
    unit("km", "kilometer", "kilometers", "公里"),
    unit("cm", "centimeter", "centimeters", "厘米"),
    unit("mm", "millimeter", "millimeters", "毫米"),
    unit("kg", "kilogram", "kilograms", "公斤"),
    unit("mg", "milligram", "milligrams", "毫克"),
    unit("g", "gram", "grams", "克"),
    unit("ml", "milliliter", "milliliters", "毫升"),
    unit("mL", "milliliter", "milliliters", "毫升"),
    unit("L", "liter", "liters", "升"),
    unit("lb", "pound", "pounds", "磅"),
    unit("lbs", "pound", "pounds", "磅"),
    unit("oz", "ounce", "ounces", "盎司"),
    unit("ft", "foot", "feet", "英尺"),
    unit("yd", "yard", "yards", "码"),
    unit("mi", "mile", "miles", "英里"),
    unit("sqft", "square foot", "square feet", "平方英尺"),
    unit("°C", "degree Celsius", "degrees Celsius", "摄氏度"),
    unit("℃", "degree Celsius", "degrees Celsius", "摄氏度"),
    unit("°F", "degree Fahrenheit", "degrees Fahrenheit", "华氏度"),
    unit("℉", "degree Fahrenheit", "degrees Fahrenheit", "华氏度"),
    unit("°", "degree", "degrees", "度"),
    unit("kWh", "kilowatt hour", "kilowatt hours", "千瓦时"),
    unit("kW", "kilowatt", "kilowatts", "千瓦"),
    unit("W", "watt", "watts", "瓦"),
    unit("V", "volt", "volts", "伏"),
    unit("mAh", "milliamp hour", "milliamp hours", "毫安时"),
    unit("Hz", "hertz", "hertz", "赫兹"),
    unit("kHz", "kilohertz", "kilohertz", "千赫"),
    unit("MHz", "megahertz", "megahertz", "兆赫"),
    unit("GHz", "gigahertz", "gigahertz", "吉赫"),
    unit("KB", "kilobyte", "kilobytes", ""),
    unit("MB", "megabyte", "megabytes", ""),
    unit("GB", "gigabyte", "gigabytes", ""),
    unit("TB", "terabyte", "terabytes", ""),
    unit("Mbps", "megabit per second", "megabits per second", "兆比特每秒"),
    unit("Gbps", "gigabit per second", "gigabits per second", "吉比特每秒"),
    unit("kcal", "kilocalorie", "kilocalories", "千卡"),
    unit("ms", "millisecond", "milliseconds", "毫秒"),
    unit("sec", "second", "seconds", "秒"),
    unit("secs", "second", "seconds", "秒"),
    unit("min", "minute", "minutes", "分钟"),
    unit("mins", "minute", "minutes", "分钟"),
    unit("h", "hour", "hours", "小时"),
    unit("hr", "hour", "hours", "小时"),
    unit("hrs", "hour", "hours", "小时"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Currency {
    /// How it is written before and after an amount.
    marks: &'static [&'static str],
    pub(super) one: &'static str,
    pub(super) many: &'static str,
    /// The hundredth part, if it is spoken of.
    pub(super) cents: Option<(&'static str, &'static str)>,
    pub(super) chinese: &'static str,
}

const CENTS: Option<(&str, &str)> = Some(("cent", "cents"));

const CURRENCIES: &[Currency] = &[
    Currency {
        marks: &["US$", "USD"],
        one: "US dollar",
        many: "US dollars",
        cents: CENTS,
        chinese: "美元",
    },
    Currency {
        marks: &["HK$", "HKD"],
        one: "Hong Kong dollar",
        many: "Hong Kong dollars",
        cents: CENTS,
        chinese: "港元",
    },
    Currency {
        marks: &["NT$", "TWD"],
        one: "Taiwan dollar",
        many: "Taiwan dollars",
        cents: CENTS,
        chinese: "新台币",
    },
    Currency {
        marks: &["S$", "SGD"],
        one: "Singapore dollar",
        many: "Singapore dollars",
        cents: CENTS,
        chinese: "新加坡元",
    },
    Currency {
        marks: &["A$", "AU$", "AUD"],
        one: "Australian dollar",
        many: "Australian dollars",
        cents: CENTS,
        chinese: "澳元",
    },
    Currency {
        marks: &["C$", "CA$", "CAD"],
        one: "Canadian dollar",
        many: "Canadian dollars",
        cents: CENTS,
        chinese: "加元",
    },
    Currency {
        marks: &["$", "＄"], one: "dollar", many: "dollars", cents: CENTS, chinese: "美元"
    },
    Currency {
        marks: &["€", "EUR"], one: "euro", many: "euros", cents: CENTS, chinese: "欧元"
    },
    Currency {
        marks: &["£", "GBP"],
        one: "pound",
        many: "pounds",
        cents: Some(("penny", "pence")),
        chinese: "英镑",
    },
    Currency { marks: &["JP¥", "JPY"], one: "yen", many: "yen", cents: None, chinese: "日元" },
    Currency {
        marks: &["CN¥", "¥", "￥", "CNY", "RMB"],
        one: "yuan",
        many: "yuan",
        cents: None,
        chinese: "元",
    },
    Currency { marks: &["₩", "KRW"], one: "won", many: "won", cents: None, chinese: "韩元" },
    Currency {
        marks: &["₹", "INR"], one: "rupee", many: "rupees", cents: None, chinese: "卢比"
    },
    Currency {
        marks: &["CHF"],
        one: "Swiss franc",
        many: "Swiss francs",
        cents: None,
        chinese: "瑞士法郎",
    },
];

/// What an amount may be counted by, after a slash.
pub(super) const PER: &[(&str, &str)] = &[
    ("mo", "month"),
    ("month", "month"),
    ("yr", "year"),
    ("year", "year"),
    ("wk", "week"),
    ("week", "week"),
    ("day", "day"),
    ("hr", "hour"),
    ("hour", "hour"),
    ("h", "hour"),
    ("min", "minute"),
    ("minute", "minute"),
    ("sec", "second"),
    ("second", "second"),
    ("s", "second"),
    ("user", "user"),
    ("person", "person"),
    ("night", "night"),
    ("kg", "kilogram"),
    ("lb", "pound"),
    ("GB", "gigabyte"),
    ("kWh", "kilowatt hour"),
];

/// The longest of the texts that is next, followed by something that does not continue it.
fn longest<T: Copy>(
    ahead: &mut Cursor<'_>,
    choices: impl Iterator<Item = (&'static str, T)>,
) -> Look<Option<T>> {
    let mut found: Option<(Cursor<'_>, T)> = None;
    for (text, choice) in choices {
        let mut end = *ahead;
        if end.eat_str(text)? && found.as_ref().is_none_or(|(best, _)| best.at() < end.at()) {
            found = Some((end, choice));
        }
    }
    let Some((end, choice)) = found else { return Ok(None) };
    *ahead = end;
    Ok(Some(choice))
}

/// Reads the symbol of a unit.
pub(super) fn read_unit(ahead: &mut Cursor<'_>) -> Look<Option<&'static Unit>> {
    let mut end = *ahead;
    let Some(unit) = longest(&mut end, UNITS.iter().map(|unit| (unit.symbol, unit)))? else {
        return Ok(None);
    };
    if end.sees(|c| c.is_ascii_alphanumeric() || c == '²' || c == '³')? {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(unit))
}

/// Reads the mark of a currency.
pub(super) fn read_currency(ahead: &mut Cursor<'_>) -> Look<Option<&'static Currency>> {
    let marks = CURRENCIES
        .iter()
        .flat_map(|currency| currency.marks.iter().map(move |mark| (*mark, currency)));
    longest(ahead, marks)
}

/// Reads "/month" and the like.
pub(super) fn read_per(ahead: &mut Cursor<'_>) -> Look<Option<&'static str>> {
    let mut end = *ahead;
    if !end.eat('/')? {
        return Ok(None);
    }
    let name = end.run(|c| c.is_ascii_alphabetic())?;
    let per = PER.iter().find(|(known, _)| *known == name);
    if per.is_some() {
        *ahead = end;
    }
    Ok(per.map(|(_, name)| *name))
}

/// What the first number of a range is counted by, in Chinese.
const MEASURES: &str = "元块年月日号天点时周岁度楼层米斤折个人件万千亿";

/// Returns whether a dash after this text is that of a range, since a number with its measure precedes it:
/// "5日-7日".
pub(super) fn starts_range(text: &str) -> bool {
    let number = text.strip_suffix(|c| MEASURES.contains(c));
    let counted = |text: &str| text.trim_end_matches(['万', '千', '亿']).ends_with(is_digit);
    number.is_some_and(counted) || text.ends_with("°c") || text.ends_with('℃')
}
