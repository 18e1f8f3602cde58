//! What is believed of a generation's duration before it has ended.

/// A mixture of lognormal durations, in seconds, and a small share of strays.
///
/// It is one hierarchical model. Durations of "generations such as this one" spread around a mean of ln seconds; neither is
/// known. Each source of knowledge is a prior for the mean, and what this program saw finish weighs every pair of a source
/// and a spread by Bayes' rule. So nothing else need say when to trust which.
#[derive(Clone, Debug)]
pub(super) struct Belief {
    parts: Vec<Part>,
    strays: f64,
    typical: f64,
}

/// What a source says of the mean of ln seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// How far it is believed, relative to the others.
    pub(super) weight: f64,
    pub(super) mean: f64,
    /// How wrong it tends to be: a standard deviation.
    pub(super) error: f64,
    /// How sure it is that durations spread as usual: the higher, the more finishes it takes to believe another spread.
    pub(super) sure: f64,
}

/// Finishes: the mean of ln seconds, and the sum of the squared differences from it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Finishes {
    pub(super) count: f64,
    pub(super) mean: f64,
    pub(super) squares: f64,
}

#[derive(Clone, Copy, Debug)]
struct Part {
    weight: f64,
    mean: f64,
    spread: f64,
}

impl Belief {
    pub(super) fn new(sources: &[Source], finishes: Finishes) -> Self {
        let mut parts: Vec<Part> = sources
            .iter()
            .flat_map(|source| {
                let all = source.of_all_spreads();
                SPREADS.map(|spread| source.predict(spread, finishes, all))
            })
            .filter(|part| part.weight.is_finite() && part.mean.is_finite())
            .collect();
        // The weights are logarithms: far from every source, each of them is too small for a number.
        let highest = parts
            .iter()
            .map(|part| part.weight)
            .fold(f64::NEG_INFINITY, f64::max);
        for part in &mut parts {
            part.weight = (part.weight - highest).exp();
        }
        parts.retain(|part| part.weight > NEGLIGIBLE);
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        for part in &mut parts {
            part.weight /= total;
        }
        let typical = parts.iter().map(|part| part.weight * part.mean).sum();
        let strays = STRAYS / (SEEN + finishes.count);
        for part in &mut parts {
            part.weight *= 1.0 - strays;
        }
        Self {
            parts,
            strays,
            typical,
        }
    }

    /// A typical duration, in seconds.
    pub(super) fn typical(&self) -> f64 {
        self.typical.exp()
    }

    /// Within how many seconds, to either side of the typical duration, most end.
    pub(super) fn width(&self) -> f64 {
        let square = |part: &Part| part.spread.powi(2) + (part.mean - self.typical).powi(2);
        let variance: f64 = self
            .parts
            .iter()
            .map(|part| part.weight * square(part))
            .sum();
        variance.sqrt() * self.typical()
    }

    /// Leaves out what plays no part any more, where it is known not to have ended within `age` seconds. The share that
    /// survives is still one of all, not of those that are left.
    pub(super) fn beyond(mut self, age: f64) -> Self {
        let least = NEGLIGIBLE * self.survival(age);
        let ln = age.max(TINY).ln();
        self.parts.retain(|part| part.survival(ln) > least);
        self
    }

    /// The duration that half of those exceed that last longer than `age`; both in seconds.
    pub(super) fn median_beyond(&self, age: f64) -> f64 {
        let half = 0.5 * self.survival(age);
        let (mut low, mut high) = (age.max(TINY), age.max(self.typical()).max(TINY));
        while self.survival(high) > half && high < LONGEST {
            high *= 2.0;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if self.survival(middle) > half {
                low = middle;
            } else {
                high = middle;
            }
        }
        high
    }

    /// The share that takes longer than `seconds`.
    pub(super) fn survival(&self, seconds: f64) -> f64 {
        let ln = seconds.max(TINY).ln();
        // A power law for a tail: it never reaches zero, and once everything likely is over, it makes steps grow with the
        // age.
        let strays = self.strays / (1.0 + ((ln - self.typical) / STRAY_SPREAD).exp());
        strays + self.parts.iter().map(|part| part.survival(ln)).sum::<f64>()
    }
}

impl Source {
    /// How likely durations spread so, as a logarithm, up to what [`of_all_spreads`](Self::of_all_spreads) tells.
    fn of_spread(self, spread: f64) -> f64 {
        -self.sure * (spread / USUAL_SPREAD).ln().powi(2)
    }

    /// The logarithm of the sum, so that to be sure is not to weigh less.
    fn of_all_spreads(self) -> f64 {
        let each = SPREADS.map(|spread| self.of_spread(spread).exp());
        each.iter().sum::<f64>().ln()
    }

