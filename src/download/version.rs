//! Which file a host sent, so that the rest of it is taken from the same one.

use reqwest::{
    Response,
    header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

/// What the host told of the file it began to send.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) validator: Option<Validator>,
    /// Bytes in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
}

/// What tells a file from its successor, and may stand in `If-Range`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Validator {
    /// A strong one; a weak one does not promise the same bytes.
    Etag(String),
    LastModified(String),
}

impl Validator {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Etag(text) | Self::LastModified(text) => text,
        }
    }
}

impl Version {
    pub(super) fn of(response: &Response) -> Self {
        let etag = text(response, ETAG).filter(|etag| etag.len() > 2 && etag.starts_with('"'));
        let modified = || text(response, LAST_MODIFIED).map(Validator::LastModified);
        Self {
            validator: etag.map(Validator::Etag).or_else(modified),
            total: response.content_length(),
            content_type: text(response, CONTENT_TYPE),
        }
    }

    /// Whether `response`, a part of a file, continues this file at `from`.
    pub(super) fn is_continued_by(&self, response: &Response, from: u64) -> bool {
        let Some(range) = text(response, CONTENT_RANGE).and_then(|range| Range::parse(&range))
        else {
            return false;
        };
        let is_same = match (Self::of(response).validator, &self.validator) {
            (Some(Validator::Etag(theirs)), Some(Validator::Etag(ours))) => theirs == *ours,
            _ => true,
        };
        let has_same_length = match (range.total, self.total) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        };
        is_same && has_same_length && range.part.is_some_and(|(first, _)| first == from)
    }

    /// Whether `response`, which says that there is no such part, says that the file ends at `from`.
    pub(super) fn ends_at(&self, response: &Response, from: u64) -> bool {
        let range = text(response, CONTENT_RANGE).and_then(|range| Range::parse(&range));
        range.and_then(|range| range.total) == Some(from)
            && self.total.is_none_or(|total| total == from)
    }
}

/// `Content-Range`: `bytes 5-9/10`, `bytes 5-9/*` or `bytes */10`.
#[derive(Debug, PartialEq)]
struct Range {
    part: Option<(u64, u64)>,
    total: Option<u64>,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (unit, range) = text.trim().split_once(' ')?;
        let (part, total) = range.trim().split_once('/')?;
        let part = match part {
            "*" => None,
            _ => {
                let (first, last) = part.split_once('-')?;
                Some((first.parse().ok()?, last.parse().ok()?))
            }
        };
        let total = match total {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        let is_sound = part.is_none_or(|(first, last)| {
            first <= last && total.is_none_or(|total: u64| last < total)
        });
        (unit.eq_ignore_ascii_case("bytes") && is_sound).then_some(Self { part, total })
    }
}

pub(super) fn text(response: &Response, name: HeaderName) -> Option<String> {
    response
        .headers()
        .get(name)?
        .to_str()
        .ok()
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(headers: &[(&str, &str)]) -> Response {
        let mut answer = http::Response::builder();
        for (name, value) in headers {
            answer = answer.header(*name, *value);
        }
        answer.body("").expect("an answer").into()
    }

    #[test]
    fn a_weak_etag_is_no_validator() {
        let validator = |headers: &[(&str, &str)]| Version::of(&answer(headers)).validator;
        let date = "Wed, 21 Oct 2015 07:28:00 GMT";
        let modified = Some(Validator::LastModified(date.into()));
        assert_eq!(
            validator(&[("etag", "\"a\""), ("last-modified", date)]),
            Some(Validator::Etag("\"a\"".into()))
        );
        assert_eq!(
            validator(&[("etag", "W/\"a\""), ("last-modified", date)]),
            modified
        );
        assert_eq!(validator(&[("etag", "W/\"a\"")]), None);
        assert_eq!(validator(&[]), None);
    }

    #[test]
    fn only_the_right_part_of_the_same_file_continues_it() {
        let version = Version {
            validator: Some(Validator::Etag("\"a\"".into())),
            total: Some(10),
            content_type: None,
        };
        let continues = |headers: &[(&str, &str)]| version.is_continued_by(&answer(headers), 5);
        assert!(continues(&[("content-range", "bytes 5-9/10")]));
        assert!(continues(&[
            ("content-range", "bytes 5-9/*"),
            ("etag", "\"a\"")
        ]));
        assert!(continues(&[("content-range", "bytes 5-7/10")]));
        for (range, etag) in [
            ("bytes 0-9/10", "\"a\""),
            ("bytes 4-9/10", "\"a\""),
            ("bytes 6-9/10", "\"a\""),
            ("bytes 5-10/11", "\"a\""),
            ("bytes 5-9/10", "\"b\""),
            ("bytes */10", "\"a\""),
            ("bytes 5-4/10", "\"a\""),
            ("lines 5-9/10", "\"a\""),
            ("5-9/10", "\"a\""),
            ("", "\"a\""),
        ] {
            assert!(
                !continues(&[("content-range", range), ("etag", etag)]),
                "{range} {etag}"
            );
        }
        assert!(!continues(&[]));
        assert!(version.ends_at(&answer(&[("content-range", "bytes */10")]), 10));
        assert!(!version.ends_at(&answer(&[("content-range", "bytes */10")]), 5));
        assert!(!version.ends_at(&answer(&[("content-range", "bytes */5")]), 5));
        assert!(!version.ends_at(&answer(&[]), 10));
    }

    proptest! {
        #[test]
        fn any_range_is_read_without_a_panic(text in "(bytes )?[0-9*/ -]{0,40}|.{0,40}") {
            Range::parse(&text);
        }
    }
}
