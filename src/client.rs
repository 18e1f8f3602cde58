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
    Error, ErrorKind, Generation, GenerationHandle, IntoGenerationRequest, Route, WaitOptions,
    budget::Bucket,
    error::WaitState,
    generated,
    http::{Call, Files, Header, ServiceResponse},
    schedule::{Durations, clock::Clock},
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

/// A client of the service. Clones share one connection pool, one poll budget and the observed durations.
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
    /// The HTTP client of creates, each of which has a connection of its own.
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
    max_response: usize,
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
    /// `AIML_API_SPEED` is the [speed](WaitOptions::speed) of the client's waits, so that an unchanged program can run against
    /// a simulator. With the service itself, any speed but 1 is refused.
    ///
    /// # Errors
    ///
    /// [`MissingKey`](ErrorKind::MissingKey), or [`Configuration`](ErrorKind::Configuration) if the key, the URL or the
    /// speed cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        ClientBuilder::from_env().build()
    }

    /// Returns a builder with the default settings, which reads nothing from the environment.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Creates a generation, and returns as soon as the service has accepted it. Only a create costs money.
    ///
    /// The request is checked against its document first. The create is retried automatically only if nothing can have been
    /// created: the service was not reached, or refused the request because there are too many (see [`CreateRetries`]).
    /// A lost response may have been a success, so a create without a response is never retried.
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
    /// - If the future is dropped before the request has left (before the first poll, while it connects, in the pause before
    ///   a retry), nothing is sent.
    /// - If the future is dropped later, the exchange continues in a separate task on the tokio runtime that polled the
    ///   future, for at most the [`create_timeout`](ClientBuilder::create_timeout). The task passes the handle of an accepted
    ///   create to `on_created`. A refused create is not retried.
    /// - If the runtime is shut down or the process ends in the meantime, the task ends too. The id may then be lost, as it is
    ///   without an `on_created`.
    pub async fn create(
        &self,
        request: impl IntoGenerationRequest,
    ) -> Result<GenerationHandle, Error> {
        let request = request.into_generation_request();
        self.send(request, CreateRetries::default()).await
    }

    /// Polls the state of a generation once.
    ///
    /// A response 202 (Accepted) without a state counts as [`Queued`](crate::State::Queued), and its JSON is empty.
    ///
    /// # Errors
    ///
    /// [`PollingLost`](ErrorKind::PollingLost) if the service could not be reached, refused the poll, or sent a response that
    /// cannot be read;
    /// [`Configuration`](ErrorKind::Configuration) if the handle belongs to another service;
    /// [`MissingRootCertificates`](ErrorKind::MissingRootCertificates). Each of these errors carries the handle.
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
        // A single poll is sent at once, and takes its token from the budget that this client's waits share.
        if let Some(budget) = self.budget() {
            budget.take_now(1.0);
        }
        // Boxed, since the future of a poll is large and a caller may hold many futures of `fetch`.
        let poll = Box::pin(self.poll(&handle, None, self.inner.fetch_timeout));
        let failed = match poll.await {
            Ok((generation, _)) => return Ok(generation),
            Err(failed) => failed,
        };
        let state = state(1, failed.answered.into());
        Err(failed.error.with_wait(state))
    }

    /// The observed durations of the generations that this client and its clones waited for; their schedules learn from them.
    ///
    /// Store them, and give them to the next client's [builder](ClientBuilder::durations).
    pub fn durations(&self) -> Durations {
        self.lock_durations().clone()
    }

    pub(crate) fn lock_durations(&self) -> MutexGuard<'_, Durations> {
        let durations = self.inner.durations.lock();
        durations.unwrap_or_else(PoisonError::into_inner)
    }

    /// The options of this client's waits.
    pub(crate) fn wait_options(&self) -> &WaitOptions {
        &self.inner.wait
    }

    /// The clock of this client's waits, which converts between the service's time and theirs.
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
                    crate::urls::redacted(origin),
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

    /// Polls once, with one request and no retry. `last` is the last response for the same handle.
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
            let error = lost("the service sent no response".into());
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
            let error = lost(format!("the service returned {service}")).with_service(service);
            return Err(failed(error, transient));
        }
        let mut generation = match response.generation(last) {
            // RFC 9110, 15.3.3: the request was accepted, and its processing has not been completed. If the body cannot be
            // read, the state is the last known one.
            Err(_) if response.status == StatusCode::ACCEPTED => response.accepted(last),
            Ok(generation)
                if response.status == StatusCode::ACCEPTED && !generation.has_details() =>
            {
                response.accepted(last)
            }
            read => read.map_err(|what| failed(lost(what), true))?,
        };
        if !generation.is_of(id) {
            let other = generation.id().unwrap_or_default();
            let what = format!("the service returned another generation, {other}");
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

    /// Slows down all polls after a 429, since the service counts the requests of one key together.
    fn apply_rate_limit(&self, response: &ServiceResponse) {
        if let (StatusCode::TOO_MANY_REQUESTS, Some(budget)) = (response.status, self.budget()) {
            budget.slow(response.retry_after());
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.inner.origin
    }

    /// A generated client for one poll. It is cheap, since it shares the connection pool.
    fn poll_call(&self, timeout: Duration) -> generated::Client {
        self.call(&self.inner.http, timeout, None)
    }

    /// A generated client for one create, which uses a connection of its own.
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
        let call = Call::new(authorization, timeout, self.inner.max_response, idempotency);
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
