//! What a request's schema allows, in the terms in which Rust can hold it.
//!
//! Every constraint of a document ends in a [`Shape`]; a keyword that no shape can carry is reported, never dropped.

use serde_json::{Map, Value, json};

mod check;
mod checks;
mod integers;
mod read;
mod words;

pub use check::Check;
pub use read::read;

/// An object of a request, and the Rust struct that holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// The struct's name.
    pub name: String,
    pub fields: Vec<Field>,
    /// What holds for the whole body beside its properties; only the outermost object has any.
    pub checks: Vec<Check>,
}

/// A property of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The property's name in the document.
    pub name: String,
    /// The struct's field and the builder's setter.
    pub rust: String,
    pub required: bool,
    /// Whether `null` is allowed, too. A struct has no room for it: it is either there or left out.
    pub nullable: bool,
    pub shape: Shape,
    /// What the service takes for a value left out; told, never sent.
    pub default: Option<Value>,
    /// Our own line on the property.
    pub description: Option<String>,
    /// What the property means to the code, from the overlay.
    pub role: Option<String>,
    /// Whether it takes a link or inline data.
    pub media: bool,
}

/// The values a property allows.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Any,
    Boolean,
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    Number {
        min: Option<f64>,
        max: Option<f64>,
    },
    Text,
    /// Text of a limited number of characters.
    BoundedText {
        min: usize,
        max: Option<usize>,
    },
    Uri,
    /// A URI, or plain base64 text, where the document's prose allows it.
    UriOrBase64,
    /// Text that is media: held by a type of ours under this name, for it is not to be shown.
    MediaText {
        name: String,
    },
    /// Strings from a list, held by the enum of this name.
    TextChoice {
        name: String,
        values: Vec<String>,
    },
    /// Integers from a list, held by the type of this name.
    IntegerChoice {
        name: String,
        values: Vec<i64>,
    },
    List {
        items: Box<Self>,
        min: usize,
        max: Option<usize>,
    },
    Object(Object),
    /// One value, or a list of such values.
    OneOrMany {
        name: String,
        item: Box<Self>,
    },
    /// Any of several shapes, or exactly one of them. No type holds it, so it is checked before it is sent.
    Alternatives {
        arms: Vec<Self>,
        exactly_one: bool,
    },
    /// Values from a list that no one Rust type lists, such as text beside numbers; checked before they are sent.
    Values {
        values: Vec<Value>,
    },
    /// `null`, as an arm of [`Self::Alternatives`].
    Null,
    /// A shape that its type holds, and what no type can hold beside it.
    Checked {
        shape: Box<Self>,
        checks: Vec<Check>,
    },
}

impl Object {
    /// The schemas that the generator makes types of: this object's and all nested ones, each under its own name.
    pub fn components(&self) -> Vec<(String, Value)> {
        let mut components = vec![(self.name.clone(), self.schema())];
        for field in &self.fields {
            field.shape.components(&mut components);
        }
        components
    }

    /// Calls `visit` with this object and every object nested in it.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        for field in &self.fields {
            if let Some(object) = field.shape.object() {
                object.each(visit);
            }
        }
    }

    /// Calls `visit` with every property and its path in the body.
    pub fn each_field<'a>(&'a self, visit: &mut dyn FnMut(&str, &'a Field)) {
        fn walk<'a>(object: &'a Object, path: &str, visit: &mut dyn FnMut(&str, &'a Field)) {
            for field in &object.fields {
                let path = format!("{path}{}", field.name);
                visit(&path, field);
                if let Some(object) = field.shape.object() {
                    let items = if matches!(field.shape.typed(), Shape::List { .. }) {
                        "[]"
                    } else {
                        ""
                    };
                    walk(object, &format!("{path}{items}."), visit);
                }
            }
        }
        walk(self, "", visit);
    }

    /// Whether no request goes without a picture, clip or sound.
    pub fn needs_media(&self) -> bool {
        self.fields
            .iter()
            .any(|field| field.required && field.media)
    }

    fn schema(&self) -> Value {
        let properties: Map<String, Value> = self
            .fields
            .iter()
            .map(|field| (field.name.clone(), field.schema()))
            .collect();
        let required: Vec<&str> = self
            .fields
            .iter()
            .filter(|field| field.required && !field.nullable)
            .map(|field| &*field.name)
            .collect();
        let mut schema = json!({ "type": "object", "properties": properties });
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        schema
    }
}

impl Field {
    fn schema(&self) -> Value {
        let schema = self.shape.schema();
        let documentation = self.documentation();
        // Beside `$ref` OpenAPI 3.0 ignores everything, so a documented reference is wrapped.
        match schema.get("$ref") {
            Some(_) if !documentation.is_empty() => {
                json!({ "description": documentation, "allOf": [schema] })
            }
            Some(_) => schema,
            None => {
                let mut schema = schema;
                schema["description"] = documentation.into();
                schema
            }
        }
    }
}

impl Shape {
    /// The part of it that a Rust type holds.
    pub fn typed(&self) -> &Self {
        match self {
            Self::Checked { shape, .. } => shape,
            shape => shape,
        }
    }

