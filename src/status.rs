//! What an answer of the service means: pure reading, no I/O.
//!
//! The published schema is narrower than the answers the documentation pages print (lists of videos, other names for
//! states and counters), and a finished task is paid for; so every answer that is JSON can be read, and what is not
//! understood stays reachable as JSON.

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{GenerationHandle, Uri, uri::redacted_links};

/// What the service says of a generation: the one answer type of all models and of both URLs.
///
/// Clones share what they hold.
#[derive(Clone)]
pub struct Generation {
    content: Arc<Content>,
    receipt: Option<Arc<Receipt>>,
    /// What was asked for, where this crate asked.
    pub(crate) handle: Option<Arc<GenerationHandle>>,
}

#[derive(Clone)]
struct Content {
    /// The whole answer, read when it is asked for: a tree of values takes many times the room of its text.
    raw: OnceLock<Value>,
    text: Box<[u8]>,
    id: Option<String>,
    /// What the other key for an id holds, where it is not the same.
    other_id: Option<String>,
    model: Option<String>,
    status: Option<String>,
    state: State,
    videos: Vec<Video>,
    failure: Option<Failure>,
    usage: Usage,
}

/// Where a generation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum State {
    /// Accepted and waiting for its turn.
    Queued,
    /// Being made.
    Generating,
    /// Finished; normally with a video.
    Completed,
    /// Ended without a video.
    Failed,
    /// A state this crate does not know, without a video or an error beside it.
    Unknown,
}

/// A video of a finished generation.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Video {
    /// Where the file lies, byte for byte as the service wrote it; links are often signed and expire.
    pub url: String,
    /// The media type, where stated.
    pub content_type: Option<String>,
    /// The file's name, where stated.
    pub file_name: Option<String>,
    /// The file's size in bytes, where stated.
    pub file_size: Option<u64>,
    /// The clip's length in seconds, where stated.
    pub duration: Option<f64>,
}

/// Why a generation failed, in the service's words. Shown and told in errors, its links are without their queries.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// The error's name or type, where stated.
    pub name: Option<String>,
    /// The message; empty where none is stated.
    pub message: String,
}

/// What a generation cost, as far as the answer tells.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Usage {
    /// Credits, from `credits_used` or the older `tokens_used`; 2,000,000 make one US dollar.
    pub credits: Option<f64>,
    /// US dollars, from `usd_spent`.
    pub usd: Option<f64>,
}

/// What the headers of an answer tell. Empty for an answer that came by no request, such as one read from a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// The `X-Client-Request-Id` that this crate sent, to find the request in the vendor's logs.
    pub client_request_id: Option<String>,
    /// `x-inference-id`, the service's own id of the request.
    pub inference_id: Option<String>,
    /// `x-aimlapi-credits-used`.
    pub credits_used: Option<f64>,
    /// `x-aimlapi-usd-spent`.
    pub usd_spent: Option<f64>,
}

impl Receipt {
    const EMPTY: Self = Self {
        client_request_id: None,
        inference_id: None,
        credits_used: None,
        usd_spent: None,
    };
}

impl Generation {
    /// Reads an answer. Anything is read; what it does not hold is absent.
    ///
    /// ```
    /// use aimlapi_video::{Generation, State};
    /// use serde_json::json;
    ///
    /// let answer = Generation::from_json(json!({
    ///     "id": "a1", "status": "Succeeded", "video": ["https://cdn.example.com/a1.mp4"],
    /// }));
    /// assert_eq!(answer.state(), State::Completed);
    /// assert_eq!(answer.videos()[0].url, "https://cdn.example.com/a1.mp4");
    /// ```
    pub fn from_json(raw: Value) -> Self {
        let mut ids = ["id", "generation_id"]
            .into_iter()
            .filter_map(|key| raw.get(key).and_then(text));
        let id = ids.next();
        let other_id = ids.next().filter(|other| Some(other) != id.as_ref());
        let model = raw.get("model").and_then(Value::as_str).map(str::to_owned);
        let videos = raw.get("video").map(videos).unwrap_or_default();
        let failure = raw.get("error").and_then(failure);
        let usage = raw.pointer("/meta/usage").map(usage).unwrap_or_default();
        let status = raw.get("status").and_then(text);
        let state = match status.as_deref().map(meaning) {
            Some(State::Unknown) | None if !videos.is_empty() => State::Completed,
            Some(State::Unknown) | None if failure.is_some() => State::Failed,
            // A create of some models is answered with an id and nothing else.
            None if id.is_some() => State::Queued,
            None => State::Unknown,
            Some(state) => state,
        };
        let content = Content {
            id,
            other_id,
            model,
            status,
            state,
            videos,
            failure,
            usage,
            raw: raw.into(),
            text: Box::default(),
        };
        Self {
            content: Arc::new(content),
            receipt: None,
            handle: None,
        }
    }

