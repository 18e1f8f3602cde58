//! Polling schedules in virtual time: how many requests each sends, and how late it sees the end.
//!
//! The figure of merit is M = mean requests x mean lag / mean duration; it has no unit, and any fixed step has 0.5. The limit
//! beside it is what no schedule can beat that knows the distribution exactly, at the same mean number of requests.
//!
//! The limit is one for a single typical duration: over all stated ones together, M may be below it, since more requests go
//! where durations are long.
//!
//! A poll is answered at once, so a lag is the time from the end to the next poll. Durations are lognormal.

#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{fmt::Debug, ops::RangeInclusive, sync::LazyLock, thread, time::Duration};

use aimlapi_video::schedule::{Decision, Durations, Learned, Planned, PollState, Pooled, Schedule};

#[path = "schedule/limit.rs"]
mod limit;
#[path = "schedule/peers.rs"]
mod peers;

use limit::Limit;
use peers::PEERS;

const SPREADS: [f64; 5] = [0.05, 0.1, 0.15, 0.3, 0.5];
const TYPICAL: [f64; 4] = [35.0, 90.0, 330.0, 750.0];
const FINISHES: [usize; 3] = [5, 20, 100];
const SAMPLES: usize = 12_000;
const LEARNERS: usize = 20;

fn main() {
    let limits = SPREADS.map(Limit::new);
    print_limits(&limits);
    print_pooled();
    print_peers();

    let mut goals = Goals::default();
    let mut told = |title: &str, hint: Option<f64>, most: Option<f64>| {
        let tables =
            each_spread(|spread| everywhere(|typical, seed| told(typical, hint, spread, seed)));
        print_ours(title, &limits, &tables);
        if let Some(most) = most {
            goals.add(title, "M", most, &tables, |_, score| score.merit());
        }
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
        if hint.is_none() {
            let stated = tables.map(|table| vec![table[4].clone()]);
            goals.add(
                "nothing known, stated durations",
                "M",
                0.55,
                &stated,
                |_, score| score.merit(),
            );
        }
    };
    told("a right hint", Some(1.0), None);
    told("a hint twice too long", Some(2.0), Some(0.55));
    told("a hint twice too short", Some(0.5), Some(0.55));
    told("a hint five times too long", Some(5.0), None);
    told("a hint five times too short", Some(0.2), None);
    told("nothing known", None, None);

    for hint in [None, Some(1.0)] {
        let all = each_spread(|spread| learning(hint, spread));
        for (at, (finishes, most)) in FINISHES.into_iter().zip([1.5, 1.3, 1.2]).enumerate() {
            let also = if hint.is_some() {
                ", and a right hint"
            } else {
                ""
            };
            let title = format!("{finishes} finishes seen{also}");
            let tables = all.clone().map(|by_finishes| by_finishes[at].clone());
            print_ours(&title, &limits, &tables);
            goals.add(&title, "x limit", most, &tables, |spread, score| {
                limits[spread].ratio(score)
            });
        }
    }
    goals.print();
    print_speed();
}

/// What a policy costs.
#[derive(Clone, Debug, Default)]
struct Score {
    polls: f64,
    duration: f64,
    lags: Vec<f64>,
}

impl Score {
    fn polls(&self) -> f64 {
        self.polls / self.lags.len() as f64
    }

    fn lag(&self) -> f64 {
        self.lags.iter().sum::<f64>() / self.lags.len() as f64
    }

    fn p95(&self) -> f64 {
        let mut lags = self.lags.clone();
        lags.sort_by(f64::total_cmp);
        lags[lags.len() * 95 / 100]
    }

    fn merit(&self) -> f64 {
        self.polls() * self.lag() * self.lags.len() as f64 / self.duration
    }

    fn merge(&mut self, other: &Self) {
        self.polls += other.polls;
        self.duration += other.duration;
        self.lags.extend(&other.lags);
    }
}

/// The polls of one wait, computed as far as they are needed: they do not depend on when it ends.
struct Wait<'a> {
    schedule: &'a dyn Schedule,
    id: String,
    hint: Option<f64>,
    learned: Option<Learned>,
    polls: Vec<Duration>,
}

