//! Many waits without a network, for `benches/waits` (with `--cfg bench_internals`; not part of the API).

use std::{
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::json;
use tokio::time::Instant;

use super::{Machine, PollSource, WaitOptions};
use crate::{
    Error, Generation, GenerationHandle, PollBudget, Route, Update,
    budget::Bucket,
    client::PollError,
    generation::Created,
    schedule::{Learned, Planned, PollState, Schedule},
};

/// A service whose generations end at known times: `klingai/v2-master-text-to-video`, 5 s long.
#[derive(Debug)]
pub struct Service {
    began: Instant,
    ends: Vec<Duration>,
    budget: Option<Arc<Bucket>>,
    due: Arc<Due>,
    log: Mutex<PollLog>,
}

/// When the schedule of each wait wants its next poll.
#[derive(Debug, Default)]
struct Due(Mutex<Vec<Duration>>);

/// The polls of all waits.
#[derive(Clone, Debug, Default)]
#[allow(clippy::exhaustive_structs, reason = "not part of the API")]
pub struct PollLog {
    /// When each poll was due, and when it was sent.
    pub polls: Vec<(Duration, Duration)>,
    /// The time from each end to the poll that observed it.
    pub lags: Vec<Duration>,
}

/// The default schedule, which records its decisions.
#[derive(Debug)]
struct Recorded(Planned, Arc<Due>);

impl Schedule for Recorded {
    fn next(&self, state: &PollState<'_>) -> Duration {
        let step = self.0.next(state);
        let mut due = self.1.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number: usize = state.id.parse().unwrap_or_default();
        if let Some(due) = due.get_mut(number) {
            *due = state.last_poll + step;
        }
        step
    }
}

impl Service {
    /// A service whose generations end so long after now.
    pub fn new(ends: Vec<Duration>, budget: Option<PollBudget>) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            budget: budget.map(|budget| Arc::new(Bucket::new(budget))),
            due: Arc::new(Due(Mutex::new(vec![Duration::ZERO; ends.len()]))),
            ends,
            log: Mutex::default(),
        })
    }

    /// Waits for the generation of this number.
    pub fn wait(self: Arc<Self>, number: usize) -> impl Future<Output = ()> + Send {
        let created = Created {
            answer: answer(number, "queued"),
            retry_after: None,
            expected: None,
        };
        let handle = GenerationHandle::of(
            number.to_string(),
            "klingai/v2-master-text-to-video",
            Route::Universal,
            "https://api.aimlapi.com",
            Some(5),
            created,
        );
        let schedule = Recorded(Planned::default(), Arc::clone(&self.due));
        let options = WaitOptions::default().schedule(schedule).no_deadline();
        async move {
            let mut machine = Machine::start(self, handle, options);
            while let Ok(update) = machine.step().await {
                if let Update::Completed(_) = update {
                    return;
                }
            }
        }
    }

    /// The polls so far.
    pub fn log(&self) -> PollLog {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl PollSource for Arc<Service> {
    fn check(&self, _: &GenerationHandle) -> Result<(), Error> {
        Ok(())
    }

    fn budget(&self) -> Option<&Arc<Bucket>> {
        self.budget.as_ref()
    }

    fn learned(&self, _: &str, _: Option<u64>) -> Option<Learned> {
        None
    }

    fn learn(&self, _: &str, _: Option<u64>, _: RangeInclusive<Duration>) {}

    async fn poll(
        &self,
        handle: &GenerationHandle,
        _: Option<&Generation>,
        _: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        let now = self.began.elapsed();
        let number: usize = handle.id().parse().unwrap_or_default();
        let end = self.ends.get(number).copied().unwrap_or_default();
        let due = self.due.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = due.get(number).copied().unwrap_or_default();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.polls.push((due, now));
        if now < end {
            return Ok((answer(number, "generating"), None));
        }
        log.lags.push(now - end);
        Ok((answer(number, "completed"), None))
    }
}

fn answer(number: usize, status: &str) -> Generation {
    let mut answer = json!({ "id": number.to_string(), "status": status });
    if status == "completed" {
        answer["video"] = json!({ "url": "https://cdn.example.com/video.mp4" });
    }
    let text = answer.to_string();
    Generation::from_text(text.as_bytes(), answer)
}
