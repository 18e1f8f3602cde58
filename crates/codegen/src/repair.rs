//! Repairs documents: one function per class of defect, each tested with a document that needs it.
//!
//! Some defects need no repair: server addresses, `operationId`s, `security` and `tags` are not read; the four operations
//! and their responses are not taken from the documents, so responses without a schema, with a closed list of states or
//! with `nullable` everywhere do no harm; a property's default is documented and never sent; names that Rust does not allow
//! are changed by [`names`](crate::names); the same property in two models is two types.
//!
//! Three repairs affect no type: `response_without_description`, `fetch_with_body` and `bearer_scheme_in_header`. They exist
//! so that `specs check` reports the defects, and later steps need not handle them.

mod join;
mod json_schema;
mod operation;
mod reference;
mod schema;
mod values;

use serde_json::{Map, Value};

use crate::document::Document;

pub(crate) use join::{additional, joined, whole};
pub(crate) use json_schema::is_known_dialect;
pub(crate) use reference::{
    below_definitions, decoded, from_elsewhere, references, target, unused_components as prune,
};
pub(crate) use schema::is_annotation;
pub(crate) use values::enum_in_arms;

/// A class of defect, and the function that repairs it.
#[derive(Debug)]
pub struct Repair {
    /// The name in reports, which is the function's.
    pub name: &'static str,
    /// Why the document has to change.
    pub origin: Origin,
    /// Repairs every place in a document, and returns how many there were.
    pub apply: fn(&mut Value) -> usize,
}

/// Why a document has to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The publisher's error: OpenAPI forbids it, or the service does not behave so.
    Publisher,
    /// The document is valid, but the generator of types needs another form.
    Generator,
}

use Origin::{Generator, Publisher};

/// Every repair, in the order in which they run: later ones depend on earlier ones.
#[rustfmt::skip]
pub const ALL: &[Repair] = &[
    Repair { name: "references", origin: Generator, apply: references },
    Repair { name: "unused_components", origin: Generator, apply: reference::unused_components },
    Repair { name: "boolean_schema", origin: Generator, apply: json_schema::boolean_schema },
    Repair { name: "const_value", origin: Generator, apply: json_schema::const_value },
    Repair { name: "exclusive_limit", origin: Generator, apply: json_schema::exclusive_limit },
    Repair { name: "content_encoding", origin: Generator, apply: json_schema::content_encoding },
    Repair { name: "type_list", origin: Generator, apply: json_schema::type_list },
    Repair { name: "all_of", origin: Generator, apply: schema::all_of },
    Repair { name: "response_without_description", origin: Publisher, apply: operation::response_without_description },
    Repair { name: "default_response_alone", origin: Publisher, apply: operation::default_response_alone },
    Repair { name: "fetch_with_body", origin: Publisher, apply: operation::fetch_with_body },
    Repair { name: "parameter_without_in", origin: Publisher, apply: operation::parameter_without_in },
    Repair { name: "parameter_of_no_path", origin: Publisher, apply: operation::parameter_of_no_path },
    Repair { name: "parameter_of_many", origin: Publisher, apply: operation::parameter_of_many },
    Repair { name: "bearer_scheme_in_header", origin: Publisher, apply: operation::bearer_scheme_in_header },
    Repair { name: "required_inside_property", origin: Publisher, apply: schema::required_inside_property },
    Repair { name: "required_without_property", origin: Publisher, apply: schema::required_without_property },
    Repair { name: "enum_without_type", origin: Publisher, apply: values::enum_without_type },
    Repair { name: "limit_without_type", origin: Publisher, apply: schema::limit_without_type },
    Repair { name: "enum_repeats_value", origin: Publisher, apply: values::enum_repeats_value },
    Repair { name: "enum_empty", origin: Publisher, apply: values::enum_empty },
    Repair { name: "enum_with_null", origin: Generator, apply: values::enum_with_null },
    Repair { name: "number_enum_as_text", origin: Publisher, apply: values::number_enum_as_text },
    Repair { name: "enum_value_of_other_type", origin: Publisher, apply: values::enum_value_of_other_type },
    Repair { name: "integer_enum_as_number", origin: Publisher, apply: values::integer_enum_as_number },
    Repair { name: "null_arm", origin: Generator, apply: schema::null_arm },
    Repair { name: "enum_in_arms", origin: Generator, apply: enum_in_arms },
    Repair { name: "limits_swapped", origin: Publisher, apply: schema::limits_swapped },
    Repair { name: "uuid_format", origin: Publisher, apply: schema::uuid_format },
    Repair { name: "number_default_as_text", origin: Publisher, apply: values::number_default_as_text },
    Repair { name: "default_not_allowed", origin: Publisher, apply: values::default_not_allowed },
];

/// Repairs `document`, and records the repairs that changed it.
pub fn apply(document: &mut Document) {
    // An overlay corrects what is repaired.
    document.corrected.clear();
    document.repairs = ALL
        .iter()
        .filter(|repair| (repair.apply)(&mut document.value) > 0)
        .map(|repair| repair.name)
        .collect();
    // Unused schemas are dropped when a document is read, or by the repair of references.
    let unused = std::mem::take(&mut document.declared.unused_schemas);
    if unused > 0 && !document.repairs.contains(&"references") {
        document.repairs.insert(0, "unused_components");
        document.repairs.dedup();
    }
}

/// Calls `change` on every object of a value, the inner ones first, and counts how often it changed one. Examples,
/// defaults and listed values are data, and stay as they are; so do schemas that are not checked.
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
                let has_prefix = !is_named && map.contains_key("prefixItems");
                for (key, value) in map.iter_mut() {
                    let is_data = DATA.contains(&key.as_str())
                        || is_unchecked(key)
                        || has_prefix && key == "items";
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

const DATA: &[&str] = &["const", "default", "enum", "example", "examples"];

/// Whether a keyword with schemas constrains values in a way that the contract cannot express.
pub(crate) fn is_unchecked(keyword: &str) -> bool {
    UNCHECKED.contains(&keyword)
}

const UNCHECKED: &[&str] = &[
    "contains",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "not",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
