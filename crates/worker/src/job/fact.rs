//! The facts that a job receives: what workers did and observed, and what people decided.

use std::time::Duration;

use aimlapi_video::{Error, ErrorKind, Generation, GenerationHandle, State};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Claim, ClaimId, Decision, Plan, SavedObject, ScheduleState, Timestamp, Verdict};

/// Something that happened. Facts may arrive late, twice, and in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fact {
    /// A worker requests the right to create.
    Claimed {
        /// The claim.
        claim: Claim,
    },
    /// The claim bought nothing, and the same request may be sent again.
    NotBought {
        /// The claim's id.
        claim: ClaimId,
        /// The earliest time of the next claim.
        not_before: Timestamp,
        /// The reason.
        reason: String,
        /// Whether the create ended before it took its claim where all machines see it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        is_unused: bool,
    },
    /// The service refused the request; nothing was bought.
    Refused {
        /// The claim's id.
        claim: ClaimId,
        /// The reason.
        reason: String,
    },
    /// The create of this claim may have been sent, and no handle is known.
    Unclear {
        /// The claim's id.
        claim: ClaimId,
        /// The reason.
        reason: String,
    },
    /// The claim created a generation. Accepted at any time.
    Created {
        /// The claim's id.
        claim: ClaimId,
        /// The generation.
        handle: GenerationHandle,
        /// The time of the first poll; 1970 means at once.
        #[serde(default)]
        first_poll: Timestamp,
    },
    /// The generation was polled and goes on, or the poll failed.
    Polled {
        /// The generation.
        handle: GenerationHandle,
        /// The schedule after the poll.
        schedule: ScheduleState,
    },
    /// The generation is completed.
    Completed {
        /// The generation.
        handle: GenerationHandle,
    },
    /// The generation ended without a video.
    GenerationFailed {
        /// The generation.
        handle: GenerationHandle,
        /// The reason.
        reason: String,
    },
    /// The service no longer knows the generation, or its file is gone.
    Lost {
        /// The generation.
        handle: GenerationHandle,
        /// The reason.
        reason: String,
    },
    /// The videos could not be saved now.
    SaveFailed {
        /// The generation.
        handle: GenerationHandle,
        /// The earliest time of the next try.
        not_before: Timestamp,
    },
    /// The videos are in the store.
    Saved {
        /// The generation.
        handle: GenerationHandle,
        /// The videos.
        objects: Vec<SavedObject>,
    },
    /// A person decided.
    Decided {
        /// The decision.
        decision: Decision,
    },
    /// A fact of a newer version. The job keeps it for a newer version to apply.
    #[serde(untagged)]
    Unknown(Value),
}

impl Fact {
    /// The generation that the fact is about.
    pub fn handle(&self) -> Option<&GenerationHandle> {
        match self {
            Self::Created { handle, .. }
            | Self::Polled { handle, .. }
            | Self::Completed { handle }
            | Self::GenerationFailed { handle, .. }
            | Self::Lost { handle, .. }
            | Self::SaveFailed { handle, .. }
            | Self::Saved { handle, .. } => Some(handle),
            Self::Decided { decision } => match &decision.verdict {
                Verdict::Adopt(handle) => Some(handle),
                Verdict::Repeat | Verdict::GiveUp => None,
            },
            _ => None,
        }
    }

    /// The claim bought nothing, and the same request may be sent again from `not_before` on.
    pub fn not_bought(claim: ClaimId, not_before: Timestamp, reason: impl Into<String>) -> Self {
        Self::NotBought {
            claim,
            not_before,
            reason: reason.into(),
            is_unused: false,
        }
    }

    /// As [`not_bought`](Self::not_bought), for a create that ended before it took its claim where all machines see it.
    pub fn unused(claim: ClaimId, not_before: Timestamp, reason: impl Into<String>) -> Self {
        Self::NotBought {
            claim,
            not_before,
            reason: reason.into(),
            is_unused: true,
        }
    }

    /// The create may have been sent: for a claim whose lease has ended, or whose worker died.
    pub fn unclear(claim: ClaimId, reason: impl Into<String>) -> Self {
        Self::Unclear {
            claim,
            reason: reason.into(),
        }
    }

