//! Errors as text.

use std::error::Error;
use std::fmt;

/// Displays an error followed by its sources, separated by `: `.
///
/// An error of this crate prints its source or returns it from [`Error::source`], never both, so no
/// text appears twice.
pub(crate) fn chain(error: &dyn Error) -> impl fmt::Display {
    Chain(error)
}

struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
