//! The wording of allowed values, which errors, documentation and tables share.

use serde_json::Value;

use crate::{Check, JsonType, Property, Schema};

impl Schema {
    /// The allowed values as text, such as `5, 10`, `0 to 1` or `a string of at most 500 characters`.
    pub fn allowed(&self) -> String {
        self.words(PLAIN)
    }

    pub(crate) fn words(&self, style: Style) -> String {
        match self {
            Self::Any => "any value".into(),
            Self::Null => "null".into(),
            Self::Boolean => "true, false".into(),
            Self::Integer { min, max } => range(*min, *max).unwrap_or_else(|| "an integer".into()),
            Self::Number { min, max } => range(*min, *max).unwrap_or_else(|| "a number".into()),
            Self::Media => "a string".into(),
            Self::String { min, max } => match size(*min, *max) {
                Some(size) => format!("a string of {size} characters"),
                None => "a string".into(),
            },
            Self::Uri => "an absolute URI, such as an https URL or a data URI".into(),
            Self::UriOrBase64 => {
                let uri = Self::Uri.words(style);
                format!("{uri}, or base64 text of an image, video or audio file")
            }
            Self::StringEnum(values) => list(
                values
                    .iter()
                    .map(|value| (style.value)(&value.as_str().into())),
                ", ",
            ),
            Self::IntegerEnum(values) => list(values.iter().map(i64::to_string), ", "),
            Self::Enum(values) => list(values.iter().map(style.value), ", "),
            Self::Array { items, min, max } => match size(*min, *max) {
                Some(size) => format!("an array of {size} items"),
                None => format!("an array of: {}", items.words(style)),
            },
            Self::Object(properties) if properties.is_empty() => "an object".into(),
            Self::Object(properties) => {
                let names = properties
                    .iter()
                    .map(|property| (style.name)(&property.name));
                format!("an object with {}", list(names, ", "))
            }
            Self::OneOrMany(item) => {
                let item = item.words(style);
                format!("{item}, or an array of: {item}")
            }
            Self::Alternatives { .. } if self.tagged().is_some() => {
                let (tag, arms) = self.tagged().unwrap_or_default();
                let arms = arms.into_iter().map(|(value, arm)| {
                    let value = (style.value)(&value.into());
                    match arm.words_without(tag, style) {
                        more if more.is_empty() => value,
                        more => format!("{value} ({more})"),
                    }
                });
                let arms = list(arms, ", or ");
                format!("an object whose {} is {arms}", (style.name)(tag))
            }
            Self::Alternatives { arms, exactly_one } => {
                let arms = list(arms.iter().map(|arm| arm.words(style)), ", or ");
                if *exactly_one {
                    format!("exactly one of: {arms}")
                } else {
                    arms
                }
            }
            Self::Checked { schema, checks } => {
                let checks = checks.iter().map(|check| check.words(style));
                list(std::iter::once(schema.words(style)).chain(checks), ", ")
            }
        }
    }

    /// What one of tagged alternatives has, without its tag.
    fn words_without(&self, tag: &str, style: Style) -> String {
        let names = self.properties().iter().map(|property| &*property.name);
        let names = names.filter(|name| *name != tag).map(style.name);
        let names = list(names, ", ");
        let names = (!names.is_empty()).then(|| format!("with {names}"));
        let checks = match self {
            Self::Checked { checks, .. } => checks.as_slice(),
            _ => &[],
        };
        let checks = checks.iter().map(|check| check.words(style));
        list(names.into_iter().chain(checks), ", ")
    }

    /// Whether the schema allows fewer values than its JSON type has.
    pub fn is_restricted(&self) -> bool {
        match self {
            Self::Integer { min, max } => min.is_some() || max.is_some(),
            Self::Number { min, max } => min.is_some() || max.is_some(),
            Self::String { min, max } => *min > 0 || max.is_some(),
            Self::Array { min, max, .. } => *min > 0 || max.is_some(),
            Self::Any | Self::Boolean | Self::Media | Self::Object(_) => false,
            _ => true,
        }
    }

