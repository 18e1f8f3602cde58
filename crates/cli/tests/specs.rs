//! The subcommands of `specs`.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

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

/// Runs `specs` with words and paths as arguments.
macro_rules! specs {
    ($($argument:expr),*) => { specs(&[$(AsRef::<Path>::as_ref(&$argument)),*]) };
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

#[test]
fn check_reports_each_document() {
    let folder = folder(&[
        ("a/right.json", {
            let mut document = document("a/right", json!({}));
            document["paths"]["/v2/video/generations"]["post"]["responses"]["200"]["description"] =
                "".into();
            document
        }),
        (
            "a/repaired.json",
            document(
                "a/repaired",
                json!({ "n": { "type": "integer", "default": "5" } }),
            ),
        ),
        ("image.json", image()),
        (
            "wrong.json",
            document("a/wrong", json!({ "n": { "type": "strange" } })),
        ),
        ("none.json", json!([])),
    ]);
    let ran = specs!("check", folder.path(), "--json");
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let verdicts: Vec<(&str, &str)> = report["documents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|document| {
            (
                document["file"].as_str().unwrap(),
                document["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            ("a/repaired.json", "repaired"),
            ("a/right.json", "as_it_is"),
            ("image.json", "left_out"),
            ("none.json", "refused"),
            ("wrong.json", "refused"),
        ]
    );
    assert_eq!(
        report["documents"][0]["repairs"],
        json!(["response_without_description", "number_default_as_text"])
    );
    assert_eq!(report["documents"][0]["models"][0]["type"], "ARepaired");
    assert_eq!(
        (&report["ok"], &report["requests"]),
        (&json!(false), &json!(2))
    );
    assert!(report["lines"].as_u64().unwrap() > 100);
    let trouble = &report["documents"][4]["troubles"][0];
    assert!(
        trouble["pointer"]
            .as_str()
            .unwrap()
            .ends_with("/properties/n/type")
    );

    for name in ["wrong.json", "none.json"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    for each in [false, true] {
        let ran = if each {
            specs!("check", "--each", folder.path())
        } else {
            specs!("check", folder.path())
        };
        assert_eq!(ran.code, 0, "{}", ran.stdout);
        let last = ran.stdout.lines().last().unwrap();
        assert!(
            last.starts_with(
                "3 documents: 1 as they are, 1 repaired, 0 refused, 1 left out; 2 request types"
            ),
            "{last}"
        );
    }
}

#[test]
fn check_reports_errors_between_documents() {
    let twins = folder(&[
        ("a.json", document("pixverse/v5.5", json!({}))),
        ("b.json", document("pixverse/v5-5", json!({}))),
    ]);
    let ran = specs!("check", twins.path());
    assert_eq!(ran.code, 2);
    assert!(
        ran.stdout.contains("would both be called PixverseV55"),
        "{}",
        ran.stdout
    );
    assert_eq!(specs!("check", "--each", twins.path()).code, 0);
}

#[test]
fn vendored_documents_pass_and_equal_themselves() {
    let ran = specs!("check", vendored());
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let ran = specs!("diff", vendored(), vendored());
    assert_eq!(
        (ran.code, ran.stdout.trim()),
        (0, "nothing changed for callers")
    );
}

#[test]
fn diff_reports_changes_by_model_and_the_required_version() {
    let old = folder(&[
        (
            "a.json",
            document(
                "a/one",
                json!({ "size": { "type": "string", "enum": ["s", "m"] } }),
            ),
        ),
        ("b.json", document("a/gone", json!({}))),
    ]);
    let new = folder(&[(
        "a.json",
        document(
            "a/one",
            json!({ "size": { "type": "string", "enum": ["m", "l"] } }),
        ),
    )]);
    let ran = specs!("diff", old.path(), new.path());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let expected = "a/gone on /v2/video/generations\n  breaking    model removed\n\
                    a/one on /v2/video/generations\n  breaking    `size`: value removed: \"s\"\n  \
                    compatible  `size`: value added: \"l\"\nmajor: 2 breaking, 1 compatible, 0 without effect; after ";
    assert!(ran.stdout.starts_with(expected), "{}", ran.stdout);
    let report: Value =
        serde_json::from_str(&specs!("diff", old.path(), new.path(), "--json").stdout).unwrap();
    assert_eq!(report["verdict"], "major");
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        report["changes"][1],
        json!({
            "model": "a/one", "path": "/v2/video/generations", "property": "size", "change": "enum_value_removed",
            "old": "s", "new": null, "verdict": "breaking",
        })
    );
    let markdown = specs!("diff", old.path(), new.path(), "--markdown").stdout;
    assert!(
        markdown
            .starts_with("### Breaking\n\n- `a/gone` on `/v2/video/generations`: model removed\n"),
        "{markdown}"
    );
    let ran = specs!("diff", old.path(), "nowhere");
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}

#[test]
fn update_copies_stripped_documents_and_reports_remaining_work() {
    let into = folder(&[
        (
            "overlay.json",
            serde_json::from_str(include_str!("../../../openapi/overlay.json")).unwrap(),
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
        "wrote 3 of 3 published documents",
        "  acme/three.json",
        "  kling/one.json",
        "  kling/two.json",
        "klingai/one on /v2/video/generations",
        "  compatible  `size`: value added: \"l\"",
        "  compatible  model added",
        "  gadget (klingai/two)",
        "  klingai/gone (kling/gone.json)",
        "  acme",
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
            .starts_with("wrote 0 of 3 published documents\nnothing changed for callers\n"),
        "{}",
        again.stdout
    );
}

#[test]
fn update_writes_nothing_if_a_document_is_refused() {
    let into = folder(&[("kling/one.json", document("klingai/one", json!({})))]);
    let before = contents(into.path());
    let good = ("good.json", document("klingai/two", json!({})));
    let mut newer = document("klingai/four", json!({}));
    newer["openapi"] = "3.2.0".into();
    for bad in [
        (
            "bad.json",
            document("klingai/three", json!({ "n": { "type": "strange" } })),
        ),
        ("newer.json", newer),
    ] {
        let from = folder(&[good.clone(), bad.clone()]);
        let ran = specs!("update", from.path(), "--into", into.path());
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("nothing was written"), "{}", ran.stderr);
        assert_eq!(contents(into.path()), before);
    }
    let ran = specs!(
        "update",
        tempfile::tempdir().unwrap().path(),
        "--into",
        into.path()
    );
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.contains("no document of a video operation"),
        "{}",
        ran.stderr
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
fn update_refuses_a_create_that_names_no_model_or_has_no_body() {
    let into = folder(&[("k/one.json", document("k/one", json!({})))]);
    let before = contents(into.path());
    let mut nameless = document("k/x", json!({}));
    let post = &mut nameless["paths"]["/v2/video/generations"]["post"];
    post["requestBody"]["content"]["application/json"]["schema"]["properties"] = json!({});
    let mut bodiless = document("k/x", json!({}));
    bodiless["paths"]["/v2/video/generations"]["post"] = json!({ "responses": {} });
    for bad in [nameless, bodiless] {
        let from = folder(&[
            ("good.json", document("k/two", json!({}))),
            ("bad.json", bad),
        ]);
        let ran = specs!("update", from.path(), "--into", into.path());
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("bad.json"), "{}", ran.stderr);
        assert_eq!(contents(into.path()), before);
    }
}

#[test]
fn update_of_an_unreadable_document_reports_the_reason() {
    let into = folder(&[("k/one.json", document("k/one", json!({})))]);
    let mut newer = document("k/x", json!({}));
    newer["openapi"] = json!("3.2.0");
    let from = folder(&[("newer.json", newer)]);
    fs::write(from.path().join("latin.json"), b"{ \"a\": \"\xe9\" }").unwrap();
    for (file, why) in [("newer.json", "3.2.0"), ("latin.json", "JSON")] {
        let ran = specs!("update", from.path().join(file), "--into", into.path());
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(why), "{file}: {}", ran.stderr);
    }
}

#[test]
fn update_names_every_vendor_without_a_feature() {
    let into = folder(&[("newcomer/one.json", document("newcomer/one", json!({})))]);
    let from = folder(&[
        ("one.json", document("newcomer/one", json!({}))),
        ("two.json", document("kling-video/two", json!({}))),
    ]);
    let ran = specs!("update", from.path(), "--into", into.path());
    assert!(
        ran.stdout.contains("vendors without a feature"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("  newcomer\n") || ran.stdout.ends_with("  newcomer\n"));
    assert!(!ran.stdout.contains("  kling\n"), "{}", ran.stdout);
}

#[test]
fn update_reads_the_features_of_the_checkout_that_it_updates() {
    let checkout = folder(&[("openapi/acme/one.json", document("acme/one", json!({})))]);
    fs::write(
        checkout.path().join("Cargo.toml"),
        "[features]\ndefault = []\nacme = []\n\n[dependencies]\nkling = \"1\"\n",
    )
    .unwrap();
    let from = folder(&[
        ("one.json", document("acme/one", json!({}))),
        ("two.json", document("kling-video/two", json!({}))),
    ]);
    let into = checkout.path().join("openapi");
    let ran = specs!("update", from.path(), "--into", into);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (_, vendors) = ran.stdout.split_once("vendors without a feature").unwrap();
    assert!(
        vendors.contains("  kling") && !vendors.contains("  acme"),
        "{vendors}"
    );
}

#[test]
fn check_of_two_folders_with_equal_names_keeps_them_apart() {
    let good = folder(&[("one.json", document("k/one", json!({})))]);
    let bad = folder(&[(
        "one.json",
        document("k/two", json!({ "x": { "type": "strange" } })),
    )]);
    let ran = specs!("check", "--json", good.path(), bad.path());
    assert_eq!(ran.code, 2);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let mut verdicts: Vec<(String, &str)> = Vec::new();
    for document in report["documents"].as_array().unwrap() {
        let file = document["file"].as_str().unwrap().to_owned();
        verdicts.push((file, document["verdict"].as_str().unwrap()));
    }
    let at = |folder: &TempDir| folder.path().join("one.json").display().to_string();
    let mut expected = [(at(&good), "as_it_is"), (at(&bad), "refused")];
    expected.sort();
    verdicts.iter_mut().for_each(|(_, verdict)| {
        if *verdict == "repaired" {
            *verdict = "as_it_is";
        }
    });
    assert_eq!(verdicts, expected);
}

fn of_models(models: &[&str], properties: Value) -> Value {
    let mut document = document(models[0], properties);
    document["paths"]["/v2/video/generations"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["properties"]["model"]["enum"] = json!(models);
    document
}

#[test]
fn update_is_an_error_where_an_old_document_would_shadow_a_published_one() {
    let old = json!({ "old": { "type": "integer" } });
    let new = json!({ "new": { "type": "integer" } });
    let mut both_routes = document("kling-video/x", new.clone());
    both_routes["paths"]["/v2/generate/video/kling/generation"] =
        both_routes["paths"]["/v2/video/generations"].clone();
    let mut legacy = document("kling-video/x", old.clone());
    let item = legacy["paths"]["/v2/video/generations"].take();
    legacy["paths"] = json!({ "/v2/generate/video/kling/generation": item });
    for (vendored, published, remedy) in [
        (
            vec![("v/b.json", of_models(&["v/a", "v/b"], old.clone()))],
            vec![("b.json", document("v/b", new.clone()))],
            "take the model out of v/b.json, which also describes v/a",
        ),
        (
            vec![
                ("v/a.json", document("v/a", old.clone())),
                ("v/b.json", document("v/b", old.clone())),
            ],
            vec![("ab.json", of_models(&["v/a", "v/b"], new.clone()))],
            "remove v/b.json",
        ),
        (
            vec![("v/ab.json", of_models(&["v/a", "v/b"], old.clone()))],
            vec![
                ("zz1.json", document("v/a", new.clone())),
                ("zz2.json", document("v/b", new.clone())),
            ],
            "remove v/ab.json",
        ),
        (
            vec![
                ("kling/x.json", document("kling-video/x", old.clone())),
                ("kling/legacy/x.json", legacy),
            ],
            vec![("x.json", both_routes)],
            "remove kling/legacy/x.json",
        ),
    ] {
        let into = folder(&vendored);
        let from = folder(&published);
        let before = contents(into.path());
        let ran = specs!("update", from.path(), "--into", into.path());
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains("nothing was written"), "{}", ran.stderr);
        assert!(ran.stderr.contains(remedy), "{remedy}: {}", ran.stderr);
        assert_eq!(contents(into.path()), before);
        let Some(file) = remedy.strip_prefix("remove ") else {
            continue;
        };
        fs::remove_file(into.path().join(file)).unwrap();
        for run in ["first", "second"] {
            let ran = specs!("update", from.path(), "--into", into.path());
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert_eq!(
                ran.stdout.starts_with("wrote 0 of"),
                run == "second",
                "{}",
                ran.stdout
            );
        }
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

#[test]
fn check_reads_a_document_once_if_named_twice() {
    let folder = folder(&[
        ("x.json", document("k/one", json!({}))),
        ("bad.json", json!([])),
    ]);
    let one = folder.path().join("x.json");
    let around = folder
        .path()
        .join("../")
        .join(folder.path().file_name().unwrap());
    let ran = specs!(
        "check",
        "--json",
        folder.path(),
        one,
        around.join("bad.json"),
        one
    );
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(
        report["documents"].as_array().unwrap().len(),
        2,
        "{}",
        ran.stdout
    );
    assert_eq!(report["requests"], 1);
}

#[test]
fn diff_of_two_files_compares_one_document_and_escapes_odd_names() {
    let old = document(
        "a on b",
        json!({ "x": { "type": "string", "default": "a" } }),
    );
    let new = document(
        "a on b",
        json!({ "x": { "type": "string", "default": "b\nc" } }),
    );
    let (old, new) = (folder(&[("a.json", old)]), folder(&[("a.json", new)]));
    let files = [old.path().join("a.json"), new.path().join("a.json")];
    let ran = specs!("diff", files[0], files[1]);
    assert_eq!(ran.stdout.lines().count(), 3, "{}", ran.stdout);
    assert!(!ran.stdout.contains("vendor changed"), "{}", ran.stdout);
    let ran = specs!("diff", files[0], files[1], "--markdown");
    let title = "\n- `a on b` on `/v2/video/generations`: ";
    assert!(ran.stdout.contains(title), "{}", ran.stdout);
}
