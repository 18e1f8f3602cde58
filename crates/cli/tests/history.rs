//! The history: what is recorded of each create, and what later commands do with it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use serde_json::{Value, json};
use support::{
    Bytes, KEY, Request, SILENCE, Server,
    cli::{Cli, Ran},
    http,
};

/// The beginning of a picture, by which its type is detected.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x02\0\0\0";

const MODEL: &str = "klingai/v2-master-text-to-video";

/// A service that completes generations once they are released, at a cost of 0.25 USD. The id of a generation is its prompt;
/// a create whose prompt begins with `silent` gets no response, and a generation whose prompt begins with `fail` fails.
async fn service(released: &Arc<AtomicBool>) -> Server {
    let released = Arc::clone(released);
    Server::start(move |_, request| answer(request, released.load(Ordering::SeqCst))).await
}

fn answer(request: &Request, released: bool) -> Bytes {
    if request.method == "POST" {
        let prompt = prompt(request);
        if prompt.starts_with("silent") {
            return SILENCE.into();
        }
        return support::json(201, json!({ "id": prompt, "status": "queued" }));
    }
    let Some((_, id)) = request.target.split_once("generation_id=") else {
        return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
    };
    let host = request.header("host").unwrap();
    let usage = json!({ "usage": { "credits_used": 500_000, "usd_spent": 0.25 } });
    support::json(
        200,
        match (released, id.starts_with("fail")) {
            (false, _) => json!({ "id": id, "status": "generating" }),
            (true, true) => json!({ "id": id, "status": "failed", "error": "no" }),
            (true, false) => {
                let video = json!({ "url": format!("http://{host}/{id}.mp4?sig=do-not-store") });
                json!({ "id": id, "status": "completed", "video": video, "meta": usage })
            }
        },
    )
}

fn prompt(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

fn generate<'a>(prompt: &'a str, output: &'a str) -> Vec<&'a str> {
    let head = ["generate", MODEL, "--speed", "1000", "--prompt", prompt];
    [&head[..], &["-o", output]].concat()
}

/// The text of all files of the history.
fn recorded(cli: &Cli) -> String {
    let texts = files(cli).into_iter().map(fs::read_to_string);
    texts.map(Result::unwrap).collect()
}

fn files(cli: &Cli) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(cli.home.path().join("history")) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().unwrap() == "jsonl")
        .collect()
}

async fn until(mut is: impl FnMut() -> bool) {
    while !is() {
        tokio::task::yield_now().await;
    }
}

/// Starts a command, and kills it as soon as the history has the generation `id`.
async fn killed(cli: &Cli, arguments: &[&str], id: &str) {
    killed_by("-KILL", cli, arguments, id).await;
}

async fn killed_by(signal: &str, cli: &Cli, arguments: &[&str], id: &str) {
    let mut child = cli.command(arguments).spawn().unwrap();
    until(|| recorded(cli).contains(&format!("\"id\":\"{id}\""))).await;
    let process = child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args([signal, &process]).status().unwrap().success());
    assert!(!child.wait().await.unwrap().success());
}

async fn history(cli: &Cli) -> Vec<Value> {
    let ran = cli.run(&["history", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    serde_json::from_value(ran.json()).unwrap()
}

fn notes(ran: &Ran) -> Vec<&str> {
    let lines = ran.stderr.lines();
    lines.filter(|line| line.starts_with("note: ")).collect()
}

#[tokio::test]
async fn killed_generate_is_noted_once_with_the_command_that_finishes_it() {
    for signal in ["-KILL", "-HUP"] {
        let released = Arc::default();
        let server = service(&released).await;
        let cli = Cli::at(server.url());
        killed_by(signal, &cli, &generate("g1", "a b.mp4"), "g1").await;
        let status = &["status", "other"][..];
        let told = cli.run(status).await;
        let path = cli.folder.path().canonicalize().unwrap().join("a b.mp4");
        let command = format!("aimlapi-video wait -o '{}' g1", path.display());
        let [note] = notes(&told)[..] else {
            panic!("one note: {told:?}");
        };
        assert!(note.starts_with(&format!("note: {MODEL} (")), "{note}");
        let end = format!("is unfinished; finish with: {command}");
        assert!(note.ends_with(&end), "{note}");
        assert_eq!(notes(&cli.run(status).await), [""; 0]);

        released.store(true, Ordering::SeqCst);
        let output = path.to_str().unwrap();
        let ran = cli
            .run(&["wait", "-o", output, "g1", "--speed", "1000"])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let entries = history(&cli).await;
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0]["state"], "saved");
        assert_eq!(entries[0]["files"], json!([output]));
        assert_eq!(entries[0]["usd_spent"], 0.25);
        assert_eq!(entries[0]["credits_used"], 500_000.0);
    }
}

