//! The data of one model: its properties, constraints, rules and stated durations.

use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{Check, MediaKind, Route, Schema, SourcedRule};

/// A model on one route, and the constraints that its document puts on a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Model {
    /// The value of `model` in a request.
    pub id: String,
    /// The route that creates the model's generations.
    pub route: Route,
    /// The vendor, which is also the name of the library's feature.
    pub vendor: String,
    /// The task of the model, by the media that a request requires.
    pub task: Task,
    /// The name of the request's type in the library's module `types`.
    pub type_name: String,
    /// The path of the document that declares the model, below `openapi/`.
    pub document: String,
    /// The properties of a request, in the order of their names.
    pub properties: Vec<Property>,
    /// The constraints of the whole body, in addition to those of its properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The durations of the model's generations that the vendor's pages state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub durations: Vec<StatedDuration>,
    /// The rules between properties that the document states in prose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SourcedRule>,
}

impl Model {
    /// A model without properties, which a builder of contracts completes.
    pub fn new(route: Route, id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            route,
            vendor: String::new(),
            task: Task::TextToVideo,
            type_name: String::new(),
            document: String::new(),
            properties: Vec::new(),
            checks: Vec::new(),
            durations: Vec::new(),
            rules: Vec::new(),
        }
    }

    /// The property with a role, under any name that this model has for the role.
    pub fn property(&self, role: Role) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.role == Some(role))
    }

    /// Every property at every depth with its path in the body, `[]` standing for the items of an array:
    /// `camera_control.config.pan`, `masks[].url`.
    pub fn paths(&self) -> Vec<(String, &Property)> {
        fn walk<'a>(at: &str, properties: &'a [Property], paths: &mut Vec<(String, &'a Property)>) {
            for property in properties {
                let path = format!("{at}{}", property.name);
                paths.push((path.clone(), property));
                below(&path, &property.schema, paths);
            }
        }
        fn below<'a>(path: &str, schema: &'a Schema, paths: &mut Vec<(String, &'a Property)>) {
            match schema.typed() {
                Schema::Object(properties) => walk(&format!("{path}."), properties, paths),
                Schema::Array { items, .. } => below(&format!("{path}[]"), items, paths),
                Schema::OneOrMany(item) => below(path, item, paths),
                schema => {
                    let arms = schema.tagged().map(|(_, arms)| arms).unwrap_or_default();
                    arms.iter().for_each(|(_, arm)| below(path, arm, paths));
                }
            }
        }
        let mut paths = Vec::new();
        walk("", &self.properties, &mut paths);
        paths
    }

    /// The duration of a generation from create to completed that the vendor's pages state; `None` if they state none.
    ///
    /// `length` is the clip's length in seconds. Without a length, or if the pages do not distinguish lengths, the range spans
    /// all durations that are stated for the model.
    pub fn expected(&self, length: Option<u64>) -> Option<RangeInclusive<Duration>> {
        let fits = |stated: &&StatedDuration| {
            length.is_none() || stated.length.is_none() || stated.length == length
        };
        let exact: Vec<&StatedDuration> = self.durations.iter().filter(fits).collect();
        let used = if exact.is_empty() {
            self.durations.iter().collect()
        } else {
            exact
        };
        let min = used.iter().map(|stated| stated.min).reduce(f64::min)?;
        let max = used.iter().map(|stated| stated.max).reduce(f64::max)?;
        Some(Duration::try_from_secs_f64(min).ok()?..=Duration::try_from_secs_f64(max).ok()?)
    }
}

/// Reads the models of a contract that [`to_json`] wrote.
///
/// # Errors
///
/// If the text is not such a contract.
pub fn from_json(text: &str) -> serde_json::Result<Vec<Model>> {
    serde_json::from_str(text)
}

/// Writes models as the JSON text that [`from_json`] reads.
///
/// # Errors
///
/// Never for models that a document declares.
pub fn to_json(models: &[&Model]) -> serde_json::Result<String> {
    serde_json::to_string(models)
}

/// A property of a request, or of an object in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Property {
    /// The name in the JSON body.
    pub name: String,
    /// Whether every request must have it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether `null` is also allowed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// The allowed values.
    pub schema: Schema,
    /// The meaning of the property, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value that the service uses if the property is absent. This crate never sends the default for the caller.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "stated_value"
    )]
    pub default: Option<Value>,
    /// The role of the property in the library, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether the property takes a URL or inline data of an image, video or audio file.
    #[serde(default, skip_serializing_if = "is_false")]
    pub media: bool,
    /// The kind of media that the property takes, as a single value or as items of an array, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<MediaKind>,
}

