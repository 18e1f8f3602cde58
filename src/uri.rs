//! URIs as the caller wrote them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::{InvalidValue, Violation};

/// An absolute URI of any scheme, data URIs included, kept byte for byte.
///
/// Signed links carry escapes that must not be touched, so nothing is normalised.
///
/// ```
/// use aimlapi_video::Uri;
///
/// let link: Uri = "https://example.com/a%2Fb.png?sig=x%2B".parse()?;
/// assert_eq!(link.as_str(), "https://example.com/a%2Fb.png?sig=x%2B");
/// assert!("a picture".parse::<Uri>().is_err());
/// # Ok::<(), aimlapi_video::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Uri(String);

impl Uri {
    pub(crate) const ALLOWED: &str = "an absolute URI, such as an https link or a data URI";

    /// The URI as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes `text` if RFC 3986 calls it a URI, and gives it back otherwise.
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
        Self::parse(text.to_owned()).map_err(refusal)
    }
}

impl TryFrom<String> for Uri {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        Self::parse(text).map_err(refusal)
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

/// Shows neither the query, which may be a signature, nor inline data.
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

/// A link without its query, its fragment and its user, or a data URI without its data.
pub(crate) fn redacted(link: &str) -> String {
    if link
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
    {
        let head = link.split(',').next().unwrap_or_default();
        return format!("{},…", head.chars().take(80).collect::<String>());
    }
    let end = link.find(['?', '#']).unwrap_or(link.len());
    let (shown, cut) = (&link[..end], end < link.len());
    let shown = match shown.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority
                .rsplit_once('@')
                .map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => shown.to_owned(),
    };
    if cut { format!("{shown}?…") } else { shown }
}

fn refusal(text: String) -> InvalidValue {
    InvalidValue::new(Violation::new(
        &redacted(&text).into(),
        Uri::ALLOWED,
        "format",
    ))
}
