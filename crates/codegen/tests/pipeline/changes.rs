//! The effect of each kind of change, by an edit of one document.

mod kinds;

use serde_json::{Value, json};

use super::{create, merged, read};
use aimlapi_video_codegen::{
    Document, Route,
    diff::{self, Change, Effect, Kind, Verdict},
    strip,
};

/// A body with one of everything.
fn body() -> Value {
    json!({
        "type": "object",
        "required": ["model", "prompt"],
        "properties": {
            "model": { "type": "string", "enum": ["example/model"] },
            "prompt": { "type": "string", "maxLength": 500, "description": "What to show." },
            "seconds": { "type": "integer", "enum": [5, 10], "default": 5 },
            "size": { "type": "string", "enum": ["16:9", "1:1"] },
            "scale": { "type": "number", "minimum": 0, "maximum": 1 },
            "seed": { "type": "integer", "minimum": 0, "maximum": 9 },
            "note": { "type": "string", "nullable": true },
            "pictures": {
                "type": "array",
                "minItems": 1,
                "maxItems": 3,
                "items": { "type": "object", "properties": { "weight": { "type": "integer", "minimum": 1 } } },
            },
            "either": { "anyOf": [{ "type": "string" }, { "type": "boolean" }] },
            "steps": { "type": "integer", "multipleOf": 2 },
            "some": { "type": "object", "maxProperties": 2 },
            "closed": { "type": "object", "properties": { "a": {} }, "additionalProperties": false },
            "link": { "type": "string", "format": "uri", "minLength": 1, "maxLength": 99 },
            "tenths": { "type": "number", "multipleOf": 0.3 },
        },
    })
}

fn changes(edit: impl Fn(&mut Value)) -> Vec<Change> {
    let mut edited = body();
    edit(&mut edited);
    let changes = diff::compare(&merged(create(body())), &read(create(edited)).0);
    for change in &changes {
        assert_eq!(
            (change.model.as_str(), change.route),
            ("example/model", Route::Universal)
        );
    }
    changes
}

fn moved(route: Route) -> Vec<Document> {
    let mut document = create(body()).remove(0).published;
    let item = document["paths"]
        .as_object_mut()
        .unwrap()
        .remove(Route::Universal.path())
        .unwrap();
    document["paths"][route.path()] = item;
    vec![Document::new("x.json", document)]
}

#[test]
fn added_removed_and_moved_models_are_reported() {
    let none = merged(Vec::new());
    let one = merged(moved(Route::Universal));
    let legacy = merged(moved(Route::LegacyKling));
    let both = merged([moved(Route::Universal), moved(Route::LegacyKling)].concat());
    for (old, new, kind, effect) in [
        (&none, &one, Kind::ModelAdded, Effect::Compatible),
        (&one, &none, Kind::ModelRemoved, Effect::Breaking),
        (&legacy, &one, Kind::PathMoved, Effect::Breaking),
        (&both, &one, Kind::ModelRemoved, Effect::Breaking),
        (&one, &both, Kind::ModelAdded, Effect::Compatible),
    ] {
        let changes = diff::compare(old, new);
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!((changes[0].kind, changes[0].effect), (kind, effect));
    }
}

#[test]
fn changes_of_responses_and_prose_have_no_effect() {
    let answering = |text: &str, kind: &str| {
        let mut document = create(body()).remove(0).published;
        let schema = json!({ "type": "object", "description": text, "properties": { "id": { "type": kind } } });
        document["paths"][Route::Universal.path()]["post"]["responses"] =
            json!({ "200": { "content": { "application/json": { "schema": schema } } } });
        merged(vec![Document::new("x.json", document)])
    };
    let changes = diff::compare(&answering("a", "string"), &answering("b", "string"));
    assert_eq!(changes, []);
    let changes = diff::compare(&answering("a", "string"), &answering("a", "integer"));
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].kind, changes[0].effect),
        (Kind::AnswerChanged, Effect::None)
    );
    // What is vendored has no prose, so a published document does not differ from it by having some.
    let mut stripped = body();
    strip::without_prose(&mut stripped);
    assert_eq!(
        diff::compare(&merged(create(stripped)), &merged(create(body()))),
        []
    );
}