impl<'a> Wait<'a> {
    fn new(
        schedule: &'a dyn Schedule,
        id: String,
        hint: Option<f64>,
        learned: Option<Learned>,
    ) -> Self {
        Self {
            schedule,
            id,
            hint,
            learned,
            polls: Vec::new(),
        }
    }

    /// How many polls it takes to see the end at `took`, and the last two: the end lies between them.
    fn ended(&mut self, took: f64) -> (usize, RangeInclusive<Duration>) {
        let took = Duration::from_secs_f64(took);
        while self.polls.last().is_none_or(|&last| last < took) {
            let last = self.polls.last().copied().unwrap_or_default();
            let mut state = PollState::new(&self.id);
            state.age = last;
            state.last_poll = last;
            state.unfinished = last;
            state.polls = self.polls.len() as u32;
            state.expected = self
                .hint
                .map(Duration::from_secs_f64)
                .map(|hint| hint..=hint);
            state.learned = self.learned;
            let Decision::After(step) = self.schedule.next(&state) else {
                panic!("a schedule says when")
            };
            self.polls.push(last + step);
        }
        let at = self.polls.partition_point(|&poll| poll < took);
        let before = at
            .checked_sub(1)
            .map_or(Duration::ZERO, |before| self.polls[before]);
        (at + 1, before..=self.polls[at])
    }

    fn score(&mut self, took: impl IntoIterator<Item = f64>, score: &mut Score) {
        for took in took {
            let (polls, between) = self.ended(took);
            score.polls += polls as f64;
            score.duration += took;
            score
                .lags
                .push((between.end().as_secs_f64() - took).max(0.0));
        }
    }
}

/// Waits of a schedule that learns nothing.
fn score(
    schedule: &dyn Schedule,
    typical: f64,
    hint: Option<f64>,
    spread: f64,
    seed: u64,
    samples: usize,
) -> Score {
    let mut random = Random(seed);
    let mut score = Score::default();
    let ids = (samples / 400).max(2);
    for id in 0..ids {
        let id = format!("{seed}/{id}");
        let took = (0..samples / ids)
            .map(|_| random.lognormal(typical, spread))
            .collect::<Vec<_>>();
        Wait::new(schedule, id, hint.map(|factor| factor * typical), None).score(took, &mut score);
    }
    score
}

fn told(typical: f64, hint: Option<f64>, spread: f64, seed: u64) -> Score {
    let samples = if seed < TYPICAL.len() as u64 {
        SAMPLES
    } else {
        400
    };
    score(&Planned::default(), typical, hint, spread, seed, samples)
}

/// One score for each typical duration, and one for all stated ones together.
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

/// Scores after so many finishes, each seen by polling as planned with what was known by then.
fn learning(hint: Option<f64>, spread: f64) -> Vec<Vec<Score>> {
    let mut tables = vec![vec![Score::default(); TYPICAL.len() + 1]; FINISHES.len()];
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
                if let Some(at) = FINISHES.iter().position(|&finishes| finishes == finish) {
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

/// What was asked for, and what came out.
#[derive(Default)]
struct Goals {
    rows: Vec<(String, f64, f64)>,
}

impl Goals {
    /// Adds the worst of `tables`.
    fn add(
        &mut self,
        title: &str,
        unit: &str,
        most: f64,
        tables: &[Vec<Score>],
        figure: impl Fn(usize, &Score) -> f64,
    ) {
        let mut all: Vec<(f64, usize, usize)> = Vec::new();
        for (spread, table) in tables.iter().enumerate() {
            all.extend(
                table
                    .iter()
                    .enumerate()
                    .map(|(column, score)| (figure(spread, score), spread, column)),
            );
        }
        let over = all.iter().filter(|cell| cell.0 > most).count();
        let worst = all
            .iter()
            .copied()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .unwrap_or_default();
        let column = TYPICAL.get(worst.2).filter(|_| tables[0].len() > 1);
        let column = column.map_or("stated".to_owned(), |typical| format!("{typical} s"));
        let place = format!(
            "worst at {column}, spread {}; {over} of {} over",
            SPREADS[worst.1],
            all.len()
        );
        self.rows
            .push((format!("{title}: {unit} ({place})"), worst.0, most));
    }

    fn print(&self) {
        println!("\n== goals ==");
        for (title, figure, most) in &self.rows {
            let verdict = if figure <= most { "held  " } else { "MISSED" };
            println!("{verdict} {figure:7.3} <= {most:6.2}  {title}");
        }
    }
}

/// splitmix64, by Steele, Lea and Flood.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn lognormal(&mut self, typical: f64, spread: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        typical * (spread * radius * (std::f64::consts::TAU * self.uniform()).cos()).exp()
    }
}

