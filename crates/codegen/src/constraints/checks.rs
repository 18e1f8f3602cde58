//! Reads the constraints beside a type as checks, or as unchecked keywords where the library cannot check them.

use serde_json::{Map, Value};

use aimlapi_video_contract::{Check, Schema, is_multiple};

use super::{
    dialect,
    read::{Reader, is_limit, or_null, size},
};
use crate::{repair, step};

impl Reader<'_> {
    /// The constraints beside the type that `schema` was read as.
    pub(super) fn checks(
        &mut self,
        map: &Map<String, Value>,
        schema: &Schema,
        pointer: &str,
        property: &str,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        let is_number = matches!(
            schema,
            Schema::Number { .. } | Schema::IntegerEnum(_) | Schema::Enum(_) | Schema::Any
        );
        for (keyword, value) in map {
            let at = format!("{pointer}{}", step(keyword));
            let unchecked = Check::unchecked(keyword, dialect::value(keyword, value));
            match keyword.as_str() {
                "anyOf" | "oneOf" if matches!(schema, Schema::OneOrMany(_)) => {}
                "anyOf" | "oneOf" => checks.extend(self.arms(value, keyword, &at, property)),
                "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => {
                    // The limits of a type are read with the type; a wrong value is an error in both cases.
                    if let Some(beside) = limit(schema, keyword, value, unchecked) {
                        let fits = match keyword.as_str() {
                            "minimum" | "maximum" => Value::is_number,
                            _ => |value: &Value| size(value).is_some(),
                        };
                        let limit = |value: &Value| fits(value).then_some(());
                        let is_read = self.bound(map, keyword, pointer, limit).is_some();
                        checks.extend(is_read.then_some(beside));
                    }
                }
                "exclusiveMinimum" | "exclusiveMaximum" => match value {
                    Value::Bool(false) => {}
                    Value::Bool(true) => {
                        let limit = if keyword == "exclusiveMinimum" {
                            "minimum"
                        } else {
                            "maximum"
                        };
                        let limit = map.get(limit).and_then(Value::as_f64);
                        checks.extend(match (limit, schema) {
                            (Some(limit), Schema::OneOrMany(_)) => {
                                Some(Check::unchecked(keyword, limit.into()))
                            }
                            (Some(limit), _) if is_number => Some(exclusive(keyword, limit)),
                            _ => None,
                        });
                    }
                    // The repair `exclusive_limit` rewrites numbers.
                    _ => drop(self.bound(map, keyword, pointer, Value::as_bool)),
                },
                "multipleOf" => {
                    let step = |value: &Value| value.as_f64().filter(|step| *step > 0.0);
                    let step = self.bound(map, keyword, pointer, step);
                    let is_whole =
                        matches!(schema, Schema::Integer { .. } | Schema::IntegerEnum(_));
                    // Every integer is a multiple of one, and of what one is a multiple of.
                    let one = 1.into();
                    let step = step.filter(|step| !is_whole || !is_multiple(&one, *step));
                    checks.extend(step.map(Check::MultipleOf));
                }
                "uniqueItems" | "nullable" if !value.is_boolean() => {
                    self.error(&at, "is not a boolean", "correct it by an overlay action");
                }
                "uniqueItems" => checks.extend((value == true).then_some(Check::UniqueItems)),
                "minProperties" => {
                    let min = self.bound(map, keyword, pointer, size).unwrap_or(0);
                    let max = self.bound(map, "maxProperties", pointer, size);
                    if max.is_some_and(|max| max < min) {
                        let what = "`minProperties` is greater than `maxProperties`";
                        self.error(&at, what, "correct one of them by an overlay action");
                    }
                    if min > 0 || max.is_some() {
                        checks.push(Check::property_count(min, max));
                    }
                }
                "maxProperties" if map.contains_key("minProperties") => {}
                "maxProperties" => {
                    let max = self.bound(map, keyword, pointer, size);
                    checks.push(Check::property_count(0, max));
                }
                "additionalProperties" => match value {
                    Value::Bool(true) => {}
                    _ if map.contains_key("patternProperties") => checks.push(unchecked),
                    Value::Bool(false) => checks.push(Check::Closed(stated(map))),
                    Value::Object(any) if any.is_empty() => {}
                    Value::Object(_) => {
                        let schema = self.schema(value, &at, &format!("{property}.*"));
                        let (known, schema) = (stated(map), or_null(schema, value));
                        checks.push(Check::Additional { known, schema });
                    }
                    _ => self.error(&at, "is not a schema", "correct it by an overlay action"),
                },
                "format" => {
                    let held = matches!(schema, Schema::Uri | Schema::UriOrBase64);
                    let of_type = value
                        .as_str()
                        .is_some_and(|format| FORMATS.contains(&format));
                    if !held && !of_type {
                        checks.push(unchecked);
                    }
                }
                "$ref" | "$dynamicRef" => {
                    let what = format!(
                        "cannot resolve {value}: the target is missing, circular or too large"
                    );
                    self.error(
                        &at,
                        &what,
                        "replace it by the schema with an overlay action",
                    );
                }
                "allOf" if repair::whole(map).is_none() => {
                    let what = "the parts of `allOf` contradict each other";
                    self.error(&at, what, "correct one of them by an overlay action");
                }
                // The keywords that the repair `all_of` could not join.
                "allOf" => {
                    for (index, part) in value.as_array().into_iter().flatten().enumerate() {
                        let part = self.schema(part, &format!("{at}/{index}"), property);
                        checks.extend((part != Schema::Any).then_some(Check::AllOf(part)));
                    }
                }
                "items" if map.contains_key("prefixItems") => checks.push(unchecked),
                "items" if !matches!(schema, Schema::Array { .. }) => {
                    let of_any =
                        matches!(schema, Schema::Any | Schema::OneOrMany(_) | Schema::Enum(_));
                    let is_open = value.as_object().is_some_and(Map::is_empty);
                    checks.extend((of_any && !is_open).then_some(unchecked));
                }
                // A listed value may be an object.
                "properties" | "required" if matches!(schema, Schema::Enum(_)) => {
                    checks.extend((!value.is_boolean()).then_some(unchecked));
                }
                "pattern" if !value.is_string() => {
                    self.error(&at, "is not a string", "correct it by an overlay action");
                }
                "not" if !value.is_object() => {
                    self.error(&at, "is not a schema", "correct it by an overlay action");
                }
                // The repair `const_value` rewrites any other.
                "const" => {
                    let what = format!("{value} is not among the values of `enum`");
                    self.error(&at, &what, "correct one of them by an overlay action");
                }
                "$schema" if !repair::is_known_dialect(value) => {
                    let what = format!("{value} is not the dialect of OpenAPI 3.1");
                    let remedy =
                        "replace the schema by one in JSON Schema 2020-12 with an overlay action";
                    self.error(&at, &what, remedy);
                }
                "pattern" | "contentEncoding" => checks.push(unchecked),
                known if repair::is_unchecked(known) => checks.push(unchecked),
                known if UNDERSTOOD.contains(&known) || known.starts_with("x-") => {}
                unknown => {
                    let what = format!("`{unknown}` is not a keyword of OpenAPI and is left out");
                    let remedy = "no action is needed, unless it is a constraint";
                    self.warning(&at, &what, remedy, &what);
                }
            }
        }
        for check in &checks {
            if let Check::Unchecked { keyword, value } = check {
                let what = format!("`{keyword}` {value} is not checked; the service decides");
                let at = format!("{pointer}{}", step(keyword));
                let kind = format!("`{keyword}` is not checked; the service decides");
                self.warning(&at, &what, "no action is needed", &kind);
            }
        }
        checks
    }

    fn arms(
        &mut self,
        arms: &Value,
        keyword: &str,
        pointer: &str,
        property: &str,
    ) -> Option<Check> {
        let Some(arms) = arms.as_array().filter(|arms| !arms.is_empty()) else {
            self.error(
                pointer,
                "is not a list of schemas",
                "correct it by an overlay action",
            );
            return None;
        };
        let mut schemas = Vec::new();
        for (index, arm) in arms.iter().enumerate() {
            let schema = self.schema(arm, &format!("{pointer}/{index}"), property);
            schemas.push(or_null(schema, arm));
        }
        let alternatives = Schema::alternatives(schemas, keyword == "oneOf");
        Some(Check::AllOf(alternatives))
    }
}

