//! The files of completed generations, served by signed URLs without a key, with range requests (RFC 9110, 14).

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{ConnectInfo, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    connection::Abort,
    key::KeyHash,
    redact::hash,
    responses::{apply_step, truncated_body},
    server::{RequestNumber, Shared},
    signature::Rejected,
};

/// The query of a signed URL.
#[derive(Deserialize)]
pub(super) struct SignedQuery {
    #[serde(rename = "Expires")]
    expires: Option<String>,
    #[serde(rename = "Signature")]
    signature: Option<String>,
}

/// Handles `GET /_simulator/files/ID/NUMBER.mp4`.
///
/// The URL's signature replaces the key, as on the hosts of the service's real files.
pub(super) async fn file(
    State(service): State<Shared>,
    ConnectInfo(abort): ConnectInfo<Abort>,
    Extension(RequestNumber(number)): Extension<RequestNumber>,
    Path((id, name)): Path<(String, String)>,
    query: Result<Query<SignedQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    if let Some(account) = service.accounts.with_task(&id) {
        service.record_task(number, &account, &id);
    }
    let signed = query.ok().and_then(|Query(query)| {
        let expires = query.expires?.parse().ok()?;
        Some((expires, query.signature?))
    });
    let Some((expires, signature)) = signed else {
        return denied(
            StatusCode::FORBIDDEN,
            "MissingSignature",
            "the URL has no signature",
        );
    };
    match service.accounts.file((&id, &name), expires, &signature) {
        Err(Rejected::Signature) => denied(
            StatusCode::FORBIDDEN,
            "SignatureDoesNotMatch",
            "the signature does not match this URL",
        ),
        Err(Rejected::Expired) => {
            denied(StatusCode::FORBIDDEN, "AccessDenied", "the URL has expired")
        }
        Ok(None) => denied(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "the simulator no longer holds this file",
        ),
        Ok(Some((bytes, None))) => serve(bytes, &headers, None),
        Ok(Some((bytes, Some(step)))) => {
            let response = serve(bytes, &headers, step.cut_after);
            let error = |status, message: String| denied(status, "Scenario", &message);
            apply_step(&step, response, &abort, error).await
        }
    }
}

/// Handles `GET /_simulator/replay/COURSE/NAME`: a clip in place of a recorded file.
pub(super) async fn replayed(
    State(service): State<Shared>,
    Extension(RequestNumber(number)): Extension<RequestNumber>,
    Path((course, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let file = service
        .replay
        .as_ref()
        .and_then(|replay| replay.file(course.parse().ok()?, KeyHash::of(&headers)));
    match file {
        Some((clip, task)) => {
            service.log.record_task(number, task);
            serve(clip.to_bytes(), &headers, None)
        }
        None => denied(
            StatusCode::NOT_FOUND,
            "NoSuchKey",
            "the simulator replays no generation with this file",
        ),
    }
}

/// Responds with the file, or with the requested range if `If-Range` is absent or matches the file's ETag.
pub(super) fn serve(file: Bytes, headers: &HeaderMap, cut_after: Option<u32>) -> Response {
    let tag = format!("\"{}\"", hash(&file));
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let is_same = text(header::IF_RANGE).is_none_or(|if_range| if_range == tag);
    let requested = text(header::RANGE)
        .filter(|_| is_same)
        .map(|range| parse_range(range, file.len()));
    let mut response = match requested {
        Some(RequestedRange::Unsatisfiable) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            set(
                &mut response,
                header::CONTENT_RANGE,
                &format!("bytes */{}", file.len()),
            );
            response
        }
        Some(RequestedRange::Part(first, last)) => {
            let mut response = body(file.slice(first..=last), cut_after);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{}", file.len());
            set(&mut response, header::CONTENT_RANGE, &range);
            response
        }
        Some(RequestedRange::Whole) | None => body(file, cut_after),
    };
    set(&mut response, header::ETAG, &tag);
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    response
}

fn body(bytes: Bytes, cut_after: Option<u32>) -> Response {
    let length = bytes.len().to_string();
    let body = match cut_after {
        Some(after) => truncated_body(bytes, after),
        None => Body::from(bytes),
    };
    let mut response = body.into_response();
    set(&mut response, header::CONTENT_TYPE, "video/mp4");
    set(&mut response, header::CONTENT_LENGTH, &length);
    response
}

/// The part of a file that a `Range` header requests.
#[derive(Debug, PartialEq)]
enum RequestedRange {
    Whole,
    /// The first and the last byte, inclusive; both are within the file.
    Part(usize, usize),
    Unsatisfiable,
}

/// Parses `bytes=FIRST-LAST`, `bytes=FIRST-` and `bytes=-COUNT`; any other range requests the whole file (RFC 9110, 14.2).
fn parse_range(range: &str, length: usize) -> RequestedRange {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return RequestedRange::Whole;
    };
    let end = length.saturating_sub(1);
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => (length.saturating_sub(count), end),
        (Err(_), Ok(0)) if first.is_empty() => return RequestedRange::Unsatisfiable,
        _ => return RequestedRange::Whole,
    };
    if first < length {
        RequestedRange::Part(first, last)
    } else {
        RequestedRange::Unsatisfiable
    }
}

/// Returns an error as an XML document, as object stores do.
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
    fn ranges_are_parsed_as_rfc_9110_defines() {
        for (range, expected) in [
            ("bytes=0-0", RequestedRange::Part(0, 0)),
            ("bytes=4-", RequestedRange::Part(4, 9)),
            ("bytes=4-100", RequestedRange::Part(4, 9)),
            ("bytes=-3", RequestedRange::Part(7, 9)),
            ("bytes=-30", RequestedRange::Part(0, 9)),
            ("bytes=-0", RequestedRange::Unsatisfiable),
            ("bytes=10-", RequestedRange::Unsatisfiable),
            ("bytes=5-4", RequestedRange::Whole),
            ("bytes=0-1,3-4", RequestedRange::Whole),
            ("lines=0-1", RequestedRange::Whole),
            ("bytes", RequestedRange::Whole),
        ] {
            assert_eq!(parse_range(range, 10), expected, "{range}");
        }
    }
}
