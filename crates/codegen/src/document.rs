//! One document, and the video operations in it.

mod arms;
pub mod folder;
mod places;
mod prune;

use serde_json::{Map, Value};

use crate::{Diagnostic, Diagnostics, Route, repair, step};
use arms::by_model;

pub use folder::read;
pub use places::Places;
pub use prune::Declared;

/// One published document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path below the folder, with `/` on every system.
    pub file: String,
    /// The part that this client works with, which repairs and overlay change.
    pub value: Value,
    /// This part as it was published, with what it refers to; the rest is dropped.
    pub published: Value,
    /// What the whole declared.
    pub declared: Declared,
    /// The repairs that found something to mend.
    pub repairs: Vec<&'static str>,
}

/// A create operation for one model, as a document declares it.
#[derive(Clone, Debug)]
pub struct Create {
    pub file: String,
    pub route: Route,
    pub model: String,
    /// The request body's schema; its `model` allows just this model.
    pub schema: Value,
    /// Where the parts of `schema` stand in the repaired document.
    pub places: Places,
    /// Where `schema` stands in the published file.
    pub place: String,
    /// The status the document declares for a created generation.
    pub status: u16,
    /// The schema of the answer, where the document declares one.
    pub answer: Option<Value>,
}

impl Document {
    pub fn new(file: impl Into<String>, whole: Value) -> Self {
        let (published, declared) = prune::prune(whole);
        let mut document = Self {
            file: file.into(),
            value: Value::Null,
            published,
            declared,
            repairs: Vec::new(),
        };
        document.value = document.unrepaired();
        document
    }

    /// The part that this client works with, without repairs and overlay.
    pub fn unrepaired(&self) -> Value {
        let mut value = self.published.clone();
        if let Some(paths) = value.get_mut("paths").and_then(Value::as_object_mut) {
            paths.retain(|path, _| Route::ALL.iter().any(|route| route.path() == path));
        }
        repair::from_elsewhere(&mut value, &self.published);
        value
    }

    /// Reads one file's text.
    ///
    /// # Errors
    ///
    /// What it is instead of an OpenAPI 3.0 document.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let refused =
            |what: String, remedy: &str| Err(Box::new(Diagnostic::new(file, "", what, remedy)));
        let again = "put the published OpenAPI document in its place, or move the file elsewhere";
        // Some editors begin a file with a byte order mark, which is no part of the JSON.
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let published: Value = match serde_json::from_slice(text) {
            Ok(value) => value,
            Err(error) => return refused(format!("is not JSON: {error}"), again),
        };
        let version = published.get("openapi").or(published.get("swagger"));
        match version.map(Value::as_str) {
            Some(Some(version)) if version.starts_with("3.0") => Ok(Self::new(file, published)),
            Some(Some(version)) => {
                let what = format!("is OpenAPI {version:.20}, and only 3.0 is read");
                refused(what, "publish it as OpenAPI 3.0, or move it elsewhere")
            }
            _ => {
                let what = "is no OpenAPI document: it has no `openapi` version";
                refused(what.into(), again)
            }
        }
    }

    /// Whether the document declares an operation of this client.
    pub fn is_video(&self) -> bool {
        let declares = |route: &Route, method: &str| {
            let item = self
                .value
                .get("paths")
                .and_then(|paths| paths.get(route.path()));
            item.is_some_and(|item| item.get(method).is_some())
        };
        Route::ALL
            .iter()
            .any(|route| declares(route, "post") || declares(route, "get"))
    }

    /// Where in the published file a place of the mended document stands. Mending writes out what `$ref` refers to and
    /// folds `allOf` and the like into their parents, so the way there may lead through these; where it ends before the
    /// place is reached, the nearest one above it is told.
    pub fn place(&self, pointer: &str) -> String {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let mut left = FARTHEST;
        walk(
            &self.published,
            &self.published,
            String::new(),
            &steps,
            &mut left,
        )
        .1
    }
}

