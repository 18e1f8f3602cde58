//! `specs update` from and to folders of every form that the publisher has used: the same requests, divided into documents in
//! other ways, change nothing for callers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{contents, folder, put, specs, vendored};

const UNIVERSAL: &str = "/v2/video/generations";
const LEGACY: &str = "/v2/generate/video/kling/generation";

/// A sixth of the vendored documents, the fetches and the documents of the older URL, by file.
fn documents() -> BTreeMap<String, Value> {
    let files = contents(&vendored()).into_iter();
    let documents = files.filter_map(|(path, text)| {
        let file = path
            .strip_prefix(vendored())
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let value: Value = serde_json::from_slice(&text).ok()?;
        value.get("openapi").is_some().then_some((file, value))
    });
    documents
        .enumerate()
        .filter(|(index, (file, _))| {
            index % 6 == 0 || file.contains("legacy/") || !file.contains('/')
        })
        .map(|(_, document)| document)
        .collect()
}

fn schema<'a>(document: &'a Value, url: &str) -> Option<&'a Value> {
    document["paths"][url].pointer("/post/requestBody/content/application~1json/schema")
}

/// One document on each model, with a fetch beside its create, in folders of other names, on another server.
fn pairs(documents: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let fetch = &documents["universal-video-fetch.json"]["paths"][UNIVERSAL]["get"];
    let pair = |(file, document): (&String, &Value)| {
        let mut document = document.clone();
        document["servers"] = json!([{ "url": "https://staging.example.com" }]);
        if let Some(item) = document["paths"].get_mut(UNIVERSAL) {
            item["get"] = fetch.clone();
        }
        let file = file
            .replace("legacy/", "Older-")
            .replace('/', "-AI/")
            .replace(".json", "-pair.json");
        (file, document)
    };
    documents.iter().map(pair).collect()
}

/// One document for all models with the same request, in folders without the names of vendors.
fn several_in_one_enum(documents: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let mut groups: BTreeMap<String, (String, Value)> = BTreeMap::new();
    let mut others = Vec::new();
    for (file, document) in documents {
        let url = if file.contains("legacy/") {
            LEGACY
        } else {
            UNIVERSAL
        };
        let Some(body) = schema(document, url) else {
            others.push((file.clone(), document.clone()));
            continue;
        };
        let ids = body["properties"]["model"]["enum"].clone();
        let mut alike = body.clone();
        alike["properties"]["model"] = Value::Null;
        alike["title"] = Value::Null;
        let (_, group) = groups
            .entry(format!("{url} {alike}"))
            .or_insert_with(|| (file.clone(), document.clone()));
        let known = &mut group["paths"][url]["post"]["requestBody"]["content"]["application/json"]
            ["schema"]["properties"]["model"]["enum"];
        for id in ids.as_array().unwrap() {
            let known = known.as_array_mut().unwrap();
            if !known.contains(id) {
                known.push(id.clone());
            }
        }
    }
    let named = groups
        .into_values()
        .map(|(file, document)| (file.replace('/', " 2/"), document));
    named.chain(others).collect()
}

/// One document of the whole API: the bodies are arms that refer to components, beside operations of other kinds.
fn whole_api(documents: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let mut whole = json!({
        "openapi": "3.0.0",
        "info": { "title": "", "version": "1" },
        "paths": {
            "/v1/chat/completions": { "post": { "responses": { "200": {
                "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Chat.v1.Answer" } } },
            } } } },
        },
        "components": { "schemas": { "Chat.v1.Answer": { "type": "string", "enum": ["a", "a"] } } },
    });
    for url in [UNIVERSAL, LEGACY] {
        let mut arms = Vec::new();
        for (file, document) in documents {
            if let Some(get) = document["paths"][url].get("get") {
                whole["paths"][url]["get"] = get.clone();
            }
            if let Some(body) = schema(document, url) {
                let name = format!("Video.v2.{}", file.replace('/', "."));
                arms.push(json!({ "$ref": format!("#/components/schemas/{name}") }));
                whole["components"]["schemas"][name] = body.clone();
                whole["paths"][url]["post"] = document["paths"][url]["post"].clone();
            }
        }
        whole["paths"][url]["post"]["requestBody"]["content"]["application/json"]["schema"] =
            json!({ "oneOf": arms });
    }
    vec![("api.json".into(), whole)]
}

