//! Conversion of the generated structs from and to JSON objects.
//!
//! serde's derive would expand to some hundred lines per struct; the macro [`object`] expands to one per property.

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error},
    ser::SerializeMap,
};
use serde_json::{Map, Value};

/// Implements `Serialize` and `Deserialize` for a struct whose fields are properties of an object: `required`, `optional`, or
/// `nullable`.
///
/// An optional or nullable property is an `Option`: an absent one is `None`, and so is `null` of a nullable one. Unknown
/// properties are ignored.
macro_rules! object {
    ($type:ty { $($field:ident: $kind:ident $name:literal),* $(,)? }) => {
        impl ::serde::Serialize for $type {
            #[inline]
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::std::result::Result<S::Ok, S::Error> {
                let mut object = crate::request::object::Writer::new(serializer)?;
                $(object.$kind($name, &self.$field)?;)*
                object.end()
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $type {
            #[inline]
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let mut object = crate::request::object::Reader::new(deserializer)?;
                Ok(Self { $($field: object.$kind($name)?),* })
            }
        }
    };
}
pub(crate) use object;

/// Writes the properties of an object.
pub(crate) struct Writer<M>(M);

impl<M: SerializeMap> Writer<M> {
    pub(crate) fn new<S: Serializer<SerializeMap = M, Error = M::Error>>(
        serializer: S,
    ) -> Result<Self, M::Error> {
        serializer.serialize_map(None).map(Self)
    }

    pub(crate) fn required(&mut self, name: &str, value: &impl Serialize) -> Result<(), M::Error> {
        self.0.serialize_entry(name, value)
    }

    pub(crate) fn optional(
        &mut self,
        name: &str,
        value: &Option<impl Serialize>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.required(name, value),
            None => Ok(()),
        }
    }

    pub(crate) fn nullable(
        &mut self,
        name: &str,
        value: &Option<impl Serialize>,
    ) -> Result<(), M::Error> {
        self.optional(name, value)
    }

    pub(crate) fn end(self) -> Result<M::Ok, M::Error> {
        self.0.end()
    }
}

/// Reads the properties of an object.
pub(crate) struct Reader<E> {
    object: Map<String, Value>,
    error: std::marker::PhantomData<E>,
}

impl<E: Error> Reader<E> {
    pub(crate) fn new<'de, D: Deserializer<'de, Error = E>>(deserializer: D) -> Result<Self, E> {
        Ok(Self {
            object: Map::deserialize(deserializer)?,
            error: std::marker::PhantomData,
        })
    }

    pub(crate) fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, E> {
        let value = self.object.remove(name);
        read(name, value.ok_or_else(|| E::missing_field(name))?)
    }

    pub(crate) fn optional<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, E> {
        let value = self.object.remove(name);
        value.map(|value| read(name, value)).transpose()
    }

    pub(crate) fn nullable<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, E> {
        let value = self.object.remove(name);
        value.map_or(Ok(None), |value| read(name, value))
    }
}

fn read<T: DeserializeOwned, E: Error>(name: &str, value: Value) -> Result<T, E> {
    T::deserialize(value).map_err(|error| E::custom(format_args!("`{name}`: {error}")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]

    use serde_json::{Value, json};

    use crate::{
        request::property::Properties,
        value::{Int, IntoProperty, Nullable},
    };

    #[derive(Debug, PartialEq)]
    struct Example {
        seed: Nullable<Int<0, 9>>,
        note: Option<String>,
        size: Option<Int<0, 9>>,
    }

    object!(Example { seed: required "seed", note: optional "note", size: nullable "size" });

    #[test]
    fn null_is_read_only_where_a_property_may_be_null() {
        let read = |body: Value| serde_json::from_value::<Example>(body);
        let with = |seed| Example {
            seed,
            note: None,
            size: None,
        };
        let null = read(json!({ "seed": null, "size": null })).unwrap();
        assert_eq!(null, with(Nullable::Null));
        assert_eq!(serde_json::to_value(null).unwrap(), json!({ "seed": null }));
        let five = read(json!({ "seed": 5 })).unwrap();
        assert_eq!(five, with(Nullable::Value(Int::new(5).unwrap())));
        for body in [
            json!({}),
            json!({ "seed": 10 }),
            json!({ "seed": 5, "note": null }),
            json!([5]),
        ] {
            assert!(read(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn builder_demands_a_required_property_that_may_be_null() {
        let build = |set: &dyn Fn(Properties) -> Properties| {
            let finished: Result<Example, _> =
                set(Properties::default()).finish(&[("seed", "0 to 9, or null")]);
            finished.map(|example| serde_json::to_value(example).unwrap())
        };
        fn seed(value: impl IntoProperty<Int<0, 9>>) -> impl Fn(Properties) -> Properties {
            let value = value.into_nullable();
            move |properties| match &value {
                Ok(value) => properties.set_nullable("seed", value.clone()),
                Err(_) => properties,
            }
        }
        assert_eq!(
            build(&seed(Nullable::Null)).unwrap(),
            json!({ "seed": null })
        );
        assert_eq!(
            build(&seed(Some(Nullable::Null))).unwrap(),
            json!({ "seed": null })
        );
        assert_eq!(build(&seed(5)).unwrap(), json!({ "seed": 5 }));
        let missing = build(&seed(None::<u8>)).unwrap_err();
        assert_eq!(
            missing[0].to_string(),
            "/seed is missing; it takes 0 to 9, or null"
        );
        let refused = Properties::default().set::<Int<0, 9>>("seed", Nullable::Null);
        assert_eq!(
            refused.finish::<Example>(&[]).unwrap_err()[0].pointer,
            "/seed"
        );
    }
}
