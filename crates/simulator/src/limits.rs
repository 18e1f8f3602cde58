//! How many requests are taken in a minute.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A token bucket that holds what a minute brings.
#[derive(Debug)]
pub(super) struct RateLimit {
    per_minute: f64,
    /// How much is left, and when that was so.
    left: Mutex<(f64, Duration)>,
}

impl RateLimit {
    pub(super) fn new(per_minute: u32) -> Self {
        let per_minute = f64::from(per_minute.max(1));
        Self {
            per_minute,
            left: Mutex::new((per_minute, Duration::ZERO)),
        }
    }

    /// Takes a request, or tells in how many whole seconds one will be taken.
    pub(super) fn take(&self, now: Duration) -> Result<(), u64> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_sub(left.1).as_secs_f64();
        let tokens = (left.0 + passed * self.per_minute / 60.0).min(self.per_minute);
        let enough = tokens > 1.0 - ROUNDING;
        *left = (if enough { tokens - 1.0 } else { tokens }, now.max(left.1));
        if enough {
            return Ok(());
        }
        let seconds = (1.0 - ROUNDING - tokens) * 60.0 / self.per_minute;
        Err(seconds.ceil().max(1.0) as u64)
    }

    pub(super) fn reset(&self, now: Duration) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = (self.per_minute, now);
    }
}

/// Tokens: a rounding error must not cost a client a second.
const ROUNDING: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_as_told_is_taken_and_who_comes_earlier_is_not() {
        let limit = RateLimit::new(20);
        let at = Duration::from_secs;
        (0..20).for_each(|_| assert_eq!(limit.take(at(7)), Ok(())));
        assert_eq!(limit.take(at(7)), Err(3));
        assert_eq!(limit.take(at(9)), Err(1));
        assert_eq!(limit.take(at(10)), Ok(()));
        assert_eq!(limit.take(at(10)), Err(3));
    }

    #[test]
    fn an_idle_hour_saves_up_no_more_than_a_minute() {
        let limit = RateLimit::new(2);
        let late = Duration::from_secs(3600);
        assert_eq!([limit.take(late), limit.take(late)], [Ok(()), Ok(())]);
        assert_eq!(limit.take(late), Err(30));
    }
}
