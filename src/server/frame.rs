//! One packet of an event stream, as it is written to the wire.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;

/// A packet as one event of the stream.
#[derive(Clone)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// Writes a packet of JSON, straight into the event: JSON text has no line breaks.
    #[must_use]
    pub fn json(packet: &impl Serialize) -> Self {
        Self::write(b"data:", packet)
    }

    /// Writes the same with a space after the colon. Readers must accept both forms, but the
    /// documents of some platforms show only this one.
    #[must_use]
    pub fn spaced_json(packet: &impl Serialize) -> Self {
        Self::write(b"data: ", packet)
    }

    fn write(field: &[u8], packet: &impl Serialize) -> Self {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(field);
        if serde_json::to_writer(&mut out, packet).is_err() {
            // Reached only by values that JSON can't express, such as a map whose keys are not
            // strings.
            out.truncate(field.len());
            out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"\n\n");
        Self(out)
    }

    /// Returns nothing, for an event that no packet is sent for.
    #[must_use]
    pub fn nothing() -> Self {
        Self(Vec::new())
    }

    /// Returns the length of the event, in bytes.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends the event of another packet.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Appends an event with this text, which has no line breaks.
    pub(super) fn end_with(&mut self, text: &str) {
        self.0.extend_from_slice(b"data: ");
        self.0.extend_from_slice(text.as_bytes());
        self.0.extend_from_slice(b"\n\n");
    }

    /// Returns the event as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

// The packet may contain what callers say.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.0.len())
    }
}

impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        frame.0.into()
    }
}
