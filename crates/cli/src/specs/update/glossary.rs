//! Drafts of lines in `glossary.json`, for properties that have none.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::failure::Failure;
use aimlapi_video::contract::Schema;
use aimlapi_video_codegen::Merged;

/// The end of a line that a maintainer has not reviewed.
const MARK: &str = " (draft)";

/// The drafts by path: those that the glossary has, and new ones.
pub(super) struct Drafts {
    glossary: Value,
    new: BTreeMap<String, String>,
}

impl Drafts {
    pub(super) fn of(glossary: &Value, merged: &Merged) -> Self {
        let mut new = BTreeMap::new();
        for request in &merged.requests {
            for (path, property) in request.model.paths() {
                if property.description.is_none() {
                    let line = draft(glossary, &path, &property.schema);
                    new.entry(path).or_insert(line);
                }
            }
        }
        Self {
            glossary: glossary.clone(),
            new,
        }
    }

    /// Every draft, with the path of its property.
    pub(super) fn all(&self) -> BTreeMap<String, String> {
        let old = lines(&self.glossary).filter(|(_, line)| line.ends_with(MARK));
        let old = old.map(|(path, line)| (path.clone(), line.to_owned()));
        old.chain(self.new.clone()).collect()
    }

    /// The text of a folder's glossary with the new drafts, if it has a glossary and lacks any.
    pub(super) fn text(&self, folder: &Path) -> Result<Option<String>, Failure> {
        let text = fs::read_to_string(folder.join("glossary.json")).ok();
        let Some(text) = text.filter(|_| !self.new.is_empty()) else {
            return Ok(None);
        };
        let mut whole = self.glossary.clone();
        let lines = whole
            .as_object_mut()
            .map(|whole| whole.entry("properties").or_insert_with(|| json!({})));
        let Some(lines) = lines.and_then(Value::as_object_mut) else {
            let what = "nothing was written: glossary.json is not an object with an object `properties`, to which drafts are \
                        added; correct it";
            return Err(Failure::usage(what));
        };
        for (path, line) in &self.new {
            lines.insert(path.clone(), line.as_str().into());
        }
        // The order of the other lines stays, so that only the drafts differ.
        let new: String = self
            .new
            .iter()
            .map(|(path, line)| {
                format!("\n    {}: {},", Value::from(&**path), Value::from(&**line))
            })
            .collect();
        let start = "\"properties\": {";
        let inserted = text.replacen(start, &format!("{start}{new}"), 1);
        Ok(Some(match serde_json::from_str::<Value>(&inserted) {
            Ok(inserted_value) if inserted_value == whole => inserted,
            _ => format!("{whole:#}\n"),
        }))
    }
}

/// The lines that no property has, each with its model if it is of one.
pub(super) fn unused(glossary: &Value, merged: &Merged) -> BTreeSet<(String, String)> {
    let mut unused: BTreeSet<(String, String)> = lines(glossary)
        .map(|(path, _)| (path.clone(), String::new()))
        .collect();
    let of_models = glossary["models"].as_object();
    for (model, lines) in of_models.into_iter().flatten() {
        let paths = lines.as_object().into_iter().flat_map(Map::keys);
        unused.extend(paths.map(|path| (path.clone(), model.clone())));
    }
    for request in &merged.requests {
        let model = &request.create.model;
        for (path, _) in request.model.paths() {
            let has_own = glossary["models"][model].get(&path).is_some();
            let of = if has_own {
                model.clone()
            } else {
                String::new()
            };
            unused.remove(&(path, of));
        }
    }
    unused
}

fn lines(glossary: &Value) -> impl Iterator<Item = (&String, &str)> {
    let lines = glossary["properties"].as_object().into_iter().flatten();
    lines.filter_map(|(path, line)| Some((path, line.as_str()?)))
}

/// A line made of the property's name and type and of the name of a like property with a line.
fn draft(glossary: &Value, path: &str, schema: &Schema) -> String {
    let name = name(path);
    let words: Vec<&str> = name.split('_').collect();
    let common = |path: &str| {
        let other = self::name(path).split('_');
        other.filter(|word| words.contains(word)).count()
    };
    let mut text = words.join(" ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let like = lines(glossary)
        .filter(|(_, line)| !line.ends_with(MARK))
        .map(|(path, _)| (common(path), path))
        .filter(|(common, _)| *common > 0)
        .max_by_key(|(common, path)| (*common, Reverse(path.len())));
    let like = like
        .map(|(_, path)| format!("; compare `{path}`"))
        .unwrap_or_default();
    format!("{text}: {}{like}.{MARK}", kind(schema))
}

/// The last name of a path.
fn name(path: &str) -> &str {
    let name = path.rsplit('.').next().unwrap_or(path);
    name.trim_end_matches("[]")
}

fn kind(schema: &Schema) -> &'static str {
    match schema.typed() {
        Schema::Boolean => "true or false",
        Schema::Integer { .. } | Schema::IntegerEnum(_) => "a whole number",
        Schema::Number { .. } => "a number",
        Schema::String { .. } => "a text",
        Schema::StringEnum(_) | Schema::Enum(_) => "one of the listed values",
        Schema::Uri | Schema::UriOrBase64 | Schema::Media => "a link or inline data",
        Schema::Array { .. } => "a list",
        Schema::Object(_) => "an object",
        _ => "a value",
    }
}
