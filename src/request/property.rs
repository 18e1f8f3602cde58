//! The conversions of Rust values into the properties of a request, which the setters of builders accept.

use std::{collections::BTreeMap, fmt};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{
    media::{Media, MediaString, UriOrBase64},
    uri::Uri,
    value::{BoundedVec, FromFloat, FromInteger, Nullable, OneOrMany, StringEnum, Text, within},
};
use crate::Violation;

/// A value that can be converted into a property of type `T`.
///
/// Every setter of a builder takes `impl IntoProperty<T>`, so `duration(5)`, `aspect_ratio("16:9")` and
/// `dynamic_masks([...])` compile without a conversion. `build()` reports all values that the document does not allow.
///
/// | property | takes |
/// |---|---|
/// | string | `&str`, `String` |
/// | string from a list | `&str`, `String`, the generated enum |
/// | integer, with or without limits or a list | every integer type of Rust up to 64 bits |
/// | number | every integer type that fits, `f32`, `f64` |
/// | URL or inline media | `&str`, `String`, [`Media`], [`Uri`], [`MediaString`] |
/// | array | arrays and vectors of what the items take |
/// | object | the generated struct, or its builder |
/// | object of several kinds | the generated struct of one kind, its builder, or the generated enum |
/// | required, and may be `null` | what its type takes, or [`Nullable::Null`] |
///
/// Each setter also takes an `Option` of such a value: `None` omits the property.
///
/// ```
/// use aimlapi_video::types::KlingaiV2MasterTextToVideo;
///
/// let (seconds, negative_prompt): (Option<u8>, Option<String>) = (Some(10), None);
/// let request = KlingaiV2MasterTextToVideo::builder()
///     .prompt("A heron lands on a frozen lake")
///     .duration(seconds)
///     .negative_prompt(negative_prompt)
///     .build()?;
/// let body = serde_json::to_value(&request).unwrap();
/// assert_eq!(body["duration"], 10);
/// assert!(body.get("negative_prompt").is_none());
/// # Ok::<(), aimlapi_video::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a property of type `{T}` does not take `{Self}`",
    label = "the property takes `{T}`, or a value that becomes one",
    note = "a string takes `&str` or `String`; an integer every integer type; a number also `f32` or `f64`",
    note = "media take `&str`, `String`, `Media` or `Uri`; an array a `Vec` or an array of what its items take; an object its \
            struct or its builder",
    note = "each setter also takes an `Option` of its value: `None` leaves the property out"
)]
pub trait IntoProperty<T> {
    /// Converts the value; `None` omits the property.
    ///
    /// # Errors
    ///
    /// Every violation of the document by the value, with pointers relative to the value.
    fn into_property(self) -> Result<Option<T>, Vec<Violation>>;

    /// Converts the value for a property that also takes `null`; `None` omits the property.
    ///
    /// # Errors
    ///
    /// As [`into_property`](Self::into_property).
    fn into_nullable(self) -> Result<Option<Nullable<T>>, Vec<Violation>>
    where
        Self: Sized,
    {
        Ok(self.into_property()?.map(Nullable::Value))
    }
}

/// The types that properties have. `Option` is not one of them, so that setters can take it for every type.
pub(crate) trait PropertyType {}

impl<T: FromInteger> PropertyType for T {}

macro_rules! property_types {
    ($([$($generics:tt)*] $type:ty),* $(,)?) => {$(
        impl<$($generics)*> PropertyType for $type {}
    )*};
}

property_types!(
    [] bool,
    [] String,
    [] Value,
    [] Map<String, Value>,
    [] MediaString,
    [] Uri,
    [] UriOrBase64,
    [const MIN: usize, const MAX: usize] Text<MIN, MAX>,
    [T, const MIN: usize, const MAX: usize] BoundedVec<T, MIN, MAX>,
    [T] OneOrMany<T>,
);

