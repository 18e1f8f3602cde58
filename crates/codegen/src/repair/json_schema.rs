//! Schemas of OpenAPI 3.1, which are JSON Schema 2020-12, in the form of OpenAPI 3.0, which the later steps read.
//!
//! Documents of either version get the same treatment: tools write keywords of one into documents of the other. Keywords of
//! 2020-12 without a counterpart stay, and are reported by the reader of constraints.

use serde_json::{Map, Value, json};

use aimlapi_video_contract::is_equal;

use super::{each_object, join::allows_null};
use crate::is_of_type;

/// `true` and `false` are schemas: of any value, and of none.
pub(super) fn boolean_schema(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let before = schema.clone();
        // Beside `prefixItems`, it is the schema of the other items.
        if !schema.contains_key("prefixItems") {
            if schema.get("items") == Some(&json!(false)) {
                schema.remove("items");
                schema.insert("maxItems".into(), 0.into());
            }
            schema.get_mut("items").into_iter().for_each(object);
        }
        if schema.get("not") == Some(&json!(false)) {
            schema.remove("not");
        }
        schema.get_mut("not").into_iter().for_each(object);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.values_mut().for_each(object);
        }
        for keyword in ["anyOf", "oneOf", "allOf"] {
            let Some(arms) = schema.get_mut(keyword).and_then(Value::as_array_mut) else {
                continue;
            };
            if keyword != "allOf" && arms.iter().any(|arm| arm != false) {
                arms.retain(|arm| arm != false);
            }
            arms.iter_mut().for_each(object);
        }
        *schema != before
    })
}

fn object(schema: &mut Value) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({ "not": {} }),
        _ => {}
    }
}

/// `const` is a list of one value.
pub(super) fn const_value(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(value) = schema.get("const") else {
            return false;
        };
        let values = schema.get("enum").and_then(Value::as_array);
        // The reader of constraints reports a value that the list lacks.
        if values.is_some_and(|values| !values.iter().any(|listed| is_equal(listed, value))) {
            return false;
        }
        let value = value.clone();
        schema.remove("const");
        schema.insert("enum".into(), json!([value]));
        true
    })
}

/// `exclusiveMinimum` and `exclusiveMaximum` are limits of their own; OpenAPI 3.0 has flags of `minimum` and `maximum`.
pub(super) fn exclusive_limit(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let mut is_repaired = false;
        for (limit, exclusive) in [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ] {
            let Some(number) = schema.get(exclusive).filter(|value| value.is_number()) else {
                continue;
            };
            let is_tighter = match (schema.get(limit).map(Value::as_f64), number.as_f64()) {
                (None, _) => true,
                (Some(Some(limit)), Some(own)) if exclusive == "exclusiveMinimum" => own >= limit,
                (Some(Some(limit)), Some(own)) => own <= limit,
                // The reader of constraints reports it.
                _ => continue,
            };
            let number = number.clone();
            schema.remove(exclusive);
            if is_tighter {
                schema.insert(limit.into(), number);
                schema.insert(exclusive.into(), true.into());
            }
            is_repaired = true;
        }
        is_repaired
    })
}

/// OpenAPI 3.0 has formats for what `contentEncoding` and `contentMediaType` say of text.
pub(super) fn content_encoding(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let states = |keyword: &str, value| schema.get(keyword).is_some_and(|is| is == value);
        let format = match () {
            () if schema.contains_key("format") => return false,
            () if states("contentEncoding", "base64") => "byte",
            () if schema.contains_key("contentEncoding") => return false,
            () if states("contentMediaType", "application/octet-stream") => "binary",
            () => return false,
        };
        schema.remove("contentEncoding");
        schema.insert("format".into(), format.into());
        true
    })
}

/// A list of types: `null` among them is `nullable`, and several others are alternatives, each with the keywords for values
/// of its type.
pub(super) fn type_list(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let kinds = schema.get("type").and_then(Value::as_array);
        let Some(mut kinds) = kinds.and_then(|kinds| known(kinds)) else {
            return false;
        };
        schema.remove("type");
        let is_null_listed = kinds.contains(&"null");
        if is_null_listed && kinds.len() > 1 {
            kinds.retain(|kind| *kind != "null");
            if allows_null(schema) {
                schema.insert("nullable".into(), true.into());
            }
        }
        if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
            let is_of = |value: &Value, kind| is_of_type(value, Some(kind));
            let is_kept = |value: &Value| {
                kinds.iter().any(|kind| is_of(value, *kind)) || is_null_listed && value.is_null()
            };
            if !values.iter().any(is_kept) {
                // The reader of constraints reports a list without a value of the type.
                kinds.truncate(1);
            } else {
                values.retain(is_kept);
                if kinds.len() > 1 {
                    return true;
                }
            }
            // `null` alone is left of the list.
            if is_null_listed && !values.iter().any(|value| is_of(value, kinds[0])) {
                kinds = vec!["null"];
            }
        }
        match kinds.as_slice() {
            [kind] => drop(schema.insert("type".into(), (*kind).into())),
            kinds => alternatives(schema, kinds),
        }
        true
    })
}

/// The types that a list names, each once; `None` if it names none, or another.
fn known(kinds: &[Value]) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for kind in kinds {
        let (known, _) = TYPES.iter().find(|(known, _)| kind == known)?;
        if !found.contains(known) {
            found.push(*known);
        }
    }
    (!found.is_empty()).then_some(found)
}

fn alternatives(schema: &mut Map<String, Value>, kinds: &[&str]) {
    let whole = schema.clone();
    schema.retain(|keyword, _| !TYPES.iter().any(|(_, own)| own.contains(&keyword.as_str())));
    let arm = |kind: &&str| {
        let is_own = |keyword: &str| {
            let mut types = TYPES.iter();
            types.any(|(known, own)| known == kind && own.contains(&keyword))
        };
        let mut arm = whole.clone();
        arm.retain(|keyword, _| is_own(keyword));
        arm.insert("type".into(), (*kind).into());
        Value::Object(arm)
    };
    let arms: Vec<Value> = kinds.iter().map(arm).collect();
    if !schema.contains_key("anyOf") {
        schema.insert("anyOf".into(), arms.into());
        return;
    }
    let mut part = json!({ "anyOf": arms });
    if let Some(flag) = schema.get("nullable") {
        part["nullable"] = flag.clone();
    }
    let parts = schema.entry("allOf").or_insert_with(|| json!([]));
    // The reader of constraints reports `allOf` of another type.
    if let Some(parts) = parts.as_array_mut() {
        parts.push(part);
    }
}

/// Whether a dialect of JSON Schema is the one that this module reads.
pub(crate) fn is_known_dialect(dialect: &Value) -> bool {
    dialect.as_str().is_some_and(|dialect| {
        dialect == "https://json-schema.org/draft/2020-12/schema"
            || dialect.starts_with("https://spec.openapis.org/oas/3.1/")
    })
}

/// The types, with the keywords that constrain values of each.
#[rustfmt::skip]
const TYPES: &[(&str, &[&str])] = &[
    ("null", &[]),
    ("boolean", &[]),
    ("string", &["minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType", "contentSchema"]),
    ("integer", NUMBER),
    ("number", NUMBER),
    ("array", &["items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains", "maxContains", "unevaluatedItems"]),
    ("object", &["properties", "required", "minProperties", "maxProperties", "additionalProperties", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "unevaluatedProperties"]),
];

const NUMBER: &[&str] = &[
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "format",
];