#[tokio::test]
async fn create_is_recorded_before_it_is_sent() {
    let cli = Cli::new();
    let home = cli.home.path().join("history");
    let is_recorded = move |prompt: &str| {
        let files = fs::read_dir(&home).unwrap();
        let mut texts = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap());
        texts.any(|text| text.contains(&format!("\"prompt\":\"{prompt}\"")))
    };
    let server = Server::start(move |_, request| {
        let is_unrecorded = request.method == "POST" && !is_recorded(&prompt(request));
        match is_unrecorded {
            true => http(400, &[], r#"{"message":"not recorded"}"#),
            false => answer(request, true),
        }
    })
    .await;
    let cli = Cli {
        base: Some(server.url()),
        key: Some(KEY),
        ..cli
    };
    let ran = cli.run(&generate("g1", "a.mp4")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = cli
        .run(&["generate", MODEL, "--prompt", "g2", "--no-wait"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    fs::write(cli.path("b.jsonl"), batch(&["b1", "b2", "b3"])).unwrap();
    let ran = cli
        .run(&["batch", "b.jsonl", "--out", "o", "--speed", "1000"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn history_is_in_the_state_folder_of_the_user() {
    let server = service(&Arc::new(AtomicBool::new(true))).await;
    let cli = Cli::at(server.url());
    let state = cli.home.path().join("state");
    let mut command = cli.command(&generate("g1", "a.mp4"));
    command
        .env_remove("AIMLAPI_VIDEO_HOME")
        .env("XDG_STATE_HOME", &state)
        .env("HOME", cli.home.path());
    assert!(command.output().await.unwrap().status.success());
    // macOS has no folder for state.
    let folders = [state, cli.home.path().join("Library/Application Support")];
    let found = folders
        .iter()
        .filter(|folder| folder.join("aimlapi-video/history").is_dir());
    assert_eq!(found.count(), 1);
}

#[tokio::test]
async fn create_without_a_response_is_ambiguous_and_says_what_to_do() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let mut child = cli.command(&generate("silent", "a.mp4")).spawn().unwrap();
    until(|| !server.requests().is_empty()).await;
    child.kill().await.unwrap();
    let told = cli.run(&["status", "other"]).await;
    let [note] = notes(&told)[..] else {
        panic!("one note: {told:?}");
    };
    assert!(note.contains("may have been accepted and billed"), "{note}");
    let entries = history(&cli).await;
    assert_eq!(
        (entries.len(), &entries[0]["state"]),
        (1, &json!("ambiguous"))
    );
    let entry = entries[0]["entry"].as_str().unwrap();
    let shown = cli.run(&["history", "show", &entry[..6]]).await;
    for part in ["account's log", "\"prompt\": \"silent\"", entry] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
    // The same from a response that cannot be read, and not from a refusal.
    for (status, state) in [(500, "ambiguous"), (401, "not_created")] {
        let server = Server::always(http(status, &[], "{}")).await;
        let cli = Cli::at(server.url());
        cli.run(&generate("g1", "a.mp4")).await;
        let entries = history(&cli).await;
        assert_eq!((entries.len(), &entries[0]["state"]), (1, &json!(state)));
    }
}

#[tokio::test]
async fn generation_of_another_command_or_account_is_not_noted() {
    let server = service(&Arc::default()).await;
    let mut cli = Cli::at(server.url());
    let no_wait = ["generate", MODEL, "--prompt", "g0", "--no-wait"];
    assert_eq!(cli.run(&no_wait).await.code, 0);
    killed(&cli, &generate("g1", "a.mp4"), "g1").await;
    cli.key = Some("another-key");
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    cli.key = Some(KEY);
    let other = service(&Arc::default()).await;
    cli.base = Some(other.url());
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    cli.base = Some(format!("{}/v2/", server.url()));
    let ran = cli.run(&["status", "other"]).await;
    assert!(notes(&ran)[0].ends_with(" g1"), "{ran:?}");
    assert_eq!(notes(&ran).len(), 1);
}

#[tokio::test]
async fn interrupt_that_names_the_command_is_not_noted_again() {
    let server = service(&Arc::default()).await;
    let cli = Cli::at(server.url());
    let child = cli.command(&generate("g1", "a.mp4")).spawn().unwrap();
    until(|| recorded(&cli).contains("\"created\"")).await;
    support::cli::interrupt(&child);
    let output = child.wait_with_output().await.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("resume with: "), "{stderr}");
    assert_eq!(notes(&cli.run(&["status", "other"]).await), [""; 0]);
    assert_eq!(history(&cli).await[0]["state"], "unfinished");
}

#[tokio::test]
async fn entry_has_no_key_no_media_and_no_signature() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("cat.png"), PNG).unwrap();
    let model = "kling-video/v2.1/standard/image-to-video";
    for image in [
        "cat.png",
        "https://h.example/c.png?X-Amz-Signature=do-not-store",
    ] {
        let arguments = [
            "generate", model, "--speed", "1000", "--prompt", "g1", "--image", image,
        ];
        let ran = cli
            .run(&[&arguments[..], &["--overwrite", "-o", "a.mp4"]].concat())
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let text = recorded(&cli);
    assert!(
        !text.contains(KEY) && !text.contains("do-not-store"),
        "{text}"
    );
    assert!(!text.contains("base64"), "{text}");
    let entries = history(&cli).await;
    let image = entries[0]["request"].as_object().unwrap().values();
    let image = image.into_iter().find(|value| value.is_object()).unwrap();
    assert_eq!(image["bytes"], PNG.len());
    assert!(text.contains("https://h.example/c.png"), "{text}");

    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(cli.home.path().join("history")), 0o700);
    for file in files(&cli) {
        assert_eq!(mode(file), 0o600);
    }
}

#[tokio::test]
async fn nothing_is_recorded_of_a_simulation_or_without_a_history() {
    let cli = Cli::new();
    let simulated = [&generate("x", "a.mp4")[..], &["--simulate"]].concat();
    assert_eq!(cli.run(&simulated).await.code, 0);
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli {
        base: Some(server.url()),
        key: Some(KEY),
        ..cli
    };
    let unrecorded = [&generate("x", "b.mp4")[..], &["--no-history"]].concat();
    assert_eq!(cli.run(&unrecorded).await.code, 0);
    assert_eq!(files(&cli), [""; 0].map(PathBuf::from));
}

#[tokio::test]
async fn folder_that_cannot_be_written_is_one_warning() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    fs::write(cli.home.path().join("history"), "a file").unwrap();
    let ran = cli.run(&generate("g1", "a.mp4")).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("a.mp4").is_file());
    let warnings = ran.stderr.matches("warning: the history cannot be").count();
    assert_eq!(warnings, 1, "{ran:?}");
}

