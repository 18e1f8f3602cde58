//! One request and its response: what is captured while they pass, and the judgement at the end.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::Context,
    time::{Duration, SystemTime},
};

use axum::{
    http::{Request, Response, StatusCode, header, request, response},
    response::Response as Outgoing,
};
use tokio::time::{Instant, Sleep, sleep};

use super::{
    ReportedDeviation,
    body::{Observer, RequestCapture},
    decode::{MAX_RESPONSE, Undecoded, decode},
    forward::Forward,
};
use crate::{
    Deviation, Part, RecordedExchange, Subject,
    checker::JsonBody,
    log::{MAX_STRING_BYTES, truncate},
    redact,
    responses::{ErrorResponse, Stamp},
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
    is_captured: bool,
    /// Whether the response has ended.
    is_received: bool,
    /// When the last part of the response was received.
    last: Option<Instant>,
    timer: Timer,
    is_late: bool,
    has_ended: bool,
}

/// The timer of a connection, which its exchanges use in turn.
///
/// It may end early, and then goes on: to set it for each exchange, and for each part of a response, would cost much more.
#[derive(Clone, Default)]
pub(super) struct Timer(Arc<Mutex<Option<Pin<Box<Sleep>>>>>);

/// The maximum of the deviations of an exchange that are reported, besides a failure of the upstream.
const MAX_DEVIATIONS: usize = 100;

/// The minimum of the time until the timer looks again whether the caller still sends.
const MIN_WAIT: Duration = Duration::from_millis(1);

impl Exchange {
    pub(super) fn new(
        state: Arc<Forward>,
        number: u64,
        head: request::Parts,
        capture: RequestCapture,
        timer: Timer,
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
            is_captured: false,
            is_received: false,
            last: None,
            timer,
            is_late: false,
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

    /// Ends the exchange without a request to the upstream. `deviation` is one besides those of the judgement.
    pub(super) fn refuse(&mut self, deviation: Option<Deviation>) {
        self.is_refused = true;
        self.finish(deviation);
    }

    /// Returns the proxy's own response, an error.
    pub(super) fn error(&self, status: StatusCode, message: impl Into<String>) -> Outgoing {
        let error = ErrorResponse::new(status, message);
        error.into_response(self.request.uri(), self.request.headers(), Stamp::random())
    }

    pub(super) fn response_head(&mut self, head: response::Parts) {
        self.response = Some(Response::from_parts(head, Vec::new()));
        self.is_captured = true;
        self.last = Some(Instant::now());
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
        let is_judged = !self.is_received || !self.is_declared || self.judge_response(&mut found);
        found.truncate(MAX_DEVIATIONS);
        found.extend(failure);
        for deviation in found {
            self.report(deviation);
        }
        self.state
            .reports
            .count_exchange(self.is_refused, is_judged);
    }

    /// Judges the response to a request that has the deviations that are found so far.
    ///
    /// Returns whether it was judged in full.
    fn judge_response(&mut self, found: &mut Vec<Deviation>) -> bool {
        let (Some(response), Some(body)) = (&mut self.response, &self.body) else {
            return false;
        };
        let received = std::mem::take(response.body_mut());
        let decoded = match self.is_captured {
            true => decode(response.headers(), received),
            false => Err(Undecoded::Unsupported),
        };
        let is_allowed = found.is_empty();
        let (state, request) = (&self.state, &self.request);
        let judge = |response: &Response<Vec<u8>>| {
            let is_allowed = || is_allowed;
            let judged = state
                .checker
                .judge_response(request, body, response, is_allowed);
            judged.into_iter()
        };
        match decoded {
            Ok(decoded) => *response.body_mut() = decoded,
            Err(undecoded) => {
                found.extend(judge(response).filter(|one| one.part != Part::Body));
                let Undecoded::Invalid(deviation) = undecoded else {
                    return false;
                };
                found.push(*deviation);
                return true;
            }
        }
        if let Some(on_exchange) = &state.on_exchange {
            let times = (self.at, self.started.elapsed());
            on_exchange(RecordedExchange::new(self.number, times, request, response));
        }
        found.extend(judge(response));
        if let Some(reading) = &state.reading {
            let key = redact::key(request.headers());
            let read = reading(request, response).into_iter();
            found.extend(read.map(|one| one.without_secrets(key)));
        }
        true
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

    /// Whether the upstream has sent nothing for too long; else the timer wakes the task.
    fn is_overdue(&self, context: &mut Context<'_>) -> bool {
        let after = self.state.late_after;
        let mut timer = self.timer.0.lock().unwrap_or_else(PoisonError::into_inner);
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(after)));
        while timer.as_mut().poll(context).is_ready() {
            let now = Instant::now();
            // The upstream is not late while the caller still sends.
            let end = match self.last.or_else(|| self.capture.ended()) {
                Some(last) => last + after,
                None => now + after.max(MIN_WAIT),
            };
            if end <= now {
                return true;
            }
            timer.as_mut().reset(end);
        }
        false
    }

    fn report_late(&mut self) {
        self.is_late = true;
        self.take_body();
        let after = humantime::format_duration(self.state.late_after);
        let (allowed, given) = match self.response {
            None => ("a response", format!("no response after {after}")),
            Some(_) => (
                "the next part of the response",
                format!("{} bytes, and no more after {after}", self.received),
            ),
        };
        self.report(upstream(&format!("{allowed} within {after}"), given));
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
            path: short(redact::redact(key, request.uri().path())),
            model: model.map(|model| short(redact::redact(key, model))),
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
        self.is_captured &= self.is_declared && self.received <= MAX_RESPONSE;
        match self.response.as_mut() {
            Some(response) if self.is_captured => response.body_mut().extend_from_slice(bytes),
            Some(response) => *response.body_mut() = Vec::new(),
            None => {}
        }
        self.last = Some(Instant::now());
    }

    fn pending(&mut self, context: &mut Context<'_>) {
        if !self.is_late && self.is_overdue(context) {
            self.report_late();
        }
    }

    fn end(&mut self) {
        self.is_received = true;
        self.finish(None);
    }

    fn fail(&mut self, cause: String) {
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
    /// Judges an exchange whose response has not ended: the caller did not wait for it, or the proxy stops.
    fn drop(&mut self) {
        let is_stopped = self.state.connections.have_ended() && !self.capture.is_broken();
        let what = "not complete when the proxy stopped";
        self.finish(is_stopped.then(|| upstream("a complete response", what.to_owned())));
    }
}

fn short(text: String) -> String {
    truncate(&text, MAX_STRING_BYTES).to_owned()
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
