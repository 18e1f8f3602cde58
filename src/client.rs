//! The client: key, base URL, limits; creating a generation and asking for its state.

use std::{env, fmt, net::IpAddr, path::Path, sync::Arc, time::Duration};

use reqwest::{Url, header::HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    Download, Error, ErrorKind, Generation, GenerationHandle, GenerationRequest,
    LegacyKlingRequest, Route, Saved, Wait, WaitOptions, generated,
    transport::{Call, Reply},
};

/// A client of the service. Clones share one connection pool.
///
/// ```no_run
/// use aimlapi_video::{Client, types::KlingaiV2MasterTextToVideo};
///
/// # async fn run() -> Result<(), aimlapi_video::Error> {
/// let client = Client::from_env()?;
/// let request = KlingaiV2MasterTextToVideo::builder().prompt("A kite climbs over the dunes").duration(5).build()?;
/// let handle = client.create(request).await?;
/// println!("{}", serde_json::to_string(&handle).unwrap()); // from here on nothing is lost
/// let generation = client.wait(&handle).await?;
/// client.save(&generation, "kite.mp4").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    files: reqwest::Client,
    base: String,
    origin: String,
    loopback: bool,
    authorization: SecretString,
    create_timeout: Duration,
    fetch_timeout: Duration,
    max_answer: usize,
    wait: WaitOptions,
}

impl Client {
    /// The service's base URL.
    pub const BASE_URL: &str = "https://api.aimlapi.com";

    /// A client with the key of `AIML_API_KEY`, else `AIMLAPI_API_KEY`, and the base URL of `AIML_API_BASE`, else
    /// `AIMLAPI_API_BASE`, else [`BASE_URL`](Self::BASE_URL).
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key or the URL cannot
    /// be used.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Starts a client with other settings than the environment's.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a generation, and returns as soon as the service has accepted it. This is what costs money.
    ///
    /// The request is held to its document first. It is sent once: an answer that is lost may have been a success.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](ErrorKind::InvalidRequest), [`Unreachable`](ErrorKind::Unreachable) and
    /// [`Refused`](ErrorKind::Refused) say that nothing was created;
    /// [`AmbiguousCreate`](ErrorKind::AmbiguousCreate) that something may have been.
    ///
    /// # Cancel safety
    ///
    /// Not cancel safe: dropping the future after the request has left may lose the id of a generation that is billed.
    pub async fn create(
        &self,
        request: impl Into<GenerationRequest>,
    ) -> Result<GenerationHandle, Error> {
        let request = request.into();
        request.validate()?;
        let (client, call) = self.call(self.inner.create_timeout);
        let result = client.create_generation(&request).await;
        let reply = self.created(&call, result)?;
        self.handle(reply, request.model(), Route::Universal, request.length())
    }

    /// As [`create`](Self::create), on the older URL of the Kling models.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create).
    pub async fn create_legacy_kling(
        &self,
        request: impl Into<LegacyKlingRequest>,
    ) -> Result<GenerationHandle, Error> {
        let request = request.into();
        request.validate()?;
        let (client, call) = self.call(self.inner.create_timeout);
        let result = client.create_legacy_kling_generation(&request).await;
        let reply = self.created(&call, result)?;
        self.handle(reply, request.model(), Route::LegacyKling, request.length())
    }

