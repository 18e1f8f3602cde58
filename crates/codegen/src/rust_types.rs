//! The Rust type of each schema: its name, and how progenitor is to see it.

use aimlapi_video_contract::{Model, Property, Schema};
use serde_json::{Map, Value, json};

use crate::names;

/// Calls `visit` with every schema of a model that a type holds, and the name that such a type has.
pub fn each<'a>(model: &'a Model, visit: &mut dyn FnMut(&str, &'a Schema)) {
    each_property(&model.type_name, &model.properties, visit);
}

/// Calls `visit` with every object of a model that becomes a struct: its name and its properties.
pub fn each_struct<'a>(model: &'a Model, visit: &mut dyn FnMut(&str, &'a [Property])) {
    visit(&model.type_name, &model.properties);
    each(model, &mut |name, schema| match schema {
        Schema::Object(properties) if !properties.is_empty() => visit(name, properties),
        _ => {}
    });
}

/// The schemas that the generator makes types of, each under its name.
pub fn components(model: &Model) -> Vec<(String, Value)> {
    let body = openapi_object(&model.type_name, &model.properties);
    let mut components = vec![(model.type_name.clone(), body)];
    each(model, &mut |name, schema| {
        let component = match schema {
            Schema::StringEnum(_) | Schema::IntegerEnum(_) => schema.json_schema(),
            Schema::OneOrMany(_) => json!({}),
            Schema::Media => json!({ "type": "string" }),
            Schema::Object(properties) if !properties.is_empty() => {
                openapi_object(name, properties)
            }
            _ => return,
        };
        components.push((name.to_owned(), component));
    });
    components
}

/// The schema in OpenAPI 3.0, with references to the named ones: what the generator reads.
pub fn openapi(name: &str, schema: &Schema) -> Value {
    match schema {
        Schema::StringEnum(_) | Schema::IntegerEnum(_) | Schema::OneOrMany(_) | Schema::Media => {
            reference(name)
        }
        Schema::Object(properties) if !properties.is_empty() => reference(name),
        // Without properties the generator makes a map of it, which holds any object.
        Schema::Object(_) => json!({ "type": "object" }),
        // A format of our own tells it from a plain URI when the generator looks for its type.
        Schema::UriOrBase64 => json!({ "type": "string", "format": "uri-or-base64" }),
        Schema::Array { items, .. } => {
            let mut array = schema.json_schema();
            array["items"] = openapi(&item_name(name), items);
            array
        }
        Schema::Checked { schema, .. } => openapi(name, schema),
        Schema::Boolean
        | Schema::Integer { .. }
        | Schema::Number { .. }
        | Schema::String { .. }
        | Schema::Uri => schema.json_schema(),
        _ => json!({}),
    }
}

/// The Rust type that holds every value of a schema, and no other where a type can.
pub fn rust(name: &str, schema: &Schema) -> String {
    match schema {
        Schema::Boolean => "bool".into(),
        Schema::Integer {
            min: None,
            max: None,
        } => "crate::Integer".into(),
        Schema::Integer { min, max } => {
            let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
            format!("crate::Int<{min}, {max}>")
        }
        Schema::Number {
            min: None,
            max: None,
        } => "f64".into(),
        Schema::Number { min, max } => format!("{GENERATED}::{}", float_name(*min, *max)),
        Schema::String { min: 0, max: None } => "::std::string::String".into(),
        Schema::String { min, max } => {
            format!("crate::Text<{min}, {}>", max.unwrap_or(usize::MAX))
        }
        Schema::Uri => "crate::Uri".into(),
        Schema::UriOrBase64 => "crate::UriOrBase64".into(),
        Schema::Media => "crate::MediaString".into(),
        Schema::StringEnum(_) | Schema::IntegerEnum(_) => format!("{GENERATED}::{name}"),
        Schema::Array { items, min, max } => {
            let item = rust(&item_name(name), items);
            format!(
                "crate::BoundedVec<{item}, {min}, {}>",
                max.unwrap_or(usize::MAX)
            )
        }
        Schema::Object(properties) if properties.is_empty() => {
            "::serde_json::Map<::std::string::String, ::serde_json::Value>".into()
        }
        Schema::Object(_) => format!("crate::generated::types::{name}"),
        Schema::OneOrMany(item) => format!("crate::OneOrMany<{}>", rust(name, item)),
        Schema::Checked { schema, .. } => rust(name, schema),
        _ => "::serde_json::Value".into(),
    }
}

/// Whether the generator must be given [`rust`]'s type, since its own type for the schema would hold more.
pub fn is_converted(schema: &Schema) -> bool {
    match schema {
        Schema::Number { min, max } => min.is_some() || max.is_some(),
        Schema::String { min, max } => *min > 0 || max.is_some(),
        Schema::Integer { .. } | Schema::Uri | Schema::UriOrBase64 | Schema::Array { .. } => true,
        Schema::Object(properties) => properties.is_empty(),
        Schema::Checked { schema, .. } => is_converted(schema),
        _ => false,
    }
}

/// The name of the type that holds the numbers of one range.
pub fn float_name(min: Option<f64>, max: Option<f64>) -> String {
    let word = |bound: f64| bound.to_string().replace('-', "Minus").replace('.', "p");
    match (min, max) {
        (Some(min), Some(max)) => format!("Float{}To{}", word(min), word(max)),
        (Some(min), None) => format!("FloatFrom{}", word(min)),
        (None, Some(max)) => format!("FloatUpTo{}", word(max)),
        (None, None) => "f64".into(),
    }
}

fn each_property<'a>(
    parent: &str,
    properties: &'a [Property],
    visit: &mut dyn FnMut(&str, &'a Schema),
) {
    for property in properties {
        each_schema(
            &names::nested(parent, &property.name),
            &property.schema,
            visit,
        );
    }
}

fn each_schema<'a>(name: &str, schema: &'a Schema, visit: &mut dyn FnMut(&str, &'a Schema)) {
    visit(name, schema);
    match schema {
        Schema::Array { items, .. } => each_schema(&item_name(name), items, visit),
        Schema::OneOrMany(item) => each_schema(name, item, visit),
        Schema::Checked { schema, .. } => each_schema(name, schema, visit),
        Schema::Object(properties) => each_property(name, properties, visit),
        _ => {}
    }
}

fn item_name(list: &str) -> String {
    format!("{list}Item")
}

fn openapi_object(name: &str, properties: &[Property]) -> Value {
    let entry = |property: &Property| {
        let nested = names::nested(name, &property.name);
        let documentation = property.documentation();
        let mut schema = openapi(&nested, &property.schema);
        // Beside `$ref` OpenAPI 3.0 ignores everything, so a documented reference is wrapped.
        if schema.get("$ref").is_some() && !documentation.is_empty() {
            schema = json!({ "allOf": [schema] });
        }
        if schema.get("$ref").is_none() {
            schema["description"] = documentation.into();
        }
        (property.name.clone(), schema)
    };
    let entries: Map<String, Value> = properties.iter().map(entry).collect();
    let required: Vec<&str> = properties
        .iter()
        .filter(|property| property.required && !property.nullable)
        .map(|property| &*property.name)
        .collect();
    let mut schema = json!({ "type": "object", "properties": entries });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Where the types are that this crate emits itself.
const GENERATED: &str = "crate::generated::bounded";
