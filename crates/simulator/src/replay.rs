//! The replay of a recording: the same request gets the recorded course of a generation.
//!
//! A course is a create and the fetches of its id. Creates with the same body take the recorded courses in their order. A
//! fetch gets the response that the recording has for the time since the create, on the simulator's clock.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::Value;

use crate::{
    RecordedTask, Recording,
    accounts::Account,
    clips::{self, Clip},
    documents::Documents,
    key::KeyHash,
    log::TaskReference,
    record::RecordedResponse,
    shapes::phase,
    task::Phase,
    tasks::prompt,
    timeline::NEVER,
};
use aimlapi_video::{Route, contract::Model};

/// The courses of a recording, and which of them have been replayed for each key.
#[derive(Debug)]
pub(super) struct Replay {
    courses: Vec<Course>,
    /// Whether requests without a course are refused.
    pub(super) only: bool,
    running: Mutex<BTreeMap<Option<KeyHash>, Runs>>,
}

/// The courses that run for a key, by their index.
type Runs = HashMap<usize, Run>;

/// The recorded course of one generation.
#[derive(Debug)]
struct Course {
    route: Route,
    /// The id that fetches ask for, if the response to the create has one.
    id: Option<Arc<str>>,
    /// The model, if a document has the one that the create states.
    model: Option<Arc<Model>>,
    /// The create; `None` if the recording has only fetches of the id.
    create: Option<(Value, RecordedResponse)>,
    at: SystemTime,
    /// The responses to fetches, each with the time since the create.
    fetches: Vec<(Duration, RecordedResponse)>,
}

#[derive(Debug, Default)]
struct Run {
    /// The number of the create's request.
    request: u64,
    /// The service's time of the create.
    started: Duration,
    /// The time of the create as a duration since the Unix epoch.
    created_unix: Duration,
    /// The number of recorded fetches that are replayed or passed over.
    next: usize,
    /// The last successful one of them.
    last: Option<usize>,
    polls: u32,
    downloads: u32,
}

