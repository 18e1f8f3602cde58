//! What happens after a video is saved: `--exec`, and a second `wait`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod second_wait;

use aimlapi_video_test_support as support;

use std::{
    fs::{self, OpenOptions},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};
use support::cli::{Cli, Ran};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    net::unix::pipe,
    process::{Child, ChildStderr},
    time::timeout,
};

const MODEL: &str = "klingai/v2-master-text-to-video";

async fn generate(cli: &Cli, options: &[&str]) -> Ran {
    let generate = ["generate", MODEL, "--prompt", "g", "--speed", "1000"];
    cli.run(&[&generate[..], options].concat()).await
}

#[tokio::test]
async fn exec_runs_for_the_saved_video_without_a_shell() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let ran = generate(&cli, &["-o", "a b.mp4", "--exec", "cp {} 'copy $HOME.mp4'"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(cli.files(), ["a b.mp4", "copy $HOME.mp4"]);
    // Without braces the path is the last word, and the output of the program is not data.
    let ran = generate(&cli, &["-o", "c.mp4", "--json", "--exec", "ls -1"]).await;
    assert_eq!(ran.json()["videos"][0]["path"], "c.mp4", "{ran:?}");
    let path = fs::canonicalize(cli.path("c.mp4")).unwrap();
    assert!(
        ran.stderr
            .lines()
            .any(|line| line == path.to_str().unwrap()),
        "{ran:?}"
    );
}

#[tokio::test]
async fn program_of_exec_has_the_environment_without_the_key() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let show = "sh -c 'echo \"base $AIML_API_BASE, key $AIML_API_KEY$AIMLAPI_API_KEY.\"'";
    let generate = ["generate", MODEL, "--prompt", "g", "--speed", "1000"];
    let mut command = cli.command(&[&generate[..], &["--exec", show]].concat());
    command.env("AIMLAPI_API_KEY", "another key");
    let ran = command.output().await.unwrap();
    let written = String::from_utf8(ran.stderr).unwrap();
    let expected = format!("base {}, key .", server.url());
    assert!(written.lines().any(|line| line == expected), "{written}");
}

#[tokio::test]
async fn failed_exec_is_reported_and_loses_nothing() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    for (command, why) in [
        ("sh -c 'exit 3'", "failed: exit status: 3"),
        ("./missing {}", "it cannot be started: "),
    ] {
        let ran = generate(&cli, &["-o", "a.mp4", "--overwrite", "--exec", command]).await;
        assert_eq!(ran.code, 8, "{ran:?}");
        assert!(ran.stdout.starts_with("saved a.mp4 ("), "{ran:?}");
        assert!(ran.error().contains(why), "{ran:?}");
        assert!(!ran.stderr.contains("resume with"), "{ran:?}");
        let object = ["-o", "a.mp4", "--overwrite", "--json", "--exec", command];
        let object = generate(&cli, &object).await.json();
        assert_eq!(object["error"]["kind"], "exec_failed", "{object}");
        assert_eq!(object["error"]["exit_code"], 8, "{object}");
        assert_eq!(object["videos"][0]["path"], "a.mp4", "{object}");
        assert_eq!(object["usd_spent"], 0.25, "{object}");
    }
    let entries = cli.run(&["history", "--json"]).await.json();
    let states = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["state"]);
    assert!(
        states.into_iter().all(|state| state == "saved"),
        "{entries}"
    );
}

#[tokio::test]
async fn failed_exec_that_has_moved_the_video_leaves_its_sidecar() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    let exec = "sh -c 'mv \"$1\" moved.mp4; exit 1' name";
    for simulate in [&[][..], &["--simulate"]] {
        let options = ["-o", "a.mp4", "--sidecar", "--exec", exec];
        let ran = generate(&cli, &[&options[..], simulate].concat()).await;
        assert_eq!(ran.code, 8, "{ran:?}");
        assert!(!ran.stderr.contains("simulator"), "{ran:?}");
        let sidecar: Value =
            serde_json::from_slice(&fs::read(cli.path("a.json")).unwrap()).unwrap();
        assert_eq!(sidecar["state"], "saved", "{sidecar}");
        assert!(sidecar["sha256"].is_string(), "{sidecar}");
    }
}

#[tokio::test]
async fn signal_during_exec_ends_the_command_and_the_program_and_names_the_saved_video() {
    let server = support::paid::service().await;
    for signal in ["INT", "TERM"] {
        let cli = Cli::at(server.url());
        fifo(&cli, "end");
        // As with ctrl-c, the second program gets the signal, too.
        let hangs = format!("sh -c 'kill -{signal} $PPID; exec cat end'");
        let dies = format!("sh -c 'kill -{signal} $PPID; kill -{signal} $$'");
        for (file, exec) in [("a.mp4", hangs), ("b.mp4", dies)] {
            // The run ends only with the program, which has the same standard error.
            let ran = generate(&cli, &["-o", file, "--sidecar", "--json", "--exec", &exec]).await;
            assert_eq!(ran.code, 130, "{ran:?}");
            let object = ran.json();
            assert_eq!(object["error"]["kind"], "exec_failed", "{object}");
            assert_eq!(object["error"]["exit_code"], 130, "{object}");
            assert_eq!(object["videos"][0]["path"], file, "{object}");
            assert!(!ran.stderr.contains("resume with"), "{ran:?}");
            assert!(cli.path(file).is_file());
        }
    }
}

