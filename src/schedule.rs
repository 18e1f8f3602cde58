//! When to ask next: pure decisions, no clock and no I/O.

use std::{fmt, ops::RangeInclusive, time::Duration};

use crate::State;

/// Decides when to poll next.
///
/// It is asked before every poll and must answer at once. Times are the generation's own: with
/// [`WaitOptions::speed`](crate::WaitOptions::speed) they run faster than the clock on the wall.
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
    /// How many polls this wait has sent.
    pub polls: u32,
    /// The last state seen.
    pub last: Option<State>,
    /// How long such a generation takes from create to completed, as the vendor's pages state it.
    pub expected: Option<RangeInclusive<Duration>>,
}

/// What a schedule decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Poll this long after the last poll, or after the wait began.
    After(Duration),
}

/// The default: steps that grow with the generation's age, so that a short one is noticed at once and a long one costs
/// few requests.
///
/// # Default
///
/// - step: 8 % of the age
/// - at least 2 s, at most 15 s
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proportional {
    share: f64,
    least: Duration,
    most: Duration,
}

impl Default for Proportional {
    fn default() -> Self {
        Self {
            share: 0.08,
            least: Duration::from_secs(2),
            most: Duration::from_secs(15),
        }
    }
}

impl Schedule for Proportional {
    fn next(&self, state: &PollState<'_>) -> Decision {
        Decision::After(state.age.mul_f64(self.share).clamp(self.least, self.most))
    }
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
