//! Reads and writes server-sent events (`text/event-stream`), without I/O.
//!
//! [`Decoder`] takes the body of a response in chunks of any size and yields its events by the
//! "event stream interpretation" algorithm of the [WHATWG HTML standard][spec]. It is bounded (see
//! [`Decoder::new`]), looks at every byte a constant number of times and lends its events: the data
//! of an event that lies within one chunk, on one `data` line, is a slice of that chunk. Its
//! buffers are reused, so it stops allocating once they have grown to the size of the traffic.
//!
//! To send events, use [`write_event`] and [`HEARTBEAT`]:
//!
//! ```
//! use callbot::sse::{Decoder, HEARTBEAT, write_event};
//!
//! let mut body = Vec::new();
//! write_event("line 1\nline 2", &mut body);
//! body.extend_from_slice(HEARTBEAT);
//! write_event("bye", &mut body);
//!
//! let mut decoder = Decoder::default();
//! let mut chunk = &body[..];
//! let mut events = Vec::new();
//! while let Some(event) = decoder.next(&mut chunk)? {
//!     events.push(event.data_text().into_owned());
//! }
//! assert_eq!(events, ["line 1\nline 2", "bye"]);
//! # Ok::<(), callbot::sse::TooLarge>(())
//! ```
//!
//! [spec]: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::mem;
use std::time::Duration;

use memchr::{memchr, memchr2};

/// The event limit of [`Decoder::default`], in bytes: 1 MiB.
pub const DEFAULT_EVENT_LIMIT: usize = 1024 * 1024;

/// A comment block, to send now and then so that an idle connection stays open.
///
/// Readers ignore it. You must not send it in the middle of an event.
pub const HEARTBEAT: &[u8] = b":\n\n";

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An incremental, bounded decoder of one event stream.
///
/// Call [`next`](Self::next) on each chunk until it returns `None`. When the stream ends, drop the
/// decoder: what it still holds is an unfinished block, which the standard says to discard. A new
/// connection needs a new decoder.
///
/// # Examples
///
/// ```
/// use callbot::sse::{Decoder, TooLarge};
///
/// let chunks: [&[u8]; 2] = [b"data: {\"n\":1}\n\nevent: en", b"d\r\ndata:bye\r\n\r\n"];
/// let mut decoder = Decoder::default();
/// let mut seen = Vec::new();
/// for mut chunk in chunks {
///     while let Some(event) = decoder.next(&mut chunk)? {
///         seen.push(format!("{} {}", event.event_type(), event.data_text()));
///     }
/// }
/// assert_eq!(seen, ["message {\"n\":1}", "end bye"]);
/// # Ok::<(), TooLarge>(())
/// ```
pub struct Decoder {
    limit: usize,
    /// The start of a line whose end has not arrived.
    line: Vec<u8>,
    block: Block,
    /// No line has been read yet, so the next one may begin with a byte order mark.
    at_start: bool,
    /// The last line ended in CR, so an LF that follows belongs to that line end.
    after_cr: bool,
    /// The data and type in `block` have been lent out as an event and are spent.
    dispatched: bool,
    failed: bool,
}

// The buffers may contain what callers say.
impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// The buffers of the standard's algorithm, as the lines read so far have set them.
struct Block {
    /// The data lines, each followed by LF, so that empty means "no data line".
    data: Vec<u8>,
    event_type: String,
    id: String,
    retry: Option<Duration>,
}

/// The place of a complete event's data.
enum Data<'c> {
    InChunk(&'c [u8]),
    InBlock,
}

