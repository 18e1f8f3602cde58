//! The allowed values of a property, as far as Rust types can express them ([`Schema`]) and beyond ([`Check`]).

use std::{collections::HashSet, fmt};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::Property;

/// The values that a document allows for a property.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_enums,
    reason = "every reader has to handle every kind of constraint"
)]
pub enum Schema {
    /// Any value.
    Any,
    /// `true` or `false`.
    Boolean,
    /// Integers within limits, both allowed.
    Integer {
        /// The lowest integer.
        min: Option<i64>,
        /// The highest integer.
        max: Option<i64>,
    },
    /// Numbers within limits, both allowed.
    Number {
        /// The lowest number.
        min: Option<f64>,
        /// The highest number.
        max: Option<f64>,
    },
    /// Text whose number of characters (Unicode scalar values) is within limits, both allowed.
    String {
        /// The minimum number of characters.
        #[serde(deserialize_with = "size")]
        min: usize,
        /// The maximum number of characters.
        #[serde(deserialize_with = "max_size")]
        max: Option<usize>,
    },
    /// An absolute URI, data URIs included.
    Uri,
    /// An absolute URI, or base64 text of media if the document's prose allows such text.
    UriOrBase64,
    /// Text that is media: a URL, a data URI or base64 text. The document states no format.
    Media,
    /// One of these strings.
    StringEnum(Vec<String>),
    /// One of these integers.
    IntegerEnum(Vec<i64>),
    /// One of these values, which no generated enum can hold.
    Enum(Vec<Value>),
    /// A list of items.
    Array {
        /// The schema of each item.
        items: Box<Self>,
        /// The minimum number of items.
        #[serde(deserialize_with = "size")]
        min: usize,
        /// The maximum number of items.
        #[serde(deserialize_with = "max_size")]
        max: Option<usize>,
    },
    /// An object with these properties; other properties are allowed too.
    Object(Vec<Property>),
    /// One value, or a list of such values.
    OneOrMany(Box<Self>),
    /// Any of several schemas, or exactly one of them. A Rust type expresses such a choice if the alternatives are
    /// [tagged](Self::tagged).
    Alternatives {
        /// The schemas.
        arms: Vec<Self>,
        /// Whether a value must fit exactly one of them.
        exactly_one: bool,
    },
    /// `null`, as an arm of [`Alternatives`](Self::Alternatives).
    Null,
    /// A schema that a Rust type expresses, and constraints that no Rust type expresses.
    Checked {
        /// The schema that the type expresses.
        schema: Box<Self>,
        /// The additional constraints.
        checks: Vec<Check>,
    },
}

/// A constraint that no Rust type expresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_enums,
    reason = "every reader has to handle every kind of constraint"
)]
pub enum Check {
    /// Greater than this number.
    Above(f64),
    /// Less than this number.
    Below(f64),
    /// A multiple of this number, both as decimals: 0.3 is one of 0.1, and 0.30000000000000004 is not.
    MultipleOf(f64),
    /// An array has no duplicate items.
    UniqueItems,
    /// The number of properties of an object, both limits allowed.
    PropertyCount {
        /// The minimum number of properties.
        #[serde(deserialize_with = "size")]
        min: usize,
        /// The maximum number of properties.
        #[serde(deserialize_with = "max_size")]
        max: Option<usize>,
    },
    /// An object has only these properties.
    Closed(Vec<String>),
    /// The values of all other properties of an object fit a schema.
    Additional {
        /// The properties that the schema does not apply to.
        known: Vec<String>,
        /// The schema.
        schema: Schema,
    },
    /// The value also fits this schema.
    AllOf(Schema),
    /// A keyword that only the service checks, since the library cannot.
    Unchecked {
        /// The keyword of the document.
        keyword: String,
        /// The keyword's value.
        value: Value,
    },
}

impl Schema {
    /// An integer within limits.
    pub fn integer(min: Option<i64>, max: Option<i64>) -> Self {
        Self::Integer { min, max }
    }

    /// A number within limits.
    pub fn number(min: Option<f64>, max: Option<f64>) -> Self {
        Self::Number { min, max }
    }

    /// Text with a number of characters within limits.
    pub fn string(min: usize, max: Option<usize>) -> Self {
        Self::String { min, max }
    }

    /// A list with a number of items within limits.
    pub fn array(items: Self, min: usize, max: Option<usize>) -> Self {
        Self::Array {
            items: Box::new(items),
            min,
            max,
        }
    }

    /// Any of `arms`, or exactly one of them.
    pub fn alternatives(arms: Vec<Self>, exactly_one: bool) -> Self {
        Self::Alternatives { arms, exactly_one }
    }

