//! Repairs of schemas.

use serde_json::{Map, Value, json};

use super::{
    each_object,
    join::{additional, allows_null, joined, whole},
};

/// Older documents compose a body of parts by `allOf`; the parts are joined into one schema, as far as one schema can
/// express them. Parts that contradict each other stay as they are, and are reported.
pub(super) fn all_of(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(whole) = whole(schema) else {
            return false;
        };
        let differs = *schema != whole;
        *schema = whole;
        differs
    })
}

/// A property has `"required": true`, as parameters do; a schema's `required` is a list of names, so the name goes into the
/// list of its object.
pub(super) fn required_inside_property(document: &mut Value) -> usize {
    let mut count = 0;
    each_object(document, &mut |schema| {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return false;
        };
        let mut names = Vec::new();
        for (name, property) in properties.iter_mut() {
            let Some(property) = property.as_object_mut() else {
                continue;
            };
            if let Some(Value::Bool(required)) = property.get("required").cloned() {
                property.remove("required");
                names.extend(required.then(|| Value::from(name.as_str())));
                count += 1;
            }
        }
        if !names.is_empty() {
            let list = schema
                .entry("required")
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                names.retain(|name| !list.contains(name));
                list.extend(names);
            }
        }
        false
    });
    count
}

/// `required` has a name without a property; a property of that name is added that allows what `additionalProperties` does. Of
/// a closed object, which would allow nothing, the publisher means an object with that property.
pub(super) fn required_without_property(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let required = schema.get("required").and_then(Value::as_array);
        let names: Option<Vec<String>> = required.and_then(|names| {
            let name = |name: &Value| name.as_str().map(str::to_owned);
            names.iter().map(name).collect()
        });
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut absent = names.unwrap_or_default();
        absent.retain(|name| properties.is_none_or(|properties| !properties.contains_key(name)));
        if absent.is_empty() {
            return false;
        }
        // The pattern of a name decides, too, and is reported.
        let is_map = !schema.contains_key("patternProperties");
        let rest = additional(schema).filter(|rest| is_map && rest.is_object());
        let rest = rest.cloned().unwrap_or_else(|| json!({}));
        let properties = schema
            .entry("properties")
            .or_insert_with(|| Value::Object(Map::new()));
        let Some(properties) = properties.as_object_mut() else {
            return false;
        };
        properties.extend(absent.into_iter().map(|name| (name, rest.clone())));
        true
    })
}

/// A limit has no `type` beside it. JSON Schema then allows every value of other types; the publisher means the type.
pub(super) fn limit_without_type(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let untyped = ["type", "enum", "anyOf", "oneOf", "allOf", "$ref"];
        if untyped.iter().any(|keyword| schema.contains_key(*keyword)) {
            return false;
        }
        let limits = |keywords: &[&str]| {
            let mut limits = keywords.iter().filter_map(|keyword| schema.get(*keyword));
            limits.any(|limit| limit.is_number() || limit.is_string())
        };
        let is_format = |names: &[&str]| {
            let format = schema.get("format").and_then(Value::as_str);
            format.is_some_and(|format| names.contains(&format))
        };
        let kind = if is_format(&["int32", "int64"]) {
            "integer"
        } else if limits(&["minimum", "maximum", "multipleOf"]) || is_format(&["float", "double"]) {
            "number"
        } else if limits(&["minLength", "maxLength", "pattern", "format"]) {
            "string"
        } else if limits(&["minItems", "maxItems"]) {
            "array"
        } else {
            return false;
        };
        schema.insert("type".into(), kind.into());
        true
    })
}