/// The properties that a builder has collected: JSON values, and the violations of values that the document does not allow.
#[derive(Clone, Default)]
pub(crate) struct Properties(BTreeMap<&'static str, Result<Value, Vec<Violation>>>);

impl Properties {
    pub(crate) fn set<T: Serialize>(
        self,
        property: &'static str,
        value: impl IntoProperty<T>,
    ) -> Self {
        self.put(property, value.into_property())
    }

    #[allow(dead_code, reason = "no published document has such a property")]
    pub(crate) fn set_nullable<T: Serialize>(
        self,
        property: &'static str,
        value: impl IntoProperty<T>,
    ) -> Self {
        self.put(property, value.into_nullable())
    }

    fn put<T: Serialize>(
        mut self,
        property: &'static str,
        value: Result<Option<T>, Vec<Violation>>,
    ) -> Self {
        match value.map(|value| value.map(to_json)) {
            Ok(Some(value)) => self.0.insert(property, value),
            Ok(None) => self.0.remove(property),
            Err(violations) => self.0.insert(property, Err(violations)),
        };
        self
    }

    /// Sets a property whose value the type of the builder determines.
    pub(crate) fn with(mut self, property: &'static str, value: &str) -> Self {
        self.0.insert(property, Ok(value.into()));
        self
    }

    /// Reads the finished value; `required` holds the name and the allowed values of each required property.
    pub(crate) fn finish<T: DeserializeOwned>(
        mut self,
        required: &[(&'static str, &str)],
    ) -> Result<T, Vec<Violation>> {
        for (property, allowed) in required {
            let missing = || Err(vec![Violation::missing(*allowed)]);
            self.0.entry(property).or_insert_with(missing);
        }
        let mut body = Map::new();
        let mut found = Vec::new();
        for (property, value) in self.0 {
            match value {
                Ok(value) => {
                    body.insert(property.to_owned(), value);
                }
                Err(violations) => {
                    found.extend(violations.into_iter().map(|found| found.under(property)));
                }
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        let body = Value::Object(body);
        T::deserialize(body).map_err(|error| vec![unreadable(&error)])
    }
}

/// Shows the names of the properties only, as the `Debug` output of a request does.
impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

fn to_json(value: impl Serialize) -> Result<Value, Vec<Violation>> {
    serde_json::to_value(value).map_err(|error| vec![unreadable(&error)])
}

/// A violation for values that the types of this crate do not have.
fn unreadable(error: &serde_json::Error) -> Violation {
    Violation::new(&Value::Null, error.to_string(), "type")
}

impl<T: PropertyType> IntoProperty<T> for T {
    fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
        Ok(Some(self))
    }
}

impl<T, V: IntoProperty<T>> IntoProperty<T> for Option<V> {
    fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
        self.map_or(Ok(None), V::into_property)
    }

    fn into_nullable(self) -> Result<Option<Nullable<T>>, Vec<Violation>> {
        self.map_or(Ok(None), V::into_nullable)
    }
}

impl<T> IntoProperty<T> for Nullable<T> {
    fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
        match self {
            Self::Value(value) => Ok(Some(value)),
            Self::Null => {
                let allowed = "a value; `null` only where a request needs the property";
                Err(vec![Violation::new(&Value::Null, allowed, "type")])
            }
        }
    }

    fn into_nullable(self) -> Result<Option<Self>, Vec<Violation>> {
        Ok(Some(self))
    }
}

/// Implements the conversion of borrowed text for every property that takes a `String`.
macro_rules! borrowed_text {
    ($([$($bounds:tt)*] $target:ty),*) => {$(
        impl<$($bounds)*> IntoProperty<$target> for &str {
            fn into_property(self) -> Result<Option<$target>, Vec<Violation>> {
                self.to_owned().into_property()
            }
        }

        impl<$($bounds)*> IntoProperty<$target> for &String {
            fn into_property(self) -> Result<Option<$target>, Vec<Violation>> {
                self.clone().into_property()
            }
        }
    )*};
}

borrowed_text!(
    [] String, [] Uri, [] UriOrBase64, [] MediaString,
    [const MIN: usize, const MAX: usize] Text<MIN, MAX>
);

impl IntoProperty<MediaString> for String {
    fn into_property(self) -> Result<Option<MediaString>, Vec<Violation>> {
        Ok(Some(self.into()))
    }
}

impl IntoProperty<MediaString> for Media {
    fn into_property(self) -> Result<Option<MediaString>, Vec<Violation>> {
        self.into_uri().into_property()
    }
}

impl IntoProperty<MediaString> for Uri {
    fn into_property(self) -> Result<Option<MediaString>, Vec<Violation>> {
        String::from(self).into_property()
    }
}

impl IntoProperty<UriOrBase64> for String {
    fn into_property(self) -> Result<Option<UriOrBase64>, Vec<Violation>> {
        one(UriOrBase64::try_from(self).map_err(|error| error.violation()))
    }
}

impl IntoProperty<UriOrBase64> for Media {
    fn into_property(self) -> Result<Option<UriOrBase64>, Vec<Violation>> {
        self.into_uri().into_property()
    }
}

impl IntoProperty<UriOrBase64> for Uri {
    fn into_property(self) -> Result<Option<UriOrBase64>, Vec<Violation>> {
        String::from(self).into_property()
    }
}

impl<T: StringEnum> IntoProperty<T> for &str {
    fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
        one(T::from_text(self))
    }
}

impl<T: StringEnum> IntoProperty<T> for String {
    fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
        self.as_str().into_property()
    }
}

