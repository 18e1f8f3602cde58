//! Reports: the outcomes of creates on their way to the jobs.
//!
//! An outcome is the result of its step, or a signal if the engine does not take it as such: a step that was given up has no result.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use sha2::{Digest, Sha256};
use temporalio_client::{
    ActivityIdentifier, AsyncActivityHandle, Client, RpcOptions, WorkflowGetResultOptions,
    WorkflowHandle, WorkflowSignalOptions,
    errors::{AsyncActivityError, WorkflowInteractionError},
    tonic::{Code, Status},
};

use super::{
    attribute::is_away, create::text, metrics::Metrics, protocol::hex, service::now,
    workflow::JobWorkflow,
};
use crate::{
    job::{Effect, Fact},
    spool::{Abandoned, Attempt, Line, Spool},
};

/// Records outcomes in the spool and delivers them to their jobs.
pub(super) struct Reports {
    pub(super) engine: Client,
    pub(super) spool: Arc<Spool>,
    pub(super) metrics: Arc<Metrics>,
    /// The file of outcomes whose jobs the engine does not have.
    pub(super) orphans: PathBuf,
    /// What could not be delivered yet.
    pub(super) pending: Mutex<VecDeque<Report>>,
}

/// The outcome of a create on its way to its job.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) job: String,
    #[serde(flatten)]
    pub(super) attempt: Attempt,
    pub(super) fact: Fact,
    /// The engine's token of the step, if it may still take a result.
    #[serde(skip)]
    pub(super) step: Option<Vec<u8>>,
    /// Whether the claim is in the spool of this process.
    #[serde(skip)]
    pub(super) is_spooled: bool,
}

impl Report {
    /// The engine drops a second signal with the same id. The ids of claims repeat in other runs, and a create may have a second
    /// outcome, so the id names the fact.
    fn request_id(&self) -> String {
        let fact = serde_json::to_vec(&self.fact).unwrap_or_default();
        format!(
            "outcome of {}: {}",
            self.attempt.claim,
            hex(&Sha256::digest(fact))
        )
    }

    /// The run that the outcome is for; `None` for the latest one.
    fn run(&self) -> Option<&str> {
        let is_handle = matches!(self.fact, Fact::Created { .. });
        let run = &*self.attempt.run;
        (!is_handle && !run.is_empty()).then_some(run)
    }
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Delivery {
    /// The job has it, or a person has to look at it.
    Done,
    /// Another attempt is needed.
    Later,
    /// No report can be delivered now.
    EngineAway,
}

impl Reports {
    /// Records the outcome of a create in the spool, and delivers it to its job. If that fails, [`sweep`](Self::sweep) tries again. Returns
    /// whether the engine waits for the result of the step no longer.
    pub(super) async fn send(&self, mut report: Report) -> bool {
        if report.is_spooled {
            let line = Line::Outcome {
                attempt: report.attempt.clone(),
                fact: report.fact.clone(),
            };
            self.append(line).await;
        }
        let delivery = self.deliver(&mut report).await;
        let has_ended = report.step.is_none();
        self.settle(report, delivery).await;
        has_ended
    }

    /// Delivers what could not be delivered before, and what ended processes have left. The sweep ends if the engine is away, since each
    /// call would wait for it.
    pub(super) async fn sweep(&self) {
        let count = self.pending().len();
        for _ in 0..count {
            let Some(mut report) = self.pending().pop_front() else {
                break;
            };
            let delivery = self.deliver(&mut report).await;
            if delivery == Delivery::Done {
                self.metrics.late(&report.fact);
            }
            self.settle(report, delivery).await;
            if delivery == Delivery::EngineAway {
                return;
            }
        }
        let spool = Arc::clone(&self.spool);
        let found = match blocking(move || spool.abandoned()).await {
            Ok(found) => found,
            Err(error) => return tracing::error!(%error, "the spool cannot be read"),
        };
        for abandoned in found {
            let delivery = match abandoned {
                Ok(abandoned) => self.replay(abandoned).await,
                Err(error) => {
                    tracing::error!(%error, "a spool cannot be read");
                    continue;
                }
            };
            if delivery == Delivery::EngineAway {
                return;
            }
        }
    }

