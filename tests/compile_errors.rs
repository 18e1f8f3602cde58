//! Tests the compiler's messages about frequent mistakes: a message names the expected types and the remedy.
#![cfg(feature = "kling")]
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Lines that do not compile, and the texts that the compiler's message about each of them contains.
const MISTAKES: &[(&str, &[&str])] = &[
    (
        r#"client.create(builder().prompt("A kite"))"#,
        NOT_A_REQUEST,
    ),
    (
        r#"client.create(builder().prompt("A kite").build())"#,
        NOT_A_REQUEST,
    ),
    (
        r#"client.generate(builder().prompt("A kite"))"#,
        NOT_A_REQUEST,
    ),
    (
        r#"client.generate_to(builder(), "kite.mp4")"#,
        NOT_A_REQUEST,
    ),
    ("client.generate_all([builder()])", NOT_A_REQUEST),
    (
        "builder().prompt(5)",
        &["String` does not take `{integer}`", TAKES, STRINGS],
    ),
    (
        "builder().prompt(true)",
        &["String` does not take `bool`", TAKES, STRINGS],
    ),
    (
        "builder().prompt(Some(5_u8))",
        &["String` does not take an integer", TAKES, STRINGS],
    ),
    (
        r#"builder().duration("5")"#,
        &["Duration` does not take text", TAKES, INTEGERS],
    ),
    (
        r#"builder().duration(Some("5"))"#,
        &["Duration` does not take text", TAKES, INTEGERS],
    ),
    (
        "builder().duration(5.0)",
        &["Duration` does not take `{float}`", TAKES, INTEGERS],
    ),
    (
        "builder().duration(5.0_f32)",
        &[
            "Duration` does not take a floating-point number",
            TAKES,
            INTEGERS,
        ],
    ),
    (
        r#"builder().cfg_scale("0.5")"#,
        &["Float0To1` does not take text", TAKES, INTEGERS],
    ),
    (
        "builder().aspect_ratio(true)",
        &["AspectRatio` does not take `bool`", TAKES, STRINGS],
    ),
];

const NOT_A_REQUEST: &[&str] = &[
    "is not a request for a generation",
    "expected a `GenerationRequest` or a request from `aimlapi_video::types`",
    "a builder becomes a request by `.build()?`",
];
const TAKES: &str = "`, or a value that becomes one";
const STRINGS: &str = "a string takes `&str` or `String`";
const INTEGERS: &str = "every integer type";

/// The code before the mistakes, each of which is on a separate line.
const BEFORE: &str = "use aimlapi_video::{Client, types::*};\n\
    fn builder() -> KlingaiV2MasterTextToVideoBuilder { KlingaiV2MasterTextToVideo::builder() }\n\
    pub fn mistakes(client: &Client) {\n";

#[test]
fn frequent_mistakes_are_reported_with_the_expected_types() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("mistakes.rs");
    let lines: String = MISTAKES
        .iter()
        .map(|(code, _)| format!("let _ = {code};\n"))
        .collect();
    fs::write(&source, format!("{BEFORE}{lines}}}\n")).unwrap();
    let errors = errors(&source);
    let first = BEFORE.lines().count() + 1;
    for (number, (code, expected)) in (first..).zip(MISTAKES) {
        let of_line = errors.iter().filter(|error| begins_at(error, number));
        let text: String = of_line
            .filter_map(|error| error["rendered"].as_str())
            .collect();
        for expected in *expected {
            assert!(
                text.contains(expected),
                "{code}: {expected:?} is not in\n{text}"
            );
        }
    }
}

fn begins_at(error: &Value, line: usize) -> bool {
    let spans = error["spans"].as_array().unwrap();
    spans
        .iter()
        .any(|span| span["is_primary"] == true && span["line_start"] == line)
}

/// The errors of the compiler in a library that uses this crate.
fn errors(source: &Path) -> Vec<Value> {
    let (deps, library) = built();
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args([
            "--edition=2024",
            "--crate-type=lib",
            "--emit=metadata",
            "--error-format=json",
        ])
        .arg(format!("--extern=aimlapi_video={}", library.display()))
        .arg(format!("-Ldependency={}", deps.display()))
        .arg("--out-dir")
        .arg(source.parent().unwrap())
        .arg(source)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let errors = text.lines().map(|line| serde_json::from_str(line).unwrap());
    errors.collect()
}

/// The folder of Cargo's build artifacts, and the artifact of this crate whose sources were generated in the same folder as
/// those of this test.
fn built() -> (PathBuf, PathBuf) {
    let deps = env::current_exe().unwrap().parent().unwrap().to_owned();
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("aimlapi_video-")
            && name.ends_with(".d")
            && fs::read_to_string(path).unwrap().contains(env!("OUT_DIR"))
    };
    let files = fs::read_dir(&deps)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let libraries = files.filter(is_ours).map(|path| {
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        deps.join(format!("lib{stem}.rlib"))
    });
    let newest = libraries
        .filter(|library| library.exists())
        .max_by_key(|library| fs::metadata(library).unwrap().modified().unwrap());
    let library = newest.expect("Cargo has built this crate beside its tests");
    (deps, library)
}
