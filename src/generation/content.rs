//! Interprets the JSON of a response: ids, model, state, videos, failure, usage.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::{
    parts::{Failure, State, Usage},
    reason,
    status::state_of,
    video::{Video, text},
    video_urls,
};

/// The interpreted content of a response.
#[derive(Clone)]
pub(super) struct Content {
    /// The whole response, parsed at its first use, since a tree of values takes many times the memory of its text.
    pub(super) raw: OnceLock<Value>,
    pub(super) text: Box<[u8]>,
    pub(super) id: Option<String>,
    /// Further ids that may identify the generation.
    pub(super) other_ids: Vec<String>,
    /// Whether the response has an id under one of the documented keys, `id` and `generation_id`.
    pub(super) is_named: bool,
    pub(super) model: Option<String>,
    pub(super) status: Option<String>,
    pub(super) state: State,
    pub(super) videos: Vec<Video>,
    pub(super) failure: Option<Failure>,
    pub(super) usage: Usage,
}

impl Content {
    pub(super) fn read(raw: Value) -> Self {
        let levels = levels(&raw);
        let mut ids = ids(&raw, &levels).into_iter();
        let (id, other_ids) = (ids.next(), ids.collect());
        let is_named = ["id", "generation_id"]
            .iter()
            .any(|key| raw.get(*key).and_then(text).is_some());
        let (state, status, videos) = state(&raw, &levels, id.is_some());
        let failure = match state {
            State::Failed => reason::reason(&raw),
            State::Completed if !videos.is_empty() => raw.get("error").and_then(reason::error),
            State::Queued | State::Generating => raw.get("error").and_then(reason::error),
            State::Completed | State::Unknown => reason::failure(&raw),
        };
        Self {
            id,
            other_ids,
            is_named,
            model: raw.get("model").and_then(Value::as_str).map(str::to_owned),
            status,
            state,
            videos,
            failure,
            usage: raw.pointer("/meta/usage").map(usage).unwrap_or_default(),
            raw: OnceLock::from(raw),
            text: Box::default(),
        }
    }
}

/// The keys under which gateways wrap a response, as in `{"code": 0, "data": {…}}`.
const WRAPPERS: [&str; 11] = [
    "data",
    "result",
    "output",
    "response",
    "task",
    "generation",
    "job",
    "payload",
    "body",
    "status",
    "video",
];

/// The wrappers in which an `id` may identify something other than the generation.
const NOT_OF_TASKS: [&str; 2] = ["status", "video"];

const MAX_LEVELS: usize = 3;

/// An object of a response that may describe the generation.
struct Level<'a> {
    map: &'a Map<String, Value>,
    is_of_task: bool,
}

/// The response and the objects that it wraps, outermost first. A list of one item counts as the item.
fn levels(raw: &Value) -> Vec<Level<'_>> {
    let Some(map) = raw.as_object() else {
        return Vec::new();
    };
    let is_of_task = true;
    let mut levels = vec![Level { map, is_of_task }];
    let mut begin = 0;
    for _ in 0..MAX_LEVELS {
        let end = levels.len();
        for at in begin..end {
            let (map, parent) = (levels[at].map, levels[at].is_of_task);
            for key in WRAPPERS {
                let wrapped = match map.get(key) {
                    Some(Value::Array(items)) if items.len() == 1 => items.first(),
                    value => value,
                };
                if let Some(map) = wrapped.and_then(Value::as_object) {
                    let is_of_task = parent && !NOT_OF_TASKS.contains(&key);
                    levels.push(Level { map, is_of_task });
                }
            }
        }
        begin = end;
    }
    levels
}