    /// Records that a report is delivered, or keeps it for the next sweep.
    async fn settle(&self, report: Report, delivery: Delivery) {
        if delivery != Delivery::Done {
            self.pending().push_back(report);
        } else if report.is_spooled {
            let attempt = report.attempt;
            self.append(Line::Reported { attempt }).await;
        }
        self.metrics.undelivered(self.pending().len());
    }

    /// Signals the records of an ended process, and removes its spool once the engine has all of them.
    async fn replay(&self, abandoned: Abandoned) -> Delivery {
        let (mut all, mut facts) = (Delivery::Done, Vec::new());
        for (attempt, record) in &abandoned.records {
            if record.is_reported {
                continue;
            }
            let claim = || attempt.claim.clone();
            let lost = || Fact::unclear(claim(), "the worker ended during the create");
            let mut report = Report {
                job: record.job.clone(),
                attempt: attempt.clone(),
                fact: record.outcome.clone().unwrap_or_else(lost),
                step: None,
                is_spooled: false,
            };
            match self.deliver(&mut report).await {
                Delivery::Done => {}
                Delivery::Later => all = Delivery::Later,
                Delivery::EngineAway => return Delivery::EngineAway,
            }
            facts.push((record.outcome.is_none(), report.fact));
        }
        if all == Delivery::Done {
            self.metrics.recovered(&facts);
            if let Err(error) = abandoned.remove() {
                tracing::warn!(%error, "the spool of an ended process cannot be removed");
            }
        }
        all
    }

    /// Delivers an outcome as the result of its step, or by a signal if the step is not open.
    async fn deliver(&self, report: &mut Report) -> Delivery {
        if let Some(step) = &report.step {
            match self.complete(step, &report.fact).await {
                Ok(()) => {
                    report.step = None;
                    return Delivery::Done;
                }
                Err(AsyncActivityError::NotFound(_)) => report.step = None,
                // The signal would wait as long.
                Err(AsyncActivityError::Rpc(status)) if is_away(&status) => {
                    return refused(&status);
                }
                Err(error) => {
                    tracing::warn!(error = text(&error), "the step does not take its result");
                }
            }
        }
        self.signal(report).await
    }

    async fn complete(&self, step: &[u8], fact: &Fact) -> Result<(), AsyncActivityError> {
        let (fact, options) = (fact.clone(), RpcOptions::default());
        self.step(step).complete(Some(fact), options).await
    }

    /// The step that has this token of the engine.
    pub(super) fn step(&self, token: &[u8]) -> AsyncActivityHandle<Client> {
        let step = ActivityIdentifier::from_task_token(token.to_vec().into());
        self.engine.get_async_activity_handle(step)
    }

    /// Signals an outcome to its job.
    async fn signal(&self, report: &Report) -> Delivery {
        let options = WorkflowSignalOptions::builder()
            .request_id(report.request_id())
            .build();
        let job = self.workflow(report);
        let signal = job.signal(JobWorkflow::fact, report.fact.clone(), options);
        let error = match signal.await {
            Ok(()) => return Delivery::Done,
            Err(WorkflowInteractionError::NotFound(_)) => return self.without_run(report).await,
            Err(error) => error,
        };
        tracing::warn!(
            job = report.job,
            claim = report.attempt.claim.as_str(),
            error = text(&error),
            "the engine does not take the outcome"
        );
        undelivered(&error)
    }

    /// The workflow that an outcome is for: a handle is for the latest run of the job, whatever claimed it. Anything else is for the
    /// run of the claim, since another run may have a claim with the same id.
    fn workflow(&self, report: &Report) -> WorkflowHandle<Client, JobWorkflow> {
        self.run(&report.job, report.run())
    }

