//! When to ask next: pure decisions, no clock and no I/O.

use std::{fmt, ops::RangeInclusive, time::Duration};

use crate::State;

mod durations;
mod exponential;
mod placement;
mod planned;
mod pooled;
mod posterior;

pub use durations::{Durations, Learned};
pub use exponential::Exponential;
pub use planned::Planned;
pub use pooled::Pooled;

/// Decides when to poll next.
///
/// It is asked before every poll and must answer at once. Times are the generation's own: with
/// [`WaitOptions::speed`](crate::WaitOptions::speed) they run faster than the clock on the wall. A wait asks every 100 ms at most, whatever its schedule says.
///
/// ```
/// use std::time::Duration;
/// use aimlapi_video::schedule::{Decision, PollState, Schedule};
///
/// /// Asks every minute while queued, every ten seconds after that.
/// #[derive(Debug)]
/// struct Lazy;
///
/// impl Schedule for Lazy {
///     fn next(&self, state: &PollState<'_>) -> Decision {
///         let queued = state.last == Some(aimlapi_video::State::Queued);
///         Decision::After(Duration::from_secs(if queued { 60 } else { 10 }))
///     }
/// }
/// ```
pub trait Schedule: fmt::Debug + Send + Sync {
    /// What to do after what `state` tells.
    fn next(&self, state: &PollState<'_>) -> Decision;

    /// How much longer the generation takes, as far as the schedule can tell; zero when it is overdue. What
    /// [`Times::remaining`](crate::Times::remaining) tells.
    fn remaining(&self, _state: &PollState<'_>) -> Option<Duration> {
        None
    }
}

/// What a wait knows when it asks its schedule.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PollState<'a> {
    /// The generation's id.
    pub id: &'a str,
    /// Its model, where known.
    pub model: Option<&'a str>,
    /// The clip's length in seconds, where the request stated one.
    pub length: Option<u64>,
    /// The time since the generation was created, or since the wait began where that is not known.
    pub age: Duration,
    /// The age at the last poll, or when the wait began: where the step begins.
    pub last_poll: Duration,
    /// The age up to which it is known not to have ended: at the last poll that was answered so, zero before.
    pub unfinished: Duration,
    /// How many polls this wait has sent.
    pub polls: u32,
    /// The last state seen.
    pub last: Option<State>,
    /// How long such a generation takes from create to completed, as the vendor's pages state it.
    pub expected: Option<RangeInclusive<Duration>>,
    /// How long such generations took when this program waited for them.
    pub learned: Option<Learned>,
}

impl<'a> PollState<'a> {
    /// A generation that was just created and of which nothing else is known: to try a schedule without a service.
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

/// What a schedule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Poll this long after the last poll, or after the wait began.
    After(Duration),
}

/// The same step always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed(Duration);

impl Fixed {
    /// A poll every `step`.
    pub const fn every(step: Duration) -> Self {
        Self(step)
    }
}

impl Schedule for Fixed {
    fn next(&self, _: &PollState<'_>) -> Decision {
        Decision::After(self.0)
    }
}
