//! The contract: what the documents allow, as data. Models, properties, constraints, and how each constraint is enforced.
//!
//! [`models`] lists the models that this build knows. Checks, JSON Schema export, error texts, the command line and the
//! tables of the request types' documentation read the same values.

use std::sync::LazyLock;

pub use aimlapi_video_contract::{
    Check, Constraint, EnforcedBy, Formats, JsonType, MediaKind, Model, Property, Role, Route,
    Rule, Schema, SourcedRule, StatedDuration, Task,
};

/// The models of all documents that this crate was built with, one entry per route and model, sorted by
/// [type name](Model::type_name).
///
/// ```
/// use aimlapi_video::{Route, contract::model};
///
/// let model = model(Route::Universal, "klingai/v2-master-text-to-video")
///     .expect("the feature `kling` is on by default");
/// let mut properties = model.properties.iter();
/// let duration = properties.find(|property| property.name == "duration").unwrap();
/// assert_eq!(duration.schema.allowed(), "5, 10");
/// assert_eq!(model.json_schema()["properties"]["cfg_scale"]["maximum"], 1.0);
/// ```
pub fn models() -> &'static [Model] {
    static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| {
        let text = include_str!(concat!(env!("OUT_DIR"), "/contract.json"));
        // The build writes this text from the same types, and reads it back.
        aimlapi_video_contract::from_json(text).unwrap_or_default()
    });
    &MODELS
}

/// The model with this id on a route; `None` if this build does not contain it.
pub fn model(route: Route, id: &str) -> Option<&'static Model> {
    models()
        .iter()
        .find(|model| model.route == route && model.id == id)
}

/// Implements [`schemars::JsonSchema`] for a request type with the schema of its model.
#[cfg(feature = "schema")]
macro_rules! json_schema {
    ($name:ident, $route:expr, $model:literal) => {
        impl ::schemars::JsonSchema for types::$name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                crate::contract::schema_of($route, $model)
            }
        }
    };
}
#[cfg(feature = "schema")]
pub(crate) use json_schema;

#[cfg(feature = "schema")]
pub(crate) fn schema_of(route: Route, id: &str) -> schemars::Schema {
    let schema = model(route, id).map(Model::json_schema);
    // A schema is an object, and every generated type has a model.
    schema
        .and_then(|schema| schema.try_into().ok())
        .unwrap_or_default()
}