    /// A run of a job's workflow; the latest one, for `None`.
    pub(super) fn run(&self, job: &str, run: Option<&str>) -> WorkflowHandle<Client, JobWorkflow> {
        let job: WorkflowHandle<_, JobWorkflow> = self.engine.get_workflow_handle(job);
        let mut info = job.info().clone();
        info.run_id = run.map(str::to_owned);
        WorkflowHandle::new(self.engine.clone(), info)
    }

    /// Deals with an outcome whose run has ended or is unknown to the engine.
    async fn without_run(&self, report: &Report) -> Delivery {
        // Nobody waits for a claim that bought nothing.
        let is_free = matches!(report.fact, Fact::NotBought { .. } | Fact::Refused { .. });
        match is_free || self.is_known(report).await || self.keep_orphan(report).await {
            true => Delivery::Done,
            false => Delivery::Later,
        }
    }

    /// Whether the run has ended with this outcome, as after a signal whose response was lost.
    async fn is_known(&self, report: &Report) -> bool {
        // The next run may not have ended.
        let options = WorkflowGetResultOptions::builder()
            .follow_runs(false)
            .build();
        let ended = self.workflow(report).get_result(options).await;
        ended.is_ok_and(|mut job| job.apply(report.fact.clone(), now()).effect == Effect::Known)
    }

    /// Records an outcome whose job has ended or is unknown to the engine, so that a person can look at it.
    async fn keep_orphan(&self, report: &Report) -> bool {
        let (job, claim) = (&report.job, report.attempt.claim.as_str());
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

    fn pending(&self) -> MutexGuard<'_, VecDeque<Report>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of a report that the engine did not take.
fn undelivered(error: &WorkflowInteractionError) -> Delivery {
    match error {
        WorkflowInteractionError::Rpc(status) => refused(status),
        _ => Delivery::Later,
    }
}

/// What becomes of a report whose call had this status. An unknown error may be that of a broken connection, after which the next call
/// finds out whether the engine is away, or that of this report alone, which must not keep others from being delivered.
fn refused(status: &Status) -> Delivery {
    match status.code() != Code::Unknown && is_away(status) {
        true => Delivery::EngineAway,
        false => Delivery::Later,
    }
}

/// Runs file operations on a thread where they may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use aimlapi_video::GenerationHandle;

    use super::*;
    use crate::job::Timestamp;

    fn report(fact: Fact) -> Report {
        let attempt = Attempt {
            claim: "boat/1".into(),
            run: "a".into(),
        };
        Report {
            job: "boat".into(),
            attempt,
            fact,
            step: None,
            is_spooled: false,
        }
    }

    #[test]
    fn unknown_error_of_one_report_does_not_end_the_sweep() {
        let refused = |status: Status| undelivered(&WorkflowInteractionError::Rpc(status));
        assert_eq!(refused(Status::unknown("damaged")), Delivery::Later);
        assert_eq!(refused(Status::unavailable("away")), Delivery::EngineAway);
    }

    #[test]
    fn only_a_handle_is_for_another_run() {
        let handle = Fact::Created {
            claim: "boat/1".into(),
            handle: GenerationHandle::new("g1"),
            first_poll: Timestamp::default(),
        };
        assert_eq!(report(handle).run(), None);
        let now = Timestamp::default();
        let unused = Fact::unused("boat/1".into(), now, "the store is away");
        let unclear = Fact::unclear("boat/1".into(), "the worker ended during the create");
        for fact in [unused, unclear] {
            let mut report = report(fact);
            assert_eq!(report.run(), Some("a"));
            report.attempt.run.clear();
            assert_eq!(report.run(), None);
        }
    }

    #[test]
    fn engine_drops_a_repeated_outcome_and_no_other_one_of_the_same_claim() {
        let created = |id: &str| Fact::Created {
            claim: "boat/1".into(),
            handle: GenerationHandle::new(id),
            first_poll: Timestamp::default(),
        };
        let id = |fact| report(fact).request_id();
        let unclear = Fact::unclear("boat/1".into(), "the worker ended during the create");
        assert_eq!(id(created("g1")), id(created("g1")));
        assert_ne!(id(created("g1")), id(unclear));
        assert_ne!(id(created("g1")), id(created("g2")));
    }
}
