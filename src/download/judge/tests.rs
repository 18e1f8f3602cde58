//! Checks the judgement of every combination of two responses against a model that is derived only from RFC 9110.

use std::time::{Duration, SystemTime};

use super::*;
use crate::download::version::Validator;

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

const TAGS: [Tag; 6] = [
    Tag::None,
    Tag::Strong("v1"),
    Tag::Weak("v1"),
    Tag::OfDate(Radix::Decimal),
    Tag::OfDate(Radix::Hexadecimal),
    Tag::OfDate(Radix::Base36),
];

const DATES: [Modified; 7] = [
    Modified::None,
    Modified::SecondsBefore(86_400),
    Modified::SecondsBefore(2),
    Modified::SecondsBefore(1),
    Modified::SecondsBefore(0),
    Modified::SecondsBefore(-5),
    Modified::NotADate,
];

const RANGES: [Range; 11] = [
    Range::Absent,
    Range::Rest,
    Range::RestOfUnknownTotal,
    Range::RestOfOtherTotal,
    Range::BeginningOfRest,
    Range::Elsewhere,
    Range::Whole,
    Range::WholeOfOtherTotal,
    Range::EndsHere,
    Range::EndsElsewhere,
    Range::Invalid,
];

const REPEATS: [Repeats; 4] = [
    Repeats::Same,
    Repeats::Other,
    Repeats::Absent,
    Repeats::OtherStrength,
];

/// The rules of RFC 9110 for this table, without calls of the code under test.
mod model {
    use super::*;

    /// Section 8.8.2.2: a date is strong if it is older than the response by a margin.
    fn has_strong_date(first: First) -> bool {
        matches!(first.modified, Modified::SecondsBefore(age) if age >= 2)
    }

    /// Section 8.8.1: a tag is strong if it changes with every byte. One made of a date is as strong as the date.
    fn has_strong_tag(first: First) -> bool {
        match first.tag {
            Tag::Strong(_) => true,
            // Without `Last-Modified`, the tag in the table is made of the second of `Date`.
            Tag::OfDate(_) => has_strong_date(first),
            Tag::None | Tag::Weak(_) => false,
        }
    }

    pub(super) fn resumes(first: First) -> bool {
        has_strong_tag(first) || (has_strong_date(first) && !is_marked_strong(first))
    }

    fn is_marked_strong(first: First) -> bool {
        matches!(first.tag, Tag::Strong(_) | Tag::OfDate(_))
    }

    fn total(second: Second) -> Option<u64> {
        match second.range {
            Range::Rest | Range::BeginningOfRest | Range::Whole | Range::Elsewhere => Some(TOTAL),
            Range::RestOfOtherTotal | Range::WholeOfOtherTotal => Some(TOTAL + 7),
            Range::EndsHere => Some(RECEIVED),
            Range::EndsElsewhere => Some(TOTAL),
            Range::Absent => second.length,
            Range::RestOfUnknownTotal | Range::Invalid => None,
        }
    }

    /// Whether a validator of the second response differs from that of the first.
    fn contradicts(first: First, second: Second) -> bool {
        let tag = match second.tag {
            Repeats::Absent => false,
            Repeats::Other => true,
            Repeats::Same | Repeats::OtherStrength => {
                first.tag == Tag::None && second.tag != Repeats::Same
            }
        };
        let date = match second.modified {
            Repeats::Absent => false,
            Repeats::Other => true,
            Repeats::Same | Repeats::OtherStrength => false,
        };
        tag || date
    }

    fn other_total(first: First, second: Second) -> bool {
        matches!((first.total, total(second)), (Some(a), Some(b)) if a != b)
    }

    /// Whether the second response has the strong validator of the first.
    fn proves(first: First, second: Second) -> bool {
        if has_strong_tag(first) {
            return second.tag == Repeats::Same;
        }
        resumes(first) && second.modified != Repeats::Absent && second.modified != Repeats::Other
    }

