//! Repairs of operations: parameters, bodies, responses and security.

use serde_json::{Map, Value, json};

/// The documents leave `description` out of a response; OpenAPI 3.0 requires one, so an empty one is put in.
pub(super) fn response_without_description(document: &mut Value) -> usize {
    each_operation(document, |_, _, operation| {
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        let mut count = 0;
        let responses = responses.into_iter().flat_map(Map::values_mut);
        for response in responses.filter_map(Value::as_object_mut) {
            if !response.contains_key("description") && !response.contains_key("$ref") {
                response.insert("description".into(), "".into());
                count += 1;
            }
        }
        count
    })
}

/// Older documents declare a response for `default` alone, which means any status, errors included; it is the response of a
/// success.
pub(super) fn default_response_alone(document: &mut Value) -> usize {
    each_operation(document, |_, _, operation| {
        let responses = operation
            .get_mut("responses")
            .and_then(Value::as_object_mut);
        let Some(responses) = responses.filter(|responses| responses.len() == 1) else {
            return 0;
        };
        match responses.remove("default") {
            Some(response) => {
                responses.insert("200".into(), response);
                1
            }
            None => 0,
        }
    })
}

/// Older documents declare a body on the fetch; a GET has none, and the service reads the query.
pub(super) fn fetch_with_body(document: &mut Value) -> usize {
    each_operation(document, |_, method, operation| {
        usize::from(method == "get" && operation.remove("requestBody").is_some())
    })
}

/// Some older documents do not say where a parameter goes; it goes into the query unless the path has a place for it.
pub(super) fn parameter_without_in(document: &mut Value) -> usize {
    each_parameter(document, |path, parameter| {
        let has_place = is_in_path(path, parameter);
        let without = parameter.contains_key("name") && !parameter.contains_key("in");
        if without {
            parameter.insert("in".into(), if has_place { "path" } else { "query" }.into());
        }
        without
    })
}

/// Some older documents put a parameter into the path where the path has no place for it; it goes into the query.
pub(super) fn parameter_of_no_path(document: &mut Value) -> usize {
    each_parameter(document, |path, parameter| {
        let placeless = parameter.get("in").is_some_and(|place| place == "path")
            && !is_in_path(path, parameter);
        if placeless {
            parameter.insert("in".into(), "query".into());
        }
        placeless
    })
}

/// Older documents name one query parameter after the object that holds the real ones; each is a parameter of its own.
pub(super) fn parameter_of_many(document: &mut Value) -> usize {
    each_operation(document, |_, _, operation| {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        let mut count = 0;
        let Some(parameters) = parameters else {
            return 0;
        };
        for parameter in std::mem::take(parameters) {
            let schema = parameter.get("schema").cloned().unwrap_or_default();
            let inside = schema.get("properties").and_then(Value::as_object);
            let in_query = parameter.get("in").is_some_and(|place| place == "query");
            match inside.filter(|inside| in_query && !inside.is_empty()) {
                None => parameters.push(parameter),
                Some(inside) => {
                    count += 1;
                    let required = schema.get("required").and_then(Value::as_array);
                    parameters.extend(inside.iter().map(|(name, schema)| {
                        let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
                        json!({ "name": name, "in": "query", "required": is_required, "schema": schema })
                    }));
                }
            }
        }
        count
    })
}

/// A bearer scheme is given `in: header`, which belongs to `apiKey` schemes alone.
pub(super) fn bearer_scheme_in_header(document: &mut Value) -> usize {
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

/// Calls `change` with the path, method and object of every operation, and adds up how often it changed something.
fn each_operation(
    document: &mut Value,
    mut change: impl FnMut(&str, &str, &mut Map<String, Value>) -> usize,
) -> usize {
    let mut count = 0;
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                count += change(path, method, operation);
            }
        }
    }
    count
}

fn each_parameter(
    document: &mut Value,
    change: impl Fn(&str, &mut Map<String, Value>) -> bool,
) -> usize {
    each_operation(document, |path, _, operation| {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        parameters
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
            .map(|parameter| usize::from(change(path, parameter)))
            .sum()
    })
}

fn is_in_path(path: &str, parameter: &Map<String, Value>) -> bool {
    let name = parameter
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    path.contains(&format!("{{{name}}}"))
}
