//! The poll step: one poll an attempt, until the generation ends.
//!
//! An attempt that does not see the end fails with the delay that the schedule gives, and the engine starts the next attempt
//! after that delay. So a wait is a timer of the server: it costs no event in the history and needs no process until its last second.

use std::{sync::Arc, time::Duration};

use aimlapi_video::{Error, Generation};
use temporalio_common::error::{ApplicationErrorCategory, ApplicationFailure};
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::sleep;
use tracing::{Instrument, info_span};

use super::{
    create::text,
    service::{Service, now},
    tasks::{PollEnd, PollTask},
};
use crate::job::{ClaimId, Fact, ScheduleState};

pub struct PollStep {
    pub(super) service: Arc<Service>,
}

#[activities]
impl PollStep {
    /// Polls once. A failure means that the generation has not ended, and states when to poll again.
    #[activity(name = "poll")]
    pub async fn poll(
        self: Arc<Self>,
        context: ActivityContext,
        task: PollTask,
    ) -> Result<PollEnd, ActivityError> {
        let info = context.info();
        let span = info_span!(
            "poll",
            job = info.workflow_id,
            claim = task.claim.as_ref().map(ClaimId::as_str),
            handle = task.handle.id(),
            model = model(&task),
            attempt = info.attempt,
            traceparent = task.traceparent
        );
        let remembered = context.heartbeat_details().deserialize();
        let remembered = remembered.unwrap_or_else(|error| {
            tracing::warn!(%error, "the state of the schedule cannot be read");
            None
        });
        let step = self.step(&task, remembered).instrument(span);
        let step = tokio::select! {
            step = step => step,
            // The worker stops, and another one polls.
            () = context.cancelled() => return Err(ActivityError::cancelled()),
        };
        match step {
            Step::End(end) => Ok(end),
            Step::Again(schedule) => {
                let due_in = schedule.next_poll.since(now());
                // The next attempt receives the state of the schedule as heartbeat details.
                context.record_heartbeat(schedule).await?;
                Err(again(due_in.saturating_sub(TIMER_PRECISION)))
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
        let state = remembered.unwrap_or_else(|| task.schedule.clone());
        // The first attempt starts right after the create, later ones a little early.
        let due_in = state.next_poll.since(now());
        if due_in > TIMER_PRECISION {
            return Step::Again(state);
        }
        sleep(due_in).await;
        let sent = now();
        let polled = self.service.poll("poll", handle).await;
        if let Err(error) = &polled {
            tracing::warn!(error = text(error), "the poll failed");
        }
        let (unfinished, began) = (state.unfinished, state.began);
        let mut plan = self.service.plan(model(task), task.length);
        plan.model = model(task);
        let fact = Fact::of_poll(handle.clone(), state, (sent, now()), &polled, &plan);
        match fact {
            Fact::Polled { schedule, .. } => Step::Again(schedule),
            fact => {
                if matches!(fact, Fact::Completed { .. }) {
                    self.service.metrics.completed(now().since(unfinished));
                }
                if let (Fact::Completed { .. }, Some(model)) = (&fact, model(task))
                    && unfinished > began
                {
                    let ended = (unfinished.since(began), now().since(began));
                    self.service.learn(model, task.length, ended);
                }
                let response = small_response(&polled);
                Step::End(PollEnd { fact, response })
            }
        }
    }
}

/// The model of the generation; that of the request, for an adopted one.
fn model(task: &PollTask) -> Option<&str> {
    task.handle.model().or(task.model.as_deref())
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
        // Zero might count as unset, and then the delay of the retry policy would apply.
        .next_retry_delay(delay.max(Duration::from_millis(1)))
        .category(ApplicationErrorCategory::Benign)
        .build();
    ActivityError::application(failure)
}

/// How late the engine's timers may be: a development server (1.32) was measured to start attempts at intervals of whole seconds.
/// An attempt is requested so much earlier, and waits for the rest itself.
const TIMER_PRECISION: Duration = Duration::from_secs(1);

/// The maximum size in bytes of a response in the history.
const MAX_RESPONSE: usize = 16 * 1024;
