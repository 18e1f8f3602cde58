//! The simulator's clock, which provides two times: the service's time and the clients' real time.
//!
//! The service's time runs faster than real time by a factor, or moves only when it is advanced (a manual clock). Durations
//! of generations use the service's time; the rate limit and the expiry of URLs use real time.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

/// A clock that runs at a speed or is moved by hand. A clone starts with the same times.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    unix: Duration,
    /// Seconds of the service's time per second of real time; `None` for a manual clock.
    speed: Option<f64>,
    /// Microseconds of the service's time by which the clock was advanced.
    advanced: AtomicU64,
}

impl Clock {
    /// Creates a clock that runs `speed` times faster than real time.
    pub(super) fn running(speed: f64) -> Self {
        Self {
            started: Instant::now(),
            unix: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            speed: Some(speed),
            advanced: AtomicU64::new(0),
        }
    }

    /// Creates a clock that moves only when it is advanced, from the present time or from a given one.
    pub(super) fn manual(unix: Option<Duration>) -> Self {
        let clock = Self::running(1.0);
        Self {
            speed: None,
            unix: unix.unwrap_or(clock.unix),
            ..clock
        }
    }

    /// Returns the service's time since the start.
    pub(super) fn now(&self) -> Duration {
        let elapsed = self
            .speed
            .map_or(0.0, |speed| self.started.elapsed().as_secs_f64() * speed);
        seconds(elapsed).saturating_add(self.advanced())
    }

    /// Returns the real time since the start, as clients measure it.
    ///
    /// A second in `Retry-After` is therefore a second of the client. An advance counts by the clock's speed.
    pub(super) fn real(&self) -> Duration {
        match self.speed {
            Some(speed) => {
                let advanced = seconds(self.advanced().as_secs_f64() / speed);
                self.started.elapsed().saturating_add(advanced)
            }
            None => self.advanced(),
        }
    }

    /// Returns the real time as a duration since the Unix epoch.
    pub(super) fn unix(&self) -> Duration {
        self.unix.saturating_add(self.real())
    }

    /// Returns the clock's speed; `None` for a manual clock.
    pub(super) fn speed(&self) -> Option<f64> {
        self.speed
    }

    /// Moves the service's time forward.
    pub(super) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros())
            .unwrap_or(MAX_MICROS)
            .min(MAX_MICROS);
        let add = |advanced: u64| Some(advanced.saturating_add(by).min(MAX_MICROS));
        // The closure always returns a value, so that the update cannot fail.
        let _ = self
            .advanced
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Returns by how much the service's time was moved forward.
    pub(super) fn advanced(&self) -> Duration {
        Duration::from_micros(self.advanced.load(Ordering::Relaxed))
    }
}

impl Clone for Clock {
    fn clone(&self) -> Self {
        Self {
            advanced: AtomicU64::new(self.advanced.load(Ordering::Relaxed)),
            ..*self
        }
    }
}

/// The latest time in microseconds, about three thousand years: far below the overflow of `Duration` and `SystemTime`.
const MAX_MICROS: u64 = 100_000_000_000 * 1_000_000;

/// Converts seconds to a duration.
///
/// A negative value and NaN become zero; a value that is too large becomes the latest time.
pub(super) fn seconds(seconds: f64) -> Duration {
    let max = Duration::from_micros(MAX_MICROS);
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or(max, |time| time.min(max))
}
