//! Claims whose marks an earlier run of the job has used, as after a reset.

use std::time::Duration;

use aimlapi_video::{GenerationHandle, GenerationRequest};
use serde_json::Value;

use super::{
    create::text,
    jobs,
    marks::{self, Owner},
    protocol,
    reports::Reports,
    service::now,
};
use crate::job::{ClaimId, ClaimOutcome, ClaimRecord, Fact, Job};

/// A claim whose mark was used before.
pub(super) struct Used<'a> {
    pub(super) job: &'a str,
    /// The run of the workflow.
    pub(super) run: &'a str,
    pub(super) claim: ClaimId,
    pub(super) mark: &'a ClaimId,
    pub(super) pause: Duration,
}

impl Used<'_> {
    /// What `other`, which has used the mark, bought with it. The create sends nothing.
    pub(super) async fn outcome(
        self,
        request: &GenerationRequest,
        other: &Owner,
        reports: &Reports,
    ) -> Fact {
        // Marks of earlier versions do not name the run.
        if other.run.is_empty() || other.run == self.run {
            return Fact::unclear(self.claim, USED);
        }
        let earlier = match jobs::read(&reports.run(self.job, Some(&other.run))).await {
            Ok(earlier) => earlier,
            // The engine or its worker may answer the next claim, which has the same mark.
            Err(error) if self.pause < PATIENCE => {
                let reason = format!("the earlier run cannot be read: {}", text(&error));
                return Fact::unused(self.claim, now() + self.pause, reason);
            }
            Err(_) => None,
        };
        let sha256 = protocol::sha256(&Value::Object(request.body().clone()));
        match earlier.filter(|earlier| earlier.sha256() == sha256) {
            Some(earlier) => self.outcome_in(&earlier),
            None => Fact::unclear(self.claim, USED),
        }
    }

    fn outcome_in(self, earlier: &Job) -> Fact {
        let Some(user) = marks::user(earlier, self.mark) else {
            return Fact::unclear(self.claim, USED);
        };
        let created = |handle: &GenerationHandle| Fact::Created {
            claim: self.claim.clone(),
            handle: handle.clone(),
            first_poll: now(),
        };
        let bought = match &user.outcome {
            // The next claim has the next mark.
            ClaimOutcome::NotBought(reason) | ClaimOutcome::Refused(reason) => {
                return Fact::not_bought(self.claim, now() + self.pause, reason);
            }
            ClaimOutcome::Bought => generation(earlier, user),
            // A person may have found it.
            _ => earlier.handle(),
        };
        bought.map_or_else(|| Fact::unclear(self.claim.clone(), USED), created)
    }
}

/// The generation that a claim bought.
fn generation<'a>(job: &'a Job, claim: &ClaimRecord) -> Option<&'a GenerationHandle> {
    let mut generations = job.generations().iter();
    let generation = generations.find(|record| record.claim.as_ref() == Some(&claim.id));
    generation.map(|record| &record.handle)
}

const USED: &str = "a create of the same claim was started before";

/// The pause between claims from which on an earlier run that cannot be read is not waited for.
const PATIENCE: Duration = Duration::from_secs(64);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Claim, Decision, Timestamp, Verdict};

    /// What the claim `boat/1` of another run meets, whose mark is `mark`.
    fn outcome(earlier: &Job, mark: &str) -> Fact {
        let used = Used {
            job: "boat",
            run: "b",
            claim: "boat/1".into(),
            mark: &mark.into(),
            pause: Duration::from_secs(1),
        };
        used.outcome_in(earlier)
    }

    fn claimed(job: &mut Job, id: &str) {
        let claim = Claim::new(id, "worker", Timestamp::default() + Duration::from_secs(9));
        let _ = job.apply(Fact::Claimed { claim }, Timestamp::default());
    }

    fn applied(job: &mut Job, fact: Fact) {
        let _ = job.apply(fact, Timestamp::default());
    }

    fn created(claim: &str, id: &str) -> Fact {
        Fact::Created {
            claim: claim.into(),
            handle: GenerationHandle::new(id),
            first_poll: Timestamp::default(),
        }
    }

    #[test]
    fn generation_is_that_of_the_claim_that_used_the_mark() {
        let now = Timestamp::default();
        let mut job = Job::new("boat", "c0ffee");
        claimed(&mut job, "boat/1");
        applied(&mut job, Fact::not_bought("boat/1".into(), now, "429"));
        claimed(&mut job, "boat/2");
        applied(
            &mut job,
            Fact::unused("boat/2".into(), now, "the store is away"),
        );
        claimed(&mut job, "boat/3");
        assert!(matches!(outcome(&job, "boat/2"), Fact::Unclear { .. }));
        applied(&mut job, created("boat/3", "g1"));
        let Fact::NotBought { is_unused, .. } = outcome(&job, "boat/1") else {
            panic!("{job:?}");
        };
        assert!(!is_unused);
        // The claim `boat/2` left its mark to the next one.
        let Fact::Created { handle, claim, .. } = outcome(&job, "boat/2") else {
            panic!("{job:?}");
        };
        assert_eq!((handle.id(), claim.as_str()), ("g1", "boat/1"));
        assert!(matches!(outcome(&job, "boat/3"), Fact::Unclear { .. }));
    }

    #[test]
    fn adopted_generation_is_that_of_an_open_claim() {
        let mut job = Job::new("boat", "c0ffee");
        claimed(&mut job, "boat/1");
        let lost = Fact::unclear("boat/1".into(), "the worker ended during the create");
        applied(&mut job, lost);
        let decision = Decision {
            verdict: Verdict::Adopt(GenerationHandle::new("g1")),
            by: "Ada".into(),
            why: "in the log".into(),
            revision: job.revision(),
        };
        applied(&mut job, Fact::Decided { decision });
        let Fact::Created { handle, .. } = outcome(&job, "boat/1") else {
            panic!("{job:?}");
        };
        assert_eq!(handle.id(), "g1");
    }
}
