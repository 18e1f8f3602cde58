//! Removes prose from documents and schemas; writes vendored files.

#[cfg(feature = "diff")]
use serde_json::Map;
use serde_json::Value;

use crate::{document::Document, repair};

/// The document as `openapi/` holds it: this client's operations and what they refer to, without descriptions, summaries,
/// examples, code samples and extensions. The description that OpenAPI requires of a response becomes empty; one that the
/// publisher left out stays left out.
pub fn strip(document: &Document) -> Value {
    let mut value = document.unrepaired();
    without_prose(&mut value);
    empty_descriptions(&mut value, &document.published);
    repair::prune(&mut value);
    value
}

/// The text of a vendored file: two spaces, keys in the order of their names, so that a new order upstream changes nothing.
pub fn text(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Removes descriptions, summaries, examples and extensions from a schema or a document.
pub fn without_prose(value: &mut Value) {
    without(value, &is_prose);
}

/// A schema without annotations, so that schemas with the same constraints are equal.
pub fn facts(schema: &Value) -> Value {
    // These extensions select the type of a value.
    let kept = ["x-base64", "x-media"];
    let mut facts = schema.clone();
    without(&mut facts, &|keyword, _| {
        repair::is_annotation(keyword) && !kept.contains(&keyword)
    });
    facts
}

fn without(value: &mut Value, is_dropped: &dyn Fn(&str, &Value) -> bool) {
    match value {
        Value::Object(map) => {
            map.retain(|keyword, value| !is_dropped(keyword, value));
            for (keyword, value) in map {
                match value {
                    // The keys of these are names, and a property may well be called `description`.
                    Value::Object(named) if NAMES.contains(&keyword.as_str()) => {
                        named
                            .values_mut()
                            .for_each(|value| without(value, is_dropped));
                    }
                    _ if ["enum", "const", "default"].contains(&keyword.as_str()) => {}
                    value => without(value, is_dropped),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|value| without(value, is_dropped)),
        _ => {}
    }
}

fn is_prose(keyword: &str, value: &Value) -> bool {
    let prose = [
        "summary",
        "example",
        "examples",
        "externalDocs",
        "bearerFormat",
    ];
    prose.contains(&keyword)
        || keyword.starts_with("x-")
        || (keyword == "description" && value.is_string())
}

fn empty_descriptions(value: &mut Value, published: &Value) {
    let paths = value.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let responses = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut);
            for (code, response) in responses.into_iter().flatten() {
                let described =
                    published["paths"][path][method]["responses"][code].get("description");
                if let (Some(_), Value::Object(response)) = (described, response) {
                    response.insert("description".into(), "".into());
                }
            }
        }
    }
}

/// The descriptions and summaries in a schema, by their JSON pointers.
#[cfg(feature = "diff")]
pub(crate) fn prose(value: &Value) -> Map<String, Value> {
    fn walk(value: &Value, at: &str, found: &mut Map<String, Value>) {
        match value {
            Value::Object(map) => {
                for (keyword, value) in map {
                    let place = format!("{at}/{keyword}");
                    if matches!(keyword.as_str(), "description" | "summary") && value.is_string() {
                        found.insert(place, value.clone());
                    } else {
                        walk(value, &place, found);
                    }
                }
            }
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    walk(value, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Map::new();
    walk(value, "", &mut found);
    found.retain(|_, text| text != "");
    found
}

const NAMES: &[&str] = &[
    "$defs",
    "properties",
    "patternProperties",
    "dependentSchemas",
    "paths",
    "responses",
    "content",
    "headers",
    "parameters",
    "requestBodies",
    "schemas",
    "securitySchemes",
];
