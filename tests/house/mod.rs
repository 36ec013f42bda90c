//! The rules of the platform that the compiler's fixture describes, and what holds for the code
//! that was compiled from it.

mod rules;

mod calls;
mod types;

pub(crate) use rules::{Rules, Turn};
