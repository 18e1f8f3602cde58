//! A generation as the service describes it, and the handle by which it is found again.
//!
//! Both are in one file because each may hold the other: a generation the handle that it was requested with, and the handle
//! of a generation that this process created the response to the create.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::{
    content::Content,
    excerpt::shortened,
    parts::{Failure, ResponseMetadata, State, Usage},
    video::Video,
};
use crate::{Route, uri::redacted_links};

/// A generation as a response of the service describes it: the one response type of all models and of both URLs.
///
/// Clones share what they hold.
#[derive(Clone)]
pub struct Generation {
    content: Arc<Content>,
    metadata: Option<Arc<ResponseMetadata>>,
    /// The handle of the request, if the response came by a request of this crate.
    pub(crate) handle: Option<Arc<GenerationHandle>>,
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

    /// Whether it describes the generation beyond its id.
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
    /// that is named as its result. Media of the request that a response repeats are not among them.
    pub fn videos(&self) -> &[Video] {
        &self.content.videos
    }

    /// Why it failed, wherever the answer says so: from `error`, else from `failure_reason`, `message`, `detail` and the
    /// like. What says that nothing is wrong (`null`, `{}`, `""`, code 0) is not a failure, nor is what repeats the
    /// request.
    ///
    /// The pages print an error beside `completed`, too: with a video, [`state`](Self::state) decides. Without one, a
    /// [wait](crate::Wait) ends with [`GenerationFailed`](crate::ErrorKind::GenerationFailed).
    pub fn failure(&self) -> Option<&Failure> {
        self.content.failure.as_ref()
    }

    /// The cost, as far as the body states it.
    pub fn usage(&self) -> Usage {
        self.content.usage
    }

    /// The model, where the answer names it.
    pub fn model(&self) -> Option<&str> {
        self.content.model.as_deref()
    }

    /// The handle that it was requested with; `None` if it did not come by a request of this crate.
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

/// A generation that was created, and all that is needed to wait for it: in this process, in another, on another machine.
///
/// It holds no key. Store it (it serialises to a small JSON object) before anything can go wrong, and give it to
/// [`Client::wait`](crate::Client::wait) whenever you like; a bare id does as well, with less known beside it.
///
/// ```
/// use aimlapi_video::{GenerationHandle, Route};
///
/// let handle = GenerationHandle::new("a1b2").with_route(Route::LegacyKling);
/// let stored = serde_json::to_string(&handle)?;
/// assert_eq!(stored, r#"{"id":"a1b2","route":"legacy-kling"}"#);
/// let read: GenerationHandle = serde_json::from_str(&stored)?;
/// assert_eq!(read.id(), "a1b2");
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// Handles are equal, and hash alike, if what is stored of them is equal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GenerationHandle {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(default)]
    route: Route,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "write_time",
        deserialize_with = "read_time"
    )]
    created_at: Option<SystemTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// What this process knows of the create beyond that.
    #[serde(skip)]
    created: Option<Arc<Created>>,
}

/// What only the process that created the generation knows.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    /// The response to the create; it may already be final.
    pub(crate) answer: Generation,
    /// How long the service asked clients to wait before the next request.
    pub(crate) retry_after: Option<Duration>,
    /// The clip's length in seconds, where the request or its document states one.
    pub(crate) length: Option<u64>,
}

impl GenerationHandle {
    /// A handle of which only the id is known, on the universal URL.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            id,
            model: None,
            route: Route::Universal,
            created_at: None,
            origin: None,
            created: None,
        }
    }

    /// The same generation, polled on `route`.
    #[must_use]
    pub fn with_route(self, route: Route) -> Self {
        let handle = Self {
            route,
            created: None,
            ..self
        };
        match self.created {
            Some(created) => handle.with_created(Arc::unwrap_or_clone(created)),
            None => handle,
        }
    }

    /// The generation's id: opaque text that may hold `:` and `/` and may begin with `-`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The model, where known.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The route on which it was created and is polled.
    pub fn route(&self) -> Route {
        self.route
    }

    /// When it was created, by this machine's clock; `None` for a bare id.
    pub fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// The origin of the base URL it was created on, such as `https://api.aimlapi.com`. It is compared with the
    /// client's own, and never contacted.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The response to the create, while the handle is in the process that created it.
    pub fn answer(&self) -> Option<&Generation> {
        self.created.as_ref().map(|created| &created.answer)
    }

    pub(crate) fn created(&self) -> Option<&Created> {
        self.created.as_deref()
    }

    /// The handle as any process could have it.
    pub(crate) fn bare(&self) -> Self {
        Self {
            id: self.id.clone(),
            model: self.model.clone(),
            route: self.route,
            created_at: self.created_at,
            origin: self.origin.clone(),
            created: None,
        }
    }

    /// The handle of what was just created.
    pub(crate) fn of(
        id: String,
        model: &str,
        route: Route,
        origin: &str,
        created: Created,
    ) -> Self {
        // A clock before 1970 is wrong, and its time could not be written down; nor could parts of a millisecond.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let whole =
            |now: Duration| now - Duration::from_nanos(u64::from(now.subsec_nanos()) % 1_000_000);
        let now = now.ok().map(|now| SystemTime::UNIX_EPOCH + whole(now));
        let handle = Self {
            id,
            model: Some(model.to_owned()),
            route,
            created_at: now,
            origin: Some(origin.to_owned()),
            created: None,
        };
        handle.with_created(created)
    }

    /// A bare handle with what is known of the create: the answer to it is this handle's.
    fn with_created(mut self, mut created: Created) -> Self {
        created.answer.handle = Some(Arc::new(self.clone()));
        self.created = Some(Arc::new(created));
        self
    }
}

impl GenerationHandle {
    /// What is stored of it.
    fn stored(&self) -> impl Eq + Hash + '_ {
        let Self {
            id,
            model,
            route,
            created_at,
            origin,
            created: _,
        } = self;
        (id, model, route, created_at, origin)
    }
}

impl PartialEq for GenerationHandle {
    fn eq(&self, other: &Self) -> bool {
        self.stored() == other.stored()
    }
}

impl Eq for GenerationHandle {}

impl Hash for GenerationHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stored().hash(state);
    }
}

impl From<&str> for GenerationHandle {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for GenerationHandle {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

impl From<&Self> for GenerationHandle {
    fn from(handle: &Self) -> Self {
        handle.clone()
    }
}

fn write_time<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(&humantime::format_rfc3339_millis(*time)),
        None => serializer.serialize_none(),
    }
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    humantime::parse_rfc3339(&text).map(Some).map_err(|error| {
        de::Error::custom(format_args!(
            "created_at is {text:?}, which is no RFC 3339 time: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn handle_that_was_stored_is_the_one_that_was_created() {
        let created = Created {
            answer: Generation::from_json(serde_json::json!({ "id": "a" })),
            retry_after: None,
            length: Some(5),
        };
        let origin = "https://api.aimlapi.com";
        let handle = GenerationHandle::of("a".into(), "m", Route::Universal, origin, created);
        let stored = serde_json::to_string(&handle).expect("it is stored");
        let read: GenerationHandle = serde_json::from_str(&stored).expect("it is read");
        assert_eq!(read, handle);
        assert!(HashSet::from([handle.clone()]).contains(&read));
        assert_ne!(handle.with_route(Route::LegacyKling), read);
    }
}
