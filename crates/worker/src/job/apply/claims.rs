//! The facts about claims.

use std::mem;

use crate::job::{
    Claim, ClaimId, ClaimOutcome, ClaimRecord, GenerationRecord, Job, Phase, Timestamp,
};

impl Job {
    pub(super) fn grant(&mut self, claim: Claim, now: Timestamp) -> Result<(), String> {
        let state = self.phase.state();
        if let Some(record) = self.claims.iter().find(|record| record.id == claim.id) {
            let is_current = matches!(&self.phase, Phase::Claimed { claim } if *claim == record.id);
            return match is_current {
                true => Ok(()),
                false => Err(format!("the claim {} has ended", claim.id)),
            };
        }
        match &self.phase {
            Phase::Planned { not_before } if now < *not_before => {
                Err("the job is not to be claimed yet".into())
            }
            Phase::Planned { .. } if claim.until <= now => Err("the lease has ended".into()),
            Phase::Planned { .. } => {
                let id = claim.id.clone();
                self.claim_record(&id).claim = Some(claim);
                self.enter(Phase::Claimed { claim: id });
                Ok(())
            }
            _ => Err(format!(
                "the job is {state:?}, and only a planned job can be claimed"
            )),
        }
    }

    /// Records that a claim bought nothing, and the phase that follows if the job waits for the claim.
    pub(super) fn end_claim(
        &mut self,
        claim: ClaimId,
        outcome: ClaimOutcome,
        then: Phase,
        now: Timestamp,
    ) {
        let record = self.claim_record(&claim);
        if record.outcome == ClaimOutcome::Open {
            record.outcome = outcome;
            if self.is_about(&claim) {
                self.enter(then);
            }
        } else if record.outcome != outcome {
            let what = format!(
                "the claim {claim} ended as {:?}, then as {outcome:?}",
                record.outcome
            );
            self.anomaly(what, now);
        }
    }

    /// Records whether a claim that bought nothing was used. One that was voided after its create had ended was.
    pub(super) fn unused(&mut self, claim: &ClaimId, is_unused: bool) {
        let record = self.claim_record(claim);
        record.is_unused = is_unused && (record.is_unused || record.outcome == ClaimOutcome::Open);
    }

    pub(super) fn unclear(&mut self, claim: ClaimId, reason: String) {
        let is_new = self.claims.iter().all(|record| record.id != claim);
        if self.claim_record(&claim).outcome != ClaimOutcome::Open {
            return;
        }
        let parks = match &self.phase {
            Phase::Claimed { claim: current } => *current == claim,
            // The store may have lost a claim. A create may have been sent, so a person decides.
            Phase::Planned { .. } => is_new,
            _ => false,
        };
        if parks {
            self.enter(Phase::Ambiguous { claim, reason });
        }
    }

    pub(super) fn bought(&mut self, claim: &ClaimId, generation: usize, now: Timestamp) {
        let record = self.claim_record(claim);
        let outcome = mem::replace(&mut record.outcome, ClaimOutcome::Bought);
        record.is_unused = false;
        if matches!(
            outcome,
            ClaimOutcome::NotBought(_) | ClaimOutcome::Refused(_)
        ) {
            let what = format!("the claim {claim} ended as {outcome:?}, then created a generation");
            self.anomaly(what, now);
        }
        let is_other = |(at, record): (usize, &GenerationRecord)| {
            at != generation && record.claim.as_ref() == Some(claim)
        };
        if self.generations.iter().enumerate().any(is_other) {
            let what = format!("the claim {claim} created several generations");
            self.anomaly(what, now);
        }
    }

    /// Whether the job is claimed or parked by this claim.
    pub(super) fn is_about(&self, claim: &ClaimId) -> bool {
        match &self.phase {
            Phase::Claimed { claim: current } | Phase::Ambiguous { claim: current, .. } => {
                current == claim
            }
            _ => false,
        }
    }

    pub(super) fn claim_record(&mut self, id: &ClaimId) -> &mut ClaimRecord {
        let known = self.claims.iter().position(|record| record.id == *id);
        let at = known.unwrap_or_else(|| {
            self.claims.push(ClaimRecord::new(id.clone()));
            self.claims.len() - 1
        });
        &mut self.claims[at]
    }
}
