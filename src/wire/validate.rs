//! The strict side: checks values against the spec before they are sent.

use std::fmt;
use std::ops::{Bound, RangeBounds};
use std::time::Duration;

use super::decode::push;

/// A type whose values the spec limits.
///
/// ```
/// # #[cfg(feature = "digital-employee")] {
/// use callbot::digital_employee::HangUp;
/// use callbot::wire::Validate;
///
/// assert!(HangUp::new().with_delay(10).validate().is_ok());
///
/// let violations = HangUp::new().with_delay(11).validate().unwrap_err();
/// assert_eq!(violations.to_string(), "/delay: 11, allowed: 0 to 10");
/// # }
/// ```
pub trait Validate {
    /// Adds every violation to the report. By default there are none.
    fn check(&self, report: &mut Report<'_>) {
        let _ = report;
    }

    /// Checks the value against the spec.
    ///
    /// # Errors
    /// The list of all violations, not only the first.
    fn validate(&self) -> Result<(), Violations> {
        let mut found = Vec::new();
        self.check(&mut Report { found: &mut found, place: Place::ROOT, private: false });
        if found.is_empty() { Ok(()) } else { Err(Violations(found)) }
    }
}

impl<T: Validate + ?Sized> Validate for &T {
    fn check(&self, report: &mut Report<'_>) {
        (**self).check(report);
    }
}

impl Validate for () {}

/// A value that the spec does not allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pointer: String,
    value: Option<String>,
    allowed: String,
}

impl Violation {
    /// Creates a violation of a rule that no schema can express. `value` is shown as given.
    #[must_use]
    pub fn new(
        pointer: impl Into<String>,
        value: Option<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self { pointer: pointer.into(), value, allowed: allowed.into() }
    }

    /// Returns the JSON pointer of the value.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Returns the value; `None` if it is missing, `[hidden]` if it must not be shown.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Returns what is allowed in its place.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}: {value}, allowed: {}", self.pointer, self.allowed),
            None => write!(f, "{}: missing, {}", self.pointer, self.allowed),
        }
    }
}

/// All violations of a value; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Returns the violations, in the order of the spec.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }

    /// Returns the violations with other pointers. A pointer for which `name` returns `None` stays.
    #[cfg(feature = "bot")]
    pub(crate) fn renamed<'a>(&self, name: impl Fn(&str) -> Option<&'a str>) -> Self {
        let renamed = self.iter().map(|violation| {
            let mut violation = violation.clone();
            if let Some(name) = name(&violation.pointer) {
                violation.pointer = name.to_owned();
            }
            violation
        });
        Self(renamed.collect())
    }
}

impl From<Violation> for Violations {
    fn from(violation: Violation) -> Self {
        Self(vec![violation])
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{violation}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// The current place of a check, and the violations found so far.
#[derive(Debug)]
pub struct Report<'a> {
    found: &'a mut Vec<Violation>,
    place: Place<'a>,
    private: bool,
}

// A linked list on the stack, so that a check that finds nothing allocates nothing.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    key: Key<'a>,
    parent: Option<&'a Place<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Key<'a> {
    Root,
    Field(&'a str),
    Item(usize),
}

impl Place<'_> {
    const ROOT: Self = Self { key: Key::Root, parent: None };

    fn write(&self, pointer: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(pointer);
        }
        match self.key {
            Key::Root => {}
            Key::Field(key) => push(pointer, key),
            Key::Item(index) => push(pointer, &index.to_string()),
        }
    }
}

