//! Drafts the overlay actions that change one version of an operation into another.

use serde_json::{Map, Value, json};

/// Returns the actions, which apply to the operation at the JSONPath `target`.
pub(super) fn actions(old: &Value, new: &Value, target: String) -> Vec<Value> {
    let mut actions = Vec::new();
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        change(old, new, target, &mut actions);
    }
    actions
}

/// Adds the actions that change `old` into `new`, which keeps every primitive keyword.
///
/// An action selects objects and arrays alone, so a changed primitive is an update of its object, and an object that loses
/// one is removed and added again.
fn change(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    at: String,
    actions: &mut Vec<Value>,
) {
    let mut update = Map::new();
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    removed.for_each(|name| actions.push(remove(below(&at, name))));
    for (name, new) in new {
        let at = below(&at, name);
        match (old.get(name), new) {
            (Some(old), new) if old == new => {}
            (Some(Value::Object(old)), Value::Object(new)) if keeps_primitives(old, new) => {
                change(old, new, at, actions);
            }
            (Some(Value::Array(old)), Value::Array(new)) if is_extended(old, new) => {
                for (index, (old, new)) in old.iter().zip(new).enumerate() {
                    if let (Value::Object(old), Value::Object(new)) = (old, new) {
                        change(old, new, format!("{at}[{index}]"), actions);
                    }
                }
                // An update of an array is appended.
                let more = &new[old.len()..];
                if !more.is_empty() {
                    update.insert(name.clone(), more.into());
                }
            }
            (old, new) => {
                let is_container = |old: &Value| old.is_object() || old.is_array();
                if old.is_some_and(is_container) {
                    actions.push(remove(at));
                }
                update.insert(name.clone(), new.clone());
            }
        }
    }
    if !update.is_empty() {
        let description = "Recorded responses have this, which the document does not declare.";
        actions.push(json!({ "target": at, "description": description, "update": update }));
    }
}

fn remove(target: String) -> Value {
    let description =
        "Recorded responses do not agree with this; another action adds what they agree with.";
    json!({ "target": target, "description": description, "remove": true })
}

fn keeps_primitives(old: &Map<String, Value>, new: &Map<String, Value>) -> bool {
    let is_kept = |(name, old): (&String, &Value)| {
        new.contains_key(name) || old.is_object() || old.is_array()
    };
    old.iter().all(is_kept)
}

/// Whether `new` has the items of `old`, possibly extended objects, and more.
fn is_extended(old: &[Value], new: &[Value]) -> bool {
    let is_kept = |(old, new): (&Value, &Value)| match (old, new) {
        (Value::Object(old), Value::Object(new)) => keeps_primitives(old, new),
        (old, new) => old == new,
    };
    old.len() <= new.len() && old.iter().zip(new).all(is_kept)
}

/// The JSONPath of a member of an object.
fn below(at: &str, name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match is_plain {
        true => format!("{at}.{name}"),
        false => format!("{at}[{}]", quoted(name)),
    }
}

/// A string of JSONPath.
pub(super) fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let inner = &json[1..json.len() - 1];
    format!("'{}'", inner.replace("\\\"", "\"").replace('\'', "\\'"))
}
