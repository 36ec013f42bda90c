// Compiled from `specs/fixture.yaml`. Change the spec, not this file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ::callbot::{client, codegen, server, wire};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// Guests, and whether the call succeeded.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GuestList {
    /// Whether the call succeeded.
    pub success: bool,
    /// The guests.
    pub guests: Vec<Guest>,
    /// A text, under one of two names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// A number, under one of three names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
}

impl GuestList {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(success: bool, guests: impl IntoIterator<Item = Guest>) -> Self {
        Self {
            success,
            guests: guests.into_iter().collect(),
            message: None,
            total: None,
        }
    }

    /// Sets [`message`](Self::message).
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets [`total`](Self::total).
    #[must_use]
    pub fn with_total(mut self, total: i64) -> Self {
        self.total = Some(total);
        self
    }
}

impl<'de> Deserialize<'de> for GuestList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for GuestList {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut success: Option<bool> = None;
        let mut guests: Option<Vec<Guest>> = None;
        let mut message: [Option<String>; 2] = [None, None];
        let mut total: [Option<i64>; 3] = [None, None, None];
        while let Some(key) = map.key()? {
            match key.as_str() {
                "success" => success = map.value()?,
                "guests" => guests = map.value()?,
                "message" => message[0] = map.value()?,
                "msg" => message[1] = map.value()?,
                "total" => total[0] = map.value_as::<codegen::AnyNumber, _>()?,
                "count" => total[1] = map.value_as::<codegen::AnyNumber, _>()?,
                "sum" => total[2] = map.value_as::<codegen::AnyNumber, _>()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            success: codegen::required("success", success)?,
            guests: codegen::required("guests", guests)?,
            message: codegen::first_filled(message, |value| value.is_empty()),
            total: codegen::first_filled(total, |_| false),
        })
    }
}

/// A visit, of which little must be known.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Visit {
    /// Who comes.
    pub guest: String,
    /// Counts the visits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<i32>,
    /// Who is visited.
    pub host: String,
    /// Where it is.
    pub place: Place,
    /// How the host feels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mood: Option<Mood>,
    /// What else is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Some words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Who comes, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<Place>,
}

impl Visit {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(fields: VisitFields<'_>) -> Self {
        Self {
            guest: fields.guest.into(),
            number: Some(fields.number),
            host: fields.host.into(),
            place: fields.place,
            mood: None,
            note: None,
            tags: Vec::new(),
            companions: Vec::new(),
        }
    }

    /// Sets [`mood`](Self::mood).
    #[must_use]
    pub fn with_mood(mut self, mood: Mood) -> Self {
        self.mood = Some(mood);
        self
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

    /// Sets [`companions`](Self::companions).
    #[must_use]
    pub fn with_companions(
        mut self,
        companions: impl IntoIterator<Item = Place>,
    ) -> Self {
        self.companions = companions.into_iter().collect();
        self
    }
}

/// The required fields of [`Visit`], as [`Visit::new`] takes them.
#[derive(Debug, Clone)]
pub struct VisitFields<'a> {
    /// Who comes.
    pub guest: &'a str,
    /// Counts the visits.
    pub number: i32,
    /// Who is visited.
    pub host: &'a str,
    /// Where it is.
    pub place: Place,
}

impl<'de> Deserialize<'de> for Visit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Visit {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut guest: Option<String> = None;
        let mut number: Option<Option<i32>> = None;
        let mut host: Option<Option<String>> = None;
        let mut place: Option<Option<Place>> = None;
        let mut mood: Option<Mood> = None;
        let mut note: [Option<String>; 2] = [None, None];
        let mut tags: Option<Vec<String>> = None;
        let mut companions: Option<Vec<Place>> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "guest" => guest = map.value()?,
                "number" => {
                    number = Some(map.dispensable::<codegen::AnyNumber, _>("number")?);
                }
                "host" => host = Some(map.dispensable::<codegen::OrNumber, _>("host")?),
                "place" => {
                    place = Some(map.dispensable_object::<codegen::Same, _>("place")?);
                }
                "mood" => mood = map.dispensable::<codegen::Same, _>("mood")?,
                "note" => note[0] = map.dispensable::<codegen::Same, _>("note")?,
                "Note" => note[1] = map.dispensable::<codegen::Same, _>("note")?,
                "tags" => tags = map.dispensable::<codegen::Same, _>("tags")?,
                "companions" => companions = map.value_as::<codegen::OrItem, _>()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            guest: codegen::required("guest", guest)?,
            number: codegen::or_missing("number", number),
            host: codegen::or_missing("host", host).unwrap_or_default(),
            place: codegen::or_missing("place", place)
                .map_or_else(codegen::empty_object, Ok)?,
            mood,
            note: codegen::first_filled(note, |value| value.is_empty()),
            tags: tags.unwrap_or_default(),
            companions: companions.unwrap_or_default(),
        })
    }
}

/// A place in the house.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Place {
    /// The floor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<String>,
}

impl Place {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(floor: impl Into<String>) -> Self {
        Self { floor: Some(floor.into()) }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Place {
    const KEYS: &'static [&'static str] = &["floor"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut floor: Option<Option<String>> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "floor" => floor = Some(map.dispensable::<codegen::Same, _>("floor")?),
                _ => map.skip()?,
            }
        }
        Ok(Self {
            floor: codegen::or_missing("floor", floor),
        })
    }
}

/// A guest.
///
/// The second paragraph of a description stays separate from the first.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Guest {
    /// The id; old peers send a number.
    pub id: String,
    /// The guest's name.
    pub name: String,
    /// In years.
    pub age: i32,
    /// How the guest feels now.
    pub mood: Mood,
    /// Why the guest is angry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Opens the door.
    pub secret: wire::Secret,
    /// Required by the document, left out by peers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire: Option<String>,
    /// A name that is a keyword of Rust.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<Rank>,
    /// In kilograms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
    /// Whether the guest is important.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vip: Option<bool>,
    /// In seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<i64>,
    /// No longer used.
    #[deprecated]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// A type of another spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home: Option<super::shared::Address>,
    /// An object, as JSON in a string.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "codegen::As::<Option<codegen::JsonText>>::serialize"
    )]
    pub settings: Option<Settings>,
    /// An object, its JSON in a string, or its text alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motto: Option<Motto>,
    /// A text with a custom type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wakes: Option<super::house::Hour>,
    /// What was ordered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    /// What the guest would like; old peers send other JSON.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wishes: Vec<Order>,
    /// What it costs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub prices: BTreeMap<String, i64>,
    /// An object of any keys.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub notes: Map<String, Value>,
    /// Any JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anything: Option<Value>,
}

impl Guest {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(fields: GuestFields<'_>) -> Self {
        Self {
            id: fields.id.into(),
            name: fields.name.into(),
            age: fields.age,
            mood: fields.mood,
            reason: None,
            secret: fields.secret,
            wire: Some(fields.wire.into()),
            type_: None,
            weight: None,
            vip: None,
            patience: None,
            old: None,
            home: None,
            settings: None,
            motto: None,
            wakes: None,
            orders: Vec::new(),
            wishes: Vec::new(),
            prices: BTreeMap::new(),
            notes: Map::new(),
            anything: None,
        }
    }

    /// Sets [`reason`](Self::reason).
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Sets [`type_`](Self::type_).
    #[must_use]
    pub fn with_type(mut self, type_: Rank) -> Self {
        self.type_ = Some(type_);
        self
    }

    /// Sets [`weight`](Self::weight).
    #[must_use]
    pub fn with_weight(mut self, weight: f64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Sets [`vip`](Self::vip).
    #[must_use]
    pub fn with_vip(mut self, vip: bool) -> Self {
        self.vip = Some(vip);
        self
    }

    /// Sets [`patience`](Self::patience).
    #[must_use]
    pub fn with_patience(mut self, patience: i64) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Sets [`old`](Self::old).
    #[must_use]
    pub fn with_old(mut self, old: impl Into<String>) -> Self {
        self.old = Some(old.into());
        self
    }

    /// Sets [`home`](Self::home).
    #[must_use]
    pub fn with_home(mut self, home: super::shared::Address) -> Self {
        self.home = Some(home);
        self
    }

    /// Sets [`settings`](Self::settings).
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = Some(settings);
        self
    }

    /// Sets [`motto`](Self::motto).
    #[must_use]
    pub fn with_motto(mut self, motto: Motto) -> Self {
        self.motto = Some(motto);
        self
    }

    /// Sets [`wakes`](Self::wakes).
    #[must_use]
    pub fn with_wakes(mut self, wakes: super::house::Hour) -> Self {
        self.wakes = Some(wakes);
        self
    }

    /// Sets [`orders`](Self::orders).
    #[must_use]
    pub fn with_orders(mut self, orders: impl IntoIterator<Item = Order>) -> Self {
        self.orders = orders.into_iter().collect();
        self
    }

    /// Sets [`wishes`](Self::wishes).
    #[must_use]
    pub fn with_wishes(mut self, wishes: impl IntoIterator<Item = Order>) -> Self {
        self.wishes = wishes.into_iter().collect();
        self
    }

    /// Sets [`prices`](Self::prices).
    #[must_use]
    pub fn with_prices(mut self, prices: BTreeMap<String, i64>) -> Self {
        self.prices = prices;
        self
    }

    /// Sets [`notes`](Self::notes).
    #[must_use]
    pub fn with_notes(mut self, notes: Map<String, Value>) -> Self {
        self.notes = notes;
        self
    }

    /// Sets [`anything`](Self::anything).
    #[must_use]
    pub fn with_anything(mut self, anything: impl Into<Value>) -> Self {
        self.anything = Some(anything.into());
        self
    }

    /// Returns [`weight`](Self::weight), or its default `70.5` if it is absent.
    #[must_use]
    pub fn weight_or_default(&self) -> f64 {
        self.weight.unwrap_or(70.5)
    }

    /// Returns [`vip`](Self::vip), or its default `false` if it is absent.
    #[must_use]
    pub fn vip_or_default(&self) -> bool {
        self.vip.unwrap_or(false)
    }

