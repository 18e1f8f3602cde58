//! The states of the job, and the facts that lead from one to the next.

use std::{collections::HashMap, rc::Rc};

use aimlapi_video::GenerationHandle;
use aimlapi_video_worker::job::{
    Action, Claim, ClaimOutcome, Fact, Job, JobState, SavedObject, Timestamp,
};

use crate::{
    Setup, repeat,
    world::{CLAIMS, Kind, UNTIL, World},
};

/// The states of the job, and the facts that were applied to each.
#[derive(Default)]
pub(crate) struct Jobs {
    pub(crate) states: Vec<Rc<State>>,
    pub(crate) numbers: HashMap<String, usize>,
    pub(crate) applied: HashMap<(usize, Kind, u8, Option<u64>, bool), usize>,
}

/// A state of the job, and what the search reads of it often.
pub(crate) struct State {
    pub(crate) job: Job,
    pub(crate) action: Action,
    pub(crate) claimed: Option<u8>,
    pub(crate) current: Option<u8>,
    /// A bit for each claim whose generation is known, or which is known to be open.
    pub(crate) accounted: u8,
}

impl State {
    fn new(job: Job) -> Self {
        let find = |wanted: &dyn Fn(u8) -> bool| (0..CLAIMS).find(|claim| wanted(*claim));
        let is_open = |claim: u8| {
            let id = claim_of(claim).id;
            let record = job.claims().iter().find(|record| record.id == id);
            record.is_some_and(|record| record.outcome == ClaimOutcome::Open)
        };
        let accounted = (0..CLAIMS).filter(|claim| holds(&job, *claim) || is_open(*claim));
        Self {
            claimed: find(&|claim| job.claim() == Some(&claim_of(claim))),
            current: find(&|claim| job.handle() == Some(&handle(claim))),
            accounted: accounted.map(|claim| 1 << claim).sum(),
            action: job.action(),
            job,
        }
    }
}

impl Jobs {
    pub(crate) fn number(&mut self, job: Job) -> usize {
        let text = serde_json::to_string(&job).unwrap();
        let states = &mut self.states;
        *self.numbers.entry(text).or_insert_with(|| {
            states.push(Rc::new(State::new(job)));
            states.len() - 1
        })
    }

    pub(crate) fn apply(
        &mut self,
        world: &World,
        kind: Kind,
        claim: u8,
        setup: &Setup,
    ) -> Result<usize, &'static str> {
        let is_late = world.is_expired(claim) && kind == Kind::Claimed;
        let key = (world.job, kind, claim, world.decision, is_late);
        if let Some(number) = self.applied.get(&key) {
            return Ok(*number);
        }
        let before = &self.states[world.job].job;
        let fact = fact(kind, claim, world.decision);
        let has_handle = fact.handle().is_some();
        let now = if is_late { UNTIL } else { Timestamp::default() };
        let mut after = before.clone();
        (setup.machine)(&mut after, fact, now);
        if has_handle && !holds(&after, claim) {
            return Err("a handle that arrived is not in the job");
        }
        if (0..CLAIMS).any(|claim| holds(before, claim) && !holds(&after, claim)) {
            return Err("the job has lost a handle");
        }
        let is_saved = |job: &Job| job.phase().state() == JobState::Saved;
        if is_saved(before) && !is_saved(&after) {
            return Err("the job has lost its end");
        }
        let number = self.number(after);
        self.applied.insert(key, number);
        Ok(number)
    }
}

fn fact(kind: Kind, claim: u8, decision: Option<u64>) -> Fact {
    let (id, handle) = (claim_of(claim).id, handle(claim));
    match kind {
        Kind::Claimed => Fact::Claimed {
            claim: claim_of(claim),
        },
        Kind::NotBought => Fact::not_bought(id, Timestamp::default(), "429"),
        Kind::Unclear => Fact::unclear(id, "no evidence"),
        Kind::Created => Fact::Created {
            claim: id,
            handle,
            first_poll: Timestamp::default(),
        },
        Kind::Completed => Fact::Completed { handle },
        Kind::Failed => Fact::GenerationFailed {
            handle,
            reason: "failed".into(),
        },
        Kind::Saved => Fact::Saved {
            handle,
            objects: vec![SavedObject {
                key: format!("job/{claim}.mp4"),
                sha256: "00".into(),
                bytes: 1,
            }],
        },
        Kind::Decided => repeat(decision.unwrap()),
    }
}

fn holds(job: &Job, claim: u8) -> bool {
    job.generations()
        .iter()
        .any(|known| known.handle == handle(claim))
}

pub(crate) fn claim_of(claim: u8) -> Claim {
    Claim::new(format!("worker/{claim}"), "worker", UNTIL)
}

fn handle(claim: u8) -> GenerationHandle {
    GenerationHandle::new(format!("generation-{claim}"))
}
