//! The Rust type of each schema, and its name.

use aimlapi_video_contract::{Model, Property, Schema};

use crate::names;

/// The library's request type, which any model's request converts into.
pub const REQUEST: &str = "GenerationRequest";

/// The library's type of a generation, which every response is read into.
pub const GENERATION: &str = "Generation";

/// Calls `visit` with every schema in a model and the name that a type for it has.
pub fn each<'a>(model: &'a Model, visit: &mut dyn FnMut(&str, &'a Schema)) {
    each_property(&model.type_name, &model.properties, visit);
}

/// Calls `visit` with the name and the properties of every struct of a model.
pub fn each_struct<'a>(model: &'a Model, visit: &mut dyn FnMut(&str, &'a [Property])) {
    visit(&model.type_name, &model.properties);
    each(model, &mut |name, schema| match schema {
        Schema::Object(properties) if !properties.is_empty() => visit(name, properties),
        _ => {}
    });
}

/// Calls `visit` with the name of every type that is generated for a model.
pub fn each_named(model: &Model, visit: &mut dyn FnMut(&str)) {
    visit(&model.type_name);
    each(model, &mut |name, schema| match schema {
        Schema::StringEnum(_) | Schema::IntegerEnum(_) => visit(name),
        Schema::Alternatives { .. } if schema.tagged().is_some() => visit(name),
        Schema::Object(properties) if !properties.is_empty() => visit(name),
        _ => {}
    });
}

/// The Rust type of a schema's values.
pub fn rust(name: &str, schema: &Schema) -> String {
    match schema {
        Schema::Boolean => "bool".into(),
        Schema::Integer {
            min: None,
            max: None,
        } => "crate::value::Integer".into(),
        Schema::Integer { min, max } => {
            let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
            format!("crate::value::Int<{min}, {max}>")
        }
        Schema::Number {
            min: None,
            max: None,
        } => "f64".into(),
        Schema::Number { min, max } => format!("{GENERATED}::{}", float_name(*min, *max)),
        Schema::String { min: 0, max: None } => "::std::string::String".into(),
        Schema::String { min, max } => {
            format!("crate::value::Text<{min}, {}>", max_size(*max))
        }
        Schema::Uri => "crate::value::Uri".into(),
        Schema::UriOrBase64 => "crate::value::UriOrBase64".into(),
        Schema::Media => "crate::value::MediaString".into(),
        Schema::StringEnum(_) | Schema::IntegerEnum(_) => format!("{GENERATED}::{name}"),
        Schema::Array { items, min, max } => {
            let item = rust(&item_name(name), items);
            format!(
                "crate::value::BoundedVec<{item}, {min}, {}>",
                max_size(*max)
            )
        }
        Schema::Object(properties) if properties.is_empty() => {
            "::serde_json::Map<::std::string::String, ::serde_json::Value>".into()
        }
        Schema::Object(_) => format!("crate::generated::types::{name}"),
        Schema::OneOrMany(item) => format!("crate::value::OneOrMany<{}>", rust(name, item)),
        Schema::Checked { schema, .. } => rust(name, schema),
        Schema::Alternatives { .. } if schema.tagged().is_some() => format!("{GENERATED}::{name}"),
        _ => "::serde_json::Value".into(),
    }
}

/// The Rust type of a property that every request has to have and that may be `null`; `None` for other properties.
pub fn nullable(parent: &str, property: &Property) -> Option<String> {
    let kind = || rust(&names::nested(parent, &property.name), &property.schema);
    (property.required && property.nullable).then(|| format!("crate::value::Nullable<{}>", kind()))
}

/// Whether the library has a type for the schema; the one that progenitor makes would allow more.
pub fn is_own(schema: &Schema) -> bool {
    match schema {
        Schema::StringEnum(_) | Schema::IntegerEnum(_) | Schema::OneOrMany(_) | Schema::Media => {
            true
        }
        Schema::Number { min, max } => min.is_some() || max.is_some(),
        Schema::String { min, max } => *min > 0 || max.is_some(),
        Schema::Integer { .. } | Schema::Uri | Schema::UriOrBase64 | Schema::Array { .. } => true,
        Schema::Object(properties) => properties.is_empty(),
        Schema::Checked { schema, .. } => is_own(schema),
        Schema::Alternatives { .. } => schema.tagged().is_some(),
        _ => false,
    }
}

/// A maximum as a const argument; the greatest size is that of the target, not of the machine that generates.
fn max_size(max: Option<usize>) -> String {
    match max {
        None => "{ usize::MAX }".into(),
        // A literal must fit into 32 bits, too.
        Some(max) if u32::try_from(max).is_err() => {
            format!("{{ crate::request::value::size({max}) }}")
        }
        Some(max) => max.to_string(),
    }
}

/// The name of the type for a range of numbers.
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
        schema => {
            for arm in arms(name, schema) {
                each_schema(&arm.name, arm.schema, visit);
            }
        }
    }
}

/// One of tagged alternatives: a variant of their enum.
#[cfg_attr(
    not(feature = "rust"),
    allow(dead_code, reason = "only the emitter reads the variant and the value")
)]
pub(super) struct Arm<'a> {
    /// The variant's name.
    pub(super) variant: String,
    /// The value of the tag.
    pub(super) value: &'a str,
    /// The name of the struct that the variant holds.
    pub(super) name: String,
    pub(super) schema: &'a Schema,
}

/// The variants of the enum `name` for tagged alternatives; none for other schemas.
pub(super) fn arms<'a>(name: &str, schema: &'a Schema) -> Vec<Arm<'a>> {
    let (_, tagged) = schema.tagged().unwrap_or_default();
    let variants = names::variants(&schema.tag_values()).unwrap_or_default();
    let arm = |(variant, (value, schema)): (String, (&'a str, &'a Schema))| Arm {
        name: names::nested(name, &variant),
        variant,
        value,
        schema,
    };
    variants.into_iter().zip(tagged).map(arm).collect()
}

fn item_name(list: &str) -> String {
    format!("{list}Item")
}

/// The module of the types that this crate writes.
const GENERATED: &str = "crate::generated::bounded";
