// Compiled from `specs/shared.yaml`. Change the spec, not this file.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use ::callbot::{codegen, wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// A postal address.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Address {
    /// The city.
    pub city: String,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Tags, as JSON in a string.
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "codegen::As::<codegen::JsonText>::serialize"
    )]
    pub tags: Vec<String>,
}

impl Address {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(city: impl Into<String>) -> Self {
        Self {
            city: city.into(),
            note: None,
            tags: Vec::new(),
        }
    }

    /// Sets [`note`](Self::note).
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets [`tags`](Self::tags).
    #[must_use]
    pub fn with_tags(
        mut self,
        tags: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Address {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut city: Option<String> = None;
        let mut note: Option<String> = None;
        let mut tags: Option<Vec<String>> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "city" => city = map.value()?,
                "note" => note = map.value()?,
                "tags" => tags = map.json_text()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            city: codegen::required("city", city)?,
            note,
            tags: tags.unwrap_or_default(),
        })
    }
}

/// The settings of a house. They start with values, and every property is optional.
#[doc(alias = "HouseConfigClass")]
#[doc(alias = "Settings")]
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HouseConfig {
    /// Whether it is lit.
    #[doc(alias = "isLit")]
    pub lit: Option<bool>,
    /// When the light goes out.
    pub idle: Option<Duration>,
    /// How long it takes to go out.
    pub fade: Option<Duration>,
    /// A pause that nothing can unset.
    pub pause: Option<Duration>,
    /// How bright.
    pub level: Option<i32>,
    /// How fast.
    pub rate: Option<f64>,
    /// How much of it.
    pub share: Option<f64>,
    /// Names. An empty list differs from no list.
    pub names: Option<Vec<String>>,
    /// Words. An empty list is not written.
    pub words: Vec<String>,
    /// Anything, as JSON in a string.
    pub params: Option<Map<String, Value>>,
    /// The door.
    pub door: DoorConfig,
    /// The bell.
    pub bell: BellConfig,
    /// A field that only old peers send.
    pub old: Option<String>,
}

impl HouseConfig {
    /// Creates a value with the initial values of the spec.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lit: Some(true),
            idle: Some(Duration::from_secs(60)),
            fade: None,
            pause: None,
            level: None,
            rate: None,
            share: Some(0.5),
            names: None,
            words: Vec::new(),
            params: None,
            door: DoorConfig::new(),
            bell: BellConfig::new(),
            old: None,
        }
    }

    /// Sets [`lit`](Self::lit).
    #[must_use]
    pub fn with_lit(mut self, lit: bool) -> Self {
        self.lit = Some(lit);
        self
    }

    /// Sets [`idle`](Self::idle).
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// Sets [`fade`](Self::fade).
    #[must_use]
    pub fn with_fade(mut self, fade: Duration) -> Self {
        self.fade = Some(fade);
        self
    }

    /// Sets [`pause`](Self::pause).
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = Some(pause);
        self
    }

    /// Sets [`level`](Self::level).
    #[must_use]
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = Some(level);
        self
    }

    /// Sets [`rate`](Self::rate).
    #[must_use]
    pub fn with_rate(mut self, rate: f64) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Sets [`share`](Self::share).
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        self.share = Some(share);
        self
    }

    /// Sets [`names`](Self::names).
    #[must_use]
    pub fn with_names(
        mut self,
        names: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets [`words`](Self::words).
    #[must_use]
    pub fn with_words(
        mut self,
        words: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.words = words.into_iter().map(Into::into).collect();
        self
    }

    /// Sets [`params`](Self::params).
    #[must_use]
    pub fn with_params(mut self, params: Map<String, Value>) -> Self {
        self.params = Some(params);
        self
    }

    /// Sets [`door`](Self::door).
    #[must_use]
    pub fn with_door(mut self, door: DoorConfig) -> Self {
        self.door = door;
        self
    }

    /// Sets [`bell`](Self::bell).
    #[must_use]
    pub fn with_bell(mut self, bell: BellConfig) -> Self {
        self.bell = bell;
        self
    }

    /// Sets [`old`](Self::old).
    #[must_use]
    pub fn with_old(mut self, old: impl Into<String>) -> Self {
        self.old = Some(old.into());
        self
    }
}

