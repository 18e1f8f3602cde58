//! What the page shows of a simulator: its state, of which requests are sent once, and the clips of completed generations.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderMap, Request, Response as HttpResponse, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Checker, Deviation, RecordedTask,
    clock::Clock,
    files::serve,
    key::KeyHash,
    lists::Filter,
    log::LoggedExchange,
    server::{Service, Shared},
    timeline::NEVER,
};
use aimlapi_video::documents;

/// The newest generations that the page shows.
const MAX_TASKS: usize = 1_000;
/// The exchanges in one response, so that judging them takes little time.
const MAX_CHANGES: usize = 500;

pub(crate) fn router() -> Router<Arc<Service>> {
    Router::new()
        .route("/_simulator/page/state", get(state))
        .route("/_simulator/page/clips/{id}", get(clip))
}

#[derive(Deserialize)]
struct Since {
    /// The revision of the log up to which the page has the exchanges.
    #[serde(default)]
    since: u64,
    /// The hash of the key that the page is limited to.
    key: Option<KeyHash>,
}

/// Responds with everything but the exchanges that the page has, or with 304 if nothing has changed except the time.
async fn state(
    State(service): State<Shared>,
    Query(Since { since, key }): Query<Since>,
    headers: HeaderMap,
) -> Response {
    let clock = Arc::clone(&service.accounts.find(key).clock);
    let clocks = service.accounts.clocks();
    let changes = service.log.changes(since, key, MAX_CHANGES);
    let mut tasks = service.tasks(&Filter::of_key(key));
    let generations = tasks.len();
    tasks.drain(..generations.saturating_sub(MAX_TASKS));
    let mut state = json!({
        "kind": "simulator",
        "version": env!("CARGO_PKG_VERSION"),
        "strict": service.strict,
        "replay": service.replay.is_some(),
        "epoch": changes.epoch.to_string(),
        "revision": changes.revision,
        "more": changes.more,
        "speed": clock.speed(),
        "advanced_seconds": clock.advanced().as_secs_f64(),
        "keys": clocks.iter().map(|(key, clock)| json!({ "key": key, "advanced_seconds": clock.advanced().as_secs_f64() })).collect::<Vec<_>>(),
        "credits_left": service.accounts.credits(key),
        "requests_kept": service.log.count(key),
        "generations": generations,
        "tasks": tasks.into_iter().map(to_json).collect::<Vec<_>>(),
        "rules": service.accounts.rules(key),
    });
    let mut hasher = DefaultHasher::new();
    state.to_string().hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let is_known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str());
    if is_known && changes.exchanges.is_empty() {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    let checker = checker(&service);
    let exchanges = changes.exchanges.into_iter();
    state["requests"] = exchanges
        .map(|exchange| exchange_to_json(exchange, checker))
        .collect();
    state["now_seconds"] = clock.now().as_secs_f64().into();
    let now = |(key, clock): &(KeyHash, Arc<Clock>)| (key.to_string(), clock.now().as_secs_f64());
    state["now_seconds_by_key"] = clocks.iter().map(now).collect();
    ([(header::ETAG, tag)], Json(state)).into_response()
}

/// Serves the clip of a completed generation; this is neither a request nor a download of the program under test.
async fn clip(
    State(service): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let account = service.accounts.with_task(&id);
    let simulated = account.and_then(|account| account.tasks.clip(&id));
    let replayed = || Some(service.replay.as_ref()?.clip(&id)?.to_bytes());
    match simulated.or_else(replayed) {
        Some(bytes) => serve(bytes, &headers, None),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Returns a generation with absolute times in place of the time left, so that it stays the same until it changes.
fn to_json(task: RecordedTask) -> Value {
    let seconds = |time: Duration| (time != NEVER).then_some(time.as_secs_f64());
    let [created, starts, ends] = task.times.map(seconds);
    let mut json = serde_json::to_value(task).unwrap_or_default();
    if let Some(object) = json.as_object_mut() {
        object.remove("seconds_left");
        object.extend([
            ("created_seconds".to_owned(), created.into()),
            ("starts_seconds".to_owned(), starts.into()),
            ("ends_seconds".to_owned(), ends.into()),
        ]);
    }
    json
}

fn checker(service: &Service) -> Option<&Checker> {
    let compile = || Checker::compile(Arc::clone(&service.documents), documents::fetches()).ok();
    service.checker.get_or_init(compile).as_ref()
}

fn exchange_to_json(exchange: LoggedExchange, checker: Option<&Checker>) -> Value {
    let deviations = checker.and_then(|checker| judge(&exchange, checker));
    let response = exchange.response.map(|response| {
        let body = serde_json::from_slice::<Value>(&response.body);
        let text = || String::from_utf8_lossy(&response.body).into_owned().into();
        json!({ "headers": response.headers(), "body": body.unwrap_or_else(|_| text()) })
    });
    let mut json = serde_json::to_value(exchange.request).unwrap_or_default();
    json["response"] = response.into();
    json["is_judged"] = deviations.is_some().into();
    json["deviations"] = json!(deviations.unwrap_or_default());
    json
}

/// Judges an exchange by the documents; `None` if it is not one with the service, or not all of it is stored.
fn judge(exchange: &LoggedExchange, checker: &Checker) -> Option<Vec<Deviation>> {
    let LoggedExchange {
        request,
        body,
        response,
    } = exchange;
    if request.target.starts_with("/_simulator/") {
        return None;
    }
    let mut parts = Request::builder()
        .method(request.method.as_str())
        .uri(&request.target);
    for (name, value) in &request.headers {
        // The place of a removed key.
        parts = parts.header(name, value.replace('…', "-"));
    }
    let judged = parts.body(body.as_deref()?).ok()?;
    let mut found = checker.request(&judged);
    if let (Some(status), Some(response)) = (request.status, response) {
        let mut parts = HttpResponse::builder().status(status);
        for (name, value) in response.headers() {
            parts = parts.header(name, value.replace('…', "-"));
        }
        found.extend(checker.response(&judged, &parts.body(&*response.body).ok()?));
    }
    Some(found)
}
