//! The recorded exchanges of a proxy: one JSON object per line, which the simulator replays.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, Request, Response, Uri, header};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{
    proxy::end_to_end,
    redact::{self, Key, hash, is_secret, redact_text, without_secrets},
};

/// An exchange as a line of a recording, for [`ProxyBuilder::on_exchange`](crate::ProxyBuilder::on_exchange) and
/// [`Recording`].
///
/// It contains the prompt, but no key, no cookie, no query of a URL, and of inline media only the SHA-256 hash; of a request's
/// headers those alone that describe its content or its client. A line:
///
/// ```json
/// {
///   "number": 1,
///   "at": "2026-01-02T03:04:05.678901Z",
///   "seconds": 0.21,
///   "request": {
///     "method": "POST",
///     "path": "/v2/video/generations",
///     "headers": { "content-type": "application/json" },
///     "body": { "model": "klingai/v2-master-text-to-video", "prompt": "Rain" }
///   },
///   "response": {
///     "status": 201,
///     "headers": { "content-type": "application/json" },
///     "body": { "id": "1", "status": "queued" }
///   }
/// }
/// ```
///
/// A fetch has `generation_id` in its request. A body that is not JSON is in `text` in place of `body`, if it is text of at most
/// 16 KiB; of any other body only the hash is there, in `hash`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedExchange {
    /// The exchange's number, counted from 1.
    pub number: u64,
    /// When the request was received.
    #[serde(serialize_with = "micros", deserialize_with = "time")]
    pub at: SystemTime,
    /// The seconds from the request to the end of the response.
    pub seconds: f64,
    /// The request.
    pub request: RecordedCall,
    /// The complete response.
    pub response: RecordedResponse,
}

/// The request of a [`RecordedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedCall {
    /// The method, such as `POST`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The id in the query of a fetch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation_id: Option<String>,
    /// The headers and the body.
    #[serde(flatten)]
    pub content: RecordedContent,
}

/// The response of a [`RecordedExchange`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status: u16,
    /// The headers and the body.
    #[serde(flatten)]
    pub content: RecordedContent,
}

/// The headers and the body of a recorded request or response.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedContent {
    /// The headers by lower-case name, without those of one connection such as `transfer-encoding`; several values of a name are joined by `, `.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body, if it is JSON.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "json"
    )]
    pub body: Option<Value>,
    /// The body, if it is another short text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The SHA-256 hash of any other body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// The maximum of a body that is recorded as text, in bytes.
const MAX_TEXT_BYTES: usize = 16 * 1024;

impl RecordedExchange {
    pub(super) fn new(
        number: u64,
        (at, took): (SystemTime, Duration),
        request: &Request<Vec<u8>>,
        response: &Response<Vec<u8>>,
    ) -> Self {
        let key = redact::key(request.headers());
        Self {
            number,
            at,
            seconds: took.as_secs_f64(),
            request: RecordedCall {
                method: request.method().to_string(),
                path: request.uri().path().to_owned(),
                generation_id: generation_id(request.uri()).map(|id| redact::redact(key, &id)),
                content: RecordedContent::new(key, &recorded_headers(request), request.body()),
            },
            response: RecordedResponse {
                status: response.status().as_u16(),
                content: RecordedContent::new(key, response.headers(), response.body()),
            },
        }
    }
}

impl RecordedContent {
    fn new(key: Key<'_>, headers: &HeaderMap, bytes: &[u8]) -> Self {
        let mut content = Self::default();
        for (name, value) in &end_to_end(headers) {
            if is_secret(name.as_str()) {
                continue;
            }
            let value = redact_text(key, &String::from_utf8_lossy(value.as_bytes()));
            let values = content.headers.entry(name.to_string()).or_default();
            if !values.is_empty() {
                values.push_str(", ");
            }
            values.push_str(&value);
        }
        if let Ok(body) = serde_json::from_slice(bytes) {
            content.body = Some(without_secrets(key, &body));
        } else if let Ok(text) = std::str::from_utf8(bytes)
            && text.len() <= MAX_TEXT_BYTES
        {
            content.text = (!text.is_empty()).then(|| redact_text(key, text));
        } else {
            content.hash = Some(hash(bytes));
        }
        content
    }
}

/// Returns the headers of a request that are recorded; any other one may be a credential.
fn recorded_headers(request: &Request<Vec<u8>>) -> HeaderMap {
    let recorded = [
        header::ACCEPT,
        header::ACCEPT_ENCODING,
        header::CONTENT_ENCODING,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::USER_AGENT,
    ];
    let headers = request.headers();
    recorded
        .into_iter()
        .filter_map(|name| Some((name.clone(), headers.get(name)?.clone())))
        .collect()
}

/// Returns the id in the query of a fetch.
pub(super) fn generation_id(uri: &Uri) -> Option<String> {
    let mut pairs = form_urlencoded::parse(uri.query()?.as_bytes());
    Some(
        pairs
            .find(|(name, _)| name == "generation_id")?
            .1
            .into_owned(),
    )
}

/// A recording, which [`SimulatorBuilder::replay`](crate::SimulatorBuilder::replay) serves.
///
/// `FromStr` reads it from the lines of a file, as `aimlapi-video proxy --record FILE` writes it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    pub(super) exchanges: Vec<RecordedExchange>,
}

/// A line that is not a recorded exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct InvalidRecording {
    line: usize,
    message: String,
}

impl Recording {
    /// Returns the exchanges, the first request first.
    pub fn exchanges(&self) -> &[RecordedExchange] {
        &self.exchanges
    }
}

impl IntoIterator for Recording {
    type Item = RecordedExchange;
    type IntoIter = std::vec::IntoIter<RecordedExchange>;

    fn into_iter(self) -> Self::IntoIter {
        self.exchanges.into_iter()
    }
}

impl FromIterator<RecordedExchange> for Recording {
    fn from_iter<T: IntoIterator<Item = RecordedExchange>>(exchanges: T) -> Self {
        let mut exchanges: Vec<_> = exchanges.into_iter().collect();
        // The lines of a file are in the order of the responses.
        exchanges.sort_by_key(|exchange| exchange.at);
        Self { exchanges }
    }
}

impl FromStr for Recording {
    type Err = InvalidRecording;

    fn from_str(text: &str) -> Result<Self, InvalidRecording> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        let read = |(index, line)| {
            serde_json::from_str(line).map_err(|error| InvalidRecording {
                line: index + 1,
                message: error.to_string(),
            })
        };
        lines.map(read).collect()
    }
}

impl fmt::Display for InvalidRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, message } = self;
        write!(
            f,
            "line {line}: expected an exchange as `proxy --record` writes it: {message}"
        )
    }
}

impl std::error::Error for InvalidRecording {}

fn micros<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_micros(*time))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(serde::de::Error::custom)
}

/// Reads a body that is there, `null` included.
fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
