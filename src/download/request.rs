//! One GET of a video's URL: redirects, timeouts, and the errors of an attempt.
//!
//! The request uses its own connections and carries no header of the API. The scheme and host of the URL and of every
//! redirect are checked before the request is sent.

use std::{error::Error as StdError, time::Duration};

use reqwest::{
    Method, Response, StatusCode, Url,
    header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE},
};

use super::judge::ResumePoint;
use crate::{
    Error, ErrorKind,
    http::{Files, HttpTrace, NotPublic, retry_after},
    urls::redacted,
};

/// Why an attempt did not complete the file.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// A retry may help, after `pause` if the host sent a `Retry-After`.
    Transient {
        what: String,
        source: Option<Box<dyn StdError + Send + Sync>>,
        pause: Option<Duration>,
    },
    /// The host sent a range that ends before the file does.
    More,
    /// The response does not match the received bytes, so the whole file has to be requested; the text says what the
    /// host did.
    Restart(String),
    /// The host refuses the URL; a fresh URL may help.
    Refused(StatusCode),
    /// A retry does not help, but the received bytes are valid.
    Fatal(Error),
    /// An error of this machine: the sink rejects the bytes, or TLS cannot be set up.
    Local(Error),
    /// A retry does not help, and the received bytes are useless.
    Discard(Error),
}

impl AttemptError {
    pub(super) fn fatal(what: impl Into<String>) -> Self {
        Self::Fatal(Error::new(ErrorKind::Download, what))
    }

    pub(super) fn transient(what: impl Into<String>) -> Self {
        Self::Transient {
            what: what.into(),
            source: None,
            pause: None,
        }
    }
}

impl Files {
    /// Sends a GET of `video_url`, or of the rest of the file from `resume_point` on, and returns the response before
    /// its body is read.
    pub(super) async fn get(
        &self,
        video_url: &str,
        resume_point: Option<ResumePoint<'_>>,
    ) -> Result<Response, AttemptError> {
        let shown = redacted(video_url);
        let mut url = self.checked(Url::parse(video_url).ok(), &shown)?;
        for _ in 0..=MAX_REDIRECTS {
            let client = self
                .client(&url)
                .map_err(|error| AttemptError::Local(setup_failed(error)))?;
            client.check(url.scheme()).map_err(AttemptError::Local)?;
            let mut request = client
                .client()
                .get(url.clone())
                // A content coding would change sizes and ranges.
                .header(ACCEPT_ENCODING, "identity");
            if let Some(ResumePoint { version, length }) = resume_point {
                request = request.header(RANGE, format!("bytes={length}-"));
                if let Some(validator) = &version.validator {
                    request = request.header(IF_RANGE, validator.as_str());
                }
            }
            let trace = HttpTrace::begin(&Method::GET, &url);
            let response = match self.idle(request.send()).await {
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    trace.record_error(&error);
                    return Err(unreachable(error, &shown));
                }
                None => {
                    trace.record_no_response("timed out");
                    return Err(timed_out(&shown));
                }
            };
            let status = response.status();
            trace.record_response(status, response.headers());
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| is_redirect(status));
            let Some(location) = location else {
                return Ok(response);
            };
            let target = url.join(&escaped(location.as_bytes())).ok();
            let to = target
                .as_ref()
                .map_or("no URL".into(), |url| redacted(url.as_str()));
            let through = format!("{shown}, which redirects to {to}");
            url = self.checked(target, &through)?;
        }
        Err(AttemptError::fatal(format!(
            "the video's URL redirects more than {MAX_REDIRECTS} times: {shown}"
        )))
    }

    /// Awaits `future`, at most for the idle timeout; `None` if the timeout ends first.
    pub(super) async fn idle<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let timeout = tokio::time::timeout(self.settings().idle_timeout, future);
        timeout.await.ok()
    }

    /// Returns the URL if its scheme and host are allowed.
    fn checked(&self, url: Option<Url>, shown: &str) -> Result<Url, AttemptError> {
        let is_web = |url: &Url| {
            url.scheme() == "https" || (self.settings().allow_http && url.scheme() == "http")
        };
        let Some(url) = url.filter(is_web) else {
            let allowed = if self.settings().allow_http {
                "https or http"
            } else {
                "https"
            };
            return Err(AttemptError::fatal(format!(
                "the video's URL is not an {allowed} URL: {shown}"
            )));
        };
        match self.settings().hosts().check(&url) {
            Ok(()) => Ok(url),
            Err(refusal) => Err(AttemptError::Fatal(not_public(refusal, shown))),
        }
    }
}

