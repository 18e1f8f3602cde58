//! The posterior distribution of a generation's duration.

use std::{array, sync::LazyLock};

/// A mixture of lognormal durations, in seconds, and a small share of outliers.
///
/// The model is hierarchical. Durations of similar generations spread around a mean of ln seconds; mean and spread are both
/// unknown. Each source of knowledge is a prior for the mean, and Bayes' rule weighs every pair of a source and a spread by
/// the durations that this program observed. No other rule decides which source to trust.
#[derive(Clone, Debug)]
pub(super) struct DurationPosterior {
    components: Vec<Component>,
    outliers: f64,
    /// The mean of ln seconds, and the duration that it stands for.
    mean: f64,
    typical: f64,
}

/// A prior for the mean of ln seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// The prior weight, relative to that of the other sources.
    pub(super) weight: f64,
    pub(super) mean: f64,
    /// The standard deviation of the true mean from the stated one.
    pub(super) error: f64,
    /// How concentrated the prior of the spread is around the usual one. A higher value needs more observations before
    /// another spread is likely.
    pub(super) concentration: f64,
}

/// A summary of observed durations: the mean of ln seconds, and the sum of the squared differences from it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observations {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

/// A normal distribution of ln seconds.
#[derive(Clone, Copy, Debug)]
struct Component {
    /// A logarithm until the weights are normalised.
    weight: f64,
    mean: f64,
    spread: f64,
}

impl DurationPosterior {
    pub(super) fn new(sources: &[Source], observations: Observations) -> Self {
        let spreads = SPREADS.map(|spread| (spread, spread.ln()));
        let mut components = Vec::with_capacity(sources.len() * SPREADS.len());
        for source in sources {
            components.extend(source.predict(&spreads, observations));
        }
        components.retain(|part| part.weight.is_finite() && part.mean.is_finite());
        // Far from every source, each weight is too small for a number unless the highest logarithm is subtracted first.
        let highest = components
            .iter()
            .map(|part| part.weight)
            .fold(f64::NEG_INFINITY, f64::max);
        for part in &mut components {
            part.weight = (part.weight - highest).exp();
        }
        components.retain(|part| part.weight > NEGLIGIBLE);
        components.dedup_by(|next, kept| kept.merge(next));
        let total: f64 = components.iter().map(|part| part.weight).sum();
        for part in &mut components {
            part.weight /= total;
        }
        let mean: f64 = components.iter().map(|part| part.weight * part.mean).sum();
        let outliers = PRIOR_OUTLIERS / (PRIOR_GENERATIONS + observations.count);
        for part in &mut components {
            part.weight *= 1.0 - outliers;
        }
        Self {
            components,
            outliers,
            mean,
            typical: mean.exp(),
        }
    }

    /// A typical duration, in seconds.
    pub(super) const fn typical(&self) -> f64 {
        self.typical
    }

    /// The standard deviation of the duration, in seconds.
    pub(super) fn width(&self) -> f64 {
        let square = |part: &Component| part.spread.powi(2) + (part.mean - self.mean).powi(2);
        let variance: f64 = self
            .components
            .iter()
            .map(|part| part.weight * square(part))
            .sum();
        variance.sqrt() * self.typical
    }

    /// Removes the components that are negligible for a generation that has not ended within `age` seconds.
    ///
    /// [`survival`](Self::survival) remains a share of all generations, not of those that survive `age`.
    pub(super) fn beyond(mut self, age: f64) -> Self {
        let threshold = NEGLIGIBLE * self.survival(age);
        let ln = age.max(TINY).ln();
        self.components.retain(|part| part.survival(ln) > threshold);
        self
    }

