//! What `specs update` reports: drafts of glossary lines, prose about base64, URLs of other clients, and files that are left out.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{contents, document, folder, image, put, specs};

fn entries(report: &Value, list: &str) -> Vec<(String, String)> {
    let entries = report[list].as_array().unwrap().iter();
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    entries
        .map(|entry| (text(entry, "what"), text(entry, "note")))
        .collect()
}

#[test]
fn drafts_are_added_to_the_glossary_without_a_word_of_the_publisher() {
    let sentence = "Zebras graze here";
    let from = folder(&[(
        "Acme/a.json",
        document(
            "acme/a",
            json!({
                "prompt": { "type": "string", "description": sentence },
                "style_image_url": { "type": "string", "format": "uri", "description": sentence },
                "options": { "type": "object", "description": sentence, "properties": { "hdr": { "type": "boolean" } } },
                "steps": { "type": "integer", "description": sentence },
            }),
        ),
    )]);
    let into = folder(&[]);
    let lines = r#"{
  "properties": {
    "prompt": "What to show.",
    "model": "The model.",
    "image_url": "The first frame."
  }
}
"#;
    fs::write(into.path().join("glossary.json"), lines).unwrap();
    let glossary = || fs::read_to_string(into.path().join("glossary.json")).unwrap();
    let before = glossary();
    let expected = [
        ("options", "Options: an object. (draft)"),
        ("options.hdr", "Hdr: true or false. (draft)"),
        ("steps", "Steps: a whole number. (draft)"),
        (
            "style_image_url",
            "Style image url: a link or inline data; compare `image_url`. (draft)",
        ),
    ];
    let expected = expected.map(|(path, line)| (path.to_owned(), line.to_owned()));
    let dry = specs!(
        "update",
        from.path(),
        "--into",
        into.path(),
        "--json",
        "--dry-run"
    );
    let dry: Value = serde_json::from_str(&dry.stdout).unwrap();
    assert_eq!(entries(&dry, "drafts"), expected);
    assert_eq!(glossary(), before);

    let ran = specs!("update", from.path(), "--into", into.path(), "--markdown");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("- `steps`: Steps: a whole number. (draft)"),
        "{}",
        ran.stdout
    );
    let after = glossary();
    assert!(!after.contains(sentence) && !ran.stdout.contains(sentence));
    let value: Value = serde_json::from_str(&after).unwrap();
    assert_eq!(value["properties"]["options.hdr"], expected[1].1);
    let kept: Vec<&str> = after
        .lines()
        .filter(|line| !line.contains("(draft)"))
        .collect();
    assert_eq!(
        kept,
        before.lines().collect::<Vec<_>>(),
        "the other lines stay"
    );

    let again = specs!("update", from.path(), "--into", into.path(), "--json");
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!(
        entries(&again, "drafts"),
        expected,
        "a draft is listed until it is reworded"
    );
    assert_eq!(glossary(), after);
}

#[test]
fn a_glossary_without_lines_gets_them_and_one_of_another_form_is_an_error_before_anything_is_written()
 {
    let from = folder(&[(
        "Acme/a.json",
        document("acme/a", json!({ "steps": { "type": "integer" } })),
    )]);
    let into = folder(&[("glossary.json", json!({}))]);
    let ran = specs!("update", from.path(), "--into", into.path());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let glossary = fs::read_to_string(into.path().join("glossary.json")).unwrap();
    let glossary: Value = serde_json::from_str(&glossary).unwrap();
    let line = "Steps: a whole number. (draft)";
    assert_eq!(glossary["properties"]["steps"], line);

    for text in [json!([]), json!({ "properties": [] })] {
        let into = folder(&[("glossary.json", text)]);
        let before = contents(into.path());
        for ran in [
            specs!("update", from.path(), "--into", into.path(), "--dry-run"),
            specs!("update", from.path(), "--into", into.path()),
        ] {
            assert_eq!(ran.code, 2, "{}", ran.stdout);
            let what = "nothing was written: glossary.json";
            assert!(ran.stderr.contains(what), "{}", ran.stderr);
            assert_eq!(contents(into.path()), before);
        }
    }
}

