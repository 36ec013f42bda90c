//! The types of ODFS: every documented sample, what else must be readable, the texts that have types
//! of their own, and the views of several fields together.

mod inputs;
mod json_texts;
mod model_types;
mod prompts_and_routes;
mod samples;
mod times;
