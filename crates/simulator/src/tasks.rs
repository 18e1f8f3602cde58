//! The generations of a simulator: made, asked for, listed, and forgotten when they are too many.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{
    clips,
    clock::{Clock, seconds},
    course::{NEVER, QUEUED, Slots, drawn},
    scenario::{Rule, Scenario, Step},
    script::Script,
    shapes::{Shape, Told},
    signature::{Rejected, Signer},
    task::{Task, file_name},
};
use aimlapi_video::{Model, Role, Route, State};

/// What the builder sets.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) videos: usize,
    pub(super) seed: u64,
    pub(super) spread: f64,
    pub(super) slots: Option<usize>,
    pub(super) credits: Option<f64>,
    pub(super) url_lifetime: Duration,
    pub(super) shapes: Vec<Shape>,
    pub(super) max_tasks: usize,
    pub(super) scenario: Scenario,
}

#[derive(Debug)]
pub(super) struct Tasks {
    settings: Settings,
    clock: Arc<Clock>,
    signer: Signer,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    tasks: HashMap<Arc<str>, Task>,
    /// Those that end, the first to end first: the order in which they are forgotten.
    ends: BinaryHeap<Reverse<(Duration, Arc<str>)>>,
    slots: Slots,
    script: Script,
    /// How many were made since the start.
    made: u64,
    /// What is left to spend; no end of it, where there is none.
    credits: f64,
}

/// What became of a valid request to create.
#[derive(Debug)]
pub(super) enum Created {
    /// The scenario has another answer for it, and nothing was made.
    Refused(Step),
    /// It costs more than there is.
    NoCredits { cost: f64, left: f64 },
    /// As many as may be held are unfinished.
    Full,
    /// It was made; where there is a step, that is how it is answered.
    Made(Arc<str>, Option<Step>),
}

/// A file, and how the scenario has the request for it answered instead.
type File = (&'static [u8], Option<Step>);

/// A generation, as `/_simulator/tasks` and [`Simulator::tasks`](super::Simulator::tasks) list it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SeenTask {
    /// Its id, as the create answered it.
    pub id: String,
    /// The model's id.
    pub model: String,
    /// The URL that created it.
    pub route: Route,
    /// When it was created.
    #[serde(serialize_with = "rfc3339")]
    pub created: SystemTime,
    /// The word that a poll would be answered with now.
    pub status: String,
    /// What that word means.
    pub state: State,
    /// How much of the service's time is left to its end; `None` if it never ends.
    #[serde(rename = "seconds_left", serialize_with = "in_seconds")]
    pub left: Option<Duration>,
    /// How many polls asked for it.
    pub polls: u32,
    /// How many requests asked for its files with a good link.
    pub downloads: u32,
    /// What it costs if it ends well.
    pub credits: f64,
}

/// Credits for a second of video: a figure of the simulator's own, with the page's 2,000,000 to the dollar.
const CREDITS_PER_SECOND: f64 = 100_000.0;

impl Tasks {
    pub(super) fn new(settings: Settings, clock: Arc<Clock>) -> Self {
        let inner = Mutex::new(Inner::new(&settings));
        Self {
            settings,
            clock,
            signer: Signer::new(),
            inner,
        }
    }

    /// Forgets everything, and begins as at the start.
    pub(super) fn reset(&self) {
        *self.lock() = Inner::new(&self.settings);
    }

    /// Takes a valid request in.
    pub(super) fn create(&self, route: Route, model: &'static Model, body: &Value) -> Created {
        let now = self.clock.now();
        let clip = clips::nearest(model, body);
        let length = requested(model, body).unwrap_or(clip.length);
        let cost = length * CREDITS_PER_SECOND * self.settings.videos as f64;
        let mut inner = self.lock();
        if inner.credits < cost {
            let left = inner.credits;
            return Created::NoCredits { cost, left };
        }
        let rule = inner.script.take(&model.id);
        let step = rule.as_ref().and_then(|rule| rule.create.clone());
        if let Some(step) = step.as_ref().filter(|step| step.answers() && !step.created) {
            return Created::Refused(step.clone());
        }
        if inner.tasks.len() >= self.settings.max_tasks && !inner.forget(now) {
            return Created::Full;
        }
        let number = inner.made;
        inner.made += 1;
        let (queued, made) = self.times(model, length, number, rule.as_deref());
        let shapes = &self.settings.shapes;
        let shape = rule
            .as_ref()
            .and_then(|rule| rule.shape)
            .unwrap_or_else(|| shapes[number as usize % shapes.len()]);
        let id: Arc<str> = shape.id(&model.id).into();
        let task = Task {
            number,
            route,
            model,
            at: self.clock.unix(),
            created: now,
            course: inner.slots.take(now, queued, made),
            clip,
            cost,
            shape,
            rule,
            polls: 0,
            polls_at_end: 0,
            downloads: 0,
        };
        if task.is_paid() {
            inner.credits -= cost;
        }
        if task.course.ends != NEVER {
            let ends = (task.course.ends, Arc::clone(&id));
            inner.ends.push(Reverse(ends));
        }
        inner.tasks.insert(Arc::clone(&id), task);
        Created::Made(id, step)
    }

