//! Any model's request, held as a body that its document allows.

mod values;

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

use crate::{
    Error, Violation, Warning,
    contract::{self, FORMATS, Model, Role, Route, models},
};

macro_rules! union {
    ($name:ident, $route:expr, $of:literal) => {
        #[doc = concat!("The request body of any model ", $of, ".")]
        ///
        #[doc = concat!("It is made of a typed request (`", stringify!($name), "::from(request)`, or straight in the")]
        /// client's `create`), or of JSON whose `model` tells which document to hold it to. Properties that the document
        /// does not know are kept and sent, since the service learns parameters before its documents do.
        ///
        /// ```
        #[doc = concat!("use aimlapi_video::", stringify!($name), ";")]
        /// use serde_json::json;
        ///
        #[doc = concat!("let request = ", stringify!($name), "::from_json(json!({")]
        ///     "model": "klingai/v2-master-text-to-video",
        ///     "prompt": "A heron lands on a frozen lake",
        ///     "duration": 10,
        /// }))?;
        /// assert_eq!(request.model(), "klingai/v2-master-text-to-video");
        /// # Ok::<(), aimlapi_video::Error>(())
        /// ```
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(Body);

        impl $name {
            /// The URL that takes these requests.
            pub const ROUTE: Route = $route;

            /// Reads a request, holding it to the document that its `model` names.
            ///
            /// # Errors
            ///
            /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) with every place that the document does not allow,
            /// or with the nearest known ids if the model is unknown.
            pub fn from_json(body: Value) -> Result<Self, Error> {
                Body::from_json($route, body).map(Self)
            }

            /// As [`from_json`](Self::from_json), with numeric strings made numbers wherever the document wants a number
            /// (`"duration": "5"`), as the service takes them and stored requests carry them.
            ///
            /// # Errors
            ///
            /// As [`from_json`](Self::from_json).
            pub fn from_json_coerced(mut body: Value) -> Result<Self, Error> {
                let id = body.get("model").and_then(Value::as_str);
                if let Some(model) = id.and_then(|id| contract::model($route, id)) {
                    model.coerce(&mut body);
                }
                Self::from_json(body)
            }

            /// A request for `model` that no document is held against: for a model newer than this crate. Whatever is wrong
            /// with it, the service says so, if anyone does.
            ///
            /// `body` may leave `model` out.
            pub fn unchecked(model: impl Into<String>, body: Map<String, Value>) -> Self {
                Self(Body::unchecked($route, model.into(), body))
            }

            /// The same request with a property that its type does not have: for a parameter newer than this crate. A
            /// property that the type does have is replaced, and held to the document again before it is sent.
            #[must_use]
            pub fn with_property(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
                self.0.map.insert(name.into(), value.into());
                self
            }

            /// The model's id.
            pub fn model(&self) -> &str {
                &self.0.model
            }

            /// What is allowed but probably not meant: fields that the document does not know, combinations that it advises
            /// against in prose only, a blank prompt, and media that a service on the internet cannot fetch or use. They are
            /// sent all the same.
            pub fn warnings(&self) -> Vec<Warning> {
                self.0.warnings()
            }

            /// The body as it goes over the wire.
            pub fn body(&self) -> &Map<String, Value> {
                &self.0.map
            }

            /// Holds the request to its document once more; [`Client`](crate::Client) does so before it sends anything.
            ///
            /// # Errors
            ///
            /// As [`from_json`](Self::from_json).
            pub fn validate(&self) -> Result<(), Error> {
                self.0.validate()
            }

            /// The clip's length in seconds, where the request or else the document states one.
            pub(crate) fn length(&self) -> Option<u64> {
                self.0.length()
            }

            /// Made by the generated types alone, whose model is in the table.
            pub(crate) fn from_typed(model: &'static str, request: &impl Serialize) -> Self {
                Self(Body::from_typed($route, model, request))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.map.serialize(serializer)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_json(Value::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

union!(
    GenerationRequest,
    Route::Universal,
    "on `POST /v2/video/generations`"
);
union!(
    LegacyKlingRequest,
    Route::LegacyKling,
    "on the older `POST /v2/generate/video/kling/generation`"
);

#[derive(Clone)]
struct Body {
    route: Route,
    model: Cow<'static, str>,
    /// What it is held to; `None` for an unchecked one.
    entry: Option<&'static Model>,
    map: Map<String, Value>,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        (self.route, &self.model, &self.map) == (other.route, &other.model, &other.map)
            && self.entry.is_some() == other.entry.is_some()
    }
}

/// Names the properties only: values may be links with signatures, or inline media of many megabytes.
impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties: Vec<&String> = self.map.keys().collect();
        f.debug_struct("Body")
            .field("route", &self.route)
            .field("model", &self.model)
            .field("properties", &properties)
            .finish()
    }
}

impl Body {
    fn from_json(route: Route, body: Value) -> Result<Self, Error> {
        let invalid = |violation: Violation| Error::invalid_request("", vec![violation]);
        let Value::Object(map) = body else {
            return Err(invalid(Violation::new(&body, "an object", "type")));
        };
        let id = match map.get("model") {
            Some(Value::String(id)) => id,
            Some(other) => {
                return Err(invalid(
                    Violation::new(other, "a model's id", "type").under("model"),
                ));
            }
            None => return Err(invalid(Violation::missing("a model's id").under("model"))),
        };
        let Some(model) = contract::model(route, id) else {
            return Err(invalid(
                Violation::new(&id.as_str().into(), nearest(route, id), "enum").under("model"),
            ));
        };
        let body = Self {
            route,
            model: model.id.as_str().into(),
            entry: Some(model),
            map,
        };
        body.validate()?;
        Ok(body)
    }

    fn from_typed(route: Route, model: &'static str, request: &impl Serialize) -> Self {
        // A generated struct always becomes an object; were it otherwise, the empty one would not pass `validate`.
        let map = match serde_json::to_value(request) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        Self {
            route,
            model: model.into(),
            entry: contract::model(route, model),
            map,
        }
    }

    fn unchecked(route: Route, model: String, mut map: Map<String, Value>) -> Self {
        map.insert("model".into(), model.as_str().into());
        Self {
            route,
            model: model.into(),
            entry: None,
            map,
        }
    }

    fn validate(&self) -> Result<(), Error> {
        let Some(model) = self.entry else {
            return Ok(());
        };
        let found = model.check(&self.map, FORMATS);
        if found.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid_request(&self.model, found))
        }
    }

    fn warnings(&self) -> Vec<Warning> {
        let Some(model) = self.entry else {
            return Vec::new();
        };
        let mut warnings = model.warnings(&self.map);
        warnings.extend(values::unlikely(model, &self.map));
        warnings
    }

    fn length(&self) -> Option<u64> {
        let property = self.entry?.property(Role::Duration)?;
        let length = self.map.get(&property.name).or(property.default.as_ref());
        length?.as_u64()
    }
}

/// The known ids most like `id`, in words.
fn nearest(route: Route, id: &str) -> String {
    let mut known: Vec<(f64, &str)> = models()
        .iter()
        .filter(|model| model.route == route)
        .map(|model| (strsim::jaro_winkler(id, &model.id), model.id.as_str()))
        .collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0));
    if known.is_empty() {
        return "nothing, since this build knows no model; switch on a vendor's feature".into();
    }
    let ids: Vec<&str> = known.iter().take(3).map(|(_, id)| *id).collect();
    format!("the id of a known model, such as {}", ids.join(", "))
}
