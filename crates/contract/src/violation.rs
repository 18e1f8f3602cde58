//! The result of a check: violations, which a request must not have, and warnings.

use std::fmt;

use serde_json::Value;

use crate::redacted;

/// A violation of a document's constraint by a value of a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Violation {
    /// JSON pointer ([RFC 6901]) of the value in the request's body; empty for the body itself.
    ///
    /// [RFC 6901]: https://www.rfc-editor.org/rfc/rfc6901
    pub pointer: String,
    /// The value, truncated to 200 bytes; `None` if the value is missing.
    pub given: Option<Value>,
    /// The values that the document allows, as text.
    pub allowed: String,
    /// The JSON Schema keyword that the value violates, such as `maximum`.
    pub keyword: &'static str,
}

impl Violation {
    /// The violation of `keyword` by the checked value itself, with an empty pointer.
    pub fn new(given: &Value, allowed: impl Into<String>, keyword: &'static str) -> Self {
        Self {
            pointer: String::new(),
            given: Some(cut(given)),
            allowed: allowed.into(),
            keyword,
        }
    }

    /// The violation of a required value that is missing.
    pub fn missing(allowed: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            given: None,
            allowed: allowed.into(),
            keyword: "required",
        }
    }

    /// Extends the pointer, so that it starts at the object or array that holds the checked value under `name`.
    #[must_use]
    pub fn under(mut self, name: &str) -> Self {
        self.pointer.insert_str(0, &pointer_step(name));
        self
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() {
            "the body"
        } else {
            &self.pointer
        };
        match &self.given {
            None => write!(f, "{pointer} is missing; it takes {}", self.allowed),
            Some(given) => write!(f, "{pointer} is {given}; allowed: {}", self.allowed),
        }
    }
}

/// A warning about a part of a request that is allowed but probably a mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// JSON pointer of the part in the request's body.
    pub pointer: String,
    /// The reason of the warning, and the probable intention.
    pub message: String,
    /// Whether the service certainly cannot use the value, so that paying for the request is pointless: an image that is a
    /// `blob:` URL or a path on this machine, data that are not base64, a video where an image is expected.
    pub is_unusable: bool,
}

impl Warning {
    /// A warning about the value at `pointer`.
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            message: message.into(),
            is_unusable: false,
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

/// One step of a JSON pointer, with escapes: `/a~1b` for the name `a/b`.
pub fn pointer_step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// The value as an error shows it: in full if it is short, else the beginning of its text. URLs are redacted. Of inline media
/// only the beginning is copied.
fn cut(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("://") => shortened(&redacted(text)).into(),
        Value::String(text) => shortened(text).into(),
        Value::Array(_) | Value::Object(_) => {
            let shown = without_secrets(value);
            let text = shown.to_string();
            if text.len() > MAX_SHOWN {
                shortened(&text).into()
            } else {
                shown
            }
        }
        _ => value.clone(),
    }
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_SHOWN {
        return text.to_owned();
    }
    let mut end = MAX_SHOWN;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// The value with every URL redacted, since its query may be a signature.
fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains("://") => redacted(text).into(),
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| (name.clone(), without_secrets(value));
            map.iter().map(entry).collect()
        }
        _ => value.clone(),
    }
}

/// The maximum number of bytes of a value in an error.
const MAX_SHOWN: usize = 200;