impl IntoProperty<Uri> for String {
    fn into_property(self) -> Result<Option<Uri>, Vec<Violation>> {
        one(Uri::try_from(self).map_err(|error| error.violation()))
    }
}

impl IntoProperty<Uri> for Media {
    fn into_property(self) -> Result<Option<Uri>, Vec<Violation>> {
        Ok(Some(self.into_uri()))
    }
}

impl<const MIN: usize, const MAX: usize> IntoProperty<Text<MIN, MAX>> for String {
    fn into_property(self) -> Result<Option<Text<MIN, MAX>>, Vec<Violation>> {
        one(Text::new(self).map_err(|error| error.violation()))
    }
}

/// Implements the conversion of a single URL or medium for properties that also allow a list.
macro_rules! one_of_many {
    ($($source:ty),*) => {$(
        impl IntoProperty<OneOrMany<Uri>> for $source {
            fn into_property(self) -> Result<Option<OneOrMany<Uri>>, Vec<Violation>> {
                Ok(self.into_property()?.map(OneOrMany::One))
            }
        }
    )*};
}

one_of_many!(&str, &String, String, Media, Uri);

impl<T, V: IntoProperty<T>> IntoProperty<OneOrMany<T>> for Vec<V> {
    fn into_property(self) -> Result<Option<OneOrMany<T>>, Vec<Violation>> {
        items(self).map(|items| Some(OneOrMany::Many(items)))
    }
}

impl<T, V: IntoProperty<T>, const N: usize> IntoProperty<OneOrMany<T>> for [V; N] {
    fn into_property(self) -> Result<Option<OneOrMany<T>>, Vec<Violation>> {
        Vec::from(self).into_property()
    }
}

impl<T, V: IntoProperty<T>, const MIN: usize, const MAX: usize>
    IntoProperty<BoundedVec<T, MIN, MAX>> for Vec<V>
{
    fn into_property(self) -> Result<Option<BoundedVec<T, MIN, MAX>>, Vec<Violation>> {
        one(BoundedVec::new(items(self)?).map_err(|error| error.violation()))
    }
}

impl<T, V: IntoProperty<T>, const N: usize, const MIN: usize, const MAX: usize>
    IntoProperty<BoundedVec<T, MIN, MAX>> for [V; N]
{
    fn into_property(self) -> Result<Option<BoundedVec<T, MIN, MAX>>, Vec<Violation>> {
        Vec::from(self).into_property()
    }
}

/// Implements the conversion of integers. They are converted to `i128` first, so that a violation shows a value that does not
/// fit unchanged.
macro_rules! integers {
    ($($source:ty),*) => {$(
        impl<T: FromInteger> IntoProperty<T> for $source {
            fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
                one(T::from_integer(self as i128))
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! floats {
    ($($source:ty),*) => {$(
        impl<T: FromFloat> IntoProperty<T> for $source {
            fn into_property(self) -> Result<Option<T>, Vec<Violation>> {
                one(T::from_float(self.into()))
            }
        }
    )*};
}

floats!(f32, f64);

/// Implements the conversion into a number without limits, for the types that `f64` represents exactly.
macro_rules! widening {
    ($($source:ty),*) => {$(
        impl IntoProperty<f64> for $source {
            fn into_property(self) -> Result<Option<f64>, Vec<Violation>> {
                let number = self.into();
                one(within(number, number, f64::NEG_INFINITY, f64::INFINITY))
            }
        }
    )*};
}

widening!(i8, i16, i32, u8, u16, u32, f32, f64);

fn one<T>(value: Result<T, Violation>) -> Result<Option<T>, Vec<Violation>> {
    value.map(Some).map_err(|violation| vec![violation])
}

/// Converts the items of an array. An item cannot be omitted, since the indices of the following items would change.
fn items<T, V: IntoProperty<T>>(values: Vec<V>) -> Result<Vec<T>, Vec<Violation>> {
    let mut items = Vec::with_capacity(values.len());
    let mut found = Vec::new();
    for (index, value) in values.into_iter().enumerate() {
        let violations = match value.into_property() {
            Ok(Some(item)) => {
                items.push(item);
                continue;
            }
            Ok(None) => vec![Violation::missing("an item; omit the whole array instead")],
            Err(violations) => violations,
        };
        let index = index.to_string();
        found.extend(
            violations
                .into_iter()
                .map(|violation| violation.under(&index)),
        );
    }
    if found.is_empty() {
        Ok(items)
    } else {
        Err(found)
    }
}
