//! Constraints that no Rust type holds, checked before a request is sent.

use serde_json::{Map, Value, json};

use super::Schema;
use crate::Violation;

/// A constraint beside a type. A value of another JSON type passes, as JSON Schema has it: the type itself is held elsewhere.
#[derive(Debug)]
#[allow(
    dead_code,
    reason = "which variants there are to construct is the documents' to say"
)]
pub(crate) enum Check {
    Above(f64),
    Below(f64),
    MultipleOf(f64),
    Unique,
    Properties {
        min: usize,
        max: Option<usize>,
    },
    Closed(&'static [&'static str]),
    Also(Schema),
    /// A keyword that the service alone judges, and its value as JSON text.
    Told {
        keyword: &'static str,
        value: &'static str,
    },
}

/// Everything in `value` that breaks one of `checks`.
pub(crate) fn all(checks: &[Check], value: &Value) -> Vec<Violation> {
    checks.iter().flat_map(|check| check.check(value)).collect()
}

/// Whether one of the values, written as JSON, is `value`.
pub(super) fn listed(values: &[&str], value: &Value) -> bool {
    let same = |listed: &Value| match (listed.as_f64(), value.as_f64()) {
        (Some(listed), Some(value)) => listed == value,
        _ => listed == value,
    };
    values
        .iter()
        .filter_map(|listed| serde_json::from_str(listed).ok())
        .any(|listed| same(&listed))
}

impl Check {
    fn check(&self, value: &Value) -> Vec<Violation> {
        let holds = match (self, value) {
            (Self::Above(limit), Value::Number(number)) => {
                number.as_f64().is_none_or(|number| number > *limit)
            }
            (Self::Below(limit), Value::Number(number)) => {
                number.as_f64().is_none_or(|number| number < *limit)
            }
            (Self::MultipleOf(step), Value::Number(number)) => {
                let steps = number.as_f64().map(|number| number / step);
                steps.is_none_or(|steps| (steps - steps.round()).abs() < TOLERANCE)
            }
            (Self::Unique, Value::Array(items)) => {
                let repeats = |(index, item)| items[..index].contains(item);
                !items.iter().enumerate().any(repeats)
            }
            (Self::Properties { min, max }, Value::Object(map)) => {
                map.len() >= *min && max.is_none_or(|max| map.len() <= max)
            }
            (Self::Closed(known), Value::Object(map)) => return unknown(known, map, self),
            (Self::Also(schema), _) => return schema.check(value),
            _ => true,
        };
        if holds {
            return Vec::new();
        }
        let keyword = match (self, value) {
            (Self::Properties { min, .. }, Value::Object(map)) if map.len() < *min => {
                "minProperties"
            }
            _ => self.keyword(),
        };
        vec![Violation::new(value, self.allowed(), keyword)]
    }

    /// What it allows, in words.
    pub(super) fn allowed(&self) -> String {
        match self {
            Self::Above(limit) => format!("more than {limit}"),
            Self::Below(limit) => format!("less than {limit}"),
            Self::MultipleOf(step) => format!("a multiple of {step}"),
            Self::Unique => "no item twice".into(),
            Self::Properties { min, max: None } => format!("{min} or more properties"),
            Self::Properties {
                min,
                max: Some(max),
            } => format!("{min} to {max} properties"),
            Self::Closed(known) => format!("no property but {}", known.join(", ")),
            Self::Also(schema) => schema.allowed(),
            Self::Told { keyword, value } => format!("{keyword} {value}"),
        }
    }

    pub(crate) fn keyword(&self) -> &'static str {
        match self {
            Self::Above(_) => "exclusiveMinimum",
            Self::Below(_) => "exclusiveMaximum",
            Self::MultipleOf(_) => "multipleOf",
            Self::Unique => "uniqueItems",
            Self::Properties { max: None, .. } => "minProperties",
            Self::Properties { .. } => "maxProperties",
            Self::Closed(_) => "additionalProperties",
            Self::Also(Schema::Alternatives {
                exactly_one: true, ..
            }) => "oneOf",
            Self::Also(Schema::Alternatives { .. }) => "anyOf",
            Self::Also(_) => "allOf",
            Self::Told { keyword, .. } => keyword,
        }
    }

    /// The keyword's value.
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Above(limit) | Self::Below(limit) | Self::MultipleOf(limit) => json!(limit),
            Self::Unique => json!(true),
            Self::Properties { min, max } => max.map_or_else(|| json!(min), |max| json!(max)),
            Self::Closed(_) => json!(false),
            Self::Also(Schema::Alternatives { arms, .. }) => {
                arms.iter().map(Schema::json).collect()
            }
            Self::Also(schema) => json!([schema.json()]),
            Self::Told { value, .. } => serde_json::from_str(value).unwrap_or_default(),
        }
    }

    /// Every keyword that it says, with its value.
    pub(crate) fn keywords(&self) -> Vec<(&'static str, Value)> {
        let own = (self.keyword(), self.value());
        match self {
            Self::Properties { min, max: Some(_) } if *min > 0 => {
                vec![("minProperties", json!(min)), own]
            }
            _ => vec![own],
        }
    }

    /// Writes it into a JSON Schema.
    pub(crate) fn write(&self, schema: &mut Value) {
        for (keyword, value) in self.keywords() {
            match (schema.get_mut(keyword), value) {
                (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
                (_, value) => schema[keyword] = value,
            }
        }
    }
}

fn unknown(known: &[&str], map: &Map<String, Value>, check: &Check) -> Vec<Violation> {
    let unknown = map
        .iter()
        .filter(|(name, _)| !known.contains(&name.as_str()));
    unknown
        .map(|(name, value)| Violation::new(value, check.allowed(), check.keyword()).under(name))
        .collect()
}

/// A tenth has no exact binary form, and 0.3 is a multiple of it all the same.
const TOLERANCE: f64 = 1e-9;
