//! Measures many waits in one process (100,000 in virtual time, 10,000 over loopback), and the cost of a poll in comparison with
//! a bare GET.
//!
//! Memory is the resident memory of the process with all waits asleep, minus that before the waits; CPU is that of the thread
//! that polls. In virtual time the waits are bare state machines; over loopback they are waits of `Client::wait_all`, each in a
//! task.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::{
    env, fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use aimlapi_video::{
    __bench::Service,
    Client, GenerationHandle, PollBudget, WaitOptions,
    schedule::{Fixed, Planned, PollState, Schedule},
    types::KlingaiV2MasterTextToVideo,
};
use aimlapi_video_simulator::Simulator;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::runtime::{Builder, Runtime};

/// A key of the same length as the service's keys, because every response is searched for the key.
const KEY: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn run() {
    if cfg!(debug_assertions) {
        println!("built without optimisation: the figures are not comparable");
    }
    // Each section runs in its own process, since memory that one section has freed would hide the use of the next one.
    match env::args().nth(1).as_deref() {
        Some("unlimited") => virtual_time(None),
        Some("limited") => virtual_time(Some(PollBudget::per_minute(120_000.0).burst(1000))),
        Some("loopback") => loopback(&Server::start()),
        Some("cost") => cost(&Server::start()),
        _ => {
            for section in ["unlimited", "limited", "loopback", "cost"] {
                let this = env::current_exe().unwrap();
                let status = Command::new(this).arg(section).status().unwrap();
                assert!(status.success());
            }
        }
    }
}

fn virtual_time(budget: Option<PollBudget>) {
    const WAITS: usize = 100_000;
    let named = match &budget {
        Some(budget) => format!("{budget:?}"),
        None => "no budget".into(),
    };
    println!("== {WAITS} waits in virtual time, {named} ==");
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut random = fastrand::Rng::with_seed(7);
        // The page of the model states 300 to 360 s.
        let ends = (0..WAITS).map(|_| around(&mut random, 330.0, 0.15)).collect();
        let service = Service::new(ends, budget.clone());
        let before = resident();
        let mut waits = FuturesUnordered::new();
        for number in 0..WAITS {
            waits.push(service.clone().wait(number));
        }
        // Starts all waits; each then sleeps until its first poll.
        let began = Instant::now();
        let first = tokio::time::timeout(Duration::from_secs(1), waits.next()).await;
        assert!(first.is_err());
        println!(
            "memory: {:.0} bytes a wait",
            (resident() - before) / WAITS as f64
        );
        while waits.next().await.is_some() {}
        let took = began.elapsed().as_secs_f64();
        let log = service.log();
        let late = |(due, sent): &(Duration, Duration)| sent.saturating_sub(*due);
        let latest = log.polls.iter().map(late).max().unwrap();
        let polls = log.polls.len() as f64;
        let lag: f64 = log.lags.iter().map(Duration::as_secs_f64).sum();
        println!(
            "polls: {:.1} a wait, {:.0} a second of the machine; mean lag {:.1} s",
            polls / WAITS as f64,
            polls / took,
            lag / WAITS as f64
        );
        match budget {
            None => println!("latest poll: {latest:?} after its time (the clock counts in ms)"),
            Some(_) => {
                let explained = explained(&log.polls);
                println!("latest poll: {latest:?} after its time; a bucket of that rate explains {explained:?}");
            }
        }
    });
    println!();
}

/// The longest time that a poll would be queued if a bucket of 2,000 tokens a second and a burst of 1,000 got the same polls.
fn explained(polls: &[(Duration, Duration)]) -> Duration {
    let mut due: Vec<f64> = polls.iter().map(|(due, _)| due.as_secs_f64()).collect();
    due.sort_by(f64::total_cmp);
    let (mut tokens, mut filled, mut longest) = (1000.0_f64, 0.0_f64, 0.0_f64);
    for due in due {
        let now = due.max(filled);
        tokens = (tokens + (now - filled) * 2000.0).min(1000.0);
        filled = now;
        let wait = (1.0 - tokens).max(0.0) / 2000.0;
        tokens += wait * 2000.0 - 1.0;
        filled += wait;
        longest = longest.max(filled - due);
    }
    Duration::from_secs_f64(longest)
}

/// Measures the same waits with the default schedule and with a fixed one that sends about as many polls.
fn loopback(server: &Server) {
    println!("== {WAITS} waits over loopback, {SPEED} times as fast as the service ==");
    let planned = waits_over_loopback(server, "default schedule", Planned::default());
    let fixed = Fixed::every(Duration::from_secs(20));
    let fixed = waits_over_loopback(server, "a poll every 20 s", fixed);
    println!(
        "CPU of a poll, by that with the fixed schedule: {:.2}\n",
        planned / fixed
    );
}

const WAITS: usize = 10_000;
const SPEED: f64 = 20.0;

