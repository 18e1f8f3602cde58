//! The constraints of a model as JSON Schema 2020-12: what its document says, in the dialect that forms and language models
//! read.

use serde_json::{Map, Value, json};

use crate::{
    catalogue::{Model, Property},
    schema::Schema,
};

impl Model {
    /// The request's schema in JSON Schema 2020-12: the document's own constraints, with our own line on each property.
    ///
    /// ```
    /// # use aimlapi_video::models;
    /// let id = "klingai/v2-master-text-to-video";
    /// let model = models().iter().find(|model| model.id() == id).unwrap();
    /// assert_eq!(model.json_schema()["properties"]["cfg_scale"]["maximum"], 1.0);
    /// ```
    pub fn json_schema(&self) -> Value {
        let mut schema = object(self.properties);
        self.checks
            .iter()
            .for_each(|check| check.write(&mut schema));
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["title"] = self.id.into();
        schema
    }
}

fn object(properties: &[Property]) -> Value {
    let entries: Map<String, Value> = properties
        .iter()
        .map(|property| (property.name.to_owned(), entry(property)))
        .collect();
    let required: Vec<&str> = properties
        .iter()
        .filter(|property| property.required)
        .map(|property| property.name)
        .collect();
    let mut schema = json!({ "type": "object", "properties": entries });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn entry(property: &Property) -> Value {
    let mut schema = property.schema.json();
    if property.nullable {
        schema = json!({ "anyOf": [schema, { "type": "null" }] });
    }
    if !property.description.is_empty() {
        schema["description"] = property.description.into();
    }
    if let Some(default) = property
        .default
        .and_then(|default| serde_json::from_str::<Value>(default).ok())
    {
        schema["default"] = default;
    }
    schema
}

impl Schema {
    pub(crate) fn json(&self) -> Value {
        let limited = |kind: &str, limits: [(&str, Option<Value>); 2]| {
            let limits = limits
                .into_iter()
                .filter_map(|(keyword, limit)| Some((keyword.to_owned(), limit?)));
            let kind = std::iter::once(("type".to_owned(), Value::from(kind)));
            Value::Object(kind.chain(limits).collect())
        };
        let least = |min: usize| (min > 0).then(|| Value::from(min));
        match self {
            Self::Any => json!({}),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Integer { min, max } => limited(
                "integer",
                [
                    ("minimum", min.map(Value::from)),
                    ("maximum", max.map(Value::from)),
                ],
            ),
            Self::Number { min, max } => limited(
                "number",
                [
                    ("minimum", min.map(Value::from)),
                    ("maximum", max.map(Value::from)),
                ],
            ),
            Self::Text => json!({ "type": "string" }),
            Self::BoundedText { min, max } => limited(
                "string",
                [
                    ("minLength", least(*min)),
                    ("maxLength", max.map(Value::from)),
                ],
            ),
            // What prose alone allows is no part of the schema.
            Self::Uri | Self::UriOrBase64 => json!({ "type": "string", "format": "uri" }),
            Self::TextChoice(values) => json!({ "type": "string", "enum": values }),
            Self::IntegerChoice(values) => json!({ "type": "integer", "enum": values }),
            Self::List { items, min, max } => {
                let mut schema = limited(
                    "array",
                    [
                        ("minItems", least(*min)),
                        ("maxItems", max.map(Value::from)),
                    ],
                );
                schema["items"] = items.json();
                schema
            }
            Self::Object(properties) => object(properties),
            Self::Values(values) => {
                let values = values
                    .iter()
                    .map(|value| serde_json::from_str(value).unwrap_or_default());
                json!({ "enum": values.collect::<Vec<Value>>() })
            }
            Self::Null => json!({ "type": "null" }),
            Self::Checked { typed, checks } => {
                let mut schema = typed.json();
                checks.iter().for_each(|check| check.write(&mut schema));
                schema
            }
            Self::Alternatives { arms, exactly_one } => {
                let arms: Vec<Value> = arms.iter().map(Self::json).collect();
                json!({ if *exactly_one { "oneOf" } else { "anyOf" }: arms })
            }
        }
    }
}

/// Implements [`schemars::JsonSchema`] for a request type by its model's own schema.
#[cfg(feature = "schema")]
macro_rules! json_schema {
    ($name:ident, $route:expr, $model:literal) => {
        impl ::schemars::JsonSchema for types::$name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                crate::json_schema::of($route, $model)
            }
        }
    };
}
#[cfg(feature = "schema")]
pub(crate) use json_schema;

#[cfg(feature = "schema")]
pub(crate) fn of(route: crate::Route, model: &str) -> schemars::Schema {
    let schema = Model::find(route, model).map(Model::json_schema);
    // A schema is an object; a model that is not in the table cannot have a type.
    schema
        .and_then(|schema| schema.try_into().ok())
        .unwrap_or_default()
}
