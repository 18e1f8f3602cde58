//! Tests of single responses: ranges, dates, tags, and what other versions have noted.

use super::*;
use crate::download::version::Validator;

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
