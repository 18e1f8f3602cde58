//! The store of a simulator's generations: creates, polls, downloads, lists, and removal of the oldest at the limit.
//!
//! `Tasks` holds all state that creates change, behind one lock: the generations, the slots, the scenario's rules that are
//! left, and the credits.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use axum::{body::Bytes, http::HeaderMap};
use serde::{Serialize, Serializer};
use serde_json::Value;
use uuid::Uuid;

use super::{
    clips::Clip,
    clock::{Clock, seconds},
    key::KeyHash,
    log::{TaskReference, truncate},
    redact::{self, Key, redact},
    scenario::{Rule, Scenario, Step},
    script::Script,
    shapes::{ResponseContent, Shape},
    signature::Signer,
    task::{Phase, Task, file_name},
    timeline::{NEVER, QUEUED_SHARE, Slots, draw_duration},
};
use aimlapi_video::contract::{Model, Role, Route};

/// The settings that concern generations, as [`SimulatorBuilder`](super::SimulatorBuilder) sets them.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) videos: usize,
    /// The speed of the clock; `None` for a manual clock.
    pub(super) speed: Option<f64>,
    pub(super) rate_limit: Option<u32>,
    /// The seed of ids and durations; without one, ids are random.
    pub(super) seed: Option<u64>,
    pub(super) spread: f64,
    pub(super) slots: Option<usize>,
    pub(super) credits: Option<f64>,
    pub(super) url_lifetime: Duration,
    pub(super) shapes: Vec<Shape>,
    pub(super) max_tasks: usize,
    pub(super) scenario: Scenario,
}

impl Settings {
    /// Returns the clock with which a key starts.
    ///
    /// With a seed, a manual clock starts at the same time in every run, so that times in responses repeat, too. The time is in
    /// the future, since clients compare the expiry of a URL with their own clock.
    pub(super) fn clock(&self) -> Clock {
        match self.speed {
            Some(speed) => Clock::running(speed),
            None => Clock::manual(self.seed.map(|_| YEAR_2100)),
        }
    }
}

/// 2100-01-01T00:00:00Z in Unix time.
const YEAR_2100: Duration = Duration::from_secs(4_102_444_800);

/// All generations of one key.
#[derive(Debug)]
pub(super) struct Tasks {
    settings: Arc<Settings>,
    clock: Arc<Clock>,
    signer: Signer,
    /// `None` for the base, which holds no generations.
    key: Option<KeyHash>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    tasks: HashMap<Arc<str>, Task>,
    /// The generations that end, by the time of their end: the order in which they are removed.
    ends: BinaryHeap<Reverse<(Duration, Arc<str>)>>,
    slots: Slots,
    script: Script,
    /// The number of generations created since the start or the last reset.
    created: u64,
    /// The credits left; infinite if credits are unlimited.
    credits: f64,
}

/// The outcome of a valid create.
#[derive(Debug)]
pub(super) enum CreateOutcome {
    /// The scenario replaces the response, and no generation was created.
    Replaced(Step),
    /// The generation costs more than the credits left.
    NoCredits { cost: f64, left: f64 },
    /// The simulator holds as many unfinished generations as it may.
    Full,
    /// The generation was created; a step changes or replaces the response.
    Created(Arc<str>, Option<Step>),
}

/// A file, and the scenario's step for the request.
pub(super) type File = (Bytes, Option<Step>);

/// A generation that the simulator holds, as listed by [`Simulator::tasks`](super::Simulator::tasks) and
/// `GET /_simulator/tasks`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedTask {
    /// The generation's id, as the response to the create stated it.
    pub id: String,
    /// The model's id.
    pub model: String,
    /// The route of the create.
    pub route: Route,
    /// When the generation was created, in real time.
    #[serde(serialize_with = "rfc3339")]
    pub created: SystemTime,
    /// The `status` that a poll would report now.
    pub status: String,
    /// The phase of the generation now.
    pub state: Phase,
    /// The service's time left until the generation ends, zero after its end; `None` if the generation never ends.
    #[serde(rename = "seconds_left", serialize_with = "in_seconds")]
    pub left: Option<Duration>,
    /// The number of polls of the generation.
    pub polls: u32,
    /// The number of requests for the generation's files with a valid URL.
    pub downloads: u32,
    /// The cost in credits if the generation completes.
    pub credits: f64,
    /// The first 1024 bytes of the prompt, without the key.
    pub prompt: Option<String>,
    /// The hash of the key that created the generation: `sha256:` and the first 16 hexadecimal digits of its SHA-256.
    pub key: String,
    /// The numbers of the recorded requests that created, polled and downloaded the generation.
    pub requests: Vec<u64>,
    /// When the generation was created, starts and ends, in the service's time since the start.
    #[serde(skip)]
    pub(super) times: [Duration; 3],
}

