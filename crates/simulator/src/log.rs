//! The log of received requests, from which keys are removed.
//!
//! The log keeps the newest requests in a compact form: long bodies are shortened, and every occurrence of the request's key
//! is replaced by `…`.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, Method, Uri};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    key::KeyHash,
    redact::{Key, is_secret, key, redact},
    tasks::rfc3339,
};
use aimlapi_video::contract::Model;

/// A request that the simulator received, as listed by [`Simulator::requests`](super::Simulator::requests) and
/// `GET /_simulator/requests`.
///
/// The request's key is removed from every field.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The request's number, counted from 1.
    pub number: u64,
    /// When the request was received.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// The method, such as `POST`.
    pub method: String,
    /// The request target: path and query, as received.
    pub target: String,
    /// The headers by lower-case name, up to about 16 KiB.
    ///
    /// The value of `authorization` is reduced to its scheme; values of cookies and of headers for other keys are removed.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON up to 16 KiB unchanged, longer JSON with strings truncated to 256 bytes, any other body as its first
    /// 1024 bytes.
    pub body: Option<Value>,
    /// The length of the received body in bytes.
    pub body_bytes: usize,
    /// The hash of the request's key, or for a file of the key of its generation.
    pub key: Option<String>,
    /// The id of the generation that the request created, polled or downloaded.
    pub task: Option<String>,
    /// The model of that generation, or the one that the body states.
    pub model: Option<String>,
    /// The HTTP status of the response; `None` until the response is sent, and if the connection was aborted instead.
    pub status: Option<u16>,
}

/// The newest requests, up to a maximum.
#[derive(Debug)]
pub(super) struct Log {
    max: usize,
    inner: Mutex<Inner>,
}

/// A request with its response, as the page shows them.
#[derive(Clone, Debug)]
pub(super) struct LoggedExchange {
    pub(super) request: RecordedRequest,
    /// The received body; `None` if only a part of it is stored.
    pub(super) body: Option<Box<[u8]>>,
    pub(super) response: Option<LoggedResponse>,
}

/// What the log keeps of a short response.
#[derive(Clone, Debug)]
pub(super) struct LoggedResponse {
    /// One `name: value` per line.
    headers: Box<str>,
    pub(super) body: Box<[u8]>,
}

impl LoggedResponse {
    /// Keeps a response to a request with this key, without the key.
    pub(super) fn new(headers: &HeaderMap, body: &[u8], key: Key<'_>) -> Self {
        let mut body = body.to_vec();
        redact_bytes(key, &mut body);
        Self {
            headers: header_lines(headers, key).into(),
            body: body.into(),
        }
    }

    /// Returns the headers by lower-case name.
    pub(super) fn headers(&self) -> BTreeMap<String, String> {
        read_lines(&self.headers)
    }
}

/// What has changed in the log.
#[derive(Debug)]
pub(super) struct Changes {
    /// Another one after each reset.
    pub(super) epoch: Uuid,
    /// The revision up to which the changes are listed.
    pub(super) revision: u64,
    /// Whether further changes follow.
    pub(super) more: bool,
    pub(super) exchanges: Vec<LoggedExchange>,
}

#[derive(Debug)]
struct Inner {
    epoch: Uuid,
    /// The number of changes.
    revision: u64,
    received: u64,
    entries: VecDeque<Entry>,
}

/// The generation that a request concerns.
#[derive(Clone, Debug)]
pub(super) struct TaskReference {
    pub(super) id: Arc<str>,
    /// The key that created it.
    pub(super) key: Option<KeyHash>,
    /// `None` if a recording does not state the model, or no document has it.
    pub(super) model: Option<Arc<Model>>,
}

/// A request in compact form: few allocations, and none that keeps a connection's buffer alive.
#[derive(Debug)]
struct Entry {
    number: u64,
    key: Option<KeyHash>,
    task: Option<TaskReference>,
    at: Duration,
    method: Method,
    target: Box<str>,
    /// One `name: value` per line.
    headers: Box<str>,
    body: Box<[u8]>,
    /// Whether the stored body is complete except for truncated strings.
    is_whole: bool,
    body_bytes: usize,
    status: Option<u16>,
    response: Option<LoggedResponse>,
    /// The revision of the log at the entry's last change.
    revision: u64,
}

