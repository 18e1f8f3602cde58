//! The claim on a request that is being created: it prevents a second create of the same request in this process, and
//! records the create before and after each POST.

use serde_json::Value;

use super::{Event, Journal, JournalEntry, JournalState, Requests, event, sha256};
use crate::{Error, ErrorKind, GenerationHandle, GenerationRequest};

/// The outcome of [`Journal::claim`].
pub(crate) enum ClaimOutcome {
    /// An earlier run created the generation.
    Created(GenerationHandle),
    /// The request has created no generation, and may be sent.
    Claimed(Claim),
}

/// The exclusive right to create one request, until it is dropped.
pub(crate) struct Claim {
    held: Hold,
    sha256: String,
    model: String,
}

/// The mark that a request is being created or attached, or is allowed to be created again: no other task of this process does
/// so until it is dropped.
pub(super) struct Hold {
    journal: Journal,
    line: usize,
}

impl Journal {
    /// Claims a request, unless its generation was created, or may have been created.
    pub(crate) fn claim(
        &self,
        index: usize,
        request: &GenerationRequest,
    ) -> Result<ClaimOutcome, Error> {
        let body = request.body();
        let (line, sha256) = (index + 1, sha256(body));
        let mut requests = self.inner.requests();
        if requests.claimed.contains(&line) {
            let what = "is already being created; use a separate journal for each batch";
            return Err(self.inner.usage_error(line, what));
        }
        if let Some(known) = requests.entries.get(&line) {
            let route = known.handle().map(GenerationHandle::route);
            let is_other =
                known.sha256 != sha256 || route.is_some_and(|route| route != request.route());
            if known.state != JournalState::NotCreated && is_other {
                let what = format!(
                    "request {line} differs from the one in the journal {}; use a separate journal",
                    self.inner.path.display()
                );
                return Err(Error::new(ErrorKind::Configuration, what));
            }
            if let Some(handle) = known.handle() {
                return Ok(ClaimOutcome::Created(handle.clone()));
            }
            if known.state == JournalState::Unclear && !requests.repeated.contains(&line) {
                return Err(unclear(line, known));
            }
        }
        let held = self.hold(&mut requests, line);
        let model = body.get("model").and_then(Value::as_str);
        Ok(ClaimOutcome::Claimed(Claim {
            held,
            sha256,
            model: model.unwrap_or_default().to_owned(),
        }))
    }

    /// Holds a request that is in the state and not held yet. `what` is the error for any other one.
    pub(super) fn hold_if(
        &self,
        line: usize,
        is_state: impl Fn(&JournalState) -> bool,
        what: &str,
    ) -> Result<Hold, Error> {
        let mut requests = self.inner.requests();
        let entry = requests.entries.get(&line);
        if !entry.is_some_and(|entry| is_state(&entry.state)) || requests.claimed.contains(&line) {
            return Err(self.inner.usage_error(line, what));
        }
        Ok(self.hold(&mut requests, line))
    }

    fn hold(&self, requests: &mut Requests, line: usize) -> Hold {
        requests.claimed.insert(line);
        Hold {
            journal: self.clone(),
            line,
        }
    }
}

impl Claim {
    /// Records that the request is about to be sent.
    pub(crate) async fn record_intent(&self, request_id: &str, origin: &str) -> Result<(), Error> {
        let intent = Event::Intent {
            line: self.held.line,
            sha256: self.sha256.clone(),
            model: self.model.clone(),
            at: event::now(),
            request_id: Some(request_id.to_owned()),
            origin: Some(origin.to_owned()),
        };
        self.held.journal.write(intent).await
    }

    /// Records that the request was not sent after its intent.
    pub(crate) async fn record_withdrawal(&self) -> Result<(), Error> {
        let (line, why) = (self.held.line, "stopped".into());
        let event = Event::NotCreated { line, why };
        self.held.journal.write(event).await
    }

    /// Records the outcome of the create. An error means that the outcome is not on disk, but the entry in memory is up
    /// to date.
    pub(crate) async fn record_outcome(
        &self,
        outcome: &Result<GenerationHandle, Error>,
    ) -> Result<(), Error> {
        let line = self.held.line;
        let event = match outcome {
            Ok(handle) => Event::Created {
                line,
                handle: handle.clone(),
            },
            // The service's message may quote the request, so only the kind and the status are recorded.
            Err(error) => {
                let status = error.service().map(|service| service.status.to_string());
                let why = format!("{:?} {}", error.kind(), status.unwrap_or_default());
                let why = why.trim_end().to_owned();
                match error.kind() {
                    ErrorKind::AmbiguousCreate => Event::Unclear { line, why },
                    _ => Event::NotCreated { line, why },
                }
            }
        };
        self.held.journal.write(event).await
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.journal.inner.requests().claimed.remove(&self.line);
    }
}

fn unclear(line: usize, entry: &JournalEntry) -> Error {
    let at = entry.sent_at.map(|at| {
        let at = humantime::format_rfc3339_seconds(at);
        format!(" at {at}")
    });
    let id = entry.request_id.as_ref();
    let id = id.map(|id| format!(" (X-Client-Request-Id {id})"));
    let what = format!(
        "request {line} was being created{}{}, and its outcome is not known; the create may have been accepted and billed, \
         so check the account's log before you repeat it",
        at.unwrap_or_default(),
        id.unwrap_or_default()
    );
    Error::new(ErrorKind::AmbiguousCreate, what)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::{Arc, PoisonError},
        task::{Context, Waker},
    };

    use serde_json::json;

    use super::*;
    use crate::{Route, contract::Model};

    #[tokio::test]
    async fn request_is_not_claimed_while_its_generation_is_attached() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(folder.path().join("j.jsonl")).expect("a journal");
        let models = [Arc::new(Model::new(Route::Universal, "m"))];
        let body = json!({ "model": "m" });
        let body = body.as_object().expect("an object").clone();
        let intent = Event::Intent {
            line: 1,
            sha256: sha256(&body),
            model: "m".into(),
            at: None,
            request_id: None,
            origin: None,
        };
        journal.append(&intent).expect("written");
        let request = GenerationRequest::from_json_with(&models, Route::Universal, body.into());
        let request = request.expect("a request");
        journal.repeat(0).expect("unclear");
        let mut attached = pin!(journal.attach(0, "g0".into()));
        {
            let tail = journal.inner.tail.lock();
            let _full = tail.unwrap_or_else(PoisonError::into_inner);
            let begun = attached
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(begun.is_pending(), "the line cannot be written yet");
            let error = journal.claim(0, &request).err().expect("an error");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(journal.repeat(0).is_err());
        }
        attached.await.expect("written");
        let claimed = journal.claim(0, &request).expect("a generation");
        assert!(matches!(claimed, ClaimOutcome::Created(handle) if handle.id() == "g0"));
    }
}
