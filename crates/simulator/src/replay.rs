//! The replay of a recording: the same request gets the recorded course of a generation.
//!
//! A course is a create and the fetches of its id. Creates with the same body take the recorded courses in their order. A
//! fetch gets the response that the recording has for the time since the create, on the simulator's clock.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::Value;

use crate::{Recording, key::KeyHash, record::RecordedResponse};
use aimlapi_video::Route;

/// The courses of a recording, and which of them have been replayed for each key.
#[derive(Debug)]
pub(super) struct Replay {
    courses: Vec<Course>,
    /// Whether requests without a course are refused.
    pub(super) only: bool,
    /// The courses that run for each key, by their index.
    running: Mutex<HashMap<Option<KeyHash>, HashMap<usize, Run>>>,
}

/// The recorded course of one generation.
#[derive(Debug)]
pub(super) struct Course {
    route: Route,
    /// The id that fetches ask for, if the response to the create has one.
    id: Option<String>,
    /// The create; `None` if the recording has only fetches of the id.
    create: Option<(Value, RecordedResponse)>,
    at: SystemTime,
    /// The responses to fetches, each with the time since the create.
    fetches: Vec<(Duration, RecordedResponse)>,
}

#[derive(Debug, Default)]
struct Run {
    /// The service's time of the create.
    started: Duration,
    /// The number of recorded fetches that are replayed or passed over.
    next: usize,
    /// The last successful one of them.
    last: Option<usize>,
}

impl Replay {
    pub(super) fn new(recording: &Recording, only: bool) -> Self {
        let mut courses: Vec<Course> = Vec::new();
        for exchange in &recording.exchanges {
            let (request, response) = (&exchange.request, &exchange.response);
            let Some(route) = Route::from_path(&request.path) else {
                continue;
            };
            if request.method == "POST" {
                let body = response.content.body.as_ref();
                let ids = ["id", "generation_id"].into_iter();
                let id = ids.filter_map(|name| id(body?.get(name)?)).next();
                courses.push(Course {
                    route,
                    id,
                    create: Some((
                        request.content.body.clone().unwrap_or_default(),
                        response.clone(),
                    )),
                    at: exchange.at,
                    fetches: Vec::new(),
                });
                continue;
            }
            let Some(id) = &request.generation_id else {
                continue;
            };
            let known = |course: &Course| course.route == route && course.id.as_ref() == Some(id);
            if !courses.iter().any(known) {
                courses.push(Course {
                    route,
                    id: Some(id.clone()),
                    create: None,
                    at: exchange.at,
                    fetches: Vec::new(),
                });
            }
            let course = courses.iter_mut().rev().find(|course| known(course));
            if let Some(course) = course {
                let since = exchange.at.duration_since(course.at);
                let fetch = (since.unwrap_or_default(), response.clone());
                course.fetches.push(fetch);
            }
        }
        Self {
            courses,
            only,
            running: Mutex::default(),
        }
    }

    /// Starts the courses of a key, or those of all keys, anew.
    pub(super) fn reset(&self, key: Option<KeyHash>) {
        match key {
            Some(_) => drop(self.lock().remove(&key)),
            None => self.lock().clear(),
        }
    }

    /// Returns the courses that run before any create: those of which the recording has fetches alone.
    fn initial(&self) -> HashMap<usize, Run> {
        let courses = self.courses.iter().enumerate();
        let without_create = courses.filter(|(_, course)| course.create.is_none());
        without_create
            .map(|(index, _)| (index, Run::default()))
            .collect()
    }

    /// Starts the next course of a request, whose body has no secrets, and returns the response to its create.
    pub(super) fn create(
        &self,
        key: Option<KeyHash>,
        route: Route,
        body: &Value,
        now: Duration,
        base: &str,
    ) -> Option<Response> {
        let mut running = self.lock();
        let running = running.entry(key).or_insert_with(|| self.initial());
        let (index, response) = self
            .courses
            .iter()
            .enumerate()
            .find_map(|(index, course)| {
                let (recorded, response) = course.create.as_ref()?;
                let is_next =
                    course.route == route && recorded == body && !running.contains_key(&index);
                is_next.then_some((index, response))
            })?;
        let run = Run {
            started: now,
            ..Run::default()
        };
        running.insert(index, run);
        Some(to_response(response, index, base))
    }

