//! What the tests of every platform's types share: the wire samples of `tests/fixtures`, reading and
//! writing them, and checks that hold for each sample and for each enum.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use callbot::wire::{DecodeError, decode, decode_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::odd_json::{forms_of_integers, halves_of_emoji};

/// Reads a document as one of the types. Returns the JSON that is written for it, and its `Debug`.
pub(crate) type Reader = fn(&Value) -> Result<(Value, String), DecodeError>;

pub(crate) fn read_as<T: DeserializeOwned + Serialize + PartialEq + Debug>(
    document: &Value,
) -> Result<(Value, String), DecodeError> {
    let value: T = try_read(document)?;
    Ok((written(&value), format!("{value:?} {value:#?}")))
}

pub(crate) fn are_alike<T: DeserializeOwned + PartialEq>(one: &str, other: &str) -> bool {
    match (decode::<T>(one.as_bytes()), decode::<T>(other.as_bytes())) {
        (Ok(one), Ok(other)) => one == other,
        (Err(one), Err(other)) => one.pointer() == other.pointer(),
        _ => false,
    }
}

pub(crate) fn try_read<T: DeserializeOwned + PartialEq + Debug>(
    document: &Value,
) -> Result<T, DecodeError> {
    let value = decode_value(document);
    // Text and value are read by different code.
    let text = decode(document.to_string().as_bytes());
    assert!(text == value, "text and value are read differently: {document}: {text:?}");
    value
}

#[track_caller]
pub(crate) fn read<T: DeserializeOwned + PartialEq + Debug>(document: Value) -> T {
    try_read(&document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

pub(crate) fn written<T: Serialize + ?Sized>(value: &T) -> Value {
    let text = serde_json::to_string(value).unwrap();
    let json = serde_json::to_value(value).unwrap();
    assert_eq!(json, serde_json::from_str::<Value>(&text).unwrap());
    json
}

/// A file of `tests/fixtures`, the type that it is read as, and what a suite notes about it.
pub(crate) struct Sample<A> {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    pub(crate) read: Reader,
    /// Whether two texts are read as the same value, or refused at the same place.
    pub(crate) alike: fn(&str, &str) -> bool,
    pub(crate) about: A,
}

/// Lists the samples of a folder: `samples! { "folder"; "file without .json": Type, note; }`.
macro_rules! samples {
    ($folder:literal; $($name:literal: $type:ty, $about:expr;)*) => {
        vec![$($crate::support::types::Sample {
            name: $name,
            text: include_str!(
                concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $folder, "/", $name, ".json")
            ),
            read: $crate::support::types::read_as::<$type>,
            alike: $crate::support::types::are_alike::<$type>,
            about: $about,
        }),*]
    };
}
pub(crate) use samples;

impl<A> Sample<A> {
    pub(crate) fn json(&self) -> Value {
        self.text.parse().unwrap()
    }

    /// Reads a document as the type of this sample. Returns the JSON that is written for it, which must
    /// be read and written without a change.
    #[track_caller]
    pub(crate) fn read(&self, document: &Value) -> Value {
        let read = |document: &Value| match (self.read)(document) {
            Ok((written, _)) => written,
            Err(error) => panic!("{}: {error}: {document}", self.name),
        };
        let written = read(document);
        assert_eq!(read(&written), written, "{}: {document}", self.name);
        written
    }

    /// Checks that odd forms of JSON are read as the plain ones at every place but those where JSON is kept
    /// as it was sent.
    #[track_caller]
    pub(crate) fn odd_forms_are_read(&self, kept: &[&str]) {
        let document = self.json();
        let pairs = halves_of_emoji(&document).into_iter().chain(forms_of_integers(&document));
        for pair in pairs {
            let is_kept = kept.iter().any(|kept| pair.place.starts_with(kept));
            assert!(is_kept || (self.alike)(&pair.odd, &pair.plain), "{}: {pair:?}", self.name);
        }
        assert!((self.alike)(&format!("\u{FEFF}{document}"), self.text), "{}", self.name);
    }

    pub(crate) fn error(&self, document: &Value) -> DecodeError {
        (self.read)(document).expect_err(self.name)
    }
}

/// Finds a sample by its name.
#[track_caller]
pub(crate) fn find<A>(samples: Vec<Sample<A>>, name: &str) -> Sample<A> {
    samples.into_iter().find(|sample| sample.name == name).unwrap()
}

/// Checks that no file of the folder is missing from the list.
#[track_caller]
pub(crate) fn every_file_is_listed<A>(folder: &str, samples: &[Sample<A>]) {
    let folder = format!("{}/tests/fixtures/{folder}", env!("CARGO_MANIFEST_DIR"));
    let files: BTreeSet<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let names = samples.iter().map(|sample| format!("{}.json", sample.name)).collect();
    assert_eq!(files, names);
}

/// Returns the pointer of every value in a document, that of the document first.
pub(crate) fn places(document: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.into());
        match value {
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| walk(value, &format!("{at}/{key}"), found));
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                items.for_each(|(index, item)| walk(item, &format!("{at}/{index}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(document, "", &mut found);
    found
}

/// Calls `change` with every object of a document and its pointer, inner objects first. JSON objects
/// in strings count as well.
pub(crate) fn each_object(value: &mut Value, at: &str, change: &mut dyn FnMut(&str, &mut Value)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                each_object(item, &format!("{at}/{index}"), change);
            }
        }
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                each_object(value, &format!("{at}/{key}"), change);
            }
            change(at, value);
        }
        Value::String(text) => {
            if let Ok(mut inner @ Value::Object(_)) = text.parse::<Value>() {
                each_object(&mut inner, at, change);
                *text = inner.to_string();
            }
        }
        _ => {}
    }
}

