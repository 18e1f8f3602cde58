//! Jobs on Temporal: a workflow for each job, and workers that run its steps.
//!
//! | module | subject |
//! |---|---|
//! | [`protocol`] | names and messages that command line, workflow and workers share |
//! | [`jobs`] | the client of jobs: submit, show, list, resolve |
//! | [`worker`] | the process that runs steps: its options, start and graceful stop |
//! | [`workflow`] | the workflow of a job |
//! | [`media`] | large media of requests, which go to the object store |
//! | [`store`] | the object store |
//! | [`metrics`] | counters and gauges for Prometheus |

pub mod jobs;
pub mod media;
pub mod metrics;
pub mod protocol;
pub mod store;
pub mod worker;
pub mod workflow;

mod attribute;
mod create;
mod poll;
mod reports;
mod save;
mod service;
mod tasks;
