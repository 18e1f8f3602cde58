//! An event per request that left and what became of it (feature `tracing`). Without the feature nothing is left of this.
//!
//! No header but the answer's `X-Request-Id` is in it, no body, and of a link neither query nor user.

#[cfg(feature = "tracing")]
pub(crate) use on::Exchange;

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Exchange;

#[cfg(feature = "tracing")]
mod on {
    use std::time::Instant;

    use reqwest::{Method, StatusCode, Url, header::HeaderMap};

    use crate::uri::redacted;

    const TARGET: &str = concat!(env!("CARGO_CRATE_NAME"), "::http");

    #[derive(Debug)]
    pub(crate) struct Exchange {
        method: Method,
        url: Url,
        began: Instant,
    }

    impl Exchange {
        pub(crate) fn begin(method: &Method, url: &Url) -> Self {
            Self {
                method: method.clone(),
                url: url.clone(),
                began: Instant::now(),
            }
        }

        pub(crate) fn answered(&self, status: StatusCode, headers: &HeaderMap) {
            let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
            tracing::debug!(
                target: TARGET,
                method = self.method.as_str(),
                url = redacted(self.url.as_str()),
                status = status.as_u16(),
                seconds = self.began.elapsed().as_secs_f64(),
                request_id = request_id.filter(|id| is_id(id)),
                "answered"
            );
        }

        pub(crate) fn failed(&self, error: &reqwest::Error) {
            let why = if error.is_timeout() {
                "timed out"
            } else if error.is_connect() {
                "no connection"
            } else {
                "the connection broke"
            };
            self.unanswered(why);
        }

        pub(crate) fn unanswered(&self, why: &'static str) {
            tracing::debug!(
                target: TARGET,
                method = self.method.as_str(),
                url = redacted(self.url.as_str()),
                seconds = self.began.elapsed().as_secs_f64(),
                why,
                "unanswered"
            );
        }
    }

    /// Whether it looks like one: what a host writes there is its own affair, what a terminal shows is not.
    fn is_id(text: &str) -> bool {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
        !text.is_empty() && text.len() <= 100 && text.chars().all(fits)
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use reqwest::{Method, StatusCode, Url, header::HeaderMap};

    #[derive(Debug)]
    pub(crate) struct Exchange {}

    impl Exchange {
        pub(crate) const fn begin(_: &Method, _: &Url) -> Self {
            Self {}
        }

        pub(crate) const fn answered(&self, _: StatusCode, _: &HeaderMap) {}

        pub(crate) const fn failed(&self, _: &reqwest::Error) {}

        pub(crate) const fn unanswered(&self, _: &'static str) {}
    }
}
