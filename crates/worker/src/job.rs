//! The state machine of one job, without I/O and without a clock.
//!
//! A [`Job`] is plain data that serialises with serde: it can be a row of a table, a file, or the state of a workflow. Callers
//! [apply](Job::apply) facts to it, store it, and do what its [`action`](Job::action) says.
//!
//! | state | meaning | action | the usual next state |
//! |---|---|---|---|
//! | [`Planned`](Phase::Planned) | nothing is in flight | claim, not before a time | `Claimed` |
//! | [`Claimed`](Phase::Claimed) | one worker may create until its lease ends | the holder of the permit creates | `Waiting`; `Refused`; `Planned` if nothing was bought; `Ambiguous` if the create may have been sent |
//! | [`Waiting`](Phase::Waiting) | the generation exists | poll at a time | `Saving`, `Failed`, `Lost` |
//! | [`Saving`](Phase::Saving) | the generation is completed | save its videos | `Saved` |
//! | [`Saved`](Phase::Saved) | end: the videos are in the store | | |
//! | [`Refused`](Phase::Refused) | end: the service refused the request; nothing was bought | | `Planned` if a person repeats |
//! | [`Failed`](Phase::Failed) | end: no video, or a person gave the job up | | `Planned` if a person repeats |
//! | [`Ambiguous`](Phase::Ambiguous) | parked: a create may have been sent, and no handle is known | ask a person | `Planned`, `Waiting` or `Failed`, as the person decides |
//! | [`Lost`](Phase::Lost) | parked: the service no longer knows the generation, or its file is gone | ask a person | as `Ambiguous` |
//!
//! # Who may create
//!
//! 1. A worker requests a [claim](Claimant::request), applies its [fact](ClaimRequest::fact) and stores the job.
//! 2. After the store has acknowledged the job, [`ClaimRequest::acknowledged`] makes the [`Permit`]. A permit cannot be copied
//!    or stored, so each claim sends at most one create.
//! 3. [`Permit::spend`] consumes the permit, unless the lease has ended. The worker sends the create and applies its
//!    [outcome](Fact::of_create).
//!
//! A claim does not say whether its create was sent. If its lease ends, or its worker dies, without another fact,
//! [`Fact::unclear`] parks the job. Only a person can then allow another create, by a [`Decision`] with a name and a reason. A job
//! that was claimed is planned again without a person only if the worker states that
//! [nothing was bought](Fact::NotBought).
//!
//! # Several generations
//!
//! A handle is accepted at any time: in every state, for every claim, and after the lease. If the job has no generation of its
//! own (it is planned, claimed, parked, refused or failed), the generation becomes its own, and the job waits for it: this may
//! save a second create that a person has allowed. Else the handle is one more of the [generations](Job::generations). When
//! the job's own generation fails or is lost, the next one takes its place. A generation that a person has given up stays so.
//! A person can [adopt](Verdict::Adopt) any generation at any time, also to save the video of a second one.
//! [`Job::open_claims`] lists the creates whose outcome was never found out.
//!
//! # Versions
//!
//! Fields that a newer version has added are kept. A job in a state that this version does not know does nothing:
//! its handles are recorded and its facts kept until a newer version applies one. A [`Job`] that cannot be read at all is an error
//! of the deserialiser, so it is not overwritten.
//!
//! # Example
//!
//! A job that is driven by hand, with a map as the store:
//!
//! ```
//! use std::{collections::HashMap, time::Duration};
//! use aimlapi_video::GenerationHandle;
//! use aimlapi_video_worker::job::{Action, Claimant, Effect, Fact, Job, JobState, SavedObject, Timestamp};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut store = HashMap::new();
//! let mut now = Timestamp::from(std::time::SystemTime::now());
//! // Applies a fact, and stores the job.
//! let mut apply = |fact, now| {
//!     let stored = store.entry("boat").or_insert_with(|| serde_json::json!(Job::new("boat", "c0ffee")));
//!     let mut job: Job = serde_json::from_value(stored.clone())?;
//!     let applied = job.apply(fact, now);
//!     *stored = serde_json::to_value(&job)?;
//!     Ok::<_, serde_json::Error>((job, applied))
//! };
//!
//! let mut claimant = Claimant::new("host-1/4711/2026-11-28T01:00:00Z");
//! let request = claimant.request(now + Duration::from_secs(60));
//! let (job, _) = apply(request.fact(), now)?;
//! let permit = request.acknowledged(job.claim()).expect("no other worker has claimed the job");
//!
//! let claim = permit.spend(now).expect("the lease has not ended");
//! // Here the worker sends the create: `client.create(request).await`. Its response is late: meanwhile the lease ends.
//! now = now + Duration::from_secs(61);
//! let (job, applied) = apply(Fact::unclear(claim.clone(), "the lease has ended"), now)?;
//! assert_eq!((job.phase().state(), applied.action), (JobState::Ambiguous, Action::Ask));
//!
//! // A late handle is accepted.
//! let handle = GenerationHandle::new("a1b2");
//! let first_poll = now + Duration::from_secs(30);
//! let created = Fact::Created { claim, handle: handle.clone(), first_poll };
//! let (_, applied) = apply(created.clone(), now)?;
//! assert_eq!(applied.action, Action::Poll { handle: handle.clone(), at: first_poll });
//! // The same fact a second time changes nothing.
//! assert_eq!(apply(created, now)?.1.effect, Effect::Known);
//!
//! let (_, applied) = apply(Fact::Completed { handle: handle.clone() }, now)?;
//! assert!(matches!(applied.action, Action::Save { .. }));
//! let object = SavedObject { key: "boat/0.mp4".into(), sha256: "00ff".into(), bytes: 1 };
//! let (job, applied) = apply(Fact::Saved { handle, objects: vec![object] }, now)?;
//! assert_eq!((job.phase().state(), applied.action), (JobState::Saved, Action::Nothing));
//! # Ok(())
//! # }
//! ```

