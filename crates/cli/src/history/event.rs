//! The lines of the history's files. An event has the name and the properties that it has in a journal of the library; an
//! entry is named by an id in place of a line of one batch.

use std::{path::PathBuf, time::SystemTime};

use aimlapi_video::{GenerationHandle, Route};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{cost::Cost, places::Place};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// The id of the entry: the name of the file that has its intent, and a number.
    pub(super) entry: String,
    #[serde(serialize_with = "write_time", deserialize_with = "read_time")]
    pub(super) at: SystemTime,
    #[serde(flatten)]
    pub(super) event: Event,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// The request is about to be sent.
    Intent(Box<Intent>),
    NotCreated {
        why: String,
    },
    Unclear {
        why: String,
    },
    /// The generation exists, or another process begins to wait for it.
    Created {
        handle: GenerationHandle,
        /// What the response to the create states.
        #[serde(flatten)]
        cost: Cost,
    },
    Failed {
        why: String,
        #[serde(flatten)]
        cost: Cost,
    },
    Completed {
        #[serde(flatten)]
        cost: Cost,
    },
    Saved {
        files: Vec<PathBuf>,
        /// The size of each.
        #[serde(default)]
        bytes: Vec<u64>,
        /// The SHA-256 of each, if a download has computed it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sha256: Vec<String>,
        #[serde(flatten)]
        cost: Cost,
    },
    /// The user was told that the generation is unfinished.
    Noted,
}

/// What is known of a create before it is sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) model: String,
    /// The URL of the create; earlier versions did not record it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<Route>,
    /// The key and the base URL, as `account` identifies them.
    pub(crate) account: String,
    /// The body without media and signatures.
    pub(crate) request: Value,
    /// The clip's length in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) length: Option<u64>,
    /// Whether the user waits for the generation by another command.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) no_wait: bool,
    /// Where the video is saved, in the form of `-o` with an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch: Option<Batch>,
}

/// The place of a create in a batch, with absolute paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) journal: PathBuf,
    /// The number by which the journal knows the request.
    pub(crate) line: usize,
    pub(crate) out: PathBuf,
    /// Where the request is in the file of the batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

fn write_time<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    // A clock before 1970 is wrong, and its time cannot be formatted.
    let time = (*time).max(SystemTime::UNIX_EPOCH);
    serializer.collect_str(&humantime::format_rfc3339_millis(time))
}

fn read_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_rfc3339(&text).map_err(de::Error::custom)
}
