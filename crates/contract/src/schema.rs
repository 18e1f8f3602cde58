//! The allowed values of a property, as far as Rust types can express them ([`Schema`]) and beyond ([`Check`]).

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
        min: usize,
        /// The maximum number of characters.
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
    /// One of these values, which have different JSON types.
    Enum(Vec<Value>),
    /// A list of items.
    Array {
        /// The schema of each item.
        items: Box<Self>,
        /// The minimum number of items.
        min: usize,
        /// The maximum number of items.
        max: Option<usize>,
    },
    /// An object with these properties; other properties are allowed too.
    Object(Vec<Property>),
    /// One value, or a list of such values.
    OneOrMany(Box<Self>),
    /// Any of several schemas, or exactly one of them. No Rust type expresses such a choice.
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
    /// A multiple of this number.
    MultipleOf(f64),
    /// An array has no duplicate items.
    UniqueItems,
    /// The number of properties of an object, both limits allowed.
    PropertyCount {
        /// The minimum number of properties.
        min: usize,
        /// The maximum number of properties.
        max: Option<usize>,
    },
    /// An object has only these properties.
    Closed(Vec<String>),
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

    /// This schema or `null`.
    pub fn or_null(self) -> Self {
        Self::alternatives(vec![self, Self::Null], false)
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
