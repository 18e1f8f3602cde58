//! The error that the service returns: its status, and what its body states.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::urls::redacted_urls;

/// An error response of the service, read leniently: every field but the status and the body may be missing.
///
/// The key is redacted wherever the service repeats it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The HTTP status.
    pub status: u16,
    /// The error's code or name, if the body holds one.
    pub code: Option<String>,
    /// The message, if the body holds one, without the queries of its URLs and truncated to 8 KiB.
    pub message: Option<String>,
    /// The service's id of the request: `requestId` of the body, else the header `x-inference-id` or `x-request-id`.
    pub request_id: Option<String>,
    /// The `X-Client-Request-Id` that this crate sent.
    pub client_request_id: Option<String>,
    /// How long the service requests clients to wait before the next request.
    pub retry_after: Option<Duration>,
    /// The beginning of the body, at most 8 KiB, without the queries of its URLs. Only the body of a success (2xx) keeps them,
    /// since it may be the only record of a generation that was paid for.
    pub body: String,
}

impl ServiceError {
    /// The maximum number of bytes that are kept of a body or a message.
    const MAX_KEPT: usize = 8 * 1024;

    /// Reads an error body: `{message, path, requestId, statusCode, timestamp}`, a similar object, or any other bytes.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let nested = json.get("error").unwrap_or(&Value::Null);
        let first = |keys: &[&str]| {
            let mut places = keys
                .iter()
                .flat_map(|key| [json.get(*key), nested.get(*key)]);
            places.find_map(|found| text(found?))
        };
        let kept = String::from_utf8_lossy(&body[..body.len().min(Self::MAX_KEPT)]);
        Self {
            status,
            // If there is also a message, `error` as text is the error's name.
            code: first(&["code", "name", "type"]).or_else(|| {
                let name = nested.as_str().filter(|_| json.get("message").is_some())?;
                Some(redacted_text(name))
            }),
            message: message(&json).as_deref().map(redacted_text),
            request_id: first(&["requestId", "request_id"]),
            client_request_id: None,
            retry_after: None,
            body: if (200..300).contains(&status) {
                kept.into_owned()
            } else {
                redacted_urls(&kept)
            },
        }
    }

    /// The beginning of the body in one line of at most `chars` characters, without the queries of URLs. It is meant for people
    /// and logs.
    pub fn excerpt(&self, chars: usize) -> String {
        let line: Vec<&str> = self.body.split_whitespace().collect();
        redacted_urls(&line.join(" ")).chars().take(chars).collect()
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meaning = match self.status {
            400 | 422 => " (invalid request)",
            401 => " (the key was refused)",
            402 | 403 => " (no credits, or not allowed)",
            404 => " (not found)",
            429 => " (too many requests)",
            _ => "",
        };
        write!(f, "{}{meaning}", self.status)?;
        if let Some(message) = &self.message {
            write!(f, ": {message}")?;
        } else if !self.body.trim().is_empty() {
            write!(f, ": {}", self.excerpt(120))?;
        }
        Ok(())
    }
}

impl std::error::Error for ServiceError {}

/// Leaves out the body, which may repeat the request.
impl fmt::Debug for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceError")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("message", &self.message)
            .field("request_id", &self.request_id)
            .field("client_request_id", &self.client_request_id)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}

/// The text without the queries of its URLs, truncated to [`ServiceError::MAX_KEPT`] bytes.
fn redacted_text(text: &str) -> String {
    let text = redacted_urls(text);
    let ends = (0..=ServiceError::MAX_KEPT.min(text.len())).rev();
    let end = ends.into_iter().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(redacted_text(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The message: `message`, `error` or `detail`, as text, as a list of texts, or nested in an object.
fn message(json: &Value) -> Option<String> {
    let found = json
        .get("message")
        .or_else(|| json.get("error"))
        .or_else(|| json.get("detail"))?;
    match found {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items
                .iter()
                .map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                })
                .collect();
            Some(texts.join("; "))
        }
        Value::Object(_) => message(found).or_else(|| Some(found.to_string())),
        _ => None,
    }
}
