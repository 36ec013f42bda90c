//! Which characters are pictures and ornaments.

/// Makes a picture of the character before it.
pub(super) const AS_PICTURE: char = '\u{fe0f}';
/// Puts the character before it on a key.
pub(super) const ON_KEY: char = '\u{20e3}';
const JOINER: char = '\u{200d}';

/// Pictures, and what belongs to them: flags, skin colours, tags.
const EMOJI: &[(char, char)] = &[
    ('\u{203c}', '\u{203c}'),
    ('\u{2049}', '\u{2049}'),
    ('\u{20e3}', '\u{20e3}'),
    ('\u{2122}', '\u{2122}'),
    ('\u{2139}', '\u{2139}'),
    ('\u{231a}', '\u{231b}'),
    ('\u{2328}', '\u{2328}'),
    ('\u{23cf}', '\u{23cf}'),
    ('\u{23e9}', '\u{23fa}'),
    // Lines, blocks and geometric shapes.
    ('\u{2500}', '\u{25ff}'),
    // Symbols and dingbats.
    ('\u{2600}', '\u{2775}'),
    ('\u{2794}', '\u{2795}'),
    ('\u{2797}', '\u{27bf}'),
    ('\u{2b05}', '\u{2b07}'),
    ('\u{2b12}', '\u{2b55}'),
    ('\u{fe0e}', '\u{fe0f}'),
    ('\u{1f000}', '\u{1faff}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// Returns whether this character is part of a picture. `before` is the character before it.
pub(super) fn is_emoji(c: char, before: Option<char>) -> bool {
    match c {
        '\0'..='\u{ff}' => false,
        // It also joins letters, in Indic scripts.
        JOINER => before.is_some_and(|before| is_emoji(before, None)),
        c => EMOJI.iter().any(|(first, last)| (*first..=*last).contains(&c)),
    }
}
