//! Commands print the JSON, and end with the exit codes, that version 0.1.0 did, and go on with what it left on disk.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{collections::BTreeSet, fs, path::Path};

use aimlapi_video_simulator::{Scenario, Simulator};
use serde::Deserialize;
use serde_json::{Value, json};
use support::{
    Bytes, Request, Server,
    cli::Cli,
    files::CLIP,
    http,
    recorded::{self, shape},
};

/// Commands that were run one after the other in one folder, against one simulator.
#[derive(Deserialize)]
struct Recording {
    scenario: Option<Value>,
    videos: Option<usize>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    /// `$ID` stands for the id of the last generation.
    arguments: Vec<String>,
    #[serde(default)]
    stdin: String,
    /// What is written into the folder first.
    #[serde(default)]
    files: std::collections::BTreeMap<String, String>,
    /// The file that standard output was redirected to.
    stdout_to: Option<String>,
    exit_code: i32,
    stdout: Vec<Value>,
}

async fn replay(name: &str) {
    let recording: Recording =
        serde_json::from_value(recorded::json(&format!("outputs/{name}.json"))).unwrap();
    let mut builder = Simulator::builder().speed(1000.0);
    if let Some(scenario) = recording.scenario {
        builder = builder.scenario(Scenario::from_json(scenario).unwrap());
    }
    if let Some(videos) = recording.videos {
        builder = builder.videos(videos);
    }
    let simulator = builder.start().await.unwrap();
    let cli = Cli::at(simulator.url());
    copy(&recorded::path("specs"), &cli.path("specs"));
    let mut id = String::new();
    for step in recording.steps {
        for (file, text) in &step.files {
            fs::write(cli.path(file), text).unwrap();
        }
        let arguments: Vec<String> = step
            .arguments
            .iter()
            .map(|argument| argument.replace("$ID", &id))
            .collect();
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if arguments[0] == "wait" {
            // That version had no history, which has the model of an id.
            arguments.push("--no-history");
        }
        let ran = cli.run_with(&arguments, &step.stdin).await;
        let printed = serde_json::Deserializer::from_str(&ran.stdout).into_iter();
        let mut printed: Vec<Value> = printed.collect::<Result<_, _>>().unwrap();
        printed.iter_mut().for_each(remove_added);
        let objects = printed.iter_mut().filter(|printed| printed.is_object());
        objects.for_each(remove_added_to_jobs);
        assert_eq!(ran.code, step.exit_code, "{name}: {arguments:?}: {ran:?}");
        let context = format!("{name}: {arguments:?}");
        // What the entry of a model holds depends on its document.
        let read = if name == "models" { names } else { shapes };
        let (new, old) = (read(&printed), read(&step.stdout));
        let lost: Vec<&Value> = old.iter().filter(|shape| !new.contains(shape)).collect();
        let added: Vec<&Value> = new.iter().filter(|shape| !old.contains(shape)).collect();
        assert!(
            new == old,
            "{context}\nnot printed any more: {lost:#?}\nnot printed before: {added:#?}"
        );
        if let Some(file) = &step.stdout_to {
            fs::write(cli.path(file), &ran.stdout).unwrap();
        }
        for object in &printed {
            let last = object.get("id").or_else(|| object.pointer("/handle/id"));
            if let Some(last) = last.and_then(Value::as_str) {
                id = last.to_owned();
            }
        }
    }
}

/// The names that later versions have added.
const ADDED: &[&str] = &["takes"];

fn remove_added(printed: &mut Value) {
    match printed {
        Value::Object(map) => {
            map.retain(|name, _| !ADDED.contains(&name.as_str()));
            map.values_mut().for_each(remove_added);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_added),
        _ => {}
    }
}

/// Removes what later versions have added to errors and to jobs of a batch, and the US dollars that follow from credits.
fn remove_added_to_jobs(printed: &mut Value) {
    let remove = |object: &mut Value, names: &[&str]| {
        if let Some(object) = object.as_object_mut() {
            object.retain(|name, _| !names.contains(&name.as_str()));
        }
    };
    if let Some(error) = printed.get_mut("error") {
        remove(error, &["kind", "violations"]);
    }
    if ["line", "error"]
        .iter()
        .any(|name| printed.get(name).is_some())
    {
        remove(printed, &["usd_spent", "credits_used"]);
    } else if printed["route"] == "legacy-kling" {
        remove(printed, &["usd_spent"]);
    }
}

