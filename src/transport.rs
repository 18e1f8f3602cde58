//! One call of a generated operation: what goes on the wire beside the body, and what came back whatever the decoder says.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use bytes::{Bytes, BytesMut};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{
    Body, Request, Response, ResponseBuilderExt, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER},
};

use crate::{Generation, ServiceError, blank, exchange::Exchange, generated, status::Receipt};

/// What stands before the key in `Authorization`.
pub(crate) const BEARER: &str = "Bearer ";

/// At most this much is read of an answer that refuses.
const REFUSAL_MOST: usize = 64 * 1024;

/// A header of one call.
pub(crate) type Header = (HeaderName, HeaderValue);

/// What one call adds to the request, and where it leaves what came back.
#[derive(Clone)]
pub(crate) struct Call {
    authorization: HeaderValue,
    request_id: String,
    timeout: Duration,
    max_body: usize,
    idempotency: Option<Header>,
    reply: Arc<Mutex<Option<Reply>>>,
}

/// An answer of the service, before anyone reads it.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Why the body is not whole, if it is not.
    pub(crate) broken: Option<String>,
    pub(crate) request_id: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct NoReply {
    /// Whether the request cannot have reached the service.
    pub(crate) unsent: bool,
    pub(crate) source: Option<reqwest::Error>,
    /// The `X-Client-Request-Id` that was sent.
    pub(crate) request_id: String,
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
        let request_id = request_id.into_uuid().to_string();
        Self {
            authorization,
            request_id,
            timeout,
            max_body,
            idempotency,
            reply: Arc::default(),
        }
    }

    /// The `X-Client-Request-Id` that goes along.
    pub(crate) fn request_id(&self) -> &str {
        &self.request_id
    }

    /// The key, as it goes out.
    fn key(&self) -> &[u8] {
        let value = self.authorization.as_bytes();
        value.strip_prefix(BEARER.as_bytes()).unwrap_or(value)
    }

    /// What arrived of a body, up to the limit, and why that is not all, where it is not.
    async fn body(&self, response: &mut Response) -> (Bytes, Option<String>) {
        // Of a refusal, the beginning tells enough.
        let most = match response.status().is_success() {
            true => self.max_body,
            false => self.max_body.min(REFUSAL_MOST),
        };
        let mut body = BytesMut::new();
        let broken = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= most => {
                    body.extend_from_slice(&chunk);
                }
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk[..most - body.len()]);
                    break Some(format!("the answer is larger than {most} bytes"));
                }
                Ok(None) => break None,
                Err(error) if error.is_timeout() => {
                    break Some("the answer stopped arriving".to_owned());
                }
                Err(error) => break Some(format!("the answer broke off: {}", error.without_url())),
            }
        };
        let mut body = body.freeze();
        if let Some(blanked) = blank::blanked(&body, self.key()) {
            body = blanked.into();
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

    /// What the operation brought, whether or not the decoder took it.
    pub(crate) fn outcome<T>(
        &self,
        result: Result<T, progenitor_client::Error<()>>,
    ) -> Result<Reply, NoReply> {
        let reply = self
            .reply
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let request_id = self.request_id.clone();
        match (reply, result) {
            (Some(reply), _) => Ok(reply),
            // A connection fails before a byte of the request is on it: a name that is not found, a host that does not
            // listen, a handshake of TLS or with a proxy that does not succeed. Everything else may have arrived.
            (None, Err(progenitor_client::Error::CommunicationError(source))) => Err(NoReply {
                unsent: source.is_connect() || source.is_builder(),
                source: Some(source.without_url()),
                request_id,
            }),
            // No operation ends so: the hook below keeps every answer. Nothing is claimed of what was sent.
            (None, _) => Err(NoReply {
                unsent: false,
                source: None,
                request_id,
            }),
        }
    }
}

