//! The state of the model and its steps.

use aimlapi_video_worker::job::{Action, Fact, JobState, Timestamp};

use crate::{
    Setup,
    jobs::{Jobs, State, claim_of},
};

/// The bounds of the model.
pub(crate) const CLAIMS: u8 = 3;
const CRASHES: u8 = 2;
const REFUSALS: u8 = 1;
const FAILURES: u8 = 1;

/// The end of every lease. Before it, the time is 1970.
pub(crate) const UNTIL: Timestamp = Timestamp::from_millis(1000);

/// What a worker is doing, with the number of its claim.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Worker {
    Idle,
    Requested(u8),
    Permitted(u8),
    /// The permit is spent, and the request has not reached the service.
    Sending(u8),
    /// The service has created a generation, or refused the request for now; the response is on its way.
    Created(u8),
    Refused(u8),
}

/// The kinds of facts, each of which exists once for each claim.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Claimed,
    NotBought,
    Unclear,
    Created,
    Decided,
    Completed,
    Failed,
    Saved,
}

/// The kinds that travel as messages.
const MESSAGES: [Kind; 5] = [
    Kind::Claimed,
    Kind::NotBought,
    Kind::Unclear,
    Kind::Created,
    Kind::Decided,
];

/// The bit of a message.
fn message(kind: Kind, claim: u8) -> u32 {
    1 << (kind as u8 * CLAIMS + claim)
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct World {
    /// The number of the job's state.
    pub(crate) job: usize,
    pub(crate) workers: [Worker; 2],
    pub(crate) claims: u8,
    /// A bit for each claim that bought a generation, and whose lease has ended.
    pub(crate) bought: u8,
    pub(crate) expired: u8,
    pub(crate) sends: u8,
    pub(crate) refusals: u8,
    pub(crate) failures: u8,
    pub(crate) crashes: u8,
    /// The revision that the person saw when deciding.
    pub(crate) decision: Option<u64>,
    /// A bit for each message that was sent.
    pub(crate) sent: u32,
}

impl World {
    fn send(mut self, kind: Kind, claim: u8) -> Self {
        self.sent |= message(kind, claim);
        self
    }

    fn worker(mut self, at: usize, worker: Worker) -> Self {
        self.workers[at] = worker;
        // The workers are alike, so their order does not matter.
        self.workers.sort();
        self
    }

    pub(crate) fn is_expired(&self, claim: u8) -> bool {
        self.expired & 1 << claim != 0
    }

    pub(crate) fn repeats(&self) -> u32 {
        self.decision.is_some().into()
    }
}

pub(crate) fn steps(
    world: World,
    jobs: &mut Jobs,
    setup: &Setup,
) -> Result<Vec<World>, &'static str> {
    let state = jobs.states[world.job].clone();
    let job = &state.job;
    let mut next = Vec::new();
    for at in 0..world.workers.len() {
        next.extend(worker_steps(world, at, &state, setup));
    }
    // The end of a lease that no one looks at any more makes no difference.
    let is_held = |claim: u8| {
        let holds = [Worker::Requested(claim), Worker::Permitted(claim)];
        job.claim() == Some(&claim_of(claim))
            || world.workers.iter().any(|held| holds.contains(held))
    };
    for claim in (0..world.claims).filter(|claim| !world.is_expired(*claim) && is_held(*claim)) {
        next.push(World {
            expired: world.expired | 1 << claim,
            ..world
        });
    }
    for claim in (0..world.claims).filter(|claim| world.is_expired(*claim)) {
        if state.claimed == Some(claim) {
            next.push(world.send(Kind::Unclear, claim));
        }
    }
    if world.decision.is_none() && job.phase().state() == JobState::Ambiguous {
        let decision = Some(job.revision());
        next.push(World { decision, ..world }.send(Kind::Decided, 0));
    }
    // Polls and saves are seen at once: their delays are part of the tests of random facts.
    let seen: &[Kind] = match state.action {
        Action::Poll { .. } if world.failures < FAILURES => &[Kind::Completed, Kind::Failed],
        Action::Poll { .. } => &[Kind::Completed],
        Action::Save { .. } => &[Kind::Saved],
        _ => &[],
    };
    for (kind, claim) in seen
        .iter()
        .flat_map(|kind| state.current.map(|claim| (*kind, claim)))
    {
        let failures = world.failures + u8::from(kind == Kind::Failed);
        let job = jobs.apply(&world, kind, claim, setup)?;
        next.push(World {
            job,
            failures,
            ..world
        });
    }
    for kind in MESSAGES {
        for claim in (0..CLAIMS).filter(|claim| world.sent & message(kind, *claim) != 0) {
            let job = jobs.apply(&world, kind, claim, setup)?;
            next.push(World { job, ..world });
        }
    }
    next.retain(|next| *next != world);
    Ok(next)
}

fn worker_steps(world: World, at: usize, state: &State, setup: &Setup) -> Vec<World> {
    let idle = world.worker(at, Worker::Idle);
    let mut next = match world.workers[at] {
        Worker::Idle => {
            let may_claim = matches!(state.action, Action::Claim { .. }) && world.claims < CLAIMS;
            return Vec::from_iter(may_claim.then(|| {
                let claim = world.claims;
                let requested = world.worker(at, Worker::Requested(claim));
                let claims = claim + 1;
                World {
                    claims,
                    ..requested
                }
                .send(Kind::Claimed, claim)
            }));
        }
        Worker::Requested(claim) => {
            let is_stored = state.claimed == Some(claim);
            let is_acknowledged = is_stored || !setup.waits_for_acknowledgement;
            let permitted = is_acknowledged.then(|| world.worker(at, Worker::Permitted(claim)));
            Vec::from_iter(
                permitted
                    .into_iter()
                    .chain([idle.send(Kind::NotBought, claim)]),
            )
        }
        Worker::Permitted(claim) => {
            let now = if world.is_expired(claim) {
                UNTIL
            } else {
                Timestamp::default()
            };
            // The real permit decides.
            match claim_of(claim).delivered_once().spend(now) {
                Ok(_) => vec![world.worker(at, Worker::Sending(claim))],
                Err(Fact::NotBought { .. }) => vec![idle.send(Kind::NotBought, claim)],
                Err(fact) => panic!("{fact:?}"),
            }
        }
        Worker::Sending(claim) => {
            let sends = world.sends + 1;
            let bought = world.bought | 1 << claim;
            let created = World {
                sends,
                bought,
                ..world
            }
            .worker(at, Worker::Created(claim));
            let refusals = world.refusals + 1;
            let refused = World {
                sends,
                refusals,
                ..world
            }
            .worker(at, Worker::Refused(claim));
            Vec::from_iter(
                [created]
                    .into_iter()
                    .chain((refusals <= REFUSALS).then_some(refused)),
            )
        }
        // The response arrives, or is lost.
        Worker::Created(claim) => {
            vec![
                idle.send(Kind::Created, claim),
                idle.send(Kind::Unclear, claim),
            ]
        }
        Worker::Refused(claim) => {
            vec![
                idle.send(Kind::NotBought, claim),
                idle.send(Kind::Unclear, claim),
            ]
        }
    };
    if world.crashes < CRASHES {
        let crashes = world.crashes + 1;
        next.push(World { crashes, ..idle });
    }
    next
}
