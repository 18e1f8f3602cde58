//! The kind of media that a property takes.

use aimlapi_video_contract::{MediaKind, Property, Role, Schema};
use serde_json::{Map, Value};

/// The kind by the overlay's `x-media`, by the property's role, by the words of its name, or by the one value of the `type`
/// beside it: the documents state no media type. `None` for a property that takes no media, or whose kind is unknown.
pub(super) fn of(
    property: &Property,
    schema: &Value,
    beside: &Map<String, Value>,
) -> Option<MediaKind> {
    if !takes_media(&property.schema) {
        return None;
    }
    let stated = schema.get("x-media").and_then(named);
    if stated.is_some() {
        return stated;
    }
    if property.role == Some(Role::OpeningImage) {
        return Some(MediaKind::Image);
    }
    let mut kinds = property.name.split(['_', '-', '.']).filter_map(|word| {
        let word = word.strip_suffix('s').unwrap_or(word);
        WORDS.iter().find(|(known, _)| *known == word)
    });
    match kinds.next() {
        Some((_, kind)) => kinds.all(|(_, other)| other == kind).then_some(*kind),
        None => match beside.get("type")?.get("enum")?.as_array()?.as_slice() {
            [only] => named(only),
            _ => None,
        },
    }
}

/// Whether a value of `x-media` marks a schema as media, of a kind or of any.
pub(super) fn is_media(mark: Option<&Value>) -> bool {
    mark.is_some_and(|mark| mark == true || named(mark).is_some())
}

fn named(value: &Value) -> Option<MediaKind> {
    MediaKind::ALL
        .iter()
        .copied()
        .find(|kind| value == kind.as_str())
}

fn takes_media(schema: &Schema) -> bool {
    match schema.typed() {
        Schema::Uri | Schema::UriOrBase64 | Schema::Media => true,
        Schema::Array { items, .. } => takes_media(items),
        Schema::OneOrMany(item) => takes_media(item),
        Schema::Alternatives { arms, .. } => arms.iter().any(takes_media),
        _ => false,
    }
}

const WORDS: &[(&str, MediaKind)] = &[
    ("frame", MediaKind::Image),
    ("image", MediaKind::Image),
    ("mask", MediaKind::Image),
    ("photo", MediaKind::Image),
    ("picture", MediaKind::Image),
    ("clip", MediaKind::Video),
    ("video", MediaKind::Video),
    ("audio", MediaKind::Audio),
    ("music", MediaKind::Audio),
    ("sound", MediaKind::Audio),
    ("speech", MediaKind::Audio),
    ("voice", MediaKind::Audio),
];
