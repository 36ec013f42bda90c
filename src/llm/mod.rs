//! A bot that answers with a language model.
//!
//! An [`Assistant`] is a whole [`Bot`](crate::bot::Bot): it keeps the conversation, speaks the answer of the
//! model sentence by sentence, runs your tools, and goes on when the model fails.

mod answer;
mod assistant;
mod built_in;
mod conversation;
mod listen;
mod memory;
mod model;
mod phrases;
mod run;
mod schema;
mod summary;
pub mod testing;
mod think;
mod tool;
mod voice;

pub use assistant::Assistant;
pub use memory::Memory;
pub use model::{Model, ModelDeadline, ModelError};
pub use phrases::{Phrases, Silence};
pub use tool::{Tool, ToolContext};
