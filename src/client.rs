//! The client: key, base URL and limits; creates generations and polls their state.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use progenitor_client::ClientInfo;
use reqwest::{
    StatusCode,
    header::{HeaderName, HeaderValue},
};

use crate::{
    Error, ErrorKind, Generation, GenerationHandle, IntoGenerationRequest, Route, Wait,
    WaitOptions,
    budget::Bucket,
    download::Files,
    error::WaitState,
    generated,
    http::{Call, Header, ServiceResponse},
    poll::Clock,
    schedule::Durations,
    tls::HttpClient,
};

mod builder;
mod create;
mod http;
mod retries;
mod settings;

pub use builder::ClientBuilder;
pub(crate) use create::CreateObserver;
use create::OnCreated;
pub use retries::CreateRetries;

/// A client of the service. Clones share one connection pool.
///
/// ```no_run
/// use aimlapi_video::{Client, types::KlingaiV2MasterTextToVideo};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::from_env()?;
/// let request = KlingaiV2MasterTextToVideo::builder()
///     .prompt("A kite climbs over the dunes")
///     .duration(5)
///     .build()?;
/// let handle = client.create(request).await?;
/// println!("{}", serde_json::to_string(&handle)?); // from here on nothing is lost
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
    http: HttpClient,
    /// Every request of this one has a connection of its own.
    create_http: HttpClient,
    on_created: Option<OnCreated>,
    files: Files,
    base: String,
    origin: String,
    authorization: HeaderValue,
    create_retries: Option<CreateRetries>,
    idempotency_header: Option<HeaderName>,
    create_timeout: Duration,
    fetch_timeout: Duration,
    max_answer: usize,
    wait: WaitOptions,
    budget: Option<Arc<Bucket>>,
    durations: Mutex<Durations>,
}

impl Client {
    /// The service's base URL.
    pub const BASE_URL: &str = "https://api.aimlapi.com";

    /// A client with the key of `AIML_API_KEY`, else `AIMLAPI_API_KEY`, and the base URL of `AIML_API_BASE`, else
    /// `AIMLAPI_API_BASE`, else [`BASE_URL`](Self::BASE_URL).
    ///
    /// `AIML_API_SPEED` is the [speed](WaitOptions::speed) of its waits, so that a program can be tried against a simulator
    /// as it is; with the service itself, any but 1 is refused.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key, the URL or the
    /// speed cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Starts a client with other settings than the environment's.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a generation, and returns as soon as the service has accepted it. Only this costs money.
    ///
    /// The request is checked against its document first. It is sent again by itself only if nothing can have been
    /// created: when the service was not reached, or refused because there are too many requests (see [`CreateRetries`]).
    /// A response that is lost may have been a success, so a create without a response is never sent again.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest`](ErrorKind::InvalidRequest), [`MissingRootCertificates`](ErrorKind::MissingRootCertificates),
    /// [`Unreachable`](ErrorKind::Unreachable) and [`Refused`](ErrorKind::Refused) say that nothing was created;
    /// [`AmbiguousCreate`](ErrorKind::AmbiguousCreate) that something may have been.
    ///
    /// # Cancel safety
    ///
    /// No generation is billed without its handle being reported, as long as the client has an
    /// [`on_created`](ClientBuilder::on_created):
    ///
    /// - Dropped before the request has left (before the first poll, while it connects, in the pause before it is sent
    ///   again), nothing is sent.
    /// - Dropped later, the exchange goes on in a task of its own on the tokio runtime that polled the future, at most for
    ///   the [`create_timeout`](ClientBuilder::create_timeout). The handle of an accepted create goes to `on_created`. A
    ///   refused create is not sent again.
    /// - A runtime that is shut down meanwhile ends that task, and the process that ends, too. Then the id may be lost, as
    ///   it is without an `on_created`.
    pub async fn create(
        &self,
        request: impl IntoGenerationRequest,
    ) -> Result<GenerationHandle, Error> {
        let request = request.into_generation_request();
        self.send(request, CreateRetries::default()).await
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
    pub async fn generate(&self, request: impl IntoGenerationRequest) -> Result<Generation, Error> {
        let handle = self.create(request).await?;
        self.wait(handle).await
    }

    /// Waits for the end of a generation: await it, or take its [`updates`](Wait::updates).
    ///
    /// It takes a [`GenerationHandle`], or a bare id, which is polled on the universal URL.
    pub fn wait(&self, generation: impl Into<GenerationHandle>) -> Wait {
        Wait::new(self.clone(), generation.into(), self.inner.wait.clone())
    }

    /// Polls the state of a generation once.
    ///
    /// A response 202 (Accepted) without a state counts as [`Queued`](crate::State::Queued), with nothing in its JSON.
    ///
    /// # Errors
    ///
    /// [`PollingLost`](ErrorKind::PollingLost) if the service could not be reached, refused, or sent a response that cannot be read;
    /// [`Configuration`](ErrorKind::Configuration) if the handle belongs to another service;
    /// [`MissingRootCertificates`](ErrorKind::MissingRootCertificates). Each carries the handle.
    ///
    /// # Cancel safety
    ///
    /// Safe: a poll changes nothing at the service.
    pub async fn fetch(
        &self,
        generation: impl Into<GenerationHandle>,
    ) -> Result<Generation, Error> {
        let handle = generation.into();
        let state = |polls, answered| WaitState {
            handle: handle.clone(),
            last: None,
            elapsed: Duration::ZERO,
            polls,
            answered,
            budget_delay: Duration::ZERO,
        };
        self.check(&handle)
            .map_err(|error| error.with_wait(state(0, 0)))?;
        // A single poll is sent at once, and the waits of this client have one poll less.
        if let Some(budget) = self.budget() {
            budget.take_now(1.0);
        }
        // Boxed, since a call is large and a caller may hold many of these futures.
        let poll = Box::pin(self.poll(&handle, None, self.inner.fetch_timeout));
        let failed = match poll.await {
            Ok((generation, _)) => return Ok(generation),
            Err(failed) => failed,
        };
        let state = state(1, failed.answered.into());
        Err(failed.error.with_wait(state))
    }

    /// How long the generations took that this client and its clones waited for, from which their schedules learn. Store it,
    /// and give it to the next client's [builder](ClientBuilder::durations).
    pub fn durations(&self) -> Durations {
        self.lock_durations().clone()
    }

    pub(crate) fn lock_durations(&self) -> MutexGuard<'_, Durations> {
        let durations = self.inner.durations.lock();
        durations.unwrap_or_else(PoisonError::into_inner)
    }