    /// Returns the response to a fetch of a generation whose course runs.
    ///
    /// A recorded error is returned once; of several other responses that are due, the last one.
    pub(super) fn fetch(
        &self,
        key: Option<KeyHash>,
        route: Route,
        id: &str,
        now: Duration,
        base: &str,
    ) -> Option<Response> {
        let mut running = self.lock();
        let running = running.entry(key).or_insert_with(|| self.initial());
        let is_of = |index: &usize| {
            let course = &self.courses[*index];
            course.route == route && course.id.as_deref() == Some(id)
        };
        let index = *running.keys().filter(|index| is_of(index)).max()?;
        let course = &self.courses[index];
        let run = running.get_mut(&index)?;
        let since = now.saturating_sub(run.started);
        let due = course.fetches.iter().take_while(|(at, _)| *at <= since);
        let due = due.count().max(run.next);
        while run.next < due {
            let response = &course.fetches[run.next].1;
            run.next += 1;
            if response.status >= 400 {
                return Some(to_response(response, index, base));
            }
            run.last = Some(run.next - 1);
        }
        let response = match (run.last, &course.create) {
            (Some(last), _) => &course.fetches[last].1,
            // Before the first fetch of the recording, the generation is as its create reported it.
            (None, Some((_, created))) => created,
            (None, None) => &course.fetches.first()?.1,
        };
        Some(to_response(response, index, base))
    }

    /// Returns the body of the create whose video is requested, if its course runs for any key.
    pub(super) fn request(&self, index: usize) -> Option<(Route, Value)> {
        let course = self.courses.get(index)?;
        let mut running = self
            .lock()
            .values()
            .any(|of_key| of_key.contains_key(&index));
        let body = course.create.as_ref().map(|(body, _)| body.clone());
        running |= body.is_none();
        running.then(|| (course.route, body.unwrap_or_default()))
    }

    /// Describes for an error how a request differs from the nearest one of the recording.
    pub(super) fn difference(&self, route: Route, body: &Value) -> String {
        let creates = self.courses.iter().filter(|course| course.route == route);
        let recorded = creates.filter_map(|course| Some(&course.create.as_ref()?.0));
        let nearest = recorded
            .map(|other| differing(body, other))
            .min_by_key(Vec::len);
        match nearest.as_deref() {
            None => "the recording has no create on this path".into(),
            Some([]) => "all recorded courses of this request have been replayed".into(),
            Some(names) => format!(
                "the nearest recorded request differs in {}",
                names.join(", ")
            ),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Option<KeyHash>, HashMap<usize, Run>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns an id, which may be a number.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Returns the properties in which two bodies differ.
fn differing(one: &Value, other: &Value) -> Vec<String> {
    let names = |of: &Value| -> Vec<String> {
        let properties = of.as_object().into_iter();
        properties.flat_map(|map| map.keys().cloned()).collect()
    };
    let mut names = [names(one), names(other)].concat();
    names.sort();
    names.dedup();
    names.retain(|name| one.get(name) != other.get(name));
    names
}

/// Headers that the server states itself.
const FRAMING: [HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::DATE,
];

/// Returns a recorded response, with the simulator's URLs in place of the recorded ones.
fn to_response(recorded: &RecordedResponse, course: usize, base: &str) -> Response {
    let content = &recorded.content;
    let body = match (&content.body, &content.text) {
        (Some(body), _) => with_urls(body, course, base).to_string(),
        (None, Some(text)) => text.clone(),
        (None, None) => String::new(),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(recorded.status).unwrap_or_default();
    for (name, value) in &content.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
            && !FRAMING.contains(&name)
        {
            response.headers_mut().insert(name, value);
        }
    }
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
