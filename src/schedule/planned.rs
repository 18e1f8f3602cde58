//! The default schedule, which polls when the end of the generation is likely.

use std::time::Duration;

use super::{
    PollState, Schedule,
    placement::{Terms, steps},
    pooled::{Pooled, middle},
    posterior::{CONCENTRATION, DurationPosterior, Observations, Source},
};
use crate::State;

/// The default schedule, which polls when the end of the generation is likely.
///
/// The distribution of the duration is estimated from three sources, weighted by Bayes' rule: the durations that this program
/// observed ([`PollState::learned`]), those that the vendor's pages state ([`PollState::expected`]), and for an unknown
/// model the [durations of all models](Pooled). The estimate accounts for the age: a generation that has outlived the stated
/// duration does not have that duration. The next poll is the one that minimises the expected cost of requests and lag
/// together; lag is the time from the end to the poll that observes it.
///
/// Every step has a small jitter that depends on the generation's id and the number of the poll: many waits do not poll in
/// step, and each wait polls at the same times in every run.
///
/// # Default
///
/// - trade: 0.187 s
/// - shortest step: 2 s
/// - longest step: 10 minutes
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::{WaitOptions, schedule::Planned};
///
/// // About half the requests, and twice the lag.
/// let schedule = Planned::default().trade(4 * Duration::from_millis(187));
/// let options = WaitOptions::default().schedule(schedule);
/// # let _ = options;
/// ```
///
/// If the stated duration is right and durations spread by 15 % around it, the default sends 10 requests at a mean lag of 1.4 s for
/// 90 s, 18 at 3.1 s for 330 s, and 26 at 4.8 s for 750 s; after 20 observed durations 9 at 1.5 s, 17 at 2.9 s, and 21 at 5.3 s
/// (`cargo bench --bench schedule`).
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a schedule does nothing until it is set in the options of a wait"]
pub struct Planned {
    trade: Duration,
    min_step: Duration,
    max_step: Duration,
    pooled: Pooled,
}

impl Default for Planned {
    fn default() -> Self {
        Self {
            trade: Duration::from_millis(187),
            min_step: Duration::from_secs(2),
            max_step: Duration::from_secs(600),
            pooled: Pooled::default(),
        }
    }
}

impl Planned {
    /// Sets how much lag one more request must save on average to be worth sending; 0.187 s by default. A shorter time
    /// reduces the lag with more requests; four times the time about halves the requests and doubles the lag.
    ///
    /// The value is for a generation of 330 s. It scales with the fourth root of the duration, so that both requests and lag
    /// grow with the duration. From four times the typical duration on it grows with the age, so that a generation that never
    /// ends is polled ever less often. Where durations differ by only a few times the shortest step, the lag does not become
    /// shorter than that step.
    pub fn trade(mut self, trade: Duration) -> Self {
        self.trade = trade;
        self
    }

    /// Sets the shortest step: 2 s by default, at least a second.
    pub fn at_least(mut self, min_step: Duration) -> Self {
        self.min_step = min_step.max(LOWEST_MIN_STEP);
        self.max_step = self.max_step.max(self.min_step);
        self
    }

    /// Sets the longest step: 10 minutes by default, at least the shortest.
    pub fn at_most(mut self, max_step: Duration) -> Self {
        self.max_step = max_step.max(self.min_step);
        self
    }

    /// Sets the durations that are assumed for an unknown model.
    pub fn pooled(mut self, pooled: Pooled) -> Self {
        self.pooled = pooled;
        self
    }
}

impl Schedule for Planned {
    fn next(&self, state: &PollState<'_>) -> Duration {
        let posterior = self.posterior(state);
        let terms = Terms {
            min_step: self.min_step.as_secs_f64(),
            max_step: self.max_step.as_secs_f64(),
            price: self.price(&posterior, state.unfinished.as_secs_f64()),
        };
        let from = state.last_poll.as_secs_f64();
        let mut known = state.unfinished.as_secs_f64();
        if state.last == Some(State::Queued) {
            // The generation has not started, so its running time is still ahead.
            known += QUEUED * posterior.typical().min(LONGEST_QUEUED);
        }
        let steps = steps(&posterior.beyond(known), known, from, terms);
        let step = steps.map_or(terms.max_step, |steps| {
            steps.next + JITTER * steps.next.min(steps.second) * jitter(state.id, state.polls)
        });
        let step = Duration::try_from_secs_f64(step).unwrap_or(self.min_step);
        step.clamp(self.min_step, self.max_step)
    }

