//! Finds in what was sent the text that was heard.

/// Where in what was sent the text ends that was heard: its begin, or a part that is there once.
pub(in crate::bot) fn end_of(heard: &str, sent: &str) -> Option<usize> {
    if sent.starts_with(heard) {
        return Some(heard.len());
    }
    let heard: String = folded(heard).map(|(_, c)| c).collect();
    let first = heard.chars().next()?;
    let text: String = folded(sent).map(|(_, c)| c).collect();
    let begin = text.find(&heard)?;
    // Two that overlap are two.
    let next = text.get(begin + first.len_utf8()..)?;
    if begin > 0 && next.contains(&heard) {
        return None;
    }
    let mut rest = begin + heard.len();
    folded(sent).find_map(|(end, c)| {
        rest = rest.saturating_sub(c.len_utf8());
        (rest == 0).then_some(end)
    })
}

/// The letters and digits of a text, alike in width and case, and where each of them ends in it.
fn folded(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().flat_map(|(at, c)| {
        let end = at + c.len_utf8();
        let narrow = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            // A sigma at the end of a word has a letter of its own, in lower case only.
            'ς' => 'σ',
            // The space of full width is left out with all other white space.
            c => c,
        };
        let lower = narrow.to_lowercase().filter(|c| c.is_alphanumeric());
        lower.map(move |c| (end, c))
    })
}
