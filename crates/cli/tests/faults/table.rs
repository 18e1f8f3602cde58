//! The table: fault × where × expected end.

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
    cells::{Cell, End, Told},
    secrets::{PASSWORD, SIGNATURE},
    support::{KEY, Request, faulty::Act, http},
};

/// How many rows there are.
pub const ROWS: usize = 103;

pub struct Row {
    pub name: &'static str,
    pub fault: Fault,
    /// When the generation was created, by the handle that is waited with.
    pub created: Created,
    pub create: Cell,
    /// A wait for which the fault lasts.
    pub poll: Cell,
    /// A wait whose first poll alone meets it.
    pub passing: Cell,
    pub download: Cell,
}

pub enum Fault {
    /// Nobody listens.
    Refuse,
    /// What comes over the wire.
    Wire(Box<Acts>),
    /// What the answers of create and poll say, of this poll and with this link.
    Answer(Box<Says>),
}

pub type Acts = dyn Fn(&Told<'_>) -> Vec<Act> + Send + Sync;
pub type Says = dyn Fn(usize, &str) -> Value + Send + Sync;

#[derive(Clone, Copy)]
pub enum Created {
    Now,
    YearAgo,
    InAnHour,
}

/// Polls while the fault lasts: few, since they are a fifth of a second apart.
const FEW: RangeInclusive<usize> = 1..=14;

/// Until the deadline.
const UNTIL_DEADLINE: RangeInclusive<usize> = 2..=27;

/// Connections for one video: a download may go on where it broke, but not without end.
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

fn ends_well(requests: usize) -> Cell {
    Cell {
        end: End::Well,
        requests: requests..=requests,
    }
}

/// The request arrived, and no answer that can be read came back.
fn lost(name: &'static str, act: impl Fn(&Told<'_>) -> Vec<Act> + Send + Sync + 'static) -> Row {
    Row {
        name,
        fault: Fault::Wire(Box::new(act)),
        created: Created::Now,
        create: fails(AmbiguousCreate, once()),
        poll: fails(PollingLost, FEW),
        passing: ends_well(2),
        download: fails(Download, SOME),
    }
}

/// As [`lost`], but for a file's host it is a good answer: what a video is, it cannot know.
fn unread(name: &'static str, act: impl Fn(&Told<'_>) -> Vec<Act> + Send + Sync + 'static) -> Row {
    let mut row = lost(name, act);
    row.download.end = End::Either(Download);
    row
}

/// The service says that the work goes on, and nothing that can be read: for a wait, the state is what it was.
fn accepted(
    name: &'static str,
    answer: impl Fn(&Told<'_>) -> Vec<u8> + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
        ..lost(name, move |told| vec![Act::Send(answer(told))])
    }
}

/// The service refuses: asking again is of no use.
fn refused(name: &'static str, status: u16) -> Row {
    Row {
        create: fails(Refused, once()),
        poll: fails(PollingLost, once()),
        passing: fails(PollingLost, once()),
        ..lost(name, move |told| vec![told.status(status, &[])])
    }
}

/// The service cannot answer now.
fn down(name: &'static str, status: u16) -> Row {
    lost(name, move |told| vec![told.status(status, &[])])
}

/// Too many requests, with what the service says about when to come back.
fn limited(
    name: &'static str,
    again: impl Fn() -> Option<(&'static str, String)> + Send + Sync + 'static,
) -> Row {
    Row {
        // Three tries, since nothing was created.
        create: fails(Refused, 3..=3),
        ..lost(name, move |told| {
            let again = again();
            let headers: Vec<(&str, &str)> = again
                .iter()
                .map(|(name, value)| (*name, &**value))
                .collect();
            vec![told.status(429, &headers)]
        })
    }
}

/// As [`limited`], asked to wait for longer than anybody here does: the wait polls once more, at its deadline.
fn asked_to_wait(
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
        ..lost(name, move |told| {
            vec![told.status(status, &[(header, &value())])]
        })
    }
}

/// Redirects to another place than the one asked.
fn redirect(name: &'static str, status: u16, to: fn(&Told<'_>) -> String) -> Row {
    Row {
        create: fails(Refused, once()),
        poll: fails(PollingLost, once()),
        passing: fails(PollingLost, once()),
        // Six of them: the first and five more.
        download: fails(Download, 1..=6),
        ..lost(name, move |told| {
            vec![told.status(status, &[("location", &to(told))])]
        })
    }
}

/// As [`redirect`], to a host of its own, where the video may lie, but the API does not.
fn elsewhere(name: &'static str, status: u16) -> Row {
    Row {
        download: ends_well(1),
        ..redirect(name, status, |told| told.elsewhere())
    }
}

