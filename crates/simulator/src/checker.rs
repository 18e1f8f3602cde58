//! `Checker`: judges requests and responses by the documents, without a server.

mod deviation;
mod request;
mod response;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use axum::http;
use jsonschema::Validator;
use serde_json::Value;

pub use deviation::{Deviation, Part, Subject};

use super::{
    documents::{Documents, json_schema},
    redact,
    violation::Violation,
};
use aimlapi_video::{
    contract::{Model, Route},
    documents::{self, FetchDocument},
};

/// Judges requests and responses by the vendor's documents, without a server.
///
/// The judge is `jsonschema`, with the schemas of the documents; no type of the library takes part. A test can hold its own
/// mocks to the documents:
///
/// ```
/// use aimlapi_video_simulator::{Checker, http};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let request = http::Request::post("/v2/video/generations")
///     .header("authorization", "Bearer any")
///     .header("content-type", "application/json")
///     .body(r#"{ "model": "klingai/v2-master-text-to-video", "prompt": "Rain", "duration": 7 }"#)?;
/// // The response of the mock under test.
/// let response = http::Response::builder()
///     .header("content-type", "application/json")
///     .body(r#"{ "id": "1", "status": "done" }"#)?;
///
/// let checker = Checker::new()?;
/// let deviation = &checker.request(&request)[0];
/// assert_eq!(deviation.pointer, "/duration");
/// assert_eq!(deviation.allowed, "one of 5, 10");
/// assert_eq!(deviation.document.as_deref(), Some("kling/v2-master-text-to-video.json"));
///
/// let deviation = &checker.response(&request, &response)[0];
/// assert_eq!(deviation.pointer, "/status");
/// assert_eq!(deviation.given, Some("done".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Checker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    documents: Arc<Documents>,
    /// The validators of the responses to creates.
    creates: HashMap<(Route, String), Arc<Validator>>,
    /// The validators of the responses to fetches, each with its document's file.
    fetches: HashMap<Route, (String, Validator)>,
}

/// A document whose schema cannot be compiled.
#[derive(Clone, Debug)]
pub struct InvalidDocument(String);

impl fmt::Display for InvalidDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidDocument {}

impl Checker {
    /// Creates a checker with the documents that the library was built from, which are compiled once per process.
    ///
    /// # Errors
    ///
    /// If a document cannot be compiled.
    pub fn new() -> Result<Self, InvalidDocument> {
        static EMBEDDED: OnceLock<Result<Checker, InvalidDocument>> = OnceLock::new();
        let embedded = || {
            let documents = Documents::embedded(false).map_err(InvalidDocument)?;
            Self::compile(documents, documents::fetches())
        };
        EMBEDDED.get_or_init(embedded).clone()
    }

    /// Creates a checker with other documents, each with its model, as for
    /// [`SimulatorBuilder::documents`](super::SimulatorBuilder::documents), and those of the fetch operations.
    ///
    /// # Errors
    ///
    /// If a document cannot be compiled.
    pub fn with_documents(
        documents: impl IntoIterator<Item = (Model, documents::Document)>,
        fetches: impl IntoIterator<Item = FetchDocument>,
    ) -> Result<Self, InvalidDocument> {
        let documents = Documents::read(documents, false).map_err(InvalidDocument)?;
        let fetches: Vec<FetchDocument> = fetches.into_iter().collect();
        Self::compile(Arc::new(documents), &fetches)
    }

    pub(super) fn compile(
        documents: Arc<Documents>,
        fetches: &[FetchDocument],
    ) -> Result<Self, InvalidDocument> {
        let options = jsonschema::options().should_validate_formats(true);
        let build = |schema: &Value, name: &str| {
            options.build(schema).map_err(|error| {
                InvalidDocument(format!(
                    "the schema of the response of {name} cannot be compiled: {error}"
                ))
            })
        };
        // Most models have the same response.
        let mut compiled: HashMap<String, Arc<Validator>> = HashMap::new();
        let mut creates = HashMap::new();
        for route in Route::ALL {
            for document in documents.on(route) {
                let Some(schema) = &document.response else {
                    continue;
                };
                let id = &document.model.id;
                let text = schema.to_string();
                let validator = match compiled.get(&text) {
                    Some(validator) => Arc::clone(validator),
                    None => Arc::new(build(schema, id)?),
                };
                compiled.insert(text, Arc::clone(&validator));
                creates.insert((route, id.clone()), validator);
            }
        }
        let known = fetches
            .iter()
            .filter_map(|fetch| Some((Route::from_path(&fetch.path)?, fetch)));
        let fetches = known.map(|(route, fetch)| {
            let validator = build(&json_schema(&fetch.response, false), &fetch.path)?;
            Ok((route, (fetch.file.clone(), validator)))
        });
        let fetches = fetches.collect::<Result<_, InvalidDocument>>()?;
        Ok(Self(Arc::new(Inner {
            documents,
            creates,
            fetches,
        })))
    }

    /// Judges a request: path, method, authorization, content type, query and body.
    ///
    /// A number in a string is a deviation, although the service accepts it in some properties. Plain base64 text is allowed
    /// where the document's prose allows it.
    pub fn request<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Vec<Deviation> {
        let body = serde_json::from_slice(request.body().as_ref());
        self.judge_request(request, Some(&body))
    }

    /// Judges a response to `request`: status, content type and body.
    ///
    /// The documents declare no errors, so an error's body is not judged. That the service refuses a create, with 400 or 422,
    /// is a deviation if the document allows the request. The body of a model whose document declares no response, and the
    /// response to a request that no document declares, are not judged.
    pub fn response<B: AsRef<[u8]>, C: AsRef<[u8]>>(
        &self,
        request: &http::Request<B>,
        response: &http::Response<C>,
    ) -> Vec<Deviation> {
        let body = serde_json::from_slice(request.body().as_ref());
        let is_allowed = || self.judge_request(request, Some(&body)).is_empty();
        self.judge_response(request, &body, response, is_allowed)
    }
}

/// The parsed body of a request.
pub(super) type JsonBody = serde_json::Result<Value>;

/// Whether a media type is JSON; its parameters do not matter.
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn not_json(body: &[u8], error: &serde_json::Error) -> Violation {
    let text = String::from_utf8_lossy(body);
    Violation {
        pointer: String::new(),
        given: (!body.is_empty()).then(|| text.into_owned().into()),
        allowed: format!("JSON ({error})"),
    }
}

fn without_secrets<B>(request: &http::Request<B>, found: Vec<Deviation>) -> Vec<Deviation> {
    let key = redact::key(request.headers());
    let found = found.into_iter();
    found.map(|one| one.without_secrets(key)).collect()
}
