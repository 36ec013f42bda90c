//! What a bot has added to its reply, and the packets made from it.

use crate::bot::controls::{Closing, Element, Gather, Native, SpeechSettings};

/// A piece of a reply, on its way to the platform.
#[derive(Debug, Clone, Default)]
pub(in crate::bot) struct Packet {
    /// The new text.
    pub text: String,
    /// Only in the first packet.
    pub speech: Option<SpeechSettings>,
    /// Only in the first packet.
    pub gather: Option<Gather>,
    /// Only in the last packet.
    pub native: Option<Box<Native>>,
    /// What follows the text; only in the last packet.
    pub closing: Option<Closing>,
    pub last: bool,
    /// Whether the platform asks for the closing once the text has been played.
    pub to_be_continued: bool,
}

/// Whether something follows the last packet of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Remainder {
    /// Nothing: the closing, if any, is in the last packet.
    Nothing,
    /// The closing, which the platform asks for once the text has been played.
    Closing,
}

/// What a bot has added to its reply.
#[derive(Debug, Clone, Default)]
pub(in crate::bot) struct Draft {
    /// The whole text.
    pub text: String,
    /// How much of the text is in packets, in bytes.
    packed: usize,
    pub speech: Option<SpeechSettings>,
    pub gather: Option<Gather>,
    pub native: Option<Box<Native>>,
    pub closing: Option<Closing>,
}

impl Draft {
    /// Returns whether the bot has added nothing but speech settings.
    pub(super) fn is_empty(&self) -> bool {
        let controls = self.gather.is_some() || self.native.is_some() || self.closing.is_some();
        self.text.is_empty() && !controls
    }

    /// Returns the text that is not in a packet yet.
    pub(super) fn unsent(&self) -> &str {
        self.text.get(self.packed..).unwrap_or_default()
    }

    /// Adds an element. Returns whether it displaced a request to gather digits: with `splits`, a
    /// reply with a closing has no room for that.
    pub(super) fn insert(&mut self, element: Element, splits: bool) -> bool {
        match element {
            Element::SpeechSettings(speech) => {
                self.speech = Some(speech.or(self.speech.take()));
            }
            Element::Gather(gather) => self.gather = Some(gather),
            Element::Native(native) => self.native = Some(native),
            Element::Closing(closing) => {
                self.closing = Some(closing);
                return splits && self.gather.take().is_some();
            }
        }
        false
    }

    /// Removes what is not in a packet. The speech settings stay, since they belong to the call.
    pub(super) fn discard_unsent(&mut self) {
        self.text.truncate(self.packed);
        self.gather = None;
        self.native = None;
        self.closing = None;
    }

    /// Returns the first packet of the reply.
    pub(super) fn first_packet(&mut self) -> Packet {
        Packet { speech: self.speech.clone(), gather: self.gather.clone(), ..self.next_packet() }
    }

    /// Returns a packet that is not the first one.
    pub(super) fn next_packet(&mut self) -> Packet {
        let text = self.unsent().to_owned();
        self.packed = self.text.len();
        Packet { text, ..Packet::default() }
    }

    /// Turns a packet into the last one.
    pub(super) fn close(&self, packet: Packet, remainder: Remainder) -> Packet {
        let to_be_continued = remainder == Remainder::Closing;
        Packet {
            native: self.native.clone(),
            closing: self.closing.clone().filter(|_| !to_be_continued),
            last: true,
            to_be_continued,
            ..packet
        }
    }
}

/// Returns the space between a sentence and the next one, which is empty if `before` ends with white space
/// or in Chinese or Japanese, or if `after` starts with white space.
pub(super) fn gap(before: &str, after: &str) -> &'static str {
    const CLOSING: [char; 6] = ['”', '’', '"', '\'', ')', ']'];
    let spaced = before.ends_with(char::is_whitespace) || after.starts_with(char::is_whitespace);
    let last = before.trim_end_matches(CLOSING).chars().next_back();
    match last {
        Some(last) if !spaced && !after.is_empty() && !is_chinese_or_japanese(last) => " ",
        _ => "",
    }
}

fn is_chinese_or_japanese(c: char) -> bool {
    // Ideographs, kana, and their punctuation, which has the width of an ideograph.
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{31a0}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
        || matches!(c, '\u{fe30}'..='\u{fe4f}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
