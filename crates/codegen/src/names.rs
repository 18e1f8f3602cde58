//! Rust names, made from the model's id and the property's name alone, so that no document changes the names of another.
//!
//! | document | Rust |
//! |---|---|
//! | `klingai/v2-master-text-to-video` on `/v2/video/generations` | `KlingaiV2MasterTextToVideo` |
//! | the same on `/v2/generate/video/kling/generation` | `LegacyKlingaiV2MasterTextToVideo` |
//! | its `camera_control.config` | `LegacyKlingaiV2MasterTextToVideoCameraControlConfig` |
//! | an object in a list `dynamic_masks` | `…DynamicMasksItem` |
//! | the property `type` | `type_` |
//!
//! Nested types are named after their model, even where several models have the same one: a shared type could only be
//! named after its content, so an edit of one document would rename the types of other models. With 153 request types this
//! costs 40,300 generated lines.

use std::collections::HashSet;

use heck::{ToPascalCase, ToSnakeCase};

use crate::Route;

/// The name of a model's request type.
pub fn request(route: Route, model: &str) -> String {
    let prefix = if route == Route::LegacyKling {
        "legacy-"
    } else {
        ""
    };
    type_name(&format!("{prefix}{}", ascii(model)))
}

/// The name of a type nested in `parent` under `property`.
pub fn nested(parent: &str, property: &str) -> String {
    let property = ascii(property).to_pascal_case();
    let property = if property.is_empty() { "X" } else { &property };
    type_name(&format!("{parent}{property}"))
}

/// The name of a property's field, as the generator makes it.
pub fn field(property: &str) -> String {
    sanitized(property, str::to_snake_case, "x")
}

/// The name of a builder's setter for a field; a builder has methods of its own.
pub fn setter(field: &str) -> String {
    let own = ["build", "finish"];
    if own.contains(&field) {
        format!("{field}_")
    } else {
        field.to_owned()
    }
}

/// The names of an enum's variants, as the generator makes them; `None` where two of them would be equal.
pub fn variants(values: &[String]) -> Option<Vec<String>> {
    let names = |text: &dyn Fn(&str) -> String| -> Option<Vec<String>> {
        let sanitized = |value: &String| sanitized(&text(value), str::to_pascal_case, "X");
        let names: Vec<String> = values.iter().map(sanitized).collect();
        let mut known = HashSet::new();
        names.iter().all(|name| known.insert(name)).then_some(names)
    };
    // Where two values differ in separators alone, the separators become letters.
    let spelled =
        |value: &str| value.replace(|c| c == '_' || !unicode_ident::is_xid_continue(c), "X");
    names(&str::to_owned).or_else(|| names(&spelled))
}

/// The name of a type, in the form that the generator's own conversion leaves unchanged.
fn type_name(words: &str) -> String {
    let mut name = words.to_pascal_case();
    loop {
        let again = name.to_pascal_case();
        if again == name {
            break;
        }
        name = again;
    }
    identifier(name, "X")
}

/// Replaces everything that is not an ASCII letter or digit by a separator of words.
fn ascii(name: &str) -> String {
    name.replace('\'', "")
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// Converts any text to an identifier as the generator does.
fn sanitized(text: &str, case: fn(&str) -> String, prefix: &str) -> String {
    let name = match text {
        "+1" => case("plus1"),
        "-1" => case("minus1"),
        _ => case(
            &text
                .replace('\'', "")
                .replace(|c| !unicode_ident::is_xid_continue(c), "-"),
        ),
    };
    identifier(name, prefix)
}

fn identifier(name: String, prefix: &str) -> String {
    let name = if name.starts_with(unicode_ident::is_xid_start) {
        name
    } else {
        format!("{prefix}{name}")
    };
    if KEYWORDS.contains(&name.as_str()) {
        format!("{name}_")
    } else {
        name
    }
}

/// Strict and reserved keywords (the Rust reference, "Keywords").
const KEYWORDS: &[&str] = &[
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "Self", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