/// An answer that means what the usual one means.
fn same(name: &'static str, answer: impl Fn(usize, &str) -> Value + Send + Sync + 'static) -> Row {
    Row {
        name,
        fault: Fault::Answer(Box::new(answer)),
        created: Created::Now,
        create: ends_well(1),
        poll: ends_well(1),
        passing: ends_well(1),
        download: ends_well(1),
    }
}

/// An answer that says that it goes on.
fn goes_on(
    name: &'static str,
    answer: impl Fn(usize, &str) -> Value + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
        passing: ends_well(2),
        download: fails(MissingVideo, 0..=0),
        ..same(name, answer)
    }
}

/// An answer that says that it failed.
fn failed(
    name: &'static str,
    answer: impl Fn(usize, &str) -> Value + Send + Sync + 'static,
) -> Row {
    Row {
        poll: fails(GenerationFailed, once()),
        passing: fails(GenerationFailed, once()),
        download: fails(MissingVideo, 0..=0),
        ..same(name, answer)
    }
}

fn status(status: &str, link: &str) -> Value {
    json!({ "id": "g1", "status": status, "video": { "url": link } })
}

fn html(told: &Told<'_>, status: u16) -> Vec<Act> {
    let body = format!("<html><body>{}</body></html>", told.echo());
    vec![Act::Send(http(
        status,
        &[("content-type", "text/html")],
        body,
    ))]
}

fn begun(told: &Told<'_>) -> Vec<u8> {
    let good = told.good();
    good[..good.len() - 10].to_vec()
}

pub fn rows() -> Vec<Arc<Row>> {
    let mut rows = wire();
    rows.extend(refusals());
    rows.extend(answers());
    rows.into_iter().map(Arc::new).collect()
}

