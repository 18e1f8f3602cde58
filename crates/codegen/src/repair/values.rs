//! Repairs of lists of values, and of defaults.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    each_object,
    join::{allows_null, join},
    schema::{arms, is_annotation},
};
use crate::is_of_type;
use aimlapi_video_contract::{as_integer, is_equal, is_multiple};

/// The older bodies list the values of `model` without a `type`; the values are strings, so the type is `string`.
pub(super) fn enum_without_type(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(values) = schema.get("enum").and_then(Value::as_array) else {
            return false;
        };
        if values.is_empty() || schema.contains_key("type") || !values.iter().all(Value::is_string)
        {
            return false;
        }
        schema.insert("type".into(), "string".into());
        true
    })
}

/// A list has a value twice; JSON Schema wants different values, and each becomes a variant of one enum.
pub(super) fn enum_repeats_value(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) else {
            return false;
        };
        let before = values.len();
        let mut known = HashSet::new();
        values.retain(|value| known.insert(normal(value)));
        values.len() < before
    })
}

/// An empty list of values allows nothing, which the publisher cannot mean; it is dropped.
pub(super) fn enum_empty(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let empty = schema
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty);
        if empty {
            schema.remove("enum");
        }
        empty
    })
}

/// OpenAPI 3.0 lists `null` among the values of what is `nullable`; that it is `nullable` is enough.
pub(super) fn enum_with_null(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let is_allowed = allows_null(schema);
        let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) else {
            return false;
        };
        let before = values.len();
        if values.iter().all(Value::is_null) {
            return false;
        }
        values.retain(|value| !value.is_null());
        let had_null = values.len() < before;
        // Beside other keywords, `null` among the values allows nothing that these do not.
        if had_null && is_allowed {
            schema.insert("nullable".into(), true.into());
        }
        had_null
    })
}

/// A list of numbers has the type `string`; the service takes numbers, as later versions of the documents state.
pub(super) fn number_enum_as_text(document: &mut Value) -> usize {
    retyped(document, "string", "number", Value::is_number)
}

/// A list of integers has the type `number`; a value would be sent as `5.0`.
pub(super) fn integer_enum_as_number(document: &mut Value) -> usize {
    let is_integer = |value: &Value| value.as_number().and_then(as_integer).is_some();
    retyped(document, "number", "integer", is_integer)
}

/// A list has values of another type than the one beside it, which no request can have; they are dropped.
pub(super) fn enum_value_of_other_type(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let kind = schema
            .get("type")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let is_of = |value: &Value| is_of_type(value, kind.as_deref());
        let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) else {
            return false;
        };
        let before = values.len();
        if values.iter().any(is_of) {
            values.retain(is_of);
        }
        values.len() < before
    })
}

/// A value with whole numbers as integers, so that equal values are the same: `5` and `5.0` are equal in JSON Schema.
pub(super) fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => as_integer(number).map_or_else(|| value.clone(), Value::from),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(map) => {
            let entries = map
                .iter()
                .map(|(name, value)| (name.clone(), normal(value)));
            entries.collect()
        }
        _ => value.clone(),
    }
}

fn retyped(document: &mut Value, from: &str, to: &str, is_of: fn(&Value) -> bool) -> usize {
    each_object(document, &mut |schema| {
        let values = schema.get("enum").and_then(Value::as_array);
        let all = values.is_some_and(|values| !values.is_empty() && values.iter().all(is_of));
        let wrong = all && schema.get("type").is_some_and(|kind| kind == from);
        if wrong {
            schema.insert("type".into(), to.into());
        }
        wrong
    })
}

/// A list of values is spread over the arms of `anyOf` or `oneOf`; it is one list.
pub(crate) fn enum_in_arms(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some((keyword, arms)) = arms(schema) else {
            return false;
        };
        let Some(list) = one_list(&arms, keyword) else {
            return false;
        };
        let mut whole = schema.clone();
        whole.remove(keyword);
        if !join(&mut whole, &list) {
            return false;
        }
        // Beside arms, `nullable` is what the arms have in common.
        let null = schema.get("nullable").cloned();
        whole.extend(null.map(|flag| ("nullable".to_owned(), flag)));
        *schema = whole;
        true
    })
}

