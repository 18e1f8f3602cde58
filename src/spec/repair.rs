//! Mending the documents: one function per class of defect, so that a defect gone upstream leaves no dead repair behind.

use serde_json::Value;

use super::document::Document;

/// A class of defect and how it is mended.
pub struct Repair {
    pub name: &'static str,
    pub seen: Seen,
    /// Mends every place in a document and tells how many there were.
    pub mend: fn(&mut Value) -> usize,
}

/// Where the defect can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// In a file of `openapi/`.
    Current,
    /// Only in the smallest document that shows it, under `tests/fixtures/defects/`.
    Historical,
}

/// What the publisher has wrong.
pub const PUBLISHER: &[Repair] = &[
    Repair {
        name: "response_without_description",
        seen: Seen::Current,
        mend: response_without_description,
    },
    Repair {
        name: "number_default_as_text",
        seen: Seen::Current,
        mend: number_default_as_text,
    },
    Repair {
        name: "bearer_scheme_in_header",
        seen: Seen::Current,
        mend: bearer_scheme_in_header,
    },
    Repair {
        name: "required_inside_property",
        seen: Seen::Current,
        mend: required_inside_property,
    },
    Repair {
        name: "enum_without_type",
        seen: Seen::Current,
        mend: enum_without_type,
    },
];

/// What is right, but not for the generator.
pub const GENERATOR: &[Repair] = &[Repair {
    name: "unused_components",
    seen: Seen::Current,
    mend: unused_components,
}];

/// Every repair, in the order in which they run.
pub fn all() -> impl Iterator<Item = &'static Repair> {
    PUBLISHER.iter().chain(GENERATOR)
}

/// Mends `document` and names the repairs that found something.
pub fn mend(document: &mut Document) -> Vec<&'static str> {
    all()
        .filter(|repair| (repair.mend)(&mut document.value) > 0)
        .map(|repair| repair.name)
        .collect()
}

/// The documents leave `description` out of a response; OpenAPI 3.0 requires one, so an empty one is put in.
fn response_without_description(document: &mut Value) -> usize {
    let mut mended = 0;
    let operations = document
        .get_mut("paths")
        .and_then(Value::as_object_mut)
        .into_iter()
        .flat_map(|paths| {
            paths
                .values_mut()
                .filter_map(Value::as_object_mut)
                .flat_map(|item| item.values_mut())
        });
    for operation in operations {
        let Some(responses) = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut)
        else {
            continue;
        };
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            if !response.contains_key("description") && !response.contains_key("$ref") {
                response.insert("description".into(), "".into());
                mended += 1;
            }
        }
    }
    mended
}

/// The documents write the default of an integer or number as a string (`"default": "5"`); the service's own default is
/// the number.
fn number_default_as_text(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let is_number = schema
            .get("type")
            .is_some_and(|kind| kind == "integer" || kind == "number");
        let Some(text) = schema
            .get("default")
            .and_then(Value::as_str)
            .filter(|_| is_number)
        else {
            return false;
        };
        let Ok(number @ Value::Number(_)) = serde_json::from_str(text) else {
            return false;
        };
        schema.insert("default".into(), number);
        true
    })
}

/// A property says `"required": true` of itself, as parameters do; a schema's `required` is its object's list of names, so
/// the name goes there.
fn required_inside_property(document: &mut Value) -> usize {
    let mut mended = 0;
    each_object(document, &mut |schema| {
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
            return false;
        };
        let mut names = Vec::new();
        for (name, property) in properties.iter_mut() {
            let Some(property) = property.as_object_mut() else {
                continue;
            };
            if let Some(Value::Bool(required)) = property.get("required").cloned() {
                property.remove("required");
                names.extend(required.then(|| Value::from(name.as_str())));
                mended += 1;
            }
        }
        if let Some(list) = schema
            .entry("required")
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()
        {
            names.retain(|name| !list.contains(name));
            list.extend(names);
        }
        if schema
            .get("required")
            .is_some_and(|list| list == &Value::Array(Vec::new()))
        {
            schema.remove("required");
        }
        false
    });
    mended
}

/// A bearer scheme is given `in: header`, which belongs to `apiKey` schemes alone.
fn bearer_scheme_in_header(document: &mut Value) -> usize {
    let schemes = document
        .pointer_mut("/components/securitySchemes")
        .and_then(Value::as_object_mut);
    let schemes = schemes
        .into_iter()
        .flat_map(|schemes| schemes.values_mut().filter_map(Value::as_object_mut));
    schemes
        .filter(|scheme| scheme.get("type").is_some_and(|kind| kind == "http"))
        .filter_map(|scheme| scheme.remove("in"))
        .count()
}

/// The older bodies list the values of `model` without a `type`; the values are strings, so the type is `string`.
fn enum_without_type(document: &mut Value) -> usize {
    each_object(document, &mut |schema| {
        let Some(values) = schema.get("enum").and_then(Value::as_array) else {
            return false;
        };
        if schema.contains_key("type") || !values.iter().all(Value::is_string) {
            return false;
        }
        schema.insert("type".into(), "string".into());
        true
    })
}

/// The older documents carry components that nothing refers to; the generator would make a type of each.
fn unused_components(document: &mut Value) -> usize {
    let Some(schemas) = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
    else {
        return 0;
    };
    let mut used = Vec::new();
    references(document.get("paths").unwrap_or(&Value::Null), &mut used);
    let mut next = 0;
    while let Some(name) = used.get(next).cloned() {
        references(schemas.get(&name).unwrap_or(&Value::Null), &mut used);
        next += 1;
    }
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return 0;
    };
    let before = schemas.len();
    schemas.retain(|name, _| used.contains(name));
    before - schemas.len()
}

fn references(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            if let Some(name) = map
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|to| to.strip_prefix("#/components/schemas/"))
                && !names.iter().any(|known| known == name)
            {
                names.push(name.into());
            }
            map.values().for_each(|value| references(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, names)),
        _ => {}
    }
}

/// Calls `change` on every object of a document and counts how often it changed one.
fn each_object(
    value: &mut Value,
    change: &mut dyn FnMut(&mut serde_json::Map<String, Value>) -> bool,
) -> usize {
    match value {
        Value::Object(map) => {
            let own = usize::from(change(map));
            own + map
                .values_mut()
                .map(|value| each_object(value, change))
                .sum::<usize>()
        }
        Value::Array(items) => items
            .iter_mut()
            .map(|value| each_object(value, change))
            .sum(),
        _ => 0,
    }
}
