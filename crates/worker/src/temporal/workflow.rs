//! The workflow of a job: it performs the action that the job's state machine names, and applies the facts that result.
//!
//! Histories of earlier versions are replayed by this code. A change that other commands follow from, here or in the transitions of
//! [`Job`], is made under a new id of `WorkflowContext::patched`; `tests/temporal_replay.rs` replays a stored history.

#![allow(
    missing_docs,
    reason = "the constants that the macros generate have no documentation"
)]

use std::{
    pin::pin,
    time::{Duration, SystemTime},
};

use aimlapi_video::GenerationHandle;
use serde_json::Value;
use temporalio_common::{RetryPolicy, search_attributes::SearchAttributeKey};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{
    ActivityCloseTimeouts, ActivityExecutionError, ActivityOptions, ContinueAsNewOptions,
    SyncWorkflowContext, TimeoutType, TimerOptions, WorkflowCancellationToken, WorkflowContext,
    WorkflowContextView, WorkflowResult, workflows,
};

use super::{
    create::CreateStep,
    given_up::given_up,
    marks,
    poll::PollStep,
    protocol::{
        Decision, Job, JobInput, JobState, Queues, STATE_ATTRIBUTE, Verdict, WORKFLOW, state_name,
    },
    save::SaveStep,
    tasks::{CreateTask, PollTask, SaveTask},
};
use crate::job::{Action, Claim, ClaimId, Effect, Fact, Phase, Timestamp};

/// A job and its request.
#[workflow]
pub struct JobWorkflow {
    pub(super) input: JobInput,
    pub(super) job: Job,
    /// The response that named the videos.
    response: Option<Value>,
    /// The state that the search attribute holds.
    shown: Option<JobState>,
}

#[workflow_methods]
impl JobWorkflow {
    #[init]
    fn new(context: &WorkflowContextView, mut input: JobInput) -> Self {
        let job = input.job.take().unwrap_or_else(|| {
            let job = Job::new(context.workflow_id(), &*input.sha256);
            match &input.traceparent {
                Some(traceparent) => job.with_traceparent(traceparent),
                None => job,
            }
        });
        Self {
            input,
            job,
            response: None,
            shown: None,
        }
    }

    /// Runs until the job has ended.
    #[run(name = WORKFLOW)]
    pub async fn run(context: &mut WorkflowContext<Self>) -> WorkflowResult<Job> {
        loop {
            let action = context.state(|state| state.job.action());
            // Most jobs are claimed at once.
            if !matches!(action, Action::Claim { .. }) {
                show_state(context);
            }
            match action {
                // Nothing is in flight. A create or a generation was paid, and is brought to its end first.
                Action::Claim { .. } | Action::Ask if is_cancelled(context) => {
                    apply(
                        context,
                        Fact::Decided {
                            decision: cancelled(context),
                        },
                    );
                    show_state(context);
                    return Ok(context.state(|state| state.job.clone()));
                }
                // Creates that buy nothing for days would fill the history.
                Action::Claim { .. } if context.continue_as_new_suggested() => {
                    let mut input = context.state(|state| state.input.clone());
                    input.job = Some(context.state(|state| state.job.clone()));
                    context.continue_as_new(input, ContinueAsNewOptions::default())?;
                }
                Action::Claim { not_before } => claim(context, not_before).await,
                Action::Create { claim, .. } => create(context, claim).await,
                Action::Poll { .. } => poll(context).await,
                Action::Save { .. } => save(context).await,
                Action::Ask => {
                    let is_decided = |state: &Self| state.job.action() != Action::Ask;
                    // An error is the cancellation, which ends the job above.
                    drop(context.wait_condition(is_decided).await);
                }
                Action::Nothing => return Ok(context.state(|state| state.job.clone())),
            }
        }
    }

    /// Receives a fact about a create of this job, from the worker that sent it or from its spool.
    #[signal]
    pub fn fact(&mut self, context: &mut SyncWorkflowContext<Self>, fact: Fact) {
        self.job.apply(fact, timestamp(context.workflow_time()));
    }

    #[update_validator(decide)]
    fn validate_decide(
        &self,
        context: &WorkflowContextView,
        decision: &Decision,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let decision = self.completed(decision.clone());
        let now = timestamp(context.start_time());
        match self
            .job
            .clone()
            .apply(Fact::Decided { decision }, now)
            .effect
        {
            Effect::NotApplicable(reason) => Err(reason.into()),
            _ => Ok(()),
        }
    }

    /// Applies a person's decision.
    #[update]
    pub fn decide(&mut self, context: &mut SyncWorkflowContext<Self>, decision: Decision) -> Job {
        let now = timestamp(context.workflow_time());
        let decision = self.completed(decision);
        self.job.apply(Fact::Decided { decision }, now);
        self.job.clone()
    }

