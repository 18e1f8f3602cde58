//! Corrections of single facts, as an OpenAPI Overlay 1.0 (<https://spec.openapis.org/overlay/v1.0.0.html>).

mod json_path;
mod parse;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::{
    Diagnostic, Diagnostics,
    document::{self, Create, Document},
};
use json_path::{Location, Path, Step};

/// How many values each action of an overlay selected in all documents.
#[derive(Debug)]
pub struct Matches {
    /// The target of each action, and the number of values that it selected.
    pub actions: Vec<(String, usize)>,
}

/// Applies every action of `overlay` to every document.
pub fn apply(
    overlay: &Value,
    documents: &mut [Document],
    diagnostics: &mut Diagnostics,
) -> Matches {
    let actions = actions(overlay, diagnostics);
    let mut matches = Matches {
        actions: Vec::new(),
    };
    let in_parts: Vec<usize> = documents
        .iter_mut()
        .map(|document| correct_models(document, &actions))
        .fold(vec![0; actions.len()], |sums, counts| {
            sums.iter().zip(counts).map(|(a, b)| a + b).collect()
        });
    for (action, in_parts) in actions.iter().zip(in_parts) {
        let mut count = in_parts;
        for document in &mut *documents {
            let locations = action.path.locations(&document.value);
            count += locations.len();
            for location in &locations {
                if !is_container(at(&document.value, location)) {
                    report_primitive(action, document, location, diagnostics);
                }
            }
            action.change.make(&mut document.value, locations);
        }
        matches.actions.push((action.target.clone(), count));
    }
    matches
}

/// Corrects the bodies of a document of several models one by one, since an action selects a model by the body's only id.
/// Returns how many values each action selected.
fn correct_models(document: &mut Document, actions: &[Action]) -> Vec<usize> {
    let mut counts = vec![0; actions.len()];
    let creates = document::creates(document, &mut Diagnostics::default());
    let is_alone = |create: &Create| {
        let mut same = creates.iter().filter(|other| other.route == create.route);
        same.nth(1).is_none()
    };
    let mut corrected = BTreeMap::new();
    for create in creates.iter().filter(|create| !is_alone(create)) {
        let body = json!({ "application/json": { "schema": create.schema } });
        let post = json!({ "post": { "requestBody": { "content": body } } });
        let mut part = json!({ "paths": { create.route.path(): post } });
        for (action, count) in actions.iter().zip(&mut counts) {
            let locations = action.path.locations(&part);
            *count += locations.len();
            action.change.make(&mut part, locations);
        }
        let body = part["paths"][create.route.path()]
            .pointer_mut("/post/requestBody/content/application~1json/schema")
            .map(Value::take);
        corrected.extend(body.map(|body| ((create.route, create.model.clone()), body)));
    }
    document.corrected = corrected;
    counts
}

/// One correction, and where it goes.
struct Action {
    index: usize,
    target: String,
    path: Path,
    change: Change,
}

enum Change {
    Update(Value),
    Remove,
}

impl Change {
    fn make(&self, document: &mut Value, mut locations: Vec<Location>) {
        match self {
            Self::Update(update) => {
                for location in &locations {
                    match at_mut(document, location) {
                        // An update of an array is appended to it.
                        Some(Value::Array(items)) => items.push(update.clone()),
                        Some(object @ Value::Object(_)) => merge(object, update),
                        _ => {}
                    }
                }
            }
            Self::Remove => {
                // From the last to the first, so that no removal moves what another location points to.
                locations.sort();
                locations.dedup();
                for location in locations.iter().rev() {
                    remove(document, location);
                }
            }
        }
    }
}

/// Merges as the specification defines it: objects by their keys, arrays by appending, and anything else is replaced.
fn merge(value: &mut Value, update: &Value) {
    match (value, update) {
        (Value::Object(map), Value::Object(update)) => {
            for (key, update) in update {
                match map.get_mut(key) {
                    Some(value) => merge(value, update),
                    None => {
                        map.insert(key.clone(), update.clone());
                    }
                }
            }
        }
        (Value::Array(items), Value::Array(update)) => items.extend_from_slice(update),
        (value, update) => value.clone_from(update),
    }
}

