//! Keywords that the library cannot check, in the form of JSON Schema 2020-12, as the contract exports them.

use serde_json::{Map, Value, json};

/// The value of a keyword, with the schemas in it translated from OpenAPI 3.0.
pub(super) fn value(keyword: &str, value: &Value) -> Value {
    match value {
        Value::Object(map) if NAMED.contains(&keyword) => {
            let named = map.iter();
            let named = named.map(|(name, part)| (name.clone(), schema(part)));
            Value::Object(named.collect())
        }
        Value::Array(arms) if ARMS.contains(&keyword) => arms.iter().map(arm).collect(),
        Value::Array(parts) if LISTED.contains(&keyword) => parts.iter().map(schema).collect(),
        part if SINGLE.contains(&keyword) => schema(part),
        data => data.clone(),
    }
}

/// An arm of `nullable` alone means `null`.
fn arm(part: &Value) -> Value {
    match *part == json!({ "nullable": true }) {
        true => json!({ "type": "null" }),
        false => schema(part),
    }
}

fn schema(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let keywords = map.iter();
    let mut out: Map<String, Value> = keywords
        .map(|(keyword, part)| (keyword.clone(), value(keyword, part)))
        .collect();
    // Some documents write a parameter's `required` into a schema.
    if out.get("required").is_some_and(Value::is_boolean) {
        out.remove("required");
    }
    for (limit, exclusive) in [
        ("minimum", "exclusiveMinimum"),
        ("maximum", "exclusiveMaximum"),
    ] {
        if let Some(Value::Bool(is_exclusive)) = out.get(exclusive).cloned() {
            out.remove(exclusive);
            let limit = is_exclusive.then(|| out.remove(limit)).flatten();
            out.extend(limit.map(|limit| (exclusive.to_owned(), limit)));
        }
    }
    match out.remove("nullable") {
        Some(Value::Bool(true)) => json!({ "anyOf": [out, { "type": "null" }] }),
        _ => out.into(),
    }
}

/// Keywords whose value is a schema.
const SINGLE: &[&str] = &[
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords whose value is a list of alternatives.
const ARMS: &[&str] = &["anyOf", "oneOf"];

/// Other keywords whose value is a list of schemas.
const LISTED: &[&str] = &["allOf", "prefixItems"];

/// Keywords whose value is an object of schemas by name.
const NAMED: &[&str] = &[
    "$defs",
    "dependentSchemas",
    "patternProperties",
    "properties",
];
