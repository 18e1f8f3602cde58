//! Every request that was seen, without its key.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use axum::http::{HeaderMap, Method, Uri, header};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A request, as `/_simulator/requests` and [`Simulator::requests`](super::Simulator::requests) list it. Keys are left out,
/// wherever they stood.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SeenRequest {
    /// Its number, counted from 1.
    pub number: u64,
    /// When it came.
    #[serde(serialize_with = "rfc3339")]
    pub at: SystemTime,
    /// The method, such as `POST`.
    pub method: String,
    /// Path and query, as they came.
    pub target: String,
    /// The headers by their names in lower case, 16 KiB of them. Of `authorization` only the scheme is kept, of cookies and
    /// the like nothing.
    pub headers: BTreeMap<String, String>,
    /// The body: JSON as it was, but of more than 16 KiB with its texts cut to 256 bytes; of anything else the beginning.
    pub body: Option<Value>,
    /// The length of the whole body in bytes.
    pub body_bytes: usize,
    /// The HTTP status of the answer; `None` while there is none, and where the connection was ended instead.
    pub status: Option<u16>,
}

/// The requests, the newest of them where there are too many.
#[derive(Debug)]
pub(super) struct Log {
    max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: u64,
    entries: VecDeque<Entry>,
}

/// What is kept of a request: few allocations, and none that holds on to a connection's buffers.
#[derive(Debug)]
struct Entry {
    at: Duration,
    method: Method,
    target: Box<str>,
    /// `name: value`, a line each.
    headers: Box<str>,
    body: Box<[u8]>,
    /// Whether no part of the body is missing but the ends of its long texts.
    is_whole: bool,
    body_bytes: usize,
    status: Option<u16>,
}

/// What is kept of a body, and of the headers, in bytes.
const MOST_BODY: usize = 16 * 1024;
/// What is kept of a text in a longer one.
const LONG_TEXT: usize = 256;
/// What is kept of a longer one that is no JSON, and what is shown of any.
const BEGINNING: usize = 1024;
/// What is kept of a target or a header's value, in bytes.
const MOST_TEXT: usize = 4 * 1024;

const SECRET: &[header::HeaderName] = &[
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    header::COOKIE,
];

impl Log {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max: max.max(1),
            inner: Mutex::default(),
        }
    }

    /// Takes a request in, and gives its number.
    pub(super) fn begin(
        &self,
        at: Duration,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> u64 {
        let key = key(headers);
        let mut lines = String::new();
        for (name, value) in headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = match SECRET.contains(name) || name.as_str().contains("api-key") {
                true => match value.split_once(' ') {
                    Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") => {
                        format!("{scheme} …")
                    }
                    _ => "…".to_owned(),
                },
                false => without(key, &value),
            };
            if lines.len() > MOST_BODY {
                break;
            }
            lines.push_str(name.as_str());
            lines.push_str(": ");
            lines.push_str(cut(&value, MOST_TEXT));
            lines.push('\n');
        }
        let (mut kept, is_whole) = match body.len() <= MOST_BODY {
            true => (body.to_vec(), true),
            false => shortened(body)
                .map_or_else(|| (body[..BEGINNING].to_vec(), false), |kept| (kept, true)),
        };
        if key.is_some_and(|key| contains(&kept, key.as_bytes())) {
            kept = without(key, &String::from_utf8_lossy(&kept)).into_bytes();
        }
        let target = uri.path_and_query().map_or("", |target| target.as_str());
        let entry = Entry {
            at,
            method: method.clone(),
            target: cut(&without(key, target), MOST_TEXT).into(),
            headers: lines.into(),
            body: kept.into(),
            is_whole,
            body_bytes: body.len(),
            status: None,
        };
        let mut inner = self.lock();
        if inner.entries.len() >= self.max {
            inner.entries.pop_front();
        }
        inner.entries.push_back(entry);
        inner.seen += 1;
        inner.seen
    }

    /// Notes the status that request `number` was answered with.
    pub(super) fn end(&self, number: u64, status: u16) {
        let mut inner = self.lock();
        let first = inner.first();
        let at = number
            .checked_sub(first)
            .and_then(|at| usize::try_from(at).ok());
        // It may be forgotten by now.
        if let Some(entry) = at.and_then(|at| inner.entries.get_mut(at)) {
            entry.status = Some(status);
        }
    }

    pub(super) fn list(&self) -> Vec<SeenRequest> {
        let inner = self.lock();
        (inner.first()..)
            .zip(&inner.entries)
            .map(|(number, entry)| entry.seen(number))
            .collect()
    }

    /// How many there were in all.
    pub(super) fn seen(&self) -> u64 {
        self.lock().seen
    }

    pub(super) fn reset(&self) {
        *self.lock() = Inner::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The number of the first that is kept.
    fn first(&self) -> u64 {
        self.seen + 1 - self.entries.len() as u64
    }
}

impl Entry {
    fn seen(&self, number: u64) -> SeenRequest {
        let headers = self
            .headers
            .lines()
            .filter_map(|line| line.split_once(": "));
        let json = || serde_json::from_slice(&self.body).ok();
        let body = match (&*self.body, self.is_whole.then(json).flatten()) {
            ([], _) => None,
            (_, Some(json)) => Some(json),
            (text, None) => Some(cut(&String::from_utf8_lossy(text), BEGINNING).into()),
        };
        SeenRequest {
            number,
            at: SystemTime::UNIX_EPOCH + self.at,
            method: self.method.to_string(),
            target: self.target.to_string(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            body,
            body_bytes: self.body_bytes,
            status: self.status,
        }
    }
}

/// The key that came with a request. One of a few letters may be any word, and is looked for nowhere else.
fn key(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let key = value.split_once(' ').map_or(value, |(_, key)| key).trim();
    (key.len() >= 8).then_some(key)
}

fn without(key: Option<&str>, text: &str) -> String {
    key.map_or_else(|| text.to_owned(), |key| text.replace(key, "…"))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The beginning of a text that is too long.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A long body of JSON with its long texts, which are inline media, shortened; nothing, if that does not make it short.
fn shortened(body: &[u8]) -> Option<Vec<u8>> {
    fn shorten(value: &mut Value) {
        match value {
            Value::String(text) if text.len() > LONG_TEXT => {
                *text = format!("{}…", cut(text, LONG_TEXT));
            }
            Value::Array(items) => items.iter_mut().for_each(shorten),
            Value::Object(map) => map.values_mut().for_each(shorten),
            _ => {}
        }
    }
    let mut value: Value = serde_json::from_slice(body).ok()?;
    shorten(&mut value);
    let short = value.to_string().into_bytes();
    (short.len() <= MOST_BODY).then_some(short)
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}
