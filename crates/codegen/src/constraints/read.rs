//! From a document's schema to the contract's. A constraint beside the type becomes a check; one that the library cannot
//! check is kept as unchecked, with a warning.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::kind::{self, is_media};
use crate::{
    Diagnostic, Diagnostics,
    document::{Create, Document},
    is_of_type, names, step, strip,
};
use aimlapi_video_contract::{Check, Property, Role, Schema, as_integer};

/// Reads the properties of `create`'s request and the checks of its whole body; `glossary` holds one line per property.
/// `None` if it cannot be read; `diagnostics` then has errors.
pub(crate) fn read(
    create: &Create,
    glossary: &Value,
    document: &Document,
    diagnostics: &mut Diagnostics,
) -> Option<(Vec<Property>, Vec<Check>)> {
    let before = diagnostics.errors.len();
    let mut reader = Reader {
        create,
        glossary,
        document,
        diagnostics,
        depth: 0,
    };
    let object = match reader.schema(&create.schema, "", "") {
        Schema::Object(properties) => Some((properties, Vec::new())),
        Schema::Checked { schema, checks } => match *schema {
            Schema::Object(properties) => Some((properties, checks)),
            _ => None,
        },
        _ => None,
    };
    if object.is_none() {
        let what = "the request body is not an object";
        reader.error("", what, "fetch the document again");
    }
    object.filter(|_| diagnostics.errors.len() == before)
}

/// Reads the schemas of one request; the pointers that its methods take are pointers in `create.schema`.
pub(super) struct Reader<'a> {
    create: &'a Create,
    glossary: &'a Value,
    document: &'a Document,
    diagnostics: &'a mut Diagnostics,
    depth: usize,
}