    /// As [`from_json`](Self::from_json), of an answer whose text is kept in its place.
    pub(crate) fn from_text(text: &[u8], raw: Value) -> Self {
        let mut generation = Self::from_json(raw);
        let content = Arc::make_mut(&mut generation.content);
        (content.raw, content.text) = (OnceLock::new(), text.into());
        generation
    }

    /// Whether it was read from this text.
    pub(crate) fn is_text(&self, text: &[u8]) -> bool {
        !text.is_empty() && *self.content.text == *text
    }

    pub(crate) fn with_receipt(self, receipt: Receipt) -> Self {
        let receipt = Some(Arc::new(receipt));
        Self { receipt, ..self }
    }

    /// The generation's id, from `id` or `generation_id`.
    pub fn id(&self) -> Option<&str> {
        self.content.id.as_deref()
    }

    /// The status as the service wrote it.
    pub fn status(&self) -> Option<&str> {
        self.content.status.as_deref()
    }

    /// What the status means. A status this crate does not know is completed where a video came with it, and failed
    /// where an error did; a known status decides alone.
    pub fn state(&self) -> State {
        self.content.state
    }

    /// The videos, in the service's order.
    pub fn videos(&self) -> &[Video] {
        &self.content.videos
    }

    /// The error beside the status. The pages print one beside `completed`, too: [`state`](Self::state) decides.
    pub fn failure(&self) -> Option<&Failure> {
        self.content.failure.as_ref()
    }

    /// The cost, as far as the body tells.
    pub fn usage(&self) -> Usage {
        self.content.usage
    }

    /// The model, where the answer names it.
    pub fn model(&self) -> Option<&str> {
        self.content.model.as_deref()
    }

    /// The handle that it was asked for with; `None` for an answer that came by no request of this crate.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        self.handle.as_deref()
    }

    /// What the answer's headers told.
    pub fn receipt(&self) -> &Receipt {
        self.receipt.as_deref().unwrap_or(&Receipt::EMPTY)
    }

    /// Whether this may be the answer for `id`: either key names it, or none names anything.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        let Content {
            id: first,
            other_id,
            ..
        } = &*self.content;
        let mut named = first.iter().chain(other_id);
        first.is_none() || named.any(|named| named == id)
    }

    /// The whole answer.
    pub fn as_json(&self) -> &Value {
        let content = &self.content;
        // What was read once is read again.
        content
            .raw
            .get_or_init(|| serde_json::from_slice(&content.text).unwrap_or_default())
    }
}

impl PartialEq for Generation {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
            && self.receipt() == other.receipt()
            && self.handle == other.handle
    }
}

/// Shows no link's query, which may be a signature.
impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("id", &self.content.id)
            .field("status", &self.content.status)
            .field("videos", &self.content.videos)
            .field("failure", &self.content.failure)
            .field("usage", &self.content.usage)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Video {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Video")
            .field("url", &crate::uri::redacted(&self.url))
            .field("content_type", &self.content_type)
            .field("file_name", &self.file_name)
            .field("file_size", &self.file_size)
            .field("duration", &self.duration)
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = redacted_links(&self.message);
        match (&self.name, message.as_str()) {
            (Some(name), "") => f.write_str(name),
            (Some(name), message) => write!(f, "{name}: {message}"),
            (None, "") => f.write_str("no reason stated"),
            (None, message) => f.write_str(message),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("name", &self.name)
            .field("message", &redacted_links(&self.message))
            .finish()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Generating => "generating",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        })
    }
}

impl Serialize for Generation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Generation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from_json)
    }
}