impl Default for HouseConfig {
    /// Returns the initial values of the spec.
    fn default() -> Self {
        Self::new()
    }
}

impl HouseConfig {
    /// Creates a value with no field set. Fields that are not set are not written, so
    /// the platform's own settings apply.
    #[must_use]
    pub fn unset() -> Self {
        Self {
            lit: None,
            idle: None,
            fade: None,
            pause: None,
            level: None,
            rate: None,
            share: None,
            names: None,
            words: Vec::new(),
            params: None,
            door: DoorConfig::unset(),
            bell: BellConfig::unset(),
            old: None,
        }
    }

    /// Returns `true` if no field would be written.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.lit.is_none() && self.idle.is_none()
            && self.fade.as_ref().is_none_or(|value| value.is_zero())
            && self.pause.is_none()
            && self.level.as_ref().is_none_or(|value| *value <= -1)
            && self.rate.as_ref().is_none_or(|value| *value <= 0.0)
            && self.share.is_none() && self.names.is_none() && self.words.is_empty()
            && self.params.is_none() && self.door.is_unset() && self.bell.is_unset()
    }
}

impl Serialize for HouseConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = codegen::write_object(serializer)?;
        if let Some(value) = &self.lit {
            map.entry("Lit", value)?;
        }
        if let Some(value) = &self.idle {
            map.entry_as::<codegen::Seconds, _>("Idle", value)?;
        }
        if let Some(value) = &self.fade && !value.is_zero() {
            map.entry_as::<codegen::Milliseconds, _>("Fade", value)?;
        }
        if let Some(value) = &self.pause {
            map.entry_as::<codegen::Seconds, _>("Pause", value)?;
        }
        if let Some(value) = &self.level && *value > -1 {
            map.entry("Level", value)?;
        }
        if let Some(value) = &self.rate && *value > 0.0 {
            map.entry("Rate", value)?;
        }
        if let Some(value) = &self.share {
            map.entry("Share", value)?;
        }
        if let Some(value) = &self.names {
            map.entry("Names", value)?;
        }
        if !self.words.is_empty() {
            map.entry("Words", &self.words)?;
        }
        if let Some(value) = &self.params {
            map.entry_as::<codegen::JsonText, _>("Params", value)?;
        }
        if !self.door.is_unset() {
            map.entry("Door", &self.door)?;
        }
        if !self.bell.is_unset() {
            map.entry("Bell", &self.bell)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for HouseConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for HouseConfig {
    const KEYS: &'static [&'static str] = &[
        "Lit",
        "Idle",
        "Fade",
        "Pause",
        "Level",
        "Rate",
        "Share",
        "Names",
        "Words",
        "Params",
        "Door",
        "Bell",
        "Old",
    ];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut lit: Option<bool> = None;
        let mut idle: Option<Duration> = None;
        let mut fade: Option<Duration> = None;
        let mut pause: Option<Duration> = None;
        let mut level: Option<i32> = None;
        let mut rate: Option<f64> = None;
        let mut share: Option<f64> = None;
        let mut names: Option<Vec<String>> = None;
        let mut words: Option<Vec<String>> = None;
        let mut params: Option<Map<String, Value>> = None;
        let mut door: Option<DoorConfig> = None;
        let mut bell: Option<BellConfig> = None;
        let mut old: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "Lit" => lit = map.value()?,
                "Idle" => idle = map.duration::<codegen::Seconds>()?,
                "Fade" => fade = map.duration::<codegen::Milliseconds>()?,
                "Pause" => pause = map.value_as::<codegen::Seconds, _>()?,
                "Level" => level = map.value_as::<codegen::AnyNumber, _>()?,
                "Rate" => rate = map.value_as::<codegen::AnyNumber, _>()?,
                "Share" => share = map.value_as::<codegen::AnyNumber, _>()?,
                "Names" => names = map.value()?,
                "Words" => words = map.value()?,
                "Params" => params = map.json_text()?,
                "Door" => door = map.value()?,
                "Bell" => bell = map.value()?,
                "Old" => old = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            lit,
            idle,
            fade: fade.filter(|value| !value.is_zero()),
            pause,
            level: level.filter(|value| *value > -1),
            rate: rate.filter(|value| *value > 0.0),
            share,
            names,
            words: words.unwrap_or_default(),
            params,
            door: door.unwrap_or_else(DoorConfig::unset),
            bell: bell.unwrap_or_else(BellConfig::unset),
            old,
        })
    }
}

