//! Creates generations, which costs money.
//!
//! A create is retried only if nothing can have been created. Each POST runs in a separate task, so that the handle is reported
//! even if the caller has dropped the future.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use progenitor_client::ClientInfo;
use reqwest::header::HeaderValue;
use tokio::task::{JoinError, JoinHandle};
use uuid::Uuid;

use super::{Client, CreateRetries, retries::Tries};
use crate::{
    Error, ErrorKind, GenerationHandle, GenerationRequest, Route, generated,
    generation::Created,
    http::{Departure, ServiceResponse},
};

/// Called with the handle of every accepted create.
pub(crate) type OnCreated = Arc<dyn Fn(&GenerationHandle) + Send + Sync>;

/// Observes a create: decides before each POST whether to send it, and receives its outcome.
pub(crate) trait CreateObserver: Sync {
    /// Completes when no further POST is to be sent.
    fn stopped(&self) -> impl Future<Output = ()> + Send;

    /// Whether to send the POST now; an error ends the create.
    fn may_send(&self, request_id: &str) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Receives the outcome of a POST.
    fn observe(&self, outcome: &Result<GenerationHandle, Error>)
    -> impl Future<Output = ()> + Send;
}

/// The observer of a create that is not recorded anywhere.
struct NoObserver;

impl CreateObserver for NoObserver {
    async fn stopped(&self) {
        std::future::pending().await
    }

    async fn may_send(&self, _: &str) -> Result<bool, Error> {
        Ok(true)
    }

    async fn observe(&self, _: &Result<GenerationHandle, Error>) {}
}

impl Client {
    /// Creates a generation; `usual` are the retries unless the client's builder has set others.
    pub(crate) async fn send(
        &self,
        request: GenerationRequest,
        usual: CreateRetries,
    ) -> Result<GenerationHandle, Error> {
        let sent = self.send_observed(request, usual, &NoObserver).await;
        sent.unwrap_or_else(|| Err(Error::new(ErrorKind::Unreachable, "nothing was sent")))
    }

    /// As [`send`](Self::send), with an observer; `None` if the observer stopped the create before the first POST.
    pub(crate) async fn send_observed(
        &self,
        request: GenerationRequest,
        usual: CreateRetries,
        observer: &impl CreateObserver,
    ) -> Option<Result<GenerationHandle, Error>> {
        if let Err(error) = request.validate().and_then(|()| self.check_roots()) {
            return Some(Err(error));
        }
        // Shared, since each POST runs in a task that may outlive this future, and inline media are too large to copy.
        let request = Arc::new(request);
        let retries = self.inner.create_retries.as_ref().unwrap_or(&usual);
        let mut tries = Tries::new(retries, self.budget().map(AsRef::as_ref));
        let name = self.inner.idempotency_header.clone();
        // The value is the same for each try, so that the service can recognise a retry.
        let idempotency = name.and_then(|name| {
            let value = HeaderValue::from_str(&Uuid::new_v4().to_string());
            Some((name, value.ok()?))
        });
        let mut refused = None;
        loop {
            let call = self.create_call(idempotency.clone());
            match observer
                .may_send(&call.inner().request_id().to_string())
                .await
            {
                Ok(true) => {}
                Ok(false) => return refused.map(Err),
                Err(error) => return Some(Err(error)),
            }
            let outcome = Attempt::start(self, &request, call).await;
            observer.observe(&outcome).await;
            match outcome {
                Err(error) if tries.again(&error, observer.stopped()).await => {
                    refused = Some(error);
                }
                outcome => return Some(outcome),
            }
        }
    }

    async fn send_once(
        &self,
        request: &GenerationRequest,
        client: generated::Client,
    ) -> Result<GenerationHandle, Error> {
        let call = client.inner();
        let outcome = match request.route() {
            Route::Universal => call.receive(client.create_generation(request).await).await,
            Route::LegacyKling => {
                call.receive(client.create_legacy_kling_generation(request).await)
                    .await
            }
        };
        let response = outcome.map_err(|none| {
            let error = match none.unsent {
                true => self.unreached(),
                false => ambiguous("the service's response was lost", none.request_id),
            };
            match none.source {
                Some(source) => error.with_source(source),
                None => error,
            }
        })?;
        self.handle(response, request)
    }

