//! The request for a generation: a JSON body that its document allows, and the route that accepts the body.
//!
//! [`GenerationRequest`] is the one request type that the client sends. Every generated type converts into it by
//! [`IntoGenerationRequest`]; JSON is read by `from_json`. The submodules hold the value types of properties.

pub(crate) mod media;
pub(crate) mod object;
pub(crate) mod property;
pub(crate) mod tagged;
pub(crate) mod uri;
pub(crate) mod value;
mod warnings;

use std::{
    borrow::{Borrow, Cow},
    fmt,
    ops::{Deref, RangeInclusive},
    sync::Arc,
    time::Duration,
};

use aimlapi_video_contract::Formats;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use self::{media::UriOrBase64, uri::Uri};
use crate::{
    Error, Violation, Warning,
    contract::{self, Model, Role, Route, models},
};

/// A request for one generation: a body that its document allows, and the route that accepts the body.
///
/// A typed request converts into a `GenerationRequest`, by [`From`] or in [`Client::create`](crate::Client::create).
/// [`from_json`](Self::from_json) reads a request at run time, and checks it against the document of its `model`. Properties
/// that the document does not have are kept and sent, since the service may accept parameters that its documents do not list
/// yet.
///
/// ```
/// use aimlapi_video::{GenerationRequest, Route};
/// use serde_json::json;
///
/// let request = GenerationRequest::from_json(Route::Universal, json!({
///     "model": "klingai/v2-master-text-to-video",
///     "prompt": "A heron lands on a frozen lake",
///     "duration": 10,
/// }))?;
/// assert_eq!(request.model(), "klingai/v2-master-text-to-video");
/// # Ok::<(), aimlapi_video::Error>(())
/// ```
///
/// # Serialisation
///
/// A request serialises as its body, without the route. `Deserialize` reads a body for [`Route::Universal`], as `from_json`
/// does; for another route, deserialise a [`Value`] and pass it to `from_json`.
#[derive(Clone)]
pub struct GenerationRequest {
    route: Route,
    model: Cow<'static, str>,
    /// The model whose document the request is checked against; `None` for an unchecked request.
    entry: Option<Entry>,
    body: Map<String, Value>,
}

/// A model of this build, or one that was read at run time.
#[derive(Clone)]
enum Entry {
    Embedded(&'static Model),
    Given(Arc<Model>),
}

impl Deref for Entry {
    type Target = Model;

    fn deref(&self) -> &Model {
        match self {
            Self::Embedded(model) => model,
            Self::Given(model) => model,
        }
    }
}

impl GenerationRequest {
    /// Reads a request for `route` and checks it against the document of its `model`.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) with every violation of the document, or with the nearest known ids
    /// if `route` does not have the model.
    pub fn from_json(route: Route, body: Value) -> Result<Self, Error> {
        let remedy = "enable a vendor's feature";
        Self::checked(models(), route, body, Entry::Embedded, remedy)
    }

    /// Reads a request as [`from_json`](Self::from_json) does, and checks it against the one of `models` that it names. This is
    /// for models newer than this crate: the package
    /// [`aimlapi-video-codegen`](https://docs.rs/aimlapi-video-codegen) reads their documents at run time.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use aimlapi_video::{GenerationRequest, Route, contract::{Model, Property, Schema}};
    /// use serde_json::json;
    ///
    /// let mut model = Model::new(Route::Universal, "acme/newest");
    /// model.properties.push(Property::new("prompt", Schema::string(1, Some(100))));
    /// let models = [Arc::new(model)];
    /// let read = |body| GenerationRequest::from_json_with(&models, Route::Universal, body);
    /// assert!(read(json!({ "model": "acme/newest", "prompt": "A heron lands" })).is_ok());
    /// let error = read(json!({ "model": "acme/newest", "prompt": "" })).unwrap_err();
    /// assert_eq!(error.violations()[0].pointer, "/prompt");
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_json_with(models: &[Arc<Model>], route: Route, body: Value) -> Result<Self, Error> {
        let entry = |model: &Arc<Model>| Entry::Given(Arc::clone(model));
        Self::checked(models, route, body, entry, "name another route")
    }

