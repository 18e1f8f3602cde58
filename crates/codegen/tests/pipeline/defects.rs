//! Every class of defect in a minimal document, and unusual documents that need no repair.

use std::{collections::BTreeSet, fs, path::PathBuf};

use aimlapi_video_contract::Schema;
use serde_json::{Value, json};

use super::{client, create, merged, read};
use aimlapi_video_codegen::{Diagnostics, Document, Route, document, repair, rust};

/// A repair, a place in its repaired fixture, and the value there (`null` for none).
fn repaired() -> Vec<(&'static str, String, Value)> {
    let post = |below: &str| format!("/paths/~1v2~1video~1generations/post{below}");
    let body = |below: &str| {
        post(&format!(
            "/requestBody/content/application~1json/schema{below}"
        ))
    };
    let value = |below: &str| body(&format!("/properties/value{below}"));
    let get = "/paths/~1v2~1video~1generations/get/parameters/0/in".to_owned();
    let legacy = "/paths/~1v2~1generate~1video~1kling~1generation";
    vec![
        (
            "references",
            body("/properties/camera/properties/pan/maximum"),
            json!(10),
        ),
        (
            "unused_components",
            "/components/schemas/Chat.v1.ModelDTO".into(),
            Value::Null,
        ),
        ("boolean_schema", value(""), json!({})),
        ("const_value", value("/enum"), json!([5])),
        (
            "exclusive_limit",
            value(""),
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 1 }),
        ),
        ("content_encoding", value("/format"), json!("byte")),
        (
            "type_list",
            value(""),
            json!({
                "anyOf": [{ "type": "string", "maxLength": 9 }, { "type": "integer", "maximum": 5 }],
                "nullable": true,
            }),
        ),
        (
            "all_of",
            value(""),
            json!({ "type": "integer", "minimum": 1, "maximum": 9 }),
        ),
        (
            "response_without_description",
            post("/responses/200/description"),
            json!(""),
        ),
        (
            "default_response_alone",
            post("/responses/200/content/application~1json/schema/properties/generation_id/type"),
            json!("string"),
        ),
        (
            "fetch_with_body",
            "/paths/~1v2~1video~1generations/get/requestBody".into(),
            Value::Null,
        ),
        ("parameter_without_in", get.clone(), json!("query")),
        ("parameter_of_no_path", get, json!("query")),
        (
            "parameter_of_many",
            format!("{legacy}/get/parameters"),
            json!([{ "name": "generation_id", "in": "query", "required": true, "schema": { "type": "string" } }]),
        ),
        (
            "bearer_scheme_in_header",
            "/components/securitySchemes/key/in".into(),
            Value::Null,
        ),
        (
            "required_inside_property",
            body("/required"),
            json!(["model", "value"]),
        ),
        ("required_without_property", value(""), json!({})),
        (
            "enum_without_type",
            format!(
                "{legacy}/post/requestBody/content/application~1json/schema/properties/value/type"
            ),
            json!("string"),
        ),
        ("limit_without_type", value("/type"), json!("number")),
        ("enum_repeats_value", value("/enum"), json!(["a", "b"])),
        (
            "enum_value_of_other_type",
            value("/enum"),
            json!(["a", "b"]),
        ),
        ("enum_empty", value(""), json!({ "type": "string" })),
        ("enum_with_null", value("/enum"), json!(["a"])),
        ("number_enum_as_text", value("/type"), json!("integer")),
        ("integer_enum_as_number", value("/type"), json!("integer")),
        (
            "null_arm",
            value(""),
            json!({ "type": "string", "maxLength": 9, "nullable": true }),
        ),
        (
            "enum_in_arms",
            value(""),
            json!({ "type": "integer", "enum": [5, 10], "default": 10 }),
        ),
        (
            "limits_swapped",
            value(""),
            json!({ "type": "integer", "minimum": 1, "maximum": 9 }),
        ),
        ("uuid_format", value(""), json!({ "type": "string" })),
        ("number_default_as_text", value("/default"), json!(5)),
        ("default_not_allowed", value("/default"), Value::Null),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/defects"
    ))
}

