//! Drops the parts of a document that this client's operations do not refer to.
//!
//! Some documents describe the publisher's whole API in two megabytes, of which one video operation is a hundredth part.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::{document::Route, repair, step};

/// Counts and names of a whole document that are reported after the rest is dropped.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// How many paths there are.
    pub paths: usize,
    /// The first operations of other clients, as `METHOD path`.
    pub others: Vec<String>,
    /// How many operations of other clients there are.
    pub other_count: usize,
    /// The other URLs that take a create of a video, by their names.
    pub video_urls: Vec<String>,
    /// How many schemas this client's operations do not refer to.
    pub unused_schemas: usize,
}

/// Drops everything that this client's operations do not refer to, directly or through others. JSON pointers to the rest
/// stay valid.
pub(super) fn prune(mut whole: Value) -> (Value, Declared) {
    let mut declared = declared(&whole);
    let schemas = schema_count(&whole);
    let mut kept = frame(&whole);
    let places = needed(&whole);
    for place in &places {
        let is_covered = ancestors(place).any(|ancestor| places.contains(ancestor));
        if let Some(value) = whole.pointer_mut(place).filter(|_| !is_covered) {
            *entry(&mut kept, place) = value.take();
        }
    }
    without_code_samples(&mut kept);
    declared.unused_schemas = schemas - schema_count(&kept);
    (kept, declared)
}

fn declared(whole: &Value) -> Declared {
    let paths = whole.get("paths").and_then(Value::as_object);
    let mut declared = Declared {
        paths: paths.map_or(0, Map::len),
        ..Declared::default()
    };
    for (path, item) in paths.into_iter().flatten() {
        if Route::ALL.iter().any(|route| route.path() == path) {
            continue;
        }
        if path.split('/').any(|part| part == "video") && item.get("post").is_some() {
            declared.video_urls.push(path.clone());
        }
        let methods = item.as_object().into_iter().flat_map(Map::keys);
        for method in methods.filter(|method| METHODS.contains(&method.as_str())) {
            declared.other_count += 1;
            if declared.others.len() < MAX_NAMED {
                declared
                    .others
                    .push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    declared
}

fn schema_count(document: &Value) -> usize {
    let schemas = document.pointer("/components/schemas");
    schemas.and_then(Value::as_object).map_or(0, Map::len)
}

/// The empty objects that hold paths and components.
fn frame(whole: &Value) -> Value {
    let mut frame = Map::new();
    let empty = || Value::Object(Map::new());
    if whole.get("paths").is_some_and(Value::is_object) {
        frame.insert("paths".into(), empty());
    }
    if let Some(components) = whole.get("components").and_then(Value::as_object) {
        let kinds = components
            .iter()
            .filter(|(kind, named)| named.is_object() && !kind.starts_with("x-"));
        let kinds: Map<String, Value> = kinds.map(|(kind, _)| (kind.clone(), empty())).collect();
        frame.insert("components".into(), kinds.into());
    }
    frame.into()
}

/// The JSON pointers of the parts that are kept.
fn needed(whole: &Value) -> BTreeSet<String> {
    let mut places = BTreeSet::new();
    let mut open = starts(whole);
    while let Some(place) = open.pop() {
        let is_known =
            places.contains(&place) || ancestors(&place).any(|ancestor| places.contains(ancestor));
        let Some(value) = whole.pointer(&place).filter(|_| !is_known) else {
            continue;
        };
        references(value, &mut |to| {
            // Some publishers do not percent-encode references.
            for to in [repair::decoded(to), to.to_owned()] {
                if whole.pointer(&to).is_some() {
                    open.push(whole_part(whole, &to));
                }
            }
        });
        places.insert(place);
    }
    places
}

/// The parts that are kept without a reference to them: this client's paths, and everything beside paths, webhooks and
/// components.
fn starts(whole: &Value) -> Vec<String> {
    let Some(root) = whole.as_object() else {
        return vec![String::new()];
    };
    let is_framed =
        |key: &str, value: &Value| value.is_object() && ["paths", "components"].contains(&key);
    let others = root.iter().filter(|(key, value)| {
        !is_framed(key, value) && !key.starts_with("x-") && *key != "webhooks"
    });
    let others = others.map(|(key, _)| step(key));
    let routes = Route::ALL
        .iter()
        .map(|route| format!("/paths{}", step(route.path())));
    // Operations name their security schemes without a reference.
    let security = "/components/securitySchemes".to_owned();
    others.chain(routes).chain([security]).collect()
}

fn references(value: &Value, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => {
            let to = map.get("$ref").and_then(Value::as_str);
            if let Some(to) = to.and_then(|to| to.strip_prefix('#')) {
                visit(to);
            }
            map.values().for_each(|value| references(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, visit)),
        _ => {}
    }
}

/// The part that is kept for a reference to `place`: a whole component, and a whole list, since pointers count its items.
fn whole_part(whole: &Value, place: &str) -> String {
    let ends = place.match_indices('/').map(|(end, _)| end).skip(1);
    let mut parts = ends.map(|end| &place[..end]).enumerate();
    let part = parts.find(|(index, part)| {
        let is_component = *index == 2 && part.starts_with("/components/");
        is_component || whole.pointer(part).is_some_and(Value::is_array)
    });
    part.map_or(place, |(_, part)| part).to_owned()
}

/// The places above `place`, the root first.
fn ancestors(place: &str) -> impl Iterator<Item = &str> {
    place.match_indices('/').map(|(end, _)| &place[..end])
}

/// Returns the value at `place`, creating the objects above it.
fn entry<'a>(kept: &'a mut Value, place: &str) -> &'a mut Value {
    place.split('/').skip(1).fold(kept, |value, step| {
        let name = step.replace("~1", "/").replace("~0", "~");
        &mut value[name]
    })
}

/// Drops the samples of code in several languages that an operation has.
fn without_code_samples(kept: &mut Value) {
    let items = kept.get_mut("paths").and_then(Value::as_object_mut);
    let items = items.into_iter().flat_map(Map::values_mut);
    let items = items.filter_map(Value::as_object_mut);
    let operations = items
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut);
    for operation in operations {
        operation
            .retain(|keyword, _| !["x-codeSamples", "x-code-samples"].contains(&keyword.as_str()));
    }
}

/// How many operations of other clients a warning names.
const MAX_NAMED: usize = 3;

const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];
