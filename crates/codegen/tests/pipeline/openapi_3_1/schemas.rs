//! Schemas of OpenAPI 3.1, each compared with what it means in 3.0.

use aimlapi_video_contract::Property;
use serde_json::{Value, json};

use super::{
    super::{create, one, read},
    body, newer,
};
use aimlapi_video_codegen::Diagnostics;

pub(super) fn components() -> Value {
    json!({
        "Text": { "type": "string", "maxLength": 5 },
        "Sizes": { "$defs": { "Size": { "enum": ["s", "l"] } } },
        "Anything": true,
        "Loop": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Loop" } } },
    })
}

/// The property `p` of a document in 3.1, and the reports.
fn property(schema: Value) -> (Option<Property>, Diagnostics) {
    let (mut merged, diagnostics) = read(one(newer(body(schema), components())));
    let request = merged.requests.pop();
    let property = request.and_then(|mut request| request.model.properties.pop());
    (property, diagnostics)
}

#[test]
fn a_schema_of_3_1_means_what_one_of_3_0_means() {
    let text = "#/components/schemas/Text";
    for (newer, older) in [
        (
            json!({ "type": ["string", "null"], "maxLength": 5 }),
            json!({ "type": "string", "maxLength": 5, "nullable": true }),
        ),
        (json!({ "type": ["string"] }), json!({ "type": "string" })),
        (
            json!({ "enum": [5.0, 10.0], "const": 5 }),
            json!({ "enum": [5] }),
        ),
        (
            json!({ "enum": [null], "oneOf": [{ "type": "boolean" }, { "type": "null" }] }),
            json!({ "enum": [null] }),
        ),
        (
            json!({ "type": ["string", "integer"], "maxLength": 5, "maximum": 3 }),
            json!({ "anyOf": [{ "type": "string", "maxLength": 5 }, { "type": "integer", "maximum": 3 }] }),
        ),
        (
            json!({ "type": ["string", "array", "null"], "items": { "type": "string" } }),
            json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }], "nullable": true }),
        ),
        (
            json!({ "type": ["integer", "boolean"], "anyOf": [{ "enum": [1] }, { "enum": [true] }] }),
            json!({
                "anyOf": [{ "enum": [1] }, { "enum": [true] }],
                "allOf": [{ "anyOf": [{ "type": "integer" }, { "type": "boolean" }] }],
            }),
        ),
        (
            json!({ "const": "a" }),
            json!({ "type": "string", "enum": ["a"] }),
        ),
        (
            json!({ "type": "integer", "enum": [1, 2], "const": 2 }),
            json!({ "type": "integer", "enum": [2] }),
        ),
        // `null` has to be in the list, too.
        (
            json!({ "type": ["string", "null"], "enum": ["a", "b"] }),
            json!({ "type": "string", "enum": ["a", "b"] }),
        ),
        (
            json!({ "type": ["string", "null"], "enum": ["a", null, 5] }),
            json!({ "type": "string", "enum": ["a"], "nullable": true }),
        ),
        (
            json!({ "type": ["string", "integer"], "enum": ["a", 5, true] }),
            json!({ "enum": ["a", 5] }),
        ),
        (
            json!({ "type": ["string", "null"], "anyOf": [{ "minLength": 1 }, { "const": null }] }),
            json!({ "type": "string", "minLength": 1, "nullable": true }),
        ),
        (
            json!({ "anyOf": [{ "type": "string" }, { "const": null }] }),
            json!({ "type": "string", "nullable": true }),
        ),
        (
            json!({ "oneOf": [{ "type": ["null"] }, { "type": "integer" }] }),
            json!({ "type": "integer", "nullable": true }),
        ),
        (
            json!({ "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 9, "maximum": 5 }),
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 5 }),
        ),
        (
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": 0 }),
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true }),
        ),
        // Tools state another version and go on writing 3.0.
        (
            json!({ "type": "number", "nullable": true, "minimum": 0, "exclusiveMinimum": true }),
            json!({ "type": "number", "nullable": true, "minimum": 0, "exclusiveMinimum": true }),
        ),
        (
            json!({ "type": "array", "items": false }),
            json!({ "type": "array", "maxItems": 0, "items": {} }),
        ),
        (
            json!({ "type": "array", "items": true, "examples": [[1]] }),
            json!({ "type": "array", "items": {} }),
        ),
        (
            json!({ "anyOf": [false, { "type": "string" }], "allOf": [true], "not": false }),
            json!({ "anyOf": [{ "type": "string" }] }),
        ),
        (
            json!({ "$ref": text, "description": "d" }),
            json!({ "type": "string", "maxLength": 5 }),
        ),
        (
            json!({ "$ref": text, "maxLength": 9, "minLength": 2, "default": "ab" }),
            json!({ "type": "string", "minLength": 2, "maxLength": 5, "default": "ab" }),
        ),
        (
            json!({ "$ref": text, "pattern": "a", "allOf": [{ "pattern": "b" }] }),
            json!({ "type": "string", "maxLength": 5, "pattern": "a", "allOf": [{ "pattern": "b" }] }),
        ),
        (
            json!({ "$ref": "#/components/schemas/Sizes/$defs/Size" }),
            json!({ "type": "string", "enum": ["s", "l"] }),
        ),
        (
            json!({ "$defs": { "A/B": { "type": "integer" } }, "$ref": "#/$defs/A~1B", "maximum": 3 }),
            json!({ "type": "integer", "maximum": 3 }),
        ),
        (
            json!({ "$ref": "#/components/schemas/Anything" }),
            json!({}),
        ),
        (
            json!({ "type": "string", "contentEncoding": "base64", "contentMediaType": "image/png" }),
            json!({ "type": "string", "format": "byte" }),
        ),
        (
            json!({ "type": "string", "contentMediaType": "application/octet-stream" }),
            json!({ "type": "string", "format": "binary" }),
        ),
    ] {
        let (new, of_new) = property(newer.clone());
        let (mut merged, of_old) = read(create(body(older)));
        let old = merged.requests.remove(0).model.properties.pop();
        assert_eq!(of_new.errors, [], "{newer}");
        assert_eq!(
            of_new.warnings.len(),
            of_old.warnings.len(),
            "{newer}: {of_new:?}"
        );
        assert_eq!(new, old, "{newer}");
    }
}

