//! Validation of create requests by the vendor's documents, which are read as JSON Schema.
//!
//! The schemas are those of the embedded OpenAPI documents, translated to JSON Schema 2020-12 and compiled by `jsonschema`.
//! They are independent of the client's own checks. Unless the simulator is strict, it also accepts what the service is known
//! to accept beyond the documents.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Value, json};

use super::violation::{Violation, violations};
use aimlapi_video::{
    contract::{self, Model, Route, Schema},
    documents::{self, documents},
};

/// The documents of all routes and models that the simulator knows.
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
    pub(super) model: Arc<Model>,
    /// The HTTP status of a successful create.
    pub(super) status: u16,
    pub(super) schema: Value,
    validator: Validator,
    /// The schema of the response, translated, if the document declares one.
    pub(super) response: Option<Value>,
}

impl Documents {
    /// Returns the embedded documents, as the build repaired and corrected them.
    ///
    /// They are compiled once per process, for all simulators.
    pub(super) fn embedded(strict: bool) -> Result<Arc<Self>, String> {
        static LENIENT: OnceLock<Result<Arc<Documents>, String>> = OnceLock::new();
        static STRICT: OnceLock<Result<Arc<Documents>, String>> = OnceLock::new();
        let embedded = if strict { &STRICT } else { &LENIENT };
        let read = embedded.get_or_init(|| {
            let with_model = |document: &documents::Document| {
                let route = Route::ALL
                    .into_iter()
                    .find(|route| route.path() == document.path)?;
                let model = contract::model(route, &document.model)?;
                Some((model.clone(), document.clone()))
            };
            let given = documents().iter().filter_map(with_model);
            Self::read(given, strict).map(Arc::new)
        });
        read.clone()
    }

    /// Compiles documents that belong to these models.
    pub(super) fn read(
        given: impl IntoIterator<Item = (Model, documents::Document)>,
        strict: bool,
    ) -> Result<Self, String> {
        let mut models = HashMap::new();
        for (model, entry) in given {
            let schema = json_schema(&entry.schema, strict);
            let validator = validator(&schema, &model)
                .ok_or_else(|| format!("the schema of {} cannot be compiled", model.id))?;
            let document = Document {
                model: Arc::new(model),
                status: entry.status,
                schema,
                validator,
                response: entry.response.map(|schema| json_schema(&schema, strict)),
            };
            let key = (document.model.route, document.model.id.clone());
            models.insert(key, document);
        }
        Ok(Self { models, strict })
    }

    /// Returns the documents of all models on `route`, sorted by model id.
    pub(super) fn on(&self, route: Route) -> Vec<&Document> {
        let all = self.models.values();
        let mut documents: Vec<_> = all
            .filter(|document| document.model.route == route)
            .collect();
        documents.sort_unstable_by_key(|document| &document.model.id);
        documents
    }

    /// Returns the ids of all models on every route, sorted.
    pub(super) fn ids(&self) -> BTreeSet<&str> {
        self.models.keys().map(|(_, id)| id.as_str()).collect()
    }

    /// Returns the document of the model that a request body names.
    ///
    /// # Errors
    ///
    /// The violation, if the body names no model of this route.
    pub(super) fn find(&self, route: Route, body: &Value) -> Result<&Document, Violation> {
        let given = body.get("model");
        let known = given
            .and_then(Value::as_str)
            .and_then(|model| self.models.get(&(route, model.to_owned())));
        known.ok_or_else(|| {
            let ids = self.on(route).into_iter();
            let ids: Vec<&str> = ids.map(|document| &*document.model.id).collect();
            Violation {
                pointer: "/model".into(),
                given: given.cloned(),
                allowed: match given {
                    Some(_) => format!("one of {}", ids.join(", ")),
                    None => "a model's id".into(),
                },
            }
        })
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
        let document = self
            .find(route, &body)
            .map_err(|violation| violation.to_string())?;
        if !self.strict {
            // The programs on the documentation pages send `"duration": "5"`, and the pages show a successful response to them.
            document.model.coerce(&mut body);
        }
        let violations: Vec<String> = document
            .violations(&body)
            .iter()
            .map(Violation::to_string)
            .collect();
        if violations.is_empty() {
            Ok((document, body))
        } else {
            Err(violations.join("; "))
        }
    }
}

impl Document {
    /// Judges a request body as it is.
    pub(super) fn violations(&self, body: &Value) -> Vec<Violation> {
        // A judgement without reasons takes a fraction of the time.
        if self.validator.is_valid(body) {
            return Vec::new();
        }
        let of_error = |error: ValidationError<'_>| {
            let mut found = violations(&error);
            if let ([violation], ValidationErrorKind::AnyOf { .. }) = (&mut *found, error.kind())
                && let Some(allowed) = allowed(&self.model, &violation.pointer)
            {
                violation.allowed = allowed;
            }
            found
        };
        self.validator
            .iter_errors(body)
            .flat_map(of_error)
            .collect()
    }
}

/// The values that a model allows at a place in a body, in the words of the contract.
fn allowed(model: &Model, pointer: &str) -> Option<String> {
    let body = Schema::Object(model.properties.clone());
    let schema = pointer
        .split('/')
        .skip(1)
        .try_fold(body, |schema, step| match schema.typed() {
            Schema::Object(properties) => {
                let mut named = properties.iter();
                let property = named.find(|property| property.name == step)?;
                Some(property.schema_with_null())
            }
            Schema::Array { items, .. } => Some((**items).clone()),
            _ => None,
        });
    schema.map(|schema| schema.allowed())
}

/// Compiles the validator of one model.
///
/// A document may hold a schema that the build ignores in part and that no validator compiles. The validator then uses the
/// schema that the contract states for the model.
fn validator(schema: &Value, model: &Model) -> Option<Validator> {
    let options = jsonschema::options().should_validate_formats(true);
    let build = |schema: &Value| options.build(schema).ok();
    build(schema).or_else(|| {
        let mut contract = model.json_schema();
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
pub(super) fn json_schema(schema: &Value, strict: bool) -> Value {
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
        Value::Array(items) => {
            let arm = |item: &Value| match *item == json!({ "nullable": true }) {
                // The documents mean null by such an arm of `anyOf`; read literally, it would allow any value.
                true => json!({ "type": "null" }),
                false => json_schema(item, strict),
            };
            items.iter().map(arm).collect()
        }
        other => other.clone(),
    }
}
