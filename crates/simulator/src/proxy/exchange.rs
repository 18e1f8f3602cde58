//! One request and its response: what is captured while they pass, and the judgement at the end.

use std::{
    io::Read,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri, header};
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde_json::Value;

use super::{ReportedDeviation, forward::Forward};
use crate::{Deviation, Part, RecordedExchange, Subject, redact, server::MAX_BODY};
use aimlapi_video::Route;

/// The captured body of a request, which is sent while the response may already arrive.
#[derive(Clone)]
pub(super) struct RequestCapture(Arc<Mutex<Captured>>);

struct Captured {
    body: Vec<u8>,
    /// Whether the body is captured at all.
    is_wanted: bool,
    is_complete: bool,
    /// Whether the caller closed the connection before the end.
    is_broken: bool,
}

impl RequestCapture {
    pub(super) fn new(is_wanted: bool) -> Self {
        Self(Arc::new(Mutex::new(Captured {
            body: Vec::new(),
            is_wanted,
            is_complete: false,
            is_broken: false,
        })))
    }

    pub(super) fn append(&self, bytes: &[u8]) {
        let mut captured = self.lock();
        if captured.is_wanted && captured.body.len() + bytes.len() <= MAX_BODY {
            captured.body.extend_from_slice(bytes);
        } else {
            captured.is_wanted = false;
        }
    }

    pub(super) fn complete(&self) {
        self.lock().is_complete = true;
    }

    pub(super) fn fail(&self) {
        self.lock().is_broken = true;
    }

    fn lock(&self) -> MutexGuard<'_, Captured> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An exchange, which is judged once: when its response has ended, or when this value is dropped.
pub(super) struct Exchange {
    state: Arc<Forward>,
    number: u64,
    at: SystemTime,
    started: Instant,
    head: (Method, Uri, HeaderMap),
    capture: RequestCapture,
    /// Whether the request is judged; responses are, on the paths of the documents.
    is_judged: bool,
    is_refused: bool,
    /// The deviations of the request, once it is judged.
    request_deviations: Option<Vec<Deviation>>,
    response: Option<(StatusCode, HeaderMap)>,
    body: Vec<u8>,
    /// Whether the body of the response is complete and captured.
    is_complete: bool,
    has_ended: bool,
}

impl Exchange {
    pub(super) fn new(
        state: Arc<Forward>,
        number: u64,
        head: (Method, Uri, HeaderMap),
        capture: RequestCapture,
        is_judged: bool,
    ) -> Self {
        Self {
            state,
            number,
            at: SystemTime::now(),
            started: Instant::now(),
            head,
            capture,
            is_judged,
            is_refused: false,
            request_deviations: None,
            response: None,
            body: Vec::new(),
            is_complete: false,
            has_ended: false,
        }
    }

    /// Judges the request, if it is complete.
    pub(super) fn judge_request(&mut self) -> &[Deviation] {
        if self.is_judged && self.request_deviations.is_none() {
            let request = self.request();
            self.request_deviations = request.map(|request| self.state.checker.request(&request));
        }
        self.request_deviations.as_deref().unwrap_or_default()
    }

    /// Ends the exchange without a request to the upstream.
    pub(super) fn refuse(&mut self) {
        self.is_refused = true;
        self.end(None);
    }

    pub(super) fn response_head(&mut self, status: StatusCode, headers: &HeaderMap) {
        self.response = Some((status, headers.clone()));
        self.is_complete = true;
    }

    /// Captures a part of the response's body.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        // The bodies of responses on other paths are not judged, and may be large.
        if self.is_declared() && self.is_complete && self.body.len() + bytes.len() <= MAX_BODY {
            self.body.extend_from_slice(bytes);
        } else {
            self.is_complete = false;
        }
    }

    /// Ends the exchange: the response is complete.
    pub(super) fn finish(&mut self) {
        self.end(None);
    }

    /// Ends the exchange: the upstream sent no response.
    pub(super) fn fail(&mut self, what: String) {
        // If the caller does not send the whole request, the upstream cannot respond.
        let is_callers = self.capture.lock().is_broken;
        self.end((!is_callers).then(|| upstream("a response", what)));
    }

    /// Ends the exchange: the upstream closed the connection within the response.
    pub(super) fn break_off(&mut self, cause: &str) {
        self.is_complete = false;
        let length = self
            .response
            .as_ref()
            .and_then(|(_, headers)| headers.get(header::CONTENT_LENGTH));
        let of = length
            .and_then(|length| length.to_str().ok())
            .map(|length| format!(" of {length}"));
        let what = format!(
            "closed after {}{} bytes: {cause}",
            self.body.len(),
            of.unwrap_or_default()
        );
        self.end(Some(upstream("a complete response", what)));
    }

