//! The decisions of people.

use crate::job::{ClaimId, ClaimOutcome, Decision, End, Job, Phase, Timestamp, Verdict};

impl Job {
    pub(super) fn decide(
        &mut self,
        decision: Decision,
        adopted: Option<usize>,
        now: Timestamp,
    ) -> Result<(), String> {
        if self.decisions.contains(&decision) {
            return Ok(());
        }
        let is_anonymous = decision.by.trim().is_empty() || decision.why.trim().is_empty();
        if decision.verdict == Verdict::Repeat && is_anonymous {
            return Err("a repeat needs the name of a person and a reason".into());
        }
        if decision.revision != self.revision {
            return Err(format!(
                "the job has changed since revision {}; it is {:?} at revision {}",
                decision.revision,
                self.phase.state(),
                self.revision
            ));
        }
        match (&decision.verdict, &self.phase) {
            (Verdict::Adopt(_), _) => {
                if let Some(generation) = adopted {
                    self.adopt(generation, now);
                }
            }
            (
                Verdict::Repeat,
                Phase::Ambiguous { .. }
                | Phase::Lost { .. }
                | Phase::Refused { .. }
                | Phase::Failed { .. },
            ) => self.enter(Phase::Planned {
                not_before: Timestamp::default(),
            }),
            (
                Verdict::GiveUp,
                Phase::Planned { .. }
                | Phase::Waiting { .. }
                | Phase::Saving { .. }
                | Phase::Ambiguous { .. }
                | Phase::Lost { .. },
            ) => {
                let open = self
                    .generations
                    .iter_mut()
                    .filter(|record| record.end.is_none());
                open.for_each(|record| record.end = Some(End::GivenUp));
                let mut reason = String::from("given up");
                for (before, text) in [(" by ", &decision.by), (": ", &decision.why)] {
                    if !text.trim().is_empty() {
                        reason.push_str(before);
                        reason.push_str(text);
                    }
                }
                self.settle(Phase::Failed { reason }, now);
            }
            (verdict, phase) => {
                return Err(format!(
                    "the job is {:?}, which does not allow {verdict:?}",
                    phase.state()
                ));
            }
        }
        self.decisions.push(decision);
        Ok(())
    }

    fn adopt(&mut self, generation: usize, now: Timestamp) {
        self.settle_claim(generation);
        let end = &mut self.generations[generation].end;
        if self.phase.generation() == Some(generation) {
            return;
        }
        if matches!(end, Some(End::Saved(_))) {
            self.enter(Phase::Saved { generation });
        } else {
            *end = None;
            self.wait(generation, Timestamp::default(), now);
        }
    }

    /// Assigns an adopted generation to the claim that bought it, if only one claim can have. Otherwise all of them stay open,
    /// since the others may have bought more.
    fn settle_claim(&mut self, generation: usize) {
        if self.generations[generation].claim.is_some() || self.claim().is_some() {
            return;
        }
        let open: Vec<ClaimId> = self.open_claims().map(|open| open.id.clone()).collect();
        if let [claim] = open.as_slice() {
            self.generations[generation].claim = Some(claim.clone());
            self.claim_record(claim).outcome = ClaimOutcome::Bought;
        }
    }
}