/// The documents in a checkout with many other files.
fn checkout(documents: &BTreeMap<String, Value>) -> TempDir {
    let checkout = folder(&[
        (
            "package.json",
            json!({ "name": UNIVERSAL, "paths": [UNIVERSAL] }),
        ),
        (
            "docs/chat.json",
            json!({ "openapi": "3.1.0", "paths": { "/v1/chat": {} } }),
        ),
        (
            "docs/old.json",
            json!({ "swagger": "2.0", "paths": { "/v1/images": {} } }),
        ),
        (
            "docs/list.json",
            json!([{ "openapi": "3.0.0", "url": UNIVERSAL }]),
        ),
    ]);
    let root = checkout.path();
    for (name, text) in [
        (
            "tsconfig.json",
            "{ // one source\n \"files\": [\"/v2/video/generations\"] }",
        ),
        ("docs/empty.json", ""),
        ("docs/notes.yaml", "text: /v2/video/generations\n"),
        (
            "docs/cut.json",
            r#"{"openapi": "3.0.0", "paths": {"/v1/chat": {}}, "components": {"#,
        ),
    ] {
        fs::write(root.join(name), text).unwrap();
    }
    for (file, document) in documents {
        let file = format!(
            "docs/api-references/video-models/{}",
            file.replace('/', "_AI/")
        );
        put(root, &[(&file, document.clone())]);
    }
    checkout
}

fn shape(files: Vec<(String, Value)>) -> TempDir {
    let files: Vec<(&str, Value)> = files
        .iter()
        .map(|(file, value)| (&**file, value.clone()))
        .collect();
    folder(&files)
}

/// A folder with the vendored facts, and with `documents` if there are any.
fn with_facts(documents: &BTreeMap<String, Value>) -> TempDir {
    let into = shape(documents.clone().into_iter().collect());
    for name in [
        "overlay.json",
        "glossary.json",
        "durations.json",
        "vendors.json",
    ] {
        fs::copy(vendored().join(name), into.path().join(name)).unwrap();
    }
    into
}

/// Updates a folder, and returns the report with the changes of requests.
fn update(from: &Path, into: &Path) -> Value {
    let ran = specs!("update", from, "--into", into, "--json");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let mut report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let changes = report["changes"].as_array_mut().unwrap();
    // A document of several models has one response for all.
    changes.retain(|change| change["change"] != "answer_changed");
    report
}

#[test]
fn update_between_documents_of_any_shape_changes_nothing_for_callers() {
    let today = documents();
    let shapes = [
        ("pairs", shape(pairs(&today))),
        (
            "several models in one enum",
            shape(several_in_one_enum(&today)),
        ),
        ("the whole API", shape(whole_api(&today))),
        ("a checkout", checkout(&today)),
    ];
    let published = shape(today.clone().into_iter().collect());
    for (name, shape) in &shapes {
        let into = with_facts(&today);
        let before = contents(into.path());
        let report = update(shape.path(), into.path());
        assert_eq!(report["changes"], json!([]), "{name}");
        assert_eq!(report["removed"], json!([]), "{name}");
        let files: Vec<PathBuf> = contents(into.path()).into_keys().collect();
        assert_eq!(files, before.into_keys().collect::<Vec<_>>(), "{name}");

        let into = with_facts(&BTreeMap::new());
        update(shape.path(), into.path());
        let report = update(published.path(), into.path());
        assert_eq!(report["changes"], json!([]), "{name}");
        let again = update(published.path(), into.path());
        assert_eq!(again["written"], json!([]), "{name}");
        let check: Value =
            serde_json::from_str(&specs!("check", "--json", into.path()).stdout).unwrap();
        for document in check["documents"].as_array().unwrap() {
            assert_eq!(document["warnings"], json!([]), "{name}");
            for model in document["models"].as_array().unwrap() {
                let folder = document["file"].as_str().unwrap().split('/').next();
                assert_eq!(folder, model["vendor"].as_str(), "{name}: {document}");
            }
        }
        assert_eq!(
            check["requests"].as_u64().unwrap() as usize,
            today
                .values()
                .filter(|document| {
                    [UNIVERSAL, LEGACY]
                        .iter()
                        .any(|url| schema(document, url).is_some())
                })
                .count()
        );
    }
}

#[test]
fn update_of_documents_of_several_models_changes_nothing_for_callers() {
    let today = documents();
    let published = shape(today.clone().into_iter().collect());
    for (name, old) in [
        ("several models in one enum", several_in_one_enum(&today)),
        ("the whole API", whole_api(&today)),
    ] {
        let into = with_facts(&old.into_iter().collect());
        let report = update(published.path(), into.path());
        assert_eq!(report["changes"], json!([]), "{name}");
        assert_ne!(report["written"], json!([]), "{name}");
        let again = update(published.path(), into.path());
        assert_eq!(again["changes"], json!([]), "{name}");
        assert_eq!(again["written"], json!([]), "{name}");
    }
}
