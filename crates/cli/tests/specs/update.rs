//! `specs update`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{contents, document, folder, image, of_models, put, specs, vendored};

#[test]
fn update_copies_stripped_documents_and_reports_remaining_work() {
    let into = folder(&[
        (
            "overlay.json",
            serde_json::from_str(include_str!("../../../../openapi/overlay.json")).unwrap(),
        ),
        (
            "kling/one.json",
            document(
                "klingai/one",
                json!({ "size": { "type": "string", "enum": ["s"] } }),
            ),
        ),
        ("kling/gone.json", document("klingai/gone", json!({}))),
        ("xai/kept.json", document("x-ai/kept", json!({}))),
    ]);
    let from = folder(&[
        ("package.json", json!({ "name": "docs" })),
        (
            "api/schema.json",
            json!({ "openapi": "3.1.0", "paths": {} }),
        ),
        (
            "Kling-AI/One.json",
            document(
                "klingai/one",
                json!({ "size": { "type": "string", "enum": ["s", "l"] } }),
            ),
        ),
        (
            "Kling-AI/Two.json",
            document(
                "klingai/two",
                json!({ "gadget": { "type": "string", "description": "d" } }),
            ),
        ),
        ("Acme/three.json", document("acme/three", json!({}))),
        ("image.json", image()),
    ]);
    let before = contents(into.path());
    let dry = specs!("update", from.path(), "--into", into.path(), "--dry-run");
    assert_eq!(dry.code, 0, "{}", dry.stderr);
    assert_eq!(contents(into.path()), before, "a dry run writes nothing");

    let ran = specs!("update", from.path(), "--into", into.path());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stdout, dry.stdout.replace("would write", "wrote"));
    for line in [
        "wrote 3 of 3 documents",
        "  acme/three.json",
        "  kling/one.json",
        "  kling/two.json",
        "klingai/one on /v2/video/generations",
        "  compatible  `size`: value added: \"l\"",
        "  compatible  model added",
        "  gadget  Gadget: a text. (draft)",
        "  klingai/gone  kling/gone.json",
    ] {
        assert!(
            ran.stdout.lines().any(|printed| printed == line),
            "{line} is not in\n{}",
            ran.stdout
        );
    }
    assert!(
        !ran.stdout.contains("x-ai/kept"),
        "nothing of xAI was published: {}",
        ran.stdout
    );
    let written = fs::read_to_string(into.path().join("kling/two.json")).unwrap();
    assert!(
        written.contains("gadget") && !written.contains("description"),
        "{written}"
    );
    assert!(
        into.path().join("kling/gone.json").exists(),
        "a retired document is reported, not deleted"
    );

    let again = specs!("update", from.path(), "--into", into.path());
    assert!(
        again
            .stdout
            .starts_with("wrote 0 of 3 documents\nnothing changed for callers\n"),
        "{}",
        again.stdout
    );
}

#[test]
fn update_loses_no_model_and_stays_in_its_folder() {
    let several = |models: [&str; 2]| {
        let mut document = document(models[0], json!({}));
        document["paths"]["/v2/video/generations"]["post"]["requestBody"]["content"]["application/json"]
            ["schema"]["properties"]["model"]["enum"] = json!(models);
        document
    };
    let with_fetch = |mut document: Value, answer: &str| {
        document["paths"]["/v2/video/generations"]["get"] = json!({ "responses": { "200": { "content": {
            "application/json": { "schema": { "type": "object", "properties": { answer: { "type": "string" } } } },
        } } } });
        document
    };
    let fetch = with_fetch(json!({ "openapi": "3.0.0", "paths": {} }), "id");
    for (vendored, published, models) in [
        (
            vec![("k/two.json", several(["k/a", "k/b"]))],
            vec![
                ("K/a.json", document("k/a", json!({}))),
                ("K/b.json", document("k/b", json!({}))),
            ],
            vec!["k/a", "k/b"],
        ),
        (
            vec![("k/one.json", document("k/old", json!({})))],
            vec![
                ("K/one.json", document("k/new", json!({}))),
                ("K/z.json", document("k/old", json!({}))),
            ],
            vec!["k/new", "k/old"],
        ),
        (
            vec![],
            vec![
                ("K/A/t.json", document("k/a", json!({}))),
                ("K/B/t.json", document("k/b", json!({}))),
            ],
            vec!["k/a", "k/b"],
        ),
        (
            vec![("k/v1.json", with_fetch(document("k/v1", json!({})), "x"))],
            vec![
                ("K/v1.json", with_fetch(document("k/v1", json!({})), "x")),
                ("fetch.json", fetch),
            ],
            vec!["k/v1"],
        ),
        (
            vec![],
            vec![("evil.json", document("../x", json!({})))],
            vec!["../x"],
        ),
    ] {
        let outer = tempfile::tempdir().unwrap();
        let into = outer.path().join("openapi");
        fs::create_dir(&into).unwrap();
        put(&into, &vendored);
        let from = folder(&published);
        let ran = specs!("update", from.path(), "--into", into);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert_eq!(
            fs::read_dir(outer.path()).unwrap().count(),
            1,
            "nothing is written beside it"
        );
        let report: Value = serde_json::from_str(&specs!("check", "--json", into).stdout).unwrap();
        let mut found: Vec<&str> = report["documents"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|document| document["models"].as_array().unwrap())
            .map(|model| model["id"].as_str().unwrap())
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, models, "{}", ran.stdout);
    }
}

