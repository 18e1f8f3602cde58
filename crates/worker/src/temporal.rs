//! Jobs on Temporal: a workflow for each job, and workers that run its steps.
//!
//! | module | subject |
//! |---|---|
//! | [`protocol`] | names and messages that command line, workflow and workers share |
//! | [`jobs`] | the client of jobs: submit, show, list, resolve |
//! | [`worker`] | the process that runs steps: its options, start and graceful stop |
//! | [`workflow`] | the workflow of a job |
//! | [`media`] | large media of requests, which go to the object store |
//! | [`metrics`] | counters and gauges for Prometheus |
//!
//! # One generation for a job
//!
//! The id of the workflow is the key of the job, so that the same key is the same job. Before a create, three places have its claim:
//! the history of the workflow, the object store, where the claim can be written once only, and the spool of the worker, on a local
//! disk. A worker sends the create in a task of its own, writes the outcome to its spool, and delivers it as the result of the step or,
//! if the engine does not confirm that, by a signal to the workflow. So a handle reaches its job if the step has timed out, if the
//! engine is away, and, from the spool, after the process has ended. A create without an outcome parks the job until a person decides,
//! unless its claim has not reached the store: a step takes its place there, after which the create cannot send, and the job is
//! planned again.
//!
//! A claim that has not reached the store leaves its number there to the next one. So a job that is reset, or submitted again after the
//! engine has forgotten it, meets the first number that a create has used, whatever fails in between. After a reset, the job goes on
//! with the generation of the earlier run that used the number; without such a generation, it is parked.
//!
//! # Cancelling
//!
//! A workflow that is cancelled in the engine is given up once nothing of it is in flight: a create and a generation are brought to their
//! end, since they are paid. A workflow that is terminated does nothing more; a handle that arrives later is an orphan.
//!
//! # Waiting
//!
//! A wait is one step, an attempt of which polls once and fails with the delay of the schedule: the timer is the server's, and a
//! waiting job has the same short history however often it is polled. The server limits the rate of the polls of all workers.
//!
//! # What is stored where
//!
//! - The histories of the engine have the request with its prompt, handles, and the response that names the videos, with signed
//!   URLs. They have no key.
//! - The object store has `{job}/{n}.{extension}` and `{job}.json`, `media/{sha256}` for texts of large requests, and
//!   `claims/{job}%2F{n}`. A claim is never removed: it keeps a key from buying again after the engine has forgotten the job.
//! - The spool has claims and their outcomes, until the jobs have received them. Outcomes whose jobs have ended, or are unknown to the
//!   engine, go to `orphans.jsonl` in the folder of the spool.

pub mod jobs;
pub mod media;
pub mod metrics;
pub mod protocol;
pub mod worker;
pub mod workflow;

mod attribute;
mod create;
mod earlier;
mod given_up;
mod marks;
mod poll;
mod reports;
mod save;
mod service;
mod tasks;
