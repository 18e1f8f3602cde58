//! Finds the reason of a failed generation anywhere in a response.
//!
//! The search visits every property, classifies its name ([`Words`]), and prefers the outermost text that is named as a failure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{
    excerpt::shortened,
    parts::{Failure, State},
    status::state_of,
    words::{Meaning, Words},
};

/// The error of a response, from `error` or any property that is named as a failure. A value that means success (`null`, `{}`,
/// `""`, code 0, "success") is not an error.
pub(super) fn failure(answer: &Value) -> Option<Failure> {
    Search::new(false).run(answer)
}

/// The failure that the value of `error` describes.
pub(super) fn error(value: &Value) -> Option<Failure> {
    read(value, true, 0)
}

/// Whether this object of a response states a failure by a text or an object that is named as one. A number may be a count of
/// failures, and a failure that is named as an earlier one did not end the generation.
pub(super) fn states_failure(map: &Map<String, Value>) -> bool {
    map.iter().any(|(key, value)| {
        let words = Words::of(key);
        let is_text = match value {
            Value::Array(_) => matches!(key.as_str(), "error" | "errors"),
            value => value.is_string() || value.is_object(),
        };
        is_text
            && words.meaning(false) == Meaning::Failure
            && !words.is_past()
            && read(value, true, 0).is_some()
    })
}

/// The reason in a response whose state is failed: as [`failure`], else any reason, message or note that does not belong to the
/// request.
pub(super) fn reason(answer: &Value) -> Option<Failure> {
    Search::new(true).run(answer)
}

/// The maximum number of bytes that are kept of a text.
const MAX_TEXT: usize = 8 * 1024;

/// The maximum length in bytes of a text that is parsed as nested JSON.
const MAX_NESTED: usize = 1024 * 1024;

/// The maximum number of levels and of properties that a search visits.
const MAX_DEPTH: u8 = 8;
const MAX_PROPERTIES: u32 = 10_000;

/// The maximum number of items of a list that are visited.
const MAX_LIST: usize = 20;

struct Found {
    meaning: Meaning,
    /// Whether the text only repeats the state, or is a URL or a number.
    is_poor: bool,
    depth: u8,
    failure: Failure,
}

struct Search {
    found: Vec<Found>,
    prompts: BTreeSet<String>,
    left: u32,
    /// Whether every text that can be a reason counts, and not only errors.
    is_wide: bool,
}

impl Search {
    fn new(is_wide: bool) -> Self {
        Self {
            found: Vec::new(),
            prompts: BTreeSet::new(),
            left: MAX_PROPERTIES,
            is_wide,
        }
    }

    fn run(mut self, answer: &Value) -> Option<Failure> {
        self.visit(answer, 0);
        let mut found = self.found;
        // A gateway may repeat the prompt anywhere.
        let prompts = self.prompts;
        found.retain(|found| !prompts.contains(found.failure.message.trim()));
        // The sort is stable, so the first of equals wins.
        found.sort_by_key(|found| (found.is_poor, found.meaning, found.depth));
        let mut found = found.into_iter();
        let first = found.next()?;
        if first.failure.name.is_some() || !is_identifier(&first.failure.message) {
            return Some(first.failure);
        }
        // If there is also a message, `"error": "ContentPolicy"` is the error's name.
        let mut messages =
            found.filter(|found| !found.is_poor && found.meaning <= Meaning::Message);
        let message = messages.find(|found| {
            let text = &found.failure.message;
            !text.is_empty() && *text != first.failure.message
        });
        Some(match message {
            Some(message) => Failure {
                name: Some(first.failure.message),
                message: message.failure.message,
            },
            None => first.failure,
        })
    }

