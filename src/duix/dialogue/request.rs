//! The context that the platform sends with a question.

use serde::de::DeserializeOwned;

use super::DialogueRequest;
use crate::wire::{DecodeError, decode};

impl DialogueRequest {
    /// Reads the context, a string of JSON, as a `T`. Returns `None` if there is no context.
    ///
    /// # Errors
    /// If the context is not JSON or not a `T`.
    pub fn context_as<T: DeserializeOwned>(&self) -> Result<Option<T>, DecodeError> {
        match self.context.as_deref().map(str::trim) {
            None | Some("") => Ok(None),
            Some(context) => decode(context.as_bytes()).map(Some).map_err(|error| {
                let pointer = format!("/dh-context{}", error.pointer());
                DecodeError::new(pointer, error.message())
            }),
        }
    }
}
