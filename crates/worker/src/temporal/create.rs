//! The create step, which may buy a generation.
//!
//! The request is sent by a task of its own, which outlives a step that the engine has given up: its outcome goes to the spool
//! and by a signal to the job, and the step's result is only the fastest of the three ways.

use std::{sync::Arc, time::Duration};

use aimlapi_video::GenerationRequest;
use object_store::{ObjectStoreExt, PutMode, PutOptions};
use serde_json::json;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use tokio::time::interval;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, Span, field, info_span};
use uuid::Uuid;

use super::{
    media,
    reports::{Reports, blocking},
    service::{Service, now},
    tasks::CreateTask,
};
use crate::{
    job::{Claim, ClaimId, Fact, Permit},
    spool::{Line, Spool},
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
        let send = async move { step.send(job, task, permit).await };
        let mut sent = self.in_flight.spawn(send.instrument(span));
        let mut beats = interval(beat / 3);
        let (mut awake, mut is_late) = (now(), false);
        loop {
            tokio::select! {
                fact = &mut sent => {
                    let fact = fact.unwrap_or_else(|error| Fact::unclear(claim, error.to_string()));
                    if is_late || now().since(awake) > beat {
                        self.service.metrics.late(&fact);
                    }
                    return Ok(fact);
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
}

impl CreateStep {
    /// Sends the request, and takes its outcome to the spool and to the job.
    async fn send(&self, job: String, task: CreateTask, permit: Permit) -> Fact {
        let (claim, pause, length) = (task.claim.clone(), task.pause, task.length);
        let fact = match self.prepare(&job, task, permit).await {
            Ok(request) => {
                let plan = self.service.plan(Some(request.model()), length);
                let outcome = self.service.create(request).await;
                match &outcome {
                    // A worker with a wrong key, or an empty account, must not end the jobs of a day.
                    Err(error) if error.is_auth() || error.is_out_of_credits() => {
                        tracing::error!(error = text(error), "the service takes no create");
                        let next = now() + pause.max(NO_CREATES);
                        Fact::not_bought(claim.clone(), next, NO_CREATES_REASON)
                    }
                    outcome => Fact::of_create(claim.clone(), outcome, now(), pause, &plan),
                }
            }
            Err(unsent) => unsent,
        };
        if let Fact::Created { handle, .. } = &fact {
            Span::current().record("handle", handle.id());
        }
        self.service.metrics.created(&fact);
        self.reports.send(job, claim, fact.clone()).await;
        fact
    }

    /// Reads the request, takes its claim and spends the permit. An error is the outcome of a create that is not sent.
    async fn prepare(
        &self,
        job: &str,
        task: CreateTask,
        permit: Permit,
    ) -> Result<GenerationRequest, Fact> {
        let claim = task.claim;
        let later = |what: &str, error: &dyn std::error::Error| {
            Fact::not_bought(
                claim.clone(),
                now() + task.pause,
                format!("{what}: {}", text(error)),
            )
        };
        let body = media::restore(&self.store, task.body)
            .await
            .map_err(|error| later("the media of the request cannot be read", &error))?;
        let request = GenerationRequest::from_json(task.route, body).map_err(|error| {
            let plan = self.service.plan(None, None);
            Fact::of_create(claim.clone(), &Err(error), now(), task.pause, &plan)
        })?;
        Span::current().record("model", request.model());
        match self.claim_in_store(job, &claim).await {
            Ok(()) => {}
            Err(object_store::Error::AlreadyExists { .. }) => {
                return Err(Fact::unclear(
                    claim,
                    "a create of the same claim was started before",
                ));
            }
            Err(error) => return Err(later("the claim cannot be written to the store", &error)),
        }
        let line = Line::Claim {
            claim: claim.clone(),
            job: job.into(),
            model: request.model().into(),
        };
        let spool = Arc::clone(&self.spool);
        blocking(move || spool.append(&line))
            .await
            .map_err(|error| later("the claim cannot be written to the spool", &error))?;
        permit.spend(now())?;
        Ok(request)
    }

    /// Takes the claim where all machines see it. The engine starts a create at most once, but it forgets: a job can be reset, or
    /// submitted again after its retention.
    async fn claim_in_store(&self, job: &str, claim: &ClaimId) -> object_store::Result<()> {
        let key = self.store.key("claims", claim.as_str());
        let mark = json!({ "job": job, "attempt": Uuid::new_v4().to_string() }).to_string();
        let only_new = PutOptions::from(PutMode::Create);
        let bucket = &self.store.bucket;
        match bucket.put_opts(&key, mark.clone().into(), only_new).await {
            Err(error @ object_store::Error::AlreadyExists { .. }) => {
                // The store's client repeats a request whose response was lost.
                let stored = bucket.get(&key).await?.bytes().await?;
                (stored == mark).then_some(()).ok_or(error)
            }
            put => put.map(drop),
        }
    }
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
