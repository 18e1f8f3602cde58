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

use crate::{GenerationHandle, uri::redacted_links};

mod excerpt;
mod links;
mod read;
mod reason;
mod words;

use excerpt::shortened;
use read::{meaning, videos_at};

/// What the service says of a generation: the one answer type of all models and of both URLs.
///
/// Clones share what they hold.
#[derive(Clone)]
pub struct Generation {
    content: Arc<Content>,
    metadata: Option<Arc<ResponseMetadata>>,
    /// What was asked for, where this crate asked.
    pub(crate) handle: Option<Arc<GenerationHandle>>,
}

#[derive(Clone)]
struct Content {
    /// The whole answer, read when it is asked for: a tree of values takes many times the room of its text.
    raw: OnceLock<Value>,
    text: Box<[u8]>,
    id: Option<String>,
    /// The other ids that it may be known by.
    other_ids: Vec<String>,
    /// Whether it names the generation by a key that the documents have for that.
    is_named: bool,
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

/// The headers of a response that are of interest. Empty for a generation that was not read from a response, such as one
/// read from a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ResponseMetadata {
    /// The `X-Client-Request-Id` that this crate sent, to find the request in the vendor's logs.
    pub client_request_id: Option<String>,
    /// `x-inference-id`, the service's own id of the request.
    pub inference_id: Option<String>,
    /// `x-aimlapi-credits-used`.
    pub credits_used: Option<f64>,
    /// `x-aimlapi-usd-spent`.
    pub usd_spent: Option<f64>,
}

impl ResponseMetadata {
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
        Self {
            content: Arc::new(Content::read(raw)),
            metadata: None,
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

    pub(crate) fn with_metadata(self, metadata: ResponseMetadata) -> Self {
        let metadata = Some(Arc::new(metadata));
        Self { metadata, ..self }
    }

    /// As [`from_json`](Self::from_json), of an answer that says only that the work is not done.
    pub(crate) fn accepted() -> Self {
        let mut generation = Self::from_json(Value::Object(serde_json::Map::new()));
        Arc::make_mut(&mut generation.content).state = State::Queued;
        generation
    }

    /// Whether it says something of the generation beyond its id.
    pub(crate) fn is_telling(&self) -> bool {
        let content = &self.content;
        content.status.is_some() || !content.videos.is_empty() || content.failure.is_some()
    }

    /// The generation's id, from `id` or `generation_id`, also where the answer is wrapped as in `{"code": 0, "data": {…}}`.
    /// Beside a status, `task_id` and the like will do.
    pub fn id(&self) -> Option<&str> {
        self.content.id.as_deref()
    }

    /// The status as the service wrote it.
    pub fn status(&self) -> Option<&str> {
        self.content.status.as_deref()
    }

    /// What the status means, from `status`, else from `state`, `task_status` and the like, also where the answer is
    /// wrapped. A status this crate does not know is completed where a video came with it, and failed where an error did; a
    /// known status decides alone.
    pub fn state(&self) -> State {
        self.content.state
    }

    /// The videos, in the service's order: from `video`, else from wherever the answer of a finished generation holds a link
    /// that is named as its result. Media of the request that an answer repeats are none.
    pub fn videos(&self) -> &[Video] {
        &self.content.videos
    }

    /// Why it failed, wherever the answer says so: from `error`, else from `failure_reason`, `message`, `detail` and the like.
    /// What says that nothing is wrong (`null`, `{}`, `""`, code 0) is none, nor is what repeats the request.
    ///
    /// The pages print an error beside `completed`, too: with a video, [`state`](Self::state) decides. Without one, a
    /// [wait](crate::Wait) ends with [`GenerationFailed`](crate::ErrorKind::GenerationFailed).
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

    /// The headers of the response that it was read from.
    pub fn metadata(&self) -> &ResponseMetadata {
        self.metadata.as_deref().unwrap_or(&ResponseMetadata::EMPTY)
    }

    /// Whether this may be the answer for `id`: any key names it, or none of the documented ones names anything.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        let content = &self.content;
        let mut ids = content.id.iter().chain(&content.other_ids);
        !content.is_named || ids.any(|named| named == id)
    }

    /// The beginning of the answer in one line of at most so many characters, for people and logs: long texts and lists in it
    /// are shortened, and no link has its query.
    pub fn excerpt(&self, chars: usize) -> String {
        let text = redacted_links(&shortened(self.as_json()).to_string());
        match text.char_indices().nth(chars) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
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
            && self.metadata() == other.metadata()
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
        let name = self.name.as_deref().map(redacted_links);
        match (&name, message.as_str()) {
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
            .field("name", &self.name.as_deref().map(redacted_links))
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
