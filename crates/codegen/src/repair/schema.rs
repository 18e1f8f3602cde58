//! Repairs of schemas.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::each_object;

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

/// A schema with the parts of its `allOf` written into it; `None` where it has none, or where they contradict each other.
/// Keywords of a part that one schema cannot hold stay in `allOf` under the index of that part.
pub fn whole(schema: &Map<String, Value>) -> Option<Map<String, Value>> {
    let parts = schema.get("allOf")?.as_array()?;
    let mut whole = schema.clone();
    whole.remove("allOf");
    let mut rests: Vec<Value> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let rest = Value::Object(join_or_rest(&mut whole, part)?);
        if rest != json!({}) && !rests.contains(&rest) {
            rests.resize(index, json!({}));
            rests.push(rest);
        }
    }
    if !rests.is_empty() {
        whole.insert("allOf".into(), rests.into());
    }
    Some(whole)
}

/// One schema that allows what both `shared` and `part` allow; `None` where they contradict each other.
pub fn joined(shared: &Map<String, Value>, part: &Value) -> Option<Value> {
    let mut whole = shared.clone();
    join(&mut whole, part).then_some(Value::Object(whole))
}

/// Joins `part` into `whole`. Keywords that both have and one schema cannot hold, such as two patterns, go into `allOf`.
/// Returns false where the two contradict each other.
pub(super) fn join(whole: &mut Map<String, Value>, part: &Value) -> bool {
    let Some(mut rest) = join_or_rest(whole, part) else {
        return false;
    };
    match (rest.remove("allOf"), whole.get_mut("allOf")) {
        (Some(own), None) => {
            whole.insert("allOf".into(), own);
        }
        // The part's own list comes first, so that the indices in it stay.
        (Some(Value::Array(own)), Some(Value::Array(known))) => {
            let mut others = std::mem::replace(known, own);
            others.retain(|other| !known.contains(other));
            known.extend(others);
        }
        (Some(own), Some(known)) if own != *known => {
            rest.insert("allOf".into(), own);
        }
        _ => {}
    }
    let list = (!rest.is_empty()).then(|| whole.entry("allOf").or_insert_with(|| json!([])));
    if let Some(list) = list.and_then(Value::as_array_mut) {
        let rest = Value::Object(rest);
        if !list.contains(&rest) {
            list.push(rest);
        }
    }
    true
}

/// Joins `part` into `whole`, and returns the keywords of `part` that one schema cannot hold together with those of
/// `whole`; `None` where the two contradict each other.
fn join_or_rest(whole: &mut Map<String, Value>, part: &Value) -> Option<Map<String, Value>> {
    let part = part.as_object()?;
    let null = null(whole, part);
    // These depend on another keyword each.
    let is_done = |keyword: &str, new: &Value| {
        let is_flag = ["exclusiveMinimum", "exclusiveMaximum"].contains(&keyword);
        ["nullable", "minimum", "maximum"].contains(&keyword) || is_flag && new.is_boolean()
    };
    for limit in ["minimum", "maximum"] {
        join_limit(whole, part, limit);
    }
    let mut rest = Map::new();
    let joins = part.iter().all(|(keyword, new)| {
        if is_done(keyword, new) {
            return true;
        }
        if keyword == "allOf" {
            rest.insert(keyword.clone(), new.clone());
            return true;
        }
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
            ("items", Value::Object(old), new @ Value::Object(_)) => join(old, new),
            ("required", Value::Array(old), Value::Array(new)) => {
                let more: Vec<Value> = new
                    .iter()
                    .filter(|item| !old.contains(item))
                    .cloned()
                    .collect();
                old.extend(more);
                true
            }
            ("enum", Value::Array(old), Value::Array(new)) => {
                let new: HashSet<&Value> = new.iter().collect();
                old.retain(|value| new.contains(value));
                !old.is_empty()
            }
            ("minLength" | "minItems" | "minProperties" | "exclusiveMinimum", old, new)
                if old.is_number() && new.is_number() =>
            {
                tighter(old, new, |old, new| new > old)
            }
            ("maxLength" | "maxItems" | "maxProperties" | "exclusiveMaximum", old, new)
                if old.is_number() && new.is_number() =>
            {
                tighter(old, new, |old, new| new < old)
            }
            ("type", old, new) if *old == "number" && new == "integer" => {
                *old = new.clone();
                true
            }
            ("type", old, new) if *old == "integer" && new == "number" => true,
            ("type" | "enum" | "required" | "properties" | "items", old, new) => old == new,
            (known, ..) if is_annotation(known) => true,
            (_, old, new) => {
                if old != new {
                    rest.insert(keyword.clone(), new.clone());
                }
                true
            }
        }
    });
    match null {
        Some(null) => whole.insert("nullable".into(), null),
        None => whole.remove("nullable"),
    };
    joins.then_some(rest)
}

/// The `nullable` of two schemas together. It belongs to the `type` beside it; `null` is allowed where each type allows it.
fn null(whole: &Map<String, Value>, part: &Map<String, Value>) -> Option<Value> {
    let both = [whole, part];
    let stated = both.map(|schema| schema.get("nullable"));
    if let Some(odd) = stated.into_iter().flatten().find(|flag| !flag.is_boolean()) {
        return Some(odd.clone());
    }
    let allows = |schema: &&Map<String, Value>| schema.get("nullable") == Some(&Value::Bool(true));
    let mut typed = both.iter().filter(|schema| schema.contains_key("type"));
    let is_typed = both.iter().any(|schema| schema.contains_key("type"));
    let allowed = if is_typed {
        typed.all(allows)
    } else {
        both.iter().any(allows)
    };
    allowed.then_some(Value::Bool(true))
}

/// Takes the tighter of two limits, each with its flag that states whether the limit itself is allowed.
fn join_limit(whole: &mut Map<String, Value>, part: &Map<String, Value>, limit: &str) {
    let is_lower = limit == "minimum";
    let flag = if is_lower {
        "exclusiveMinimum"
    } else {
        "exclusiveMaximum"
    };
    let Some(new) = part.get(limit) else { return };
    let numbers = whole.get(limit).map(|old| (old.as_f64(), new.as_f64()));
    let takes = match numbers {
        Some((Some(old), Some(new))) if old == new => part.get(flag) == Some(&Value::Bool(true)),
        Some((Some(old), Some(new))) => (new > old) == is_lower,
        Some((old, _)) => old.is_some(),
        None => true,
    };
    if !takes {
        return;
    }
    whole.insert(limit.into(), new.clone());
    // Newer schemas put a limit of its own where the flag stands; that one stays.
    if !whole.get(flag).is_some_and(Value::is_number) {
        match part.get(flag).filter(|flag| !flag.is_number()) {
            Some(value) => whole.insert(flag.into(), value.clone()),
            None => whole.remove(flag),
        };
    }
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

/// `required` has a name without a property; a property of that name is added that allows any value.
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

/// An arm allows `null`; `nullable` beside the arms means the same, unless the schema has a type without `nullable`.
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
        let is_refused = schema.contains_key("type")
            && schema
                .get("nullable")
                .is_none_or(|flag| flag == &Value::Bool(false));
        let mut whole = schema.clone();
        whole.remove(keyword);
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
        if !is_refused {
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
pub fn is_annotation(keyword: &str) -> bool {
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
