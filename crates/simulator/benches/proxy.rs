//! Compares the validating proxy with a bare reverse proxy made of hyper, in one run: requests per second of many connections,
//! and the latency that each adds to a single connection.
//!
//! Run it with `cargo bench -p aimlapi-video-simulator --all-features --bench proxy`. Clients, proxies and the simulator share one
//! process and its cores. Half of the requests are creates, half are polls. The ratio is the median of those of the rounds, since
//! the load of the machine may change between them; below 0.8 the bench fails.
#![allow(clippy::unwrap_used, reason = "a bench may fail")]

mod support;

use std::{
    convert::Infallible,
    net::SocketAddr,
    time::{Duration, Instant},
};

use aimlapi_video::{Generation, State};
use aimlapi_video_simulator::{
    Deviation, Proxy, Simulator,
    http::{Request, Response, Uri},
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use serde_json::Value;
use support::{Connection, create, poll};
use tokio::{net::TcpListener, task::JoinSet};

const CONNECTIONS: usize = 32;
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 41;
/// The required throughput, relative to that of the bare proxy.
const MIN_RATIO: f64 = 0.8;

fn main() {
    support::run(bench());
}

async fn bench() {
    let simulator = Simulator::builder().speed(1.0).start().await.unwrap();
    let proxy = Proxy::builder(simulator.url())
        .reading(reading)
        .on_deviation(|one| eprintln!("{one}"));
    let proxy = proxy.start().await.unwrap();
    let bare = bare(simulator.address()).await;
    let servers = [
        ("no proxy", simulator.address()),
        ("hyper", bare),
        ("validating proxy", proxy.address()),
    ];
    let mut rates = [const { Vec::new() }; 3];
    let mut latencies = [const { Vec::new() }; 3];
    // The servers take turns, so that the load of the machine concerns all of them.
    for _ in 0..ROUNDS {
        for (index, (_, address)) in servers.iter().enumerate() {
            // The simulator holds a limited number of generations.
            simulator.reset();
            let requests = requests(&simulator).await;
            rates[index].push(load(*address, &requests, CONNECTIONS).await);
            latencies[index].push(1e6 / load(*address, &requests, 1).await);
        }
    }
    let ratios = rates[2]
        .iter()
        .zip(&rates[1])
        .map(|(proxy, bare)| proxy / bare);
    let ratio = median(ratios.collect());
    let rates = rates.map(median);
    let latencies = latencies.map(median);
    for (index, (name, _)) in servers.iter().enumerate() {
        println!(
            "{name}: {:.0} requests a second, {:.0} µs for a request alone",
            rates[index], latencies[index]
        );
    }
    println!(
        "throughput of the validating proxy: {ratio:.2} of hyper's; added latency: {:.0} µs, hyper's {:.0} µs",
        latencies[2] - latencies[0],
        latencies[1] - latencies[0]
    );
    assert_eq!(proxy.deviations(), []);
    let counts = proxy.counts();
    println!("{} exchanges judged", counts.exchanges);
    assert!(ratio >= MIN_RATIO, "expected {MIN_RATIO} or more");
}

/// Reads a response as the command line does.
fn reading(_: &Request<Vec<u8>>, response: &Response<Vec<u8>>) -> Vec<Deviation> {
    let body: Value = serde_json::from_slice(response.body()).unwrap();
    let read = Generation::from_json(body.clone());
    match read.id() == body["id"].as_str() && read.state() != State::Unknown {
        true => Vec::new(),
        false => vec![Deviation::of_reading("", Some(body), "what is read")],
    }
}

/// A create and a poll of it.
async fn requests(simulator: &Simulator) -> [String; 2] {
    let mut connection = Connection::open(simulator.address()).await;
    connection.send(&create()).await;
    [create(), poll(&simulator.tasks()[0].id)]
}

/// Starts a reverse proxy that forwards requests and judges nothing.
async fn bare(upstream: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let client = client.clone();
            let forward = service_fn(move |mut request: Request<Incoming>| {
                let target = request.uri().path_and_query().unwrap();
                *request.uri_mut() = format!("http://{upstream}{target}").parse::<Uri>().unwrap();
                let client = client.clone();
                async move {
                    let response: Response<Incoming> = client.request(request).await.unwrap();
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), forward));
        }
    });
    address
}

/// Returns the requests per second of some connections.
async fn load(address: SocketAddr, requests: &[String; 2], connections: usize) -> f64 {
    let mut running = JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        let requests = requests.clone();
        running.spawn(async move {
            let mut connection = Connection::open(address).await;
            let mut sent = 0;
            while started.elapsed() < ROUND {
                connection.send(&requests[sent % 2]).await;
                sent += 1;
            }
            sent
        });
    }
    let sent: usize = running.join_all().await.into_iter().sum();
    sent as f64 / started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
