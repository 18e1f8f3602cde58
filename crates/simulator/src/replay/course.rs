//! `Course`: a create and the fetches of its id, and how far a replay of them has come.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    RecordedTask, Recording,
    clips::Clip,
    documents::Documents,
    key::KeyHash,
    log::TaskReference,
    record::RecordedResponse,
    redact::{Key, without_secrets},
    shapes::phase,
    task::Phase,
    tasks::prompt,
    timeline::NEVER,
};
use aimlapi_video::{Route, contract::Model};

/// The recorded course of one generation.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) route: Route,
    /// The id in the queries of fetches, if the response to the create has one.
    pub(super) id: Option<Arc<str>>,
    /// The model, if a document has the one that the create states.
    pub(super) model: Option<Arc<Model>>,
    /// The create; `None` if the recording has only fetches of the id.
    pub(super) create: Option<(Value, RecordedResponse)>,
    pub(super) at: SystemTime,
    /// The responses to fetches, each with the time since the create.
    pub(super) fetches: Vec<(Duration, RecordedResponse)>,
}

#[derive(Debug, Default)]
pub(super) struct Run {
    /// The number of the create's request.
    pub(super) request: u64,
    /// The service's time of the create.
    pub(super) started: Duration,
    /// The time of the create as a duration since the Unix epoch.
    pub(super) created_unix: Duration,
    /// The number of recorded fetches that are replayed or passed over.
    pub(super) next: usize,
    /// The last successful one of them.
    pub(super) last: Option<usize>,
    pub(super) polls: u32,
    pub(super) downloads: u32,
}

/// Returns the courses of a recording, in the order of their first requests.
pub(super) fn courses(recording: &Recording, documents: &Documents) -> Vec<Course> {
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
        let id = match &*request.method {
            "POST" => {
                let body = request.content.body.as_ref();
                // Earlier recordings may have what is removed from requests by now.
                let body = body.map_or(Value::Null, |body| without_secrets(Key::default(), body));
                let document = documents.find(route, &body).ok();
                courses.push(Course {
                    id: response.content.body.as_ref().and_then(created_id),
                    model: document.map(|document| Arc::clone(&document.model)),
                    create: Some((body, response.clone())),
                    ..course
                });
                continue;
            }
            "GET" => request.generation_id.as_deref(),
            _ => continue,
        };
        let Some(id) = id else {
            continue;
        };
        if !courses.iter().any(|course| course.is_of(route, id)) {
            let id = Some(id.into());
            courses.push(Course { id, ..course });
        }
        let mut started = courses.iter_mut().rev();
        if let Some(course) = started.find(|course| course.is_of(route, id)) {
            let since = exchange.at.duration_since(course.at);
            let fetch = (since.unwrap_or_default(), response.clone());
            course.fetches.push(fetch);
        }
    }
    courses
}

impl Course {
    pub(super) fn is_of(&self, route: Route, id: &str) -> bool {
        self.route == route && self.id.as_deref() == Some(id)
    }

    /// Returns the recorded response that is due at the service's time `now`.
    pub(super) fn response(&self, run: &mut Run, now: Duration) -> Option<&RecordedResponse> {
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

    /// Returns the last successful response. Before the first one, the generation is as its create reported it, or without a
    /// create as the first successful fetch does.
    fn current(&self, run: &Run) -> Option<&RecordedResponse> {
        let mut fetches = self.fetches.iter().map(|(_, response)| response);
        match (run.last, &self.create) {
            (Some(last), _) => fetches.nth(last),
            (None, Some((_, created))) => Some(created),
            (None, None) => {
                let success = fetches.clone().find(|response| response.status < 400);
                success.or(fetches.next())
            }
        }
    }

    pub(super) fn reference(&self, key: Option<KeyHash>) -> Option<TaskReference> {
        Some(TaskReference {
            id: Arc::clone(self.id.as_ref()?),
            key,
            model: self.model.clone(),
        })
    }

    pub(super) fn clip(&self) -> Clip {
        match (&self.model, &self.create) {
            (Some(model), Some((body, _))) => Clip::of_request(model, body, Key::default()),
            _ => Clip::of_id(self.id.as_deref().unwrap_or_default()),
        }
    }

    /// Describes the generation for `/_simulator/tasks`, without its requests; `None` if there is none.
    pub(super) fn to_recorded(
        &self,
        run: &Run,
        key: Option<KeyHash>,
        now: Duration,
    ) -> Option<RecordedTask> {
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
            let usage = response.content.body.as_ref()?.pointer("/meta/usage")?;
            // The older URL states the credits as tokens.
            let mut names = ["credits_used", "tokens_used"].into_iter();
            names.find_map(|name| usage.get(name)?.as_f64())
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
                .and_then(|body| prompt(self.model.as_ref()?, body, Key::default()))
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
