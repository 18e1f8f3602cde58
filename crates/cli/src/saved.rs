//! Videos that an earlier command has saved and that are still there, so that a second `wait` needs no request.

use std::path::{Path, PathBuf};

use aimlapi_video::{GenerationHandle, State};
use serde_json::{Value, json};

use crate::{
    args::Waiting,
    cost::Cost,
    history::{self, Entry, History},
    output::{print_note, print_result},
    sidecar,
    style::{Line, Meaning},
    target::Target,
};

/// The videos of a generation, and what they cost.
pub(crate) struct Earlier {
    handle: GenerationHandle,
    files: Vec<File>,
    cost: Cost,
    /// Whether the history records the videos.
    is_recorded: bool,
}

/// A video as it was saved.
struct File {
    path: PathBuf,
    bytes: u64,
    sha256: Option<String>,
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
        let named = target.file(handle);
        let recorded = entry.filter(|entry| entry.state() == history::State::Saved);
        let earlier = match (recorded, &named) {
            (Some(entry), _) => Self {
                handle: handle.clone(),
                files: File::recorded(entry),
                cost: entry.cost,
                is_recorded: true,
            },
            (None, Some(path)) => Self {
                handle: handle.clone(),
                files: File::all_beside(path, handle)?,
                cost: sidecar::own_saved(path, handle)?.cost,
                is_recorded: false,
            },
            (None, None) => return None,
        };
        let first = &earlier.files.first()?.path;
        let is_there = match (&waiting.output, target, &named) {
            (None, ..) => true,
            (Some(_), Target::Folder(folder), _) => {
                first.parent() == std::path::absolute(folder).ok().as_deref()
            }
            (Some(_), _, named) => named.as_ref() == Some(first),
        };
        (is_there && earlier.files.iter().all(File::is_whole)).then_some(earlier)
    }

    /// The files with their sizes.
    pub(crate) fn files(&self) -> Vec<(PathBuf, u64)> {
        let files = self.files.iter();
        files.map(|file| (file.path.clone(), file.bytes)).collect()
    }

    /// Ends the generation's entry in the history, so that `resume` does not save the videos again.
    pub(crate) fn record(&self, history: &History, known: &[Entry]) {
        if self.is_recorded {
            return;
        }
        history.adopt(known, &self.handle, None);
        let files = self.files.iter();
        let files = files.map(|file| (&*file.path, file.sha256.as_deref()));
        history.saved(&self.handle, files, self.cost);
    }

    /// Prints what a wait prints for the videos.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let video = |file: &File| json!({ "path": file.path, "bytes": file.bytes });
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
        for File { path, bytes, .. } in &self.files {
            let rest = format!(" {} ({bytes} bytes)", path.display());
            print_result(Line::new(Meaning::Success, "saved already:").plain(rest));
        }
        print_note("note: --overwrite downloads it again");
    }
}

/// Whether the videos that an entry records as saved are still there.
pub(crate) fn are_there(entry: &Entry) -> bool {
    let files = File::recorded(entry);
    let is_saved = entry.state() == history::State::Saved;
    is_saved && !files.is_empty() && files.iter().all(File::is_whole)
}

/// The videos of a generation whose first one is at `first`, if their sidecars describe them and they are still there.
pub(crate) fn beside(first: &Path, handle: &GenerationHandle) -> Option<Vec<PathBuf>> {
    let files = File::all_beside(first, handle)?;
    let is_there = !files.is_empty() && files.iter().all(File::is_whole);
    is_there.then(|| files.into_iter().map(|file| file.path).collect())
}

impl File {
    /// The files of an entry. One whose size is unknown cannot be recognised.
    fn recorded(entry: &Entry) -> Vec<Self> {
        let files = entry.files.iter().zip(&entry.bytes).enumerate();
        let file = |(index, (path, bytes)): (usize, (&PathBuf, &u64))| Self {
            path: path.clone(),
            bytes: *bytes,
            sha256: entry.sha256.get(index).cloned(),
        };
        files.map(file).collect()
    }

    /// The videos of a generation whose first one is at `first`, as their sidecars describe them.
    fn all_beside(first: &Path, handle: &GenerationHandle) -> Option<Vec<Self>> {
        let videos = sidecar::own_saved(first, handle)?.videos?;
        let files = (1..=videos).map(|number| Self::beside(first, number, handle));
        files.collect()
    }

    /// The video with this number of a generation whose first one is at `first`, as its sidecar describes it.
    fn beside(first: &Path, number: usize, handle: &GenerationHandle) -> Option<Self> {
        let path = match number {
            1 => first.to_owned(),
            _ => {
                let (stem, extension) =
                    (first.file_stem()?.to_str()?, first.extension()?.to_str()?);
                first.with_file_name(format!("{stem}-{number}.{extension}"))
            }
        };
        let sidecar = sidecar::own_saved(&path, handle)?;
        Some(Self {
            path,
            bytes: sidecar.bytes?,
            sha256: sidecar.sha256,
        })
    }

    /// Whether the file is still there as it was saved.
    fn is_whole(&self) -> bool {
        let data = self.path.metadata();
        let is_of_size = data.is_ok_and(|data| data.is_file() && data.len() == self.bytes);
        let is_same = |sum: &String| sidecar::sha256(&self.path).is_ok_and(|own| own == *sum);
        is_of_size && self.sha256.as_ref().is_none_or(is_same)
    }
}
