//! The simulator's time: the service's, which runs faster than ours or stands until it is moved, and the clients'.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    unix: Duration,
    /// How many of the service's seconds pass in one of ours; none, where the clock stands.
    speed: Option<f64>,
    /// Microseconds of the service's time that it was moved forward by.
    moved: AtomicU64,
}

impl Clock {
    /// One that runs `speed` times faster than ours.
    pub(super) fn running(speed: f64) -> Self {
        Self {
            started: Instant::now(),
            unix: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
            speed: Some(speed),
            moved: AtomicU64::new(0),
        }
    }

    /// One that stands until it is moved.
    pub(super) fn manual() -> Self {
        Self {
            speed: None,
            ..Self::running(1.0)
        }
    }

    /// The service's time since the start.
    pub(super) fn now(&self) -> Duration {
        let ran = self
            .speed
            .map_or(0.0, |speed| self.started.elapsed().as_secs_f64() * speed);
        seconds(ran).saturating_add(self.moved())
    }

    /// Our time since the start: what clients measure, so that a second in `Retry-After` is one of theirs.
    pub(super) fn real(&self) -> Duration {
        match self.speed {
            Some(speed) => {
                let moved = seconds(self.moved().as_secs_f64() / speed);
                self.started.elapsed().saturating_add(moved)
            }
            None => self.moved(),
        }
    }

    /// Our time of day.
    pub(super) fn unix(&self) -> Duration {
        self.unix.saturating_add(self.real())
    }

    /// Moves the service's time forward.
    pub(super) fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(MOST).min(MOST);
        let add = |moved: u64| Some(moved.saturating_add(by).min(MOST));
        // The closure never declines.
        let _ = self
            .moved
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    fn moved(&self) -> Duration {
        Duration::from_micros(self.moved.load(Ordering::Relaxed))
    }
}

/// The end of time, far below where a `Duration` or a time of day would overflow: about three thousand years.
const MOST: u64 = 100_000_000_000 * 1_000_000;

/// Seconds as a duration; what is too much or not a number is the end of time.
pub(super) fn seconds(seconds: f64) -> Duration {
    let most = Duration::from_micros(MOST);
    Duration::try_from_secs_f64(seconds.max(0.0)).map_or(most, |time| time.min(most))
}
