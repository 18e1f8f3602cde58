//! Computes the next poll for a given posterior distribution of the duration.

use super::posterior::DurationPosterior;

/// The limits of a step, and the price of lag.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Seconds.
    pub(super) min_step: f64,
    pub(super) max_step: f64,
    /// How many requests one second of lag is worth.
    pub(super) price: f64,
}

/// The next step and the one after it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) next: f64,
    pub(super) second: f64,
}

/// The steps with the lowest expected cost; `None` if the result is not a number.
///
/// A request costs 1, and a second between the end and the poll that observes it costs [`Terms::price`]. Dynamic programming
/// finds the steps, from the latest candidate poll back to the next one. `known` is the age up to which the generation has
/// not ended, `from` the age at which the step begins.
pub(super) fn steps(
    posterior: &DurationPosterior,
    known: f64,
    from: f64,
    terms: Terms,
) -> Option<Steps> {
    let all = posterior.survival(known);
    let alive = |age| posterior.survival(age) / all;
    let mut candidates = candidates(alive, from, terms.min_step);
    plan(&mut candidates, terms);
    // A generation that ended before the first candidate adds the same amount to the cost of every candidate.
    let now = Candidate {
        alive: 1.0,
        ..Candidate::default()
    };
    let cost = |candidate: &Candidate| now.cost(candidate, terms.price);
    let mut lowest_cost = f64::INFINITY;
    let mut chosen = None;
    for (at, candidate) in candidates.iter().enumerate() {
        if at > 0 && candidate.age - from > terms.max_step {
            break;
        }
        let cost = cost(candidate);
        if cost < lowest_cost {
            (lowest_cost, chosen) = (cost, Some((at, candidate)));
        }
    }
    let (at, best) = chosen?;
    let around = at
        .checked_sub(1)
        .and_then(|before| candidates.get(before..at + 2));
    let age = match around {
        Some([before, _, after]) => {
            lowest([before, best, after].map(|candidate| (candidate.age, cost(candidate))))
        }
        _ => best.age,
    };
    let next = age - from;
    next.is_finite().then_some(Steps {
        next: next.min(terms.max_step),
        second: best.step,
    })
}

/// A time at which a poll may be sent.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    age: f64,
    /// The share of generations that have not ended.
    alive: f64,
    /// The sum of the ages at which the others ended.
    ended: f64,
    /// The expected cost of all later polls of the best plan, and its first step.
    rest: f64,
    step: f64,
}

impl Candidate {
    /// The expected cost from here on if the next poll is sent at `then`.
    fn cost(&self, then: &Self, price: f64) -> f64 {
        let lag = then.age * (self.alive - then.alive) - (then.ended - self.ended);
        self.alive + price * lag + then.rest
    }
}

/// The candidates for the next polls: from `min_step` after `from` until nearly all generations have ended.
///
/// Candidates are denser where polls will be denser, which follows the root of the density of ends. They are also denser
/// near `from`, because only the next step of the plan is ever taken.
fn candidates(alive: impl Fn(f64) -> f64, from: f64, min_step: f64) -> Vec<Candidate> {
    let first = from + min_step;
    let factor = (reach(&alive, from, min_step) / min_step).powf(1.0 / CELLS as f64);
    // The end of each cell, the share alive then, and how many candidates the cell needs in relation to the others.
    let mut cells = [(0.0, 0.0, 0.0); CELLS];
    let alive_first = alive(first);
    let (mut age, mut left, mut total) = (first, alive_first, 0.0);
    let mut ahead = min_step;
    for (end, then, need) in &mut cells {
        ahead *= factor;
        *end = from + ahead;
        *then = alive(*end);
        *need = ((left - *then).max(0.0) * (*end - age)).sqrt();
        total += *need;
        (age, left) = (*end, *then);
    }

    let mut candidates = Vec::with_capacity(1 + MIN_CANDIDATES + CELLS);
    let mut last = Candidate {
        age: first,
        alive: alive_first,
        ..Candidate::default()
    };
    candidates.push(last);
    let mut push = |age: f64, alive: f64| {
        let alive = alive.min(last.alive);
        last.ended += (last.alive - alive) * 0.5 * (last.age + age);
        (last.age, last.alive) = (age, alive);
        candidates.push(last);
    };
    let mut begin = first;
    for (end, alive_then, need) in cells {
        // Each cell has at least one candidate, since a long time in which few generations end needs candidates too.
        let count = (need / total * MIN_CANDIDATES as f64).ceil().max(1.0);
        let width = (end - begin) / count;
        for within in 1..count as usize {
            let age = begin + within as f64 * width;
            push(age, alive(age));
        }
        push(end, alive_then);
        begin = end;
    }
    candidates
}