/// The shape of each line that was printed. The jobs of a batch end in any order.
fn shapes(lines: &[Value]) -> Vec<Value> {
    let mut lines: Vec<&Value> = lines.iter().collect();
    lines.sort_by_key(|line| line.get("line").and_then(Value::as_u64));
    lines.into_iter().map(shape).collect()
}

/// The path of each name that was printed, but for those of a document's values.
fn names(lines: &[Value]) -> Vec<Value> {
    fn walk(at: &str, value: &Value, paths: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                let path = format!("{at}/{name}");
                if name != "default" {
                    walk(&path, value, paths);
                }
                paths.insert(path);
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(at, item, paths)),
            _ => {}
        }
    }
    let mut paths = BTreeSet::new();
    lines.iter().for_each(|line| walk("", line, &mut paths));
    paths.into_iter().map(Value::from).collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A test for each recording.
macro_rules! recordings {
    ($($test:ident: $name:literal,)*) => {
        const RECORDINGS: &[&str] = &[$($name),*];

        $(
            #[tokio::test]
            async fn $test() {
                replay($name).await;
            }
        )*
    };
}

recordings! {
    batch_prints_the_recorded_names: "batch",
    batch_of_invalid_requests_prints_the_recorded_names: "batch-invalid",
    batch_on_the_legacy_url_prints_the_recorded_names: "batch-legacy",
    generate_prints_the_recorded_names: "generate",
    generate_that_fails_prints_the_recorded_names: "generate-failed",
    generate_of_an_invalid_request_prints_the_recorded_names: "generate-invalid",
    generate_on_the_legacy_url_prints_the_recorded_names: "generate-legacy",
    generate_whose_polls_are_refused_prints_the_recorded_names: "generate-lost-polls",
    generate_without_a_wait_prints_the_recorded_names: "generate-no-wait",
    generate_that_saves_one_of_two_videos_prints_the_recorded_names: "generate-partly-saved",
    generate_that_is_refused_prints_the_recorded_names: "generate-refused",
    generate_of_several_videos_prints_the_recorded_names: "generate-several-videos",
    generate_with_a_lost_response_prints_the_recorded_names: "generate-unclear",
    generate_that_reaches_its_deadline_prints_the_recorded_names: "generate-unseen",
    generate_whose_download_fails_prints_the_recorded_names: "generate-unsaved",
    generate_without_a_video_prints_the_recorded_names: "generate-without-video",
    models_prints_the_recorded_names: "models",
    schema_prints_the_recorded_names: "schema",
    specs_prints_the_recorded_names: "specs",
    status_prints_the_recorded_names: "status",
    status_of_a_failed_generation_prints_the_recorded_names: "status-failed",
    validate_prints_the_recorded_names: "validate",
    wait_prints_the_recorded_names: "wait",
    wait_for_a_failed_generation_prints_the_recorded_names: "wait-failed",
    wait_on_the_legacy_url_prints_the_recorded_names: "wait-legacy",
    wait_that_reaches_its_deadline_prints_the_recorded_names: "wait-unseen",
}

#[test]
fn every_recording_has_a_test() {
    let files = fs::read_dir(recorded::path("outputs")).unwrap();
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut tested: Vec<String> = RECORDINGS
        .iter()
        .map(|name| format!("{name}.json"))
        .collect();
    tested.sort();
    assert_eq!(names, tested);
}

/// A service whose generations complete, and that serves their videos.
async fn service() -> Server {
    Server::start(|_, request| answer(request)).await
}

fn answer(request: &Request) -> Bytes {
    if request.method == "POST" {
        return support::json(201, json!({ "id": "new", "status": "queued" }));
    }
    if !request.target.starts_with("/v2/") {
        return http(200, &[("content-type", "video/mp4")], CLIP);
    }
    let (_, id) = request.target.split_once("generation_id=").unwrap();
    let id = id.replace("%3A", ":").replace("%2F", "/");
    let url = format!("http://{}/video.mp4", request.header("host").unwrap());
    support::json(
        200,
        json!({ "id": id, "status": "completed", "video": { "url": url } }),
    )
}

