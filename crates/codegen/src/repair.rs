//! Mending the documents: one function per class of defect, so that a defect gone upstream leaves no dead repair behind.
//!
//! A class that needs no repair, since the pipeline does not look there: server addresses, `operationId`s, `security` and
//! `tags` are never read; the four operations and their answers are our own, so answers without a schema, with a closed
//! list of states or with `nullable` everywhere do no harm; a property's defaults are told and never sent; names that Rust
//! does not allow are changed by `names.rs`; the same property in two models is two types.
//!
//! Three defects reach no type either, and are mended all the same, so that `specs check` tells of them and no step after
//! this one meets them: `response_without_description`, `fetch_with_body` and `bearer_scheme_in_header`.

mod operation;
mod reference;
mod schema;
mod values;

use serde_json::{Map, Value};

use crate::document::Document;

pub(crate) use reference::decoded;
pub use reference::{from_elsewhere, unused_components as prune};
pub use schema::{is_annotation, joined, whole};
pub use values::enum_in_arms;

/// A class of defect and how it is mended.
pub struct Repair {
    pub name: &'static str,
    pub origin: Origin,
    pub evidence: Evidence,
    /// Mends every place in a document and tells how many there were.
    pub apply: fn(&mut Value) -> usize,
}

/// Whose doing the defect is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The publisher is wrong: OpenAPI forbids it, or it is not what the service does.
    Publisher,
    /// The document is right, and a generator of types needs it otherwise.
    Generator,
}

/// Where the defect can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// In a file of `openapi/`.
    Current,
    /// Only in the smallest document that shows it, under `tests/fixtures/defects/`.
    Historical,
}

use Evidence::{Current, Historical};
use Origin::{Generator, Publisher};

/// Every repair, in the order in which they run: the later ones count on the earlier ones.
#[rustfmt::skip]
pub const ALL: &[Repair] = &[
    Repair { name: "references", origin: Generator, evidence: Current, apply: reference::references },
    Repair { name: "unused_components", origin: Generator, evidence: Historical, apply: reference::unused_components },
    Repair { name: "all_of", origin: Generator, evidence: Historical, apply: schema::all_of },
    Repair { name: "response_without_description", origin: Publisher, evidence: Current, apply: operation::response_without_description },
    Repair { name: "default_response_alone", origin: Publisher, evidence: Historical, apply: operation::default_response_alone },
    Repair { name: "fetch_with_body", origin: Publisher, evidence: Historical, apply: operation::fetch_with_body },
    Repair { name: "parameter_without_in", origin: Publisher, evidence: Historical, apply: operation::parameter_without_in },
    Repair { name: "parameter_of_no_path", origin: Publisher, evidence: Historical, apply: operation::parameter_of_no_path },
    Repair { name: "parameter_of_many", origin: Publisher, evidence: Historical, apply: operation::parameter_of_many },
    Repair { name: "bearer_scheme_in_header", origin: Publisher, evidence: Current, apply: operation::bearer_scheme_in_header },
    Repair { name: "required_inside_property", origin: Publisher, evidence: Current, apply: schema::required_inside_property },
    Repair { name: "required_without_property", origin: Publisher, evidence: Historical, apply: schema::required_without_property },
    Repair { name: "enum_without_type", origin: Publisher, evidence: Current, apply: values::enum_without_type },
    Repair { name: "limit_without_type", origin: Publisher, evidence: Historical, apply: schema::limit_without_type },
    Repair { name: "enum_repeats_value", origin: Publisher, evidence: Historical, apply: values::enum_repeats_value },
    Repair { name: "enum_empty", origin: Publisher, evidence: Historical, apply: values::enum_empty },
    Repair { name: "enum_with_null", origin: Generator, evidence: Historical, apply: values::enum_with_null },
    Repair { name: "number_enum_as_text", origin: Publisher, evidence: Historical, apply: values::number_enum_as_text },
    Repair { name: "integer_enum_as_number", origin: Publisher, evidence: Historical, apply: values::integer_enum_as_number },
    Repair { name: "null_arm", origin: Generator, evidence: Current, apply: schema::null_arm },
    Repair { name: "enum_in_arms", origin: Generator, evidence: Historical, apply: enum_in_arms },
    Repair { name: "limits_swapped", origin: Publisher, evidence: Historical, apply: schema::limits_swapped },
    Repair { name: "uuid_format", origin: Publisher, evidence: Historical, apply: schema::uuid_format },
    Repair { name: "number_default_as_text", origin: Publisher, evidence: Current, apply: values::number_default_as_text },
    Repair { name: "default_not_allowed", origin: Publisher, evidence: Historical, apply: values::default_not_allowed },
];

/// Mends `document`, and notes the repairs that found something.
pub fn apply(document: &mut Document) {
    document.repairs = ALL
        .iter()
        .filter(|repair| (repair.apply)(&mut document.value) > 0)
        .map(|repair| repair.name)
        .collect();
    // Unused schemas are dropped where a document is read. The repair of references drops them by itself.
    let unused = std::mem::take(&mut document.declared.unused_schemas);
    if unused > 0 && !document.repairs.contains(&"references") {
        document.repairs.insert(0, "unused_components");
        document.repairs.dedup();
    }
}

/// Calls `change` on every object of a value, the inner ones first, and counts how often it changed one. Values that a
/// document only shows or lists are data, and stay as they are.
fn each_object(
    value: &mut Value,
    change: &mut dyn FnMut(&mut Map<String, Value>) -> bool,
) -> usize {
    fn walk(
        value: &mut Value,
        is_named: bool,
        change: &mut dyn FnMut(&mut Map<String, Value>) -> bool,
    ) -> usize {
        match value {
            Value::Object(map) => {
                let mut inner = 0;
                for (key, value) in map.iter_mut() {
                    let is_data =
                        ["default", "enum", "example", "examples"].contains(&key.as_str());
                    if is_named || !(is_data || key.starts_with("x-")) {
                        inner += walk(value, !is_named && key == "properties", change);
                    }
                }
                inner + usize::from(!is_named && change(map))
            }
            Value::Array(items) => items.iter_mut().map(|item| walk(item, false, change)).sum(),
            _ => 0,
        }
    }
    walk(value, false, change)
}
