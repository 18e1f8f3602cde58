//! The poll step: one poll an attempt, until the generation ends.
//!
//! An attempt that does not see the end fails with the delay that the schedule gives, and the engine starts the next attempt
//! after that delay. So a wait is a timer of the server: it costs no event in the history and needs no process.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aimlapi_video::{
    Client, Error, Generation,
    schedule::{Durations, Planned, Pooled},
};
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tracing::{Instrument, info_span};

use super::{
    create::text,
    protocol::{PollEnd, PollTask},
};
use crate::job::{Fact, Plan, ScheduleState, Timestamp};

pub(super) struct PollStep {
    pub(super) service: Client,
    /// How many times as fast as this process's time the service's time runs.
    pub(super) speed: f64,
    /// The durations that this process has observed.
    pub(super) durations: Mutex<Durations>,
}

#[activities]
impl PollStep {
    /// Polls once. A failure means that the generation has not ended, and states when to poll again.
    #[activity(name = "poll")]
    pub(super) async fn poll(
        self: Arc<Self>,
        context: ActivityContext,
        task: PollTask,
    ) -> Result<PollEnd, ActivityError> {
        let info = context.info();
        let span = info_span!(
            "poll",
            job = info.workflow_id,
            handle = task.handle.id(),
            model = task.handle.model(),
            attempt = info.attempt
        );
        let remembered = context.heartbeat_details().deserialize()?;
        let step = self.step(&task, remembered).instrument(span);
        match step.await {
            Step::End(end) => Ok(end),
            Step::Again(schedule) => {
                let delay = schedule.next_poll.since(now());
                // The next attempt receives the state of the schedule as heartbeat details.
                context.record_heartbeat(schedule).await?;
                Err(again(delay))
            }
        }
    }
}

enum Step {
    End(PollEnd),
    Again(ScheduleState),
}

impl PollStep {
    async fn step(&self, task: &PollTask, remembered: Option<ScheduleState>) -> Step {
        let handle = &task.handle;
        let schedule = Planned::default().pooled(Pooled::stated());
        let mut plan = Plan::new(&schedule);
        (plan.speed, plan.length) = (self.speed, task.length);
        plan.learned = handle
            .model()
            .and_then(|model| self.durations().learned(model, task.length));
        let state = remembered.unwrap_or_else(|| {
            let mut state = ScheduleState::new(handle, now());
            state.plan(handle, &plan, None);
            state
        });
        // The first attempt starts right after the create.
        if state.next_poll > now() {
            return Step::Again(state);
        }
        let sent = now();
        let polled = self.service.fetch(handle).await;
        if let Err(error) = &polled {
            tracing::warn!(error = text(error), "the poll failed");
        }
        let (unfinished, began) = (state.unfinished, state.began);
        let fact = Fact::of_poll(handle.clone(), state, (sent, now()), &polled, &plan);
        match fact {
            Fact::Polled { schedule, .. } => Step::Again(schedule),
            fact => {
                if matches!(fact, Fact::Completed { .. }) && unfinished > began {
                    self.learn(task, unfinished.since(began), now().since(began));
                }
                let response = small_response(&polled);
                Step::End(PollEnd { fact, response })
            }
        }
    }

    /// Learns that the generation ended between these ages.
    fn learn(&self, task: &PollTask, after: Duration, before: Duration) {
        if let Some(model) = task.handle.model() {
            let ended = after.mul_f64(self.speed)..=before.mul_f64(self.speed);
            self.durations().observe(model, task.length, ended);
        }
    }

    fn durations(&self) -> MutexGuard<'_, Durations> {
        self.durations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The response, if it is small enough for the history; otherwise the save polls once more.
fn small_response(polled: &Result<Generation, Error>) -> Option<serde_json::Value> {
    let response = polled.as_ref().ok()?.as_json();
    (response.to_string().len() <= MAX_RESPONSE).then(|| response.clone())
}

/// The failure that the engine retries after `delay`.
fn again(delay: Duration) -> ActivityError {
    let failure = ApplicationFailure::builder("the generation has not ended")
        .type_name("NotEnded".into())
        .next_retry_delay(delay)
        .category(ApplicationErrorCategory::Benign)
        .build();
    ActivityError::application(failure)
}

fn now() -> Timestamp {
    SystemTime::now().into()
}

/// The maximum size in bytes of a response in the history.
const MAX_RESPONSE: usize = 16 * 1024;
