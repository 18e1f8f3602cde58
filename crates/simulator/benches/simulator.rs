//! What the simulator carries: ten thousand generations at once, and how many requests a second.
//!
//! `cargo bench -p aimlapi-video-simulator --all-features`. The callers run in this process, too, on the same cores,
//! so that what is told is the least of it. They write plain HTTP on connections that stay open, which costs little beside
//! the server's share.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use aimlapi_video::State;
use aimlapi_video_simulator::Simulator;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

const TASKS: usize = 10_000;
const CONNECTIONS: usize = 64;
const POLLING: Duration = Duration::from_secs(5);
const BODY: &str =
    r#"{"model":"klingai/v2-master-text-to-video","prompt":"A lantern rises","duration":5}"#;
const PATH: &str = "/v2/video/generations";

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(bench());
}

async fn bench() {
    // Time runs as the service's, so that all are unfinished while they are asked for.
    let simulator = Simulator::builder().speed(1.0).start().await.unwrap();
    let address = simulator.address().to_string();
    let before = resident();
    let started = Instant::now();
    let mut creating = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let address = address.clone();
        creating.spawn(async move {
            let mut line = Line::open(&address).await;
            let head =
                format!("POST {PATH} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer any-key\r\n");
            let request = format!("{head}content-length: {}\r\n\r\n{BODY}", BODY.len());
            for _ in 0..TASKS.div_ceil(CONNECTIONS) {
                line.ask(&request).await;
            }
        });
    }
    creating.join_all().await;
    let took = started.elapsed().as_secs_f64();
    let tasks = simulator.tasks();
    let unfinished = tasks
        .iter()
        .filter(|task| task.state != State::Completed)
        .count();
    assert!(unfinished >= TASKS, "{unfinished}");
    println!(
        "{} creates: {:.0} a second",
        tasks.len(),
        tasks.len() as f64 / took
    );
    let grown = resident() - before;
    println!(
        "{unfinished} unfinished at once: {:.0} bytes of memory each, their requests' records included",
        grown / tasks.len() as f64
    );

    let requests: Arc<Vec<String>> = Arc::new(tasks.iter().map(|task| poll(&task.id)).collect());
    drop(tasks);
    let started = Instant::now();
    let mut polling = JoinSet::new();
    for number in 0..CONNECTIONS {
        let (address, requests) = (address.clone(), Arc::clone(&requests));
        polling.spawn(async move {
            let mut line = Line::open(&address).await;
            let mut times = Vec::new();
            for request in requests.iter().cycle().skip(number * 151) {
                if started.elapsed() >= POLLING {
                    break;
                }
                let asked = Instant::now();
                line.ask(request).await;
                times.push(asked.elapsed());
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
        "memory now: {:.0} MiB, {:.0} MiB of it before the first create",
        resident() / 1048576.0,
        before / 1048576.0
    );
}

fn poll(id: &str) -> String {
    let id = id.replace(':', "%3A").replace('/', "%2F");
    format!(
        "GET {PATH}?generation_id={id} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer any-key\r\n\r\n"
    )
}

/// A connection that stays open.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::with_capacity(4096),
        }
    }

    /// Sends a request and reads its whole answer, which must be a good one.
    async fn ask(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.buffer.clear();
        loop {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0);
            let Some(end) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            else {
                continue;
            };
            let head = std::str::from_utf8(&self.buffer[..end]).unwrap();
            assert!(head.starts_with("HTTP/1.1 20"), "{head}");
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            if self.buffer.len() >= end + 4 + length.parse::<usize>().unwrap() {
                return;
            }
        }
    }
}

/// Bytes of memory that this process holds.
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: f64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096.0
}