    /// Returns [`patience`](Self::patience), or its default `5` if it is absent.
    #[must_use]
    pub fn patience_or_default(&self) -> i64 {
        self.patience.unwrap_or(5)
    }
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("id", &self.id)
            .field("name", &codegen::Hidden)
            .field("age", &self.age)
            .field("mood", &self.mood)
            .field("reason", &self.reason)
            .field("secret", &self.secret)
            .field("wire", &self.wire)
            .field("type_", &self.type_)
            .field("weight", &self.weight)
            .field("vip", &self.vip)
            .field("patience", &self.patience)
            .field("old", &self.old)
            .field("home", &self.home)
            .field("settings", &self.settings)
            .field("motto", &self.motto)
            .field("wakes", &self.wakes)
            .field("orders", &self.orders)
            .field("wishes", &self.wishes)
            .field("prices", &self.prices)
            .field("notes", &self.notes)
            .field("anything", &self.anything)
            .finish()
    }
}

/// The required fields of [`Guest`], as [`Guest::new`] takes them.
#[derive(Clone)]
pub struct GuestFields<'a> {
    /// The id; old peers send a number.
    pub id: &'a str,
    /// The guest's name.
    pub name: &'a str,
    /// In years.
    pub age: i32,
    /// How the guest feels now.
    pub mood: Mood,
    /// Opens the door.
    pub secret: wire::Secret,
    /// Required by the document, left out by peers.
    pub wire: &'a str,
}

impl fmt::Debug for GuestFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestFields")
            .field("id", &self.id)
            .field("name", &codegen::Hidden)
            .field("age", &self.age)
            .field("mood", &self.mood)
            .field("secret", &self.secret)
            .field("wire", &self.wire)
            .finish()
    }
}

impl<'de> Deserialize<'de> for Guest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Guest {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut id: Option<String> = None;
        let mut name: Option<String> = None;
        let mut age: Option<i32> = None;
        let mut mood: Option<Mood> = None;
        let mut reason: Option<String> = None;
        let mut secret: Option<wire::Secret> = None;
        let mut wire: Option<String> = None;
        let mut type_: Option<Rank> = None;
        let mut weight: Option<f64> = None;
        let mut vip: Option<bool> = None;
        let mut patience: Option<i64> = None;
        let mut old: Option<String> = None;
        let mut home: Option<super::shared::Address> = None;
        let mut settings: Option<Settings> = None;
        let mut motto: Option<Motto> = None;
        let mut wakes: Option<super::house::Hour> = None;
        let mut orders: Option<Vec<Order>> = None;
        let mut wishes: Option<Vec<Order>> = None;
        let mut prices: Option<BTreeMap<String, i64>> = None;
        let mut notes: Option<Map<String, Value>> = None;
        let mut anything: Option<Value> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "id" => id = map.value_as::<codegen::OrNumber, _>()?,
                "name" => name = map.value()?,
                "age" => age = map.value_as::<codegen::AnyNumber, _>()?,
                "mood" => mood = map.value()?,
                "reason" => reason = map.value()?,
                "secret" => secret = map.value()?,
                "wire" => wire = map.value()?,
                "type" => type_ = map.value()?,
                "weight" => weight = map.value_as::<codegen::AnyNumber, _>()?,
                "vip" => vip = map.value()?,
                "patience" => patience = map.value_as::<codegen::AnyNumber, _>()?,
                "old" => old = map.value()?,
                "home" => home = map.value()?,
                "settings" => settings = map.json_text()?,
                "motto" => motto = map.value_as::<codegen::OrJsonTextOrText, _>()?,
                "wakes" => wakes = map.value()?,
                "orders" => orders = map.value_as::<Vec<codegen::OrJsonText>, _>()?,
                "wishes" => {
                    wishes = map
                        .value_as::<
                            Vec<codegen::OrUnreadable<codegen::OrJsonText>>,
                            _,
                        >()?;
                }
                "prices" => {
                    prices = map
                        .value_as::<BTreeMap<codegen::Same, codegen::AnyNumber>, _>()?;
                }
                "notes" => notes = map.value()?,
                "anything" => anything = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            id: codegen::required("id", id)?,
            name: name.unwrap_or_default(),
            age: codegen::required("age", age)?,
            mood: codegen::required("mood", mood)?,
            reason,
            secret: codegen::required("secret", secret)?,
            wire,
            type_,
            weight,
            vip,
            patience,
            old,
            home,
            settings,
            motto,
            wakes,
            orders: orders.unwrap_or_default(),
            wishes: wishes.unwrap_or_default(),
            prices: prices.unwrap_or_default(),
            notes: notes.unwrap_or_default(),
            anything,
        })
    }
}

/// Unnamed keys are kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Settings {
    /// Whether the lights are on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lights: Option<bool>,
    /// The keys that the spec does not name, as they were read.
    #[serde(flatten)]
    pub extra: BTreeMap<String, Value>,
}

impl Settings {
    /// Creates a value with all fields absent.
    #[must_use]
    pub fn new() -> Self {
        Self {
            lights: None,
            extra: BTreeMap::new(),
        }
    }

    /// Sets [`lights`](Self::lights).
    #[must_use]
    pub fn with_lights(mut self, lights: bool) -> Self {
        self.lights = Some(lights);
        self
    }

    /// Adds a key that the spec does not name.
    #[must_use]
    pub fn with_extra(
        mut self,
        key: impl Into<String>,
        value: impl Into<Value>,
    ) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Settings {
    const KEYS: &'static [&'static str] = &["lights"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut lights: Option<bool> = None;
        let mut extra = BTreeMap::new();
        while let Some(key) = map.key()? {
            match key.as_str() {
                "lights" => lights = map.value()?,
                _ => {
                    extra.insert(key.into(), map.value()?);
                }
            }
        }
        Ok(Self { lights, extra })
    }
}

/// A drink.
#[doc(alias = "DrinkParams")]
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Drink {
    /// In decilitres.
    pub size: i32,
}

impl Drink {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(size: i32) -> Self {
        Self { size }
    }
}

impl<'de> Deserialize<'de> for Drink {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Drink {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut size: Option<i32> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "size" => size = map.value_as::<codegen::AnyNumber, _>()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            size: codegen::required("size", size)?,
        })
    }
}

/// A meal.
#[doc(alias = "MealParams")]
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Meal {
    /// The courses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub courses: Vec<String>,
}

impl Meal {
    /// Creates a value with all fields absent.
    #[must_use]
    pub fn new() -> Self {
        Self { courses: Vec::new() }
    }

    /// Sets [`courses`](Self::courses).
    #[must_use]
    pub fn with_courses(
        mut self,
        courses: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.courses = courses.into_iter().map(Into::into).collect();
        self
    }
}

impl<'de> Deserialize<'de> for Meal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Meal {
    const KEYS: &'static [&'static str] = &["courses"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut courses: Option<Vec<String>> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "courses" => courses = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            courses: courses.unwrap_or_default(),
        })
    }
}

/// A greeting.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Greeting {
    /// The words.
    pub text: String,
}

impl Greeting {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl<'de> Deserialize<'de> for Greeting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Greeting {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut text: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "text" => text = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            text: codegen::required("text", text)?,
        })
    }
}

/// A farewell.
#[derive(Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Farewell {
    /// The keys that the spec does not name, as they were read.
    #[serde(flatten)]
    pub extra: BTreeMap<String, String>,
}

impl Farewell {
    /// Creates a value with all fields absent.
    #[must_use]
    pub fn new() -> Self {
        Self { extra: BTreeMap::new() }
    }

    /// Adds a key that the spec does not name.
    #[must_use]
    pub fn with_extra(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.extra.insert(key.into(), value.into());
        self
    }
}

impl fmt::Debug for Farewell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Farewell").field("extra", &codegen::Hidden).finish()
    }
}

impl<'de> Deserialize<'de> for Farewell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Farewell {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut extra = BTreeMap::new();
        while let Some(key) = map.key()? {
            {
                if let Some(value) = map.value_as::<codegen::OrJson, _>()? {
                    extra.insert(key.into(), value);
                }
            }
        }
        Ok(Self { extra })
    }
}

/// Silence. There is only the tag.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Silence {}

impl Silence {
    /// Creates a value with all fields absent.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl<'de> Deserialize<'de> for Silence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Silence {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        while map.key()?.is_some() {
            map.skip()?;
        }
        Ok(Self {})
    }
}

/// A request, whose answer may be a stream.
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// What is asked for.
    pub content: Content,
    /// What else is asked for, or null.
    pub also: Option<Content>,
    /// Whether the answer is a stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aloud: Option<bool>,
    /// The mood, or null.
    pub mood: Option<Mood>,
    /// A note, or null.
    pub note: Option<String>,
    /// When it is too late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<TooLate>,
}

impl Request {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(content: Content) -> Self {
        Self {
            content,
            also: None,
            aloud: None,
            mood: None,
            note: None,
            until: None,
        }
    }

    /// Sets [`also`](Self::also).
    #[must_use]
    pub fn with_also(mut self, also: Content) -> Self {
        self.also = Some(also);
        self
    }

    /// Sets [`aloud`](Self::aloud).
    #[must_use]
    pub fn with_aloud(mut self, aloud: bool) -> Self {
        self.aloud = Some(aloud);
        self
    }

    /// Sets [`mood`](Self::mood).
    #[must_use]
    pub fn with_mood(mut self, mood: Mood) -> Self {
        self.mood = Some(mood);
        self
    }

    /// Sets [`note`](Self::note).
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }

    /// Sets [`until`](Self::until).
    #[must_use]
    pub fn with_until(mut self, until: TooLate) -> Self {
        self.until = Some(until);
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("content", &codegen::Hidden)
            .field("also", &self.also)
            .field("aloud", &self.aloud)
            .field("mood", &self.mood)
            .field("note", &self.note)
            .field("until", &self.until)
            .finish()
    }
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Request {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut content: Option<Content> = None;
        let mut also: Option<Content> = None;
        let mut aloud: Option<bool> = None;
        let mut mood: Option<Mood> = None;
        let mut note: Option<String> = None;
        let mut until: Option<TooLate> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "content" => content = map.value()?,
                "also" => also = map.value()?,
                "aloud" => aloud = map.value()?,
                "mood" => mood = map.value()?,
                "note" => note = map.dispensable::<codegen::Same, _>("note")?,
                "until" => until = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            content: codegen::required("content", content)?,
            also,
            aloud,
            mood,
            note,
            until,
        })
    }
}

