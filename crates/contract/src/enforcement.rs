//! The table of constraints, and what enforces each.

use std::fmt;

use serde_json::{Value, json};

use crate::{Check, Model, Property, Schema, wording::markdown};

/// A constraint of a model's document, and what enforces it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Constraint {
    /// The property: its path in the body, with `[]` for the items of an array.
    pub property: String,
    /// The keyword of the document; `prose` for a rule in prose.
    pub keyword: String,
    /// The keyword's value.
    pub value: Value,
    /// What enforces it.
    pub enforced_by: EnforcedBy,
    /// Why the type does not enforce it, where it does not; for a rule in prose, the page or document that states it.
    pub reason: Option<String>,
}

/// What enforces a constraint. What types enforce is checked once more before a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnforcedBy {
    /// The Rust type: no value of it breaks the constraint.
    Type,
    /// The check before a request is sent, and `from_json`: no type can hold the constraint.
    Create,
    /// Nothing; a request that breaks it causes a warning. The document states it in prose, and the service decides.
    Warned,
    /// The service alone: its check needs more than the library has.
    Service,
}

impl fmt::Display for EnforcedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Type => "type",
            Self::Create => "create",
            Self::Warned => "warned",
            Self::Service => "service",
        })
    }
}

impl Model {
    /// Every constraint of the model's document and what enforces it; last the rules that its prose alone states.
    pub fn constraints(&self) -> Vec<Constraint> {
        let mut table = Table::default();
        table.properties("", &self.properties);
        table.checks("", &self.checks);
        table
            .rows
            .extend(self.rules.iter().map(|sourced| Constraint {
                property: sourced.rule.properties().join(", "),
                keyword: "prose".into(),
                value: sourced.rule.to_string().into(),
                enforced_by: EnforcedBy::Warned,
                reason: Some(sourced.source.clone()),
            }));
        table.rows
    }

    /// The properties, what each allows and what enforces it, as a table in Markdown.
    pub fn markdown_table(&self) -> String {
        let mut out =
            String::from("| property | required | allowed | enforced by |\n|---|---|---|---|\n");
        let constraints = self.constraints();
        markdown_rows("", &self.properties, &constraints, &mut out);
        for check in &self.checks {
            let enforced_by = match check {
                Check::Unchecked { .. } => EnforcedBy::Service,
                _ => EnforcedBy::Create,
            };
            let allowed = markdown(&check.allowed());
            out.push_str(&format!(
                "| the whole body |  | {allowed} | {enforced_by} |\n"
            ));
        }
        out.push_str(
            "\n`from_json` refuses `null` for an optional property; a struct reads it as left out.",
        );
        out
    }
}

#[derive(Default)]
struct Table {
    rows: Vec<Constraint>,
}

impl Table {
    fn row(&mut self, path: &str, keyword: &str, value: Value, reason: Option<&str>) {
        let enforced_by = match reason {
            None => EnforcedBy::Type,
            Some(_) => EnforcedBy::Create,
        };
        self.rows.push(Constraint {
            property: path.to_owned(),
            keyword: keyword.to_owned(),
            value,
            enforced_by,
            reason: reason.map(str::to_owned),
        });
    }

    fn properties(&mut self, path: &str, properties: &[Property]) {
        for property in properties {
            let path = below(path, property);
            if property.required {
                self.row(&path, "required", json!(true), None);
            }
            match (property.nullable, property.required) {
                (true, _) => {
                    let reason = "a struct has no room for `null`";
                    self.row(&path, "nullable", json!(true), Some(reason));
                }
                (false, false) => {
                    let reason = "a struct reads `null` as left out";
                    self.row(&path, "nullable", json!(false), Some(reason));
                }
                (false, true) => {}
            }
            self.schema(&path, &property.schema, None);
        }
    }

