//! Where to put polls, given a belief.

use super::belief::Belief;

/// What holds for every step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Seconds.
    pub(super) least: f64,
    pub(super) most: f64,
    /// How many requests one second of lag is worth.
    pub(super) price: f64,
}

/// The next step and the one that follows it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub(super) next: f64,
    pub(super) second: f64,
}

/// The steps that cost least on average, where a request costs one and a second between the end and the poll that sees it
/// costs [`Terms::price`]: dynamic programming, from the last thinkable poll back to the next.
///
/// `known` is the age up to which the generation has not ended, `from` the age at which the step begins. Nothing, where no
/// number comes out.
pub(super) fn steps(belief: &Belief, known: f64, from: f64, terms: Terms) -> Option<Steps> {
    let all = belief.survival(known);
    let mut moments = moments(|age| belief.survival(age) / all, from, terms.least);
    plan(&mut moments, terms);
    // What ended before the first moment waits for any poll alike: it adds to every cost what it adds to the first.
    let now = Moment {
        alive: 1.0,
        ..Moment::default()
    };
    let cost = |moment: &Moment| now.cost(moment, terms.price);
    let reachable = moments
        .iter()
        .take_while(|moment| moment.age - from <= terms.most)
        .count()
        .max(1);
    let (at, best) = moments
        .iter()
        .enumerate()
        .take(reachable)
        .min_by(|(_, a), (_, b)| cost(a).total_cmp(&cost(b)))?;
    let around = at
        .checked_sub(1)
        .and_then(|before| moments.get(before..at + 2));
    let age = match around {
        Some([before, _, after]) => {
            lowest([before, best, after].map(|moment| (moment.age, cost(moment))))
        }
        _ => best.age,
    };
    let next = age - from;
    next.is_finite().then_some(Steps {
        next: next.min(terms.most),
        second: best.step,
    })
}

/// A time at which a poll may be sent.
#[derive(Clone, Copy, Debug, Default)]
struct Moment {
    age: f64,
    /// The share that has not ended.
    alive: f64,
    /// The sum of the ages at which the others ended.
    ended: f64,
    /// What a plan costs from a poll at this moment on, that one not counted, and its first step.
    rest: f64,
    step: f64,
}

impl Moment {
    /// What it costs from here on to poll next at `then`.
    fn cost(&self, then: &Self, price: f64) -> f64 {
        let lag = then.age * (self.alive - then.alive) - (then.ended - self.ended);
        self.alive + price * lag + then.rest
    }
}

/// The moments to choose from: `least` after `from` and on until nearly all have ended.
///
/// They are the denser, the denser polls will be, which goes with the root of the density of ends; and the denser, the
/// nearer, since of the whole plan only the next step is ever taken.
fn moments(alive: impl Fn(f64) -> f64, from: f64, least: f64) -> Vec<Moment> {
    let first = from + least;
    let mut reach = least * GROWTH;
    while alive(from + reach) > LEFT && reach < first * FURTHEST {
        reach *= GROWTH;
    }
    let factor = (reach / least).powf(1.0 / CELLS as f64);
    let mut cells = [(0.0, 0.0); CELLS];
    let (mut age, mut left, mut total) = (first, alive(first), 0.0);
    let mut ahead = least;
    for (end, need) in &mut cells {
        ahead *= factor;
        *end = from + ahead;
        let then = alive(*end);
        *need = ((left - then).max(0.0) * (*end - age)).sqrt();
        total += *need;
        (age, left) = (*end, then);
    }

    let mut moments = Vec::with_capacity(1 + MOMENTS + CELLS);
    let mut moment = Moment {
        age: first,
        alive: alive(first),
        ..Moment::default()
    };
    moments.push(moment);
    for (end, need) in cells {
        // At least one in each: the long time in which little ends needs its polls too.
        let count = (need / total * MOMENTS as f64).ceil().max(1.0);
        let width = (end - moment.age) / count;
        for _ in 0..count as usize {
            let age = moment.age + width;
            let alive = alive(age).min(moment.alive);
            moment.ended += (moment.alive - alive) * (moment.age + 0.5 * width);
            (moment.age, moment.alive) = (age, alive);
            moments.push(moment);
        }
    }
    moments
}

/// Finds the best plan from each moment on, from the last one back.
fn plan(moments: &mut [Moment], terms: Terms) {
    // The earlier a moment, the earlier its best next one, so none is sought beyond the one found last.
    let mut reach = moments.len();
    for at in (0..moments.len()).rev() {
        let Some((here, later)) = moments.get_mut(at..reach).and_then(<[_]>::split_first_mut)
        else {
            continue;
        };
        here.rest = here.alive;
        here.step = terms.least;
        let mut best = f64::INFINITY;
        for (then, moment) in (at + 1..).zip(&*later) {
            let step = moment.age - here.age;
            if step < terms.least {
                continue;
            }
            if step > terms.most && best < f64::INFINITY {
                break;
            }
            let cost = here.cost(moment, terms.price);
            if cost < best {
                best = cost;
                (here.rest, here.step) = (cost, step);
                reach = then + 1;
            }
        }
    }
}

/// Where the parabola through three points is lowest.
fn lowest([(a, at_a), (b, at_b), (c, at_c)]: [(f64, f64); 3]) -> f64 {
    let (left, right) = ((b - a) * (at_b - at_c), (b - c) * (at_b - at_a));
    let vertex = b - 0.5 * ((b - a) * left - (b - c) * right) / (left - right);
    if vertex > a && vertex < c { vertex } else { b }
}

/// How many moments there are at least, and how many cells they are spread over. More of them gain less than 1 %.
const MOMENTS: usize = 72;
const CELLS: usize = 48;

/// The last moment is sought in steps by this factor, until no more than this share is left, and no further than this many
/// times the first.
const GROWTH: f64 = 1.3;
const LEFT: f64 = 2e-3;
const FURTHEST: f64 = 1e4;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::schedule::belief::{Finishes, SURE, Source};

    #[test]
    fn the_first_poll_waits_for_the_first_ends_and_the_next_come_close() {
        let steps = steps(&around(100.0), 0.0, 0.0, TERMS).unwrap();
        assert!(steps.next > 60.0 && steps.next < 95.0, "{steps:?}");
        assert!(steps.second < 20.0, "{steps:?}");
    }

    #[test]
    fn a_higher_price_makes_steps_shorter() {
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
    fn one_that_may_have_ended_long_ago_is_asked_for_at_once() {
        assert_eq!(
            steps(&around(100.0), 0.0, 500.0, TERMS).unwrap().next,
            TERMS.least
        );
    }

    #[test]
    fn the_limits_hold() {
        for age in [0.0, 90.0, 1e3, 1e9, 1e19] {
            let terms = Terms {
                least: 5.0,
                most: 30.0,
                price: 2.0,
            };
            let steps = steps(&around(100.0), age, age, terms).unwrap();
            assert!(steps.next <= 30.0, "{age}: {steps:?}");
            assert!(age > 1e15 || steps.next >= 5.0 - 1e-6, "{age}: {steps:?}");
        }
    }

    const TERMS: Terms = Terms {
        least: 2.0,
        most: 600.0,
        price: 5.0,
    };

    fn around(seconds: f64) -> Belief {
        let source = Source {
            weight: 1.0,
            mean: seconds.ln(),
            error: 0.05,
            sure: SURE,
        };
        Belief::new(&[source], Finishes::default())
    }
}