/// Credits per second of video: a price of the simulator, 0.05 US dollars at the vendor's 2,000,000 credits per dollar.
const CREDITS_PER_SECOND: f64 = 100_000.0;

impl Tasks {
    pub(super) fn new(
        settings: Arc<Settings>,
        clock: Arc<Clock>,
        signer: Signer,
        script: Script,
        key: Option<KeyHash>,
    ) -> Self {
        let inner = Mutex::new(Inner {
            tasks: HashMap::new(),
            ends: BinaryHeap::new(),
            slots: Slots::new(settings.slots),
            script,
            created: 0,
            credits: settings.credits.unwrap_or(f64::INFINITY),
        });
        Self {
            settings,
            clock,
            signer,
            key,
            inner,
        }
    }

    /// Creates a generation by a valid request.
    pub(super) fn create(
        &self,
        route: Route,
        model: &Arc<Model>,
        body: &Value,
        headers: &HeaderMap,
        request: u64,
    ) -> CreateOutcome {
        let now = self.clock.now();
        let clip = Clip::of_request(model, body, redact::key(headers));
        let length = requested_length(model, body).unwrap_or_else(|| clip.length());
        let cost = length * CREDITS_PER_SECOND * self.settings.videos as f64;
        let mut inner = self.lock();
        if inner.credits < cost {
            let left = inner.credits;
            return CreateOutcome::NoCredits { cost, left };
        }
        let is_at_limit = inner.tasks.len() >= self.settings.max_tasks;
        if is_at_limit && !inner.has_ended(now) {
            return CreateOutcome::Full;
        }
        let rule = inner.script.take(&model.id, body, headers, request);
        let step = rule.as_ref().and_then(|rule| rule.create.clone());
        if let Some(step) = step
            .as_ref()
            .filter(|step| step.replaces_response() && !step.created)
        {
            return CreateOutcome::Replaced(step.clone());
        }
        if is_at_limit {
            inner.remove_first_ended();
        }
        let number = inner.created;
        inner.created += 1;
        let (queued, generating) = self.durations(model, length, number, rule.as_deref());
        let shapes = &self.settings.shapes;
        let shape = rule
            .as_ref()
            .and_then(|rule| rule.shape)
            .unwrap_or_else(|| shapes[number as usize % shapes.len()]);
        let uuid = uuid(self.settings.seed, self.key, number + 1);
        let id: Arc<str> = shape.id(&model.id, uuid).into();
        let task = Task {
            request,
            prompt: prompt(model, body, redact::key(headers)),
            route,
            model: Arc::clone(model),
            created_unix: self.clock.unix(),
            created: now,
            timeline: inner.slots.assign(now, queued, generating),
            clip,
            cost,
            shape,
            rule,
            polls: 0,
            polls_at_end: 0,
            downloads: 0,
        };
        if task.is_charged() {
            inner.credits -= cost;
        }
        if task.timeline.ends != NEVER {
            let ends = (task.timeline.ends, Arc::clone(&id));
            inner.ends.push(Reverse(ends));
        }
        inner.tasks.insert(Arc::clone(&id), task);
        CreateOutcome::Created(id, step)
    }

    /// Returns how long a generation is queued at least, and how long it then runs.
    fn durations(
        &self,
        model: &Model,
        length: f64,
        number: u64,
        rule: Option<&Rule>,
    ) -> (Duration, Duration) {
        let Settings { seed, spread, .. } = *self.settings;
        let total = match rule.and_then(|rule| rule.seconds) {
            Some(total) => seconds(total),
            None => draw_duration(
                model,
                length as u64,
                seed.unwrap_or_default(),
                number,
                spread,
            ),
        };
        let queued = match rule.and_then(|rule| rule.queued_seconds) {
            Some(queued) => seconds(queued),
            None => total.mul_f64(QUEUED_SHARE),
        };
        let generating = total.saturating_sub(queued);
        match rule.and_then(Rule::stall) {
            Some(Phase::Queued) => (NEVER, generating),
            Some(_) => (queued, NEVER),
            None => (queued, generating),
        }
    }

    /// Returns the response to the create of `id`, and the credits used so far.
    pub(super) fn create_response(&self, id: &str, base: &str) -> Option<(Value, f64)> {
        let inner = self.lock();
        let task = inner.tasks.get(id)?;
        Some(self.response(task, (id, id), base, true))
    }

    /// Counts a poll of `id`, and returns the response, the credits used so far, and the scenario's step for the poll.
    pub(super) fn poll(
        &self,
        route: Route,
        id: &str,
        base: &str,
    ) -> Option<(Value, f64, Option<Step>)> {
        let mut inner = self.lock();
        let task = inner.tasks.get_mut(id).filter(|task| task.route == route)?;
        let step = task.poll(self.clock.now());
        let reported = task.reported_id(id);
        let (response, credits) = self.response(task, (id, &reported), base, false);
        Some((response, credits, step))
    }

