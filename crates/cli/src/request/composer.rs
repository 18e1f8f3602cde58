//! Applies options to the body of a request.

use std::collections::BTreeMap;

use aimlapi_video::{
    Model, Role,
    contract::{JsonType, MediaKind, Property, Schema},
    models,
};
use serde_json::{Map, Value};

use super::{is_set, is_within, values};
use crate::{
    args::Parameters,
    failure::Failure,
    flags::{self, Flag},
};

/// Applies options to a body, and collects what is wrong with them.
pub(super) struct Composer<'a> {
    /// `None` for a model without a document.
    pub(super) model: Option<&'a Model>,
    pub(super) max_media: u64,
    pub(super) id: String,
    pub(super) body: Map<String, Value>,
    /// The JSON pointers that options have set, each with the option.
    pub(super) options: Vec<(String, String)>,
    pub(super) problems: Vec<Failure>,
}

impl Composer<'_> {
    pub(super) fn apply(&mut self, parameters: &Parameters) {
        if let Some(given) = &parameters.prompt {
            let value = values::text("--prompt", given).map(Value::from);
            match self.name_of(Role::Prompt) {
                Some(name) => self.set(&[name], "--prompt", value),
                None => self.refuse(format!(
                    "{} has no parameter for the prompt; leave the flag off",
                    self.id
                )),
            }
        }
        if !parameters.image.is_empty() {
            match self.image(parameters.image.len()) {
                Ok(flag) => self.set_flag(&flag, "--image", &parameters.image),
                Err(problem) => self.refuse(problem),
            }
        }
        for set in &parameters.set {
            self.apply_set(set);
        }
        for given in &parameters.flags {
            self.set_flag(&given.flag, &given.flag.spelling(), &given.values);
        }
    }

    fn refuse(&mut self, problem: String) {
        self.problems.push(Failure::usage(problem));
    }

    fn set_flag(&mut self, flag: &Flag, option: &str, given: &[String]) {
        let value = values::of_flag(flag, option, given, self.max_media);
        self.set(&flag.path, option, value);
    }

    fn set(&mut self, path: &[String], option: &str, value: Result<Value, Failure>) {
        self.claim(path, option);
        match value {
            Ok(value) => insert(&mut self.body, path, value),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// Records that an option sets a property. Two options for one property are an error, since one of them would be lost.
    fn claim(&mut self, path: &[String], option: &str) {
        let pointer: String = path.iter().map(|name| format!("/{name}")).collect();
        let overlaps = |other: &str| is_within(&pointer, other) || is_within(other, &pointer);
        let mut others = self.options.iter();
        // A later --set overrides an earlier one.
        let other = others.find(|(other, by)| overlaps(other) && !(is_set(by) && is_set(option)));
        if let Some((_, other)) = other {
            self.refuse(format!(
                "{other} and {option} set the same parameter; leave one of them off"
            ));
        }
        self.options.push((pointer, option.to_owned()));
    }

    /// The name of the property with a role.
    fn name_of(&self, role: Role) -> Option<String> {
        match self.model {
            Some(model) => model.property(role).map(|property| property.name.clone()),
            None => usual_name(role),
        }
    }

    /// The flag that `--image` stands for.
    fn image(&self, count: usize) -> Result<Flag, String> {
        let id = &self.id;
        let Some(model) = self.model else {
            let name = usual_name(Role::OpeningImage).filter(|_| count == 1);
            let name = name.ok_or_else(|| {
                format!("no document describes {id}; give several images by --set NAME+=@FILE")
            })?;
            return Ok(Flag::of_image(name));
        };
        let mut images = flags::of(model);
        images.retain(|flag| {
            flag.path.len() == 1 && flag.takes_media && flag.kind == Some(MediaKind::Image)
        });
        let opening = model.property(Role::OpeningImage);
        let opening = images
            .iter()
            .position(|flag| opening.is_some_and(|opening| flag.path == [&*opening.name]));
        let chosen = opening.or((images.len() == 1).then_some(0));
        let chosen = chosen.map(|index| images.remove(index));
        let others: Vec<String> = images.iter().map(Flag::spelling).collect();
        let others = others.join(", ");
        match chosen {
            Some(flag) if count == 1 || flag.is_list() => Ok(flag),
            Some(_) if others.is_empty() => Err(format!("{id} takes one image; give --image once")),
            Some(_) => Err(format!(
                "{id} opens with one image; give --image once, and other images by {others}"
            )),
            None if others.is_empty() => Err(format!(
                "{id} has no parameter for the opening image; leave the flag off, or name a model that \
                 `aimlapi-video models --takes image` lists"
            )),
            None => Err(format!(
                "{id} takes images in several parameters; in place of --image, use {others}"
            )),
        }
    }

    /// Sets a property from `NAME=VALUE`. Without a model, every property may take a file.
    pub(super) fn apply_set(&mut self, set: &str) {
        let Some((name, value)) = set.split_once('=') else {
            self.refuse(format!("expected --set NAME=VALUE; got {set:?}"));
            return;
        };
        let (name, adds) = name
            .strip_suffix('+')
            .map_or((name, false), |name| (name, true));
        self.claim(&[name.to_owned()], &format!("--set {name}="));
        let mut properties = self.model.into_iter().flat_map(|model| &model.properties);
        let property = properties.find(|property| property.name == name);
        let kind = property.map_or(JsonType::Any, |property| property.schema.json_type());
        let of_items = adds || (kind == JsonType::Array && !value.trim_start().starts_with('['));
        let kind = if of_items {
            property.and_then(item_type).unwrap_or(JsonType::Any)
        } else {
            kind
        };
        let value = match value.strip_prefix('@') {
            Some(source) if self.model.is_none() || property.is_some_and(Property::takes_media) => {
                match values::file(source, None, self.max_media) {
                    Ok(media) => media.uri().as_str().into(),
                    Err(problem) => return self.problems.push(problem),
                }
            }
            _ => values::typed(kind, value),
        };
        if !of_items {
            self.body.insert(name.into(), value);
            return;
        }
        match self
            .body
            .entry(name)
            .or_insert_with(|| Value::Array(Vec::new()))
        {
            Value::Array(items) if adds => items.push(value),
            other => *other = Value::Array(vec![value]),
        }
    }
}

/// Inserts a value below objects, which are created where they are missing.
fn insert(body: &mut Map<String, Value>, path: &[String], value: Value) {
    match path {
        [] => {}
        [name] => {
            body.insert(name.clone(), value);
        }
        [name, rest @ ..] => {
            let object = body.entry(name).or_insert(Value::Null);
            if !object.is_object() {
                *object = Map::new().into();
            }
            if let Value::Object(object) = object {
                insert(object, rest, value);
            }
        }
    }
}

/// The name that most models of this build have for a role, which a model without a document probably has too.
fn usual_name(role: Role) -> Option<String> {
    let mut counts = BTreeMap::new();
    for property in models().iter().filter_map(|model| model.property(role)) {
        *counts.entry(&*property.name).or_insert(0) += 1;
    }
    let usual = counts.into_iter().max_by_key(|(_, count)| *count);
    usual.map(|(name, _)| name.to_owned())
}

fn item_type(property: &Property) -> Option<JsonType> {
    match property.schema.typed() {
        Schema::Array { items, .. } => Some(items.json_type()),
        _ => None,
    }
}
