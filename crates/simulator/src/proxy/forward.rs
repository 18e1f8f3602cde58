//! The forwarding of one request to the upstream, and of its response to the caller.

use std::{
    error::Error,
    fmt,
    future::poll_fn,
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aimlapi_video::contract::Route;
use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::{
    body::{Kept, Observed, Observer, RequestCapture, cause},
    builder::{OnDeviation, OnExchange, Reading},
    exchange::{Exchange, Timer},
    guard,
    report::Reports,
    upstream::Upstream,
};
use crate::{
    Checker,
    connection::{Abort, All},
    page::origin::is_address,
    server::MAX_BODY,
};

/// The state of a proxy, shared by all handlers.
pub(super) struct Forward {
    pub(super) upstream: Upstream,
    pub(super) guard: bool,
    /// The port that the proxy listens on.
    pub(super) port: u16,
    pub(super) connections: All,
    pub(super) late_after: Duration,
    pub(super) checker: Checker,
    pub(super) reading: Option<Box<Reading>>,
    pub(super) on_deviation: Option<Box<OnDeviation>>,
    pub(super) on_exchange: Option<Box<OnExchange>>,
    pub(super) received: AtomicU64,
    pub(super) reports: Arc<Reports>,
    /// Dropped with the state, which the server and each exchange share.
    pub(super) _ended: oneshot::Sender<()>,
}

impl fmt::Debug for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forward")
            .field("upstream", &self.upstream.url)
            .finish_non_exhaustive()
    }
}

/// Handles every request that is not for the proxy itself.
pub(super) async fn forward(
    state: Arc<Forward>,
    abort: Abort,
    timer: Timer,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let number = state.received.fetch_add(1, Ordering::Relaxed) + 1;
    let mut capture = RequestCapture::new(Route::from_path(head.uri.path()).is_some());
    let sent = capture.clone();
    let mut outgoing = Request::new(Body::empty());
    *outgoing.method_mut() = head.method.clone();
    *outgoing.headers_mut() = end_to_end(&head.headers);
    outgoing.headers_mut().remove(header::HOST);
    let is_for_proxy = head.method != Method::CONNECT && is_own(&head.uri, state.port);
    let uri = state.upstream.uri(&head.uri);
    let mut exchange = Exchange::new(Arc::clone(&state), number, head, capture.clone(), timer);
    if !is_for_proxy {
        let message = "the proxy forwards to its upstream alone: set its URL as the base URL of the client, not as an HTTP proxy";
        return exchange.error(StatusCode::NOT_IMPLEMENTED, message);
    }
    match uri {
        Ok(uri) => *outgoing.uri_mut() = uri,
        Err(error) => {
            let message = format!("the URL of the upstream for this path is not valid: {error}");
            return exchange.error(StatusCode::URI_TOO_LONG, message);
        }
    }
    let mut unsent = None;
    if state.guard {
        match guard::admit(body, capture, &mut exchange).await {
            Ok(bytes) => *outgoing.body_mut() = bytes.into(),
            Err(refusal) => return refusal,
        }
        // The body has a length now, and no trailers.
        outgoing.headers_mut().remove(header::TRAILER);
    } else if body.is_end_stream() {
        capture.end();
    } else {
        let body = Kept::new(Observed::new(body, capture));
        unsent = Some(body.clone());
        *outgoing.body_mut() = Body::new(body);
    }
    let mut sending = state.upstream.send(outgoing);
    let response = poll_fn(|context| {
        let received = sending.poll_unpin(context);
        if received.is_pending() {
            exchange.pending(context);
        }
        received
    });
    match response.await {
        Ok(response) => respond(response, exchange),
        Err(error) if error.is_connect() => {
            // The request is judged, although no upstream receives it.
            if let Some(rest) = unsent.filter(|_| sent.is_wanted()) {
                let rest = to_bytes(Body::new(rest), MAX_BODY);
                let _ = tokio::time::timeout(state.late_after, rest).await;
            }
            let cause = cause(&error);
            exchange.fail_without_response(format!("no connection: {cause}"));
            let url = &state.upstream.url;
            let message = format!("the upstream {url} cannot be reached: {cause}");
            exchange.error(StatusCode::BAD_GATEWAY, message)
        }
        Err(error) => {
            exchange.fail_without_response(format!("closed without a response: {}", cause(&error)));
            // The caller sees what the proxy saw: a connection that is closed without a response.
            abort.abort();
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

/// Returns the upstream's response with a body that is captured while the caller receives it.
fn respond<B>(received: Response<B>, mut exchange: Exchange) -> Response
where
    B: HttpBody<Data = Bytes, Error: Error + Send + Sync> + Send + Unpin + 'static,
{
    let (mut head, body) = received.into_parts();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = head.status;
    *response.headers_mut() = end_to_end(&head.headers);
    // A reason phrase of the upstream's own is an extension.
    *response.extensions_mut() = mem::take(&mut head.extensions);
    exchange.response_head(head);
    if body.is_end_stream() {
        exchange.end();
    } else {
        *response.body_mut() = Body::new(Observed::new(body, exchange));
    }
    response
}

/// Whether a target is one of the proxy: it states no other server (RFC 9112, 3.2.2).
fn is_own(target: &Uri, port: u16) -> bool {
    target
        .authority()
        .is_none_or(|stated| stated.port_u16().unwrap_or(80) == port && is_address(stated.as_str()))
}

/// Returns the headers that are forwarded, recorded and replayed.
pub(crate) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut forwarded = headers.clone();
    if headers.contains_key(header::TRANSFER_ENCODING) {
        // It overrides the length (RFC 9112, 6.3), which may be another one.
        forwarded.remove(header::CONTENT_LENGTH);
    }
    for named in headers.get_all(header::CONNECTION) {
        let names = named.to_str().unwrap_or_default().split(',');
        for name in names.filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
            forwarded.remove(name);
        }
    }
    for name in headers.keys().filter(|name| HOP_BY_HOP.contains(name)) {
        forwarded.remove(name);
    }
    forwarded
}

/// Headers that concern one connection (RFC 9110, 7.6.1 and 11.7), besides those that `Connection` names.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];