impl Replay {
    pub(super) fn new(recording: &Recording, only: bool, documents: &Documents) -> Self {
        let mut courses: Vec<Course> = Vec::new();
        for exchange in &recording.exchanges {
            let (request, response) = (&exchange.request, &exchange.response);
            let Some(route) = Route::from_path(&request.path) else {
                continue;
            };
            let course = Course {
                route,
                id: None,
                model: None,
                create: None,
                at: exchange.at,
                fetches: Vec::new(),
            };
            if request.method == "POST" {
                let body = request.content.body.clone().unwrap_or_default();
                let document = documents.find(route, &body).ok();
                courses.push(Course {
                    id: response.content.body.as_ref().and_then(created_id),
                    model: document.map(|document| Arc::clone(&document.model)),
                    create: Some((body, response.clone())),
                    ..course
                });
                continue;
            }
            let Some(id) = request.generation_id.as_deref() else {
                continue;
            };
            if !courses.iter().any(|course| course.is_of(route, id)) {
                let id = Some(id.into());
                courses.push(Course { id, ..course });
            }
            let course = courses.iter_mut().rev();
            if let Some(course) = { course }.find(|course| course.is_of(route, id)) {
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
    fn initial(&self) -> Runs {
        let courses = self.courses.iter().enumerate();
        let without_create = courses.filter(|(_, course)| course.create.is_none());
        without_create
            .map(|(index, _)| (index, Run::default()))
            .collect()
    }

    /// Starts the next course of a request, whose body has no secrets, and returns the response to its create.
    pub(super) fn create(
        &self,
        account: &Account,
        request: u64,
        route: Route,
        body: &Value,
        base: &str,
    ) -> Option<(Option<TaskReference>, Response)> {
        let mut running = self.lock();
        let running = running.entry(account.key).or_insert_with(|| self.initial());
        let mut courses = self.courses.iter().enumerate();
        let (index, course, response) = courses.find_map(|(index, course)| {
            let (recorded, response) = course.create.as_ref()?;
            let is_next =
                course.route == route && recorded == body && !running.contains_key(&index);
            is_next.then_some((index, course, response))
        })?;
        let run = Run {
            request,
            started: account.clock.now(),
            created_unix: account.clock.unix(),
            ..Run::default()
        };
        running.insert(index, run);
        Some((
            course.reference(account.key),
            to_response(response, index, base),
        ))
    }

    /// Returns the response to a fetch of a generation whose course runs.
    ///
    /// A recorded error is returned once; of several other responses that are due, the last one.
    pub(super) fn fetch(
        &self,
        account: &Account,
        route: Route,
        id: &str,
        base: &str,
    ) -> Option<(Option<TaskReference>, Response)> {
        let mut running = self.lock();
        let running = running.entry(account.key).or_insert_with(|| self.initial());
        let is_of = |index: &usize| self.courses[*index].is_of(route, id);
        let index = *running.keys().filter(|index| is_of(index)).max()?;
        let course = &self.courses[index];
        let run = running.get_mut(&index)?;
        let response = course.response(run, account.clock.now())?;
        run.polls = run.polls.saturating_add(1);
        Some((
            course.reference(account.key),
            to_response(response, index, base),
        ))
    }

    /// Counts a download of a file of a course that runs, for `key` or for any key, and returns the clip in its place.
    pub(super) fn file(
        &self,
        index: usize,
        key: Option<KeyHash>,
    ) -> Option<(&'static Clip, Option<TaskReference>)> {
        let course = self.courses.get(index)?;
        let mut running = self.lock();
        let mut of_keys = running
            .iter_mut()
            .filter(|(_, runs)| runs.contains_key(&index));
        // A URL has no key, and several keys may replay the same course.
        let first = of_keys.next()?;
        let (key, runs) = match *first.0 == key {
            true => first,
            false => of_keys.find(|(of, _)| **of == key).unwrap_or(first),
        };
        let run = runs.get_mut(&index)?;
        run.downloads = run.downloads.saturating_add(1);
        Some((course.clip(), course.reference(*key)))
    }

    /// Lists the generations of a key or of all keys in any order, each with the number of its create's request.
    ///
    /// A generation without a create is listed once it was polled.
    pub(super) fn tasks(
        &self,
        key: Option<KeyHash>,
        account: impl Fn(Option<KeyHash>) -> Arc<Account>,
    ) -> Vec<(u64, RecordedTask)> {
        let running = self.lock();
        let of_keys = running
            .iter()
            .filter(|(of, _)| key.is_none() || **of == key);
        let mut tasks = Vec::new();
        for (key, runs) in of_keys {
            let now = account(*key).clock.now();
            for (index, run) in runs {
                let task = self.courses[*index].to_recorded(run, *key, now);
                tasks.extend(task.map(|task| (run.request, task)));
            }
        }
        tasks
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

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<KeyHash>, Runs>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Course {
    fn is_of(&self, route: Route, id: &str) -> bool {
        self.route == route && self.id.as_deref() == Some(id)
    }

    /// Returns the recorded response that is due at the service's time `now`.
    fn response(&self, run: &mut Run, now: Duration) -> Option<&RecordedResponse> {
        let since = now.saturating_sub(run.started);
        let due = self.fetches.iter().take_while(|(at, _)| *at <= since);
        let due = due.count().max(run.next);
        while run.next < due {
            let response = &self.fetches[run.next].1;
            run.next += 1;
            if response.status >= 400 {
                return Some(response);
            }
            run.last = Some(run.next - 1);
        }
        self.current(run)
    }

    /// Returns the last successful response. Before the first fetch, the generation is as its create reported it.
    fn current(&self, run: &Run) -> Option<&RecordedResponse> {
        let fetched = run.last.or(self.create.is_none().then_some(0));
        match fetched {
            Some(last) => self.fetches.get(last).map(|(_, response)| response),
            None => self.create.as_ref().map(|(_, created)| created),
        }
    }

    fn reference(&self, key: Option<KeyHash>) -> Option<TaskReference> {
        Some(TaskReference {
            id: Arc::clone(self.id.as_ref()?),
            key,
            model: self.model.clone(),
        })
    }

    fn clip(&self) -> &'static Clip {
        let request = self.model.as_deref().zip(self.create.as_ref());
        request.map_or_else(clips::first, |(model, (body, _))| {
            clips::nearest(model, body)
        })
    }

    /// Describes the generation for `/_simulator/tasks`, without its requests; `None` if there is none.
    fn to_recorded(&self, run: &Run, key: Option<KeyHash>, now: Duration) -> Option<RecordedTask> {
        let id = self
            .id
            .as_ref()
            .filter(|_| self.create.is_some() || run.polls > 0)?;
        let text = |body: &Value, name: &str| body.get(name)?.as_str().map(str::to_owned);
        let body = self.create.as_ref().map(|(body, _)| body);
        let status = |response: &RecordedResponse| text(response.content.body.as_ref()?, "status");
        let current = self.current(run).and_then(status).unwrap_or_default();
        let is_end = |phase: Phase| matches!(phase, Phase::Completed | Phase::Failed);
        let end = self
            .fetches
            .iter()
            .find(|(_, response)| status(response).is_some_and(|status| is_end(phase(&status))));
        let credits = end.and_then(|(_, response)| {
            let body = response.content.body.as_ref()?;
            body.pointer("/meta/usage/credits_used")?.as_f64()
        });
        let start = self.fetches.iter().find(|(_, response)| {
            status(response).is_some_and(|status| phase(&status) != Phase::Queued)
        });
        let time = |fetch: Option<&(Duration, RecordedResponse)>| {
            fetch.map_or(NEVER, |(at, _)| run.started + *at)
        };
        let since = now.saturating_sub(run.started);
        Some(RecordedTask {
            id: id.to_string(),
            model: body
                .and_then(|body| text(body, "model"))
                .unwrap_or_default(),
            route: self.route,
            created: SystemTime::UNIX_EPOCH + run.created_unix,
            state: phase(&current),
            status: current,
            left: end.map(|(at, _)| at.saturating_sub(since)),
            polls: run.polls,
            downloads: run.downloads,
            credits: credits.unwrap_or_default(),
            prompt: body
                .and_then(|body| prompt(self.model.as_ref()?, body, None))
                .map(String::from),
            key: key.map(|key| key.to_string()).unwrap_or_default(),
            requests: Vec::new(),
            times: [run.started, time(start), time(end)],
        })
    }
}

/// Returns the id in the response to a create.
fn created_id(body: &Value) -> Option<Arc<str>> {
    let mut ids = ["id", "generation_id"].into_iter();
    ids.find_map(|name| id(body.get(name)?)).map(Into::into)
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
