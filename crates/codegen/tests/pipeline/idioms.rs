//! Forms that publishers write for what OpenAPI has another form for, and keywords that contradict each other.

use serde_json::{Value, json};

use super::{create, merged, read};
use aimlapi_video_contract::{Property, Schema};

fn body(schema: Value) -> Value {
    json!({
        "type": "object",
        "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": schema },
    })
}

/// The property `p`, read without diagnostics.
fn property(schema: Value) -> Property {
    let mut request = merged(create(body(schema))).requests.remove(0);
    request.model.properties.remove(1)
}

#[test]
fn a_format_of_numbers_states_the_type_that_is_missing() {
    for (schema, expected) in [
        (json!({ "format": "int64" }), Schema::integer(None, None)),
        (
            json!({ "format": "int32", "minimum": 1 }),
            Schema::integer(Some(1), None),
        ),
        (json!({ "format": "double" }), Schema::number(None, None)),
        (json!({ "format": "uri" }), Schema::Uri),
    ] {
        assert_eq!(property(schema.clone()).schema, expected, "{schema}");
    }
}

#[test]
fn nullable_beside_nothing_but_parts_allows_null() {
    let text = json!({ "type": "string", "maxLength": 9 });
    let null = property(json!({ "type": "string", "maxLength": 9, "nullable": true }));
    for schema in [
        json!({ "nullable": true, "allOf": [text] }),
        json!({ "nullable": true, "description": "d", "allOf": [{ "type": "string" }, { "maxLength": 9 }] }),
        json!({ "allOf": [{ "nullable": true, "allOf": [text] }] }),
    ] {
        assert_eq!(property(schema.clone()), null, "{schema}");
    }
    let other = json!({ "type": "string", "nullable": true, "allOf": [text] });
    assert!(!property(other).nullable, "the part refuses it");
}

#[test]
fn a_default_that_a_limit_forbids_is_dropped() {
    for (schema, is_kept) in [
        (
            json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true, "default": 0 }),
            false,
        ),
        (
            json!({ "type": "number", "exclusiveMaximum": 5, "default": 5 }),
            false,
        ),
        (
            json!({ "type": "integer", "multipleOf": 8, "default": 12 }),
            false,
        ),
        (
            json!({ "type": "string", "maxLength": 3, "default": "éééé" }),
            false,
        ),
        (
            json!({ "type": "string", "minLength": 1, "default": "" }),
            false,
        ),
        (
            json!({ "type": "array", "items": {}, "minItems": 1, "default": [] }),
            false,
        ),
        (
            json!({ "type": "string", "maxLength": 4, "default": "éééé" }),
            true,
        ),
        (
            json!({ "type": "integer", "multipleOf": 8, "minimum": 8, "exclusiveMinimum": false, "default": 8 }),
            true,
        ),
    ] {
        let (merged, _) = read(create(body(schema.clone())));
        let default = &merged.requests[0].model.properties[1].default;
        assert_eq!(default.is_some(), is_kept, "{schema}");
    }
}
