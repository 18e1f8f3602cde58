//! Copies the properties of an object's arms to the object, so that its struct has a field for each.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use serde_json::{Map, Value, json};

use crate::{document::Places, repair, step, strip};

mod tagged;

/// Adds the properties of arms to their object, at every depth, and records in `places` where these stand. The arms stay:
/// they state which properties go together. The object requires what all of its arms require.
///
/// What an arm does not state, its `additionalProperties` allows. The publisher leaves that out of all objects, so an arm that
/// states properties, and nothing of others, has no say in those of the other arms: where it fits, they still have to fit the
/// schema that another arm states, where JSON Schema would allow any value, and no type would be left of them. Arms that a
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
            let is_any = |(_, schema): &(String, Value)| *schema == true || *schema == json!({});
            let mut property = match several.as_slice() {
                several if several.iter().any(is_any) => json!({}),
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
    let mut indices = HashMap::new();
    for (keyword, arms) in groups {
        let stated = arms
            .iter()
            .filter_map(|arm| arm.get("properties")?.as_object());
        let names: BTreeSet<String> = stated.flat_map(Map::keys).cloned().collect();
        for (index, arm) in arms.iter().enumerate() {
            for name in &names {
                let found =
                    property(arm, name).filter(|(is_stated, ..)| *is_stated || *keyword != "allOf");
                let Some((_, below, schema)) = found else {
                    continue;
                };
                let known = named.entry(name.clone()).or_default();
                match indices.entry((name.clone(), facts(schema))) {
                    Entry::Vacant(new) => {
                        new.insert(known.len());
                        known.push((
                            format!("{pointer}/{keyword}/{index}{below}"),
                            schema.clone(),
                        ));
                    }
                    // A default of one arm is not a default of the object.
                    Entry::Occupied(same) => {
                        let (_, known) = &mut known[*same.get()];
                        if known.get("default") != schema.get("default") {
                            without_default(known);
                        }
                    }
                }
            }
        }
    }
    named
}

/// The schema that an arm has for a property, with its pointer in the arm and whether the arm states the property; `None` if
/// the arm does not allow it.
fn property<'a>(arm: &'a Value, name: &str) -> Option<(bool, String, &'a Value)> {
    let properties = arm.get("properties").and_then(Value::as_object);
    if let Some(schema) = properties.and_then(|properties| properties.get(name)) {
        return Some((true, format!("/properties{}", step(name)), schema));
    }
    let has_others = properties.is_some_and(|properties| !properties.is_empty());
    match arm.get("additionalProperties") {
        Some(Value::Bool(false)) => None,
        None if has_others => None,
        Some(rest @ Value::Object(_)) => Some((false, "/additionalProperties".into(), rest)),
        _ => Some((false, String::new(), &Value::Bool(true))),
    }
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

/// A schema without prose and default.
fn facts(schema: &Value) -> Value {
    let mut schema = schema.clone();
    strip::without_prose(&mut schema);
    without_default(&mut schema);
    schema
}

fn without_default(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("default");
    }
}
