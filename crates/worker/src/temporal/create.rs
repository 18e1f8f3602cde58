//! The create step, which may buy a generation.
//!
//! The request is sent by a task of its own, which outlives a step that the engine has given up: its outcome goes to the spool, and
//! then to the job.

use std::{sync::Arc, time::Duration};

use aimlapi_video::GenerationRequest;
use temporalio_client::{RpcOptions, errors::AsyncActivityError};
use temporalio_common::error::ApplicationFailure;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::{
    task::JoinError,
    time::{Instant, Interval, interval_at},
};
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field, info_span};

use super::{
    earlier::Used,
    marks::{self, Owner},
    media,
    reports::{Report, Reports, blocking},
    service::{Service, now},
    tasks::{CreateTask, VoidTask},
};
use crate::{
    job::{Claim, ClaimId, Fact, Permit, Plan},
    spool::{Attempt, Line, Spool},
    store::Store,
};

pub struct CreateStep {
    pub(super) service: Arc<Service>,
    pub(super) spool: Arc<Spool>,
    pub(super) store: Store,
    pub(super) reports: Arc<Reports>,
    /// The creates in flight, which a graceful stop waits for.
    pub(super) in_flight: TaskTracker,
}

/// The permission to send the create of a step.
struct Lease {
    permit: Permit,
    /// The run of the workflow.
    run: String,
    /// The engine's token of the step.
    token: Vec<u8>,
    /// How long the engine waits for a heartbeat.
    beat: Duration,
}

#[activities]
impl CreateStep {
    /// Sends the request at most once. The result is never an error, since an error would not say whether a generation was bought.
    #[activity(name = "create")]
    pub async fn create(
        self: Arc<Self>,
        context: ActivityContext,
        task: CreateTask,
    ) -> Result<Fact, ActivityError> {
        let info = context.info();
        let job = info.workflow_id.clone().unwrap_or_default();
        let beat = info.heartbeat_timeout.unwrap_or(DEFAULT_HEARTBEAT);
        let claim = task.claim.clone();
        // A process that is frozen for longer than a heartbeat may take does not send.
        let permit = Claim::new(claim.clone(), &*info.task_queue, now() + beat).delivered_once();
        let span = info_span!(
            "create",
            job,
            claim = %claim,
            model = field::Empty,
            handle = field::Empty,
            attempt = info.attempt,
            traceparent = task.traceparent
        );
        let step = Arc::clone(&self);
        let lease = Lease {
            permit,
            run: info.workflow_run_id.clone().unwrap_or_default(),
            token: info.task_token.clone(),
            beat,
        };
        let send = async move { step.send(job, task, lease).await };
        let mut sent = self.in_flight.spawn(send.instrument(span));
        let mut beats = beats(beat);
        let (mut awake, mut is_late) = (now(), false);
        loop {
            tokio::select! {
                sent = &mut sent => {
                    let failed = |error: JoinError| (Fact::unclear(claim, error.to_string()), false);
                    let (fact, has_ended) = sent.unwrap_or_else(failed);
                    if is_late || now().since(awake) > beat {
                        self.service.metrics.late(&fact);
                    }
                    return match has_ended {
                        true => Err(ActivityError::WillCompleteAsync),
                        false => Ok(fact),
                    };
                }
                _ = beats.tick() => {
                    // The process was frozen, and the engine has given the step up.
                    is_late |= now().since(awake) > beat;
                    awake = now();
                    // An error must not end the step while the create is in flight.
                    drop(context.record_heartbeat(()).await);
                }
            }
        }
    }

    /// Voids the claim of a create that the engine has given up: such a create sends nothing any more. Returns `false` if the create
    /// had taken its claim, and may have sent.
    #[activity(name = "void")]
    pub async fn void(
        self: Arc<Self>,
        context: ActivityContext,
        task: VoidTask,
    ) -> Result<bool, ActivityError> {
        let info = context.info();
        let (job, run) = (info.workflow_id.as_deref(), info.workflow_run_id.as_deref());
        let owner = Owner::new(
            job.unwrap_or_default(),
            run.unwrap_or_default(),
            &task.claim,
        );
        let voided = marks::void(&self.store, &task.mark, owner).await;
        voided.map_err(|error| ActivityError::application(ApplicationFailure::new(text(&error))))
    }
}

impl CreateStep {
    /// Sends the request, and takes its outcome to the spool and to the job. Returns it, and whether the engine waits for the result of
    /// the step no longer.
    async fn send(&self, job: String, task: CreateTask, lease: Lease) -> (Fact, bool) {
        let attempt = Attempt {
            claim: task.claim.clone(),
            run: lease.run.clone(),
        };
        let (pause, length) = (task.pause, task.length);
        let token = lease.token.clone();
        let prepared = self.prepare(&job, task, lease).await;
        // Only then is the claim in the spool, where the outcome belongs.
        let is_spooled = prepared.is_ok();
        let fact = match prepared {
            Ok((request, permit)) => {
                let plan = self.service.plan(Some(request.model()), length);
                match self.begin(&job, &attempt, &request, permit, pause).await {
                    Ok(()) => self.buy(request, &attempt.claim, pause, &plan).await,
                    Err(unsent) => unsent,
                }
            }
            Err(unsent) => unsent,
        };
        if let Fact::Created { handle, .. } = &fact {
            Span::current().record("handle", handle.id());
        }
        // A generation of an earlier run was counted there.
        if is_spooled || !matches!(fact, Fact::Created { .. }) {
            self.service.metrics.created(&fact);
        }
        let report = Report {
            job,
            attempt,
            fact: fact.clone(),
            step: Some(token),
            is_spooled,
        };
        (fact, self.reports.send(report).await)
    }

