//! The forwarding of one request to the upstream, and of its response to the caller.

use std::{
    error::Error as _,
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime},
};

use aimlapi_video::{contract::Route, reqwest};
use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_util::{Stream, StreamExt};

use super::{
    builder::{OnDeviation, OnExchange, Reading},
    exchange::{Exchange, RequestCapture},
    report::Reports,
};
use crate::{
    Checker, Deviation, Part, connection::Abort, responses::ErrorResponse, server::MAX_BODY,
};

/// The state of a proxy, shared by all handlers.
pub(super) struct Forward {
    /// The base URL, without a slash at its end.
    pub(super) upstream: String,
    pub(super) client: reqwest::Client,
    pub(super) guard: bool,
    pub(super) late_after: Duration,
    pub(super) checker: Checker,
    pub(super) reading: Option<Box<Reading>>,
    pub(super) on_deviation: Option<Box<OnDeviation>>,
    pub(super) on_exchange: Option<Box<OnExchange>>,
    pub(super) received: AtomicU64,
    pub(super) reports: Arc<Reports>,
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("upstream", &self.upstream)
            .finish_non_exhaustive()
    }
}

/// Headers that concern one connection (RFC 9110, 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Handles every request that is not for the proxy itself.
pub(super) async fn forward(
    State(state): State<Arc<Forward>>,
    ConnectInfo(abort): ConnectInfo<Abort>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let number = state.received.fetch_add(1, Ordering::Relaxed) + 1;
    let is_judged = !parts.uri.path().starts_with("/_simulator/");
    let capture = RequestCapture::new(Route::from_path(parts.uri.path()).is_some());
    let head = (
        parts.method.clone(),
        parts.uri.clone(),
        parts.headers.clone(),
    );
    let mut exchange = Exchange::new(Arc::clone(&state), number, head, capture.clone(), is_judged);
    let refuse = |status, message: String| {
        let at = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        ErrorResponse::new(status, message).into_response(&parts.uri, &parts.headers, at)
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let Ok(url) = format!("{}{target}", state.upstream).parse() else {
        let message = "the request's target and the upstream make no URL".to_owned();
        return refuse(StatusCode::BAD_REQUEST, message);
    };
    let mut outgoing = reqwest::Request::new(parts.method.clone(), url);
    *outgoing.headers_mut() = end_to_end(&parts.headers);
    outgoing.headers_mut().remove(header::HOST);
    if state.guard && is_judged {
        let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
            let message = format!("body: expected a complete body of at most {MAX_BODY} bytes");
            return refuse(StatusCode::PAYLOAD_TOO_LARGE, message);
        };
        capture.append(&bytes);
        capture.complete();
        let found = exchange.judge_request().to_vec();
        if let Some(first) = found.first() {
            exchange.refuse();
            let messages: Vec<String> = found.iter().map(ToString::to_string).collect();
            return refuse(refusal_status(first), messages.join("; "));
        }
        if !bytes.is_empty() {
            *outgoing.body_mut() = Some(bytes.into());
        }
    } else if body.is_end_stream() {
        capture.complete();
    } else {
        let length = content_length(&parts.headers);
        let body = capture_request(body, capture, length);
        *outgoing.body_mut() = Some(reqwest::Body::wrap_stream(body));
    }
    let mut response = pin!(state.client.execute(outgoing));
    let response = match tokio::time::timeout(state.late_after, &mut response).await {
        Ok(response) => response,
        Err(_) => {
            exchange.late(state.late_after);
            response.await
        }
    };
    match response {
        Ok(response) => respond(response, exchange, &parts.method),
        Err(error) if error.is_connect() => {
            let cause = causes(&error);
            exchange.fail(format!("no connection: {cause}"));
            let message = format!("the upstream {} cannot be reached: {cause}", state.upstream);
            refuse(StatusCode::BAD_GATEWAY, message)
        }
        Err(error) => {
            exchange.fail(format!("closed without a response: {}", causes(&error)));
            // The caller sees what the proxy saw: a connection that is closed without a response.
            abort.abort();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Returns the upstream's response with a body that is captured while the caller receives it.
fn respond(received: reqwest::Response, mut exchange: Exchange, method: &Method) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = received.status();
    *response.headers_mut() = end_to_end(received.headers());
    let length = content_length(received.headers());
    exchange.response_head(received.status(), received.headers());
    let status = received.status();
    let has_no_body = *method == Method::HEAD
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || length == Some(0);
    if has_no_body {
        exchange.finish();
        return response;
    }
    *response.body_mut() = Body::from_stream(CapturedResponse {
        body: received.bytes_stream().boxed(),
        left: length,
        exchange,
    });
    response
}

/// The body of a response. When it has ended, the exchange is judged before the caller receives the last bytes.
struct CapturedResponse<S> {
    body: S,
    /// The bytes that are left, if the upstream stated the length.
    left: Option<u64>,
    exchange: Exchange,
}

impl<S: Stream<Item = reqwest::Result<Bytes>> + Unpin> Stream for CapturedResponse<S> {
    type Item = reqwest::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.body.poll_next_unpin(context));
        match &next {
            Some(Ok(bytes)) => {
                self.exchange.append(bytes);
                self.left = self
                    .left
                    .map(|left| left.saturating_sub(bytes.len() as u64));
                if self.left == Some(0) {
                    self.exchange.finish();
                }
            }
            Some(Err(error)) => {
                let cause = causes(error);
                self.exchange.break_off(&cause);
            }
            None => self.exchange.finish(),
        }
        Poll::Ready(next)
    }
}

/// Returns the body of a request as a stream that captures what it forwards.
fn capture_request(
    body: Body,
    capture: RequestCapture,
    length: Option<u64>,
) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send {
    let mut left = length;
    let mut body = body.into_data_stream();
    futures_util::stream::poll_fn(move |context| {
        let next = std::task::ready!(body.poll_next_unpin(context));
        match &next {
            Some(Ok(bytes)) => {
                capture.append(bytes);
                left = left.map(|left| left.saturating_sub(bytes.len() as u64));
                if left == Some(0) {
                    capture.complete();
                }
            }
            Some(Err(_)) => capture.fail(),
            None => capture.complete(),
        }
        Poll::Ready(next)
    })
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Returns the headers that are forwarded.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut forwarded = headers.clone();
    for named in headers.get_all(header::CONNECTION) {
        let names = named.to_str().unwrap_or_default().split(',');
        for name in names.filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
            forwarded.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        forwarded.remove(name);
    }
    forwarded
}

/// Returns the status with which the simulator refuses such a request.
fn refusal_status(deviation: &Deviation) -> StatusCode {
    match deviation.part {
        Part::Path => StatusCode::NOT_FOUND,
        Part::Method => StatusCode::METHOD_NOT_ALLOWED,
        Part::Header if deviation.pointer == "/authorization" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    }
}

/// Returns the causes of an error, without the URL, whose query may be secret.
fn causes(error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    match causes.last() {
        Some(last) => last.clone(),
        None => "an error of the connection".into(),
    }
}
