//! Drafts the overlay actions that change the declared responses of an operation into others.

use serde_json::{Map, Value, json};

/// An overlay action.
#[derive(Debug, PartialEq)]
pub(super) struct Action {
    /// The JSONPath below the responses of an operation.
    target: String,
    /// What is merged into the target; `None` if the target is removed.
    update: Option<Value>,
}

impl Action {
    /// The action as an overlay has it, for the responses at a JSONPath.
    pub(super) fn json(&self, responses: &str) -> Value {
        let target = format!("{responses}{}", self.target);
        match &self.update {
            Some(update) => {
                let description =
                    "Recorded responses have this, which the document does not declare.";
                json!({ "target": target, "description": description, "update": update })
            }
            None => {
                let description = "Recorded responses do not agree with this; another action adds what they agree with.";
                json!({ "target": target, "description": description, "remove": true })
            }
        }
    }
}

/// Returns the actions that change the declared responses `old` into `new`.
pub(super) fn actions(old: &Value, new: &Value) -> Vec<Action> {
    let mut actions = Vec::new();
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        change(old, new, String::new(), &mut actions);
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
    actions: &mut Vec<Action>,
) {
    let mut update = Map::new();
    let remove = |target| Action {
        target,
        update: None,
    };
    let removed = old.keys().filter(|name| !new.contains_key(*name));
    actions.extend(removed.map(|name| remove(below(&at, name))));
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
        let update = Some(update.into());
        actions.push(Action { target: at, update });
    }
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
