//! From the publisher's documents to one description of the API that a generator can work with.
//!
//! `build.rs` runs these steps in the order in which they stand here; each works on plain values and touches neither
//! the network nor the disk, except [`document::read`] and [`Facts::read`], which only read.

pub mod constraints;
pub mod document;
pub mod emit;
pub mod merge;
pub mod names;
pub mod overlay;
pub mod repair;
pub mod rules;

use std::{fmt, fs, path::Path};

use serde_json::Value;

pub use document::Route;

/// Something in the documents that the pipeline cannot work with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The file, relative to the folder of documents.
    pub file: String,
    /// JSON pointer of the place in it; empty for the whole file.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What a maintainer can do about it.
    pub remedy: String,
}

impl Trouble {
    pub fn new(
        file: &str,
        pointer: &str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            pointer: pointer.into(),
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line always: cargo cuts a build message at the first line break.
        let line = format!(
            "{}#{}: {}; {}",
            self.file, self.pointer, self.what, self.remedy
        );
        f.write_str(&line.replace(['\n', '\r'], " "))
    }
}

/// What we know beside the documents: corrections, our own line per property, and how long models take.
#[derive(Debug, Default)]
pub struct Facts {
    pub overlay: Value,
    pub glossary: Value,
    pub durations: Vec<Stated>,
}

/// How long a model's generations take, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    pub model: String,
    /// The clip's length in seconds, where the page tells it apart.
    pub length: Option<u64>,
    pub min: f64,
    pub max: f64,
}

impl Facts {
    /// The names of the files that are never taken for documents.
    pub const FILES: [&str; 3] = ["overlay.json", "glossary.json", "durations.json"];

    /// Reads each file from `folder`, or from `fallback` where `folder` has none of its own.
    pub fn read(folder: &Path, fallback: &Path) -> Result<Self, Vec<Trouble>> {
        let mut troubles = Vec::new();
        let [overlay, glossary, durations] = Self::FILES.map(|name| {
            let own = folder.join(name);
            let path = if own.exists() {
                own
            } else {
                fallback.join(name)
            };
            fs::read_to_string(&path)
                .map_err(|error| format!("cannot be read: {error}"))
                .and_then(|text| {
                    serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))
                })
                .unwrap_or_else(|what| {
                    troubles.push(Trouble::new(
                        name,
                        "",
                        what,
                        "restore the file from the repository",
                    ));
                    Value::Null
                })
        });
        let durations = stated(&durations, &mut troubles);
        if !troubles.is_empty() {
            return Err(troubles);
        }
        Ok(Self {
            overlay,
            glossary,
            durations,
        })
    }
}

fn stated(durations: &Value, troubles: &mut Vec<Trouble>) -> Vec<Stated> {
    let entries = durations
        .get("durations")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let read = |entry: &Value| {
        let (min, max) = (entry["min"].as_f64()?, entry["max"].as_f64()?);
        let length = match entry.get("length") {
            Some(length) => Some(length.as_u64()?),
            None => None,
        };
        let sensible = (0.0..=max).contains(&min) && max < 1e9;
        sensible
            .then(|| entry["model"].as_str().map(str::to_owned))?
            .map(|model| Stated {
                model,
                length,
                min,
                max,
            })
    };
    let mut stated = Vec::new();
    for (index, entry) in entries.enumerate() {
        match read(entry) {
            Some(entry) => stated.push(entry),
            None => {
                let what = "is no entry with `model`, `min` and `max` in seconds, and perhaps a whole `length`";
                troubles.push(Trouble::new(
                    "durations.json",
                    &format!("/durations/{index}"),
                    what,
                    "mend the entry",
                ));
            }
        }
    }
    stated
}

/// Escapes one step of a JSON pointer.
pub fn step(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}