impl Property {
    /// An optional property without description, default or role.
    pub fn new(name: impl Into<String>, schema: Schema) -> Self {
        Self {
            name: name.into(),
            required: false,
            nullable: false,
            schema,
            description: None,
            default: None,
            role: None,
            media: false,
            kind: None,
        }
    }

    /// Whether the property takes media, as a single value or as items of an array.
    pub fn takes_media(&self) -> bool {
        fn is_media(schema: &Schema) -> bool {
            match schema.typed() {
                Schema::Uri | Schema::UriOrBase64 | Schema::Media => true,
                Schema::Array { items, .. } => is_media(items),
                Schema::OneOrMany(item) => is_media(item),
                _ => false,
            }
        }
        self.media || is_media(&self.schema)
    }

    /// The schema of the property, with `null` if that is allowed.
    pub fn schema_with_null(&self) -> Schema {
        if self.nullable {
            self.schema.clone().or_null()
        } else {
            self.schema.clone()
        }
    }
}

/// The role of a property that the library uses; `openapi/overlay.json` maps roles to names of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Role {
    /// The text that describes the video.
    Prompt,
    /// The first frame of the clip.
    OpeningImage,
    /// The clip's length in seconds.
    Duration,
    /// The frame's proportions.
    AspectRatio,
}

/// The task of a model, by the media that a request requires, and by what the vendor's pages state beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// From a text; media are optional.
    TextToVideo,
    /// From an image.
    ImageToVideo,
    /// From images or clips of the subjects that the video shows.
    ReferenceToVideo,
    /// From another video.
    VideoToVideo,
    /// From an audio file.
    AudioToVideo,
    /// From an image and the motion of a clip.
    MotionControl,
    /// From a portrait and a voice.
    Avatar,
    /// From an image and a named effect.
    Effects,
    /// Another video with parts of its frames replaced or added.
    Edit,
    /// Another video, continued.
    Extend,
    /// Another video, whose speaker speaks an audio file or a text.
    LipSync,
}

impl Task {
    /// Every task.
    pub const ALL: &[Self] = &[
        Self::TextToVideo,
        Self::ImageToVideo,
        Self::ReferenceToVideo,
        Self::VideoToVideo,
        Self::AudioToVideo,
        Self::MotionControl,
        Self::Avatar,
        Self::Effects,
        Self::Edit,
        Self::Extend,
        Self::LipSync,
    ];

    /// The task of requests that require media of these kinds.
    pub fn from_media(required: &[MediaKind]) -> Self {
        let requires = |kind| required.contains(&kind);
        match (
            requires(MediaKind::Image),
            requires(MediaKind::Video),
            requires(MediaKind::Audio),
        ) {
            (false, false, false) => Self::TextToVideo,
            (true, false, false) => Self::ImageToVideo,
            (false, true, false) => Self::VideoToVideo,
            (false, false, true) => Self::AudioToVideo,
            (true, true, _) => Self::MotionControl,
            (true, false, true) => Self::Avatar,
            (false, true, true) => Self::LipSync,
        }
    }

    /// The name, such as `text-to-video`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextToVideo => "text-to-video",
            Self::ImageToVideo => "image-to-video",
            Self::ReferenceToVideo => "reference-to-video",
            Self::VideoToVideo => "video-to-video",
            Self::AudioToVideo => "audio-to-video",
            Self::MotionControl => "motion-control",
            Self::Avatar => "avatar",
            Self::Effects => "effects",
            Self::Edit => "edit",
            Self::Extend => "extend",
            Self::LipSync => "lip-sync",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A range of durations of generations that the vendor's pages state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatedDuration {
    /// The clip's length in seconds, if the page distinguishes lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// The shortest duration, in seconds.
    pub min: f64,
    /// The longest duration, in seconds.
    pub max: f64,
}

impl StatedDuration {
    /// A range in seconds for clips of `length`, or of any length.
    pub fn new(length: Option<u64>, range: RangeInclusive<f64>) -> Self {
        Self {
            length,
            min: *range.start(),
            max: *range.end(),
        }
    }
}

/// Reads a value that is stated, `null` included.
pub(crate) fn stated_value<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn is_false(value: &bool) -> bool {
    !value
}