#[tokio::test]
async fn last_generation_is_saved_where_its_command_would_have_saved_it() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    let ran = cli.run(&["wait", "--last"]).await;
    assert!(ran.error().contains("has no generation"), "{ran:?}");
    killed(&cli, &generate("g1", "out/{id}.mp4"), "g1").await;
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["wait", "--last", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(cli.path("out/g1.mp4").is_file());
    assert_eq!(history(&cli).await[0]["state"], "saved");
}

fn batch(prompts: &[&str]) -> String {
    let line = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt }).to_string() + "\n";
    prompts.iter().map(line).collect()
}

#[tokio::test]
async fn resume_finishes_all_that_is_unfinished_in_its_place() {
    let released = Arc::default();
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    killed(&cli, &generate("g1", "one.mp4"), "g1").await;
    fs::write(cli.path("b.jsonl"), batch(&["b1", "silent", "fail", "b4"])).unwrap();
    let run = ["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];
    let mut child = cli.command(&run).spawn().unwrap();
    until(|| recorded(&cli).matches("\"event\":\"created\"").count() == 4).await;
    child.kill().await.unwrap();

    let told = cli.run(&["status", "other"]).await;
    let [note] = notes(&told)[..] else {
        panic!("one note: {told:?}");
    };
    assert!(note.contains("a batch left 4 unfinished"), "{note}");
    released.store(true, Ordering::SeqCst);
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert_eq!(ran.code, 6, "a create has no response: {ran:?}");
    for file in ["one.mp4", "videos/0001.mp4", "videos/0004.mp4"] {
        assert!(cli.path(file).is_file(), "{file}: {ran:?}");
    }
    let entries = history(&cli).await;
    let state = |prompt: &str| {
        let of = |entry: &&Value| entry["request"]["prompt"] == prompt;
        let entry = entries.iter().find(of).unwrap();
        entry["state"].as_str().unwrap().to_owned()
    };
    let states = ["g1", "b1", "silent", "fail", "b4"].map(state);
    assert_eq!(states, ["saved", "saved", "ambiguous", "failed", "saved"]);
    // The journal of the batch has the same outcome.
    let ran = cli.run(&run).await;
    assert!(ran.stderr.contains("saved already: 2"), "{ran:?}");
    let created = server.requests();
    let created = created.iter().filter(|request| request.method == "POST");
    assert_eq!(created.count(), 5);
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert!(ran.stderr.contains("nothing is unfinished"), "{ran:?}");
}

#[tokio::test]
async fn damaged_line_is_reported_and_skipped() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    for (prompt, file) in [("g1", "1.mp4"), ("g2", "2.mp4")] {
        assert_eq!(cli.run(&generate(prompt, file)).await.code, 0);
    }
    let file = &files(&cli)[0];
    let text = fs::read_to_string(file).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    // A damaged line in the middle, and a torn one at the end.
    fs::write(
        file,
        format!("{first}\n\0\0\0\n{}", &rest[..rest.len() - 9]),
    )
    .unwrap();
    let ran = cli.run(&["history", "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let note = format!(
        "note: skipped a damaged line of the history: {}:2, and 1 more",
        file.display()
    );
    assert_eq!(ran.stderr.trim_end(), note);
    assert_eq!(ran.json().as_array().unwrap().len(), 2);
    // Other commands go on, too.
    assert_eq!(cli.run(&generate("g3", "3.mp4")).await.code, 0);
    assert_eq!(history(&cli).await.len(), 3);
}

#[tokio::test]
async fn list_has_the_model_cost_file_and_prompt_and_sums_by_model() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    let empty = cli.run(&["history"]).await;
    assert!(empty.stderr.contains("has no create"), "{empty:?}");
    cli.run(&generate("g1", "1.mp4")).await;
    cli.run(&generate("fail", "2.mp4")).await;
    let long = "g ".repeat(100);
    let ran = cli
        .run(&["generate", MODEL, "--prompt", &long, "--no-wait"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let list = cli.run(&["history"]).await.stdout;
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 4, "{list}");
    let words: Vec<&str> = lines[1].split_whitespace().collect();
    assert_eq!(words[..5], ["g1", "saved", MODEL, "0.25", "USD"]);
    assert_eq!(words[6..], ["1.mp4", "g1"]);
    assert!(lines[2].starts_with("fail  "), "{list}");
    assert!(
        lines[3].contains("unfinished") && lines[3].ends_with("g …"),
        "{list}"
    );
    let sums = cli.run(&["history", "--group-by", "model", "--json"]).await;
    let expected = json!([{
        "model": MODEL, "creates": 3, "saved": 1, "failed": 1, "unknown_cost": 2,
        "usd_spent": 0.25, "credits_used": 500_000.0,
    }]);
    assert_eq!(sums.json(), expected);
    let sums = cli.run(&["history", "--group-by", "model"]).await;
    assert!(
        sums.stdout
            .ends_with("total cost: 0.25 USD (500000 credits)\n"),
        "{sums:?}"
    );
    let recent = cli.run(&["history", "--json", "--since", "1h"]).await;
    assert_eq!(recent.json().as_array().unwrap().len(), 3);
    let none = cli.run(&["history", "--json", "--since", "0s"]).await;
    assert_eq!(none.json(), json!([]));
    let wrong = cli.run(&["history", "show", "nothing", "--json"]).await;
    assert_eq!(
        (wrong.code, &wrong.json()["error"]["kind"]),
        (2, &json!("usage"))
    );
}

#[tokio::test]
async fn prune_removes_old_entries_alone() {
    let released = Arc::new(AtomicBool::new(true));
    let server = service(&released).await;
    let cli = Cli::at(server.url());
    cli.run(&generate("old", "1.mp4")).await;
    age(&files(&cli)[0]);
    cli.run(&generate("new", "2.mp4")).await;
    // What the file of another process ended stays ended as long as its entry.
    killed(
        &cli,
        &["generate", MODEL, "--prompt", "kept", "--deadline", "1h"],
        "kept",
    )
    .await;
    let known = files(&cli);
    let ran = cli
        .run(&["wait", "--last", "--speed", "1000", "-o", "3.mp4"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let end = files(&cli)
        .into_iter()
        .find(|file| !known.contains(file))
        .unwrap();
    age(&end);
    let ran = cli.run(&["history", "prune", "--older-than", "90d"]).await;
    assert_eq!(ran.stdout, "removed 1, 0 of them unfinished\n");
    let entries = history(&cli).await;
    let states = entries.iter().map(|entry| (&entry["id"], &entry["state"]));
    let expected = [
        (&json!("new"), &json!("saved")),
        (&json!("kept"), &json!("saved")),
    ];
    assert!(states.eq(expected), "{entries:?}");
    assert!(cli.path("1.mp4").is_file());
}

/// Changes the times of a file of the history to an earlier year.
fn age(file: &PathBuf) {
    let now = httpdate::fmt_http_date(SystemTime::now());
    let year = now.split_whitespace().nth(3).unwrap();
    let text = fs::read_to_string(file).unwrap();
    let aged = text.replace(&format!("\"at\":\"{year}"), "\"at\":\"2019");
    fs::write(file, aged).unwrap();
}

/// When the server kills the process of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    BeforeTheResponse,
    DuringTheWait,
    DuringTheDownload,
    Saved,
}

/// The processes by their prompts, and what becomes of each.
#[derive(Default)]
struct Fates {
    processes: Mutex<BTreeMap<String, (u32, Fate)>>,
    started: Condvar,
}

impl Fates {
    /// Kills the process of a prompt if its time has come.
    fn reached(&self, prompt: &str, now: Fate) {
        let processes = self.processes.lock().unwrap();
        let mut processes = self
            .started
            .wait_while(processes, |processes| !processes.contains_key(prompt))
            .unwrap();
        let (process, fate) = processes[prompt];
        if fate == now {
            let kill = std::process::Command::new("kill")
                .args(["-9", &process.to_string()])
                .status();
            assert!(kill.unwrap().success());
            processes.insert(prompt.to_owned(), (process, Fate::Saved));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_that_are_killed_at_any_time_lose_no_create() {
    const FATES: [Fate; 4] = [
        Fate::BeforeTheResponse,
        Fate::DuringTheWait,
        Fate::DuringTheDownload,
        Fate::Saved,
    ];
    let fates: Arc<Fates> = Arc::default();
    let shared = Arc::clone(&fates);
    let server = Server::start(move |_, request| {
        tokio::task::block_in_place(|| {
            if request.method == "POST" {
                let prompt = prompt(request);
                shared.reached(&prompt, Fate::BeforeTheResponse);
            } else if let Some((_, id)) = request.target.split_once("generation_id=") {
                shared.reached(id, Fate::DuringTheWait);
            } else {
                let name = request.target.split(['/', '.']).nth(1).unwrap();
                shared.reached(name, Fate::DuringTheDownload);
            }
        });
        answer(request, true)
    })
    .await;
    let cli = Cli::at(server.url());
    let seed = std::process::id() as usize;
    let mut expected = BTreeMap::new();
    for round in 0..4 {
        let mut children = Vec::new();
        for number in 0..8 {
            let prompt = format!("r{round}n{number}");
            let fate = FATES[(seed + round * 3 + number * number) % FATES.len()];
            let file = format!("{prompt}.mp4");
            let mut command = cli.command(&generate(&prompt, &file));
            command
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null());
            let child = command.spawn().unwrap();
            let process = (child.id().unwrap(), fate);
            fates
                .processes
                .lock()
                .unwrap()
                .insert(prompt.clone(), process);
            fates.started.notify_all();
            children.push(child);
            expected.insert(prompt, fate);
        }
        for mut child in children {
            child.wait().await.unwrap();
        }
    }
    let listed = cli.run(&["history", "--json"]).await;
    let damaged = listed.stderr.contains("damaged");
    assert!(!damaged, "no line was being written at a kill: {listed:?}");
    let entries: Vec<Value> = serde_json::from_value(listed.json()).unwrap();
    let states: BTreeMap<String, &str> = entries
        .iter()
        .map(|entry| {
            let prompt = entry["request"]["prompt"].as_str().unwrap().to_owned();
            (prompt, entry["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(entries.len(), 32);
    for (prompt, fate) in &expected {
        let state = match fate {
            Fate::BeforeTheResponse => "ambiguous",
            Fate::DuringTheWait | Fate::DuringTheDownload => "unfinished",
            Fate::Saved => "saved",
        };
        assert_eq!(states[prompt], state, "{prompt}: {fate:?}");
    }
    assert_eq!(
        expected.values().collect::<BTreeSet<_>>().len(),
        FATES.len()
    );
    let ran = cli.run(&["resume", "--speed", "1000"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let open = history(&cli).await;
    assert!(open.iter().all(|entry| entry["state"] != "unfinished"));
}
