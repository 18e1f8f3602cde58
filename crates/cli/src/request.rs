//! The body of a request, composed from options and files.

use std::{collections::BTreeMap, path::Path};

use aimlapi_video::{
    Error, GenerationHandle, Model, Role, Route, Violation, Warning,
    contract::{JsonType, MediaKind, Property, Schema},
    models,
};
use serde_json::{Map, Value};

use crate::{
    args::{Parameters, route_of},
    documents::Catalogue,
    failure::Failure,
    flags::{self, Flag, Given},
    text::{self, STANDARD_INPUT, json_error},
};

mod values;

/// Where a request's model and its stored part come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) model: Option<&'a str>,
    /// A file with a body, or `-`.
    pub(crate) request: Option<&'a str>,
    /// Whether a model without a document is allowed.
    pub(crate) unchecked: bool,
}

/// A request's body, not yet checked against its document.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) body: Value,
    /// The JSON pointers that options have set, each with the option.
    options: Vec<(String, String)>,
    /// The flags of the parameters that may be missing.
    flags: Vec<(String, String)>,
}

impl Composed {
    /// The flag that has set the value of a violation, or that can set a missing one. The values of --set are named by their
    /// pointers, which have the same names.
    pub(crate) fn flag(&self, violation: &Violation) -> Option<&str> {
        let flags = match violation.given {
            Some(_) => &self.options,
            None => &self.flags,
        };
        let is_at = |(pointer, flag): &&(String, String)| {
            !is_set(flag) && is_within(&violation.pointer, pointer)
        };
        let flag = flags
            .iter()
            .filter(is_at)
            .max_by_key(|(pointer, _)| pointer.len());
        flag.map(|(_, flag)| &**flag)
    }

    /// The failure of a check, with flags in place of JSON pointers.
    pub(crate) fn refused(&self, error: &Error) -> Failure {
        let mut failure = Failure::creating(error);
        for violation in error.violations() {
            let Some(flag) = self.flag(violation) else {
                continue;
            };
            let text = violation.to_string();
            let flags = self.options.iter().chain(&self.flags);
            let mut pointers = flags
                .filter(|(_, name)| name == flag)
                .map(|(pointer, _)| pointer);
            let is_whole = pointers.any(|pointer| *pointer == violation.pointer);
            let named = match text.strip_prefix(&*violation.pointer) {
                Some(rest) if is_whole => format!("{flag}{rest}"),
                _ => format!("{flag}: {text}"),
            };
            failure.message = failure.message.replacen(&text, &named, 1);
        }
        failure
    }

    /// The error for media that no service can use, in a property that an option has set. In a stored request they are only
    /// warned about.
    pub(crate) fn refusal(&self, warnings: &[Warning]) -> Option<Failure> {
        let is_from_option = |warning: &&Warning| {
            let is_at = |(pointer, _): &(String, String)| is_within(&warning.pointer, pointer);
            warning.is_unusable && self.options.iter().any(is_at)
        };
        let unusable: Vec<String> = warnings
            .iter()
            .filter(is_from_option)
            .map(ToString::to_string)
            .collect();
        (!unusable.is_empty()).then(|| {
            Failure::usage(format!(
                "nothing was created: {} (--image FILE and --set NAME=@FILE send a file inline)",
                unusable.join("; ")
            ))
        })
    }
}

fn is_set(option: &str) -> bool {
    option.starts_with("--set ")
}

/// Whether a JSON pointer is another one, or leads to a part of its value.
fn is_within(pointer: &str, other: &str) -> bool {
    let rest = pointer.strip_prefix(other);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Composes the body from the options of a command.
pub(crate) fn compose(
    parameters: &Parameters,
    source: Source<'_>,
    catalogue: &Catalogue,
) -> Result<Composed, Failure> {
    require_one_reader(parameters, source.request)?;
    let mut body = match source.request {
        Some(source) => stored(source)?,
        None => Map::new(),
    };
    match (source.model, body.get("model").and_then(Value::as_str)) {
        (Some(given), Some(stored)) if given != stored => {
            return Err(Failure::usage(format!(
                "the request names the model {stored}, the command line {given}; name one model"
            )));
        }
        (Some(given), _) => {
            body.insert("model".into(), given.into());
        }
        (None, None) => {
            return Err(Failure::usage(format!(
                "the model is missing; name one that `{}` lists, or give a request that names one",
                catalogue.listing()
            )));
        }
        (None, Some(_)) => {}
    }
    let id = model_id(&body);
    let model = catalogue.model(route_of(parameters.legacy), &id);
    let mut composer = Composer {
        model,
        max_media: parameters.max_media,
        id,
        body,
        options: Vec::new(),
        problems: Vec::new(),
    };
    // The check of the body reports an unknown model, with the nearest names.
    if model.is_some() || source.unchecked {
        composer.apply(parameters);
    }
    if !composer.problems.is_empty() {
        return Err(Failure::usage(composer.problems.join("; ")));
    }
    let flags = model.filter(|_| source.request.is_none()).map(flags::of);
    let flags = flags.unwrap_or_default().into_iter();
    Ok(Composed {
        body: composer.body.into(),
        options: composer.options,
        flags: flags
            .map(|flag| (flag.pointer(), flag.spelling()))
            .collect(),
    })
}

/// Two options cannot both read standard input.
fn require_one_reader(parameters: &Parameters, request: Option<&str>) -> Result<(), Failure> {
    let is_reader =
        |given: &&Given| !given.flag.takes_media && given.values.iter().any(|value| value == "-");
    let flags = parameters.flags.iter().filter(is_reader);
    let prompt = parameters.prompt.as_deref().filter(|prompt| *prompt == "-");
    let request = request.filter(|request| *request == "-");
    let readers = prompt.map(|_| "--prompt".to_owned()).into_iter();
    let readers: Vec<String> = readers
        .chain(flags.map(|given| given.flag.spelling()))
        .chain(request.map(|_| "--request".to_owned()))
        .map(|option| option + " -")
        .collect();
    match readers.as_slice() {
        [] | [_] => Ok(()),
        [first, second, ..] => Err(Failure::usage(format!(
            "{first} and {second} both read standard input; put one of them into a file"
        ))),
    }
}

/// Applies options to a body, and collects what is wrong with them.
struct Composer<'a> {
    /// `None` for a model without a document.
    model: Option<&'a Model>,
    max_media: u64,
    id: String,
    body: Map<String, Value>,
    /// The JSON pointers that options have set, each with the option.
    options: Vec<(String, String)>,
    problems: Vec<String>,
}