/// A limit that the type does not enforce: a check for an enum or a URI, unchecked for a value of any type; none for a limit
/// that another JSON type has.
fn limit(schema: &Schema, keyword: &str, value: &Value, unchecked: Check) -> Option<Check> {
    let is = |name: &str| keyword == name;
    match schema {
        Schema::Any | Schema::Enum(_) | Schema::OneOrMany(_) => Some(unchecked),
        Schema::IntegerEnum(_) if is("minimum") || is("maximum") => {
            let min = value.as_f64().filter(|_| is("minimum"));
            let max = value.as_f64().filter(|_| is("maximum"));
            Some(Check::AllOf(Schema::number(min, max)))
        }
        Schema::StringEnum(_) | Schema::Uri | Schema::UriOrBase64 | Schema::Media
            if is("minLength") || is("maxLength") =>
        {
            let min = size(value).filter(|_| is("minLength")).unwrap_or(0);
            let max = size(value).filter(|max| is("maxLength") && is_limit(max));
            Some(Check::AllOf(Schema::string(min, max)))
        }
        _ => None,
    }
}

/// The names of the properties that an object's schema states.
fn stated(map: &Map<String, Value>) -> Vec<String> {
    let properties = map.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flat_map(Map::keys)
        .cloned()
        .collect()
}

fn exclusive(keyword: &str, limit: f64) -> Check {
    if keyword == "exclusiveMinimum" {
        Check::Above(limit)
    } else {
        Check::Below(limit)
    }
}

/// Keywords that are read elsewhere, and those that constrain nothing.
const UNDERSTOOD: &[&str] = &[
    "type",
    "enum",
    "items",
    "nullable",
    "properties",
    "required",
    "description",
    "title",
    "example",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "discriminator",
    "externalDocs",
    "xml",
    "contentMediaType",
    "contentSchema",
    "$anchor",
    "$comment",
    "$defs",
    "$dynamicAnchor",
    "$id",
    "$schema",
];

/// Formats that name the machine type of a number.
const FORMATS: &[&str] = &["int32", "int64", "float", "double"];
