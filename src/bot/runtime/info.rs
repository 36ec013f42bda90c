//! What is stored of the info that requests bring.

use std::borrow::Cow;
use std::fmt;
use std::hash::BuildHasher;
use std::num::NonZeroU64;
use std::sync::Arc;

use foldhash::quality::FixedState;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value};

use crate::bot::call::CallInfo;

/// The part of [`CallInfo`] that is stored. The rest comes with each request.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(in crate::bot) struct StoredInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    called: Option<Arc<str>>,
    /// The extras of the first request, as JSON: each turn reads and writes the state, and mostly brings the
    /// same extras.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extras: Option<Arc<RawValue>>,
    /// A hash of the names of the extras, unless they were read from JSON. A request that has the same names has
    /// all the extras.
    #[serde(skip)]
    names: Option<NonZeroU64>,
}

/// The maximum size of the extras that are stored, in bytes of JSON.
const MAX_EXTRAS_BYTES: usize = 16 * 1024;

/// The maximum length of a stored phone number, in bytes.
const MAX_NUMBER_BYTES: usize = 256;

/// Returns the extras of a request as JSON, if it has some.
pub(super) fn extras_json(extras: &Map<String, Value>) -> Option<Box<RawValue>> {
    // They came as JSON, so they can be written.
    to_raw_value(extras).ok().filter(|_| !extras.is_empty())
}

/// Returns a hash of the names in an object, or `None` if it is 0.
fn hash_names(object: &Map<String, Value>) -> Option<NonZeroU64> {
    // The order must not matter.
    let hash = |name: &String| FixedState::default().hash_one(name);
    NonZeroU64::new(object.keys().map(hash).fold(0, u64::wrapping_add))
}

impl StoredInfo {
    pub(in crate::bot) fn new(info: &CallInfo) -> Self {
        let CallInfo { caller, called, extras, .. } = info;
        let short = |number: &&String| number.len() <= MAX_NUMBER_BYTES;
        let [caller, called] = [caller, called]
            .map(|number| number.as_ref().filter(short).map(|number| &**number).map(Arc::from));
        let extras = extras_json(extras).filter(|json| json.get().len() <= MAX_EXTRAS_BYTES);
        let names = extras.as_ref().and_then(|_| hash_names(&info.extras));
        Self { caller, called, extras: extras.map(Arc::from), names }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.caller.is_none() && self.called.is_none() && self.extras.is_none()
    }

    /// Returns the length of its texts, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let extras = self.extras.as_deref().map_or(0, |json| json.get().len());
        let numbers =
            [&self.caller, &self.called].map(|number| number.as_deref().map_or(0, str::len));
        numbers.into_iter().fold(extras, usize::saturating_add)
    }

    /// Adds the stored info to that of a request. For numbers the first value of the call counts, for
    /// extras the last.
    ///
    /// Mostly the request says the same, and the info is not copied.
    pub(in crate::bot) fn complete(&self, info: &mut Arc<CallInfo>) {
        if self.caller.is_some() && info.caller.as_deref() != self.caller.as_deref() {
            Arc::make_mut(info).caller = self.caller.as_deref().map(str::to_owned);
        }
        if self.called.is_some() && info.called.as_deref() != self.called.as_deref() {
            Arc::make_mut(info).called = self.called.as_deref().map(str::to_owned);
        }
        if let Some(extras) = &self.extras
            && (self.names.is_none() || self.names != hash_names(&info.extras))
        {
            let mut json = serde_json::Deserializer::from_str(extras.get());
            // Only another program could have written something that is not an object.
            _ = json.deserialize_map(AddMissing(info));
        }
    }
}

/// Reads an object, and adds the members that the extras do not have yet. The others are passed over.
struct AddMissing<'a>(&'a mut Arc<CallInfo>);

impl<'de> Visitor<'de> for AddMissing<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        while let Some(Name(name)) = members.next_key()? {
            if self.0.extras.contains_key(&*name) {
                members.next_value::<IgnoredAny>()?;
            } else {
                let value = members.next_value()?;
                Arc::make_mut(self.0).extras.insert(name.into_owned(), value);
            }
        }
        Ok(())
    }
}
