//! The state machine of one job.

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