    fn checks(&mut self, path: &str, checks: &[Check]) {
        for check in checks {
            let (enforced_by, reason) = match check {
                Check::Unchecked { .. } => (EnforcedBy::Service, "this crate cannot check it"),
                _ => (EnforcedBy::Create, "no type holds it"),
            };
            let keywords = check.keywords().into_iter();
            self.rows
                .extend(keywords.map(|(keyword, value)| Constraint {
                    property: path.to_owned(),
                    keyword: keyword.to_owned(),
                    value,
                    enforced_by,
                    reason: Some(reason.to_owned()),
                }));
        }
    }

    /// `reason` says why no type holds this part of the schema.
    fn schema(&mut self, path: &str, schema: &Schema, reason: Option<&str>) {
        if let Schema::Checked { schema, checks } = schema {
            self.schema(path, schema, reason);
            return self.checks(path, checks);
        }
        let is_enum = matches!(schema, Schema::Enum(_));
        let reason = reason.or(is_enum.then_some("no type lists such values"));
        let is_struct = matches!(schema, Schema::Object(_));
        let json = schema.json_schema();
        for keyword in KEYWORDS {
            if let Some(value) = json.get(keyword) {
                let of_struct = (is_struct && *keyword == "type")
                    .then_some("a struct is also read from an array of its fields");
                self.row(path, keyword, value.clone(), reason.or(of_struct));
            }
        }
        match schema {
            Schema::Object(properties) => self.properties(path, properties),
            Schema::Array { items, .. } => self.schema(&format!("{path}[]"), items, reason),
            Schema::OneOrMany(item) => {
                let many = Schema::array((**item).clone(), 0, None);
                self.row(path, "anyOf", json!(2), reason);
                self.schema(path, item, reason);
                self.schema(path, &many, reason);
            }
            Schema::Alternatives { arms, exactly_one } => {
                let reason = reason.or(Some("no type tells the alternatives apart"));
                let keyword = if *exactly_one { "oneOf" } else { "anyOf" };
                self.row(path, keyword, json!(arms.len()), reason);
                arms.iter().for_each(|arm| self.schema(path, arm, reason));
            }
            _ => {}
        }
    }
}

fn markdown_rows(
    path: &str,
    properties: &[Property],
    constraints: &[Constraint],
    out: &mut String,
) {
    for property in properties {
        let path = below(path, property);
        let required = if property.required { "yes" } else { "" };
        markdown_row(&path, required, &property.schema, constraints, out);
    }
}

fn markdown_row(
    path: &str,
    required: &str,
    schema: &Schema,
    constraints: &[Constraint],
    out: &mut String,
) {
    let allowed = if schema.is_restricted() {
        markdown(&schema.allowed())
    } else {
        schema.json_type().with_article().into()
    };
    // `null` and the form of a struct are stated once, below the table.
    let counts = |row: &&Constraint| {
        let is_form = row.keyword == "type" && row.value == "object";
        row.property == path && row.keyword != "nullable" && !is_form
    };
    let mut enforced_by: Vec<String> = Vec::new();
    for row in constraints.iter().filter(counts) {
        let name = row.enforced_by.to_string();
        if !enforced_by.contains(&name) {
            enforced_by.push(name);
        }
    }
    if enforced_by.is_empty() {
        enforced_by.push(EnforcedBy::Type.to_string());
    }
    let enforced_by = enforced_by.join(", ");
    out.push_str(&format!(
        "| `{path}` | {required} | {allowed} | {enforced_by} |\n"
    ));
    match schema.typed() {
        Schema::Object(properties) => markdown_rows(path, properties, constraints, out),
        Schema::Array { items, .. } => {
            markdown_row(&format!("{path}[]"), "", items, constraints, out);
        }
        _ => {}
    }
}

fn below(path: &str, property: &Property) -> String {
    if path.is_empty() {
        property.name.clone()
    } else {
        format!("{path}.{}", property.name)
    }
}

/// The keywords that constrain a value by themselves.
const KEYWORDS: &[&str] = &[
    "type",
    "enum",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "format",
];