    /// Returns the response about a task, and the credits used so far. `reported` is the id in the response.
    fn response(
        &self,
        task: &Task,
        (id, reported): (&str, &str),
        base: &str,
        is_create: bool,
    ) -> (Value, f64) {
        // The response to a create states the phase at the create, however long the response is delayed.
        let now = if is_create {
            task.created
        } else {
            self.clock.now()
        };
        let (status, phase) = task.status(now);
        let credits = (phase == Phase::Completed).then_some(task.cost);
        let expires = self.clock.unix().saturating_add(self.settings.url_lifetime);
        let url = |number: usize| {
            let name = file_name(number);
            let query = self.signer.query(id, &name, expires.as_secs());
            format!(
                "{base}/_simulator/files/{}/{name}?{query}",
                percent_encode(id)
            )
        };
        let videos = task.videos(now, self.settings.videos, url);
        let content = ResponseContent {
            shape: task.shape,
            route: task.route,
            id: reported,
            model: &task.model.id,
            status,
            is_create,
            videos,
            error: task.error(phase),
            clip: &task.clip,
            credits,
        };
        (content.to_json(), credits.unwrap_or_default())
    }

    /// Returns the generation with this id.
    pub(super) fn find(&self, id: &str) -> Option<TaskReference> {
        let inner = self.lock();
        let (id, task) = inner.tasks.get_key_value(id)?;
        Some(TaskReference {
            id: Arc::clone(id),
            key: self.key,
            model: Some(Arc::clone(&task.model)),
        })
    }

    /// Counts a download of `id`, and returns the file; `None` if there is no such generation.
    pub(super) fn file(&self, id: &str) -> Option<File> {
        let mut inner = self.lock();
        let task = inner.tasks.get_mut(id)?;
        let step = task.download();
        Some((task.clip.to_bytes(), step))
    }

    /// Returns the clip of a completed generation, and counts no download.
    pub(super) fn clip(&self, id: &str) -> Option<Bytes> {
        let now = self.clock.now();
        let inner = self.lock();
        let task = inner.tasks.get(id)?;
        (task.status(now).1 == Phase::Completed).then(|| task.clip.to_bytes())
    }

    /// Lists the generations in any order, each with the number of its create's request.
    pub(super) fn list(&self) -> Vec<(u64, RecordedTask)> {
        let now = self.clock.now();
        let inner = self.lock();
        let tasks = inner.tasks.iter();
        tasks
            .map(|(id, task)| (task.request, task.to_recorded(id, self.key, now)))
            .collect()
    }

    /// Returns the credits left; `None` if credits are unlimited.
    pub(super) fn credits(&self) -> Option<f64> {
        let left = self.lock().credits;
        left.is_finite().then_some(left)
    }

    /// Appends rules.
    pub(super) fn play(&self, rules: &[Arc<Rule>]) {
        self.lock().script.add(rules);
    }

    /// Returns all rules with their counts.
    pub(super) fn script(&self) -> Script {
        self.lock().script.clone()
    }

    /// Removes all rules.
    pub(super) fn stop_scenario(&self) {
        self.lock().script = Script::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether a generation has ended.
    fn has_ended(&self, now: Duration) -> bool {
        let first = self.ends.peek();
        first.is_some_and(|Reverse((end, _))| *end <= now)
    }

    /// Removes the generation that ended first.
    fn remove_first_ended(&mut self) {
        if let Some(Reverse((_, id))) = self.ends.pop() {
            self.tasks.remove(&id);
        }
    }
}

/// Returns a random UUID, or with a seed the same one for the same key and number in every run.
pub(super) fn uuid(seed: Option<u64>, key: Option<KeyHash>, number: u64) -> Uuid {
    seed.map_or_else(Uuid::new_v4, |seed| {
        let number = number.wrapping_mul(0xa076_1d64_78bd_642f);
        let key = key.map_or(0, KeyHash::number);
        let mut random = fastrand::Rng::with_seed(seed ^ key ^ number);
        let bytes = random.u128(..).to_be_bytes();
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    })
}

/// Returns what is recorded of a request's prompt.
pub(super) fn prompt(model: &Model, body: &Value, key: Key<'_>) -> Option<Box<str>> {
    let property = model.property(Role::Prompt)?;
    let prompt = redact(key, body.get(&property.name)?.as_str()?);
    Some(truncate(&prompt, 1024).into())
}

/// Returns the video length in seconds that a request states, or the model's default.
fn requested_length(model: &Model, body: &Value) -> Option<f64> {
    let property = model.property(Role::Duration)?;
    let stated = body.get(&property.name).and_then(Value::as_f64);
    stated.or_else(|| property.default.as_ref()?.as_f64())
}

/// Percent-encodes an id as one segment of a path (RFC 3986, 3.3).
fn percent_encode(id: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            (byte as char).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    id.bytes().map(escape).collect()
}

pub(super) fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}

fn in_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}
