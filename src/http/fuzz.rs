//! Property tests of responses with arbitrary bytes and headers. `PROPTEST_CASES` sets the number of cases.

use proptest::prelude::*;

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use uuid::Uuid;

use super::{ServiceResponse, redact};

const KEY: &[u8] = b"sk-do-not-leak-4711";

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..30),
        prop::sample::select(
            [
                "{",
                "}",
                "[",
                "]",
                "\"",
                ":",
                ",",
                "\"id\":\"g1\"",
                "\"message\":",
                "\"error\":",
                "null",
                "1e999",
                "\\u0000",
                "\\ud800",
                "https://u:p@a.example/b?sig=1",
                "sk-do-not-leak-4711",
                "sk-do-not",
            ]
            .map(|text| text.as_bytes().to_vec())
            .to_vec()
        ),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

fn header() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "5",
        "3600",
        "-1",
        "1.5",
        "1e9",
        "NaN",
        "inf",
        "18446744073709551616",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Wednesday, 21-Oct-15 07:28:00 GMT",
        "gzip",
        "identity",
        "",
    ];
    prop_oneof![
        prop::sample::select(known.map(|text| text.as_bytes().to_vec()).to_vec()),
        prop::collection::vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8], 0..30),
        "[0-9]{1,25}".prop_map(String::into_bytes),
        "[0-9.eE+-]{1,12}".prop_map(String::into_bytes),
    ]
}

fn response(status: u16, headers: &[(&'static str, Vec<u8>)], body: Vec<u8>) -> ServiceResponse {
    let mut read = HeaderMap::new();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            read.insert(HeaderName::from_static(name), value);
        }
    }
    ServiceResponse {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::OK),
        headers: read,
        body: redact::redact(&body, KEY).unwrap_or(body),
        incomplete: None,
        request_id: Uuid::nil(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_response_is_read_or_an_error(
        status in 100..1000_u16,
        (again, millis, encoding) in (header(), header(), prop_oneof![Just(Vec::new()), header()]),
        (place, id, kind) in (header(), header(), header()),
        body in bytes(),
    ) {
        let headers = [
            ("retry-after", again),
            ("retry-after-ms", millis),
            ("content-encoding", encoding),
            ("location", place),
            ("x-inference-id", id),
            ("content-type", kind),
        ];
        let response = response(status, &headers, body);
        if let Ok(generation) = response.generation(None) {
            prop_assert!(generation.as_json().is_object());
        }
        let error = response.service_error();
        let shown = format!("{error} {error:?} {} {}", error.body, error.excerpt(50));
        prop_assert!(!shown.contains("sk-do-not-leak-4711"), "{shown}");
        if !response.status.is_success() {
            prop_assert!(!shown.contains("?sig="), "{shown}");
        }
        // A byte that is not UTF-8 becomes a replacement character of three bytes.
        prop_assert!(error.body.len() <= 3 * 8 * 1024);
    }

    #[test]
    fn any_retry_after_is_a_duration_or_none(again in header(), millis in prop_oneof![Just(Vec::new()), header()]) {
        let pause = response(429, &[("retry-after", again.clone()), ("retry-after-ms", millis)], Vec::new()).retry_after();
        let text = String::from_utf8_lossy(&again);
        if let (Ok(seconds), None) = (text.trim().parse::<u32>(), pause) {
            prop_assert!(false, "{seconds} s is a time");
        }
        // Callers add the pause to an instant with `checked_add`, as here.
        let _ = tokio::time::Instant::now().checked_add(pause.unwrap_or_default());
    }
}
