//! Statuses and redirects.

use std::time::{Duration, SystemTime};

use aimlapi_video::ErrorKind::{AmbiguousCreate, DeadlineExceeded, Download, PollingLost, Refused};

use super::{CreatedAt, FEW, Row, fails, lost, once, succeeds};
use crate::{cells::FaultContext, secrets::SIGNATURE};

pub(super) fn rows() -> Vec<Row> {
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