/// An answer that is not a stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Reply {
    /// The words.
    pub words: Vec<String>,
}

impl Reply {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Reply {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Reply {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut words: Option<Vec<String>> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "words" => words = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            words: codegen::required("words", words)?,
        })
    }
}

/// A guest's motto.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Motto {
    /// The motto itself.
    #[doc(alias = "words")]
    #[serde(rename = "words")]
    pub text: String,
    /// Whether it is shouted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loud: Option<bool>,
}

impl Motto {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            loud: None,
        }
    }

    /// Sets [`loud`](Self::loud).
    #[must_use]
    pub fn with_loud(mut self, loud: bool) -> Self {
        self.loud = Some(loud);
        self
    }
}

impl<'de> Deserialize<'de> for Motto {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Motto {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut text: Option<String> = None;
        let mut loud: Option<bool> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "words" => text = map.value()?,
                "loud" => loud = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            text: codegen::required("words", text)?,
            loud,
        })
    }
}

impl From<String> for Motto {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Motto {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// One event of the stream.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Word {
    /// The word.
    pub text: String,
    /// Whether it is the last one.
    pub last: bool,
    /// Why the stream is broken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Word {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(text: impl Into<String>, last: bool) -> Self {
        Self {
            text: text.into(),
            last,
            reason: None,
        }
    }

    /// Sets [`reason`](Self::reason).
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Word {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut text: Option<String> = None;
        let mut last: Option<bool> = None;
        let mut reason: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "text" => text = map.value()?,
                "last" => last = map.value()?,
                "reason" => reason = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            text: codegen::required("text", text)?,
            last: codegen::required("last", last)?,
            reason,
        })
    }
}

/// The event that ends a stream with a failure.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BrokenWord {
    /// Nothing.
    pub text: String,
    /// Whether it is the last one: true.
    pub last: bool,
    /// The reason.
    pub reason: String,
}

impl BrokenWord {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(text: impl Into<String>, last: bool, reason: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            last,
            reason: reason.into(),
        }
    }
}

impl<'de> Deserialize<'de> for BrokenWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for BrokenWord {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut text: Option<String> = None;
        let mut last: Option<bool> = None;
        let mut reason: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "text" => text = map.value()?,
                "last" => last = map.value()?,
                "reason" => reason = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            text: codegen::required("text", text)?,
            last: codegen::required("last", last)?,
            reason: codegen::required("reason", reason)?,
        })
    }
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trouble {
    /// Whether the call succeeded: false.
    pub success: bool,
    /// The reason.
    pub msg: String,
    /// What may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Trouble {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(success: bool, msg: impl Into<String>) -> Self {
        Self {
            success,
            msg: msg.into(),
            hint: None,
        }
    }

    /// Sets [`hint`](Self::hint).
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<'de> Deserialize<'de> for Trouble {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Trouble {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut success: Option<bool> = None;
        let mut msg: Option<String> = None;
        let mut hint: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "success" => success = map.value()?,
                "msg" => msg = map.value()?,
                "hint" => hint = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            success: codegen::required("success", success)?,
            msg: codegen::required("msg", msg)?,
            hint,
        })
    }
}

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Refusal {
    /// The reason.
    pub msg: String,
}

impl Refusal {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(msg: impl Into<String>) -> Self {
        Self { msg: msg.into() }
    }
}

impl<'de> Deserialize<'de> for Refusal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for Refusal {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut msg: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "msg" => msg = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            msg: codegen::required("msg", msg)?,
        })
    }
}

/// The parameters of `listGuests` in the path, the query and the headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ListGuestsParameters {
    /// The room.
    #[serde(rename = "roomId")]
    pub room_id: String,
    /// The most guests to list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<i32>,
    /// Whether to list all guests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detailed: Option<bool>,
    /// Only guests in this mood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mood: Option<Mood>,
    /// Shows in the logs.
    #[doc(alias = "X-Trace-Id")]
    #[serde(rename = "X-Trace-Id", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Grants access to the list. Never shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<wire::Secret>,
}

impl ListGuestsParameters {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(room_id: impl Into<String>) -> Self {
        Self {
            room_id: room_id.into(),
            limit: None,
            detailed: None,
            mood: None,
            trace_id: None,
            key: None,
        }
    }

    /// Sets [`limit`](Self::limit).
    #[must_use]
    pub fn with_limit(mut self, limit: i32) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets [`detailed`](Self::detailed).
    #[must_use]
    pub fn with_detailed(mut self, detailed: bool) -> Self {
        self.detailed = Some(detailed);
        self
    }

    /// Sets [`mood`](Self::mood).
    #[must_use]
    pub fn with_mood(mut self, mood: Mood) -> Self {
        self.mood = Some(mood);
        self
    }

    /// Sets [`trace_id`](Self::trace_id).
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = Some(trace_id.into());
        self
    }

    /// Sets [`key`](Self::key).
    #[must_use]
    pub fn with_key(mut self, key: impl Into<wire::Secret>) -> Self {
        self.key = Some(key.into());
        self
    }
}

impl<'de> Deserialize<'de> for ListGuestsParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for ListGuestsParameters {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut room_id: Option<String> = None;
        let mut limit: Option<i32> = None;
        let mut detailed: Option<bool> = None;
        let mut mood: Option<Mood> = None;
        let mut trace_id: Option<String> = None;
        let mut key: Option<wire::Secret> = None;
        while let Some(key_) = map.key()? {
            match key_.as_str() {
                "roomId" => room_id = map.value()?,
                "limit" => limit = map.value_as::<codegen::AnyNumber, _>()?,
                "detailed" => detailed = map.value_as::<codegen::OrText, _>()?,
                "mood" => mood = map.value()?,
                "X-Trace-Id" => trace_id = map.value()?,
                "key" => key = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            room_id: codegen::required("roomId", room_id)?,
            limit,
            detailed,
            mood,
            trace_id,
            key,
        })
    }
}

/// The parameters of `addGuest` in the path, the query and the headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AddGuestParameters {
    /// The room.
    #[serde(rename = "roomId")]
    pub room_id: String,
}

impl AddGuestParameters {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(room_id: impl Into<String>) -> Self {
        Self { room_id: room_id.into() }
    }
}

impl<'de> Deserialize<'de> for AddGuestParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for AddGuestParameters {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut room_id: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "roomId" => room_id = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            room_id: codegen::required("roomId", room_id)?,
        })
    }
}

/// The parameters of `whisper` in the path, the query and the headers.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct WhisperParameters {
    /// The secret of the client. Never shown.
    #[serde(rename = "Authorization", skip_serializing_if = "Option::is_none")]
    pub authorization: Option<wire::Secret>,
}

impl WhisperParameters {
    /// Creates a value with all fields absent.
    #[must_use]
    pub fn new() -> Self {
        Self { authorization: None }
    }

    /// Sets [`authorization`](Self::authorization).
    #[must_use]
    pub fn with_authorization(mut self, authorization: impl Into<wire::Secret>) -> Self {
        self.authorization = Some(authorization.into());
        self
    }
}

impl<'de> Deserialize<'de> for WhisperParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for WhisperParameters {
    const KEYS: &'static [&'static str] = &["Authorization"];

    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut authorization: Option<wire::Secret> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "Authorization" => authorization = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self { authorization })
    }
}

/// The parameters of `ask` in the path, the query and the headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AskParameters {
    /// The room.
    #[serde(rename = "roomId")]
    pub room_id: String,
}

impl AskParameters {
    /// Creates a value from its required fields. All others are absent.
    #[must_use]
    pub fn new(room_id: impl Into<String>) -> Self {
        Self { room_id: room_id.into() }
    }
}

impl<'de> Deserialize<'de> for AskParameters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_object(deserializer)
    }
}

impl codegen::Object for AskParameters {
    fn read<'de, M: codegen::Entries<'de>>(mut map: M) -> Result<Self, M::Error> {
        let mut room_id: Option<String> = None;
        while let Some(key) = map.key()? {
            match key.as_str() {
                "roomId" => room_id = map.value()?,
                _ => map.skip()?,
            }
        }
        Ok(Self {
            room_id: codegen::required("roomId", room_id)?,
        })
    }
}

/// A mood.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mood {
    /// At peace.
    Calm,
    /// Not at peace.
    Angry,
    /// A value that this version does not know. It is written as it was read. Only
    /// reading creates it, so that a known value is always its own variant.
    Unknown(UnknownMood),
}

/// A value of [`Mood`] that this version does not know.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UnknownMood(Box<str>);

impl Mood {
    /// Returns the text on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Calm => "calm",
            Self::Angry => "angry",
            Self::Unknown(UnknownMood(text)) => text,
        }
    }
}

impl FromStr for Mood {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value = match text {
            "calm" => Self::Calm,
            "angry" => Self::Angry,
            other => Self::Unknown(UnknownMood(other.into())),
        };
        Ok(value)
    }
}

impl fmt::Display for Mood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Mood {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Mood {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_text(deserializer)
    }
}

/// A guest's rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rank {
    /// Comes for the first time.
    Guest,
    /// Comes often.
    Regular,
    /// Owns the house.
    Owner,
    /// A value that this version does not know. It is written as it was read. Only
    /// reading creates it, so that a known value is always its own variant.
    Unknown(UnknownRank),
}

/// A value of [`Rank`] that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UnknownRank(i64);

impl Rank {
    /// Returns the number on the wire.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Guest => -1,
            Self::Regular => 0,
            Self::Owner => 10,
            Self::Unknown(UnknownRank(code)) => code,
        }
    }

    /// Returns the variant of a number.
    #[must_use]
    pub fn from_code(code: i64) -> Self {
        match code {
            -1 => Self::Guest,
            0 => Self::Regular,
            10 => Self::Owner,
            other => Self::Unknown(UnknownRank(other)),
        }
    }
}

impl FromStr for Rank {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::from_code)
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest => f.pad("Guest"),
            Self::Regular => f.pad("Regular"),
            Self::Owner => f.pad("Owner"),
            Self::Unknown(UnknownRank(code)) => code.fmt(f),
        }
    }
}

