//! When a generation starts and ends: its random duration, and its wait for one of the limited slots.
//!
//! A generation's `Timeline` is computed once, at its create. No timer or background task runs: the state of a generation
//! follows from its timeline and the current time.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::clock::seconds;
use aimlapi_video::contract::Model;

/// When a generation starts and ends, in the service's time since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeline {
    /// When the generation leaves the queue.
    pub(super) starts: Duration,
    /// When the generation ends.
    pub(super) ends: Duration,
}

/// A time that the clock never reaches.
pub(super) const NEVER: Duration = Duration::MAX;

/// The slots in which generations run, assigned in the order of the creates.
#[derive(Debug)]
pub(super) struct Slots {
    /// When each slot becomes free; `None` for an unlimited number of slots.
    free: Option<BinaryHeap<Reverse<Duration>>>,
}

impl Slots {
    pub(super) fn new(limit: Option<usize>) -> Self {
        let free = limit.map(|limit| vec![Reverse(Duration::ZERO); limit.max(1)].into());
        Self { free }
    }

    /// Assigns a slot to a generation that is queued for at least `queued` and then runs for `generating`.
    ///
    /// Generations get slots in the order of their creates, so the time at which each slot becomes free describes the whole
    /// queue.
    pub(super) fn assign(
        &mut self,
        created: Duration,
        queued: Duration,
        generating: Duration,
    ) -> Timeline {
        let ready = created.saturating_add(queued);
        let Some(free) = &mut self.free else {
            let ends = ready.saturating_add(generating);
            return Timeline {
                starts: ready,
                ends,
            };
        };
        let next = free.pop().map_or(ready, |Reverse(next)| next);
        let starts = ready.max(next);
        let ends = starts.saturating_add(generating);
        // A generation that never starts takes no slot: the slot would stay unused forever.
        free.push(Reverse(if starts == NEVER { next } else { ends }));
        Timeline { starts, ends }
    }
}

/// Draws the duration of a generation by `model` of a clip of `length` seconds.
///
/// The duration is drawn from the range that the vendor's pages state, and then spread around that value. The same seed,
/// number and request give the same duration.
pub(super) fn draw_duration(
    model: &Model,
    length: u64,
    seed: u64,
    number: u64,
    spread: f64,
) -> Duration {
    let mut random = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
    let typical = model
        .expected(Some(length))
        .map_or(DEFAULT_SECONDS, |stated| {
            let [min, max] =
                [stated.start(), stated.end()].map(|time| time.as_secs_f64().max(1.0).ln());
            (min + (max - min) * random.f64()).exp()
        });
    seconds(typical * (spread * normal(&mut random)).exp())
}

/// The share of its duration that a generation is queued if a slot is free.
pub(super) const QUEUED_SHARE: f64 = 0.15;

/// Seconds that a generation takes if the vendor's pages state no duration for its model.
const DEFAULT_SECONDS: f64 = 120.0;

/// Draws from the standard normal distribution, clamped to three standard deviations, so that tests meet no rare outlier.
fn normal(random: &mut fastrand::Rng) -> f64 {
    let (u, v) = (random.f64().max(1e-12), random.f64());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).clamp(-3.0, 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn third_generation_starts_when_the_first_of_two_slots_is_free() {
        let mut slots = Slots::new(Some(2));
        let ends: Vec<u64> = (0..5)
            .map(|_| slots.assign(Duration::ZERO, Duration::ZERO, MINUTE))
            .map(|timeline| timeline.ends.as_secs())
            .collect();
        assert_eq!(ends, [60, 60, 120, 120, 180]);
    }

    #[test]
    fn slot_is_kept_by_a_generation_that_never_ends_but_not_by_one_that_never_starts() {
        let mut slots = Slots::new(Some(1));
        assert_eq!(slots.assign(Duration::ZERO, NEVER, MINUTE).starts, NEVER);
        assert_eq!(
            slots.assign(Duration::ZERO, Duration::ZERO, NEVER).starts,
            Duration::ZERO
        );
        assert_eq!(
            slots.assign(Duration::ZERO, Duration::ZERO, MINUTE).starts,
            NEVER
        );
    }

    #[test]
    fn generations_do_not_wait_for_each_other_without_a_limit() {
        let mut slots = Slots::new(None);
        for _ in 0..3 {
            assert_eq!(slots.assign(MINUTE, MINUTE, MINUTE).ends, MINUTE * 3);
        }
    }
}