    /// Creates a generation and waits for its end.
    ///
    /// Use [`create`](Self::create) and [`wait`](Self::wait) to store the handle in between.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create) and [`wait`](Self::wait).
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create).
    pub async fn generate(
        &self,
        request: impl Into<GenerationRequest>,
    ) -> Result<Generation, Error> {
        let handle = self.create(request).await?;
        self.wait(handle).await
    }

    /// Waits for the end of a generation: await it, or take its [`updates`](Wait::updates).
    ///
    /// It takes a [`GenerationHandle`], or a bare id, which is asked for on the universal URL.
    pub fn wait(&self, generation: impl Into<GenerationHandle>) -> Wait {
        Wait::new(self.clone(), generation.into(), self.inner.wait.clone())
    }

    /// Asks once for the state of a generation.
    ///
    /// # Errors
    ///
    /// [`Unreachable`](ErrorKind::Unreachable) if there was no answer, [`Refused`](ErrorKind::Refused) if the service
    /// refused, [`PollingLost`](ErrorKind::PollingLost) if the answer could not be read. Each carries the handle.
    ///
    /// # Cancel safety
    ///
    /// Safe: asking changes nothing.
    pub async fn fetch(
        &self,
        generation: impl Into<GenerationHandle>,
    ) -> Result<Generation, Error> {
        let handle = generation.into();
        let lost =
            |error: Error| error.with_wait(crate::poll::state(&handle, None, Duration::ZERO, 1));
        self.check(&handle).map_err(lost)?;
        match self.poll(&handle, self.inner.fetch_timeout).await {
            Ok((generation, _)) => Ok(generation),
            Err(refused) => Err(lost(refused.error)),
        }
    }

    /// Brings the videos of a generation home.
    pub fn download<'a>(&self, generation: &'a Generation) -> Download<'a> {
        Download::new(self.inner.files.clone(), self.inner.loopback, generation)
    }

    /// Saves all videos of a generation, as [`Download::to_file`] with the default settings.
    ///
    /// # Errors
    ///
    /// As [`Download::to_file`].
    ///
    /// # Cancel safety
    ///
    /// As [`Download::to_file`].
    pub async fn save(
        &self,
        generation: &Generation,
        path: impl AsRef<Path>,
    ) -> Result<Vec<Saved>, Error> {
        self.download(generation).to_file(path).await
    }

    /// Refuses a handle that another service made, or that names nothing.
    pub(crate) fn check(&self, handle: &GenerationHandle) -> Result<(), Error> {
        if handle.id().is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "the generation's id is empty; give the id or the handle",
            ));
        }
        match handle.origin() {
            Some(origin) if origin != self.inner.origin => Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "the generation was created on {origin}, but this client's base URL is on {}; set AIML_API_BASE to the former",
                    self.inner.origin
                ),
            )),
            _ => Ok(()),
        }
    }

    /// One poll: one request, never repeated by itself.
    pub(crate) async fn poll(
        &self,
        handle: &GenerationHandle,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        let (client, call) = self.call(timeout.min(self.inner.fetch_timeout));
        let id = handle.id();
        let outcome = match handle.route() {
            Route::Universal => call.outcome(client.fetch_generation(id).await),
            Route::LegacyKling => call.outcome(client.fetch_legacy_kling_generation(id).await),
        };
        let reply = match outcome {
            Ok(reply) => reply,
            Err(none) => {
                let error = Error::new(ErrorKind::Unreachable, "the service could not be asked")
                    .with_source(none.source);
                return Err(PollError {
                    error,
                    transient: true,
                    retry_after: None,
                });
            }
        };
        let retry_after = reply.retry_after();
        let lost = |what: String| PollError {
            error: Error::new(ErrorKind::PollingLost, what),
            transient: true,
            retry_after,
        };
        if !reply.status.is_success() {
            let service = reply.service_error();
            let transient = matches!(service.status, 408 | 425 | 429 | 500..);
            let error = Error::new(
                ErrorKind::Refused,
                format!("the service answered {service}"),
            )
            .with_service(service);
            return Err(PollError {
                error,
                transient,
                retry_after,
            });
        }
        let generation = reply.generation(handle.route()).map_err(lost)?;
        match generation.id() {
            Some(other) if other != id => Err(lost(format!(
                "the service answered for another generation, {other}"
            ))),
            _ => Ok((generation, retry_after)),
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// A generated client for one call; it is cheap, for it shares the connection pool.
    fn call(&self, timeout: Duration) -> (generated::Client, Call) {
        // The key was checked when the client was built.
        let mut authorization = HeaderValue::from_str(self.inner.authorization.expose_secret())
            .unwrap_or_else(|_| HeaderValue::from_static("Bearer"));
        authorization.set_sensitive(true);
        let call = Call::new(authorization, timeout, self.inner.max_answer);
        (
            generated::Client::new_with_client(
                &self.inner.base,
                self.inner.http.clone(),
                call.clone(),
            ),
            call,
        )
    }

    fn created<T>(
        &self,
        call: &Call,
        result: Result<T, progenitor_client::Error<()>>,
    ) -> Result<Reply, Error> {
        match call.outcome(result) {
            Ok(reply) => Ok(reply),
            Err(none) if none.unsent => {
                let message = format!(
                    "the service at {} was not reached; nothing was created",
                    self.origin()
                );
                Err(Error::new(ErrorKind::Unreachable, message).with_source(none.source))
            }
            Err(none) => Err(ambiguous("the service's answer was lost").with_source(none.source)),
        }
    }

    /// The handle of what was created, if the answer says that something was.
    fn handle(
        &self,
        reply: Reply,
        model: &str,
        route: Route,
        length: Option<u64>,
    ) -> Result<GenerationHandle, Error> {
        if !reply.status.is_success() {
            let service = reply.service_error();
            let error = match service.status {
                408 | 500.. => ambiguous(&format!("the service answered {service}")),
                _ => Error::new(
                    ErrorKind::Refused,
                    format!("the service refused the request: {service}"),
                ),
            };
            return Err(error.with_service(service));
        }
        let unreadable = |what: &str| ambiguous(what).with_service(reply.service_error());
        let answer = reply.generation(route).map_err(|what| unreadable(&what))?;
        let Some(id) = answer.id().map(str::to_owned) else {
            return Err(unreadable("the service's answer holds no generation id"));
        };
        Ok(GenerationHandle::created(
            id,
            model,
            route,
            self.origin(),
            answer,
            length,
        ))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base)
            .finish_non_exhaustive()
    }
}

