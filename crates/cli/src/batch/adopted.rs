//! Videos of a batch that another command has saved, such as `wait --last`: the history has them, and the journal does not.

use std::{collections::BTreeSet, path::PathBuf};

use aimlapi_video::Journal;

use super::{out::Out, retry::is_failed};
use crate::{failure::Failure, history::Entry, saved};

/// Finds the lines whose videos the history records as saved in their places, and records these in the journal, unless the run
/// is dry. Without this, each such video would be a foreign file that blocks its batch.
pub(super) async fn adopt(
    journal: &Journal,
    known: &[Entry],
    out: &Out,
    is_dry: bool,
) -> Result<BTreeSet<usize>, Failure> {
    let mut adopted = BTreeSet::new();
    for (line, recorded) in journal.entries() {
        let Some(handle) = recorded.handle() else {
            continue;
        };
        if out.has(&recorded) || is_failed(&recorded) {
            continue;
        }
        let place = out.recorded(&out.path(line));
        let files = |entry: &Entry| -> Vec<PathBuf> {
            entry.files.iter().map(|file| out.recorded(file)).collect()
        };
        let is_own = |entry: &&Entry| {
            entry.is_of(handle) && files(entry).first() == Some(&place) && saved::are_there(entry)
        };
        if let Some(entry) = known.iter().rev().find(is_own) {
            adopted.insert(line);
            if !is_dry {
                let written = journal.saved(line - 1, files(entry)).await;
                written.map_err(|error| Failure::unusable(&error))?;
            }
        }
    }
    Ok(adopted)
}
