//! Answers: generations, errors in the service's shape, and what a scenario has answered instead.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{Html, IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};

use super::{line::Cut, scenario::Step, shapes::CREDITS_PER_USD};

/// The header by which a client names its own request.
const CLIENT_REQUEST_ID: &str = "x-client-request-id";

pub(super) fn generation(
    status: StatusCode,
    answer: Value,
    credits: f64,
    headers: &HeaderMap,
) -> Response {
    let mut response = (status, axum::Json(answer)).into_response();
    let out = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        out.insert("x-inference-id", id);
    }
    if let Some(id) = headers.get(CLIENT_REQUEST_ID) {
        out.insert(CLIENT_REQUEST_ID, id.clone());
    }
    let figures = [
        ("x-aimlapi-credits-used", credits),
        ("x-aimlapi-usd-spent", credits / CREDITS_PER_USD),
    ];
    for (name, figure) in figures {
        if let Ok(value) = HeaderValue::from_str(&figure.to_string()) {
            out.insert(name, value);
        }
    }
    response
}

/// An error as the service shapes it: `message`, `path`, `requestId`, `statusCode`, `timestamp`.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
    /// Seconds, for `Retry-After`.
    retry_after: Option<u64>,
}

impl Refusal {
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

    /// The answer to a request for `uri`.
    pub(super) fn answer(self, uri: &Uri, headers: &HeaderMap, at: Duration) -> Response {
        let given = headers
            .get(CLIENT_REQUEST_ID)
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let body = json!({
            "message": self.message,
            "path": uri.path(),
            "requestId": given.unwrap_or_else(request_id),
            "statusCode": self.status.as_u16(),
            "timestamp": humantime::format_rfc3339_millis(std::time::SystemTime::UNIX_EPOCH + at).to_string(),
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

/// What a step has answered instead of the usual answer; `refused` makes an error of a status that comes without a body.
pub(super) async fn stepped(
    step: &Step,
    usual: Response,
    line: &Cut,
    refused: impl FnOnce(StatusCode, String) -> Response,
) -> Response {
    tokio::time::sleep(Duration::from_secs_f64(step.delay_seconds)).await;
    if step.close {
        line.cut();
    }
    if step.close || !step.answers() {
        return with_headers(usual, step);
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
        refused(status, format!("{reason}, as the scenario has it"))
    } else {
        ().into_response()
    };
    *response.status_mut() = status;
    with_headers(response, step)
}

fn with_headers(mut response: Response, step: &Step) -> Response {
    for (name, value) in &step.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        // A scenario is only taken with headers that are good.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A body whose connection ends after so many bytes, though more were promised.
pub(super) fn cut_body(bytes: Bytes, after: u32) -> Body {
    let after = usize::try_from(after).map_or(bytes.len(), |after| after.min(bytes.len()));
    let begun = bytes.slice(..after);
    Body::from_stream(stream::unfold(Some(begun), |begun| async {
        match begun {
            Some(begun) if !begun.is_empty() => Some((Ok(begun), Some(Bytes::new()))),
            _ => {
                // What was given is sent before the end comes, and not lost with it.
                tokio::task::yield_now().await;
                let cut = std::io::Error::from(std::io::ErrorKind::ConnectionAborted);
                Some((Err(cut), None))
            }
        }
    }))
}

fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
