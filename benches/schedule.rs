//! Benchmarks polling schedules in virtual time: how many requests each sends, and how late it observes the end.
//!
//! The figure of merit is M = mean requests x mean lag / mean duration. M has no unit, and is 0.5 for any fixed step. The
//! printed limit is the lowest M of a schedule that knows the distribution exactly, at the same mean number of requests.
//!
//! The limit holds for a single typical duration: over all stated durations together, M may be below the limit, since more
//! requests are sent for long durations.
//!
//! With `-- --svg FILE` the benchmark draws requests against lag, and prints nothing.
//!
//! A poll takes no time, so a lag is the time from the end to the next poll. Durations are lognormal.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{env, fmt::Debug, sync::LazyLock, thread};

use aimlapi_video::schedule::{Durations, Planned};

#[path = "schedule/goals.rs"]
mod goals;
#[path = "schedule/limit.rs"]
mod limit;
#[path = "schedule/peers.rs"]
mod peers;
#[path = "schedule/plot.rs"]
mod plot;
#[path = "schedule/random.rs"]
mod random;
#[path = "schedule/score.rs"]
mod score;
#[path = "schedule/tables.rs"]
mod tables;

use goals::Goals;
use limit::Limit;
use peers::PEERS;
use random::Random;
use score::{Score, Wait, score};

const SPREADS: [f64; 5] = [0.05, 0.1, 0.15, 0.3, 0.5];
const TYPICAL: [f64; 4] = [35.0, 90.0, 330.0, 750.0];
const OBSERVATIONS: [usize; 3] = [5, 20, 100];
const SAMPLES: usize = 200_000;
const LEARNERS: usize = 20;

fn main() {
    let mut arguments = env::args().skip_while(|argument| argument != "--svg");
    if arguments.next().is_some() {
        let file = arguments.next().expect("a file after --svg");
        return plot::write(&file).expect("the plot is written");
    }

    let limits = SPREADS.map(Limit::new);
    tables::limits(&limits);
    tables::pooled();
    tables::peers();

    let mut goals = Goals::default();
    let mut stated = |title: &str, hint: Option<f64>, max: Option<f64>| {
        let tables = each_spread(|spread| {
            everywhere(|typical, seed| with_hint(typical, hint, spread, seed))
        });
        tables::ours(title, &limits, &tables);
        if hint == Some(1.0) {
            let at = &tables[2][2];
            goals.rows.push((
                "330 s, spread .15, right hint: requests".into(),
                at.polls(),
                18.0,
            ));
            goals.rows.push((
                "330 s, spread .15, right hint: mean lag".into(),
                at.lag(),
                3.0,
            ));
        }
        if let Some(max) = max {
            let stated = tables.clone().map(|table| vec![table[4].clone()]);
            let all = format!("{title}, stated durations");
            goals.add(&all, "M", max, &stated, |_, score| score.merit());
            if hint.is_some() {
                // Not a required goal, but a guard against regressions.
                let each = format!("{title}, each length");
                goals.add(&each, "M", 0.65, &tables, |_, score| score.merit());
            }
        }
    };
    stated("a right hint", Some(1.0), None);
    stated("a hint twice too long", Some(2.0), Some(0.55));
    stated("a hint twice too short", Some(0.5), Some(0.55));
    stated("a hint five times too long", Some(5.0), None);
    stated("a hint five times too short", Some(0.2), None);
    stated("nothing known", None, Some(0.55));

    for hint in [None, Some(1.0)] {
        let all = each_spread(|spread| learning(hint, spread));
        for (at, (finishes, max)) in OBSERVATIONS.into_iter().zip([1.5, 1.3, 1.2]).enumerate() {
            let also = if hint.is_some() {
                ", and a right hint"
            } else {
                ""
            };
            let title = format!("{finishes} durations observed{also}");
            let tables = all.clone().map(|by_finishes| by_finishes[at].clone());
            tables::ours(&title, &limits, &tables);
            goals.add(&title, "x limit", max, &tables, |spread, score| {
                limits[spread].ratio(score)
            });
        }
    }
    tables::never_ends();
    goals.print();
    tables::speed();
}

fn with_hint(typical: f64, hint: Option<f64>, spread: f64, seed: u64) -> Score {
    let samples = if seed < TYPICAL.len() as u64 {
        SAMPLES
    } else {
        400
    };
    score(&Planned::default(), typical, hint, spread, seed, samples)
}

/// One score for each typical duration, and one for all stated durations together.
fn everywhere(one: impl Fn(f64, u64) -> Score) -> Vec<Score> {
    let mut scores: Vec<_> = TYPICAL
        .iter()
        .zip(0..)
        .map(|(&typical, seed)| one(typical, seed))
        .collect();
    let mut all = Score::default();
    for (&typical, seed) in STATED.iter().zip(100..) {
        all.merge(&one(typical, seed));
    }
    scores.push(all);
    scores
}

/// Scores after each number of observed durations in [`OBSERVATIONS`]. Each duration is observed by the schedule that knows the
/// earlier ones.
fn learning(hint: Option<f64>, spread: f64) -> Vec<Vec<Score>> {
    let mut tables = vec![vec![Score::default(); TYPICAL.len() + 1]; OBSERVATIONS.len()];
    let plain = TYPICAL
        .iter()
        .enumerate()
        .map(|(at, &typical)| (at, typical, LEARNERS));
    let stated = STATED.iter().map(|&typical| (TYPICAL.len(), typical, 1));
    for (seed, (column, typical, learners)) in (0..).zip(plain.chain(stated)) {
        let mut random = Random(1000 + seed);
        let hint = hint.map(|factor| factor * typical);
        for learner in 0..learners {
            let mut durations = Durations::default();
            for finish in 1..=100 {
                let learned = durations.learned("model", None);
                let id = format!("{learner}/{finish}");
                let took = random.lognormal(typical, spread);
                let (_, between) = Wait::new(&Planned::default(), id, hint, learned).ended(took);
                durations.observe("model", None, between);
                if let Some(at) = OBSERVATIONS.iter().position(|&finishes| finishes == finish) {
                    for id in 0..3 {
                        let took = (0..150)
                            .map(|_| random.lognormal(typical, spread))
                            .collect::<Vec<_>>();
                        Wait::new(
                            &Planned::default(),
                            format!("{learner}-{id}"),
                            hint,
                            durations.learned("model", None),
                        )
                        .score(took, &mut tables[at][column]);
                    }
                }
            }
        }
    }
    tables
}

fn each_spread<T: Send + Debug>(one: impl Fn(f64) -> T + Sync) -> [T; SPREADS.len()] {
    thread::scope(|scope| {
        let one = &one;
        SPREADS
            .map(|spread| scope.spawn(move || one(spread)))
            .map(|thread| thread.join().expect("the run ends"))
    })
}

/// The durations in seconds that the vendor's pages state or print, one for each model; the geometric mean of a range.
static STATED: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let text = include_str!("../openapi/durations.json");
    let table: serde_json::Value = serde_json::from_str(text).unwrap();
    let entries = table["durations"].as_array().unwrap().iter();
    let middle = |entry: &serde_json::Value| {
        (entry["min"].as_f64().unwrap() * entry["max"].as_f64().unwrap()).sqrt()
    };
    entries.map(middle).collect()
});
