//! The table of constraints: for each one, whether a Rust type, the check before a create, or the service enforces it.

use std::fmt;

use serde_json::{Value, json};

use crate::{
    Check, Formats, Model, Property, Schema, SourcedRule,
    wording::{MARKDOWN, code_span},
};

/// A constraint of a model's document, and how it is enforced.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Constraint {
    /// The property: its path in the body, with `[]` for the items of an array.
    pub property: String,
    /// The keyword of the document; `prose` for a rule in prose.
    pub keyword: String,
    /// The keyword's value.
    pub value: Value,
    /// How the constraint is enforced.
    pub enforced_by: EnforcedBy,
    /// Why the type does not enforce the constraint, if it does not; for a rule in prose, the page or document that states the
    /// rule.
    pub reason: Option<String>,
}

/// How a constraint is enforced. Constraints that types enforce are checked again before a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EnforcedBy {
    /// By the Rust type: no value of the type violates the constraint.
    Type,
    /// By the check before a request is sent, and by `from_json`: no Rust type can express the constraint.
    Create,
    /// Not enforced: a violation causes a warning. The document states the constraint in prose, and the service decides.
    Warned,
    /// By the service only: the library cannot check the constraint.
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
    /// Every constraint of the model's document and how it is enforced; the rules that only its prose states come last.
    pub fn constraints(&self) -> Vec<Constraint> {
        let mut table = Table::default();
        table.properties("", &self.properties, None);
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

    /// A Markdown table of the properties, with the allowed values of each and how they are enforced.
    pub fn markdown_table(&self) -> String {
        let mut out =
            String::from("| property | required | allowed | enforced by |\n|---|---|---|---|\n");
        let constraints = self.constraints();
        markdown_rows("", "yes", &self.properties, &constraints, &mut out);
        for check in &self.checks {
            let enforced_by = match check {
                Check::Unchecked { .. } => EnforcedBy::Service,
                _ => EnforcedBy::Create,
            };
            let allowed = check.words(MARKDOWN);
            out.push_str(&format!(
                "| the whole body |  | {allowed} | {enforced_by} |\n"
            ));
        }
        if !self.rules.is_empty() {
            out.push_str("\n\nA request that breaks one of these rules causes a warning:\n");
        }
        for SourcedRule { rule, source } in &self.rules {
            out.push_str(&format!("\n- {rule} ({source})"));
        }
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

    fn properties(&mut self, path: &str, properties: &[Property], reason: Option<&str>) {
        for property in properties {
            let path = below(path, property);
            if property.required {
                self.row(&path, "required", json!(true), reason);
            }
            self.null(&path, property, reason);
            self.schema(&path, &property.schema, reason);
        }
    }

    /// Adds the row that states whether a property may be `null`, unless its type refuses it and requires a value.
    fn null(&mut self, path: &str, property: &Property, reason: Option<&str>) {
        let of_type = holds_any_value(&property.schema);
        let fits = || property.schema.check(&Value::Null, NO_FORMATS).is_empty();
        let is_allowed = property.nullable || of_type && fits();
        let of_property = match (of_type, is_allowed) {
            (true, false) => Some("the type holds any JSON value, `null` included"),
            (false, true) if !property.required => {
                Some("a struct leaves the property out instead of writing `null`")
            }
            _ => None,
        };
        if property.nullable || !property.required || of_property.is_some() {
            let reason = reason.or(of_property);
            self.row(path, "nullable", json!(is_allowed), reason);
        }
    }

    fn checks(&mut self, path: &str, checks: &[Check]) {
        for check in checks {
            let (enforced_by, reason) = match check {
                Check::Unchecked { .. } => (EnforcedBy::Service, "this crate cannot check it"),
                _ => (EnforcedBy::Create, "no type can express it"),
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

    /// Adds the rows of a schema. `reason` says why no type expresses this part of the schema; `None` if a type does.
    fn schema(&mut self, path: &str, schema: &Schema, reason: Option<&str>) {
        if let Schema::Checked { schema, checks } = schema {
            self.schema(path, schema, reason);
            return self.checks(path, checks);
        }
        let is_enum = matches!(schema, Schema::Enum(_));
        let reason = reason.or(is_enum.then_some("no generated enum can hold these values"));
        let json = schema.json_schema();
        for keyword in KEYWORDS {
            if let Some(value) = json.get(keyword) {
                self.row(path, keyword, value.clone(), reason);
            }
        }
        match schema {
            Schema::Object(properties) => self.properties(path, properties, reason),
            Schema::Array { items, .. } => self.schema(&format!("{path}[]"), items, reason),
            Schema::OneOrMany(item) => {
                let many = Schema::array((**item).clone(), 0, None);
                self.row(path, "anyOf", json!(2), reason);
                self.schema(path, item, reason);
                self.schema(path, &many, reason);
            }
            Schema::Alternatives { arms, exactly_one } if schema.tagged().is_some() => {
                let keyword = if *exactly_one { "oneOf" } else { "anyOf" };
                self.row(path, keyword, json!(arms.len()), reason);
                self.row(path, "type", json!("object"), reason);
                for arm in arms {
                    self.properties(path, arm.properties(), reason);
                    if let Schema::Checked { checks, .. } = arm {
                        self.checks(path, checks);
                    }
                }
            }
            Schema::Alternatives { arms, exactly_one } => {
                let reason = reason.or(Some("no type can distinguish the alternatives"));
                let keyword = if *exactly_one { "oneOf" } else { "anyOf" };
                self.row(path, keyword, json!(arms.len()), reason);
                arms.iter().for_each(|arm| self.schema(path, arm, reason));
            }
            _ => {}
        }
    }
}

/// Whether the Rust type of a schema's values is the one of any JSON value.
fn holds_any_value(schema: &Schema) -> bool {
    match schema.typed() {
        Schema::Any | Schema::Null | Schema::Enum(_) => true,
        Schema::Alternatives { .. } => schema.typed().tagged().is_none(),
        Schema::OneOrMany(item) => holds_any_value(item),
        _ => false,
    }
}

/// No format applies to `null`.
const NO_FORMATS: Formats = Formats {
    is_uri: |_| false,
    is_base64_media: |_| false,
};

fn markdown_rows(
    path: &str,
    required: &str,
    properties: &[Property],
    constraints: &[Constraint],
    out: &mut String,
) {
    for property in properties {
        let path = below(path, property);
        let required = if property.required { required } else { "" };
        let with_null = property.schema_with_null();
        markdown_row(&path, required, &with_null, constraints, out);
        markdown_below(&path, &property.schema, constraints, out);
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
        schema.words(MARKDOWN)
    } else {
        schema.json_type().with_article().into()
    };
    let counts = |row: &&Constraint| {
        let is_of_null = row.keyword == "nullable";
        row.property == path && row.enforced_by != EnforcedBy::Warned && !is_of_null
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
        "| {} | {required} | {allowed} | {enforced_by} |\n",
        code_span(path)
    ));
}

/// The rows of the properties and items in a value.
fn markdown_below(path: &str, schema: &Schema, constraints: &[Constraint], out: &mut String) {
    match schema.typed() {
        Schema::Object(properties) => markdown_rows(path, "yes", properties, constraints, out),
        Schema::Array { items, .. } => {
            let path = format!("{path}[]");
            markdown_row(&path, "", items, constraints, out);
            markdown_below(&path, items, constraints, out);
        }
        schema => {
            let (tag, arms) = schema.tagged().unwrap_or_default();
            for (value, arm) in arms {
                let required = format!("if {} is {}", code_span(tag), code_span(value));
                markdown_rows(path, &required, arm.properties(), constraints, out);
            }
        }
    }
}

fn below(path: &str, property: &Property) -> String {
    if path.is_empty() {
        property.name.clone()
    } else {
        format!("{path}.{}", property.name)
    }
}

/// The keywords that constrain a value independently of other keywords.
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
