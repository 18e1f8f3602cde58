//! Emits an event for the outcome of each request (feature `tracing`). Without the feature, the type is empty.
//!
//! The field `seconds` is the time to the response's headers. Of the headers, the event holds only the response's
//! `X-Request-Id`. It holds no body, and its URL has no query and no user.

#[cfg(feature = "tracing")]
pub(crate) use on::HttpTrace;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::HttpTrace;

#[cfg(feature = "tracing")]
mod on {
    use std::time::Instant;

    use reqwest::{Method, StatusCode, Url, header::HeaderMap};

    use crate::urls::redacted;

    const TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::http");

    #[derive(Debug)]
    pub(crate) struct HttpTrace {
        method: Method,
        url: Url,
        began: Instant,
    }

    impl HttpTrace {
        pub(crate) fn begin(method: &Method, url: &Url) -> Self {
            Self {
                method: method.clone(),
                url: url.clone(),
                began: Instant::now(),
            }
        }

        pub(crate) fn record_response(&self, status: StatusCode, headers: &HeaderMap) {
            let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
            tracing::debug!(
                target: TARGET,
                method = self.method.as_str(),
                url = redacted(self.url.as_str()),
                status = status.as_u16(),
                seconds = self.began.elapsed().as_secs_f64(),
                request_id = request_id.filter(|id| is_id(id)),
                "response received"
            );
        }

        pub(crate) fn record_error(&self, error: &reqwest::Error) {
            let why = if error.is_timeout() {
                "timed out"
            } else if error.is_connect() {
                "no connection"
            } else {
                "the connection broke"
            };
            self.record_no_response(why);
        }

        pub(crate) fn record_no_response(&self, why: &'static str) {
            tracing::debug!(
                target: TARGET,
                method = self.method.as_str(),
                url = redacted(self.url.as_str()),
                seconds = self.began.elapsed().as_secs_f64(),
                why,
                "no response"
            );
        }
    }

    /// Whether a text has the characters of an id: a host may send any characters, and a terminal may interpret them.
    fn is_id(text: &str) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
        !text.is_empty() && text.len() <= 100 && text.chars().all(fits)
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use reqwest::{Method, StatusCode, Url, header::HeaderMap};

    #[derive(Debug)]
    pub(crate) struct HttpTrace {}

    impl HttpTrace {
        pub(crate) const fn begin(_: &Method, _: &Url) -> Self {
            Self {}
        }

        pub(crate) const fn record_response(&self, _: StatusCode, _: &HeaderMap) {}

        pub(crate) const fn record_error(&self, _: &reqwest::Error) {}

        pub(crate) const fn record_no_response(&self, _: &'static str) {}
    }
}
