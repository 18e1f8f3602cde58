//! The macro that defines enums of objects for the generated code.

use aimlapi_video_contract::Schema;
use serde::de;
use serde_json::Value;

/// The error of an object whose tag is not an allowed value.
pub(crate) fn untagged<E: de::Error>(given: Option<&Value>, tag: &str, allowed: &[&str]) -> E {
    let allowed = Schema::StringEnum(allowed.iter().map(|value| (*value).into()).collect());
    let given = given.unwrap_or(&Value::Null);
    E::custom(format_args!(
        "`{tag}` is {given}; allowed: {}",
        allowed.allowed()
    ))
}

/// Defines an enum of objects that the value of one property distinguishes.
macro_rules! tagged {
    ($name:ident, $owner:literal, $tag:literal, [$($variant:ident = $value:literal: $content:ident, $builder:ident),+]) => {
        #[doc = concat!("An object of [`", $owner, "`](crate::types::", $owner, "), which its `", $tag, "` distinguishes.")]
        ///
        /// A setter takes the struct of a variant, or its builder.
        #[derive(Clone, Debug, PartialEq, ::serde::Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum $name {
            $(#[doc = concat!("`", $tag, "` is `", $value, "`.")] $variant(crate::generated::types::$content)),+
        }

        impl crate::request::property::PropertyType for $name {}

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::std::result::Result<Self, D::Error> {
                let object: ::serde_json::Map<::std::string::String, ::serde_json::Value> = ::serde::Deserialize::deserialize(deserializer)?;
                let tag = object.get($tag);
                match tag.and_then(::serde_json::Value::as_str) {
                    $(Some($value) => ::serde_json::from_value(object.into())
                        .map(Self::$variant)
                        .map_err(::serde::de::Error::custom),)+
                    _ => Err(crate::request::tagged::untagged(tag, $tag, &[$($value),+])),
                }
            }
        }

        $(
            impl ::std::convert::From<crate::generated::types::$content> for $name {
                #[inline]
                fn from(content: crate::generated::types::$content) -> Self {
                    Self::$variant(content)
                }
            }

            impl crate::value::IntoProperty<$name> for crate::generated::types::$content {
                #[inline]
                fn into_property(self) -> ::std::result::Result<::std::option::Option<$name>, ::std::vec::Vec<crate::Violation>> {
                    Ok(Some(self.into()))
                }
            }

            impl crate::value::IntoProperty<$name> for crate::generated::builders::$builder {
                #[inline]
                fn into_property(self) -> ::std::result::Result<::std::option::Option<$name>, ::std::vec::Vec<crate::Violation>> {
                    let content: ::std::option::Option<crate::generated::types::$content> = self.into_property()?;
                    Ok(content.map(::std::convert::Into::into))
                }
            }
        )+
    };
}
pub(crate) use tagged;
