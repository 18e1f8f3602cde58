//! What stands in a schema beside its type: checked where no type holds it, told where it cannot be checked either.

use serde_json::{Map, Value};

use super::{
    Check, Shape,
    read::{Reader, or_null, size},
};
use crate::{Trouble, repair, step, strip};

impl Reader<'_> {
    /// What stands in a schema beside its type.
    pub(super) fn checks(
        &mut self,
        map: &Map<String, Value>,
        shape: &Shape,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Vec<Check> {
        let mut checks = Vec::new();
        let is_number = matches!(
            shape,
            Shape::Number { .. } | Shape::IntegerChoice { .. } | Shape::Values { .. } | Shape::Any
        );
        for (keyword, value) in map {
            let at = format!("{pointer}{}", step(keyword));
            let told = Check::Told {
                keyword: keyword.clone(),
                value: value.clone(),
            };
            match keyword.as_str() {
                "anyOf" | "oneOf" if matches!(shape, Shape::OneOrMany { .. }) => {}
                "anyOf" | "oneOf" => checks.extend(self.arms(value, keyword, name, &at, property)),
                "minimum" | "maximum" | "minLength" | "maxLength" | "minItems" | "maxItems" => {
                    // Those of a type are read with it; of the others, too, half a limit would be none.
                    if let Some(beside) = limit(shape, keyword, value, told) {
                        let read = match keyword.as_str() {
                            "minimum" | "maximum" => Value::is_number,
                            _ => |value: &Value| size(value).is_some(),
                        };
                        let is_one = |value: &Value| read(value).then_some(());
                        let is_read = self.bound(map, keyword, pointer, is_one).is_some();
                        checks.extend(is_read.then_some(beside));
                    }
                }
                "exclusiveMinimum" | "exclusiveMaximum" => match value {
                    Value::Bool(false) => {}
                    Value::Bool(true) if matches!(shape, Shape::OneOrMany { .. }) => {
                        checks.push(told);
                    }
                    Value::Bool(true) => {
                        let limit = if keyword == "exclusiveMinimum" {
                            "minimum"
                        } else {
                            "maximum"
                        };
                        let limit = map.get(limit).and_then(Value::as_f64).filter(|_| is_number);
                        checks.extend(limit.map(|limit| exclusive(keyword, limit)));
                    }
                    _ => {
                        let limit = self.bound(map, keyword, pointer, Value::as_f64);
                        let limit = limit.filter(|_| !matches!(shape, Shape::Integer { .. }));
                        checks.extend(limit.map(|limit| exclusive(keyword, limit)));
                    }
                },
                "multipleOf" => {
                    let step = |value: &Value| value.as_f64().filter(|step| *step > 0.0);
                    let step = self.bound(map, keyword, pointer, step);
                    let is_whole =
                        matches!(shape, Shape::Integer { .. } | Shape::IntegerChoice { .. });
                    // Every integer is a multiple of one, and of what one is a multiple of.
                    let step = step.filter(|step| !is_whole || (1.0 / step).fract() != 0.0);
                    checks.extend(step.map(Check::MultipleOf));
                }
                "uniqueItems" | "nullable" if !value.is_boolean() => {
                    self.trouble(&at, "is no boolean", "correct it by an overlay action");
                }
                "uniqueItems" => checks.extend((value == true).then_some(Check::Unique)),
                "minProperties" => {
                    let min = self.bound(map, keyword, pointer, size).unwrap_or(0);
                    let max = self.bound(map, "maxProperties", pointer, size);
                    if max.is_some_and(|max| max < min) {
                        let what = "no number of properties lies within its limits";
                        self.trouble(&at, what, "correct one of them by an overlay action");
                    }
                    if min > 0 || max.is_some() {
                        checks.push(Check::Properties { min, max });
                    }
                }
                "maxProperties" if map.contains_key("minProperties") => {}
                "maxProperties" => checks.push(Check::Properties {
                    min: 0,
                    max: self.bound(map, keyword, pointer, size),
                }),
                "additionalProperties" => match value {
                    Value::Bool(true) => {}
                    Value::Bool(false) => {
                        let known = map.get("properties").and_then(Value::as_object);
                        let known = known.into_iter().flat_map(Map::keys).cloned();
                        checks.push(Check::Closed(known.collect()));
                    }
                    Value::Object(any) if any.is_empty() => {}
                    Value::Object(_) => checks.push(told),
                    _ => self.trouble(&at, "is no schema", "correct it by an overlay action"),
                },
                "format" => {
                    let held = matches!(shape, Shape::Uri | Shape::UriOrBase64);
                    let of_type = value
                        .as_str()
                        .is_some_and(|format| FORMATS.contains(&format));
                    if !held && !of_type {
                        checks.push(told);
                    }
                }
                "$ref" => {
                    let what = format!(
                        "{value} leads nowhere in this file, or back to itself, or too far"
                    );
                    self.trouble(
                        &at,
                        &what,
                        "put the schema in its place by an overlay action",
                    );
                }
                "allOf" if repair::whole(map).is_none() => {
                    let what = "the parts of `allOf` contradict each other";
                    self.trouble(&at, what, "correct one of them by an overlay action");
                }
                // What could not be written into one schema.
                "allOf" => {
                    for (index, part) in value.as_array().into_iter().flatten().enumerate() {
                        let name = format!("{name}Part{index}");
                        let way = strip::way(part, pointer, keyword, index);
                        let shape = self.shape(part, &name, &way, property);
                        checks.extend((shape != Shape::Any).then_some(Check::Also(shape)));
                    }
                }
                "items" if !matches!(shape, Shape::List { .. }) => {
                    let of_any = Shape::Any == *shape
                        || matches!(shape, Shape::OneOrMany { .. } | Shape::Values { .. });
                    checks.extend(of_any.then_some(told));
                }
                // A list of values may hold objects.
                "properties" | "required" if matches!(shape, Shape::Values { .. }) => {
                    checks.extend((!value.is_boolean()).then_some(told));
                }
                "pattern" if !value.is_string() => {
                    self.trouble(&at, "is no text", "correct it by an overlay action");
                }
                "not" if !value.is_object() => {
                    self.trouble(&at, "is no schema", "correct it by an overlay action");
                }
                "pattern" | "not" => checks.push(told),
                known if UNDERSTOOD.contains(&known) || known.starts_with("x-") => {}
                unknown => {
                    let what = format!("`{unknown}` is no keyword of OpenAPI 3.0, and is left out");
                    let place = self.document.place(&at);
                    let remedy = "nothing has to be done, unless it says what is allowed";
                    self.findings
                        .warning(Trouble::new(&self.create.file, &place, what, remedy));
                }
            }
        }
        for check in &checks {
            if let Check::Told { keyword, value } = check {
                let what =
                    format!("`{keyword}` {value} is told and not checked; the service decides");
                let place = self.document.place(&format!("{pointer}{}", step(keyword)));
                let remedy = "nothing has to be done";
                self.findings
                    .warning(Trouble::new(&self.create.file, &place, what, remedy));
            }
        }
        checks
    }

    fn arms(
        &mut self,
        arms: &Value,
        keyword: &str,
        name: &str,
        pointer: &str,
        property: &str,
    ) -> Option<Check> {
        let Some(arms) = arms.as_array().filter(|arms| !arms.is_empty()) else {
            self.trouble(
                pointer,
                "is no list of schemas",
                "correct it by an overlay action",
            );
            return None;
        };
        let mut shapes = Vec::new();
        for (index, arm) in arms.iter().enumerate() {
            let shape = self.shape(
                arm,
                &format!("{name}{index}"),
                &format!("{pointer}/{index}"),
                property,
            );
            shapes.push(or_null(shape, arm));
        }
        Some(Check::Also(Shape::Alternatives {
            arms: shapes,
            exactly_one: keyword == "oneOf",
        }))
    }
}