/// The door of a house.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DoorConfig {
    /// Whether it is locked.
    #[serde(rename = "Locked", skip_serializing_if = "Option::is_none")]
    pub locked: Option<bool>,
    /// How it opens.
    #[serde(rename = "Mode", skip_serializing_if = "Option::is_none")]
    pub mode: Option<DoorMode>,
}

impl DoorConfig {
    /// Creates a value with the initial values of the spec.
    #[must_use]
    pub fn new() -> Self {
        Self {
            locked: Some(false),
            mode: Some(DoorMode::Swing),
        }
    }

    /// Sets [`locked`](Self::locked).
    #[must_use]
    pub fn with_locked(mut self, locked: bool) -> Self {
        self.locked = Some(locked);
        self
    }

    /// Sets [`mode`](Self::mode).
    #[must_use]
    pub fn with_mode(mut self, mode: DoorMode) -> Self {
        self.mode = Some(mode);
        self
    }
}

impl Default for DoorConfig {
    /// Returns the initial values of the spec.
    fn default() -> Self {
        Self::new()
    }
}

impl DoorConfig {
    /// Creates a value with no field set. Fields that are not set are not written, so
    /// the platform's own settings apply.
    #[must_use]
    pub fn unset() -> Self {
        Self { locked: None, mode: None }
    }

    /// Returns `true` if no field would be written.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.locked.is_none() && self.mode.is_none()
    }
}

impl<'de> Deserialize<'de> for DoorConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for DoorConfig {
    const KEYS: &'static [&'static str] = &["Locked", "Mode"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut locked: Option<bool> = None;
        let mut mode: Option<DoorMode> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "Locked" => locked = map.value()?,
                "Mode" => mode = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self { locked, mode })
    }
}

/// The bell of a house. Its initial values are not written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BellConfig {
    /// What it plays.
    pub tune: Option<String>,
    /// Whether it is loud. Written only with a tune.
    pub loud: Option<bool>,
}

impl BellConfig {
    /// Creates a value with the initial values of the spec.
    #[must_use]
    pub fn new() -> Self {
        Self {
            tune: None,
            loud: Some(false),
        }
    }

    /// Sets [`tune`](Self::tune).
    #[must_use]
    pub fn with_tune(mut self, tune: impl Into<String>) -> Self {
        self.tune = Some(tune.into());
        self
    }

    /// Sets [`loud`](Self::loud).
    #[must_use]
    pub fn with_loud(mut self, loud: bool) -> Self {
        self.loud = Some(loud);
        self
    }
}

impl Default for BellConfig {
    /// Returns the initial values of the spec.
    fn default() -> Self {
        Self::new()
    }
}

impl BellConfig {
    /// Creates a value with no field set. Fields that are not set are not written, so
    /// the platform's own settings apply.
    #[must_use]
    pub fn unset() -> Self {
        Self { tune: None, loud: None }
    }

    /// Returns `true` if no field would be written.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.tune.is_none() && (self.loud.is_none() || self.tune.is_none())
    }
}

impl Serialize for BellConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = codegen::write_object(serializer)?;
        if let Some(value) = &self.tune {
            map.entry("Tune", value)?;
        }
        if let Some(value) = &self.loud && self.tune.is_some() {
            map.entry("Loud", value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for BellConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for BellConfig {
    const KEYS: &'static [&'static str] = &["Tune", "Loud"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut tune: Option<String> = None;
        let mut loud: Option<bool> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "Tune" => tune = map.value()?,
                "Loud" => loud = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self { tune, loud })
    }
}

