//! Folders of documents: what is a document, and which document of a model is taken.

use std::fs;

use serde_json::{Value, json};

use super::{
    client, create, facts, one, read,
    reports::{body, files},
};
use aimlapi_video_codegen::{self as spec, Diagnostics, Document, document, rust};

fn named(file: &str, schema: Value) -> Document {
    Document::new(file, create(schema)[0].published.clone())
}

#[test]
fn documents_without_a_video_operation_are_left_out_with_a_warning() {
    let image =
        json!({ "openapi": "3.0.0", "paths": { "/v1/images/generations": { "post": {} } } });
    let older = json!({ "openapi": "3.0.0", "paths": { "/v2/generate/video/luma-ai/generation": { "post": {}, "get": {} } } });
    for (document, named) in [
        (image, "POST /v1/images/generations"),
        (older, "GET /v2/generate/video/luma-ai/generation, POST"),
        (json!({ "openapi": "3.0.0" }), "no operation"),
    ] {
        let (merged, diagnostics) = read(one(document));
        assert_eq!((merged.requests.len(), diagnostics.errors.len()), (0, 0));
        assert!(
            diagnostics.warnings[0].what.contains(named),
            "{diagnostics:?}"
        );
        let source = rust::generate(&merged, &client, &mut Diagnostics::default());
        assert!(source.is_some());
    }
    for broken in [
        json!(null),
        json!([]),
        json!({ "type": "object" }),
        json!({ "properties": { "model": {} } }),
        json!({ "type": "string", "properties": { "model": { "enum": ["a/b"] } } }),
    ] {
        let (_, diagnostics) = read(create(broken));
        assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
    }
}

#[test]
fn of_two_documents_for_a_path_and_model_one_is_taken_and_the_other_reported() {
    let twin = |file: &str| {
        named(
            file,
            body("a/model-1", json!({ "mine": { "type": "string" } })),
        )
    };
    let paths = |mut document: Document| {
        document.published["paths"]["/v1/video/generations"] = json!({ "post": {} });
        Document::new(document.file, document.published)
    };
    let answering = |mut document: Document, answer: Value| {
        document.published["paths"]["/v2/video/generations"]["post"]["responses"] = json!({ "200": {
            "description": "", "content": { "application/json": { "schema": answer } },
        } });
        Document::new(document.file, document.published)
    };
    let answer = json!({ "type": "object", "properties": { "id": { "type": "string" } } });
    let priced = json!({ "type": "object", "properties": { "meta": { "type": "object", "properties": {
        "usage": { "type": "object", "properties": { "usd_spent": { "type": "number" } } },
    } } } });
    for (winner, loser) in [
        (twin("z/other.json"), paths(twin("a/model-1.json"))),
        (twin("z/model-1.json"), twin("a/other.json")),
        (twin("z/Model_1-pair.json"), twin("a/other.json")),
        (
            answering(twin("z/b.json"), answer.clone()),
            twin("a/b.json"),
        ),
        (
            answering(twin("z/b.json"), priced),
            answering(twin("a/b.json"), answer),
        ),
        (twin("a/b.json"), twin("b/b.json")),
    ] {
        for pair in [
            [winner.clone(), loser.clone()],
            [loser.clone(), winner.clone()],
        ] {
            let (merged, diagnostics) = read(pair.to_vec());
            assert_eq!(merged.requests[0].create.file, winner.file);
            assert_eq!(diagnostics.errors, []);
            let warning = diagnostics
                .warnings
                .iter()
                .find(|warning| warning.what.contains("is taken instead"));
            assert_eq!(warning.unwrap().file, loser.file);
        }
    }
    let other = named(
        "b.json",
        body("a/model-1", json!({ "other": { "type": "string" } })),
    );
    let (_, diagnostics) = read(vec![twin("a.json"), other]);
    let what = &diagnostics.warnings[0].what;
    assert!(what.contains("it has `other`, it lacks `mine`"), "{what}");
    // What the one that is left out has wrong stops nothing.
    let wrong = named(
        "b.json",
        body("a/model-1", json!({ "other": { "type": "strange" } })),
    );
    let (_, diagnostics) = read(vec![twin("a.json"), wrong]);
    assert_eq!(diagnostics.errors, []);
}

