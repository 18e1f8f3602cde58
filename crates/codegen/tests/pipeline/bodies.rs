//! Models with several bodies, and bodies with several models.

use std::fs;

use serde_json::{Value, json};

use super::{
    create, merged, one, read,
    reports::{BODY, body},
};

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
