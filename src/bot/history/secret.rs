//! Hides secret inputs, and what repeats them.

use std::collections::VecDeque;
use std::ops::Range;

use super::Entry;
use super::matching::folded;
use crate::bot::input::Input;

/// Whether a text may end in the middle of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Ending {
    /// No: it is complete.
    Whole,
    /// Yes: it was cut.
    Cut,
}

impl Entry {
    /// Puts the placeholder in place of the input and of what repeats `secret`, the whole input, in the
    /// reply.
    pub(in crate::bot) fn hide_input(&mut self, secret: &Input, ending: Ending) {
        match &mut self.input {
            Some(Input::Speech(text) | Input::Dtmf(text)) => *text = Self::SECRET.into(),
            Some(Input::Other(value)) => *value = Self::SECRET.into(),
            // An input that was too long for the history.
            None if secret.has_content() => {}
            _ => return,
        }
        self.secret = true;
        if let Some(said) = secret.text().and_then(|secret| hidden(&self.said, secret, ending)) {
            self.said = said;
        }
    }

    /// Returns whether the reply repeats the secret input.
    pub(in crate::bot) fn repeats_secret(&self) -> bool {
        self.secret && self.said.contains(Self::SECRET)
    }

    /// Returns the reply as it was said to the caller whose input was `input`.
    pub(in crate::bot) fn said_to(&self, input: Option<&Input>) -> String {
        match input.and_then(Input::text) {
            Some(secret) if self.secret => self.said.replace(Self::SECRET, secret),
            _ => self.said.clone(),
        }
    }
}

/// Returns `text` with [`Entry::SECRET`] in place of what repeats `secret`, or `None` if nothing does.
///
/// Case, width, punctuation and white space are ignored, so that `1 2 3 4` repeats `1234`. A secret of one
/// or two letters or digits counts only as a word of its own, since it is a part of many others.
pub(in crate::bot) fn hidden(text: &str, secret: &str, ending: Ending) -> Option<String> {
    let places = places(text, secret, ending);
    if places.is_empty() {
        return None;
    }
    let mut shown = String::new();
    let mut at = 0;
    for place in places {
        shown.push_str(text.get(at..place.start).unwrap_or_default());
        shown.push_str(Entry::SECRET);
        at = place.end;
    }
    shown.push_str(text.get(at..).unwrap_or_default());
    Some(shown)
}

/// Returns where `text` repeats `secret`, in bytes.
///
/// This is the search of Knuth, Morris and Pratt: both texts come from outside, so the time must be linear.
/// What has matched when a cut text ends is the start of a secret.
fn places(text: &str, secret: &str, ending: Ending) -> Vec<Range<usize>> {
    const SHORT: usize = 3;
    let wanted: Vec<char> = folded(secret).map(|(_, c)| c).collect();
    if wanted.is_empty() {
        // Such as `*#`, of which nothing is left.
        let exact = text.match_indices(secret).filter(|_| !secret.is_empty());
        return exact.map(|(start, found)| start..start + found.len()).collect();
    }
    let borders = borders(&wanted);
    let mut places = Vec::new();
    // The places of the characters that match.
    let mut matched: VecDeque<Range<usize>> = VecDeque::new();
    let place =
        |matched: &VecDeque<Range<usize>>| Some(matched.front()?.start..matched.back()?.end);
    for (found, c) in folded(text) {
        while !matched.is_empty() && wanted.get(matched.len()) != Some(&c) {
            shorten(&mut matched, &borders);
        }
        if wanted.get(matched.len()) == Some(&c) {
            matched.push_back(found);
        }
        if matched.len() == wanted.len() {
            match place(&matched).filter(|place| wanted.len() >= SHORT || is_word(text, place)) {
                Some(place) => {
                    places.push(place);
                    matched.clear();
                }
                None => shorten(&mut matched, &borders),
            }
        }
    }
    places.extend(place(&matched).filter(|_| ending == Ending::Cut));
    places
}

/// Keeps the longest end of a match that is also a start of the secret.
fn shorten(matched: &mut VecDeque<Range<usize>>, borders: &[usize]) {
    let keep = matched.len().checked_sub(1).and_then(|last| borders.get(last)).copied();
    let keep = keep.unwrap_or_default();
    matched.drain(..matched.len() - keep);
}

/// Returns for each start of `wanted` the length of its longest end that is also a start of it.
fn borders(wanted: &[char]) -> Vec<usize> {
    let mut borders: Vec<usize> = Vec::with_capacity(wanted.len());
    let mut length = 0;
    for (index, c) in wanted.iter().enumerate() {
        if index > 0 {
            while length > 0 && wanted.get(length) != Some(c) {
                length = borders.get(length - 1).copied().unwrap_or_default();
            }
            length += usize::from(wanted.get(length) == Some(c));
        }
        borders.push(length);
    }
    borders
}

/// Returns whether no letter or digit of ASCII touches this place.
fn is_word(text: &str, place: &Range<usize>) -> bool {
    let before = text.get(..place.start).and_then(|text| text.chars().next_back());
    let after = text.get(place.end..).and_then(|text| text.chars().next());
    ![before, after].into_iter().flatten().any(|c| c.is_ascii_alphanumeric())
}
