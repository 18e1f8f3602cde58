//! The requests of a batch on their way to the library, each recorded in the history before it is sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aimlapi_video::{Generation, GenerationHandle, GenerationRequest, JournalEntry};

use super::{is_unclear, out::canonical, requests::Requests};
use crate::{
    args,
    cost::Cost,
    documents::Catalogue,
    failure::Failure,
    history::{self, Create, History, Intent},
    spending::{Decision, End, Kind, Spending},
};

/// The requests in the order of their lines. The library takes one when it is about to create its generation.
pub(super) struct Feed {
    requests: std::vec::IntoIter<Planned>,
    ledger: Ledger,
}

struct Planned {
    index: usize,
    request: GenerationRequest,
    kind: Kind,
    /// `None` without a history, and if an earlier run has sent the request.
    intent: Option<Box<Intent>>,
    earlier: Earlier,
}

/// What an earlier run did with a request.
#[derive(Clone, Copy, PartialEq)]
enum Earlier {
    Nothing,
    /// It may have created the generation, so the request is not sent again.
    Unclear,
    Created,
}

/// The requests that are not created because of `--max-usd`.
pub(super) struct Stopped {
    pub(super) why: String,
    pub(super) lines: Vec<usize>,
    /// Whether generations of an earlier run were not waited for.
    pub(super) is_resumable: bool,
}

impl Feed {
    /// The requests but those whose indices are `saved`. Those that the journal's `entries` record as sent are only waited for.
    pub(super) fn new(
        requests: Requests,
        saved: &BTreeSet<usize>,
        entries: &BTreeMap<usize, JournalEntry>,
        batch: &args::Batch,
        journal: &Path,
        catalogue: &Catalogue,
        ledger: Ledger,
    ) -> Self {
        let places = requests.places;
        let planned = |(line, request): (usize, GenerationRequest)| {
            let model = catalogue.model(request.route(), request.model());
            let earlier = match entries.get(&line) {
                Some(entry) if entry.handle().is_some() => Earlier::Created,
                Some(entry) if is_unclear(entry) && !batch.repeat_unclear => Earlier::Unclear,
                _ => Earlier::Nothing,
            };
            let create = Create {
                request: &request,
                model,
                no_wait: false,
                output: None,
                batch: Some(history::Batch {
                    journal: absolute(journal),
                    line,
                    out: absolute(&batch.out),
                    place: Some(places.of(line)),
                }),
            };
            let intent = (earlier == Earlier::Nothing).then(|| ledger.history.intent(create));
            Planned {
                index: line - 1,
                kind: Kind::of(&request, model),
                intent: intent.flatten(),
                earlier,
                request,
            }
        };
        let lines = requests.lines.into_iter().zip(requests.requests);
        let lines = lines.filter(|(line, _)| !saved.contains(&(line - 1)));
        let planned: Vec<Planned> = lines.map(planned).collect();
        Self {
            requests: planned.into_iter(),
            ledger,
        }
    }
}

/// The library asks again after each event, so `None` also means that a generation in flight has to end first.
impl Iterator for Feed {
    type Item = GenerationRequest;

    fn next(&mut self) -> Option<GenerationRequest> {
        let next = self.requests.as_slice().first()?;
        if next.earlier == Earlier::Nothing {
            let decision = self.ledger.lock().spending.decide(&next.kind);
            match decision {
                Decision::Send => {}
                Decision::Wait => return None,
                Decision::Stop(why) => {
                    let rest: Vec<Planned> = self.requests.by_ref().collect();
                    let (new, sent): (Vec<_>, Vec<_>) = rest
                        .iter()
                        .partition(|planned| planned.earlier == Earlier::Nothing);
                    self.ledger.lock().stopped = Some(Stopped {
                        why,
                        lines: new.iter().map(|planned| planned.index + 1).collect(),
                        is_resumable: !sent.is_empty(),
                    });
                    return None;
                }
            }
        }
        let planned = self.requests.next()?;
        if planned.earlier != Earlier::Unclear {
            self.ledger
                .begin(planned.index, planned.kind, planned.intent);
        }
        Some(planned.request)
    }
}

/// The creates in flight, shared by the requests' way in and the events' way out: their entries in the history, and what they
/// cost.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) history: History,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    entries: BTreeMap<usize, String>,
    /// The costs that are known before the generations end.
    costs: BTreeMap<usize, Cost>,
    spending: Spending,
    stopped: Option<Stopped>,
}

impl Ledger {
    pub(super) fn new(history: History, spending: Spending) -> Self {
        let inner = Inner {
            entries: BTreeMap::new(),
            costs: BTreeMap::new(),
            spending,
            stopped: None,
        };
        Self {
            history,
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    fn begin(&self, index: usize, kind: Kind, intent: Option<Box<Intent>>) {
        let entry = intent.and_then(|intent| self.history.intend(intent));
        let mut inner = self.lock();
        inner.spending.begin(index, kind);
        inner.entries.extend(entry.map(|entry| (index, entry)));
    }

    /// Records the outcome of a create, and returns the id of its entry.
    pub(super) fn record(
        &self,
        index: usize,
        outcome: Result<&GenerationHandle, &Failure>,
    ) -> Option<String> {
        let entry = self.lock().entries.remove(&index);
        self.history.record_create(entry.as_ref(), outcome);
        entry
    }

    /// Keeps the cost that is known of a created generation: a journal, and what the library reads from it, has none.
    pub(super) fn created(&self, index: usize, cost: Cost) {
        self.lock().costs.insert(index, cost);
    }

    /// The cost of a generation, by its last response and by what was known when it began.
    pub(super) fn cost(
        &self,
        index: usize,
        last: Option<&Generation>,
        handle: Option<&GenerationHandle>,
    ) -> Cost {
        let created = self.lock().costs.get(&index).copied().unwrap_or_default();
        Cost::of(last, handle).max(created)
    }

    /// Records the cost of a generation that is not in flight any more.
    pub(super) fn end(&self, index: usize, end: &End, cost: Cost) {
        self.lock().spending.end(index, end, cost);
    }

    /// What was not created because of `--max-usd`.
    pub(super) fn stopped(&self) -> Option<Stopped> {
        self.lock().stopped.take()
    }

    /// Records that the requests without an outcome were not sent, because the batch was stopped.
    pub(super) fn withdraw(&self) {
        let entries = std::mem::take(&mut self.lock().entries);
        let stopped = Failure::interrupted("interrupted before it was sent");
        for entry in entries.values() {
            self.history.record_create(Some(entry), Err(&stopped));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The path as the history records it.
pub(super) fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (path.parent(), path.file_name()) {
        // A link to the folder names the same journal.
        (Some(folder), Some(name)) => canonical(folder).join(name),
        _ => path,
    }
}
