//! One create of a batch: held back while polls are, stopped with the batch, and recorded in its journal.

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

/// The outcome of a create.
pub(super) struct CreateOutcome {
    pub(super) outcome: Result<GenerationHandle, Error>,
    /// Whether an earlier run created it, as the journal records.
    pub(super) is_known: bool,
    /// Why the journal does not hold it.
    pub(super) unrecorded: Option<Error>,
}

impl CreateOutcome {
    /// The outcome of a create whose task ended without one.
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
    /// Creates the generation unless the journal holds it; `None` if the batch was stopped before the request was sent.
    pub(super) async fn run(self, request: GenerationRequest) -> Option<CreateOutcome> {
        let now = |outcome, is_known| CreateOutcome {
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
        let observer = BatchCreate {
            stop: &self.stop,
            origin: self.client.origin(),
            claim,
            unrecorded: Mutex::default(),
        };
        let retries = CreateRetries::patient();
        let sent = self.client.send_observed(request, retries, &observer);
        let outcome = sent.await?;
        let unrecorded = observer.unrecorded.into_inner();
        Some(CreateOutcome {
            unrecorded: unrecorded.unwrap_or_else(PoisonError::into_inner),
            ..now(outcome, false)
        })
    }
}

/// Observes the create for the batch and its journal.
struct BatchCreate<'a> {
    stop: &'a Stop,
    origin: &'a str,
    claim: Option<Claim>,
    unrecorded: Mutex<Option<Error>>,
}

impl BatchCreate<'_> {
    /// The last call counts, since a later entry in the journal contains what an earlier one failed to record.
    fn set_recorded(&self, recorded: Result<(), Error>) {
        let unrecorded = self.unrecorded.lock();
        *unrecorded.unwrap_or_else(PoisonError::into_inner) = recorded.err();
    }
}

impl CreateObserver for BatchCreate<'_> {
    async fn stopped(&self) {
        self.stop.on().await;
    }

    async fn may_send(&self, request_id: &str) -> Result<bool, Error> {
        if self.stop.is_on() {
            return Ok(false);
        }
        if let Some(claim) = &self.claim {
            claim.sends(request_id, self.origin).await?;
            // It may have been stopped while the disk was busy.
            if self.stop.is_on() {
                self.set_recorded(claim.withdrawn().await);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn observe(&self, outcome: &Result<GenerationHandle, Error>) {
        if let Some(claim) = &self.claim {
            self.set_recorded(claim.answered(outcome).await);
        }
    }
}
