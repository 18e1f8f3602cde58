//! Prints the tables of the benchmark.

use std::time::Duration;

use aimlapi_video::schedule::{Planned, Pooled};

use super::{Limit, PEERS, STATED, Score, TYPICAL, Wait, each_spread, everywhere, score::score};

pub(super) fn limits(limits: &[Limit]) {
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

pub(super) fn pooled() {
    let stated = STATED.iter().copied().map(Duration::from_secs_f64);
    let stated = stated.map(|stated| stated..=stated);
    println!(
        "\npooled over the stated durations: {:?}; default: {:?}",
        Pooled::of(stated),
        Pooled::default()
    );
}

pub(super) fn peers() {
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

pub(super) fn ours(title: &str, limits: &[Limit], tables: &[Vec<Score>]) {
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

pub(super) fn never_ends() {
    println!("\n== ours, a generation that never ends: requests within 30 min / within 24 h ==");
    let schedule = Planned::default();
    for hint in [Some(35.0), Some(330.0), Some(750.0), None] {
        let mut wait = Wait::new(&schedule, "id".into(), hint, None);
        let mut within = |seconds| wait.ended(seconds).0 - 1;
        let known = hint.map_or("nothing known".to_owned(), |hint| {
            format!("{hint} s stated")
        });
        println!("{known:14} {:5} / {}", within(1800.0), within(86_400.0));
    }
}

pub(super) fn speed() {
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
