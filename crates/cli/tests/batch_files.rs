//! Batch files in several encodings and layouts, unusable folders, and videos that exist already.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use std::{fs, path::Path};

use serde_json::{Value, json};
use support::{
    Request, SILENCE, Server,
    cli::{Cli, Ran, interrupt},
    http,
};

const MODEL: &str = "klingai/v2-master-text-to-video";

fn body(prompt: &str) -> String {
    json!({ "model": MODEL, "prompt": prompt }).to_string()
}

fn prompt(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["prompt"].as_str().unwrap().to_owned()
}

/// A service that completes every generation at once, except for prompts that begin with `refused`, `fails`, `silent` or `waits`.
async fn service() -> Server {
    Server::start(|_, request| {
        if request.method == "POST" {
            let prompt = prompt(request);
            return match prompt.split('-').next() {
                Some("refused") => http(400, &[], "{}"),
                Some("silent") => SILENCE.into(),
                _ => support::json(201, json!({ "id": prompt, "status": "queued" })),
            };
        }
        let Some((_, id)) = request.target.split_once("generation_id=") else {
            return http(200, &[("content-type", "video/mp4")], support::files::CLIP);
        };
        let host = request.header("host").unwrap();
        let url = format!("http://{host}/{id}.mp4");
        support::json(
            200,
            match id.split('-').next() {
                Some("fails") => json!({ "id": id, "status": "error" }),
                Some("waits") => json!({ "id": id, "status": "generating" }),
                _ => json!({ "id": id, "status": "completed", "video": { "url": url } }),
            },
        )
    })
    .await
}

const RUN: &[&str] = &["batch", "b.jsonl", "--out", "videos", "--speed", "1000"];

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The lines that the journal records.
fn lines_of(journal: &Path) -> Vec<u64> {
    let text = fs::read_to_string(journal).unwrap();
    let line = |text: &str| serde_json::from_str::<Value>(text).unwrap()["line"].as_u64();
    let mut lines: Vec<u64> = text.lines().filter_map(line).collect();
    lines.sort();
    lines.dedup();
    lines
}

fn posts(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let mut posts: Vec<String> = requests
        .iter()
        .filter(|request| request.method == "POST")
        .map(prompt)
        .collect();
    posts.sort();
    posts
}

#[tokio::test]
async fn blank_lines_and_a_byte_order_mark_do_not_shift_line_numbers() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let text = format!(
        "\u{feff}\n{}\n\n \t\n{}\r\n\n{}",
        body("a"),
        body("b"),
        body("c")
    );
    fs::write(cli.path("b.jsonl"), &text).unwrap();
    let ran = cli.run(RUN).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let folder = cli.path("videos");
    let expected = ["0002.mp4", "0005.mp4", "0007.mp4", "journal.jsonl"];
    assert_eq!(names(&folder), expected);
    assert_eq!(lines_of(&folder.join("journal.jsonl")), [2, 5, 7]);
    assert!(ran.stderr.contains("line 5: saved"), "{ran:?}");
    assert!(ran.stderr.contains("3 of 3 saved"), "{ran:?}");

    // A deleted file is downloaded again under its number, and a new line is created.
    fs::remove_file(folder.join("0005.mp4")).unwrap();
    fs::write(cli.path("b.jsonl"), format!("{text}\n\n{}\n", body("d"))).unwrap();
    let ran = cli.run(RUN).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.contains("2 of 2 saved"), "{ran:?}");
    assert_eq!(
        names(&folder)[..4],
        ["0002.mp4", "0005.mp4", "0007.mp4", "0009.mp4"]
    );
    assert_eq!(posts(&server), ["a", "b", "c", "d"]);

    // Removing a blank line moves the lines after it; a line that is blank now differs, too.
    fs::write(cli.path("b.jsonl"), text.replacen("\n\n", "\n", 1)).unwrap();
    let ran = cli.run(RUN).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("in these lines: 5, 7, 9;"), "{ran:?}");
    fs::write(cli.path("b.jsonl"), text.replace(&body("b"), "")).unwrap();
    let ran = cli.run(RUN).await;
    assert!(ran.error().contains("in these lines: 5, 9;"), "{ran:?}");
    assert_eq!(posts(&server).len(), 4);
}

