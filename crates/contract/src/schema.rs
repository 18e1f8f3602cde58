use std::fmt;

use serde::{Deserialize, Serialize};
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
        /// The least integer.
        min: Option<i64>,
        /// The greatest integer.
        max: Option<i64>,
    },
    /// Numbers within limits, both allowed.
    Number {
        /// The least number.
        min: Option<f64>,
        /// The greatest number.
        max: Option<f64>,
    },
    /// Text of a number of characters (Unicode scalar values) within limits, both allowed.
    String {
        /// The least number of characters.
        min: usize,
        /// The greatest number of characters.
        max: Option<usize>,
    },
    /// An absolute URI, data URIs included.
    Uri,
    /// An absolute URI, or base64 text of media, where the document's prose allows it.
    UriOrBase64,
    /// Text that is media: a URL, a data URI or base64 text, where the document states no format.
    Media,
    /// One of these strings.
    StringEnum(Vec<String>),
    /// One of these integers.
    IntegerEnum(Vec<i64>),
    /// One of these values, which have no type in common.
    Enum(Vec<Value>),
    /// A list of items.
    Array {
        /// The schema of each item.
        items: Box<Self>,
        /// The least number of items.
        min: usize,
        /// The greatest number of items.
        max: Option<usize>,
    },
    /// An object with these properties; others are let through.
    Object(Vec<Property>),
    /// One value, or a list of such values.
    OneOrMany(Box<Self>),
    /// Any of several schemas, or exactly one of them. No Rust type holds it.
    Alternatives {
        /// The schemas.
        arms: Vec<Self>,
        /// Whether a value must fit exactly one of them.
        exactly_one: bool,
    },
    /// `null`, as an arm of [`Alternatives`](Self::Alternatives).
    Null,
    /// A schema that a Rust type holds, and constraints that no type holds.
    Checked {
        /// What the type holds.
        schema: Box<Self>,
        /// The constraints beside it.
        checks: Vec<Check>,
    },
}

/// A constraint that no Rust type holds.
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
    /// A multiple of this number.
    MultipleOf(f64),
    /// An array holds no item twice.
    UniqueItems,
    /// The number of properties of an object, both limits allowed.
    PropertyCount {
        /// The least number of properties.
        min: usize,
        /// The greatest number of properties.
        max: Option<usize>,
    },
    /// An object has no property but these.
    Closed(Vec<String>),
    /// The value fits another schema, too.
    AllOf(Schema),
    /// A keyword that the service alone judges, since its check needs more than the library has.
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

    /// This schema or `null`.
    pub fn or_null(self) -> Self {
        Self::alternatives(vec![self, Self::Null], false)
    }

    /// This schema and constraints beside it.
    pub fn checked(self, checks: Vec<Check>) -> Self {
        Self::Checked {
            schema: Box::new(self),
            checks,
        }
    }

    /// The part of it that a Rust type holds.
    pub fn typed(&self) -> &Self {
        match self {
            Self::Checked { schema, .. } => schema.typed(),
            schema => schema,
        }
    }

    /// The JSON type of its values.
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

    /// A keyword that the service alone judges.
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
    /// Its name in JSON Schema; `any value` for [`Any`](Self::Any).
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