impl Decoder {
    /// Creates a decoder for a new stream.
    ///
    /// `limit` is the maximum number of bytes that the decoder holds at any time for one event: its
    /// data and type, the last event id and the line being read, without its line end. Ignored
    /// lines and comments count, too. Exceeding it is [`TooLarge`], no matter how the stream is cut
    /// into chunks. The allocated memory stays within a small multiple of it.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            block: Block {
                data: Vec::new(),
                event_type: String::new(),
                id: String::new(),
                retry: None,
            },
            at_start: true,
            after_cr: false,
            dispatched: false,
            failed: false,
        }
    }

    /// Returns the next complete event and moves `chunk` past the bytes that were read.
    ///
    /// `None` means that `chunk` is used up. An unfinished event is kept for the next chunk. If
    /// bytes are left in `chunk` after an event, pass them in again.
    ///
    /// # Errors
    ///
    /// [`TooLarge`] if an event or a line exceeds the limit. The position in `chunk` is then
    /// unspecified, and every later call returns the same error.
    pub fn next<'a, 'c: 'a>(
        &'a mut self,
        chunk: &mut &'c [u8],
    ) -> Result<Option<Event<'a>>, TooLarge> {
        if mem::take(&mut self.dispatched) {
            self.block.data.clear();
            self.block.event_type.clear();
        }
        let data = match self.read(chunk)? {
            None => return Ok(None),
            Some(Data::InChunk(data)) => data,
            // The LF after the last data line is not part of the data.
            Some(Data::InBlock) => self.block.data.strip_suffix(b"\n").unwrap_or_default(),
        };
        self.dispatched = true;
        Ok(Some(Event {
            data,
            event_type: match self.block.event_type.as_str() {
                "" => "message",
                event_type => event_type,
            },
            id: &self.block.id,
        }))
    }

    /// Returns the last reconnection time that the stream asked for, if any.
    ///
    /// The server chooses it freely, up to `u64::MAX` milliseconds.
    #[must_use]
    pub fn retry(&self) -> Option<Duration> {
        self.block.retry
    }

    /// Reads lines up to and including the blank one that completes an event.
    fn read<'c>(&mut self, chunk: &mut &'c [u8]) -> Result<Option<Data<'c>>, TooLarge> {
        // The only data line so far, if it lies in `chunk` and need not be copied yet.
        let mut lone: Option<&'c [u8]> = None;
        loop {
            if self.after_cr && !chunk.is_empty() {
                self.after_cr = false;
                *chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            }
            let Some((part, end, rest)) = split_line(chunk) else {
                break;
            };
            self.check_limit(lone, part)?;
            *chunk = rest;
            self.after_cr = end == b'\r';
            let at_start = mem::take(&mut self.at_start);

            let blank = if self.line.is_empty() {
                let line = strip_bom(part, at_start);
                if let Some(value) = self.block.apply(line) {
                    if lone.is_none() && self.block.data.is_empty() {
                        lone = Some(value);
                    } else {
                        self.block.push_data(lone.take());
                        self.block.push_data(Some(value));
                    }
                }
                line.is_empty()
            } else {
                self.line.extend_from_slice(part);
                let line = strip_bom(&self.line, at_start);
                let value = self.block.apply(line);
                self.block.push_data(value);
                let blank = line.is_empty();
                self.line.clear();
                blank
            };

            if blank {
                if let Some(data) = lone {
                    return Ok(Some(Data::InChunk(data)));
                }
                if !self.block.data.is_empty() {
                    return Ok(Some(Data::InBlock));
                }
                // A block without data dispatches nothing, but ends its event type.
                self.block.event_type.clear();
            }
        }
        self.check_limit(lone, chunk)?;
        self.line.extend_from_slice(mem::take(chunk));
        self.block.push_data(lone);
        Ok(None)
    }

    /// Fails, for good, if a line that continues with `part` makes the event too large.
    fn check_limit(&mut self, lone: Option<&[u8]>, part: &[u8]) -> Result<(), TooLarge> {
        // Counts the LF as it counts once the line is in the block, so that cuts change nothing.
        let lone = lone.map_or(0, |value| value.len() + 1);
        let held = self.block.len() + lone + self.line.len() + part.len();
        self.failed |= held > self.limit;
        if self.failed {
            return Err(TooLarge { limit: self.limit });
        }
        Ok(())
    }
}

impl Default for Decoder {
    /// Creates a decoder with [`DEFAULT_EVENT_LIMIT`].
    fn default() -> Self {
        Self::new(DEFAULT_EVENT_LIMIT)
    }
}

impl Block {
    /// Applies the field of a line, except that the value of a data line is left to the caller.
    fn apply<'l>(&mut self, line: &'l [u8]) -> Option<&'l [u8]> {
        // Comments and blank lines have an empty name here, which is ignored as any unknown one.
        let (name, value) = split_field(line);
        match name {
            b"data" => return Some(value),
            b"event" => set_lossy(&mut self.event_type, value),
            b"id" if memchr(0, value).is_none() => set_lossy(&mut self.id, value),
            b"retry" => self.retry = parse_millis(value).or(self.retry),
            _ => {}
        }
        None
    }

    fn push_data(&mut self, value: Option<&[u8]>) {
        if let Some(value) = value {
            self.data.extend_from_slice(value);
            self.data.push(b'\n');
        }
    }

    fn len(&self) -> usize {
        self.data.len() + self.event_type.len() + self.id.len()
    }
}

