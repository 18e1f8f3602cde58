//! Asking a link's host: over connections of its own, with nothing of the API's, and every redirect judged anew.

use std::{error::Error as StdError, sync::OnceLock, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Method, Proxy, Response, StatusCode, Url,
    header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE, RETRY_AFTER},
};

use super::{
    hosts::{Guard, Hosts, NotPublic},
    judge::Part,
};
use crate::{
    Error, ErrorKind,
    http::{Customize, HttpTrace, base_builder, customize},
    tls::HttpClient,
    uri::redacted,
};

/// What downloads are made with.
pub(crate) struct Files {
    settings: Settings,
    /// Resolves names itself, and connects to allowed addresses only.
    direct: HttpClient,
    /// Leaves resolving to the proxy: for http, and for https.
    proxied: [OnceLock<HttpClient>; 2],
    /// The system's proxies.
    system: Option<Matcher>,
}

pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Whether the API's own base URL is on this machine.
    pub(crate) loopback: bool,
    pub(crate) allow_http: bool,
    pub(crate) allow_private: bool,
    /// What the caller changes about the HTTP client.
    pub(crate) change: Option<Customize>,
    /// Takes everything.
    pub(crate) proxy: Option<Proxy>,
}

/// Why an attempt brought no whole file.
#[derive(Debug)]
pub(super) enum AttemptError {
    /// Trying again may help, after this time where the host named one.
    Transient {
        what: String,
        source: Option<Box<dyn StdError + Send + Sync>>,
        pause: Option<Duration>,
    },
    /// The host sent a range that ends before the file does.
    More,
    /// The host does not fit what is here: the whole file has to be requested.
    BeginAnew(String),
    /// The host refuses the URL; a fresh one may help.
    Refused(StatusCode),
    /// Trying again does not help, but what has arrived is good.
    Fatal(Error),
    /// This machine is at fault: the sink does not take what arrives, or there is no TLS.
    Local(Error),
    /// Trying again does not help, and what has arrived is of no use.
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
    pub(crate) fn new(settings: Settings) -> reqwest::Result<Self> {
        let hosts = settings.hosts();
        let direct = || {
            let builder = settings.builder().no_proxy();
            builder.dns_resolver(Guard::new(hosts))
        };
        Ok(Self {
            direct: HttpClient::build(direct)?,
            proxied: Default::default(),
            // A proxy that nobody named cannot reach what listens on this machine's loopback.
            system: (!settings.loopback).then(Matcher::from_system),
            settings,
        })
    }

