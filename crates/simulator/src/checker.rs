//! `Checker`: judges requests and responses by the documents, without a server.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock},
};

use axum::http::{self, Method, StatusCode, header};
use jsonschema::Validator;
use serde::Serialize;
use serde_json::Value;

use super::{
    documents::{Document, Documents, json_schema},
    redact,
    violation::{Violation, violations},
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

/// A part of a request or a response that deviates from its document.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Deviation {
    /// What deviates.
    pub subject: Subject,
    /// The part of it.
    pub part: Part,
    /// The JSON pointer within the part; for a header or a query parameter, `/` and its name.
    pub pointer: String,
    /// The given value, or `None` if it is missing; without keys, the queries of URLs, and the bytes of media.
    pub given: Option<Value>,
    /// What is allowed.
    pub allowed: String,
    /// The file of the document, if a document of the request's model declares what is allowed.
    pub document: Option<String>,
}

/// What deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Subject {
    /// A request deviates from its document.
    Request,
    /// A response deviates from its document.
    Response,
    /// The client's reading of a response deviates from what the response states.
    Reading,
    /// The upstream server sent no complete response.
    Upstream,
}

/// The part of a message that deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Part {
    /// The path of the request.
    Path,
    /// The method of the request.
    Method,
    /// The query of the request.
    Query,
    /// A header.
    Header,
    /// The status of the response.
    Status,
    /// The body.
    Body,
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
    /// A number in a string is a deviation, although the service accepts it in some properties. Plain base64 text is none where
    /// the document's prose allows it.
    pub fn request<B: AsRef<[u8]>>(&self, request: &http::Request<B>) -> Vec<Deviation> {
        let mut found = Vec::new();
        let mut add = |part, pointer: &str, given: Option<Value>, allowed: &str, document| {
            found.push(Deviation {
                subject: Subject::Request,
                part,
                pointer: pointer.to_owned(),
                given,
                allowed: allowed.to_owned(),
                document,
            });
        };
        let path = request.uri().path();
        let Some(route) = Route::from_path(path) else {
            let paths = Route::ALL.map(Route::path).join(", ");
            let allowed = format!("one of {paths}");
            add(Part::Path, "", Some(path.into()), &allowed, None);
            return finish(request, found);
        };
        let is_create = match *request.method() {
            Method::POST => true,
            Method::GET => false,
            ref method => {
                let given = Some(method.as_str().into());
                add(Part::Method, "", given, "GET or POST", None);
                return finish(request, found);
            }
        };
        let text = |name| {
            let value = request.headers().get(name)?;
            value.to_str().ok()
        };
        let authorization = text(header::AUTHORIZATION).and_then(|value| value.split_once(' '));
        let is_bearer = |(scheme, key): (&str, &str)| {
            scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty()
        };
        if !authorization.is_some_and(is_bearer) {
            let scheme = authorization.map(|(scheme, _)| format!("{scheme} …").into());
            add(Part::Header, "/authorization", scheme, "Bearer KEY", None);
        }
        if !is_create {
            let query = request.uri().query().unwrap_or_default();
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            if !pairs.any(|(name, value)| name == "generation_id" && !value.is_empty()) {
                let file = self.0.fetches.get(&route).map(|(file, _)| file.clone());
                let allowed = "a generation's id";
                add(Part::Query, "/generation_id", None, allowed, file);
            }
            return finish(request, found);
        }
        let kind = text(header::CONTENT_TYPE);
        if !kind.is_some_and(is_json) {
            let given = kind.map(Value::from);
            let allowed = "application/json";
            add(Part::Header, "/content-type", given, allowed, None);
        }
        let mut violated = |violation: Violation, document: Option<&Document>| {
            let file = document.map(|document| document.model.document.clone());
            let Violation {
                pointer,
                given,
                allowed,
            } = violation;
            add(Part::Body, &pointer, given, &allowed, file);
        };
        match serde_json::from_slice::<Value>(request.body().as_ref()) {
            Err(error) => violated(not_json(request.body().as_ref(), &error), None),
            Ok(body) => match self.0.documents.find(route, &body) {
                Err(violation) => violated(violation, None),
                Ok(document) => document
                    .violations(&body)
                    .into_iter()
                    .for_each(|violation| violated(violation, Some(document))),
            },
        }
        finish(request, found)
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
        let Some(route) = Route::from_path(request.uri().path()) else {
            return Vec::new();
        };
        let (declared, file, validator) = match *request.method() {
            Method::POST => {
                let body = serde_json::from_slice(request.body().as_ref()).unwrap_or_default();
                let Ok(document) = self.0.documents.find(route, &body) else {
                    return Vec::new();
                };
                let model = &document.model;
                let validator = self.0.creates.get(&(route, model.id.clone()));
                let file = model.document.clone();
                (document.status, file, validator.map(AsRef::as_ref))
            }
            Method::GET => match self.0.fetches.get(&route) {
                Some((file, validator)) => (200, file.clone(), Some(validator)),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        let mut found = Vec::new();
        let mut add = |part, pointer: &str, given: Option<Value>, allowed: String| {
            found.push(Deviation {
                subject: Subject::Response,
                part,
                pointer: pointer.to_owned(),
                given,
                allowed,
                document: Some(file.clone()),
            });
        };
        let status = response.status();
        let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
        if refused.contains(&status) && *request.method() == Method::POST {
            if self.request(request).is_empty() {
                let allowed = format!("{declared}: the document allows the request");
                add(Part::Status, "", Some(status.as_u16().into()), allowed);
            }
        } else if !status.is_client_error() && !status.is_server_error() && status != declared {
            let given = Some(status.as_u16().into());
            add(Part::Status, "", given, declared.to_string());
        }
        if status.is_success() {
            let kind = response.headers().get(header::CONTENT_TYPE);
            let kind = kind.map(|kind| String::from_utf8_lossy(kind.as_bytes()));
            if !kind.as_deref().is_some_and(is_json) {
                let given = kind.map(|kind| kind.into_owned().into());
                let allowed = "application/json".to_owned();
                add(Part::Header, "/content-type", given, allowed);
            }
            let violated: Vec<Violation> = match serde_json::from_slice(response.body().as_ref()) {
                Err(error) => vec![not_json(response.body().as_ref(), &error)],
                Ok::<Value, _>(body) => {
                    let errors = validator
                        .into_iter()
                        .flat_map(|validator| validator.iter_errors(&body));
                    errors.flat_map(|error| violations(&error)).collect()
                }
            };
            for violation in violated {
                let given = violation.given;
                add(Part::Body, &violation.pointer, given, violation.allowed);
            }
        }
        finish(request, found)
    }
}

impl Deviation {
    /// Creates a deviation of the client's reading of a response.
    pub fn of_reading(
        pointer: impl Into<String>,
        given: Option<Value>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            subject: Subject::Reading,
            part: Part::Body,
            pointer: pointer.into(),
            given,
            allowed: allowed.into(),
            document: None,
        }
    }

    /// Removes the key, the queries of URLs, the bytes of media, and the ends of long strings.
    pub(super) fn without_secrets(mut self, key: Option<&str>) -> Self {
        self.given = self.given.map(|mut given| {
            given = redact::without_secrets(key, &given);
            super::log::truncate_strings(&mut given);
            given
        });
        self.pointer = redact::redact(key, &self.pointer);
        self
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.part)?;
        if !self.pointer.is_empty() {
            write!(f, " {}", self.pointer)?;
        }
        write!(f, ": expected {}; received ", self.allowed)?;
        match &self.given {
            Some(given) => write!(f, "{given}")?,
            None => f.write_str("nothing")?,
        }
        match &self.document {
            Some(document) => write!(f, " ({document})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "request",
            Self::Response => "response",
            Self::Reading => "reading",
            Self::Upstream => "upstream",
        })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Path => "path",
            Self::Method => "method",
            Self::Query => "query",
            Self::Header => "header",
            Self::Status => "status",
            Self::Body => "body",
        })
    }
}

fn finish<B>(request: &http::Request<B>, found: Vec<Deviation>) -> Vec<Deviation> {
    let key = redact::key(request.headers());
    found
        .into_iter()
        .map(|deviation| deviation.without_secrets(key))
        .collect()
}

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
