//! Prepares text for a voice: cuts the output of a language model into sentences.
//!
//! A model produces its answer in small pieces that end anywhere. A voice needs whole sentences, or
//! it stumbles where one piece ends and the next begins. [`sentences`] joins and cuts the pieces:
//!
//! ```
//! use callbot::text::sentences;
//! use futures_util::{TryStreamExt, stream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! let model = ["Dr. Wa", "ng owes 3.", "14 euros", ". Is that", " all? 好的。再", "见！"];
//! let model = stream::iter(model.map(Ok::<_, std::io::Error>));
//!
//! let chunks: Vec<String> = sentences(model).try_collect().await?;
//! assert_eq!(chunks, ["Dr. Wang owes 3.14 euros. ", "Is that all? ", "好的。", "再见！"]);
//! # Ok(())
//! # }
//! ```
//!
//! Some models repeat the whole answer in every piece. [`deltas`] removes the repetition; you can
//! pass its stream on to [`sentences`]:
//!
//! ```
//! use callbot::text::deltas;
//! use futures_util::{TryStreamExt, stream};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! let model = ["One", "One moment", "One moment", "One moment, please."];
//! let model = stream::iter(model.map(Ok::<_, std::io::Error>));
//!
//! let parts: Vec<String> = deltas(model).try_collect().await?;
//! assert_eq!(parts, ["One", " moment", ", please."]);
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(
    feature = "speakable",
    doc = "
Models write for the eye, with Markdown, symbols and numbers in digits. [`speakable`] writes what a person
would say; pass its stream on to [`sentences`].
"
)]
//! [`Sentences`] and [`Cumulative`] do the same without a stream, a clock or a runtime.

mod boundaries;
mod cumulative;
mod sentences;
#[cfg(feature = "speakable")]
mod speakable;
mod stream;

pub use cumulative::{Cumulative, Deltas, deltas};
pub use sentences::{DEFAULT_MAX_CHARS, Sentences};
#[cfg(feature = "speakable")]
pub use speakable::{Language, Speakable, SpeakableStream, speakable};
#[cfg(feature = "bot")]
pub(crate) use stream::release_by;
pub use stream::{DEFAULT_MAX_WAIT, SentenceStream, sentences};
