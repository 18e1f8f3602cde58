//! The macros that define number ranges and enums for the generated code, and the checks that these types share.

use std::borrow::Cow;

use aimlapi_video_contract::as_integer;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::InvalidValue;
use crate::{Violation, contract::Schema};

/// A property type that can hold integers.
#[diagnostic::on_unimplemented(
    message = "a property of type `{Self}` does not take an integer",
    label = "the property takes `{Self}`, or a value that becomes one",
    note = "a string takes `&str` or `String`; media also `Media` or `Uri`; an integer every integer type"
)]
pub(crate) trait FromInteger: Sized {
    fn from_integer(value: i128) -> Result<Self, Violation>;
}

/// A property type that can hold floating-point numbers.
#[diagnostic::on_unimplemented(
    message = "a property of type `{Self}` does not take a floating-point number",
    label = "the property takes `{Self}`, or a value that becomes one",
    note = "a string takes `&str` or `String`; media also `Media` or `Uri`; an integer every integer type"
)]
pub(crate) trait FromFloat: Sized {
    fn from_float(number: f64) -> Result<Self, Violation>;
}

/// Checks that `value` is one of `values`.
pub(crate) fn listed(value: i128, values: &'static [i64]) -> Result<i64, Violation> {
    i64::try_from(value)
        .ok()
        .filter(|value| values.contains(value))
        .ok_or_else(|| {
            Violation::new(
                &json(value),
                Schema::IntegerEnum(values.to_vec()).allowed(),
                "enum",
            )
        })
}

/// Checks that `number` lies from `min` to `max`, both allowed.
pub(crate) fn within(
    number: f64,
    given: impl Into<Value>,
    min: f64,
    max: f64,
) -> Result<f64, Violation> {
    // JSON has no infinite numbers.
    if number.is_finite() && (min..=max).contains(&number) {
        return Ok(number);
    }
    let keyword = if number < min { "minimum" } else { "maximum" };
    let [min, max] = [min, max].map(|bound| Some(bound).filter(|bound| bound.is_finite()));
    Err(Violation::new(
        &given.into(),
        Schema::number(min, max).allowed(),
        keyword,
    ))
}

pub(crate) fn json(value: i128) -> Value {
    serde_json::Number::from_i128(value).map_or_else(|| value.to_string().into(), Value::Number)
}

/// Reads an integer. `5.0` is read as 5, since it is an integer in JSON Schema.
pub(crate) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    as_integer(&number)
        .ok_or_else(|| de::Error::custom(format_args!("{number} is not a 64-bit integer")))
}

/// Defines a type that holds numbers from `$min` to `$max`.
macro_rules! float {
    ($name:ident, $min:expr, $max:expr) => {
        #[doc = concat!("A number from ", stringify!($min), " to ", stringify!($max), ", both allowed.")]
        // Hidden, since the name contains the document's limits: if they become wider, a minor version replaces the type.
        // A program reads the number with `value`, which all these types have.
        #[doc(hidden)]
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, ::serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(f64);

        impl $name {
            /// The number.
            #[inline]
            pub const fn value(self) -> f64 {
                self.0
            }
        }

        impl crate::request::value::FromFloat for $name {
            #[inline]
            fn from_float(number: f64) -> ::std::result::Result<Self, crate::Violation> {
                crate::request::value::within(number, number, $min, $max).map(Self)
            }
        }

        impl crate::request::value::FromInteger for $name {
            #[inline]
            fn from_integer(value: i128) -> ::std::result::Result<Self, crate::Violation> {
                crate::request::value::within(value as f64, crate::request::value::json(value), $min, $max).map(Self)
            }
        }

        impl ::std::convert::TryFrom<f64> for $name {
            type Error = crate::value::InvalidValue;

            #[inline]
            fn try_from(number: f64) -> ::std::result::Result<Self, crate::value::InvalidValue> {
                crate::request::value::FromFloat::from_float(number).map_err(crate::value::InvalidValue::new)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            #[inline]
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let number: f64 = ::serde::Deserialize::deserialize(deserializer)?;
                Self::try_from(number).map_err(::serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use float;

/// A property type that is an enum of strings.
#[diagnostic::on_unimplemented(
    message = "a property of type `{Self}` does not take text",
    label = "the property takes `{Self}`, or a value that becomes one",
    note = "an integer takes every integer type, such as `5`; a number also `f32` or `f64`, such as `0.5`"
)]
pub(crate) trait StringEnum: Copy + 'static {
    const VALUES: &'static [(&'static str, Self)];

    #[inline]
    fn from_text(text: &str) -> Result<Self, Violation> {
        let mut values = Self::VALUES.iter();
        let found = values.find(|(value, _)| *value == text);
        found.map(|(_, variant)| *variant).ok_or_else(|| {
            let values = Self::VALUES.iter().map(|(value, _)| (*value).to_owned());
            let allowed = Schema::StringEnum(values.collect()).allowed();
            Violation::new(&text.into(), allowed, "enum")
        })
    }
}

/// Reads an enum of strings.
pub(crate) fn string_enum_from<'de, D: Deserializer<'de>, T: StringEnum>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = <Cow<'de, str>>::deserialize(deserializer)?;
    T::from_text(&text).map_err(|violation| de::Error::custom(InvalidValue::new(violation)))
}

/// Defines an enum of strings.
macro_rules! string_enum {
    ($name:ident, $owner:literal, [$($variant:ident = $value:literal),+]) => {
        #[doc = concat!("A value of [`", $owner, "`](crate::types::", $owner, ").")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $value, "`")] $variant),+
        }

        impl $name {
            /// The value in the JSON body.
            #[inline]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value),+
                }
            }
        }

        impl crate::request::value::StringEnum for $name {
            const VALUES: &'static [(&'static str, Self)] = &[$(($value, Self::$variant)),+];
        }

        impl ::std::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = crate::value::InvalidValue;

            #[inline]
            fn from_str(text: &str) -> ::std::result::Result<Self, crate::value::InvalidValue> {
                crate::request::value::StringEnum::from_text(text).map_err(crate::value::InvalidValue::new)
            }
        }

        impl ::serde::Serialize for $name {
            #[inline]
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            #[inline]
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                crate::request::value::string_enum_from(deserializer)
            }
        }
    };
}
pub(crate) use string_enum;

/// Defines an enum of integers.
macro_rules! integer_enum {
    ($name:ident, $owner:literal, [$($value:expr),+]) => {
        #[doc = concat!("An integer of [`", $owner, "`](crate::types::", $owner, "): ", stringify!($($value),+), ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ::serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// The integer.
            #[inline]
            pub const fn value(self) -> i64 {
                self.0
            }
        }

        impl crate::request::value::FromInteger for $name {
            #[inline]
            fn from_integer(value: i128) -> ::std::result::Result<Self, crate::Violation> {
                crate::request::value::listed(value, &[$($value),+]).map(Self)
            }
        }

        impl ::std::convert::TryFrom<i64> for $name {
            type Error = crate::value::InvalidValue;

            #[inline]
            fn try_from(value: i64) -> ::std::result::Result<Self, crate::value::InvalidValue> {
                crate::request::value::FromInteger::from_integer(value.into()).map_err(crate::value::InvalidValue::new)
            }
        }

        impl ::std::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            #[inline]
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                Self::try_from(crate::request::value::integer(deserializer)?).map_err(::serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use integer_enum;
