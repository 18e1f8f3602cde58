//! A host with two versions of a file: the saved file is one of the versions, or the download fails.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use aimlapi_video::{ErrorKind, Generation};
use proptest::prelude::*;
use serde_json::json;
use support::{Request, Server, client, files::Film, http};

/// The validators by which the host distinguishes its versions.
#[derive(Clone, Copy, Debug)]
enum Validators {
    StrongTag,
    /// A tag, and a date that both versions have.
    StrongTagAndDate,
    Date,
    WeakTagAndDate,
    /// A stale tag: both versions have the tag of the first.
    StaleTagAndDate,
    /// Both versions were written in the second in which the download began, and the tag is derived from that second.
    TagOfFreshDate,
    FreshDate,
    WeakTag,
    None,
}

/// How the host evaluates `If-Range`.
#[derive(Clone, Copy, Debug)]
enum Condition {
    Compared,
    Ignored,
    /// The host treats a date as an upper bound.
    Bound,
}

/// The form of the host's response.
#[derive(Clone, Copy, Debug)]
enum Dress {
    Plain,
    /// A part as 200, with its `Content-Range`.
    PartAsOk,
    /// A whole file as 206, with a `Content-Range` over all of it.
    WholeAsPart,
    /// A part without its total.
    UnknownTotal,
    /// A part without its total that ends before the end of the file.
    ShortPartOfUnknownTotal,
    /// A part without its total, in chunks.
    ChunkedPartOfUnknownTotal,
    /// A part that ends before the end of the file.
    ShortPart,
    /// A part from another byte than was requested.
    EarlierPart,
    /// The whole in chunks, without a length.
    Chunked,
    /// The request cannot be served.
    Error(u16),
    /// The file does not exist.
    Unsatisfied,
}

/// One response.
#[derive(Clone, Copy, Debug)]
struct Step {
    is_second: bool,
    dress: Dress,
    /// The part of the body, in per mille, after which the connection breaks.
    cut: Option<u64>,
}

#[derive(Clone, Debug)]
struct Host {
    validators: Validators,
    condition: Condition,
    /// The length of the second version.
    length: u64,
    steps: Vec<Step>,
    /// The start of the host, in seconds since 1970.
    began: u64,
}

const LENGTH: u64 = 4_000;

fn films(host: &Host) -> [Film; 2] {
    static FILMS: LazyLock<[Film; 2]> =
        LazyLock::new(|| [Film::new(LENGTH, 7), Film::new(LENGTH, 8)]);
    let [first, mut second] = FILMS.clone();
    second.length = host.length;
    [first, second]
}

fn headers(host: &Host, is_second: bool) -> Vec<(&'static str, String)> {
    let (tag, age) = match is_second {
        false => ("v1", 90_000),
        true => ("v2", 80_000),
    };
    let at = |seconds: u64| {
        httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    };
    let fixed = |age: u64| ("last-modified", at(1_700_000_000 - age));
    let fresh = [("last-modified", at(host.began)), ("date", at(host.began))];
    let etag = |tag: &str| ("etag", format!("\"{tag}\""));
    match host.validators {
        Validators::StrongTag => vec![etag(tag)],
        Validators::StrongTagAndDate => vec![etag(tag), fixed(0)],
        Validators::Date => vec![fixed(age)],
        Validators::WeakTagAndDate => vec![("etag", format!("W/\"{tag}\"")), fixed(age)],
        Validators::StaleTagAndDate => vec![etag("v1"), fixed(age)],
        Validators::TagOfFreshDate => {
            let tag = etag(&format!("{:x}-fa0", host.began));
            [vec![tag], fresh.to_vec()].concat()
        }
        Validators::FreshDate => fresh.to_vec(),
        Validators::WeakTag => vec![("etag", "W/\"same\"".into())],
        Validators::None => Vec::new(),
    }
}

/// Whether the host responds with a range.
fn serves_range(host: &Host, step: Step, request: &Request) -> bool {
    let Some(condition) = request.header("if-range") else {
        return true;
    };
    let has = headers(host, step.is_second);
    let has = |name: &str| {
        has.iter()
            .find(|(header, _)| *header == name)
            .map(|(_, value)| value)
    };
    let is_same = has("etag").is_some_and(|tag| tag == condition)
        || has("last-modified").is_some_and(|date| date == condition);
    match host.condition {
        Condition::Compared => is_same,
        Condition::Ignored => true,
        Condition::Bound => match (httpdate::parse_http_date(condition), has("last-modified")) {
            (Ok(bound), Some(date)) => httpdate::parse_http_date(date).unwrap() <= bound,
            _ => is_same,
        },
    }
}

