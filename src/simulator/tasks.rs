//! The generations of a simulator, and how each grows older.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::clips::{self, Clip};
use crate::{Role, Route, State, catalogue::Model};

#[derive(Debug)]
pub(super) struct Tasks {
    speed: f64,
    videos: usize,
    tasks: Mutex<HashMap<String, Task>>,
}

#[derive(Debug)]
struct Task {
    route: Route,
    created: Instant,
    /// From create to completed, in the generation's own time.
    whole: Duration,
    clip: &'static Clip,
}

/// The share of its time that a generation is queued.
const QUEUED: f64 = 0.15;

/// How long a generation takes whose model states nothing.
const UNSTATED: Duration = Duration::from_secs(120);

/// Credits for a second of video: a figure of the simulator's own, with the page's 2,000,000 to the dollar.
const CREDITS_PER_SECOND: f64 = 100_000.0;

impl Tasks {
    pub(super) fn new(speed: f64, videos: usize) -> Self {
        Self {
            speed,
            videos,
            tasks: Mutex::default(),
        }
    }

    /// Takes a request in, and gives its id.
    pub(super) fn create(&self, route: Route, body: &Value) -> Option<String> {
        let id = body.get("model")?.as_str()?;
        let model = Model::find(route, id)?;
        let clip = clips::nearest(model, body);
        let length = model
            .property(Role::Duration)
            .and_then(|property| body.get(property.name()))
            .and_then(Value::as_u64);
        let whole = model
            .expected(length.or(Some(clip.length as u64)))
            .map_or(UNSTATED, |range| (*range.start() + *range.end()) / 2);
        // Ids as the service prints them: with a colon and slashes, which a client must escape.
        let id = format!("{}:{id}", uuid::Uuid::new_v4());
        self.lock().insert(
            id.clone(),
            Task {
                route,
                created: Instant::now(),
                whole,
                clip,
            },
        );
        Some(id)
    }

    /// The answer for `id`, in the shape of the URL it is asked on.
    pub(super) fn answer(&self, route: Route, id: &str, base: &str) -> Option<(Value, f64)> {
        let tasks = self.lock();
        let task = tasks.get(id).filter(|task| task.route == route)?;
        let state = task.state(self.speed);
        let done = state == State::Completed;
        let credits = if done {
            task.clip.length * CREDITS_PER_SECOND * self.videos as f64
        } else {
            0.0
        };
        let video = |number: usize| {
            let url = format!("{base}/_simulator/files/{}/{number}.mp4", file_id(id));
            match route {
                Route::Universal => json!({ "url": url }),
                Route::LegacyKling => json!({ "url": url, "duration": task.clip.length }),
            }
        };
        let mut answer = json!({ "id": id, "status": state.to_string() });
        if done {
            answer["video"] = match self.videos {
                1 => video(1),
                count => (1..=count).map(video).collect(),
            };
            let counter = match route {
                Route::Universal => "credits_used",
                Route::LegacyKling => "tokens_used",
            };
            answer["meta"] = json!({ "usage": { counter: credits } });
            if route == Route::LegacyKling {
                answer["duration"] = task.clip.length.into();
            }
        }
        Some((answer, credits))
    }

    /// The file of a finished generation; `number` counts from 1.
    pub(super) fn file(&self, file: &str, number: usize) -> Option<&'static [u8]> {
        let tasks = self.lock();
        let (_, task) = tasks.iter().find(|(id, _)| file_id(id) == file)?;
        let there =
            task.state(self.speed) == State::Completed && (1..=self.videos).contains(&number);
        there.then_some(task.clip.bytes)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Task>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Task {
    fn state(&self, speed: f64) -> State {
        let age = self.created.elapsed().as_secs_f64() * speed;
        let whole = self.whole.as_secs_f64();
        if age >= whole {
            State::Completed
        } else if age < whole * QUEUED {
            State::Queued
        } else {
            State::Generating
        }
    }
}

/// The part of an id that can stand in a path.
fn file_id(id: &str) -> &str {
    id.split(':').next().unwrap_or(id)
}
