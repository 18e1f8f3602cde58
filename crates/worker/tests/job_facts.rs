//! The state machine under facts of every kind in random order: duplicates, late and impossible ones, stale decisions, clocks
//! that jump, and crashes that drop what was not stored.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::{BTreeMap, BTreeSet};

use aimlapi_video::GenerationHandle;
use aimlapi_video::schedule::Fixed;
use aimlapi_video_worker::job::{
    Claim, ClaimOutcome, Decision, Effect, End, Fact, Job, JobState, Phase, Plan, SavedObject,
    ScheduleState, Timestamp, Verdict,
};
use proptest::prelude::*;
use serde_json::json;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn facts_in_any_order_keep_every_handle_and_permit_no_second_create(
        steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut observed = Observed::default();
        let mut job = Job::new("job", "00");
        for step in steps {
            let fact = step.fact.build(&job);
            let mut next = job.clone();
            let effect = next.apply(fact.clone(), step.now).effect;
            if step.is_dropped {
                // The process ends before the job is stored.
                continue;
            }
            observed.check(&job, &next, &fact, &effect);

            let mut again = next.clone();
            let effect = again.apply(fact, step.now).effect;
            prop_assert!(matches!(effect, Effect::Known | Effect::NotApplicable(_)), "{effect:?}");
            prop_assert_eq!(&again, &next);

            let read: Job = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
            prop_assert_eq!(&read, &next);
            job = read;
        }
    }
}

/// What the facts so far allow and require.
#[derive(Default)]
struct Observed {
    grants: usize,
    releases: usize,
    handles: BTreeSet<String>,
    saved: BTreeMap<String, Vec<SavedObject>>,
}

impl Observed {
    fn check(&mut self, before: &Job, after: &Job, fact: &Fact, effect: &Effect) {
        if matches!(fact, Fact::Claimed { .. }) && *effect == Effect::Changed {
            self.grants += 1;
        }
        let is_repeat = |decision: &&Decision| decision.verdict == Verdict::Repeat;
        let repeats = after.decisions().iter().filter(is_repeat).count();
        let is_planned = |job: &Job| job.phase().state() == JobState::Planned;
        if matches!(fact, Fact::NotBought { .. }) && !is_planned(before) && is_planned(after) {
            self.releases += 1;
        }
        assert!(self.grants <= 1 + repeats + self.releases);

        self.handles
            .extend(fact.handle().map(|handle| handle.id().to_owned()));
        let known = after.generations().iter();
        let known: BTreeSet<String> = known.map(|known| known.handle.id().to_owned()).collect();
        assert_eq!(known, self.handles);

        for generation in after.generations() {
            let id = generation.handle.id();
            match (&generation.end, self.saved.get(id)) {
                (Some(End::Saved(objects)), None) => {
                    self.saved.insert(id.to_owned(), objects.clone());
                }
                (Some(End::Saved(objects)), Some(saved)) => assert_eq!(objects, saved),
                (end, saved) => assert_eq!(saved, None, "{end:?}"),
            }
        }
        // A job that waits for a create does not know its outcome.
        let awaited = match after.phase() {
            Phase::Claimed { claim, .. } | Phase::Ambiguous { claim, .. } => Some(claim),
            _ => None,
        };
        for record in after
            .claims()
            .iter()
            .filter(|record| Some(&record.id) == awaited)
        {
            assert_eq!(record.outcome, ClaimOutcome::Open);
        }
        let is_saved = |job: &Job| job.phase().state() == JobState::Saved;
        let is_decided = matches!(fact, Fact::Decided { .. });
        assert!(
            !is_saved(before) || is_saved(after) || is_decided,
            "{fact:?}"
        );
        assert!(after.revision() >= before.revision());
        assert_eq!(
            after.phase().generation().is_some(),
            after.handle().is_some()
        );
    }
}

#[derive(Clone, Debug)]
struct Step {
    fact: Kind,
    now: Timestamp,
    is_dropped: bool,
}

fn step() -> impl Strategy<Value = Step> {
    let fact = prop_oneof![
        4 => (0..FACTS, 0..4_u8, 0..4_u8).prop_map(|(kind, claim, handle)| Kind::Fact { kind, claim, handle }),
        1 => (0..4_u8, 0..4_u8, prop::option::of(0..8_u64)).prop_map(|(verdict, handle, revision)| {
            Kind::Decision { verdict, handle, revision }
        }),
    ];
    (fact, 0..4_u64, prop::bool::weighted(0.1)).prop_map(|(fact, now, is_dropped)| Step {
        fact,
        now: Timestamp::from_millis(now),
        is_dropped,
    })
}

#[derive(Clone, Debug)]
enum Kind {
    Fact {
        kind: u8,
        claim: u8,
        handle: u8,
    },
    /// Without a revision, about the job as it is.
    Decision {
        verdict: u8,
        handle: u8,
        revision: Option<u64>,
    },
}

const FACTS: u8 = 12;

impl Kind {
    fn build(&self, job: &Job) -> Fact {
        match *self {
            Self::Fact {
                kind,
                claim,
                handle,
            } => fact(kind, claim, handle),
            Self::Decision {
                verdict,
                handle,
                revision,
            } => Fact::Decided {
                decision: Decision {
                    verdict: match verdict {
                        0 => Verdict::Adopt(self::handle(handle)),
                        1 => Verdict::GiveUp,
                        _ => Verdict::Repeat,
                    },
                    by: "Ada".into(),
                    why: "as the account's log shows".into(),
                    // A person cannot have seen a revision of the future.
                    revision: revision.unwrap_or(u64::MAX).min(job.revision()),
                },
            },
        }
    }
}

fn fact(kind: u8, claim: u8, generation: u8) -> Fact {
    let handle = handle(generation);
    let id = format!("claim-{claim}");
    let reason = "reason".to_owned();
    let time = Timestamp::from_millis(u64::from(generation));
    match kind {
        0 => Fact::Claimed {
            claim: Claim::new(id, "worker", Timestamp::from_millis(u64::from(claim) + 1)),
        },
        1 => Fact::not_bought(id.into(), time, reason),
        2 => Fact::Refused {
            claim: id.into(),
            reason,
        },
        3 => Fact::unclear(id.into(), reason),
        4 | 5 => Fact::Created {
            claim: id.into(),
            handle,
            first_poll: time,
        },
        6 => {
            let mut schedule = ScheduleState::new(&handle, time);
            schedule.polls = claim.into();
            schedule.plan(
                &handle,
                &Plan::new(&Fixed::every(std::time::Duration::from_secs(1))),
                None,
            );
            Fact::Polled { handle, schedule }
        }
        7 => Fact::Completed { handle },
        8 => Fact::GenerationFailed { handle, reason },
        9 => Fact::Lost { handle, reason },
        10 => Fact::SaveFailed {
            handle,
            not_before: time,
        },
        _ => Fact::Saved {
            objects: vec![SavedObject {
                key: handle.id().into(),
                sha256: "00".into(),
                bytes: claim.into(),
            }],
            handle,
        },
    }
}

/// A generation, whose handle is full for some and a bare id for others.
fn handle(generation: u8) -> GenerationHandle {
    let id = format!("generation-{generation}");
    match generation % 2 {
        0 => GenerationHandle::new(id),
        _ => serde_json::from_value(json!({ "id": id, "origin": "https://api.aimlapi.com" }))
            .unwrap(),
    }
}