use aimlapi_video::GenerationHandle;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod apply;
mod claim;
mod fact;
mod record;
mod schedule;
mod time;

pub use claim::{Claim, ClaimId, ClaimOutcome, ClaimRecord, ClaimRequest, Claimant, Permit};
pub use fact::Fact;
pub use record::{Action, Decision, End, GenerationRecord, JobState, Phase, SavedObject, Verdict};
pub use schedule::{Plan, ScheduleState};
pub use time::Timestamp;

/// A job: one request, for which a generation is bought at most once unless a person decides otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    version: u32,
    key: String,
    sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    #[serde(default)]
    revision: u64,
    phase: Phase,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    claims: Vec<ClaimRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    generations: Vec<GenerationRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    anomalies: Vec<Anomaly>,
    /// Facts of newer versions, and facts that arrived while an older version held the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Value>,
    /// Fields of newer versions.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// A fact that contradicts what the job knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Anomaly {
    /// When the fact arrived.
    pub at: Timestamp,
    /// What is contradictory.
    pub what: String,
}

/// The result of [`Job::apply`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Applied {
    /// What the fact did.
    pub effect: Effect,
    /// What to do next.
    pub action: Action,
}

/// What a fact did to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// The job is in another phase, or another generation is its own.
    Changed,
    /// The fact is recorded, and the phase is the same.
    Recorded,
    /// The job knew the fact; nothing has changed.
    Known,
    /// The claim or the decision does not apply to the job as it is; the reason. A handle in it is recorded.
    NotApplicable(String),
}

/// The version of the states that this crate writes. A field that is added does not change it.
const VERSION: u32 = 1;

impl Job {
    /// A planned job. `key` identifies it, `sha256` is the hash of its request's body.
    pub fn new(key: impl Into<String>, sha256: impl Into<String>) -> Self {
        Self {
            version: VERSION,
            key: key.into(),
            sha256: sha256.into(),
            traceparent: None,
            revision: 0,
            phase: Phase::Planned {
                not_before: Timestamp::default(),
            },
            claims: Vec::new(),
            generations: Vec::new(),
            decisions: Vec::new(),
            anomalies: Vec::new(),
            unread: Vec::new(),
            unknown: Map::new(),
        }
    }

    /// Sets the W3C trace context of the submitter.
    #[must_use]
    pub fn with_traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// The key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The SHA-256 of the request's body. The same key with another hash is another job.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The W3C trace context of the submitter.
    pub fn traceparent(&self) -> Option<&str> {
        self.traceparent.as_deref()
    }

    /// How often the phase has changed. A [`Decision`] names the revision that the person saw.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What the job is doing.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The claim whose holder may create now.
    pub fn claim(&self) -> Option<&Claim> {
        let Phase::Claimed { claim } = &self.phase else {
            return None;
        };
        let record = self.claims.iter().find(|record| record.id == *claim)?;
        record.claim.as_ref()
    }

    /// The handle of the generation that the job waits for, saves or has saved.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        let generation = self.generations.get(self.phase.generation()?)?;
        Some(&generation.handle)
    }

    /// All generations of the job, each of which may have been billed.
    pub fn generations(&self) -> &[GenerationRecord] {
        &self.generations
    }

    /// All claims that were granted, or about which a fact arrived.
    pub fn claims(&self) -> &[ClaimRecord] {
        &self.claims
    }

    /// The claims other than the [current](Self::claim) one that may have bought a generation whose handle is not known.
    pub fn open_claims(&self) -> impl Iterator<Item = &ClaimRecord> {
        let current = match &self.phase {
            Phase::Claimed { claim } => Some(claim),
            _ => None,
        };
        let is_open = move |record: &&ClaimRecord| {
            record.outcome == ClaimOutcome::Open && Some(&record.id) != current
        };
        self.claims.iter().filter(is_open)
    }

    /// The decisions of people that were applied.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }

    /// The facts that contradicted what the job knew, at most 50.
    pub fn anomalies(&self) -> &[Anomaly] {
        &self.anomalies
    }

    /// Whether a newer version wrote the job in a way that this one cannot continue. Facts are kept until a newer version
    /// applies one.
    pub fn is_newer(&self) -> bool {
        self.version > VERSION || matches!(self.phase, Phase::Unknown(_))
    }

    /// What to do next.
    pub fn action(&self) -> Action {
        if self.is_newer() {
            return Action::Nothing;
        }
        let action = match &self.phase {
            Phase::Planned { not_before } => Some(Action::Claim {
                not_before: *not_before,
            }),
            Phase::Claimed { claim } => self.claim().map(|granted| Action::Create {
                claim: claim.clone(),
                until: granted.until,
            }),
            Phase::Waiting { schedule, .. } => self.handle().map(|handle| Action::Poll {
                handle: handle.clone(),
                at: schedule.next_poll,
            }),
            Phase::Saving { not_before, .. } => self.handle().map(|handle| Action::Save {
                handle: handle.clone(),
                not_before: *not_before,
            }),
            Phase::Ambiguous { .. } | Phase::Lost { .. } => Some(Action::Ask),
            Phase::Saved { .. }
            | Phase::Refused { .. }
            | Phase::Failed { .. }
            | Phase::Unknown(_) => Some(Action::Nothing),
        };
        // A claim or generation that a damaged state does not hold: only a person can continue the job.
        action.unwrap_or(Action::Ask)
    }
}