    /// The schema of a value of this shape; named shapes are referred to.
    pub fn schema(&self) -> Value {
        let reference = |name: &str| json!({ "$ref": format!("#/components/schemas/{name}") });
        match self {
            Self::Any | Self::Alternatives { .. } | Self::Values { .. } | Self::Null => json!({}),
            Self::Checked { shape, .. } => shape.schema(),
            // Without properties the generator makes a map of it, which is what holds any object.
            Self::Object(object) if object.fields.is_empty() => json!({ "type": "object" }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Integer { min, max } => {
                bounded("integer", min.map(Value::from), max.map(Value::from))
            }
            Self::Number { min, max } => {
                bounded("number", min.map(Value::from), max.map(Value::from))
            }
            Self::Text => json!({ "type": "string" }),
            Self::Uri => json!({ "type": "string", "format": "uri" }),
            // A format of our own tells it from a plain URI when the generator looks for its type.
            Self::UriOrBase64 => json!({ "type": "string", "format": "uri-or-base64" }),
            Self::TextChoice { name, .. }
            | Self::IntegerChoice { name, .. }
            | Self::OneOrMany { name, .. }
            | Self::MediaText { name } => reference(name),
            Self::BoundedText { min, max } => {
                let least = (*min > 0).then(|| Value::from(*min));
                let limits = [("minLength", least), ("maxLength", max.map(Value::from))];
                let limits = limits
                    .into_iter()
                    .filter_map(|(key, limit)| Some((key.to_owned(), limit?)));
                let kind = ("type".to_owned(), Value::from("string"));
                Value::Object(std::iter::once(kind).chain(limits).collect())
            }
            Self::Object(object) => reference(&object.name),
            Self::List { items, min, max } => {
                let mut schema = json!({ "type": "array", "items": items.schema() });
                if *min > 0 {
                    schema["minItems"] = (*min).into();
                }
                if let Some(max) = max {
                    schema["maxItems"] = (*max).into();
                }
                schema
            }
        }
    }

    /// The Rust type that holds a value of this shape and no other.
    pub fn rust(&self) -> String {
        match self {
            Self::Any | Self::Alternatives { .. } | Self::Values { .. } | Self::Null => {
                "::serde_json::Value".into()
            }
            Self::Checked { shape, .. } => shape.rust(),
            Self::Object(object) if object.fields.is_empty() => {
                "::serde_json::Map<::std::string::String, ::serde_json::Value>".into()
            }
            Self::OneOrMany { item, .. } => format!("crate::OneOrMany<{}>", item.rust()),
            Self::BoundedText { min, max } => {
                format!("crate::Text<{min}, {}>", max.unwrap_or(usize::MAX))
            }
            Self::Boolean => "bool".into(),
            Self::Integer {
                min: None,
                max: None,
            } => "crate::Integer".into(),
            Self::Integer { min, max } => {
                format!(
                    "crate::Int<{}, {}>",
                    min.unwrap_or(i64::MIN),
                    max.unwrap_or(i64::MAX)
                )
            }
            Self::Number {
                min: None,
                max: None,
            } => "f64".into(),
            Self::Number { min, max } => format!("{GENERATED}::{}", float_name(*min, *max)),
            Self::Text => "::std::string::String".into(),
            Self::Uri => "crate::Uri".into(),
            Self::UriOrBase64 => "crate::UriOrBase64".into(),
            Self::MediaText { .. } => "crate::MediaString".into(),
            Self::TextChoice { name, .. } => format!("crate::generated::types::{name}"),
            Self::IntegerChoice { name, .. } => format!("{GENERATED}::{name}"),
            Self::Object(object) => format!("crate::generated::types::{}", object.name),
            Self::List { items, min, max } => {
                format!(
                    "crate::BoundedVec<{}, {min}, {}>",
                    items.rust(),
                    max.unwrap_or(usize::MAX)
                )
            }
        }
    }

    /// Whether the generator must be told to use [`Self::rust`], since its own type for the schema would hold more.
    pub fn is_converted(&self) -> bool {
        match self {
            Self::Number { min, max } => min.is_some() || max.is_some(),
            Self::Integer { .. }
            | Self::BoundedText { .. }
            | Self::Uri
            | Self::UriOrBase64
            | Self::List { .. } => true,
            Self::Object(object) => object.fields.is_empty(),
            Self::Checked { shape, .. } => shape.is_converted(),
            _ => false,
        }
    }

    /// Calls `visit` with this shape and every shape nested in it.
    pub fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::List { items, .. } => items.each(visit),
            Self::OneOrMany { item, .. } => item.each(visit),
            Self::Checked { shape, .. } => shape.each(visit),
            Self::Object(object) => object
                .fields
                .iter()
                .for_each(|field| field.shape.each(visit)),
            _ => {}
        }
    }

    fn object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) if object.fields.is_empty() => None,
            Self::Object(object) => Some(object),
            Self::List { items, .. } => items.object(),
            Self::OneOrMany { item, .. } => item.object(),
            Self::Checked { shape, .. } => shape.object(),
            _ => None,
        }
    }

    fn components(&self, components: &mut Vec<(String, Value)>) {
        match self {
            Self::TextChoice { name, values } => {
                components.push((name.clone(), json!({ "type": "string", "enum": values })));
            }
            Self::IntegerChoice { name, values } => {
                components.push((name.clone(), json!({ "type": "integer", "enum": values })));
            }
            Self::OneOrMany { name, item } => {
                components.push((name.clone(), json!({})));
                item.components(components);
            }
            Self::MediaText { name } => {
                components.push((name.clone(), json!({ "type": "string" })));
            }
            Self::Object(object) if object.fields.is_empty() => {}
            Self::Object(object) => components.extend(object.components()),
            Self::Checked { shape, .. } => shape.components(components),
            Self::List { items, .. } => items.components(components),
            _ => {}
        }
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

/// Where the types stand that are emitted by us and not by the generator.
const GENERATED: &str = "crate::generated::bounded";

fn bounded(kind: &str, min: Option<Value>, max: Option<Value>) -> Value {
    let mut schema = json!({ "type": kind });
    if let Some(min) = min {
        schema["minimum"] = min;
    }
    if let Some(max) = max {
        schema["maximum"] = max;
    }
    schema
}
