//! Numbers in digits.

use crate::text::speakable::cursor::{Cursor, Look};

/// A number as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Number<'t> {
    /// The digits before the decimal point, without separators. Empty in ".5".
    pub(super) whole: String,
    /// The digits after the decimal point.
    pub(super) decimals: &'t str,
    /// The thousands have separators.
    pub(super) grouped: bool,
}

impl Number<'_> {
    /// Returns the digits, with a decimal point.
    pub(super) fn plain(&self) -> String {
        let whole = if self.whole.is_empty() { "0" } else { &self.whole };
        match self.decimals {
            "" => whole.to_owned(),
            decimals => format!("{whole}.{decimals}"),
        }
    }

    pub(super) fn is_one(&self) -> bool {
        self.whole == "1" && self.decimals.bytes().all(|b| b == b'0')
    }

    pub(super) fn is_less_than(&self, other: &Self) -> bool {
        let key =
            |number: &Self| (number.whole.len(), number.whole.clone(), number.decimals.to_owned());
        key(self) < key(other)
    }
}

/// Reads a number: "5", "1,234.50", ".5".
pub(super) fn number<'t>(ahead: &mut Cursor<'t>) -> Look<Option<Number<'t>>> {
    let mut end = *ahead;
    let first = end.run(is_digit)?;
    let mut whole = first.to_owned();
    let mut grouped = false;
    if (1..=3).contains(&first.len()) && !first.starts_with('0') {
        while let Some(group) = thousands(&mut end)? {
            whole.push_str(group);
            grouped = true;
        }
    }
    let mut decimals = "";
    let mut point = end;
    if point.eat('.')? && point.sees(is_digit)? {
        decimals = point.run(is_digit)?;
        end = point;
    }
    if whole.is_empty() && decimals.is_empty() {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(Number { whole, decimals, grouped }))
}

/// Reads a comma and three digits.
fn thousands<'t>(ahead: &mut Cursor<'t>) -> Look<Option<&'t str>> {
    let mut end = *ahead;
    if !end.eat(',')? {
        return Ok(None);
    }
    let group = end.run(is_digit)?;
    if group.len() != 3 {
        return Ok(None);
    }
    *ahead = end;
    Ok(Some(group))
}

pub(super) fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Returns whether a token ends here: nothing follows that would be part of it.
pub(super) fn ends(ahead: &Cursor<'_>) -> Look<bool> {
    let mut ahead = *ahead;
    Ok(match ahead.next()? {
        None => true,
        Some(c) if c.is_ascii_alphanumeric() || c == '_' => false,
        Some('.' | ',') => !ahead.sees(is_digit)?,
        Some('-' | '/' | ':' | '@' | '\'' | '’' | '–' | '^' | '*') => {
            !ahead.sees(|c| c.is_ascii_alphanumeric())?
        }
        Some('%' | '$' | '€' | '£' | '°') => false,
        Some(_) => true,
    })
}

/// Passes a token that stays as it is: letters, digits, and marks between them.
pub(super) fn token(ahead: &mut Cursor<'_>) -> Look<()> {
    loop {
        ahead.run(|c| c.is_ascii_alphanumeric() || super::context::is_latin(c))?;
        let mut end = *ahead;
        if end.eat_if(|c| "-_./:,'’+&@^*–".contains(c))?.is_none()
            || !end.sees(|c| c.is_ascii_alphanumeric())?
        {
            return Ok(());
        }
        *ahead = end;
    }
}