fn remove(document: &mut Value, location: &[Step]) {
    // The root has no parent to be removed from.
    let Some((last, parents)) = location.split_last() else {
        return;
    };
    match (at_mut(document, parents), last) {
        (Some(Value::Object(map)), Step::Name(name)) => drop(map.remove(name)),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
        }
        _ => {}
    }
}

fn at<'a>(document: &'a Value, location: &[Step]) -> Option<&'a Value> {
    location
        .iter()
        .try_fold(document, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
}

fn at_mut<'a>(document: &'a mut Value, location: &[Step]) -> Option<&'a mut Value> {
    location
        .iter()
        .try_fold(document, |value, step| match step {
            Step::Name(name) => value.get_mut(name),
            Step::Index(index) => value.get_mut(index),
        })
}

fn is_container(value: Option<&Value>) -> bool {
    value.is_some_and(|value| value.is_object() || value.is_array())
}

/// Reports an action that selects a primitive value, which the specification forbids.
fn report_primitive(
    action: &Action,
    document: &Document,
    location: &[Step],
    diagnostics: &mut Diagnostics,
) {
    let what = format!(
        "overlay.json cannot be applied: actions[{}] (target {:?}) selects a value that is neither an object nor an array",
        action.index, action.target
    );
    let remedy =
        "correct the target of the action, so that it selects the object that holds the value";
    let pointer = document.place(&json_path::pointer(location));
    diagnostics.error(Diagnostic::new(&document.file, &pointer, what, remedy));
}

/// Reads the actions, and reports those that are wrong.
fn actions(overlay: &Value, diagnostics: &mut Diagnostics) -> Vec<Action> {
    // An unreadable file is null here and has been reported.
    if overlay.is_null() {
        return Vec::new();
    }
    let mut report = |pointer: &str, what: String| {
        diagnostics.error(Diagnostic::new(
            "overlay.json",
            pointer,
            what,
            "correct the file",
        ));
    };
    let version = overlay.get("overlay").and_then(Value::as_str);
    let patch = version.and_then(|version| version.strip_prefix("1.0."));
    if !patch
        .is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
    {
        let what = "is not an OpenAPI Overlay 1.0: `overlay` is not a version `1.0.x`";
        report("", what.into());
        return Vec::new();
    }
    for name in ["title", "version"] {
        let pointer = format!("/info/{name}");
        if !overlay.pointer(&pointer).is_some_and(Value::is_string) {
            report(
                &pointer,
                format!("`{name}` is not a string, which an OpenAPI Overlay requires"),
            );
        }
    }
    let Some(entries) = overlay.get("actions").and_then(Value::as_array) else {
        report(
            "/actions",
            "`actions` is not a list, which an OpenAPI Overlay requires".into(),
        );
        return Vec::new();
    };
    let mut actions = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        match action(index, entry) {
            Ok(action) => actions.push(action),
            Err((below, what)) => report(&format!("/actions/{index}{below}"), what),
        }
    }
    actions
}

/// Reads one action.
///
/// # Errors
///
/// The JSON pointer below the action, and the problem there.
fn action(index: usize, entry: &Value) -> Result<Action, (&'static str, String)> {
    let wrong = |below, what: &str| Err((below, what.to_owned()));
    let empty = Map::new();
    let entry = entry.as_object().unwrap_or(&empty);
    let Some(target) = entry.get("target").and_then(Value::as_str) else {
        return wrong(
            "",
            "the action is not an object with a JSONPath as `target`",
        );
    };
    let path =
        parse::path(target).map_err(|what| ("/target", format!("the target {target:?} {what}")))?;
    let change = match (entry.get("remove"), entry.get("update")) {
        (Some(Value::Bool(true)), _) => Change::Remove,
        (None | Some(Value::Bool(false)), Some(update)) => Change::Update(update.clone()),
        (None | Some(Value::Bool(false)), None) => {
            return wrong("", "the action has neither an `update` nor `remove: true`");
        }
        (Some(_), _) => return wrong("/remove", "`remove` is neither true nor false"),
    };
    Ok(Action {
        index,
        target: target.to_owned(),
        path,
        change,
    })
}