    /// The response to a GET of `link`, or of what follows on `part` of its file. The body is not read yet.
    pub(super) async fn ask(
        &self,
        link: &str,
        part: Option<Part<'_>>,
    ) -> Result<Response, AttemptError> {
        let shown = redacted(link);
        let mut url = self.judged(Url::parse(link).ok(), &shown)?;
        for _ in 0..=REDIRECTS {
            let client = self
                .client(&url)
                .map_err(|error| AttemptError::Local(setup_failed(error)))?;
            client.check(url.scheme()).map_err(AttemptError::Local)?;
            let mut request = client
                .client()
                .get(url.clone())
                // Sizes and ranges are those of the file itself.
                .header(ACCEPT_ENCODING, "identity");
            if let Some(Part { version, length }) = part {
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
            url = self.judged(target, &through)?;
        }
        Err(AttemptError::fatal(format!(
            "the video's link redirects more than {REDIRECTS} times: {shown}"
        )))
    }

    /// What comes within the idle time, if anything does.
    pub(super) async fn idle<T>(&self, coming: impl Future<Output = T>) -> Option<T> {
        let coming = tokio::time::timeout(self.settings.idle_timeout, coming);
        coming.await.ok()
    }

    fn judged(&self, url: Option<Url>, shown: &str) -> Result<Url, AttemptError> {
        let is_web = |url: &Url| {
            url.scheme() == "https" || (self.settings.allow_http && url.scheme() == "http")
        };
        let Some(url) = url.filter(is_web) else {
            let allowed = if self.settings.allow_http {
                "https or http"
            } else {
                "https"
            };
            return Err(AttemptError::fatal(format!(
                "the video's link is no {allowed} link: {shown}"
            )));
        };
        match self.settings.hosts().check(&url) {
            Ok(()) => Ok(url),
            Err(refusal) => Err(AttemptError::Fatal(not_public(refusal, shown))),
        }
    }

    /// The client for `url`: where a proxy takes it, the proxy resolves the name.
    fn client(&self, url: &Url) -> reqwest::Result<&HttpClient> {
        let uri = url.as_str().parse().ok();
        let found = |system: &Matcher| system.intercept(uri.as_ref()?);
        let system = self.system.as_ref().and_then(found);
        let proxy = match (&self.settings.proxy, system) {
            (Some(proxy), _) => proxy.clone(),
            (None, Some(system)) => {
                let proxy = Proxy::all(system.uri().to_string())?;
                match system.basic_auth() {
                    Some(user) => proxy.custom_http_auth(user.clone()),
                    None => proxy,
                }
            }
            (None, None) => return Ok(&self.direct),
        };
        let proxied = &self.proxied[usize::from(url.scheme() == "https")];
        if let Some(client) = proxied.get() {
            return Ok(client);
        }
        // It and no other, for without one nobody would look at what the name resolves to.
        let client = HttpClient::build(|| self.settings.builder().no_proxy().proxy(proxy.clone()))?;
        Ok(proxied.get_or_init(|| client))
    }
}

impl Settings {
    fn hosts(&self) -> Hosts {
        Hosts {
            loopback: self.loopback,
            private: self.allow_private,
        }
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        // The idle time is kept here: reqwest's runs on while the caller's disk or writer is what is slow.
        // Redirects are followed here, each after a look.
        // Some servers know `Range` in this spelling alone, such as weborf 0.19.
        let builder = base_builder(self.connect_timeout).http1_title_case_headers();
        customize(builder, self.change.as_ref()).redirect(reqwest::redirect::Policy::none())
    }
}

const REDIRECTS: usize = 5;

/// The longest time that a host may ask to be left alone before the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What a status means that brings no file.
pub(super) fn refused(response: &Response, link: &str) -> AttemptError {
    let status = response.status();
    let what = format!("the video's host answered {status} for {}", redacted(link));
    match status.as_u16() {
        // 202: the file is being made.
        202 | 408 | 425 | 429 | 500.. => {
            let seconds = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|after| after.to_str().ok());
            let pause = seconds
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs);
            AttemptError::Transient {
                what,
                source: None,
                pause: pause.map(|pause| pause.min(LONGEST_PAUSE)),
            }
        }
        416 => AttemptError::fatal(what),
        // Stores answer an expired or misplaced signature with any of these.
        400..=499 => AttemptError::Refused(status),
        _ => AttemptError::fatal(format!("{what}, which brings no video")),
    }
}

/// A `Location` in ASCII: several servers send the bytes of other characters as they are (RFC 9110 section 10.2.2 has a
/// URI reference there), and whatever their encoding is, the same bytes come back to the host in the next request.
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

/// No answer came: the host is refused, or something on the way failed.
fn unreachable(error: reqwest::Error, shown: &str) -> AttemptError {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(next) = cause {
        if let Some(refusal) = next.downcast_ref::<NotPublic>() {
            return AttemptError::Fatal(not_public(refusal, shown));
        }
        cause = next.source();
    }
    AttemptError::Transient {
        what: format!("the video's host could not be asked: {shown}"),
        source: Some(error.without_url().into()),
        pause: None,
    }
}

fn timed_out(shown: &str) -> AttemptError {
    AttemptError::transient(format!("the video's host did not answer: {shown}"))
}

fn not_public(refusal: impl std::fmt::Display, shown: &str) -> Error {
    Error::new(
        ErrorKind::Download,
        format!(
            "the video's link is refused: {refusal}; if it should be, use `allow_private_hosts`: {shown}"
        ),
    )
}

fn setup_failed(error: reqwest::Error) -> Error {
    Error::new(ErrorKind::Configuration, "the HTTP client cannot be set up").with_source(error)
}
