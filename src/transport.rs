//! One call of a generated operation: what goes on the wire beside the body, and what came back, read here and not by the
//! generated decoder.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{
    Body, Request, Response, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
        LOCATION, RETRY_AFTER,
    },
};
use uuid::Uuid;

use crate::{Generation, ServiceError, blank, exchange::Exchange, generated, status::Receipt};
use departure::DepartingBody;

mod departure;

pub(crate) use departure::Departure;

/// What stands before the key in `Authorization`.
pub(crate) const BEARER: &str = "Bearer ";

/// At most this much is read of an answer that neither succeeds nor refuses the request, and kept of one that is too large.
const MAX_BEGINNING: usize = 64 * 1024;

static API_VERSION: HeaderName = HeaderName::from_static("api-version");
static CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static INFERENCE_ID: HeaderName = HeaderName::from_static("x-inference-id");
static CREDITS_USED: HeaderName = HeaderName::from_static("x-aimlapi-credits-used");
static USD_SPENT: HeaderName = HeaderName::from_static("x-aimlapi-usd-spent");
static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A header of one call.
pub(crate) type Header = (HeaderName, HeaderValue);

/// What one call adds to the request, and where it leaves what came back.
pub(crate) struct Call {
    authorization: HeaderValue,
    request_id: Uuid,
    timeout: Duration,
    max_body: usize,
    idempotency: Option<Header>,
    departure: Arc<Departure>,
    reply: Mutex<Option<Reply>>,
}

/// An answer of the service, before anyone reads it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Why the body is not whole, if it is not.
    pub(crate) broken: Option<String>,
    pub(crate) request_id: Uuid,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct NoReply {
    /// Whether the request cannot have reached the service.
    pub(crate) unsent: bool,
    pub(crate) source: Option<reqwest::Error>,
    /// The `X-Client-Request-Id` that was sent.
    pub(crate) request_id: Uuid,
}

impl Call {
    /// With `idempotency`, a header goes along by which the service may know the request again.
    pub(crate) fn new(
        authorization: HeaderValue,
        timeout: Duration,
        max_body: usize,
        idempotency: Option<Header>,
    ) -> Self {
        // Nobody's secret: it need not cost a call of the system for each poll.
        let request_id = uuid::Builder::from_random_bytes(fastrand::u128(..).to_ne_bytes());
        Self {
            authorization,
            request_id: request_id.into_uuid(),
            timeout,
            max_body,
            idempotency,
            departure: Arc::default(),
            reply: Mutex::default(),
        }
    }

    /// The `X-Client-Request-Id` that goes along.
    pub(crate) fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// Whether the request, if it has a body, has left.
    pub(crate) fn departure(&self) -> &Arc<Departure> {
        &self.departure
    }

    /// The key, as it goes out.
    fn key(&self) -> &[u8] {
        let value = self.authorization.as_bytes();
        value.strip_prefix(BEARER.as_bytes()).unwrap_or(value)
    }

    /// What every request has beside its body.
    fn prepare(&self, request: &mut Request) {
        *request.timeout_mut() = Some(self.timeout);
        let headers = request.headers_mut();
        // Comes from the document's `info.version`; the service does not ask for it.
        headers.remove(&API_VERSION);
        headers.insert(AUTHORIZATION, self.authorization.clone());
        let mut id = Uuid::encode_buffer();
        if let Ok(id) = HeaderValue::from_str(self.request_id.hyphenated().encode_lower(&mut id)) {
            headers.insert(&CLIENT_REQUEST_ID, id);
        }
        if let Some((name, value)) = &self.idempotency {
            headers.insert(name, value.clone());
        }
        // A body that can be read once: nothing below can send a create again.
        if let Some(body) = request.body_mut() {
            *body = Body::wrap(DepartingBody {
                body: std::mem::take(body),
                departure: Arc::clone(&self.departure),
            });
        }
    }

    async fn read(&self, response: &mut Response) -> Reply {
        let (status, headers) = (response.status(), self.headers(response));
        let (body, broken) = self.body(response).await;
        Reply {
            status,
            headers,
            body,
            broken,
            request_id: self.request_id,
        }
    }

