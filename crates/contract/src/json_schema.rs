//! Exports the constraints of a model as JSON Schema 2020-12, the dialect that form generators and language models read.

use serde_json::{Map, Value, json};

use crate::{Check, Model, Property, Schema};

impl Model {
    /// The request's schema in JSON Schema 2020-12: the document's constraints, with a description of each property.
    pub fn json_schema(&self) -> Value {
        let mut schema = object(&self.properties);
        self.checks
            .iter()
            .for_each(|check| check.write(&mut schema));
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema["title"] = self.id.as_str().into();
        schema
    }
}

impl Schema {
    /// The schema in JSON Schema 2020-12.
    pub fn json_schema(&self) -> Value {
        match self {
            Self::Any => json!({}),
            Self::Null => json!({ "type": "null" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Integer { min, max } => limited("integer", "minimum", *min, "maximum", *max),
            Self::Number { min, max } => limited("number", "minimum", *min, "maximum", *max),
            Self::Media => json!({ "type": "string" }),
            Self::String { min, max } => {
                limited("string", "minLength", positive(*min), "maxLength", *max)
            }
            // Base64 text, which only prose allows, is not part of the schema.
            Self::Uri | Self::UriOrBase64 => json!({ "type": "string", "format": "uri" }),
            Self::StringEnum(values) => json!({ "type": "string", "enum": values }),
            Self::IntegerEnum(values) => json!({ "type": "integer", "enum": values }),
            Self::Enum(values) => json!({ "enum": values }),
            Self::Array { items, min, max } => {
                let mut schema = limited("array", "minItems", positive(*min), "maxItems", *max);
                schema["items"] = items.json_schema();
                schema
            }
            Self::Object(properties) => object(properties),
            Self::OneOrMany(item) => {
                let item = item.json_schema();
                json!({ "anyOf": [item, { "type": "array", "items": item }] })
            }
            Self::Alternatives { arms, exactly_one } => {
                let arms: Vec<Value> = arms.iter().map(Self::json_schema).collect();
                json!({ if *exactly_one { "oneOf" } else { "anyOf" }: arms })
            }
            Self::Checked { schema, checks } => {
                let mut schema = schema.json_schema();
                checks.iter().for_each(|check| check.write(&mut schema));
                schema
            }
        }
    }
}

impl Check {
    /// The keywords of the constraint, with their values.
    pub(crate) fn keywords(&self) -> Vec<(&str, Value)> {
        match self {
            Self::Above(limit) => vec![("exclusiveMinimum", json!(limit))],
            Self::Below(limit) => vec![("exclusiveMaximum", json!(limit))],
            Self::MultipleOf(step) => vec![("multipleOf", json!(step))],
            Self::UniqueItems => vec![("uniqueItems", json!(true))],
            Self::PropertyCount { min, max } => {
                let min = (*min > 0 || max.is_none()).then(|| ("minProperties", json!(min)));
                let max = max.map(|max| ("maxProperties", json!(max)));
                min.into_iter().chain(max).collect()
            }
            Self::Closed(_) => vec![("additionalProperties", json!(false))],
            Self::Additional { schema, .. } => vec![("additionalProperties", schema.json_schema())],
            Self::AllOf(Schema::Alternatives { arms, exactly_one }) => {
                let arms = arms.iter().map(Schema::json_schema).collect();
                vec![(if *exactly_one { "oneOf" } else { "anyOf" }, arms)]
            }
            Self::AllOf(schema) => vec![("allOf", json!([schema.json_schema()]))],
            Self::Unchecked { keyword, value } => vec![(keyword, value.clone())],
        }
    }

    fn write(&self, schema: &mut Value) {
        for (keyword, value) in self.keywords() {
            match (schema.get_mut(keyword), value) {
                (Some(Value::Array(known)), Value::Array(more)) if keyword == "allOf" => {
                    known.extend(more);
                }
                // A second list of alternatives limits the value further.
                (Some(_), value @ Value::Array(_)) => {
                    let part = json!({ keyword: value });
                    match schema.get_mut("allOf").and_then(Value::as_array_mut) {
                        Some(parts) => parts.push(part),
                        None => schema["allOf"] = json!([part]),
                    }
                }
                (_, value) => schema[keyword] = value,
            }
        }
    }
}

fn object(properties: &[Property]) -> Value {
    let entries: Map<String, Value> = properties
        .iter()
        .map(|property| (property.name.clone(), entry(property)))
        .collect();
    let required: Vec<&str> = properties
        .iter()
        .filter(|property| property.required)
        .map(|property| &*property.name)
        .collect();
    let mut schema = json!({ "type": "object", "properties": entries });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn entry(property: &Property) -> Value {
    let mut schema = property.schema_with_null().json_schema();
    if let Some(description) = &property.description {
        schema["description"] = description.as_str().into();
    }
    if let Some(default) = &property.default {
        schema["default"] = default.clone();
    }
    schema
}

fn limited<T: Into<Value>>(
    kind: &str,
    lower: &str,
    min: Option<T>,
    upper: &str,
    max: Option<T>,
) -> Value {
    let mut schema = json!({ "type": kind });
    if let Some(min) = min {
        schema[lower] = min.into();
    }
    if let Some(max) = max {
        schema[upper] = max.into();
    }
    schema
}

fn positive(min: usize) -> Option<usize> {
    (min > 0).then_some(min)
}
