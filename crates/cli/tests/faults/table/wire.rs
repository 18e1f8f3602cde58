//! Faults of the connection and of the HTTP message.

use aimlapi_video::ErrorKind::{
    AmbiguousCreate, DeadlineExceeded, Download, PollingLost, Unreachable,
};

use super::{Fault, Row, SOME, UNTIL_DEADLINE, fails, lost, succeeds};
use crate::{
    cells::{Cell, End, FaultContext},
    support::{faulty::Act, http},
};

pub(super) fn rows() -> Vec<Row> {
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
        Row {
            // The id has arrived, here and below.
            create: succeeds(1),
            ..lost("reset within the body", |context| {
                vec![Act::Send(truncated(context)), Act::Reset]
            })
        },
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
            create: succeeds(1),
            ..lost("hang within the body", |context| {
                vec![Act::Send(truncated(context)), Act::Hang]
            })
        },
        Row {
            create: succeeds(1),
            ..lost("half a chunk", move |_| {
                vec![Act::Send(
                    format!("{chunked}40\r\n{{\"id\":\"g1\"").into_bytes(),
                )]
            })
        },
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
        Row {
            create: succeeds(1),
            ..lost_for_api("content-length too short", |context| {
                vec![Act::Send(context.with_length(-7))]
            })
        },
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
        Row {
            create: succeeds(1),
            ..lost_for_api("truncated JSON", |context| {
                vec![Act::Send(http(
                    200,
                    &[],
                    format!("{{\"id\":\"g1\",\"note\":{:?}", context.echo()),
                ))]
            })
        },
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
            let bomb = include_bytes!("../../../../../tests/support/src/bomb.gz");
            vec![Act::Send(http(200, &[("content-encoding", "gzip")], bomb))]
        }),
        lost("a compression bomb with 500", |_| {
            let bomb = include_bytes!("../../../../../tests/support/src/bomb.gz");
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