    fn remaining(&self, state: &PollState<'_>) -> Option<Duration> {
        // The durations of all models spread too widely to promise an end by them.
        if state.expected.is_none() && state.learned.is_none() {
            return None;
        }
        let age = state.age.as_secs_f64();
        let end = self
            .posterior(state)
            .median_beyond(state.unfinished.as_secs_f64());
        Duration::try_from_secs_f64((end - age).max(0.0)).ok()
    }
}

impl Planned {
    fn posterior(&self, state: &PollState<'_>) -> DurationPosterior {
        let mut sources = Vec::with_capacity(4);
        match state.expected.as_ref().and_then(middle) {
            Some((mean, width)) => sources.extend(STATED.map(|stated| Source {
                mean: mean + stated.mean,
                error: width.hypot(stated.error),
                ..stated
            })),
            None => sources.push(self.pooled.source()),
        }
        let learned = state.learned.filter(|learned| {
            learned.count >= 0.0 && learned.mean.is_finite() && learned.squares >= 0.0
        });
        if let Some(mean) = learned.and_then(|learned| learned.near) {
            sources.push(Source { mean, ..NEAR });
        }
        let observations = learned.map(|learned| Observations {
            count: learned.count,
            mean: learned.mean,
            squares: learned.squares,
        });
        DurationPosterior::new(&sources, observations.unwrap_or_default())
    }

    /// How many requests a second of lag is worth.
    fn price(&self, posterior: &DurationPosterior, age: f64) -> f64 {
        let trade = self.trade.as_secs_f64().max(SHORTEST_TRADE);
        let typical = posterior.typical();
        let overdue = (age / (OVERDUE * typical)).max(1.0);
        let wanted = (TRADED / typical).sqrt().sqrt() / (trade * overdue);
        // At this price, steps have the shortest length where ends are dense.
        let max = DENSE * posterior.width() / self.min_step.as_secs_f64().powi(2);
        wanted.min(max)
    }
}

/// A number from -1 to 1, from an FNV-1a hash.
fn jitter(id: &str, poll: u32) -> f64 {
    let hash = id
        .bytes()
        .chain(poll.to_le_bytes())
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
    // The lowest and the highest bits depend too little on the last byte.
    ((hash ^ (hash >> 32)) & 0xffff) as f64 / f64::from(0x7fff_u16) - 1.0
}

/// The priors from a stated duration; their means are differences from it in ln seconds. A stated duration is mostly right,
/// and the durations of such a model vary little. Otherwise it tends to be that of a longer or a shorter clip, or of a busier
/// day.
const STATED: [Source; 3] = [
    Source {
        weight: 0.56,
        mean: 0.0,
        error: 0.01,
        concentration: 2.0 * CONCENTRATION,
    },
    Source {
        weight: 0.0125,
        mean: -0.83,
        error: 0.36,
        concentration: CONCENTRATION,
    },
    Source {
        weight: 0.0066,
        mean: 0.74,
        error: 0.267,
        concentration: CONCENTRATION,
    },
];

/// The prior from the durations of a model's other lengths.
const NEAR: Source = Source {
    weight: 0.5,
    mean: 0.0,
    error: 0.4,
    concentration: CONCENTRATION,
};

/// The lower limit of the shortest step.
const LOWEST_MIN_STEP: Duration = Duration::from_secs(1);

/// The jitter of a step, as a share of the shorter of it and the next one: a share of a long step could miss the begin of a
/// dense phase.
const JITTER: f64 = 0.08;

/// A queued generation takes at least this share of a typical duration longer. Of the typical duration, at most this many seconds
/// count.
const QUEUED: f64 = 0.05;
const LONGEST_QUEUED: f64 = 600.0;

