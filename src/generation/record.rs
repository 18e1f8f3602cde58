//! The types [`Generation`], a response of the service, and [`GenerationHandle`], the stored identity of a generation.
//!
//! Both are in one file because each may hold the other: a generation holds the handle that was polled, and the handle of a
//! generation that this process created holds the response to the create.

use std::{
    fmt,
    hash::{Hash, Hasher},
    ops::RangeInclusive,
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
use crate::{Route, urls::redacted_urls};

/// A generation as a response of the service describes it: the response type of all models and of both routes.
///
/// Clones share their content.
#[derive(Clone)]
pub struct Generation {
    content: Arc<Content>,
    metadata: Option<Arc<ResponseMetadata>>,
    /// The handle of the request, if this crate sent the request.
    pub(crate) handle: Option<Arc<GenerationHandle>>,
}

impl Generation {
    /// Reads a response. Any JSON can be read; properties that the response does not have are absent.
    ///
    /// ```
    /// use aimlapi_video::{Generation, State};
    /// use serde_json::json;
    ///
    /// let generation = Generation::from_json(json!({
    ///     "id": "a1", "status": "Succeeded", "video": ["https://cdn.example.com/a1.mp4"],
    /// }));
    /// assert_eq!(generation.state(), State::Completed);
    /// assert_eq!(generation.videos()[0].url, "https://cdn.example.com/a1.mp4");
    /// ```
    pub fn from_json(raw: Value) -> Self {
        Self {
            content: Arc::new(Content::read(raw)),
            metadata: None,
            handle: None,
        }
    }

    /// Reads a response as [`from_json`](Self::from_json) does, but keeps its text instead of the parsed JSON.
    pub(crate) fn from_text(text: &[u8], raw: Value) -> Self {
        let mut generation = Self::from_json(raw);
        let content = Arc::make_mut(&mut generation.content);
        (content.raw, content.text) = (OnceLock::new(), text.into());
        generation
    }

    /// Whether the generation was read from this text.
    pub(crate) fn is_text(&self, text: &[u8]) -> bool {
        !text.is_empty() && *self.content.text == *text
    }

    pub(crate) fn with_metadata(self, metadata: ResponseMetadata) -> Self {
        let metadata = Some(Arc::new(metadata));
        Self { metadata, ..self }
    }

    /// A queued generation with empty JSON, for a response 202 without a state.
    pub(crate) fn accepted() -> Self {
        let mut generation = Self::from_json(Value::Object(serde_json::Map::new()));
        Arc::make_mut(&mut generation.content).state = State::Queued;
        generation
    }

    /// Whether the response has a status, a video or a failure.
    pub(crate) fn has_details(&self) -> bool {
        let content = &self.content;
        content.status.is_some() || !content.videos.is_empty() || content.failure.is_some()
    }

    /// The generation's id, from `id` or `generation_id`, also if the response is wrapped as in `{"code": 0, "data": {…}}`.
    /// If the response has a status, `task_id` and similar names count too.
    pub fn id(&self) -> Option<&str> {
        self.content.id.as_deref()
    }

    /// The status text that the service sent.
    pub fn status(&self) -> Option<&str> {
        self.content.status.as_deref()
    }

    /// The state, from `status`, else from `state`, `task_status` and similar names, also if the response is wrapped.
    ///
    /// A known status decides alone. With an unknown status, the state is completed if the response has a video, and failed if
    /// it has an error.
    pub fn state(&self) -> State {
        self.content.state
    }

    /// The videos, in the service's order: from `video`, else from any property of a completed generation's response that is
    /// named as a result and holds a URL. Media of the request that a response repeats are left out.
    pub fn videos(&self) -> &[Video] {
        &self.content.videos
    }

    /// The reason of the failure, from `error`, else from `failure_reason`, `message`, `detail` and similar names anywhere in
    /// the response. A value that means success (`null`, `{}`, `""`, code 0) is not a failure, nor is a part of the request
    /// that the response repeats.
    ///
    /// The pages also print an error together with `completed`. If there is a video, [`state`](Self::state) decides; if there
    /// is none, a [wait](crate::Wait) ends with [`GenerationFailed`](crate::ErrorKind::GenerationFailed).
    pub fn failure(&self) -> Option<&Failure> {
        self.content.failure.as_ref()
    }

    /// The cost, if the body states it.
    pub fn usage(&self) -> Usage {
        self.content.usage
    }

    /// The model, if the response names it.
    pub fn model(&self) -> Option<&str> {
        self.content.model.as_deref()
    }

    /// The handle of the request; `None` if this crate did not send the request.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        self.handle.as_deref()
    }

    /// The metadata from the headers of the response.
    pub fn metadata(&self) -> &ResponseMetadata {
        self.metadata.as_deref().unwrap_or(&ResponseMetadata::EMPTY)
    }

    /// Whether the response may be for the generation `id`: one of its ids is `id`, or it has no documented id.
    pub(crate) fn is_of(&self, id: &str) -> bool {
        let content = &self.content;
        let mut ids = content.id.iter().chain(&content.other_ids);
        !content.is_named || ids.any(|named| named == id)
    }

    /// The beginning of the response in one line of at most `chars` characters, for people and logs. Long texts and lists are
    /// shortened, and URLs have no query.
    pub fn excerpt(&self, chars: usize) -> String {
        let text = redacted_urls(&shortened(self.as_json()).to_string());
        match text.char_indices().nth(chars) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
    }

    /// The whole response.
    pub fn as_json(&self) -> &Value {
        let content = &self.content;
        // The text was parsed before, so parsing it again cannot fail.
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

/// Leaves out the queries of URLs, which may be signatures.
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

/// The identity of a created generation, with all that is needed to wait for it in this process, in another one, or on another
/// machine.
///
/// A handle holds no key. Store it right after the create (it serialises to a small JSON object), and pass it to
/// [`Client::wait`](crate::Client::wait) at any later time. A bare id is enough too, but the model and the time of the create
/// are then unknown.
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
/// Handles are equal, and have the same hash, if their serialised fields are equal.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    /// The facts about the create that are not stored.
    #[serde(skip)]
    created: Option<Arc<Created>>,
}

/// The facts about a create that only the process that sent it has.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    /// The response to the create; it may already be final.
    pub(crate) answer: Generation,
    /// How long the service requested clients to wait before the next request.
    pub(crate) retry_after: Option<Duration>,
    /// The stated duration of such a generation, if the request has a document.
    pub(crate) expected: Option<RangeInclusive<Duration>>,
}

