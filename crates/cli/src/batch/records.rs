//! What a batch writes beside its videos: their sidecars, and the page that shows them.

use std::{collections::BTreeMap, path::Path};

use aimlapi_video::{GenerationHandle, Saved};

use super::requests::Requests;
use crate::{
    cost::Cost,
    documents::Catalogue,
    failure::Failure,
    gallery::LivePage,
    output::print_note,
    sidecar::{self, Draft},
};

/// The records of a batch; `default` only completes those of earlier runs.
#[derive(Default)]
pub(super) struct Records {
    drafts: BTreeMap<usize, Draft>,
    page: Option<LivePage>,
}

impl Records {
    /// Sidecars for all requests, and the page if the batch has one.
    pub(super) fn new(requests: &Requests, catalogue: &Catalogue, page: Option<LivePage>) -> Self {
        let lines = requests.lines.iter().zip(&requests.requests);
        let drafts = lines.map(|(line, request)| {
            let model = catalogue.model(request.route(), request.model());
            (line - 1, Draft::of(request, model))
        });
        Self {
            drafts: drafts.collect(),
            page,
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
