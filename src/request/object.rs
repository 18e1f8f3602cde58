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
