//! The settings of a client, checked before anything is sent.

use std::{
    env, fmt,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use reqwest::{Url, header::HeaderName};
use secrecy::{ExposeSecret, SecretString};

use super::{Client, CreateRetries, Inner};
use crate::{
    Error, ErrorKind, PollBudget, WaitOptions,
    budget::Bucket,
    download::{Files, Settings},
    schedule::Durations,
    transport::BEARER,
};

/// The settings of a [`Client`].
///
/// # Default
///
/// - base URL: [`Client::BASE_URL`]
/// - connecting: 10 s at most
/// - creating: 300 s at most, since inline media take a while to send
/// - creating again by itself: [`CreateRetries::default`], in a batch [`CreateRetries::patient`]
/// - asking for a state: 30 s at most
/// - an answer: 4 MiB at most
/// - a download: 60 s at most without a byte
/// - waiting: [`WaitOptions::default`]
/// - polls of all waits together: [`PollBudget::default`]
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    key: Option<SecretString>,
    base: Option<String>,
    allow_http: bool,
    allow_private: bool,
    connect_timeout: Duration,
    idle_timeout: Duration,
    create_retries: Option<CreateRetries>,
    idempotency_header: Option<String>,
    create_timeout: Duration,
    fetch_timeout: Duration,
    max_answer: usize,
    wait: WaitOptions,
    /// `AIML_API_SPEED`, as it stands in the environment.
    speed: Option<String>,
    budget: Option<PollBudget>,
    durations: Durations,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            key: None,
            base: None,
            allow_http: false,
            allow_private: false,
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            create_retries: None,
            idempotency_header: None,
            create_timeout: Duration::from_secs(300),
            fetch_timeout: Duration::from_secs(30),
            max_answer: 4 * 1024 * 1024,
            wait: WaitOptions::default(),
            speed: None,
            budget: Some(PollBudget::default()),
            durations: Durations::default(),
        }
    }
}

