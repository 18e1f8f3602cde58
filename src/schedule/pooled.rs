//! The prior distribution of the durations of an unknown model.

use std::{ops::RangeInclusive, sync::LazyLock, time::Duration};

use super::posterior::{CONCENTRATION, Source};
use crate::models;

/// The durations of generations of all models: a lognormal distribution, used for an unknown model.
///
/// # Default
///
/// The fit to the durations that the vendor's pages state or print for 91 models in August 2026: 121 s, and two in three
/// within a factor of 2.3 of that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pooled {
    /// Mean and standard deviation of ln seconds.
    mean: f64,
    spread: f64,
}

impl Default for Pooled {
    fn default() -> Self {
        Self {
            mean: 4.796,
            spread: 0.847,
        }
    }
}

impl Pooled {
    /// Fits the stated durations of models. Fewer than two durations give the default.
    pub fn of(stated: impl IntoIterator<Item = RangeInclusive<Duration>>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for (middle, _) in stated.into_iter().filter_map(|range| middle(&range)) {
            count += 1.0;
            let away = middle - mean;
            mean += away / count;
            squares += away * (middle - mean);
        }
        if count < 2.0 {
            return Self::default();
        }
        Self {
            mean,
            spread: (squares / (count - 1.0)).sqrt().max(NARROWEST),
        }
    }

    /// The fit to the stated durations of the compiled-in models.
    pub fn stated() -> Self {
        static STATED: LazyLock<Pooled> = LazyLock::new(|| {
            let durations = models().iter().flat_map(|model| &model.durations);
            Pooled::of(durations.filter_map(|stated| {
                let time = |seconds| Duration::try_from_secs_f64(seconds).ok();
                Some(time(stated.min)?..=time(stated.max)?)
            }))
        });
        *STATED
    }

    pub(super) const fn source(self) -> Source {
        Source {
            weight: 1.0,
            mean: self.mean,
            error: self.spread,
            concentration: CONCENTRATION,
        }
    }
}

/// The middle of a stated range in ln seconds, and the standard deviation of a uniform distribution over it.
pub(super) fn middle(range: &RangeInclusive<Duration>) -> Option<(f64, f64)> {
    let (min, max) = (
        range.start().as_secs_f64().ln(),
        range.end().as_secs_f64().ln(),
    );
    let sane = min.is_finite() && max.is_finite();
    sane.then(|| (0.5 * (min + max), (max - min).abs() / 12_f64.sqrt()))
}

/// The narrowest fit: few figures do not justify a narrower one.
const NARROWEST: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pooled_durations_fit_the_stated_ones() {
        let pooled = Pooled::of([50, 200].map(|seconds| at(seconds)..=at(seconds)));
        assert!((pooled.mean.exp() - 100.0).abs() < 1e-6);
        assert!((pooled.spread - 4_f64.ln() / 2_f64.sqrt()).abs() < 1e-6);
        assert_eq!(Pooled::of([]), Pooled::default());
        assert_eq!(
            Pooled::of([Duration::ZERO..=Duration::MAX, at(3)..=at(3)]),
            Pooled::default()
        );
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }
}