/// A poll that brought no state.
#[derive(Debug)]
pub(crate) struct PollError {
    pub(crate) error: Error,
    /// Whether the next poll may fare better.
    pub(crate) transient: bool,
    pub(crate) retry_after: Option<Duration>,
}

/// The settings of a [`Client`].
///
/// # Default
///
/// - base URL: [`Client::BASE_URL`]
/// - connecting: 10 s at most
/// - creating: 300 s at most, since inline media take a while to send
/// - asking for a state: 30 s at most
/// - an answer: 4 MiB at most
/// - waiting: [`WaitOptions::default`]
#[derive(Clone)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    key: Option<SecretString>,
    base: Option<String>,
    allow_http: bool,
    connect_timeout: Duration,
    create_timeout: Duration,
    fetch_timeout: Duration,
    max_answer: usize,
    wait: WaitOptions,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            key: None,
            base: None,
            allow_http: false,
            connect_timeout: Duration::from_secs(10),
            create_timeout: Duration::from_secs(300),
            fetch_timeout: Duration::from_secs(30),
            max_answer: 4 * 1024 * 1024,
            wait: WaitOptions::default(),
        }
    }
}

impl ClientBuilder {
    /// Settings with key and base URL from the environment, as [`Client::from_env`] takes them.
    pub fn from_env() -> Self {
        let first = |names: [&str; 2]| {
            names
                .into_iter()
                .filter_map(|name| env::var(name).ok())
                .find(|value| !value.trim().is_empty())
        };
        Self {
            key: first(["AIML_API_KEY", "AIMLAPI_API_KEY"]).map(|key| key.trim().into()),
            base: first(["AIML_API_BASE", "AIMLAPI_API_BASE"]),
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

    /// Allows a base URL of plain `http` beyond this machine, where everyone on the way can read the key.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// The time for connecting, TLS included.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The time for a create, from connecting to the whole answer.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
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

    /// The client.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key or the URL cannot
    /// be used.
    pub fn build(self) -> Result<Client, Error> {
        let authorization = authorization(self.key.as_ref())?;
        let base = self.base.as_deref().unwrap_or(Client::BASE_URL);
        let url = base_url(base, self.allow_http)?;
        let loopback = is_loopback(&url);
        // A redirect would carry the request to a place nobody chose, so it is an answer like any other.
        let http = http(self.connect_timeout, loopback)
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let files = http_files(self.connect_timeout, loopback);
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
                loopback,
                authorization,
                create_timeout: self.create_timeout,
                fetch_timeout: self.fetch_timeout,
                max_answer: self.max_answer,
                wait: self.wait,
            }),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("base_url", &self.base)
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
    Ok(format!("Bearer {key}").into())
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

fn http_files(connect_timeout: Duration, loopback: bool) -> reqwest::Result<reqwest::Client> {
    http(connect_timeout, loopback)
        .redirect(crate::download::redirects(loopback))
        .read_timeout(crate::download::IDLE_TIMEOUT)
        .build()
}

fn ambiguous(what: &str) -> Error {
    Error::new(
        ErrorKind::AmbiguousCreate,
        format!(
            "{what}; the generation may have been accepted and billed, so do not repeat the create before looking at the account's log"
        ),
    )
}
