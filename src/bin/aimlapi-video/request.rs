//! From flags and files to a request's body.

use std::{fs, io::Read, path::Path};

use aimlapi_video::{GenerationHandle, Media, Model, Property, PropertyKind, Role, Route, models};
use serde_json::{Map, Value};

use crate::{
    args::Generate,
    failure::{Failure, line},
};

/// The body that the flags of `generate` ask for; it is held to its document later.
pub(crate) fn body(generate: &Generate) -> Result<Value, Failure> {
    let mut body = match &generate.request {
        Some(source) => stored(source)?,
        None => Map::new(),
    };
    match (&generate.model, body.get("model").and_then(Value::as_str)) {
        (Some(given), Some(stored)) if given != stored => {
            return Err(Failure::usage(format!(
                "the request is for {stored}, but {given} was asked for; name one model"
            )));
        }
        (Some(given), _) => {
            body.insert("model".into(), given.as_str().into());
        }
        (None, None) => {
            return Err(Failure::usage(
                "no model; name one that `aimlapi-video models` lists, or give a request that names one",
            ));
        }
        (None, Some(_)) => {}
    }
    let id = body
        .get("model")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    // An unknown model is told, with its nearest relatives, when the body is read.
    let Some(model) = known(generate.route()).find(|model| model.id() == id) else {
        return Ok(Value::Object(body));
    };
    let property = |role, what| {
        let none = || Failure::usage(format!("{id} takes no {what}; leave the flag off"));
        model.property(role).map(Property::name).ok_or_else(none)
    };
    if let Some(prompt) = &generate.prompt {
        body.insert(
            property(Role::Prompt, "prompt")?.into(),
            prompt.as_str().into(),
        );
    }
    if let Some(image) = &generate.image {
        let name = property(Role::OpeningImage, "opening image")?;
        body.insert(name.into(), media(image, generate.max_media, true)?);
    }
    for set in &generate.set {
        apply(set, model, generate.max_media, &mut body)?;
    }
    Ok(Value::Object(body))
}

impl Generate {
    pub(crate) fn route(&self) -> Route {
        if self.legacy {
            Route::LegacyKling
        } else {
            Route::Universal
        }
    }
}

/// An id, a file with a handle, or a handle on standard input.
pub(crate) fn handle(given: &str, legacy: bool) -> Result<GenerationHandle, Failure> {
    let path = Path::new(given);
    let text = if given == "-" {
        standard_input()?
    } else if path.is_file() || given.ends_with(".json") {
        fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!(
                "the handle {given} cannot be read: {error}; give an id, or what `generate --no-wait` wrote"
            ))
        })?
    } else {
        let route = if legacy {
            Route::LegacyKling
        } else {
            Route::Universal
        };
        return Ok(GenerationHandle::new(given).with_route(route));
    };
    let handle: GenerationHandle = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!(
            "{given} holds no handle as `generate --no-wait` prints it: {error}"
        ))
    })?;
    Ok(if legacy {
        handle.with_route(Route::LegacyKling)
    } else {
        handle
    })
}

/// All of standard input.
fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
    Ok(text)
}

fn known(route: Route) -> impl Iterator<Item = &'static Model> {
    models().iter().filter(move |model| model.route() == route)
}

fn stored(source: &str) -> Result<Map<String, Value>, Failure> {
    let text = if source == "-" {
        standard_input()?
    } else {
        fs::read_to_string(source).map_err(|error| {
            Failure::usage(format!("the request {source} cannot be read: {error}"))
        })?
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failure::usage(format!(
            "the request {source} is JSON but no object"
        ))),
        Err(error) => Err(Failure::usage(format!(
            "the request {source} is no JSON: {error}"
        ))),
    }
}

fn apply(
    set: &str,
    model: &Model,
    max_media: u64,
    body: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let Some((name, value)) = set.split_once('=') else {
        return Err(Failure::usage(format!(
            "--set takes NAME=VALUE, not {set:?}"
        )));
    };
    let (name, adds) = name
        .strip_suffix('+')
        .map_or((name, false), |name| (name, true));
    let property = model
        .properties()
        .iter()
        .find(|property| property.name() == name);
    let kind = property.map_or(PropertyKind::Any, Property::kind);
    let of_items = adds || (kind == PropertyKind::Array && !value.trim_start().starts_with('['));
    let kind = if of_items {
        property
            .and_then(Property::item_kind)
            .unwrap_or(PropertyKind::Any)
    } else {
        kind
    };
    let value = match value.strip_prefix('@') {
        Some(file) if property.is_some_and(Property::is_media) => media(file, max_media, false)?,
        _ => typed(kind, value),
    };
    if !of_items {
        body.insert(name.into(), value);
        return Ok(());
    }
    match body.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(items) if adds => items.push(value),
        other => *other = Value::Array(vec![value]),
    }
    Ok(())
}

/// The value as its type reads it; text that does not fit stays text, and is refused with what is allowed.
fn typed(kind: PropertyKind, text: &str) -> Value {
    let parsed = || serde_json::from_str(text).ok();
    let value = match kind {
        PropertyKind::String => None,
        PropertyKind::Integer | PropertyKind::Number => parsed().filter(Value::is_number),
        PropertyKind::Boolean => parsed().filter(Value::is_boolean),
        _ => parsed(),
    };
    value.unwrap_or_else(|| text.into())
}

/// A link as it stands, or a file as a data URI.
fn media(source: &str, max_mib: u64, picture: bool) -> Result<Value, Failure> {
    let is_link = ["http://", "https://", "data:"].iter().any(|scheme| {
        source
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if is_link {
        return Ok(source.into());
    }
    let media = Media::from_file_with_limit(source, max_mib.saturating_mul(1024 * 1024))
        .map_err(|error| Failure::usage(line(&error)))?;
    match media.media_type() {
        Some(kind) if picture && !kind.starts_with("image/") => Err(Failure::usage(format!(
            "the file {source} is no picture but {kind}"
        ))),
        _ => Ok(media.uri().as_str().into()),
    }
}
