//! Validation of create requests by the vendor's documents, which are read as JSON Schema.
//!
//! The schemas are those of the embedded OpenAPI documents, translated to JSON Schema 2020-12 and compiled by `jsonschema`.
//! They are independent of the client's own checks. Unless the simulator is strict, it also accepts what the service is known
//! to accept beyond the documents.

use std::{collections::HashMap, sync::OnceLock};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Value, json};

use aimlapi_video::{
    contract::{self, Route},
    documents::documents,
};

/// The documents of all routes and models that this build contains.
#[derive(Debug)]
pub(super) struct Documents {
    models: HashMap<(Route, String), Document>,
    /// Whether only values that the document allows are accepted.
    ///
    /// Otherwise numeric strings are accepted as numbers, and plain base64 text in place of some URIs.
    strict: bool,
}

/// The document of one model on one route.
#[derive(Debug)]
pub(super) struct Document {
    /// The HTTP status of a successful create.
    pub(super) status: u16,
    schema: Value,
    validator: Validator,
}

impl Documents {
    /// Returns the embedded documents, as the build repaired and corrected them.
    ///
    /// They are compiled once per process, for all simulators.
    pub(super) fn embedded(strict: bool) -> Result<&'static Self, String> {
        static LENIENT: OnceLock<Result<Documents, String>> = OnceLock::new();
        static STRICT: OnceLock<Result<Documents, String>> = OnceLock::new();
        let documents = if strict { &STRICT } else { &LENIENT };
        let read = documents.get_or_init(|| Self::read(strict));
        read.as_ref().map_err(Clone::clone)
    }

    fn read(strict: bool) -> Result<Self, String> {
        let mut models = HashMap::new();
        for entry in documents() {
            let schema = json_schema(&entry.schema, strict);
            let route = [Route::Universal, Route::LegacyKling]
                .into_iter()
                .find(|route| entry.path == route.path())
                .unwrap_or_default();
            let validator = validator(&schema, route, &entry.model)
                .ok_or_else(|| format!("the schema of {} cannot be compiled", entry.model))?;
            models.insert(
                (route, entry.model.clone()),
                Document {
                    status: entry.status,
                    schema,
                    validator,
                },
            );
        }
        Ok(Self { models, strict })
    }

    /// Returns the request schemas of all models on `route`, sorted by model id.
    pub(super) fn schemas(&self, route: Route) -> Vec<(&str, &Value)> {
        let on_route = self.models.iter().filter(|((other, _), _)| *other == route);
        let mut schemas: Vec<_> = on_route
            .map(|((_, model), document)| (model.as_str(), &document.schema))
            .collect();
        schemas.sort_unstable_by_key(|(model, _)| *model);
        schemas
    }

    /// Validates a request body by the document of its `model`.
    ///
    /// Returns the document and the body, whose numeric strings are converted to numbers unless the simulator is strict.
    ///
    /// # Errors
    ///
    /// A message that lists every violation.
    pub(super) fn validate(
        &self,
        route: Route,
        mut body: Value,
    ) -> Result<(&Document, Value), String> {
        let Some(model) = body.get("model") else {
            return Err("model: expected a model's id; received nothing".into());
        };
        let Some(document) = model
            .as_str()
            .and_then(|model| self.models.get(&(route, model.to_owned())))
        else {
            let known: Vec<&str> = self
                .schemas(route)
                .into_iter()
                .map(|(model, _)| model)
                .collect();
            return Err(format!(
                "model: expected one of {}; received {model}",
                known.join(", ")
            ));
        };
        if !self.strict {
            coerce(&document.schema, &mut body);
        }
        let violations: Vec<String> = document
            .validator
            .iter_errors(&body)
            .map(|error| message(&error))
            .collect();
        if violations.is_empty() {
            Ok((document, body))
        } else {
            Err(violations.join("; "))
        }
    }
}

/// Compiles the validator of one model.
///
/// A document may hold a schema that the build ignores in part and that no validator compiles. The validator then uses the
/// schema that the contract states for the model.
fn validator(schema: &Value, route: Route, model: &str) -> Option<Validator> {
    let options = jsonschema::options().should_validate_formats(true);
    let build = |schema: &Value| options.build(schema).ok();
    build(schema).or_else(|| {
        let mut contract = contract::model(route, model)?.json_schema();
        remove_patterns(&mut contract);
        build(&contract)
    })
}

