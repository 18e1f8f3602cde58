//! Documents in OpenAPI 3.1: each means what its twin in 3.0 means, or is reported.

mod schemas;
pub(super) mod twins;

use aimlapi_video_contract::Schema;
use serde_json::{Value, json};

use self::{schemas::components, twins::stripped};
use super::{create, merged, one, read};
use aimlapi_video_codegen::{Document, Route};

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

#[test]
fn a_file_in_another_dialect_or_version_is_refused() {
    let parse = |version: &str, dialect: &str| {
        let text = json!({ "openapi": version, "jsonSchemaDialect": dialect, "webhooks": {} });
        Document::parse("x.json", text.to_string().as_bytes())
    };
    let base = "https://spec.openapis.org/oas/3.1/dialect/base";
    assert!(parse("3.1.1", base).is_ok());
    assert!(parse("3.1.0", "https://json-schema.org/draft/2020-12/schema").is_ok());
    assert!(parse("3.1.0", "https://json-schema.org/draft/2020-12/schema#").is_ok());
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
fn a_reference_to_definitions_around_it_is_found_beside_those_of_the_file() {
    let model = json!({ "const": "a/b" });
    let refer = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    let mut document = newer(
        json!({
            "type": "object",
            "$defs": { "A": { "type": "integer" } },
            "properties": { "model": model, "a": refer("A"), "b": refer("B") },
        }),
        components(),
    );
    document["$defs"] = json!({ "B": { "type": "string" } });
    let merged = merged(one(document));
    let [a, b, _] = &*merged.requests[0].model.properties else {
        panic!("{merged:?}");
    };
    assert_eq!(a.schema, Schema::integer(None, None));
    assert_eq!(b.schema, Schema::string(0, None));
}

#[test]
fn a_reference_to_definitions_takes_the_outermost_of_a_name() {
    let refer = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    let inner = json!({
        "$defs": { "A": { "type": "string" }, "C%25": { "type": "boolean" } },
        "type": "object",
        "properties": { "a": refer("A"), "c": refer("C%2525") },
    });
    let mut schema = body(inner);
    schema["$defs"] = json!({ "A": { "type": "integer" } });
    let merged = merged(one(newer(schema, components())));
    let Schema::Object(p) = merged.requests[0].model.properties[1].schema.typed() else {
        panic!("{merged:?}");
    };
    assert_eq!(p[0].schema, Schema::integer(None, None));
    assert_eq!(p[1].schema, Schema::Boolean);
}

#[test]
fn a_place_behind_a_percent_encoded_reference_is_reported_where_it_stands() {
    let refer = json!({ "$ref": "#/components/schemas/A%7E1B%20%7Bx%7D" });
    let wrong = json!({ "type": "string", "maxLength": -1 });
    let (_, diagnostics) = read(one(newer(body(refer), json!({ "A/B {x}": wrong }))));
    assert_eq!(
        diagnostics.errors[0].pointer,
        "/components/schemas/A~1B {x}/maxLength"
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