/// A limit that the type does not hold: one of a list of values or of a link is checked beside it, and one of what may be of
/// any type is told. A limit of another type limits nothing.
fn limit(shape: &Shape, keyword: &str, value: &Value, told: Check) -> Option<Check> {
    let is = |name: &str| keyword == name;
    match shape {
        Shape::Any | Shape::Values { .. } | Shape::OneOrMany { .. } => Some(told),
        Shape::IntegerChoice { .. } if is("minimum") || is("maximum") => {
            Some(Check::Also(Shape::Number {
                min: value.as_f64().filter(|_| is("minimum")),
                max: value.as_f64().filter(|_| is("maximum")),
            }))
        }
        Shape::TextChoice { .. } | Shape::Uri | Shape::UriOrBase64 | Shape::MediaText { .. }
            if is("minLength") || is("maxLength") =>
        {
            Some(Check::Also(Shape::BoundedText {
                min: size(value).filter(|_| is("minLength")).unwrap_or(0),
                max: size(value).filter(|_| is("maxLength")),
            }))
        }
        _ => None,
    }
}

fn exclusive(keyword: &str, limit: f64) -> Check {
    if keyword == "exclusiveMinimum" {
        Check::Above(limit)
    } else {
        Check::Below(limit)
    }
}

/// Keywords that a shape holds, and those that constrain nothing.
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
];

/// Formats that only say which machine type the publisher uses.
const FORMATS: &[&str] = &["int32", "int64", "float", "double"];