/// How a door opens.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DoorMode {
    /// It swings.
    #[doc(alias = "swingOpen")]
    Swing,
    /// It slides.
    Slide,
    /// A value that this version does not know. It is written as it was read. Only
    /// reading creates it, so that a known value is always its own variant.
    Unknown(UnknownDoorMode),
}

/// A value of [`DoorMode`] that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnknownDoorMode(Box<str>);

impl DoorMode {
    /// Returns the text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Swing => "swing",
            Self::Slide => "slide",
            Self::Unknown(UnknownDoorMode(text)) => text,
        }
    }
}

impl FromStr for DoorMode {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = match text {
            "swing" => Self::Swing,
            "slide" => Self::Slide,
            other => Self::Unknown(UnknownDoorMode(other.into())),
        };
        Ok(value)
    }
}

impl fmt::Display for DoorMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for DoorMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for DoorMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_text(deserializer)
    }
}

/// A fault in a house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HouseError {
    /// The light is out.
    #[doc(alias = "TooDark")]
    Dark,
    /// The cellar is under water.
    ///
    /// It was -2 once.
    Flooded,
    /// A value that this version does not know. It is written as it was read. Only
    /// reading creates it, so that a known value is always its own variant.
    Unknown(UnknownHouseError),
}

/// A value of [`HouseError`] that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownHouseError(i64);

impl HouseError {
    /// Returns the number on the wire.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Dark => -1,
            Self::Flooded => -20,
            Self::Unknown(UnknownHouseError(code)) => code,
        }
    }

    /// Returns the error of a number; `None` for 0, which means success.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        match code {
            0 => None,
            -1 => Some(Self::Dark),
            -20 | -2 => Some(Self::Flooded),
            other => Some(Self::Unknown(UnknownHouseError(other))),
        }
    }
}

impl fmt::Display for HouseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dark => f.pad("The light is out."),
            Self::Flooded => f.pad("The cellar is under water."),
            Self::Unknown(UnknownHouseError(code)) => write!(f, "Error code {code}."),
        }
    }
}

impl std::error::Error for HouseError {}

impl Serialize for HouseError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.code())
    }
}

impl<'de> Deserialize<'de> for HouseError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = codegen::read_code(deserializer)?;
        Self::from_code(code)
            .ok_or_else(|| serde::de::Error::custom(
                "expected the code of an error, but 0 means success",
            ))
    }
}

/// An event in a house. The tag is beside its content.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum HouseEvent {
    /// The bell rings.
    #[doc(alias = "HouseRings")]
    Rings(BellConfig),
    /// Something goes wrong.
    HouseFails(Address),
    /// All is quiet.
    #[doc(alias = "HouseSleeps")]
    Sleeps,
    /// The house moves, perhaps to a known address.
    #[doc(alias = "HouseMoves")]
    Moves(Option<Address>),
    /// A kind that this version does not know. It is written as it was read, and only
    /// reading creates it.
    Unknown(UnknownHouseEvent),
}

/// An object for [`HouseEvent`] of a kind that this version does not know.
#[derive(Clone, PartialEq)]
pub struct UnknownHouseEvent(Map<String, Value>);

impl UnknownHouseEvent {
    /// Returns the tag and its content.
    #[must_use]
    pub fn json(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for UnknownHouseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        codegen::Hidden::object(f, &self.0, "type")
    }
}

impl HouseEvent {
    /// Returns the value of `type`.
    #[must_use]
    pub fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Rings(_) => "1".into(),
            Self::HouseFails(_) => "2".into(),
            Self::Sleeps => "3".into(),
            Self::Moves(_) => "4".into(),
            Self::Unknown(UnknownHouseEvent(object)) => codegen::tag_text(object, "type"),
        }
    }
}

impl From<BellConfig> for HouseEvent {
    fn from(arm: BellConfig) -> Self {
        Self::Rings(arm)
    }
}

impl From<Address> for HouseEvent {
    fn from(arm: Address) -> Self {
        Self::HouseFails(arm)
    }
}