#[test]
fn a_constraint_of_3_1_that_is_not_enforced_is_reported_and_kept() {
    let integer = json!({ "type": ["integer", "null"] });
    for (schema, keywords) in [
        (
            json!({ "type": "array", "prefixItems": [integer], "items": false }),
            vec!["items", "prefixItems"],
        ),
        (
            json!({ "type": "array", "contains": integer, "minContains": 2 }),
            vec!["contains", "minContains"],
        ),
        (
            json!({ "type": "array", "unevaluatedItems": false }),
            vec!["unevaluatedItems"],
        ),
        (
            json!({ "type": "object", "patternProperties": { "^x": integer }, "additionalProperties": false }),
            vec!["additionalProperties", "patternProperties"],
        ),
        (
            json!({ "type": "object", "propertyNames": { "maxLength": 3 } }),
            vec!["propertyNames"],
        ),
        (
            json!({ "type": "object", "dependentRequired": { "a": ["b"] } }),
            vec!["dependentRequired"],
        ),
        (
            json!({ "type": "object", "dependentSchemas": { "a": integer } }),
            vec!["dependentSchemas"],
        ),
        (
            json!({ "type": "object", "unevaluatedProperties": false }),
            vec!["unevaluatedProperties"],
        ),
        (
            json!({ "if": { "const": 1 }, "then": { "type": "integer" }, "else": { "$ref": "#/components/schemas/Text" } }),
            vec!["else", "if", "then"],
        ),
        (
            json!({ "type": "string", "contentEncoding": "base64url" }),
            vec!["contentEncoding"],
        ),
        (json!(false), vec!["not"]),
    ] {
        let (property, diagnostics) = property(schema.clone());
        assert_eq!(diagnostics.errors, [], "{schema}");
        let warned: Vec<&str> = diagnostics
            .warnings
            .iter()
            .map(|warning| warning.what.split('`').nth(1).unwrap())
            .collect();
        assert_eq!(warned, keywords, "{schema}");
        let exported = property.unwrap().schema.json_schema();
        for keyword in keywords {
            let published = schema
                .get(keyword)
                .filter(|value| value.get("$ref").is_none());
            let is_kept = published.is_none_or(|value| exported[keyword] == *value);
            assert!(is_kept, "{schema}: {exported}");
        }
    }
}