impl Reply {
    /// The answer, if the body is a JSON object.
    pub(crate) fn generation(&self) -> Result<Generation, String> {
        if let Some(encoding) = self.encoding() {
            return Err(compressed(&encoding));
        }
        let json: serde_json::Value = match (serde_json::from_slice(&self.body), &self.broken) {
            (Ok(json), _) => json,
            (Err(_), Some(broken)) => return Err(broken.clone()),
            (Err(error), None) => {
                let kind = self
                    .text("content-type")
                    .unwrap_or_else(|| "no content type".into());
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

    pub(crate) fn service_error(&self) -> ServiceError {
        let receipt = self.receipt();
        let encoding = self.encoding();
        // What cannot be read is no text to keep.
        let body = if encoding.is_none() { &*self.body } else { b"" };
        let mut error = ServiceError::read(self.status.as_u16(), body);
        error.message = error
            .message
            .or_else(|| encoding.as_deref().map(compressed));
        error.request_id = error
            .request_id
            .or(receipt.inference_id)
            .or_else(|| self.text("x-request-id"));
        error.client_request_id = receipt.client_request_id;
        error.retry_after = self.retry_after();
        if self.status.is_redirection() {
            let target = self
                .text("location")
                .map(|target| crate::uri::redacted(&target));
            error.message =
                target.map(|target| format!("redirected to {target}, which is not followed"));
        }
        error
    }

    /// How long the service asks to be left alone: `retry-after-ms`, or `Retry-After` as seconds or a date.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        if let Some(millis) = self
            .text("retry-after-ms")
            .and_then(|text| text.trim().parse().ok())
        {
            return Some(Duration::from_millis(millis));
        }
        let text = self.text(RETRY_AFTER.as_str())?;
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
    fn encoding(&self) -> Option<String> {
        let encoding = self.text(CONTENT_ENCODING.as_str())?;
        let plain = ["", "identity"].contains(&encoding.trim().to_ascii_lowercase().as_str());
        (!plain).then_some(encoding)
    }

    fn receipt(&self) -> Receipt {
        let number = |name| self.text(name).and_then(|text| text.trim().parse().ok());
        Receipt {
            client_request_id: Some(self.request_id.clone()),
            inference_id: self.text("x-inference-id"),
            credits_used: number("x-aimlapi-credits-used"),
            usd_spent: number("x-aimlapi-usd-spent"),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }
}

fn compressed(encoding: &str) -> String {
    format!("the answer is compressed ({encoding}), which was not asked for")
}

/// The key stands in the header value, which is marked sensitive and shows as such.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("request_id", &self.request_id)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ClientHooks<Call> for generated::Client {
    async fn exec(&self, mut request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let call = self.inner();
        *request.timeout_mut() = Some(call.timeout);
        let headers = request.headers_mut();
        // Comes from the document's `info.version`; the service does not ask for it.
        headers.remove("api-version");
        headers.insert(AUTHORIZATION, call.authorization.clone());
        if let Ok(id) = HeaderValue::from_str(&call.request_id) {
            headers.insert(HeaderName::from_static("x-client-request-id"), id);
        }

        if let Some((name, value)) = &call.idempotency {
            headers.insert(name, value.clone());
        }

        // A body that can be read once: nobody below can send a create again.
        if let Some(body) = request.body_mut() {
            *body = Body::wrap(std::mem::take(body));
        }
        let url = request.url().clone();
        let exchange = Exchange::begin(request.method(), &url);
        let response = self.client().execute(request).await;
        let mut response = response.inspect_err(|error| exchange.failed(error))?;
        let (status, headers) = (response.status(), call.headers(&mut response));
        let (body, broken) = call.body(&mut response).await;
        exchange.answered(status, &headers);
        let reply = Reply {
            status,
            headers,
            body,
            broken,
            request_id: call.request_id.clone(),
        };
        *call.reply.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
        // The decoder's word is not heard, so it gets a status that it does not read on from; without a URL, one that stands
        // for none would be parsed each time.
        let unread = http::Response::builder().status(StatusCode::NOT_MODIFIED);
        let unread = unread.url(url).body(Bytes::new());
        Ok(unread
            .unwrap_or_else(|_| http::Response::new(Bytes::new()))
            .into())
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let mut reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            broken: None,
            request_id: String::new(),
        };
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            reply.headers.insert(HeaderName::from_static(name), value);
        }
        reply.retry_after()
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
