//! The models this crate was built with, and what their documents say of each.

use std::{fmt, ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    generated,
    rules::Sourced,
    schema::{Check, Schema},
};

/// The models of all documents this crate was built with, one entry per path and model.
///
/// ```
/// use aimlapi_video::{Route, models};
///
/// let mut models = models().iter().filter(|model| model.route() == Route::Universal);
/// let model = models
///     .find(|model| model.id() == "klingai/v2-master-text-to-video")
///     .expect("the feature `kling` is on by default");
/// let mut properties = model.properties().iter();
/// let duration = properties.find(|property| property.name() == "duration").unwrap();
/// assert_eq!(duration.allowed(), "5, 10");
/// ```
pub fn models() -> &'static [Model] {
    generated::MODELS
}

/// A model on one of the two URLs.
#[derive(Debug)]
pub struct Model {
    pub(crate) id: &'static str,
    pub(crate) route: Route,
    pub(crate) vendor: &'static str,
    pub(crate) task: &'static str,
    pub(crate) type_name: &'static str,
    pub(crate) document: &'static str,
    pub(crate) properties: &'static [Property],
    /// What holds for the whole body beside its properties.
    pub(crate) checks: &'static [Check],
    pub(crate) durations: &'static [Stated],
    pub(crate) rules: &'static [Sourced],
}

impl Model {
    /// The id that `model` takes in a request.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The URL that creates its generations.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The vendor, which is also the name of the crate's feature.
    pub fn vendor(&self) -> &'static str {
        self.vendor
    }

    /// What it makes a video of: `text-to-video`, `image-to-video`, `reference-to-video`, `video-to-video`,
    /// `motion-control`, `avatar` or `effects`.
    pub fn task(&self) -> &'static str {
        self.task
    }

    /// The request's type in [`types`](crate::types).
    pub fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// The document it was read from, below `openapi/`.
    pub fn document(&self) -> &'static str {
        self.document
    }

    /// The request's properties, in the order of their names.
    pub fn properties(&self) -> &'static [Property] {
        self.properties
    }

    /// The property that has a meaning, whatever its name is for this model.
    pub fn property(&self, role: Role) -> Option<&'static Property> {
        self.properties
            .iter()
            .find(|property| property.role == Some(role))
    }

    /// How long a generation takes from create to completed, as the vendor's pages state or print it.
    ///
    /// `length` is the clip's length in seconds; without one, or where the pages do not tell it apart, the range spans
    /// everything stated for the model. `None` where nothing is stated.
    pub fn expected(&self, length: Option<u64>) -> Option<RangeInclusive<Duration>> {
        let fits = |stated: &&Stated| stated.length.is_none() || stated.length == length;
        let exact: Vec<&Stated> = self.durations.iter().filter(fits).collect();
        let used = if exact.is_empty() {
            self.durations.iter().collect()
        } else {
            exact
        };
        let min = used.iter().map(|stated| stated.min).reduce(f64::min)?;
        let max = used.iter().map(|stated| stated.max).reduce(f64::max)?;
        Some(Duration::try_from_secs_f64(min).ok()?..=Duration::try_from_secs_f64(max).ok()?)
    }

    /// The model of this id on a route.
    pub fn find(route: Route, id: &str) -> Option<&'static Self> {
        models()
            .iter()
            .find(|model| model.route == route && model.id == id)
    }
}

/// A property of a request.
#[derive(Debug)]
pub struct Property {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    pub(crate) schema: Schema,
    pub(crate) description: &'static str,
    pub(crate) default: Option<&'static str>,
    pub(crate) role: Option<Role>,
    pub(crate) media: bool,
}

impl Property {
    /// Its name in the JSON body.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether every request must have it.
    pub fn is_required(&self) -> bool {
        self.required
    }

    /// Whether `null` is allowed, too.
    pub fn is_nullable(&self) -> bool {
        self.nullable
    }

    /// The type of its value.
    pub fn kind(&self) -> PropertyKind {
        self.schema.kind()
    }

    /// The type of its items, where it is an array.
    pub fn item_kind(&self) -> Option<PropertyKind> {
        match self.schema.typed() {
            Schema::List { items, .. } => Some(items.kind()),
            _ => None,
        }
    }

    /// What it allows, in words, such as `5, 10` or `0 to 1`.
    pub fn allowed(&self) -> String {
        self.schema.allowed()
    }

    /// One line on its meaning.
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// What the service takes for it when it is left out, as JSON. It is never sent for the caller.
    pub fn default(&self) -> Option<&'static str> {
        self.default
    }

    /// What it means to this crate, where it means something.
    pub fn role(&self) -> Option<Role> {
        self.role
    }

    /// Whether it takes a link or inline data, so that a [`Media`](crate::Media) can be given.
    pub fn is_media(&self) -> bool {
        self.media
            || matches!(self.schema.typed(), Schema::List { items, .. } if matches!(items.typed(), Schema::Uri))
    }
}

/// The JSON types of a property's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PropertyKind {
    /// Any value.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Text.
    String,
    /// A list.
    Array,
    /// An object.
    Object,
}

/// The few meanings of properties that this crate itself works with; `openapi/overlay.json` maps them to names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The text that tells what to show.
    Prompt,
    /// The picture the clip opens with.
    OpeningImage,
    /// The clip's length in seconds.
    Duration,
    /// The frame's proportions.
    AspectRatio,
}

/// The two URLs that create and fetch generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Route {
    /// `/v2/video/generations`, for every model.
    #[default]
    Universal,
    /// `/v2/generate/video/kling/generation`, the older URL that still serves Kling models.
    LegacyKling,
}

impl Route {
    /// The path below the base URL.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Universal => "/v2/video/generations",
            Self::LegacyKling => "/v2/generate/video/kling/generation",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Universal => "universal",
            Self::LegacyKling => "legacy-kling",
        })
    }
}

/// How long the vendor's pages say a generation takes, in seconds.
#[derive(Debug)]
pub(crate) struct Stated {
    pub(crate) length: Option<u64>,
    pub(crate) min: f64,
    pub(crate) max: f64,
}
