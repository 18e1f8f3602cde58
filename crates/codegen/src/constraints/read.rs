//! From a schema to its shape. What no shape can carry is a check; what cannot be checked either is told.

use serde_json::{Map, Value};

use super::{Check, Field, Object, Shape};
use crate::{
    Findings, Trouble,
    document::{Create, Document},
    is_of_type, names, step, strip,
};

/// Reads what `create`'s request allows; `glossary` holds our own line per property. `None` if it cannot be read, which
/// `findings` then tells.
pub fn read(
    create: &Create,
    glossary: &Value,
    document: &Document,
    findings: &mut Findings,
) -> Option<Object> {
    let name = names::request(create.route, &create.model);
    let before = findings.troubles.len();
    let mut reader = Reader {
        create,
        glossary,
        document,
        findings,
        depth: 0,
    };
    let object = match reader.shape(&create.schema, &name, &create.pointer, "") {
        Shape::Object(object) => Some(object),
        // What holds the whole body beside its properties is checked where the whole body is.
        Shape::Checked { shape, checks } => match *shape {
            Shape::Object(mut object) => {
                object.checks = checks;
                Some(object)
            }
            _ => None,
        },
        _ => None,
    };
    if object.is_none() {
        let what = "the request body is no object";
        reader.trouble(&create.pointer, what, "fetch the document again");
    }
    object.filter(|_| findings.troubles.len() == before)
}

pub(super) struct Reader<'a> {
    pub(super) create: &'a Create,
    glossary: &'a Value,
    pub(super) document: &'a Document,
    pub(super) findings: &'a mut Findings,
    depth: usize,
}

