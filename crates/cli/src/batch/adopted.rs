//! Generations of a batch that another command has finished, such as `wait --last` or `wait ID --entry ENTRY`: the history, or a
//! sidecar, has what the journal does not.

use std::path::{Path, PathBuf};

use aimlapi_video::{GenerationHandle, Journal, JournalEntry};

use super::{has_replaced, is_unclear, out::Out, retry::is_failed};
use crate::{
    failure::Failure,
    history::{Entry, after_look},
    saved,
};

/// Records in the journal what the history has: the generations of lines whose create got no response, and the videos that are
/// in their places. Without this, each such video would be a foreign file that blocks its batch. `path` is that of the journal,
/// as the history records it.
pub(super) async fn adopt(
    journal: &Journal,
    path: &Path,
    known: &[Entry],
    out: &Out,
) -> Result<(), Failure> {
    attach(journal, path, known).await?;
    for (line, recorded) in journal.entries() {
        let Some(handle) = recorded.handle() else {
            continue;
        };
        if out.has(&recorded) || is_failed(&recorded) {
            continue;
        }
        if let Some(files) = files_in_place(line, handle, known, out) {
            let written = journal.saved(line - 1, files).await;
            written.map_err(|error| Failure::unusable(&error))?;
        }
    }
    Ok(())
}

/// Records the generations that `wait ID --entry ENTRY` has named for lines whose create got no response.
pub(super) async fn attach(journal: &Journal, path: &Path, known: &[Entry]) -> Result<(), Failure> {
    for (line, recorded) in journal.entries() {
        let is_open = is_unclear(&recorded);
        let named = is_open.then(|| named(path, line, &recorded, known));
        if let Some(handle) = named.flatten() {
            let attached = journal.attach(line - 1, handle.clone()).await;
            attached.map_err(|error| Failure::unusable(&error))?;
        }
    }
    Ok(())
}

/// The generation that the history has for the last create of a line.
fn named<'a>(
    path: &Path,
    line: usize,
    recorded: &JournalEntry,
    known: &'a [Entry],
) -> Option<&'a GenerationHandle> {
    let last = last(path, line, known)?;
    let is_same = has_replaced(path, last) != Some(true) && last.intent.model == recorded.model;
    last.handle.as_ref().filter(|_| is_same)
}

/// What to do about a create of a line that got no response, if the history has its entry: that of this run, or of an earlier one.
pub(super) fn advice(entry: Option<String>, path: &Path, line: usize, known: &[Entry]) -> String {
    let entry = entry.or_else(|| Some(last(path, line, known)?.id.clone()));
    entry.map_or_else(String::new, |entry| format!("; {}", after_look(&entry)))
}

/// The entry of the history for the last create of a line.
fn last<'a>(path: &Path, line: usize, known: &'a [Entry]) -> Option<&'a Entry> {
    let is_of_line = |entry: &&Entry| {
        let batch = entry.intent.batch.as_ref();
        batch.is_some_and(|batch| batch.journal == *path && batch.line == line)
    };
    known.iter().rev().find(is_of_line)
}

/// The videos of a generation, as the journal names them, if the history or their sidecars record them as saved in the place of
/// the line, and they are still there with their sizes and checksums.
fn files_in_place(
    line: usize,
    handle: &GenerationHandle,
    known: &[Entry],
    out: &Out,
) -> Option<Vec<PathBuf>> {
    let path = out.path(line);
    let place = out.recorded(&path);
    let of_entry = |entry: &Entry| -> Vec<PathBuf> {
        entry.files.iter().map(|file| out.recorded(file)).collect()
    };
    let is_own = |entry: &&Entry| {
        entry.is_of(handle) && of_entry(entry).first() == Some(&place) && saved::are_there(entry)
    };
    let entry = known.iter().rev().find(is_own);
    entry.map(of_entry).or_else(|| {
        let files = saved::beside(&path, handle)?;
        Some(files.iter().map(|file| out.recorded(file)).collect())
    })
}
