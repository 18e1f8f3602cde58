//! Schedules, which compute the time of the next poll. They do no I/O and read no clock.
//!
//! [`Planned`] is the default schedule; [`Fixed`] and [`Exponential`] are simple alternatives. [`Durations`] are the observed
//! durations from which `Planned` learns, [`Pooled`] those of all models, for a model without any.

use std::{fmt, ops::RangeInclusive, time::Duration};

use crate::State;

pub(crate) mod clock;
mod durations;
mod exponential;
pub(crate) mod options;
mod placement;
mod planned;
mod pooled;
mod posterior;

pub use durations::{Durations, Learned};
pub use exponential::Exponential;
pub use planned::Planned;
pub use pooled::Pooled;

/// A schedule, which decides when a wait polls next.
///
/// A wait calls its schedule before every poll; the schedule must return at once. All times are in the time of the service:
/// with [`WaitOptions::speed`](crate::WaitOptions::speed) they run faster than the clock of this process. A wait polls at
/// most every 100 ms, even if its schedule returns a shorter time.
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::{State, schedule::{PollState, Schedule}};
///
/// /// Polls every minute while queued, every ten seconds after that.
/// #[derive(Debug)]
/// struct QueueAware;
///
/// impl Schedule for QueueAware {
///     fn next(&self, state: &PollState<'_>) -> Duration {
///         let is_queued = state.last == Some(State::Queued);
///         Duration::from_secs(if is_queued { 60 } else { 10 })
///     }
/// }
/// ```
pub trait Schedule: fmt::Debug + Send + Sync {
    /// Returns the time from the last poll, or from the start of the wait, to the next poll.
    fn next(&self, state: &PollState<'_>) -> Duration;

    /// Estimates the time until the generation ends; zero when it is overdue, `None` if the schedule cannot estimate it.
    /// The estimate becomes [`Times::remaining`](crate::Times::remaining).
    fn remaining(&self, _state: &PollState<'_>) -> Option<Duration> {
        None
    }
}

/// The facts that a wait gives to its schedule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollState<'a> {
    /// The generation's id.
    pub id: &'a str,
    /// The generation's model, if known.
    pub model: Option<&'a str>,
    /// The clip's length in seconds, if the request stated one.
    pub length: Option<u64>,
    /// The time since the generation was created, or since the wait started if the time of the create is not known.
    pub age: Duration,
    /// The age at the last poll, or at the start of the wait: the beginning of the step.
    pub last_poll: Duration,
    /// The age up to which the generation is known not to have ended: the age when the last poll with a valid response was
    /// sent, zero before.
    pub unfinished: Duration,
    /// How many polls this wait has sent.
    pub polls: u32,
    /// The last state received.
    pub last: Option<State>,
    /// The duration of such a generation from create to completed that the vendor's pages state.
    pub expected: Option<RangeInclusive<Duration>>,
    /// The durations of such generations that this program observed.
    pub learned: Option<Learned>,
}

impl<'a> PollState<'a> {
    /// The state of a generation that was just created, without any other facts. Use it in tests of a schedule.
    pub fn new(id: &'a str) -> Self {
        Self {
            id,
            model: None,
            length: None,
            age: Duration::ZERO,
            last_poll: Duration::ZERO,
            unfinished: Duration::ZERO,
            polls: 0,
            last: None,
            expected: None,
            learned: None,
        }
    }
}

/// A schedule with a constant step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(Duration);

impl Fixed {
    /// Polls every `step`.
    pub const fn every(step: Duration) -> Self {
        Self(step)
    }
}

impl Schedule for Fixed {
    fn next(&self, _: &PollState<'_>) -> Duration {
        self.0
    }
}
