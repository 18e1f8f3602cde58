//! One request and its response: what is captured while they pass, and the judgement at the end.

use std::{
    io::Read,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    http::{Request, Response, StatusCode, header, request, response},
    response::Response as Outgoing,
};
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::{
    ReportedDeviation,
    body::{Observer, RequestCapture},
    forward::Forward,
};
use crate::{
    Deviation, Part, RecordedExchange, Subject,
    checker::JsonBody,
    redact,
    responses::{ErrorResponse, Stamp},
    server::MAX_BODY,
};
use aimlapi_video::Route;

/// An exchange, which is judged once: when its response has ended, or when this value is dropped.
pub(super) struct Exchange {
    state: Arc<Forward>,
    number: u64,
    at: SystemTime,
    started: Instant,
    /// The request, whose body is taken over from `capture` when all of it was captured.
    request: Request<Vec<u8>>,
    /// The body of the request, once it is taken over.
    body: Option<JsonBody>,
    capture: RequestCapture,
    /// Whether a document declares the path.
    is_declared: bool,
    is_refused: bool,
    /// The deviations of the request, once it is judged.
    request_deviations: Option<Vec<Deviation>>,
    /// The response with the captured part of its body.
    response: Option<Response<Vec<u8>>>,
    /// The length of its body so far.
    received: usize,
    /// Whether all of that is captured.
    is_complete: bool,
    has_ended: bool,
}

impl Exchange {
    pub(super) fn new(
        state: Arc<Forward>,
        number: u64,
        head: request::Parts,
        capture: RequestCapture,
    ) -> Self {
        Self {
            state,
            number,
            at: SystemTime::now(),
            started: Instant::now(),
            is_declared: Route::from_path(head.uri.path()).is_some(),
            request: Request::from_parts(head, Vec::new()),
            body: None,
            capture,
            is_refused: false,
            request_deviations: None,
            response: None,
            received: 0,
            is_complete: false,
            has_ended: false,
        }
    }

    /// Judges the request, if it is complete.
    pub(super) fn judge_request(&mut self) -> &[Deviation] {
        self.take_body();
        let is_unjudged = self.request_deviations.is_none();
        // A path that no document declares is judged without the body.
        if is_unjudged && (self.body.is_some() || !self.is_declared) {
            let body = self.body.as_ref();
            self.request_deviations = Some(self.state.checker.judge_request(&self.request, body));
        }
        self.request_deviations.as_deref().unwrap_or_default()
    }

