//! The type of absolute URIs, which are kept byte for byte.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use aimlapi_video_contract::{not_a_uri, redacted};

use super::value::InvalidValue;
use crate::contract::Schema;

/// An absolute URI of any scheme, data URIs included, kept byte for byte.
///
/// The URI is not normalised, since a signature covers the exact bytes of a URL, percent-encoding included.
///
/// ```
/// use aimlapi_video::value::Uri;
///
/// let url: Uri = "https://example.com/a%2Fb.png?sig=x%2B".parse()?;
/// assert_eq!(url.as_str(), "https://example.com/a%2Fb.png?sig=x%2B");
/// assert!("a picture".parse::<Uri>().is_err());
/// # Ok::<(), aimlapi_video::value::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Uri(String);

impl Uri {
    /// The URI as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts `text` if it is a URI by RFC 3986; returns it as the error otherwise.
    pub(crate) fn parse(text: String) -> Result<Self, String> {
        if Self::is_valid(&text) {
            Ok(Self(text))
        } else {
            Err(text)
        }
    }

    pub(crate) fn is_valid(text: &str) -> bool {
        fluent_uri::Uri::parse(text).is_ok()
    }
}

impl std::str::FromStr for Uri {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        Self::parse(text.to_owned()).map_err(invalid_uri)
    }
}

impl TryFrom<String> for Uri {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::parse(text).map_err(invalid_uri)
    }
}

impl From<Uri> for String {
    fn from(uri: Uri) -> Self {
        uri.0
    }
}

impl AsRef<str> for Uri {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Leaves out the query, which may be a signature, and inline data.
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", redacted(&self.0))
    }
}

impl<'de> Deserialize<'de> for Uri {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

fn invalid_uri(text: String) -> InvalidValue {
    InvalidValue::new(not_a_uri(&text, &Schema::Uri.allowed()))
}
