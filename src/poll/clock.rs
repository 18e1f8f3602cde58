//! The conversion between the time of the service and the time of this process.

use std::time::Duration;

/// Converts between the time of the service and the time of this process.
///
/// Both are the same for the real service. A simulator may run faster: a second of this process is then `speed` seconds of
/// the service. Results that are too large become [`Duration::MAX`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clock {
    speed: f64,
}

impl Clock {
    pub(crate) const REAL_TIME: Self = Self { speed: 1.0 };

    /// A clock of a service that runs `speed` times as fast; a speed that is not positive and finite counts as 1.
    pub(crate) fn at_speed(speed: f64) -> Self {
        if speed.is_finite() && speed > 0.0 {
            Self { speed }
        } else {
            Self::REAL_TIME
        }
    }

    /// Converts a time of this process to the service's.
    pub(crate) fn to_service(self, time: Duration) -> Duration {
        multiply(time, self.speed)
    }

    /// Converts a time of the service to this process's.
    pub(crate) fn to_local(self, time: Duration) -> Duration {
        multiply(time, 1.0 / self.speed)
    }

    /// How many tokens of the poll budget a poll costs: a simulator that runs faster is polled more often by that factor.
    pub(crate) fn poll_cost(self) -> f64 {
        1.0 / self.speed
    }
}

fn multiply(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_convert_in_both_directions() {
        let clock = Clock::at_speed(20.0);
        let minute = Duration::from_secs(60);
        assert_eq!(clock.to_local(minute), Duration::from_secs(3));
        assert_eq!(clock.to_service(Duration::from_secs(3)), minute);
        assert!((clock.poll_cost() - 0.05).abs() < 1e-12);
    }

    #[test]
    fn speed_that_is_not_positive_and_finite_counts_as_one() {
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Clock::at_speed(speed), Clock::REAL_TIME);
        }
    }

    #[test]
    fn result_that_is_too_large_becomes_the_longest_time() {
        let slow = Clock::at_speed(1e-300);
        assert_eq!(slow.to_local(Duration::from_secs(1)), Duration::MAX);
    }
}