    fn checked<'a, M: Borrow<Model>>(
        known: &'a [M],
        route: Route,
        body: Value,
        entry: impl Fn(&'a M) -> Entry,
        no_models_remedy: &str,
    ) -> Result<Self, Error> {
        let invalid = |violation: Violation| Error::invalid_request("", vec![violation]);
        let Value::Object(body) = body else {
            return Err(invalid(Violation::new(&body, "an object", "type")));
        };
        let id = match body.get("model") {
            Some(Value::String(id)) => id,
            Some(other) => {
                return Err(invalid(
                    Violation::new(other, "a model's id", "type").under("model"),
                ));
            }
            None => return Err(invalid(Violation::missing("a model's id").under("model"))),
        };
        let is_named = |model: &Model| model.route == route && model.id == *id;
        let Some(model) = known.iter().find(|model| is_named((*model).borrow())) else {
            let known = known.iter().map(Borrow::borrow);
            let known = known.filter(|model| model.route == route);
            let nearest = nearest(known, id, no_models_remedy);
            return Err(invalid(
                Violation::new(&id.as_str().into(), nearest, "enum").under("model"),
            ));
        };
        let request = Self {
            route,
            model: id.clone().into(),
            entry: Some(entry(model)),
            body,
        };
        request.validate()?;
        Ok(request)
    }

    /// Reads a request as [`from_json`](Self::from_json) does, and converts numeric strings to numbers wherever the document
    /// requires a number (`"duration": "5"`). The service accepts such strings, and stored requests may hold them.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn from_json_coerced(route: Route, mut body: Value) -> Result<Self, Error> {
        let id = body.get("model").and_then(Value::as_str);
        if let Some(model) = id.and_then(|id| contract::model(route, id)) {
            model.coerce(&mut body);
        }
        Self::from_json(route, body)
    }

    /// Makes a request for `model` that is not checked against a document, for a model newer than this crate. Only the
    /// service reports its errors.
    ///
    /// `body` may omit `model`.
    pub fn unchecked(route: Route, model: impl Into<String>, mut body: Map<String, Value>) -> Self {
        let model = model.into();
        body.insert("model".into(), model.as_str().into());
        Self {
            route,
            model: model.into(),
            entry: None,
            body,
        }
    }

    /// The request of a generated type, whose model is one of [`models`].
    pub(crate) fn from_typed(route: Route, model: &'static str, request: &impl Serialize) -> Self {
        // A generated struct always becomes an object, and the build has read its model back.
        let body = match serde_json::to_value(request) {
            Ok(Value::Object(body)) => body,
            _ => Map::new(),
        };
        Self {
            route,
            model: model.into(),
            entry: contract::model(route, model).map(Entry::Embedded),
            body,
        }
    }

