//! Creating a generation, which costs money: sent again only if nothing can have been bought, and never lost in silence.

use reqwest::header::HeaderValue;

use super::{Client, CreateRetries, retries::Tries};
use crate::{
    Error, ErrorKind, GenerationHandle, GenerationRequest, LegacyKlingRequest, Route,
    handle::Created,
    transport::{Header, Reply},
};

/// What is to be created, on either URL.
#[derive(Clone, Copy)]
pub(crate) enum Request<'a> {
    Universal(&'a GenerationRequest),
    LegacyKling(&'a LegacyKlingRequest),
}

impl Client {
    /// Creates a generation; `usual` says when it is sent again, unless the client's builder did.
    pub(crate) async fn send(
        &self,
        request: Request<'_>,
        usual: CreateRetries,
    ) -> Result<GenerationHandle, Error> {
        match request {
            Request::Universal(request) => request.validate()?,
            Request::LegacyKling(request) => request.validate()?,
        }
        let retries = self.inner.create_retries.as_ref().unwrap_or(&usual);
        let mut tries = Tries::new(retries, self.budget().map(AsRef::as_ref));
        let name = self.inner.idempotency_header.clone();
        // The same for each try: the service would know it again.
        let idempotency = name.and_then(|name| {
            let value = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string());
            Some((name, value.ok()?))
        });
        loop {
            match self.send_once(request, idempotency.clone()).await {
                Err(error) => tries.again(error).await?,
                created => return created,
            }
        }
    }

    async fn send_once(
        &self,
        request: Request<'_>,
        idempotency: Option<Header>,
    ) -> Result<GenerationHandle, Error> {
        let (client, call) = self.call(self.inner.create_timeout, idempotency);
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
                ambiguous("the service's answer was lost", &none.request_id)
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
            |what: &str| ambiguous(what, &reply.request_id).with_service(reply.service_error());
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
        let answer = reply.generation().map_err(|what| unclear(&what))?;
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

fn ambiguous(what: &str, request_id: &str) -> Error {
    let advice = "the generation may have been accepted and billed, so do not repeat the create before looking at the \
                  account's log";
    Error::new(
        ErrorKind::AmbiguousCreate,
        format!("{what}; {advice} (X-Client-Request-Id {request_id})"),
    )
}
