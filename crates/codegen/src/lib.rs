#![doc = include_str!("../README.md")]
//!
//! # Where to start
//!
//! [`document::read`] and [`Facts::read`] read a folder, and [`read`] runs the steps from repair to merge.

#![allow(
    missing_docs,
    missing_debug_implementations,
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "plain data between steps, for this crate's own build and commands"
)]

pub mod constraints;
pub mod diff;
pub mod document;
#[cfg(feature = "rust")]
pub mod emit;
#[cfg(feature = "rust")]
pub mod generate;
pub mod merge;
pub mod names;
pub mod overlay;
pub mod repair;
pub mod rules;
pub mod rust_types;
pub mod strip;

use std::{collections::BTreeSet, fmt, fs, io, path::Path};

use aimlapi_video_contract::StatedDuration;
use serde_json::Value;

pub use aimlapi_video_contract::Route;
pub use aimlapi_video_contract::pointer_step as step;
pub use document::Document;
pub use merge::Merged;

/// Repairs, corrects and merges `documents`, keeping the models of the vendors that `wanted` accepts.
pub fn read(
    documents: &mut [Document],
    facts: &Facts,
    wanted: impl Fn(&str) -> bool,
    diagnostics: &mut Diagnostics,
) -> Merged {
    documents.iter_mut().for_each(repair::apply);
    overlay::apply(&facts.overlay, documents, diagnostics);
    let merged = merge::merge(documents, facts, wanted, diagnostics);
    diagnostics.once();
    merged
}

/// What was found on the way: what stops the build, and what is told while the build goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics {
    pub errors: Vec<Diagnostic>,
    pub warnings: Vec<Diagnostic>,
}

impl Diagnostics {
    pub fn error(&mut self, error: Diagnostic) {
        self.errors.push(error);
    }

    pub fn warning(&mut self, warning: Diagnostic) {
        self.warnings.push(warning);
    }

    /// Keeps each finding once: one place may be read for several models, and for a struct beside its arms.
    fn once(&mut self) {
        for told in [&mut self.errors, &mut self.warnings] {
            let mut known = BTreeSet::new();
            told.retain(|error| known.insert(error.clone()));
        }
    }
}

/// Something in the documents that the pipeline cannot work with, or that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Diagnostic {
    /// The file, relative to the folder of documents.
    pub file: String,
    /// JSON pointer of the place in it; empty for the whole file.
    pub pointer: String,
    /// What is wrong.
    pub what: String,
    /// What a maintainer can do about it.
    pub remedy: String,
}

impl Diagnostic {
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

impl fmt::Display for Diagnostic {
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
#[derive(Clone, Debug, Default)]
pub struct Facts {
    pub overlay: Value,
    pub glossary: Value,
    pub durations: Vec<ModelDuration>,
}

/// How long a model's generations take.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDuration {
    pub model: String,
    pub duration: StatedDuration,
}

impl Facts {
    /// The stated durations of a model.
    pub fn durations(&self, model: &str) -> Vec<StatedDuration> {
        let of_model = self.durations.iter().filter(|stated| stated.model == model);
        of_model.map(|stated| stated.duration.clone()).collect()
    }

    /// The names of the files that are never taken for documents.
    pub const FILES: [&str; 3] = ["overlay.json", "glossary.json", "durations.json"];

    /// Reads each file from `folder`, or takes what `fallback` gives for its name where `folder` has none.
    pub fn read(
        folder: &Path,
        fallback: impl Fn(&str) -> io::Result<String>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let [overlay, glossary, durations] = Self::FILES.map(|name| {
            let own = folder.join(name);
            let text = if own.exists() {
                fs::read_to_string(&own)
            } else {
                fallback(name)
            };
            text.map_err(|error| format!("cannot be read: {error}"))
                .and_then(|text| {
                    serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))
                })
                .unwrap_or_else(|what| {
                    let remedy = "restore the file from the repository";
                    diagnostics.error(Diagnostic::new(name, "", what, remedy));
                    Value::Null
                })
        });
        let durations = model_durations(&durations, diagnostics);
        Self {
            overlay,
            glossary,
            durations,
        }
    }
}

fn model_durations(durations: &Value, diagnostics: &mut Diagnostics) -> Vec<ModelDuration> {
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
        let model = entry["model"].as_str().filter(|_| sensible)?;
        Some(ModelDuration {
            model: model.to_owned(),
            duration: StatedDuration::new(length, min..=max),
        })
    };
    let mut stated = Vec::new();
    for (index, entry) in entries.enumerate() {
        match read(entry) {
            Some(entry) => stated.push(entry),
            None => {
                let what = "is no entry with `model`, `min` and `max` in seconds, and perhaps a whole `length`";
                let pointer = format!("/durations/{index}");
                diagnostics.error(Diagnostic::new(
                    "durations.json",
                    &pointer,
                    what,
                    "mend the entry",
                ));
            }
        }
    }
    stated
}

/// Whether `value` is of the JSON type `kind`, or of any where none is told.
pub fn is_of_type(value: &Value, kind: Option<&str>) -> bool {
    match kind {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        Some("number") => value.is_number(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    }
}
