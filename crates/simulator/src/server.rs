//! HTTP: the two URLs of the service, and what every request goes through.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, DefaultBodyLimit, Query, Request, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    admin,
    answers::{Refusal, generation, stepped},
    clock::Clock,
    documents::Documents,
    files,
    limits::RateLimit,
    line::Cut,
    log::Log,
    scenario::Step,
    shapes::Shape,
    tasks::{Created, Tasks},
};
use aimlapi_video::{Route, contract};

/// Everything that the simulator holds.
#[derive(Debug)]
pub(super) struct Service {
    /// The one key that is taken; any, where there is none.
    pub(super) key: Option<String>,
    pub(super) strict: bool,
    /// Which shapes the answers take in turn.
    pub(super) shapes: Vec<Shape>,
    pub(super) documents: &'static Documents,
    pub(super) clock: Arc<Clock>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) tasks: Tasks,
    pub(super) log: Log,
}

pub(super) type Shared = Arc<Service>;

/// A request may carry several files inline.
const MAX_BODY: usize = 256 * 1024 * 1024;

pub(super) fn router(service: Shared) -> Router {
    let mut router = Router::new().route("/_simulator/files/{id}/{name}", get(files::file));
    for route in [Route::Universal, Route::LegacyKling] {
        let fetch = move |service, line, query, uri, headers| {
            fetch(route, service, line, query, uri, headers)
        };
        let create = move |service, line, uri, headers, body| {
            create(route, service, line, uri, headers, body)
        };
        router = router.route(route.path(), get(fetch).post(create));
    }
    router
        .fallback(unknown_path)
        .method_not_allowed_fallback(unknown_method)
        // Bodies are read before, within a limit of our own.
        .layer(DefaultBodyLimit::disable())
        // Whatever stands above is logged, and what stands below is not: it asks the simulator, not the service.
        .layer(from_fn_with_state(Arc::clone(&service), logged))
        .merge(admin::router())
        .with_state(service)
}

/// Reads a request's body and notes the request before it is answered, and its answer's status after.
async fn logged(
    State(service): State<Shared>,
    ConnectInfo(line): ConnectInfo<Cut>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let read = to_bytes(body, MAX_BODY).await;
    let bytes = read.as_ref().cloned().unwrap_or_default();
    let number = service.log.begin(
        service.clock.unix(),
        &parts.method,
        &parts.uri,
        &parts.headers,
        &bytes,
    );
    let response = match read {
        Ok(bytes) => {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        }
        Err(_) => {
            let message = format!("body: expected {MAX_BODY} bytes at most, all of them");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).answer(
                &parts.uri,
                &parts.headers,
                service.clock.unix(),
            )
        }
    };
    if !line.is_cut() {
        service.log.end(number, response.status().as_u16());
    }
    response
}

async fn create(
    route: Route,
    State(service): State<Shared>,
    ConnectInfo(line): ConnectInfo<Cut>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let answer = service.create(route, &headers, &body);
    finish(&service, answer, (&uri, &headers), &line).await
}

#[derive(Deserialize)]
struct Asked {
    generation_id: Option<String>,
}

async fn fetch(
    route: Route,
    State(service): State<Shared>,
    ConnectInfo(line): ConnectInfo<Cut>,
    asked: Result<Query<Asked>, QueryRejection>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let answer = service.fetch(route, &headers, asked);
    finish(&service, answer, (&uri, &headers), &line).await
}

/// The usual answer, or what the scenario has instead of it, or an error.
async fn finish(
    service: &Service,
    answer: Result<(Response, Option<Step>), Refusal>,
    (uri, headers): (&Uri, &HeaderMap),
    line: &Cut,
) -> Response {
    let at = service.clock.unix();
    match answer {
        Ok((usual, None)) => usual,
        Ok((usual, Some(step))) => {
            let refused =
                |status, message: String| Refusal::new(status, message).answer(uri, headers, at);
            stepped(&step, usual, line, refused).await
        }
        Err(refusal) => refusal.answer(uri, headers, at),
    }
}

