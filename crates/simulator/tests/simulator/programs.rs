//! Tests with programs in other languages, written like those on the vendor's documentation pages.
//!
//! A program whose interpreter is missing on this machine is skipped with a line on standard error.

use std::{io::Write, process::Stdio};

use aimlapi_video::Route;
use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{MODEL, support::KEY};

/// The interpreter and file of each program, and the arguments that test whether the interpreter can run it.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("python3", "python_requests.py", &["-c", "import requests"]),
    ("node", "node_https.js", &["--version"]),
    ("node", "node_fetch.mjs", &["-e", "fetch.name"]),
];

/// The outcome of a program's run.
struct Outcome {
    succeeded: bool,
    /// The last line of standard output as JSON.
    response: Value,
    errors: String,
}

async fn can_run(interpreter: &str, check: &[&str]) -> bool {
    let mut command = Command::new(interpreter);
    command
        .args(check)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

async fn run(interpreter: &str, program: &str, url: &str, route: Route, body: &Value) -> Outcome {
    let path = format!("{}/tests/programs/{program}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(interpreter)
        .arg(path)
        .env("BASE_URL", url)
        .env("URL_PATH", route.path())
        .env("API_KEY", KEY)
        .env("BODY", body.to_string())
        .env("POLL_SECONDS", "0.02")
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let last = text.lines().last().unwrap_or_default();
    Outcome {
        succeeded: output.status.success(),
        response: serde_json::from_str(last).unwrap_or_default(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Returns the programs that this machine can run.
async fn programs() -> Vec<(&'static str, &'static str)> {
    let mut programs = Vec::new();
    for (interpreter, program, check) in PROGRAMS {
        if can_run(interpreter, check).await {
            programs.push((*interpreter, *program));
        } else {
            // The test harness captures output of `eprintln!`, so this writes to standard error directly.
            let skipped =
                format!("SKIPPED: tests/programs/{program}: no {interpreter} here can run it\n");
            let _ = std::io::stderr().write_all(skipped.as_bytes());
        }
    }
    programs
}

/// A body for each route, with a number as a string, as on the documentation pages.
fn bodies() -> [(Route, Value); 2] {
    let body = json!({ "model": MODEL, "prompt": "A lantern rises", "duration": "5" });
    [(Route::Universal, body.clone()), (Route::LegacyKling, body)]
}

#[tokio::test]
async fn programs_get_videos_on_both_routes() {
    let simulator = Simulator::builder().speed(5000.0).start().await.unwrap();
    for (interpreter, program) in programs().await {
        for (route, body) in bodies() {
            let before = simulator.requests().len();
            let outcome = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(outcome.succeeded, "{program} {route}: {}", outcome.errors);
            assert_eq!(outcome.response["status"], "completed", "{program} {route}");
            let url = outcome.response["video"]["url"].as_str().unwrap();
            assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
            let recorded = &simulator.requests()[before..];
            assert_eq!(
                (recorded[0].method.as_str(), recorded[0].body.as_ref()),
                ("POST", Some(&body))
            );
            assert!(recorded[1..].iter().any(|request| request.method == "GET"));
        }
    }
}

#[tokio::test]
async fn strict_simulator_refuses_numeric_strings_of_programs_and_accepts_numbers() {
    let builder = Simulator::builder().speed(5000.0).strict(true);
    let simulator = builder.start().await.unwrap();
    for (interpreter, program) in programs().await {
        for (route, mut body) in bodies() {
            let refused = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(!refused.succeeded);
            assert!(
                refused.errors.contains("400") && refused.errors.contains("duration: expected"),
                "{}",
                refused.errors
            );
            body["duration"] = 5.into();
            let outcome = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(outcome.succeeded, "{program} {route}: {}", outcome.errors);
        }
    }
}
