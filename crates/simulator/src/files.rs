//! The files of finished generations: by a signed link, without a key, whole or in part.

use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    answers::{cut_body, stepped},
    line::Cut,
    server::Shared,
    signature::Rejected,
};

#[derive(Deserialize)]
pub(super) struct Signed {
    #[serde(rename = "Expires")]
    expires: Option<String>,
    #[serde(rename = "Signature")]
    signature: Option<String>,
}

/// `GET /_simulator/files/ID/NUMBER.mp4`. The files ask for no key, as the hosts of the real ones do not.
pub(super) async fn file(
    State(service): State<Shared>,
    ConnectInfo(line): ConnectInfo<Cut>,
    Path((id, name)): Path<(String, String)>,
    signed: Result<Query<Signed>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let good = signed.ok().and_then(|Query(signed)| {
        let expires = signed.expires?.parse().ok()?;
        Some((expires, signed.signature?))
    });
    let Some((expires, signature)) = good else {
        return denied(
            StatusCode::FORBIDDEN,
            "MissingSignature",
            "the link has no signature",
        );
    };
    match service.tasks.file((&id, &name), expires, &signature) {
        Err(Rejected::Signature) => denied(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "the signature is not that of this link",
        ),
        Err(Rejected::Expired) => denied(
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "the link has expired",
        ),
        Ok(None) => denied(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "the simulator has forgotten this file",
        ),
        Ok(Some((bytes, None))) => part(bytes, &headers, None),
        Ok(Some((bytes, Some(step)))) => {
            let usual = part(bytes, &headers, step.cut_after);
            let refused = |status, message: String| denied(status, "Scenario", &message);
            stepped(&step, usual, &line, refused).await
        }
    }
}

/// The file, or the part of it that is asked for, where what the asker has of it is still good.
fn part(file: &'static [u8], headers: &HeaderMap, cut_after: Option<u32>) -> Response {
    // A clip is known by its length: no two are of one length, as a test holds.
    let tag = format!("\"clip-{}\"", file.len());
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let is_same = text(header::IF_RANGE).is_none_or(|known| known == tag);
    let asked = text(header::RANGE)
        .filter(|_| is_same)
        .map(|range| bounds(range, file.len()));
    let mut response = match asked {
        Some(Asked::Beyond) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{}", file.len()),
            );
            response
        }
        Some(Asked::Part(first, last)) => {
            let mut response = body(&file[first..=last], cut_after);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{}", file.len());
            set(&mut response, header::CONTENT_RANGE, &range);
            response
        }
        Some(Asked::Whole) | None => body(file, cut_after),
    };
    set(&mut response, header::ETAG, &tag);
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    response
}

fn body(bytes: &'static [u8], cut_after: Option<u32>) -> Response {
    let body = match cut_after {
        Some(after) => cut_body(Bytes::from_static(bytes), after),
        None => Body::from(bytes),
    };
    let mut response = body.into_response();
    set(&mut response, header::CONTENT_TYPE, "video/mp4");
    set(
        &mut response,
        header::CONTENT_LENGTH,
        &bytes.len().to_string(),
    );
    response
}

#[derive(Debug, PartialEq)]
enum Asked {
    Whole,
    /// From the first byte to the last, both within.
    Part(usize, usize),
    Beyond,
}

/// `bytes=FIRST-LAST`, `bytes=FIRST-` and `bytes=-COUNT`; whatever else is asked for gets the whole (RFC 9110, 14.2).
fn bounds(range: &str, length: usize) -> Asked {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Asked::Whole;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => (length.saturating_sub(count), end),
        (Err(_), Ok(0)) if first.is_empty() => return Asked::Beyond,
        _ => return Asked::Whole,
    };
    if first < length {
        Asked::Part(first, last)
    } else {
        Asked::Beyond
    }
}

/// An error as the hosts of files tell it.
fn denied(status: StatusCode, code: &str, message: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}

fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (range, asked) in [
            ("bytes=0-0", Asked::Part(0, 0)),
            ("bytes=4-", Asked::Part(4, 9)),
            ("bytes=4-100", Asked::Part(4, 9)),
            ("bytes=-3", Asked::Part(7, 9)),
            ("bytes=-30", Asked::Part(0, 9)),
            ("bytes=-0", Asked::Beyond),
            ("bytes=10-", Asked::Beyond),
            ("bytes=5-4", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("bytes", Asked::Whole),
        ] {
            assert_eq!(bounds(range, 10), asked, "{range}");
        }
    }
}