/// How long after `from` the latest candidate is: a power of [`GROWTH`] times `min_step`.
fn reach(alive: impl Fn(f64) -> f64, from: f64, min_step: f64) -> f64 {
    let furthest = (from + min_step) * FURTHEST;
    let at = |power| min_step * GROWTH.powi(power);
    let is_enough = |power| at(power) >= furthest || alive(from + at(power)) <= LEFT;
    let (mut low, mut high) = (0, 8);
    while !is_enough(high) {
        (low, high) = (high, 2 * high);
    }
    while high - low > 1 {
        let middle = (low + high) / 2;
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    at(high)
}

/// Finds the best plan from each candidate on, from the latest one back.
fn plan(candidates: &mut [Candidate], terms: Terms) {
    // The best next candidate of an earlier one is never later than that of a later one.
    let mut reach = candidates.len();
    for at in (0..candidates.len()).rev() {
        let Some((here, later)) = candidates
            .get_mut(at..reach)
            .and_then(<[_]>::split_first_mut)
        else {
            continue;
        };
        here.rest = here.alive;
        here.step = terms.min_step;
        let mut best = f64::INFINITY;
        for (then, candidate) in (at + 1..).zip(&*later) {
            let step = candidate.age - here.age;
            if step < terms.min_step {
                continue;
            }
            if step > terms.max_step && best < f64::INFINITY {
                break;
            }
            let cost = here.cost(candidate, terms.price);
            if cost < best {
                best = cost;
                (here.rest, here.step) = (cost, step);
                reach = then + 1;
            }
        }
    }
}

/// The minimum of the parabola through three points; the middle point if the minimum is not between the others.
fn lowest([(a, at_a), (b, at_b), (c, at_c)]: [(f64, f64); 3]) -> f64 {
    let (left, right) = ((b - a) * (at_b - at_c), (b - c) * (at_b - at_a));
    let vertex = b - 0.5 * ((b - a) * left - (b - c) * right) / (left - right);
    if vertex > a && vertex < c { vertex } else { b }
}

/// The minimum number of candidates, and the number of cells that hold them. More of them improve the result by less than 1 %.
const MIN_CANDIDATES: usize = 72;
const CELLS: usize = 48;

/// The growth of the search for the latest candidate, which leaves at most the share `LEFT` alive, or is `FURTHEST` times later
/// than the first candidate.
const GROWTH: f64 = 1.3;
const LEFT: f64 = 2e-3;
const FURTHEST: f64 = 1e4;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::schedule::posterior::{CONCENTRATION, Observations, Source};

    #[test]
    fn first_poll_waits_for_the_first_ends_and_the_next_follow_closely() {
        let steps = steps(&around(100.0), 0.0, 0.0, TERMS).unwrap();
        assert!(steps.next > 60.0 && steps.next < 95.0, "{steps:?}");
        assert!(steps.second < 20.0, "{steps:?}");
    }

    #[test]
    fn higher_price_makes_steps_shorter() {
        let next = |price| {
            steps(&around(100.0), 95.0, 95.0, Terms { price, ..TERMS })
                .unwrap()
                .next
        };
        assert!(next(10.0) < next(1.0));
        assert!(next(1.0) < next(0.1));
    }

    #[test]
    fn steps_grow_with_the_age_once_all_should_have_ended() {
        let next = |age: f64| steps(&around(100.0), age, age, TERMS).unwrap().next;
        assert!(next(1000.0) < next(10_000.0));
        assert!(next(10_000.0) < next(100_000.0));
    }

    #[test]
    fn generation_that_may_have_ended_long_ago_is_polled_after_the_shortest_step() {
        assert_eq!(
            steps(&around(100.0), 0.0, 500.0, TERMS).unwrap().next,
            TERMS.min_step
        );
    }

    #[test]
    fn steps_stay_within_the_limits() {
        for age in [0.0, 90.0, 1e3, 1e9, 1e19] {
            let terms = Terms {
                min_step: 5.0,
                max_step: 30.0,
                price: 2.0,
            };
            let steps = steps(&around(100.0), age, age, terms).unwrap();
            assert!(steps.next <= 30.0, "{age}: {steps:?}");
            assert!(age > 1e15 || steps.next >= 5.0 - 1e-6, "{age}: {steps:?}");
        }
    }

    const TERMS: Terms = Terms {
        min_step: 2.0,
        max_step: 600.0,
        price: 5.0,
    };

    fn around(seconds: f64) -> DurationPosterior {
        let source = Source {
            weight: 1.0,
            mean: seconds.ln(),
            error: 0.05,
            concentration: CONCENTRATION,
        };
        DurationPosterior::new(&[source], Observations::default())
    }
}
