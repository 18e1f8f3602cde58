//! What `specs update` refuses: nothing is written.

use std::{fs, path::Path};

use serde_json::json;

use super::{contents, document, folder, specs};

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
fn update_of_bad_input_is_one_error_and_writes_nothing() {
    let other = json!({ "openapi": "3.0.0", "paths": { "/v1/chat/completions": { "post": {} } } });
    let from = folder(&[
        ("good/a.json", document("v/a", json!({}))),
        ("other/chat.json", other),
    ]);
    let into = folder(&[("openapi/v/a.json", document("v/a", json!({ "x": {} })))]);
    let at = |path: &str| from.path().join(path);
    fs::create_dir(at("empty")).unwrap();
    fs::write(at("text.json"), "text").unwrap();
    let openapi = into.path().join("openapi");
    let missing = into.path().join("missing");
    let before = contents(into.path());
    for (from, into_folder, what) in [
        (at("nowhere"), &openapi, "nowhere cannot be read: "),
        (at("empty"), &openapi, "(0 JSON files were read)"),
        (at("other"), &openapi, "(1 JSON files were read)"),
        (
            at("other/chat.json"),
            &openapi,
            "no document of a video operation",
        ),
        (at("text.json"), &openapi, "is not JSON"),
        (at("good"), &missing, "is not a folder"),
        (at("good"), &openapi.join("v/a.json"), "is not a folder"),
    ] {
        let ran = specs!("update", from, "--into", into_folder);
        assert_eq!(ran.code, 2, "{what}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.lines().count() < 3, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("nothing was written") && ran.stderr.contains(what),
            "{}",
            ran.stderr
        );
        assert_eq!(contents(into.path()), before);
    }
}

#[test]
fn a_missing_path_is_one_error_that_names_the_path_alone() {
    let from = folder(&[("a.json", document("v/a", json!({})))]);
    let missing = from.path().join("nowhere");
    for ran in [
        specs!("check", missing),
        specs!("diff", missing, from.path()),
        specs!("diff", from.path(), missing),
    ] {
        assert_eq!(ran.code, 2);
        let error = format!("error: {} cannot be read: ", missing.display());
        assert!(ran.stderr.starts_with(&error), "{}", ran.stderr);
        assert!(
            ran.stderr
                .ends_with("; name a document, or a folder of documents\n"),
            "{}",
            ran.stderr
        );
    }
    let ran = specs!("check", "--json", from.path(), missing);
    assert_eq!(ran.code, 2);
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let documents = report["documents"].as_array().unwrap();
    let refused = documents
        .iter()
        .filter(|document| document["verdict"] == "refused");
    assert_eq!((documents.len(), refused.count()), (2, 1), "{report}");
}

#[test]
fn an_update_that_ends_halfway_states_how_many_files_were_changed() {
    let of = |vendor: &str| document(&format!("{vendor}/a"), json!({}));
    let from = folder(&[("a/a.json", of("a")), ("b/a.json", of("b"))]);
    for (vendor, changed) in [("a", 0), ("b", 1)] {
        let into = folder(&[]);
        // The folder of the vendor cannot be made.
        fs::write(into.path().join(vendor), "").unwrap();
        let ran = specs!("update", from.path(), "--into", into.path());
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr
                .starts_with(&format!("error: {vendor}/a.json cannot be written: "))
                && ran.stderr.ends_with(&format!(
                    "; files changed before it: {changed}; run the command again to change the rest\n"
                )),
            "{}",
            ran.stderr
        );
    }
}