    /// Ends the exchange without a request to the upstream.
    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
        self.finish(None);
    }

    /// Returns the proxy's own response, an error.
    pub(super) fn error(&self, status: StatusCode, message: impl Into<String>) -> Outgoing {
        let error = ErrorResponse::new(status, message);
        error.into_response(self.request.uri(), self.request.headers(), Stamp::random())
    }

    pub(super) fn response_head(&mut self, head: response::Parts) {
        self.response = Some(Response::from_parts(head, Vec::new()));
        self.is_complete = true;
    }

    /// Reports that there is no response yet.
    pub(super) fn late(&mut self, after: Duration) {
        self.take_body();
        let after = humantime::format_duration(after);
        self.report(upstream(
            &format!("a response within {after}"),
            format!("no response after {after}"),
        ));
    }

    /// Ends the exchange: the upstream sent no response.
    pub(super) fn fail_without_response(&mut self, what: String) {
        // If the caller does not send the whole request, the upstream cannot respond.
        let is_callers = self.capture.is_broken();
        self.finish((!is_callers).then(|| upstream("a response", what)));
    }

    fn finish(&mut self, failure: Option<Deviation>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        self.judge_request();
        let mut found = self.request_deviations.take().unwrap_or_default();
        if self.is_complete && self.is_declared && self.body.is_some() {
            match self.decode_response() {
                Ok(()) => self.judge_response(&mut found),
                Err(encoding) => found.push(encoding),
            }
        }
        found.extend(failure);
        for deviation in found {
            self.report(deviation);
        }
        self.state.reports.count_exchange(self.is_refused);
    }

    /// Judges the complete exchange, whose request has the deviations that are found so far.
    fn judge_response(&self, found: &mut Vec<Deviation>) {
        let (Some(response), Some(body)) = (&self.response, &self.body) else {
            return;
        };
        let (state, request) = (&self.state, &self.request);
        if let Some(on_exchange) = &state.on_exchange {
            let times = (self.at, self.started.elapsed());
            on_exchange(RecordedExchange::new(self.number, times, request, response));
        }
        let is_allowed = found.is_empty();
        let of_response = state
            .checker
            .judge_response(request, body, response, || is_allowed);
        found.extend(of_response);
        if let Some(reading) = &state.reading {
            let key = redact::key(request.headers());
            let read = reading(request, response).into_iter();
            found.extend(read.map(|one| one.without_secrets(key)));
        }
    }

    /// Takes over the body of the request, if all of it was captured.
    fn take_body(&mut self) {
        if self.body.is_none()
            && let Some(bytes) = self.capture.take()
        {
            self.body = Some(serde_json::from_slice(&bytes));
            *self.request.body_mut() = bytes;
        }
    }

    /// Decodes the captured body of the response.
    ///
    /// # Errors
    ///
    /// A deviation, if the body cannot be decoded.
    fn decode_response(&mut self) -> Result<(), Deviation> {
        let Some(response) = &mut self.response else {
            return Ok(());
        };
        let Some(encoding) = response.headers().get(header::CONTENT_ENCODING) else {
            return Ok(());
        };
        let encoding = String::from_utf8_lossy(encoding.as_bytes()).into_owned();
        let body = response.body().as_slice();
        let limit = MAX_BODY as u64;
        let mut decoded = Vec::new();
        let result = match &*encoding {
            "identity" => return Ok(()),
            "gzip" | "x-gzip" => MultiGzDecoder::new(body)
                .take(limit)
                .read_to_end(&mut decoded),
            "deflate" => ZlibDecoder::new(body).take(limit).read_to_end(&mut decoded),
            _ => Err(std::io::ErrorKind::Unsupported.into()),
        };
        if result.is_err() {
            return Err(Deviation {
                subject: Subject::Response,
                part: Part::Header,
                pointer: "/content-encoding".into(),
                given: Some(encoding.into()),
                allowed: "identity, or a valid body in gzip or deflate; this body is not judged"
                    .into(),
                document: None,
            });
        }
        *response.body_mut() = decoded;
        Ok(())
    }

    fn report(&self, deviation: Deviation) {
        let request = &self.request;
        let key = redact::key(request.headers());
        let body = self.body.as_ref().and_then(|body| body.as_ref().ok());
        let model = body.and_then(|body| body.get("model")?.as_str());
        let response = self.response.as_ref();
        let reported = ReportedDeviation {
            exchange: self.number,
            at: self.at,
            method: request.method().to_string(),
            path: redact::redact(key, request.uri().path()),
            model: model.map(|model| redact::redact(key, model)),
            status: response.map(|response| response.status().as_u16()),
            deviation,
        };
        if let Some(on_deviation) = &self.state.on_deviation {
            on_deviation(&reported);
        }
        self.state.reports.add(reported);
    }
}

/// Observes the body of the response.
impl Observer for Exchange {
    fn data(&mut self, bytes: &[u8]) {
        self.received += bytes.len();
        // The bodies of responses on other paths are not judged, and may be large.
        self.is_complete &= self.is_declared && self.received <= MAX_BODY;
        if let Some(response) = self.response.as_mut().filter(|_| self.is_complete) {
            response.body_mut().extend_from_slice(bytes);
        }
    }

    fn end(&mut self) {
        self.finish(None);
    }

    fn fail(&mut self, cause: String) {
        self.is_complete = false;
        let headers = self.response.as_ref().map(Response::headers);
        let length = headers.and_then(|headers| headers.get(header::CONTENT_LENGTH));
        let length = length.and_then(|length| length.to_str().ok());
        let of = length
            .map(|length| format!(" of {length}"))
            .unwrap_or_default();
        let what = format!("closed after {}{of} bytes: {cause}", self.received);
        self.finish(Some(upstream("a complete response", what)));
    }
}

impl Drop for Exchange {
    /// Judges an exchange whose caller did not wait for the end of the response.
    fn drop(&mut self) {
        self.is_complete &= self.has_ended;
        self.finish(None);
    }
}

fn upstream(allowed: &str, given: String) -> Deviation {
    Deviation {
        subject: Subject::Upstream,
        part: Part::Body,
        pointer: String::new(),
        given: Some(given.into()),
        allowed: allowed.to_owned(),
        document: None,
    }
}
