//! Setting a property of a request: what a setter takes, and what it says when the value is not allowed.

use std::str::FromStr;

use crate::{
    BoundedVec, Media, MediaString, OneOrMany, Text, Uri, UriOrBase64, Violation,
    bounded::{FromFloat, FromInteger},
    contract::Schema,
};

/// A value that a request's property can be set to.
///
/// Every setter of a builder takes `impl IntoProperty<T>`, so `duration(5)`, `aspect_ratio("16:9")` and
/// `dynamic_masks([...])` work as they stand, and a value that the document does not allow is told by `build()` together
/// with all the others.
///
/// | property | takes |
/// |---|---|
/// | string | `&str`, `String` |
/// | string from a list | `&str`, `String`, the generated enum |
/// | integer, with or without limits or a list | every integer type of Rust up to 64 bits |
/// | number | every integer type that fits, `f32`, `f64` |
/// | link or inline media | `&str`, `String`, [`Media`], [`Uri`], [`MediaString`] |
/// | array | arrays and vectors of what the items take |
/// | object | the generated struct, or its builder |
pub trait IntoProperty<T> {
    /// Converts the value.
    ///
    /// # Errors
    ///
    /// Everything about the value that the document does not allow, with pointers relative to it.
    fn into_property(self) -> Result<T, Vec<Violation>>;
}

/// The enums that the generator makes of a list of strings.
pub(crate) trait Choice: FromStr {
    const VALUES: &'static [&'static str];
}