fn print_limits(limits: &[Limit]) {
    println!("== the limit: M by mean requests, and without a grid for very many ==");
    for limit in limits {
        let points =
            [2.0, 4.0, 6.5, 12.0, 20.0].map(|polls| format!("{polls:>4}: {:.3}", limit.at(polls)));
        println!(
            "spread {:<4}  {}   dense: {:.3}",
            limit.spread,
            points.join("  "),
            limit.dense()
        );
    }
}

fn print_pooled() {
    let stated = STATED.iter().copied().map(Duration::from_secs_f64);
    let stated = stated.map(|stated| stated..=stated);
    println!(
        "\npooled over the stated durations: {:?}; default: {:?}",
        Pooled::of(stated),
        Pooled::default()
    );
}

fn print_peers() {
    println!(
        "\n== others: requests / mean lag, s / p95 lag, s / M; spread .15, the stated durations last =="
    );
    print!("{:19}", "");
    TYPICAL
        .iter()
        .for_each(|typical| print!("{:>25}", format!("{typical} s")));
    println!("{:>25}   M by spread, stated", "stated");
    for peer in PEERS {
        let tables = each_spread(|spread| {
            everywhere(|typical, seed| {
                let samples = if seed < TYPICAL.len() as u64 {
                    1000
                } else {
                    40
                };
                score(&peer, typical, None, spread, seed, samples)
            })
        });
        print!("{:19}", peer.name);
        tables[2].iter().for_each(|score| print!("{}", cell(score)));
        println!(
            "   {}",
            tables
                .map(|table| format!("{:.2}", table[4].merit()))
                .join(" ")
        );
    }
}

fn print_ours(title: &str, limits: &[Limit], tables: &[Vec<Score>]) {
    println!("\n== ours, {title}: requests / mean lag, s / p95 lag, s / M / x limit ==");
    for (limit, table) in limits.iter().zip(tables) {
        print!("spread {:<4}", limit.spread);
        for score in table {
            print!("{} x{:<5.2}", cell(score), limit.ratio(score));
        }
        println!();
    }
}

fn cell(score: &Score) -> String {
    format!(
        " |{:6.1} {:5.1} {:5.1} {:.3}",
        score.polls(),
        score.lag(),
        score.p95(),
        score.merit()
    )
}

fn print_speed() {
    let schedule = Planned::default();
    let begin = std::time::Instant::now();
    let mut calls = 0;
    for id in 0..500 {
        let mut wait = Wait::new(&schedule, id.to_string(), Some(330.0), None);
        wait.ended(400.0);
        calls += wait.polls.len();
    }
    println!(
        "\n{:.0} us a decision, with a hint alone",
        begin.elapsed().as_secs_f64() * 1e6 / calls as f64
    );
}

/// Seconds that the vendor's pages state or print for a model each; the geometric mean, where it is a range.
static STATED: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let text = include_str!("../openapi/durations.json");
    let table: serde_json::Value = serde_json::from_str(text).unwrap();
    let entries = table["durations"].as_array().unwrap().iter();
    let middle = |entry: &serde_json::Value| {
        (entry["min"].as_f64().unwrap() * entry["max"].as_f64().unwrap()).sqrt()
    };
    entries.map(middle).collect()
});
