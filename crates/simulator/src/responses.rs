//! HTTP responses: generations, errors in the service's shape, and the responses that a scenario's steps replace them with.

use std::time::{Duration, SystemTime};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{connection::Abort, scenario::Step, shapes::CREDITS_PER_USD};

/// The header with the client's own id of a request.
const CLIENT_REQUEST_ID: &str = "x-client-request-id";

/// The time and the id of a response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamp {
    pub(super) at: Duration,
    pub(super) id: Uuid,
}

impl Stamp {
    /// The stamp of a response that belongs to no account: the real time, and a random id.
    pub(super) fn random() -> Self {
        Self {
            at: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            id: Uuid::new_v4(),
        }
    }
}

/// Returns a response with a generation, and with the headers that the service adds.
pub(super) fn generation(
    status: StatusCode,
    body: Value,
    credits: f64,
    headers: &HeaderMap,
    stamp: Stamp,
) -> Response {
    let mut response = (status, axum::Json(body)).into_response();
    let out = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&stamp.id.to_string()) {
        out.insert("x-inference-id", id);
    }
    if let Some(id) = client_request_id(headers) {
        out.insert(CLIENT_REQUEST_ID, id.clone());
    }
    let usage = [
        ("x-aimlapi-credits-used", credits),
        ("x-aimlapi-usd-spent", credits / CREDITS_PER_USD),
    ];
    for (name, amount) in usage {
        if let Ok(value) = HeaderValue::from_str(&amount.to_string()) {
            out.insert(name, value);
        }
    }
    response
}

/// Returns the client's own id of a request. The service drops an id that is longer than 128 characters or has any other character.
fn client_request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    let is_kept = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:-".contains(byte);
    let id = headers.get(CLIENT_REQUEST_ID)?;
    ((1..=128).contains(&id.len()) && id.as_bytes().iter().all(is_kept)).then_some(id)
}

/// An error response in the service's shape: `message`, `path`, `requestId`, `statusCode`, `timestamp`.
#[derive(Debug)]
pub(super) struct ErrorResponse {
    status: StatusCode,
    message: String,
    /// The value of `Retry-After`, in seconds.
    retry_after: Option<u64>,
}

impl ErrorResponse {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
        }
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..self
        }
    }

    /// Converts the error to the response to a request for `uri`.
    pub(super) fn into_response(self, uri: &Uri, headers: &HeaderMap, stamp: Stamp) -> Response {
        let client_id = client_request_id(headers).and_then(|id| id.to_str().ok());
        let client_id = client_id.map(str::to_owned);
        let body = json!({
            "message": self.message,
            "path": uri.path(),
            "requestId": client_id.unwrap_or_else(|| stamp.id.to_string()),
            "statusCode": self.status.as_u16(),
            "timestamp": humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + stamp.at).to_string(),
        });
        let mut response = (self.status, axum::Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Applies a step to the normal response: delays it, changes its headers, replaces it, or aborts the connection.
///
/// `error` makes the body for an error status without a body of its own.
pub(super) async fn apply_step(
    step: &Step,
    normal: Response,
    abort: &Abort,
    error: impl FnOnce(StatusCode, String) -> Response,
) -> Response {
    tokio::time::sleep(Duration::from_secs_f64(step.delay_seconds)).await;
    if step.close {
        abort.abort();
    }
    if step.close || !step.replaces_response() {
        return with_headers(normal, step);
    }
    let status = step
        .status
        .and_then(|code| StatusCode::from_u16(code).ok())
        .unwrap_or_default();
    let mut response = if let Some(json) = &step.json {
        axum::Json(json).into_response()
    } else if let Some(html) = &step.html {
        Html(html.clone()).into_response()
    } else if let Some(text) = &step.text {
        text.clone().into_response()
    } else if status.is_client_error() || status.is_server_error() {
        let reason = status.canonical_reason().unwrap_or("an error");
        error(status, format!("{reason} (set by the scenario)"))
    } else {
        ().into_response()
    };
    *response.status_mut() = status;
    with_headers(response, step)
}

fn with_headers(mut response: Response, step: &Step) -> Response {
    for (name, value) in &step.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // The names and values were validated when the scenario was read.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Returns a body that aborts after `after` bytes, although `Content-Length` announces more.
pub(super) fn truncated_body(bytes: Bytes, after: u32) -> Body {
    let after = usize::try_from(after).map_or(bytes.len(), |after| after.min(bytes.len()));
    let head = bytes.slice(..after);
    Body::from_stream(stream::unfold(Some(head), |head| async {
        match head {
            Some(head) if !head.is_empty() => Some((Ok(head), Some(Bytes::new()))),
            _ => {
                // The server flushes the bytes before it sees the error, so that the client receives them.
                tokio::task::yield_now().await;
                let error = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                Some((Err(error), None))
            }
        }
    }))
}