    /// Sets a property that the request's type does not have, for a parameter newer than this crate. An existing property is
    /// replaced, and the request is checked again before it is sent.
    #[must_use]
    pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.body.insert(name.into(), value.into());
        self
    }

    /// The route that accepts the request.
    pub fn route(&self) -> Route {
        self.route
    }

    /// The model's id.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The JSON body that is sent.
    pub fn body(&self) -> &Map<String, Value> {
        &self.body
    }

    /// Lists values that are allowed but probably unintended: properties that the document does not have, combinations that it
    /// advises against in prose only, a blank prompt, and media that a service on the internet cannot fetch or use.
    ///
    /// A request with warnings is sent unchanged.
    pub fn warnings(&self) -> Vec<Warning> {
        let Some(model) = &self.entry else {
            return Vec::new();
        };
        let mut warnings = model.warnings(&self.body);
        warnings.extend(warnings::unlikely(model, &self.body));
        warnings
    }

    /// Checks the request against its document again, as [`Client`](crate::Client) does before it sends a request.
    ///
    /// # Errors
    ///
    /// As [`from_json`](Self::from_json).
    pub fn validate(&self) -> Result<(), Error> {
        let Some(model) = &self.entry else {
            return Ok(());
        };
        let found = model.check(&self.body, FORMATS);
        if found.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid_request(&self.model, found))
        }
    }

    /// The clip's length in seconds, if the request or else its document states one. A schedule that is continued in another
    /// process needs it.
    pub fn length(&self) -> Option<u64> {
        let property = self.entry.as_ref()?.property(Role::Duration)?;
        let length = self.body.get(&property.name).or(property.default.as_ref());
        length?.as_u64()
    }

    /// The duration of the generation that the vendor's pages state.
    pub(crate) fn expected(&self) -> Option<RangeInclusive<Duration>> {
        self.entry.as_ref()?.expected(self.length())
    }
}

impl PartialEq for GenerationRequest {
    fn eq(&self, other: &Self) -> bool {
        (self.route, &self.model, &self.body) == (other.route, &other.model, &other.body)
            && self.entry.is_some() == other.entry.is_some()
    }
}

/// Shows the names of the properties only: values may be URLs with signatures, or inline media of many megabytes.
impl fmt::Debug for GenerationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties: Vec<&String> = self.body.keys().collect();
        f.debug_struct("GenerationRequest")
            .field("route", &self.route)
            .field("model", &self.model)
            .field("properties", &properties)
            .finish()
    }
}

impl Serialize for GenerationRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for GenerationRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let body = Value::deserialize(deserializer)?;
        Self::from_json(Route::Universal, body).map_err(de::Error::custom)
    }
}

/// A type that converts into a [`GenerationRequest`]: the `GenerationRequest` itself, and every request type in
/// [`types`](crate::types). [`Client::create`](crate::Client::create) and similar methods accept it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a request for a generation",
    label = "expected a `GenerationRequest` or a request from `aimlapi_video::types`",
    note = "a builder becomes a request by `.build()?`"
)]
pub trait IntoGenerationRequest {
    /// Converts the request; a typed request determines the route by its type.
    fn into_generation_request(self) -> GenerationRequest;
}

impl IntoGenerationRequest for GenerationRequest {
    fn into_generation_request(self) -> GenerationRequest {
        self
    }
}

/// Implements the conversions of a generated type into a request for its model.
macro_rules! typed_request {
    ($type:ty, $route:expr, $model:literal) => {
        // `#[inline]` keeps the code of unused models out of a program's build.
        impl From<$type> for crate::GenerationRequest {
            #[inline]
            fn from(request: $type) -> Self {
                Self::from_typed($route, $model, &request)
            }
        }

        impl crate::IntoGenerationRequest for $type {
            #[inline]
            fn into_generation_request(self) -> crate::GenerationRequest {
                self.into()
            }
        }
    };
}
pub(crate) use typed_request;

/// The check of string formats by this crate's types.
const FORMATS: Formats = Formats {
    is_uri: Uri::is_valid,
    is_base64_media: UriOrBase64::is_base64_media,
};

/// The ids of `known` models that are most similar to `id`, as the text of a violation.
fn nearest<'a>(known: impl Iterator<Item = &'a Model>, id: &str, no_models_remedy: &str) -> String {
    let mut known: Vec<(f64, &str)> = known
        .map(|model| (strsim::jaro_winkler(id, &model.id), model.id.as_str()))
        .collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0));
    if known.is_empty() {
        return format!("nothing, since no model of this route is known; {no_models_remedy}");
    }
    let ids: Vec<&str> = known.iter().take(3).map(|(_, id)| *id).collect();
    format!("the id of a known model, such as {}", ids.join(", "))
}
