use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Check, Route, Schema, SourcedRule};

/// A model on one route, and what its document allows in a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Model {
    /// The id that `model` takes in a request.
    pub id: String,
    /// The URL that creates its generations.
    pub route: Route,
    /// The vendor, which is also the name of the library's feature.
    pub vendor: String,
    /// What it makes a video of.
    pub task: Task,
    /// The name of the request's type in the library's module `types`.
    pub type_name: String,
    /// The document that declares it, below `openapi/`.
    pub document: String,
    /// The properties of a request, in the order of their names.
    pub properties: Vec<Property>,
    /// The constraints of the whole body beside its properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// How long its generations take, as the vendor's pages state it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub durations: Vec<StatedDuration>,
    /// Rules between properties that its document states in prose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<SourcedRule>,
}

impl Model {
    /// A model without properties, for a builder of contracts to fill in.
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

    /// The property with a role, whatever its name is for this model.
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
                _ => {}
            }
        }
        let mut paths = Vec::new();
        walk("", &self.properties, &mut paths);
        paths
    }

    /// How long a generation takes from create to completed, as the vendor's pages state it.
    ///
    /// `length` is the clip's length in seconds. Without it, or where the pages do not distinguish lengths, the range spans
    /// everything stated for the model. `None` where nothing is stated.
    pub fn expected(&self, length: Option<u64>) -> Option<RangeInclusive<Duration>> {
        let fits = |stated: &&StatedDuration| stated.length.is_none() || stated.length == length;
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

/// A property of a request, or of an object in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Property {
    /// Its name in the JSON body.
    pub name: String,
    /// Whether every request must have it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub required: bool,
    /// Whether `null` is allowed, too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// The values it allows.
    pub schema: Schema,
    /// One line on its meaning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The value that the service takes when it is left out. It is never sent for the caller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Its meaning to the library, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether it takes a URL or inline data of a picture, clip or sound.
    #[serde(default, skip_serializing_if = "is_false")]
    pub media: bool,
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
        }
    }

    /// Whether it takes media, alone or as items of an array.
    pub fn takes_media(&self) -> bool {
        let is_uri = |items: &Schema| matches!(items.typed(), Schema::Uri);
        self.media || matches!(self.schema.typed(), Schema::Array { items, .. } if is_uri(items))
    }

    /// Its schema, with `null` where that is allowed.
    pub fn schema_with_null(&self) -> Schema {
        if self.nullable {
            self.schema.clone().or_null()
        } else {
            self.schema.clone()
        }
    }
}

/// The meanings of properties that the library works with; `openapi/overlay.json` maps them to names.
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

/// What a model makes a video of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Task {
    /// A text.
    TextToVideo,
    /// A picture.
    ImageToVideo,
    /// Pictures or clips of what is to be shown.
    ReferenceToVideo,
    /// Another video.
    VideoToVideo,
    /// A picture and the motion of a clip.
    MotionControl,
    /// A portrait and a voice.
    Avatar,
    /// A picture and a named effect.
    Effects,
}

impl Task {
    /// The name that model ids use, such as `text-to-video`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TextToVideo => "text-to-video",
            Self::ImageToVideo => "image-to-video",
            Self::ReferenceToVideo => "reference-to-video",
            Self::VideoToVideo => "video-to-video",
            Self::MotionControl => "motion-control",
            Self::Avatar => "avatar",
            Self::Effects => "effects",
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How long a generation takes, as the vendor's pages state it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StatedDuration {
    /// The clip's length in seconds, where the page distinguishes lengths.
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

fn is_false(value: &bool) -> bool {
    !value
}
