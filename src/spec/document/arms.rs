//! Bodies told apart by `oneOf` or `anyOf`: which model each is of, and one schema per model.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Document;
use crate::spec::{Findings, Trouble, repair, strip};

/// The models that a body is of, each with its schema and where that stands. What stands beside arms belongs to each of
/// them; a model with several bodies stays one request, which has to be one of them.
pub(super) fn by_model(
    document: &Document,
    schema: &Value,
    pointer: &str,
    findings: &mut Findings,
) -> Vec<(String, String, Value)> {
    let mut bodies = Vec::new();
    flatten(document, schema, pointer, findings, &mut bodies);
    let mut ids: Vec<String> = Vec::new();
    for (_, body) in &bodies {
        for id in models(body) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }
    let of_model = |id: String| {
        let mut own = bodies.iter().filter(|(_, body)| models(body).contains(&id));
        let (at, first) = own.next()?;
        let others: Vec<&Value> = own.map(|(_, body)| body).collect();
        if others.is_empty() {
            return Some((id, at.clone(), first.clone()));
        }
        let keyword = arms(schema).map_or("anyOf", |(keyword, _)| keyword);
        let mut several = json!({ "type": "object" });
        several[keyword] = std::iter::once(first).chain(others).cloned().collect();
        Some((id, pointer.to_owned(), several))
    };
    ids.into_iter().filter_map(of_model).collect()
}

/// Every body with what stands beside it and above it written in.
fn flatten(
    document: &Document,
    schema: &Value,
    pointer: &str,
    findings: &mut Findings,
    bodies: &mut Vec<(String, Value)>,
) {
    let told_apart = arms(schema).filter(|(_, arms)| arms.iter().any(tells));
    let Some((keyword, arms)) = told_apart else {
        bodies.push((pointer.to_owned(), schema.clone()));
        return;
    };
    let mut shared = schema.as_object().cloned().unwrap_or_default();
    shared.remove("discriminator");
    shared.remove(keyword);
    for (index, arm) in arms.iter().enumerate() {
        let at = format!("{pointer}/{keyword}/{index}");
        let place = document.place(&at);
        match repair::joined(&shared, arm) {
            Some(whole) if !tells(&whole) => {
                let what = "names no model, so no request is made of it";
                let remedy = "add `model` with the id by an overlay action if it is one";
                findings.warning(Trouble::new(&document.file, &place, what, remedy));
            }
            Some(whole) => flatten(document, &whole, &at, findings, bodies),
            None => {
                let what = format!("contradicts what stands beside `{keyword}`");
                let remedy = "correct one of them by an overlay action";
                findings.trouble(Trouble::new(&document.file, &place, what, remedy));
            }
        }
    }
}

/// Whether a schema, or one of its arms, says which model it is of.
fn tells(schema: &Value) -> bool {
    !models(schema).is_empty() || arms(schema).is_some_and(|(_, arms)| arms.iter().any(tells))
}

fn arms(schema: &Value) -> Option<(&'static str, &Vec<Value>)> {
    ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|keyword| Some((keyword, schema.get(keyword)?.as_array()?)))
}

/// The ids that a body's `model` allows.
fn models(schema: &Value) -> Vec<String> {
    let allowed = schema
        .pointer("/properties/model/enum")
        .and_then(Value::as_array);
    let mut models: Vec<String> = Vec::new();
    for model in allowed.into_iter().flatten().filter_map(Value::as_str) {
        if !models.iter().any(|known| known == model) {
            models.push(model.into());
        }
    }
    models
}

/// The body of one model, as a struct can hold it. Its id is always sent, since the service tells bodies apart by it.
pub(super) fn for_model(mut schema: Value, model: &str) -> Value {
    lift(&mut schema);
    let required = schema.get("required").and_then(Value::as_array).cloned();
    let mut required = required.unwrap_or_default();
    if !required.iter().any(|name| name == "model") {
        required.push("model".into());
        schema["required"] = required.into();
    }
    if let Some(property) = schema.pointer_mut("/properties/model") {
        *property = json!({ "type": "string", "enum": [model] });
    }
    schema
}

/// What only the arms of an object name is a property of the object, so that its struct has a place for it. The arms stay,
/// and say what goes together; what all of them require is required.
fn lift(schema: &mut Value) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(lift);
    }
    if let Some(items) = schema.get_mut("items") {
        lift(items);
    }
    let mut arms = arms(schema).map_or_else(Vec::new, |(_, arms)| arms.clone());
    arms.iter_mut().for_each(lift);
    let is_object = |schema: &Value| schema.get("properties").is_some_and(Value::is_object);
    let is_typed = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "object");
    let holds = is_object(schema) || is_typed(schema) || arms.iter().all(is_typed);
    if arms.is_empty() || !holds || !arms.iter().all(is_object) {
        return;
    }
    // What is no list of properties is told where it is read.
    let mut properties = match schema.get("properties") {
        None => Map::new(),
        Some(Value::Object(properties)) => properties.clone(),
        Some(_) => return,
    };
    let mut named: BTreeMap<&String, Vec<Value>> = BTreeMap::new();
    for (name, property) in arms
        .iter()
        .filter_map(|arm| arm["properties"].as_object())
        .flatten()
    {
        let known = named.entry(name).or_default();
        match known.iter_mut().find(|known| same(known, property)) {
            None => known.push(property.clone()),
            // A default that holds for one arm alone is none of the object's.
            Some(known) if known.get("default") != property.get("default") => {
                without_default(known);
            }
            Some(_) => {}
        }
    }
    let required = |schema: &Value| -> Vec<Value> {
        let names = schema.get("required").and_then(Value::as_array);
        names.cloned().unwrap_or_default()
    };
    let mut all = required(schema);
    for name in required(&arms[0]) {
        if !all.contains(&name) && arms.iter().all(|arm| required(arm).contains(&name)) {
            all.push(name);
        }
    }
    if !all.is_empty() {
        schema["required"] = all.into();
    }
    for (name, several) in named {
        if !properties.contains_key(name) {
            let mut property = match several.as_slice() {
                [only] => only.clone(),
                several => json!({ "anyOf": several }),
            };
            repair::enum_in_arms(&mut property);
            properties.insert(name.clone(), property);
        }
    }
    schema["properties"] = properties.into();
}

/// Whether two schemas allow the same, whatever they tell of it.
fn same(one: &Value, other: &Value) -> bool {
    let facts = |schema: &Value| {
        let mut schema = schema.clone();
        strip::without_prose(&mut schema);
        without_default(&mut schema);
        schema
    };
    facts(one) == facts(other)
}

fn without_default(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("default");
    }
}
