//! The lower bound of M for every schedule.

use super::Score;

/// The best results of a schedule that knows that durations are lognormal with this spread: pairs of mean requests and M.
pub(super) struct Limit {
    pub(super) spread: f64,
    curve: Vec<(f64, f64)>,
}

impl Limit {
    pub(super) fn new(spread: f64) -> Self {
        const CELLS: usize = 1400;
        let reach = 4.5 * spread;
        let ages: Vec<f64> = (0..=CELLS)
            .map(|at| (reach * (2.0 * at as f64 / CELLS as f64 - 1.0)).exp())
            .collect();
        let alive: Vec<f64> = ages.iter().map(|age| above(age.ln() / spread)).collect();
        let mut ended = vec![0.0; CELLS + 1];
        for at in 1..=CELLS {
            ended[at] =
                ended[at - 1] + (alive[at - 1] - alive[at]) * 0.5 * (ages[at] + ages[at - 1]);
        }
        let mean = (0.5 * spread * spread).exp();
        let prices = (0..46).map(|step| 0.5 * 1.3_f64.powi(step));
        let curve = prices.map(|price| {
            // The cost, the mean requests and the mean lag of the best plan from each point in time.
            let mut plans = vec![(0.0, 0.0, 0.0); CELLS + 1];
            let mut first = (f64::INFINITY, 0.0, 0.0);
            for from in (0..=CELLS).rev() {
                let mut best = (f64::INFINITY, 0.0, 0.0);
                for to in from + 1..=CELLS {
                    let lag = ages[to] * (alive[from] - alive[to]) - (ended[to] - ended[from]);
                    let (cost, polls, later) = plans[to];
                    let cost = alive[from] + price * lag + cost;
                    if cost < best.0 {
                        best = (cost, alive[from] + polls, lag + later);
                    }
                }
                if from < CELLS {
                    plans[from] = best;
                }
                let lag = ages[from] * (1.0 - alive[from]) - ended[from];
                let (cost, polls, later) = plans[from];
                let cost = 1.0 + price * lag + cost;
                if cost < first.0 {
                    first = (cost, 1.0 + polls, lag + later);
                }
            }
            (first.1, first.1 * first.2 / mean)
        });
        Self {
            spread,
            curve: curve.collect(),
        }
    }

    /// Mean requests and mean lag of the best schedules for durations around `typical` seconds.
    pub(super) fn lags(&self, typical: f64) -> Vec<(f64, f64)> {
        let mean = typical * (0.5 * self.spread * self.spread).exp();
        let curve = self.curve.iter();
        curve
            .map(|&(polls, merit)| (polls, merit * mean / polls))
            .collect()
    }

    pub(super) fn at(&self, polls: f64) -> f64 {
        let after = self
            .curve
            .partition_point(|point| point.0 < polls)
            .clamp(1, self.curve.len() - 1);
        let ((x0, y0), (x1, y1)) = (self.curve[after - 1], self.curve[after]);
        y0 + (y1 - y0) * ((polls - x0) / (x1 - x0)).clamp(0.0, 1.0)
    }

    pub(super) fn ratio(&self, score: &Score) -> f64 {
        score.merit() / self.at(score.polls())
    }

    /// M for very many polls, without any grid of poll times: half the squared integral of the root of density x survival,
    /// by the mean.
    pub(super) fn dense(&self) -> f64 {
        let step = 1e-3;
        let root: f64 = (-7000..7000)
            .map(|at| f64::from(at) * step)
            .map(|z| {
                let age = (self.spread * z).exp();
                let density =
                    (-0.5 * z * z).exp() / (std::f64::consts::TAU.sqrt() * self.spread * age);
                (density * above(z)).sqrt() * self.spread * age * step
            })
            .sum();
        0.5 * root * root / (0.5 * self.spread * self.spread).exp()
    }
}

/// The share of a normal distribution above `z`: the complementary error function of Numerical Recipes, section 6.2.
fn above(z: f64) -> f64 {
    let x = z.abs() * std::f64::consts::FRAC_1_SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let terms = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let tail = 0.5 * t * (terms.iter().fold(0.0, |sum, term| sum * t + term) - x * x).exp();
    if z < 0.0 { 1.0 - tail } else { tail }
}
