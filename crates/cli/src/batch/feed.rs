//! The requests of a batch on their way to the library, each recorded in the history before it is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aimlapi_video::{GenerationHandle, GenerationRequest};

use super::requests::Requests;
use crate::{
    documents::Catalogue,
    failure::Failure,
    history::{Batch, Create, History, Intent},
};

/// The requests in the order of their lines. The library takes one when it is about to create its generation.
pub(super) struct Feed {
    requests: std::vec::IntoIter<Planned>,
    ledger: Ledger,
}

struct Planned {
    index: usize,
    request: GenerationRequest,
    /// `None` if an earlier run has sent the request.
    intent: Option<Box<Intent>>,
}

impl Feed {
    /// The requests but those whose indices are `saved`. Those that were `sent` are only waited for.
    pub(super) fn new(
        requests: Requests,
        saved: &BTreeSet<usize>,
        sent: &BTreeSet<usize>,
        (journal, out): (&Path, &Path),
        catalogue: &Catalogue,
        ledger: Ledger,
    ) -> Self {
        let intent = |line, request: &GenerationRequest| {
            ledger.history.intent(Create {
                request,
                model: catalogue.model(request.route(), request.model()),
                no_wait: false,
                output: None,
                batch: Some(Batch {
                    journal: absolute(journal),
                    line,
                    out: absolute(out),
                }),
            })
        };
        let lines = requests.lines.into_iter().zip(requests.requests);
        let planned = lines.filter(|(line, _)| !saved.contains(&(line - 1)));
        let planned = planned.map(|(line, request)| Planned {
            index: line - 1,
            intent: match sent.contains(&(line - 1)) {
                true => None,
                false => intent(line, &request),
            },
            request,
        });
        let planned: Vec<Planned> = planned.collect();
        Self {
            requests: planned.into_iter(),
            ledger,
        }
    }
}

impl Iterator for Feed {
    type Item = GenerationRequest;

    fn next(&mut self) -> Option<GenerationRequest> {
        let planned = self.requests.next()?;
        if let Some(intent) = planned.intent {
            self.ledger.intend(planned.index, intent);
        }
        Some(planned.request)
    }
}

/// The entries of the creates in flight, shared by the requests' way in and the events' way out.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) history: History,
    entries: Arc<Mutex<BTreeMap<usize, String>>>,
}

impl Ledger {
    pub(super) fn new(history: History) -> Self {
        Self {
            history,
            entries: Arc::default(),
        }
    }

    fn intend(&self, index: usize, intent: Box<Intent>) {
        if let Some(entry) = self.history.intend(intent) {
            self.entries().insert(index, entry);
        }
    }

    /// Records the outcome of a create.
    pub(super) fn record(&self, index: usize, outcome: Result<&GenerationHandle, &Failure>) {
        let entry = self.entries().remove(&index);
        self.history.record_create(entry.as_ref(), outcome);
    }

    /// Records that the requests without an outcome were not sent, because the batch was stopped.
    pub(super) fn withdraw(&self) {
        let entries = std::mem::take(&mut *self.entries());
        let stopped = Failure::interrupted("interrupted before it was sent");
        for entry in entries.values() {
            self.history.record_create(Some(entry), Err(&stopped));
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<usize, String>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path as the history records it.
pub(super) fn absolute(path: &Path) -> std::path::PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
