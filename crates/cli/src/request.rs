//! The body of a request, composed from options and files.

use std::path::Path;

use aimlapi_video::{Error, GenerationHandle, Model, Route, Violation, Warning};
use serde_json::{Map, Value};

use crate::{
    args::{Parameters, route_of},
    documents::Catalogue,
    failure::{Failure, shell_quoted, violation_json},
    flags::{self, Flag, Given},
    text::{self, STANDARD_INPUT, json_error},
};

mod composer;
mod values;

use composer::Composer;

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
    /// The JSON pointers of the parameters whose flags take files.
    files: Vec<String>,
}

impl Composed {
    /// The flag that has set the value of a violation, or that can set a missing one.
    fn flag_at(&self, violation: &Violation) -> Option<&(String, String)> {
        let flags = match violation.given {
            Some(_) => &self.options,
            None => &self.flags,
        };
        flag_of(&violation.pointer, flags)
    }

    /// A violation as `validate` prints it, with its flag.
    pub(crate) fn violation_json(&self, violation: &Violation) -> Value {
        let mut entry = violation_json(violation);
        if let Some((_, flag)) = self.flag_at(violation) {
            entry["flag"] = flag.as_str().into();
        }
        entry
    }

    /// The failure of a check, with flags in place of JSON pointers.
    pub(crate) fn refused(&self, error: &Error) -> Failure {
        let mut failure = Failure::creating(error);
        for violation in error.violations() {
            let Some((pointer, flag)) = self.flag_at(violation) else {
                continue;
            };
            let text = violation.to_string();
            let mut named = match text.strip_prefix(&**pointer) {
                Some(rest) if *pointer == violation.pointer => format!("{flag}{rest}"),
                _ => format!("{flag}: {text}"),
            };
            if violation.given.is_none() && self.files.contains(&violation.pointer) {
                named += ", or the path of a file";
            }
            failure.message = failure.message.replacen(&text, &named, 1);
        }
        let is_file = |given: &&str| Path::new(given).is_file();
        let file = error.violations().iter().find_map(|violation| {
            let given = violation.given.as_ref()?.as_str().filter(is_file)?;
            Some((violation.pointer.trim_start_matches('/'), given))
        });
        if let Some((name, file)) = file.filter(|(name, _)| !name.contains('/')) {
            let value = shell_quoted(&format!("{name}=@{file}"));
            failure.message += &format!("; --set {value} sends the file");
        }
        let violations = error.violations().iter();
        failure.violations = violations
            .map(|violation| self.violation_json(violation))
            .collect();
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
            .map(|warning| match flag_of(&warning.pointer, &self.options) {
                Some((pointer, flag)) if *pointer == warning.pointer => {
                    format!("{flag}: {}", warning.message)
                }
                Some((_, flag)) => format!("{flag}: {warning}"),
                None => warning.to_string(),
            })
            .collect();
        (!unusable.is_empty()).then(|| {
            Failure::usage(format!(
                "nothing was created: {} (--image FILE and --set NAME=@FILE send a file inline)",
                unusable.join("; ")
            ))
        })
    }
}

/// The flag of a value at a JSON pointer. The values of --set are named by their pointers, which have the same names.
fn flag_of<'a>(pointer: &str, options: &'a [(String, String)]) -> Option<&'a (String, String)> {
    let options = options.iter();
    options
        .filter(|(at, flag)| !is_set(flag) && is_within(pointer, at))
        .max_by_key(|(at, _)| at.len())
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
    let problems = composer.problems.into_iter();
    if let Some(all) = problems.reduce(|first, next| Failure {
        message: format!("{}; {}", first.message, next.message),
        ..first
    }) {
        return Err(all);
    }
    let flags = model.filter(|_| source.request.is_none()).map(flags::of);
    let flags = flags.unwrap_or_default();
    let media = flags.iter().filter(|flag| flag.takes_media);
    Ok(Composed {
        body: composer.body.into(),
        options: composer.options,
        files: media.map(Flag::pointer).collect(),
        flags: flags
            .iter()
            .map(|flag| (flag.pointer(), flag.spelling()))
            .collect(),
    })
}

/// Sets a property of a body from `NAME=VALUE`, as `--set` does.
pub(crate) fn apply(
    set: &str,
    model: &Model,
    max_media: u64,
    body: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let mut composer = Composer {
        model: Some(model),
        max_media,
        id: model.id.clone(),
        body: std::mem::take(body),
        options: Vec::new(),
        problems: Vec::new(),
    };
    composer.apply_set(set);
    *body = composer.body;
    composer.problems.pop().map_or(Ok(()), Err)
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

/// The model that a body names; empty if it names none.
pub(crate) fn model_id(body: &Map<String, Value>) -> String {
    let id = body.get("model").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

/// Reads a handle from a file or standard input, or makes one from an id.
pub(crate) fn handle(given: &str, legacy: bool) -> Result<GenerationHandle, Failure> {
    let is_text = given == "-" || given.ends_with(".json") || Path::new(given).is_file();
    if let Some(beginning) = given.strip_suffix('…') {
        return Err(Failure::usage(format!(
            "{given} is a shortened id; `aimlapi-video history show {beginning}` has the whole one"
        )));
    }
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