#[tokio::test]
async fn undecodable_batch_is_an_error_with_its_line_before_any_create() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let text = format!("{}\n", body("a"));
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let latin = [
        text.as_bytes(),
        b"\n{\"model\": \"x\", \"prompt\": \"caf\xE9\"}\n",
    ]
    .concat();
    for (bytes, error) in [
        (
            little,
            "UTF-16LE without a byte order mark, as the zero byte in line 1 shows (byte 2); save it as UTF-8",
        ),
        (
            [&b"\xFF\xFE\0\0{\0\0\0"[..], &[0; 8]].concat(),
            "b.jsonl is UTF-32LE",
        ),
        (latin, "byte 30 of line 3 is 0xE9; "),
        (b"\xEF\xBB\xBF \n\n".to_vec(), "b.jsonl contains no request"),
    ] {
        fs::write(cli.path("b.jsonl"), bytes).unwrap();
        let ran = cli.run(RUN).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.error().contains(error), "{ran:?}");
        let validated = cli.run(&["validate", "b.jsonl"]).await;
        assert!(validated.stderr.contains(error), "{validated:?}");
        let expected = if error.ends_with("request") { 0 } else { 2 };
        assert_eq!(validated.code, expected, "{validated:?}");
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), ["b.jsonl"]);
    // Verdicts have the line numbers of the file, too.
    fs::write(cli.path("b.jsonl"), format!("\u{feff}{text}\n\n{{\n")).unwrap();
    let ran = cli.run(&["validate", "b.jsonl"]).await;
    let verdicts = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let verdicts: Vec<(u64, bool)> = verdicts
        .map(|verdict: Value| (verdict["line"].as_u64().unwrap(), verdict["valid"] == true))
        .collect();
    assert_eq!(verdicts, [(1, true), (4, false)], "{ran:?}");
}

#[tokio::test]
async fn error_for_many_wrong_lines_lists_some_and_counts_the_rest() {
    let cli = Cli::new();
    fs::write(cli.path("b.jsonl"), "{\n".repeat(400)).unwrap();
    let ran = cli.run(RUN).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("; b.jsonl:10:1: not JSON"), "{ran:?}");
    assert!(
        ran.error()
            .contains("; and 390 more lines, which `aimlapi-video validate` lists"),
        "{ran:?}"
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn unwritable_folder_is_an_error_before_any_create() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), body("a")).unwrap();
    fs::write(cli.path("file"), "mine").unwrap();
    let journal = json!({ "event": "journal", "version": 1 }).to_string() + "\n";
    fs::write(cli.path("j.jsonl"), journal).unwrap();
    for (folder, error) in [
        ("file", "file is not a folder; name another folder by --out"),
        ("file/below", "file/below cannot be made: "),
        // Not even root can write there.
        ("/proc", "the folder /proc takes no new file: "),
        ("/proc/below", "the folder /proc/below cannot be made: "),
    ] {
        for command in [
            &["batch", "b.jsonl", "--journal", "k.jsonl"][..],
            &["resume", "j.jsonl"],
        ] {
            let ran = cli.run(&[command, &["--out", folder]].concat()).await;
            assert_eq!(ran.code, 2, "{ran:?}");
            assert!(ran.error().contains(error), "{ran:?}");
            assert!(
                ran.error().ends_with("; name another folder by --out"),
                "{ran:?}"
            );
        }
    }
    assert!(server.requests().is_empty());
    assert_eq!(cli.files(), ["b.jsonl", "file", "j.jsonl"]);
}