impl Serialize for Rank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.code())
    }
}

impl<'de> Deserialize<'de> for Rank {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_code(deserializer).map(Self::from_code)
    }
}

/// Something that was ordered.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Order {
    /// A drink.
    Drink(Drink),
    /// A meal.
    Meal(Meal),
    /// A kind that this version does not know. It is written as it was read, and only
    /// reading creates it.
    Unknown(UnknownOrder),
    /// A value that can't be read, and the reason. It is never written, and only reading
    /// creates it.
    Unreadable(wire::Unreadable),
}

/// An object for [`Order`] of a kind that this version does not know.
#[derive(Clone, PartialEq)]
pub struct UnknownOrder(Map<String, Value>);

impl UnknownOrder {
    /// Returns the whole object, including its tag.
    #[must_use]
    pub fn json(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for UnknownOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        codegen::Hidden::object(f, &self.0, "kind")
    }
}

impl Order {
    /// Returns the value of `kind`.
    #[must_use]
    pub fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Drink(_) => "Drink".into(),
            Self::Meal(_) => "Meal".into(),
            Self::Unknown(UnknownOrder(object)) => codegen::tag_text(object, "kind"),
            Self::Unreadable(value) => codegen::unreadable_tag(value, "kind"),
        }
    }
}

impl codegen::KeepUnreadable for Order {
    fn unreadable(value: wire::Unreadable) -> Self {
        Self::Unreadable(value)
    }
}

impl From<Drink> for Order {
    fn from(arm: Drink) -> Self {
        Self::Drink(arm)
    }
}

impl From<Meal> for Order {
    fn from(arm: Meal) -> Self {
        Self::Meal(arm)
    }
}

impl Serialize for Order {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a, T> {
            #[serde(rename = "kind")]
            tag: &'static str,
            #[serde(flatten)]
            arm: &'a T,
        }
        match self {
            Self::Drink(arm) => Tagged { tag: "Drink", arm }.serialize(serializer),
            Self::Meal(arm) => Tagged { tag: "Meal", arm }.serialize(serializer),
            Self::Unknown(UnknownOrder(object)) => object.serialize(serializer),
            Self::Unreadable(_) => Err(codegen::never_written()),
        }
    }
}

impl<'de> Deserialize<'de> for Order {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_union(deserializer)
    }
}

impl codegen::Union for Order {
    const TAG: &'static str = "kind";

    fn arm<'de, D: Deserializer<'de>>(
        tag: &str,
        arm: D,
    ) -> codegen::Arm<Self, D, D::Error> {
        match tag {
            "Drink" => codegen::Arm::Known(Drink::deserialize(arm).map(Self::Drink)),
            "Meal" => codegen::Arm::Known(Meal::deserialize(arm).map(Self::Meal)),
            _ => codegen::Arm::Unknown(arm),
        }
    }

    fn unknown(object: Map<String, Value>) -> Self {
        Self::Unknown(UnknownOrder(object))
    }
}

/// A question. Its kind is a number.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// A greeting.
    Greeting(Greeting),
    /// A farewell.
    Farewell(Farewell),
    /// Silence. There is only the tag.
    Silence(Silence),
    /// A kind that this version does not know. It is written as it was read, and only
    /// reading creates it.
    Unknown(UnknownQuestion),
}

/// An object for [`Question`] of a kind that this version does not know.
#[derive(Clone, PartialEq)]
pub struct UnknownQuestion(Map<String, Value>);

impl UnknownQuestion {
    /// Returns the whole object, including its tag.
    #[must_use]
    pub fn json(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl fmt::Debug for UnknownQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        codegen::Hidden::object(f, &self.0, "action")
    }
}

impl Question {
    /// Returns the value of `action`.
    #[must_use]
    pub fn kind(&self) -> Cow<'_, str> {
        match self {
            Self::Greeting(_) => "8".into(),
            Self::Farewell(_) => "9".into(),
            Self::Silence(_) => "10".into(),
            Self::Unknown(UnknownQuestion(object)) => codegen::tag_text(object, "action"),
        }
    }
}

impl From<Greeting> for Question {
    fn from(arm: Greeting) -> Self {
        Self::Greeting(arm)
    }
}

impl From<Farewell> for Question {
    fn from(arm: Farewell) -> Self {
        Self::Farewell(arm)
    }
}

impl From<Silence> for Question {
    fn from(arm: Silence) -> Self {
        Self::Silence(arm)
    }
}

impl Serialize for Question {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Tagged<'a, T> {
            #[serde(rename = "action")]
            tag: i64,
            #[serde(flatten)]
            arm: &'a T,
        }
        match self {
            Self::Greeting(arm) => Tagged { tag: 8, arm }.serialize(serializer),
            Self::Farewell(arm) => Tagged { tag: 9, arm }.serialize(serializer),
            Self::Silence(arm) => Tagged { tag: 10, arm }.serialize(serializer),
            Self::Unknown(UnknownQuestion(object)) => object.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Question {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_union(deserializer)
    }
}

impl codegen::Union for Question {
    const TAG: &'static str = "action";
    const CODED: bool = true;

    fn arm<'de, D: Deserializer<'de>>(
        tag: &str,
        arm: D,
    ) -> codegen::Arm<Self, D, D::Error> {
        match tag {
            "8" => codegen::Arm::Known(Greeting::deserialize(arm).map(Self::Greeting)),
            "9" => codegen::Arm::Known(Farewell::deserialize(arm).map(Self::Farewell)),
            "10" => codegen::Arm::Known(Silence::deserialize(arm).map(Self::Silence)),
            _ => codegen::Arm::Unknown(arm),
        }
    }

    fn unknown(object: Map<String, Value>) -> Self {
        Self::Unknown(UnknownQuestion(object))
    }
}

/// A text, or a list of orders.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// A text.
    Text(String),
    /// A list of orders.
    Orders(Vec<Order>),
    /// A value of a JSON type that this version does not know here. It is written as it was
    /// read, and only reading creates it.
    Unknown(UnknownContent),
}

/// A value for [`Content`] of a JSON type that this version does not know there.
#[derive(Clone, PartialEq)]
pub struct UnknownContent(Value);

impl UnknownContent {
    /// Returns the whole value.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for UnknownContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        codegen::Hidden::value(f, &self.0)
    }
}

impl Content {
    /// Returns the JSON type of the value.
    #[must_use]
    pub fn kind(&self) -> wire::JsonKind {
        match self {
            Self::Text(_) => wire::JsonKind::String,
            Self::Orders(_) => wire::JsonKind::Array,
            Self::Unknown(UnknownContent(value)) => wire::JsonKind::of(value),
        }
    }
}

impl From<String> for Content {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Content {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<Vec<Order>> for Content {
    fn from(value: Vec<Order>) -> Self {
        Self::Orders(value)
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(value) => value.serialize(serializer),
            Self::Orders(value) => value.serialize(serializer),
            Self::Unknown(UnknownContent(value)) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_kinds(deserializer)
    }
}

impl codegen::Kinds for Content {
    fn arm<'de, D: Deserializer<'de>>(
        kind: wire::JsonKind,
        value: D,
    ) -> codegen::Arm<Self, D, D::Error> {
        match kind {
            wire::JsonKind::String => {
                codegen::Arm::Known(<String>::deserialize(value).map(Self::Text))
            }
            wire::JsonKind::Array => {
                codegen::Arm::Known(<Vec<Order>>::deserialize(value).map(Self::Orders))
            }
            _ => codegen::Arm::Unknown(value),
        }
    }

    fn unknown(value: Value) -> Self {
        Self::Unknown(UnknownContent(value))
    }
}

/// When it is too late, in one of many forms.
#[doc(alias = "Until")]
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum TooLate {
    /// Whether it is never too late.
    Never(bool),
    /// The hours from now.
    Hours(i32),
    /// A mood.
    Mood(Mood),
    /// A place in the house.
    Place(Place),
    /// All of these.
    All(Vec<Settings>),
    /// A value of a JSON type that this version does not know here. It is written as it was
    /// read, and only reading creates it.
    Unknown(UnknownTooLate),
}

/// A value for [`TooLate`] of a JSON type that this version does not know there.
#[derive(Clone, PartialEq)]
pub struct UnknownTooLate(Value);

impl UnknownTooLate {
    /// Returns the whole value.
    #[must_use]
    pub fn json(&self) -> &Value {
        &self.0
    }
}

impl fmt::Debug for UnknownTooLate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        codegen::Hidden::value(f, &self.0)
    }
}

impl TooLate {
    /// Returns the JSON type of the value.
    #[must_use]
    pub fn kind(&self) -> wire::JsonKind {
        match self {
            Self::Never(_) => wire::JsonKind::Boolean,
            Self::Hours(_) => wire::JsonKind::Number,
            Self::Mood(_) => wire::JsonKind::String,
            Self::Place(_) => wire::JsonKind::Object,
            Self::All(_) => wire::JsonKind::Array,
            Self::Unknown(UnknownTooLate(value)) => wire::JsonKind::of(value),
        }
    }
}

impl From<bool> for TooLate {
    fn from(value: bool) -> Self {
        Self::Never(value)
    }
}

impl From<i32> for TooLate {
    fn from(value: i32) -> Self {
        Self::Hours(value)
    }
}

impl From<Mood> for TooLate {
    fn from(value: Mood) -> Self {
        Self::Mood(value)
    }
}

impl From<Place> for TooLate {
    fn from(value: Place) -> Self {
        Self::Place(value)
    }
}

impl From<Vec<Settings>> for TooLate {
    fn from(value: Vec<Settings>) -> Self {
        Self::All(value)
    }
}

impl Serialize for TooLate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Never(value) => value.serialize(serializer),
            Self::Hours(value) => value.serialize(serializer),
            Self::Mood(value) => value.serialize(serializer),
            Self::Place(value) => value.serialize(serializer),
            Self::All(value) => value.serialize(serializer),
            Self::Unknown(UnknownTooLate(value)) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TooLate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        codegen::read_kinds(deserializer)
    }
}