fn one_list(arms: &[Value], keyword: &str) -> Option<Value> {
    let first = arms.first()?.as_object()?;
    let mut values: Vec<Value> = Vec::new();
    let mut known = HashSet::new();
    for arm in arms {
        let arm = arm.as_object()?;
        let plain =
            |keyword: &String| keyword == "enum" || keyword == "type" || is_annotation(keyword);
        if arm.get("type") != first.get("type") || !arm.keys().all(plain) {
            return None;
        }
        for value in arm.get("enum")?.as_array()? {
            // `oneOf` forbids a value that two arms list.
            match known.insert(normal(value)) {
                false if keyword == "oneOf" => return None,
                false => {}
                true => values.push(value.clone()),
            }
        }
    }
    let mut list = Map::new();
    list.insert("enum".into(), values.into());
    list.extend(
        first
            .get("type")
            .map(|kind| ("type".to_owned(), kind.clone())),
    );
    Some(Value::Object(list))
}

/// The documents write the default of an integer or number as a string (`"default": "5"`); the service's own default is
/// the number.
pub(super) fn number_default_as_text(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let is_number = schema
            .get("type")
            .is_some_and(|kind| kind == "integer" || kind == "number");
        let Some(text) = schema
            .get("default")
            .and_then(Value::as_str)
            .filter(|_| is_number)
        else {
            return false;
        };
        let Ok(number @ Value::Number(_)) = serde_json::from_str(text) else {
            return false;
        };
        schema.insert("default".into(), number);
        true
    })
}

/// A schema does not allow its own default, so the service cannot take it; it is dropped.
pub(super) fn default_not_allowed(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let wrong = schema
            .get("default")
            .is_some_and(|default| is_schema(schema) && !allows(schema, default));
        if wrong {
            schema.remove("default");
        }
        wrong
    })
}

fn is_schema(map: &Map<String, Value>) -> bool {
    map.get("type").is_some_and(Value::is_string) || map.get("enum").is_some_and(Value::is_array)
}

fn allows(schema: &Map<String, Value>, value: &Value) -> bool {
    if value.is_null() {
        return schema.get("nullable") == Some(&Value::Bool(true));
    }
    let kind = schema.get("type").and_then(Value::as_str);
    let listed = schema.get("enum").and_then(Value::as_array);
    let is_listed = |values: &Vec<Value>| values.iter().any(|listed| is_equal(listed, value));
    is_of_type(value, kind) && is_within(schema, value) && listed.is_none_or(is_listed)
}

/// Whether a value is within the limits for values of its type.
fn is_within(schema: &Map<String, Value>, value: &Value) -> bool {
    let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
    let is_set = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    let is_from = |size: f64, keyword: &str| limit(keyword).is_none_or(|min| size >= min);
    let is_up_to = |size: f64, keyword: &str| limit(keyword).is_none_or(|max| size <= max);
    let has_size = |size: usize, min, max| is_from(size as f64, min) && is_up_to(size as f64, max);
    match value {
        Value::Number(number) => {
            let float = number.as_f64().unwrap_or_default();
            let is_limit = |keyword: &str| limit(keyword) == Some(float);
            is_from(float, "minimum")
                && is_up_to(float, "maximum")
                && !(is_set("exclusiveMinimum") && is_limit("minimum"))
                && !(is_set("exclusiveMaximum") && is_limit("maximum"))
                && limit("multipleOf").is_none_or(|step| is_multiple(number, step))
        }
        Value::String(text) => has_size(text.chars().count(), "minLength", "maxLength"),
        Value::Array(items) => has_size(items.len(), "minItems", "maxItems"),
        Value::Object(map) => has_size(map.len(), "minProperties", "maxProperties"),
        _ => true,
    }
}