/// An arm allows `null`; `nullable` beside the arms means the same, unless keywords beside them refuse it.
pub(super) fn null_arm(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some((keyword, mut arms)) = arms(schema) else {
            return false;
        };
        let mut beside = schema.clone();
        beside.remove(keyword);
        let is_null = |keyword: &str, null: Value| beside.get(keyword) == Some(&null);
        if (is_null("enum", json!([null])) || is_null("type", "null".into())) && allows_null(schema)
        {
            *schema = beside;
            return true;
        }
        let before = arms.clone();
        // `oneOf` forbids a value that two arms allow; an arm of `nullable` alone has no other meaning than `null`.
        let allows = |arm: &&Value| arm.as_object().is_some_and(allows_null);
        let is_idiom = |arm: &Value| allows_null_alone(arm) && arm.get("nullable").is_some();
        let is_forbidden = keyword == "oneOf" && arms.iter().filter(allows).count() > 1;
        if is_forbidden && !arms.iter().any(is_idiom) {
            return false;
        }
        arms.retain(|arm| !allows_null_alone(arm));
        for arm in arms.iter_mut().filter_map(Value::as_object_mut) {
            if arm.get("nullable") == Some(&Value::Bool(true)) {
                arm.remove("nullable");
            }
        }
        if arms == before || arms.is_empty() {
            return false;
        }
        let mut whole = schema.clone();
        whole.remove(keyword);
        let is_allowed = allows_null(&whole);
        whole.remove("nullable");
        let one = match arms.as_slice() {
            [one] => joined(&whole, one),
            _ => None,
        };
        match one {
            Some(Value::Object(one)) => *schema = one,
            _ => {
                whole.insert(keyword.into(), arms.into());
                *schema = whole;
            }
        }
        if is_allowed {
            schema.insert("nullable".into(), true.into());
        }
        true
    })
}

/// The arms of a schema, and the keyword that they stand under.
pub(super) fn arms(schema: &Map<String, Value>) -> Option<(&'static str, Vec<Value>)> {
    ["anyOf", "oneOf"].into_iter().find_map(|keyword| {
        let arms = schema.get(keyword)?.as_array()?;
        Some((keyword, arms.clone()))
    })
}

fn allows_null_alone(arm: &Value) -> bool {
    let Some(arm) = arm.as_object() else {
        return false;
    };
    let bare = |but: &str| {
        arm.keys()
            .all(|keyword| keyword == but || is_annotation(keyword))
    };
    (arm.get("nullable") == Some(&Value::Bool(true)) && bare("nullable"))
        || (arm.get("type").is_some_and(|kind| kind == "null") && bare("type"))
        || (arm
            .get("enum")
            .is_some_and(|values| *values == json!([null]))
            && bare("enum"))
}

/// A lower limit is greater than the upper one, so that nothing is allowed; they are swapped back, with the flags that state
/// whether a limit itself is allowed.
pub(super) fn limits_swapped(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let pairs = [
            ("minimum", "maximum"),
            ("minLength", "maxLength"),
            ("minItems", "maxItems"),
        ];
        let mut is_repaired = false;
        for (min, max) in pairs {
            let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
            if !matches!((limit(min), limit(max)), (Some(low), Some(high)) if low > high) {
                continue;
            }
            is_repaired = true;
            swap(schema, min, max);
            let is_flag = |keyword: &str| schema.get(keyword).is_none_or(Value::is_boolean);
            if min == "minimum" && is_flag("exclusiveMinimum") && is_flag("exclusiveMaximum") {
                swap(schema, "exclusiveMinimum", "exclusiveMaximum");
            }
        }
        is_repaired
    })
}

fn swap(schema: &mut Map<String, Value>, one: &str, other: &str) {
    let (was, is) = (schema.remove(one), schema.remove(other));
    schema.extend(is.map(|value| (one.to_owned(), value)));
    schema.extend(was.map(|value| (other.to_owned(), value)));
}

/// Ids of generations have the format `uuid`, but the service's own look like `UUID:MODEL`, so any string is allowed.
pub(super) fn uuid_format(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let wrong = schema.get("format").is_some_and(|format| format == "uuid");
        if wrong {
            schema.remove("format");
        }
        wrong
    })
}

/// Whether a keyword is an annotation, which constrains nothing.
pub(crate) fn is_annotation(keyword: &str) -> bool {
    let known = [
        "description",
        "title",
        "example",
        "examples",
        "default",
        "deprecated",
        "externalDocs",
    ];
    known.contains(&keyword) || keyword.starts_with("x-")
}
