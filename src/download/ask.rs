//! Asking a link's host: over connections of its own, with nothing of the API's, and every redirect judged anew.

use std::{error::Error as StdError, sync::OnceLock, time::Duration};

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{
    Method, Proxy, Response, StatusCode, Url,
    header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE, RETRY_AFTER},
};

use super::{
    hosts::{Guard, Hosts, NotPublic},
    version::Validator,
};
use crate::{
    Error, ErrorKind,
    client::{Change, begun, changed},
    exchange::Exchange,
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
    pub(crate) change: Option<Change>,
    /// Takes everything.
    pub(crate) proxy: Option<Proxy>,
}

/// The rest of a file of which a part is here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest<'a> {
    pub(super) from: u64,
    pub(super) validator: &'a Validator,
}

/// Why there is no whole file yet.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Trying again may help, after this time where the host named one.
    Passing {
        what: String,
        source: Option<Box<dyn StdError + Send + Sync>>,
        pause: Option<Duration>,
    },
    /// The host refuses the link; a fresh one may help.
    Link(StatusCode),
    /// Nothing helps, but what has arrived is good.
    Lasting(Error),
    /// Nothing helps, and what has arrived is of no use.
    Useless(Error),
}

impl Trouble {
    pub(super) fn lasting(what: impl Into<String>) -> Self {
        Self::Lasting(Error::new(ErrorKind::Download, what))
    }

    pub(super) fn passing(what: impl Into<String>) -> Self {
        Self::Passing {
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

    /// The host's answer to `link`, or for the `rest` of its file. The body is not read yet.
    pub(super) async fn ask(
        &self,
        link: &str,
        rest: Option<Rest<'_>>,
    ) -> Result<Response, Trouble> {
        let shown = redacted(link);
        let mut url = self.judged(Url::parse(link).ok(), &shown)?;
        for _ in 0..=REDIRECTS {
            let client = self
                .client(&url)
                .map_err(|error| Trouble::Lasting(setup_failed(error)))?;
            client.check(url.scheme()).map_err(Trouble::Lasting)?;
            let mut request = client
                .client()
                .get(url.clone())
                // Sizes and ranges are those of the file itself.
                .header(ACCEPT_ENCODING, "identity");
            if let Some(rest) = rest {
                request = request
                    .header(RANGE, format!("bytes={}-", rest.from))
                    .header(IF_RANGE, rest.validator.as_str());
            }
            let exchange = Exchange::begin(&Method::GET, &url);
            let response = match self.idle(request.send()).await {
                Some(Ok(response)) => response,
                Some(Err(error)) => {
                    exchange.failed(&error);
                    return Err(unheard(error, &shown));
                }
                None => {
                    exchange.unanswered("timed out");
                    return Err(unheard_in_time(&shown));
                }
            };
            let status = response.status();
            exchange.answered(status, response.headers());
            let location = response
                .headers()
                .get(LOCATION)
                .filter(|_| is_redirect(status));
            let Some(location) = location else {
                return Ok(response);
            };
            let target = location
                .to_str()
                .ok()
                .and_then(|target| url.join(target).ok());
            let to = target
                .as_ref()
                .map_or("no URL".into(), |url| redacted(url.as_str()));
            let through = format!("{shown}, which redirects to {to}");
            url = self.judged(target, &through)?;
        }
        Err(Trouble::lasting(format!(
            "the video's link redirects more than {REDIRECTS} times: {shown}"
        )))
    }

    /// What comes within the idle time, if anything does.
    pub(super) async fn idle<T>(&self, coming: impl Future<Output = T>) -> Option<T> {
        let coming = tokio::time::timeout(self.settings.idle_timeout, coming);
        coming.await.ok()
    }

    fn judged(&self, url: Option<Url>, shown: &str) -> Result<Url, Trouble> {
        let is_web = |url: &Url| {
            url.scheme() == "https" || (self.settings.allow_http && url.scheme() == "http")
        };
        let Some(url) = url.filter(is_web) else {
            let allowed = if self.settings.allow_http {
                "https or http"
            } else {
                "https"
            };
            return Err(Trouble::lasting(format!(
                "the video's link is no {allowed} link: {shown}"
            )));
        };
        match self.settings.hosts().check(&url) {
            Ok(()) => Ok(url),
            Err(refusal) => Err(Trouble::Lasting(not_public(refusal, shown))),
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
        changed(begun(self.connect_timeout), self.change.as_ref())
            .redirect(reqwest::redirect::Policy::none())
    }
}

const REDIRECTS: usize = 5;

/// The longest time that a host may ask to be left alone before the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What the status says, where it brings no file.
pub(super) fn refused(response: &Response, link: &str, expired: bool) -> Trouble {
    let status = response.status();
    let what = format!("the video's host answered {status} for {}", redacted(link));
    match status.as_u16() {
        403 | 410 => Trouble::Link(status),
        400..=499 if expired => Trouble::Link(status),
        408 | 425 | 429 | 500.. => {
            let seconds = response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|after| after.to_str().ok());
            let pause = seconds
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs);
            Trouble::Passing {
                what,
                source: None,
                pause: pause.map(|pause| pause.min(LONGEST_PAUSE)),
            }
        }
        _ => Trouble::lasting(what),
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// No answer came: the host is refused, or something on the way failed.
fn unheard(error: reqwest::Error, shown: &str) -> Trouble {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(next) = cause {
        if let Some(refusal) = next.downcast_ref::<NotPublic>() {
            return Trouble::Lasting(not_public(refusal, shown));
        }
        cause = next.source();
    }
    Trouble::Passing {
        what: format!("the video's host could not be asked: {shown}"),
        source: Some(error.without_url().into()),
        pause: None,
    }
}

fn unheard_in_time(shown: &str) -> Trouble {
    Trouble::passing(format!("the video's host did not answer: {shown}"))
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