impl Serialize for HouseEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = codegen::write_object(serializer)?;
        match self {
            Self::Rings(content) => {
                map.entry("type", &1)?;
                map.entry("data", content)?;
            }
            Self::HouseFails(content) => {
                map.entry("type", &2)?;
                map.entry("data", content)?;
            }
            Self::Sleeps => map.entry("type", &3)?,
            Self::Moves(content) => {
                map.entry("type", &4)?;
                if let Some(content) = content {
                    map.entry("data", content)?;
                }
            }
            Self::Unknown(UnknownHouseEvent(object)) => map.entries(object)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for HouseEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_enclosed(deserializer)
    }
}

impl codegen::Enclosed for HouseEvent {
    const TAG: &'static str = "type";
    const CONTENT: &'static str = "data";
    const CODED: bool = true;

    fn arm(
        tag: &str,
        content: Option<&Value>,
    ) -> Option<Result<Self, wire::DecodeError>> {
        let read = match tag {
            "1" => Self::content(content).map(Self::Rings),
            "2" => Self::content(content).map(Self::HouseFails),
            "3" => Ok(Self::Sleeps),
            "4" => Self::optional(content).map(Self::Moves),
            _ => return None,
        };
        Some(read)
    }

    fn unknown(object: Map<String, Value>) -> Self {
        Self::Unknown(UnknownHouseEvent(object))
    }
}

impl wire::Validate for Address {
    fn check(&self, report: &mut codegen::Report<'_>) {
        report.field("city").length(&self.city, 1..);
    }
}

impl wire::Validate for HouseConfig {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if let Some(value) = &self.idle {
            report.field("Idle").seconds(*value, 0..=600);
        }
        if let Some(value) = &self.fade {
            report.field("Fade").milliseconds(*value, ..=2000);
        }
        if let Some(value) = &self.pause {
            report.field("Pause").seconds(*value, ..);
        }
        if let Some(value) = &self.level {
            report.field("Level").integer(*value, 0..=11);
        }
        if let Some(value) = &self.rate {
            report.field("Rate").number(*value, 0.5..=2.0);
        }
        if let Some(value) = &self.share {
            report.field("Share").number(*value, ..);
        }
        self.bell.check(&mut report.field("Bell"));
    }
}

impl wire::Validate for DoorConfig {}

impl wire::Validate for BellConfig {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if let Some(value) = &self.tune {
            report.field("Tune").length(value, ..=4);
            report
                .field("Tune")
                .characters(
                    value,
                    &[('a', 'z'), ('0', '9'), ('_', '_'), ('-', '-')],
                    "a-z0-9_-",
                );
        }
    }
}

impl wire::Validate for DoorMode {}

impl wire::Validate for HouseError {}

impl wire::Validate for HouseEvent {
    fn check(&self, report: &mut codegen::Report<'_>) {
        match self {
            Self::Rings(arm) => arm.check(&mut report.field("data")),
            Self::HouseFails(arm) => arm.check(&mut report.field("data")),
            Self::Moves(Some(arm)) => arm.check(&mut report.field("data")),
            _ => {}
        }
    }
}

