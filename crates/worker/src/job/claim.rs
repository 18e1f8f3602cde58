//! Claims, which decide who may create, and the permit that a create consumes.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Fact, Timestamp};

/// The id of a claim, unique among all workers: the worker's name and a number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimId(String);

impl ClaimId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ClaimId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

impl From<&str> for ClaimId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl fmt::Display for ClaimId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A lease on the create of a job. It decides who may create, never whether a handle may be recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claim {
    /// The id, which every fact about the create carries.
    pub id: ClaimId,
    /// The name of the worker.
    pub worker: String,
    /// The end of the lease. The create must begin before; its facts are accepted at any time.
    pub until: Timestamp,
}

impl Claim {
    /// A claim whose id the caller chooses, for an engine that makes claims itself.
    ///
    /// The id must be unique among all claims of the job, such as the engine's id of the step.
    pub fn new(id: impl Into<ClaimId>, worker: impl Into<String>, until: Timestamp) -> Self {
        Self {
            id: id.into(),
            worker: worker.into(),
            until,
        }
    }

    /// Makes the permit of a claim that an engine has delivered.
    ///
    /// The caller asserts that the engine has stored the job with this claim, and delivers the claim to at most one execution,
    /// as Temporal does for an activity with `maximum_attempts = 1`. With any other store or queue use a [`ClaimRequest`].
    pub fn delivered_once(self) -> Permit {
        Permit(self)
    }
}

/// The source of one worker's claims. The name must be unique for each start of a process, since it makes the ids unique.
#[derive(Debug)]
pub struct Claimant {
    name: String,
    claims: u64,
}

impl Claimant {
    /// A claimant for the process that is called `name`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            claims: 0,
        }
    }

    /// Requests a claim whose lease lasts `until`.
    pub fn request(&mut self, until: Timestamp) -> ClaimRequest {
        self.claims += 1;
        let id = format!("{}/{}", self.name, self.claims);
        ClaimRequest(Claim::new(id, self.name.clone(), until))
    }
}

/// A claim that is not acknowledged yet. It exists once, in the memory of the worker that requested it.
#[derive(Debug)]
#[must_use = "a claim that is not acknowledged must be withdrawn, or it parks the job when its lease ends"]
pub struct ClaimRequest(Claim);

impl ClaimRequest {
    /// The claim.
    pub fn claim(&self) -> &Claim {
        &self.0
    }

    /// The fact to apply to the job and to store.
    pub fn fact(&self) -> Fact {
        Fact::Claimed {
            claim: self.0.clone(),
        }
    }

    /// Makes the permit, once the store has acknowledged the job with this claim. `stored` is [`Job::claim`](super::Job::claim)
    /// of the stored job.
    ///
    /// # Errors
    ///
    /// Returns the request if the stored job is not claimed, or by another claim. The create must not be sent.
    /// [Withdraw](Self::withdraw) the request if it is not known whether the claim was stored.
    pub fn acknowledged(self, stored: Option<&Claim>) -> Result<Permit, Self> {
        match stored.is_some_and(|stored| stored.id == self.0.id) {
            true => Ok(Permit(self.0)),
            false => Err(self),
        }
    }

    /// The fact that this claim sends nothing. Without it, a claim that was stored parks the job when its lease ends.
    pub fn withdraw(self, at: Timestamp) -> Fact {
        Fact::not_bought(self.0.id, at, "withdrawn")
    }
}

/// The permission to send one create. It exists only after its claim was acknowledged, and the create consumes it.
///
/// A claim can be copied, stored and read:
///
/// ```
/// use aimlapi_video_worker::job::Claim;
///
/// fn copied<T: Clone>() {}
/// fn stored<T: serde::Serialize>() {}
/// fn read<T: serde::de::DeserializeOwned>() {}
/// copied::<Claim>();
/// stored::<Claim>();
/// read::<Claim>();
/// ```
///
/// A permit can not:
///
/// ```compile_fail,E0277
/// # use aimlapi_video_worker::job::Permit;
/// fn copied<T: Clone>() {}
/// copied::<Permit>();
/// ```
///
/// ```compile_fail,E0277
/// # use aimlapi_video_worker::job::Permit;
/// fn stored<T: serde::Serialize>() {}
/// stored::<Permit>();
/// ```
///
/// ```compile_fail,E0277
/// # use aimlapi_video_worker::job::Permit;
/// fn read<T: serde::de::DeserializeOwned>() {}
/// read::<Permit>();
/// ```
///
/// It cannot be used twice:
///
/// ```compile_fail,E0382
/// # use aimlapi_video_worker::job::{Permit, Timestamp};
/// fn twice(permit: Permit, now: Timestamp) {
///     let _ = permit.spend(now);
///     let _ = permit.spend(now);
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is dropped parks its job when the lease ends; spend it or withdraw it"]
pub struct Permit(Claim);

impl Permit {
    /// The claim that the permit belongs to.
    pub fn claim(&self) -> &Claim {
        &self.0
    }

    /// Makes the lease last `until`. The caller asserts that the engine has confirmed the claim, and waits for it until then.
    pub fn renewed(self, until: Timestamp) -> Self {
        Self(Claim { until, ..self.0 })
    }

    /// Consumes the permit. Send the create once after this call, and record its outcome by [`Fact::of_create`].
    ///
    /// # Errors
    ///
    /// If the lease has ended, as after a pause of the process, the create must not be sent: the error is the fact to record.
    #[allow(
        clippy::result_large_err,
        reason = "a create is rare, and the fact is applied at once"
    )]
    pub fn spend(self, now: Timestamp) -> Result<ClaimId, Fact> {
        match now < self.0.until {
            true => Ok(self.0.id),
            false => Err(Fact::not_bought(
                self.0.id,
                now,
                "the lease had ended before the create",
            )),
        }
    }

    /// The fact that the permit is given back unused.
    pub fn withdraw(self, at: Timestamp) -> Fact {
        Fact::not_bought(self.0.id, at, "withdrawn")
    }
}

/// A claim as the job records it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClaimRecord {
    /// The claim's id.
    pub id: ClaimId,
    /// The claim; `None` if only later facts arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<Claim>,
    /// What became of the create.
    pub outcome: ClaimOutcome,
    /// Whether the create [ended before it took its claim](Fact::unused) where all machines see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unused: bool,
    #[serde(flatten)]
    pub(super) unknown: Map<String, Value>,
}

impl ClaimRecord {
    pub(super) fn new(id: ClaimId) -> Self {
        Self {
            id,
            claim: None,
            outcome: ClaimOutcome::Open,
            is_unused: false,
            unknown: Map::new(),
        }
    }
}

/// What became of the create of a claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ClaimOutcome {
    /// Not known: the create may have been sent, or may still be.
    Open,
    /// Nothing was bought, and the same request may be sent again.
    NotBought(String),
    /// The service refused the request; nothing was bought.
    Refused(String),
    /// A generation was created.
    Bought,
    /// An outcome of a newer version, kept as it is.
    #[serde(untagged)]
    Unknown(Value),
}