    pub(super) fn outcome(first: First, second: Second) -> Outcome {
        let is_file = matches!(second.status, 200 | 203 | 206);
        if !is_file && second.status != 416 {
            return Outcome::Refuse;
        }
        if second.status == 416 {
            // Section 15.5.17: the total is the current length; the part is complete if it belongs to the same file.
            let ends_here = second.range == Range::EndsHere;
            let is_same = !contradicts(first, second)
                && !other_total(first, second)
                && (first.total == Some(RECEIVED) || proves(first, second));
            return if ends_here && is_same {
                Outcome::Complete
            } else {
                Outcome::Restart
            };
        }
        let whole = if other_total(first, second) && proves(first, second) {
            Outcome::Restart
        } else {
            Outcome::Whole
        };
        match second.range {
            // Section 14.4: without `Content-Range` the body is the whole file, but a 206 must have a `Content-Range`.
            Range::Absent if second.status == 206 => Outcome::Restart,
            Range::Absent => whole,
            Range::Whole | Range::WholeOfOtherTotal => whole,
            Range::Rest
            | Range::RestOfUnknownTotal
            | Range::RestOfOtherTotal
            | Range::BeginningOfRest => {
                // Section 15.3.7: a partial response has the validators of the whole file, and always the tag.
                let lacks_tag = match first.tag {
                    Tag::None => false,
                    Tag::Weak(_) => second.tag == Repeats::Absent,
                    Tag::Strong(_) | Tag::OfDate(_) => second.tag != Repeats::Same,
                };
                if contradicts(first, second) || other_total(first, second) || lacks_tag {
                    Outcome::Restart
                } else {
                    Outcome::Continue
                }
            }
            Range::Elsewhere | Range::EndsHere | Range::EndsElsewhere | Range::Invalid => {
                Outcome::Restart
            }
        }
    }
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

#[test]
fn every_second_response_is_judged_as_rfc_9110_requires() {
    let (mut cells, mut counts) = (0, std::collections::BTreeMap::new());
    for tag in TAGS {
        for modified in DATES {
            for total in [Some(TOTAL), Some(RECEIVED), None] {
                let first = First {
                    tag,
                    modified,
                    total,
                };
                let version = first_version(first);
                assert_eq!(version.can_resume(), model::resumes(first), "{first:?}");
                for second in seconds() {
                    let part = ResumePoint {
                        version: &version,
                        length: RECEIVED,
                    };
                    let judgement =
                        judge(&second_response(first, second), Some(part), Some(&version));
                    let expected = model::outcome(first, second);
                    assert_eq!(outcome(&judgement), expected, "{first:?} {second:?}");
                    cells += 1;
                    *counts.entry(format!("{expected:?}")).or_insert(0) += 1;
                }
            }
        }
    }
    assert!(cells > 100_000, "{cells}");
    assert_eq!(counts.len(), 5, "every outcome occurs: {counts:?}");
}

fn seconds() -> Vec<Second> {
    let mut seconds = Vec::new();
    for status in [200, 203, 206, 416, 204, 400, 404, 500] {
        for tag in REPEATS {
            for modified in &REPEATS[..3] {
                for range in RANGES {
                    let lengths: &[Option<u64>] = match range {
                        Range::Absent => &[Some(TOTAL), Some(TOTAL - RECEIVED), None],
                        _ => &[None],
                    };
                    seconds.extend(lengths.iter().map(|length| Second {
                        status,
                        tag,
                        modified: *modified,
                        range,
                        length: *length,
                    }));
                }
            }
        }
    }
    seconds
}

#[test]
fn whole_file_is_recognized_with_any_status() {
    let whole = |status, range: Option<&str>, length| {
        let headers = [("content-range", range.map(str::to_owned))];
        outcome(&judge(&response(status, &headers, length), None, None))
    };
    for status in [200, 203, 206] {
        assert_eq!(
            whole(status, Some("bytes 0-99/100"), Some(100)),
            Outcome::Whole
        );
        assert_eq!(whole(status, Some("bytes 0-99/100"), None), Outcome::Whole);
        for range in [
            "bytes 0-98/100",
            "bytes 1-99/100",
            "bytes 0-99/*",
            "bytes */100",
            "pages 1-2/2",
        ] {
            assert_eq!(
                whole(status, Some(range), None),
                Outcome::Refuse,
                "{status} {range}"
            );
        }
        assert_eq!(
            whole(status, Some("bytes 0-99/100"), Some(60)),
            Outcome::Refuse
        );
    }
    assert_eq!(whole(200, None, None), Outcome::Whole);
    assert_eq!(whole(203, None, Some(100)), Outcome::Whole);
    assert_eq!(whole(206, None, Some(100)), Outcome::Refuse);
    assert_eq!(whole(416, Some("bytes */100"), Some(0)), Outcome::Refuse);
}

#[test]
fn contradictory_range_is_refused() {
    let version = first_version(First {
        tag: Tag::Strong("v1"),
        modified: Modified::None,
        total: Some(TOTAL),
    });
    let part = ResumePoint {
        version: &version,
        length: RECEIVED,
    };
    let judged = |headers: &[(&str, Option<String>)], length| {
        let mut headers = headers.to_vec();
        headers.push(("etag", Some("\"v1\"".into())));
        outcome(&judge(
            &response(206, &headers, length),
            Some(part),
            Some(&version),
        ))
    };
    let range = |text: &str| ("content-range", Some(text.to_owned()));
    let rest = range("bytes 40-99/100");
    assert_eq!(
        judged(std::slice::from_ref(&rest), Some(60)),
        Outcome::Continue
    );
    assert_eq!(
        judged(std::slice::from_ref(&rest), Some(100)),
        Outcome::Restart
    );
    assert_eq!(judged(&[rest.clone(), rest], None), Outcome::Restart);
    for text in [
        "bytes 40-100/100",
        "bytes +40-99/100",
        "bytes 40-99/",
        "bytes=40-99/100",
        "Bytes  40-99/100",
    ] {
        let expected = match text.starts_with("Bytes") {
            true => Outcome::Continue,
            false => Outcome::Restart,
        };
        assert_eq!(judged(&[range(text)], None), expected, "{text}");
    }
    let multipart = [(
        "content-type",
        Some("multipart/byteranges; boundary=x".to_owned()),
    )];
    assert_eq!(judged(&multipart, None), Outcome::Restart);
}

#[test]
fn date_is_strong_by_the_hosts_clock_or_by_a_wider_margin() {
    let resumes = |date: Option<SystemTime>, modified: SystemTime| {
        let headers = [
            ("date", date.map(httpdate::fmt_http_date)),
            ("last-modified", Some(httpdate::fmt_http_date(modified))),
        ];
        Version::of(&response(200, &headers, Some(1)), Some(1)).can_resume()
    };
    let (now, second) = (SystemTime::now(), Duration::from_secs(1));
    assert!(resumes(Some(now), now - 2 * second));
    assert!(!resumes(Some(now), now - second));
    assert!(!resumes(Some(now), now + 100 * second));
    // Without `Date`, this machine's clock is used.
    assert!(resumes(None, now - 90 * second));
    assert!(!resumes(None, now - 30 * second));
}

#[test]
fn host_that_refuses_ranges_receives_no_range_request() {
    for (ranges, expected) in [
        ("none", false),
        ("bytes", true),
        ("Bytes", true),
        ("lines", true),
    ] {
        let headers = [
            ("etag", Some("\"v1\"".into())),
            ("accept-ranges", Some(ranges.into())),
        ];
        let version = Version::of(&response(200, &headers, Some(1)), Some(1));
        assert_eq!(version.can_resume(), expected, "{ranges}");
    }
    let version = first_version(First {
        tag: Tag::Strong("v1"),
        modified: Modified::None,
        total: Some(TOTAL),
    });
    let part = ResumePoint {
        version: &version,
        length: RECEIVED,
    };
    let ignored = response(200, &[("etag", Some("\"v1\"".into()))], Some(TOTAL));
    match judge(&ignored, Some(part), Some(&version)) {
        Judgement::Whole(version) => assert!(!version.can_resume()),
        other => panic!("{other:?}"),
    }
    // A cache that does not have the file yet may ignore a range that it serves later.
    let headers = [
        ("etag", Some("\"v1\"".into())),
        ("accept-ranges", Some("bytes".into())),
    ];
    match judge(
        &response(200, &headers, Some(TOTAL)),
        Some(part),
        Some(&version),
    ) {
        Judgement::Whole(version) => assert!(version.can_resume()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn note_of_version_0_1_0_is_read() {
    let read = |text: &str, noted: Option<SystemTime>| {
        let version: Version = serde_json::from_str(text).expect("a note");
        version.noted(noted)
    };
    let etag = r#"{"validator": {"etag": "\"v1\""}, "total": 100, "content_type": "video/mp4"}"#;
    let version = read(etag, None);
    assert_eq!(version.validator, Some(Validator::Etag("\"v1\"".into())));
    // The other validators of the first response are unknown, so they cannot differ.
    let part = ResumePoint {
        version: &version,
        length: RECEIVED,
    };
    let judged = |tag: &str| {
        let headers = [
            ("etag", Some(tag.to_owned())),
            ("last-modified", Some(httpdate::fmt_http_date(now()))),
            ("content-range", Some("bytes 40-99/100".to_owned())),
        ];
        outcome(&judge(
            &response(206, &headers, None),
            Some(part),
            Some(&version),
        ))
    };
    assert_eq!(judged("\"v1\""), Outcome::Continue);
    assert_eq!(judged("\"v2\""), Outcome::Restart);

    let date = r#"{"validator": {"last-modified": "Wed, 21 Oct 2015 07:28:00 GMT"}}"#;
    assert!(read(date, Some(SystemTime::now())).can_resume());
    let modified = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").expect("a date");
    assert!(!read(date, Some(modified + Duration::from_secs(10))).can_resume());
    assert!(!read(date, None).can_resume());
    assert!(!read("{}", None).can_resume());
}

#[test]
fn slice_without_a_range_is_not_the_whole_of_a_known_version() {
    let first = |tag, modified| First {
        tag,
        modified,
        total: Some(TOTAL),
    };
    for (known, second, expected) in [
        // A cache that keeps a slice sends it to every request.
        (
            first(Tag::Strong("v1"), Modified::None),
            Repeats::Same,
            Outcome::Refuse,
        ),
        (
            first(Tag::None, Modified::SecondsBefore(86_400)),
            Repeats::Same,
            Outcome::Refuse,
        ),
        // A tag that depends only on the path does not prove the version if the date differs.
        (
            first(Tag::Strong("v1"), Modified::SecondsBefore(86_400)),
            Repeats::Other,
            Outcome::Whole,
        ),
        (
            first(Tag::Weak("v1"), Modified::None),
            Repeats::Same,
            Outcome::Whole,
        ),
    ] {
        let version = first_version(known);
        let slice = Second {
            status: 200,
            tag: Repeats::Same,
            modified: second,
            range: Range::Absent,
            length: Some(TOTAL - RECEIVED),
        };
        let judgement = judge(&second_response(known, slice), None, Some(&version));
        assert_eq!(outcome(&judgement), expected, "{known:?}");
    }
}

#[test]
fn tags_beyond_ascii_are_only_compared() {
    let tagged = |tag: &[u8], range: Option<&str>| {
        let mut response = http::Response::builder()
            .status(range.map_or(200, |_| 206))
            .header(
                "last-modified",
                httpdate::fmt_http_date(now() - Duration::from_secs(99)),
            )
            .header("date", httpdate::fmt_http_date(now()))
            .header(
                "etag",
                http::HeaderValue::from_bytes(tag).expect("a header"),
            );
        if let Some(range) = range {
            response = response.header("content-range", range);
        }
        Response::from(response.body(vec![0; 60]).expect("a response"))
    };
    let version = Version::of(&tagged(b"\"\xe91\"", None), Some(TOTAL));
    assert!(matches!(
        version.validator,
        Some(Validator::LastModified(_))
    ));
    let part = ResumePoint {
        version: &version,
        length: RECEIVED,
    };
    let judged = |tag: &[u8]| {
        outcome(&judge(
            &tagged(tag, Some("bytes 40-99/100")),
            Some(part),
            Some(&version),
        ))
    };
    assert_eq!(judged(b"\"\xe91\""), Outcome::Continue);
    assert_eq!(judged(b"\"\xe92\""), Outcome::Restart);
}

proptest::proptest! {
    #[test]
    fn judgement_of_any_headers_does_not_panic(
        status in 200u16..600,
        range in "(bytes )?[0-9*/ -]{0,40}|[ -~]{0,40}",
        etag in "(W/)?\"?[ -~]{0,20}\"?",
        modified in "[ -~]{0,40}",
    ) {
        let version = first_version(First { tag: Tag::Strong("v1"), modified: Modified::None, total: None });
        let headers = [
            ("content-range", Some(range)),
            ("etag", Some(etag)),
            ("last-modified", Some(modified)),
        ];
        let part = ResumePoint { version: &version, length: RECEIVED };
        judge(&response(status, &headers, None), Some(part), Some(&version));
        judge(&response(status, &headers, None), None, Some(&version));
    }
}
