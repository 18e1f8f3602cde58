//! The rules between properties that documents state in prose, and their warnings.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Warning, pointer_step};

/// A rule between properties that a document states in prose. A request that violates the rule causes a warning and is sent,
/// since the service decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Rule {
    /// At most one of these properties.
    AtMostOne {
        /// The properties.
        properties: Vec<String>,
    },
    /// Exactly one of these properties.
    ExactlyOne {
        /// The properties.
        properties: Vec<String>,
    },
    /// A property, or one value of it, requires one of several other properties.
    Needs {
        /// The property.
        property: String,
        /// The value with which the rule applies; `None` for any value.
        #[serde(
            default,
            skip_serializing_if = "Option::is_none",
            deserialize_with = "crate::model::stated_value"
        )]
        value: Option<Value>,
        /// The properties of which one is needed.
        any_of: Vec<String>,
    },
    /// A property cannot be combined with a value of another property.
    Excludes {
        /// The property.
        property: String,
        /// The other property.
        other: String,
        /// The other property's value.
        value: Value,
    },
}

/// A rule and the page or document that states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(
    clippy::exhaustive_structs,
    reason = "the type is a pair of a rule and its source"
)]
pub struct SourcedRule {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// The page or document.
    pub source: String,
}

impl Rule {
    /// The properties that the rule restricts; a warning points to the first one.
    pub fn properties(&self) -> Vec<&str> {
        match self {
            Self::AtMostOne { properties } | Self::ExactlyOne { properties } => {
                properties.iter().map(String::as_str).collect()
            }
            Self::Needs { property, .. } => vec![property],
            Self::Excludes {
                property, other, ..
            } => vec![property, other],
        }
    }

    /// Every property that the rule names.
    pub fn mentioned(&self) -> Vec<&str> {
        let others = match self {
            Self::Needs { any_of, .. } => any_of.as_slice(),
            _ => &[],
        };
        let mut names = self.properties();
        names.extend(others.iter().map(String::as_str));
        names
    }

    fn is_kept(&self, body: &Map<String, Value>) -> bool {
        let is_given = |name: &&String| body.get(*name).is_some_and(|value| !value.is_null());
        match self {
            Self::AtMostOne { properties } => properties.iter().filter(is_given).count() <= 1,
            Self::ExactlyOne { properties } => properties.iter().filter(is_given).count() == 1,
            Self::Needs {
                property,
                value,
                any_of,
            } => {
                let applies = match value {
                    Some(value) => body.get(property) == Some(value),
                    None => is_given(&property),
                };
                !applies || any_of.iter().any(|name| is_given(&name))
            }
            Self::Excludes {
                property,
                other,
                value,
            } => !(is_given(&property) && body.get(other) == Some(value)),
        }
    }
}

impl SourcedRule {
    /// Checks a body against the rule; returns a warning if the body violates the rule.
    pub fn check(&self, body: &Map<String, Value>) -> Option<Warning> {
        let Self { rule, source } = self;
        let pointer = rule.properties().first().map(|name| pointer_step(name));
        let message = format!(
            "{rule}, according to {source}; the service may refuse the request or ignore the value"
        );
        (!rule.is_kept(body)).then(|| Warning::new(pointer.unwrap_or_default(), message))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        match self {
            Self::AtMostOne { properties } => {
                write!(f, "at most one of {} may be given", list(properties))
            }
            Self::ExactlyOne { properties } => {
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
                property, any_of, ..
            } => write!(f, "`{property}` needs one of {}", list(any_of)),
            Self::Excludes {
                property,
                other,
                value,
            } => write!(
                f,
                "`{property}` cannot be combined with `{other}` as {value}"
            ),
        }
    }
}
