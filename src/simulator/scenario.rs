//! What the next generations do, as JSON.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shapes::Shape;
use crate::models;

/// What the next generations do, one rule after another: fail, stall, tell an unknown state, lose an answer.
///
/// It is JSON, the same for [`SimulatorBuilder::scenario`](super::SimulatorBuilder::scenario), for `--scenario FILE` and for
/// `POST /_simulator/scenario`: an object whose `next` is a list of rules. A valid create takes the first rule whose `model`
/// is its own, or that names none; without one left, generations end well.
///
/// | In a rule | Means | Default |
/// |---|---|---|
/// | `times` | for how many creates it is: 1 or more, or `"always"` | 1 |
/// | `model` | for creates of this model alone | any |
/// | `seconds` | from create to end, in the service's time | drawn |
/// | `queued_seconds` | how many of them in the queue | 15 % |
/// | `back_to_queued` | half way through, it is queued once more | false |
/// | `end` | `{"fail": ERROR}`, any JSON as the error; `{"stall": "queued"}` or `{"stall": "generating"}`; `{"status": "WORD"}` | completed |
/// | `video` | at the end: `"given"`, `"missing"`, `"without_url"`, or `{"after_polls": N}` | `"given"` where it completes |
/// | `id` | `"wrong"`: polls are answered with another one's id | its own |
/// | `shape` | the [`Shape`] of the answers, such as `"list"` | the simulator's |
/// | `create` | a step: how the create is answered | as usual |
/// | `polls` | a list of steps: how the first polls are answered | as usual |
/// | `downloads` | a list of steps: how the first downloads are answered | as usual |
///
/// | In a step | Means | Default |
/// |---|---|---|
/// | `times` | for how many requests it is (not in `create`) | 1 |
/// | `delay_seconds` | waits so long first, in real time | 0 |
/// | `status` | answers with this HTTP status, 200 to 599 | as usual |
/// | `headers` | with these headers | none |
/// | `json`, `text` or `html` | with this body, and 200 where no status is given | an error in the service's shape |
/// | `close` | ends the connection without an answer | false |
/// | `cut_after` | ends the connection after so many bytes of the file (in `downloads` only) | never |
/// | `created` | the generation is made, whatever is answered (in `create` only) | false |
///
/// ```
/// use aimlapi_video::simulator::Scenario;
///
/// let scenario: Scenario = r#"{ "next": [
///     { "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3 }] },
///     { "end": { "fail": { "name": "moderation", "message": "not this picture" } } },
///     { "create": { "close": true, "created": true } }
/// ] }"#.parse()?;
///
/// let error = r#"{ "next": [{ "times": 0 }] }"#.parse::<Scenario>().unwrap_err();
/// assert_eq!(error.to_string(), "next[0].times: expected 1 or more, or \"always\"; received 0");
/// # let _ = scenario;
/// # Ok::<(), aimlapi_video::simulator::InvalidScenario>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub(super) next: Vec<Rule>,
}

impl Scenario {
    /// Reads one from JSON.
    ///
    /// # Errors
    ///
    /// With a field that is not known or does not allow its value; the message names it by its path.
    pub fn from_json(value: Value) -> Result<Self, InvalidScenario> {
        check_forms(&value)?;
        let scenario: Self = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            match path.as_str() {
                "." => InvalidScenario(error.inner().to_string()),
                _ => InvalidScenario(format!("{path}: {}", error.inner())),
            }
        })?;
        for (number, rule) in scenario.next.iter().enumerate() {
            rule.check()
                .map_err(|message| InvalidScenario(format!("next[{number}].{message}")))?;
        }
        Ok(scenario)
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

/// Why a [`Scenario`] cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScenario(String);

impl fmt::Display for InvalidScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidScenario {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Rule {
    pub(super) times: Times,
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
    pub(super) video: Option<VideoGiven>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<IdGiven>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shape: Option<Shape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) create: Option<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) polls: Vec<Step>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) downloads: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "expected 1 or more, or \"always\"")]
