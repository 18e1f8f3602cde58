//! The subcommands of `specs`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

/// Runs `specs` with words and paths as arguments.
macro_rules! specs {
    ($($argument:expr),*) => { specs(&[$(AsRef::<Path>::as_ref(&$argument)),*]) };
}

mod check;
mod refusals;
mod report;
mod shapes;
mod update;
mod vendors;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

fn specs(arguments: &[&Path]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_aimlapi-video"))
        .arg("specs")
        .args(arguments)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn vendored() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi"))
}

fn document(model: &str, properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "description": "A sentence.", "properties": {
        "model": { "type": "string", "enum": [model] },
    } });
    for (name, property) in properties.as_object().unwrap() {
        schema["properties"][name] = property.clone();
    }
    json!({
        "openapi": "3.0.0",
        "info": { "title": "T", "version": "1" },
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": schema } } },
            "responses": { "200": {} },
        } } },
    })
}

fn image() -> Value {
    json!({ "openapi": "3.0.0", "paths": { "/v1/images/generations": { "post": {} } } })
}

fn folder(files: &[(&str, Value)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), files);
    folder
}

fn put(folder: &Path, files: &[(&str, Value)]) {
    for (name, value) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, value.to_string()).unwrap();
    }
}

/// Every file of a folder with its text.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn of_models(models: &[&str], properties: Value) -> Value {
    let mut document = document(models[0], properties);
    document["paths"]["/v2/video/generations"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["properties"]["model"]["enum"] = json!(models);
    document
}
