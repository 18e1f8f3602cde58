//! `When`: the conditions under which a rule applies to a create.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::reading;
use crate::{key::KeyHash, redact::is_secret};
use aimlapi_video_contract::is_equal;

/// The conditions of a rule, all of which a create must meet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct When {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// Conditions by JSON pointer.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    body: BTreeMap<String, Condition>,
    /// Conditions by the header's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, Condition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<KeyHash>,
    /// Of the creates that meet the conditions, the rule applies to every one whose number is a multiple of this.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_integer"
    )]
    pub(crate) every: Option<u32>,
}

/// What a value must be, as far as it is stated.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Condition {
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::value_or_null"
    )]
    equals: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<Pattern>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exists: Option<bool>,
}

/// A regular expression, which serialises as its text.
#[derive(Clone, Debug)]
struct Pattern(Regex);

impl When {
    /// Whether a create meets the conditions on its model, body, headers and key.
    pub(crate) fn is_met(&self, model: &str, body: &Value, headers: &HeaderMap) -> bool {
        let header = |name: &str| {
            let values: Vec<&str> = headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .collect();
            // Several lines of one name are one list (RFC 9110, 5.3).
            (!values.is_empty()).then(|| Value::from(values.join(", ")))
        };
        self.model.as_deref().is_none_or(|name| name == model)
            && self.key.is_none_or(|key| KeyHash::of(headers) == Some(key))
            && self
                .body
                .iter()
                .all(|(pointer, condition)| condition.is_met(body.pointer(pointer)))
            && self
                .headers
                .iter()
                .all(|(name, condition)| condition.is_met(header(name).as_ref()))
    }

    /// Checks the values of the fields.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.every == Some(0) {
            return Err("every: expected 1 or more; received 0".into());
        }
        for (pointer, condition) in &self.body {
            let at = |message| format!("body.{pointer}: {message}");
            if !is_pointer(pointer) {
                return Err(at("expected a JSON pointer such as /prompt".into()));
            }
            condition.check().map_err(at)?;
        }
        for (name, condition) in &self.headers {
            let at = |message| format!("headers.{name}: {message}");
            reading::check_header_name(name).map_err(at)?;
            if is_secret(&name.to_ascii_lowercase()) {
                let message = "its value is secret; `key` is the condition on the request's key";
                return Err(at(message.into()));
            }
            condition.check().map_err(at)?;
            if let Some(value) = condition.equals.as_ref().filter(|value| !value.is_string()) {
                return Err(at(format!("equals: expected text; received {value}")));
            }
        }
        Ok(())
    }
}

impl Condition {
    fn is_met(&self, value: Option<&Value>) -> bool {
        let Some(value) = value else {
            return self.exists == Some(false);
        };
        let equals = |expected: &Value| is_equal(expected, value);
        let matches =
            |pattern: &Pattern| value.as_str().is_some_and(|text| pattern.0.is_match(text));
        self.exists != Some(false)
            && self.equals.as_ref().is_none_or(equals)
            && self.matches.as_ref().is_none_or(matches)
    }

    fn check(&self) -> Result<(), String> {
        match (self.equals.is_some() || self.matches.is_some(), self.exists) {
            (false, None) => Err("expected `equals`, `matches` or `exists`".into()),
            (true, Some(false)) => Err("exists: expected true beside `equals` or `matches`".into()),
            _ => Ok(()),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(|error| {
            // The message repeats the text over several lines; the last one states the reason.
            let message = error.to_string();
            let reason = message.lines().last().unwrap_or_default();
            let reason = reason.trim_start_matches("error: ");
            de::Error::custom(format!(
                "expected a regular expression; received {text:?} ({reason})"
            ))
        })
    }
}

/// Whether a text is a JSON pointer (RFC 6901).
fn is_pointer(text: &str) -> bool {
    let mut escapes = text.split('~').skip(1);
    (text.is_empty() || text.starts_with('/')) && escapes.all(|rest| rest.starts_with(['0', '1']))
}
