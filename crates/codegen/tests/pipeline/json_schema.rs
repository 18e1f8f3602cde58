//! Random schemas of OpenAPI 3.1: the contract judges values as the crate `jsonschema` judges them by JSON Schema 2020-12.

use aimlapi_video_contract::Formats;
use proptest::{prelude::*, sample::subsequence, test_runner::TestCaseResult};
use serde_json::{Map, Value, json};

use super::{create, one, openapi_3_1::newer, read};
use aimlapi_video_codegen::repair;

const TYPES: [&str; 7] = [
    "null", "boolean", "string", "integer", "number", "array", "object",
];

const LIMITS: [(&str, i32); 11] = [
    ("minLength", 1),
    ("maxLength", 2),
    ("minimum", 1),
    ("exclusiveMinimum", 0),
    ("maximum", 4),
    ("exclusiveMaximum", 5),
    ("multipleOf", 2),
    ("minItems", 1),
    ("maxItems", 1),
    ("minProperties", 1),
    ("maxProperties", 1),
];

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(1.5),
        json!(2),
        json!(4),
        json!(4.0),
        json!(5),
        json!(""),
        json!("a"),
        json!("abc"),
        json!([]),
        json!([2]),
        json!([null]),
        json!(["a", 1]),
        json!({}),
        json!({ "a": null }),
        json!({ "b": 2 }),
        json!({ "a": "a", "b": true }),
        json!({ "a": ["a"], "b": 1.5 }),
    ]
}

fn object(entries: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    let entries = entries.into_iter();
    entries
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// One type, or a list of types, with keywords for values of any type.
fn typed() -> impl Strategy<Value = Map<String, Value>> {
    let kinds = prop_oneof![
        prop::sample::select(TYPES.to_vec()).prop_map(Value::from),
        subsequence(TYPES.to_vec(), 1..=4)
            .prop_shuffle()
            .prop_map(Value::from),
    ];
    let limits = prop_oneof![Just(Vec::new()), subsequence(LIMITS.to_vec(), 1..=4),];
    (kinds, limits).prop_map(|(kinds, limits)| {
        let mut schema = object(limits.into_iter().map(|(key, limit)| (key, json!(limit))));
        schema.insert("type".into(), kinds);
        schema
    })
}

fn leaf() -> impl Strategy<Value = Value> {
    let listed = subsequence(values(), 1..=4).prop_shuffle();
    prop_oneof![
        4 => typed().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => prop::sample::select(values()).prop_map(|value| json!({ "const": value })),
        1 => listed.clone().prop_map(|values| json!({ "enum": values })),
        1 => (typed(), listed.clone()).prop_map(|(mut schema, values)| {
            schema.insert("enum".into(), values.into());
            schema.into()
        }),
        1 => (listed, prop::sample::select(values())).prop_map(|(values, value)| json!({ "enum": values, "const": value })),
    ]
}

/// An alternative. A property that one of several has, the pipeline takes for one of all, so none has any.
fn arm() -> impl Strategy<Value = Value> {
    let keyword = prop::sample::select(vec!["anyOf", "oneOf", "allOf"]);
    let several = (typed(), keyword, prop::collection::vec(leaf(), 1..=3));
    let list = (typed(), leaf());
    prop_oneof![
        3 => leaf(),
        1 => several.prop_map(|(mut schema, keyword, leaves)| {
            schema.insert(keyword.into(), leaves.into());
            schema.into()
        }),
        1 => list.prop_map(|(mut schema, items)| {
            schema.insert("items".into(), items);
            schema.into()
        }),
    ]
}

/// Keywords beside a type or a reference: parts, alternatives, and what is in lists and objects.
fn keywords(inner: BoxedStrategy<Value>) -> impl Strategy<Value = Map<String, Value>> {
    let several = prop::collection::vec(inner.clone(), 1..=3);
    let arms = prop::collection::vec(arm().boxed(), 1..=3);
    let two = (inner.clone(), inner.clone());
    let names = subsequence(vec!["a", "b"], 0..=2);
    prop_oneof![
        4 => Just(Map::new()),
        2 => arms.clone().prop_map(|arms| object([("anyOf", arms.into())])),
        1 => arms.prop_map(|arms| object([("oneOf", arms.into())])),
        2 => several.clone().prop_map(|parts| object([("allOf", parts.into())])),
        2 => inner.clone().prop_map(|items| object([("items", items)])),
        2 => (two.clone(), names.clone()).prop_map(|((a, b), required)| {
            object([("properties", json!({ "a": a, "b": b })), ("required", json!(required))])
        }),
        1 => (inner.clone(), names).prop_map(|(rest, required)| {
            // A closed object that requires a name, the pipeline takes for one with that property.
            let required = if rest == false { Vec::new() } else { required };
            object([("additionalProperties", rest), ("required", json!(required))])
        }),
        1 => inner.clone().prop_map(|not| object([("not", not)])),
        1 => (several, inner).prop_map(|(first, rest)| object([("prefixItems", first.into()), ("items", rest)])),
        1 => two.prop_map(|(a, b)| object([("if", a.clone()), ("then", b), ("else", a)])),
        1 => Just(object([("dependentRequired", json!({ "a": ["b"] }))])),
        1 => Just(object([("additionalProperties", json!(false)), ("patternProperties", json!({ "^b": true }))])),
    ]
}

/// The types of `type`, which is one or a list.
fn each(kinds: &Value) -> Vec<Value> {
    kinds
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![kinds.clone()])
}