/// What a builder keeps of one property.
#[derive(Clone, Debug)]
pub(crate) struct Slot<T>(Option<Result<T, Vec<Violation>>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Slot<T> {
    pub(crate) fn new(property: &str, value: impl IntoProperty<T>) -> Self {
        let under = |violations: Vec<Violation>| {
            violations
                .into_iter()
                .map(|found| found.under(property))
                .collect()
        };
        Self(Some(value.into_property().map_err(under)))
    }

    pub(crate) fn required(
        self,
        property: &str,
        allowed: &str,
        found: &mut Vec<Violation>,
    ) -> Option<T> {
        if self.0.is_none() {
            found.push(Violation::missing(allowed).under(property));
        }
        self.optional(found)
    }

    pub(crate) fn optional(self, found: &mut Vec<Violation>) -> Option<T> {
        self.0?.map_err(|violations| found.extend(violations)).ok()
    }
}

impl<T> IntoProperty<T> for T {
    fn into_property(self) -> Result<T, Vec<Violation>> {
        Ok(self)
    }
}

/// What takes a `String` takes what can be made one.
macro_rules! borrowed_text {
    ($([$($bounds:tt)*] $target:ty),*) => {$(
        impl<$($bounds)*> IntoProperty<$target> for &str {
            fn into_property(self) -> Result<$target, Vec<Violation>> {
                self.to_owned().into_property()
            }
        }

        impl<$($bounds)*> IntoProperty<$target> for &String {
            fn into_property(self) -> Result<$target, Vec<Violation>> {
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
    fn into_property(self) -> Result<MediaString, Vec<Violation>> {
        Ok(self.into())
    }
}

impl IntoProperty<MediaString> for Media {
    fn into_property(self) -> Result<MediaString, Vec<Violation>> {
        Ok(String::from(self.into_uri()).into())
    }
}

impl IntoProperty<MediaString> for Uri {
    fn into_property(self) -> Result<MediaString, Vec<Violation>> {
        Ok(String::from(self).into())
    }
}

impl IntoProperty<UriOrBase64> for String {
    fn into_property(self) -> Result<UriOrBase64, Vec<Violation>> {
        UriOrBase64::try_from(self).map_err(|error| vec![error.violation()])
    }
}

impl IntoProperty<UriOrBase64> for Media {
    fn into_property(self) -> Result<UriOrBase64, Vec<Violation>> {
        self.into_uri().into_property()
    }
}

impl IntoProperty<UriOrBase64> for Uri {
    fn into_property(self) -> Result<UriOrBase64, Vec<Violation>> {
        String::from(self).into_property()
    }
}

impl<T: Choice> IntoProperty<T> for &str {
    fn into_property(self) -> Result<T, Vec<Violation>> {
        T::from_str(self).map_err(|_| {
            vec![Violation::new(
                &self.into(),
                allowed_strings(T::VALUES),
                "enum",
            )]
        })
    }
}

fn allowed_strings(values: &[&str]) -> String {
    let values = values.iter().map(ToString::to_string);
    Schema::StringEnum(values.collect()).allowed()
}

impl<T: Choice> IntoProperty<T> for String {
    fn into_property(self) -> Result<T, Vec<Violation>> {
        self.as_str().into_property()
    }
}

impl IntoProperty<Uri> for String {
    fn into_property(self) -> Result<Uri, Vec<Violation>> {
        Uri::try_from(self).map_err(|error| vec![error.violation()])
    }
}

impl IntoProperty<Uri> for Media {
    fn into_property(self) -> Result<Uri, Vec<Violation>> {
        Ok(self.into_uri())
    }
}

impl<const MIN: usize, const MAX: usize> IntoProperty<Text<MIN, MAX>> for String {
    fn into_property(self) -> Result<Text<MIN, MAX>, Vec<Violation>> {
        Text::new(self).map_err(|error| vec![error.violation()])
    }
}

/// What is a link or media alone is one such value, also where a list is allowed.
macro_rules! one_of_many {
    ($($source:ty),*) => {$(
        impl IntoProperty<OneOrMany<Uri>> for $source {
            fn into_property(self) -> Result<OneOrMany<Uri>, Vec<Violation>> {
                self.into_property().map(OneOrMany::One)
            }
        }
    )*};
}

one_of_many!(&str, &String, String, Media, Uri);

impl<T, V: IntoProperty<T>> IntoProperty<OneOrMany<T>> for Vec<V> {
    fn into_property(self) -> Result<OneOrMany<T>, Vec<Violation>> {
        let items: BoundedVec<T, 0, { usize::MAX }> = self.into_property()?;
        Ok(OneOrMany::Many(items.into_vec()))
    }
}

impl<T, V: IntoProperty<T>, const N: usize> IntoProperty<OneOrMany<T>> for [V; N] {
    fn into_property(self) -> Result<OneOrMany<T>, Vec<Violation>> {
        Vec::from(self).into_property()
    }
}

impl<T, V: IntoProperty<T>, const MIN: usize, const MAX: usize>
    IntoProperty<BoundedVec<T, MIN, MAX>> for Vec<V>
{
    fn into_property(self) -> Result<BoundedVec<T, MIN, MAX>, Vec<Violation>> {
        let mut found = Vec::new();
        let mut items = Vec::with_capacity(self.len());
        for (index, item) in self.into_iter().enumerate() {
            match item.into_property() {
                Ok(item) => items.push(item),
                Err(violations) => found.extend(
                    violations
                        .into_iter()
                        .map(|violation| violation.under(&index.to_string())),
                ),
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        BoundedVec::new(items).map_err(|error| vec![error.violation()])
    }
}

impl<T, V: IntoProperty<T>, const N: usize, const MIN: usize, const MAX: usize>
    IntoProperty<BoundedVec<T, MIN, MAX>> for [V; N]
{
    fn into_property(self) -> Result<BoundedVec<T, MIN, MAX>, Vec<Violation>> {
        Vec::from(self).into_property()
    }
}

/// Integers go through `i128`, which holds them all, so that one that does not fit is told as it was given.
macro_rules! integers {
    ($($source:ty),*) => {$(
        impl<T: FromInteger> IntoProperty<T> for $source {
            fn into_property(self) -> Result<T, Vec<Violation>> {
                T::from_integer(self as i128).map_err(|violation| vec![violation])
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);

macro_rules! floats {
    ($($source:ty),*) => {$(
        impl<T: FromFloat> IntoProperty<T> for $source {
            fn into_property(self) -> Result<T, Vec<Violation>> {
                T::from_float(self.into()).map_err(|violation| vec![violation])
            }
        }
    )*};
}

floats!(f32, f64);

/// A number without limits is a plain `f64`, which holds these exactly.
macro_rules! widening {
    ($($source:ty),*) => {$(
        impl IntoProperty<f64> for $source {
            fn into_property(self) -> Result<f64, Vec<Violation>> {
                Ok(self.into())
            }
        }
    )*};
}

widening!(i8, i16, i32, u8, u16, u32, f32);
