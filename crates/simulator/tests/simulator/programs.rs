//! Programs in the manner of the documentation pages, in other languages: what teams point at the simulator first.
//!
//! A program whose interpreter is not on this machine is passed over, which standard error tells.

use std::{io::Write, process::Stdio};

use aimlapi_video::Route;
use aimlapi_video_simulator::Simulator;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{MODEL, support::KEY};

/// A program, and what tells whether it can run.
const PROGRAMS: &[(&str, &str, &[&str])] = &[
    ("python3", "python_requests.py", &["-c", "import requests"]),
    ("node", "node_https.js", &["--version"]),
    ("node", "node_fetch.mjs", &["-e", "fetch.name"]),
];

struct Ran {
    ended_well: bool,
    /// The last line as JSON.
    answer: Value,
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

async fn run(interpreter: &str, program: &str, url: &str, route: Route, body: &Value) -> Ran {
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
    Ran {
        ended_well: output.status.success(),
        answer: serde_json::from_str(last).unwrap_or_default(),
        errors: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The programs that this machine can run.
async fn programs() -> Vec<(&'static str, &'static str)> {
    let mut programs = Vec::new();
    for (interpreter, program, check) in PROGRAMS {
        if can_run(interpreter, check).await {
            programs.push((*interpreter, *program));
        } else {
            // Not by a macro, whose output is shown of failed tests only.
            let told =
                format!("SKIPPED: tests/programs/{program}: no {interpreter} here can run it\n");
            let _ = std::io::stderr().write_all(told.as_bytes());
        }
    }
    programs
}

/// A body for each URL, with a number written as text, as the pages write it.
fn bodies() -> [(Route, Value); 2] {
    let body = json!({ "model": MODEL, "prompt": "A lantern rises", "duration": "5" });
    [(Route::Universal, body.clone()), (Route::LegacyKling, body)]
}

#[tokio::test]
async fn programs_get_their_videos_on_both_urls() {
    let simulator = Simulator::builder().speed(5000.0).start().await.unwrap();
    for (interpreter, program) in programs().await {
        for (route, body) in bodies() {
            let before = simulator.requests().len();
            let ran = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(ran.ended_well, "{program} {route}: {}", ran.errors);
            assert_eq!(ran.answer["status"], "completed", "{program} {route}");
            let link = ran.answer["video"]["url"].as_str().unwrap();
            assert_eq!(reqwest::get(link).await.unwrap().status(), 200);
            let seen = &simulator.requests()[before..];
            assert_eq!(
                (seen[0].method.as_str(), seen[0].body.as_ref()),
                ("POST", Some(&body))
            );
            assert!(seen[1..].iter().any(|request| request.method == "GET"));
        }
    }
}

#[tokio::test]
async fn strict_refuses_the_programs_numeric_strings_and_takes_their_numbers() {
    let builder = Simulator::builder().speed(5000.0).strict(true);
    let simulator = builder.start().await.unwrap();
    for (interpreter, program) in programs().await {
        for (route, mut body) in bodies() {
            let refused = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(!refused.ended_well);
            assert!(
                refused.errors.contains("400") && refused.errors.contains("duration: expected"),
                "{}",
                refused.errors
            );
            body["duration"] = 5.into();
            let ran = run(interpreter, program, &simulator.url(), route, &body).await;
            assert!(ran.ended_well, "{program} {route}: {}", ran.errors);
        }
    }
}