    fn visit(&mut self, value: &Value, depth: u8) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(map) => self.visit_object(map, depth),
            Value::Array(items) => {
                for item in items.iter().take(MAX_LIST) {
                    self.visit(item, depth + 1);
                }
            }
            Value::String(text) => {
                if let Some(nested) = nested(text) {
                    self.visit(&nested, depth + 1);
                }
            }
            _ => {}
        }
    }

    fn visit_object(&mut self, map: &Map<String, Value>, depth: u8) {
        let mut name = None;
        let first = self.found.len();
        for (key, value) in map {
            if self.left == 0 {
                break;
            }
            self.left -= 1;
            let words = Words::of(key);
            if let (true, Value::String(prompt)) = (words.is_prompt(), value) {
                self.prompts.insert(prompt.trim().to_owned());
            }
            match words.meaning(false) {
                Meaning::FailureCode => name = code(value).or(name),
                Meaning::Code if key == "code" => name = name.or_else(|| code(value)),
                Meaning::Code | Meaning::Nothing => {}
                Meaning::Failure => self.take(Meaning::Failure, value, depth),
                meaning @ (Meaning::Reason | Meaning::Message | Meaning::Note) => {
                    match self.is_wide {
                        true => self.take(meaning, value, depth),
                        false => self.visit(value, depth + 1),
                    };
                }
                Meaning::Unknown => {
                    if let (true, true, Value::String(text)) =
                        (self.is_wide, words.is_result(), value)
                        && text.contains(' ')
                    {
                        self.take(Meaning::Unknown, value, depth);
                    }
                    self.visit(value, depth + 1);
                }
            }
        }
        // RFC 9457: `title` names the kind of problem that `detail` describes.
        if map.contains_key("detail") {
            name = name.or_else(|| map.get("title").and_then(code));
        }
        match (name, self.found.get_mut(first..)) {
            (Some(name), Some([])) if self.is_wide || !is_plain_code(map) => {
                let failure = Failure {
                    name: Some(name),
                    message: String::new(),
                };
                self.found.push(Found {
                    meaning: Meaning::Code,
                    is_poor: true,
                    depth,
                    failure,
                });
            }
            (Some(name), Some(found)) => {
                for found in found.iter_mut().filter(|found| found.depth == depth) {
                    found.failure.name.get_or_insert_with(|| name.clone());
                }
            }
            _ => {}
        }
    }

    fn take(&mut self, meaning: Meaning, value: &Value, depth: u8) {
        let Some(failure) = read(value, meaning == Meaning::Failure, depth) else {
            return;
        };
        let message = &failure.message;
        let is_poor = failure.name.is_none()
            && (state_of(message) == State::Failed
                || is_web_url(message)
                || message.parse::<f64>().is_ok());
        self.found.push(Found {
            meaning,
            is_poor,
            depth,
            failure,
        });
    }
}

/// The failure that a value describes: a text, `{name, message}`, `{detail: [{msg, type}]}`, or a list of these. With
/// `whole`, an object of another form becomes a message that shows the object itself.
fn read(value: &Value, whole: bool, depth: u8) -> Option<Failure> {
    if depth > MAX_DEPTH {
        return None;
    }
    let only = |message: String| Failure {
        name: None,
        message,
    };
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::Number(number) => (number.as_f64() != Some(0.0)).then(|| only(number.to_string())),
        Value::String(text) => match nested(text) {
            Some(nested) => read(&nested, whole, depth + 1),
            None => (!is_no_error(text)).then(|| only(cut(text))),
        },
        Value::Array(items) => {
            let items = items.iter().take(MAX_LIST);
            let found: Vec<Failure> = items
                .filter_map(|item| read(item, whole, depth + 1))
                .collect();
            let name = found.iter().find_map(|failure| failure.name.clone());
            let messages: Vec<&str> = found
                .iter()
                .map(|failure| &*failure.message)
                .filter(|text| !text.is_empty())
                .collect();
            (!found.is_empty()).then(|| Failure {
                name,
                message: cut(&messages.join("; ")),
            })
        }
        Value::Object(map) => read_object(map, whole, depth),
    }
}

