//! The version of a file at its host: the validators of the responses, compared by the rules of RFC 9110.
//!
//! A download continues a part only if the validators prove, or at least do not contradict, that the file is unchanged.

use std::time::{Duration, SystemTime};

use reqwest::{
    Response,
    header::{ACCEPT_RANGES, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, HeaderName, LAST_MODIFIED},
};
use serde::{Deserialize, Serialize};

/// The validators, size and media type of the first response, which later responses are compared with. The note of a
/// part contains them, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Version {
    /// The strong validator for `If-Range`; without a strong validator, the file cannot be resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) validator: Option<Validator>,
    /// The entity tag, strong or weak, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// `Last-Modified`, as it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    /// The size of the file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) total: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    /// Whether the host serves ranges of the file, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) serves_ranges: Option<bool>,
}

/// A validator that is strong by RFC 9110 section 8.8: its value changes whenever a byte of the file changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Validator {
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
    /// The version of the file in a `response` with the whole file of `total` bytes.
    pub(super) fn of(response: &Response, total: Option<u64>) -> Self {
        let etag = etag(response);
        let last_modified = text(response, LAST_MODIFIED);
        let ranges = text(response, ACCEPT_RANGES).map(|ranges| ranges.to_ascii_lowercase());
        Self {
            validator: strong_validator(
                etag.as_deref(),
                last_modified.as_deref(),
                &ResponseTime::of(response),
            ),
            etag,
            last_modified,
            total,
            content_type: text(response, CONTENT_TYPE),
            serves_ranges: match ranges.as_deref().map(str::trim) {
                Some("none") => Some(false),
                Some(ranges) if ranges.contains("bytes") => Some(true),
                _ => None,
            },
        }
    }

    /// Whether the rest of a part of this version can be requested.
    pub(super) fn can_resume(&self) -> bool {
        self.validator.is_some() && self.serves_ranges != Some(false)
    }

    /// Whether a strong validator proves that `other` is this version.
    pub(super) fn is_surely(&self, other: &Self) -> bool {
        self.validator.is_some()
            && self.validator == other.validator
            && self.etag == other.etag
            && self.last_modified == other.last_modified
            && self.total == other.total
    }

    /// Corrects a version that was read from a note written at `noted`. Notes of version 0.1.0 contain one validator
    /// and no `Date`, so the strength of a date in such a note is determined by the time of the note.
    pub(super) fn noted(mut self, noted: Option<SystemTime>) -> Self {
        if self.is_of_older_note()
            && let Some(Validator::LastModified(date)) = &self.validator
        {
            let received = ResponseTime {
                at: noted.unwrap_or(SystemTime::UNIX_EPOCH),
                margin: OTHER_CLOCK,
            };
            self.validator = strong_validator(None, Some(date), &received);
        }
        self
    }

    /// Whether `response` may belong to this version: every validator in the response agrees, and so does its `total`.
    pub(super) fn agrees_with(&self, response: &Response, total: Option<u64>) -> bool {
        let (etag, modified) = (etag(response), text(response, LAST_MODIFIED));
        let is_same_etag = match (&etag, self.etag()) {
            (Some(theirs), Some(ours)) => opaque(theirs) == opaque(ours),
            (Some(_), None) => self.is_of_older_note(),
            (None, _) => true,
        };
        let is_same_date = match (&modified, self.last_modified()) {
            (Some(theirs), Some(ours)) => is_same_date(theirs, ours),
            (Some(_), None) => self.is_of_older_note(),
            (None, _) => true,
        };
        let is_same_size = match (total, self.total) {
            (Some(theirs), Some(ours)) => theirs == ours,
            _ => true,
        };
        is_same_etag && is_same_date && is_same_size
    }

    /// Whether `response` repeats the entity tag, if this version has one. RFC 9110 section 15.3.7 requires the tag in
    /// a partial response. A weak tag may be the only difference between two files with the same `Last-Modified`.
    pub(super) fn is_repeated_by(&self, response: &Response) -> bool {
        let Some(ours) = self.etag() else {
            return true;
        };
        etag(response).is_some_and(|theirs| match is_strong(ours) {
            true => theirs == *ours,
            false => opaque(&theirs) == opaque(ours),
        })
    }

    /// Whether `response` has the strong validator of this version, which proves that the file is the same.
    pub(super) fn is_proven_by(&self, response: &Response) -> bool {
        match &self.validator {
            Some(Validator::Etag(ours)) => etag(response).is_some_and(|theirs| theirs == *ours),
            Some(Validator::LastModified(ours)) => {
                text(response, LAST_MODIFIED).is_some_and(|theirs| is_same_date(&theirs, ours))
            }
            None => false,
        }
    }

    fn etag(&self) -> Option<&String> {
        match &self.validator {
            Some(Validator::Etag(etag)) if self.etag.is_none() => Some(etag),
            _ => self.etag.as_ref(),
        }
    }

    fn last_modified(&self) -> Option<&String> {
        match &self.validator {
            Some(Validator::LastModified(date)) if self.last_modified.is_none() => Some(date),
            _ => self.last_modified.as_ref(),
        }
    }

    /// Whether the version is from a note of version 0.1.0, which has one validator and not the others of the response.
    fn is_of_older_note(&self) -> bool {
        self.validator.is_some() && self.etag.is_none() && self.last_modified.is_none()
    }
}

/// The time of a response, and the minimum age of a strong date at that time.
struct ResponseTime {
    at: SystemTime,
    margin: Duration,
}