impl codegen::Kinds for TooLate {
    fn arm<'de, D: Deserializer<'de>>(
        kind: wire::JsonKind,
        value: D,
    ) -> codegen::Arm<Self, D, D::Error> {
        match kind {
            wire::JsonKind::Boolean => {
                codegen::Arm::Known(<bool>::deserialize(value).map(Self::Never))
            }
            wire::JsonKind::Number => {
                codegen::Arm::Known(
                    codegen::As::<codegen::AnyNumber>::deserialize(value)
                        .map(Self::Hours),
                )
            }
            wire::JsonKind::String => {
                codegen::Arm::Known(<Mood>::deserialize(value).map(Self::Mood))
            }
            wire::JsonKind::Object => {
                codegen::Arm::Known(<Place>::deserialize(value).map(Self::Place))
            }
            wire::JsonKind::Array => {
                codegen::Arm::Known(
                    codegen::As::<Vec<codegen::OrJsonText>>::deserialize(value)
                        .map(Self::All),
                )
            }
            _ => codegen::Arm::Unknown(value),
        }
    }

    fn unknown(value: Value) -> Self {
        Self::Unknown(UnknownTooLate(value))
    }
}

impl wire::Validate for GuestList {
    fn check(&self, report: &mut codegen::Report<'_>) {
        report.field("guests").count(self.guests.len(), ..=3);
        for (index, item) in self.guests.iter().enumerate() {
            item.check(&mut report.field("guests").item(index));
        }
    }
}

impl wire::Validate for Visit {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if self.number.is_none() {
            report.missing("number");
        }
        self.place.check(&mut report.field("place"));
        for (index, item) in self.companions.iter().enumerate() {
            item.check(&mut report.field("companions").item(index));
        }
    }
}

impl wire::Validate for Place {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if self.floor.is_none() {
            report.missing("floor");
        }
    }
}

impl wire::Validate for Guest {
    fn check(&self, report: &mut codegen::Report<'_>) {
        report.field("id").length(&self.id, 1..=8);
        report.field("name").private().length(&self.name, ..=10);
        report.field("age").integer(self.age, 0..=150);
        if self.wire.is_none() {
            report.missing("wire");
        }
        if let Some(value @ Rank::Unknown(_)) = &self.type_ {
            report
                .field("type")
                .violation(Some(value.to_string()), "a documented value");
        }
        if let Some(value) = &self.weight {
            report.field("weight").number(*value, 0.5..);
        }
        if let Some(value) = &self.patience {
            report.field("patience").integer(*value, 1..);
        }
        if let Some(value) = &self.home {
            value.check(&mut report.field("home"));
        }
        if let Some(value) = &self.settings {
            value.check(&mut report.field("settings"));
        }
        if let Some(value) = &self.motto {
            value.check(&mut report.field("motto"));
        }
        if let Some(value) = &self.wakes {
            value.check(&mut report.field("wakes"));
        }
        for (index, item) in self.orders.iter().enumerate() {
            item.check(&mut report.field("orders").item(index));
        }
        for (index, item) in self.wishes.iter().enumerate() {
            item.check(&mut report.field("wishes").item(index));
        }
        for (key, item) in &self.prices {
            report.field("prices").field(key).integer(*item, 0..);
        }
        if self.mood.as_str() == "angry" && self.reason.is_none() {
            report.demanded("reason", "`mood` is angry");
        }
    }
}

impl wire::Validate for Mood {}

impl wire::Validate for Rank {}

impl wire::Validate for Settings {
    fn check(&self, report: &mut codegen::Report<'_>) {
        let named = ["lights"];
        report.further_keys(&self.extra, &named);
    }
}

impl wire::Validate for Order {
    fn check(&self, report: &mut codegen::Report<'_>) {
        match self {
            Self::Drink(arm) => arm.check(report),
            Self::Meal(arm) => arm.check(report),
            Self::Unreadable(_) => report.unreadable(),
            Self::Unknown(_) => {}
        }
    }
}

impl wire::Validate for Drink {
    fn check(&self, report: &mut codegen::Report<'_>) {
        report.field("size").integer(self.size, 1..=10);
    }
}

impl wire::Validate for Meal {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if !self.courses.is_empty() {
            report.field("courses").count(self.courses.len(), 1..);
        }
    }
}

impl wire::Validate for Question {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if let Self::Farewell(arm) = self {
            arm.check(report);
        }
    }
}

impl wire::Validate for Greeting {}

impl wire::Validate for Farewell {
    fn check(&self, report: &mut codegen::Report<'_>) {
        let named = ["action"];
        report.further_keys(&self.extra, &named);
    }
}

impl wire::Validate for Silence {}

impl wire::Validate for Request {
    fn check(&self, report: &mut codegen::Report<'_>) {
        self.content.check(&mut report.field("content").private());
        if let Some(value) = &self.also {
            value.check(&mut report.field("also"));
        }
        if let Some(value) = &self.note {
            report.field("note").length(value, ..=4);
        }
        if let Some(value) = &self.until {
            value.check(&mut report.field("until"));
        }
    }
}

impl wire::Validate for Content {
    fn check(&self, report: &mut codegen::Report<'_>) {
        match self {
            Self::Text(value) => {
                report.length(value, ..=20);
            }
            Self::Orders(value) => {
                for (index, item) in value.iter().enumerate() {
                    item.check(&mut report.item(index));
                }
            }
            _ => {}
        }
    }
}

impl wire::Validate for TooLate {
    fn check(&self, report: &mut codegen::Report<'_>) {
        match self {
            Self::Hours(value) => {
                report.integer(*value, 0..);
            }
            Self::Place(value) => {
                value.check(report);
            }
            Self::All(value) => {
                for (index, item) in value.iter().enumerate() {
                    item.check(&mut report.item(index));
                }
            }
            _ => {}
        }
    }
}

impl wire::Validate for Reply {
    fn check(&self, report: &mut codegen::Report<'_>) {
        report.field("words").count(self.words.len(), ..=3);
    }
}

impl wire::Validate for Motto {
    fn check(&self, report: &mut codegen::Report<'_>) {
        self.check_by_hand(report);
    }
}

impl wire::Validate for Word {}

impl wire::Validate for BrokenWord {}

impl wire::Validate for Trouble {}

impl wire::Validate for Refusal {}

impl wire::Validate for ListGuestsParameters {
    fn check(&self, report: &mut codegen::Report<'_>) {
        if let Some(value) = &self.limit {
            report.field("limit").integer(*value, 1..=100);
        }
        if let Some(value) = &self.trace_id {
            report.field("X-Trace-Id").length(value, ..=8);
        }
    }
}

impl wire::Validate for AddGuestParameters {}

impl wire::Validate for WhisperParameters {}

impl wire::Validate for AskParameters {}

impl schemars::JsonSchema for GuestList {
    fn schema_name() -> Cow<'static, str> {
        "GuestList".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::GuestList").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "Guests, and whether the call succeeded.",
  "required": ["success", "guests"],
  "properties": {
    "success": {"type": "boolean", "description": "Whether the call succeeded."},
    "guests": {"type": "array", "description": "The guests.", "maxItems": 3, "items": {"$ref": "Guest"}},
    "message": {"type": "string", "description": "A text, under one of two names."},
    "total": {"type": "integer", "format": "int64", "description": "A number, under one of three names."}
  }
}"##,
            generator,
            &[("Guest", codegen::subschema::<Guest>)],
        )
    }
}

impl schemars::JsonSchema for Visit {
    fn schema_name() -> Cow<'static, str> {
        "Visit".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Visit").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A visit, of which little must be known.",
  "required": ["guest", "number", "host", "place"],
  "properties": {
    "guest": {"type": "string", "description": "Who comes."},
    "number": {"type": "integer", "format": "int32", "description": "Counts the visits."},
    "host": {"type": "string", "description": "Who is visited."},
    "place": {"allOf": [{"$ref": "Place"}], "description": "Where it is."},
    "mood": {"allOf": [{"$ref": "Mood"}], "description": "How the host feels."},
    "note": {"type": "string", "description": "What else is known."},
    "tags": {"type": "array", "description": "Some words.", "items": {"type": "string"}},
    "companions": {"type": "array", "description": "Who comes, too.", "items": {"$ref": "Place"}}
  }
}"##,
            generator,
            &[
                ("Mood", codegen::subschema::<Mood>),
                ("Place", codegen::subschema::<Place>),
            ],
        )
    }
}

impl schemars::JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Place").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A place in the house.",
  "required": ["floor"],
  "properties": {"floor": {"type": "string", "description": "The floor."}}
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Guest {
    fn schema_name() -> Cow<'static, str> {
        "Guest".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Guest").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A guest.\n\nThe second paragraph of a description stays separate from the first.\n",
  "required": ["id", "name", "age", "mood", "secret", "wire"],
  "properties": {
    "id": {
      "type": "string",
      "minLength": 1,
      "maxLength": 8,
      "description": "The id; old peers send a number."
    },
    "name": {"type": "string", "maxLength": 10, "description": "The guest's name."},
    "age": {
      "type": "integer",
      "format": "int32",
      "minimum": 0,
      "maximum": 150,
      "description": "In years."
    },
    "mood": {"allOf": [{"$ref": "Mood"}], "description": "How the guest feels now."},
    "reason": {"type": "string", "description": "Why the guest is angry."},
    "secret": {"type": "string", "format": "password", "description": "Opens the door."},
    "wire": {"type": "string", "description": "Required by the document, left out by peers."},
    "type": {"allOf": [{"$ref": "Rank"}], "description": "A name that is a keyword of Rust."},
    "weight": {
      "type": ["number", "null"],
      "format": "double",
      "minimum": 0.5,
      "default": 70.5,
      "description": "In kilograms."
    },
    "vip": {"type": "boolean", "default": false, "description": "Whether the guest is important."},
    "patience": {
      "type": "integer",
      "format": "int64",
      "minimum": 1,
      "default": 5,
      "description": "In seconds."
    },
    "old": {"type": "string", "deprecated": true, "description": "No longer used."},
    "home": {"allOf": [{"$ref": "Address"}], "description": "A type of another spec."},
    "settings": {
      "type": "string",
      "format": "json-string",
      "contentMediaType": "application/json",
      "contentSchema": {"$ref": "Settings"},
      "description": "An object, as JSON in a string."
    },
    "motto": {
      "allOf": [{"$ref": "Motto"}],
      "description": "An object, its JSON in a string, or its text alone."
    },
    "wakes": {"type": "string", "format": "hour", "description": "A text with a custom type."},
    "orders": {
      "type": "array",
      "description": "What was ordered.",
      "items": {"allOf": [{"$ref": "Order"}]}
    },
    "wishes": {
      "type": "array",
      "description": "What the guest would like; old peers send other JSON.",
      "items": {"allOf": [{"$ref": "Order"}]}
    },
    "prices": {
      "type": "object",
      "description": "What it costs.",
      "additionalProperties": {"type": "integer", "format": "int64", "minimum": 0}
    },
    "notes": {"type": "object", "description": "An object of any keys."},
    "anything": {"description": "Any JSON."}
  }
}"##,
            generator,
            &[
                ("Address", codegen::subschema::<super::shared::Address>),
                ("Mood", codegen::subschema::<Mood>),
                ("Motto", codegen::subschema::<Motto>),
                ("Order", codegen::subschema::<Order>),
                ("Rank", codegen::subschema::<Rank>),
                ("Settings", codegen::subschema::<Settings>),
            ],
        )
    }
}

