//! Copies the properties of an object's arms to the object, so that its struct has a field for each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::{document::Places, repair, step, strip};

mod tagged;

/// Adds the properties of arms to their object, at every depth, and records in `places` where these stand. The arms stay:
/// they state which properties go together. The object requires what all of its arms require.
///
/// A property that one arm alone states has its schema in the other arms, too, where JSON Schema would allow any value. Arms that a
/// property distinguishes stay apart, since an enum holds them.
pub(super) fn lift(schema: &mut Value, places: &mut Places) {
    within(schema, "", places, false);
}

/// `pointer` is the schema's in the whole request; `is_held` states that the schema above is an object's.
fn within(schema: &mut Value, pointer: &str, places: &mut Places, is_held: bool) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        for (name, property) in properties {
            let at = format!("{pointer}/properties{}", step(name));
            within(property, &at, places, false);
        }
    }
    if let Some(items) = schema.get_mut("items") {
        within(items, &format!("{pointer}/items"), places, false);
    }
    if let Some(keyword) = (!is_held && !pointer.is_empty())
        .then(|| tagged::tagged(schema))
        .flatten()
    {
        let arms = schema[keyword].as_array_mut();
        for (index, arm) in arms.into_iter().flatten().enumerate() {
            within(arm, &format!("{pointer}/{keyword}/{index}"), places, false);
        }
        return;
    }
    let mut groups: Vec<(&str, Vec<Value>)> = Vec::new();
    for keyword in ["oneOf", "anyOf", "allOf"] {
        let arms = schema.get(keyword).and_then(Value::as_array);
        groups.extend(arms.map(|arms| (keyword, arms.clone())));
    }
    let is_object = |schema: &Value| schema.get("properties").is_some_and(Value::is_object);
    let is_typed = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "object");
    let is_of_objects = |(keyword, arms): &(&str, Vec<Value>)| {
        *keyword != "allOf" && !arms.is_empty() && arms.iter().all(is_typed)
    };
    let holds = is_held
        || is_object(schema)
        || is_typed(schema)
        || !schema.get("type").is_some_and(Value::is_string) && groups.iter().any(is_of_objects);
    for (keyword, arms) in &mut groups {
        for (index, arm) in arms.iter_mut().enumerate() {
            within(arm, &format!("{pointer}/{keyword}/{index}"), places, holds);
        }
    }
    if !holds || !groups.iter().flat_map(|(_, arms)| arms).any(is_object) {
        return;
    }
    // The reader of constraints reports `properties` of another type.
    let mut properties = match schema.get("properties") {
        None => Map::new(),
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) => return,
    };
    // The object's own `additionalProperties` applies to the properties that it does not state.
    let is_open = schema.as_object().and_then(repair::additional).is_none();
    for (name, several) in named(&groups, pointer) {
        if is_open && !properties.contains_key(&name) {
            let at = format!("{pointer}/properties{}", step(&name));
            let mut property = match several.as_slice() {
                [(from, only)] => {
                    places.copy(from, &at);
                    only.clone()
                }
                several => {
                    for (index, (from, _)) in several.iter().enumerate() {
                        places.copy(from, &format!("{at}/anyOf/{index}"));
                    }
                    let schemas: Vec<&Value> = several.iter().map(|(_, schema)| schema).collect();
                    json!({ "anyOf": schemas })
                }
            };
            repair::enum_in_arms(&mut property);
            properties.insert(name, property);
        }
    }
    require(schema, &groups);
    schema["properties"] = properties.into();
}

/// The properties of arms, each with its different schemas and the pointers of these.
fn named(groups: &[(&str, Vec<Value>)], pointer: &str) -> BTreeMap<String, Vec<(String, Value)>> {
    let mut named: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    for (keyword, arms) in groups {
        for (index, arm) in arms.iter().enumerate() {
            let properties = arm.get("properties").and_then(Value::as_object);
            for (name, property) in properties.into_iter().flatten() {
                let known = named.entry(name.clone()).or_default();
                let mut schemas = known.iter_mut().map(|(_, known)| known);
                match schemas.find(|known| same(known, property)) {
                    None => {
                        let at = format!("{pointer}/{keyword}/{index}/properties{}", step(name));
                        known.push((at, property.clone()));
                    }
                    // A default of one arm is not a default of the object.
                    Some(known) if known.get("default") != property.get("default") => {
                        without_default(known);
                    }
                    Some(_) => {}
                }
            }
        }
    }
    named
}

/// Requires the properties that every alternative requires, and those that any part of `allOf` requires.
fn require(schema: &mut Value, groups: &[(&str, Vec<Value>)]) {
    let required = |schema: &Value| -> Vec<String> {
        let names = schema.get("required").and_then(Value::as_array);
        let names = names.into_iter().flatten().filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let mut more: Vec<String> = Vec::new();
    for (keyword, arms) in groups {
        let each: Vec<Vec<String>> = arms.iter().map(required).collect();
        let mut names: BTreeSet<&String> = each.iter().flatten().collect();
        if *keyword != "allOf" {
            names.retain(|name| each.iter().all(|names| names.contains(name)));
        }
        more.extend(names.into_iter().cloned());
    }
    let mut known = required(schema);
    more.retain(|name| {
        let is_new = !known.contains(name);
        known.push(name.clone());
        is_new
    });
    if more.is_empty() {
        return;
    }
    match schema.get_mut("required") {
        Some(Value::Array(names)) => names.extend(more.into_iter().map(Value::from)),
        // The reader of constraints reports a value that is not a list.
        Some(odd) if !odd.is_boolean() => {}
        _ => schema["required"] = more.into(),
    }
}

/// Whether two schemas are the same except for prose and defaults.
fn same(one: &Value, other: &Value) -> bool {
    let facts = |schema: &Value| {
        let mut schema = schema.clone();
        strip::without_prose(&mut schema);
        without_default(&mut schema);
        schema
    };
    one == other || facts(one) == facts(other)
}

fn without_default(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("default");
    }
}