    /// The next duration, if durations spread by `spread` around their mean. Its weight is the logarithm of the prior times
    /// the likelihood of the finishes.
    fn predict(self, spread: f64, finishes: Finishes, all: f64) -> Part {
        let variance = spread * spread;
        let mut weight = self.weight.ln() + self.of_spread(spread) - all;
        let mut mean = self.mean;
        let mut doubt = self.error * self.error;
        if finishes.count > 0.0 {
            let of_average = variance / finishes.count;
            let (away, both) = (finishes.mean - self.mean, doubt + of_average);
            weight -= 0.5 * (both.ln() + away * away / both);
            weight -=
                (finishes.count - 1.0).max(0.0) * spread.ln() + 0.5 * finishes.squares / variance;
            mean += away * doubt / both;
            doubt *= of_average / both;
        }
        Part {
            weight,
            mean,
            spread: (variance + doubt).sqrt(),
        }
    }
}

impl Part {
    fn survival(&self, ln: f64) -> f64 {
        self.weight * above((ln - self.mean) / self.spread)
    }
}

/// The share of a normal distribution above `z`, within 0.4 % of itself however small it is: the form of Börjesson and
/// Sundberg, with constants that make it exact at zero.
fn above(z: f64) -> f64 {
    let x = z.abs();
    let tail = (-0.5 * x * x).exp() / (0.656 * x + (0.118_336 * x * x + FRAC_2_PI).sqrt())
        * FRAC_1_SQRT_TAU;
    if z < 0.0 { 1.0 - tail } else { tail }
}

const FRAC_2_PI: f64 = std::f64::consts::FRAC_2_PI;
const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// Standard deviations of ln seconds that are thought possible, and the likeliest before anything was seen.
const SPREADS: [f64; 7] = [0.05, 0.075, 0.11, 0.15, 0.22, 0.33, 0.5];
const USUAL_SPREAD: f64 = 0.135;

/// How sure of that spread is whoever knows no better.
pub(super) const SURE: f64 = 1.3;

/// So many strays among so many generations are assumed to have been seen before the first.
const STRAYS: f64 = 0.5;
const SEEN: f64 = 600.0;

/// The scale of the logistic distribution of a stray's ln seconds.
const STRAY_SPREAD: f64 = 0.6;

/// Parts below this share cost time and change nothing.
const NEGLIGIBLE: f64 = 1e-4;

/// Seconds; none is told that is longer.
const LONGEST: f64 = 1e9;

/// A median is found within this many halvings: to less than a second of any that is told.
const HALVINGS: u32 = 32;

/// Seconds; zero has no logarithm.
const TINY: f64 = 1e-3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_normal_distribution_lies_above_its_middle() {
        assert!((above(0.0) - 0.5).abs() < 1e-9);
        assert!((above(-2.0) - 0.97725).abs() < 1e-4);
        assert!((above(6.0) / 9.866e-10 - 1.0).abs() < 4e-3);
    }

    #[test]
    fn finishes_outweigh_a_wrong_source() {
        let typical = |count| Belief::new(&[source(100.0)], finishes(count, 200.0)).typical();
        assert!((typical(0.0) - 100.0).abs() < 1e-6);
        assert!((typical(20.0) - 200.0).abs() < 5.0);
    }

    #[test]
    fn finishes_choose_the_source_that_fits() {
        let belief = Belief::new(&[source(100.0), source(400.0)], finishes(1.0, 380.0));
        assert!((belief.typical() - 400.0).abs() < 30.0);
    }

    #[test]
    fn the_width_follows_what_was_seen() {
        let width = |squares| {
            let finishes = Finishes {
                squares,
                ..finishes(50.0, 100.0)
            };
            Belief::new(&[source(100.0)], finishes).width()
        };
        assert!(width(50.0 * 0.05_f64.powi(2)) < 8.0);
        assert!(width(50.0 * 0.5_f64.powi(2)) > 40.0);
    }

    #[test]
    fn survival_never_rises_nor_reaches_zero() {
        let belief = Belief::new(&[source(100.0)], Finishes::default());
        let shares: Vec<f64> = (0..64)
            .map(|power| belief.survival(2_f64.powi(power)))
            .collect();
        assert!(
            shares
                .windows(2)
                .all(|pair| matches!(pair, [before, after] if before >= after))
        );
        assert!(shares.iter().all(|&share| share > 0.0));
    }

    #[test]
    fn without_a_sane_source_strays_are_left() {
        let belief = Belief::new(&[source(f64::NAN)], Finishes::default());
        assert!(belief.survival(1e9) > 0.0);
    }

    fn source(seconds: f64) -> Source {
        Source {
            weight: 1.0,
            mean: seconds.ln(),
            error: 0.3,
            sure: SURE,
        }
    }

    fn finishes(count: f64, seconds: f64) -> Finishes {
        Finishes {
            count,
            mean: seconds.ln(),
            squares: 0.01 * count,
        }
    }
}
