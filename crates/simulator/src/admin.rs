//! The simulator's own endpoints below `/_simulator/`, by which tests control and inspect it without a key.
//!
//! With a key in its `Authorization` header, or the hash of a key, a request for the scenario, the clock or a reset concerns
//! that key alone. Pages of other origins are refused.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    clock::seconds,
    key::KeyHash,
    lists::{Filter, PARAMETERS, RULE_PARAMETERS},
    openapi, page,
    responses::ErrorResponse,
    scenario::{MAX_SECONDS, Scenario},
    server::{Service, Shared},
};

/// Builds the router of the simulator's own endpoints.
pub(super) fn router() -> Router<Arc<Service>> {
    let scenario = get(scenario).post(play).delete(stop);
    Router::new()
        .route("/_simulator", get(overview))
        .route("/_simulator/", get(overview))
        .layer(from_fn(page::negotiate))
        .route("/_simulator/tasks", get(tasks))
        .route("/_simulator/requests", get(requests))
        .route("/_simulator/rules", get(rules))
        .route("/_simulator/scenario", scenario)
        .route("/_simulator/clock", get(clock).post(advance))
        .route("/_simulator/reset", post(reset))
        .route("/_simulator/openapi.json", get(document))
}

async fn overview(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    list(&service, &uri, &headers, PARAMETERS, |filter| {
        let account = service.accounts.find(filter.key);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "note": "state is held in memory and is lost when the simulator stops",
            "strict": service.strict,
            "now_seconds": account.clock.now().as_secs_f64(),
            "credits_left": service.accounts.credits(filter.key),
            "requests_seen": service.log.received(),
            "tasks": service.tasks(filter),
            "requests": service.requests(filter),
        })
    })
}

async fn tasks(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let tasks = |filter: &Filter| service.tasks(filter);
    list(&service, &uri, &headers, PARAMETERS, tasks)
}

async fn requests(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let requests = |filter: &Filter| service.requests(filter);
    list(&service, &uri, &headers, PARAMETERS, requests)
}

async fn rules(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    list(&service, &uri, &headers, RULE_PARAMETERS, |filter| {
        let mut rules = service.accounts.rules(filter.key);
        rules.retain(|rule| filter.name.is_none() || rule.name == filter.name);
        rules
    })
}

/// Responds with the list that a query limits, or with the error of an invalid query.
fn list<T: Serialize>(
    service: &Service,
    uri: &Uri,
    headers: &HeaderMap,
    parameters: &[&str],
    list: impl FnOnce(&Filter) -> T,
) -> Response {
    match Filter::read(uri, parameters) {
        Ok(filter) => Json(list(&filter)).into_response(),
        Err(message) => bad(service, message, uri, headers),
    }
}

async fn scenario(State(service): State<Shared>, headers: HeaderMap) -> Json<Scenario> {
    Json(service.accounts.scenario(KeyHash::named(&headers)))
}

/// Appends rules to those that are left, and returns all of them.
async fn play(
    State(service): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parsed = std::str::from_utf8(&body)
        .map_err(|error| error.to_string())
        .and_then(|text| text.parse::<Scenario>().map_err(|error| error.to_string()))
        .and_then(|scenario| {
            let checked = scenario.check_models(&service.documents.ids());
            checked
                .map(|()| scenario)
                .map_err(|error| error.to_string())
        });
    match parsed {
        Ok(scenario) => {
            let key = KeyHash::named(&headers);
            service.accounts.play(key, scenario);
            Json(service.accounts.scenario(key)).into_response()
        }
        Err(message) => bad(&service, message, &uri, &headers),
    }
}

async fn stop(State(service): State<Shared>, headers: HeaderMap) -> Json<Scenario> {
    let key = KeyHash::named(&headers);
    service.accounts.stop_scenario(key);
    Json(service.accounts.scenario(key))
}

async fn clock(State(service): State<Shared>, headers: HeaderMap) -> Json<Value> {
    let account = service.accounts.find(KeyHash::named(&headers));
    Json(json!({ "now_seconds": account.clock.now().as_secs_f64() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

async fn advance(
    State(service): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // Serde accepts a list for a struct, so the body is read as an object first.
    let object = serde_json::from_slice::<Map<String, Value>>(&body);
    match object.and_then(|body| serde_json::from_value::<Advance>(body.into())) {
        Ok(Advance { advance_seconds }) if (0.0..=MAX_SECONDS).contains(&advance_seconds) => {
            let key = KeyHash::named(&headers);
            service.accounts.advance(key, seconds(advance_seconds));
            clock(State(service), headers).await.into_response()
        }
        Ok(Advance { advance_seconds }) => {
            let message =
                format!("advance_seconds: expected 0 to {MAX_SECONDS}; received {advance_seconds}");
            bad(&service, message, &uri, &headers)
        }
        Err(error) => bad(&service, error.to_string(), &uri, &headers),
    }
}

async fn reset(State(service): State<Shared>, headers: HeaderMap) -> StatusCode {
    service.reset(KeyHash::named(&headers));
    StatusCode::NO_CONTENT
}

async fn document(State(service): State<Shared>) -> Json<Value> {
    Json(openapi::document(&service))
}

fn bad(service: &Service, message: String, uri: &Uri, headers: &HeaderMap) -> Response {
    ErrorResponse::new(StatusCode::BAD_REQUEST, message).into_response(
        uri,
        headers,
        service.stamp(headers),
    )
}
