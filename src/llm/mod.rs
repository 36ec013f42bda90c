//! Bots that answer with a language model.

pub mod testing;
