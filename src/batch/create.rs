//! One create of a batch, with its retries and its journal entries.
//!
//! The create waits while the client's budget holds back polls, ends if the batch is stopped before it is sent, and is
//! recorded in the journal before and after each attempt.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
};

use futures_util::future::{Either, select};

use super::tasks::Stop;
use crate::journal::{Claim, ClaimOutcome, Journal};
use crate::{
    Client, CreateRetries, Error, ErrorKind, GenerationHandle, GenerationRequest,
    client::CreateObserver,
};

/// The outcome of a create.
pub(super) struct CreateOutcome {
    pub(super) outcome: Result<GenerationHandle, Error>,
    /// Whether an earlier run created it, as the journal records.
    pub(super) is_known: bool,
    /// The error that prevented the journal entry.
    pub(super) unrecorded: Option<Error>,
}

impl CreateOutcome {
    /// The outcome of a create whose task ended without one.
    pub(super) fn lost(why: &str) -> Self {
        let what = format!(
            "the outcome of the create is not known: {why}; the create may have been accepted and billed, so check the \
             account's log before you repeat it"
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
    /// Creates the generation unless the journal records it; `None` if the batch was stopped before the request was
    /// sent.
    pub(super) async fn run(self, request: GenerationRequest) -> Option<CreateOutcome> {
        let now = |outcome, is_known| CreateOutcome {
            outcome,
            is_known,
            unrecorded: None,
        };
        let claim = match &self.journal {
            Some(journal) => match journal.claim(self.index, &request) {
                Ok(ClaimOutcome::Created(handle)) => return Some(now(Ok(handle), true)),
                Ok(ClaimOutcome::Claimed(claim)) => Some(claim),
                Err(error) => return Some(now(Err(error), false)),
            },
            None => None,
        };
        // While the service responds with 429 to polls, it would refuse a create, too.
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
    /// Keeps the last result, since a successful entry also writes the entries that failed before.
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
            claim.record_intent(request_id, self.origin).await?;
            // The batch may have been stopped during the write.
            if self.stop.is_on() {
                self.set_recorded(claim.record_withdrawal().await);
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn observe(&self, outcome: &Result<GenerationHandle, Error>) {
        if let Some(claim) = &self.claim {
            self.set_recorded(claim.record_outcome(outcome).await);
        }
    }
}
