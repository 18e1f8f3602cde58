//! What is allowed, in words, for the documentation.

use super::{Check, Field, Object, Shape};

impl Object {
    /// What is allowed and where it is held, as a table for the documentation.
    pub fn ledger(&self) -> String {
        let mut table =
            String::from("| property | needed | allowed | held by |\n|---|---|---|---|\n");
        self.rows("", &mut table);
        for check in &self.checks {
            if let Some(allowed) = check.allowed() {
                row("", "", &allowed, check.held(), &mut table);
            }
        }
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
            Self::Alternatives { arms, exactly_one } => {
                let arms: Vec<String> = arms.iter().map(Self::told).collect();
                let many = if *exactly_one { "exactly one" } else { "any" };
                Some(format!("{many} of: {}", arms.join("; ")))
            }
            Self::Null => Some("`null`".into()),
            Self::Any | Self::Boolean | Self::Text | Self::MediaText { .. } | Self::Object(_) => {
                None
            }
        }
    }

    /// The kind of value, and what is allowed of it.
    pub fn told(&self) -> String {
        let kind = match self.typed() {
            Self::Any | Self::Alternatives { .. } => "any value",
            Self::Boolean => "boolean",
            Self::Integer { .. } | Self::IntegerChoice { .. } => "integer",
            Self::Number { .. } => "number",
            Self::Text | Self::BoundedText { .. } | Self::TextChoice { .. } => "string",
            Self::Uri | Self::UriOrBase64 | Self::MediaText { .. } => "media",
            Self::List { .. } => "array",
            Self::Object(object) if !object.fields.is_empty() => {
                let names: Vec<String> = object
                    .fields
                    .iter()
                    .map(|field| format!("`{}`", field.name))
                    .collect();
                return format!("object with {}", names.join(", "));
            }
            Self::Object(_) => "object",
            Self::OneOrMany { .. } => "one or many",
            Self::Values { .. } => "value",
            Self::Null | Self::Checked { .. } => return "`null`".into(),
        };
        match self.allowed() {
            Some(allowed) => format!("{kind} ({allowed})"),
            None => kind.into(),
        }
    }

    /// What holds it, for the documentation's table.
    fn held(&self) -> String {
        match self {
            Self::Checked { shape, checks } => {
                let beside = checks.iter().map(|check| check.held().to_owned());
                let mut held: Vec<String> = Vec::new();
                for word in std::iter::once(shape.held()).chain(beside) {
                    if !held.contains(&word) {
                        held.push(word);
                    }
                }
                held.join(", ")
            }
            Self::Alternatives { .. } | Self::Values { .. } => "create".into(),
            _ => "type".into(),
        }
    }

    fn row(&self, path: &str, needed: &str, table: &mut String) {
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
        row(path, needed, &allowed, &self.held(), table);
        match typed {
            Self::Object(object) => object.rows(&format!("{path}."), table),
            Self::List { items, .. } => items.row(&format!("{path}[]"), "", table),
            _ => {}
        }
    }
}

fn row(path: &str, needed: &str, allowed: &str, held: &str, table: &mut String) {
    let path = if path.is_empty() {
        "the whole body".to_owned()
    } else {
        format!("`{path}`")
    };
    let cells = [&path, needed, allowed, held].map(|cell| cell.replace('|', "\\|"));
    table.push_str(&format!("| {} |\n", cells.join(" | ")));
}

pub(super) fn range(min: Option<String>, max: Option<String>) -> Option<String> {
    match (min, max) {
        (Some(min), Some(max)) => Some(format!("{min} to {max}")),
        (Some(min), None) => Some(format!("{min} or more")),
        (None, Some(max)) => Some(format!("at most {max}")),
        (None, None) => None,
    }
}
