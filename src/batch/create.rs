//! One create of a batch: held while all polls are, stopped with the batch, and noted in its journal.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{Either, select};

use super::tasks::Stop;
use crate::journal::{Claim, Journal, Known};
use crate::{
    Client, CreateRetries, Error, ErrorKind, GenerationHandle, GenerationRequest,
    client::CreateObserver,
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
    pub(super) journal: Option<Journal>,
}

impl Create {
    /// Creates what is not known to be created; `None` if it was stopped before it was sent.
    pub(super) async fn run(self, request: GenerationRequest) -> Option<Created> {
        let now = |outcome, is_known| Created {
            outcome,
            is_known,
            unrecorded: None,
        };
        let claim = match &self.journal {
            Some(journal) => match journal.claim(self.index, request.body()) {
                Ok(Known::Created(handle)) => return Some(now(Ok(handle), true)),
                Ok(Known::Free(claim)) => Some(claim),
                Err(error) => return Some(now(Err(error), false)),
            },
            None => None,
        };
        // While the service has too many requests, a create would only be one more.
        if let Some(budget) = self.client.budget() {
            let (opened, stopped) = (pin!(budget.opened()), pin!(self.stop.on()));
            if let Either::Right(_) = select(opened, stopped).await {
                return None;
            }
        }
        let sending = Sending {
            stop: &self.stop,
            origin: self.client.origin(),
            claim,
            unrecorded: Mutex::default(),
        };
        let retries = CreateRetries::patient();
        let sent = self.client.send_observed(request, retries, &sending);
        let outcome = sent.await?;
        let unrecorded = sending.unrecorded.into_inner();
        Some(Created {
            unrecorded: unrecorded.unwrap_or_else(PoisonError::into_inner),
            ..now(outcome, false)
        })
    }
}

/// What stands beside the create on its way.
struct Sending<'a> {
    stop: &'a Stop,
    origin: &'a str,
    claim: Option<Claim>,
    unrecorded: Mutex<Option<Error>>,
}

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

    async fn sends(&self, request_id: &str) -> Result<bool, Error> {
        if self.stop.is_on() {
            return Ok(false);
        }
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

    async fn answered(&self, outcome: &Result<GenerationHandle, Error>) {
        if let Some(claim) = &self.claim {
            self.noted(claim.answered(outcome).await);
        }
    }
}
