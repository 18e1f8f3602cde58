//! Creating a generation, which costs money: sent again only if nothing can have been bought, and never lost in silence.

use progenitor_client::ClientInfo;
use reqwest::header::HeaderValue;
use uuid::Uuid;

use super::{Client, CreateRetries, retries::Tries};
use crate::{
    Error, ErrorKind, GenerationHandle, GenerationRequest, LegacyKlingRequest, Route, generated,
    handle::Created, transport::Reply,
};

/// What is to be created, on either URL.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    Universal(&'a GenerationRequest),
    LegacyKling(&'a LegacyKlingRequest),
}

/// Who stands beside a create: asked before each POST, and told what came of it.
pub(crate) trait Beside: Sync {
    /// Returns when nothing more is to be sent.
    fn stopped(&self) -> impl Future<Output = ()> + Send;

    /// Whether it is to be sent now; an error ends it.
    fn sends(&self, request_id: &str) -> impl Future<Output = Result<bool, Error>> + Send;

    fn answered(
        &self,
        outcome: &Result<GenerationHandle, Error>,
    ) -> impl Future<Output = ()> + Send;
}

/// Nobody.
struct Alone;

impl Beside for Alone {
    async fn stopped(&self) {
        std::future::pending().await
    }

    async fn sends(&self, _: &str) -> Result<bool, Error> {
        Ok(true)
    }

    async fn answered(&self, _: &Result<GenerationHandle, Error>) {}
}

impl Client {
    /// Creates a generation; `usual` says when it is sent again, unless the client's builder did.
    pub(crate) async fn send(
        &self,
        request: Request<'_>,
        usual: CreateRetries,
    ) -> Result<GenerationHandle, Error> {
        let sent = self.send_beside(request, usual, &Alone).await;
        sent.unwrap_or_else(|| Err(Error::new(ErrorKind::Unreachable, "nothing was sent")))
    }

    /// As [`send`](Self::send), with somebody beside it; `None` if that one said before the first POST not to send it.
    pub(crate) async fn send_beside(
        &self,
        request: Request<'_>,
        usual: CreateRetries,
        beside: &impl Beside,
    ) -> Option<Result<GenerationHandle, Error>> {
        let valid = match request {
            Request::Universal(request) => request.validate(),
            Request::LegacyKling(request) => request.validate(),
        };
        if let Err(error) = valid.and_then(|()| self.check_roots()) {
            return Some(Err(error));
        }
        let retries = self.inner.create_retries.as_ref().unwrap_or(&usual);
        let mut tries = Tries::new(retries, self.budget().map(AsRef::as_ref));
        let name = self.inner.idempotency_header.clone();
        // The same for each try: the service would know it again.
        let idempotency = name.and_then(|name| {
            let value = HeaderValue::from_str(&Uuid::new_v4().to_string());
            Some((name, value.ok()?))
        });
        let mut refused = None;
        loop {
            let client = self.call(self.inner.create_timeout, idempotency.clone());
            match beside.sends(&client.inner().request_id().to_string()).await {
                Ok(true) => {}
                Ok(false) => return refused.map(Err),
                Err(error) => return Some(Err(error)),
            }
            // A call is large, and whoever holds this future may hold many.
            let outcome = Box::pin(self.send_once(request, client)).await;
            beside.answered(&outcome).await;
            match outcome {
                Err(error) if tries.again(&error, beside.stopped()).await => refused = Some(error),
                outcome => return Some(outcome),
            }
        }
    }

    async fn send_once(
        &self,
        request: Request<'_>,
        client: generated::Client,
    ) -> Result<GenerationHandle, Error> {
        let call = client.inner();
        let outcome = match request {
            Request::Universal(request) => call.outcome(client.create_generation(request).await),
            Request::LegacyKling(request) => {
                call.outcome(client.create_legacy_kling_generation(request).await)
            }
        };
        let reply = outcome.map_err(|none| {
            let error = if none.unsent {
                let origin = self.origin();
                let what = format!("the service at {origin} was not reached; nothing was created");
                Error::new(ErrorKind::Unreachable, what)
            } else {
                ambiguous("the service's answer was lost", none.request_id)
            };
            match none.source {
                Some(source) => error.with_source(source),
                None => error,
            }
        })?;
        self.handle(reply, request)
    }

    /// The handle of what was created, if the answer says that something was.
    fn handle(&self, reply: Reply, request: Request<'_>) -> Result<GenerationHandle, Error> {
        let unclear =
            |what: &str| ambiguous(what, reply.request_id).with_service(reply.service_error());
        self.heed(&reply);
        if !reply.status.is_success() {
            let service = reply.service_error();
            return Err(match service.status {
                408 | 500.. => unclear(&format!("the service answered {service}")),
                _ => {
                    let what = format!("the service refused the request: {service}");
                    Error::new(ErrorKind::Refused, what).with_service(service)
                }
            });
        }
        let answer = reply.generation(None).map_err(|what| unclear(&what))?;
        let Some(id) = answer.id().map(str::to_owned) else {
            return Err(unclear("the service's answer holds no generation id"));
        };
        let (model, route, length) = match request {
            Request::Universal(request) => (request.model(), Route::Universal, request.length()),
            Request::LegacyKling(request) => {
                (request.model(), Route::LegacyKling, request.length())
            }
        };
        let created = Created {
            answer,
            retry_after: reply.retry_after(),
            length,
        };
        Ok(GenerationHandle::of(
            id,
            model,
            route,
            self.origin(),
            created,
        ))
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
