//! Rust names, made from the model's id and the property's name alone: no document changes another one's names.
//!
//! | document | Rust |
//! |---|---|
//! | `klingai/v2-master-text-to-video` on `/v2/video/generations` | `KlingaiV2MasterTextToVideo` |
//! | the same on `/v2/generate/video/kling/generation` | `LegacyKlingaiV2MasterTextToVideo` |
//! | its `camera_control.config` | `LegacyKlingaiV2MasterTextToVideoCameraControlConfig` |
//! | an object in a list `dynamic_masks` | `…DynamicMasksItem` |
//! | the property `type` | `type_` |
//!
//! Nested types are named after the model that holds them, also where many models hold the same: a type shared by its
//! content could only be named after that content, so its name would change with it, and one document's edit would take
//! another model's users along. Measured with all vendors on two cores, nesting costs 50,900 generated lines instead of
//! 36,300, and 6.8 s instead of 5.0 s of this crate's own development build (26.8 s and 20.0 s in release).

use std::collections::HashSet;

use aimlapi_video_contract::Task;
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

/// The names of an enum's variants, as the generator makes them; `None` where it would find no different ones.
pub fn variants(values: &[String]) -> Option<Vec<String>> {
    let names = |text: &dyn Fn(&str) -> String| -> Option<Vec<String>> {
        let sanitized = |value: &String| sanitized(&text(value), str::to_pascal_case, "X");
        let names: Vec<String> = values.iter().map(sanitized).collect();
        let mut known = HashSet::new();
        names.iter().all(|name| known.insert(name)).then_some(names)
    };
    // Where the marks between words alone tell two values apart, the marks are spelled out.
    let spelled =
        |value: &str| value.replace(|c| c == '_' || !unicode_ident::is_xid_continue(c), "X");
    names(&str::to_owned).or_else(|| names(&spelled))
}

/// The vendor of a model: the name of its feature and of its folder.
pub fn vendor(model: &str, file: &str) -> String {
    let known = VENDORS
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map(|(_, vendor)| *vendor);
    let in_id = model.split_once('/').map(|(first, _)| first);
    let folder = || file.rsplit('/').nth(1);
    let vendor = known.or(in_id).or_else(folder).unwrap_or_default();
    // It names a feature and a folder, so nothing else may stand in it.
    let vendor = vendor
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    match vendor.trim_matches('-') {
        "" => "unnamed".into(),
        vendor => vendor.into(),
    }
}

/// What a model makes a video of, as its id states it; otherwise by what a request must have: a picture where it needs
/// media, else text.
pub fn task(model: &str, needs_media: bool) -> Task {
    let mut stated = TASKS.iter().filter(|(mark, _)| model.contains(mark));
    match stated.next() {
        Some((_, task)) => *task,
        None if needs_media => Task::ImageToVideo,
        None => Task::TextToVideo,
    }
}

/// The parts of ids that state a task, the more particular first.
const TASKS: &[(&str, Task)] = &[
    ("reference-to-video", Task::ReferenceToVideo),
    ("video-to-video", Task::VideoToVideo),
    ("extend-video", Task::VideoToVideo),
    ("motion-control", Task::MotionControl),
    ("avatar", Task::Avatar),
    ("effects", Task::Effects),
    ("image-to-video", Task::ImageToVideo),
    ("i2v", Task::ImageToVideo),
    ("text-to-video", Task::TextToVideo),
    ("t2v", Task::TextToVideo),
];

/// Vendors whose ids do not begin with the vendor's own name, or name no vendor.
const VENDORS: &[(&str, &str)] = &[
    ("klingai/", "kling"),
    ("kling-video/", "kling"),
    ("veo", "google"),
    ("video-01", "minimax"),
    ("hailuo", "minimax"),
    ("sora", "openai"),
    ("x-ai/", "xai"),
];

/// A type's name. Made once more, it stays as it is, so the generator takes it as it is given.
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

/// Type names are ours to choose, so they are made of ASCII alone; what else an id holds separates words.
fn ascii(name: &str) -> String {
    name.replace('\'', "")
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
}

/// The generator's own way from any text to an identifier.
fn sanitized(text: &str, case: fn(&str) -> String, prefix: &str) -> String {
    let name = match text {
        "+1" => "plus1".to_owned(),
        "-1" => "minus1".to_owned(),
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

/// The words that nothing may be called, strict and reserved ones alike (the Rust reference, "Keywords").
const KEYWORDS: &[&str] = &[
    "_", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue",
    "crate", "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if",
    "impl", "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub",
    "ref", "return", "Self", "self", "static", "struct", "super", "trait", "true", "try", "type",
    "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