/// One event, borrowed from the [`Decoder`] and the chunk that completed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    data: &'a [u8],
    event_type: &'a str,
    id: &'a str,
}

impl<'a> Event<'a> {
    /// Returns the data as sent, with several data lines joined by LF. It may not be valid UTF-8.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Returns the data as text, with each invalid UTF-8 sequence replaced by U+FFFD.
    ///
    /// This is the standard's "UTF-8 decode". It copies only if there is something to replace.
    #[must_use]
    pub fn data_text(&self) -> Cow<'a, str> {
        String::from_utf8_lossy(self.data)
    }

    /// Returns the event type: `"message"` unless the event names another one.
    ///
    /// Invalid UTF-8 is replaced as in [`data_text`](Self::data_text).
    #[must_use]
    pub fn event_type(&self) -> &'a str {
        self.event_type
    }

    /// Returns the last event id: that of this event, else that of the latest event before it that
    /// set one, else an empty string.
    ///
    /// Invalid UTF-8 is replaced as in [`data_text`](Self::data_text).
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.id
    }
}

/// The error of a [`Decoder`] whose stream has an event or a line above the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    limit: usize,
}

impl TooLarge {
    /// Returns the limit that was exceeded, in bytes, as given to [`Decoder::new`].
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "server-sent event larger than {} bytes", self.limit)
    }
}

impl Error for TooLarge {}

/// Whether a `Content-Type` header value names an event stream.
///
/// Case does not matter and parameters, such as `charset`, are ignored.
///
/// ```
/// assert!(callbot::sse::is_event_stream("text/event-stream; charset=utf-8"));
/// ```
#[must_use]
pub fn is_event_stream(content_type: &str) -> bool {
    content_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case("text/event-stream"))
}

/// Appends `data` to `out` as one complete event of the default type.
///
/// Each line of `data` becomes a data line. Lines may end in LF, CR or CRLF; the reader gets LF for
/// each. All other text arrives unchanged.
///
/// ```
/// let mut out = Vec::new();
/// callbot::sse::write_event("{\"n\":1}", &mut out);
/// assert_eq!(out, b"data:{\"n\":1}\n\n");
/// ```
pub fn write_event(data: &str, out: &mut Vec<u8>) {
    let mut rest = data.as_bytes();
    while let Some((line, end, next)) = split_line(rest) {
        write_data_line(line, out);
        rest = match next {
            [b'\n', next @ ..] if end == b'\r' => next,
            next => next,
        };
    }
    write_data_line(rest, out);
    out.push(b'\n');
}

fn write_data_line(line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"data:");
    // Readers drop one space after the colon, so a line that starts with a space needs one more.
    if line.starts_with(b" ") {
        out.push(b' ');
    }
    out.extend_from_slice(line);
    out.push(b'\n');
}

/// Splits `text` into its first line, the CR or LF that ends it and what follows.
fn split_line(text: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (line, rest) = text.split_at_checked(memchr2(b'\r', b'\n', text)?)?;
    let (&end, rest) = rest.split_first()?;
    Some((line, end, rest))
}

/// Splits a line into field name and value; without a colon it is all name.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b':', line).and_then(|colon| line.split_at_checked(colon)) {
        Some((name, [_, b' ', value @ ..] | [_, value @ ..])) => (name, value),
        _ => (line, &[]),
    }
}

fn strip_bom(line: &[u8], at_start: bool) -> &[u8] {
    match line.strip_prefix(BOM) {
        Some(rest) if at_start => rest,
        _ => line,
    }
}

/// Replaces `text` by `bytes` as `String::from_utf8_lossy` decodes them, in place.
fn set_lossy(text: &mut String, bytes: &[u8]) {
    text.clear();
    for piece in bytes.utf8_chunks() {
        text.push_str(piece.valid());
        if !piece.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// Parses a number of milliseconds, which must consist of digits, at least one.
fn parse_millis(digits: &[u8]) -> Option<Duration> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // The standard sets no maximum, so a number too long for a u64 saturates.
    let millis = digits.iter().fold(0_u64, |millis, digit| {
        millis.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
    });
    Some(Duration::from_millis(millis))
}
