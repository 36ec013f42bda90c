//! A guide: from a first bot to a bot in production.
//!
//! Each page is about one task. Its code compiles, and where a page shows what a caller hears, its
//! code runs as a test.
//!
//! | Page | Task |
//! |---|---|
//! | [`first_bot`] | write a bot, serve it, call it |
//! | [`testing`] | test a bot on every platform, without a socket |
//! | [`controls`] | gather keys, transfer, hang up; what each platform supports |
//! | [`barge_in`] | callers who interrupt, and what they heard |
//! | [`memory`] | what a call remembers, and steps that must not be interrupted |
//! | [`language_model`] | answer with a language model |
//! | [`production`] | a VM, Kubernetes, limits, shutdown |
//! | [`several_instances`] | several instances: a shared store, load balancers, releases |
//! | [`function_compute`](crate::function_compute) | Alibaba Cloud Function Compute |
//! | [`platforms`] | each platform by hand, both sides |
//!
//! The pages build on this shape: a type that implements [`Bot`](crate::bot::Bot), and a test that plays
//! its caller.
//!
//! ```
//! use callbot::bot::testing::TestCall; // needs the feature `client`, which is on by default
//! use callbot::bot::{Bot, Call, Input, Platform, Reply, Result};
//!
//! struct Echo;
//!
//! impl Bot for Echo {
//!     type Memory = ();
//!
//!     async fn turn(&self, _: &mut Call<()>, input: Input, reply: &mut Reply) -> Result {
//!         let Input::Speech(text) = input else { return reply.say("Pardon?").await };
//!         reply.say(text).await
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let mut call = TestCall::on(Platform::DigitalEmployee, Echo);
//! call.say("Hello!").await.expect_text("Hello!").expect_end();
//! # }
//! ```

#[doc = include_str!("first_bot.md")]
pub mod first_bot {}
#[doc = include_str!("testing.md")]
pub mod testing {}
#[doc = include_str!("controls.md")]
pub mod controls {}
#[doc = include_str!("barge_in.md")]
pub mod barge_in {}
#[doc = include_str!("memory.md")]
pub mod memory {}
#[cfg_attr(feature = "llm", doc = include_str!("language_model.md"))]
// Its links and examples need that.
#[cfg_attr(
    not(feature = "llm"),
    doc = "Answer with a language model. Build the documentation with the feature `llm` to see this page."
)]
pub mod language_model {}
#[doc = include_str!("production.md")]
pub mod production {}
#[doc = include_str!("several_instances.md")]
pub mod several_instances {}
#[doc = include_str!("platforms.md")]
pub mod platforms {}
