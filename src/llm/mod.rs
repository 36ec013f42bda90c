//! A bot that answers with a language model.
//!
//! An [`Assistant`] is a whole [`Bot`](crate::bot::Bot): it keeps the conversation, speaks the answer of the
//! model sentence by sentence, runs your tools, and goes on when the model fails. It needs the feature `llm`.
//!
//! ```
//! # #[cfg(feature = "odfs")]
//! # mod shop {
//! use callbot::bot::Result;
//! use callbot::bot::testing::TestCall;
//! use callbot::bot::{Bot, Platform};
//! use callbot::llm::testing::{Script, ScriptedModel};
//! use callbot::llm::{Assistant, Model, Tool, ToolContext};
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Pizza {
//!     /// The name on the menu.
//!     name: String,
//! }
//!
//! async fn order(mut context: ToolContext<Vec<String>>, pizza: Pizza) -> Result<String> {
//!     context.memory.push(pizza.name);
//!     Ok(format!("{} in the order", context.memory.len()))
//! }
//!
//! fn pizzeria(model: Model) -> Assistant<Vec<String>> {
//!     Assistant::with_memory(model)
//!         .system("You take the orders of a pizzeria.")
//!         .greeting("Pizzeria Vesuvio, hello!")
//!         .tool(Tool::new("order", "Adds a pizza to the order.", order))
//!         .tool(Tool::hang_up())
//! }
//!
//! # pub(super) async fn main() {
//! // In a program: `Model::new(Client::builder("https://model.example/v1").key(key).build()?, "large")`.
//! let scripted = ScriptedModel::new([
//!     Script::new().call("order", r#"{"name":"Margherita"}"#),
//!     Script::new().say("A Margherita, with pleasure. Anything else?"),
//!     Script::new().say("Goodbye!").call("hang_up", "{}"),
//! ]);
//! let host = pizzeria(Model::new(scripted.client(), "large")).host().build();
//!
//! let mut call = TestCall::on(Platform::Odfs, host);
//! call.begin().await.expect_text("Pizzeria Vesuvio, hello!");
//! call.say("A Margherita.").await.expect_speech("Anything else?");
//! assert_eq!(call.memory().await.own, ["Margherita"]);
//! call.say("No.").await.expect_text("Goodbye!").expect_hang_up();
//! # }
//! # }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! #     #[cfg(feature = "odfs")]
//! #     shop::main().await;
//! # }
//! ```
//!
//! # The conversation
//!
//! The model gets the history of the call as it was heard: a reply that was cut only as far as the caller
//! heard it, and no fillers and apologies. What happens on the line is in brackets:
//!
//! | Input | Text for the model |
//! |---|---|
//! | speech | as it is |
//! | DTMF digits | `[pressed the keys 42]` |
//! | silence, with [`Silence::Model`] | `[silence]` |
//! | nothing that was recognised | `[not understood]` |
//! | a transfer that failed | `[The transfer failed: 17]` |
//! | a [secret](crate::bot::Reply::secret_input) | that there is one, and not the secret |
//! | the first input after a cut | begins with `[The caller interrupted you here.]` or the like |
//! | an input that only this platform has | `[event: …]`, with its JSON |
//!
//! Within [`max_entries`](Assistant::max_entries) and [`max_tokens`](Assistant::max_tokens) the oldest turns
//! are left out first, each with its tool calls and their results.
//!
//! # The answer
//!
//! Each sentence goes out when it is over. The start of a sentence goes out if the first packet is due, or
//! after 1 s. What the model thinks is never spoken, whether the server sends it apart or as
//! `<think>…</think>`. If the caller barges in, the connection to the model closes.
//!
//! # Tools
//!
//! See [`Tool`]. The tools of the platform are [`Tool::hang_up`], [`Tool::transfer`] and [`Tool::gather`].
//!
//! # When a model is slow or fails
//!
//! A [`Model`] has three deadlines. When it misses one or fails, the next [fallback](Assistant::fallback)
//! answers, as long as the caller has heard nothing of the answer. If there is none, the turn fails, and the
//! caller hears the [apology](crate::bot::HostBuilder::apology). [`Assistant::host`] sets one, and a filler.
//!
//! # A bot of your own
//!
//! Where the assistant is only a part of your bot, call [`Assistant::answer`] in its turns. The memory of
//! your bot is then a [`Memory`], with yours as [`own`](Memory::own).
//!
//! # Tests
//!
//! A [`ScriptedModel`](testing::ScriptedModel) answers in place of a model.

mod answer;
mod assistant;
mod built_in;
mod context;
mod conversation;
mod listen;
mod memory;
mod model;
mod phrases;
mod schema;
mod summary;
pub mod testing;
mod think;
mod tool;
mod voice;

pub use assistant::Assistant;
pub use context::ToolContext;
pub use memory::Memory;
pub use model::{Model, ModelDeadline, ModelError};
pub use phrases::{Phrases, Silence};
pub use tool::Tool;
