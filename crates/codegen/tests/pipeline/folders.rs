//! Folders of any files: each is read, or reported with file, place, problem and remedy.

use std::fs;

use serde_json::{Value, json};

use super::{client, create, facts, merged, one, read};
use aimlapi_video_codegen::{self as spec, Diagnostics, Document, document, rust};

const BODY: &str =
    "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";

fn body(model: &str, more: Value) -> Value {
    let mut body = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": [model] } } });
    for (name, schema) in more.as_object().unwrap() {
        body["properties"][name] = schema.clone();
    }
    body
}

fn named(file: &str, schema: Value) -> Document {
    Document::new(file, create(schema)[0].published.clone())
}

fn files(diagnostics: &Diagnostics) -> Vec<&str> {
    diagnostics
        .errors
        .iter()
        .map(|error| error.file.as_str())
        .collect()
}

#[test]
fn unusable_schemas_are_all_reported_with_place_and_remedy() {
    let (_, diagnostics) = read(create(body(
        "a/b",
        json!({
            "b": { "type": "number", "multipleOf": 0 },
            "c": { "type": "string", "enum": [[], {}] },
            "d": { "type": "strange" },
            "e": { "type": ["string", "strange"] },
            "f-g": { "type": "string" },
            "f_g": { "type": "string" },
            "g": { "type": "integer", "minimum": "low" },
            "h": 1,
            "i": { "$ref": "#/components/schemas/Nowhere" },
            "j": { "$ref": "other.json#/x" },
            "k": { "allOf": [{ "type": "string" }, { "type": "object" }] },
            "l": { "anyOf": {} },
            "m": { "enum": "x" },
            "n": { "type": "string", "pattern": 1 },
            "q": { "type": "object", "properties": [] },
            "s": { "type": "string", "format": "uri", "maxLength": "9" },
            "t": { "type": "array", "uniqueItems": "true" },
            "v": { "type": "integer", "minimum": 1e300 },
            "w": { "type": "integer", "minimum": 0.5, "maximum": 0.7 },
            "x": { "type": "integer", "maximum": -1e300 },
            "z": { "type": "object", "properties": "type", "oneOf": [{ "properties": { "a": {} } }] },
            "y": { "allOf": [{ "enum": ["a"] }, { "enum": ["b"] }] },
            "u": { "type": "string", "nullable": "true" },
            "r": { "type": "object", "required": [1] },
            "o": { "not": 1 },
            "p": { "type": "object", "additionalProperties": 1 },
        }),
    )));
    let mut pointers: Vec<&str> = diagnostics
        .errors
        .iter()
        .map(|error| error.pointer.strip_prefix(BODY).unwrap())
        .collect();
    pointers.sort_unstable();
    let expected = [
        "/properties/b/multipleOf",
        "/properties/c/enum",
        "/properties/d/type",
        "/properties/e/type",
        "/properties/f_g",
        "/properties/g/minimum",
        "/properties/h",
        "/properties/i/$ref",
        "/properties/j/$ref",
        "/properties/k/allOf",
        "/properties/l/anyOf",
        "/properties/m/enum",
        "/properties/n/pattern",
        "/properties/o/not",
        "/properties/p/additionalProperties",
        "/properties/q/properties",
        "/properties/r/required",
        "/properties/s/maxLength",
        "/properties/t/uniqueItems",
        "/properties/u/nullable",
        "/properties/v",
        "/properties/w",
        "/properties/x",
        "/properties/y/allOf",
        "/properties/z/properties",
    ];
    assert_eq!(pointers, expected);
    for error in diagnostics.errors {
        assert_eq!(error.file, "x.json");
        assert!(!error.what.is_empty() && !error.remedy.is_empty());
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn an_unchecked_or_unknown_keyword_is_a_warning() {
    let (merged, diagnostics) = read(create(body(
        "a/b",
        json!({
            "a": { "type": "string", "pattern": "^x" },
            "b": { "type": "string", "format": "color" },
            "c": { "type": "string", "frobnicate": 1 },
        }),
    )));
    assert_eq!(diagnostics.errors, []);
    let mut places: Vec<&str> = diagnostics
        .warnings
        .iter()
        .map(|warning| warning.pointer.strip_prefix(BODY).unwrap())
        .collect();
    places.sort_unstable();
    assert_eq!(
        places,
        [
            "/properties/a/pattern",
            "/properties/b/format",
            "/properties/c/frobnicate"
        ]
    );
    assert_eq!(merged.requests.len(), 1);
}

#[test]
fn a_place_behind_references_and_parts_is_reported_where_it_stands_in_the_file() {
    let mut document = one(json!({
        "openapi": "3.0.0",
        "paths": { "/v2/video/generations": { "post": {
            "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/A.b" } } } },
        } } },
        "components": { "schemas": {
            "A.b": { "allOf": [body("a/b", json!({})), { "$ref": "#/components/schemas/C" }] },
            "C": { "type": "object", "properties": { "c": { "type": "strange" } } },
        } },
    }));
    let (_, diagnostics) = read(document.clone());
    assert_eq!(
        diagnostics.errors[0].pointer,
        "/components/schemas/C/properties/c/type"
    );
    // A circle of references is no way to anywhere.
    document[0].published["components"]["schemas"]["C"] = json!({ "allOf": [{ "$ref": "#/components/schemas/C" }, { "$ref": "#/components/schemas/C" }] });
    let (_, diagnostics) = read(one(document[0].published.clone()));
    assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
}

