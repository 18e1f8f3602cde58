//! The facts that the documents do not state: `overlay.json`, `glossary.json`, `durations.json` and `vendors.json`.

use std::{collections::BTreeMap, fs, io, path::Path};

use aimlapi_video_contract::StatedDuration;
use serde_json::Value;

use crate::{Diagnostic, Diagnostics, step};

/// Corrections of documents, a line of documentation per property, the durations of models, and the vendors of ids.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The corrections, as an OpenAPI Overlay.
    pub overlay: Value,
    /// One line of documentation per property.
    pub glossary: Value,
    /// How long the generations of models take.
    pub durations: Vec<ModelDuration>,
    /// The vendor of the models whose ids begin with a prefix, by prefix in lower case.
    pub vendors: BTreeMap<String, String>,
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
    pub const FILES: [&str; 4] = [
        "overlay.json",
        "glossary.json",
        "durations.json",
        "vendors.json",
    ];

    /// Reads each file from `folder`, or takes the text that `fallback` returns for its name if `folder` lacks it.
    pub fn read(
        folder: &Path,
        fallback: impl Fn(&str) -> io::Result<String>,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let [overlay, glossary, durations, vendors] = Self::FILES.map(|name| {
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
            vendors: prefixes(&vendors, diagnostics),
        }
    }

    /// The vendor of a model, which is the name of its feature and of its folder: the one with the longest prefix of the id,
    /// else the folder of its document, else the first part of the id.
    pub fn vendor(&self, model: &str, file: &str) -> String {
        let id = model.to_lowercase();
        // The prefixes of one text stand in the order of their lengths.
        let mut known = self.vendors.iter().rev();
        if let Some((_, vendor)) = known.find(|(prefix, _)| id.starts_with(*prefix)) {
            return vendor.clone();
        }
        let mut folders = file.rsplit('/').skip(1);
        let folder = folders.find(|folder| *folder != LEGACY_FOLDER);
        let in_id = || Some(model.split_once('/')?.0);
        match vendor_name(folder.or_else(in_id).unwrap_or_default()).as_str() {
            "" => "unnamed".into(),
            vendor => vendor.into(),
        }
    }

    /// The stated durations of a model.
    pub fn durations(&self, model: &str) -> Vec<StatedDuration> {
        let of_model = self.durations.iter().filter(|entry| entry.model == model);
        of_model.map(|entry| entry.duration.clone()).collect()
    }
}

/// The folder of a vendor's documents of older URLs.
pub const LEGACY_FOLDER: &str = "legacy";

/// The name of a feature and of a folder: lower case, a hyphen for each separator.
fn vendor_name(text: &str) -> String {
    let name = text
        .to_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    name.trim_matches('-').to_owned()
}

/// Reads the prefixes of ids that each vendor has.
fn prefixes(vendors: &Value, diagnostics: &mut Diagnostics) -> BTreeMap<String, String> {
    let mut read: BTreeMap<String, String> = BTreeMap::new();
    // A file that cannot be read is null here, and has been reported.
    if !vendors.is_object() && !vendors.is_null() {
        let what = "is not an object of vendors";
        let remedy = "write it as {\"acme\": [\"acme/\"]}";
        diagnostics.error(Diagnostic::new("vendors.json", "", what, remedy));
    }
    for (vendor, prefixes) in vendors.as_object().into_iter().flatten() {
        let mut error = |what: &str, remedy: &str| {
            let pointer = step(vendor);
            diagnostics.error(Diagnostic::new("vendors.json", &pointer, what, remedy));
        };
        if vendor_name(vendor) != *vendor || vendor.is_empty() {
            let what = "the name of a vendor has lower-case letters, digits and hyphens alone";
            error(what, "rename it as its folder is named");
            continue;
        }
        let texts = prefixes
            .as_array()
            .map(|texts| texts.iter().map(Value::as_str));
        let Some(texts) = texts.and_then(Iterator::collect::<Option<Vec<&str>>>) else {
            error(
                "is not a list of prefixes of model ids",
                "write it as [\"acme/\"]",
            );
            continue;
        };
        for prefix in texts {
            if prefix.is_empty() {
                error("has an empty prefix, which every id has", "remove it");
            } else if let Some(other) = read.insert(prefix.to_lowercase(), vendor.clone())
                && other != *vendor
            {
                let what = format!("`{prefix}` is a prefix of `{other}` and of `{vendor}`");
                error(&what, "keep it for one of the two vendors");
            }
        }
    }
    read
}

fn model_durations(durations: &Value, diagnostics: &mut Diagnostics) -> Vec<ModelDuration> {
    let entries = durations.get("durations").and_then(Value::as_array);
    if entries.is_none() && !durations.is_null() {
        let what = "is not an object with a list `durations`";
        let remedy = "write it as {\"durations\": []}";
        diagnostics.error(Diagnostic::new("durations.json", "", what, remedy));
    }
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
