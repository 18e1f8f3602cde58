//! The body of a request, composed from options and files.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
    path::Path,
};

use aimlapi_video::{
    GenerationHandle, Media, Model, Role, Route, Warning,
    contract::{JsonType, Property, Schema},
    models,
};
use serde_json::{Map, Value};

use crate::{
    args::{Generate, route_of},
    documents::Catalogue,
    failure::{self, Failure, error_line, shell_quoted},
    output::print_note,
    text::{self, STANDARD_INPUT, json_error},
};

/// A request's body, not yet checked against its document.
#[derive(Debug)]
pub(crate) struct Composed {
    pub(crate) body: Value,
    /// The properties that options have set and that may contain media.
    media: Vec<String>,
}

impl Composed {
    fn new(body: Map<String, Value>, media: Vec<String>) -> Self {
        let body = Value::Object(body);
        Self { body, media }
    }

    /// The error for media that no service can use, in a property that an option has set. In a stored request they are only
    /// warned about.
    pub(crate) fn refusal(&self, warnings: &[Warning]) -> Option<Failure> {
        let is_from_option = |warning: &&Warning| {
            let name = warning.pointer.split('/').nth(1).unwrap_or_default();
            warning.is_unusable && self.media.iter().any(|media| media == name)
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

/// Composes the body from the options of `generate`.
pub(crate) fn compose(generate: &Generate, catalogue: &Catalogue) -> Result<Composed, Failure> {
    if generate.prompt.as_deref() == Some("-") && generate.request.as_deref() == Some("-") {
        return Err(Failure::usage(
            "--prompt - and --request - both read standard input; put one of them into a file",
        ));
    }
    let mut body = match &generate.request {
        Some(source) => stored(source)?,
        None => Map::new(),
    };
    match (&generate.model, body.get("model").and_then(Value::as_str)) {
        (Some(given), Some(stored)) if given != stored => {
            return Err(Failure::usage(format!(
                "the request names the model {stored}, the command line {given}; name one model"
            )));
        }
        (Some(given), _) => {
            body.insert("model".into(), given.as_str().into());
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
    let model = catalogue.model(route_of(generate.legacy), &id);
    // The check of the body reports an unknown model, with the nearest names.
    if model.is_none() && !generate.unchecked {
        return Ok(Composed::new(body, Vec::new()));
    }
    let mut media = Vec::new();
    let property = |role, what| {
        let name = match model {
            Some(model) => model.property(role).map(|property| &*property.name),
            None => usual_name(role),
        };
        let none = || {
            Failure::usage(format!(
                "{id} has no parameter for the {what}; leave the flag off"
            ))
        };
        name.ok_or_else(none)
    };
    if let Some(given) = &generate.prompt {
        let name = property(Role::Prompt, "prompt")?;
        body.insert(name.into(), prompt(given, name)?.into());
    }
    if let Some(image) = &generate.image {
        let name = property(Role::OpeningImage, "opening image")?;
        body.insert(name.into(), image_or_url(image, generate.max_media)?);
        media.push(name.to_owned());
    }
    for set in &generate.set {
        media.push(apply(set, model, generate.max_media, &mut body)?);
    }
    Ok(Composed::new(body, media))
}

/// The name that most models of this build have for a role, which a model without a document probably has too.
fn usual_name(role: Role) -> Option<&'static str> {
    let mut counts = BTreeMap::new();
    for property in models().iter().filter_map(|model| model.property(role)) {
        *counts.entry(&*property.name).or_insert(0) += 1;
    }
    let usual = counts.into_iter().max_by_key(|(_, count)| *count);
    usual.map(|(name, _)| name)
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

fn stored(source: &str) -> Result<Map<String, Value>, Failure> {
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

/// A prompt as given, or from standard input. A file name in the style of curl is an error, since it would be sent as text.
fn prompt(given: &str, property: &str) -> Result<String, Failure> {
    if given == "-" {
        if io::stdin().is_terminal() {
            print_note("reading the prompt from standard input; end it with ctrl-d");
        }
        let text =
            text::read(given).map_err(|error| Failure::usage(format!("the prompt on {error}")))?;
        let text = text.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            return Err(Failure::usage(format!(
                "standard input is empty; write a prompt to it, give the text itself, or send an empty one by --set {property}="
            )));
        }
        return Ok(text.to_owned());
    }
    match given.strip_prefix('@') {
        // Several words may begin with a mention; they are a prompt unless a file has that name.
        Some(file) if !file.contains(char::is_whitespace) || Path::new(file).is_file() => {
            let literal = shell_quoted(&format!("{property}={given}"));
            Err(Failure::usage(format!(
                "the prompt {given:?} looks like a file name, and --prompt reads no files; to send the file's text: \
                 --prompt - < {}; to send these characters: --set {literal}",
                shell_quoted(file)
            )))
        }
        _ => Ok(given.to_owned()),
    }
}

/// Sets a property from `NAME=VALUE` and returns its name. Without a model, every property may take a file.
pub(crate) fn apply(
    set: &str,
    model: Option<&Model>,
    max_media: u64,
    body: &mut Map<String, Value>,
) -> Result<String, Failure> {
    let Some((name, value)) = set.split_once('=') else {
        return Err(Failure::usage(format!(
            "expected --set NAME=VALUE; got {set:?}"
        )));
    };
    let (name, adds) = name
        .strip_suffix('+')
        .map_or((name, false), |name| (name, true));
    let mut properties = model.into_iter().flat_map(|model| &model.properties);
    let property = properties.find(|property| property.name == name);
    let kind = property.map_or(JsonType::Any, |property| property.schema.json_type());
    let of_items = adds || (kind == JsonType::Array && !value.trim_start().starts_with('['));
    let kind = if of_items {
        property.and_then(item_type).unwrap_or(JsonType::Any)
    } else {
        kind
    };
    let value = match value.strip_prefix('@') {
        Some(source) if model.is_none() || property.is_some_and(Property::takes_media) => {
            file(source, max_media)?.uri().as_str().into()
        }
        _ => typed(kind, value),
    };
    if !of_items {
        body.insert(name.into(), value);
        return Ok(name.to_owned());
    }
    match body.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
        Value::Array(items) if adds => items.push(value),
        other => *other = Value::Array(vec![value]),
    }
    Ok(name.to_owned())
}

/// Parses a value by the type of its property. Text that does not parse stays text: the check of the body reports what is
/// allowed.
fn typed(kind: JsonType, text: &str) -> Value {
    let parsed = || serde_json::from_str(text).ok();
    let value = match kind {
        JsonType::String => None,
        JsonType::Integer | JsonType::Number => parsed().filter(Value::is_number),
        JsonType::Boolean => parsed().filter(Value::is_boolean),
        _ => parsed(),
    };
    value.unwrap_or_else(|| text.into())
}

/// The opening image: a URL as given, or a file as a data URI.
fn image_or_url(source: &str, max_mib: u64) -> Result<Value, Failure> {
    // One letter before a colon is a Windows drive.
    let is_url = source.split_once(':').is_some_and(|(scheme, _)| {
        scheme.len() > 1
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    if is_url && !Path::new(source).exists() {
        return Ok(source.into());
    }
    let media = file(source, max_mib)?;
    match media.media_type() {
        Some(kind) if !kind.starts_with("image/") => Err(Failure::usage(format!(
            "the file {source} is {kind}, expected an image; if it is one, state its type as in {source};type=image/png"
        ))),
        _ => Ok(media.uri().as_str().into()),
    }
}

/// Reads a media file. Its type may follow its name, as in `clip.bin;type=video/mp4`, unless a file has that whole name.
fn file(source: &str, max_mib: u64) -> Result<Media, Failure> {
    let max_bytes = max_mib.saturating_mul(1024 * 1024);
    let typed = source
        .rsplit_once(";type=")
        .filter(|_| !Path::new(source).exists());
    let media = match typed {
        Some((path, media_type)) => Media::from_file_as_with_limit(path, media_type, max_bytes),
        None => Media::from_file_with_limit(source, max_bytes),
    };
    media.map_err(|error| {
        let message = error_line(&error);
        let hint = match typed {
            None if message.contains("by its content") => {
                format!(", as in {source};type=video/mp4")
            }
            _ if source.starts_with("www.") || source.starts_with("//") => {
                format!(
                    "; if it is a URL, write https://{}",
                    source.trim_start_matches('/')
                )
            }
            _ => String::new(),
        };
        Failure::of(&error, failure::USAGE, message + &hint)
    })
}

fn item_type(property: &Property) -> Option<JsonType> {
    match property.schema.typed() {
        Schema::Array { items, .. } => Some(items.json_type()),
        _ => None,
    }
}
