//! `specs drift`: the comparison of recordings with the documents.
//!
//! This file holds what the modules share: the command's run in a folder with a recording and documents.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod alterations;
mod reports;

use std::{fs, path::Path, process::Command};

use serde_json::Value;
use tempfile::TempDir;

const MODEL: &str = "klingai/v2-master-text-to-video";
const PATH: &str = "/v2/video/generations";
const PROMPT: &str = "Rain on a tin roof";
const KEY: &str = "key-0123456789";

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn drift(folder: &Path, more: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_aimlapi-video"))
        .args([
            "specs",
            "drift",
            "recording.jsonl",
            "--documents",
            "documents",
        ])
        .args(more)
        .current_dir(folder)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn report(folder: &Path) -> Value {
    let ran = drift(folder, &["--json"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(!ran.stdout.contains(PROMPT) && !ran.stdout.contains(KEY));
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A folder with a recording, and with the vendored documents of the model, where an overlay and durations are added.
fn folder(recording: &str, drafts: &[&Value]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let documents = folder.path().join("documents");
    fs::create_dir_all(documents.join("kling")).unwrap();
    let vendored = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi");
    let files = [
        "kling/v2-master-text-to-video.json",
        "kling/v2-master-image-to-video.json",
        "universal-video-fetch.json",
        "overlay.json",
        "durations.json",
    ];
    for file in files {
        let text = fs::read_to_string(Path::new(vendored).join(file)).unwrap();
        let mut value: Value = serde_json::from_str(&text).unwrap();
        for name in ["actions", "durations"] {
            for draft in drafts {
                if let Some(entries) = value[name].as_array_mut() {
                    entries.extend(draft[name].as_array().unwrap().iter().cloned());
                }
            }
        }
        fs::write(documents.join(file), value.to_string()).unwrap();
    }
    fs::write(folder.path().join("recording.jsonl"), recording).unwrap();
    folder
}