    /// Converts between the service's time and that of this client's waits.
    pub(crate) fn clock(&self) -> Clock {
        self.inner.wait.clock
    }

    pub(crate) fn files(&self) -> &Files {
        &self.inner.files
    }

    /// Refuses a handle of another service, a handle without an id, and a service that cannot be verified.
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
                    "the generation was created on {}, but this client's base URL is on {}; set AIML_API_BASE to the former",
                    crate::uri::redacted(origin),
                    self.inner.origin
                ),
            )),
            _ => self.check_roots(),
        }
    }

    /// Refuses an https service without root certificates to verify it with.
    fn check_roots(&self) -> Result<(), Error> {
        let scheme = self.inner.base.split(':').next().unwrap_or_default();
        self.inner.http.check(scheme)
    }

    /// One poll: one request, never repeated by itself. `last` is the last answer to the same handle.
    pub(crate) async fn poll(
        &self,
        handle: &GenerationHandle,
        last: Option<&Generation>,
        timeout: Duration,
    ) -> Result<(Generation, Option<Duration>), PollError> {
        let client = self.poll_call(timeout.min(self.inner.fetch_timeout));
        let (id, call) = (handle.id(), client.inner());
        let outcome = match handle.route() {
            Route::Universal => call.receive(client.fetch_generation(id).await).await,
            Route::LegacyKling => {
                call.receive(client.fetch_legacy_kling_generation(id).await)
                    .await
            }
        };
        let lost = |what: String| Error::new(ErrorKind::PollingLost, what);
        let response = outcome.map_err(|none| {
            let error = lost("the service was not heard".into());
            let error = match none.source {
                Some(source) => error.with_source(source),
                None => error,
            };
            PollError {
                error,
                transient: true,
                answered: false,
                retry_after: None,
            }
        })?;
        let retry_after = response.retry_after();
        let failed = |error, transient| PollError {
            error,
            transient,
            answered: true,
            retry_after,
        };
        self.apply_rate_limit(&response);
        if !response.status.is_success() {
            let service = response.service_error();
            let transient = matches!(service.status, 408 | 425 | 429 | 500..);
            let error = lost(format!("the service answered {service}")).with_service(service);
            return Err(failed(error, transient));
        }
        let mut generation = match response.generation(last) {
            // RFC 9110, 15.3.3: accepted, and the processing has not been completed. If the body cannot be read, the state is
            // the last known one.
            Err(_) if response.status == StatusCode::ACCEPTED => response.accepted(last),
            Ok(generation)
                if response.status == StatusCode::ACCEPTED && !generation.is_telling() =>
            {
                response.accepted(last)
            }
            read => read.map_err(|what| failed(lost(what), true))?,
        };
        if !generation.is_of(id) {
            let other = generation.id().unwrap_or_default();
            let what = format!("the service answered for another generation, {other}");
            return Err(failed(lost(what), true));
        }
        let known = last.and_then(|last| last.handle.clone());
        generation.handle = Some(known.unwrap_or_else(|| Arc::new(handle.bare())));
        Ok((generation, retry_after))
    }

    /// The budget of polls, unless it is off.
    pub(crate) fn budget(&self) -> Option<&Arc<Bucket>> {
        self.inner.budget.as_ref()
    }

    /// A response 429 slows down all polls, since the service counts them together.
    fn apply_rate_limit(&self, response: &ServiceResponse) {
        if let (StatusCode::TOO_MANY_REQUESTS, Some(budget)) = (response.status, self.budget()) {
            budget.slow(response.retry_after());
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// A generated client for one poll. It shares the connection pool, so that it is cheap.
    fn poll_call(&self, timeout: Duration) -> generated::Client {
        self.call(&self.inner.http, timeout, None)
    }

    /// A generated client for one create, which gets a connection of its own.
    fn create_call(&self, idempotency: Option<Header>) -> generated::Client {
        let timeout = self.inner.create_timeout;
        self.call(&self.inner.create_http, timeout, idempotency)
    }

    fn call(
        &self,
        http: &HttpClient,
        timeout: Duration,
        idempotency: Option<Header>,
    ) -> generated::Client {
        let authorization = self.inner.authorization.clone();
        let call = Call::new(authorization, timeout, self.inner.max_answer, idempotency);
        let http = http.client().clone();
        generated::Client::new_with_client(&self.inner.base, http, call)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.inner.base)
            .finish_non_exhaustive()
    }
}

/// A poll without a usable response.
#[derive(Debug)]
pub(crate) struct PollError {
    pub(crate) error: Error,
    /// Whether the next poll may succeed.
    pub(crate) transient: bool,
    /// Whether there was a response.
    pub(crate) answered: bool,
    pub(crate) retry_after: Option<Duration>,
}
