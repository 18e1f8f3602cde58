//! The value types of properties, each of which holds only values that a document allows.
//!
//! [`Int`], [`Text`] and [`BoundedVec`] take their limits as const parameters; the macros define the enums and the bounded
//! numbers of the generated code.

mod define;

use std::{fmt, ops::Deref, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned},
};
use serde_json::Value;

pub(crate) use define::{
    FromFloat, FromInteger, StringEnum, float, integer, integer_enum, json, listed, string_enum,
    string_enum_from, within,
};

use crate::{Violation, contract::Schema};

/// Any 64-bit integer; JSON may write it as `5` or `5.0`.
pub type Integer = Int<{ i64::MIN }, { i64::MAX }>;

/// An integer from `MIN` to `MAX`, both allowed.
///
/// The limits of a property come from its document, and may become wider in a minor version of this crate. A program that must
/// compile with such a version reads the integer with [`value`](Int::value) and does not name the limits.
///
/// ```
/// use aimlapi_video::value::Int;
///
/// let amount = Int::<-10, 10>::new(4)?;
/// assert_eq!(amount.value(), 4);
/// let error = Int::<-10, 10>::new(11).unwrap_err();
/// assert_eq!(error.to_string(), "11 is not allowed; allowed: -10 to 10");
/// # Ok::<(), aimlapi_video::value::InvalidValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Int<const MIN: i64, const MAX: i64>(i64);

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// Converts `value` if it lies within the limits.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] with the value and the allowed values.
    pub fn new(value: i64) -> Result<Self, InvalidValue> {
        Self::from_integer(value.into()).map_err(InvalidValue)
    }

    /// The integer.
    pub const fn value(self) -> i64 {
        self.0
    }
}

impl<const MIN: i64, const MAX: i64> FromInteger for Int<MIN, MAX> {
    fn from_integer(value: i128) -> Result<Self, Violation> {
        let fits = |value: &i64| (MIN..=MAX).contains(value);
        i64::try_from(value)
            .ok()
            .filter(fits)
            .map(Self)
            .ok_or_else(|| {
                let min = (MIN > i64::MIN).then_some(MIN);
                let max = (MAX < i64::MAX).then_some(MAX);
                let keyword = if value < MIN.into() {
                    "minimum"
                } else {
                    "maximum"
                };
                Violation::new(&json(value), Schema::integer(min, max).allowed(), keyword)
            })
    }
}

impl<const MIN: i64, const MAX: i64> TryFrom<i64> for Int<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(value: i64) -> Result<Self, InvalidValue> {
        Self::new(value)
    }
}

impl<const MIN: i64, const MAX: i64> From<Int<MIN, MAX>> for i64 {
    fn from(int: Int<MIN, MAX>) -> Self {
        int.0
    }
}

impl<const MIN: i64, const MAX: i64> fmt::Display for Int<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Int<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(integer(deserializer)?).map_err(de::Error::custom)
    }
}

/// A list of `MIN` to `MAX` items, both allowed.
///
/// The limits come from the document, as those of an [`Int`]; the list dereferences to a slice.
///
/// ```
/// use aimlapi_video::value::BoundedVec;
///
/// let points = BoundedVec::<_, 2, 77>::new(vec![1, 2, 3])?;
/// assert_eq!(points.len(), 3);
/// assert!(BoundedVec::<_, 2, 77>::new(vec![1]).is_err());
/// # Ok::<(), aimlapi_video::value::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct BoundedVec<T, const MIN: usize, const MAX: usize>(Vec<T>);

impl<T, const MIN: usize, const MAX: usize> BoundedVec<T, MIN, MAX> {
    /// Converts `items` if their number lies within the limits.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] with the number and the allowed numbers.
    pub fn new(items: Vec<T>) -> Result<Self, InvalidValue> {
        if (MIN..=MAX).contains(&items.len()) {
            return Ok(Self(items));
        }
        let max = (MAX < usize::MAX).then_some(MAX);
        let allowed = Schema::array(Schema::Any, MIN, max).allowed();
        let keyword = if items.len() < MIN {
            "minItems"
        } else {
            "maxItems"
        };
        let given = Value::from(format!("an array of {}", items.len()));
        Err(InvalidValue(Violation::new(&given, allowed, keyword)))
    }

