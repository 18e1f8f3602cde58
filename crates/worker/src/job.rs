//! The state machine of one job.
