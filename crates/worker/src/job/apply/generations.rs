//! The facts about generations.

use aimlapi_video::GenerationHandle;

use crate::job::{
    ClaimId, End, GenerationRecord, Job, Phase, SavedObject, ScheduleState, Timestamp,
};

impl Job {
    /// Records a handle, and returns its position.
    pub(super) fn record(
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
    pub(super) fn take_up(&mut self, generation: usize, first_poll: Timestamp, now: Timestamp) {
        if self.phase.generation().is_none() && self.generations[generation].end.is_none() {
            self.wait(generation, first_poll, now);
        }
    }

    pub(super) fn wait(&mut self, generation: usize, first_poll: Timestamp, now: Timestamp) {
        let mut schedule = ScheduleState::new(&self.generations[generation].handle, now);
        schedule.next_poll = first_poll;
        self.enter(Phase::Waiting {
            generation,
            schedule,
        });
    }

    pub(super) fn polled(&mut self, generation: usize, polled: ScheduleState) {
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

    pub(super) fn completed(&mut self, generation: usize) {
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
    pub(super) fn end_generation(
        &mut self,
        generation: usize,
        end: End,
        otherwise: Phase,
        now: Timestamp,
    ) {
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
        if self.phase.generation() == Some(generation) {
            self.settle(otherwise, now);
        }
    }

    /// Ends the wait for a create whose generation had ended before its handle arrived.
    pub(super) fn skip_ended(&mut self, generation: usize, now: Timestamp) {
        let otherwise = match &self.generations[generation].end {
            Some(End::Failed(reason)) => Phase::Failed {
                reason: reason.clone(),
            },
            Some(End::Lost(reason)) => Phase::Lost {
                reason: reason.clone(),
            },
            _ => Phase::Lost {
                reason: "the generation had ended before its handle arrived".into(),
            },
        };
        self.settle(otherwise, now);
    }

    /// Continues with what the job has besides the generation that ended, else in the phase `otherwise`.
    pub(super) fn settle(&mut self, otherwise: Phase, now: Timestamp) {
        let saved = |record: &GenerationRecord| matches!(record.end, Some(End::Saved(_)));
        let open = |record: &GenerationRecord| record.end.is_none();
        if let Some(generation) = self.generations.iter().position(saved) {
            self.enter(Phase::Saved { generation });
        } else if let Some(generation) = self.generations.iter().position(open) {
            self.wait(generation, Timestamp::default(), now);
        } else {
            self.enter(otherwise);
        }
    }

    pub(super) fn saved(&mut self, generation: usize, objects: Vec<SavedObject>) {
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

/// Whether two handles name the same generation. A bare id has no origin.
fn is_same(one: &GenerationHandle, other: &GenerationHandle) -> bool {
    let same_origin = match (one.origin(), other.origin()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    one.id() == other.id() && one.route() == other.route() && same_origin
}