/// The folder of a batch that was killed, but for its videos.
fn killed(name: &str, server: &Server) -> Cli {
    let cli = Cli::at(server.url());
    fs::create_dir(cli.path("videos")).unwrap();
    let files = [
        ("", "videos/journal.jsonl"),
        (".requests", "requests.jsonl"),
    ];
    for (kind, target) in files {
        let text = recorded::text(&format!("journals/{name}{kind}.jsonl"), &server.url());
        fs::write(cli.path(target), text).unwrap();
    }
    cli
}

/// The bodies of the creates.
fn created(server: &Server) -> Vec<Value> {
    let requests = server.requests();
    let creates = requests.iter().filter(|request| request.method == "POST");
    creates
        .map(|request| serde_json::from_slice(&request.body).unwrap())
        .collect()
}

/// The state, and where there is one the exit code, of each line that was printed.
fn printed(stdout: &str) -> Vec<(u64, String)> {
    let lines = stdout.lines().map(|line| {
        let object: Value = serde_json::from_str(line).unwrap();
        let state = match &object["error"]["exit_code"] {
            Value::Null => object["state"].as_str().unwrap().to_owned(),
            code => format!("{} {code}", object["state"].as_str().unwrap()),
        };
        (object["line"].as_u64().unwrap(), state)
    });
    let mut lines: Vec<(u64, String)> = lines.collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn batch_goes_on_from_a_journal_and_creates_only_what_was_refused() {
    let server = service().await;
    let cli = killed("killed", &server);
    // What the journal says was saved.
    fs::write(cli.path("videos/0001.mp4"), CLIP).unwrap();
    let run = [
        "batch",
        "requests.jsonl",
        "--out",
        "videos",
        "--speed",
        "1000",
        "--json",
    ];
    let ran = cli.run(&run).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let created = created(&server);
    assert_eq!(created.len(), 1, "{created:?}");
    assert_eq!(created[0]["prompt"], "refuse a lantern");
    for line in [1, 3, 5, 6, 7] {
        assert!(
            cli.path(&format!("videos/{line:04}.mp4")).exists(),
            "{line}: {ran:?}"
        );
    }
    let unclear: Vec<u64> = printed(&ran.stdout)
        .into_iter()
        .filter_map(|(line, state)| (state == "error 6").then_some(line))
        .collect();
    assert_eq!(unclear, [4, 8], "{ran:?}");
}

#[tokio::test]
async fn resume_of_a_journal_saves_what_was_created_and_creates_nothing() {
    for (name, saved) in [("killed", &[1, 5, 6, 7][..]), ("killed-legacy", &[1, 3])] {
        let server = service().await;
        let cli = killed(name, &server);
        let run = [
            "resume",
            "videos/journal.jsonl",
            "--speed",
            "1000",
            "--json",
        ];
        let ran = cli.run(&run).await;
        assert_eq!(created(&server), [Value::Null; 0], "{name}");
        for line in saved {
            let file = cli.path(&format!("videos/{line:04}.mp4"));
            assert!(file.exists(), "{name}, line {line}: {ran:?}");
        }
    }
}

#[tokio::test]
async fn wait_continues_the_part_that_a_killed_wait_left() {
    let film = fs::read(recorded::path("parts/whole.mp4")).unwrap();
    let part = fs::read(recorded::path("parts/etag.mp4.part")).unwrap();
    let (whole, from) = (film.clone(), part.len());
    let server = Server::start(move |_, request| {
        if request.target.starts_with("/v2/") {
            let url = format!("http://{}/film-held.mp4", request.header("host").unwrap());
            let id = "stop:klingai/v2-master-text-to-video";
            let video = json!({ "url": url });
            return support::json(
                200,
                json!({ "id": id, "status": "completed", "video": video }),
            );
        }
        let (range, length) = (format!("bytes={from}-"), whole.len());
        assert_eq!(request.header("range"), Some(range.as_str()));
        let content_range = format!("bytes {from}-{}/{length}", length - 1);
        let headers = [
            ("content-range", content_range.as_str()),
            ("etag", "\"v1\""),
        ];
        http(206, &headers, &whole[from..])
    })
    .await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("rain.mp4.part"), part).unwrap();
    let note = recorded::text("parts/etag.mp4.part.json", &server.url());
    fs::write(cli.path("rain.mp4.part.json"), note).unwrap();
    let id = "stop:klingai/v2-master-text-to-video";
    let ran = cli
        .run(&["wait", id, "-o", "rain.mp4", "--speed", "1000", "--json"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(fs::read(cli.path("rain.mp4")).unwrap(), film);
    assert_eq!(server.requests().len(), 2);
}
