//! The types of ODFS: every documented sample, its variations, the texts with dedicated types, and the
//! values that span several fields.

mod inputs;
mod json_texts;
mod model_types;
mod prompts_and_routes;
mod samples;
mod times;
