//! The foundation of every platform: event streams, text for voices, signatures.

#[path = "../support/mod.rs"]
mod support;

mod signatures;
#[cfg(feature = "speakable")]
mod speakable;
mod sse;
mod text;
mod verify_layer;
