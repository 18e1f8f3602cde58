//! The OpenAPI documents that this crate was built from, for contract tests, the simulator, and the command `specs`.
//!
//! A [`Document`] is what one OpenAPI document declares of one model, after repairs and overlay. It is independent of the
//! generated types: any JSON Schema validator can use its schema.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// `openapi/overlay.json`: corrections of single facts of the documents, as an OpenAPI Overlay 1.0.
pub const OVERLAY: &str = include_str!("../openapi/overlay.json");

/// `openapi/glossary.json`: one line on the meaning of each property.
pub const GLOSSARY: &str = include_str!("../openapi/glossary.json");

/// `openapi/durations.json`: how long generations take, as the vendor's pages state it.
pub const DURATIONS: &str = include_str!("../openapi/durations.json");

/// `openapi/vendors.json`: the prefixes of each vendor's model ids.
pub const VENDORS: &str = include_str!("../openapi/vendors.json");

/// The request of one model on one path, as its document declares it.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Document {
    /// The value of `model` in a request.
    pub model: String,
    /// The path of the `POST`, below the base URL.
    pub path: String,
    /// The HTTP status of a created generation, 200 or 201.
    pub status: u16,
    /// The schema of the request's body, in the dialect of OpenAPI 3.0.
    pub schema: Value,
    /// The schema of the response to a created generation, in the same dialect, if the document declares one.
    pub response: Option<Value>,
}

impl Document {
    /// A document that was read at run time, for the simulator.
    pub fn new(
        model: impl Into<String>,
        path: impl Into<String>,
        status: u16,
        schema: Value,
    ) -> Self {
        Self {
            model: model.into(),
            path: path.into(),
            status,
            schema,
            response: None,
        }
    }

    /// Sets the schema of the response.
    #[must_use]
    pub fn with_response(self, response: Option<Value>) -> Self {
        Self { response, ..self }
    }
}

/// The response to a fetch on one path, as a document declares it for every model.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct FetchDocument {
    /// The path of the `GET`, below the base URL.
    pub path: String,
    /// The document's file.
    pub file: String,
    /// The schema of the response, in the dialect of OpenAPI 3.0.
    pub response: Value,
}

impl FetchDocument {
    /// A document that was read at run time, for the simulator's `Checker`.
    pub fn new(path: impl Into<String>, file: impl Into<String>, response: Value) -> Self {
        Self {
            path: path.into(),
            file: file.into(),
            response,
        }
    }
}

/// The repaired documents of the enabled vendors, one entry per path and model. The first call parses them.
pub fn documents() -> &'static [Document] {
    &embedded().documents
}

/// The repaired documents of the fetch operations, one entry per path. The first call parses them.
pub fn fetches() -> &'static [FetchDocument] {
    &embedded().fetches
}

#[derive(Default, Deserialize)]
struct Embedded {
    documents: Vec<Document>,
    fetches: Vec<FetchDocument>,
}

fn embedded() -> &'static Embedded {
    static EMBEDDED: LazyLock<Embedded> = LazyLock::new(|| {
        let text = include_str!(concat!(env!("OUT_DIR"), "/documents.json"));
        // The build writes this text from the same fields, and the tests of the simulator read it.
        serde_json::from_str(text).unwrap_or_default()
    });
    &EMBEDDED
}