    /// The median duration of the generations that last longer than `age`; both in seconds.
    pub(super) fn median_beyond(&self, age: f64) -> f64 {
        let half = 0.5 * self.survival(age);
        let (mut low, mut high) = (age.max(TINY), age.max(self.typical).max(TINY));
        while self.survival(high) > half && high < LONGEST {
            (low, high) = (high, 2.0 * high);
        }
        while high - low > MEDIAN_ERROR * high {
            let middle = 0.5 * (low + high);
            if self.survival(middle) > half {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// The share of generations that take longer than `seconds`.
    pub(super) fn survival(&self, seconds: f64) -> f64 {
        let seconds = seconds.max(TINY);
        let ln = seconds.ln();
        // A power law with the exponent 7/4. It never reaches zero, and makes steps grow with the age once every likely
        // duration is over.
        let ratio = seconds / self.typical;
        let outliers = self.outliers / (1.0 + ratio * (ratio * ratio.sqrt()).sqrt());
        let components = self.components.iter();
        outliers + components.map(|part| part.survival(ln)).sum::<f64>()
    }
}

impl Source {
    /// The distribution of the next duration under each spread, which is given with its logarithm.
    fn predict(
        self,
        spreads: &[(f64, f64); SPREADS.len()],
        observations: Observations,
    ) -> [Component; SPREADS.len()] {
        // Logarithms of the prior of the spread, normalised: a concentrated prior has the same weight as a wide one.
        let usual = USUAL_SPREAD.ln();
        let priors = spreads.map(|(_, ln)| -self.concentration * (ln - usual).powi(2));
        let all = priors.iter().map(|prior| prior.exp()).sum::<f64>();
        let weight = (self.weight / all).ln();
        let prior_variance = self.error * self.error;
        array::from_fn(|at| {
            let (spread, ln_spread) = spreads[at];
            let variance = spread * spread;
            let mut part = Component {
                weight: weight + priors[at],
                mean: self.mean,
                spread: 0.0,
            };
            let mut of_mean = prior_variance;
            if observations.count > 0.0 {
                let of_average = variance / observations.count;
                let (away, both) = (observations.mean - self.mean, prior_variance + of_average);
                part.weight -= 0.5 * (both.ln() + away * away / both);
                part.weight -= (observations.count - 1.0).max(0.0) * ln_spread
                    + 0.5 * observations.squares / variance;
                part.mean += away * prior_variance / both;
                of_mean *= of_average / both;
            }
            part.spread = (variance + of_mean).sqrt();
            part
        })
    }
}

impl Component {
    fn survival(&self, ln: f64) -> f64 {
        self.weight * normal_tail((ln - self.mean) / self.spread)
    }

    /// Merges a component that is nearly the same, and returns whether it is. Weight, mean and variance of the mixture remain.
    fn merge(&mut self, next: &Self) -> bool {
        let away = next.mean - self.mean;
        let ratio = next.spread / self.spread;
        let is_near = away.abs() < SAME_MEAN * self.spread
            && ratio < SAME_SPREAD
            && ratio * SAME_SPREAD > 1.0;
        if is_near {
            let weight = self.weight + next.weight;
            let share = next.weight / weight;
            let variance = self.spread.powi(2) * (1.0 - share) + next.spread.powi(2) * share;
            self.spread = (variance + away * away * share * (1.0 - share)).sqrt();
            self.mean += away * share;
            self.weight = weight;
        }
        is_near
    }
}

/// The share of a normal distribution above `z`: linear between the entries of a table, within 0.2 % of [`tail_at`] up to 8.
fn normal_tail(z: f64) -> f64 {
    let at = ((z + TABLE_REACH) * TABLE_DENSITY).clamp(0.0, TABLE_END);
    let cell = at as u32;
    let (low, slope) = TABLE[cell as usize % TABLE_CELLS];
    low + slope * (at - f64::from(cell))
}

/// The value at the start of each cell, and the difference from the next one.
static TABLE: LazyLock<[(f64, f64); TABLE_CELLS]> = LazyLock::new(|| {
    array::from_fn(|cell| {
        let at = |cell: usize| tail_at(cell as f64 / TABLE_DENSITY - TABLE_REACH);
        (at(cell), at(cell + 1) - at(cell))
    })
});

/// The table of [`normal_tail`]: its reach in standard deviations to either side, the number of cells for each standard
/// deviation, the number of cells, and the last cell.
const TABLE_REACH: f64 = 8.0;
const TABLE_DENSITY: f64 = 64.0;
const TABLE_CELLS: usize = 1024;
const TABLE_END: f64 = 1023.0;

/// The share of a normal distribution above `z`, with a relative error below 0.4 % for every `z`: the form of Börjesson and
/// Sundberg, with constants that make it exact at zero.
fn tail_at(z: f64) -> f64 {
    let x = z.abs();
    let tail = (-0.5 * x * x).exp() / (0.656 * x + (0.118_336 * x * x + FRAC_2_PI).sqrt())
        * FRAC_1_SQRT_TAU;
    if z < 0.0 { 1.0 - tail } else { tail }
}

const FRAC_2_PI: f64 = std::f64::consts::FRAC_2_PI;
const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// Possible standard deviations of ln seconds, and the likeliest one before the first observation.
const SPREADS: [f64; 7] = [0.05, 0.075, 0.11, 0.15, 0.22, 0.33, 0.5];
const USUAL_SPREAD: f64 = 0.135;

/// The concentration of a source without better knowledge of the spread.
pub(super) const CONCENTRATION: f64 = 1.3;

/// The prior of the share of outliers: this number of outliers among this number of generations.
const PRIOR_OUTLIERS: f64 = 0.5;
const PRIOR_GENERATIONS: f64 = 600.0;

/// Components below this share cost time and change nothing.
const NEGLIGIBLE: f64 = 1e-4;

/// Components are merged if their means differ by less than this share of a spread, and their spreads by less than this factor.
const SAME_MEAN: f64 = 0.1;
const SAME_SPREAD: f64 = 1.3;

/// Seconds; an upper bound of every median.
const LONGEST: f64 = 1e9;

/// The relative error of a median.
const MEDIAN_ERROR: f64 = 1e-3;

/// Seconds; zero has no logarithm.
const TINY: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_normal_distribution_lies_above_its_middle() {
        for tail in [tail_at, normal_tail] {
            assert!((tail(0.0) - 0.5).abs() < 1e-9);
            assert!((tail(-2.0) - 0.97725).abs() < 1e-4);
            assert!((tail(6.0) / 9.866e-10 - 1.0).abs() < 6e-3);
        }
    }

    #[test]
    fn table_of_the_tail_agrees_with_its_formula() {
        for step in -7900..=7900 {
            let z = f64::from(step) * 1e-3;
            assert!((normal_tail(z) / tail_at(z) - 1.0).abs() < 2e-3, "{z}");
        }
        assert!(normal_tail(f64::INFINITY) < 1e-15);
        assert!(normal_tail(f64::NEG_INFINITY) > 1.0 - 1e-15);
        assert!(normal_tail(f64::NAN).is_nan());
    }

    #[test]
    fn observations_outweigh_a_wrong_source() {
        let typical =
            |count| DurationPosterior::new(&[source(100.0)], observations(count, 200.0)).typical();
        assert!((typical(0.0) - 100.0).abs() < 1e-6);
        assert!((typical(20.0) - 200.0).abs() < 5.0);
    }

    #[test]
    fn observations_choose_the_source_that_fits() {
        let sources = [source(100.0), source(400.0)];
        let posterior = DurationPosterior::new(&sources, observations(1.0, 380.0));
        assert!((posterior.typical() - 400.0).abs() < 30.0);
    }

    #[test]
    fn width_follows_the_observations() {
        let width = |squares| {
            let observations = Observations {
                squares,
                ..observations(50.0, 100.0)
            };
            DurationPosterior::new(&[source(100.0)], observations).width()
        };
        assert!(width(50.0 * 0.05_f64.powi(2)) < 8.0);
        assert!(width(50.0 * 0.5_f64.powi(2)) > 40.0);
    }

    #[test]
    fn survival_never_rises_nor_reaches_zero() {
        let posterior = DurationPosterior::new(&[source(100.0)], Observations::default());
        let shares: Vec<f64> = (0..64)
            .map(|power| posterior.survival(2_f64.powi(power)))
            .collect();
        assert!(
            shares
                .windows(2)
                .all(|pair| matches!(pair, [before, after] if before >= after))
        );
        assert!(shares.iter().all(|&share| share > 0.0));
    }

    #[test]
    fn median_beyond_an_age_halves_the_survivors() {
        let posterior = DurationPosterior::new(&[source(100.0)], Observations::default());
        for age in [0.0, 50.0, 100.0, 1e3, 1e5] {
            let median = posterior.median_beyond(age);
            let share = posterior.survival(median) / posterior.survival(age);
            assert!((share - 0.5).abs() < 0.01, "{age}: {share}");
        }
    }

    #[test]
    fn outliers_remain_without_a_finite_source() {
        let posterior = DurationPosterior::new(&[source(f64::NAN)], Observations::default());
        assert!(posterior.survival(1e9) > 0.0);
    }

    fn source(seconds: f64) -> Source {
        Source {
            weight: 1.0,
            mean: seconds.ln(),
            error: 0.3,
            concentration: CONCENTRATION,
        }
    }

    fn observations(count: f64, seconds: f64) -> Observations {
        Observations {
            count,
            mean: seconds.ln(),
            squares: 0.01 * count,
        }
    }
}
