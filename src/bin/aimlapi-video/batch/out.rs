//! The folder that the videos of a batch go to.

use std::{fs, path::PathBuf};

use aimlapi_video::{Download, JournalEntry, JournalState};

use crate::failure::{Failure, line};

/// The folder that the videos go to.
pub(super) struct Out(pub(super) PathBuf);

impl Out {
    pub(super) fn path(&self, line: usize) -> PathBuf {
        self.0.join(format!("{line:04}.mp4"))
    }

    /// Sees to it that videos can be written there, before anything is paid for.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let unusable =
            |what: String| Failure::usage(format!("{what}; name another folder by --out"));
        if self.0.exists() && !self.0.is_dir() {
            return Err(unusable(format!("{} is no folder", self.0.display())));
        }
        fs::create_dir_all(&self.0).map_err(|error| {
            unusable(format!(
                "the folder {} cannot be made: {error}",
                self.0.display()
            ))
        })?;
        Download::check_folder(&self.0).map_err(|error| unusable(line(&error)))
    }

    /// A file where a video of job `line` is to go, be it the first or a further one.
    pub(super) fn taken(&self, line: usize) -> Option<PathBuf> {
        let first = format!("{line:04}");
        let entries = fs::read_dir(&self.0).ok()?;
        let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.find(|path| {
            let is_video = path.extension().is_some_and(|extension| extension == "mp4");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let rest = stem.and_then(|stem| stem.strip_prefix(&first));
            let further = |rest: &str| {
                let number = rest.strip_prefix('-').unwrap_or_default();
                !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
            };
            is_video && rest.is_some_and(|rest| rest.is_empty() || further(rest))
        })
    }

    /// Whether all videos of a job are there.
    pub(super) fn has(&self, entry: &JournalEntry) -> bool {
        match &entry.state {
            JournalState::Saved { files, .. } => {
                !files.is_empty() && files.iter().all(|file| self.0.join(file).is_file())
            }
            _ => false,
        }
    }
}
