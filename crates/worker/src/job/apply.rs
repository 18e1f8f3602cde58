//! The transitions of a job.

use std::{mem, time::Duration};

use aimlapi_video::GenerationHandle;
use serde_json::Value;

use super::{
    Anomaly, Applied, Claim, ClaimId, ClaimOutcome, ClaimRecord, Decision, Effect, End, Fact,
    GenerationRecord, Job, Phase, ScheduleState, Timestamp, Verdict,
};

/// The maximum number of anomalies that a job keeps.
const MAX_ANOMALIES: usize = 50;

impl Job {
    /// Applies a fact that arrived `now`, and returns what to do next. Store the job before you do it.
    ///
    /// A fact may arrive late, twice and in any order. No fact is an error: what contradicts the job is recorded among its
    /// [`anomalies`](Self::anomalies).
    pub fn apply(&mut self, fact: Fact, now: Timestamp) -> Applied {
        let before = self.clone();
        if !self.is_newer() {
            for kept in mem::take(&mut self.unread) {
                // A value that is not a known fact is read as an unknown one, and kept again.
                if let Ok(fact) = serde_json::from_value(kept) {
                    let _ = self.apply_one(fact, now);
                }
            }
        }
        let effect = match self.apply_one(fact, now) {
            Err(reason) => Effect::NotApplicable(reason),
            Ok(()) if *self == before => Effect::Known,
            Ok(()) if self.revision == before.revision => Effect::Recorded,
            Ok(()) => Effect::Changed,
        };
        Applied {
            effect,
            action: self.action(),
        }
    }

    fn apply_one(&mut self, fact: Fact, now: Timestamp) -> Result<(), String> {
        if self.is_newer() {
            if let Some(handle) = fact.handle() {
                self.record(handle, None, now);
            }
            // A fact is plain data, so it can always be written.
            self.keep(serde_json::to_value(fact).unwrap_or_default());
            return Ok(());
        }
        // Every handle is recorded before anything else is decided.
        let claim = match &fact {
            Fact::Created { claim, .. } => Some(claim),
            _ => None,
        };
        let generation = fact.handle().map(|handle| self.record(handle, claim, now));
        match (fact, generation) {
            (Fact::Claimed { claim }, _) => return self.grant(claim, now),
            (Fact::Decided { decision }, generation) => {
                let decided = self.decide(decision, generation, now);
                if let Some(generation) = generation {
                    self.take_up(generation, Timestamp::default(), now);
                }
                return decided;
            }
            (
                Fact::NotBought {
                    claim,
                    not_before,
                    reason,
                },
                _,
            ) => {
                let outcome = ClaimOutcome::NotBought(reason);
                self.end_claim(claim, outcome, Phase::Planned { not_before }, now);
            }
            (Fact::Refused { claim, reason }, _) => {
                let outcome = ClaimOutcome::Refused(reason.clone());
                self.end_claim(claim, outcome, Phase::Refused { reason }, now);
            }
            (Fact::Unclear { claim, reason }, _) => self.unclear(claim, reason),
            (
                Fact::Created {
                    claim, first_poll, ..
                },
                Some(generation),
            ) => {
                self.bought(claim, generation, now);
                self.take_up(generation, first_poll, now);
            }
            (Fact::Polled { schedule, .. }, Some(generation)) => {
                self.take_up(generation, Timestamp::default(), now);
                self.polled(generation, schedule);
            }
            (Fact::Completed { .. }, Some(generation)) => self.completed(generation),
            (Fact::GenerationFailed { reason, .. }, Some(generation)) => {
                let phase = Phase::Failed {
                    reason: reason.clone(),
                };
                self.end_generation(generation, End::Failed(reason), phase, now);
            }
            (Fact::Lost { reason, .. }, Some(generation)) => {
                let phase = Phase::Lost {
                    reason: reason.clone(),
                };
                self.end_generation(generation, End::Lost(reason), phase, now);
            }
            (Fact::SaveFailed { not_before, .. }, Some(generation)) => {
                self.take_up(generation, Timestamp::default(), now);
                match &mut self.phase {
                    Phase::Saving {
                        generation: current,
                        not_before: at,
                    } if *current == generation => *at = not_before,
                    _ => {}
                }
            }
            (Fact::Saved { objects, .. }, Some(generation)) => self.saved(generation, objects),
            (Fact::Unknown(fact), _) => self.keep(fact),
            // Every fact about a generation has a handle.
            (_, None) => {}
        }
        Ok(())
    }

