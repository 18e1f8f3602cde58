//! Checks a JSON value against a schema, and coerces numeric strings.

use std::iter;

use serde_json::{Map, Value};

use crate::{
    Check, Model, Property, Schema, Violation, Warning, as_integer, is_equal, is_multiple,
    not_a_uri, pointer_step,
};

/// The checks of string formats. They are functions of the caller, since they need libraries that this crate does not depend on.
#[derive(Clone, Copy, Debug)]
#[allow(
    clippy::exhaustive_structs,
    reason = "these are the formats of the documents"
)]
pub struct Formats {
    /// Whether a text is an absolute URI.
    pub is_uri: fn(&str) -> bool,
    /// Whether a text is the base64 form of a media file.
    pub is_base64_media: fn(&str) -> bool,
}

impl Model {
    /// Every violation of a constraint in `body`. Properties that the document does not have are allowed.
    pub fn check(&self, body: &Map<String, Value>, formats: Formats) -> Vec<Violation> {
        let mut found = check_properties(&self.properties, body, formats);
        if !self.checks.is_empty() {
            let body = Value::Object(body.clone());
            found.extend(check_all(&self.checks, &body, formats));
        }
        found
    }

    /// Warnings about parts of `body` that the document allows but that are probably mistakes: properties at any depth that the
    /// document does not have, and violations of rules in prose.
    pub fn warnings(&self, body: &Map<String, Value>) -> Vec<Warning> {
        let mut found = Vec::new();
        unknown_properties("", &self.properties, &self.checks, body, &mut found);
        found.extend(self.rules.iter().filter_map(|rule| rule.check(body)));
        found
    }

    /// Converts numeric strings in `body` to numbers wherever the document requires a number.
    pub fn coerce(&self, body: &mut Value) {
        coerce_properties(&self.properties, body);
    }
}

impl Schema {
    /// Every violation of this schema in `value`.
    pub fn check(&self, value: &Value, formats: Formats) -> Vec<Violation> {
        if let Some(arm) = self.arm(value) {
            return arm.check(value, formats);
        }
        if let (Some((tag, _)), Value::Object(map)) = (self.tagged(), value) {
            let allowed = Self::StringEnum(self.tag_values()).allowed();
            let violation = match map.get(tag) {
                Some(other) => Violation::new(other, allowed, "enum"),
                None => Violation::missing(allowed),
            };
            return vec![violation.under(tag)];
        }
        let keyword = match (self, value) {
            (Self::Any, _)
            | (Self::Boolean, Value::Bool(_))
            | (Self::Media, Value::String(_))
            | (Self::Null, Value::Null) => return Vec::new(),
            (Self::Alternatives { arms, exactly_one }, _) => {
                let fits = |arm: &&Self| arm.check(value, formats).is_empty();
                let (unsure, sure): (Vec<&Self>, Vec<&Self>) = arms
                    .iter()
                    .filter(fits)
                    .partition(|arm| arm.has_unchecked());
                match (sure.len(), unsure.len(), exactly_one) {
                    (0, 0, false) => "anyOf",
                    (0, 0, true) | (2.., _, true) => "oneOf",
                    _ => return Vec::new(),
                }
            }
            (Self::OneOrMany(item), _) => {
                let is_one = item.check(value, formats).is_empty();
                if is_one || fits_all(item, value, formats) {
                    return Vec::new();
                }
                "anyOf"
            }
            (Self::String { min, max }, Value::String(text)) => {
                match size_violation(text.chars().count(), *min, *max, ["minLength", "maxLength"]) {
                    Some(keyword) => keyword,
                    None => return Vec::new(),
                }
            }
            (Self::Checked { schema, checks }, _) => {
                let mut found = schema.check(value, formats);
                found.extend(check_all(checks, value, formats));
                return found;
            }
            (Self::Enum(allowed), _) if allowed.iter().any(|listed| is_equal(listed, value)) => {
                return Vec::new();
            }
            (Self::Enum(_), _) => "enum",
            (Self::Object(properties), Value::Object(map)) => {
                return check_properties(properties, map, formats);
            }
            (Self::Array { items, min, max }, Value::Array(values)) => {
                let keyword = size_violation(values.len(), *min, *max, ["minItems", "maxItems"]);
                let given = Value::from(format!("an array of {}", values.len()));
                let count = keyword.map(|keyword| Violation::new(&given, self.allowed(), keyword));
                let items = values.iter().enumerate().flat_map(|(index, value)| {
                    let found = items.check(value, formats).into_iter();
                    found.map(move |violation| violation.under(&index.to_string()))
                });
                return count.into_iter().chain(items).collect();
            }
            (Self::Uri, Value::String(text)) if (formats.is_uri)(text) => return Vec::new(),
            (Self::UriOrBase64, Value::String(text))
                if (formats.is_uri)(text) || (formats.is_base64_media)(text) =>
            {
                return Vec::new();
            }
            (Self::Uri | Self::UriOrBase64, Value::String(text)) => {
                return vec![not_a_uri(text, &self.allowed())];
            }
            (Self::StringEnum(allowed), Value::String(text)) if allowed.contains(text) => {
                return Vec::new();
            }
            (Self::StringEnum(_), Value::String(_)) => "enum",
            (Self::Integer { min, max }, Value::Number(number)) => match as_integer(number) {
                Some(value) if min.is_some_and(|min| value < min) => "minimum",
                Some(value) if max.is_some_and(|max| value > max) => "maximum",
                Some(_) => return Vec::new(),
                // In JSON Schema, whole numbers beyond 64 bits are integers too.
                None => match number.as_f64().filter(|value| value.fract() == 0.0) {
                    None => "type",
                    Some(value) if value < 0.0 && min.is_some() => "minimum",
                    Some(value) if value > 0.0 && max.is_some() => "maximum",
                    Some(_) => return Vec::new(),
                },
            },
            (Self::IntegerEnum(allowed), Value::Number(number)) => match as_integer(number) {
                None => "type",
                Some(value) if allowed.contains(&value) => return Vec::new(),
                Some(_) => "enum",
            },
            (Self::Number { min, max }, Value::Number(number)) => match number.as_f64() {
                None => "type",
                Some(value) if min.is_some_and(|min| value < min) => "minimum",
                Some(value) if max.is_some_and(|max| value > max) => "maximum",
                Some(_) => return Vec::new(),
            },
            _ => "type",
        };
        vec![Violation::new(value, self.allowed(), keyword)]
    }
}

