//! The effect of changes inside alternatives, beside limits and in models with several bodies.

use serde_json::{Value, json};

use super::{create, read};
use aimlapi_video_codegen::diff::{self, Change, Effect, Kind};

fn between(old: Value, new: Value) -> Vec<Change> {
    let [old, new] = [old, new].map(|body| {
        let (merged, diagnostics) = read(create(body));
        assert_eq!(diagnostics.errors, []);
        merged
    });
    diff::compare(&old, &new)
}

fn property(old: &Value, new: &Value) -> Vec<Change> {
    let body = |schema: &Value| {
        json!({ "type": "object", "properties": {
            "model": { "type": "string", "enum": ["a/b"] }, "p": schema,
        } })
    };
    between(body(old), body(new))
}

fn worst(changes: &[Change]) -> Option<Effect> {
    changes.iter().map(|change| change.effect).min()
}

const COMPATIBLE: Option<Effect> = Some(Effect::Compatible);
const BREAKING: Option<Effect> = Some(Effect::Breaking);

fn any(arms: &[&Value]) -> Value {
    json!({ "anyOf": arms })
}

fn one(arms: &[&Value]) -> Value {
    json!({ "oneOf": arms })
}

#[test]
fn an_arm_that_allows_more_is_compatible_and_one_that_allows_less_is_not() {
    let text = json!({ "type": "string" });
    let integer = json!({ "type": "integer" });
    let number = json!({ "type": "number" });
    let share = json!({ "type": "number", "minimum": 0, "maximum": 1 });
    let listed = json!({ "type": "string", "enum": ["a", "b"] });
    let null = json!({ "type": "null" });
    let nested = |required: bool, kind: &str| {
        let mut object = json!({ "type": "object", "properties": { "model": { "type": kind } } });
        if required {
            object["required"] = json!(["model"]);
        }
        object
    };
    let two = json!({ "type": "object", "properties": { "a": integer, "b": integer } });
    let first = json!({ "type": "object", "properties": { "a": integer } });
    let items = |items: Value| json!({ "type": "array", "items": items });
    for (less, more) in [
        (any(&[&share, &text]), any(&[&number, &text])),
        (any(&[&listed, &integer]), any(&[&text, &integer])),
        (any(&[&integer, &text]), any(&[&number, &text])),
        (
            any(&[&nested(true, "integer"), &text]),
            any(&[&nested(false, "number"), &text]),
        ),
        (
            items(any(&[&integer, &text])),
            items(any(&[&integer, &text, &null])),
        ),
        (
            items(json!({ "type": "string", "nullable": true })),
            items(json!({ "anyOf": [integer, text], "nullable": true })),
        ),
    ] {
        let changes = property(&less, &more);
        assert_eq!(worst(&changes), COMPATIBLE, "{less} to {more}: {changes:?}");
        let changes = property(&more, &less);
        assert_eq!(worst(&changes), BREAKING, "{more} to {less}: {changes:?}");
    }
    let changes = property(&any(&[&two, &text]), &any(&[&first, &text]));
    assert_eq!(worst(&changes), COMPATIBLE, "{changes:?}");
    let anything = items(json!({ "nullable": true }));
    let changes = property(
        &anything,
        &items(json!({ "type": "string", "nullable": true })),
    );
    assert_eq!(worst(&changes), BREAKING, "{changes:?}");
}

#[test]
fn the_order_of_arms_and_parts_does_not_count() {
    let integer = json!({ "type": "integer" });
    for (old, new) in [
        (
            any(&[&json!({ "type": "string", "enum": ["a", "b"] }), &integer]),
            any(&[&json!({ "type": "string", "enum": ["b", "a"] }), &integer]),
        ),
        (
            json!({ "allOf": [{ "type": "number", "multipleOf": 2 }, { "multipleOf": 3 }] }),
            json!({ "allOf": [{ "type": "number", "multipleOf": 3 }, { "multipleOf": 2 }] }),
        ),
    ] {
        assert_eq!(property(&old, &new), [], "{old} to {new}");
    }
}

#[test]
fn an_unchecked_constraint_is_reported_inside_arms_as_outside() {
    let pattern = |text: &str| json!({ "type": "string", "pattern": text });
    let integer = json!({ "type": "integer" });
    let changes = property(
        &any(&[&pattern("a"), &integer]),
        &any(&[&pattern("b"), &integer]),
    );
    let kinds: Vec<(Kind, Effect)> = changes.iter().map(|c| (c.kind, c.effect)).collect();
    assert_eq!(kinds, [(Kind::UncheckedChanged, Effect::None)]);
    // As many arms on both sides, and one of them is another.
    let changes = property(
        &any(&[&pattern("a"), &pattern("b")]),
        &any(&[&pattern("a"), &integer]),
    );
    assert_eq!(worst(&changes), COMPATIBLE, "{changes:?}");
}