    /// The outcome of a create that ended `now`. If nothing was bought, the next claim waits for `pause`, or for the
    /// service's `Retry-After` if that is longer; see [`Job::pause`](super::Job::pause). The first poll is planned by `plan`.
    ///
    /// The reasons hold the kind of the error and the status, not the service's message, which may quote the prompt.
    pub fn of_create(
        claim: ClaimId,
        outcome: &Result<GenerationHandle, Error>,
        now: Timestamp,
        pause: Duration,
        plan: &Plan<'_>,
    ) -> Self {
        let error = match outcome {
            Ok(handle) => {
                let mut schedule = ScheduleState::new(handle, now);
                schedule.plan(handle, plan, None);
                return Self::Created {
                    claim,
                    handle: handle.clone(),
                    first_poll: schedule.next_poll,
                };
            }
            Err(error) => error,
        };
        let reason = reason(error);
        match error.kind() {
            // The settings are those of this worker; another one may have better ones.
            ErrorKind::Unreachable
            | ErrorKind::MissingKey
            | ErrorKind::Configuration
            | ErrorKind::MissingRootCertificates => Self::not_bought(claim, now + pause, reason),
            ErrorKind::Refused if error.is_transient() => {
                let pause = pause.max(retry_after(error).unwrap_or_default());
                Self::not_bought(claim, now + pause, reason)
            }
            ErrorKind::Refused | ErrorKind::InvalidRequest | ErrorKind::InvalidMedia => {
                Self::Refused { claim, reason }
            }
            _ => Self::unclear(claim, reason),
        }
    }

    /// The outcome of one poll that was sent at `sent` and ended `now`, with the time of the next poll by `plan`.
    pub fn of_poll(
        handle: GenerationHandle,
        mut schedule: ScheduleState,
        (sent, now): (Timestamp, Timestamp),
        outcome: &Result<Generation, Error>,
        plan: &Plan<'_>,
    ) -> Self {
        schedule.polls = schedule.polls.saturating_add(1);
        schedule.last_poll = now;
        schedule.failing = outcome.is_err();
        let retry_after = match outcome {
            Ok(generation) => {
                schedule.last = Some(generation.state());
                schedule.not_found = 0;
                match generation.state() {
                    State::Failed => {
                        let reason = failure(generation);
                        return Self::GenerationFailed { handle, reason };
                    }
                    State::Completed if !generation.videos().is_empty() => {
                        return Self::Completed { handle };
                    }
                    State::Completed => {
                        let polls = schedule.without_video;
                        if generation.failure().is_some() && polls >= FAILED_WITHOUT_VIDEO {
                            let reason = failure(generation);
                            return Self::GenerationFailed { handle, reason };
                        } else if polls >= LOST_WITHOUT_VIDEO {
                            let reason = "completed without a video".to_owned();
                            return Self::Lost { handle, reason };
                        }
                        schedule.without_video += 1;
                    }
                    _ => {
                        schedule.without_video = 0;
                        schedule.unfinished = sent;
                    }
                }
                None
            }
            Err(error) => {
                let status = error.service().map(|service| service.status);
                let is_new = now.since(schedule.began) < NOT_YET_KNOWN;
                if matches!(status, Some(404 | 410)) && !is_new {
                    // A proxy, or a part of the service, may not have it for a moment.
                    if schedule.not_found >= LOST_NOT_FOUND {
                        let reason = reason(error);
                        return Self::Lost { handle, reason };
                    }
                    schedule.not_found += 1;
                }
                retry_after(error)
            }
        };
        schedule.plan(&handle, plan, retry_after);
        Self::Polled { handle, schedule }
    }
}

fn reason(error: &Error) -> String {
    match error.service() {
        Some(service) => format!("{:?} {}", error.kind(), service.status),
        None => format!("{:?}", error.kind()),
    }
}

fn failure(generation: &Generation) -> String {
    match (generation.status(), generation.failure()) {
        (Some(status), Some(failure)) => format!("{status}: {failure}"),
        (Some(status), None) => status.to_owned(),
        (None, Some(failure)) => failure.to_string(),
        (None, None) => "no reason stated".to_owned(),
    }
}

fn retry_after(error: &Error) -> Option<Duration> {
    error.service()?.retry_after
}

/// How long after the create a 404 does not mean that the generation does not exist.
const NOT_YET_KNOWN: Duration = Duration::from_secs(30);

/// How many polls in a row may not find the generation after that.
const LOST_NOT_FOUND: u32 = 3;

/// How many polls may find a completed generation without a video that states a failure.
pub(super) const FAILED_WITHOUT_VIDEO: u32 = 3;

/// How many polls may find a completed generation without a video.
const LOST_WITHOUT_VIDEO: u32 = 10;
