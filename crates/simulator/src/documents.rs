//! The judge of requests: the documents themselves, read as JSON Schema.

use std::{collections::HashMap, sync::OnceLock};

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::{Value, json};

use aimlapi_video::{Route, contract};

/// What the documents say of every path and model this crate was built with.
#[derive(Debug)]
pub(super) struct Documents {
    models: HashMap<(Route, String), Document>,
    /// Whether the document alone judges; else what the service is known to take beside it is taken, too: numeric strings
    /// for numbers, and plain base64 text for some links.
    strict: bool,
}

#[derive(Debug)]
pub(super) struct Document {
    /// The status of a created generation.
    pub(super) status: u16,
    schema: Value,
    validator: Validator,
}

impl Documents {
    /// The documents as the build read, repaired and corrected them. They are read once, for every simulator.
    pub(super) fn embedded(strict: bool) -> Result<&'static Self, String> {
        static LENIENT: OnceLock<Result<Documents, String>> = OnceLock::new();
        static STRICT: OnceLock<Result<Documents, String>> = OnceLock::new();
        let documents = if strict { &STRICT } else { &LENIENT };
        let read = documents.get_or_init(|| Self::read(strict));
        read.as_ref().map_err(Clone::clone)
    }

    fn read(strict: bool) -> Result<Self, String> {
        let mut documents = HashMap::new();
        for entry in aimlapi_video::documents::documents() {
            let schema = json_schema(&entry.schema, strict);
            let route = [Route::Universal, Route::LegacyKling]
                .into_iter()
                .find(|route| entry.path == route.path())
                .unwrap_or_default();
            let validator = validator(&schema, route, &entry.model)
                .ok_or_else(|| format!("the schema of {} cannot be used", entry.model))?;
            documents.insert(
                (route, entry.model.clone()),
                Document {
                    status: entry.status,
                    schema,
                    validator,
                },
            );
        }
        Ok(Self {
            models: documents,
            strict,
        })
    }

    /// The schema of every model's request on `route`, in the order of the ids.
    pub(super) fn schemas(&self, route: Route) -> Vec<(&str, &Value)> {
        let on_route = self.models.iter().filter(|((its, _), _)| *its == route);
        let mut schemas: Vec<_> = on_route
            .map(|((_, model), document)| (model.as_str(), &document.schema))
            .collect();
        schemas.sort_unstable_by_key(|(model, _)| *model);
        schemas
    }

    /// The document that `body` names by its `model`, and the body with numeric strings made numbers; or what is wrong.
    pub(super) fn judge(
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
        let wrong: Vec<String> = document
            .validator
            .iter_errors(&body)
            .map(|error| told(&error))
            .collect();
        if wrong.is_empty() {
            Ok((document, body))
        } else {
            Err(wrong.join("; "))
        }
    }
}

/// The judge of one model. A document may say things that the build passes over and no validator takes; it is then judged
/// by what the build read of it.
fn validator(schema: &Value, route: Route, model: &str) -> Option<Validator> {
    let options = jsonschema::options().should_validate_formats(true);
    let build = |schema: &Value| options.build(schema).ok();
    build(schema).or_else(|| {
        let mut read = contract::model(route, model)?.json_schema();
        without_patterns(&mut read);
        build(&read)
    })
}

fn without_patterns(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.retain(|key, value| key != "pattern" || !value.is_string());
            map.values_mut().for_each(without_patterns);
        }
        Value::Array(items) => items.iter_mut().for_each(without_patterns),
        _ => {}
    }
}

/// OpenAPI 3.0's dialect, as JSON Schema 2020-12.
fn json_schema(schema: &Value, strict: bool) -> Value {
    match schema {
        Value::Object(map) => {
            let translated = |(key, value): (&String, &Value)| {
                let value = match (key.as_str(), value) {
                    // A property may be called as a keyword is.
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
            // The prose of these allows plain base64 text beside a URI.
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

/// Makes numbers of numeric strings where the schema wants numbers: the programs of the documentation pages send
/// `"duration": "5"`, and print the success that followed.
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

/// An error in our own words: the field, what was expected, what was received.
fn told(error: &ValidationError<'_>) -> String {
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
        ValidationErrorKind::AnyOf { .. } => "a link, or what else the document allows".into(),
        kind => format!("what `{}` allows", kind.keyword()),
    };
    let received: String = error.instance().to_string().chars().take(120).collect();
    format!("{field}: expected {expected}; received {received}")
}
