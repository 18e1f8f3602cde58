//! Joins schemas into one that allows what all of them allow.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Map, Value, json};

use super::{schema::is_annotation, values::normal};

/// A schema with the parts of its `allOf` written into it; `None` where it has none, or where they contradict each other.
/// Keywords of a part that one schema cannot hold stay in `allOf` under the index of that part.
pub(crate) fn whole(schema: &Map<String, Value>) -> Option<Map<String, Value>> {
    let parts = schema.get("allOf")?.as_array()?;
    let mut whole = schema.clone();
    whole.remove("allOf");
    // OpenAPI 3.0 has no other form for a reference that may be `null`.
    let is_wrapper = whole.get("nullable") == Some(&Value::Bool(true))
        && whole
            .keys()
            .all(|keyword| keyword == "nullable" || is_annotation(keyword));
    let mut rests: Vec<Value> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let rest = Value::Object(join_or_rest(&mut whole, part)?);
        if rest != json!({}) && !rests.contains(&rest) {
            rests.resize(index, json!({}));
            rests.push(rest);
        }
    }
    if is_wrapper {
        whole.insert("nullable".into(), true.into());
    }
    if !rests.is_empty() {
        whole.insert("allOf".into(), rests.into());
    }
    Some(whole)
}

/// One schema that allows what both `shared` and `part` allow; `None` where they contradict each other.
pub(crate) fn joined(shared: &Map<String, Value>, part: &Value) -> Option<Value> {
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
        let keywords = [
            "nullable",
            "minimum",
            "maximum",
            "properties",
            "additionalProperties",
        ];
        keywords.contains(&keyword) || is_flag && new.is_boolean()
    };
    for limit in ["minimum", "maximum"] {
        join_limit(whole, part, limit);
    }
    let both = [&*whole, part];
    let mut apart: Vec<String> = part
        .keys()
        .filter(|keyword| is_apart(keyword, whole, part))
        .cloned()
        .collect();
    // Patterns decide, too, what `additionalProperties` applies to.
    let group = ["properties", "patternProperties", "additionalProperties"];
    if both.into_iter().any(has_patterns)
        && both.into_iter().any(|schema| additional(schema).is_some())
        && group.iter().any(|keyword| whole.contains_key(*keyword))
    {
        apart.extend(group.map(str::to_owned));
    } else {
        whole.extend(joined_properties(whole, part)?);
    }
    let mut rest = Map::new();
    let joins = part.iter().all(|(keyword, new)| {
        if keyword == "allOf" || apart.contains(keyword) {
            rest.insert(keyword.clone(), new.clone());
            return true;
        }
        if is_done(keyword, new) {
            return true;
        }
        let Some(old) = whole.get_mut(keyword) else {
            whole.insert(keyword.clone(), new.clone());
            return true;
        };
        match (keyword.as_str(), &mut *old, new) {
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
                let new: HashSet<Value> = new.iter().map(normal).collect();
                old.retain(|value| new.contains(&normal(value)));
                !old.is_empty()
            }
            ("minLength" | "minItems" | "minProperties", old, new)
                if old.is_number() && new.is_number() =>
            {
                tighter(old, new, |old, new| new > old)
            }
            ("maxLength" | "maxItems" | "maxProperties", old, new)
                if old.is_number() && new.is_number() =>
            {
                tighter(old, new, |old, new| new < old)
            }
            ("type", old, new) if *old == "number" && new == "integer" => {
                *old = new.clone();
                true
            }
            ("type", old, new) if *old == "integer" && new == "number" => true,
            ("type" | "enum" | "required" | "items", old, new) => old == new,
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

/// Whether a keyword of `part` has a meaning only together with others, of which `whole` has some.
fn is_apart(keyword: &str, whole: &Map<String, Value>, part: &Map<String, Value>) -> bool {
    let groups: [&[&str]; 3] = [
        &["if", "then", "else"],
        &["contains", "minContains", "maxContains"],
        &["prefixItems", "items"],
    ];
    groups.iter().any(|group| {
        group.contains(&keyword)
            && (whole.contains_key(group[0]) || part.contains_key(group[0]))
            && group.iter().any(|keyword| whole.contains_key(*keyword))
            && group
                .iter()
                .any(|keyword| whole.get(*keyword) != part.get(*keyword))
    })
}

/// The `properties` and `additionalProperties` of two schemas together: what one of them does not state, its
/// `additionalProperties` decides. `None` where the two contradict each other.
fn joined_properties(
    whole: &Map<String, Value>,
    part: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let both = [whole, part];
    let mut joined = Map::new();
    let stated = both.map(|schema| schema.get("properties"));
    if let Some(odd) = stated.iter().flatten().find(|stated| !stated.is_object()) {
        // The reader of constraints reports it.
        joined.insert("properties".into(), (*odd).clone());
        return Some(joined);
    }
    let names = stated.into_iter().flatten().filter_map(Value::as_object);
    let names: BTreeSet<&String> = names.flat_map(Map::keys).collect();
    let [before, after] = both.map(additional);
    let mut properties = Map::new();
    for name in &names {
        let [old, new] = stated.map(|properties| properties?.get(*name));
        if let Some(schema) = both_of(old.or(before), new.or(after))? {
            properties.insert((*name).clone(), schema);
        }
    }
    let others = (before.is_some() || after.is_some()).then(|| {
        both_of(before, after)
            .flatten()
            .unwrap_or(Value::Bool(false))
    });
    let is_refused = |name: &Value| {
        let is_stated = name
            .as_str()
            .is_some_and(|name| properties.contains_key(name));
        others == Some(Value::Bool(false)) && !is_stated
    };
    let required = both.map(|schema| schema.get("required").and_then(Value::as_array));
    if !both.into_iter().any(has_patterns)
        && required.into_iter().flatten().flatten().any(is_refused)
    {
        return None;
    }
    if !names.is_empty() {
        joined.insert("properties".into(), properties.into());
    }
    joined.extend(others.map(|schema| ("additionalProperties".to_owned(), schema)));
    Some(joined)
}

fn has_patterns(schema: &Map<String, Value>) -> bool {
    schema.contains_key("patternProperties")
}

/// One schema for a property, where `None` allows any value and `false` no value. The result is `Some(None)` where the property
/// is not allowed, and `None` where the schemas contradict each other.
fn both_of(old: Option<&Value>, new: Option<&Value>) -> Option<Option<Value>> {
    match (old, new) {
        (Some(Value::Bool(false)), _) | (_, Some(Value::Bool(false))) => Some(None),
        (Some(Value::Bool(true)), other) | (other, Some(Value::Bool(true))) => {
            Some(Some(other.cloned().unwrap_or(Value::Bool(true))))
        }
        (Some(Value::Object(old)), Some(new)) => joined(old, new).map(Some),
        (Some(one), None) | (None, Some(one)) => Some(Some(one.clone())),
        (old, new) => (old == new).then(|| old.cloned()),
    }
}

/// The value of `additionalProperties` where it constrains anything.
pub(crate) fn additional(schema: &Map<String, Value>) -> Option<&Value> {
    let value = schema.get("additionalProperties")?;
    let is_open = value == &Value::Bool(true) || value == &json!({});
    (!is_open).then_some(value)
}

/// The `nullable` of two schemas together: `null` is allowed where both allow it.
fn null(whole: &Map<String, Value>, part: &Map<String, Value>) -> Option<Value> {
    let both = [whole, part];
    let stated = both.map(|schema| schema.get("nullable"));
    if let Some(odd) = stated.into_iter().flatten().find(|flag| !flag.is_boolean()) {
        return Some(odd.clone());
    }
    let is_stated = stated.contains(&Some(&Value::Bool(true)));
    (is_stated && both.into_iter().all(allows_null)).then_some(Value::Bool(true))
}

/// Whether a schema allows `null`. `nullable` belongs to the keywords beside it.
pub(super) fn allows_null(schema: &Map<String, Value>) -> bool {
    if schema.get("nullable").is_some_and(|flag| flag != false) {
        return true;
    }
    let allows = |schema: &Value| match schema {
        Value::Object(schema) => allows_null(schema),
        odd => *odd != false,
    };
    let holds = |keyword: &str, test: &dyn Fn(&Vec<Value>) -> bool| {
        let list = schema.get(keyword).and_then(Value::as_array);
        list.is_none_or(test)
    };
    let is_null = |kind: &Value| match kind {
        Value::Array(kinds) => kinds.contains(&"null".into()),
        kind => kind == "null",
    };
    schema.get("type").is_none_or(is_null)
        && schema.get("const").is_none_or(Value::is_null)
        && holds("enum", &|values| values.contains(&Value::Null))
        && holds("allOf", &|parts| parts.iter().all(allows))
        && holds("anyOf", &|arms| arms.iter().any(allows))
        && holds("oneOf", &|arms| {
            arms.iter().filter(|arm| allows(arm)).count() == 1
        })
        && schema.get("not").is_none_or(|not| !allows(not))
        && schema.get("if").is_none_or(|condition| {
            let branch = if allows(condition) { "then" } else { "else" };
            schema.get(branch).is_none_or(allows)
        })
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
    match part.get(flag) {
        Some(value) => whole.insert(flag.into(), value.clone()),
        None => whole.remove(flag),
    };
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
