//! Fuzzes the splitter of sentences: it loses no text, and its cuts do not depend on the pieces it gets. And
//! what makes text speakable: neither does what it writes.
#![no_main]

use callbot::text::{Language, Sentences, Speakable};
use libfuzzer_sys::fuzz_target;

fn chunks<'a>(max: usize, pieces: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut text = Sentences::default().max_chars(max);
    let mut chunks = Vec::new();
    for piece in pieces {
        text.push(piece);
        chunks.extend(std::iter::from_fn(|| text.next_chunk()));
    }
    chunks.extend(std::iter::from_fn(|| text.finish()));
    chunks
}

fn spoken<'a>(language: Language, pieces: impl Iterator<Item = &'a str>) -> String {
    let mut text = Speakable::new().language(language);
    let spoken: String = pieces.map(|piece| text.push(piece)).collect();
    spoken + &text.finish()
}

fuzz_target!(|input: (u8, &str)| {
    let (max, text) = (usize::from(input.0).max(1), input.1);
    let whole = chunks(max, std::iter::once(text));
    assert_eq!(whole.concat(), text);
    assert!(whole.iter().all(|chunk| chunk.chars().count() <= max));
    assert_eq!(whole, chunks(max, text.split_inclusive(|_: char| true)));

    let languages = [Language::Auto, Language::English, Language::Chinese, Language::Other];
    let language = languages[usize::from(input.0) % languages.len()];
    let whole = spoken(language, std::iter::once(text));
    assert_eq!(whole, spoken(language, text.split_inclusive(|_: char| true)));
});