impl Schema {
    /// Whether a part of it is judged by the service alone, so that a value that fits may be refused.
    fn has_unchecked(&self) -> bool {
        match self {
            Self::Array { items, .. } => items.has_unchecked(),
            Self::OneOrMany(item) => item.has_unchecked(),
            Self::Alternatives { arms, .. } => arms.iter().any(Self::has_unchecked),
            Self::Object(properties) => {
                let mut schemas = properties.iter().map(|property| &property.schema);
                schemas.any(Self::has_unchecked)
            }
            Self::Checked { schema, checks } => {
                let mut checks = checks.iter();
                schema.has_unchecked()
                    || checks.any(|check| match check {
                        Check::Unchecked { .. } => true,
                        Check::AllOf(schema) | Check::Additional { schema, .. } => {
                            schema.has_unchecked()
                        }
                        _ => false,
                    })
            }
            _ => false,
        }
    }
}

impl Check {
    /// Every violation of this constraint in `value`. A value of another JSON type passes, as in JSON Schema: the type is a
    /// separate constraint.
    pub fn check(&self, value: &Value, formats: Formats) -> Vec<Violation> {
        let keyword = match (self, value) {
            (Self::Above(limit), Value::Number(number)) => {
                let is_above = number.as_f64().is_none_or(|number| number > *limit);
                (!is_above).then_some("exclusiveMinimum")
            }
            (Self::Below(limit), Value::Number(number)) => {
                let is_below = number.as_f64().is_none_or(|number| number < *limit);
                (!is_below).then_some("exclusiveMaximum")
            }
            (Self::MultipleOf(step), Value::Number(number)) => {
                (!is_multiple(number, *step)).then_some("multipleOf")
            }
            (Self::UniqueItems, Value::Array(items)) => {
                let repeats = |(index, item): (usize, &Value)| {
                    items[..index].iter().any(|earlier| is_equal(earlier, item))
                };
                let has_repeats = items.iter().enumerate().any(repeats);
                has_repeats.then_some("uniqueItems")
            }
            (Self::PropertyCount { min, max }, Value::Object(map)) => {
                size_violation(map.len(), *min, *max, ["minProperties", "maxProperties"])
            }
            (Self::Closed(known), Value::Object(map)) => {
                let unknown = map.iter().filter(|(name, _)| !known.contains(name));
                let violation = |(name, value): (&String, &Value)| {
                    Violation::new(value, self.allowed(), "additionalProperties").under(name)
                };
                return unknown.map(violation).collect();
            }
            (Self::Additional { known, schema }, Value::Object(map)) => {
                let additional = map.iter().filter(|(name, _)| !known.contains(name));
                let check = |(name, value): (&String, &Value)| {
                    let found = schema.check(value, formats).into_iter();
                    found.map(|violation| violation.under(name)).collect()
                };
                return additional.flat_map::<Vec<_>, _>(check).collect();
            }
            (Self::AllOf(schema), _) => return schema.check(value, formats),
            _ => None,
        };
        let violation = keyword.map(|keyword| Violation::new(value, self.allowed(), keyword));
        violation.into_iter().collect()
    }
}