    /// Sends the request.
    async fn buy(
        &self,
        request: GenerationRequest,
        claim: &ClaimId,
        pause: Duration,
        plan: &Plan<'_>,
    ) -> Fact {
        let outcome = self.service.create(request).await;
        match &outcome {
            // A worker with a wrong key, or an empty account, must not end the jobs of a day.
            Err(error) if error.is_auth() || error.is_out_of_credits() => {
                tracing::error!(error = text(error), "the service takes no create");
                let next = now() + pause.max(NO_CREATES);
                Fact::not_bought(claim.clone(), next, NO_CREATES_REASON)
            }
            outcome => Fact::of_create(claim.clone(), outcome, now(), pause, plan),
        }
    }

    /// Reads the request, and takes its claim in the store. An error is the outcome of a create that is not sent.
    async fn prepare(
        &self,
        job: &str,
        task: CreateTask,
        mut lease: Lease,
    ) -> Result<(GenerationRequest, Permit), Fact> {
        let claim = task.claim;
        // Nothing of the claim is in the store yet.
        let unused = |what: &str, error: &dyn std::error::Error| {
            let reason = format!("{what}: {}", text(error));
            Fact::unused(claim.clone(), now() + task.pause, reason)
        };
        let is_offloaded = media::is_offloaded(&task.body);
        let body = media::restore(&self.store, task.body)
            .await
            .map_err(|error| unused("the media of the request cannot be read", &error))?;
        let request = GenerationRequest::from_json(task.route, body).map_err(|error| {
            let plan = self.service.plan(None, None);
            Fact::of_create(claim.clone(), &Err(error), now(), task.pause, &plan)
        })?;
        // Large media may take longer than a heartbeat.
        if is_offloaded {
            let renewed = self.renewed(lease).await;
            lease =
                renewed.map_err(|error| unused("the engine does not confirm the claim", &error))?;
        }
        Span::current().record("model", request.model());
        let mark = task.mark.unwrap_or_else(|| claim.clone());
        let owner = Owner::new(job, &lease.run, &claim);
        let away =
            |error: &object_store::Error| unused("the claim cannot be written to the store", error);
        for gap in &task.gaps {
            // A create that was given up before it took its mark does not take it any more.
            let voided = marks::void(&self.store, gap, owner.clone()).await;
            voided.map_err(|error| away(&error))?;
        }
        let taken = marks::take(&self.store, &mark, &owner).await;
        match taken.map_err(|error| away(&error))? {
            None => Ok((request, lease.permit)),
            Some(other) => {
                let used = Used {
                    job,
                    run: &lease.run,
                    claim,
                    mark: &mark,
                    pause: task.pause,
                };
                Err(used.outcome(&request, &other, &self.reports).await)
            }
        }
    }

    /// Writes the claim to the spool, and spends the permit. An error is the outcome of a create that is not sent.
    async fn begin(
        &self,
        job: &str,
        attempt: &Attempt,
        request: &GenerationRequest,
        permit: Permit,
        pause: Duration,
    ) -> Result<(), Fact> {
        let line = Line::Claim {
            attempt: attempt.clone(),
            job: job.into(),
            model: request.model().into(),
        };
        let spool = Arc::clone(&self.spool);
        let written = blocking(move || spool.append(&line)).await;
        written.map_err(|error| {
            let reason = format!("the claim cannot be written to the spool: {}", text(&error));
            Fact::not_bought(attempt.claim.clone(), now() + pause, reason)
        })?;
        permit.spend(now())?;
        Ok(())
    }

    /// Makes the permit last for another heartbeat, if the engine confirms that it has not given the step up.
    async fn renewed(&self, lease: Lease) -> Result<Lease, AsyncActivityError> {
        let until = now() + lease.beat;
        let step = self.reports.step(&lease.token);
        step.heartbeat::<()>(None, RpcOptions::default()).await?;
        let permit = lease.permit.renewed(until);
        Ok(Lease { permit, ..lease })
    }
}

/// The times of the heartbeats of a step. The engine counts the start as the first one.
pub(super) fn beats(timeout: Duration) -> Interval {
    let period = timeout / 3;
    interval_at(Instant::now() + period, period)
}

/// The message of an error with its causes, in one line.
pub(super) fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

/// The shortest pause after a create that was refused because of the key or the account.
const NO_CREATES: Duration = Duration::from_secs(60);

const NO_CREATES_REASON: &str =
    "the service refuses the key of this worker, or its account has no credits";

/// The interval that a step without a heartbeat timeout keeps.
pub(super) const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(30);
