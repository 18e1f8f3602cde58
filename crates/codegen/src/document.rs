//! A published document, and the operations of this client in it.

mod arms;
mod divide;
pub mod folder;
mod outline;
mod places;
mod prune;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Diagnostic, Diagnostics, Route, repair, step};
use arms::by_model;

pub use divide::Divisible;
pub use folder::read;
pub use outline::may_be_of_this_client;
pub use places::Places;
pub use prune::Declared;

/// A published OpenAPI document.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path below the folder, with `/` on every system.
    pub file: String,
    /// The part that this client works with, which repairs and overlay change.
    pub value: Value,
    /// The same part as it was published, with everything that it refers to; the rest is dropped. A reference to `$defs`
    /// around it has the pointer of these in the file.
    pub published: Value,
    /// What the whole document declares.
    pub declared: Declared,
    /// The names of the repairs that changed the document.
    pub repairs: Vec<&'static str>,
    /// The bodies of a document of several models after the overlay, by route and model.
    pub(crate) corrected: BTreeMap<(Route, String), Value>,
}

/// A create operation for one model, as a document declares it.
#[derive(Clone, Debug)]
pub struct Create {
    /// The document's file.
    pub file: String,
    /// The URL of the operation.
    pub route: Route,
    /// The model's id.
    pub model: String,
    /// The request body's schema; its `model` allows this model alone.
    pub schema: Value,
    /// Where the parts of `schema` stand in the repaired document.
    pub places: Places,
    /// Where `schema` stands in the published file.
    pub place: String,
    /// The status the document declares for a created generation.
    pub status: u16,
    /// The schema of the response, where the document declares one.
    pub answer: Option<Value>,
}

impl Document {
    /// Keeps the part of `whole` that this client works with.
    pub fn new(file: impl Into<String>, mut whole: Value) -> Self {
        repair::below_definitions(&mut whole);
        let (published, declared) = prune::prune(whole);
        let mut document = Self {
            file: file.into(),
            value: Value::Null,
            published,
            declared,
            repairs: Vec::new(),
            corrected: BTreeMap::new(),
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
    /// The text is not an OpenAPI 3.0 or 3.1 document in JSON.
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, Box<Diagnostic>> {
        let refuse =
            |what: String, remedy: &str| Err(Box::new(Diagnostic::new(file, "", what, remedy)));
        let again = "put the published OpenAPI document in its place, or move the file elsewhere";
        // Some editors begin a file with a byte order mark, which is not a part of the JSON.
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text);
        let published: Value = match serde_json::from_slice(text) {
            Ok(value) => value,
            Err(error) => return refuse(format!("is not JSON: {error}"), again),
        };
        let version = published.get("openapi").or(published.get("swagger"));
        let is_read = |version: &str| version.starts_with("3.0") || version.starts_with("3.1");
        match version.map(Value::as_str) {
            Some(Some(version)) if is_read(version) => match published.get("jsonSchemaDialect") {
                Some(dialect) if !repair::is_known_dialect(dialect) => {
                    let what = format!("{dialect} is not the dialect of OpenAPI 3.1");
                    let remedy = "publish its schemas in JSON Schema 2020-12, or move it elsewhere";
                    Err(Box::new(Diagnostic::new(
                        file,
                        "/jsonSchemaDialect",
                        what,
                        remedy,
                    )))
                }
                _ => Ok(Self::new(file, published)),
            },
            Some(Some(version)) => {
                let what = format!("is OpenAPI {version:.20}; only 3.0 and 3.1 are supported");
                refuse(what, "publish it as OpenAPI 3.1, or move it elsewhere")
            }
            _ => {
                let what = "is not an OpenAPI document: `openapi`, its version, is missing";
                refuse(what.into(), again)
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

    /// Returns the JSON pointer in the published file for `pointer` in the repaired document.
    ///
    /// Repairs write out what `$ref` refers to and fold `allOf` and the like into their parents, so the search follows
    /// both. Where a part cannot be found, the result is the pointer of the nearest part above it.
    pub fn place(&self, pointer: &str) -> String {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        let mut left = MAX_VISITS;
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

/// Follows `steps` from `at`, and returns how many of them exist, and the pointer of the last one in the file. `left`
/// bounds the search, since references may be circular.
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
        .and_then(|to| repair::target(root, to));
    *left = left.saturating_sub(1);
    let mut best = (0, place.clone());
    if let Some((to, target)) = target.filter(|_| *left > 0) {
        let found = walk(root, target, to, steps, left);
        if at.as_object().is_none_or(|at| at.len() == 1) {
            return found;
        }
        // Keywords beside the reference may apply, too.
        if found.0 > best.0 {
            best = found;
        }
    }
    let Some((first, rest)) = steps.split_first() else {
        return best;
    };
    if let Some(next) = at.pointer(&format!("/{first}")) {
        let (count, found) = walk(root, next, format!("{place}/{first}"), rest, left);
        if count + 1 > best.0 {
            best = (count + 1, found);
        }
    }
    // A missing part may stand in a schema that a repair folded into this one.
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
                    format!("cannot resolve {to}: the target is missing, circular or too large"),
                    "replace it by the schema with an overlay action",
                ),
                None => (
                    format!("{pointer}/properties/model"),
                    "the model id is missing: `model` has no enum of strings".to_owned(),
                    "add `enum` with the model's id by an overlay action",
                ),
            };
            let place = document.place(&place);
            diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
        }
        for (model, mut places, schema) in found {
            let problem = match () {
                () if model.trim().is_empty() => Some("is blank"),
                () if model.chars().any(char::is_control) => Some("contains a control character"),
                () => None,
            };
            if let Some(problem) = problem {
                let what = format!("the model id {model:?} {problem}");
                let place = document.place(&places.of("/properties/model/enum"));
                let remedy = "correct the id by an overlay action";
                diagnostics.error(Diagnostic::new(&document.file, &place, what, remedy));
                continue;
            }
            let schema = arms::for_model(schema, &model, &mut places);
            let corrected = document.corrected.get(&(route, model.clone()));
            creates.push(Create {
                file: document.file.clone(),
                route,
                schema: corrected.cloned().unwrap_or(schema),
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

/// The schema of an operation's successful response, where it declares one.
pub fn answer(operation: &Value) -> Option<Value> {
    let responses = operation.get("responses")?.as_object()?;
    let is_success = |code: &String| code.starts_with('2') || code == "default";
    let mut schemas = responses
        .iter()
        .filter(|(code, _)| is_success(code))
        .filter_map(|(_, response)| content(response).map(|(_, schema)| schema.clone()));
    schemas.next()
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

/// The most schemas that a search visits; only circular references need more.
const MAX_VISITS: usize = 1000;