#[tokio::test]
async fn unusable_exec_is_refused_before_a_create() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    for options in [
        &["--exec", "cp 'x"][..],
        &["--exec", ""],
        &["--exec", "ls", "--no-wait"],
        &["--exec", "ls", "-o", "-"],
    ] {
        let ran = generate(&cli, options).await;
        assert!(ran.code == 2 && ran.stderr.contains("--exec"), "{ran:?}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn exec_of_a_batch_runs_one_program_at_a_time_and_its_failure_is_that_of_its_line() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    write_batch(&cli, &["a", "b", "fail", "c"]);
    fifo(&cli, "wait");
    // It fails if another one runs, and for the second item. The first one to run waits for the test.
    let script = "mkdir lock || exit 9; if [ -e wait ]; then cat wait; fi; \
                  case $1 in *0002*) code=4 ;; esac; echo ran; rmdir lock; exit $code";
    let exec = format!("sh -c '{script}' name");
    let batch = [
        "batch", "b.json", "--out", "o", "--speed", "1000", "--json", "--exec", &exec,
    ];
    let started = Started::until_saved(&cli, &batch, 3).await;
    let mut pipe = tokio::fs::OpenOptions::new();
    let waited_for = pipe.write(true).open(cli.path("wait")).await.unwrap();
    fs::remove_file(cli.path("wait")).unwrap();
    drop(waited_for);
    let ran = started.end().await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let objects = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let objects: Vec<Value> = objects.collect();
    assert_eq!(objects.len(), 4, "{ran:?}");
    for object in &objects {
        let code = match object["line"].as_u64() {
            Some(2) => json!(8),
            Some(3) => json!(3),
            _ => Value::Null,
        };
        assert_eq!(object["error"]["exit_code"], code, "{object}");
    }
    assert_eq!(
        ran.stderr.lines().filter(|line| *line == "ran").count(),
        3,
        "{ran:?}"
    );
    // A JSON array has items.
    assert!(
        ran.stderr
            .contains("item 2: error: the video is saved, but `sh "),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("line "), "{ran:?}");
    assert!(ran.stderr.contains("3 of 4 saved, 1 failed"), "{ran:?}");
}

#[tokio::test]
async fn exec_of_a_batch_does_not_wait_for_a_process_that_its_program_leaves_behind() {
    let server = support::paid::service().await;
    let cli = Cli::at(server.url());
    fifo(&cli, "end");
    write_batch(&cli, &["a", "b"]);
    let exec = "sh -c 'echo ran; cat end &'";
    let batch = ["batch", "b.json", "--out", "o", "--speed", "1000"];
    let ran = cli.run(&[&batch[..], &["--exec", exec]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.stderr.lines().filter(|line| *line == "ran").count(), 2);
    // Ends both.
    drop(
        OpenOptions::new()
            .write(true)
            .open(cli.path("end"))
            .unwrap(),
    );
}

#[tokio::test]
async fn signal_during_exec_of_a_batch_names_every_saved_video_once() {
    let server = support::paid::service().await;
    for options in [&["--json"][..], &[]] {
        let cli = Cli::at(server.url());
        fifo(&cli, "end");
        write_batch(&cli, &["a", "b"]);
        let batch = [
            "batch", "b.json", "--out", "o", "--speed", "1000", "--exec", "cat end",
        ];
        let started = Started::until_saved(&cli, &[&batch[..], options].concat(), 2).await;
        support::cli::interrupt(&started.child);
        let ran = started.end().await;
        assert_eq!(ran.code, 130, "{ran:?}");
        assert_eq!(ran.stdout.lines().count(), 2, "{ran:?}");
        assert!(ran.stderr.contains("ended for 2 saved videos"), "{ran:?}");
        assert!(!ran.stderr.contains("resume with"), "{ran:?}");
        for line in ran.stdout.lines().filter(|_| !options.is_empty()) {
            let object: Value = serde_json::from_str(line).unwrap();
            assert_eq!(object["state"], "saved", "{object}");
            assert_eq!(object["error"]["exit_code"], 130, "{object}");
        }
    }
}

/// Far beyond the time that a command takes to end.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn signal_during_exec_of_a_batch_ends_its_program() {
    let server = support::paid::service().await;
    for signal in ["INT", "TERM"] {
        let cli = Cli::at(server.url());
        for name in ["alive", "end"] {
            fifo(&cli, name);
        }
        write_batch(&cli, &["a", "b"]);
        // The pipe is open as long as the program runs, and the program runs as long as nobody writes to the other one.
        let exec = format!("sh -c 'exec 3> alive; kill -{signal} $PPID; exec cat end'");
        let batch = ["batch", "b.json", "--out", "o", "--speed", "1000"];
        // An open that waits for the program would wait for ever if it does not start.
        let alive = pipe::OpenOptions::new().open_receiver(cli.path("alive"));
        let mut alive = alive.unwrap();
        let mut child = cli
            .command(&[&batch[..], &["--exec", &exec]].concat())
            .spawn()
            .unwrap();
        let ended = timeout(PATIENCE, child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("{signal}: the batch runs on"));
        assert_eq!(ended.unwrap().code(), Some(130), "{signal}");
        let closed = timeout(PATIENCE, alive.read(&mut [0])).await;
        let closed = closed.unwrap_or_else(|_| panic!("{signal}: the program runs on"));
        assert_eq!(closed.unwrap(), 0, "{signal}");
    }
}

/// A batch that runs.
struct Started {
    child: Child,
    stderr: BufReader<ChildStderr>,
    read: String,
}

impl Started {
    /// Starts a batch, and returns once it has printed that `count` videos are saved.
    async fn until_saved(cli: &Cli, arguments: &[&str], count: usize) -> Self {
        let mut child = cli.command(arguments).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut read = String::new();
        while read.matches(": saved ").count() < count {
            assert_ne!(stderr.read_line(&mut read).await.unwrap(), 0, "{read}");
        }
        Self {
            child,
            stderr,
            read,
        }
    }

    async fn end(mut self) -> Ran {
        self.stderr.read_to_string(&mut self.read).await.unwrap();
        let output = self.child.wait_with_output().await.unwrap();
        Ran {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: self.read,
        }
    }
}

/// A pipe with a name, by which a test controls how long a program runs.
fn fifo(cli: &Cli, name: &str) {
    let made = Command::new("mkfifo").arg(cli.path(name)).status();
    assert!(made.unwrap().success());
}

fn write_batch(cli: &Cli, prompts: &[&str]) {
    let item = |prompt: &&str| json!({ "model": MODEL, "prompt": prompt });
    let items: Value = prompts.iter().map(item).collect();
    fs::write(cli.path("b.json"), items.to_string()).unwrap();
}

#[tokio::test]
async fn signal_ends_a_command_that_reads_its_request_from_standard_input() {
    for arguments in [
        &["batch", "-", "--out", "o"][..],
        &["generate", MODEL, "--simulate", "--prompt", "-"],
    ] {
        let cli = Cli::new();
        let mut child = cli.command(arguments).spawn().unwrap();
        // More than a pipe holds: once it is written, the command reads.
        let mut stdin = child.stdin.take().unwrap();
        let blank = [b'\n'; 1 << 18];
        tokio::io::AsyncWriteExt::write_all(&mut stdin, &blank)
            .await
            .unwrap();
        support::cli::interrupt(&child);
        assert_eq!(child.wait().await.unwrap().code(), None, "{arguments:?}");
    }
}

#[tokio::test]
async fn wait_for_the_last_generation_without_a_key_is_a_missing_key() {
    let ran = Cli::new().run(&["wait", "--last", "--json"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(ran.json()["error"]["kind"], "missing_key", "{ran:?}");
}

#[tokio::test]
async fn signal_while_a_video_is_written_to_standard_output_leaves_no_folder() {
    // More than a pipe holds, in a box that players skip.
    let mut video = support::files::CLIP.to_vec();
    video.extend(1_000_008_u32.to_be_bytes());
    video.extend(b"free");
    video.resize(video.len() + 1_000_000, 0);
    let server = support::Server::start(move |_, request| {
        if !request.target.contains("generation_id=") {
            return support::http(200, &[("content-type", "video/mp4")], &video);
        }
        let url = format!("http://{}/v.mp4", request.header("host").unwrap());
        let video = json!({ "url": url });
        support::json(
            200,
            json!({ "id": "g", "status": "completed", "video": video }),
        )
    })
    .await;
    for signal in ["-INT", "-TERM"] {
        let cli = Cli::at(server.url());
        let mut command = cli.command(&["wait", "g", "-o", "-"]);
        command.env("TMPDIR", cli.folder.path());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut first = [0; 8];
        stdout.read_exact(&mut first).await.unwrap();
        let id = child.id().unwrap().to_string();
        let kill = Command::new("kill").args([signal, &id]).status();
        assert!(kill.unwrap().success());
        assert_eq!(child.wait().await.unwrap().code(), Some(130), "{signal}");
        assert!(cli.files().is_empty(), "{:?}", cli.files());
    }
}
