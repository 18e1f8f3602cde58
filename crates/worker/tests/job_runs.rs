//! Many random runs of a whole system: three workers with wrong clocks, a store whose writes fail, a network that delays, repeats and
//! loses messages, crashes, pauses beyond the lease, lost responses, refusals, and a person who decides.
//!
//! `JOB_RUNS` is the number of runs, `JOB_SEED` the first seed. The permits are the real ones.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{collections::BTreeMap, time::Duration};

use aimlapi_video::GenerationHandle;
use aimlapi_video_worker::job::{
    Action, ClaimId, ClaimRequest, Claimant, Decision, Fact, Job, JobState, Permit, SavedObject,
    Timestamp, Verdict,
};

#[test]
fn random_runs_double_no_create_and_lose_no_generation() {
    let number = |name, default| {
        let text = std::env::var(name).ok();
        text.map_or(default, |text| text.parse().unwrap())
    };
    let (runs, seed) = (number("JOB_RUNS", 10_000), number("JOB_SEED", 1));
    let mut total = Counts::default();
    for seed in seed..seed + runs {
        let counts = System::new(seed).run();
        counts
            .check()
            .unwrap_or_else(|what| panic!("seed {seed}: {what}: {counts:?}"));
        counts
            .0
            .into_iter()
            .for_each(|(name, count)| total.add(name, count));
    }
    println!("{runs} runs: {:?}", total.0);
    // The runs reach what they are meant to test.
    for name in [
        "saved",
        "ambiguous",
        "repeats",
        "refusals",
        "adopted late",
        "spares",
    ] {
        assert!(total.get(name) > runs / 200, "{name}: {:?}", total.0);
    }
}

