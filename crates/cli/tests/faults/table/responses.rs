//! JSON responses of the service.

use aimlapi_video::ErrorKind::{AmbiguousCreate, DeadlineExceeded, GenerationFailed, MissingVideo};
use serde_json::{Value, json};

use super::{CreatedAt, Fault, Row, UNTIL_DEADLINE, fails, once, succeeds};
use crate::support::KEY;

pub(super) fn rows() -> Vec<Row> {
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