fn remove_patterns(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.retain(|key, value| key != "pattern" || !value.is_string());
            map.values_mut().for_each(remove_patterns);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_patterns),
        _ => {}
    }
}

/// Translates a schema from the dialect of OpenAPI 3.0 to JSON Schema 2020-12.
fn json_schema(schema: &Value, strict: bool) -> Value {
    match schema {
        Value::Object(map) => {
            let translated = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value) {
                    // A property may have the name of a keyword.
                    ("properties", Value::Object(properties)) => properties
                        .iter()
                        .map(|(name, schema)| (name.clone(), json_schema(schema, strict)))
                        .collect(),
                    _ => json_schema(value, strict),
                };
                (key.clone(), value)
            };
            let mut out: serde_json::Map<String, Value> = map.iter().map(translated).collect();
            for (limit, exclusive) in [
                ("minimum", "exclusiveMinimum"),
                ("maximum", "exclusiveMaximum"),
            ] {
                if out.get(exclusive).is_some_and(Value::is_boolean)
                    && let (Some(Value::Bool(true)), Some(value)) =
                        (out.remove(exclusive), out.get(limit).cloned())
                {
                    out.remove(limit);
                    out.insert(exclusive.into(), value);
                }
            }
            // The descriptions of these properties allow plain base64 text besides a URI.
            if out.remove("x-base64") == Some(Value::Bool(true))
                && !strict
                && let Some(format) = out.remove("format")
            {
                let base64 = json!({ "pattern": "^[A-Za-z0-9+/]{16,}={0,2}$" });
                out.insert("anyOf".into(), json!([{ "format": format }, base64]));
            }
            match out.remove("nullable") {
                Some(Value::Bool(true)) => json!({ "anyOf": [out, { "type": "null" }] }),
                _ => Value::Object(out),
            }
        }
        Value::Array(items) => items.iter().map(|item| json_schema(item, strict)).collect(),
        other => other.clone(),
    }
}

/// Converts numeric strings to numbers where the schema requires numbers.
///
/// The programs on the documentation pages send `"duration": "5"`, and the pages show a successful response to them.
fn coerce(schema: &Value, value: &mut Value) {
    match value {
        Value::String(text) if schema["type"] == "integer" || schema["type"] == "number" => {
            if let Ok(number) = text.trim().parse::<serde_json::Number>() {
                *value = Value::Number(number);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                coerce(&schema["properties"][key.as_str()], value);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| coerce(&schema["items"], item)),
        _ => {}
    }
}

/// Formats a validation error: the field, the expected values, the received value.
fn message(error: &ValidationError<'_>) -> String {
    let mut field = error
        .instance_path()
        .to_string()
        .trim_start_matches('/')
        .replace('/', ".");
    if let ValidationErrorKind::Required { property } = error.kind() {
        let dot = if field.is_empty() { "" } else { "." };
        let property = property.as_str().unwrap_or_default();
        return format!("{field}{dot}{property}: expected a value; received nothing");
    }
    if field.is_empty() {
        field.push_str("body");
    }
    let expected = match error.kind() {
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> = options
                .as_array()
                .into_iter()
                .flatten()
                .map(Value::to_string)
                .collect();
            format!("one of {}", options.join(", "))
        }
        ValidationErrorKind::Minimum { limit } => format!("{limit} or more"),
        ValidationErrorKind::Maximum { limit } => format!("at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("less than {limit}"),
        ValidationErrorKind::MinItems { limit } => format!("{limit} or more items"),
        ValidationErrorKind::MaxItems { limit } => format!("at most {limit} items"),
        ValidationErrorKind::MinLength { limit } => format!("{limit} or more characters"),
        ValidationErrorKind::MaxLength { limit } => format!("at most {limit} characters"),
        ValidationErrorKind::Format { format } => format!("the format {format}"),
        ValidationErrorKind::Type {
            kind: TypeKind::Single(kind),
        } => kind.to_string(),
        ValidationErrorKind::Type {
            kind: TypeKind::Multiple(kinds),
        } => kinds
            .iter()
            .map(|kind| kind.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
        ValidationErrorKind::AnyOf { .. } => {
            "a URI, or another form that the document allows".into()
        }
        kind => format!("a value that `{}` allows", kind.keyword()),
    };
    let received: String = error.instance().to_string().chars().take(120).collect();
    format!("{field}: expected {expected}; received {received}")
}