impl schemars::JsonSchema for Mood {
    fn schema_name() -> Cow<'static, str> {
        "Mood".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Mood").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{"type": "string", "description": "A mood.", "enum": ["calm", "angry"]}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Rank {
    fn schema_name() -> Cow<'static, str> {
        "Rank".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Rank").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{"type": "integer", "description": "A guest's rank.", "enum": [-1, 0, 10]}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Settings {
    fn schema_name() -> Cow<'static, str> {
        "Settings".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Settings").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "Unnamed keys are kept.",
  "properties": {"lights": {"type": "boolean", "description": "Whether the lights are on."}},
  "additionalProperties": true
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Order {
    fn schema_name() -> Cow<'static, str> {
        "Order".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Order").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "description": "Something that was ordered.",
  "oneOf": [{"$ref": "DrinkParams"}, {"$ref": "MealParams"}]
}"##,
            generator,
            &[
                ("DrinkParams", codegen::subschema::<Drink>),
                ("MealParams", codegen::subschema::<Meal>),
            ],
        )
    }
}

impl schemars::JsonSchema for Drink {
    fn schema_name() -> Cow<'static, str> {
        "Drink".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Drink").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A drink.",
  "required": ["kind", "size"],
  "properties": {
    "kind": {"type": "string", "enum": ["Drink"], "description": "Says that it is a drink."},
    "size": {
      "type": "integer",
      "format": "int32",
      "minimum": 1,
      "maximum": 10,
      "description": "In decilitres."
    }
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Meal {
    fn schema_name() -> Cow<'static, str> {
        "Meal".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Meal").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A meal.",
  "required": ["kind"],
  "properties": {
    "kind": {"type": "string", "enum": ["Meal"], "description": "Says that it is a meal."},
    "courses": {"type": "array", "minItems": 1, "description": "The courses.", "items": {"type": "string"}}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Question {
    fn schema_name() -> Cow<'static, str> {
        "Question".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Question").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "description": "A question. Its kind is a number.",
  "oneOf": [{"$ref": "Greeting"}, {"$ref": "Farewell"}, {"$ref": "Silence"}]
}"##,
            generator,
            &[
                ("Farewell", codegen::subschema::<Farewell>),
                ("Greeting", codegen::subschema::<Greeting>),
                ("Silence", codegen::subschema::<Silence>),
            ],
        )
    }
}

impl schemars::JsonSchema for Greeting {
    fn schema_name() -> Cow<'static, str> {
        "Greeting".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Greeting").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A greeting.",
  "required": ["action", "text"],
  "properties": {
    "action": {
      "type": "integer",
      "format": "int32",
      "enum": [8],
      "description": "Says that it is a greeting."
    },
    "text": {"type": "string", "description": "The words."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Farewell {
    fn schema_name() -> Cow<'static, str> {
        "Farewell".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Farewell").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A farewell.",
  "required": ["action"],
  "properties": {
    "action": {
      "type": "integer",
      "format": "int32",
      "enum": [9],
      "description": "Says that it is a farewell."
    }
  },
  "additionalProperties": {"type": "string"}
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Silence {
    fn schema_name() -> Cow<'static, str> {
        "Silence".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Silence").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "Silence. There is only the tag.",
  "required": ["action"],
  "properties": {
    "action": {
      "type": "integer",
      "format": "int32",
      "enum": [10],
      "description": "Says that nothing is said."
    }
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Request {
    fn schema_name() -> Cow<'static, str> {
        "Request".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Request").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A request, whose answer may be a stream.",
  "required": ["content", "also", "mood", "note"],
  "properties": {
    "content": {"allOf": [{"$ref": "Content"}], "description": "What is asked for."},
    "also": {
      "description": "What else is asked for, or null.",
      "anyOf": [{"allOf": [{"$ref": "Content"}]}, {"type": "null"}]
    },
    "aloud": {"type": "boolean", "description": "Whether the answer is a stream."},
    "mood": {
      "description": "The mood, or null.",
      "anyOf": [{"allOf": [{"$ref": "Mood"}]}, {"type": "null"}]
    },
    "note": {"type": ["string", "null"], "maxLength": 4, "description": "A note, or null."},
    "until": {"allOf": [{"$ref": "Until"}], "description": "When it is too late."}
  }
}"##,
            generator,
            &[
                ("Content", codegen::subschema::<Content>),
                ("Mood", codegen::subschema::<Mood>),
                ("Until", codegen::subschema::<TooLate>),
            ],
        )
    }
}

impl schemars::JsonSchema for Content {
    fn schema_name() -> Cow<'static, str> {
        "Content".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Content").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "description": "A text, or a list of orders.",
  "oneOf": [
    {"type": "string", "maxLength": 20, "description": "A text."},
    {"type": "array", "description": "A list of orders.", "items": {"$ref": "Order"}}
  ]
}"##,
            generator,
            &[("Order", codegen::subschema::<Order>)],
        )
    }
}

impl schemars::JsonSchema for TooLate {
    fn schema_name() -> Cow<'static, str> {
        "TooLate".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::TooLate").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "description": "When it is too late, in one of many forms.",
  "oneOf": [
    {"type": "boolean", "description": "Whether it is never too late."},
    {"type": "integer", "format": "int32", "minimum": 0, "description": "The hours from now."},
    {"$ref": "Mood"},
    {"$ref": "Place"},
    {
      "type": "array",
      "description": "All of these.",
      "items": {"allOf": [{"$ref": "Settings"}]}
    }
  ]
}"##,
            generator,
            &[
                ("Mood", codegen::subschema::<Mood>),
                ("Place", codegen::subschema::<Place>),
                ("Settings", codegen::subschema::<Settings>),
            ],
        )
    }
}

