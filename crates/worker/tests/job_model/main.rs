//! An exhaustive check of a small model: all orders of the steps of two workers, one job, a service, a network that delays, repeats
//! and drops messages, and a person who allows one repetition.
//!
//! Messages that were sent stay deliverable for ever, so every delay, order, loss and duplicate is among the orders. A lease can
//! end at any moment, so every pause beyond it is, too. To show that the checks can fail, the same search runs on machines
//! and workers with a mistake.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_worker::job::{Decision, Fact, Job, JobState, Timestamp, Verdict};

use search::explore;

mod jobs;
mod search;
mod world;

#[test]
fn every_order_of_steps_buys_once_and_loses_no_handle() {
    let explored = explore(&Setup::default()).unwrap();
    println!(
        "{} states of the model, {} of the job, {} transitions",
        explored.states, explored.jobs, explored.transitions
    );
    assert!(explored.states > 10_000, "{}", explored.states);
    for state in [
        JobState::Planned,
        JobState::Claimed,
        JobState::Waiting,
        JobState::Saving,
        JobState::Saved,
        JobState::Failed,
        JobState::Ambiguous,
    ] {
        assert!(explored.seen.contains(&state), "{state:?} was not reached");
    }
    assert_eq!(
        explored.max_bought, 2,
        "a repetition can buy a second generation"
    );
}

#[test]
fn machine_that_drops_late_handles_is_caught() {
    let found = violation(|job, fact, now| match &fact {
        Fact::Created { claim, .. } if job.claim().is_none_or(|held| held.id != *claim) => {}
        _ => apply(job, fact, now),
    });
    assert_eq!(found, "a handle that arrived is not in the job");
}

#[test]
fn machine_that_keeps_one_generation_is_caught() {
    let found = violation(|job, fact, now| match &fact {
        Fact::Created { .. } if !job.generations().is_empty() => {}
        _ => apply(job, fact, now),
    });
    assert_eq!(found, "a handle that arrived is not in the job");
}

#[test]
fn machine_that_permits_again_after_a_lease_is_caught() {
    let found = violation(|job, fact, now| {
        apply(job, fact, now);
        if job.phase().state() == JobState::Ambiguous {
            apply(job, repeat(job.revision()), now);
        }
    });
    assert_eq!(found, "more was bought than a person allowed");
}

#[test]
fn machine_that_takes_silence_for_a_refusal_is_caught() {
    let found = violation(|job, fact, now| match fact {
        Fact::Unclear { claim, reason } => {
            apply(job, Fact::not_bought(claim, now, reason), now);
        }
        _ => apply(job, fact, now),
    });
    assert_eq!(found, "a generation is neither a handle nor open");
}

#[test]
fn machine_that_applies_stale_decisions_is_caught() {
    let found = violation(|job, fact, now| match fact {
        Fact::Decided { .. } => apply(job, repeat(job.revision()), now),
        _ => apply(job, fact, now),
    });
    assert_eq!(found, "more was bought than a person allowed");
}

#[test]
fn worker_that_creates_before_its_claim_is_acknowledged_is_caught() {
    let setup = Setup {
        waits_for_acknowledgement: false,
        ..Setup::default()
    };
    let found = explore(&setup).unwrap_err();
    assert_eq!(found, "a generation is neither a handle nor open");
}

/// A person's decision about the job at `revision`.
pub(crate) fn repeat(revision: u64) -> Fact {
    Fact::Decided {
        decision: Decision {
            verdict: Verdict::Repeat,
            by: "Ada".into(),
            why: "not in the account's log".into(),
            revision,
        },
    }
}

/// The violation that the search finds if `machine` applies the facts.
fn violation(machine: impl Fn(&mut Job, Fact, Timestamp) + 'static) -> &'static str {
    let setup = Setup {
        machine: Box::new(machine),
        ..Setup::default()
    };
    explore(&setup).unwrap_err()
}

fn apply(job: &mut Job, fact: Fact, now: Timestamp) {
    let _ = job.apply(fact, now);
}

/// What applies a fact to the job.
type Machine = Box<dyn Fn(&mut Job, Fact, Timestamp)>;

pub(crate) struct Setup {
    machine: Machine,
    waits_for_acknowledgement: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            machine: Box::new(apply),
            waits_for_acknowledgement: true,
        }
    }
}
