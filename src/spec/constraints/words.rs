//! What is allowed, in words, for the documentation.

use super::{Check, Field, Object, Shape};

impl Object {
    /// What is allowed and where it is held, as a table for the documentation.
    pub fn ledger(&self) -> String {
        let mut table =
            String::from("| property | needed | allowed | held by |\n|---|---|---|---|\n");
        self.rows("", &mut table);
        table.push_str("\n`null` for a property that may be left out is refused by `from_json`; a struct reads it as left out.");
        table
    }

    fn rows(&self, path: &str, table: &mut String) {
        for field in &self.fields {
            let path = format!("{path}{}", field.name);
            field
                .shape
                .row(&path, if field.required { "yes" } else { "" }, table);
        }
    }
}

impl Field {
    /// The property's documentation: our line, and what the document states about its values.
    pub fn documentation(&self) -> String {
        let mut lines: Vec<String> = self.description.iter().cloned().collect();
        let mut facts = Vec::new();
        if self.required {
            facts.push("Required.".to_owned());
        }
        if let Some(allowed) = self.shape.allowed() {
            facts.push(format!("Allowed: {allowed}."));
        }
        if let Some(default) = &self.default {
            facts.push(format!("Left out, the service takes `{default}`."));
        }
        if !facts.is_empty() {
            lines.push(facts.join(" "));
        }
        lines.join("\n\n")
    }
}

impl Shape {
    /// What is allowed, in words, where that is less than everything.
    pub fn allowed(&self) -> Option<String> {
        match self {
            Self::Integer { min, max } => range(
                min.map(|min| min.to_string()),
                max.map(|max| max.to_string()),
            ),
            Self::Number { min, max } => range(
                min.map(|min| min.to_string()),
                max.map(|max| max.to_string()),
            ),
            Self::TextChoice { values, .. } => Some(
                values
                    .iter()
                    .map(|value| format!("`{value}`"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            Self::IntegerChoice { values, .. } => Some(
                values
                    .iter()
                    .map(i64::to_string)
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            Self::List {
                min: 0, max: None, ..
            } => None,
            Self::List { min, max, .. } => {
                let least = (*min > 0).then(|| min.to_string());
                range(least, max.map(|max| max.to_string())).map(|range| format!("{range} items"))
            }
            Self::Uri => Some("an absolute URI, data URIs included".into()),
            Self::UriOrBase64 => Some("an absolute URI, data URIs included, or base64 text".into()),
            Self::BoundedText { min, max } => {
                let least = (*min > 0).then(|| min.to_string());
                range(least, max.map(|max| max.to_string()))
                    .map(|range| format!("{range} characters"))
            }
            Self::OneOrMany { item, .. } => {
                let of = item.allowed().unwrap_or_else(|| "any".into());
                Some(format!("one or a list of: {of}"))
            }
            Self::Values { values } => {
                let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                Some(values.join(", "))
            }
            Self::Checked { shape, checks } => {
                let checks = checks.iter().filter_map(Check::allowed);
                let allowed: Vec<String> = shape.allowed().into_iter().chain(checks).collect();
                (!allowed.is_empty()).then(|| allowed.join(", "))
            }
            Self::Null => Some("`null`".into()),
            Self::Any
            | Self::Alternatives { .. }
            | Self::Boolean
            | Self::Text
            | Self::MediaText { .. }
            | Self::Object(_) => None,
        }
    }

    fn row(&self, path: &str, needed: &str, table: &mut String) {
        let held = match self {
            Self::Checked { .. } => "type, create",
            Self::Alternatives { .. } | Self::Values { .. } => "create",
            _ => "type",
        };
        let typed = self.typed();
        let kind = match typed {
            Self::Object(_) => "an object",
            Self::List { .. } => "an array",
            Self::Boolean => "true, false",
            Self::Integer { .. } => "an integer",
            Self::Number { .. } => "a number",
            Self::Alternatives { .. } | Self::Any => "as the document has it",
            _ => "text",
        };
        let allowed = self.allowed().unwrap_or_else(|| kind.into());
        table.push_str(&format!("| `{path}` | {needed} | {allowed} | {held} |\n"));
        match typed {
            Self::Object(object) => object.rows(&format!("{path}."), table),
            Self::List { items, .. } => items.row(&format!("{path}[]"), "", table),
            _ => {}
        }
    }
}

pub(super) fn range(min: Option<String>, max: Option<String>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("{min} or more")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    }
}
