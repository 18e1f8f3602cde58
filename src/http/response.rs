//! A response of the service: its status, headers and body, and the generation or the error that it describes.

use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use progenitor_client::{ByteStream, ResponseValue};
use reqwest::{
    StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER},
};
use uuid::Uuid;

use super::{lenient, redact};
use crate::{Generation, ResponseMetadata, ServiceError};

/// The maximum number of bytes that are read of a redirect or a server error, and kept of a response that is too large.
const MAX_BEGINNING: usize = 64 * 1024;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static INFERENCE_ID: HeaderName = HeaderName::from_static("x-inference-id");
static CREDITS_USED: HeaderName = HeaderName::from_static("x-aimlapi-credits-used");
static USD_SPENT: HeaderName = HeaderName::from_static("x-aimlapi-usd-spent");
static RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// A response of the service, read but not interpreted. The key is redacted in it.
pub(crate) struct ServiceResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Why the body is incomplete, if it is.
    pub(crate) incomplete: Option<String>,
    /// The `X-Client-Request-Id` that was sent.
    pub(crate) request_id: Uuid,
}

impl ServiceResponse {
    /// Reads a response to its end, to `max_body` bytes, or until the connection breaks.
    pub(super) async fn read(
        response: ResponseValue<ByteStream>,
        key: &[u8],
        max_body: usize,
        request_id: Uuid,
    ) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        // A 4xx may repeat the request with its media before it says what is wrong, so it is read in full. Of a redirect or a
        // server error, the beginning is enough.
        let max_body = match status.is_success() || status.is_client_error() {
            true => max_body,
            false => max_body.min(MAX_BEGINNING),
        };
        let (mut body, incomplete) = read_body(response.into_inner(), max_body).await;
        if let Some(redacted) = redact::redact(&body, key) {
            body = redacted;
        }
        if incomplete.is_some() {
            body.truncate(redact::len_before_cut_key(&body, key));
        }
        Self {
            status,
            headers,
            body,
            incomplete,
            request_id,
        }
    }

    /// The generation, if the body is a JSON object. A body that is identical to the body of `before` is not parsed again.
    pub(crate) fn generation(&self, before: Option<&Generation>) -> Result<Generation, String> {
        if let Some(encoding) = self.encoding() {
            return Err(compressed(encoding));
        }
        if let Some(before) = before.filter(|before| before.is_text(&self.body)) {
            return Ok(before.clone().with_metadata(self.metadata()));
        }
        let (json, text) = match (lenient::parse(&self.body), &self.incomplete) {
            (Ok(read), _) => read,
            (Err(_), Some(incomplete)) => return Err(incomplete.clone()),
            (Err(error), None) => {
                let kind = self.text(&CONTENT_TYPE).unwrap_or("no content type");
                let bytes = self.body.len();
                return Err(format!(
                    "the response is not JSON ({kind}, {bytes} bytes): {error}"
                ));
            }
        };
        if !json.is_object() {
            return Err("the response is JSON but not an object".into());
        }
        Ok(Generation::from_text(&text, json).with_metadata(self.metadata()))
    }

    /// The generation whose id has arrived in a body that is incomplete, or no longer JSON after it. Nothing else of the body
    /// counts, since what follows may belong to it.
    pub(crate) fn beginning(&self) -> Option<Generation> {
        if self.encoding().is_some() {
            return None;
        }
        let id = lenient::id(&self.body)?;
        Some(Generation::from_json(serde_json::json!({ "id": id })).with_metadata(self.metadata()))
    }

    /// The generation of a 202 that describes no state: `before`, the last known one, with this response's metadata.
    pub(crate) fn accepted(&self, before: Option<&Generation>) -> Generation {
        let generation = before.cloned().unwrap_or_else(Generation::accepted);
        generation.with_metadata(self.metadata())
    }

    pub(crate) fn service_error(&self) -> ServiceError {
        let metadata = self.metadata();
        let encoding = self.encoding();
        // A compressed body is not text, so it is not kept.
        let body = if encoding.is_none() { &*self.body } else { b"" };
        let mut error = ServiceError::read(self.status.as_u16(), body);
        error.message = error.message.or_else(|| encoding.map(compressed));
        error.request_id = error
            .request_id
            .or(metadata.inference_id)
            .or_else(|| self.text(&REQUEST_ID).map(str::to_owned));
        error.client_request_id = metadata.client_request_id;
        error.retry_after = self.retry_after();
        if self.status.is_redirection() {
            let target = self.text(&LOCATION).map(crate::urls::redacted);
            error.message =
                target.map(|target| format!("redirected to {target}, which is not followed"));
        }
        error
    }

    /// How long the service requests clients to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        retry_after(&self.headers)
    }

    /// The content coding of the body, although no request of this crate accepts one; `None` for a plain body.
    fn encoding(&self) -> Option<&str> {
        let encoding = self.text(&CONTENT_ENCODING)?;
        let plain = ["", "identity"].contains(&encoding.trim().to_ascii_lowercase().as_str());
        (!plain).then_some(encoding)
    }

    fn metadata(&self) -> ResponseMetadata {
        let number = |name| self.text(name).and_then(|text| text.trim().parse().ok());
        ResponseMetadata {
            client_request_id: Some(self.request_id.to_string()),
            inference_id: self.text(&INFERENCE_ID).map(str::to_owned),
            credits_used: number(&CREDITS_USED),
            usd_spent: number(&USD_SPENT),
        }
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        text(&self.headers, name)
    }
}

