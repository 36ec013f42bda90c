//! What the platform sends along.

use serde::de::DeserializeOwned;

use super::DialogueRequest;
use crate::wire::{DecodeError, decode};

impl DialogueRequest {
    /// The context, which is JSON in a string, as a type; `None` when there is none.
    ///
    /// # Errors
    /// When it is not JSON or does not fit the type.
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
