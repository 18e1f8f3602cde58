//! Alternatives that are objects with a property that distinguishes them.

use serde_json::{Map, Value};

use crate::repair;

/// The keyword of a schema's arms if a Rust enum can hold them: every arm is an object that requires one property with one
/// value, which no other arm has. Keywords beside the arms are written into each of them.
pub(super) fn tagged(schema: &mut Value) -> Option<&'static str> {
    let map = schema.as_object_mut()?;
    let mut keywords = ["oneOf", "anyOf"].into_iter();
    let keyword = keywords.find(|keyword| map.contains_key(*keyword))?;
    if keywords.any(|other| map.contains_key(other)) || map.contains_key("allOf") {
        return None;
    }
    let is_shared = |name: &str| {
        let is_own = ["nullable", "discriminator", keyword].contains(&name);
        !is_own && !repair::is_annotation(name)
    };
    let mut shared = map.clone();
    shared.retain(|name, _| is_shared(name));
    let arms = map.get(keyword)?.as_array()?.iter();
    let arms: Vec<Value> = arms
        .map(|arm| repair::joined(&shared, arm))
        .collect::<Option<_>>()?;
    let is_object = |arm: &Value| arm.get("type").is_some_and(|kind| kind == "object");
    if arms.len() < 2 || !arms.iter().all(is_object) {
        return None;
    }
    let names = arms[0]["properties"].as_object()?.keys();
    let mut tags = names.filter(|name| {
        let values: Vec<_> = arms.iter().map(|arm| only_value(arm, name)).collect();
        let is_new = |(index, value)| !values[..index].contains(value);
        values.iter().all(Option::is_some) && values.iter().enumerate().all(is_new)
    });
    tags.next()?;
    map.retain(|name, _| !is_shared(name));
    map.insert(keyword.into(), arms.into());
    Some(keyword)
}

/// The one value of a property that an object requires.
fn only_value<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    let required = object.get("required")?.as_array()?;
    let property: &Map<String, Value> = object.get("properties")?.get(name)?.as_object()?;
    let is_nullable = property.get("nullable") == Some(&Value::Bool(true));
    match property.get("enum")?.as_array()?.as_slice() {
        [only] if !is_nullable && required.iter().any(|known| known == name) => only.as_str(),
        _ => None,
    }
}