#[test]
fn update_takes_a_published_model_out_of_every_other_document() {
    let old = json!({ "old": { "type": "integer" } });
    let new = json!({ "new": { "type": "integer" } });
    let mut both_routes = document("kling-video/x", new.clone());
    both_routes["paths"]["/v2/generate/video/kling/generation"] =
        both_routes["paths"]["/v2/video/generations"].clone();
    let mut legacy = document("kling-video/x", old.clone());
    let item = legacy["paths"]["/v2/video/generations"].take();
    legacy["paths"] = json!({ "/v2/generate/video/kling/generation": item });
    for (vendored, published, expected) in [
        (
            vec![("v/ab.json", of_models(&["v/a", "v/b"], old.clone()))],
            vec![("b.json", document("v/b", new.clone()))],
            vec![("v/ab.json", "v/a", "old"), ("v/b.json", "v/b", "new")],
        ),
        (
            vec![
                ("v/a.json", document("v/a", old.clone())),
                ("v/b.json", document("v/b", old.clone())),
            ],
            vec![("ab.json", of_models(&["v/a", "v/b", "w/c"], new.clone()))],
            vec![
                ("v/a.json", "v/a", "new"),
                ("v/b.json", "v/b", "new"),
                ("w/c.json", "w/c", "new"),
            ],
        ),
        (
            vec![("v/ab.json", of_models(&["v/a", "v/b"], old.clone()))],
            vec![
                ("zz1.json", document("v/a", new.clone())),
                ("zz2.json", document("v/b", new.clone())),
            ],
            vec![("v/zz1.json", "v/a", "new"), ("v/zz2.json", "v/b", "new")],
        ),
        (
            vec![
                ("kling/x.json", document("kling-video/x", old.clone())),
                ("kling/legacy/x.json", legacy),
            ],
            vec![("x.json", both_routes)],
            vec![("kling/x.json", "kling-video/x", "new"); 2],
        ),
    ] {
        let into = folder(&vendored);
        let from = folder(&published);
        let ran = specs!("update", from.path(), "--into", into.path(), "--json");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(
            report["verdict"], "major",
            "the old property is gone: {report}"
        );
        let mut files: Vec<PathBuf> = contents(into.path()).into_keys().collect();
        let mut named: Vec<PathBuf> = expected
            .iter()
            .map(|(file, _, _)| into.path().join(file))
            .collect();
        named.dedup();
        files.sort();
        assert_eq!(files, named);
        let check: Value =
            serde_json::from_str(&specs!("check", "--json", into.path()).stdout).unwrap();
        let mut found = Vec::new();
        for document in check["documents"].as_array().unwrap() {
            let file = document["file"].as_str().unwrap();
            let text = fs::read_to_string(into.path().join(file)).unwrap();
            let property = if text.contains("\"new\"") {
                "new"
            } else {
                "old"
            };
            for model in document["models"].as_array().unwrap() {
                found.push((file, model["id"].as_str().unwrap(), property));
            }
            assert_eq!(document["warnings"], json!([]));
        }
        assert_eq!(found, expected);
        let again = specs!("update", from.path(), "--into", into.path());
        assert!(again.stdout.starts_with("wrote 0 of"), "{}", again.stdout);
        assert!(
            again.stdout.contains("nothing changed for callers"),
            "{}",
            again.stdout
        );
    }
}

#[test]
fn update_never_overwrites_the_files_beside_the_documents() {
    let fetch = json!({ "openapi": "3.0.0", "info": { "title": "", "version": "1" }, "paths": {
        "/v2/video/generations": { "get": { "responses": { "200": { "content": { "application/json": {
            "schema": { "type": "object", "properties": { "id": { "type": "string" } } },
        } } } } } },
    } });
    for name in ["glossary", "overlay", "durations"] {
        let file = format!("{name}.json");
        let own = fs::read_to_string(vendored().join(&file)).unwrap();
        let into = folder(&[("google/a.json", document("veo-a", json!({})))]);
        fs::write(into.path().join(&file), &own).unwrap();
        let nested = format!("sub/{file}");
        let from = folder(&[(nested.as_str(), fetch.clone())]);
        for run in ["first", "second"] {
            let ran = specs!("update", from.path(), "--into", into.path());
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert_eq!(fs::read_to_string(into.path().join(&file)).unwrap(), own);
            assert!(into.path().join(format!("{name}-2.json")).exists());
            let wrote = ran.stdout.starts_with("wrote 1 of");
            assert_eq!(wrote, run == "first", "{}", ran.stdout);
        }
    }
}
