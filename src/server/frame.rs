//! One packet of an event stream, as it is written.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::Serialize;

/// A packet as one event of the stream.
#[derive(Clone)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// A packet of JSON. It is written straight into the event: JSON has no line ends of its own.
    #[must_use]
    pub fn json(packet: &impl Serialize) -> Self {
        Self::write(b"data:", packet)
    }

    /// The same, with a space behind the colon: readers have to take both, and some platforms show
    /// only this one.
    #[must_use]
    pub fn spaced_json(packet: &impl Serialize) -> Self {
        Self::write(b"data: ", packet)
    }

    fn write(field: &[u8], packet: &impl Serialize) -> Self {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(field);
        if serde_json::to_writer(&mut out, packet).is_err() {
            // Only what is no JSON at all gets here, such as a map whose keys are no texts.
            out.truncate(field.len());
            out.extend_from_slice(b"{}");
        }
        out.extend_from_slice(b"\n\n");
        Self(out)
    }

    /// The event as text.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

// What it holds may be private.
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