fn read_object(map: &Map<String, Value>, whole: bool, depth: u8) -> Option<Failure> {
    let first = |keys: &[&str]| keys.iter().find_map(|key| code(map.get(*key)?));
    let title = map.contains_key("detail").then(|| first(&["title"]));
    let mut name = title.flatten().or_else(|| first(&["name", "type", "code"]));
    let plain = ["message", "msg", "reason", "description"];
    let text = |key: &&str| map.get(*key).filter(|value| value.is_string());
    let plain = plain.iter().filter_map(text);
    let mut message = plain
        .into_iter()
        .find_map(|value| read(value, whole, depth + 1));
    let mut others: Vec<(Meaning, &Value)> = Vec::new();
    for (key, value) in map {
        match Words::of(key).meaning(true) {
            Meaning::FailureCode => name = name.or_else(|| code(value)),
            Meaning::Code | Meaning::Nothing => {}
            meaning => others.push((meaning, value)),
        }
    }
    others.sort_by_key(|(meaning, _)| *meaning);
    for (meaning, value) in &others {
        let is_text = !matches!(value, Value::Number(_));
        if message.is_none() && (is_text && *meaning != Meaning::Unknown || value.is_object()) {
            message = read(value, false, depth + 1);
        }
    }
    if let Some(found) = message {
        return Some(Failure {
            name: name.or(found.name),
            ..found
        });
    }
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(_) => true,
        Value::String(text) => is_no_error(text),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    };
    // An error of an unknown form is shown as JSON, without the properties that belong to the request.
    let message = match whole && others.iter().any(|(_, value)| !is_empty(value)) {
        true => {
            let stated = map
                .iter()
                .filter(|(key, _)| Words::of(key).meaning(true) != Meaning::Nothing);
            let stated = stated.map(|(key, value)| (key.clone(), value.clone()));
            cut(&shortened(&Value::Object(stated.collect())).to_string())
        }
        false => String::new(),
    };
    (name.is_some() || !message.is_empty()).then_some(Failure { name, message })
}

/// The code or name of an error; a code of success is not one.
fn code(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !is_no_error(text) && !is_web_url(text) && text.len() <= 200 => {
            Some(text.clone())
        }
        Value::Number(number) => {
            let text = number.to_string();
            (!is_no_error(&text)).then_some(text)
        }
        _ => None,
    }
}

/// Whether the object has no code that is named as a failure's: a plain `code` may be the code of the whole response.
fn is_plain_code(map: &Map<String, Value>) -> bool {
    let is_of_failure = |key: &String| Words::of(key).meaning(false) == Meaning::FailureCode;
    !map.keys().any(is_of_failure)
}

/// Whether a text means that there is no error.
fn is_no_error(text: &str) -> bool {
    let text = text.trim().trim_end_matches(['.', '!']);
    if text.len() > 30 {
        return false;
    }
    let words = [
        "",
        "-",
        "0",
        "00000",
        "200",
        "201",
        "202",
        "false",
        "n/a",
        "nil",
        "no error",
        "no errors",
        "none",
        "normal",
        "null",
        "ok",
        "okay",
        "request successful",
        "successfully",
        "true",
        "undefined",
    ];
    let text = text.to_ascii_lowercase();
    let is_success = ["success", "successful", "successfully", "succeeded"]
        .iter()
        .any(|word| text.split(' ').next_back() == Some(word));
    let is_success = is_success
        && !["not", "un", "without", "no"]
            .iter()
            .any(|no| text.starts_with(no));
    words.contains(&text.as_str()) || is_success || state_of(&text) == State::Completed
}

/// Parses a text that is JSON itself, as in `"message": "{\"detail\": …}"`.
pub(super) fn nested(text: &str) -> Option<Value> {
    let is_json = text.trim_start().starts_with(['{', '[']) && text.len() <= MAX_NESTED;
    let nested = is_json.then(|| serde_json::from_str(text).ok())?;
    nested.filter(|value: &Value| value.is_object() || value.is_array())
}

pub(super) fn is_web_url(text: &str) -> bool {
    let is_one = |scheme: &str| {
        let start = text.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && !text.contains(char::is_whitespace)
    };
    is_one("https://") || is_one("http://") || text == "about:blank"
}

fn is_identifier(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.:/".contains(c);
    !text.is_empty() && text.chars().all(fits)
}

fn cut(text: &str) -> String {
    let end = (0..=MAX_TEXT.min(text.len())).rev();
    let end = end.into_iter().find(|at| text.is_char_boundary(*at));
    text[..end.unwrap_or(0)].to_owned()
}