/// The typical duration, in seconds, for which the trade is stated, and the shortest trade.
const TRADED: f64 = 330.0;
const SHORTEST_TRADE: f64 = 1e-3;

/// The multiple of the typical duration from which on the price of lag falls with the age, so that steps grow.
const OVERDUE: f64 = 4.0;

/// The price for a posterior with a width of 1 s and a shortest step of 1 s at which steps in its middle are not much longer.
const DENSE: f64 = 1.69;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::schedule::{Durations, Learned};

    #[test]
    fn equal_states_give_equal_steps_and_other_ids_others() {
        assert_eq!(
            polls("a", Some(330), None, 400.0),
            polls("a", Some(330), None, 400.0)
        );
        assert_ne!(
            polls("a", Some(330), None, 400.0),
            polls("b", Some(330), None, 400.0)
        );
    }

    #[test]
    fn every_step_keeps_to_the_limits() {
        let schedule = Planned::default().at_least(at(3)).at_most(at(20));
        for id in ["a", "-b", "c:d/e"] {
            for expected in [None, Some(0), Some(1), Some(330), Some(u64::MAX)] {
                for step in steps_of(&polls_of(schedule, id, expected, None, 1000.0)) {
                    assert!(
                        (2.999..=20.001).contains(&step),
                        "{id} {expected:?}: {step}"
                    );
                }
            }
        }
    }

    #[test]
    fn steps_are_at_least_a_second() {
        let schedule = Planned::default()
            .at_least(Duration::ZERO)
            .trade(Duration::ZERO);
        let polls = polls_of(schedule, "a", Some(30), None, 60.0);
        assert!(
            steps_of(&polls).iter().all(|&step| step > 0.999),
            "{polls:?}"
        );
    }

    #[test]
    fn most_polls_come_around_the_stated_time() {
        let polls = polls("a", Some(330), None, 430.0);
        let near = polls.iter().filter(|&&poll| poll > 230.0).count();
        assert!(near * 4 > polls.len() * 3, "{polls:?}");
    }

    #[test]
    fn steps_grow_once_the_stated_duration_is_exceeded() {
        let polls = polls("a", Some(40), None, 800.0);
        let step = |age: f64| {
            let at = polls
                .iter()
                .position(|&poll| poll > age)
                .unwrap_or_default();
            steps_of(&polls).get(at).copied().unwrap_or_default()
        };
        assert!(step(40.0) < 3.0, "{polls:?}");
        assert!(step(200.0) > 1.5 * step(40.0), "{polls:?}");
        assert!(step(700.0) > 1.5 * step(200.0), "{polls:?}");
    }

    #[test]
    fn observed_durations_outweigh_a_wrong_stated_one() {
        let right = polls("a", None, learned(300.0, 20), 310.0);
        let wrong = polls("a", Some(100), learned(300.0, 20), 310.0);
        assert!(wrong.len() <= right.len() + 2, "{right:?} {wrong:?}");
        assert!(right.len() < 14, "{right:?}");
    }

    #[test]
    fn observed_durations_halve_the_requests() {
        let requests = |learned| polls("a", None, learned, 330.0).len();
        assert!(2 * requests(learned(330.0, 20)) < requests(None));
    }

    #[test]
    fn other_lengths_of_the_model_reduce_the_requests() {
        let mut durations = Durations::default();
        (0..5).for_each(|_| durations.observe("m", Some(5), at(300)..=at(300)));
        let near = polls("a", None, durations.learned("m", Some(10)), 300.0);
        assert!(near.len() < polls("a", None, None, 300.0).len(), "{near:?}");
    }

    #[test]
    fn longer_trade_sends_fewer_requests() {
        let requests = |trade| {
            let schedule = Planned::default().trade(Duration::from_millis(trade));
            polls_of(schedule, "a", Some(330), None, 330.0).len()
        };
        assert!(requests(60) > requests(240));
        assert!(requests(240) > requests(960));
    }

    #[test]
    fn queued_generation_is_polled_later() {
        let [queued, generating] = [State::Queued, State::Generating].map(|last| {
            let mut state = state("a", Some(330), None);
            (state.age, state.last_poll, state.unfinished) = (at(330), at(330), at(330));
            state.last = Some(last);
            step(Planned::default(), &state)
        });
        assert!(queued > generating + at(8), "{queued:?} {generating:?}");
    }

    #[test]
    fn resumed_wait_polls_soon_if_the_generation_may_have_ended() {
        let mut state = state("a", Some(60), None);
        (state.age, state.last_poll) = (at(500), at(500));
        assert!(step(Planned::default(), &state) < at(3));
    }

    #[test]
    fn absurd_durations_give_a_step_within_the_limits() {
        let times = [
            Duration::ZERO,
            Duration::from_nanos(1),
            at(u64::MAX),
            Duration::MAX,
        ];
        for age in times {
            for expected in times {
                for figure in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e300] {
                    let mut state = state("", None, None);
                    (state.age, state.last_poll, state.unfinished) = (age, age, age);
                    (state.polls, state.expected) = (u32::MAX, Some(expected..=age));
                    state.learned = Some(Learned {
                        count: figure,
                        mean: figure,
                        squares: figure,
                        near: Some(figure),
                    });
                    let step = step(Planned::default().trade(expected), &state);
                    assert!((at(2)..=at(600)).contains(&step), "{state:?}: {step:?}");
                }
            }
        }
    }

    fn polls(id: &str, expected: Option<u64>, learned: Option<Learned>, until: f64) -> Vec<f64> {
        polls_of(Planned::default(), id, expected, learned, until)
    }

    fn polls_of(
        schedule: Planned,
        id: &str,
        expected: Option<u64>,
        learned: Option<Learned>,
        until: f64,
    ) -> Vec<f64> {
        let mut state = state(id, expected, learned);
        let mut polls = Vec::new();
        while state.age.as_secs_f64() < until {
            state.age += step(schedule, &state);
            (state.last_poll, state.unfinished) = (state.age, state.age);
            state.polls += 1;
            polls.push(state.age.as_secs_f64());
        }
        polls
    }

    fn steps_of(polls: &[f64]) -> Vec<f64> {
        polls
            .iter()
            .skip(1)
            .zip(polls)
            .map(|(poll, before)| poll - before)
            .collect()
    }

    #[test]
    fn remaining_time_shrinks_with_the_age_and_stays_positive() {
        let schedule = Planned::default();
        let mut state = state("a", Some(300), None);
        let remaining = |state: &PollState<'_>| schedule.remaining(state).unwrap().as_secs();
        assert!(
            (280..=310).contains(&remaining(&state)),
            "{}",
            remaining(&state)
        );
        (state.age, state.unfinished) = (at(200), at(200));
        assert!(
            (80..=120).contains(&remaining(&state)),
            "{}",
            remaining(&state)
        );
        (state.age, state.unfinished) = (at(600), at(600));
        assert!(
            (1..=600).contains(&remaining(&state)),
            "{}",
            remaining(&state)
        );
        state.age = at(100_000);
        assert_eq!(remaining(&state), 0);
    }

    #[test]
    fn remaining_time_of_an_unknown_model_is_not_estimated() {
        let schedule = Planned::default();
        assert_eq!(schedule.remaining(&state("a", None, None)), None);
        let mut durations = Durations::default();
        durations.observe("m", Some(5), at(80)..=at(84));
        let learned = durations.learned("m", Some(10));
        let remaining = schedule.remaining(&state("a", None, learned));
        assert!(remaining.is_some_and(|left| left > at(20)), "{remaining:?}");
    }

    fn state(id: &str, expected: Option<u64>, learned: Option<Learned>) -> PollState<'_> {
        let mut state = PollState::new(id);
        state.expected = expected.map(|seconds| at(seconds)..=at(seconds));
        state.learned = learned;
        state
    }

    fn step(schedule: Planned, state: &PollState<'_>) -> Duration {
        schedule.next(state)
    }

    fn learned(seconds: f64, count: u32) -> Option<Learned> {
        let mut durations = Durations::default();
        let took = Duration::from_secs_f64(seconds);
        (0..count).for_each(|_| durations.observe("m", None, took..=took));
        durations.learned("m", None)
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