impl schemars::JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Address").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A postal address.",
  "required": ["city"],
  "properties": {
    "city": {"type": "string", "minLength": 1, "description": "The city."},
    "note": {"type": ["string", "null"], "description": "Anything else."},
    "tags": {
      "type": "string",
      "contentMediaType": "application/json",
      "contentSchema": {"type": "array", "items": {"type": "string"}},
      "description": "Tags, as JSON in a string."
    }
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for HouseConfig {
    fn schema_name() -> Cow<'static, str> {
        "HouseConfig".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::HouseConfig").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "The settings of a house. They start with values, and every property is optional.",
  "properties": {
    "Lit": {"type": "boolean", "description": "Whether it is lit."},
    "Idle": {
      "type": "integer",
      "format": "int32",
      "minimum": 0,
      "maximum": 600,
      "description": "When the light goes out."
    },
    "Fade": {
      "type": "integer",
      "format": "int32",
      "maximum": 2000,
      "description": "How long it takes to go out."
    },
    "Pause": {"type": "integer", "format": "int32", "description": "A pause that nothing can unset."},
    "Level": {
      "type": "integer",
      "format": "int32",
      "minimum": 0,
      "maximum": 11,
      "description": "How bright."
    },
    "Rate": {
      "type": "number",
      "format": "double",
      "minimum": 0.5,
      "maximum": 2.0,
      "description": "How fast."
    },
    "Share": {"type": "number", "format": "double", "description": "How much of it."},
    "Names": {
      "type": "array",
      "items": {"type": "string"},
      "description": "Names. An empty list differs from no list."
    },
    "Words": {
      "type": "array",
      "items": {"type": "string"},
      "description": "Words. An empty list is not written."
    },
    "Params": {
      "type": "string",
      "contentMediaType": "application/json",
      "contentSchema": {"type": "object"},
      "description": "Anything, as JSON in a string."
    },
    "Door": {"allOf": [{"$ref": "DoorConfig"}], "description": "The door."},
    "Bell": {"allOf": [{"$ref": "BellConfig"}], "description": "The bell."},
    "Old": {"type": "string", "description": "A field that only old peers send."}
  }
}"##,
            generator,
            &[
                ("BellConfig", codegen::subschema::<BellConfig>),
                ("DoorConfig", codegen::subschema::<DoorConfig>),
            ],
        )
    }
}

impl schemars::JsonSchema for DoorConfig {
    fn schema_name() -> Cow<'static, str> {
        "DoorConfig".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::DoorConfig").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "The door of a house.",
  "properties": {
    "Locked": {"type": "boolean", "description": "Whether it is locked."},
    "Mode": {"allOf": [{"$ref": "DoorMode"}], "description": "How it opens."}
  }
}"##,
            generator,
            &[("DoorMode", codegen::subschema::<DoorMode>)],
        )
    }
}

impl schemars::JsonSchema for BellConfig {
    fn schema_name() -> Cow<'static, str> {
        "BellConfig".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::BellConfig").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "The bell of a house. Its initial values are not written.",
  "properties": {
    "Tune": {
      "type": "string",
      "maxLength": 4,
      "pattern": "^[a-z0-9_-]*$",
      "description": "What it plays."
    },
    "Loud": {"type": "boolean", "description": "Whether it is loud. Written only with a tune."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for DoorMode {
    fn schema_name() -> Cow<'static, str> {
        "DoorMode".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::DoorMode").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{"type": "string", "description": "How a door opens.", "enum": ["swing", "slide"]}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for HouseError {
    fn schema_name() -> Cow<'static, str> {
        "HouseError".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::HouseError").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{"type": "integer", "description": "A fault in a house.", "enum": [0, -1, -20]}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for HouseEvent {
    fn schema_name() -> Cow<'static, str> {
        "HouseEvent".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::HouseEvent").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "description": "An event in a house. The tag is beside its content.",
  "oneOf": [
    {
      "type": "object",
      "description": "The bell rings.",
      "required": ["type", "data"],
      "properties": {
        "type": {"type": "integer", "enum": [1], "description": "The kind."},
        "data": {"$ref": "BellConfig"}
      }
    },
    {
      "type": "object",
      "description": "Something goes wrong.",
      "required": ["type", "data"],
      "properties": {
        "type": {"type": "integer", "enum": [2], "description": "The kind."},
        "data": {"$ref": "Address"}
      }
    },
    {
      "type": "object",
      "description": "All is quiet.",
      "required": ["type"],
      "properties": {"type": {"type": "integer", "enum": [3], "description": "The kind."}}
    },
    {
      "type": "object",
      "description": "The house moves, perhaps to a known address.",
      "required": ["type"],
      "properties": {
        "type": {"type": "integer", "enum": [4], "description": "The kind."},
        "data": {"$ref": "Address"}
      }
    }
  ]
}"##,
            generator,
            &[
                ("Address", codegen::subschema::<Address>),
                ("BellConfig", codegen::subschema::<BellConfig>),
            ],
        )
    }
}
