//! Videos that an earlier command has saved and that are still there, so that a second `wait` needs no request.

use std::path::{Path, PathBuf};

use aimlapi_video::{GenerationHandle, State};
use serde_json::{Value, json};

use crate::{
    args::Waiting,
    cost::Cost,
    history::{self, Entry},
    output::{print_note, print_result},
    sidecar::{self, Outcome, Sidecar},
    style::{Line, Meaning},
    target::Target,
};

/// The videos of a generation, each with its size, and what they cost.
pub(crate) struct Earlier {
    handle: GenerationHandle,
    files: Vec<(PathBuf, u64)>,
    cost: Cost,
}

impl Earlier {
    /// Finds the videos of a generation that the history or a sidecar records as saved, where the target names no other place.
    pub(crate) fn find(
        handle: &GenerationHandle,
        known: &[Entry],
        target: &Target,
        waiting: &Waiting,
    ) -> Option<Self> {
        let entry = known.iter().rev().find(|entry| entry.is_of(handle));
        // Unlike an id alone, the recorded handle has the model.
        let handle = entry
            .and_then(|entry| entry.handle.as_ref())
            .unwrap_or(handle);
        let named = target.file(handle);
        let recorded = entry.filter(|entry| entry.state() == history::State::Saved);
        let earlier = match (recorded, &named) {
            (Some(entry), _) => Self {
                handle: handle.clone(),
                files: entry
                    .files
                    .iter()
                    .cloned()
                    .zip(entry.bytes.clone())
                    .collect(),
                cost: entry.cost,
            },
            (None, Some(path)) => {
                let sidecar = own_sidecar(path, handle)?;
                Self {
                    handle: handle.clone(),
                    files: vec![(path.clone(), sidecar.bytes?)],
                    cost: sidecar.cost,
                }
            }
            (None, None) => return None,
        };
        let (first, _) = earlier.files.first()?;
        let is_there = match (&waiting.output, target, &named) {
            (None, ..) => true,
            (Some(_), Target::Folder(folder), _) => {
                first.parent() == std::path::absolute(folder).ok().as_deref()
            }
            (Some(_), _, named) => named.as_ref() == Some(first),
        };
        let is_whole = |(path, bytes): &(PathBuf, u64)| is_same(path, *bytes, handle);
        (is_there && earlier.files.iter().all(is_whole)).then_some(earlier)
    }

    /// Prints what a wait prints for the videos.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let video = |(path, bytes): &(PathBuf, u64)| json!({ "path": path, "bytes": bytes });
            let mut summary = json!({
                "id": self.handle.id(),
                "route": self.handle.route(),
                "state": State::Completed,
                "videos": self.files.iter().map(video).collect::<Value>(),
                "saved_earlier": true,
            });
            if let Some(model) = self.handle.model() {
                summary["model"] = model.into();
            }
            self.cost.add_to(&mut summary);
            print_result(summary.to_string());
            return;
        }
        for (path, bytes) in &self.files {
            let rest = format!(" {} ({bytes} bytes)", path.display());
            print_result(Line::new(Meaning::Success, "saved already:").plain(rest));
        }
        print_note("note: --overwrite downloads it again");
    }
}

/// Whether a file is the one that was saved, as far as its size and a checksum beside it show.
fn is_same(path: &Path, bytes: u64, handle: &GenerationHandle) -> bool {
    let is_of_size = path
        .metadata()
        .is_ok_and(|data| data.is_file() && data.len() == bytes);
    let checksum = own_sidecar(path, handle).and_then(|sidecar| sidecar.sha256);
    is_of_size && checksum.is_none_or(|sum| sidecar::sha256(path).is_ok_and(|own| own == sum))
}

/// The sidecar of a saved video of the generation.
fn own_sidecar(path: &Path, handle: &GenerationHandle) -> Option<Sidecar> {
    let sidecar = Sidecar::read(&sidecar::path(path))?;
    let is_own = sidecar.state == Outcome::Saved && sidecar.id.as_deref() == Some(handle.id());
    (is_own && sidecar.file.as_deref() == path.file_name()?.to_str()).then_some(sidecar)
}
