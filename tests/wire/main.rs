//! What every platform stands on: event streams, text for voices, signatures.

mod signatures;
mod sse;
mod text;
mod verify_layer;