pub(super) enum Times {
    Count(u32),
    Always(Always),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Always {
    Always,
}

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
pub(super) enum VideoGiven {
    Given,
    Missing,
    WithoutUrl,
    AfterPolls(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IdGiven {
    Own,
    Wrong,
}

/// How a request is answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Step {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) delay_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "even_null"
    )]
    pub(super) json: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) html: Option<String>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) close: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cut_after: Option<u64>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) created: bool,
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        if self.times == Times::Count(0) {
            return Err("times: expected 1 or more, or \"always\"; received 0".into());
        }
        if let Some(model) = &self.model
            && !models().iter().any(|known| known.id() == model)
        {
            return Err(format!("model: no document has {model}"));
        }
        check_seconds("seconds", self.seconds)?;
        check_seconds("queued_seconds", self.queued_seconds)?;
        let lists = [("polls", &self.polls), ("downloads", &self.downloads)];
        for (list, steps) in lists {
            for (number, step) in steps.iter().enumerate() {
                let at = |message| format!("{list}[{number}].{message}");
                step.check().map_err(at)?;
                if step.times == Some(0) {
                    return Err(at("times: expected 1 or more; received 0".into()));
                }
                if step.created {
                    return Err(at("created: expected in `create` only".into()));
                }
                if step.cut_after.is_some() && list != "downloads" {
                    return Err(at("cut_after: expected in `downloads` only".into()));
                }
            }
        }
        if let Some(step) = &self.create {
            let at = |message| format!("create.{message}");
            step.check().map_err(at)?;
            if step.times.is_some() {
                return Err(at(
                    "times: not expected here; the rule's own `times` counts creates".into(),
                ));
            }
            if step.cut_after.is_some() {
                return Err(at("cut_after: expected in `downloads` only".into()));
            }
        }
        Ok(())
    }
}

impl Step {
    fn check(&self) -> Result<(), String> {
        check_seconds("delay_seconds", Some(self.delay_seconds))?;
        if let Some(status) = self.status
            && !(200..=599).contains(&status)
        {
            return Err(format!("status: expected 200 to 599; received {status}"));
        }
        let bodies = [
            self.json.is_some(),
            self.text.is_some(),
            self.html.is_some(),
        ];
        if bodies.into_iter().filter(|given| *given).count() > 1 {
            return Err("json, text, html: expected one of them".into());
        }
        for (name, value) in &self.headers {
            check_header(name, value).map_err(|message| format!("headers: {message}"))?;
        }
        Ok(())
    }

    /// Whether it says what to answer; otherwise it only delays.
    pub(super) fn answers(&self) -> bool {
        self.close || self.status.is_some() || self.has_body()
    }

    pub(super) fn has_body(&self) -> bool {
        self.json.is_some() || self.text.is_some() || self.html.is_some()
    }
}

/// Refuses what serde would take beside the form that is told: lists for objects, and objects for plain words.
fn check_forms(scenario: &Value) -> Result<(), InvalidScenario> {
    let refuse = |path: &str, expected: &str, value: &Value| {
        let dot = if path.is_empty() { "" } else { ": " };
        let shown: String = value.to_string().chars().take(80).collect();
        let message = format!("{path}{dot}expected {expected}; received {shown}");
        Err(InvalidScenario(message))
    };
    let object = |path: &str, value: &Value| match value.is_object() {
        true => Ok(()),
        false => refuse(path, "an object", value),
    };
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    object("", scenario)?;
    for (number, rule) in items(&scenario["next"]).iter().enumerate() {
        let path = format!("next[{number}]");
        object(&path, rule)?;
        for name in ["id", "shape", "times"] {
            if rule[name].is_object() {
                return refuse(&format!("{path}.{name}"), "text", &rule[name]);
            }
        }
        if rule["end"]["stall"].is_object() {
            return refuse(&format!("{path}.end.stall"), "text", &rule["end"]["stall"]);
        }
        for (name, plain) in [
            ("end", &["completed"][..]),
            ("video", &["given", "missing", "without_url"]),
        ] {
            let word = plain.iter().find(|word| rule[name].get(word).is_some());
            if let Some(word) = word {
                let message = format!("{path}.{name}: unknown variant `{word}` in an object");
                return Err(InvalidScenario(message));
            }
        }
        if !rule["create"].is_null() {
            object(&format!("{path}.create"), &rule["create"])?;
        }
        for list in ["polls", "downloads"] {
            for (number, step) in items(&rule[list]).iter().enumerate() {
                object(&format!("{path}.{list}[{number}]"), step)?;
            }
        }
    }
    Ok(())
}

/// Seconds that a clock can still count: thirty years.
pub(super) const MOST_SECONDS: f64 = 1e9;

/// What a server says of its own framing cannot be a step's.
pub(super) const FRAMING: &[&str] = &["connection", "content-length", "transfer-encoding"];

fn check_seconds(name: &str, value: Option<f64>) -> Result<(), String> {
    match value {
        Some(value) if !(0.0..=MOST_SECONDS).contains(&value) => Err(format!(
            "{name}: expected 0 to {MOST_SECONDS}; received {value}"
        )),
        _ => Ok(()),
    }
}

fn check_header(name: &str, value: &str) -> Result<(), String> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(letter) {
        return Err(format!(
            "expected a name of letters, digits and hyphens; received {name:?}"
        ));
    }
    if FRAMING.contains(&&*name.to_ascii_lowercase()) {
        return Err(format!("{name} is the server's own"));
    }
    if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(format!(
            "expected printable ASCII for {name}; received {value:?}"
        ));
    }
    Ok(())
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `null` is a body, too.
fn even_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}