#[test]
fn types_of_equal_names_are_an_error() {
    for (first, second) in [
        (
            body("pixverse/v5.5/i2v", json!({})),
            body("pixverse/v5-5-i2v", json!({})),
        ),
        (
            body(
                "foo/bar",
                json!({ "baz": { "type": "string", "enum": ["x"] } }),
            ),
            body("foo/bar-baz", json!({})),
        ),
        (body("generation", json!({})), body("a/b", json!({}))),
    ] {
        let (_, diagnostics) = read(vec![named("1.json", first), named("2.json", second)]);
        assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
    }
}

#[test]
fn the_vendor_is_that_of_the_longest_prefix_else_the_folder_else_the_first_part_of_the_id() {
    let facts = facts();
    for (model, file, vendor) in [
        ("klingai/v2-master", "Kling-AI/x.json", "kling"),
        ("kling-video/v1", "x.json", "kling"),
        ("veo2", "Google/x.json", "google"),
        ("sora-2-t2v", "x.json", "openai"),
        ("video-01", "x.json", "minimax"),
        ("ByteDance/seedance", "other/x.json", "bytedance"),
        ("runway-gen3/turbo", "kling/legacy/x.json", "runway"),
        (
            "custom:horse-1.1",
            "docs/Black-Forest_Labs/x.json",
            "black-forest-labs",
        ),
        ("acme/horse", "Other/x.json", "other"),
        ("acme/horse", "other/legacy/x.json", "other"),
        ("Acme/horse", "x.json", "acme"),
        ("horse", "x.json", "unnamed"),
    ] {
        assert_eq!(facts.vendor(model, file), vendor, "{model} in {file}");
    }
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{ "a": ["x"], "b": ["x/long/", "y"] }"#;
    fs::write(folder.path().join("vendors.json"), text).unwrap();
    let mut diagnostics = Diagnostics::default();
    let own = |name: &str| fs::read_to_string(super::folder().join(name));
    let facts = spec::Facts::read(folder.path(), own, &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    for (model, vendor) in [("x/long/1", "b"), ("x/1", "a"), ("klingai/1", "klingai")] {
        assert_eq!(facts.vendor(model, "x.json"), vendor, "{model}");
    }
}

#[test]
fn each_file_that_is_not_a_document_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).unwrap();
    write("a.json", b"{");
    write("b.json", b"[]");
    write("c.json", br#"{"openapi":"3.2.0"}"#);
    write("d.json", b"");
    write("e.json", b"{\"openapi\": \"3.0.0\", \"x\": \"\xff\"}");
    write("f.yaml", b"openapi: 3.0.0");
    write("g.json", br#"{"swagger":"2.0"}"#);
    write("h.json", &b"[".repeat(100_000));
    write("i.json", br#"{"openapi":3}"#);
    write(
        "ok.json",
        b"\xEF\xBB\xBF{\"openapi\":\"3.0.3\",\"paths\":{}}",
    );
    write("glossary.json", b"{}");
    write("notes.txt", b"no");
    write(".hidden.json", b"no");
    fs::create_dir(folder.path().join("j.json")).unwrap();
    let large = fs::File::create(folder.path().join("k.json")).unwrap();
    large.set_len(100 << 20).unwrap();
    let mut diagnostics = Diagnostics::default();
    let documents = document::read(folder.path(), &mut diagnostics);
    assert_eq!(
        files(&diagnostics),
        [
            "a.json", "b.json", "c.json", "d.json", "e.json", "f.yaml", "g.json", "h.json",
            "i.json", "k.json"
        ]
    );
    let read: Vec<&str> = documents
        .iter()
        .map(|document| document.file.as_str())
        .collect();
    assert_eq!(read, ["ok.json"]);
    let mut diagnostics = Diagnostics::default();
    document::read(&folder.path().join("none"), &mut diagnostics);
    assert_eq!(diagnostics.errors.len(), 1);
}

#[cfg(unix)]
#[test]
fn circular_links_and_pipes_do_not_hang_the_build() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.json")).unwrap();
    let mut diagnostics = Diagnostics::default();
    document::read(folder.path(), &mut diagnostics);
    assert_eq!(files(&diagnostics), ["endless.json"]);
}

#[test]
fn invalid_facts_files_are_errors() {
    for (name, text) in [
        ("overlay.json", "{"),
        ("overlay.json", "[]"),
        (
            "overlay.json",
            r#"{"overlay":"1.0.0","info":{"title":"","version":"1"},"actions":[{"target":"$$","update":{}}]}"#,
        ),
        (
            "overlay.json",
            r#"{"overlay":"1.0.0","info":{"title":"","version":"1"},"actions":[{"target":"$.openapi","update":{"x-role":"prompt"}}]}"#,
        ),
        ("glossary.json", ""),
        (
            "durations.json",
            r#"{"durations":[{"model":"a/b","min":9,"max":1}]}"#,
        ),
        ("durations.json", r#"{"durations":[7]}"#),
        ("vendors.json", r#"{"acme":["a/"],"other":["b/","A/"]}"#),
        ("vendors.json", r#"[["acme/"]]"#),
        ("durations.json", r#"[]"#),
        ("vendors.json", r#"{"acme":"a/"}"#),
        ("vendors.json", r#"{"acme":[7]}"#),
        ("vendors.json", r#"{"acme":[""]}"#),
        ("vendors.json", r#"{"Acme Inc.":["a/"]}"#),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), text).unwrap();
        let mut diagnostics = Diagnostics::default();
        let own = |name: &str| fs::read_to_string(super::folder().join(name));
        let facts = spec::Facts::read(folder.path(), own, &mut diagnostics);
        let mut documents = create(body("a/b", json!({})));
        spec::read(&mut documents, &facts, |_| true, &mut diagnostics);
        assert_eq!(diagnostics.errors.len(), 1, "{text}: {diagnostics:?}");
    }
}

#[test]
fn schemas_of_other_operations_are_dropped_when_a_document_is_read() {
    let mut whole = create(body(
        "a/b",
        json!({ "x": { "$ref": "#/components/schemas/Used" }, "y": { "$ref": "#/paths/~1other/post/x-y" } }),
    ))
    .remove(0)
    .published;
    whole["paths"]["/other"] =
        json!({ "post": { "x-y": { "type": "string" }, "summary": "long" }, "get": {} });
    whole["paths"]["/v2/video/generations"]["post"]["x-codeSamples"] =
        json!([{ "source": "long" }]);
    whole["components"] = json!({
        "schemas": { "Used": { "$ref": "#/components/schemas/Next" }, "Next": { "type": "integer" }, "Unused": {} },
        "responses": { "Unused": {} },
    });
    let document = one(whole.clone()).remove(0);
    let mut kept = whole;
    kept["paths"]["/other"] = json!({ "post": { "x-y": { "type": "string" } } });
    let post = &mut kept["paths"]["/v2/video/generations"]["post"];
    post.as_object_mut().unwrap().remove("x-codeSamples");
    kept["components"] = json!({
        "schemas": { "Used": { "$ref": "#/components/schemas/Next" }, "Next": { "type": "integer" } },
        "responses": {},
    });
    assert_eq!(document.published, kept);
    let declared = &document.declared;
    assert_eq!(
        (
            declared.paths,
            declared.other_count,
            declared.unused_schemas
        ),
        (2, 2, 1)
    );
    assert_eq!(declared.others, ["GET /other", "POST /other"]);
}