/// The newest requests that the page shows; of others, no response is stored.
const PAGE_WINDOW: usize = 5_000;
/// The maximum of the stored body, and of the stored headers, in bytes.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;
/// The maximum of a JSON string in a body above the maximum, in bytes.
pub(super) const MAX_STRING_BYTES: usize = 256;
/// The stored prefix of a body above the maximum that cannot be shortened as JSON, and the listed prefix of a body that is
/// not JSON, in bytes.
const MAX_PREFIX_BYTES: usize = 1024;
/// The maximum of a target or a header's value, in bytes.
const MAX_TEXT_BYTES: usize = 4 * 1024;

impl Log {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            inner: Mutex::default(),
        }
    }

    /// Records a request and returns its number.
    pub(super) fn record(
        &self,
        at: Duration,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> u64 {
        let key = key(headers);
        let (mut stored, is_whole) = match body.len() <= MAX_BODY_BYTES {
            true => (body.to_vec(), true),
            false => shorten(body).map_or_else(
                || (body[..MAX_PREFIX_BYTES].to_vec(), false),
                |short| (short, true),
            ),
        };
        redact_bytes(key, &mut stored);
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let mut inner = self.lock();
        inner.received += 1;
        inner.revision += 1;
        let number = inner.received;
        let entry = Entry {
            number,
            key: KeyHash::of(headers),
            task: None,
            at,
            method: method.clone(),
            target: truncate(&redact(key, target), MAX_TEXT_BYTES).into(),
            headers: header_lines(headers, key).into(),
            body: stored.into(),
            is_whole,
            body_bytes: body.len(),
            status: None,
            response: None,
            revision: inner.revision,
        };
        if inner.entries.len() >= self.max {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
        let left = inner.entries.len().checked_sub(PAGE_WINDOW + 1);
        if let Some(entry) = left.and_then(|index| inner.entries.get_mut(index)) {
            entry.response = None;
        }
        number
    }

    /// Records the status of the response to request `number`, and the response if it is short.
    pub(super) fn record_response(
        &self,
        number: u64,
        status: u16,
        response: Option<LoggedResponse>,
    ) {
        self.change(number, |entry| {
            entry.status = Some(status);
            entry.response = response;
        });
    }

    /// Records the generation that request `number` concerns, if any.
    pub(super) fn record_task(&self, number: u64, task: Option<TaskReference>) {
        if let Some(task) = task {
            self.change(number, |entry| {
                entry.key = entry.key.or(task.key);
                entry.task = Some(task);
            });
        }
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Entry)) {
        let mut inner = self.lock();
        let index = inner
            .entries
            .binary_search_by_key(&number, |entry| entry.number);
        // The request may have been removed from the log by now.
        let Inner {
            revision, entries, ..
        } = &mut *inner;
        if let Some(entry) = index.ok().and_then(|index| entries.get_mut(index)) {
            change(entry);
            *revision += 1;
            entry.revision = *revision;
        }
    }

    /// Lists the exchanges of a key or of all keys that changed after revision `since`, in the order of their changes, at most
    /// `max`.
    pub(super) fn changes(&self, since: u64, key: Option<KeyHash>, max: usize) -> Changes {
        let inner = self.lock();
        let newest = inner.entries.iter().rev().take(PAGE_WINDOW);
        let mut changed: Vec<&Entry> = newest
            .filter(|entry| entry.revision > since && (key.is_none() || entry.key == key))
            .collect();
        changed.sort_unstable_by_key(|entry| entry.revision);
        let more = changed.len() > max;
        changed.truncate(max);
        let last = changed.last().filter(|_| more);
        Changes {
            epoch: inner.epoch,
            revision: last.map_or(inner.revision, |entry| entry.revision),
            more,
            exchanges: changed.into_iter().map(Entry::to_exchange).collect(),
        }
    }

    /// Lists the stored requests, the oldest first.
    pub(super) fn list(&self) -> Vec<RecordedRequest> {
        self.lock().entries.iter().map(Entry::to_recorded).collect()
    }

    /// Returns the numbers of the stored requests that concern each generation, by its id and key.
    pub(super) fn numbers_by_task(&self) -> HashMap<(Arc<str>, Option<KeyHash>), Vec<u64>> {
        let mut numbers: HashMap<_, Vec<_>> = HashMap::new();
        for entry in &self.lock().entries {
            if let Some(task) = &entry.task {
                let of_task = numbers.entry((Arc::clone(&task.id), task.key));
                of_task.or_default().push(entry.number);
            }
        }
        numbers
    }

    /// Returns the number of requests received since the start or the last reset.
    pub(super) fn received(&self) -> u64 {
        self.lock().received
    }

    /// Removes the requests with a key; without a key all requests, and the next request gets number 1.
    pub(super) fn reset(&self, key: Option<KeyHash>) {
        let mut inner = self.lock();
        match key {
            Some(_) => {
                inner.entries.retain(|entry| entry.key != key);
                inner.epoch = Uuid::new_v4();
            }
            None => *inner = Inner::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            epoch: Uuid::new_v4(),
            revision: 0,
            received: 0,
            entries: VecDeque::new(),
        }
    }
}