/// The keyword that a size violates.
fn size_violation(
    size: usize,
    min: usize,
    max: Option<usize>,
    [lower, upper]: [&'static str; 2],
) -> Option<&'static str> {
    if size < min {
        Some(lower)
    } else {
        max.is_some_and(|max| size > max).then_some(upper)
    }
}

fn check_all(checks: &[Check], value: &Value, formats: Formats) -> Vec<Violation> {
    let each = checks.iter().flat_map(|check| check.check(value, formats));
    each.collect()
}

fn fits_all(item: &Schema, value: &Value, formats: Formats) -> bool {
    let fits = |value: &Value| item.check(value, formats).is_empty();
    value
        .as_array()
        .is_some_and(|values| values.iter().all(fits))
}

fn check_properties(
    properties: &[Property],
    map: &Map<String, Value>,
    formats: Formats,
) -> Vec<Violation> {
    let check = |property: &Property| match map.get(&property.name) {
        Some(Value::Null) if property.nullable => Vec::new(),
        Some(value) => property.schema.check(value, formats),
        None if property.required => vec![Violation::missing(property.schema.allowed())],
        None => Vec::new(),
    };
    let each = properties.iter().flat_map(|property| {
        let found = check(property).into_iter();
        found.zip(iter::repeat(&property.name))
    });
    each.map(|(violation, name)| violation.under(name))
        .collect()
}

fn unknown_properties(
    at: &str,
    properties: &[Property],
    checks: &[Check],
    map: &Map<String, Value>,
    found: &mut Vec<Warning>,
) {
    let is_open = properties.is_empty() || checks.iter().any(has_free_names);
    for (name, value) in map {
        let pointer = format!("{at}{}", pointer_step(name));
        if let Some(property) = properties.iter().find(|property| property.name == *name) {
            unknown_below(&pointer, &property.schema, value, found);
            continue;
        }
        if is_open {
            continue;
        }
        let likeness = |known: &&str| strsim::jaro_winkler(name, known);
        let known = properties.iter().map(|property| property.name.as_str());
        let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        let hint = nearest.map(|nearest| format!("; the most similar one is `{nearest}`"));
        let message = format!(
            "the document has no property `{name}`{}",
            hint.unwrap_or_default()
        );
        found.push(Warning::new(pointer, message));
    }
}

/// Whether a caller chooses the names of properties: those of a map, and of an object without stated ones.
fn has_free_names(check: &Check) -> bool {
    fn is_free(schema: &Schema) -> bool {
        match schema {
            Schema::Alternatives { arms, .. } => arms.iter().any(is_free),
            Schema::Checked { schema, checks } => {
                is_free(schema) || checks.iter().any(has_free_names)
            }
            Schema::Object(properties) => properties.is_empty(),
            _ => false,
        }
    }
    match check {
        Check::Additional { .. } => true,
        Check::AllOf(schema) => is_free(schema),
        _ => false,
    }
}

fn unknown_below(at: &str, schema: &Schema, value: &Value, found: &mut Vec<Warning>) {
    let schema = schema.arm(value).unwrap_or(schema);
    let checks = match schema {
        Schema::Checked { checks, .. } => checks.as_slice(),
        _ => &[],
    };
    match (schema.typed(), value) {
        (Schema::Object(properties), Value::Object(map)) => {
            unknown_properties(at, properties, checks, map, found);
        }
        (Schema::Array { items, .. }, Value::Array(values)) => {
            for (index, value) in values.iter().enumerate() {
                unknown_below(&format!("{at}/{index}"), items, value, found);
            }
        }
        _ => {}
    }
}

fn coerce_properties(properties: &[Property], value: &mut Value) {
    let Value::Object(map) = value else { return };
    for (name, value) in map {
        if let Some(property) = properties.iter().find(|property| property.name == *name) {
            coerce(&property.schema, value);
        }
    }
}

fn coerce(schema: &Schema, value: &mut Value) {
    let schema = schema.arm(value).unwrap_or(schema);
    match schema.typed() {
        Schema::Integer { .. } | Schema::Number { .. } | Schema::IntegerEnum(_) => {
            if let Some(Ok(number)) = value.as_str().map(|text| text.trim().parse()) {
                *value = Value::Number(number);
            }
        }
        Schema::Object(properties) => coerce_properties(properties, value),
        Schema::Array { items, .. } => {
            let values = value.as_array_mut().into_iter().flatten();
            values.for_each(|item| coerce(items, item));
        }
        _ => {}
    }
}
