//! Fuzzes the splitter of sentences: it loses no text, and its cuts do not depend on the pieces it gets.
#![no_main]

use callbot::text::Sentences;
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

fuzz_target!(|input: (u8, &str)| {
    let (max, text) = (usize::from(input.0).max(1), input.1);
    let whole = chunks(max, std::iter::once(text));
    assert_eq!(whole.concat(), text);
    assert!(whole.iter().all(|chunk| chunk.chars().count() <= max));
    assert_eq!(whole, chunks(max, text.split_inclusive(|_: char| true)));
});
