//! The parts of a job: its phase, its generations and the decisions of people.

use aimlapi_video::GenerationHandle;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClaimId, ScheduleState, Timestamp};

/// What a job is doing. The numbers are positions in [`Job::generations`](super::Job::generations).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Phase {
    /// Nothing is in flight; a worker may claim the job.
    #[non_exhaustive]
    Planned {
        /// The earliest time of the next claim.
        #[serde(default)]
        not_before: Timestamp,
    },
    /// A worker may create.
    #[non_exhaustive]
    Claimed {
        /// The claim.
        claim: ClaimId,
    },
    /// The generation exists and is polled.
    #[non_exhaustive]
    Waiting {
        /// The generation.
        generation: usize,
        /// The state of its poll schedule.
        schedule: ScheduleState,
    },
    /// The generation is completed; its videos are being saved.
    #[non_exhaustive]
    Saving {
        /// The generation.
        generation: usize,
        /// The earliest time of the next try.
        #[serde(default)]
        not_before: Timestamp,
    },
    /// The videos are in the store.
    #[non_exhaustive]
    Saved {
        /// The generation.
        generation: usize,
    },
    /// The service refused the request; nothing was bought.
    #[non_exhaustive]
    Refused {
        /// The reason.
        reason: String,
    },
    /// The generation ended without a video, or a person gave the job up.
    #[non_exhaustive]
    Failed {
        /// The reason.
        reason: String,
    },
    /// A create may have been sent, and no handle is known. A person decides.
    #[non_exhaustive]
    Ambiguous {
        /// The claim of the create.
        claim: ClaimId,
        /// The reason.
        reason: String,
    },
    /// The service no longer knows the generation, or its file is gone. A person decides.
    #[non_exhaustive]
    Lost {
        /// The reason.
        reason: String,
    },
    /// A phase of a newer version, kept as it is.
    #[serde(untagged)]
    Unknown(Value),
}

/// The name of a [`Phase`], for lists and counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JobState {
    /// [`Phase::Planned`].
    Planned,
    /// [`Phase::Claimed`].
    Claimed,
    /// [`Phase::Waiting`].
    Waiting,
    /// [`Phase::Saving`].
    Saving,
    /// [`Phase::Saved`].
    Saved,
    /// [`Phase::Refused`].
    Refused,
    /// [`Phase::Failed`].
    Failed,
    /// [`Phase::Ambiguous`].
    Ambiguous,
    /// [`Phase::Lost`].
    Lost,
    /// [`Phase::Unknown`], or a state of a newer version.
    #[serde(other)]
    Unknown,
}

impl Phase {
    /// The phase's name.
    pub fn state(&self) -> JobState {
        match self {
            Self::Planned { .. } => JobState::Planned,
            Self::Claimed { .. } => JobState::Claimed,
            Self::Waiting { .. } => JobState::Waiting,
            Self::Saving { .. } => JobState::Saving,
            Self::Saved { .. } => JobState::Saved,
            Self::Refused { .. } => JobState::Refused,
            Self::Failed { .. } => JobState::Failed,
            Self::Ambiguous { .. } => JobState::Ambiguous,
            Self::Lost { .. } => JobState::Lost,
            Self::Unknown(_) => JobState::Unknown,
        }
    }

    /// The generation that the job waits for, saves or has saved.
    pub fn generation(&self) -> Option<usize> {
        match self {
            Self::Waiting { generation, .. }
            | Self::Saving { generation, .. }
            | Self::Saved { generation } => Some(*generation),
            _ => None,
        }
    }

    /// Why the job is parked or has ended.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Refused { reason }
            | Self::Failed { reason }
            | Self::Ambiguous { reason, .. }
            | Self::Lost { reason } => Some(reason),
            _ => None,
        }
    }
}

/// A generation that was paid for this job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GenerationRecord {
    /// The handle.
    pub handle: GenerationHandle,
    /// The claim that created it; `None` if a person or a poll named the handle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimId>,
    /// The time at which the job received the handle.
    #[serde(default)]
    pub recorded: Timestamp,
    /// How the generation ended, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    #[serde(flatten)]
    pub(super) unknown: Map<String, Value>,
}

impl GenerationRecord {
    pub(super) fn new(handle: GenerationHandle, recorded: Timestamp) -> Self {
        Self {
            handle,
            claim: None,
            recorded,
            end: None,
            unknown: Map::new(),
        }
    }
}

/// How a generation ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// Its videos are in the store.
    Saved(Vec<SavedObject>),
    /// It ended without a video; the reason.
    Failed(String),
    /// The service no longer knows it, or its file is gone; the reason.
    Lost(String),
    /// A person gave the job up before the generation ended.
    GivenUp,
    /// An end of a newer version, kept as it is.
    #[serde(untagged)]
    Unknown(Value),
}

/// A video in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedObject {
    /// The key in the store.
    pub key: String,
    /// The SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// The size in bytes.
    pub bytes: u64,
}

/// A person's decision about a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub verdict: Verdict,
    /// The name of the person; a repeat needs one.
    pub by: String,
    /// The reason; a repeat needs one.
    pub why: String,
    /// [`Job::revision`](super::Job::revision) of the job that the person saw. The decision does not apply to a job that has
    /// changed since, so a decision that is delivered twice has one effect.
    pub revision: u64,
}

/// What a person decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Wait for this generation, whether the job knows it or not.
    Adopt(GenerationHandle),
    /// Create again, which may buy a second generation.
    Repeat,
    /// End the job.
    GiveUp,
}

/// What to do next. It depends on the job's state alone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// Let a worker claim the job, not before this time.
    Claim {
        /// The earliest time.
        not_before: Timestamp,
    },
    /// The holder of this claim's permit creates. A caller that finds the job in this state has no permit: it records
    /// [`Fact::unclear`](super::Fact::unclear) after the end of the lease. An engine that delivers claims starts one create for
    /// each claim.
    Create {
        /// The claim's id.
        claim: ClaimId,
        /// The end of the lease.
        until: Timestamp,
    },
    /// Poll the generation.
    Poll {
        /// The generation.
        handle: GenerationHandle,
        /// The time of the poll.
        at: Timestamp,
    },
    /// Save the videos of the generation.
    Save {
        /// The generation.
        handle: GenerationHandle,
        /// The earliest time.
        not_before: Timestamp,
    },
    /// Ask a person for a [`Decision`].
    Ask,
    /// Nothing: the job has ended, or only a newer version can continue it.
    Nothing,
}
