//! The replay of a recording: the same request gets the recorded course of a generation.
//!
//! A course is a create and the fetches of its id. Creates with the same body take the recorded courses in their order. A
//! fetch gets the response that the recording has for the time since the create, on the simulator's clock.

mod course;
mod response;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{http::StatusCode, response::Response};
use serde_json::Value;

use crate::{
    RecordedTask, Recording, accounts::Account, clips::Clip, documents::Documents, key::KeyHash,
    log::TaskReference,
};
use aimlapi_video::Route;
use course::{Course, Run, courses};
use response::to_response;

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

impl Replay {
    pub(super) fn new(recording: &Recording, only: bool, documents: &Documents) -> Self {
        Self {
            courses: courses(recording, documents),
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
        let recorded = course.response(run, account.clock.now())?;
        let mut response = to_response(recorded, index, base);
        if run.last.is_none() && course.create.is_some() && response.status().is_success() {
            // This is the response to the create, whose status may be 201.
            *response.status_mut() = StatusCode::OK;
        }
        run.polls = run.polls.saturating_add(1);
        Some((course.reference(account.key), response))
    }

    /// Counts a download of a file of a course that runs, for `key` or for any key, and returns the clip in its place.
    pub(super) fn file(
        &self,
        index: usize,
        key: Option<KeyHash>,
    ) -> Option<(Clip, Option<TaskReference>)> {
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

    /// Returns the clip of a recorded generation, and counts no download.
    pub(super) fn clip(&self, id: &str) -> Option<Clip> {
        let mut courses = self.courses.iter();
        let course = courses.find(|course| course.id.as_deref() == Some(id))?;
        Some(course.clip())
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