impl Report<'_> {
    /// Returns the report for a field.
    pub fn field<'b>(&'b mut self, key: &'b str) -> Report<'b> {
        self.at(Key::Field(key))
    }

    /// Returns the report for an item of an array.
    pub fn item(&mut self, index: usize) -> Report<'_> {
        self.at(Key::Item(index))
    }

    fn at<'b>(&'b mut self, key: Key<'b>) -> Report<'b> {
        Report {
            found: self.found,
            place: Place { key, parent: Some(&self.place) },
            private: self.private,
        }
    }

    /// Hides the values below this place.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Adds a violation at this place.
    pub fn violation(&mut self, value: Option<String>, allowed: impl Into<String>) {
        let mut pointer = String::new();
        self.place.write(&mut pointer);
        let value = value.map(|value| if self.private { "[hidden]".into() } else { value });
        self.found.push(Violation { pointer, value, allowed: allowed.into() });
    }

    /// Adds the violation of a value that was kept because it can't be read.
    pub fn unreadable(&mut self) {
        self.violation(
            Some("a value that can't be read".into()),
            "one that was not kept from reading",
        );
    }

    /// Adds the violation of a missing required field.
    pub fn missing(&mut self, key: &str) {
        self.field(key).violation(None, "required");
    }

    /// Adds the violation of a missing field that another field requires.
    pub fn demanded(&mut self, key: &str, condition: &str) {
        self.field(key).violation(None, format!("required when {condition}"));
    }

    /// Checks that an integer is in a range.
    pub fn integer(&mut self, value: impl Into<i64>, allowed: impl RangeBounds<i64>) {
        let value = value.into();
        if !allowed.contains(&value) {
            self.violation(Some(value.to_string()), range(&allowed));
        }
    }

    /// Checks that a number is finite and in a range.
    pub fn number(&mut self, value: f64, allowed: impl RangeBounds<f64>) {
        if !value.is_finite() {
            self.violation(Some(value.to_string()), "a finite number");
        } else if !allowed.contains(&value) {
            self.violation(Some(value.to_string()), range(&allowed));
        }
    }

    /// Checks that a duration is in whole seconds, and in a range of seconds.
    pub fn seconds(&mut self, value: Duration, allowed: impl RangeBounds<i64>) {
        let whole = (value.subsec_nanos() == 0).then_some(u128::from(value.as_secs()));
        self.duration(value, whole, "seconds", &allowed);
    }

    /// Checks that a duration is in whole milliseconds, and in a range of milliseconds.
    pub fn milliseconds(&mut self, value: Duration, allowed: impl RangeBounds<i64>) {
        let whole = value.subsec_nanos().is_multiple_of(1_000_000).then_some(value.as_millis());
        self.duration(value, whole, "milliseconds", &allowed);
    }

    fn duration(
        &mut self,
        value: Duration,
        whole: Option<u128>,
        unit: &str,
        allowed: &impl RangeBounds<i64>,
    ) {
        let units = whole.and_then(|whole| i64::try_from(whole).ok());
        if !units.is_some_and(|units| allowed.contains(&units)) {
            let range = match (allowed.start_bound(), allowed.end_bound()) {
                (Bound::Unbounded, Bound::Unbounded) => String::new(),
                _ => format!(", {}", range(allowed)),
            };
            self.violation(Some(format!("{value:?}")), format!("whole {unit}{range}"));
        }
    }

    /// Checks the length of a text, in characters.
    pub fn length(&mut self, text: &str, allowed: impl RangeBounds<u64>) {
        let length = text.chars().count() as u64;
        if !allowed.contains(&length) {
            self.violation(Some(shown(text)), format!("{} characters", range(&allowed)));
        }
    }

    /// Checks that each character of a text is in one of the ranges. `set` is their name in the
    /// error.
    pub fn characters(&mut self, text: &str, ranges: &[(char, char)], set: &str) {
        let fits = |c: char| ranges.iter().any(|(first, last)| (*first..=*last).contains(&c));
        if !text.chars().all(fits) {
            self.violation(Some(shown(text)), format!("characters of {set}"));
        }
    }

    /// The number of items of an array.
    pub fn count(&mut self, items: usize, allowed: impl RangeBounds<u64>) {
        if !allowed.contains(&(items as u64)) {
            self.violation(Some(format!("{items} items")), format!("{} items", range(&allowed)));
        }
    }

    /// Rejects extra keys that collide with a named field.
    pub fn further_keys<V>(
        &mut self,
        further: &std::collections::BTreeMap<String, V>,
        named: &[&str],
    ) {
        for key in named {
            if further.contains_key(*key) {
                let allowed = "extra keys other than those of named fields";
                self.field(key).violation(Some("a second value".into()), allowed);
            }
        }
    }
}

/// Returns a text as an error shows it: escaped and shortened.
fn shown(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{:?}…", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

fn range<T: fmt::Display>(allowed: &impl RangeBounds<T>) -> String {
    let bound = |bound: Bound<&T>| match bound {
        Bound::Included(value) | Bound::Excluded(value) => value.to_string(),
        Bound::Unbounded => String::new(),
    };
    let (low, high) = (bound(allowed.start_bound()), bound(allowed.end_bound()));
    match (low.is_empty(), high.is_empty()) {
        (false, false) => format!("{low} to {high}"),
        (false, true) => format!("{low} or more"),
        _ => format!("at most {high}"),
    }
}