const MAX_REDIRECTS: usize = 5;

/// The longest `Retry-After` that the download obeys.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The error for a response without a file, by its status.
pub(super) fn refused(response: &Response, video_url: &str) -> AttemptError {
    let status = response.status();
    let what = format!(
        "the video's host responded with {status} for {}",
        redacted(video_url)
    );
    match status.as_u16() {
        // 202: the file is not ready yet.
        202 | 408 | 425 | 429 | 500.. => {
            let pause = retry_after(response.headers());
            AttemptError::Transient {
                what,
                source: None,
                pause: pause.map(|pause| pause.min(MAX_PAUSE)),
            }
        }
        416 => AttemptError::fatal(what),
        // Object stores respond to an expired or misplaced signature with any of these.
        400..=499 => AttemptError::Refused(status),
        _ => AttemptError::fatal(format!("{what}, which carries no video")),
    }
}

/// Percent-encodes the bytes of a `Location` that are not ASCII.
///
/// RFC 9110 section 10.2.2 requires a URI reference, but several servers send other characters unescaped. The escapes
/// preserve the bytes in any encoding, so the next request sends the same bytes to the host.
fn escaped(location: &[u8]) -> String {
    let mut escaped = String::with_capacity(location.len());
    for byte in location {
        match byte.is_ascii() {
            true => escaped.push(char::from(*byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// The error for a request without a response: the host is not allowed, or the connection failed.
fn unreachable(error: reqwest::Error, shown: &str) -> AttemptError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(next) = cause {
        if let Some(refusal) = next.downcast_ref::<NotPublic>() {
            return AttemptError::Fatal(not_public(refusal, shown));
        }
        cause = next.source();
    }
    AttemptError::Transient {
        what: format!("the video's host could not be reached: {shown}"),
        source: Some(error.without_url().into()),
        pause: None,
    }
}

fn timed_out(shown: &str) -> AttemptError {
    AttemptError::transient(format!("the video's host did not respond: {shown}"))
}

fn not_public(refusal: impl std::fmt::Display, shown: &str) -> Error {
    Error::new(
        ErrorKind::Download,
        format!(
            "the video's URL is refused: {refusal}; to allow such hosts, use `allow_private_hosts`: {shown}"
        ),
    )
}

fn setup_failed(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Configuration, "the HTTP client cannot be set up").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn pause_of_a_busy_host_is_read_in_every_form_and_limited() {
        let pause = |after: &str| {
            let response = http::Response::builder().status(503);
            let response = response.header("retry-after", after).body("");
            let response = Response::from(response.expect("a response"));
            match refused(&response, "https://a.example/v.mp4") {
                AttemptError::Transient { pause, .. } => pause,
                other => panic!("{other:?}"),
            }
        };
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause("7"), seconds(7));
        assert_eq!(pause("3600"), seconds(30));
        assert_eq!(pause("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(pause("soon"), None);
        let later = |seconds| {
            let date = SystemTime::now() + Duration::from_secs(seconds);
            pause(&httpdate::fmt_http_date(date)).expect("a date is read")
        };
        assert!((5..=20).contains(&later(20).as_secs()));
        assert_eq!(Some(later(3600)), seconds(30));
    }
}
