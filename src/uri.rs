//! URIs as the caller wrote them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

pub(crate) use aimlapi_video_contract::{not_a_uri, redacted};

use crate::{InvalidValue, contract::Schema};

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

/// A text that should be a link and may be anything: whatever stands before an `@` may be a password.
pub(crate) fn redacted_text(text: &str) -> String {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    redacted(host)
}

/// A text in which every link is without its query, its fragment and its user, also where JSON has escaped its slashes.
pub(crate) fn redacted_links(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    let next = |rest: &str| {
        let marks = ["://", r":\/\/"];
        let found = marks.map(|mark| rest.find(mark).map(|at| at + mark.len()));
        found.into_iter().flatten().min()
    };
    while let Some(begin) = next(rest) {
        let (before, link) = rest.split_at(begin);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '<' | '>');
        let (link, after) = link.split_at(link.find(ends).unwrap_or(link.len()));
        let path = link.split(['?', '#']).next().unwrap_or_default();
        shown.push_str(before);
        shown.push_str(&without_user(path));
        if path.len() < link.len() {
            shown.push_str("?…");
        }
        rest = after;
    }
    shown.push_str(rest);
    without_signatures(&shown)
}

/// The text without the queries that hold a signature or a token: of URLs without a scheme, and of escaped URLs.
fn without_signatures(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>');
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_end) {
        let word = piece.trim_end_matches(is_end);
        let lower = word.to_ascii_lowercase();
        let query = ["?", "%3f"]
            .iter()
            .filter_map(|mark| lower.find(mark))
            .min();
        let secret = query.filter(|at| {
            let query = &lower[*at..];
            SECRETS.iter().any(|name| query.contains(name))
        });
        match secret {
            Some(at) => {
                shown.push_str(&word[..at]);
                shown.push_str("?…");
                shown.push_str(&piece[word.len()..]);
            }
            None => shown.push_str(piece),
        }
    }
    shown
}

/// What the names of secret parameters have in them.
const SECRETS: [&str; 9] = [
    "sig",
    "token",
    "credential",
    "policy",
    "accesskey",
    "secret",
    "password",
    "auth",
    "hmac",
];

/// `user:password@host/path` as `host/path`.
fn without_user(rest: &str) -> String {
    let end = rest.find(['/', '\\']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{host}{path}")
}

fn refusal(text: String) -> InvalidValue {
    InvalidValue::new(not_a_uri(&text, &Schema::Uri.allowed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_shown_without_user_query_and_data() {
        for (link, shown) in [
            (
                "https://u:p@h.example/a%2Fb?sig=1#f",
                "https://h.example/a%2Fb?…",
            ),
            ("//u:p@h.example/a", "//h.example/a"),
            ("/a/b?sig=1", "/a/b?…"),
            ("https://h.example", "https://h.example"),
            ("DATA:image/png;base64,AAAA", "DATA:image/png;base64,…"),
        ] {
            assert_eq!(redacted(link), shown);
        }
    }

    #[test]
    fn links_within_a_text_lose_what_is_secret_and_nothing_else_changes() {
        for (text, shown) in [
            ("no link? none at all", "no link? none at all"),
            (
                "see https://h.example/a?sig=1 and http://u:p@b.example.",
                "see https://h.example/a?… and http://b.example.",
            ),
            (
                r#"{"url":"https://h.example/a?x=1\u0026sig=2","n":1}"#,
                r#"{"url":"https://h.example/a?…","n":1}"#,
            ),
            (
                r#"{"url":"https:\/\/u:p@h.example\/a?sig=1"}"#,
                r#"{"url":"https:\/\/h.example\/a?…"}"#,
            ),
            ("://", "://"),
            // Without a scheme, or escaped: where a parameter is named as a secret.
            (
                "at //h.example/a?X-Amz-Signature=1 or h.example/b?token=2, why?",
                "at //h.example/a?… or h.example/b?… why?",
            ),
            (
                "url=https%3A%2F%2Fh.example%2Fa%3FSig%3D1",
                "url=https%3A%2F%2Fh.example%2Fa?…",
            ),
            (
                "which one?the design=new one",
                "which one?the design=new one",
            ),
            (
                "<a href='https://h.example/?sig=1'>it</a>",
                "<a href='https://h.example/?…>it</a>",
            ),
        ] {
            assert_eq!(redacted_links(text), shown);
        }
    }
}
