//! The marks of claims in the store, where all machines see them.
//!
//! The engine starts a create at most once, but it forgets: a job can be reset, or submitted again after its retention. Such a job gives
//! the same marks again, from the first one on, and finds the first one that a create has used.

use object_store::{ObjectStoreExt, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    job::{ClaimId, ClaimOutcome, ClaimRecord, Job},
    store::Store,
};

/// The content of a mark: who has taken it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Owner {
    job: String,
    attempt: String,
    /// The run of the workflow. Marks of earlier versions have none, and no claim.
    #[serde(default)]
    pub(super) run: String,
    #[serde(default)]
    claim: String,
    /// Whether the mark was taken so that no create takes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_void: bool,
}

impl Owner {
    /// A create of this claim.
    pub(super) fn new(job: &str, run: &str, claim: &ClaimId) -> Self {
        Self {
            job: job.into(),
            attempt: Uuid::new_v4().to_string(),
            run: run.into(),
            claim: claim.as_str().into(),
            is_void: false,
        }
    }

    /// Whether this create may use a mark that `other` has taken: the store's client repeats a request whose response was lost, and
    /// the workflow gives a mark to a second claim only if the first one has not used it.
    fn may_use_that_of(&self, other: &Self) -> bool {
        self == other || (!other.is_void && self.run == other.run && self.claim != other.claim)
    }
}

/// Takes a mark; returns the other create that has used it, if one has.
pub(super) async fn take(
    store: &Store,
    mark: &ClaimId,
    owner: &Owner,
) -> object_store::Result<Option<Owner>> {
    put(store, mark, owner, |other| owner.may_use_that_of(other)).await
}

/// Takes the mark of a claim whose create was given up, so that the create cannot take it any more; returns `false` if a create has.
pub(super) async fn void(
    store: &Store,
    mark: &ClaimId,
    mut owner: Owner,
) -> object_store::Result<bool> {
    owner.is_void = true;
    // An earlier attempt of the same step may have taken it.
    let is_ours =
        |other: &Owner| other.is_void && other.run == owner.run && other.claim == owner.claim;
    let other = put(store, mark, &owner, is_ours).await?;
    Ok(other.is_none())
}

/// Stores a mark; an existing one is kept, and its owner returned unless `is_ours`.
async fn put(
    store: &Store,
    mark: &ClaimId,
    owner: &Owner,
    is_ours: impl Fn(&Owner) -> bool,
) -> object_store::Result<Option<Owner>> {
    let key = store.key("claims", mark.as_str());
    let content = serde_json::to_vec(owner).unwrap_or_default();
    let only_new = PutOptions::from(PutMode::Create);
    match store.bucket.put_opts(&key, content.into(), only_new).await {
        Err(object_store::Error::AlreadyExists { .. }) => {
            let taken = store.bucket.get(&key).await?.bytes().await?;
            match serde_json::from_slice(&taken) {
                Ok(other) if is_ours(&other) => Ok(None),
                other => Ok(Some(other.unwrap_or_default())),
            }
        }
        put => put.map(|_| None),
    }
}

/// The mark of a claim, and the marks of earlier claims that may not have been taken: without them, the claim's own mark would not be
/// found from the first one on. A create that was refused may not have sent anything, and a person may have named the generation of a
/// create that had none. To void a mark that was taken changes nothing.
pub(super) fn of(job: &Job, claim: &ClaimId) -> (ClaimId, Vec<ClaimId>) {
    let mark = |number: u64| ClaimId::from(format!("{}/{number}", job.key()));
    let mut number = 1;
    let mut gaps = Vec::new();
    for earlier in job.claims().iter().take_while(|record| record.id != *claim) {
        if !matches!(earlier.outcome, ClaimOutcome::NotBought(_)) {
            gaps.push(mark(number));
        }
        if !earlier.is_unused {
            number += 1;
        }
    }
    (mark(number), gaps)
}

