//! What is wrong with a schema, or said in a way that no type can be made of.

use serde_json::{Map, Value};

use super::each_object;

/// Older documents compose a body of parts by `allOf`; the parts are written into one schema. Parts that contradict each
/// other stay as they are, and are reported.
pub(super) fn all_of(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(parts) = schema.get("allOf").and_then(Value::as_array) else {
            return false;
        };
        let mut whole = schema.clone();
        whole.remove("allOf");
        let joins = parts.iter().all(|part| join(&mut whole, part));
        if joins {
            *schema = whole;
        }
        joins
    })
}

/// `shared` and `part` as one schema that allows what both allow, where one can say that.
pub fn joined(shared: &Map<String, Value>, part: &Value) -> Option<Value> {
    let mut whole = shared.clone();
    join(&mut whole, part).then_some(Value::Object(whole))
}

pub(super) fn join(whole: &mut Map<String, Value>, part: &Value) -> bool {
    let Some(part) = part.as_object() else {
        return false;
    };
    part.iter().all(|(keyword, new)| {
        let Some(old) = whole.get_mut(keyword) else {
            whole.insert(keyword.clone(), new.clone());
            return true;
        };
        match (keyword.as_str(), &mut *old, new) {
            ("properties", Value::Object(old), Value::Object(new)) => {
                new.iter().all(|(name, new)| match old.get_mut(name) {
                    None => {
                        old.insert(name.clone(), new.clone());
                        true
                    }
                    Some(Value::Object(old)) => join(old, new),
                    Some(old) => old == new,
                })
            }
            ("required", Value::Array(old), Value::Array(new)) => {
                let more: Vec<Value> = new
                    .iter()
                    .filter(|name| !old.contains(name))
                    .cloned()
                    .collect();
                old.extend(more);
                true
            }
            ("enum", Value::Array(old), Value::Array(new)) => {
                old.retain(|value| new.contains(value));
                !old.is_empty()
            }
            ("minimum" | "minLength" | "minItems" | "minProperties", old, new) => {
                tighter(old, new, |old, new| new > old)
            }
            ("maximum" | "maxLength" | "maxItems" | "maxProperties", old, new) => {
                tighter(old, new, |old, new| new < old)
            }
            ("type", old, new) if *old == "number" && new == "integer" => {
                *old = new.clone();
                true
            }
            ("type", old, new) if *old == "integer" && new == "number" => true,
            (keyword, ..) if is_annotation(keyword) || keyword == "nullable" => true,
            (_, old, new) => old == new,
        }
    })
}

fn tighter(old: &mut Value, new: &Value, is_tighter: impl Fn(f64, f64) -> bool) -> bool {
    let (Some(was), Some(is)) = (old.as_f64(), new.as_f64()) else {
        return false;
    };
    if is_tighter(was, is) {
        *old = new.clone();
    }
    true
}

/// A property says `"required": true` of itself, as parameters do; a schema's `required` is its object's list of names, so
/// the name goes there.
pub(super) fn required_inside_property(document: &mut Value) -> usize {
    let mut mended = 0;
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
                mended += 1;
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
    mended
}

/// `required` names what is no property; it is one all the same, of which nothing else is known.
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
        let properties = schema
            .entry("properties")
            .or_insert_with(|| Value::Object(Map::new()));
        let Some(properties) = properties.as_object_mut() else {
            return false;
        };
        properties.extend(
            absent
                .into_iter()
                .map(|name| (name, Value::Object(Map::new()))),
        );
        true
    })
}

/// A limit stands without the `type` that it limits. To the letter it then limits that type and lets every other pass; what
/// is meant is the type.
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
        let kind = if limits(&["minimum", "maximum", "multipleOf"]) {
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

/// `null` is allowed by an arm of its own, or by one of the arms; `nullable` beside them says the same.
pub(super) fn null_arm(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some((keyword, mut arms)) = arms(schema) else {
            return false;
        };
        let before = arms.clone();
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
        whole.insert("nullable".into(), true.into());
        whole.remove(keyword);
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
}

/// A lower limit is greater than the upper one, so that nothing is allowed; they were swapped.
pub(super) fn limits_swapped(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let pairs = [
            ("minimum", "maximum"),
            ("minLength", "maxLength"),
            ("minItems", "maxItems"),
        ];
        let mut mended = false;
        for (least, most) in pairs {
            let limit = |keyword: &str| schema.get(keyword).and_then(Value::as_f64);
            if let (Some(low), Some(high)) = (limit(least), limit(most))
                && low > high
                && let (Some(low), Some(high)) = (schema.remove(least), schema.remove(most))
            {
                schema.insert(least.into(), high);
                schema.insert(most.into(), low);
                mended = true;
            }
        }
        mended
    })
}

/// Ids of generations are called UUIDs, and the service's own look like `UUID:MODEL`, so any text has to pass.
pub(super) fn uuid_format(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let wrong = schema.get("format").is_some_and(|format| format == "uuid");
        if wrong {
            schema.remove("format");
        }
        wrong
    })
}

/// Whether a keyword tells something and allows or forbids nothing.
pub(super) fn is_annotation(keyword: &str) -> bool {
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
