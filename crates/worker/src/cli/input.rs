//! The requests of a file, each checked against its document, with the keys of their jobs.

use std::{
    collections::HashMap,
    io::{self, Read},
};

use aimlapi_video::{GenerationRequest, Route};
use aimlapi_video_worker::temporal::protocol::JobInput;
use serde_json::{Map, Value};

use super::failure::{Failure, USAGE, error_line};

/// A job to submit.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) key: String,
    /// Where its request is: `FILE:LINE`, or `FILE: item N` in an array.
    pub(crate) place: String,
    pub(crate) input: JobInput,
    /// What the document advises against.
    pub(crate) warnings: Vec<String>,
}

/// Reads all requests of a file. The error lists every request that cannot be submitted.
pub(crate) fn read(file: &str) -> Result<Vec<Planned>, Failure> {
    let name = match file {
        "-" => "standard input",
        path => path,
    };
    let text = text(file)
        .map_err(|error| Failure::usage(format!("nothing was submitted: {name} {error}")))?;
    let bodies = bodies(&text, name);
    if bodies.is_empty() {
        return Err(Failure::usage(format!(
            "{name} contains no request; write one JSON object a line"
        )));
    }
    let count = bodies.len();
    let mut keys = Keys::default();
    let (mut planned, mut errors) = (Vec::new(), Vec::new());
    for (place, body) in bodies {
        match body.and_then(|body| plan(body, &place, &mut keys)) {
            Ok(job) => planned.push(job),
            Err(error) => errors.push(format!("{place}: {error}")),
        }
    }
    if errors.is_empty() {
        return Ok(planned);
    }
    errors.push(format!(
        "nothing was submitted: {} of {count} requests cannot be",
        errors.len()
    ));
    Err(Failure {
        code: USAGE,
        lines: errors,
    })
}

fn text(file: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let read = match file {
        "-" => io::stdin().lock().read_to_end(&mut bytes).map(drop),
        path => std::fs::read(path).map(|read| bytes = read),
    };
    read.map_err(|error| format!("cannot be read: {error}"))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        format!("is not UTF-8 in line {line}; save it as UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{FEFF}').to_owned())
}

type Bodies = Vec<(String, Result<Value, String>)>;

fn bodies(text: &str, file: &str) -> Bodies {
    if text.trim_start().starts_with('[') {
        return match serde_json::from_str::<Vec<Value>>(text) {
            Ok(items) => {
                let item = |(index, body)| (format!("{file}: item {}", index + 1), Ok(body));
                items.into_iter().enumerate().map(item).collect()
            }
            Err(error) => vec![(file.to_owned(), Err(format!("not a JSON array: {error}")))],
        };
    }
    // One object may have many lines.
    if let Ok(body @ Value::Object(_)) = serde_json::from_str(text) {
        return vec![(format!("{file}:1"), Ok(body))];
    }
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    let body = |(index, line)| {
        let body = serde_json::from_str(line).map_err(|error| {
            // The parser counts the lines of its own text.
            let error = error
                .to_string()
                .replace(" at line 1 column ", " in column ");
            format!("not JSON: {error}; write one JSON object a line")
        });
        (format!("{file}:{}", index + 1), body)
    };
    lines.map(body).collect()
}

fn plan(mut body: Value, place: &str, keys: &mut Keys) -> Result<Planned, String> {
    let given = body
        .as_object_mut()
        .and_then(|body: &mut Map<_, _>| body.remove(KEY));
    let request =
        GenerationRequest::from_json(Route::Universal, body).map_err(|error| error_line(&error))?;
    let input = JobInput::new(&request);
    let key = match given {
        Some(given) => keys.given(&given, place)?,
        None => keys.derived(&input.sha256, place),
    };
    let warnings = request.warnings();
    Ok(Planned {
        key,
        place: place.to_owned(),
        input,
        warnings: warnings.iter().map(ToString::to_string).collect(),
    })
}

/// The keys of a file, each with its place.
#[derive(Default)]
struct Keys(HashMap<String, String>);

impl Keys {
    fn given(&mut self, given: &Value, place: &str) -> Result<String, String> {
        let is_valid = |key: &&str| {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let is_start = |c: char| c.is_ascii_alphanumeric();
            key.len() <= MAX_KEY && key.starts_with(is_start) && key.chars().all(is_plain)
        };
        // In a store that is a folder, such a key would be the name of another job's record.
        if let Some(key) = given.as_str().filter(|key| key.ends_with(RECORD)) {
            return Err(format!(
                "/{KEY}: {key} ends in {RECORD}, as the names of records do; give another one"
            ));
        }
        let key = given.as_str().filter(is_valid).ok_or_else(|| {
            format!(
                "/{KEY}: expected 1 to {MAX_KEY} ASCII letters, digits, dots, hyphens and underscores, the first one a letter or a \
                 digit; got {given}"
            )
        })?;
        match self.0.insert(key.to_owned(), place.to_owned()) {
            None => Ok(key.to_owned()),
            Some(other) => Err(format!(
                "/{KEY}: {key} is the key of {other}, too; give another one"
            )),
        }
    }

    /// The key by content, so that the request is the same job wherever its line is. A request that is repeated in the file is
    /// another job.
    fn derived(&mut self, sha256: &str, place: &str) -> String {
        let first = sha256[..DERIVED].to_owned();
        let further = (2..).map(|number| format!("{first}-{number}"));
        let mut keys = std::iter::once(first.clone()).chain(further);
        let free = keys.find(|key| !self.0.contains_key(key)).unwrap_or(first);
        self.0.insert(free.clone(), place.to_owned());
        free
    }
}

/// The property of a request that is its job's key. It is not sent.
const KEY: &str = "job";

/// The end of the names of records in the store.
const RECORD: &str = ".json";

/// A key is part of names in the store.
const MAX_KEY: usize = 100;

/// How many digits of the SHA-256 make a key: with 64 bits, two of a million requests share one with a chance of 1 to 40 million.
const DERIVED: usize = 16;

#[cfg(test)]
mod tests;
