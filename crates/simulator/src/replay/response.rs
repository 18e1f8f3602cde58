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
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
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

/// Replaces each URL by the URL of a clip of the simulator with the same file name.
fn with_urls(value: &Value, course: usize, base: &str) -> Value {
    match value {
        Value::String(text) if text.starts_with("http://") || text.starts_with("https://") => {
            let name = text.rsplit('/').next().unwrap_or_default();
            format!("{base}/_simulator/replay/{course}/{name}").into()
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