    /// Reports that there is no response yet.
    pub(super) fn late(&self, after: Duration) {
        let after = humantime::format_duration(after);
        self.report(upstream(
            &format!("a response within {after}"),
            format!("no response after {after}"),
        ));
    }

    fn end(&mut self, failure: Option<Deviation>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let mut found = self.judge_request().to_vec();
        if self.is_declared()
            && let Some(response) = self.response()
            && let Some(request) = self.request()
        {
            match response {
                Ok(response) => {
                    if let Some(on_exchange) = &self.state.on_exchange {
                        let times = (self.at, self.started.elapsed());
                        on_exchange(RecordedExchange::new(
                            self.number,
                            times,
                            &request,
                            &response,
                        ));
                    }
                    found.extend(self.state.checker.response(&request, &response));
                    let reading = self.state.reading.as_deref();
                    let read = reading.map(|reading| reading(&request, &response));
                    let read = read.into_iter().flatten();
                    let key = redact::key(&self.head.2);
                    found.extend(read.map(|one| one.without_secrets(key)));
                }
                Err(encoding) => found.push(encoding),
            }
        }
        found.extend(failure);
        found
            .into_iter()
            .for_each(|deviation| self.report(deviation));
        self.state.reports.count_exchange(self.is_refused);
    }

    /// Whether a document declares the path.
    fn is_declared(&self) -> bool {
        Route::from_path(self.head.1.path()).is_some()
    }

    /// Returns the request with its body, if all of it was captured; `None` for another path's body.
    fn request(&self) -> Option<Request<Vec<u8>>> {
        let captured = self.capture.lock();
        // A path that no document declares is judged without the body.
        if self.is_declared() && !(captured.is_wanted && captured.is_complete) {
            return None;
        }
        let mut request = Request::new(captured.body.clone());
        *request.method_mut() = self.head.0.clone();
        *request.uri_mut() = self.head.1.clone();
        *request.headers_mut() = self.head.2.clone();
        Some(request)
    }

    /// Returns the complete response with its decoded body; `None` if there is none.
    ///
    /// # Errors
    ///
    /// A deviation, if the body cannot be decoded.
    fn response(&self) -> Option<Result<Response<Vec<u8>>, Deviation>> {
        let (status, headers) = self.response.as_ref().filter(|_| self.is_complete)?;
        let encoding = headers.get(header::CONTENT_ENCODING);
        let encoding = encoding.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut decoded = Vec::new();
        let limit = MAX_BODY as u64;
        let result = match encoding.as_deref().unwrap_or("identity") {
            "identity" => {
                decoded.clone_from(&self.body);
                Ok(0)
            }
            "gzip" | "x-gzip" => MultiGzDecoder::new(&*self.body)
                .take(limit)
                .read_to_end(&mut decoded),
            "deflate" => ZlibDecoder::new(&*self.body)
                .take(limit)
                .read_to_end(&mut decoded),
            _ => Err(std::io::ErrorKind::Unsupported.into()),
        };
        if result.is_err() {
            return Some(Err(Deviation {
                subject: Subject::Response,
                part: Part::Header,
                pointer: "/content-encoding".into(),
                given: encoding.map(|encoding| encoding.into()),
                allowed: "identity, or a valid body in gzip or deflate; this body is not judged"
                    .into(),
                document: None,
            }));
        }
        let mut response = Response::new(decoded);
        *response.status_mut() = *status;
        *response.headers_mut() = headers.clone();
        Some(Ok(response))
    }

    fn report(&self, deviation: Deviation) {
        let (method, uri, headers) = &self.head;
        let key = redact::key(headers);
        let body = serde_json::from_slice::<Value>(&self.capture.lock().body).unwrap_or_default();
        let model = body.get("model").and_then(Value::as_str);
        let reported = ReportedDeviation {
            exchange: self.number,
            at: self.at,
            method: method.to_string(),
            path: redact::redact(key, uri.path()),
            model: model.map(|model| redact::redact(key, model)),
            status: self.response.as_ref().map(|(status, _)| status.as_u16()),
            deviation,
        };
        if let Some(on_deviation) = &self.state.on_deviation {
            on_deviation(&reported);
        }
        self.state.reports.add(reported);
    }
}

impl Drop for Exchange {
    /// Judges an exchange whose caller did not wait for the end of the response.
    fn drop(&mut self) {
        self.is_complete &= self.has_ended;
        self.end(None);
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
