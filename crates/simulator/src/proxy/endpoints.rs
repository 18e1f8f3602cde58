//! The proxy's own endpoints below `/_simulator/`, with the errors of the simulator's.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Json, Router,
    extract::{FromRequestParts, Query, Request, State},
    http::{HeaderMap, StatusCode, Uri, request::Parts},
    middleware::{from_fn, from_fn_with_state},
    response::Response,
    routing::{any, get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tower::{Service, ServiceExt, service_fn};

use super::{
    ReportedDeviation,
    exchange::Timer,
    forward::{Forward, forward},
};
use crate::{
    connection::Abort,
    page,
    responses::{ErrorResponse, Stamp},
};

/// Returns the service of a connection: the proxy's own endpoints, and everything else to the upstream.
pub(super) fn service(
    router: Router,
    state: Arc<Forward>,
    abort: Abort,
) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send {
    let timer = Timer::default();
    service_fn(move |request: Request| {
        abort.set_used();
        let (router, state) = (router.clone(), Arc::clone(&state));
        let (abort, timer) = (abort.clone(), timer.clone());
        async move {
            // A router costs a forwarded request a multiple of this.
            match is_own(request.uri().path()) {
                true => router.oneshot(request).await,
                false => Ok(forward(state, abort, timer, request).await),
            }
        }
    })
}

/// Whether a path is one of the proxy's own endpoints.
fn is_own(path: &str) -> bool {
    let rest = path.strip_prefix("/_simulator");
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Builds the router of the proxy's own endpoints.
pub(super) fn router(state: Arc<Forward>, is_loopback: bool) -> Router {
    Router::new()
        .route("/_simulator", get(overview))
        .route("/_simulator/", get(overview))
        .route_layer(from_fn(page::negotiate))
        .route("/_simulator/page/state", get(page_state))
        .route("/_simulator/deviations", get(deviations))
        .route("/_simulator/reset", post(reset))
        .route("/_simulator/{*path}", any(unknown_path))
        .route_layer(from_fn_with_state(is_loopback, page::origin::refuse_others))
        .method_not_allowed_fallback(unknown_method)
        .with_state(state)
}

async fn overview(_: NoQuery, State(state): State<Arc<Forward>>) -> Json<Value> {
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "note": "a proxy; deviations are held in memory and are lost when it stops",
        "upstream": state.upstream.url,
        "guard": state.guard,
        "counts": state.reports.counts(),
        "deviations": state.reports.list(),
    }))
}

/// The number of deviations that the page has, of those since the last reset.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since: u64,
}

/// Responds with what the page shows: the counts, and the deviations that the page does not have.
async fn page_state(
    State(state): State<Arc<Forward>>,
    OwnQuery(Since { since }): OwnQuery<Since>,
) -> Json<Value> {
    let (epoch, counts, deviations) = state.reports.since(since);
    Json(json!({
        "kind": "proxy",
        "version": env!("CARGO_PKG_VERSION"),
        "upstream": state.upstream.url,
        "guard": state.guard,
        "epoch": epoch.to_string(),
        "revision": counts.deviations + counts.upstream_failures,
        "counts": counts,
        "deviations": deviations,
    }))
}

async fn deviations(_: NoQuery, State(state): State<Arc<Forward>>) -> Json<Vec<ReportedDeviation>> {
    Json(state.reports.list())
}

async fn reset(_: NoQuery, State(state): State<Arc<Forward>>) -> StatusCode {
    state.reports.reset();
    StatusCode::NO_CONTENT
}

/// Responds to requests for what a simulator has and a proxy has not; an upstream would see their keys.
async fn unknown_path(uri: Uri, headers: HeaderMap) -> Response {
    let message = format!("a proxy has no {}; see /_simulator/", uri.path());
    error(StatusCode::NOT_FOUND, message, &uri, &headers)
}

async fn unknown_method(uri: Uri, headers: HeaderMap) -> Response {
    let message = "the path does not allow this method";
    error(StatusCode::METHOD_NOT_ALLOWED, message, &uri, &headers)
}

/// A query without unknown parameters.
struct OwnQuery<T>(T);

type NoQuery = OwnQuery<Nothing>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for OwnQuery<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let Parts { uri, headers, .. } = parts;
        match Query::try_from_uri(uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(invalid) => {
                let message = format!("query: {}", invalid.body_text());
                Err(error(StatusCode::BAD_REQUEST, message, uri, headers))
            }
        }
    }
}

fn error(
    status: StatusCode,
    message: impl Into<String>,
    uri: &Uri,
    headers: &HeaderMap,
) -> Response {
    ErrorResponse::new(status, message).into_response(uri, headers, Stamp::random())
}
