//! Reading the folder of documents, and finding the video operations in one.

use std::{fs, path::Path};

use serde_json::Value;

use super::{Facts, Trouble, step};

/// The two URLs that create and fetch generations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    Universal,
    LegacyKling,
}

impl Route {
    pub const ALL: [Self; 2] = [Self::Universal, Self::LegacyKling];

    pub fn path(self) -> &'static str {
        match self {
            Self::Universal => "/v2/video/generations",
            Self::LegacyKling => "/v2/generate/video/kling/generation",
        }
    }
}

/// One published document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path below the folder, with `/` on every system.
    pub file: String,
    pub value: Value,
}

/// A create operation for one model, as a document declares it.
#[derive(Clone, Debug)]
pub struct Create {
    pub file: String,
    pub route: Route,
    pub model: String,
    /// The request body's schema; its `model` allows just this model.
    pub schema: Value,
    /// Where `schema` stands in the file.
    pub pointer: String,
    /// The status the document declares for a created generation.
    pub status: u16,
}

/// Reads every `.json` file below `folder`, in the order of their names.
pub fn read(folder: &Path) -> Result<Vec<Document>, Vec<Trouble>> {
    let mut files = Vec::new();
    let mut troubles = Vec::new();
    list(folder, "", &mut files, &mut troubles);
    files.sort();
    let mut documents = Vec::new();
    for file in files {
        let text = fs::read_to_string(folder.join(&file));
        match text
            .map_err(|error| error.to_string())
            .and_then(|text| parse(&text))
        {
            Ok(value) => documents.push(Document { file, value }),
            Err(what) => troubles.push(Trouble::new(
                &file,
                "",
                what,
                "put the published OpenAPI document in its place",
            )),
        }
    }
    if troubles.is_empty() {
        Ok(documents)
    } else {
        Err(troubles)
    }
}

fn list(folder: &Path, below: &str, files: &mut Vec<String>, troubles: &mut Vec<Trouble>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let what = format!("the folder {} cannot be read: {error}", folder.display());
            troubles.push(Trouble::new(
                below,
                "",
                what,
                "name a folder that exists and can be read",
            ));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = format!("{below}{name}");
        let path = entry.path();
        if path.is_dir() {
            list(&path, &format!("{file}/"), files, troubles);
        } else if name.ends_with(".json") && !Facts::FILES.contains(&file.as_str()) {
            files.push(file);
        }
    }
}

fn parse(text: &str) -> Result<Value, String> {
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    match value.get("openapi").and_then(Value::as_str) {
        Some(version) if version.starts_with("3.0.") => Ok(value),
        Some(version) => Err(format!("is OpenAPI {version}, and only 3.0 can be read")),
        None => Err("is no OpenAPI document: it has no `openapi` version".into()),
    }
}

/// The create operations of a document, one per model.
pub fn creates(document: &Document) -> Result<Vec<Create>, Vec<Trouble>> {
    let mut creates = Vec::new();
    let mut troubles = Vec::new();
    for route in Route::ALL {
        let at = format!("/paths{}/post", step(route.path()));
        let Some(operation) = document.value.pointer(&at) else {
            continue;
        };
        let pointer = format!("{at}/requestBody/content/application~1json/schema");
        let Some(schema) = document.value.pointer(&pointer) else {
            let what = "the operation has no JSON request body";
            troubles.push(Trouble::new(
                &document.file,
                &at,
                what,
                "fetch the document again, or add the body by an overlay action",
            ));
            continue;
        };
        let models: Vec<&str> = schema
            .pointer("/properties/model/enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if models.is_empty() {
            let what = "no model id: `model` has no enum of strings";
            let remedy = "add `enum` with the model's id by an overlay action";
            troubles.push(Trouble::new(
                &document.file,
                &format!("{pointer}/properties/model"),
                what,
                remedy,
            ));
        }
        for model in models {
            let mut schema = schema.clone();
            if let Some(ids) = schema.pointer_mut("/properties/model/enum") {
                *ids = Value::from(vec![model]);
            }
            creates.push(Create {
                file: document.file.clone(),
                route,
                model: model.into(),
                schema,
                pointer: pointer.clone(),
                status: declared_status(operation),
            });
        }
    }
    if troubles.is_empty() {
        Ok(creates)
    } else {
        Err(troubles)
    }
}

/// The document's fetch operation for `route`, where it declares one.
pub fn fetch(document: &Document, route: Route) -> Option<&Value> {
    document
        .value
        .pointer(&format!("/paths{}/get", step(route.path())))
}

fn declared_status(operation: &Value) -> u16 {
    operation
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|responses| responses.keys())
        .filter_map(|code| code.parse().ok())
        .find(|code| (200..300).contains(code))
        .unwrap_or(200)
}
