//! The settings of a client, checked before anything is sent.

use std::{
    env, fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    Client, CreateRetries, Inner,
    create::OnCreated,
    http::{ApiSettings, check_provider, proxy},
    settings::{authorization, base_url, check_speed, idempotency_header, is_loopback, number},
};
use crate::{
    Error, ErrorKind, GenerationHandle, PollBudget, WaitOptions,
    budget::Bucket,
    download::{Files, Settings},
    http::Customize,
    schedule::Durations,
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
/// - an answer: 64 MiB at most
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
    http: Option<Customize>,
    on_created: Option<OnCreated>,
    downloads: Option<Customize>,
    /// Its URL may hold a password.
    proxy: Option<SecretString>,
}

/// Room for two media of `Media::MAX_BYTES` as data URIs, which take 53.4 MiB, and for the rest of an answer.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

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
            max_answer: MAX_ANSWER,
            wait: WaitOptions::default(),
            speed: None,
            budget: Some(PollBudget::default()),
            durations: Durations::default(),
            http: None,
            on_created: None,
            downloads: None,
            proxy: None,
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
        // `build` reports a value that is not a number.
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
    /// private and link-local addresses and the like, and names that have such. The author of the links can make this
    /// machine send requests to its neighbours then. Off by default; hosts on loopback are allowed by themselves where
    /// the base URL is.
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

    /// Calls `on_created` with the handle of every create that the service accepts, single or in a batch, before the create
    /// returns: the place to store handles. It is called also if the create's future was dropped after the request had
    /// left, as [`Client::create`] says under cancel safety. A second function takes the place of the first.
    ///
    /// It runs in the task that has sent the create, so it should return soon. A panic in it is caught and loses no
    /// handle. With a `blocking` client that task runs on the client's own thread: a call of the same client from here
    /// panics, and one that waits for the caller of the create never returns.
    ///
    /// ```
    /// use aimlapi_video::{Client, GenerationHandle};
    ///
    /// let store = |handle: &GenerationHandle| match serde_json::to_string(handle) {
    ///     Ok(handle) => println!("{handle}"),
    ///     Err(error) => eprintln!("{}: {error}", handle.id()),
    /// };
    /// let client = Client::builder().api_key("...").on_created(store).build()?;
    /// # let _ = client;
    /// # Ok::<(), aimlapi_video::Error>(())
    /// ```
    pub fn on_created(
        mut self,
        on_created: impl Fn(&GenerationHandle) + Send + Sync + 'static,
    ) -> Self {
        self.on_created = Some(Arc::new(on_created));
        self
    }

    /// The time for asking once for a state.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// The maximum size of an answer in bytes; 64 MiB by default. An answer may repeat the media of its request: the
    /// default has room for two of [`Media::MAX_BYTES`](crate::Media::MAX_BYTES) as data URIs. A wait, and the handle of a
    /// create, hold their last answer in memory.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// How this client waits unless a wait has options of its own.
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

    /// Sends everything through the HTTP proxy at this `http` or `https` URL, which may name a user and a password: calls of
    /// the API, and downloads. By default the system's proxy is used where there is one (`HTTPS_PROXY` and the like). Calls
    /// to a base URL on this machine go through none.
    ///
    /// The proxy resolves the names of hosts then, so of a link to a video only an address in it can be judged.
    pub fn proxy(mut self, url: impl Into<SecretString>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Changes the HTTP clients that the API is called with, one for creates and one for polls: root certificates, user
    /// agent, further headers, local address, HTTP/2, name resolution. `change` is called for each of the two.
    ///
    /// What this crate promises is set afterwards and holds all the same: no redirect is followed, nothing is sent again
    /// below [`CreateRetries`], each create has a connection of its own, the key goes into `Authorization` of these calls
    /// and nowhere else, and each call has its own [time](Self::create_timeout). Downloads are made with another client,
    /// which is changed by [`configure_downloads`](Self::configure_downloads).
    ///
    /// ```no_run
    /// # #[cfg(feature = "rustls")]
    /// # fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// use aimlapi_video::{Client, reqwest::Certificate};
    ///
    /// let root = Certificate::from_pem(&std::fs::read("corporate-root.pem")?)?;
    /// let for_files = root.clone();
    /// let client = Client::builder()
    ///     .api_key("...")
    ///     .proxy("http://proxy.example.com:3128")
    ///     .configure_http(move |http| http.tls_certs_merge([root.clone()]).user_agent("film-desk/3"))
    ///     .configure_downloads(move |http| http.tls_certs_merge([for_files.clone()]))
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn configure_http(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.http = Some(Arc::new(change));
        self
    }

    /// Changes the HTTP client that videos are downloaded with, which has nothing of the API's: root certificates, user
    /// agent, further headers, which every host of a video sees.
    ///
    /// What this crate promises is set afterwards: redirects are followed by the [download](crate::Download) alone, each
    /// after a check, and names are resolved by a resolver of its own. So a resolver given here is not used; only
    /// [`resolve`](reqwest::ClientBuilder::resolve) settles a name before it, and what it settles is not judged. A proxy does
    /// not belong here, but into [`proxy`](Self::proxy).
    pub fn configure_downloads(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.downloads = Some(Arc::new(change));
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key, a URL, the speed or
    /// the HTTP client's settings cannot be used, or, with the feature `rustls-no-provider` in place of `rustls`, if no crypto
    /// provider is installed.
    ///
    /// # Root certificates
    ///
    /// On Linux and other systems that keep them in files, root certificates are read here, from the first of these:
    ///
    /// 1. the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, if one of the two is set
    /// 2. the system's
    /// 3. with the feature `webpki-roots`: Mozilla's, as of the version of the crate `webpki-root-certs`
    ///
    /// A variable or a system whose certificates cannot be used is not passed over. With certificates that
    /// [`configure_http`](Self::configure_http) or [`configure_downloads`](Self::configure_downloads) adds, none of the three
    /// need be there, and the third is not used.
    ///
    /// Without root certificates the client works with plain http, and https is refused with
    /// [`MissingRootCertificates`](ErrorKind::MissingRootCertificates) before anything is sent.
    pub fn build(self) -> Result<Client, Error> {
        let authorization = authorization(self.key.as_ref())?;
        let base = self.base.as_deref().unwrap_or(Client::BASE_URL);
        let url = base_url(base, self.allow_http)?;
        check_speed(self.speed.as_deref(), &url)?;
        let loopback = is_loopback(&url);
        check_provider()?;
        let proxy = self.proxy.as_ref().map(proxy).transpose()?;
        let api = ApiSettings {
            connect_timeout: self.connect_timeout,
            loopback,
            proxy: proxy.as_ref(),
            change: self.http.as_ref(),
        };
        let (polls, creates) = (api.polls(), api.creates());
        let files = Files::new(Settings {
            connect_timeout: self.connect_timeout,
            idle_timeout: self.idle_timeout,
            loopback,
            allow_http: loopback || self.allow_http,
            allow_private: self.allow_private,
            change: self.downloads,
            proxy,
        });
        let header = self.idempotency_header.as_deref();
        let idempotency_header = header.map(idempotency_header).transpose()?;
        let failed = |error: reqwest::Error| {
            Error::new(ErrorKind::Configuration, "the HTTP client cannot be set up")
                .with_source(error)
        };
        Ok(Client {
            inner: Arc::new(Inner {
                http: polls.map_err(failed)?,
                create_http: creates.map_err(failed)?,
                on_created: self.on_created,
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
            .field(
                "base_url",
                &self.base.as_deref().map(crate::uri::redacted_text),
            )
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}
