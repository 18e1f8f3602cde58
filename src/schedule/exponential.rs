//! A schedule with exponentially growing steps.

use std::time::Duration;

use super::{PollState, Schedule};

/// A schedule whose steps grow by a factor from poll to poll, like the pauses of retries.
///
/// The schedule ignores durations: the longer a generation takes, the later its end is observed. Use it if a policy requires
/// such a schedule; [`Planned`](super::Planned) needs fewer requests for the same lag.
///
/// # Default
///
/// - first step: 2 s
/// - factor: 1.5
/// - longest step: 30 s
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use = "a schedule does nothing until it is set in the options of a wait"]
pub struct Exponential {
    first: Duration,
    factor: f64,
    max_step: Duration,
}

impl Default for Exponential {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(2),
            factor: 1.5,
            max_step: Duration::from_secs(30),
        }
    }
}

impl Exponential {
    /// Sets the first step; at least a millisecond.
    pub fn first(mut self, first: Duration) -> Self {
        self.first = first.max(Duration::from_millis(1));
        self
    }

    /// Sets the ratio of each step to the one before. Below 1, or NaN, it counts as 1.
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor.max(1.0);
        self
    }

    /// Sets the longest step.
    pub fn most(mut self, most: Duration) -> Self {
        self.max_step = most;
        self
    }
}

impl Schedule for Exponential {
    fn next(&self, state: &PollState<'_>) -> Duration {
        let seconds = self.first.as_secs_f64() * self.factor.powf(state.polls.into());
        let step = Duration::try_from_secs_f64(seconds).unwrap_or(self.max_step);
        step.min(self.max_step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_grow_by_the_factor_up_to_the_longest() {
        let schedule = Exponential::default()
            .factor(2.0)
            .most(Duration::from_secs(7));
        assert_eq!(
            [0, 1, 2, u32::MAX].map(|polls| step(schedule, polls)),
            [2.0, 4.0, 7.0, 7.0]
        );
    }

    #[test]
    fn factor_of_nan_keeps_the_step() {
        let schedule = Exponential::default().factor(f64::NAN);
        assert_eq!([0, 9].map(|polls| step(schedule, polls)), [2.0, 2.0]);
    }

    fn step(schedule: Exponential, polls: u32) -> f64 {
        let mut state = PollState::new("id");
        state.polls = polls;
        let step = schedule.next(&state);
        step.as_secs_f64()
    }
}