#[test]
fn a_limit_is_compared_with_its_exclusive_flag() {
    let number = |more: Value| {
        let mut number = json!({ "type": "number" });
        let more = more.as_object().unwrap().clone();
        number.as_object_mut().unwrap().extend(more);
        number
    };
    for (less, more) in [
        (
            number(json!({ "minimum": 1 })),
            number(json!({ "minimum": 0, "exclusiveMinimum": true })),
        ),
        (
            number(json!({ "minimum": 0, "maximum": 5 })),
            number(json!({ "minimum": 0, "maximum": 6, "exclusiveMaximum": true })),
        ),
        (
            number(json!({ "minimum": 1, "exclusiveMinimum": true })),
            number(json!({ "minimum": 1 })),
        ),
    ] {
        let changes = property(&less, &more);
        assert_eq!(worst(&changes), COMPATIBLE, "{less} to {more}: {changes:?}");
        let changes = property(&more, &less);
        assert_eq!(worst(&changes), BREAKING, "{more} to {less}: {changes:?}");
    }
    // The same limit in the forms of OpenAPI 3.1 and 3.0.
    let changes = property(
        &number(json!({ "exclusiveMinimum": 0 })),
        &number(json!({ "minimum": 0, "exclusiveMinimum": true })),
    );
    assert_eq!(changes, []);
}

fn body(ids: &[&str], required: &str, more: Value) -> Value {
    let mut body = json!({
        "type": "object",
        "required": ["model", required],
        "properties": {
            "model": { "type": "string", "enum": ids },
            required: { "type": "integer", "maximum": 5 },
        },
    });
    for (name, schema) in more.as_object().unwrap() {
        body["properties"][name] = schema.clone();
    }
    body
}

#[test]
fn a_compatible_change_of_one_of_several_bodies_is_compatible() {
    let (x, y) = (
        body(&["a/b"], "x", json!({})),
        body(&["a/b"], "y", json!({})),
    );
    let seeded = body(&["a/b"], "x", json!({ "seed": { "type": "integer" } }));
    let wider = body(
        &["a/b"],
        "x",
        json!({ "x": { "type": "integer", "maximum": 9 } }),
    );
    let z = body(&["a/b"], "z", json!({}));
    for (new, effect) in [
        (one(&[&y, &x]), None),
        (one(&[&seeded, &y]), COMPATIBLE),
        (one(&[&wider, &y]), COMPATIBLE),
        (one(&[&x, &y, &z]), COMPATIBLE),
        (any(&[&x, &y]), COMPATIBLE),
        (one(&[&x, &x, &y]), BREAKING),
        (one(&[&x]), BREAKING),
    ] {
        let changes = between(one(&[&x, &y]), new.clone());
        assert_eq!(worst(&changes), effect, "{new}: {changes:?}");
    }
    let changes = between(any(&[&x, &y]), one(&[&x, &y]));
    assert_eq!(worst(&changes), BREAKING, "{changes:?}");
    // Arms that overlap already, and a wider limit that may make them overlap more.
    let loose = |most: u32| {
        json!({ "type": "object", "properties": {
            "model": { "type": "string", "enum": ["a/b"] },
            "n": { "type": "integer", "maximum": most },
        } })
    };
    let changes = between(one(&[&loose(3), &x]), one(&[&loose(4), &x]));
    assert_eq!(worst(&changes), BREAKING, "{changes:?}");
}

#[test]
fn another_id_in_an_arm_does_not_change_other_models() {
    let shared = |ids: &[&str]| one(&[&body(ids, "x", json!({})), &body(&["a/b"], "y", json!({}))]);
    let changes = between(shared(&["a/b", "a/c"]), shared(&["a/b", "a/c", "a/d"]));
    let kinds: Vec<(&str, Kind)> = changes.iter().map(|c| (&*c.model, c.kind)).collect();
    assert_eq!(kinds, [("a/d", Kind::ModelAdded)]);
}

#[test]
fn arms_below_arms_keep_their_own_keyword() {
    let (x, y) = (
        body(&["a/b"], "x", json!({})),
        body(&["a/b"], "y", json!({})),
    );
    let other = body(&["a/c"], "x", json!({}));
    let below = |arms: Value| one(&[&arms, &other]);
    let changes = between(below(one(&[&x, &y])), below(any(&[&x, &y])));
    assert_eq!(worst(&changes), COMPATIBLE, "{changes:?}");
}
