//! `Scenario`: rules for the next generations, in JSON.
//!
//! The types here mirror the JSON format field by field; `reading` validates a scenario, and `Script` (in `script.rs`) hands
//! out its rules to creates.

mod reading;
mod when;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shapes::Shape;
pub(super) use reading::{FRAMING_HEADERS, MAX_SECONDS};
use when::When;

/// The behaviour of the next generations, as a list of rules: failures, stalls, unknown states, lost responses.
///
/// The JSON format is the same for [`SimulatorBuilder::scenario`](super::SimulatorBuilder::scenario), `--scenario FILE` and
/// `POST /_simulator/scenario`: an object whose `next` is a list of rules. A valid create takes the first rule that applies
/// to it. If no rule applies, the generation completes normally.
///
/// | Field of a rule | Meaning | Default |
/// |---|---|---|
/// | `times` | the number of creates that the rule applies to: 1 or more, or `"always"` | 1 |
/// | `name` | the name by which [`Simulator::rules`](super::Simulator::rules) and [`Simulator::assert_rule`](super::Simulator::assert_rule) show the rule's counts | none |
/// | `when` | the conditions of the rule, all of which a create must meet | none |
/// | `model` | limits the rule to creates of this model | any model |
/// | `seconds` | the time from create to end, in the service's time | drawn at random |
/// | `queued_seconds` | the part of that time in the queue | 15 % |
/// | `back_to_queued` | whether the generation returns to the queue half way through | false |
/// | `end` | `{"fail": ERROR}` with any JSON as the error; `{"stall": "queued"}` or `{"stall": "generating"}`; `{"status": "WORD"}` | completed |
/// | `video` | the video at the end: `"given"`, `"missing"`, `"without_url"`, or `{"after_polls": N}` | `"given"` if the generation completes |
/// | `id` | `"wrong"`: polls return the id of another generation | `"own"` |
/// | `shape` | the [`Shape`] of the responses, such as `"list"` | the simulator's |
/// | `create` | a step: the response to the create | the normal response |
/// | `polls` | a list of steps: the responses to the first polls | the normal responses |
/// | `downloads` | a list of steps: the responses to the first downloads | the normal responses |
///
/// | Field of `when` | Meaning |
/// |---|---|
/// | `model` | the create's model |
/// | `body` | an object of conditions by JSON pointer, such as `{"/prompt": {"matches": "(?i)lantern"}}` |
/// | `headers` | an object of conditions by the name of a header |
/// | `key` | the create's API key, or its hash as a task shows it; only the hash is kept |
/// | `every` | of the creates that reach the rule and meet its conditions, the rule applies to every one with a multiple of this number |
///
/// | Field of a condition | Meaning |
/// |---|---|
/// | `equals` | the value, as JSON Schema compares values: `5` equals `5.0` |
/// | `matches` | a regular expression that text contains, in the syntax of the [`regex`] crate; `^` and `$` anchor it |
/// | `exists` | whether the value exists; `true` if another condition is stated |
///
/// | Field of a step | Meaning | Default |
/// |---|---|---|
/// | `times` | the number of requests that the step applies to (not in `create`) | 1 |
/// | `delay_seconds` | the delay before the response, in real time | 0 |
/// | `status` | the HTTP status of the response, 200 to 599 | the normal status; 200 with a body |
/// | `headers` | headers that are set on the response | none |
/// | `json`, `text` or `html` | the body of the response | for a status of 400 or above an error in the service's shape, else empty |
/// | `close` | whether the connection is closed without a response | false |
/// | `cut_after` | closes the connection after this number of bytes of the file (in `downloads` only) | never |
/// | `created` | whether the generation is created in spite of the response (in `create` only) | false |
///
/// ```
/// use aimlapi_video_simulator::Scenario;
///
/// let scenario: Scenario = r#"{ "next": [
///     { "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3 }] },
///     { "end": { "fail": { "name": "moderation", "message": "not this picture" } } },
///     { "create": { "close": true, "created": true } }
/// ] }"#.parse()?;
///
/// // Every second prompt about rain fails.
/// let scenario: Scenario = r#"{ "next": [{
///     "name": "no rain",
///     "when": { "body": { "/prompt": { "matches": "(?i)\\brain\\b" } }, "every": 2 },
///     "times": "always",
///     "end": { "fail": { "message": "no rain" } }
/// }] }"#.parse()?;
///
/// let error = r#"{ "next": [{ "times": 0 }] }"#.parse::<Scenario>().unwrap_err();
/// let message = "next[0].times: expected 1 or more, or \"always\"; received 0";
/// assert_eq!(error.to_string(), message);
/// # let _ = scenario;
/// # Ok::<(), aimlapi_video_simulator::InvalidScenario>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub(super) next: Vec<Rule>,
}

