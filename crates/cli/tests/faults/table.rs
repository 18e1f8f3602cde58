//! The table of faults: one row per fault, with the expected outcome at each point where the fault occurs.
//!
//! Three groups of rows: faults of the connection and of the HTTP message (`wire`), statuses and redirects (`refusals`), and JSON
//! responses in unusual shapes (`responses`). The functions before them build rows that share their expectations.

use std::{
    ops::RangeInclusive,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aimlapi_video::ErrorKind::{
    AmbiguousCreate, DeadlineExceeded, Download, GenerationFailed, MissingVideo, PollingLost,
    Refused, Unreachable,
};
use serde_json::{Value, json};

use crate::{
    cells::{Cell, End, FaultContext},
    secrets::{PASSWORD, SIGNATURE},
    support::{KEY, Request, faulty::Act, http},
};

/// The number of rows.
pub const ROWS: usize = 103;

/// A fault, and the expected outcome at each point.
pub struct Row {
    pub name: &'static str,
    pub fault: Fault,
    /// The time of the create that the handle states.
    pub created: CreatedAt,
    pub create: Cell,
    /// A wait during which the fault lasts.
    pub poll: Cell,
    /// A wait with the fault in its first poll only.
    pub poll_once: Cell,
    pub download: Cell,
}

pub enum Fault {
    /// No server listens.
    Refuse,
    /// The bytes and events on the connection.
    Wire(Box<Acts>),
    /// The JSON responses to create and poll, by the number of the poll and the video's URL.
    Response(Box<JsonResponse>),
}

/// The acts of a server on one connection.
pub type Acts = dyn Fn(&FaultContext<'_>) -> Vec<Act> + Send + Sync;
/// The JSON of a response, by the number of the request and the video's URL.
pub type JsonResponse = dyn Fn(usize, &str) -> Value + Send + Sync;

/// The time of a create.
#[derive(Clone, Copy)]
pub enum CreatedAt {
    Now,
    YearAgo,
    InAnHour,
}

/// Polls while the fault lasts, at intervals of 200 ms.
const FEW: RangeInclusive<usize> = 1..=14;

/// Polls until the deadline.
const UNTIL_DEADLINE: RangeInclusive<usize> = 2..=27;

/// Connections for one video: a download may be resumed, but only a limited number of times.
const SOME: RangeInclusive<usize> = 1..=12;

fn once() -> RangeInclusive<usize> {
    1..=1
}

fn fails(kind: aimlapi_video::ErrorKind, requests: RangeInclusive<usize>) -> Cell {
    Cell {
        end: End::Fails(kind),
        requests,
    }
}

fn succeeds(requests: usize) -> Cell {
    Cell {
        end: End::Succeeds,
        requests: requests..=requests,
    }
}

/// Builds a row whose server receives the request and returns no valid response.
fn lost(
    name: &'static str,
    act: impl Fn(&FaultContext<'_>) -> Vec<Act> + Send + Sync + 'static,
) -> Row {
    Row {
        name,
        fault: Fault::Wire(Box::new(act)),
        created: CreatedAt::Now,
        create: fails(AmbiguousCreate, once()),
        poll: fails(PollingLost, FEW),
        poll_once: succeeds(2),
        download: fails(Download, SOME),
    }
}

/// As [`lost`], but valid as a response of the video's host: a download cannot validate every body.
fn lost_for_api(
    name: &'static str,
    act: impl Fn(&FaultContext<'_>) -> Vec<Act> + Send + Sync + 'static,
) -> Row {
    let mut row = lost(name, act);
    row.download.end = End::SucceedsOrFails(Download);
    row
}

/// Builds a row with a 202 without a valid body: a wait keeps the state and continues.
fn accepted(
    name: &'static str,
    response: impl Fn(&FaultContext<'_>) -> Vec<u8> + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
        ..lost(name, move |context| vec![Act::Send(response(context))])
    }
}

/// Builds a row with a refusal that a retry does not change.
fn refused(name: &'static str, status: u16) -> Row {
    Row {
        create: fails(Refused, once()),
        poll: fails(PollingLost, once()),
        poll_once: fails(PollingLost, once()),
        ..lost(name, move |context| vec![context.status(status, &[])])
    }
}

/// Builds a row with a temporary failure of the service.
fn unavailable(name: &'static str, status: u16) -> Row {
    lost(name, move |context| vec![context.status(status, &[])])
}

/// Builds a row with a 429 and, optionally, a header that states when to retry.
fn limited(
    name: &'static str,
    retry_header: impl Fn() -> Option<(&'static str, String)> + Send + Sync + 'static,
) -> Row {
    Row {
        // Three attempts, since nothing was created.
        create: fails(Refused, 3..=3),
        ..lost(name, move |context| {
            let header = retry_header();
            let headers: Vec<(&str, &str)> = header
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            vec![context.status(429, &headers)]
        })
    }
}

/// Builds a row whose retry time is not before the deadline: the wait polls once more, at its deadline.
fn retry_after_deadline(
    name: &'static str,
    status: u16,
    header: &'static str,
    value: impl Fn() -> String + Send + Sync + 'static,
) -> Row {
    let create = if status == 429 {
        Refused
    } else {
        AmbiguousCreate
    };
    Row {
        create: fails(create, once()),
        poll: fails(DeadlineExceeded, 2..=2),
        ..lost(name, move |context| {
            vec![context.status(status, &[(header, &value())])]
        })
    }
}

/// Builds a row with a redirect to the URL that `to` returns.
fn redirect(name: &'static str, status: u16, to: fn(&FaultContext<'_>) -> String) -> Row {
    Row {
        create: fails(Refused, once()),
        poll: fails(PollingLost, once()),
        poll_once: fails(PollingLost, once()),
        // Six requests: the first one and five redirects.
        download: fails(Download, 1..=6),
        ..lost(name, move |context| {
            vec![context.status(status, &[("location", &to(context))])]
        })
    }
}

/// As [`redirect`], to another host, which is followed for videos and not for the API.
fn redirect_to_other_host(name: &'static str, status: u16) -> Row {
    Row {
        download: succeeds(1),
        ..redirect(name, status, |context| context.elsewhere())
    }
}

/// Builds a row with a response that is equivalent to the normal one.
fn equivalent(
    name: &'static str,
    response: impl Fn(usize, &str) -> Value + Send + Sync + 'static,
) -> Row {
    Row {
        name,
        fault: Fault::Response(Box::new(response)),
        created: CreatedAt::Now,
        create: succeeds(1),
        poll: succeeds(1),
        poll_once: succeeds(1),
        download: succeeds(1),
    }
}

/// Builds a row with a response that states an unfinished generation.
fn unfinished(
    name: &'static str,
    response: impl Fn(usize, &str) -> Value + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
        poll_once: succeeds(2),
        download: fails(MissingVideo, 0..=0),
        ..equivalent(name, response)
    }
}

/// Builds a row with a response that states a failed generation.
fn failed(
    name: &'static str,
    response: impl Fn(usize, &str) -> Value + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(GenerationFailed, once()),
        poll_once: fails(GenerationFailed, once()),
        download: fails(MissingVideo, 0..=0),
        ..equivalent(name, response)
    }
}

fn with_status(status: &str, url: &str) -> Value {
    json!({ "id": "g1", "status": status, "video": { "url": url } })
}

fn html(context: &FaultContext<'_>, status: u16) -> Vec<Act> {
    let body = format!("<html><body>{}</body></html>", context.echo());
    vec![Act::Send(http(
        status,
        &[("content-type", "text/html")],
        body,
    ))]
}

/// Returns the normal response without its last bytes.
fn truncated(context: &FaultContext<'_>) -> Vec<u8> {
    let normal = context.normal();
    normal[..normal.len() - 10].to_vec()
}

/// Returns all rows.
pub fn rows() -> Vec<Arc<Row>> {
    let mut rows = wire();
    rows.extend(refusals());
    rows.extend(responses());
    rows.into_iter().map(Arc::new).collect()
}

/// Faults of the connection and of the HTTP message.
fn wire() -> Vec<Row> {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let nested = || http(200, &[], "[".repeat(100_000));
    vec![
        Row {
            fault: Fault::Refuse,
            create: fails(Unreachable, 0..=0),
            poll: fails(PollingLost, 0..=0),
            poll_once: succeeds(1),
            download: fails(Download, 0..=0),
            ..lost("refuse", |_| Vec::new())
        },
        Row {
            // If the reset precedes the use of the connection, no byte was sent.
            create: Cell {
                end: End::FailsWithEither(AmbiguousCreate, Unreachable),
                requests: 1..=3,
            },
            ..lost("reset before the request is read", |_| {
                vec![Act::ResetUnread]
            })
        },
        lost("reset before the response", |_| vec![Act::Reset]),
        lost("reset within the header", |_| {
            vec![Act::Send(b"HTTP/1.1 200 OK\r\nconte".to_vec()), Act::Reset]
        }),
        lost("reset within the body", |context| {
            vec![Act::Send(truncated(context)), Act::Reset]
        }),
        Row {
            create: succeeds(1),
            poll: succeeds(1),
            poll_once: succeeds(1),
            download: succeeds(1),
            ..lost("reset after the response", |context| {
                vec![Act::Send(context.normal()), Act::ResetWhenRead]
            })
        },
        lost("closed without a response", |_| Vec::new()),
        Row {
            download: Cell {
                end: End::Hangs,
                requests: SOME,
            },
            ..lost("hang before the header", |_| vec![Act::Hang])
        },
        Row {
            download: Cell {
                end: End::Hangs,
                requests: SOME,
            },
            ..lost("hang within the header", |_| {
                vec![Act::Send(b"HTTP/1.1 200 OK\r\nconte".to_vec()), Act::Hang]
            })
        },
        Row {
            download: Cell {
                end: End::Hangs,
                requests: SOME,
            },
            ..lost("hang within the body", |context| {
                vec![Act::Send(truncated(context)), Act::Hang]
            })
        },
        lost("half a chunk", move |_| {
            vec![Act::Send(
                format!("{chunked}40\r\n{{\"id\":\"g1\"").into_bytes(),
            )]
        }),
        lost("a chunk without a size", move |_| {
            vec![Act::Send(format!("{chunked}zz\r\n{{}}\r\n").into_bytes())]
        }),
        Row {
            // The JSON object is complete, so it is used.
            create: succeeds(1),
            poll: succeeds(1),
            poll_once: succeeds(1),
            ..lost("content-length too long", |context| {
                vec![Act::Send(context.with_length(7))]
            })
        },
        lost_for_api("content-length too short", |context| {
            vec![Act::Send(context.with_length(-7))]
        }),
        lost("two content-lengths", |_| {
            vec![Act::Send(http(
                200,
                &[("content-length", "2"), ("Content-Length", "3")],
                "{} ",
            ))]
        }),
        lost_for_api("HTML with 200", |context| html(context, 200)),
        lost("HTML with 502", |context| html(context, 502)),
        lost("empty with 200", |_| vec![Act::Send(http(200, &[], ""))]),
        lost("204", |_| {
            vec![Act::Send(
                b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
            )]
        }),
        lost_for_api("truncated JSON", |context| {
            vec![Act::Send(http(
                200,
                &[],
                format!("{{\"id\":\"g1\",\"note\":{:?}", context.echo()),
            ))]
        }),
        Row {
            create: succeeds(1),
            ..lost_for_api("JSON of another id", |_| {
                vec![Act::Send(http(
                    200,
                    &[],
                    r#"{"id":"g2","status":"completed"}"#,
                ))]
            })
        },
        lost_for_api("a list", |_| vec![Act::Send(http(200, &[], "[]"))]),
        lost_for_api("null", |_| vec![Act::Send(http(200, &[], "null"))]),
        lost_for_api("JSON too deep", move |_| vec![Act::Send(nested())]),
        lost_for_api("not UTF-8", |_| {
            vec![Act::Send(http(200, &[], b"{\"id\":\"g1\xff\"}"))]
        }),
        Row {
            // A response may repeat the media of its request.
            create: succeeds(1),
            poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
            ..lost_for_api("5 MB of JSON", |_| {
                let body = format!(r#"{{"id":"g1","note":"{}"}}"#, "x".repeat(5_000_000));
                vec![Act::Send(http(200, &[], body))]
            })
        },
        accepted("202, empty", |_| http(202, &[], "")),
        accepted("202, HTML", |context| {
            let headers = [("content-type", "text/html")];
            http(202, &headers, format!("<p>{}</p>", context.echo()))
        }),
        accepted("202, null", |_| http(202, &[], "null")),
        accepted("202, an object without a state", |_| {
            http(202, &[], r#"{"message":"accepted"}"#)
        }),
        lost_for_api("a compression bomb", |_| {
            let bomb = include_bytes!("../../../../tests/support/src/bomb.gz");
            vec![Act::Send(http(200, &[("content-encoding", "gzip")], bomb))]
        }),
        lost("a compression bomb with 500", |_| {
            let bomb = include_bytes!("../../../../tests/support/src/bomb.gz");
            vec![Act::Send(http(500, &[("content-encoding", "gzip")], bomb))]
        }),
        lost("an endless body", |_| {
            vec![
                Act::Send(b"HTTP/1.1 200 OK\r\n\r\n{\"id\":\"".to_vec()),
                Act::SendForever(vec![b'x'; 65536]),
            ]
        }),
        lost("an endless error body", |_| {
            vec![
                Act::Send(b"HTTP/1.1 500 No\r\n\r\n".to_vec()),
                Act::SendForever(vec![b'x'; 65536]),
            ]
        }),
        Row {
            download: Cell {
                end: End::Hangs,
                requests: SOME,
            },
            ..lost("a body byte by byte", |_| {
                vec![
                    Act::Send(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()),
                    Act::Drip(b" ".to_vec()),
                ]
            })
        },
        lost("endless headers", |_| {
            vec![
                Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Act::SendForever(b"x-more: and more\r\n".to_vec()),
            ]
        }),
        Row {
            download: Cell {
                end: End::Hangs,
                requests: SOME,
            },
            ..lost("endless interim responses", |_| {
                vec![Act::SendForever(
                    b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(),
                )]
            })
        },
        lost("not HTTP", |_| {
            vec![Act::Send(b"220 mail.example ESMTP\r\n".to_vec())]
        }),
    ]
}

/// Statuses and redirects.
fn refusals() -> Vec<Row> {
    let in_an_hour = || {
        let time = SystemTime::now() + Duration::from_secs(3600);
        httpdate::fmt_http_date(time)
    };
    let retry_after = |value: &'static str| move || Some(("retry-after", value.to_owned()));
    let mut rows = vec![
        refused("400", 400),
        refused("401", 401),
        refused("402", 402),
        refused("403, no credits", 403),
        Row {
            // A generation that was just created may not be visible on every server yet.
            poll: fails(PollingLost, FEW),
            poll_once: succeeds(2),
            ..refused("404 early", 404)
        },
        Row {
            created: CreatedAt::YearAgo,
            ..refused("404 late", 404)
        },
        unavailable("408", 408),
        refused("409", 409),
        refused("410", 410),
        refused("413", 413),
        refused("422", 422),
        Row {
            // A 425 means that the service did not process the request (RFC 8470, 5.2).
            create: fails(Refused, once()),
            ..unavailable("425", 425)
        },
        retry_after_deadline("429, retry after 5 s", 429, "retry-after", || "5".into()),
        retry_after_deadline("429, retry after an hour", 429, "retry-after", || {
            "3600".into()
        }),
        retry_after_deadline("429, retry at a date", 429, "retry-after", in_an_hour),
        limited("429, retry after an invalid value", retry_after("soon")),
        limited("429, retry after a negative value", retry_after("-5")),
        limited(
            "429, retry at a past date",
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
        ),
        limited("429, retry after milliseconds", || {
            Some(("retry-after-ms", "20".into()))
        }),
        limited("429", || None),
        unavailable("500", 500),
        unavailable("502", 502),
        unavailable("503", 503),
        retry_after_deadline("503, retry after an hour", 503, "retry-after", || {
            "3600".into()
        }),
        unavailable("504", 504),
        unavailable("599", 599),
        refused("300", 300),
        refused("304", 304),
        refused("308 without a location", 308),
        redirect("307 to an invalid URL", 307, |_| {
            format!("http://[::no?{SIGNATURE}")
        }),
    ];
    for (status, names) in [
        (
            301,
            [
                "301 to the same host",
                "301 to another host",
                "301 to itself",
            ],
        ),
        (
            302,
            [
                "302 to the same host",
                "302 to another host",
                "302 to itself",
            ],
        ),
        (
            307,
            [
                "307 to the same host",
                "307 to another host",
                "307 to itself",
            ],
        ),
        (
            308,
            [
                "308 to the same host",
                "308 to another host",
                "308 to itself",
            ],
        ),
    ] {
        rows.push(redirect(names[0], status, |context| {
            format!("/other/{}?signature={SIGNATURE}", context.number)
        }));
        rows.push(redirect_to_other_host(names[1], status));
        rows.push(redirect(names[2], status, |context| {
            context.request.target.clone()
        }));
    }
    rows
}

/// JSON responses of the service.
fn responses() -> Vec<Row> {
    vec![
        unfinished(
            "an unknown status",
            |_, _| json!({ "id": "g1", "status": "dreamlike" }),
        ),
        equivalent("an unknown status with a video", |_, url| {
            with_status("dreamlike", url)
        }),
        equivalent("an upper-case status", |_, url| {
            with_status("COMPLETED", url)
        }),
        equivalent("complete", |_, url| with_status("complete", url)),
        equivalent("succeeded", |_, url| with_status("succeeded", url)),
        failed("failed", |_, _| json!({ "id": "g1", "status": "failed" })),
        failed(
            "canceled",
            |_, _| json!({ "id": "g1", "status": "canceled" }),
        ),
        unfinished("waiting", |_, _| json!({ "id": "g1", "status": "waiting" })),
        unfinished("active", |_, _| json!({ "id": "g1", "status": "active" })),
        equivalent(
            "generation_id for id",
            |_, url| json!({ "generation_id": "g1", "status": "completed", "video": { "url": url } }),
        ),
        Row {
            create: fails(AmbiguousCreate, once()),
            ..unfinished("no id", |_, _| json!({ "status": "queued" }))
        },
        equivalent("video as object", |_, url| with_status("completed", url)),
        equivalent(
            "video as list of objects",
            |_, url| json!({ "id": "g1", "status": "completed", "video": [{ "url": url }] }),
        ),
        equivalent(
            "video as list of strings",
            |_, url| json!({ "id": "g1", "status": "completed", "video": [url] }),
        ),
        equivalent(
            "video as string",
            |_, url| json!({ "id": "g1", "status": "completed", "video": url }),
        ),
        failed("error as object", |_, url| {
            let message = format!("{KEY} cannot read {url}");
            json!({ "id": "g1", "status": "error", "error": { "name": "x", "message": message } })
        }),
        failed(
            "error as list",
            |_, url| json!({ "id": "g1", "status": "error", "error": [{ "msg": url }, KEY] }),
        ),
        failed(
            "error as string",
            |_, url| json!({ "id": "g1", "status": "error", "error": format!("{url} {KEY}") }),
        ),
        equivalent("tokens_used for credits_used", |_, url| {
            let mut response = with_status("completed", url);
            response["meta"] = json!({ "usage": { "tokens_used": 5 } });
            response
        }),
        Row {
            poll: fails(MissingVideo, 2..=5),
            poll_once: succeeds(2),
            download: fails(MissingVideo, 0..=0),
            ..equivalent(
                "completed without a URL",
                |_, _| json!({ "id": "g1", "status": "completed", "video": null }),
            )
        },
        Row {
            poll: succeeds(3),
            poll_once: succeeds(2),
            download: fails(MissingVideo, 0..=0),
            ..equivalent("back from generating to queued", |poll, url| match poll {
                0 => json!({ "id": "g1", "status": "generating" }),
                1 => json!({ "id": "g1", "status": "queued" }),
                _ => with_status("completed", url),
            })
        },
        Row {
            created: CreatedAt::InAnHour,
            ..equivalent("a handle from the future", |_, url| {
                with_status("completed", url)
            })
        },
        Row {
            created: CreatedAt::YearAgo,
            ..equivalent("a handle a year old", |_, url| {
                with_status("completed", url)
            })
        },
    ]
}

impl FaultContext<'_> {
    /// Returns a text with the request's key and a URL with a password and a signature.
    pub fn echo(&self) -> String {
        let authorization = self.request.header("authorization").unwrap_or_default();
        format!(
            "no: {authorization}, see https://me:{PASSWORD}@files.example.com/v.mp4?X-Amz-Signature={SIGNATURE} for it"
        )
    }

    /// Returns a response that repeats the request's secrets in headers and body.
    pub fn status(&self, status: u16, headers: &[(&str, &str)]) -> Act {
        let key = self.request.header("authorization").unwrap_or_default();
        let body = json!({ "message": self.echo(), "code": key, "requestId": key, "path": self.request.target });
        let mut all = vec![
            ("content-type", "application/json"),
            ("x-inference-id", key),
        ];
        all.extend(headers);
        Act::Send(http(status, &all, body.to_string()))
    }

    /// Returns the normal response with a `Content-Length` that is `more` bytes too large.
    pub fn with_length(&self, more: isize) -> Vec<u8> {
        let body = self.normal_body();
        let length = (body.len() as isize + more).to_string();
        http(200, &[("content-length", &length)], body)
    }
}

/// Whether a request is a create.
pub fn is_create(request: &Request) -> bool {
    request.method == "POST"
}