/// How long the sender of a response requests clients to wait: `retry-after-ms`, or `Retry-After` as seconds or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    if let Some(millis) = text(headers, &RETRY_AFTER_MS).and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = text(headers, &RETRY_AFTER)?.trim();
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            Some(date.duration_since(SystemTime::now()).unwrap_or_default())
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn compressed(encoding: &str) -> String {
    format!("the response is compressed ({encoding}), which was not requested")
}

/// Reads a body up to the limit; returns the bytes, and why they are incomplete, if they are.
async fn read_body(mut stream: ByteStream, max: usize) -> (Vec<u8>, Option<String>) {
    let mut body = Vec::new();
    let incomplete = loop {
        match stream.next().await {
            Some(Ok(chunk)) if body.len() + chunk.len() <= max => body.extend_from_slice(&chunk),
            Some(Ok(chunk)) => {
                body.extend_from_slice(&chunk[..max - body.len()]);
                // The error shows the beginning only.
                body.truncate(MAX_BEGINNING);
                body.shrink_to_fit();
                break format!("the response is larger than {max} bytes");
            }
            Some(Err(error)) if error.is_timeout() => {
                break "the response did not arrive within the timeout".to_owned();
            }
            Some(Err(error)) => {
                break format!(
                    "the connection broke during the response: {}",
                    error.without_url()
                );
            }
            None => return (body, None),
        }
    };
    (body, Some(incomplete))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn response(headers: &[(&'static str, &str)], body: &str) -> ServiceResponse {
        let mut response = ServiceResponse {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.into(),
            incomplete: None,
            request_id: Uuid::new_v4(),
        };
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            response
                .headers
                .insert(HeaderName::from_static(name), value);
        }
        response
    }

    fn requested_pause(headers: &[(&'static str, &str)]) -> Option<Duration> {
        response(headers, "").retry_after()
    }

    #[test]
    fn repeated_response_is_not_parsed_again_and_has_its_own_metadata() {
        let read =
            |response: &ServiceResponse, before| response.generation(before).expect("it is read");
        let text = r#"{"id":"g1","status":"generating"}"#;
        let first = read(&response(&[("x-inference-id", "i1")], text), None);
        let again = response(&[("x-inference-id", "i2")], text);
        let again = read(&again, Some(&first));
        assert!(std::ptr::eq(again.as_json(), first.as_json()), "read once");
        let [first, again] = [first.metadata(), again.metadata()];
        assert_eq!(first.inference_id.as_deref(), Some("i1"));
        assert_eq!(again.inference_id.as_deref(), Some("i2"));
        assert_ne!(first.client_request_id, again.client_request_id);
    }

    #[test]
    fn compressed_response_is_refused() {
        let text = r#"{"id":"g1","status":"generating"}"#;
        let first = response(&[], text).generation(None).expect("it is read");
        let again = response(&[("content-encoding", "gzip")], text);
        assert!(again.generation(Some(&first)).is_err());
    }

    #[test]
    fn changed_response_is_parsed() {
        let before = Generation::from_json(serde_json::json!({ "id": "g1", "status": "queued" }));
        assert!(response(&[], "").generation(Some(&before)).is_err());
        let text = r#"{"id":"g1","status":"generating"}"#;
        let now = response(&[], text).generation(Some(&before));
        assert_eq!(now.map(|now| now.state()), Ok(crate::State::Generating));
    }

    #[test]
    fn retry_after_is_read_in_every_form() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(requested_pause(&[]), None);
        assert_eq!(requested_pause(&[("retry-after", "5")]), seconds(5));
        assert_eq!(requested_pause(&[("retry-after", " 3600 ")]), seconds(3600));
        assert_eq!(
            requested_pause(&[("retry-after", "1.5")]),
            Some(Duration::from_millis(1500))
        );
        assert_eq!(
            requested_pause(&[("retry-after-ms", "250"), ("retry-after", "5")]),
            Some(Duration::from_millis(250))
        );
        for nonsense in ["", "soon", "-5", "NaN", "inf", "1e300"] {
            assert_eq!(
                requested_pause(&[("retry-after", nonsense)]),
                None,
                "{nonsense:?}"
            );
        }
        assert_eq!(
            requested_pause(&[("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")]),
            seconds(0)
        );
        let later = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(90));
        let pause = requested_pause(&[("retry-after", &later)]).expect("a date is read");
        assert!((80..=90).contains(&pause.as_secs()), "{pause:?}");
    }
}
