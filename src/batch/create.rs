//! One create of a batch: held while all polls are, stopped with the batch, and noted in its journal.

use std::pin::pin;
#[cfg(feature = "journal")]
use std::sync::{Mutex, PoisonError};

use futures_util::future::{Either, select};

use super::tasks::Stop;
#[cfg(feature = "journal")]
use crate::journal::{Claim, Journal, Known};
use crate::{
    Client, CreateRetries, Error, ErrorKind, GenerationHandle,
    client::{CreateObserver, CreateRequest},
};

/// What came of a create.
pub(super) struct Created {
    pub(super) outcome: Result<GenerationHandle, Error>,
    /// Whether it was created before.
    pub(super) is_known: bool,
    /// Why the journal does not know of it.
    pub(super) unrecorded: Option<Error>,
}

impl Created {
    /// Of a create that nobody heard the end of.
    pub(super) fn lost(why: &str) -> Self {
        let what = format!(
            "it is not known what came of the create: {why}; it may have been accepted and billed, so look at the account's \
             log before it is repeated"
        );
        Self {
            outcome: Err(Error::new(ErrorKind::AmbiguousCreate, what)),
            is_known: false,
            unrecorded: None,
        }
    }
}

pub(super) struct Create {
    pub(super) client: Client,
    pub(super) index: usize,
    pub(super) stop: Stop,
    #[cfg(feature = "journal")]
    pub(super) journal: Option<Journal>,
}

impl Create {
    /// Creates what is not known to be created; `None` if it was stopped before it was sent.
    pub(super) async fn run(self, request: CreateRequest) -> Option<Created> {
        let now = |outcome, is_known| Created {
            outcome,
            is_known,
            unrecorded: None,
        };
        #[cfg(feature = "journal")]
        let claim = match &self.journal {
            Some(journal) => match journal.claim(self.index, body(&request)) {
                Ok(Known::Created(handle)) => return Some(now(Ok(handle), true)),
                Ok(Known::Free(claim)) => Some(claim),
                Err(error) => return Some(now(Err(error), false)),
            },
            None => None,
        };
        #[cfg(not(feature = "journal"))]
        let _ = self.index;
        // While the service has too many requests, a create would only be one more.
        if let Some(budget) = self.client.budget() {
            let (opened, stopped) = (pin!(budget.opened()), pin!(self.stop.on()));
            if let Either::Right(_) = select(opened, stopped).await {
                return None;
            }
        }
        let sending = Sending {
            stop: &self.stop,
            #[cfg(feature = "journal")]
            origin: self.client.origin(),
            #[cfg(feature = "journal")]
            claim,
            #[cfg(feature = "journal")]
            unrecorded: Mutex::default(),
        };
        let retries = CreateRetries::patient();
        let sent = self.client.send_observed(request, retries, &sending);
        let outcome = sent.await?;
        let created = now(outcome, false);
        #[cfg(feature = "journal")]
        let created = {
            let unrecorded = sending.unrecorded.into_inner();
            let unrecorded = unrecorded.unwrap_or_else(PoisonError::into_inner);
            Created {
                unrecorded,
                ..created
            }
        };
        Some(created)
    }
}

/// What stands beside the create on its way.
struct Sending<'a> {
    stop: &'a Stop,
    #[cfg(feature = "journal")]
    origin: &'a str,
    #[cfg(feature = "journal")]
    claim: Option<Claim>,
    #[cfg(feature = "journal")]
    unrecorded: Mutex<Option<Error>>,
}

#[cfg(feature = "journal")]
impl Sending<'_> {
    /// The last word counts: what was noted later holds whatever was missed before.
    fn noted(&self, noted: Result<(), Error>) {
        let unrecorded = self.unrecorded.lock();
        *unrecorded.unwrap_or_else(PoisonError::into_inner) = noted.err();
    }
}

impl CreateObserver for Sending<'_> {
    async fn stopped(&self) {
        self.stop.on().await;
    }

    #[cfg_attr(
        not(feature = "journal"),
        allow(unused_variables, reason = "only a journal keeps the id")
    )]
    async fn sends(&self, request_id: &str) -> Result<bool, Error> {
        if self.stop.is_on() {
            return Ok(false);
        }
        #[cfg(feature = "journal")]
        if let Some(claim) = &self.claim {
            claim.sends(request_id, self.origin).await?;
            // It may have been stopped while the disk was busy.
            if self.stop.is_on() {
                self.noted(claim.withdrawn().await);
                return Ok(false);
            }
        }
        Ok(true)
    }

    #[cfg_attr(
        not(feature = "journal"),
        allow(unused_variables, reason = "only a journal keeps the outcome")
    )]
    async fn answered(&self, outcome: &Result<GenerationHandle, Error>) {
        #[cfg(feature = "journal")]
        if let Some(claim) = &self.claim {
            self.noted(claim.answered(outcome).await);
        }
    }
}

#[cfg(feature = "journal")]
fn body(request: &CreateRequest) -> &serde_json::Map<String, serde_json::Value> {
    match request {
        CreateRequest::Universal(request) => request.body(),
        CreateRequest::LegacyKling(request) => request.body(),
    }
}