/// The words for states that the documents, the pages and their history use, and those of the vendors behind them.
fn meaning(status: &str) -> State {
    match status
        .trim()
        .to_ascii_lowercase()
        .replace(['-', ' '], "_")
        .as_str()
    {
        "queued" | "waiting" | "pending" | "queueing" | "in_queue" | "submitted" | "created"
        | "accepted" | "scheduled" => State::Queued,
        "generating" | "active" | "processing" | "in_progress" | "running" | "preparing"
        | "uploading" | "started" | "starting" | "dreaming" | "streaming" => State::Generating,
        "completed" | "complete" | "succeeded" | "success" | "successful" | "done" | "finished"
        | "ready" => State::Completed,
        "error" | "errored" | "failed" | "failure" | "fail" | "cancelled" | "canceled"
        | "expired" | "rejected" | "aborted" | "timeout" | "timed_out" => State::Failed,
        _ => State::Unknown,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An object with `url`, a plain link, or a list of either.
fn videos(value: &Value) -> Vec<Video> {
    match value {
        Value::Array(items) => items.iter().flat_map(videos).collect(),
        // A link need not be escaped as RFC 3986 has it to be good for a download.
        Value::String(url) if url.starts_with("http") || Uri::is_valid(url) => vec![Video::at(url)],
        Value::Object(map) => match map.get("url") {
            Some(Value::String(url)) if !url.is_empty() => vec![Video {
                content_type: map.get("content_type").and_then(text),
                file_name: map.get("file_name").and_then(text),
                file_size: map.get("file_size").and_then(Value::as_u64),
                duration: map.get("duration").and_then(Value::as_f64),
                ..Video::at(url)
            }],
            Some(nested @ Value::Array(_)) => videos(nested),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

impl Video {
    /// A video of which only the link is known.
    pub fn at(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            content_type: None,
            file_name: None,
            file_size: None,
            duration: None,
        }
    }

    /// Until when the link is good, as far as its signature tells; a fetch of the generation brings a fresh one.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// let link = "https://cdn.example.com/a.mp4?Expires=1752005613&Signature=x";
    /// let expires = SystemTime::UNIX_EPOCH + Duration::from_secs(1_752_005_613);
    /// assert_eq!(aimlapi_video::Video::at(link).expires_at(), Some(expires));
    /// ```
    pub fn expires_at(&self) -> Option<SystemTime> {
        crate::download::expires_at(&self.url)
    }
}

/// `{name, message}`, `{detail: [{msg, type}]}`, text, or a list of these.
fn failure(value: &Value) -> Option<Failure> {
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::String(message) if message.is_empty() => None,
        Value::String(message) => Some(Failure {
            name: None,
            message: message.clone(),
        }),
        Value::Array(items) => {
            let found: Vec<Failure> = items.iter().filter_map(failure).collect();
            let name = found.iter().find_map(|failure| failure.name.clone());
            let messages: Vec<&str> = found
                .iter()
                .map(|failure| &*failure.message)
                .filter(|text| !text.is_empty())
                .collect();
            (!found.is_empty()).then(|| Failure {
                name,
                message: messages.join("; "),
            })
        }
        Value::Object(map) => {
            let first = |keys: &[&str]| keys.iter().find_map(|key| map.get(*key).and_then(text));
            let name = first(&["name", "type", "code"]);
            if let Some(message) = first(&["message", "msg", "reason", "description"]) {
                return Some(Failure { name, message });
            }
            let nested = ["detail", "details", "error", "errors"]
                .iter()
                .find_map(|key| map.get(*key).and_then(failure));
            let message = nested.as_ref().map(|nested| nested.message.clone());
            Some(Failure {
                name: name.or_else(|| nested.and_then(|nested| nested.name)),
                // Whatever it says is better than nothing.
                message: message.unwrap_or_else(|| {
                    if map.is_empty() {
                        String::new()
                    } else {
                        value.to_string()
                    }
                }),
            })
        }
        Value::Number(number) => Some(Failure {
            name: None,
            message: number.to_string(),
        }),
    }
}

fn usage(value: &Value) -> Usage {
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    Usage {
        credits: number("credits_used").or_else(|| number("tokens_used")),
        usd: number("usd_spent"),
    }
}
