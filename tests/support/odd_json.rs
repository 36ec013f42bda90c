//! JSON as peers really write it: forms that other readers refuse or read otherwise, at every position of a
//! good document. The fuzz targets use it as well.

use serde_json::Value;

/// The text of a document in an odd form, and of the plain document as which it must be read.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The JSON pointer of the odd value. It leads through JSON in strings.
    pub(crate) place: String,
    /// Whether the place is in JSON in a string, which some types keep as a text.
    pub(crate) in_string: bool,
    pub(crate) odd: String,
    pub(crate) plain: String,
}

impl Pair {
    fn new(odd: String, plain: String) -> Self {
        Self { place: String::new(), in_string: false, odd, plain }
    }

    /// Returns the pair with the document around it.
    fn within(self, key: &str, around: impl Fn(String) -> String) -> Self {
        let place = format!("/{key}{}", self.place);
        Self { place, odd: around(self.odd), plain: around(self.plain), ..self }
    }
}

/// Returns pairs for each string and each key of a document: one half of an emoji at its end must be read as
/// U+FFFD.
pub(crate) fn halves_of_emoji(document: &Value) -> Vec<Pair> {
    /// The text of a string without its last quote, continued with `half` and with its replacement.
    fn halved(text: &str, half: &str) -> Pair {
        let mut open = Value::from(text).to_string();
        open.pop();
        let whole = "\u{FFFD}".repeat(half.matches("\\u").count());
        Pair::new(format!("{open}{half}\""), format!("{open}{whole}\""))
    }

    let halves = ["\\ud83d", "\\uDE00", "\\ud83d\\uD83D", "\\ude00\\ud83d"];
    everywhere(document, &|value| match value {
        Value::String(text) => halves.iter().map(|half| halved(text, half)).collect(),
        Value::Object(object) => {
            let keys = object.keys().map(|key| {
                let Pair { odd, plain, .. } = halved(key, halves[0]);
                let with = |text: &str| {
                    let keys = object.keys().map(|other| match other == key {
                        true => text.to_owned(),
                        false => Value::from(other.as_str()).to_string(),
                    });
                    object_of(keys.zip(object.values().map(Value::to_string)))
                };
                Pair::new(with(&odd), with(&plain))
            });
            keys.collect()
        }
        _ => Vec::new(),
    })
}

/// Returns pairs for each integer of a document: with a decimal point, with an exponent, and in a string.
pub(crate) fn forms_of_integers(document: &Value) -> Vec<Pair> {
    everywhere(document, &|value| match value.as_i64() {
        // Larger ones are not exact with a decimal point.
        Some(number) if number.unsigned_abs() < 1 << 53 => {
            let forms = [
                format!("{number}.0"),
                format!("{number}e0"),
                format!("{number}.00E+0"),
                format!("\"{number}\""),
                format!("\"{number}.00\""),
            ];
            forms.map(|form| Pair::new(form, number.to_string())).into()
        }
        _ => Vec::new(),
    })
}

/// Returns the document with each of the pairs that `forms` returns for a value in the place of that value.
/// JSON in a string has such places as well.
fn everywhere(document: &Value, forms: &dyn Fn(&Value) -> Vec<Pair>) -> Vec<Pair> {
    let mut pairs = forms(document);
    match document {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let around = |text: String| {
                    let mut texts: Vec<_> = items.iter().map(Value::to_string).collect();
                    texts[index] = text;
                    format!("[{}]", texts.join(","))
                };
                let inner = everywhere(item, forms).into_iter();
                pairs.extend(inner.map(|pair| pair.within(&index.to_string(), around)));
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                let around = |text: String| {
                    object_of(object.iter().map(|(other, value)| {
                        let value = if other == key { text.clone() } else { value.to_string() };
                        (Value::from(other.as_str()).to_string(), value)
                    }))
                };
                let inner = everywhere(value, forms).into_iter();
                pairs.extend(inner.map(|pair| pair.within(key, around)));
            }
        }
        Value::String(text) => {
            if let Ok(inner @ (Value::Object(_) | Value::Array(_))) = text.parse() {
                let inner = everywhere(&inner, forms).into_iter();
                pairs.extend(inner.map(|pair| Pair {
                    in_string: true,
                    odd: Value::String(pair.odd).to_string(),
                    plain: Value::String(pair.plain).to_string(),
                    ..pair
                }));
            }
        }
        _ => {}
    }
    pairs
}

fn object_of(entries: impl Iterator<Item = (String, String)>) -> String {
    let entries: Vec<_> = entries.map(|(key, value)| format!("{key}:{value}")).collect();
    format!("{{{}}}", entries.join(","))
}
