//! The foundation of every platform: event streams, text for voices, signatures.

mod signatures;
mod sse;
mod text;
mod verify_layer;