fn wire() -> Vec<Row> {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let nested = || http(200, &[], "[".repeat(100_000));
    vec![
        Row {
            fault: Fault::Refuse,
            create: fails(Unreachable, 0..=0),
            poll: fails(PollingLost, 0..=0),
            passing: ends_well(1),
            download: fails(Download, 0..=0),
            ..lost("refuse", |_| Vec::new())
        },
        Row {
            // Where the reset comes before the connection is used, nothing has left.
            create: Cell {
                end: End::FailsAs(AmbiguousCreate, Unreachable),
                requests: 1..=3,
            },
            ..lost("reset before the request is read", |_| {
                vec![Act::ResetUnread]
            })
        },
        lost("reset before the answer", |_| vec![Act::Reset]),
        lost("reset within the header", |_| {
            vec![Act::Send(b"HTTP/1.1 200 OK\r\nconte".to_vec()), Act::Reset]
        }),
        lost("reset within the body", |told| {
            vec![Act::Send(begun(told)), Act::Reset]
        }),
        Row {
            create: ends_well(1),
            poll: ends_well(1),
            passing: ends_well(1),
            download: ends_well(1),
            ..lost("reset after the answer", |told| {
                vec![Act::Send(told.good()), Act::ResetWhenRead]
            })
        },
        lost("closed without an answer", |_| Vec::new()),
        Row {
            download: Cell {
                end: End::Stands,
                requests: SOME,
            },
            ..lost("hang before the header", |_| vec![Act::Hang])
        },
        Row {
            download: Cell {
                end: End::Stands,
                requests: SOME,
            },
            ..lost("hang within the header", |_| {
                vec![Act::Send(b"HTTP/1.1 200 OK\r\nconte".to_vec()), Act::Hang]
            })
        },
        Row {
            download: Cell {
                end: End::Stands,
                requests: SOME,
            },
            ..lost("hang within the body", |told| {
                vec![Act::Send(begun(told)), Act::Hang]
            })
        },
        lost("half a chunk", move |_| {
            vec![Act::Send(
                format!("{chunked}40\r\n{{\"id\":\"g1\"").into_bytes(),
            )]
        }),
        lost("a chunk of no size", move |_| {
            vec![Act::Send(format!("{chunked}zz\r\n{{}}\r\n").into_bytes())]
        }),
        Row {
            // The object is whole: what it says is not thrown away.
            create: ends_well(1),
            poll: ends_well(1),
            passing: ends_well(1),
            ..lost("content-length too long", |told| {
                vec![Act::Send(told.with_length(7))]
            })
        },
        unread("content-length too short", |told| {
            vec![Act::Send(told.with_length(-7))]
        }),
        lost("two content-lengths", |_| {
            vec![Act::Send(http(
                200,
                &[("content-length", "2"), ("Content-Length", "3")],
                "{} ",
            ))]
        }),
        unread("HTML with 200", |told| html(told, 200)),
        lost("HTML with 502", |told| html(told, 502)),
        lost("empty with 200", |_| vec![Act::Send(http(200, &[], ""))]),
        lost("204", |_| {
            vec![Act::Send(
                b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n".to_vec(),
            )]
        }),
        unread("truncated JSON", |told| {
            vec![Act::Send(http(
                200,
                &[],
                format!("{{\"id\":\"g1\",\"note\":{:?}", told.echo()),
            ))]
        }),
        Row {
            create: ends_well(1),
            ..unread("JSON of another id", |_| {
                vec![Act::Send(http(
                    200,
                    &[],
                    r#"{"id":"g2","status":"completed"}"#,
                ))]
            })
        },
        unread("a list", |_| vec![Act::Send(http(200, &[], "[]"))]),
        unread("null", |_| vec![Act::Send(http(200, &[], "null"))]),
        unread("JSON too deep", move |_| vec![Act::Send(nested())]),
        unread("no UTF-8", |_| {
            vec![Act::Send(http(200, &[], b"{\"id\":\"g1\xff\"}"))]
        }),
        Row {
            // An answer may repeat the media of its request.
            create: ends_well(1),
            poll: fails(DeadlineExceeded, UNTIL_DEADLINE),
            ..unread("5 MB of JSON", |_| {
                let body = format!(r#"{{"id":"g1","note":"{}"}}"#, "x".repeat(5_000_000));
                vec![Act::Send(http(200, &[], body))]
            })
        },
        accepted("202, empty", |_| http(202, &[], "")),
        accepted("202, HTML", |told| {
            let headers = [("content-type", "text/html")];
            http(202, &headers, format!("<p>{}</p>", told.echo()))
        }),
        accepted("202, null", |_| http(202, &[], "null")),
        accepted("202, an object without a state", |_| {
            http(202, &[], r#"{"message":"accepted"}"#)
        }),
        unread("a compressed bomb", |_| {
            let bomb = include_bytes!("../../../../tests/support/src/bomb.gz");
            vec![Act::Send(http(200, &[("content-encoding", "gzip")], bomb))]
        }),
        lost("a compressed bomb with 500", |_| {
            let bomb = include_bytes!("../../../../tests/support/src/bomb.gz");
            vec![Act::Send(http(500, &[("content-encoding", "gzip")], bomb))]
        }),
        lost("a body without end", |_| {
            vec![
                Act::Send(b"HTTP/1.1 200 OK\r\n\r\n{\"id\":\"".to_vec()),
                Act::SendForever(vec![b'x'; 65536]),
            ]
        }),
        lost("a refusal without end", |_| {
            vec![
                Act::Send(b"HTTP/1.1 500 No\r\n\r\n".to_vec()),
                Act::SendForever(vec![b'x'; 65536]),
            ]
        }),
        Row {
            download: Cell {
                end: End::Stands,
                requests: SOME,
            },
            ..lost("a body drop by drop", |_| {
                vec![
                    Act::Send(b"HTTP/1.1 200 OK\r\n\r\n{".to_vec()),
                    Act::Drip(b" ".to_vec()),
                ]
            })
        },
        lost("headers without end", |_| {
            vec![
                Act::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Act::SendForever(b"x-more: and more\r\n".to_vec()),
            ]
        }),
        Row {
            download: Cell {
                end: End::Stands,
                requests: SOME,
            },
            ..lost("interim answers without end", |_| {
                vec![Act::SendForever(
                    b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec(),
                )]
            })
        },
        lost("no HTTP at all", |_| {
            vec![Act::Send(b"220 mail.example ESMTP\r\n".to_vec())]
        }),
    ]
}

fn refusals() -> Vec<Row> {
    let in_an_hour = || {
        let time = SystemTime::now() + Duration::from_secs(3600);
        httpdate::fmt_http_date(time)
    };
    let again = |value: &'static str| move || Some(("retry-after", value.to_owned()));
    let mut rows = vec![
        refused("400", 400),
        refused("401", 401),
        refused("402", 402),
        refused("403, no credits", 403),
        Row {
            // Just created, it may not be known everywhere.
            poll: fails(PollingLost, FEW),
            passing: ends_well(2),
            ..refused("404 early", 404)
        },
        Row {
            created: Created::YearAgo,
            ..refused("404 late", 404)
        },
        down("408", 408),
        refused("409", 409),
        refused("410", 410),
        refused("413", 413),
        refused("422", 422),
        Row {
            // What came too early was not worked on.
            create: fails(Refused, once()),
            ..down("425", 425)
        },
        asked_to_wait("429, come back in 5 s", 429, "retry-after", || "5".into()),
        asked_to_wait("429, come back in an hour", 429, "retry-after", || {
            "3600".into()
        }),
        asked_to_wait("429, come back at a date", 429, "retry-after", in_an_hour),
        limited("429, come back soon", again("soon")),
        limited("429, come back before", again("-5")),
        limited(
            "429, come back at a date gone by",
            again("Wed, 21 Oct 2015 07:28:00 GMT"),
        ),
        limited("429, come back in milliseconds", || {
            Some(("retry-after-ms", "20".into()))
        }),
        limited("429", || None),
        down("500", 500),
        down("502", 502),
        down("503", 503),
        asked_to_wait("503, come back in an hour", 503, "retry-after", || {
            "3600".into()
        }),
        down("504", 504),
        down("599", 599),
        refused("300", 300),
        refused("304", 304),
        refused("308 to nowhere", 308),
        redirect("307 to no link", 307, |_| {
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
        rows.push(redirect(names[0], status, |told| {
            format!("/other/{}?signature={SIGNATURE}", told.number)
        }));
        rows.push(elsewhere(names[1], status));
        rows.push(redirect(names[2], status, |told| {
            told.request.target.clone()
        }));
    }
    rows
}

fn answers() -> Vec<Row> {
    vec![
        goes_on(
            "an unknown status",
            |_, _| json!({ "id": "g1", "status": "dreamlike" }),
        ),
        same("an unknown status with a video", |_, link| {
            status("dreamlike", link)
        }),
        same("an upper-case status", |_, link| status("COMPLETED", link)),
        same("complete", |_, link| status("complete", link)),
        same("succeeded", |_, link| status("succeeded", link)),
        failed("failed", |_, _| json!({ "id": "g1", "status": "failed" })),
        failed(
            "canceled",
            |_, _| json!({ "id": "g1", "status": "canceled" }),
        ),
        goes_on("waiting", |_, _| json!({ "id": "g1", "status": "waiting" })),
        goes_on("active", |_, _| json!({ "id": "g1", "status": "active" })),
        same(
            "generation_id for id",
            |_, link| json!({ "generation_id": "g1", "status": "completed", "video": { "url": link } }),
        ),
        Row {
            create: fails(AmbiguousCreate, once()),
            ..goes_on("no id", |_, _| json!({ "status": "queued" }))
        },
        same("video as object", |_, link| status("completed", link)),
        same(
            "video as list of objects",
            |_, link| json!({ "id": "g1", "status": "completed", "video": [{ "url": link }] }),
        ),
        same(
            "video as list of strings",
            |_, link| json!({ "id": "g1", "status": "completed", "video": [link] }),
        ),
        same(
            "video as string",
            |_, link| json!({ "id": "g1", "status": "completed", "video": link }),
        ),
        failed("error as object", |_, link| {
            let message = format!("{KEY} cannot read {link}");
            json!({ "id": "g1", "status": "error", "error": { "name": "x", "message": message } })
        }),
        failed(
            "error as list",
            |_, link| json!({ "id": "g1", "status": "error", "error": [{ "msg": link }, KEY] }),
        ),
        failed(
            "error as string",
            |_, link| json!({ "id": "g1", "status": "error", "error": format!("{link} {KEY}") }),
        ),
        same("tokens_used for credits_used", |_, link| {
            let mut answer = status("completed", link);
            answer["meta"] = json!({ "usage": { "tokens_used": 5 } });
            answer
        }),
        Row {
            poll: fails(MissingVideo, 2..=5),
            passing: ends_well(2),
            download: fails(MissingVideo, 0..=0),
            ..same(
                "done without a link",
                |_, _| json!({ "id": "g1", "status": "completed", "video": null }),
            )
        },
        Row {
            poll: ends_well(3),
            passing: ends_well(2),
            download: fails(MissingVideo, 0..=0),
            ..same("back from generating to queued", |poll, link| match poll {
                0 => json!({ "id": "g1", "status": "generating" }),
                1 => json!({ "id": "g1", "status": "queued" }),
                _ => status("completed", link),
            })
        },
        Row {
            created: Created::InAnHour,
            ..same("a handle of the future", |_, link| {
                status("completed", link)
            })
        },
        Row {
            created: Created::YearAgo,
            ..same("a handle a year old", |_, link| status("completed", link))
        },
    ]
}

impl Told<'_> {
    /// Everything that the request told, and a link that is nobody's business.
    pub fn echo(&self) -> String {
        let authorization = self.request.header("authorization").unwrap_or_default();
        format!(
            "no: {authorization}, see https://me:{PASSWORD}@files.example.com/v.mp4?X-Amz-Signature={SIGNATURE} for it"
        )
    }

    /// An answer that repeats all it was told, wherever it can.
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

    /// A good answer that states so many bytes more than it has.
    pub fn with_length(&self, more: isize) -> Vec<u8> {
        let body = self.good_body();
        let length = (body.len() as isize + more).to_string();
        http(200, &[("content-length", &length)], body)
    }
}

/// Whether a request is a create.
pub fn is_create(request: &Request) -> bool {
    request.method == "POST"
}
