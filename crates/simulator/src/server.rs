//! The HTTP server: the create and fetch handlers of both routes, authentication, the rate limit, and the log of requests.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use axum::{
    Extension, Router,
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

use super::{
    accounts::{Account, Accounts},
    admin,
    checker::Checker,
    connection::Abort,
    documents::Documents,
    files,
    key::KeyHash,
    log::{Log, LoggedResponse, MAX_BODY_BYTES},
    page, redact,
    replay::Replay,
    responses::{ErrorResponse, Stamp, apply_step, generation},
    scenario::Step,
    shapes::Shape,
    tasks::CreateOutcome,
};
use aimlapi_video::contract::Route;

/// The state of a simulator, shared by all handlers.
#[derive(Debug)]
pub(super) struct Service {
    /// The only accepted key; `None` to accept any key.
    pub(super) key: Option<KeyHash>,
    pub(super) strict: bool,
    /// The shapes of responses, which generations take in turn.
    pub(super) shapes: Vec<Shape>,
    pub(super) documents: Arc<Documents>,
    pub(super) accounts: Accounts,
    pub(super) log: Log,
    pub(super) replay: Option<Replay>,
    /// Whether pages of other origins may use the simulator's own endpoints.
    pub(super) any_origin: bool,
    /// Judges what the page shows; `None` if a document declares a response that cannot be compiled.
    pub(super) checker: OnceLock<Option<Checker>>,
}

pub(super) type Shared = Arc<Service>;

/// The maximum of a request body in bytes: a request may contain several inline files.
pub(super) const MAX_BODY: usize = 256 * 1024 * 1024;

/// Builds the router of all URLs.
pub(super) fn router(service: Shared) -> Router {
    let mut router = Router::new()
        .route("/_simulator/files/{id}/{name}", get(files::file))
        .route("/_simulator/replay/{course}/{name}", get(files::replayed));
    for route in [Route::Universal, Route::LegacyKling] {
        let fetch = move |service, abort, number, query, uri, headers| {
            fetch(route, service, abort, number, query, uri, headers)
        };
        let create = move |service, abort, number, uri, headers, body| {
            create(route, service, abort, number, uri, headers, body)
        };
        router = router.route(route.path(), get(fetch).post(create));
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        // `log_request` reads bodies, with its own limit.
        .layer(DefaultBodyLimit::disable())
        // The layer logs requests to the routes above it; the simulator's own endpoints are merged after it and not logged.
        .layer(from_fn_with_state(Arc::clone(&service), log_request))
        .merge(admin::router(&service))
        .merge(page::simulator::router())
        .with_state(service)
}

/// Returns the layer that answers preflight requests and lets the pages of any origin read responses.
pub(super) fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods(Any)
        // `*` would not include `Authorization`.
        .allow_headers(AllowHeaders::mirror_request())
        .allow_private_network(true)
        .expose_headers(Any)
}

/// Reads the body and records the request before it is handled, then records the response.
async fn log_request(
    State(service): State<Shared>,
    ConnectInfo(abort): ConnectInfo<Abort>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let read = to_bytes(body, MAX_BODY).await;
    let bytes = read.as_ref().cloned().unwrap_or_default();
    let headers = parts.headers.clone();
    let number = service.log.record(
        service.unix(&parts.headers),
        &parts.method,
        &parts.uri,
        &parts.headers,
        &bytes,
    );
    parts.extensions.insert(RequestNumber(number));
    let response = match read {
        Ok(bytes) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Err(_) => {
            let message = format!("body: expected a complete body of at most {MAX_BODY} bytes");
            ErrorResponse::new(StatusCode::PAYLOAD_TOO_LARGE, message).into_response(
                &parts.uri,
                &parts.headers,
                service.stamp(&parts.headers),
            )
        }
    };
    if abort.is_aborted() {
        return response;
    }
    let status = response.status().as_u16();
    let (response, copy) = copy(response, redact::key(&headers)).await;
    service.log.record_response(number, status, copy);
    response
}

