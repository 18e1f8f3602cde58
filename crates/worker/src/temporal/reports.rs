//! Reports: the outcomes of creates on their way to the jobs.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowSignalOptions, errors::WorkflowInteractionError,
};

use super::{create::text, metrics::Metrics, service::now, workflow::JobWorkflow};
use crate::{
    job::{ClaimId, Effect, Fact},
    spool::{Abandoned, Line, Spool},
};

/// Records outcomes in the spool and signals them to their jobs.
pub(super) struct Reports {
    pub(super) engine: Client,
    pub(super) spool: Arc<Spool>,
    pub(super) metrics: Arc<Metrics>,
    /// The file of outcomes whose jobs the engine does not have.
    pub(super) orphans: PathBuf,
    /// What could not be signalled yet.
    pub(super) pending: Mutex<Vec<Report>>,
}

/// The outcome of a create on its way to its job.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    job: String,
    claim: ClaimId,
    fact: Fact,
}

impl Reports {
    /// Records the outcome of a create and signals it to its job. If the engine cannot be reached, [`sweep`](Self::sweep) tries again.
    pub(super) async fn send(&self, job: String, claim: ClaimId, fact: Fact) {
        let line = Line::Outcome {
            claim: claim.clone(),
            fact: fact.clone(),
        };
        self.append(line).await;
        self.try_to_deliver(Report { job, claim, fact }).await;
    }

    /// Signals what could not be signalled before, and what ended processes have left.
    pub(super) async fn sweep(&self) {
        let pending = std::mem::take(&mut *self.pending());
        for report in pending {
            let fact = report.fact.clone();
            if self.try_to_deliver(report).await {
                self.metrics.late(&fact);
            }
        }
        let spool = Arc::clone(&self.spool);
        match blocking(move || spool.abandoned()).await {
            Ok(found) => {
                for abandoned in found {
                    self.replay(abandoned).await;
                }
            }
            Err(error) => tracing::error!(%error, "the spool cannot be read"),
        }
    }

    async fn try_to_deliver(&self, report: Report) -> bool {
        let is_delivered = self.deliver(&report).await;
        if is_delivered {
            let claim = report.claim;
            self.append(Line::Reported { claim }).await;
        } else {
            self.pending().push(report);
        }
        self.metrics.undelivered(self.pending().len());
        is_delivered
    }

    /// Signals the records of an ended process, and removes its spool once the engine has all of them.
    async fn replay(&self, abandoned: Abandoned) {
        let (mut is_complete, mut facts) = (true, Vec::new());
        for (claim, record) in &abandoned.records {
            if record.is_reported {
                continue;
            }
            let lost = || Fact::unclear(claim.clone(), "the worker ended during the create");
            let report = Report {
                job: record.job.clone(),
                claim: claim.clone(),
                fact: record.outcome.clone().unwrap_or_else(lost),
            };
            is_complete &= self.deliver(&report).await;
            facts.push((record.outcome.is_none(), report.fact));
        }
        if is_complete {
            self.metrics.recovered(&facts);
        }
        if is_complete && let Err(error) = abandoned.remove() {
            tracing::warn!(%error, "the spool of an ended process cannot be removed");
        }
    }

    /// Signals an outcome to its job; returns `false` if another attempt is needed.
    async fn deliver(&self, report: &Report) -> bool {
        let job = self.engine.get_workflow_handle::<JobWorkflow>(&report.job);
        // The engine drops a second signal with the same id.
        let options = WorkflowSignalOptions::builder()
            .request_id(format!("outcome of {}", report.claim))
            .build();
        match job
            .signal(JobWorkflow::fact, report.fact.clone(), options)
            .await
        {
            Ok(()) => true,
            Err(WorkflowInteractionError::NotFound(_)) => {
                self.is_known(report).await || self.keep_orphan(report).await
            }
            Err(error) => {
                let (job, claim) = (&report.job, report.claim.as_str());
                tracing::warn!(
                    job,
                    claim,
                    error = text(&error),
                    "the engine cannot be reached"
                );
                false
            }
        }
    }

    /// Whether the job has ended with this outcome, as after a signal whose response was lost.
    async fn is_known(&self, report: &Report) -> bool {
        let job = self.engine.get_workflow_handle::<JobWorkflow>(&report.job);
        let ended = job.get_result(WorkflowGetResultOptions::default()).await;
        ended.is_ok_and(|mut job| job.apply(report.fact.clone(), now()).effect == Effect::Known)
    }

    /// Records an outcome whose job has ended or is unknown to the engine, so that a person can look at it.
    async fn keep_orphan(&self, report: &Report) -> bool {
        let (job, claim) = (&report.job, report.claim.as_str());
        tracing::error!(job, claim, fact = ?report.fact, "the engine has no open job for this create");
        let (path, report) = (self.orphans.clone(), report.clone());
        let written = blocking(move || {
            let line = format!("\n{}\n", serde_json::to_string(&report)?);
            let mut file = OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(line.as_bytes())?;
            file.sync_data()
        });
        written.await.is_ok()
    }

    async fn append(&self, line: Line) {
        let spool = Arc::clone(&self.spool);
        if let Err(error) = blocking(move || spool.append(&line)).await {
            tracing::error!(%error, "the spool cannot be written");
        }
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Report>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs file operations on a thread where they may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}
