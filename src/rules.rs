//! Rules between properties that a document tells in prose only: warned of, never enforced.

use std::fmt;

use serde_json::{Map, Value};

use crate::Warning;

/// A rule between properties; `value`s are JSON.
#[derive(Debug)]
#[allow(dead_code, reason = "which rules there are is the overlay's to say")]
pub(crate) enum Rule {
    AtMostOne(&'static [&'static str]),
    ExactlyOne(&'static [&'static str]),
    Needs {
        property: &'static str,
        value: Option<&'static str>,
        any_of: &'static [&'static str],
    },
    Excludes {
        property: &'static str,
        other: &'static str,
        value: &'static str,
    },
}

/// A rule and where it is told.
#[derive(Debug)]
pub(crate) struct Sourced {
    pub(crate) rule: Rule,
    pub(crate) source: &'static str,
}

impl Rule {
    /// The properties it is about, the first of which a warning points to.
    pub(crate) fn properties(&self) -> Vec<&'static str> {
        match self {
            Self::AtMostOne(properties) | Self::ExactlyOne(properties) => properties.to_vec(),
            Self::Needs { property, .. } => vec![property],
            Self::Excludes {
                property, other, ..
            } => vec![property, other],
        }
    }

    fn is_kept(&self, body: &Map<String, Value>) -> bool {
        let given = |name: &&&str| body.get(**name).is_some_and(|value| !value.is_null());
        let equals = |name: &str, text: &str| {
            let expected: Option<Value> = serde_json::from_str(text).ok();
            body.get(name)
                .is_some_and(|value| Some(value) == expected.as_ref())
        };
        match self {
            Self::AtMostOne(properties) => properties.iter().filter(given).count() <= 1,
            Self::ExactlyOne(properties) => properties.iter().filter(given).count() == 1,
            Self::Needs {
                property,
                value,
                any_of,
            } => {
                let applies = match value {
                    Some(value) => equals(property, value),
                    None => given(&property),
                };
                !applies || any_of.iter().any(|name| given(&name))
            }
            Self::Excludes {
                property,
                other,
                value,
            } => !(given(&property) && equals(other, value)),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        match self {
            Self::AtMostOne(properties) => {
                write!(f, "at most one of {} may be given", list(properties))
            }
            Self::ExactlyOne(properties) => {
                write!(f, "exactly one of {} must be given", list(properties))
            }
            Self::Needs {
                property,
                value: Some(value),
                any_of,
            } => {
                write!(f, "`{property}` as {value} needs one of {}", list(any_of))
            }
            Self::Needs {
                property,
                value: None,
                any_of,
            } => write!(f, "`{property}` needs one of {}", list(any_of)),
            Self::Excludes {
                property,
                other,
                value,
            } => write!(f, "`{property}` does not go with `{other}` as {value}"),
        }
    }
}

/// The rules that a body breaks.
pub(crate) fn broken(rules: &[Sourced], body: &Map<String, Value>) -> Vec<Warning> {
    let broken = rules.iter().filter(|sourced| !sourced.rule.is_kept(body));
    broken
        .map(|Sourced { rule, source }| {
            Warning::new(
                format!("/{}", rule.properties().first().unwrap_or(&"")),
                format!("{rule}, says {source}; the service may refuse or ignore it"),
            )
        })
        .collect()
}
