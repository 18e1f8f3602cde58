//! The command line in terminals of several sizes, and with redirected output.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use aimlapi_video_test_support as support;

use serde_json::{Value, json};
use support::terminal::Shown;
use support::{Server, cli::Cli, http};

const MODEL: &str = "klingai/v2-master-text-to-video";

const COMMANDS: &[&str] = &[
    "generate",
    "wait",
    "batch",
    "resume",
    "history",
    "status",
    "validate",
    "models",
    "schema",
    "simulate",
    "completions",
];

async fn shown(cli: &Cli, arguments: &[&str], (rows, columns): (u16, u16)) -> Shown {
    let mut command = cli.command(arguments);
    command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
    support::terminal::run(command, rows, columns).await
}

#[tokio::test]
async fn every_command_has_long_and_short_help() {
    let cli = Cli::new();
    for command in COMMANDS {
        let (long, short) = (
            cli.run(&[command, "--help"]).await,
            cli.run(&[command, "-h"]).await,
        );
        assert_eq!((long.code, short.code), (0, 0));
        let example = format!("  aimlapi-video {command} ");
        let examples = long.stdout.split("Examples:\n").nth(1).unwrap();
        let is_example = |line: &str| format!("{line} ").contains(example.trim_start());
        assert!(examples.lines().any(is_example), "{}", long.stdout);
        assert!(!short.stdout.contains("Examples:"), "{}", short.stdout);
        assert!(short.stdout.len() < long.stdout.len());
        for line in long.stdout.lines().chain(short.stdout.lines()) {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
    let ran = cli.run(&["--help"]).await;
    for part in COMMANDS.iter().chain(&[
        "AIML_API_KEY",
        "AIML_API_BASE",
        "NO_COLOR",
        "Exit codes:",
        "--verbose",
    ]) {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
}

#[tokio::test]
async fn help_fits_the_terminal_and_has_no_colours_with_no_color() {
    let cli = Cli::new();
    for columns in [40, 60, 80] {
        let shown = shown(&cli, &["generate", "--help"], (200, columns)).await;
        assert!(shown.text().contains("\x1b["), "headings have a style");
        // Every line is folded except the usage and single words.
        let lines = shown.lines();
        let folds = |line: &&String| !line.starts_with("Usage:") && line.trim().contains(' ');
        for line in lines.iter().filter(folds) {
            assert!(line.chars().count() <= usize::from(columns), "{line}");
        }
    }
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut command = cli.command(&["generate", "--help"]);
        command.env("TERM", "xterm").env(name, value);
        let shown = support::terminal::run(command, 200, 80).await;
        assert!(!shown.text().contains('\x1b'), "{}", shown.text());
    }
}

#[tokio::test]
async fn redirected_output_has_no_control_characters() {
    let cli = Cli::new();
    std::fs::write(cli.path("b.jsonl"), batch(3)).unwrap();
    for arguments in [
        &["--help"][..],
        &["models"],
        &["schema", MODEL],
        &["generate", "--promt"],
        &[
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--simulate",
            "--speed",
            "1000",
        ],
        &[
            "batch",
            "b.jsonl",
            "--out",
            "o",
            "--simulate",
            "--speed",
            "1000",
        ],
    ] {
        let ran = cli.run(arguments).await;
        for text in [&ran.stdout, &ran.stderr] {
            assert!(!text.contains(['\x1b', '\r']), "{ran:?}");
        }
    }
    // A dumb terminal gets the same.
    let mut command = cli.command(&["generate", MODEL, "--prompt", "x", "--simulate"]);
    command
        .args(["--speed", "1000", "-o", "dumb.mp4"])
        .env("TERM", "dumb");
    let shown = support::terminal::run(command, 24, 80).await;
    assert_eq!(shown.code, 0);
    assert!(!shown.text().contains('\x1b'), "{}", shown.text());
    assert!(shown.text().contains("generating "), "{}", shown.text());
}

fn batch(lines: usize) -> String {
    let line =
        |number| json!({ "model": MODEL, "prompt": format!("p{number}") }).to_string() + "\n";
    (0..lines).map(line).collect()
}

#[tokio::test]
async fn wait_is_one_line_in_a_terminal_of_any_width() {
    for size in [(24, 80), (15, 40), (10, 20)] {
        let cli = Cli::new();
        let arguments = [
            "generate",
            MODEL,
            "--prompt",
            "x",
            "--simulate",
            "--speed",
            "300",
            "-o",
            "a.mp4",
        ];
        let shown = shown(&cli, &arguments, size).await;
        assert_eq!(shown.code, 0, "{}", shown.text());
        let moving = |screen: &Vec<String>| {
            let states = [
                "creating",
                "queued",
                "generating",
                "completed",
                "downloading",
            ];
            screen
                .iter()
                .filter(|row| states.iter().any(|state| row.starts_with(state)))
                .count()
        };
        assert!(shown.screens.iter().all(|screen| moving(screen) <= 1));
        let mut rows = shown.screens.iter().flatten();
        let drawn = rows.find(|row| row.starts_with("generating ")).unwrap();
        assert_eq!(drawn.contains(" left"), size.1 > 20, "{drawn}");
        assert_eq!(drawn.contains("usual"), size.1 == 80, "{drawn}");
        assert_eq!(drawn.ends_with(['-', '─']), size.1 == 80, "{drawn}");
        // The line is removed at the end.
        assert_eq!(moving(&shown.last().to_vec()), 0, "{:?}", shown.last());
        assert!(shown.last().concat().contains("saved a.mp4 ("));
    }
}

#[tokio::test]
async fn batch_larger_than_the_terminal_shows_the_first_jobs_and_the_total() {
    for size in [(24, 80), (8, 40)] {
        let cli = Cli::new();
        std::fs::write(cli.path("b.jsonl"), batch(40)).unwrap();
        let arguments = [
            "batch",
            "b.jsonl",
            "--out",
            "o",
            "--simulate",
            "--speed",
            "300",
            "--creates",
            "40",
        ];
        let shown = shown(&cli, &arguments, size).await;
        assert_eq!(shown.code, 0, "{}", shown.text());
        // No row is the continuation of the one above it.
        let is_one = |row: &str| row.starts_with(|c: char| c.is_ascii_digit());
        let starts = ["line ", "and ", "cost "];
        // A terminal may receive a drawing in two pieces.
        let is_start = |start: &&str, row: &str| row.starts_with(start) || start.starts_with(row);
        let is_known = |row: &str| starts.iter().any(|start| is_start(start, row)) || is_one(row);
        for row in shown.screens.iter().flatten().filter(|row| !row.is_empty()) {
            assert!(is_known(row), "{row}");
        }
        let hides = |screen: &Vec<String>| screen.iter().any(|row| row.starts_with("and "));
        assert!(shown.screens.iter().any(hides), "{}", shown.text());
        let [.., total, cost] = shown.last() else {
            panic!("{:?}", shown.last());
        };
        assert!(total.starts_with("40 of 40 saved, "), "{total}");
        assert_eq!(cost, "cost 10.00 USD (20000000 credits)");
    }
}

#[tokio::test]
async fn redirected_wait_prints_few_lines() {
    // At least forty polls with the same response.
    let server = Server::start(|number, request| match request.target.as_str() {
        "/v.mp4" => http(200, &[("content-type", "video/mp4")], support::files::CLIP),
        _ if number < 40 => support::json(200, json!({ "id": "g", "status": "generating" })),
        _ => {
            let url = format!("http://{}/v.mp4", request.header("host").unwrap());
            support::json(
                200,
                json!({ "id": "g", "status": "completed", "video": { "url": url } }),
            )
        }
    })
    .await;
    let cli = Cli::at(server.url());
    let ran = cli
        .run(&[
            "wait",
            "g",
            "--speed",
            "600",
            "-o",
            "a.mp4",
            "--deadline",
            "100h",
        ])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let lines = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("generating "))
        .count();
    assert!((1..40).contains(&lines), "{ran:?}");
    let others: Vec<&str> = ran
        .stderr
        .lines()
        .filter(|line| !line.starts_with("generating "))
        .collect();
    assert_eq!(others.len(), 2, "{ran:?}");
    assert!(others[0] == "waiting for g" && others[1].starts_with("downloading "));
}

#[tokio::test]
async fn tables_fit_the_terminal_and_are_whole_in_redirected_output() {
    let cli = Cli::new();
    let piped = cli
        .run(&["schema", "klingai/v2-master-image-to-video"])
        .await;
    assert!(piped.stdout.lines().any(|line| line.chars().count() > 150));
    let lines = piped.stdout.lines();
    let wide: Vec<&str> = lines.collect();
    let column = wide[0].find("ALLOWED").unwrap();
    let duration = wide
        .iter()
        .find(|line| line.starts_with("duration "))
        .unwrap();
    assert!(duration[column..].starts_with("5, 10"), "{duration}");
    for columns in [20, 40, 80, 120] {
        for arguments in [
            &["models"][..],
            &["schema", "klingai/v2-master-image-to-video"],
        ] {
            let shown = shown(&cli, arguments, (600, columns)).await;
            let rows = shown.lines();
            for row in &rows {
                // No id is cut, so that it can be copied.
                let is_id = !row.starts_with(' ') && !row.contains("  ");
                assert!(
                    is_id || row.chars().count() <= usize::from(columns),
                    "{row}"
                );
            }
            let known = |row: &&String| {
                *row == "duration" || row.starts_with("duration  ") || row.starts_with(MODEL)
            };
            assert!(rows.iter().any(|row| known(&row)), "{rows:#?}");
            let is_table = rows[0].starts_with("MODEL ") || rows[0].starts_with("PARAMETER ");
            assert_eq!(is_table, columns >= 80, "{rows:#?}");
        }
    }
    let objects: Value = cli.run(&["models", "--json"]).await.json();
    assert!(objects.as_array().unwrap().len() > 40);
}

#[tokio::test]
async fn wrong_command_line_ends_in_2_with_the_error_and_the_usage() {
    let cli = Cli::new();
    for (arguments, error, usage) in [
        (
            &["generate", "--promt", "x"][..],
            "similar argument exists: '--prompt'",
            "generate --prompt <TEXT|@FILE|-> [MODEL]",
        ),
        (
            &["batch", "b.jsonl"],
            "not provided:\n  --out <DIR>",
            "batch --out <DIR> <FILE|->",
        ),
        (
            &["wait", "g", "--deadline", "soon"],
            "expected a time such as 90s",
            "",
        ),
        (
            &["batch", "b", "-o", "o", "--creates", "0"],
            "invalid value '0' for '--creates <N>': expected a whole number from 1 to 1000",
            "",
        ),
        (
            &["simulate", "--listen", "8080"],
            "an address and a port such as 127.0.0.1:8080",
            "",
        ),
        (&["modles"], "'models'", "[OPTIONS] <COMMAND>"),
    ] {
        let ran = cli.run(arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:?}");
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(error),
            "{ran:?}"
        );
        assert!(
            ran.stderr.contains(usage) && ran.stderr.contains("'--help'"),
            "{ran:?}"
        );
    }
    let ran = cli.run(&["schema", "klingai/v2-master-text-to-vido"]).await;
    for part in [&format!("such as {MODEL}, "), "`aimlapi-video models`"] {
        assert!(ran.error().contains(part), "{ran:?}");
    }
}

#[tokio::test]
async fn closed_pipe_is_not_an_error() {
    let cli = Cli::new();
    std::fs::write(cli.path("b.jsonl"), batch(2000)).unwrap();
    for arguments in [
        &["models"][..],
        &["schema", MODEL],
        &["validate", "b.jsonl"],
    ] {
        let mut child = cli.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().await.unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(output.stderr.is_empty(), "{output:?}");
    }
}