/// Copies a response for the log, without the key, unless it is long or a video.
async fn copy(response: Response, key: redact::Key<'_>) -> (Response, Option<LoggedResponse>) {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_video = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"video/"));
    let length = response.body().size_hint().exact();
    let is_short = length.is_some_and(|length| length <= MAX_BODY_BYTES as u64);
    if !is_short || is_video {
        return (response, None);
    }
    let (parts, body) = response.into_parts();
    // A body of a known length is in memory, so reading it neither waits nor fails.
    let bytes = to_bytes(body, MAX_BODY_BYTES).await.unwrap_or_default();
    let copy = LoggedResponse::new(&parts.headers, &bytes, key);
    (Response::from_parts(parts, Body::from(bytes)), Some(copy))
}

/// The number of a request in the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestNumber(pub(super) u64);

async fn create(
    route: Route,
    State(service): State<Shared>,
    ConnectInfo(abort): ConnectInfo<Abort>,
    Extension(number): Extension<RequestNumber>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let result = service.create(route, number, &headers, &body);
    finish(&service, result, (&uri, &headers), &abort).await
}

/// The query of a fetch.
#[derive(Deserialize)]
struct FetchQuery {
    generation_id: Option<String>,
}

async fn fetch(
    route: Route,
    State(service): State<Shared>,
    ConnectInfo(abort): ConnectInfo<Abort>,
    Extension(number): Extension<RequestNumber>,
    query: Result<Query<FetchQuery>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let result = service.fetch(route, number, &headers, query);
    finish(&service, result, (&uri, &headers), &abort).await
}

/// Returns the normal response, the response of the scenario's step, or an error.
async fn finish(
    service: &Service,
    result: Result<(Response, Option<Step>), ErrorResponse>,
    (uri, headers): (&Uri, &HeaderMap),
    abort: &Abort,
) -> Response {
    match result {
        Ok((normal, None)) => normal,
        Ok((normal, Some(step))) => {
            let error = |status, message: String| {
                ErrorResponse::new(status, message).into_response(
                    uri,
                    headers,
                    service.stamp(headers),
                )
            };
            apply_step(&step, normal, abort, error).await
        }
        Err(error) => error.into_response(uri, headers, service.stamp(headers)),
    }
}

async fn unknown_path(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let error = ErrorResponse::new(StatusCode::NOT_FOUND, "the service has no such path");
    error.into_response(&uri, &headers, service.stamp(&headers))
}

async fn unknown_method(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let error = ErrorResponse::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "the path does not allow this method",
    );
    error.into_response(&uri, &headers, service.stamp(&headers))
}