/// Sets a value in a document. Its parent must be there.
#[track_caller]
pub(crate) fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
        object => object[key] = value,
    }
}

/// Returns the document without the key at the pointer.
#[track_caller]
pub(crate) fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    document
}

/// Checks that null reads as a missing key at each place that is a key of an object, or that the
/// error names the place in both cases. Returns the places that must be there.
#[track_caller]
pub(crate) fn null_reads_as_missing<A>(
    sample: &Sample<A>,
    places: impl IntoIterator<Item = String>,
) -> BTreeSet<String> {
    let mut required = BTreeSet::new();
    for place in places {
        let Some((parent, _)) = place.rsplit_once('/') else { continue };
        let mut null = sample.json();
        if !null.pointer(parent).unwrap().is_object() {
            continue;
        }
        set(&mut null, &place, Value::Null);
        let absent = without(sample.json(), &place);
        match (sample.read)(&null) {
            Ok((read, _)) => assert_eq!(read, sample.read(&absent), "{} {place}", sample.name),
            Err(error) => {
                assert_eq!(error.message(), "must be there", "{} {error}", sample.name);
                assert_eq!(sample.error(&absent), error, "{}", sample.name);
                required.insert(error.pointer().to_owned());
            }
        }
    }
    required
}

/// Checks that a value of another kind is refused at each place, without the value in the error.
/// Any JSON can be read at the places `free`.
#[track_caller]
pub(crate) fn another_kind_is_refused<A>(
    sample: &Sample<A>,
    places: impl IntoIterator<Item = String>,
    free: &[&str],
) {
    for place in places {
        let mut document = sample.json();
        let value = document.pointer_mut(&place).unwrap();
        *value = if value.is_object() || value.is_array() { json!("4711") } else { json!([4711]) };
        match (sample.read)(&document) {
            Ok(_) => assert!(free.contains(&place.as_str()), "{} {place}", sample.name),
            Err(error) => {
                assert_eq!(error.pointer(), place, "{} {error}", sample.name);
                assert!(!format!("{error} {error:?}").contains("4711"), "{error}");
            }
        }
    }
}

