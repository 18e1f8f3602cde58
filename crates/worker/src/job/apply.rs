//! The transitions of a job.

use std::{mem, time::Duration};

use serde_json::Value;

use super::{
    Anomaly, Applied, ClaimOutcome, ClaimRecord, Effect, End, Fact, Job, Phase, Timestamp,
};

mod claims;
mod decisions;
mod generations;

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
                    is_unused,
                },
                _,
            ) => {
                self.unused(&claim, is_unused);
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
                self.bought(&claim, generation, now);
                self.take_up(generation, first_poll, now);
                if self.is_about(&claim) {
                    self.skip_ended(generation, now);
                }
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

    /// The pause before the next claim of a job whose last claims bought nothing: a second, doubled up to about four minutes. An account
    /// without credits has many such jobs, for days.
    pub fn pause(&self) -> Duration {
        let not_bought =
            |record: &&ClaimRecord| matches!(record.outcome, ClaimOutcome::NotBought(_));
        let count = self.claims.iter().rev().take_while(not_bought).count();
        Duration::from_secs(1 << count.min(8))
    }
}

impl Job {
    /// Changes the phase.
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