#[test]
fn references_that_multiply_are_an_error() {
    let mut schemas = json!({ "Deep30": { "type": "string" } });
    for depth in 0..30 {
        let next = json!({ "$ref": format!("#/components/schemas/Deep{}", depth + 1) });
        schemas[format!("Deep{depth}")] =
            json!({ "type": "object", "properties": { "a": next, "b": next } });
    }
    let mut document = create(body(
        "a/b",
        json!({ "deep": { "$ref": "#/components/schemas/Deep0" } }),
    ));
    let mut published = document.remove(0).published;
    published["components"] = json!({ "schemas": schemas });
    let (_, diagnostics) = read(one(published));
    assert!(!diagnostics.errors.is_empty());
}

#[test]
fn a_schema_that_is_nested_too_deep_is_an_error() {
    let mut deep = json!({ "type": "string" });
    for _ in 0..40 {
        deep = json!({ "type": "array", "items": deep });
    }
    let (_, diagnostics) = read(create(body("a/b", json!({ "deep": deep }))));
    assert_eq!(diagnostics.errors.len(), 1);
    assert!(diagnostics.errors[0].pointer.ends_with("/items"));
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
fn an_arm_without_a_model_is_a_warning_and_a_contradictory_one_an_error() {
    let arms = |other: Value| {
        json!({
            "type": "object",
            "properties": { "prompt": { "type": "string" } },
            "oneOf": [body("a/b", json!({})), other],
        })
    };
    let (merged, diagnostics) = read(create(arms(json!({ "type": "object" }))));
    assert_eq!(merged.requests.len(), 1);
    assert_eq!(diagnostics.errors, []);
    assert_eq!(diagnostics.warnings[0].pointer, format!("{BODY}/oneOf/1"));
    let nested = json!({ "anyOf": [body("a/c", json!({})), body("a/d", json!({}))] });
    assert_eq!(super::merged(create(arms(nested))).requests.len(), 3);
    let contradicting = body("a/c", json!({ "prompt": { "type": "boolean" } }));
    let (_, diagnostics) = read(create(arms(contradicting)));
    assert_eq!(diagnostics.errors[0].pointer, format!("{BODY}/oneOf/1"));
}

#[test]
fn a_request_of_a_model_with_several_bodies_matches_one_of_them() {
    let several = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/defects/by-design/several_bodies.json"
    ));
    let merged = merged(one(serde_json::from_str(&several.unwrap()).unwrap()));
    assert_eq!(merged.requests.len(), 1);
    assert_eq!(merged.requests[0].model.checks.len(), 1);
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
fn an_id_with_a_line_break_is_refused() {
    let id = "a/b`.\npub fn injected() -> u8 { 7 }\n/// x";
    let (merged, diagnostics) = read(create(body(id, json!({}))));
    assert_eq!((merged.requests.len(), diagnostics.errors.len()), (0, 1));
    assert_eq!(
        diagnostics.errors[0].pointer,
        format!("{BODY}/properties/model/enum")
    );
}

