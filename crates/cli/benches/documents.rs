//! Peak memory and time of reading a folder of whole-API documents: the steps of the library's build, `specs check` and
//! `specs diff`, each in a process of its own. Linux only, since the peak is read from `/proc`.
//!
//! The folder holds 180 documents of 2 MB, in which one video operation stands beside many other operations and schemas. The
//! documents of this library are read at run time, as `--documents` does.
#![allow(clippy::unwrap_used, missing_docs, reason = "a bench may fail")]

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use aimlapi_video_codegen::{
    self as codegen, Diagnostics, Facts, document,
    rust::{self, ClientInput, ClientTokens},
};
use serde_json::{Map, Value, json};

const DOCUMENTS: usize = 180;
/// The goal for the peak, in MB.
const GOAL: u64 = 600;
const OPENAPI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi");

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, command, folder] = arguments.as_slice()
        && command == "build"
    {
        return build(Path::new(folder));
    }
    if cfg!(debug_assertions) {
        println!("built without optimisation: the times say little");
    }
    let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let [old, new] = ["old", "new"].map(|name| root.path().join(name));
    let size = write(&old, false) + write(&new, true);
    println!(
        "two folders of {DOCUMENTS} documents, {} MB together",
        size / 1_000_000
    );
    let itself = env::current_exe().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_aimlapi-video"));
    let run = |what: &str, program: &Path, arguments: &[&str], folders: &[&Path]| {
        let mut command = Command::new(program);
        command.args(arguments).args(folders);
        measure(what, &mut command);
    };
    run("the steps of a build", &itself, &["build"], &[&old]);
    run("specs check", program, &["specs", "check"], &[&old]);
    run(
        "specs check --each",
        program,
        &["specs", "check", "--each"],
        &[&old],
    );
    run("specs diff", program, &["specs", "diff"], &[&old, &new]);
    // Every command with `--documents` does this at start; the goal is one second.
    println!("the documents of this library, read at run time");
    let models = ["models", "--documents"];
    run(
        "models --documents",
        program,
        &models,
        &[Path::new(OPENAPI)],
    );
}

/// What `build.rs` does with a folder, except for writing the result.
fn build(folder: &Path) {
    let mut diagnostics = Diagnostics::default();
    let own = |name: &str| fs::read_to_string(Path::new(OPENAPI).join(name));
    let facts = Facts::read(folder, own, &mut diagnostics);
    let mut documents = document::read(folder, &mut diagnostics);
    let merged = codegen::read(&mut documents, &facts, |_| true, &mut diagnostics);
    assert_eq!(diagnostics.errors, []);
    let source = rust::generate(&merged, &client, &mut diagnostics).unwrap();
    assert!(!source.files.is_empty());
}

/// Calls progenitor, as `build.rs` does.
fn client(input: &ClientInput) -> Result<ClientTokens, progenitor::Error> {
    let mut generator = progenitor::Generator::new(&input.settings);
    let client = generator.generate_tokens(&input.client)?;
    let mocks = generator.httpmock(&input.mocks, "crate::generated")?;
    Ok(ClientTokens { client, mocks })
}

fn measure(what: &str, command: &mut Command) {
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the highest figure, so only the last milliseconds of the process are missed.
        peak = peak_of(child.id()).unwrap_or(0).max(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => thread::sleep(Duration::from_millis(2)),
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    let verdict = if peak <= GOAL { "within" } else { "over" };
    println!("{what:<22} {peak:>6} MB, {verdict} {GOAL} MB; {seconds:>6.2} s; {status}");
}

/// The largest resident size of a process so far, in MB.
fn peak_of(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024)
}

/// Writes the documents of one folder; the newer ones have a property more. Returns how many bytes they have.
fn write(folder: &Path, is_newer: bool) -> u64 {
    let mut diagnostics = Diagnostics::default();
    let vendored = document::read(Path::new(OPENAPI), &mut diagnostics);
    let vendored: Vec<Value> = vendored
        .into_iter()
        .map(|document| document.published)
        .filter(|document| body(&mut document.clone()).is_some())
        .collect();
    let (paths, schemas) = others();
    fs::create_dir_all(folder).unwrap();
    let mut size = 0;
    for index in 0..DOCUMENTS {
        let mut document = vendored[index % vendored.len()].clone();
        let schema = body(&mut document).unwrap();
        let id = schema["properties"]["model"]["enum"][0].as_str().unwrap();
        schema["properties"]["model"]["enum"] =
            json!([format!("{id}-copy-{}", index / vendored.len())]);
        if is_newer {
            schema["properties"]["newer"] = json!({ "type": "boolean" });
        }
        // The older documents keep their bodies apart.
        let body = std::mem::replace(
            schema,
            json!({ "$ref": "#/components/schemas/Video.v2.BodyDTO" }),
        );
        document["paths"]
            .as_object_mut()
            .unwrap()
            .extend(paths.clone());
        document["components"]["schemas"] = schemas.clone().into();
        document["components"]["schemas"]["Video.v2.BodyDTO"] = body;
        let text = serde_json::to_vec(&document).unwrap();
        size += text.len() as u64;
        fs::write(folder.join(format!("{index:03}.json")), text).unwrap();
    }
    size
}

/// The schema of a document's body, where it creates a generation of one model.
fn body(document: &mut Value) -> Option<&mut Value> {
    let paths = document.get_mut("paths")?.as_object_mut()?;
    let item = paths.values_mut().next()?;
    let schema = item.pointer_mut("/post/requestBody/content/application~1json/schema")?;
    schema.pointer("/properties/model/enum/0")?.as_str()?;
    Some(schema)
}

/// What else a document of the whole API holds: operations with code samples, and the schemas of their bodies.
fn others() -> (Map<String, Value>, Map<String, Value>) {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for index in 0..570 {
        let name = format!("Chat.v1.Body{index:03}DTO");
        let sample = json!({ "lang": "JavaScript", "source": "const response = await fetch(url);\n".repeat(30) });
        let operation = json!({
            "operationId": format!("Chat_v{index}"),
            "summary": "Creates a chat completion.",
            "requestBody": { "content": { "application/json": { "schema": { "$ref": format!("#/components/schemas/{name}") } } } },
            "responses": { "200": { "description": "The completion.", "content": { "application/json": { "schema": { "type": "object" } } } } },
            "x-codeSamples": [sample],
        });
        paths.insert(
            format!("/v1/chat/{index}/completions"),
            json!({ "post": operation }),
        );
        let properties: Map<String, Value> = (0..14)
            .map(|property| {
                let schema = json!({
                    "type": "string",
                    "enum": ["one", "two", "three"],
                    "description": "Which of the values the service takes, and what it does with each of them.",
                });
                (format!("property_{property}"), schema)
            })
            .collect();
        schemas.insert(
            name,
            json!({ "type": "object", "required": ["property_0"], "properties": properties }),
        );
    }
    (paths, schemas)
}
