//! Finds the heard text in the sent text.

use std::ops::Range;

/// Returns where `heard` ends in `sent`, in bytes. `heard` must be the start of `sent`, or occur in it
/// exactly once; otherwise this returns `None`. If the exact text is not the start, case, width,
/// punctuation and white space are ignored.
pub(in crate::bot) fn end_of(heard: &str, sent: &str) -> Option<usize> {
    if sent.starts_with(heard) {
        return Some(heard.len());
    }
    let heard: String = folded(heard).map(|(_, c)| c).collect();
    let first = heard.chars().next()?;
    let text: String = folded(sent).map(|(_, c)| c).collect();
    let start = text.find(&heard)?;
    // Overlapping occurrences count as two.
    let next = text.get(start + first.len_utf8()..)?;
    if start > 0 && next.contains(&heard) {
        return None;
    }
    let mut rest = start + heard.len();
    folded(sent).find_map(|(place, c)| {
        rest = rest.saturating_sub(c.len_utf8());
        (rest == 0).then_some(place.end)
    })
}

/// Returns the letters and digits of a text, in lower case and half width, each with its place in the
/// text, in bytes.
pub(super) fn folded(text: &str) -> impl Iterator<Item = (Range<usize>, char)> {
    text.char_indices().flat_map(|(at, c)| {
        let place = at..at + c.len_utf8();
        let narrow = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            // The sigma at the end of a word is a separate letter, but only in lower case.
            'ς' => 'σ',
            // The full-width space is removed below, with all other white space.
            c => c,
        };
        let lower = narrow.to_lowercase().filter(|c| c.is_alphanumeric());
        lower.map(move |c| (place.clone(), c))
    })
}

/// Returns whether two texts are the same, with case, width, punctuation and white space ignored.
#[cfg(feature = "chat")]
pub(in crate::bot) fn same_words(one: &str, other: &str) -> bool {
    one == other || folded(one).map(|(_, c)| c).eq(folded(other).map(|(_, c)| c))
}
