//! Mends JSON text that peers write not quite as the standard has it.

use std::borrow::Cow;

use memchr::memchr;

/// The byte order mark in UTF-8.
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// Returns the text behind its byte order mark, if it has one.
///
/// RFC 8259 forbids to send the mark and allows to ignore it. Text that an editor of Windows saved has it.
pub(crate) fn without_bom(json: &[u8]) -> &[u8] {
    json.strip_prefix(BOM).unwrap_or(json)
}

/// Replaces the escape of each surrogate without its partner by that of U+FFFD.
///
/// Peers that count text in UTF-16, such as those in Java or JavaScript, cut an emoji in two when they cut
/// a text, and escape the half that is left: `"ok \ud83d"`. Browsers read that, serde_json does not.
///
/// Both escapes have six bytes, so every other byte keeps its position, and errors still say where they are.
/// One pass mends the whole text. A backslash outside of a string is an error in any case, so strings need not
/// be told from the rest. JSON in a string is mended when it is read: its backslashes are escaped here.
pub(super) fn mend(json: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Cow::Borrowed(json);
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| memchr(b'\\', rest)) {
        at += found;
        let length = match (unit(json, at), unit(json, at + ESCAPE)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 2 * ESCAPE,
            (Some(0xD800..=0xDFFF), _) => {
                if let Some(escape) = mended.to_mut().get_mut(at..at + ESCAPE) {
                    escape.copy_from_slice(b"\\uFFFD");
                }
                ESCAPE
            }
            (Some(_), _) => ESCAPE,
            // The escape of one character, which may be a backslash.
            (None, _) => 2,
        };
        at += length;
    }
    mended
}

/// The length of `\ud83d`.
const ESCAPE: usize = 6;

/// Returns the UTF-16 unit that is escaped at `at`.
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(unit << 4 | u16::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(json: &str) -> String {
        String::from_utf8(mend(json.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn a_surrogate_without_its_partner_becomes_the_replacement_character() {
        for (json, expected) in [
            (r#""\ud83d""#, r#""\uFFFD""#),
            (r#""\uDE00""#, r#""\uFFFD""#),
            (r#""a\uD83Db""#, r#""a\uFFFDb""#),
            (r#""\ud83d\n""#, r#""\uFFFD\n""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\uFFFD\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\uFFFD\uFFFD""#),
            (r#""\ud83d\u0041""#, r#""\uFFFD\u0041""#),
            (r#"{"\udfff":["\ud800"]}"#, r#"{"\uFFFD":["\uFFFD"]}"#),
            (r#""\\\ud83d""#, r#""\\\uFFFD""#),
        ] {
            assert_eq!(mended(json), expected);
            assert!(serde_json::from_str::<serde_json::Value>(expected).is_ok());
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for json in [
            "",
            "\\",
            r"\u",
            r"\ud8",
            r#""\ud83d\ude00""#,
            r#""\uD83D\uDE00 \u00e9 \uffff""#,
            r#""\\ud83d""#,
            r#""\\\\ud83d""#,
            r#""\ud83g""#,
            r#""\u+83d""#,
            "\"\u{1F600}\"",
        ] {
            assert!(matches!(mend(json.as_bytes()), Cow::Borrowed(_)), "{json}");
        }
    }
}