impl schemars::JsonSchema for Reply {
    fn schema_name() -> Cow<'static, str> {
        "Reply".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Reply").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "An answer that is not a stream.",
  "required": ["words"],
  "properties": {
    "words": {"type": "array", "maxItems": 3, "description": "The words.", "items": {"type": "string"}}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Motto {
    fn schema_name() -> Cow<'static, str> {
        "Motto".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Motto").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "A guest's motto.",
  "required": ["words"],
  "properties": {
    "words": {"type": "string", "description": "The motto itself."},
    "loud": {"type": "boolean", "description": "Whether it is shouted."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Word {
    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Word").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "One event of the stream.",
  "required": ["text", "last"],
  "properties": {
    "text": {"type": "string", "description": "The word."},
    "last": {"type": "boolean", "description": "Whether it is the last one."},
    "reason": {"type": "string", "description": "Why the stream is broken."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for BrokenWord {
    fn schema_name() -> Cow<'static, str> {
        "BrokenWord".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::BrokenWord").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "The event that ends a stream with a failure.",
  "required": ["text", "last", "reason"],
  "properties": {
    "text": {"type": "string", "description": "Nothing."},
    "last": {"type": "boolean", "description": "Whether it is the last one: true."},
    "reason": {"type": "string", "description": "The reason."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Trouble {
    fn schema_name() -> Cow<'static, str> {
        "Trouble".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Trouble").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "Why a call failed.",
  "required": ["success", "msg"],
  "properties": {
    "success": {"type": "boolean", "description": "Whether the call succeeded: false."},
    "msg": {"type": "string", "description": "The reason."},
    "hint": {"type": ["string", "null"], "description": "What may help."}
  }
}"##,
            generator,
            &[],
        )
    }
}

impl schemars::JsonSchema for Refusal {
    fn schema_name() -> Cow<'static, str> {
        "Refusal".into()
    }

    fn schema_id() -> Cow<'static, str> {
        concat!(module_path!(), "::Refusal").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        codegen::schema_of(
            r##"{
  "type": "object",
  "description": "Why a request was refused.",
  "required": ["msg"],
  "properties": {"msg": {"type": "string", "description": "The reason."}}
}"##,
            generator,
            &[],
        )
    }
}

/// The operations of the platform: id, method and path of each.
pub mod operations {
    use ::callbot::wire::Operation;
    use http::Method;

    /// The keys of secret values, in requests and responses.
    const SECRETS: &[&str] = &["Authorization", "key", "secret"];

    /// `GET /rooms/{roomId}/guests`.
    pub static LIST_GUESTS: Operation = Operation::new(
            "listGuests",
            Method::GET,
            "/rooms/{roomId}/guests",
        )
        .with_secrets(SECRETS);

    /// `POST /rooms/{roomId}/guests`.
    pub static ADD_GUEST: Operation = Operation::new(
            "addGuest",
            Method::POST,
            "/rooms/{roomId}/guests",
        )
        .with_secrets(SECRETS)
        .once();

    /// `GET /status`.
    pub static GET_STATUS: Operation = Operation::new(
            "getStatus",
            Method::GET,
            "/status",
        )
        .with_secrets(SECRETS);

    /// `GET /whisper`.
    pub static WHISPER: Operation = Operation::new("whisper", Method::GET, "/whisper")
        .with_secrets(SECRETS)
        .with_bases(&["/old", "/new"])
        .with_spellings(&["/Whisper"]);

    /// `POST /talk`.
    pub static TALK: Operation = Operation::new("talk", Method::POST, "/talk")
        .with_secrets(SECRETS);

    /// `POST /ask/{roomId}`.
    pub static ASK: Operation = Operation::new("ask", Method::POST, "/ask/{roomId}")
        .with_secrets(SECRETS)
        .with_end("[END]");

    /// `POST /order`.
    pub static ORDER: Operation = Operation::new("order", Method::POST, "/order")
        .with_secrets(SECRETS);
}

/// A client of the Fixture of the compiler.
///
/// Cheap to clone: all clones share their connections.
///
/// It has no example.
#[derive(Debug, Clone)]
pub struct Client {
    core: codegen::Core,
}

impl Client {
    /// Returns a client of the server at `base_url`, with the default settings.
    ///
    /// # Errors
    /// If the URL is not an absolute http or https URL, or TLS can't be set up.
    pub fn new(base_url: &str) -> Result<Self, client::Error> {
        Self::builder(base_url).build()
    }

    /// Returns a builder for a client of the server at `base_url`.
    pub fn builder(base_url: &str) -> client::ClientBuilder<Self> {
        client::ClientBuilder::new(base_url, ())
    }

    /// Returns the same client with other options. Both share their connections.
    #[must_use]
    pub fn with_options(&self, options: client::CallOptions) -> Self {
        Self {
            core: self.core.with_options(options),
        }
    }

    /// Lists the guests of a room.
    ///
    /// Takes parameters from the path, the query and a header.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    pub async fn list_guests(
        &self,
        parameters: &ListGuestsParameters,
    ) -> Result<client::Answer<GuestList>, client::Error> {
        let operation = &operations::LIST_GUESTS;
        codegen::check(operation, parameters)?;
        let built = raw::list_guests(
            self.core.connection(),
            &codegen::segment(operation, "roomId", &parameters.room_id)?,
            parameters.detailed.as_ref().map(codegen::parameter).as_deref(),
            parameters.limit.as_ref().map(codegen::parameter).as_deref(),
            parameters.mood.as_ref().map(codegen::parameter).as_deref(),
        );
        let mut http = codegen::built(operation, built)?;
        if let Some(value) = &parameters.trace_id {
            codegen::header(operation, &mut http, "X-Trace-Id", value)?;
        }
        if let Some(value) = &parameters.key {
            codegen::secret_header(operation, &mut http, "key", value)?;
        }
        self.core.answer(operation, http).await
    }

    /// Adds a guest to a room.
    ///
    /// Takes a parameter and a body.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`Trouble`]
    /// - status 409: [`Trouble`]
    /// - status 401 to 403: [`Refusal`]
    /// - status 405 to 408: [`Refusal`]
    /// - status 410 to 499: [`Refusal`]
    /// - status 500 to 599: [`Trouble`]
    pub async fn add_guest(
        &self,
        parameters: &AddGuestParameters,
        request: &Guest,
    ) -> Result<client::Answer<GuestList>, client::Error> {
        let operation = &operations::ADD_GUEST;
        codegen::check(operation, parameters)?;
        codegen::check(operation, request)?;
        let built = raw::add_guest(
            self.core.connection(),
            &codegen::segment(operation, "roomId", &parameters.room_id)?,
            request,
        );
        let http = codegen::built(operation, built)?;
        self.core.answer(operation, http).await
    }

    /// Returns the state of the house.
    ///
    /// Takes nothing. A server may leave it out.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    #[deprecated]
    pub async fn get_status(&self) -> Result<client::Answer<GuestList>, client::Error> {
        let operation = &operations::GET_STATUS;
        let built = raw::get_status(self.core.connection());
        let http = codegen::built(operation, built)?;
        self.core.answer(operation, http).await
    }

    /// Tells a secret.
    ///
    /// Takes credentials and answers with a stream. Served below two bases, with two spellings.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    pub async fn whisper(
        &self,
        parameters: &WhisperParameters,
    ) -> Result<client::EventStream<Word>, client::Error> {
        let operation = &operations::WHISPER;
        codegen::check(operation, parameters)?;
        let built = raw::whisper(self.core.connection());
        let mut http = codegen::built(operation, built)?;
        if let Some(value) = &parameters.authorization {
            codegen::secret_header(operation, &mut http, "Authorization", value)?;
        }
        self.core.events(operation, http).await
    }

    /// Talks with a guest.
    ///
    /// Answers with a stream of events.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`BrokenWord`]
    pub async fn talk(
        &self,
        request: &Question,
    ) -> Result<client::EventStream<Word>, client::Error> {
        let operation = &operations::TALK;
        codegen::check(operation, request)?;
        let built = raw::talk(self.core.connection(), request);
        let http = codegen::built(operation, built)?;
        self.core.events(operation, http).await
    }

    /// Asks in a room.
    ///
    /// The body says whether the answer is a stream, whose end is marked.
    ///
    /// Sets `aloud` to false in the request: the answer is one value.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`BrokenWord`]
    pub async fn ask(
        &self,
        parameters: &AskParameters,
        request: &Request,
    ) -> Result<client::Answer<Reply>, client::Error> {
        let operation = &operations::ASK;
        let mut request = request.clone();
        request.aloud = Some(false);
        let request = &request;
        codegen::check(operation, parameters)?;
        codegen::check(operation, request)?;
        let built = raw::ask(
            self.core.connection(),
            &codegen::segment(operation, "roomId", &parameters.room_id)?,
            request,
        );
        let http = codegen::built(operation, built)?;
        self.core.answer(operation, http).await
    }

    /// Asks in a room.
    ///
    /// The body says whether the answer is a stream, whose end is marked.
    ///
    /// Sets `aloud` to true in the request: the answer is a stream.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`BrokenWord`]
    pub async fn ask_stream(
        &self,
        parameters: &AskParameters,
        request: &Request,
    ) -> Result<client::EventStream<Word>, client::Error> {
        let operation = &operations::ASK;
        let mut request = request.clone();
        request.aloud = Some(true);
        let request = &request;
        codegen::check(operation, parameters)?;
        codegen::check(operation, request)?;
        let built = raw::ask(
            self.core.connection(),
            &codegen::segment(operation, "roomId", &parameters.room_id)?,
            request,
        );
        let http = codegen::built(operation, built)?;
        self.core.events(operation, http).await
    }

    /// Orders something.
    ///
    /// The same without parameters, a failure, and an end that is marked.
    ///
    /// Sets `aloud` to false in the request: the answer is one value.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`BrokenWord`]
    pub async fn order(
        &self,
        request: &Request,
    ) -> Result<client::Answer<Reply>, client::Error> {
        let operation = &operations::ORDER;
        let mut request = request.clone();
        request.aloud = Some(false);
        let request = &request;
        codegen::check(operation, request)?;
        let built = raw::order(self.core.connection(), request);
        let http = codegen::built(operation, built)?;
        self.core.answer(operation, http).await
    }

    /// Orders something.
    ///
    /// The same without parameters, a failure, and an end that is marked.
    ///
    /// Sets `aloud` to true in the request: the answer is a stream.
    ///
    /// # Errors
    /// See [`client::Error`]. A request that breaks a rule of the spec is not sent. Each deadline has its
    /// own error. A failure that the peer reports in its response is an error, too.
    ///
    /// The spec documents the bodies of these failures, which [`body_as`](client::Error::body_as) reads:
    ///
    /// - status 200: [`BrokenWord`]
    pub async fn order_stream(
        &self,
        request: &Request,
    ) -> Result<client::EventStream<Word>, client::Error> {
        let operation = &operations::ORDER;
        let mut request = request.clone();
        request.aloud = Some(true);
        let request = &request;
        codegen::check(operation, request)?;
        let built = raw::order(self.core.connection(), request);
        let http = codegen::built(operation, built)?;
        self.core.events(operation, http).await
    }
}

impl codegen::BuildClient for Client {
    type Settings = ();

    fn build(core: codegen::CoreBuilder, (): ()) -> Result<Self, client::Error> {
        core.build().map(Self::from)
    }
}

impl From<codegen::Core> for Client {
    fn from(core: codegen::Core) -> Self {
        Self { core }
    }
}

impl client::FailureBody for Trouble {
    const PLACES: &'static [(&'static wire::Operation, u16, u16)] = &[
        (&operations::ADD_GUEST, 200u16, 200u16),
        (&operations::ADD_GUEST, 409u16, 409u16),
        (&operations::ADD_GUEST, 500u16, 599u16),
    ];
}

impl client::FailureBody for Refusal {
    const PLACES: &'static [(&'static wire::Operation, u16, u16)] = &[
        (&operations::ADD_GUEST, 401u16, 403u16),
        (&operations::ADD_GUEST, 405u16, 408u16),
        (&operations::ADD_GUEST, 410u16, 499u16),
    ];
}

impl client::FailureBody for BrokenWord {
    const PLACES: &'static [(&'static wire::Operation, u16, u16)] = &[
        (&operations::TALK, 200u16, 200u16),
        (&operations::ASK, 200u16, 200u16),
        (&operations::ORDER, 200u16, 200u16),
    ];
}

mod raw {
    use progenitor_client::{QueryParam, encode_path};
    use super::*;

    pub(super) fn list_guests(
        to: codegen::Connection<'_>,
        room_id: &str,
        detailed: Option<&str>,
        limit: Option<&str>,
        mood: Option<&str>,
    ) -> codegen::BuiltRequest {
        let room_id = encode_path(room_id);
        let url = format!("{}/rooms/{}/guests", to.base_url, room_id);
        to.client
            .get(url)
            .query(&QueryParam::new("detailed", &detailed))
            .query(&QueryParam::new("limit", &limit))
            .query(&QueryParam::new("mood", &mood))
            .build()
    }

    pub(super) fn add_guest(
        to: codegen::Connection<'_>,
        room_id: &str,
        body: &Guest,
    ) -> codegen::BuiltRequest {
        let room_id = encode_path(room_id);
        let url = format!("{}/rooms/{}/guests", to.base_url, room_id);
        to.client.post(url).json(&body).build()
    }

    pub(super) fn get_status(to: codegen::Connection<'_>) -> codegen::BuiltRequest {
        let url = format!("{}/status", to.base_url);
        to.client.get(url).build()
    }