#[test]
fn properties_without_a_line_are_listed_as_such_where_a_folder_has_no_glossary() {
    let from = folder(&[(
        "Acme/a.json",
        document("acme/a", json!({ "gadget": { "type": "string" } })),
    )]);
    let into = folder(&[]);
    let ran = specs!("update", from.path(), "--into", into.path());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let list = "\nproperties without a line in glossary.json\n  gadget  Gadget: a text. (draft)\n";
    assert!(ran.stdout.contains(list), "{}", ran.stdout);
    assert!(!into.path().join("glossary.json").exists());
}

#[test]
fn prose_about_base64_is_compared_with_the_marks_of_the_overlay() {
    let uri = |text: &str| json!({ "type": "string", "format": "uri", "description": text });
    let from = folder(&[(
        "Acme/a.json",
        document(
            "acme/a",
            json!({
                "unmarked": uri("A link, or Base64 text."),
                "data_only": uri("A link, or a base64 data URI."),
                "marked": uri("A link or base64."),
                "unstated": uri("A link."),
                "list": { "type": "array", "description": "Links or base64.", "items": { "type": "string", "format": "uri" } },
                "nested": { "type": "object", "properties": { "inner": uri("base64") } },
            }),
        ),
    )]);
    let marks = json!({ "overlay": "1.0.0", "info": { "title": "", "version": "1" }, "actions": [{
        "target": "$.paths[*].post.requestBody.content[*].schema.properties['marked','unstated']",
        "update": { "x-base64": true },
    }] });
    let into = folder(&[("overlay.json", marks)]);
    let ran = specs!("update", from.path(), "--into", into.path(), "--json");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of_a = |paths: &[&str]| -> Vec<(String, String)> {
        let entry = |path: &&str| ((*path).to_owned(), "acme/a".to_owned());
        paths.iter().map(entry).collect()
    };
    assert_eq!(
        entries(&report, "base64_unmarked"),
        of_a(&["list[]", "nested.inner", "unmarked"])
    );
    assert_eq!(entries(&report, "base64_unstated"), of_a(&["unstated"]));

    // A document without prose says nothing about base64.
    let report = specs!("update", into.path(), "--into", into.path(), "--json").stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(entries(&report, "base64_unstated"), []);
}

#[test]
fn models_on_urls_of_other_clients_are_named() {
    let moved = |model: &str, from: &str, to: &str| {
        let mut document = document(model, json!({}));
        document["paths"][to] = document["paths"][from].clone();
        document
    };
    let universal = "/v2/video/generations";
    let acme = "/v2/generate/video/acme/generation";
    let mut old = moved("acme/old", universal, acme);
    old["paths"].as_object_mut().unwrap().remove(universal);
    let from = folder(&[
        ("acme/old.json", old),
        // The same model on a URL that this client uses, and operations without a video.
        (
            "acme/new.json",
            moved("acme/new", universal, "/v1/video/generations"),
        ),
        ("acme/image.json", image()),
    ]);
    let into = folder(&[]);
    let mut both = moved("acme/both", universal, acme);
    both["paths"].as_object_mut().unwrap().remove(universal);
    put(
        from.path(),
        &[
            ("acme/both-old.json", both),
            ("acme/both.json", document("acme/both", json!({}))),
        ],
    );
    let ran = specs!("update", from.path(), "--into", into.path(), "--json");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = ("acme/old".to_owned(), format!("on {acme} (acme/old.json)"));
    assert_eq!(entries(&report, "unsupported"), [expected]);
    assert_eq!(report["left_out"], 3, "{report}");
}

