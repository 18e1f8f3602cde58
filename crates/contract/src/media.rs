//! The kinds of media that a request takes.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{Check, Model, Property, Schema};

/// The kind of a media file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MediaKind {
    /// A picture, animated or not.
    Image,
    /// A clip.
    Video,
    /// Sound alone.
    Audio,
}

impl MediaKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Image, Self::Video, Self::Audio];

    /// The kind of a media type by its top-level type, the part before the slash.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let (top_level, _) = media_type.split_once('/')?;
        let is = |kind: &Self| top_level.eq_ignore_ascii_case(kind.as_str());
        Self::ALL.iter().copied().find(is)
    }

    /// The top-level type of the kind's media types.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
        }
    }

    /// A noun with its article, for messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Image => "an image",
            Self::Video => "a video",
            Self::Audio => "an audio file",
        }
    }
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Model {
    /// The kinds of media that requests take, in lists and nested objects too; `true` for those that every request states. A
    /// required list counts whatever its minimum, since a request without media in it has no use.
    pub fn media(&self) -> BTreeMap<MediaKind, bool> {
        let mut kinds = Kinds::new();
        in_properties(&self.properties, true, &mut kinds);
        in_checks(&self.checks, true, &mut kinds);
        kinds
    }
}

type Kinds = BTreeMap<MediaKind, bool>;

fn add(kind: MediaKind, is_required: bool, kinds: &mut Kinds) {
    *kinds.entry(kind).or_default() |= is_required;
}

fn in_properties(properties: &[Property], is_required: bool, kinds: &mut Kinds) {
    for property in properties {
        let is_required = is_required && property.required;
        if let Some(kind) = property.kind {
            add(kind, is_required, kinds);
        }
        in_schema(&property.schema, is_required, kinds);
    }
}

fn in_checks(checks: &[Check], is_required: bool, kinds: &mut Kinds) {
    for check in checks {
        if let Check::AllOf(schema) = check {
            in_schema(schema, is_required, kinds);
        }
    }
}

fn in_schema(schema: &Schema, is_required: bool, kinds: &mut Kinds) {
    match schema {
        Schema::Object(properties) => in_properties(properties, is_required, kinds),
        Schema::Array { items, .. } => in_schema(items, is_required, kinds),
        Schema::OneOrMany(item) => in_schema(item, is_required, kinds),
        Schema::Alternatives { arms, .. } => {
            let arms: Vec<Kinds> = arms
                .iter()
                .map(|arm| {
                    let mut kinds = Kinds::new();
                    in_schema(arm, is_required, &mut kinds);
                    kinds
                })
                .collect();
            // A request fits one of the arms, so it has what all of them require.
            for kind in arms.iter().flat_map(Kinds::keys) {
                let in_all = arms.iter().all(|arm| arm.get(kind) == Some(&true));
                add(*kind, in_all, kinds);
            }
        }
        Schema::Checked { schema, checks } => {
            in_schema(schema, is_required, kinds);
            in_checks(checks, is_required, kinds);
        }
        Schema::Any
        | Schema::Null
        | Schema::Boolean
        | Schema::Integer { .. }
        | Schema::Number { .. }
        | Schema::String { .. }
        | Schema::Uri
        | Schema::UriOrBase64
        | Schema::Media
        | Schema::StringEnum(_)
        | Schema::IntegerEnum(_)
        | Schema::Enum(_) => {}
    }
}
