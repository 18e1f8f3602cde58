//! The facts that the documents do not state: `overlay.json`, `glossary.json` and `durations.json`.

use std::{fs, io, path::Path};

use aimlapi_video_contract::StatedDuration;
use serde_json::Value;

use crate::{Diagnostic, Diagnostics};

/// Corrections of documents, a line of documentation per property, and the durations of models.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The corrections, as an OpenAPI Overlay.
    pub overlay: Value,
    /// One line of documentation per property.
    pub glossary: Value,
    /// How long the generations of models take.
    pub durations: Vec<ModelDuration>,
}

/// How long the generations of a model take, as the publisher states it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDuration {
    /// The model's id.
    pub model: String,
    /// The range of seconds, and the length of the video that it is stated for.
    pub duration: StatedDuration,
}

impl Facts {
    /// The names of the facts files, which are not read as documents.
    pub const FILES: [&str; 3] = ["overlay.json", "glossary.json", "durations.json"];

    /// Reads each file from `folder`, or takes the text that `fallback` returns for its name if `folder` lacks it.
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
        Self {
            overlay,
            glossary,
            durations: model_durations(&durations, diagnostics),
        }
    }

    /// The stated durations of a model.
    pub fn durations(&self, model: &str) -> Vec<StatedDuration> {
        let of_model = self.durations.iter().filter(|entry| entry.model == model);
        of_model.map(|entry| entry.duration.clone()).collect()
    }
}

fn model_durations(durations: &Value, diagnostics: &mut Diagnostics) -> Vec<ModelDuration> {
    let entries = durations.get("durations").and_then(Value::as_array);
    let mut read = Vec::new();
    for (index, entry) in entries.into_iter().flatten().enumerate() {
        match model_duration(entry) {
            Some(entry) => read.push(entry),
            None => {
                let what = "the entry needs a `model` and `min` and `max` in seconds, and may have a whole `length`";
                let pointer = format!("/durations/{index}");
                let remedy = "correct the entry";
                diagnostics.error(Diagnostic::new("durations.json", &pointer, what, remedy));
            }
        }
    }
    read
}

fn model_duration(entry: &Value) -> Option<ModelDuration> {
    let (min, max) = (entry["min"].as_f64()?, entry["max"].as_f64()?);
    let length = match entry.get("length") {
        Some(length) => Some(length.as_u64()?),
        None => None,
    };
    let is_range = (0.0..=max).contains(&min) && max < 1e9;
    let model = entry["model"].as_str().filter(|_| is_range)?;
    Some(ModelDuration {
        model: model.to_owned(),
        duration: StatedDuration::new(length, min..=max),
    })
}
