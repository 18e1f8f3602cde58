//! Widens a schema of a response until it allows a value, and reports each step.

use aimlapi_video_contract::is_equal;
use serde_json::{Map, Value, json};

use super::{Kind, Part};
use crate::is_of_type;

/// The type of a part that only `null` or an empty array was received for; [`finish`] removes it.
const UNKNOWN: &str = "?";

/// The keywords with alternatives.
const ARMS: [&str; 2] = ["anyOf", "oneOf"];

/// The longest enum value that is copied, in characters; a longer text may be a prompt.
const MAX_VALUE: usize = 64;

/// Changes `schema`, which is in the form of OpenAPI 3.0, so that it declares all of `value`.
pub(super) fn widen(schema: &mut Value, value: &Value, at: &str, report: &mut dyn FnMut(Part)) {
    let Some(map) = schema.as_object_mut() else {
        return;
    };
    let other_type = |map: &Map<String, Value>| Part {
        declared: types(map).join(", "),
        received: type_of(value).to_owned(),
        ..Part::new(Kind::OtherType, at)
    };
    if value.is_null() {
        if !allows_null(map) {
            report(other_type(map));
            map.insert("nullable".into(), true.into());
        }
        return;
    }
    if map.get("type") == Some(&UNKNOWN.into()) {
        let nullable = map.remove("nullable");
        *schema = infer(value);
        if let Some(nullable) = nullable {
            schema["nullable"] = nullable;
        }
        return;
    }
    if let Some(keyword) = ARMS.into_iter().find(|keyword| map.contains_key(*keyword)) {
        let part = other_type(map);
        if let Some(arms) = map.get_mut(keyword).and_then(Value::as_array_mut) {
            widen_arm(arms, value, at, report, part);
        }
        return;
    }
    let kind = map.get("type").and_then(Value::as_str);
    if !is_of_type(value, kind) {
        report(other_type(map));
        let nullable = map.remove("nullable");
        *schema = json!({ "anyOf": [schema.take(), infer(value)] });
        if let Some(nullable) = nullable {
            schema["nullable"] = nullable;
        }
        return;
    }
    let values = map.get_mut("enum").and_then(Value::as_array_mut);
    if let Some(values) = values.filter(|values| !values.iter().any(|one| is_equal(one, value))) {
        let length = value.as_str().map_or(0, |text| text.chars().count());
        let declared: Vec<String> = values.iter().map(Value::to_string).collect();
        report(Part {
            declared: declared.join(", "),
            received: match length > MAX_VALUE {
                true => String::new(),
                false => value.to_string(),
            },
            ..Part::new(Kind::OtherValue, at)
        });
        values.push(value.clone());
        if length > MAX_VALUE {
            map.remove("enum");
        }
    }
    match value {
        Value::Object(value) => widen_object(map, value, at, report),
        Value::Array(values) => {
            if let Some(items) = map.get_mut("items") {
                let at = format!("{at}[]");
                let each = values.iter();
                each.for_each(|value| widen(items, value, &at, report));
            }
        }
        _ => {}
    }
}

/// Widens the alternative of the value's type that needs it least, or adds one.
fn widen_arm(
    arms: &mut Vec<Value>,
    value: &Value,
    at: &str,
    report: &mut dyn FnMut(Part),
    other_type: Part,
) {
    let widened = arms.iter().enumerate().filter_map(|(index, arm)| {
        let (mut arm, mut parts) = (arm.clone(), Vec::new());
        widen(&mut arm, value, at, &mut |part| parts.push(part));
        let is_other = parts
            .iter()
            .any(|part| part.kind == Kind::OtherType && part.name == at);
        (!is_other).then_some((parts, index, arm))
    });
    match widened.min_by_key(|(parts, ..)| parts.len()) {
        Some((parts, index, arm)) => {
            arms[index] = arm;
            parts.into_iter().for_each(report);
        }
        None => {
            report(other_type);
            arms.push(infer(value));
        }
    }
}

fn widen_object(
    schema: &mut Map<String, Value>,
    value: &Map<String, Value>,
    at: &str,
    report: &mut dyn FnMut(Part),
) {
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| {
            let missing = name.as_str().filter(|name| !value.contains_key(*name));
            if let Some(name) = missing {
                report(Part::new(Kind::MissingProperty, &below(at, name)));
            }
            missing.is_none()
        });
        if required.is_empty() {
            schema.remove("required");
        }
    }
    let is_open = schema
        .get("additionalProperties")
        .is_some_and(|more| *more != json!(false));
    // An object without `properties` may have any.
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else {
        return;
    };
    for (name, value) in value {
        let at = below(at, name);
        match properties.get_mut(name) {
            Some(schema) => widen(schema, value, &at, report),
            None if is_open => {}
            None => {
                report(Part {
                    received: type_of(value).to_owned(),
                    ..Part::new(Kind::UndeclaredProperty, &at)
                });
                properties.insert(name.clone(), infer(value));
            }
        }
    }
}

/// The schema of a value of which nothing else is known.
pub(super) fn infer(value: &Value) -> Value {
    match value {
        Value::Null => json!({ "type": UNKNOWN, "nullable": true }),
        Value::Array(values) => {
            let mut items = json!({ "type": UNKNOWN });
            let each = values.iter();
            each.for_each(|value| widen(&mut items, value, "", &mut |_| {}));
            json!({ "type": "array", "items": items })
        }
        Value::Object(map) => {
            let inferred = |(name, value): (&String, &Value)| (name.clone(), infer(value));
            let properties: Map<String, Value> = map.iter().map(inferred).collect();
            json!({ "type": "object", "properties": properties })
        }
        _ => json!({ "type": type_of(value) }),
    }
}

/// Removes the types that remained unknown.
pub(super) fn finish(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|keyword, value| keyword != "type" || value != UNKNOWN);
            map.values_mut().for_each(finish);
        }
        Value::Array(items) => items.iter_mut().for_each(finish),
        _ => {}
    }
}

fn allows_null(schema: &Map<String, Value>) -> bool {
    let is_typed = |keyword| schema.contains_key(keyword);
    schema.get("nullable") == Some(&true.into())
        || arms(schema).any(|arm| arm.as_object().is_some_and(allows_null))
        || !["type", "enum", "anyOf", "oneOf"].into_iter().any(is_typed)
}

/// The declared types; none for any type.
pub(super) fn types(schema: &Map<String, Value>) -> Vec<String> {
    let own = schema
        .get("type")
        .and_then(Value::as_str)
        .map(str::to_owned);
    let of_arms = arms(schema).filter_map(Value::as_object).flat_map(types);
    own.into_iter().chain(of_arms).collect()
}

pub(super) fn arms(schema: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let arms = |keyword| schema.get(keyword).and_then(Value::as_array);
    ARMS.into_iter().filter_map(arms).flatten()
}

pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The path of a property.
pub(super) fn below(at: &str, name: &str) -> String {
    match at {
        "" => name.to_owned(),
        at => format!("{at}.{name}"),
    }
}