    /// The JSON type, with the allowed values if they are restricted: `integer (5, 10)`.
    pub fn summary(&self) -> String {
        let name = match (self.typed(), self.json_type()) {
            (Self::Object(properties), _) if !properties.is_empty() => return self.allowed(),
            (schema, _) if schema.tagged().is_some() => return self.allowed(),
            (Self::Uri | Self::UriOrBase64 | Self::Media, _) => "media",
            (Self::OneOrMany(_), _) => "one or many",
            (Self::Enum(_), _) => "value",
            (Self::Null, _) => return "`null`".into(),
            (_, json_type) => json_type.as_str(),
        };
        match self {
            // The type is named already.
            Self::Checked { schema, checks } if !schema.is_restricted() => {
                format!("{name} ({})", list(checks.iter().map(Check::allowed), ", "))
            }
            schema if schema.is_restricted() => format!("{name} ({})", schema.allowed()),
            _ => name.into(),
        }
    }
}

impl Check {
    /// The allowed values as text, such as `a multiple of 8`.
    pub fn allowed(&self) -> String {
        self.words(PLAIN)
    }

    pub(crate) fn words(&self, style: Style) -> String {
        match self {
            Self::Above(limit) => format!("more than {limit}"),
            Self::Below(limit) => format!("less than {limit}"),
            Self::MultipleOf(step) => format!("a multiple of {step}"),
            Self::UniqueItems => "no duplicate items".into(),
            Self::PropertyCount { min, max } => {
                let size = size(*min, *max).unwrap_or_else(|| "any number of".into());
                format!("{size} properties")
            }
            Self::Closed(known) => {
                let known = known.iter().map(|name| (style.name)(name));
                format!("only the properties {}", list(known, ", "))
            }
            Self::Additional { known, schema } => {
                let which = if known.is_empty() {
                    "each"
                } else {
                    "each other"
                };
                format!("{which} property: {}", schema.words(style))
            }
            Self::AllOf(schema) => schema.words(style),
            Self::Unchecked { keyword, value } => {
                format!("{keyword} {} (the service decides)", (style.value)(value))
            }
        }
    }
}

impl Property {
    /// The property's documentation in Markdown: its description, and the allowed values and the default of the document.
    pub fn documentation(&self) -> String {
        let mut facts = Vec::new();
        if self.required {
            facts.push("Required.".to_owned());
        }
        let schema = self.schema_with_null();
        if schema.is_restricted() {
            facts.push(format!("Allowed: {}.", schema.words(MARKDOWN)));
        }
        if let Some(default) = &self.default {
            facts.push(format!(
                "The service's default: {}.",
                (MARKDOWN.value)(default)
            ));
        }
        let facts = (!facts.is_empty()).then(|| facts.join(" "));
        let lines: Vec<String> = self.description.iter().cloned().chain(facts).collect();
        lines.join("\n\n")
    }
}

/// How values and names of the documents are written.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    value: fn(&Value) -> String,
    name: fn(&str) -> String,
}

const PLAIN: Style = Style {
    value: Value::to_string,
    name: str::to_owned,
};

/// As code, so that Markdown changes no character.
pub(crate) const MARKDOWN: Style = Style {
    value: |value| match value {
        Value::String(text) => code_span(text),
        value => code_span(&value.to_string()),
    },
    name: code_span,
};

/// A text as code in Markdown, also in a cell of a table.
pub fn code_span(text: &str) -> String {
    let text = text.replace(['\r', '\n'], " ").replace('|', "\\|");
    let mut fence = "`".to_owned();
    while text.contains(&fence) {
        fence.push('`');
    }
    match fence.len() {
        1 => format!("`{text}`"),
        _ => format!("{fence} {text} {fence}"),
    }
}

fn list(words: impl Iterator<Item = String>, separator: &str) -> String {
    words.collect::<Vec<_>>().join(separator)
}

fn size(min: usize, max: Option<usize>) -> Option<String> {
    range((min > 0).then_some(min), max)
}

fn range<T: ToString>(min: Option<T>, max: Option<T>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{} to {}", min.to_string(), max.to_string())),
        (Some(min), None) => Some(format!("{} or more", min.to_string())),
        (None, Some(max)) => Some(format!("at most {}", max.to_string())),
        (None, None) => None,
    }
}

impl JsonType {
    /// The type with its article, for the documentation of unrestricted values.
    pub(crate) const fn with_article(self) -> &'static str {
        match self {
            Self::Any => "any value",
            Self::Null => "null",
            Self::Boolean => "true, false",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::String => "text",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}
