//! The values of options: texts, JSON, and media files.

use std::{
    io::{self, IsTerminal},
    path::Path,
};

use aimlapi_video::{
    Media,
    contract::{JsonType, MediaKind},
};
use serde_json::Value;

use crate::{
    failure::{self, Failure, error_line},
    flags::Flag,
    output::print_note,
    text::{self, STANDARD_INPUT},
};

/// The value of a flag, given once or several times. Text that is not JSON of its type stays text: the check of the body reports
/// what is allowed.
pub(crate) fn of_flag(
    flag: &Flag,
    option: &str,
    given: &[String],
    max_mib: u64,
) -> Result<Value, Failure> {
    let one = |given: &String| match flag.takes_media {
        true => media_or_url(given, flag.kind, max_mib).map_err(|failure| Failure {
            message: format!("{option}: {}", failure.message),
            ..failure
        }),
        false => text(option, given).map(|text| typed(flag.value_type(), &text)),
    };
    if !flag.is_list() {
        // The parser of the arguments allows one value.
        return given.first().map_or(Ok(Value::Null), one);
    }
    let mut items = Vec::new();
    for given in given {
        match json_array(given) {
            Some(listed) => items.extend(listed),
            None => items.push(one(given)?),
        }
    }
    match &mut *items {
        [item] if flag.is_one_or_many() && given.iter().all(|text| json_array(text).is_none()) => {
            Ok(item.take())
        }
        _ => Ok(items.into()),
    }
}

fn json_array(text: &str) -> Option<Vec<Value>> {
    text.trim_start()
        .starts_with('[')
        .then(|| serde_json::from_str(text).ok())?
}

/// A text as given, from a file (`@FILE`) or from standard input (`-`). `@@` stands for a literal `@` at the beginning.
pub(crate) fn text(option: &str, given: &str) -> Result<String, Failure> {
    let source = match given.strip_prefix('@') {
        Some(literal) if literal.starts_with('@') => return Ok(literal.to_owned()),
        Some(file) => file,
        None if given == "-" => given,
        None => return Ok(given.to_owned()),
    };
    if source == "-" && io::stdin().is_terminal() {
        print_note(format!(
            "reading {option} from standard input; end it with ctrl-d"
        ));
    }
    let read = match source {
        "" => Err("no file is named".to_owned()),
        source => text::read(source),
    };
    let text = read.map_err(|error| {
        Failure::usage(match source {
            "-" => format!("{option}: {error}"),
            _ => {
                format!("{option} {given}: {error}; for a text that begins with @, write @{given}")
            }
        })
    })?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        let source = if source == "-" {
            STANDARD_INPUT
        } else {
            source
        };
        return Err(Failure::usage(format!(
            "{option}: {source} is empty; write the text to it, or give an empty one as {option} ''"
        )));
    }
    Ok(text.to_owned())
}

/// Parses a value by the type of its property. Text that does not parse stays text: the check of the body reports what is
/// allowed.
pub(crate) fn typed(kind: JsonType, text: &str) -> Value {
    let parsed = || serde_json::from_str(text).ok();
    let value = match kind {
        JsonType::String => None,
        JsonType::Integer | JsonType::Number => parsed().filter(Value::is_number),
        JsonType::Boolean => parsed().filter(Value::is_boolean),
        _ => parsed(),
    };
    value.unwrap_or_else(|| text.into())
}

/// Media: a URL as given, or a file as a data URI.
fn media_or_url(source: &str, kind: Option<MediaKind>, max_mib: u64) -> Result<Value, Failure> {
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
    let path = match source.strip_prefix('@') {
        Some(path) if !Path::new(source).exists() => path,
        _ => source,
    };
    let media = file(path, kind, max_mib)?;
    let media_type = media.media_type().unwrap_or_default();
    match (kind, MediaKind::from_media_type(media_type)) {
        (Some(kind), Some(other)) if kind != other => Err(Failure::usage(format!(
            "the file {path} is {media_type}, expected {}; if it is one, state its type as in {path};type={}",
            kind.noun(),
            example(kind)
        ))),
        _ => Ok(media.uri().as_str().into()),
    }
}

fn example(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Video => "video/mp4",
        MediaKind::Audio => "audio/mpeg",
        _ => "image/png",
    }
}

/// Reads a media file. Its type may follow its name, as in `clip.bin;type=video/mp4`, unless a file has that whole name.
pub(crate) fn file(source: &str, kind: Option<MediaKind>, max_mib: u64) -> Result<Media, Failure> {
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
                let media_type = example(kind.unwrap_or(MediaKind::Video));
                format!(", as in {source};type={media_type}")
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
