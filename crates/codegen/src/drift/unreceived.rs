//! What documents declare and the responses of a model do not have.

use std::collections::BTreeSet;

use aimlapi_video_contract::is_equal;
use serde_json::{Map, Value};

use super::{
    Declaration,
    DeclarationKind::{self, Header, Property, Status, Type},
    Response, operation,
    widen::{arms, below, type_of},
};

/// The declarations of a model's operations, each with its responses, that no response makes use of.
///
/// Create and fetch respond with the same generation, so a property of one counts for both.
pub(super) fn declarations(received: &[(&Value, Vec<&Response<'_>>)]) -> BTreeSet<Declaration> {
    let responses = received.iter().flat_map(|(_, responses)| responses);
    let successes: Vec<&Response<'_>> = responses
        .filter(|response| (200..300).contains(&response.status))
        .copied()
        .collect();
    let bodies = successes.iter().filter_map(|response| response.body);
    let bodies: Vec<&Value> = bodies.collect();
    let mut found = BTreeSet::new();
    for (declared, own) in received {
        let Some(declared) = declared.as_object() else {
            continue;
        };
        let method = own.first().map_or("", |response| response.method());
        let statuses: BTreeSet<String> = own
            .iter()
            .filter_map(|response| operation::key(declared, response.status))
            .collect();
        for (key, declared) in declared {
            if !statuses.contains(key) {
                found.insert(declaration(Status, format!("{method} {key}"), ""));
            }
            if !key.starts_with('2') {
                continue;
            }
            let headers = declared.get("headers").and_then(Value::as_object);
            for name in headers.into_iter().flat_map(Map::keys) {
                let lower = name.to_ascii_lowercase();
                if !successes
                    .iter()
                    .any(|response| response.headers.contains_key(&lower))
                {
                    found.insert(declaration(Header, name.clone(), ""));
                }
            }
            let content = declared.get("content").and_then(Value::as_object);
            let media = content.into_iter().flat_map(Map::values);
            for schema in media.filter_map(|media| media.get("schema")) {
                below_schema(schema, &bodies, "", &mut found);
            }
        }
    }
    found
}

/// Adds what `values`, all that were received at a place, leave unused of its schema.
fn below_schema(schema: &Value, values: &[&Value], at: &str, found: &mut BTreeSet<Declaration>) {
    let Some(schema) = schema.as_object().filter(|_| !values.is_empty()) else {
        return;
    };
    for arm in arms(schema) {
        let kind = arm.get("type").and_then(Value::as_str);
        let of_arm = values.iter().filter(|value| crate::is_of_type(value, kind));
        let of_arm: Vec<&Value> = of_arm.copied().collect();
        match kind.filter(|_| of_arm.is_empty()) {
            Some(kind) => drop(found.insert(declaration(Type, at.to_owned(), kind))),
            None => below_schema(arm, &of_arm, at, found),
        }
    }
    let listed = schema.get("enum").and_then(Value::as_array);
    for value in listed.into_iter().flatten() {
        if !values.iter().any(|received| is_equal(received, value)) {
            found.insert(declaration(
                DeclarationKind::Value,
                at.to_owned(),
                &value.to_string(),
            ));
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        let at = below(at, name);
        let received = values.iter().filter_map(|value| value.get(name));
        let received: Vec<&Value> = received.filter(|value| type_of(value) != "null").collect();
        if received.is_empty() {
            found.insert(declaration(Property, at.clone(), ""));
        }
        below_schema(schema, &received, &at, found);
    }
    if let Some(items) = schema.get("items") {
        let received = values.iter().filter_map(|value| value.as_array()).flatten();
        let received: Vec<&Value> = received.collect();
        below_schema(items, &received, &format!("{at}[]"), found);
    }
}

fn declaration(kind: DeclarationKind, name: String, value: &str) -> Declaration {
    let value = value.to_owned();
    Declaration { kind, name, value }
}