fn fixture(name: &str) -> Document {
    let file = format!("{name}.json");
    document::folder::load(&file, &folder().join(&file)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn every_repair_corrects_its_minimal_document() {
    let repaired = repaired();
    let names: BTreeSet<&str> = repaired.iter().map(|(name, ..)| *name).collect();
    let repairs: BTreeSet<&str> = repair::ALL.iter().map(|repair| repair.name).collect();
    assert_eq!(names, repairs);
    for (name, pointer, expected) in repaired {
        let mut document = fixture(name);
        let published = fs::read(folder().join(&document.file)).unwrap();
        let published: Value = serde_json::from_slice(&published).unwrap();
        let before = published.pointer(&pointer).cloned().unwrap_or_default();
        assert_ne!(before, expected, "{name} shows no defect");
        repair::apply(&mut document);
        assert!(
            document.repairs.contains(&name),
            "{name}: {:?}",
            document.repairs
        );
        let after = document
            .value
            .pointer(&pointer)
            .cloned()
            .unwrap_or_default();
        assert_eq!(after, expected, "{name}");
        repair::apply(&mut document);
        assert_eq!(document.repairs, [""; 0], "{name} is repaired twice");
    }
}

/// The minimal documents of all defects and of unusual forms.
pub(super) fn all() -> Vec<Document> {
    let mut diagnostics = Diagnostics::default();
    let documents = document::read(&folder(), &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    documents
}

#[test]
fn every_defect_and_oddity_builds_alone() {
    for document in all() {
        let file = document.file.clone();
        let (merged, diagnostics) = read(vec![document]);
        assert_eq!(diagnostics.errors, [], "{file}");
        let mut diagnostics = Diagnostics::default();
        let source = rust::generate(&merged, &client, &mut diagnostics);
        assert_eq!(diagnostics.errors, [], "{file}");
        assert!(source.is_some(), "{file}");
    }
}

#[test]
fn a_body_of_several_models_gives_one_request_each() {
    for (name, route, ids) in [
        (
            "several_models",
            Route::LegacyKling,
            ["example/several-1", "example/several-2"],
        ),
        (
            "one_of_models",
            Route::Universal,
            ["example/one-of-1", "example/one-of-2"],
        ),
    ] {
        let merged = merged(vec![fixture(&format!("by-design/{name}"))]);
        let found: Vec<(Route, &str)> = merged
            .requests
            .iter()
            .map(|request| (request.create.route, request.create.model.as_str()))
            .collect();
        assert_eq!(found, ids.map(|id| (route, id)));
    }
    let merged = merged(vec![fixture("by-design/one_of_models")]);
    let fields: Vec<&str> = merged.requests[1]
        .model
        .properties
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(fields, ["duration", "model", "prompt"]);
}

#[test]
fn references_of_all_kinds_are_resolved() {
    let merged = merged(vec![fixture("by-design/references_of_all_kinds")]);
    assert_eq!(merged.requests[0].model.properties.len(), 2);
}

#[test]
fn a_server_in_a_document_is_not_in_the_generated_source() {
    let merged = merged(vec![fixture("by-design/staging_server")]);
    let source = rust::generate(&merged, &client, &mut Diagnostics::default()).unwrap();
    for (name, text) in source.files {
        assert!(!text.contains("staging.aimlapi"), "{name}");
    }
}

fn joined(schema: Value) -> Value {
    let body =
        json!({ "type": "object", "properties": { "model": { "enum": ["a/b"] }, "x": schema } });
    let mut document = create(body).remove(0);
    repair::apply(&mut document);
    let at = "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema/properties/x";
    document.value.pointer(at).unwrap().clone()
}

#[test]
fn parts_of_a_schema_are_joined_into_one_that_allows_what_all_allow() {
    let number = |more: Value| {
        let mut number = json!({ "type": "number" });
        number
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        number
    };
    let all = |parts: Vec<Value>| joined(json!({ "allOf": parts }));
    // A limit and whether it is allowed itself go together.
    let zero = || number(json!({ "minimum": 0, "exclusiveMinimum": true }));
    let five = || number(json!({ "minimum": 5 }));
    assert_eq!(all(vec![zero(), five()]), five());
    assert_eq!(all(vec![five(), zero()]), five());
    let from_zero = number(json!({ "minimum": 0 }));
    assert_eq!(all(vec![zero(), from_zero.clone()]), zero());
    assert_eq!(all(vec![from_zero, zero()]), zero());
    // `null` passes where every type lets it.
    let text = json!({ "type": "string" });
    let null = json!({ "type": "string", "nullable": true });
    assert_eq!(all(vec![null.clone(), text.clone()]), text);
    assert_eq!(all(vec![null.clone(), null.clone()]), null);
    assert_eq!(
        all(vec![json!({ "maxLength": 3 }), null.clone()])["nullable"],
        true
    );
    // A keyword that one schema cannot hold twice stays in `allOf`, under the index of its part.
    let patterns = all(vec![
        json!({ "type": "string", "pattern": "a" }),
        json!({ "pattern": "b" }),
    ]);
    assert_eq!(patterns["pattern"], "a");
    assert_eq!(
        patterns["allOf"],
        json!([{}, { "pattern": "b", "type": "string" }])
    );
}

#[test]
fn swapped_limits_keep_their_flags_and_null_needs_a_type_that_allows_it() {
    assert_eq!(
        joined(json!({ "type": "number", "minimum": 9, "exclusiveMinimum": true, "maximum": 1 })),
        json!({ "type": "number", "minimum": 1, "maximum": 9, "exclusiveMaximum": true })
    );
    let arms =
        json!([{ "type": "string", "nullable": true }, { "type": "string", "format": "uri" }]);
    let typed = joined(json!({ "type": "string", "anyOf": arms }));
    assert_eq!(typed.get("nullable"), None);
    let untyped = joined(json!({ "anyOf": arms }));
    assert_eq!(untyped["nullable"], true);
    let lists = json!([{ "type": "string", "enum": ["a"] }, { "type": "string", "enum": ["b"], "nullable": true }]);
    assert_eq!(
        joined(json!({ "anyOf": lists })),
        json!({ "type": "string", "enum": ["a", "b"], "nullable": true })
    );
}

#[test]
fn parts_that_do_not_contradict_each_other_are_all_kept() {
    let (merged, diagnostics) = read(create(json!({
        "type": "object",
        "properties": {
            "model": { "enum": ["a/b"] },
            "x": { "allOf": [
                { "anyOf": [{ "type": "string" }, { "type": "integer" }] },
                { "anyOf": [{ "type": "boolean" }, { "type": "string", "maxLength": 2 }] },
            ] },
        },
    })));
    assert_eq!(diagnostics.errors, []);
    let field = &merged.requests[0].model.properties[1];
    let Schema::Checked { checks, .. } = &field.schema else {
        panic!("{:?}", field.schema);
    };
    assert_eq!(checks.len(), 2, "{checks:?}");
}