impl Composer<'_> {
    fn apply(&mut self, parameters: &Parameters) {
        if let Some(given) = &parameters.prompt {
            let value = values::text("--prompt", given).map(Value::from);
            match self.name_of(Role::Prompt) {
                Some(name) => self.set(&[name], "--prompt", value),
                None => self.problems.push(format!(
                    "{} has no parameter for the prompt; leave the flag off",
                    self.id
                )),
            }
        }
        if !parameters.image.is_empty() {
            match self.image(parameters.image.len()) {
                Ok(flag) => self.set_flag(&flag, "--image", &parameters.image),
                Err(problem) => self.problems.push(problem),
            }
        }
        for set in &parameters.set {
            self.apply_set(set);
        }
        for given in &parameters.flags {
            self.set_flag(&given.flag, &given.flag.spelling(), &given.values);
        }
    }

    fn set_flag(&mut self, flag: &Flag, option: &str, given: &[String]) {
        let value = values::of_flag(flag, option, given, self.max_media);
        self.set(&flag.path, option, value);
    }

    fn set(&mut self, path: &[String], option: &str, value: Result<Value, String>) {
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
            self.problems.push(format!(
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
                "{id} has no parameter for the opening image; leave the flag off"
            )),
            None => Err(format!(
                "{id} takes images in several parameters; in place of --image, use {others}"
            )),
        }
    }

    /// Sets a property from `NAME=VALUE`. Without a model, every property may take a file.
    fn apply_set(&mut self, set: &str) {
        let Some((name, value)) = set.split_once('=') else {
            self.problems
                .push(format!("expected --set NAME=VALUE; got {set:?}"));
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
                match values::file(source, self.max_media) {
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

/// The model that a body names; empty if it names none.
pub(crate) fn model_id(body: &Map<String, Value>) -> String {
    let id = body.get("model").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

/// Reads a handle from a file or standard input, or makes one from an id.
pub(crate) fn handle(given: &str, legacy: bool) -> Result<GenerationHandle, Failure> {
    let is_text = given == "-" || given.ends_with(".json") || Path::new(given).is_file();
    if !is_text {
        return Ok(GenerationHandle::new(given).with_route(route_of(legacy)));
    }
    let text = text::read(given).map_err(|error| {
        Failure::usage(format!(
            "the handle {error}; give an id, or a file that `generate --no-wait` wrote"
        ))
    })?;
    let handle: GenerationHandle = serde_json::from_str(&text).map_err(|error| {
        Failure::usage(format!(
            "expected a handle as `generate --no-wait` prints it, or an id: {}",
            json_error(source_name(given), 1, &text, &error)
        ))
    })?;
    Ok(if legacy {
        handle.with_route(Route::LegacyKling)
    } else {
        handle
    })
}

/// The name of a source in messages.
fn source_name(given: &str) -> &str {
    match given {
        "-" => STANDARD_INPUT,
        path => path,
    }
}

/// Reads a body from a file, or from standard input.
pub(crate) fn stored(source: &str) -> Result<Map<String, Value>, Failure> {
    let name = source_name(source);
    let text =
        text::read(source).map_err(|error| Failure::usage(format!("the request {error}")))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failure::usage(format!(
            "the request {name} is not a JSON object; write one such as {{\"model\": \"MODEL\", \"prompt\": \"A kite \
             climbs\"}}, and see `aimlapi-video batch` for several"
        ))),
        Err(error) => Err(Failure::usage(format!(
            "the request cannot be read: {}",
            json_error(name, 1, &text, &error)
        ))),
    }
}

fn item_type(property: &Property) -> Option<JsonType> {
    match property.schema.typed() {
        Schema::Array { items, .. } => Some(items.json_type()),
        _ => None,
    }
}
