//! What the service says when it refuses.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::urls::redacted_links;

/// An error of the service, read leniently: every field may be missing.
///
/// The key is blanked out wherever the service repeats it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct ServiceError {
    /// The HTTP status.
    pub status: u16,
    /// The error's code or name, where the body holds one.
    pub code: Option<String>,
    /// The message, where the body holds one; its links are without their queries, and it is cut off after 8 KiB.
    pub message: Option<String>,
    /// The service's id of the request: `requestId` of the body, else the header `x-inference-id` or `x-request-id`.
    pub request_id: Option<String>,
    /// The `X-Client-Request-Id` that this crate sent.
    pub client_request_id: Option<String>,
    /// How long the service asked to be left alone.
    pub retry_after: Option<Duration>,
    /// The beginning of the body, at most 8 KiB. Links in it are without their queries, but for an answer of success
    /// (2xx): that may be all there is of what was bought.
    pub body: String,
}

impl ServiceError {
    /// At most this much of a body is kept.
    const KEPT: usize = 8 * 1024;

    /// Reads `{message, path, requestId, statusCode, timestamp}` and its relatives, or anything else.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let nested = json.get("error").unwrap_or(&Value::Null);
        let first = |keys: &[&str]| {
            let mut places = keys
                .iter()
                .flat_map(|key| [json.get(*key), nested.get(*key)]);
            places.find_map(|found| text(found?))
        };
        let kept = String::from_utf8_lossy(&body[..body.len().min(Self::KEPT)]);
        Self {
            status,
            // Beside a message, `error` as text is the error's name.
            code: first(&["code", "name", "type"]).or_else(|| {
                let name = nested.as_str().filter(|_| json.get("message").is_some())?;
                Some(shown(name))
            }),
            message: message(&json).as_deref().map(shown),
            request_id: first(&["requestId", "request_id"]),
            client_request_id: None,
            retry_after: None,
            body: if (200..300).contains(&status) {
                kept.into_owned()
            } else {
                redacted_links(&kept)
            },
        }
    }

    /// The beginning of the body in one line of at most so many characters, with no link's query: for people and logs.
    pub fn excerpt(&self, chars: usize) -> String {
        let line: Vec<&str> = self.body.split_whitespace().collect();
        redacted_links(&line.join(" "))
            .chars()
            .take(chars)
            .collect()
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

/// Shows no raw body: it may repeat what was sent.
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

/// Without the queries of links, and not without end.
fn shown(text: &str) -> String {
    let text = redacted_links(text);
    let most = (0..=ServiceError::KEPT.min(text.len())).rev();
    let end = most.into_iter().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(shown(text)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `message` as text, list of texts, or a nested error's.
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