#[test]
fn alternatives_are_compared_by_the_values_that_they_allow() {
    use Effect::{Breaking, Compatible};
    let with = |schema: &Value| {
        let mut body = body();
        body["properties"]["either"] = schema.clone();
        read(create(body)).0
    };
    let text = json!({ "type": "string" });
    let flag = json!({ "type": "boolean" });
    let few = json!({ "type": "integer", "maximum": 5 });
    let more = json!({ "type": "integer", "maximum": 9 });
    let object = |text: &str, default: i32| {
        json!({ "type": "object", "required": ["a"], "properties": {
            "a": { "type": "string", "enum": [text] },
            "b": { "type": "integer", "default": default, "minimum": 0, "maximum": 9 },
        } })
    };
    let any = |arms: &[&Value]| json!({ "anyOf": arms });
    let one = |arms: &[&Value]| json!({ "oneOf": arms });
    let (ax, bx) = (object("x", 1), object("y", 1));
    let cases = [
        // Another order, another default: the same values pass.
        (any(&[&text, &flag]), any(&[&flag, &text]), None),
        (
            any(&[&ax, &bx]),
            any(&[&bx, &object("x", 2)]),
            Some(Effect::None),
        ),
        (any(&[&text, &flag]), one(&[&text, &flag]), None),
        (any(&[&text, &few]), any(&[&text, &more]), Some(Compatible)),
        (one(&[&text, &few]), one(&[&more, &text]), Some(Compatible)),
        (any(&[&text, &more]), any(&[&text, &few]), Some(Breaking)),
        (
            any(&[&text, &flag]),
            any(&[&text, &flag, &few]),
            Some(Compatible),
        ),
        (any(&[&text, &flag]), any(&[&text]), Some(Breaking)),
        (any(&[&text, &flag]), json!({}), Some(Compatible)),
        (json!({}), any(&[&text, &flag]), Some(Breaking)),
        (json!({ "enum": ["a", 1] }), json!({}), Some(Compatible)),
        (
            json!({ "enum": ["a", 1] }),
            json!({ "enum": ["a", 1, true] }),
            Some(Compatible),
        ),
        // A value that fits two arms of `oneOf` is refused.
        (one(&[&few, &more]), any(&[&few, &more]), Some(Compatible)),
        (any(&[&few, &more]), one(&[&few, &more]), Some(Breaking)),
        (
            any(&[&text, &flag]),
            json!({ "anyOf": [text, flag], "format": "x" }),
            Some(Effect::None),
        ),
    ];
    for (old, new, effect) in cases {
        let changes = diff::compare(&with(&old), &with(&new));
        let worst = changes.iter().map(|change| change.effect).min();
        assert_eq!(worst, effect, "{old} to {new}: {changes:?}");
        for change in &changes {
            let text = change.to_string();
            assert!(!text.trim_end().ends_with(':'), "{text}");
            assert!(!text.contains("any value, now any value"), "{text}");
        }
    }
}

#[test]
fn the_verdict_is_that_of_the_worst_change_and_gives_the_next_version() {
    let changes = changes(|body| {
        body["properties"]["size"]["enum"] = json!(["1:1", "9:16"]);
        body["properties"]["seconds"]["default"] = json!(10);
    });
    let effects: Vec<Effect> = changes.iter().map(|change| change.effect).collect();
    assert_eq!(
        effects,
        [Effect::None, Effect::Breaking, Effect::Compatible]
    );
    assert_eq!(diff::verdict(&changes), Verdict::Major);
    assert_eq!(diff::verdict(&[]), Verdict::Patch);
    for (verdict, version, next) in [
        (Verdict::Major, "0.1.4", "0.2.0"),
        (Verdict::Minor, "0.1.4", "0.1.5"),
        (Verdict::Patch, "0.1.4", "0.1.5"),
        (Verdict::Major, "1.2.3", "2.0.0"),
        (Verdict::Minor, "1.2.3", "1.3.0"),
        (Verdict::Patch, "1.2.3-rc.1", "1.2.4"),
    ] {
        assert_eq!(verdict.next(version).as_deref(), Some(next));
    }
}

#[test]
fn stripping_keeps_facts_and_removes_prose() {
    let published = json!({
        "openapi": "3.0.0",
        "info": { "title": "T", "version": "1", "description": "long" },
        "paths": {
            "/v2/video/generations": { "post": {
                "summary": "s", "description": "d", "x-codeSamples": [],
                "requestBody": { "content": { "application/json": { "schema": {
                    "type": "object",
                    "properties": {
                        "description": { "type": "string", "description": "d", "example": "e" },
                        "example": { "$ref": "#/components/schemas/Used" },
                        "choice": { "type": "string", "enum": ["x-y"], "default": "x-y" },
                    },
                } } } },
                "responses": { "200": { "description": "sentence" }, "201": {} },
            } },
            "/v1/other": { "post": {} },
        },
        "components": {
            "schemas": { "Used": { "type": "string", "description": "d" }, "Unused": {} },
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "bearerFormat": "<KEY>", "in": "header" } },
        },
    });
    let stripped = strip::strip(&Document::new("x.json", published));
    assert_eq!(
        stripped,
        json!({
            "openapi": "3.0.0",
            "info": { "title": "T", "version": "1" },
            "paths": { "/v2/video/generations": { "post": {
                "requestBody": { "content": { "application/json": { "schema": {
                    "type": "object",
                    "properties": {
                        "description": { "type": "string" },
                        "example": { "$ref": "#/components/schemas/Used" },
                        "choice": { "type": "string", "enum": ["x-y"], "default": "x-y" },
                    },
                } } } },
                "responses": { "200": { "description": "" }, "201": {} },
            } } },
            "components": {
                "schemas": { "Used": { "type": "string" } },
                "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "in": "header" } },
            },
        })
    );
    let again = strip::strip(&Document::new("x.json", stripped.clone()));
    assert_eq!(again, stripped);
}