/// What happened, by name.
#[derive(Debug, Default)]
struct Counts(BTreeMap<&'static str, u64>);

impl Counts {
    fn add(&mut self, name: &'static str, count: impl Into<u64>) {
        *self.0.entry(name).or_default() += count.into();
    }

    fn get(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    fn check(&self) -> Result<(), &'static str> {
        if self.get("doubled") > 0 {
            return Err("a create was doubled");
        }
        if self.get("sent") > 1 + self.get("repeats") + self.get("refusals") {
            return Err("more creates were sent than allowed");
        }
        if self.get("accounted for") < self.get("bought") {
            return Err("a generation is lost");
        }
        match self.get("ended") {
            0 => Err("the job has not ended"),
            _ => Ok(()),
        }
    }
}

enum Worker {
    Idle,
    Requested(ClaimRequest),
    Permitted(Permit),
    /// The permit is spent.
    Sending(ClaimId),
    /// The service has responded with a handle, or refused; the response is on its way.
    Responded(ClaimId, Option<GenerationHandle>),
}

struct System {
    random: Random,
    now: u64,
    job: Job,
    claimants: Vec<Claimant>,
    workers: Vec<Worker>,
    /// Messages on their way, and facts that workers have spooled on disk.
    messages: Vec<Fact>,
    /// The service's list of generations, by claim.
    service: Vec<(ClaimId, GenerationHandle)>,
    counts: Counts,
}

const WORKERS: usize = 3;
const LEASE: u64 = 60;

/// The steps with faults, and then the steps without.
const STEPS: (u32, u32) = (60, 2000);

impl System {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            now: 1_000_000,
            job: Job::new("job", "00"),
            claimants: (0..WORKERS)
                .map(|worker| Claimant::new(format!("w{worker}")))
                .collect(),
            workers: (0..WORKERS).map(|_| Worker::Idle).collect(),
            messages: Vec::new(),
            service: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn run(mut self) -> Counts {
        for step in 0..STEPS.0 + STEPS.1 {
            let faults = step < STEPS.0;
            if faults {
                // Time passes, and clocks are set forward and back.
                self.now += self.random.below(20);
                if self.random.one_in(30) {
                    self.now = self.now + 200 - self.random.below(400);
                }
            } else {
                self.now += 1;
            }
            match self.random.below(10) {
                0..5 => self.work(faults),
                5..8 => self.deliver(faults),
                8 => self.sweep(),
                _ => self.serve(faults),
            }
            if !faults && self.is_quiet() {
                break;
            }
        }
        self.judge()
    }

    /// One step of a random worker. A worker that is not chosen for long is paused.
    fn work(&mut self, faults: bool) {
        let at = self.random.below(WORKERS as u64) as usize;
        let now = self.clock();
        let worker = std::mem::replace(&mut self.workers[at], Worker::Idle);
        if faults && self.random.one_in(12) {
            // The process is killed: its claimant ends with it, and the next one has another name.
            let name = format!("w{at}-{}", self.random.next());
            self.claimants[at] = Claimant::new(name);
            return;
        }
        self.workers[at] = match worker {
            Worker::Idle => match self.job.action() {
                Action::Claim { .. } => {
                    let request = self.claimants[at].request(now + Duration::from_secs(LEASE));
                    self.messages.push(request.fact());
                    Worker::Requested(request)
                }
                _ => Worker::Idle,
            },
            Worker::Requested(request) => match request.acknowledged(self.job.claim()) {
                Ok(permit) => Worker::Permitted(permit),
                Err(request) if self.random.one_in(3) => {
                    self.messages.push(request.withdraw(now));
                    Worker::Idle
                }
                Err(request) => Worker::Requested(request),
            },
            Worker::Permitted(permit) => match permit.spend(now) {
                Ok(claim) => Worker::Sending(claim),
                Err(fact) => {
                    self.messages.push(fact);
                    Worker::Idle
                }
            },
            Worker::Sending(claim) => self.create(claim, faults),
            Worker::Responded(claim, handle) => {
                let is_lost = faults && self.random.one_in(4);
                self.messages.push(match handle {
                    _ if is_lost => Fact::unclear(claim, "the response was lost"),
                    Some(handle) => Fact::Created {
                        claim,
                        handle,
                        first_poll: now,
                    },
                    None => Fact::not_bought(claim, now, "429"),
                });
                Worker::Idle
            }
        };
    }

    /// The request reaches the service.
    fn create(&mut self, claim: ClaimId, faults: bool) -> Worker {
        self.counts.add("sent", 1_u64);
        if faults && self.random.one_in(4) {
            self.counts.add("refusals", 1_u64);
            return Worker::Responded(claim, None);
        }
        self.counts.add("bought", 1_u64);
        if self.counts.get("bought") > 1 + self.repeats() {
            self.counts.add("doubled", 1_u64);
        }
        let handle = GenerationHandle::new(format!("generation of {claim}"));
        self.service.push((claim.clone(), handle.clone()));
        Worker::Responded(claim, Some(handle))
    }

    /// One message arrives. It may arrive again, and the store's write may fail.
    fn deliver(&mut self, faults: bool) {
        if self.messages.is_empty() {
            return;
        }
        let at = self.random.below(self.messages.len() as u64) as usize;
        let fact = match faults && self.random.one_in(3) {
            true => self.messages[at].clone(),
            false => self.messages.swap_remove(at),
        };
        // Requests and observations are not spooled, so they can be lost. What a worker knows of money is repeated until it arrives.
        let is_spooled = matches!(
            fact,
            Fact::Created { .. } | Fact::NotBought { .. } | Fact::Unclear { .. }
        );
        if faults && self.random.one_in(8) {
            if is_spooled {
                self.messages.push(fact);
            }
            return;
        }
        self.apply(fact);
    }

    fn apply(&mut self, fact: Fact) {
        let before = self.job.phase().state();
        let is_created = matches!(fact, Fact::Created { .. });
        let now = self.clock();
        let _ = self.job.apply(fact, now);
        let after = self.job.phase().state();
        if before != after {
            self.counts.add("ambiguous", after == JobState::Ambiguous);
            let is_late = is_created && before != JobState::Claimed;
            self.counts.add("adopted late", is_late);
        }
        assert!(
            before != JobState::Saved || after == before,
            "the job left its end"
        );
    }

    /// The sweeper parks jobs whose lease has ended; the person decides about parked ones.
    fn sweep(&mut self) {
        match self.job.action() {
            Action::Create { claim, until } if until <= self.clock() => {
                self.apply(Fact::unclear(claim, "the lease has ended"));
            }
            Action::Ask if self.random.one_in(3) => {
                // The account's log shows the generations that the service has created.
                let unknown = |handle: &&GenerationHandle| {
                    self.job
                        .generations()
                        .iter()
                        .all(|known| known.handle != **handle)
                };
                let found = self
                    .service
                    .iter()
                    .map(|(_, handle)| handle)
                    .find(unknown)
                    .cloned();
                let verdict = match found {
                    Some(handle) if self.random.one_in(2) => Verdict::Adopt(handle),
                    _ if self.random.one_in(4) => Verdict::GiveUp,
                    _ => Verdict::Repeat,
                };
                let decision = Decision {
                    verdict,
                    by: "Ada".into(),
                    why: "as the account's log shows".into(),
                    revision: self.job.revision(),
                };
                self.messages.push(Fact::Decided { decision });
            }
            _ => {}
        }
    }

    /// The job's generation is polled or saved.
    fn serve(&mut self, faults: bool) {
        let fact = match self.job.action() {
            Action::Poll { handle, .. } => match self.random.below(if faults { 6 } else { 2 }) {
                0..4 => Fact::Completed { handle },
                4 => Fact::GenerationFailed {
                    handle,
                    reason: "failed".into(),
                },
                _ => Fact::Lost {
                    handle,
                    reason: "404".into(),
                },
            },
            Action::Save { handle, .. } => Fact::Saved {
                objects: vec![SavedObject {
                    key: format!("job/{}.mp4", handle.id()),
                    sha256: "00".into(),
                    bytes: 1,
                }],
                handle,
            },
            _ => return,
        };
        self.messages.push(fact);
    }

    /// The repetitions that a person has decided and the job has applied.
    fn repeats(&self) -> u64 {
        let decisions = self.job.decisions().iter();
        decisions
            .filter(|decision| decision.verdict == Verdict::Repeat)
            .count() as u64
    }

    fn is_quiet(&self) -> bool {
        let is_idle = |worker: &Worker| matches!(worker, Worker::Idle);
        self.messages.is_empty()
            && self.workers.iter().all(is_idle)
            && self.job.action() == Action::Nothing
    }

    /// The clock of a random machine, up to 5 s wrong.
    fn clock(&mut self) -> Timestamp {
        let seconds = self.now + self.random.below(10);
        Timestamp::from_millis(1000 * seconds)
    }

    fn judge(mut self) -> Counts {
        self.counts.add("repeats", self.repeats());
        let job = &self.job;
        let read: Job = serde_json::from_str(&serde_json::to_string(job).unwrap()).unwrap();
        assert_eq!(read, *job);
        let holds = |handle: &GenerationHandle| {
            job.generations()
                .iter()
                .any(|known| known.handle == *handle)
        };
        let is_open = |claim: &ClaimId| job.open_claims().any(|open| open.id == *claim);
        let accounted = self.service.iter();
        let accounted = accounted.filter(|(claim, handle)| holds(handle) || is_open(claim));
        let counts = &mut self.counts;
        counts.add("accounted for", accounted.count() as u64);
        counts.add("spares", (job.generations().len() as u64).saturating_sub(1));
        counts.add("saved", job.phase().state() == JobState::Saved);
        counts.add("ended", job.action() == Action::Nothing);
        self.counts
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, number: u64) -> bool {
        self.below(number) == 0
    }
}
