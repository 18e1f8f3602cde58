//! Runs the examples as a user does, against the simulator. `contract_test` has its own tests.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use aimlapi_video_simulator::{RecordedRequest, Scenario, Simulator};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const PROMPT: &str = "A paper lantern rises over the harbour";

const SPEED: f64 = 200.0;

/// The beginning of a PNG image of one pixel.
const PICTURE: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";

/// A simulator, and a folder in which examples run against the simulator. Both are faster than the service by [`SPEED`], so the
/// default deadline is 9 s.
struct Stage {
    simulator: Simulator,
    folder: TempDir,
}

impl Stage {
    async fn set(scenario: Value) -> Self {
        let simulator = Simulator::builder()
            .speed(SPEED)
            .scenario(Scenario::from_json(scenario).unwrap())
            .start()
            .await
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        Self { simulator, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, example: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(built(example));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("AIML_API_KEY", "any")
            .env("AIML_API_BASE", self.simulator.url())
            .env("AIML_API_SPEED", SPEED.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, example: &str, arguments: &[&str]) -> Output {
        self.command(example, arguments).output().await.unwrap()
    }

    async fn succeed(&self, example: &str, arguments: &[&str]) -> String {
        let output = self.run(example, arguments).await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The names of the videos in `folder`, each of which must be a complete file.
    fn videos(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let paths: Vec<PathBuf> = paths.filter(|path| has_extension(path, "mp4")).collect();
        for path in &paths {
            assert_eq!(&fs::read(path).unwrap()[4..8], b"ftyp", "{path:?}");
        }
        let names = paths.iter().map(|path| path.file_name().unwrap().to_str());
        let mut names: Vec<String> = names.map(|name| name.unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn creates(&self) -> Vec<RecordedRequest> {
        let mut requests = self.simulator.requests();
        requests.retain(|request| request.method == "POST");
        requests
    }

    fn prompts(&self) -> Vec<Value> {
        let creates = self.creates().into_iter();
        creates
            .map(|request| request.body.unwrap()["prompt"].clone())
            .collect()
    }
}

/// The path of a built example. Cargo builds the examples with the tests, in a folder next to that of this test's binary.
fn built(example: &str) -> PathBuf {
    let deps = std::env::current_exe().unwrap();
    let path = deps.parent().unwrap().with_file_name("examples");
    let path = path.join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    assert!(
        path.exists(),
        "{path:?} is missing: build it by `cargo build --examples --all-features`, or run `cargo test` for all targets"
    );
    path
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

#[tokio::test]
async fn text_to_video_saves_a_video_for_the_prompt() {
    let stage = Stage::set(json!({ "next": [] })).await;

    let reported = stage.succeed("text_to_video", &[PROMPT]).await;

    assert!(reported.contains("created: {\"id\":"), "{reported}");
    assert!(reported.contains("saved: "), "{reported}");
    assert_eq!(stage.prompts(), [PROMPT]);
    assert_eq!(stage.videos(".").len(), 1);
}

#[tokio::test]
async fn image_to_video_sends_the_image_and_refuses_other_files() {
    let stage = Stage::set(json!({ "next": [] })).await;
    fs::write(stage.path("lighthouse.png"), PICTURE).unwrap();
    fs::write(stage.path("words.png"), "no picture").unwrap();

    let refused = stage.run("image_to_video", &["words.png"]).await;
    stage
        .succeed("image_to_video", &["lighthouse.png", PROMPT])
        .await;

    assert!(!refused.status.success(), "{refused:?}");
    let creates = stage.creates();
    assert_eq!(creates.len(), 1);
    let image = creates[0].body.as_ref().unwrap()["image_url"].clone();
    let image = image.as_str().unwrap();
    assert!(image.starts_with("data:image/png;base64,"), "{image}");
    assert_eq!(stage.videos(".").len(), 1);
}

#[tokio::test]
async fn resume_downloads_the_video_of_another_processs_generation() {
    let stage = Stage::set(json!({ "next": [] })).await;

    stage
        .succeed("resume", &["create", "lantern.json", PROMPT])
        .await;
    let again = stage
        .run("resume", &["create", "lantern.json", PROMPT])
        .await;
    stage
        .succeed("resume", &["finish", "lantern.json", "lantern.mp4"])
        .await;

    assert!(!again.status.success(), "the handle would be overwritten");
    assert_eq!(stage.prompts(), [PROMPT]);
    assert_eq!(stage.videos("."), ["lantern.mp4"]);
}

#[tokio::test]
async fn resume_leaves_no_handle_after_a_refused_create() {
    let refused = json!({ "create": { "status": 400, "json": { "message": "no" } } });
    let stage = Stage::set(json!({ "next": [refused] })).await;

    let first = stage.run("resume", &["create", "a.json", PROMPT]).await;
    stage.succeed("resume", &["create", "a.json", PROMPT]).await;

    assert!(!first.status.success());
    assert_eq!(stage.simulator.tasks().len(), 1);
}

#[tokio::test]
async fn batch_that_is_run_again_continues_and_creates_nothing_twice() {
    let failing = json!({ "end": { "fail": { "message": "not this one" } } });
    let stage = Stage::set(json!({ "next": [failing] })).await;
    let prompts = "A kite climbs over the dunes\nSnow falls on a tin roof\nA heron lands\n";
    fs::write(stage.path("prompts.txt"), prompts).unwrap();
    let batch = ["prompts.txt", "videos"];

    let first = stage.run("batch", &batch).await;
    let before = stage.simulator.requests().len();
    let second = stage.run("batch", &batch).await;

    for ran in [first, second] {
        let reported = String::from_utf8(ran.stderr).unwrap();
        assert!(reported.contains("not this one"), "{reported}");
        assert!(!ran.status.success(), "one of them failed");
    }
    assert_eq!(stage.creates().len(), 3);
    let again = &stage.simulator.requests()[before..];
    assert_eq!(
        again.len(),
        1,
        "only the failed generation is polled: {again:?}"
    );
    assert_eq!(stage.videos("videos").len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn batch_that_was_interrupted_continues() {
    let stall = json!({ "seconds": 1_000_000 });
    let stage = Stage::set(json!({ "next": [stall] })).await;
    fs::write(stage.path("prompts.txt"), PROMPT).unwrap();
    let batch = ["prompts.txt", "videos"];

    let mut child = stage.command("batch", &batch).spawn().unwrap();
    let line = first_line(&mut child).await;
    let id = child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-INT", &id]).status().unwrap().success());
    let interrupted = child.wait_with_output().await.unwrap();
    stage
        .simulator
        .advance(std::time::Duration::from_secs(1_000_000));
    stage.succeed("batch", &batch).await;

    assert!(line.starts_with("1: created "), "{line}");
    let reported = String::from_utf8(interrupted.stderr).unwrap();
    assert!(
        reported.contains("run the same command again"),
        "{reported}"
    );
    assert_eq!(interrupted.status.code(), Some(1));
    assert_eq!(stage.creates().len(), 1);
    assert_eq!(stage.videos("videos"), ["1.mp4"]);
}

#[tokio::test]
async fn service_that_was_killed_completes_every_video_and_creates_none_twice() {
    // When the service is killed, two generations are running, and the response to the third create is outstanding.
    let made = json!({ "seconds": 1_000_000, "times": 2 });
    let lost = json!({ "create": { "delay_seconds": 3600, "status": 503, "created": true } });
    let stage = Stage::set(json!({ "next": [made, lost] })).await;

    let (mut service, url) = serve(&stage).await;
    let kept = [create(&url, "a kite").await, create(&url, "snow").await];
    for video in &kept {
        until(&url, video, "queued", "generating").await;
    }
    let unclear = create(&url, "a heron").await;
    while stage.creates().len() < 3 {
        tokio::task::yield_now().await;
    }
    service.kill().await.unwrap();
    stage
        .simulator
        .advance(std::time::Duration::from_secs(1_000_000));

    let (_service, url) = serve(&stage).await;
    for video in &kept {
        let reported = until(&url, video, "ready", "ready").await;
        let file = format!("{url}{}", reported["file"].as_str().unwrap());
        let film = http().get(file).send().await.unwrap();
        assert_eq!(film.status(), 200);
        assert_eq!(&film.bytes().await.unwrap()[4..8], b"ftyp");
    }
    let reported = until(&url, &unclear, "failed", "failed").await;
    let error = reported["error"].as_str().unwrap();
    assert!(error.contains("its outcome is not known"), "{error}");

    assert_eq!(stage.creates().len(), 3);
    assert_eq!(
        until(&url, &create(&url, "rain").await, "ready", "ready").await["error"],
        Value::Null
    );
}

#[tokio::test]
async fn service_retries_after_a_temporary_error() {
    let locked = json!({ "polls": [{ "status": 401, "times": 1000 }] });
    let stage = Stage::set(json!({ "next": [locked] })).await;
    let (mut service, url) = serve(&stage).await;

    let video = create(&url, PROMPT).await;
    let reported = until(&url, &video, "delayed", "failed").await;
    service.kill().await.unwrap();

    assert_eq!(reported["state"], "delayed", "{reported}");
    assert!(reported["generation"]["id"].is_string(), "{reported}");
}

#[tokio::test]
async fn service_responds_404_for_unknown_videos() {
    let stage = Stage::set(json!({ "next": [] })).await;
    let (_service, url) = serve(&stage).await;
    let unknown = format!("{url}/videos/b0a4a6f0-6f1f-4b3e-9d43-0f6f8d1f7a11");

    assert_eq!(get(&unknown).await.1, 404);
    assert_eq!(get(&format!("{unknown}/video.mp4")).await.1, 404);
    assert_eq!(stage.simulator.requests().len(), 0);
}

#[tokio::test]
async fn invalid_speed_is_reported_before_anything_is_sent() {
    let stage = Stage::set(json!({ "next": [] })).await;
    let error = async |speed, base| {
        let mut command = stage.command("text_to_video", &[]);
        let output = command
            .env("AIML_API_SPEED", speed)
            .env("AIML_API_BASE", base);
        let output = output.output().await.unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };

    let url = stage.simulator.url();
    let fast = error("fast", url.as_str()).await;
    let zero = error("0", url.as_str()).await;
    let real = error("60", aimlapi_video::Client::BASE_URL).await;

    for reported in [fast, zero] {
        assert!(reported.contains("it takes a number above 0"), "{reported}");
    }
    assert!(real.contains("it is for a simulator"), "{real}");
    assert_eq!(stage.simulator.requests().len(), 0);
}

/// Starts the service, and returns its process and its URL.
async fn serve(stage: &Stage) -> (Child, String) {
    let mut command = stage.command("service", &["videos", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let line = first_line(&mut child).await;
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    (child, url)
}

async fn first_line(child: &mut Child) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    let mut lines = BufReader::new(stdout).lines();
    lines.next_line().await.unwrap().unwrap()
}

/// Creates a video, and returns the path of its state.
async fn create(url: &str, prompt: &str) -> String {
    let request = http().post(format!("{url}/videos")).body(prompt.to_owned());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// Polls the state of a video until it is one of two states, and returns the state.
async fn until(url: &str, video: &str, state: &str, or: &str) -> Value {
    loop {
        let (reported, _) = get(&format!("{url}{video}")).await;
        if reported["state"] == state || reported["state"] == or {
            return reported;
        }
        let open = ["accepted", "created", "queued", "generating"];
        assert!(
            open.contains(&reported["state"].as_str().unwrap()),
            "{reported}"
        );
    }
}

async fn get(url: &str) -> (Value, u16) {
    let answer = http().get(url).send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (serde_json::from_slice(&body).unwrap_or_default(), status)
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}