impl ResponseTime {
    fn of(response: &Response) -> Self {
        let date = text(response, DATE).and_then(|date| httpdate::parse_http_date(&date).ok());
        match date {
            Some(at) => Self {
                at,
                margin: SAME_CLOCK,
            },
            // RFC 9110 section 6.6.1: a recipient with a clock adds the date of receipt.
            None => Self {
                at: SystemTime::now(),
                margin: OTHER_CLOCK,
            },
        }
    }

    /// The dates, one for each second, that are too recent to be strong.
    fn recent(&self) -> impl Iterator<Item = SystemTime> {
        let ages = 0..self.margin.as_secs();
        ages.filter_map(|age| self.at.checked_sub(Duration::from_secs(age)))
    }
}

/// The margin if both dates are from the host's clock: a file that changes again within the second of its
/// `Last-Modified` keeps that date, and `Date` is in whole seconds, too.
const SAME_CLOCK: Duration = Duration::from_secs(2);

/// The margin if one date is from this machine's clock, which may differ from the host's.
const OTHER_CLOCK: Duration = Duration::from_secs(60);

/// The strong validator of a response, if any: a strong entity tag, or else a date that is old enough (RFC 9110 section
/// 8.8.2.2).
fn strong_validator(
    etag: Option<&str>,
    last_modified: Option<&str>,
    received: &ResponseTime,
) -> Option<Validator> {
    let date = last_modified.and_then(|date| httpdate::parse_http_date(date).ok());
    let is_settled = date.is_some_and(|date| {
        received
            .at
            .duration_since(date)
            .is_ok_and(|age| age >= received.margin)
    });
    if let Some(etag) = etag.filter(|etag| is_strong(etag)) {
        // Several servers derive the tag from the date, so such a tag is not stronger than the date. Some do not send
        // the date.
        let is_made_of_date = match date {
            Some(date) => contains_seconds(etag, date),
            None => received.recent().any(|date| contains_seconds(etag, date)),
        };
        return (is_settled || !is_made_of_date).then(|| Validator::Etag(etag.to_owned()));
    }
    // By section 13.1.5, a client that has an entity tag must not send a date in `If-Range`. A weak tag is not allowed
    // in `If-Range`, so the date is sent nevertheless; the comparison detects a host that ignores the date.
    let last_modified = last_modified.filter(|_| is_settled)?;
    Some(Validator::LastModified(last_modified.to_owned()))
}

/// Whether the tag contains the Unix seconds of the date in hexadecimal, decimal or base 36.
fn contains_seconds(etag: &str, date: SystemTime) -> bool {
    let Ok(since) = date.duration_since(SystemTime::UNIX_EPOCH) else {
        return false;
    };
    let (seconds, etag) = (since.as_secs(), etag.to_ascii_lowercase());
    [10, 16, 36]
        .map(|radix| digits(seconds, radix))
        .iter()
        .any(|digits| etag.contains(digits))
}

fn digits(mut number: u64, radix: u32) -> String {
    let mut digits = Vec::new();
    while number > 0 {
        let digit = u32::try_from(number % u64::from(radix)).unwrap_or_default();
        digits.extend(char::from_digit(digit, radix));
        number /= u64::from(radix);
    }
    digits.iter().rev().collect()
}

/// The entity tag, unless it is empty, since an empty tag identifies nothing. Bytes beyond ASCII, which RFC 9110
/// section 8.8.3 allows, become the characters of the same number.
fn etag(response: &Response) -> Option<String> {
    let value = response.headers().get(ETAG)?;
    let etag: String = value.as_bytes().iter().copied().map(char::from).collect();
    Some(etag).filter(|etag| !matches!(opaque(etag), "" | "\"\""))
}

/// Whether the tag is a strong one that can be sent. A tag without quotes is invalid by RFC 9110 section 8.8.3, and a
/// tag beyond ASCII cannot be sent unchanged, so such tags are only compared.
fn is_strong(etag: &str) -> bool {
    etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"') && etag.is_ascii()
}

/// The opaque tag without the prefix `W/` of a weak tag. Some hosts write the prefix in lower case.
fn opaque(etag: &str) -> &str {
    etag.strip_prefix("W/")
        .or_else(|| etag.strip_prefix("w/"))
        .unwrap_or(etag)
}

fn is_same_date(one: &str, other: &str) -> bool {
    match (
        httpdate::parse_http_date(one),
        httpdate::parse_http_date(other),
    ) {
        (Ok(one), Ok(other)) => one == other,
        _ => one.trim() == other.trim(),
    }
}

/// The parsed header `Content-Range`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ContentRange {
    Absent,
    /// A value that RFC 9110 section 14.4 does not define, or several values.
    Invalid,
    /// `bytes 5-9/10` or `bytes 5-9/*`
    Range {
        first: u64,
        last: u64,
        total: Option<u64>,
    },
    /// `bytes */10`
    Unsatisfied {
        total: u64,
    },
}

impl ContentRange {
    pub(super) fn of(response: &Response) -> Self {
        let mut values = response.headers().get_all(CONTENT_RANGE).iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Absent,
            (Some(value), None) => {
                let parsed = value.to_str().ok().and_then(Self::parse);
                parsed.unwrap_or(Self::Invalid)
            }
            _ => Self::Invalid,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (unit, range) = text.trim().split_once(' ')?;
        let (part, total) = range.trim().split_once('/')?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u64>().ok()).flatten()
        };
        let total = match total {
            "*" => None,
            total => Some(number(total)?),
        };
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        if part == "*" {
            return Some(Self::Unsatisfied { total: total? });
        }
        let (first, last) = part.split_once('-')?;
        let (first, last) = (number(first)?, number(last)?);
        let is_sound = first <= last && last < total.unwrap_or(u64::MAX);
        is_sound.then_some(Self::Range { first, last, total })
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