/// Checks an open enum of texts: each known value has its text, and any other text is kept.
#[track_caller]
pub(crate) fn check_texts<T>(as_str: fn(&T) -> &str, table: &[(T, &str)])
where
    T: DeserializeOwned + Serialize + PartialEq + Debug + Display + FromStr<Err: Debug>,
{
    for (variant, text) in table {
        assert_eq!(written(variant), json!(text));
        assert_eq!(read::<T>(json!(text)), *variant);
        assert_eq!(text.parse::<T>().unwrap(), *variant);
        assert_eq!((as_str(variant), variant.to_string().as_str()), (*text, *text));
        assert_eq!(format!("{variant:>12}"), format!("{text:>12}"));
        assert!(!format!("{variant:?}").starts_with("Unknown("), "{variant:?}");
    }
    let other = table.iter().flat_map(|(_, text)| [text.to_uppercase(), format!(" {text}")]);
    let odd = ["Future", "", " 9 ", "未来", "0", "\"\u{0}</script>"].map(str::to_owned);
    for unknown in other.chain(odd).filter(|text| table.iter().all(|(_, known)| known != text)) {
        let value: T = read(json!(unknown));
        assert!(table.iter().all(|(variant, _)| *variant != value), "{unknown}");
        assert_eq!(written(&value), json!(unknown));
        assert_eq!(unknown.parse::<T>().unwrap(), value);
        assert_eq!((as_str(&value), value.to_string()), (unknown.as_str(), unknown.clone()));
        assert!(format!("{value:?}").starts_with("Unknown("), "{value:?}");
    }
}

/// Checks an open enum of numbers: each known value has its number and its name, and any other number
/// is kept.
#[track_caller]
pub(crate) fn check_numbers<T>(from: fn(i64) -> T, code: fn(T) -> i64, table: &[(T, i64, &str)])
where
    T: DeserializeOwned + Serialize + PartialEq + Debug + Display + Copy + FromStr<Err: Debug>,
{
    for &(variant, number, name) in table {
        assert_eq!(written(&variant), json!(number));
        assert_eq!(read::<T>(json!(number)), variant);
        assert_eq!(read::<T>(json!(number.to_string())), variant);
        assert_eq!(number.to_string().parse::<T>().unwrap(), variant);
        assert_eq!((from(number), code(variant)), (variant, number));
        assert_eq!((variant.to_string().as_str(), format!("{variant:?}").as_str()), (name, name));
    }
    let next = table.iter().map(|(_, number, _)| number + 1).max().unwrap();
    for unknown in [-1, 99, 9999, next, i64::MIN, i64::MAX] {
        let value: T = read(json!(unknown));
        assert!(table.iter().all(|(variant, ..)| *variant != value), "{unknown}");
        assert_eq!((written(&value), value.to_string()), (json!(unknown), unknown.to_string()));
        assert_eq!((from(unknown), code(value)), (value, unknown));
    }
    assert!(decode_value::<T>(&json!("Listening")).is_err());
    assert!("x".parse::<T>().is_err() && "".parse::<T>().is_err());
}

/// Checks open enums of texts: `texts! { Type: Variant = "text", …; }`.
macro_rules! texts {
    ($($type:ident: $($variant:ident = $text:literal),*;)*) => {
        $($crate::support::types::check_texts(
            $type::as_str, &[$(($type::$variant, $text)),*],
        );)*
    };
}
pub(crate) use texts;

/// Checks open enums of numbers: `numbers! { Type: Variant = 1, …; }`.
macro_rules! numbers {
    ($($type:ident: $($variant:ident = $number:literal),*;)*) => {
        $($crate::support::types::check_numbers(
            $type::from_code, $type::code,
            &[$(($type::$variant, $number, stringify!($variant))),*],
        );)*
    };
}
pub(crate) use numbers;
