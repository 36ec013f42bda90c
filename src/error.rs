//! Errors as text.

use std::error::Error;
use std::fmt;

use crate::wire::Printable;

/// Displays an error followed by its sources, separated by `: `. Control characters are escaped, since
/// the text of a peer may be in it.
///
/// An error of this crate prints its source or returns it from [`Error::source`], never both, so no
/// text appears twice.
pub(crate) fn chain(error: &dyn Error) -> impl fmt::Display {
    Chain(error)
}

struct Chain<'a>(&'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        Printable::whole(&text).fmt(f)
    }
}
