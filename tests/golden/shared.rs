// Compiled from `specs/shared.yaml`. Change the spec, not this file.
use ::callbot::wire;

/// Where somebody lives.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
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
        serialize_with = "wire::As::<wire::JsonText>::serialize"
    )]
    pub tags: Vec<String>,
}

impl Address {
    /// With the fields that must be there; all others are absent.
    #[must_use]
    pub fn new(city: impl Into<String>) -> Self {
        Self {
            city: city.into(),
            note: Default::default(),
            tags: Default::default(),
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
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = String>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> serde::de::Visitor<'de> for Fields {
            type Value = Address;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: serde::de::MapAccess<'de>>(
                self,
                mut map_: M,
            ) -> Result<Address, M::Error> {
                let mut city: Option<String> = None;
                let mut note: Option<String> = None;
                let mut tags: Option<Vec<String>> = None;
                while let Some(key_) = map_.next_key::<wire::Key<'de>>()? {
                    match key_.as_str() {
                        "city" => city = map_.next_value()?,
                        "note" => note = map_.next_value()?,
                        "tags" => {
                            tags = map_
                                .next_value::<
                                    wire::ReadAs<Option<Vec<String>>, Option<wire::JsonText>>,
                                >()?
                                .into_inner();
                        }
                        _ => {
                            map_.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(Address {
                    city: city.ok_or_else(|| serde::de::Error::missing_field("city"))?,
                    note,
                    tags: tags.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl wire::Validate for Address {
    fn check(&self, report: &mut wire::Report<'_>) {
        report.field("city").length(&self.city, 1..);
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Address {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Address".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::", "Address").into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        wire::schema_of(
            r##"{
  "type": "object",
  "description": "Where somebody lives.",
  "required": [
    "city"
  ],
  "properties": {
    "city": {
      "type": "string",
      "minLength": 1,
      "description": "The city."
    },
    "note": {
      "type": [
        "string",
        "null"
      ],
      "description": "Anything else."
    },
    "tags": {
      "type": "string",
      "contentMediaType": "application/json",
      "contentSchema": {
        "type": "array",
        "items": {
          "type": "string"
        }
      },
      "description": "Tags, as JSON in a string."
    }
  }
}"##,
            &mut |_| None,
        )
    }
}
