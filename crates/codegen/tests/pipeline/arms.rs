//! Bodies with arms: every property is a field, and rules and places in the file are kept.

use serde_json::{Value, json};

use aimlapi_video_codegen::rust::types;

use super::{create, merged, read};

const BODY: &str =
    "/paths/~1v2~1video~1generations/post/requestBody/content/application~1json/schema";

fn arm(property: &str) -> Value {
    json!({ "type": "object", "required": [property], "properties": { property: { "type": "integer" } } })
}

fn model() -> Value {
    json!({ "type": "string", "enum": ["a/b"] })
}

/// An arm of the model `a/b`.
fn mine(property: &str, schema: Value) -> Value {
    json!({ "type": "object", "required": ["model", property], "properties": { "model": model(), property: schema } })
}

#[test]
fn a_property_of_any_arm_is_a_field_and_is_required_if_all_arms_require_it() {
    let with = |more: Value| {
        let mut body = json!({ "type": "object", "properties": { "model": model() } });
        let more = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(more);
        body
    };
    let groups = json!([{ "anyOf": [arm("x"), arm("y")] }, { "anyOf": [arm("z"), arm("w")] }]);
    let deeper = json!([{ "anyOf": [{ "anyOf": [arm("x"), arm("y")] }, arm("z")] }]);
    for (body, fields) in [
        (with(json!({ "allOf": groups })), "model! w x y z"),
        (
            with(json!({ "oneOf": [arm("x")], "anyOf": [arm("y"), arm("z")] })),
            "model! x! y z",
        ),
        (
            with(json!({ "anyOf": [arm("x"), { "type": "object" }] })),
            "model! x",
        ),
        (
            with(json!({ "anyOf": [arm("x"), { "not": { "required": ["x"] } }] })),
            "model! x",
        ),
        (with(json!({ "anyOf": deeper[0]["anyOf"] })), "model! x y z"),
    ] {
        let (merged, diagnostics) = read(create(body.clone()));
        assert_eq!(diagnostics.errors, [], "{body}");
        let fields_of = merged.requests[0].model.properties.iter();
        let named = fields_of.map(|field| match field.required {
            true => format!("{}!", field.name),
            false => field.name.clone(),
        });
        assert_eq!(named.collect::<Vec<_>>().join(" "), fields, "{body}");
    }
    // Where no arm names a property, a nested object stays what it was.
    let nested = json!({ "p": { "anyOf": [{ "type": "object" }, { "type": "object", "minProperties": 1 }] } });
    let mut body = with(json!({}));
    body["properties"]["p"] = nested["p"].clone();
    let merged = merged(create(body));
    assert_eq!(
        types::rust("X", &merged.requests[0].model.properties[1].schema),
        "::serde_json::Value"
    );
}

#[test]
fn a_place_in_an_arm_or_a_part_is_reported_where_it_stands() {
    let integer = || json!({ "type": "integer" });
    let other = json!({ "type": "object", "properties": { "model": { "type": "string", "enum": ["a/c"] }, "x": {} } });
    let odd = json!({ "type": "string", "minLength": "q" });
    let pointers = |body: Value| -> Vec<String> {
        let (_, diagnostics) = read(create(body));
        let all = diagnostics.errors.iter().chain(&diagnostics.warnings);
        let pointers = all.map(|diagnostic| diagnostic.pointer.strip_prefix(BODY).unwrap());
        pointers.map(str::to_owned).collect()
    };
    let body = json!({ "oneOf": [other, mine("y", integer()), mine("x", odd)] });
    assert_eq!(pointers(body), ["/oneOf/2/properties/x/minLength"]);
    let part = json!({ "allOf": [{ "type": "string" }, { "pattern": "a" }, { "pattern": "b" }] });
    let body = json!({ "type": "object", "properties": { "model": model(), "p": part } });
    assert_eq!(
        pointers(body),
        [
            "/properties/p/allOf/2/pattern",
            "/properties/p/allOf/1/pattern"
        ]
    );
    let within = json!({ "allOf": [{ "pattern": "a" }, { "pattern": "b" }] });
    let part = json!({ "allOf": [{ "type": "string" }, within, { "pattern": "c" }] });
    let body = json!({ "oneOf": [other, mine("y", integer()), mine("x", part)] });
    assert_eq!(
        pointers(body),
        [
            "/oneOf/2/properties/x/allOf/1/allOf/1/pattern",
            "/oneOf/2/properties/x/allOf/2/pattern",
            "/oneOf/2/properties/x/allOf/1/allOf/0/pattern"
        ]
    );
}

#[test]
fn a_required_keyword_that_is_not_a_list_is_an_error() {
    for body in [
        json!({ "type": "object", "properties": { "model": model() }, "required": "x" }),
        json!({ "type": "object", "properties": { "model": model() }, "required": "x", "oneOf": [arm("x"), arm("x")] }),
    ] {
        let (_, diagnostics) = read(create(body));
        assert_eq!(diagnostics.errors.len(), 1, "{diagnostics:?}");
        assert_eq!(diagnostics.errors[0].pointer, format!("{BODY}/required"));
    }
}

#[test]
fn rules_beside_arms_belong_to_the_model() {
    let rules = json!([{ "kind": "at-most-one", "properties": ["x", "y"], "source": "s" }]);
    let number = || json!({ "type": "integer" });
    let merged = merged(create(json!({
        "x-rules": rules,
        "oneOf": [mine("x", number()), mine("y", number())],
    })));
    assert_eq!(merged.requests[0].model.rules.len(), 1);
}