/// Runs a printed command line in a shell.
async fn pasted(cli: &Cli, line: &str) -> Ran {
    let folder = Path::new(env!("CARGO_BIN_EXE_aimlapi-video"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = tokio::process::Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(cli.folder.path())
        .env("PATH", path);
    for (name, value) in cli.command(&[]).as_std().get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().await.unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn printed_resume_command_works_for_any_name_of_the_journal() {
    for (journal, out) in [("journal.jsonl", "."), ("-my journal.jsonl", "-it's here")] {
        let server = service().await;
        let cli = Cli::at(server.url());
        fs::write(
            cli.path("b.jsonl"),
            format!("{}\n{}\n", body("a"), body("waits-b")),
        )
        .unwrap();
        let (journal, out) = (format!("--journal={journal}"), format!("--out={out}"));
        let arguments = ["batch", "b.jsonl", &out, &journal, "--speed", "1000"];
        let mut command = cli.command(&arguments);
        let child = command.spawn().unwrap();
        while server
            .requests()
            .iter()
            .filter(|request| request.target.contains("waits"))
            .count()
            == 0
        {
            tokio::task::yield_now().await;
        }
        interrupt(&child);
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(130));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let line = stderr
            .lines()
            .find_map(|line| line.strip_prefix("resume with: "));
        let line = format!("{} --speed 1000 --deadline 3m", line.unwrap());
        let ran = pasted(&cli, &line).await;
        // Jobs that still wait are listed again; nothing was created.
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(
            ran.stderr.contains("line 2: ") && ran.stderr.contains("1 failed"),
            "{ran:?}"
        );
        assert_eq!(posts(&server), ["a", "waits-b"]);
    }
}

#[tokio::test]
async fn total_of_resume_counts_the_listed_jobs() {
    let server = service().await;
    let cli = Cli::at(server.url());
    let prompts = ["saved-a", "refused-b", "fails-c", "silent-d", "gone-e"];
    let text: Vec<String> = prompts.iter().map(|prompt| body(prompt)).collect();
    fs::write(cli.path("b.jsonl"), text.join("\n")).unwrap();
    let mut child = cli.command(RUN).args(["--creates", "5"]).spawn().unwrap();
    let journal = cli.path("videos/journal.jsonl");
    let count = |event: &str| {
        let text = fs::read_to_string(&journal).unwrap_or_default();
        text.matches(&format!("{{\"event\":\"{event}\"")).count()
    };
    while count("saved") < 2 || count("failed") < 1 || count("not_created") < 1 {
        tokio::task::yield_now().await;
    }
    child.kill().await.unwrap();
    fs::remove_file(cli.path("videos/0005.mp4")).unwrap();
    let resume = [
        "resume",
        "videos/journal.jsonl",
        "--speed",
        "1000",
        "--json",
    ];
    let ran = cli.run(&resume).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");
    assert!(
        ran.stderr.contains("not created: 1; run the batch again"),
        "{ran:?}"
    );
    let lines = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut lines: Vec<u64> = lines.map(|job| job["line"].as_u64().unwrap()).collect();
    lines.sort();
    assert_eq!(lines, [3, 4, 5]);
    assert!(
        ran.stderr
            .lines()
            .any(|line| line.starts_with("1 of 3 saved, 2 failed, ")),
        "{ran:?}"
    );
}

#[tokio::test]
async fn simulated_batch_prints_no_resume_command() {
    let cli = Cli::new();
    fs::write(cli.path("b.jsonl"), body("a")).unwrap();
    let arguments = [
        "batch",
        "b.jsonl",
        "--out",
        "o",
        "--simulate",
        "--deadline",
        "1s",
    ];
    let ran = cli.run(&arguments).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(!ran.stderr.contains("resume with"), "{ran:?}");
    assert!(
        ran.stderr.contains("delete o/journal.simulated.jsonl"),
        "{ran:?}"
    );
    // The next run, which finds the journal, prints the same.
    let ran = cli.run(&arguments).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("delete"), "{ran:?}");
}

/// The content of another batch's video.
const OTHERS: &str = "of another batch";

#[tokio::test]
async fn batch_neither_overwrites_nor_counts_the_videos_of_another_batch() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), body("b")).unwrap();
    fs::create_dir(cli.path("v")).unwrap();
    fs::write(cli.path("v/0001.MP4"), OTHERS).unwrap();
    let run = async |command: &str| {
        let words = command.split(' ').chain(["--speed", "1000"]);
        cli.run(&words.collect::<Vec<_>>()).await
    };
    let batch = "batch b.jsonl --out w --journal v/b.jsonl";
    assert_eq!(run(batch).await.code, 0);
    let resume = "resume v/b.jsonl";
    let ran = run(resume).await;
    assert_eq!((ran.code, posts(&server).len()), (0, 1), "{ran:?}");
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");

    // Its own file is deleted, and the file in the journal's folder is of another batch.
    fs::remove_file(cli.path("w/0001.mp4")).unwrap();
    let ran = run(resume).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.error().contains("not of this batch"), "{ran:?}");
    assert_eq!(fs::read_to_string(cli.path("v/0001.MP4")).unwrap(), OTHERS);
    let ran = run("resume v/b.jsonl --out w").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(names(&cli.path("w")), ["0001.mp4"]);
    assert_eq!(posts(&server).len(), 1);
}

#[tokio::test]
async fn file_left_by_a_kill_belongs_to_its_job_and_folders_can_be_moved() {
    let server = service().await;
    let cli = Cli::at(server.url());
    fs::write(cli.path("b.jsonl"), body("b")).unwrap();
    let batch = ["batch", "b.jsonl", "--speed", "1000", "--out"];
    let to = |folder| [&batch[..], &[folder]].concat();
    assert_eq!(cli.run(&to("w")).await.code, 0);
    fs::rename(cli.path("w"), cli.path("moved")).unwrap();
    let ran = cli.run(&["resume", "moved/journal.jsonl"]).await;
    assert!(ran.stderr.contains("saved already: 1"), "{ran:?}");

    let journal = cli.path("moved/journal.jsonl");
    let text = fs::read_to_string(&journal).unwrap();
    let at = text.find("{\"event\":\"saved\"").unwrap();
    fs::write(&journal, &text[..at]).unwrap();
    fs::write(cli.path("moved/0001.mp4"), "half").unwrap();
    let ran = cli.run(&to("moved")).await;
    assert_eq!((ran.code, posts(&server).len()), (0, 1), "{ran:?}");
    assert_ne!(fs::read(cli.path("moved/0001.mp4")).unwrap(), b"half");
}
