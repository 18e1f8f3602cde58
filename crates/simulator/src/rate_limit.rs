//! The limit of requests per minute, as a token bucket.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// A token bucket whose capacity is the number of requests of one minute.
#[derive(Debug)]
pub(super) struct RateLimit {
    per_minute: f64,
    /// The tokens that are left, and the time of that count.
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

    /// Takes a token for a request.
    ///
    /// # Errors
    ///
    /// If no token is left: the whole seconds until the next token.
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
}

/// The tolerance in tokens, so that a rounding error does not make a client wait another second.
const ROUNDING: f64 = 1e-6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_accepted_after_the_reported_wait_and_refused_before() {
        let limit = RateLimit::new(20);
        let at = Duration::from_secs;
        (0..20).for_each(|_| assert_eq!(limit.take(at(7)), Ok(())));
        assert_eq!(limit.take(at(7)), Err(3));
        assert_eq!(limit.take(at(9)), Err(1));
        assert_eq!(limit.take(at(10)), Ok(()));
        assert_eq!(limit.take(at(10)), Err(3));
    }

    #[test]
    fn tokens_accumulate_up_to_one_minute_after_an_idle_hour() {
        let limit = RateLimit::new(2);
        let late = Duration::from_secs(3600);
        assert_eq!([limit.take(late), limit.take(late)], [Ok(()), Ok(())]);
        assert_eq!(limit.take(late), Err(30));
    }
}