#[test]
fn a_broken_document_of_this_client_is_an_error_and_every_other_file_is_left_out() {
    let good = ("Acme/a.json", document("acme/a", json!({})));
    let video = r#"{"openapi": "3.0.0", "paths": {"/v2/video/generations": {}}, "#;
    for (file, text, is_error) in [
        ("cut-after-paths.json", video, true),
        (
            "cut-in-paths.json",
            r#"{"openapi": "3.0.0", "paths": {"/v1/chat": {"#,
            true,
        ),
        (
            "no-version.json",
            r#"{"paths": {"/v2/video/generations": {}}}"#,
            true,
        ),
        (
            "newer.json",
            "\u{feff}{\"openapi\": \"4.0\", \"paths\": {\"/v2/video/generations\": {}}}",
            true,
        ),
        (
            "video.yaml",
            "openapi: 3.0.0\npaths:\n  '/v2/video/generations':\n    post: {}\n",
            true,
        ),
        (
            "other.yaml",
            "openapi: 3.0.0\npaths:\n  /v1/chat: /v2/video/generations\n",
            false,
        ),
        (
            "other-cut.json",
            r#"{"openapi": "3.0.0", "paths": {"/v1/chat": {}}, "#,
            false,
        ),
        ("comment.json", "// /v2/video/generations\n{}", false),
        (
            "text.json",
            r#"{"note": "/v2/video/generations", "paths": ["/v2/video/generations"]}"#,
            false,
        ),
        (
            "odd.json",
            r#"{"openapi": "3.0.0", "paths": "/v2/video/generations"}"#,
            false,
        ),
        ("latin.json", "[\"", false),
    ] {
        let from = folder(std::slice::from_ref(&good));
        fs::write(from.path().join(file), text).unwrap();
        let into = folder(&[]);
        let ran = specs!("update", from.path(), "--into", into.path());
        if is_error {
            assert_eq!(ran.code, 2, "{file}");
            assert_eq!(ran.stderr.matches(file).count(), 1, "{}", ran.stderr);
            assert!(contents(into.path()).is_empty());
        } else {
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert!(
                ran.stdout.contains("left out 1 other JSON files"),
                "{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn a_document_of_several_apis_without_the_schema_of_a_video_operation_is_left_out() {
    let mut page = image();
    page["paths"]["/v2/video/generations"] = json!({ "post": {
        "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Cut" } } } },
    } });
    let from = folder(&[
        ("images/page.json", page.clone()),
        ("Acme/a.json", document("acme/a", json!({}))),
    ]);
    let into = folder(&[]);
    let ran = specs!("update", from.path(), "--into", into.path(), "--json");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let [(file, why)] = &*entries(&report, "incomplete") else {
        panic!("{report}");
    };
    assert_eq!(file, "images/page.json");
    assert!(why.contains("#/components/schemas/Cut"), "{why}");
    assert!(into.path().join("acme/a.json").exists());

    let from = folder(&[("page.json", page)]);
    let into = folder(&[]);
    for path in [from.path().to_owned(), from.path().join("page.json")] {
        let ran = specs!("update", path, "--into", into.path());
        assert_eq!(ran.code, 2);
        assert!(
            ran.stderr.contains("#/components/schemas/Cut"),
            "{}",
            ran.stderr
        );
        assert!(contents(into.path()).is_empty());
    }
}

#[test]
fn facts_about_what_is_gone_are_listed() {
    let of_both = |property: &str| json!({ property: { "type": "string" } });
    let into = folder(&[
        ("acme/a.json", document("acme/a", of_both("old"))),
        (
            "glossary.json",
            json!({
                "properties": { "model": "M.", "old": "O.", "new": "N." },
                "models": { "acme/a": { "new": "N of a.", "old": "O of a." }, "acme/gone": { "model": "M." } },
            }),
        ),
        (
            "durations.json",
            json!({ "durations": [
                { "model": "acme/a", "min": 1, "max": 2 }, { "model": "acme/gone", "min": 1, "max": 2 },
            ] }),
        ),
        (
            "overlay.json",
            json!({ "overlay": "1.0.0", "info": { "title": "", "version": "1" }, "actions": [{
                "target": "$.paths[*].post.requestBody.content[*].schema.properties.old", "update": { "x-media": true },
            }] }),
        ),
    ]);
    let from = folder(&[("Acme/a.json", document("acme/a", of_both("new")))]);
    let ran = specs!("update", from.path(), "--into", into.path(), "--json");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let lines = [
        ("new", ""),
        ("old", ""),
        ("old", "acme/a"),
        ("model", "acme/gone"),
    ];
    let mut lines = lines.map(|(path, model)| (path.to_owned(), model.to_owned()));
    lines.sort();
    assert_eq!(entries(&report, "unused_lines"), lines);
    let gone = ("acme/gone".to_owned(), String::new());
    assert_eq!(entries(&report, "unused_durations"), [gone]);
    assert_eq!(entries(&report, "unmatched_actions").len(), 1);
}
