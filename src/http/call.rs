//! One call of a generated operation: the headers and the timeout that its request gets, and the reading of its response.

use std::{fmt, sync::Arc, time::Duration};

use progenitor_client::{
    ByteStream, ClientHooks, ClientInfo, Error as OperationError, OperationInfo, ResponseValue,
};
use reqwest::{
    Body, Request, Response,
    header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue},
};
use uuid::Uuid;

use super::{
    departure::{DepartingBody, Departure},
    redact,
    response::ServiceResponse,
    trace::HttpTrace,
};
use crate::generated;

/// Precedes the key in `Authorization`.
pub(crate) const BEARER: &str = "Bearer ";

static API_VERSION: HeaderName = HeaderName::from_static("api-version");
static CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The name and the value of a header.
pub(crate) type Header = (HeaderName, HeaderValue);

/// The settings of one call.
#[derive(Clone)]
pub(crate) struct Call {
    authorization: HeaderValue,
    request_id: Uuid,
    timeout: Duration,
    max_body: usize,
    idempotency: Option<Header>,
    departure: Arc<Departure>,
}

/// A call that got no response.
#[derive(Debug)]
pub(crate) struct NoResponse {
    /// Whether the request cannot have reached the service.
    pub(crate) unsent: bool,
    pub(crate) source: Option<reqwest::Error>,
    /// The `X-Client-Request-Id` that was sent.
    pub(crate) request_id: Uuid,
}

impl Call {
    /// `timeout` covers the whole exchange, the response's body included. `idempotency` is a header by which the service may
    /// recognise a repeated request.
    pub(crate) fn new(
        authorization: HeaderValue,
        timeout: Duration,
        max_body: usize,
        idempotency: Option<Header>,
    ) -> Self {
        // Not a secret, so each poll is spared a system call for random bytes.
        let request_id = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
        Self {
            authorization,
            request_id: request_id.into_uuid(),
            timeout,
            max_body,
            idempotency,
            departure: Arc::default(),
        }
    }

    /// The `X-Client-Request-Id` that is sent.
    pub(crate) fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// The record of whether the request has left, if it has a body.
    pub(crate) fn departure(&self) -> &Arc<Departure> {
        &self.departure
    }

    /// Reads the response of an operation, of any status.
    pub(crate) async fn receive(
        &self,
        result: Result<ResponseValue<ByteStream>, OperationError<ByteStream>>,
    ) -> Result<ServiceResponse, NoResponse> {
        let (unsent, source) = match result {
            Ok(response) | Err(OperationError::ErrorResponse(response)) => {
                let (key, request_id) = (self.key(), self.request_id);
                return Ok(ServiceResponse::read(response, key, self.max_body, request_id).await);
            }
            // A request whose body has not left has created nothing: the name was not found, the host does not listen, or the
            // TLS handshake or the proxy failed. In every other case the request may have arrived.
            Err(OperationError::CommunicationError(source)) => {
                (!self.departure.has_left(), Some(source.without_url()))
            }
            // The document declares every status and any content, so an operation has no other outcome.
            Err(_) => (false, None),
        };
        Err(NoResponse {
            unsent,
            source,
            request_id: self.request_id,
        })
    }

    /// The key, in the bytes that are sent.
    fn key(&self) -> &[u8] {
        let value = self.authorization.as_bytes();
        value.strip_prefix(BEARER.as_bytes()).unwrap_or(value)
    }

    /// Sets the timeout and the headers of a request, and makes its body record the departure.
    fn prepare(&self, request: &mut Request) {
        *request.timeout_mut() = Some(self.timeout);
        let headers = request.headers_mut();
        // The generator sends the document's `info.version`, which the service does not use.
        headers.remove(&API_VERSION);
        headers.insert(ACCEPT, JSON.clone());
        headers.insert(AUTHORIZATION, self.authorization.clone());
        let mut id = Uuid::encode_buffer();
        if let Ok(id) = HeaderValue::from_str(self.request_id.hyphenated().encode_lower(&mut id)) {
            headers.insert(&CLIENT_REQUEST_ID, id);
        }
        if let Some((name, value)) = &self.idempotency {
            headers.insert(name, value.clone());
        }
        // The body can be read only once, so no layer below can retry a create.
        if let Some(body) = request.body_mut() {
            *body = Body::wrap(DepartingBody {
                body: std::mem::take(body),
                departure: Arc::clone(&self.departure),
            });
        }
    }
}

/// Leaves out the `Authorization` header, whose value is also marked sensitive.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("request_id", &self.request_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ClientHooks<Call> for generated::Client {
    async fn pre<E>(
        &self,
        request: &mut Request,
        _: &OperationInfo,
    ) -> Result<(), OperationError<E>> {
        self.inner().prepare(request);
        Ok(())
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let trace = HttpTrace::begin(request.method(), request.url());
        let response = self.client().execute(request).await;
        let mut response = response.inspect_err(|error| trace.record_error(error))?;
        redact::headers(response.headers_mut(), self.inner().key());
        trace.record_response(response.status(), response.headers());
        Ok(response)
    }
}