impl Scenario {
    /// Parses and validates a scenario from JSON.
    ///
    /// # Errors
    ///
    /// If a field is unknown, or its value is not allowed. The message names the field by its path. Whether a document describes
    /// the models that the rules name is checked by [`SimulatorBuilder::start`](super::SimulatorBuilder::start) and by
    /// `POST /_simulator/scenario`.
    pub fn from_json(value: Value) -> Result<Self, InvalidScenario> {
        reading::check_forms(&value)?;
        let scenario: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            match path.as_str() {
                "." => InvalidScenario(error.inner().to_string()),
                _ => InvalidScenario(format!("{path}: {}", error.inner())),
            }
        })?;
        let mut names = BTreeSet::new();
        for (number, rule) in scenario.next.iter().enumerate() {
            let at = |message| InvalidScenario(format!("next[{number}].{message}"));
            rule.check().map_err(at)?;
            if let Some(name) = rule.name.as_ref().filter(|name| !names.insert(*name)) {
                let message = format!("name: expected a name of its own; {name:?} is taken");
                return Err(at(message));
            }
        }
        Ok(scenario)
    }

    /// Checks that the rules name models which a simulator knows.
    pub(super) fn check_models(&self, known: &BTreeSet<&str>) -> Result<(), InvalidScenario> {
        for (number, rule) in self.next.iter().enumerate() {
            let when = rule.when.as_ref().and_then(|when| when.model.as_deref());
            for (field, model) in [("model", rule.model.as_deref()), ("when.model", when)] {
                if let Some(model) = model.filter(|model| !known.contains(model)) {
                    let message = format!("next[{number}].{field}: no document describes {model}");
                    return Err(InvalidScenario(message));
                }
            }
        }
        Ok(())
    }
}

impl FromStr for Scenario {
    type Err = InvalidScenario;

    fn from_str(text: &str) -> Result<Self, InvalidScenario> {
        let value =
            serde_json::from_str(text).map_err(|error| InvalidScenario(error.to_string()))?;
        Self::from_json(value)
    }
}

/// The error of an invalid [`Scenario`]: names the field, the allowed values and the received value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScenario(String);

impl fmt::Display for InvalidScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidScenario {}

/// A rule for one or more creates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) times: Times,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) when: Option<When>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) queued_seconds: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) back_to_queued: bool,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) end: End,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) video: Option<VideoOutcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<ReportedId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shape: Option<Shape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) create: Option<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) polls: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) downloads: Vec<Step>,
}

impl Rule {
    /// Whether the rule's conditions allow a create.
    pub(super) fn is_met(&self, model: &str, body: &Value, headers: &HeaderMap) -> bool {
        let when = self.when.as_ref();
        self.model.as_deref().is_none_or(|name| name == model)
            && when.is_none_or(|when| when.is_met(model, body, headers))
    }
}

/// The number of creates that a rule applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected 1 or more, or \"always\"")]
pub(super) enum Times {
    Count(#[serde(deserialize_with = "reading::integer")] u32),
    Always(Always),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Always {
    Always,
}

/// The end of a generation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    #[default]
    Completed,
    Fail(Value),
    Stall(Stall),
    Status(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stall {
    Queued,
    Generating,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum VideoOutcome {
    Given,
    Missing,
    WithoutUrl,
    AfterPolls(#[serde(deserialize_with = "reading::integer")] u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ReportedId {
    Own,
    Wrong,
}

/// The response to one or more requests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Step {
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_integer"
    )]
    pub(super) times: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) delay_seconds: f64,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_integer"
    )]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::value_or_null"
    )]
    pub(super) json: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) html: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) close: bool,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_integer"
    )]
    pub(super) cut_after: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) created: bool,
}

impl Step {
    /// Whether the step replaces the normal response; otherwise it only delays it or adds headers.
    pub(super) fn replaces_response(&self) -> bool {
        self.close || self.status.is_some() || self.has_body()
    }

    pub(super) fn has_body(&self) -> bool {
        self.json.is_some() || self.text.is_some() || self.html.is_some()
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