impl Service {
    fn create(
        &self,
        route: Route,
        RequestNumber(number): RequestNumber,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Response, Option<Step>), ErrorResponse> {
        let account = self.admit(headers)?;
        let bad = |message| ErrorResponse::new(StatusCode::BAD_REQUEST, message);
        let body: Value = serde_json::from_slice(body).map_err(|error| {
            bad(format!(
                "body: expected JSON; received invalid JSON ({error})"
            ))
        })?;
        if let Some(replay) = &self.replay {
            let body = redact::without_secrets(redact::key(headers), &body);
            let course = replay.create(&account, number, route, &body, &base(headers));
            if let Some((task, response)) = course {
                self.log.record_task(number, task);
                return Ok((response, None));
            }
            if replay.only {
                let message = format!("no course to replay: {}", replay.difference(route, &body));
                return Err(ErrorResponse::new(StatusCode::NOT_FOUND, message));
            }
        }
        let (document, body) = self.documents.validate(route, body).map_err(bad)?;
        let tasks = &account.tasks;
        match tasks.create(route, &document.model, &body, headers, number) {
            CreateOutcome::Replaced(step) => Ok((Response::default(), Some(step))),
            CreateOutcome::NoCredits { cost, left } => Err(ErrorResponse::new(
                StatusCode::FORBIDDEN,
                format!("out of credits: this generation costs {cost}, and {left} are left"),
            )),
            CreateOutcome::Full => {
                let message =
                    "too many unfinished generations: the simulator may hold no more of them";
                Err(ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(1))
            }
            CreateOutcome::Created(id, step) => {
                let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::OK);
                let removed = || {
                    let message = "the generation was removed at once: `max_tasks` is too small";
                    ErrorResponse::new(StatusCode::INTERNAL_SERVER_ERROR, message)
                };
                self.record_task(number, &account, &id);
                let response = tasks.create_response(&id, &base(headers));
                let (body, credits) = response.ok_or_else(removed)?;
                Ok((
                    generation(status, body, credits, headers, account.stamp()),
                    step,
                ))
            }
        }
    }

    fn fetch(
        &self,
        route: Route,
        RequestNumber(number): RequestNumber,
        headers: &HeaderMap,
        query: Result<Query<FetchQuery>, QueryRejection>,
    ) -> Result<(Response, Option<Step>), ErrorResponse> {
        let account = self.admit(headers)?;
        let bad = |message: String| ErrorResponse::new(StatusCode::BAD_REQUEST, message);
        let Query(query) = query.map_err(|error| bad(format!("query: {}", error.body_text())))?;
        let Some(id) = query.generation_id.filter(|id| !id.is_empty()) else {
            return Err(bad(
                "generation_id: expected a generation's id; received nothing".into(),
            ));
        };
        if let Some(replay) = &self.replay {
            let course = replay.fetch(&account, route, &id, &base(headers));
            if let Some((task, response)) = course {
                self.log.record_task(number, task);
                return Ok((response, None));
            }
        }
        let polled = account.tasks.poll(route, &id, &base(headers));
        let (body, credits, step) = polled.ok_or_else(|| {
            ErrorResponse::new(
                StatusCode::NOT_FOUND,
                "no generation with this id exists on this route",
            )
        })?;
        self.record_task(number, &account, &id);
        Ok((
            generation(StatusCode::OK, body, credits, headers, account.stamp()),
            step,
        ))
    }

    /// Checks the key of a request, takes a token of its rate limit, and returns its account.
    fn admit(&self, headers: &HeaderMap) -> Result<Arc<Account>, ErrorResponse> {
        let refused = |message| ErrorResponse::new(StatusCode::UNAUTHORIZED, message);
        let missing = "authorization: expected `Bearer KEY`; received no key";
        let hash = KeyHash::of(headers).ok_or_else(|| refused(missing))?;
        if self.key.is_some_and(|key| key != hash) {
            return Err(refused("authorization: unknown key"));
        }
        let account = self.accounts.of(hash);
        if let Some(limit) = &account.rate_limit {
            limit.take(account.clock.real()).map_err(|seconds| {
                let message = format!("too many requests: try again in {seconds} s");
                ErrorResponse::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(seconds)
            })?;
        }
        Ok(account)
    }

    /// Returns the time of the request's key, as a duration since the Unix epoch.
    pub(super) fn unix(&self, headers: &HeaderMap) -> Duration {
        self.accounts.find(KeyHash::of(headers)).clock.unix()
    }

    /// Returns the time and the id of the next response to the request's key.
    pub(super) fn stamp(&self, headers: &HeaderMap) -> Stamp {
        self.accounts.find(KeyHash::of(headers)).stamp()
    }

    /// Records which generation a request concerns.
    pub(super) fn record_task(&self, number: u64, account: &Account, id: &str) {
        self.log.record_task(number, account.tasks.find(id));
    }

    /// Removes the generations and recorded requests of a key or of all keys, and restores their initial state.
    pub(super) fn reset(&self, key: Option<KeyHash>) {
        self.accounts.reset(key);
        self.log.reset(key);
        if let Some(replay) = &self.replay {
            replay.reset(key);
        }
    }
}

/// Returns the base URL of the request, which is also the base of the URLs of files.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1");
    format!("http://{host}")
}