/// Returns the CPU time of a poll, in microseconds.
fn waits_over_loopback(
    server: &Server,
    name: &str,
    schedule: impl Schedule + Clone + 'static,
) -> f64 {
    println!("-- {name}");
    let runtime = runtime();
    let counted = Counted::new(schedule);
    runtime.block_on(async {
        let client = Client::builder()
            .base_url(&server.url)
            .api_key(KEY)
            .poll_budget(PollBudget::per_minute(3_000.0).burst(100))
            .wait_options(
                WaitOptions::default()
                    .schedule(counted.clone())
                    .speed(SPEED),
            )
            .build()
            .unwrap();
        let request = || {
            let builder = KlingaiV2MasterTextToVideo::builder();
            builder
                .prompt("A lantern rises")
                .duration(5)
                .build()
                .unwrap()
        };
        let mut handles: Vec<GenerationHandle> = Vec::new();
        let requests: Vec<_> = (0..WAITS).map(|_| request()).collect();
        let mut creates = futures_util::stream::iter(requests)
            .map(|request| client.create(request))
            .buffer_unordered(32);
        while let Some(handle) = creates.next().await {
            handles.push(handle.unwrap());
        }
        drop(creates);
        let (began, cpu) = (Instant::now(), cpu());
        let (before, memory) = (client.durations(), resident());
        let mut outcomes = client.wait_all(handles);
        // Starts all waits, none of which has polled yet.
        let first = tokio::time::timeout(Duration::from_millis(1), outcomes.next()).await;
        assert!(first.is_err());
        println!(
            "memory: {:.0} bytes a wait",
            (resident() - memory) / WAITS as f64
        );
        let mut done = 0;
        while let Some((_, outcome)) = outcomes.next().await {
            outcome.unwrap();
            done += 1;
        }
        assert_ne!(client.durations(), before);
        let took = began.elapsed().as_secs_f64();
        let polls = counted.polls.load(Ordering::Relaxed) as f64;
        let cost = (self::cpu() - cpu) * 1e6 / polls;
        println!(
            "{done} ended in {took:.1} s: {:.1} polls a wait, {:.0} a second, {cost:.0} us of CPU each",
            polls / WAITS as f64,
            polls / took,
        );
        cost
    })
}

/// Measures a poll of the state machine with its schedule and budget, and the same GET by reqwest and serde_json alone.
fn cost(server: &Server) {
    const POLLS: u32 = 400;
    const ROUNDS: usize = 51;
    println!("== CPU per poll, compared with a bare GET ==");
    let runtime = runtime();
    runtime.block_on(async {
        let client = Client::builder()
            .base_url(&server.slow)
            .api_key(KEY)
            .build()
            .unwrap();
        let request = KlingaiV2MasterTextToVideo::builder()
            .prompt("x")
            .duration(5)
            .build();
        let handle = client.create(request.unwrap()).await.unwrap();
        let bare = reqwest::Client::new();
        let url = format!("{}/v2/video/generations", server.slow);
        let get = async |timeout: Option<Duration>| {
            let mut request = bare.get(&url).query(&[("generation_id", handle.id())]);
            if let Some(timeout) = timeout {
                request = request.timeout(timeout);
            }
            let answer = request.bearer_auth(KEY).send().await.unwrap();
            let body = answer.bytes().await.unwrap();
            let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert!(json["id"].is_string());
        };
        let (mut ours, mut timed, mut endless) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            // The wait polls every millisecond, so its deadline determines the number of polls.
            let options = WaitOptions::default()
                .schedule(Fixed::every(Duration::from_millis(1)))
                .speed(1e9)
                .deadline(Duration::from_secs(50_000_000));
            let (began, mut polls) = (cpu(), 0);
            while polls < POLLS {
                let wait = client.wait(&handle).options(options.clone());
                let error = wait.await.unwrap_err();
                polls += error.polls().unwrap();
            }
            let each = |began: f64| (cpu() - began) * 1e6 / f64::from(polls);
            ours.push(each(began));
            for (timeout, costs) in [
                (Some(Duration::from_secs(30)), &mut timed),
                (None, &mut endless),
            ] {
                let began = cpu();
                for _ in 0..polls {
                    get(timeout).await;
                }
                costs.push(each(began));
            }
        }
        for (named, theirs) in [
            ("with a timeout, as every poll has one", timed),
            ("without", endless),
        ] {
            let ratio = |(ours, theirs): (&f64, &f64)| ours / theirs;
            println!(
                "ours {:.1} us, bare {:.1} us {named}; ratio {:.3} (median of {ROUNDS} rounds)",
                median(ours.clone()),
                median(theirs.clone()),
                median(ours.iter().zip(&theirs).map(ratio).collect())
            );
        }
    });
}

/// A schedule that counts its calls.
#[derive(Clone, Debug)]
struct Counted<S> {
    schedule: S,
    polls: Arc<AtomicUsize>,
}

impl<S> Counted<S> {
    fn new(schedule: S) -> Self {
        Self {
            schedule,
            polls: Arc::default(),
        }
    }
}

impl<S: Schedule> Schedule for Counted<S> {
    fn next(&self, state: &PollState<'_>) -> Duration {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.schedule.next(state)
    }

    fn remaining(&self, state: &PollState<'_>) -> Option<Duration> {
        self.schedule.remaining(state)
    }
}

/// Simulators on a separate thread, so that the CPU time of this thread is that of the client.
struct Server {
    url: String,
    /// The URL of a simulator whose generations end after the benchmark.
    slow: String,
}

impl Server {
    fn start() -> Self {
        let (urls, from) = mpsc::channel();
        thread::spawn(move || {
            runtime().block_on(async {
                let fast = Simulator::builder().speed(20.0).start().await.unwrap();
                let slow = Simulator::builder().speed(1e-3).start().await.unwrap();
                urls.send((fast.url(), slow.url())).unwrap();
                std::future::pending::<()>().await;
            });
        });
        let (url, slow) = from.recv().unwrap();
        Self { url, slow }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// The CPU time of this thread in seconds.
fn cpu() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos: f64 = text.split(' ').next().unwrap().parse().unwrap();
    nanos / 1e9
}

/// The resident memory of this process in bytes.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A lognormal duration around `typical` seconds.
fn around(random: &mut fastrand::Rng, typical: f64, spread: f64) -> Duration {
    let (u, v) = (random.f64().max(1e-12), random.f64());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    Duration::from_secs_f64(typical * (spread * normal).exp())
}
