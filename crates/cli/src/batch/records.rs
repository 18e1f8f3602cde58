//! What a batch writes beside its videos: their sidecars, and the page that shows them.

use std::{collections::BTreeMap, path::Path};

use aimlapi_video::{GenerationHandle, Saved};

use super::{out::Out, requests::Requests};
use crate::{
    cost::Cost,
    documents::Catalogue,
    failure::Failure,
    gallery::LivePage,
    history::Entry,
    output::print_note,
    sidecar::{self, Draft},
};

/// The records of a batch.
pub(super) struct Records {
    drafts: BTreeMap<usize, Draft>,
    page: Option<LivePage>,
}

impl Records {
    /// Sidecars for all requests, or only for those that have one of an earlier run, and the page if the batch has one.
    pub(super) fn new(
        requests: &Requests,
        catalogue: &Catalogue,
        page: Option<LivePage>,
        is_for_all: bool,
        out: &Out,
    ) -> Self {
        let lines = requests.lines.iter().zip(&requests.requests);
        let has_one = |line| is_for_all || sidecar::beside(&out.path(line)).is_some();
        let lines = lines.filter(|(line, _)| has_one(**line));
        let drafts = lines.map(|(line, request)| {
            let model = catalogue.model(request.route(), request.model());
            (line - 1, Draft::of(request, model))
        });
        Self {
            drafts: drafts.collect(),
            page,
        }
    }

    /// Sidecars for the `open` generations in whose places earlier runs left one.
    pub(super) fn of_open(open: &[(usize, GenerationHandle)], out: &Out, known: &[Entry]) -> Self {
        let draft = |(index, handle): &(usize, GenerationHandle)| {
            let draft = Draft::following(&out.path(index + 1), handle, known)?;
            Some((*index, draft))
        };
        Self {
            drafts: open.iter().filter_map(draft).collect(),
            page: None,
        }
    }

    pub(super) fn saved(
        &mut self,
        index: usize,
        handle: &GenerationHandle,
        saved: &[Saved],
        cost: Cost,
    ) {
        match self.drafts.get(&index) {
            Some(draft) => draft.saved(handle, saved, cost),
            None => sidecar::complete(handle, saved, cost),
        }
        self.end();
    }

    /// Records a request without a video at `path`.
    pub(super) fn ended(
        &mut self,
        index: usize,
        path: &Path,
        handle: Option<&GenerationHandle>,
        failure: &Failure,
    ) {
        if let Some(draft) = self.drafts.get(&index) {
            draft.ended(path, handle, failure);
        }
        self.end();
    }

    fn end(&mut self) {
        if let Some(page) = &mut self.page {
            page.end();
        }
    }

    /// Writes the page if it is due.
    pub(super) fn tick(&mut self) {
        if let Some(page) = &mut self.page {
            page.tick();
        }
    }

    /// Writes the page of a batch that does not run any more.
    pub(super) fn finish(self) {
        if let Some(page) = self.page {
            let path = page.finish();
            print_note(format!("gallery: {}", path.display()));
        }
    }
}
