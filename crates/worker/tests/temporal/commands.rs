//! The commands of the program.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command},
};

use aimlapi_video_simulator::Simulator;
use aimlapi_video_worker::temporal::{jobs::Jobs, protocol::Queues};
use serde_json::Value;

use crate::{
    engine::{self, Engine},
    program::{Program, Ran},
};

/// A worker process that saves to the folder `store`.
struct Worker {
    process: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Worker {
    /// Starts a worker, and waits until it runs.
    fn start(program: &Program, simulator: &Simulator) -> Self {
        let store = program.folder.path().join("store");
        std::fs::create_dir_all(&store).expect("a folder");
        let store = format!("file://{}", store.display());
        let url = simulator.url();
        let mut command = program.command(&["worker", "--store", &store, "--spool", "spool"]);
        command.args(["--base-url", &url, "--speed", "600"]);
        let mut process = command.spawn().expect("the worker starts");
        let lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let mut lines = Box::new(lines.map_while(Result::ok));
        let first = lines.next().expect("a line");
        assert!(
            first.starts_with("worker ") && first.contains(" runs the jobs of temporal://"),
            "{first}"
        );
        Self { process, lines }
    }

    /// Stops the worker by SIGTERM, and returns its last lines.
    fn stop(mut self) -> Vec<String> {
        let id = self.process.id().to_string();
        let sent = Command::new("kill").arg(id).status();
        assert!(sent.expect("kill runs").success());
        let lines = self.lines.by_ref().collect();
        assert_eq!(self.process.wait().expect("ended").code(), Some(0));
        lines
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start() -> (Engine, Program) {
    let engine = Engine::start();
    let program = Program::new(format!("temporal://{}/default", engine.address()));
    (engine, program)
}

fn jobs(ran: &Ran) -> Vec<Value> {
    let read = |line| serde_json::from_str(line).expect("JSON");
    ran.stdout.lines().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn unknown_namespace_is_bad_usage() {
    let (engine, _) = start();
    let program = Program::new(format!("temporal://{}/other", engine.address()));
    let ran = program.run(&["jobs"]);
    let remedy = "create it by `temporal operator namespace create`, or correct --queue";
    ran.assert_error(2, &["the engine has no namespace \"other\"", remedy]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn same_file_is_the_same_jobs_and_another_request_under_a_key_is_refused() {
    let (engine, program) = start();
    program.requests("a.jsonl", &[("a", "x"), ("b", "x")]);
    let ran = program.run(&["submit", "a.jsonl"]);
    let first = "2 requests: 2 new jobs, 0 submitted before\n";
    assert_eq!((ran.code, &*ran.stdout), (0, first), "{ran:?}");
    program.requests("a.jsonl", &[("a", "x"), ("b", "x"), ("c", "x")]);
    let ran = program.run(&["submit", "a.jsonl", "--json"]);
    let new: Vec<Value> = jobs(&ran)
        .into_iter()
        .map(|job| job["new"].clone())
        .collect();
    assert_eq!(
        (ran.code, new),
        (0, vec![false.into(), false.into(), true.into()])
    );
    program.requests("a.jsonl", &[("d", "x"), ("b", "y")]);
    let ran = program.run(&["submit", "a.jsonl"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.errors().len(), 2, "{ran:?}");
    assert!(
        ran.errors()[0].starts_with("a.jsonl:2: the job `b` exists with another request"),
        "{ran:?}"
    );
    assert_eq!(
        ran.errors()[1],
        "nothing was submitted: the keys of 1 of 2 requests are taken"
    );
    let ran = program.run(&["jobs", "show", "d"]);
    ran.assert_error(2, &["there is no job `d` in this namespace"]);
    let client = engine::connect(&engine.address()).await;
    let all = Jobs::new(client, Queues::default());
    while all.list(None, 10).await.expect("a list").len() < 3 {
        tokio::task::yield_now().await;
    }
    let ran = program.run(&["jobs"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("JOB  STATE"), "{ran:?}");
    assert_eq!(lines[4], "jobs 3, planned 3", "{ran:?}");
    let ran = program.run(&["jobs", "show", "a"]);
    ran.assert_error(5, &["no worker has answered in time; start a worker"]);
    let ran = program.run(&["jobs", "--json", "--limit", "1"]);
    assert_eq!(jobs(&ran)[0]["state"], "planned");
    assert!(ran.stderr.contains("--limit shows more"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn unknown_job_is_bad_usage() {
    let (_engine, program) = start();
    for arguments in [
        &["jobs", "show", "a"][..],
        &["jobs", "resolve", "a", "--give-up"],
    ] {
        program
            .run(arguments)
            .assert_error(2, &["there is no job `a`"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn worker_saves_the_videos_and_stops_gracefully() {
    let (_engine, program) = start();
    let simulator = Simulator::builder()
        .speed(600.0)
        .start()
        .await
        .expect("a simulator");
    let worker = Worker::start(&program, &simulator);
    program.requests("a.jsonl", &[("a", "x"), ("b", "x")]);
    assert_eq!(program.run(&["submit", "a.jsonl"]).code, 0);
    while program
        .run(&["jobs", "--state", "saved", "--json"])
        .stdout
        .lines()
        .count()
        < 2
    {}
    let ran = program.run(&["jobs", "--watch"]);
    assert_eq!(
        (ran.code, &*ran.stdout),
        (0, "jobs 2, saved 2\n"),
        "{ran:?}"
    );
    let ran = program.run(&["jobs", "--watch", "--json"]);
    assert_eq!((ran.code, jobs(&ran).len()), (0, 2), "{ran:?}");
    let ran = program.run(&["jobs", "show", "a"]);
    for part in [
        "state: saved",
        "create a/1: bought",
        "generation ",
        "video ",
        "submitted by ",
        "create started by ",
        "ended",
    ] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    let ran = program.run(&["jobs", "resolve", "a", "--give-up"]);
    ran.assert_error(2, &["job a is saved and waits for no decision"]);
    let lines = worker.stop();
    let has = |part: &str| lines.iter().any(|line| line.contains(part));
    assert!(has("stopping: creates in flight finish"), "{lines:?}");
    assert!(has(" has stopped"), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn events_of_a_job_that_was_continued_in_a_new_history_are_shown_from_the_submit_on() {
    let (_engine, program) = start();
    let busy = r#"{ "next": [{ "create": { "status": 429 }, "times": 4 }] }"#;
    let simulator = Simulator::builder()
        .speed(600.0)
        .scenario(busy.parse().expect("a scenario"));
    let simulator = simulator.start().await.expect("a simulator");
    let _worker = Worker::start(&program, &simulator);
    program.requests("a.jsonl", &[("a", "x")]);
    assert_eq!(program.run(&["submit", "a.jsonl"]).code, 0);
    while jobs(&program.run(&["jobs", "--state", "saved", "--json"])).is_empty() {}
    let ran = program.run(&["jobs", "show", "a"]);
    let count = |part: &str| ran.stdout.matches(part).count();
    assert_eq!(count("continued from an earlier history"), 1, "{ran:?}");
    assert_eq!(count("submitted by "), 1, "{ran:?}");
    assert_eq!(count("create started by "), 5, "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Temporal server"]
async fn ambiguous_job_waits_for_a_decision_that_is_recorded() {
    let (_engine, program) = start();
    let scenario = r#"{ "next": [{ "times": 2, "create": { "close": true, "created": true } }] }"#;
    let simulator = Simulator::builder()
        .speed(600.0)
        .scenario(scenario.parse().expect("a scenario"));
    let simulator = simulator.start().await.expect("a simulator");
    let _worker = Worker::start(&program, &simulator);
    program.requests("a.jsonl", &[("a", "x"), ("b", "y")]);
    assert_eq!(program.run(&["submit", "a.jsonl"]).code, 0);
    while jobs(&program.run(&["jobs", "--state", "ambiguous", "--json"])).len() < 2 {}
    let ran = program.run(&["jobs", "--watch"]);
    assert_eq!(
        (ran.code, &*ran.stdout),
        (6, "jobs 2, ambiguous 2\n"),
        "{ran:?}"
    );
    let ran = program.run(&["jobs", "show", "a", "--json"]);
    let shown: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert_eq!(shown["job"]["phase"]["state"], "ambiguous");
    let ran = program.run(&["jobs", "resolve", "b", "--give-up"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let given_up = "decision give up: by an unnamed person, without a reason";
    assert!(ran.stdout.contains(given_up), "{ran:?}");
    let ran = program.run(&[
        "jobs",
        "resolve",
        "a",
        "--repeat",
        "--by",
        "Ann",
        "--why",
        "not in the log",
    ]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stdout
            .contains("decision repeat: by Ann, not in the log"),
        "{ran:?}"
    );
    while program
        .run(&["jobs", "--state", "saved", "--json"])
        .stdout
        .is_empty()
    {}
    let ran = program.run(&["jobs", "show", "a"]);
    assert!(
        ran.stdout
            .contains("decision repeat: by Ann, not in the log"),
        "{ran:?}"
    );
}