/// How many of `steps` could be gone from `at`, and where that led to in the file. `left` bounds the search, since
/// references may lead in circles.
fn walk(
    root: &Value,
    at: &Value,
    place: String,
    steps: &[&str],
    left: &mut usize,
) -> (usize, String) {
    let target = at
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|to| to.strip_prefix('#'))
        .and_then(|to| Some((to.to_owned(), root.pointer(to)?)));
    *left = left.saturating_sub(1);
    if let Some((to, target)) = target.filter(|_| *left > 0) {
        return walk(root, target, to, steps, left);
    }
    let Some((first, rest)) = steps.split_first() else {
        return (0, place);
    };
    let mut best = (0, place.clone());
    if let Some(next) = at.pointer(&format!("/{first}")) {
        let (gone, found) = walk(root, next, format!("{place}/{first}"), rest, left);
        best = (gone + 1, found);
    }
    // What is missing there may stand in a part that was folded into it.
    if best.0 == steps.len() {
        return best;
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let arms = at.get(keyword).and_then(Value::as_array);
        for (index, arm) in arms.into_iter().flatten().enumerate() {
            if *left == 0 {
                return best;
            }
            let found = walk(root, arm, format!("{place}/{keyword}/{index}"), steps, left);
            if found.0 > best.0 {
                best = found;
            }
        }
    }
    best
}

/// The create operations of a document, one per path and model.
pub fn creates(document: &Document, diagnostics: &mut Diagnostics) -> Vec<Create> {
    let mut creates = Vec::new();
    for route in Route::ALL {
        let at = format!("/paths{}/post", step(route.path()));
        let Some(operation) = document.value.pointer(&at) else {
            continue;
        };
        let Some((pointer, schema)) = json_body(operation, &at) else {
            let what = "the operation has no JSON request body";
            let remedy = "fetch the document again, or add the body by an overlay action";
            diagnostics.error(Diagnostic::new(
                &document.file,
                &document.place(&at),
                what,
                remedy,
            ));
            continue;
        };
        let found = by_model(document, schema, &pointer, diagnostics);
        if found.is_empty() {
            let (place, what, remedy) = match schema.get("$ref") {
                Some(to) => (
                    format!("{pointer}/$ref"),
                    format!("{to} leads nowhere in this file, or back to itself, or too far"),
                    "put the schema in its place by an overlay action",
                ),
                None => (
                    format!("{pointer}/properties/model"),
                    "no model id: `model` has no enum of strings".to_owned(),
                    "add `enum` with the model's id by an overlay action",
                ),
            };
            let place = document.place(&place);
            diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
        }
        for (model, mut places, schema) in found {
            let odd = match () {
                () if model.trim().is_empty() => Some("holds no character"),
                () if model.chars().any(char::is_control) => Some("holds a control character"),
                () => None,
            };
            if let Some(odd) = odd {
                let what = format!("the model id {model:?} {odd}");
                let place = document.place(&places.of("/properties/model/enum"));
                let remedy = "correct the id by an overlay action";
                diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
                continue;
            }
            creates.push(Create {
                file: document.file.clone(),
                route,
                schema: arms::for_model(schema, &model, &mut places),
                model,
                place: document.place(&places.of("")),
                places,
                status: declared_status(operation),
                answer: answer(operation),
            });
        }
    }
    creates
}

/// The document's fetch operation for `route`, where it declares one.
pub fn fetch(document: &Document, route: Route) -> Option<&Value> {
    document
        .value
        .pointer(&format!("/paths{}/get", step(route.path())))
}

/// The schema of what an operation answers when it succeeds, where it declares one.
pub fn answer(operation: &Value) -> Option<Value> {
    let responses = operation.get("responses")?.as_object()?;
    let succeeded = |code: &String| code.starts_with('2') || code == "default";
    let mut answers = responses
        .iter()
        .filter(|(code, _)| succeeded(code))
        .filter_map(|(_, response)| content(response).map(|(_, schema)| schema.clone()));
    answers.next()
}

fn json_body<'a>(operation: &'a Value, at: &str) -> Option<(String, &'a Value)> {
    let (kind, schema) = content(operation.get("requestBody")?)?;
    Some((
        format!("{at}/requestBody/content{}/schema", step(kind)),
        schema,
    ))
}

/// The media type and schema of JSON content; parameters such as a charset do not matter.
fn content(of: &Value) -> Option<(&String, &Value)> {
    let content = of.get("content")?.as_object()?;
    let json = content.iter().find(|(kind, _)| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().eq_ignore_ascii_case("application/json")
    });
    json.and_then(|(kind, media)| Some((kind, media.get("schema")?)))
}

fn declared_status(operation: &Value) -> u16 {
    operation
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(Map::keys)
        .filter_map(|code| code.parse().ok())
        .find(|code| (200..300).contains(code))
        .unwrap_or(200)
}

/// More steps than any way through a document takes, unless it leads in a circle.
const FARTHEST: usize = 1000;
