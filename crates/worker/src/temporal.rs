//! Jobs on Temporal: a workflow for each job, and workers that run its steps.
//!
//! | module | subject |
//! |---|---|
//! | [`protocol`] | names and messages that command line, workflow and workers share |
//! | [`jobs`] | the client of jobs: submit, show, list, resolve |
//! | [`worker`] | the process that runs steps: its options, start and graceful stop |

pub mod jobs;
pub mod protocol;
pub mod worker;