    /// How long it is queued at least, and then made.
    fn times(
        &self,
        model: &Model,
        length: f64,
        number: u64,
        rule: Option<&Rule>,
    ) -> (Duration, Duration) {
        let Settings { seed, spread, .. } = self.settings;
        let whole = match rule.and_then(|rule| rule.seconds) {
            Some(whole) => seconds(whole),
            None => drawn(model, length as u64, seed, number, spread),
        };
        let queued = match rule.and_then(|rule| rule.queued_seconds) {
            Some(queued) => seconds(queued),
            None => whole.mul_f64(QUEUED),
        };
        let made = whole.saturating_sub(queued);
        match rule.and_then(Rule::stall) {
            Some(State::Queued) => (NEVER, made),
            Some(_) => (queued, NEVER),
            None => (queued, made),
        }
    }

    /// The answer to the create of `id`, and what it cost so far.
    pub(super) fn created(&self, id: &str, base: &str) -> Option<(Value, f64)> {
        let inner = self.lock();
        let task = inner.tasks.get(id)?;
        Some(self.answer(task, (id, id), base, true))
    }

    /// The answer to a poll, and how the scenario has it answered instead.
    pub(super) fn poll(
        &self,
        route: Route,
        id: &str,
        base: &str,
    ) -> Option<(Value, f64, Option<Step>)> {
        let mut inner = self.lock();
        let task = inner.tasks.get_mut(id).filter(|task| task.route == route)?;
        let step = task.poll(self.clock.now());
        let told = task.told_id(id);
        let (answer, credits) = self.answer(task, (id, &told), base, false);
        Some((answer, credits, step))
    }

    /// `told` is the id that stands in the answer.
    fn answer(
        &self,
        task: &Task,
        (id, told): (&str, &str),
        base: &str,
        created: bool,
    ) -> (Value, f64) {
        // A create is answered with what was so when it was taken in, however long the answer takes.
        let now = if created {
            task.created
        } else {
            self.clock.now()
        };
        let (status, state) = task.status(now);
        let credits = (state == State::Completed).then_some(task.cost);
        let expires = self.clock.unix().saturating_add(self.settings.url_lifetime);
        let link = |number: usize| {
            let name = file_name(number);
            let query = self.signer.query(id, &name, expires.as_secs());
            format!("{base}/_simulator/files/{}/{name}?{query}", escaped(id))
        };
        let videos = task.videos(now, self.settings.videos, link);
        let told = Told {
            shape: task.shape,
            route: task.route,
            id: told,
            model: &task.model.id,
            status,
            created,
            videos,
            error: task.error(state),
            clip: task.clip,
            credits,
        };
        (told.json(), credits.unwrap_or_default())
    }

    /// What a link names; `None` where that was forgotten.
    pub(super) fn file(
        &self,
        (id, name): (&str, &str),
        expires: u64,
        signature: &str,
    ) -> Result<Option<File>, Rejected> {
        let now = self.clock.unix().as_secs();
        self.signer.check((id, name), expires, signature, now)?;
        let mut inner = self.lock();
        Ok(inner.tasks.get_mut(id).map(|task| {
            let step = task.download();
            (task.clip.bytes, step)
        }))
    }

    pub(super) fn list(&self) -> Vec<SeenTask> {
        let now = self.clock.now();
        let inner = self.lock();
        let mut tasks: Vec<_> = inner.tasks.iter().collect();
        tasks.sort_unstable_by_key(|(_, task)| task.number);
        tasks
            .into_iter()
            .map(|(id, task)| task.seen(id, now))
            .collect()
    }

    /// What is left to spend; `None` where there is no end of it.
    pub(super) fn credits(&self) -> Option<f64> {
        let left = self.lock().credits;
        left.is_finite().then_some(left)
    }

    pub(super) fn play(&self, scenario: Scenario) {
        self.lock().script.add(scenario);
    }

    /// What is left of the scenario.
    pub(super) fn scenario(&self) -> Scenario {
        self.lock().script.left()
    }

    pub(super) fn stop_scenario(&self) {
        self.lock().script = Script::default();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn new(settings: &Settings) -> Self {
        let mut script = Script::default();
        script.add(settings.scenario.clone());
        Self {
            tasks: HashMap::new(),
            ends: BinaryHeap::new(),
            slots: Slots::new(settings.slots),
            script,
            made: 0,
            credits: settings.credits.unwrap_or(f64::INFINITY),
        }
    }

    /// Forgets the one that ended first, if one has ended.
    fn forget(&mut self, now: Duration) -> bool {
        let ended = self
            .ends
            .peek()
            .is_some_and(|Reverse((end, _))| *end <= now);
        if ended && let Some(Reverse((_, id))) = self.ends.pop() {
            self.tasks.remove(&id);
        }
        ended
    }
}

/// The length in seconds that a request asks for, or gets by not asking.
fn requested(model: &Model, body: &Value) -> Option<f64> {
    let property = model.property(Role::Duration)?;
    let asked = body.get(&property.name).and_then(Value::as_f64);
    asked.or_else(|| property.default.as_ref()?.as_f64())
}

/// An id as one segment of a path.
fn escaped(id: &str) -> String {
    let escape = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            (byte as char).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    id.bytes().map(escape).collect()
}

fn rfc3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*time))
}

fn in_seconds<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.as_secs_f64()).serialize(serializer)
}
