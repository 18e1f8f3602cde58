//! The constraints of a request, and the check of a body against them.

mod check;

use serde_json::{Map, Value};

pub(crate) use check::{Check, all as check_all};

use crate::{
    Uri, UriOrBase64, Violation, Warning, bounded,
    catalogue::{Property, PropertyKind},
    property::step,
    uri,
};

/// What a document allows for a value. The table of models holds one per property.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "which variants there are to construct is the documents' to say"
)]
pub(crate) enum Schema {
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
    BoundedText {
        min: usize,
        max: Option<usize>,
    },
    Uri,
    UriOrBase64,
    TextChoice(&'static [&'static str]),
    IntegerChoice(&'static [i64]),
    List {
        items: &'static Self,
        min: usize,
        max: Option<usize>,
    },
    Object(&'static [Property]),
    /// Any of several, or exactly one of them.
    Alternatives {
        arms: &'static [Self],
        exactly_one: bool,
    },
    /// Values from a list, each as its JSON text.
    Values(&'static [&'static str]),
    Null,
    /// What a type holds, and what is checked beside it.
    Checked {
        typed: &'static Self,
        checks: &'static [Check],
    },
}

impl Schema {
    /// Everything in `value` that breaks this schema.
    pub(crate) fn check(&self, value: &Value) -> Vec<Violation> {
        let keyword = match (self, value) {
            (Self::Any, _) | (Self::Boolean, Value::Bool(_)) | (Self::Text, Value::String(_)) => {
                return Vec::new();
            }
            (Self::Alternatives { arms, exactly_one }, _) => {
                match (
                    arms.iter()
                        .filter(|arm| arm.check(value).is_empty())
                        .count(),
                    exactly_one,
                ) {
                    (0, false) => "anyOf",
                    (0, true) | (2.., true) => "oneOf",
                    _ => return Vec::new(),
                }
            }
            (Self::BoundedText { min, max }, Value::String(text)) => match text.chars().count() {
                count if count < *min => "minLength",
                count if max.is_some_and(|max| count > max) => "maxLength",
                _ => return Vec::new(),
            },
            (Self::Checked { typed, checks }, _) => {
                let mut found = typed.check(value);
                found.extend(check::all(checks, value));
                return found;
            }
            (Self::Null, Value::Null) => return Vec::new(),
            (Self::Values(allowed), _) if check::listed(allowed, value) => return Vec::new(),
            (Self::Values(_), _) => "enum",
            (Self::Object(properties), Value::Object(map)) => return check_object(properties, map),
            (Self::List { items, min, max }, Value::Array(values)) => {
                return self.check_list(items, *min, *max, values);
            }
            (Self::Uri, Value::String(text)) if Uri::is_valid(text) => return Vec::new(),
            (Self::UriOrBase64, Value::String(text)) if UriOrBase64::is_valid(text) => {
                return Vec::new();
            }
            (Self::Uri | Self::UriOrBase64, Value::String(text)) => {
                return vec![uri::not_a_uri(text, &self.allowed())];
            }
            (Self::TextChoice(allowed), Value::String(text))
                if allowed.contains(&text.as_str()) =>
            {
                return Vec::new();
            }
            (Self::TextChoice(_), Value::String(_)) => "enum",
            (Self::Integer { min, max }, Value::Number(number)) => match bounded::whole(number) {
                Some(value) if min.is_some_and(|min| value < min) => "minimum",
                Some(value) if max.is_some_and(|max| value > max) => "maximum",
                Some(_) => return Vec::new(),
                // An integer that no type of ours holds is one all the same.
                None => match number.as_f64().filter(|value| value.fract() == 0.0) {
                    None => "type",
                    Some(value) if value < 0.0 && min.is_some() => "minimum",
                    Some(value) if value > 0.0 && max.is_some() => "maximum",
                    Some(_) => return Vec::new(),
                },
            },
            (Self::IntegerChoice(allowed), Value::Number(number)) => match bounded::whole(number) {
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

    /// The part of it that a type holds.
    pub(crate) fn typed(&self) -> &Self {
        match self {
            Self::Checked { typed, .. } => typed,
            other => other,
        }
    }

    /// The JSON type of its values.
    pub(crate) fn kind(&self) -> PropertyKind {
        match self {
            Self::Any | Self::Alternatives { .. } | Self::Values(_) | Self::Null => {
                PropertyKind::Any
            }
            Self::Checked { typed, .. } => typed.kind(),
            Self::Boolean => PropertyKind::Boolean,
            Self::Integer { .. } | Self::IntegerChoice(_) => PropertyKind::Integer,
            Self::Number { .. } => PropertyKind::Number,
            Self::Text
            | Self::BoundedText { .. }
            | Self::Uri
            | Self::UriOrBase64
            | Self::TextChoice(_) => PropertyKind::String,
            Self::List { .. } => PropertyKind::Array,
            Self::Object(_) => PropertyKind::Object,
        }
    }

    /// What is allowed, in words.
    pub(crate) fn allowed(&self) -> String {
        let range = |what: &str, min: Option<String>, max: Option<String>| match (min, max) {
            (Some(min), Some(max)) => format!("{min} to {max}"),
            (Some(min), None) => format!("{min} or more"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => what.to_owned(),
        };
        let text = |bound: &dyn std::fmt::Display| bound.to_string();
        match self {
            Self::Any => "any value".into(),
            Self::Boolean => "true, false".into(),
            Self::Integer { min, max } => range(
                "an integer",
                min.as_ref().map(|min| text(min)),
                max.as_ref().map(|max| text(max)),
            ),
            Self::Number { min, max } => range(
                "a number",
                min.as_ref().map(|min| text(min)),
                max.as_ref().map(|max| text(max)),
            ),
            Self::Text => "a string".into(),
            Self::BoundedText { min, max } => {
                let least = (*min > 0).then(|| min.to_string());
                let count = range("any number of", least, max.map(|max| max.to_string()));
                format!("a string of {count} characters")
            }
            Self::Alternatives { arms, .. } => arms
                .iter()
                .map(Self::allowed)
                .collect::<Vec<_>>()
                .join(", or "),
            Self::Values(values) => values.join(", "),
            Self::Null => "null".into(),
            Self::Checked { typed, checks } => {
                let checks = checks.iter().map(Check::allowed);
                let allowed: Vec<String> = std::iter::once(typed.allowed()).chain(checks).collect();
                allowed.join(", ")
            }
            Self::Uri => Uri::ALLOWED.into(),
            Self::UriOrBase64 => UriOrBase64::ALLOWED.into(),
            Self::TextChoice(values) => values
                .iter()
                .map(|value| format!("{value:?}"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::IntegerChoice(values) => values
                .iter()
                .map(i64::to_string)
                .collect::<Vec<_>>()
                .join(", "),
            Self::List { items, min, max } => {
                let least = (*min > 0).then(|| min.to_string());
                let count = range("an array", least, max.map(|max| max.to_string()));
                if *min == 0 && max.is_none() {
                    format!("an array of: {}", items.allowed())
                } else {
                    format!("an array of {count} items")
                }
            }
            Self::Object([]) => "an object".into(),
            Self::Object(properties) => {
                let names: Vec<&str> = properties.iter().map(|property| property.name).collect();
                format!("an object with {}", names.join(", "))
            }
        }
    }

    fn unknown_below(&self, at: &str, value: &Value, found: &mut Vec<Warning>) {
        match (self, value) {
            (Self::Object(properties), Value::Object(map)) => {
                unknown_below(at, properties, map, found)
            }
            (Self::Checked { typed, .. }, _) => typed.unknown_below(at, value, found),
            (Self::List { items, .. }, Value::Array(values)) => {
                for (index, value) in values.iter().enumerate() {
                    items.unknown_below(&format!("{at}/{index}"), value, found);
                }
            }
            _ => {}
        }
    }

    fn coerce(&self, value: &mut Value) {
        match self {
            Self::Integer { .. } | Self::Number { .. } | Self::IntegerChoice(_) => {
                if let Some(Ok(number)) = value.as_str().map(|text| text.trim().parse()) {
                    *value = Value::Number(number);
                }
            }
            Self::Object(properties) => coerce_object(properties, value),
            Self::Checked { typed, .. } => typed.coerce(value),
            Self::List { items, .. } => {
                value
                    .as_array_mut()
                    .into_iter()
                    .flatten()
                    .for_each(|item| items.coerce(item));
            }
            _ => {}
        }
    }

    fn check_list(
        &self,
        items: &Self,
        min: usize,
        max: Option<usize>,
        values: &[Value],
    ) -> Vec<Violation> {
        let keyword = if values.len() < min {
            Some("minItems")
        } else if max.is_some_and(|max| values.len() > max) {
            Some("maxItems")
        } else {
            None
        };
        let mut found: Vec<Violation> = keyword
            .map(|keyword| {
                Violation::new(
                    &format!("an array of {}", values.len()).into(),
                    self.allowed(),
                    keyword,
                )
            })
            .into_iter()
            .collect();
        for (index, value) in values.iter().enumerate() {
            found.extend(
                items
                    .check(value)
                    .into_iter()
                    .map(|violation| violation.under(&index.to_string())),
            );
        }
        found
    }
}

/// Checks an object: required properties, and every known one; properties the document does not know are let through.
pub(crate) fn check_object(properties: &[Property], map: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    for property in properties {
        let violations = match map.get(property.name) {
            Some(Value::Null) if property.nullable => continue,
            Some(value) => property.schema.check(value),
            None if property.required => vec![Violation::missing(property.schema.allowed())],
            None => continue,
        };
        found.extend(
            violations
                .into_iter()
                .map(|violation| violation.under(property.name)),
        );
    }
    found
}

/// The fields of an object, at every depth, that its document does not know.
pub(crate) fn unknown(properties: &[Property], map: &Map<String, Value>) -> Vec<Warning> {
    let mut found = Vec::new();
    unknown_below("", properties, map, &mut found);
    found
}

fn unknown_below(
    at: &str,
    properties: &[Property],
    map: &Map<String, Value>,
    found: &mut Vec<Warning>,
) {
    for (name, value) in map {
        let pointer = format!("{at}{}", step(name));
        match properties.iter().find(|property| property.name == name) {
            Some(property) => property.schema.unknown_below(&pointer, value, found),
            None => {
                let nearest = properties
                    .iter()
                    .map(|property| property.name)
                    .max_by(|a, b| {
                        strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b))
                    });
                let hint = nearest.map(|nearest| format!("; the nearest it knows is `{nearest}`"));
                let message = format!("the document knows no `{name}`{}", hint.unwrap_or_default());
                found.push(Warning::new(pointer, message));
            }
        }
    }
}

/// Makes numbers of numeric strings wherever the document wants a number.
pub(crate) fn coerce_object(properties: &[Property], value: &mut Value) {
    let Value::Object(map) = value else { return };
    for (name, value) in map {
        if let Some(property) = properties.iter().find(|property| property.name == name) {
            property.schema.coerce(value);
        }
    }
}
