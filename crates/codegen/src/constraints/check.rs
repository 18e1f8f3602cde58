//! What no Rust type holds.

use serde_json::Value;

use super::{Shape, words::range};

/// A constraint that is checked before a request is sent, since no type holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    /// Greater than this number.
    Above(f64),
    /// Less than this number.
    Below(f64),
    MultipleOf(f64),
    /// No item of an array twice.
    Unique,
    /// How many properties an object has.
    Properties {
        min: usize,
        max: Option<usize>,
    },
    /// No property but these.
    Closed(Vec<String>),
    /// Another shape beside the first.
    Also(Shape),
    /// Told and not checked, since checking it takes what this crate does not bring along; the service decides.
    Told {
        keyword: String,
        value: Value,
    },
}

impl Check {
    /// What is allowed, in words.
    pub fn allowed(&self) -> Option<String> {
        Some(match self {
            Self::Above(limit) => format!("more than {limit}"),
            Self::Below(limit) => format!("less than {limit}"),
            Self::MultipleOf(step) => format!("a multiple of {step}"),
            Self::Unique => "all different".into(),
            Self::Properties { min, max } => {
                let least = (*min > 0).then(|| min.to_string());
                format!(
                    "{} properties",
                    range(least, max.map(|max| max.to_string()))?
                )
            }
            Self::Closed(_) => "no other property".into(),
            Self::Also(shape) => shape.allowed()?,
            Self::Told { keyword, value } => format!("{keyword} `{value}` (the service decides)"),
        })
    }

    /// What holds it, for the documentation's table.
    pub(super) fn held(&self) -> &'static str {
        match self {
            Self::Told { .. } => "service",
            _ => "create",
        }
    }
}
