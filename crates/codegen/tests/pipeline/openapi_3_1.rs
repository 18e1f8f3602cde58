//! Documents in OpenAPI 3.1: each means what its twin in 3.0 means, or is reported.

use std::{env, path::Path};

use aimlapi_video_contract::Property;
use serde_json::{Value, json};

use super::{client, create, one, read};
use aimlapi_video_codegen::{
    Diagnostics, Document, Merged, Route,
    diff::{self, Kind},
    document, rust, strip,
};

fn documents_in(folder: &Path) -> Vec<Document> {
    let mut diagnostics = Diagnostics::default();
    let documents = document::read(folder, &mut diagnostics);
    assert_eq!(diagnostics, Diagnostics::default());
    documents
}

/// The same documents in OpenAPI 3.0, or in 3.1 by one of the converters.
pub(super) fn twins(form: &str) -> Vec<Document> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/twins");
    documents_in(&Path::new(folder).join(form))
}

fn source(merged: &Merged) -> Vec<(&'static str, String)> {
    let mut diagnostics = Diagnostics::default();
    let source = rust::generate(merged, &client, &mut diagnostics);
    assert_eq!(diagnostics.errors, []);
    source.unwrap().files
}

/// Asserts that documents have the same contract and reports as their twins, and returns what was read from both.
fn same(documents: &[Document], twins: &[Document]) -> [Merged; 2] {
    let (old, of_old) = read(documents.to_vec());
    let (new, of_new) = read(twins.to_vec());
    let name = &twins[0].file;
    assert_eq!(of_old, of_new, "{name}");
    let models = |merged: &Merged| -> Vec<_> {
        let requests = merged.requests.iter();
        requests.map(|request| request.model.clone()).collect()
    };
    assert_eq!(models(&old), models(&new), "{name}");
    [old, new]
}

/// Vendored documents have no examples, for which the two versions have different keywords.
fn stripped(document: &Document) -> Document {
    Document::new(&*document.file, strip::strip(document))
}

#[test]
fn twins_of_both_converters_give_the_same_contract_and_source() {
    let documents = twins("3.0");
    for converter in ["openapi-format", "openapi-upgrader"] {
        let twins = twins(converter);
        let [old, new] = same(&documents, &twins);
        assert_eq!(new.requests.len(), 5);
        assert_eq!(diff::compare(&old, &new), []);
        assert_eq!(source(&old), source(&new));
    }
}

/// `.ci/openapi31/run` converts published documents and runs this test.
#[test]
#[ignore = "needs the folders OPENAPI_3_0 and OPENAPI_3_1"]
fn published_documents_converted_to_3_1_mean_the_same() {
    let [documents, twins] =
        ["OPENAPI_3_0", "OPENAPI_3_1"].map(|name| documents_in(env::var(name).unwrap().as_ref()));
    assert_eq!(documents.len(), twins.len());
    let mut changes = Vec::new();
    for (document, twin) in documents.iter().zip(&twins) {
        assert_eq!(document.file, twin.file);
        let [old, new] = same(std::slice::from_ref(document), std::slice::from_ref(twin));
        changes.extend(diff::compare(&old, &new));
    }
    // A converter may lose a fact of a response.
    let (responses, requests): (Vec<_>, Vec<_>) = changes
        .into_iter()
        .partition(|change| change.kind == Kind::AnswerChanged);
    assert_eq!(requests, []);
    let [documents, twins] =
        [documents, twins].map(|documents| documents.iter().map(stripped).collect::<Vec<_>>());
    let [old, new] = same(&documents, &twins);
    assert!(source(&old) == source(&new), "the source differs");
    let bytes: usize = source(&new).iter().map(|(_, text)| text.len()).sum();
    println!(
        "{} documents, {} requests: same contract, same source ({bytes} bytes); {} responses differ",
        twins.len(),
        new.requests.len(),
        responses.len(),
    );
}

/// A document in OpenAPI 3.1 whose create takes `schema`.
pub(super) fn newer(schema: Value, components: Value) -> Value {
    let mut published = create(schema).remove(0).published;
    published["openapi"] = json!("3.1.0");
    published["components"] = json!({ "schemas": components });
    published
}

fn body(property: Value) -> Value {
    json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": property },
    })
}

fn components() -> Value {
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

#[test]
fn a_file_in_another_dialect_or_version_is_refused() {
    let parse = |version: &str, dialect: &str| {
        let text = json!({ "openapi": version, "jsonSchemaDialect": dialect, "webhooks": {} });
        Document::parse("x.json", text.to_string().as_bytes())
    };
    let base = "https://spec.openapis.org/oas/3.1/dialect/base";
    assert!(parse("3.1.1", base).is_ok());
    assert!(parse("3.1.0", "https://json-schema.org/draft/2020-12/schema").is_ok());
    let error = parse("3.1.0", "http://json-schema.org/draft-07/schema#").unwrap_err();
    assert_eq!(error.pointer, "/jsonSchemaDialect");
    assert!(
        parse("3.2.0", base)
            .unwrap_err()
            .what
            .contains("only 3.0 and 3.1")
    );
}

#[test]
fn webhooks_are_left_out_and_paths_may_be_absent() {
    let post = newer(body(json!({ "type": "integer" })), json!({}));
    let item = post["paths"]["/v2/video/generations"].clone();
    let document = Document::new(
        "x.json",
        json!({ "openapi": "3.1.0", "webhooks": { "/v2/video/generations": item } }),
    );
    assert!(document.published.get("webhooks").is_none());
    let (merged, diagnostics) = read(vec![document]);
    assert_eq!((merged.requests.len(), diagnostics.errors), (0, Vec::new()));
    assert!(
        diagnostics.warnings[0]
            .what
            .contains("declares no operation")
    );
}

#[test]
fn a_path_that_is_a_reference_keeps_what_stands_beside_it() {
    let mut published = newer(body(json!({ "type": "integer" })), json!({}));
    let item = published["paths"]["/v2/video/generations"].take();
    published["components"]["pathItems"] = json!({ "Create": item });
    let answer = json!({ "responses": { "200": { "content": { "application/json": {
        "schema": { "type": ["object", "null"] },
    } } } } });
    published["paths"]["/v2/video/generations"] =
        json!({ "$ref": "#/components/pathItems/Create", "get": answer });
    let documents = one(published);
    let stripped = vec![stripped(&documents[0])];
    for documents in [documents, stripped] {
        let (merged, diagnostics) = read(documents);
        assert_eq!(diagnostics.errors, []);
        assert_eq!(merged.requests[0].model.properties.len(), 2);
        assert_eq!(
            merged.fetched[&Route::Universal].schema,
            json!({ "type": "object", "nullable": true })
        );
    }
}