    /// Converts the list into its items.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for BoundedVec<T, MIN, MAX> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> TryFrom<Vec<T>> for BoundedVec<T, MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(items: Vec<T>) -> Result<Self, InvalidValue> {
        Self::new(items)
    }
}

impl<T, const MIN: usize, const MAX: usize> From<BoundedVec<T, MIN, MAX>> for Vec<T> {
    fn from(items: BoundedVec<T, MIN, MAX>) -> Self {
        items.0
    }
}

impl<T, const MIN: usize, const MAX: usize> AsRef<[T]> for BoundedVec<T, MIN, MAX> {
    fn as_ref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> IntoIterator for BoundedVec<T, MIN, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T, const MIN: usize, const MAX: usize> IntoIterator for &'a BoundedVec<T, MIN, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Deserialize<'de>
    for BoundedVec<T, MIN, MAX>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A size of a document, which may be greater than any that the target has.
#[allow(dead_code, reason = "no published document has such a size")]
pub(crate) const fn size(size: u64) -> usize {
    if size > usize::MAX as u64 {
        usize::MAX
    } else {
        size as usize
    }
}

/// Text of `MIN` to `MAX` characters (Unicode scalar values), both allowed.
///
/// The limits come from the document, as those of an [`Int`]; [`as_str`](Text::as_str) returns the text.
///
/// ```
/// use aimlapi_video::value::Text;
///
/// assert_eq!(Text::<1, 4>::new("été")?.as_str(), "été");
/// assert!(Text::<1, 4>::new("").is_err());
/// # Ok::<(), aimlapi_video::value::InvalidValue>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    /// Converts `text` if the number of its characters lies within the limits.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`] with the text and the allowed length.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidValue> {
        let text = text.into();
        let max = (MAX < usize::MAX).then_some(MAX);
        let schema = Schema::string(MIN, max);
        let count = text.chars().count();
        if (MIN..=MAX).contains(&count) {
            return Ok(Self(text));
        }
        let keyword = if count < MIN {
            "minLength"
        } else {
            "maxLength"
        };
        Err(InvalidValue(Violation::new(
            &text.into(),
            schema.allowed(),
            keyword,
        )))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Text<MIN, MAX> {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl<const MIN: usize, const MAX: usize> TryFrom<String> for Text<MIN, MAX> {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::new(text)
    }
}

impl<const MIN: usize, const MAX: usize> From<Text<MIN, MAX>> for String {
    fn from(text: Text<MIN, MAX>) -> Self {
        text.0
    }
}

impl<const MIN: usize, const MAX: usize> AsRef<str> for Text<MIN, MAX> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Text<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// One value, or a list of such values; the document allows both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
#[allow(clippy::exhaustive_enums, reason = "one and many cover every case")]
pub enum OneOrMany<T> {
    /// One value, serialised without an array.
    One(T),
    /// A list, serialised as an array.
    Many(Vec<T>),
}

/// A value or `null`, of a property that every request has to have.
///
/// ```
/// use aimlapi_video::value::Nullable;
///
/// let seed: Nullable<u32> = serde_json::from_str("null")?;
/// assert_eq!(seed, Nullable::Null);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
#[allow(clippy::exhaustive_enums, reason = "a value is `null` or not")]
pub enum Nullable<T> {
    /// `null`.
    Null,
    /// A value.
    Value(T),
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // An `Option` would be read from an absent property, too.
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self::Null),
            value => T::deserialize(value)
                .map(Self::Value)
                .map_err(de::Error::custom),
        }
    }
}

/// The error of a value that its type does not allow.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidValue(Violation);

impl InvalidValue {
    pub(crate) fn new(violation: Violation) -> Self {
        Self(violation)
    }

    /// The violation: the value, the allowed values, and the keyword that limits them.
    pub fn violation(self) -> Violation {
        self.0
    }
}

impl fmt::Display for InvalidValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = self.0.given.as_ref().unwrap_or(&Value::Null);
        write!(f, "{given} is not allowed; allowed: {}", self.0.allowed)
    }
}

impl std::error::Error for InvalidValue {}
