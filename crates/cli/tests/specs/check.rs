//! `specs check` and `specs diff`.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{document, folder, image, specs, vendored};

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
fn check_of_a_folder_names_the_repairs_that_none_of_its_documents_needs() {
    let folder = folder(&[(
        "a.json",
        document("a/a", json!({ "n": { "type": "integer", "default": "5" } })),
    )]);
    let ran = specs!("check", folder.path());
    let line = ran.stdout.lines().rev().nth(1).unwrap();
    let (title, names) = line.split_once(": ").unwrap();
    assert_eq!(title, "repairs that no document needs");
    let names: Vec<&str> = names.split(", ").collect();
    assert!(names.contains(&"number_enum_as_text"), "{line}");
    assert!(!names.contains(&"number_default_as_text"), "{line}");
    for ran in [
        specs!("check", "--each", folder.path()),
        specs!("check", folder.path().join("a.json")),
    ] {
        assert!(!ran.stdout.contains(title), "{}", ran.stdout);
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
