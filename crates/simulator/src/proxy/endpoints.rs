//! The proxy's own endpoints below `/_simulator/`, with the errors of the simulator's.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{FromRequestParts, Query, State},
    http::{HeaderMap, StatusCode, Uri, request::Parts},
    middleware::from_fn,
    response::Response,
    routing::{get, post},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    ReportedDeviation,
    forward::{Forward, forward},
};
use crate::{
    page,
    responses::{ErrorResponse, Stamp},
};

/// Builds the router: the proxy's own endpoints, and everything else to the upstream.
pub(super) fn router(state: Arc<Forward>) -> Router {
    Router::new()
        .route("/_simulator", get(overview))
        .route("/_simulator/", get(overview))
        .route_layer(from_fn(page::negotiate))
        .route("/_simulator/page/state", get(page_state))
        .route("/_simulator/deviations", get(deviations))
        .route("/_simulator/reset", post(reset))
        .route_layer(from_fn(page::origin::refuse_others))
        .method_not_allowed_fallback(unknown_method)
        .fallback(forward)
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
        "epoch": epoch,
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
