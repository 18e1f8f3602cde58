//! The spans of steps in the log of a worker process, and its metrics.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use aimlapi_video_simulator::Simulator;

use crate::{
    engine::Engine,
    program::{self, Program},
    scrape,
};

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A process that ends with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn steps_have_spans_with_the_trace_of_the_submit_and_metrics_are_served() {
    let engine = Engine::start();
    let program = Program::new(format!("temporal://{}/default", engine.address()));
    let simulator = Simulator::builder().speed(600.0).start().await;
    let simulator = simulator.expect("a simulator");

    program.requests("a.jsonl", &[("a", "x")]);
    let mut submit = program.command(&["submit", "a.jsonl"]);
    let submitted = submit.env("TRACEPARENT", TRACEPARENT).output();
    assert!(submitted.expect("the program runs").status.success());

    let store = format!("file://{}", program.folder.path().display());
    let mut worker = program.command(&["worker", "--store", &store, "--spool", "spool"]);
    worker
        .args(["--base-url", &simulator.url(), "--speed", "600"])
        .args(["--metrics", "127.0.0.1:0"])
        .env("RUST_LOG", "aimlapi_video_worker=info")
        .env("NO_COLOR", "1");
    let mut worker = Killed(worker.spawn().expect("the worker starts"));
    let log = BufReader::new(worker.0.stderr.take().expect("piped"));
    let mut log = log.lines().map_while(Result::ok);
    let address = log.find_map(|line| {
        let url = line.strip_prefix("metrics at http://")?;
        url.strip_suffix("/metrics")?.parse().ok()
    });
    let address = address.expect("an address");

    let id = r#"job="a" claim="#;
    let span = |name: &str| {
        let line = log
            .by_ref()
            .find(|line| line.contains(&format!("{name}{{")));
        line.unwrap_or_else(|| panic!("the log has no span {name}"))
    };
    let lines = ["create", "poll", "save"].map(span);
    let handle = format!("handle=\"{}\"", simulator.tasks()[0].id);
    let model = format!("model=\"{}\"", program::MODEL);
    let traceparent = format!("traceparent=\"{TRACEPARENT}\"");
    for line in lines {
        for field in [id, &handle, &model, &traceparent, "attempt="] {
            assert!(line.contains(field), "{field}: {line}");
        }
    }
    let created = r#"aimlapi_video_creates_total{outcome="created"}"#;
    assert_eq!(scrape::sample(address, created), Some(1.0));
    // The engine's SDK uses the same exporter.
    let queue = r#"{namespace="default",task_queue="aimlapi-video-save"}"#;
    let started = format!("temporal_worker_start_total{queue}");
    assert_eq!(scrape::sample(address, &started), Some(1.0));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn spans_of_an_adopted_generation_have_the_model_of_the_request() {
    let engine = Engine::start();
    let program = Program::new(format!("temporal://{}/default", engine.address()));
    let lost = r#"{ "next": [{ "create": { "close": true, "created": true } }] }"#;
    let simulator = Simulator::builder()
        .speed(600.0)
        .scenario(lost.parse().expect("a scenario"))
        .start()
        .await;
    let simulator = simulator.expect("a simulator");
    let store = format!("file://{}", program.folder.path().display());
    let mut worker = program.command(&["worker", "--store", &store, "--spool", "spool"]);
    worker
        .args(["--base-url", &simulator.url(), "--speed", "600"])
        .env("RUST_LOG", "aimlapi_video_worker=info")
        .env("NO_COLOR", "1");
    let mut worker = Killed(worker.spawn().expect("the worker starts"));
    program.requests("a.jsonl", &[("a", "x")]);
    assert_eq!(program.run(&["submit", "a.jsonl"]).code, 0);
    let ambiguous = || program.run(&["jobs", "--state", "ambiguous", "--json"]);
    while ambiguous().stdout.is_empty() {}
    let id = simulator.tasks()[0].id.clone();
    let adopt = format!("--adopt={id}");
    let ran = program.run(&["jobs", "resolve", "a", &adopt]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let log = BufReader::new(worker.0.stderr.take().expect("piped"));
    let mut log = log.lines().map_while(Result::ok);
    for name in ["poll{", "save{"] {
        let line = log.find(|line| line.contains(name));
        let line = line.unwrap_or_else(|| panic!("the log has no span {name}"));
        let model = format!("model=\"{}\"", program::MODEL);
        assert!(line.contains(&model), "{line}");
    }
}