    /// This schema or `null`, which joins the arms of a choice.
    pub fn or_null(self) -> Self {
        let mut arms = match self {
            Self::Alternatives {
                arms,
                exactly_one: false,
            } => arms,
            schema => vec![schema],
        };
        if !arms.contains(&Self::Null) {
            arms.push(Self::Null);
        }
        Self::alternatives(arms, false)
    }

    /// This schema with additional constraints.
    pub fn checked(self, checks: Vec<Check>) -> Self {
        Self::Checked {
            schema: Box::new(self),
            checks,
        }
    }

    /// The part of the schema that a Rust type expresses.
    pub fn typed(&self) -> &Self {
        match self {
            Self::Checked { schema, .. } => schema.typed(),
            schema => schema,
        }
    }

    /// The property that distinguishes alternatives, and each alternative by its value; `None` unless all are objects that
    /// require this property with one value each, all different.
    pub fn tagged(&self) -> Option<(&str, Vec<(&str, &Self)>)> {
        let Self::Alternatives { arms, .. } = self else {
            return None;
        };
        let with = |name: &str| {
            let mut values = HashSet::new();
            let tagged: Option<Vec<(&str, &Self)>> = arms
                .iter()
                .map(|arm| {
                    let value = arm.only_value(name)?;
                    values.insert(value).then_some((value, arm))
                })
                .collect();
            tagged.filter(|tagged| tagged.len() > 1)
        };
        let mut names = arms.first()?.properties().iter().map(|tag| &*tag.name);
        names.find_map(|name| Some((name, with(name)?)))
    }

    /// The values that distinguish tagged alternatives, in their order; none for other schemas.
    pub fn tag_values(&self) -> Vec<String> {
        let (_, arms) = self.tagged().unwrap_or_default();
        arms.iter().map(|(value, _)| (*value).to_owned()).collect()
    }

    /// The one of tagged alternatives that the tag of a value selects.
    pub(crate) fn arm(&self, value: &Value) -> Option<&Self> {
        let (tag, arms) = self.tagged()?;
        let given = value.get(tag)?;
        let mut arms = arms.into_iter();
        arms.find(|(value, _)| given == value).map(|(_, arm)| arm)
    }

    /// The one value of a property that an object requires.
    fn only_value(&self, name: &str) -> Option<&str> {
        let mut properties = self.properties().iter();
        let property = properties.find(|property| property.name == name)?;
        match &property.schema {
            Self::StringEnum(values) if property.required && !property.nullable => {
                (values.len() == 1).then(|| &*values[0])
            }
            _ => None,
        }
    }

    /// The properties of an object.
    pub(crate) fn properties(&self) -> &[Property] {
        match self.typed() {
            Self::Object(properties) => properties,
            _ => &[],
        }
    }

    /// The JSON type of the schema's values.
    pub fn json_type(&self) -> JsonType {
        match self {
            Self::Any | Self::Alternatives { .. } | Self::Enum(_) | Self::OneOrMany(_) => {
                JsonType::Any
            }
            Self::Null => JsonType::Null,
            Self::Boolean => JsonType::Boolean,
            Self::Integer { .. } | Self::IntegerEnum(_) => JsonType::Integer,
            Self::Number { .. } => JsonType::Number,
            Self::String { .. }
            | Self::Uri
            | Self::UriOrBase64
            | Self::Media
            | Self::StringEnum(_) => JsonType::String,
            Self::Array { .. } => JsonType::Array,
            Self::Object(_) => JsonType::Object,
            Self::Checked { schema, .. } => schema.json_type(),
        }
    }
}

impl Check {
    /// The number of properties of an object within limits.
    pub fn property_count(min: usize, max: Option<usize>) -> Self {
        Self::PropertyCount { min, max }
    }

    /// A keyword that only the service checks.
    pub fn unchecked(keyword: impl Into<String>, value: Value) -> Self {
        Self::Unchecked {
            keyword: keyword.into(),
            value,
        }
    }
}

/// The JSON type of a schema's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JsonType {
    /// Any type.
    Any,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

impl JsonType {
    /// The name of the type in JSON Schema; `any value` for [`Any`](Self::Any).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }
}

impl fmt::Display for JsonType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Reads a size, which may be greater than this machine's `usize`: the machine that wrote it may have a wider one.
fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    u64::deserialize(deserializer).map(|size| usize::try_from(size).unwrap_or(usize::MAX))
}

fn max_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let size: Option<u64> = Option::deserialize(deserializer)?;
    Ok(size.map(|size| usize::try_from(size).unwrap_or(usize::MAX)))
}