impl GenerationHandle {
    /// A handle with only an id, on the universal route.
    pub fn new(id: impl Into<String>) -> Self {
        let id = id.into();
        Self {
            id,
            model: None,
            route: Route::Universal,
            created_at: None,
            origin: None,
            length: None,
            created: None,
        }
    }

    /// Sets the route on which the generation is polled.
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

    /// The model, if known.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The route on which the generation was created and is polled.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The time of the create, by the clock of the machine that sent it; `None` for a bare id.
    pub fn created_at(&self) -> Option<SystemTime> {
        self.created_at
    }

    /// The origin of the base URL on which the generation was created, such as `https://api.aimlapi.com`. The client compares
    /// the origin with its own, and never connects to it.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The clip's length in seconds, if the request or its document states one; `None` for a bare id. The duration of a
    /// generation depends on it.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The response to the create; `None` if the handle was deserialised or made from an id.
    pub fn answer(&self) -> Option<&Generation> {
        self.created.as_ref().map(|created| &created.answer)
    }

    pub(crate) fn created(&self) -> Option<&Created> {
        self.created.as_deref()
    }

    /// The handle without the facts that are not stored.
    pub(crate) fn bare(&self) -> Self {
        Self {
            id: self.id.clone(),
            model: self.model.clone(),
            route: self.route,
            created_at: self.created_at,
            origin: self.origin.clone(),
            length: self.length,
            created: None,
        }
    }

    /// The handle of a generation that was just created.
    pub(crate) fn of(
        id: String,
        model: &str,
        route: Route,
        origin: &str,
        length: Option<u64>,
        created: Created,
    ) -> Self {
        // A time before 1970 cannot be serialised, and comes from a wrong clock. Parts of a millisecond are not serialised
        // either.
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
            length,
            created: None,
        };
        handle.with_created(created)
    }

    /// Adds the facts about the create to a bare handle, and the handle to the response to the create.
    fn with_created(mut self, mut created: Created) -> Self {
        created.answer.handle = Some(Arc::new(self.clone()));
        self.created = Some(Arc::new(created));
        self
    }
}

impl GenerationHandle {
    /// The fields that are serialised.
    fn stored(&self) -> impl Eq + Hash + '_ {
        let Self {
            id,
            model,
            route,
            created_at,
            origin,
            length,
            created: _,
        } = self;
        (id, model, route, created_at, origin, length)
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
            "created_at is {text:?}, which is not an RFC 3339 time: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn stored_handle_equals_the_created_one() {
        let created = Created {
            answer: Generation::from_json(serde_json::json!({ "id": "a" })),
            retry_after: None,
            expected: None,
        };
        let (origin, length) = ("https://api.aimlapi.com", Some(5));
        let handle =
            GenerationHandle::of("a".into(), "m", Route::Universal, origin, length, created);
        let stored = serde_json::to_string(&handle).expect("it is stored");
        let read: GenerationHandle = serde_json::from_str(&stored).expect("it is read");
        assert_eq!(read, handle);
        assert_eq!(read.length(), length);
        assert!(HashSet::from([handle.clone()]).contains(&read));
        assert_ne!(handle.with_route(Route::LegacyKling), read);
    }
}
