//! How a generation goes: how long it takes, and when it gets one of the slots.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use super::clock::seconds;
use aimlapi_video::Model;

/// When a generation does what, in the service's time since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// When it leaves the queue.
    pub(super) starts: Duration,
    pub(super) ends: Duration,
}

/// Where time never comes to.
pub(super) const NEVER: Duration = Duration::MAX;

/// The places in which generations are made; first come, first served.
#[derive(Debug)]
pub(super) struct Slots {
    /// When each slot is free; none, where there is no limit.
    free: Option<BinaryHeap<Reverse<Duration>>>,
}

impl Slots {
    pub(super) fn new(limit: Option<usize>) -> Self {
        let free = limit.map(|limit| vec![Reverse(Duration::ZERO); limit.max(1)].into());
        Self { free }
    }

    /// The course of a generation that is in the queue for `queued` at least, and is then made for `made`.
    ///
    /// Since the first that came is served first, and what came is known, the whole queue is told by when each slot is free
    /// next: nothing has to run for a generation to go on.
    pub(super) fn take(&mut self, created: Duration, queued: Duration, made: Duration) -> Course {
        let ready = created.saturating_add(queued);
        let Some(free) = &mut self.free else {
            let ends = ready.saturating_add(made);
            return Course {
                starts: ready,
                ends,
            };
        };
        let next = free.pop().map_or(ready, |Reverse(next)| next);
        let starts = ready.max(next);
        let ends = starts.saturating_add(made);
        // One that never starts takes no slot, or it would be lost without anything being made in it.
        free.push(Reverse(if starts == NEVER { next } else { ends }));
        Course { starts, ends }
    }
}

/// How long `model` takes for a clip of `length` seconds: drawn from what the vendor's pages state, and spread around it.
///
/// The same seed, number and request give the same time.
pub(super) fn drawn(model: &Model, length: u64, seed: u64, number: u64, spread: f64) -> Duration {
    let mut random = fastrand::Rng::with_seed(seed ^ number.wrapping_mul(0xa076_1d64_78bd_642f));
    let typical = model.expected(Some(length)).map_or(UNSTATED, |stated| {
        let [least, most] =
            [stated.start(), stated.end()].map(|time| time.as_secs_f64().max(1.0).ln());
        (least + (most - least) * random.f64()).exp()
    });
    seconds(typical * (spread * normal(&mut random)).exp())
}

/// The share of its time that a generation is queued, where nothing is before it.
pub(super) const QUEUED: f64 = 0.15;

/// How many seconds a generation takes whose model states nothing.
const UNSTATED: f64 = 120.0;

/// Drawn from the normal distribution, cut at three deviations: a test should not meet what happens once in ten thousand.
fn normal(random: &mut fastrand::Rng) -> f64 {
    let (u, v) = (random.f64().max(1e-12), random.f64());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()).clamp(-3.0, 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn with_two_slots_the_third_starts_when_the_first_ends() {
        let mut slots = Slots::new(Some(2));
        let ends: Vec<u64> = (0..5)
            .map(|_| slots.take(Duration::ZERO, Duration::ZERO, MINUTE))
            .map(|course| course.ends.as_secs())
            .collect();
        assert_eq!(ends, [60, 60, 120, 120, 180]);
    }

    #[test]
    fn one_that_stays_in_the_queue_takes_no_slot_and_one_that_never_ends_keeps_it() {
        let mut slots = Slots::new(Some(1));
        assert_eq!(slots.take(Duration::ZERO, NEVER, MINUTE).starts, NEVER);
        assert_eq!(
            slots.take(Duration::ZERO, Duration::ZERO, NEVER).starts,
            Duration::ZERO
        );
        assert_eq!(
            slots.take(Duration::ZERO, Duration::ZERO, MINUTE).starts,
            NEVER
        );
    }

    #[test]
    fn without_a_limit_nobody_waits_for_another() {
        let mut slots = Slots::new(None);
        for _ in 0..3 {
            assert_eq!(slots.take(MINUTE, MINUTE, MINUTE).ends, MINUTE * 3);
        }
    }
}