    /// What arrived of a body, up to the limit, and why that is not all, where it is not.
    async fn body(&self, response: &mut Response) -> (Vec<u8>, Option<String>) {
        // A refusal of the request may repeat the request, media and all, before it says what is wrong. Of any other one,
        // the beginning tells enough.
        let status = response.status();
        let most = match status.is_success() || status.is_client_error() {
            true => self.max_body,
            false => self.max_body.min(MAX_BEGINNING),
        };
        let mut body = Vec::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= most => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk[..most - body.len()]);
                    // The beginning is for the error, and need not be read as JSON first.
                    body.truncate(MAX_BEGINNING);
                    body.shrink_to_fit();
                    break Some(format!("the answer is larger than {most} bytes"));
                }
                Ok(None) => break None,
                Err(error) if error.is_timeout() => {
                    break Some("the answer stopped arriving".to_owned());
                }
                Err(error) => break Some(format!("the answer broke off: {}", error.without_url())),
            }
        };
        if let Some(blanked) = blank::blanked(&body, self.key()) {
            body = blanked;
        }
        if broken.is_some() {
            body.truncate(blank::before_cut_key(&body, self.key()));
        }
        (body, broken)
    }

    fn headers(&self, response: &mut Response) -> HeaderMap {
        let mut headers = std::mem::take(response.headers_mut());
        for value in headers.values_mut() {
            if let Some(blanked) = blank::blanked(value.as_bytes(), self.key()) {
                *value =
                    HeaderValue::from_bytes(&blanked).unwrap_or(HeaderValue::from_static("[key]"));
            }
        }
        headers
    }

    /// What the operation brought.
    pub(crate) fn outcome<T>(
        &self,
        result: Result<T, progenitor_client::Error<()>>,
    ) -> Result<Reply, NoReply> {
        let reply = self
            .reply
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let request_id = self.request_id;
        match (reply, result) {
            (Some(reply), _) => Ok(reply),
            // A request without its body has bought nothing: a name that is not found, a host that does not listen, a
            // handshake of TLS or with a proxy that does not succeed. Everything else may have arrived.
            (None, Err(progenitor_client::Error::CommunicationError(source))) => Err(NoReply {
                unsent: !self.departure.has_left(),
                source: Some(source.without_url()),
                request_id,
            }),
            // No operation ends so: `exec` keeps every answer. Nothing is claimed of what was sent.
            (None, _) => Err(NoReply {
                unsent: false,
                source: None,
                request_id,
            }),
        }
    }
}

impl Reply {
    /// The answer, if the body is a JSON object. One that says what the answer `before` said is not read again.
    pub(crate) fn generation(&self, before: Option<&Generation>) -> Result<Generation, String> {
        if let Some(encoding) = self.encoding() {
            return Err(compressed(encoding));
        }
        if let Some(before) = before.filter(|before| before.is_text(&self.body)) {
            return Ok(before.clone().with_receipt(self.receipt()));
        }
        let json: serde_json::Value = match (serde_json::from_slice(&self.body), &self.broken) {
            (Ok(json), _) => json,
            (Err(_), Some(broken)) => return Err(broken.clone()),
            (Err(error), None) => {
                let kind = self.text(&CONTENT_TYPE).unwrap_or("no content type");
                let bytes = self.body.len();
                return Err(format!(
                    "the answer is no JSON ({kind}, {bytes} bytes): {error}"
                ));
            }
        };
        if !json.is_object() {
            return Err("the answer is JSON but no object".into());
        }
        Ok(Generation::from_text(&self.body, json).with_receipt(self.receipt()))
    }

    /// The answer, if all it says is that the work goes on: that of `before`, as what is known of the generation.
    pub(crate) fn accepted(&self, before: Option<&Generation>) -> Generation {
        let generation = before.cloned().unwrap_or_else(Generation::accepted);
        generation.with_receipt(self.receipt())
    }

    pub(crate) fn service_error(&self) -> ServiceError {
        let receipt = self.receipt();
        let encoding = self.encoding();
        // What cannot be read is no text to keep.
        let body = if encoding.is_none() { &*self.body } else { b"" };
        let mut error = ServiceError::read(self.status.as_u16(), body);
        error.message = error.message.or_else(|| encoding.map(compressed));
        error.request_id = error
            .request_id
            .or(receipt.inference_id)
            .or_else(|| self.text(&REQUEST_ID).map(str::to_owned));
        error.client_request_id = receipt.client_request_id;
        error.retry_after = self.retry_after();
        if self.status.is_redirection() {
            let target = self.text(&LOCATION).map(crate::uri::redacted);
            error.message =
                target.map(|target| format!("redirected to {target}, which is not followed"));
        }
        error
    }