impl Entry {
    fn to_exchange(&self) -> LoggedExchange {
        LoggedExchange {
            request: self.to_recorded(),
            body: (self.body_bytes <= MAX_BODY_BYTES).then(|| self.body.clone()),
            response: self.response.clone(),
        }
    }

    fn to_recorded(&self) -> RecordedRequest {
        let json = || serde_json::from_slice::<Value>(&self.body).ok();
        let body = match (&*self.body, self.is_whole.then(json).flatten()) {
            ([], _) => None,
            (_, Some(json)) => Some(json),
            (text, None) => Some(truncate(&String::from_utf8_lossy(text), MAX_PREFIX_BYTES).into()),
        };
        let stated = body
            .as_ref()
            .and_then(|body| body["model"].as_str().map(str::to_owned));
        RecordedRequest {
            number: self.number,
            at: SystemTime::UNIX_EPOCH + self.at,
            method: self.method.to_string(),
            target: self.target.to_string(),
            headers: read_lines(&self.headers),
            body,
            body_bytes: self.body_bytes,
            key: self.key.map(|key| key.to_string()),
            task: self.task.as_ref().map(|task| task.id.to_string()),
            model: self
                .task
                .as_ref()
                .and_then(|task| Some(task.model.as_ref()?.id.clone()))
                .or(stated),
            status: self.status,
        }
    }
}

/// Writes one `name: value` per line, without secrets, up to a maximum.
fn header_lines(headers: &HeaderMap, key: Key<'_>) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = match is_secret(name.as_str()) {
            true => match value.split_once(' ') {
                Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => {
                    format!("{scheme} …")
                }
                _ => "…".to_owned(),
            },
            false => redact(key, &value),
        };
        if lines.len() > MAX_BODY_BYTES {
            break;
        }
        lines.push_str(name.as_str());
        lines.push_str(": ");
        lines.push_str(truncate(&value, MAX_TEXT_BYTES));
        lines.push('\n');
    }
    lines
}

fn read_lines(lines: &str) -> BTreeMap<String, String> {
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Replaces every occurrence of the key.
fn redact_bytes(key: Key<'_>, bytes: &mut Vec<u8>) {
    let contains = |key: &str| bytes.windows(key.len()).any(|part| part == key.as_bytes());
    if key.values().any(contains) {
        *bytes = redact(key, &String::from_utf8_lossy(bytes)).into_bytes();
    }
}

/// Truncates a text to at most `max` bytes, at a character boundary.
pub(super) fn truncate(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Shortens a JSON body by truncating its long strings, which are inline media.
///
/// Returns `None` if the body is not JSON or is still above the maximum.
fn shorten(body: &[u8]) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    truncate_strings(&mut value);
    let short = value.to_string().into_bytes();
    (short.len() <= MAX_BODY_BYTES).then_some(short)
}

/// Truncates the strings of a value.
pub(super) fn truncate_strings(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > MAX_STRING_BYTES => {
            *text = format!("{}…", truncate(text, MAX_STRING_BYTES));
        }
        Value::Array(items) => items.iter_mut().for_each(truncate_strings),
        Value::Object(map) => map.values_mut().for_each(truncate_strings),
        _ => {}
    }
}