fn response(host: &Host, number: usize, request: &Request, base: &str) -> Vec<u8> {
    if request.target.starts_with("/v") {
        let video = json!({ "url": format!("{base}/film.mp4") });
        return support::json(
            200,
            json!({ "id": "g", "status": "completed", "video": video }),
        );
    }
    let last = Step {
        is_second: true,
        dress: Dress::Plain,
        cut: None,
    };
    let step = host.steps.get(number).copied().unwrap_or(last);
    let film = &films(host)[usize::from(step.is_second)];
    let from = request
        .header("range")
        .filter(|_| serves_range(host, step, request));
    let from: Option<u64> = from.map(|range| {
        let first = range
            .strip_prefix("bytes=")
            .unwrap()
            .strip_suffix('-')
            .unwrap();
        first.parse().unwrap()
    });
    let mut headers = headers(host, step.is_second);
    headers.push(("content-type", "video/mp4".into()));
    let total = film.length;
    let range = |first: u64, end: u64, total: &str| {
        (
            "content-range",
            format!("bytes {first}-{}/{total}", end - 1),
        )
    };
    let (status, first, end) = match (step.dress, from) {
        (Dress::Error(status), _) => return http(status, &[], "no"),
        (Dress::Unsatisfied, Some(_)) => {
            headers.push(("content-range", format!("bytes */{total}")));
            return raw(416, &headers, Some(0), &[]);
        }
        (_, Some(from)) if from >= total => {
            headers.push(("content-range", format!("bytes */{total}")));
            return raw(416, &headers, Some(0), &[]);
        }
        (Dress::UnknownTotal | Dress::ChunkedPartOfUnknownTotal, Some(from)) => {
            headers.push(range(from, total, "*"));
            (206, from, total)
        }
        (Dress::ShortPartOfUnknownTotal, Some(from)) => {
            let end = from + (total - from).div_ceil(2);
            headers.push(range(from, end, "*"));
            (206, from, end)
        }
        (Dress::ShortPart, Some(from)) => {
            let end = from + (total - from).div_ceil(2);
            headers.push(range(from, end, &total.to_string()));
            (206, from, end)
        }
        (Dress::EarlierPart, Some(from)) => {
            let first = from.saturating_sub(10);
            headers.push(range(first, total, &total.to_string()));
            (206, first, total)
        }
        (dress, Some(from)) => {
            headers.push(range(from, total, &total.to_string()));
            (
                if matches!(dress, Dress::PartAsOk) {
                    200
                } else {
                    206
                },
                from,
                total,
            )
        }
        (Dress::WholeAsPart, None) => {
            headers.push(range(0, total, &total.to_string()));
            (206, 0, total)
        }
        (_, None) => (200, 0, total),
    };
    let body = film.piece(first, (end - first) as usize);
    let sent = step
        .cut
        .map_or(body.len(), |cut| body.len() * cut as usize / 1000);
    // With chunked encoding, a missing last chunk means a broken connection.
    if matches!(
        step.dress,
        Dress::Chunked | Dress::ChunkedPartOfUnknownTotal
    ) {
        headers.push(("transfer-encoding", "chunked".into()));
        let mut chunks = format!("{sent:x}\r\n").into_bytes();
        chunks.extend_from_slice(&body[..sent]);
        chunks.extend_from_slice(if sent == body.len() {
            b"\r\n0\r\n\r\n"
        } else {
            b"\r\n"
        });
        let chunks = if sent == 0 { Vec::new() } else { chunks };
        return raw(status, &headers, None, &chunks);
    }
    raw(status, &headers, Some(body.len()), &body[..sent])
}

fn raw(status: u16, headers: &[(&str, String)], length: Option<usize>, body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Status\r\nconnection: close\r\n");
    if let Some(length) = length {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

fn hosts() -> impl Strategy<Value = Host> {
    let validators = prop_oneof![
        Just(Validators::StrongTag),
        Just(Validators::StrongTagAndDate),
        Just(Validators::Date),
        Just(Validators::WeakTagAndDate),
        Just(Validators::StaleTagAndDate),
        Just(Validators::TagOfFreshDate),
        Just(Validators::FreshDate),
        Just(Validators::WeakTag),
        Just(Validators::None),
    ];
    let condition = prop_oneof![
        Just(Condition::Compared),
        Just(Condition::Ignored),
        Just(Condition::Bound),
    ];
    let dress = prop_oneof![
        4 => Just(Dress::Plain),
        2 => Just(Dress::PartAsOk),
        2 => Just(Dress::WholeAsPart),
        1 => Just(Dress::UnknownTotal),
        1 => Just(Dress::ShortPartOfUnknownTotal),
        1 => Just(Dress::ChunkedPartOfUnknownTotal),
        2 => Just(Dress::ShortPart),
        1 => Just(Dress::EarlierPart),
        2 => Just(Dress::Chunked),
        1 => prop::sample::select(vec![400, 403, 404, 500, 503]).prop_map(Dress::Error),
        1 => Just(Dress::Unsatisfied),
    ];
    let step = (
        any::<bool>(),
        dress,
        prop::option::weighted(0.8, 0..1000u64),
    )
        .prop_map(|(is_second, dress, cut)| Step {
            is_second,
            dress,
            cut,
        });
    let length = prop_oneof![Just(LENGTH), Just(LENGTH - 700), Just(LENGTH + 900)];
    (
        validators,
        condition,
        length,
        prop::collection::vec(step, 1..8),
    )
        .prop_map(|(validators, condition, length, steps)| Host {
            validators,
            condition,
            length,
            steps,
            began: SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap()
                .as_secs(),
        })
}

/// The saved bytes after several downloads to the same target; the next download follows a failed one.
fn saved(host: &Host, retries: u32) -> Option<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let serving = host.clone();
        let server = Server::start(move |number, request| {
            let base = format!("http://{}", request.header("host").unwrap());
            response(&serving, number, request, &base)
        })
        .await;
        let url = format!("{}/film.mp4", server.url());
        let generation = Generation::from_json(
            json!({ "id": "g", "status": "completed", "video": { "url": url } }),
        );
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.mp4");
        let client = client(server.url());
        for _ in 0..3 {
            let download = client.download(&generation).retries(retries);
            match download.to_file(&path).await {
                Ok(_) => return Some(std::fs::read(&path).unwrap()),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Download, "{error:?}"),
            }
            assert!(!path.exists(), "nothing has the final name");
        }
        None
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn saved_bytes_are_those_of_one_version(host in hosts(), retries in 0u32..4) {
        let versions = films(&host).map(|film| film.bytes());
        if let Some(bytes) = saved(&host, retries) {
            prop_assert!(versions.contains(&bytes), "{} bytes of neither version", bytes.len());
        }
    }
}