/// All ids that may identify the generation, without duplicates, the documented ones first.
///
/// An id under another name counts only if the response also has a state, or wraps the id with a code of success: a bare
/// `{"task_id": …}` may identify anything.
fn ids(raw: &Value, levels: &[Level<'_>]) -> Vec<String> {
    let documented = ["id", "generation_id"];
    let others = ["task_id", "taskId", "job_id", "jobId", "generationId"];
    let states_state = levels.iter().any(|level| stated(level).1 != State::Unknown);
    // `{"code": 0, "data": {"task_id": …}}` reports that the call succeeded, and identifies the task.
    let is_wrapped = levels.len() > 1
        && ["code", "success"]
            .iter()
            .any(|key| is_success(raw.get(*key)));
    let others: &[&str] = if states_state || is_wrapped {
        &others
    } else {
        &[]
    };
    let first = documented.iter().map(|key| raw.get(*key));
    let of_tasks = levels.iter().filter(|level| level.is_of_task);
    let rest = of_tasks.flat_map(|level| {
        let keys = others.iter().chain(&documented);
        keys.map(|key| level.map.get(*key))
    });
    let mut ids: Vec<String> = Vec::new();
    for id in first.chain(rest).filter_map(|id| text(id?)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
}

fn is_success(code: Option<&Value>) -> bool {
    match code {
        Some(Value::Bool(success)) => *success,
        Some(Value::Number(code)) => [0, 200, 201]
            .iter()
            .any(|good| code.as_u64() == Some(*good)),
        Some(Value::String(code)) => {
            let code = code.to_ascii_lowercase();
            ["0", "200", "201", "ok", "success"].contains(&code.as_str())
        }
        _ => false,
    }
}

/// The status text of one level, if there is one, and the state that it stands for.
fn stated(level: &Level<'_>) -> (Option<String>, State) {
    let keys = [
        "status",
        "state",
        "task_status",
        "taskStatus",
        "job_status",
        "video_status",
    ];
    let texts = keys.iter().filter_map(|key| match level.map.get(*key)? {
        // `{"status": {"code": "FAILED"}}`
        Value::Object(status) => ["code", "state", "name", "phase"]
            .iter()
            .find_map(|key| text(status.get(*key)?)),
        value => text(value),
    });
    let mut texts: Vec<(String, State)> =
        texts.map(|text| (text.clone(), state_of(&text))).collect();
    if !texts.is_empty() {
        let known = texts.iter().position(|(_, state)| *state != State::Unknown);
        let (text, state) = texts.swap_remove(known.unwrap_or(0));
        return (Some(text), state);
    }
    let done = ["done", "completed", "finished"];
    let done = done.iter().find_map(|key| level.map.get(*key)?.as_bool());
    let state = match done {
        Some(true) => State::Completed,
        Some(false) => State::Generating,
        None => State::Unknown,
    };
    (None, state)
}

/// The state, the service's status text, and the videos.
///
/// A status of a running or failed generation decides alone. "Success" may be the status of the call rather than of the
/// generation, so without a video a wrapped status takes precedence.
fn state(raw: &Value, levels: &[Level<'_>], has_id: bool) -> (State, Option<String>, Vec<Video>) {
    let mut stated = levels.iter().map(stated);
    let (outer, outer_state) = stated.next().unwrap_or((None, State::Unknown));
    let inner = stated.find(|(_, state)| *state != State::Unknown);
    let own = raw.get("video").map(videos).unwrap_or_default();
    let all = |own: Vec<Video>, is_completed| match own.is_empty() {
        true => video_urls::find(raw, is_completed),
        false => own,
    };
    match (outer_state, inner) {
        // "Success" is the status of the call, not of the generation.
        (State::Completed, Some((status, state)))
            if own.is_empty() && state != State::Completed =>
        {
            (state, status, own)
        }
        (State::Completed, inner) => {
            // If there is an error, a URL that is not named as the result may belong to the request.
            let has_error = raw.get("error").and_then(reason::error).is_some();
            let videos = all(own, !has_error);
            match inner {
                Some((status, state)) if videos.is_empty() => (state, status, videos),
                // `done: true` does not say whether the generation succeeded.
                None if outer.is_none() && videos.is_empty() && reason::failure(raw).is_some() => {
                    (State::Failed, outer, videos)
                }
                _ => (State::Completed, outer, videos),
            }
        }
        (State::Unknown, Some((status, _))) if !own.is_empty() => {
            (State::Completed, outer.or(status), own)
        }
        (State::Unknown, Some((status, State::Completed))) => {
            (State::Completed, status, all(own, true))
        }
        (State::Unknown, Some((status, state))) => (state, status, own),
        (State::Unknown, None) => {
            // An unknown status may mean that the generation is running: other URLs may be parts of its video.
            let videos = match outer {
                Some(_) if own.is_empty() => raw.get("videos").map(videos).unwrap_or_default(),
                Some(_) => own,
                None => all(own, false),
            };
            let has_failed = || levels.iter().any(|level| reason::states_failure(level.map));
            let state = match () {
                () if !videos.is_empty() => State::Completed,
                () if has_failed() => State::Failed,
                // The response to a create of some models holds only an id.
                () if outer.is_none() && has_id => State::Queued,
                () => State::Unknown,
            };
            (state, outer, videos)
        }
        (state, _) => (state, outer, own),
    }
}

/// The videos of a value of `video`: an object with `url`, a plain URL, or a list of either.
fn videos(value: &Value) -> Vec<Video> {
    match value {
        Value::Array(items) => items.iter().flat_map(videos).collect(),
        Value::String(url) if is_url(url) => vec![Video::at(url)],
        Value::Object(map) => match map.get("url") {
            Some(Value::String(url)) if !url.is_empty() => vec![Video::described(url, map)],
            Some(nested @ Value::Array(_)) => videos(nested),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// Whether the text is a URL and not a word such as "pending". The URL need not be percent-encoded as RFC 3986 requires.
fn is_url(text: &str) -> bool {
    text.contains("://") || text.starts_with("//") || text.starts_with("data:")
}

fn usage(value: &Value) -> Usage {
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    Usage {
        credits: number("credits_used").or_else(|| number("tokens_used")),
        usd: number("usd_spent"),
    }
}