    pub(super) fn whisper(to: codegen::Connection<'_>) -> codegen::BuiltRequest {
        let url = format!("{}/whisper", to.base_url);
        to.client.get(url).build()
    }

    pub(super) fn talk(
        to: codegen::Connection<'_>,
        body: &Question,
    ) -> codegen::BuiltRequest {
        let url = format!("{}/talk", to.base_url);
        to.client.post(url).json(&body).build()
    }

    pub(super) fn ask(
        to: codegen::Connection<'_>,
        room_id: &str,
        body: &Request,
    ) -> codegen::BuiltRequest {
        let room_id = encode_path(room_id);
        let url = format!("{}/ask/{}", to.base_url, room_id);
        to.client.post(url).json(&body).build()
    }

    pub(super) fn order(
        to: codegen::Connection<'_>,
        body: &Request,
    ) -> codegen::BuiltRequest {
        let url = format!("{}/order", to.base_url);
        to.client.post(url).json(&body).build()
    }
}

/// The handlers of the Fixture of the compiler. Implement this trait to serve it.
///
/// Pass your type to [`router`], or to [`Server`] to change the settings.
/// Write the handlers as `async fn`; their futures must be `Send`.
///
/// An example would be here.
pub trait Api: Send + Sync + 'static {
    /// Lists the guests of a room.
    ///
    /// Takes parameters from the path, the query and a header.
    fn list_guests(
        &self,
        parameters: ListGuestsParameters,
    ) -> impl Future<Output = Result<Vec<Guest>, server::Error>> + Send;

    /// Adds a guest to a room.
    ///
    /// Takes a parameter and a body.
    fn add_guest(
        &self,
        parameters: AddGuestParameters,
        request: Guest,
    ) -> impl Future<Output = Result<Vec<Guest>, server::Error>> + Send;

    /// Returns the state of the house.
    ///
    /// Takes nothing. A server may leave it out.
    #[deprecated]
    fn get_status(
        &self,
    ) -> impl Future<Output = Result<GuestList, server::Error>> + Send {
        async { Err(server::Error::unsupported()) }
    }

    /// Tells a secret.
    ///
    /// Takes credentials and answers with a stream. Served below two bases, with two spellings.
    fn whisper(
        &self,
        parameters: WhisperParameters,
        reply: &mut server::Sink<PacketWriter>,
    ) -> impl Future<Output = Result<(), server::Error>> + Send;

    /// Talks with a guest.
    ///
    /// Answers with a stream of events.
    fn talk(
        &self,
        request: Question,
        reply: &mut server::Sink<PacketWriter>,
    ) -> impl Future<Output = Result<(), server::Error>> + Send;

    /// Asks in a room.
    ///
    /// The body says whether the answer is a stream, whose end is marked.
    fn ask(
        &self,
        parameters: AskParameters,
        request: Request,
        reply: &mut server::Sink<PacketWriter>,
    ) -> impl Future<Output = Result<(), server::Error>> + Send;

    /// Orders something.
    ///
    /// The same without parameters, a failure, and an end that is marked.
    fn order(
        &self,
        request: Request,
        reply: &mut server::Sink<PacketWriter>,
    ) -> impl Future<Output = Result<(), server::Error>> + Send;
}

/// Serves an [`Api`] with the settings of [`server::Server`].
///
/// It has no settings of its own.
pub type Server<A> = server::Server<A, Rules>;

/// Returns the routes of `api` with the default settings. Use [`Server`] to change them.
///
/// [`Api`] has an example.
pub fn router<A: Api>(api: A) -> axum::Router {
    Server::new(api).router()
}

impl<A: Api> codegen::Routes<A> for Rules {
    const OPERATIONS: &'static [&'static wire::Operation] = &[
        &operations::LIST_GUESTS,
        &operations::ADD_GUEST,
        &operations::GET_STATUS,
        &operations::WHISPER,
        &operations::TALK,
        &operations::ASK,
        &operations::ORDER,
    ];

    fn routes(server: Server<A>) -> axum::Router {
        let router = axum::Router::new();
        let handler = axum::routing::get(codegen::answer::<A, calls::ListGuestsCall>);
        let router = server.route(router, &operations::LIST_GUESTS, handler);
        let handler = axum::routing::post(codegen::answer::<A, calls::AddGuestCall>);
        let router = server.route(router, &operations::ADD_GUEST, handler);
        let handler = axum::routing::get(codegen::answer::<A, calls::GetStatusCall>);
        let router = server.route(router, &operations::GET_STATUS, handler);
        let handler = axum::routing::get(codegen::events::<A, calls::WhisperCall>);
        let router = server.route(router, &operations::WHISPER, handler);
        let handler = axum::routing::post(codegen::events::<A, calls::TalkCall>);
        let router = server.route(router, &operations::TALK, handler);
        let handler = axum::routing::post(codegen::either::<A, calls::AskCall>);
        let router = server.route(router, &operations::ASK, handler);
        let handler = axum::routing::post(codegen::either::<A, calls::OrderCall>);
        let router = server.route(router, &operations::ORDER, handler);
        router.with_state(Arc::new(server))
    }
}

mod calls {
    use super::*;

    pub(super) struct ListGuestsCall;

    impl<A: Api> codegen::Call<A> for ListGuestsCall {
        type Rules = Rules;
        type Input = ListGuestsParameters;

        const OPERATION: &'static wire::Operation = &operations::LIST_GUESTS;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            let names = [
                (codegen::ParameterLocation::Path, "roomId"),
                (codegen::ParameterLocation::Query, "limit"),
                (codegen::ParameterLocation::Query, "detailed"),
                (codegen::ParameterLocation::Query, "mood"),
                (codegen::ParameterLocation::Header, "X-Trace-Id"),
                (codegen::ParameterLocation::Header, "key"),
            ];
            incoming.parameters(&names)
        }
    }

    impl<A: Api> codegen::AnswerCall<A> for ListGuestsCall {
        type Output = Vec<Guest>;

        async fn call(
            api: &A,
            parameters: ListGuestsParameters,
        ) -> Result<Self::Output, server::Error> {
            api.list_guests(parameters).await
        }
    }

    pub(super) struct AddGuestCall;

    impl<A: Api> codegen::Call<A> for AddGuestCall {
        type Rules = Rules;
        type Input = (AddGuestParameters, Guest);

        const OPERATION: &'static wire::Operation = &operations::ADD_GUEST;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            let names = [(codegen::ParameterLocation::Path, "roomId")];
            Ok((incoming.parameters(&names)?, incoming.body()?))
        }
    }

    impl<A: Api> codegen::AnswerCall<A> for AddGuestCall {
        type Output = Vec<Guest>;

        async fn call(
            api: &A,
            (parameters, request): (AddGuestParameters, Guest),
        ) -> Result<Self::Output, server::Error> {
            api.add_guest(parameters, request).await
        }
    }

    pub(super) struct GetStatusCall;

    impl<A: Api> codegen::Call<A> for GetStatusCall {
        type Rules = Rules;
        type Input = ();

        const OPERATION: &'static wire::Operation = &operations::GET_STATUS;

        fn read(_: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            Ok(())
        }
    }

    impl<A: Api> codegen::AnswerCall<A> for GetStatusCall {
        type Output = GuestList;

        async fn call(api: &A, (): ()) -> Result<Self::Output, server::Error> {
            api.get_status().await
        }
    }

    pub(super) struct WhisperCall;

    impl<A: Api> codegen::Call<A> for WhisperCall {
        type Rules = Rules;
        type Input = WhisperParameters;

        const OPERATION: &'static wire::Operation = &operations::WHISPER;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            let names = [(codegen::ParameterLocation::Header, "Authorization")];
            incoming.parameters(&names)
        }
    }

    impl<A: Api> codegen::EventsCall<A> for WhisperCall {
        async fn call(
            api: &A,
            parameters: WhisperParameters,
            reply: &mut server::Sink<PacketWriter>,
        ) -> Result<(), server::Error> {
            api.whisper(parameters, reply).await
        }
    }

    pub(super) struct TalkCall;

    impl<A: Api> codegen::Call<A> for TalkCall {
        type Rules = Rules;
        type Input = Question;

        const OPERATION: &'static wire::Operation = &operations::TALK;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            incoming.body()
        }
    }

    impl<A: Api> codegen::EventsCall<A> for TalkCall {
        async fn call(
            api: &A,
            request: Question,
            reply: &mut server::Sink<PacketWriter>,
        ) -> Result<(), server::Error> {
            api.talk(request, reply).await
        }
    }

    pub(super) struct AskCall;

    impl<A: Api> codegen::Call<A> for AskCall {
        type Rules = Rules;
        type Input = (AskParameters, Request);

        const OPERATION: &'static wire::Operation = &operations::ASK;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            let names = [(codegen::ParameterLocation::Path, "roomId")];
            Ok((incoming.parameters(&names)?, incoming.body()?))
        }
    }

    impl<A: Api> codegen::EventsCall<A> for AskCall {
        async fn call(
            api: &A,
            (parameters, request): (AskParameters, Request),
            reply: &mut server::Sink<PacketWriter>,
        ) -> Result<(), server::Error> {
            api.ask(parameters, request, reply).await
        }
    }

    impl<A: Api> codegen::EitherCall<A> for AskCall {
        fn streams((_, request): &(AskParameters, Request)) -> bool {
            request.aloud == Some(true)
        }
    }

    pub(super) struct OrderCall;

    impl<A: Api> codegen::Call<A> for OrderCall {
        type Rules = Rules;
        type Input = Request;

        const OPERATION: &'static wire::Operation = &operations::ORDER;

        fn read(incoming: &codegen::Incoming) -> Result<Self::Input, wire::DecodeError> {
            incoming.body()
        }
    }

    impl<A: Api> codegen::EventsCall<A> for OrderCall {
        async fn call(
            api: &A,
            request: Request,
            reply: &mut server::Sink<PacketWriter>,
        ) -> Result<(), server::Error> {
            api.order(request, reply).await
        }
    }

    impl<A: Api> codegen::EitherCall<A> for OrderCall {
        fn streams(request: &Request) -> bool {
            request.aloud == Some(true)
        }
    }
}
