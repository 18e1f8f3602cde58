//! The builder of a client: its settings with their defaults, and the check of them before anything is sent.

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
    http::Customize,
    http::{FileSettings, Files},
    schedule::Durations,
};

/// Builds a [`Client`].
///
/// # Default
///
/// - base URL: [`Client::BASE_URL`]
/// - timeout of connecting: 10 s
/// - timeout of a create: 300 s, since inline media take a while to send
/// - retries of a create: [`CreateRetries::default`], in a batch [`CreateRetries::patient`]
/// - timeout of a poll: 30 s
/// - maximum size of a response: 64 MiB
/// - idle timeout of a download: 60 s without a byte
/// - wait: [`WaitOptions::default`]
/// - budget for the polls of all waits: [`PollBudget::default`]
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
    max_response: usize,
    wait: WaitOptions,
    /// The value of `AIML_API_SPEED`, unparsed.
    speed: Option<String>,
    budget: Option<PollBudget>,
    durations: Durations,
    http: Option<Customize>,
    on_created: Option<OnCreated>,
    downloads: Option<Customize>,
    /// The URL of the proxy, which may hold a password.
    proxy: Option<SecretString>,
}

/// The default size limit of a response in bytes: two media of `Media::MAX_BYTES` as data URIs take 53.4 MiB, and the rest is
/// for the other properties.
const MAX_RESPONSE: usize = 64 * 1024 * 1024;

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
            max_response: MAX_RESPONSE,
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
    /// A builder with key, base URL and speed from the environment, from the variables that [`Client::from_env`] lists.
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

    /// Sets the API key.
    pub fn api_key(mut self, key: impl Into<SecretString>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the base URL; a trailing `/`, `/v1` or `/v2` is removed.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base = Some(url.into());
        self
    }

    /// Allows plain `http` beyond this machine, for the base URL and for the URLs of videos.
    ///
    /// Anyone on the network path can then read the key and change the videos.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Sets whether downloads may connect to hosts that are not on the public internet; off by default.
    ///
    /// Such hosts have loopback, private, link-local and other special addresses, or names that resolve to them. The setting
    /// covers the URLs of videos and their redirects. When it is on, the author of such a URL can make this machine send
    /// requests to its local network. Loopback hosts are always allowed if the base URL is on loopback.
    pub fn allow_private_hosts(mut self, allow: bool) -> Self {
        self.allow_private = allow;
        self
    }

    /// Sets the timeout of connecting, TLS included; 10 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a download may receive no byte before its connection counts as broken; 60 s by default.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets the timeout of a create, from connecting to the end of the response; 300 s by default.
    pub fn create_timeout(mut self, timeout: Duration) -> Self {
        self.create_timeout = timeout;
        self
    }

    /// Sets when a create is retried automatically, single or in a batch.
    pub fn create_retries(mut self, retries: CreateRetries) -> Self {
        self.create_retries = Some(retries);
        self
    }

    /// Sends this header, such as `Idempotency-Key`, with every create. Its value is a new UUID for each generation, and the
    /// same UUID for a retry.
    ///
    /// Off by default, since the service documents no such header and ignores unknown ones: a create whose response is lost
    /// stays [ambiguous](ErrorKind::AmbiguousCreate) either way.
    pub fn idempotency_header(mut self, name: impl Into<String>) -> Self {
        self.idempotency_header = Some(name.into());
        self
    }

    /// Calls `on_created` with the handle of every create that the service accepts, single or in a batch, before the create
    /// returns. Use it to store handles.
    ///
    /// The function is also called if the create's future was dropped after the request had left (see [`Client::create`],
    /// cancel safety). A second call of this method replaces the function.
    ///
    /// The function runs in the task that sent the create, so it should return soon. A panic in it is caught and loses no
    /// handle. With a `blocking` client that task runs on the client's own thread: a function that calls the same client
    /// panics, and a function that waits for the caller of the create never returns.
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

    /// Sets the timeout of one poll; 30 s by default.
    pub fn fetch_timeout(mut self, timeout: Duration) -> Self {
        self.fetch_timeout = timeout;
        self
    }

    /// Sets the maximum size of a response in bytes; 64 MiB by default.
    ///
    /// A response may repeat the media of its request: the default has room for two of
    /// [`Media::MAX_BYTES`](crate::Media::MAX_BYTES) as data URIs. A wait, and the handle of a create, keep their last response
    /// in memory.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_response = bytes;
        self
    }

    /// Sets the options of the waits that have no options of their own.
    pub fn wait_options(mut self, options: WaitOptions) -> Self {
        self.wait = options;
        self
    }

    /// Sets the rate at which the waits of this client and its clones may poll together; `None` for no limit.
    pub fn poll_budget(mut self, budget: impl Into<Option<PollBudget>>) -> Self {
        self.budget = budget.into();
        self
    }

    /// Sets the durations of generations that are known already, such as an earlier client's
    /// [`durations`](Client::durations).
    pub fn durations(mut self, durations: Durations) -> Self {
        self.durations = durations;
        self
    }

    /// Sends the calls of the API and the downloads through the HTTP proxy at this `http` or `https` URL, which may name a
    /// user and a password.
    ///
    /// By default the system's proxy is used, if there is one (`HTTPS_PROXY` and the like). Calls to a base URL on this machine
    /// use no proxy.
    ///
    /// The proxy resolves the names of hosts, so this crate can check only URLs of videos that hold an IP address.
    pub fn proxy(mut self, url: impl Into<SecretString>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Customizes the HTTP clients that call the API, one for creates and one for polls: root certificates, user agent,
    /// further headers, local address, HTTP/2, name resolution. `change` is called for each of the two.
    ///
    /// This crate sets its guarantees afterwards, so they hold with any `change`: no redirect is followed, no layer below
    /// [`CreateRetries`] retries, each create has a connection of its own, no response is decompressed, the key is only in the
    /// `Authorization` header of these calls, and each call has its own [timeout](Self::create_timeout). Downloads use another
    /// client, which [`configure_downloads`](Self::configure_downloads) customizes.
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

    /// Customizes the HTTP client that downloads videos: root certificates, user agent, further headers. Every host of a video
    /// receives these headers. The client shares nothing with the clients of the API.
    ///
    /// This crate sets its guarantees afterwards: only the [download](crate::Download) follows redirects, each after a check,
    /// nothing is decompressed, and a resolver of this crate resolves names. A resolver that `change` sets is therefore not
    /// used; only [`resolve`](reqwest::ClientBuilder::resolve) takes precedence, and the addresses that it sets are not
    /// checked. Set a proxy with [`proxy`](Self::proxy), not here.
    pub fn configure_downloads(
        mut self,
        change: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        self.downloads = Some(Arc::new(change));
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key, a URL, the speed or
    /// the HTTP client's settings cannot be used, or, with the feature `rustls-no-provider` in place of `rustls`, if no crypto
    /// provider is installed.
    ///
    /// # Root certificates
    ///
    /// On Linux and other systems that keep root certificates in files, this method reads them from the first of these:
    ///
    /// 1. the files that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, if one of the two is set
    /// 2. the system's certificates
    /// 3. with the feature `webpki-roots`: Mozilla's certificates, as of the version of the crate `webpki-root-certs`
    ///
    /// If the certificates of a variable or of the system cannot be used, the next source is not tried. If
    /// [`configure_http`](Self::configure_http) or [`configure_downloads`](Self::configure_downloads) adds certificates, no
    /// source needs to exist, and the third is not used.
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
        let files = Files::new(FileSettings {
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
                max_response: self.max_response,
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
                &self.base.as_deref().map(crate::urls::redacted_text),
            )
            .field("has_key", &self.key.is_some())
            .finish_non_exhaustive()
    }
}
