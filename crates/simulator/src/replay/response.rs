//! The responses of a replay.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::Value;

use crate::{proxy::end_to_end, record::RecordedResponse};

/// Headers that the server states itself.
const FRAMING: [HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::DATE,
];

/// Returns a recorded response, with the simulator's URLs in place of the recorded ones.
pub(super) fn to_response(recorded: &RecordedResponse, course: usize, base: &str) -> Response {
    let content = &recorded.content;
    let body = match (&content.body, &content.text) {
        (Some(body), _) => with_urls(body, course, base).to_string(),
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or_default();
    let mut headers = HeaderMap::new();
    for (name, value) in &content.headers {
        let clip = clip_url(value, course, base);
        let value = HeaderValue::from_str(clip.as_ref().unwrap_or(value));
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value) {
            headers.insert(name, value);
        }
    }
    // Earlier recordings have the fields of the recorded connection, too.
    headers = end_to_end(&headers);
    for name in FRAMING {
        headers.remove(name);
    }
    *response.headers_mut() = headers;
    response
}

/// Replaces each URL of a file by the URL of a clip of the simulator with the same file name.
fn with_urls(value: &Value, course: usize, base: &str) -> Value {
    match value {
        Value::String(text) => {
            clip_url(text, course, base).map_or_else(|| value.clone(), Value::from)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| with_urls(item, course, base))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(name, value)| (name.clone(), with_urls(value, course, base)))
            .collect(),
        other => other.clone(),
    }
}

/// Returns the URL of a clip in place of a text that is the URL of a file.
fn clip_url(text: &str, course: usize, base: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_http = ["http", "https"]
        .iter()
        .any(|http| scheme.eq_ignore_ascii_case(http));
    let (_host, path) = rest.split(['?', '#']).next()?.split_once('/')?;
    let name = path.rsplit('/').next()?;
    let is_file = is_http && !name.is_empty() && !text.contains(char::is_whitespace);
    is_file.then(|| format!("{base}/_simulator/replay/{course}/{name}"))
}