impl Reader<'_> {
    pub(super) fn shape(
        &mut self,
        schema: &Value,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        let Some(map) = schema.as_object() else {
            self.trouble(pointer, "is no schema", "fetch the document again");
            return Shape::Any;
        };
        let pointer = &strip::marked(schema, pointer);
        if self.depth == DEEPEST {
            let what = format!("lies {DEEPEST} schemas deep, and none is read that lies deeper");
            self.trouble(pointer, &what, "cut it off by an overlay action");
            return Shape::Any;
        }
        self.depth += 1;
        let shape = self.typed(map, name, pointer, property);
        let checks = self.checks(map, &shape, name, pointer, property);
        self.depth -= 1;
        if checks.is_empty() {
            return shape;
        }
        match (&shape, checks.as_slice()) {
            // Alternatives with nothing beside them are a shape of their own.
            (Shape::Any, [Check::Also(only)]) => only.clone(),
            _ => Shape::Checked {
                shape: Box::new(shape),
                checks,
            },
        }
    }

    /// The part that a Rust type holds.
    fn typed(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        if let Some(values) = map.get("enum") {
            return self.choice(values, map, name, pointer);
        }
        if let Some(shape) = self.one_or_many(map, name, pointer, property) {
            return shape;
        }
        let flag = |keyword: &str| map.get(keyword) == Some(&Value::Bool(true));
        match map.get("type") {
            None if map.contains_key("properties") => self.object(map, name, pointer, property),
            None => Shape::Any,
            Some(Value::String(kind)) => match kind.as_str() {
                "object" => self.object(map, name, pointer, property),
                "boolean" => Shape::Boolean,
                "string" if map.get("format").is_some_and(|format| format == "uri") => {
                    if flag("x-base64") {
                        Shape::UriOrBase64
                    } else {
                        Shape::Uri
                    }
                }
                "string" if flag("x-media") => Shape::MediaText { name: name.into() },
                "string" => self.text(map, pointer),
                "integer" => self.integer(map, pointer),
                "number" => Shape::Number {
                    min: self.bound(map, "minimum", pointer, Value::as_f64),
                    max: self.bound(map, "maximum", pointer, Value::as_f64),
                },
                "array" => self.list(map, name, pointer, property),
                _ => self.unknown_type(kind, pointer),
            },
            Some(kind) => self.unknown_type(&kind.to_string(), pointer),
        }
    }

    fn unknown_type(&mut self, kind: &str, pointer: &str) -> Shape {
        let what = format!("the type `{kind}` is none of OpenAPI 3.0's");
        let remedy = "correct it by an overlay action";
        self.trouble(&format!("{pointer}/type"), &what, remedy);
        Shape::Any
    }

    fn list(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        let min = self.bound(map, "minItems", pointer, size).unwrap_or(0);
        let max = self.bound(map, "maxItems", pointer, size);
        let anything = Value::Object(Map::new());
        let items = map.get("items").unwrap_or(&anything);
        let at = format!("{pointer}/items");
        let shape = self.shape(items, &format!("{name}Item"), &at, &format!("{property}[]"));
        Shape::List {
            items: Box::new(or_null(shape, items)),
            min,
            max,
        }
    }

    fn text(&mut self, map: &Map<String, Value>, pointer: &str) -> Shape {
        let min = self.bound(map, "minLength", pointer, size);
        let max = self.bound(map, "maxLength", pointer, size);
        match (min, max) {
            // At least no characters is no limit, and as one it would be taken for every plain string's.
            (None | Some(0), None) => Shape::Text,
            (min, max) => Shape::BoundedText {
                min: min.unwrap_or(0),
                max,
            },
        }
    }

    /// One value, or a list of such values.
    fn one_or_many(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Option<Shape> {
        let also = ["type", "properties"];
        let both = map.contains_key("anyOf") && map.contains_key("oneOf");
        if both || also.iter().any(|keyword| map.contains_key(*keyword)) {
            return None;
        }
        let keyword = ["anyOf", "oneOf"]
            .into_iter()
            .find(|keyword| map.contains_key(*keyword))?;
        let [one, many] = map.get(keyword)?.as_array()?.as_slice() else {
            return None;
        };
        let is_list_of_one = many.get("type").is_some_and(|kind| kind == "array")
            && many
                .get("items")
                .is_some_and(|items| strip::facts(items) == strip::facts(one))
            && strip::facts(many)
                .as_object()
                .is_some_and(|many| many.len() == 2);
        if !is_list_of_one || one.get("type").is_none_or(|kind| kind == "array") {
            return None;
        }
        let item = self.shape(one, name, &format!("{pointer}/{keyword}/0"), property);
        Some(Shape::OneOrMany {
            name: name.into(),
            item: Box::new(item),
        })
    }

    fn choice(
        &mut self,
        values: &Value,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
    ) -> Shape {
        let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
            let at = format!("{pointer}/enum");
            self.trouble(
                &at,
                "is no list of values",
                "correct it by an overlay action",
            );
            return Shape::Any;
        };
        let is_of = |kind: &str| map.get("type").is_none_or(|known| known == kind);
        let texts: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let numbers: Vec<i64> = values.iter().filter_map(Value::as_i64).collect();
        if is_of("string") && texts.len() == values.len() && names::variants(&texts).is_some() {
            return Shape::TextChoice {
                name: name.into(),
                values: texts,
            };
        }
        if is_of("integer") && numbers.len() == values.len() {
            return Shape::IntegerChoice {
                name: name.into(),
                values: numbers,
            };
        }
        // Of values that are none of the type, JSON Schema allows none.
        let kind = map.get("type").and_then(Value::as_str);
        let values: Vec<Value> = values
            .iter()
            .filter(|value| is_of_type(value, kind))
            .cloned()
            .collect();
        if values.is_empty() {
            let what = format!(
                "no value of the list is of the type `{}`",
                kind.unwrap_or_default()
            );
            let at = format!("{pointer}/enum");
            self.trouble(
                &at,
                &what,
                "correct the type or the values by an overlay action",
            );
        }
        Shape::Values { values }
    }

    fn object(
        &mut self,
        map: &Map<String, Value>,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Shape {
        let none = Map::new();
        let properties = map.get("properties");
        let required = map.get("required");
        for (keyword, odd) in [
            (
                "properties",
                properties.is_some_and(|value| !value.is_object()),
            ),
            ("required", required.is_some_and(|value| !is_names(value))),
        ] {
            if odd {
                let at = format!("{pointer}/{keyword}");
                let what = "is not what the keyword takes";
                self.trouble(&at, what, "correct it by an overlay action");
            }
        }
        let properties = properties.and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = required
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
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
            let is_media = schema.get("x-media") == Some(&Value::Bool(true));
            fields.push(Field {
                rust,
                required: required.contains(&key.as_str()),
                nullable: schema.get("nullable") == Some(&Value::Bool(true)),
                media: matches!(shape.typed(), Shape::Uri | Shape::UriOrBase64) || is_media,
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
            checks: Vec::new(),
        })
    }

    /// A keyword's value, which must be of the kind that `read` takes: half a constraint would be none.
    pub(super) fn bound<T>(
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

    pub(super) fn trouble(&mut self, pointer: &str, what: &str, remedy: &str) {
        let place = self.document.place(pointer);
        self.findings
            .trouble(Trouble::new(&self.create.file, &place, what, remedy));
    }
}

/// The meanings that the code works with.
const ROLES: &[&str] = &["prompt", "opening-image", "duration", "aspect-ratio"];

/// No body of a video lies deeper.
const DEEPEST: usize = 24;

pub(super) fn or_null(shape: Shape, schema: &Value) -> Shape {
    if schema.get("nullable") != Some(&Value::Bool(true)) {
        return shape;
    }
    Shape::Alternatives {
        arms: vec![shape, Shape::Null],
        exactly_one: false,
    }
}

/// A list of names; or a boolean, which some documents put where no list has a place for it, and which says nothing there.
fn is_names(value: &Value) -> bool {
    let names = value.as_array();
    value.is_boolean() || names.is_some_and(|names| names.iter().all(Value::is_string))
}

/// A number of characters, items or properties; also one that is written `5.0`.
pub(super) fn size(value: &Value) -> Option<usize> {
    let float = value
        .as_f64()
        .filter(|size| size.fract() == 0.0 && (0.0..9e15).contains(size));
    let whole = value.as_u64().or(float.map(|size| size as u64))?;
    usize::try_from(whole).ok()
}
