//! HTTP: the two URLs, the files, and errors in the service's shape.

use std::{sync::Arc, time::SystemTime};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{documents::Documents, tasks::Tasks};
use crate::Route;

/// Everything that the simulator holds.
#[derive(Debug)]
pub(super) struct Service {
    /// The one key that is taken; any, where there is none.
    pub(super) key: Option<String>,
    pub(super) documents: Documents,
    pub(super) tasks: Tasks,
}

/// A request may carry several files inline.
const MAX_BODY: usize = 256 * 1024 * 1024;

/// Credits to the US dollar, as the vendor's page on funds states.
const CREDITS_PER_USD: f64 = 2_000_000.0;

pub(super) fn router(service: Arc<Service>) -> Router {
    let mut router = Router::new().route("/_simulator/files/{id}/{name}", get(file));
    for route in [Route::Universal, Route::LegacyKling] {
        let fetch = move |service, query, uri, headers| fetch(route, service, query, uri, headers);
        let create = move |service, uri, headers, body| create(route, service, uri, headers, body);
        router = router.route(route.path(), get(fetch).post(create));
    }
    router
        .fallback(unknown_path)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(service)
}

async fn create(
    route: Route,
    State(service): State<Arc<Service>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let refuse = |status, message: String| Refusal::new(status, message, &uri, &headers);
    service
        .authorize(&headers)
        .map_err(|message| refuse(StatusCode::UNAUTHORIZED, message))?;
    let body: Value = serde_json::from_slice(&body).map_err(|error| {
        refuse(
            StatusCode::BAD_REQUEST,
            format!("body: expected JSON; received something else ({error})"),
        )
    })?;
    let (document, body) = service
        .documents
        .judge(route, body)
        .map_err(|message| refuse(StatusCode::BAD_REQUEST, message))?;
    let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::OK);
    let id = service.tasks.create(route, &body);
    let answer = id.and_then(|id| service.tasks.answer(route, &id, &base(&headers)));
    let (answer, credits) = answer.ok_or_else(|| {
        refuse(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the simulator lost the generation".into(),
        )
    })?;
    Ok(answered(status, answer, credits, &headers))
}

#[derive(Deserialize)]
struct Asked {
    generation_id: Option<String>,
}

async fn fetch(
    route: Route,
    State(service): State<Arc<Service>>,
    Query(asked): Query<Asked>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let refuse = |status, message: &str| Refusal::new(status, message.to_owned(), &uri, &headers);
    service
        .authorize(&headers)
        .map_err(|message| refuse(StatusCode::UNAUTHORIZED, &message))?;
    let Some(id) = asked.generation_id.filter(|id| !id.is_empty()) else {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "generation_id: expected a generation's id; received nothing",
        ));
    };
    let (answer, credits) = service
        .tasks
        .answer(route, &id, &base(&headers))
        .ok_or_else(|| {
            refuse(
                StatusCode::NOT_FOUND,
                "no generation has this id on this URL",
            )
        })?;
    Ok(answered(StatusCode::OK, answer, credits, &headers))
}

/// The files ask for no key, as the hosts of the real ones do not.
async fn file(
    State(service): State<Arc<Service>>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    let number = name
        .strip_suffix(".mp4")
        .and_then(|number| number.parse().ok());
    match number.and_then(|number| service.tasks.file(&id, number)) {
        Some(bytes) => ([(header::CONTENT_TYPE, "video/mp4")], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn unknown_path(uri: Uri, headers: HeaderMap) -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "the service has no such path".into(),
        &uri,
        &headers,
    )
}

impl Service {
    fn authorize(&self, headers: &HeaderMap) -> Result<(), String> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty())
            .map(|(_, key)| key.trim());
        match (given, &self.key) {
            (None, _) => Err("authorization: expected `Bearer KEY`; received none".into()),
            (Some(given), Some(key)) if given != key => {
                Err("authorization: the key is not known".into())
            }
            _ => Ok(()),
        }
    }
}

fn answered(status: StatusCode, answer: Value, credits: f64, headers: &HeaderMap) -> Response {
    let mut response = (status, axum::Json(answer)).into_response();
    let out = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&request_id()) {
        out.insert("x-inference-id", id);
    }
    if let Some(id) = headers.get("x-client-request-id") {
        out.insert("x-client-request-id", id.clone());
    }
    let figures = [
        ("x-aimlapi-credits-used", credits),
        ("x-aimlapi-usd-spent", credits / CREDITS_PER_USD),
    ];
    for (name, figure) in figures {
        if let Ok(value) = HeaderValue::from_str(&figure.to_string()) {
            out.insert(name, value);
        }
    }
    response
}

/// An error as the service shapes it: `message`, `path`, `requestId`, `statusCode`, `timestamp`.
struct Refusal {
    status: StatusCode,
    body: Value,
}

impl Refusal {
    fn new(status: StatusCode, message: String, uri: &Uri, headers: &HeaderMap) -> Self {
        let given = headers
            .get("x-client-request-id")
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned);
        let body = json!({
            "message": message,
            "path": uri.path(),
            "requestId": given.unwrap_or_else(request_id),
            "statusCode": status.as_u16(),
            "timestamp": humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
        });
        Self { status, body }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body)).into_response()
    }
}

fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// Where the client found the simulator, which is where it will find the files.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1");
    format!("http://{host}")
}