    /// The pause before the next claim of a job whose last claims bought nothing: a second, doubled up to about a minute.
    pub fn pause(&self) -> Duration {
        let not_bought =
            |record: &&ClaimRecord| matches!(record.outcome, ClaimOutcome::NotBought(_));
        let count = self.claims.iter().rev().take_while(not_bought).count();
        Duration::from_secs(1 << count.min(6))
    }
}

/// Claims.
impl Job {
    fn grant(&mut self, claim: Claim, now: Timestamp) -> Result<(), String> {
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
    fn end_claim(&mut self, claim: ClaimId, outcome: ClaimOutcome, then: Phase, now: Timestamp) {
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

    fn unclear(&mut self, claim: ClaimId, reason: String) {
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

    fn bought(&mut self, claim: ClaimId, generation: usize, now: Timestamp) {
        let record = self.claim_record(&claim);
        let outcome = mem::replace(&mut record.outcome, ClaimOutcome::Bought);
        if matches!(
            outcome,
            ClaimOutcome::NotBought(_) | ClaimOutcome::Refused(_)
        ) {
            let what = format!("the claim {claim} ended as {outcome:?}, then created a generation");
            self.anomaly(what, now);
        }
        let is_other = |(at, record): (usize, &GenerationRecord)| {
            at != generation && record.claim.as_ref() == Some(&claim)
        };
        if self.generations.iter().enumerate().any(is_other) {
            let what = format!("the claim {claim} created several generations");
            self.anomaly(what, now);
        }
    }

    /// Whether the job is claimed or parked by this claim.
    fn is_about(&self, claim: &ClaimId) -> bool {
        match &self.phase {
            Phase::Claimed { claim: current } | Phase::Ambiguous { claim: current, .. } => {
                current == claim
            }
            _ => false,
        }
    }

    fn claim_record(&mut self, id: &ClaimId) -> &mut ClaimRecord {
        let known = self.claims.iter().position(|record| record.id == *id);
        let at = known.unwrap_or_else(|| {
            self.claims.push(ClaimRecord::new(id.clone()));
            self.claims.len() - 1
        });
        &mut self.claims[at]
    }
}

/// Generations.
impl Job {
    /// Records a handle, and returns its position.
    fn record(
        &mut self,
        handle: &GenerationHandle,
        claim: Option<&ClaimId>,
        now: Timestamp,
    ) -> usize {
        let known = self
            .generations
            .iter()
            .position(|known| is_same(&known.handle, handle));
        let at = known.unwrap_or_else(|| {
            self.generations
                .push(GenerationRecord::new(handle.clone(), now));
            self.generations.len() - 1
        });
        let record = &mut self.generations[at];
        // A handle from a create holds more than a bare id that a person gave.
        if record.handle.origin().is_none() && handle.origin().is_some() {
            record.handle = handle.clone();
        }
        if record.claim.is_none() {
            record.claim = claim.cloned();
        }
        at
    }

    /// Waits for a generation that has not ended, if the job has no other one.
    fn take_up(&mut self, generation: usize, first_poll: Timestamp, now: Timestamp) {
        if self.phase.generation().is_none() && self.generations[generation].end.is_none() {
            self.wait(generation, first_poll, now);
        }
    }

    fn wait(&mut self, generation: usize, first_poll: Timestamp, now: Timestamp) {
        let mut schedule = ScheduleState::new(&self.generations[generation].handle, now);
        schedule.next_poll = first_poll;
        self.enter(Phase::Waiting {
            generation,
            schedule,
        });
    }

    fn polled(&mut self, generation: usize, polled: ScheduleState) {
        if let Phase::Waiting {
            generation: current,
            schedule,
        } = &mut self.phase
            && *current == generation
            && polled.polls > schedule.polls
        {
            *schedule = polled;
        }
    }

    fn completed(&mut self, generation: usize) {
        let is_current = match &self.phase {
            Phase::Waiting {
                generation: current,
                ..
            } => *current == generation,
            phase => phase.generation().is_none(),
        };
        let end = &mut self.generations[generation].end;
        // A generation that was lost or failed, and is completed after all, was paid.
        if is_current && matches!(end, None | Some(End::Lost(_) | End::Failed(_))) {
            *end = None;
            let not_before = Timestamp::default();
            self.enter(Phase::Saving {
                generation,
                not_before,
            });
        }
    }

    /// Ends a generation without a video. Another generation takes its place, else the job is in the phase `otherwise`.
    fn end_generation(&mut self, generation: usize, end: End, otherwise: Phase, now: Timestamp) {
        let record = &mut self.generations[generation];
        match &record.end {
            None => record.end = Some(end),
            Some(End::Saved(_)) => {
                let what = format!(
                    "the generation {} was saved, then ended as {end:?}",
                    record.handle.id()
                );
                return self.anomaly(what, now);
            }
            Some(_) => return,
        }
        if self
            .phase
            .generation()
            .is_some_and(|current| current != generation)
        {
            return;
        }
        let is_saved = |record: &GenerationRecord| matches!(record.end, Some(End::Saved(_)));
        let find =
            |wanted: &dyn Fn(&GenerationRecord) -> bool| self.generations.iter().position(wanted);
        if let Some(generation) = find(&is_saved) {
            self.enter(Phase::Saved { generation });
        } else if let Some(generation) = find(&|record| record.end.is_none()) {
            self.wait(generation, Timestamp::default(), now);
        } else if self.phase.generation().is_some() {
            self.enter(otherwise);
        }
    }

    fn saved(&mut self, generation: usize, objects: Vec<super::SavedObject>) {
        let end = &mut self.generations[generation].end;
        if matches!(end, Some(End::Saved(_))) {
            return;
        }
        *end = Some(End::Saved(objects));
        if self
            .phase
            .generation()
            .is_none_or(|current| current == generation)
        {
            self.enter(Phase::Saved { generation });
        }
    }
}

/// Decisions of people.
impl Job {
    fn decide(
        &mut self,
        decision: Decision,
        adopted: Option<usize>,
        now: Timestamp,
    ) -> Result<(), String> {
        if self.decisions.contains(&decision) {
            return Ok(());
        }
        if decision.by.trim().is_empty() || decision.why.trim().is_empty() {
            return Err("a decision needs the name of a person and a reason".into());
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
                let reason = format!("given up by {}: {}", decision.by, decision.why);
                self.enter(Phase::Failed { reason });
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
        if let Phase::Ambiguous { claim, .. } = &self.phase {
            let claim = claim.clone();
            self.claim_record(&claim).outcome = ClaimOutcome::Bought;
        }
        if self.phase.generation() == Some(generation) {
            return;
        }
        let end = &mut self.generations[generation].end;
        if matches!(end, Some(End::Saved(_))) {
            return self.enter(Phase::Saved { generation });
        }
        *end = None;
        self.wait(generation, Timestamp::default(), now);
    }
}

impl Job {
    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.revision += 1;
    }

    fn anomaly(&mut self, what: String, at: Timestamp) {
        let is_known = self.anomalies.iter().any(|known| known.what == what);
        if !is_known && self.anomalies.len() < MAX_ANOMALIES {
            self.anomalies.push(Anomaly { at, what });
        }
    }

    fn keep(&mut self, fact: Value) {
        if !self.unread.contains(&fact) {
            self.unread.push(fact);
        }
    }
}

/// Whether two handles name the same generation. A bare id has no origin.
fn is_same(one: &GenerationHandle, other: &GenerationHandle) -> bool {
    let same_origin = match (one.origin(), other.origin()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.id() == other.id() && one.route() == other.route() && same_origin
}
