//! Measures the simulator's capacity: the memory of ten thousand unfinished generations, creates per second, and polls per
//! second with their latency.
//!
//! Run it with `cargo bench -p aimlapi-video-simulator --all-features`. The clients run in the same process on the same
//! cores, so the results are lower bounds.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

mod support;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use aimlapi_video_simulator::{Phase, Simulator};
use support::{Connection, create, poll};
use tokio::task::JoinSet;

const TASKS: usize = 10_000;
const CONNECTIONS: usize = 64;
const POLLING: Duration = Duration::from_secs(5);

fn main() {
    support::run(bench());
}

async fn bench() {
    // The clock runs in real time, so that all generations are unfinished while they are polled.
    let simulator = Simulator::builder().speed(1.0).start().await.unwrap();
    let address = simulator.address();
    let before = resident();
    let started = Instant::now();
    let mut creating = JoinSet::new();
    for _ in 0..CONNECTIONS {
        creating.spawn(async move {
            let mut connection = Connection::open(address).await;
            let request = create();
            for _ in 0..TASKS.div_ceil(CONNECTIONS) {
                connection.send(&request).await;
            }
        });
    }
    creating.join_all().await;
    let took = started.elapsed().as_secs_f64();
    let tasks = simulator.tasks();
    let unfinished = tasks
        .iter()
        .filter(|task| task.state != Phase::Completed)
        .count();
    assert!(unfinished >= TASKS, "{unfinished}");
    println!(
        "{} creates: {:.0} a second",
        tasks.len(),
        tasks.len() as f64 / took
    );
    let grown = resident() - before;
    println!(
        "{unfinished} unfinished generations: {:.0} bytes of memory each, including the records of their requests",
        grown / tasks.len() as f64
    );

    let requests: Arc<Vec<String>> = Arc::new(tasks.iter().map(|task| poll(&task.id)).collect());
    drop(tasks);
    let started = Instant::now();
    let mut polling = JoinSet::new();
    for number in 0..CONNECTIONS {
        let requests = Arc::clone(&requests);
        polling.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut times = Vec::new();
            for request in requests.iter().cycle().skip(number * 151) {
                if started.elapsed() >= POLLING {
                    break;
                }
                let sent = Instant::now();
                connection.send(request).await;
                times.push(sent.elapsed());
            }
            times
        });
    }
    let mut times: Vec<Duration> = polling.join_all().await.into_iter().flatten().collect();
    let took = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{} polls over {CONNECTIONS} connections: {:.0} a second, median {:.1} ms, 99 % within {:.1} ms",
        times.len(),
        times.len() as f64 / took,
        at(0.5),
        at(0.99),
    );
    println!(
        "memory now: {:.0} MiB, of which {:.0} MiB before the first create",
        resident() / 1048576.0,
        before / 1048576.0
    );
}

/// Returns the resident memory of this process in bytes.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}