    /// The job.
    #[query]
    pub fn job(&self, _context: &WorkflowContextView) -> Job {
        self.job.clone()
    }
}

impl JobWorkflow {
    /// The generation that the job waits for or saves, and the claim that created it.
    fn generation(&self) -> Option<(GenerationHandle, Option<ClaimId>)> {
        let at = self.job.phase().generation()?;
        let record = self.job.generations().get(at)?;
        Some((record.handle.clone(), record.claim.clone()))
    }

    /// Adds the route of this job's request to the bare id of an adopted generation, which has none.
    fn completed(&self, decision: Decision) -> Decision {
        match decision.verdict {
            Verdict::Adopt(handle) if handle.origin().is_none() && handle.model().is_none() => {
                let verdict = Verdict::Adopt(handle.with_route(self.input.route));
                Decision {
                    verdict,
                    ..decision
                }
            }
            _ => decision,
        }
    }
}

/// Shows a new state in the search attribute. Each costs the engine a write, so those that last for an instant and those that lists
/// conclude are not shown: without the attribute, a job is planned or claimed for the first time, and a job that has completed while it
/// was shown as waiting or saving is saved.
fn show_state(context: &WorkflowContext<JobWorkflow>) {
    let state = context.state(|state| match state.job.is_newer() {
        true => JobState::Unknown,
        false => state.job.phase().state(),
    });
    let shown = context.state(|job| job.shown);
    let is_needless = match state {
        JobState::Claimed => shown.is_none(),
        JobState::Saving => shown == Some(JobState::Waiting),
        JobState::Saved => matches!(shown, Some(JobState::Waiting | JobState::Saving)),
        _ => false,
    };
    if shown != Some(state) && !is_needless {
        show(context, state);
    }
}

fn show(context: &WorkflowContext<JobWorkflow>, state: JobState) {
    context.upsert_search_attributes([STATE.value_set(state_name(state))]);
    context.state_mut(|job| job.shown = Some(state));
}

/// Whether the engine was asked to cancel the workflow.
fn is_cancelled(context: &WorkflowContext<JobWorkflow>) -> bool {
    context.cancellation_token().is_cancelled()
}

fn cancelled(context: &WorkflowContext<JobWorkflow>) -> Decision {
    Decision {
        verdict: Verdict::GiveUp,
        by: String::new(),
        why: "the workflow was cancelled in the engine".into(),
        revision: context.state(|state| state.job.revision()),
    }
}

/// Claims the job. The claim is in the history, and so acknowledged, before a worker receives it.
async fn claim(context: &WorkflowContext<JobWorkflow>, not_before: Timestamp) {
    let pause = not_before.since(now(context));
    let is_planned = |state: &JobWorkflow| matches!(state.job.phase(), Phase::Planned { .. });
    if !pause.is_zero() {
        show_state(context);
        // A late handle, a decision or a cancellation ends the pause.
        workflows::select! {
            _ = context.timer(pause) => {}
            _ = context.wait_condition(|job| !is_planned(job)) => {}
        }
        if is_cancelled(context) {
            return;
        }
    }
    let id = context.state(|state| next_claim(&state.job));
    let wait = context.state(|state| state.input.timeouts.wait);
    let claim = Claim::new(id, context.task_queue(), now(context) + wait);
    apply(context, Fact::Claimed { claim });
    // A claim that does not apply must not be repeated without a pause, which would block all workflows of this worker.
    if context.state(is_planned) {
        context.timer(AGAIN).await;
    }
}

/// The id of the next claim. A fact may have arrived whose claim the job has never had, as in the history after a reset.
fn next_claim(job: &Job) -> String {
    let mut number = job.claims().len() + 1;
    loop {
        let id = format!("{}/{number}", job.key());
        if job.claims().iter().all(|record| record.id.as_str() != id) {
            return id;
        }
        number += 1;
    }
}

async fn create(context: &WorkflowContext<JobWorkflow>, claim: ClaimId) {
    let timeouts = context.state(|state| state.input.timeouts);
    let (mark, gaps) = context.state(|state| marks::of(&state.job, &claim));
    let task = context.state(|state| CreateTask {
        claim: claim.clone(),
        mark: Some(mark.clone()),
        gaps,
        pause: state.job.pause(),
        length: state.input.length,
        route: state.input.route,
        body: state.input.body.clone(),
        traceparent: state.input.traceparent.clone(),
    });
    let options = ActivityOptions::with_start_to_close_timeout(timeouts.create)
        .task_queue(queues(context).create())
        .schedule_to_start_timeout(timeouts.wait)
        .heartbeat_timeout(timeouts.heartbeat)
        .retry_policy(RetryPolicy::builder().maximum_attempts(1).build())
        .do_not_eagerly_execute(true)
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    let fact = match context
        .execute_activity(CreateStep::create, task, options)
        .await
    {
        Ok(fact) => fact,
        Err(error) if never_started(&error) => {
            Fact::unused(claim, now(context), "no worker took the create in time")
        }
        Err(error) => given_up(context, claim, mark, &error).await,
    };
    apply(context, fact);
}

