//! Tests of the judgement: every combination of two responses, and single responses.
//!
//! This file holds what the modules share: two responses as values, and their conversion to HTTP responses.

mod model;
mod single;
mod table;

use std::time::{Duration, SystemTime};

use super::*;

/// The size of the host's file, and the number of its bytes in the part.
const TOTAL: u64 = 100;
const RECEIVED: u64 = 40;

/// A validator of the first response.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tag {
    None,
    Strong(&'static str),
    Weak(&'static str),
    /// A strong tag that contains the seconds of `Last-Modified`.
    OfDate(Radix),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Radix {
    Decimal,
    Hexadecimal,
    Base36,
}

/// `Last-Modified`, by its age at the time of the first response's `Date`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Modified {
    None,
    SecondsBefore(i64),
    NotADate,
}

#[derive(Clone, Copy, Debug)]
struct First {
    tag: Tag,
    modified: Modified,
    total: Option<u64>,
}

/// A validator of the second response, relative to the first.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Repeats {
    Same,
    Other,
    Absent,
    /// The same opaque tag with the other strength.
    OtherStrength,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Range {
    Absent,
    Rest,
    RestOfUnknownTotal,
    RestOfOtherTotal,
    BeginningOfRest,
    Elsewhere,
    Whole,
    WholeOfOtherTotal,
    EndsHere,
    EndsElsewhere,
    Invalid,
}

#[derive(Clone, Copy, Debug)]
struct Second {
    status: u16,
    tag: Repeats,
    modified: Repeats,
    range: Range,
    /// The length of a body without `Content-Range`.
    length: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    Continue,
    Complete,
    Restart,
    Whole,
    Refuse,
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_700_000)
}

fn seconds_before(age: i64) -> u64 {
    1_795_700_000_u64.saturating_add_signed(-age)
}

fn date_of(modified: Modified) -> Option<String> {
    match modified {
        Modified::None => None,
        Modified::NotADate => Some("yesterday".into()),
        Modified::SecondsBefore(age) => {
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds_before(age));
            Some(httpdate::fmt_http_date(at))
        }
    }
}

fn tag_of(first: First) -> Option<String> {
    let seconds = match first.modified {
        Modified::SecondsBefore(age) => seconds_before(age),
        _ => 1_795_700_000,
    };
    match first.tag {
        Tag::None => None,
        Tag::Strong(tag) => Some(format!("\"{tag}\"")),
        Tag::Weak(tag) => Some(format!("W/\"{tag}\"")),
        Tag::OfDate(Radix::Decimal) => Some(format!("\"{seconds}.25-100\"")),
        Tag::OfDate(Radix::Hexadecimal) => Some(format!("\"{seconds:x}-64\"")),
        Tag::OfDate(Radix::Base36) => Some(format!("\"{}2s\"", base36(seconds))),
    }
}

fn base36(number: u64) -> String {
    let digit = char::from_digit((number % 36) as u32, 36).unwrap_or('?');
    match number / 36 {
        0 => digit.into(),
        rest => base36(rest) + &digit.to_string(),
    }
}

fn response(status: u16, headers: &[(&str, Option<String>)], length: Option<u64>) -> Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        if let Some(value) = value {
            response = response.header(*name, value);
        }
    }
    // A body without a stated length is chunked.
    let body = match length {
        Some(length) => reqwest::Body::from(vec![0; length as usize]),
        None => {
            reqwest::Body::wrap_stream(futures_util::stream::iter([Ok::<_, std::io::Error>(vec![
                0,
            ])]))
        }
    };
    response.body(body).expect("a response").into()
}

fn first_version(first: First) -> Version {
    let headers = [
        ("date", Some(httpdate::fmt_http_date(now()))),
        ("etag", tag_of(first)),
        ("last-modified", date_of(first.modified)),
    ];
    Version::of(&response(200, &headers, first.total), first.total)
}

fn second_response(first: First, second: Second) -> Response {
    let other_strength = |tag: String| match tag.strip_prefix("W/") {
        Some(strong) => strong.to_owned(),
        None => format!("W/{tag}"),
    };
    let tag = match second.tag {
        Repeats::Absent => None,
        Repeats::Same => tag_of(first),
        Repeats::Other => Some("\"another\"".into()),
        Repeats::OtherStrength => Some(tag_of(first).map_or("W/\"new\"".into(), other_strength)),
    };
    let modified = match second.modified {
        Repeats::Absent => None,
        Repeats::Other => date_of(Modified::SecondsBefore(3)),
        Repeats::Same | Repeats::OtherStrength => date_of(first.modified),
    };
    let rest = TOTAL - RECEIVED;
    let (range, length) = match second.range {
        Range::Absent => (None, second.length),
        Range::Rest => (Some("bytes 40-99/100"), Some(rest)),
        Range::RestOfUnknownTotal => (Some("bytes 40-99/*"), Some(rest)),
        Range::RestOfOtherTotal => (Some("bytes 40-106/107"), Some(rest + 7)),
        Range::BeginningOfRest => (Some("bytes 40-49/100"), Some(10)),
        Range::Elsewhere => (Some("bytes 39-99/100"), Some(rest + 1)),
        Range::Whole => (Some("bytes 0-99/100"), Some(TOTAL)),
        Range::WholeOfOtherTotal => (Some("bytes 0-106/107"), Some(TOTAL + 7)),
        Range::EndsHere => (Some("bytes */40"), Some(0)),
        Range::EndsElsewhere => (Some("bytes */100"), Some(0)),
        Range::Invalid => (Some("bytes 40-39/100"), Some(0)),
    };
    let headers = [
        ("date", Some(httpdate::fmt_http_date(now()))),
        ("etag", tag),
        ("last-modified", modified),
        ("content-range", range.map(str::to_owned)),
    ];
    response(second.status, &headers, length)
}

fn outcome(judgement: &Judgement) -> Outcome {
    match judgement {
        Judgement::Whole(_) => Outcome::Whole,
        Judgement::Continues { .. } => Outcome::Continue,
        Judgement::Complete => Outcome::Complete,
        Judgement::Restart(_) => Outcome::Restart,
        Judgement::Refused(_) | Judgement::NoFile => Outcome::Refuse,
    }
}
