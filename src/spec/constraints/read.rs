//! From a schema to its shape; what no shape can carry is reported.

use serde_json::{Map, Value};

use super::{Field, Object, Shape};
use crate::spec::{Trouble, document::Create, names, step};

/// Reads what `create`'s request allows; `glossary` holds our own line per property.
pub fn read(create: &Create, glossary: &Value) -> Result<Object, Vec<Trouble>> {
    let name = names::request(create.route, &create.model);
    let mut reader = Reader {
        create,
        glossary,
        troubles: Vec::new(),
    };
    let shape = reader.shape(&create.schema, &name, &create.pointer, "");
    match shape {
        Shape::Object(object) if reader.troubles.is_empty() => Ok(object),
        Shape::Object(_) => Err(reader.troubles),
        _ => {
            reader.trouble(
                &create.pointer,
                "the request body is no object",
                "fetch the document again",
            );
            Err(reader.troubles)
        }
    }
}

struct Reader<'a> {
    create: &'a Create,
    glossary: &'a Value,
    troubles: Vec<Trouble>,
}

impl Reader<'_> {
    fn shape(&mut self, schema: &Value, name: &str, pointer: &str, property: &str) -> Shape {
        let Some(map) = schema.as_object() else {
            self.trouble(pointer, "is no schema", "fetch the document again");
            return Shape::Any;
        };
        for keyword in map
            .keys()
            .filter(|key| !UNDERSTOOD.contains(&key.as_str()) && !key.starts_with("x-"))
        {
            let what = format!(
                "the keyword `{keyword}` is not understood, so its constraint could not be held"
            );
            self.trouble(
                &format!("{pointer}{}", step(keyword)),
                &what,
                "teach src/spec/constraints.rs the keyword",
            );
        }
        // Two ways to say what is allowed would have to hold at once, and a shape says it in one.
        for (keyword, beside) in BESIDE {
            let both = beside.iter().find(|beside| map.contains_key(**beside));
            if let (true, Some(both)) = (map.contains_key(*keyword), both) {
                let what = format!("`{both}` beside `{keyword}` is not understood");
                let remedy = "take one of them out by an overlay action";
                self.trouble(&format!("{pointer}{}", step(both)), &what, remedy);
            }
        }
        if let Some(values) = map.get("enum").and_then(Value::as_array) {
            return self.choice(values, name, pointer);
        }
        if let Some(arms) = map
            .get("anyOf")
            .or(map.get("oneOf"))
            .and_then(Value::as_array)
        {
            return self.alternatives(arms, map.contains_key("oneOf"), name, pointer, property);
        }
        match map.get("type").and_then(Value::as_str) {
            None if map.contains_key("properties") => self.object(map, name, pointer, property),
            None => Shape::Any,
            Some("object") => self.object(map, name, pointer, property),
            Some("boolean") => Shape::Boolean,
            Some("string") => match map.get("format").and_then(Value::as_str) {
                None if is_media(schema) => Shape::MediaText { name: name.into() },
                None => self.text(map, pointer),
                Some("uri") if schema.get("x-base64") == Some(&Value::Bool(true)) => {
                    Shape::UriOrBase64
                }
                Some("uri") => Shape::Uri,
                Some(format) => {
                    let what = format!("the format `{format}` is not understood");
                    self.trouble(
                        &format!("{pointer}/format"),
                        &what,
                        "teach src/spec/constraints.rs the format",
                    );
                    Shape::Text
                }
            },
            Some("integer") => Shape::Integer {
                min: self.bound(map, "minimum", pointer, whole),
                max: self.bound(map, "maximum", pointer, whole),
            },
            Some("number") => Shape::Number {
                min: self.bound(map, "minimum", pointer, Value::as_f64),
                max: self.bound(map, "maximum", pointer, Value::as_f64),
            },
            Some("array") => {
                let size = |value: &Value| usize::try_from(whole(value)?).ok();
                let min = self.bound(map, "minItems", pointer, size).unwrap_or(0);
                let max = self.bound(map, "maxItems", pointer, size);
                let items = map.get("items").unwrap_or(&Value::Null);
                self.not_nullable(items, &format!("{pointer}/items"));
                let shape = self.shape(
                    items,
                    &format!("{name}Item"),
                    &format!("{pointer}/items"),
                    &format!("{property}[]"),
                );
                Shape::List {
                    items: Box::new(shape),
                    min,
                    max,
                }
            }
            Some(kind) => {
                let what = format!("the type `{kind}` is none of OpenAPI 3.0's");
                self.trouble(
                    &format!("{pointer}/type"),
                    &what,
                    "correct it by an overlay action",
                );
                Shape::Any
            }
        }
    }

    /// `null` has a place among the properties of an object only.
    fn not_nullable(&mut self, schema: &Value, pointer: &str) {
        if schema.get("nullable") == Some(&Value::Bool(true)) {
            let at = format!("{pointer}/nullable");
            let what = "`nullable` is understood on properties only";
            self.trouble(&at, what, "take it out by an overlay action");
        }
    }

    fn text(&mut self, map: &Map<String, Value>, pointer: &str) -> Shape {
        let size = |value: &Value| usize::try_from(whole(value)?).ok();
        let min = self.bound(map, "minLength", pointer, size);
        let max = self.bound(map, "maxLength", pointer, size);
        match (min, max) {
            (None, None) => Shape::Text,
            (min, max) => Shape::BoundedText {
                min: min.unwrap_or(0),
                max,
            },
        }
    }

    fn alternatives(
        &mut self,
        arms: &[Value],
        exactly_one: bool,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        let keyword = if exactly_one { "oneOf" } else { "anyOf" };
        if let [one, many] = arms
            && many.get("type").is_some_and(|kind| kind == "array")
            && many.get("items") == Some(one)
            && many.as_object().is_some_and(|many| many.len() == 2)
        {
            let item = self.shape(one, name, &format!("{pointer}/{keyword}/0"), property);
            return Shape::OneOrMany {
                name: name.into(),
                item: Box::new(item),
            };
        }
        let mut shapes = Vec::new();
        for (index, arm) in arms.iter().enumerate() {
            let at = format!("{pointer}/{keyword}/{index}");
            self.not_nullable(arm, &at);
            shapes.push(self.shape(arm, &format!("{name}{index}"), &at, property));
        }
        Shape::Alternatives {
            arms: shapes,
            exactly_one,
        }
    }

    fn choice(&mut self, values: &[Value], name: &str, pointer: &str) -> Shape {
        let texts: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let numbers: Vec<i64> = values.iter().filter_map(Value::as_i64).collect();
        if !values.is_empty() && texts.len() == values.len() {
            Shape::TextChoice {
                name: name.into(),
                values: texts,
            }
        } else if !values.is_empty() && numbers.len() == values.len() {
            Shape::IntegerChoice {
                name: name.into(),
                values: numbers,
            }
        } else {
            let what = "the enum is empty or mixes types";
            self.trouble(
                &format!("{pointer}/enum"),
                what,
                "correct it by an overlay action",
            );
            Shape::Any
        }
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        let none = Map::new();
        let properties = map
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for absent in required
            .iter()
            .filter(|name| !properties.contains_key(**name))
        {
            let what = format!("`required` names `{absent}`, which is no property");
            self.trouble(
                &format!("{pointer}/required"),
                &what,
                "correct it by an overlay action",
            );
        }
        let mut fields: Vec<Field> = Vec::new();
        for (key, schema) in properties {
            let at = format!("{pointer}/properties{}", step(key));
            let path = if property.is_empty() {
                key.clone()
            } else {
                format!("{property}.{key}")
            };
            let rust = names::field(key);
            if let Some(twin) = fields.iter().find(|field| field.rust == rust) {
                let what = format!(
                    "`{key}` and `{}` would both be called `{rust}` in Rust",
                    twin.name
                );
                self.trouble(&at, &what, "remove one by an overlay action");
            }
            let shape = self.shape(schema, &names::nested(name, key), &at, &path);
            let default = schema.get("default").cloned();
            fields.push(Field {
                rust,
                required: required.contains(&key.as_str()),
                nullable: schema.get("nullable") == Some(&Value::Bool(true)),
                media: matches!(shape, Shape::Uri | Shape::UriOrBase64) || is_media(schema),
                shape,
                default,
                description: self.description(&path),
                role: self.role(schema, &at),
                name: key.clone(),
            });
        }
        Shape::Object(Object {
            name: name.into(),
            fields,
        })
    }

    /// A keyword's value, which must be of the kind that `read` takes: half a constraint would be none.
    fn bound<T>(
        &mut self,
        map: &Map<String, Value>,
        keyword: &str,
        pointer: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = map.get(keyword)?;
        let bound = read(value);
        if bound.is_none() {
            let what = format!("`{keyword}` is {value}, which is no limit of this type");
            let at = format!("{pointer}{}", step(keyword));
            self.trouble(&at, &what, "correct it by an overlay action");
        }
        bound
    }

    fn role(&mut self, schema: &Value, pointer: &str) -> Option<String> {
        let role = schema.get("x-role")?;
        let known = role
            .as_str()
            .filter(|role| ROLES.contains(role))
            .map(str::to_owned);
        if known.is_none() {
            let what = format!("`x-role` is {role}, and the roles are {}", ROLES.join(", "));
            self.trouble(&format!("{pointer}/x-role"), &what, "mend overlay.json");
        }
        known
    }

    fn description(&self, property: &str) -> Option<String> {
        let own = self
            .glossary
            .get("models")
            .and_then(|models| models.get(&self.create.model));
        let line = own.and_then(|lines| lines.get(property));
        let line = line.or_else(|| {
            self.glossary
                .get("properties")
                .and_then(|lines| lines.get(property))
        });
        line.and_then(Value::as_str).map(str::to_owned)
    }

    fn trouble(&mut self, pointer: &str, what: &str, remedy: &str) {
        self.troubles
            .push(Trouble::new(&self.create.file, pointer, what, remedy));
    }
}

/// The meanings that the code works with.
const ROLES: &[&str] = &["prompt", "opening-image", "duration", "aspect-ratio"];

/// Keywords that say alone what is allowed, and those that cannot stand beside them.
const BESIDE: &[(&str, &[&str])] = &[
    ("anyOf", &["oneOf", "enum", "properties", "items", "format"]),
    ("oneOf", &["enum", "properties", "items", "format"]),
    (
        "enum",
        &[
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "format",
            "properties",
            "items",
        ],
    ),
];

/// Keywords that a shape holds, and those that constrain nothing.
const UNDERSTOOD: &[&str] = &[
    "type",
    "enum",
    "format",
    "minimum",
    "maximum",
    "items",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "anyOf",
    "oneOf",
    "nullable",
    "properties",
    "required",
    "description",
    "title",
    "example",
    "default",
    "deprecated",
];

fn is_media(schema: &Value) -> bool {
    schema.get("x-media") == Some(&Value::Bool(true))
}

/// An integer, also one that is written `5.0`.
fn whole(value: &Value) -> Option<i64> {
    let float = value
        .as_f64()
        .filter(|float| float.fract() == 0.0 && float.abs() < 9e15);
    value.as_i64().or(float.map(|float| float as i64))
}