async fn poll(context: &WorkflowContext<JobWorkflow>) {
    let timeouts = context.state(|state| state.input.timeouts);
    let task = context.state(|state| {
        let Phase::Waiting { schedule, .. } = state.job.phase() else {
            return None;
        };
        let (handle, claim) = state.generation()?;
        Some(PollTask {
            handle,
            claim,
            schedule: schedule.clone(),
            model: Some(state.input.model.clone()),
            length: state.input.length,
            traceparent: state.input.traceparent.clone(),
        })
    });
    let Some(task) = task else { return };
    let handle = task.handle.clone();
    let options = ActivityOptions::with_close_timeouts(both(timeouts.wait, timeouts.poll))
        .task_queue(queues(context).poll())
        // Each poll is an attempt, so pauses that grow with their number would delay the poll after a crash.
        .retry_policy(RetryPolicy::builder().backoff_coefficient(1.0).build())
        .do_not_eagerly_execute(true)
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    match context
        .execute_activity(PollStep::poll, task, options)
        .await
    {
        Ok(end) => {
            context.state_mut(|state| state.response = end.response);
            apply(context, end.fact);
        }
        Err(error) => {
            let reason = format!("the generation's end was not seen in time: {error}");
            apply(context, Fact::Lost { handle, reason });
        }
    }
}

async fn save(context: &WorkflowContext<JobWorkflow>) {
    let timeouts = context.state(|state| state.input.timeouts);
    let task = context.state(|state| {
        let (handle, claim) = state.generation()?;
        let response = state.response.clone();
        Some(SaveTask {
            handle,
            claim,
            model: Some(state.input.model.clone()),
            response,
            traceparent: state.input.traceparent.clone(),
        })
    });
    let Some(task) = task else { return };
    let handle = task.handle.clone();
    let options = ActivityOptions::with_close_timeouts(both(timeouts.wait, timeouts.save))
        .task_queue(queues(context).save())
        .heartbeat_timeout(timeouts.heartbeat)
        .retry_policy(
            RetryPolicy::builder()
                .maximum_interval(Duration::from_secs(60))
                .build(),
        )
        .do_not_eagerly_execute(true)
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    let mut saving = pin!(context.execute_activity(SaveStep::save, task, options));
    // A cancelled job saves what it has paid.
    let long = TimerOptions::builder(LONG_SAVE)
        .cancellation_token(WorkflowCancellationToken::new())
        .build();
    let saved = workflows::select! {
        saved = &mut saving => saved,
        // As while the store is full.
        _ = context.timer(long) => {
            show(context, JobState::Saving);
            saving.await
        }
    };
    let fact = match saved {
        Ok(objects) => Fact::Saved { handle, objects },
        Err(error) => Fact::Lost {
            handle,
            reason: format!("the videos were not saved in time: {error}"),
        },
    };
    apply(context, fact);
}

fn apply(context: &WorkflowContext<JobWorkflow>, fact: Fact) {
    let now = now(context);
    context.state_mut(|state| state.job.apply(fact, now));
}

pub(super) fn now(context: &WorkflowContext<JobWorkflow>) -> Timestamp {
    timestamp(context.workflow_time())
}

/// The engine states a time for every task.
fn timestamp(time: Option<SystemTime>) -> Timestamp {
    time.map(Timestamp::from).unwrap_or_default()
}

pub(super) fn queues(context: &WorkflowContext<JobWorkflow>) -> Queues {
    Queues::new(context.task_queue())
}

fn never_started(error: &ActivityExecutionError) -> bool {
    let timeout = error.as_timeout().map(|timeout| timeout.timeout_type());
    timeout == Some(TimeoutType::ScheduleToStart)
}

pub(super) fn both(schedule_to_close: Duration, start_to_close: Duration) -> ActivityCloseTimeouts {
    ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close,
        start_to_close,
    }
}

/// The time after which a save is shown.
const LONG_SAVE: Duration = Duration::from_secs(5);

/// The pause after a claim that did not apply.
const AGAIN: Duration = Duration::from_secs(1);

const STATE: SearchAttributeKey<String> = SearchAttributeKey::keyword(STATE_ATTRIBUTE);
