//! The guide: one page for each task, with compiled examples.
//!
//! | page | subject |
//! |---|---|
//! | [`requests`] | builders, requests read at run time, media from files, violations and warnings |
//! | [`waiting`] | handles, deadlines, what is retried, when the service is polled, progress |
//! | [`batches`] | many generations at once, and the journal that prevents a second create after a crash |
//! | [`many_machines`] | durable jobs on Temporal, with results in an object store, and a runbook |
//! | [`downloads`] | targets, resumed downloads, truncated files, which hosts are refused |
//! | [`contract_tests`] | tests of your own code, in any language, against the simulator |
//! | [`documents`] | the OpenAPI documents, your own set of them, versions of this crate |
//! | [`command_line`] | commands, environment variables, exit codes |
//!
//! The modules hold nothing but these pages, and exist in the documentation alone.

#[doc = include_str!("guide/batches.md")]
pub mod batches {}
#[doc = include_str!("guide/command_line.md")]
pub mod command_line {}
#[doc = include_str!("guide/contract_tests.md")]
pub mod contract_tests {}
#[doc = include_str!("guide/documents.md")]
pub mod documents {}
#[doc = include_str!("guide/downloads.md")]
pub mod downloads {}
#[doc = include_str!("guide/many_machines.md")]
pub mod many_machines {}
#[doc = include_str!("guide/requests.md")]
pub mod requests {}
#[doc = include_str!("guide/waiting.md")]
pub mod waiting {}