impl Reader<'_> {
    pub(super) fn schema(&mut self, schema: &Value, pointer: &str, property: &str) -> Schema {
        let Some(map) = schema.as_object() else {
            self.error(pointer, "is not a schema", "fetch the document again");
            return Schema::Any;
        };
        if self.depth == MAX_DEPTH {
            let what = format!("is nested more than {MAX_DEPTH} schemas deep");
            self.error(pointer, &what, "remove it by an overlay action");
            return Schema::Any;
        }
        self.depth += 1;
        let typed = self.typed(map, pointer, property);
        let checks = self.checks(map, &typed, pointer, property);
        self.depth -= 1;
        match (&typed, checks.as_slice()) {
            (_, []) => typed,
            // Alternatives with nothing beside them are a schema of their own.
            (Schema::Any, [Check::AllOf(only)]) if has_variants(only) => only.clone(),
            _ => typed.checked(checks),
        }
    }

    /// The part that a Rust type enforces.
    fn typed(&mut self, map: &Map<String, Value>, pointer: &str, property: &str) -> Schema {
        if let Some(values) = map.get("enum") {
            return self.enumeration(values, map, pointer);
        }
        if let Some(schema) = self.one_or_many(map, pointer, property) {
            return schema;
        }
        match map.get("type") {
            None if map.contains_key("properties") => self.object(map, pointer, property),
            None => Schema::Any,
            Some(Value::String(kind)) => match kind.as_str() {
                "object" => self.object(map, pointer, property),
                "boolean" => Schema::Boolean,
                "string" if map.get("format").is_some_and(|format| format == "uri") => {
                    if map.get("x-base64") == Some(&Value::Bool(true)) {
                        Schema::UriOrBase64
                    } else {
                        Schema::Uri
                    }
                }
                "string" if is_media(map.get("x-media")) => Schema::Media,
                "string" => self.text(map, pointer),
                "integer" => self.integer(map, pointer),
                "number" => {
                    let min = self.bound(map, "minimum", pointer, Value::as_f64);
                    let max = self.bound(map, "maximum", pointer, Value::as_f64);
                    Schema::number(min, max)
                }
                "array" => self.array(map, pointer, property),
                "null" => Schema::Enum(vec![Value::Null]),
                _ => self.unknown_type(kind, pointer),
            },
            Some(kind) => self.unknown_type(&kind.to_string(), pointer),
        }
    }

    fn unknown_type(&mut self, kind: &str, pointer: &str) -> Schema {
        let what = format!("`{kind}` is not a type of OpenAPI");
        let remedy = "correct it by an overlay action";
        self.error(&format!("{pointer}/type"), &what, remedy);
        Schema::Any
    }

    fn array(&mut self, map: &Map<String, Value>, pointer: &str, property: &str) -> Schema {
        let min = self.bound(map, "minItems", pointer, size).unwrap_or(0);
        let max = self.bound(map, "maxItems", pointer, size).filter(is_limit);
        let anything = Value::Object(Map::new());
        // Beside `prefixItems`, it is the schema of the other items.
        let items = map
            .get("items")
            .filter(|_| !map.contains_key("prefixItems"));
        let items = items.unwrap_or(&anything);
        let at = format!("{pointer}/items");
        let schema = self.schema(items, &at, &format!("{property}[]"));
        Schema::array(or_null(schema, items), min, max)
    }

    fn text(&mut self, map: &Map<String, Value>, pointer: &str) -> Schema {
        let min = self.bound(map, "minLength", pointer, size);
        let max = self.bound(map, "maxLength", pointer, size).filter(is_limit);
        Schema::string(min.unwrap_or(0), max)
    }

    /// One value, or a list of such values.
    fn one_or_many(
        &mut self,
        map: &Map<String, Value>,
        pointer: &str,
        property: &str,
    ) -> Option<Schema> {
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
        let item = self.schema(one, &format!("{pointer}/{keyword}/0"), property);
        Some(Schema::OneOrMany(Box::new(item)))
    }

    fn enumeration(&mut self, values: &Value, map: &Map<String, Value>, pointer: &str) -> Schema {
        let Some(values) = values.as_array().filter(|values| !values.is_empty()) else {
            let at = format!("{pointer}/enum");
            self.error(
                &at,
                "is not a list of values",
                "correct it by an overlay action",
            );
            return Schema::Any;
        };
        // JSON Schema allows a listed value only if it is of the type.
        let kind = map.get("type").and_then(Value::as_str);
        let (values, others): (Vec<Value>, Vec<Value>) = values
            .iter()
            .cloned()
            .partition(|value| is_of_type(value, kind));
        let at = format!("{pointer}/enum");
        let remedy = "correct the type or the values by an overlay action";
        for other in others.iter().filter(|_| !values.is_empty()) {
            let kind = kind.unwrap_or_default();
            let what = format!("lists {other}, which is not of the type `{kind}` and is left out");
            let common = "lists a value that is not of its type and is left out";
            self.warning(&at, &what, remedy, common);
        }
        let is_of = |kind: &str| map.get("type").is_none_or(|known| known == kind);
        let texts: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        let numbers: Vec<i64> = values
            .iter()
            .filter_map(|value| as_integer(value.as_number()?))
            .collect();
        if values.is_empty() {
            let kind = kind.unwrap_or_default();
            let what = format!("the list has no value of the type `{kind}`");
            self.error(&at, &what, remedy);
        }
        if is_of("string") && texts.len() == values.len() && names::variants(&texts).is_some() {
            return Schema::StringEnum(texts);
        }
        if is_of("integer") && numbers.len() == values.len() {
            return Schema::IntegerEnum(numbers);
        }
        Schema::Enum(values)
    }

    fn object(&mut self, map: &Map<String, Value>, pointer: &str, property: &str) -> Schema {
        let none = Map::new();
        let properties = map.get("properties");
        let required = map.get("required");
        for (keyword, is_wrong) in [
            (
                "properties",
                properties.is_some_and(|value| !value.is_object()),
            ),
            ("required", required.is_some_and(|value| !is_names(value))),
        ] {
            if is_wrong {
                let at = format!("{pointer}/{keyword}");
                let what = format!("`{keyword}` has a value of the wrong type");
                self.error(&at, &what, "correct it by an overlay action");
            }
        }
        let properties = properties.and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = required
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut read: Vec<Property> = Vec::new();
        let mut fields = HashMap::new();
        for (key, schema) in properties {
            let at = format!("{pointer}/properties{}", step(key));
            let path = if property.is_empty() {
                key.clone()
            } else {
                format!("{property}.{key}")
            };
            let rust = names::field(key);
            if let Some(twin) = fields.insert(rust.clone(), key) {
                let what = format!("`{key}` and `{twin}` would both be called `{rust}` in Rust");
                self.error(&at, &what, "remove one by an overlay action");
            }
            let mut property = Property::new(key, self.schema(schema, &at, &path));
            let is = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
            let is_uri = matches!(property.schema.typed(), Schema::Uri | Schema::UriOrBase64);
            property.required = required.contains(&key.as_str());
            property.nullable = is("nullable");
            property.media = is_uri || is_media(schema.get("x-media"));
            property.default = schema.get("default").cloned();
            property.description = self.description(&path);
            property.role = self.role(schema, &at);
            if let Some(mark) = schema.get("x-media").filter(|mark| !is_media(Some(mark))) {
                let what = format!("`x-media` is {mark}; expected true, image, video or audio");
                self.error(&format!("{at}/x-media"), &what, "correct overlay.json");
            }
            property.kind = kind::of(&property, schema, properties);
            read.push(property);
        }
        Schema::Object(read)
    }

    /// Reads a keyword's value with `read`, and reports one that it does not accept.
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
            let what = format!("`{keyword}` is {value}, which is not a limit of this type");
            let at = format!("{pointer}{}", step(keyword));
            self.error(&at, &what, "correct it by an overlay action");
        }
        bound
    }

    fn role(&mut self, schema: &Value, pointer: &str) -> Option<Role> {
        let role = schema.get("x-role")?;
        let known = serde_json::from_value(role.clone()).ok();
        if known.is_none() {
            let what = format!("`x-role` is {role}; expected one of {ROLES}");
            self.error(&format!("{pointer}/x-role"), &what, "correct overlay.json");
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

    pub(super) fn error(&mut self, pointer: &str, what: &str, remedy: &str) {
        let error = self.found(pointer, what, remedy);
        self.diagnostics.error(error);
    }

    pub(super) fn warning(&mut self, pointer: &str, what: &str, remedy: &str, kind: &str) {
        let warning = self.found(pointer, what, remedy).of_kind(kind);
        self.diagnostics.warning(warning);
    }

    fn found(&self, pointer: &str, what: &str, remedy: &str) -> Diagnostic {
        let place = self.document.place(&self.create.places.of(pointer));
        Diagnostic::new(&self.create.file, &place, what, remedy)
    }
}

const ROLES: &str = "prompt, opening-image, duration, aspect-ratio";

/// More than any request body needs.
const MAX_DEPTH: usize = 24;

/// Whether the Rust enum of tagged alternatives has a name for each of them.
fn has_variants(schema: &Schema) -> bool {
    names::variants(&schema.tag_values()).is_some()
}

pub(super) fn or_null(schema: Schema, document: &Value) -> Schema {
    if document.get("nullable") == Some(&Value::Bool(true)) {
        schema.or_null()
    } else {
        schema
    }
}

/// Whether `value` is a list of names, or a boolean: some documents write a parameter's `required` into a schema.
fn is_names(value: &Value) -> bool {
    let names = value.as_array();
    value.is_boolean() || names.is_some_and(|names| names.iter().all(Value::is_string))
}

/// Whether a size is a limit: no value has more parts than the greatest size.
pub(super) fn is_limit(max: &usize) -> bool {
    *max < usize::MAX
}

/// Reads a number of characters, items or properties, which may be written `5.0`. One that this machine cannot count to is as
/// good as the greatest one.
pub(super) fn size(value: &Value) -> Option<usize> {
    let float = value
        .as_f64()
        .filter(|size| size.fract() == 0.0 && *size >= 0.0);
    let whole = value.as_u64().or(float.map(|size| size as u64))?;
    Some(usize::try_from(whole).unwrap_or(usize::MAX))
}
