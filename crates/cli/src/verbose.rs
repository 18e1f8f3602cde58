//! `-v`: a line on standard error for each request, with its status and time.

use std::fmt::Debug;

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::{output::print_note, progress};

/// Prints each request from here on.
pub(crate) fn start() {
    // It fails only if this process has a subscriber, and no other code sets one.
    if tracing::subscriber::set_global_default(RequestSubscriber).is_ok() {
        progress::disable_drawing();
    }
}

/// A subscriber to the library's events about requests, which contain no secret.
struct RequestSubscriber;

impl Subscriber for RequestSubscriber {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && metadata.target() == "aimlapi_video::http"
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = RequestFields::default();
        event.record(&mut fields);
        print_note(fields.line());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The fields of one event.
#[derive(Default)]
struct RequestFields {
    method: String,
    url: String,
    status: Option<u64>,
    seconds: f64,
    request_id: Option<String>,
    why: Option<String>,
}

impl RequestFields {
    fn line(&self) -> String {
        let end = match (self.status, &self.why) {
            (Some(status), _) => status.to_string(),
            (None, Some(why)) => format!("no response ({why})"),
            (None, None) => "no response".into(),
        };
        let id = self.request_id.as_ref();
        let id = id.map_or(String::new(), |id| format!(", X-Request-Id {id}"));
        format!(
            "{} {}: {end} after {:.2}s{id}",
            self.method, self.url, self.seconds
        )
    }
}

impl Visit for RequestFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "method" => self.method = value.into(),
            "url" => self.url = value.into(),
            "request_id" => self.request_id = Some(value.into()),
            "why" => self.why = Some(value.into()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "status" {
            self.status = Some(value);
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "seconds" {
            self.seconds = value;
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
