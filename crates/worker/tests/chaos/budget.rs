//! The budget of polls that all workers share, while they are killed and frozen and the engine restarts.

use std::time::{Duration, Instant};

use aimlapi_video_simulator::Scenario;
use tokio::time::interval;

use super::{WORKERS, World, most_polls, setting, submit_all};

/// Generations never end, so that more polls are due than the budget allows. Some are refused, and count too.
const STALLED: &str = r#"{ "next": [{
    "times": "always",
    "end": { "stall": "generating" },
    "polls": [{ "times": 2 }, { "status": 429, "headers": { "retry-after": "1" }, "times": 2 }]
}] }"#;

/// A minute consists of three of these, so that their limits hold for each minute too.
const WINDOW: Duration = Duration::from_secs(20);

const JOBS: usize = 30;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn polls_under_faults_use_the_budget_and_keep_it() {
    let time = Duration::from_secs(setting("CHAOS_SECONDS", 40));
    let budget: f64 = setting("CHAOS_BUDGET", 120.0);
    let scenario: Scenario = STALLED.parse().expect("a scenario");
    let mut world = World::start("budget", scenario, JOBS).await;
    let client = world.jobs().await;
    let mut fleet = world.fleet(budget);
    let begin = Instant::now();
    let strikes = async {
        let mut tick = interval(Duration::from_secs_f64(setting("CHAOS_INTERVAL", 8.0)));
        let mut number = 0;
        while begin.elapsed() < time {
            tick.tick().await;
            fleet.tick();
            // A random choice would leave the engine alone in most short runs.
            match number % 4 {
                1 => world.engine.kill_and_restart(),
                2 => drop(fleet.freeze(number % WORKERS)),
                _ => drop(fleet.kill(number % WORKERS)),
            }
            number += 1;
        }
    };
    tokio::join!(submit_all(&client, JOBS, Duration::from_secs(5)), strikes);
    let polls = most_polls(&world.simulator, WINDOW);
    println!("{polls} polls in the busiest {WINDOW:?}, with a budget of {budget} a minute");
    assert_budget(polls, budget * WINDOW.as_secs_f64() / 60.0);
}

/// Checks that the polls of a period are no more than its budget, apart from bursts, and that the budget has limited them.
pub fn assert_budget(polls: usize, budget: f64) {
    let share = polls as f64 / budget;
    assert!(
        (0.5..=1.1).contains(&share),
        "{polls} polls, with a budget of {budget}"
    );
}
