//! Bodies that cannot be read, or not in full: what is reported, and where.

use serde_json::{Value, json};

use super::{create, one, read};
use aimlapi_video_codegen::Diagnostics;

pub(super) const BODY: &str =
    "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";

pub(super) fn body(model: &str, more: Value) -> Value {
    let mut body = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": [model] } } });
    for (name, schema) in more.as_object().unwrap() {
        body["properties"][name] = schema.clone();
    }
    body
}

pub(super) fn files(diagnostics: &Diagnostics) -> Vec<&str> {
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
fn an_id_with_a_line_break_is_refused() {
    let id = "a/b`.\npub fn injected() -> u8 { 7 }\n/// x";
    let (merged, diagnostics) = read(create(body(id, json!({}))));
    assert_eq!((merged.requests.len(), diagnostics.errors.len()), (0, 1));
    assert_eq!(
        diagnostics.errors[0].pointer,
        format!("{BODY}/properties/model/enum")
    );
}