    /// How long the service asks to be left alone: `retry-after-ms`, or `Retry-After` as seconds or a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Some(millis) = self
            .text(&RETRY_AFTER_MS)
            .and_then(|text| text.trim().parse().ok())
        {
            return Some(Duration::from_millis(millis));
        }
        let text = self.text(&RETRY_AFTER)?;
        let text = text.trim();
        match text.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => {
                let date = httpdate::parse_http_date(text).ok()?;
                Some(date.duration_since(SystemTime::now()).unwrap_or_default())
            }
        }
    }

    /// How the body is compressed, which no request of this crate asks for.
    fn encoding(&self) -> Option<&str> {
        let encoding = self.text(&CONTENT_ENCODING)?;
        let plain = ["", "identity"].contains(&encoding.trim().to_ascii_lowercase().as_str());
        (!plain).then_some(encoding)
    }

    fn receipt(&self) -> Receipt {
        let number = |name| self.text(name).and_then(|text| text.trim().parse().ok());
        Receipt {
            client_request_id: Some(self.request_id.to_string()),
            inference_id: self.text(&INFERENCE_ID).map(str::to_owned),
            credits_used: number(&CREDITS_USED),
            usd_spent: number(&USD_SPENT),
        }
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

fn compressed(encoding: &str) -> String {
    format!("the answer is compressed ({encoding}), which was not asked for")
}

/// Without the header value in which the key stands, which is marked sensitive, too.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("request_id", &self.request_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ClientHooks<Arc<Call>> for generated::Client {
    async fn pre<E>(
        &self,
        request: &mut Request,
        _: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        self.inner().prepare(request);
        Ok(())
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let call = self.inner();
        let exchange = Exchange::begin(request.method(), request.url());
        let response = self.client().execute(request).await;
        let mut response = response.inspect_err(|error| exchange.failed(error))?;
        let reply = call.read(&mut response).await;
        exchange.answered(reply.status, &reply.headers);
        *call.reply.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
        Ok(response)
    }

    /// Ends the operation before its decoder, which knows only what the document says and reads without a limit: `exec` has
    /// read all that is to be read.
    async fn post<E>(
        &self,
        result: &reqwest::Result<Response>,
        _: &OperationInfo,
    ) -> Result<(), progenitor_client::Error<E>> {
        match result {
            Ok(_) => Err(progenitor_client::Error::Custom(String::new())),
            Err(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(headers: &[(&'static str, &str)], body: &str) -> Reply {
        let mut reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.into(),
            broken: None,
            request_id: Uuid::new_v4(),
        };
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            reply.headers.insert(HeaderName::from_static(name), value);
        }
        reply
    }

    fn asked(headers: &[(&'static str, &str)]) -> Option<Duration> {
        reply(headers, "").retry_after()
    }

    #[test]
    fn an_answer_that_says_the_same_again_has_a_receipt_of_its_own() {
        let read = |reply: &Reply, before| reply.generation(before).expect("it is read");
        let text = r#"{"id":"g1","status":"generating"}"#;
        let first = read(&reply(&[("x-inference-id", "i1")], text), None);
        let again = reply(&[("x-inference-id", "i2")], text);
        let again = read(&again, Some(&first));
        assert!(std::ptr::eq(again.as_json(), first.as_json()), "read once");
        let [first, again] = [first.receipt(), again.receipt()];
        assert_eq!(first.inference_id.as_deref(), Some("i1"));
        assert_eq!(again.inference_id.as_deref(), Some("i2"));
        assert_ne!(first.client_request_id, again.client_request_id);
    }

    #[test]
    fn an_answer_that_is_compressed_is_none_whatever_was_said_before() {
        let text = r#"{"id":"g1","status":"generating"}"#;
        let first = reply(&[], text).generation(None).expect("it is read");
        let again = reply(&[("content-encoding", "gzip")], text);
        assert!(again.generation(Some(&first)).is_err());
    }

    #[test]
    fn an_answer_that_says_something_else_is_read() {
        let before = Generation::from_json(serde_json::json!({ "id": "g1", "status": "queued" }));
        assert!(reply(&[], "").generation(Some(&before)).is_err());
        let text = r#"{"id":"g1","status":"generating"}"#;
        let now = reply(&[], text).generation(Some(&before));
        assert_eq!(now.map(|now| now.state()), Ok(crate::State::Generating));
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&[("retry-after", "5")]), seconds(5));
        assert_eq!(asked(&[("retry-after", " 3600 ")]), seconds(3600));
        assert_eq!(
            asked(&[("retry-after", "1.5")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            asked(&[("retry-after-ms", "250"), ("retry-after", "5")]),
            Some(Duration::from_millis(250))
        );
        for nonsense in ["", "soon", "-5", "NaN", "inf", "1e300"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense:?}");
        }
        assert_eq!(
            asked(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]),
            seconds(0)
        );
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let asked = asked(&[("retry-after", &later)]).expect("a date is read");
        assert!((80..=90).contains(&asked.as_secs()), "{asked:?}");
    }
}