fn schema() -> impl Strategy<Value = Value> {
    let nested = leaf().prop_recursive(3, 12, 3, |inner| {
        let text = json!("#/components/schemas/Text");
        let refer = Just(object([("$ref", text)]));
        let listed =
            subsequence(values(), 1..=2).prop_map(|values| object([("enum", values.into())]));
        let first = prop_oneof![4 => typed(), 1 => refer, 1 => listed, 1 => Just(Map::new())];
        (first, keywords(inner.boxed())).prop_map(|(mut schema, more)| {
            // The pipeline takes a schema with properties for one of objects, whatever its type.
            if more.contains_key("required") && !schema.contains_key("$ref") {
                let mut kinds = schema.get("type").map(each).unwrap_or_default();
                kinds.retain(|known| known != "object");
                kinds.push("object".into());
                schema.insert("type".into(), kinds.into());
            }
            schema.extend(more);
            schema.into()
        })
    });
    nested.boxed()
}

fn check(schema: Value) -> TestCaseResult {
    let components = json!({ "Text": { "type": ["string", "null"], "minLength": 1 } });
    let body = json!({
        "type": "object",
        "properties": { "model": { "const": "a/b" }, "p": schema },
    });
    let documents = one(newer(body, components.clone()));
    let mut repaired = documents[0].clone();
    repair::apply(&mut repaired);
    // These repairs change what a schema allows, since the publisher cannot mean it.
    let widening = [
        "limit_without_type",
        "limits_swapped",
        "number_enum_as_text",
    ];
    let (merged, diagnostics) = read(documents);
    // Contradictions, which allow nothing, are errors.
    if repaired.repairs.iter().any(|name| widening.contains(name)) || !diagnostics.errors.is_empty()
    {
        return Ok(());
    }
    let judge = json!({ "allOf": [schema], "components": { "schemas": components } });
    let judge = jsonschema::draft202012::new(&judge).unwrap();
    let formats = Formats {
        is_uri: |_| true,
        is_base64_media: |_| true,
    };
    let model = &merged.requests[0].model;
    let exported = model.json_schema();
    let judge_of_exported = jsonschema::draft202012::new(&exported).unwrap();
    for value in values() {
        let body = object([("model", json!("a/b")), ("p", value.clone())]);
        let violations = model.check(&body, formats);
        let is_valid = judge.is_valid(&value);
        prop_assert_eq!(
            judge_of_exported.is_valid(&body.into()),
            is_valid,
            "{} by {}: {}",
            value,
            schema,
            exported
        );
        if diagnostics.warnings.is_empty() || is_valid {
            prop_assert_eq!(
                violations.is_empty(),
                is_valid,
                "{} by {}: {:?}",
                value,
                schema,
                violations
            );
        }
    }
    Ok(())
}

#[test]
fn an_unchecked_schema_of_3_0_is_exported_in_json_schema_2020_12() {
    let listed = json!({ "enum": ["a", { "nullable": true }] });
    for (schema, allowed, refused) in [
        (
            json!({ "not": { "type": "integer", "minimum": 5, "exclusiveMinimum": true, "nullable": true } }),
            vec![json!(5), json!("a")],
            vec![json!(6), json!(null)],
        ),
        (
            json!({ "not": { "properties": { "nullable": { "maximum": 2, "exclusiveMaximum": false } }, "required": ["nullable"] } }),
            vec![json!({}), json!({ "nullable": 3 })],
            vec![json!({ "nullable": 2 })],
        ),
        // Only as an alternative it means `null`.
        (
            json!({ "not": { "properties": { "a": { "nullable": true } }, "required": ["a"] } }),
            vec![json!({})],
            vec![json!({ "a": 3 }), json!({ "a": null })],
        ),
        (
            json!({ "not": { "anyOf": [listed, { "nullable": true }] } }),
            vec![json!("b"), json!(1)],
            vec![json!("a"), json!({ "nullable": true }), json!(null)],
        ),
        (
            json!({ "anyOf": [{ "type": "integer" }, { "type": "array", "items": { "type": "integer" } }], "minimum": 2, "exclusiveMinimum": true }),
            vec![json!(3), json!([1])],
            vec![json!(2), json!("a")],
        ),
    ] {
        let body = json!({
            "type": "object",
            "properties": { "model": { "type": "string", "enum": ["a/b"] }, "p": schema },
        });
        let (merged, diagnostics) = read(create(body));
        assert_eq!(diagnostics.errors, [], "{schema}");
        let exported = merged.requests[0].model.json_schema();
        let judge = jsonschema::draft202012::new(&exported).unwrap();
        let is_valid = |value: &Value| judge.is_valid(&json!({ "model": "a/b", "p": value }));
        assert!(allowed.iter().all(is_valid), "{exported}");
        assert!(!refused.iter().any(is_valid), "{exported}");
    }
}

proptest! {
    #![proptest_config(super::random_cases())]

    /// Where a constraint is reported as not enforced, the contract may allow more, but not less.
    #[test]
    fn a_contract_judges_values_as_json_schema_does(schema in schema()) {
        check(schema)?;
    }
}