async fn unknown_path(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let refusal = Refusal::new(StatusCode::NOT_FOUND, "the service has no such path");
    refusal.answer(&uri, &headers, service.clock.unix())
}

async fn unknown_method(State(service): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let refusal = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "the path does not take this method",
    );
    refusal.answer(&uri, &headers, service.clock.unix())
}

impl Service {
    fn create(
        &self,
        route: Route,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<(Response, Option<Step>), Refusal> {
        self.admit(headers)?;
        let bad = |message| Refusal::new(StatusCode::BAD_REQUEST, message);
        let body: Value = serde_json::from_slice(body).map_err(|error| {
            bad(format!(
                "body: expected JSON; received something else ({error})"
            ))
        })?;
        let (document, body) = self.documents.judge(route, body).map_err(bad)?;
        let model = body["model"]
            .as_str()
            .and_then(|id| contract::model(route, id));
        let model = model.ok_or_else(|| bad("model: no document has it".into()))?;
        match self.tasks.create(route, model, &body) {
            Created::Refused(step) => Ok((Response::default(), Some(step))),
            Created::NoCredits { cost, left } => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                format!("out of credits: this generation costs {cost}, and {left} are left"),
            )),
            Created::Full => {
                let message =
                    "too many generations are unfinished, more than the simulator may hold";
                Err(Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(1))
            }
            Created::Made(id, step) => {
                let status = StatusCode::from_u16(document.status).unwrap_or(StatusCode::OK);
                let lost = || {
                    let message = "the generation was forgotten at once: too few may be held";
                    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, message)
                };
                let (answer, credits) = self.tasks.created(&id, &base(headers)).ok_or_else(lost)?;
                Ok((generation(status, answer, credits, headers), step))
            }
        }
    }

    fn fetch(
        &self,
        route: Route,
        headers: &HeaderMap,
        asked: Result<Query<Asked>, QueryRejection>,
    ) -> Result<(Response, Option<Step>), Refusal> {
        self.admit(headers)?;
        let bad = |message: String| Refusal::new(StatusCode::BAD_REQUEST, message);
        let Query(asked) = asked.map_err(|error| bad(format!("query: {}", error.body_text())))?;
        let Some(id) = asked.generation_id.filter(|id| !id.is_empty()) else {
            return Err(bad(
                "generation_id: expected a generation's id; received nothing".into(),
            ));
        };
        let found = self.tasks.poll(route, &id, &base(headers));
        let (answer, credits, step) = found.ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "no generation has this id on this URL",
            )
        })?;
        Ok((generation(StatusCode::OK, answer, credits, headers), step))
    }

    /// Whether the request has a key, and comes no more often than it may.
    fn admit(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, key)| scheme.eq_ignore_ascii_case("bearer") && !key.trim().is_empty())
            .map(|(_, key)| key.trim());
        let message = match (given, &self.key) {
            (None, _) => Some("authorization: expected `Bearer KEY`; received none"),
            (Some(given), Some(key)) if given != key => Some("authorization: the key is not known"),
            _ => None,
        };
        if let Some(message) = message {
            return Err(Refusal::new(StatusCode::UNAUTHORIZED, message));
        }
        let Some(limit) = &self.rate_limit else {
            return Ok(());
        };
        limit.take(self.clock.real()).map_err(|seconds| {
            let message = format!("too many requests: try again in {seconds} s");
            Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).retry_after(seconds)
        })
    }

    /// Forgets everything, and begins as at the start. The clock goes on.
    pub(super) fn reset(&self) {
        self.tasks.reset();
        self.log.reset();
        if let Some(limit) = &self.rate_limit {
            limit.reset(self.clock.real());
        }
    }
}

/// Where the client found the simulator, which is where it will find the files.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1");
    format!("http://{host}")
}