#[test]
fn keywords_that_depend_on_each_other_stay_together_when_parts_are_joined() {
    let text = json!({ "type": "string" });
    for (keywords, other) in [
        (
            json!({ "if": { "minItems": 1 }, "then": { "maxItems": 3 } }),
            json!({ "if": { "minItems": 2 }, "else": { "maxItems": 0 } }),
        ),
        (
            json!({ "contains": { "const": 1 } }),
            json!({ "contains": text, "minContains": 2 }),
        ),
        (
            json!({ "items": { "type": "integer" } }),
            json!({ "prefixItems": [text], "items": { "type": "string" } }),
        ),
    ] {
        let schema = json!({ "type": ["array", "null"], "allOf": [keywords, other] });
        let (property, diagnostics) = property(schema.clone());
        assert_eq!(diagnostics.errors, [], "{schema}");
        let exported = property.unwrap().schema.json_schema();
        let judges =
            [&schema, &exported].map(|schema| jsonschema::draft202012::new(schema).unwrap());
        for value in [
            json!([]),
            json!([1]),
            json!(["a", 1]),
            json!(["a", "b"]),
            json!([1, "a", "b"]),
        ] {
            let [published, exported] = judges.each_ref().map(|judge| judge.is_valid(&value));
            assert_eq!(published, exported, "{value} by {schema}");
        }
    }
}

#[test]
fn a_schema_of_3_1_that_cannot_be_read_stops_the_build() {
    let at = "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema/properties/p";
    for (schema, place, what) in [
        (
            json!({ "$dynamicRef": "#x" }),
            "/$dynamicRef",
            "cannot resolve",
        ),
        (
            json!({ "$ref": "#anchor", "maxLength": 3 }),
            "/$ref",
            "cannot resolve",
        ),
        (
            json!({ "$ref": "#/$defs/Nowhere" }),
            "/$ref",
            "cannot resolve",
        ),
        (json!({ "type": ["string", "text"] }), "/type", "not a type"),
        (json!({ "type": [] }), "/type", "not a type"),
        (
            json!({ "enum": ["a"], "const": "b" }),
            "/const",
            "not among",
        ),
        (
            json!({ "type": ["string", "null"], "enum": [1.5] }),
            "/enum",
            "no value of the type",
        ),
        (
            json!({ "$ref": "#/components/schemas/Text", "type": "integer" }),
            "",
            "contradict",
        ),
        (
            json!({ "$schema": "http://json-schema.org/draft-07/schema#", "type": "string" }),
            "/$schema",
            "not the dialect",
        ),
    ] {
        let (_, diagnostics) = property(schema.clone());
        let [error] = diagnostics.errors.as_slice() else {
            panic!("{schema}: {diagnostics:?}");
        };
        assert!(error.what.contains(what), "{schema}: {error}");
        assert_eq!(error.pointer, format!("{at}{place}"), "{schema}");
    }
    // The place below a reference, whose siblings the build joins with its target.
    let schema = json!({ "$ref": "#/components/schemas/Loop", "minProperties": 1 });
    let (_, diagnostics) = property(schema);
    assert_eq!(diagnostics.errors[0].pointer, "/components/schemas/Loop");
}