/// The claim that has used a mark.
pub(super) fn user<'a>(job: &'a Job, mark: &ClaimId) -> Option<&'a ClaimRecord> {
    let uses = |record: &&ClaimRecord| !record.is_unused && of(job, &record.id).0 == *mark;
    job.claims().iter().rev().find(uses)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::job::{Claim, Decision, Fact, Timestamp, Verdict};

    fn owner(run: &str, claim: &str) -> Owner {
        Owner::new("boat", run, &claim.into())
    }

    #[tokio::test]
    async fn mark_is_taken_once_but_again_by_the_claim_after_one_that_did_not_use_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&format!("file://{}", folder.path().display())).expect("a store");
        let mark = ClaimId::from("boat/1");
        let first = owner("a", "boat/1");
        for (who, is_taken) in [
            (&first, true),
            // The repeated request of the store's client.
            (&first, true),
            (&owner("a", "boat/2"), true),
            // The engine has delivered the claim twice, or the job was reset, or submitted again.
            (&owner("a", "boat/1"), false),
            (&owner("b", "boat/1"), false),
            (&owner("b", "boat/2"), false),
        ] {
            let taken = take(&store, &mark, who).await.expect("a store");
            assert_eq!(taken.is_none(), is_taken, "{} {}", who.run, who.claim);
        }
    }

    #[tokio::test]
    async fn void_mark_is_taken_by_no_create_and_a_taken_one_is_not_void() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&format!("file://{}", folder.path().display())).expect("a store");
        let mark = ClaimId::from("boat/1");
        for (who, is_void) in [
            (owner("a", "boat/1"), true),
            // A repeated step, or a request that the store's client repeats.
            (owner("a", "boat/1"), true),
            (owner("b", "boat/1"), false),
        ] {
            let voided = void(&store, &mark, who).await.expect("a store");
            assert_eq!(voided, is_void);
        }
        // The create that was given up, the next claim, and the job after a reset.
        for (run, claim) in [("a", "boat/1"), ("a", "boat/2"), ("b", "boat/1")] {
            let taken = take(&store, &mark, &owner(run, claim)).await;
            assert!(taken.expect("a store").is_some(), "{run} {claim}");
        }
        let mark = ClaimId::from("boat/2");
        let create = owner("a", "boat/2");
        let taken = take(&store, &mark, &create).await;
        assert_eq!(taken.expect("a store"), None);
        let voided = void(&store, &mark, owner("a", "boat/2")).await;
        assert!(!voided.expect("a store"));
    }

    #[tokio::test]
    async fn mark_of_an_earlier_version_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&format!("file://{}", folder.path().display())).expect("a store");
        let mark = ClaimId::from("boat/1");
        for content in [r#"{ "job": "boat", "attempt": "c0ffee" }"#, "boat"] {
            let key = store.key("claims", mark.as_str());
            let put = store.bucket.put(&key, content.into()).await;
            put.expect("a store");
            let taken = take(&store, &mark, &owner("a", "boat/1")).await;
            assert!(taken.expect("a store").is_some(), "{content}");
        }
    }

    #[test]
    fn marks_have_no_gap_before_one_that_is_used() {
        let mut job = Job::new("boat", "c0ffee");
        let now = Timestamp::default();
        let marks = |job: &mut Job, id: &str| {
            let claim = Claim::new(id, "worker", now + Duration::from_secs(1));
            let _ = job.apply(Fact::Claimed { claim }, now);
            let (mark, gaps) = of(job, &id.into());
            let gaps: Vec<_> = gaps.iter().map(|gap| gap.to_string()).collect();
            (mark.to_string(), gaps)
        };
        let none = Vec::<String>::new();
        assert_eq!(marks(&mut job, "boat/1"), ("boat/1".into(), none.clone()));
        let _ = job.apply(Fact::unused("boat/1".into(), now, "the store is away"), now);
        assert_eq!(marks(&mut job, "boat/2"), ("boat/1".into(), none.clone()));
        let _ = job.apply(Fact::not_bought("boat/2".into(), now, "429"), now);
        assert_eq!(marks(&mut job, "boat/3"), ("boat/2".into(), none));
        let _ = job.apply(Fact::unclear("boat/3".into(), "the worker has ended"), now);
        repeat(&mut job, now);
        let gaps = vec!["boat/2".to_owned()];
        assert_eq!(marks(&mut job, "boat/4"), ("boat/3".into(), gaps));
    }

    #[test]
    fn marks_of_claims_that_were_refused_or_adopted_are_gaps() {
        let now = Timestamp::default();
        let handle = aimlapi_video::GenerationHandle::new("g1");
        for is_refused in [true, false] {
            let mut job = Job::new("boat", "c0ffee");
            let claim = Claim::new("boat/1", "worker", now + Duration::from_secs(1));
            let _ = job.apply(Fact::Claimed { claim }, now);
            let claim = ClaimId::from("boat/1");
            if is_refused {
                let reason = "InvalidRequest".to_owned();
                let _ = job.apply(Fact::Refused { claim, reason }, now);
            } else {
                let _ = job.apply(Fact::unclear(claim, "no worker received it"), now);
                decide(&mut job, Verdict::Adopt(handle.clone()), now);
                let reason = "the account's log was wrong".to_owned();
                let handle = handle.clone();
                let _ = job.apply(Fact::Lost { handle, reason }, now);
            }
            repeat(&mut job, now);
            let claim = Claim::new("boat/2", "worker", now + Duration::from_secs(1));
            let _ = job.apply(Fact::Claimed { claim }, now);
            let (mark, gaps) = of(&job, &"boat/2".into());
            assert_eq!((mark.as_str(), &*gaps), ("boat/2", &["boat/1".into()][..]));
        }
    }

    fn repeat(job: &mut Job, now: Timestamp) {
        decide(job, Verdict::Repeat, now);
    }

    fn decide(job: &mut Job, verdict: Verdict, now: Timestamp) {
        let decision = Decision {
            verdict,
            by: "Ada".into(),
            why: "not in the log".into(),
            revision: job.revision(),
        };
        let _ = job.apply(Fact::Decided { decision }, now);
    }
}