#[test]
fn a_model_with_several_bodies_has_one_struct_for_all() {
    let arm = |property: &str, schema: Value| {
        json!({
            "type": "object",
            "required": [property, "prompt"],
            "properties": { property: schema, "prompt": { "type": "string" } },
        })
    };
    let mine = |mut arm: Value| {
        arm["properties"]["model"] = json!({ "type": "string", "enum": ["a/b"] });
        arm
    };
    let text = || arm("text", json!({ "type": "string" }));
    let link = || arm("link", json!({ "type": "string", "format": "uri" }));
    let count = || arm("text", json!({ "type": "integer" }));
    let model = json!({ "model": { "type": "string", "enum": ["a/b"] } });
    let bodies = [
        // The model stands in every arm, beside the arms, or in some of the arms.
        json!({ "oneOf": [mine(text()), mine(link()), mine(count())] }),
        json!({ "type": "object", "properties": model, "oneOf": [text(), link(), count()] }),
        json!({ "type": "object", "properties": model, "oneOf": [mine(text()), link(), count()] }),
    ];
    for body in bodies {
        let merged = merged(create(body));
        assert_eq!(merged.requests.len(), 1);
        let model = &merged.requests[0].model;
        let fields: Vec<(&str, bool)> = model
            .properties
            .iter()
            .map(|field| (field.name.as_str(), field.required))
            .collect();
        let expected = [
            ("link", false),
            ("model", true),
            ("prompt", true),
            ("text", false),
        ];
        assert_eq!(fields, expected);
        assert_eq!(model.checks.len(), 1);
        assert_eq!(
            model.properties[3].schema.allowed(),
            "a string, or an integer"
        );
    }
}

#[test]
fn an_arm_that_inherits_its_model_is_kept() {
    let arm = |model: Option<&str>, property: &str| {
        let mut arm = json!({ "type": "object", "properties": { property: { "type": "string" } } });
        if let Some(model) = model {
            arm["properties"]["model"] = json!({ "type": "string", "enum": [model] });
        }
        arm
    };
    let merged = merged(create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/x", "a/y"] } },
        "oneOf": [arm(Some("a/x"), "one"), { "oneOf": [arm(None, "two"), arm(Some("a/y"), "three")] }],
    })));
    let of = |id: &str| {
        let request = merged
            .requests
            .iter()
            .find(|request| request.create.model == id);
        let fields = request.unwrap().model.properties.iter();
        fields.map(|field| field.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("a/x"), ["model", "one", "two"]);
    assert_eq!(of("a/y"), ["model", "three", "two"]);
}

#[test]
fn a_dangling_body_is_reported_as_such_and_a_body_at_another_path_is_found() {
    let (_, diagnostics) = read(create(json!({ "$ref": "#/components/schemas/Gone" })));
    assert_eq!(diagnostics.errors.len(), 1);
    assert_eq!(diagnostics.errors[0].pointer, format!("{BODY}/$ref"));
    assert!(diagnostics.errors[0].what.contains("cannot resolve"));
    let mut document = create(json!({ "$ref": "#/paths/~1other/post/schema" }))
        .remove(0)
        .published;
    document["paths"]["/other"] = json!({ "post": { "schema": body("a/b", json!({ "x": {} })) } });
    let (merged, diagnostics) = read(one(document));
    assert_eq!(diagnostics.errors, []);
    assert_eq!(merged.requests[0].model.properties.len(), 2);
}

#[test]
fn a_place_in_a_part_beside_properties_is_reported_where_it_stands() {
    let (_, diagnostics) = read(create(json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] } },
        "allOf": [{ "properties": { "c": { "type": "strange" } } }],
    })));
    assert_eq!(
        diagnostics.errors[0].pointer,
        format!("{BODY}/allOf/0/properties/c/type")
    );
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
