//! A request that is being created: claimed, so that nobody else creates it, and noted before and after each POST.

use serde_json::{Map, Value};

use super::{Event, Journal, JournalEntry, JournalState, event, sha256};
use crate::{Error, ErrorKind, GenerationHandle};

/// What is known of a request that is to be created.
pub(crate) enum Known {
    /// It was created before.
    Created(GenerationHandle),
    /// Nothing was; nobody else creates it as long as the claim is there.
    Free(Claim),
}

pub(crate) struct Claim {
    journal: Journal,
    line: usize,
    sha256: String,
    model: String,
}

impl Journal {
    /// Claims a request, unless it was created, or may have been.
    pub(crate) fn claim(&self, index: usize, body: &Map<String, Value>) -> Result<Known, Error> {
        let (line, sha256) = (index + 1, sha256(body));
        let mut jobs = self.inner.jobs();
        if jobs.claimed.contains(&line) {
            let what = "is being created already; use a journal of its own for each batch";
            return Err(self.inner.misused(line, what));
        }
        if let Some(known) = jobs.entries.get(&line) {
            if known.state != JournalState::NotCreated && known.sha256 != sha256 {
                let what = format!(
                    "request {line} is another one than in the journal {}; use a journal of its own",
                    self.inner.path.display()
                );
                return Err(Error::new(ErrorKind::Configuration, what));
            }
            if let Some(handle) = known.handle() {
                return Ok(Known::Created(handle.clone()));
            }
            if known.state == JournalState::Unclear && !jobs.repeated.contains(&line) {
                return Err(unclear(line, known));
            }
        }
        jobs.claimed.insert(line);
        let model = body.get("model").and_then(Value::as_str);
        Ok(Known::Free(Claim {
            journal: self.clone(),
            line,
            sha256,
            model: model.unwrap_or_default().to_owned(),
        }))
    }
}

impl Claim {
    /// Notes that it is about to be sent.
    pub(crate) async fn sends(&self, request_id: &str, origin: &str) -> Result<(), Error> {
        let intent = Event::Intent {
            line: self.line,
            sha256: self.sha256.clone(),
            model: self.model.clone(),
            at: event::now(),
            request_id: Some(request_id.to_owned()),
            origin: Some(origin.to_owned()),
        };
        self.journal.write(intent).await
    }

    /// Notes that it was not sent after all.
    pub(crate) async fn withdrawn(&self) -> Result<(), Error> {
        let (line, why) = (self.line, "stopped".into());
        self.journal.write(Event::NotCreated { line, why }).await
    }

    /// Notes what came of it. An error takes nothing back of that.
    pub(crate) async fn answered(
        &self,
        outcome: &Result<GenerationHandle, Error>,
    ) -> Result<(), Error> {
        let line = self.line;
        let event = match outcome {
            Ok(handle) => Event::Created {
                line,
                handle: handle.clone(),
            },
            // The service's words may hold what was sent, so the kind alone is kept.
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
        self.journal.write(event).await
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.journal.inner.jobs().claimed.remove(&self.line);
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
        "request {line} was being created{}{}, and what came of it is not known; it may have been accepted and billed, so \
         look at the account's log before it is repeated",
        at.unwrap_or_default(),
        id.unwrap_or_default()
    );
    Error::new(ErrorKind::AmbiguousCreate, what)
}