    fn unreached(&self) -> Error {
        let origin = self.origin();
        let what = format!("the service at {origin} was not reached; nothing was created");
        Error::new(ErrorKind::Unreachable, what)
    }

    /// The handle of the created generation, if the response is a success.
    fn handle(
        &self,
        response: ServiceResponse,
        request: &GenerationRequest,
    ) -> Result<GenerationHandle, Error> {
        let unclear = |what: &str| {
            ambiguous(what, response.request_id).with_service(response.service_error())
        };
        self.apply_rate_limit(&response);
        if !response.status.is_success() {
            let service = response.service_error();
            return Err(match service.status {
                // 303: the request was processed, and its result is elsewhere.
                303 | 408 | 500.. => unclear(&format!("the service returned {service}")),
                _ => {
                    let what = format!("the service refused the request: {service}");
                    Error::new(ErrorKind::Refused, what).with_service(service)
                }
            });
        }
        let answer = response.generation(None);
        // The connection may break after the id.
        let answer = answer.or_else(|what| response.beginning().ok_or_else(|| unclear(&what)))?;
        // A damaged id is not that of the generation.
        let is_whole = |id: &&str| !id.contains(char::REPLACEMENT_CHARACTER);
        let Some(id) = answer.id().filter(is_whole).map(str::to_owned) else {
            return Err(unclear("the service's response holds no generation id"));
        };
        let created = Created {
            answer,
            retry_after: response.retry_after(),
            expected: request.expected(),
        };
        Ok(GenerationHandle::of(
            id,
            request.model(),
            request.route(),
            self.origin(),
            request.length(),
            created,
        ))
    }

    /// Calls the caller's `on_created`, whose panic must not cost the handle.
    fn report_created(&self, handle: &GenerationHandle) {
        if let Some(on_created) = &self.inner.on_created {
            // The panic hook has reported the panic, and the callback shares no mutable state of this crate.
            _ = catch_unwind(AssertUnwindSafe(|| on_created(handle)));
        }
    }
}

/// One POST, which runs in a separate task. If the attempt is dropped before the request has left, nothing is sent; if it is
/// dropped later, the task still reads the response and reports the handle.
struct Attempt {
    task: JoinHandle<Result<GenerationHandle, Error>>,
    departure: Arc<Departure>,
    request_id: Uuid,
    client: Client,
}

impl Attempt {
    fn start(client: &Client, request: &Arc<GenerationRequest>, call: generated::Client) -> Self {
        let departure = Arc::clone(call.inner().departure());
        let request_id = call.inner().request_id();
        let (sender, request) = (client.clone(), Arc::clone(request));
        let exchange = async move {
            let created = sender.send_once(&request, call).await;
            created.inspect(|handle| sender.report_created(handle))
        };
        #[cfg(feature = "tracing")]
        let exchange = tracing::Instrument::in_current_span(exchange);
        Self {
            task: tokio::spawn(exchange),
            departure,
            request_id,
            client: client.clone(),
        }
    }

    /// The error of a task that ended without an outcome: its runtime was shut down, or the task panicked.
    fn lost(&self, error: &JoinError) -> Error {
        if self.departure.cancel() {
            return self.client.unreached();
        }
        let reason = match error.is_panic() {
            true => "the create's task panicked",
            false => "the runtime that the create ran on was shut down",
        };
        ambiguous(reason, self.request_id)
    }
}

impl Future for Attempt {
    type Output = Result<GenerationHandle, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let ended = Pin::new(&mut self.task).poll(context);
        ended.map(|outcome| outcome.unwrap_or_else(|error| Err(self.lost(&error))))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.departure.cancel() {
            self.task.abort();
        }
    }
}

fn ambiguous(what: &str, request_id: Uuid) -> Error {
    let advice = "the generation may have been accepted and billed, so do not repeat the create before looking at the \
                  account's log";
    Error::new(
        ErrorKind::AmbiguousCreate,
        format!("{what}; {advice} (X-Client-Request-Id {request_id})"),
    )
}