impl ClientBuilder {
    /// Settings with key, base URL and speed from the environment, as [`Client::from_env`] takes them.
    pub fn from_env() -> Self {
        let first = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| env::var(name).ok())
                .find(|value| !value.trim().is_empty())
        };
        let speed = first(&["AIML_API_SPEED"]);
        // What is no number is told by `build`.
        let times = speed
            .as_deref()
            .map_or(1.0, |speed| number(speed).unwrap_or(1.0));
        Self {
            key: first(&["AIML_API_KEY", "AIMLAPI_API_KEY"]).map(|key| key.trim().into()),
            base: first(&["AIML_API_BASE", "AIMLAPI_API_BASE"]),
            wait: WaitOptions::default().speed(times),
            speed,
            ..Self::default()
        }
    }

    /// The API key.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The base URL; a trailing `/`, `/v1` or `/v2` is taken off.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Allows a base URL, and links to videos, of plain `http` beyond this machine. Everyone on the way can read the key
    /// then, and change the videos.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Allows links to videos, and redirects of them, that lead to hosts which are not on the public internet: loopback,
    /// private and link-local addresses and the like, and names that have such. Whoever writes the links can make this
    /// machine ask its neighbours then. Off by default; hosts on loopback are allowed by themselves where the base URL is.
    pub fn allow_private_hosts(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }

    /// The time for connecting, TLS included.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The time that a download may stand still before its connection counts as broken.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// The time for a create, from connecting to the whole answer.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
        self
    }

    /// When a create is sent again by itself, single or in a batch.
    pub fn create_retries(mut self, retries: CreateRetries) -> Self {
        self.create_retries = Some(retries);
        self
    }

    /// Sends this header with every create, such as `Idempotency-Key`: a fresh UUID for each generation, the same when the
    /// create is sent again. Off by default, since the service documents none, and what it does not know it ignores: a
    /// create whose answer is lost stays [ambiguous](ErrorKind::AmbiguousCreate) either way.
    pub fn idempotency_header(mut self, name: impl Into<String>) -> Self {
        self.idempotency_header = Some(name.into());
        self
    }

    /// The time for asking once for a state.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// The most bytes that an answer may have.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// How this client waits unless a wait is told otherwise.
    pub fn wait_options(mut self, options: WaitOptions) -> Self {
        self.wait = options;
        self
    }

    /// How many polls the waits of this client and its clones may send together; `None` for any number.
    pub fn poll_budget(mut self, budget: impl Into<Option<PollBudget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// What is known already of how long generations take, such as an earlier client's
    /// [`durations`](Client::durations).
    pub fn durations(mut self, durations: Durations) -> Self {
        self.durations = durations;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key, the URL or the
    /// speed cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let authorization = authorization(self.key.as_ref())?;
        let base = self.base.as_deref().unwrap_or(Client::BASE_URL);
        let url = base_url(base, self.allow_http)?;
        check_speed(self.speed.as_deref(), &url)?;
        let loopback = is_loopback(&url);
        // A redirect would carry the request to a place nobody chose, so it is an answer like any other. When a create is
        // sent again is decided here, and nowhere below.
        let http = http(self.connect_timeout, loopback)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .build();
        let files = Files::new(Settings {
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            loopback,
            allow_http: loopback || self.allow_http,
            allow_private: self.allow_private,
        });
        let header = self.idempotency_header.as_deref();
        let idempotency_header = header.map(idempotency_header).transpose()?;
        let failed = |error: reqwest::Error| {
            Error::new(ErrorKind::Configuration, "the HTTP client cannot be set up")
                .with_source(error)
        };
        Ok(Client {
            inner: Arc::new(Inner {
                http: http.map_err(failed)?,
                files: files.map_err(failed)?,
                base: url.as_str().trim_end_matches('/').to_owned(),
                origin: url.origin().ascii_serialization(),
                authorization,
                create_retries: self.create_retries,
                idempotency_header,
                create_timeout: self.create_timeout,
                fetch_timeout: self.fetch_timeout,
                max_answer: self.max_answer,
                wait: self.wait,
                budget: self.budget.map(|budget| Arc::new(Bucket::new(budget))),
                durations: Mutex::new(self.durations),
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base.as_deref().map(crate::uri::redacted))
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}

fn authorization(key: Option<&SecretString>) -> Result<SecretString, Error> {
    let wrong = |what: &str| Err(Error::new(ErrorKind::Configuration, what));
    let Some(key) = key
        .map(ExposeSecret::expose_secret)
        .filter(|key| !key.is_empty())
    else {
        return Err(Error::new(
            ErrorKind::MissingKey,
            "no API key; set AIML_API_KEY",
        ));
    };
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong(
            "the API key holds a blank, a line break or a character beyond ASCII; copy it again",
        );
    }
    Ok(format!("{BEARER}{key}").into())
}

fn idempotency_header(name: &str) -> Result<HeaderName, Error> {
    let taken = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "transfer-encoding",
        "user-agent",
        "x-client-request-id",
    ];
    let wrong = |what: &str| {
        let what = format!("the idempotency header {name:?} {what}, such as Idempotency-Key");
        Error::new(ErrorKind::Configuration, what)
    };
    let name = name
        .parse::<HeaderName>()
        .map_err(|_| wrong("is no name of a header; give one"))?;
    match taken.contains(&name.as_str()) {
        true => Err(wrong("has a meaning of its own; give another one")),
        false => Ok(name),
    }
}

fn base_url(given: &str, allow_http: bool) -> Result<Url, Error> {
    let shown = crate::uri::redacted(given);
    let wrong = |what: &str| {
        Err(Error::new(
            ErrorKind::Configuration,
            format!("the base URL {shown} {what}"),
        ))
    };
    let trimmed = given.trim().trim_end_matches('/');
    let trimmed = trimmed
        .strip_suffix("/v1")
        .or_else(|| trimmed.strip_suffix("/v2"))
        .unwrap_or(trimmed);
    let Ok(url) = Url::parse(trimmed) else {
        return wrong("is no URL; give one such as https://api.aimlapi.com");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong("is neither https nor http; give one such as https://api.aimlapi.com");
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return wrong("has a user, a query or a fragment; leave it off");
    }
    if url.scheme() == "http" && !allow_http && !is_loopback(&url) {
        return wrong(
            "is plain http, which shows the key to everyone on the way; use https, or `allow_insecure_http`",
        );
    }
    Ok(url)
}

/// The service itself runs at its own speed: whoever waits for it faster only asks too often, and gives up too soon.
fn check_speed(speed: Option<&str>, base: &Url) -> Result<(), Error> {
    let Some(speed) = speed else {
        return Ok(());
    };
    let wrong = |what: &str| {
        let what = format!("AIML_API_SPEED is {speed:?}, but {what}");
        Err(Error::new(ErrorKind::Configuration, what))
    };
    let service = Url::parse(Client::BASE_URL).map(|url| url.origin());
    match number(speed) {
        None => wrong("it takes a number above 0, such as 60"),
        Some(times) if times != 1.0 && service.is_ok_and(|service| service == base.origin()) => {
            wrong("it is for a simulator; unset it, or set AIML_API_BASE to the simulator's URL")
        }
        Some(_) => Ok(()),
    }
}

fn number(speed: &str) -> Option<f64> {
    let speed = speed.trim().parse().ok()?;
    (f64::is_finite(speed) && speed > 0.0).then_some(speed)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn http(connect_timeout: Duration, loopback: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .user_agent(concat!("aimlapi-video/", env!("CARGO_PKG_VERSION")));
    // A proxy cannot reach what listens on this machine's loopback.
    if loopback {
        builder.no_proxy()
    } else {
        builder
    }
}
