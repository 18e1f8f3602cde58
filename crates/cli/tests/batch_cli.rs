//! `batch` and `resume` when they are run, killed and run again.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};
use support::{
    Bytes, Request, SILENCE, Server,
    cli::{Cli, interrupt},
    http,
};

/// A service whose generations complete once they are released. A create whose prompt begins with `silent` gets no response;
/// one whose prompt begins with `fail` fails.
struct Service {
    server: Server,
    released: Arc<AtomicBool>,
}

impl Service {
    async fn start() -> Self {
        let released = Arc::new(AtomicBool::new(false));
        let is_released = Arc::clone(&released);
        let server =
            Server::start(move |_, request| answer(request, is_released.load(Ordering::SeqCst)))
                .await;
        Self { server, released }
    }

    fn release(&self) {
        self.released.store(true, Ordering::SeqCst);
    }

    /// How often each prompt was created.
    fn created(&self) -> BTreeMap<String, usize> {
        let mut created = BTreeMap::new();
        let requests = self.server.requests();
        for request in requests.iter().filter(|request| request.method == "POST") {
            *created.entry(prompt(request)).or_default() += 1;
        }
        created
    }
}

fn prompt(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

fn answer(request: &Request, released: bool) -> Bytes {
    if request.method == "POST" {
        let prompt = prompt(request);
        if prompt.starts_with("silent") {
            return SILENCE.into();
        }
        return support::json(201, json!({ "id": prompt, "status": "queued" }));
    }
    let Some(id) = request
        .target
        .split_once("generation_id=")
        .map(|(_, id)| id)
    else {
        return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
    };
    let host = request.header("host").unwrap();
    let state = match (released, id.starts_with("fail")) {
        (false, _) => json!({ "id": id, "status": "generating" }),
        (true, true) => json!({ "id": id, "status": "error" }),
        (true, false) => {
            let url = format!("http://{host}/{id}.mp4");
            json!({ "id": id, "status": "completed", "video": { "url": url } })
        }
    };
    support::json(200, state)
}

fn batch(prompts: &[&str]) -> String {
    let line = |prompt: &&str| {
        let model = "klingai/v2-master-text-to-video";
        json!({ "model": model, "prompt": prompt }).to_string() + "\n"
    };
    prompts.iter().map(line).collect()
}

const RUN: &[&str] = &["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];

#[tokio::test]
async fn second_run_after_a_kill_creates_nothing_twice_and_misses_no_file() {
    let service = Service::start().await;
    let cli = Cli::at(service.server.url());
    let prompts = ["a", "b", "silent-c", "d", "e"];
    fs::write(cli.path("b.jsonl"), batch(&prompts)).unwrap();
    let mut child = cli.command(RUN).args(["--creates", "5"]).spawn().unwrap();
    let journal = cli.path("videos/journal.jsonl");
    let count = |event: &str| {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        text.matches(&format!("{{\"event\":\"{event}\"")).count()
    };
    while count("created") < 4 {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    assert_eq!(cli_files(&cli), ["journal.jsonl"]);

    service.release();
    let ran = cli.run(RUN).await;
    assert_eq!(ran.code, 6, "one may have been created: {ran:?}");
    assert!(
        ran.stderr.contains("line 3: request 3 was being created"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("4 of 5 saved, 1 failed"), "{ran:?}");
    let saved = ["0001.mp4", "0002.mp4", "0004.mp4", "0005.mp4"];
    assert_eq!(cli_files(&cli)[..4], saved);
    assert!(service.created().values().all(|times| *times == 1));

    // Saved files are not touched, and a deleted one is downloaded again.
    fs::remove_file(cli.path("videos/0002.mp4")).unwrap();
    let ran = cli.run(RUN).await;
    assert!(ran.stderr.contains("saved already: 3"), "{ran:?}");
    assert_eq!(cli_files(&cli)[..4], saved);
    assert!(service.created().values().all(|times| *times == 1));
}

#[tokio::test]
async fn resume_saves_created_generations_and_creates_none() {
    let service = Service::start().await;
    let cli = Cli::at(service.server.url());
    fs::write(
        cli.path("b.jsonl"),
        batch(&["a", "fail-b", "silent-c", "d"]),
    )
    .unwrap();
    let child = cli.command(RUN).args(["--creates", "4"]).spawn().unwrap();
    let journal = cli.path("videos/journal.jsonl");
    let created = || {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        text.matches("\"created\"").count()
    };
    while created() < 3 {
        tokio::task::yield_now().await;
    }
    interrupt(&child);
    // The open create gets a moment, then it is reported as unclear.
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("resume with: aimlapi-video resume videos/journal.jsonl --out videos"),
        "{stderr}"
    );
    let note = "note: interrupted; waiting a few seconds for the response";
    assert!(stderr.contains(note), "{stderr}");

    service.release();
    let ran = cli
        .run(&[
            "resume",
            "videos/journal.jsonl",
            "--speed",
            "1000",
            "--json",
        ])
        .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let jobs: BTreeMap<u64, Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .map(|job: Value| (job["line"].as_u64().unwrap(), job))
        .collect();
    let of = |line: u64| {
        (
            jobs[&line]["state"].as_str(),
            jobs[&line]["error"]["exit_code"].as_u64(),
        )
    };
    assert_eq!(of(1), (Some("saved"), None));
    assert_eq!(of(2), (Some("error"), Some(3)));
    assert_eq!(of(3), (Some("error"), Some(6)));
    assert_eq!(of(4), (Some("saved"), None));
    assert_eq!(cli_files(&cli), ["0001.mp4", "0004.mp4", "journal.jsonl"]);
    assert_eq!(service.created().len(), 4);
    assert!(service.created().values().all(|times| *times == 1));
}

#[tokio::test]
async fn changed_batch_or_foreign_file_is_an_error_before_any_create() {
    let service = Service::start().await;
    service.release();
    let cli = Cli::at(service.server.url());
    fs::write(cli.path("b.jsonl"), batch(&["a", "b"])).unwrap();
    assert_eq!(cli.run(RUN).await.code, 0);
    for (prompts, lines) in [
        (vec!["b", "a"], "1, 2"),
        (vec!["a", "x", "c"], "2"),
        (vec!["a"], "2"),
    ] {
        fs::write(cli.path("b.jsonl"), batch(&prompts)).unwrap();
        let ran = cli.run(RUN).await;
        assert_eq!(ran.code, 2);
        assert!(
            ran.error().contains(&format!("in these lines: {lines};")),
            "{ran:?}"
        );
    }
    // Lines may be added to a batch.
    fs::write(cli.path("b.jsonl"), batch(&["a", "b", "c"])).unwrap();
    assert_eq!(cli.run(RUN).await.code, 0);
    fs::write(cli.path("videos/0004.mp4"), "mine").unwrap();
    fs::write(cli.path("b.jsonl"), batch(&["a", "b", "c", "d"])).unwrap();
    let ran = cli.run(RUN).await;
    assert!(ran.error().contains("0004.mp4 exists already"), "{ran:?}");
    fs::write(cli.path("b.jsonl"), "{\n{\"model\": \"x\"}\n").unwrap();
    let ran = cli.run(RUN).await;
    assert!(ran.error().contains("b.jsonl:1:1: not JSON"), "{ran:?}");
    assert!(ran.error().contains("b.jsonl:2: "), "{ran:?}");
    let expected = ["a", "b", "c"].map(|prompt| (prompt.to_owned(), 1));
    assert_eq!(service.created(), BTreeMap::from(expected));
}

#[tokio::test]
async fn unclear_create_is_repeated_only_with_the_flag() {
    let service = Service::start().await;
    service.release();
    let mut cli = Cli::at(service.server.url());
    fs::create_dir(cli.path("videos")).unwrap();
    fs::write(cli.path("b.jsonl"), batch(&["a"])).unwrap();
    let mut child = cli.command(RUN).spawn().unwrap();
    while service.created().is_empty() {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    // As after a kill before the response.
    let journal = cli.path("videos/journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let intent: String = text
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&journal, intent).unwrap();
    cli.home = tempfile::tempdir().unwrap();
    let _ = fs::remove_file(cli.path("videos/0001.mp4"));
    assert_eq!(cli.run(RUN).await.code, 6);
    assert_eq!(service.created()["a"], 1);
    let again = [RUN, &["--repeat-unclear"]].concat();
    assert_eq!(cli.run(&again).await.code, 0);
    assert_eq!(service.created()["a"], 2);
}

#[tokio::test]
async fn batch_runs_against_the_embedded_simulator() {
    let cli = Cli::new();
    fs::write(cli.path("b.jsonl"), batch(&["a", "b", "c"])).unwrap();
    let ran = cli
        .run(&[
            "batch",
            "b.jsonl",
            "--out",
            "videos",
            "--simulate",
            "--speed",
            "1000",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("3 of 3 saved"), "{ran:?}");
    assert_eq!(
        cli_files(&cli),
        [
            "0001.mp4",
            "0002.mp4",
            "0003.mp4",
            "journal.simulated.jsonl"
        ]
    );
}

#[tokio::test]
async fn journal_of_another_service_is_an_error_before_any_create() {
    let (service, other) = (Service::start().await, Service::start().await);
    service.release();
    let cli = Cli::at(service.server.url());
    fs::write(cli.path("b.jsonl"), batch(&["a", "b"])).unwrap();
    assert_eq!(cli.run(RUN).await.code, 0);
    let journal = fs::read_to_string(cli.path("videos/journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"completed\"").count(), 2, "{journal}");
    let moved = Cli {
        base: Some(other.server.url()),
        ..cli
    };
    for command in [RUN, &["resume", "videos/journal.jsonl"]] {
        let ran = moved.run(command).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(&service.server.url()), "{ran:?}");
        assert!(ran.error().contains(": 1, 2; name another"), "{ran:?}");
    }
    fs::write(moved.path("c.jsonl"), batch(&["c"])).unwrap();
    fs::create_dir(moved.path("mine")).unwrap();
    fs::write(moved.path("mine/0001-2.mp4"), "mine").unwrap();
    let ran = moved.run(&["batch", "c.jsonl", "--out", "mine"]).await;
    assert!(ran.error().contains("0001-2.mp4 exists already"), "{ran:?}");
    // The batch file is not a journal.
    let before = fs::read(moved.path("c.jsonl")).unwrap();
    let own = ["batch", "c.jsonl", "--out", "n", "--journal", "c.jsonl"];
    assert_eq!(moved.run(&own).await.code, 2);
    assert_eq!(fs::read(moved.path("c.jsonl")).unwrap(), before);
    assert!(other.created().is_empty());
}

/// As on a disk that is full when the response arrives.
#[tokio::test]
async fn unwritable_journal_loses_no_video() {
    let service = Service::start().await;
    service.release();
    let cli = Cli::at(service.server.url());
    fs::write(cli.path("b.jsonl"), batch(&["a"])).unwrap();
    assert_eq!(cli.run(RUN).await.code, 0);
    let journal = cli.path("videos/journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // Room for the intent and half of the next line, in a file of 8 blocks at most.
    let room = lines[1].len() + lines[2].len() / 2;
    let filled = format!(
        "{}{}",
        lines[0],
        "\n".repeat(8 * 512 - room - lines[0].len())
    );
    fs::write(&journal, filled).unwrap();
    fs::remove_file(cli.path("videos/0001.mp4")).unwrap();
    let binary = env!("CARGO_BIN_EXE_aimlapi-video");
    let script = format!("trap '' XFSZ; ulimit -f 8; exec {binary} {}", RUN.join(" "));
    let output = tokio::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(cli.folder.path())
        .env("AIML_API_KEY", support::KEY)
        .env("AIML_API_BASE", service.server.url())
        .env("AIMLAPI_VIDEO_HOME", cli.home.path())
        .output()
        .await
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let reported =
        |line: &str| line.starts_with("line 1: the journal") && line.ends_with(" (generation a)");
    assert!(stderr.lines().any(reported), "{stderr}");
    assert!(cli.path("videos/0001.mp4").is_file(), "{stderr}");
    // The output ends with a whole line, and reports the create that may be billed.
    let resume = ["resume", "videos/journal.jsonl"];
    let ran = cli.run(&[&resume[..], &["--no-history"]].concat()).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    // The history has what the journal lacks.
    let ran = cli.run(&resume).await;
    assert!(
        ran.code == 0 && ran.stderr.contains("saved already: 1"),
        "{ran:?}"
    );
}

fn cli_files(cli: &Cli) -> Vec<String> {
    let entries = fs::read_dir(cli.path("videos")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
