//! What the next generations do, as JSON.

mod reading;

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::shapes::Shape;
pub(super) use reading::{FRAMING, MOST_SECONDS};

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
/// use aimlapi_video_simulator::Scenario;
///
/// let scenario: Scenario = r#"{ "next": [
///     { "polls": [{ "status": 502, "html": "<h1>Bad Gateway</h1>", "times": 3 }] },
///     { "end": { "fail": { "name": "moderation", "message": "not this picture" } } },
///     { "create": { "close": true, "created": true } }
/// ] }"#.parse()?;
///
/// let error = r#"{ "next": [{ "times": 0 }] }"#.parse::<Scenario>().unwrap_err();
/// let told = "next[0].times: expected 1 or more, or \"always\"; received 0";
/// assert_eq!(error.to_string(), told);
/// # let _ = scenario;
/// # Ok::<(), aimlapi_video_simulator::InvalidScenario>(())
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
        reading::check_forms(&value)?;
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
    Count(#[serde(deserialize_with = "reading::whole")] u32),
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
    AfterPolls(#[serde(deserialize_with = "reading::whole")] u32),
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
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_whole"
    )]
    pub(super) times: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) delay_seconds: f64,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::some_whole"
    )]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "reading::even_null"
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
        deserialize_with = "reading::some_whole"
    )]
    pub(super) cut_after: Option<u32>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) created: bool,
}

impl Step {
    /// Whether it says what to answer; otherwise it only delays.
    pub(super) fn answers(&self) -> bool {
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
