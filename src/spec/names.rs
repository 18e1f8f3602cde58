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

use heck::{ToPascalCase, ToSnakeCase};

use super::Route;

/// The name of a model's request type.
pub fn request(route: Route, model: &str) -> String {
    let prefix = match route {
        Route::Universal => "",
        Route::LegacyKling => "legacy ",
    };
    identifier(
        format!("{prefix}{}", separated(model)).to_pascal_case(),
        "X",
    )
}

/// The name of a type nested in `parent` under `property`.
pub fn nested(parent: &str, property: &str) -> String {
    format!("{parent}{}", separated(property).to_pascal_case())
}

/// The name of a property's field and setter.
pub fn field(property: &str) -> String {
    identifier(separated(property).to_snake_case(), "x_")
}

/// The name of an enum's variant.
pub fn variant(value: &str) -> String {
    identifier(separated(value).to_pascal_case(), "X")
}

/// The vendor of a model: the name of its feature and of its folder.
pub fn vendor(model: &str) -> String {
    let known = VENDORS
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map(|(_, vendor)| *vendor);
    known
        .unwrap_or_else(|| model.split('/').next().unwrap_or(model))
        .to_lowercase()
}

/// What a model makes a video of, as its id says it; an id that does not say makes it of what it must be given: a picture
/// where it needs media, else text.
pub fn task(model: &str, needs_media: bool) -> &'static str {
    let said = TASKS
        .iter()
        .find(|(marks, _)| marks.iter().any(|mark| model.contains(mark)));
    match said {
        Some((_, task)) => task,
        None if needs_media => "image-to-video",
        None => "text-to-video",
    }
}

/// What the ids say, the more particular first.
const TASKS: &[(&[&str], &str)] = &[
    (&["reference-to-video"], "reference-to-video"),
    (&["video-to-video", "extend-video"], "video-to-video"),
    (&["motion-control"], "motion-control"),
    (&["avatar"], "avatar"),
    (&["effects"], "effects"),
    (&["image-to-video", "i2v"], "image-to-video"),
    (&["text-to-video", "t2v"], "text-to-video"),
];

/// Vendors whose ids do not begin with the vendor's own name, or name no vendor.
const VENDORS: &[(&str, &str)] = &[
    ("klingai/", "kling"),
    ("kling-video/", "kling"),
    ("veo", "google"),
    ("video-01", "minimax"),
    ("x-ai/", "xai"),
];

/// Anything that cannot stand in an identifier separates words, as the generator's own naming has it.
fn separated(name: &str) -> String {
    name.replace('\'', "")
        .replace(|c: char| !c.is_alphanumeric(), "-")
}

fn identifier(name: String, prefix: &str) -> String {
    let name = if name.starts_with(|c: char| c.is_alphabetic()) {
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

/// The words that no field may be called, strict and reserved ones alike (the Rust reference, "Keywords").
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
